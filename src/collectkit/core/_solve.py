"""Roots of cash-flow equations to 30 decimals, whatever Decimal context the host has set.

A float search finds the root, a secant in 60-digit Decimals polishes it. `interest` is the public room for all of this.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final, NoReturn

from collectkit.core._decimals import own_context
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import exact_number

__all__ = ["DECIMALS", "WIDE", "amount_of", "decimal_of", "growth_root", "settled"]

WIDE: Final = own_context(60)

DECIMALS: Final = Decimal("1E-30")
"""Rates that are no exact fraction come to 30 decimals, rounded half even from more."""

_TOLERANCE: Final = Decimal("1E-40")
_NEAR: Final = Decimal("1E-12")  # the second point of the secant; the float root is about as good
_HIGHEST: Final = 57.5  # ln(1 + 10**25): with 30 decimals that fills the wide context


def decimal_of(value: Fraction) -> Decimal:
    """Divide in the current context, which must be a copy of `WIDE`."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def amount_of(value: object, name: str = "an amount") -> Fraction:
    """Read money as minor units, anything else as an exact number."""
    if isinstance(value, Money):
        return Fraction(value.minor)
    return exact_number(value, name)


def settled(value: Decimal) -> Decimal:
    """Round to 30 decimals without trailing zeros, in the current context."""
    if value and value.adjusted() > 28:  # a zero may carry any exponent
        raise InvalidTerms("interest.out_of_range", "the answer is over 10**28; check the amounts")
    rounded = value.quantize(DECIMALS)
    return Decimal(0) if rounded == 0 else rounded.normalize()


def growth_root(
    rough: Callable[[float], float],
    exact: Callable[[Decimal], Decimal],
    *,
    horizon: float,
    what: str,
    guess: float | None = None,
    side: int = 0,
) -> Decimal:
    """Find i, to 30 decimals, for which both functions of x = ln(1 + i) vanish; of several the one nearest to zero.

    `horizon` is the longest time in periods, so that the search does not run where floats overflow. A `guess` of x is
    for flows with one root only. A `side` of 1 or -1 looks above or below zero first, and on the other side only where
    there is none. The wide context is in force while `exact` runs.
    """
    x = _rough_root(rough, horizon, what, guess, side)
    with localcontext(WIDE):
        before = Decimal(repr(x))
        now, value_before = before + _NEAR, exact(before)
        for _ in range(60):
            value = exact(now)
            if value == 0:
                break
            if value == value_before:
                _refuse(what)
            before, now, value_before = now, now - value * (now - before) / (value - value_before), value
            if abs(now - before) < _TOLERANCE:
                break
        else:
            _refuse(what)
        root = settled(now.exp() - 1)
    if root <= -1:
        _refuse(what)
    return root


def _rough_root(rough: Callable[[float], float], horizon: float, what: str, guess: float | None, side: int) -> float:
    """Look outwards from zero on both sides, or from a guess, for a change of sign; then close in."""
    at_zero = rough(0.0)
    if at_zero == 0:
        return 0.0
    lowest, highest = -600.0 / max(horizon, 1.0), _HIGHEST  # e**600 is still a float
    right = left = 0.0
    value_right = value_left = at_zero
    step = min(0.0005, -lowest / 64)
    if side and guess is None:
        for towards in (side, -side):
            found = _on_one_side(rough, at_zero, towards * step, highest if towards > 0 else lowest)
            if found is not None:
                return found
        _refuse(what)
    if guess is not None and lowest < guess < highest:
        right = left = guess
        value_right = value_left = rough(guess)
        step = max(abs(guess) * 1e-3, 1e-9)
    while right < highest or left > lowest:
        edge = min(right + step, highest)
        value = rough(edge)
        if (value > 0) != (value_right > 0):
            return _between(rough, right, value_right, edge, value)
        right, value_right = edge, value
        edge = max(left - step, lowest)
        value = rough(edge)
        if (value > 0) != (value_left > 0):
            return _between(rough, edge, value, left, value_left)
        left, value_left = edge, value
        step *= 1.25 if guess is None else 4.0
    _refuse(what)


def _on_one_side(rough: Callable[[float], float], at_zero: float, step: float, limit: float) -> float | None:
    x, value = 0.0, at_zero
    while x != limit:
        edge = min(x + step, limit) if step > 0 else max(x + step, limit)
        after = rough(edge)
        if (after > 0) != (value > 0):
            return _between(rough, x, value, edge, after) if step > 0 else _between(rough, edge, after, x, value)
        x, value, step = edge, after, step * 1.25
    return None


def _between(rough: Callable[[float], float], low: float, at_low: float, high: float, at_high: float) -> float:
    """Close in on the change of sign between two points: a secant where it stays inside, halving every third turn."""
    turn = 0
    while True:  # ends: each third turn halves, and a float has an end
        middle = (low + high) / 2
        if turn % 3 != 2:
            cut = high - at_high * (high - low) / (at_high - at_low)  # the signs differ, so the values do
            if low < cut < high:
                middle = cut
        if middle in (low, high) or high - low <= 1e-15 * max(1e-3, abs(low)):
            break
        value = rough(middle)
        if value == 0:
            return middle
        if (value > 0) == (at_low > 0):
            low, at_low = middle, value
        else:
            high, at_high = middle, value
        turn += 1
    return low if abs(at_low) < abs(at_high) else high


def _refuse(what: str) -> NoReturn:
    raise InvalidTerms(
        "interest.no_rate",
        f"no {what} above -100 % and up to 10**25 makes both sides equal; check the signs, the dates and the amounts",
    )
