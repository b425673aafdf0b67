"""Day-count conventions: how the days between two dates become a part of a year. Import from `core.rates`."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Final, Literal, get_args

from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidDate, InvalidRate

__all__ = ["DAY_COUNTS", "DayCount", "day_count", "days_in_year", "year_fraction"]

DayCount = Literal[
    "30/360-us",
    "30/360-bond",
    "30E/360",
    "30E/360-isda",
    "30/365",
    "act/360",
    "act/364",
    "act/365f",
    "act/365.25",
    "act/act-isda",
    "act/act-icma",
    "act/act-afb",
]
"""How days become a part of a year.

- `30/360-us`: from the last day of February the start counts as the 30th, and so does the end if it is that day too;
  then an end on the 31st becomes the 30th if the start is on the 30th or 31st; then a start on the 31st the 30th.
- `30/360-bond`: the same without February. `30/365`: those days over 365.
- `30E/360`: each 31st becomes the 30th. `30E/360-isda`: so does the last day of February, but not an end on the
  termination date.
- `act/360`, `act/364`, `act/365f`, `act/365.25`: calendar days over that number.
- `act/act-isda`: days in each calendar year over its 365 or 366. `act/act-icma` (ISMA): parts of the reference period,
  each worth 1 / periods_per_year. `act/act-afb`: whole years back from the end, the rest over 365, or over 366 if it
  holds a 29 February.
