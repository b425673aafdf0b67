"""Laws of personalised plans, against every level and every number of rows tried by force."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collectkit import plans
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar, Every
from collectkit.core.decisions import Declined
from collectkit.core.errors import CalendarMissing, InvalidDate, InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate

START = date(2026, 1, 31)
MONEY = re.compile(r"(?<!smallest instalment, )\b(\d+\.\d\d) EUR each would do")
BARE = re.compile(r"with no smallest instalment, (\d+\.\d\d) EUR each would do")
LOWER = re.compile(r"(?:lower that to (\d+\.\d\d) EUR|(\d+\.\d\d) EUR as the smallest would do)")
LATER = re.compile(r"end by (\d{4}-\d\d-\d\d)|the first is on (\d{4}-\d\d-\d\d)")


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request for a personalised plan, small enough to try all answers."""
    debt = draw(st.integers(1, 2_500))
    asked: dict[str, Any] = {
        "plan_id": "P",
        "principal": euros(debt),
        "affordable": euros(draw(st.integers(1, debt + 20) if draw(st.booleans()) else st.integers(1, 60))),
        "start_on": draw(st.sampled_from([START, date(2026, 3, 15), date(2025, 11, 30)])),
        "max_instalments": draw(st.integers(1, 20)),
        "prefer": draw(st.sampled_from(["soonest", "lowest"])),
        "rate": Rate(draw(st.sampled_from([Fraction(0), Fraction(12, 100), Fraction(24, 100), Fraction(2)]))),
    }
    if draw(st.integers(0, 2)) == 0:
        asked["min_instalment"] = euros(draw(st.integers(1, asked["affordable"].minor + 30)))
    if draw(st.integers(0, 2)) == 0:
        asked["multiple"] = euros(draw(st.sampled_from([5, 10, 50, 100])))
    if draw(st.integers(0, 2)) == 0:
        asked["fee_each"] = euros(draw(st.integers(0, 12)))
    if draw(st.integers(0, 2)) == 0:
        asked["end_by"] = draw(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
    if draw(st.integers(0, 4)) == 0:
        asked["gap_limit"] = euros(draw(st.integers(0, 40)))
    if draw(st.integers(0, 3)) == 0:
        asked["skip_months"] = tuple(draw(st.sets(st.integers(1, 12), max_size=6)))
    if draw(st.integers(0, 2)) == 0:
        asked["day_count"] = draw(st.sampled_from(["act/365f", "act/360", "30E/360", "30E/360-isda"]))
    if draw(st.integers(0, 4)) == 0:
        asked["rounding"] = draw(st.sampled_from(["up", "down", "half_up"]))
    return asked


def periods(asked: dict[str, Any], rows: int) -> tuple[tuple[date, ...], tuple[Fraction, ...]]:
    """The due dates and factors of a plan of so many rows."""
    names = ("rate", "start_on", "principal", "skip_months", "day_count", "every")
    known = {name: asked[name] for name in names if name in asked}
    made = plans.PlanTerms(shape="level", instalments=rows, **known).periods()
    return made.due_on, made.factors


def tried(asked: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Every number of rows and every level that keep to the limits: rows run one by one, levels from 1 up."""
    fee = asked.get("fee_each", euros(0)).minor
    unit = asked.get("multiple", euros(1)).minor
    least = max(asked.get("min_instalment", euros(0)).minor, fee + 1)
    most, gap = asked["affordable"].minor, asked.get("gap_limit")
    for rows in range(1, asked["max_instalments"] + 1):
        days, factors = periods(asked, rows)
        if "end_by" in asked and days[-1] > asked["end_by"]:
            return
        for asked_for in range(unit, max(most, unit) + 1, unit) if rows > 1 else (0,):
            if rows > 1 and not least <= asked_for <= most:
                continue
            level, balance, grows = asked_for - fee, asked["principal"].minor, False
            for factor in factors[:-1]:
                interest = rounded(balance * factor, asked.get("rounding", "half_even"))
                grows = grows or interest > level
                balance += interest - level
            last = balance + rounded(balance * factors[-1], asked.get("rounding", "half_even"))
            if grows or balance <= 0 or not least <= last + fee <= most:
                continue
            if gap is None or rows == 1 or abs(last - level) <= gap.minor:
                yield rows, level


def solved(asked: dict[str, Any]) -> plans.PersonalisedPlan | Declined:
    return plans.personalised_plan(**asked)


@given(asked=requests())
def test_a_plan_is_found_wherever_one_within_the_limits_exists(asked: dict[str, Any]) -> None:
    found, all_ = solved(asked), list(tried(asked))
    assert isinstance(found, Declined) == (not all_)
    if isinstance(found, Declined):
        return
    rows = found.plan.schedule
    payments = rows.payments
    assert max(payments) <= asked["affordable"].minor
    assert min(payments) >= asked.get("min_instalment", euros(1)).minor
    assert all(payment % asked.get("multiple", euros(1)).minor == 0 for payment in payments[:-1])
    assert len(set(payments[:-1])) <= 1
    best = min if asked["prefer"] == "soonest" else max
    assert len(rows) == best(count for count, _ in all_)
    if asked["prefer"] == "soonest" and len(rows) > 1:  # and as much as can be, early
        fee = asked.get("fee_each", euros(0)).minor
        assert payments[0] - fee == max(level for count, level in all_ if count == len(rows))


@given(asked=requests())
def test_the_limit_that_is_said_to_bind_is_one_without_which_the_plan_would_be_better(asked: dict[str, Any]) -> None:
    found = solved(asked)
    assume(not isinstance(found, Declined))
    assert not isinstance(found, Declined)
    rows, free = len(found.plan.schedule), dict(asked)
    assert found.reasons[0].code == f"plans.{found.binds}"
    if found.binds == "affordable" and asked["prefer"] == "soonest":  # none of the others, alone, makes it sooner
        for name in ("min_instalment", "multiple", "gap_limit"):
            other = solved({key: value for key, value in asked.items() if key != name})
            assert isinstance(other, plans.PersonalisedPlan)
            assert len(other.plan.schedule) >= rows
        return
    if found.binds == "affordable":
        free["affordable"] = euros(10**6)
    elif found.binds == "max_instalments":
        assert asked["prefer"] == "lowest"
        assert rows == asked["max_instalments"]
        return
    elif found.binds == "end_by":
        assert periods(asked, rows + 1)[0][-1] > asked["end_by"]
        return
    elif found.binds == "interest":  # a sum a unit lower grows the debt before more rows are reached
        assert asked["prefer"] == "lowest"
        assert asked.get("skip_months") or "day_count" in asked or asked["rate"].value
        assert "a lower sum would not cover" in str(found.reasons[0])
        free |= {"affordable": euros(10**6), "multiple": None, "min_instalment": None, "gap_limit": None}
        widest = solved(free)
        assert isinstance(widest, plans.PersonalisedPlan)
        assert len(widest.plan.schedule) <= rows
        return
    else:
        together = re.search(r"that ([a-z_ ]+) allow together", str(found.reasons[0]))
        for name in together[1].split(" and ") if together else [found.binds]:
            free |= {name: euros(10**6)} if name == "affordable" else {name: None}
    other = solved(free)
    assert not isinstance(other, Declined)
    more = len(other.plan.schedule)
    if asked["prefer"] == "soonest":
        assert more < rows or (rows == 1 and found.binds == "affordable")
    else:
        assert more > rows or found.binds == "min_instalment"  # also the smallest unit there is


LIMIT = re.compile(r"\b(affordable|min_instalment|multiple|gap_limit)\b")
SUM_OF = re.compile(r"the (min_instalment|gap_limit) of (\S+ EUR)")


@given(asked=requests())
def test_every_reason_of_a_plan_names_what_was_asked_for_and_nothing_else(asked: dict[str, Any]) -> None:
    found = solved(asked)
    assume(not isinstance(found, Declined))
    assert not isinstance(found, Declined)
    rows, payments = len(found.plan.schedule), found.plan.schedule.payments
    assert len({reason.code for reason in found.reasons}) == len(found.reasons)
    for reason in found.reasons:
        text = reason.text
        assert "None" not in text
        assert not re.search(r"\b1 instalments\b", text)
        for name in LIMIT.findall(text):
            assert name in asked
        for name, sum_ in SUM_OF.findall(text):
            assert sum_ == str(asked[name])
        for sum_, count in re.findall(r"(\S+ EUR) a period pays the debt off in (\d+) instalment", text):
            assert (sum_, int(count)) == (str(asked["affordable"]), rows)
        for sum_ in re.findall(r"the regular instalment is (\S+ EUR)", text):
            assert sum_ == str(euros(payments[0]))
            kept = [name for name, _ in SUM_OF.findall(text)]
            assert kept
            freed = solved({key: value for key, value in asked.items() if key not in kept})
            assert isinstance(freed, plans.PersonalisedPlan)
            assert len(freed.plan.schedule) < rows or freed.plan.schedule.payments[0] > payments[0]
        for count in re.findall(r"(\d+) instalments? (?:are|is) the ", text):
            assert int(count) == rows
        for sum_ in re.findall(r"the last would be above (\S+ EUR)", text):
            assert sum_ == str(asked["affordable"])


@given(asked=requests())
def test_every_way_out_of_a_refusal_works_when_it_is_tried(asked: dict[str, Any]) -> None:
    no = solved(asked)
    assume(isinstance(no, Declined))
    assert isinstance(no, Declined)
    text, ways = str(no), 0
    assert len({reason.code for reason in no.reasons}) == len(no.reasons) > 0
    for sum_ in MONEY.findall(text):
        ways += 1
        enough = Money.of(sum_, "EUR")
        assert not isinstance(solved({**asked, "affordable": enough}), Declined)
        assert isinstance(solved({**asked, "affordable": enough - euros(1)}), Declined)
    for sum_ in BARE.findall(text):
        ways += 1
        assert not isinstance(solved({**asked, "affordable": Money.of(sum_, "EUR"), "min_instalment": None}), Declined)
    for sums in LOWER.findall(text):
        ways += 1
        least = Money.of("".join(sums), "EUR")
        assert not isinstance(solved({**asked, "min_instalment": least}), Declined)
        assert isinstance(solved({**asked, "min_instalment": least + euros(1)}), Declined)
    for days in LATER.findall(text):
        ways += 1
        again = solved({**asked, "end_by": date.fromisoformat("".join(days))})
        assert not isinstance(again, Declined) or days[1]
        assert not isinstance(again, Declined) or str(again) != text
    assert ways


@given(asked=requests(), residue_to=st.sampled_from(["first", "spread", "minimal"]))
def test_a_residue_rule_never_breaks_a_limit(asked: dict[str, Any], residue_to: Any) -> None:
    asked = {**asked, "prefer": "lowest", "residue_to": residue_to}
    found, all_ = solved(asked), list(tried(asked))
    if isinstance(found, Declined):
        assert not all_
        return
    payments = found.plan.schedule.payments
    assert max(payments) <= asked["affordable"].minor
    assert min(payments) >= asked.get("min_instalment", euros(1)).minor
    assert not all_ or len(payments) >= max(count for count, _ in all_)


# -- dates that run out --------------------------------------------------------------------------------------------

ASKED: dict[str, Any] = {"plan_id": "P", "principal": euros(50_000), "affordable": euros(12_000), "start_on": START}


@pytest.mark.parametrize(
    "dates",
    [
        {"rrule": "FREQ=MONTHLY;BYMONTHDAY=15;UNTIL=20271231"},
        {"start_on": date(9995, 1, 31)},
        {
            "calendar": BusinessCalendar(known_from_on=date(2026, 1, 1), known_until_on=date(2028, 1, 1)),
            "adjustment": "following",
        },
    ],
)
def test_dates_that_run_out_after_the_plan_do_not_matter(dates: dict[str, Any]) -> None:
    soon = solved({**ASKED, **dates})
    assert isinstance(soon, plans.PersonalisedPlan)
    assert [row.total.minor for row in soon.plan.schedule] == [12_000] * 4 + [2_000]
    assert soon.binds == "affordable"
    slow = solved({**ASKED, **dates, "prefer": "lowest"})
    assert isinstance(slow, plans.PersonalisedPlan)
    assert slow.binds == "dates"
    assert len(slow.plan.schedule) < 60
    short = solved({**ASKED, **dates, "affordable": euros(500)})
    assert isinstance(short, Declined)
    assert short.reasons[0].code == "plans.dates"


def test_dates_of_which_not_one_is_known_are_the_callers_mistake() -> None:
    with pytest.raises((InvalidDate, CalendarMissing)):
        solved({**ASKED, "start_on": date(9999, 12, 31)})


# -- the cases that were found wanting -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "payments"),
    [
        ({"principal": 10_000, "max_instalments": 13, "affordable": 770}, [770] * 12 + [760]),
        ({"principal": 10_000, "max_instalments": 12, "affordable": 900, "multiple": 100}, [900] * 11 + [100]),
        ({"principal": 50_000, "max_instalments": 5, "affordable": 12_000, "min_instalment": 5_000}, [10_000] * 5),
    ],
)
def test_the_lowest_plan_keeps_its_last_row_within_the_limits(asked: dict[str, Any], payments: list[int]) -> None:
    sums = {name: value if name == "max_instalments" else euros(value) for name, value in asked.items()}
    found = solved({"plan_id": "P", "start_on": START, "prefer": "lowest", **sums})
    assert isinstance(found, plans.PersonalisedPlan)
    assert list(found.plan.schedule.payments) == payments


def test_the_soonest_plan_pays_less_a_row_where_the_last_would_be_too_small() -> None:
    found = solved({**ASKED, "min_instalment": euros(5_000)})
    assert isinstance(found, plans.PersonalisedPlan)
    assert list(found.plan.schedule.payments) == [11_250] * 4 + [5_000]
    assert found.binds == "affordable"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"principal": 3_693, "affordable": 246, "gap_limit": 1, "rate": Rate.percent("9"), "rounding": "up"},
            [
                "20 instalments are the fewest that gap_limit allows; the regular instalment is 2.00 EUR, so that the "
                "last keeps to the gap_limit of 0.01 EUR"
            ],
        ),
        (
            {"principal": 2_407, "affordable": 227, "min_instalment": 167, "gap_limit": 13, "max_instalments": 20},
            [
                "2.27 EUR a period pays the debt off in 11 instalments",
                "the regular instalment is 2.20 EUR, so that the last keeps to the gap_limit of 0.13 EUR",
            ],
        ),
        (
            {"principal": 2_407, "affordable": 227, "multiple": 100},
            ["12 instalments are the fewest that multiple allows"],
        ),
    ],
)
def test_the_soonest_plan_names_the_limit_that_keeps_it(asked: dict[str, Any], said: list[str]) -> None:
    plain = ("max_instalments", "rate", "rounding")
    sums = {name: value if name in plain else euros(value) for name, value in asked.items()}
    found = solved({"plan_id": "P", "start_on": date(2026, 1, 1), **sums})
    assert isinstance(found, plans.PersonalisedPlan)
    assert [reason.text for reason in found.reasons] == said


def test_one_instalment_that_does_not_suffice_is_told_in_the_singular() -> None:
    no = solved({**ASKED, "max_instalments": 1})
    assert "1 instalment of 120.00 EUR leaves 380.00 EUR" in str(no)


@pytest.mark.parametrize("name", ["affordable", "min_instalment"])
def test_a_limit_below_zero_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(InvalidTerms, match=f"{name} is -0.05 EUR") as refused:
        solved({**ASKED, name: euros(-5)})
    assert refused.value.code == "plans.amount"


def test_a_long_search_under_a_gap_limit_ends_and_says_that_it_passed_numbers_over() -> None:
    asked: dict[str, Any] = {"plan_id": "P", "principal": euros(10**8), "rate": Rate.percent("9.4822")}
    asked |= {"affordable": euros(80_000), "gap_limit": euros(3), "every": Every(1, "days"), "start_on": START}
    found = solved({**asked, "prefer": "lowest", "max_instalments": 10_000})
    assert isinstance(found, plans.PersonalisedPlan)
    assert "not every number is tried" in found.reasons[0].text
    assert abs(found.plan.schedule.payments[-1] - found.plan.schedule.payments[0]) <= 3


def test_a_season_without_instalments_is_met_by_a_higher_level() -> None:
    found = solved(
        {
            **ASKED,
            "principal": euros(100_000),
            "rate": Rate.percent("12"),
            "affordable": euros(30_000),
            "max_instalments": 48,
            "skip_months": (6, 7, 8),
            "prefer": "lowest",
        }
    )
    assert isinstance(found, plans.PersonalisedPlan)
    assert max(found.plan.schedule.payments) <= 30_000
    assert found.binds == "interest"


def test_a_rule_for_odd_units_has_nothing_to_do_in_the_soonest_plan() -> None:
    with pytest.raises(InvalidTerms, match="leave residue_to out") as refused:
        solved({**ASKED, "residue_to": "spread"})
    assert refused.value.code == "plans.residue"


def test_weekends_and_odd_rhythms_are_solved_too() -> None:
    found = solved({**ASKED, "every": Every(2, "weeks"), "calendar": WEEKENDS_ONLY, "adjustment": "following"})
    assert isinstance(found, plans.PersonalisedPlan)
    assert len(found.plan.schedule) == 5
