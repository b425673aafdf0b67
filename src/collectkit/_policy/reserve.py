"""What earlier charges have used up of a rule's own caps, counting each as it was before the law lowered it.

Otherwise a fee of which a law left a part would leave room for another one on the next look, on the same day even, and
a law that lowers charges would in the end allow more of them. No fact says how high a fee was before the law spoke, so
it is measured again, on the facts of today.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.ledger import Opening, PostedCharge
from collectkit._policy.look import Look, after
from collectkit._policy.measuring import (
    Candidate,
    Occurrence,
    Used,
    first_fee_on,
    measured_on,
    notice_period,
    schedule,
)
from collectkit._policy.terms import LateFeePolicy
from collectkit.core.errors import CalendarMissing
from collectkit.core.money import Money
from collectkit.core.records import Receivable

__all__ = ["Reserve"]


class Reserve:
    """The posted charges of each rule in one look; worked out when first asked for."""

    def __init__(self, look: Look, policies: ChargePolicy) -> None:
        """Look at the posted charges of `policies`."""
        self.look = look
        self.ledger = look.ledger
        self.policies = policies
        self._used: dict[str, list[tuple[str, Used]]] = {}

    def used(self, rule: str, *, but: frozenset[str]) -> Iterator[Used]:
        """Yield what each posted charge of a rule has used up, but for some by their id."""
        if rule not in self._used:
            self._used[rule] = list(self._of_rule(rule))
        return (used for name, used in self._used[rule] if name not in but)

    # -- details ---------------------------------------------------------------------------------------------

    def _of_rule(self, rule: str) -> Iterator[tuple[str, Used]]:
        posted = list(self.ledger.posted_under(rule))
        is_capped = any(fee.item_cap or fee.yearly_cap for fee in self.policies.late_fees if fee.id == rule)
        if not is_capped or not self.look.law.limits_fees:
            for one in posted:
                yield one.receivable.receivable_id, self._as_posted(one)
            return
        rebuilt = [(one, self._candidate(rule, one)) for one in posted]
        so_far: list[Used] = []
        for one, candidate in sorted(rebuilt, key=_in_order):
            used = self._as_posted(one)
            if candidate is not None and used.amount.is_positive:
                before = measured_on(candidate, one.receivable.issued_on, ledger=self.ledger, used=so_far)
                if before.refused is None and before.amount > used.amount:
                    used = attrs.evolve(used, amount=before.amount, is_lowered=True)
            so_far.append(used)
            yield one.receivable.receivable_id, used

    def _as_posted(self, one: PostedCharge) -> Used:
        posted = one.receivable
        amount = Money(self.ledger.stands(posted), posted.amount_original.currency)
        return Used(receivable_id=posted.parent_id, years=frozenset({posted.issued_on.year}), amount=amount)

    def _candidate(self, rule: str, one: PostedCharge) -> Candidate | None:
        """Return the occurrence that a charge was made for; None where today's facts and terms do not tell."""
        receivable = self.ledger.receivables.get(one.receivable.parent_id or "")
        if receivable is None:
            return None
        variants = self.policies.late_fees_for(receivable, segment=self.look.segment)
        fee = next((each for each in variants if each.id == rule), None)
        if fee is None or one.receivable.amount_original.currency != receivable.amount_original.currency:
            return None
        try:
            found = self._occurrence(fee, receivable, one)
        except CalendarMissing:
            return None
        if found is None:
            return None
        occurrence, open_then, original = found
        return Candidate(
            rank=[each.id for each in self.policies.late_fees].index(rule),
            fee=fee,
            receivable=receivable,
            what=f"receivable {receivable.receivable_id}",
            occurrence=occurrence,
            opening=Opening(key=""),
            open_then=open_then,
            original=original,
        )

    def _occurrence(
        self, fee: LateFeePolicy, receivable: Receivable, one: PostedCharge
    ) -> tuple[Occurrence, Money, Money] | None:
        if fee.once_per == "notice":
            return self._of_notice(fee, receivable, one)
        if fee.once_per == "instalment" and "#" in one.period:
            return self._of_instalment(fee, one)
        first_on = first_fee_on(fee, receivable.due_on, self.look.calendar)
        due_on = after(first_on, -1) if fee.grace_shifts_due else receivable.due_on
        for occurrence in schedule(fee, due_on, first_on):
            if str(occurrence.period) == one.period:
                open_then = self.ledger.open_on(receivable, occurrence.falls_on)
                return occurrence, open_then, receivable.amount_original
            if occurrence.falls_on > one.receivable.issued_on:
                return None
        return None

    def _of_instalment(self, fee: LateFeePolicy, one: PostedCharge) -> tuple[Occurrence, Money, Money] | None:
        name, _, number = one.period.rpartition("#")
        for plan in self.ledger.snapshot.plans:
            for part in plan.instalments:
                if plan.plan_id == name and str(part.number) == number:
                    first_on = first_fee_on(fee, part.due_on, self.look.calendar)
                    due_on = after(first_on, -1) if fee.grace_shifts_due else part.due_on
                    occurrence = Occurrence(period=one.period, due_on=due_on, falls_on=first_on)
                    return occurrence, self.ledger.instalment_open(plan, part, first_on), part.amount
        return None

    def _of_notice(
        self, fee: LateFeePolicy, receivable: Receivable, one: PostedCharge
    ) -> tuple[Occurrence, Money, Money] | None:
        for notice in self.ledger.snapshot.notices:
            if notice.sent_on is not None and notice_period(notice.key) == one.period:
                first_on = first_fee_on(fee, receivable.due_on, self.look.calendar)
                due_on = after(first_on, -1) if fee.grace_shifts_due else receivable.due_on
                occurrence = Occurrence(period=one.period, due_on=due_on, falls_on=notice.sent_on)
                return occurrence, self.ledger.open_on(receivable, notice.sent_on), receivable.amount_original
        return None


def _in_order(pair: tuple[PostedCharge, Candidate | None]) -> tuple[Any, ...]:
    """Order as the charges were judged: by day, and within a day by their order of judgement."""
    one, candidate = pair
    return (one.receivable.issued_on, candidate is not None, candidate.order if candidate is not None else ())
