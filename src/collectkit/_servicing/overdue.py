"""Rows that are past due: what money met of them, and the interest that is open.

One rule holds on both sides of a due date: principal bears interest at the rate of the plan until it is paid, whether
its row is past due or not; interest and fees bear none. A row that was met in full, early or late, is settled with
what it asks for. Flat interest is what was agreed, and is no more for being late.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import attrs

from collectkit._servicing.accruing import borne, lead_of, period_end, whole_factors
from collectkit._servicing.waits import wait_by
from collectkit.core.money import rounded
from collectkit.plans import PaymentPlan

Flow = Sequence[tuple[date, int]]


@attrs.frozen(kw_only=True)
class PastDue:
    """What money met of the first open row, as principal, interest and fee, and what its rows past due leave open.

    `open_interest` holds `late`, what principal bore after its row was due. `added` is how much more a wait that is
    over has added to the debt than was foreseen: less, where money came within it.
    """

    principal: int = 0
    interest: int = 0
    fee: int = 0
    open_interest: int = 0
    late: int = 0
    added: int = 0


def past_due(plan: PaymentPlan, flow: Flow, money: int, first_open: int, place: int) -> PastDue:
    """Judge the rows from the first open one to before `place`; the last so much of the money met a part of it."""
    lead = lead_of(plan)
    regular = range(max(first_open, lead), place)
    bore = _of_part(plan, flow, money, first_open)
    if not regular:
        return PastDue(principal=money, open_interest=bore, late=bore)
    added, extra = _of_wait(plan, flow) if regular[0] == lead else (0, 0)
    met = PastDue(principal=money)
    rows, early = plan.schedule, 0
    is_flat = plan.terms.shape == "flat"
    opening = rows.balance_before(first_open) + added
    tail, periods = _tail(flow, money), plan.terms.periods()
    if first_open >= lead:
        row, end = rows[first_open], period_end(plan, first_open)
        asked = row.interest_minor + extra
        if not is_flat:  # money ahead of its row has lowered the debt from its day on
            asked -= borne(plan, first_open, rows.balance_before(first_open), end)
            left = opening
            for day, amount in tail:
                part = min(amount, left) if day <= row.due_on else 0
                left -= part
                asked += borne(plan, first_open, part, min(day, end), periods)
            asked += borne(plan, first_open, left, end)
        early, extra = asked, 0
        fee = min(money, row.fee_minor)
        interest = min(money - fee, max(asked, 0))
        met = PastDue(principal=min(money - fee - interest, opening), interest=interest, fee=fee)
    debt = opening - met.principal
    to_come = prepaid(plan, flow)[0] if is_flat else 0
    open_interest, late = early - met.interest + bore, bore
    factors = () if is_flat or len(regular) < 2 else whole_factors(plan)
    for at in regular:
        if at == first_open:
            continue
        more = extra
        if to_come:  # a prepayment that has not come bears flat interest as before
            more += borne(plan, at, to_come, period_end(plan, at))
        if not is_flat:
            before, rounding = rows.balance_before(at), plan.terms.rounding
            if factors:
                factor = factors[at - lead]
                more += rounded(debt * factor, rounding) - rounded(before * factor, rounding)
            else:
                end = period_end(plan, at)
                more += borne(plan, at, debt, end) - borne(plan, at, before, end)
        open_interest += rows[at].interest_minor + more
        late += more - extra
        extra = 0
    if first_open >= lead and not is_flat:  # money that came late to a part of its row: it bore until its day
        settled = met.fee + met.interest
        for day, amount in tail:
            part = max(amount - settled, 0)
            settled = max(settled - amount, 0)
            if day > rows[first_open].due_on:
                bore = borne(plan, first_open + 1, part, day, periods)
                open_interest += bore
                late += bore
    return attrs.evolve(met, open_interest=open_interest, late=max(late, 0), added=added)


def prepaid(plan: PaymentPlan, flow: Flow) -> tuple[int, int]:
    """Return what of a prepayment is to come, and what it bore until now beyond what was brought over of it.

    What a down payment at the start bears until it comes is no part of it.
    """
    terms = plan.terms
    if terms.down_payment is None or terms.down_payment_on is None:
        return 0, 0
    lead = lead_of(plan)
    to_come, bore = terms.down_payment.minor, 0
    for day, amount in flow:
        part = min(amount, to_come)
        to_come -= part
        bore += borne(plan, lead, part, day) - borne(plan, lead, part, plan.agreed_on)
    return to_come, bore - borne(plan, lead, to_come, plan.agreed_on)


def brought_of(plan: PaymentPlan) -> tuple[int, int]:
    """Return interest and fees that the first regular row asks for from the plan before."""
    interest, fee = plan.terms.brought_interest, plan.terms.brought_fee
    return 0 if interest is None else interest.minor, 0 if fee is None else fee.minor


def deferred_of(plan: PaymentPlan) -> int:
    """Return the interest of a wait that the first regular row asks for."""
    return plan.terms.after_deferral()[1].minor if plan.terms.grace else 0


def _of_part(plan: PaymentPlan, flow: Flow, money: int, first_open: int) -> int:
    """Return what money for a part of a down payment bore until it came; a prepayment is reckoned by `prepaid`."""
    lead = lead_of(plan)
    if first_open >= lead or plan.terms.down_payment_on is not None or plan.terms.shape == "flat":
        return 0
    return sum(borne(plan, lead, part, day) for day, part in _tail(flow, money))


def _of_wait(plan: PaymentPlan, flow: Flow) -> tuple[int, int]:
    """Return by how much the debt and the interest of the first row differ from the schedule for money within a wait."""
    bore = prepaid(plan, flow)[1]
    if not plan.terms.grace:
        return 0, bore
    wait = wait_by(plan, flow, plan.terms.periods().from_on[0])
    if wait is None:
        return 0, bore
    if wait.is_added:
        return wait.earned - (plan.schedule.balance_before(lead_of(plan)) - plan.terms.financed.minor), bore
    return 0, bore + wait.earned - deferred_of(plan)


def _tail(flow: Flow, money: int) -> list[tuple[date, int]]:
    """Return the last so much of the money, day by day in order."""
    found: list[tuple[date, int]] = []
    for day, amount in reversed(flow):
        part = min(amount, money)
        money -= part
        if part:
            found.append((day, part))
    return found[::-1]
