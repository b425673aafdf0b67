"""The strategy: the bundle that is decided with, and the decision itself.

`load` and `parse` read a strategy file and refuse all that is wrong with it in one pass. `decide` takes the facts about
one account as of a day and answers where it stands, what is due, what may be done today, why, and when to look again.
`revalidate` is the last look before a notice goes out. All of it is pure: the same strategy and facts give the same
answer, whoever asks and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import attrs

from collectkit import contact, escalation, policy, promises
from collectkit._strategy.aftercare import is_cured, restored, tasks_for_people
from collectkit._strategy.batch import to_batch
from collectkit._strategy.bundle import Aftercare, Strategy
from collectkit._strategy.look import Look, examine, stops
from collectkit._strategy.reading import parse
from collectkit._strategy.righting import put_right
from collectkit._strategy.stepping import Taken, notice_of, take_step, trifle
from collectkit.core.decisions import (
    AppliedHold,
    Credit,
    Decision,
    Defer,
    Keep,
    LastLook,
    Reason,
    Suppress,
)
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.events import Command, GrantEntitlement, SendNotice
from collectkit.core.money import sum_by_currency
from collectkit.core.records import AccountSnapshot, Channel, HoldReason
from collectkit.core.rules import RulePack
from collectkit.settlement import Offer, offers

__all__ = [
    "Aftercare",
    "Look",
    "Strategy",
    "decide",
    "examine",
    "load",
    "offers_for",
    "parse",
    "postponed",
    "revalidate",
    "to_batch",
]

MAX_POSTPONED_DAYS = 7
MAX_THANKS_DAYS = 7  # thanks that cannot be said within a week are not said


def load(path: str | Path, *, packs: Iterable[RulePack] = ()) -> Strategy:
    """Read a strategy from a TOML file; `packs` are rule packs of your own that it may name by their ids.

    It may name files of packs as well, such as `packs = ["./own.toml"]`, by their paths from its own folder.

    Raises:
        InvalidPolicy: everything that is wrong in the file, each with its path, its value and the choices;
            `strategy.unreadable` where the file cannot be opened.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        text = f"the strategy file cannot be read: {error.strerror}"
        raise InvalidPolicy([Problem(code="strategy.unreadable", path=str(path), text=text)]) from error
    return parse(data, packs=packs, folder=Path(path).parent)


# -- deciding --------------------------------------------------------------------------------------------------


def decide(*, strategy: Strategy, snapshot: AccountSnapshot, score: int | None = None) -> Decision:
    """Decide about one account on `snapshot.as_of`: stage, charges, what to do today, why, and when to look again.

    At most one step of the ladder is taken a day. A hold stops the steps it covers, charges too; steps that are
    marked as always allowed pass. `review_on` is never later than the first day on which the answer could differ
    without a new fact.

    A posted charge that a payment has shown to be wrong, because it came in late and counts from an earlier day, is
    taken back first: everything else is decided as if `Decision.reversals` were recorded already. When that payment
    is returned, the charge falls due again. So are credits that were earned, which count from the day they were earned
    on: who paid early and earned a discount by it is never late, however late anybody looks.

    >>> from datetime import date
    >>> from collectkit.core.records import Account, Debtor
    >>> snapshot = AccountSnapshot(
    ...     as_of=date(2026, 3, 13),
    ...     account=Account(account_id="A-1", debtor_id="D-1"),
    ...     debtor=Debtor(debtor_id="D-1", kind="business"),
    ... )
    >>> decide(strategy=Strategy(name="none", version="1"), snapshot=snapshot).stage
    'current'
    """
    righted = put_right(strategy=strategy, snapshot=snapshot, score=score)
    look, snapshot, reversals = righted.look, righted.look.snapshot, righted.reversals
    as_of = snapshot.as_of
    reasons: list[Reason] = [*look.classified.reasons, *look.standing.reasons]
    reasons += [reason for one in reversals for reason in one.reasons]
    reasons += [_hold_reason(hold) for hold in look.holds]
    turns = list(look.turns)

    due = _charges(strategy, look)
    reasons += due.skipped
    reasons += [Reason(code="policy.warning", text=warning) for warning in due.warnings]
    turns += [day for day in (due.next_on, promises.next_on(look.promises, as_of=as_of)) if day is not None]

    ends_cycle = is_cured(look)
    taken = _on_cure(strategy, look) if ends_cycle else take_step(strategy, look)
    granted = [
        GrantEntitlement(
            key=one.key,
            account_id=snapshot.account.account_id,
            kind=one.kind,
            what=one.what,
            valid_until_on=one.valid_until_on,
            receivable_id=one.receivable_id,
            amount=one.amount,
        )
        for one in righted.entitlements
    ]
    commands = (*tasks_for_people(strategy, look), *taken.commands, *granted)
    reasons += taken.reasons
    turns += taken.turns

    return Decision(
        account_id=snapshot.account.account_id,
        as_of=as_of,
        cycle=snapshot.cycle,
        stage=look.standing.stage,
        segment=look.classified.segment,
        arrears=look.aged.arrears,
        amount_open=tuple(look.balance.amount_open.values()),
        days_past_due=look.aged.days_past_due,
        holds=look.holds,
        charges=due.charges,
        credits=[
            Credit(
                key=one.key,
                rule=one.rule,
                receivable_id=one.receivable_id,
                amount=one.amount,
                earned_on=one.earned_on,
                reasons=one.reasons,
            )
            for one in righted.rewards
        ],
        reversals=reversals,
        commands=commands,
        reasons=_distinct(reasons),
        review_on=min((day for day in turns if day > as_of), default=None),
        is_cured=ends_cycle,
        strategy_name=strategy.name,
        strategy_version=strategy.version,
        strategy_hash=strategy.hash,
        packs=due.packs,
    )


