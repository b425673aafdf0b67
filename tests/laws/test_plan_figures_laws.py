"""Laws of what is told about a plan's figures: each row's explanation adds up, and the gap of the last stays in its bound."""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collectkit import plans, servicing
from collectkit.core.calendars import WEEKENDS_ONLY, Every
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import Rate
from collectkit.core.schedule import exact_level, graduated_exact, graduated_payments, level_bounds, level_whole

SUMS = st.one_of(st.integers(1, 300), st.integers(301, 50_000), st.integers(50_001, 10**9))
RATES = st.one_of(
    st.just(Fraction(0)),
    st.fractions(Fraction(1, 10**4), Fraction(1, 2), max_denominator=10**5),
    st.fractions(Fraction(1, 2), Fraction(10), max_denominator=100),
).map(Rate)


def euros(least: int, most: int) -> st.SearchStrategy[Money]:
    return st.integers(least, most).map(lambda minor: Money(minor, "EUR"))


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Options that any shape takes; each is often left out."""
    chosen: dict[str, Any] = {}
    for name, values in {
        "every": st.builds(Every, st.integers(1, 3), st.sampled_from(["days", "weeks", "months", "semimonths"])),
        "rounding": st.sampled_from(get_args(Rounding)),
        "fee_each": euros(0, 500),
        "fee_total": euros(0, 5_000),
        "down_payment": euros(0, 200),
        "day_count": st.sampled_from(["act/365f", "act/360", "30E/360", "act/act-isda"]),
        "compounding": st.sampled_from(get_args(plans.Compounding)),
    }.items():
        if draw(st.integers(0, 2)) == 0:
            chosen[name] = draw(values)
    if draw(st.integers(0, 5)) == 0:
        chosen["skip_months"] = tuple(draw(st.sets(st.integers(1, 12), max_size=4)))
    elif draw(st.integers(0, 5)) == 0 and chosen.get("every", Every(1, "months")).unit == "months":
        chosen |= {"calendar": WEEKENDS_ONLY, "adjustment": "following", "accrue_to": "adjusted"}
    return chosen


REGULAR = ("amortised", "equal_split", "deferred", "equal_principal", "flat", "balloon")
OTHERS = ("interest_only", "bullet", "stepped", "minimum_payment", "agreed")


@st.composite
def made(draw: st.DrawFn, shapes: tuple[str, ...] = REGULAR + OTHERS) -> plans.PaymentPlan:
    """A plan of any shape; terms that are refused are discarded, for a refusal is an answer, too."""
    shape, debt, count = draw(st.sampled_from(shapes)), draw(SUMS), draw(st.integers(1, 60))
    start = draw(st.dates(date(2020, 1, 1), date(2040, 12, 31)))
    given_: dict[str, Any] = {"plan_id": "P", "principal": Money(debt, "EUR"), "start_on": start, **draw(options())}
    if shape != "equal_split":
        given_["rate"] = draw(RATES)
    if shape in REGULAR:
        if draw(st.booleans()):
            given_["residue_to"] = draw(st.sampled_from(get_args(plans.ResidueTo)))
        if draw(st.integers(0, 2)) == 0:
            given_["multiple"] = Money(draw(st.sampled_from([5, 100, 500])), "EUR")
    if shape not in ("bullet", "minimum_payment", "agreed"):
        given_["instalments"] = count
    match shape:
        case "balloon":
            given_["balloon"] = Money(debt * draw(st.integers(0, 90)) // 100, "EUR")
        case "deferred":
            given_ |= {"grace": draw(st.integers(1, 6))}
            given_["interest"] = draw(st.sampled_from(get_args(plans.GraceInterest)))
        case "bullet":
            given_ |= {"periods": count, "interest": draw(st.sampled_from(["simple", "compound"]))}
        case "stepped" if draw(st.booleans()):
            given_ |= {"growth": Fraction(draw(st.integers(-5, 10)), 100), "rows_per_step": draw(st.integers(1, 12))}
        case "stepped":
            given_["steps"] = [(max(count // 2, 1), Money(debt // (2 * count) + 1, "EUR"))]
        case "minimum_payment":
            given_ |= {"share": Fraction(1, draw(st.integers(1, 8))), "floor": Money(max(debt // 20, 1), "EUR")}
            if draw(st.booleans()):
                given_["multiple"] = Money(100, "EUR")
        case "agreed":
            for name in ("every", "skip_months"):
                given_.pop(name, None)
            days = [start + timedelta(days=9 * place + 5) for place in range(min(count, 12))]
            parts: list[Any] = [(day, Money(debt // (len(days) + 1), "EUR")) for day in days]
            given_["parts"] = [*parts[:-1], (days[-1], None)]
            given_.setdefault("day_count", "act/365f")
    try:
        return getattr(plans, f"{shape}_plan")(**given_)  # type: ignore[no-any-return]  # chosen by its name
    except InvalidTerms as error:
        refusal = error
    assert refusal.code.startswith("plans."), refusal.code
    assume(False)
    raise refusal


# -- explanations ------------------------------------------------------------------------------------------------


def adds_up(plan: plans.PaymentPlan, told: plans.RowExplanation) -> None:
    """Make the row again from the figures that are told of it."""
    row, rounding, terms = told.row, plan.terms.rounding, plan.terms
    assert sum(amount.minor for _, amount in told.parts) == row.total.minor
    assert told.balance_before.minor - row.principal_minor == row.balance_minor
    if row.number <= plan.carried or dict(told.parts).get("down payment"):
        return
    assert told.interest_exact == told.base.minor * told.factor
    interest = rounded(told.interest_exact, rounding)
    assert row.interest_minor == interest + told.interest_added.minor + told.interest_residue.minor
    if terms.shape not in ("flat", "bullet"):
        assert told.base == told.balance_before
        assert not told.interest_residue.minor
    assert (told.payment_exact is None) != (told.principal_exact is None)
    balloon = dict(told.parts).get("balloon", Money(0, "EUR")).minor
    paid = told.payment.minor + told.residue.minor + balloon + told.interest_added.minor
    assert row.principal_minor + row.interest_minor == paid
    unit = 1 if terms.multiple is None else terms.multiple.minor
    if told.payment_exact is not None:
        assert abs(told.payment.minor - told.payment_exact) <= Fraction(unit + 1, 1)
        if unit == 1 and terms.shape != "agreed":
            assert told.payment.minor == rounded(told.payment_exact, rounding)
    elif told.principal_exact is not None and unit == 1:
        principal = rounded(told.principal_exact, rounding)
        assert told.payment.minor == principal + interest + told.interest_residue.minor
    for figure in (told.base, row.total, row.principal):
        assert str(figure) in told.text
    factor = str(told.factor) if told.factor.denominator < 10**40 else cut(told.factor, 12)
    how = f"{told.base} x {factor}"
    if terms.flat_parts:
        how = f"interest of {told.base} stays as agreed"
    assert how in told.text
    if not terms.flat_parts:
        said = f"rounded {rounding.replace('_', '-')} to {Money(interest, row.currency)}"
        assert f" = {cut(told.interest_exact, 6)} minor units, {said}" in told.text


def cut(value: Fraction, places: int) -> str:
    """An exact number of zero or more with some digits after the point, cut."""
    shown, left = divmod(value.numerator * 10**places, value.denominator)
    text = str(shown).rjust(places + 1, "0")
    return f"{text[:-places]}.{text[-places:]}{'...' if left else ''}"


@given(plan=made(), place=st.integers(0, 59))
def test_what_is_told_of_a_row_makes_the_row_again(plan: plans.PaymentPlan, place: int) -> None:
    number = place % len(plan.schedule) + 1
    adds_up(plan, plan.explain(number))
    adds_up(plan, plan.explain(1))
    adds_up(plan, plan.explain(len(plan.schedule)))


@given(plan=made(REGULAR), place=st.integers(0, 59))
def test_a_row_without_residue_says_where_it_went(plan: plans.PaymentPlan, place: int) -> None:
    rows = [plan.explain(number) for number in range(1, min(len(plan.schedule), 24) + 1)]
    assume(len(rows) == len(plan.schedule))
    took = [one.row.number for one in rows if one.residue.minor]
    if plan.terms.residue_to == "last":
        regular = {one.residue.minor for one in rows[: rows[-1].row.number - 1] if one.payment_exact is not None}
        assert len(regular) <= 2  # one and the same for all rows, or none of a row of interest alone
    for one in rows:
        if one.residue.minor:
            assert f"{one.residue} of rounding went into this row" in one.text
        elif "no residue here: " in one.text:
            assert took
            assert placed(one.text) == set(took)
        elif "no residue here or" in one.text:
            assert not took


def placed(text: str) -> set[int]:
    """The instalments that a text says took the odd units: "instalments 2, 5 to 7"."""
    listed = re.search(r"went into instalments? ([\d, to]+)", text)
    assert listed is not None
    runs = [[int(end) for end in run.split(" to ")] for run in listed[1].split(", ") if run]
    return {number for run in runs for number in range(run[0], run[-1] + 1)}


@pytest.mark.parametrize("effect", ["lower", "shorten"])
def test_rows_of_a_plan_that_changed_are_told_like_others(effect: Any) -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=Money(120_000, "EUR"),
        rate=Rate.percent("12"),
        instalments=6,
        start_on=date(2026, 1, 1),
        fee_each=Money(100, "EUR"),
    )
    new = servicing.prepay(plan=plan, plan_id="P-2", amount=Money(50_000, "EUR"), on=date(2026, 1, 20), effect=effect)
    late = servicing.reamortise(plan=plan, plan_id="P-3", on=date(2026, 3, 20))
    for changed in (new, late):
        for row in changed.schedule:
            adds_up(changed, changed.explain(row.number))


# -- the gap of the last row ---------------------------------------------------------------------------------------


@given(plan=made(REGULAR))
def test_the_last_row_differs_by_no_more_than_the_bound_that_is_stated(plan: plans.PaymentPlan) -> None:
    proof = plan.proof
    assume(proof.last_gap is not None)
    assert proof.last_gap is not None
    assert proof.gap_bound is not None
    assert abs(proof.last_gap.minor) <= proof.gap_bound.minor
    assert proof.gap_bound.minor <= 2 * plan.schedule.principal.minor + plan.schedule[0].total.minor + 2


@given(
    debt=st.integers(10_000, 10**8),
    rate=st.fractions(Fraction(1, 1000), Fraction(3, 10), max_denominator=1000),
    count=st.integers(2, 400),
)
def test_the_bound_is_what_the_rounded_payment_grows_to_and_a_half_unit_a_row(
    debt: int, rate: Fraction, count: int
) -> None:
    plan = plans.amortised_plan(
        plan_id="P", principal=Money(debt, "EUR"), rate=Rate(rate), instalments=count, start_on=date(2026, 1, 31)
    )
    factor = rate / 12
    growth = (1 + factor) ** count
    level = debt * factor * growth / (growth - 1)
    off = abs(plan.schedule[0].total.minor - level)
    worth = (growth - 1) / factor
    assert plan.proof.gap_bound is not None
    # the last instalment is at least nothing, at most the whole debt with the interest of a period
    allowed = max(level, debt * (1 + factor) - level)
    assert abs(plan.proof.gap_bound.minor - min((off + Fraction(1, 2)) * worth, allowed)) <= 2


@pytest.mark.parametrize("residue_to", get_args(plans.ResidueTo))
@pytest.mark.parametrize(("percent", "rows"), [("100", 10_000), ("1000", 1200), ("1000", 60)])
@pytest.mark.parametrize("fee", [None, Money(50, "EUR")])
def test_interest_without_measure_is_answered_within_the_bound_of_the_debt(
    percent: str, rows: int, residue_to: Any, fee: Money | None
) -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=Money(1_000_000, "EUR"),
        rate=Rate.percent(percent),
        instalments=rows,
        start_on=date(2026, 1, 1),
        residue_to=residue_to,
        fee_each=fee,
    )
    assert plan.proof.last_gap is not None
    assert plan.proof.gap_bound is not None
    assert abs(plan.proof.last_gap.minor) <= plan.proof.gap_bound.minor <= 2_000_000
    adds_up(plan, plan.explain(1))


# -- levels of many rows -------------------------------------------------------------------------------------------


@given(
    opening=st.integers(1, 10**9),
    days=st.lists(st.integers(0, 400), min_size=1, max_size=120),
    growth=st.fractions(Fraction(-9, 10), Fraction(3), max_denominator=1000),
    rows_per_step=st.integers(1, 12),
    rounding=st.sampled_from(get_args(Rounding)),
)
def test_bounded_levels_round_to_what_exact_fractions_do(
    opening: int, days: list[int], growth: Fraction, rows_per_step: int, rounding: Rounding
) -> None:
    factors = [Fraction(day, 3650) for day in days]

    def whole(value: Fraction) -> int:
        return rounded(value, rounding)

    weights = [(1 + growth) ** (row // rows_per_step) for row in range(len(factors))]
    level = exact_level(opening, factors, weights)
    payments = graduated_payments(opening, factors, growth, rows_per_step, whole)
    assert payments == [whole(level * weight) for weight in weights]
    place = len(factors) // 2
    assert graduated_exact(opening, factors, growth, rows_per_step, place) == level * weights[place]
    fixed = [day % 7 for day in days]
    exact = exact_level(opening, factors, None, fixed)
    bounds = level_bounds(opening, factors, None, fixed)
    assert bounds is not None
    assert bounds[0] <= exact <= bounds[1]
    assert level_whole(opening, factors, whole, None, fixed) == whole(exact)
