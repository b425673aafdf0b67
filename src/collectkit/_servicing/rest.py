"""Terms for what is left of a plan: its open debt on the dates that remain, with what was owed brought in."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import attrs

from collectkit._servicing.accruing import period_end
from collectkit._servicing.position import Position, step_of
from collectkit._servicing.waits import Wait
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.plans import Agreement, PaymentPlan, PlanTerms, plan_from_terms

Arrears = Literal["collect", "capitalise", "waive"]
"""What becomes of interest and fees that are past due when a plan changes: asked for with the first new instalment,
added to the debt, or given up. Fees are never capitalised; they go with the first instalment then. Within a deferral
what it has earned so far, and not added to the debt, counts as past due."""


_MORE_ROWS: Final = 120  # that minimum payments may take beyond those that were foreseen


def rest_of(at: Position, arrears: Arrears, more: int = 0, ahead: int = 0, *, waives: bool = False) -> PlanTerms:
    """Return terms for what is open on the dates that are left, and on so many `more` of the rhythm.

    Of what is open so much comes `ahead`, on the day of the change, as a row of its own. Where the running period bears
    no interest since the change `waives` it, the sum bears none in it, either.
    """
    old = at.plan.terms
    anchor, first = rhythm_left(at)
    count = _rows_of_rest(at) + more
    listed = old.due_on or (tuple(row.due_on for row in at.plan.schedule[at.next_row :]) if old.rrule else ())
    terms = attrs.evolve(
        plain_rest(at, arrears),
        shape=old.shape,
        instalments=count,
        due_on=listed[-count:] if listed else (),
        anchor_on=None if listed else anchor,
        anchor_first=first,
        balloon=old.balloon,
        steps=steps_left(old.steps, within(at), count),
        growth=old.growth,
        rows_per_step=old.rows_per_step,
        minimum_share=old.minimum_share,
        minimum_floor=old.minimum_floor,
        resting=min(max(old.rests - within(at), 0), count - 1),
        simple_interest=old.simple_interest,
        is_first_by_days=within(at) == 0
        and (old.is_first_by_days or (old.has_broken_first and at.start_on == old.start_on)),
        flat_base=Money(at.flat_base, at.plan.currency) if old.shape == "flat" else None,
    )
    terms = with_pending(at, terms, ahead, is_cut=waives)
    wait = at.wait
    return terms if wait is None or wait.is_over else _still_waiting(at, wait, terms, arrears)


def rest_from(at: Position, arrears: Arrears, more: int = 0) -> PlanTerms:
    """Return `rest_of`, but what is capitalised bears interest from the day of the change, not before it.

    So the running period is cut on that day: what it has earned by then is asked for with the next instalment.
    """
    is_cut = arrears == "capitalise" and at.interest > 0 and at.start_on < at.on and not at.is_waiting
    if not is_cut or at.plan.terms.shape in ("flat", "bullet"):
        return rest_of(at, arrears, more)
    terms = rest_of(at, arrears, more, waives=True)  # what a prepayment bore until now is part of what was earned
    return attrs.evolve(
        terms,
        start_on=at.on,
        brought_interest=sum_or_none(at.plan, at.accrued(at.on)),
        is_first_by_days=terms.day_count is None,
    )


def _still_waiting(at: Position, wait: Wait, terms: PlanTerms, arrears: Arrears) -> PlanTerms:
    """Let a wait that still runs go on under the new terms, from the start of the step of the rhythm that runs.

    The new debt bears the interest of that step again, so what is brought in is only what the step earned beyond it:
    the interest of money that came meanwhile. Where interest owed so far is capitalised or waived, the wait starts
    anew on the day of the change.
    """
    old = at.plan.terms
    steps = old.grace - wait.place if old.begin_on is None else 0
    principal, owed = at.debt, at.interest + (wait.running if wait.is_added else 0)
    cut_on = None if wait.place else old.wait_on
    is_anew = arrears == "capitalise" or principal <= 0 or (arrears == "waive" and not wait.is_added)
    if is_anew:
        principal, cut_on = at.principal, max(at.on, wait.start_on)
        principal, owed = principal + (at.interest if arrears == "capitalise" else 0), 0
    terms = attrs.evolve(
        terms,
        principal=Money(principal, at.plan.currency),
        start_on=wait.start_on,
        grace=steps or 1,
        begin_on=old.begin_on,
        grace_interest=old.grace_interest,
        wait_on=cut_on,
        anchor_first=terms.anchor_first - steps,
    )
    if not is_anew:
        bearing = terms.interest_base if terms.shape == "flat" else terms.financed
        owed = 0 if arrears == "waive" else max(owed - wait.running_on(bearing.minor), 0)
    return attrs.evolve(terms, brought_interest=sum_or_none(at.plan, owed))


def plain_rest(at: Position, arrears: Arrears) -> PlanTerms:
    """Return terms of level payments for what is open, from the running period on, with what is past due brought in."""
    if arrears not in ("collect", "capitalise", "waive"):
        raise InvalidTerms("plans.events", "arrears must be one of: collect, capitalise, waive")
    old, plan = at.plan.terms, at.plan
    principal, interest = at.principal, at.interest
    if arrears == "capitalise":
        principal, interest = principal + interest, 0
    elif arrears == "waive":
        interest = 0
    fee = 0 if arrears == "waive" else at.fee
    return PlanTerms(
        shape="level",
        principal=Money(principal, plan.currency),
        start_on=at.start_on,
        instalments=1,
        rate=old.rate,
        every=old.every,
        month_end=old.month_end,
        skip_months=old.skip_months,
        calendar=old.calendar,
        adjustment=old.adjustment,
        accrue_to=old.accrue_to,
        day_count=old.day_count,
        compounding=old.compounding,
        rounding=old.rounding,
        residue_to=old.residue_to,
        multiple=old.multiple,
        fee_each=old.fee_each,
        fee_total=sum_or_none(plan, fee_divided(at)),
        pauses=old.pauses,
        brought_interest=sum_or_none(plan, interest),
        brought_fee=sum_or_none(plan, fee),
    )


def same_amounts(plan: PaymentPlan, at: Position, terms: PlanTerms) -> PlanTerms:
    """Return terms that ask for the same amounts as before; the last is worked out, since days can shift its interest.

    Flat interest does not depend on days, so there the last stays, too.
    """
    rows = plan.schedule[at.next_row :]
    if terms.shape == "flat":  # its interest is in equal parts, whatever the balance
        interest = [row.interest_minor for row in rows]
        interest[0] -= at.brought
        pairs = zip(rows, interest, strict=True)
        return attrs.evolve(terms, flat_parts=tuple((row.principal, Money(part, plan.currency)) for row, part in pairs))
    count = len(rows)
    return attrs.evolve(
        terms,
        shape="agreed" if count == 1 and terms.shape == "minimum_payment" else terms.shape,
        instalments=count,
        due_on=terms.due_on[:count],
        amounts=tuple(Money(amount, plan.currency) for amount in own_amounts(at)[:-1]),
    )


def own_amounts(at: Position) -> list[int]:
    """Return what the rows to come ask for without fees, and without what was brought into the first of them."""
    amounts = [row.principal_minor + row.interest_minor for row in at.plan.schedule[at.next_row :]]
    amounts[0] -= at.brought  # what was brought into the first row is brought in again
    return amounts


def steps_left(steps: tuple[tuple[int, Money], ...], gone: int, count: int) -> tuple[tuple[int, Money], ...]:
    """Return the steps of the rows to come, so many of which are gone; one row at least is left to take the rest."""
    found = []
    room = count - 1
    for rows, amount in steps:
        left = min(max(rows - gone, 0), room)
        gone, room = max(gone - rows, 0), room - left
        if left:
            found.append((left, amount))
    return tuple(found)


def fee_divided(at: Position) -> int:
    """Return what the rows not yet due ask for of a fee that was divided over them, besides one in each."""
    each = at.plan.terms.fee_each
    return at.fee_later - (0 if each is None else each.minor * at.rows_left)


def with_pending(at: Position, terms: PlanTerms, amount: int = 0, *, is_cut: bool = False) -> PlanTerms:
    """Keep a down payment or a prepayment that is yet to come as a row of its own, and let so much more join it.

    What it bears until its day is asked for with the next instalment; where the period is cut, it is so already, or
    waived.
    """
    whole = at.pending + amount
    if not whole:
        return terms
    owed = 0 if terms.brought_interest is None else terms.brought_interest.minor
    day = max(at.on, at.kept[-1].due_on) if at.kept else at.on
    if at.pending:
        day = max(day, at.plan.schedule[at.plan.carried].due_on)
    terms = attrs.evolve(
        terms,
        down_payment=Money(whole, at.plan.currency),
        down_payment_on=day,
        brought_interest=sum_or_none(at.plan, owed + (0 if is_cut else _until_it_comes(at, whole))),
    )
    if terms.shape != "flat":
        return terms
    base = at.flat_base - min(at.prepayment, at.pending) - amount
    return attrs.evolve(terms, flat_base=Money(max(base, 0), at.plan.currency))


def _until_it_comes(at: Position, amount: int) -> int:
    """Return what a sum that comes today has borne in the running period: no more than the row falls by without it."""
    bore = at.accrued(at.on, amount)
    if at.plan.terms.shape in ("flat", "bullet") or at.rows_left < 1 or at.is_waiting:
        return bore
    end = period_end(at.plan, at.next_row)
    return min(bore, max(at.accrued(end, at.principal) - at.accrued(end, at.principal - amount), 0))


def superseding(at: Position, plan_id: str, terms: PlanTerms) -> PaymentPlan:
    plan = at.plan
    agreement: Agreement = {
        "account_id": plan.account_id,
        "covers": plan.covers,
        "agreed_on": at.on,
        "supersedes": plan.plan_id,
        "tolerance_days": plan.tolerance_days,
        "tolerance_amount": plan.tolerance_amount,
    }
    return plan_from_terms(plan_id=plan_id, terms=terms, agreement=agreement, carried=at.kept)


def _rows_of_rest(at: Position) -> int:
    """Return how many rows or periods are left; of minimum payments, as many as there may be."""
    old = at.plan.terms
    if old.shape == "bullet":  # one row of many periods, the first of which still runs
        return old.instalments
    if old.shape != "minimum_payment" or old.rrule is not None:
        return at.rows_left
    return old.instalments - within(at) if old.due_on else at.rows_left + _MORE_ROWS


def rhythm_left(at: Position) -> tuple[date, int]:
    """Return the anchor of the rhythm and the step on which the next row falls due."""
    old = at.plan.terms
    anchor, first = old.start_on, 1
    if old.anchor_on is not None:
        anchor, first = old.anchor_on, old.anchor_first
    elif old.first_due_on is not None and old.first_due_on != old.every.date(
        anchor=old.start_on, number=1, month_end=old.month_end
    ):
        anchor, first = old.first_due_on, 0
    skipped = old.grace if old.grace_interest != "pay" and old.begin_on is None else 0  # steps of a wait before it
    place = within(at)
    if place and old.skip_months:  # the period of the next row begins with the step after that of the row before
        return anchor, step_of(old, anchor, first + skipped, place - 1) + 1
    return anchor, first + skipped + place


def due_step(at: Position) -> int:
    """Return the step of the rhythm on which the next row falls due: the last one of a bullet, past skipped months."""
    old = at.plan.terms
    anchor, first = rhythm_left(at)
    return step_of(old, anchor, first, old.instalments - 1 if old.shape == "bullet" else 0)


def within(at: Position) -> int:
    """Return the place of the next row among the regular rows of the plan's own terms."""
    old = at.plan.terms
    lead = at.plan.carried + (1 if old.down_payment is not None and old.down_payment.minor else 0)
    return max(at.next_row - lead, 0)


def require_rows(at: Position) -> None:
    if at.rows_left < 1:
        raise InvalidTerms(
            "plans.events", f"every instalment of plan {at.plan.plan_id} is past due; re-age it, or restructure it"
        )


def sum_or_none(plan: PaymentPlan, minor: int) -> Money | None:
    return Money(minor, plan.currency) if minor else None
