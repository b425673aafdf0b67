"""Interest on arrears: by contract or by law, over balances that change, at rates that change, with rests.

`[start_on, end_on)` always: the day of payment bears no interest, the last unpaid day does. Exact fractions add up;
rounding is named, `daily_first` or `total_only`, and happens once. A rate that is not known for a day gives
`NotInForce` or `Stale` in place of a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, get_args

import attrs

from collectkit._policy.terms import (
    EVERYTHING,
    WHOLE_DISPUTES,
    AppliesTo,
    DisputeRule,
    amounts_of,
    check_amounts,
    check_choice,
    check_id,
    check_whole,
)
from collectkit.core.calendars import add_months
from collectkit.core.checks import instance_of, optional, require_date
from collectkit.core.errors import InvalidDate
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import DAY_COUNTS, DayCount, NotInForce, Rate, Stale, days_in_year, year_fraction
from collectkit.core.reading import Problems
from collectkit.core.records import Component
from collectkit.core.rules import (
    InForce,
    LumpSum,
    Primitive,
    RateCap,
    RateFloor,
    RateSelection,
    Rule,
    RulePack,
    StatutoryInterest,
)

__all__ = [
    "AccruedInterest",
    "BalanceStep",
    "InterestPiece",
    "InterestPolicy",
    "RateTerms",
    "RecoverySumPolicy",
    "accrue_on",
    "rate_pieces",
    "statutory_interest",
    "statutory_rate",
]

RoundingOrder = Literal["total_only", "daily_first"]
"""Round the whole sum once, or one day's interest first and multiply it, as gov.uk shows it."""

_MAX_PIECES: Final = 20_000


# -- terms -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RateTerms:
    """Where the yearly rate comes from: a contract's `rate`, or the rule of a pack, with a floor from another rule.

    `selection`, `day_count` and `rests_months` are the contract's; a rule brings its own, and a name given here
    replaces it: public calculators part exactly there. `rate_floor` and `rate_cap` bound a contract's rate.

    Raises:
        InvalidPolicy: `policy.missing`, `policy.invalid`, `rules.unknown`.
    """

    rate: Rate | None = attrs.field(default=None, validator=optional(instance_of(Rate)))
    rate_floor: Rate | None = attrs.field(default=None, validator=optional(instance_of(Rate)))
    rate_cap: Rate | None = attrs.field(default=None, validator=optional(instance_of(Rate)))
    pack: RulePack | None = attrs.field(default=None, validator=optional(instance_of(RulePack)))
    rule_id: str = ""
    floor_rule_id: str = ""
    selection: RateSelection | None = None
    day_count: DayCount | None = None
    rests_months: int | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        if (self.rate is None) == (not self.rule_id):
            problems.note("rate", "give either a contract's rate or the id of a rule", reason="missing")
        if (self.rule_id or self.floor_rule_id) and self.pack is None:
            problems.note("pack", "a rule needs the pack that it stands in", reason="missing")
        if self.rate_floor is not None and self.rate_cap is not None and self.rate_cap < self.rate_floor:
            problems.note("rate_cap", f"{self.rate_cap} is below the floor of {self.rate_floor}")
        if self.selection is not None:
            check_choice("selection", self.selection, get_args(RateSelection), problems)
        if self.day_count is not None:
            check_choice("day_count", self.day_count, DAY_COUNTS, problems)
        check_whole("rests_months", self.rests_months, problems, at_least=1, at_most=1200, optional=True)
        if self.pack is not None:
            for name, kind in ((self.rule_id, StatutoryInterest), (self.floor_rule_id, RateFloor)):
                if name:
                    check_rule(self.pack, name, kind, problems)
        problems.raise_if_any()

    def describe(self) -> str:
        """Say in words where the rate comes from."""
        if self.rate is not None:
            words = f"{self.rate} a year"
            if self.rate_floor is not None:
                words += f", at least {self.rate_floor}"
            if self.rate_cap is not None:
                words += f", at most {self.rate_cap}"
            if self.floor_rule_id and self.pack is not None:
                words += f", never less than the legal floor ({self.pack.label})"
            return words
        return (
            f"the statutory rate of {self.rule_id}" if self.pack is None else f"the statutory rate ({self.pack.label})"
        )


def check_rule(pack: RulePack, rule_id: str, kind: type[object], problems: Problems) -> None:
    """Note a rule that the pack does not hold, or that is of another kind."""
    found = next((one for one in pack.rules if one.id == rule_id), None)
    fitting = tuple(
        one.id for one in pack.rules if any(isinstance(point.value, kind) for point in one.parameters.points)
    )
    if found is None or rule_id not in fitting:
        problems.note("rule_id", f"{pack.id} has no such {kind.__name__}", value=rule_id, choices=fitting)


