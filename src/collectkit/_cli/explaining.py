"""One account in words, for a credit controller: what is owed, where it stands, why, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from collectkit import history
from collectkit.core.decisions import Decision
from collectkit.core.events import ChargePosted, Event
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, NoticeRecord
from collectkit.strategy import Look, Strategy, decide, examine, offers_for

__all__ = ["explanation", "facts_of"]

_SHOWN = 8  # items of a list before the rest is summed up


def explanation(events: Sequence[Event], *, strategy: Strategy, on: date, brief: bool = False) -> str:
    """Explain an account on a day in plain sentences and short lists."""
    snapshot = history.snapshot(events, as_of=on)
    look = examine(strategy=strategy, snapshot=snapshot)
    decision = decide(strategy=strategy, snapshot=snapshot)
    parts = [
        _headline(look, decision),
        _owed(look),
        _agreed(look),
        _why(look, decision),
        _sent(snapshot, brief=brief),
        _fees(events, on),
        _today(decision),
        _offered(strategy, look, brief=brief),
        _next(look, decision),
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
        "days_past_due": decision.days_past_due,
        "arrears": [str(one) for one in decision.arrears],
        "open": [str(one) for one in decision.amount_open],
        "items": [
            {
                "receivable": item.receivable.receivable_id,
                "component": item.receivable.component.value,
                "due_on": item.receivable.due_on,
                "open": str(item.amount_open),
            }
            for item in look.balance.open_items
        ],
        "unapplied": [str(one) for one in look.balance.unapplied],
        "holds": [{"reason": one.reason.value, "until_on": one.until_on, "text": one.text} for one in decision.holds],
        "promises": [
            {"promise": one.promise.promise_id, "due_on": one.promise.due_on, "outcome": one.outcome.value}
            for one in look.promises
        ],
        "plans": [{"plan": one.agreement.plan_id, "status": one.status.value} for one in look.plans],
        "today": [f"{command.name} {command.step}".strip() for command in decision.commands],
        "charges": [{"rule": one.rule, "amount": str(one.amount)} for one in decision.charges],
        "offers": [one.in_words() for one in offers_for(strategy=strategy, look=look)],
        "reasons": [{"code": one.code, "text": one.text, "cite": one.cite} for one in decision.reasons],
        "review_on": decision.review_on,
    }


# -- the paragraphs --------------------------------------------------------------------------------------------


def _headline(look: Look, decision: Decision) -> str:
    arrears = _sums(decision.arrears) or "nothing"
    late = f", the oldest {decision.days_past_due} days" if decision.days_past_due else ""
    return (
        f"On {decision.as_of} account {decision.account_id} owes {_sums(decision.amount_open) or 'nothing'}; "
        f"{arrears} of it is past due{late}. Stage {decision.stage}, segment {decision.segment}."
    )


def _owed(look: Look) -> str:
    lines = []
    for item in look.balance.open_items:
        claim = item.receivable
        days = (look.snapshot.as_of - claim.due_on).days
        age = f"{days} days past due" if days > 0 else "due today" if days == 0 else f"due in {-days} days"
        part = "" if item.amount_open == claim.amount_original else f" of {claim.amount_original}"
        kind = f" ({claim.component.value} on {claim.parent_id})" if claim.is_charge else ""
        lines.append(f"{claim.receivable_id}: {item.amount_open}{part}, due {claim.due_on}, {age}{kind}")
    if look.balance.unapplied:
        lines.append(f"money not yet matched: {_sums(look.balance.unapplied)}")
    return _listed("What is owed", lines)


def _agreed(look: Look) -> str:
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
    return _listed("What was agreed", lines)


def _why(look: Look, decision: Decision) -> str:
    told = ("segments.", "escalation.", "hold.", "strategy.materiality", "contact.", "policy.")
    lines = [str(reason) for reason in decision.reasons if reason.code.startswith(told)]
    return _listed("Why", lines, shown=12)


def _sent(snapshot: AccountSnapshot, *, brief: bool) -> str:
    records = sorted(snapshot.notices, key=lambda one: (one.requested_on, one.key), reverse=True)
    lines = [f"{one.requested_on} {one.notice} by {one.channel.value}: {_became(one)}" for one in records]
    return _listed("What was sent, latest first", lines, shown=3 if brief else _SHOWN)


def _became(record: NoticeRecord) -> str:
    if record.suppressed_on is not None:
        return "stopped by the last look"
    if record.bounced_on is not None:
        return f"bounced on {record.bounced_on}"
    if record.delivered_on is not None:
        return f"delivered on {record.delivered_on}"
    return "waiting to be sent"


def _fees(events: Iterable[Event], on: date) -> str:
    lines = [
        f"{event.receivable.amount_original} {event.rule} on {event.effective_on}: {event.explanation}"
        for event in events
        if isinstance(event, ChargePosted) and event.effective_on <= on
    ]
    return _listed("What was charged", lines)


def _today(decision: Decision) -> str:
    lines = [f"{command.name} {command.step}".strip() for command in decision.commands]
    lines += [f"charge {one.amount} ({one.rule})" for one in decision.charges]
    lines += ["the cycle ends: everything past due was paid"] if decision.is_cured else []
    return _listed("What is due today", lines)


def _offered(strategy: Strategy, look: Look, *, brief: bool) -> str:
    lines = [one.in_words() for one in offers_for(strategy=strategy, look=look)]
    return _listed("What may be offered", lines, shown=2 if brief else _SHOWN)


def _next(look: Look, decision: Decision) -> str:
    if decision.review_on is None:
        return "Nothing changes by itself; the next fact does."
    return f"Without a new fact the answer can change on {decision.review_on} at the earliest."


def _listed(title: str, lines: Sequence[str], *, shown: int = _SHOWN) -> str:
    if not lines:
        return ""
    more = [f"  … and {len(lines) - shown} more"] if len(lines) > shown else []
    return "\n".join([f"{title}:", *(f"  - {line}" for line in lines[:shown]), *more])


def _sums(amounts: Iterable[Money]) -> str:
    return " + ".join(str(amount) for amount in amounts)
