"""What a period bears: reference periods, last days, broken first periods, effective rates, rules and skipped months."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from collectkit import plans, servicing
from collectkit._plans.steps import place_of, whole_steps
from collectkit.core.calendars import WEEKENDS_ONLY, Every
from collectkit.core.errors import CollectkitError, InvalidDate, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate

MID_JANUARY = date(2026, 1, 15)
NEW_YEAR = date(2026, 1, 1)
MONTHLY = Every(1, "months")


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


def shown(sum_: Money) -> str:
    return str(sum_).removesuffix(" EUR")


def interest(make: Any = plans.amortised_plan, **given: Any) -> list[str]:
    terms = {"plan_id": "P", "principal": eur("1200"), "rate": Rate.percent("12"), "start_on": MID_JANUARY, **given}
    return [shown(row.interest) for row in make(**terms).schedule]


def first_interest(**given: Any) -> str:
    return interest(plans.interest_only_plan, instalments=3, **given)[0]


def code_of(make: Any, **given: Any) -> str:
    terms = {"plan_id": "P", "principal": eur("1200"), "start_on": MID_JANUARY, **given}
    with pytest.raises(CollectkitError) as refused:
        make(**terms)
    return refused.value.code


# -- reference periods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "borne"),
    [
        ({}, "12.00"),
        ({"every": Every(18, "months")}, "216.00"),
        ({"every": Every(2, "years")}, "288.00"),
        ({"every": Every(5, "months")}, "60.00"),
        ({"every": Every(3, "weeks")}, "8.31"),  # 144.00 x 3/52
        ({"first_due_on": date(2026, 2, 1)}, "6.58"),  # 17 of the 31 days from 1 January
        ({"first_due_on": date(2026, 6, 1)}, "54.58"),  # those and four months
        ({"skip_months": (2, 3, 4, 5)}, "60.00"),
        (
            {"calendar": WEEKENDS_ONLY, "adjustment": "following", "accrue_to": "adjusted"},
            "12.43",  # a month, and one of the 28 days from 15 February
        ),
    ],
)
def test_icma_takes_the_steps_of_the_rhythm_as_its_reference_periods(given: dict[str, Any], borne: str) -> None:
    assert first_interest(day_count="act/act-icma", **given) == borne


# QuantLib 1.44, ActualActual(ISMA) on a Schedule with that first date
@pytest.mark.parametrize(
    ("start_on", "first_due_on", "months", "share"),
    [
        (date(2023, 8, 19), date(2023, 9, 7), 2, 0.051075268817204304),
        (date(2022, 5, 29), date(2022, 6, 7), 1, 0.024193548387096774),
        (date(2023, 4, 1), date(2024, 1, 19), 6, 0.8011049723756907),
        (date(2022, 2, 8), date(2022, 2, 25), 3, 0.04619565217391304),
        (date(2024, 10, 17), date(2025, 2, 11), 3, 0.3179347826086957),
        (date(2023, 11, 7), date(2023, 12, 15), 6, 0.10382513661202186),
        (date(2025, 4, 25), date(2025, 6, 4), 1, 0.10833333333333334),
        (date(2021, 10, 12), date(2022, 2, 9), 2, 0.32513661202185795),
    ],
)
def test_icma_first_periods_are_those_of_quantlib(
    start_on: date, first_due_on: date, months: int, share: float
) -> None:
    terms = plans.PlanTerms(
        shape="level",
        principal=eur("1200"),
        rate=Rate.of(1),
        instalments=2,
        start_on=start_on,
        first_due_on=first_due_on,
        every=Every(months, "months"),
        day_count="act/act-icma",
    )
    assert float(terms.periods().factors[0]) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    "how",
    [
        {"rrule": "FREQ=MONTHLY;BYMONTHDAY=20"},
        {"due_on": [date(2026, 2, 10), date(2026, 9, 2), date(2026, 9, 3)]},
    ],
)
def test_icma_without_a_rhythm_is_refused_with_the_way_out(how: dict[str, Any]) -> None:
    with pytest.raises(InvalidTerms, match="act/act-isda") as refused:
        first_interest(day_count="act/act-icma", **how)
    assert refused.value.code == "plans.day_count"
    assert first_interest(day_count="act/act-isda", **how)


def test_interest_by_icma_adds_up_over_a_period_with_skipped_months() -> None:
    plan = plans.equal_principal_plan(
        plan_id="P",
        principal=eur("1200"),
        rate=Rate.percent("12"),
        instalments=4,
        start_on=MID_JANUARY,
        skip_months=(3, 4, 5),
        day_count="act/act-icma",
    )
    assert [shown(row.interest) for row in plan.schedule] == ["12.00", "36.00", "6.00", "3.00"]
    days = [date(2026, 2, 15), date(2026, 4, 1), date(2026, 6, 15)]
    assert sum(plan.terms.factor_between(*span) for span in pairwise(days)) == Fraction(4, 100)


# -- last days, and broken first periods -----------------------------------------------------------------------------


def test_only_the_last_date_of_a_plan_is_a_termination_date() -> None:
    given: dict[str, Any] = {"start_on": date(2025, 11, 30), "day_count": "30E/360-isda", "principal": eur("36000")}
    waiting = interest(plans.deferred_plan, instalments=3, grace=3, interest="collect", **given)
    assert waiting[0] == "1440.00"  # four months of 30 days, the one to 28 February included
    whole = plans.interest_only_plan(plan_id="P", rate=Rate.percent("12"), instalments=3, **given)
    assert shown(whole.schedule[2].interest) == "336.00"  # 30 January to the end on 28 February: 28 days
    longer = plans.interest_only_plan(plan_id="P", rate=Rate.percent("12"), instalments=4, **given)
    assert shown(longer.schedule[2].interest) == "360.00"
    for plan, days in ((whole, 28), (longer, 30)):
        assert plan.terms.factor_between(date(2026, 1, 30), date(2026, 2, 28)) == Fraction(12, 100) * Fraction(
            days, 360
        )


@pytest.mark.parametrize(
    ("first_due_on", "borne"),
    [
        (date(2026, 1, 1), "0.00"),
        (date(2026, 1, 2), "0.39"),  # one of 31 days
        (date(2026, 2, 1), "12.00"),
        (date(2026, 2, 20), "20.14"),  # a month and 19 of 28 days
        (date(2026, 3, 1), "24.00"),
        (date(2026, 6, 1), "60.00"),
    ],
)
def test_a_first_period_bears_interest_for_its_steps_and_days(first_due_on: date, borne: str) -> None:
    assert interest(start_on=NEW_YEAR, first_due_on=first_due_on, instalments=3)[0] == borne


@pytest.mark.parametrize(
    ("start_on", "first_due_on", "steps"),
    [
        (date(2026, 2, 28), date(2026, 3, 31), 1),
        (date(2026, 2, 28), date(2026, 3, 30), 1),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2026, 1, 31), date(2026, 4, 30), 3),
        (date(2026, 4, 30), date(2026, 6, 30), 2),
    ],
)
def test_from_month_end_to_month_end_are_whole_steps(start_on: date, first_due_on: date, steps: int) -> None:
    assert first_interest(start_on=start_on, first_due_on=first_due_on) == f"{12 * steps}.00"


def test_what_falls_due_on_the_first_day_bears_nothing() -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=eur("900"),
        rate=Rate.percent("12"),
        instalments=1,
        start_on=NEW_YEAR,
        first_due_on=NEW_YEAR,
    )
    assert plan.total == eur("900")


def test_a_change_keeps_a_broken_first_period() -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=eur("1200"),
        rate=Rate.percent("12"),
        instalments=6,
        start_on=NEW_YEAR,
        first_due_on=date(2026, 2, 20),
    )
    new = servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 1, 10))
    assert [row.interest for row in new.schedule] == [row.interest for row in plan.schedule]


def test_a_wait_of_a_broken_step_needs_a_day_count() -> None:
    given: dict[str, Any] = {"instalments": 3, "grace": 2, "first_due_on": date(2026, 1, 20), "start_on": NEW_YEAR}
    rate = Rate.percent("12")
    assert code_of(plans.deferred_plan, interest="collect", rate=rate, **given) == "plans.day_count"
    assert interest(plans.deferred_plan, interest="waive", **given)[0] == "12.00"
    counted = interest(plans.deferred_plan, interest="collect", day_count="act/act-icma", **given)
    assert counted[0] == "31.35"  # 19 of 31 days, a month, and the month of the row: 7.35 + 12.00 + 12.00
    whole = {**given, "first_due_on": date(2026, 3, 1)}
    assert interest(plans.deferred_plan, interest="collect", **whole)[0] == "48.00"


# -- effective rates -------------------------------------------------------------------------------------------------


def test_an_effective_rate_compounds_over_skipped_months() -> None:
    rows = interest(plans.equal_principal_plan, instalments=4, skip_months=(3, 4, 5), compounding="annual")
    assert rows[:2] == ["11.39", "34.65"]  # 1200 x (1.12 ** (1/12) - 1), 900 x (1.12 ** (4/12) - 1)


def test_an_effective_rate_does_not_ask_the_host_for_its_traps() -> None:
    program = (
        "import decimal; decimal.DefaultContext.traps[decimal.Inexact] = True; decimal.DefaultContext.prec = 3\n"
        "from datetime import date; from collectkit import Money, Rate, amortised_plan\n"
        "plan = amortised_plan(plan_id='P', principal=Money.of('1000', 'EUR'), rate=Rate.percent('12'), instalments=3,"
        " start_on=date(2026, 1, 1), compounding='annual')\n"
        "print(plan.schedule[0].interest.minor)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "949"  # 1000 x (1.12 ** (1/12) - 1)


def test_loan_rows_in_digits_do_not_ask_the_host_for_its_traps() -> None:
    program = (
        "import decimal; decimal.DefaultContext.traps[decimal.Inexact] = True; decimal.DefaultContext.prec = 3\n"
        "from datetime import date; from collectkit import Every, Money, Rate, servicing\n"
        "terms = servicing.LoanTerms(currency='EUR', rate=Rate.percent('12'), instalments=3, every=Every(1, 'months'),"
        " engine='progressive', digits=19, start_on=date(2026, 1, 1))\n"
        "rows = servicing.loan_rows(terms, [servicing.Drawdown(amount=Money.of('1000', 'EUR'))])\n"
        "print([str(row.total.plain()) for row in rows])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['340.02', '340.02', '340.03']"  # 1000 x 0.01 / (1 - 1.01 ** -3) = 340.0221


# -- rules, skipped months, calendars --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "start_on"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=3", NEW_YEAR),
        ("FREQ=MONTHLY;BYMONTHDAY=15;UNTIL=20260415", MID_JANUARY),
        ("FREQ=MONTHLY;BYMONTHDAY=15;UNTIL=20260415T235959Z", MID_JANUARY),
    ],
)
def test_a_rule_is_asked_for_as_many_days_as_there_are_instalments(rule: str, start_on: date) -> None:
    plan = plans.equal_split_plan(plan_id="P", principal=eur("90"), instalments=3, start_on=start_on, rrule=rule)
    assert len(plan.schedule) == 3
    assert plan.schedule[0].due_on > start_on


def test_a_daily_rule_can_name_every_day_of_the_longest_plan() -> None:
    plan = plans.equal_split_plan(
        plan_id="P", principal=eur("1200"), instalments=10_000, start_on=NEW_YEAR, rrule="FREQ=DAILY"
    )
    assert len(plan.schedule) == 10_000


@pytest.mark.parametrize("starts_on", [date(2026, 7, 15), date(2026, 7, 3)])
def test_a_wait_into_a_month_without_instalments_is_refused(starts_on: date) -> None:
    given: dict[str, Any] = {"instalments": 3, "start_on": date(2026, 3, 15), "skip_months": (6, 7, 8)}
    assert code_of(plans.deferred_plan, starts_on=starts_on, **given) == "plans.deferral"
    assert plans.deferred_plan(plan_id="P", principal=eur("90"), starts_on=date(2026, 9, 15), **given)


def test_a_first_date_in_a_month_without_instalments_is_refused() -> None:
    given: dict[str, Any] = {"instalments": 3, "first_due_on": date(2026, 7, 1)}
    assert code_of(plans.equal_split_plan, skip_months=(6, 7, 8), **given) == "plans.dates"
    assert (
        code_of(plans.equal_split_plan, skip_months=(6,), instalments=3, first_due_on="2026-07-01") == "calendars.type"
    )


@pytest.mark.parametrize("more", [{}, {"adjustment": "following"}])
def test_a_calendar_is_a_business_calendar(more: dict[str, Any]) -> None:
    assert code_of(plans.equal_split_plan, instalments=3, calendar="x", **more) == "plans.dates"


# -- places in a rhythm ----------------------------------------------------------------------------------------------


def test_places_at_the_end_of_time_need_no_day_after_it() -> None:
    last = date(9999, 12, 31)
    rhythm: dict[str, Any] = {"every": MONTHLY, "month_end": "clamp"}
    assert place_of(last, anchor=date(9999, 10, 31), **rhythm) == 2
    assert place_of(date(1, 1, 31), anchor=date(1, 3, 31), **rhythm) == -2
    with pytest.raises(InvalidDate):
        place_of(last, anchor=date(9999, 10, 30), **rhythm)
    assert whole_steps(date(9999, 10, 30), last, anchor=date(9999, 10, 30), **rhythm) is None
    terms = plans.PlanTerms(
        shape="level",
        principal=eur("90"),
        rate=Rate.percent("12"),
        start_on=date(9999, 10, 31),
        instalments=2,
        day_count="act/act-icma",
    )
    assert terms.periods().factors == (Fraction(1, 100),) * 2
