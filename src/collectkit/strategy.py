"""The strategy: the bundle that is decided with, and the decision itself.

`load` and `parse` read a strategy file and refuse all that is wrong with it in one pass. `decide` takes the facts about
one account as of a day and answers where it stands, what is due, what may be done today, why, and when to look again.
`revalidate` is the last look before a notice goes out. All of it is pure: the same strategy and facts give the same
answer, whoever asks and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import attrs

from collectkit import contact, escalation, policy, promises
from collectkit._strategy.batch import to_batch
from collectkit._strategy.bundle import Aftercare, Strategy
from collectkit._strategy.look import Look, examine
from collectkit._strategy.reading import parse
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
from collectkit.core.events import (
    COMMAND_TYPES,
    Command,
    RaiseTask,
    RequestApproval,
    RestoreService,
    SendNotice,
    semantic_key,
)
from collectkit.core.guards import AmountAtLeast, judge
from collectkit.core.money import sum_by_currency
from collectkit.core.records import AccountSnapshot, Channel, HoldReason
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
    "revalidate",
    "to_batch",
]

MAX_THANKS_DAYS = 7  # thanks that cannot be said within a week are not said


def load(path: str | Path) -> Strategy:
    """Read a strategy from a TOML file.

    Raises:
        InvalidPolicy: everything that is wrong in the file, each with its path, its value and the choices;
            `strategy.unreadable` where the file cannot be opened.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        text = f"the strategy file cannot be read: {error.strerror}"
        raise InvalidPolicy([Problem(code="strategy.unreadable", path=str(path), text=text)]) from error
    return parse(data)


# -- deciding --------------------------------------------------------------------------------------------------


def decide(*, strategy: Strategy, snapshot: AccountSnapshot, score: int | None = None) -> Decision:
    """Decide about one account on `snapshot.as_of`: stage, charges, what to do today, why, and when to look again.

    At most one step of the ladder is taken a day. A hold stops the steps it covers, charges too; steps that are
    marked as always allowed pass. `review_on` is never later than the first day on which the answer could differ
    without a new fact.

    >>> from collectkit.core.records import Account, Debtor
    >>> snapshot = AccountSnapshot(
    ...     as_of=date(2026, 3, 13),
    ...     account=Account(account_id="A-1", debtor_id="D-1"),
    ...     debtor=Debtor(debtor_id="D-1", kind="business"),
    ... )
    >>> decide(strategy=Strategy(name="none", version="1"), snapshot=snapshot).stage
    'current'
    """
    look = examine(strategy=strategy, snapshot=snapshot, score=score)
    as_of = snapshot.as_of
    reasons: list[Reason] = [*look.classified.reasons, *look.standing.reasons]
    reasons += [_hold_reason(hold) for hold in look.holds]
    turns = list(look.turns)

    due = _charges(strategy, look)
    reasons += due.skipped
    earned = policy.rewards_due(
        policy=strategy.incentives, snapshot=snapshot, balance=look.balance, segment=look.classified.segment
    )
    turns += [day for day in (due.next_on, promises.next_on(look.promises, as_of=as_of)) if day is not None]

    is_cured = _is_cured(look)
    commands = list(_aftercare_commands(strategy, look))
    if is_cured:
        cured = _on_cure(strategy, look)
        commands += cured.commands
        reasons += cured.reasons
    else:
        taken = _take_step(strategy, look)
        commands += taken.commands
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
            for one in earned.rewards
        ],
        commands=commands,
        reasons=_distinct(reasons),
        review_on=min((day for day in turns if day > as_of), default=None),
        is_cured=is_cured,
        strategy_name=strategy.name,
        strategy_version=strategy.version,
        strategy_hash=strategy.hash,
    )


