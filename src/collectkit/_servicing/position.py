"""What is left of a plan at the start of a day: rows that stand, debt that is open, and the period that runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import attrs

from collectkit._servicing.accruing import borne, lead_of, passed_of, period_end, period_start
from collectkit._servicing.overdue import Flow, brought_of, deferred_of, past_due, prepaid
from collectkit._servicing.standing import Paid, PlanFacts
from collectkit._servicing.waits import Wait, wait_by
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import rounded
from collectkit.core.schedule import Instalment
from collectkit.plans import PaymentPlan, PlanTerms


@attrs.frozen(kw_only=True)
class Position:
    """A plan taken apart at the start of `on`.

    `kept` are the rows that were paid in full, as they stand, and after them, if money met part of a row, that part.
    `principal` is the debt still open, with what a deferral has added to it so far; `interest` and `fee` what is owed
    besides: unpaid parts of rows past due, interest and fees brought over from the plan before, and what a deferral
    has earned so far where that is collected. `next_row` is the place (from 0) of the first row that is neither paid
    nor past due, `start_on` where its period starts, and `fee_later` the fees of that row and those after it. `wait`
    is the deferral before it. Where money met all of the debt, and interest with it, `interest` can be below zero until
    what the running period has earned joins it.

    `scheduled` is what the rows still ask for, as principal and as interest; `brought` the interest that the next row
    asks for besides that of its own period; `prepayment` what of a down payment has not come; `pending`
    the part of a down payment or a prepayment that has not come and is not past due; `late` the part of `interest` that
    principal bore after its rows were due.
    """

    plan: PaymentPlan
    on: date
    flow: tuple[tuple[date, int], ...]
    kept: tuple[Instalment, ...]
    principal: int
    interest: int
    fee: int
    next_row: int
    start_on: date
    fee_later: int
    scheduled: tuple[int, int]
    brought: int = 0
    prepayment: int = 0
    pending: int = 0
    late: int = 0
    wait: Wait | None = None

    @property
    def rows_left(self) -> int:
        """Return how many rows are neither paid nor past due."""
        return len(self.plan.schedule) - self.next_row

    @property
    def debt(self) -> int:
        """Return the open debt that bears interest: without what a running step of a wait has yet to add to it."""
        wait = self.wait
        return (
            self.principal - wait.running if wait is not None and wait.is_added and not wait.is_over else self.principal
        )

    @property
    def is_before_start(self) -> bool:
        """Say whether no interest has run yet: the plan has not started, or its first days bear none."""
        return self.on < self.start_on and self.wait is None and self.next_row == lead_of(self.plan)

    @property
    def is_on_schedule(self) -> bool:
        """Say whether the rows that are left pay exactly the debt that is open."""
        return self.scheduled[0] - self.pending == self.plan.schedule.balance_before(self.next_row)

    @property
    def is_waiting(self) -> bool:
        """Say whether a wait that bears interest still runs."""
        return self.wait is not None and not self.wait.is_over

    @property
    def flat_base(self) -> int:
        """Return the sum on which flat interest is reckoned: a prepayment that has not come is part of it."""
        return self.plan.terms.interest_base.minor + self.prepayment

    @property
    def bearing(self) -> int:
        """Return the sum that bears interest in the running period."""
        return self.flat_base if self.plan.terms.shape == "flat" else self.principal

    def accrued(self, until: date, principal: int | None = None) -> int:
        """Return interest from the start of the running period to a day, in minor units: of the open debt or a part.

        Flat interest is earned by the row, in equal parts, and is none after the end.
        """
        plan = self.plan
        if principal is not None:
            return borne(plan, self.next_row, principal, until)
        if plan.terms.shape != "flat":
            return borne(plan, self.next_row, self.principal, until)
        if self.rows_left < 1:
            return 0
        own = plan.schedule[self.next_row].interest_minor - self.brought
        earned = rounded(own * passed_of(plan, self.next_row, until), plan.terms.rounding)
        return earned + borne(plan, self.next_row, self.prepayment, min(until, period_end(plan, self.next_row)))

    def owed(self, until: date) -> tuple[int, int]:
        """Return the debt and the interest that are owed on a later day, if no more money comes."""
        at, wait = self, self.wait
        if wait is not None and self.is_waiting:
            later = wait_by(self.plan, self.flow, until)
            more = 0 if later is None else later.earned - wait.earned
            at = attrs.evolve(
                at,
                principal=at.principal + (more if wait.is_added else 0),
                interest=at.interest + (0 if wait.is_added else more),
            )
        return at.principal, max(at.interest + at.accrued(until), 0)

    def late_by(self, until: date) -> int:
        """Return what of the interest up to a day is borne by principal past due, after its rows were due."""
        if self.plan.terms.shape == "flat" or self.next_row <= lead_of(self.plan):
            return 0
        on_time = self.plan.schedule.balance_before(self.next_row) if self.rows_left else 0
        return max(self.late + self.accrued(until) - self.accrued(until, min(on_time, self.principal)), 0)


def position(plan: PaymentPlan, paid: Iterable[Paid], on: date, *, may_be_met: bool = False) -> Position:
    """Take a plan apart at the start of a day: money of earlier days counts, earliest instalment first.

    Within a row that is past due money pays fee, interest, principal, in this order; what meets a row not yet due
    lowers the debt from its day on, and bears interest until then. `may_be_met` allows a debt of which only such
    interest is left.

    Raises:
        InvalidTerms: `plans.events` for a day before the plan was agreed, or when all of it is paid; `plans.overpaid`.
    """
    require_date(on, "on")
    if not isinstance(plan, PaymentPlan):
        raise InvalidTerms("plans.plan", f"a PaymentPlan with its terms is needed, not {type(plan).__name__}")
    if on < plan.agreed_on:
        raise InvalidTerms(
            "plans.events", f"plan {plan.plan_id} was agreed on {plan.agreed_on}; it cannot be changed as of {on}"
        )
    as_of = on if on == plan.agreed_on else on - timedelta(days=1)
    flow = tuple(sorted(one for one in PlanFacts(plan).counted(paid, as_of) if one[0] < on))
    money = sum(amount for _, amount in flow)
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
    lead = lead_of(plan)
    while place < len(rows) and (rows[place].due_on < on or _is_down_payment(plan, place)):
        place += 1
    is_first = place == lead and place < len(rows)
    wait = wait_by(plan, flow, on) if is_first else None
    past = past_due(plan, flow, money, first_open, place)
    debt = before - past.principal + past.added
    if wait is not None and wait.is_added:
        debt += wait.earned - (plan.schedule.balance_before(lead) - plan.terms.financed.minor)
    excess, debt = max(-debt, 0), max(debt, 0)
    if not debt and not may_be_met:
        raise InvalidTerms(
            "plans.overpaid",
            f"what was paid of plan {plan.plan_id} meets all of its debt; take payoff_quote for the rest",
        )
    if money:
        left = debt - wait.running if wait is not None and wait.is_added and not wait.is_over else debt
        parts = (past.principal, past.interest, past.fee)
        kept.append(_part(rows[first_open], kept, on, parts, max(left, 0)))
    open_fee = sum(row.fee_minor for row in rows[first_open:place]) - past.fee
    brought, brought_fee = brought_of(plan) if is_first else (0, 0)
    own = brought
    if wait is not None and not wait.is_added:
        own += wait.earned
    at = Position(
        plan=plan,
        on=on,
        flow=flow,
        kept=tuple(kept),
        principal=debt,
        interest=past.open_interest + own,
        fee=open_fee + brought_fee,
        next_row=place,
        start_on=period_start(plan, place),
        fee_later=sum(row.fee_minor for row in rows[place:]) - brought_fee,
        scheduled=(before - past.principal, sum(row.interest_minor for row in rows[first_open:]) - past.interest),
        brought=brought + (deferred_of(plan) if is_first else 0),
        pending=_pending(plan, flow, on) if is_first else 0,
        late=past.late,
        wait=wait,
    )
    if is_first:
        at = _with_prepayment(at)
    return _with_early_money(at, money, excess) if place == first_open else at


def _with_prepayment(at: Position) -> Position:
    """Let a prepayment bear interest until it comes: what it bore until it was agreed was brought over already."""
    to_come, bore = prepaid(at.plan, at.flow)
    return attrs.evolve(at, prepayment=to_come, interest=max(at.interest + bore, 0))


def _with_early_money(at: Position, money: int, excess: int) -> Position:
    """Add the interest that the last so much of the money bore, until its day, on the debt that it lowered.

    What of it is over the debt pays interest. Flat interest falls only with what is agreed.
    """
    if at.plan.terms.shape == "flat":
        return attrs.evolve(at, interest=at.interest - excess)
    bore, over = 0, excess
    periods = at.plan.terms.periods()
    for day, amount in reversed(at.flow):
        beyond = min(amount, over)
        part = min(amount - beyond, money - excess)
        over, money = over - beyond, money - part
        bore += borne(at.plan, at.next_row, part, day, periods)
    return attrs.evolve(at, interest=at.interest + bore - excess)


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


def _pending(plan: PaymentPlan, flow: Flow, on: date) -> int:
    first = plan.schedule[plan.carried]
    if lead_of(plan) == plan.carried or first.due_on < on:
        return 0
    return max(first.principal_minor - sum(amount for _, amount in flow), 0)


def step_of(terms: PlanTerms, anchor: date, first: int, place: int) -> int:
    """Return the step of the rhythm on which a row falls due, `place` rows after the first one from step `first`."""
    if not terms.skip_months:
        return first + place
    step = first - 1
    for _ in range(place + 1):
        step += 1
        while terms.every.date(anchor=anchor, number=step, month_end=terms.month_end).month in terms.skip_months:
            step += 1
    return step
