"""Accrual, level payments, yearly rates, and the spreadsheet functions: edges and refusals."""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from collectkit.core import interest as ci
from collectkit.core._solve import growth_root
from collectkit.core.calendars import Every, month_dates
from collectkit.core.errors import CollectkitError, CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import NotInForce, Rate, RateStep, RateTable, Stale

JAN_1, FEB_20 = date(2026, 1, 1), date(2026, 2, 20)
THOUSAND = Money(100_000, "GBP")


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(CollectkitError) as caught:
        call(*args, **kwargs)
    return caught.value.code


def terms(**other: Any) -> dict[str, Any]:
    return {
        "balance": THOUSAND,
        "rate": Rate.percent("8.5"),
        "start_on": JAN_1,
        "end_on": FEB_20,
        "day_count": "act/365f",
        **other,
    }


# -- accrual ---------------------------------------------------------------------------------------------------


def test_the_two_rounding_orders_differ_as_the_uk_calculator_does() -> None:
    # GBP 1,000 at 8.5 % for 50 days: gov.uk rounds a day to 23p first, 11.50; exact 11.64 (law_cases uk-01)
    assert ci.accrue(**terms()) == Money(1164, "GBP")
    assert ci.accrue(**terms(), rounding_order="daily_first") == Money(1150, "GBP")
    assert ci.accrue(**terms(), rounding="up") == Money(1165, "GBP")


def test_no_time_no_balance_and_no_rate_bear_nothing() -> None:
    for other in ({"end_on": JAN_1}, {"balance": Money(0, "GBP")}, {"rate": Rate.zero()}):
        for order in ("total_only", "daily_first"):
            assert ci.accrue(**terms(**other), rounding_order=order) == Money(0, "GBP")  # type: ignore[arg-type] # a Literal
        assert ci.accrued(**terms(**other), compound_every=Every(1, "months")) == 0


def test_monthly_rests_compound() -> None:
    # 100,000.00 at 20.25 %, monthly rests, 3 months: 105,148.41 (law_cases in-02, MSMED Act s.16)
    lakh = ci.accrue(
        balance=Money(10_000_000, "INR"),
        rate=Rate.percent("20.25"),
        start_on=JAN_1,
        end_on=date(2026, 4, 1),
        day_count="30E/360",
        compound_every=Every(1, "months"),
    )
    assert lakh == Money(514_841, "INR")


def test_a_broken_period_after_the_last_rest_is_simple() -> None:
    exact = ci.accrued(**terms(end_on=date(2026, 2, 11)), compound_every=Every(1, "months"))
    january, ten_days = Fraction(85 * 31, 365_000), Fraction(85 * 10, 365_000)
    assert exact == 100_000 * ((1 + january) * (1 + ten_days) - 1)


def test_icma_takes_each_rest_as_its_reference_period() -> None:
    exact = ci.accrued(**terms(end_on=date(2027, 1, 1), day_count="act/act-icma"), compound_every=Every(6, "months"))
    assert exact == 100_000 * ((1 + Fraction(85, 2000)) ** 2 - 1)


def test_a_rest_past_the_year_9999_is_no_rest() -> None:
    late = terms(start_on=date(9999, 6, 1), end_on=date(9999, 12, 1))
    assert ci.accrued(**late, compound_every=Every(1, "years")) == ci.accrued(**late)


def test_a_leap_year_has_its_own_day_of_interest() -> None:
    span = terms(balance=Money(36_600_000, "EUR"), rate=Rate.percent(1), day_count="act/act-isda")
    span |= {"start_on": date(2023, 12, 30), "end_on": date(2024, 1, 3)}
    assert ci.accrue(**span, rounding_order="daily_first") == Money(2 * 1003 + 2 * 1000, "EUR")
    span["end_on"] = date(2024, 1, 1)
    assert ci.accrue(**span, rounding_order="daily_first") == Money(2 * 1003, "EUR")


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"balance": Money(-1, "GBP")}, "interest.balance"),
        ({"balance": 100}, "interest.balance"),
        ({"rate": Fraction(1, 10)}, "rates.type"),
        ({"end_on": date(2025, 12, 31)}, "calendars.order"),
        ({"end_on": datetime(2026, 2, 1, tzinfo=UTC)}, "calendars.datetime_for_date"),
        ({"day_count": "actual"}, "rates.day_count"),
        ({"rounding": "bankers"}, "money.rounding"),
        ({"rounding_order": "daily"}, "interest.rounding_order"),
        ({"rounding_order": "daily_first", "compound_every": Every(1, "days")}, "interest.rounding_order"),
        ({"rounding_order": "daily_first", "day_count": "act/act-afb"}, "interest.rounding_order"),
        ({"rounding_order": "daily_first", "day_count": "actual"}, "rates.day_count"),
        ({"rounding_order": "daily_first", "balance": Money(-1, "GBP")}, "interest.balance"),
        ({"compound_every": 12}, "interest.rests"),
        (
            {"compound_every": Every(1, "days"), "end_on": date(2100, 1, 1), "rate": Rate(Fraction(1, 3**100))},
            "interest.too_exact",
        ),
        ({"compound_every": Every(1, "days"), "end_on": date(2200, 1, 1)}, "interest.rests"),
    ],
)
def test_an_accrual_that_cannot_be_is_refused(other: dict[str, Any], code: str) -> None:
    given = {"rounding": "half_even", **terms(**other)}
    assert code_of(ci.accrue, **given) == code


