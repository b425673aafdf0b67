"""Whether one parameter record allows more than another of its kind, figure by figure, and which figure does.

Exact where figures can be compared at all; where they cannot (another reference series, another event), nobody can
tell that the new one is stricter, and it counts as looser. Import from `core.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import time
from fractions import Fraction
from typing import Any, Final

from collectkit.core._limits import FeeLimit, LumpSum, PenaltyTiers, amount_in
from collectkit.core._primitives import (
    AprTolerance,
    CoolDown,
    Deadline,
    ExtensionTrigger,
    Moratorium,
    NoticeWindow,
    PlanTrigger,
    RateCap,
    RateFloor,
    RollingCount,
    StatutoryInterest,
    TimeWindow,
    TimeWindows,
    WorkoutException,
)
from collectkit.core.money import Money

__all__ = ["is_looser", "looser_in"]


def is_looser(new: object, old: object) -> bool:
    """Say whether a parameter record allows more than another of the same kind; other kinds do not compare.

    >>> is_looser(RateCap(rate="0.06"), RateCap(rate="0.05")), is_looser(RateCap(rate="0.04"), RateCap(rate="0.05"))
    (True, False)
    """
    return bool(looser_in(new, old))


def looser_in(new: object, old: object) -> str:
    """Name the figure by which a record allows more than another of its kind; "" where none does."""
    compare = _COMPARED.get(type(old)) if type(new) is type(old) else None
    return "" if compare is None else compare(new, old)


# -- what may be charged ---------------------------------------------------------------------------------------


def _fee_limit(new: FeeLimit, old: FeeLimit) -> str:
    if _first_day(new) < _first_day(old):
        return "the day from which it may be charged"
    if new.on_charges and not old.on_charges:
        return "on_charges"
    if new.missed_cycles_min > old.missed_cycles_min:
        return "missed_cycles_min"
    for currency in _compared_currencies(_currencies(new), _currencies(old)):
        if _allows_more(new, old, currency):
            return f"the most that may be charged{f' in {currency}' if currency else ''}"
    return ""


def _first_day(limit: FeeLimit) -> int:
    return limit.grace_days + (0 if limit.due_day_counts else 1)


def _currencies(limit: FeeLimit) -> set[str] | None:
    """Return the currencies in which a limit answers; None where it states no amount and answers in any."""
    stated = [{one.currency for one in amounts} for amounts in (limit.amounts, limit.floor, limit.cap) if amounts]
    return set.intersection(*stated) if stated else None


def _compared_currencies(new: set[str] | None, old: set[str] | None) -> list[str]:
    """List where both answer; elsewhere one of them blocks, and nothing is charged. "" stands for any currency."""
    if new is None or old is None:
        return sorted(old or new or {""})
    return sorted(new & old)


def _allows_more(new: FeeLimit, old: FeeLimit, currency: str) -> bool:
    """Compare the two most as functions of the base: straight lines between a few corners, so the corners decide."""
    corners = {Fraction(0)}
    for limit in (new, old):
        for amounts in (limit.amounts, limit.floor, limit.cap):
            amount = _minor(amounts, currency)
            if amount is not None and limit.rate:
                corners.add(amount / limit.rate)
    far = max(corners) + 1
    most_new, least_old = max(_most(new, at, currency) for at in (*corners, far)), _most(old, Fraction(0), currency)
    is_open = _slope(new, currency) > 0
    if most_new <= least_old and not is_open:
        return False
    if new.rate and (new.whole_units_up and not old.whole_units_up):
        return True
    if new.rate and new.base == "instalment" and old.base == "past_due":
        return True  # of a large instalment little may be past due
    if _slope(new, currency) > _slope(old, currency):
        return True
    return any(_most(new, at, currency) > _most(old, at, currency) for at in (*corners, far))


def _most(limit: FeeLimit, base: Fraction, currency: str) -> Fraction:
    parts = [] if limit.rate is None else [limit.rate * base]
    flat = _minor(limit.amounts, currency)
    parts += [] if flat is None else [flat]
    most = max(parts) if limit.combine == "greater_of" else min(parts)
    floor, cap = _minor(limit.floor, currency), _minor(limit.cap, currency)
    most = most if floor is None else max(most, floor)
    return most if cap is None else min(most, cap)


def _slope(limit: FeeLimit, currency: str) -> Fraction:
    """Return by how much the most grows with a base that is large enough."""
    is_flat = limit.rate is None or bool(limit.cap) or (bool(limit.amounts) and limit.combine == "lesser_of")
    return Fraction(0) if is_flat or limit.rate is None else limit.rate


def _minor(amounts: tuple[Money, ...], currency: str) -> Fraction | None:
    found = amount_in(amounts, currency)
    return None if found is None else Fraction(found.minor)


def _penalty_tiers(new: PenaltyTiers, old: PenaltyTiers) -> str:
    if new.first.currency != old.first.currency:
        return ""  # it states nothing where the other does, and blocks there
    if new.first > old.first:
        return "the first amount"
    for cycles in {0, new.cycles, new.cycles + 1, old.cycles, old.cycles + 1}:
        mine, theirs = ((one.repeat if cycles <= one.cycles else one.first) for one in (new, old))
        if mine > theirs:
            return "the amount for a repeated violation"
    return ""


def _lump_sum(new: LumpSum, old: LumpSum) -> str:
    if new.bands[0].amount.currency != old.bands[0].amount.currency:
        return "the currency: where the law states no sum it gives none"
    if new.excess_costs and not old.excess_costs:
        return "excess_costs"
    starts = {band.debt_min for one in (new, old) for band in one.bands}
    pairs = ((new.of(debt), old.of(debt)) for debt in sorted(starts))
    return "the sum" if any(mine is None or theirs is None or mine > theirs for mine, theirs in pairs) else ""


def _interest(new: StatutoryInterest, old: StatutoryInterest) -> str:
    if (new.series, new.selection) != (old.series, old.selection):
        return "the reference rate or its selection, which do not compare"
    if new.day_count != old.day_count and not _BASIS.get(new.day_count, 0) > _BASIS.get(old.day_count, 10**6):
        return "the day count"
    if new.rests_months is not None and (old.rests_months is None or new.rests_months < old.rests_months):
        return "the rests, at which it compounds"
    return "the rate" if _rate_is_higher(new, old) else ""


def _rate_is_higher(new: StatutoryInterest, old: StatutoryInterest) -> bool:
    """Compare the rates at references from 10 % below zero to 1000 % above it, with the most that rounding adds."""
    if _rounds_no_more(new, old):
        added = Fraction(0)
    else:
        added = new.multiple * (new.round_reference_up_to or 0) + (new.round_rate_up_to or 0)
    above = {"new": new.margin + added, "old": old.margin}
    # between the ends of the range the lines bend only where a rate leaves its floor of zero
    edges = {Fraction(-1, 10), Fraction(10)}
    edges |= {-above[name] / one.multiple for name, one in (("new", new), ("old", old)) if one.multiple}
    return any(
        max(Fraction(0), new.multiple * at + above["new"]) > max(Fraction(0), old.multiple * at + above["old"])
        for at in edges
        if Fraction(-1, 10) <= at <= 10
    )


def _rounds_no_more(new: StatutoryInterest, old: StatutoryInterest) -> bool:
    pairs = (
        (new.round_reference_up_to, old.round_reference_up_to),
        (new.round_rate_up_to, old.round_rate_up_to),
    )
    return all(mine is None or (theirs is not None and (theirs / mine).denominator == 1) for mine, theirs in pairs)


def _rate_cap(new: RateCap, old: RateCap) -> str:
    return "the rate" if new.rate > old.rate else ""


def _rate_floor(new: RateFloor, old: RateFloor) -> str:
    if new.series != old.series:
        return "the reference rate, which does not compare"
    return "the multiple" if new.multiple < old.multiple else ""


# -- when and how often ----------------------------------------------------------------------------------------


def _rolling_count(new: RollingCount, old: RollingCount) -> str:
    if _turns(new, old) * new.maximum > old.maximum:
        return "the number in its span"
    if new.counts and (not old.counts or not set(old.counts) <= set(new.counts)):
        return "counts"
    if not set(new.not_counted) <= set(old.not_counted):
        return "not_counted"
    if not set(new.scope) <= set(old.scope):
        return "scope: more is counted apart"
    return "after" if new.after and new.after != old.after else ""


def _turns(new: RollingCount, old: RollingCount) -> int:
    """Return how often the new span may begin anew within one old span, at the most."""
    if new.days is not None:
        span = old.days if old.days is not None else 31 * (old.months or 1)
        return -(-span // new.days)
    months = new.months or 1
    if old.months is not None:
        return -(-old.months // months)
    return -(-(old.days or 1) // (28 * months)) + 1  # a span of days may touch one month more than it fills


def _cool_down(new: CoolDown, old: CoolDown) -> str:
    if new.after != old.after:
        return "the event, which does not compare"
    if not set(new.scope) <= set(old.scope):
        return "scope: it spares less"
    days_new, days_old = (one.days + (0 if one.event_is_day_one else 1) for one in (new, old))
    return "the days" if days_new < days_old else ""


def _deadline(new: Deadline, old: Deadline) -> str:
    if (new.after, new.unit, new.holidays, new.purpose) != (old.after, old.unit, old.holidays, old.purpose):
        return "the event, unit, holidays or purpose, which do not compare"
    last_new, last_old = (one.days - (1 if one.event_is_day_one else 0) for one in (new, old))
    is_looser = last_new < last_old if new.purpose == "lasts" else last_new > last_old
    return "the days" if is_looser else ""


def _notice_window(new: NoticeWindow, old: NoticeWindow) -> str:
    if (new.before, new.unit) != (old.before, old.unit) or (old.holidays and new.holidays != old.holidays):
        return "the event, unit or holidays, which do not compare"
    if new.days_min < old.days_min or new.days_max > old.days_max:
        return "the days"
    if new.ahead_more_than > old.ahead_more_than:
        return "ahead_more_than"
    return "not_before_event" if old.not_before_event and not new.not_before_event else ""


def _moratorium(new: Moratorium, old: Moratorium) -> str:
    if not set(old.freezes) <= set(new.freezes):
        return "what it freezes"
    if old.includes_joint_debtors and not new.includes_joint_debtors:
        return "includes_joint_debtors"
    if new.days is None and not new.until:
        return ""  # it never ends by itself
    if old.days is None:
        is_shorter = new.days is not None or new.until != old.until or new.days_after < old.days_after
    else:
        is_shorter = new.days is None or _length(new.days, new) < _length(old.days, old)
    return "how long it lasts" if is_shorter else ""


def _length(days: int, moratorium: Moratorium) -> int:
    return days - (1 if moratorium.event_is_day_one else 0)


def _time_windows(new: TimeWindows, old: TimeWindows) -> str:
    if new.place != old.place:
        return "the place, which does not compare"
    if new.channels and (not old.channels or not set(old.channels) <= set(new.channels)):
        return "the channels that it binds"
    if old.holidays and new.holidays != old.holidays:
        return "the holidays"
    for window in new.windows:
        if any(not _is_inside(window, _joined(old.windows, day)) for day in window.weekdays):
            return "the hours"
    return ""


_Edge = tuple[time, int]
"""An instant of a day and whether the hours end just before it (-1), on it (0), or begin just after it (1)."""


def _joined(windows: Iterable[TimeWindow], day: int) -> list[tuple[_Edge, _Edge]]:
    """Return the hours of a weekday as spans that neither touch nor overlap."""
    spans = sorted(_edges(window) for window in windows if day in window.weekdays)
    joined: list[tuple[_Edge, _Edge]] = []
    for start, end in spans:
        if joined and start <= (joined[-1][1][0], joined[-1][1][1] + 1):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _edges(window: TimeWindow) -> tuple[_Edge, _Edge]:
    return (window.start, 0 if window.start_inclusive else 1), (window.end, 0 if window.end_inclusive else -1)


def _is_inside(window: TimeWindow, spans: Sequence[tuple[_Edge, _Edge]]) -> bool:
    start, end = _edges(window)
    return any(first <= start and end <= last for first, last in spans)


# -- when duties begin -----------------------------------------------------------------------------------------


def _plan_trigger(new: PlanTrigger, old: PlanTrigger) -> str:
    if new.instalments_more_than > old.instalments_more_than:
        return "instalments_more_than"
    if new.needs_writing and not old.needs_writing:
        return "needs_writing"
    if old.finance_charge_alone and not new.finance_charge_alone:
        return "finance_charge_alone"
    return "down_payment_counts" if old.down_payment_counts and not new.down_payment_counts else ""


def _extension_trigger(new: ExtensionTrigger, old: ExtensionTrigger) -> str:
    is_wider = new.more_than > old.more_than or new.secured_more_than > old.secured_more_than
    return "the number of extensions" if is_wider else ""


def _apr_tolerance(new: AprTolerance, old: AprTolerance) -> str:
    return "the tolerance" if new.regular > old.regular or new.irregular > old.irregular else ""


def _workout_exception(new: WorkoutException, old: WorkoutException) -> str:
    if old.unless_rate_rises and not new.unless_rate_rises:
        return "unless_rate_rises"
    return "unless_new_credit" if old.unless_new_credit and not new.unless_new_credit else ""


_BASIS: Final[dict[str, int]] = {"act/360": 36_000, "act/364": 36_400, "act/365f": 36_500, "act/365.25": 36_525}
"""Day counts whose order is certain: the more days in the year, the less a day bears."""

_COMPARED: Final[dict[type, Callable[[Any, Any], str]]] = {
    FeeLimit: _fee_limit,
    PenaltyTiers: _penalty_tiers,
    LumpSum: _lump_sum,
    StatutoryInterest: _interest,
    RateCap: _rate_cap,
    RateFloor: _rate_floor,
    RollingCount: _rolling_count,
    CoolDown: _cool_down,
    Deadline: _deadline,
    NoticeWindow: _notice_window,
    Moratorium: _moratorium,
    TimeWindows: _time_windows,
    PlanTrigger: _plan_trigger,
    ExtensionTrigger: _extension_trigger,
    AprTolerance: _apr_tolerance,
    WorkoutException: _workout_exception,
}
