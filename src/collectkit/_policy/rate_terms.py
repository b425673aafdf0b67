"""Where a yearly rate comes from, and what it is on each day: a contract's, or a law's, within floors and caps.

A rate that is not known for a day gives `NotInForce` or `Stale` in place of a figure; what a rate earns is told
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final, get_args

import attrs

from collectkit._policy.terms import check_choice, check_whole
from collectkit.core.checks import instance_of, optional
from collectkit.core.rates import DAY_COUNTS, DayCount, NotInForce, Rate, Stale
from collectkit.core.reading import Problems
from collectkit.core.rules import (
    InForce,
    Primitive,
    RateCap,
    RateFloor,
    RateSelection,
    Rule,
    RulePack,
    StatutoryInterest,
)

__all__ = ["AGREED", "DatedRate", "RateTerms", "check_rule", "rate_pieces", "statutory_rate"]

AGREED: Final = "contract_interest"
"""The topic of a rule that states no law: a margin over a reference, as parties agreed it."""


# -- terms -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RateTerms:
    """Where the yearly rate comes from: a contract's `rate`, or the rule of a pack.

    - An agreed rate keeps within `rate_floor` and `rate_cap`, and above a legal floor: the rule `floor_rule_id` of
      `floor_pack`, which is `pack` unless given. Agreed is a contract's rate, and a rule with the topic
      "contract_interest".
    - A rule brings its own `selection`, `day_count` and `rests_months`; a name given here replaces it: public
      calculators part exactly there. `rate_cap` lowers its rate, as one may ask for less than the law gives. A floor
      beside a rule of the law is refused, as nobody may ask for more; so is a `selection` beside a contract's rate.
    - Without a name, days are `act/365f` and interest is simple. `act/act-icma` takes each rest as its reference
      period, and without rests each year from the day on which interest begins.

    Raises:
        InvalidPolicy: `policy.missing`, `policy.invalid`, `policy.does_not_apply`, `rules.unknown`.
    """

    rate: Rate | None = attrs.field(default=None, validator=optional(instance_of(Rate)))
    rate_floor: Rate | None = attrs.field(default=None, validator=optional(instance_of(Rate)))
    rate_cap: Rate | None = attrs.field(default=None, validator=optional(instance_of(Rate)))
    pack: RulePack | None = attrs.field(default=None, validator=optional(instance_of(RulePack)))
    rule_id: str = ""
    floor_rule_id: str = ""
    floor_pack: RulePack | None = attrs.field(default=None, validator=optional(instance_of(RulePack)))
    selection: RateSelection | None = None
    day_count: DayCount | None = None
    rests_months: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        if (self.rate is None) == (not self.rule_id):
            problems.note("rate", "give either a contract's rate or the id of a rule", reason="missing")
        floor_pack = self.floor_pack or self.pack
        if (self.rule_id and self.pack is None) or (self.floor_rule_id and floor_pack is None):
            problems.note("pack", "a rule needs the pack that it stands in", reason="missing")
        if self.rate_floor is not None and self.rate_cap is not None and self.rate_cap < self.rate_floor:
            problems.note("rate_cap", f"{self.rate_cap} is below the floor of {self.rate_floor}")
        for name, way_out in self._beside_the_point():
            problems.note(name, way_out, reason="does_not_apply", value=str(getattr(self, name)))
        if self.selection is not None:
            check_choice("selection", self.selection, get_args(RateSelection), problems)
        if self.day_count is not None:
            check_choice("day_count", self.day_count, DAY_COUNTS, problems)
        check_whole("rests_months", self.rests_months, problems, at_least=1, at_most=1200, optional=True)
        if self.rule_id and self.pack is not None:
            check_rule(self.pack, self.rule_id, StatutoryInterest, problems)
        if self.floor_rule_id and floor_pack is not None:
            check_rule(floor_pack, self.floor_rule_id, RateFloor, problems, path="floor_rule_id")
        problems.raise_if_any()

    def _beside_the_point(self) -> Iterator[tuple[str, str]]:
        """Yield the terms that would say nothing here, each with the way out."""
        if self.rate is not None and self.selection is not None:
            yield "selection", "a contract's rate stands still; leave it out, or name a rule"
        if self.rate is None and self.rule_id and not self._is_agreed:
            if self.rate_floor is not None:
                yield "rate_floor", "nobody may ask for more than the rule gives; leave it out, or agree a rate"
            if self.floor_rule_id:
                yield "floor_rule_id", "a legal floor is for an agreed rate; leave it out, or give a rate"

    @property
    def _is_agreed(self) -> bool:
        rules = () if self.pack is None else self.pack.rules
        return self.rate is not None or any(one.id == self.rule_id and one.topic == AGREED for one in rules)

    @property
    def floor(self) -> tuple[RulePack, str] | None:
        """The legal floor: the pack it stands in and the id of its rule."""
        pack = self.floor_pack or self.pack
        return (pack, self.floor_rule_id) if self.floor_rule_id and pack is not None else None

    def without_floor(self) -> RateTerms:
        """Return the terms for a debtor to whom the legal floor does not apply."""
        return attrs.evolve(self, floor_rule_id="", floor_pack=None)

    def conventions(self) -> Iterator[tuple[DayCount, int | None]]:
        """Yield each day count with its rests under which interest may have to be reckoned: a rule's change by date."""
        if self.rate is not None or self.pack is None:
            yield self.day_count or "act/365f", self.rests_months
            return
        for point in self.pack.rule(self.rule_id).parameters.points:
            if isinstance(point.value, StatutoryInterest):
                yield self.day_count or point.value.day_count, self.rests_months or point.value.rests_months

    def conventions_on(self, began_on: date) -> tuple[DayCount, int | None]:
        """Return the day count and the rests of interest that began on a day."""
        if self.rate is None and self.pack is not None:
            law = self.pack.rule(self.rule_id).parameters.at(began_on)
            if isinstance(law, InForce) and isinstance(law.value, StatutoryInterest):
                return self.day_count or law.value.day_count, self.rests_months or law.value.rests_months
        return self.day_count or "act/365f", self.rests_months

    def describe(self) -> str:
        """Say in words where the rate comes from.

        >>> RateTerms(rate=Rate.percent("1.5", per="month")).describe()
        '1.5 % per month'
        >>> from collectkit import jurisdictions
        >>> RateTerms(pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.business").describe()[:75]
        'the statutory rate, the reference rate plus 9 percentage points, as it chan'
        """
        words = self._statutory_words() if self.rate is None else _yearly(self.rate)
        if self.rate_floor is not None:
            words += f", at least {self.rate_floor}"
        if self.rate_cap is not None:
            words += f", at most {self.rate_cap}"
        if self.floor is not None:
            words += f", never less than the legal floor ({self.floor[0].label})"
        return words

    def _statutory_words(self) -> str:
        if self.pack is None:
            return f"the statutory rate of {self.rule_id}"
        laws = [point.value for point in self.pack.rule(self.rule_id).parameters.points]
        law = next(one for one in reversed(laws) if isinstance(one, StatutoryInterest))
        series = self.pack.series_of(law.series)
        words = "the reference rate" if law.multiple == 1 else f"{_plain(law.multiple)} times the reference rate"
        if law.margin:
            words += f" {'plus' if law.margin > 0 else 'less'} {_plain(abs(law.margin) * 100)} percentage points"
        for step in filter(None, (law.round_reference_up_to, law.round_rate_up_to)):
            what = "the reference rate" if step == law.round_reference_up_to else "all of it"
            words += f", {what} rounded up to the next {_plain(step * 100)} %"
        words += f", {_SELECTED[self.selection or law.selection]}"
        kind = "agreed" if self._is_agreed else "statutory"
        return f"the {kind} rate, {words} ({series.title}; {self.pack.label})"


