"""Law as data: dated, cited parameters of a few primitives, and packs of them that can only tighten.

The mechanism is here, the figures stand in packs (`jurisdictions`, or a host's own file). A lookup gives a value in
force, `NotInForce` or `Stale`; an old figure is never carried past the day through which somebody reviewed it. A fact
that a rule needs and nobody gave makes its answer unknown, and unknown blocks. Nothing here reads a file or decides
about an account; contact windows are judged by `contact`, charges by `policy`.

General information, not legal advice; the user chooses the packs and decides whether they apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Final, Generic, Literal, TypeVar, get_args

import attrs

from collectkit.core._applicability import Applicability, LegalFacts, is_place, lies_in, no_place
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
    refuse,
)
from collectkit.core._strictness import is_looser, looser_in
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
    "lies_in",
    "overrides",
]

T = TypeVar("T")

Status = Literal["in_force", "stayed", "vacated", "repealed", "not_yet"]
"""What stands behind a printed text: only `in_force` counts; what a code prints is not always in force."""

Force = Literal["law", "presumption", "guidance", "standard"]
"""How binding a rule is; guidance is never shown as a prohibition."""

Basis = Literal["official-text", "official-example", "secondary", "derived", "memory"]
"""Where the figure was seen; `memory` and `derived` figures await a source."""

MAX_CITE_LENGTH: Final = 500
"""How long a citation may be with the label of its pack: as much as a reason holds."""

# -- dated values ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Citation:
    """Who says so: authority, place in the text, where it was read, and when.

    `address` is a page, a file or a shelf mark where somebody can look it up; "-" says that there is none.

    >>> str(
    ...     Citation(
    ...         authority="SI 2002/1675", locator="art. 4", address="legislation.gov.uk", read_on=date(2026, 11, 22)
    ...     )
    ... )
    'SI 2002/1675, art. 4'
    """

    authority: str = attrs.field(validator=[text_up_to(300), identifier])
    locator: str = attrs.field(validator=text_up_to(300))
    address: str = attrs.field(validator=text_up_to(500))
    read_on: date = attrs.field(validator=plain_date)

    def __attrs_post_init__(self) -> None:
        if not self.address.strip():
            refuse("rules.citation", "address", 'say where the text can be looked up, or "-" where there is no address')

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

    @property
    def counts(self) -> bool:
        """Say whether it begins or ends something: what was stayed or voided, or is still to come, does not."""
        return self.status in ("in_force", "repealed")


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
    point ends the series. On one day one point may be in force; what was voided may stand beside it.

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
        days = [one.from_on or date.min for one in self.points]
        counting = [one.from_on or date.min for one in self.points if one.counts]
        if days != sorted(days) or any(later == earlier for earlier, later in pairwise(counting)):
            refuse("rules.dated", "points", "points must be in order of from_on, one in force for a day")

    def at(self, as_of: date) -> InForce[T] | NotInForce | Stale:
        """Look up what holds on a day.

        Raises:
            InvalidDate: `calendars.type`, `calendars.datetime_for_date`.
        """
        if require_date(as_of, "as_of") > self.reviewed_through:
            return Stale(as_of=as_of, known_through_on=self.reviewed_through)
        found = self.standing_on(as_of)
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

    def standing_on(self, day: date) -> DatedValue[T] | None:
        """Return the last point that counts by a day, an end too, whoever reviewed it; None before the first."""
        by_then = [point for point in self.points if point.counts and (point.from_on or date.min) <= day]
        return by_then[-1] if by_then else None


@attrs.frozen(kw_only=True)
class ReferenceSeries:
    """A published reference rate, in percent per year as a fraction of the whole; it may be below zero.

    Raises:
        InvalidPolicy: `rules.series` where a value begins after the last day for which the series is known.
    """

    id: str = attrs.field(validator=identifier)
    title: str = attrs.field(validator=text_up_to(300))
    values: Dated[Fraction] = attrs.field(validator=instance_of(Dated))

    def __attrs_post_init__(self) -> None:
        known, last_on = self.values.reviewed_through, self.values.points[-1].from_on
        if last_on is not None and last_on > known:
            text = f"{self.id} is known through {known} and has a value from {last_on}; move the one or drop the other"
            refuse("rules.series", "known_through", text)

    @classmethod
    def from_table(cls, *, series_id: str, title: str, table: RateTable, citation: Citation) -> ReferenceSeries:
        """Make a series of a table of rates that the host keeps, with one source for all of it."""
        points = [DatedValue(value=step.reference, citation=citation, from_on=step.from_on) for step in table.steps]
        return cls(id=series_id, title=title, values=Dated(points=points, reviewed_through=table.known_through_on))

    def change_days(self, start_on: date, end_on: date) -> list[date]:
        """List the days inside `(start_on, end_on)` on which a new value begins."""
        days = [one.from_on for one in self.values.points]
        return [day for day in days if day is not None and start_on < day < end_on]


# -- rules and packs -------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Rule:
    """One named test with its dated parameters, for whom it speaks and how binding it is.

    A rule may say that it `replaces` another one. Then it may only be stricter, on every day and in every figure, and
    both speak; unless a person marks it as an override (`override_by`): then the other one is silent for as long as
    this one is in force, where this one speaks.
    """

    id: str = attrs.field(validator=identifier)
    topic: str = attrs.field(validator=identifier)
    text: str = attrs.field(validator=text_up_to(1000))
    parameters: Dated[Primitive] = attrs.field(validator=instance_of(Dated))
    force: Force = "law"
    applies_to: Applicability = attrs.field(factory=Applicability, validator=instance_of(Applicability))
    replaces: str = ""
    override_by: str = ""

    def __attrs_post_init__(self) -> None:
        choice("force", self.force, get_args(Force))
        if self.override_by and not self.replaces:
            text = f"{self.id} is marked as an override and replaces nothing; name the rule in replaces"
            refuse("rules.override", "override_by", text)

    @property
    def binds(self) -> str:
        """Return how far it binds, "" for law: what binds less is marked, and never worded as a prohibition."""
        words = {"presumption": "a presumption, which can be rebutted", "guidance": "guidance, which forbids nothing"}
        return "" if self.force == "law" else words.get(self.force, "a standard, which forbids nothing")

    def cited(self, citation: Citation, basis: Basis = "secondary") -> str:
        """Write a citation with what it is worth: less than law, or a figure that nobody saw in a text.

        >>> from collectkit import jurisdictions
        >>> rule = jurisdictions.load("us-reg-z").rule("us.regz.card_late_fee")
        >>> found = rule.parameters.at(date(2026, 3, 2))
        >>> rule.cited(found.citation, found.basis).endswith("(derived)")
        True
        """
        marks = [] if self.force == "law" else [str(self.force)]
        marks += [str(basis)] if basis in ("derived", "memory") else []
        return f"{citation} ({', '.join(marks)})" if marks else str(citation)


@attrs.frozen(kw_only=True)
class RulePack:
    """The dated rules of one place, with the day through which somebody checked them; none is active by default.

    `needs` names packs without which this one must not be used, such as the federal one under a state's. A pack that
    takes the id of a shipped one says in `override_by` who answers for it, or is refused by a strategy. General
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
    override_by: str = attrs.field(default="", validator=text_up_to(255))

    def __attrs_post_init__(self) -> None:
        known = {one.id for one in self.series}
        problems = []
        if not is_place(self.jurisdiction):
            problems.append(no_place("jurisdiction", self.jurisdiction))
        for number, rule in enumerate(self.rules):
            for place, point in enumerate(rule.parameters.points):
                cite = f"{rule.cited(point.citation, point.basis)}; {self.label}"
                if len(cite) > MAX_CITE_LENGTH:
                    text = (
                        f"the citation of {rule.id} with the label of the pack has {len(cite)} characters, and "
                        f"{MAX_CITE_LENGTH} fit beside a charge; shorten authority, locator, id or version"
                    )
                    path = f"rules[{number}].parameters.points[{place}].citation"
                    problems.append(Problem(code="rules.too_long", path=path, text=text))
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
        names = [one.id for one in self.series]
        for name in sorted({name for name in names if names.count(name) > 1}):
            text = "a reference series stands twice; keep one"
            problems.append(Problem(code="rules.duplicate", path="series", text=text, value=name))
        if problems:
            raise InvalidPolicy(problems)

    @property
    def label(self) -> str:
        """Return id, version and review date, as shown wherever the pack speaks."""
        return f"{self.id}/{self.version} (reviewed through {self.reviewed_through})"

    def serves(self, place: str) -> bool:
        """Say whether the pack may speak for a place: its own, one that lies in it, or one that its rules name.

        >>> from collectkit import jurisdictions
        >>> [jurisdictions.load("us-ma").serves(place) for place in ("US-MA", "US-NY", "DE")]
        [True, False, False]
        """
        return any(lies_in(place, one) for one in self.places)

    @property
    def places(self) -> frozenset[str]:
        """Return its own place and those that its rules name."""
        return frozenset({self.jurisdiction}.union(*(rule.applies_to.places for rule in self.rules)))

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


