"""Where a day lies in a rhythm, which days of a span bear interest, and what an effective rate makes of its length.

Nothing here knows of terms or rows. Places are exact, so steps add up over adjoining spans however these are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from collectkit.core._decimals import own_context
from collectkit.core.calendars import Every, MonthEnd
from collectkit.core.errors import InvalidDate

# Days of a step on average, as a ratio: 400 years have 146,097 days.
_MEAN_DAYS: Final = {
    "days": (1, 1),
    "weeks": (7, 1),
    "semimonths": (146_097, 9_600),
    "months": (146_097, 4_800),
    "years": (146_097, 400),
}

_ROOTS: Final = own_context(50)
_ROOT_DIGITS: Final = 10**34  # an effective rate has no exact monthly share; 34 digits are kept, then all is exact


def place_of(day: date, *, anchor: date, every: Every, month_end: MonthEnd) -> Fraction:
    """Return the steps of a rhythm from its anchor to a day, negative before it; a broken step counts by its days.

    >>> monthly = Every(1, "months")
    >>> place_of(date(2026, 3, 8), anchor=date(2026, 1, 1), every=monthly, month_end="clamp")
    Fraction(69, 31)
    >>> place_of(date(2025, 12, 31), anchor=date(2026, 4, 30), every=monthly, month_end="clamp")
    Fraction(-123, 31)

    Raises:
        InvalidDate: `calendars.out_of_range` where the step that holds the day begins or ends outside the years.
    """
    days, of = _MEAN_DAYS[every.unit]
    apart = day.toordinal() - anchor.toordinal()
    place = apart * of // (days * every.n)
    place = max(place - 1, 0) if apart > 0 else min(place + 1, 0)  # an estimate, between the anchor and the day
    low = every.date(anchor=anchor, number=place, month_end=month_end)
    while low > day:
        place -= 1
        low = every.date(anchor=anchor, number=place, month_end=month_end)
    while low < day:
        high = every.date(anchor=anchor, number=place + 1, month_end=month_end)
        if high > day:
            return place + Fraction((day - low).days, (high - low).days)
        place, low = place + 1, high
    return Fraction(place)


def whole_steps(start_on: date, end_on: date, *, anchor: date, every: Every, month_end: MonthEnd) -> int | None:
    """Return the whole steps from one day to another, both reckoned from an anchor; None where they are none.

    >>> rhythm = {"every": Every(1, "months"), "month_end": "clamp"}
    >>> whole_steps(date(2026, 2, 28), date(2026, 5, 31), anchor=date(2026, 5, 31), **rhythm)
    3
    >>> whole_steps(date(2026, 2, 27), date(2026, 5, 31), anchor=date(2026, 5, 31), **rhythm) is None
    True
    """
    try:
        apart = place_of(end_on, anchor=anchor, every=every, month_end=month_end) - place_of(
            start_on, anchor=anchor, every=every, month_end=month_end
        )
    except InvalidDate:  # the step that holds one of them leaves the years, so that one is on no step
        return None
    return apart.numerator if apart.denominator == 1 else None


def running_share(pauses: tuple[tuple[date, date], ...], start: date, end: date) -> Fraction:
    """Return the part of the days of `[start, end)` on which interest runs; pauses do not overlap.

    >>> running_share(((date(2026, 1, 11), date(2026, 1, 21)),), date(2026, 1, 1), date(2026, 1, 31))
    Fraction(2, 3)
    """
    days = (end - start).days
    if days <= 0:
        return Fraction(1)
    paused = sum(max((min(end, until) - max(start, since)).days, 0) for since, until in pauses)
    return Fraction(days - paused, days)


def unpaused(
    pauses: tuple[tuple[date, date], ...], start: date, end: date, measure: Callable[[date], Fraction]
) -> Fraction:
    """Return what `[start, end)` measures without its paused days; `measure` takes a day and counts from the start.

    Every span is measured as the convention measures it, so a day that counts for nothing takes nothing off.

    >>> pause = ((date(2026, 1, 11), date(2026, 1, 21)),)
    >>> unpaused(pause, date(2026, 1, 1), date(2026, 1, 31), lambda day: Fraction(day.day - 1))
    Fraction(20, 1)
    """
    found = measure(end)
    for since, until in pauses:
        since, until = max(since, start), min(until, end)
        if since < until:
            found -= measure(until) - measure(since)
    return found


def effective_share(annual: Fraction, part: Fraction) -> Fraction:
    """Return (1 + annual) ** part - 1, to 34 digits after the point; whole parts are exact.

    >>> effective_share(Fraction(21, 100), Fraction(2))
    Fraction(4641, 10000)
    >>> round(float(effective_share(Fraction(1268250301319697, 10**16), Fraction(1, 12))), 12)
    0.01
    """
    if part.denominator == 1:
        return (1 + annual) ** part.numerator - 1
    growth = _ROOTS.divide(Decimal((1 + annual).numerator), Decimal((1 + annual).denominator))
    power = _ROOTS.divide(Decimal(part.numerator), Decimal(part.denominator))
    grown = _ROOTS.power(growth, power)
    return Fraction(round(Fraction(grown) * _ROOT_DIGITS), _ROOT_DIGITS) - 1
