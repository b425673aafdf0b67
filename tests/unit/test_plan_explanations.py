"""What is told of plans: the parts of a row, the bound of the last gap, the cause of a refusal, the cost in all."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import attrs
import pytest

from collectkit import plans, servicing
from collectkit.core.calendars import BusinessCalendar, Every
from collectkit.core.errors import CalendarMissing, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.schedule import DueDates, Schedule, graduated_payments, level_bounds, level_schedule, level_whole

TWELVE = Rate.percent("12")
KNOWN: dict[str, Any] = {
    "calendar": BusinessCalendar(known_from_on=date(2026, 1, 1), known_until_on=date(2028, 1, 1)),
    "adjustment": "following",
}


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def built(shape: str, **given: Any) -> plans.PaymentPlan:
    start: dict[str, Any] = {"plan_id": "P", "principal": eur("1000"), "start_on": date(2026, 1, 1)}
    made: plans.PaymentPlan = getattr(plans, f"{shape}_plan")(**{**start, **given})
    return made


def refusal(shape: str, **given: Any) -> InvalidTerms:
    with pytest.raises(InvalidTerms) as refused:
        built(shape, **given)
    return refused.value


def parts(told: plans.RowExplanation) -> dict[str, str]:
    return {name: f"{amount.minor / 100:.2f}" for name, amount in told.parts}


# -- rows ----------------------------------------------------------------------------------------------------------


def test_a_row_of_interest_alone_has_no_residue() -> None:
    told = built("deferred", instalments=3, grace=3, rate=TWELVE, interest="pay").explain(1)
    assert (told.residue.minor, told.row.total, told.payment_exact) == (0, eur("10"), None)
    assert parts(told) == {"interest": "10.00"}


def test_interest_of_a_wait_is_named_and_is_no_rounding() -> None:
    told = built("deferred", instalments=3, grace=3, rate=TWELVE, interest="collect").explain(1)
    assert parts(told) == {"level payment": "340.02", "interest of the wait": "30.00"}
    assert "with 30.00 EUR of the wait it is 40.00 EUR" in told.text
    assert "no residue here: 0.01 EUR went into instalment 3" in told.text


@pytest.mark.parametrize("terms", [{"skip_months": (3, 4)}, {"day_count": "act/365f"}, {}])
def test_flat_interest_is_told_by_the_mean_of_its_periods(terms: dict[str, Any]) -> None:
    plan = built("flat", principal=eur("1200"), rate=Rate.percent("10"), instalments=7, fee_each=eur("1"), **terms)
    for row in plan.schedule:
        told = plan.explain(row.number)
        assert told.interest_exact == 120_000 * told.factor
        assert sum(amount.minor for _, amount in told.parts) == row.total.minor
    assert 7 * plan.explain(1).interest_exact == pytest.approx(plan.schedule.interest.minor, abs=1)


def test_compound_interest_is_told_by_the_compound_factor() -> None:
    told = built("bullet", periods=3, rate=TWELVE, interest="compound").explain(1)
    assert told.factor == Fraction(101, 100) ** 3 - 1
    said = (
        "1000.00 EUR x 30301/1000000, compounded over 3 periods, = 3030.100000 minor units, rounded half-even to 30.30"
    )
    assert said in told.text


@pytest.mark.parametrize("given", [{}, {"day_count": "act/365f"}, {"compounding": "annual"}])
def test_a_factor_that_no_one_can_read_is_told_by_its_digits_and_stays_exact(given: dict[str, Any]) -> None:
    rate = Rate.percent("9.4822")
    plan = built("bullet", periods=10_000, rate=rate, interest="compound", every=Every(1, "days"), **given)
    told = plan.explain(1)
    assert len(told.text) < 500
    assert ", compounded over 10000 periods, = " in told.text
    assert told.interest_exact == 100_000 * told.factor
    if not given.get("compounding"):
        assert told.factor == (1 + rate.value / 365) ** 10_000 - 1
        assert "x 12.430464914122..., compounded" in told.text  # (1 + 0.094822 / 365) ** 10000 - 1


def test_a_factor_of_few_digits_is_told_in_full() -> None:
    plan = built("amortised", instalments=3, rate=Rate.percent("9.4822"))
    assert "x 47411/6000000 = " in plan.explain(1).text
    assert "compounded" not in built("bullet", periods=1, rate=TWELVE, interest="compound").explain(1).text


def test_fees_and_balloons_are_parts_of_their_own() -> None:
    plan = built("balloon", balloon=eur("400"), instalments=3, rate=TWELVE, fee_each=eur("1.50"))
    assert parts(plan.explain(3)) == {"level payment": "208.01", "balloon": "400.00", "residue": "0.01", "fee": "1.50"}
    assert "1.50 EUR of it is fee" in plan.explain(1).text


def test_a_part_of_principal_has_an_unrounded_figure_and_a_residue() -> None:
    plan = built("equal_principal", principal=eur("1200"), rate=TWELVE, instalments=7)
    assert plan.explain(1).principal_exact == Fraction(120_000, 7)
    assert plan.explain(7).residue == Money(-1, "EUR")
    assert "-0.01 EUR went into instalment 7" in plan.explain(2).text


def test_odd_units_that_are_spread_are_listed() -> None:
    plan = built("equal_split", instalments=7, residue_to="spread")
    assert [row.total.minor for row in plan.schedule] == [14286] * 5 + [14285] * 2
    assert "-0.02 EUR went into instalments 6 to 7" in plan.explain(1).text
    five = built("equal_split", principal=eur("1.02"), instalments=5, residue_to="spread")
    assert [row.total.minor for row in five.schedule] == [21, 21, 20, 20, 20]
    assert "0.02 EUR went into instalments 1 to 2" in five.explain(5).text


def test_what_is_named_is_told_as_named() -> None:
    agreed = built("agreed", parts=[(date(2026, 2, 1), eur("300")), (date(2026, 4, 1), None)], fee_each=eur("1"))
    assert parts(agreed.explain(1)) == {"agreed payment": "300.00", "fee": "1.00"}
    assert parts(agreed.explain(2)) == {"payment of what is left": "700.00", "fee": "1.00"}
    stepped = built("stepped", instalments=4, steps=[(2, eur("50"))])
    assert parts(stepped.explain(2)) == {"payment that its step names": "50.00"}
    assert parts(stepped.explain(4)) == {"level payment of the open rows": "450.00"}
    least = built("minimum_payment", share="0.2", floor=eur("150"))
    assert parts(least.explain(1)) == {"payment by the share of what is owed": "200.00"}
    assert "the last row takes what is left, " in least.explain(len(least.schedule)).text
    assert "falls to instalment" in least.explain(1).text


def test_rows_of_a_plan_that_changed_name_what_was_brought_in() -> None:
    plan = built("amortised", instalments=6, rate=TWELVE)
    late = servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 3, 20))
    told = late.explain(1)
    assert told.interest_added.minor > 0
    assert "interest brought in" in parts(told)
    assert sum(amount.minor for _, amount in told.parts) == told.row.total.minor
    flat = servicing.add_fee(
        plan=built("flat", rate=TWELVE, instalments=6), plan_id="P-3", on=date(2026, 1, 9), fee=eur("5")
    )
    assert "stays as agreed" in flat.explain(1).text


# -- the gap of the last row ---------------------------------------------------------------------------------------


def test_a_bound_beyond_an_instalment_says_so() -> None:
    plan = built("amortised", rate=Rate.percent("9.4822"), instalments=360, multiple=eur("1"))
    assert (plan.proof.last_gap, plan.proof.gap_bound) == (eur("801.33"), eur("811.29"))
    assert "more than an instalment: what rounding leaves bears interest to the end" in plan.proof.lines()[4]
    assert "more than" not in built("amortised", rate=TWELVE, instalments=12).proof.lines()[4]


def test_without_interest_only_the_rounded_payment_leaves_a_gap() -> None:
    plan = built("equal_split", instalments=7)  # 142.86 for 142.857142...: 7 times 0.002857 is 0.02
    assert (plan.proof.last_gap, plan.proof.gap_bound) == (Money(-2, "EUR"), Money(2, "EUR"))
    changed = {0: 14286 + 500, 6: 14284 - 500}  # what rounding does not explain
    rows = [attrs.evolve(row, principal_minor=changed.get(row.number - 1, 14286)) for row in plan.schedule]
    schedule = type(plan.schedule).from_rows(rows)
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(plan, schedule=schedule)
    assert refused.value.code == "plans.gap"


@pytest.mark.parametrize("off", [-4, 4])
@pytest.mark.parametrize("in_columns", [False, True])
def test_a_gap_that_rounding_does_not_explain_is_refused_for_what_it_is(off: int, in_columns: bool) -> None:
    plan = built("amortised", rate=TWELVE, instalments=12)  # 88.85 a month; a unit grows to 12.68 units by the end
    schedule = level_schedule(
        principal=eur("1000"),
        period_rate=(1, 100),
        payment=8885 + off,
        count=12,
        due_on=DueDates(date(2026, 1, 1), Every(1, "months"), 12),
    )
    if in_columns:
        schedule = Schedule.from_rows(schedule)
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(plan, schedule=schedule)
    assert refused.value.code == "plans.gap"


def test_a_limit_on_the_gap_holds_for_a_solved_plan_too() -> None:
    asked: dict[str, Any] = {"plan_id": "P", "principal": eur("500"), "start_on": date(2026, 1, 1)}
    near = plans.personalised_plan(affordable=eur("120"), gap_limit=eur("10"), **asked)
    assert isinstance(near, plans.PersonalisedPlan)
    assert [row.total.minor for row in near.plan.schedule] == [10_200] * 4 + [9_200]
    assert near.plan.proof.last_gap == eur("-10")
    assert [reason.code for reason in near.reasons] == ["plans.affordable", "plans.gap_limit"]


# -- refusals ------------------------------------------------------------------------------------------------------

DAYS = (date(2026, 2, 1), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("shape", "given", "code", "way_out"),
    [
        ("agreed", {"parts": [(DAYS[0], eur("1400")), (DAYS[1], None)]}, "plans.overpaid", "only 1000.00 EUR is left"),
        ("agreed", {"parts": [(DAYS[0], eur("1000")), (DAYS[1], None)]}, "plans.overpaid", "by instalment 1"),
        ("agreed", {"parts": [(DAYS[0], eur("0")), (DAYS[1], None)]}, "plans.nothing_due", "leave that date out"),
        ("stepped", {"instalments": 4, "steps": [(2, eur("700"))]}, "plans.overpaid", "only 300.00 EUR is left"),
        ("interest_only", {"instalments": 4, "rate": Rate.zero()}, "plans.nothing_due", "bullet_plan"),
        (
            "deferred",
            {"principal": eur("0.40"), "instalments": 2, "grace": 2, "rate": TWELVE, "interest": "pay"},
            "plans.nothing_due",
            "collects or waives",
        ),
        ("equal_split", {"instalments": 3, "multiple": eur("2000")}, "plans.multiple", "choose steps of 400.00 EUR"),
        ("amortised", {"instalments": 12, "rate": TWELVE, "multiple": eur("5000")}, "plans.multiple", "or agree on 1"),
        ("equal_split", {"instalments": 12, "principal": eur("0.05")}, "plans.too_small", "at most 5 fit"),
        ("interest_only", {"instalments": 4, "rate": TWELVE, "multiple": eur("1")}, "plans.options", "leave it out"),
        ("bullet", {"periods": 4, "rate": TWELVE, "residue_to": "first"}, "plans.options", "one payment"),
        ("stepped", {"instalments": 4, "growth": "0.1", "gap_limit": eur("1")}, "plans.options", "what is left"),
        ("minimum_payment", {"share": "0.1", "floor": eur("5"), "residue_to": "spread"}, "plans.options", "leave"),
    ],
)
def test_a_refusal_names_its_own_cause_and_a_way_out(
    shape: str, given: dict[str, Any], code: str, way_out: str
) -> None:
    error = refusal(shape, **given)
    assert error.code == code
    assert way_out in str(error)


def test_the_ways_out_of_a_multiple_work() -> None:
    given: dict[str, Any] = {"instalments": 12, "rate": TWELVE}
    error = refusal("amortised", multiple=eur("400"), **given)
    assert "choose steps of 80.00 EUR or agree on 3 instalments" in str(error)
    assert built("amortised", multiple=eur("80"), **given).schedule[0].total == eur("80")
    assert len(built("amortised", **{**given, "multiple": eur("400"), "instalments": 3}).schedule) == 3
    assert refusal("amortised", **{**given, "multiple": eur("400"), "instalments": 4}).code == "plans.multiple"


def test_the_way_out_of_a_multiple_in_a_long_plan_is_to_leave_it_out() -> None:
    given: dict[str, Any] = {"instalments": 2_000, "rate": TWELVE, "every": Every(1, "days"), "day_count": "act/365f"}
    error = refusal("amortised", multiple=eur("2"), **given)
    assert (error.code, str(error).endswith("leave nothing for some; leave the multiple out")) == (
        "plans.multiple",
        True,
    )
    assert len(built("amortised", **given).schedule) == 2_000


def test_a_row_that_asks_for_a_fee_alone_after_the_debt_is_paid_is_refused() -> None:
    assert refusal("amortised", principal=eur("0.05"), instalments=12, rate=TWELVE, fee_each=eur("1")).code == (
        "plans.too_small"
    )


# -- options -------------------------------------------------------------------------------------------------------


def test_an_instalment_is_a_multiple_with_its_fee() -> None:
    plan = built("amortised", rate=TWELVE, instalments=7, multiple=eur("5"), fee_each=eur("1.50"))
    assert {row.total.minor % 500 for row in plan.schedule[:-1]} == {0}
    flat = built("flat", rate=TWELVE, instalments=7, multiple=eur("5"), fee_each=eur("1.50"))
    assert {row.total.minor % 500 for row in flat.schedule[:-1]} == {0}
    even = built("equal_principal", rate=TWELVE, instalments=7, multiple=eur("5"), fee_each=eur("1.50"))
    assert {row.principal_minor % 500 for row in even.schedule[:-1]} == {0}
    least = built("minimum_payment", share="0.1", floor=eur("52.50"), multiple=eur("5"), fee_each=eur("1.50"))
    assert {row.total.minor % 500 for row in least.schedule[:-1]} == {0}
    assert min(row.total.minor for row in least.schedule[:-1]) == 5500


# -- levels of many rows -------------------------------------------------------------------------------------------


def test_a_tie_in_many_rows_is_settled_by_the_exact_level() -> None:
    assert graduated_payments(50, [Fraction(0)] * 100, Fraction(0), 1, round) == [0] * 100  # a half, to the even
    assert graduated_payments(150, [Fraction(0)] * 100, Fraction(0), 1, round) == [2] * 100
    uneven = [Fraction(0)] * 99 + [Fraction(1)]
    assert level_whole(50, uneven, round, [Fraction(1)] * 99 + [Fraction(0)]) == round(Fraction(50, 99))


def test_a_level_too_far_off_to_be_bounded_is_worked_out_exactly() -> None:
    steep, last = [Fraction(10)] * 99 + [Fraction(9)], [Fraction(0)] * 99 + [Fraction(1)]
    assert level_bounds(10, steep, last) is None
    assert level_whole(10, steep, round, last) == 10 * 11**99 * 10
    with pytest.raises(InvalidTerms):
        level_whole(10, steep, round, [Fraction(0)] * 100)


def test_a_level_of_many_digits_is_bounded_before_it_is_worked_out() -> None:
    share = Fraction(10**34 + 1, 10**36)  # as long as the monthly share of an effective rate
    payment = level_whole(10**8, [share] * 600, round)
    balance = Fraction(10**8)
    for _ in range(600):
        balance += balance * share - payment
    grown_by = ((1 + share) ** 600 - 1) / share
    assert abs(balance) <= grown_by / 2


# -- dates, size, cost ---------------------------------------------------------------------------------------------


def test_minimum_payments_need_no_dates_beyond_their_end() -> None:
    plan = built("minimum_payment", share="0.25", floor=eur("100"), rate=TWELVE, **KNOWN)
    assert plan.terms.instalments == len(plan.schedule) < 24
    assert plan.explain(len(plan.schedule)).row == plan.schedule[-1]
    with pytest.raises(CalendarMissing):
        built("minimum_payment", share="0.01", floor=eur("11"), rate=TWELVE, **KNOWN)
    assert refusal("minimum_payment", share="0", floor=eur("1"), rate=TWELVE, **KNOWN).code == (
        "plans.negative_amortisation"
    )


def test_10000_graduated_rows_are_laid_out_and_told() -> None:
    plan = built(
        "stepped",
        principal=eur("1000000"),
        instalments=10_000,
        growth="0.0005",
        rows_per_step=1,
        every=Every(1, "days"),
    )
    rows = plan.schedule.payments
    assert sum(rows) == 100_000_000
    ratio, whole = Fraction(2001, 2000), 100_000_000
    first = whole * (ratio - 1) / (ratio**10_000 - 1)  # the sum of a geometric row
    for place in (0, 1, 4_999, 9_998):
        assert rows[place] == round(first * ratio**place)
    assert plan.explain(5_000).payment_exact == first * ratio**4_999


def test_cost_holds_interest_that_joined_the_debt() -> None:
    plan = built("deferred", principal=eur("1200"), instalments=4, grace=3, rate=TWELVE, interest="capitalise")
    assert plan.cost == plans.disclose(plan).cost == plan.total - eur("1200")
    assert plan.cost > plan.schedule.interest
    late = servicing.reamortise(
        plan=built("amortised", instalments=6, rate=TWELVE), plan_id="P-2", on=date(2026, 3, 20), arrears="capitalise"
    )
    assert late.cost.minor == late.total.minor - late.terms.principal.minor
