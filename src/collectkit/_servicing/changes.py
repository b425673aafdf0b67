"""Changes of a plan: each takes the plan and the money that met it, and makes a new plan that supersedes it.

A change holds from the start of its day. Money of earlier days has met the old plan; money of that day and after it
meets the new one, so the order of events within a day does not matter. Rows that were paid stand at the head of the
new plan as they were. Nothing of the debt is lost: what was open is in the new rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal

import attrs

from collectkit._servicing.position import Position, position, step_of
from collectkit._servicing.standing import Paid, require_money
from collectkit.core.calendars import Every
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.schedule import require_count
from collectkit.plans import Agreement, PaymentPlan, PlanTerms, plan_from_terms

Arrears = Literal["collect", "capitalise", "waive"]
"""What becomes of interest and fees that are past due when a plan changes: asked for with the first new instalment,
added to the debt, or given up. Fees are never capitalised; they go with the first instalment then."""

PrepaymentEffect = Literal["shorten", "lower", "skip_ahead"]
"""What money ahead of its time does: fewer instalments, lower ones, or the next ones paid already."""


def prepay(
    *, plan: PaymentPlan, plan_id: str, amount: Money, on: date, effect: PrepaymentEffect, paid: Iterable[Paid] = ()
) -> PaymentPlan:
    """Pay part of the debt early, on `on`: the sum becomes a row of its own, and the rest is laid out anew.

    `shorten` keeps the regular instalment and ends sooner; `lower` keeps the dates and lowers the instalments;
    `skip_ahead` changes nothing, since money meets the next instalments by itself: the plan comes back as it is.

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
        InvalidTerms: `plans.overpaid` where the sum pays the plan off (see `payoff_quote`); `plans.events`.
        CurrencyMismatch: a sum in another currency.
    """
    if effect not in ("shorten", "lower", "skip_ahead"):
        raise InvalidTerms("plans.events", "effect must be one of: shorten, lower, skip_ahead")
    at = position(plan, paid, on)
    _require_sum(plan, amount, "a payment ahead")
    if amount.minor >= at.principal:
        raise InvalidTerms(
            "plans.overpaid",
            f"{amount} is not below the open debt of {Money(at.principal, plan.currency)}; pay the plan off instead: "
            "payoff_quote",
            open=Money(at.principal, plan.currency),
        )
    if effect == "skip_ahead":
        return plan
    # interest on the sum runs until the day it is paid, and is asked for with the next instalment
    until_paid = at.accrued(on, amount.minor)
    terms = _rest(at, "collect", down_payment=amount, down_payment_on=max(on, _last_kept(at, on)))
    terms = attrs.evolve(terms, brought_interest=_sum(plan, at.interest + until_paid))
    if terms.flat_base is not None:
        terms = attrs.evolve(terms, flat_base=_sum(plan, max(terms.flat_base.minor - amount.minor, 0)))
    if effect == "lower" or plan.terms.shape == "bullet":  # a single instalment cannot become fewer
        return _superseding(at, plan_id, terms)
    regular = _regular(plan)
    if terms.shape == "flat":
        parts = regular - rounded(terms.interest_base.minor * terms.periods().factors[0], terms.rounding)
        fewer = min(-(-terms.financed.minor // parts) if parts > 0 else terms.instalments, terms.instalments)
        return _superseding(at, plan_id, attrs.evolve(_shorter(terms, fewer, None), shape="flat"))
    rows = terms.rows_to_pay(Money(regular, plan.currency))
    if rows is None:
        return _superseding(at, plan_id, terms)
    level = Money(regular, plan.currency) if rows > 1 else None
    return _superseding(at, plan_id, _shorter(terms, rows, level))


def reamortise(
    *, plan: PaymentPlan, plan_id: str, on: date, paid: Iterable[Paid] = (), arrears: Arrears = "collect"
) -> PaymentPlan:
    """Spread all that is open over the instalments not yet due, on their dates.

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
    _require_rows(at)
    return _superseding(at, plan_id, _rest(at, arrears))


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
        InvalidTerms: `plans.count`; `plans.events` for a plan without a rhythm.
    """
    at = position(plan, paid, on)
    more = require_count(instalments)
    if plan.terms.due_on or plan.terms.rrule is not None:
        raise InvalidTerms(
            "plans.events", "a plan of listed dates has no rhythm to go on in; restructure it with new dates"
        )
    _require_rows(at)
    return _superseding(at, plan_id, _rest(at, arrears, more=more))


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
        InvalidTerms: as the builders of `plans`.
    """
    at = position(plan, paid, on)
    running = at.accrued(on)
    capitalised, collected = at.waiting()
    is_waiting = capitalised + collected > 0  # what the wait has not earned yet runs on under the new terms
    is_cut = on > at.start_on or is_waiting or first_due_on is not None
    starts_on = on if is_waiting else max(on, at.start_on)
    interest = at.interest + running - collected
    at = attrs.evolve(at, principal=at.principal - capitalised, interest=interest, start_on=starts_on)
    old = plan.terms
    if first_due_on is None and at.rows_left and every is None:
        first_due_on = plan.schedule[at.next_row].due_on
    terms = _plain(at, arrears)
    terms = attrs.evolve(
        terms,
        instalments=require_count(instalments),
        rate=old.rate if rate is None else rate,
        every=old.every if every is None else every,
        first_due_on=first_due_on,
        shape="level",
        is_first_by_days=is_cut and first_due_on is not None and old.day_count is None,
    )
    return _superseding(at, plan_id, terms)


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
    capitalised, which lays the rest out anew. An instalment that is past due is not put off: it is asked for first.

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
        InvalidTerms: `plans.deferral` for a wait of nothing, one past the plan's end, or one within another.
    """
    at = position(plan, paid, on)
    _require_rows(at)
    old, rows = plan.terms, plan.schedule
    if old.due_on or old.rrule is not None:
        raise InvalidTerms("plans.deferral", "a plan of listed dates has no rhythm to follow; restructure it instead")
    if interest not in ("waive", "collect", "capitalise"):
        raise InvalidTerms("plans.deferral", "interest must be one of: waive, collect, capitalise")
    next_on = rows[at.next_row].due_on
    anchor, step = _anchor(at)
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
    start_on = at.start_on
    due_step = _due_step(at)
    if old.skip_months and due_step > step:  # interest of skipped months before the wait is asked for in any case
        start_on = old.every.date(anchor=anchor, number=due_step - 1, month_end=old.month_end)
        ran = rounded(at.principal * old.factor_between(at.start_on, start_on), old.rounding)
        at = attrs.evolve(at, interest=at.interest + ran, brought=at.brought + ran)
        step = due_step
    shifted = old.every.date(anchor=start_on, number=steps, month_end=old.month_end) if steps else start_on
    if steps is None:
        shifted = old.every.date(anchor=moved_on, number=-1, month_end=old.month_end)
        anchor, step = moved_on, 0
    else:
        step += steps
    factor = old.factor_between(start_on, shifted)
    base = old.interest_base.minor if old.shape == "flat" else at.principal
    waiting = 0 if interest == "waive" else rounded(base * factor, old.rounding)
    kept_parts = interest != "capitalise" and at.principal == _balance_before(plan, at.next_row)
    if interest == "capitalise":
        at = attrs.evolve(at, principal=at.principal + waiting)
    elif interest == "collect":
        at = attrs.evolve(at, interest=at.interest + waiting)
    terms = attrs.evolve(_rest(at, arrears), start_on=shifted, anchor_on=anchor, anchor_first=step)
    if kept_parts and old.shape not in (
        "bullet",
        "flat",
    ):  # nothing but the dates changes, so the amounts stay as they were agreed
        terms = _same_amounts(plan, at, terms)
    return _superseding(at, plan_id, terms)


def pause_interest(
    *, plan: PaymentPlan, plan_id: str, on: date, from_on: date, until_on: date, paid: Iterable[Paid] = ()
) -> PaymentPlan:
    """Let no interest run on the days `[from_on, until_on)`; the instalments not yet due are laid out anew.

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
    _require_rows(at)
    require_date(from_on, "from_on")
    if require_date(until_on, "until_on") <= from_on:
        raise InvalidTerms("plans.deferral", f"a pause from {from_on} until {until_on} holds no day")
    if from_on < at.start_on:
        raise InvalidTerms(
            "plans.deferral",
            f"interest before {at.start_on} is charged already; waive it as a charge, or pause from then",
        )
    if any(since < until_on and from_on < until for since, until in plan.terms.pauses):
        raise InvalidTerms("plans.deferral", "interest is paused on some of these days already")
    terms = _rest(at, "collect")
    return _superseding(at, plan_id, attrs.evolve(terms, pauses=(*terms.pauses, (from_on, until_on))))


