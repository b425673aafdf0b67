"""Payment plans: what each shape builds, what is refused and with what way out, proof, explanation, disclosure."""

from __future__ import annotations

import tracemalloc
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest

from collectkit import plans, servicing
from collectkit._plans.steps import effective_share, running_share
from collectkit._plans.terms import factor_between
from collectkit.core.calendars import WEEKENDS_ONLY, Every
from collectkit.core.decisions import Declined
from collectkit.core.errors import CurrencyMismatch, InvalidDate, InvalidMoney, InvalidRate, InvalidRecord, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import Payment
from collectkit.core.schedule import DueDates, Schedule, level_schedule

START = date(2026, 1, 31)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def amortised(**change: Any) -> plans.PaymentPlan:
    given: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": eur("1000"),
        "rate": Rate.percent("12"),
        "instalments": 6,
        "start_on": START,
    }
    return plans.amortised_plan(**{**given, **change})


def split(**change: Any) -> plans.PaymentPlan:
    given: dict[str, Any] = {"plan_id": "P-1", "principal": eur("100"), "instalments": 3, "start_on": START}
    return plans.equal_split_plan(**{**given, **change})


def totals(plan: plans.PaymentPlan) -> list[int]:
    return [row.total.minor for row in plan.schedule]


def days(plan: plans.PaymentPlan) -> list[str]:
    return [str(row.due_on) for row in plan.schedule]


def code_of(make: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidTerms) as refused:
        make(*args, **kwargs)
    return refused.value.code


# -- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, -1, 1.0, True, "12", None, Decimal(3)])
def test_a_number_of_instalments_that_is_no_count_is_refused(count: Any) -> None:
    assert code_of(split, instalments=count) == "plans.count"
    assert code_of(amortised, instalments=count) == "plans.count"


def test_10000_instalments_are_laid_out() -> None:
    plan = amortised(principal=eur("100000000"), instalments=10_000, every=Every(1, "days"), rate=Rate.percent("1"))
    assert len(plan.schedule) == 10_000
    assert plan.schedule[-1].balance.is_zero


@pytest.mark.parametrize("count", [10_001, 10**9])
def test_too_many_instalments_are_refused_before_memory_is_taken(count: int) -> None:
    tracemalloc.start()
    assert code_of(amortised, instalments=count) == "plans.too_many"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("rate", "code"), [("-0.01", "rates.negative"), ("1000.01", "rates.over_limit"), ("NaN", "rates.not_finite")]
)
def test_a_rate_below_0_or_over_1000_percent_is_refused(rate: str, code: str) -> None:
    with pytest.raises(InvalidRate) as refused:
        amortised(rate=Rate.percent(rate))
    assert refused.value.code == code


def test_a_rate_of_1000_percent_is_allowed_and_closes() -> None:
    plan = amortised(rate=Rate.percent("1000"))
    assert plan.schedule[-1].balance.is_zero
    assert plan.schedule[0].interest == eur("833.33")


@pytest.mark.parametrize("rate", [0.12, "12", 12, Decimal("0.12")])
def test_a_bare_number_is_no_rate(rate: Any) -> None:
    assert code_of(amortised, rate=rate) == "plans.rate"


def test_a_payment_below_its_interest_is_refused_with_what_would_suffice() -> None:
    with pytest.raises(InvalidTerms, match=r"at least 10\.01 EUR") as refused:
        plans.stepped_plan(
            plan_id="P",
            principal=eur("1000"),
            rate=Rate.percent("12"),
            instalments=12,
            start_on=START,
            steps=[(3, eur("9.99"))],
        )
    assert refused.value.code == "plans.negative_amortisation"
    assert refused.value.facts["needed"] == eur("10.01")


def test_a_minimum_payment_below_its_interest_is_refused() -> None:
    make = {"plan_id": "P", "principal": eur("1000"), "start_on": START, "rate": Rate.percent("36")}
    assert code_of(plans.minimum_payment_plan, share="0.01", floor=eur("5"), **make) == "plans.negative_amortisation"
    assert code_of(plans.minimum_payment_plan, share="0.03", floor=eur("5"), **make) in (
        "plans.negative_amortisation",
        "plans.too_many",
    )


@pytest.mark.parametrize("cents", [1, 11])
def test_fewer_cents_than_parts_are_refused_with_the_number_that_fits(cents: int) -> None:
    with pytest.raises(InvalidTerms, match=f"at most {cents} fit") as refused:
        split(principal=Money(cents, "EUR"), instalments=12)
    assert refused.value.code == "plans.too_small"
    assert refused.value.facts["smallest"] == Money(1, "EUR")
    assert code_of(amortised, principal=Money(cents, "EUR"), instalments=12) == "plans.too_small"


@pytest.mark.parametrize("principal", [Money(0, "EUR"), Money(-1, "EUR"), 1000, "1000"])
def test_a_debt_of_nothing_is_refused(principal: Any) -> None:
    assert code_of(split, principal=principal) == "plans.principal"


def test_the_31st_comes_back_after_short_months() -> None:
    assert days(split()) == ["2026-02-28", "2026-03-31", "2026-04-30"]
    assert days(split(month_end="roll")) == ["2026-03-01", "2026-03-31", "2026-05-01"]


def test_29_february_is_kept_by_a_yearly_plan() -> None:
    plan = split(start_on=date(2024, 2, 29), instalments=4, every=Every(1, "years"))
    assert days(plan) == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


def test_a_plan_past_the_year_9999_is_refused_at_birth() -> None:
    with pytest.raises(InvalidDate) as refused:
        split(start_on=date(9999, 11, 1))
    assert refused.value.code == "calendars.out_of_range"


