"""Servicing: where a plan stands, every change of it, how it ends, and loans replayed from their events."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import attrs
import pytest

from collectkit import plans, servicing
from collectkit.core.calendars import Every
from collectkit.core.decisions import Declined
from collectkit.core.errors import CurrencyMismatch, InvalidDate, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    CreditNote,
    Debtor,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
)
from collectkit.core.waterfall import Applied, balance_of
from collectkit.servicing import InstalmentState, PlanStatus

START = date(2026, 1, 1)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def agreement(**change: Any) -> PlanAgreement:
    given: dict[str, Any] = {
        "plan_id": "P-1",
        "account_id": "A-1",
        "covers": ("R-1",),
        "agreed_on": START,
        "instalments": [
            PlannedInstalment(number=number, due_on=date(2026, number + 1, 1), amount=eur("100"))
            for number in (1, 2, 3)
        ],
        "tolerance_days": 5,
    }
    return PlanAgreement(**{**given, **change})


def paid(on: date, amount: str, **more: Any) -> Payment:
    return Payment(payment_id=f"Z-{on}-{amount}", account_id="A-1", amount=eur(amount), received_on=on, **more)


def standing(as_of: date, *payments: Any, plan: Any = None, **more: Any) -> servicing.PlanStanding:
    return servicing.plan_status(plan=agreement() if plan is None else plan, paid=payments, as_of=as_of, **more)


def code_of(make: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidTerms) as refused:
        make(*args, **kwargs)
    return refused.value.code


# -- the standing ------------------------------------------------------------------------------------------------


def test_a_plan_is_proposed_before_the_day_it_is_agreed() -> None:
    seen = standing(date(2025, 12, 31))
    assert (seen.status, seen.next_on) == (PlanStatus.PROPOSED, START)
    assert not seen.status.is_running


def test_a_plan_is_active_from_the_day_it_is_agreed() -> None:
    assert standing(START).status is PlanStatus.ACTIVE


def test_a_plan_is_active_until_the_day_after_a_due_date() -> None:
    on_the_day = standing(date(2026, 2, 1))
    assert (on_the_day.status, on_the_day.next_on) == (PlanStatus.ACTIVE, date(2026, 2, 2))
    assert on_the_day.arrears.is_zero
    next_day = standing(date(2026, 2, 2))
    assert (next_day.status, next_day.arrears, next_day.next_on) == (PlanStatus.BEHIND, eur("100"), date(2026, 2, 7))
    assert next_day.status.is_running
    assert next_day.instalments[0].days_past_due == 1


def test_a_plan_breaks_on_the_day_after_its_tolerance_ends() -> None:
    assert standing(date(2026, 2, 6)).status is PlanStatus.BEHIND
    seen = standing(date(2026, 2, 7))
    assert (seen.status, seen.broken_on, seen.next_on) == (PlanStatus.BROKEN, date(2026, 2, 7), None)


def test_a_broken_plan_can_still_be_ended_by_the_creditor() -> None:
    seen = standing(date(2026, 2, 10), plan=agreement(cancelled_on=date(2026, 3, 5)))
    assert (seen.status, seen.next_on) == (PlanStatus.BROKEN, date(2026, 3, 5))
    new = agreement(plan_id="P-2", supersedes="P-1", agreed_on=date(2026, 2, 9))
    over = standing(date(2026, 2, 10), plan=agreement(cancelled_on=date(2026, 3, 5)), others=[new])
    assert (over.status, over.next_on) == (PlanStatus.SUPERSEDED, None)


def test_days_past_due_are_counted_for_what_is_open_alone() -> None:
    seen = standing(date(2026, 3, 4), paid(date(2026, 2, 1), "100"))
    assert [part.days_past_due for part in seen.instalments] == [0, 3, 0]


def test_money_within_the_tolerance_keeps_the_plan() -> None:
    seen = standing(date(2026, 2, 20), paid(date(2026, 2, 6), "100"))
    assert (seen.status, seen.broken_on) == (PlanStatus.ACTIVE, None)
    assert (seen.instalments[0].state, seen.instalments[0].met_on) == (InstalmentState.MET, date(2026, 2, 6))


def test_money_after_the_tolerance_does_not_mend_the_plan() -> None:
    seen = standing(date(2026, 2, 20), paid(date(2026, 2, 7), "300"))
    assert (seen.status, seen.broken_on) == (PlanStatus.BROKEN, date(2026, 2, 7))
    assert all(part.state is InstalmentState.MET for part in seen.instalments)


def test_instalments_are_upcoming_partly_met_met_missed_or_broken() -> None:
    def states(as_of: date, *payments: Payment) -> list[str]:
        return [part.state.value for part in standing(as_of, *payments).instalments]

    some = paid(date(2026, 1, 20), "150")
    assert states(date(2026, 1, 20), some) == ["met", "partly_met", "upcoming"]
    assert states(date(2026, 3, 2), some) == ["met", "missed", "upcoming"]
    assert states(date(2026, 3, 7), some) == ["met", "broken", "upcoming"]
    assert standing(date(2026, 1, 20), some).next_instalment.amount_open == eur("50")  # type: ignore[union-attr]


def test_a_cent_too_little_breaks_unless_the_terms_tolerate_it() -> None:
    short = paid(date(2026, 2, 1), "99.99")
    assert standing(date(2026, 2, 7), short).status is PlanStatus.BROKEN
    tolerant = agreement(tolerance_amount=eur("0.01"))
    assert standing(date(2026, 2, 7), short, plan=tolerant).status is PlanStatus.BEHIND
    most = [paid(date(2026, month, 1), amount) for month, amount in ((2, "100"), (3, "100"), (4, "99.99"))]
    seen = standing(date(2026, 4, 7), *most, plan=tolerant)
    assert (seen.status, seen.completed_on, seen.amount_open) == (PlanStatus.COMPLETED, date(2026, 4, 7), eur("0.01"))


def test_a_plan_paid_on_its_last_day_is_completed() -> None:
    seen = standing(date(2026, 4, 1), paid(date(2026, 1, 5), "200"), paid(date(2026, 4, 1), "100"))
    assert (seen.status, seen.completed_on, seen.next_on) == (PlanStatus.COMPLETED, date(2026, 4, 1), None)
    assert seen.next_instalment is None


def test_what_is_paid_too_much_is_shown_and_owed_by_no_one() -> None:
    seen = standing(date(2026, 1, 10), paid(date(2026, 1, 5), "310"))
    assert (seen.overpaid, seen.amount_open, seen.amount_paid) == (eur("10"), eur("0"), eur("300"))
    assert seen.status is PlanStatus.COMPLETED


def test_a_payment_that_was_returned_never_met_the_plan() -> None:
    back = paid(date(2026, 2, 1), "100", returned_on=date(2026, 2, 10))
    assert standing(date(2026, 2, 9), back).status is PlanStatus.ACTIVE
    assert standing(date(2026, 2, 10), back).status is PlanStatus.BROKEN


def test_a_post_dated_payment_counts_from_its_effective_day() -> None:
    later = paid(date(2026, 1, 5), "100", effective_on=date(2026, 2, 1))
    assert standing(date(2026, 1, 31), later).amount_paid.is_zero
    assert standing(date(2026, 2, 2), later).status is PlanStatus.ACTIVE


def test_post_dated_and_returned_money_is_a_day_on_which_to_look_again() -> None:
    old = plan(tolerance_days=30)
    cheque = Payment(
        payment_id="Z",
        account_id="A-1",
        amount=old.schedule[0].total,
        received_on=date(2026, 2, 3),
        effective_on=date(2026, 2, 20),
        returned_on=date(2026, 2, 25),
    )
    found = [
        servicing.plan_status(plan=old, paid=[cheque], as_of=day)
        for day in (date(2026, 2, 5), date(2026, 2, 20), date(2026, 2, 25))
    ]
    assert [one.status.value for one in found] == ["behind", "active", "behind"]
    assert [one.next_on for one in found] == [date(2026, 2, 20), date(2026, 2, 25), date(2026, 3, 2)]


def test_only_money_for_what_the_plan_covers_counts() -> None:
    other = paid(date(2026, 1, 5), "100", receivable_ids=["R-9"])
    named = paid(date(2026, 1, 5), "100", receivable_ids=["R-1"])
    before = paid(date(2025, 12, 31), "100")
    dollars = attrs.evolve(named, amount=Money(100, "USD"), receivable_ids=())
    assert standing(date(2026, 1, 6), other, before, dollars).amount_paid.is_zero
    assert standing(date(2026, 1, 6), named).amount_paid == eur("100")
    applied = Applied(
        source_id="Z", receivable_id="R-1", component="principal", amount=eur("7"), applied_on=date(2026, 1, 5)
    )
    assert standing(date(2026, 1, 6), applied).amount_paid == eur("7")
    assert standing(date(2026, 1, 6), attrs.evolve(applied, receivable_id="R-2")).amount_paid.is_zero
    with pytest.raises(CurrencyMismatch):
        standing(date(2026, 1, 6), attrs.evolve(applied, amount=Money(7, "USD")))


def test_cancelled_and_superseded_plans_say_so_from_their_day() -> None:
    ending = agreement(cancelled_on=date(2026, 1, 15))
    assert standing(date(2026, 1, 14), plan=ending).next_on == date(2026, 1, 15)
    assert standing(date(2026, 1, 15), plan=ending).status is PlanStatus.CANCELLED
    new = agreement(plan_id="P-2", supersedes="P-1", agreed_on=date(2026, 1, 20))
    assert standing(date(2026, 1, 19), others=[new]).next_on == date(2026, 1, 20)
    assert standing(date(2026, 1, 20), others=[new]).status is PlanStatus.SUPERSEDED
    assert standing(date(2026, 2, 20), others=[new]).next_on is None


def test_no_instalment_asks_for_more_than_the_debt_that_is_left() -> None:
    seen = standing(date(2026, 2, 20), paid(date(2026, 2, 1), "100"), owed=eur("30"))
    assert [part.amount.minor for part in seen.instalments] == [10000, 3000, 0]
    assert seen.amount_open == eur("30")
    with pytest.raises(CurrencyMismatch):
        standing(date(2026, 2, 20), owed=Money(1, "USD"))


def test_a_plan_at_the_end_of_the_calendar_still_has_a_standing() -> None:
    far = agreement(
        instalments=[PlannedInstalment(number=1, due_on=date(9999, 12, 31), amount=eur("1"))], tolerance_days=400
    )
    assert standing(date(9999, 12, 31), plan=far).status is PlanStatus.ACTIVE


def test_a_day_of_judgement_that_is_no_date_is_refused() -> None:
    with pytest.raises(InvalidDate):
        standing("2026-01-01")  # type: ignore[arg-type]


def snapshot(as_of: date, *agreements: PlanAgreement, **more: Any) -> AccountSnapshot:
    invoice = Receivable(
        receivable_id="R-1",
        account_id="A-1",
        amount_original=eur("300"),
        issued_on=date(2025, 11, 1),
        due_on=date(2025, 12, 1),
    )
    return AccountSnapshot(
        as_of=as_of,
        account=Account(account_id="A-1", debtor_id="D-1"),
        debtor=Debtor(debtor_id="D-1", kind="business"),
        receivables=[invoice],
        plans=agreements,
        **more,
    )


def states(seen: AccountSnapshot) -> list[tuple[str, str]]:
    judged = servicing.plan_states(snapshot=seen, balance=balance_of(seen))
    return [(one.agreement.plan_id, one.status.value) for one in judged]


def test_the_plans_of_an_account_are_judged_from_what_was_applied() -> None:
    seen = snapshot(date(2026, 2, 20), agreement(), payments=[paid(date(2026, 1, 30), "100")])
    (state,) = servicing.plan_states(snapshot=seen, balance=balance_of(seen))
    assert state.is_kept
    assert not state.is_broken
    assert state.next_on == date(2026, 3, 2)


def test_a_later_plan_for_the_same_debt_stands_in_place_of_the_earlier() -> None:
    later = agreement(plan_id="P-2", agreed_on=date(2026, 1, 15))
    elsewhere = agreement(plan_id="P-3", agreed_on=date(2026, 1, 20), covers=("R-7",))
    seen = snapshot(date(2026, 1, 25), later, elsewhere, agreement())
    assert states(seen) == [("P-1", "superseded"), ("P-2", "active"), ("P-3", "completed")]


def test_of_two_plans_of_one_day_the_one_that_says_so_supersedes_the_other() -> None:
    old = agreement(plan_id="P-9")
    new = agreement(plan_id="P-1", supersedes="P-9")
    assert states(snapshot(date(2026, 1, 25), old, new)) == [("P-1", "active"), ("P-9", "superseded")]
    unsaid = attrs.evolve(new, supersedes=None)
    assert states(snapshot(date(2026, 1, 25), old, unsaid)) == [("P-1", "superseded"), ("P-9", "active")]


def test_a_credit_note_that_settles_the_debt_completes_the_plan() -> None:
    credit = CreditNote(credit_note_id="C-1", account_id="A-1", amount=eur("300"), issued_on=date(2026, 1, 10))
    assert states(snapshot(date(2026, 3, 20), agreement(), credit_notes=[credit])) == [("P-1", "completed")]


def test_a_broken_plan_is_told_as_broken() -> None:
    seen = snapshot(date(2026, 3, 20), agreement())
    (state,) = servicing.plan_states(snapshot=seen, balance=balance_of(seen))
    assert state.is_broken
    assert not state.is_kept


# -- changes -----------------------------------------------------------------------------------------------------


def plan(**change: Any) -> plans.PaymentPlan:
    given: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": eur("1000"),
        "rate": Rate.percent("12"),
        "instalments": 6,
        "start_on": START,
        "account_id": "A-1",
        "covers": ("R-1",),
    }
    return plans.amortised_plan(**{**given, **change})


def on_time(of: plans.PaymentPlan, rows: int) -> list[Payment]:
    return [
        Payment(payment_id=f"Z-{row.number}", account_id="A-1", amount=row.total, received_on=row.due_on)
        for row in of.schedule[:rows]
    ]


def totals(of: plans.PaymentPlan) -> list[int]:
    return [row.total.minor for row in of.schedule]


def days(of: plans.PaymentPlan) -> list[str]:
    return [str(row.due_on) for row in of.schedule]


def test_money_ahead_shortens_the_plan_at_the_same_instalment() -> None:
    old = plan()
    new = servicing.prepay(
        plan=old,
        plan_id="P-2",
        amount=eur("400"),
        on=date(2026, 3, 1),
        effect="shorten",
        paid=on_time(old, 2)[:1],
    )
    # row 1 stands, row 2 falls due on the day itself and is still open; 400.00 goes off at once
    assert new.schedule[0] == old.schedule[0]
    assert (new.schedule[1].due_on, new.schedule[1].total) == (date(2026, 3, 1), eur("400"))
    assert totals(new)[2] == totals(old)[1] + 400  # a month of interest on the 400.00 is asked for with it
    assert len(new.schedule) < len(old.schedule) + 1
    assert new.principal == old.principal
    assert (new.supersedes, new.agreed_on, new.covers) == ("P-1", date(2026, 3, 1), ("R-1",))


def test_money_ahead_lowers_the_instalments_on_the_same_dates() -> None:
    old = plan()
    new = servicing.prepay(
        plan=old, plan_id="P-2", amount=eur("400"), on=date(2026, 3, 15), effect="lower", paid=on_time(old, 2)
    )
    assert days(new)[3:] == days(old)[2:]
    assert totals(new)[4] < totals(old)[3]
    # 14 of 31 days of March on 400.00 at 1 %, with the next row
    rest = old.schedule[1].balance_minor - 40_000
    assert new.schedule[3].interest_minor == round(Fraction(rest, 100)) + round(Fraction(40_000 * 14, 31 * 100))


def test_money_ahead_that_skips_instalments_changes_nothing() -> None:
    old = plan()
    assert servicing.prepay(plan=old, plan_id="P-2", amount=eur("1"), on=START, effect="skip_ahead") is old


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": eur("1000")}, "plans.overpaid"),
        ({"amount": eur("5000")}, "plans.overpaid"),
        ({"amount": eur("0")}, "plans.amount"),
        ({"amount": 5}, "plans.amount"),
        ({"effect": "double"}, "plans.events"),
        ({"on": date(2025, 12, 31)}, "plans.events"),
    ],
)
def test_money_ahead_that_makes_no_sense_is_refused(change: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"plan": plan(), "plan_id": "P-2", "amount": eur("5"), "on": START, "effect": "lower"}
    assert code_of(servicing.prepay, **{**given, **change}) == code


def test_money_ahead_in_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        servicing.prepay(plan=plan(), plan_id="P-2", amount=Money(5, "USD"), on=START, effect="lower")


def test_an_event_before_the_plan_is_refused() -> None:
    assert code_of(servicing.reamortise, plan=plan(), plan_id="P-2", on=date(2025, 12, 31)) == "plans.events"


def test_a_plan_that_is_paid_has_nothing_to_change() -> None:
    old = plan()
    assert (
        code_of(servicing.reamortise, plan=old, plan_id="P-2", on=date(2026, 8, 1), paid=on_time(old, 6))
        == "plans.events"
    )


def test_what_is_open_is_spread_over_the_rows_to_come() -> None:
    old = plans.equal_split_plan(plan_id="P-1", principal=eur("600"), instalments=6, start_on=START)
    new = servicing.reamortise(plan=old, plan_id="P-2", on=date(2026, 4, 10), paid=on_time(old, 1))
    # row 1 is paid, rows 2 and 3 are past due: 500.00 over the three that are left
    assert totals(new) == [10000, 16666, 16666, 16668] or totals(new) == [10000, 16667, 16667, 16666]
    assert days(new) == ["2026-02-01", "2026-05-01", "2026-06-01", "2026-07-01"]


def test_what_becomes_of_arrears_must_be_said_in_a_known_word() -> None:
    assert code_of(servicing.reamortise, plan=plan(), plan_id="P-2", on=START, arrears="forget") == "plans.events"


def test_money_ahead_of_an_interest_only_plan_cannot_shorten_it() -> None:
    old = plans.interest_only_plan(
        plan_id="P-1", principal=eur("1000"), rate=Rate.percent("12"), instalments=6, start_on=START
    )
    new = servicing.prepay(plan=old, plan_id="P-2", amount=eur("400"), on=START, effect="shorten")
    assert days(new)[1:] == days(old)
    assert totals(new) == [40000, 600, 600, 600, 600, 600, 60600]


def test_a_fee_on_a_plan_with_arrears_goes_with_the_plan_laid_out_anew() -> None:
    new = servicing.add_fee(plan=plan(), plan_id="P-2", on=date(2026, 3, 10), fee=eur("5"))
    assert new.schedule[0].fee == eur("5")
    assert new.principal == eur("1000")


# capitalised interest bears from the day of the change: 9 of 28 days of 10.00, and 19 of 28 of 10.10
@pytest.mark.parametrize(("arrears", "first_interest"), [("collect", 2000), ("waive", 1000), ("capitalise", 1006)])
def test_interest_past_due_is_collected_waived_or_capitalised(arrears: Any, first_interest: int) -> None:
    old = plan()
    new = servicing.reamortise(plan=old, plan_id="P-2", on=date(2026, 2, 10), arrears=arrears)
    assert new.schedule[0].interest_minor == first_interest
    assert new.principal.minor == (101_000 if arrears == "capitalise" else 100_000)


def test_money_that_met_a_part_of_a_row_past_due_pays_its_interest_first() -> None:
    old = plan()
    new = servicing.reamortise(plan=old, plan_id="P-2", on=date(2026, 2, 10), paid=[paid(date(2026, 2, 5), "12")])
    assert (new.schedule[0].interest, new.schedule[0].principal, new.schedule[0].due_on) == (
        eur("10"),
        eur("2"),
        date(2026, 2, 1),
    )
    assert new.carried == 1
    assert new.explain(1).text.startswith("instalment 1 of 12.00 EUR: carried over")


def test_a_plan_can_be_extended() -> None:
    old = plan()
    new = servicing.extend(plan=old, plan_id="P-2", on=date(2026, 3, 10), instalments=6, paid=on_time(old, 2))
    assert len(new.schedule) == 12
    assert days(new)[-1] == "2027-01-01"
    assert totals(new)[3] < totals(old)[3] / 2 + 1000
    assert code_of(servicing.extend, plan=old, plan_id="P-2", on=START, instalments=0) == "plans.count"
    listed = plans.agreed_plan(plan_id="P-1", principal=eur("10"), start_on=START, parts=[(date(2026, 2, 1), None)])
    assert code_of(servicing.extend, plan=listed, plan_id="P-2", on=START, instalments=1) == "plans.events"


def test_re_ageing_starts_a_new_run() -> None:
    old = plan()
    new = servicing.re_age(
        plan=old,
        plan_id="P-2",
        on=date(2026, 6, 15),
        first_due_on=date(2026, 7, 31),
        instalments=4,
        paid=on_time(old, 1),
    )
    assert days(new) == ["2026-02-01", "2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31"]
    assert new.principal == old.principal
    assert (
        code_of(
            servicing.re_age,
            plan=old,
            plan_id="P-2",
            on=date(2026, 6, 15),
            first_due_on=date(2026, 6, 14),
            instalments=4,
        )
        == "plans.dates"
    )


def test_a_plan_past_its_end_can_be_re_aged_but_not_spread() -> None:
    old = plan()
    late = date(2026, 12, 1)
    assert code_of(servicing.reamortise, plan=old, plan_id="P-2", on=late) == "plans.events"
    new = servicing.re_age(plan=old, plan_id="P-2", on=late, first_due_on=date(2027, 1, 1), instalments=3)
    # eleven months on the whole debt, of which nothing was paid, up to the day; one more to the first instalment
    assert new.schedule[0].interest_minor == 11_000 + 1000


def test_new_terms_hold_from_their_day() -> None:
    old = plan()
    new = servicing.restructure(
        plan=old, plan_id="P-2", on=date(2026, 2, 15), instalments=10, rate=Rate.percent("6"), paid=on_time(old, 1)
    )
    assert new.terms.rate == Rate.percent("6")
    assert days(new)[1] == "2026-03-01"
    weekly = servicing.restructure(
        plan=old, plan_id="P-3", on=date(2026, 2, 15), instalments=10, every=Every(1, "weeks"), paid=on_time(old, 1)
    )
    assert days(weekly)[1:3] == ["2026-02-22", "2026-03-01"]


def test_deferred_payments_keep_their_amounts_and_leave_paid_rows_alone() -> None:
    old = plan()
    new = servicing.defer(
        plan=old, plan_id="P-2", on=date(2026, 3, 15), payments=2, interest="waive", paid=on_time(old, 2)
    )
    assert new.schedule[:2] == old.schedule[:2]
    assert totals(new) == totals(old)
    assert days(new) == ["2026-02-01", "2026-03-01", "2026-06-01", "2026-07-01", "2026-08-01", "2026-09-01"]


def test_interest_of_a_deferral_is_collected_or_capitalised_when_the_policy_says_so() -> None:
    old = plan()
    open_debt = old.schedule[1].balance_minor
    common: dict[str, Any] = {"plan": old, "plan_id": "P-2", "on": date(2026, 3, 15), "paid": on_time(old, 2)}
    collected = servicing.defer(payments=2, interest="collect", **common)
    assert collected.schedule[2].interest_minor == old.schedule[2].interest_minor + round(Fraction(2 * open_debt, 100))
    assert totals(collected)[3:] == totals(old)[3:]
    capitalised = servicing.defer(payments=2, interest="capitalise", **common)
    assert capitalised.principal.minor == old.principal.minor + round(Fraction(2 * open_debt, 100))
    assert capitalised.schedule[:2] == old.schedule[:2]


def test_a_plan_may_be_deferred_to_a_date() -> None:
    old = plan(start_on=date(2026, 1, 31))
    to_step = servicing.defer(
        plan=old, plan_id="P-2", on=date(2026, 3, 1), until=date(2026, 5, 31), interest="waive", paid=on_time(old, 1)
    )
    assert days(to_step)[1:3] == ["2026-05-31", "2026-06-30"]
    off_step = servicing.defer(
        plan=old, plan_id="P-2", on=date(2026, 3, 1), until=date(2026, 5, 15), interest="waive", paid=on_time(old, 1)
    )
    assert days(off_step)[1:3] == ["2026-05-15", "2026-06-15"]


@pytest.mark.parametrize(
    "wait",
    [
        {},
        {"payments": 1, "until": date(2026, 5, 1)},
        {"payments": 0},
        {"payments": True},
        {"payments": 6},
        {"payments": 7},
        {"until": date(2026, 3, 1)},
        {"until": date(2026, 2, 1)},
        {"until": date(2026, 12, 1)},
    ],
)
def test_a_deferral_of_nothing_or_past_the_end_is_refused(wait: dict[str, Any]) -> None:
    common: dict[str, Any] = {"plan": plan(), "plan_id": "P-2", "on": date(2026, 1, 20), "interest": "waive"}
    if wait.get("until") == date(2026, 3, 1):
        common |= {"on": date(2026, 2, 20), "paid": on_time(plan(), 1)}
    assert code_of(servicing.defer, **common, **wait) == "plans.deferral"


def test_a_deferral_within_another_is_refused() -> None:
    first = servicing.defer(plan=plan(), plan_id="P-2", on=date(2026, 1, 20), payments=2, interest="waive")
    again = {"plan": first, "plan_id": "P-3", "on": date(2026, 2, 10), "payments": 1, "interest": "waive"}
    assert code_of(servicing.defer, **again) == "plans.deferral"


def test_a_deferral_needs_its_policy_on_interest_and_a_rhythm() -> None:
    common: dict[str, Any] = {"plan_id": "P-2", "on": date(2026, 1, 20), "payments": 1}
    assert code_of(servicing.defer, plan=plan(), interest="forgive", **common) == "plans.deferral"
    parts = [(date(2026, 2, 1), eur("3")), (date(2026, 3, 1), eur("3")), (date(2026, 4, 1), None)]
    listed = plans.agreed_plan(plan_id="P-1", principal=eur("10"), start_on=START, parts=parts)
    by_rule = plans.equal_split_plan(
        plan_id="P-1", principal=eur("9"), instalments=3, start_on=START, rrule="FREQ=MONTHLY;BYMONTHDAY=-1"
    )
    for old in (listed, by_rule):
        with pytest.raises(InvalidTerms, match="listed dates"):
            servicing.defer(plan=old, interest="waive", **common)


def test_a_deferral_with_arrears_or_capitalised_interest_is_laid_out_in_equal_parts() -> None:
    behind = servicing.defer(plan=plan(), plan_id="P-2", on=date(2026, 2, 10), payments=1, interest="waive")
    assert days(behind)[0] == "2026-04-01"
    assert len(set(totals(behind)[1:-1])) == 1
    assert abs(totals(behind)[-1] - totals(behind)[-2]) <= 3
    more = servicing.defer(plan=plan(), plan_id="P-2", on=date(2026, 1, 10), payments=1, interest="capitalise")
    assert abs(totals(more)[-1] - totals(more)[0]) <= 3
    assert more.principal == eur("1010")


def test_the_31st_is_kept_by_a_plan_that_continues_another() -> None:
    old = plan(start_on=date(2026, 1, 31))
    new = servicing.reamortise(plan=old, plan_id="P-2", on=date(2026, 3, 5), paid=on_time(old, 1))
    assert days(new) == days(old)
    assert days(new)[1:4] == ["2026-03-31", "2026-04-30", "2026-05-31"]


def test_principal_rests_in_the_new_plan_only_as_long_as_it_would_have() -> None:
    common: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": eur("1000"),
        "rate": Rate.percent("12"),
        "instalments": 4,
        "start_on": START,
        "grace": 3,
    }
    resting = plans.deferred_plan(interest="pay", **common)
    new = servicing.reamortise(plan=resting, plan_id="P-2", on=date(2026, 2, 10), paid=on_time(resting, 1))
    assert [row.principal.minor for row in new.schedule[:3]] == [0, 0, 0]
    assert new.schedule[3].principal.is_positive
    collected = plans.deferred_plan(interest="collect", **common)
    new = servicing.reamortise(plan=collected, plan_id="P-2", on=date(2026, 5, 10), paid=on_time(collected, 1))
    assert all(row.principal.is_positive for row in new.schedule)


def test_a_new_run_may_start_on_the_day_itself() -> None:
    new = servicing.re_age(
        plan=plan(), plan_id="P-2", on=date(2026, 6, 15), first_due_on=date(2026, 6, 15), instalments=2
    )
    assert days(new) == ["2026-06-15", "2026-07-15"]


def test_paused_interest_costs_the_debtor_nothing() -> None:
    old = plan()
    new = servicing.pause_interest(
        plan=old,
        plan_id="P-2",
        on=date(2026, 3, 10),
        from_on=date(2026, 4, 1),
        until_on=date(2026, 5, 1),
        paid=on_time(old, 2),
    )
    by_day = {str(row.due_on): row.interest_minor for row in new.schedule}
    assert by_day["2026-05-01"] == 0
    assert by_day["2026-06-01"] > 0
    assert new.schedule.interest < old.schedule.interest
    again = {"plan": new, "plan_id": "P-3", "on": date(2026, 3, 20)}
    assert (
        code_of(servicing.pause_interest, from_on=date(2026, 4, 30), until_on=date(2026, 5, 10), **again)
        == "plans.deferral"
    )
    assert (
        code_of(servicing.pause_interest, from_on=date(2026, 6, 1), until_on=date(2026, 6, 1), **again)
        == "plans.deferral"
    )
    assert (
        code_of(servicing.pause_interest, from_on=date(2026, 1, 1), until_on=date(2026, 1, 5), **again)
        == "plans.deferral"
    )


def test_a_fee_is_asked_for_with_the_next_instalment_alone() -> None:
    old = plan()
    new = servicing.add_fee(plan=old, plan_id="P-2", on=date(2026, 3, 10), fee=eur("7.50"), paid=on_time(old, 2))
    assert [b - a for a, b in zip(totals(old), totals(new), strict=True)] == [0, 0, 750, 0, 0, 0]
    assert new.schedule[2].fee == eur("7.50")


def test_changes_may_follow_one_another() -> None:
    old = plan(start_on=date(2026, 1, 31), instalments=8)
    paid_rows = on_time(old, 2)
    second = servicing.defer(
        plan=old, plan_id="P-2", on=date(2026, 4, 10), payments=1, interest="collect", paid=paid_rows
    )
    third = servicing.extend(
        plan=second, plan_id="P-3", on=date(2026, 6, 10), instalments=2, paid=[paid(date(2026, 5, 31), "200")]
    )
    assert third.schedule[:2] == old.schedule[:2]
    assert third.principal == old.principal
    assert days(third)[-1] == "2026-12-31"
    assert third.as_agreement().instalments[0].number == third.carried + 1


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: plans.balloon_plan(rate=Rate.percent("12"), instalments=6, balloon=eur("300"), **k),
        lambda **k: plans.interest_only_plan(rate=Rate.percent("12"), instalments=6, **k),
        lambda **k: plans.equal_principal_plan(rate=Rate.percent("12"), instalments=6, **k),
        lambda **k: plans.flat_plan(rate=Rate.percent("12"), instalments=6, **k),
        lambda **k: plans.stepped_plan(rate=Rate.percent("12"), instalments=6, growth="0.1", rows_per_step=2, **k),
        lambda **k: plans.deferred_plan(rate=Rate.percent("12"), instalments=6, grace=2, interest="pay", **k),
        lambda **k: plans.deferred_plan(rate=Rate.percent("12"), instalments=6, grace=2, interest="collect", **k),
        lambda **k: plans.equal_split_plan(instalments=6, rrule="FREQ=MONTHLY;BYMONTHDAY=-1", **k),
        lambda **k: plans.equal_split_plan(instalments=6, down_payment=eur("100"), fee_each=eur("1"), **k),
        lambda **k: plans.amortised_plan(
            rate=Rate.percent("9"), instalments=6, first_due_on=date(2026, 2, 15), day_count="act/365f", **k
        ),
    ],
)
def test_plans_of_every_shape_can_be_laid_out_anew(make: Any) -> None:
    old = make(plan_id="P-1", principal=eur("1000"), start_on=START)
    new = servicing.reamortise(
        plan=old, plan_id="P-2", on=old.schedule[1].due_on + timedelta(days=1), paid=on_time(old, 2)
    )
    assert new.schedule[:2] == old.schedule[:2]
    assert new.principal == old.principal
    assert days(new) == days(old)


# -- how a plan ends ---------------------------------------------------------------------------------------------


def test_a_payoff_asks_for_rows_past_due_whole_and_for_later_ones_their_principal() -> None:
    old = plan(fee_each=eur("1"))
    quote = servicing.payoff_quote(plan=old, on=date(2026, 3, 16), paid=on_time(old, 1))
    second = old.schedule[1]
    assert quote.principal == old.schedule[0].balance
    assert quote.interest.minor == second.interest_minor + round(quote.principal.minor * Fraction(15, 31 * 100))
    assert quote.fee == eur("1")
    assert quote.total == quote.principal + quote.interest + quote.fee
    to_due = servicing.payoff_quote(plan=old, on=date(2026, 3, 16), paid=on_time(old, 1), interest="to_due_date")
    assert to_due.interest.minor == second.interest_minor + round(Fraction(quote.principal.minor, 100))


def test_a_rebate_is_at_most_the_interest() -> None:
    old = plans.flat_plan(plan_id="P", principal=eur("1200"), rate=Rate.percent("10"), instalments=12, start_on=START)
    quote = servicing.payoff_quote(plan=old, on=date(2026, 2, 1), rebate=eur("3"))
    assert quote.interest == eur("10")
    assert quote.total == eur("1207")
    assert quote.interest_saved == eur("113")
    assert code_of(servicing.payoff_quote, plan=old, on=date(2026, 2, 1), rebate=eur("11")) == "plans.amount"
    assert code_of(servicing.payoff_quote, plan=old, on=START, interest="none") == "plans.events"
    with pytest.raises(CurrencyMismatch):
        servicing.payoff_quote(plan=old, on=START, rebate=Money(1, "USD"))


def test_a_charge_off_books_the_loss_and_later_money_is_a_recovery() -> None:
    old = plan()
    loss = servicing.charge_off(plan=old, on=date(2026, 6, 15), paid=on_time(old, 1))
    assert loss.principal == old.schedule[0].balance
    assert loss.total == loss.principal + loss.interest + loss.fee
    money = [*on_time(old, 1), paid(date(2026, 7, 1), "50")]
    assert servicing.recovered(loss=loss, plan=old, paid=money, as_of=date(2026, 8, 1)) == eur("50")
    assert servicing.recovered(loss=loss, plan=old, paid=money, as_of=date(2026, 6, 30)).is_zero
    other = plan(plan_id="P-9")
    assert code_of(servicing.recovered, loss=loss, plan=other, paid=[], as_of=date(2026, 8, 1)) == "plans.events"


def test_only_a_small_rest_is_written_off() -> None:
    old = plans.equal_split_plan(plan_id="P", principal=eur("100"), instalments=2, start_on=START)
    rest = [paid(date(2026, 1, 20), "99.50")]
    done = servicing.write_off(plan=old, on=date(2026, 4, 1), limit=eur("1"), paid=rest)
    assert isinstance(done, servicing.WriteOff)
    assert done.amount == eur("0.50")
    refused = servicing.write_off(plan=old, on=date(2026, 4, 1), limit=eur("0.49"), paid=rest)
    assert isinstance(refused, Declined)
    assert refused.reasons[0].code == "plans.write_off_limit"
    with pytest.raises(CurrencyMismatch):
        servicing.write_off(plan=old, on=START, limit=Money(1, "USD"))


def test_money_that_meets_the_whole_debt_early_calls_for_a_payoff() -> None:
    old = plan(instalments=1)
    assert (
        code_of(
            servicing.reamortise, plan=old, plan_id="P-2", on=date(2026, 1, 20), paid=[paid(date(2026, 1, 5), "1000")]
        )
        == "plans.overpaid"
    )


# -- loans from their events -------------------------------------------------------------------------------------


def loan(**change: Any) -> servicing.LoanTerms:
    given: dict[str, Any] = {
        "currency": "EUR",
        "rate": Rate.percent("12"),
        "instalments": 4,
        "every": Every(1, "months"),
        "engine": "cumulative",
        "start_on": START,
    }
    return servicing.LoanTerms(**{**given, **change})


DRAW = servicing.Drawdown(amount=Money(100_000, "EUR"))


@pytest.mark.parametrize("engine", ["progressive", "cumulative", "equal_principal", "flat"])
def test_every_engine_pays_the_loan_off(engine: Any) -> None:
    rows = servicing.loan_rows(loan(engine=engine, digits=12 if engine == "progressive" else None), [DRAW])
    assert sum(row.principal.minor for row in rows) == 100_000
    assert rows[-1].balance.is_zero
    assert all(row.total == row.principal + row.interest for row in rows)


def test_a_loan_without_rounding_shows_each_figure_for_itself() -> None:
    rows = servicing.loan_rows(loan(engine="plain"), [DRAW])
    assert rows[0].total == eur("256.28")
    assert rows[-1].balance.is_zero
    assert rows[1].days == 28


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start_on": None}, "plans.dates"),
        ({"due_on": [date(2026, 2, 1)]}, "plans.dates"),
        ({"down_payment": Fraction(1)}, "plans.down_payment"),
        ({"principal_grace": 4}, "plans.deferral"),
        ({"interest_grace": -1}, "plans.deferral"),
        ({"instalments": 0}, "plans.count"),
    ],
)
def test_terms_of_a_loan_that_cannot_be_are_refused(change: dict[str, Any], code: str) -> None:
    assert code_of(loan, **change) == code


@pytest.mark.parametrize(
    "events",
    [
        [],
        [DRAW, servicing.EarlyPayment(on=START, for_due_on=date(2026, 2, 2), principal=eur("1"), interest=eur("0"))],
        [DRAW, servicing.Reamortised(on=date(2026, 12, 1))],
        [DRAW, servicing.Rescheduled(on=START, from_due_on=date(2026, 2, 2), to_due_on=date(2026, 2, 9))],
    ],
)
@pytest.mark.parametrize("engine", ["cumulative", "flat"])
def test_an_event_that_names_no_row_is_refused(events: list[Any], engine: Any) -> None:
    assert code_of(servicing.loan_rows, loan(engine=engine), events) == "plans.events"


def test_an_event_in_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        servicing.loan_rows(loan(), [servicing.Drawdown(amount=Money(1, "USD"))])


def test_the_order_in_which_events_are_given_does_not_matter_but_for_their_days() -> None:
    events = [
        DRAW,
        servicing.LoanPayment(on=date(2026, 2, 1), amount=eur("256")),
        servicing.Charged(on=date(2026, 3, 1), component="fee", amount=eur("5")),
        servicing.ReAged(on=date(2026, 3, 10), first_due_on=date(2026, 4, 1), instalments=2, every=Every(1, "months")),
    ]
    assert servicing.loan_rows(loan(), events) == servicing.loan_rows(loan(), events[::-1])


@pytest.mark.parametrize("engine", ["flat", "cumulative"])
def test_a_drawdown_after_the_last_due_date_is_refused(engine: Any) -> None:
    late = servicing.Drawdown(on=date(2026, 6, 1), amount=eur("1"))
    assert code_of(servicing.loan_rows, loan(engine=engine), [DRAW, late]) == "plans.events"


def test_a_first_due_date_of_its_own_sets_the_rhythm_of_a_loan() -> None:
    rows = servicing.loan_rows(loan(first_due_on=date(2026, 2, 15)), [DRAW])
    assert [str(row.due_on) for row in rows] == ["2026-02-15", "2026-03-15", "2026-04-15", "2026-05-15"]


def test_interest_is_cut_at_the_end_of_a_year_of_another_length() -> None:
    terms = loan(accrual="actual_days", is_split_at_year_end=True, start_on=date(2027, 12, 12), instalments=2)
    rows = servicing.loan_rows(terms, [DRAW])
    # 19 days of 2027 to 31 December, then 12 of the leap year 2028
    assert rows[0].interest.minor == round(100_000 * Fraction(12, 100) * (Fraction(19, 365) + Fraction(12, 366)))


def test_money_ahead_on_a_flat_loan_pays_its_row_and_changes_no_interest() -> None:
    early = servicing.EarlyPayment(
        on=date(2026, 1, 10), for_due_on=date(2026, 2, 1), principal=eur("250"), interest=eur("10")
    )
    spread = servicing.Reamortised(on=date(2026, 2, 10))
    rows = servicing.loan_rows(loan(engine="flat"), [DRAW, early, spread])
    assert [row.principal.minor for row in rows] == [25_000] * 4


RECALCULATED = servicing.Recalculation(has_new_level=True)


def test_money_a_little_under_the_instalment_paid_early_lowers_the_interest_of_its_row() -> None:
    plain = servicing.loan_rows(loan(recalculation=RECALCULATED), [DRAW])
    early = servicing.LoanPayment(on=date(2026, 1, 16), amount=plain[0].total - eur("1"))
    rows = servicing.loan_rows(loan(recalculation=RECALCULATED), [DRAW, early])
    assert rows[0].principal == early.amount
    assert rows[0].interest < plain[0].interest


def test_money_for_the_last_row_or_after_it_sets_no_new_instalment() -> None:
    plain = servicing.loan_rows(loan(), [DRAW])
    on_time = [servicing.LoanPayment(on=row.due_on, amount=row.total) for row in plain[:3] if row.due_on is not None]
    for late in (date(2026, 4, 20), date(2026, 5, 1), date(2026, 6, 1)):
        money = servicing.LoanPayment(on=late, amount=eur("500"))
        assert servicing.loan_rows(loan(recalculation=RECALCULATED), [DRAW, *on_time, money]) == plain


def test_only_rows_past_due_bear_the_charge_of_overdue_rows() -> None:
    overdue = servicing.ChargedShare(
        on=date(2026, 3, 2), component="late_fee", share=Fraction(1, 100), base=("principal",), over="overdue_rows"
    )
    extra = servicing.Charged(on=date(2026, 6, 1), component="fee", amount=eur("1"))
    rows = servicing.loan_rows(loan(engine="flat", rate=Rate.zero()), [DRAW, extra, overdue])
    assert [row.late_fee.minor for row in rows] == [250, 250, 0, 0, 0]
    late = attrs.evolve(overdue, on=date(2026, 7, 1))
    rows = servicing.loan_rows(loan(engine="flat", rate=Rate.zero()), [DRAW, extra, late])
    assert [row.late_fee.minor for row in rows] == [250, 250, 250, 250, 0]


def test_interest_of_a_grace_is_collected_in_the_row_after_it() -> None:
    rows = servicing.loan_rows(loan(engine="flat", interest_grace=2, principal_grace=1), [DRAW])
    assert [row.interest.minor for row in rows] == [0, 0, 3000, 1000]
    assert rows[0].principal.is_zero


def test_a_row_cannot_move_to_before_the_one_it_follows() -> None:
    move = servicing.Rescheduled(on=START, from_due_on=date(2026, 3, 1), to_due_on=date(2026, 2, 1))
    assert code_of(servicing.loan_rows, loan(engine="flat"), [DRAW, move]) == "plans.deferral"


def test_a_down_payment_of_a_declining_loan_is_a_row_of_its_own() -> None:
    rows = servicing.loan_rows(loan(down_payment=Fraction(1, 4)), [DRAW])
    assert (rows[0].principal, rows[0].balance, rows[0].days) == (eur("250"), eur("750"), 0)
    assert rows[1].interest == eur("7.50")
    assert sum(row.principal.minor for row in rows) == 100_000


@pytest.mark.parametrize("on", [date(2026, 2, 10), date(2026, 3, 1)])
def test_a_later_drawdown_has_a_down_payment_of_its_own(on: date) -> None:
    more = servicing.Drawdown(on=on, amount=eur("400"))
    for engine in ("cumulative", "flat"):
        rows = servicing.loan_rows(loan(engine=engine, down_payment=Fraction(1, 4)), [DRAW, more])
        (place,) = (place for place, row in enumerate(rows) if row.due_on == on and row.days == 0)
        assert rows[place].principal == eur("100")
        assert rows[place].balance == rows[place - 1].balance + eur("300")
        assert sum(row.principal.minor for row in rows) == 140_000
        assert rows[-1].balance.is_zero


def test_a_share_is_charged_of_each_row_or_of_the_plan() -> None:
    each = servicing.ChargedShare(
        on=START, component="fee", share=Fraction(1, 100), base=("principal",), over="each_row"
    )
    rows = servicing.loan_rows(loan(engine="flat", rate=Rate.zero()), [DRAW, each])
    assert [row.fee.minor for row in rows] == [250] * 4


@pytest.mark.parametrize("engine", ["cumulative", "flat"])
def test_what_comes_after_the_end_shares_one_row_that_waits_for_the_latest(engine: Any) -> None:
    late = [
        servicing.Charged(on=date(2026, 6, 1), component="late_fee", amount=eur("5")),
        servicing.Charged(on=date(2026, 6, 1), component="fee", amount=eur("2")),
        servicing.ChargedBack(on=date(2026, 6, 15), amount=eur("10")),
        servicing.Charged(on=date(2026, 7, 1), component="fee", amount=eur("1")),
    ]
    rows = servicing.loan_rows(loan(engine=engine), [DRAW, *late])
    (row,) = rows[4:]
    assert (row.total.minor, row.days, row.balance.minor) == (1800, 61, 0)


def test_a_loan_paid_off_bears_no_interest_after_the_day() -> None:
    rows = servicing.loan_rows(loan(), [DRAW, servicing.Payoff(on=date(2026, 2, 15))])
    assert rows[1].interest.minor == round(rows[0].balance.minor * Fraction(14, 28 * 100))
    assert all(row.interest.is_zero for row in rows[2:])


def test_money_taken_back_joins_the_next_row_and_the_balance() -> None:
    plain = servicing.loan_rows(loan(), [DRAW])
    back = servicing.loan_rows(loan(), [DRAW, servicing.ChargedBack(on=date(2026, 2, 10), amount=eur("100"))])
    assert back[1].principal.minor > plain[1].principal.minor + 9_900
    assert sum(row.principal.minor for row in back) == 110_000
    assert back[-1].balance.is_zero
