"""What rule packs say about a charge: they can only lower it, put it off, or stop it.

Every rule that speaks is asked, the strictest answer stands and each is cited with its pack's review date. A rule that
needs a fact nobody gave, is stale, or is stated in another currency blocks: nothing is guessed, nothing converted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Final, Literal, TypeAlias

import attrs

from collectkit._policy.ledger import Ledger, after, is_fee
from collectkit.core.decisions import Reason
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, Hold, HoldReason, Receivable
from collectkit.core.rules import (
    FeeLimit,
    InForce,
    LegalFacts,
    Moratorium,
    PenaltyTiers,
    Primitive,
    RateCap,
    Rule,
    RulePack,
    Stale,
    compose,
    lies_in,
    overrides,
)

__all__ = ["MORATORIA", "FeeRoom", "Law", "Party", "facts_of"]

Party: TypeAlias = Literal["first_party", "agency"]
"""Who charges: the creditor itself, or somebody who collects for it."""

MORATORIA: Final = (HoldReason.BREATHING_SPACE, HoldReason.BREATHING_SPACE_CRISIS)
"""Holds that a law may stand behind: where a pack names it, nothing is ever charged for their time."""

_REVIEW_SOON: Final = 30  # days
_FEE_RULES: Final = (FeeLimit, PenaltyTiers)


def facts_of(snapshot: AccountSnapshot, receivable: Receivable, party: Party | None = None) -> LegalFacts:
    """Return what a rule may ask about a receivable; ask about a charge by what it was charged for (`Ledger.root`).

    `party` is who charges it, None where nobody said.
    """
    debtor = snapshot.debtor
    return LegalFacts(
        debtor_kind=debtor.kind, debt_kind=receivable.kind, jurisdiction=debtor.jurisdiction or None, party=party
    )


@attrs.frozen(kw_only=True)
class FeeRoom:
    """What each limit of the law leaves for a fee, strictest first; `blocked` says why there is none at all."""

    limits: tuple[tuple[Money, Reason], ...] = ()
    blocked: Reason | None = None

    def limit(self, amount: Money, reasons: list[Reason]) -> Money:
        """Return what is left of an amount; every limit that it would pass is added to the reasons."""
        passed = [(left, reason) for left, reason in self.limits if left < amount]
        reasons.extend(reason for _, reason in passed)
        return min((left for left, _ in passed), default=amount)


@attrs.frozen(kw_only=True)
class _Speaks:
    pack: RulePack
    rule: Rule
    value: Primitive
    cited: str

    @property
    def cite(self) -> str:
        return f"{self.cited}; {self.pack.label}"


class Law:
    """The packs of one look."""

    def __init__(self, packs: Sequence[RulePack], ledger: Ledger, party: Party | None = None) -> None:
        """Compose the packs; those that contradict one another are refused. `party` is who charges, None if unknown."""
        self.packs = sorted(packs, key=lambda one: one.id)
        self.rules = compose(packs)
        self.ledger = ledger
        self.party = party

    def warnings(self) -> tuple[str, ...]:
        """Name packs whose review ends within a month, every override, and a place that no pack serves."""
        ending = [
            f"{pack.label}: check it again before that day"
            for pack in self.packs
            if 0 <= (pack.reviewed_through - self.ledger.as_of).days < _REVIEW_SOON
        ]
        marked = [
            f"{pack.id} stands in the place of another pack of that id; {pack.override_by} answers for it"
            for pack in self.packs
            if pack.override_by
        ]
        for pack, rule in overrides(self.packs):
            is_on = isinstance(rule.parameters.at(self.ledger.as_of), InForce)
            idle = "" if is_on else ", which speaks today: the override is not in force"
            marked.append(f"{pack.id}: {rule.id} replaces {rule.replaces}{idle}; {rule.override_by} answers for it")
        return (*ending, *marked, *self._unserved())

    def _unserved(self) -> Iterator[str]:
        place = self.ledger.snapshot.debtor.jurisdiction
        if (
            place
            and self.packs
            and not any(one.serves(place) or lies_in(one.jurisdiction, place) for one in self.packs)
        ):
            theirs = ", ".join(sorted({pack.jurisdiction for pack in self.packs}))
            yield f"no rule pack given is of the debtor's jurisdiction {place}, they are of {theirs}; its law is unknown here"

    def _applying(
        self, receivable: Receivable, on: date, *kinds: type[object]
    ) -> Iterator[tuple[RulePack, Rule] | Reason]:
        """Yield the rules of a kind that are for the receivable, or the reason why that is not known on a day."""
        facts = facts_of(self.ledger.snapshot, self.ledger.root(receivable), self.party)
        for pack, rule in self.rules:
            if not any(isinstance(point.value, kinds) for point in rule.parameters.points):
                continue
            applies = rule.applies_to.judge(facts)
            if applies is False:
                continue
            if applies is None:
                lacking = ", ".join(rule.applies_to.lacks(facts))
                text = f"{rule.id} may apply, and a fact that it needs is not known: {lacking}"
                yield Reason(code="policy.law_unknown", text=text, cite=pack.label)
                continue
            found = rule.parameters.at(on)
            if isinstance(found, Stale):
                text = f"{rule.id} was reviewed through {found.known_through_on} only; renew the pack"
                yield Reason(code="policy.law_stale", text=text, cite=pack.label)
            else:
                yield pack, rule

    def _speaking(self, receivable: Receivable, on: date, *kinds: type[object]) -> Iterator[_Speaks | Reason]:
        """Yield the rules of a kind that apply on a day, or the reason why one cannot answer."""
        for one in self._applying(receivable, on, *kinds):
            if isinstance(one, Reason):
                yield one
                continue
            pack, rule = one
            found = rule.parameters.at(on)
            if isinstance(found, InForce) and isinstance(found.value, kinds):
                yield _Speaks(pack=pack, rule=rule, value=found.value, cited=rule.cited(found.citation, found.basis))

    # -- fees ------------------------------------------------------------------------------------------------

    @cached_property
    def limits_fees(self) -> bool:
        """Say whether any rule could lower a fee."""
        return any(isinstance(point.value, _FEE_RULES) for _, rule in self.rules for point in rule.parameters.points)

    @cached_property
    def counts_earlier_fees(self) -> bool:
        """Say whether a fee of an earlier day can change what a rule leaves for the next one."""
        return any(isinstance(point.value, PenaltyTiers) for _, rule in self.rules for point in rule.parameters.points)

    def fee_starts_on(self, receivable: Receivable, due_on: date) -> tuple[date, str] | None:
        """Return the first day on which every rule lets a fee be charged, with who says so; None where no rule does."""
        found = []
        for one in self._speaking(receivable, self.ledger.as_of, FeeLimit):
            if isinstance(one, _Speaks) and isinstance(one.value, FeeLimit):
                day = one.value.first_chargeable_on(due_on)
                text = f"the law lets no fee be charged before {day}"
                if one.rule.binds:
                    text = f"it waits until {day} by {one.rule.binds}"
                found.append((day, not one.rule.binds, text))
        if not found:
            return None
        day, _, text = max(found)
        return day, text

    def fee_room(self, receivable: Receivable, *, past_due: Money, instalment: Money, charged: Money) -> FeeRoom:
        """Return what every rule leaves for one more fee on a late payment, after the fees `charged` so far."""
        limits: list[tuple[Money, Reason]] = []
        for one in self._speaking(receivable, self.ledger.as_of, *_FEE_RULES):
            if isinstance(one, Reason):
                return FeeRoom(blocked=one)
            if isinstance(one.value, FeeLimit) and one.value.missed_cycles_min > self._missed_cycles(receivable):
                continue
            most = self._most(one.value, receivable, past_due=past_due, instalment=instalment)
            if isinstance(one.value, FeeLimit) and receivable.is_charge and not one.value.on_charges:
                text = f"no fee may arise from an unpaid charge: {one.rule.text}"
                if one.rule.binds:
                    text = f"none is made of an unpaid charge by {one.rule.binds}: {one.rule.text}"
                return FeeRoom(blocked=Reason(code="policy.law_on_charges", text=text, cite=one.cite))
            if most is None:
                text = f"{one.rule.id} states no amount in {past_due.currency}; nothing is converted"
                return FeeRoom(blocked=Reason(code="policy.law_unknown", text=text, cite=one.cite))
            left = Money(max(0, most.minor - charged.minor), most.currency)
            code, text = "policy.law_cap", f"limited to the {left} left of {most}: {one.rule.text}"
            if one.rule.binds:
                code = f"policy.{one.rule.force}_cap"
                text = f"kept to the {left} left of {most} by {one.rule.binds}: {one.rule.text}"
            limits.append((left, Reason(code=code, text=text, cite=one.cite)))
        return FeeRoom(limits=tuple(sorted(limits, key=lambda each: each[0].minor)))

    def _most(self, value: Primitive, receivable: Receivable, *, past_due: Money, instalment: Money) -> Money | None:
        if isinstance(value, FeeLimit):
            return value.limit(instalment if value.base == "instalment" else past_due)
        if isinstance(value, PenaltyTiers):
            if value.first.currency != instalment.currency:
                return None
            due_on = self.ledger.root(receivable).due_on
            return value.most(
                minimum_payment=instalment, cycle=(due_on.year, due_on.month), prior_cycles=self._fee_cycles(receivable)
            )
        return None

    def _missed_cycles(self, receivable: Receivable) -> int:
        """Count the consecutive months, ending with that of the debt, in which a payment of its kind is still open."""
        root = self.ledger.root(receivable)
        open_ids = {item.receivable.receivable_id for item in self.ledger.balance.open_items}
        unpaid = {
            one.due_on.year * 12 + one.due_on.month
            for one in self.ledger.snapshot.receivables
            if one.kind == root.kind and not one.is_charge and one.receivable_id in open_ids
        }
        month, count = root.due_on.year * 12 + root.due_on.month, 0
        while month - count in unpaid:
            count += 1
        return count

    def _fee_cycles(self, receivable: Receivable) -> Iterator[tuple[int, int]]:
        """Yield the cycles of earlier late payments for which a late fee was posted; interest and returns are none.

        What is posted on the day itself is no earlier fee, so that a second look of the day leaves no more than the first.
        """
        root = self.ledger.root(receivable)
        for posted in self.ledger.posted:
            if not is_fee(posted.receivable) or posted.period.startswith("payment-"):
                continue
            if posted.receivable.issued_on >= self.ledger.as_of or not self.ledger.stands(posted.receivable):
                continue
            parent = self.ledger.root(posted.receivable)
            if not parent.is_charge and parent.kind == root.kind and parent.due_on < root.due_on:
                yield (parent.due_on.year, parent.due_on.month)

    # -- interest --------------------------------------------------------------------------------------------

    def rate_caps(self, receivable: Receivable, on: date) -> list[tuple[RulePack, Rule]] | Reason:
        """List the rules that cap a yearly rate on some day up to `on`, or say why they are not known."""
        caps = []
        for one in self._applying(receivable, on, RateCap):
            if isinstance(one, Reason):
                return one
            caps.append(one)
        return caps

    # -- moratoria -------------------------------------------------------------------------------------------

    def frozen_on(self, receivable: Receivable, what: str, on: date) -> tuple[date, str] | None:
        """Return since when a day is frozen, with who says so, or None where it is free."""
        spans = ((start, cite) for start, end, cite in self.frozen(receivable, what) if start <= on < end)
        return next(spans, None)

    def frozen(self, receivable: Receivable, what: str) -> list[tuple[date, date, str]]:
        """List the spans `[from, until)` in which a moratorium freezes `what` ("fees", "interest"), with who says so."""
        spans = []
        for hold in self.ledger.snapshot.holds:
            if hold.reason not in MORATORIA or not any(
                _covers(hold, one) for one in (receivable, self.ledger.root(receivable))
            ):
                continue
            found = list(self._speaking(receivable, min(hold.placed_on, self.ledger.as_of), Moratorium))
            for one in found:
                if isinstance(one, Reason):  # a moratorium that may apply protects until somebody knows better
                    spans.append((hold.placed_on, hold.until_on or date.max, str(one)[:500]))
                elif isinstance(one.value, Moratorium) and what in one.value.freezes and _is_for(hold, one, found):
                    spans.append((hold.placed_on, _end_of(hold, [one]), one.cite))
        return spans

    def ends_on(self, hold: Hold) -> date | None:
        """Return the first day after a moratorium that was placed without an end, None where the law names none."""
        if hold.reason not in MORATORIA or hold.until_on is not None:
            return hold.until_on
        covered = [one for one in self.ledger.snapshot.receivables if not one.is_charge and _covers(hold, one)]
        on = min(hold.placed_on, self.ledger.as_of)
        ends = [_end_of(hold, list(self._speaking(one, on, Moratorium))) for one in covered]
        last = max(ends, default=date.max)
        return None if last == date.max else last


def _covers(hold: Hold, receivable: Receivable) -> bool:
    return not hold.receivable_ids or receivable.receivable_id in hold.receivable_ids


def _is_for(hold: Hold, speaks: _Speaks, found: Sequence[_Speaks | Reason]) -> bool:
    """Say whether a rule is for this kind of moratorium, where its pack has rules for both: of fixed days, and open."""
    own = [one for one in found if isinstance(one, _Speaks) and one.pack.id == speaks.pack.id]
    fixed = [one for one in own if isinstance(one.value, Moratorium) and one.value.days is not None]
    if not fixed or len(fixed) == len(own):
        return True
    return (speaks in fixed) == (hold.reason is HoldReason.BREATHING_SPACE)


def _end_of(hold: Hold, found: Sequence[_Speaks | Reason]) -> date:
    """Return the first day after a moratorium: as the hold says, else as every pack that speaks does, else never."""
    if hold.until_on is not None:
        return hold.until_on
    if not found or hold.reason is HoldReason.BREATHING_SPACE_CRISIS:
        return date.max
    ends = []
    for one in found:
        if isinstance(one, Reason):
            return date.max
        if isinstance(one.value, Moratorium) and _is_for(hold, one, found):
            last_on = one.value.last_on(hold.placed_on)
            ends.append(date.max if last_on is None else after(last_on, 1))
    return max(ends, default=date.max)