_SELECTED: Final[dict[RateSelection, str]] = {
    "fixed_at_start": "as it is when interest begins",
    "fixed_at_due_date": "as it is on the due date",
    "floating": "as it changes",
}


def _yearly(rate: Rate) -> str:
    return f"{rate} a year" if rate.per == "year" else str(rate)


def _plain(number: Fraction) -> str:
    """Write a number as people do: 9, 0.5, or a ratio where the digits have no end."""
    return str(Rate.percent(number)).removesuffix(" %")


def check_rule(pack: RulePack, rule_id: str, kind: type[object], problems: Problems, *, path: str = "rule_id") -> None:
    """Note a rule that the pack does not hold, or that is of another kind."""
    found = next((one for one in pack.rules if one.id == rule_id), None)
    fitting = tuple(
        one.id for one in pack.rules if any(isinstance(point.value, kind) for point in one.parameters.points)
    )
    if found is None or rule_id not in fitting:
        problems.note(path, f"{pack.id} has no such {kind.__name__}", value=rule_id, choices=fitting)


# -- rates -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class DatedRate:
    """A part `[from_on, until_on)` of a span over which one rate holds, and why."""

    from_on: date
    until_on: date
    rate: Rate
    because: str


def statutory_rate(pack: RulePack, rule_id: str, on: date) -> Rate | NotInForce | Stale:
    """Return the yearly rate of a rule for interest that starts on a day.

    >>> from collectkit import jurisdictions
    >>> statutory_rate(jurisdictions.load("uk-late-payment"), "uk.lpcda.interest", date(2023, 7, 1))
    Rate.percent('13')
    >>> statutory_rate(jurisdictions.load("uk-late-payment"), "uk.lpcda.interest", date(2027, 1, 1))
    Stale(as_of=datetime.date(2027, 1, 1), known_through_on=datetime.date(2026, 11, 22))

    Raises:
        InvalidPolicy: `rules.unknown`, or `policy.invalid` for a rule of another kind.
    """
    terms = RateTerms(pack=pack, rule_id=rule_id)
    pieces = rate_pieces(terms, due_on=on, start_on=on, end_on=_plus(on, 1))
    return pieces[0].rate if isinstance(pieces, tuple) else pieces


