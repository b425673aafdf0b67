"""Schedules: rows, columns, sums, rhythms of due dates, and the arithmetic below them."""

from __future__ import annotations

import copy
import pickle
from calendar import monthrange
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.calendars import Every
from collectkit.core.errors import CurrencyMismatch, InvalidDate, InvalidMoney, InvalidRecord, InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.schedule import (
    DueDates,
    Instalment,
    Schedule,
    exact_level,
    level_balances,
    level_schedule,
    roll,
    whole_rounder,
)

MONTHLY = Every(1, "months")


def row(number: int = 1, principal: int = 100, **more: Any) -> Instalment:
    day = more.pop("due_on", date(2026, number, 1))
    return Instalment(
        number=number, due_on=day, principal_minor=principal, currency=more.pop("currency", "EUR"), **more
    )


def level(count: int = 12, due_on: Any = None) -> Schedule:
    dates = due_on or DueDates(date(2026, 1, 31), MONTHLY, count)
    return level_schedule(principal=Money(10000, "EUR"), period_rate=(1, 100), payment=888, count=count, due_on=dates)


# -- rows --------------------------------------------------------------------------------------------------------


def test_an_instalment_shows_money_and_holds_minor_units() -> None:
    made = row(2, 100, interest_minor=20, fee_minor=3, balance_minor=50)
    assert (made.principal, made.interest, made.fee) == (Money(100, "EUR"), Money(20, "EUR"), Money(3, "EUR"))
    assert (made.total, made.balance) == (Money(123, "EUR"), Money(50, "EUR"))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"number": 0}, InvalidRecord),
        ({"number": True}, InvalidRecord),
        ({"principal_minor": -1}, InvalidRecord),
        ({"principal_minor": 1.0}, InvalidRecord),
        ({"interest_minor": -1}, InvalidRecord),
        ({"fee_minor": True}, InvalidRecord),
        ({"balance_minor": -1}, InvalidRecord),
        ({"due_on": datetime(2026, 1, 1)}, InvalidDate),  # noqa: DTZ001 - a naive instant is what must be refused
        ({"due_on": "2026-01-01"}, InvalidDate),
        ({"currency": "XXX"}, InvalidMoney),
    ],
)
def test_an_instalment_that_cannot_be_is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    good: dict[str, Any] = {"number": 1, "due_on": date(2026, 1, 1), "principal_minor": 1, "currency": "EUR"}
    with pytest.raises(error):
        Instalment(**{**good, **change})


def test_rows_made_in_bulk_are_as_frozen_as_rows_made_one_by_one() -> None:
    made = next(iter(level()))
    assert type(made) is Instalment
    assert made == Instalment(
        number=1,
        due_on=date(2026, 2, 28),
        principal_minor=788,
        interest_minor=100,
        balance_minor=9212,
        currency="EUR",
    )
    assert len({made, level()[0]}) == 1
    with pytest.raises(AttributeError):
        made.principal_minor = 1  # type: ignore[misc]


# -- the schedule ------------------------------------------------------------------------------------------------


def test_rows_by_index_by_slice_and_by_iteration_are_the_same() -> None:
    schedule = level()
    by_index = [level()[place] for place in range(12)]
    assert by_index == list(schedule) == list(schedule[:]) == [schedule[place - 12] for place in range(12)]
    assert schedule[-1].balance_minor == 0
    assert schedule[2:4] == (by_index[2], by_index[3])
    with pytest.raises(IndexError):
        schedule[12]


@pytest.mark.parametrize("count", [1, 2, 3, 12, 60])
def test_rows_are_the_same_whether_their_columns_were_read_before_or_not(count: int) -> None:
    fresh, read = level(count), level(count)
    interest = read.interest_parts
    assert list(fresh) == list(read) == [level(count)[place] for place in range(count)]
    assert [one.interest_minor for one in fresh] == list(interest)


def test_a_level_schedule_has_one_date_for_each_of_its_rows() -> None:
    for count, due_on in ((0, ()), (2, [date(2026, 3, 1)]), (2, DueDates(date(2026, 1, 31), MONTHLY, 3))):
        with pytest.raises(InvalidTerms) as refused:
            level_schedule(principal=Money(10000, "EUR"), period_rate=(1, 100), payment=888, count=count, due_on=due_on)
        assert refused.value.code == "plans.columns"


def test_the_sums_of_a_level_schedule_are_those_of_its_rows() -> None:
    schedule = level()
    rows = list(schedule)
    assert schedule.principal == Money(10000, "EUR")
    assert schedule.interest.minor == sum(one.interest_minor for one in rows)
    assert schedule.total == schedule.principal + schedule.interest + schedule.fees
    assert schedule.payments == [one.total.minor for one in rows]
    assert schedule.level_payment == Money(888, "EUR")
    assert schedule.currency == "EUR"
    assert schedule.fee_parts == (0,) * 12


