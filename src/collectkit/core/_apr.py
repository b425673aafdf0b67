"""Yearly rates of cash flows: US Regulation Z, the EU's APRC, dated flows and level plans; `interest` is the public room.

What is lent and what is paid are both given as amounts above zero, with their times. Amounts may be Money, minor units
or exact numbers; only their proportion matters. Nothing here is rounded but to 30 decimals; `percent_of` rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import exp, expm1, lcm, log, log1p
from operator import mul
from typing import Final, Literal

import attrs

from collectkit.core._solve import WIDE, amount_of, decimal_of, growth_root, settled
from collectkit.core.calendars import Every, TimeUnit, add_months
from collectkit.core.checks import require_date, require_int
from collectkit.core.errors import InvalidDate, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import exact_number

__all__ = [
    "Amount",
    "RegulationZApr",
    "UnitInterval",
    "dated_rate",
    "dated_rate_estimate",
    "eu_aprc",
    "eu_years",
    "level_rate",
    "level_rate_estimate",
    "percent_of",
    "regz_apr",
    "regz_interval",
    "regz_unit_period",
]

Amount = Money | int | str | Decimal | Fraction
"""A sum above zero: Money, minor units, or any exact number, the same kind for all flows of a call."""

MAX_FLOWS: Final = 100_000


# -- United States: Regulation Z, 12 CFR 1026, Appendix J --------------------------------------------------------


@attrs.frozen(kw_only=True)
class UnitInterval:
    """A time in unit periods: whole ones, and the odd days as a fraction of one."""

    whole: int
    fraction: Fraction

    @property
    def total(self) -> Fraction:
        """Both together."""
        return self.whole + self.fraction


@attrs.frozen(kw_only=True)
class RegulationZApr:
    """A Regulation Z annual percentage rate: `rate` is the yearly fraction, unit-period rate times periods per year."""

    rate: Decimal
    unit_period: Every
    unit_periods_per_year: Fraction
    first_payment: UnitInterval

    def percent(self, decimals: int = 2) -> Decimal:
        """Return the rate as a percentage, rounded half up.

        Raises:
            InvalidTerms: `interest.decimals` unless 0 to 20.
        """
        return percent_of(self.rate, decimals)


def regz_apr(
    *,
    advances: Iterable[tuple[date, Amount]],
    payments: Iterable[tuple[date, Amount]],
    unit_period: Every | None = None,
    unit_periods_per_year: int | Fraction | None = None,
) -> RegulationZApr:
    """Return the APR of Appendix J: actuarial, with simple interest for the odd days inside a unit period.

    Times run from the first advance, or from a payment that comes before it, as with a loan drawn down over years.
    Without `unit_period` the commonest interval is taken, and the whole term where one advance meets one payment within
    a year (J (b)(4), (b)(5)).

    >>> loan = regz_apr(
    ...     advances=[(date(1978, 1, 10), 500_000)],
    ...     payments=[(add_months(date(1978, 1, 10), k), 23_000) for k in range(1, 25)],
    ... )
    >>> loan.percent()
    Decimal('9.69')

    Raises:
        InvalidTerms: `interest.no_flows`, `interest.amount`, `interest.order` where no payment comes after the first
            advance, `interest.unit_period`, `interest.no_rate`.
        InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
    """
    lent, paid = _dated(advances, "advances"), _dated(payments, "payments")
    start = min(lent[0][0], paid[0][0])
    if paid[-1][0] <= lent[0][0]:
        raise InvalidTerms("interest.order", "no payment comes after the first advance, so no time is lent for")
    if unit_period is None:
        unit_period, per_year = regz_unit_period([on for on, _ in lent], [on for on, _ in paid])
    elif isinstance(unit_period, Every):
        per_year = _periods_per_year(unit_period)
    else:
        raise InvalidTerms("interest.unit_period", "unit_period needs an Every, such as Every(1, 'months')")
    if unit_periods_per_year is not None:
        per_year = exact_number(unit_periods_per_year, "unit_periods_per_year")
        if per_year <= 0:
            raise InvalidTerms("interest.unit_period", "unit_periods_per_year must be above zero")
    first = paid[0][0]
    first_payment = regz_interval(start, first, unit_period)
    flows: list[tuple[Fraction, int, Fraction]] = []
    for sign, side in ((1, lent), (-1, paid)):
        for on, amount in side:
            span = regz_interval(start, on, unit_period)
            if sign < 0 and on > first:  # a payment in step with the first keeps its odd days, month ends included
                beyond = regz_interval(first, on, unit_period)
                if beyond.fraction == 0:
                    span = UnitInterval(whole=first_payment.whole + beyond.whole, fraction=first_payment.fraction)
            flows.append((sign * amount, span.whole, span.fraction))
    periodic = _root(flows, 1, "annual percentage rate", side=_side(amount for amount, _, _ in flows))
    with localcontext(WIDE):
        yearly = settled(periodic * decimal_of(per_year))
    return RegulationZApr(
        rate=yearly, unit_period=unit_period, unit_periods_per_year=per_year, first_payment=first_payment
    )


def regz_interval(start_on: date, end_on: date, unit_period: Every) -> UnitInterval:
    """Measure a time in unit periods by J (b)(5): whole months back from the later day, then odd days.

    A month has 30 days, a semimonth 15, a year 365 unless the rest is whole months; weeks and days are counted.

    >>> regz_interval(date(1978, 2, 10), date(1978, 4, 1), Every(1, "months"))
    UnitInterval(whole=1, fraction=Fraction(19, 30))

    Raises:
        InvalidDate: `calendars.order` where `end_on` comes first.
    """
    if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
        raise InvalidDate("calendars.order", "end_on comes before start_on")
    n, unit = unit_period.n, unit_period.unit
    if unit == "months" and n % 12 == 0:  # twelve months are a year, and its odd days count over 365
        n, unit = n // 12, "years"
    if unit in ("days", "weeks"):
        whole, rest = divmod(end_on.toordinal() - start_on.toordinal(), n * (7 if unit == "weeks" else 1))
        return UnitInterval(whole=whole, fraction=Fraction(rest, n * (7 if unit == "weeks" else 1)))
    if unit == "semimonths" and (steps := _semimonths(start_on, end_on)) is not None:
        whole, rest = divmod(steps, n)
        return UnitInterval(whole=whole, fraction=Fraction(rest, n))
    months, days = _months_back(start_on, end_on)
    if unit == "years":
        whole, rest = divmod(months, 12 * n)
        if days == 0:
            return UnitInterval(whole=whole, fraction=Fraction(rest, 12 * n))
        odd = add_months(end_on, -12 * n * whole).toordinal() - start_on.toordinal()
        return UnitInterval(whole=whole, fraction=Fraction(odd, 365 * n))
    length = n * (15 if unit == "semimonths" else 30)
    whole, rest = divmod(30 * months + days, length)
    return UnitInterval(whole=whole, fraction=Fraction(rest, length))


def regz_unit_period(advances_on: Sequence[date], payments_on: Sequence[date]) -> tuple[Every, Fraction]:
    """Choose the unit period of J (b)(4) and say how many make a year.

    It is the interval between advances or payments that occurs most often, the smaller of two equally frequent ones;
    where none occurs twice, their average, rounded to whole weeks or months; the term itself where one advance meets
    one payment within a year.

    >>> regz_unit_period([date(2026, 1, 10)], [date(2026, 9, 15)])
    (Every(n=248, unit='days'), Fraction(365, 248))

    Raises:
        InvalidTerms: `interest.no_flows`, `interest.order`.
        InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
    """
    lent = sorted({require_date(on, "advances_on") for on in advances_on})
    paid = sorted({require_date(on, "payments_on") for on in payments_on})
    if not lent or not paid:
        raise InvalidTerms("interest.no_flows", "one advance and one payment are needed at least")
    start = min(lent[0], paid[0])
    if paid[-1] <= lent[0]:
        raise InvalidTerms("interest.order", "payments must come after the first advance")
    if len(lent) == len(paid) == 1:
        return _single_term(start, paid[0])
    gaps = [(a, b) for side in ([start, *lent], [start, *paid]) for a, b in pairwise(side) if a < b]
    kinds = Counter(kind for a, b in gaps if (kind := _standard(a, b)) is not None)
    common = [kind for kind, times in kinds.items() if times > 1]
    if common:
        best = min(common, key=lambda kind: (-kinds[kind], _LENGTH[kind.unit] * kind.n))
        return best, _periods_per_year(best)
    average = Fraction(sum(b.toordinal() - a.toordinal() for a, b in gaps), len(gaps))
    choices = (
        [Every(1, "days"), Every(1, "semimonths"), Every(1, "years")]
        + [Every(n, "weeks") for n in range(1, 53)]
        + [Every(n, "months") for n in range(1, 12)]
    )
    nearest = min(choices, key=lambda kind: (abs(_LENGTH[kind.unit] * kind.n - average), _LENGTH[kind.unit] * kind.n))
    return nearest, _periods_per_year(nearest)


# -- European Union: Directives 2008/48/EC, 2014/17/EU, 2011/90/EU -----------------------------------------------


def eu_aprc(
    *, drawdowns: Iterable[tuple[Fraction | int, Amount]], payments: Iterable[tuple[Fraction | int, Amount]]
) -> Decimal:
    """Return the annual percentage rate of charge, an effective yearly fraction.

    Each flow is (years from the first drawdown, amount); `eu_years` gives the years between two days, `series_years`
    those of a series, `amortising_amounts` and `growing_amounts` the payments of an agreement. A cost paid before the
    drawdown has a negative time. Charges are payments. Of several rates that fit, the one nearest to zero, above it
    where more is paid than drawn.

    >>> rate = eu_aprc(drawdowns=[(0, 1000)], payments=[(1, 600), (2, 600)])
    >>> percent_of(rate, 2)
    Decimal('13.07')

    Raises:
        InvalidTerms: `interest.no_flows`, `interest.amount`, `interest.no_rate`.
    """
    flows: list[tuple[Fraction, Fraction]] = []
    for sign, side, name in ((1, drawdowns, "drawdowns"), (-1, payments, "payments")):
        count = len(flows)
        for years, amount in side:
            flows.append((sign * _positive(amount, name), exact_number(years, "years")))
        if len(flows) == count:
            raise InvalidTerms("interest.no_flows", f"{name} are missing: one at least is needed")
    return _yearly(flows, "annual percentage rate of charge", side=_side(amount for amount, _ in flows))


def eu_years(start_on: date, end_on: date, *, unit: Literal["years", "months", "weeks", "days"] = "months") -> Fraction:
    """Measure a time in years: whole months (or years, or weeks) back from the end, then days over the year there.

    `unit` is the rhythm of the payments: a month is 1/12, a week 1/52; with `years` a time of whole months stays one,
    and any other is years and days; with `days` whole months are days too. The year in which the odd days end has 366
    days if it holds a 29 February (2008/48/EC, Annex I, remarks (c) as of 2011/90/EU).

    >>> eu_years(date(2013, 1, 12), date(2013, 2, 15)) == Fraction(3, 366) + Fraction(1, 12)
    True
    >>> eu_years(date(2012, 1, 12), date(2012, 2, 15), unit="years")
    Fraction(34, 365)

    Raises:
        InvalidDate: `calendars.order` where `end_on` comes first.
        InvalidTerms: `interest.unit_period` for another unit.
    """
    if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
        raise InvalidDate("calendars.order", "end_on comes before start_on")
    if unit == "weeks":
        weeks, days = divmod(end_on.toordinal() - start_on.toordinal(), 7)
        whole, last = Fraction(weeks, 52), date.fromordinal(start_on.toordinal() + days)
    elif unit in ("years", "months", "days"):
        months, days = _months_back(start_on, end_on)
        if months % 12 and (unit == "days" or (unit == "years" and days)):
            months -= months % 12
            days = add_months(end_on, -months).toordinal() - start_on.toordinal()
        whole, last = Fraction(months, 12), date.fromordinal(start_on.toordinal() + days)
    else:
        raise InvalidTerms("interest.unit_period", "unit must be one of: years, months, weeks, days")
    if days == 0:
        return whole
    year = last.toordinal() - add_months(last, -12).toordinal()
    return whole + Fraction(days, year)


# -- dated flows and level plans ---------------------------------------------------------------------------------


def dated_rate(flows: Iterable[tuple[date, Amount]], *, days_per_year: int = 365) -> Decimal:
    """Return the effective yearly rate of flows on any days, received positive and paid negative, as XIRR does.

    Of several rates that fit, the one nearest to zero. The first flow is time zero.

    >>> rate = dated_rate([(date(2026, 1, 1), 1000), (date(2027, 1, 1), -1100)])
    >>> str(rate)
    '0.1'

    Raises:
        InvalidTerms: `interest.no_flows` unless both signs occur, `interest.amount`, `interest.no_rate`,
            `interest.days_per_year`.
        InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
    """
    require_int(
        days_per_year, "days_per_year", at_least=1, at_most=366, code="interest.days_per_year", error=InvalidTerms
    )
    pairs = [(require_date(on, "flows").toordinal(), amount_of(amount, "flows")) for on, amount in flows]
    if any(amount and not _LEAST <= abs(amount) <= 1 / _LEAST for _, amount in pairs):
        raise InvalidTerms("interest.amount", "flows must be from 10**-64 to 10**64 in size")
    if not any(amount > 0 for _, amount in pairs) or not any(amount < 0 for _, amount in pairs):
        raise InvalidTerms("interest.no_flows", "flows of both signs are needed: one received and one paid at least")
    zero = min(ordinal for ordinal, _ in pairs)
    return _yearly([(amount, Fraction(ordinal - zero, days_per_year)) for ordinal, amount in pairs], "yearly rate")


def dated_rate_estimate(ordinals: Sequence[int], amounts: Sequence[int], *, days_per_year: int = 365) -> float:
    """Estimate `dated_rate` in floats from columns: days as ordinals, amounts as minor units; for screening only.

    Good to about 1e-12 where the flows turn from one sign to the other once; unchecked otherwise.

    >>> round(dated_rate_estimate([0, 365], [1000, -1100]), 12)
    0.1

    Raises:
        InvalidTerms: `interest.no_flows` for fewer than two flows; `interest.no_rate` where Newton's method does not
            settle within 50 steps.
    """
    if len(ordinals) != len(amounts) or len(amounts) < 2:
        raise InvalidTerms("interest.no_flows", "as many days as amounts are needed, and two of each at least")
    try:
        return _newton(ordinals, amounts, days_per_year)
    except (OverflowError, ZeroDivisionError):
        raise InvalidTerms("interest.no_rate", "no yearly rate was found for these flows; use dated_rate") from None


def _newton(ordinals: Sequence[int], amounts: Sequence[int], days_per_year: int) -> float:
    zero = ordinals[0]
    times = [(zero - day) / days_per_year for day in ordinals]
    weighted = list(map(mul, amounts, times))
    received = paid = moment = 0.0
    for amount, time in zip(amounts, times, strict=True):
        if amount * amounts[0] > 0:
            received += amount
            moment -= amount * time
        else:
            paid -= amount
            moment -= amount * time
    # first guess: the gain, spread over the mean time between what is lent and what is paid
    x = log(paid / received) * paid / -moment if moment and paid and received and paid / received > 0 else 0.1
    for _ in range(50):
        discounts = [exp(time * x) for time in times]
        value, slope = sum(map(mul, amounts, discounts)), sum(map(mul, weighted, discounts))
        if slope == 0:
            break
        step = value / slope
        x -= step if abs(step) < 1 else (1 if step > 0 else -1)
        if abs(step) < 1e-14 + 1e-14 * abs(x):
            return expm1(x)
    raise InvalidTerms("interest.no_rate", "no yearly rate was found for these flows; use dated_rate")


def level_rate_estimate(principal: float, payment: float, count: int) -> float:
    """Estimate the rate of a period of a level plan in floats, closed form; for screening and first guesses only.

    Good to about 1e-14; 0 where the payments do not exceed the principal.

    >>> round(level_rate_estimate(500_000, 23_000, 24) * 12, 6)
    0.096857

    Raises:
        InvalidTerms: `interest.amount` unless all three are above zero.
    """
    if principal <= 0 or payment <= 0 or count < 1:
        raise InvalidTerms("interest.amount", "principal, payment and count must be above zero")
    ratio = principal / payment
    gain = count - ratio
    if gain < 1e-9 * ratio:  # so little that the first term of the series is all of it
        return max(0.0, 2 * gain / (ratio * (count + 1)))
    if count > 500 * ratio:  # all but a perpetuity
        i = 1 / ratio
    else:
        q = log1p(1 / count) / 0.6931471805599453
        i = ((1 + 1 / ratio) ** (1 / q) - 1) ** q - 1
        if i < 1e-9:
            i = 2 * gain / (ratio * (count + 1))
    for _ in range(30):  # pragma: no branch - it settles within ten; the bound is for what is no number
        lost = expm1(-count * log1p(i))  # the discount less one, without the cancellation of 1 - v^n
        step = (ratio * i + lost) / (ratio - count * (lost + 1) / (1 + i))
        i -= step
        if abs(step) < 1e-12 * i + 1e-15:
            break
    return i


def level_rate(*, principal: Amount, payment: Amount, count: int) -> Decimal:
    """Return the rate of a period of a level plan: `count` equal payments, the first one period after the loan.

    Times the periods of a year it is the nominal yearly rate, and the Regulation Z APR of a plan without odd days.

    >>> rate = level_rate(principal=500_000, payment=23_000, count=24)
    >>> percent_of(12 * rate, 6)
    Decimal('9.685708')

    Raises:
        InvalidTerms: `interest.count`, `interest.amount`, `interest.no_rate`.
    """
    require_int(count, "count", at_least=1, at_most=MAX_FLOWS, code="interest.count", error=InvalidTerms)
    lent, paid = _positive(principal, "principal"), _positive(payment, "payment")
    ratio = lent / paid
    if ratio == count:
        return Decimal(0)
    r = float(ratio)

    def rough(x: float) -> float:
        return r - count if x == 0 else r + expm1(-count * x) / expm1(x)

    with localcontext(WIDE):
        exact_ratio = decimal_of(ratio)

    def exact(x: Decimal) -> Decimal:
        return exact_ratio - (1 - (-count * x).exp()) / (x.exp() - 1)

    guess = log1p(level_rate_estimate(r, 1, count))
    return growth_root(rough, exact, horizon=float(count), what="rate of a level plan", guess=guess or None)


def percent_of(rate: Decimal | Fraction, decimals: int) -> Decimal:
    """Return a fraction of the whole as a percentage with so many decimals, rounded half up.

    >>> percent_of(Decimal("0.06434412"), 1)
    Decimal('6.4')

    Raises:
        InvalidTerms: `interest.decimals` unless 0 to 20.
    """
    require_int(decimals, "decimals", at_least=0, at_most=20, code="interest.decimals", error=InvalidTerms)
    with localcontext(WIDE):
        value = decimal_of(rate) if isinstance(rate, Fraction) else rate
        if value.adjusted() > 30:
            raise InvalidTerms("interest.out_of_range", "the rate is over 10**30; check it")
        return (value * 100).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


# -- details -----------------------------------------------------------------------------------------------------

_LENGTH: Final[dict[TimeUnit, int]] = {"days": 1, "weeks": 7, "semimonths": 15, "months": 30, "years": 365}
_LEAST: Final = Fraction(1, 10**64)  # so that every proportion of two amounts is a float
_PER_YEAR: Final[dict[TimeUnit, int]] = {"days": 365, "weeks": 52, "semimonths": 24, "months": 12, "years": 1}


def _periods_per_year(unit: Every) -> Fraction:
    return Fraction(_PER_YEAR[unit.unit], unit.n)


def _positive(amount: Amount, name: str) -> Fraction:
    value = amount_of(amount, name)
    if not _LEAST <= value <= 1 / _LEAST:
        raise InvalidTerms("interest.amount", f"{name} must be above zero, from 10**-64 to 10**64")
    return value


def _dated(flows: Iterable[tuple[date, Amount]], name: str) -> list[tuple[date, Fraction]]:
    pairs = sorted((require_date(on, name), _positive(amount, name)) for on, amount in flows)
    if not 1 <= len(pairs) <= MAX_FLOWS:
        raise InvalidTerms("interest.no_flows", f"{name} are missing: one at least is needed, at most {MAX_FLOWS}")
    return pairs


def _months_back(start: date, end: date) -> tuple[int, int]:
    """Count whole months back from `end`, then the days left over from `start`; a month's last days are whole months."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, months) == end:
        return months, 0
    earliest = add_months(end, -months)
    if earliest < start:
        months -= 1
        earliest = add_months(end, -months)
    return months, earliest.toordinal() - start.toordinal()