def rate_pieces(
    terms: RateTerms, *, due_on: date, start_on: date, end_on: date, caps: Sequence[tuple[RulePack, Rule]] = ()
) -> tuple[DatedRate, ...] | NotInForce | Stale:
    """Cut `[start_on, end_on)` where the rate changes; the `caps` of packs bound each day by what held on it."""
    if end_on <= start_on:
        return ()
    found: tuple[DatedRate, ...] | NotInForce | Stale
    if terms.rate is not None:
        found = (DatedRate(from_on=start_on, until_on=end_on, rate=terms.rate, because=f"contract rate {terms.rate}"),)
    else:
        found = _statutory_pieces(terms, due_on, start_on, end_on)
    if not isinstance(found, tuple):
        return found
    found = tuple(_bounded(piece, terms.rate_floor, terms.rate_cap) for piece in found)
    if terms.floor is not None:
        found = _above_the_floor(found, *terms.floor)
    if not isinstance(found, tuple):
        return found
    return tuple(capped for piece in found for capped in _capped(piece, caps))


def _bounded(piece: DatedRate, floor: Rate | None, cap: Rate | None) -> DatedRate:
    """Bring a rate within the bounds of the terms."""
    if floor is not None and piece.rate < floor:
        piece = attrs.evolve(piece, rate=floor, because=f"{piece.because}, raised to the floor of {floor}")
    if cap is not None and piece.rate > cap:
        piece = attrs.evolve(piece, rate=cap, because=f"{piece.because}, limited to the cap of {cap}")
    return piece


def _above_the_floor(
    pieces: tuple[DatedRate, ...], pack: RulePack, rule_id: str
) -> tuple[DatedRate, ...] | NotInForce | Stale:
    """Raise each day to the legal floor of that day; the floor is the law as it was when interest started."""
    start_on, end_on = pieces[0].from_on, pieces[-1].until_on
    rule = _rule_over(pack, rule_id, start_on, end_on)
    if not isinstance(rule, InForce):
        return rule
    floor = rule.value
    if not isinstance(floor, RateFloor):
        return NotInForce(as_of=start_on, reason="ended")
    found = []
    series = pack.series_of(floor.series)
    for piece in pieces:
        cuts = [piece.from_on, *series.change_days(piece.from_on, piece.until_on), piece.until_on]
        for from_on, until_on in pairwise(cuts):
            reference = _reference(pack, floor.series, from_on, until_on)
            if not isinstance(reference, InForce):
                return reference
            part = attrs.evolve(piece, from_on=from_on, until_on=until_on)
            least = Rate(max(Fraction(0), floor.multiple * reference.value))
            if part.rate < least:
                words = f"{part.because}, raised to the legal floor of {least} ({rule.citation})"
                part = attrs.evolve(part, rate=least, because=words)
            found.append(part)
    return tuple(found)


