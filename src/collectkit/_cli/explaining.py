"""One account in words, for a credit controller: what is owed, where it stands, why, and what comes next.

No name and no address of a debtor is said; the account goes by its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from collectkit import history
from collectkit._cli.printing import plain_words
from collectkit.core.aging import AgedItem
from collectkit.core.decisions import Decision
from collectkit.core.errors import CalendarMissing
from collectkit.core.events import (
    ChargePosted,
    Command,
    CommandIssued,
    Event,
    GrantEntitlement,
    NoticeSuppressed,
    RaiseTask,
    RequestApproval,
    SendNotice,
)
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import AccountSnapshot, NoticeRecord
from collectkit.core.waterfall import Item
from collectkit.escalation import CURRENT, GRACE
from collectkit.strategy import Look, Strategy, decide, examine, offers_for

__all__ = ["explanation", "facts_of"]

_SHOWN = 8  # items of a list before the rest is summed up
_BRIEFLY = 3
_AHEAD_LOOKS, _AHEAD_DAYS = 40, 120  # how far "if nothing new happens" looks


def explanation(events: Sequence[Event], *, strategy: Strategy, on: date, brief: bool = False) -> str:
    """Explain an account on a day in plain sentences and short lists."""
    snapshot = history.snapshot(events, as_of=on)
    look = examine(strategy=strategy, snapshot=snapshot)
    decision = decide(strategy=strategy, snapshot=snapshot)
    shown = _BRIEFLY if brief else _SHOWN
    few = 1 if brief else _SHOWN
    parts = [
        _headline(look, decision),
        _listed("What is owed", _owed(look), shown=shown),
        _listed("What was charged for lateness, latest first", _charged(events, look), shown=few),
        _listed("What was agreed", _agreed(look), shown=shown),
        _listed("Why", _why(look, decision), shown=4 if brief else 12),
        _listed("What was done, latest first", _done(snapshot, events), shown=shown),
        _listed("What is due today", _today(decision), shown=shown),
        _listed("What may be offered", _offered(strategy, look), shown=2 if brief else _SHOWN),
        _next(events, strategy, look, decision),
    ]
    return "\n".join(part for part in parts if part)


def facts_of(events: Sequence[Event], *, strategy: Strategy, on: date) -> dict[str, object]:
    """Give the same as plain values for programs."""
    snapshot = history.snapshot(events, as_of=on)
    look = examine(strategy=strategy, snapshot=snapshot)
    decision = decide(strategy=strategy, snapshot=snapshot)
    return {
        "account": decision.account_id,
        "as_of": on,
        "segment": decision.segment,
        "stage": decision.stage,
        "stage_since": look.standing.since_on,
        "days_past_due": decision.days_past_due,
        "arrears": [str(one) for one in decision.arrears],
        "arrears_held": [str(one) for one in _held(look)],
        "open": [str(one) for one in decision.amount_open],
        "items": [
            {
                "receivable": item.receivable.receivable_id,
                "component": item.receivable.component.value,
                "parent": item.receivable.parent_id,
                "due_on": item.receivable.due_on,
                "open": str(item.amount_open),
                "is_held": item.receivable.receivable_id in look.held_receivables,
            }
            for item in look.balance.open_items
        ],
        "unapplied": [str(one) for one in look.balance.unapplied],
        "holds": [
            {
                "reason": one.reason.value,
                "until_on": one.until_on,
                "receivables": list(one.receivable_ids),
                "text": one.text,
            }
            for one in decision.holds
        ],
        "promises": [
            {"promise": one.promise.promise_id, "due_on": one.promise.due_on, "outcome": one.outcome.value}
            for one in look.promises
        ],
        "plans": [{"plan": one.agreement.plan_id, "status": one.status.value} for one in look.plans],
        "today": [_said(command) for command in decision.commands],
        "charges": [{"rule": one.rule, "amount": str(one.amount)} for one in decision.charges],
        "credits": [{"rule": one.rule, "amount": str(one.amount)} for one in decision.credits],
        "offers": [one.in_words() for one in offers_for(strategy=strategy, look=look)],
        "reasons": [{"code": one.code, "text": one.text, "cite": one.cite} for one in decision.reasons],
        "review_on": decision.review_on,
    }


# -- the paragraphs --------------------------------------------------------------------------------------------


def _headline(look: Look, decision: Decision) -> str:
    lines = [f"Account {decision.account_id} on {decision.as_of}"]
    late = f", the oldest {_days(decision.days_past_due)}" if decision.days_past_due else ""
    held = _held(look)
    share = ""
    if held:
        share = f"; {'all' if held == decision.arrears else _sums(held)} of it is held"
    lines.append(
        f"It owes {_sums(decision.amount_open) or 'nothing'}; "
        f"{_sums(decision.arrears) or 'nothing'} of it is past due{late}{share}."
    )
    since = "" if look.standing.since_on is None else f" since {look.standing.since_on}"
    cycle = f", {look.snapshot.cycle} time{'s'[: look.snapshot.cycle != 1]} cured before" if look.snapshot.cycle else ""
    lines.append(f"Stage {decision.stage}{since}, segment {decision.segment}{cycle}.")
    return "\n".join(lines)


def _owed(look: Look) -> list[str]:
    """List principal by due date, then open charges summed up for each rule and receivable."""
    items = look.balance.open_items
    lines = [_principal(item, look) for item in items if not item.receivable.is_charge]
    charges = [item for item in items if item.receivable.is_charge]
    charges.sort(key=_charge_name)
    for name, group in groupby(charges, key=_charge_name):
        parts = list(group)
        total = _sums(sum_by_currency(one.amount_open for one in parts).values())
        count = f", {len(parts)} of them" if len(parts) > 1 else ""
        lines.append(f"{name}: {total}{count}")
    if look.balance.unapplied:
        lines.append(f"less money not yet matched: {_sums(look.balance.unapplied)}")
    return lines


def _principal(item: Item, look: Look) -> str:
    claim = item.receivable
    days = (look.snapshot.as_of - claim.due_on).days
    age = f"{_days(days)} past due" if days > 0 else "due today" if days == 0 else f"due in {_days(-days)}"
    part = "" if item.amount_open == claim.amount_original else f" left of {claim.amount_original}"
    holds = dict.fromkeys(
        hold.reason.value
        for hold in look.holds
        if not hold.receivable_ids or claim.receivable_id in hold.receivable_ids
    )
    named = ["covered by a plan" if one == "plan" else f"held by {one}".replace("_", " ") for one in holds]
    held = f"; {', '.join(named)}" if named and days > 0 else ""
    return f"{claim.receivable_id}: {item.amount_open}{part}, due {claim.due_on}, {age}{held}"


def _charge_name(item: Item) -> str:
    claim = item.receivable
    return f"{claim.kind or claim.component.value} on {claim.parent_id or claim.receivable_id}"


def _charged(events: Sequence[Event], look: Look) -> list[str]:
    """List each charge in its rule's words, with what became of it."""
    as_of = look.snapshot.as_of
    still = {item.receivable.receivable_id: item.amount_open for item in look.balance.open_items}
    posted = [event for event in events if isinstance(event, ChargePosted) and event.effective_on <= as_of]
    lines = []
    for event in sorted(posted, key=lambda one: one.effective_on, reverse=True):
        claim = event.receivable
        left = still.get(claim.receivable_id)
        became = "no longer open" if left is None else "open" if left == claim.amount_original else f"{left} open"
        why = event.explanation.removeprefix(f"{event.rule} for receivable {claim.parent_id}: ")
        lines.append(f"{event.effective_on} {event.rule} {claim.amount_original} on {claim.parent_id}, {became}: {why}")
    return lines