def offers_for(*, strategy: Strategy, look: Look, role: str | None = None) -> tuple[Offer, ...]:
    """List what may be offered to the debtor today, for each currency owed; nothing where a plan is kept.

    What is held is left out, with the charges on it, and so is everything while the whole account is held: nobody is
    asked to pay by instalments what he disputes.
    """
    limits = strategy.limits_of(look.classified.segment)
    if limits is None or look.account_holds or any(plan.is_kept for plan in look.plans):
        return ()
    held = look.held_receivables
    free = [
        item
        for item in look.balance.open_items
        if item.receivable.due_on < look.snapshot.as_of
        and item.receivable.receivable_id not in held
        and item.receivable.parent_id not in held
    ]
    found: list[Offer] = []
    for currency, balance in sum_by_currency(item.amount_open for item in free).items():
        covers = tuple(item.receivable.receivable_id for item in free if item.amount_open.currency == currency)
        found += offers(
            account_id=look.snapshot.account.account_id,
            balance=balance,
            covers=covers,
            on=look.snapshot.as_of,
            limits=limits,
            role=role,
        )
    return tuple(found)


# -- the last look ---------------------------------------------------------------------------------------------


def revalidate(*, strategy: Strategy, command: SendNotice, snapshot: AccountSnapshot, now: datetime) -> LastLook:
    """Look once more before a notice is sent: keep it, defer it to a later instant, or suppress it for good.

    Only here does the hour matter. A claim that was paid, but for a trifle, disputed or held in the meantime, an address
    that was lost, a cycle that ended and a window that closed suppress the notice; closed hours and full caps defer it.
    What is always allowed passes the holds, and is still not sent for what was paid.
    """
    record = next((one for one in snapshot.notices if one.key == command.key), None)
    if record is not None and not record.is_pending:
        return Suppress(reason=_reason("already", f"{command.key} was handled before"))
    look = examine(strategy=strategy, snapshot=snapshot)
    overtaken = _out_of_date(strategy, command, look)
    if overtaken is not None:
        return Suppress(reason=overtaken)
    if now > command.latest_at:
        return Suppress(reason=_reason("window_over", f"its window ended at {command.latest_at.isoformat()}"))
    point = next((one for one in snapshot.contact_points if one.contact_point_id == command.contact_point_id), None)
    if point is None:
        return Suppress(reason=_reason("contact_point", "its contact point is no longer known"))
    leave = contact.permission(
        snapshot=snapshot, channel=command.channel, contact_point=point, now=now, policy=strategy.contact
    )
    if leave.is_allowed:
        return Keep()
    why = leave.reasons[0] if leave.reasons else _reason("not_allowed", f"contact is {leave.outcome.value}")
    if leave.next_allowed_at is not None and leave.next_allowed_at <= command.latest_at:
        return Defer(until_at=leave.next_allowed_at, reason=why)
    return Suppress(reason=why)


def postponed(*, strategy: Strategy, command: SendNotice, snapshot: AccountSnapshot, now: datetime) -> SendNotice:
    """Return the notice with the hours of the next day within a week on which its channel is open after `now`.

    For a notice whose hours were over before anyone could carry it out; unchanged where there is no such day.
    """
    for wait in range(1, MAX_POSTPONED_DAYS + 1):
        on = snapshot.as_of + timedelta(days=wait)
        chosen = contact.plan_contact(snapshot=snapshot, on=on, channels=[command.channel], policy=strategy.contact)
        if not isinstance(chosen, contact.ContactPlan) or chosen.latest_at <= now:
            continue
        if chosen.contact_point.contact_point_id == command.contact_point_id:
            return attrs.evolve(command, earliest_at=chosen.earliest_at, latest_at=chosen.latest_at)
    return command


# -- details ---------------------------------------------------------------------------------------------------

_HOLDS_THAT_SPARE_CHARGES = frozenset(
    {
        HoldReason.DISPUTE,
        HoldReason.HARDSHIP,
        HoldReason.INSOLVENCY,
        HoldReason.DECEASED,
        HoldReason.MEDIATION,
        HoldReason.PROMISE,
    }
)
"""Under these nothing is charged while they last; a cease request, say, forbids contact and not fees."""

