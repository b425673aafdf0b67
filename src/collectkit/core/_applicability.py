"""For whom a rule speaks, and where: facts of a case, tests on them, and places that lie in one another.

Import from `core.rules`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import attrs

from collectkit.core.checks import as_tuple, texts
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.records import DebtorKind

__all__ = ["Applicability", "LegalFacts", "is_place", "lies_in", "no_place"]


@attrs.frozen(kw_only=True)
class LegalFacts:
    """What a rule may ask about a case; None means that nobody said."""

    debtor_kind: DebtorKind | None = attrs.field(default=None, converter=attrs.converters.optional(DebtorKind))
    party: Literal["first_party", "agency"] | None = None
    debt_kind: str | None = None
    jurisdiction: str | None = None


@attrs.frozen(kw_only=True)
class Applicability:
    """For whom a rule speaks; an empty list means everybody.

    `places` are those whose law it is, such as `GB`: it is silent where the debtor's jurisdiction is known to be
    another, and speaks where nobody said. `except_for` takes out those for whom another rule stands in its place.

    >>> consumers = Applicability(debtor_kinds=("consumer",))
    >>> consumers.judge(LegalFacts(debtor_kind="business")), consumers.judge(LegalFacts())
    (False, None)
    """

    debtor_kinds: tuple[str, ...] = attrs.field(default=(), converter=texts)
    parties: tuple[str, ...] = attrs.field(default=(), converter=texts)
    debt_kinds: tuple[str, ...] = attrs.field(default=(), converter=texts)

    places: tuple[str, ...] = attrs.field(default=(), converter=texts)
    except_for: tuple[Applicability, ...] = attrs.field(default=(), converter=as_tuple)

    def __attrs_post_init__(self) -> None:
        if bad := [place for place in self.places if not is_place(place)]:
            raise InvalidPolicy([no_place("places", bad[0])])

    def judge(self, facts: LegalFacts) -> bool | None:
        """Say whether the rule speaks in a case; None where a fact that it needs is missing."""
        pairs = (
            (self.debtor_kinds, facts.debtor_kind),
            (self.parties, facts.party),
            (self.debt_kinds, facts.debt_kind),
        )
        asked = [(names, given) for names, given in pairs if names]
        if any(given is not None and given not in names for names, given in asked):
            return False
        where = facts.jurisdiction
        if self.places and where and not any(lies_in(where, one) or lies_in(one, where) for one in self.places):
            return False
        if any(other.judge(facts) for other in self.except_for):
            return False
        return None if any(given is None for _, given in asked) else True

    def lacks(self, facts: LegalFacts) -> tuple[str, ...]:
        """Name the facts that it needs and nobody gave."""
        pairs = (
            ("the kind of debtor", self.debtor_kinds, facts.debtor_kind),
            ("who charges (party)", self.parties, facts.party),
            ("the kind of debt", self.debt_kinds, facts.debt_kind),
        )
        return tuple(name for name, needed, given in pairs if needed and given is None)

    def covers(self, other: Applicability) -> bool:
        """Say whether it surely speaks wherever another one does."""
        pairs = (
            (self.debtor_kinds, other.debtor_kinds),
            (self.parties, other.parties),
            (self.debt_kinds, other.debt_kinds),
        )
        if any(mine and not (theirs and set(theirs) <= set(mine)) for mine, theirs in pairs):
            return False
        is_near = not self.places or (
            bool(other.places) and all(any(lies_in(one, mine) for mine in self.places) for one in other.places)
        )
        return is_near and set(self.except_for) <= set(other.except_for)


def lies_in(place: str, larger: str) -> bool:
    """Say whether a place is another one or lies in it: US-MA lies in US; UK is read as GB, and EL as GR.

    >>> lies_in("US-MA", "US"), lies_in("US", "US-MA"), lies_in("uk", "GB")
    (True, False, True)
    """
    one, other = (_parts(name) for name in (place, larger))
    return one[: len(other)] == other


def is_place(text: str) -> bool:
    """Say whether a text has the form of a place."""
    return _PLACE.fullmatch(text) is not None


def no_place(path: str, value: str) -> Problem:
    text = "a place is an ISO 3166 code such as DE, GB or US-MA, or EU"
    return Problem(code="rules.place", path=path, text=text, value=value)


# -- details ---------------------------------------------------------------------------------------------------

_SAME_PLACE: Final = {"UK": "GB", "EL": "GR"}  # not of ISO 3166, and in common use
_PLACE: Final = re.compile(r"(?!UK|EL)[A-Z]{2}(?:-[A-Z0-9]{1,3})?", re.ASCII)


def _parts(place: str) -> list[str]:
    first, *rest = place.upper().split("-")
    return [_SAME_PLACE.get(first, first), *rest]
