"""Posted charges that better knowledge shows to be wrong: what is to be taken back of each, once.

Each is judged again on the day it was charged, by the policies and facts of today, and without what was charged on
that day or later. Nothing here takes a charge back: the caller records each `Reversal` as a waiver. When what made a
charge wrong holds no more, `charges_due` charges it again, under a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property

import attrs

from collectkit._policy.accruals import accrued_to, at_posted_rates, look_at_sums, posted_sums
from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.fees import look_at_fees
from collectkit._policy.law import Law
from collectkit._policy.ledger import (
    Ledger,
    PostedCharge,
    after,
    escaped,
    known_on,
    posted_charges,
    unescaped,
    without_payments,
)
from collectkit._policy.look import Look
from collectkit._policy.returned import return_period
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.decisions import REVERSAL, Reason, Reversal
from collectkit.core.events import semantic_key
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, Payment, Receivable
from collectkit.core.rules import RulePack
from collectkit.core.waterfall import DEFAULT_ORDER, Item, Order, balance_of

__all__ = ["reversals_due"]


def reversals_due(
    *,
    policies: ChargePolicy,
    snapshot: AccountSnapshot,
    segment: str = "",
    calendar: BusinessCalendar = WEEKENDS_ONLY,
    packs: Sequence[RulePack] = (),
    order: Order = DEFAULT_ORDER,
    is_by_payments: bool = False,
) -> tuple[Reversal, ...]:
    """Judge every posted charge of `policies` again, with what is known now, and propose what is to be taken back.

    Typical cause: a payment came in late but counts from a day on which the receivable was not late yet. Only facts
    about money and due dates are looked at again: a hold, a dispute or a plan of today does not undo a charge of
    yesterday, nor does a segment that the account has left, nor terms that have changed: what these make of the facts
    of then is compared with what they make of the facts of now. What was waived already is not proposed again.

    A due date or a credit note does not tell when it was recorded. With `is_by_payments` only what a payment changes is
    proposed, one that was not known when the charge was made; that is how `decide` takes charges back.
    """
    if is_by_payments and not _has_news(snapshot):
        return ()
    again = _Again(policies, snapshot, segment, calendar, packs, order, is_by_payments=is_by_payments)
    found: list[Reversal] = []
    while True:  # what is taken back frees money, which can show another charge to be wrong
        before = len(found)
        found += again.of_charges()
        found += again.of_interest()
        if len(found) == before:
            return tuple(found)


# -- details ---------------------------------------------------------------------------------------------------


class _Again:
    """The posted charges of one account, judged again in the order in which they were made.

    A charge that is found wrong counts as never made for those after it, so that one look finds all of them.
    """

    def __init__(
        self,
        policies: ChargePolicy,
        snapshot: AccountSnapshot,
        segment: str,
        calendar: BusinessCalendar,
        packs: Sequence[RulePack],
        order: Order,
        *,
        is_by_payments: bool,
    ) -> None:
        self.policies = policies
        self.calendar = calendar
        self.packs = packs
        self.order = order
        self.is_by_payments = is_by_payments
        # a moratorium that becomes known later undoes no charge, as no other hold does
        self.snapshot = attrs.evolve(snapshot, holds=())
        named = {name for rule in policies.rules for name in rule.applies_to.segments}
        self.segments = tuple(dict.fromkeys((segment, "", *sorted(named))))
        self.payments = tuple(one for one in snapshot.payments if one.effective_on < one.received_on)
        self.posted = posted_charges(snapshot)
        self.waived: dict[str, int] = {}
        self.times: dict[str, int] = {}
        self.issued = {one.receivable.receivable_id: one.receivable.issued_on for one in self.posted}
        self.news: dict[date, tuple[list[Payment], list[Payment]]] = {}
        self.views: tuple[date, _View, _View | None] | None = None
        for waiver in snapshot.waivers:
            self.waived[waiver.receivable_id] = self.waived.get(waiver.receivable_id, 0) + waiver.amount.minor
            if waiver.waiver_id.startswith(REVERSAL):
                self.times[waiver.receivable_id] = self.times.get(waiver.receivable_id, 0) + 1

    # -- fees and sums ---------------------------------------------------------------------------------------

    def of_charges(self) -> Iterator[Reversal]:
        rules = {one.id for one in self.policies.rules} - {one.id for one in self.policies.interest}
        returns = {one.id for one in self.policies.returned_payments}
        for one in sorted(self.posted, key=lambda each: (each.receivable.issued_on, each.receivable.receivable_id)):
            rule, charge = unescaped(one.rule), one.receivable
            if rule not in rules or charge.parent_id is None or charge.issued_on > self.snapshot.as_of:
                continue
            right = self._right_of_return(one) if rule in returns else self._right_of(one)
            excess = 0 if right is None else charge.amount_original.minor - right - self._waived(charge)
            if right is not None and excess > 0:
                currency = charge.amount_original.currency
                text = (
                    f"charge {charge.receivable_id} of {charge.amount_original} would be {Money(right, currency)} "
                    f"with what is known now about receivable {charge.parent_id}"
                )
                text += _because([each for each in self.payments if _is_news(each, charge)])
                yield self._reversal(charge, Money(excess, currency), text)

    def _right_of(self, one: PostedCharge) -> int | None:
        """Return what a charge would be with what is known now; None where nothing that matters is new."""
        charge = one.receivable
        news, undone = self._new_since(charge)
        if self.is_by_payments and not news and not undone and not self._is_freed(one):
            return None
        if self._waived(charge) >= charge.amount_original.minor:
            return None
        now = self._view_now(one)
        right = self._judged(charge, now)
        if right >= charge.amount_original.minor:
            return None
        then = self._view_then(one, now)
        before = self._judged(charge, then)
        if not self.is_by_payments and self._is_explained(charge, then.facts, before):
            return right
        if right >= before:
            return None
        # the policy may have changed since: what the payments change by its terms of today is taken off, no more
        return 0 if right == 0 else max(right, charge.amount_original.minor - (before - right))

    def _new_since(self, charge: Receivable) -> tuple[list[Payment], list[Payment]]:
        """List the payments that were not known yet on the day of a charge, and those that were returned since."""
        day = charge.issued_on
        if day not in self.news:
            news = [each for each in self.payments if _is_news(each, charge)]
            undone = [each for each in self.snapshot.payments if self._is_undone(each, day)]
            self.news[day] = (news, undone)
        return self.news[day]

    def _view_now(self, one: PostedCharge) -> _View:
        """Return the facts of the day of a charge as they are known now; all first charges of a day share them."""
        day = one.receivable.issued_on
        if one.time > 1:
            return self._view(self._facts_for(one))
        if self.views is None or self.views[0] != day:  # the charges come by day, so one day is enough
            self.views = (day, self._view(self._facts_for(one)), None)
        return self.views[1]

    def _view_then(self, one: PostedCharge, now: _View) -> _View:
        """Return the facts of the day of a charge as they were known then."""
        if self.views is not None and self.views[1] is now and self.views[2] is not None:
            return self.views[2]
        news, undone = self._new_since(one.receivable)
        known = self._as_known(now.facts, news, one.receivable.issued_on)
        then = self._view(attrs.evolve(known, payments=(*known.payments, *undone)))
        if self.views is not None and self.views[1] is now:
            self.views = (self.views[0], now, then)
        return then

    def _view(self, facts: AccountSnapshot) -> _View:
        ledger = Ledger(facts, balance_of(facts, order=self.order), is_rejudging=True)
        return _View(facts, ledger, Law(self.packs, ledger, self.policies.party))

    def _is_explained(self, charge: Receivable, then: AccountSnapshot, before: int) -> bool:
        """Say whether a charge was made by the terms of today, or is none by any terms, so that only facts can be new.

        A due date and a credit note do not tell when they were recorded. A charge on what was not past due is wrong by
        any terms.
        """
        owed = next(one for one in then.receivables if one.receivable_id == charge.parent_id)
        return (
            before == charge.amount_original.minor
            or charge.issued_on <= owed.due_on
            or (
                bool(then.credit_notes)
                and self._judged(charge, self._view(attrs.evolve(then, credit_notes=())))
                == charge.amount_original.minor
            )
        )

    def _is_undone(self, payment: Payment, day: date) -> bool:
        """Say whether a payment counted on a day and was returned since."""
        on = payment.returned_on
        return on is not None and payment.effective_on <= day < on <= self.snapshot.as_of

    def _taken_back_since(self, day: date) -> frozenset[str]:
        """Return the ids of waivers that took a charge back on a day or later: charges before it did not know them."""
        return frozenset(
            each.waiver_id
            for each in self.snapshot.waivers
            if each.waiver_id.startswith(REVERSAL) and each.waived_on >= day
        )

    def _is_freed(self, one: PostedCharge) -> bool:
        """Say whether anything was taken back since of charges made before one: of no others does it depend."""
        day = one.receivable.issued_on
        return any(
            each.waiver_id.startswith(REVERSAL)
            and each.waived_on >= day
            and (one.time > 1 or self.issued.get(each.receivable_id, date.min) < day)
            for each in self.snapshot.waivers
        )

    def _as_known(self, facts: AccountSnapshot, news: Sequence[Payment], day: date) -> AccountSnapshot:
        """Return facts without the payments that were not known on a day, nor what was taken back since for their sake."""
        since = self._taken_back_since(day)
        return attrs.evolve(
            without_payments(facts, news), waivers=[one for one in facts.waivers if one.waiver_id not in since]
        )

    def _right_of_return(self, one: PostedCharge) -> int | None:
        """A charge for a returned payment stands while the payment is returned, whatever else is paid."""
        payments = [each for each in self.snapshot.payments if return_period(each.payment_id) == one.period]
        was_wrong = payments and all(each.returned_on is None for each in payments)
        return 0 if was_wrong else None

    def _facts_for(self, one: PostedCharge) -> AccountSnapshot:
        """Return the facts of the day of a charge as they are known now, without it and what was charged since."""
        day = one.receivable.issued_on
        before = {  # made for the same period, and taken back since, on the same day even
            each.receivable.receivable_id
            for each in self.posted
            if one.time > 1
            and (each.rule, each.period) == (one.rule, one.period)
            and each.receivable.parent_id == one.receivable.parent_id
            and each.time < one.time
        }
        earlier = tuple(
            each
            for each in self.snapshot.receivables
            if not each.is_charge or each.issued_on < day or each.receivable_id in before
        )
        names = {each.receivable_id for each in earlier}
        return attrs.evolve(
            self.snapshot,
            as_of=day,
            receivables=earlier,
            waivers=[
                attrs.evolve(each, waived_on=min(each.waived_on, day)) if each.waiver_id.startswith(REVERSAL) else each
                for each in self.snapshot.waivers
                if each.receivable_id in names
            ],
            # one that was returned since never paid anything; one returned before is the ground of a charge
            payments=[each for each in self.snapshot.payments if not self._is_undone(each, day)],
            credit_notes=[
                each
                for each in self.snapshot.credit_notes
                if each.cancelled_on is None or each.cancelled_on > self.snapshot.as_of
            ],
        )

    def _judged(self, charge: Receivable, view: _View) -> int:
        """Return the most that any segment's terms give for a charge on its day."""
        ledger = view.ledger_for(charge)
        found = []
        for segment in self.segments:
            look = Look(ledger, view.law, segment, self.calendar, only=charge.charge_key)
            look_at_fees(look, self.policies)
            look_at_sums(look, self.policies)
            found += [one.amount.minor for one in look.charges]
        return max(found, default=0)

    # -- interest --------------------------------------------------------------------------------------------

    def of_interest(self) -> Iterator[Reversal]:
        """Compare the interest posted on each receivable with what it is to the same day; the latest gives way first."""
        for receivable in self.snapshot.receivables:
            for rule in dict.fromkeys(policy.id for policy in self.policies.interest):
                mine = [
                    one
                    for one in self.posted
                    if one.rule == escaped(rule)
                    and one.receivable.parent_id == receivable.receivable_id
                    and ".." in one.period
                ]
                if mine:
                    yield from self._of_postings(rule, receivable, mine)

    def _of_postings(self, rule: str, receivable: Receivable, posted: list[PostedCharge]) -> Iterator[Reversal]:
        unaware = [one for one in posted if self._news_of(one) or self._taken_back_since(one.receivable.issued_on)]
        if self.is_by_payments and not unaware:
            return
        news = list({each.payment_id: each for one in unaware for each in self._news_of(one)}.values())
        excess = self._excess(rule, receivable, posted)
        if self.is_by_payments and excess > 0:
            last_on = max(_end_of(one) for one in unaware)
            posted = [one for one in posted if _end_of(one) <= last_on]
            excess = min(excess, self._excess(rule, receivable, posted))
        if excess <= 0:
            return
        until = max(_end_of(one) for one in posted)
        for one in sorted(posted, key=lambda each: each.period, reverse=True):
            part = min(excess, one.receivable.amount_original.minor - self._waived(one.receivable))
            if part <= 0:
                continue
            excess -= part
            amount = Money(part, receivable.amount_original.currency)
            text = (
                f"interest on receivable {receivable.receivable_id} until {until} is {amount} less "
                f"with what is known now than was posted{_because(news)}"
            )
            yield self._reversal(one.receivable, amount, text)

    def _news_of(self, one: PostedCharge) -> list[Payment]:
        """Return the payments that count from before the end of a posting that did not know them."""
        return [each for each in self.payments if _is_news(each, one.receivable) and each.effective_on < _end_of(one)]

    def _excess(self, rule: str, receivable: Receivable, posted: list[PostedCharge]) -> int:
        """Return by how much postings are above the interest until their end, at the rates they were posted at.

        They are compared with what a segment's terms give on the facts that were known when the last of them was made.
        Where the two agree, these terms tell what is right now. Where not, the terms have changed, and what was posted
        is put right in the proportion of the facts alone.
        """
        until = max(_end_of(one) for one in posted)
        now = self._accrued(self.snapshot, rule, receivable, until)
        if not now:
            return 0
        charges = [one.receivable for one in posted]
        names = {one.receivable_id for one in charges}
        back = [
            (one.receivable_id, one.waived_on, one.amount.minor)
            for one in self.snapshot.waivers
            if one.receivable_id in names and one.waiver_id.startswith(REVERSAL)
        ]
        day = max(one.issued_on for one in charges)
        known = [known_on(self.snapshot, day, is_over=is_over) for is_over in (True, False)]
        ways = [self._accrued(facts, rule, receivable, until) for facts in [*known, *self._guessed(receivable, posted)]]
        sums = posted_sums(charges, back)
        agreed = [now[segment] for segment in now if any(way.get(segment) in sums for way in ways)]
        if agreed:
            right = max(agreed)
        else:
            most = max(now, key=lambda segment: now[segment])
            right = at_posted_rates(charges, back, [way.get(most) for way in ways[:2]], now[most])
        return sum(one.amount_original.minor - self._waived(one) for one in charges) - right

    def _guessed(self, receivable: Receivable, posted: list[PostedCharge]) -> Iterator[AccountSnapshot]:
        """Yield facts that may have been known of a posting: with another due date, or without credit notes of before.

        A due date and a credit note do not tell when they were recorded, so this is for those who ask about all facts.
        """
        if self.is_by_payments:
            return
        first = min(posted, key=lambda one: one.period)
        facts = known_on(self.snapshot, first.receivable.issued_on)
        yield attrs.evolve(facts, credit_notes=())
        began_on = date.fromisoformat(first.period.partition("..")[0])
        other = attrs.evolve(receivable, due_on=max(receivable.issued_on, after(began_on, -1)))
        yield attrs.evolve(facts, receivables=[other if one == receivable else one for one in facts.receivables])

    def _accrued(self, facts: AccountSnapshot, rule: str, receivable: Receivable, until: date) -> dict[str, int]:
        """Return the interest until a day by each segment's terms; nothing at all where one cannot tell."""
        receivable = next(one for one in facts.receivables if one.receivable_id == receivable.receivable_id)
        ledger = Ledger(facts, balance_of(facts, order=self.order))
        look = Look(ledger, Law(self.packs, ledger, self.policies.party), "", self.calendar)
        found: dict[str, int] = {}
        for segment in self.segments:
            for policy in self.policies.interest_for(receivable, segment=segment):
                if policy.id == rule:
                    accrued = accrued_to(look, policy, receivable, until)
                    if isinstance(accrued, Reason):
                        return {}
                    found[segment] = accrued.amount.minor
        return found

    # -- what is found ---------------------------------------------------------------------------------------

    def _waived(self, charge: Receivable) -> int:
        return self.waived.get(charge.receivable_id, 0)

    def _reversal(self, charge: Receivable, amount: Money, text: str) -> Reversal:
        """Propose to take back a part, and count it as taken back for the charges that are judged after it."""
        name = charge.receivable_id
        self.times[name] = self.times.get(name, 0) + 1
        found = Reversal(
            receivable_id=name,
            charge_key=charge.charge_key or "",
            amount=amount,
            reasons=[Reason(code="policy.reversal", text=text)],
            key=semantic_key("reversal", self.snapshot.account.account_id, name, self.times[name]),
        )
        waiver = found.as_waiver(on=self.snapshot.as_of, authority="policy")
        self.waived[name] = self._waived(charge) + amount.minor
        self.snapshot = attrs.evolve(self.snapshot, waivers=(*self.snapshot.waivers, waiver))
        if self.views is not None and self.views[0] > charge.issued_on:  # facts of its own day do not hold it yet
            self.views = None
        return found


