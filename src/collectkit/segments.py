"""Segments: which kind of debtor this is, told from facts by rules that anyone can read.

The first rule whose guard holds gives the segment; where none holds, it is `STANDARD`, so every account has exactly
one. The features are counted here and nowhere else. Protected attributes are no features. Nothing here contacts,
charges or escalates: a segment only chooses which policy and which ladder speak.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any, Final, get_args

import attrs

from collectkit.core.aging import AgedAccount
from collectkit.core.checks import as_tuple, each, identifier
from collectkit.core.decisions import Reason
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.guards import AccountFacts, AnyOf, Guard, bounds_on, implies, judge
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot
from collectkit.core.waterfall import Balance

__all__ = ["STANDARD", "Classified", "SegmentRule", "Segmentation", "classify", "features"]

STANDARD: Final = "standard"
"""The segment of an account for which no rule speaks."""


@attrs.frozen(kw_only=True)
class SegmentRule:
    """One segment: every account for which `when` holds and no earlier rule did."""

    id: str = attrs.field(validator=identifier)
    when: Guard = attrs.field()

    @when.validator
    def _check_when(self, _attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, get_args(Guard)):
            text = f"a guard is needed, not {type(value).__name__}"
            raise InvalidPolicy([Problem(code="segments.guard", path=self.id, text=text)])


@attrs.frozen(kw_only=True)
class Segmentation:
    """An ordered list of rules, checked at birth: no id twice, no rule that an earlier one hides.

    >>> from collectkit.core.guards import AtLeast
    >>> often = SegmentRule(id="chronic", when=AtLeast(fact="late_ratio", bound="0.5"))
    >>> Segmentation(rules=(often, SegmentRule(id="very-chronic", when=AtLeast(fact="late_ratio", bound="0.8"))))
    Traceback (most recent call last):
    ...
    collectkit.core.errors.InvalidPolicy: 1 problem
      [1]: segment very-chronic can never be reached: chronic, before it, always holds where it does

    Raises:
        InvalidPolicy: `segments.duplicate`, `segments.shadowed`, `segments.reserved`.
    """

    rules: tuple[SegmentRule, ...] = attrs.field(default=(), converter=as_tuple, validator=each(SegmentRule))

    @rules.validator
    def _check(self, _attribute: attrs.Attribute[Any], rules: tuple[SegmentRule, ...]) -> None:
        problems = []
        for place, rule in enumerate(rules):
            earlier = rules[:place]
            if rule.id == STANDARD:
                text = f"{STANDARD} is the segment of everyone else and has no rule; choose another id"
                problems.append(Problem(code="segments.reserved", path=f"[{place}]", text=text))
            if any(rule.id == other.id for other in earlier):
                problems.append(
                    Problem(code="segments.duplicate", path=f"[{place}]", text=f"segment {rule.id} stands twice")
                )
                continue
            hiding = [other.id for other in earlier if implies(rule.when, other.when)][:1]
            if not hiding and implies(rule.when, AnyOf(tests=[other.when for other in earlier])):
                hiding = [other.id for other in earlier]
            if hiding:
                text = f"segment {rule.id} can never be reached: {' or '.join(hiding)}, before it, always holds where it does"
                problems.append(Problem(code="segments.shadowed", path=f"[{place}]", text=text))
        if problems:
            raise InvalidPolicy(problems)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return all segments an account can be in, `STANDARD` last."""
        return (*(rule.id for rule in self.rules), STANDARD)


@attrs.frozen(kw_only=True)
class Classified:
    """The segment, why, and the next day on which it could differ by itself."""

    segment: str
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))
    next_on: date | None = None


