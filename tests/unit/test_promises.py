"""Promises: what keeps them, what ends them, what they hold, and what may be promised at all."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest

from collectkit.core.decisions import Declined
from collectkit.core.errors import CurrencyMismatch, InvalidPolicy
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, CreditNote, Debtor, Payment, PromiseToPay, Receivable
from collectkit.core.waterfall import balance_of
from collectkit.promises import (
    PromiseAccepted,
    PromiseLimits,
    PromiseOutcome,
    Receipt,
    hold_until,
    holds_of,
    judge,
    levels_of,
    may_promise,
    next_on,
    receipts_of,
    record_of,
)

JAN = [date(2026, 1, 1) + timedelta(days=n) for n in range(120)]  # JAN[0] is 1 January
KEPT, OPEN, BROKEN = PromiseOutcome.KEPT, PromiseOutcome.OPEN, PromiseOutcome.BROKEN
PARTLY, SUPERSEDED, WITHDRAWN = PromiseOutcome.PARTLY_KEPT, PromiseOutcome.SUPERSEDED, PromiseOutcome.WITHDRAWN


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def promise(name="p", minor=100, made=1, due=10, **more) -> PromiseToPay:
    return PromiseToPay(promise_id=name, account_id="A", amount=eur(minor), made_on=JAN[made], due_on=JAN[due], **more)


def paid(minor, on, *receivables, name=None) -> Receipt:
    return Receipt(payment_id=name or f"x{on}", on=JAN[on], amount=eur(minor), receivable_ids=receivables)


def outcomes(promises, receipts, on, **more):
    return {
        one.promise.promise_id: one.outcome
        for one in judge(promises=promises, receipts=receipts, as_of=JAN[on], **more)
    }


# --- what keeps a promise ---


@pytest.mark.parametrize(("on", "expected"), [(0, BROKEN), (1, KEPT), (10, KEPT), (11, BROKEN)])
def test_money_counts_from_the_day_of_the_promise_to_its_due_day_both_included(on, expected):
    assert outcomes([promise()], [paid(100, on)], 20) == {"p": expected}


def test_the_due_day_belongs_to_the_promise():
    assert outcomes([promise()], [], 10) == {"p": OPEN}
    assert outcomes([promise()], [], 11) == {"p": BROKEN}


def test_a_promise_not_made_yet_is_not_judged():
    assert outcomes([promise(made=5)], [], 4) == {}


def test_days_of_tolerance_make_the_promise_stand_longer():
    assert outcomes([promise()], [], 12, tolerance_days=2) == {"p": OPEN}
    assert outcomes([promise()], [paid(100, 12)], 13, tolerance_days=2) == {"p": KEPT}
    assert outcomes([promise()], [paid(100, 13)], 13, tolerance_days=2) == {"p": BROKEN}


def test_a_cent_short_is_forgiven_only_where_the_tolerance_says_so():
    assert outcomes([promise()], [paid(99, 5)], 11) == {"p": PARTLY}
    assert outcomes([promise()], [paid(99, 5)], 11, tolerance_amounts=[eur(1)]) == {"p": KEPT}
    assert outcomes([promise()], [paid(98, 5)], 11, tolerance_amounts=[eur(1)]) == {"p": PARTLY}
    assert outcomes([promise()], [paid(99, 5)], 11, tolerance_amounts=[Money(50, "USD")]) == {"p": PARTLY}


def test_a_kept_promise_is_decided_on_the_day_the_money_is_complete():
    (one,) = judge(promises=[promise()], receipts=[paid(60, 3), paid(40, 7)], as_of=JAN[9])
    assert (one.outcome, one.decided_on, one.amount_kept, one.amount_missing) == (KEPT, JAN[7], eur(100), eur(0))


def test_a_broken_promise_is_decided_on_the_day_after_its_last_one():
    (one,) = judge(promises=[promise()], receipts=[paid(1, 3)], as_of=JAN[30], tolerance_days=1)
    assert (one.outcome, one.decided_on, one.last_on, one.amount_missing) == (PARTLY, JAN[12], JAN[11], eur(99))


def test_other_currencies_keep_nothing():
    dollars = Receipt(payment_id="x", on=JAN[3], amount=Money(100, "USD"))
    assert outcomes([promise()], [dollars], 11) == {"p": BROKEN}


def test_a_directed_promise_is_kept_by_money_for_its_receivables_only():
    assert outcomes([promise(receivable_ids=["r1"])], [paid(100, 3, "r2")], 11) == {"p": BROKEN}
    assert outcomes([promise(receivable_ids=["r1"])], [paid(100, 3)], 11) == {"p": BROKEN}
    assert outcomes([promise(receivable_ids=["r1", "r2"])], [paid(100, 3, "r2")], 11) == {"p": KEPT}


def test_an_undirected_promise_is_kept_by_any_money():
    assert outcomes([promise()], [paid(50, 3, "r1"), paid(50, 4)], 11) == {"p": KEPT}


# --- one payment, several promises ---


def test_one_payment_keeps_several_promises_the_earliest_due_first():
    two = [promise("late", due=20), promise("soon", due=10)]
    assert outcomes(two, [paid(100, 5)], 5) == {"late": OPEN, "soon": KEPT}
    assert outcomes(two, [paid(200, 5)], 5) == {"late": KEPT, "soon": KEPT}
    assert outcomes(two, [paid(150, 5)], 30) == {"late": PARTLY, "soon": KEPT}


def test_the_answer_keeps_the_order_of_the_promises_given():
    judged = judge(promises=[promise("b"), promise("a")], receipts=[], as_of=JAN[5])
    assert [one.promise.promise_id for one in judged] == ["b", "a"]


# --- replaced and withdrawn ---


def test_a_later_promise_for_the_same_receivable_supersedes_an_open_one():
    first, second = promise("p", receivable_ids=["r1"]), promise("q", made=5, due=15, receivable_ids=["r1", "r2"])
    judged = judge(promises=[first, second], receipts=[], as_of=JAN[6])
    assert [(one.outcome, one.decided_on, one.superseded_by) for one in judged] == [
        (SUPERSEDED, JAN[5], "q"),
        (OPEN, None, None),
    ]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (promise("q", made=5, due=15, receivable_ids=["r2"]), OPEN),  # another receivable
        (promise("q", made=5, due=15), OPEN),  # the account as a whole leaves the receivable's promise alone
        (promise("q", made=1, due=15, receivable_ids=["r1"]), OPEN),  # a series given in one talk
        (promise("q", made=1, due=15, receivable_ids=["r1"], supersedes="p"), SUPERSEDED),
        (promise("q", made=5, due=15, receivable_ids=["r2"], supersedes="p"), SUPERSEDED),
    ],
)
def test_what_supersedes_a_promise_and_what_does_not(new, expected):
    assert outcomes([promise("p", receivable_ids=["r1"]), new], [], 6)["p"] is expected


def test_promises_may_run_side_by_side_where_only_a_named_one_supersedes():
    both = [promise("p"), promise("q", made=5, due=15)]
    assert outcomes(both, [], 6) == {"p": SUPERSEDED, "q": OPEN}
    assert outcomes(both, [], 6, supersede="named") == {"p": OPEN, "q": OPEN}


def test_a_promise_in_another_currency_supersedes_nothing():
    dollars = attrs.evolve(promise("q", made=5, due=15), amount=Money(100, "USD"))
    assert outcomes([promise("p"), dollars], [], 6) == {"p": OPEN, "q": OPEN}


def test_what_was_decided_stays_decided_when_a_new_promise_comes():
    assert outcomes([promise("p"), promise("q", made=11, due=20)], [], 12)["p"] is BROKEN
    assert outcomes([promise("p"), promise("q", made=5, due=20)], [paid(100, 4)], 12)["p"] is KEPT


def test_money_of_the_day_of_replacement_counts_for_the_replaced_promise():
    both = [promise("p", minor=100), promise("q", minor=60, made=5, due=15)]
    judged = judge(promises=both, receipts=[paid(40, 5)], as_of=JAN[6])
    assert [(one.outcome, one.amount_kept) for one in judged] == [(SUPERSEDED, eur(40)), (OPEN, eur(0))]


def test_a_withdrawn_promise_takes_no_money_from_that_day_on():
    gone = promise(withdrawn_on=JAN[5])
    assert outcomes([gone], [paid(100, 5)], 6) == {"p": WITHDRAWN}
    assert outcomes([gone], [paid(100, 4)], 6) == {"p": KEPT}
    assert outcomes([gone], [], 4) == {"p": OPEN}


def test_withdrawing_a_broken_promise_leaves_it_broken():
    assert outcomes([promise(withdrawn_on=JAN[15])], [], 20) == {"p": BROKEN}


def test_a_promise_superseded_first_is_not_withdrawn_later():
    both = [promise("p", withdrawn_on=JAN[8]), promise("q", made=5, due=15)]
    assert outcomes(both, [], 9)["p"] is SUPERSEDED


# --- from the ledger ---


def ledger(*payments, on=30, credit_notes=(), receivables=None) -> AccountSnapshot:
    def row(name, minor, **more):
        return Receivable(
            receivable_id=name,
            account_id="A",
            amount_original=eur(minor),
            issued_on=JAN[0],
            due_on=JAN[0],
            **more,
        )

    rows = receivables or [row("r1", 100), row("fee", 30, component="fee", kind="fee", parent_id="r1"), row("r2", 100)]
    return AccountSnapshot(
        as_of=JAN[on],
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=rows,
        payments=payments,
        credit_notes=credit_notes,
    )


def payment(minor, on, name="x", **more) -> Payment:
    return Payment(payment_id=name, account_id="A", amount=eur(minor), received_on=JAN[on], **more)


def found(snapshot):
    return receipts_of(snapshot, balance_of(snapshot))


def test_receipts_sum_to_the_payments_and_name_what_they_met():
    receipts = found(ledger(payment(300, 3)))
    assert sum(one.amount.minor for one in receipts) == 300
    assert {one.receivable_ids for one in receipts} == {("fee", "r1"), ("r1",), ("r2",), ()}


def test_a_fee_that_is_paid_first_breaks_no_promise_for_its_receivable():
    made = promise(receivable_ids=["r1"])
    assert judge(promises=[made], receipts=found(ledger(payment(100, 3))), as_of=JAN[30])[0].outcome is KEPT


def test_a_returned_payment_unkeeps_the_promise():
    kept, returned = payment(100, 3), payment(100, 3, returned_on=JAN[20])
    assert judge(promises=[promise()], receipts=found(ledger(kept)), as_of=JAN[30])[0].outcome is KEPT
    assert judge(promises=[promise()], receipts=found(ledger(returned)), as_of=JAN[30])[0].outcome is BROKEN
    assert judge(promises=[promise()], receipts=found(ledger(returned, on=19)), as_of=JAN[19])[0].outcome is KEPT


def test_a_credit_note_keeps_no_promise():
    note = CreditNote(credit_note_id="c", account_id="A", amount=eur(100), issued_on=JAN[3])
    assert judge(promises=[promise()], receipts=found(ledger(credit_notes=[note])), as_of=JAN[30])[0].outcome is BROKEN


def test_a_post_dated_payment_counts_from_the_day_it_takes_effect():
    late = payment(100, 3, effective_on=JAN[12])
    assert judge(promises=[promise()], receipts=found(ledger(late)), as_of=JAN[30])[0].outcome is BROKEN


# --- holds and the next look ---


def test_an_open_promise_holds_until_the_day_after_it_and_the_clearing_days():
    (one,) = judge(promises=[promise()], receipts=[], as_of=JAN[10])
    assert hold_until(one) == JAN[11]
    assert hold_until(one, clearing_days=2) == JAN[13]


def test_a_broken_promise_holds_while_money_may_be_clearing():
    judged = judge(promises=[promise()], receipts=[], as_of=JAN[12])
    assert judged[0].outcome is BROKEN
    (hold,) = holds_of(judged, as_of=JAN[12], clearing_days=2)
    assert (hold.until_on, "clearing" in hold.text) == (JAN[13], True)
    assert holds_of(judged, as_of=JAN[12]) == ()


@pytest.mark.parametrize("more", [{"withdrawn_on": JAN[3]}, {}])
def test_what_is_kept_or_withdrawn_holds_nothing(more):
    judged = judge(promises=[promise(**more)], receipts=[paid(100, 2)] if not more else [], as_of=JAN[5])
    assert hold_until(judged[0]) is None
    assert next_on(judged, as_of=JAN[5]) is None


def test_the_next_look_is_the_day_after_the_last_one_and_then_the_end_of_clearing():
    judged = judge(promises=[promise()], receipts=[], as_of=JAN[5])
    assert next_on(judged, as_of=JAN[5], clearing_days=2) == JAN[11]
    later = judge(promises=[promise()], receipts=[], as_of=JAN[11])
    assert next_on(later, as_of=JAN[11], clearing_days=2) == JAN[13]
    assert next_on(later, as_of=JAN[13], clearing_days=2) is None


def test_the_record_counts_outcomes_and_shares_those_that_fell_due():
    made = [promise("a"), promise("b", due=9), promise("c", due=40, receivable_ids=["r"])]
    record = record_of(judge(promises=made, receipts=[paid(150, 3)], as_of=JAN[20]))
    assert (record.made, record.kept, record.partly_kept, record.broken, record.open) == (3, 1, 1, 0, 1)
    assert record.kept_share == Fraction(1, 2)


def test_levels_rise_over_a_chain_and_fall_back_after_a_kept_one():
    chain = [
        promise("a", due=3),
        promise("b", made=5, due=8),
        promise("c", made=10, due=12),
        promise("d", made=15, due=20),
    ]
    assert levels_of(promises=chain, receipts=[paid(100, 11)]) == {"a": 1, "b": 2, "c": 3, "d": 3}


def test_the_last_day_there_is_ends_no_reckoning():
    far = attrs.evolve(promise(), due_on=date.max)
    judged = judge(promises=[far], receipts=[], as_of=JAN[3], tolerance_days=5)
    assert (judged[0].outcome, hold_until(judged[0], clearing_days=9)) == (OPEN, date.max)
    assert next_on(judged, as_of=JAN[3]) == date.max
    assert codes(answer(PromiseLimits(days_ahead_max=30), made=far)) == ["promises.too_late"]


# --- limits ---


def answer(limits, *, made=None, open_minor=1000, judged=()):
    return may_promise(promise=made or promise(), limits=limits, amount_open=eur(open_minor), judged=judged)


def codes(said):
    assert isinstance(said, Declined)
    return [reason.code for reason in said.reasons]


def test_a_promise_inside_the_limits_is_accepted():
    said = answer(PromiseLimits(days_ahead_max=9, amounts_min=[eur(100)], share_min=Decimal("0.1"), running_max=1))
    assert isinstance(said, PromiseAccepted)


def test_every_limit_that_is_broken_is_named_in_one_answer():
    broken = judge(promises=[promise("x", made=0, due=0)], receipts=[], as_of=JAN[1])
    running = judge(promises=[promise("y", made=0, due=30, receivable_ids=["r"])], receipts=[], as_of=JAN[1])
    said = answer(
        PromiseLimits(days_ahead_max=8, amounts_min=[eur(101)], running_max=1, broken_max=0),
        judged=[*broken, *running],
    )
    assert codes(said) == ["promises.too_late", "promises.too_small", "promises.too_many", "promises.too_many_broken"]
    assert "the latest day is 2026-01-10" in str(said)


def test_more_than_is_open_cannot_be_promised():
    assert codes(answer(PromiseLimits(), open_minor=99)) == ["promises.over_open"]


def test_the_least_share_is_rounded_up_and_never_over_what_is_open():
    assert codes(answer(PromiseLimits(share_min=Decimal("0.1")), open_minor=1001)) == ["promises.too_small"]
    assert answer(PromiseLimits(amounts_min=[eur(500)]), open_minor=100)


def test_a_least_amount_in_another_currency_does_not_bind():
    assert answer(PromiseLimits(amounts_min=[Money(99_999, "USD")]))


def test_old_failures_are_forgotten_after_the_window():
    failed = judge(promises=[promise("x", made=0, due=0)], receipts=[], as_of=JAN[1])  # decided on JAN[1]
    limits = PromiseLimits(broken_max=0, broken_within_days=30)
    assert codes(answer(limits, judged=failed)) == ["promises.too_many_broken"]
    assert answer(limits, judged=failed, made=promise(made=31, due=40))


def test_the_promise_that_is_replaced_does_not_count_as_running():
    running = judge(promises=[promise("y", made=0, due=30)], receipts=[], as_of=JAN[1])
    assert answer(PromiseLimits(running_max=1), judged=running, made=promise(supersedes="y"))


def test_a_promise_in_another_currency_than_what_is_open_is_a_mistake():
    with pytest.raises(CurrencyMismatch):
        may_promise(promise=promise(), limits=PromiseLimits(), amount_open=Money(5, "USD"))


def test_impossible_limits_are_refused_together():
    with pytest.raises(InvalidPolicy) as refused:
        PromiseLimits(days_ahead_max=-1, running_max=True, share_min=Decimal("1.5"), amounts_min=[eur(1), eur(2)])
    assert [problem.path for problem in refused.value.problems] == [
        "limits.days_ahead_max",
        "limits.running_max",
        "limits.share_min",
        "limits.amounts_min",
    ]
