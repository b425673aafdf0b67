"""What one look at an account needs to know for its charges: what was open on which day, what is posted, held, disputed.

Everything is read from the snapshot and its balance; nothing is remembered. As the balance counts a returned payment
as never made, what is open of a receivable only falls from day to day, so a charge can be judged on the very day it
fell due, however late anybody looks. A charge that was taken back as wrong counts as never made, too: the money that
it held for a while paid what it would have paid without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Final

import attrs

from collectkit.core.checks import MAX_ID_LENGTH
from collectkit.core.decisions import REVERSAL, Reason
from collectkit.core.events import semantic_key
from collectkit.core.money import Money
from collectkit.core.records import (
    AccountSnapshot,
    Component,
    Dispute,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
)
from collectkit.core.waterfall import Balance, balance_of

__all__ = [
    "Ledger",
    "Opening",
    "PostedCharge",
    "after",
    "escaped",
    "is_fee",
    "known_on",
    "posted_charges",
    "taken_back",
    "unescaped",
    "without_payments",
    "without_wrong_charges",
]

REWARDS: Final = ("discount:", "rebate:", "bonus:")  # how the ids of credit notes begin that were earned
KINDS: Final = ("fee", "accrual", "cost")  # the first part of the keys of charges
_AGAIN: Final = re.compile(r"(.*)@([1-9][0-9]*)", re.DOTALL)  # the same period, charged for the n-th time


def escaped(part: str) -> str:
    """Return a part as it stands inside a semantic key."""
    return part.replace("%", "%25").replace(":", "%3A")


def is_fee(receivable: Receivable) -> bool:
    """Say whether a posted charge is a fee, by what it was charged for: a fee may be booked as cost or interest, too."""
    return receivable.component is Component.FEE or (receivable.charge_key or "").startswith("fee:")


def known_on(snapshot: AccountSnapshot, day: date, *, is_over: bool = True) -> AccountSnapshot:
    """Return the facts as they were known on a day: without money that came in later, nor the rewards that it earned.

    Where the day is not over, money that came in on it and counts from before is not known yet. A credit note does not
    tell when it was recorded; it counts from its own day.
    """
    late = [
        one
        for one in snapshot.payments
        if one.effective_on <= day
        and (one.received_on > day or (one.received_on == day > one.effective_on and not is_over))
    ]
    facts = attrs.evolve(snapshot, as_of=day)
    return without_payments(facts, late) if late else facts


def without_payments(snapshot: AccountSnapshot, late: Sequence[Payment]) -> AccountSnapshot:
    """Return the facts without some payments and the rewards that were earned by them."""
    names, days = {one.payment_id for one in late}, {one.effective_on for one in late}
    return attrs.evolve(
        snapshot,
        payments=[one for one in snapshot.payments if one.payment_id not in names],
        credit_notes=[
            one
            for one in snapshot.credit_notes
            if not (one.issued_on in days and one.credit_note_id.startswith(REWARDS))
        ],
    )


def taken_back(snapshot: AccountSnapshot) -> dict[str, int]:
    """Sum what was taken back of each charge because it was wrong, in minor units; what was a favour stays charged."""
    sums: dict[str, int] = {}
    for one in snapshot.waivers:
        if one.waiver_id.startswith(REVERSAL) and one.waived_on <= snapshot.as_of:
            sums[one.receivable_id] = sums.get(one.receivable_id, 0) + one.amount.minor
    return sums


def without_wrong_charges(snapshot: AccountSnapshot) -> AccountSnapshot:
    """Return the facts as if what was taken back of charges had never been charged."""
    back = taken_back(snapshot)
    if not back:
        return snapshot
    gone = {
        one.receivable_id for one in snapshot.receivables if back.get(one.receivable_id, 0) >= one.amount_original.minor
    }
    kept = []
    for one in snapshot.receivables:
        if one.receivable_id in gone:
            continue
        less = back.get(one.receivable_id, 0)
        amount = Money(one.amount_original.minor - less, one.amount_original.currency)
        kept.append(attrs.evolve(one, amount_original=amount) if less else one)

    def names(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in given if name not in gone)

    return attrs.evolve(
        snapshot,
        receivables=kept,
        waivers=[
            one
            for one in snapshot.waivers
            if one.receivable_id not in gone
            and not (one.waiver_id.startswith(REVERSAL) and one.waived_on <= snapshot.as_of)
        ],
        payments=[attrs.evolve(one, receivable_ids=names(one.receivable_ids)) for one in snapshot.payments],
        credit_notes=[attrs.evolve(one, receivable_ids=names(one.receivable_ids)) for one in snapshot.credit_notes],
        disputes=[
            attrs.evolve(one, receivable_ids=names(one.receivable_ids))
            for one in snapshot.disputes
            if not one.receivable_ids or names(one.receivable_ids)  # with nothing named it would be about everything
        ],
    )


def unescaped(part: str) -> str:
    """Return a part of a semantic key as it was before."""
    return part.replace("%7E", "~").replace("%3A", ":").replace("%25", "%")


@attrs.frozen(kw_only=True)
class PostedCharge:
    """A posted charge as its key tells it; `rule` is empty where the key was too long to be read back.

    `time` is 1 for the first charge of a period, 2 for the one made after that was taken back, and so on.
    """

    rule: str
    period: str
    receivable: Receivable
    time: int = 1


def posted_charges(snapshot: AccountSnapshot) -> tuple[PostedCharge, ...]:
    """List every posted charge with the rule and period of its key."""
    found = []
    for receivable in snapshot.receivables:
        if receivable.charge_key is None:
            continue
        parts = receivable.charge_key.split(":")
        readable = len(parts) >= 5 and parts[0] in KINDS and not parts[-1].startswith("~")
        rule, period = (parts[3], ":".join(parts[4:])) if readable else ("", "")
        again = _AGAIN.fullmatch(period)
        period, time = (again[1], int(again[2])) if again else (period, 1)
        found.append(PostedCharge(rule=rule, period=period, receivable=receivable, time=time))
    return tuple(found)


@attrs.frozen(kw_only=True)
class Opening:
    """Leave to charge a period: under which key, after what was taken back and is still charged of it before.

    `most` is what was charged the first time, None where nothing was: charging again never comes to more.
    """

    key: str
    made: frozenset[str] = frozenset()
    stands: int = 0
    most: int | None = None

    def left(self, amount: Money, reasons: list[Reason]) -> Money:
        """Return what is to be charged of an amount, after what still stands of it, and say so in the reasons."""
        if self.most is None:
            return amount
        first, stands = Money(self.most, amount.currency), Money(self.stands, amount.currency)
        text = "charged again, because what made the first charge wrong holds no more"
        if amount > first:
            text += f"; limited to the {first} that was charged then"
        if stands.is_positive:
            text += f"; {stands} of it was never taken back"
        reasons.append(Reason(code="policy.charged_again", text=text))
        return Money(max(0, min(amount.minor, self.most) - self.stands), amount.currency)


class Ledger:
    """The facts of one look; `held` names receivables that the caller holds back for reasons of its own.

    With `is_rejudging` no hold, plan or dispute of today stands in the way: a posted charge is judged again on what
    was owed, and on nothing else.
    """

    def __init__(
        self,
        snapshot: AccountSnapshot,
        balance: Balance,
        held: frozenset[str] = frozenset(),
        *,
        is_rejudging: bool = False,
    ) -> None:
        """Read `snapshot` with its `balance`, which must be of the same day."""
        right = without_wrong_charges(snapshot)
        self.snapshot = snapshot
        self.balance = balance if right is snapshot else balance_of(right, order=balance.order)
        self.is_rejudging = is_rejudging
        self.as_of = snapshot.as_of
        self.account_id = snapshot.account.account_id
        self.held = held
        self._known: dict[tuple[date, bool], Ledger] = {}

    def as_known(self, day: date, *, is_over: bool = True) -> Ledger:
        """Return the ledger of the facts as they were known on a day (`known_on`); it is built once for each day."""
        found = self._known.get((day, is_over))
        if found is None:
            facts = known_on(self.snapshot, day, is_over=is_over)
            found = self._known[day, is_over] = Ledger(facts, balance_of(facts, order=self.balance.order))
        return found

    # -- what is posted --------------------------------------------------------------------------------------

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of every charge that was posted."""
        posted = (one.charge_key for one in self.snapshot.receivables)
        return frozenset(key for key in posted if key is not None)

    @cached_property
    def posted(self) -> tuple[PostedCharge, ...]:
        """Every posted charge with the rule and period of its key."""
        return posted_charges(self.snapshot)

    def posted_under(self, rule: str) -> Iterator[PostedCharge]:
        """Yield the posted charges of a rule; one whose key cannot be read counts for every rule, so no cap is passed."""
        name = escaped(rule)
        return (one for one in self.posted if one.rule in (name, ""))

    def posted_on(self, receivable_id: str, rule: str) -> list[PostedCharge]:
        """List the posted charges of a rule on a receivable, with those whose keys cannot be read."""
        names = (escaped(rule), "")
        return [one for one in self._posted_on.get(receivable_id, ()) if one.rule in names]

    @cached_property
    def _posted_on(self) -> dict[str, list[PostedCharge]]:
        found: dict[str, list[PostedCharge]] = {}
        for one in self.posted:
            if one.receivable.parent_id is not None:
                found.setdefault(one.receivable.parent_id, []).append(one)
        return found

    def standing_on(self, receivable_id: str, rule: str) -> list[PostedCharge]:
        """List the posted charges of a rule on a receivable that were not taken back."""
        return self._standing.get((receivable_id, escaped(rule)), [])

    @cached_property
    def _standing(self) -> dict[tuple[str, str], list[PostedCharge]]:
        found: dict[tuple[str, str], list[PostedCharge]] = {}
        for one in self.posted:
            if one.rule and one.receivable.parent_id is not None and self.stands(one.receivable):
                found.setdefault((one.receivable.parent_id, one.rule), []).append(one)
        return found

    @cached_property
    def taken_back(self) -> dict[str, int]:
        """Minor units of each charge that were taken back because it was wrong; what was a favour stays charged."""
        return taken_back(self.snapshot)

    def reversals(self, receivable_id: str) -> list[tuple[date, int]]:
        """List what was taken back of a charge because it was wrong: the day, and the minor units."""
        return self._reversals.get(receivable_id, [])

    @cached_property
    def _reversals(self) -> dict[str, list[tuple[date, int]]]:
        found: dict[str, list[tuple[date, int]]] = {}
        for one in self.snapshot.waivers:
            if one.waiver_id.startswith(REVERSAL) and one.waived_on <= self.snapshot.as_of:
                found.setdefault(one.receivable_id, []).append((one.waived_on, one.amount.minor))
        return found

    def stands(self, posted: Receivable) -> int:
        """Return what of a charge was not taken back as wrong, in minor units."""
        return max(0, posted.amount_original.minor - self.taken_back.get(posted.receivable_id, 0))

    def key(self, kind: str, receivable_id: str, rule: str, period: str | int) -> str:
        """Make the key of a charge."""
        return semantic_key(kind, self.account_id, receivable_id, rule, period)[:MAX_ID_LENGTH]

    def opening(self, kind: str, receivable_id: str, rule: str, period: str | int) -> Opening | None:
        """Return under which key a period can be charged, None where it was, and nothing of that was taken back.

        What was taken back can fall due again, when the payment that made it wrong is returned: that is a charge of
        its own, under the same key with its number behind.
        """
        made: list[Receivable] = []
        key = self.key(kind, receivable_id, rule, period)
        while key in self.keys:
            made.append(self._by_key[key])
            key = self.key(kind, receivable_id, rule, f"{period}@{len(made) + 1}")
        if not made:
            return Opening(key=key)
        if not self.taken_back.get(made[-1].receivable_id):
            return None
        return Opening(
            key=key,
            made=frozenset(one.receivable_id for one in made),
            stands=sum(self.stands(one) for one in made),
            most=made[0].amount_original.minor,
        )

    @cached_property
    def _by_key(self) -> dict[str, Receivable]:
        return {one.charge_key: one for one in self.snapshot.receivables if one.charge_key is not None}

    # -- what was open ---------------------------------------------------------------------------------------

    @cached_property
    def receivables(self) -> dict[str, Receivable]:
        """Receivables by id."""
        return {one.receivable_id: one for one in self.snapshot.receivables}

    def root(self, receivable: Receivable) -> Receivable:
        """Return what a charge was charged for in the end; the receivable itself where it is no charge."""
        seen = {receivable.receivable_id}
        while receivable.is_charge and receivable.parent_id in self.receivables and receivable.parent_id not in seen:
            receivable = self.receivables[receivable.parent_id]
            seen.add(receivable.receivable_id)
        return receivable

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
        if self.is_rejudging:
            return False, Money.zero(original.currency)
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
        if self.is_rejudging:
            return None
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
        if self.is_rejudging:
            return {}
        return {name: plan for plan in self.plans if self.broken_on(plan) is None for name in plan.covers}

    def broken_on(self, plan: PlanAgreement) -> date | None:
        """Return the first day on which an instalment was missed past the tolerance of the plan."""
        tolerance = 0 if plan.tolerance_amount is None else plan.tolerance_amount.minor
        for part in plan.instalments:
            missed_on = after(part.due_on, plan.tolerance_days + 1)
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
        days += [after(one.due_on, 1) for one in facts.promises]
        for plan in facts.plans:
            days.append(plan.cancelled_on)
            days += [after(part.due_on, plan.tolerance_days + 1) for part in plan.instalments]
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


def after(day: date, days: int) -> date:
    """Return the day so many days later, at most the last one of the calendar."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))