@attrs.frozen(kw_only=True)
class InterestPolicy:
    """Interest on what is past due, accruing daily and posted from time to time as a receivable of its own.

    - Interest runs from the day after the due date; grace is a gate (nothing is posted until more than `grace_days`
      past due, then from the first day) or, with `grace_shifts_due`, moves the due date.
    - It is posted every `post_every_months` from its first day (None: only when the receivable is settled), for the
      days since the last posting: what is posted in all is always the rounded interest to that day, so no day is
      charged twice and no cent depends on how often one looks. What was earned survives the payment of principal.
    - While an amount is below `minimum_amount` it is not posted, and waits.
    - Interest is never charged on charges unless `on_charges` is set.

    Raises:
        InvalidPolicy: `policy.invalid`, with every problem.
    """

    id: str
    terms: RateTerms = attrs.field(validator=instance_of(RateTerms))
    rounding_order: RoundingOrder = "total_only"
    rounding: Rounding = "half_even"
    post_every_months: int | None = 1
    grace_days: int = 0
    grace_shifts_due: bool = False
    minimum_amount: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    on_charges: bool = False
    disputes: DisputeRule = "no_fee"
    due_in_days: int = 0
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None
    component: Component = attrs.field(default=Component.INTEREST, init=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        check_choice("rounding_order", self.rounding_order, get_args(RoundingOrder), problems)
        check_choice("disputes", self.disputes, WHOLE_DISPUTES, problems)
        check_whole("post_every_months", self.post_every_months, problems, at_least=1, at_most=1200, optional=True)
        check_whole("grace_days", self.grace_days, problems, at_least=0, at_most=3650)
        check_whole("due_in_days", self.due_in_days, problems, at_least=0, at_most=3650)
        check_amounts("minimum_amount", self.minimum_amount, problems)
        if self.rounding_order == "daily_first" and self.terms.rests_months is not None:
            problems.note("rounding_order", "daily_first is for simple interest; leave rests_months out")
        problems.raise_if_any()

    def starts_on(self, due_on: date) -> date:
        """Return the first day that bears interest."""
        return _plus(due_on, 1 + (self.grace_days if self.grace_shifts_due else 0))


@attrs.frozen(kw_only=True)
class RecoverySumPolicy:
    """The fixed recovery sum of a pack, once for each receivable that is past due; never converted.

    Raises:
        InvalidPolicy: `policy.invalid` for a rule that is no lump sum.
    """

    id: str
    pack: RulePack = attrs.field(validator=instance_of(RulePack))
    rule_id: str
    grace_days: int = 0
    disputes: DisputeRule = "no_fee"
    due_in_days: int = 0
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    component: Component = attrs.field(default=Component.COST, init=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_whole("grace_days", self.grace_days, problems, at_least=0, at_most=3650)
        check_whole("due_in_days", self.due_in_days, problems, at_least=0, at_most=3650)
        check_choice("disputes", self.disputes, WHOLE_DISPUTES, problems)
        check_rule(self.pack, self.rule_id, LumpSum, problems)
        problems.raise_if_any()

    @property
    def cite(self) -> str:
        """Return the pack with its review date."""
        return self.pack.label


# -- rates -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class InterestPiece:
    """A part `[from_on, until_on)` over which balance and rate stand still."""

    from_on: date
    until_on: date
    rate: Rate
    balance: Money
    because: str = ""

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.until_on - self.from_on).days


@attrs.frozen(kw_only=True)
class _RatePiece:
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
) -> tuple[_RatePiece, ...] | NotInForce | Stale:
    """Cut `[start_on, end_on)` where the rate changes; the `caps` of packs bound each day by what held on it."""
    if end_on <= start_on:
        return ()
    found: tuple[_RatePiece, ...] | NotInForce | Stale
    if terms.rate is not None:
        found = _contract_pieces(terms, terms.rate, start_on, end_on)
    else:
        found = _statutory_pieces(terms, due_on, start_on, end_on)
    if not isinstance(found, tuple):
        return found
    return tuple(capped for piece in found for capped in _capped(piece, caps))


