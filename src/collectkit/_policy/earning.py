"""What days earn: simple, one day rounded first, or with rests; the same total however the days are cut.

Days are always counted from the day on which interest began, so a cut at a change of rate or balance adds nothing and
takes nothing away, whatever the convention. Where a rate or a balance comes from is told elsewhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final

import attrs

from collectkit.core.calendars import add_months
from collectkit.core.checks import instance_of, optional, plain_date
from collectkit.core.errors import InvalidDate
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import DayCount, Rate, day_count, days_in_year, year_fraction

__all__ = ["NO_SINGLE_DAY", "InterestPiece", "InterestStep", "by_the_day", "simple", "with_rests"]

NO_SINGLE_DAY: Final = ("act/act-afb", "act/act-icma")
"""Conventions in which a day's part of the year depends on the days around it, so that no one day can be rounded."""

_MAX_RESTS: Final = 2_400  # two hundred years of months; exact fractions grow with each
_CYCLE_YEARS: Final = 400  # after which the calendar repeats, day by day
_CYCLE_DAYS: Final = 146_097


@attrs.frozen(kw_only=True)
class InterestPiece:
    """A part `[from_on, until_on)` over which balance and rate stand still.

    `on_interest` is the unpaid interest that bears interest beside the balance, in minor units; 0 without rests.
    """

    from_on: date
    until_on: date
    rate: Rate
    balance: Money
    because: str = ""
    on_interest: Fraction = Fraction(0)

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.until_on - self.from_on).days


@attrs.frozen(kw_only=True)
class InterestStep:
    """What has become of the interest by the end of `from_on`, each figure counted from the beginning.

    `settled` was paid, credited or waived. `taken_back` was reversed as wrong, out of all that was `charged`; it is
    interest that never was, unless the facts still give it and it is charged again.
    """

    from_on: date = attrs.field(validator=plain_date)
    settled: Money = attrs.field(validator=instance_of(Money))
    charged: Money | None = attrs.field(default=None, validator=optional(instance_of(Money)))
    taken_back: Money | None = attrs.field(default=None, validator=optional(instance_of(Money)))

    def unpaid_of(self, due: Fraction) -> Fraction:
        """Return what is unpaid of the interest that has fallen due, in minor units; never below zero.

        >>> step = InterestStep(from_on=date(2026, 2, 1), settled=Money(60, "EUR"))
        >>> step.unpaid_of(Fraction(100)), step.unpaid_of(Fraction(50))
        (Fraction(40, 1), Fraction(0, 1))
        """
        back = 0 if self.taken_back is None else self.taken_back.minor
        if back:
            charged = 0 if self.charged is None else self.charged.minor
            due = min(due, max(due, Fraction(charged)) - back)  # what the facts no longer give is not taken off twice
        return max(Fraction(0), due - self.settled.minor)


Earned = list[tuple[InterestPiece, Fraction]]


def simple(pieces: Sequence[InterestPiece], convention: DayCount, began_on: date) -> Earned:
    """Return what each piece earns, exactly: its share of the year is that up to its end less that up to its start.

    `act/act-icma` counts in years from the day on which interest began: without rests there is no shorter period.
    """
    share = _icma_since(began_on, 12) if convention == "act/act-icma" else _since(convention, began_on)
    return [
        (piece, piece.balance.minor * piece.rate.annual * (share(piece.until_on) - share(piece.from_on)))
        for piece in pieces
    ]


def by_the_day(pieces: Sequence[InterestPiece], convention: DayCount, began_on: date, rounding: Rounding) -> Earned:
    """Return what each piece earns where one day's interest is rounded first and taken times the days.

    One day is the year's interest over the convention's own length of year, and the days are the convention's own:
    the 30/360 family has 30 in every month. `act/act-isda` has a day of its own in leap years.

    It is not for the conventions of `NO_SINGLE_DAY`.
    """
    found = []
    for piece in pieces:
        yearly = piece.balance.minor * piece.rate.annual
        days = _days_by_length(convention, began_on, piece.from_on, piece.until_on)
        found.append((piece, Fraction(sum(count * rounded(yearly * one_day, rounding) for count, one_day in days))))
    return found


