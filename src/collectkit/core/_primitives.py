"""The few kinds of legal rule: their parameters as frozen records, and the arithmetic that follows from them alone.

Figures stand in packs; `core.rules` dates and cites them. Import from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

import attrs

from collectkit.core._limits import (
    FeeLimit,
    LumpSum,
    LumpSumBand,
    PenaltyTiers,
    choice,
    plus,
    refuse,
    whole,
)
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.checks import as_tuple, each, identifier, text_up_to, texts
from collectkit.core.money import rounded
from collectkit.core.rates import DAY_COUNTS, DayCount, exact_number

__all__ = [
    "AprTolerance",
    "CoolDown",
    "Deadline",
    "ExtensionTrigger",
    "FeeLimit",
    "LumpSum",
    "LumpSumBand",
    "Moratorium",
    "Notice",
    "NoticeWindow",
    "PenaltyTiers",
    "PlanTrigger",
    "Primitive",
    "RateCap",
    "RateFloor",
    "RateSelection",
    "RollingCount",
    "StatutoryInterest",
    "TimeWindow",
    "TimeWindows",
    "WorkoutException",
    "choice",
    "refuse",
]

RateSelection = Literal["fixed_at_start", "fixed_at_due_date", "floating"]
"""One rate for the life of the debt, of the day interest starts or of the due date, or one that follows the series."""


# -- primitives ------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class TimeWindow:
    """Local hours on some weekdays (0 is Monday); both ends are fine where they are inclusive."""

    weekdays: tuple[int, ...] = attrs.field(converter=as_tuple)
    start: time
    end: time
    start_inclusive: bool = True
    end_inclusive: bool = True

    def __attrs_post_init__(self) -> None:
        if not self.weekdays or any(type(day) is not int or not 0 <= day <= 6 for day in self.weekdays):
            refuse("rules.window", "weekdays", "weekdays are whole numbers from 0 for Monday to 6 for Sunday")
        if self.start >= self.end:
            refuse("rules.window", "start", "start must lie before end")


@attrs.frozen(kw_only=True)
class TimeWindows:
    """When contact is permitted: hours that must hold in every zone where the debtor may be, holidays by a named list.

    `holidays` names the list the host must supply ("" for none); on a day of it nothing is permitted. `channels` are
    those it binds, empty for all; `place` is "home" or "work".
    """

    windows: tuple[TimeWindow, ...] = attrs.field(converter=as_tuple, validator=each(TimeWindow))
    holidays: str = ""
    channels: tuple[str, ...] = attrs.field(default=(), converter=texts)
    place: Literal["home", "work", "visit"] = "home"


@attrs.frozen(kw_only=True)
class RollingCount:
    """At most `maximum` in any `days` consecutive days (calendar months where `months` is set), counted per `scope`."""

    maximum: int
    days: int | None = None
    months: int | None = None
    counts: tuple[str, ...] = attrs.field(default=(), converter=texts)
    not_counted: tuple[str, ...] = attrs.field(default=(), converter=texts)
    scope: tuple[str, ...] = attrs.field(default=(), converter=texts)
    after: str = ""
    """The event from which the limit begins, "" for always."""

    def __attrs_post_init__(self) -> None:
        whole("rules.count", "maximum", self.maximum)
        if (self.days is None) == (self.months is None):
            refuse("rules.count", "days", "give either days or months")
        for name, span in (("days", self.days), ("months", self.months)):
            if span is not None:
                whole("rules.count", name, span, at_least=1)


@attrs.frozen(kw_only=True)
class CoolDown:
    """No contact for `days` days after an event, whose own date may be day 1.

    >>> CoolDown(after="conversation", days=7, event_is_day_one=True).free_on(date(2026, 8, 14))
    datetime.date(2026, 8, 21)
    """

    after: str
    days: int
    event_is_day_one: bool
    scope: tuple[str, ...] = attrs.field(default=(), converter=texts)

    def __attrs_post_init__(self) -> None:
        whole("rules.days", "days", self.days)

    def free_on(self, event_on: date) -> date:
        """Return the first day on which contact is free again."""
        return plus(event_on, self.days if self.event_is_day_one else self.days + 1)


@attrs.frozen(kw_only=True)
class Deadline:
    """Something must happen within, or a period lasts, so many days after an event; `holidays` names a list.

    `purpose` says which: a period that "lasts" is stricter the longer it is, one "within" which somebody must act the
    shorter. The days are counted in the same way for both.
    """

    after: str
    days: int
    unit: Literal["calendar", "business"] = "calendar"
    event_is_day_one: bool = False
    holidays: str = ""
    purpose: Literal["lasts", "within"] = "lasts"

    def __attrs_post_init__(self) -> None:
        whole("rules.days", "days", self.days)
        choice("unit", self.unit, ("calendar", "business"))
        choice("purpose", self.purpose, ("lasts", "within"))

    def last_on(self, event_on: date, calendar: BusinessCalendar | None = None) -> date | None:
        """Return the last day; None (unknown) where it goes by business days and no calendar is given."""
        days = self.days - 1 if self.event_is_day_one else self.days
        if self.unit == "calendar":
            return plus(event_on, days)
        return None if calendar is None else calendar.add_business_days(event_on, days)


@attrs.frozen(kw_only=True)
class NoticeWindow:
    """Notice of something must go out neither too early nor too late before it, once it lies far enough ahead.

    At least `days_min` and at most `days_max` days before the event, in business days (`holidays` names the list) or
    calendar days; the day of the notice is not counted, that of the event is. The duty begins where the event lies
    more than `ahead_more_than` calendar days ahead when it is arranged. `not_before_event`: the thing itself must not
    be done before its own date either.

    >>> from collectkit.core.calendars import WEEKENDS_ONLY
    >>> rule = NoticeWindow(before="deposit", days_min=3, days_max=10, ahead_more_than=5)
    >>> rule.is_needed(arranged_on=date(2026, 3, 2), event_on=date(2026, 3, 7))
    False
    >>> rule.span(date(2026, 3, 20), WEEKENDS_ONLY)
    (datetime.date(2026, 3, 6), datetime.date(2026, 3, 17))
    """

    before: str
    days_min: int
    days_max: int
    unit: Literal["calendar", "business"] = "business"
    holidays: str = ""
    ahead_more_than: int = 0
    not_before_event: bool = True

    def __attrs_post_init__(self) -> None:
        whole("rules.days", "days_min", self.days_min)
        whole("rules.days", "days_max", self.days_max)
        whole("rules.days", "ahead_more_than", self.ahead_more_than)
        choice("unit", self.unit, ("calendar", "business"))
        if self.days_max < self.days_min:
            refuse(
                "rules.days", "days_max", f"{self.days_max} days at most are fewer than the {self.days_min} at least"
            )

    def is_needed(self, *, arranged_on: date, event_on: date) -> bool:
        """Say whether the event lies so far ahead of the day it was arranged that notice is needed."""
        return event_on.toordinal() - arranged_on.toordinal() > self.ahead_more_than

    def span(self, event_on: date, calendar: BusinessCalendar | None = None) -> tuple[date, date] | None:
        """Return the first and the last day for the notice; None (unknown) by business days without a calendar.

        Raises:
            CalendarMissing: the calendar does not know the holidays so far back.
        """
        if self.unit == "calendar":
            return plus(event_on, -self.days_max), plus(event_on, -self.days_min)
        if calendar is None:
            return None
        # an event on a Sunday has its last counted day on the Friday, so it is counted back from the Monday after
        counted = event_on if calendar.is_business_day(event_on) else calendar.add_business_days(event_on, 1)
        first, last = (calendar.add_business_days(counted, -days) for days in (self.days_max, self.days_min))
        return first, last

    def is_in_time(self, *, notice_on: date, event_on: date, calendar: BusinessCalendar | None = None) -> bool | None:
        """Say whether a notice of a day is neither too early nor too late; None where that is unknown."""
        span = self.span(event_on, calendar)
        return None if span is None else span[0] <= notice_on <= span[1]


@attrs.frozen(kw_only=True)
class Moratorium:
    """A legal freeze: what it stops, and for how long; `days` None lasts until an event and `days_after` it.

    >>> Moratorium(days=60, event_is_day_one=True, freezes=("interest",)).last_on(date(2026, 3, 2))
    datetime.date(2026, 4, 30)
    """

    freezes: tuple[str, ...] = attrs.field(converter=texts)
    days: int | None = None
    event_is_day_one: bool = False
    until: str = ""
    days_after: int = 0
    includes_joint_debtors: bool = False

    def __attrs_post_init__(self) -> None:
        if self.days is not None:
            whole("rules.days", "days", self.days)
        whole("rules.days", "days_after", self.days_after)
        if not self.freezes:
            refuse("rules.moratorium", "freezes", "a moratorium needs to say what it freezes")

    def last_on(self, start_on: date, *, until_event_on: date | None = None) -> date | None:
        """Return the last frozen day, None while the end is open."""
        if self.days is not None:
            return plus(start_on, self.days - 1 if self.event_is_day_one else self.days)
        return None if until_event_on is None else plus(until_event_on, self.days_after)

    def is_frozen(self, what: str, on: date, *, start_on: date, until_event_on: date | None = None) -> bool:
        """Say whether a freeze that began on `start_on` stops `what` ("interest", "fees", "contact") on a day.

        While its end is open it holds on every day from its first.
        """
        last_on = self.last_on(start_on, until_event_on=until_event_on)
        return what in self.freezes and start_on <= on and (last_on is None or on <= last_on)


@attrs.frozen(kw_only=True)
class StatutoryInterest:
    """Interest by law: `multiple` times a reference series plus `margin`, by a named choice of rate and rounding.

    `round_reference_up_to` and `round_rate_up_to` round to the next multiple of a step, such as half a point.
    `rests_months` compounds at rests of so many months; None is simple interest.
    """

    series: str = attrs.field(validator=text_up_to(255))
    margin: Fraction = attrs.field(default=Fraction(0), converter=exact_number)
    multiple: Fraction = attrs.field(default=Fraction(1), converter=exact_number)
    selection: RateSelection = "floating"
    day_count: DayCount = "act/365f"
    round_reference_up_to: Fraction | None = attrs.field(
        default=None, converter=attrs.converters.optional(exact_number)
    )
    round_rate_up_to: Fraction | None = attrs.field(default=None, converter=attrs.converters.optional(exact_number))
    rests_months: int | None = None

    def __attrs_post_init__(self) -> None:
        choice("selection", self.selection, get_args(RateSelection))
        choice("day_count", self.day_count, DAY_COUNTS)
        if not self.series:
            refuse("rules.series", "series", "a margin needs a reference series")
        if self.multiple < 0:
            refuse("rules.rate", "multiple", "must not be below zero")
        for name, step in (
            ("round_reference_up_to", self.round_reference_up_to),
            ("round_rate_up_to", self.round_rate_up_to),
        ):
            if step is not None and step <= 0:
                refuse("rules.rate", name, "a step above zero is needed")
        if self.rests_months is not None:
            whole("rules.rate", "rests_months", self.rests_months, at_least=1)

    def reference_of(self, reference: Fraction) -> Fraction:
        """Return the reference rate as the law rounds it."""
        return _up_to(reference, self.round_reference_up_to)

    def rate_of(self, reference: Fraction) -> Fraction:
        """Return the yearly rate for a reference rate; never below zero.

        >>> half_up = StatutoryInterest(series="ECB", margin="0.08", round_reference_up_to="0.005")
        >>> half_up.rate_of(Fraction("0.0215"))
        Fraction(21, 200)
        """
        rate = _up_to(self.multiple * self.reference_of(reference) + self.margin, self.round_rate_up_to)
        return max(rate, Fraction(0))


@attrs.frozen(kw_only=True)
class RateFloor:
    """A contract may not agree less than `multiple` times a series."""

    series: str = attrs.field(validator=identifier)
    multiple: Fraction = attrs.field(converter=exact_number)

    def __attrs_post_init__(self) -> None:
        if self.multiple < 0:
            refuse("rules.rate", "multiple", "must not be below zero")


@attrs.frozen(kw_only=True)
class RateCap:
    """No more than this yearly rate may be charged."""

    rate: Fraction = attrs.field(converter=exact_number)

    def __attrs_post_init__(self) -> None:
        if self.rate < 0:
            refuse("rules.rate", "rate", "must not be below zero")


@attrs.frozen(kw_only=True)
class PlanTrigger:
    """A plan brings duties of disclosure: with a finance charge, or a written agreement in many instalments."""

    instalments_more_than: int
    needs_writing: bool = True
    finance_charge_alone: bool = True
    down_payment_counts: bool = False

    def __attrs_post_init__(self) -> None:
        whole("rules.count", "instalments_more_than", self.instalments_more_than)

    def is_met(
        self, *, instalments: int, has_finance_charge: bool, is_written: bool, has_down_payment: bool = False
    ) -> bool:
        """Say whether a plan is in scope.

        >>> PlanTrigger(instalments_more_than=4).is_met(instalments=4, has_finance_charge=False, is_written=True)
        False
        """
        if has_finance_charge and self.finance_charge_alone:
            return True
        count = instalments + (1 if has_down_payment and self.down_payment_counts else 0)
        return count > self.instalments_more_than and (is_written or not self.needs_writing)


@attrs.frozen(kw_only=True)
class ExtensionTrigger:
    """One who extends credit regularly: more than so many times in the preceding year, else in the current one."""

    more_than: int
    secured_more_than: int

    def __attrs_post_init__(self) -> None:
        whole("rules.count", "more_than", self.more_than)
        whole("rules.count", "secured_more_than", self.secured_more_than)

    def met_by(self, unsecured: int, secured: int) -> bool:
        """Say whether the extensions of one year are many enough; all count to the first number."""
        return unsecured + secured > self.more_than or secured > self.secured_more_than

    def first_extension(self, unsecured: int, secured: int) -> int | None:
        """Return the number, from 1 in its year, of the extension with which a year is enough; None if it never is.

        Where only the secured ones are enough it is numbered among those.
        """
        if unsecured + secured > self.more_than:
            return self.more_than + 1
        return self.secured_more_than + 1 if secured > self.secured_more_than else None

    def is_met_next(self, unsecured: int, secured: int) -> bool:
        """Say whether, after so many extensions of a year, the next one is in scope, secured or not.

        Either number, once it is reached, puts every succeeding extension in scope (12 CFR 1026, comments 2(a)(17)(i)-5
        and -6).

        >>> regularly = ExtensionTrigger(more_than=25, secured_more_than=5)
        >>> [regularly.is_met_next(*made) for made in ((23, 2), (8, 3), (0, 5))]
        [True, False, True]
        """
        return unsecured + secured >= self.more_than or secured >= self.secured_more_than

    def creditor_from(self, extensions: Mapping[int, tuple[int, int]]) -> dict[int, int]:
        """Return, for each year in which somebody is a creditor, the number of the extension from which on.

        `extensions` are (unsecured, secured) by year, nothing for a year left out. A year is judged by the one before
        it, and then holds from its first extension, else by itself; the year after the last one given is told too.

        >>> ExtensionTrigger(more_than=25, secured_more_than=5).creditor_from({2007: (20, 0), 2008: (75, 0)})
        {2008: 26, 2009: 1}
        """
        found: dict[int, int] = {}
        for year in sorted({*extensions, *(year + 1 for year in extensions)}):
            first = self.first_extension(*extensions.get(year, (0, 0)))
            if self.met_by(*extensions.get(year - 1, (0, 0))):
                first = 1
            if first is not None:
                found[year] = first
        return found


@attrs.frozen(kw_only=True)
class AprTolerance:
    """How far a stated yearly rate may lie from the exact one, as fractions of the whole."""

    regular: Fraction = attrs.field(converter=exact_number)
    irregular: Fraction = attrs.field(converter=exact_number)

    def __attrs_post_init__(self) -> None:
        if self.regular < 0 or self.irregular < 0:
            refuse("rules.rate", "regular", "a tolerance must not be below zero")

    def is_accurate(self, stated: Fraction, exact: Fraction, *, is_irregular: bool = False) -> bool:
        """Say whether a stated rate is accurate.

        >>> AprTolerance(regular="0.00125", irregular="0.0025").is_accurate(Fraction("0.143"), Fraction("0.1433333"))
        True
        """
        return abs(stated - exact) <= (self.irregular if is_irregular else self.regular)


@attrs.frozen(kw_only=True)
class WorkoutException:
    """A schedule changed because of default is no refinancing, unless one of these came with it."""

    unless_rate_rises: bool = True
    unless_new_credit: bool = True

    def is_available(self, *, rate_rises: bool | None, new_credit: bool | None) -> bool | None:
        """Say whether the exception holds for a changed schedule; None where a fact that decides it is not known.

        >>> rule = WorkoutException()
        >>> rule.is_available(rate_rises=False, new_credit=False), rule.is_available(rate_rises=True, new_credit=None)
        (True, False)
        """
        asked = [
            given
            for given, matters in ((rate_rises, self.unless_rate_rises), (new_credit, self.unless_new_credit))
            if matters
        ]
        if True in asked:
            return False
        return None if None in asked else True


@attrs.frozen(kw_only=True)
class Notice:
    """A duty or standard without figures, kept so that a decision can name it."""

    text: str = attrs.field(validator=text_up_to(1000))


Primitive: TypeAlias = (
    TimeWindows
    | RollingCount
    | CoolDown
    | Deadline
    | NoticeWindow
    | Moratorium
    | FeeLimit
    | PenaltyTiers
    | LumpSum
    | StatutoryInterest
    | RateCap
    | RateFloor
    | PlanTrigger
    | ExtensionTrigger
    | AprTolerance
    | WorkoutException
    | Notice
)


# -- details ---------------------------------------------------------------------------------------------------


def _up_to(value: Fraction, step: Fraction | None) -> Fraction:
    if step is None:
        return value
    return rounded(value / step, "ceiling") * step
