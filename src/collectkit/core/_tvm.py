"""The time-value functions of spreadsheets, by their names and signs, exact; `interest` is their public room.

Money received is positive, money paid negative, so a loan has a positive `pv` and a negative `pmt`. `rate` is the rate
of one period, `when` says whether payments fall at the end or the beginning of a period. Answers are Fractions without
any rounding; `nper` and `rate`, which are no fractions, are Decimals to 30 decimals.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import exp, expm1
from typing import Final, Literal, NoReturn

from collectkit.core._solve import WIDE, decimal_of, growth_root, settled
from collectkit.core.checks import require_int
from collectkit.core.errors import InvalidTerms
from collectkit.core.rates import exact_number

__all__ = ["MAX_PERIODS", "Number", "When", "cumipmt", "cumprinc", "fv", "ipmt", "nper", "pmt", "ppmt", "pv", "rate"]

Number = str | int | Decimal | Fraction
"""An exact number; a float is refused."""

When = Literal["end", "begin"]
"""Whether payments fall at the end or the beginning of each period."""

MAX_PERIODS: Final = 36_600  # days of a century
MAX_BITS: Final = 1_000_000  # of (1 + rate)^n: 9.4822 % over a century of days has 750,000


def fv(*, rate: Number, nper: int, pmt: Number = 0, pv: Number = 0, when: When = "end") -> Fraction:
    """Return the value after `nper` payments.

    >>> fv(rate="0.01", nper=2, pmt=-100)
    Fraction(201, 1)

    Raises:
        InvalidTerms: `interest.nper`, `interest.rate`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    r, n = _rate(rate), _count(nper, least=0)
    growth, annuity = _factors(r, n, when)
    return -(exact_number(pv, "pv") * growth + exact_number(pmt, "pmt") * annuity)


def pv(*, rate: Number, nper: int, pmt: Number = 0, fv: Number = 0, when: When = "end") -> Fraction:
    """Return the value today of `nper` payments and a last sum `fv`.

    >>> pv(rate="0", nper=12, pmt=-100)
    Fraction(1200, 1)

    Raises:
        InvalidTerms: `interest.nper`, `interest.rate`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    r, n = _rate(rate), _count(nper, least=0)
    growth, annuity = _factors(r, n, when)
    return -(exact_number(fv, "fv") + exact_number(pmt, "pmt") * annuity) / growth


def pmt(*, rate: Number, nper: int, pv: Number = 0, fv: Number = 0, when: When = "end") -> Fraction:
    """Return the level payment, unrounded.

    >>> pmt(rate="0.8", nper=3, pv=20000)
    Fraction(-2916000, 151)

    Raises:
        InvalidTerms: `interest.nper`, `interest.rate`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    r, n = _rate(rate), _count(nper)
    growth, annuity = _factors(r, n, when)
    return -(exact_number(fv, "fv") + exact_number(pv, "pv") * growth) / annuity


def ipmt(*, rate: Number, per: int, nper: int, pv: Number = 0, fv: Number = 0, when: When = "end") -> Fraction:
    """Return the interest part of payment number `per`; the first of payments at the beginning bears none.

    >>> ipmt(rate="0.01", per=1, nper=12, pv=1000)
    Fraction(-10, 1)

    Raises:
        InvalidTerms: `interest.per` outside 1 to `nper`; `interest.nper`, `interest.rate`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    return cumipmt(rate=rate, nper=nper, pv=pv, fv=fv, start=per, end=per, when=when)


def ppmt(*, rate: Number, per: int, nper: int, pv: Number = 0, fv: Number = 0, when: When = "end") -> Fraction:
    """Return the principal part of payment number `per`.

    >>> ppmt(rate="0", per=1, nper=4, pv=1000)
    Fraction(-250, 1)

    Raises:
        InvalidTerms: `interest.per` outside 1 to `nper`; `interest.nper`, `interest.rate`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    return cumprinc(rate=rate, nper=nper, pv=pv, fv=fv, start=per, end=per, when=when)


