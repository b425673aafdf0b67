"""The making of offers: every kind within one set of limits and one authority, and the nearest to what was proposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

import attrs

from collectkit._settlement.terms import (
    MONTHLY,
    Authority,
    Offer,
    OfferKind,
    Proposal,
    SettlementLimits,
    SettlementOffer,
)
from collectkit.core.calendars import Every
from collectkit.core.decisions import Reason
from collectkit.core.errors import InvalidDate, InvalidTerms
from collectkit.core.events import semantic_key
from collectkit.core.money import Money
from collectkit.core.schedule import MAX_INSTALMENTS
from collectkit.plans import (
    PaymentPlan,
    PersonalisedPlan,
    amortised_plan,
    deferred_plan,
    equal_split_plan,
    personalised_plan,
)

SPLIT_MAX: Final = 3
"""A plan of up to so many instalments bears no interest; a longer one bears the rate of the limits, if they name one."""


@attrs.frozen
class Maker:
    """Builds offers for one balance under one authority; None where a kind does not fit the limits."""

    account_id: str
    balance: Money
    covers: tuple[str, ...]
    on: date
    limits: SettlementLimits
    authority: Authority

    # -- the kinds of offers -----------------------------------------------------------------------------------

    def in_full(self, pay_on: date | None = None) -> Offer:
        pay_on = pay_on or self._completes_on()
        return Offer(
            offer_id=self._id("pay_in_full", pay_on),
            kind="pay_in_full",
            recovered=self.balance,
            first_on=pay_on,
            ends_on=pay_on,
            valid_until_on=self._valid_until_on(pay_on),
            granted_by=self.authority.role,
            reasons=(reason("full", "payment in full needs no leave"),),
        )

    def split(self) -> Offer | None:
        """Divide into a few months or, where the limits are too tight for that, into two parts within them."""
        offer = self._plan("split", SPLIT_MAX, self._first_on(), MONTHLY)
        if offer is None:
            half = min(self.authority.days_max // 2, self.limits.first_payment_days_max)
            days = Every(max(1, half), "days")
            offer = self._plan("split", 2, _later(self.on, half), days)
        return offer

    def deferred(self) -> Offer | None:
        days = self.authority.deferral_days_max
        starts_on = _later(self.on, days)
        if starts_on <= self._first_on():
            return None  # nothing is deferred by what anyone gets
        count = self._fitting(SPLIT_MAX, starts_on, MONTHLY)
        if count < 1:
            return None
        options: dict[str, Any] = {"starts_on": starts_on}
        builder: Callable[..., PaymentPlan] = deferred_plan
        if MONTHLY.date(anchor=starts_on, number=-1) <= self.on:  # less than two months: just a late first instalment
            options, builder = {"first_due_on": starts_on}, equal_split_plan
        plan = self._built(builder, f"deferred-{count}", starts_on, instalments=count, **options)
        return self._offer("deferred", plan, f"nothing for {days} days, the longest deferral allowed")

    def long(self) -> Offer | None:
        return self._plan("long", self.authority.instalments_max, self._first_on(), MONTHLY)

    def personalised(self, affordable: Money | None, paydays_from: date | None) -> Offer | None:
        if affordable is None or affordable.minor <= 0 or affordable.currency != self.balance.currency:
            return None
        first_on = self._payday(paydays_from) if paydays_from is not None else self._first_on()
        if first_on > self._last_first_on():
            return None
        rows = min(-(-self.balance.minor // affordable.minor), MAX_INSTALMENTS)
        plan = None
        if rows > SPLIT_MAX and self.limits.rate is not None:
            plan = self._solved(affordable, first_on)
        elif rows <= self._fitting(rows, first_on, MONTHLY):
            plan = self._built(
                equal_split_plan, f"personalised-{rows}", first_on, instalments=rows, first_due_on=first_on
            )
        return self._offer("personalised", plan, f"{affordable} a month is what the debtor can afford")

    def settlement(self) -> Offer | None:
        least = self._least()
        return self._settlement_for(least, self._completes_on()) if least < self.balance else None

    # -- answering ---------------------------------------------------------------------------------------------

    def against(self, proposal: Proposal) -> Iterator[Reason]:
        if proposal.first_on < self.on:
            yield reason("past", f"the first payment on {proposal.first_on} lies before {self.on}")
        if proposal.amount is not None:
            yield from self._against_settlement(proposal, proposal.amount)
            return
        role, count, latest = self.authority.role, proposal.instalments, self._latest(proposal.instalments)
        if count > self.authority.instalments_max:
            limit = self.authority.instalments_max
            yield reason("too_many", f"{count} instalments are over the limit of {limit} for {role}")
        if proposal.first_on > latest:
            yield reason("too_late", f"the first payment on {proposal.first_on} is later than {latest}")
        ends_on = self._last_day(proposal.first_on, count, proposal.every)
        if ends_on > self._ends_limit():
            text = f"the last payment on {ends_on} is later than {self._ends_limit()}, the limit for {role}"
            yield reason("too_long", text)
        floor = self._instalment_min()
        part = Money(self.balance.minor // count, self.balance.currency)
        if count > 1 and part < floor:
            yield reason("too_small", f"instalments of {part} are below the least of {floor}")

    def _against_settlement(self, proposal: Proposal, amount: Money) -> Iterator[Reason]:
        if amount.currency != self.balance.currency:
            yield reason("currency", f"{amount} cannot settle a balance in {self.balance.currency}")
        elif amount < self._least():
            text = f"{amount} is less than {self._least()}, the least that {self.authority.role} may accept"
            yield reason("discount", text)
        if proposal.instalments != 1:
            yield reason("settlement_parts", "a sum that settles for less is paid in one payment")
        if proposal.first_on > self._completes_on():
            yield reason("too_late", f"a settlement is paid by {self._completes_on()}, not on {proposal.first_on}")

    def from_proposal(self, proposal: Proposal) -> Offer | None:
        """Make the offer that a proposal within the limits asks for; None where no plan can be built so."""
        if proposal.amount is not None and proposal.amount < self.balance:
            return self._settlement_for(proposal.amount, proposal.first_on)
        if proposal.amount is not None or proposal.instalments == 1:
            return self.in_full(proposal.first_on)
        kind: OfferKind = "split" if proposal.instalments <= SPLIT_MAX else "long"
        offer = self._plan(kind, proposal.instalments, proposal.first_on, proposal.every)
        return offer if offer is not None and len(_rows(offer)) == proposal.instalments else None

    def nearest(self, proposal: Proposal) -> Offer:
        """Move every figure of a proposal to the nearest one that is allowed."""
        if proposal.amount is not None:
            pay_on = min(max(proposal.first_on, self.on), self._completes_on())
            amount = proposal.amount if proposal.amount.currency == self.balance.currency else self.balance
            amount = max(amount, self._least())
            return self._settlement_for(amount, pay_on) if amount < self.balance else self.in_full(pay_on)
        count = min(proposal.instalments, self.authority.instalments_max)
        first_on = min(max(proposal.first_on, self.on), self._latest(count))
        kind: OfferKind = "split" if count <= SPLIT_MAX else "long"
        for every in (proposal.every, MONTHLY):
            offer = self._plan(kind, count, first_on, every)
            if offer is not None:
                return offer
        return self.in_full(min(first_on, self._latest(1)))

    # -- building ----------------------------------------------------------------------------------------------

    def _plan(self, kind: OfferKind, wanted: int, first_on: date, every: Every) -> Offer | None:
        """Divide into the most instalments up to `wanted` that the limits allow, at least two."""
        for count in range(self._fitting(wanted, first_on, every), 1, -1):
            rate = self.limits.rate if count > SPLIT_MAX else None
            terms: dict[str, Any] = {"instalments": count, "first_due_on": first_on, "every": every}
            why = f"{count} of at most {self.authority.instalments_max} instalments"
            if rate is None:
                plan = self._built(equal_split_plan, f"split-{count}", first_on, **terms)
            else:
                plan = self._built(amortised_plan, f"long-{count}", first_on, rate=rate, **terms)
                why += f", at {rate} a year"
            offer = self._offer(kind, plan, why)
            if offer is not None:
                return offer
        return None

    def _solved(self, affordable: Money, first_on: date) -> PaymentPlan | None:
        """Solve a plan with interest from what is affordable; the least instalment holds for the last one too."""
        found = self._built(
            personalised_plan,
            f"personalised-{affordable.minor}",
            first_on,
            affordable=affordable,
            first_due_on=first_on,
            rate=self.limits.rate,
            max_instalments=min(self.authority.instalments_max, MAX_INSTALMENTS),
            end_by=self._ends_limit(),
        )
        if not isinstance(found, PersonalisedPlan):
            return None
        plan = found.plan
        if plan.schedule[-1].total >= self._instalment_min():
            return plan
        level: PaymentPlan | None = self._built(
            amortised_plan,
            f"personalised-{affordable.minor}",
            first_on,
            instalments=len(plan.schedule),
            first_due_on=first_on,
            rate=self.limits.rate,
        )
        return level

    def _settlement_for(self, amount: Money, pay_on: date) -> Offer:
        text = f"{self.balance - amount} given up, within what {self.authority.role} may grant"
        return Offer(
            offer_id=self._id(f"settlement-{amount.minor}", pay_on),
            kind="settlement",
            recovered=amount,
            first_on=pay_on,
            ends_on=pay_on,
            valid_until_on=self._valid_until_on(pay_on),
            granted_by=self.authority.role,
            settlement=SettlementOffer(amount=amount, balance=self.balance, pay_until_on=pay_on),
            reasons=(reason("discount", text),),
        )

    def _built(self, builder: Callable[..., Any], name: str, first_on: date, **terms: Any) -> Any:
        """Build a plan, or None where its terms cannot stand or leave the calendar: then there is no such offer."""
        try:
            return builder(
                plan_id=self._id(name, first_on),
                principal=self.balance,
                start_on=self.on,
                account_id=self.account_id,
                covers=self.covers,
                agreed_on=self.on,
                **terms,
            )
        except (InvalidTerms, InvalidDate):
            return None

    def _offer(self, kind: OfferKind, plan: PaymentPlan | None, why: str) -> Offer | None:
        """Make an offer of a plan, or None where a row came out below the least instalment: level payments round."""
        if plan is None:
            return None
        rows = plan.schedule
        if len(rows) > 1 and min(row.total for row in rows) < self._instalment_min():
            return None
        return Offer(
            offer_id=plan.plan_id,
            kind=kind,
            recovered=plan.total,
            first_on=rows[0].due_on,
            ends_on=plan.ends_on,
            valid_until_on=self._valid_until_on(rows[0].due_on),
            granted_by=self.authority.role,
            plan=plan,
            reasons=(reason(kind, why),),
        )

    # -- the limits as days and sums ---------------------------------------------------------------------------

    def _fitting(self, wanted: int, first_on: date, every: Every) -> int:
        """Return the most instalments up to `wanted` that end in time and are not too small; 0 where not one does."""
        floor = max(1, self._instalment_min().minor)  # no instalment of nothing
        count = min(wanted, self.authority.instalments_max, max(1, self.balance.minor // floor), MAX_INSTALMENTS)
        while count > 0 and self._last_day(first_on, count, every) > self._ends_limit():
            count -= 1
        return count

    def _last_day(self, first_on: date, count: int, every: Every) -> date:
        """Return when the last of so many instalments falls due; the last day there is where it lies beyond."""
        try:
            if first_on == every.date(anchor=self.on, number=1):  # plans count from the agreement then, and so do we
                return every.date(anchor=self.on, number=count)
            return every.date(anchor=first_on, number=count - 1)
        except InvalidDate:
            return date.max

    def _instalment_min(self) -> Money:
        floors = (one for one in self.limits.instalment_min if one.currency == self.balance.currency)
        return next(floors, Money.zero(self.balance.currency))

    def _least(self) -> Money:
        """Return the least that settles the balance."""
        return self.balance - self.balance.times(self.authority.discount_max, rounding="down")

    def _payday(self, paydays_from: date) -> date:
        """Return the first payday on or after today."""
        number = 0
        while (day := MONTHLY.date(anchor=paydays_from, number=number)) < self.on:
            number += 1
        return day

    def _first_on(self) -> date:
        return min(MONTHLY.date(anchor=self.on, number=1), self._last_first_on())

    def _last_first_on(self) -> date:
        days = max(self.limits.first_payment_days_max, self.authority.deferral_days_max)
        return min(_later(self.on, days), self._ends_limit())

    def _latest(self, instalments: int) -> date:
        """Return the last day for a first payment; one that pays everything has as long as a settlement, if not longer."""
        return self._last_first_on() if instalments > 1 else max(self._last_first_on(), self._completes_on())

    def _completes_on(self) -> date:
        return min(_later(self.on, self.limits.completion_days), self._ends_limit())

    def _ends_limit(self) -> date:
        return _later(self.on, self.authority.days_max)

    def _valid_until_on(self, first_on: date) -> date:
        return min(_later(self.on, self.limits.valid_days), first_on)

    def _id(self, kind: str, day: date) -> str:
        terms = (self.on.isoformat(), self.balance.minor, self.balance.currency, kind, day.isoformat())
        return semantic_key("offer", self.account_id, *terms)


def _rows(offer: Offer) -> tuple[Any, ...]:
    return () if offer.plan is None else tuple(offer.plan.schedule)


def _later(day: date, days: int) -> date:
    """Add days to a date, at most to the last day there is."""
    return day + timedelta(days=min(days, (date.max - day).days))


def reason(code: str, text: str) -> Reason:
    return Reason(code=f"settlement.{code}", text=text)