def _agreed(look: Look) -> list[str]:
    lines = [
        f"promise of {one.promise.amount} by {one.promise.due_on}: {one.outcome.value.replace('_', ' ')}"
        + (f", {one.amount_kept} came" if one.amount_kept.minor else "")
        for one in look.promises
    ]
    for plan in look.plans:
        standing = plan.standing
        following = standing.next_instalment
        then = "" if following is None else f"; next {following.amount_open} on {following.due_on}"
        lines.append(
            f"plan {plan.agreement.plan_id}, {len(plan.agreement.instalments)} instalments: "
            f"{plan.status.value}, {standing.amount_paid} paid, {standing.amount_open} to come{then}"
        )
    return lines


def _why(look: Look, decision: Decision) -> list[str]:
    told = ("segments.", "hold.", "strategy.materiality", "escalation.", "contact.", "policy.")
    lines = []
    ranks = {
        reason: next((rank for rank, room in enumerate(told) if reason.code.startswith(room)), len(told))
        for reason in decision.reasons
    }
    for reason in sorted(ranks, key=ranks.__getitem__):
        if reason.code.startswith(("segments.", "escalation.blocked")):
            lines.append(plain_words(str(reason)))
        elif reason.code == "escalation.stage" and look.standing.stage in (CURRENT, GRACE) and decision.arrears:
            text = "nothing that may be chased is past due" if look.standing.stage == CURRENT else reason.text[7:]
            lines.append(f"stage {look.standing.stage}: {text.removeprefix('grace: ')}")
        elif reason.code.startswith(told):
            lines.append(str(reason))
    return lines


def _done(snapshot: AccountSnapshot, events: Iterable[Event]) -> list[str]:
    """List notices, tasks and commands, latest first."""
    events = tuple(events)
    stopped = {event.key: event.reason for event in events if isinstance(event, NoticeSuppressed)}
    done = [
        (
            one.requested_on,
            one.key,
            f"{one.requested_on} notice {one.notice} by {one.channel.value}: {_became(one, stopped.get(one.key, ''))}",
        )
        for one in snapshot.notices
    ]
    done += [
        (event.effective_on, event.key, f"{event.effective_on} {_issued(event)}")
        for event in events
        if isinstance(event, CommandIssued) and event.effective_on <= snapshot.as_of
    ]
    return [line for _, _, line in sorted(done, reverse=True)]