def _semimonths(start: date, end: date) -> int | None:
    """Count semimonths between two days of one rhythm (1st and 16th, 15th and last day); None if they are of two."""
    steps = 2 * ((end.year - start.year) * 12 + end.month - start.month)
    rhythm = Every(1, "semimonths")
    return next(
        (k for k in (steps - 1, steps, steps + 1) if k >= 0 and rhythm.date(anchor=start, number=k) == end), None
    )


def _single_term(start: date, end: date) -> tuple[Every, Fraction]:
    months, days = _months_back(start, end)
    if months < 12:  # the term is the unit period
        if days == 0:
            return Every(months, "months"), Fraction(12, months)
        term = end.toordinal() - start.toordinal()
        return Every(term, "days"), Fraction(365, term)
    return Every(1, "years"), Fraction(1)


def _standard(start: date, end: date) -> Every | None:
    """Name an interval that is a standard one of J (b)(3), up to a year."""
    months, days = _months_back(start, end)
    if days == 0 and 1 <= months <= 12:
        return Every(1, "years") if months == 12 else Every(months, "months")
    if _semimonths(start, end) == 1:
        return Every(1, "semimonths")
    length = end.toordinal() - start.toordinal()
    if length == 1:
        return Every(1, "days")
    return Every(length // 7, "weeks") if length % 7 == 0 and length <= 364 else None


def _side(amounts: Iterable[Fraction]) -> int:
    """Say where the rate of a credit lies: above zero where more is paid than lent, below where less is."""
    cost = -sum(amounts)
    return (cost > 0) - (cost < 0)


def _yearly(flows: Sequence[tuple[Fraction, Fraction]], what: str, side: int = 0) -> Decimal:
    """Solve flows at times in years; all times become whole numbers of one small part of a year."""
    part = lcm(*(years.denominator for _, years in flows))
    if part > 10**9 or max(abs(years) for _, years in flows) > 10_000:
        raise InvalidTerms(
            "interest.time",
            "times must lie within 10,000 years and be whole numbers of a common part; give days or months",
        )
    none = Fraction(0)
    return _root([(amount, int(years * part), none) for amount, years in flows], part, what, side)


def _root(flows: Sequence[tuple[Fraction, int, Fraction]], part: int, what: str, side: int = 0) -> Decimal:
    """Find i for which the sum of amount / ((1 + odd i) (1 + i)^(steps / part)) is zero, on one `side` of zero first."""
    merged: dict[tuple[int, Fraction], Fraction] = {}
    first = min(steps for _, steps, _ in flows)  # a shift in time changes no root, and keeps e**(x t) in range
    for amount, steps, odd in flows:
        merged[steps - first, odd] = merged.get((steps - first, odd), Fraction(0)) + amount
    terms = [(steps, odd, amount) for (steps, odd), amount in sorted(merged.items()) if amount]
    if not terms:  # all is paid back at once: any rate fits, and the one nearest to zero is zero
        return Decimal(0)
    scale = max(abs(amount) for _, _, amount in terms)
    floats = [(float(amount / scale), -steps / part, float(odd)) for steps, odd, amount in terms]

    def rough(x: float) -> float:
        i = expm1(x)
        return sum(amount * exp(time * x) / (1 + odd * i) for amount, time, odd in floats)

    with localcontext(WIDE):
        wides = [(steps, decimal_of(odd), decimal_of(amount / scale)) for steps, odd, amount in terms]

    def exact(x: Decimal) -> Decimal:
        i = x.exp() - 1
        base = (-x / part).exp()
        power, at, powers = Decimal(1), 0, {0: Decimal(1)}
        result = Decimal(0)
        for steps, odd, amount in wides:  # in order of time, so that each power is the last times a known one
            gap = steps - at
            if gap not in powers:
                powers[gap] = base**gap
            power, at = power * powers[gap], steps
            result += amount * power / (1 + odd * i) if odd else amount * power
        return result

    horizon = max(-floats[-1][1], 1.0)
    signs = [amount > 0 for _, _, amount in terms]
    once = sum(before != after for before, after in pairwise(signs)) == 1
    guess = _first_guess(floats) if once else None
    return growth_root(rough, exact, horizon=horizon, what=what, guess=guess, side=side)


def _first_guess(floats: Sequence[tuple[float, float, float]]) -> float | None:
    """Spread the gain over the mean time between what comes first and what comes later."""
    first = floats[0][0] > 0
    lent = sum(abs(amount) for amount, _, _ in floats if (amount > 0) == first)
    paid = sum(abs(amount) for amount, _, _ in floats if (amount > 0) != first)
    lent_at = sum(abs(amount) * (time - odd) for amount, time, odd in floats if (amount > 0) == first) / lent
    paid_at = sum(abs(amount) * (time - odd) for amount, time, odd in floats if (amount > 0) != first) / paid
    return log(paid / lent) / (lent_at - paid_at) or None