@pytest.mark.parametrize("start_on", [datetime(2026, 1, 1), "2026-01-01", None])  # noqa: DTZ001 - must be refused
def test_a_start_that_is_no_plain_date_is_refused(start_on: Any) -> None:
    with pytest.raises(InvalidDate):
        split(start_on=start_on)


@pytest.mark.parametrize(
    "option", ["fee_each", "fee_total", "down_payment", "multiple", "gap_limit", "tolerance_amount"]
)
def test_a_sum_in_another_currency_is_refused(option: str) -> None:
    with pytest.raises(CurrencyMismatch):
        split(**{option: Money(1, "USD")})


@pytest.mark.parametrize("option", ["fee_each", "down_payment", "multiple"])
def test_a_sum_below_zero_or_of_no_money_is_refused(option: str) -> None:
    assert code_of(split, **{option: Money(-1, "EUR")}) == "plans.amount"
    assert code_of(split, **{option: 5}) == "plans.amount"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"residue_to": "middle"}, "plans.residue"),
        ({"compounding": "daily"}, "plans.compounding"),
        ({"accrue_to": "both"}, "plans.compounding"),
        ({"every": "month"}, "plans.dates"),
        ({"multiple": Money(0, "EUR")}, "plans.multiple"),
        ({"skip_months": (13,)}, "plans.dates"),
        ({"skip_months": tuple(range(1, 13))}, "plans.dates"),
        ({"skip_months": (1,), "rrule": "FREQ=MONTHLY"}, "plans.dates"),
        ({"adjustment": "following"}, "plans.dates"),
        ({"due_on": [date(2026, 3, 1)]}, "plans.dates"),
        ({"due_on": [date(2026, 3, 1), date(2026, 2, 1), date(2026, 4, 1)]}, "plans.dates"),
        ({"due_on": [date(2026, 3, 1), date(2026, 3, 1), date(2026, 4, 1)]}, "plans.dates"),
        ({"due_on": [date(2025, 3, 1), date(2026, 3, 1), date(2026, 4, 1)]}, "plans.dates"),
        ({"first_due_on": date(2026, 1, 30)}, "plans.dates"),
        ({"down_payment": Money(10000, "EUR")}, "plans.down_payment"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(options: dict[str, Any], code: str) -> None:
    assert code_of(split, **options) == code


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"rounding": "nearest"}, InvalidMoney),
        ({"day_count": "30/366"}, InvalidRate),
        ({"month_end": "last"}, InvalidDate),
        ({"rrule": "FREQ=HOURLY"}, InvalidDate),
        ({"plan_id": ""}, InvalidRecord),
        ({"covers": "R-1"}, InvalidRecord),
        ({"tolerance_days": -1}, InvalidRecord),
    ],
)
def test_a_choice_that_is_none_is_refused_by_the_room_that_owns_it(options: dict[str, Any], error: Any) -> None:
    with pytest.raises(error):
        amortised(**options)


def test_an_unknown_option_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError):
        split(colour="red")


# -- shapes ------------------------------------------------------------------------------------------------------


def test_the_last_row_takes_what_rounding_left() -> None:
    # the payment rounds to 8.40, which overpays the debt before the end and would leave a last row of -0.58
    plan = amortised(rate=Rate.percent("9.4822"), instalments=360)
    assert totals(plan)[:-1] == [839] * 359
    assert totals(plan)[-1] > 839
    assert plan.proof.last_balance.is_zero


@pytest.mark.parametrize("residue_to", ["spread", "minimal"])
def test_other_residue_rules_leave_a_smaller_gap(residue_to: Any) -> None:
    def gap(rule: Any) -> int:
        plan = amortised(rate=Rate.percent("9.4822"), instalments=360, residue_to=rule)
        assert plan.proof.last_gap is not None
        return abs(plan.proof.last_gap.minor)

    assert gap(residue_to) <= gap("last")


def test_spread_divides_odd_cents_over_the_first_rows() -> None:
    assert totals(split(residue_to="spread", principal=Money(101, "EUR"), instalments=4)) == [26, 25, 25, 25]
    assert totals(split(residue_to="first", principal=Money(101, "EUR"), instalments=4)) == [26, 25, 25, 25]
    assert totals(split(residue_to="last", principal=Money(101, "EUR"), instalments=4)) == [25, 25, 25, 26]
    assert totals(split(residue_to="minimal", principal=Money(101, "EUR"), instalments=4)) == [25, 25, 25, 26]


def test_instalments_keep_to_whole_euros_but_for_the_last() -> None:
    plan = amortised(principal=eur("5000"), instalments=18, multiple=eur("1"))
    assert {total % 100 for total in totals(plan)[:-1]} == {0}
    assert totals(plan)[0] == 30500
    assert code_of(split, principal=eur("2"), multiple=eur("1")) == "plans.multiple"


def test_fees_sit_inside_the_instalments() -> None:
    plan = split(fee_each=eur("1"), fee_total=Money(101, "EUR"))
    assert [row.fee_minor for row in plan.schedule] == [134, 134, 133]
    assert plan.cost == Money(401, "EUR")
    assert plan.total == eur("104.01")


def test_a_down_payment_is_the_first_row_on_the_first_day() -> None:
    plan = split(down_payment=eur("10"), fee_each=eur("1"))
    assert [(str(row.due_on), row.total.minor) for row in plan.schedule][:2] == [
        ("2026-01-31", 1000),
        ("2026-02-28", 3100),
    ]
    assert plan.explain(1).text == "instalment 1 of 10.00 EUR: down payment; 90.00 EUR is left"


