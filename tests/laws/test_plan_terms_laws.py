"""Interest of every row, for every day count, shape, rhythm and first period, against another computation.

The other computation stands below: dates by counting months, parts of a year by the text of each convention, sums in
`Fraction`. It shares no code with the library.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collectkit import plans
from collectkit.core.calendars import WEEKENDS_ONLY, Every
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import DAY_COUNTS, Rate

PARTS_OF_A_YEAR = {"days": 365, "weeks": 52, "semimonths": 24, "months": 12, "years": 1}
ADDITIVE = ("act/360", "act/364", "act/365f", "act/365.25", "act/act-isda", "act/act-icma", None)
BY_BALANCE = ("level", "equal_principal", "interest_only", "balloon", "stepped", "minimum_payment")

# -- the other computation -------------------------------------------------------------------------------------------


def stepped(anchor: date, unit: str, by: int, month_end: str) -> date:
    """Return the day so many single units after an anchor."""
    if unit in ("days", "weeks"):
        return anchor + timedelta(days=by * (7 if unit == "weeks" else 1))
    month, day = anchor.year * 12 + anchor.month - 1, anchor.day
    if unit == "semimonths":
        second = day > 15
        half = by + (1 if second else 0)
        month, day = month + half // 2, (day - 15 if second else day) + 15 * (half % 2)
    else:
        month += by * (12 if unit == "years" else 1)
    last = calendar.monthrange(month // 12, month % 12 + 1)[1]
    if day <= last:
        return date(month // 12, month % 12 + 1, day)
    return date(month // 12, month % 12 + 1, last) + timedelta(days=1 if month_end == "roll" else 0)


class Grid:
    """The steps of a rhythm, listed from long before its anchor to long after it."""

    def __init__(self, anchor: date, n: int, unit: str, month_end: str) -> None:
        self.days = [stepped(anchor, unit, k * n, month_end) for k in range(-140, 160)]
        self.origin = 140

    def on(self, number: int) -> date:
        return self.days[self.origin + number]

    def number(self, day: date) -> int | None:
        return self.days.index(day) - self.origin if day in self.days else None

    def steps(self, start: date, end: date) -> Fraction:
        """Add up what each step gives: its days of the span over all its days."""
        total = Fraction(0)
        for low, high in pairwise(self.days):
            shared = (min(high, end) - max(low, start)).days
            total += Fraction(max(shared, 0), (high - low).days)
        return total


def is_last_of_february(day: date) -> bool:
    return day.month == 2 and (day + timedelta(days=1)).month == 3


def days_of_360(convention: str, start: date, end: date, termination: date | None) -> int:
    first, last = start.day, end.day
    if convention == "30E/360":
        first, last = min(first, 30), min(last, 30)
    elif convention == "30E/360-isda":
        first = 30 if first == 31 or is_last_of_february(start) else first
        last = 30 if last == 31 or (is_last_of_february(end) and end != termination) else last
    else:
        if convention == "30/360-us" and is_last_of_february(start):
            last = 30 if is_last_of_february(end) else last
            first = 30
        if last == 31 and first >= 30:
            last = 30
        first = min(first, 30)
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first


def part_of_a_year(convention: str, start: date, end: date, termination: date | None) -> Fraction:
    days = (end - start).days
    if convention.startswith("30"):
        return Fraction(days_of_360(convention, start, end, termination), 365 if convention == "30/365" else 360)
    if convention == "act/act-isda":
        whole = [start + timedelta(days=k) for k in range(days)]
        leap = sum(calendar.isleap(day.year) for day in whole)
        return Fraction(leap, 366) + Fraction(days - leap, 365)
    if convention == "act/act-afb":
        years, stop = 0, end
        while True:
            year = end.year - years - 1
            day = 29 if is_last_of_february(end) and calendar.isleap(year) else end.day
            back = date(year, end.month, min(day, 28) if end.month == 2 and not calendar.isleap(year) else day)
            if back < start:
                break
            years, stop = years + 1, back
        inside = [start + timedelta(days=k) for k in range((stop - start).days)]
        return years + Fraction(len(inside), 366 if any((one.month, one.day) == (2, 29) for one in inside) else 365)
    return (
        Fraction(days) / {"act/360": 360, "act/364": 364, "act/365f": 365, "act/365.25": Fraction("365.25")}[convention]
    )


def half_even(value: Fraction) -> int:
    return round(value)


class Told:
    """What the terms say, and what follows from them: due dates and the part of a year of each period."""

    def __init__(self, terms: dict[str, Any]) -> None:
        self.terms = terms
        self.start: date = terms["start_on"]
        self.n, self.unit = terms["every"].n, terms["every"].unit
        self.month_end = terms.get("month_end", "clamp")
        first = terms.get("first_due_on")
        usual = stepped(self.start, self.unit, self.n, self.month_end)
        is_own = first is not None and first != usual
        self.grid = self.made(first if is_own else self.start)
        self.first_number = 0 if is_own else 1
        self.skipped = terms.get("skip_months", ())

    def made(self, anchor: date) -> Grid:
        return Grid(anchor, self.n, self.unit, self.month_end)

    def dates(self, count: int, waits: int = 0) -> list[date]:
        found, number = [], self.first_number + waits
        while len(found) < count:
            day = self.grid.on(number)
            if day.month not in self.skipped:
                found.append(day)
            number += 1
        return found

    def steps(self, start: date, end: date) -> Fraction:
        """Return the steps of a period where no day count is named: whole ones, else whole ones and days."""
        whole = [self.grid.number(day) for day in (start, end)]
        if whole[0] is not None and whole[1] is not None:
            return Fraction(whole[1] - whole[0])
        own = self.made(start)
        on_step = self.grid.number(end)
        assert on_step is not None
        whole_on = own.number(self.grid.on(self.first_number))  # the first period, and whole steps of skipped months
        lead = own.steps(start, self.grid.on(self.first_number)) if whole_on is None else Fraction(whole_on)
        return lead + on_step - self.first_number

    def part(self, start: date, end: date, termination: date | None) -> Fraction:
        convention = self.terms.get("day_count")
        if convention is None:
            return self.steps(start, end) * self.n / PARTS_OF_A_YEAR[self.unit]
        if convention == "act/act-icma":
            return self.grid.steps(start, end) * self.n / PARTS_OF_A_YEAR[self.unit]
        return part_of_a_year(convention, start, end, termination)

    def parts(self, start: date, dates: list[date]) -> list[Fraction]:
        return [self.part(before, after, dates[-1]) for before, after in pairwise([start, *dates])]


# -- cases -----------------------------------------------------------------------------------------------------------

RHYTHMS = st.one_of(
    st.builds(Every, st.sampled_from([1, 1, 1, 2, 3, 5, 6, 18]), st.just("months")),
    st.builds(Every, st.integers(1, 5), st.just("weeks")),
    st.builds(Every, st.integers(1, 40), st.just("days")),
    st.builds(Every, st.sampled_from([1, 3]), st.just("semimonths")),
    st.builds(Every, st.integers(1, 2), st.just("years")),
)
STARTS = st.one_of(
    st.dates(date(2019, 1, 1), date(2029, 12, 31)),
    st.sampled_from([date(2024, 2, 29), date(2025, 11, 30), date(2026, 1, 31), date(2027, 2, 28), date(2025, 12, 31)]),
)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the terms of a plan, without its shape."""
    every = draw(RHYTHMS)
    start = draw(STARTS)
    terms: dict[str, Any] = {
        "principal": Money(draw(st.integers(50_000, 50_000_000)), "EUR"),
        "rate": Rate.percent(draw(st.integers(1, 24))),
        "start_on": start,
        "every": every,
        "day_count": draw(st.sampled_from([None, *DAY_COUNTS])),
        "month_end": draw(st.sampled_from(["clamp", "clamp", "roll"])),
    }
    if every.unit in ("months", "weeks") and every.n < 6 and draw(st.booleans()):
        terms["skip_months"] = tuple(draw(st.sets(st.integers(1, 12), min_size=1, max_size=3)))
    if draw(st.booleans()):
        terms["first_due_on"] = start + timedelta(days=draw(st.integers(0, 130)))
        assume(terms["first_due_on"].month not in terms.get("skip_months", ()))
    return terms


