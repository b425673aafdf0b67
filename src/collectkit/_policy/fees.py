"""Late fees that have fallen due: every time a fee falls due, for each item it can be charged on, and the judgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import attrs

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.ledger import Opening, PostedCharge
from collectkit._policy.look import FallenDue, Look, after
from collectkit._policy.measuring import (
    Candidate,
    Measured,
    Occurrence,
    Used,
    first_fee_on,
    measured_on,
    notice_period,
    schedule,
)
from collectkit._policy.reserve import Reserve
from collectkit._policy.terms import LateFeePolicy
from collectkit.core.decisions import Reason
from collectkit.core.errors import CalendarMissing
from collectkit.core.money import Money
from collectkit.core.records import PlanAgreement, PlannedInstalment, Receivable

__all__ = ["first_fee_on", "look_at_fees"]


def look_at_fees(look: Look, policies: ChargePolicy) -> None:
    """Add the late fees that have fallen due to a look, in order of the day they fell due."""
    if policies.late_fees:
        fees = _Fees(look, policies)
        for candidate in sorted(fees.candidates(), key=lambda one: one.order):
            fees.judge(candidate)


# -- details ---------------------------------------------------------------------------------------------------


class _Fees:
    """The late fees of one look."""

    def __init__(self, look: Look, policies: ChargePolicy) -> None:
        self.look = look
        self.policies = policies
        self.ledger = look.ledger
        self.as_of = look.as_of
        self.calendar = look.calendar
        self.reserve = Reserve(look, policies)
        self.used: dict[str, list[Used]] = {}  # what fees of this look have used up, by rule

    # -- candidates ------------------------------------------------------------------------------------------

    def candidates(self) -> Iterator[Candidate]:
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

    def _of_receivable(self, rank: int, fee: LateFeePolicy, receivable: Receivable) -> Iterator[Candidate]:
        if fee.once_per == "notice" or (fee.once_per == "instalment" and receivable.kind != "instalment"):
            return
        for occurrence in self._occurrences(fee, receivable.due_on, receivable):
            opening = self.look.opening("fee", receivable.receivable_id, fee.id, occurrence.period)
            if opening is None:
                continue
            is_covered = self._is_covered(fee, receivable, occurrence.falls_on, opening)
            if not is_covered or self.look.law.limits_fees:
                yield Candidate(
                    rank=rank,
                    fee=fee,
                    receivable=receivable,
                    what=f"receivable {receivable.receivable_id}",
                    occurrence=occurrence,
                    opening=opening,
                    open_then=self.ledger.open_on(receivable, occurrence.falls_on),
                    original=receivable.amount_original,
                    is_covered=is_covered,
                )

    def _occurrences(self, fee: LateFeePolicy, due_on: date, receivable: Receivable) -> Iterator[Occurrence]:
        """Yield the occurrences up to today; the first one after today is noted as a day to look again."""
        try:
            first_on = first_fee_on(fee, due_on, self.calendar)
        except CalendarMissing as error:
            self.look.skip("policy.calendar_missing", fee.id, receivable, error.text, fee.cite)
            return
        if fee.grace_shifts_due:
            due_on = after(first_on, -1)
        for occurrence in schedule(fee, due_on, first_on):
            if occurrence.falls_on > self.as_of:
                self.look.next_days.append(occurrence.falls_on)
                return
            yield occurrence

    def _announce(self, receivable: Receivable) -> None:
        """Look again when a receivable that is issued later can first be charged."""
        for fee in self._rules_for(receivable):
            try:
                self.look.next_days.append(
                    max(first_fee_on(fee, receivable.due_on, self.calendar), receivable.issued_on)
                )
            except CalendarMissing:
                self.look.next_days.append(receivable.issued_on)

    def _of_plan(self, plan: PlanAgreement, ranks: dict[str, int]) -> Iterator[Candidate]:
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
        occurrence: Occurrence,
    ) -> Candidate | None:
        occurrence = attrs.evolve(occurrence, period=f"{plan.plan_id}#{part.number}")
        opening = self.look.opening("fee", receivable.receivable_id, fee.id, occurrence.period)
        if opening is None or self.ledger.instalment_open(plan, part, self.as_of).minor == 0:
            return None
        return Candidate(
            rank=rank,
            fee=fee,
            receivable=receivable,
            what=f"instalment {part.number} of plan {plan.plan_id}",
            occurrence=occurrence,
            opening=opening,
            open_then=self.ledger.instalment_open(plan, part, occurrence.falls_on),
            original=part.amount,
            planned=(plan, part),
        )

    def _of_notices(self, rank: int, fee: LateFeePolicy) -> Iterator[Candidate]:
        charged = {one.period for one in self.ledger.posted_under(fee.id) if self.ledger.stands(one.receivable)}
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
            period = notice_period(notice.key)
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
                opening = self.look.opening("fee", receivable.receivable_id, fee.id, period)
                if first_on > sent_on or opening is None or self._is_covered(fee, receivable, sent_on, opening):
                    continue
                due_on = after(first_on, -1) if fee.grace_shifts_due else receivable.due_on
                yield Candidate(
                    rank=rank,
                    fee=fee,
                    receivable=receivable,
                    what=f"notice {notice.notice} of {sent_on}, receivable {receivable.receivable_id}",
                    occurrence=Occurrence(period=period, due_on=due_on, falls_on=sent_on),
                    opening=opening,
                    open_then=self.ledger.open_on(receivable, sent_on),
                    original=receivable.amount_original,
                )
                break  # one fee for one notice: on the oldest due receivable it was about

    # -- variants --------------------------------------------------------------------------------------------

    def _is_covered(self, fee: LateFeePolicy, receivable: Receivable, falls_on: date, opening: Opening) -> bool:
        """Say whether a fee was charged for this time by another variant, one that names its periods otherwise.

        What was posted under the id covers all that a variant reached before the account came to it: one lateness is
        charged once, whatever the segment or the terms are called today. On which day the account came to it no fact
        tells, so behind a charge that another variant may have made nothing is caught up.
        """
        posted = [
            one
            for one in self.ledger.standing_on(receivable.receivable_id, fee.id)
            if (fee.once_per != "instalment" or "#" not in one.period)
            and (one.receivable.issued_on < self.as_of or not self._could_make(fee, receivable, one))
        ]
        if opening.most is not None or not posted:
            return False
        last_on = max(one.receivable.issued_on for one in posted)
        others = [each for each in self.policies.late_fees if each.id == fee.id and _shape(each) != _shape(fee)]
        is_own = any(
            self._could_make(fee, receivable, one)
            and not any(self._could_make(each, receivable, one) for each in others)
            for one in posted
            if one.receivable.issued_on == last_on
        )
        if is_own and not others:
            return False
        covered_until = last_on if is_own else max(last_on, after(self.as_of, -1))
        is_whole = fee.once_per == "receivable" and fee.tier_by != "days"  # once for all of it, and it was charged
        if falls_on > covered_until and not is_whole:
            return False
        text = f"what was charged on {last_on} covers it" + ("" if is_whole else f" until {covered_until}")
        self.look.skip("policy.covered", fee.id, receivable, text, fee.cite)
        return True

    def _could_make(self, fee: LateFeePolicy, receivable: Receivable, posted: PostedCharge) -> bool:
        """Say whether a charge bears a name that a variant gives by the day it was made."""
        if fee.once_per == "notice":
            return posted.period.startswith("notice-")
        try:
            first_on = first_fee_on(fee, receivable.due_on, self.calendar)
        except CalendarMissing:
            return True
        due_on = after(first_on, -1) if fee.grace_shifts_due else receivable.due_on
        for occurrence in schedule(fee, due_on, first_on):
            if occurrence.falls_on > posted.receivable.issued_on:
                return False
            if str(occurrence.period) == posted.period:
                return True
        return False

    # -- judgement -------------------------------------------------------------------------------------------

    def judge(self, candidate: Candidate) -> None:
        """Make the charge, or say why not: first as the creditor chose it, then as the law leaves it."""
        fee, receivable, opening = candidate.fee, candidate.receivable, candidate.opening
        if self.look.stands_in_the_way(
            fee.id, receivable, fee.disputes, is_planned=candidate.is_planned, cite=fee.cite
        ):
            return
        own = self._measured(candidate)
        if own is None:
            return
        amount, reasons = own.amount, list(own.reasons)
        # counted before the law speaks: what it takes from one charge must not make room for another
        counts = amount.minor
        if opening.most is not None and not self.look.law.limits_fees:
            counts = min(counts, opening.most)  # charged again it comes to no more, and is counted so once it is posted
        fallen = FallenDue(
            rule=fee.id,
            receivable_id=receivable.receivable_id,
            amount=Money(max(0, counts - opening.stands), amount.currency),
            years=frozenset({candidate.occurrence.falls_on.year, self.as_of.year}),
        )
        self.look.measured.append(fallen)
        used = self.used.setdefault(fee.id, [])
        used.append(_used_by(fallen))
        if candidate.is_covered or self._is_frozen(candidate):
            return
        lawful = self._lawful_day(candidate)
        if lawful is None or self._is_frozen(lawful):
            return
        if lawful is not candidate:
            later = self._measured(lawful, is_counted=True)
            if later is None:
                return
            if amount <= later.amount:  # it stands as measured before, so what limited it then is named
                reasons = [later.reasons[0], *reasons[1:]]
            else:
                amount, reasons = later.amount, list(later.reasons)
            least = self._least_of_variants(lawful)
            if least is not None and least < amount:
                amount = least
                text = f"limited to {least}, which it would have been by other terms while the law put it off"
                reasons.append(Reason(code="policy.law_variant", text=text, cite=fee.cite))
        room = self.look.law.fee_room(  # a fee is a fee to the law, whatever component it is booked as
            receivable,
            past_due=lawful.open_then,
            instalment=lawful.original,
            charged=self.look.fees_on(receivable, amount.currency, but=opening.stands),
        )
        if room.blocked is not None:
            self.look.skip(room.blocked.code, fee.id, receivable, room.blocked.text, room.blocked.cite)
            return
        amount = room.limit(amount, reasons)
        if amount.is_zero and room.limits:
            _, strictest = room.limits[0]
            self.look.skip(strictest.code, fee.id, receivable, strictest.text, strictest.cite)
            return
        amount = opening.left(amount, reasons)
        if amount.is_positive:
            is_lowered = amount < fallen.amount
            fallen = attrs.evolve(fallen, years=frozenset({self.as_of.year}), is_lowered=is_lowered)
            self.look.measured[-1], used[-1] = fallen, _used_by(fallen)
            self.look.charge(
                key=opening.key,
                rule=fee.id,
                receivable=receivable,
                component=fee.component,
                amount=amount,
                due_in_days=fee.due_in_days,
                reasons=reasons,
            )

    def _measured(self, candidate: Candidate, *, is_counted: bool = False) -> Measured | None:
        """Measure a fee and apply the creditor's own limits; None, with the reason, where nothing is left."""
        used = () if is_counted else self._used_up(candidate)
        found = measured_on(candidate, self.as_of, ledger=self.ledger, used=used, is_counted=is_counted)
        if found.next_on is not None:
            self.look.next_days.append(found.next_on)
        if found.refused is None:
            return found
        if found.is_disputed:
            self.look.is_held_back = True
        self._skip(*found.refused, candidate=candidate)
        return None

    def _used_up(self, candidate: Candidate) -> Sequence[Used]:
        """List what other fees have used up of the caps over several charges, where the fee has any."""
        fee = candidate.fee
        if not fee.item_cap and not fee.yearly_cap:
            return ()
        return (*self.reserve.used(fee.id, but=candidate.opening.made), *self.used.get(fee.id, ()))

    def _is_frozen(self, candidate: Candidate) -> bool:
        """Say whether the fee fell due inside a moratorium; then it is never charged."""
        fell_on = candidate.occurrence.falls_on
        frozen = self.look.law.frozen_on(candidate.receivable, "fees", fell_on)
        if frozen is None:
            return False
        text = f"fell due on {fell_on}, inside a moratorium that froze fees from {frozen[0]}"
        self.look.skip("policy.moratorium", candidate.fee.id, candidate.receivable, text, frozen[1])
        return True

    def _lawful_day(self, candidate: Candidate) -> Candidate | None:
        """Put a fee off to the first day on which the law lets it be charged, judged on what is open then."""
        occurrence, receivable = candidate.occurrence, candidate.receivable
        due_on = receivable.due_on if not candidate.is_planned else occurrence.due_on
        lawful = self.look.law.fee_starts_on(receivable, due_on)
        if lawful is None or lawful[0] <= occurrence.falls_on:
            return candidate
        lawful_on, why = lawful
        if lawful_on > self.as_of:
            self.look.next_days.append(lawful_on)
            self._skip("policy.law_grace", why, candidate=candidate)
            return None
        if candidate.planned is None:
            open_then = self.ledger.open_on(receivable, lawful_on)
        else:
            open_then = self.ledger.instalment_open(*candidate.planned, lawful_on)
        return attrs.evolve(candidate, occurrence=attrs.evolve(occurrence, falls_on=lawful_on), open_then=open_then)

    def _least_of_variants(self, lawful: Candidate) -> Money | None:
        """Return the least that other variants made of a lateness by the day to which the law put it off, or None.

        In which segment the account was meanwhile no fact tells, and a law that puts a fee off must not raise it.
        """
        fee, receivable = lawful.fee, lawful.receivable
        found: list[Money] = []
        for other in self.policies.late_fees:
            kinds = attrs.evolve(other.applies_to, segments=())
            if other.id != fee.id or other is fee or (receivable.is_charge and not other.on_charges):
                continue
            if kinds.matches(segment="", kind=receivable.kind, currency=receivable.amount_original.currency):
                found += self._by_variant(other, lawful)
        return min(found, default=None)

    def _by_variant(self, other: LateFeePolicy, lawful: Candidate) -> Iterator[Money]:
        """Yield what a variant makes of a lateness each time that it falls due; zero where a cap of its own is used up."""
        receivable, planned = lawful.receivable, lawful.planned
        if other.once_per == "instalment" and planned is None and receivable.kind != "instalment":
            return
        due_on = receivable.due_on if planned is None else planned[1].due_on
        try:
            first_on = first_fee_on(other, due_on, self.calendar)
        except CalendarMissing:
            return
        if other.grace_shifts_due:
            due_on = after(first_on, -1)
        for occurrence in schedule(other, due_on, first_on):
            falls_on = occurrence.falls_on
            if falls_on > self.as_of:
                return
            if planned is None:
                open_then = self.ledger.open_on(receivable, falls_on)
            else:
                open_then = self.ledger.instalment_open(*planned, falls_on)
            one = attrs.evolve(lawful, fee=other, occurrence=occurrence, open_then=open_then)
            measured = measured_on(one, self.as_of, ledger=self.ledger, used=self._used_up(one))
            if measured.refused is None:
                yield measured.amount
            elif measured.refused[0] in ("policy.item_cap", "policy.yearly_cap"):
                yield Money.zero(open_then.currency)

    def _skip(self, code: str, text: str, *, candidate: Candidate) -> None:
        self.look.skip(code, candidate.fee.id, candidate.receivable, text, candidate.fee.cite)


def _used_by(fallen: FallenDue) -> Used:
    """Return what a fee of this look has used up of its rule's caps."""
    return Used(
        receivable_id=fallen.receivable_id, years=fallen.years, amount=fallen.amount, is_lowered=fallen.is_lowered
    )


def _shape(fee: LateFeePolicy) -> tuple[object, ...]:
    """Return what the names and days of a fee's periods depend on."""
    bands = tuple((tier.days_min, tier.days_max) for tier in fee.tiers) if fee.tier_by == "days" else ()
    grace = (fee.grace_days, fee.grace_business_days, fee.grace_shifts_due)
    return (fee.once_per, fee.period_days, fee.period_months, fee.times_max, fee.notices, bands, grace)