def test_skipped_months_bear_interest_that_the_next_row_pays() -> None:
    plan = amortised(start_on=date(2026, 5, 1), instalments=4, skip_months=(7, 8))
    assert days(plan) == ["2026-06-01", "2026-09-01", "2026-10-01", "2026-11-01"]
    rows = list(plan.schedule)
    assert rows[0].interest == eur("10")
    assert rows[1].interest_minor == round(rows[0].balance_minor * Fraction(3, 100))
    by_days = amortised(start_on=date(2026, 5, 1), instalments=4, skip_months=(7, 8), day_count="30E/360")
    assert [row.interest_minor for row in by_days.schedule] == [row.interest_minor for row in rows]


def test_due_dates_move_to_business_days_with_or_without_the_interest() -> None:
    options: dict[str, Any] = {"calendar": WEEKENDS_ONLY, "adjustment": "following", "day_count": "act/365f"}
    moved, fixed = amortised(accrue_to="adjusted", **options), amortised(accrue_to="unadjusted", **options)
    assert days(moved) == days(fixed)
    assert days(moved)[0] == "2026-03-02"  # 28 February 2026 is a Saturday
    assert moved.schedule[0].interest_minor == round(100_000 * Fraction(12, 100) * Fraction(30, 365))
    assert fixed.schedule[0].interest_minor == round(100_000 * Fraction(12, 100) * Fraction(28, 365))


def test_a_recurrence_rule_names_the_due_dates() -> None:
    plan = split(rrule="FREQ=MONTHLY;BYMONTHDAY=-1", start_on=date(2026, 1, 15))
    assert days(plan) == ["2026-01-31", "2026-02-28", "2026-03-31"]
    first = split(rrule="FREQ=MONTHLY;BYDAY=1FR", first_due_on=date(2026, 3, 6))
    assert days(first) == ["2026-03-06", "2026-04-03", "2026-05-01"]
    assert code_of(amortised, rrule="FREQ=MONTHLY;BYMONTHDAY=-1") == "plans.day_count"
    assert amortised(rrule="FREQ=MONTHLY;BYMONTHDAY=-1", day_count="act/365f").schedule[-1].balance.is_zero


def test_a_first_due_date_of_its_own_sets_the_rhythm() -> None:
    plan = split(first_due_on=date(2026, 3, 5))
    assert days(plan) == ["2026-03-05", "2026-04-05", "2026-05-05"]
    assert days(split(first_due_on=date(2026, 2, 28))) == ["2026-02-28", "2026-03-31", "2026-04-30"]


@pytest.mark.parametrize(
    ("day_count", "first"),
    [("30E/360", 1000), ("act/365f", 986), ("act/360", 1000), ("act/act-isda", 986), ("act/act-icma", 1000)],
)
def test_interest_follows_the_day_count(day_count: Any, first: int) -> None:
    plan = amortised(start_on=date(2026, 4, 1), day_count=day_count)  # April has 30 days
    assert plan.schedule[0].interest_minor == first


def test_an_effective_rate_compounds_to_itself_over_a_year() -> None:
    plan = plans.bullet_plan(
        plan_id="P",
        principal=eur("100000"),
        rate=Rate.percent("12.6825030131969720661201"),
        periods=12,
        start_on=START,
        interest="compound",
        compounding="annual",
    )
    assert plan.schedule[0].interest_minor in (1268250, 1268251, 1268249)  # 1.01 ** 12, rounded at each step
    assert effective_share(Fraction(44, 100), Fraction(1, 2)) == Fraction(1, 5)


def test_rates_per_month_or_per_day_are_taken_as_stated() -> None:
    assert amortised(rate=Rate.percent("1", per="month")).schedule == amortised().schedule
    daily = amortised(rate=Rate.percent("0.01", per="day"), every=Every(10, "days"))
    assert daily.schedule[0].interest == eur("1")


def test_principal_can_rest_while_interest_is_paid() -> None:
    plan = plans.deferred_plan(
        plan_id="P",
        principal=eur("1000"),
        rate=Rate.percent("12"),
        instalments=3,
        start_on=START,
        grace=2,
        interest="pay",
    )
    assert totals(plan)[:2] == [1000, 1000]
    assert len(plan.schedule) == 5
    assert totals(plan)[2:] == totals(amortised(instalments=3))


@pytest.mark.parametrize(
    ("interest", "principal", "first_interest"),
    [("waive", 100_000, 1000), ("collect", 100_000, 3000), ("capitalise", 102_010, 1020)],
)
def test_interest_of_a_deferral_is_waived_collected_or_capitalised(
    interest: Any, principal: int, first_interest: int
) -> None:
    plan = plans.deferred_plan(
        plan_id="P",
        principal=eur("1000"),
        rate=Rate.percent("12"),
        instalments=3,
        start_on=START,
        grace=2,
        interest=interest,
    )
    assert days(plan)[0] == "2026-04-30"
    assert plan.principal.minor == principal
    assert plan.schedule[0].interest_minor == first_interest
    assert plan.proof.capitalised.minor == principal - 100_000
    assert plan.proof.debt == eur("1000")


