"""One look at one account: everything that is derived before a decision, in the order of the house.

Allocation, promises, plan status, aging (after the plans: while one is kept, only its instalments age), features,
segment, holds, stage, steps due. Nothing is decided here; the look shows its figures to `decide`, to the explanation
and to the offers alike, so that all three speak of the same account.
"""

from __future__ import annotations

from datetime import date, timedelta

import attrs

from collectkit import escalation, promises, segments, servicing
from collectkit._strategy.bundle import Strategy
from collectkit.core.aging import AgedAccount, AgedItem, age
from collectkit.core.decisions import AppliedHold
from collectkit.core.guards import AccountFacts
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import AccountSnapshot, HoldReason
from collectkit.core.waterfall import Balance, balance_of

__all__ = ["Look", "examine"]


@attrs.frozen(kw_only=True)
class Look:
    """What the facts say about an account on a day, before anything is decided.

    `aged` holds all that is past due; `actionable` only what no hold covers altogether. `chaseable` are the facts with the arrears
    of those alone: a stage that needs some sum past due is not reached by what is disputed. `plans` are judged in the
    order in which they were agreed; while one is kept, only its instalments age.
    """

    snapshot: AccountSnapshot
    balance: Balance
    promises: tuple[promises.JudgedPromise, ...]
    plans: tuple[servicing.PlanState, ...]
    aged: AgedAccount
    facts: AccountFacts
    chaseable: AccountFacts
    classified: segments.Classified
    holds: tuple[AppliedHold, ...]
    actionable: tuple[AgedItem, ...]
    held_receivables: frozenset[str]
    standing: escalation.Standing
    steps: escalation.StepsDue

    @property
    def account_holds(self) -> tuple[AppliedHold, ...]:
        """Return the holds that cover the whole account."""
        return tuple(hold for hold in self.holds if not hold.receivable_ids)

    def held_refs(self, step_id: str, what: str) -> frozenset[str]:
        """Return the claims for which a hold on receivables stops this step, though it leaves others alone."""
        return frozenset(
            name for hold in self.holds if hold.stops and stops(hold, step_id, what) for name in hold.receivable_ids
        )

    @property
    def principal_past_due(self) -> tuple[Money, ...]:
        """Return open principal whose own due date is over, whatever a plan says: none of it means cured."""
        return tuple(
            item.amount_open
            for item in self.balance.open_items
            if not item.receivable.is_charge and item.receivable.due_on < self.snapshot.as_of
        )

    @property
    def turns(self) -> tuple[date, ...]:
        """Return later days on which the derivation could turn by itself."""
        as_of = self.snapshot.as_of
        days = [
            self.classified.next_on,
            self.standing.next_on,
            self.steps.next_on,
            *(hold.until_on for hold in self.holds),
            *(plan.next_on for plan in self.plans),
        ]
        days += [item.due_on + timedelta(days=1) for item in self.aged.items if item.due_on >= as_of]
        return (*(day for day in days if day is not None and day > as_of), *self.snapshot.turns)


def stops(hold: AppliedHold, step_id: str, what: str) -> bool:
    """Say whether a hold stops a step: all of them where it names none."""
    return not hold.stops or step_id in hold.stops or what in hold.stops


def is_clearing(judged: promises.JudgedPromise, *, as_of: date, clearing_days: int) -> bool:
    """Say whether the money of a promise whose time is over may still be on its way."""
    until_on = promises.hold_until(judged, clearing_days=clearing_days)
    return not judged.is_open and until_on is not None and until_on > as_of


def examine(*, strategy: Strategy, snapshot: AccountSnapshot, score: int | None = None) -> Look:
    """Derive everything about an account that a decision rests on."""
    as_of = snapshot.as_of
    balance = balance_of(snapshot, order=strategy.order)
    judged = promises.judge(
        promises=snapshot.promises,
        receipts=promises.receipts_of(snapshot, balance),
        as_of=as_of,
        tolerance_days=strategy.promise_tolerance_days,
    )
    plans = servicing.plan_states(snapshot=snapshot, balance=balance)
    kept = tuple(one.agreement for one in plans if one.is_kept)
    aged = age(balance, as_of=as_of, plans=kept, scheme=strategy.buckets)
    record = promises.record_of(
        one for one in judged if not is_clearing(one, as_of=as_of, clearing_days=strategy.clearing_days)
    )
    facts = segments.features(
        snapshot=snapshot,
        balance=balance,
        aged=aged,
        promises_kept=record.kept,
        promises_broken=record.broken + record.partly_kept,
        plans_broken=sum(1 for one in plans if one.is_broken),
        score=score,
    )
    classified = segments.classify(segmentation=strategy.segmentation, facts=facts, oldest_due_on=aged.oldest_due_on)
    promised = promises.holds_of(judged, as_of=as_of, clearing_days=strategy.clearing_days)
    planned = tuple(
        AppliedHold(
            reason=HoldReason.PLAN,
            receivable_ids=one.agreement.covers,
            text=f"plan {one.agreement.plan_id} is kept, so only its instalments count",
        )
        for one in plans
        if one.is_kept
    )
    holds = escalation.holds_on(snapshot, promised=(*promised, *planned))
    held = frozenset(name for hold in holds if not hold.stops for name in hold.receivable_ids)
    actionable = tuple(
        item
        for item in aged.items
        if not item.is_charge and item.amount_open.is_positive and item.receivable_id not in held
    )
    chased = sum_by_currency(item.amount_open for item in actionable if item.is_past_due)
    chaseable = attrs.evolve(facts, arrears=tuple(chased.values()))
    standing = escalation.stage_of(
        ladder=strategy.ladder_of(classified.segment),
        items=actionable,
        facts=chaseable,
        snapshot=snapshot,
        calendar=strategy.calendar,
    )
    return Look(
        snapshot=snapshot,
        balance=balance,
        promises=judged,
        plans=plans,
        aged=aged,
        facts=facts,
        chaseable=chaseable,
        classified=classified,
        holds=holds,
        actionable=actionable,
        held_receivables=held,
        standing=standing,
        steps=escalation.steps_due(standing=standing, snapshot=snapshot),
    )
