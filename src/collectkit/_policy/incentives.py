"""What is given for paying early or on time, with its cost in money and as a yearly yield.

A reward is a proposal under a semantic key: posted as a credit note of that id it is never proposed again. The day on
which a discount ends is its last day, to its end; a late fee begins after the due date, so the two never meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import attrs

from collectkit._policy.ledger import Ledger
from collectkit._policy.look import after
from collectkit._policy.terms import (
    EVERYTHING,
    AppliesTo,
    amount_in,
    amounts_of,
    check_amounts,
    check_choice,
    check_id,
    check_whole,
)
from collectkit.core.checks import as_tuple, each, instance_of, plain_date
from collectkit.core.decisions import Reason
from collectkit.core.errors import InvalidRecord
from collectkit.core.events import semantic_key
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import Rate, exact_number
from collectkit.core.reading import Problems
from collectkit.core.records import AccountSnapshot, Component, Receivable
from collectkit.core.waterfall import Balance, Item

__all__ = [
    "AdvanceRebate",
    "DiscountStep",
    "Entitlement",
    "Incentive",
    "IncentivePolicy",
    "PromptPaymentDiscount",
    "PunctualityBonus",
    "Reward",
    "RewardsDue",
    "SettlementDiscount",
    "rewards_due",
]

DAYS_IN_YEAR = 365  # of a yield, as the trade states it


def _share(value: object) -> Fraction:
    return exact_number(value, "the rate of a discount")


@attrs.frozen(kw_only=True)
class DiscountStep:
    """Up to `days` days after the invoice the discount is `rate` of the amount."""

    days: int
    rate: Fraction = attrs.field(converter=_share)


@attrs.frozen(kw_only=True)
class PromptPaymentDiscount:
    """Less for paying early: "2/10 net 30" is `rate` 0.02 within `discount_days` 10, else all within `net_days` 30.

    Further `steps` make it a sliding scale: less discount for later days. The last day counts to its end. Only the
    payment of everything but the discount earns it.

    >>> terms = PromptPaymentDiscount(id="2/10 net 30", rate="0.02", discount_days=10, net_days=30)
    >>> round(terms.annualised_yield() * 100, 1)
    Fraction(186, 5)

    Raises:
        InvalidPolicy: `policy.invalid`, with every problem.
    """

    id: str
    rate: Fraction = attrs.field(converter=_share)
    discount_days: int
    net_days: int
    steps: tuple[DiscountStep, ...] = attrs.field(default=(), converter=as_tuple, validator=each(DiscountStep))
    rounding: Rounding = "half_even"
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        check_whole("net_days", self.net_days, problems, at_least=0, at_most=3650)
        every = self.scale
        for number, step in enumerate(every):
            path = "rate" if number == 0 else f"steps[{number - 1}].rate"
            check_whole(
                "discount_days" if number == 0 else f"steps[{number - 1}].days", step.days, problems, at_least=0
            )
            if not 0 < step.rate < 1:
                problems.note(path, 'must lie between 0 and 1; "0.02" is 2 %', value=step.rate)
        for earlier, later in pairwise(every):
            if later.days <= earlier.days:
                problems.note("steps", "days must ascend, one rate for a day", reason="overlap", value=later.days)
            if later.rate >= earlier.rate:
                problems.note("steps", "a later day must earn less", value=later.rate)
        if type(self.net_days) is int and every[-1].days > self.net_days:
            problems.note("net_days", "the discount must end on or before the due date", value=self.net_days)
        problems.raise_if_any()

    @property
    def scale(self) -> tuple[DiscountStep, ...]:
        """Return all steps, the first discount included."""
        return (DiscountStep(days=self.discount_days, rate=self.rate), *self.steps)

    def last_on(self, issued_on: date) -> date:
        """Return the last day on which any discount can be earned."""
        return after(issued_on, self.scale[-1].days)

    def discount(self, amount: Money, *, issued_on: date, paid_on: date) -> Money:
        """Return the discount that a payment on a day earns; zero after the last day.

        >>> terms = PromptPaymentDiscount(id="2/10 net 30", rate="0.02", discount_days=10, net_days=30)
        >>> invoice = Money(100_000, "EUR")
        >>> str(terms.discount(invoice, issued_on=date(2026, 3, 1), paid_on=date(2026, 3, 11)))
        '20.00 EUR'
        >>> str(terms.discount(invoice, issued_on=date(2026, 3, 1), paid_on=date(2026, 3, 12)))
        '0.00 EUR'
        """
        days = (paid_on - issued_on).days
        rate = next((step.rate for step in self.scale if days <= step.days), Fraction(0))
        return Money(rounded(amount.minor * rate, self.rounding), amount.currency)

    def annualised_yield(self) -> Fraction:
        """Return what the debtor earns a year by paying on the last discount day and not on the due date.

        Simple, on 365 days: rate / (1 - rate) * 365 / (net days - discount days). Zero days apart give zero.
        """
        gained = self.net_days - self.discount_days
        return _yield(self.rate, gained)

    def describe(self) -> str:
        """Say the terms in plain words."""
        parts = [f"{_percent(step.rate)} less if paid within {step.days} days of the invoice" for step in self.scale]
        yearly = round(self.annualised_yield() * 100)
        return f"{self.id}: {', '.join(parts)}, in full within {self.net_days} days (worth about {yearly} % a year)."


@attrs.frozen(kw_only=True)
class AdvanceRebate:
    """Part of a charge given back for each payment made at least `days_early` days before its due date, once each.

    All rebates of a charge together never pass `rate_max` of it.
    """

    id: str
    rate: Fraction = attrs.field(converter=_share)
    days_early: int = 1
    rate_max: Fraction = attrs.field(default=Fraction(1), converter=_share)
    components: tuple[Component, ...] = attrs.field(
        default=(Component.FEE,), converter=as_tuple, validator=each(Component)
    )
    rounding: Rounding = "half_even"
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        check_whole("days_early", self.days_early, problems, at_least=0, at_most=3650)
        if not 0 < self.rate <= 1:
            problems.note("rate", "must lie above 0, at most 1", value=self.rate)
        if not self.rate <= self.rate_max <= 1:
            problems.note("rate_max", "must lie from the rate to 1", value=self.rate_max)
        problems.raise_if_any()

    def describe(self) -> str:
        """Say the terms in plain words."""
        return (
            f"{self.id}: {_percent(self.rate)} of a charge is given back for each payment made at least "
            f"{self.days_early} day{'' if self.days_early == 1 else 's'} early, at most {_percent(self.rate_max)} of it."
        )


@attrs.frozen(kw_only=True)
class PunctualityBonus:
    """A bonus for every `streak` receivables in a row that were settled by their due dates: money, or an entitlement."""

    id: str
    streak: int
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    entitlement: str = ""
    valid_days: int = 365
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_whole("streak", self.streak, problems, at_least=1, at_most=1000)
        check_whole("valid_days", self.valid_days, problems, at_least=1, at_most=3650)
        check_amounts("amounts", self.amounts, problems)
        if bool(self.amounts) == bool(self.entitlement):
            problems.note("amounts", "give either amounts or an entitlement", reason="missing")
        problems.raise_if_any()

    def describe(self) -> str:
        """Say the terms in plain words."""
        what = self.entitlement or " or ".join(str(one) for one in self.amounts)
        return f"{self.id}: {what} for every {self.streak} receivables in a row paid on time."


@attrs.frozen(kw_only=True)
class SettlementDiscount:
    """Less for settling everything by a day: `rate` off what is open, until the end of `valid_until_on`.

    >>> offer = SettlementDiscount(id="now", rate="0.1", valid_until_on=date(2026, 6, 30))
    >>> (
    ...     str(offer.to_pay(Money(50_000, "EUR"), on=date(2026, 6, 30))),
    ...     offer.to_pay(Money(1, "EUR"), on=date(2026, 7, 1)),
    ... )
    ('450.00 EUR', None)
    """

    id: str
    rate: Fraction = attrs.field(converter=_share)
    valid_until_on: date = attrs.field(validator=plain_date)
    rounding: Rounding = "half_even"

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        if not 0 < self.rate < 1:
            problems.note("rate", "must lie between 0 and 1", value=self.rate)
        problems.raise_if_any()

    def to_pay(self, amount_open: Money, *, on: date) -> Money | None:
        """Return what settles everything on a day, or None once the offer has expired."""
        return None if on > self.valid_until_on else amount_open - self.cost(amount_open)

    def cost(self, amount_open: Money) -> Money:
        """Return what the creditor gives up."""
        return Money(rounded(amount_open.minor * self.rate, self.rounding), amount_open.currency)

    def annualised_yield(self, *, days_sooner: int) -> Fraction:
        """Return the yearly yield to the debtor of paying so many days sooner; simple, on 365 days."""
        return _yield(self.rate, days_sooner)


Incentive: TypeAlias = PromptPaymentDiscount | AdvanceRebate | PunctualityBonus


@attrs.frozen(kw_only=True)
class IncentivePolicy:
    """All incentives in the order in which they are applied; `stacking` says whether one receivable may earn several.

    "all": each on what the ones before it left; "first": the first that is earned; "best": the one worth most. Money
    given on one receivable never passes `rate_max` of it.

    Raises:
        InvalidPolicy: `policy.invalid`, `policy.duplicate`.
    """

    incentives: tuple[Incentive, ...] = attrs.field(default=(), converter=as_tuple)
    stacking: Literal["all", "first", "best"] = "all"
    rate_max: Fraction = attrs.field(default=Fraction(1), converter=_share)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_choice("stacking", self.stacking, ("all", "first", "best"), problems)
        for number, one in enumerate(self.incentives):
            if not isinstance(one, (PromptPaymentDiscount, AdvanceRebate, PunctualityBonus)):
                problems.note(f"incentives[{number}]", f"is no incentive but {type(one).__name__}")
        problems.raise_if_any()
        if not 0 < self.rate_max <= 1:
            problems.note("rate_max", "must lie above 0, at most 1", value=self.rate_max)
        ids = [one.id for one in self.incentives]
        for number, name in enumerate(ids):
            if name in ids[:number]:
                problems.note(f"incentives[{number}].id", "stands twice", reason="duplicate", value=name)
        problems.raise_if_any()

    def describe(self) -> str:
        """Print all terms in plain words, one line for each, in the order they are applied."""
        return "\n".join(one.describe() for one in self.incentives)


# -- what has been earned --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Entitlement:
    """A non-cash reward that the host honours: what, until when, under which key."""

    key: str
    rule: str
    what: str
    granted_on: date
    valid_until_on: date
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))


@attrs.frozen(kw_only=True)
class Reward:
    """Money earned: post it as a credit note whose id is `key`, for `receivable_id`.

    `cost` is what the creditor gives up, `annualised_yield` what the debtor gains a year where days were gained.
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
    posted = {one.credit_note_id for one in snapshot.credit_notes} | snapshot.issued_keys
    found: list[Reward] = []
    entitlements: list[Entitlement] = []
    for incentive in policy.incentives:
        if isinstance(incentive, PromptPaymentDiscount):
            found += _discounts(incentive, ledger, segment)
        elif isinstance(incentive, AdvanceRebate):
            found += _rebates(incentive, ledger, segment)
        else:
            rewards, granted = _bonuses(incentive, ledger, segment)
            found += rewards
            entitlements += granted
    stacked = _stacked(policy, found, ledger)
    return RewardsDue(
        rewards=[one for one in stacked if one.key not in posted],
        entitlements=[one for one in entitlements if one.key not in posted],
    )