def test_a_rate_that_changes_is_split_at_the_day_and_never_carried_on() -> None:
    table = RateTable(
        steps=[
            RateStep(from_on=date(2023, 1, 1), rate=Rate.percent("11.5")),
            RateStep(from_on=date(2023, 7, 1), rate=Rate.percent("13")),
        ],
        known_through_on=date(2023, 12, 31),
    )
    span: dict[str, Any] = {"balance": Money(2_000_000, "GBP"), "rates": table, "day_count": "act/365f"}
    # LEGAL 4: GBP 20,000 from 10 June to 14 August 2023 inclusive is 452.88 split, 415.89 fixed
    split = ci.accrue_dated(**span, start_on=date(2023, 6, 10), end_on=date(2023, 8, 15))
    assert split == Money(45_288, "GBP")
    fixed = table.at(date(2023, 6, 10))
    assert isinstance(fixed, Rate)
    assert ci.accrue(
        balance=Money(2_000_000, "GBP"),
        rate=fixed,
        start_on=date(2023, 6, 10),
        end_on=date(2023, 8, 15),
        day_count="act/365f",
    ) == Money(41_589, "GBP")
    assert isinstance(ci.accrue_dated(**span, start_on=date(2023, 6, 10), end_on=date(2024, 1, 2)), Stale)
    assert isinstance(ci.accrue_dated(**span, start_on=date(2022, 6, 10), end_on=date(2023, 1, 2)), NotInForce)
    assert ci.accrue_dated(**span, start_on=date(2023, 6, 10), end_on=date(2023, 6, 10)) == Money(0, "GBP")


def test_capitalised_interest_is_principal() -> None:
    assert ci.capitalise(principal=THOUSAND, interest=Money(1164, "GBP")) == Money(101_164, "GBP")
    assert ci.capitalise(principal=Money(0, "GBP"), interest=Money(0, "GBP")) == Money(0, "GBP")
    assert code_of(ci.capitalise, principal=THOUSAND, interest=Money(-1, "GBP")) == "interest.balance"
    assert code_of(ci.capitalise, principal=Money(-1, "GBP"), interest=THOUSAND) == "interest.balance"
    with pytest.raises(CurrencyMismatch):
        ci.capitalise(principal=THOUSAND, interest=Money(1, "EUR"))


# -- level payments --------------------------------------------------------------------------------------------


def test_the_level_payment_of_the_issue() -> None:
    # 1000.00 at 9.4822 % over 360 months, the plan that a float peer ends at -0.58
    periodic = Rate.percent("9.4822").per_period(12)
    assert ci.level_payment(principal=THOUSAND, periodic_rate=periodic, count=360) == Money(840, "GBP")


def test_a_level_payment_beyond_the_floats_is_exact() -> None:
    # 10**13 at 1000 % a period: payment = 10**14 x 11^3 / (11^3 - 1)
    exact = Fraction(10**14 * 1331, 1330)
    assert ci.level_payment_minor(10**13, 10, 1, 3) == round(exact)
    assert ci.level_payment_minor(10**17, 1, 100, 3) == round(10**17 * Fraction(1, 100) / (1 - Fraction(100, 101) ** 3))


def test_a_level_payment_can_leave_a_residual() -> None:
    kept = ci.level_payment(
        principal=THOUSAND, periodic_rate=Fraction(1, 100), count=12, residual=Money(100_000, "GBP")
    )
    assert kept == Money(1000, "GBP")  # interest only
    assert ci.level_payment(
        principal=THOUSAND, periodic_rate=Fraction(0), count=3, residual=Money(10_000, "GBP")
    ) == Money(30_000, "GBP")


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"count": 0}, "interest.count"),
        ({"count": -1}, "interest.count"),
        ({"count": True}, "interest.count"),
        ({"count": 12.5}, "interest.count"),
        ({"count": 36_601}, "interest.count"),
        ({"periodic_rate": Fraction(-1, 100)}, "interest.rate"),
        ({"periodic_rate": 0.01}, "rates.float"),
        ({"periodic_rate": 10**10}, "interest.rate"),
        ({"principal": Money(-1, "GBP")}, "interest.balance"),
        ({"residual": Money(100_001, "GBP")}, "interest.balance"),
        ({"residual": Money(-1, "GBP")}, "interest.balance"),
        ({"residual": Money(1, "EUR")}, "money.currency_mismatch"),
        ({"rounding": "bankers"}, "money.rounding"),
        ({"periodic_rate": Fraction(1, 3**100), "count": 36_600}, "interest.too_exact"),
    ],
)
def test_a_level_payment_that_cannot_be_is_refused(other: dict[str, Any], code: str) -> None:
    given = {"principal": THOUSAND, "periodic_rate": Fraction(1, 3), "count": 12, **other}
    assert code_of(ci.level_payment, **given) == code


def test_a_rate_of_nearly_nothing_is_within_a_unit_of_none() -> None:  # PLAN-03
    for tiny in (Fraction(1, 10**12), Fraction(1, 10**60), Fraction(1, 10**250)):
        near = ci.level_payment_minor(100_000, tiny.numerator, tiny.denominator, 12)
        assert abs(near - ci.level_payment_minor(100_000, 0, 1, 12)) <= 1


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("half_even", 2),
        ("half_up", 3),
        ("half_down", 2),
        ("up", 3),
        ("down", 2),
        ("ceiling", 3),
        ("floor", 2),
    ],
)
def test_an_exact_tie_is_decided_by_the_named_rounding(rounding: Any, expected: int) -> None:
    # one period at 25 %: 2 x 1.25 = 2.5 exactly, which the float filter must leave to the exact form
    assert ci.level_payment_minor(2, 1, 4, 1, 0, rounding) == expected


