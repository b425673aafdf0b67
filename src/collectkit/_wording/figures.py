"""The figures of one notice, worked out from the snapshot at the moment of writing: what is open, until when, promised.

The sums come from the same waterfall and aging that the decision used, so a letter cannot say another figure than the
ledger. No text and no language stands here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import attrs

from collectkit.core.aging import age
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.errors import CalendarMissing, WordingError
from collectkit.core.events import SendNotice
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import AccountSnapshot
from collectkit.core.waterfall import Balance, Order, balance_of
from collectkit.promises import JudgedPromise, PromiseOutcome, judge, receipts_of

__all__ = ["Figures", "Line", "figures_of"]


@attrs.frozen(kw_only=True)
class Line:
    """One open thing in a notice: a receivable, a charge, or an instalment of a plan."""

    kind: Literal["item", "charge", "instalment"]
    what: str
    id: str
    issued_on: date
    due_on: date
    amount_open: Money
    amount_original: Money
    parent_id: str | None = None
    number: int = 0
    count: int = 0


@attrs.frozen(kw_only=True)
class Figures:
    """What one notice states, before it is put into words; charges stand after what they stem from."""

    lines: tuple[Line, ...]
    totals: tuple[Money, ...]
    deadline_on: date
    oldest_due_on: date | None
    promise: JudgedPromise | None


def figures_of(
    command: SendNotice,
    snapshot: AccountSnapshot,
    *,
    kind: str,
    order: Order,
    deadline_days: int,
    calendar: BusinessCalendar | None,
    needs_promise: bool,
) -> Figures:
    """Work out what a notice states on `snapshot.as_of`.

    The deadline of a dunning notice counts from the day it is written, moved on to a business day; a reminder names
    the day on which the money is due anyway.

    Raises:
        WordingError: `wording.nothing_open`, `wording.no_promise`, `wording.unknown_item`.
    """
    balance = balance_of(snapshot, order=order)
    lines = _lines(command, snapshot, balance) if kind != "thanks" else ()
    promise = _promise(command, snapshot, balance, is_reminder=kind == "reminder") if needs_promise else None
    if needs_promise and promise is None:
        raise WordingError(
            "wording.no_promise",
            f"notice {command.notice} speaks of a promise, and account {snapshot.account.account_id} has none that fits",
        )
    if kind != "thanks" and not lines and promise is None:
        raise WordingError(
            "wording.nothing_open",
            f"notice {command.notice} asks for money, and nothing it covers is open on {snapshot.as_of}",
        )
    totals = tuple(sum_by_currency(line.amount_open for line in lines).values())
    due = [line.due_on for line in lines if line.kind != "charge"] or [line.due_on for line in lines]
    return Figures(
        lines=lines,
        totals=totals,
        deadline_on=_deadline(command, snapshot, kind, due, promise, deadline_days, calendar),
        oldest_due_on=min(due, default=None),
        promise=promise,
    )


def _lines(command: SendNotice, snapshot: AccountSnapshot, balance: Balance) -> tuple[Line, ...]:
    covered = set(command.receivable_ids)
    lines: list[Line] = []
    known = {item.receivable.receivable_id for item in balance.items}
    for reference in command.receivable_ids:
        if reference not in known:
            line = _instalment(reference, snapshot, balance)
            if line is not None:
                lines.append(line)
    items: list[Line] = []
    charges: list[Line] = []
    for item in balance.open_items:
        receivable = item.receivable
        if covered and receivable.receivable_id not in covered and receivable.parent_id not in covered:
            continue
        line = Line(
            kind="charge" if receivable.is_charge else "item",
            what=str(receivable.component) if receivable.is_charge else receivable.kind,
            id=receivable.receivable_id,
            issued_on=receivable.issued_on,
            due_on=receivable.due_on,
            amount_open=item.amount_open,
            amount_original=receivable.amount_original,
            parent_id=receivable.parent_id,
        )
        (charges if receivable.is_charge else items).append(line)
    return (*lines, *items, *charges)


def _instalment(reference: str, snapshot: AccountSnapshot, balance: Balance) -> Line | None:
    """Find an instalment by the name under which notices remember it: plan id, `#`, number."""
    plan_id, _, number = reference.rpartition("#")
    plan = next((one for one in snapshot.plans if one.plan_id == plan_id), None)
    if plan is None:
        raise WordingError(
            "wording.unknown_item",
            f"account {snapshot.account.account_id} has no receivable and no instalment {reference} on {snapshot.as_of}",
        )
    for item in age(balance, as_of=snapshot.as_of, plans=(plan,)).items:
        if item.plan_id == plan_id and str(item.instalment_number) == number and item.amount_open.is_positive:
            agreed = next(part for part in plan.instalments if part.number == item.instalment_number)
            return Line(
                kind="instalment",
                what="instalment",
                id=reference,
                issued_on=plan.agreed_on,
                due_on=item.due_on,
                amount_open=item.amount_open,
                amount_original=agreed.amount,
                number=agreed.number,
                count=len(plan.instalments),
            )
    return None


def _promise(
    command: SendNotice, snapshot: AccountSnapshot, balance: Balance, *, is_reminder: bool
) -> JudgedPromise | None:
    """Choose the promise that is spoken of: the next open one, or the last that was not kept."""
    judged = judge(promises=snapshot.promises, receipts=receipts_of(snapshot, balance), as_of=snapshot.as_of)
    covered = set(command.receivable_ids)
    fitting = [one for one in judged if not covered or covered.intersection(one.promise.receivable_ids)]
    wanted = (PromiseOutcome.OPEN,) if is_reminder else (PromiseOutcome.BROKEN, PromiseOutcome.PARTLY_KEPT)
    for pool in (fitting, judged):
        found = sorted(
            (one for one in pool if one.outcome in wanted),
            key=lambda one: (one.promise.due_on, one.promise.made_on, one.promise.promise_id),
        )
        if found:
            return found[0] if is_reminder else found[-1]
    return None


def _deadline(
    command: SendNotice,
    snapshot: AccountSnapshot,
    kind: str,
    due: list[date],
    promise: JudgedPromise | None,
    days: int,
    calendar: BusinessCalendar | None,
) -> date:
    written_on = max(command.decided_on, snapshot.as_of)  # a notice that went out late still gives the whole time
    if kind == "reminder":
        day = promise.promise.due_on if promise is not None else min(due, default=written_on)
        return max(day, written_on)
    day = written_on + timedelta(days=days)
    if calendar is None:
        return day
    try:
        return calendar.adjust(day, "following")
    except CalendarMissing:
        return day
