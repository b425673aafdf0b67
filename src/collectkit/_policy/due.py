"""Which charges have fallen due: a pure function of policies, snapshot and day.

A charge is judged on the day it fell due, on what was open that day. Its key names account, receivable, rule and
period, so that looking n times, or late, charges once. Rule packs can lower, put off or stop a charge, never raise it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import attrs

from collectkit._policy.accruals import look_at_interest, look_at_sums
from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.fees import look_at_fees
from collectkit._policy.law import MORATORIA, Law
from collectkit._policy.ledger import Ledger
from collectkit._policy.look import Look, after
from collectkit._policy.returned import look_at_returns
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import as_tuple, each
from collectkit.core.decisions import Charge, Reason
from collectkit.core.errors import InvalidRecord
from collectkit.core.records import AccountSnapshot
from collectkit.core.rules import RulePack
from collectkit.core.waterfall import Balance

__all__ = ["ChargesDue", "charges_due"]


@attrs.frozen(kw_only=True)
class ChargesDue:
    """The charges that have fallen due and are not posted yet, in order; why others were not made; the next look.

    `next_on` is the earliest day on which, with no new fact, another charge could fall due: exact or too early, never
    too late. None means never. What merely accrues does not count. `packs` are the rule packs that were asked, those
    that the rules themselves name too, each with its version and review date; `warnings` name those whose review ends
    soon, and every rule that a person loosened.
    """

    charges: tuple[Charge, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Charge))
    skipped: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))
    next_on: date | None = None
    packs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def charges_due(
    *,
    policies: ChargePolicy,
    snapshot: AccountSnapshot,
    balance: Balance,
    segment: str = "",
    calendar: BusinessCalendar = WEEKENDS_ONLY,
    held_receivables: frozenset[str] = frozenset(),
    packs: Sequence[RulePack] = (),
) -> ChargesDue:
    """Find the charges that have fallen due by `snapshot.as_of` and are not posted yet.

    - A charge whose key is posted (a receivable of the snapshot carries it) is never given again. One that was taken
      back as wrong (`reversals_due`) falls due again when what made it wrong holds no more, under a key of its own.
    - Days that nobody looked at are caught up, each charge at most once, in order of the day they fell due.
    - Disputed or held receivables are not charged while that lasts, nor those whose due dates a running plan replaces;
      each with a reason. `held_receivables` are holds of the caller, who also knows when they end.
    - A receivable that is paid in full by now is charged no fee, whatever was missed; interest earned until then is, and
      so is a recovery sum, which is owed with the first day of interest.
    - Days of interest that are posted keep the rate they were posted at. A fee of one variant covers what another of
      the same id reached before.
    - `packs` can lower a charge, put it off or stop it. What falls due inside a breathing space that a pack knows is
      never charged, and one placed without an end lasts as long as the pack says. Under every other hold a charge
      waits, and is made when the hold is over.

    Raises:
        InvalidRecord: `policy.balance` where `balance` is of another account or day than `snapshot`.
        InvalidPolicy: what `rules.compose` says of packs that do not fit together, all in one error.
    """
    if balance.account_id != snapshot.account.account_id or balance.as_of != snapshot.as_of:
        raise InvalidRecord("policy.balance", "the balance is of another account or day; use balance_of(snapshot)")
    snapshot = with_legal_ends(snapshot, balance, packs)
    ledger = Ledger(snapshot, balance, held_receivables)
    look = Look(ledger, Law(packs, ledger, policies.party), segment, calendar)
    look.materiality = policies.materiality
    look_at_fees(look, policies)
    look_at_returns(look, policies.returned_payments)
    look_at_sums(look, policies)
    look_at_interest(look, policies)
    if look.is_held_back:
        look.next_days += ledger.releases()
    look.next_days += ledger.turns()
    if look.law.counts_earlier_fees and any(one.key.startswith("fee:") for one in look.charges):
        look.next_days.append(after(look.as_of, 1))  # from then on the fees of today are earlier ones
    if policies.interest:  # what was earned is posted when the principal is settled
        look.next_days += ledger.settlements()
    return ChargesDue(
        charges=look.charges,
        skipped=look.skipped,
        next_on=min(look.next_days, default=None),
        packs=tuple(sorted({pack.label for pack in (*packs, *policies.packs)})),
        warnings=look.law.warnings(),
    )


def with_legal_ends(snapshot: AccountSnapshot, balance: Balance, packs: Sequence[RulePack]) -> AccountSnapshot:
    """Return the facts with the end that a pack gives to each breathing space that was placed without one."""
    if not packs or all(one.until_on is not None or one.reason not in MORATORIA for one in snapshot.holds):
        return snapshot
    law = Law(packs, Ledger(snapshot, balance))
    return attrs.evolve(snapshot, holds=[attrs.evolve(one, until_on=law.ends_on(one)) for one in snapshot.holds])
