"""Rates as exact fractions, day-count conventions, and tables of rates that change by date.

A `Rate` is never a float and never a bare number: 19 is 1900 %, "19 %" is 0.19, and only a named constructor says
which one is meant. Applying a rate to money is `core.interest`; where a rate comes from is the host's business.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import total_ordering
from itertools import pairwise
from operator import index
from typing import Final, Literal, get_args

import attrs

from collectkit.core.checks import plain_date, require_date
from collectkit.core.errors import InvalidDate, InvalidRate

__all__ = [
    "DAY_COUNTS",
    "MAX_RATE",
    "DayCount",
    "NotInForce",
    "Rate",
    "RatePeriod",
    "RatePiece",
    "RateStep",
    "RateTable",
    "Stale",
    "day_count",
    "days_in_year",
    "exact_number",
    "year_fraction",
]

RatePeriod = Literal["year", "month", "day"]
"""The time a rate is stated for; a year has 12 months or 365 days where one is turned into another."""

MAX_RATE: Final = 10
"""No rate may exceed 1000 % a year; a policy may set its limit lower."""

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

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
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
_PER_YEAR: Final = {"year": 1, "month": 12, "day": 365}


# -- rates -----------------------------------------------------------------------------------------------------


def exact_number(value: object, name: str = "a rate") -> Fraction:
    """Read text, an int, a Decimal or a Fraction as an exact number; text is ASCII digits with a sign and a point.

    >>> exact_number("9.4822"), exact_number(Decimal("0.5"))
    (Fraction(47411, 5000), Fraction(1, 2))

    Raises:
        InvalidRate: `rates.float`, `rates.bool`, `rates.type`, `rates.syntax`, `rates.not_finite`, `rates.precision`.
    """
    if isinstance(value, bool):
        raise InvalidRate("rates.bool", f"{name} was given a bool; pass text, an int, a Decimal or a Fraction")
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, str):
        if len(value) > 64 or _NUMBER.fullmatch(value) is None:
            if value.strip().lower().lstrip("+-") in {"nan", "snan", "inf", "infinity"}:
                raise InvalidRate("rates.not_finite", f"{name} must be a finite number")
            raise InvalidRate("rates.syntax", f"{name} is ASCII digits with an optional sign and point, such as 9.4822")
        return Fraction(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InvalidRate("rates.not_finite", f"{name} must be a finite number")
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int) or abs(exponent) > 64 or len(digits) > 64:  # before work in proportion to it
            raise InvalidRate("rates.precision", f"{name} has more than 64 digits")
        return Fraction(value)
    kind = type(value).__name__
    if isinstance(value, float) or "float" in kind:
        raise InvalidRate("rates.float", f"{name} was given a float; pass text such as '9.4822', or a Decimal")
    if hasattr(value, "__index__"):
        return Fraction(index(value))
    raise InvalidRate("rates.type", f"{name} was given {kind}; pass text, an int, a Decimal or a Fraction")


@total_ordering
@attrs.frozen(order=False)
class Rate:
    """A rate of interest or of a charge: an exact fraction of the whole, per year unless `per` says otherwise.

    From 0 to 1000 % a year. Two rates are equal when value and period are; the order is by the yearly value.

    >>> Rate.percent("9.4822") == Rate.of("0.094822") == Rate.basis_points("948.22")
    True
    >>> str(Rate.percent("9.4822")), str(Rate.percent("1.5", per="month"))
    ('9.4822 %', '1.5 % per month')

    Raises:
        InvalidRate: `rates.negative`, `rates.over_limit`, `rates.float`, `rates.bool`, `rates.type`, `rates.syntax`,
            `rates.not_finite`, `rates.precision`, `rates.period`.
    """

    value: Fraction = attrs.field(converter=exact_number)
    per: RatePeriod = attrs.field(default="year", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.per, str) or self.per not in _PER_YEAR:
            raise InvalidRate("rates.period", f"per must be one of: {', '.join(_PER_YEAR)}")
        if self.value < 0:
            raise InvalidRate("rates.negative", f"{self} is below zero; a rate is 0 or more")
        if self.value * _PER_YEAR[self.per] > MAX_RATE:
            raise InvalidRate(
                "rates.over_limit", f"{self} is over 1000 % a year; Rate.percent('19') is 19 %, Rate.of('19') 1900 %"
            )

    @classmethod
    def percent(
        cls,
        value: str | int | Decimal | Fraction,
        *,
        per: RatePeriod = "year",
        limit: str | int | Decimal | Fraction | None = None,
    ) -> Rate:
        """Make a rate from a percentage; over `limit`, in the same unit, it is refused.

        >>> Rate.percent("19").value
        Fraction(19, 100)

        Raises:
            InvalidRate: as `Rate`; `rates.over_limit` above `limit`.
        """
        return cls._scaled(value, 100, per, limit)

    @classmethod
    def of(
        cls,
        value: str | int | Decimal | Fraction,
        *,
        per: RatePeriod = "year",
        limit: str | int | Decimal | Fraction | None = None,
    ) -> Rate:
        """Make a rate from a fraction of the whole, such as "0.19"; over `limit`, in the same unit, it is refused.

        >>> str(Rate.of("0.19"))
        '19 %'

        Raises:
            InvalidRate: as `Rate`; `rates.over_limit` above `limit`.
        """
        return cls._scaled(value, 1, per, limit)

    @classmethod
    def basis_points(
        cls,
        value: str | int | Decimal | Fraction,
        *,
        per: RatePeriod = "year",
        limit: str | int | Decimal | Fraction | None = None,
    ) -> Rate:
        """Make a rate from basis points, hundredths of a percent; over `limit`, in the same unit, it is refused.

        >>> str(Rate.basis_points(25))
        '0.25 %'

        Raises:
            InvalidRate: as `Rate`; `rates.over_limit` above `limit`.
        """
        return cls._scaled(value, 10_000, per, limit)

    @classmethod
    def zero(cls) -> Rate:
        """Make the rate of no interest.

        >>> Rate.zero().is_zero
        True
        """
        return cls(Fraction(0))

    @classmethod
    def _scaled(cls, value: object, scale: int, per: RatePeriod, limit: object) -> Rate:
        rate = cls(exact_number(value) / scale, per=per)
        if limit is not None:
            most = exact_number(limit, "limit") / scale
            if rate.value > most:
                raise InvalidRate(
                    "rates.over_limit", f"{rate} is over the limit of {_percent_text(most)}", given=rate, limit=most
                )
        return rate

    @property
    def annual(self) -> Fraction:
        """The nominal yearly fraction: a monthly rate times 12, a daily one times 365."""
        return self.value * _PER_YEAR[self.per]

    @property
    def is_zero(self) -> bool:
        """Say whether there is no interest at all."""
        return self.value == 0

    def per_period(self, periods_per_year: int | Fraction) -> Fraction:
        """Return the nominal fraction for one of so many equal periods of a year.

        >>> Rate.percent(12).per_period(12)
        Fraction(1, 100)

        Raises:
            InvalidRate: `rates.period` unless the number is above zero.
        """
        if isinstance(periods_per_year, bool) or not isinstance(periods_per_year, (int, Fraction)):
            raise InvalidRate("rates.period", "periods_per_year needs a whole number or a Fraction")
        if periods_per_year <= 0:
            raise InvalidRate("rates.period", "periods_per_year must be above zero")
        return self.annual / periods_per_year

    def __lt__(self, other: Rate) -> bool:
        if not isinstance(other, Rate):
            return NotImplemented
        return (self.annual, self.per) < (other.annual, other.per)

    def __str__(self) -> str:
        return _percent_text(self.value) + ("" if self.per == "year" else f" per {self.per}")

    def __repr__(self) -> str:
        per = "" if self.per == "year" else f", per={self.per!r}"
        return f"Rate.percent({_percent_text(self.value)[:-2]!r}{per})"


def _percent_text(value: Fraction) -> str:
    """Write a fraction as a percentage, exactly: in digits where they end, else as a ratio."""
    hundred = value * 100
    rest, twos, fives = hundred.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    digits = max(twos, fives)
    if rest != 1 or digits > 40:
        return f"{hundred} %"
    if digits == 0:
        return f"{hundred.numerator} %"
    scaled = abs(hundred.numerator) * 10**digits // hundred.denominator
    whole, part = divmod(scaled, 10**digits)
    return f"{'-' if value < 0 else ''}{whole}.{part:0{digits}d} %"


# -- day counts ------------------------------------------------------------------------------------------------


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


# -- rates that change by date ---------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class NotInForce:
    """Nothing holds on the day asked: it lies before the first step, or the series has ended; `reason` says which."""

    as_of: date
    reason: Literal["before_start", "ended"]


@attrs.frozen(kw_only=True)
class Stale:
    """The day asked lies past the last day for which the series is known; the last value is never carried on."""

    as_of: date
    known_through_on: date


@attrs.frozen(kw_only=True)
class RateStep:
    """From `from_on` the rate is `rate`; None says that no rate holds from then on."""

    from_on: date = attrs.field(validator=plain_date)
    rate: Rate | None = attrs.field()

    @rate.validator
    def _check_rate(self, _attribute: object, value: object) -> None:
        if value is not None and not isinstance(value, Rate):
            raise InvalidRate("rates.type", f"RateStep.rate needs a Rate or None, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class RatePiece:
    """A part `[from_on, until_on)` of a span over which one rate holds."""

    from_on: date
    until_on: date
    rate: Rate


def _steps(values: Iterable[RateStep]) -> tuple[RateStep, ...]:
    steps = tuple(values)
    if not steps or not all(isinstance(step, RateStep) for step in steps):
        raise InvalidRate("rates.table", "a rate table needs one RateStep or more")
    if any(later.from_on <= earlier.from_on for earlier, later in pairwise(steps)):
        raise InvalidRate("rates.table", "the steps of a rate table must be in order, one for a day")
    return steps


@attrs.frozen(kw_only=True)
class RateTable:
    """Rates that change by date, known through `known_through_on` (inclusive) and not a day further.

    >>> table = RateTable(
    ...     steps=[
    ...         RateStep(from_on=date(2025, 7, 1), rate=Rate.percent("8.5")),
    ...         RateStep(from_on=date(2026, 1, 1), rate=Rate.percent("8.25")),
    ...     ],
    ...     known_through_on=date(2026, 6, 30),
    ... )
    >>> table.at(date(2026, 3, 1))
    Rate.percent('8.25')
    >>> table.at(date(2026, 7, 1))
    Stale(as_of=datetime.date(2026, 7, 1), known_through_on=datetime.date(2026, 6, 30))

    Raises:
        InvalidRate: `rates.table` where steps are missing, out of order or begin after `known_through_on`.
    """

    steps: tuple[RateStep, ...] = attrs.field(converter=_steps)
    known_through_on: date = attrs.field(validator=plain_date)

    def __attrs_post_init__(self) -> None:
        if self.steps[-1].from_on > self.known_through_on:
            raise InvalidRate("rates.table", "a step begins after known_through_on")

    def at(self, as_of: date) -> Rate | NotInForce | Stale:
        """Look up the rate of a day.

        Raises:
            InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
        """
        require_date(as_of, "as_of")
        if as_of > self.known_through_on:
            return Stale(as_of=as_of, known_through_on=self.known_through_on)
        place = bisect_right(self.steps, as_of, key=_from_on)
        if place == 0:
            return NotInForce(as_of=as_of, reason="before_start")
        rate = self.steps[place - 1].rate
        return NotInForce(as_of=as_of, reason="ended") if rate is None else rate

    def pieces(self, start_on: date, end_on: date) -> tuple[RatePiece, ...] | NotInForce | Stale:
        """Cut `[start_on, end_on)` where the rate changes; the first day without a rate is returned instead.

        Raises:
            InvalidDate: `calendars.order` where `end_on` comes before `start_on`.
        """
        if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
            raise InvalidDate("calendars.order", "end_on comes before start_on")
        cuts = [start_on, *(step.from_on for step in self.steps if start_on < step.from_on < end_on), end_on]
        pieces = []
        for from_on, until_on in pairwise(cuts):
            if from_on == until_on:
                continue
            rate = self.at(from_on)
            if not isinstance(rate, Rate):
                return rate
            pieces.append(RatePiece(from_on=from_on, until_on=until_on, rate=rate))
        if pieces and end_on.toordinal() - 1 > self.known_through_on.toordinal():
            first_unknown = date.fromordinal(self.known_through_on.toordinal() + 1)
            return Stale(as_of=first_unknown, known_through_on=self.known_through_on)
        return tuple(pieces)


# -- details ---------------------------------------------------------------------------------------------------


def _from_on(step: RateStep) -> date:
    return step.from_on


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