def test_a_deferral_may_be_said_by_the_day_on_which_paying_starts() -> None:
    common: dict[str, Any] = {"plan_id": "P", "principal": eur("90"), "instalments": 3, "start_on": date(2026, 1, 15)}
    assert days(plans.deferred_plan(starts_on=date(2026, 4, 15), **common)) == days(
        plans.deferred_plan(grace=2, **common)
    )
    off = plans.deferred_plan(starts_on=date(2026, 4, 1), **common)
    assert days(off) == ["2026-04-01", "2026-05-01", "2026-06-01"]
    with_interest: dict[str, Any] = {**common, "rate": Rate.percent("12"), "principal": eur("1000")}
    waived = plans.deferred_plan(starts_on=date(2026, 4, 1), **with_interest)
    assert waived.schedule[0].interest == eur("10")
    collected = plans.deferred_plan(
        starts_on=date(2026, 4, 1), interest="collect", day_count="act/365f", **with_interest
    )
    assert collected.schedule[0].interest_minor == round(12_000 * Fraction(45, 365)) + round(12_000 * Fraction(31, 365))
    assert (
        code_of(plans.deferred_plan, starts_on=date(2026, 4, 1), interest="collect", **with_interest)
        == "plans.day_count"
    )


@pytest.mark.parametrize(
    "wait",
    [
        {},
        {"grace": 1, "starts_on": date(2026, 4, 15)},
        {"grace": 0},
        {"grace": -1},
        {"grace": True},
        {"grace": 10_001},
        {"starts_on": date(2026, 1, 15)},
        {"starts_on": date(2025, 1, 15)},
        {"starts_on": date(2026, 2, 15)},
        {"starts_on": date(2026, 2, 10)},
        {"starts_on": date(2026, 4, 15), "first_due_on": date(2026, 4, 15)},
        {"starts_on": date(2026, 4, 1), "interest": "pay", "rate": Rate.percent("5")},
        {"grace": 2, "interest": "forgive"},
        {"grace": 2, "due_on": [date(2026, 4, 1)]},
    ],
)
def test_a_deferral_of_nothing_or_one_said_twice_is_refused(wait: dict[str, Any]) -> None:
    common: dict[str, Any] = {"plan_id": "P", "principal": eur("90"), "instalments": 3, "start_on": date(2026, 1, 15)}
    assert code_of(plans.deferred_plan, **common, **wait) == "plans.deferral"


def test_interest_paid_meanwhile_needs_interest() -> None:
    plan = plans.deferred_plan(
        plan_id="P", principal=eur("90"), instalments=3, start_on=START, grace=2, interest="pay", rate=Rate.zero()
    )
    assert totals(plan) == [3000, 3000, 3000]


def test_flat_interest_is_taken_on_the_whole_debt_throughout() -> None:
    plan = plans.flat_plan(
        plan_id="P", principal=eur("1000"), rate=Rate.percent("12"), instalments=3, start_on=START, multiple=eur("1")
    )
    assert [(row.principal_minor, row.interest_minor) for row in plan.schedule] == [
        (33300, 1000),
        (33300, 1000),
        (33400, 1000),
    ]
    odd = plans.flat_plan(
        plan_id="P", principal=Money(101, "EUR"), rate=Rate.percent("12"), instalments=6, start_on=START
    )
    assert odd.schedule.interest.minor == 6  # 1.01 x 12 % / 2 = 6.06 cents


def test_a_bullet_bears_simple_or_compound_interest() -> None:
    common: dict[str, Any] = {
        "plan_id": "P",
        "principal": eur("1000"),
        "rate": Rate.percent("12"),
        "periods": 12,
        "start_on": START,
    }
    assert totals(plans.bullet_plan(**common)) == [112_000]
    assert totals(plans.bullet_plan(interest="compound", **common)) == [112_684]  # 1126.825, but for twelve roundings
    assert code_of(plans.bullet_plan, interest="double", **common) == "plans.compounding"
    assert plans.bullet_plan(**common).explain(1).interest_exact == 12_000


def test_a_balloon_falls_due_with_the_last_instalment() -> None:
    plan = plans.balloon_plan(
        plan_id="P", principal=eur("1000"), rate=Rate.percent("12"), instalments=6, start_on=START, balloon=eur("400")
    )
    assert plan.schedule[-1].total.minor - plan.schedule[0].total.minor in range(39_990, 40_010)
    assert plan.explain(6).payment_exact == plan.explain(1).payment_exact
    with pytest.raises(InvalidTerms) as refused:
        plans.balloon_plan(
            plan_id="P",
            principal=eur("1000"),
            rate=Rate.percent("12"),
            instalments=6,
            start_on=START,
            balloon=eur("2000"),
        )
    assert refused.value.code in ("plans.negative_amortisation", "plans.too_small")


def test_graduated_instalments_rise_by_their_growth() -> None:
    plan = plans.stepped_plan(
        plan_id="P",
        principal=eur("1000"),
        rate=Rate.percent("6"),
        instalments=6,
        start_on=START,
        growth="0.10",
        rows_per_step=2,
    )
    first, _, second, _, third, _ = totals(plan)
    assert abs(second - first * 11 / 10) <= 1
    assert abs(third - first * 121 / 100) <= 1


def test_rows_that_steps_leave_open_are_solved_to_equal_parts() -> None:
    plan = plans.stepped_plan(
        plan_id="P",
        principal=eur("1000"),
        rate=Rate.percent("12"),
        instalments=5,
        start_on=START,
        steps=[(1, eur("50")), (2, eur("100"))],
    )
    balance = 100_000
    for paid in (5000, 10000, 10000):
        balance += round(Fraction(balance, 100)) - paid
    level = round(balance * Fraction(101**2, 100**2) / (Fraction(101, 100) + 1))
    assert totals(plan)[:3] == [5000, 10000, 10000]
    assert all(abs(total - level) <= 2 for total in totals(plan)[3:])  # solved before interest is rounded


