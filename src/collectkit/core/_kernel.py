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
    numbers are multiplied; of many rows by halves, as the numbers grow with every row.

    >>> exact_level(10000, [Fraction(1, 100)] * 2)
    Fraction(1020100, 201)
    """
    count = len(factors)
    if weights is None and fixed is None and count and factors.count(factors[0]) == count:
        return _exact_level_even(opening, factors[0], count)
    scale = lcm(*(factor.denominator for factor in factors))
    weigh = 1 if weights is None else lcm(*(weight.denominator for weight in weights))

    def run(start: int, end: int) -> tuple[int, int, int, int]:
        """Return what 1, all weights and all fixed sums of some rows grow to, and the scale of them all."""
        if end - start > _SHORT:
            middle = (start + end) // 2
            grown, weighted, paid, power = run(start, middle)
            more, weighted_more, paid_more, power_more = run(middle, end)
            return (
                grown * more,
                weighted * more + power * weighted_more,
                paid * more + power * paid_more,
                power * power_more,
            )
        grown, weighted, paid, power = 1, 0, 0, 1
        for place in range(start, end):
            factor = factors[place]
            growth = scale + factor.numerator * (scale // factor.denominator)
            power *= scale
            weight = weigh if weights is None else int(weights[place] * weigh)
            grown *= growth
            weighted = weighted * growth + weight * power
            paid = paid * growth + (0 if fixed is None else fixed[place]) * power
        return grown, weighted, paid, power

    grown, weighted, paid, _ = run(0, count)
    if not weighted:
        raise InvalidTerms("plans.amounts", "every instalment is fixed, so none is left to be solved")
    return Fraction((opening * grown - paid) * weigh, weighted)


def _exact_level_even(opening: int, factor: Fraction, count: int) -> Fraction:
    numerator, denominator = factor.numerator, factor.denominator
    if numerator == 0:
        return Fraction(opening, count)
    grown, start = (denominator + numerator) ** count, denominator**count
    return Fraction(opening * numerator * grown, denominator * (grown - start))


# -- the same in whole numbers, where exact fractions grow too long ----------------------------------------------


def level_whole(
    opening: int,
    factors: Sequence[Fraction],
    whole: Callable[[Fraction], int],
    weights: Sequence[Fraction] | None = None,
    fixed: Sequence[int] | None = None,
) -> int:
    """Return `whole` of the exact level, for a rounding that never falls as its argument rises.

    Long plans, and those of uneven periods, are bounded from both sides first; the exact level, whose numbers grow
    with every row, is worked out only where the bounds round differently.

    >>> level_whole(10000, [Fraction(days, 36500) for days in (31, 28, 31)] * 30, round)
    115
    """
    count = len(factors)
    is_long = count > _SHORT and count * factors[0].denominator.bit_length() > _LONG
    if is_long or (count > _SHORT and factors.count(factors[0]) != count):
        bounds = level_bounds(opening, factors, weights, fixed)
        if bounds is not None and whole(bounds[0]) == whole(bounds[1]):
            return whole(bounds[0])
    return whole(exact_level(opening, factors, weights, fixed))


def level_bounds(
    opening: int,
    factors: Sequence[Fraction],
    weights: Sequence[Fraction] | None = None,
    fixed: Sequence[int] | None = None,
) -> tuple[Fraction, Fraction] | None:
    """Return two numbers between which the exact level lies; None where nothing is left to be told apart.

    What one unit of each row is worth at the start is kept as whole numbers of 2**-160, one cut and one raised.

    >>> low, high = level_bounds(10000, [Fraction(1, 100)] * 2)
    >>> low <= Fraction(1020100, 201) <= high, high - low < Fraction(1, 10**40)
    (True, True)
    """
    one = low = high = 1 << _BITS
    sum_low = sum_high = paid_low = paid_high = 0
    for place, factor in enumerate(factors):
        denominator = factor.denominator
        growth = denominator + factor.numerator
        low = low * denominator // growth
        high = -(-high * denominator // growth)
        if weights is None:
            sum_low += low
            sum_high += high
        elif weight := weights[place]:
            sum_low += low * weight.numerator // weight.denominator
            sum_high -= -high * weight.numerator // weight.denominator
        if fixed is not None and fixed[place]:
            paid_low += fixed[place] * low
            paid_high += fixed[place] * high
    if sum_low <= 0:
        return None
    least, most = opening * one - paid_high, opening * one - paid_low
    return (
        Fraction(least, sum_high if least >= 0 else sum_low),
        Fraction(most, sum_low if most >= 0 else sum_high),
    )


def graduated_payments(
    opening: int, factors: Sequence[Fraction], growth: Fraction, rows_per_step: int, whole: Callable[[Fraction], int]
) -> list[int]:
    """Return what each row pays where payments grow by `growth` every so many rows; `whole` never falls.

    Exact weights of thousands of rows have tens of thousands of digits, so each payment is bounded from both sides,
    and worked out exactly only where its bounds round differently.

    >>> graduated_payments(300, [Fraction(0)] * 2, Fraction(1), 1, round)
    [100, 200]
    """
    if len(factors) > _SHORT:
        for bits in (_BITS, 8 * _BITS):
            found = _graduated(opening, factors, 1 + growth, rows_per_step, whole, bits)
            if found is not None:
                return found
    weights = [(1 + growth) ** (row // rows_per_step) for row in range(len(factors))]
    level = exact_level(opening, factors, weights)
    return [whole(level * weight) for weight in weights]


def graduated_exact(
    opening: int, factors: Sequence[Fraction], growth: Fraction, rows_per_step: int, place: int
) -> Fraction:
    """Return the exact payment of one row, counted from 0, before rounding; see `graduated_payments`.

    >>> graduated_exact(300, [Fraction(0)] * 2, Fraction(1), 1, 1)
    Fraction(200, 1)
    """
    ratio = 1 + growth
    numerator, denominator = 0, 1  # from the end: what all later rows are worth, in units of the row before them
    for row in range(len(factors) - 1, -1, -1):
        factor = factors[row]
        numerator += denominator  # this row's own unit
        if row and row % rows_per_step == 0:
            numerator *= factor.denominator * ratio.numerator
            denominator *= (factor.denominator + factor.numerator) * ratio.denominator
        else:
            numerator *= factor.denominator
            denominator *= factor.denominator + factor.numerator
    steps = place // rows_per_step
    return Fraction(opening * denominator * ratio.numerator**steps, numerator * ratio.denominator**steps)


_SHORT = 60  # rows up to which exact fractions are as quick
_LONG = 20_000  # bits from which the growth of a whole plan is slow to work out exactly
_BITS = 160


def _graduated(
    opening: int,
    factors: Sequence[Fraction],
    ratio: Fraction,
    rows_per_step: int,
    whole: Callable[[Fraction], int],
    bits: int,
) -> list[int] | None:
    low = high = 1 << bits  # the worth at the start of what the row pays, for a first payment of 1
    sum_low = sum_high = 0
    for place, factor in enumerate(factors):
        up, down = factor.denominator, factor.denominator + factor.numerator
        if place and place % rows_per_step == 0:
            up, down = up * ratio.numerator, down * ratio.denominator
        low = low * up // down
        high = -(-high * up // down)
        sum_low += low
        sum_high += high
    shift = 2 * bits + max(sum_high.bit_length() - bits, 0)
    first_low, first_high = (opening << shift) // sum_high, -((-opening << shift) // sum_low)  # of 2**(bits - shift)
    payments: list[int] = []
    low = high = 1 << bits
    while len(payments) < len(factors):
        if payments:
            low = low * ratio.numerator // ratio.denominator
            high = -(-high * ratio.numerator // ratio.denominator)
        least, most = first_low * low >> shift - bits, -(-first_high * high >> shift - bits)
        payment = whole(Fraction(max(least, 1), 1 << bits))  # above 0, however little
        if payment != whole(Fraction(most, 1 << bits)):
            return None
        payments += [payment] * rows_per_step
    return payments[: len(factors)]
