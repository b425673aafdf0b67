"""Where a plan stands on a day: its instalments, its arrears, its status, and when that can change by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVar

import attrs

from collectkit.core.checks import require_date
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, Payment, PlanAgreement, PlannedInstalment
from collectkit.core.waterfall import Applied, Balance
from collectkit.plans import PaymentPlan

Paid: TypeAlias = Applied | Payment
"""Money that may meet a plan: parts that `waterfall` matched to receivables, or payments as they came."""


class PlanStatus(StrEnum):
    """Where a plan stands; computed from facts on every look."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    BEHIND = "behind"
    BROKEN = "broken"
    COMPLETED = "completed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"

    @property
    def is_running(self) -> bool:
        """Say whether the plan stands in place of the original due dates: active, or behind within its tolerance."""
        return self in (PlanStatus.ACTIVE, PlanStatus.BEHIND)


class InstalmentState(StrEnum):
    """Where one instalment stands."""

    UPCOMING = "upcoming"  # not past due, nothing paid
    PARTLY_MET = "partly_met"  # not past due, something paid
    MET = "met"
    MISSED = "missed"  # past due, within the tolerance
    BROKEN = "broken"  # past due, beyond the tolerance


@attrs.frozen(kw_only=True)
class InstalmentStanding:
    """One instalment with the money that met it; `met_on` is the day it was paid in full."""

    number: int
    due_on: date
    amount: Money
    amount_paid: Money
    state: InstalmentState
    met_on: date | None = None
    days_past_due: int = 0

    @property
    def amount_open(self) -> Money:
        """Return what is left to pay of it."""
        return self.amount - self.amount_paid


@attrs.frozen(kw_only=True)
class PlanStanding:
    """Where a plan stands at the end of `as_of`.

    `arrears` is what is past due under the plan, `overpaid` what came beyond its last instalment. `broken_on` is the
    first day on which the tolerance was exceeded. `next_on` is the earliest later date on which the standing could
    change by itself, money among what was given that takes effect later included, None when it cannot.
    """

    plan_id: str
    as_of: date
    status: PlanStatus
    instalments: tuple[InstalmentStanding, ...]
    amount_paid: Money
    amount_open: Money
    arrears: Money
    overpaid: Money
    broken_on: date | None = None
    completed_on: date | None = None
    next_on: date | None = None

    @property
    def next_instalment(self) -> InstalmentStanding | None:
        """Return the earliest instalment that is not met."""
        return next((part for part in self.instalments if part.state is not InstalmentState.MET), None)


