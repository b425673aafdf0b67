"""Aging: days past due, bands, aged accounts with plans, reports and moves between bands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from collectkit.core.aging import (
    STANDARD,
    AgedAccount,
    Bucket,
    BucketScheme,
    Pause,
    age,
    aging_report,
    bucket_of,
    days_past_due,
    delinquent_days,
    roll_back_rate,
    roll_matrix,
    roll_rate,
)
from collectkit.core.errors import InvalidDate, InvalidPolicy, InvalidRecord
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Debtor,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
)
from collectkit.core.waterfall import Balance, balance_of

D = date(2026, 1, 1)


def day(number: int) -> date:
    return D + timedelta(days=number)


def owed(name: str, minor: int, due: int, currency: str = "EUR", component: str = "principal") -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=Money(minor, currency),
        issued_on=D,
        due_on=day(due),
        component=component,
    )


def balance(on: int, *receivables: Receivable, payments: Any = (), account: str = "A") -> Balance:
    return balance_of(
        AccountSnapshot(
            as_of=day(on),
            account=Account(account_id="A", debtor_id="D"),
            debtor=Debtor(debtor_id="D", kind="business"),
            receivables=receivables,
            payments=payments,
        )
    )


def paid(name: str, minor: int, on: int, *names: str) -> Payment:
    return Payment(
        payment_id=name, account_id="A", amount=Money(minor, "EUR"), received_on=day(on), receivable_ids=names
    )


def plan(
    *parts: tuple[int, int], covers: tuple[str, ...] = ("R",), agreed: int = 50, currency: str = "EUR"
) -> PlanAgreement:
    return PlanAgreement(
        plan_id="PLAN",
        account_id="A",
        covers=covers,
        agreed_on=day(agreed),
        instalments=[
            PlannedInstalment(number=number, due_on=day(due), amount=Money(minor, currency))
            for number, (due, minor) in enumerate(parts, start=1)
        ],
    )


# -- bands ---------------------------------------------------------------------------------------------------------


def test_the_standard_scheme_has_four_bands_after_current() -> None:
    assert STANDARD.codes == ("current", "1-30", "31-60", "61-90", "91+")


@pytest.mark.parametrize(
    ("days", "code"), [(0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (90, "61-90"), (91, "91+")]
)
def test_bands_include_both_ends(days: int, code: str) -> None:
    assert bucket_of(days, STANDARD) == code


@pytest.mark.parametrize("days", [-1, 1.5, "3", True, None])
def test_days_of_a_band_are_whole_and_not_negative(days: Any) -> None:
    with pytest.raises(InvalidRecord) as caught:
        bucket_of(days, STANDARD)
    assert caught.value.code == "aging.days"


def test_a_band_says_which_days_it_holds() -> None:
    assert [Bucket(days_min=4, days_max=6, code="x").holds(days) for days in (3, 4, 6, 7)] == [False, True, True, False]
    assert Bucket(days_min=4, days_max=None, code="x").holds(10_000)


@pytest.mark.parametrize(
    ("bands", "code"),
    [
        ([(1, 3), (3, None)], "aging.overlap"),
        ([(1, 3), (5, None)], "aging.gap"),
        ([(2, None)], "aging.gap"),
        ([(0, 3), (4, None)], "aging.overlap"),
        ([(1, 3)], "aging.gap"),
        ([(1, None), (31, None)], "aging.overlap"),
        ([(31, None), (1, 30)], "aging.gap"),
        ([(1, 30), (10, 5), (6, None)], "aging.empty_bucket"),
        ([], "aging.no_buckets"),
    ],
)
def test_a_scheme_with_a_gap_or_an_overlap_is_refused(bands: list[tuple[int, int | None]], code: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        BucketScheme(
            buckets=[Bucket(days_min=first, days_max=last, code=f"b{n}") for n, (first, last) in enumerate(bands)]
        )
    assert code in {problem.code for problem in caught.value.problems}


def test_every_problem_of_a_scheme_is_told_at_once() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        BucketScheme(buckets=[Bucket(days_min=1, days_max=5, code="a"), Bucket(days_min=5, days_max=9, code="b")])
    assert [problem.code for problem in caught.value.problems] == ["aging.overlap", "aging.gap"]


def test_codes_of_a_scheme_are_unique() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        BucketScheme(buckets=[Bucket(days_min=1, days_max=None, code="current")])
    assert caught.value.code == "aging.codes"


# -- days ----------------------------------------------------------------------------------------------------------


def test_nothing_is_past_due_on_its_due_day() -> None:
    assert days_past_due(due_on=D, as_of=D) == 0
    assert days_past_due(due_on=D, as_of=day(-5)) == 0


def test_days_past_due_refuses_an_instant() -> None:
    with pytest.raises(InvalidDate):
        days_past_due(due_on=D, as_of=datetime(2026, 1, 1))  # noqa: DTZ001 - refused before its zone matters


def test_overlapping_pauses_count_their_days_once() -> None:
    pauses = [
        Pause(start_on=day(2), end_on=day(6)),
        Pause(start_on=day(4), end_on=day(8)),
        Pause(start_on=day(3), end_on=day(5)),
    ]
    assert delinquent_days(due_on=D, as_of=day(10), pauses=pauses) == 4


def test_a_running_pause_stops_the_days_from_its_start() -> None:
    assert delinquent_days(due_on=D, as_of=day(10), pauses=[Pause(start_on=day(3))]) == 3


def test_a_pause_before_the_due_day_counts_for_nothing() -> None:
    assert delinquent_days(due_on=day(5), as_of=day(10), pauses=[Pause(start_on=D, end_on=day(5))]) == 5


def test_a_pause_also_stops_the_grace() -> None:
    pauses = [Pause(start_on=D, end_on=day(5))]
    assert delinquent_days(due_on=D, as_of=day(10), grace_days=3, grace_shifts_due=True, pauses=pauses) == 2
    assert delinquent_days(due_on=D, as_of=day(10), grace_days=5, pauses=pauses) == 0


@pytest.mark.parametrize("grace", [-1, 4000, 1.0])
def test_grace_is_a_whole_number_of_days(grace: Any) -> None:
    with pytest.raises(InvalidRecord) as caught:
        delinquent_days(due_on=D, as_of=day(10), grace_days=grace)
    assert caught.value.code == "aging.grace"


def test_a_pause_does_not_end_before_it_starts() -> None:
    with pytest.raises(InvalidRecord) as caught:
        Pause(start_on=day(2), end_on=day(1))
    assert caught.value.code == "aging.pause"


# -- one account -----------------------------------------------------------------------------------------------------


def test_arrears_are_summed_per_currency_in_alphabetical_order() -> None:
    aged = age(balance(40, owed("a", 100, 10), owed("b", 50, 20, "CAD"), owed("c", 7, 39), owed("d", 900, 60)))
    assert aged.arrears == (Money(50, "CAD"), Money(107, "EUR"))
    assert (aged.days_past_due, aged.oldest_due_on, aged.next_due_on) == (30, day(10), day(60))
    assert aged.is_delinquent
    assert aged.arrears_in("EUR") == Money(107, "EUR")
    assert aged.arrears_in("USD") == Money(0, "USD")
    assert [item.receivable_id for item in aged.past_due_items] == ["a", "b", "c"]


def test_what_is_paid_does_not_age() -> None:
    aged = age(balance(40, owed("a", 100, 10), payments=[paid("P", 100, 39)]))
    assert aged == AgedAccount(account_id="A", as_of=day(40))


def test_a_receivable_due_today_is_next_due() -> None:
    aged = age(balance(10, owed("a", 100, 10)))
    assert (aged.days_past_due, aged.next_due_on, aged.oldest_due_on) == (0, day(10), None)


def test_charges_stand_outside_arrears_unless_included() -> None:
    held = balance(40, owed("a", 100, 35), owed("fee", 9, 10, component="fee"))
    apart, together = age(held), age(held, include_charges=True)
    assert (apart.days_past_due, apart.arrears) == (5, (Money(100, "EUR"),))
    assert (together.days_past_due, together.arrears) == (30, (Money(109, "EUR"),))
    assert [item.is_charge for item in apart.items] == [True, False]


def test_grace_as_a_gate_hides_the_item_and_then_counts_all_its_days() -> None:
    held = balance(40, owed("a", 100, 35))
    within, past = age(held, grace_days=5), age(held, grace_days=4)
    assert (within.days_past_due, within.delinquent_days, within.arrears) == (5, 0, ())
    assert within.items[0].bucket == "current"
    assert not within.is_delinquent
    assert (past.delinquent_days, past.arrears) == (5, (Money(100, "EUR"),))


def test_pauses_move_an_item_to_a_milder_band() -> None:
    aged = age(balance(45, owed("a", 100, 10)), pauses=[Pause(start_on=day(20), end_on=day(30))])
    assert (aged.items[0].days_past_due, aged.items[0].delinquent_days, aged.items[0].bucket) == (35, 25, "1-30")


def test_a_balance_may_be_aged_as_of_a_later_day_only() -> None:
    held = balance(40, owed("a", 100, 35))
    assert age(held, as_of=day(50)).days_past_due == 15
    with pytest.raises(InvalidRecord) as caught:
        age(held, as_of=day(39))
    assert caught.value.code == "aging.as_of"


# -- plans -----------------------------------------------------------------------------------------------------------


def test_while_a_plan_is_kept_only_its_instalments_age() -> None:
    aged = age(balance(70, owed("R", 100, 10), owed("S", 40, 65)), plans=[plan((60, 50), (90, 50))])
    assert [
        (item.receivable_id, item.plan_id, item.instalment_number, item.amount_open.minor) for item in aged.items
    ] == [
        (None, "PLAN", 1, 50),
        ("S", None, None, 40),
        (None, "PLAN", 2, 50),
    ]
    assert (aged.days_past_due, aged.arrears, aged.next_due_on) == (10, (Money(90, "EUR"),), day(90))


def test_money_since_the_agreement_fills_instalments_in_order() -> None:
    money = [paid("old", 30, 40, "R"), paid("P", 35, 55, "R"), paid("Q", 20, 60, "R")]
    aged = age(balance(70, owed("R", 130, 10), payments=money), plans=[plan((60, 50), (90, 50))])
    assert [(item.instalment_number, item.amount_open.minor) for item in aged.items] == [(2, 45)]
    assert aged.arrears == ()


def test_no_instalment_asks_for_more_than_is_open_of_what_is_covered() -> None:
    aged = age(balance(100, owed("R", 60, 10)), plans=[plan((60, 50), (90, 50))])
    assert [item.amount_open.minor for item in aged.items] == [50, 10]
    done = age(balance(100, owed("R", 60, 10), payments=[paid("P", 60, 40, "R")]), plans=[plan((60, 50), (90, 50))])
    assert done.items == ()


def test_a_covered_receivable_in_another_currency_ages_by_itself() -> None:
    aged = age(balance(70, owed("R", 100, 10, "USD")), plans=[plan((60, 50))])
    assert [(item.receivable_id, item.days_past_due) for item in aged.items] == [("R", 60)]


def test_two_kept_plans_over_one_receivable_are_refused() -> None:
    other = PlanAgreement(
        plan_id="OTHER",
        account_id="A",
        covers=("R",),
        agreed_on=D,
        instalments=[PlannedInstalment(number=1, due_on=day(60), amount=Money(50, "EUR"))],
    )
    with pytest.raises(InvalidRecord) as caught:
        age(balance(70, owed("R", 100, 10)), plans=[plan((60, 50)), other])
    assert caught.value.code == "aging.two_plans"


def test_two_plans_over_different_receivables_do_not_share_money() -> None:
    other = PlanAgreement(
        plan_id="OTHER",
        account_id="A",
        covers=("S",),
        agreed_on=D,
        instalments=[PlannedInstalment(number=1, due_on=day(60), amount=Money(50, "EUR"))],
    )
    held = balance(70, owed("R", 50, 10), owed("S", 50, 10), payments=[paid("P", 50, 55, "S")])
    aged = age(held, plans=[plan((60, 50)), other])
    assert [(item.plan_id, item.amount_open.minor) for item in aged.items] == [("PLAN", 50)]


# -- reports -----------------------------------------------------------------------------------------------------------


def test_a_report_shows_every_band_per_currency() -> None:
    one = age(balance(45, owed("a", 100, 10), owed("b", 50, 44), owed("c", 7, 60), owed("d", 5, 45, "CAD")))
    report = aging_report([one, age(balance(45, owed("x", 1, 44)))])
    assert [currency.currency for currency in report.currencies] == ["CAD", "EUR"]
    euro = report.of("EUR")
    assert euro is not None
    assert [(row.bucket, row.count, row.amount.minor) for row in euro.rows] == [
        ("current", 1, 7),
        ("1-30", 2, 51),
        ("31-60", 1, 100),
        ("61-90", 0, 0),
        ("91+", 0, 0),
    ]
    assert (euro.count, euro.amount, euro.days_past_due_max) == (4, Money(158, "EUR"), 35)
    assert (report.accounts, report.accounts_past_due) == (2, 2)
    assert report.of("USD") is None


def test_a_report_may_leave_charges_out() -> None:
    aged = age(balance(45, owed("a", 100, 60), owed("fee", 9, 10, component="fee")))
    with_charges, without = aging_report([aged]).of("EUR"), aging_report([aged], include_charges=False).of("EUR")
    assert with_charges is not None
    assert without is not None
    assert (with_charges.count, without.count) == (2, 1)
    assert aging_report([aged], include_charges=False).accounts_past_due == 0


def test_an_unknown_band_is_refused_with_the_choices() -> None:
    report = aging_report([age(balance(45, owed("a", 100, 10)))]).of("EUR")
    assert report is not None
    assert report.row("31-60").count == 1
    with pytest.raises(InvalidRecord) as caught:
        report.row("90+")
    assert caught.value.code == "aging.unknown_bucket"
    assert "91+" in caught.value.text


# -- moves between bands -----------------------------------------------------------------------------------------------


def standing(account_id: str, days: int, minor: int) -> AgedAccount:
    made = age(balance(200, owed("a", minor, 200 - days)))
    return AgedAccount(account_id=account_id, as_of=made.as_of, items=made.items)


def test_roll_rates_by_count_and_by_balance() -> None:
    before = [standing("w", 10, 100), standing("x", 20, 300), standing("y", 40, 50), standing("z", 95, 10)]
    after = [standing("w", 40, 100), standing("x", 5, 200), standing("z", 125, 10)]
    matrix = roll_matrix(before, after, currency="EUR")
    assert roll_rate(matrix, "1-30") == Fraction(1, 2)
    assert roll_rate(matrix, "1-30", weight="balance") == Fraction(1, 4)
    assert roll_back_rate(matrix, "31-60") == 1  # y has nothing open any more
    assert roll_rate(matrix, "91+") == 1  # no next band: those that stayed
    assert roll_rate(matrix, "61-90") is None
    assert roll_back_rate(matrix, "61-90", weight="balance") is None


def test_an_account_with_nothing_open_in_the_currency_is_not_followed() -> None:
    matrix = roll_matrix([standing("w", 10, 100)], [], currency="USD")
    assert all(sum(row) == 0 for row in matrix.counts)


def test_charges_do_not_place_an_account() -> None:
    fee = age(balance(45, owed("fee", 9, 10, component="fee")), include_charges=True)
    assert sum(map(sum, roll_matrix([fee], [], currency="EUR").counts)) == 0


@pytest.mark.parametrize(
    ("bucket", "weight", "code"), [("90+", "count", "aging.unknown_bucket"), ("1-30", "sum", "aging.weight")]
)
def test_a_wrong_band_or_weight_is_refused(bucket: str, weight: Any, code: str) -> None:
    matrix = roll_matrix([], [], currency="EUR")
    with pytest.raises(InvalidRecord) as caught:
        roll_rate(matrix, bucket, weight=weight)
    assert caught.value.code == code
