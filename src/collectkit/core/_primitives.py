"""The few kinds of legal rule: their parameters as frozen records, and the arithmetic that follows from them alone.

Figures stand in packs; `core.rules` dates and cites them. Import from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

import attrs

from collectkit.core.calendars import BusinessCalendar, add_months
from collectkit.core.checks import as_tuple, each, identifier, instance_of, text_up_to, texts
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.money import Money, rounded
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
    "choice",
    "is_looser",
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
        _whole("rules.count", "maximum", self.maximum)
        if (self.days is None) == (self.months is None):
            refuse("rules.count", "days", "give either days or months")
        for name, span in (("days", self.days), ("months", self.months)):
            if span is not None:
                _whole("rules.count", name, span, at_least=1)


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
        _whole("rules.days", "days", self.days)

    def free_on(self, event_on: date) -> date:
        """Return the first day on which contact is free again."""
        return _plus(event_on, self.days if self.event_is_day_one else self.days + 1)


@attrs.frozen(kw_only=True)
class Deadline:
    """Something must happen within, or a period lasts, so many days after an event; `holidays` names a list."""

    after: str
    days: int
    unit: Literal["calendar", "business"] = "calendar"
    event_is_day_one: bool = False
    holidays: str = ""

    def __attrs_post_init__(self) -> None:
        _whole("rules.days", "days", self.days)
        choice("unit", self.unit, ("calendar", "business"))

    def last_on(self, event_on: date, calendar: BusinessCalendar | None = None) -> date | None:
        """Return the last day; None (unknown) where it goes by business days and no calendar is given."""
        days = self.days - 1 if self.event_is_day_one else self.days
        if self.unit == "calendar":
            return _plus(event_on, days)
        return None if calendar is None else calendar.add_business_days(event_on, days)


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
            _whole("rules.days", "days", self.days)
        _whole("rules.days", "days_after", self.days_after)
        if not self.freezes:
            refuse("rules.moratorium", "freezes", "a moratorium needs to say what it freezes")

    def last_on(self, start_on: date, *, until_event_on: date | None = None) -> date | None:
        """Return the last frozen day, None while the end is open."""
        if self.days is not None:
            return _plus(start_on, self.days - 1 if self.event_is_day_one else self.days)
        return None if until_event_on is None else _plus(until_event_on, self.days_after)


@attrs.frozen(kw_only=True)
class FeeLimit:
    """The most that may be charged for one late payment, and from which day.

    The most is a share of the base, an amount, or the greater or lesser of both. `grace_days` is counted from the due
    date, which is day 1 where `due_day_counts`. Without `on_charges` no fee may arise from an unpaid fee.

    >>> cap = FeeLimit(rate="0.06", amounts=(Money(500, "USD"),), combine="greater_of", grace_days=10)
    >>> cap.limit(Money(5000, "USD")), cap.first_chargeable_on(date(2026, 3, 1))
    (Money(500, 'USD'), datetime.date(2026, 3, 12))
    """

    rate: Fraction | None = attrs.field(default=None, converter=attrs.converters.optional(exact_number))
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    floor: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    cap: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    combine: Literal["greater_of", "lesser_of"] = "lesser_of"
    base: Literal["instalment", "past_due"] = "past_due"
    grace_days: int = 0
    due_day_counts: bool = False
    on_charges: bool = False
    whole_units_up: bool = False
    """Official examples round the limit up to whole units, such as 36.75 to 37 dollars."""

    def __attrs_post_init__(self) -> None:
        if self.rate is None and not self.amounts:
            refuse("rules.fee", "rate", "a fee limit needs a rate or amounts")
        if self.rate is not None and self.rate < 0:
            refuse("rules.fee", "rate", "must not be below zero")
        _whole("rules.fee", "grace_days", self.grace_days)
        choice("combine", self.combine, ("lesser_of", "greater_of"))
        choice("base", self.base, ("instalment", "past_due"))
        for name in ("amounts", "floor", "cap"):
            _not_negative("rules.fee", name, getattr(self, name))
        for low in self.floor:
            high = _in(self.cap, low.currency)
            if high is not None and high < low:
                refuse("rules.fee", "cap", f"{high} is below the floor of {low}")

    def limit(self, base: Money) -> Money | None:
        """Return the most for a base; None (unknown) where it is stated in other currencies only."""
        parts = []
        if self.rate is not None:
            parts.append(self._share(base))
        if self.amounts:
            flat = _in(self.amounts, base.currency)
            if flat is None:
                return None
            parts.append(flat)
        most = max(parts) if self.combine == "greater_of" else min(parts)
        for bound, pick in ((self.floor, max), (self.cap, min)):
            if bound:
                one = _in(bound, base.currency)
                if one is None:
                    return None
                most = pick(most, one)
        return most

    def _share(self, base: Money) -> Money:
        exact = base.minor * (self.rate or Fraction(0))
        if not self.whole_units_up:
            return Money(rounded(exact, "floor"), base.currency)
        unit = Money.of(1, base.currency).minor
        return Money(rounded(exact / unit, "ceiling") * unit, base.currency)

    def first_chargeable_on(self, due_on: date) -> date:
        """Return the first day on which a fee may be charged."""
        return _plus(due_on, self.grace_days + (0 if self.due_day_counts else 1))


@attrs.frozen(kw_only=True)
class PenaltyTiers:
    """A safe-harbour fee, higher for a violation repeated within the next billing cycles.

    It is capped at the minimum payment that was due, not at its unpaid part.

    >>> tiers = PenaltyTiers(first=Money(2500, "USD"), repeat=Money(3500, "USD"), cycles=6)
    >>> tiers.most(minimum_payment=Money(6000, "USD"), cycle=(2026, 10), prior_cycles=[(2026, 3)])
    Money(2500, 'USD')
    """

    first: Money = attrs.field(validator=instance_of(Money))
    repeat: Money = attrs.field(validator=instance_of(Money))
    cycles: int = 6

    def __attrs_post_init__(self) -> None:
        _whole("rules.fee", "cycles", self.cycles)
        if self.first.currency != self.repeat.currency:
            refuse("rules.fee", "repeat", "both tiers stand in one currency; an amount is never converted")
        _not_negative("rules.fee", "first", (self.first, self.repeat))

    def most(self, *, minimum_payment: Money, cycle: tuple[int, int], prior_cycles: Iterable[tuple[int, int]]) -> Money:
        """Return the most for a violation in a (year, month) cycle, given the cycles of earlier fees for the same."""
        return min(self.tier(cycle=cycle, prior_cycles=prior_cycles), minimum_payment)

    def tier(self, *, cycle: tuple[int, int], prior_cycles: Iterable[tuple[int, int]]) -> Money:
        """Return the tier before the cap: the repeat amount in the cycle of an earlier fee and the `cycles` after it."""
        place = cycle[0] * 12 + cycle[1]
        gaps = [place - (year * 12 + month) for year, month in prior_cycles]
        return self.repeat if any(0 <= gap <= self.cycles for gap in gaps) else self.first

    def repeat_cycles(self, prior: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """List the cycles after an earlier fee in which the repeat amount may be charged."""
        days = (add_months(date(prior[0], prior[1], 1), step) for step in range(1, self.cycles + 1))
        return tuple((day.year, day.month) for day in days)


@attrs.frozen(kw_only=True)
class LumpSumBand:
    """From a debt of `debt_min` on the fixed sum is `amount`."""

    debt_min: Money = attrs.field(validator=instance_of(Money))
    amount: Money = attrs.field(validator=instance_of(Money))


@attrs.frozen(kw_only=True)
class LumpSum:
    """A fixed sum for recovery cost, by size of the debt, once for each receivable.

    >>> LumpSum(bands=[LumpSumBand(debt_min=Money(0, "EUR"), amount=Money(4000, "EUR"))]).of(Money(1, "GBP")) is None
    True
    """

    bands: tuple[LumpSumBand, ...] = attrs.field(converter=as_tuple, validator=each(LumpSumBand))
    excess_costs: bool = False
    """Reasonable cost above the sum may be claimed too."""

    def __attrs_post_init__(self) -> None:
        if not self.bands:
            refuse("rules.lump_sum", "bands", "one band or more is needed")
        if len({money.currency for band in self.bands for money in (band.debt_min, band.amount)}) != 1:
            refuse("rules.lump_sum", "bands", "bands and sums stand in one currency; a lump sum is never converted")
        if any(later.debt_min <= earlier.debt_min for earlier, later in pairwise(self.bands)):
            refuse("rules.lump_sum", "bands", "bands must ascend, one for a size")
        _not_negative("rules.lump_sum", "bands", [band.amount for band in self.bands])

    def of(self, debt: Money) -> Money | None:
        """Return the sum for a debt; None (unknown) for a debt in another currency, zero below the first band."""
        if debt.currency != self.bands[0].amount.currency:
            return None
        amount = Money.zero(debt.currency)
        for band in self.bands:
            if debt >= band.debt_min:
                amount = band.amount
        return amount


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
            _whole("rules.rate", "rests_months", self.rests_months, at_least=1)

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
        _whole("rules.count", "instalments_more_than", self.instalments_more_than)

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
        _whole("rules.count", "more_than", self.more_than)
        _whole("rules.count", "secured_more_than", self.secured_more_than)

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
class Notice:
    """A duty or standard without figures, kept so that a decision can name it."""

    text: str = attrs.field(validator=text_up_to(1000))


Primitive: TypeAlias = (
    TimeWindows
    | RollingCount
    | CoolDown
    | Deadline
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
    | Notice
)


def is_looser(new: object, old: object) -> bool:
    """Say whether a parameter record surely allows more than another of the same kind; other kinds do not compare."""
    if isinstance(new, RollingCount) and isinstance(old, RollingCount):
        same_span = (new.days, new.months) == (old.days, old.months)
        return same_span and new.maximum > old.maximum
    if isinstance(new, CoolDown) and isinstance(old, CoolDown):
        return new.days < old.days
    if isinstance(new, Moratorium) and isinstance(old, Moratorium):
        return not set(old.freezes) <= set(new.freezes) or (new.days or 0) < (old.days or 0)
    if isinstance(new, TimeWindows) and isinstance(old, TimeWindows):
        return any(not _inside(window, day, old) for window in new.windows for day in window.weekdays)
    if isinstance(new, FeeLimit) and isinstance(old, FeeLimit):
        if new.grace_days < old.grace_days or (new.on_charges and not old.on_charges):
            return True
        if new.rate is not None and old.rate is not None and new.rate > old.rate:
            return True
        pairs = ((one, _in(old.amounts, one.currency)) for one in new.amounts)
        return any(other is not None and one > other for one, other in pairs)
    if isinstance(new, RateCap) and isinstance(old, RateCap):
        return new.rate > old.rate
    return False


# -- details ---------------------------------------------------------------------------------------------------

_LAST_DAY: Final = date.max.toordinal()


def _inside(window: TimeWindow, day: int, old: TimeWindows) -> bool:
    return any(
        day in other.weekdays and other.start <= window.start and window.end <= other.end for other in old.windows
    )


def _up_to(value: Fraction, step: Fraction | None) -> Fraction:
    if step is None:
        return value
    return rounded(value / step, "ceiling") * step


def _in(amounts: tuple[Money, ...], currency: str) -> Money | None:
    return next((one for one in amounts if one.currency == currency), None)


def _plus(day: date, count: int) -> date:
    return date.fromordinal(min(day.toordinal() + count, _LAST_DAY))


def _whole(code: str, path: str, value: object, *, at_least: int = 0) -> None:
    if type(value) is not int or value < at_least:
        refuse(code, path, f"a whole number of {at_least} or more is needed")


def _not_negative(code: str, path: str, amounts: Iterable[Money]) -> None:
    if any(one.is_negative for one in amounts):
        refuse(code, path, "an amount must not be below zero")


def refuse(code: str, path: str, text: str) -> None:
    raise InvalidPolicy([Problem(code=code, path=path, text=text)])


def choice(name: str, value: object, choices: Iterable[str]) -> None:
    known = tuple(choices)
    if value not in known:
        raise InvalidPolicy(
            [Problem(code="rules.choice", path=name, text="not one of the choices", value=str(value), choices=known)]
        )