def offers_for(*, strategy: Strategy, look: Look, role: str | None = None) -> tuple[Offer, ...]:
    """List what may be offered to the debtor today, for each currency owed; nothing where a plan is kept.

    Disputed receivables are left out: nobody is asked to pay by instalments what he disputes.
    """
    limits = strategy.limits_of(look.classified.segment)
    if limits is None or any(plan.is_kept for plan in look.plans):
        return ()
    free = [
        item
        for item in look.balance.open_items
        if item.receivable.due_on < look.snapshot.as_of and item.receivable.receivable_id not in look.held_receivables
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

    Only here does the hour matter. A claim that was paid, disputed or held in the meantime, an address that was lost,
    a cycle that ended and a window that closed suppress the notice; closed hours and full caps defer it.
    """
    record = next((one for one in snapshot.notices if one.key == command.key), None)
    if record is not None and not record.is_pending:
        return Suppress(reason=_reason("already", f"{command.key} was handled before"))
    look = examine(strategy=strategy, snapshot=snapshot)
    if not command.is_always_allowed:
        if command.cycle != snapshot.cycle:
            return Suppress(reason=_reason("cured", "the account was cured since this was decided"))
        live = {escalation.item_ref(item) for item in look.actionable}
        if not live.intersection(command.receivable_ids):
            return Suppress(
                reason=_reason("settled_or_held", "nothing that this notice speaks of is still to be chased")
            )
        stopped = [hold for hold in look.account_holds if _stops(hold, command.step, command.notice)]
        if stopped:
            return Suppress(reason=_reason("held", f"held: {stopped[0].text or stopped[0].reason.value}"))
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


# -- details: charges and steps --------------------------------------------------------------------------------

_HOLDS_THAT_SPARE_CHARGES = frozenset(
    {
        HoldReason.DISPUTE,
        HoldReason.HARDSHIP,
        HoldReason.INSOLVENCY,
        HoldReason.BREATHING_SPACE,
        HoldReason.DECEASED,
        HoldReason.MEDIATION,
        HoldReason.PROMISE,
    }
)
"""Under these nothing is charged while they last; a cease request, say, forbids contact and not fees."""


@attrs.frozen(kw_only=True)
class _Taken:
    """What was chosen, why, and days on which to look again."""

    commands: tuple[Command, ...] = ()
    reasons: tuple[Reason, ...] = ()
    turns: tuple[date, ...] = ()


def _charges(strategy: Strategy, look: Look) -> policy.ChargesDue:
    sparing = [hold for hold in look.account_holds if hold.reason in _HOLDS_THAT_SPARE_CHARGES]
    held = look.held_receivables
    if sparing:
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


def _take_step(strategy: Strategy, look: Look) -> _Taken:
    """Take the first step that is due and can be carried out, unless a hold, a trifle or today's step speaks against it."""
    snapshot, as_of = look.snapshot, look.snapshot.as_of
    account_id = snapshot.account.account_id
    reasons = [*look.standing.blocked, *look.steps.reasons]
    approvals = tuple(
        RequestApproval(
            key=key,
            account_id=account_id,
            stage=look.standing.wants_for or "",
            subject=look.standing.wants_for or "",
            authority=role,
        )
        for role in look.standing.wants
        if (key := semantic_key("approval", account_id, snapshot.cycle, look.standing.wants_for or "", role))
        not in snapshot.issued_keys
    )
    planned = look.steps.steps
    if not planned:
        return _Taken(commands=() if look.account_holds else approvals, reasons=tuple(reasons))
    trifle = _trifle(strategy, look)
    if trifle is not None:
        return _Taken(reasons=(*reasons, trifle))
    if _stepped_today(snapshot):
        return _Taken(commands=approvals, reasons=tuple(reasons), turns=(as_of + timedelta(days=1),))
    turns: list[date] = []
    for place, step in enumerate(planned):
        stopped = [hold for hold in look.account_holds if _stops(hold, step.step.id, step.step.what)]
        if stopped and not step.step.is_always_allowed:
            continue  # the hold has given its reason already
        if step.step.action != "notice":
            command = _other_command(step, snapshot)
            rest = (as_of + timedelta(days=1),) if len(planned) > place + 1 else ()
            return _Taken(commands=(command, *approvals), reasons=(*reasons, _late(step)), turns=(*turns, *rest))
        chosen = contact.plan_contact(snapshot=snapshot, on=as_of, channels=step.step.channels, policy=strategy.contact)
        if isinstance(chosen, contact.ContactPlan):
            notice = _notice(step, chosen, snapshot)
            return _Taken(
                commands=(notice, *approvals),
                reasons=(*reasons, *chosen.reasons, _late(step)),
                turns=(*turns, as_of + timedelta(days=1)),
            )
        reasons += chosen.reasons
        if chosen.next_on is not None:
            turns.append(chosen.next_on)
        elif strategy.aftercare.unreachable_task is not None:
            task = _task(snapshot, strategy.aftercare.unreachable_task, "unreachable", step.anchor)
            if task is not None:
                return _Taken(commands=(task, *approvals), reasons=tuple(reasons), turns=(as_of + timedelta(days=1),))
    return _Taken(commands=() if look.account_holds else approvals, reasons=tuple(reasons), turns=tuple(turns))


def _trifle(strategy: Strategy, look: Look) -> Reason | None:
    """Say why the arrears are too small to chase, or None."""
    if not strategy.materiality:
        return None
    known = {bound.currency for bound in strategy.materiality}
    if any(sum_.currency not in known for sum_ in look.chaseable.arrears) or not look.chaseable.arrears:
        return None
    verdict = judge(AmountAtLeast(fact="arrears", bounds=strategy.materiality), look.chaseable)
    if verdict:
        return None
    return Reason(code="strategy.materiality", text=f"too small to chase: {'; '.join(verdict.why)}")


def _stepped_today(snapshot: AccountSnapshot) -> bool:
    if snapshot.last_command_on == snapshot.as_of:
        return True
    return any(
        one.requested_on == snapshot.as_of and one.bounced_on is None and one.suppressed_on is None
        for one in snapshot.notices
    )


def _notice(step: escalation.PlannedStep, chosen: contact.ContactPlan, snapshot: AccountSnapshot) -> SendNotice:
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
    return _reason("step", f"{step.step.action} {step.step.what} is taken {when}")


# -- details: cures and broken words ---------------------------------------------------------------------------


def _is_cured(look: Look) -> bool:
    """Say whether this look ends the cycle: something was done about arrears, and none are left."""
    if look.principal_past_due or look.aged.arrears:
        return False
    return _was_chased(look.snapshot)


def _was_chased(snapshot: AccountSnapshot) -> bool:
    """Say whether anything happened in this cycle that a cure should end: a sent notice, or a command.

    A reminder before the due date is no dunning, so it starts no cycle.
    """
    account_id, cycle = snapshot.account.account_id, snapshot.cycle
    prefixes = tuple(semantic_key(kind, account_id, cycle, "") for kind in ("task", "command", "approval"))
    if any(key.startswith(prefixes) for key in snapshot.issued_keys):
        return True
    due_on = {one.receivable_id: one.due_on for one in snapshot.receivables}
    return any(
        one.cycle == cycle
        and one.delivered_on is not None
        and any(due_on.get(name.partition("#")[0], date.min) < one.requested_on for name in one.receivable_ids)
        for one in snapshot.notices
    )


def _on_cure(strategy: Strategy, look: Look) -> _Taken:
    """Thank the debtor if anything was written before, and restore what was restricted."""
    snapshot = look.snapshot
    account_id, cycle = snapshot.account.account_id, snapshot.cycle
    commands: list[Command] = []
    reasons = [_reason("cured", "everything past due was paid, so this cycle is over")]
    restricted = semantic_key("command", account_id, cycle, "")
    if any(key.startswith(restricted) and key.endswith("restrict-service") for key in snapshot.issued_keys):
        commands.append(
            RestoreService(
                key=semantic_key("command", account_id, cycle, escalation.CURED, "restore-service"),
                account_id=account_id,
                stage=escalation.CURED,
                step="restore-service",
            )
        )
    wrote = any(one.cycle == cycle and one.delivered_on is not None for one in snapshot.notices)
    if strategy.aftercare.thanks is not None and wrote and not look.account_holds:
        thanks = _thanks(strategy, strategy.aftercare.thanks, strategy.aftercare.thanks_channels, snapshot)
        commands += [thanks] if isinstance(thanks, SendNotice) else []
        reasons += [thanks] if isinstance(thanks, Reason) else []
    return _Taken(commands=tuple(commands), reasons=tuple(reasons))


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
            return _notice(planned, chosen, snapshot)
    return _reason("no_thanks", f"no contact is possible within {MAX_THANKS_DAYS} days, so no thanks are sent")


def _aftercare_commands(strategy: Strategy, look: Look) -> Iterable[Command]:
    """Raise a task for each promise or plan that broke, and each instalment that was missed, once."""
    care, snapshot = strategy.aftercare, look.snapshot
    wanted = []
    if care.broken_promise_task is not None:
        broken = (promises.PromiseOutcome.BROKEN, promises.PromiseOutcome.PARTLY_KEPT)
        wanted += [
            (care.broken_promise_task, "promise", one.promise.promise_id)
            for one in look.promises
            if one.outcome in broken
        ]
    if care.broken_plan_task is not None:
        wanted += [(care.broken_plan_task, "plan", one.agreement.plan_id) for one in look.plans if one.is_broken]
    if care.missed_instalment_task is not None:
        wanted += [
            (care.missed_instalment_task, "instalment", escalation.item_ref(item))
            for item in look.aged.items
            if item.plan_id is not None and item.days_past_due > 0
        ]
    if not look.balance.open_items:
        return ()
    tasks = (_task(snapshot, name, kind, subject) for name, kind, subject in wanted)
    return tuple(task for task in tasks if task is not None)


def _task(snapshot: AccountSnapshot, name: str, kind: str, subject: str) -> RaiseTask | None:
    """Make a task about a subject, or None where it was raised before."""
    account_id = snapshot.account.account_id
    key = semantic_key("aftercare", account_id, kind, subject)
    if key in snapshot.issued_keys:
        return None
    return RaiseTask(key=key, account_id=account_id, task=name, due_on=snapshot.as_of, step=kind)


# -- details: small things -------------------------------------------------------------------------------------


def _stops(hold: AppliedHold, step_id: str, what: str) -> bool:
    return not hold.stops or step_id in hold.stops or what in hold.stops


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