@pytest.mark.parametrize("rounding", ["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"])
def test_a_whole_payment_is_itself_where_the_float_lies_beside_it(rounding: Any) -> None:
    assert ci.level_payment_minor(400, 1, 400, 1, 0, rounding) == 401  # the float is a little below
    assert ci.level_payment_minor(100, 3, 100, 1, 0, rounding) == 103  # and here a little above


def test_without_a_residual_nothing_is_left() -> None:
    assert ci.level_payment(principal=Money(100, "EUR"), periodic_rate=Fraction(0), count=1) == Money(100, "EUR")
    assert ci.level_payment(principal=Money(100, "EUR"), periodic_rate=Fraction(1, 10), count=1) == Money(110, "EUR")


def test_the_directed_roundings_do_not_trust_a_float_at_a_whole_number() -> None:
    for rounding in ("up", "down", "ceiling", "floor"):
        assert ci.level_payment_minor(4, 1, 4, 1, 0, rounding) == 5  # type: ignore[arg-type] # a Literal
        assert ci.level_payment_minor(100_000, 1, 100, 1, 0, rounding) == 101_000  # type: ignore[arg-type] # the same


# -- nominal and effective -------------------------------------------------------------------------------------


def test_nominal_and_effective_are_inverse() -> None:
    effective = ci.effective_annual(Rate.percent(12), periods_per_year=12)
    assert effective == Fraction(101, 100) ** 12 - 1
    assert ci.nominal_annual(effective, periods_per_year=12) == Decimal("0.12")
    assert ci.nominal_annual(Rate.percent(21), periods_per_year=2) == Decimal("0.2")
    assert ci.effective_annual("-0.5", periods_per_year=1) == Fraction(-1, 2)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: ci.effective_annual("0.1", periods_per_year=0), "interest.periods"),
        (lambda: ci.effective_annual("-12", periods_per_year=12), "interest.rate"),
        (lambda: ci.nominal_annual("0.1", periods_per_year=367), "interest.periods"),
        (lambda: ci.nominal_annual("-1", periods_per_year=12), "interest.rate"),
        (lambda: ci.nominal_annual(0.1, periods_per_year=12), "rates.float"),  # type: ignore[arg-type] # the mistake
    ],
)
def test_a_conversion_that_cannot_be_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


# -- spreadsheet functions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: ci.pmt(rate="0.01", nper=0, pv=1), "interest.nper"),
        (lambda: ci.pmt(rate="0.01", nper=True, pv=1), "interest.nper"),
        (lambda: ci.pmt(rate="0.01", nper=36_601, pv=1), "interest.nper"),
        (lambda: ci.pmt(rate=0.01, nper=1, pv=1), "rates.float"),  # type: ignore[arg-type] # the mistake under test
        (lambda: ci.pmt(rate="-1", nper=1, pv=1), "interest.rate"),
        (lambda: ci.pmt(rate=10**10, nper=1, pv=1), "interest.rate"),
        (lambda: ci.pmt(rate=Fraction(1, 3**100), nper=36_600, pv=1), "interest.too_exact"),
        (lambda: ci.pmt(rate="0.01", nper=1, pv=1, when="start"), "interest.when"),  # type: ignore[arg-type] # the same
        (lambda: ci.fv(rate="0.01", nper=-1), "interest.nper"),
        (lambda: ci.ipmt(rate="0.01", per=0, nper=3, pv=1), "interest.per"),
        (lambda: ci.ppmt(rate="0.01", per=4, nper=3, pv=1), "interest.per"),
        (lambda: ci.cumipmt(rate="0.01", start=2, end=1, nper=3, pv=1), "interest.per"),
        (lambda: ci.cumprinc(rate="0.01", start=1, end=4, nper=3, pv=1), "interest.per"),
        (lambda: ci.nper(rate="0.01", pmt=0, pv=100), "interest.no_term"),
        (lambda: ci.nper(rate="0", pmt=0, pv=100), "interest.no_term"),
        (lambda: ci.nper(rate="0.01", pmt=-1, pv=100), "interest.no_term"),  # interest only: never repaid
        (lambda: ci.nper(rate="0.01", pmt=-100, pv=10_000), "interest.no_term"),
        (lambda: ci.nper(rate="0", pmt=Fraction(1, 10**40), pv=1), "interest.out_of_range"),
        (lambda: ci.rate(nper=12, pmt=100, pv=1000), "interest.no_rate"),
        (lambda: ci.rate(nper=0, pmt=-100, pv=1000), "interest.nper"),
    ],
)
def test_a_spreadsheet_call_that_cannot_be_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_values_over_no_period_are_the_values_themselves() -> None:
    assert ci.fv(rate="0.05", nper=0, pmt=-100, pv=-7) == 7
    assert ci.pv(rate="0.05", nper=0, pmt=-100, fv=7) == -7


def test_a_plan_at_no_rate_has_rate_zero() -> None:
    assert ci.rate(nper=10, pmt=-100, pv=1000) == 0
    assert ci.level_rate(principal=1000, payment=100, count=10) == 0


def test_a_loss_has_a_negative_rate() -> None:
    assert ci.rate(nper=1, pmt=0, pv=-100, fv=90) == Decimal("-0.1")
    assert ci.level_rate(principal=1000, payment=500, count=1) == Decimal("-0.5")
    assert -1 < ci.level_rate(principal=1000, payment=1, count=12) < 0


def test_payments_at_the_beginning_bear_no_interest_first() -> None:
    assert ci.ipmt(rate="0.01", per=1, nper=12, pv=1000, when="begin") == 0
    second = ci.ipmt(rate="0.01", per=2, nper=12, pv=1000, when="begin")
    level = ci.pmt(rate="0.01", nper=12, pv=1000, when="begin")
    assert second == -(1000 + level) / 100


