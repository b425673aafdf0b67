"""Laws of promises, for any promises and any money."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st

from collectkit.core.money import Money
from collectkit.core.records import PromiseToPay
from collectkit.promises import (
    PromiseLimits,
    PromiseOutcome,
    Receipt,
    hold_until,
    judge,
    levels_of,
    may_promise,
    next_on,
    record_of,
)

START = date(2026, 1, 1)
DAYS = st.integers(0, 40)
NAMES = st.sets(st.sampled_from(["r1", "r2", "r3"]), max_size=2).map(lambda names: tuple(sorted(names)))


@st.composite
def promise_lists(draw):
    made = []
    for number in range(draw(st.integers(0, 5))):
        on = draw(DAYS)
        made.append(
            PromiseToPay(
                promise_id=f"p{number}",
                account_id="A",
                amount=Money(draw(st.integers(1, 300)), draw(st.sampled_from(["EUR", "EUR", "USD"]))),
                made_on=START + timedelta(days=on),
                due_on=START + timedelta(days=on + draw(st.integers(0, 20))),
                receivable_ids=draw(NAMES),
                withdrawn_on=draw(st.none() | DAYS.map(lambda day, on=on: START + timedelta(days=on + day))),
                supersedes=draw(st.none() | st.just(f"p{number - 1}")) if number else None,
            )
        )
    return made


@st.composite
def receipt_lists(draw):
    return [
        Receipt(
            payment_id=f"x{number}",
            on=START + timedelta(days=draw(DAYS)),
            amount=Money(draw(st.integers(1, 300)), draw(st.sampled_from(["EUR", "EUR", "USD"]))),
            receivable_ids=draw(NAMES),
        )
        for number in range(draw(st.integers(0, 6)))
    ]


as_ofs = st.integers(0, 80).map(lambda day: START + timedelta(days=day))
tolerances = st.integers(0, 4)


@given(promise_lists(), receipt_lists(), as_ofs, tolerances)
def test_no_money_is_counted_twice(promises, receipts, as_of, tolerance):
    judged = judge(promises=promises, receipts=receipts, as_of=as_of, tolerance_days=tolerance)
    for currency in ("EUR", "USD"):
        kept = sum(one.amount_kept.minor for one in judged if one.amount_kept.currency == currency)
        came = sum(one.amount.minor for one in receipts if one.amount.currency == currency and one.on <= as_of)
        assert kept <= came
    assert all(0 <= one.amount_kept.minor <= one.promise.amount.minor for one in judged)


@given(promise_lists(), receipt_lists(), as_ofs, st.randoms(use_true_random=False))
def test_the_order_of_payments_and_promises_does_not_matter(promises, receipts, as_of, dice):
    before = {one.promise.promise_id: one for one in judge(promises=promises, receipts=receipts, as_of=as_of)}
    levels = levels_of(promises=promises, receipts=receipts)
    dice.shuffle(promises)
    dice.shuffle(receipts)
    assert {one.promise.promise_id: one for one in judge(promises=promises, receipts=receipts, as_of=as_of)} == before
    assert levels_of(promises=promises, receipts=receipts) == levels


@given(promise_lists(), receipt_lists(), as_ofs, st.integers(1, 30), tolerances)
def test_what_is_decided_stays_decided_as_time_goes_on(promises, receipts, as_of, days, tolerance):
    later = as_of + timedelta(days=days)
    after = {
        one.promise.promise_id: one
        for one in judge(promises=promises, receipts=receipts, as_of=later, tolerance_days=tolerance)
    }
    for one in judge(promises=promises, receipts=receipts, as_of=as_of, tolerance_days=tolerance):
        then = after[one.promise.promise_id]
        assert then.amount_kept >= one.amount_kept
        if not one.is_open:
            assert (then.outcome, then.decided_on) == (one.outcome, one.decided_on)


@given(promise_lists(), receipt_lists(), as_ofs, st.integers(0, 60), tolerances)
def test_an_outcome_turns_by_itself_on_no_day_before_the_next_look(promises, receipts, as_of, days, tolerance):
    made = [one for one in promises if one.made_on <= as_of]
    came = [one for one in receipts if one.on <= as_of]
    now = judge(promises=made, receipts=came, as_of=as_of, tolerance_days=tolerance)
    turn = next_on(now, as_of=as_of)
    day = as_of + timedelta(days=days)
    assume(turn is None or day < turn)
    then = judge(promises=made, receipts=came, as_of=day, tolerance_days=tolerance)
    assert [one.outcome for one in then] == [one.outcome for one in now]


@given(promise_lists(), receipt_lists(), as_ofs, tolerances, st.integers(0, 3))
def test_a_hold_lies_ahead_exactly_while_a_promise_is_open_or_clearing(promises, receipts, as_of, tolerance, clearing):
    for one in judge(promises=promises, receipts=receipts, as_of=as_of, tolerance_days=tolerance):
        until_on = hold_until(one, clearing_days=clearing)
        if one.is_open:
            assert until_on is not None
            assert until_on > as_of
        elif one.outcome in (PromiseOutcome.BROKEN, PromiseOutcome.PARTLY_KEPT):
            assert until_on == one.last_on + timedelta(days=1 + clearing)
        else:
            assert until_on is None


@given(promise_lists(), receipt_lists(), as_ofs)
def test_one_cent_more_never_makes_a_lone_promise_worse(promises, receipts, as_of):
    assume(promises)
    lone = promises[:1]
    rank = [PromiseOutcome.BROKEN, PromiseOutcome.PARTLY_KEPT, PromiseOutcome.OPEN, PromiseOutcome.KEPT]
    richer = [attrs.evolve(one, amount=one.amount + Money(1, one.amount.currency)) for one in receipts]
    for poor, rich in zip(
        judge(promises=lone, receipts=receipts, as_of=as_of),
        judge(promises=lone, receipts=richer, as_of=as_of),
        strict=True,
    ):
        if poor.outcome in rank and rich.outcome in rank:
            assert rank.index(rich.outcome) >= rank.index(poor.outcome)


@given(promise_lists(), receipt_lists(), as_ofs)
def test_the_record_counts_every_promise_once(promises, receipts, as_of):
    judged = judge(promises=promises, receipts=receipts, as_of=as_of)
    record = record_of(judged)
    parts = (record.open, record.kept, record.partly_kept, record.broken, record.superseded, record.withdrawn)
    assert sum(parts) == record.made == len(judged)


@given(st.integers(1, 500), st.integers(0, 60), st.integers(0, 40), st.integers(0, 400), st.integers(1, 500))
def test_tighter_limits_never_accept_what_wider_ones_refuse(amount, ahead, days_max, least, open_minor):
    made = PromiseToPay(
        promise_id="p", account_id="A", amount=Money(amount, "EUR"), made_on=START, due_on=START + timedelta(days=ahead)
    )

    def accepts(days: int, minimum: int) -> bool:
        limits = PromiseLimits(days_ahead_max=days, amounts_min=[Money(minimum, "EUR")])
        return bool(may_promise(promise=made, limits=limits, amount_open=Money(open_minor, "EUR")))

    ladder = [accepts(days_max, least), accepts(days_max + 5, least), accepts(days_max + 5, max(0, least - 50))]
    assert all(not tight or wide for tight, wide in pairwise(ladder))
