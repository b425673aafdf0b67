"""The arithmetic of schedules on whole numbers: balances, level payments, rounding. Import it from `schedule`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import lcm
from operator import neg

from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Rounding, round_half_even, rounded

Factor = tuple[int, int]
"""The interest on one minor unit over one period, as numerator and denominator."""


def level_balances(start: int, numerator: int, denominator: int, payment: int, count: int) -> list[int]:
    """Return the balance after each of `count` equal payments; the last one takes the whole balance.

    Interest is `balance * numerator / denominator`, in lowest terms, rounded half-even.

    >>> level_balances(10000, 1, 100, 3400, 3)
    [6700, 3367, 0]
    """
    half = denominator // 2
    growth = numerator + denominator
    shift = half - payment * denominator  # rounds interest up at a half, and takes the payment off
    balances = [0] * count
    balance = start
    is_odd = denominator & 1  # then no interest is a half
    if is_odd or 20 * start < count * denominator:  # so long, and so few ties, that looking for them pays
        for place in range(count - 1):
            balances[place] = balance = (balance * growth + shift) // denominator
        if is_odd or not _may_tie(start, balance, balances, denominator):
            return balances
        balance = start
    for place in range(count - 1):
        if balance % denominator == half:  # in lowest terms only such a balance bears interest of a half
            balance += round_half_even(balance * numerator, denominator) - payment
        else:
            balance = (balance * growth + shift) // denominator
        balances[place] = balance
    return balances


def _may_tie(start: int, last: int, balances: list[int], denominator: int) -> bool:
    """Say whether one of many balances can have borne interest of exactly a half unit, which was rounded up.

    Only one that leaves half of the denominator can. While the debt falls to `last`, above 0, the few such balances
    are looked for by halving, which costs less than a look at each.
    """
    half = denominator // 2
    if start % denominator == half or balances[0] > start or last < 0:
        return True
    for balance in range(half, start, denominator):
        if balances[bisect_left(balances, -balance, key=neg)] == balance:
            return True
    return False


def roll(
    opening: int,
    factors: Iterable[Factor],
    payments: Iterable[int],
    rounding: Rounding = "half_even",
) -> tuple[list[int], list[int]]:
    """Run a debt through periods: return the balance after each and the interest of each.

    `factors` are exact interest factors of the periods, `payments` what is paid at the end of each. Nothing is
    forced: the last balance is what is left over, and a payment below its interest makes the balance grow.

    >>> roll(10000, [(1, 100), (1, 50)], [5000, 5000])
    ([5100, 202], [100, 102])
    """
    round_ = whole_rounder(rounding)
    balances, interests = [], []
    balance = opening
    for (numerator, denominator), payment in zip(factors, payments, strict=True):
        interest = round_(balance * numerator, denominator)
        balance += interest - payment
        interests.append(interest)
        balances.append(balance)
    return balances, interests


def whole_rounder(rounding: Rounding) -> Callable[[int, int], int]:
    """Return a function that divides two integers and rounds to a whole number in the named way.

    >>> whole_rounder("up")(1, 3)
    1
    """
    if rounding == "half_even":
        return round_half_even
    return lambda numerator, denominator: rounded(Fraction(numerator, denominator), rounding)


def exact_level(
    opening: int,
    factors: Sequence[Fraction],
    weights: Sequence[Fraction] | None = None,
    fixed: Sequence[int] | None = None,
) -> Fraction:
    """Return the exact p with which payments of p * weight + fixed pay `opening` off over these periods.

    Weights are 1 and fixed sums 0 where none are given. The sums run over one common denominator, so that only whole
    numbers are multiplied.

    >>> exact_level(10000, [Fraction(1, 100)] * 2)
    Fraction(1020100, 201)
    """
    count = len(factors)
    if weights is None and fixed is None and count and factors.count(factors[0]) == count:
        return _exact_level_even(opening, factors[0], count)
    scale = lcm(*(factor.denominator for factor in factors))
    weigh = 1 if weights is None else lcm(*(weight.denominator for weight in weights))
    grown, weighted, paid, power = opening, 0, 0, 1
    for place, factor in enumerate(factors):
        growth = scale + factor.numerator * (scale // factor.denominator)
        power *= scale
        weight = weigh if weights is None else int(weights[place] * weigh)
        grown *= growth
        weighted = weighted * growth + weight * power
        paid = paid * growth + (0 if fixed is None else fixed[place]) * power
    if not weighted:
        raise InvalidTerms("plans.amounts", "every instalment is fixed, so none is left to be solved")
    return Fraction((grown - paid) * weigh, weighted)


def _exact_level_even(opening: int, factor: Fraction, count: int) -> Fraction:
    numerator, denominator = factor.numerator, factor.denominator
    if numerator == 0:
        return Fraction(opening, count)
    grown, start = (denominator + numerator) ** count, denominator**count
    return Fraction(opening * numerator * grown, denominator * (grown - start))