def _principal(ledger: Ledger, to: AppliesTo, segment: str) -> Iterable[Item]:
    for item in ledger.balance.items:
        one = item.receivable
        if not one.is_charge and to.matches(segment=segment, kind=one.kind, currency=one.amount_original.currency):
            yield item


def _discounts(terms: PromptPaymentDiscount, ledger: Ledger, segment: str) -> Iterable[Reward]:
    """Yield a discount where all but the discount was paid by a day that earns it; earlier rewards do not count."""
    posted = {one.credit_note_id for one in ledger.snapshot.credit_notes}
    for item in _principal(ledger, terms.applies_to, segment):
        receivable = item.receivable
        amount = receivable.amount_original
        key = semantic_key("discount", ledger.account_id, receivable.receivable_id, terms.id, 1)
        paid = 0
        for on, minor, source_id in ledger.receipts(receivable.receivable_id):
            if source_id in posted:
                continue
            paid += minor
            discount = terms.discount(amount, issued_on=receivable.issued_on, paid_on=on)
            if discount.is_positive and paid >= amount.minor - discount.minor:
                days = (receivable.due_on - on).days
                text = f"{discount} off {amount} for payment on {on}, {(on - receivable.issued_on).days} days after the invoice"
                yield Reward(
                    key=key,
                    rule=terms.id,
                    receivable_id=receivable.receivable_id,
                    amount=discount,
                    earned_on=on,
                    annualised_yield=_yield(Fraction(discount.minor, amount.minor), days),
                    reasons=[Reason(code="policy.prompt_payment", text=text, cite=terms.cite)],
                )
                break