def plan_status(
    *,
    plan: PaymentPlan | PlanAgreement,
    paid: Iterable[Paid],
    as_of: date,
    others: Iterable[PaymentPlan | PlanAgreement] = (),
    owed: Money | None = None,
) -> PlanStanding:
    """Judge a plan on a day from the money that met it.

    Of `paid` counts what took effect from the day of the agreement to `as_of`: parts applied to a covered receivable,
    and payments that name none or a covered one and were not returned. Where the plan covers nothing by name, all of
    it counts. `others` are the account's plans; one that supersedes this plan ends it. `owed` is what is still open of
    the debt that the plan covers, where that is known: no instalment asks for more.

    >>> agreement = PlanAgreement(
    ...     plan_id="P-1",
    ...     account_id="A-1",
    ...     covers=("R-1",),
    ...     agreed_on=date(2026, 1, 1),
    ...     instalments=(
    ...         PlannedInstalment(number=1, due_on=date(2026, 2, 1), amount=Money(5000, "EUR")),
    ...         PlannedInstalment(number=2, due_on=date(2026, 3, 1), amount=Money(5000, "EUR")),
    ...     ),
    ...     tolerance_days=5,
    ... )
    >>> standing = plan_status(plan=agreement, paid=[], as_of=date(2026, 2, 2))
    >>> standing.status.value, str(standing.arrears), str(standing.next_on)
    ('behind', '50.00 EUR', '2026-02-07')

    Raises:
        CurrencyMismatch: money of another currency applied to a covered receivable.
        InvalidDate: `as_of` is no plain date.
    """
    require_date(as_of, "as_of")
    paid = tuple(require_many(paid, "paid"))
    facts = PlanFacts(plan)
    rivals = [PlanFacts(other) for other in require_many(others, "others")]
    if owed is not None:
        require_money(owed, facts.currency, "owed")
    flow = sorted(facts.counted(paid, as_of))
    if owed is not None:
        facts.cap(owed, sum(amount for _, amount in flow))
    rows, total_paid, arrears = _rows(facts, flow, as_of)
    broken_on = _first_break(facts, flow, as_of)
    left = facts.total - total_paid
    last_deadline = _after(facts.rows[-1].due_on, facts.tolerance_days)
    completed_on = _covered_on(flow, facts.total) if facts.total else facts.agreed_on  # nothing is left to ask for
    if completed_on is None and broken_on is None and as_of > last_deadline:
        completed_on = _after(last_deadline, 1)  # what is left is within the agreed tolerance
    superseded_on = min((rival.agreed_on for rival in rivals if rival.supersedes == facts.plan_id), default=None)
    status = _status(facts, as_of, superseded_on, completed_on, broken_on, arrears)
    return PlanStanding(
        plan_id=facts.plan_id,
        as_of=as_of,
        status=status,
        instalments=rows,
        amount_paid=Money(min(total_paid, facts.total), facts.currency),
        amount_open=Money(max(left, 0), facts.currency),
        arrears=Money(arrears, facts.currency),
        overpaid=Money(max(-left, 0), facts.currency),
        broken_on=broken_on,
        completed_on=completed_on if broken_on is None else None,
        next_on=_next_on(facts, rows, status, as_of, superseded_on, _turns(facts, paid)),
    )


@attrs.frozen(kw_only=True)
class PlanState:
    """An agreement of an account and where it stands; `is_kept` says that only its instalments age."""

    agreement: PlanAgreement
    standing: PlanStanding

    @property
    def status(self) -> PlanStatus:
        """Return where the plan stands."""
        return self.standing.status

    @property
    def is_kept(self) -> bool:
        """Say whether the plan stands in place of the original due dates: active, or behind within its tolerance."""
        return self.standing.status.is_running

    @property
    def is_broken(self) -> bool:
        """Say whether the plan broke, so that the original due dates speak again."""
        return self.standing.status is PlanStatus.BROKEN

    @property
    def next_on(self) -> date | None:
        """Return the earliest later date on which the standing could change by itself."""
        return self.standing.next_on


def plan_states(*, snapshot: AccountSnapshot, balance: Balance) -> tuple[PlanState, ...]:
    """Judge every plan of an account, in the order in which they were agreed.

    Of two plans that cover one receivable the later agreed stands in place of the earlier, whether it says so or not.
    """
    plans = sorted(snapshot.plans, key=lambda plan: (plan.agreed_on, plan.plan_id))
    states = []
    for place, plan in enumerate(plans):
        covered = set(plan.covers)
        instead = [other for other in plans if other.supersedes == plan.plan_id]
        for other in plans[place + 1 :]:
            if other not in instead and other.plan_id != plan.supersedes and not covered.isdisjoint(other.covers):
                instead.append(attrs.evolve(other, supersedes=plan.plan_id))
        paid = [part for part in balance.applied if part.amount.currency == plan.currency]
        owed = sum(
            item.amount_open.minor
            for item in balance.items
            if item.receivable.receivable_id in covered and item.amount_open.currency == plan.currency
        )
        standing = plan_status(
            plan=plan, paid=paid, as_of=snapshot.as_of, others=instead, owed=Money(owed, plan.currency)
        )
        states.append(PlanState(agreement=plan, standing=standing))
    return tuple(states)


# -- details ---------------------------------------------------------------------------------------------------