def with_rests(
    pieces: Sequence[InterestPiece],
    convention: DayCount,
    began_on: date,
    rests_months: int,
    *,
    due_in_days: int = 0,
    steps: Sequence[InterestStep] = (),
    known: tuple[date, int] | None = None,
) -> Earned:
    """Return what each piece earns where unpaid interest bears interest; pieces are cut at rests and at `steps`.

    Interest falls due at the rest that ends its period, `due_in_days` later, and bears interest from the first rest
    on which it is due, for as long as it is unpaid. The broken period after the last rest is simple. The days of each
    period are counted from its first, and it is the reference period of `act/act-icma`. `known` is a day with what was earned
    before it, where that was at other terms: from then on it is what falls due and bears interest.

    Raises:
        InvalidDate: `interest.rests` for more than 2,400 rests.
    """
    found: Earned = []
    earned = due = Fraction(0)
    falling_due: deque[tuple[int, Fraction]] = deque()  # from which day, and what was earned by the rest before it
    step_days = [step.from_on for step in steps]
    last_on = max((piece.until_on for piece in pieces), default=began_on)
    months = (last_on.year - began_on.year) * 12 + last_on.month - began_on.month
    if months > rests_months * _MAX_RESTS:
        raise InvalidDate("interest.rests", f"more than {_MAX_RESTS} rests; compound less often")
    before, number = began_on.toordinal(), 1
    while before < last_on.toordinal():
        falling_due.append((before + due_in_days, earned))
        while falling_due and falling_due[0][0] <= before:
            due = falling_due.popleft()[1]
        after = _month_step(began_on, rests_months * number)
        share = (
            _icma_within(before, after, rests_months)
            if convention == "act/act-icma"
            else _since(convention, date.fromordinal(before))
        )
        for piece in pieces:
            lo, hi = max(piece.from_on.toordinal(), before), min(piece.until_on.toordinal(), after)
            if lo >= hi:
                continue
            inner = [day.toordinal() for day in step_days if lo < day.toordinal() < hi]
            for from_on, until_on in pairwise(date.fromordinal(day) for day in (lo, *inner, hi)):
                if known is not None and from_on >= known[0]:
                    factor = known[1] / earned if earned else Fraction(0)
                    due, earned = due * factor, Fraction(known[1])
                    falling_due = deque((day, sum_ * factor) for day, sum_ in falling_due)
                    known = None
                place = bisect_right(step_days, from_on)
                unpaid = steps[place - 1].unpaid_of(due) if place else due
                part = attrs.evolve(piece, from_on=from_on, until_on=until_on, on_interest=unpaid)
                sum_ = (piece.balance.minor + unpaid) * piece.rate.annual * (share(until_on) - share(from_on))
                found.append((part, sum_))
                earned += sum_
        before, number = after, number + 1
    return found


# -- shares of the year ----------------------------------------------------------------------------------------

Share = Callable[[date], Fraction]


def _since(convention: DayCount, start_on: date) -> Share:
    return lambda on: year_fraction(convention, start_on, on)


def _icma_within(before: int, after: int, months: int) -> Share:
    return lambda on: Fraction((on.toordinal() - before) * months, (after - before) * 12)


def _icma_since(start_on: date, months: int) -> Share:
    def share(on: date) -> Fraction:
        number = (on.year - start_on.year) * 12 // months
        while _month_step(start_on, number * months) > on.toordinal():
            number -= 1
        before, after = (_month_step(start_on, each * months) for each in (number, number + 1))
        return Fraction(number * months, 12) + _icma_within(before, after, months)(on)

    return share


def _month_step(start_on: date, months: int) -> int:
    """Return the ordinal of a day so many months later, which may lie past the end of the calendar."""
    if start_on.year <= _CYCLE_YEARS:
        return add_months(start_on, months).toordinal()
    earlier = start_on.replace(year=start_on.year - _CYCLE_YEARS)
    return add_months(earlier, months).toordinal() + _CYCLE_DAYS


def _days_by_length(convention: DayCount, began_on: date, from_on: date, until_on: date) -> list[tuple[int, Fraction]]:
    """Return so many days of such a part of the year each."""
    if convention != "act/act-isda":
        days = day_count(convention, began_on, until_on) - day_count(convention, began_on, from_on)
        return [(days, year_fraction(convention, date(2001, 1, 1), date(2001, 1, 2)))]
    found = []
    for year in range(from_on.year, until_on.year + 1):
        first = date(year, 1, 1).toordinal()
        length = days_in_year(year)
        count = min(until_on.toordinal(), first + length) - max(from_on.toordinal(), first)
        if count > 0:
            found.append((count, Fraction(1, length)))
    return found
