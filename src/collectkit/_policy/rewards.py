"""What an account has earned by paying early or on time: rewards in money, and entitlements that the host honours.

A reward is a proposal under a semantic key: posted as a credit note of that id it is never proposed again, and an
entitlement not once its key was issued. Each says what it costs the creditor and what it is worth to the debtor a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby

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
from collectkit.core.records import AccountSnapshot, Receivable, Waiver
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

    - A discount is of the receivable as corrected: a credit note that names it, or a waiver, makes it smaller.
    - What is stacked with "all" is earned together: by paying all but everything that is taken off, so that the payment
      and the credits settle the receivable exactly, unless the policy's `rate_max` cuts the credits.
    - All rebates of a charge stay within what is left of it after waivers and reversals.

    Raises:
        InvalidRecord: `policy.balance` where `balance` is of another account or day than `snapshot`.
    """
    if balance.account_id != snapshot.account.account_id or balance.as_of != snapshot.as_of:
        raise InvalidRecord("policy.balance", "the balance is of another account or day; use balance_of(snapshot)")
    ledger = Ledger(snapshot, balance)
    posted = {one.credit_note_id: one.amount.minor for one in snapshot.credit_notes}
    found = _in_all(policy, ledger, segment, posted)
    due = _stacked(policy, found, ledger, posted)
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
    return (item for item in ledger.balance.items if _is_for(to, item, segment))


def _is_for(to: AppliesTo, item: Item, segment: str) -> bool:
    one = item.receivable
    return not one.is_charge and to.matches(segment=segment, kind=one.kind, currency=one.amount_original.currency)


def _gain(grant: Grant | None, earned: Money) -> Money | None:
    return earned if grant is None else grant.cost(earned, earned.currency)


def _in_all(policy: IncentivePolicy, ledger: Ledger, segment: str, posted: Mapping[str, int]) -> list[_Earned]:
    """List what was earned, posted or not, in the order in which the incentives are applied."""
    prompt = [one for one in policy.incentives if isinstance(one, PromptPaymentDiscount)]
    together = [prompt] if policy.stacking == "all" else [[one] for one in prompt]
    discounts = [one for group in together for one in _discounts(group, ledger, segment)]
    rebated: dict[str, int] = {}
    found: list[_Earned] = []
    for incentive in policy.incentives:
        if isinstance(incentive, PromptPaymentDiscount):
            found += [one for one in discounts if one.rule == incentive.id]
        elif isinstance(incentive, AdvanceRebate):
            rebates = list(_rebates(incentive, ledger, segment, posted, rebated))
            found += rebates
            if policy.stacking == "all":
                for one in rebates:
                    taken = posted.get(one.key, one.worth) if one.is_money else 0
                    rebated[one.receivable_id] = rebated.get(one.receivable_id, 0) + taken
        else:
            found += _bonuses(incentive, ledger, segment)
    return found


def _discounts(group: Sequence[PromptPaymentDiscount], ledger: Ledger, segment: str) -> Iterator[_Earned]:
    """Yield the discounts of a group that were earned together, receivable by receivable."""
    for item in ledger.balance.items:
        fitting = [one for one in group if _is_for(one.applies_to, item, segment)]
        if fitting:
            yield from _discounts_on(item.receivable, fitting, ledger)


def _discounts_on(receivable: Receivable, group: Sequence[PromptPaymentDiscount], ledger: Ledger) -> list[_Earned]:
    """Return the discounts of the first day on which all but them was paid; rewards of the receivable do not count.

    A correction makes the receivable smaller from its day on, and a payment that was made in time before it may turn
    out to have been enough. Where something is granted in place of a discount nothing is taken off.
    """
    amount, paid = receivable.amount_original, 0
    payments: list[tuple[date, int]] = []
    for on, parts in groupby(ledger.receipts(receivable.receivable_id), key=lambda part: part[0]):
        for _, minor, source_id in parts:
            if _is_reward_of(receivable, source_id, ledger):
                continue
            if _is_correction(receivable, source_id, ledger):
                amount = Money(amount.minor - minor, amount.currency)
                continue
            paid += minor
            payments = [*(one for one in payments if one[0] < on), (on, paid)]
        for paid_on, sum_ in payments:
            taken_off, found = _all_on(receivable, amount, group, ledger, paid_on=paid_on, earned_on=on)
            if found and sum_ >= amount.minor - taken_off:
                return found
    return []


def _all_on(
    receivable: Receivable,
    amount: Money,
    group: Sequence[PromptPaymentDiscount],
    ledger: Ledger,
    *,
    paid_on: date,
    earned_on: date,
) -> tuple[int, list[_Earned]]:
    """Return what is taken off for a payment of a day, and every discount, each on what the ones before it left."""
    left, found = amount, []
    days = (paid_on - receivable.issued_on).days
    for terms in group:
        discount = terms.discount(left, issued_on=receivable.issued_on, paid_on=paid_on)
        if not discount.is_positive:
            continue
        off = f"{discount} off {left}" if terms.grant is None else f"{terms.grant.what}, earned"
        text = f"{off} for payment on {paid_on}, {days} days after the invoice"
        found.append(
            _Earned(
                key=semantic_key("discount", ledger.account_id, receivable.receivable_id, terms.id, 1),
                rule=terms.id,
                receivable_id=receivable.receivable_id,
                gain=_gain(terms.grant, discount),
                paid=left,
                days=(receivable.due_on - paid_on).days,
                earned_on=earned_on,
                grant=terms.grant,
                reason=Reason(code="policy.prompt_payment", text=text, cite=terms.cite),
            )
        )
        left = left - discount if terms.grant is None else left
    return amount.minor - left.minor, found


