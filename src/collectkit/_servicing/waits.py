"""The wait of a deferral: what it has earned by a day, from what was really open on each day of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import islice, pairwise

import attrs

from collectkit.core.money import rounded
from collectkit.plans import PaymentPlan

Flow = Sequence[tuple[date, int]]


@attrs.frozen(kw_only=True)
class Wait:
    """The interest that a wait has earned up to `until`, in minor units.

    `earned` is all of it and `running` the part of the step of the rhythm that holds the day; `place` counts the steps
    before that one. A wait that `is_over` has earned all it ever will.
    """

    plan: PaymentPlan
    until: date
    cuts: tuple[date, ...]
    place: int
    earned: int
    running: int

    @property
    def is_over(self) -> bool:
        """Say whether regular periods have begun."""
        return self.until >= self.cuts[-1]

    @property
    def is_added(self) -> bool:
        """Say whether the interest joins the debt; else it is collected with the first instalment."""
        return self.plan.terms.grace_interest == "capitalise"

    @property
    def start_on(self) -> date:
        """Return the day on which the running step starts."""
        return self.cuts[self.place]

    def running_on(self, base: int) -> int:
        """Return what the running step would have earned so far, had `base` been open since its start."""
        terms = self.plan.terms
        return rounded(base * terms.waited(self.cuts, self.place, self.until), terms.rounding)


def wait_by(plan: PaymentPlan, flow: Flow, until: date) -> Wait | None:
    """Return what the wait of a plan has earned by a day; None where it has none, or one that bears no interest.

    `flow` is the money that met the plan. Each sum bears interest until its day; so does a down payment that has not
    come.
    """
    terms = plan.terms
    if not terms.grace or terms.grace_interest not in ("collect", "capitalise"):
        return None
    cuts = terms.periods().grace_on
    changes = sorted(_changes(plan, flow))
    base = terms.interest_base.minor if terms.shape == "flat" else terms.financed.minor
    is_compounding = terms.grace_interest == "capitalise" and terms.shape != "flat"
    earned = running = place = 0
    passed = moved = 0  # changes up to the start of the step, and their sum
    for place, (start, end) in enumerate(pairwise(cuts)):
        stop = min(until, end)
        while passed < len(changes) and changes[passed][0] <= start:
            moved += changes[passed][1]
            passed += 1
        opening = base + (earned if is_compounding else 0) + moved
        share = terms.waited(cuts, place, stop)
        exact = opening * share
        for day, sum_ in islice(changes, passed, None):
            if day >= stop:
                break
            exact += sum_ * (share - terms.waited(cuts, place, day))
        running = rounded(exact, terms.rounding)
        earned += running
        if until < end:
            break
    return Wait(plan=plan, until=until, cuts=cuts, place=place, earned=earned, running=running)


def _changes(plan: PaymentPlan, flow: Flow) -> list[tuple[date, int]]:
    """Return the days on which what bears interest changes: a down payment until it comes, and money beyond it.

    What a prepayment bore until it was agreed was brought over, so it bears again from that day. Flat interest is
    reckoned on what was agreed, so money beyond the down payment does not lower it.
    """
    terms = plan.terms
    down = 0 if terms.down_payment is None else terms.down_payment.minor
    changes = [(terms.start_on if terms.down_payment_on is None else plan.agreed_on, down)] if down else []
    for day, amount in flow:
        part = min(amount, down) if terms.shape == "flat" else amount
        down = max(down - amount, 0)
        changes.append((day, -part))
    return changes
