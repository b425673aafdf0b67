"""How a plan ends before its time: the pay-off sum of a day, charge-off, write-off, and money recovered later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import attrs

from collectkit._servicing.position import position
from collectkit._servicing.standing import Paid, PlanFacts, plan_status, require_money
from collectkit.core.checks import require_date
from collectkit.core.decisions import Declined, Reason
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.plans import PaymentPlan


@attrs.frozen(kw_only=True)
class PayoffQuote:
    """What closes a plan on a day: open debt, interest and fees up to then, less what is given back for closing early.

    `interest_saved` is the interest of the schedule that will never be asked for, the rebate included. `interest_late`
    is the part of `interest` that principal past due bore after its rows were due.
    """

    plan_id: str
    on: date
    principal: Money
    interest: Money
    fee: Money
    rebate: Money
    interest_saved: Money
    interest_late: Money

    @property
    def total(self) -> Money:
        """Return the sum to pay on the day."""
        return self.principal + self.interest + self.fee - self.rebate


def payoff_quote(
    *,
    plan: PaymentPlan,
    on: date,
    paid: Iterable[Paid] = (),
    interest: Literal["to_day", "to_due_date"] = "to_day",
    rebate: Money | None = None,
) -> PayoffQuote:
    """Quote the sum that closes a plan on a day, when money of earlier days has met it.

    Interest runs to the day, or to the due date of the running period. Instalments past due are in it with all their
    parts; of later ones only the principal. Principal past due goes on to bear interest at the rate of the plan until
    it is paid; interest and fees bear none, and flat interest is no more for being late. So without money the sum never
    falls from one day to the next. A row that was paid in full, late, is settled: its late interest is asked for only
    by a pay-off or a change before that, so rows paid late in full owe less than a quote taken the day before. Of fees it asks for those of instalments past due, and those that a change asked
    for; the fees of later instalments fall away with them. Interest of a deferral counts as far as it was earned.
    `rebate` is an early-settlement rebate that contract or law gives.

    Interest at a default rate is for `policy` to charge; it stands beside this, not in its place.

    >>> from collectkit.plans import amortised_plan
    >>> from collectkit.core.rates import Rate
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("100", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> quote = payoff_quote(plan=plan, on=date(2026, 1, 16))
    >>> str(quote.principal), str(quote.interest), str(quote.total)
    ('100.00 EUR', '0.48 EUR', '100.48 EUR')

    Raises:
        InvalidTerms: `plans.events` for a day before the plan or a plan that is paid; `plans.amount` for a rebate
            above the interest.
    """
    if interest not in ("to_day", "to_due_date"):
        raise InvalidTerms("plans.events", "interest must be one of: to_day, to_due_date")
    at = position(plan, paid, on, may_be_met=True)
    until = on
    if interest == "to_due_date" and at.rows_left:
        until = plan.schedule[at.next_row].due_on
    principal, asked = at.owed(until)
    late = at.late_by(until)
    back = Money.zero(plan.currency) if rebate is None else require_money(rebate, plan.currency, "a rebate")
    if not 0 <= back.minor <= asked:
        raise InvalidTerms(
            "plans.amount",
            f"a rebate of {back} is not between nothing and the interest of {Money(asked, plan.currency)}",
        )
    return PayoffQuote(
        plan_id=plan.plan_id,
        on=on,
        principal=Money(principal, plan.currency),
        interest=Money(asked, plan.currency),
        fee=Money(at.fee, plan.currency),
        rebate=back,
        interest_saved=Money(sum(at.scheduled) - principal - (asked - late) + back.minor, plan.currency),
        interest_late=Money(late, plan.currency),
    )


@attrs.frozen(kw_only=True)
class ChargeOff:
    """The creditor books a loss on a plan; the claim lives, and what comes later is a recovery."""

    plan_id: str
    on: date
    principal: Money
    interest: Money
    fee: Money

    @property
    def total(self) -> Money:
        """Return the loss that is booked."""
        return self.principal + self.interest + self.fee


def charge_off(*, plan: PaymentPlan, on: date, paid: Iterable[Paid] = ()) -> ChargeOff:
    """State the loss of a plan on a day: open debt, interest to the day, and fees past due; no row changes.

    When a loss must be booked is for rule packs and policies to say.

    >>> from collectkit.core.rates import Rate
    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> str(charge_off(plan=plan, on=date(2026, 3, 1)).total)
    '1020.00 EUR'

    Raises:
        InvalidTerms: `plans.events` for a day before the plan or a plan that is paid.
    """
    at = position(plan, paid, on, may_be_met=True)
    principal, interest = at.owed(on)
    return ChargeOff(
        plan_id=plan.plan_id,
        on=on,
        principal=Money(principal, plan.currency),
        interest=Money(interest, plan.currency),
        fee=Money(at.fee, plan.currency),
    )


def recovered(*, loss: ChargeOff, plan: PaymentPlan, paid: Iterable[Paid], as_of: date) -> Money:
    """Return the money that met a plan from the day of its charge-off on.

    >>> from collectkit.core.records import Payment
    >>> from collectkit.core.rates import Rate
    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> loss = charge_off(plan=plan, on=date(2026, 9, 1))
    >>> late = Payment(payment_id="Z-1", account_id="A-1", amount=Money.of("40", "EUR"), received_on=date(2026, 9, 9))
    >>> str(recovered(loss=loss, plan=plan, paid=[late], as_of=date(2026, 9, 30)))
    '40.00 EUR'

    Raises:
        InvalidTerms: `plans.events` where the charge-off is of another plan.
    """
    require_date(as_of, "as_of")
    if loss.plan_id != plan.plan_id:
        raise InvalidTerms("plans.events", f"the charge-off is of plan {loss.plan_id}, not of {plan.plan_id}")
    later = sum(amount for day, amount in PlanFacts(plan).counted(paid, as_of) if day >= loss.on)
    return Money(later, plan.currency)


@attrs.frozen(kw_only=True)
class WriteOff:
    """A small rest that is removed from the books."""

    plan_id: str
    on: date
    amount: Money


def write_off(*, plan: PaymentPlan, on: date, limit: Money, paid: Iterable[Paid] = ()) -> WriteOff | Declined:
    """Remove what is left of a plan from the books, when that is not over `limit`.

    >>> from collectkit.plans import equal_split_plan
    >>> plan = equal_split_plan(plan_id="P-1", principal=Money.of("3", "EUR"), instalments=3, start_on=date(2026, 1, 1))
    >>> print(write_off(plan=plan, on=date(2026, 5, 1), limit=Money.of("2", "EUR")))
    3.00 EUR is open on plan P-1, over the limit of 2.00 EUR for a write-off; settle or charge it off

    Raises:
        InvalidTerms: `plans.events` for a day before the plan.
        CurrencyMismatch: a limit in another currency.
    """
    left = plan_status(plan=plan, paid=paid, as_of=on).amount_open
    if on < plan.agreed_on:
        raise InvalidTerms(
            "plans.events", f"plan {plan.plan_id} was agreed on {plan.agreed_on}; nothing of it is written off on {on}"
        )
    require_money(limit, left.currency, "a limit")
    if left > limit:
        text = (
            f"{left} is open on plan {plan.plan_id}, over the limit of {limit} for a write-off; settle or charge it off"
        )
        return Declined(reasons=(Reason(code="plans.write_off_limit", text=text),))
    return WriteOff(plan_id=plan.plan_id, on=on, amount=left)
