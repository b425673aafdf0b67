"""The payments that a credit agreement asks for, before any day is set to them; `interest` is their public room.

A yearly rate of charge is often worked out from the terms alone: instalments that grow each year, or a balance repaid
by a rule until nothing is left. These functions spread such terms out into amounts and times for `eu_aprc`. Amounts
are Fractions in the unit of what was given; they are rounded only where `decimals` asks for it. No plan is built here:
a plan that somebody is to keep is `plans`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import attrs

from collectkit.core._solve import amount_of
from collectkit.core.calendars import Every
from collectkit.core.checks import require_int
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import exact_number

__all__ = [
    "MAX_PAYMENTS",
    "EqualPrincipal",
    "FixedPrincipal",
    "PaymentShare",
    "PrincipalRule",
    "PrincipalShare",
    "amortising_amounts",
    "growing_amounts",
    "series_years",
]

MAX_PAYMENTS: Final = 12_000  # a thousand years of months; a rule that needs more is taken for one that never ends
_FINEST: Final = 10**60  # parts of a unit: a share of a share of a balance would gain digits without end


def _amount(value: object) -> Fraction:
    given = amount_of(value)
    if given < 0:
        raise InvalidTerms("interest.amount", "an amount of a principal rule must be 0 or more")
    return given


def _share(value: object) -> Fraction:
    given = exact_number(value, "share")
    if not 0 <= given <= 1:
        raise InvalidTerms("interest.share", "share must be from 0 to 1; 2 % is '0.02'")
    return given


# -- the rules by which a balance is repaid ------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class FixedPrincipal:
    """Each payment repays `amount` of the balance; the interest comes on top. 0 is interest only.

    Raises:
        InvalidTerms: `interest.amount` below zero.
    """

    amount: Fraction = attrs.field(converter=_amount)


@attrs.frozen(kw_only=True)
class EqualPrincipal:
    """Each payment repays the `count`-th part of the first balance; the interest comes on top.

    Raises:
        InvalidTerms: `interest.count` unless 1 to 12,000.
    """

    count: int = attrs.field()

    @count.validator
    def _check_count(self, _attribute: object, value: object) -> None:
        require_int(value, "count", at_least=1, at_most=MAX_PAYMENTS, code="interest.count", error=InvalidTerms)


@attrs.frozen(kw_only=True)
class PrincipalShare:
    """Each payment repays a `share` of the balance, `minimum` at least; the interest comes on top.

    Raises:
        InvalidTerms: `interest.share` unless 0 to 1, `interest.amount` for a minimum below zero.
    """

    share: Fraction = attrs.field(converter=_share)
    minimum: Fraction = attrs.field(default=Fraction(0), converter=_amount)


@attrs.frozen(kw_only=True)
class PaymentShare:
    """The whole payment is a `share` of balance and interest together, `minimum` at least; interest comes out of it.

    Raises:
        InvalidTerms: `interest.share` unless 0 to 1, `interest.amount` for a minimum below zero.
    """

    share: Fraction = attrs.field(converter=_share)
    minimum: Fraction = attrs.field(default=Fraction(0), converter=_amount)


PrincipalRule = FixedPrincipal | EqualPrincipal | PrincipalShare | PaymentShare
"""How much of a balance each payment repays; never more than the balance."""


# -- amounts and times ---------------------------------------------------------------------------------------------


def amortising_amounts(
    *,
    balance: Money | int | str | Fraction,
    period_rate: str | int | Fraction,
    principal: PrincipalRule,
    clear_at: int | None = None,
    decimals: int | None = None,
    rounding: Rounding = "half_even",
) -> tuple[Fraction, ...]:
    """Return the payments that repay `balance`: the interest of each period plus principal by the rule.

    The principal is capped by what is left, and payment number `clear_at` repays all of it. `decimals` rounds what is
    paid (to the cent: 2, or 0 for Money and minor units), while the balance goes on unrounded; None rounds nothing. A
    balance whose digits would grow without end is carried to 60 decimals.

    >>> card = amortising_amounts(
    ...     balance=200_000, period_rate="0.005", principal=PrincipalShare(share="0.02", minimum=100)
    ... )
    >>> len(card), card[0], round(card[-1], 2)
    (233, Fraction(5000, 1), Fraction(2969, 50))

    Raises:
        InvalidTerms: `interest.amount` unless the balance is above zero; `interest.rate` unless the rate is above
            -100 % and at most 10**9; `interest.rule` for what is no principal rule; `interest.count` unless `clear_at`
            is 1 to 12,000; `interest.no_term` where the rule does not repay the balance within 12,000 payments;
            `interest.decimals`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
        InvalidMoney: `money.rounding`.
    """
    left, rate = amount_of(balance, "balance"), exact_number(period_rate, "period_rate")
    if left <= 0:
        raise InvalidTerms("interest.amount", "balance must be above zero")
    if not -1 < rate <= 10**9:
        raise InvalidTerms("interest.rate", "a rate of one period must be above -100 % and at most 10**9")
    if not isinstance(principal, PrincipalRule):
        raise InvalidTerms("interest.rule", f"principal needs a principal rule, not {type(principal).__name__}")
    if clear_at is not None:
        require_int(clear_at, "clear_at", at_least=1, at_most=MAX_PAYMENTS, code="interest.count", error=InvalidTerms)
    elif isinstance(principal, (PrincipalShare, PaymentShare)) and principal.minimum == 0 and principal.share < 1:
        raise InvalidTerms("interest.no_term", "a share of what is left never repays it all; give minimum or clear_at")
    part = left / principal.count if isinstance(principal, EqualPrincipal) else Fraction(0)
    amounts: list[Fraction] = []
    while left > 0:
        interest = left * rate
        repaid = left if len(amounts) + 1 == clear_at else min(left, _principal(principal, left, interest, part))
        if clear_at is None and (repaid <= 0 or len(amounts) == MAX_PAYMENTS):
            raise InvalidTerms(
                "interest.no_term",
                f"payment {len(amounts) + 1} leaves the balance unpaid and no end in sight; raise it or give clear_at",
            )
        amounts.append(_rounded(interest + repaid, decimals, rounding))
        left -= repaid
        if left.denominator > _FINEST:
            left = Fraction(rounded(left * _FINEST), _FINEST)
    return tuple(amounts)


def growing_amounts(
    *,
    first: Money | int | str | Fraction,
    growth: str | int | Fraction,
    years: int,
    per_year: int,
    decimals: int | None = None,
    rounding: Rounding = "half_even",
) -> tuple[Fraction, ...]:
    """Return level payments that grow once a year: in year y (from 0) each is first x (1 + growth)^y, then rounded.

    Every year grows from the unrounded first payment. A `growth` below zero lets the payments fall.

    >>> growing_amounts(first="100.555", growth="0.03", years=2, per_year=2, decimals=2)
    (Fraction(2514, 25), Fraction(2514, 25), Fraction(10357, 100), Fraction(10357, 100))

    Raises:
        InvalidTerms: `interest.rate` unless growth is above -100 % and at most 10**9; `interest.count` unless `years`
            and `per_year` are 1 or more and the payments at most 12,000; `interest.decimals`.
        InvalidRate: `rates.float` and the like for a number that is not exact.
        InvalidMoney: `money.rounding`.
    """
    start, yearly = amount_of(first, "first"), exact_number(growth, "growth")
    if not -1 < yearly <= 10**9:
        raise InvalidTerms("interest.rate", "growth must be above -100 % a year and at most 10**9")
    require_int(years, "years", at_least=1, at_most=MAX_PAYMENTS, code="interest.count", error=InvalidTerms)
    most = MAX_PAYMENTS // years
    require_int(per_year, "per_year", at_least=1, at_most=most, code="interest.count", error=InvalidTerms)
    amounts: list[Fraction] = []
    for _ in range(years):
        amounts += [_rounded(start, decimals, rounding)] * per_year
        start *= 1 + yearly
    return tuple(amounts)


def series_years(*, first: Fraction | int, every: Every, count: int) -> tuple[Fraction, ...]:
    """Return `count` times in years from `first` on: a month is a twelfth, a week 1/52, a day 1/365.

    >>> [str(at) for at in series_years(first=Fraction(1, 12), every=Every(6, "months"), count=3)]
    ['1/12', '7/12', '13/12']

    Raises:
        InvalidTerms: `interest.count` unless 0 to 100,000; `interest.unit_period` unless `every` is an Every.
        InvalidRate: `rates.float` and the like for a time that is not exact.
    """
    start = exact_number(first, "first")
    require_int(count, "count", at_least=0, at_most=100_000, code="interest.count", error=InvalidTerms)
    if not isinstance(every, Every):
        raise InvalidTerms("interest.unit_period", "every needs an Every, such as Every(1, 'months')")
    step = Fraction(every.n, {"days": 365, "weeks": 52, "semimonths": 24, "months": 12, "years": 1}[every.unit])
    return tuple(start + k * step for k in range(count))


# -- details -------------------------------------------------------------------------------------------------------


def _principal(rule: PrincipalRule, left: Fraction, interest: Fraction, part: Fraction) -> Fraction:
    if isinstance(rule, FixedPrincipal):
        return rule.amount
    if isinstance(rule, EqualPrincipal):
        return part
    if isinstance(rule, PrincipalShare):
        return max(rule.share * left, rule.minimum)
    return max(rule.share * (left + interest), rule.minimum) - interest


def _rounded(amount: Fraction, decimals: int | None, rounding: Rounding) -> Fraction:
    if decimals is None:
        return amount
    require_int(decimals, "decimals", at_least=0, at_most=20, code="interest.decimals", error=InvalidTerms)
    return Fraction(rounded(amount * 10**decimals, rounding), 10**decimals)