def test_a_schedule_of_one_row_asks_for_the_debt_and_its_interest() -> None:
    assert [one.total.minor for one in level(1)] == [10100]
    assert level(1)[0].total.minor == 10100


def test_due_dates_may_be_listed_for_a_level_schedule() -> None:
    days = [date(2026, 3, 1), date(2026, 4, 2)]
    made = level(2, due_on=days)
    assert [one.due_on for one in made] == days
    assert made.rhythm is None
    assert level(2).rhythm == DueDates(date(2026, 1, 31), MONTHLY, 2)


def test_rows_given_by_hand_get_their_balances_anew() -> None:
    made = Schedule.from_rows([row(1, 30, balance_minor=7), row(2, 70, fee_minor=5)])
    assert [one.balance_minor for one in made] == [70, 0]
    assert made.level_payment is None
    assert made.level is None
    assert made.fees == Money(5, "EUR")
    assert made[1].total == Money(75, "EUR")
    assert made.balance_before(0) == 100
    assert made.balance_before(1) == 70


def test_debt_that_joins_on_the_way_leaves_the_rows_before_it_as_they_were() -> None:
    made = Schedule.from_rows([row(1, 30), row(2, 80)], joined=[(1, Money(10, "EUR"))])
    assert [one.balance_minor for one in made] == [70, 0]
    assert [one.principal_minor for one in made] == [30, 80]
    assert made[1].principal_minor == 80
    assert made.principal == Money(110, "EUR")
    assert made.principal_parts == [30, 80]
    assert pickle.loads(pickle.dumps(made)) == made
    assert made != Schedule.from_rows([row(1, 30), row(2, 80)])


@pytest.mark.parametrize("place", [0, 2, 3])
def test_debt_can_join_only_between_two_rows(place: int) -> None:
    with pytest.raises(InvalidTerms, match="join") as refused:
        Schedule.from_rows([row(1, 30), row(2, 80)], joined=[(place, Money(10, "EUR"))])
    assert refused.value.code == "plans.columns"


def test_a_schedule_can_be_copied_compared_and_kept() -> None:
    schedule = level()
    assert copy.deepcopy(schedule) == schedule == pickle.loads(pickle.dumps(schedule))
    assert hash(schedule) == hash(level())
    assert schedule != level(11)
    assert schedule != "schedule"
    assert repr(schedule) == "<Schedule of 12, 100.00 EUR from 2026-02-28 to 2027-01-31>"


def test_nothing_of_a_schedule_can_be_assigned() -> None:
    with pytest.raises(AttributeError):
        level().principal = Money(1, "EUR")  # type: ignore[misc]
    with pytest.raises(AttributeError):
        level().other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "plans.columns"),
        ([row(2)], "plans.dates"),
        ([row(1), row(1)], "plans.dates"),
        ([row(1, due_on=date(2026, 2, 1)), row(2, due_on=date(2026, 1, 1))], "plans.dates"),
    ],
)
def test_rows_out_of_order_make_no_schedule(rows: list[Instalment], code: str) -> None:
    with pytest.raises(InvalidTerms) as refused:
        Schedule.from_rows(rows)
    assert refused.value.code == code


def test_rows_of_two_currencies_make_no_schedule() -> None:
    with pytest.raises(CurrencyMismatch):
        Schedule.from_rows([row(1), row(2, currency="USD")])


@pytest.mark.parametrize(
    ("principal", "interest", "days"),
    [([50], [0, 0], 1), ([50, 50], [0, 0], 1), ([], [], 0), ([50, 49], [0, 0], 2)],
)
def test_columns_that_do_not_fit_make_no_schedule(principal: list[int], interest: list[int], days: int) -> None:
    with pytest.raises(InvalidTerms) as refused:
        Schedule(
            principal=Money(100, "EUR"),
            principal_parts=principal,
            interest_parts=interest,
            due_on=[date(2026, 1, day + 1) for day in range(days)],
        )
    assert refused.value.code == "plans.columns"


# -- due dates ---------------------------------------------------------------------------------------------------


def test_the_31st_comes_back_after_february() -> None:
    days = DueDates(date(2026, 1, 31), MONTHLY, 4)
    assert [str(day) for day in days()] == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
    assert [days.at(place) for place in range(4)] == list(days())


@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
@pytest.mark.parametrize("year", [1, 1599, 1899, 1999, 2099, 2399])
@pytest.mark.parametrize("first", [-1, 0, 1, 7])
def test_months_keep_their_days_through_centuries_leap_or_not(day: int, year: int, first: int) -> None:
    days = DueDates(date(year, 5, day), MONTHLY, 5000, first)()
    for place, found in enumerate(days):
        years, month = divmod(5 - 1 + first + place, 12)
        assert found == date(year + years, month + 1, min(day, monthrange(year + years, month + 1)[1]))


