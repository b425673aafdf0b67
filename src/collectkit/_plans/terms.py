"""What was agreed: the terms of a plan, and the periods that follow from them.

Nothing here computes an amount; see `figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import gcd
from operator import attrgetter
from typing import Any, Final, NoReturn

import attrs

from collectkit._plans.options import MONTHLY, AccrueTo, Compounding, GraceInterest, ResidueTo, Shape
from collectkit._plans.steps import effective_share, place_of, running_share, unpaused, whole_steps
from collectkit.core.calendars import Adjustment, BusinessCalendar, Every, MonthEnd, rrule_dates
from collectkit.core.checks import as_tuple, require_date, tuple_of
from collectkit.core.errors import CurrencyMismatch, InvalidDate, InvalidTerms
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import DayCount, Rate, year_fraction
from collectkit.core.schedule import DueDates, Factor, require_count

# Parts of a year that one step of a rhythm stands for, where no day count is named.
_PER_YEAR: Final = {"days": 365, "weeks": 52, "semimonths": 24, "months": 12, "years": 1}
_RATES_A_YEAR: Final = {"year": 1, "month": 12, "day": 365}


def _count(_instance: object, _attribute: attrs.Attribute[Any], value: object) -> None:
    require_count(value)


def _days(values: Iterable[date]) -> tuple[date, ...]:
    if values == ():  # the usual case, and the questions below would cost as much as all others
        return ()
    if not isinstance(values, Iterable):
        raise InvalidTerms("plans.dates", f"due_on holds dates, and was given {type(values).__name__}")
    return tuple(require_date(day, "due_on") for day in values)


def _sums(values: Iterable[Money]) -> tuple[Money, ...]:
    return () if values == () else _all_sums(values)


_all_sums: Final = tuple_of(Money)


def _months(values: Iterable[int]) -> tuple[int, ...]:
    return () if values == () else as_tuple(values)


@attrs.frozen(kw_only=True)
class PlanTerms:
    """Everything that decides the figures of a plan; built by the functions of `plans`, kept in the plan.

    Raises:
        InvalidTerms: with the code of the first thing that cannot stand.
        CurrencyMismatch: a sum in another currency than the debt.
    """

    shape: Shape
    principal: Money
    start_on: date
    instalments: int = attrs.field(validator=_count)
    rate: Rate | None = None
    every: Every = MONTHLY
    first_due_on: date | None = None
    due_on: tuple[date, ...] = attrs.field(default=(), converter=_days)
    rrule: str | None = None
    month_end: MonthEnd = "clamp"
    skip_months: tuple[int, ...] = attrs.field(default=(), converter=_months)
    calendar: BusinessCalendar | None = None
    adjustment: Adjustment = "none"
    accrue_to: AccrueTo = "unadjusted"
    day_count: DayCount | None = None
    compounding: Compounding = "per_period"
    rounding: Rounding = "half_even"
    residue_to: ResidueTo = "last"
    multiple: Money | None = None
    fee_each: Money | None = None
    fee_total: Money | None = None
    down_payment: Money | None = None
    gap_limit: Money | None = None
    # of single shapes
    grace: int = 0
    begin_on: date | None = None
    grace_interest: GraceInterest = "pay"
    balloon: Money | None = None
    level: Money | None = None
    steps: tuple[tuple[int, Money], ...] = ()
    growth: Fraction = Fraction(0)
    rows_per_step: int = 12
    minimum_share: Fraction = Fraction(0)
    minimum_floor: Money | None = None
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=_sums)
    simple_interest: bool = True
    # of plans that continue another one: see `servicing`
    anchor_on: date | None = None
    anchor_first: int = 1
    pauses: tuple[tuple[date, date], ...] = ()
    brought_interest: Money | None = None
    brought_fee: Money | None = None
    down_payment_on: date | None = None
    is_first_by_days: bool = False
    flat_base: Money | None = None
    flat_parts: tuple[tuple[Money, Money], ...] = ()  # principal and interest of flat rows that stay as agreed
    resting: int = 0  # of the first rows after a wait: those that pay interest alone
    wait_on: date | None = None  # the debt bears interest of the first deferred step from then on, not from its start

    def __attrs_post_init__(self) -> None:
        debt = self.principal
        if not isinstance(debt, Money):
            raise InvalidTerms("plans.principal", f"principal needs Money, not {type(debt).__name__}")
        if debt.minor <= 0:
            raise InvalidTerms(
                "plans.principal", f"a debt of {debt} cannot be paid in instalments; give one above zero"
            )
        require_date(self.start_on, "start_on")
        if self.rate is not None and not isinstance(self.rate, Rate):
            raise InvalidTerms(
                "plans.rate", f"rate needs a Rate such as Rate.percent('9.9'), not {type(self.rate).__name__}"
            )
        self._check_sums()
        if self.down_payment is not None and self.down_payment.minor >= debt.minor:
            raise InvalidTerms(
                "plans.down_payment",
                f"a down payment of {self.down_payment} leaves nothing of {debt} to pay later; "
                "settle the debt instead, or ask for less now",
            )
        if self.multiple is not None and self.multiple.minor == 0:
            raise InvalidTerms("plans.multiple", "instalments cannot be multiples of zero; leave multiple out")
        if not isinstance(self.every, Every):
            raise InvalidTerms("plans.dates", f"every needs an Every such as Every(2, 'weeks'), not {self.every!r:.40}")
        if self.compounding not in ("per_period", "annual") or self.accrue_to not in ("adjusted", "unadjusted"):
            raise InvalidTerms(
                "plans.compounding", "compounding is per_period or annual, and accrue_to adjusted or unadjusted"
            )
        if self.residue_to not in ("last", "first", "spread", "minimal"):
            raise InvalidTerms("plans.residue", "residue_to must be one of: last, first, spread, minimal")
        if self.grace_interest not in ("pay", "collect", "capitalise", "waive"):
            raise InvalidTerms("plans.deferral", "interest must be one of: pay, collect, capitalise, waive")
        if self.calendar is not None and not isinstance(self.calendar, BusinessCalendar):
            raise InvalidTerms(
                "plans.dates",
                f"calendar needs a BusinessCalendar such as WEEKENDS_ONLY, not {type(self.calendar).__name__}",
            )
        if self.skip_months or self.due_on or self.rrule is not None or self.adjustment != "none":
            self._check_dates()

    def _check_sums(self) -> None:
        if _sums_of(self) != _NO_SUMS:
            for name in _SUMS:
                given = getattr(self, name)
                if given is not None:
                    self._check_sum(name, given)
        for part in (*self.amounts, *(paid for _, paid in self.steps)):
            self._check_sum("amounts", part)
        for row in self.flat_parts:
            for part in row:
                self._check_sum("flat_parts", part)

    def _check_sum(self, name: str, given: Money) -> None:
        if not isinstance(given, Money):
            raise InvalidTerms("plans.amount", f"{name} needs Money, not {type(given).__name__}")
        if given.currency != self.principal.currency:
            raise CurrencyMismatch(self.principal.currency, given.currency, "put into one plan")
        if given.minor < 0:
            raise InvalidTerms("plans.amount", f"{name} is {given}; a sum in a plan is zero or more")

    def _check_dates(self) -> None:
        months = self.skip_months
        if any(type(month) is not int or not 1 <= month <= 12 for month in months) or len(set(months)) == 12:
            raise InvalidTerms("plans.dates", "skip_months holds months from 1 to 12 and leaves at least one of them")
        first = self.first_due_on
        is_paid = not self.grace or self.grace_interest == "pay" or self.begin_on is not None
        if first is not None and is_paid and require_date(first, "first_due_on").month in months:
            raise InvalidTerms(
                "plans.dates", f"the first instalment on {first} is in a month without instalments; choose another day"
            )
        if bool(self.due_on) + (self.rrule is not None) + bool(months) > 1:
            raise InvalidTerms("plans.dates", "give due_on, rrule or skip_months, not two of them")
        if self.adjustment != "none" and self.calendar is None:
            raise InvalidTerms(
                "plans.dates", "an adjustment needs a calendar; pass calendar=WEEKENDS_ONLY or one with holidays"
            )
        if self.due_on and len(self.due_on) != self.instalments:
            raise InvalidTerms("plans.dates", f"{len(self.due_on)} due dates for {self.instalments} instalments")

    @property
    def currency(self) -> str:
        """Return the currency of the debt."""
        return self.principal.currency

    @property
    def financed(self) -> Money:
        """Return what is left of the debt after the down payment."""
        return self.principal if self.down_payment is None else self.principal - self.down_payment

    @property
    def interest_base(self) -> Money:
        """Return the sum that flat interest is reckoned on: what was financed, at first."""
        return self.financed if self.flat_base is None else self.flat_base

    @property
    def rests(self) -> int:
        """Return how many of the first rows pay interest alone."""
        return self.resting + (self.grace if self.grace_interest == "pay" else 0)

    @property
    def form(self) -> Shape:
        """Return the shape by which rows are laid out: as agreed where amounts are named, whatever shape they had."""
        return "agreed" if self.amounts else self.shape

    @property
    def bears_interest(self) -> bool:
        """Say whether there is a rate above zero."""
        return self.rate is not None and self.rate.value != 0

    @property
    def has_broken_first(self) -> bool:
        """Say whether the first period is no whole number of steps, so that without a day count it bears its days."""
        if self.first_due_on is None or self.due_on or self.rrule is not None or self.day_count is not None:
            return False
        return lead(self, _rhythm(self), self.start_on).denominator != 1

    def periods(self) -> Periods:
        """Lay out the periods: their ends, starts and interest factors.

        Raises:
            InvalidTerms: `plans.dates`, `plans.day_count`.
            InvalidDate: `calendars.out_of_range` past the year 9999, and what a rule or a calendar refuses.
        """
        return periods_of(self)

    def factor_between(self, start_on: date, end_on: date) -> Fraction:
        """Return the interest factor from one day to another: by the day count, else by whole steps and days.

        `act/act-icma` counts in steps of the plan's rhythm; `30E/360-isda` ends on the plan's last date alone. Days on
        which interest is paused bear none; an end before the start gives zero.
        """
        return factor_between(self, start_on, end_on)

    def waited(self, cuts: Sequence[date], place: int, until: date) -> Fraction:
        """Return the interest factor of a deferred step, of those that `cuts` part, up to a day within it."""
        return waited(self, cuts, place, until)

    def after_deferral(self) -> tuple[Money, Money]:
        """Return the debt when regular periods begin, and the interest of a deferral that the first row collects."""
        opening, collected = after_deferral(self, periods_of(self))
        return Money(opening, self.currency), Money(collected, self.currency)

    def running_share(self, start_on: date, end_on: date) -> Fraction:
        """Return the part of the days of `[start_on, end_on)` on which interest is not paused."""
        return running_share(self.pauses, start_on, end_on)

    def rows_to_pay(self, payment: Money) -> int | None:
        """Return how many rows of `payment` pay off what is financed; None where all rows of the terms do not."""
        periods = periods_of(self)
        found = rows_at(self, periods.factors, payment.minor, after_deferral(self, periods)[0])
        return None if found is None or found[1] else found[0]


_SUMS: Final = (
    "multiple",
    "fee_each",
    "fee_total",
    "down_payment",
    "gap_limit",
    "balloon",
    "level",
    "minimum_floor",
    "brought_interest",
    "brought_fee",
    "flat_base",
)
_NO_SUMS: Final = (None,) * len(_SUMS)
_sums_of: Final = attrgetter(*_SUMS)


# -- periods ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Periods:
    """The regular periods of a plan: due dates, the start of each, its interest factor, and those of the deferral.

    `grace_on` are the day on which the deferral begins and the ends of its steps; alone where nothing is deferred.
    """

    due_on: tuple[date, ...]
    from_on: tuple[date, ...]
    factors: tuple[Fraction, ...]
    grace_factors: tuple[Fraction, ...] = ()
    grace_on: tuple[date, ...] = ()


def period_factor(terms: PlanTerms) -> Fraction:
    """Return the interest factor of one whole step of the rhythm, for terms without a day count."""
    return Fraction(*period_pair(terms))


def period_pair(terms: PlanTerms) -> Factor:
    """Return `period_factor` as numerator and denominator in lowest terms."""
    rate, every = terms.rate, terms.every
    if rate is None:
        return 0, 1
    if terms.compounding == "annual":
        share = _share(terms, Fraction(every.n, _PER_YEAR[every.unit]))
        return share.numerator, share.denominator
    value = rate.value
    numerator = value.numerator * _RATES_A_YEAR[rate.per] * every.n
    denominator = value.denominator * _PER_YEAR[every.unit]
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common


def _share(terms: PlanTerms, part: Fraction) -> Fraction:
    """Return the interest factor of a part of a year."""
    annual = Fraction(0) if terms.rate is None else terms.rate.annual
    return annual * part if terms.compounding == "per_period" else effective_share(annual, part)


def rhythm_of(terms: PlanTerms) -> DueDates | None:
    """Return the due dates as a bare rhythm where they are one: no skipped, moved or listed days, nor a deferral."""
    if terms.due_on or terms.rrule is not None or terms.skip_months or terms.adjustment != "none" or terms.grace:
        return None
    if terms.is_first_by_days or terms.resting:
        return None
    rhythm = _rhythm(terms)
    return rhythm if not terms.bears_interest or lead(terms, rhythm, terms.start_on) == 1 else None


def _rhythm(terms: PlanTerms) -> DueDates:
    first, start = terms.first_due_on, terms.start_on
    if terms.anchor_on is not None:
        return DueDates(terms.anchor_on, terms.every, terms.instalments, terms.anchor_first, terms.month_end)
    if first is None:
        return DueDates(start, terms.every, terms.instalments, 1, terms.month_end)
    require_date(first, "first_due_on")
    if first < start:
        raise InvalidTerms("plans.dates", f"the first instalment falls due on {first}, before the start on {start}")
    if first == terms.every.date(anchor=start, number=1, month_end=terms.month_end):
        return DueDates(start, terms.every, terms.instalments, 1, terms.month_end)
    return DueDates(first, terms.every, terms.instalments, 0, terms.month_end)


def periods_of(terms: PlanTerms) -> Periods:
    """Lay out the periods; see `PlanTerms.periods`."""
    deferral, waits, steps = _deferral(terms)
    begin_on = waits[-1]
    raw = _raw_dates(terms, begin_on, steps)
    paid_on = raw
    if terms.adjustment != "none" and terms.calendar is not None:
        paid_on = tuple(terms.calendar.adjust(day, terms.adjustment) for day in raw)
    _ascending(paid_on, begin_on)
    ends = paid_on if terms.accrue_to == "adjusted" else raw
    from_on = (begin_on, *ends[:-1])
    factors = _factors(terms, from_on, ends, raw, steps)
    if terms.pauses and terms.day_count is None:  # a day count leaves paused days out by itself
        shares = (running_share(terms.pauses, start, end) for start, end in zip(from_on, ends, strict=True))
        factors = tuple(factor * share for factor, share in zip(factors, shares, strict=True))
    if terms.is_first_by_days and terms.day_count is None:  # a period that a change cut: what ran before is asked for
        factors = (factor_between(terms, begin_on, ends[0]), *factors[1:])
    return Periods(due_on=paid_on, from_on=from_on, factors=factors, grace_factors=deferral, grace_on=waits)


def _raw_dates(terms: PlanTerms, begin_on: date, steps: int) -> tuple[date, ...]:
    if terms.due_on:
        return terms.due_on
    if terms.rrule is not None:
        if terms.first_due_on is not None:
            return tuple(rrule_dates(terms.rrule, start_on=terms.first_due_on, count=terms.instalments))
        return tuple(rrule_dates(terms.rrule, start_on=begin_on, count=terms.instalments, after_on=begin_on))
    rhythm = _rhythm(terms)
    if not terms.skip_months:
        return attrs.evolve(rhythm, first=rhythm.first + steps)()
    days: list[date] = []
    place = rhythm.first + steps
    while len(days) < terms.instalments:
        day = terms.every.date(anchor=rhythm.anchor, number=place, month_end=terms.month_end)
        if day.month not in terms.skip_months:
            days.append(day)
        place += 1
    return tuple(days)


def _deferral(terms: PlanTerms) -> tuple[tuple[Fraction, ...], tuple[date, ...], int]:
    """Return the factors of the deferred steps, the days between which they lie, and the steps of the rhythm skipped."""
    grace = terms.grace
    if not grace or terms.grace_interest == "pay":  # rows that pay interest are regular rows
        return (), (terms.start_on,), 0
    if terms.begin_on is not None:  # a deferral that is one period of its own, whatever the rhythm
        cuts: tuple[date, ...] = (terms.start_on, terms.begin_on)
        grace = 0
    else:
        cuts = (terms.start_on, *attrs.evolve(_rhythm(terms), count=grace)())
    if terms.grace_interest == "waive" or not terms.bears_interest:
        return (Fraction(0),) * (len(cuts) - 1), cuts, grace
    if terms.day_count is None and (terms.has_broken_first if grace else terms.anchor_on is None):
        raise InvalidTerms(
            "plans.day_count",
            f"the wait from {cuts[0]} to {cuts[-1]} is no whole number of periods; name a day_count such as "
            "'act/365f', or give the wait as grace from the start on",
        )
    return tuple(waited(terms, cuts, place, end) for place, end in enumerate(cuts[1:])), cuts, grace


def waited(terms: PlanTerms, cuts: Sequence[date], place: int, until: date) -> Fraction:
    """Return the interest factor of a deferred step up to a day within it, or to its end; pauses bear none."""
    since = cuts[place] if terms.wait_on is None or place else max(terms.wait_on, cuts[0])
    return _step_share(terms, cuts, place, until) - _step_share(terms, cuts, place, since)


def _step_share(terms: PlanTerms, cuts: Sequence[date], place: int, until: date) -> Fraction:
    start, end = cuts[place], cuts[place + 1]
    if until <= start or not terms.bears_interest:
        return Fraction(0)
    until = min(until, end)
    if terms.day_count is not None or terms.begin_on is not None:
        return _between(terms, start, until, None)  # regular rows follow, so no wait ends on the termination date
    whole = _over(terms, lead(terms, _rhythm(terms), start) if place == 0 else Fraction(1))
    return whole * running_share(terms.pauses, start, until) * (until - start).days / (end - start).days


def after_deferral(terms: PlanTerms, periods: Periods) -> tuple[int, int]:
    """Return the debt when regular periods begin, and interest that waits for the first row."""
    opening = terms.financed.minor
    collected = 0
    for factor in periods.grace_factors if terms.grace_interest in ("collect", "capitalise") else ():
        base = terms.interest_base.minor if terms.shape == "flat" else opening
        interest = rounded(base * factor, terms.rounding)
        if terms.grace_interest == "capitalise":
            opening += interest
        else:
            collected += interest
    return opening, collected


def _factors(
    terms: PlanTerms, from_on: tuple[date, ...], to_on: tuple[date, ...], raw: tuple[date, ...], steps: int = 0
) -> tuple[Fraction, ...]:
    if not terms.bears_interest:
        return (Fraction(0),) * len(to_on)
    convention = terms.day_count
    if convention is None:
        return _equal_factors(terms, from_on[0], raw, steps)
    return tuple(_counted(terms, convention, *span, to_on[-1]) for span in zip(from_on, to_on, strict=True))


def _equal_factors(terms: PlanTerms, begin_on: date, raw: tuple[date, ...], steps: int) -> tuple[Fraction, ...]:
    if terms.due_on or terms.rrule is not None:
        raise InvalidTerms(
            "plans.day_count", "dates without an even rhythm bear interest by days; name a day_count such as 'act/365f'"
        )
    rhythm = _rhythm(terms)
    first = rhythm.first + steps  # steps of a deferral are none of the first period
    width = Fraction(1) if terms.is_first_by_days else lead(terms, attrs.evolve(rhythm, first=first), begin_on)
    one = period_factor(terms)
    if not terms.skip_months:
        return (one if width == 1 else _over(terms, width), *(one,) * (len(raw) - 1))
    places, place, found = [], first, 0
    while found < len(raw):  # a skipped step lengthens the period that follows
        if terms.every.date(anchor=rhythm.anchor, number=place, month_end=terms.month_end) == raw[found]:
            places.append(place)
            found += 1
        place += 1
    widths = [places[0] - first + width, *(Fraction(later - earlier) for earlier, later in pairwise(places))]
    known = {width: _over(terms, width) for width in set(widths)}
    return tuple(known[width] for width in widths)


def lead(terms: PlanTerms, rhythm: DueDates, begin_on: date) -> Fraction:
    """Return the steps that the first period of a rhythm holds: whole ones, else then the days of the broken one.

    They are whole where steps back from the first due date meet the start, or steps on from the start that date.
    """
    if (terms.first_due_on is None and terms.anchor_on is None) or terms.begin_on is not None:
        return Fraction(1)
    every, end, first_on = terms.every, terms.month_end, rhythm.at(0)
    for anchor in (rhythm.anchor, begin_on):
        whole = whole_steps(begin_on, first_on, anchor=anchor, every=every, month_end=end)
        if whole is not None:
            return Fraction(whole)
    if terms.anchor_on is not None:  # the start of a period may be a business day near its step
        return Fraction(1)
    return place_of(first_on, anchor=begin_on, every=every, month_end=end)


def _over(terms: PlanTerms, steps: Fraction) -> Fraction:
    """Return the interest factor of so many steps; an effective rate compounds over all of them."""
    if terms.compounding == "per_period":
        return period_factor(terms) * steps
    return _share(terms, steps * Fraction(terms.every.n, _PER_YEAR[terms.every.unit]))


def _place(terms: PlanTerms, day: date) -> Fraction:
    """Return the place of a day in the rhythm, whose steps are the reference periods of `act/act-icma`."""
    if terms.due_on or terms.rrule is not None:
        raise InvalidTerms(
            "plans.day_count",
            "act/act-icma counts in the periods of an even rhythm, and listed dates or a rule have none; name another "
            "day_count such as 'act/act-isda', or give the dates by every and first_due_on",
        )
    rhythm = _rhythm(terms)
    return place_of(day, anchor=rhythm.anchor, every=terms.every, month_end=terms.month_end)


def _ascending(days: Sequence[date], begin_on: date) -> None:
    last = begin_on
    for place, day in enumerate(days):
        if day < last or (place and day == last):
            raise InvalidTerms(
                "plans.dates",
                f"instalment {place + 1} falls due on {day}, not after {last}; due dates must ascend from the start",
            )
        last = day


def factor_between(terms: PlanTerms, start: date, end: date) -> Fraction:
    """Return the interest factor from one day to another; see `PlanTerms.factor_between`."""
    if end <= start or not terms.bears_interest:
        return Fraction(0)
    is_isda = terms.day_count == "30E/360-isda" and end.month == 2 and end.day >= 28
    return _between(terms, start, end, _last_on(terms) if is_isda else None)


def _between(terms: PlanTerms, start: date, end: date, termination_on: date | None) -> Fraction:
    if terms.day_count is not None:
        return _counted(terms, terms.day_count, start, end, termination_on)
    if terms.compounding == "annual":
        running = running_share(terms.pauses, start, end)
        return _over(terms, place_of(end, anchor=start, every=terms.every, month_end=terms.month_end)) * running
    steps, last, passed = 0, start, Fraction(0)
    while last < end:
        steps += 1
        width = _step_days(terms, start, steps, last)
        stop = min(last + timedelta(days=min(width, (end - last).days)), end)
        passed += Fraction((stop - last).days, width) * running_share(terms.pauses, last, stop)
        last = stop
    return period_factor(terms) * passed


def _counted(terms: PlanTerms, convention: DayCount, start: date, end: date, termination_on: date | None) -> Fraction:
    """Return the interest factor from one day to another by a day count, without paused days."""
    if convention == "act/act-icma":
        first = _place(terms, start)
        return _over(terms, unpaused(terms.pauses, start, end, lambda day: _place(terms, day) - first))

    def years(day: date) -> Fraction:
        return year_fraction(convention, start, day, termination_on=termination_on)

    return _share(terms, unpaused(terms.pauses, start, end, years))


def _step_days(terms: PlanTerms, anchor: date, number: int, last: date) -> int:
    """Return the days of a step of the rhythm that starts on `last`; past the calendar's end, of the one before."""
    try:
        return (terms.every.date(anchor=anchor, number=number, month_end=terms.month_end) - last).days
    except InvalidDate:
        return (last - terms.every.date(anchor=anchor, number=number - 2, month_end=terms.month_end)).days