def _issued(event: CommandIssued) -> str:
    if event.command == "raise-task":
        return f"task {event.what}"
    return f"approval of {event.what} asked for" if event.command == "request-approval" else event.command


_STOPPED: Final = {  # the first that the code begins with speaks
    "wording.": "its text could not be written",
    "contact.": "contact was not allowed",
    "hold.": "the account was held",
    "strategy.held": "the account was held",
    "strategy.settled_or_held": "nothing it speaks of was still to be chased",
    "strategy.cured": "the account was cured meanwhile",
    "strategy.relapsed": "something was past due again",
    "strategy.window_over": "its hours had passed",
    "strategy.contact_point": "its address is no longer known",
    "engine.attempts": "it was tried too often",
}


def _became(record: NoticeRecord, stopped: str) -> str:
    if record.suppressed_on is not None:
        why = next((text for code, text in _STOPPED.items() if stopped.startswith(code)), "")
        told = f"{why} ({stopped})" if why else stopped
        return f"stopped by the last look: {told}" if told else "stopped by the last look"
    if record.bounced_on is not None:
        return f"bounced on {record.bounced_on}"
    if record.delivered_on is not None:
        return "delivered" if record.delivered_on == record.requested_on else f"delivered on {record.delivered_on}"
    return "waiting to be sent"


def _today(decision: Decision) -> list[str]:
    lines = [_said(command) for command in decision.commands]
    lines += [f"charge {one.amount} ({one.rule}) on {one.receivable_id}" for one in decision.charges]
    lines += [f"credit of {one.amount} ({one.rule}) on {one.receivable_id}" for one in decision.credits]
    lines += ["the cycle ends: everything past due was paid"] if decision.is_cured else []
    return lines


def _offered(strategy: Strategy, look: Look) -> list[str]:
    return [one.in_words() for one in offers_for(strategy=strategy, look=look)]


# -- what comes next -------------------------------------------------------------------------------------------


def _next(events: Sequence[Event], strategy: Strategy, look: Look, decision: Decision) -> str:
    """Say when the answer can change by itself, and what would be done next if nothing new happens."""
    if decision.review_on is None:
        return "Nothing changes by itself; the next fact does."
    if not decision.has_effects:
        ahead = _ahead(events, strategy, decision)
        if ahead:
            return ahead
    return f"Without a new fact the answer can change on {decision.review_on} at the earliest."


def _ahead(events: Sequence[Event], strategy: Strategy, decision: Decision) -> str:
    """Look on from day to day with today's facts until something is due."""
    state = history.fold([event for event in events if event.effective_on <= decision.as_of])
    day, stage = decision.review_on, decision.stage
    try:
        for _ in range(_AHEAD_LOOKS):
            if day is None or day > decision.as_of + timedelta(days=_AHEAD_DAYS):
                break
            later = decide(strategy=strategy, snapshot=history.snapshot(state, as_of=day))
            due = [_said(command) for command in later.commands]
            due += [f"a charge of {one.amount} ({one.rule})" for one in later.charges]
            if due:
                moved = f" in stage {later.stage}" if later.stage != stage else ""
                return f"If nothing new happens, on {day}{moved}: {', '.join(due)}."
            day = later.review_on
    except CalendarMissing:
        return ""  # the strategy's holidays are not known so far ahead
    if day is None:
        return "If nothing new happens, nothing more is due."
    return f"If nothing new happens, nothing is due in the next {_AHEAD_DAYS} days."


# -- details ---------------------------------------------------------------------------------------------------


def _said(command: Command) -> str:
    if isinstance(command, SendNotice):
        return f"notice {command.notice} by {command.channel.value}"
    if isinstance(command, RaiseTask):
        return f"task {command.task}"
    if isinstance(command, GrantEntitlement):
        return f"grant {command.what} until {command.valid_until_on}"
    if isinstance(command, RequestApproval):
        return f"ask {command.authority} to approve {command.subject}"
    return command.name


def _held(look: Look) -> tuple[Money, ...]:
    """Sum what is past due and held, by a hold on the item or on the whole account."""
    whole = bool(look.account_holds)
    past_due = (one for one in look.aged.items if _counts(one))
    return tuple(
        sum_by_currency(
            one.amount_open for one in past_due if whole or one.receivable_id in look.held_receivables
        ).values()
    )


def _counts(item: AgedItem) -> bool:
    return item.days_past_due > 0 and not item.is_charge and item.amount_open.is_positive


def _listed(title: str, lines: Sequence[str], *, shown: int) -> str:
    if not lines:
        return ""
    more = [f"  … and {len(lines) - shown} more"] if len(lines) > shown else []
    return "\n".join([f"{title}:", *(f"  - {line}" for line in lines[:shown]), *more])


def _sums(amounts: Iterable[Money]) -> str:
    return " + ".join(str(amount) for amount in amounts)


def _days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"