def _contract_pieces(
    terms: RateTerms, rate: Rate, start_on: date, end_on: date
) -> tuple[_RatePiece, ...] | NotInForce | Stale:
    because = f"contract rate {rate}"
    if terms.rate_floor is not None and rate < terms.rate_floor:
        rate, because = terms.rate_floor, f"{because}, raised to the floor of {terms.rate_floor}"
    if terms.rate_cap is not None and rate > terms.rate_cap:
        rate, because = terms.rate_cap, f"{because}, limited to the cap of {terms.rate_cap}"
    if not terms.floor_rule_id or terms.pack is None:
        return (_RatePiece(from_on=start_on, until_on=end_on, rate=rate, because=because),)
    rule = _rule_over(terms.pack, terms.floor_rule_id, start_on, end_on)
    if not isinstance(rule, InForce):
        return rule
    floor = rule.value
    if not isinstance(floor, RateFloor):
        return NotInForce(as_of=start_on, reason="ended")
    pieces = []
    series = terms.pack.series_of(floor.series)
    for from_on, until_on in pairwise([start_on, *series.change_days(start_on, end_on), end_on]):
        reference = _reference(terms.pack, floor.series, from_on, until_on)
        if not isinstance(reference, InForce):
            return reference
        least = Rate(floor.multiple * reference.value)
        if rate < least:
            words = f"{because}, raised to the legal floor of {least} ({rule.citation})"
            pieces.append(_RatePiece(from_on=from_on, until_on=until_on, rate=least, because=words))
        else:
            pieces.append(_RatePiece(from_on=from_on, until_on=until_on, rate=rate, because=because))
    return tuple(pieces)


def _statutory_pieces(
    terms: RateTerms, due_on: date, start_on: date, end_on: date
) -> tuple[_RatePiece, ...] | NotInForce | Stale:
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
        words = f"{rate} by {at.citation}, from {_percent(reference.value)}{known} ({pack.label})"
        pieces.append(_RatePiece(from_on=from_on, until_on=until_on, rate=rate, because=words))
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


def _capped(piece: _RatePiece, caps: Sequence[tuple[RulePack, Rule]]) -> list[_RatePiece]:
    """Cut a piece where a cap begins or ends, and bound each part by the caps of its own days."""
    begins = {point.from_on for _, rule in caps for point in rule.parameters.points}
    inner = sorted(day for day in begins if day is not None and piece.from_on < day < piece.until_on)
    parts: list[_RatePiece] = []
    for from_on, until_on in pairwise([piece.from_on, *inner, piece.until_on]):
        part = attrs.evolve(piece, from_on=from_on, until_on=until_on)
        for pack, rule in caps:
            found = rule.parameters.at(from_on)
            if isinstance(found, InForce) and isinstance(found.value, RateCap) and part.rate.annual > found.value.rate:
                most = Rate(found.value.rate)
                words = f"{part.because}, limited to {most} by {found.citation} ({pack.label})"
                part = attrs.evolve(part, rate=most, because=words)
        if parts and (parts[-1].rate, parts[-1].because) == (part.rate, part.because):
            part = attrs.evolve(part, from_on=parts.pop().from_on)
        parts.append(part)
    return parts


# -- accrual ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class BalanceStep:
    """From the end of `from_on` this much is open."""

    from_on: date
    balance: Money


@attrs.frozen(kw_only=True)
class AccruedInterest:
    """Interest of `[start_on, end_on)` with the pieces it is made of; `exact` is in minor units."""

    amount: Money
    exact: Fraction
    pieces: tuple[InterestPiece, ...] = ()


def statutory_interest(
    *,
    principal: Money,
    pack: RulePack,
    rule_id: str,
    start_on: date,
    end_on: date,
    due_on: date | None = None,
    selection: RateSelection | None = None,
    day_count: DayCount | None = None,
    rounding_order: RoundingOrder = "total_only",
    rounding: Rounding = "half_even",
) -> AccruedInterest | NotInForce | Stale:
    """Return the interest that a pack's rule gives on a sum over `[start_on, end_on)`.

    `selection` and `day_count` replace the rule's own, to show another reading. `due_on` is the day before `start_on`
    unless given.

    >>> from collectkit import jurisdictions
    >>> uk = jurisdictions.load("uk-late-payment")
    >>> terms = dict(principal=Money(2_000_000, "GBP"), pack=uk, rule_id="uk.lpcda.interest")
    >>> terms |= dict(start_on=date(2023, 6, 10), end_on=date(2023, 8, 15))
    >>> str(statutory_interest(**terms).amount), str(statutory_interest(**terms, selection="floating").amount)
    ('415.89 GBP', '452.88 GBP')

    Raises:
        InvalidDate: `calendars.order`. InvalidPolicy: `rules.unknown`, `policy.invalid`.
    """
    terms = RateTerms(pack=pack, rule_id=rule_id, selection=selection, day_count=day_count)
    return accrue_on(
        terms,
        [BalanceStep(from_on=start_on, balance=principal)],
        due_on=_plus(start_on, -1) if due_on is None else due_on,
        start_on=start_on,
        end_on=end_on,
        rounding_order=rounding_order,
        rounding=rounding,
    )


