"""Published repayment schedules, laid out by the builders of `plans` rather than by the engines that printed them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from collectkit import plans, servicing
from collectkit.core.calendars import Every
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from replay_kinds import schedules

TESTS = Path(__file__).resolve().parents[1]

# Fineract: apache/fineract at 4198b0bc, ProgressiveEMICalculatorTest.java and LoanRepayment.feature (e2e tests);
# month ends at 5b1f06e8, LoanMonthEndDueDateStrategy.feature; bullets at 60d645f9, LoanBulletBalloon.feature.


def rows(plan: plans.PaymentPlan) -> list[tuple[str, str, str]]:
    return [(row.principal.plain(), row.interest.plain(), row.total.plain()) for row in plan.schedule]


def test_fineract_emi_of_100_at_9_4822_percent_over_6_months() -> None:
    plan = plans.amortised_plan(
        plan_id="FIN-EMI-02",
        principal=Money.of("100", "USD"),
        rate=Rate.percent("9.4822"),
        instalments=6,
        start_on=date(2024, 1, 1),
    )
    assert rows(plan) == [
        ("16.34", "0.79", "17.13"),
        ("16.47", "0.66", "17.13"),
        ("16.60", "0.53", "17.13"),
        ("16.73", "0.40", "17.13"),
        ("16.86", "0.27", "17.13"),
        ("17.00", "0.13", "17.13"),
    ]


def test_fineract_emi_of_100_at_15_678_percent_by_real_days_over_365() -> None:
    plan = plans.amortised_plan(
        plan_id="FIN-EMI-01",
        principal=Money.of("100", "USD"),
        rate=Rate.percent("15.678"),
        instalments=6,
        start_on=date(2024, 1, 1),
        day_count="act/365f",
    )
    assert rows(plan) == [
        ("16.10", "1.33", "17.43"),
        ("16.38", "1.05", "17.43"),
        ("16.53", "0.90", "17.43"),
        ("16.77", "0.66", "17.43"),
        ("16.97", "0.46", "17.43"),
        ("17.25", "0.22", "17.47"),
    ]


def test_fineract_month_end_clamps_and_interest_follows_the_days() -> None:
    plan = plans.amortised_plan(
        plan_id="FIN-MONTHEND-CLAMP-ACT",
        principal=Money.of("10000", "EUR"),
        rate=Rate.percent("12"),
        instalments=3,
        start_on=date(2025, 1, 31),
        day_count="act/act-isda",
    )
    assert [str(row.due_on) for row in plan.schedule] == ["2025-02-28", "2025-03-31", "2025-04-30"]
    assert rows(plan) == [
        ("3305.77", "92.05", "3397.82"),
        ("3329.59", "68.23", "3397.82"),
        ("3364.64", "33.19", "3397.83"),
    ]


def test_fineract_equal_principal_of_5000_over_18_months() -> None:
    plan = plans.equal_principal_plan(
        plan_id="FIN-RS04",
        principal=Money.of("5000", "EUR"),
        rate=Rate.percent("12"),
        instalments=18,
        start_on=date(2022, 11, 1),
    )
    interest = [
        "50.00",
        "47.22",
        "44.44",
        "41.67",
        "38.89",
        "36.11",
        "33.33",
        "30.56",
        "27.78",
        "25.00",
        "22.22",
        "19.44",
        "16.67",
        "13.89",
        "11.11",
        "8.33",
        "5.56",
        "2.78",
    ]
    assert [row.interest.plain() for row in plan.schedule] == interest
    assert [row.principal.plain() for row in plan.schedule] == ["277.78"] * 17 + ["277.74"]


def test_fineract_level_payment_in_whole_euros_takes_the_rest_in_the_last_row() -> None:
    # LP1, daily interest over 365: 305.00 a month, and the last balance with its interest at the end
    plan = plans.amortised_plan(
        plan_id="FIN-RS03",
        principal=Money.of("5000", "EUR"),
        rate=Rate.percent("12"),
        instalments=18,
        start_on=date(2022, 11, 1),
        day_count="act/365f",
        multiple=Money.of("1", "EUR"),
    )
    assert rows(plan)[:5] == [
        ("255.68", "49.32", "305.00"),
        ("256.65", "48.35", "305.00"),
        ("259.26", "45.74", "305.00"),
        ("266.08", "38.92", "305.00"),
        ("264.62", "40.38", "305.00"),
    ]
    assert plan.schedule[13].balance.plain() == "1187.65"


def test_fineract_bullet_pays_interest_alone_until_the_last_row() -> None:
    plan = plans.interest_only_plan(
        plan_id="FIN-BALLOON-BL01",
        principal=Money.of("100", "EUR"),
        rate=Rate.percent("30"),
        instalments=8,
        start_on=date(2024, 1, 1),
    )
    assert rows(plan) == [("0.00", "2.50", "2.50")] * 7 + [("100.00", "2.50", "102.50")]


@pytest.mark.parametrize(
    ("debt", "parts", "every", "multiple", "down", "amounts"),
    [
        # FIN-ZERO-1000-6-MULT1, -DP25-400-3, -DP25-1000-4: zero interest, instalments in whole euros or cents
        ("1000", 6, Every(1, "months"), "1", None, ["167.00"] * 5 + ["165.00"]),
        ("400", 3, Every(15, "days"), "1", "100", ["100.00"] * 4),
        ("1000", 4, Every(15, "days"), None, "250", ["250.00"] + ["187.50"] * 4),
    ],
)
def test_fineract_parts_without_interest(
    debt: str, parts: int, every: Every, multiple: str | None, down: str | None, amounts: list[str]
) -> None:
    plan = plans.equal_split_plan(
        plan_id="FIN-ZERO",
        principal=Money.of(debt, "EUR"),
        instalments=parts,
        start_on=date(2023, 9, 1),
        every=every,
        multiple=None if multiple is None else Money.of(multiple, "EUR"),
        down_payment=None if down is None else Money.of(down, "EUR"),
    )
    assert [row.total.plain() for row in plan.schedule] == amounts


def test_roniemartinez_amortization_docstring_payment() -> None:
    # roniemartinez/amortization 3.0.1, calculate_amortization_amount(150000, 0.1, 36) = 4840.08, semimonthly 4495.63
    common: dict[str, Any] = {
        "plan_id": "amortization",
        "principal": Money.of("150000", "USD"),
        "rate": Rate.percent("10"),
        "instalments": 36,
        "start_on": date(2026, 1, 1),
    }
    assert plans.amortised_plan(**common).schedule[0].total == Money.of("4840.08", "USD")
    twice = plans.amortised_plan(every=Every(1, "semimonths"), **common)
    assert twice.schedule[0].total == Money.of("4495.63", "USD")


def test_numpy_financial_ipmt_example_interest_of_2500_at_8_24_percent() -> None:
    # numpy/numpy-financial at f47e8af2, docstring of ipmt: columns are rounded for display, one by one
    terms = servicing.LoanTerms(
        currency="USD", rate=Rate.percent("8.24"), instalments=12, every=Every(1, "months"), engine="plain"
    )
    shown = servicing.loan_rows(terms, [servicing.Drawdown(amount=Money.of("2500", "USD"))])
    interest = ["17.17", "15.79", "14.40", "13.01", "11.60", "10.18", "8.76", "7.32", "5.88", "4.42", "2.96", "1.49"]
    assert [row.interest.plain() for row in shown] == interest
    assert {row.total.plain() for row in shown} == {"217.75"}


# -- loans serviced by events: further cases of the same sources --------------------------------------------------


def dollars(amount: str) -> Money:
    return Money.of(amount, "USD")


def euros(amount: str) -> Money:
    return Money.of(amount, "EUR")


def shown(terms: servicing.LoanTerms, *events: servicing.LoanEvent) -> list[str]:
    """Principal, interest and balance of each row, in one text a row."""
    found = servicing.loan_rows(terms, events)
    return [f"{row.principal.plain()} {row.interest.plain()} {row.balance.plain()}" for row in found]


def progressive(rate: str = "9.4822", **change: Any) -> servicing.LoanTerms:
    given: dict[str, Any] = {
        "currency": "USD",
        "rate": Rate.percent(rate),
        "instalments": 6,
        "every": Every(1, "months"),
        "engine": "progressive",
        "start_on": date(2024, 1, 1),
        "digits": 12,
        "has_fairness_step": True,
        "accrual": "nominal_month",
        "year_days": 360,
        "month_days": 30,
    }
    return servicing.LoanTerms(**{**given, **change})


def test_fineract_two_drawdowns_in_one_period() -> None:
    # testEMICalculation_multiDisbursedAmt300InSamePeriod_dayInYears360_daysInMonth30_repayEvery1Month
    assert shown(
        progressive(),
        servicing.Drawdown(on=date(2024, 1, 1), amount=dollars("100")),
        servicing.Drawdown(on=date(2024, 1, 8), amount=dollars("200")),
    ) == [
        "49.31 2.02 250.69",
        "49.35 1.98 201.34",
        "49.74 1.59 151.60",
        "50.13 1.20 101.47",
        "50.53 0.80 50.94",
        "50.94 0.40 0.00",
    ]


def test_fineract_drawdowns_after_the_start_and_two_on_one_day() -> None:
    # testEMICalculation_multiDisbursedAmt150InSamePeriod_..._backdated_disbursement
    assert shown(
        progressive(),
        servicing.Drawdown(on=date(2024, 1, 8), amount=dollars("50")),
        servicing.Drawdown(on=date(2024, 1, 8), amount=dollars("25")),
        servicing.Drawdown(on=date(2024, 1, 5), amount=dollars("100")),
    ) == [
        "28.79 1.15 146.21",
        "28.78 1.16 117.43",
        "29.01 0.93 88.42",
        "29.24 0.70 59.18",
        "29.47 0.47 29.71",
        "29.71 0.23 0.00",
    ]


def test_fineract_weekly_instalments_over_a_year_of_364_days() -> None:
    # testEMICalculation_disbursedAmt100_dayInYears364_daysInMonthActual_repayEvery1Week
    terms = progressive(every=Every(1, "weeks"), year_days=364, month_days=None)
    assert shown(terms, servicing.Drawdown(amount=dollars("100"))) == [
        "16.59 0.18 83.41",
        "16.62 0.15 66.79",
        "16.65 0.12 50.14",
        "16.68 0.09 33.46",
        "16.71 0.06 16.75",
        "16.75 0.03 0.00",
    ]


def test_fineract_everything_paid_on_15_february_in_parts_booked_to_their_rows() -> None:
    # testEMICalculation_disbursedAmt100_..._payoff_on0215
    on = date(2024, 2, 15)
    ahead = [
        ("03", "16.77", "0.24"),
        ("04", "17.01", "0"),
        ("05", "17.01", "0"),
        ("06", "17.01", "0"),
        ("07", "15.77", "0"),
    ]
    parts = [
        servicing.EarlyPayment(
            on=on,
            for_due_on=date.fromisoformat(f"2024-{month}-01"),
            principal=dollars(principal),
            interest=dollars(interest),
        )
        for month, principal, interest in ahead
    ]
    assert shown(progressive("7"), servicing.Drawdown(amount=dollars("100")), *parts) == [
        "16.43 0.58 83.57",
        "16.77 0.24 0.00",
        "17.01 0.00 0.00",
        "17.01 0.00 0.00",
        "17.01 0.00 0.00",
        "15.77 0.00 0.00",
    ]


def test_fineract_most_of_it_paid_on_15_january_leaves_interest_to_the_last_row() -> None:
    # testEMICalculation_disbursedAmt100_..._payoff_on0115, before its last payment
    on = date(2024, 1, 15)
    ahead = [("02", "16.75", "0.26"), *((month, "17.01", "0") for month in ("03", "04", "05", "06"))]
    parts = [
        servicing.EarlyPayment(
            on=on,
            for_due_on=date.fromisoformat(f"2024-{month}-01"),
            principal=dollars(principal),
            interest=dollars(interest),
        )
        for month, principal, interest in ahead
    ]
    found = shown(progressive("7"), servicing.Drawdown(amount=dollars("100")), *parts)
    assert found == ["16.75 0.26 15.21", *["17.01 0.00 15.21"] * 4, "15.21 0.50 0.00"]


# LoanRepayment.feature, RP06 to RP15: 5000.00 at 12 % from 1 November 2022, level payments in whole euros, interest by
# days over 365, recalculated on the real balance.
RECALCULATED = {
    "RP06 early and partial": (
        [("2022-11-27", "200")],
        ["812.95 49.05 4187.05", "819.33 42.67 3367.72", "827.68 34.32 2540.04", "838.62 23.38 1701.42"],
    ),
    "RP07 late and partial": (
        [("2022-12-05", "200")],
        ["812.68 49.32 4187.32", "818.25 43.75 3369.07", "827.66 34.34 2541.41", "838.61 23.39 1702.80"],
    ),
    "RP08 on time and more": (
        [("2022-12-01", "1500")],
        ["1450.68 49.32 3549.32", "694.83 36.17 2854.49", "701.91 29.09 2152.58", "711.18 19.82 1441.40"],
    ),
    "RP09 early and more": (
        [("2022-11-27", "1500")],
        ["1500.00 47.34 3500.00", "685.33 35.67 2814.67", "692.31 28.69 2122.36", "701.46 19.54 1420.90"],
    ),
    "RP12 more, twice": (
        [("2022-12-01", "1000"), ("2023-01-01", "2000")],
        ["950.68 49.32 4049.32", "1958.73 41.27 2090.59", "514.69 21.31 1575.90", "521.49 14.51 1054.41"],
    ),
    "RP15 two rows late": (
        [("2023-02-01", "862")],
        ["812.68 49.32 4187.32", "819.32 42.68 3368.00", "811.04 50.96 2556.96", "838.46 23.54 1718.50"],
    ),
}


@pytest.mark.parametrize("case", sorted(RECALCULATED))
def test_fineract_interest_recalculated_on_the_real_balance(case: str) -> None:
    payments, wanted = RECALCULATED[case]
    terms = servicing.LoanTerms(
        currency="EUR",
        rate=Rate.percent("12"),
        instalments=6,
        every=Every(1, "months"),
        engine="cumulative",
        start_on=date(2022, 11, 1),
        multiple=euros("1"),
        accrual="actual_days",
        year_days=365,
        level_days=30,
        recalculation=servicing.Recalculation(has_new_level=True),
    )
    events = [servicing.LoanPayment(on=date.fromisoformat(on), amount=euros(amount)) for on, amount in payments]
    found = shown(terms, servicing.Drawdown(amount=euros("5000")), *events)
    assert found[:4] == wanted
    assert found[-1].endswith(" 0.00")


def test_fineract_flat_interest_of_5000_over_18_months() -> None:
    # LoanRepayment.feature, RS01
    terms = servicing.LoanTerms(
        currency="EUR",
        rate=Rate.percent("12"),
        instalments=18,
        every=Every(1, "months"),
        engine="flat",
        start_on=date(2022, 11, 1),
        multiple=euros("1"),
    )
    found = shown(terms, servicing.Drawdown(amount=euros("5000")))
    assert found[:2] == ["278.00 50.00 4722.00", "278.00 50.00 4444.00"]
    assert found[-1] == "274.00 50.00 0.00"


# Loan.feature, "disbursement amount only distributed only to future installments": 1000.00 in three months, a quarter
# down on each drawdown, nothing rounded to a multiple.
QUARTER_DOWN: dict[str, Any] = {
    "currency": "EUR",
    "rate": Rate.zero(),
    "instalments": 3,
    "every": Every(1, "months"),
    "engine": "flat",
    "start_on": date(2023, 9, 1),
    "down_payment": Fraction(1, 4),
}


def test_fineract_two_drawdowns_of_one_day_are_both_there_before_either_down_payment() -> None:
    # lines 5102 and 5149
    terms = servicing.LoanTerms(**QUARTER_DOWN)
    first = servicing.Drawdown(amount=euros("1000"), sequence=1)
    at_once = servicing.Drawdown(amount=euros("400"), sequence=2)
    assert shown(terms, first, at_once) == [
        "250.00 0.00 1150.00",
        "100.00 0.00 1050.00",
        "350.00 0.00 700.00",
        "350.00 0.00 350.00",
        "350.00 0.00 0.00",
    ]
    october = date(2023, 10, 1)
    later = [
        servicing.Drawdown(on=october, amount=euros("400"), sequence=2),
        servicing.Drawdown(on=october, amount=euros("80"), sequence=3),
    ]
    assert shown(terms, first, *later) == [
        "250.00 0.00 750.00",
        "250.00 0.00 500.00",
        "100.00 0.00 880.00",
        "20.00 0.00 860.00",
        "430.00 0.00 430.00",
        "430.00 0.00 0.00",
    ]


def test_fineract_what_falls_due_on_the_day_of_re_amortisation_is_spread_too() -> None:
    # LoanReAmortization.feature, UC5
    terms = servicing.LoanTerms(
        **{**QUARTER_DOWN, "every": Every(15, "days"), "start_on": date(2024, 1, 1), "is_down_payment_paid": True},
        multiple=euros("1"),
    )
    events = [
        servicing.Drawdown(amount=euros("500")),
        servicing.Charged(on=date(2024, 1, 16), component="late_fee", amount=euros("10")),
        servicing.Reamortised(on=date(2024, 1, 31)),
    ]
    assert shown(terms, *events) == [
        "125.00 0.00 375.00",
        "0.00 0.00 375.00",
        "0.00 0.00 375.00",
        "375.00 0.00 0.00",
    ]


def test_fineract_charge_backs_after_the_last_row_share_one_row_that_waits_for_the_latest() -> None:
    # LoanChargeback.feature, lines 957 to 982
    terms = servicing.LoanTerms(
        **{**QUARTER_DOWN, "start_on": date(2023, 1, 1), "down_payment": Fraction(0)}, multiple=euros("1")
    )
    paid = [
        servicing.LoanPayment(on=date.fromisoformat(on), amount=euros("250"))
        for on in ("2023-02-01", "2023-03-01", "2023-04-01", "2023-04-25")
    ]
    events = [
        servicing.Drawdown(amount=euros("750")),
        *paid,
        servicing.ChargedBack(on=date(2023, 4, 25), amount=euros("250")),
        servicing.ChargedBack(on=date(2023, 5, 1), amount=euros("200")),
    ]
    last = servicing.loan_rows(terms, events)[-1]
    assert (last.number, last.days, last.due_on) == (4, 30, date(2023, 5, 1))
    assert (last.principal.plain(), last.balance.plain()) == ("450.00", "0.00")


def test_fineract_a_charge_back_that_money_paid_over_covers_changes_no_row() -> None:
    # LoanChargeback.feature, line 1986: 500.00 paid on 375.00 that were open
    terms = servicing.LoanTerms(
        **{**QUARTER_DOWN, "every": Every(15, "days"), "start_on": date(2024, 1, 1), "is_down_payment_paid": True},
        multiple=euros("1"),
    )
    on = date(2024, 1, 10)
    drawn, paid = servicing.Drawdown(amount=euros("500")), servicing.LoanPayment(on=on, amount=euros("500"), sequence=1)
    back = servicing.ChargedBack(on=on, amount=euros("125"), sequence=2)
    assert shown(terms, drawn, paid, back) == shown(terms, drawn, paid)


def test_fineract_re_ageing_takes_what_was_charged_back_along() -> None:
    # LoanReAging.feature, line 389
    terms = servicing.LoanTerms(**{**QUARTER_DOWN, "every": Every(15, "days"), "start_on": date(2024, 1, 1)})
    events = [
        servicing.Drawdown(amount=euros("1000")),
        servicing.LoanPayment(on=date(2024, 1, 1), amount=euros("250")),
        servicing.ChargedBack(on=date(2024, 2, 20), amount=euros("125")),
        servicing.ReAged(on=date(2024, 2, 21), first_due_on=date(2024, 3, 10), instalments=3, every=Every(2, "months")),
    ]
    assert shown(terms, *events)[3:] == [
        "0.00 0.00 750.00",
        "0.00 0.00 875.00",
        "291.67 0.00 583.33",
        "291.67 0.00 291.66",
        "291.66 0.00 0.00",
    ]


def test_fineract_flat_interest_follows_a_later_drawdown_over_the_rows_that_are_left() -> None:
    # EMICalculation.feature of November 2025, flat interest with partial periods disabled
    terms = servicing.LoanTerms(
        **{**QUARTER_DOWN, "rate": Rate.percent("12"), "start_on": date(2024, 6, 1), "down_payment": Fraction(0)}
    )
    events = [
        servicing.Drawdown(amount=euros("1000")),
        servicing.Drawdown(on=date(2024, 7, 15), amount=euros("250")),
    ]
    assert shown(terms, *events) == ["333.33 10.00 666.67", "458.34 12.50 458.33", "458.33 12.50 0.00"]


def test_fineract_tranches_share_one_level_payment_found_from_all_of_them() -> None:
    # LoanRepayment.feature, RP16
    terms = servicing.LoanTerms(
        currency="EUR",
        rate=Rate.percent("12"),
        instalments=6,
        every=Every(1, "months"),
        engine="cumulative",
        start_on=date(2022, 11, 1),
        multiple=euros("1"),
    )
    drawn = [("2022-11-01", "5000"), ("2023-01-01", "3000"), ("2023-03-01", "2000")]
    tranches = [servicing.Drawdown(on=date.fromisoformat(on), amount=euros(amount)) for on, amount in drawn]
    assert shown(terms, *tranches) == [
        "1675.00 50.00 3325.00",
        "1691.75 33.25 4633.25",
        "1678.67 46.33 2954.58",
        "1695.45 29.55 3259.13",
        "1692.41 32.59 1566.72",
        "1566.72 15.67 0.00",
    ]


def test_a_level_payment_follows_its_engine_whatever_the_digits() -> None:
    # LoanRepayment.feature, RS02 and the 100.00 at 9.4822 % above: digits are a matter of precision alone
    cumulative = {"currency": "EUR", "rate": Rate.percent("12"), "engine": "cumulative", "multiple": euros("1")}
    months = {"instalments": 18, "every": Every(1, "months"), "start_on": date(2022, 11, 1)}
    for digits in (None, 19):
        terms = servicing.LoanTerms(**cumulative, **months, digits=digits)
        assert shown(terms, servicing.Drawdown(amount=euros("5000")))[0] == "255.00 50.00 4745.00"
        terms = servicing.LoanTerms(
            **cumulative, **months, digits=digits, accrual="actual_days", year_days=365, level_days=30
        )
        assert shown(terms, servicing.Drawdown(amount=euros("5000")))[0] == "255.68 49.32 4744.32"
    exact = shown(progressive(digits=None), servicing.Drawdown(amount=dollars("100")))
    assert exact == shown(progressive(), servicing.Drawdown(amount=dollars("100")))


def test_interest_put_off_is_collected_after_its_grace_and_principal_is_paid_meanwhile() -> None:
    # worked by hand: 408.03 a month for 1200.00 at 1 %, of which the first 12.00 wait for the second row
    terms = servicing.LoanTerms(
        currency="EUR",
        rate=Rate.percent("12"),
        instalments=3,
        every=Every(1, "months"),
        engine="cumulative",
        start_on=date(2024, 1, 1),
        interest_grace=1,
    )
    found = shown(terms, servicing.Drawdown(amount=euros("1200")))
    assert found == ["396.03 0.00 803.97", "399.99 20.04 403.98", "403.98 4.04 0.00"]


def test_a_nominal_month_over_the_end_of_a_year_that_is_cut_has_its_real_days() -> None:
    # worked by hand: 12000.00 at 12 % bear 1440.00 x (16 / 365 + 15 / 366) = 122.14, not 30 days' worth
    terms = progressive(
        "12", instalments=2, start_on=date(2023, 12, 15), year_days=None, is_split_at_year_end=True, month_days=30
    )
    (first, _) = shown(terms, servicing.Drawdown(amount=dollars("12000")))
    assert first.split()[1] == "122.14"


def test_a_gap_of_the_last_row_is_judged_in_whole_units_of_its_currency() -> None:
    # by an independent computation of the rule 100 x |gap| > n / 2: 0.002 of three rows is fair enough in dinars
    terms = progressive(
        "9.4822",
        currency="KWD",
        instalments=5,
        start_on=date(2020, 4, 5),
        digits=15,
        month_days=None,
        principal_grace=2,
    )
    found = shown(terms, servicing.Drawdown(amount=Money.of("438594.414", "KWD")))
    assert found[2].startswith("145087.571 ")


def test_fineract_a_drawdown_is_spread_over_the_rows_that_fall_due_after_it_in_the_end() -> None:
    # Loan.feature, line 2893: two rows moved, the second on the day of a drawdown
    terms = servicing.LoanTerms(
        **{**QUARTER_DOWN, "instalments": 4, "every": Every(15, "days"), "start_on": date(2023, 5, 1)}
    )
    may, july = date(2023, 5, 25), date(2023, 7, 15)
    events = [
        servicing.Drawdown(amount=euros("1000")),
        servicing.Rescheduled(on=may, from_due_on=date(2023, 6, 15), to_due_on=date(2023, 7, 13)),
        servicing.Drawdown(on=may, amount=euros("250")),
        servicing.Drawdown(on=july, amount=euros("250")),
        servicing.Rescheduled(on=july, from_due_on=date(2023, 7, 13), to_due_on=date(2023, 8, 13)),
    ]
    found = servicing.loan_rows(terms, events)
    assert [(row.days, row.principal.plain(), row.balance.plain()) for row in found] == [
        (0, "250.00", "750.00"),
        (15, "187.50", "562.50"),
        (0, "62.50", "750.00"),
        (15, "250.00", "500.00"),
        (0, "62.50", "687.50"),
        (74, "343.75", "343.75"),
        (15, "343.75", "0.00"),
    ]


def test_a_row_that_a_re_ageing_made_can_move_too() -> None:
    terms = servicing.LoanTerms(**{**QUARTER_DOWN, "down_payment": Fraction(0), "start_on": date(2024, 1, 1)})
    aged = servicing.ReAged(on=date(2024, 4, 2), first_due_on=date(2024, 5, 1), instalments=2, every=Every(1, "months"))
    moved = servicing.Rescheduled(on=date(2024, 4, 3), from_due_on=date(2024, 6, 1), to_due_on=date(2024, 6, 15))
    found = servicing.loan_rows(terms, [servicing.Drawdown(amount=euros("90")), aged, moved])
    assert [(row.due_on, row.principal.plain()) for row in found[3:]] == [
        (date(2024, 5, 1), "45.00"),
        (date(2024, 6, 15), "45.00"),
    ]


def test_a_level_payment_too_high_for_the_term_is_made_fair_by_what_it_would_overshoot() -> None:
    # by an independent computation: 20.00 in 22 rows would overshoot by 48.30 in the last, 15.00 leave 83.20 there
    terms = progressive("24", currency="EUR", instalments=22, multiple=euros("5"))
    found = servicing.loan_rows(terms, [servicing.Drawdown(amount=euros("309"))])
    assert (found[0].total.plain(), found[-1].total.plain()) == ("15.00", "83.20")


def test_money_paid_early_below_the_level_payment_leaves_that_payment_as_it_is() -> None:
    # by an independent computation: the interest falls with the balance, so the row repays more than was paid early
    terms = servicing.LoanTerms(
        currency="JPY",
        rate=Rate.percent("36.9"),
        instalments=23,
        every=Every(1, "months"),
        engine="cumulative",
        start_on=date(2021, 7, 31),
        multiple=Money(5, "JPY"),
        recalculation=servicing.Recalculation(has_new_level=True),
    )
    paid = servicing.LoanPayment(on=date(2021, 8, 9), amount=Money(458, "JPY"))
    first = servicing.loan_rows(terms, [servicing.Drawdown(amount=Money(14953, "JPY")), paid])[0]
    assert first.principal == Money(466, "JPY")


# -- the file beside the checkout ---------------------------------------------------------------------------------


def test_every_published_schedule_beside_the_checkout_is_reproduced_or_explained(shared: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(TESTS / "replay.py"), "schedules", str(shared / "vectors" / "schedules.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_replay_notices_a_wrong_cent(shared: Path) -> None:
    case = json.loads((shared / "vectors" / "schedules.json").read_text(encoding="utf-8"))["cases"][0]
    case["rows"][2]["interest"] = "0.91"
    (outcome,) = schedules.replay({"cases": [case]}, shared)
    assert outcome.status == "disagree"
    assert "row 3 interest: 0.91 is published, 0.90 came" in outcome.detail


def test_a_case_with_digits_that_its_currency_lacks_is_replayed_all_the_same(shared: Path) -> None:
    case = json.loads((shared / "vectors" / "schedules.json").read_text(encoding="utf-8"))["cases"][0]
    found = [schedules.replay({"cases": [{**case, "currency": currency}]}, shared) for currency in ("JPY", "XXX")]
    assert [outcome.status for outcomes in found for outcome in outcomes] == ["reproduced"] * 2