def _statutory_pieces(
    terms: RateTerms, due_on: date, start_on: date, end_on: date
) -> tuple[DatedRate, ...] | NotInForce | Stale:
    pack = terms.pack
    if pack is None:
        return NotInForce(as_of=start_on, reason="before_start")
    at = _rule_over(pack, terms.rule_id, start_on, end_on)
    if not isinstance(at, InForce):
        return at
    law = at.value
    if not isinstance(law, StatutoryInterest):
        return NotInForce(as_of=start_on, reason="ended")
    selection = terms.selection or law.selection
    if selection == "floating":
        cuts = [start_on, *pack.series_of(law.series).change_days(start_on, end_on), end_on]
    else:
        cuts = [start_on, end_on]
    pieces = []
    for from_on, until_on in pairwise(cuts):
        if selection == "floating":
            reference = _reference(pack, law.series, from_on, until_on)
        else:
            fixed_on = start_on if selection == "fixed_at_start" else due_on
            reference = _reference(pack, law.series, fixed_on, _plus(fixed_on, 1))
        if not isinstance(reference, InForce):
            return reference
        rate = Rate(law.rate_of(reference.value))
        known = "" if reference.basis not in ("memory", "derived") else f"; the reference is {reference.basis}"
        cited = pack.rule(terms.rule_id).cited(at.citation, at.basis)
        words = f"{rate} by {cited}, from {_percent(reference.value)}{known} ({pack.label})"
        pieces.append(DatedRate(from_on=from_on, until_on=until_on, rate=rate, because=words))
    return tuple(pieces)


def _rule_over(pack: RulePack, rule_id: str, start_on: date, end_on: date) -> InForce[Primitive] | NotInForce | Stale:
    """Return a rule as it was when interest started, unless days of it lie past the review."""
    parameters = pack.rule(rule_id).parameters
    known_through = parameters.reviewed_through
    if _plus(end_on, -1) > known_through:
        return Stale(as_of=max(start_on, _plus(known_through, 1)), known_through_on=known_through)
    return parameters.at(start_on)


def _reference(pack: RulePack, series_id: str, from_on: date, until_on: date) -> InForce[Fraction] | NotInForce | Stale:
    values = pack.series_of(series_id).values
    if _plus(until_on, -1) > values.reviewed_through:
        first_unknown = max(from_on, _plus(values.reviewed_through, 1))
        return Stale(as_of=first_unknown, known_through_on=values.reviewed_through)
    return values.at(from_on)


def _capped(piece: DatedRate, caps: Sequence[tuple[RulePack, Rule]]) -> list[DatedRate]:
    """Cut a piece where a cap begins or ends, and bound each part by the caps of its own days."""
    begins = {point.from_on for _, rule in caps for point in rule.parameters.points}
    inner = sorted(day for day in begins if day is not None and piece.from_on < day < piece.until_on)
    parts: list[DatedRate] = []
    for from_on, until_on in pairwise([piece.from_on, *inner, piece.until_on]):
        part = attrs.evolve(piece, from_on=from_on, until_on=until_on)
        for pack, rule in caps:
            found = rule.parameters.at(from_on)
            if isinstance(found, InForce) and isinstance(found.value, RateCap) and part.rate.annual > found.value.rate:
                most = Rate(found.value.rate)
                cited = rule.cited(found.citation, found.basis)
                verb = f"kept to {most} by {rule.binds}:" if rule.binds else f"limited to {most} by"
                words = f"{part.because}, {verb} {cited} ({pack.label})"
                part = attrs.evolve(part, rate=most, because=words)
        if parts and (parts[-1].rate, parts[-1].because) == (part.rate, part.because):
            part = attrs.evolve(part, from_on=parts.pop().from_on)
        parts.append(part)
    return parts


def _percent(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}{Rate(abs(value))}"


def _plus(day: date, days: int) -> date:
    return date.fromordinal(max(1, min(day.toordinal() + days, date.max.toordinal())))
