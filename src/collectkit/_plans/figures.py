"""From terms to rows: the columns of every shape, to the minor unit.

A shape says either what each row pays (level, balloon, stepped, minimum, agreed) or how much principal each row
carries (interest-only, equal principal, flat, bullet). Interest of a row is the balance before it times the period's
exact factor, rounded once; the last row takes the whole balance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import accumulate
from operator import sub
from typing import Final

import attrs

from collectkit._plans.options import Shape
from collectkit._plans.terms import (
    Periods,
    PlanTerms,
    after_deferral,
    period_pair,
    periods_of,
    refuse_growth,
    rhythm_of,
)
from collectkit.core.errors import CalendarMissing, InvalidDate, InvalidTerms
from collectkit.core.interest import level_payment_minor
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.schedule import Schedule, graduated_payments, level_schedule, level_whole, roll

Columns = tuple[list[int], list[int]]
"""Principal and interest of each row, in minor units."""


def settled(terms: PlanTerms) -> PlanTerms:
    """Return terms of minimum payments with the number of instalments that they come to; other terms as they are.

    So that dates beyond the end need not be known.

    Raises:
        InvalidTerms: `plans.too_many`, `plans.negative_amortisation`.
        InvalidDate, CalendarMissing: the dates that are known do not suffice.
    """
    if terms.shape != "minimum_payment":
        return terms
    periods, missing = known_periods(terms)
    try:
        rows = _minimum(terms, after_deferral(terms, periods)[0], periods)[0]
    except InvalidTerms as error:
        if missing is not None and error.code == "plans.too_many":
            raise missing from None
        raise
    return attrs.evolve(terms, instalments=len(rows))


def schedule_of(terms: PlanTerms) -> Schedule:
    """Work the rows out; nothing is proven yet, see `proof`.

    Raises:
        InvalidTerms: where a shape cannot be laid out at all.
    """
    if _is_plain_level(terms):
        rhythm = rhythm_of(terms)
        if rhythm is not None:
            numerator, denominator = period_pair(terms)
            payment = level_payment_minor(terms.principal.minor, numerator, denominator, terms.instalments) or 1
            made = level_schedule(
                principal=terms.principal,
                period_rate=(numerator, denominator),
                payment=payment,
                count=terms.instalments,
                due_on=rhythm,
            )
            if made.balance_before(terms.instalments - 1) > 0:
                return made
    return _laid_out(terms)


def _is_plain_level(terms: PlanTerms) -> bool:
    """Say whether the lazy schedule of equal payments fits: no fee, no deferral, no first row of another kind."""
    return (
        terms.shape in ("level", "equal_split")
        and terms.residue_to == "last"
        and terms.rounding == "half_even"
        and terms.multiple is None
        and terms.level is None
        and not terms.amounts
        and terms.day_count is None
        and terms.down_payment is None
        and terms.fee_each is None
        and terms.fee_total is None
        and not terms.pauses
        and terms.brought_interest is None
        and terms.brought_fee is None
    )


def known_periods(terms: PlanTerms) -> tuple[Periods, InvalidDate | CalendarMissing | None]:
    """Lay out as many periods as there are dates for, and say why there are no more; None where there are all.

    Raises:
        InvalidDate, CalendarMissing: not even the first due date is known.
    """
    try:
        return periods_of(terms), None
    except (InvalidDate, CalendarMissing) as error:
        refusal = error
    low, high = 0, terms.instalments - 1
    while low < high:
        middle = (low + high + 1) // 2
        try:
            periods_of(attrs.evolve(terms, instalments=middle))
            low = middle
        except (InvalidDate, CalendarMissing):
            high = middle - 1
    if not low:
        raise refusal
    return periods_of(attrs.evolve(terms, instalments=low)), refusal


def _laid_out(terms: PlanTerms) -> Schedule:
    periods = periods_of(terms)
    opening, deferred = after_deferral(terms, periods)
    principal, interest = _SHAPES[terms.form](terms, opening, periods)
    interest[0] += deferred + (0 if terms.brought_interest is None else terms.brought_interest.minor)
    days = periods.due_on[-1:] if terms.shape == "bullet" else periods.due_on[: len(principal)]
    fees = _fees(terms, len(principal))
    if terms.brought_fee is not None:
        fees[0] += terms.brought_fee.minor
    if terms.down_payment is not None and terms.down_payment.minor:
        principal = [terms.down_payment.minor, *principal]
        interest = [0, *interest]
        fees = [0, *fees]
        days = (terms.down_payment_on or terms.start_on, *days)
        opening += terms.down_payment.minor
    return Schedule(
        principal=Money(opening, terms.currency),
        principal_parts=principal,
        interest_parts=interest,
        fee_parts=fees,
        due_on=days,
    )


def _fees(terms: PlanTerms, count: int) -> list[int]:
    fees = [fee_within(terms)] * count
    if terms.fee_total is not None:
        for place, part in enumerate(terms.fee_total.split(count)):
            fees[place] += part.minor
    return fees


# -- level payments --------------------------------------------------------------------------------------------


def to_multiple(terms: PlanTerms, exact: Fraction) -> int:
    """Round a payment before its fee to minor units, then so that with its fee it is the agreed multiple."""
    whole = rounded(exact, terms.rounding)
    if terms.multiple is None:
        return whole
    unit, fee = terms.multiple.minor, fee_within(terms)
    return rounded(Fraction(whole + fee, unit), terms.rounding) * unit - fee


def plain_multiple(terms: PlanTerms) -> PlanTerms:
    """Return terms under which principal alone, without the fee, keeps to the multiple."""
    return terms if terms.multiple is None or terms.fee_each is None else attrs.evolve(terms, fee_each=None)


def fee_within(terms: PlanTerms) -> int:
    """Return the fee that each instalment holds, in minor units."""
    return 0 if terms.fee_each is None else terms.fee_each.minor


def minimum_of(terms: PlanTerms) -> int:
    """Return the floor of minimum payments before their fee, raised to the multiple where it is none."""
    floor = 0 if terms.minimum_floor is None else terms.minimum_floor.minor
    if terms.multiple is None:
        return floor
    unit, fee = terms.multiple.minor, fee_within(terms)
    return -(-(floor + fee) // unit) * unit - fee


def closed(opening: int, factors: Sequence[Fraction], payments: Sequence[int], rounding: Rounding) -> Columns:
    """Run all periods but the last under `payments`; the last row takes the balance and its interest."""
    pairs = [(factor.numerator, factor.denominator) for factor in factors]
    balances, interest = roll(opening, pairs[:-1], payments[: len(pairs) - 1], rounding)
    balance = balances[-1] if balances else opening
    principal = list(map(sub, (opening, *balances[:-1]), balances)) if balances else []
    principal.append(balance)
    interest.append(rounded(balance * factors[-1], rounding))
    return principal, interest


def _level(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    resting = terms.rests
    factors = periods.factors[resting:]
    balloon = 0 if terms.balloon is None else terms.balloon.minor
    principal, interest = _level_rows(terms, opening, factors, balloon)
    first = [rounded(opening * factor, terms.rounding) for factor in periods.factors[:resting]]
    return [0] * resting + principal, first + interest


def _level_rows(terms: PlanTerms, opening: int, factors: Sequence[Fraction], balloon: int = 0) -> Columns:
    count = len(factors)
    unit = 1 if terms.multiple is None else terms.multiple.minor
    fixed = None if not balloon else [0] * (count - 1) + [balloon]
    if terms.level is not None:
        return closed(opening, factors, [terms.level.minor] * count, terms.rounding)
    payment = level_whole(opening, factors, partial(to_multiple, terms), None, fixed)

    def run(payments: Sequence[int]) -> tuple[Columns, int]:
        columns = closed(opening, factors, payments, terms.rounding)
        return columns, columns[0][-1] + columns[1][-1] - balloon

    if terms.residue_to == "spread":
        return _spread(run, payment, unit, count)
    if terms.residue_to == "first":
        return _first_or_less(run, payment, unit, factors)
    if terms.residue_to == "minimal":
        return _minimal(run, payment, unit, count)
    columns, last = run([payment] * count)
    if last <= 0 and payment > unit:  # many roundings up: take the next payment below instead
        columns, last = run([payment - unit] * count)
    return columns


Run = Callable[[Sequence[int]], tuple[Columns, int]]


def _minimal(run: Run, payment: int, unit: int, count: int) -> Columns:
    """Choose the level payment with the smallest gap of the last row; of two, the one that leaves less to the end."""
    best: tuple[tuple[int, int], Columns] | None = None
    for step in (-2, -1, 0, 1, 2):
        candidate = payment + step * unit
        if candidate <= 0:
            continue
        columns, last = run([candidate] * count)
        if last <= 0 and count > 1:
            continue
        rank = (abs(last - candidate), -candidate)
        if best is None or rank < best[0]:
            best = (rank, columns)
    return run([max(payment, unit)] * count)[0] if best is None else best[1]


def _spread(run: Run, payment: int, unit: int, count: int) -> Columns:
    """Give one unit more to the first rows, as many as bring the last row nearest to the others."""

    def gap(more: int, low: int) -> tuple[int, Columns]:
        columns, last = run([low + unit] * more + [low] * (count - more))
        return last - low, columns

    low = payment
    while low > 0 and gap(0, low)[0] < 0:
        low -= unit
    below, above = 0, count - 1
    while below < above:  # the gap falls as more rows pay more
        middle = (below + above + 1) // 2
        if gap(middle, low)[0] >= 0:
            below = middle
        else:
            above = middle - 1
    candidates = [gap(more, low) for more in (below, min(below + 1, count - 1))]
    return min(candidates, key=lambda found: (abs(found[0]), -found[0]))[1]


def _first_or_less(run: Run, payment: int, unit: int, factors: Sequence[Fraction]) -> Columns:
    """Let the first row take the odd units: as much as brings the last row nearest to the others."""
    columns = _first(run, payment, factors)
    if columns[0][0] + columns[1][0] <= 0 or columns[0][0] < 0:  # many roundings up left nothing to the first
        columns = _first(run, payment - unit, factors)
    return columns


def _first(run: Run, payment: int, factors: Sequence[Fraction]) -> Columns:
    """Look for the first row that brings the last nearest to the others, from the one that would but for rounding."""
    columns, last = run([payment] * len(factors))
    best = (abs(last - payment), columns)
    growth = 1 << 20  # what one unit of the first row is to the last, in units of 2**-20
    for factor in factors[1:]:
        growth += growth * factor.numerator // factor.denominator
    first, tried = payment, {payment}
    while last != payment and len(factors) > 1:
        units = (last - payment << 20) // growth
        first += max(units, 1) if last > payment else min(units, -1)  # by one at least, so that the search ends
        if first in tried:  # from both sides of the nearest
            break
        tried.add(first)
        columns, last = run([first, *[payment] * (len(factors) - 1)])
        best = min(best, (abs(last - payment), columns), key=_by_gap)
    return best[1]


def _by_gap(found: tuple[int, Columns]) -> int:
    return found[0]


# -- other shapes ----------------------------------------------------------------------------------------------


def _of_principal(terms: PlanTerms, opening: int, periods: Periods, principal: list[int]) -> Columns:
    balances = list(accumulate(principal, sub, initial=opening))[:-1]
    interest = [
        rounded(balance * factor, terms.rounding) for balance, factor in zip(balances, periods.factors, strict=True)
    ]
    return principal, interest


def split_parts(terms: PlanTerms, amount: int, count: int) -> list[int]:
    """Divide a sum into parts by the residue rule and the multiple."""
    return _level_rows(terms, amount, (Fraction(0),) * count)[0]


def _equal_principal(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    resting = terms.rests
    parts = split_parts(plain_multiple(terms), opening, len(periods.factors) - resting)
    return _of_principal(terms, opening, periods, [0] * resting + parts)


def _interest_only(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    return _of_principal(terms, opening, periods, [0] * (len(periods.factors) - 1) + [opening])


def _bullet(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    if terms.simple_interest:
        return [opening], [rounded(opening * sum(periods.factors, Fraction(0)), terms.rounding)]
    balance = opening
    for factor in periods.factors:
        balance += rounded(balance * factor, terms.rounding)
    return [opening], [balance - opening]


def _flat(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    if terms.flat_parts:
        return [part.minor for part, _ in terms.flat_parts], [part.minor for _, part in terms.flat_parts]
    count = len(periods.factors)
    base = opening if terms.flat_base is None else terms.flat_base.minor
    whole = rounded(base * sum(periods.factors, Fraction(0)), terms.rounding)
    regular = rounded(Fraction(whole, count), terms.rounding)
    if regular * (count - 1) > whole:
        regular = whole // count
    interest = [regular] * (count - 1) + [whole - regular * (count - 1)]
    if terms.multiple is None:
        return split_parts(terms, opening, count), interest
    payments = split_parts(terms, opening + whole, count)  # the whole instalment keeps to the multiple
    return list(map(sub, payments, interest)), interest


def _stepped(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    count = len(periods.factors)
    if terms.steps:
        fixed = [amount.minor for rows, amount in terms.steps for _ in range(rows)]
        if len(fixed) >= count:
            raise InvalidTerms(
                "plans.amounts",
                f"the steps name {len(fixed)} of {count} instalments; leave at least one to take what is left",
            )
        open_rows = count - len(fixed)
        weights = [Fraction(0)] * len(fixed) + [Fraction(1)] * open_rows
        rounding = partial(to_multiple, terms)
        level = level_whole(opening, periods.factors, rounding, weights, fixed + [0] * open_rows)
        payments = fixed + [level] * open_rows
    else:
        rounding = partial(to_multiple, terms)
        payments = graduated_payments(opening, periods.factors, terms.growth, terms.rows_per_step, rounding)
    return closed(opening, periods.factors, payments, terms.rounding)


def _minimum(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    floor = minimum_of(terms)
    principal, interest = [], []
    balance = opening
    for row, factor in enumerate(periods.factors, start=1):
        due = rounded(balance * factor, terms.rounding)
        payment = min(balance + due, max(floor, to_multiple(terms, (balance + due) * terms.minimum_share)))
        if payment < due:
            refuse_growth(row, Money(due, terms.currency), Money(payment, terms.currency))
        principal.append(payment - due)
        interest.append(due)
        balance -= payment - due
        if balance == 0:
            return principal, interest
    raise InvalidTerms(
        "plans.too_many",
        f"{len(periods.factors)} instalments leave {Money(balance, terms.currency)} open; "
        "raise the minimum or its floor, or allow more instalments",
        left=Money(balance, terms.currency),
    )


def _agreed(terms: PlanTerms, opening: int, periods: Periods) -> Columns:
    count = len(periods.factors)
    payments = [amount.minor for amount in terms.amounts]
    if len(payments) not in (count, count - 1):
        raise InvalidTerms(
            "plans.amounts",
            f"{len(payments)} amounts for {count} due dates; give one for each, or leave the last one to be worked out",
        )
    principal, interest = closed(opening, periods.factors, payments, terms.rounding)
    last = principal[-1] + interest[-1]
    if len(payments) == count and payments[-1] != last:
        needed = Money(last, terms.currency)
        raise InvalidTerms(
            "plans.amounts",
            f"the amounts do not pay the debt off: the last one is {terms.amounts[-1]} and must be {needed}; "
            "correct one of them, or leave the last one out",
            needed=needed,
        )
    return principal, interest


_SHAPES: Final[dict[Shape, Callable[[PlanTerms, int, Periods], Columns]]] = {
    "level": _level,
    "equal_split": _level,
    "balloon": _level,
    "equal_principal": _equal_principal,
    "flat": _flat,
    "interest_only": _interest_only,
    "bullet": _bullet,
    "stepped": _stepped,
    "minimum_payment": _minimum,
    "agreed": _agreed,
}
