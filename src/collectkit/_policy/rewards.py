"""What an account has earned by paying early or on time: rewards in money, and entitlements that the host honours.

A reward is a proposal under a semantic key: posted as a credit note of that id it is never proposed again, and an
entitlement not once its key was issued. Each says what it costs the creditor and what it is worth to the debtor a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction

import attrs

from collectkit._policy.incentives import (
    AdvanceRebate,
    Grant,
    GrantKind,
    IncentivePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    yield_on,
)
from collectkit._policy.ledger import Ledger
from collectkit._policy.look import after
from collectkit._policy.terms import AppliesTo
from collectkit.core.checks import as_tuple, each
from collectkit.core.decisions import Reason
from collectkit.core.errors import InvalidRecord
from collectkit.core.events import semantic_key
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.records import AccountSnapshot
from collectkit.core.waterfall import Balance, Item

__all__ = ["Entitlement", "Reward", "RewardsDue", "rewards_due"]


@attrs.frozen(kw_only=True)
class Entitlement:
    """A non-cash reward that the host honours: what, until the end of which day, under which key.

    `amount` is the credit on a next purchase, or what another grant is worth; None where nobody said. The yield is
    simple, on 365 days, and None where it cannot be stated.
    """

    key: str
    rule: str
    kind: GrantKind = "other"
    what: str
    receivable_id: str = ""
    granted_on: date
    valid_until_on: date
    amount: Money | None = None
    annualised_yield: Fraction | None = None
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))

    @property
    def cost(self) -> Money | None:
        """Return what the creditor gives up, None where nobody said what it is worth."""
        return self.amount

    def is_valid(self, on: date) -> bool:
        """Say whether the host honours it on a day: from the day it was granted to the end of its last."""
        return self.granted_on <= on <= self.valid_until_on


@attrs.frozen(kw_only=True)
class Reward:
    """Money earned: post it as a credit note whose id is `key`, for `receivable_id`.

    `cost` is what the creditor gives up, `annualised_yield` what the debtor gains a year: simple, on 365 days, zero
    where no days were gained, None where it cannot be stated.
    """

    key: str
    rule: str
    receivable_id: str
    amount: Money
    earned_on: date
    annualised_yield: Fraction | None = None
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))

    @property
    def cost(self) -> Money:
        """Return what the creditor gives up."""
        return self.amount


@attrs.frozen(kw_only=True)
class RewardsDue:
    """What was earned and is not posted yet."""

    rewards: tuple[Reward, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reward))
    entitlements: tuple[Entitlement, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Entitlement))

    @property
    def cost(self) -> dict[str, Money]:
        """Return what everything costs the creditor, by currency; grants that nobody gave a worth are left out."""
        found: dict[str, Money] = {}
        costs = [one.cost for one in self.rewards] + [one.cost for one in self.entitlements if one.cost is not None]
        for cost in costs:
            found[cost.currency] = found.get(cost.currency, Money.zero(cost.currency)) + cost
        return dict(sorted(found.items()))


def rewards_due(
    *, policy: IncentivePolicy, snapshot: AccountSnapshot, balance: Balance, segment: str = ""
) -> RewardsDue:
    """Find the discounts, rebates and bonuses that were earned by `snapshot.as_of` and are not posted.

    A reward is posted when a credit note carries its key as its id, an entitlement when `snapshot.issued_keys` holds
    its key. A payment that was returned earned nothing: take back what was posted for it.

    Raises:
        InvalidRecord: `policy.balance` where `balance` is of another account or day than `snapshot`.
    """
    if balance.account_id != snapshot.account.account_id or balance.as_of != snapshot.as_of:
        raise InvalidRecord("policy.balance", "the balance is of another account or day; use balance_of(snapshot)")
    ledger = Ledger(snapshot, balance)
    found: list[_Earned] = []
    for incentive in policy.incentives:
        if isinstance(incentive, PromptPaymentDiscount):
            found += _discounts(incentive, ledger, segment)
        elif isinstance(incentive, AdvanceRebate):
            found += _rebates(incentive, ledger, segment)
        else:
            found += _bonuses(incentive, ledger, segment)
    posted = {one.credit_note_id for one in snapshot.credit_notes} | snapshot.issued_keys
    due = [one for one in _stacked(policy, found, ledger) if one.key not in posted]
    return RewardsDue(
        rewards=[one.reward() for one in due if one.grant is None],
        entitlements=[one.entitlement(one.grant) for one in due if one.grant is not None],
    )


# -- details ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Earned:
    """Something earned: `gain` in money or worth, for the payment `paid` that came `days` sooner."""

    key: str
    rule: str
    receivable_id: str
    gain: Money | None
    paid: Money
    days: int
    earned_on: date
    grant: Grant | None
    reason: Reason

    @property
    def is_money(self) -> bool:
        return self.grant is None or self.grant.kind == "purchase_credit"

    @property
    def worth(self) -> int:
        return 0 if self.gain is None else self.gain.minor

    @property
    def yearly(self) -> Fraction | None:
        return None if self.gain is None else yield_on(self.gain, paid=self.paid, days_sooner=self.days)

    def reward(self) -> Reward:
        return Reward(
            key=self.key,
            rule=self.rule,
            receivable_id=self.receivable_id,
            amount=Money.zero(self.paid.currency) if self.gain is None else self.gain,
            earned_on=self.earned_on,
            annualised_yield=self.yearly,
            reasons=[self.reason],
        )

    def entitlement(self, grant: Grant) -> Entitlement:
        return Entitlement(
            key=self.key,
            rule=self.rule,
            kind=grant.kind,
            what=grant.what,
            receivable_id=self.receivable_id,
            granted_on=self.earned_on,
            valid_until_on=after(self.earned_on, grant.valid_days),
            amount=self.gain,
            annualised_yield=self.yearly,
            reasons=[self.reason],
        )


def _principal(ledger: Ledger, to: AppliesTo, segment: str) -> Iterator[Item]:
    for item in ledger.balance.items:
        one = item.receivable
        if not one.is_charge and to.matches(segment=segment, kind=one.kind, currency=one.amount_original.currency):
            yield item


def _gain(grant: Grant | None, earned: Money) -> Money | None:
    return earned if grant is None else grant.cost(earned, earned.currency)


def _discounts(terms: PromptPaymentDiscount, ledger: Ledger, segment: str) -> Iterator[_Earned]:
    """Yield a discount where all but the discount was paid by a day that earns it; earlier rewards do not count.

    Where something is granted in its place, nothing is taken off, so the whole must be paid.
    """
    posted = {one.credit_note_id for one in ledger.snapshot.credit_notes}
    for item in _principal(ledger, terms.applies_to, segment):
        receivable = item.receivable
        amount = receivable.amount_original
        paid = 0
        for on, minor, source_id in ledger.receipts(receivable.receivable_id):
            if source_id in posted:
                continue
            paid += minor
            discount = terms.discount(amount, issued_on=receivable.issued_on, paid_on=on)
            taken_off = discount.minor if terms.grant is None else 0
            if not discount.is_positive or paid < amount.minor - taken_off:
                continue
            days = (on - receivable.issued_on).days
            off = f"{discount} off {amount}" if terms.grant is None else f"{terms.grant.what}, earned"
            text = f"{off} for payment on {on}, {days} days after the invoice"
            yield _Earned(
                key=semantic_key("discount", ledger.account_id, receivable.receivable_id, terms.id, 1),
                rule=terms.id,
                receivable_id=receivable.receivable_id,
                gain=_gain(terms.grant, discount),
                paid=amount,
                days=(receivable.due_on - on).days,
                earned_on=on,
                grant=terms.grant,
                reason=Reason(code="policy.prompt_payment", text=text, cite=terms.cite),
            )
            break


def _rebates(terms: AdvanceRebate, ledger: Ledger, segment: str) -> Iterator[_Earned]:
    """Yield for each early payment a part of each charge, until `rate_max` of it is given back."""
    early: dict[str, tuple[date, Item, int]] = {}
    for item in _principal(ledger, terms.applies_to, segment):
        for on, minor, source_id in ledger.receipts(item.receivable.receivable_id):
            if (item.receivable.due_on - on).days >= terms.days_early and source_id in ledger.payment_ids:
                early.setdefault(source_id, (on, item, minor))
    for item in ledger.balance.items:
        charge = item.receivable
        if not charge.is_charge or charge.component not in terms.components:
            continue
        given = Money.zero(charge.amount_original.currency)
        for source_id, (on, paid_item, minor) in sorted(early.items(), key=lambda one: (one[1][0], one[0])):
            if on < charge.issued_on:
                continue
            part = terms.rebate(charge.amount_original, given=given)
            if not part.is_positive:
                break
            given += part
            receivable = paid_item.receivable
            days = (receivable.due_on - on).days
            share = f"{Rate(terms.rate)} of charge {charge.receivable_id}"
            text = f"{share} for the payment of {on}, {days} days before receivable {receivable.receivable_id} was due"
            yield _Earned(
                key=semantic_key("rebate", ledger.account_id, charge.receivable_id, terms.id, source_id),
                rule=terms.id,
                receivable_id=charge.receivable_id,
                gain=_gain(terms.grant, part),
                paid=Money(minor, receivable.amount_original.currency),
                days=days,
                earned_on=on,
                grant=terms.grant,
                reason=Reason(code="policy.advance_rebate", text=text, cite=terms.cite),
            )


def _bonuses(terms: PunctualityBonus, ledger: Ledger, segment: str) -> Iterator[_Earned]:
    """Count receivables in order of due date; a late or unpaid one that is due breaks the run."""
    run: list[tuple[Item, date]] = []
    items = sorted(
        _principal(ledger, terms.applies_to, segment),
        key=lambda one: (one.receivable.due_on, one.receivable.issued_on, one.receivable.receivable_id),
    )
    for item in items:
        receivable = item.receivable
        if item.settled_on is None and receivable.due_on >= ledger.as_of:
            break  # not due yet, so the run is still open
        if item.settled_on is None or item.settled_on > receivable.due_on:
            run = []
            continue
        run.append((item, item.settled_on))
        if len(run) < terms.streak:
            continue
        currency = receivable.amount_original.currency
        gain = terms.cost(currency)
        if terms.grant is not None or (gain is not None and gain.is_positive):
            sums = [one.receivable.amount_original for one, _ in run]
            issued_on = min(one.receivable.issued_on for one, _ in run)
            text = f"{terms.streak} receivables in a row were settled on time, the last on {item.settled_on}"
            yield _Earned(
                key=semantic_key("bonus", ledger.account_id, receivable.receivable_id, terms.id, terms.streak),
                rule=terms.id,
                receivable_id=receivable.receivable_id,
                gain=gain,
                # of the bonus's own currency alone: nothing is converted
                paid=Money(sum(one.minor for one in sums if one.currency == currency), currency),
                days=(max(settled_on for _, settled_on in run) - issued_on).days,
                earned_on=item.settled_on,
                grant=terms.grant,
                reason=Reason(code="policy.punctuality", text=text, cite=terms.cite),
            )
        run = []


def _stacked(policy: IncentivePolicy, found: Iterable[_Earned], ledger: Ledger) -> list[_Earned]:
    """Apply the stacking order and the limit to what was earned on each receivable."""
    by_receivable: dict[str, list[_Earned]] = {}
    for one in found:
        by_receivable.setdefault(one.receivable_id, []).append(one)
    result = []
    for name, earned in by_receivable.items():
        kept = earned
        if policy.stacking == "first":
            kept = [one for one in earned if one.rule == earned[0].rule]
        elif policy.stacking == "best":
            rules = {one.rule: sum(other.worth for other in earned if other.rule == one.rule) for one in earned}
            best = max(rules, key=lambda rule: rules[rule])
            kept = [one for one in earned if one.rule == best]
        original = ledger.receivables[name].amount_original
        room = rounded(original.minor * policy.rate_max, "floor")
        for one in kept:
            if not one.is_money:
                result.append(one)
                continue
            amount = min(one.worth, room)
            room -= amount
            if amount > 0:
                result.append(attrs.evolve(one, gain=Money(amount, original.currency)))
    return result
