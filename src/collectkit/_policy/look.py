"""What one look at an account holds in hands: its facts, the law, and what came of it so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property

import attrs

from collectkit._policy.law import Law
from collectkit._policy.ledger import Ledger, Opening, after, is_fee
from collectkit._policy.terms import DisputeRule
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.decisions import Charge, Reason
from collectkit.core.money import Money
from collectkit.core.records import Component, Receivable

__all__ = ["FallenDue", "Look", "after"]


@attrs.frozen(kw_only=True)
class FallenDue:
    """A late fee that fell due, as the creditor chose it, before the law spoke; `years` are those whose caps it uses up.

    One that is charged counts in the year of the charge. One that the law stops counts in the year it fell due in as
    well, where it would have been charged without the law.
    """

    rule: str
    receivable_id: str
    amount: Money
    years: frozenset[int]
    is_lowered: bool = True
    """The law took something off, or all of it."""


class Look:
    """Collects charges and reasons of one look, and remembers the next day that matters."""

    def __init__(
        self, ledger: Ledger, law: Law, segment: str, calendar: BusinessCalendar, *, only: str | None = None
    ) -> None:
        """Start a look; `only` is the key of the one charge that is asked about, None for all."""
        self.only = only
        self.ledger = ledger
        self.law = law
        self.segment = segment
        self.calendar = calendar
        self.as_of = ledger.as_of
        self.charges: list[Charge] = []
        self.skipped: list[Reason] = []
        self.measured: list[FallenDue] = []
        self.next_days: list[date] = []
        self.is_held_back = False
        self.materiality: tuple[Money, ...] = ()

    def skip(self, code: str, rule: str, receivable: Receivable, text: str, cite: str | None = None) -> None:
        """Say once why a charge was not made."""
        reason = Reason(code=code, text=f"no {rule} for receivable {receivable.receivable_id}: {text}", cite=cite)
        if reason not in self.skipped:
            self.skipped.append(reason)

    def stands_in_the_way(
        self,
        rule: str,
        receivable: Receivable,
        disputes: DisputeRule,
        *,
        is_planned: bool = False,
        cite: str | None = None,
    ) -> bool:
        """Say whether a hold, a running plan or a dispute stops a charge, with the reason."""
        held = self.ledger.hold_on(receivable, rule)
        plan = None if is_planned else self.ledger.covered.get(receivable.receivable_id)
        is_disputed, _ = self.ledger.disputed(receivable, self.as_of)
        if held is not None:
            self.skip("policy.held", rule, receivable, held, cite)
        elif plan is not None:
            self.skip("policy.on_plan", rule, receivable, f"plan {plan.plan_id} runs, so its due date is silent", cite)
        elif is_disputed and disputes == "no_fee":
            self.skip("policy.disputed", rule, receivable, "is disputed", cite)
        elif (trifle := self._trifle(receivable)) is not None:
            self.skip("policy.materiality", rule, receivable, trifle, cite)
        else:
            return False
        self.is_held_back = True
        return True

    def _trifle(self, receivable: Receivable) -> str | None:
        """Say why what is past due in a currency, this receivable included, is too little to charge for, or None."""
        currency = receivable.amount_original.currency
        least = next((one for one in self.materiality if one.currency == currency), None)
        if least is None:
            return None
        own = self.ledger.open_on(receivable, self.as_of)
        past_due = own if own.is_positive else receivable.amount_original  # what is settled was past due as a whole
        others = [
            item for item in self.ledger.balance.open_items if item.receivable.receivable_id != receivable.receivable_id
        ]
        others = [item for item in others if not item.receivable.is_charge and item.amount_open.currency == currency]
        for item in others:
            past_due += item.amount_open if item.receivable.due_on < self.as_of else Money.zero(currency)
        if past_due >= least:
            return None
        coming = [item.receivable for item in others] + [one for one in self.ledger.coming if not one.is_charge]
        days = [max(after(one.due_on, 1), one.issued_on) for one in coming]
        self.next_days += [day for day in days if day > self.as_of]
        return f"{past_due} is past due, less than {least}, too little to charge for"

    def fees_on(self, receivable: Receivable, currency: str, *, but: int = 0) -> Money:
        """Sum the fees of every rule on a receivable, posted or made in this look, but for some minor units."""
        names = (receivable.receivable_id, None)  # a posted fee without a parent counts for every receivable
        return Money(sum(self._fees.get((name, currency), 0) for name in names) - but, currency)

    @cached_property
    def _fees(self) -> dict[tuple[str | None, str], int]:
        """Minor units of posted fees by receivable and currency; `charge` adds those of this look."""
        sums: dict[tuple[str | None, str], int] = {}
        for one in self.ledger.posted:
            if is_fee(one.receivable):
                place = (one.receivable.parent_id, one.receivable.amount_original.currency)
                sums[place] = sums.get(place, 0) + self.ledger.stands(one.receivable)
        return sums

    def opening(self, kind: str, receivable_id: str, rule: str, period: str | int) -> Opening | None:
        """Return under which key a period can be charged in this look, None where it cannot."""
        found = self.ledger.opening(kind, receivable_id, rule, period)
        return found if found is None or self.only is None or found.key == self.only else None

    def charge(
        self,
        *,
        key: str,
        rule: str,
        receivable: Receivable,
        component: Component,
        amount: Money,
        due_in_days: int,
        reasons: Iterable[Reason],
    ) -> None:
        """Make a charge on the day of the look."""
        if component is Component.FEE or key.startswith("fee:"):
            place = (receivable.receivable_id, amount.currency)
            self._fees[place] = self._fees.get(place, 0) + amount.minor
        self.charges.append(
            Charge(
                key=key,
                rule=rule,
                receivable_id=receivable.receivable_id,
                component=component,
                amount=amount,
                charged_on=self.as_of,
                due_on=after(self.as_of, due_in_days),
                reasons=tuple(reasons),
            )
        )