# -- putting packs together ------------------------------------------------------------------------------------


def compose(packs: Iterable[RulePack]) -> tuple[tuple[RulePack, Rule], ...]:
    """Put packs together: every rule of every pack speaks, in a fixed order, whatever the order of the packs.

    The strictest answer wins where the rules are applied, and all of them are cited. Only a rule that a person marked
    as an override silences the one it replaces, on the days on which it is in force and for those for whom it speaks;
    what is left of the other one stands in the answer, which may be two rules of its id.

    Raises:
        InvalidPolicy: all of these in one error: `rules.base_missing` for an overlay without its base, `rules.loosens`
            for a rule that is looser than the one it replaces and is not marked, `rules.duplicate` for a pack or a
            rule that comes twice, `rules.cycle` for rules that replace one another or themselves, and
            `rules.unknown` for one that replaces a rule that is not there.
    """
    given = sorted(packs, key=lambda one: one.id)
    problems = [*_ill_matched(given), *_ill_replaced(given)]
    if problems:
        raise InvalidPolicy(problems)
    marked: dict[str, list[Rule]] = {}
    for _, rule in overrides(given):
        marked.setdefault(rule.replaces, []).append(rule)
    return tuple(
        (pack, left) for pack in given for rule in pack.rules for left in _left_of(rule, marked.get(rule.id, ()))
    )


