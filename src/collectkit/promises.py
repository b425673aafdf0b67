"""Promises to pay: judged from the money alone, held to limits, and what they hold back meanwhile.

A promise has no status. `judge` works out on every look which promises stand, were kept, partly kept, broken, replaced
or taken back; nothing is stored, so a returned payment un-keeps a promise without anybody's help. This room does not
allocate payments (core.waterfall does) and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

import attrs

from collectkit.core.checks import (
    as_tuple,
    each,
    identifier,
    instance_of,
    non_negative_int,
    optional,
    plain_date,
    texts,
)
from collectkit.core.decisions import AppliedHold, Declined, Reason
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.money import Money
from collectkit.core.rates import exact_number
from collectkit.core.records import AccountSnapshot, HoldReason, Payment, PromiseToPay
from collectkit.core.waterfall import Balance

__all__ = [
    "RISES_AFTER",
    "JudgedPromise",
    "PromiseAccepted",
    "PromiseAnswer",
    "PromiseLimits",
    "PromiseOutcome",
    "PromiseRecord",
    "Receipt",
    "Supersede",
    "hold_until",
    "holds_of",
    "judge",
    "levels_of",
    "may_promise",
    "next_on",
    "receipts_of",
    "record_of",
]

Supersede = Literal["overlap", "named"]
"""Which earlier promise a new one replaces: any open one of an earlier day that shares a receivable (or, like the new
one, is for the account as a whole) and its currency; or only the one that it names."""

_DAY: Final = timedelta(days=1)


class PromiseOutcome(StrEnum):
    """How a promise stands on a day."""

    OPEN = "open"
    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    BROKEN = "broken"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@attrs.frozen(kw_only=True)
class Receipt:
    """Money that counts from `on`, with what it was applied to: a receivable, and its parent where that is a charge.

    A payment over two receivables is two receipts; money that met nothing names none. Returned money is no receipt.
    """

    payment_id: str = attrs.field(validator=identifier)
    on: date = attrs.field(validator=plain_date)
    amount: Money = attrs.field(validator=instance_of(Money))
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)


def receipts_of(snapshot: AccountSnapshot, balance: Balance) -> tuple[Receipt, ...]:
    """List the money of a snapshot, as its balance applied it; credit notes and waivers keep no promise.

    A payment counts from its `effective_on`. What a charge took of it counts for the charge's parent as well, so that
    the creditor's order of payment breaks no promise.
    """
    payments = {one.payment_id: one for one in snapshot.payments if one.counts_on(snapshot.as_of)}
    left = {name: payment.amount.minor for name, payment in payments.items()}
    receipts = []
    for applied in balance.applied:
        payment = payments.get(applied.source_id)
        if payment is None:
            continue
        part = min(left[payment.payment_id], applied.amount.minor)
        left[payment.payment_id] -= part
        parent = balance.item(applied.receivable_id).receivable.parent_id
        met = (applied.receivable_id,) if parent is None else (applied.receivable_id, parent)
        receipts.append(_receipt(payment, part, met))
    receipts += [_receipt(payment, left[name], ()) for name, payment in payments.items()]
    return tuple(receipt for receipt in receipts if receipt.amount.is_positive)


@attrs.frozen(kw_only=True)
class JudgedPromise:
    """A promise with what became of it.

    `decided_on` is the day on which the outcome came about, None while it is open. `last_on` is the last day on which
    money still counts: the due day with the days of tolerance, or the day of its replacement.
    """

    promise: PromiseToPay = attrs.field(validator=instance_of(PromiseToPay))
    outcome: PromiseOutcome = attrs.field(converter=PromiseOutcome)
    amount_kept: Money = attrs.field(validator=instance_of(Money))
    last_on: date = attrs.field(validator=plain_date)
    decided_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    superseded_by: str | None = attrs.field(default=None, validator=optional(identifier))

    @property
    def is_open(self) -> bool:
        """Say whether the promise still stands."""
        return self.outcome is PromiseOutcome.OPEN

    @property
    def amount_missing(self) -> Money:
        """Return what is missing to the promised amount, at least zero."""
        return self.promise.amount - self.amount_kept


def judge(
    *,
    promises: Iterable[PromiseToPay],
    receipts: Iterable[Receipt],
    as_of: date,
    tolerance_days: int = 0,
    tolerance_amounts: Iterable[Money] = (),
    supersede: Supersede = "overlap",
) -> tuple[JudgedPromise, ...]:
    """Say of each promise made by `as_of` how it stands, in the order given.

    Money counts from the day of the promise to its due day, both included, and `tolerance_days` longer; a promise
    that is short by no more than the tolerance of its currency is kept. Money for a receivable counts for a promise
    that names it or names none. One payment keeps several promises, the earliest due first, and is never counted
    twice; on the day on which a promise is replaced it still comes first, for the new one is made for the rest.
    A promise that is replaced or withdrawn after it was decided stays decided.

    >>> made = PromiseToPay(
    ...     promise_id="p", account_id="a", amount=Money(9000, "EUR"), made_on=date(2030, 1, 2), due_on=date(2030, 1, 5)
    ... )
    >>> paid = Receipt(payment_id="x", on=date(2030, 1, 5), amount=Money(4000, "EUR"))
    >>> [str(judge(promises=[made], receipts=[paid], as_of=date(2030, 1, day))[0].outcome) for day in (5, 6)]
    ['open', 'partly_kept']
    """
    made = [promise for promise in promises if promise.made_on <= as_of]
    spans = {promise.promise_id: _span(promise, made, tolerance_days, supersede) for promise in made}
    slack = {amount.currency: amount.minor for amount in tolerance_amounts}
    kept, kept_on = _share_out(made, receipts, spans, slack, as_of)
    return tuple(
        _judged(promise, spans[promise.promise_id], kept[promise.promise_id], kept_on.get(promise.promise_id), as_of)
        for promise in made
    )


def hold_until(judged: JudgedPromise, *, clearing_days: int = 0) -> date | None:
    """Return the first day on which the promise holds nothing back, or None where it holds nothing at all.

    An open promise holds to the day after its last one, and `clearing_days` longer for money on its way; a broken or
    partly kept one for these days too. A caller compares the day with its own.

    >>> made = PromiseToPay(
    ...     promise_id="p", account_id="a", amount=Money(9000, "EUR"), made_on=date(2030, 1, 2), due_on=date(2030, 1, 5)
    ... )
    >>> (one,) = judge(promises=[made], receipts=[], as_of=date(2030, 1, 3))
    >>> hold_until(one), hold_until(one, clearing_days=2)
    (datetime.date(2030, 1, 6), datetime.date(2030, 1, 8))
    """
    if judged.outcome not in (PromiseOutcome.OPEN, PromiseOutcome.BROKEN, PromiseOutcome.PARTLY_KEPT):
        return None
    return _later(judged.last_on, 1 + clearing_days)


def holds_of(judged: Iterable[JudgedPromise], *, as_of: date, clearing_days: int = 0) -> tuple[AppliedHold, ...]:
    """List the holds that promises place on `as_of`; each ends by itself.

    >>> holds_of([], as_of=date(2030, 1, 3))
    ()
    """
    holds = []
    for one in judged:
        until_on = hold_until(one, clearing_days=clearing_days)
        if until_on is None or until_on <= as_of:
            continue
        promise = one.promise
        said = f"promise {promise.promise_id} of {promise.amount} by {promise.due_on}"
        tail = f", {one.amount_kept} received" if one.amount_kept.is_positive else ""
        if not one.is_open:
            tail += "; its time is over and money may still be clearing"
        holds.append(
            AppliedHold(
                reason=HoldReason.PROMISE, until_on=until_on, receivable_ids=promise.receivable_ids, text=said + tail
            )
        )
    return tuple(holds)


def next_on(judged: Iterable[JudgedPromise], *, as_of: date, clearing_days: int = 0) -> date | None:
    """Return the next day after `as_of` on which an outcome or a hold can change by itself, or None.

    >>> made = PromiseToPay(
    ...     promise_id="p", account_id="a", amount=Money(9000, "EUR"), made_on=date(2030, 1, 2), due_on=date(2030, 1, 5)
    ... )
    >>> next_on(judge(promises=[made], receipts=[], as_of=date(2030, 1, 3)), as_of=date(2030, 1, 3))
    datetime.date(2030, 1, 6)
    """
    days = []
    for one in judged:
        until_on = hold_until(one, clearing_days=clearing_days)
        if until_on is not None:
            days += [_later(one.last_on, 1), until_on]
    return min((day for day in days if day > as_of), default=None)


# -- the record of a debtor ------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PromiseRecord:
    """How many promises were made and what became of them; the treatment may depend on it."""

    made: int = attrs.field(validator=non_negative_int)
    open: int = attrs.field(validator=non_negative_int)
    kept: int = attrs.field(validator=non_negative_int)
    partly_kept: int = attrs.field(validator=non_negative_int)
    broken: int = attrs.field(validator=non_negative_int)
    superseded: int = attrs.field(validator=non_negative_int)
    withdrawn: int = attrs.field(validator=non_negative_int)

    @property
    def kept_share(self) -> Fraction | None:
        """Return the kept ones as a share of those that fell due, or None where none did."""
        fallen_due = self.kept + self.partly_kept + self.broken
        return Fraction(self.kept, fallen_due) if fallen_due else None


def record_of(judged: Iterable[JudgedPromise]) -> PromiseRecord:
    """Count promises by outcome.

    >>> record_of([]).kept_share is None
    True
    """
    outcomes = [one.outcome for one in judged]
    return PromiseRecord(made=len(outcomes), **{str(kind): outcomes.count(kind) for kind in PromiseOutcome})


RISES_AFTER: Final = (
    PromiseOutcome.OPEN,
    PromiseOutcome.PARTLY_KEPT,
    PromiseOutcome.BROKEN,
    PromiseOutcome.WITHDRAWN,
)
"""After which outcomes the next promise for the same thing is of a higher level; one kept, even for a part, is not."""


def levels_of(
    *,
    promises: Iterable[PromiseToPay],
    receipts: Iterable[Receipt],
    rises_after: Iterable[PromiseOutcome] = RISES_AFTER,
    tolerance_days: int = 0,
) -> dict[str, int]:
    """Count how often a thing was promised again, by promise id, from 1.

    A promise is one level above the one before it for the same receivables where that one stood, at the moment of
    the new one, in `rises_after`. After SAP FSCM, which raises the level of a promise in this way.

    >>> made = [
    ...     PromiseToPay(
    ...         promise_id=name,
    ...         account_id="a",
    ...         amount=Money(9000, "EUR"),
    ...         made_on=date(2030, 1, day),
    ...         due_on=date(2030, 1, day + 3),
    ...     )
    ...     for name, day in (("p", 2), ("q", 9))
    ... ]
    >>> levels_of(promises=made, receipts=[])
    {'p': 1, 'q': 2}
    """
    money, rising = tuple(receipts), frozenset(rises_after)
    levels: dict[str, int] = {}
    before: list[PromiseToPay] = []
    for promise in sorted(promises, key=lambda one: (one.made_on, one.promise_id)):
        levels[promise.promise_id] = 1
        last = next((one for one in reversed(before) if _same_thing(promise, one)), None)
        if last is not None:
            judged = judge(promises=before, receipts=money, as_of=promise.made_on, tolerance_days=tolerance_days)
            stood = next(one.outcome for one in judged if one.promise.promise_id == last.promise_id)
            levels[promise.promise_id] = levels[last.promise_id] + (stood in rising)
        before.append(promise)
    return levels


# -- limits ----------------------------------------------------------------------------------------------------


def _share(value: str | int | Decimal | Fraction) -> Fraction:
    return exact_number(value, "the least share of a promise")


@attrs.frozen(kw_only=True)
class PromiseLimits:
    """What a promise may look like, by segment; None and empty mean no limit.

    `days_ahead_max` counts from the day it is made to its due day. `amounts_min` holds the least amount per currency;
    `share_min` the least share of what is open, from 0 to 1. `running_max` counts open promises with the new one,
    `broken_max` the broken and partly kept ones that are still tolerated, counted over the last `broken_within_days`.

    Raises:
        InvalidPolicy: `promises.limits`, with every problem.
    """

    days_ahead_max: int | None = None
    amounts_min: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    share_min: Fraction | None = attrs.field(default=None, converter=attrs.converters.optional(_share))
    running_max: int | None = None
    broken_max: int | None = None
    broken_within_days: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = [
            _problem(name, "a whole number of 0 or more is needed", given)
            for name in ("days_ahead_max", "running_max", "broken_max", "broken_within_days")
            if (given := getattr(self, name)) is not None and (type(given) is not int or given < 0)
        ]
        share = self.share_min
        if share is not None and not 0 <= share <= 1:
            problems.append(_problem("share_min", 'a share lies from 0 to 1, such as "0.25"', share))
        currencies = [amount.currency for amount in self.amounts_min]
        if len(set(currencies)) != len(currencies):
            problems.append(_problem("amounts_min", "a currency stands twice; give one least amount each", currencies))
        if problems:
            raise InvalidPolicy(problems)


@attrs.frozen(kw_only=True)
class PromiseAccepted:
    """The promise lies inside the limits."""

    promise: PromiseToPay = attrs.field(validator=instance_of(PromiseToPay))


PromiseAnswer: TypeAlias = PromiseAccepted | Declined


def may_promise(
    *,
    promise: PromiseToPay,
    limits: PromiseLimits,
    amount_open: Money,
    judged: Sequence[JudgedPromise] = (),
) -> PromiseAnswer:
    """Say whether a promise may be taken, judged on the day it is made; a refusal names every limit it breaks.

    `amount_open` is what is open on what the promise is for. `judged` are the debtor's promises so far; those that
    the new one names as superseded do not count as running.

    >>> made = PromiseToPay(
    ...     promise_id="p", account_id="a", amount=Money(9000, "EUR"), made_on=date(2030, 1, 2), due_on=date(2030, 2, 5)
    ... )
    >>> str(may_promise(promise=made, limits=PromiseLimits(days_ahead_max=14), amount_open=Money(9000, "EUR")))
    'due in 34 days, over the limit of 14; the latest day is 2030-01-16'

    Raises:
        CurrencyMismatch: the promise is in another currency than `amount_open`.
    """
    reasons: list[Reason] = []
    amount = promise.amount
    if amount > amount_open:
        reasons.append(_reason("over_open", f"{amount} is more than the {amount_open} that is open"))
    ahead = (promise.due_on - promise.made_on).days
    if limits.days_ahead_max is not None and ahead > limits.days_ahead_max:
        latest = _later(promise.made_on, limits.days_ahead_max)
        reasons.append(
            _reason(
                "too_late",
                f"due in {ahead} days, over the limit of {limits.days_ahead_max}; the latest day is {latest}",
            )
        )
    least = _least(limits, amount_open)
    if amount < least:
        reasons.append(_reason("too_small", f"{amount} is under the least amount of {least}"))
    running = sum(one.is_open and one.promise.promise_id != promise.supersedes for one in judged) + 1
    if limits.running_max is not None and running > limits.running_max:
        reasons.append(
            _reason(
                "too_many",
                f"with this one {running} promises run, over the limit of {limits.running_max}; "
                "replace or withdraw one first",
            )
        )
    broken = sum(_is_recent_failure(one, promise.made_on, limits.broken_within_days) for one in judged)
    if limits.broken_max is not None and broken > limits.broken_max:
        span = "" if limits.broken_within_days is None else f" in {limits.broken_within_days} days"
        reasons.append(
            _reason("too_many_broken", f"{broken} promises not kept{span}, over the limit of {limits.broken_max}")
        )
    return Declined(reasons=reasons) if reasons else PromiseAccepted(promise=promise)


# -- details ---------------------------------------------------------------------------------------------------


def _receipt(payment: Payment, minor: int, met: tuple[str, ...]) -> Receipt:
    return Receipt(
        payment_id=payment.payment_id,
        on=payment.effective_on,
        amount=Money(minor, payment.amount.currency),
        receivable_ids=met,
    )


def _later(day: date, days: int) -> date:
    """Return the day so many days later, or the last day there is."""
    return day + timedelta(days=days) if days <= (date.max - day).days else date.max


@attrs.frozen(kw_only=True)
class _Span:
    """When a promise takes money, and what ends it early."""

    last_on: date
    falls_on: date  # the day after the due day and its tolerance
    superseded_on: date | None = None
    superseded_by: str | None = None
    withdrawn_on: date | None = None


def _span(promise: PromiseToPay, others: Sequence[PromiseToPay], tolerance_days: int, supersede: Supersede) -> _Span:
    last_on = _later(promise.due_on, tolerance_days)
    falls_on = _later(last_on, 1)
    by, on = None, None
    for other in sorted(others, key=lambda one: (one.made_on, one.promise_id)):
        if other.made_on < falls_on and _replaces(other, promise, supersede):
            by, on = other.promise_id, other.made_on
            last_on = min(last_on, on)  # that day still counts here: the new promise is for the rest
            break
    withdrawn_on = promise.withdrawn_on
    if withdrawn_on is not None and withdrawn_on < falls_on and (on is None or withdrawn_on <= on):
        return _Span(last_on=withdrawn_on - _DAY, falls_on=falls_on, withdrawn_on=withdrawn_on)
    return _Span(last_on=last_on, falls_on=falls_on, superseded_on=on, superseded_by=by)


def _replaces(new: PromiseToPay, old: PromiseToPay, supersede: Supersede) -> bool:
    if new.promise_id == old.promise_id or new.made_on < old.made_on:
        return False
    if new.supersedes == old.promise_id:
        return True
    if supersede == "named" or new.made_on == old.made_on:
        return False  # promises of one day are a series, given in one talk
    return _same_thing(new, old)


def _same_thing(one: PromiseToPay, other: PromiseToPay) -> bool:
    """Say whether two promises are for the same currency and share a receivable, or both name none."""
    if one.amount.currency != other.amount.currency:
        return False
    if not one.receivable_ids or not other.receivable_ids:
        return one.receivable_ids == other.receivable_ids
    return not set(one.receivable_ids).isdisjoint(other.receivable_ids)


def _share_out(
    promises: Sequence[PromiseToPay],
    receipts: Iterable[Receipt],
    spans: dict[str, _Span],
    slack: dict[str, int],
    as_of: date,
) -> tuple[dict[str, int], dict[str, date]]:
    """Give each receipt, in order of days, to the promises that may take it; what no promise takes is left alone."""
    kept = {promise.promise_id: 0 for promise in promises}
    kept_on: dict[str, date] = {}
    money = [one for one in receipts if one.on <= as_of and one.amount.is_positive]
    for receipt in sorted(money, key=lambda one: (one.on, one.payment_id, one.receivable_ids, one.amount.minor)):
        left = receipt.amount.minor
        takers = [one for one in promises if _takes(one, receipt, spans[one.promise_id])]

        def order(one: PromiseToPay, day: date = receipt.on) -> tuple[bool, date, date, str]:
            return (spans[one.promise_id].superseded_on != day, one.due_on, one.made_on, one.promise_id)

        for promise in sorted(takers, key=order):
            name, wanted = promise.promise_id, promise.amount.minor
            part = min(left, wanted - kept[name])
            kept[name] += part
            left -= part
            if name not in kept_on and kept[name] >= wanted - slack.get(promise.amount.currency, 0):
                kept_on[name] = receipt.on
    return kept, kept_on


def _takes(promise: PromiseToPay, receipt: Receipt, span: _Span) -> bool:
    if promise.amount.currency != receipt.amount.currency or not promise.made_on <= receipt.on <= span.last_on:
        return False
    return not promise.receivable_ids or not set(promise.receivable_ids).isdisjoint(receipt.receivable_ids)


def _judged(promise: PromiseToPay, span: _Span, kept: int, kept_on: date | None, as_of: date) -> JudgedPromise:
    outcome, decided_on, by = PromiseOutcome.OPEN, None, None
    if kept_on is not None:
        outcome, decided_on = PromiseOutcome.KEPT, kept_on
    elif span.withdrawn_on is not None and span.withdrawn_on <= as_of:
        outcome, decided_on = PromiseOutcome.WITHDRAWN, span.withdrawn_on
    elif span.superseded_on is not None:
        outcome, decided_on, by = PromiseOutcome.SUPERSEDED, span.superseded_on, span.superseded_by
    elif span.falls_on <= as_of:
        outcome, decided_on = (PromiseOutcome.PARTLY_KEPT if kept else PromiseOutcome.BROKEN), span.falls_on
    return JudgedPromise(
        promise=promise,
        outcome=outcome,
        amount_kept=Money(kept, promise.amount.currency),
        last_on=span.last_on,
        decided_on=decided_on,
        superseded_by=by,
    )


def _least(limits: PromiseLimits, amount_open: Money) -> Money:
    """Return the greater of the two least amounts, but never more than is open."""
    least = next(
        (one for one in limits.amounts_min if one.currency == amount_open.currency), Money(0, amount_open.currency)
    )
    if limits.share_min is not None:
        least = max(least, amount_open.times(limits.share_min, rounding="up"))
    return min(least, amount_open)


def _is_recent_failure(one: JudgedPromise, on: date, within_days: int | None) -> bool:
    if one.outcome not in (PromiseOutcome.BROKEN, PromiseOutcome.PARTLY_KEPT) or one.decided_on is None:
        return False
    return within_days is None or (on - one.decided_on).days < within_days


def _reason(code: str, text: str) -> Reason:
    return Reason(code=f"promises.{code}", text=text)


def _problem(field: str, text: str, value: Any) -> Problem:
    return Problem(code="promises.limits", path=f"limits.{field}", text=text, value=str(value))
