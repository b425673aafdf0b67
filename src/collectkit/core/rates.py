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
from typing import Final, Literal

import attrs

from collectkit.core._day_counts import DAY_COUNTS, DayCount, day_count, days_in_year, year_fraction
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

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
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
    """From `from_on` the rate is `rate`; None says that no rate holds from then on.

    A reference rate may be below zero, as the German base rate was: make such a step with `RateStep.below_zero`.
    """

    from_on: date = attrs.field(validator=plain_date)
    rate: Rate | None = attrs.field()
    negative: Fraction = attrs.field(default=Fraction(0), converter=exact_number)

    @rate.validator
    def _check_rate(self, _attribute: object, value: object) -> None:
        if value is not None and not isinstance(value, Rate):
            raise InvalidRate("rates.type", f"RateStep.rate needs a Rate or None, not {type(value).__name__}")

    def __attrs_post_init__(self) -> None:
        is_negative = self.negative != 0
        if is_negative and not (-1 < self.negative < 0 and self.rate is not None and self.rate.is_zero):
            raise InvalidRate("rates.negative", "a step below zero lies between 0 and -100 %; see RateStep.below_zero")

    @classmethod
    def below_zero(cls, *, from_on: date, percent: str | int | Decimal | Fraction) -> RateStep:
        """Make a step of a reference rate below zero: nothing is charged at it, and a margin is counted from it.

        >>> step = RateStep.below_zero(from_on=date(2016, 7, 1), percent="-0.88")
        >>> step.rate, step.reference
        (Rate.percent('0'), Fraction(-11, 1250))

        Raises:
            InvalidRate: `rates.negative` unless it lies below zero and above -100 %; and as `exact_number`.
        """
        value = exact_number(percent) / 100
        if value >= 0:
            raise InvalidRate("rates.negative", "a step below zero was given a rate of 0 or more; pass it as rate")
        return cls(from_on=from_on, rate=Rate.zero(), negative=value)

    @property
    def reference(self) -> Fraction | None:
        """The yearly fraction as published, below zero too; None where no rate holds."""
        return None if self.rate is None else self.rate.annual + self.negative


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

    What is charged at it is never below zero; `ReferenceSeries.from_table` takes its figures as published.

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
