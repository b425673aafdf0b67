"""Days, months, business days, recurrence, zones."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs
import pytest

from collectkit.core.calendars import (
    WEEKENDS_ONLY,
    BusinessCalendar,
    Every,
    add_months,
    add_years,
    business_date,
    days_in_month,
    local_instant,
    month_dates,
    parse_date,
    parse_instant,
    parse_wall_time,
    rrule_dates,
    zone,
)
from collectkit.core.errors import CalendarMissing, InvalidDate

JAN_31 = date(2026, 1, 31)


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises((InvalidDate, CalendarMissing)) as caught:
        call(*args, **kwargs)
    return caught.value.code


# -- months ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [29, 30, 31])
def test_monthly_dates_from_a_late_day_are_counted_from_the_anchor(day: int) -> None:  # DATE-07
    dates = month_dates(date(2026, 1, day), 12)
    months_of_30 = {4, 6, 9, 11}
    assert [when.month for when in dates] == [*range(2, 13), 1]
    for when in dates:
        assert when.day == (28 if when.month == 2 else min(day, 30) if when.month in months_of_30 else day)
    assert dates == [add_months(date(2026, 1, day), k) for k in range(1, 13)]


def test_a_leap_day_plus_a_year_is_28_february_and_plus_four_is_a_leap_day() -> None:  # DATE-08
    leap = date(2024, 2, 29)
    assert (add_years(leap, 1), add_years(leap, 4)) == (date(2025, 2, 28), date(2028, 2, 29))
    assert add_years(leap, 1, month_end="roll") == date(2025, 3, 1)


def test_century_years_are_leap_only_every_fourth() -> None:
    assert add_months(date(1900, 1, 31), 1) == date(1900, 2, 28)
    assert add_months(date(2000, 1, 31), 1) == date(2000, 2, 29)
    assert days_in_month(2100, 2) == 28


def test_a_day_that_the_month_lacks_rolls_to_the_first_of_the_next() -> None:
    assert month_dates(JAN_31, 3, month_end="roll") == [date(2026, 3, 1), date(2026, 3, 31), date(2026, 5, 1)]
    assert add_months(JAN_31, 2, month_end="roll") == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("anchor", "months"),
    [(date(9999, 12, 31), 1), (date(1, 1, 1), -1), (date(2026, 1, 1), 10**12), (date(2026, 1, 1), -(10**12))],
)
def test_a_step_past_the_years_1_to_9999_is_out_of_range(anchor: date, months: int) -> None:  # DATE-09
    assert code_of(add_months, anchor, months) == "calendars.out_of_range"


def test_the_last_month_and_the_first_can_be_reached() -> None:
    assert add_months(date(9999, 1, 31), 11) == date(9999, 12, 31)
    assert month_dates(date(9999, 1, 31), 11)[-1] == date(9999, 12, 31)
    assert month_dates(date(1, 3, 31), 2, first=-2) == [date(1, 1, 31), date(1, 2, 28)]
    assert code_of(month_dates, date(9999, 1, 31), 12) == "calendars.out_of_range"
    assert code_of(month_dates, date(1, 3, 31), 2, first=-3) == "calendars.out_of_range"


def test_month_dates_take_steps_and_can_start_at_the_anchor() -> None:
    assert month_dates(JAN_31, 3, 3, first=0) == [JAN_31, date(2026, 4, 30), date(2026, 7, 31)]
    assert month_dates(JAN_31, 2, 12) == [date(2027, 1, 31), date(2028, 1, 31)]
    assert month_dates(JAN_31, 12, first=0)[-1] == date(2026, 12, 31)
    assert month_dates(JAN_31, 0) == []


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: add_months(datetime(2026, 1, 1, tzinfo=UTC), 1), "calendars.datetime_for_date"),  # DATE-02
        (lambda: add_months("2026-01-01", 1), "calendars.type"),  # type: ignore[arg-type] # the mistake under test
        (lambda: add_months(JAN_31, True), "calendars.type"),
        (lambda: add_months(JAN_31, 1.0), "calendars.type"),  # type: ignore[arg-type] # the mistake under test
        (lambda: add_years(JAN_31, "1"), "calendars.type"),  # type: ignore[arg-type] # the mistake under test
        (lambda: add_months(JAN_31, 1, month_end="last"), "calendars.month_end"),  # type: ignore[arg-type] # the same
        (lambda: month_dates(JAN_31, 1, month_end="last"), "calendars.month_end"),  # type: ignore[arg-type] # the same
        (lambda: month_dates(JAN_31, -1), "calendars.count"),
        (lambda: month_dates(JAN_31, 100_001), "calendars.count"),
        (lambda: month_dates(JAN_31, True), "calendars.count"),
        (lambda: month_dates(JAN_31, 1, 0), "calendars.step"),
        (lambda: month_dates(JAN_31, 1, first=10**6), "calendars.count"),
        (lambda: days_in_month(2026, 13), "calendars.out_of_range"),
    ],
)
def test_a_month_step_of_the_wrong_kind_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


# -- rhythms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (Every(10, "days"), date(2026, 2, 10)),
        (Every(2, "weeks"), date(2026, 2, 14)),
        (Every(1, "months"), date(2026, 2, 28)),
        (Every(1, "years"), date(2027, 1, 31)),
    ],
)
def test_a_rhythm_steps_from_its_anchor(every: Every, expected: date) -> None:
    assert every.date(anchor=JAN_31, number=1) == expected
    assert every.dates(anchor=JAN_31, count=1) == [expected]
    assert every.dates(anchor=JAN_31, count=1, first=0) == [JAN_31]
    assert every.dates(anchor=JAN_31, count=0) == []
    assert every.dates(anchor=JAN_31, count=5) == [every.date(anchor=JAN_31, number=k) for k in range(1, 6)]


@pytest.mark.parametrize(
    ("anchor", "days"),
    [
        (date(2026, 1, 1), ["01-16", "02-01", "02-16", "03-01"]),
        (date(2026, 1, 16), ["02-01", "02-16", "03-01", "03-16"]),
        (date(2026, 1, 15), ["01-30", "02-15", "02-28", "03-15"]),
        (date(2026, 1, 31), ["02-16", "02-28", "03-16", "03-31"]),
    ],
)
def test_semimonths_pair_a_day_with_the_one_fifteen_days_apart(anchor: date, days: list[str]) -> None:
    dates = Every(1, "semimonths").dates(anchor=anchor, count=4)
    assert [when.isoformat()[5:] for when in dates] == days
    assert Every(1, "semimonths").date(anchor=anchor, number=0) == anchor
    assert Every(2, "semimonths").dates(anchor=anchor, count=12) == month_dates(anchor, 12)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: Every(0, "days"), "calendars.step"),
        (lambda: Every(True, "days"), "calendars.step"),
        (lambda: Every(1, "fortnights"), "calendars.unit"),  # type: ignore[arg-type] # the mistake under test
        (lambda: Every(1, "days").date(anchor=JAN_31, number=1.5), "calendars.type"),  # type: ignore[arg-type] # the same
        (lambda: Every(1, "days").date(anchor=JAN_31, number=10**9), "calendars.out_of_range"),
        (lambda: Every(1, "weeks").dates(anchor=date(9999, 12, 30), count=1), "calendars.out_of_range"),
        (lambda: Every(1, "days").dates(anchor=date(9999, 12, 30), count=2), "calendars.out_of_range"),
        (lambda: Every(1, "weeks").dates(anchor=date(1, 1, 3), count=1, first=-1), "calendars.out_of_range"),
        (lambda: Every(1, "semimonths").date(anchor=date(9999, 12, 16), number=1), "calendars.out_of_range"),
        (lambda: Every(1, "days").dates(anchor=JAN_31, count=-1), "calendars.count"),
        (lambda: Every(36_600, "years").dates(anchor=JAN_31, count=1), "calendars.out_of_range"),
    ],
)
def test_a_rhythm_that_cannot_be_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_a_rhythm_reaches_the_last_day_there_is() -> None:
    assert Every(1, "days").dates(anchor=date(9999, 12, 30), count=1) == [date(9999, 12, 31)]
    assert Every(1, "days").dates(anchor=date(1, 1, 2), count=1, first=-1) == [date(1, 1, 1)]


def test_a_recurrence_rule_gives_the_days_of_the_standard() -> None:
    month_ends = rrule_dates("FREQ=MONTHLY;BYMONTHDAY=-1", start_on=JAN_31, count=3)
    assert month_ends == [JAN_31, date(2026, 2, 28), date(2026, 3, 31)]
    first_mondays = rrule_dates("rrule:freq=monthly;byday=1MO", start_on=date(2026, 1, 6), count=2)
    assert first_mondays == [date(2026, 2, 2), date(2026, 3, 2)]
    assert rrule_dates("FREQ=MONTHLY;BYMONTHDAY=31", start_on=JAN_31, count=2)[1] == date(2026, 3, 31)  # skips February
    assert rrule_dates("FREQ=DAILY", start_on=JAN_31, count=0) == []
    assert rrule_dates("FREQ=DAILY;COUNT=3", start_on=JAN_31, count=2) == [JAN_31, date(2026, 2, 1)]
    assert rrule_dates("FREQ=DAILY;UNTIL=99991231", start_on=JAN_31, count=1) == [JAN_31]
    assert rrule_dates("FREQ=DAILY;UNTIL=20260201T235959Z", start_on=JAN_31, count=2) == [JAN_31, date(2026, 2, 1)]


def test_days_of_a_rule_up_to_a_day_can_be_left_out_and_still_count_against_its_count() -> None:
    rule = "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3"
    days = rrule_dates(rule, start_on=JAN_31, count=2, after_on=JAN_31)
    assert days == [date(2026, 3, 31), date(2026, 5, 31)]
    assert rrule_dates(rule, start_on=date(2026, 2, 1), count=3, after_on=JAN_31)[0] == date(2026, 3, 31)
    assert code_of(rrule_dates, rule, start_on=JAN_31, count=3, after_on=JAN_31) == "calendars.rule_ends"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("", "calendars.rule"),
        ("FREQ=SOMETIMES", "calendars.rule"),
        ("FREQ=HOURLY", "calendars.rule"),
        ("FREQ=DAILY;BYHOUR=9", "calendars.rule"),
        ("FREQ=DAILY;INTERVAL=x", "calendars.rule"),
        ("FREQ=DAILY;BYDAY=XX", "calendars.rule"),
        ("FREQ=DAILY\nRDATE:20260101", "calendars.rule"),
        ("DTSTART:20260101\nRRULE:FREQ=DAILY", "calendars.rule"),
        ("FREQ=DAILY;" + "X" * 500, "calendars.rule"),
        (None, "calendars.rule"),
        ("FREQ=DAILY;COUNT=2", "calendars.rule_ends"),
        ("FREQ=DAILY;UNTIL=20260201", "calendars.rule_ends"),
        ("FREQ=DAILY;UNTIL=20260201;COUNT=9", "calendars.rule"),
        ("FREQ=DAILY;COUNT=x", "calendars.rule"),
        ("FREQ=DAILY;UNTIL=never", "calendars.rule"),
        ("FREQ=DAILY;FREQ=DAILY", "calendars.rule"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "calendars.rule_ends"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "calendars.rule_ends"),
        ("FREQ=YEARLY;INTERVAL=300", "calendars.rule_ends"),
        ("FREQ=DAILY;INTERVAL=0", "calendars.rule"),
        ("FREQ=WEEKLY;INTERVAL=0;BYDAY=TU", "calendars.rule"),
        ("FREQ=MONTHLY;INTERVAL=00;BYMONTHDAY=1", "calendars.rule"),
        ("FREQ=DAILY;INTERVAL=-1", "calendars.rule"),
    ],
)
def test_a_rule_that_cannot_be_read_or_ends_too_soon_is_refused(rule: Any, code: str) -> None:
    assert code_of(rrule_dates, rule, start_on=JAN_31, count=3) == code


# -- business days ---------------------------------------------------------------------------------------------

MAY = BusinessCalendar(holidays=[date(2026, 5, 1)], known_from_on=date(2026, 5, 1), known_until_on=date(2026, 6, 1))
GULF = BusinessCalendar(weekend=[4, 5])


@pytest.mark.parametrize(
    ("day", "how", "expected"),
    [
        (date(2026, 5, 30), "following", date(2026, 6, 1)),
        (date(2026, 5, 30), "modified_following", date(2026, 5, 29)),
        (date(2026, 5, 30), "preceding", date(2026, 5, 29)),
        (date(2026, 5, 2), "preceding", date(2026, 5, 1)),
        (date(2026, 8, 1), "preceding", date(2026, 7, 31)),
        (date(2026, 8, 1), "modified_preceding", date(2026, 8, 3)),
        (date(2026, 5, 9), "nearest", date(2026, 5, 8)),
        (date(2026, 5, 10), "nearest", date(2026, 5, 11)),
        (date(2026, 5, 9), "none", date(2026, 5, 9)),
        (date(2026, 5, 8), "following", date(2026, 5, 8)),
    ],
)
def test_a_day_off_moves_in_the_named_way(day: date, how: Any, expected: date) -> None:
    assert WEEKENDS_ONLY.adjust(day, how) == expected


def test_nearest_prefers_the_later_of_two() -> None:
    friday_off = BusinessCalendar(weekend=[4])
    assert friday_off.adjust(date(2026, 5, 8), "nearest") == date(2026, 5, 9)


def test_a_friday_and_saturday_weekend_is_an_argument() -> None:
    assert not GULF.is_business_day(date(2026, 5, 1))
    assert GULF.is_business_day(date(2026, 5, 3))
    assert GULF.add_business_days(date(2026, 4, 30), 1) == date(2026, 5, 3)


def test_a_calendar_without_the_day_is_missing_never_without_holidays() -> None:  # DATE-16
    for call in (
        lambda: MAY.is_business_day(date(2026, 6, 1)),
        lambda: MAY.is_business_day(date(2026, 4, 30)),
        lambda: MAY.add_business_days(date(2026, 5, 29), 1),
        lambda: MAY.add_business_days(date(2026, 5, 4), -1),
        lambda: MAY.add_business_days(date(2026, 6, 1), 0),
        lambda: MAY.adjust(date(2026, 5, 30), "following"),
        lambda: MAY.business_days_between(date(2026, 4, 30), date(2026, 5, 10)),
        lambda: MAY.business_days_between(date(2026, 5, 10), date(2026, 6, 2)),
        lambda: MAY.business_days_between(date(2026, 6, 1), date(2026, 6, 1)),
        lambda: MAY.prefix(date(2026, 5, 30), date(2026, 6, 2)),
    ):
        assert code_of(call) == "calendars.calendar_missing"
    assert MAY.business_days_between(date(2026, 5, 1), date(2026, 6, 1)) == 20
    assert MAY.adjust(date(2027, 1, 1), "none") == date(2027, 1, 1)


def test_business_days_are_half_open_and_negative_for_future_dates() -> None:
    friday, monday = date(2026, 5, 8), date(2026, 5, 11)
    assert WEEKENDS_ONLY.business_days_between(friday, friday) == 0
    assert WEEKENDS_ONLY.business_days_between(friday, monday) == 1
    assert WEEKENDS_ONLY.business_days_between(monday, friday) == -1
    assert WEEKENDS_ONLY.business_days_between(date(2025, 1, 5), date(2025, 1, 3)) == -1  # numpy's busday_count says 0


def test_no_business_days_leave_the_day_as_it_is() -> None:
    assert WEEKENDS_ONLY.add_business_days(date(2026, 5, 9), 0) == date(2026, 5, 9)


def test_prefix_answers_every_pair_of_days() -> None:
    lo = date(2026, 5, 1)
    table = MAY.prefix(lo, date(2026, 6, 1))
    assert len(table) == 32
    assert table[10] - table[2] == MAY.business_days_between(date(2026, 5, 3), date(2026, 5, 11))
    assert code_of(MAY.prefix, date(2026, 5, 3), date(2026, 5, 2)) == "calendars.order"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"weekend": range(7)}, "calendars.weekend"),
        ({"weekend": [7]}, "calendars.weekend"),
        ({"weekend": [True]}, "calendars.weekend"),
        ({"holidays": [date(2026, 5, 1)]}, "calendars.known_range"),
        ({"known_from_on": date(2026, 5, 1)}, "calendars.type"),
        ({"known_until_on": date(2026, 5, 1)}, "calendars.type"),
        ({"known_from_on": date(2026, 5, 1), "known_until_on": date(2026, 5, 1)}, "calendars.known_range"),
        (
            {"holidays": [date(2026, 6, 1)], "known_from_on": date(2026, 5, 1), "known_until_on": date(2026, 6, 1)},
            "calendars.known_range",
        ),
        (
            {"holidays": [date(2026, 4, 30)], "known_from_on": date(2026, 5, 1), "known_until_on": date(2026, 6, 1)},
            "calendars.known_range",
        ),
        ({"holidays": [datetime(2026, 5, 1, tzinfo=UTC)]}, "calendars.datetime_for_date"),
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(fields: dict[str, Any], code: str) -> None:
    assert code_of(BusinessCalendar, **fields) == code


def test_a_calendar_is_a_value_before_and_after_it_was_asked() -> None:
    twin = BusinessCalendar(
        holidays={date(2026, 5, 1)}, known_from_on=date(2026, 5, 1), known_until_on=date(2026, 6, 1)
    )
    MAY.add_business_days(date(2026, 5, 4), 3)
    assert twin == MAY
    assert hash(MAY) == hash(twin)
    assert pickle.loads(pickle.dumps(MAY)) == twin
    assert attrs.evolve(MAY, holidays=frozenset()).is_business_day(date(2026, 5, 1))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        MAY.weekend = frozenset()  # type: ignore[misc] # the mistake under test


def test_an_unknown_adjustment_and_too_many_days_are_refused() -> None:
    assert code_of(WEEKENDS_ONLY.adjust, JAN_31, "sideways") == "calendars.adjustment"
    assert code_of(WEEKENDS_ONLY.add_business_days, JAN_31, 10**9) == "calendars.count"
    assert code_of(WEEKENDS_ONLY.add_business_days, date(9999, 12, 31), 1) == "calendars.out_of_range"
    assert code_of(WEEKENDS_ONLY.add_business_days, date(1, 1, 1), -1) == "calendars.out_of_range"
    assert code_of(WEEKENDS_ONLY.add_business_days, JAN_31, True) == "calendars.count"


# -- text, zones, instants -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("01/02/2026", "10", "12:00", "2026-W01-1", "20260101", "2026-1-1", "2026-02-30", "2026-13-01", "0000-01-01"),
        *("2026-01-01T00:00:00", " 2026-01-01", "2026-01-01\n", "٢٠٢٦-01-01", "", None, 20260101),
    ],
)
def test_only_iso_days_are_read(text: Any) -> None:  # DATE-17
    assert code_of(parse_date, text) == "calendars.syntax"


def test_an_iso_day_is_read() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("text", ["23:59:60", "24:00", "8:00", "08.00", "", None])
def test_a_leap_second_and_other_times_are_refused(text: Any) -> None:  # DATE-19
    assert code_of(parse_wall_time, text) == "calendars.syntax"


def test_times_and_instants_are_read() -> None:
    assert parse_wall_time("21:00:30") == time(21, 0, 30)
    assert parse_instant("2026-03-12T08:30:00Z") == datetime(2026, 3, 12, 8, 30, tzinfo=UTC)
    assert parse_instant("2026-03-12T08:30:00.25+05:30").utcoffset() == timedelta(hours=5, minutes=30)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-03-12T08:30:00", "calendars.naive"),  # DATE-01
        ("2026-03-12T23:59:60Z", "calendars.syntax"),
        ("1773304200000", "calendars.syntax"),
        ("2026-03-12T08:30:00+25:00", "calendars.syntax"),
        ("2026-02-30T08:30:00Z", "calendars.syntax"),
        ("2026-03-12", "calendars.syntax"),
        (1773304200, "calendars.syntax"),
    ],
)
def test_other_instants_are_refused(text: Any, code: str) -> None:
    assert code_of(parse_instant, text) == code


@pytest.mark.parametrize(
    "name", ["Mars/Base", "../../etc/passwd", "EST5EDT\0", "", "Europe", "Europe/", "/etc/localtime", "x" * 65, None, 5]
)
def test_an_unknown_zone_is_refused(name: Any) -> None:  # DATE-11
    assert code_of(zone, name) == "calendars.zone"


def test_a_gap_raises_or_moves_to_the_next_instant_that_exists() -> None:  # DATE-03
    day, at = date(2026, 3, 29), time(2, 30)
    assert code_of(local_instant, day, at, "Europe/Berlin") == "calendars.nonexistent_local_time"
    moved = local_instant(day, at, "Europe/Berlin", gap="shift_forward")
    assert moved == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert moved.isoformat() == "2026-03-29T03:00:00+02:00"


def test_an_overlap_raises_or_takes_the_named_one() -> None:  # DATE-04
    day, at = date(2026, 10, 25), time(2, 30)
    assert code_of(local_instant, day, at, "Europe/Berlin") == "calendars.ambiguous_local_time"
    first = local_instant(day, at, zone("Europe/Berlin"), overlap="first")
    second = local_instant(day, at, zone("Europe/Berlin"), overlap="second")
    assert (first.isoformat(), second.isoformat()) == ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)


def test_a_day_that_never_was_moves_to_the_next_that_was() -> None:  # DATE-05
    day = date(2011, 12, 30)
    assert add_months(date(2011, 11, 30), 1) == day  # a due date is a date, and stays
    for at in (time(0), time(9), time(23, 59, 59, 999_999)):
        assert code_of(local_instant, day, at, "Pacific/Apia") == "calendars.nonexistent_local_time"
        moved = local_instant(day, at, "Pacific/Apia", gap="shift_forward")
        assert moved.isoformat() == "2011-12-31T00:00:00+14:00"
        assert business_date(moved, "Pacific/Apia") == date(2011, 12, 31)


def test_a_business_date_comes_from_the_instant_and_the_zone_alone() -> None:  # DATE-06
    at = datetime(2026, 3, 12, 23, 30, tzinfo=UTC)
    assert business_date(at, "Asia/Tokyo") == date(2026, 3, 13)
    assert business_date(at, "America/Los_Angeles") == date(2026, 3, 12)
    assert business_date(at, timezone(timedelta(hours=-23, minutes=-45))) == date(2026, 3, 11)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: business_date(datetime(2026, 1, 1), "UTC"), "calendars.naive"),  # noqa: DTZ001 # DATE-01
        (lambda: business_date(date(2026, 1, 1), "UTC"), "calendars.type"),  # type: ignore[arg-type] # the mistake
        (lambda: business_date(datetime.max.replace(tzinfo=UTC), "Asia/Tokyo"), "calendars.out_of_range"),
        (lambda: local_instant(date(1, 1, 1), time(0), "Asia/Tokyo"), "calendars.out_of_range"),
        (lambda: local_instant(JAN_31, time(8, tzinfo=UTC), "UTC"), "calendars.type"),
        (lambda: local_instant(JAN_31, "08:00", "UTC"), "calendars.type"),  # type: ignore[arg-type] # the mistake
        (lambda: local_instant(JAN_31, time(8), "Nowhere"), "calendars.zone"),
        (lambda: local_instant(JAN_31, time(8), "UTC", gap="skip"), "calendars.choice"),  # type: ignore[arg-type] # the same
        (lambda: local_instant(JAN_31, time(8), "UTC", overlap="last"), "calendars.choice"),  # type: ignore[arg-type] # the same
        (lambda: local_instant(datetime(2026, 1, 1, tzinfo=UTC), time(8), "UTC"), "calendars.datetime_for_date"),
    ],
)
def test_an_instant_of_the_wrong_kind_is_refused(call: Any, code: str) -> None:
    assert code_of(call) == code


def test_an_ordinary_time_needs_no_choice() -> None:
    assert local_instant(JAN_31, time(8), ZoneInfo("Europe/Berlin")).isoformat() == "2026-01-31T08:00:00+01:00"
    assert local_instant(JAN_31, time(8), UTC).isoformat() == "2026-01-31T08:00:00+00:00"


def test_a_machine_without_any_zone_is_told_apart_from_an_unknown_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoData:
        def __init__(self, _key: str) -> None:
            raise ZoneInfoNotFoundError

        @staticmethod
        def no_cache(_key: str) -> None:
            raise ZoneInfoNotFoundError

    monkeypatch.setattr("collectkit.core._instants.ZoneInfo", NoData)
    assert code_of(zone, "Europe/Berlin") == "calendars.zone_data_missing"


def test_without_zone_data_dates_work_and_zones_say_what_to_install() -> None:  # DATE-10
    code = """
import sys, zoneinfo
sys.modules["tzdata"] = None
zoneinfo.reset_tzpath(())
from datetime import date
from collectkit.core.calendars import add_months, zone
from collectkit.core.errors import InvalidDate
assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
try:
    zone("Europe/Berlin")
except InvalidDate as error:
    print(error.code, "tzdata" in str(error))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert answer.stdout.strip() == "calendars.zone_data_missing True", answer.stderr
