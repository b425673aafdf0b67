"""What one look at an account needs to know for its charges: what was open on which day, what is posted, held, disputed.

Everything is read from the snapshot and its balance; nothing is remembered. As the balance counts a returned payment
as never made, what is open of a receivable only falls from day to day, so a charge can be judged on the very day it
fell due, however late anybody looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property

import attrs

from collectkit.core.checks import MAX_ID_LENGTH
from collectkit.core.events import semantic_key
from collectkit.core.money import Money
from collectkit.core.records import (
    AccountSnapshot,
    Dispute,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
)
from collectkit.core.waterfall import Balance

__all__ = ["REVERSAL", "Ledger", "PostedCharge", "escaped"]

REVERSAL = "reversal-"
"""How the id of a waiver begins that takes a wrong charge back, and is no favour."""

KINDS = ("fee", "accrual", "cost")  # the first part of the keys of charges


def escaped(part: str) -> str:
    """Return a part as it stands inside a semantic key."""
    return part.replace("%", "%25").replace(":", "%3A")


@attrs.frozen(kw_only=True)
class PostedCharge:
    """A posted charge as its key tells it; `rule` is empty where the key was too long to be read back."""

    rule: str
    period: str
    receivable: Receivable


class Ledger:
    """The facts of one look; `held` names receivables that the caller holds back for reasons of its own."""

    def __init__(self, snapshot: AccountSnapshot, balance: Balance, held: frozenset[str] = frozenset()) -> None:
        """Read `snapshot` with its `balance`, which must be of the same day."""
        self.snapshot = snapshot
        self.balance = balance
        self.as_of = snapshot.as_of
        self.account_id = snapshot.account.account_id
        self.held = held

    # -- what is posted --------------------------------------------------------------------------------------

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of every charge that was posted."""
        posted = (one.charge_key for one in self.snapshot.receivables)
        return frozenset(key for key in posted if key is not None)

    @cached_property
    def posted(self) -> tuple[PostedCharge, ...]:
        """Every posted charge with the rule and period of its key."""
        found = []
        for receivable in self.snapshot.receivables:
            if receivable.charge_key is None:
                continue
            parts = receivable.charge_key.split(":")
            readable = len(parts) >= 5 and parts[0] in KINDS and not parts[-1].startswith("~")
            rule, period = (parts[3], ":".join(parts[4:])) if readable else ("", "")
            found.append(PostedCharge(rule=rule, period=period, receivable=receivable))
        return tuple(found)

    def posted_under(self, rule: str) -> Iterator[PostedCharge]:
        """Yield the posted charges of a rule; one whose key cannot be read counts for every rule, so no cap is passed."""
        name = escaped(rule)
        return (one for one in self.posted if one.rule in (name, ""))

    @cached_property
    def taken_back(self) -> dict[str, int]:
        """Minor units of each charge that were taken back because it was wrong; what was a favour stays charged."""
        sums: dict[str, int] = {}
        for one in self.snapshot.waivers:
            if one.waiver_id.startswith(REVERSAL) and one.waived_on <= self.as_of:
                sums[one.receivable_id] = sums.get(one.receivable_id, 0) + one.amount.minor
        return sums

    def key(self, kind: str, receivable_id: str, rule: str, period: str | int) -> str:
        """Make the key of a charge."""
        return semantic_key(kind, self.account_id, receivable_id, rule, period)[:MAX_ID_LENGTH]

    # -- what was open ---------------------------------------------------------------------------------------

    @cached_property
    def receivables(self) -> dict[str, Receivable]:
        """Receivables by id."""
        return {one.receivable_id: one for one in self.snapshot.receivables}

    @cached_property
    def _applied(self) -> dict[str, list[tuple[date, int]]]:
        parts: dict[str, list[tuple[date, int]]] = {}
        for one in self.balance.applied:
            parts.setdefault(one.receivable_id, []).append((one.applied_on, one.amount.minor))
        return parts

    @cached_property
    def _receipts(self) -> dict[str, list[tuple[date, int, str]]]:
        parts: dict[str, list[tuple[date, int, str]]] = {}
        for one in self.balance.applied:
            parts.setdefault(one.receivable_id, []).append((one.applied_on, one.amount.minor, one.source_id))
        return {name: sorted(found, key=lambda part: part[0]) for name, found in parts.items()}

    def receipts(self, receivable_id: str) -> list[tuple[date, int, str]]:
        """List what met a receivable, by day: the day, the minor units, and the payment or credit note."""
        return self._receipts.get(receivable_id, [])

    @cached_property
    def payment_ids(self) -> frozenset[str]:
        """Ids of payments, to tell money from credit."""
        return frozenset(one.payment_id for one in self.snapshot.payments)

    @cached_property
    def coming(self) -> tuple[Receivable, ...]:
        """Receivables that are issued after the day of the look."""
        return tuple(one for one in self.snapshot.receivables if one.issued_on > self.as_of)

    def paid_between(self, receivable_id: str, start_on: date, end_on: date) -> int:
        """Return the minor units that met a receivable from `start_on` to `end_on`, both included."""
        return sum(minor for on, minor in self._applied.get(receivable_id, ()) if start_on <= on <= end_on)

    def open_on(self, receivable: Receivable, on: date) -> Money:
        """Return what was open of a receivable at the end of a day, as known now."""
        paid = sum(minor for day, minor in self._applied.get(receivable.receivable_id, ()) if day <= on)
        return Money(receivable.amount_original.minor - paid, receivable.amount_original.currency)

    def change_days(self, receivable: Receivable) -> list[date]:
        """List the days on which what is open of a receivable changed, in order."""
        return sorted({on for on, minor in self._applied.get(receivable.receivable_id, ()) if minor})

    # -- what stands in the way ------------------------------------------------------------------------------

    def disputed(self, receivable: Receivable, on: date) -> tuple[bool, Money]:
        """Say whether a receivable is disputed on a day, and by how much (all of it where no part is named)."""
        original = receivable.amount_original
        touched, part = False, 0
        for dispute in self.snapshot.disputes:
            if dispute.is_open(on) and self._touches(dispute, receivable):
                touched = True
                part += self._share(dispute, receivable)
        return touched, Money(min(part, original.minor), original.currency)

    def _touches(self, dispute: Dispute, receivable: Receivable) -> bool:
        return not dispute.receivable_ids or receivable.receivable_id in dispute.receivable_ids

    def _share(self, dispute: Dispute, receivable: Receivable) -> int:
        """Return the disputed part of a receivable; a part over several falls on the oldest due first."""
        if dispute.amount is None:
            return receivable.amount_original.minor
        named = [one for one in self.snapshot.receivables if self._touches(dispute, one)]
        left = dispute.amount.minor
        for one in sorted(named, key=lambda each: (each.due_on, each.issued_on, each.receivable_id)):
            if one.amount_original.currency != dispute.amount.currency:
                continue
            part = min(left, one.amount_original.minor)
            if one.receivable_id == receivable.receivable_id:
                return part
            left -= part
        return 0

    def hold_on(self, receivable: Receivable, rule: str) -> str | None:
        """Name what holds a rule back from a receivable, or None; a hold stops charges, the rule, or everything."""
        for hold in self.snapshot.holds:
            covers = not hold.receivable_ids or receivable.receivable_id in hold.receivable_ids
            stops = not hold.stops or rule in hold.stops or "charges" in hold.stops
            if covers and stops and hold.is_active(self.as_of):
                until = "" if hold.until_on is None else f" until {hold.until_on}"
                return f"hold for {hold.reason}{until}"
        if receivable.receivable_id in self.held:
            return "hold"
        return None

    # -- running plans ---------------------------------------------------------------------------------------

    @cached_property
    def plans(self) -> tuple[PlanAgreement, ...]:
        """Plans that run: agreed, neither cancelled nor superseded, and not broken by a missed instalment."""
        agreed = [one for one in self.snapshot.plans if one.agreed_on <= self.as_of]
        replaced = {one.supersedes for one in agreed}
        return tuple(
            one
            for one in agreed
            if one.plan_id not in replaced and (one.cancelled_on is None or one.cancelled_on > self.as_of)
        )

    @cached_property
    def covered(self) -> dict[str, PlanAgreement]:
        """Receivables whose own due dates are silent, because a plan that is not broken covers them."""
        return {name: plan for plan in self.plans if self.broken_on(plan) is None for name in plan.covers}

    def broken_on(self, plan: PlanAgreement) -> date | None:
        """Return the first day on which an instalment was missed past the tolerance of the plan."""
        tolerance = 0 if plan.tolerance_amount is None else plan.tolerance_amount.minor
        for part in plan.instalments:
            missed_on = _day_after(part.due_on, plan.tolerance_days + 1)
            if missed_on > self.as_of:
                return None
            if self.instalment_open(plan, part, missed_on).minor > tolerance:
                return missed_on
        return None

    def instalment_open(self, plan: PlanAgreement, part: PlannedInstalment, on: date) -> Money:
        """Return what was open of an instalment at the end of a day; money meets the earliest instalment first."""
        paid = sum(self.paid_between(name, plan.agreed_on, on) for name in dict.fromkeys(plan.covers))
        due = sum(one.amount.minor for one in plan.instalments if one.number <= part.number)
        return Money(max(0, min(part.amount.minor, due - paid)), part.amount.currency)

    # -- when something ends by itself -----------------------------------------------------------------------

    def releases(self) -> Iterator[date]:
        """Yield the coming days on which something that holds charges back could end by itself."""
        facts = self.snapshot
        days: list[date | None] = [one.until_on for one in facts.holds]
        days += [one.until_on for one in facts.debtor.flags]
        days += [one.resolved_on for one in facts.disputes]
        days += [_day_after(one.due_on, 1) for one in facts.promises]
        for plan in facts.plans:
            days.append(plan.cancelled_on)
            days += [_day_after(part.due_on, plan.tolerance_days + 1) for part in plan.instalments]
        return (day for day in days if day is not None and day > self.as_of)

    def turns(self) -> Iterator[date]:
        """Yield the coming days on which a fact that is known already takes effect: a return, an end, an agreement."""
        facts = self.snapshot
        days = [one.returned_on for one in facts.payments]
        days += [one.cancelled_on for one in facts.credit_notes]
        days += [one.agreed_on for one in facts.plans]
        days += [one.sent_on for one in facts.notices]
        return (day for day in days if day is not None and day > self.as_of)

    def settlements(self) -> Iterator[date]:
        """Yield the coming days on which money or credit that is known already takes effect, and may settle something."""
        facts = self.snapshot
        days = [one.effective_on for one in facts.payments]
        days += [one.issued_on for one in facts.credit_notes]
        days += [one.waived_on for one in facts.waivers]
        return (day for day in days if day > self.as_of)


def _day_after(day: date, count: int) -> date:
    return date.fromordinal(min(day.toordinal() + count, date.max.toordinal()))
