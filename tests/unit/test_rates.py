"""Rates, day counts, and tables of rates that change by date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from collectkit.core.errors import InvalidDate, InvalidRate
from collectkit.core.rates import (
    DAY_COUNTS,
    NotInForce,
    Rate,
    RatePiece,
    RateStep,
    RateTable,
    Stale,
    day_count,
    days_in_year,
    exact_number,
    year_fraction,
)


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises((InvalidRate, InvalidDate)) as caught:
        call(*args, **kwargs)
    return caught.value.code


# -- rates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["19", 19, Decimal("19.00"), Fraction(19)])
def test_a_percentage_says_its_unit(given: Any) -> None:  # MONEY-16
    rate = Rate.percent(given)
    assert rate.value == Fraction(19, 100)
    assert rate == Rate.of("0.19") == Rate.basis_points(1900)
    assert str(rate) == "19 %"


def test_a_third_is_exact() -> None:
    third = Rate.percent(Fraction(100, 3))
    assert third.annual == Fraction(1, 3)
    assert str(third) == "100/3 %"
    assert str(Rate.of(Fraction(1, 2**45))) == "25/8796093022208 %"  # 43 digits would be no text for people


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: Rate.of("19"), "rates.over_limit"),  # MONEY-16: 1900 %
        (lambda: Rate.percent("1000.01"), "rates.over_limit"),  # PLAN-03
        (lambda: Rate.percent("84", per="month"), "rates.over_limit"),
        (lambda: Rate.percent("3", per="day"), "rates.over_limit"),
        (lambda: Rate.percent("19.01", limit="19"), "rates.over_limit"),
        (lambda: Rate.of("0.2", limit="0.19"), "rates.over_limit"),
        (lambda: Rate.basis_points(26, limit=25), "rates.over_limit"),
        (lambda: Rate.percent("-0.01"), "rates.negative"),  # PLAN-03
        (lambda: Rate.percent(9.5), "rates.float"),  # type: ignore[arg-type] # the mistake under test
        (lambda: Rate.percent(True), "rates.bool"),
        (lambda: Rate.percent(None), "rates.type"),  # type: ignore[arg-type] # the mistake under test
        (lambda: Rate.percent("9,5"), "rates.syntax"),
        (lambda: Rate.percent("9.5 %"), "rates.syntax"),
        (lambda: Rate.percent("٩"), "rates.syntax"),
        (lambda: Rate.percent("1e3"), "rates.syntax"),
        (lambda: Rate.percent("NaN"), "rates.not_finite"),
        (lambda: Rate.percent("-Infinity"), "rates.not_finite"),
        (lambda: Rate.percent(Decimal("NaN")), "rates.not_finite"),
        (lambda: Rate.percent(Decimal("1E+999999")), "rates.precision"),
        (lambda: Rate.percent(Decimal("1E-999999")), "rates.precision"),
        (lambda: Rate.percent("9", per="week"), "rates.period"),  # type: ignore[arg-type] # the mistake under test
        (lambda: Rate.percent("9").per_period(0), "rates.period"),
        (lambda: Rate.percent("9").per_period(True), "rates.period"),
        (lambda: Rate.percent("9").per_period(12.0), "rates.period"),  # type: ignore[arg-type] # the mistake under test
        (lambda: Rate.percent("9", limit=9.5), "rates.float"),  # type: ignore[arg-type] # the mistake under test
    ],
)
def test_a_rate_that_cannot_stand_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_numpy_numbers_are_told_apart() -> None:
    numpy = pytest.importorskip("numpy")
    assert Rate.percent(numpy.int64(7)) == Rate.percent(7)
    assert code_of(Rate.percent, numpy.float32(7)) == "rates.float"


def test_the_bounds_themselves_are_fine() -> None:
    assert Rate.percent("0").is_zero
    assert Rate.zero() == Rate.percent("0.000")
    assert Rate.percent("1000").annual == 10
    assert Rate.percent("19", limit="19").value == Fraction(19, 100)


def test_a_rate_carries_its_period() -> None:
    monthly = Rate.percent("1.5", per="month")
    assert monthly.annual == Fraction(18, 100)
    assert monthly != Rate.percent(18)
    assert monthly.per_period(12) == Fraction(15, 1000)
    assert Rate.percent("0.02", per="day").annual == Fraction(73, 1000)
    assert str(monthly) == "1.5 % per month"
    assert repr(monthly) == "Rate.percent('1.5', per='month')"
    assert eval(repr(monthly)) == monthly
    assert Rate.percent("9").per_period(Fraction(365, 14)) == Fraction(9, 100) * Fraction(14, 365)


def test_rates_are_ordered_by_the_year() -> None:
    assert Rate.percent(1, per="month") > Rate.percent("11.9")
    assert Rate.percent(5) <= Rate.percent(5)
    assert sorted([Rate.percent(9), Rate.percent(8)])[0] == Rate.percent(8)
    with pytest.raises(TypeError):
        Rate.percent(5) < 5  # type: ignore[operator] # noqa: B015 # the mistake under test


def test_exact_numbers_are_read_to_the_last_digit() -> None:
    assert exact_number("-0.1") == Fraction(-1, 10)
    assert exact_number(Decimal("1e3")) == 1000
    assert exact_number("+" + "9" * 60) == 10**60 - 1
    assert code_of(exact_number, "9" * 65) == "rates.syntax"


# -- day counts ------------------------------------------------------------------------------------------------

FEB_28, FEB_29, MAR_1, MAR_31 = date(2023, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 31)


@pytest.mark.parametrize(
    ("convention", "start", "end", "days"),
    [
        # each difference between the conventions once, reckoned by hand from the rules in the ISDA 2006 definitions
        ("30/360-us", FEB_29, MAR_31, 30),
        ("30/360-bond", FEB_29, MAR_31, 32),
        ("30E/360", FEB_29, MAR_31, 31),
        ("30E/360-isda", FEB_29, MAR_31, 30),
        ("30/360-us", FEB_28, FEB_29, 360),
        ("30/360-bond", FEB_28, FEB_29, 361),
        ("30E/360-isda", FEB_28, FEB_29, 360),
        ("30/360-bond", date(2024, 1, 30), MAR_31, 60),
        ("30/360-bond", date(2024, 1, 29), MAR_31, 62),
        ("30E/360", date(2024, 1, 29), MAR_31, 61),
        ("30/365", date(2024, 1, 31), MAR_31, 60),
        ("act/360", FEB_29, MAR_31, 31),
        ("act/act-isda", FEB_29, MAR_31, 31),
    ],
)
def test_day_counts_differ_where_their_rules_do(convention: Any, start: date, end: date, days: int) -> None:  # DATE-18
    assert day_count(convention, start, end) == days


def test_the_termination_date_keeps_the_last_of_february() -> None:
    start = date(2023, 8, 31)
    assert day_count("30E/360-isda", start, FEB_29) == 180
    assert day_count("30E/360-isda", start, FEB_29, termination_on=FEB_29) == 179


@pytest.mark.parametrize("convention", ["act/360", "act/364", "act/365f", "act/365.25"])
def test_a_fixed_basis_divides_the_days(convention: Any) -> None:
    basis = {"act/360": 360, "act/364": 364, "act/365f": 365, "act/365.25": Fraction(1461, 4)}[convention]
    assert year_fraction(convention, FEB_28, MAR_31) == Fraction((MAR_31 - FEB_28).days) / basis
    assert year_fraction(convention, MAR_31, FEB_28) == -year_fraction(convention, FEB_28, MAR_31)


def test_thirty_over_365_takes_the_days_of_the_bond_basis() -> None:
    assert year_fraction("30/365", date(2024, 1, 31), MAR_31) == Fraction(60, 365)


def test_isda_splits_at_the_year() -> None:
    assert year_fraction("act/act-isda", date(2023, 12, 31), date(2024, 1, 2)) == Fraction(1, 365) + Fraction(1, 366)
    assert year_fraction("act/act-isda", date(2020, 1, 1), date(2030, 1, 1)) == 10
    assert year_fraction("act/act-isda", date(2024, 1, 2), date(2023, 12, 31)) == -Fraction(1, 365) - Fraction(1, 366)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (
            date(2024, 2, 28),
            date(2025, 2, 28),
            Fraction(1) + Fraction(1, 365),
        ),  # a year back is 29 February, the rest ends before it
        (date(2024, 2, 29), date(2028, 2, 29), Fraction(4)),
        (date(2024, 2, 28), date(2028, 2, 28), 4 + Fraction(1, 365)),  # 28 February, too, goes back to the 29th
        (date(2023, 3, 1), date(2024, 2, 29), Fraction(365, 365)),
        (date(2023, 3, 1), date(2024, 3, 1), Fraction(1)),
        (date(2023, 12, 1), date(2024, 3, 1), Fraction(91, 366)),
        (date(2023, 2, 1), date(2024, 2, 1), Fraction(1)),
        (date(2023, 2, 1), date(2023, 2, 1), Fraction(0)),
        (date(2024, 3, 1), date(2024, 2, 1), Fraction(-29, 366)),
    ],
)
def test_afb_counts_whole_years_back_from_the_end(start: date, end: date, expected: Fraction) -> None:
    assert year_fraction("act/act-afb", start, end) == expected


def test_icma_counts_reference_periods_before_and_after_the_given_one() -> None:
    def icma(start: date, end: date, **more: Any) -> Fraction:
        return year_fraction("act/act-icma", start, end, **more)

    half = {"ref_start_on": date(2024, 1, 15), "ref_end_on": date(2024, 7, 15), "periods_per_year": 2}
    assert icma(date(2024, 1, 15), date(2024, 7, 15), **half) == Fraction(1, 2)
    assert icma(date(2023, 1, 15), date(2025, 1, 15), **half) == 2
    assert icma(date(2023, 7, 15), date(2024, 7, 15), **half) == 1
    assert icma(date(2024, 7, 15), date(2024, 7, 16), **half) == Fraction(1, 2 * 184)
    assert icma(date(2024, 1, 14), date(2024, 1, 15), **half) == Fraction(1, 2 * 184)
    assert icma(date(2024, 1, 15), date(2024, 1, 15), **half) == 0
    assert icma(date(2024, 1, 1), date(2024, 7, 1)) == Fraction(1, 2)  # the span itself, six months
    assert icma(date(2024, 1, 1), date(2024, 1, 15)) == Fraction(1, 12)  # at least a month
    assert icma(date(2025, 1, 15), date(2025, 7, 15), **half) == Fraction(1, 2)  # wholly after, and wholly before
    assert icma(date(2023, 1, 15), date(2023, 7, 15), **half) == Fraction(1, 2)
    leap = {"ref_start_on": date(2023, 8, 31), "ref_end_on": date(2024, 2, 29), "periods_per_year": 2}
    assert icma(date(2024, 2, 29), date(2024, 8, 31), **leap) == Fraction(1, 2)  # month end to month end
    assert icma(date(2024, 2, 29), date(2024, 8, 29), **leap) == Fraction(182, 2 * 184)
    thirtieths = {"ref_start_on": date(2024, 6, 30), "ref_end_on": date(2024, 9, 30), "periods_per_year": 4}
    assert icma(date(2024, 9, 30), date(2024, 12, 30), **thirtieths) == Fraction(1, 4)  # the same day: that day
    assert icma(date(2023, 2, 28), date(2023, 8, 31), **leap) == Fraction(1, 2)  # clamped: 2023 has no 29 February
    before_leap = {"ref_start_on": date(2024, 8, 31), "ref_end_on": date(2025, 2, 28), "periods_per_year": 2}
    assert icma(date(2024, 3, 1), date(2024, 8, 31), **before_leap) == Fraction(183, 2 * 184)  # back to 29 February
    weekly = {"ref_start_on": date(2024, 1, 1), "ref_end_on": date(2024, 1, 8), "periods_per_year": 52}
    assert icma(date(2023, 12, 25), date(2024, 1, 22), **weekly) == Fraction(4, 52)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: day_count("30/360", FEB_28, MAR_31), "rates.day_count"),  # type: ignore[arg-type] # the mistake
        (lambda: year_fraction("act/act", FEB_28, MAR_31), "rates.day_count"),  # type: ignore[arg-type] # the mistake
        (lambda: day_count("act/360", datetime(2024, 1, 1, tzinfo=UTC), MAR_31), "calendars.datetime_for_date"),
        (lambda: year_fraction("act/act-isda", FEB_28, None), "calendars.type"),  # type: ignore[arg-type] # the mistake
        (
            lambda: year_fraction("act/act-icma", FEB_28, MAR_31, ref_start_on=MAR_31, ref_end_on=MAR_31),
            "rates.reference_period",
        ),
        (lambda: year_fraction("act/act-icma", FEB_28, MAR_31, periods_per_year=0), "rates.reference_period"),
        (lambda: year_fraction("act/act-icma", FEB_28, MAR_31, periods_per_year=True), "rates.reference_period"),
        (
            lambda: year_fraction(
                "act/act-icma", date(1, 1, 1), date(9999, 1, 1), ref_start_on=FEB_28, ref_end_on=MAR_1
            ),
            "calendars.out_of_range",
        ),
        (
            lambda: year_fraction(
                "act/act-icma", date(1, 1, 1), date(9999, 1, 1), ref_start_on=MAR_1, ref_end_on=date(2024, 3, 2)
            ),
            "rates.reference_period",
        ),
    ],
)
def test_a_day_count_of_the_wrong_kind_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_every_convention_gives_nothing_for_no_time() -> None:
    for convention in DAY_COUNTS:
        assert year_fraction(convention, MAR_1, MAR_1) == 0
        assert day_count(convention, MAR_1, MAR_1) == 0


def test_a_year_has_366_days_every_fourth_year_but_for_centuries() -> None:
    assert [days_in_year(year) for year in (1900, 2000, 2023, 2024)] == [365, 366, 365, 366]


# -- tables ----------------------------------------------------------------------------------------------------

TABLE = RateTable(
    steps=[
        RateStep(from_on=date(2025, 1, 1), rate=Rate.percent("10")),
        RateStep(from_on=date(2025, 7, 1), rate=None),
        RateStep(from_on=date(2026, 1, 1), rate=Rate.percent("8")),
    ],
    known_through_on=date(2026, 6, 30),
)


def test_a_table_gives_the_rate_of_the_day_or_says_why_not() -> None:
    assert TABLE.at(date(2025, 6, 30)) == Rate.percent(10)
    assert TABLE.at(date(2024, 12, 31)) == NotInForce(as_of=date(2024, 12, 31), reason="before_start")
    assert TABLE.at(date(2025, 7, 1)) == NotInForce(as_of=date(2025, 7, 1), reason="ended")
    assert TABLE.at(date(2026, 6, 30)) == Rate.percent(8)
    assert TABLE.at(date(2026, 7, 1)) == Stale(as_of=date(2026, 7, 1), known_through_on=date(2026, 6, 30))


def test_a_span_is_cut_where_the_rate_changes() -> None:
    two = RateTable(
        steps=[
            RateStep(from_on=date(2025, 1, 1), rate=Rate.percent(10)),
            RateStep(from_on=date(2025, 7, 1), rate=Rate.percent(9)),
        ],
        known_through_on=date(2025, 12, 31),
    )
    assert two.pieces(date(2025, 6, 1), date(2025, 8, 1)) == (
        RatePiece(from_on=date(2025, 6, 1), until_on=date(2025, 7, 1), rate=Rate.percent(10)),
        RatePiece(from_on=date(2025, 7, 1), until_on=date(2025, 8, 1), rate=Rate.percent(9)),
    )
    assert two.pieces(date(2025, 6, 1), date(2025, 6, 1)) == ()
    assert len(two.pieces(date(2025, 7, 1), date(2026, 1, 1))) == 1  # type: ignore[arg-type] # a tuple here
    assert two.pieces(date(2025, 7, 1), date(2026, 1, 2)) == Stale(
        as_of=date(2026, 1, 1), known_through_on=date(2025, 12, 31)
    )
    assert two.pieces(date(2024, 7, 1), date(2026, 1, 2)) == NotInForce(as_of=date(2024, 7, 1), reason="before_start")
    assert code_of(two.pieces, date(2025, 6, 2), date(2025, 6, 1)) == "calendars.order"


@pytest.mark.parametrize(
    ("steps", "through", "code"),
    [
        ([], date(2026, 1, 1), "rates.table"),
        (["x"], date(2026, 1, 1), "rates.table"),
        ([RateStep(from_on=date(2026, 1, 2), rate=None)], date(2026, 1, 1), "rates.table"),
        ([RateStep(from_on=date(2026, 1, 1), rate=None)] * 2, date(2026, 1, 1), "rates.table"),
        (
            [RateStep(from_on=date(2026, 1, 1), rate=None)],
            datetime(2026, 1, 1, tzinfo=UTC),
            "calendars.datetime_for_date",
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(steps: Any, through: Any, code: str) -> None:
    assert code_of(RateTable, steps=steps, known_through_on=through) == code


def test_a_step_needs_a_rate_or_none() -> None:
    assert code_of(RateStep, from_on=date(2026, 1, 1), rate="8 %") == "rates.type"


def test_isda_equals_a_sum_over_days() -> None:
    start = date(2019, 11, 5)
    total = Fraction(0)
    for k in range(900):
        assert year_fraction("act/act-isda", start, start + timedelta(days=k)) == total
        total += Fraction(1, days_in_year((start + timedelta(days=k)).year))
