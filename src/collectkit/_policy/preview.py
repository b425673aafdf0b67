"""What will be owed on a later day, if nothing happens until then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import attrs

from collectkit._policy.accruals import unposted_interest
from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.due import charges_due
from collectkit._policy.law import Law
from collectkit._policy.ledger import Ledger
from collectkit._policy.look import Look
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import as_tuple, each, require_date
from collectkit.core.decisions import Charge, Reason
from collectkit.core.errors import InvalidDate
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import AccountSnapshot, Receivable
from collectkit.core.rules import RulePack
from collectkit.core.waterfall import DEFAULT_ORDER, Order, balance_of

__all__ = ["PreviewedBalance", "post", "preview_balance"]

MAX_LOOKS: Final = 10_000  # of one preview; a daily fee over 27 years


def post(snapshot: AccountSnapshot, charges: Iterable[Charge]) -> AccountSnapshot:
    """Return the snapshot as it reads once the charges are posted, each as a receivable under its own key.

    A host that keeps receivables posts them in the same way: the key is `charge_key`, the origin is `parent_id`.
    """
    posted = tuple(
        Receivable(
            receivable_id=charge.key,
            account_id=snapshot.account.account_id,
            amount_original=charge.amount,
            issued_on=charge.charged_on,
            due_on=charge.due_on,
            component=charge.component,
            kind=charge.rule,
            parent_id=charge.receivable_id,
            charge_key=charge.key,
        )
        for charge in charges
    )
    return attrs.evolve(snapshot, receivables=snapshot.receivables + posted)


@attrs.frozen(kw_only=True)
class PreviewedBalance:
    """What will be owed on `on` with no payment until then: per currency, and the charges that will have been made.

    `accrued` is interest earned by the end of that day and not posted yet; it is not in `amount_open`. `unknown` says
    for which receivables it cannot be told, and why.
    """

    on: date
    amount_open: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    charges: tuple[Charge, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Charge))
    accrued: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    unknown: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))


def preview_balance(
    snapshot: AccountSnapshot,
    on: date,
    *,
    policies: ChargePolicy,
    segment: str = "",
    calendar: BusinessCalendar = WEEKENDS_ONLY,
    held_receivables: frozenset[str] = frozenset(),
    packs: Sequence[RulePack] = (),
    order: Order = DEFAULT_ORDER,
    looks_max: int = MAX_LOOKS,
) -> PreviewedBalance:
    """Show what will be owed on a day if nothing happens until then; nothing is decided or posted.

    Payments of the snapshot that take effect later count from their day on, in the `order` given. `held_receivables` stay held throughout. At most
    `looks_max` days on which something falls due are looked at.

    Raises:
        InvalidDate: `policy.preview` where `on` lies before the snapshot, or is too far for the charges to be counted.
    """
    if require_date(on, "on") < snapshot.as_of:
        raise InvalidDate("policy.preview", f"{on} lies before the snapshot of {snapshot.as_of}; preview a later day")
    charges: list[Charge] = []
    for _ in range(looks_max):
        found = charges_due(
            policies=policies,
            snapshot=snapshot,
            balance=balance_of(snapshot, order=order),
            segment=segment,
            calendar=calendar,
            held_receivables=held_receivables,
            packs=packs,
        )
        charges += found.charges
        snapshot = post(snapshot, found.charges)
        if found.next_on is None or found.next_on > on:
            break
        snapshot = attrs.evolve(snapshot, as_of=found.next_on)
    else:
        raise InvalidDate(
            "policy.preview", f"more than {looks_max} days of charges lie before {on}; preview a nearer day"
        )
    snapshot = attrs.evolve(snapshot, as_of=on)
    balance = balance_of(snapshot, order=order)
    ledger = Ledger(snapshot, balance, held_receivables)
    look = Look(ledger, Law(packs, ledger, policies.party), segment, calendar)
    accrued = sum_by_currency(unposted_interest(look, policies))
    return PreviewedBalance(
        on=on,
        amount_open=tuple(sum_by_currency(item.amount_open for item in balance.open_items).values()),
        charges=charges,
        accrued=tuple(accrued.values()),
        unknown=look.skipped,
    )
