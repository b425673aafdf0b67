"""Interest: accrual, level payments, yearly rates for disclosure, and the time-value functions of spreadsheets.

Everything is exact until a named rounding is asked for. Money is integer minor units; rates are `Rate` or Fractions;
what is no fraction (a yearly rate that solves an equation) is a Decimal to 30 decimals, whatever the host's context.
The `..._estimate` functions alone are floats, for screening, and say so. Nothing here builds a schedule.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from math import expm1, log1p, prod
from typing import Final, Literal, get_args

from collectkit.core._apr import (
    Amount,
    RegulationZApr,
    UnitInterval,
    dated_rate,
    dated_rate_estimate,
    eu_aprc,
    eu_years,
    level_rate,
    level_rate_estimate,
    percent_of,
    regz_apr,
    regz_interval,
    regz_unit_period,
)
from collectkit.core._flows import (
    EqualPrincipal,
    FixedPrincipal,
    PaymentShare,
    PrincipalRule,
    PrincipalShare,
    amortising_amounts,
    growing_amounts,
    series_years,
)
from collectkit.core._solve import WIDE, decimal_of, settled
from collectkit.core._tvm import (
    MAX_BITS,
    MAX_PERIODS,
    Number,
    When,
    cumipmt,
    cumprinc,
    fv,
    ipmt,
    nper,
    pmt,
    ppmt,
    pv,
    rate,
)
from collectkit.core.calendars import Every
from collectkit.core.checks import require_date, require_int
from collectkit.core.errors import CurrencyMismatch, InvalidDate, InvalidMoney, InvalidRate, InvalidTerms
from collectkit.core.money import Money, Rounding, round_half_even, rounded
from collectkit.core.rates import DayCount, NotInForce, Rate, RateTable, Stale, day_count, exact_number, year_fraction

__all__ = [
    "MAX_PERIODS",
    "Amount",
    "EqualPrincipal",
    "FixedPrincipal",
    "Number",
    "PaymentShare",
    "PrincipalRule",
    "PrincipalShare",
    "RegulationZApr",
    "RoundingOrder",
    "UnitInterval",
    "When",
    "accrue",
    "accrue_dated",
    "accrued",
    "amortising_amounts",
    "capitalise",
    "cumipmt",
    "cumprinc",
    "dated_rate",
    "dated_rate_estimate",
    "effective_annual",
    "eu_aprc",
    "eu_years",
    "fv",
    "growing_amounts",
    "ipmt",
    "level_payment",
    "level_payment_minor",
    "level_rate",
    "level_rate_estimate",
    "nominal_annual",
    "nper",
    "percent_of",
    "pmt",
    "ppmt",
    "pv",
    "rate",
    "regz_apr",
    "regz_interval",
    "regz_unit_period",
    "series_years",
]

RoundingOrder = Literal["total_only", "daily_first"]
"""Whether the whole interest is rounded once, or the interest of one day first, which is then taken times the days."""

# -- accrual -----------------------------------------------------------------------------------------------------


def accrued(
    *,
    balance: Money,
    rate: Rate,
    start_on: date,
    end_on: date,
    day_count: DayCount,
    compound_every: Every | None = None,
) -> Fraction:
    """Return the exact interest on `balance` over `[start_on, end_on)`, in minor units, unrounded.

    With `compound_every` interest is added to the balance at each rest, counted from `start_on`, and the broken period
    after the last rest is simple; without it all interest is simple. `act/act-icma` takes each rest as its reference
    period.

    >>> accrued(
    ...     balance=Money(100_000, "GBP"),
    ...     rate=Rate.percent("8.5"),
    ...     day_count="act/365f",
    ...     start_on=date(2026, 1, 1),
    ...     end_on=date(2026, 2, 20),
    ... )
    Fraction(85000, 73)

    Raises:
        InvalidTerms: `interest.balance` below zero, `interest.rests` over 36,600 of them, `interest.too_exact`.
        InvalidDate: `calendars.order`, `calendars.type`, `calendars.datetime_for_date`.
        InvalidRate: `rates.day_count`, `rates.type`.
    """
    _require_span(balance, rate, start_on, end_on)
    yearly = rate.annual
    if compound_every is None:
        return balance.minor * yearly * year_fraction(day_count, start_on, end_on)
    if not isinstance(compound_every, Every):
        raise InvalidTerms("interest.rests", "compound_every needs an Every, such as Every(1, 'months')")
    factors: Counter[Fraction] = Counter()  # most rests are alike, and one power is cheaper than many products
    before, number = start_on, 1
    while before < end_on:
        if number > MAX_PERIODS:
            raise InvalidTerms("interest.rests", f"more than {MAX_PERIODS} rests; compound less often")
        try:
            rest = compound_every.date(anchor=start_on, number=number)
        except InvalidDate:  # the next rest lies past the year 9999, so it is past the end as well
            rest = None
        until = end_on if rest is None or rest > end_on else rest
        part = year_fraction(
            day_count, before, until, ref_start_on=before, ref_end_on=rest or until, termination_on=end_on
        )
        factors[1 + yearly * part] += 1
        before, number = until, number + 1
    if sum(factor.numerator.bit_length() * times for factor, times in factors.items()) > MAX_BITS:
        raise InvalidTerms("interest.too_exact", "the rate has too many digits for so many rests; round it first")
    top = prod(factor.numerator**times for factor, times in factors.items())
    bottom = prod(factor.denominator**times for factor, times in factors.items())
    return balance.minor * Fraction(top - bottom, bottom)


def accrue(
    *,
    balance: Money,
    rate: Rate,
    start_on: date,
    end_on: date,
    day_count: DayCount,
    rounding: Rounding = "half_even",
    rounding_order: RoundingOrder = "total_only",
    compound_every: Every | None = None,
) -> Money:
    """Return the interest on `balance` over `[start_on, end_on)`, rounded to minor units in the named way and order.

    `daily_first` rounds one day's interest and takes it times the days; it needs simple interest and a convention with
    one length of year, or `act/act-isda`, whose leap years have a day's interest of their own.

    >>> terms = dict(
    ...     balance=Money(100_000, "GBP"),
    ...     rate=Rate.percent("8.5"),
    ...     day_count="act/365f",
    ...     start_on=date(2026, 1, 1),
    ...     end_on=date(2026, 2, 20),
    ... )
    >>> accrue(**terms), accrue(**terms, rounding_order="daily_first")
    (Money(1164, 'GBP'), Money(1150, 'GBP'))

    Raises:
        InvalidTerms: `interest.balance`, `interest.rests`, `interest.rounding_order`.
        InvalidDate: `calendars.order`, `calendars.type`, `calendars.datetime_for_date`.
        InvalidRate: `rates.day_count`, `rates.type`.
        InvalidMoney: `money.rounding`, `money.out_of_range`.
    """
    _require_rounding(rounding)
    if rounding_order == "total_only":
        exact = accrued(
            balance=balance,
            rate=rate,
            start_on=start_on,
            end_on=end_on,
            day_count=day_count,
            compound_every=compound_every,
        )
        return Money(rounded(exact, rounding), balance.currency)
    if rounding_order != "daily_first":
        raise InvalidTerms("interest.rounding_order", "rounding_order must be one of: total_only, daily_first")
    if compound_every is not None:
        raise InvalidTerms("interest.rounding_order", "daily_first is for simple interest; leave compound_every out")
    _require_span(balance, rate, start_on, end_on)
    yearly = balance.minor * rate.annual
    minor = sum(days * rounded(yearly / basis, rounding) for days, basis in _days_by_basis(day_count, start_on, end_on))
    return Money(minor, balance.currency)


def accrue_dated(
    *,
    balance: Money,
    rates: RateTable,
    start_on: date,
    end_on: date,
    day_count: DayCount,
    rounding: Rounding = "half_even",
) -> Money | NotInForce | Stale:
    """Return simple interest at a rate that changes by date, added up exactly and rounded once.

    A day for which no rate is known gives `NotInForce` or `Stale` in place of money. For a rate fixed at the start of
    the debt, look it up with `rates.at(start_on)` and use `accrue`.

    >>> from collectkit.core.rates import RateStep
    >>> table = RateTable(
    ...     steps=[RateStep(from_on=date(2026, 1, 1), rate=Rate.percent(8))], known_through_on=date(2026, 6, 30)
    ... )
    >>> accrue_dated(
    ...     balance=Money(100_000, "EUR"),
    ...     rates=table,
    ...     day_count="act/365f",
    ...     start_on=date(2026, 6, 1),
    ...     end_on=date(2026, 7, 15),
    ... )
    Stale(as_of=datetime.date(2026, 7, 1), known_through_on=datetime.date(2026, 6, 30))

    Raises:
        InvalidTerms: `interest.balance`.
        InvalidDate: `calendars.order`, `calendars.type`, `calendars.datetime_for_date`.
        InvalidRate: `rates.day_count`.
        InvalidMoney: `money.rounding`, `money.out_of_range`.
    """
    _require_rounding(rounding)
    pieces = rates.pieces(start_on, end_on)
    if isinstance(pieces, (NotInForce, Stale)):
        return pieces
    exact = Fraction(0)
    for piece in pieces:
        exact += accrued(
            balance=balance, rate=piece.rate, start_on=piece.from_on, end_on=piece.until_on, day_count=day_count
        )
    return Money(rounded(exact, rounding), balance.currency)


def capitalise(*, principal: Money, interest: Money) -> Money:
    """Add accrued `interest` to `principal`: it bears interest from then on.

    >>> capitalise(principal=Money(100_000, "EUR"), interest=Money(1_164, "EUR"))
    Money(101164, 'EUR')

    Raises:
        InvalidTerms: `interest.balance` where either is below zero.
        CurrencyMismatch: two currencies.
    """
    if principal.currency != interest.currency:
        raise CurrencyMismatch(principal.currency, interest.currency, "add")
    if principal.minor < 0 or interest.minor < 0:
        raise InvalidTerms("interest.balance", "principal and interest must not be below zero")
    return principal + interest


# -- level payments ----------------------------------------------------------------------------------------------


def level_payment(
    *,
    principal: Money,
    periodic_rate: Fraction,
    count: int,
    residual: Money | None = None,
    rounding: Rounding = "half_even",
) -> Money:
    """Return the level payment that repays `principal` in `count` periods, down to a `residual` left at the end.

    >>> level_payment(principal=Money(100_000, "EUR"), periodic_rate=Rate.percent("9.4822").per_period(12), count=360)
    Money(840, 'EUR')

    Raises:
        InvalidTerms: `interest.count`, `interest.balance`, `interest.rate`, `interest.too_exact`.
        CurrencyMismatch: two currencies.
        InvalidRate: `rates.float` and the like for a rate that is not exact.
        InvalidMoney: `money.rounding`.
    """
    exact = exact_number(periodic_rate, "periodic_rate")
    if not 0 <= exact <= 10**9:
        raise InvalidTerms("interest.rate", "a periodic rate must be from 0 to 10**9")
    require_int(count, "count", at_least=1, at_most=MAX_PERIODS, code="interest.count", error=InvalidTerms)
    if count * (1 + exact).numerator.bit_length() > MAX_BITS:
        raise InvalidTerms("interest.too_exact", "the rate has too many digits for so many periods; round it first")
    _require_rounding(rounding)
    left = 0
    if residual is not None:
        if residual.currency != principal.currency:
            raise CurrencyMismatch(principal.currency, residual.currency, "combine")
        left = residual.minor
    if not 0 <= left <= principal.minor:
        raise InvalidTerms("interest.balance", "principal must be 0 or more, and the residual from 0 to the principal")
    minor = level_payment_minor(principal.minor, exact.numerator, exact.denominator, count, left, rounding)
    return Money(minor, principal.currency)


def level_payment_minor(
    principal: int, num: int, den: int, count: int, residual: int = 0, rounding: Rounding = "half_even"
) -> int:
    """Return the level payment in minor units at num/den a period: the kernel, which trusts its arguments.

    Exact: a float decides only where it is farther from a half (or from a whole unit) than it can be wrong.
    Needs principal >= residual >= 0, num >= 0, den > 0, count >= 1.

    >>> level_payment_minor(100_000, 94_822, 12_000_000, 360)
    840
    """
    if num == 0:
        return rounded(Fraction(principal - residual, count), rounding)
    if residual == 0 and principal < _FILTER_LIMIT:
        r = num / den
        if r > 1e-200:
            p = principal * r / -expm1(-count * log1p(r))
            if p < _FILTER_LIMIT:
                # log1p and expm1 err by at most 4 ulp and the formula's condition is at most 1
                margin = p * 1e-13 + 1e-9
                whole = int(p)
                part = p - whole
                if rounding in ("half_even", "half_up", "half_down"):
                    if part < 0.5 - margin:
                        return whole
                    if part > 0.5 + margin:
                        return whole + 1
                elif margin < part < 1 - margin:
                    return whole + (rounding in ("up", "ceiling"))
    grown, base = (den + num) ** count, den**count
    top, bottom = num * (principal * grown - residual * base), den * (grown - base)
    return round_half_even(top, bottom) if rounding == "half_even" else rounded(Fraction(top, bottom), rounding)


# -- nominal and effective ---------------------------------------------------------------------------------------


def effective_annual(nominal: Rate | Number, *, periods_per_year: int) -> Fraction:
    """Turn a nominal yearly rate, compounded so many times a year, into the effective one, exactly.

    >>> effective_annual(Rate.percent(12), periods_per_year=2)
    Fraction(309, 2500)

    Raises:
        InvalidTerms: `interest.periods` unless 1 to 366; `interest.rate` where a period loses all.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    require_int(
        periods_per_year, "periods_per_year", at_least=1, at_most=366, code="interest.periods", error=InvalidTerms
    )
    yearly = nominal.annual if isinstance(nominal, Rate) else exact_number(nominal, "nominal")
    if yearly <= -periods_per_year:
        raise InvalidTerms("interest.rate", "a rate of one period must be above -100 %")
    return (1 + yearly / periods_per_year) ** periods_per_year - 1


