"""What is put right before anything is decided: credits that were earned count, charges shown to be wrong do not.

Both are proposals; they are read into the facts of one look here, so that stage, charges and steps are decided as if
they were recorded already. Nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import attrs

from collectkit import policy
from collectkit._strategy.bundle import Strategy
from collectkit._strategy.look import Look, examine
from collectkit.core.checks import as_tuple
from collectkit.core.records import AccountSnapshot, CreditNote
from collectkit.core.waterfall import balance_of

__all__ = ["Righted", "put_right"]


@attrs.frozen(kw_only=True)
class Righted:
    """A look at the facts as they are once rewards and reversals are recorded."""

    look: Look
    rewards: tuple[policy.Reward, ...] = attrs.field(default=(), converter=as_tuple)
    entitlements: tuple[policy.Entitlement, ...] = attrs.field(default=(), converter=as_tuple)
    reversals: tuple[policy.Reversal, ...] = attrs.field(default=(), converter=as_tuple)


def put_right(*, strategy: Strategy, snapshot: AccountSnapshot, score: int | None = None) -> Righted:
    """Find rewards and reversals until none is left: what one of them frees can show another."""
    rewards: list[policy.Reward] = []
    reversals: list[policy.Reversal] = []
    look = examine(strategy=strategy, snapshot=snapshot, score=score)
    while True:
        segment = look.classified.segment
        before = snapshot
        if strategy.incentives.incentives:
            snapshot = _from_when_earned(strategy, snapshot, segment)
            earned = policy.rewards_due(
                policy=strategy.incentives,
                snapshot=snapshot,
                balance=look.balance if snapshot is before else balance_of(snapshot, order=strategy.order),
                segment=segment,
            )
        else:
            earned = policy.RewardsDue()
        if earned.rewards:
            rewards += earned.rewards
            notes = [_as_note(one, snapshot) for one in earned.rewards]
            snapshot = attrs.evolve(snapshot, credit_notes=(*snapshot.credit_notes, *notes))
        wrong = policy.reversals_due(
            policies=strategy.charges,
            snapshot=snapshot,
            calendar=strategy.calendar,
            packs=strategy.packs,
            order=strategy.order,
            is_by_payments=True,
        )
        if wrong:
            reversals += wrong
            dropped = [one.as_waiver(on=snapshot.as_of, authority=strategy.name) for one in wrong]
            snapshot = attrs.evolve(snapshot, waivers=(*snapshot.waivers, *dropped))
        if snapshot is before:
            return Righted(look=look, rewards=rewards, entitlements=earned.entitlements, reversals=reversals)
        look = examine(strategy=strategy, snapshot=snapshot, score=score)


# -- details ---------------------------------------------------------------------------------------------------


def _as_note(reward: policy.Reward, snapshot: AccountSnapshot) -> CreditNote:
    return CreditNote(
        credit_note_id=reward.key,
        account_id=snapshot.account.account_id,
        amount=reward.amount,
        issued_on=min(reward.earned_on, snapshot.as_of),
        receivable_ids=(reward.receivable_id,),
    )


def _from_when_earned(strategy: Strategy, snapshot: AccountSnapshot, segment: str) -> AccountSnapshot:
    """Return the facts with each reward that is recorded already counting from the day it was earned on."""
    kinds = ("discount:", "rebate:", "bonus:")
    given = {
        one.credit_note_id: one
        for one in snapshot.credit_notes
        if one.credit_note_id.startswith(kinds) and one.counts_on(snapshot.as_of)
    }
    if not given:
        return snapshot
    without = attrs.evolve(
        snapshot, credit_notes=[one for one in snapshot.credit_notes if one.credit_note_id not in given]
    )
    earned = policy.rewards_due(
        policy=strategy.incentives,
        snapshot=without,
        balance=balance_of(without, order=strategy.order),
        segment=segment,
    )
    days = {one.key: one.earned_on for one in earned.rewards if one.key in given}
    return snapshot if not _is_sooner(given.values(), days) else _dated(snapshot, days)


def _is_sooner(notes: Iterable[CreditNote], days: Mapping[str, date]) -> bool:
    return any(days.get(one.credit_note_id, one.issued_on) < one.issued_on for one in notes)


def _dated(snapshot: AccountSnapshot, days: Mapping[str, date]) -> AccountSnapshot:
    notes = [
        attrs.evolve(one, issued_on=min(one.issued_on, days.get(one.credit_note_id, one.issued_on)))
        for one in snapshot.credit_notes
    ]
    return attrs.evolve(snapshot, credit_notes=notes)
