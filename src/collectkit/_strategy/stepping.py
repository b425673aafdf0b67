"""Which step of the ladder is taken today: the first that is due and that nothing stops or delays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

import attrs

from collectkit import contact, escalation
from collectkit._strategy.aftercare import task_about
from collectkit._strategy.bundle import Strategy
from collectkit._strategy.look import Look, stops
from collectkit.core.checks import as_tuple
from collectkit.core.decisions import Reason
from collectkit.core.events import (
    COMMAND_TYPES,
    Command,
    RaiseTask,
    RequestApproval,
    SendNotice,
    semantic_key,
)
from collectkit.core.money import sum_by_currency
from collectkit.core.records import AccountSnapshot

__all__ = ["Taken", "notice_of", "take_step", "trifle"]

_DAY = timedelta(days=1)


@attrs.frozen(kw_only=True)
class Taken:
    """What was chosen, why, and days on which to look again."""

    commands: tuple[Command, ...] = attrs.field(default=(), converter=as_tuple)
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple)
    turns: tuple[date, ...] = attrs.field(default=(), converter=as_tuple)


def take_step(strategy: Strategy, look: Look) -> Taken:
    """Take the first step that is due and can be carried out, unless a hold, a trifle or today's step speaks against it."""
    snapshot, as_of = look.snapshot, look.snapshot.as_of
    reasons = [*look.standing.blocked, *look.steps.reasons]
    too_small = trifle(strategy, look)
    unwritten = trifle(strategy, look, to="write")
    planned = look.steps.steps
    pre_due = {rule.id for rule in strategy.ladder_of(look.classified.segment) if rule.is_pre_due}
    if too_small is not None and planned:
        planned = tuple(step for step in planned if step.stage in pre_due)
        reasons.append(too_small)
        if not planned:
            return Taken(reasons=reasons)
    approvals = () if too_small is not None else tuple(_requests(look))
    if not planned:
        return Taken(commands=approvals, reasons=reasons)
    if _stepped_today(snapshot):
        return Taken(commands=approvals, reasons=reasons, turns=[as_of + _DAY])
    turns: list[date] = []
    for place, due in enumerate(planned):
        step = _unheld(due, look)
        if step is None:
            continue  # the hold has given its reason already
        if step.step.action == "notice":
            if unwritten is not None and not step.step.is_always_allowed and step.stage not in pre_due:
                reasons.append(unwritten)
                continue
            chosen = _contact(strategy, step, snapshot)
            if isinstance(chosen, contact.ContactPlan):
                return Taken(
                    commands=(notice_of(step, chosen, snapshot), *approvals),
                    reasons=(*reasons, *chosen.reasons, _late(step)),
                    turns=(*turns, as_of + _DAY),
                )
            reasons += chosen.reasons
            if chosen.next_on is not None:
                turns.append(chosen.next_on)
                continue
            task = task_about(snapshot, strategy.aftercare.unreachable_task, "unreachable", step.anchor)
            if task is not None:
                return Taken(commands=(task, *approvals), reasons=reasons, turns=[as_of + _DAY])
            continue
        unannounced = _unannounced(strategy, step, look)
        if unannounced is not None:
            reasons.append(unannounced)
            continue
        rest = (as_of + _DAY,) if len(planned) > place + 1 else ()
        return Taken(
            commands=(_other_command(step, snapshot), *approvals),
            reasons=(*reasons, _late(step)),
            turns=(*turns, *rest),
        )
    return Taken(commands=approvals, reasons=reasons, turns=turns)


def trifle(strategy: Strategy, look: Look, *, to: Literal["chase", "write"] = "chase") -> Reason | None:
    """Say why what is past due and not held is too small to chase or to write about, or None."""
    bounds = strategy.materiality if to == "chase" else strategy.writing_materiality
    least = {bound.currency: bound for bound in bounds}
    sums = sum_by_currency(item.amount_open for item in look.actionable if item.days_past_due > 0)
    if not sums or any(code not in least or amount >= least[code] for code, amount in sums.items()):
        return None
    figures = ", ".join(f"{amount} past due is below {least[code]}" for code, amount in sums.items())
    return Reason(code="strategy.materiality", text=f"too small to {to}{' about' if to == 'write' else ''}: {figures}")


def notice_of(step: escalation.PlannedStep, chosen: contact.ContactPlan, snapshot: AccountSnapshot) -> SendNotice:
    """Make the notice of a step for the contact that was chosen."""
    account_id = snapshot.account.account_id
    return SendNotice(
        key=step.key(account_id, snapshot.cycle, chosen.channel.value),
        account_id=account_id,
        stage=step.stage,
        step=step.step.id,
        late_days=step.late_days,
        notice=step.step.what,
        channel=chosen.channel,
        contact_point_id=chosen.contact_point.contact_point_id,
        cycle=snapshot.cycle,
        occurrence=step.occurrence,
        decided_on=snapshot.as_of,
        earliest_at=chosen.earliest_at,
        latest_at=chosen.latest_at,
        receivable_ids=step.covers,
        is_always_allowed=step.step.is_always_allowed,
    )


# -- details: what stands in the way ---------------------------------------------------------------------------


