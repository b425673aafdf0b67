"""Late fees that have fallen due: every time a fee falls due, for each item it can be charged on, and the judgement."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from typing import TypeAlias

import attrs

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.look import Look, after
from collectkit._policy.terms import LateFeePolicy, Tier, amount_in
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.decisions import Reason
from collectkit.core.errors import CalendarMissing
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.records import Component, PlanAgreement, PlannedInstalment, Receivable

__all__ = ["first_fee_on", "look_at_fees"]

_Limit: TypeAlias = Callable[[str, str], None]


def look_at_fees(look: Look, policies: ChargePolicy) -> None:
    """Add the late fees that have fallen due to a look, in order of the day they fell due."""
    if policies.late_fees:
        fees = _Fees(look, policies)
        for candidate in sorted(fees.candidates(), key=lambda one: one.order):
            fees.judge(candidate)


def first_fee_on(fee: LateFeePolicy, due_on: date, calendar: BusinessCalendar = WEEKENDS_ONLY) -> date:
    """Return the first day on which a fee can fall due: the day past the grace.

    >>> fee = LateFeePolicy(id="late-fee", kind="flat", amounts={"EUR": "5.00"}, grace_days=3)
    >>> first_fee_on(fee, date(2026, 3, 12))
    datetime.date(2026, 3, 16)

    Raises:
        CalendarMissing: business days of grace reach past the days for which `calendar` knows the holidays.
    """
    if fee.grace_business_days is None:
        return after(due_on, fee.grace_days + 1)
    return after(calendar.add_business_days(due_on, fee.grace_business_days), 1)


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


class _Fees:
    """The late fees of one look."""

    def __init__(self, look: Look, policies: ChargePolicy) -> None:
        self.look = look
        self.policies = policies
        self.ledger = look.ledger
        self.as_of = look.as_of
        self.calendar = look.calendar

    # -- candidates ------------------------------------------------------------------------------------------

    def candidates(self) -> Iterator[_Candidate]:
        ranks = {fee.id: rank for rank, fee in reversed(list(enumerate(self.policies.late_fees)))}
        for item in self.ledger.balance.items:
            if item.amount_open.minor > 0:
                for fee in self._rules_for(item.receivable):
                    yield from self._of_receivable(ranks[fee.id], fee, item.receivable)
        for receivable in self.ledger.coming:
            self._announce(receivable)
        for plan in self.ledger.plans:
            yield from self._of_plan(plan, ranks)
        for fee in self.policies.late_fees:
            if fee.once_per == "notice":
                yield from self._of_notices(ranks[fee.id], fee)

    def _rules_for(self, receivable: Receivable) -> Iterator[LateFeePolicy]:
        """Yield for each rule its most specific variant that applies to a receivable."""
        yield from self.policies.late_fees_for(receivable, segment=self.look.segment)

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
            self.look.skip("policy.calendar_missing", fee.id, receivable, error.text, fee.cite)
            return
        if fee.grace_shifts_due:
            due_on = after(first_on, -1)
        for occurrence in _schedule(fee, due_on, first_on):
            if occurrence.falls_on > self.as_of:
                self.look.next_days.append(occurrence.falls_on)
                return
            yield occurrence

    def _is_open_question(self, fee: LateFeePolicy, receivable: Receivable, occurrence: _Occurrence) -> bool:
        return self.ledger.key("fee", receivable.receivable_id, fee.id, occurrence.period) not in self.ledger.keys

    def _announce(self, receivable: Receivable) -> None:
        """Look again when a receivable that is issued later can first be charged."""
        for fee in self._rules_for(receivable):
            try:
                self.look.next_days.append(
                    max(first_fee_on(fee, receivable.due_on, self.calendar), receivable.issued_on)
                )
            except CalendarMissing:
                self.look.next_days.append(receivable.issued_on)

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
                    self.look.skip("policy.calendar_missing", fee.id, receivable, error.text, fee.cite)
                    continue
                if first_on > sent_on or not self._is_open_question(
                    fee, receivable, _Occurrence(period=period, due_on=receivable.due_on, falls_on=sent_on)
                ):
                    continue
                due_on = after(first_on, -1) if fee.grace_shifts_due else receivable.due_on
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

    def judge(self, candidate: _Candidate) -> None:
        """Make the charge, or say why not: first as the creditor chose it, then as the law leaves it."""
        fee, receivable = candidate.fee, candidate.receivable
        if self.look.stands_in_the_way(
            fee.id, receivable, fee.disputes, is_planned=candidate.is_planned, cite=fee.cite
        ):
            return
        own = self._measured(candidate)
        if own is None:
            return
        amount, reasons = own
        # counted before the law speaks: what it takes from one charge must not make room for another
        self.look.measured.append((fee.id, receivable.receivable_id, amount))
        if self._is_frozen(candidate):
            return
        lawful = self._lawful_day(candidate)
        if lawful is None:
            return
        if lawful is not candidate:
            later = self._measured(lawful, is_counted=True)
            if later is None:
                return
            if amount <= later[0]:  # it stands as measured before, so what limited it then is named
                reasons = [later[1][0], *reasons[1:]]
            else:
                amount, reasons = later
        if fee.component is Component.FEE:
            room = self.look.law.fee_room(
                receivable,
                past_due=lawful.open_then,
                instalment=lawful.original,
                charged=self.look.fees_on(receivable, amount.currency),
            )
            if room.blocked is not None:
                self.look.skip(room.blocked.code, fee.id, receivable, room.blocked.text, room.blocked.cite)
                return
            amount = room.limit(amount, reasons)
            if amount.is_zero:
                _, strictest = room.limits[0]
                self.look.skip(strictest.code, fee.id, receivable, strictest.text, strictest.cite)
                return
        self.look.charge(
            kind="fee",
            rule=fee.id,
            period=candidate.occurrence.period,
            receivable=receivable,
            component=fee.component,
            amount=amount,
            due_in_days=fee.due_in_days,
            reasons=reasons,
        )

    def _measured(self, candidate: _Candidate, *, is_counted: bool = False) -> tuple[Money, list[Reason]] | None:
        """Measure a fee and apply the creditor's own limits; None, with the reason, where nothing is left."""
        fee = candidate.fee
        base, share_of = self._bases(candidate)
        if base.is_zero:
            self.look.is_held_back = True
            self._skip("policy.disputed", candidate, "nothing undisputed is open")
            return None
        minimum = amount_in(fee.minimum_balance, base.currency)
        if minimum is not None and base < minimum:
            self._skip("policy.materiality", candidate, f"{base} is less than {minimum}, too little to charge for")
            return None
        measured = _measure(fee, share_of, candidate.occurrence)
        if measured is None:
            self._skip("policy.no_amount", candidate, f"has no amount in {base.currency}; nothing is converted")
            return None
        amount, how = measured
        reasons = [self._why(candidate, amount, how)]
        if is_counted:  # measured once already: only what the amount itself depends on is looked at again
            floor = amount_in(fee.fee_floor, amount.currency)
            if floor is not None and amount < floor:
                amount = floor
                reasons.append(Reason(code="policy.fee_floor", text=f"raised to the floor of {floor}", cite=fee.cite))
            if fee.never_above_open and amount > base:
                amount = base
                text = f"limited to the {base} that is open"
                reasons.append(Reason(code="policy.above_open", text=text, cite=fee.cite))
            if not amount.is_positive:
                self._skip("policy.zero", candidate, reasons[-1].text)
                return None
            return amount, reasons
        amount = self._limited(candidate, amount, base, reasons)
        if not amount.is_positive:
            last = reasons[-1]
            self._skip(last.code if len(reasons) > 1 else "policy.zero", candidate, last.text)
            return None
        return amount, reasons

    def _is_frozen(self, candidate: _Candidate) -> bool:
        """Say whether the fee fell due inside a moratorium; then it is never charged."""
        fell_on = candidate.occurrence.falls_on
        frozen = self.look.law.frozen_on(candidate.receivable, "fees", fell_on)
        if frozen is None:
            return False
        text = f"fell due on {fell_on}, inside a moratorium that froze fees from {frozen[0]}"
        self.look.skip("policy.moratorium", candidate.fee.id, candidate.receivable, text, frozen[1])
        return True

    def _lawful_day(self, candidate: _Candidate) -> _Candidate | None:
        """Put a fee off to the first day on which the law lets it be charged, judged on what is open then."""
        occurrence, receivable = candidate.occurrence, candidate.receivable
        due_on = receivable.due_on if not candidate.is_planned else occurrence.due_on
        lawful_on = self.look.law.fee_starts_on(receivable, due_on)
        if lawful_on is None or lawful_on <= occurrence.falls_on:
            return candidate
        if lawful_on > self.as_of:
            self.look.next_days.append(lawful_on)
            self._skip("policy.law_grace", candidate, f"the law lets no fee be charged before {lawful_on}")
            return None
        open_then = candidate.open_then
        if not candidate.is_planned:
            open_then = self.ledger.open_on(receivable, lawful_on)
        return attrs.evolve(candidate, occurrence=attrs.evolve(occurrence, falls_on=lawful_on), open_then=open_then)

    def _bases(self, candidate: _Candidate) -> tuple[Money, Money]:
        """Return what is open and undisputed, and what a share is taken of."""
        fee, base = candidate.fee, candidate.open_then
        is_disputed, part = self.ledger.disputed(candidate.receivable, self.as_of)
        left_out = part.minor if is_disputed and fee.disputes == "undisputed_part" else 0
        base = Money(max(0, base.minor - left_out), base.currency)
        if fee.base == "open":
            return base, base
        return base, Money(max(0, candidate.original.minor - left_out), base.currency)

    def _skip(self, code: str, candidate: _Candidate, text: str) -> None:
        self.look.skip(code, candidate.fee.id, candidate.receivable, text, candidate.fee.cite)

    def _why(self, candidate: _Candidate, amount: Money, how: str) -> Reason:
        fee, occurrence = candidate.fee, candidate.occurrence
        grace = "" if not _grace(fee) else f", past {_grace(fee)}"
        day = "" if occurrence.falls_on == self.as_of else f" on {occurrence.falls_on}"
        text = (
            f"{fee.id} for {candidate.what}: {how} is {amount}; {_days(occurrence.days)} past due{day} "
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
                self.look.next_days.append(date(year + 1, 1, 1))  # caught up across a year's end: the next one has room
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
        for rule, receivable_id, amount in self.look.measured:
            if rule != candidate.fee.id or amount.currency != candidate.original.currency:
                continue
            if per_item and receivable_id != candidate.receivable.receivable_id:
                continue
            if year is not None and self.as_of.year != year:
                continue
            sum_minor += amount.minor
        return sum_minor


def _schedule(fee: LateFeePolicy, due_on: date, first_on: date) -> Iterator[_Occurrence]:
    """Yield every time that a fee falls due for one item, in order of days; without end where periods have none."""
    if fee.once_per == "period":
        number = 1
        while (fee.times_max is None or number <= fee.times_max) and first_on < date.max:
            yield _Occurrence(period=number, due_on=due_on, falls_on=fee.period_start(first_on, number))
            number += 1
    elif fee.tier_by == "days" and fee.once_per == "receivable":
        for tier in sorted(fee.tiers, key=lambda one: one.days_min or 0):
            falls_on = max(first_on, after(due_on, tier.days_min or 0))
            if tier.days_max is None or falls_on <= after(due_on, tier.days_max):
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
    return f"{_days(fee.grace_days)} of grace" if fee.grace_days else ""


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
