"""What is left of a plan at the start of a day: rows that stand, debt that is open, and the period that runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

import attrs

from collectkit._servicing.standing import Paid, PlanFacts
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import rounded
from collectkit.core.schedule import Instalment
from collectkit.plans import PaymentPlan, PlanTerms


@attrs.frozen(kw_only=True)
class Position:
    """A plan taken apart at the start of `on`.

    `kept` are the rows that were paid in full, as they stand, and after them, if money met part of a row, that part.
    `principal` is the debt still open, `interest` and `fee` what is unpaid of rows already past due. `next_row` is the
    place (from 0) of the first row that is neither paid nor past due, `start_on` where its period starts, and
    `fee_later` the fees of that row and those after it. `brought` is interest that the next row asks for besides that
    of its own period, from a deferral or from the plan before; it is owed already, so it is in `interest`, too, as
    fees brought over are in `fee`.
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
    brought: int = 0

    @property
    def rows_left(self) -> int:
        """Return how many rows are neither paid nor past due."""
        return len(self.plan.schedule) - self.next_row

    def accrued(self, until: date, principal: int | None = None) -> int:
        """Return interest from the start of the running period to a day, in minor units: of the open debt or a part.

        What a prepayment bore until its day was brought over from the plan before, so it is no part of this.
        """
        terms = self.plan.terms
        if principal is None and terms.shape != "flat" and terms.down_payment_on is not None:
            brought = self.accrued(min(until, terms.down_payment_on), self._prepayment_open())
            return max(self.accrued(until, self.principal) - brought, 0)
        base = self.principal if principal is None else principal
        if terms.shape == "flat" and principal is None:
            base = terms.interest_base.minor
        if terms.shape == "bullet" and not terms.simple_interest:
            grown = base
            for factor in self._factors(until):
                grown += rounded(grown * factor, terms.rounding)
            return grown - base
        return rounded(base * sum(self._factors(until), Fraction(0)), terms.rounding)

    def waiting(self) -> tuple[int, int]:
        """Return what of a deferral's interest the days to come will bear: capitalised in the debt, and collected."""
        terms = self.plan.terms
        if self.on >= self.start_on or self.next_row != _lead(self.plan) or not terms.grace:
            return 0, 0
        earned = rounded(terms.financed.minor * terms.factor_between(terms.start_on, self.on), terms.rounding)
        if terms.grace_interest == "capitalise":
            return max(self.plan.schedule.balance_before(self.next_row) - terms.financed.minor - earned, 0), 0
        own = 0 if terms.brought_interest is None else terms.brought_interest.minor
        return 0, max(self.brought - own - earned, 0)

    def _prepayment_open(self) -> int:
        """Return what of the down payment no money has met."""
        down = self.plan.terms.down_payment
        if down is None:
            return 0
        return max(down.minor - (self.plan.schedule.balance_before(self.plan.carried) - self.principal), 0)

    def _factors(self, until: date) -> list[Fraction]:
        """Return the factors of the periods from the running one to a day; of the last the part that has passed.

        By days where the terms count them; else by the periods of the plan, so that on a due date the interest is
        that of its row.
        """
        terms, start = self.plan.terms, self.start_on
        if until <= start or not terms.bears_interest:
            return []
        is_whole = terms.shape == "bullet" and not terms.simple_interest
        by_days = terms.day_count is not None and terms.day_count != "act/act-icma" and not is_whole
        if self.rows_left < 1 or by_days:
            return [terms.factor_between(start, until)]
        periods = terms.periods()
        ends = (*periods.from_on[1:], periods.due_on[-1])
        found: list[Fraction] = []
        for place in range(periods.from_on.index(start), len(ends)):
            start, end = periods.from_on[place], ends[place]
            if until < end:
                return [*found, periods.factors[place] * _passed(self.plan, start, until, end)]
            found.append(periods.factors[place])
        return [*found, terms.factor_between(ends[-1], until)]


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
    brought, brought_fee = _brought(plan) if place == _lead(plan) and place < len(rows) else (0, 0)
    return Position(
        plan=plan,
        on=on,
        kept=tuple(kept),
        principal=before - principal,
        interest=open_interest + brought,
        fee=open_fee + brought_fee,
        next_row=place,
        start_on=_period_start(plan, place),
        fee_later=sum(row.fee_minor for row in rows[place:]) - brought_fee,
        brought=brought,
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


def _lead(plan: PaymentPlan) -> int:
    down = plan.terms.down_payment
    return plan.carried + (1 if down is not None and down.minor else 0)


def _brought(plan: PaymentPlan) -> tuple[int, int]:
    """Return interest and fees that the first regular row asks for besides its own."""
    terms = plan.terms
    interest = 0 if terms.brought_interest is None else terms.brought_interest.minor
    if terms.grace and terms.grace_interest == "collect":
        interest += sum(
            rounded(terms.financed.minor * factor, terms.rounding) for factor in terms.periods().grace_factors
        )
    return interest, 0 if terms.brought_fee is None else terms.brought_fee.minor


def _passed(plan: PaymentPlan, start: date, until: date, end: date) -> Fraction:
    """Return the part of a period that has passed, by its days on which interest runs."""
    whole = plan.terms.running_share(start, end) * (end - start).days
    return plan.terms.running_share(start, until) * (until - start).days / whole if whole else Fraction(0)


def _period_start(plan: PaymentPlan, place: int) -> date:
    terms = plan.terms
    within = place - _lead(plan)
    if place == len(plan.schedule):
        return plan.schedule[-1].due_on
    if within <= 0:
        return terms.start_on if terms.grace_interest == "pay" or not terms.grace else terms.periods().from_on[0]
    return terms.periods().from_on[within]


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
