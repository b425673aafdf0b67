"""Charges dropped by leave of somebody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

import attrs

from collectkit._policy.terms import amounts_of, check_amounts
from collectkit.core.checks import require_date
from collectkit.core.decisions import REVERSAL, Declined, Reason
from collectkit.core.money import Money
from collectkit.core.reading import Problems
from collectkit.core.records import Waiver
from collectkit.core.waterfall import Balance

__all__ = ["WaiverLimits", "waive"]


def _limits(values: Mapping[str, Mapping[str, str] | Sequence[Money] | Money]) -> Mapping[str, tuple[Money, ...]]:
    return {authority: amounts_of(amounts) for authority, amounts in values.items()}


@attrs.frozen(kw_only=True)
class WaiverLimits:
    """Who may drop charges up to how much for one charge, per currency; an authority not named may drop nothing.

    The limit is for all that an authority drops of one charge, however many waivers it takes.

    >>> WaiverLimits(most={"collector": {"EUR": "20.00"}}).allowed("collector", "EUR")
    Money(2000, 'EUR')

    Raises:
        InvalidPolicy: `policy.invalid` for amounts below zero.
    """

    most: Mapping[str, tuple[Money, ...]] = attrs.field(converter=_limits, hash=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        for authority, amounts in self.most.items():
            check_amounts(f"most.{authority}", amounts, problems)
        problems.raise_if_any()

    def allowed(self, authority: str, currency: str) -> Money:
        """Return the most that an authority may drop of one charge."""
        amounts = self.most.get(authority, ())
        return next((one for one in amounts if one.currency == currency), Money.zero(currency))

    def enough(self, amount: Money, *, used: Mapping[str, Money] | None = None) -> tuple[str, ...]:
        """Name the authorities whose limit covers an amount beside what each has `used` of it."""
        spent = used or {}
        zero = Money.zero(amount.currency)
        return tuple(
            name for name in self.most if self.allowed(name, amount.currency) >= amount + spent.get(name, zero)
        )


def waive(
    *,
    balance: Balance,
    receivable_id: str,
    on: date,
    reason: str,
    authority: str,
    limits: WaiverLimits,
    amount: Money | None = None,
) -> Waiver | Declined:
    """Drop a charge, or part of it, if the authority's limit allows it; principal is forgiven in a settlement, not here.

    Without `amount` all that is open of the charge is dropped. What the authority dropped of the same charge before, as
    `balance` tells, counts towards its limit; what was taken back as wrong was no favour and does not. A refusal names
    every reason, and who could allow it. The waiver's id is one of its own, also for two of a day.

    Raises:
        InvalidRecord: `waterfall.unknown_receivable`.
    """
    require_date(on, "on")
    item = balance.item(receivable_id)
    wanted = item.amount_open if amount is None else amount
    refused = []
    if not item.receivable.is_charge:
        text = f"receivable {receivable_id} is principal; offer a settlement, which forgives on completion"
        refused.append(Reason(code="policy.waive_principal", text=text))
    if wanted.currency != item.amount_open.currency:
        text = f"charge {receivable_id} is in {item.amount_open.currency}, not {wanted.currency}"
        refused.append(Reason(code="policy.waive_currency", text=text))
    elif not wanted.is_positive:
        refused.append(Reason(code="policy.waive_nothing", text=f"nothing is open of charge {receivable_id}"))
    elif wanted > item.amount_open:
        text = f"only {item.amount_open} is open of charge {receivable_id}; refund what was paid instead"
        refused.append(Reason(code="policy.waive_too_much", text=text))
    if not reason.strip():
        refused.append(Reason(code="policy.waive_reason", text="a waiver needs a reason"))
    earlier = [one for one in balance.waivers if one.receivable_id == receivable_id]
    used: dict[str, Money] = {}
    for one in earlier:
        if one.amount.currency == wanted.currency and not one.waiver_id.startswith(REVERSAL):
            used[one.authority] = used.get(one.authority, Money.zero(wanted.currency)) + one.amount
    most = limits.allowed(authority, wanted.currency)
    before = used.get(authority, Money.zero(wanted.currency))
    if wanted + before > most:
        could = limits.enough(wanted, used=used)
        way_out = f"ask {' or '.join(could)}" if could else "nobody may drop that much"
        what = f"{wanted} beside the {before} dropped before" if before.is_positive else str(wanted)
        text = f"{what} is over the {most} that {authority} may drop of one charge; {way_out}"
        refused.append(Reason(code="policy.waive_authority", text=text))
    if refused:
        return Declined(reasons=refused)
    said = f"{receivable_id}\0{on}\0{wanted}\0{authority}" + (f"\0{len(earlier)}" if earlier else "")
    digest = hashlib.sha256(said.encode()).hexdigest()[:24]
    return Waiver(
        waiver_id=f"waiver-{digest}",
        receivable_id=receivable_id,
        amount=wanted,
        waived_on=on,
        reason=reason,
        authority=authority,
    )
