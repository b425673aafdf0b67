"""How far the last instalment is from the regular one, and how far rounding can have brought it.

A level payment that is rounded by d, and interest that is rounded in every row, leave an error that grows with interest
to the end: at most (d + e) times what payments of 1 grow to, where e is the most by which one rounding can be off.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import expm1, log1p

from collectkit._plans.explanation import lead_of
from collectkit._plans.figures import plain_multiple, to_multiple
from collectkit._plans.terms import PlanTerms, period_factor, period_pair, periods_of
from collectkit.core.money import rounded
from collectkit.core.schedule import Schedule, exact_level, level_bounds

_REGULAR = frozenset({"level", "equal_split", "balloon", "equal_principal", "flat"})


def last_gap(terms: PlanTerms, schedule: Schedule, carried: int = 0) -> int | None:
    """Return how far the last row is from the one before it, in minor units; None without a regular instalment."""
    count = len(schedule)
    if count < 2 or terms.form not in _REGULAR or terms.flat_parts:
        return None
    if terms.level is not None and terms.gap_limit is None:  # solved for: the last row is whatever is left
        return None
    if terms.rests and terms.rests >= terms.instalments - 1:
        return None
    lead = lead_of(terms, carried)
    is_first_odd = terms.grace_interest == "collect" or terms.brought_interest is not None or bool(terms.pauses)
    if count - lead < 2 or (count - lead == 2 and is_first_odd):
        return None
    if terms.residue_to == "first" and count - lead == 2:
        return 0
    regular, last = _last_two(terms, schedule)
    return last - regular


def _last_two(terms: PlanTerms, schedule: Schedule) -> tuple[int, int]:
    """Return what the last two rows pay by the rule of the shape, without fee and balloon."""
    if terms.shape == "equal_principal":
        parts = schedule.principal_parts
        return parts[-2], parts[-1]
    fees, payments = schedule.fee_parts, schedule.payments
    balloon = 0 if terms.balloon is None else terms.balloon.minor
    return payments[-2] - fees[-2], payments[-1] - fees[-1] - balloon


def gap_bound(terms: PlanTerms, schedule: Schedule, carried: int = 0) -> int:
    """Return the most by which the last row can differ from the one before it, in minor units."""
    if terms.gap_limit is not None:
        return terms.gap_limit.minor
    lead = lead_of(terms, carried) + terms.rests
    opening, count = schedule.balance_before(lead), len(schedule) - lead
    regular, _ = _last_two(terms, schedule)
    if terms.shape == "equal_principal":
        return _drift(plain_multiple(terms), (Fraction(opening, count),) * 2, regular, Fraction(count))
    if terms.shape == "flat":
        return _flat_bound(terms, schedule, opening, count)
    if not terms.bears_interest:
        balloon = 0 if terms.balloon is None else terms.balloon.minor
        return _drift(terms, (Fraction(opening - balloon, count),) * 2, regular, Fraction(count))
    factors = _factors(terms, count)
    growth, noise = grown(factors), Fraction(1, 2 if terms.rounding.startswith("half") else 1)
    bound = _drift(terms, _level(terms, opening, factors), regular, growth, noise)
    balloon = 0 if terms.balloon is None else terms.balloon.minor
    owed = opening + -(-opening * factors[-1].numerator // factors[-1].denominator)  # the debt never grows
    return min(bound, max(regular + balloon, owed - regular))


def _drift(
    terms: PlanTerms,
    level: tuple[Fraction, Fraction],
    regular: int,
    growth: Fraction,
    noise: Fraction = Fraction(0),
) -> int:
    """Bound the gap of rows of a `regular` payment in place of an exact `level` that lies between two numbers."""
    unit = 1 if terms.multiple is None else terms.multiple.minor
    rounding = max(abs(to_multiple(terms, end) - end) for end in level) + (level[1] - level[0])
    if terms.residue_to == "spread":
        # where the level would fall short or overpay, some rows pay a unit less or more until the gap turns its sign
        return unit if not noise else unit + max(unit, int((rounding + noise) * growth))
    steps = 2 if terms.residue_to == "minimal" else 1  # units by which a rule may leave the rounded level
    off = min(max(abs(regular - end) for end in level), rounding + steps * unit)
    return int((off + noise) * growth)


def _flat_bound(terms: PlanTerms, schedule: Schedule, opening: int, count: int) -> int:
    whole = rounded(terms.interest_base.minor * sum(periods_of(terms).factors, Fraction(0)), terms.rounding)
    if terms.multiple is not None:
        level = Fraction(opening + whole, count)
        return _drift(terms, (level, level), _last_two(terms, schedule)[0], Fraction(count))
    part = Fraction(opening, count)
    odd = abs(Fraction(whole, count) - schedule.interest_parts[-2]) * count
    return int(odd) + _drift(terms, (part, part), schedule.principal_parts[-2], Fraction(count))


def _factors(terms: PlanTerms, count: int) -> Sequence[Fraction]:
    if terms.day_count is None and not (
        terms.skip_months or terms.pauses or terms.is_first_by_days or terms.first_due_on or terms.anchor_on
    ):
        return (period_factor(terms),) * count
    return periods_of(terms).factors[terms.rests :]


def _level(terms: PlanTerms, opening: int, factors: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    fixed = None if terms.balloon is None else [0] * (len(factors) - 1) + [terms.balloon.minor]
    bounds = level_bounds(opening, factors, None, fixed)
    if bounds is None:
        exact = exact_level(opening, factors, None, fixed)
        return exact, exact
    return bounds


def grown(factors: Sequence[Fraction]) -> Fraction:
    """Return what payments of 1 at the end of each period grow to, raised by a hair.

    >>> 2.01 <= float(grown([Fraction(1, 100)] * 2)) < 2.010001
    True
    """
    one = 1 << 40
    worth = 0
    for factor in factors:
        worth = -(-worth * (factor.denominator + factor.numerator) // factor.denominator) + one
    return Fraction(worth, one)


def is_surely_within(terms: PlanTerms, schedule: Schedule, carried: int, gap: int) -> bool:
    """Say whether the roundings of interest alone explain the gap; False leaves it to the bound, which takes longer.

    A row's interest, less the most that rounding can have added, is at most what its factor makes of the balance: so
    the rows tell without their periods what payments of 1 grow to at the least.
    """
    if terms.gap_limit is not None or not terms.bears_interest or terms.shape not in ("level", "balloon"):
        return False
    first = lead_of(terms, carried) + terms.rests + 1  # the row before it may hold interest that was brought in
    twice = 1 if terms.rounding.startswith("half") else 2  # what one rounding can be off by, doubled
    worth = one = 1 << 20
    before = schedule.balances[first - 1 :]
    for balance, interest in zip(before, schedule.interest_parts[first:], strict=False):
        worth += worth * max(2 * interest - twice, 0) // (2 * balance) + one
    return 2 * abs(gap) * one <= worth * twice


def is_within(terms: PlanTerms, count: int, gap: int) -> bool:
    """Say whether a generous bound that is quick to work out shows the gap of plain level rows to be due to rounding.

    Where it does not, or a limit was set, the exact bound has to say.
    """
    if terms.gap_limit is not None:
        return gap <= terms.gap_limit.minor
    return gap <= count or gap <= _gap_bound(terms, count)  # no such bound lies below a unit for each row


def _gap_bound(terms: PlanTerms, count: int) -> float:
    numerator, denominator = period_pair(terms)
    factor = numerator / denominator
    grown_by = count * log1p(factor)
    if grown_by > 700:  # a float holds no more
        return 0.0
    return 1.5 * (expm1(grown_by) / factor if factor else count)