def _requests(look: Look) -> Iterator[RequestApproval]:
    """Ask for the leave that alone is missing, once, and once more for each that ended; never while the stage is held."""
    snapshot, stage = look.snapshot, look.standing.wants_for or ""
    if any(stops(hold, stage, stage) for hold in look.account_holds):
        return
    for role in look.standing.wants:
        ended = sum(
            1
            for one in snapshot.approvals
            if (one.subject, one.authority, one.cycle) == (stage, role, snapshot.cycle)
            and one.until_on is not None
            and one.until_on <= snapshot.as_of
        )
        again = (ended,) if ended else ()
        key = semantic_key("approval", snapshot.account.account_id, snapshot.cycle, stage, role, *again)
        if key not in snapshot.issued_keys:
            yield RequestApproval(
                key=key,
                account_id=snapshot.account.account_id,
                stage=stage,
                subject=stage,
                authority=role,
                cycle=snapshot.cycle,
            )


def _unheld(due: escalation.PlannedStep, look: Look) -> escalation.PlannedStep | None:
    """Return the step for the claims for which no hold stops it, None where none is left."""
    step, snapshot = due.step, look.snapshot
    if step.is_always_allowed:
        return due
    if any(stops(hold, step.id, step.what) for hold in look.account_holds):
        return None
    held = look.held_refs(step.id, step.what)
    if held.isdisjoint((*due.covers, due.anchor)):
        return due
    covers = tuple(name for name in due.covers if name not in held)
    if not covers:
        return None
    free = attrs.evolve(due, covers=covers, anchor=due.anchor if due.anchor in covers else covers[0])
    return None if free.key(snapshot.account.account_id, snapshot.cycle) in snapshot.issued_keys else free


def _stepped_today(snapshot: AccountSnapshot) -> bool:
    if snapshot.last_command_on == snapshot.as_of:
        return True
    return any(
        one.requested_on == snapshot.as_of and one.bounced_on is None and one.suppressed_on is None
        for one in snapshot.notices
    )


def _contact(
    strategy: Strategy, step: escalation.PlannedStep, snapshot: AccountSnapshot
) -> contact.ContactPlan | contact.ContactDelayed:
    """Choose the contact for a notice; an address at which it failed today is left alone until tomorrow."""
    failed = {
        one.contact_point_id
        for one in snapshot.notices
        if one.bounced_on == snapshot.as_of and (one.stage, one.step) == (step.stage, step.step.id)
    }
    points = [one for one in snapshot.contact_points if one.contact_point_id not in failed]
    resting = any(one.is_usable(snapshot.as_of) for one in snapshot.contact_points if one.contact_point_id in failed)
    facts = attrs.evolve(snapshot, contact_points=points) if resting else snapshot
    chosen = contact.plan_contact(
        snapshot=facts, on=snapshot.as_of, channels=step.step.channels, policy=strategy.contact
    )
    if resting and isinstance(chosen, contact.ContactDelayed) and chosen.next_on is None:
        tomorrow = snapshot.as_of + _DAY
        why = Reason(
            code="strategy.came_back", text=f"{step.step.what} could not be carried today; again on {tomorrow}"
        )
        return contact.ContactDelayed(next_on=tomorrow, reasons=(*chosen.reasons, why))
    return chosen


def _unannounced(strategy: Strategy, step: escalation.PlannedStep, look: Look) -> Reason | None:
    """Say which notice of the stage must go out before a command that comes after it; a task is for people to judge."""
    ladder = strategy.ladder_of(look.classified.segment)
    rule = ladder.stage(step.stage)
    if step.step.action != "command" or rule is None:
        return None
    stages = [one.id for one in ladder]
    further = set(stages[stages.index(rule.id) + 1 :])
    went_out = [
        one
        for one in look.snapshot.notices
        if one.delivered_on is not None and (rule.is_pre_due or one.cycle == look.snapshot.cycle)
    ]
    if any(one.stage in further for one in went_out):
        return None  # a sterner notice has told the debtor more than this stage would
    told = {one.step for one in went_out if one.stage == rule.id}
    place = rule.steps.index(step.step)
    for number, one in enumerate(rule.steps):
        is_before = (one.day, number) < (step.step.day, place)
        if one.action == "notice" and is_before and one.id not in told:
            text = f"{step.step.what} waits: {one.what}, which comes first, has not gone out"
            return Reason(code="strategy.unannounced", text=text)
    return None


# -- details: commands -----------------------------------------------------------------------------------------


def _other_command(step: escalation.PlannedStep, snapshot: AccountSnapshot) -> Command:
    account_id = snapshot.account.account_id
    key = step.key(account_id, snapshot.cycle)
    if step.step.action == "task":
        return RaiseTask(
            key=key,
            account_id=account_id,
            stage=step.stage,
            step=step.step.id,
            late_days=step.late_days,
            task=step.step.what,
            due_on=snapshot.as_of,
        )
    kind: type[Command] = COMMAND_TYPES[step.step.what]
    return kind(key=key, account_id=account_id, stage=step.stage, step=step.step.id, late_days=step.late_days)


def _late(step: escalation.PlannedStep) -> Reason:
    when = "on its day" if not step.late_days else f"{step.late_days} days after {step.planned_on}, when it was planned"
    return Reason(code="strategy.step", text=f"{step.step.action} {step.step.what} is taken {when}")