def cumipmt(
    *, rate: Number, nper: int, pv: Number, start: int, end: int, fv: Number = 0, when: When = "end"
) -> Fraction:
    """Return the interest in payments `start` to `end`, both included.

    >>> cumipmt(rate="0.01", nper=12, pv=1000, start=1, end=1)
    Fraction(-10, 1)

    Raises:
        InvalidTerms: `interest.per` unless 1 <= start <= end <= nper; `interest.nper`, `interest.rate`,
            `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    level = pmt(rate=rate, nper=nper, pv=pv, fv=fv, when=when)
    _span(start, end, nper)
    return level * (end - start + 1) - _principal(_rate(rate), level, exact_number(pv, "pv"), start, end, when)


def cumprinc(
    *, rate: Number, nper: int, pv: Number, start: int, end: int, fv: Number = 0, when: When = "end"
) -> Fraction:
    """Return the principal in payments `start` to `end`, both included.

    >>> cumprinc(rate="0.01", nper=12, pv=1000, start=1, end=12)
    Fraction(-1000, 1)

    Raises:
        InvalidTerms: `interest.per` unless 1 <= start <= end <= nper; `interest.nper`, `interest.rate`,
            `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    level = pmt(rate=rate, nper=nper, pv=pv, fv=fv, when=when)
    _span(start, end, nper)
    return _principal(_rate(rate), level, exact_number(pv, "pv"), start, end, when)


def nper(*, rate: Number, pmt: Number, pv: Number, fv: Number = 0, when: When = "end") -> Decimal:
    """Return the number of payments, to 30 decimals; it can be broken, and negative where the signs say so.

    >>> nper(rate="0", pmt=-100, pv=1000)
    Decimal('1E+1')

    Raises:
        InvalidTerms: `interest.no_term` where no number of payments comes to `fv`; `interest.rate`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    r, payment = _rate(rate), exact_number(pmt, "pmt")
    present, future = exact_number(pv, "pv"), exact_number(fv, "fv")
    begin = _begins(when)
    if r == 0:
        if payment == 0:
            _no_term()
        with localcontext(WIDE):
            return settled(decimal_of(-(future + present) / payment))
    perpetuity = payment * (1 + r * begin) / r
    before, after = present + perpetuity, perpetuity - future
    if before == 0 or after / before <= 0:
        _no_term()
    with localcontext(WIDE):
        return settled(decimal_of(after / before).ln() / decimal_of(1 + r).ln())


def rate(*, nper: int, pmt: Number, pv: Number, fv: Number = 0, when: When = "end") -> Decimal:
    """Return the rate of one period, to 30 decimals; where several fit, the one nearest to zero.

    >>> str(rate(nper=2, pmt=0, pv=-100, fv=121))
    '0.1'

    Raises:
        InvalidTerms: `interest.no_rate` where none fits; `interest.nper`, `interest.when`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
    """
    n, begin = _count(nper), _begins(when)
    payment = exact_number(pmt, "pmt")
    present, future = exact_number(pv, "pv"), exact_number(fv, "fv")
    if present + payment * n + future == 0:
        return Decimal(0)
    scale = max(abs(present), abs(payment), abs(future))
    present, payment, future = present / scale, payment / scale, future / scale
    p, a, f = float(present), float(payment), float(future)

    def rough(x: float) -> float:
        if x == 0:
            return p + a * n + f
        i = expm1(x)
        return p - a * (1 + i * begin) * expm1(-n * x) / i + f * exp(-n * x)

    exact_p, exact_a, exact_f = (_wide(value) for value in (present, payment, future))

    def exact(x: Decimal) -> Decimal:
        discount = (-n * x).exp()
        i = x.exp() - 1
        annuity = Decimal(n) if i == 0 else (1 - discount) / i
        return exact_p + exact_a * (1 + i * begin) * annuity + exact_f * discount

    return growth_root(rough, exact, horizon=float(n), what="rate of a period")


# -- details ---------------------------------------------------------------------------------------------------


def _rate(value: Number) -> Fraction:
    r = exact_number(value, "rate")
    if not -1 < r <= 10**9:
        raise InvalidTerms("interest.rate", "a rate of one period must be above -100 % and at most 10**9")
    return r


def _count(value: int, *, least: int = 1) -> int:
    return require_int(value, "nper", at_least=least, at_most=MAX_PERIODS, code="interest.nper", error=InvalidTerms)


def _span(start: int, end: int, periods: int) -> None:
    require_int(start, "start", at_least=1, at_most=periods, code="interest.per", error=InvalidTerms)
    require_int(end, "end", at_least=start, at_most=periods, code="interest.per", error=InvalidTerms)


def _begins(when: When) -> int:
    if when not in ("end", "begin"):
        raise InvalidTerms("interest.when", "when must be one of: end, begin")
    return 1 if when == "begin" else 0


def _factors(r: Fraction, n: int, when: When) -> tuple[Fraction, Fraction]:
    """Return (1 + r)^n and the sum to which n payments of 1 grow."""
    begin = _begins(when)
    if r == 0:
        return Fraction(1), Fraction(n)
    if n * (1 + r).numerator.bit_length() > MAX_BITS:  # before work in proportion to it
        raise InvalidTerms("interest.too_exact", "the rate has too many digits for so many periods; round it first")
    growth = (1 + r) ** n
    return growth, (growth - 1) / r * (1 + r * begin)


def _principal(r: Fraction, level: Fraction, present: Fraction, start: int, end: int, when: When) -> Fraction:
    """Return the change of the balance from after payment start - 1 to after payment end."""

    def balance(k: int) -> Fraction:
        if k == 0:
            return present
        growth, annuity = _factors(r, k, "end")
        if when == "begin":  # k payments, and k - 1 periods of growth between the first and the last
            return present * growth / (1 + r) + level * annuity
        return present * growth + level * annuity

    return balance(end) - balance(start - 1)


def _wide(value: Fraction) -> Decimal:
    with localcontext(WIDE):
        return decimal_of(value)


def _no_term() -> NoReturn:
    raise InvalidTerms(
        "interest.no_term", "no number of these payments comes to that sum; a payment must exceed the first interest"
    )
