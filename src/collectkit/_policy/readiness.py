"""Whether everything that charges need is known on a day: rates, rules, reviews, bases of overlays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.coverage import contradictions, lacking_on
from collectkit.core.checks import require_date
from collectkit.core.errors import Problem
from collectkit.core.rules import RulePack

__all__ = ["readiness_on"]


def readiness_on(policies: ChargePolicy, on: date, *, packs: Sequence[RulePack] = ()) -> tuple[Problem, ...]:
    """List what charging on a day would lack, each with its path; nothing is left to be found one account at a time.

    A rate series that ends before the day, a rule not in force, a pack past its review, an overlay without its base.
    Ask it for a day that a policy meets later than it was made for; `ChargePolicy(covering=...)` asks when it is made.

    >>> from collectkit import jurisdictions
    >>> from collectkit._policy.interest import InterestPolicy, RateTerms
    >>> uk = jurisdictions.load("uk-late-payment")
    >>> terms = RateTerms(pack=uk, rule_id="uk.lpcda.interest")
    >>> policies = ChargePolicy(interest=[InterestPolicy(id="statutory", terms=terms)])
    >>> readiness_on(policies, date(2026, 11, 22), packs=[uk])
    ()
    >>> print(readiness_on(policies, date(2027, 1, 1), packs=[uk])[0])
    interest[0].terms: statutory has no rate for 2027-01-01; it is known through 2026-11-22 only, so nothing is charged
    """
    require_date(on, "on")
    found = lacking_on(on, interest=policies.interest, recovery_sums=policies.recovery_sums, packs=packs)
    return (*found, *contradictions(packs))