@pytest.mark.parametrize("count", [3, 7, 24, 60])
@pytest.mark.parametrize("debt", [9_999, 123_456, 1_000_000])
def test_spread_finds_the_number_of_rows_that_leaves_the_smallest_gap(debt: int, count: int) -> None:
    plan = amortised(principal=Money(debt, "EUR"), instalments=count, residue_to="spread")

    def gap(more: int, low: int) -> int:
        balance = debt
        for row in range(count - 1):
            balance += round(Fraction(balance, 100)) - low - (row < more)
        return balance + round(Fraction(balance, 100)) - low

    low = totals(plan)[-2]
    assert set(totals(plan)[:-1]) <= {low, low + 1}
    assert gap(0, low) >= 0
    assert abs(totals(plan)[-1] - low) == min(abs(gap(more, low)) for more in range(count))


@pytest.mark.parametrize(
    "steps",
    [
        {},
        {"growth": "0.1", "steps": [(1, Money(100, "EUR"))]},
        {"growth": "-1"},
        {"growth": "11"},
        {"steps": [(6, Money(100, "EUR"))]},
    ],
)
def test_steps_that_leave_nothing_to_solve_are_refused(steps: dict[str, Any]) -> None:
    common: dict[str, Any] = {"plan_id": "P", "principal": eur("1000"), "instalments": 6, "start_on": START}
    assert code_of(plans.stepped_plan, **common, **steps) == "plans.amounts"


def test_minimum_payments_fall_to_the_floor_and_end() -> None:
    plan = plans.minimum_payment_plan(
        plan_id="P",
        principal=eur("1000"),
        start_on=START,
        share="0.10",
        floor=eur("50"),
        rate=Rate.percent("18"),
    )
    paid = totals(plan)
    assert paid[0] == 10150
    assert paid == sorted(paid, reverse=True)
    assert paid[-2] == 5000
    common: dict[str, Any] = {"plan_id": "P", "principal": eur("1000"), "start_on": START}
    assert (
        code_of(plans.minimum_payment_plan, share="0", floor=eur("1"), max_instalments=9, **common) == "plans.too_many"
    )
    assert code_of(plans.minimum_payment_plan, share="1.5", floor=eur("1"), **common) == "plans.amounts"


def test_parts_agreed_by_hand_must_pay_the_debt_off() -> None:
    parts = [(date(2026, 2, 10), eur("40")), (date(2026, 3, 1), eur("60"))]
    plan = plans.agreed_plan(plan_id="P", principal=eur("100"), start_on=START, parts=parts)
    assert totals(plan) == [4000, 6000]
    with pytest.raises(InvalidTerms, match=r"must be 60\.00 EUR") as refused:
        plans.agreed_plan(
            plan_id="P", principal=eur("100"), start_on=START, parts=[parts[0], (date(2026, 3, 1), eur("50"))]
        )
    assert refused.value.facts["needed"] == eur("60")
    assert (
        code_of(
            plans.agreed_plan,
            plan_id="P",
            principal=eur("100"),
            start_on=START,
            parts=[(date(2026, 2, 10), None), parts[1]],
        )
        == "plans.amounts"
    )


def test_parts_agreed_by_hand_bear_interest_by_days() -> None:
    plan = plans.agreed_plan(
        plan_id="P",
        principal=eur("1000"),
        start_on=date(2026, 1, 1),
        rate=Rate.percent("10"),
        day_count="act/365f",
        parts=[(date(2026, 2, 1), eur("500")), (date(2026, 2, 20), None)],
    )
    first, last = plan.schedule
    assert first.interest_minor == round(10_000 * Fraction(31, 365))
    assert last.interest_minor == round(first.balance_minor * Fraction(1, 10) * Fraction(19, 365))


def test_residue_rules_hold_where_rounding_up_would_take_all() -> None:
    assert totals(split(principal=Money(100, "EUR"), instalments=18, residue_to="first")) == [15, *[5] * 17]
    assert totals(split(principal=Money(2, "EUR"), instalments=2, residue_to="minimal")) == [1, 1]
    assert totals(split(principal=Money(3, "EUR"), instalments=2, residue_to="first")) == [1, 2]
    flat = plans.flat_plan(
        plan_id="P", principal=Money(67, "EUR"), rate=Rate.percent("12"), instalments=6, start_on=START
    )
    assert [row.interest_minor for row in flat.schedule] == [0, 0, 0, 0, 0, 4]
    assert flat.explain(6).interest_exact == Fraction(67, 100)


def test_amounts_that_do_not_go_with_the_dates_are_refused() -> None:
    terms = plans.PlanTerms(
        shape="agreed", principal=eur("10"), start_on=START, instalments=2, due_on=[date(2026, 2, 1), date(2026, 3, 1)]
    )
    assert code_of(plans.plan_from_terms, plan_id="P", terms=terms) == "plans.amounts"


# -- personalised ------------------------------------------------------------------------------------------------


def personalised(**change: Any) -> plans.PersonalisedPlan | Declined:
    given: dict[str, Any] = {
        "plan_id": "P",
        "principal": eur("1000"),
        "affordable": eur("100"),
        "start_on": date(2026, 1, 25),
        "rate": Rate.percent("12"),
    }
    return plans.personalised_plan(**{**given, **change})


def test_the_soonest_plan_pays_all_that_is_affordable() -> None:
    found = personalised()
    assert isinstance(found, plans.PersonalisedPlan)
    assert totals(found.plan)[:-1] == [10000] * 10
    assert 0 < totals(found.plan)[-1] <= 10000
    assert found.binds == "affordable"