# -- yearly rates ----------------------------------------------------------------------------------------------


def test_a_level_rate_may_take_money_or_numbers() -> None:
    by_money = ci.level_rate(principal=Money(500_000, "USD"), payment=Money(23_000, "USD"), count=24)
    assert by_money == ci.level_rate(principal="5000.00", payment=Decimal("230.00"), count=24)
    assert ci.percent_of(12 * by_money, 2) == Decimal("9.69")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: ci.level_rate_estimate(0, 1, 1), "interest.amount"),
        (lambda: ci.level_rate(principal=10**65, payment=1, count=1), "interest.amount"),
        (lambda: ci.dated_rate([(JAN_1, 10**65), (FEB_20, -100)]), "interest.amount"),
        (lambda: ci.dated_rate_estimate([0], [1]), "interest.no_flows"),
        (lambda: ci.dated_rate_estimate([0, 1], [96, -783]), "interest.no_rate"),  # e**766 a year
        (lambda: ci.dated_rate([(JAN_1, 96), (date(2026, 1, 2), -783)]), "interest.no_rate"),
        (lambda: ci.dated_rate([(JAN_1, 783), (date(2026, 1, 2), -96)]), "interest.no_rate"),  # all but -100 %
        (lambda: ci.eu_aprc(drawdowns=[(0, 1)], payments=[(10_001, 1)]), "interest.time"),
        (lambda: ci.level_rate(principal=0, payment=1, count=1), "interest.amount"),
        (lambda: ci.level_rate(principal=1, payment=-1, count=1), "interest.amount"),
        (lambda: ci.level_rate(principal=1, payment=1, count=0), "interest.count"),
        (lambda: ci.level_rate(principal=1.0, payment=1, count=1), "rates.float"),  # type: ignore[arg-type] # the mistake
        (lambda: ci.level_rate(principal=1, payment=10**40, count=1), "interest.no_rate"),
        (lambda: ci.percent_of(Decimal("0.1"), 21), "interest.decimals"),
        (lambda: ci.percent_of(Decimal("1e40"), 2), "interest.out_of_range"),
        (lambda: ci.dated_rate([]), "interest.no_flows"),
        (lambda: ci.dated_rate([(JAN_1, 100), (FEB_20, 100)]), "interest.no_flows"),
        (lambda: ci.dated_rate([(JAN_1, 100), (JAN_1, -99)]), "interest.no_rate"),
        (lambda: ci.dated_rate([(JAN_1, 100), (FEB_20, -100)], days_per_year=0), "interest.days_per_year"),
        (lambda: ci.dated_rate([("2026-01-01", 1)]), "calendars.type"),  # type: ignore[list-item] # the mistake
        (lambda: ci.dated_rate_estimate([0, 1], [1, 1]), "interest.no_rate"),
        (lambda: ci.dated_rate_estimate([0, 0], [1, -2]), "interest.no_rate"),
        (lambda: ci.eu_aprc(drawdowns=[], payments=[(1, 1)]), "interest.no_flows"),
        (lambda: ci.eu_aprc(drawdowns=[(0, 1)], payments=[]), "interest.no_flows"),
        (lambda: ci.eu_aprc(drawdowns=[(0, 0)], payments=[(1, 1)]), "interest.amount"),
        (lambda: ci.eu_aprc(drawdowns=[(0, 1)], payments=[(Fraction(1, 10**10), 1)]), "interest.time"),
        (lambda: ci.eu_years(FEB_20, JAN_1), "calendars.order"),
        (lambda: ci.eu_years(JAN_1, FEB_20, unit="fortnights"), "interest.unit_period"),  # type: ignore[arg-type] # the mistake
        (lambda: ci.regz_apr(advances=[], payments=[(JAN_1, 1)]), "interest.no_flows"),
        (lambda: ci.regz_apr(advances=[(JAN_1, 1)], payments=[]), "interest.no_flows"),
        (lambda: ci.regz_apr(advances=[(FEB_20, 1)], payments=[(JAN_1, 1)]), "interest.order"),
        (lambda: ci.regz_apr(advances=[(JAN_1, 1)], payments=[(JAN_1, 1)]), "interest.order"),
        (
            lambda: ci.regz_apr(advances=[(JAN_1, 1)], payments=[(FEB_20, 1)], unit_period="month"),  # type: ignore[arg-type] # the mistake
            "interest.unit_period",
        ),
        (
            lambda: ci.regz_apr(
                advances=[(JAN_1, 1)],
                payments=[(FEB_20, 1)],
                unit_period=Every(1, "months"),
                unit_periods_per_year=0,
            ),
            "interest.unit_period",
        ),
        (lambda: ci.regz_interval(FEB_20, JAN_1, Every(1, "months")), "calendars.order"),
        (lambda: ci.regz_unit_period([], [JAN_1]), "interest.no_flows"),
        (lambda: ci.regz_unit_period([FEB_20], [JAN_1]), "interest.order"),
    ],
)
def test_a_yearly_rate_that_cannot_be_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_flows_that_cancel_out_have_rate_zero() -> None:
    assert ci.dated_rate([(JAN_1, 100), (FEB_20, -60), (date(2026, 9, 9), -40)]) == 0
    assert ci.dated_rate([(JAN_1, 100), (JAN_1, -100)]) == 0  # any rate fits; the one nearest to zero
    # FSharp.Finance.Personal, AprEuropeanUnionTests: 500 lent and paid back on the same day
    assert ci.eu_aprc(drawdowns=[(0, 500)], payments=[(0, 500)]) == 0