def _is_reward_of(receivable: Receivable, source_id: str, ledger: Ledger) -> bool:
    """Say whether a credit note was posted as a reward of the receivable itself."""
    kinds = ("discount", "rebate", "bonus")
    return source_id not in ledger.payment_ids and any(
        source_id.startswith(semantic_key(kind, ledger.account_id, receivable.receivable_id, "")) for kind in kinds
    )


def _is_correction(receivable: Receivable, source_id: str, ledger: Ledger) -> bool:
    """Say whether a credit note or waiver makes the receivable smaller, and is no money that came from elsewhere."""
    if source_id in ledger.payment_ids:
        return False
    return any(
        receivable.receivable_id in one.receivable_ids
        for one in ledger.snapshot.credit_notes
        if one.credit_note_id == source_id
    ) or any(one.waiver_id == source_id for one in ledger.snapshot.waivers)


def _rebates(
    terms: AdvanceRebate, ledger: Ledger, segment: str, posted: Mapping[str, int], rebated: Mapping[str, int]
) -> Iterator[_Earned]:
    """Yield for each early payment a part of each charge, until `rate_max` of it is given back.

    The part is of what is left of the charge after waivers, reversals and what other rebates have `rebated`.
    """
    early: dict[str, tuple[date, Item, int]] = {}
    for item in _principal(ledger, terms.applies_to, segment):
        for on, minor, source_id in ledger.receipts(item.receivable.receivable_id):
            if (item.receivable.due_on - on).days >= terms.days_early and source_id in ledger.payment_ids:
                early.setdefault(source_id, (on, item, minor))
    for item in ledger.balance.items:
        charge = item.receivable
        if not charge.is_charge or charge.component not in terms.components:
            continue
        currency = charge.amount_original.currency
        of = Money(max(0, _left_of(charge, ledger) - rebated.get(charge.receivable_id, 0)), currency)
        keyed = [
            (semantic_key("rebate", ledger.account_id, charge.receivable_id, terms.id, source_id), *one)
            for source_id, one in sorted(early.items(), key=lambda one: (one[1][0], one[0]))
            if one[0] >= charge.issued_on
        ]
        given = Money(sum(posted.get(key, 0) for key, *_ in keyed), currency)
        for key, on, paid_item, minor in keyed:
            part = Money(posted[key], currency) if key in posted else terms.rebate(of, given=given)
            if not part.is_positive:
                break
            given += Money.zero(currency) if key in posted else part
            receivable = paid_item.receivable
            days = (receivable.due_on - on).days
            share = f"{Rate(terms.rate)} of charge {charge.receivable_id}"
            text = f"{share} for the payment of {on}, {days} days before receivable {receivable.receivable_id} was due"
            yield _Earned(
                key=key,
                rule=terms.id,
                receivable_id=charge.receivable_id,
                gain=_gain(terms.grant, part),
                paid=Money(minor, receivable.amount_original.currency),
                days=days,
                earned_on=on,
                grant=terms.grant,
                reason=Reason(code="policy.advance_rebate", text=text, cite=terms.cite),
            )


def _left_of(receivable: Receivable, ledger: Ledger) -> int:
    """Return the minor units of a receivable that were neither waived nor taken back as wrong; of money, its amount."""
    if not receivable.is_charge:
        return receivable.amount_original.minor
    original = ledger.receivables[receivable.receivable_id].amount_original.minor
    return max(0, original - sum(one.amount.minor for one in _dropped(receivable.receivable_id, ledger)))


def _dropped(receivable_id: str, ledger: Ledger) -> Iterator[Waiver]:
    return (
        one for one in ledger.snapshot.waivers if one.receivable_id == receivable_id and one.waived_on <= ledger.as_of
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


def _stacked(
    policy: IncentivePolicy, found: Iterable[_Earned], ledger: Ledger, posted: Mapping[str, int]
) -> list[_Earned]:
    """Apply the stacking order and the limit to what was earned on each receivable, after what was given on it before."""
    by_receivable: dict[str, list[_Earned]] = {}
    for one in found:
        by_receivable.setdefault(one.receivable_id, []).append(one)
    result = []
    for name, earned in by_receivable.items():
        done = [one for one in earned if one.key in posted or one.key in ledger.snapshot.issued_keys]
        kept = earned
        if policy.stacking != "all":
            chosen = done[0].rule if done else _chosen(policy, earned)
            kept = [one for one in earned if one.rule == chosen]
        receivable = ledger.receivables[name]
        currency = receivable.amount_original.currency
        room = rounded(_left_of(receivable, ledger) * policy.rate_max, "floor")
        room -= sum(posted.get(one.key, one.worth) for one in done if one.is_money)
        for one in kept:
            if one in done:
                continue
            if not one.is_money:
                result.append(one)
                continue
            amount = max(0, min(one.worth, room))
            room -= amount
            if amount > 0:
                result.append(attrs.evolve(one, gain=Money(amount, currency)))
    return result


def _chosen(policy: IncentivePolicy, earned: Sequence[_Earned]) -> str:
    """Return the rule that alone is given: the first that was earned, of one day by their order, or the one worth most."""
    if policy.stacking == "first":
        return min(earned, key=lambda one: one.earned_on).rule  # the day, so that a late look gives no other one
    rules = {one.rule: sum(other.worth for other in earned if other.rule == one.rule) for one in earned}
    return max(rules, key=lambda rule: rules[rule])