def overrides(packs: Iterable[RulePack]) -> tuple[tuple[RulePack, Rule], ...]:
    """List the rules for which a person answers, each with its pack; they are to be shown wherever packs speak."""
    return tuple((pack, rule) for pack in packs for rule in pack.rules if rule.override_by)


def _ill_matched(given: Sequence[RulePack]) -> Iterator[Problem]:
    """Yield packs and rules that come twice, and bases that are missing."""
    for name, group in groupby(given, key=lambda one: one.id):
        if len(list(group)) > 1:
            yield Problem(
                code="rules.duplicate", path="packs", text="a pack stands twice; keep one version", value=name
            )
    for pack in given:
        for name in pack.needs:
            if all(one.id != name for one in given):
                text = f"must not be used without {name}"
                yield Problem(code="rules.base_missing", path=pack.id, text=text, choices=(name,))
    first: dict[str, str] = {}
    for pack in given:
        for rule in pack.rules:
            if first.setdefault(rule.id, pack.id) != pack.id:
                text = (
                    f"a rule of that id stands in {first[rule.id]} too; give yours an id of its own, and say replaces"
                )
                yield Problem(code="rules.duplicate", path=f"{pack.id}.{rule.id}", text=text, value=rule.id)


def _ill_replaced(given: Sequence[RulePack]) -> Iterator[Problem]:
    """Yield replacements of nothing, of one another, and by something looser that nobody answers for."""
    every = {rule.id: rule for pack in given for rule in pack.rules}
    ids = {pack.id for pack in given}
    for pack in given:
        for rule in pack.rules:
            path = f"{pack.id}.{rule.id}"
            if not rule.replaces:
                continue
            replaced = every.get(rule.replaces)
            if replaced is None:
                if set(pack.needs) <= ids:  # else the base is what is missing
                    text = "replaces a rule that stands in no pack given"
                    choices = tuple(sorted(every.keys() - {rule.id}))
                    yield Problem(code="rules.unknown", path=path, text=text, value=rule.replaces, choices=choices)
            elif _comes_back(rule, every):
                text = "replaces itself" if replaced.id == rule.id else f"replaces {replaced.id}, which replaces it"
                yield Problem(code="rules.cycle", path=path, text=f"{text}; say which of them stands", value=rule.id)
            elif not rule.override_by and (why := _loosened(rule.parameters, replaced.parameters)):
                yield Problem(
                    code="rules.loosens",
                    path=path,
                    text=f"is looser than {replaced.id}, which it replaces, {why}; tighten it, or mark it with "
                    "override_by and the name of the person who answers for it",
                )