def test_no_periods_are_needed_for_what_is_settled() -> None:
    assert ci.nper(rate="0.03", pmt=-377, pv=0) == 0
    assert ci.nper(rate="0.0005", pmt=-642, pv=0, when="begin") == 0


# -- the payments of an agreement ------------------------------------------------------------------------------


def test_a_fixed_principal_is_capped_by_what_is_left() -> None:
    # European Commission, APRC examples (2015), example 12: 223 payments from 1,900 to 201
    amounts = ci.amortising_amounts(
        balance=200_000, period_rate="0.005", principal=ci.FixedPrincipal(amount=Fraction(900))
    )
    assert (len(amounts), amounts[0], amounts[1], amounts[-2], amounts[-1]) == (
        223,
        1900,
        Fraction("1895.5"),
        Fraction("905.5"),
        201,
    )


def test_equal_principal_ends_after_its_count() -> None:
    # the same, example 13: 240 payments from 1,833.33 to 837.50
    amounts = ci.amortising_amounts(
        balance=200_000, period_rate="0.005", principal=ci.EqualPrincipal(count=240), decimals=2
    )
    assert (len(amounts), amounts[0], amounts[-1]) == (240, Fraction("1833.33"), Fraction("837.5"))


def test_a_share_of_the_payment_takes_the_interest_out_of_it() -> None:
    # the same, example 15: 228 payments from 4,020 over 3,959.30 to 300 and at last 274.76
    amounts = ci.amortising_amounts(
        balance=200_000,
        period_rate="0.005",
        principal=ci.PaymentShare(share="0.02", minimum=300),
        decimals=2,
    )
    assert (len(amounts), amounts[0], amounts[1], amounts[-2], amounts[-1]) == (
        228,
        4020,
        Fraction("3959.30"),
        300,
        Fraction("274.76"),
    )


def test_a_balance_can_be_cleared_before_its_rule_ends() -> None:
    only_interest = ci.FixedPrincipal(amount=Fraction(0))
    assert ci.amortising_amounts(balance=100, period_rate="0.01", principal=only_interest, clear_at=3) == (1, 1, 101)
    assert ci.amortising_amounts(balance=100, period_rate=0, principal=ci.EqualPrincipal(count=4), clear_at=2) == (
        25,
        75,
    )
    assert ci.amortising_amounts(balance=100, period_rate=0, principal=ci.EqualPrincipal(count=2), clear_at=9) == (
        50,
        50,
    )
    growing = ci.PaymentShare(share="0.001")  # less than the interest: the debt grows until it is cleared
    assert ci.amortising_amounts(balance=100, period_rate="0.01", principal=growing, clear_at=2) == (
        Fraction("0.101"),
        Fraction("101.90799"),
    )


def test_all_at_once_is_a_share_of_one() -> None:
    assert ci.amortising_amounts(
        balance=Money(100_00, "EUR"), period_rate="0.01", principal=ci.PrincipalShare(share=1)
    ) == (10_100,)


def test_digits_without_end_are_cut_far_below_a_cent() -> None:
    rate = Fraction("0.0056541453874052738178123456789")  # a monthly rate of 30 digits, as effective rates give
    amounts = ci.amortising_amounts(
        balance=200_000, period_rate=rate, principal=ci.PaymentShare(share="0.01", minimum=100)
    )
    worth = Fraction(0)
    for amount in reversed(amounts):
        worth = (worth + amount) / (1 + rate)
        worth = Fraction(round(worth * 10**70), 10**70)
    assert abs(worth - 200_000) < Fraction(1, 10**50)


def test_growth_starts_from_the_unrounded_payment_each_year() -> None:
    # European Commission, APRC examples (2015), example 9: 20 years at +3 %, from 1,130.33 to 1,982.05
    amounts = ci.growing_amounts(
        first="1130.332667272968509887708890759978", growth="0.03", years=20, per_year=12, decimals=2
    )
    assert (len(amounts), amounts[0], amounts[11], amounts[-1]) == (
        240,
        Fraction("1130.33"),
        Fraction("1130.33"),
        Fraction("1982.05"),
    )
    assert ci.growing_amounts(first=8, growth="-0.5", years=3, per_year=1) == (8, 4, 2)


def test_times_of_a_series_are_parts_of_a_year() -> None:
    weekly = ci.series_years(first=0, every=Every(2, "weeks"), count=3)
    assert weekly == (0, Fraction(1, 26), Fraction(1, 13))
    assert ci.series_years(first=Fraction(-1), every=Every(1, "years"), count=2) == (-1, 0)
    assert ci.series_years(first=0, every=Every(1, "semimonths"), count=2)[1] == Fraction(1, 24)
    assert ci.series_years(first=0, every=Every(73, "days"), count=2)[1] == Fraction(1, 5)
    assert ci.series_years(first=0, every=Every(1, "months"), count=0) == ()


