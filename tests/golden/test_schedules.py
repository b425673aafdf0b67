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