def add_fee(*, plan: PaymentPlan, plan_id: str, on: date, fee: Money, paid: Iterable[Paid] = ()) -> PaymentPlan:
    """Ask for a fee with the next instalment; the amounts of the others stay.

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
    _require_rows(at)
    terms = _rest(at, "collect")
    if at.principal == _balance_before(plan, at.next_row) and plan.terms.shape not in ("bullet", "flat"):
        terms = _same_amounts(plan, at, terms)
    return _superseding(at, plan_id, attrs.evolve(terms, brought_fee=_sum(plan, at.fee + fee.minor)))


# -- details ---------------------------------------------------------------------------------------------------


def _rest(at: Position, arrears: Arrears, more: int = 0, **changed: Any) -> PlanTerms:
    """Return terms for what is open on the dates that are left, and on so many `more` of the rhythm."""
    old = at.plan.terms
    anchor, first = _anchor(at)
    # a bullet is one row of many periods, and its first one still runs
    count = (old.instalments if old.shape == "bullet" else at.rows_left) + more
    listed = old.due_on or (tuple(row.due_on for row in at.plan.schedule[at.next_row :]) if old.rrule else ())
    resting = 0
    if old.grace and old.grace_interest == "pay":
        resting = max(old.grace - _within(at), 0)
    return attrs.evolve(
        _plain(at, arrears),
        shape=_shape_of_rest(old),
        instalments=count,
        due_on=listed[-count:] if listed else (),
        anchor_on=None if listed else anchor,
        anchor_first=first,
        balloon=old.balloon,
        grace=min(resting, count - 1),
        simple_interest=old.simple_interest,
        flat_base=old.interest_base if old.shape == "flat" else None,
        is_first_by_days=old.is_first_by_days and _within(at) == 0,
        **changed,
    )


def _plain(at: Position, arrears: Arrears) -> PlanTerms:
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
        fee_total=_sum(plan, at.fee_later),
        pauses=old.pauses,
        brought_interest=_sum(plan, interest),
        brought_fee=_sum(plan, fee),
    )


def _same_amounts(plan: PaymentPlan, at: Position, terms: PlanTerms) -> PlanTerms:
    """Return terms that ask for the same amounts as before; the last is worked out, since days can shift its interest."""
    rows = plan.schedule[at.next_row :]
    amounts = [row.principal_minor + row.interest_minor for row in rows]
    amounts[0] -= at.brought  # what was brought into the first row is brought in again
    return attrs.evolve(
        terms,
        shape="agreed",
        balloon=None,
        amounts=tuple(Money(amount, plan.currency) for amount in amounts[:-1]),
    )


def _shorter(terms: PlanTerms, rows: int, level: Money | None) -> PlanTerms:
    listed = terms.due_on[:rows]
    return attrs.evolve(terms, instalments=rows, due_on=listed, level=level, shape="level", balloon=None)


def _superseding(at: Position, plan_id: str, terms: PlanTerms) -> PaymentPlan:
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


def _shape_of_rest(
    old: PlanTerms,
) -> Literal["level", "equal_split", "balloon", "equal_principal", "interest_only", "bullet", "flat"]:
    """Return the shape in which the rest is laid out: shapes that are agreed row by row become level."""
    if old.shape in ("equal_split", "balloon", "equal_principal", "interest_only", "bullet", "flat"):
        return old.shape
    return "level"


def _anchor(at: Position) -> tuple[date, int]:
    """Return the anchor of the rhythm and the step on which the next row falls due."""
    old = at.plan.terms
    anchor, first = old.start_on, 1
    if old.anchor_on is not None:
        anchor, first = old.anchor_on, old.anchor_first
    elif old.first_due_on is not None and old.first_due_on != old.every.date(
        anchor=old.start_on, number=1, month_end=old.month_end
    ):
        anchor, first = old.first_due_on, 0
    skipped = old.grace if old.grace_interest != "pay" and old.begin_on is None else 0
    within = _within(at)
    if within and old.skip_months:  # the period of the next row begins with the step after that of the row before
        return anchor, step_of(old, anchor, first + skipped, within - 1) + 1
    return anchor, first + skipped + within


def _due_step(at: Position) -> int:
    """Return the step of the rhythm on which the next row falls due: the last one of a bullet, past skipped months."""
    old = at.plan.terms
    anchor, first = _anchor(at)
    return step_of(old, anchor, first, old.instalments - 1 if old.shape == "bullet" else 0)


def _within(at: Position) -> int:
    """Return the place of the next row among the regular rows of the plan's own terms."""
    old = at.plan.terms
    lead = at.plan.carried + (1 if old.down_payment is not None and old.down_payment.minor else 0)
    return max(at.next_row - lead, 0)


