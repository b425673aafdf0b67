"""Days: month steps from an anchor, business days, recurrence rules, and the way from a local day to an instant.

Dates are stdlib `date`, instants are aware `datetime`. Nothing here reads a clock, knows a country's holidays or
guesses a zone: a calendar says for which days its holidays are known, and a day outside raises `CalendarMissing`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from itertools import accumulate, islice, repeat
from typing import Final, Literal, get_args

import attrs

from collectkit.core._instants import (
    business_date,
    local_instant,
    parse_date,
    parse_instant,
    parse_wall_time,
    refuse_year,
    require_choice,
    zone,
)
from collectkit.core.checks import require_date, require_int
from collectkit.core.errors import CalendarMissing, InvalidDate

__all__ = [
    "WEEKENDS_ONLY",
    "Adjustment",
    "BusinessCalendar",
    "Every",
    "MonthEnd",
    "TimeUnit",
    "add_months",
    "add_years",
    "business_date",
    "days_in_month",
    "is_leap",
    "local_instant",
    "month_dates",
    "parse_date",
    "parse_instant",
    "parse_wall_time",
    "rrule_dates",
    "zone",
]

MonthEnd = Literal["clamp", "roll"]
"""What becomes of a day that the month lacks: its last day (`clamp`), or the 1st of the next month (`roll`)."""

TimeUnit = Literal["days", "weeks", "semimonths", "months", "years"]
"""What an `Every` counts; a semimonth pairs a day of the month with the one 15 days apart (1st and 16th)."""

Adjustment = Literal["none", "following", "modified_following", "preceding", "modified_preceding", "nearest"]
"""Where a day that is no business day moves; `modified_*` turn round rather than leave the month, `nearest` prefers
the later of two equally near days."""

MAX_DATES: Final = 100_000  # of one call; more is a mistake, and would be work in proportion to it
MAX_MONTHS: Final = 120_000  # of the years 0 to 9999

_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _strides(day: int) -> bytes:
    """Return the days from each clamped date to the next, one for each month of 400 years; the calendar then repeats.

    The first leads into January of a year that 400 divides. It is 31 in every year, for December has 31 days too.
    """
    common, leap = (
        bytes(last - min(day, last) + min(day, here) for last, here in zip((31, *months[:-1]), months, strict=True))
        for months in (_MONTH_DAYS, (31, 29, *_MONTH_DAYS[2:]))
    )
    four = leap + common * 3
    return four * 25 + (common * 4 + four * 24) * 3


# anchor's day of the month -> its strides
_STRIDES: Final = (*repeat(_strides(28), 29), _strides(29), _strides(30), _strides(31))
_TIMES_OF_DAY: Final = {"BYHOUR", "BYMINUTE", "BYSECOND"}


# -- months ----------------------------------------------------------------------------------------------------


def is_leap(year: int) -> bool:
    """Say whether a year of the Gregorian calendar has 29 February.

    >>> is_leap(2024), is_leap(1900), is_leap(2000)
    (True, False, True)
    """
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    """Return the number of days of a month, 28 to 31.

    >>> days_in_month(2024, 2), days_in_month(2023, 2)
    (29, 28)

    Raises:
        InvalidDate: `calendars.out_of_range` unless `month` is 1 to 12.
    """
    require_int(month, "month", at_least=1, at_most=12, code="calendars.out_of_range")
    return _MONTH_DAYS[month - 1] + (month == 2 and is_leap(year))


def add_months(anchor: date, months: int, *, month_end: MonthEnd = "clamp") -> date:
    """Step whole months from `anchor`, back for a negative number; a day the month lacks is clamped or rolls on.

    The k-th due date is `add_months(anchor, k)`, never a step from the date before: 31 January, 28 February, 31 March.

    >>> add_months(date(2026, 1, 31), 1), add_months(date(2026, 1, 31), 1, month_end="roll")
    (datetime.date(2026, 2, 28), datetime.date(2026, 3, 1))

    Raises:
        InvalidDate: `calendars.out_of_range` outside the years 1 to 9999, `calendars.type`, `calendars.month_end`.
    """
    require_date(anchor, "anchor")
    if type(months) is not int:
        raise InvalidDate("calendars.type", f"months needs a whole number, not {type(months).__name__}")
    if month_end != "clamp":
        require_choice(month_end, MonthEnd, "month_end")
    return _on_month(anchor.year * 12 + anchor.month - 1 + months, anchor.day, month_end)


def add_years(anchor: date, years: int, *, month_end: MonthEnd = "clamp") -> date:
    """Step whole years from `anchor`; 29 February becomes 28 February (`clamp`) or 1 March (`roll`) in common years.

    >>> add_years(date(2024, 2, 29), 1), add_years(date(2024, 2, 29), 4)
    (datetime.date(2025, 2, 28), datetime.date(2028, 2, 29))

    Raises:
        InvalidDate: as `add_months`.
    """
    if type(years) is not int:
        raise InvalidDate("calendars.type", f"years needs a whole number, not {type(years).__name__}")
    return add_months(anchor, 12 * years, month_end=month_end)


def month_dates(
    anchor: date, count: int, every_months: int = 1, *, first: int = 1, month_end: MonthEnd = "clamp"
) -> list[date]:
    """List `count` dates that lie `first`, `first` + 1, ... steps of `every_months` after `anchor`.

    The anchor itself is step 0, so `first=0` begins with it. Each date is reckoned from the anchor.

    >>> [day.isoformat() for day in month_dates(date(2026, 1, 31), 3)]
    ['2026-02-28', '2026-03-31', '2026-04-30']

    Raises:
        InvalidDate: `calendars.out_of_range`, `calendars.type`, `calendars.count`, `calendars.step`,
            `calendars.month_end`.
    """
    if not (  # one question for the usual case: the four calls would cost as much as three dates
        type(anchor) is date
        and type(count) is type(every_months) is type(first) is int
        and 0 <= count <= MAX_DATES
        and 1 <= every_months <= MAX_MONTHS
        and -MAX_DATES <= first <= MAX_DATES
    ):
        require_date(anchor, "anchor")
        require_int(count, "count", at_least=0, at_most=MAX_DATES, code="calendars.count")
        require_int(every_months, "every_months", at_least=1, at_most=MAX_MONTHS, code="calendars.step")
        require_int(first, "first", at_least=-MAX_DATES, at_most=MAX_DATES, code="calendars.count")
    if count == 0:
        return []
    day = anchor.day
    start = anchor.year * 12 + anchor.month - 1 + first * every_months
    last = start + (count - 1) * every_months
    if start < 12 or last >= MAX_MONTHS:
        refuse_year()
    if month_end != "clamp":
        require_choice(month_end, MonthEnd, "month_end")
    if every_months != 1 or (day > 28 and month_end != "clamp"):
        return [_on_month(index, day, month_end) for index in range(start, last + 1, every_months)]
    lead = start % 4800  # from here by the days between: an addition for each date, and no length of month
    strides = _STRIDES[day]
    if lead + count > 4800:
        strides *= 1 + (lead + count) // 4800
    ordinal = anchor.toordinal() + strides[lead] if first == 1 else _on_month(start, day, "clamp").toordinal()
    return list(map(date.fromordinal, accumulate(strides[lead + 1 : lead + count], initial=ordinal)))


_Day = date  # inside `Every` the word is the method


@attrs.frozen
class Every:
    """A rhythm: every `n` days, weeks, semimonths, months or years, counted from an anchor.

    Semimonths: an anchor on the 1st to 15th pairs with the day 15 later, one on the 16th to 31st with the day 15
    earlier, so 1 gives the 1st and 16th, and 15 gives the 15th and 30th.

    >>> Every(2, "weeks").date(anchor=date(2026, 1, 2), number=3)
    datetime.date(2026, 2, 13)

    Raises:
        InvalidDate: `calendars.step` unless `n` is 1 to 36,600; `calendars.unit`.
    """

    n: int = attrs.field()
    unit: TimeUnit = attrs.field()

    @n.validator
    def _check_n(self, _attribute: object, value: object) -> None:
        require_int(value, "Every.n", at_least=1, at_most=36_600, code="calendars.step")

    @unit.validator
    def _check_unit(self, _attribute: object, value: object) -> None:
        require_choice(value, TimeUnit, "unit")

    def date(self, *, anchor: _Day, number: int, month_end: MonthEnd = "clamp") -> _Day:
        """Return the day `number` steps after `anchor`; 0 is the anchor, negative numbers lie before it.

        >>> Every(1, "months").date(anchor=date(2024, 1, 31), number=13)
        datetime.date(2025, 2, 28)

        Raises:
            InvalidDate: `calendars.out_of_range`, `calendars.type`, `calendars.month_end`.
        """
        if type(number) is not int:
            raise InvalidDate("calendars.type", f"number needs a whole number, not {type(number).__name__}")
        if self.unit == "months":
            return add_months(anchor, number * self.n, month_end=month_end)
        if self.unit == "years":
            return add_months(anchor, 12 * number * self.n, month_end=month_end)
        require_date(anchor, "anchor")
        require_choice(month_end, MonthEnd, "month_end")
        if self.unit == "semimonths":
            low = anchor.day if anchor.day <= 15 else anchor.day - 15
            month, second = divmod(number * self.n + (anchor.day > 15), 2)
            return _on_month(anchor.year * 12 + anchor.month - 1 + month, low + 15 * second, month_end)
        return _from_ordinal(anchor.toordinal() + number * self.n * (7 if self.unit == "weeks" else 1))

    def dates(self, *, anchor: _Day, count: int, first: int = 1, month_end: MonthEnd = "clamp") -> list[_Day]:
        """List `count` days, those `first`, `first` + 1, ... steps after `anchor`.

        >>> Every(1, "semimonths").dates(anchor=date(2026, 1, 16), count=3)
        [datetime.date(2026, 2, 1), datetime.date(2026, 2, 16), datetime.date(2026, 3, 1)]

        Raises:
            InvalidDate: as `date`, and `calendars.count`.
        """
        if self.unit in ("months", "years"):
            step = self.n if self.unit == "months" else 12 * self.n
            return month_dates(anchor, count, min(step, MAX_MONTHS), first=first, month_end=month_end)
        require_int(count, "count", at_least=0, at_most=MAX_DATES, code="calendars.count")
        require_int(first, "first", at_least=-MAX_DATES, at_most=MAX_DATES, code="calendars.count")
        if self.unit == "semimonths":
            return [self.date(anchor=anchor, number=first + k, month_end=month_end) for k in range(count)]
        require_date(anchor, "anchor")
        require_choice(month_end, MonthEnd, "month_end")
        step = self.n * (7 if self.unit == "weeks" else 1)
        start = anchor.toordinal() + first * step
        if count and not (start >= 1 and start + (count - 1) * step <= _Day.max.toordinal()):
            refuse_year()
        from_ordinal = _Day.fromordinal
        return [from_ordinal(start + k * step) for k in range(count)]


def rrule_dates(rule: str, *, start_on: date, count: int, after_on: date | None = None) -> list[date]:
    """List the first `count` days of an RFC 5545 recurrence rule from `start_on`, which counts where the rule meets it.

    With `after_on` only the days after it are listed; a COUNT in the rule counts those before it as well.
    `BYMONTHDAY=31` skips short months; the last day of every month is `BYMONTHDAY=-1`. The rule may not carry a start
    or a time of day but in UNTIL, of which the day is taken, and must yield enough days within 200 years.

    >>> rrule_dates("FREQ=MONTHLY;BYMONTHDAY=-1", start_on=date(2026, 1, 31), count=2)
    [datetime.date(2026, 1, 31), datetime.date(2026, 2, 28)]

    Raises:
        InvalidDate: `calendars.rule` for a rule that cannot be read, `calendars.rule_ends` where it yields fewer days.
    """
    from dateutil.rrule import rrule, rrulestr

    require_date(start_on, "start_on")
    if after_on is not None:
        require_date(after_on, "after_on")
    require_int(count, "count", at_least=0, at_most=MAX_DATES, code="calendars.count")
    parts = _rule_parts(rule)
    most = int(parts.pop("COUNT")) if "COUNT" in parts else None  # counted here: the search below ends in any case
    horizon = f"{min(start_on.year + 200, 9999)}1231"
    until = parts.get("UNTIL", horizon)[:8]  # a time of day there changes no day; dateutil would ask for a zone
    parts["UNTIL"] = min(until, horizon) if until.isascii() and until.isdigit() else parts["UNTIL"]
    start = datetime(start_on.year, start_on.month, start_on.day)  # noqa: DTZ001 - dateutil's rules for days are naive
    try:
        parsed = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=start)
        met = (found.date() for found in islice(parsed, most)) if isinstance(parsed, rrule) else iter(())
        days = list(islice((day for day in met if after_on is None or day > after_on), count))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise InvalidDate("calendars.rule", f"the recurrence rule cannot be read: {error}") from error
    if len(days) < count:
        raise InvalidDate(
            "calendars.rule_ends",
            f"the recurrence rule yields {len(days)} of {count} days; raise its COUNT or UNTIL, or ask for fewer",
            found=len(days),
            wanted=count,
        )
    return days


def _rule_parts(rule: str) -> dict[str, str]:
    """Take a rule for days apart; only its names, its frequency and its COUNT are looked at here."""
    text = rule.strip().upper().removeprefix("RRULE:") if isinstance(rule, str) else ""
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    good = 0 < len(text) <= 500 and len(parts) == text.count(";") + 1 and text.isprintable() and ":" not in text
    numbers = [parts.get(name, "1") for name in ("COUNT", "INTERVAL")]
    both = "COUNT" in parts and "UNTIL" in parts
    if not good or both or not all(one.isascii() and one.isdigit() and len(one) < 9 for one in numbers):
        raise InvalidDate(
            "calendars.rule", "a recurrence rule looks like FREQ=MONTHLY;BYMONTHDAY=-1, on one line without DTSTART"
        )
    if int(numbers[1]) == 0:
        raise InvalidDate("calendars.rule", "INTERVAL=0 of a recurrence rule leads nowhere; it is 1 or more")
    if parts.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY") or parts.keys() & _TIMES_OF_DAY:
        raise InvalidDate("calendars.rule", "a recurrence rule for days has FREQ of DAILY, WEEKLY, MONTHLY or YEARLY")
    return parts


# -- business days ---------------------------------------------------------------------------------------------


def _weekdays(values: Iterable[int]) -> frozenset[int]:
    days = frozenset(values)
    if any(type(day) is not int or not 0 <= day <= 6 for day in days) or len(days) == 7:
        raise InvalidDate(
            "calendars.weekend", "weekend holds days of the week, 0 for Monday to 6 for Sunday, not all 7"
        )
    return days


def _days(values: Iterable[date]) -> frozenset[date]:
    return frozenset(require_date(day, "holidays") for day in values)


@attrs.frozen(kw_only=True)
class BusinessCalendar:
    """Weekends and holidays, with the range `[known_from_on, known_until_on)` for which the holidays are known.

    Without a range no holidays may be given and none are claimed: the calendar then knows weekends only, on any day.
    A day outside the range raises `CalendarMissing`, never "no holiday".

    >>> may = BusinessCalendar(
    ...     holidays=[date(2026, 5, 1)], known_from_on=date(2026, 5, 1), known_until_on=date(2026, 6, 1)
    ... )
    >>> may.add_business_days(date(2026, 5, 1), 5)
    datetime.date(2026, 5, 8)

    Raises:
        InvalidDate: `calendars.weekend`, `calendars.known_range`, `calendars.datetime_for_date`, `calendars.type`.
    """

    weekend: frozenset[int] = attrs.field(default=frozenset({5, 6}), converter=_weekdays)
    holidays: frozenset[date] = attrs.field(default=frozenset(), converter=_days)
    known_from_on: date | None = None
    known_until_on: date | None = None

    def __attrs_post_init__(self) -> None:
        start, end = self.known_from_on, self.known_until_on
        if start is None and end is None:
            if self.holidays:
                raise InvalidDate(
                    "calendars.known_range", "holidays need known_from_on and known_until_on: the days they cover"
                )
            return
        if require_date(start, "known_from_on") >= require_date(end, "known_until_on"):
            raise InvalidDate("calendars.known_range", "known_from_on must lie before known_until_on")
        if self.holidays and not (min(self.holidays) >= start and max(self.holidays) < end):  # type: ignore[operator] # both are dates here
            raise InvalidDate("calendars.known_range", "a holiday lies outside [known_from_on, known_until_on)")

    def is_business_day(self, day: date) -> bool:
        """Say whether `day` is neither weekend nor holiday.

        >>> WEEKENDS_ONLY.is_business_day(date(2026, 5, 1)), WEEKENDS_ONLY.is_business_day(date(2026, 5, 2))
        (True, False)

        Raises:
            CalendarMissing: `calendars.calendar_missing`.
        """
        self._known(require_date(day, "day").toordinal())
        return day.weekday() not in self.weekend and day not in self.holidays

    def add_business_days(self, day: date, n: int) -> date:
        """Return the `n`-th business day after `day`, before it for a negative `n`; 0 gives `day` as it is.

        `day` itself is never counted, business day or not.

        >>> WEEKENDS_ONLY.add_business_days(date(2026, 5, 1), 1), WEEKENDS_ONLY.add_business_days(date(2026, 5, 3), -1)
        (datetime.date(2026, 5, 4), datetime.date(2026, 5, 1))

        Raises:
            CalendarMissing: `calendars.calendar_missing`, for `day` or the answer.
            InvalidDate: `calendars.out_of_range`, `calendars.count`.
        """
        ordinal = require_date(day, "day").toordinal()
        require_int(n, "n", at_least=-3_652_060, at_most=3_652_060, code="calendars.count")
        self._known(ordinal)
        if n == 0:
            return day
        found = self._nth(self._before(ordinal + 1) + n - 1 if n > 0 else self._before(ordinal) + n)
        self._known(found)
        return _from_ordinal(found)

    def business_days_between(self, start_on: date, end_on: date) -> int:
        """Count the business days of `[start_on, end_on)`; negative where `end_on` comes first.

        So it is 0 from Friday to Friday, 1 from Friday to Monday, and -1 from Monday back to Friday.

        >>> WEEKENDS_ONLY.business_days_between(date(2025, 1, 5), date(2025, 1, 3))
        -1

        Raises:
            CalendarMissing: `calendars.calendar_missing`; the later of the two may be `known_until_on` itself.
        """
        start, end = require_date(start_on, "start_on").toordinal(), require_date(end_on, "end_on").toordinal()
        if start != end:
            self._known(min(start, end))
            self._known(max(start, end) - 1)
        else:
            self._known(start)
        return self._before(end) - self._before(start)

    def adjust(self, day: date, how: Adjustment) -> date:
        """Move `day` to a business day in the named way; a business day stays.

        >>> WEEKENDS_ONLY.adjust(date(2026, 5, 31), "following")
        datetime.date(2026, 6, 1)
        >>> WEEKENDS_ONLY.adjust(date(2026, 5, 31), "modified_following")
        datetime.date(2026, 5, 29)

        Raises:
            CalendarMissing: `calendars.calendar_missing`, for `day` or the answer; never for `none`.
            InvalidDate: `calendars.adjustment`, `calendars.out_of_range`.
        """
        if how not in _ADJUSTMENTS:
            require_choice(how, Adjustment, "adjustment")
        if how == "none" or self.is_business_day(day):
            return require_date(day, "day")
        if how == "nearest":
            later, earlier = self._moved(day, 1), self._moved(day, -1)
            return later if (later - day) <= (day - earlier) else earlier
        step = 1 if how.endswith("following") else -1
        moved = self._moved(day, step)
        if how.startswith("modified") and moved.month != day.month:
            return self._moved(day, -step)
        return moved

    def prefix(self, start_on: date, end_on: date) -> list[int]:
        """List, for each day from `start_on` to `end_on` inclusive, the business days of `[start_on, day)`.

        With `table = prefix(lo, hi)` the business days of `[a, b)` are `table[b - lo] - table[a - lo]`: one look-up
        per account for whoever works on columns.

        >>> WEEKENDS_ONLY.prefix(date(2026, 5, 1), date(2026, 5, 5))
        [0, 1, 1, 1, 2]

        Raises:
            CalendarMissing: `calendars.calendar_missing`.
            InvalidDate: `calendars.order` where `end_on` comes before `start_on`.
        """
        if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
            raise InvalidDate("calendars.order", "end_on comes before start_on")
        self.business_days_between(start_on, end_on)  # both ends are known
        lo = start_on.toordinal()
        offset = self._before(lo)
        return [self._before(ordinal) - offset for ordinal in range(lo, end_on.toordinal() + 1)]

    # A day is counted by whole weeks and a table of seven, less the holidays before it: no table over the years,
    # so an unlimited calendar costs nothing, and the inverse is a bisection as well.

    @cached_property
    def _week(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Count per day of the week the working days before it since day 0 of the era, and list those of a week."""
        working = [k for k in range(7) if (k - 1) % 7 not in self.weekend]  # ordinal 1 is a Monday, so k = 0 a Sunday
        return tuple(sum(1 for k in working if k < limit) for limit in range(7)), tuple(working)

    @cached_property
    def _off(self) -> tuple[int, ...]:
        """Holidays that take a working day away, as sorted ordinals."""
        return tuple(sorted(day.toordinal() for day in self.holidays if day.weekday() not in self.weekend))

    @cached_property
    def _off_at(self) -> tuple[int, ...]:
        """For each of these the number of business days before it."""
        return tuple(self._before(ordinal) for ordinal in self._off)

    def _before(self, ordinal: int) -> int:
        """Count the business days of the era before a day."""
        counts, working = self._week
        weeks, rest = divmod(ordinal, 7)
        return weeks * len(working) + counts[rest] - bisect_left(self._off, ordinal)

    def _nth(self, index: int) -> int:
        """Return the ordinal of the business day that has `index` business days before it."""
        _, working = self._week
        weeks, rest = divmod(index + bisect_right(self._off_at, index), len(working))
        return weeks * 7 + working[rest]

    def _moved(self, day: date, step: int) -> date:
        return self.add_business_days(day, step)

    def _known(self, ordinal: int) -> None:
        start, end = self.known_from_on, self.known_until_on
        if start is None or end is None or start.toordinal() <= ordinal < end.toordinal():
            return
        raise CalendarMissing(
            "calendars.calendar_missing",
            f"holidays are known from {start} until before {end}, and a day outside was asked; "
            "give a calendar that covers it",
            known_from_on=start,
            known_until_on=end,
        )


_ADJUSTMENTS: Final = get_args(Adjustment)

WEEKENDS_ONLY: Final = BusinessCalendar()
"""Saturday and Sunday off, no holidays claimed, any day."""


# -- details ---------------------------------------------------------------------------------------------------


def _on_month(index: int, day: int, month_end: MonthEnd) -> date:
    """Return `day` of the month with that index (12 x year + month - 1), clamped or rolled on."""
    year, month = divmod(index, 12)
    if 1 <= year <= 9999:
        month += 1
        last = _MONTH_DAYS[month - 1] + (month == 2 and is_leap(year))
        if day <= last:
            return date(year, month, day)
        if month_end == "clamp":
            return date(year, month, last)
        return date(year, month + 1, 1)  # December has 31 days, so the month after is of the same year
    refuse_year()


def _from_ordinal(ordinal: int) -> date:
    if not 1 <= ordinal <= 3_652_059:  # 9999-12-31
        refuse_year()
    return date.fromordinal(ordinal)