def _after(day: date, days: int) -> date:
    """Return the day so many days later; the calendar's last day where there is none."""
    return date.max if days > (date.max - day).days else day + timedelta(days=days)


T = TypeVar("T")


def require_many(values: Iterable[T], name: str) -> Iterable[T]:
    """Return an argument that must be a list of things; text is none."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidTerms("plans.paid", f"{name} needs a list, not {type(values).__name__}")
    return values


def require_money(value: object, currency: str, doing: str) -> Money:
    """Return an argument that must be money of the plan's currency."""
    if not isinstance(value, Money):
        raise InvalidTerms("plans.amount", f"{doing} needs Money, not {type(value).__name__}")
    if value.currency != currency:
        raise CurrencyMismatch(currency, value.currency, "combine")
    return value


class PlanFacts:
    """What a standing needs to know of a plan, whether it came with terms or as a bare agreement."""

    def __init__(self, plan: PaymentPlan | PlanAgreement) -> None:
        # rows carried over from an earlier plan were paid under it and are no part of what is still agreed
        if not isinstance(plan, (PaymentPlan, PlanAgreement)):
            raise InvalidTerms("plans.plan", f"a PaymentPlan or a PlanAgreement is needed, not {type(plan).__name__}")
        self.plan_id = plan.plan_id
        self.supersedes = plan.supersedes
        self.covers = frozenset(plan.covers)
        self.agreed_on = plan.agreed_on
        self.tolerance_days = plan.tolerance_days
        self.currency = plan.currency
        self.tolerance = 0 if plan.tolerance_amount is None else plan.tolerance_amount.minor
        if isinstance(plan, PlanAgreement):
            self.rows = plan.instalments
            self.cancelled_on = plan.cancelled_on
        else:
            self.rows = tuple(
                PlannedInstalment(number=row.number, due_on=row.due_on, amount=row.total)
                for row in plan.schedule[plan.carried :]
            )
            self.cancelled_on = None
        self.total = sum(row.amount.minor for row in self.rows)

    def cap(self, owed: Money, got: int) -> None:
        """Let no instalment ask for more than was paid and is owed together, as when a credit note shrank the debt."""
        left = owed.minor + got
        rows = []
        for row in self.rows:
            amount = min(row.amount.minor, left)
            left -= amount
            rows.append(row if amount == row.amount.minor else attrs.evolve(row, amount=Money(amount, self.currency)))
        self.rows = tuple(rows)
        self.total = sum(row.amount.minor for row in rows)

    def counted(self, paid: Iterable[Paid], as_of: date) -> Iterable[tuple[date, int]]:
        """Yield the days and sums of the money that meets the plan."""
        for part in require_many(paid, "paid"):
            if not isinstance(part, (Payment, Applied)):
                raise InvalidTerms(
                    "plans.paid", f"paid holds Payments or what waterfall applied, not {type(part).__name__}"
                )
            if isinstance(part, Payment):
                on, is_meant = part.effective_on, part.counts_on(as_of)
                names: tuple[str, ...] = part.receivable_ids
            else:
                on, is_meant, names = part.applied_on, True, (part.receivable_id,)
            if names and self.covers:
                is_meant = is_meant and not self.covers.isdisjoint(names)
            if not is_meant or not self.agreed_on <= on <= as_of:
                continue
            if part.amount.currency != self.currency:
                if isinstance(part, Payment) and not names:
                    continue  # undirected money of another currency pays another debt
                raise CurrencyMismatch(self.currency, part.amount.currency, "pay one plan with")
            yield on, part.amount.minor


Flow: TypeAlias = list[tuple[date, int]]


def _turns(facts: PlanFacts, paid: Iterable[Paid]) -> set[date]:
    """Return the days on which money that was given begins or ceases to count: post-dated, or returned later."""
    days = set()
    for part in paid:
        if part.amount.currency == facts.currency:
            on = part.effective_on if isinstance(part, Payment) else part.applied_on
            if any(facts.counted((part,), on)):
                days.add(on)
                if isinstance(part, Payment) and part.returned_on is not None:
                    days.add(part.returned_on)
    return days


