"""What is left of a plan at the start of a day: rows that stand, debt that is open, and the period that runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import attrs

from collectkit._servicing.standing import Paid, PlanFacts
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import rounded
from collectkit.core.schedule import Instalment
from collectkit.plans import PaymentPlan


@attrs.frozen(kw_only=True)
class Position:
    """A plan taken apart at the start of `on`.

    `kept` are the rows that were paid in full, as they stand, and after them, if money met part of a row, that part.
    `principal` is the debt still open, `interest` and `fee` what is unpaid of rows already past due. `next_row` is the
    place (from 0) of the first row that is neither paid nor past due, `start_on` where its period starts, and
    `fee_later` the fees of that row and those after it.
    """

    plan: PaymentPlan
    on: date
    kept: tuple[Instalment, ...]
    principal: int
    interest: int
    fee: int
    next_row: int
    start_on: date
    fee_later: int

    @property
    def rows_left(self) -> int:
        """Return how many rows are neither paid nor past due."""
        return len(self.plan.schedule) - self.next_row

    def accrued(self, until: date) -> int:
        """Return the interest of the open debt from the start of the running period to a day, in minor units."""
        terms = self.plan.terms
        base = terms.financed.minor if terms.shape == "flat" else self.principal
        return rounded(base * terms.factor_between(self.start_on, until), terms.rounding)


def position(plan: PaymentPlan, paid: Iterable[Paid], on: date) -> Position:
    """Take a plan apart at the start of a day: money of earlier days counts, earliest instalment first.

    Within a row that is past due money pays fee, interest, principal, in this order; what meets a row not yet due
    lowers the debt.

    Raises:
        InvalidTerms: `plans.events` for a day before the plan was agreed, or when all of it is paid.
    """
    require_date(on, "on")
    if not isinstance(plan, PaymentPlan):
        raise InvalidTerms("plans.plan", f"a PaymentPlan with its terms is needed, not {type(plan).__name__}")
    if on < plan.agreed_on:
        raise InvalidTerms(
            "plans.events", f"plan {plan.plan_id} was agreed on {plan.agreed_on}; it cannot be changed as of {on}"
        )
    money = sum(
        amount
        for day, amount in PlanFacts(plan).counted(paid, on - timedelta(days=1))
        if on > plan.agreed_on and day < on
    )
    rows = tuple(plan.schedule)
    kept = list(rows[: plan.carried])
    place = plan.carried
    while place < len(rows) and money >= rows[place].total.minor:
        money -= rows[place].total.minor
        kept.append(rows[place])
        place += 1
    if place == len(rows):
        raise InvalidTerms("plans.events", f"plan {plan.plan_id} is paid in full, so there is nothing to change")
    first_open = place
    before = plan.schedule.balance_before(first_open)
    fee = interest = principal = 0
    if money:
        row = rows[place]
        if row.due_on < on:
            fee = min(money, row.fee_minor)
            interest = min(money - fee, row.interest_minor)
        principal = money - fee - interest
        if principal >= before:
            raise InvalidTerms(
                "plans.overpaid",
                f"what was paid of plan {plan.plan_id} meets all of its debt; take payoff_quote for the rest",
            )
        kept.append(_part(row, kept, on, (principal, interest, fee), before - principal))
    while place < len(rows) and (rows[place].due_on < on or _is_down_payment(plan, place)):
        place += 1
    open_fee = sum(row.fee_minor for row in rows[first_open:place]) - fee
    open_interest = sum(row.interest_minor for row in rows[first_open:place]) - interest
    return Position(
        plan=plan,
        on=on,
        kept=tuple(kept),
        principal=before - principal,
        interest=open_interest,
        fee=open_fee,
        next_row=place,
        start_on=_period_start(plan, place),
        fee_later=sum(row.fee_minor for row in rows[place:]),
    )


def _part(row: Instalment, kept: list[Instalment], on: date, parts: tuple[int, int, int], left: int) -> Instalment:
    """Make the row for money that met a part of an instalment."""
    day = min(row.due_on, on)
    if kept:
        day = max(day, kept[-1].due_on)
    return Instalment(
        number=len(kept) + 1,
        due_on=day,
        principal_minor=parts[0],
        interest_minor=parts[1],
        fee_minor=parts[2],
        balance_minor=left,
        currency=row.currency,
    )


def _is_down_payment(plan: PaymentPlan, place: int) -> bool:
    down = plan.terms.down_payment
    return place == plan.carried and down is not None and down.minor > 0


def _period_start(plan: PaymentPlan, place: int) -> date:
    terms = plan.terms
    lead = plan.carried + (1 if terms.down_payment is not None and terms.down_payment.minor else 0)
    within = place - lead
    if within <= 0 or terms.shape == "bullet":
        return terms.start_on if terms.grace_interest == "pay" or not terms.grace else terms.periods().from_on[0]
    if place == len(plan.schedule):
        return plan.schedule[-1].due_on
    return terms.periods().from_on[within]