def test_29_february_rolls_or_clamps() -> None:
    yearly = Every(1, "years")
    assert [day.isoformat() for day in DueDates(date(2024, 2, 29), yearly, 4)()][::3] == ["2025-02-28", "2028-02-29"]
    assert DueDates(date(2024, 2, 29), yearly, 1, 1, "roll")() == (date(2025, 3, 1),)


@pytest.mark.parametrize("every", [Every(2, "weeks"), Every(3, "months"), Every(1, "semimonths"), Every(10, "days")])
def test_one_date_and_all_dates_agree_in_every_rhythm(every: Every) -> None:
    days = DueDates(date(2026, 1, 16), every, 30, 0)
    assert days()[0] == date(2026, 1, 16)
    assert [days.at(place) for place in range(30)] == list(days())


def test_a_rhythm_past_the_year_9999_is_refused() -> None:
    with pytest.raises(InvalidDate) as refused:
        DueDates(date(9999, 6, 1), MONTHLY, 12)()
    assert refused.value.code == "calendars.out_of_range"


# -- arithmetic --------------------------------------------------------------------------------------------------


def oracle(balance: int, factor: Fraction, payment: int, count: int) -> list[int]:
    balances = []
    for _ in range(count - 1):
        balance += round(balance * factor) - payment  # round of a Fraction is half-even
        balances.append(balance)
    return [*balances, 0]


@given(
    balance=st.integers(1, 10**6),
    numerator=st.integers(0, 300),
    denominator=st.one_of(st.sampled_from([2, 4, 6, 8, 12, 40, 200, 400]), st.integers(1, 5000)),
    payment=st.integers(0, 10**6),
    count=st.integers(1, 24),
)
def test_level_balances_equal_a_fraction_oracle_ties_and_overpayment_included(
    balance: int, numerator: int, denominator: int, payment: int, count: int
) -> None:
    factor = Fraction(numerator, denominator)
    found = level_balances(balance, factor.numerator, factor.denominator, payment, count)
    assert found == oracle(balance, factor, payment, count)


@pytest.mark.parametrize(("balance", "payment"), [(3, 0), (10005, 4000), (50, 1), (25, 100)])
def test_an_exact_half_of_interest_goes_to_the_even_unit(balance: int, payment: int) -> None:
    assert level_balances(balance, 1, 2, payment, 6) == oracle(balance, Fraction(1, 2), payment, 6)


def test_a_tie_that_is_met_on_the_way_is_found() -> None:
    # 5000 - 4500 leaves 500, half of 1000: its interest of exactly 0.5 goes to 0, not to 1
    assert level_balances(5000, 1, 1000, 4505, 4) == [500, -4005, -8514, 0]
    assert level_balances(1990, 1, 1000, 492, 5) == oracle(1990, Fraction(1, 1000), 492, 5)


@pytest.mark.parametrize("count", [2, 12, 48, 60, 120])
@pytest.mark.parametrize("payment", [0, 1, 9, 11, 40])
def test_ties_are_found_in_long_runs_and_in_short_ones(count: int, payment: int) -> None:
    for balance in (1, 499, 500, 501, 980, 990, 1000, 1489, 1500, 2497):
        found = level_balances(balance, 1, 1000, payment, count)
        assert found == oracle(balance, Fraction(1, 1000), payment, count)


def test_a_payment_cannot_be_solved_where_every_row_is_fixed() -> None:
    with pytest.raises(InvalidTerms) as refused:
        exact_level(100, [Fraction(0)] * 2, [Fraction(0)] * 2)
    assert refused.value.code == "plans.amounts"


def test_a_rhythm_may_date_rows_of_any_kind() -> None:
    made = Schedule(
        principal=Money(100, "EUR"),
        principal_parts=[40, 60],
        interest_parts=[0, 0],
        due_on=DueDates(date(2026, 1, 31), MONTHLY, 2),
    )
    assert [str(one.due_on) for one in made] == ["2026-02-28", "2026-03-31"]


def test_rolling_a_debt_shows_growth_where_payments_are_too_small() -> None:
    assert roll(1000, [(1, 10), (1, 10)], [50, 0]) == ([1050, 1155], [100, 105])


@pytest.mark.parametrize("mode", ["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"])
def test_rounders_of_whole_numbers_agree_with_those_of_fractions(mode: Any) -> None:
    for numerator in range(-20, 21):
        assert whole_rounder(mode)(numerator, 4) == rounded(Fraction(numerator, 4), mode)