def _last_on(terms: PlanTerms) -> date:
    """Return the last day on which the plan bears interest: the end of its last period."""
    steps = terms.grace if terms.begin_on is None and terms.grace_interest != "pay" else 0
    last = _raw_dates(terms, terms.begin_on or terms.start_on, steps)[-1]
    is_moved = terms.accrue_to == "adjusted" and terms.calendar is not None
    return terms.calendar.adjust(last, terms.adjustment) if is_moved and terms.calendar is not None else last


def rows_at(
    terms: PlanTerms, factors: Sequence[Fraction], payment: int, opening: int | None = None
) -> tuple[int, int] | None:
    """Return how many rows of `payment` pay the debt off and what is left after all of them; None where it grows."""
    balance = terms.financed.minor if opening is None else opening
    for row, factor in enumerate(factors, start=1):
        interest = rounded(balance * factor, terms.rounding)
        if balance + interest <= payment:
            return row, 0
        if interest >= payment:
            return None
        balance += interest - payment
    return len(factors), balance


def refuse_growth(row: int, interest: Money, payment: Money) -> NoReturn:
    """Refuse a payment below its interest, saying what would suffice."""
    raise InvalidTerms(
        "plans.negative_amortisation",
        f"instalment {row} of {payment} is below its interest of {interest}, so the debt would grow; "
        f"at least {Money(interest.minor + 1, interest.currency)} is needed to pay any of it off",
        row=row,
        interest=interest,
        needed=Money(interest.minor + 1, interest.currency),
    )