def _rows(facts: PlanFacts, flow: Flow, as_of: date) -> tuple[tuple[InstalmentStanding, ...], int, int]:
    """Lay the money over the instalments, earliest first; return them with all that was paid and what is past due."""
    total_paid = sum(amount for _, amount in flow)
    rows = []
    wanted, arrears = 0, 0
    for row in facts.rows:
        amount = row.amount.minor
        before, wanted = wanted, wanted + amount
        got = min(max(total_paid - before, 0), amount)
        is_past_due = as_of > row.due_on
        met_on = None
        if got == amount:
            state, met_on = InstalmentState.MET, _covered_on(flow, wanted)
        elif not is_past_due:
            state = InstalmentState.PARTLY_MET if got else InstalmentState.UPCOMING
        else:
            arrears += amount - got
            is_over = as_of > _after(row.due_on, facts.tolerance_days) and amount - got > facts.tolerance
            state = InstalmentState.BROKEN if is_over else InstalmentState.MISSED
        rows.append(
            InstalmentStanding(
                number=row.number,
                due_on=row.due_on,
                amount=row.amount,
                amount_paid=Money(got, facts.currency),
                state=state,
                met_on=met_on,
                days_past_due=(as_of - row.due_on).days if is_past_due and got < amount else 0,
            )
        )
    return tuple(rows), total_paid, arrears


def _covered_on(flow: Flow, wanted: int) -> date | None:
    """Return the day on which the money first reached a sum; None where it has not."""
    reached = 0
    for on, amount in flow:
        reached += amount
        if reached >= wanted:
            return on
    return None


def _first_break(facts: PlanFacts, flow: Flow, as_of: date) -> date | None:
    """Return the day after the first deadline at which more than the tolerance was missing."""
    wanted, got, place = 0, 0, 0
    for row in facts.rows:
        wanted += row.amount.minor
        deadline = _after(row.due_on, facts.tolerance_days)
        if deadline >= as_of:
            return None
        while place < len(flow) and flow[place][0] <= deadline:
            got += flow[place][1]
            place += 1
        if wanted - got > facts.tolerance:
            return _after(deadline, 1)
    return None


def _status(
    facts: PlanFacts,
    as_of: date,
    superseded_on: date | None,
    completed_on: date | None,
    broken_on: date | None,
    arrears: int,
) -> PlanStatus:
    if as_of < facts.agreed_on:
        return PlanStatus.PROPOSED
    if superseded_on is not None and superseded_on <= as_of:
        return PlanStatus.SUPERSEDED
    if facts.cancelled_on is not None and facts.cancelled_on <= as_of:
        return PlanStatus.CANCELLED
    if broken_on is not None:
        return PlanStatus.BROKEN
    if completed_on is not None:
        return PlanStatus.COMPLETED
    return PlanStatus.BEHIND if arrears else PlanStatus.ACTIVE


def _next_on(
    facts: PlanFacts,
    rows: tuple[InstalmentStanding, ...],
    status: PlanStatus,
    as_of: date,
    superseded_on: date | None,
    turns: Iterable[date],
) -> date | None:
    """Return the earliest later date on which the standing could change without a new fact."""
    if status is PlanStatus.SUPERSEDED or status is PlanStatus.CANCELLED:
        return None
    days = [day for day in (facts.cancelled_on, superseded_on) if day is not None]
    if status is PlanStatus.PROPOSED:
        days.append(facts.agreed_on)
    if status.is_running or status is PlanStatus.PROPOSED:
        for row in rows:
            if row.state is not InstalmentState.MET:
                days.append(_after(row.due_on, 1))
                days.append(_after(row.due_on, facts.tolerance_days + 1))
    days.extend(turns)
    return min((day for day in days if day > as_of), default=None)