def _wait(at: Position, payments: int | None, until: date | None, next_on: date) -> tuple[int | None, date]:
    """Return the steps to wait, None where they are no whole number, and the day on which the next row then falls."""
    old = at.plan.terms
    if (payments is None) == (until is None):
        raise InvalidTerms("plans.deferral", "say how long to wait by payments or by until, one of the two")
    anchor, step = _anchor(at)[0], _due_step(at)
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


def _balance_before(plan: PaymentPlan, place: int) -> int:
    return plan.schedule.balance_before(place)


def _last_kept(at: Position, on: date) -> date:
    return at.kept[-1].due_on if at.kept else on


def _regular(plan: PaymentPlan) -> int:
    """Return the regular instalment of a plan without its fee: the greatest of its rows but the last and first."""
    rows = plan.schedule[plan.carried :]
    inner = rows[1:-1] or rows
    return max(row.principal_minor + row.interest_minor for row in inner)


def _require_rows(at: Position) -> None:
    if at.rows_left < 1:
        raise InvalidTerms(
            "plans.events", f"every instalment of plan {at.plan.plan_id} is past due; re-age it, or restructure it"
        )


def _require_sum(plan: PaymentPlan, amount: Money, doing: str) -> None:
    if require_money(amount, plan.currency, doing).minor <= 0:
        raise InvalidTerms("plans.amount", f"{amount} is nothing for {doing}; give a sum above zero")


def _sum(plan: PaymentPlan, minor: int) -> Money | None:
    return Money(minor, plan.currency) if minor else None
