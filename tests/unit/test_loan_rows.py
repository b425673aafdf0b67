"""Events of a loan in whatever order, and what cannot happen to one."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import attrs
import pytest

from collectkit import servicing
from collectkit.core.calendars import Every
from collectkit.core.errors import CollectkitError, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def loan(**options: Any) -> servicing.LoanTerms:
    given: dict[str, Any] = {
        "currency": "EUR",
        "rate": Rate.percent("12"),
        "instalments": 3,
        "every": Every(1, "months"),
        "engine": "flat",
        "start_on": date(2026, 1, 1),
    }
    return servicing.LoanTerms(**{**given, **options})


DRAWN = servicing.Drawdown(amount=eur("300"))
TENTH = date(2026, 2, 10)


def test_new_terms_hold_from_the_start_of_their_day_unless_the_ledger_posted_them_later() -> None:
    paid, spread = servicing.LoanPayment(on=TENTH, amount=eur("103")), servicing.Reamortised(on=TENTH)
    given: list[list[servicing.LoanEvent]] = [[DRAWN, paid, spread], [spread, paid, DRAWN]]
    for events in given:
        assert [row.principal.minor for row in servicing.loan_rows(loan(), events)] == [0, 15000, 15000]
    posted: list[servicing.LoanEvent] = [attrs.evolve(spread, sequence=2), attrs.evolve(paid, sequence=1), DRAWN]
    assert [row.principal.minor for row in servicing.loan_rows(loan(), posted)] == [10000, 10000, 10000]


@pytest.mark.parametrize("engine", ["flat", "progressive", "cumulative", "equal_principal"])
def test_a_charge_may_stand_before_money_is_drawn(engine: Any) -> None:
    charge = servicing.Charged(on=date(2026, 1, 5), component="fee", amount=eur("5"))
    rows = servicing.loan_rows(loan(engine=engine), [charge, attrs.evolve(DRAWN, on=date(2026, 1, 20))])
    assert [row.fee.minor for row in rows] == [500, 0, 0]
    assert sum(row.principal.minor for row in rows) == 30000


@pytest.mark.parametrize("engine", ["flat", "progressive"])
def test_rows_of_a_re_aged_loan_never_fall_below_nothing(engine: Any) -> None:
    on = date(2026, 1, 10)
    aged = servicing.ReAged(on=on, first_due_on=date(2026, 1, 20), instalments=2, every=Every(1, "months"))
    rows = servicing.loan_rows(loan(engine=engine), [DRAWN, aged])
    assert [row.balance.minor for row in rows] == [15000, 15000, 0, 0, 0]


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("plans.events", servicing.Drawdown(on=date(2025, 12, 31), amount=eur("1"))),
        (
            "plans.dates",
            servicing.ReAged(on=TENTH, first_due_on=date(2026, 2, 9), instalments=2, every=Every(1, "months")),
        ),
        (
            "plans.deferral",
            servicing.Rescheduled(on=TENTH, from_due_on=date(2026, 2, 1), to_due_on=date(2026, 1, 1)),
        ),
        (
            "plans.deferral",
            servicing.Rescheduled(on=TENTH, from_due_on=date(2026, 3, 1), to_due_on=date(2026, 2, 1)),
        ),
        (
            "plans.events",
            servicing.EarlyPayment(on=TENTH, for_due_on=date(2026, 2, 1), principal=eur("1"), interest=eur("0")),
        ),
        (
            "plans.events",
            servicing.EarlyPayment(on=TENTH, for_due_on=date(2026, 3, 2), principal=eur("1"), interest=eur("0")),
        ),
    ],
)
@pytest.mark.parametrize("engine", ["flat", "progressive"])
def test_what_cannot_happen_to_a_loan_is_refused_with_the_way_out(code: str, event: Any, engine: Any) -> None:
    with pytest.raises(InvalidTerms) as refused:
        servicing.loan_rows(loan(engine=engine), [DRAWN, event])
    assert refused.value.code == code


def test_more_booked_ahead_than_is_open_is_refused() -> None:
    event = servicing.EarlyPayment(on=TENTH, for_due_on=date(2026, 3, 1), principal=eur("500"), interest=eur("0"))
    with pytest.raises(InvalidTerms) as refused:
        servicing.loan_rows(loan(engine="progressive", digits=19), [DRAWN, event])
    assert refused.value.code == "plans.overpaid"


def test_interest_booked_ahead_is_no_more_than_the_row_bears() -> None:
    event = servicing.EarlyPayment(
        on=date(2026, 1, 1), for_due_on=date(2026, 2, 1), principal=eur("1"), interest=eur("9")
    )
    rows = servicing.loan_rows(loan(engine="progressive", digits=19, principal_grace=1), [DRAWN, event])
    assert [row.interest.minor for row in rows[:2]] == [299, 299]


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("plans.dates", {"due_on": (date(2026, 3, 1), date(2026, 2, 1), date(2026, 4, 1))}),
        ("plans.dates", {"due_on": (date(2026, 1, 1), date(2026, 2, 1), date(2026, 4, 1))}),
        ("plans.dates", {"first_due_on": date(2026, 1, 1)}),
        ("plans.multiple", {"multiple": Money(0, "EUR")}),
        ("money.currency_mismatch", {"multiple": Money(100, "USD")}),
        ("records.type", {"multiple": "1"}),
        ("records.range", {"digits": 0}),
        ("records.type", {"digits": True}),
        ("records.range", {"year_days": 0}),
        ("records.type", {"year_days": 365.25}),
        ("records.range", {"month_days": -30}),
        ("records.range", {"level_days": 0}),
        ("records.type", {"recalculation": "to_payoff_day"}),
        ("records.choice", {"month_end": "cut"}),
    ],
)
def test_loan_terms_that_cannot_stand_are_refused_at_birth(code: str, options: dict[str, Any]) -> None:
    with pytest.raises(CollectkitError) as refused:
        loan(**options)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "make",
    [
        lambda: servicing.Drawdown(amount=eur("-1")),
        lambda: servicing.LoanPayment(on=TENTH, amount=eur("-1")),
        lambda: servicing.ChargedBack(on=TENTH, amount=eur("-1")),
        lambda: servicing.Charged(on=TENTH, component="fee", amount=eur("-1")),
        lambda: servicing.ChargedShare(on=TENTH, component="fee", share=Fraction(-1, 9), base=("principal",)),
    ],
)
def test_nothing_negative_happens_to_a_loan(make: Any) -> None:
    with pytest.raises(InvalidTerms) as refused:
        make()
    assert refused.value.code == "plans.amount"


def test_a_share_is_charged_of_principal_or_interest() -> None:
    with pytest.raises(InvalidTerms) as refused:
        servicing.ChargedShare(on=TENTH, component="fee", share=Fraction(1, 9), base=())
    assert refused.value.code == "plans.amounts"
    with pytest.raises(InvalidTerms, match="no money is drawn"):
        servicing.loan_rows(loan(), [servicing.Drawdown(amount=eur("0"))])


def test_a_row_moved_forward_ends_its_period_sooner_and_does_not_begin_the_next_one() -> None:
    terms = loan(
        engine="equal_principal",
        due_on=(date(2026, 1, 21), date(2026, 3, 1), date(2026, 4, 1)),
        accrual="actual_days",
        year_days=365,
    )
    rows = servicing.loan_rows(terms, [DRAWN])
    assert [row.from_on for row in rows] == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    # 300.00 for 20 days, 200.00 for 28, 100.00 for 31, at 12 % of 365
    assert [row.interest.minor for row in rows] == [197, 184, 102]


def test_interest_of_a_grace_waits_for_the_row_after_it() -> None:
    rows = servicing.loan_rows(loan(engine="equal_principal", interest_grace=1), [DRAWN])
    assert [row.interest.minor for row in rows] == [0, 300 + 200, 100]


@pytest.mark.parametrize(("is_compounding", "interest"), [(True, 152 + 100), (False, 150 + 100)])
def test_interest_unpaid_bears_interest_where_the_terms_compound(is_compounding: bool, interest: int) -> None:
    terms = loan(engine="cumulative", recalculation=servicing.Recalculation(is_compounding=is_compounding))
    late = servicing.LoanPayment(on=date(2026, 2, 15), amount=eur("102.01"))
    rows = servicing.loan_rows(terms, [DRAWN, late])
    # half of February on 300.00, with 3.00 of interest or without; then on 200.99
    assert rows[1].interest.minor == interest


AGED = servicing.ReAged(on=TENTH, first_due_on=date(2026, 5, 1), instalments=2, every=Every(1, "months"))
SHARE = servicing.ChargedShare(on=TENTH, component="fee", share=Fraction(1, 9), base=("principal",), over="each_row")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (AGED, attrs.evolve(AGED, first_due_on=date(2026, 7, 1), instalments=3)),
        (AGED, attrs.evolve(AGED, every=Every(2, "weeks"))),
        (AGED, servicing.Reamortised(on=TENTH)),
        (AGED, SHARE),
        (servicing.Drawdown(on=TENTH, amount=eur("7.77")), servicing.Drawdown(on=TENTH, amount=eur("55.55"))),
        (servicing.Payoff(on=TENTH), servicing.Recalculated(on=TENTH)),
        (servicing.LoanPayment(on=TENTH, amount=eur("101")), servicing.LoanPayment(on=TENTH, amount=eur("250"))),
        (servicing.ChargedBack(on=TENTH, amount=eur("50")), servicing.LoanPayment(on=TENTH, amount=eur("250"))),
    ],
)
@pytest.mark.parametrize("engine", ["flat", "progressive", "cumulative", "equal_principal"])
def test_two_events_of_one_day_stand_in_either_order(one: Any, other: Any, engine: Any) -> None:
    terms = loan(engine=engine, recalculation=servicing.Recalculation(has_new_level=True), down_payment=Fraction(1, 3))
    forth, back = (servicing.loan_rows(terms, [*pair, DRAWN]) for pair in ((one, other), (other, one)))
    assert forth == back