def accrue_on(
    terms: RateTerms,
    steps: Sequence[BalanceStep],
    *,
    due_on: date,
    start_on: date,
    end_on: date,
    rounding_order: RoundingOrder = "total_only",
    rounding: Rounding = "half_even",
    caps: Sequence[tuple[RulePack, Rule]] = (),
    frozen: Sequence[tuple[date, date]] = (),
) -> AccruedInterest | NotInForce | Stale:
    """Accrue interest over a balance that steps; `frozen` spans `[from, until)` bear none.

    `caps` are rules that cap the rate, with their packs; each day is bound by what held on it.

    Raises:
        InvalidDate: `calendars.order` where `end_on` comes before `start_on`.
    """
    if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
        raise InvalidDate("calendars.order", "end_on comes before start_on")
    currency = steps[0].balance.currency
    rates = rate_pieces(terms, due_on=due_on, start_on=start_on, end_on=end_on, caps=caps)
    if not isinstance(rates, tuple):
        return rates
    day_count, rests = _conventions(terms, start_on)
    pieces = _pieces(rates, steps, frozen)
    if rests is None:
        exact = _simple(pieces, day_count, rounding if rounding_order == "daily_first" else None)
    else:
        exact = _compound(pieces, day_count, rests, start_on, end_on)
    return AccruedInterest(amount=Money(rounded(exact, rounding), currency), exact=exact, pieces=tuple(pieces))


def _conventions(terms: RateTerms, start_on: date) -> tuple[DayCount, int | None]:
    day_count, rests = terms.day_count, terms.rests_months
    if terms.rule_id and terms.pack is not None:
        law = terms.pack.rule(terms.rule_id).parameters.at(start_on)
        if isinstance(law, InForce) and isinstance(law.value, StatutoryInterest):
            day_count, rests = day_count or law.value.day_count, rests or law.value.rests_months
    return day_count or "act/365f", rests


def _pieces(
    rates: Sequence[_RatePiece], steps: Sequence[BalanceStep], frozen: Sequence[tuple[date, date]]
) -> list[InterestPiece]:
    """Cut the rate pieces where the balance steps, and leave out what is frozen or has no balance."""
    found = []
    cuts = {step.from_on for step in steps} | {day for span in frozen for day in span}
    for rate in rates:
        inner = sorted(day for day in cuts if rate.from_on < day < rate.until_on)
        for from_on, until_on in pairwise([rate.from_on, *inner, rate.until_on]):
            standing = [step.balance for step in steps if step.from_on <= from_on]
            if not standing or not standing[-1].is_positive:
                continue
            if any(start <= from_on < end for start, end in frozen):
                continue
            found.append(
                InterestPiece(
                    from_on=from_on, until_on=until_on, rate=rate.rate, balance=standing[-1], because=rate.because
                )
            )
    return found


def _simple(pieces: Sequence[InterestPiece], day_count: DayCount, daily: Rounding | None) -> Fraction:
    total = Fraction(0)
    for piece in pieces:
        yearly = piece.balance.minor * piece.rate.annual
        if daily is None:
            total += yearly * year_fraction(day_count, piece.from_on, piece.until_on)
            continue
        for from_on, until_on in _by_year(piece.from_on, piece.until_on, day_count):
            one_day = yearly * year_fraction(day_count, from_on, _plus(from_on, 1))
            total += rounded(one_day, daily) * (until_on - from_on).days
    return total


def _by_year(start: date, end: date, day_count: DayCount) -> list[tuple[date, date]]:
    """Cut where a day's share of the year changes, which is where leap years begin and end."""
    if day_count != "act/act-isda":
        return [(start, end)]
    years = [date(year, 1, 1) for year in range(start.year + 1, end.year + 1)]
    cuts = [start, *(day for day in years if start < day < end and _length_changes(day)), end]
    return list(pairwise(cuts))


def _length_changes(new_year: date) -> bool:
    return days_in_year(new_year.year) != days_in_year(new_year.year - 1)


def _compound(
    pieces: Sequence[InterestPiece], day_count: DayCount, rests_months: int, start_on: date, end_on: date
) -> Fraction:
    """Add interest to the balance at each rest; the broken period after the last rest is simple."""
    capitalised = Fraction(0)
    before = start_on
    for number in range(1, _MAX_PIECES):
        after = add_months(start_on, rests_months * number)
        earned = Fraction(0)
        for piece in pieces:
            from_on, until_on = max(piece.from_on, before), min(piece.until_on, after, end_on)
            if from_on < until_on:
                share = year_fraction(
                    day_count,
                    from_on,
                    until_on,
                    ref_start_on=before,
                    ref_end_on=after,
                    periods_per_year=12 // rests_months if 12 % rests_months == 0 else None,
                )
                earned += (piece.balance.minor + capitalised) * piece.rate.annual * share
        capitalised += earned
        before = after
        if before >= end_on:
            return capitalised
    raise InvalidDate("interest.rests", f"more than {_MAX_PIECES} rests; compound less often")


def _percent(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}{Rate(abs(value))}"


def _plus(day: date, days: int) -> date:
    return date.fromordinal(max(1, min(day.toordinal() + days, date.max.toordinal())))
