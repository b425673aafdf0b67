"""Changes of a plan: each takes the plan and the money that met it, and makes a new plan that supersedes it.

A change holds from the start of its day. Money of earlier days has met the old plan; money of that day and after it
meets the new one, so the order of events within a day does not matter. Rows that were paid stand at the head of the
new plan as they were. Nothing of the debt is lost: what was open is in the new rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, NoReturn

import attrs

from collectkit._servicing.position import Position, position
from collectkit._servicing.rest import (
    Arrears,
    plain_rest,
    require_rows,
    rest_from,
    rest_of,
    same_amounts,
    sum_or_none,
    superseding,
    with_pending,
)
from collectkit._servicing.shapes import cut, eased, laid_out
from collectkit._servicing.standing import Paid, require_money
from collectkit.core.calendars import Every
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.schedule import require_count
from collectkit.plans import PaymentPlan, PlanTerms

PrepaymentEffect = Literal["shorten", "lower", "skip_ahead"]
"""What money ahead of its time does: fewer instalments, lower ones, or the next ones paid already."""


def prepay(
    *, plan: PaymentPlan, plan_id: str, amount: Money, on: date, effect: PrepaymentEffect, paid: Iterable[Paid] = ()
) -> PaymentPlan:
    """Pay part of the debt early, on `on`: the sum becomes a row of its own, and the rest is laid out anew.

    `shorten` keeps the regular instalment and ends sooner; `lower` keeps the dates and lowers the instalments;
    `skip_ahead` changes nothing, since money meets the next instalments by itself: the plan comes back as it is.

    The plan keeps its shape. `lower` lowers amounts that were named in proportion; a balloon stays as it is, or falls
    in proportion where the sum leaves too little for it. No instalment is higher than it was, but for what is past due,
    which joins them, and odd cents of flat interest in the last. A plan of interest alone, a bullet and one of minimum
    payments cannot be shortened by keeping their instalments: both effects are one there. Interest on the sum up to its
    day is asked for with the next instalment. Several of one day are one row.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = prepay(plan=plan, plan_id="P-2", amount=Money.of("500", "EUR"), on=date(2026, 1, 1), effect="shorten")
    >>> [(str(row.due_on), str(row.total)) for row in new.schedule]
    [('2026-01-01', '500.00 EUR'), ('2026-02-01', '172.55 EUR'), ('2026-03-01', '172.55 EUR'), ('2026-04-01', '164.85 EUR')]

    Raises:
        InvalidTerms: `plans.overpaid` where the sum pays the plan off (see `payoff_quote`); `plans.events` where no
            instalment is left, or where a balloon is to be shortened.
        CurrencyMismatch: a sum in another currency.
    """
    if effect not in ("shorten", "lower", "skip_ahead"):
        raise InvalidTerms("plans.events", "effect must be one of: shorten, lower, skip_ahead")
    at = position(plan, paid, on)
    require_rows(at)
    _require_sum(plan, amount, "a payment ahead")
    left = at.debt - at.pending
    if amount.minor >= left:
        raise InvalidTerms(
            "plans.overpaid",
            f"{amount} is not below the open debt of {Money(left, plan.currency)}; pay the plan off instead: "
            "payoff_quote",
            open=Money(left, plan.currency),
        )
    if effect == "skip_ahead":
        return plan
    # interest on the sum runs until the day it is paid, and is asked for with the next instalment
    terms = rest_of(at, "collect", ahead=amount.minor)
    return eased(at, plan_id, terms) if effect == "lower" else _shortened(at, plan_id, terms)


def reamortise(
    *, plan: PaymentPlan, plan_id: str, on: date, paid: Iterable[Paid] = (), arrears: Arrears = "collect"
) -> PaymentPlan:
    """Spread all that is open over the instalments not yet due, on their dates and in the shape of the plan.

    Amounts that were named rise in proportion, steps stay and what is left after them rises. Where rows of the shape
    could not stand, equal ones take their place.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = reamortise(plan=plan, plan_id="P-2", on=date(2026, 2, 10))  # nothing was paid
    >>> len(new.schedule), str(new.schedule[0].due_on), str(new.schedule[0].interest)
    (5, '2026-03-01', '20.00 EUR')

    Raises:
        InvalidTerms: `plans.events` where no instalment is left; re-age or restructure the plan then.
    """
    at = position(plan, paid, on)
    require_rows(at)
    return laid_out(at, plan_id, rest_from(at, arrears))


def extend(
    *,
    plan: PaymentPlan,
    plan_id: str,
    on: date,
    instalments: int,
    paid: Iterable[Paid] = (),
    arrears: Arrears = "collect",
) -> PaymentPlan:
    """Push the end out by so many instalments more, in the plan's rhythm, and lower the payments accordingly.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = extend(plan=plan, plan_id="P-2", on=date(2026, 1, 1), instalments=6)
    >>> len(new.schedule), str(new.ends_on), str(new.schedule[0].total)
    (12, '2027-01-01', '88.85 EUR')

    Raises:
        InvalidTerms: `plans.count`; `plans.events` for a plan without a rhythm, or one of minimum payments;
            `plans.negative_amortisation` for a length at which payments only meet their interest, with what would do.
    """
    at = position(plan, paid, on)
    more = require_count(instalments)
    if plan.terms.due_on or plan.terms.rrule is not None:
        raise InvalidTerms(
            "plans.events", "a plan of listed dates has no rhythm to go on in; restructure it with new dates"
        )
    require_rows(at)
    if plan.terms.shape == "minimum_payment":
        raise InvalidTerms(
            "plans.events",
            f"plan {plan.plan_id} asks for a share of what is open, so its length follows from that; restructure it",
        )
    terms = rest_from(at, arrears, more=more)
    fault: InvalidTerms | None = None
    try:
        new = laid_out(at, plan_id, terms)
        if not _stands_still(new, terms):
            return new
    except InvalidTerms as error:
        if error.code not in ("plans.negative_amortisation", "plans.too_small", "plans.gap"):
            raise
        fault = error
    _refuse_length(at, arrears, more, fault)


def re_age(
    *,
    plan: PaymentPlan,
    plan_id: str,
    on: date,
    first_due_on: date,
    instalments: int,
    every: Every | None = None,
    paid: Iterable[Paid] = (),
    arrears: Arrears = "collect",
) -> PaymentPlan:
    """Make the account current by decree: all that is open goes into a new run of instalments.

    Interest runs on from where the last period past due ended. How often that may be done is for rule packs to say.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = re_age(plan=plan, plan_id="P-2", on=date(2026, 5, 1), first_due_on=date(2026, 6, 15), instalments=8)
    >>> len(new.schedule), str(new.schedule[0].due_on), new.principal == plan.principal
    (8, '2026-06-15', True)

    Raises:
        InvalidTerms: `plans.dates` for a first due date before `on`; else as `restructure`.
    """
    require_date(first_due_on, "first_due_on")
    if first_due_on < require_date(on, "on"):
        raise InvalidTerms("plans.dates", f"a new run cannot start on {first_due_on}, before it is agreed on {on}")
    return restructure(
        plan=plan,
        plan_id=plan_id,
        on=on,
        first_due_on=first_due_on,
        instalments=instalments,
        every=every,
        paid=paid,
        arrears=arrears,
    )


def restructure(
    *,
    plan: PaymentPlan,
    plan_id: str,
    on: date,
    instalments: int,
    rate: Rate | None = None,
    every: Every | None = None,
    first_due_on: date | None = None,
    paid: Iterable[Paid] = (),
    arrears: Arrears = "collect",
) -> PaymentPlan:
    """Give what is open new terms: number of instalments, and rate, rhythm and first date where they are named.

    Interest up to `on` follows the old rate, and is asked for with what is past due; from then on the new one holds.
    So it does within the wait of a deferral, too: of its interest only what was earned up to `on` is owed.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = restructure(plan=plan, plan_id="P-2", on=date(2026, 1, 1), instalments=10, rate=Rate.percent("6"))
    >>> str(new.schedule[0].total)
    '102.77 EUR'

    Raises:
        InvalidTerms: `plans.dates` for a first due date before the last instalment that is paid; `plans.events` for a
            day before the plan, a plan that is paid in full, or an unknown treatment of arrears; `plans.overpaid` where
            money met all of its debt; else as the builders of `plans`.
    """
    at = position(plan, paid, on)
    old = plan.terms
    is_cut = on > at.start_on or at.is_waiting or first_due_on is not None
    starts_on, pauses = max(on, at.start_on), old.pauses
    if at.is_waiting:  # what the wait has not earned yet runs on under the new terms
        starts_on = on
    elif first_due_on is not None and require_date(first_due_on, "first_due_on") < starts_on:
        # days that bear no interest, since it is waived or paid ahead, bear none under the new terms
        pauses, starts_on = _paused(pauses, on, starts_on), on
    if first_due_on is not None and first_due_on < _last_kept(at, on):
        raise InvalidTerms(
            "plans.dates",
            f"instalments up to {_last_kept(at, on)} are paid already, so a new run cannot start on {first_due_on}; "
            "choose a first due date from then on",
        )
    at = attrs.evolve(at, interest=at.interest + at.accrued(on), start_on=starts_on)
    if first_due_on is None and at.rows_left and every is None:
        first_due_on = plan.schedule[at.next_row].due_on
    terms = with_pending(at, plain_rest(at, arrears), is_cut=True)
    terms = attrs.evolve(
        terms,
        instalments=require_count(instalments),
        rate=old.rate if rate is None else rate,
        every=old.every if every is None else every,
        first_due_on=first_due_on,
        shape="level",
        pauses=pauses,
        is_first_by_days=is_cut and first_due_on is not None and old.day_count is None,
    )
    return superseding(at, plan_id, terms)


def pause_interest(
    *, plan: PaymentPlan, plan_id: str, on: date, from_on: date, until_on: date, paid: Iterable[Paid] = ()
) -> PaymentPlan:
    """Let no interest run on the days `[from_on, until_on)`; the instalments not yet due are laid out anew.

    The plan keeps its shape, and no instalment is higher than it was, but for what is past due, which joins them, and
    odd cents of flat interest in the last.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = pause_interest(
    ...     plan=plan, plan_id="P-2", on=date(2026, 1, 1), from_on=date(2026, 2, 1), until_on=date(2026, 3, 1)
    ... )
    >>> [str(row.interest) for row in new.schedule[:3]]
    ['10.00 EUR', '0.00 EUR', '6.68 EUR']

    Raises:
        InvalidTerms: `plans.deferral` for no days, days already charged, or days that are paused already.
    """
    at = position(plan, paid, on)
    require_rows(at)
    require_date(from_on, "from_on")
    if require_date(until_on, "until_on") <= from_on:
        raise InvalidTerms("plans.deferral", f"a pause from {from_on} until {until_on} holds no day")
    running_on = at.start_on if at.wait is None or at.wait.is_over else at.wait.start_on
    if from_on < running_on and not at.is_before_start:
        raise InvalidTerms(
            "plans.deferral",
            f"interest before {running_on} is charged already; waive it as a charge, or pause from then",
        )
    if any(since < until_on and from_on < until for since, until in plan.terms.pauses):
        raise InvalidTerms("plans.deferral", "interest is paused on some of these days already")
    terms = rest_of(at, "collect")
    return eased(at, plan_id, attrs.evolve(terms, pauses=(*terms.pauses, (from_on, until_on))))


def add_fee(*, plan: PaymentPlan, plan_id: str, on: date, fee: Money, paid: Iterable[Paid] = ()) -> PaymentPlan:
    """Ask for a fee with the next instalment; the amounts of the others stay, but where something is past due.

    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=6,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> new = add_fee(plan=plan, plan_id="P-2", on=date(2026, 1, 20), fee=Money.of("5", "EUR"))
    >>> [str(row.total) for row in new.schedule[:2]]
    ['177.55 EUR', '172.55 EUR']

    Raises:
        InvalidTerms: `plans.amount` for nothing; `plans.events` where no instalment is left.
    """
    at = position(plan, paid, on)
    _require_sum(plan, fee, "a fee")
    require_rows(at)
    terms = attrs.evolve(rest_of(at, "collect"), brought_fee=sum_or_none(plan, at.fee + fee.minor))
    if at.is_on_schedule and plan.terms.shape != "bullet":
        return superseding(at, plan_id, same_amounts(plan, at, terms))
    return laid_out(at, plan_id, terms)


# -- details ---------------------------------------------------------------------------------------------------


def _stands_still(plan: PaymentPlan, terms: PlanTerms) -> bool:
    """Say whether the regular instalments pay interest alone, so that the last row takes the whole debt."""
    if terms.shape not in ("level", "equal_split", "balloon"):
        return False
    first = plan.carried + (0 if terms.down_payment is None else 1) + terms.rests
    return first < len(plan.schedule) - 1 and plan.schedule[first].principal_minor == 0


def _refuse_length(at: Position, arrears: Arrears, more: int, fault: InvalidTerms | None) -> NoReturn:
    """Refuse to push the end out so far that payments would not pay the debt off, saying how far would do."""
    low, high = 0, more - 1  # so many more stand, or none is known to
    while low < high:
        middle = (low + high + 1) // 2
        terms = rest_from(at, arrears, more=middle)
        try:
            stands = not _stands_still(laid_out(at, at.plan.plan_id + "+", terms), terms)
        except InvalidTerms:
            stands = False
        low, high = (middle, high) if stands else (low, middle - 1)
    way_out = f"at most {low} more would do" if low else "lower the rate, or restructure the plan"
    why = "its payments would do no more than meet their interest" if fault is None else str(fault)
    raise InvalidTerms(
        "plans.negative_amortisation",
        f"plan {at.plan.plan_id} cannot be extended by {more} instalments: {why}; {way_out}",
        most=low or None,
    )


def _shortened(at: Position, plan_id: str, terms: PlanTerms) -> PaymentPlan:
    """Keep the amounts of the rows, as many as pay what is open; rows that are no fewer are laid out anew."""
    plan, shape = at.plan, terms.shape
    if shape == "balloon":
        raise InvalidTerms(
            "plans.events",
            f"the balloon of plan {plan.plan_id} falls due on {plan.ends_on} whatever is paid ahead, so the plan gets no "
            "shorter; choose effect='lower'",
        )
    opening = terms.after_deferral()[0].minor
    if shape in ("stepped", "agreed"):
        fewer = cut(at, terms)
        return laid_out(at, plan_id, terms) if fewer is None else superseding(at, plan_id, fewer)
    if shape == "equal_principal":
        part = max(plan.schedule.principal_parts[at.next_row :])
        return laid_out(at, plan_id, _with_rows(terms, min(terms.rests - (-opening // part), terms.instalments)))
    regular = _regular(plan)
    if shape == "flat":
        each = regular - rounded(terms.interest_base.minor * terms.periods().factors[0], terms.rounding)
        fewer_rows = min(-(-opening // each) if each > 0 else terms.instalments, terms.instalments)
        return laid_out(at, plan_id, _with_rows(terms, fewer_rows))
    if shape not in ("level", "equal_split"):  # interest alone, a single row, and a share of the balance go on
        return eased(at, plan_id, terms)
    if terms.rests:
        fewer = cut(at, terms, regular)
        return laid_out(at, plan_id, terms) if fewer is None else superseding(at, plan_id, fewer)
    rows = terms.rows_to_pay(Money(regular, plan.currency))
    if rows is None:
        return superseding(at, plan_id, terms)
    level = Money(regular, plan.currency) if rows > 1 else None
    return superseding(at, plan_id, attrs.evolve(_with_rows(terms, rows), level=level))


def _with_rows(terms: PlanTerms, rows: int) -> PlanTerms:
    return attrs.evolve(terms, instalments=rows, due_on=terms.due_on[:rows], resting=min(terms.resting, rows - 1))


def _paused(pauses: tuple[tuple[date, date], ...], since: date, until: date) -> tuple[tuple[date, date], ...]:
    """Return pauses that hold a span of days besides their own; they do not overlap."""
    found = [(since, until)]
    for start, end in pauses:
        if start < since:
            found.append((start, min(end, since)))
        if end > until:
            found.append((max(start, until), end))
    return tuple(found)


def _last_kept(at: Position, on: date) -> date:
    return at.kept[-1].due_on if at.kept else on


def _regular(plan: PaymentPlan) -> int:
    """Return the regular instalment of a plan without its fee: the greatest of its rows but the last and first."""
    rows = plan.schedule[plan.carried :]
    inner = rows[1:-1] or rows
    return max(row.principal_minor + row.interest_minor for row in inner)


def _require_sum(plan: PaymentPlan, amount: Money, doing: str) -> None:
    if require_money(amount, plan.currency, doing).minor <= 0:
        raise InvalidTerms("plans.amount", f"{amount} is nothing for {doing}; give a sum above zero")
