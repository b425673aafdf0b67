"""Decimal contexts of our own, in which every field is named.

What a `decimal.Context` leaves out it copies from `decimal.DefaultContext`, which a host may change; then the same
inputs would give other figures, or traps of the host would go off in our rooms.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow

__all__ = ["own_context"]


def own_context(digits: int, *, exact: bool = False) -> Context:
    """Make a context of so many significant digits that rounds half to even and refuses floats.

    `exact` refuses to lose a digit at all.

    >>> own_context(4).divide(2, 3)
    Decimal('0.6667')
    """
    return Context(
        prec=digits,
        rounding=ROUND_HALF_EVEN,
        Emin=-999_999,
        Emax=999_999,
        capitals=1,
        clamp=0,
        flags=[],
        traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation, *([Inexact] if exact else [])],
    )