def _rebates(terms: AdvanceRebate, ledger: Ledger, segment: str) -> Iterable[Reward]:
    """Yield for each early payment a part of each charge, until `rate_max` of it is given back."""
    early = []
    for item in _principal(ledger, terms.applies_to, segment):
        for on, _, source_id in ledger.receipts(item.receivable.receivable_id):
            if (item.receivable.due_on - on).days >= terms.days_early and source_id in ledger.payment_ids:
                early.append((on, source_id, item.receivable))
    seen: set[str] = set()
    unique: list[tuple[date, str, Receivable]] = []
    for on, source_id, receivable in sorted(early, key=lambda one: (one[0], one[1])):
        if source_id not in seen:
            seen.add(source_id)
            unique.append((on, source_id, receivable))
    for item in ledger.balance.items:
        charge = item.receivable
        if not charge.is_charge or charge.component not in terms.components:
            continue
        amount = charge.amount_original
        most = rounded(amount.minor * terms.rate_max, "floor")
        given = 0
        for on, source_id, receivable in unique:
            if on < charge.issued_on:
                continue
            part = min(rounded(amount.minor * terms.rate, terms.rounding), most - given)
            if part <= 0:
                break
            given += part
            text = (
                f"{_percent(terms.rate)} of charge {charge.receivable_id} for the payment of {on}, "
                f"{(receivable.due_on - on).days} days before receivable {receivable.receivable_id} was due"
            )
            yield Reward(
                key=semantic_key("rebate", ledger.account_id, charge.receivable_id, terms.id, source_id),
                rule=terms.id,
                receivable_id=charge.receivable_id,
                amount=Money(part, amount.currency),
                earned_on=on,
                reasons=[Reason(code="policy.advance_rebate", text=text, cite=terms.cite)],
            )