SHARE = ci.PrincipalShare(share="0.02", minimum=1)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: ci.FixedPrincipal(amount=-1), "interest.amount"),  # type: ignore[arg-type] # a converter takes ints
        (lambda: ci.FixedPrincipal(amount=1.5), "rates.float"),  # type: ignore[arg-type] # the mistake
        (lambda: ci.EqualPrincipal(count=0), "interest.count"),
        (lambda: ci.EqualPrincipal(count=12_001), "interest.count"),
        (lambda: ci.PrincipalShare(share="1.01"), "interest.share"),
        (lambda: ci.PaymentShare(share="-0.01"), "interest.share"),
        (lambda: ci.amortising_amounts(balance=0, period_rate=0, principal=SHARE), "interest.amount"),
        (lambda: ci.amortising_amounts(balance=1, period_rate=-1, principal=SHARE), "interest.rate"),
        (lambda: ci.amortising_amounts(balance=1, period_rate=0, principal="2 %"), "interest.rule"),  # type: ignore[arg-type] # the mistake
        (lambda: ci.amortising_amounts(balance=1, period_rate=0, principal=SHARE, clear_at=0), "interest.count"),
        (lambda: ci.amortising_amounts(balance=1, period_rate=0, principal=SHARE, decimals=21), "interest.decimals"),
        (
            lambda: ci.amortising_amounts(balance=1, period_rate=0, principal=ci.PrincipalShare(share="0.02")),
            "interest.no_term",
        ),
        (
            lambda: ci.amortising_amounts(
                balance=1000, period_rate="0.01", principal=ci.PaymentShare(share="0.001", minimum=10)
            ),
            "interest.no_term",
        ),
        (
            lambda: ci.amortising_amounts(
                balance=12_001, period_rate=0, principal=ci.FixedPrincipal(amount=Fraction(1))
            ),
            "interest.no_term",
        ),
        (lambda: ci.growing_amounts(first=1, growth=-1, years=1, per_year=1), "interest.rate"),
        (lambda: ci.growing_amounts(first=1, growth=0, years=0, per_year=1), "interest.count"),
        (lambda: ci.growing_amounts(first=1, growth=0, years=1001, per_year=12), "interest.count"),
        (lambda: ci.series_years(first=0, every="month", count=1), "interest.unit_period"),  # type: ignore[arg-type] # the mistake
        (lambda: ci.series_years(first=0, every=Every(1, "months"), count=-1), "interest.count"),
    ],
)
def test_an_agreement_that_cannot_be_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_a_search_that_leads_nowhere_says_so() -> None:
    with pytest.raises(InvalidTerms) as caught:  # a float side that promises a root which the exact side has not
        growth_root(lambda x: x - 0.1, lambda x: x * x + 1, horizon=1.0, what="rate")
    assert caught.value.code == "interest.no_rate"
    with pytest.raises(InvalidTerms):
        growth_root(lambda x: x - 0.1, lambda x: Decimal(5), horizon=1.0, what="rate")
    with pytest.raises(InvalidTerms):  # a loss of all but 10**-110 is no rate above -100 %
        ci.dated_rate([(JAN_1, 2), (date(2026, 1, 2), -1)])


@pytest.mark.parametrize(
    "gain", [Fraction(1, 6 * 10**15), Fraction(1, 10**14), Fraction(1, 10**11), Fraction(1, 10**7)]
)
def test_the_estimate_of_hardly_any_gain_is_hardly_any_rate(gain: Fraction) -> None:
    ratio = 360 * (1 - gain)
    exact = ci.level_rate(principal=ratio, payment=1, count=360)
    assert abs(ci.level_rate_estimate(float(ratio), 1, 360) - float(exact)) < 1e-15


def test_the_estimate_of_all_but_a_perpetuity_is_payment_over_principal() -> None:
    assert ci.level_rate_estimate(1, 1, 1477) == pytest.approx(1.0)
    assert ci.level_rate_estimate(2, 1, 1) == 0.0


def test_a_unit_interval_counts_as_one_number() -> None:
    assert ci.UnitInterval(whole=1, fraction=Fraction(19, 30)).total == Fraction(49, 30)


def test_the_number_of_unit_periods_in_a_year_can_be_stated() -> None:
    flows: dict[str, Any] = {"advances": [(JAN_1, 1000)], "payments": [(date(2026, 1, 29), 1010)]}
    stated = ci.regz_apr(**flows, unit_period=Every(4, "weeks"), unit_periods_per_year=13)
    assert stated.rate == ci.regz_apr(**flows, unit_period=Every(4, "weeks")).rate == Decimal("0.13")
    assert ci.regz_apr(**flows).percent(4) == Decimal("13.0357")  # the term of 28 days, 365 / 28 of them in a year


def test_a_month_end_payment_in_step_with_the_first_keeps_its_odd_days() -> None:
    advance, first = date(2026, 1, 11), date(2026, 3, 31)  # one month and 17 days
    payments = [(on, 100) for on in month_dates(first, 6, first=0)]
    apr = ci.regz_apr(advances=[(advance, 550)], payments=payments, unit_period=Every(1, "months"))
    assert apr.first_payment == ci.regz_interval(advance, first, Every(1, "months"))
    in_step = [(apr.first_payment.whole + k, apr.first_payment.fraction) for k in range(6)]
    i = apr.rate / 12
    left = sum(100 / ((1 + Decimal(f.numerator) / f.denominator * i) * (1 + i) ** t) for t, f in in_step)
    assert abs(left - 550) < Decimal("1e-20")


def test_twelve_months_are_a_year_and_its_odd_days_count_over_365() -> None:
    # FSharp.Finance.Personal, AprUsActuarialTests, yearly payments: 78.34 % with 35 odd days
    lent_on, paid_on = date(2023, 10, 26), date(2023, 11, 30)
    assert ci.regz_interval(lent_on, paid_on, Every(12, "months")) == ci.regz_interval(
        lent_on, paid_on, Every(1, "years")
    )
    assert ci.regz_interval(lent_on, paid_on, Every(12, "months")).fraction == Fraction(35, 365)


