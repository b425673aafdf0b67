"""Law as data: dated, cited parameters of a few primitives, and packs of them that can only tighten.

The mechanism is here, the figures stand in packs (`jurisdictions`, or a host's own file). A lookup gives a value in
force, `NotInForce` or `Stale`; an old figure is never carried past the day through which somebody reviewed it. A fact
that a rule needs and nobody gave makes its answer unknown, and unknown blocks. Nothing here reads a file or decides
about an account; contact windows are judged by `contact`, charges by `policy`.

General information, not legal advice; the user chooses the packs and decides whether they apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Generic, Literal, TypeVar, get_args

import attrs

from collectkit.core._primitives import (
    AprTolerance,
    CoolDown,
    Deadline,
    ExtensionTrigger,
    FeeLimit,
    LumpSum,
    LumpSumBand,
    Moratorium,
    Notice,
    NoticeWindow,
    PenaltyTiers,
    PlanTrigger,
    Primitive,
    RateCap,
    RateFloor,
    RateSelection,
    RollingCount,
    StatutoryInterest,
    TimeWindow,
    TimeWindows,
    WorkoutException,
    choice,
    is_looser,
    refuse,
)
from collectkit.core.checks import (
    as_tuple,
    each,
    identifier,
    instance_of,
    optional,
    plain_date,
    require_date,
    text_up_to,
    texts,
)
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.rates import NotInForce, RateTable, Stale
from collectkit.core.records import DebtorKind

__all__ = [
    "Applicability",
    "AprTolerance",
    "Basis",
    "Citation",
    "CoolDown",
    "Dated",
    "DatedValue",
    "Deadline",
    "ExtensionTrigger",
    "FeeLimit",
    "Force",
    "InForce",
    "LegalFacts",
    "LumpSum",
    "LumpSumBand",
    "Moratorium",
    "NotInForce",
    "Notice",
    "NoticeWindow",
    "PenaltyTiers",
    "PlanTrigger",
    "Primitive",
    "RateCap",
    "RateFloor",
    "RateSelection",
    "ReferenceSeries",
    "RollingCount",
    "Rule",
    "RulePack",
    "Stale",
    "Status",
    "StatutoryInterest",
    "TimeWindow",
    "TimeWindows",
    "WorkoutException",
    "compose",
    "is_looser",
]

T = TypeVar("T")

Status = Literal["in_force", "stayed", "vacated", "repealed", "not_yet"]
"""What stands behind a printed text: only `in_force` counts; what a code prints is not always in force."""

Force = Literal["law", "presumption", "guidance", "standard"]
"""How binding a rule is; guidance is never shown as a prohibition."""

Basis = Literal["official-text", "official-example", "secondary", "derived", "memory"]
"""Where the figure was seen; `memory` and `derived` figures await a source."""

# -- dated values ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Citation:
    """Who says so: authority, place in the text, where it was read, and when.

    >>> str(
    ...     Citation(
    ...         authority="SI 2002/1675", locator="art. 4", address="legislation.gov.uk", read_on=date(2026, 11, 22)
    ...     )
    ... )
    'SI 2002/1675, art. 4'
    """

    authority: str = attrs.field(validator=[text_up_to(300), identifier])
    locator: str = attrs.field(validator=text_up_to(300))
    address: str = attrs.field(validator=[text_up_to(500)])
    read_on: date = attrs.field(validator=plain_date)

    def __str__(self) -> str:
        return f"{self.authority}, {self.locator}" if self.locator else self.authority


@attrs.frozen(kw_only=True)
class DatedValue(Generic[T]):
    """From `from_on` (None: from before anyone looked) the value holds; None says that nothing holds from then on."""

    value: T | None
    citation: Citation = attrs.field(validator=instance_of(Citation))
    from_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    status: Status = "in_force"
    basis: Basis = "secondary"

    def __attrs_post_init__(self) -> None:
        choice("status", self.status, get_args(Status))
        choice("basis", self.basis, get_args(Basis))


@attrs.frozen(kw_only=True)
class InForce(Generic[T]):
    """A value that holds on the day asked, with who says so."""

    value: T
    citation: Citation
    basis: Basis
    from_on: date | None
    reviewed_through: date


@attrs.frozen(kw_only=True)
class Dated(Generic[T]):
    """A parameter that changes by date, reviewed through a day and not a day further.

    A point that was stayed or vacated, or is not in force yet, is passed over: the value before it stands. A repealed
    point ends the series.

    >>> source = Citation(authority="Reg.", locator="1", address="example.org", read_on=date(2026, 1, 1))
    >>> fee = Dated(
    ...     points=[
    ...         DatedValue(value=30, citation=source, from_on=date(2022, 1, 1)),
    ...         DatedValue(value=8, citation=source, from_on=date(2024, 5, 14), status="vacated"),
    ...     ],
    ...     reviewed_through=date(2026, 1, 31),
    ... )
    >>> fee.at(date(2025, 1, 1)).value
    30
    >>> fee.at(date(2026, 2, 1))
    Stale(as_of=datetime.date(2026, 2, 1), known_through_on=datetime.date(2026, 1, 31))

    Raises:
        InvalidPolicy: `rules.dated` where points are missing or out of order.
    """

    points: tuple[DatedValue[T], ...] = attrs.field(converter=as_tuple, validator=each(DatedValue))
    reviewed_through: date = attrs.field(validator=plain_date)

    def __attrs_post_init__(self) -> None:
        if not self.points:
            refuse("rules.dated", "points", "a dated parameter needs one point or more")
        days = [date.min if one.from_on is None else one.from_on for one in self.points]
        if any(later <= earlier for earlier, later in pairwise(days)):
            refuse("rules.dated", "points", "points must be in order of from_on, one for a day")

    def at(self, as_of: date) -> InForce[T] | NotInForce | Stale:
        """Look up what holds on a day.

        Raises:
            InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
        """
        if require_date(as_of, "as_of") > self.reviewed_through:
            return Stale(as_of=as_of, known_through_on=self.reviewed_through)
        found: DatedValue[T] | None = None
        for point in self.points:
            if point.from_on is not None and point.from_on > as_of:
                break
            if point.status in ("in_force", "repealed"):
                found = point
        if found is None:
            return NotInForce(as_of=as_of, reason="before_start")
        if found.value is None or found.status == "repealed":
            return NotInForce(as_of=as_of, reason="ended")
        return InForce(
            value=found.value,
            citation=found.citation,
            basis=found.basis,
            from_on=found.from_on,
            reviewed_through=self.reviewed_through,
        )


@attrs.frozen(kw_only=True)
class ReferenceSeries:
    """A published reference rate, in percent per year as a fraction of the whole; it may be below zero."""

    id: str = attrs.field(validator=identifier)
    title: str = attrs.field(validator=text_up_to(300))
    values: Dated[Fraction] = attrs.field(validator=instance_of(Dated))

    @classmethod
    def from_table(cls, *, series_id: str, title: str, table: RateTable, citation: Citation) -> ReferenceSeries:
        """Make a series of a table of rates that the host keeps, with one source for all of it."""
        points = [
            DatedValue(value=None if step.rate is None else step.rate.annual, citation=citation, from_on=step.from_on)
            for step in table.steps
        ]
        return cls(id=series_id, title=title, values=Dated(points=points, reviewed_through=table.known_through_on))

    def change_days(self, start_on: date, end_on: date) -> list[date]:
        """List the days inside `(start_on, end_on)` on which a new value begins."""
        days = [one.from_on for one in self.values.points]
        return [day for day in days if day is not None and start_on < day < end_on]


# -- to whom ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LegalFacts:
    """What a rule may ask about a case; None means that nobody said."""

    debtor_kind: DebtorKind | None = attrs.field(default=None, converter=attrs.converters.optional(DebtorKind))
    party: Literal["first_party", "agency"] | None = None
    debt_kind: str | None = None


@attrs.frozen(kw_only=True)
class Applicability:
    """For whom a rule speaks; an empty list means everybody.

    >>> consumers = Applicability(debtor_kinds=("consumer",))
    >>> consumers.judge(LegalFacts(debtor_kind="business")), consumers.judge(LegalFacts())
    (False, None)
    """

    debtor_kinds: tuple[str, ...] = attrs.field(default=(), converter=texts)
    parties: tuple[str, ...] = attrs.field(default=(), converter=texts)
    debt_kinds: tuple[str, ...] = attrs.field(default=(), converter=texts)

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
        return None if any(given is None for _, given in asked) else True


# -- rules and packs -------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Rule:
    """One named test with its dated parameters, for whom it speaks and how binding it is.

    A rule may say that it `replaces` one of another pack; unless a person marks it as an override (`override_by`), it
    may only be stricter, and both speak.
    """

    id: str = attrs.field(validator=identifier)
    topic: str = attrs.field(validator=identifier)
    text: str = attrs.field(validator=text_up_to(1000))
    parameters: Dated[Primitive] = attrs.field(validator=instance_of(Dated))
    force: Force = "law"
    applies_to: Applicability = Applicability()
    replaces: str = ""
    override_by: str = ""

    def __attrs_post_init__(self) -> None:
        choice("force", self.force, get_args(Force))


@attrs.frozen(kw_only=True)
class RulePack:
    """The dated rules of one place, with the day through which somebody checked them; none is active by default.

    `needs` names packs without which this one must not be used, such as the federal one under a state's. General
    information, not legal advice, provisional as of `reviewed_through`: a court can void printed text. The output is
    evidence for a human decision. The user chooses packs and decides whether they apply. No warranty.
    """

    id: str = attrs.field(validator=identifier)
    version: str = attrs.field(validator=identifier)
    jurisdiction: str = attrs.field(validator=identifier)
    title: str = attrs.field(validator=text_up_to(300))
    reviewed_through: date = attrs.field(validator=plain_date)
    rules: tuple[Rule, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Rule))
    series: tuple[ReferenceSeries, ...] = attrs.field(default=(), converter=as_tuple, validator=each(ReferenceSeries))
    needs: tuple[str, ...] = attrs.field(default=(), converter=texts)

    def __attrs_post_init__(self) -> None:
        known = {one.id for one in self.series}
        problems = []
        for number, rule in enumerate(self.rules):
            for point in rule.parameters.points:
                name = getattr(point.value, "series", "")
                if name and name not in known:
                    problems.append(
                        Problem(
                            code="rules.series",
                            path=f"rules[{number}]",
                            text=f"{rule.id} refers to a reference series that the pack does not hold",
                            value=name,
                            choices=tuple(sorted(known)),
                        )
                    )
        ids = [rule.id for rule in self.rules]
        for name in sorted({name for name in ids if ids.count(name) > 1}):
            problems.append(Problem(code="rules.duplicate", path="rules", text="a rule stands twice", value=name))
        if problems:
            raise InvalidPolicy(problems)

    @property
    def label(self) -> str:
        """Return id, version and review date, as shown wherever the pack speaks."""
        return f"{self.id}/{self.version} (reviewed through {self.reviewed_through})"

    def rule(self, rule_id: str) -> Rule:
        """Return a rule by its id.

        Raises:
            InvalidPolicy: `rules.unknown`, with the ids there are.
        """
        found = next((one for one in self.rules if one.id == rule_id), None)
        if found is None:
            ids = tuple(one.id for one in self.rules)
            raise InvalidPolicy(
                [Problem(code="rules.unknown", path=self.id, text="no rule has that id", value=rule_id, choices=ids)]
            )
        return found

    def rules_on(self, topic: str) -> tuple[Rule, ...]:
        """Return the rules of a topic."""
        return tuple(one for one in self.rules if one.topic == topic)

    def with_series(self, series: ReferenceSeries) -> RulePack:
        """Return the pack with a reference series of the host's own in the place of the one of its id.

        The version shows it, so that a decision names what it was made with.

        Raises:
            InvalidPolicy: `rules.unknown` where the pack has no series of that id.
        """
        self.series_of(series.id)
        kept = tuple(series if one.id == series.id else one for one in self.series)
        return attrs.evolve(self, series=kept, version=f"{self.version}+{series.id}:{series.values.reviewed_through}")

    def series_of(self, series_id: str) -> ReferenceSeries:
        """Return a reference series by its id.

        Raises:
            InvalidPolicy: `rules.unknown`.
        """
        found = next((one for one in self.series if one.id == series_id), None)
        if found is None:
            ids = tuple(one.id for one in self.series)
            raise InvalidPolicy(
                [
                    Problem(
                        code="rules.unknown", path=self.id, text="no series has that id", value=series_id, choices=ids
                    )
                ]
            )
        return found


def compose(packs: Iterable[RulePack]) -> tuple[tuple[RulePack, Rule], ...]:
    """Put packs together: every rule of every pack speaks, in a fixed order, whatever the order of the packs.

    The strictest answer wins where the rules are applied, and all of them are cited. Only a rule that a person marked
    as an override silences the one it replaces.

    Raises:
        InvalidPolicy: `rules.base_missing` for an overlay without its base, `rules.loosens` for a rule that is looser
            than the one it replaces and is not marked, `rules.duplicate` for a pack that comes twice.
    """
    given = sorted(packs, key=lambda one: one.id)
    ids = [one.id for one in given]
    problems = [
        Problem(code="rules.duplicate", path="packs", text="a pack stands twice; keep one version", value=name)
        for name in sorted({name for name in ids if ids.count(name) > 1})
    ]
    for pack in given:
        problems += [
            Problem(code="rules.base_missing", path=pack.id, text=f"must not be used without {name}", choices=(name,))
            for name in pack.needs
            if name not in ids
        ]
    every = {rule.id: rule for pack in given for rule in pack.rules}
    silenced = set()
    for pack in given:
        for rule in pack.rules:
            replaced = every.get(rule.replaces)
            if replaced is None:
                continue
            if rule.override_by:
                silenced.add(replaced.id)
            elif any(
                is_looser(new.value, old.value) for new in rule.parameters.points for old in replaced.parameters.points
            ):
                problems.append(
                    Problem(
                        code="rules.loosens",
                        path=f"{pack.id}.{rule.id}",
                        text=f"is looser than {replaced.id}, which it replaces; tighten it, or mark it with override_by "
                        "and the name of the person who answers for it",
                    )
                )
    if problems:
        raise InvalidPolicy(problems)
    return tuple((pack, rule) for pack in given for rule in pack.rules if rule.id not in silenced)