"""

DAY_COUNTS: Final = get_args(DayCount)

_FIXED_BASIS: Final = {
    "30/360-us": Fraction(360),
    "30/360-bond": Fraction(360),
    "30E/360": Fraction(360),
    "30E/360-isda": Fraction(360),
    "30/365": Fraction(365),
    "act/360": Fraction(360),
    "act/364": Fraction(364),
    "act/365f": Fraction(365),
    "act/365.25": Fraction(1461, 4),
}


def days_in_year(year: int) -> int:
    """Return 365 or 366.

    >>> days_in_year(2023), days_in_year(2024)
    (365, 366)
    """
    return 366 if _is_leap(year) else 365


def day_count(convention: DayCount, start_on: date, end_on: date, *, termination_on: date | None = None) -> int:
    """Count the days of `[start_on, end_on)` in the manner of a day-count convention; negative where the end is first.

    `termination_on`, the last day of the whole contract, matters to `30E/360-isda` alone.

    >>> day_count("30E/360", date(2026, 1, 31), date(2026, 3, 31))
    60
    >>> day_count("act/360", date(2026, 1, 31), date(2026, 3, 31))
    59

    Raises:
        InvalidRate: `rates.day_count` for a name that is no convention.
        InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
    """
    require_date(start_on, "start_on")
    require_date(end_on, "end_on")
    if convention not in DAY_COUNTS:
        _refuse_convention(convention)
    if convention.startswith("act/"):
        return end_on.toordinal() - start_on.toordinal()
    day1, day2 = start_on.day, end_on.day
    if convention == "30E/360":
        day1, day2 = min(day1, 30), min(day2, 30)
    elif convention == "30E/360-isda":
        if day1 == 31 or _is_last_of_february(start_on):
            day1 = 30
        if day2 == 31 or (_is_last_of_february(end_on) and end_on != termination_on):
            day2 = 30
    else:
        if convention == "30/360-us" and _is_last_of_february(start_on):
            day1 = 30
            if _is_last_of_february(end_on):
                day2 = 30
        if day2 == 31 and day1 >= 30:
            day2 = 30
        day1 = min(day1, 30)
    return 360 * (end_on.year - start_on.year) + 30 * (end_on.month - start_on.month) + day2 - day1


def year_fraction(
    convention: DayCount,
    start_on: date,
    end_on: date,
    *,
    termination_on: date | None = None,
    ref_start_on: date | None = None,
    ref_end_on: date | None = None,
    periods_per_year: int | None = None,
) -> Fraction:
    """Return the exact part of a year from `start_on` to `end_on`; negative where the end comes first.

    `act/act-icma` counts in reference periods: `[ref_start_on, ref_end_on)`, by default the span itself, with
    `periods_per_year` of them in a year, by default 12 over its months. It is the one convention that looks at them.
    Periods between month ends of different days go on from month end to month end (ISDA, 1999). Fractions add up over
    adjoining spans for `act/360`, `364`, `365f`, `365.25` and `act/act-isda`, and for `act/act-icma` with one reference
    period; not for the 30/360 family and `act/act-afb`.

    >>> year_fraction("act/act-isda", date(2003, 11, 1), date(2004, 5, 1))
    Fraction(66491, 133590)

    Raises:
        InvalidRate: `rates.day_count`, `rates.reference_period`.
        InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
    """
    days = day_count(convention, start_on, end_on, termination_on=termination_on)
    basis = _FIXED_BASIS.get(convention)
    if basis is not None:
        return days / basis
    sign = -1 if end_on < start_on else 1
    start_on, end_on = min(start_on, end_on), max(start_on, end_on)
    if convention == "act/act-isda":
        return sign * _isda(start_on, end_on)
    if convention == "act/act-afb":
        return sign * _afb(start_on, end_on)
    return sign * _icma(start_on, end_on, ref_start_on, ref_end_on, periods_per_year)


# -- details ---------------------------------------------------------------------------------------------------


def _refuse_convention(given: object) -> None:
    raise InvalidRate("rates.day_count", f"no day count has that name; choose from: {', '.join(DAY_COUNTS)}")


# `calendars` stands on the same floor and may not be imported, so three small things of months are repeated here.


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _is_last_of_february(day: date) -> bool:
    return day.month == 2 and day.day == (29 if _is_leap(day.year) else 28)


def _ordinal_after(anchor: date, months: int, day: int) -> int:
    """Return the ordinal of a day in the month so many after `anchor`, clamped to the month's last day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise InvalidDate("calendars.out_of_range", "a reference period falls outside the years 1 to 9999")
    first = date(year, month + 1, 1).toordinal()
    length = 29 if month == 1 and _is_leap(year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return first + min(day, length) - 1


def _isda(start: date, end: date) -> Fraction:
    if start.year == end.year:
        return Fraction(end.toordinal() - start.toordinal(), days_in_year(start.year))
    first, last = days_in_year(start.year), days_in_year(end.year)
    head = Fraction(first - start.timetuple().tm_yday + 1, first)
    return head + (end.year - start.year - 1) + Fraction(end.timetuple().tm_yday - 1, last)


def _afb(start: date, end: date) -> Fraction:
    def back(years: int) -> date:
        """Go whole years back from the end; from 28 or 29 February to 29 February where there is one (AFB, 1994)."""
        year = end.year - years
        if years and end.month == 2 and end.day >= 28:
            return date(year, 2, 29 if _is_leap(year) else 28)
        return date(year, end.month, end.day)

    years = end.year - start.year
    if years and back(years) < start:
        years -= 1
    stub_end = back(years)
    days = stub_end.toordinal() - start.toordinal()
    leap_day = next((date(year, 2, 29) for year in range(start.year, stub_end.year + 1) if _is_leap(year)), None)
    holds_leap_day = leap_day is not None and start <= leap_day < stub_end
    return years + Fraction(days, 366 if holds_leap_day else 365)


def _icma(
    start: date, end: date, ref_start: date | None, ref_end: date | None, periods_per_year: int | None
) -> Fraction:
    """Add up the shares of the reference periods that the span touches; they step in whole months from the given one."""
    if start == end:
        return Fraction(0)
    ref_start = start if ref_start is None else require_date(ref_start, "ref_start_on")
    ref_end = end if ref_end is None else require_date(ref_end, "ref_end_on")
    length = ref_end.toordinal() - ref_start.toordinal()
    if length <= 0:
        raise InvalidRate("rates.reference_period", "ref_start_on must lie before ref_end_on")
    if (end.toordinal() - start.toordinal()) // length > 12_000:  # a thousand years of months
        raise InvalidRate("rates.reference_period", "the span holds more than 12,000 reference periods")
    if periods_per_year is None:
        months = max(1, (24 * length + 365) // 730)  # the nearest number of months
        per_period = Fraction(months, 12)
    else:
        if type(periods_per_year) is not int or not 1 <= periods_per_year <= 366:
            raise InvalidRate("rates.reference_period", "periods_per_year must be a whole number from 1 to 366")
        months, rest = divmod(12, periods_per_year)
        if rest:
            months = 0  # periods of weeks or days step by the length of the given one
        per_period = Fraction(1, periods_per_year)

    day1, day2 = ref_start.day, ref_end.day
    if day1 != day2 and all(_ordinal_after(on, 0, 31) == on.toordinal() for on in (ref_start, ref_end)):
        day1 = day2 = 31  # month ends: 30 November to 29 February goes on to 31 May

    def edge_after(k: int) -> int:
        return _ordinal_after(ref_end, k * months, day2) if months else ref_end.toordinal() + k * length

    def edge_before(k: int) -> int:
        return _ordinal_after(ref_start, -k * months, day1) if months else ref_start.toordinal() - k * length

    lo, hi = start.toordinal(), end.toordinal()
    share = Fraction(max(0, min(hi, ref_end.toordinal()) - max(lo, ref_start.toordinal())), length)
    k = 0
    while edge_after(k) < hi:
        left, right = edge_after(k), edge_after(k + 1)
        share += Fraction(max(0, min(hi, right) - max(lo, left)), right - left)
        k += 1
    k = 0
    while edge_before(k) > lo:
        left, right = edge_before(k + 1), edge_before(k)
        share += Fraction(max(0, min(hi, right) - max(lo, left)), right - left)
        k += 1
    return share * per_period