def test_times_run_from_a_payment_that_comes_before_the_first_advance() -> None:
    """A student loan in the manner of Appendix J: paid down from 1 July, drawn from 5 September on.

    The rate of 32.0427 % is an independent computation with mpmath.
    """
    advances = [(date(1978 + k, 9, 5), 1800) for k in range(4)] + [(date(1979 + k, 1, 5), 1000) for k in range(4)]
    payments = [(on, 240) for on in month_dates(date(1978, 7, 1), 50, first=0)]
    loan = ci.regz_apr(advances=advances, payments=payments, unit_period=Every(1, "months"))
    assert (loan.first_payment.total, loan.percent(4)) == (0, Decimal("32.0427"))
    assert ci.regz_unit_period([on for on, _ in advances], [on for on, _ in payments])[0] == Every(1, "months")


def test_a_credit_that_costs_has_a_rate_above_zero_where_another_lies_nearer_below() -> None:
    # 1,000 drawn, 2,500 paid after a year, 1,495 drawn after two: 5 are paid for it. With q = 1 + x the equation is
    # 1000 q^2 - 2500 q + 1495 = 0, so x is -0.98 % or 50.98 %.
    drawn = [(0, 1000), (2, 1495)]
    assert ci.percent_of(ci.eu_aprc(drawdowns=drawn, payments=[(1, 2500)]), 2) == Decimal("50.98")
    gained = ci.eu_aprc(
        drawdowns=[(0, 1000), (2, 1505)], payments=[(1, 2500)]
    )  # 5 are gained, yet both roots lie above
    assert ci.percent_of(gained, 2) == Decimal("1.02")
    assert ci.percent_of(ci.eu_aprc(drawdowns=[(0, 1000)], payments=[(1, 990)]), 2) == -1


def test_a_payment_out_of_step_is_measured_by_itself() -> None:
    payments = [(date(2026, 2, 10), 500), (date(2026, 3, 25), 520)]
    apr = ci.regz_apr(advances=[(date(2026, 1, 10), 1000)], payments=payments, unit_period=Every(1, "months"))
    i = apr.rate / 12
    left = 500 / (1 + i) + 520 / ((1 + i) ** 2 * (1 + i * 15 / 30))
    assert abs(left - 1000) < Decimal("1e-20")


def test_yearly_payments_count_odd_days_after_whole_years() -> None:
    # European Commission, APRC examples (2015), example 2, case 3: signed 12 January 2012, first paid 15 February 2012
    assert ci.eu_years(date(2012, 1, 12), date(2012, 2, 15), unit="years") == Fraction(34, 365)
    assert ci.eu_years(date(2012, 1, 12), date(2014, 2, 15), unit="years") == 2 + Fraction(34, 365)
    assert ci.eu_years(date(2012, 1, 15), date(2012, 7, 15), unit="years") == Fraction(1, 2)  # whole months stay months
    assert ci.eu_years(date(2012, 1, 15), date(2013, 1, 15), unit="years") == 1


def test_a_percentage_is_rounded_half_up() -> None:
    assert ci.percent_of(Fraction(8805, 100_000), 2) == Decimal("8.81")
    assert ci.percent_of(Decimal("0.08804999"), 2) == Decimal("8.80")


def test_an_exact_tie_survives_the_search() -> None:
    # 1000 to 1044.025 in half a year: 8.805 % exactly, so half up must see the tie
    apr = ci.regz_apr(advances=[(date(2026, 1, 15), "1000")], payments=[(date(2026, 7, 15), "1044.025")])
    assert apr.rate == Decimal("0.08805")
    assert apr.percent() == Decimal("8.81")


@pytest.mark.parametrize(
    ("start", "end", "unit", "whole", "fraction"),
    [
        # J (b)(5): whole units back from the later day, the odd days over 30 a month; examples of J (c) in tests/golden
        (date(2026, 1, 31), date(2026, 2, 28), Every(1, "months"), 1, Fraction(0)),
        (date(2026, 1, 30), date(2026, 2, 28), Every(1, "months"), 1, Fraction(0)),
        (date(2026, 2, 28), date(2026, 3, 31), Every(1, "months"), 1, Fraction(0)),
        (date(2026, 1, 10), date(2026, 1, 10), Every(1, "months"), 0, Fraction(0)),
        (date(2026, 1, 10), date(2026, 4, 20), Every(3, "months"), 1, Fraction(10, 90)),
        (date(2026, 1, 10), date(2026, 1, 24), Every(1, "semimonths"), 0, Fraction(14, 15)),
        (date(2026, 1, 1), date(2026, 2, 16), Every(1, "semimonths"), 3, Fraction(0)),
        (date(2026, 1, 1), date(2026, 1, 16), Every(2, "semimonths"), 0, Fraction(1, 2)),
        (date(2025, 12, 16), date(2027, 1, 1), Every(1, "semimonths"), 25, Fraction(0)),
        (date(2025, 12, 10), date(2026, 1, 16), Every(2, "semimonths"), 1, Fraction(6, 30)),
        (date(2024, 1, 5), date(2027, 3, 5), Every(2, "years"), 1, Fraction(14, 24)),
        (date(2024, 1, 5), date(2027, 3, 6), Every(2, "years"), 1, Fraction(426, 730)),
        (date(2026, 1, 5), date(2026, 2, 3), Every(1, "weeks"), 4, Fraction(1, 7)),
        (date(2026, 1, 5), date(2026, 2, 3), Every(10, "days"), 2, Fraction(9, 10)),
        (date(2024, 1, 5), date(2026, 4, 5), Every(1, "years"), 2, Fraction(3, 12)),
        (date(2024, 1, 5), date(2026, 4, 6), Every(1, "years"), 2, Fraction(92, 365)),
    ],
)
def test_times_are_measured_in_unit_periods(
    start: date, end: date, unit: Every, whole: int, fraction: Fraction
) -> None:
    assert ci.regz_interval(start, end, unit) == ci.UnitInterval(whole=whole, fraction=fraction)


