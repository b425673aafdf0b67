"""A changed plan keeps its shape: what the rows to come look like, as far as the change does not concern it.

Named amounts and steps stay or move in proportion; a balloon stays a balloon; a relief raises no instalment. Where the
rows of a shape could not stand, equal ones take their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import attrs

from collectkit._servicing.position import Position
from collectkit._servicing.rest import own_amounts, steps_left, superseding, within
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.schedule import level_whole
from collectkit.plans import PaymentPlan, PlanTerms

_FINE = 10**12  # amounts move in proportion by a factor of so many parts


def laid_out(at: Position, plan_id: str, terms: PlanTerms) -> PaymentPlan:
    """Lay out what is open in the shape that the plan has."""
    plans = _standing(at, plan_id, _candidates(at, terms))
    return next(plans)


def eased(at: Position, plan_id: str, terms: PlanTerms) -> PaymentPlan:
    """Lay out what is open so that no instalment is higher than it was, where nothing past due joins them."""
    first = None
    for plan in _standing(at, plan_id, _eased_candidates(at, terms)):
        if _raises_none(at, plan):
            return plan
        first = first or plan
    return first or laid_out(at, plan_id, terms)


def cut(at: Position, terms: PlanTerms, regular: int | None = None) -> PlanTerms | None:
    """Return terms that ask for the same amounts until the debt is paid, or for a `regular` one; None where they fail.

    Rows that rest pay the interest of what is open.
    """
    if terms.shape in ("flat", "bullet", "minimum_payment"):
        return None
    old = own_amounts(at)
    balance = terms.after_deferral()[0].minor
    amounts: list[Money] = []
    for place, factor in enumerate(terms.periods().factors[: len(old)]):
        interest = rounded(balance * factor, terms.rounding)
        payment = old[place] if regular is None else regular
        if place < terms.rests:
            payment = interest
        elif balance + interest <= payment:
            rows = place + 1
            steps = steps_left(terms.steps, 0, rows)
            return attrs.evolve(
                terms, instalments=rows, due_on=terms.due_on[:rows], amounts=tuple(amounts), level=None, steps=steps
            )
        if payment < interest:
            return None
        amounts.append(Money(payment, terms.currency))
        balance += interest - payment
    return None


# -- details ---------------------------------------------------------------------------------------------------


def _standing(at: Position, plan_id: str, found: Iterator[PlanTerms]) -> Iterator[PaymentPlan]:
    """Yield the plans that can stand; where none can, say why the first cannot."""
    refusal: InvalidTerms | None = None
    stands = False
    for terms in found:
        try:
            plan = superseding(at, plan_id, terms)
        except InvalidTerms as error:
            refusal = refusal or error
            continue
        stands = True
        yield plan
    if refusal is not None and not stands:
        raise refusal


def _candidates(at: Position, terms: PlanTerms) -> Iterator[PlanTerms]:
    old = at.plan.terms
    if terms.shape == "flat":
        yield _flat_as_agreed(at, terms)
    is_off_step = not old.steps and (bool(old.amounts) or within(at) % old.rows_per_step != 0)
    if terms.shape == "agreed" or (terms.shape == "stepped" and (is_off_step or (old.steps and old.amounts))):
        yield _scaled(at, terms)
    else:
        yield terms
        if terms.shape == "stepped" and old.steps:
            yield _scaled(at, terms)
    if terms.shape == "balloon" and terms.balloon is not None:
        yield attrs.evolve(terms, balloon=_lower_balloon(at, terms, terms.balloon))
    if terms.shape in ("agreed", "stepped", "minimum_payment"):
        yield _level(at, terms)


def _flat_as_agreed(at: Position, terms: PlanTerms) -> PlanTerms:
    """Return flat terms that ask for the interest still to come, and no other than what the change adds or lets go.

    Equal parts were paid for periods that need not be equal, so what is left is none of the share of its days.
    """
    if terms.multiple is not None:
        return terms
    old = at.plan.terms
    before = old.interest_base.minor * sum(old.periods().factors[within(at) :], Fraction(0))
    after = terms.interest_base.minor * sum(terms.periods().factors, Fraction(0))
    to_come = sum(row.interest_minor for row in at.plan.schedule[at.next_row :]) - at.brought
    whole = max(to_come + rounded(after - before, terms.rounding), 0)
    count = terms.instalments
    natural = superseding(at, at.plan.plan_id + "+", attrs.evolve(terms, brought_interest=None)).schedule
    each = rounded(Fraction(whole, count), terms.rounding)
    each = each if each * (count - 1) <= whole else whole // count
    interest = [each] * (count - 1) + [whole - each * (count - 1)]
    pairs = zip(natural.principal_parts[-count:], interest, strict=True)
    parts = tuple((Money(principal, terms.currency), Money(part, terms.currency)) for principal, part in pairs)
    return attrs.evolve(terms, flat_parts=parts)


def _eased_candidates(at: Position, terms: PlanTerms) -> Iterator[PlanTerms]:
    found = list(_candidates(at, terms))
    if terms.shape == "stepped" and terms.down_payment is not None and found[0].steps:
        found[:2] = found[1::-1]  # money ahead lowers all amounts in proportion, those that steps name, too
    is_equal = found[-1].shape == "level" and terms.shape != "level"
    yield from found[:-1] if is_equal else found
    if terms.shape in ("level", "equal_split", "balloon") and terms.level is None:  # the last row takes less then
        level = max(own_amounts(at)[terms.rests : -1], default=0)
        for more in (1, 0):
            made = _next_level(terms, more)
            if made is not None and made.minor <= level:
                yield attrs.evolve(terms, level=made)
    same = cut(at, terms)
    if same is not None:
        yield same
    if is_equal:
        yield found[-1]


def _next_level(terms: PlanTerms, more: int) -> Money | None:
    """Return the level payment, rounded down to the multiple, and so many units more."""
    if terms.balloon is not None or terms.multiple is not None:
        return None
    factors = terms.periods().factors[terms.rests :]
    level = level_whole(terms.after_deferral()[0].minor, factors, int)
    return Money(level + more, terms.currency)


def _raises_none(at: Position, plan: PaymentPlan) -> bool:
    lead = plan.carried + (0 if plan.terms.down_payment is None else 1)
    pairs = zip(plan.schedule[lead:], at.plan.schedule[at.next_row :], strict=False)
    return all(new.total <= old.total for new, old in pairs) and len(plan.schedule) - lead <= at.rows_left


def _scaled(at: Position, terms: PlanTerms) -> PlanTerms:
    """Return terms whose amounts are to one another as they were; rows that join are like the last."""
    weights = own_amounts(at)
    count = terms.instalments
    weights += weights[-1:] * (count - len(weights))
    factors = terms.periods().factors
    opening = terms.after_deferral()[0].minor
    exact = [Fraction(weight) for weight in weights]
    share = Fraction(level_whole(opening, factors, lambda level: int(level * _FINE), exact), _FINE)
    amounts = tuple(Money(rounded(weight * share, terms.rounding), terms.currency) for weight in weights[:-1])
    return attrs.evolve(terms, amounts=amounts)


def _lower_balloon(at: Position, terms: PlanTerms, balloon: Money) -> Money:
    """Return a balloon that is to the debt as it was."""
    before = at.plan.schedule.balance_before(at.next_row)
    now = terms.after_deferral()[0].minor
    return Money(min(balloon.minor, balloon.minor * now // before), balloon.currency)


def _level(at: Position, terms: PlanTerms) -> PlanTerms:
    count = at.rows_left if terms.shape == "minimum_payment" else terms.instalments
    return attrs.evolve(
        terms,
        shape="level",
        instalments=count,
        due_on=terms.due_on[:count],
        amounts=(),
        steps=(),
        growth=Fraction(0),
        minimum_share=Fraction(0),
        minimum_floor=None,
    )
