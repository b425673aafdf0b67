"""Interest of a plan from day to day: what a sum bears from the start of a row's period, period by period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from collectkit.core.money import rounded
from collectkit.plans import PaymentPlan, Periods


def lead_of(plan: PaymentPlan) -> int:
    """Return the place of the first regular row: after those that were carried over, and a down payment."""
    down = plan.terms.down_payment
    return plan.carried + (1 if down is not None and down.minor else 0)


def borne(plan: PaymentPlan, place: int, base: int, until: date, periods: Periods | None = None) -> int:
    """Return what `base` bears from the start of a row's period to a day, each period rounded as its row would be.

    A place after the last row is the time after the end. Compound interest of a bullet joins what bears it. The
    periods of the plan may be handed in where many sums are asked for.
    """
    terms = plan.terms
    factors = _factors(plan, place, until, periods)
    if terms.shape != "bullet":
        return sum(rounded(base * factor, terms.rounding) for factor in factors)
    if terms.simple_interest:
        return rounded(base * sum(factors, Fraction(0)), terms.rounding)
    grown = base
    for factor in factors:
        grown += rounded(grown * factor, terms.rounding)
    return grown - base


def passed_of(plan: PaymentPlan, place: int, until: date) -> Fraction:
    """Return the part of a row's period that has passed by a day, at most 1."""
    start, end = _spans(plan)[place - lead_of(plan)]
    if until >= end:
        return Fraction(1)
    whole = plan.terms.periods().factors[place - lead_of(plan)]
    if whole and plan.terms.day_count is not None:
        return sum(_factors(plan, place, until), Fraction(0)) / whole
    return _by_days(plan, start, until, end)


def whole_factors(plan: PaymentPlan) -> Sequence[Fraction]:
    """Return the factor of each period; of no interest where none is borne."""
    return plan.terms.periods().factors


def period_end(plan: PaymentPlan, place: int) -> date:
    """Return the day on which the period of a row ends: its due date, but where interest keeps to the rhythm."""
    spans = _spans(plan)
    return spans[-1][1] if plan.terms.shape == "bullet" else spans[place - lead_of(plan)][1]


def period_start(plan: PaymentPlan, place: int) -> date:
    """Return the day on which the period of a row starts; after the last row, the end of the plan."""
    terms, within = plan.terms, place - lead_of(plan)
    if place == len(plan.schedule):
        return _spans(plan)[-1][1]
    if within <= 0:
        return terms.start_on if terms.grace_interest == "pay" or not terms.grace else terms.periods().from_on[0]
    return terms.periods().from_on[within]


# -- details ---------------------------------------------------------------------------------------------------


def _spans(plan: PaymentPlan, known: Periods | None = None) -> list[tuple[date, date]]:
    """Return the starts and ends of the periods of regular rows, or of the one row of a bullet."""
    periods = known or plan.terms.periods()
    spans = list(zip(periods.from_on, (*periods.from_on[1:], periods.due_on[-1]), strict=True))
    return spans if plan.terms.shape == "bullet" else spans[: len(plan.schedule) - lead_of(plan)]


def _factors(plan: PaymentPlan, place: int, until: date, known: Periods | None = None) -> list[Fraction]:
    """Return the factors of the periods from that of a row to a day; of the last the part that has passed.

    By days where the terms count them; else by the periods of the plan. A period that has passed bears what its row
    bears, and one that runs no more than that.
    """
    terms = plan.terms
    if not terms.bears_interest:
        return []
    periods = known or terms.periods()
    spans = _spans(plan, periods)
    by_days = terms.day_count is not None
    first = place - lead_of(plan) if place < len(plan.schedule) else len(spans)
    whole = periods.factors
    found: list[Fraction] = []
    for at in range(first, len(spans)):
        start, end = spans[at]
        if until <= start:
            return found
        if until < end:
            part = terms.factor_between(start, until) if by_days else whole[at] * _by_days(plan, start, until, end)
            return [*found, min(part, whole[at])]
        found.append(whole[at])
    end = spans[-1][1]
    return [*found, terms.factor_between(end, until)] if until > end else found


def _by_days(plan: PaymentPlan, start: date, until: date, end: date) -> Fraction:
    """Return the part of a period that has passed, by its days on which interest runs."""
    if until <= start:
        return Fraction(0)
    days, whole = (until - start).days, (end - start).days
    bearing = plan.terms.running_share(start, end) * whole
    return plan.terms.running_share(start, until) * days / bearing if bearing else Fraction(days, whole)