@pytest.mark.parametrize(
    ("payments", "unit", "per_year"),
    [
        (month_dates(date(2026, 1, 31), 6), Every(1, "months"), Fraction(12)),
        (month_dates(date(2026, 1, 31), 6, 3), Every(3, "months"), Fraction(4)),
        (month_dates(date(2026, 1, 31), 3, 12), Every(1, "years"), Fraction(1)),
        (Every(2, "weeks").dates(anchor=date(2026, 1, 31), count=5), Every(2, "weeks"), Fraction(26)),
        (Every(1, "days").dates(anchor=date(2026, 1, 31), count=5), Every(1, "days"), Fraction(365)),
        (Every(1, "semimonths").dates(anchor=date(2026, 2, 1), count=7), Every(1, "semimonths"), Fraction(24)),
        ([date(2026, 3, 3)], Every(31, "days"), Fraction(365, 31)),
        ([date(2026, 7, 31)], Every(6, "months"), Fraction(2)),
        ([date(2028, 7, 31)], Every(1, "years"), Fraction(1)),
        (month_dates(date(2026, 1, 31), 2, 13), Every(1, "years"), Fraction(1)),  # 13 months is no standard interval
        (month_dates(date(2026, 1, 31), 2, 11), Every(11, "months"), Fraction(12, 11)),
        ([date(2027, 1, 30), date(2028, 1, 29)], Every(52, "weeks"), Fraction(1)),
        ([date(2026, 2, 7), date(2026, 2, 14), date(2026, 3, 14), date(2026, 4, 14)], Every(1, "weeks"), Fraction(52)),
        ([date(2026, 2, 15), date(2026, 3, 3)], Every(1, "semimonths"), Fraction(24)),  # 15 and 16 days
        ([date(2026, 2, 1), date(2026, 2, 3)], Every(1, "days"), Fraction(365)),  # 1 and 2 days: 1.5 on average
        ([date(2026, 1, 31), date(2026, 2, 28)], Every(4, "weeks"), Fraction(13)),
        ([date(2026, 2, 20), date(2026, 4, 4)], Every(1, "months"), Fraction(12)),  # 20 and 43 days: 31.5 on average
        ([date(2026, 2, 7), date(2026, 2, 17)], Every(1, "weeks"), Fraction(52)),  # 7 and 10 days: 8.5 on average
    ],
)
def test_the_unit_period_is_the_commonest_interval(payments: list[date], unit: Every, per_year: Fraction) -> None:
    assert ci.regz_unit_period([date(2026, 1, 31)], payments) == (unit, per_year)


@pytest.mark.parametrize(
    ("start", "end", "unit", "expected"),
    [
        (date(2012, 3, 12), date(2012, 5, 1), "months", Fraction(20, 366) + Fraction(1, 12)),
        (date(2013, 1, 12), date(2014, 1, 12), "months", Fraction(1)),
        (date(2013, 1, 12), date(2013, 1, 26), "weeks", Fraction(2, 52)),
        (date(2013, 3, 12), date(2013, 3, 22), "weeks", Fraction(1, 52) + Fraction(3, 365)),
        (date(2013, 3, 12), date(2013, 4, 12), "days", Fraction(31, 365)),
        (date(2013, 3, 12), date(2015, 4, 12), "days", 2 + Fraction(31, 365)),
        (date(2012, 1, 31), date(2012, 2, 29), "months", Fraction(1, 12)),
        (date(2012, 1, 31), date(2012, 1, 31), "months", Fraction(0)),
    ],
)
def test_times_are_measured_in_years(start: date, end: date, unit: Any, expected: Fraction) -> None:
    assert ci.eu_years(start, end, unit=unit) == expected


def test_a_payday_loan_has_a_rate_beyond_all_plans() -> None:
    # 100 lent, 115 back after a week: 1.15^(365/7) - 1
    rate = ci.dated_rate([(JAN_1, 100), (date(2026, 1, 8), -115)])
    with decimal.localcontext(decimal.Context(prec=50)):
        exact = Decimal("1.15") ** (Decimal(365) / 7) - 1
    assert abs(rate - exact) < Decimal("1e-27")


def test_flows_with_two_rates_give_the_one_nearest_to_zero() -> None:
    # -100 + 230 v - 132 v^2 vanishes at 10 % and at 20 %
    years = [JAN_1, date(2027, 1, 1), date(2028, 1, 1)]
    assert ci.dated_rate(list(zip(years, (-100, 230, -132), strict=True))) == Decimal("0.1")


def test_the_host_s_decimal_context_does_not_matter() -> None:
    def everything() -> list[object]:
        return [
            ci.rate(nper=24, pmt=-23_000, pv=500_000),
            ci.nper(rate="0.005", pmt=-150, pv=8000),
            ci.level_rate(principal=500_000, payment=23_000, count=24),
            ci.dated_rate([(JAN_1, 100_000), (FEB_20, -60_000), (date(2026, 9, 9), -45_000)]),
            ci.eu_aprc(drawdowns=[(0, 1000)], payments=[(1, 600), (2, 600)]),
            ci.nominal_annual("0.1", periods_per_year=12),
            ci.percent_of(Fraction(1, 3), 10),
        ]

    plain = everything()
    for context in (
        decimal.Context(prec=3, rounding=decimal.ROUND_UP, Emin=-9, Emax=9),
        decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded, decimal.FloatOperation]),
    ):
        with decimal.localcontext(context):
            assert everything() == plain