_LEFT_TO_POLICY = frozenset({HoldReason.PLAN, HoldReason.BREATHING_SPACE, HoldReason.BREATHING_SPACE_CRISIS})
"""Holds that the policy judges itself: what a kept plan covers, and when the law ends a breathing space."""


def _charges(strategy: Strategy, look: Look) -> policy.ChargesDue:
    left = {name for hold in look.holds if hold.reason in _LEFT_TO_POLICY for name in hold.receivable_ids}
    otherwise = {name for hold in look.holds if hold.reason not in _LEFT_TO_POLICY for name in hold.receivable_ids}
    held = look.held_receivables - (left - otherwise)
    if any(hold.reason in _HOLDS_THAT_SPARE_CHARGES and not hold.stops for hold in look.account_holds):
        held = frozenset(item.receivable.receivable_id for item in look.balance.items)
    return policy.charges_due(
        policies=strategy.charges,
        snapshot=look.snapshot,
        balance=look.balance,
        segment=look.classified.segment,
        calendar=strategy.calendar,
        held_receivables=held,
        packs=strategy.packs,
    )


def _on_cure(strategy: Strategy, look: Look) -> Taken:
    """Restore what was restricted, and thank the debtor if anything was written before; thanks pass the holds."""
    snapshot, care = look.snapshot, strategy.aftercare
    reasons = [_reason("cured", "everything past due was paid, so this cycle is over")]
    restore = restored(strategy, look)
    commands: list[Command] = [] if restore is None else [restore]
    wrote = any(one.cycle == snapshot.cycle and one.delivered_on is not None for one in snapshot.notices)
    if care.thanks is not None and wrote:
        thanks = _thanks(strategy, care.thanks, care.thanks_channels, snapshot)
        commands += [thanks] if isinstance(thanks, SendNotice) else []
        reasons += [thanks] if isinstance(thanks, Reason) else []
    return Taken(commands=commands, reasons=reasons)


def _thanks(
    strategy: Strategy, notice: str, channels: Sequence[Channel], snapshot: AccountSnapshot
) -> SendNotice | Reason:
    for wait in range(MAX_THANKS_DAYS):
        chosen = contact.plan_contact(
            snapshot=snapshot, on=snapshot.as_of + timedelta(days=wait), channels=channels, policy=strategy.contact
        )
        if isinstance(chosen, contact.ContactPlan):
            step = escalation.Step(id="thanks", what=notice, channels=channels, is_always_allowed=True)
            planned = escalation.PlannedStep(
                stage=escalation.CURED,
                step=step,
                occurrence=1,
                planned_on=snapshot.as_of,
                late_days=0,
                anchor="",
                covers=(),
            )
            return notice_of(planned, chosen, snapshot)
    return _reason("no_thanks", f"no contact is possible within {MAX_THANKS_DAYS} days, so no thanks are sent")


def _out_of_date(strategy: Strategy, command: SendNotice, look: Look) -> Reason | None:
    """Say which fact has overtaken a notice since it was decided, or None."""
    if command.stage == escalation.CURED:
        if look.principal_past_due or look.aged.arrears:
            return _reason("relapsed", "something is past due again, so there is nothing to give thanks for")
        return None
    if command.is_always_allowed:  # it passes the holds, and not the payment
        alive = {item.receivable.receivable_id for item in look.balance.open_items}
        alive |= {escalation.item_ref(item) for item in look.aged.items}
    else:
        if command.cycle != look.snapshot.cycle:
            return _reason("cured", "the account was cured since this was decided")
        alive = {escalation.item_ref(item) for item in look.actionable}
        alive -= look.held_refs(command.step, command.notice)
    if command.receivable_ids and alive.isdisjoint(command.receivable_ids):
        return _reason("settled_or_held", "nothing that this notice speaks of is still to be chased")
    if command.is_always_allowed:
        return None
    stopped = [hold for hold in look.account_holds if stops(hold, command.step, command.notice)]
    if stopped:
        return _reason("held", f"held: {stopped[0].text or stopped[0].reason.value}")
    stage = strategy.ladder_of(look.classified.segment).stage(command.stage)
    if stage is not None and stage.is_pre_due:
        return None
    return trifle(strategy, look) or trifle(strategy, look, to="write")


def _hold_reason(hold: AppliedHold) -> Reason:
    until = "until it is lifted" if hold.until_on is None else f"until {hold.until_on}"
    what = f" on {', '.join(hold.receivable_ids[:5])}" if hold.receivable_ids else ""
    if len(hold.receivable_ids) > 5:
        what += f" and {len(hold.receivable_ids) - 5} more"
    return Reason(code=f"hold.{hold.reason.value}", text=f"held{what} {until}: {hold.text}")


def _distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reasons))


def _reason(code: str, text: str) -> Reason:
    return Reason(code=f"strategy.{code}", text=text)
