"""Charges dropped by leave of somebody, and charges that better knowledge shows to be wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

import attrs

from collectkit._policy.accruals import accrued_to
from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.due import charges_due
from collectkit._policy.law import Law
from collectkit._policy.ledger import REVERSAL, Ledger
from collectkit._policy.look import Look
from collectkit._policy.terms import amounts_of
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import as_tuple, each, require_date
from collectkit.core.decisions import Declined, Reason
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, Receivable, Waiver
from collectkit.core.rules import RulePack
from collectkit.core.waterfall import Balance, balance_of

__all__ = ["Reversal", "WaiverLimits", "reversals_due", "waive"]


# -- waivers ---------------------------------------------------------------------------------------------------


def _limits(values: Mapping[str, Mapping[str, str] | Sequence[Money] | Money]) -> Mapping[str, tuple[Money, ...]]:
    return {authority: amounts_of(amounts) for authority, amounts in values.items()}


@attrs.frozen(kw_only=True)
class WaiverLimits:
    """Who may drop charges up to how much for one charge, per currency; an authority not named may drop nothing.

    >>> WaiverLimits(most={"collector": {"EUR": "20.00"}}).allowed("collector", "EUR")
    Money(2000, 'EUR')
    """

    most: Mapping[str, tuple[Money, ...]] = attrs.field(converter=_limits, hash=False)

    def allowed(self, authority: str, currency: str) -> Money:
        """Return the most that an authority may drop of one charge."""
        amounts = self.most.get(authority, ())
        return next((one for one in amounts if one.currency == currency), Money.zero(currency))

    def enough(self, amount: Money) -> tuple[str, ...]:
        """Name the authorities whose limit covers an amount."""
        return tuple(name for name in self.most if self.allowed(name, amount.currency) >= amount)


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

    Without `amount` all that is open of the charge is dropped. A refusal names every reason, and who could allow it.

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
    most = limits.allowed(authority, wanted.currency)
    if wanted > most:
        could = limits.enough(wanted)
        way_out = f"ask {' or '.join(could)}" if could else "nobody may drop that much"
        text = f"{wanted} is over the {most} that {authority} may drop of one charge; {way_out}"
        refused.append(Reason(code="policy.waive_authority", text=text))
    if refused:
        return Declined(reasons=refused)
    digest = hashlib.sha256(f"{receivable_id}\0{on}\0{wanted}\0{authority}".encode()).hexdigest()[:24]
    return Waiver(
        waiver_id=f"waiver-{digest}",
        receivable_id=receivable_id,
        amount=wanted,
        waived_on=on,
        reason=reason,
        authority=authority,
    )


# -- reversals -------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Reversal:
    """A posted charge that would not be made today, or not so high: drop or credit `amount` of it.

    What is still open can be waived; what was paid already is free for other receivables once it is waived.
    """

    receivable_id: str
    charge_key: str
    amount: Money
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))

    def as_waiver(self, *, on: date, authority: str) -> Waiver:
        """Turn the proposal into a waiver; its id says that it is no favour, so that interest is charged anew if due."""
        reason = "; ".join(one.text for one in self.reasons)[
            :500
        ]  # a second one of the same amount says something else
        digest = hashlib.sha256(f"{self.charge_key}\0{self.amount}\0{reason}".encode()).hexdigest()[:24]
        return Waiver(
            waiver_id=f"{REVERSAL}{digest}",
            receivable_id=self.receivable_id,
            amount=self.amount,
            waived_on=on,
            reason=reason,
            authority=authority,
        )


def reversals_due(
    *,
    policies: ChargePolicy,
    snapshot: AccountSnapshot,
    segment: str = "",
    calendar: BusinessCalendar = WEEKENDS_ONLY,
    packs: Sequence[RulePack] = (),
) -> tuple[Reversal, ...]:
    """Judge every posted charge of `policies` again, with what is known now, and propose what is to be taken back.

    Typical cause: a payment came in late but counts from a day on which the receivable was not late yet. Only facts
    about money and due dates are looked at again: a hold, a dispute or a plan of today does not undo a charge of
    yesterday. What was waived already is not proposed again. `policies` are those the charge was made under.
    """
    found = []
    waived: dict[str, int] = {}
    for waiver in snapshot.waivers:
        waived[waiver.receivable_id] = waived.get(waiver.receivable_id, 0) + waiver.amount.minor
    bare = attrs.evolve(snapshot, holds=(), disputes=())
    mine = set(policies.ids)
    for posted in sorted(snapshot.receivables, key=lambda one: (one.issued_on, one.receivable_id)):
        rule = _rule_of(posted)
        if rule not in mine or posted.parent_id is None or posted.issued_on > snapshot.as_of:
            continue
        if rule in {one.id for one in policies.interest}:
            continue  # judged as a whole, below
        right = _right_amount(posted, bare, policies, segment, calendar, packs)
        excess = posted.amount_original.minor - right - waived.get(posted.receivable_id, 0)
        if excess > 0:
            currency = posted.amount_original.currency
            text = (
                f"charge {posted.receivable_id} of {posted.amount_original} would be {Money(right, currency)} "
                f"with what is known now about receivable {posted.parent_id}"
            )
            found.append(_reversal(posted, Money(excess, currency), text))
    found += _interest_reversals(policies, bare, segment, calendar, packs, waived)
    return tuple(found)


# -- details ---------------------------------------------------------------------------------------------------


def _rule_of(posted: Receivable) -> str:
    parts = (posted.charge_key or "").split(":")
    return parts[3].replace("%3A", ":").replace("%25", "%") if len(parts) >= 5 else ""


def _reversal(posted: Receivable, amount: Money, text: str) -> Reversal:
    return Reversal(
        receivable_id=posted.receivable_id,
        charge_key=posted.charge_key or "",
        amount=amount,
        reasons=[Reason(code="policy.reversal", text=text)],
    )


def _right_amount(
    posted: Receivable,
    snapshot: AccountSnapshot,
    policies: ChargePolicy,
    segment: str,
    calendar: BusinessCalendar,
    packs: Sequence[RulePack],
) -> int:
    """Return what the charge would be, judged on its own day without it and without what was charged after it.

    The day itself is judged as the charge's day was: what was paid later in full does not undo it.
    """
    earlier = tuple(
        one
        for one in snapshot.receivables
        if one.receivable_id != posted.receivable_id and (not one.is_charge or one.issued_on <= posted.issued_on)
    )
    then = attrs.evolve(snapshot, as_of=posted.issued_on, receivables=earlier, waivers=())
    due = charges_due(
        policies=policies, snapshot=then, balance=balance_of(then), segment=segment, calendar=calendar, packs=packs
    )
    return next((one.amount.minor for one in due.charges if one.key == posted.charge_key), 0)


def _interest_reversals(
    policies: ChargePolicy,
    snapshot: AccountSnapshot,
    segment: str,
    calendar: BusinessCalendar,
    packs: Sequence[RulePack],
    waived: Mapping[str, int],
) -> list[Reversal]:
    """Compare the interest posted on each receivable with what it is to the same day; the latest posting gives way first."""
    if not policies.interest:
        return []
    ledger = Ledger(snapshot, balance_of(snapshot))
    look = Look(ledger, Law(packs, ledger), segment, calendar)
    found = []
    for item in ledger.balance.items:
        for policy in policies.interest_for(item.receivable, segment=segment):
            mine = [
                one
                for one in ledger.posted_under(policy.id)
                if one.receivable.parent_id == item.receivable.receivable_id and ".." in one.period
            ]
            if not mine:
                continue
            until = max(date.fromisoformat(one.period.partition("..")[2]) for one in mine)
            accrued = accrued_to(look, policy, item.receivable, until)
            if isinstance(accrued, Reason):
                continue
            kept = sum(
                one.receivable.amount_original.minor - waived.get(one.receivable.receivable_id, 0) for one in mine
            )
            excess = kept - accrued.amount.minor
            for one in sorted(mine, key=lambda each_one: each_one.period, reverse=True):
                left = one.receivable.amount_original.minor - waived.get(one.receivable.receivable_id, 0)
                part = min(excess, left)
                if part <= 0:
                    continue
                excess -= part
                currency = one.receivable.amount_original.currency
                text = (
                    f"interest on receivable {item.receivable.receivable_id} until {until} is {accrued.amount} "
                    f"with what is known now, {Money(part, currency)} less than was posted"
                )
                found.append(_reversal(one.receivable, Money(part, currency), text))
    return found