def _comes_back(rule: Rule, every: Mapping[str, Rule]) -> bool:
    at, seen = every.get(rule.replaces), set[str]()
    while at is not None and at.id not in seen:
        if at.id == rule.id:
            return True
        seen.add(at.id)
        at = every.get(at.replaces)
    return False


def _loosened(new: Dated[Primitive], old: Dated[Primitive]) -> str:
    """Say from when and in which figure a parameter is looser than another, "" where it never is.

    Day by day, each against what holds on that day: a figure that was strict once is no measure for a later one.
    """
    for day in sorted({one.from_on or date.min for one in (*new.points, *old.points)}):
        mine, theirs = new.standing_on(day), old.standing_on(day)
        if mine is None or mine.value is None or mine.status == "repealed" or theirs is None:
            continue
        when = "" if day == date.min else f" from {day} on"
        if theirs.value is None or theirs.status == "repealed":
            if isinstance(mine.value, (LumpSum, StatutoryInterest)):
                return f"as it still gives what has ended{when}"
            continue
        if isinstance(theirs.value, Notice):
            continue  # a duty without figures
        if type(mine.value) is not type(theirs.value):
            return f"as another kind of rule does not bind as it does{when}"
        figure = looser_in(mine.value, theirs.value)
        if figure:
            return f"in {figure}{when}"
    return ""


def _left_of(rule: Rule, marked: Sequence[Rule]) -> list[Rule]:
    """Return what is left of a rule beside those that are marked to stand in its place."""
    left = [rule]
    for other in marked:
        spans = _spans_in_force(other.parameters)
        pieces: list[Rule | None] = []
        for one in left:
            pieces.append(_cut(one, spans, is_inside=False))
            inside = None if other.applies_to.covers(one.applies_to) else _cut(one, spans, is_inside=True)
            if inside is not None:
                spared = (*one.applies_to.except_for, other.applies_to)
                inside = attrs.evolve(inside, applies_to=attrs.evolve(one.applies_to, except_for=spared))
            pieces.append(inside)
        left = [one for one in pieces if one is not None]
    return left


def _spans_in_force(dated: Dated[Primitive]) -> list[tuple[date, date]]:
    """List the spans `[from, until)` in which a parameter is in force, to the end of its review and no further."""
    end_on = dated.reviewed_through + timedelta(days=1) if dated.reviewed_through < date.max else date.max
    days = [*sorted({one.from_on or date.min for one in dated.points if (one.from_on or date.min) < end_on}), end_on]
    return [(start, end) for start, end in pairwise(days) if isinstance(dated.at(start), InForce)]


def _cut(rule: Rule, spans: Sequence[tuple[date, date]], *, is_inside: bool) -> Rule | None:
    """Return a rule for the days inside the spans, or outside of them; None where nothing is left of it."""
    dated = rule.parameters
    days = {one.from_on or date.min for one in dated.points} | {day for span in spans for day in span}
    points: list[DatedValue[Primitive]] = []
    for day in sorted(day for day in days if day <= dated.reviewed_through):
        found = dated.standing_on(day)
        if found is None:
            continue
        is_kept = any(start <= day < end for start, end in spans) is is_inside
        start_on = None if day == date.min else day
        points.append(attrs.evolve(found, from_on=start_on, value=found.value if is_kept else None))
    if all(one.value is None or one.status == "repealed" for one in points):
        return None
    return attrs.evolve(rule, parameters=attrs.evolve(dated, points=points))
