"""Published repayment schedules, laid out by the builders of `plans` rather than by the engines that printed them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
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