def test_the_lowest_plan_takes_all_the_instalments_that_a_limit_allows() -> None:
    found = personalised(prefer="lowest", max_instalments=24)
    assert isinstance(found, plans.PersonalisedPlan)
    assert (len(found.plan.schedule), found.binds) == (24, "max_instalments")
    by_day = personalised(prefer="lowest", end_by=date(2027, 6, 30))
    assert isinstance(by_day, plans.PersonalisedPlan)
    assert (str(by_day.plan.ends_on), by_day.binds) == ("2027-06-25", "end_by")
    far = personalised(prefer="lowest", max_instalments=24, end_by=date(2050, 1, 1))
    assert isinstance(far, plans.PersonalisedPlan)
    assert far.binds == "max_instalments"


def test_the_smallest_instalment_can_bind() -> None:
    found = personalised(prefer="lowest", max_instalments=60, min_instalment=eur("50"))
    assert isinstance(found, plans.PersonalisedPlan)
    assert found.binds == "min_instalment"
    assert totals(found.plan)[0] >= 5000
    longer = amortised(principal=eur("1000"), instalments=len(found.plan.schedule) + 1, start_on=date(2026, 1, 25))
    assert totals(longer)[0] < 5000


def test_a_fee_in_each_instalment_counts_as_money_the_debtor_needs() -> None:
    found = personalised(fee_each=eur("2.50"), multiple=eur("1"), affordable=eur("100.40"))
    assert isinstance(found, plans.PersonalisedPlan)
    assert (totals(found.plan)[0], found.plan.schedule[0].fee_minor) == (10000, 250)


def test_a_debt_that_is_affordable_at_once_is_one_instalment() -> None:
    found = personalised(affordable=eur("2000"))
    assert isinstance(found, plans.PersonalisedPlan)
    assert totals(found.plan) == [101_000]


@pytest.mark.parametrize(
    ("change", "code", "way_out"),
    [
        ({"affordable": eur("10")}, "plans.negative_amortisation", "10.03 EUR each would do"),
        ({"affordable": eur("50"), "max_instalments": 12}, "plans.max_instalments", "88.85 EUR each would do"),
        ({"affordable": eur("50"), "end_by": date(2026, 12, 31)}, "plans.end_by", "each would do"),
        ({"end_by": date(2026, 2, 1)}, "plans.end_by", "allow a later end"),
        ({"min_instalment": eur("150")}, "plans.min_instalment", "150.00 EUR"),
        ({"affordable": eur("2"), "fee_each": eur("3")}, "plans.min_instalment", "3.01 EUR"),
    ],
)
def test_what_cannot_be_afforded_is_declined_with_the_way_out(change: dict[str, Any], code: str, way_out: str) -> None:
    answer = personalised(**change)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].code == code
    assert way_out in str(answer)


@pytest.mark.parametrize(
    "change",
    [{"prefer": "cheapest"}, {"fee_total": eur("1")}, {"due_on": [date(2026, 3, 1)]}, {"affordable": 100}],
)
def test_a_personalised_plan_needs_sound_arguments(change: dict[str, Any]) -> None:
    assert code_of(personalised, **change).startswith("plans.amount")


def test_what_is_affordable_must_be_of_the_debts_currency() -> None:
    with pytest.raises(CurrencyMismatch):
        personalised(affordable=Money(1, "USD"))


# -- the plan ----------------------------------------------------------------------------------------------------


def test_a_plan_that_cannot_be_proven_cannot_be_constructed_by_hand() -> None:
    good = amortised()
    wrong = split(principal=eur("999"), instalments=6)
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(good, schedule=wrong.schedule)
    assert refused.value.code == "plans.columns"
    with pytest.raises(InvalidTerms):
        attrs.evolve(good, schedule=split(principal=eur("1001"), instalments=6).schedule)
    with pytest.raises(CurrencyMismatch):
        attrs.evolve(good, schedule=split(principal=Money(100_000, "USD"), instalments=6).schedule)


def test_rows_that_the_terms_do_not_make_do_not_pass_for_their_plan() -> None:
    good = amortised(instalments=12)
    rows = list(good.schedule)
    unpaid = split(principal=eur("1000"), instalments=12).schedule
    early = [attrs.evolve(row, due_on=row.due_on.replace(year=row.due_on.year - 6, day=28)) for row in rows]
    odd = [*rows[:3], attrs.evolve(rows[3], interest_minor=rows[3].interest_minor + 1), *rows[4:]]
    with_fee = [attrs.evolve(rows[0], fee_minor=1), *rows[1:]]
    for wrong in (unpaid, early, odd, with_fee):
        with pytest.raises(InvalidTerms, match="and the terms make it principal of") as refused:
            attrs.evolve(good, schedule=Schedule.from_rows(wrong))
        assert refused.value.code == "plans.columns"
    assert attrs.evolve(good, schedule=Schedule.from_rows(rows)) == good
    assert attrs.evolve(good, tolerance_days=3).schedule is good.schedule