class _View:
    """The facts of one day with their ledger, read once for every charge of the day."""

    def __init__(self, facts: AccountSnapshot, ledger: Ledger, law: Law) -> None:
        self.facts = facts
        self.ledger = ledger
        self.law = law

    def ledger_for(self, charge: Receivable) -> Ledger:
        """Return a ledger that goes through what a charge is on alone; through everything where its key names another."""
        kind = (charge.charge_key or "").partition(":")[0]
        head = semantic_key(kind, self.ledger.account_id, charge.parent_id or "")
        if not (charge.charge_key or "").startswith(f"{head}:"):
            return self.ledger
        return _Part(self._whole, self._items.get(charge.parent_id or ""))

    @cached_property
    def _items(self) -> dict[str, Item]:
        return {item.receivable.receivable_id: item for item in self.ledger.balance.items}

    @cached_property
    def _whole(self) -> Ledger:
        """The ledger with all that it works out on first asking worked out, so that its parts share it."""
        for name, value in vars(Ledger).items():
            if isinstance(value, cached_property):
                getattr(self.ledger, name)
        return self.ledger


class _Part(Ledger):
    """A ledger in which one receivable alone is gone through; everything else is known of the others."""

    def __init__(self, whole: Ledger, item: Item | None) -> None:
        vars(self).update(vars(whole))
        self.balance = attrs.evolve(whole.balance, items=() if item is None else (item,))
        self.coming = ()


def _has_news(snapshot: AccountSnapshot) -> bool:
    """Say whether there is anything for which a charge could be wrong by payments: late, returned, or taken back."""
    return any(one.charge_key is not None for one in snapshot.receivables) and (
        any(one.effective_on < one.received_on or one.returned_on is not None for one in snapshot.payments)
        or any(one.waiver_id.startswith(REVERSAL) for one in snapshot.waivers)
    )


def _is_news(payment: Payment, charge: Receivable) -> bool:
    """Say whether a payment that counts from before a charge was not known yet when the charge was made."""
    on = charge.issued_on
    return payment.effective_on <= on <= payment.received_on and payment.effective_on < payment.received_on


def _because(news: Sequence[Payment]) -> str:
    """Name the payments that were not known when a charge was made, three at most."""
    told = [f"{one.payment_id} came in on {one.received_on} and counts from {one.effective_on}" for one in news[:3]]
    return f"; payment {', '.join(told)}" if told else ""


def _end_of(posted: PostedCharge) -> date:
    """Return the first day that a posting of interest no longer covers."""
    return date.fromisoformat(posted.period.partition("..")[2])
