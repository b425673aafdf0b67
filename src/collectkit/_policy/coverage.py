"""What charges are checked for when they are made: the days they are to serve, the packs, places and debtors.

Nothing is charged here, and nothing is left to be found one account at a time: a rate series that ends too early, a
rule not in force, a pack past its review or without its base, a place without a pack, a zone or kind of debtor that
nobody named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import attrs

from collectkit._policy.interest import InterestPolicy, RateTerms, RecoverySumPolicy, rate_pieces
from collectkit.core.calendars import zone
from collectkit.core.checks import as_tuple, each, plain_date, texts
from collectkit.core.errors import CollectkitError, InvalidPolicy, Problem
from collectkit.core.rates import NotInForce, Stale
from collectkit.core.records import DebtorKind
from collectkit.core.rules import Dated, InForce, RulePack, compose

__all__ = ["Coverage", "contradictions", "lacking_in", "lacking_of_places", "lacking_on", "packs_of"]

_DEBTORS = tuple(kind.value for kind in DebtorKind)


@attrs.frozen(kw_only=True)
class Coverage:
    """For which days `[start_on, end_on)`, places and debtors charges are made, and with which packs.

    `jurisdictions` are places such as "DE"; each needs a pack. `zones` are where the debtors may be: they say which
    day it is. A `ChargePolicy` that is given one checks itself against it when it is made.
    """

    start_on: date = attrs.field(validator=plain_date)
    end_on: date = attrs.field(validator=plain_date)
    packs: tuple[RulePack, ...] = attrs.field(default=(), converter=as_tuple, validator=each(RulePack))
    jurisdictions: tuple[str, ...] = attrs.field(default=(), converter=texts)
    debtor_kinds: tuple[str, ...] = attrs.field(default=(), converter=texts)
    zones: tuple[str, ...] = attrs.field(default=(), converter=texts)


def lacking_in(
    covering: Coverage, *, interest: Sequence[InterestPolicy], recovery_sums: Sequence[RecoverySumPolicy]
) -> Iterator[Problem]:
    """Yield everything that the charges would lack on some day that they are to serve."""
    yield from lacking_of_places(covering)
    if covering.start_on >= covering.end_on:
        yield _problem("invalid", "covering.end_on", f"{covering.end_on} must lie after start_on {covering.start_on}")
        return
    seen: set[tuple[str, str]] = set()
    for on in _days(covering, interest, recovery_sums):
        for problem in lacking_on(on, interest=interest, recovery_sums=recovery_sums, packs=covering.packs):
            path = problem.path if not problem.path.startswith("packs") else f"covering.{problem.path}"
            if (problem.code, path) not in seen:
                seen.add((problem.code, path))
                yield attrs.evolve(problem, path=path)
    yield from contradictions(covering.packs, "covering.packs")


def lacking_of_places(covering: Coverage) -> Iterator[Problem]:
    """Yield places without a pack, and a zone or kind of debtor that nobody named, or that does not exist."""
    served = tuple(sorted({place for pack in covering.packs for place in pack.places}))
    for number, place in enumerate(covering.jurisdictions):
        if not any(pack.serves(place) for pack in covering.packs):
            text = "no pack given serves that jurisdiction; name its pack, or leave the place out"
            yield _problem(
                "unknown_jurisdiction", f"covering.jurisdictions[{number}]", text, value=place, choices=served
            )
    if not covering.zones:
        yield _problem("missing", "covering.zones", "say where the debtors may be: the zone says which day it is")
    for number, name in enumerate(covering.zones):
        try:
            zone(name)
        except CollectkitError as error:
            yield _problem("zone", f"covering.zones[{number}]", error.text, value=name)
    if not covering.debtor_kinds:
        text = "say whether the debtors are consumers or businesses: the law asks for it"
        yield _problem("missing", "covering.debtor_kinds", text, choices=_DEBTORS)
    for number, kind in enumerate(covering.debtor_kinds):
        if kind not in _DEBTORS:
            yield _problem(
                "choice", f"covering.debtor_kinds[{number}]", "no kind of debtor", value=kind, choices=_DEBTORS
            )


def lacking_on(
    on: date,
    *,
    interest: Sequence[InterestPolicy],
    recovery_sums: Sequence[RecoverySumPolicy],
    packs: Sequence[RulePack],
) -> Iterator[Problem]:
    """Yield what charging on one day would lack: rates, sums, reviews."""
    for number, one in enumerate(interest):
        found = _rate_on(one.terms, on)
        if found is not None:
            text = f"{one.id} has no rate for {on}; {found}, so nothing is charged"
            yield _problem("no_rate", f"interest[{number}].terms", text)
    for number, lump in enumerate(recovery_sums):
        at = lump.pack.rule(lump.rule_id).parameters.at(on)
        if not isinstance(at, InForce):
            text = f"{lump.id} has no sum for {on}; {_said(at)}, so nothing is charged"
            yield _problem("no_sum", f"recovery_sums[{number}].rule_id", text)
    for number, pack in enumerate(packs):
        if on > pack.reviewed_through:
            text = f"{pack.label} is past its review on {on}; where it speaks nothing is charged"
            yield _problem("pack_stale", f"packs[{number}]", text)


def contradictions(packs: Sequence[RulePack], path: str = "") -> Iterator[Problem]:
    """Yield what stands against using packs together: a base that is missing, a rule that loosens another, a pack twice."""
    try:
        compose(packs)
    except InvalidPolicy as error:
        for problem in error.problems:
            inner = path if problem.path == "packs" else f"{path}.{problem.path}"
            yield attrs.evolve(problem, path=inner if path else problem.path)


# -- details ---------------------------------------------------------------------------------------------------


def _problem(reason: str, path: str, text: str, *, value: str | None = None, choices: Iterable[str] = ()) -> Problem:
    return Problem(code=f"policy.{reason}", path=path, text=text, value=value, choices=tuple(choices))


def _days(
    covering: Coverage, interest: Sequence[InterestPolicy], recovery_sums: Sequence[RecoverySumPolicy]
) -> list[date]:
    """List the days on which an answer could change: the first, the last, and every day a figure begins or its review ends."""
    last_on = covering.end_on - timedelta(days=1)
    days = {covering.start_on, last_on}
    for pack in packs_of(interest, recovery_sums):
        dated: list[Dated[Any]] = [rule.parameters for rule in pack.rules]
        dated += [series.values for series in pack.series]
        for values in dated:
            days |= {point.from_on for point in values.points if point.from_on is not None}
            days |= {values.reviewed_through + timedelta(days=1)} if values.reviewed_through < last_on else set()
    return sorted(day for day in days if covering.start_on <= day <= last_on)


def packs_of(interest: Sequence[InterestPolicy], recovery_sums: Sequence[RecoverySumPolicy]) -> Iterator[RulePack]:
    """Yield the packs that rates and sums are taken from."""
    for one in interest:
        if one.terms.pack is not None:
            yield one.terms.pack
        if one.terms.floor is not None:
            yield one.terms.floor[0]
    for lump in recovery_sums:
        yield lump.pack


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