@pytest.mark.parametrize(
    ("rate", "payment", "count", "start"),
    [
        ((1, 10), 14_676, 12, START),  # another rate
        ((1, 100), 8_886, 12, START),  # a payment that rounding might explain, and is not that of the terms
        ((1, 100), 50_751, 2, START),  # fewer rows
        ((1, 100), 8_885, 12, date(2020, 1, 31)),  # other days
    ],
)
def test_a_level_schedule_of_other_terms_does_not_pass_for_a_plan(
    rate: tuple[int, int], payment: int, count: int, start: date
) -> None:
    good = amortised(instalments=12)

    def level(rate: tuple[int, int], payment: int, count: int, start: date) -> Schedule:
        due_on = DueDates(start, Every(1, "months"), count)
        return level_schedule(principal=eur("1000"), period_rate=rate, payment=payment, count=count, due_on=due_on)

    assert attrs.evolve(good, schedule=level((1, 100), 8_885, 12, START)) == good
    with pytest.raises(InvalidTerms, match="lay the rows out by the terms") as refused:
        attrs.evolve(good, schedule=level(rate, payment, count, start))
    assert refused.value.code == "plans.columns"


def test_rows_after_those_carried_over_are_checked_too() -> None:
    plan = amortised(instalments=6)
    later = servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 3, 20))
    assert attrs.evolve(later, plan_id="P-3").schedule == later.schedule
    held = later.schedule
    days = [day.replace(year=day.year + 1, day=28) for day in held.due_on]
    parts = {"principal_parts": held.principal_parts, "interest_parts": held.interest_parts}
    moved = Schedule(principal=held.principal, due_on=days, **parts)
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(later, schedule=moved)
    assert refused.value.code == "plans.columns"


def test_rows_of_nothing_do_not_pass_for_a_plan() -> None:
    rows = list(split().schedule)
    idle = attrs.evolve(rows[1], principal_minor=0)
    whole = attrs.evolve(rows[2], principal_minor=rows[1].principal_minor + rows[2].principal_minor)
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(split(), schedule=Schedule.from_rows([rows[0], idle, whole]))
    assert refused.value.code == "plans.columns"


def test_rows_that_grow_the_debt_or_run_backwards_do_not_pass_for_a_plan() -> None:
    plan = split()
    days_back = [date(2026, 3, 1), date(2026, 2, 1), date(2026, 4, 1)]
    thirds = {"principal": eur("100"), "interest_parts": [0, 0, 0]}
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(plan, schedule=Schedule(principal_parts=[3333, 3333, 3334], due_on=days_back, **thirds))
    assert refused.value.code == "plans.dates"
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(plan, schedule=Schedule(principal_parts=[-1, 5000, 5001], due_on=sorted(days_back), **thirds))
    assert refused.value.code == "plans.negative_amortisation"
    with pytest.raises(InvalidTerms) as refused:
        attrs.evolve(plan, schedule=Schedule(principal_parts=[6000, 6000, -2000], due_on=sorted(days_back), **thirds))
    assert refused.value.code == "plans.columns"


def test_a_plan_of_one_sum_and_one_of_interest_alone_have_no_gap() -> None:
    only = plans.interest_only_plan(
        plan_id="P", principal=eur("1000"), rate=Rate.percent("12"), instalments=3, start_on=START
    )
    assert only.proof.last_gap is None
    assert len(only.proof.lines()) == 5
    grace = plans.deferred_plan(
        plan_id="P",
        principal=eur("100"),
        rate=Rate.percent("12"),
        instalments=1,
        start_on=START,
        grace=2,
        interest="pay",
    )
    assert grace.proof.last_gap is None
    collected = plans.deferred_plan(
        plan_id="P",
        principal=eur("100"),
        rate=Rate.percent("12"),
        instalments=2,
        start_on=START,
        grace=2,
        interest="collect",
    )
    assert collected.proof.last_gap is None
    assert split(instalments=2, residue_to="first").proof.last_gap == eur("0")


def test_a_gap_over_the_stated_limit_is_refused_with_another_rule_named() -> None:
    assert amortised(rate=Rate.percent("9.4822"), instalments=360, gap_limit=eur("11")).proof.gap_bound == eur("11")
    with pytest.raises(InvalidTerms, match="spread") as refused:
        amortised(rate=Rate.percent("9.4822"), instalments=360, gap_limit=Money(1, "EUR"))
    assert refused.value.code == "plans.gap"


def test_a_gap_of_a_cent_is_over_a_limit_of_nothing() -> None:
    assert amortised().proof.last_gap == Money(-2, "EUR")
    assert code_of(amortised, gap_limit=eur("0")) == "plans.gap"


def test_the_first_row_is_sought_until_the_last_is_near_the_others() -> None:
    plan = amortised(principal=eur("6562.15"), rate=Rate.percent("74.28"), instalments=25, residue_to="first")
    regular = totals(plan)[1]
    assert totals(plan)[1:-1] == [regular] * 23
    assert abs(totals(plan)[-1] - regular) == 4  # 7 with an equal first row; one unit there moves the last by 11


def test_the_proof_reads_as_a_list_of_facts() -> None:
    lines = amortised(down_payment=eur("100")).proof.lines()
    assert lines[0] == "principal of 7 rows sums to 1000.00 EUR: the debt of 1000.00 EUR"
    assert lines[2] == "the last balance is 0.00 EUR"
    assert (
        "and 20.10 EUR capitalised"
        in (
            plans.deferred_plan(
                plan_id="P",
                principal=eur("1000"),
                rate=Rate.percent("12"),
                instalments=2,
                start_on=START,
                grace=2,
                interest="capitalise",
            ).proof.lines()[0]
        )
    )