def classify(*, segmentation: Segmentation, facts: AccountFacts, oldest_due_on: date | None = None) -> Classified:
    """Give the account its segment: the first rule that holds, else `STANDARD`.

    `oldest_due_on` is the due date from which days past due are counted; with it, `next_on` names the first later day
    on which a test on a growing number of days may turn.

    >>> from collectkit.core.guards import AtLeast
    >>> rules = Segmentation(rules=(SegmentRule(id="first-time", when=AtLeast(fact="open_count", bound=1)),))
    >>> classify(segmentation=rules, facts=AccountFacts(as_of=date(2026, 3, 1), open_count=2)).segment
    'first-time'
    """
    next_on = _next_turn(segmentation, facts, oldest_due_on)
    for rule in segmentation.rules:
        verdict = judge(rule.when, facts)
        if verdict:
            why = "; ".join(verdict.why) or "it holds for every account"
            reason = Reason(code="segments.rule", text=f"segment {rule.id}, because {why}")
            return Classified(segment=rule.id, reasons=(reason,), next_on=next_on)
    reason = Reason(code="segments.standard", text=f"segment {STANDARD}, because no other segment's rule holds")
    return Classified(segment=STANDARD, reasons=(reason,), next_on=next_on)


def features(
    *,
    snapshot: AccountSnapshot,
    balance: Balance,
    aged: AgedAccount,
    promises_kept: int = 0,
    promises_broken: int = 0,
    plans_broken: int = 0,
    score: int | None = None,
) -> AccountFacts:
    """Count what the guards of segments, stages and limits may ask about an account on `snapshot.as_of`.

    Only principal counts; receivables that are not yet settled say nothing about lateness. Outcomes of promises and
    plans are judged in their own rooms and passed in as numbers.
    """
    as_of = snapshot.as_of
    principal = [item for item in balance.items if not item.receivable.is_charge]
    settled = [(item.receivable.due_on, item.settled_on) for item in principal if item.settled_on is not None]
    late = sum(1 for due_on, settled_on in settled if settled_on > due_on)
    beyond = sum((settled_on - due_on).days for due_on, settled_on in settled)
    first = snapshot.account.opened_on or min((item.receivable.issued_on for item in principal), default=None)
    return AccountFacts(
        as_of=as_of,
        days_past_due=aged.days_past_due,
        past_due_count=sum(1 for item in aged.items if item.days_past_due > 0 and not item.is_charge),
        open_count=len(balance.open_items),
        settled_count=len(settled),
        late_settled_count=late,
        late_ratio=Fraction(late, len(settled)) if settled else None,
        days_known=None if first is None or first > as_of else (as_of - first).days,
        days_beyond_terms=Fraction(beyond, len(settled)) if settled else None,
        promises_kept=promises_kept,
        promises_broken=promises_broken,
        plans_broken=plans_broken,
        payments_returned=sum(
            1 for one in snapshot.payments if one.returned_on is not None and one.returned_on <= as_of
        ),
        notices_sent=sum(1 for one in snapshot.notices if one.cycle == snapshot.cycle and one.sent_on is not None),
        cycle=snapshot.cycle,
        score=score,
        arrears=aged.arrears,
        amount_open=_sums(balance),
        debtor_kind=frozenset({snapshot.debtor.kind.value}),
        flag=frozenset(flag.kind.value for flag in snapshot.debtor.flags if flag.is_active(as_of)),
        label=frozenset(snapshot.account.labels),
        jurisdiction=_places(snapshot.debtor.jurisdiction),
        creditor=frozenset({snapshot.account.creditor_id} - {""}),
    )


# -- details ---------------------------------------------------------------------------------------------------


def _sums(balance: Balance) -> tuple[Money, ...]:
    return tuple(balance.amount_open.values())


def _places(jurisdiction: str) -> frozenset[str]:
    """Return the place and every larger one it lies in: US-MA lies in US."""
    parts = jurisdiction.split("-")
    return frozenset("-".join(parts[: end + 1]) for end in range(len(parts))) - {""}


def _next_turn(segmentation: Segmentation, facts: AccountFacts, oldest_due_on: date | None) -> date | None:
    today = facts.as_of.toordinal()
    starts: dict[str, int] = {}
    if oldest_due_on is not None:
        starts["days_past_due"] = oldest_due_on.toordinal()
    if facts.days_known is not None:
        starts["days_known"] = today - facts.days_known
    turns = (
        start + bound
        for fact, start in starts.items()
        for rule in segmentation.rules
        for bound in bounds_on(rule.when, fact)
    )
    turn = min((turn for turn in turns if today < turn <= date.max.toordinal()), default=None)
    return None if turn is None else date.fromordinal(turn)
