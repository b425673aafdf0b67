"""Whether everything that charges need is known on a day: rates, rules, reviews, bases of overlays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.interest import RateTerms, rate_pieces
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.rates import NotInForce, Stale
from collectkit.core.rules import InForce, RulePack, compose

__all__ = ["readiness_on"]


def readiness_on(policies: ChargePolicy, on: date, *, packs: Sequence[RulePack] = ()) -> tuple[Problem, ...]:
    """List what charging on a day would lack, each with its path; nothing is left to be found one account at a time.

    A rate series that ends before the day, a rule not in force, a pack past its review, an overlay without its base.
    Ask it for the day on which a strategy goes live, and for the last one it is to run.

    >>> from collectkit import jurisdictions
    >>> from collectkit._policy.interest import InterestPolicy
    >>> uk = jurisdictions.load("uk-late-payment")
    >>> terms = RateTerms(pack=uk, rule_id="uk.lpcda.interest")
    >>> policies = ChargePolicy(interest=[InterestPolicy(id="statutory", terms=terms)])
    >>> readiness_on(policies, date(2026, 11, 22), packs=[uk])
    ()
    >>> print(readiness_on(policies, date(2027, 1, 1), packs=[uk])[0])
    interest[0].terms: statutory has no rate for 2027-01-01; it is known through 2026-11-22 only, so nothing is charged
    """
    require_date(on, "on")
    return tuple(_lacking(policies, on, packs))


def _lacking(policies: ChargePolicy, on: date, packs: Sequence[RulePack]) -> Iterator[Problem]:
    for number, interest in enumerate(policies.interest):
        found = _rate_on(interest.terms, on)
        if found is not None:
            text = f"{interest.id} has no rate for {on}; {found}, so nothing is charged"
            yield Problem(code="policy.no_rate", path=f"interest[{number}].terms", text=text)
    for number, lump in enumerate(policies.recovery_sums):
        at = lump.pack.rule(lump.rule_id).parameters.at(on)
        if not isinstance(at, InForce):
            text = f"{lump.id} has no sum for {on}; {_said(at)}, so nothing is charged"
            yield Problem(code="policy.no_sum", path=f"recovery_sums[{number}].rule_id", text=text)
    for number, pack in enumerate(packs):
        if on > pack.reviewed_through:
            text = f"{pack.label} is past its review on {on}; where it speaks nothing is charged"
            yield Problem(code="policy.pack_stale", path=f"packs[{number}]", text=text)
    try:
        compose(packs)
    except InvalidPolicy as error:
        yield from error.problems


def _rate_on(terms: RateTerms, on: date) -> str | None:
    start_on = date.fromordinal(max(2, min(on.toordinal(), date.max.toordinal() - 1)))
    found = rate_pieces(
        terms,
        due_on=date.fromordinal(start_on.toordinal() - 1),
        start_on=start_on,
        end_on=date.fromordinal(start_on.toordinal() + 1),
    )
    return _said(found) if isinstance(found, (NotInForce, Stale)) else None


def _said(found: object) -> str:
    if isinstance(found, Stale):
        return f"it is known through {found.known_through_on} only"
    return "the rule is not in force"