def test_an_explanation_gives_factor_unrounded_figures_and_residue() -> None:
    told = amortised(rate=Rate.percent("9.4822")).explain(2)
    assert told.factor == Fraction(47411, 6_000_000)
    assert told.interest_exact == told.balance_before.minor * told.factor
    assert told.payment_exact is not None
    assert "rounded half-even to" in str(told)
    assert amortised().explain(6).residue.minor == amortised().proof.last_gap.minor  # type: ignore[union-attr]
    assert code_of(amortised().explain, 7) == "plans.count"
    assert code_of(amortised().explain, 0) == "plans.count"
    deferred = plans.deferred_plan(
        plan_id="P",
        principal=eur("1000"),
        rate=Rate.percent("12"),
        instalments=2,
        start_on=START,
        grace=2,
        interest="collect",
    )
    assert "with 20.00 EUR of the wait it is 30.00 EUR" in str(deferred.explain(1))


def test_a_plan_becomes_the_fact_that_a_snapshot_holds() -> None:
    plan = split(account_id="A-1", covers=["R-1", "R-2"], tolerance_days=3, tolerance_amount=eur("1"), supersedes="P-0")
    agreement = plan.as_agreement()
    assert [part.amount.minor for part in agreement.instalments] == totals(plan)
    assert (agreement.covers, agreement.tolerance_days, agreement.supersedes) == (("R-1", "R-2"), 3, "P-0")
    assert agreement.agreed_on == START
    assert code_of(split().as_agreement) == "plans.agreement"
    assert code_of(split(account_id="A-1").as_agreement) == "plans.agreement"


def test_two_plans_for_one_debt_conflict_unless_one_supersedes_the_other() -> None:
    first, second = split(covers=["R-1", "R-2"]), split(plan_id="P-2", covers=["R-2"])
    assert code_of(plans.refuse_conflict, second, [first]) == "plans.conflict"
    plans.refuse_conflict(attrs.evolve(second, supersedes="P-1"), [first])
    plans.refuse_conflict(attrs.evolve(second, covers=("R-3",)), [first])
    assert code_of(split, supersedes="P-1") == "plans.conflict"


# -- disclosure --------------------------------------------------------------------------------------------------


def test_a_plan_without_cost_has_rates_of_zero() -> None:
    told = plans.disclose(split())
    assert (told.apr_percent, told.aprc_percent, told.cost) == (Decimal("0.00"), Decimal("0.00"), eur("0"))
    assert told.schedule_in_words == (
        "2 instalments of 33.33 EUR from 2026-02-28 to 2026-03-31",
        "1 instalment of 33.34 EUR on 2026-04-30",
    )


def test_fees_and_prepaid_charges_raise_the_rates() -> None:
    plain = plans.disclose(amortised(start_on=date(2026, 1, 10)))
    dear = plans.disclose(amortised(start_on=date(2026, 1, 10), fee_each=eur("1")), prepaid_charges=eur("10"))
    assert plain.apr_percent == Decimal("12.00")
    assert plain.nominal_percent == Decimal("12.00")
    assert plain.effective_percent == Decimal("12.68")
    assert dear.apr_percent > plain.apr_percent
    assert dear.amount_financed == eur("990")
    assert dear.cost == plain.cost + eur("16")


def test_a_down_payment_is_not_financed() -> None:
    told = plans.disclose(amortised(principal=eur("9000"), start_on=date(2026, 1, 10), down_payment=eur("4000")))
    assert told.amount_financed == eur("5000")
    assert told.apr_percent == Decimal("12.00")


def test_effective_rates_are_told_for_odd_rhythms_too() -> None:
    assert plans.disclose(amortised(compounding="annual")).effective_percent == Decimal("12.00")
    assert plans.disclose(amortised(every=Every(5, "months"))).effective_percent == Decimal("12.42")  # 1.05 ** 2.4
    assert plans.disclose(split()).effective_percent == Decimal("0.00")
    assert plans.disclose(amortised(rate=Rate.zero())).effective_percent == Decimal("0.00")


def test_what_cannot_be_disclosed_is_refused() -> None:
    assert code_of(plans.disclose, amortised(), prepaid_charges=eur("1000")) == "plans.disclosure"
    continued = servicing.reamortise(plan=amortised(), plan_id="P-2", on=date(2026, 2, 10), paid=[])
    assert plans.disclose(continued).cost == continued.cost
    paid = Payment(payment_id="Z", account_id="A", amount=eur("500"), received_on=START)
    continued = servicing.reamortise(plan=amortised(), plan_id="P-2", on=date(2026, 2, 10), paid=[paid])
    assert code_of(plans.disclose, continued) == "plans.disclosure"
    with pytest.raises(CurrencyMismatch):
        plans.disclose(amortised(), prepaid_charges=Money(1, "USD"))


# -- periods -----------------------------------------------------------------------------------------------------


def test_interest_between_two_days_counts_whole_steps_then_days() -> None:
    terms = amortised(start_on=date(2026, 1, 1)).terms
    assert factor_between(terms, date(2026, 1, 1), date(2026, 3, 1)) == Fraction(2, 100)
    assert factor_between(terms, date(2026, 1, 1), date(2026, 2, 15)) == Fraction(1, 100) * (1 + Fraction(14, 28))
    assert factor_between(terms, date(2026, 2, 1), date(2026, 1, 1)) == 0
    by_days = attrs.evolve(terms, day_count="act/365f")
    assert factor_between(by_days, date(2026, 1, 1), date(2026, 1, 11)) == Fraction(12, 100) * Fraction(10, 365)


def test_paused_days_bear_no_interest() -> None:
    pause = ((date(2026, 1, 11), date(2026, 1, 21)),)
    assert running_share(pause, date(2026, 1, 1), date(2026, 1, 11)) == 1
    assert running_share(pause, date(2026, 1, 11), date(2026, 1, 21)) == 0
    assert running_share(pause, date(2026, 1, 5), date(2026, 1, 5)) == 1
