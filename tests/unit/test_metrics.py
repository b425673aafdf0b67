"""Measures: exact fractions, named denominators, None where a denominator is zero."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from collectkit import metrics
from collectkit.core.aging import AgedAccount, BucketScheme, age, roll_matrix
from collectkit.core.errors import CurrencyMismatch, InvalidRecord
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, ContactAttempt, Debtor, Payment, Receivable
from collectkit.core.waterfall import Balance, Item, balance_of

D = date(2026, 1, 1)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def day(number: int) -> date:
    return D + timedelta(days=number)


def item(due: int, settled: int | None, minor: int = 100, currency: str = "EUR", component: str = "principal") -> Item:
    receivable = Receivable(
        receivable_id="R",
        account_id="A",
        amount_original=Money(minor, currency),
        issued_on=D,
        due_on=day(due),
        component=component,
    )
    left = minor if settled is None else 0
    return Item(
        receivable=receivable,
        amount_open=Money(left, currency),
        settled_on=None if settled is None else day(settled),
    )


# -- days of sales -----------------------------------------------------------------------------------------------------


def test_average_days_delinquent_is_dso_less_the_best_possible() -> None:
    figures: dict[str, Any] = {"credit_sales": eur(900), "days": 90}
    assert metrics.days_sales_outstanding(receivables=eur(300), **figures) == 30
    assert metrics.best_possible_dso(current_receivables=eur(200), **figures) == 20
    late = metrics.average_days_delinquent(receivables=eur(300), current_receivables=eur(200), **figures)
    assert late == 10


@pytest.mark.parametrize(
    "measure",
    [
        lambda: metrics.days_sales_outstanding(receivables=eur(1), credit_sales=eur(0), days=30),
        lambda: metrics.best_possible_dso(current_receivables=eur(1), credit_sales=eur(0), days=30),
        lambda: metrics.average_days_delinquent(
            receivables=eur(1), current_receivables=eur(1), credit_sales=eur(0), days=30
        ),
        lambda: metrics.collection_effectiveness_index(
            beginning=eur(0), credit_sales=eur(5), ending_total=eur(5), ending_current=eur(5)
        ),
        lambda: metrics.liquidation_rate(collected=eur(0), placed=eur(0)),
        lambda: metrics.recovery_rate(recovered=eur(0), charged_off=eur(0)),
        lambda: metrics.promise_kept_rate(["open", "superseded", "withdrawn"]),
        lambda: metrics.promise_rate(promises=0, right_party_contacts=0),
        lambda: metrics.right_party_contact_rate([]),
        lambda: metrics.cure_rate(roll_matrix([], [], currency="EUR")),
        lambda: metrics.count_back_dso(receivables=eur(10), sales=[(eur(5), 30)]),
    ],
)
def test_a_measure_without_a_denominator_is_none(measure: Callable[[], object]) -> None:
    assert measure() is None


@pytest.mark.parametrize(
    ("measure", "code"),
    [
        (lambda: metrics.days_sales_outstanding(receivables=eur(1), credit_sales=eur(1), days=0), "metrics.days"),
        (lambda: metrics.days_sales_outstanding(receivables=eur(-1), credit_sales=eur(1), days=3), "metrics.negative"),
        (
            lambda: metrics.average_days_delinquent(
                receivables=eur(1), current_receivables=eur(2), credit_sales=eur(1), days=3
            ),
            "metrics.part",
        ),
        (
            lambda: metrics.collection_effectiveness_index(
                beginning=eur(1), credit_sales=eur(1), ending_total=eur(1), ending_current=eur(2)
            ),
            "metrics.part",
        ),
        (
            lambda: metrics.collection_effectiveness_index(
                beginning=eur(1), credit_sales=eur(1), ending_total=eur(1), ending_current=eur(1), periods=0
            ),
            "metrics.periods",
        ),
        (lambda: metrics.count_back_dso(receivables=eur(1), sales=[(eur(1), 0)]), "metrics.days"),
        (lambda: metrics.promise_kept_rate(["failed"]), "metrics.outcome"),
        (lambda: metrics.promise_rate(promises=-1, right_party_contacts=1), "metrics.count"),
        (lambda: metrics.as_decimal(Fraction(1), -1), "metrics.places"),
    ],
)
def test_figures_that_cannot_be_are_refused(measure: Callable[[], object], code: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        measure()
    assert caught.value.code == code


def test_two_currencies_are_never_compared() -> None:
    with pytest.raises(CurrencyMismatch):
        metrics.days_sales_outstanding(receivables=eur(1), credit_sales=Money(1, "USD"), days=3)
    with pytest.raises(CurrencyMismatch):
        metrics.recovery_rate(recovered=Money(1, "USD"), charged_off=eur(1))


def test_counting_back_takes_whole_periods_and_the_needed_part_of_the_last() -> None:
    sales = [(eur(200), 30), (eur(100), 31), (eur(900), 28)]
    assert metrics.count_back_dso(receivables=eur(250), sales=sales) == 30 + Fraction(31, 2)
    assert metrics.count_back_dso(receivables=eur(300), sales=sales) == 61
    assert metrics.count_back_dso(receivables=eur(0), sales=sales) == 0


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [(Fraction(1, 3), 4, "0.3333"), (Fraction(5, 2), 0, "2"), (Fraction(-1, 8), 2, "-0.12"), (Fraction(0), 2, "0.00")],
)
def test_figures_are_rounded_for_people_half_to_even(value: Fraction, places: int, shown: str) -> None:
    made = metrics.as_decimal(value, places)
    assert isinstance(made, Decimal)
    assert str(made) == shown


def test_a_figure_that_is_not_there_stays_none() -> None:
    assert metrics.as_decimal(None, 2) is None


# -- a period ------------------------------------------------------------------------------------------------------------


def balance(on: int, receivables: list[Receivable], payments: list[Payment]) -> Balance:
    return balance_of(
        AccountSnapshot(
            as_of=day(on),
            account=Account(account_id="A", debtor_id="D"),
            debtor=Debtor(debtor_id="D", kind="business"),
            receivables=receivables,
            payments=payments,
        )
    )


def owed(name: str, minor: int, issued: int, due: int, component: str = "principal") -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=eur(minor),
        issued_on=day(issued),
        due_on=day(due),
        component=component,
    )


def test_the_figures_of_a_period_come_from_two_agings_and_the_sales_between() -> None:
    claims = [
        owed("a", 100, 0, 5),
        owed("b", 200, 12, 40),
        owed("fee", 9, 13, 13, component="fee"),
        owed("c", 50, 39, 60),
        owed("d", 70, 40, 60),
    ]
    money = [Payment(payment_id="P", account_id="A", amount=eur(100), received_on=day(20), receivable_ids=("a",))]
    figures = metrics.period_figures(
        before=[age(balance(9, claims, money))],
        after=[age(balance(39, claims, money))],
        receivables=claims,
        currency="EUR",
        start_on=day(10),
        end_on=day(40),
    )
    assert (figures.days, figures.beginning, figures.credit_sales) == (30, eur(100), eur(250))
    assert (figures.ending_total, figures.ending_current, figures.collected) == (eur(250), eur(250), eur(100))
    assert figures.days_sales_outstanding == figures.best_possible_dso == 30
    assert figures.average_days_delinquent == 0
    assert figures.collection_effectiveness_index == 100


def test_a_period_refuses_agings_of_other_days() -> None:
    aged = AgedAccount(account_id="A", as_of=day(9))
    with pytest.raises(InvalidRecord) as caught:
        metrics.period_figures(
            before=[aged], after=[aged], receivables=[], currency="EUR", start_on=day(10), end_on=day(40)
        )
    assert caught.value.code == "metrics.as_of"


def test_a_period_has_at_least_one_day() -> None:
    with pytest.raises(InvalidRecord) as caught:
        metrics.PeriodFigures(
            currency="EUR",
            start_on=D,
            end_on=D,
            beginning=eur(0),
            credit_sales=eur(0),
            ending_total=eur(0),
            ending_current=eur(0),
        )
    assert caught.value.code == "metrics.days"


# -- how debtors pay -----------------------------------------------------------------------------------------------------


def test_payment_history_counts_early_payment_below_zero_only_beyond_terms() -> None:
    history = metrics.payment_history([item(30, 40), item(30, 25), item(30, None), item(30, 90, component="fee")])
    assert (history.settled, history.late, history.late_ratio) == (2, 1, Fraction(1, 2))
    assert (history.mean_days_late, history.mean_days_late_given_late) == (5, 10)
    assert history.mean_days_beyond_terms == Fraction(5, 2)
    assert history.mean_days_to_settle == Fraction(65, 2)
    assert history.days_late_max == 10
    assert dict(history.late_days) == {"current": 1, "1-30": 1, "31-60": 0, "61-90": 0, "91+": 0}


def test_days_late_are_weighted_by_amount_in_one_currency_only() -> None:
    assert metrics.payment_history([item(30, 40, 300), item(30, 30, 100)]).weighted_days_late == Fraction(15, 2)
    assert metrics.payment_history([item(30, 40), item(30, 30, currency="USD")]).weighted_days_late is None


def test_a_history_of_nothing_has_no_means() -> None:
    history = metrics.payment_history([item(30, None)], scheme=BucketScheme.of(7))
    assert (history.settled, history.late_ratio, history.mean_days_late, history.mean_days_to_settle) == (
        0,
        None,
        None,
        None,
    )
    assert history.late_days == (("current", 0), ("1-7", 0), ("8+", 0))


def test_days_beyond_terms_of_an_open_item_are_not_known() -> None:
    assert metrics.days_beyond_terms(item(30, None)) is None
    assert metrics.days_beyond_terms(item(30, 28)) == -2


# -- rates of the work -----------------------------------------------------------------------------------------------------


def attempt(outcome: str, *, is_inbound: bool = False) -> ContactAttempt:
    return ContactAttempt(
        attempt_id="T",
        account_id="A",
        channel="phone",
        at=datetime(2026, 1, 1, 12, tzinfo=UTC),
        outcome=outcome,
        is_inbound=is_inbound,
    )


def test_calls_by_the_debtor_do_not_raise_the_contact_rate() -> None:
    attempts = [
        attempt("right_party"),
        attempt("no_answer"),
        attempt("voicemail"),
        attempt("right_party", is_inbound=True),
    ]
    assert metrics.right_party_contact_rate(attempts) == Fraction(1, 3)


def test_promises_kept_are_measured_against_those_fallen_due() -> None:
    assert metrics.promise_kept_rate(["kept", "broken", "open", "superseded"]) == Fraction(1, 2)
    assert metrics.promise_rate(promises=3, right_party_contacts=12) == Fraction(1, 4)


def test_the_cure_rate_counts_those_that_were_past_due() -> None:
    def standing(name: str, days: int) -> AgedAccount:
        made = age(balance(100, [owed("a", 100, 0, 100 - days)], []))
        return AgedAccount(account_id=name, as_of=made.as_of, items=made.items)

    before = [standing("w", 10), standing("x", 40), standing("y", 0), standing("z", 99)]
    after = [standing("w", 0), standing("x", 70)]
    assert metrics.cure_rate(roll_matrix(before, after, currency="EUR")) == Fraction(2, 3)


def test_liquidation_and_recovery_are_shares_of_what_was_placed_or_charged_off() -> None:
    assert metrics.liquidation_rate(collected=eur(25), placed=eur(100)) == Fraction(1, 4)
    assert metrics.recovery_rate(recovered=eur(1), charged_off=eur(3)) == Fraction(1, 3)


def test_a_vintage_is_a_month() -> None:
    assert metrics.vintage_of(date(2026, 12, 31)) == "2026-12"