def nominal_annual(effective: Rate | Number, *, periods_per_year: int) -> Decimal:
    """Turn an effective yearly rate into the nominal one compounded so many times a year, to 30 decimals.

    >>> str(nominal_annual(Fraction(309, 2500), periods_per_year=2))
    '0.12'

    Raises:
        InvalidTerms: `interest.periods` unless 1 to 366; `interest.rate` at -100 % or below.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    require_int(
        periods_per_year, "periods_per_year", at_least=1, at_most=366, code="interest.periods", error=InvalidTerms
    )
    yearly = effective.annual if isinstance(effective, Rate) else exact_number(effective, "effective")
    if yearly <= -1:
        raise InvalidTerms("interest.rate", "an effective rate must be above -100 %")
    with localcontext(WIDE):
        growth = (decimal_of(1 + yearly).ln() / periods_per_year).exp()
        return settled(periods_per_year * (growth - 1))


# -- details -----------------------------------------------------------------------------------------------------

_FILTER_LIMIT: Final = 10**14


def _require_rounding(rounding: Rounding) -> None:
    """Refuse a name that is no rounding even where nothing is left to round."""
    if rounding not in get_args(Rounding):
        raise InvalidMoney("money.rounding", f"rounding must be one of: {', '.join(get_args(Rounding))}")


def _require_span(balance: Money, rate: Rate, start_on: date, end_on: date) -> None:
    if not isinstance(rate, Rate):
        raise InvalidRate("rates.type", f"rate needs a Rate, such as Rate.percent('8.5'), not {type(rate).__name__}")
    if not isinstance(balance, Money) or balance.minor < 0:
        raise InvalidTerms("interest.balance", "balance needs Money of 0 or more; a credit balance bears no interest")
    if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
        raise InvalidDate("calendars.order", "end_on comes before start_on; interest runs forward")


def _days_by_basis(convention: DayCount, start_on: date, end_on: date) -> list[tuple[int, Fraction]]:
    """Cut a span into days and the length of the year that they are a part of."""
    if convention == "act/act-isda":
        parts = []
        for year in range(start_on.year, end_on.year + 1):
            lo = max(start_on.toordinal(), date(year, 1, 1).toordinal())
            hi = min(end_on.toordinal(), date(year, 12, 31).toordinal() + 1)
            if hi > lo:
                parts.append((hi - lo, Fraction(date(year, 12, 31).timetuple().tm_yday)))
        return parts
    if convention in ("act/act-icma", "act/act-afb"):
        raise InvalidTerms(
            "interest.rounding_order", f"{convention} has no length of a day's interest; use rounding_order total_only"
        )
    days = day_count(convention, start_on, end_on)
    one_day = year_fraction(convention, date(2001, 1, 1), date(2001, 1, 2))
    return [(days, 1 / one_day)]