def _bonuses(terms: PunctualityBonus, ledger: Ledger, segment: str) -> tuple[list[Reward], list[Entitlement]]:
    """Count receivables in order of due date; a late or unpaid one that is due breaks the run."""
    rewards: list[Reward] = []
    granted: list[Entitlement] = []
    run = 0
    items = sorted(
        _principal(ledger, terms.applies_to, segment),
        key=lambda one: (one.receivable.due_on, one.receivable.issued_on, one.receivable.receivable_id),
    )
    for item in items:
        receivable = item.receivable
        if item.settled_on is None and receivable.due_on >= ledger.as_of:
            break  # not due yet, so the run is still open
        run = run + 1 if item.settled_on is not None and item.settled_on <= receivable.due_on else 0
        if run < terms.streak or item.settled_on is None:
            continue
        run = 0
        key = semantic_key("bonus", ledger.account_id, receivable.receivable_id, terms.id, terms.streak)
        text = f"{terms.streak} receivables in a row were settled on time, the last on {item.settled_on}"
        reasons = [Reason(code="policy.punctuality", text=text, cite=terms.cite)]
        if terms.entitlement:
            granted.append(
                Entitlement(
                    key=key,
                    rule=terms.id,
                    what=terms.entitlement,
                    granted_on=item.settled_on,
                    valid_until_on=after(item.settled_on, terms.valid_days),
                    reasons=reasons,
                )
            )
            continue
        amount = amount_in(terms.amounts, receivable.amount_original.currency)
        if amount is not None and amount.is_positive:
            rewards.append(
                Reward(
                    key=key,
                    rule=terms.id,
                    receivable_id=receivable.receivable_id,
                    amount=amount,
                    earned_on=item.settled_on,
                    reasons=reasons,
                )
            )
    return rewards, granted


def _stacked(policy: IncentivePolicy, found: Iterable[Reward], ledger: Ledger) -> list[Reward]:
    """Apply the stacking order and the limit to the rewards of each receivable."""
    by_receivable: dict[str, list[Reward]] = {}
    for reward in found:
        by_receivable.setdefault(reward.receivable_id, []).append(reward)
    result = []
    for name, rewards in by_receivable.items():
        kept = rewards
        if policy.stacking == "first":
            kept = [one for one in rewards if one.rule == rewards[0].rule]
        elif policy.stacking == "best":
            worth = {
                one.rule: sum(other.amount.minor for other in rewards if other.rule == one.rule) for one in rewards
            }
            best = max(worth, key=lambda rule: worth[rule])
            kept = [one for one in rewards if one.rule == best]
        original = ledger.receivables[name].amount_original
        room = rounded(original.minor * policy.rate_max, "floor")
        for one in kept:
            amount = min(one.amount.minor, room)
            room -= amount
            if amount > 0:
                result.append(attrs.evolve(one, amount=Money(amount, original.currency)))
    return result


def _yield(rate: Fraction, days: int) -> Fraction:
    return rate / (1 - rate) * Fraction(DAYS_IN_YEAR, days) if days > 0 and rate < 1 else Fraction(0)


def _percent(value: Fraction) -> str:
    return str(Rate(value))
