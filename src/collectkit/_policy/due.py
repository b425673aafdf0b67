"""Which charges have fallen due: a pure function of policies, snapshot and day.

A charge is judged on the day it fell due, on what was open that day, and only while something is still open. Its key
names account, receivable, rule and period, so that looking n times, or late, charges once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import TypeAlias

import attrs

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.ledger import Ledger
from collectkit._policy.terms import LateFeePolicy, Tier, amount_in
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import tuple_of
from collectkit.core.decisions import Charge, Reason
from collectkit.core.errors import CalendarMissing, InvalidRecord
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.records import AccountSnapshot, PlanAgreement, PlannedInstalment, Receivable
from collectkit.core.waterfall import Balance

__all__ = ["ChargesDue", "charges_due", "first_fee_on"]


@attrs.frozen(kw_only=True)
class ChargesDue:
    """The charges that have fallen due and are not posted yet, in order; why others were not made; the next look.

    `next_on` is the earliest day on which, with no new fact, another charge could fall due: exact or too early, never
    too late. None means never. What merely accrues does not count.
    """

    charges: tuple[Charge, ...] = attrs.field(default=(), converter=tuple_of(Charge))
    skipped: tuple[Reason, ...] = attrs.field(default=(), converter=tuple_of(Reason))
    next_on: date | None = None


def charges_due(
    *,
    policies: ChargePolicy,
    snapshot: AccountSnapshot,
    balance: Balance,
    segment: str = "",
    calendar: BusinessCalendar = WEEKENDS_ONLY,
    held_receivables: frozenset[str] = frozenset(),
) -> ChargesDue:
    """Find the charges that have fallen due by `snapshot.as_of` and are not posted yet.

    - A charge whose key is posted (a receivable of the snapshot carries it) is never given again.
    - Days that nobody looked at are caught up, each charge at most once, in order of the day they fell due.
    - Disputed or held receivables are not charged while that lasts, nor those whose due dates a running plan replaces;
      each with a reason. `held_receivables` are holds of the caller, who also knows when they end.
    - A receivable that is paid in full by now is charged no fee, whatever was missed.

    Raises:
        InvalidRecord: `policy.balance` where `balance` is of another account or day than `snapshot`.
    """
    if balance.account_id != snapshot.account.account_id or balance.as_of != snapshot.as_of:
        raise InvalidRecord("policy.balance", "the balance is of another account or day; use balance_of(snapshot)")
    look = _Look(policies, Ledger(snapshot, balance, held_receivables), segment, calendar)
    return look.result()


def first_fee_on(fee: LateFeePolicy, due_on: date, calendar: BusinessCalendar = WEEKENDS_ONLY) -> date:
    """Return the first day on which a fee can fall due: the day past the grace.

    >>> fee = LateFeePolicy(id="late-fee", kind="flat", amounts={"EUR": "5.00"}, grace_days=3)
    >>> first_fee_on(fee, date(2026, 3, 12))
    datetime.date(2026, 3, 16)

    Raises:
        CalendarMissing: business days of grace reach past the days for which `calendar` knows the holidays.
    """
    if fee.grace_business_days is None:
        return _after(due_on, fee.grace_days + 1)
    return _after(calendar.add_business_days(due_on, fee.grace_business_days), 1)


_Limit: TypeAlias = Callable[[str, str], None]


# -- details ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Occurrence:
    """One time that a fee falls due: under which period, on which day, how late, for which tier of days."""

    period: str | int
    due_on: date
    """The day past which it is late, moved by grace where grace shifts it."""
    falls_on: date
    tier: Tier | None = None

    @property
    def days(self) -> int:
        return (self.falls_on - self.due_on).days


@attrs.frozen(kw_only=True)
class _Candidate:
    """An occurrence for one receivable, ready to be judged."""

    rank: int
    fee: LateFeePolicy
    receivable: Receivable
    what: str
    occurrence: _Occurrence
    open_then: Money
    original: Money
    is_planned: bool = False
    """It is an instalment of a running plan, not the receivable itself."""

    @property
    def order(self) -> tuple[date, date, str, int, str]:
        """Order of judgement; it does not depend on the order of the records."""
        return (
            self.occurrence.falls_on,
            self.receivable.due_on,
            self.receivable.receivable_id,
            self.rank,
            str(self.occurrence.period),
        )


class _Look:
    """One look: collects candidates, judges them in order, remembers the next day that matters."""

    def __init__(self, policies: ChargePolicy, ledger: Ledger, segment: str, calendar: BusinessCalendar) -> None:
        self.policies = policies
        self.ledger = ledger
        self.segment = segment
        self.calendar = calendar
        self.as_of = ledger.as_of
        self.charges: list[Charge] = []
        self.skipped: list[Reason] = []
        self.next_days: list[date] = []
        self.is_held_back = False

    def result(self) -> ChargesDue:
        for candidate in sorted(self._candidates(), key=lambda one: one.order):
            self._judge(candidate)
        if self.is_held_back:
            self.next_days += self.ledger.releases()
        self.next_days += self.ledger.reopenings()
        return ChargesDue(
            charges=tuple(self.charges), skipped=tuple(self.skipped), next_on=min(self.next_days, default=None)
        )

    # -- candidates ------------------------------------------------------------------------------------------

    def _candidates(self) -> Iterator[_Candidate]:
        ranks = {fee.id: rank for rank, fee in reversed(list(enumerate(self.policies.late_fees)))}
        if not ranks:
            return
        balance = self.ledger.balance
        known = {item.receivable.receivable_id for item in balance.items}
        for item in balance.items:
            if item.amount_open.minor > 0:
                for fee in self._rules_for(item.receivable):
                    yield from self._of_receivable(ranks[fee.id], fee, item.receivable)
        for receivable in self.ledger.snapshot.receivables:
            if receivable.receivable_id not in known:
                self._announce(receivable)
        for plan in self.ledger.plans:
            yield from self._of_plan(plan, ranks)
        for fee in self.policies.late_fees:
            if fee.once_per == "notice":
                yield from self._of_notices(ranks[fee.id], fee)

    def _rules_for(self, receivable: Receivable) -> Iterator[LateFeePolicy]:
        """Yield for each rule its most specific variant that applies to a receivable."""
        yield from self.policies.late_fees_for(receivable, segment=self.segment)

    def _of_receivable(self, rank: int, fee: LateFeePolicy, receivable: Receivable) -> Iterator[_Candidate]:
        if fee.once_per == "notice" or (fee.once_per == "instalment" and receivable.kind != "instalment"):
            return
        for occurrence in self._occurrences(fee, receivable.due_on, receivable):
            if self._is_open_question(fee, receivable, occurrence):
                yield _Candidate(
                    rank=rank,
                    fee=fee,
                    receivable=receivable,
                    what=f"receivable {receivable.receivable_id}",
                    occurrence=occurrence,
                    open_then=self.ledger.open_on(receivable, occurrence.falls_on),
                    original=receivable.amount_original,
                )

    def _occurrences(self, fee: LateFeePolicy, due_on: date, receivable: Receivable) -> Iterator[_Occurrence]:
        """Yield the occurrences up to today; the first one after today is noted as a day to look again."""
        try:
            first_on = first_fee_on(fee, due_on, self.calendar)
        except CalendarMissing as error:
            self._skip("policy.calendar_missing", fee, receivable, error.text)
            return
        if fee.grace_shifts_due:
            due_on = _after(first_on, -1)
        for occurrence in _schedule(fee, due_on, first_on):
            if occurrence.falls_on > self.as_of:
                self.next_days.append(occurrence.falls_on)
                return
            yield occurrence

    def _is_open_question(self, fee: LateFeePolicy, receivable: Receivable, occurrence: _Occurrence) -> bool:
        return self.ledger.key("fee", receivable.receivable_id, fee.id, occurrence.period) not in self.ledger.keys

    def _announce(self, receivable: Receivable) -> None:
        """Look again when a receivable that is issued later can first be charged."""
        for fee in self._rules_for(receivable):
            try:
                self.next_days.append(max(first_fee_on(fee, receivable.due_on, self.calendar), receivable.issued_on))
            except CalendarMissing:
                self.next_days.append(receivable.issued_on)

    def _of_plan(self, plan: PlanAgreement, ranks: dict[str, int]) -> Iterator[_Candidate]:
        receivable = self.ledger.receivables.get(plan.covers[0])
        if receivable is None:
            return
        broken_on = self.ledger.broken_on(plan)
        for fee in self._rules_for(receivable):
            if fee.once_per != "instalment":
                continue
            for part in plan.instalments:
                for occurrence in self._occurrences(fee, part.due_on, receivable):
                    found = self._of_instalment(ranks[fee.id], fee, receivable, plan, part, occurrence)
                    if found is not None and (broken_on is None or occurrence.falls_on <= broken_on):
                        yield found

    def _of_instalment(
        self,
        rank: int,
        fee: LateFeePolicy,
        receivable: Receivable,
        plan: PlanAgreement,
        part: PlannedInstalment,
        occurrence: _Occurrence,
    ) -> _Candidate | None:
        occurrence = attrs.evolve(occurrence, period=f"{plan.plan_id}#{part.number}")
        if not self._is_open_question(fee, receivable, occurrence):
            return None
        if self.ledger.instalment_open(plan, part, self.as_of).minor == 0:
            return None
        return _Candidate(
            rank=rank,
            fee=fee,
            receivable=receivable,
            what=f"instalment {part.number} of plan {plan.plan_id}",
            occurrence=occurrence,
            open_then=self.ledger.instalment_open(plan, part, occurrence.falls_on),
            original=part.amount,
            is_planned=True,
        )

    def _of_notices(self, rank: int, fee: LateFeePolicy) -> Iterator[_Candidate]:
        charged = {one.period for one in self.ledger.posted_under(fee.id)}
        items = [item for item in self.ledger.balance.items if item.amount_open.minor > 0]
        for notice in sorted(self.ledger.snapshot.notices, key=lambda one: one.key):
            sent_on = notice.sent_on
            if (
                sent_on is None
                or sent_on > self.as_of
                or notice.bounced_on is not None
                or notice.suppressed_on is not None
            ):
                continue
            period = (
                f"notice-{hashlib.sha256(notice.key.encode()).hexdigest()[:16]}"  # a key inside a key would be long
            )
            if (fee.notices and notice.notice not in fee.notices) or period in charged:
                continue
            for item in items:
                receivable = item.receivable
                if notice.receivable_ids and receivable.receivable_id not in notice.receivable_ids:
                    continue
                if fee not in self._rules_for(receivable):
                    continue
                try:
                    first_on = first_fee_on(fee, receivable.due_on, self.calendar)
                except CalendarMissing as error:
                    self._skip("policy.calendar_missing", fee, receivable, error.text)
                    continue
                if first_on > sent_on or not self._is_open_question(
                    fee, receivable, _Occurrence(period=period, due_on=receivable.due_on, falls_on=sent_on)
                ):
                    continue
                due_on = _after(first_on, -1) if fee.grace_shifts_due else receivable.due_on
                yield _Candidate(
                    rank=rank,
                    fee=fee,
                    receivable=receivable,
                    what=f"notice {notice.notice} of {sent_on}, receivable {receivable.receivable_id}",
                    occurrence=_Occurrence(period=period, due_on=due_on, falls_on=sent_on),
                    open_then=self.ledger.open_on(receivable, sent_on),
                    original=receivable.amount_original,
                )
                break  # one fee for one notice: on the oldest due receivable it was about

    # -- judgement -------------------------------------------------------------------------------------------

    def _judge(self, candidate: _Candidate) -> None:
        """Make the charge, or say why not."""
        fee, receivable = candidate.fee, candidate.receivable
        base = candidate.open_then
        held = self.ledger.hold_on(receivable, fee.id)
        if held is not None:
            self.is_held_back = True
            self._skip("policy.held", fee, receivable, held)
            return
        plan = self.ledger.covered.get(receivable.receivable_id)
        if plan is not None and not candidate.is_planned:
            self.is_held_back = True
            self._skip("policy.on_plan", fee, receivable, f"plan {plan.plan_id} runs, so its own due date is silent")
            return
        is_disputed, part = self.ledger.disputed(receivable, self.as_of)
        if is_disputed and fee.disputes != "ignore":
            self.is_held_back = True
            base = Money(max(0, base.minor - part.minor), base.currency)
            if fee.disputes == "no_fee" or base.is_zero:
                self._skip("policy.disputed", fee, receivable, "is disputed")
                return
        minimum = amount_in(fee.minimum_balance, base.currency)
        if minimum is not None and base < minimum:
            self._skip(
                "policy.materiality", fee, receivable, f"{base} is less than {minimum}, too little to charge for"
            )
            return
        share_of = base
        if fee.base == "original":
            taken = part if is_disputed and fee.disputes == "undisputed_part" else Money.zero(base.currency)
            share_of = Money(max(0, candidate.original.minor - taken.minor), base.currency)
        measured = _measure(fee, share_of, candidate.occurrence)
        if measured is None:
            self._skip("policy.no_amount", fee, receivable, f"has no amount in {base.currency}; nothing is converted")
            return
        amount, how = measured
        reasons = [self._why(candidate, amount, how)]
        amount = self._limited(candidate, amount, base, reasons)
        if not amount.is_positive:
            self._skip(reasons[-1].code if len(reasons) > 1 else "policy.zero", fee, receivable, reasons[-1].text)
            return
        self._charge(candidate, amount, reasons)

    def _why(self, candidate: _Candidate, amount: Money, how: str) -> Reason:
        fee, occurrence = candidate.fee, candidate.occurrence
        grace = "" if not _grace(fee) else f", past {_grace(fee)}"
        day = "" if occurrence.falls_on == self.as_of else f" on {occurrence.falls_on}"
        text = (
            f"{fee.id} for {candidate.what}: {how} is {amount}; {occurrence.days} days past due{day} "
            f"(due {occurrence.due_on}){grace}"
        )
        return Reason(code="policy.late_fee", text=text, cite=fee.cite)

    def _limited(self, candidate: _Candidate, amount: Money, open_then: Money, reasons: list[Reason]) -> Money:
        """Apply floor, cap, what is open, and the caps over several charges, in this order."""
        fee, currency = candidate.fee, amount.currency

        def limit(code: str, text: str) -> None:
            reasons.append(Reason(code=code, text=text, cite=fee.cite))

        floor = amount_in(fee.fee_floor, currency)
        if floor is not None and amount < floor:
            amount = floor
            limit("policy.fee_floor", f"raised to the floor of {floor}")
        cap = amount_in(fee.fee_cap, currency)
        if cap is not None and amount > cap:
            amount = cap
            limit("policy.fee_cap", f"limited to the cap of {cap}")
        if fee.never_above_open and amount > open_then:
            amount = open_then
            limit("policy.above_open", f"limited to the {open_then} that is open")
        item_cap = amount_in(fee.item_cap, currency)
        if item_cap is not None:
            room = Money(max(0, item_cap.minor - self._charged(candidate, per_item=True)), currency)
            if amount > room:
                amount = room
                limit("policy.item_cap", f"limited to the {room} left of {item_cap} for one receivable")
        yearly_cap = amount_in(fee.yearly_cap, currency)
        if yearly_cap is not None:
            amount = self._limited_by_year(candidate, amount, yearly_cap, limit)
        return amount

    def _limited_by_year(self, candidate: _Candidate, amount: Money, cap: Money, limit: _Limit) -> Money:
        """Keep the sums of the year it fell due in and of the year it is charged in within the cap."""
        room = cap
        fell_in = candidate.occurrence.falls_on.year
        for year in {fell_in, self.as_of.year}:
            left = Money(max(0, cap.minor - self._charged(candidate, year=year)), cap.currency)
            room = min(room, left)
            if year == self.as_of.year != fell_in and left < amount:
                self.next_days.append(date(year + 1, 1, 1))  # caught up across a year's end: the next one has room
        if amount > room:
            amount = room
            limit("policy.yearly_cap", f"limited to the {room} left of {cap} for one year")
        return amount

    def _charged(self, candidate: _Candidate, *, per_item: bool = False, year: int | None = None) -> int:
        """Sum what the rule has charged so far, posted or in this look: on the receivable, or in a year."""
        sum_minor = 0
        for one in self.ledger.posted_under(candidate.fee.id):
            amount = one.receivable.amount_original
            if amount.currency != candidate.original.currency:
                continue
            if per_item and one.receivable.parent_id not in (candidate.receivable.receivable_id, None):
                continue
            if year is not None and one.receivable.issued_on.year != year:
                continue
            sum_minor += amount.minor
        for charge in self.charges:
            if charge.rule != candidate.fee.id or charge.amount.currency != candidate.original.currency:
                continue
            if per_item and charge.receivable_id != candidate.receivable.receivable_id:
                continue
            if year is not None and charge.charged_on.year != year:
                continue
            sum_minor += charge.amount.minor
        return sum_minor

    def _charge(self, candidate: _Candidate, amount: Money, reasons: Iterable[Reason]) -> None:
        fee, receivable = candidate.fee, candidate.receivable
        self.charges.append(
            Charge(
                key=self.ledger.key("fee", receivable.receivable_id, fee.id, candidate.occurrence.period),
                rule=fee.id,
                receivable_id=receivable.receivable_id,
                component=fee.component,
                amount=amount,
                charged_on=self.as_of,
                due_on=_after(self.as_of, fee.due_in_days),
                reasons=tuple(reasons),
            )
        )

    def _skip(self, code: str, fee: LateFeePolicy, receivable: Receivable, text: str) -> None:
        reason = Reason(code=code, text=f"no {fee.id} for receivable {receivable.receivable_id}: {text}", cite=fee.cite)
        if reason not in self.skipped:
            self.skipped.append(reason)


def _schedule(fee: LateFeePolicy, due_on: date, first_on: date) -> Iterator[_Occurrence]:
    """Yield every time that a fee falls due for one item, in order of days; without end where periods have none."""
    if fee.once_per == "period":
        number = 1
        while (fee.times_max is None or number <= fee.times_max) and first_on < date.max:
            yield _Occurrence(period=number, due_on=due_on, falls_on=fee.period_start(first_on, number))
            number += 1
    elif fee.tier_by == "days" and fee.once_per == "receivable":
        for tier in sorted(fee.tiers, key=lambda one: one.days_min or 0):
            falls_on = max(first_on, _after(due_on, tier.days_min or 0))
            if tier.days_max is None or falls_on <= _after(due_on, tier.days_max):
                yield _Occurrence(period=f"d{tier.days_min}", due_on=due_on, falls_on=falls_on, tier=tier)
    else:
        yield _Occurrence(period=1, due_on=due_on, falls_on=first_on)


def _measure(fee: LateFeePolicy, base: Money, occurrence: _Occurrence) -> tuple[Money, str] | None:
    """Measure a fee on its base before limits, with the words for it; None where it has no amount in the currency."""
    if fee.kind == "tiered":
        tier = occurrence.tier or _tier_of(fee, base, occurrence.days)
        if tier is None:
            return Money.zero(base.currency), f"no tier for {base}, {occurrence.days} days"
        return _measure_tier(fee, tier, base)
    flat = amount_in(fee.amounts, base.currency)
    if fee.kind == "flat":
        return None if flat is None else (flat, "a flat fee")
    share = _share(fee, fee.rate or Fraction(0), base)
    words = f"{Rate.of(fee.rate or Fraction(0))} of {base}"
    if fee.kind == "percent":
        return share, words
    if flat is None:
        return None
    if fee.kind == "greater_of":
        return max(share, flat), f"the greater of {flat} and {words}"
    return min(share, flat), f"the lesser of {flat} and {words}"


def _measure_tier(fee: LateFeePolicy, tier: Tier, base: Money) -> tuple[Money, str] | None:
    flat = amount_in(tier.amounts, base.currency)
    if tier.rate is None:
        return None if flat is None else (flat, f"tier {tier.name()}")
    if tier.amounts and flat is None:
        return None
    share = _share(fee, tier.rate, base)
    words = f"{Rate.of(tier.rate)} of {base} in tier {tier.name()}"
    return (share, words) if flat is None else (share + flat, f"{flat} and {words}")


def _tier_of(fee: LateFeePolicy, base: Money, days: int) -> Tier | None:
    for tier in fee.tiers:
        if tier.balance_min is not None:
            if tier.balance_min.currency == base.currency and tier.balance_min <= base:
                if tier.balance_below is None or base < tier.balance_below:
                    return tier
        elif (tier.days_min or 0) <= days and (tier.days_max is None or days <= tier.days_max):
            return tier
    return None


def _share(fee: LateFeePolicy, rate: Fraction, base: Money) -> Money:
    return Money(rounded(base.minor * rate, fee.rounding), base.currency)


def _grace(fee: LateFeePolicy) -> str:
    if fee.grace_business_days is not None:
        return f"{fee.grace_business_days} business days of grace"
    return f"{fee.grace_days} days of grace" if fee.grace_days else ""


def _after(day: date, days: int) -> date:
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))
