"""A charge for a payment that was returned: once for each return, whatever it was for."""

from __future__ import annotations

import hashlib

import attrs

from collectkit._policy.ledger import escaped
from collectkit._policy.look import Look, after
from collectkit._policy.terms import (
    EVERYTHING,
    WHOLE_DISPUTES,
    AppliesTo,
    DisputeRule,
    amount_in,
    amounts_of,
    check_amounts,
    check_choice,
    check_id,
    check_whole,
)
from collectkit.core.checks import instance_of, texts
from collectkit.core.decisions import Reason
from collectkit.core.money import Money
from collectkit.core.reading import Problems
from collectkit.core.records import Component, Payment, Receivable

__all__ = ["ReturnedPaymentPolicy", "look_at_returns", "return_period"]


@attrs.frozen(kw_only=True)
class ReturnedPaymentPolicy:
    """A flat charge per currency for each payment that was returned, never above the payment itself.

    It is charged on what the payment was for: the first receivable it names that was open when it was returned, and
    where it names none, the oldest one that was open then. Once that one is paid nothing is charged: a charge that a
    law or a rule kept off it never wanders to another. `exclusive_with` names late fees: a receivable that bears one of them is not charged again for
    the same failure, as some laws demand (one fee for one event, 12 CFR 1026.52(b)(2)(ii)).

    Raises:
        InvalidPolicy: `policy.invalid`, `policy.missing`, with every problem.
    """

    id: str
    amounts: tuple[Money, ...] = attrs.field(converter=amounts_of)
    exclusive_with: tuple[str, ...] = attrs.field(default=(), converter=texts)
    disputes: DisputeRule = "no_fee"
    due_in_days: int = 0
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None
    on_charges: bool = attrs.field(default=False, init=False)
    component: Component = attrs.field(default=Component.FEE, init=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_amounts("amounts", self.amounts, problems)
        check_choice("disputes", self.disputes, WHOLE_DISPUTES, problems)
        check_whole("due_in_days", self.due_in_days, problems, at_least=0, at_most=3650)
        if not self.amounts:
            problems.note("amounts", "a charge for a returned payment needs amounts per currency", reason="missing")
        problems.raise_if_any()


def return_period(payment_id: str) -> str:
    """Name the period of a charge for one returned payment; an id inside a key would be long."""
    return f"payment-{hashlib.sha256(payment_id.encode()).hexdigest()[:16]}"


def look_at_returns(look: Look, policies: tuple[ReturnedPaymentPolicy, ...]) -> None:
    """Add the charges for returned payments to a look."""
    if not policies:
        return
    returned = [
        one for one in look.ledger.snapshot.payments if one.returned_on is not None and one.returned_on <= look.as_of
    ]
    for payment in sorted(returned, key=lambda one: (one.returned_on or one.received_on, one.payment_id)):
        receivable = _target(look, payment)
        if receivable is None:
            continue
        fitting = [one for one in policies if _matches(look, one, receivable)]
        for rule_id in dict.fromkeys(one.id for one in fitting):
            best = max((one for one in fitting if one.id == rule_id), key=lambda one: one.applies_to.specificity)
            _look_at_return(look, best, payment, receivable)


def _matches(look: Look, policy: ReturnedPaymentPolicy, receivable: Receivable) -> bool:
    return policy.applies_to.matches(
        segment=look.segment, kind=receivable.kind, currency=receivable.amount_original.currency
    )


def _target(look: Look, payment: Payment) -> Receivable | None:
    """Find what the payment was for, in its currency and no charge; None where nothing of it is open any more.

    It is what was open on the day of the return, before other money of that day: chosen by what is open today, the
    charge would move on to another receivable as soon as the right one is paid.
    """
    ledger = look.ledger
    returned_on = payment.returned_on or payment.received_on
    items = [
        item.receivable
        for item in ledger.balance.items
        if not item.receivable.is_charge
        and item.receivable.amount_original.currency == payment.amount.currency
        and item.receivable.issued_on <= returned_on  # it cannot have been for a later one
    ]
    by_name = {one.receivable_id: one for one in items}
    named = [by_name[name] for name in payment.receivable_ids if name in by_name]
    late = any(one.effective_on <= returned_on < one.received_on for one in ledger.snapshot.payments)
    then = ledger.as_known(returned_on) if late else ledger
    before = after(returned_on, -1)
    found = next((one for one in named or items if then.open_on(one, before).is_positive), None)
    return found if found is not None and ledger.open_on(found, look.as_of).is_positive else None


def _look_at_return(look: Look, policy: ReturnedPaymentPolicy, payment: Payment, receivable: Receivable) -> None:
    period = return_period(payment.payment_id)
    ledger = look.ledger
    opening = look.opening("fee", receivable.receivable_id, policy.id, period)
    stands = (one for one in ledger.posted_under(policy.id) if ledger.stands(one.receivable))
    if opening is None or any(one.period == period for one in stands):
        return
    if look.stands_in_the_way(policy.id, receivable, policy.disputes, cite=policy.cite):
        return
    posted = {
        one.rule
        for one in ledger.posted
        if one.receivable.parent_id == receivable.receivable_id and ledger.stands(one.receivable)
    }
    # as the creditor chose it: a late fee that the law puts off or stops must not make room for this one
    fallen_due = {one.rule for one in look.measured if one.receivable_id == receivable.receivable_id}
    for other in policy.exclusive_with:
        if escaped(other) in posted or other in fallen_due:
            text = f"{other} is for the same failure; one fee for one event"
            look.skip("policy.same_event", policy.id, receivable, text, policy.cite)
            return
    amount = amount_in(policy.amounts, payment.amount.currency)
    if amount is None:
        text = f"has no amount in {payment.amount.currency}; nothing is converted"
        look.skip("policy.no_amount", policy.id, receivable, text, policy.cite)
        return
    amount = min(amount, payment.amount)
    returned_on = payment.returned_on or payment.received_on
    frozen = look.law.frozen_on(receivable, "fees", returned_on)
    if frozen is not None:
        text = f"was returned on {returned_on}, inside a moratorium that froze fees from {frozen[0]}"
        look.skip("policy.moratorium", policy.id, receivable, text, frozen[1])
        return
    room = look.law.fee_room(
        receivable,
        past_due=look.ledger.open_on(receivable, look.as_of),
        instalment=receivable.amount_original,
        charged=look.fees_on(receivable, amount.currency),
    )
    if room.blocked is not None:
        look.skip(room.blocked.code, policy.id, receivable, room.blocked.text, room.blocked.cite)
        return
    text = f"{policy.id} for payment {payment.payment_id}, returned on {payment.returned_on}: {amount}"
    reasons = [Reason(code="policy.returned_payment", text=text, cite=policy.cite)]
    amount = room.limit(amount, reasons)
    if amount.is_zero and room.limits:
        _, strictest = room.limits[0]
        look.skip(strictest.code, policy.id, receivable, strictest.text, strictest.cite)
        return
    amount = opening.left(amount, reasons)
    if amount.is_positive:
        look.charge(
            key=opening.key,
            rule=policy.id,
            receivable=receivable,
            component=policy.component,
            amount=amount,
            due_in_days=policy.due_in_days,
            reasons=reasons,
        )