def built(shape: str, terms: dict[str, Any], count: int) -> plans.PaymentPlan:
    more: dict[str, Any] = {
        "level": {"instalments": count},
        "equal_principal": {"instalments": count},
        "interest_only": {"instalments": count},
        "flat": {"instalments": count},
        "balloon": {"instalments": count, "balloon": Money(terms["principal"].minor // 3, "EUR")},
        "bullet": {"periods": count},
        "stepped": {"instalments": count, "growth": "0.05", "rows_per_step": 2},
        "minimum_payment": {"share": "0.20", "floor": Money(terms["principal"].minor // 6, "EUR")},
    }[shape]
    maker = {"level": plans.amortised_plan}.get(shape) or getattr(plans, f"{shape}_plan")
    try:
        plan: plans.PaymentPlan = maker(plan_id="P-1", **terms, **more)
    except InvalidTerms as refused:  # payments below interest or of nothing: no matter of days
        assume(refused.code in ("plans.dates", "plans.day_count"))
        raise
    return plan


# -- laws ------------------------------------------------------------------------------------------------------------


@given(terms=cases(), shape=st.sampled_from(BY_BALANCE), count=st.integers(2, 8))
def test_each_row_bears_the_interest_of_its_days(terms: dict[str, Any], shape: str, count: int) -> None:
    plan = built(shape, terms, count)
    told = Told(terms)
    rows = list(plan.schedule)
    dates = told.dates(len(rows))
    assert [row.due_on for row in rows] == dates
    balance, rate = terms["principal"].minor, terms["rate"].value
    for row, part in zip(rows, told.parts(terms["start_on"], dates), strict=True):
        assert row.interest_minor == half_even(balance * rate * part)
        balance -= row.principal_minor
    assert balance == 0


@given(terms=cases(), shape=st.sampled_from(["flat", "bullet"]), count=st.integers(1, 8))
def test_interest_on_the_first_debt_is_that_of_all_days(terms: dict[str, Any], shape: str, count: int) -> None:
    plan = built(shape, terms, count)
    told = Told(terms)
    whole = sum(told.parts(terms["start_on"], told.dates(count)), Fraction(0))
    borne = sum(row.interest_minor for row in plan.schedule)
    assert borne == half_even(terms["principal"].minor * terms["rate"].value * whole)


@given(
    terms=cases(),
    count=st.integers(1, 6),
    grace=st.integers(1, 4),
    interest=st.sampled_from(["waive", "collect", "capitalise"]),
)
def test_a_wait_bears_the_interest_of_its_days(terms: dict[str, Any], count: int, grace: int, interest: str) -> None:
    told = Told(terms)
    cuts = [terms["start_on"], *(told.grid.on(told.first_number + k) for k in range(grace))]
    try:
        plan = plans.deferred_plan(plan_id="P-1", instalments=count, grace=grace, interest=interest, **terms)  # type: ignore[arg-type]  # drawn
    except InvalidTerms as refused:
        assume(refused.code == "plans.day_count")
        assert terms["day_count"] is None
        assert interest != "waive"
        assert told.steps(cuts[0], cuts[1]).denominator != 1
        return
    rows, rate = list(plan.schedule), terms["rate"].value
    balance, collected = terms["principal"].minor, 0
    for before, after in pairwise(cuts):
        borne = half_even(balance * rate * told.part(before, after, None))
        if interest == "capitalise":
            balance += borne
        elif interest == "collect":
            collected += borne
    dates = told.dates(count, grace)
    assert [row.due_on for row in rows] == dates
    own = Told({**terms, "first_due_on": None}) if terms["day_count"] is None else told
    own.grid, own.first_number = told.grid, told.first_number + grace
    for row, part in zip(rows, own.parts(cuts[-1], dates), strict=True):
        assert row.interest_minor == half_even(balance * rate * part) + collected
        balance, collected = balance - row.principal_minor, 0
    assert balance == 0


@given(terms=cases(), days=st.lists(st.integers(1, 120), min_size=2, max_size=6))
def test_listed_dates_bear_interest_by_their_days_or_are_refused(terms: dict[str, Any], days: list[int]) -> None:
    terms = {name: terms[name] for name in ("principal", "rate", "start_on", "day_count")}
    due = [terms["start_on"] + timedelta(days=sum(days[: k + 1])) for k in range(len(days))]
    parts: list[Any] = [(day, Money(terms["principal"].minor // 2, "EUR")) for day in due[:1]]
    parts += [(day, Money(terms["principal"].minor // 40, "EUR")) for day in due[1:-1]] + [(due[-1], None)]
    if terms["day_count"] in (None, "act/act-icma"):
        with pytest.raises(InvalidTerms, match="day_count") as refused:
            plans.agreed_plan(plan_id="P-1", parts=parts, **terms)
        assert refused.value.code == "plans.day_count"
        return
    try:
        plan = plans.agreed_plan(plan_id="P-1", parts=parts, **terms)
    except InvalidTerms as refused_too:
        assume(refused_too.code == "plans.day_count")
        raise
    balance = terms["principal"].minor
    for row, (before, after) in zip(plan.schedule, pairwise([terms["start_on"], *due]), strict=True):
        part = part_of_a_year(terms["day_count"], before, after, due[-1])
        assert row.interest_minor == half_even(balance * terms["rate"].value * part)
        balance -= row.principal_minor


@given(terms=cases(), count=st.integers(1, 6))
def test_adjusted_accrual_bears_the_days_between_business_days(terms: dict[str, Any], count: int) -> None:
    assume(terms["day_count"] is not None)
    made = plans.PlanTerms(
        shape="level",
        instalments=count,
        calendar=WEEKENDS_ONLY,
        adjustment="following",
        accrue_to="adjusted",
        **terms,
    )
    told = Told(terms)
    moved = [day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0)) for day in told.dates(count)]
    assume(len(set(moved)) == len(moved))
    parts = told.parts(terms["start_on"], moved)
    assert made.periods().factors == tuple(terms["rate"].value * part for part in parts)


@given(terms=cases(), count=st.integers(2, 8), cuts=st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_interest_adds_up_however_a_span_is_cut(terms: dict[str, Any], count: int, cuts: list[int]) -> None:
    assume(terms["day_count"] in ADDITIVE and terms["day_count"] is not None)
    made = plans.PlanTerms(shape="level", instalments=count, **terms)
    start = terms["start_on"]
    days = sorted({start, *(start + timedelta(days=cut) for cut in cuts)})
    whole = made.factor_between(days[0], days[-1])
    assert sum((made.factor_between(*span) for span in pairwise(days)), Fraction(0)) == whole


@given(terms=cases(), count=st.integers(1, 8), months=st.sets(st.integers(1, 12), min_size=1, max_size=3))
def test_skipped_months_change_no_interest_of_a_debt_that_rests(
    terms: dict[str, Any], count: int, months: set[int]
) -> None:
    terms = {name: given for name, given in terms.items() if name not in ("skip_months", "first_due_on")}
    assume(terms["day_count"] in ADDITIVE)
    assume(terms["every"].unit in ("months", "weeks") and terms["every"].n < 6)
    skipping = plans.PlanTerms(shape="level", instalments=count, skip_months=tuple(months), **terms).periods()
    told, rows = Told(terms), 1
    while told.dates(rows)[-1] < skipping.due_on[-1]:
        rows += 1
    paying = plans.PlanTerms(shape="level", instalments=rows, **terms).periods()
    assert sum(skipping.factors, Fraction(0)) == sum(paying.factors, Fraction(0))


@given(terms=cases(), count=st.integers(2, 8), percent=st.integers(1, 40))
def test_an_effective_rate_compounds_over_the_true_length(terms: dict[str, Any], count: int, percent: int) -> None:
    terms = {**terms, "rate": Rate.percent(percent)}
    made = plans.PlanTerms(shape="level", instalments=count, compounding="annual", **terms)
    told = Told(terms)
    for factor, part in zip(made.periods().factors, told.parts(terms["start_on"], told.dates(count)), strict=True):
        with localcontext(Context(prec=60)):
            rate, years = (Decimal(one.numerator) / one.denominator for one in (1 + terms["rate"].value, part))
            exact = Fraction((rate.ln() * years).exp() - 1)
        assert abs(factor - exact) < Fraction(1, 10**33)
