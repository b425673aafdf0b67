"""Deferral: the next instalments are put off, and interest over the wait is waived, collected or capitalised."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import attrs

from collectkit._servicing.position import Position, position, step_of
from collectkit._servicing.rest import Arrears, due_step, require_rows, rest_of, rhythm_left, same_amounts, superseding
from collectkit._servicing.shapes import laid_out
from collectkit._servicing.standing import Paid
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.plans import PaymentPlan


def defer(
    *,
    plan: PaymentPlan,
    plan_id: str,
    on: date,
    payments: int | None = None,
    until: date | None = None,
    interest: Literal["waive", "collect", "capitalise"],
    paid: Iterable[Paid] = (),
    arrears: Arrears = "collect",
) -> PaymentPlan:
    """Put the next instalments off: by so many steps of the rhythm, or so that the next one falls due on `until`.

    Later ones follow in the same rhythm. Interest over the wait is waived, collected with the first instalment, or
    capitalised, which lays the rest out anew. The wait takes the place of the running period, so to waive its interest
    gives up what that period has earned so far, too. An instalment that is past due is not put off: it is asked for
    first.

    >>> from collectkit.core.rates import Rate
    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = defer(plan=plan, plan_id="P-2", on=date(2026, 1, 20), payments=2, interest="waive")
    >>> str(new.schedule[0].due_on), new.schedule[0].total == plan.schedule[0].total
    ('2026-04-01', True)

    Raises:
        InvalidTerms: `plans.deferral` for a wait of nothing, one past the plan's end, or one within another, for a
            plan of listed dates, and where the next instalment is more than a step away; `plans.events` where no
            instalment is left, or for an unknown treatment of arrears; else as the builders of `plans`.
    """
    at = position(plan, paid, on)
    require_rows(at)
    old, rows = plan.terms, plan.schedule
    if old.due_on or old.rrule is not None:
        raise InvalidTerms("plans.deferral", "a plan of listed dates has no rhythm to follow; restructure it instead")
    if interest not in ("waive", "collect", "capitalise"):
        raise InvalidTerms("plans.deferral", "interest must be one of: waive, collect, capitalise")
    if at.is_waiting:
        raise InvalidTerms(
            "plans.deferral",
            f"the wait until {at.start_on} still runs; defer again when it is over, or restructure the plan",
        )
    next_on = rows[at.next_row].due_on
    anchor, step = rhythm_left(at)
    steps, moved_on = _wait(at, payments, until, next_on)
    if moved_on > rows[-1].due_on and old.shape != "bullet":
        raise InvalidTerms(
            "plans.deferral",
            f"the next instalment would fall due on {moved_on}, after the plan ends on {rows[-1].due_on}; "
            "extend the plan instead",
        )
    soonest = old.every.date(anchor=on, number=1, month_end=old.month_end)
    if next_on > soonest:
        raise InvalidTerms(
            "plans.deferral",
            f"nothing falls due before {next_on} as it is; put it off when that day is near, or re-age the plan",
        )
    # nothing but the dates changes, so the amounts stay as they were agreed
    is_as_agreed = interest != "capitalise" and at.is_on_schedule and old.shape != "bullet"
    start_on = at.start_on
    due = due_step(at)
    if old.skip_months and old.shape != "bullet" and due > step:
        start_on = old.every.date(anchor=anchor, number=due - 1, month_end=old.month_end)
        step = due
        if not (is_as_agreed and old.shape == "flat"):
            # interest of skipped months before the wait is asked for in any case
            ran = rounded(at.bearing * old.factor_between(at.start_on, start_on), old.rounding)
            at = attrs.evolve(at, interest=at.interest + ran, brought=at.brought + ran)
    shifted = old.every.date(anchor=start_on, number=steps, month_end=old.month_end) if steps else start_on
    is_cut = False
    if steps is None:
        shifted = old.every.date(anchor=moved_on, number=-1, month_end=old.month_end)
        anchor, step = moved_on, 0
        # days that have passed keep what they bore, so the wait ends on the day of the change, and days follow
        may_cut = interest != "waive" and old.shape != "flat" and on > start_on
        if may_cut and (shifted <= start_on or (old.day_count is None and shifted < on)):
            shifted, is_cut = on, True
        elif shifted <= start_on:
            raise InvalidTerms(
                "plans.deferral",
                f"from {start_on} to {until} is one step of the rhythm or less, so there is no wait; restructure the plan "
                f"with first_due_on={until}, or put off whole payments",
            )
    else:
        is_on_step = old.every.date(anchor=anchor, number=step - 1, month_end=old.month_end) == start_on
        step += steps
        if old.day_count is not None and is_on_step:  # a month end stays one, so that the wait is no day short
            shifted = old.every.date(anchor=anchor, number=step - 1, month_end=old.month_end)
    terms = attrs.evolve(
        rest_of(at, arrears, waives=interest == "waive"),
        start_on=start_on,
        grace=1,
        begin_on=shifted,
        grace_interest=interest,
        anchor_on=anchor,
        anchor_first=step,
    )
    if is_cut and old.day_count is None:
        terms = attrs.evolve(terms, is_first_by_days=True)
    if is_as_agreed:
        terms = same_amounts(plan, at, terms)
        if is_cut and terms.amounts:  # the first row repays what it did; its interest is part of the wait's
            repaid = rows[at.next_row].principal_minor
            bears = rounded(terms.financed.minor * terms.periods().factors[0], terms.rounding)
            terms = attrs.evolve(terms, amounts=(Money(repaid + bears, plan.currency), *terms.amounts[1:]))
        return superseding(at, plan_id, terms)
    return laid_out(at, plan_id, terms)


def _wait(at: Position, payments: int | None, until: date | None, next_on: date) -> tuple[int | None, date]:
    """Return the steps to wait, None where they are no whole number, and the day on which the next row then falls."""
    old = at.plan.terms
    if (payments is None) == (until is None):
        raise InvalidTerms("plans.deferral", "say how long to wait by payments or by until, one of the two")
    anchor, step = rhythm_left(at)[0], due_step(at)
    if until is not None:
        if require_date(until, "until").month in old.skip_months:
            raise InvalidTerms("plans.deferral", f"{until} is in a month without instalments; choose another")
        if until <= next_on:
            raise InvalidTerms(
                "plans.deferral", f"the next instalment falls due on {next_on}; {until} does not put it off"
            )
        for later in range(1, at.rows_left + 1):
            target = step_of(old, anchor, step, later)
            if old.every.date(anchor=anchor, number=target, month_end=old.month_end) == until:
                return target - step, until
        return None, until
    if type(payments) is not int or payments < 1:
        raise InvalidTerms("plans.deferral", "a deferral puts off one payment or more")
    if payments > at.rows_left:
        raise InvalidTerms(
            "plans.deferral",
            f"{payments} payments cannot be put off, only {at.rows_left} are left; extend the plan instead",
        )
    target = step_of(old, anchor, step, payments)
    return target - step, old.every.date(anchor=anchor, number=target, month_end=old.month_end)
