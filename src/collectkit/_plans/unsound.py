"""Why rows cannot stand: the debt would grow, be overpaid, or a row would ask for nothing; and what would do instead.

Looked at only where `proof` found such a row, so the ways out are tried here before they are named.
"""

from __future__ import annotations

from operator import sub
from typing import NoReturn

import attrs

from collectkit._plans.figures import schedule_of
from collectkit._plans.terms import PlanTerms, refuse_growth
from collectkit.core.errors import CollectkitError, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.schedule import Schedule

_PARTS = (2, 4, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000)


def is_sound(schedule: Schedule, carried: int = 0) -> bool:
    """Say whether every row asks for a part of the debt or its interest, besides any fee, and none for too much.

    Rows that were carried over may have met a fee alone.
    """
    if min(schedule.principal_parts) < 0 or min(schedule.payments) <= 0:
        return False
    if min(map(sub, schedule.payments[carried:], schedule.fee_parts[carried:]), default=1) <= 0:
        return False
    return len(schedule) == 1 or min(schedule.balances[:-1]) > 0


def refuse_rows(terms: PlanTerms, schedule: Schedule) -> NoReturn:
    """Refuse rows of which one is negative or empty, by the first that is.

    Raises:
        InvalidTerms: `plans.too_small`, `plans.multiple`, `plans.nothing_due`, `plans.overpaid`, `plans.columns`,
            `plans.negative_amortisation`.
    """
    currency = schedule.currency
    place, principal, interest = _first_bad(schedule)
    before, number = schedule.balance_before(place), place + 1
    payment = principal + interest
    named = bool(terms.amounts or terms.steps or terms.level is not None)
    is_rounded_off = not named and terms.shape not in ("interest_only", "bullet", "minimum_payment")
    if terms.multiple is not None and is_rounded_off and _lays_out(attrs.evolve(terms, multiple=None)):
        _refuse_multiple(terms)
    if before > 0 and principal < 0:
        refuse_growth(number, Money(interest, currency), Money(interest + principal, currency))
    if before > 0 and payment <= 0 and (named or not is_rounded_off or place < terms.rests):
        _refuse_nothing(terms, number, Money(before, currency))
    if named:
        last = max(place - 1, 0) if before <= 0 else place  # the row that takes all that is left, or more
        owed = Money(schedule.balance_before(last) + schedule.interest_parts[last], currency)
        raise InvalidTerms(
            "plans.overpaid",
            f"only {owed} is left to pay by instalment {last + 1}, so nothing remains for the last of {len(schedule)}; "
            "agree on smaller amounts before the last one, or on fewer instalments",
            row=last + 1,
            left=owed,
        )
    _refuse_small(terms, len(schedule))


def _first_bad(schedule: Schedule) -> tuple[int, int, int]:
    rows = zip(schedule.principal_parts, schedule.interest_parts, schedule.balances, strict=True)
    before = 1
    for place, (principal, interest, balance) in enumerate(rows):
        if principal < 0 or principal + interest <= 0 or before <= 0 or balance < 0:
            return place, principal, interest
        before = balance
    raise InvalidTerms("plans.columns", "a row that was carried over asks for nothing")


def _refuse_nothing(terms: PlanTerms, number: int, owed: Money) -> NoReturn:
    way_out = "leave that date out, or ask for something on it"
    if terms.shape == "interest_only" or number <= terms.rests:
        way_out = "let it rest until the debt itself is paid: bullet_plan, or a deferral that collects or waives it"
    raise InvalidTerms(
        "plans.nothing_due",
        f"instalment {number} would ask for nothing: interest on {owed} comes to {Money.zero(owed.currency)} there, "
        f"and no principal falls due; {way_out}",
        row=number,
    )


def _refuse_multiple(terms: PlanTerms) -> NoReturn:
    """Refuse a multiple so coarse that the rows cannot keep to it, naming one that would do; of long plans, none."""
    unit = terms.multiple.minor if terms.multiple is not None else 1
    finer = (Money(unit // part, terms.currency) for part in _PARTS if unit % part == 0)
    is_long = terms.instalments > _LONG  # each way out that is tried lays out all rows again
    fine = None if is_long else next((step for step in finer if _lays_out(attrs.evolve(terms, multiple=step))), None)
    rows = None if is_long else _most_rows(terms)
    ways = ["leave the multiple out" if fine is None else f"choose steps of {fine}"]
    if rows is not None:
        ways.append(f"agree on {rows} instalment{'s' if rows > 1 else ''}")
    raise InvalidTerms(
        "plans.multiple",
        f"{terms.instalments} instalments for {terms.financed} cannot go in steps of {terms.multiple}: rounded to them, "
        f"they would not cover their interest, or would leave nothing for some; {' or '.join(ways)}",
        smallest=terms.multiple,
        most=rows,
    )


_LONG = 1000
_LESS = "agree on fewer instalments"


def _refuse_small(terms: PlanTerms, rows: int) -> NoReturn:
    """Refuse so many rows of so small a debt that rounding leaves nothing for some of them."""
    if _lays_out(terms):
        raise InvalidTerms(
            "plans.columns",
            "these rows overpay the debt or ask for nothing; lay them out by the terms: plan_from_terms",
        )
    unit = Money(1, terms.currency)
    most = _most_rows(terms)
    way_out = _LESS if most is None else f"so at most {most} fit"
    raise InvalidTerms(
        "plans.too_small",
        f"{terms.financed} in {rows} instalments leaves nothing for some of them; "
        f"the smallest instalment is {unit}, {way_out}",
        most=most,
        smallest=unit,
    )


def _most_rows(terms: PlanTerms) -> int | None:
    """Return a number of instalments below that of the terms that can be laid out, the largest as far as that shows."""
    low, high = terms.rests, terms.instalments - 1  # `low` is sound, or where no number is
    while low < high:
        middle = (low + high + 1) // 2
        if _lays_out(_with_rows(terms, middle)):
            low = middle
        else:
            high = middle - 1
    return low if low > terms.rests else None


def _with_rows(terms: PlanTerms, rows: int) -> PlanTerms:
    return attrs.evolve(terms, instalments=rows, due_on=terms.due_on[:rows])


def _lays_out(terms: PlanTerms) -> bool:
    try:
        schedule = schedule_of(terms)
    except CollectkitError:
        return False
    return is_sound(schedule)
