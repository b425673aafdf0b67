"""Laws of dates and interest: exhaustive where the space is small, by property where it is not."""

from __future__ import annotations

import decimal
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import log
from typing import Any, get_args
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from collectkit.core import interest as ci
from collectkit.core.calendars import (
    Adjustment,
    BusinessCalendar,
    Every,
    add_months,
    business_date,
    local_instant,
    month_dates,
    rrule_dates,
)
from collectkit.core.errors import CollectkitError, InvalidDate
from collectkit.core.money import Money, Rounding
from collectkit.core.rates import DAY_COUNTS, Rate, day_count, year_fraction

DAYS = st.dates(min_value=date(1970, 1, 1), max_value=date(2100, 12, 31))
ADDITIVE = ("act/360", "act/364", "act/365f", "act/365.25", "act/act-isda")


# -- months: every day of thirty years ---------------------------------------------------------------------------


def oracle(first_year: int, years: int, *, roll: bool) -> dict[int, list[date]]:
    """For each day of the month the day of every month in order, from ordinals alone: no table of month lengths."""
    firsts = [date(first_year + k // 12, k % 12 + 1, 1).toordinal() for k in range(12 * years + 1)]
    return {
        day: [
            date.fromordinal(min(first + day - 1, following if roll else following - 1))
            for first, following in pairwise(firsts)
        ]
        for day in range(1, 32)
    }


def starts(first_year: int, years: int) -> Iterator[tuple[int, date]]:
    first = date(first_year, 1, 1).toordinal()
    for ordinal in range(first, date(first_year + years, 1, 1).toordinal()):
        start = date.fromordinal(ordinal)
        yield (start.year - first_year) * 12 + start.month - 1, start


def test_every_anchor_day_of_thirty_years_gives_360_clamped_dates() -> None:
    right = oracle(1996, 60, roll=False)  # 3.9 million dates, with the leap year 2000
    for month, start in starts(1996, 30):
        assert month_dates(start, 360) == right[start.day][month + 1 : month + 361], start


def test_every_anchor_day_of_thirty_years_rolls_to_the_first() -> None:
    right = oracle(2090, 60, roll=True)  # with 2100, which is no leap year
    for month, start in starts(2090, 30):
        if start.day > 28:
            assert month_dates(start, 360, month_end="roll") == right[start.day][month + 1 : month + 361], start


def test_one_step_equals_the_list_of_steps_for_every_anchor() -> None:
    right = oracle(2023, 14, roll=False)
    for month, start in starts(2023, 3):
        for k in range(0, 120, 7):
            assert add_months(start, k) == right[start.day][month + k]
            assert add_months(right[1][month + k], -k) == start.replace(day=1)


@given(anchor=DAYS, step=st.integers(1, 40), count=st.integers(0, 40), first=st.integers(-20, 20), roll=st.booleans())
def test_any_step_and_start_is_a_part_of_the_monthly_dates(
    anchor: date, step: int, count: int, first: int, roll: bool
) -> None:
    mode: Any = "roll" if roll else "clamp"
    dates = month_dates(anchor, count, step, first=first, month_end=mode)
    assert dates == [add_months(anchor, (first + k) * step, month_end=mode) for k in range(count)]
    assert dates == sorted(set(dates))
    for when in dates:
        lacks = (when + timedelta(days=1)).day == 1 or when.day == 1
        assert when.day == anchor.day or lacks


@given(anchor=DAYS, n=st.integers(1, 30), unit=st.sampled_from(["days", "weeks", "semimonths", "months", "years"]))
def test_a_rhythm_goes_forward_and_comes_back(anchor: date, n: int, unit: Any) -> None:
    every = Every(n, unit)
    assert every.date(anchor=anchor, number=0) == anchor or unit == "semimonths"
    dates = every.dates(anchor=anchor, count=20, first=-5)
    assert dates == sorted(set(dates))
    assert dates == [every.date(anchor=anchor, number=k) for k in range(-5, 15)]


@given(anchor=st.dates(min_value=date(2000, 1, 1), max_value=date(2050, 12, 28)), count=st.integers(1, 60))
def test_a_recurrence_rule_agrees_with_month_steps_up_to_the_28th(anchor: date, count: int) -> None:
    assume(anchor.day <= 28)
    assert rrule_dates("FREQ=MONTHLY", start_on=anchor, count=count) == month_dates(anchor, count, first=0)


# -- business days -----------------------------------------------------------------------------------------------

LO, HI = date(2025, 12, 1), date(2026, 2, 1)
SHORT = st.integers(0, (HI - LO).days - 1).map(lambda k: LO + timedelta(days=k))


@st.composite
def calendars(draw: st.DrawFn) -> BusinessCalendar:
    weekend = draw(st.frozensets(st.integers(0, 6), max_size=6))
    holidays = draw(st.frozensets(SHORT, max_size=30))
    return BusinessCalendar(weekend=weekend, holidays=holidays, known_from_on=LO, known_until_on=HI)


def business_days(calendar: BusinessCalendar) -> list[date]:
    """Look at each day by itself."""
    days = [LO + timedelta(days=k) for k in range((HI - LO).days)]
    return [day for day in days if day.weekday() not in calendar.weekend and day not in calendar.holidays]


@given(calendar=calendars(), start=SHORT, end=SHORT)
def test_business_days_between_equals_counting_them(calendar: BusinessCalendar, start: date, end: date) -> None:
    inside = [day for day in business_days(calendar) if min(start, end) <= day < max(start, end)]
    sign = 1 if start <= end else -1
    assert calendar.business_days_between(start, end) == sign * len(inside)
    assert calendar.is_business_day(start) == (start in business_days(calendar))
    table = calendar.prefix(LO, HI)
    assert table[(end - LO).days] - table[(start - LO).days] == sign * len(inside)


@given(calendar=calendars(), start=SHORT, n=st.integers(-45, 45))
def test_adding_business_days_equals_walking_them(calendar: BusinessCalendar, start: date, n: int) -> None:
    days = business_days(calendar)
    place = bisect_right(days, start) + n - 1 if n > 0 else len([day for day in days if day < start]) + n
    if n == 0:
        assert calendar.add_business_days(start, 0) == start
    elif 0 <= place < len(days):
        moved = calendar.add_business_days(start, n)
        assert moved == days[place]
        if calendar.is_business_day(start):
            assert calendar.add_business_days(moved, -n) == start
            assert calendar.business_days_between(start, moved) == n
    else:
        with pytest.raises(CollectkitError, match="known"):
            calendar.add_business_days(start, n)


@given(calendar=calendars(), day=SHORT, how=st.sampled_from(get_args(Adjustment)))
def test_adjusting_lands_on_the_business_day_that_the_name_says(
    calendar: BusinessCalendar, day: date, how: Adjustment
) -> None:
    days = business_days(calendar)
    later, earlier = [d for d in days if d >= day], [d for d in days if d <= day]
    assume(later and earlier)
    following, preceding = later[0], earlier[-1]
    right = {
        "none": day,
        "following": following,
        "preceding": preceding,
        "modified_following": following if following.month == day.month else preceding,
        "modified_preceding": preceding if preceding.month == day.month else following,
        "nearest": following if following - day <= day - preceding else preceding,
    }
    assert calendar.adjust(day, how) == right[how]


# -- zones -------------------------------------------------------------------------------------------------------


def transitions(name: str, first: int, last: int) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Find the UTC instants at which a zone's offset changes: look every five days, then halve."""
    place = ZoneInfo(name)

    def offset(second: int) -> timedelta:
        found = datetime.fromtimestamp(second, tz=UTC).astimezone(place).utcoffset()
        assert found is not None
        return found

    edge = int(datetime(first, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last, 1, 1, tzinfo=UTC).timestamp())
    old = offset(edge)
    while edge < end:
        ahead = edge + 5 * 86_400
        new = offset(ahead)
        if new != old:
            low, high = edge, ahead
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == old else (low, middle)
            yield datetime.fromtimestamp(high, tz=UTC), old, offset(high)
        edge, old = ahead, new


def check_transitions(name: str, first: int, last: int) -> int:
    place, seen = ZoneInfo(name), 0
    for instant, old, new in transitions(name, first, last):
        if abs(new - old) > timedelta(hours=25) or old.microseconds or new.microseconds:
            continue
        seen += 1
        before, after = (instant + old).replace(tzinfo=None), (instant + new).replace(tzinfo=None)
        middle = min(before, after) + abs(new - old) / 2
        if new > old:  # a gap: before is the first wall time that never was, after the first that was
            for wall in (before, middle):
                moved = local_instant(wall.date(), wall.time(), place, gap="shift_forward")
                assert moved == instant, (name, wall)
                with pytest.raises(InvalidDate, match="skipped"):
                    local_instant(wall.date(), wall.time(), place)
            assert local_instant(after.date(), after.time(), place) == instant
        else:
            first_time = local_instant(middle.date(), middle.time(), place, overlap="first")
            second_time = local_instant(middle.date(), middle.time(), place, overlap="second")
            assert second_time.astimezone(UTC) - first_time.astimezone(UTC) == old - new
            assert first_time.astimezone(UTC) < instant <= second_time.astimezone(UTC)
            with pytest.raises(InvalidDate, match="twice"):
                local_instant(middle.date(), middle.time(), place)
    return seen


@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Pyongyang"],
)
def test_each_change_of_the_clocks_is_a_gap_or_an_overlap(name: str) -> None:  # DATE-03, DATE-04
    assert check_transitions(name, 1990, 2030) > 0


@pytest.mark.slow
def test_every_change_of_the_clocks_of_every_zone() -> None:
    assert sum(check_transitions(name, 1970, 2041) for name in sorted(available_timezones())) > 10_000


@given(
    instant=st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # Hypothesis wants naive bounds
    name=st.sampled_from(sorted(available_timezones())),
)
def test_a_business_date_is_the_offset_added(instant: datetime, name: str) -> None:  # DATE-06
    offset = instant.astimezone(ZoneInfo(name)).utcoffset()
    assert offset is not None
    assert business_date(instant, name) == (instant + offset).date()


@given(day=DAYS, at=st.times(), name=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu"]))
def test_an_instant_shows_the_wall_time_it_was_made_from(day: date, at: time, name: str) -> None:
    at = at.replace(fold=0)
    made = local_instant(day, at, name, gap="shift_forward", overlap="second")
    shown = made.astimezone(UTC).astimezone(ZoneInfo(name))
    if (shown.date(), shown.time().replace(fold=0)) != (day, at):  # only in a gap, and then it is the next that is
        assert shown.replace(tzinfo=None) > datetime.combine(day, at)
        with pytest.raises(InvalidDate, match="skipped"):
            local_instant(day, at, name, overlap="first")


# -- day counts --------------------------------------------------------------------------------------------------


@given(a=DAYS, b=DAYS, c=DAYS, convention=st.sampled_from(ADDITIVE))
def test_fractions_of_adjoining_spans_add_up(a: date, b: date, c: date, convention: Any) -> None:  # DATE-18
    def years(start: date, end: date) -> Fraction:
        return year_fraction(convention, start, end)

    assert years(a, b) + years(b, c) == years(a, c)
    assert years(a, b) == -years(b, a)


@given(start=DAYS, days=st.integers(0, 9000), convention=st.sampled_from(sorted({*DAY_COUNTS} - {"act/act-icma"})))
def test_a_convention_is_near_the_calendar(start: date, days: int, convention: Any) -> None:
    end = start + timedelta(days=days)
    counted = day_count(convention, start, end)
    assert abs(counted - days * 360 / 365.2425) <= 5 if convention.startswith("30") else counted == days
    assert abs(year_fraction(convention, start, end) - Fraction(days * 4, 1461)) <= Fraction(days, 365 * 65) + Fraction(
        1, 40
    )


@given(start=DAYS, months=st.integers(1, 240), per=st.sampled_from([1, 2, 4, 12]))
def test_icma_gives_whole_periods_whole_numbers(start: date, months: int, per: int) -> None:
    assume(start.day <= 28)
    length = 12 // per
    end = add_months(start, months * length)
    reference = {"ref_start_on": start, "ref_end_on": add_months(start, length), "periods_per_year": per}
    assert year_fraction("act/act-icma", start, end, **reference) == Fraction(months, per)  # type: ignore[arg-type] # a union


@given(end=DAYS, years=st.integers(0, 60))
def test_afb_gives_whole_years_back_whole_numbers(end: date, years: int) -> None:
    assume(end.day <= 27 or end.month != 2)
    assert year_fraction("act/act-afb", end.replace(year=end.year - years), end) == years


# -- level payments ----------------------------------------------------------------------------------------------


def level_oracle(principal: int, rate: Fraction, count: int, residual: int) -> Fraction:
    """Discount by a sum, not by the closed form: payment = (principal - residual v^n) / (v + v^2 + ... + v^n)."""
    discount = 1 / (1 + rate)
    annuity, power = Fraction(0), Fraction(1)
    for _ in range(count):
        power *= discount
        annuity += power
    return (principal - residual * power) / annuity


def rounded_oracle(value: Fraction, rounding: str) -> int:
    mode = getattr(decimal, f"ROUND_{rounding.upper()}")
    with decimal.localcontext(decimal.Context(prec=400)):
        below = value.numerator // value.denominator
        if value == below:
            return below
        twice = 2 * (value - below)
        part = Decimal("0.5") if twice == 1 else Decimal("0.75") if twice > 1 else Decimal("0.25")
        return int((below + part).quantize(Decimal(1), rounding=mode))


@given(
    principal=st.integers(0, 10**9),
    num=st.integers(0, 10**6),
    den=st.integers(10**6, 10**8),
    count=st.integers(1, 40),
    share=st.integers(0, 4),
    rounding=st.sampled_from(get_args(Rounding)),
)
@example(principal=10, num=1, den=4, count=1, share=0, rounding="half_even")  # 12.5: a tie for the exact form
@example(principal=30, num=1, den=4, count=1, share=0, rounding="half_even")  # 37.5
def test_the_level_payment_equals_the_exact_sum(
    principal: int, num: int, den: int, count: int, share: int, rounding: Any
) -> None:
    residual = principal * share // 4 if share > 1 else 0
    exact = level_oracle(principal, Fraction(num, den), count, residual)
    assert ci.level_payment_minor(principal, num, den, count, residual, rounding) == rounded_oracle(exact, rounding)


@given(
    principal=st.integers(1, 10**13),
    num=st.integers(1, 10**7),
    den=st.integers(10**7, 10**9),
    count=st.integers(1, 600),
    rounding=st.sampled_from(get_args(Rounding)),
)
def test_the_float_filter_never_decides_wrongly(principal: int, num: int, den: int, count: int, rounding: Any) -> None:
    grown, base = (den + num) ** count, den**count
    exact = Fraction(principal * num * grown, den * (grown - base))
    assert ci.level_payment_minor(principal, num, den, count, 0, rounding) == rounded_oracle(exact, rounding)


@given(whole=st.integers(1, 10**9), parts=st.integers(1, 400), digits=st.integers(13, 200))
def test_a_tiny_rate_is_within_a_unit_of_no_rate(whole: int, parts: int, digits: int) -> None:  # PLAN-03
    near = ci.level_payment_minor(whole, 1, 10**digits, parts)
    assert abs(near - ci.level_payment_minor(whole, 0, 1, parts)) <= 1


# -- accrual -----------------------------------------------------------------------------------------------------

BALANCES = st.integers(0, 10**12).map(lambda minor: Money(minor, "EUR"))
RATES = st.integers(0, 10_000_000).map(lambda millionths: Rate.of(Fraction(millionths, 10**6)))


@given(balance=BALANCES, rate=RATES, days=st.tuples(DAYS, DAYS, DAYS).map(sorted), convention=st.sampled_from(ADDITIVE))
def test_simple_interest_of_adjoining_spans_adds_up(balance: Money, rate: Rate, days: Any, convention: Any) -> None:
    a, b, c = days

    def interest(start: date, end: date) -> Fraction:
        return ci.accrued(balance=balance, rate=rate, start_on=start, end_on=end, day_count=convention)

    assert interest(a, b) + interest(b, c) == interest(a, c)


@given(balance=BALANCES, rate=RATES, days=st.tuples(DAYS, DAYS).map(sorted), times=st.integers(0, 9))
def test_interest_scales_with_the_balance(balance: Money, rate: Rate, days: Any, times: int) -> None:
    span: dict[str, Any] = {"rate": rate, "start_on": days[0], "end_on": days[1], "day_count": "act/360"}
    assert ci.accrued(balance=balance * times, **span) == times * ci.accrued(balance=balance, **span)


@given(
    balance=BALANCES,
    rate=RATES,
    start=DAYS,
    days=st.integers(0, 2000),
    every=st.sampled_from(["days", "months", "years"]),
)
def test_compounding_never_earns_less(balance: Money, rate: Rate, start: date, days: int, every: Any) -> None:
    span: dict[str, Any] = {"balance": balance, "rate": rate, "start_on": start, "day_count": "act/365f"}
    span["end_on"] = start + timedelta(days=min(days, 200) if every == "days" else days)
    assert ci.accrued(**span, compound_every=Every(1, every)) >= ci.accrued(**span)


@given(
    balance=BALANCES, rate=RATES, start=DAYS, days=st.integers(0, 3000), rounding=st.sampled_from(get_args(Rounding))
)
def test_the_rounding_orders_part_by_at_most_a_unit_a_day(
    balance: Money, rate: Rate, start: date, days: int, rounding: Any
) -> None:
    span: dict[str, Any] = {"balance": balance, "rate": rate, "start_on": start, "day_count": "act/365f"}
    span |= {"end_on": start + timedelta(days=days), "rounding": rounding}
    daily = ci.accrue(**span, rounding_order="daily_first")
    assert abs(daily.minor - ci.accrue(**span).minor) <= days + 1
    assert days == 0 or daily.minor % days == 0


# -- spreadsheet functions ---------------------------------------------------------------------------------------

PERIODIC = st.integers(-900, 5000).map(lambda k: Fraction(k, 10_000))
SUMS = st.integers(-(10**7), 10**7)


@given(rate=PERIODIC, n=st.integers(1, 120), pv=SUMS, fv=SUMS, when=st.sampled_from(["end", "begin"]))
def test_value_and_payment_are_inverse(rate: Fraction, n: int, pv: int, fv: int, when: Any) -> None:
    level = ci.pmt(rate=rate, nper=n, pv=pv, fv=fv, when=when)
    assert ci.fv(rate=rate, nper=n, pmt=level, pv=pv, when=when) == fv
    assert ci.pv(rate=rate, nper=n, pmt=level, fv=fv, when=when) == pv


@given(rate=PERIODIC, n=st.integers(1, 30), pv=SUMS, fv=SUMS, when=st.sampled_from(["end", "begin"]))
def test_parts_of_the_payments_add_up(rate: Fraction, n: int, pv: int, fv: int, when: Any) -> None:
    terms: dict[str, Any] = {"rate": rate, "nper": n, "pv": pv, "fv": fv, "when": when}
    level = ci.pmt(**terms)
    balance = Fraction(pv)
    for per in range(1, n + 1):  # the balance row by row, by definition
        interest = -balance * rate if when == "end" or per > 1 else Fraction(0)
        assert ci.ipmt(per=per, **terms) == interest
        assert ci.ppmt(per=per, **terms) == level - interest
        balance += level - interest
    assert ci.cumipmt(start=1, end=n, **terms) + ci.cumprinc(start=1, end=n, **terms) == n * level
    left = -fv if when == "end" else -Fraction(fv) / (1 + rate)
    assert balance == left


@given(rate=st.integers(1, 5000).map(lambda k: Fraction(k, 10_000)), n=st.integers(1, 400), pv=st.integers(1, 10**7))
def test_the_number_of_payments_comes_back(rate: Fraction, n: int, pv: int) -> None:
    assume((1 + rate) ** -n > Fraction(1, 10**12))  # else the payment is all interest but for the last digits
    level = ci.pmt(rate=rate, nper=n, pv=pv)
    assert abs(ci.nper(rate=rate, pmt=level, pv=pv) - n) < Decimal("1e-25")


@given(
    rate=st.integers(-300, 5000).map(lambda k: Fraction(k, 10_000)),
    n=st.integers(1, 360),
    pv=st.integers(1, 10**7),
    when=st.sampled_from(["end", "begin"]),
)
def test_the_rate_comes_back_to_25_decimals(rate: Fraction, n: int, pv: int, when: Any) -> None:
    assume(n > 1 or when == "end")
    assume(abs(n * rate) < 60)
    level = ci.pmt(rate=rate, nper=n, pv=pv, when=when)
    assert abs(Fraction(ci.rate(nper=n, pmt=level, pv=pv, when=when)) - rate) < Fraction(1, 10**25)


# -- yearly rates ------------------------------------------------------------------------------------------------


@given(ratio=st.fractions(min_value=Fraction(1, 2), max_value=Fraction(3), max_denominator=1000), n=st.integers(1, 480))
def test_a_level_rate_solves_its_equation(ratio: Fraction, n: int) -> None:
    # payment = ratio x principal / n: from paying back half to paying back three times
    principal, payment = Fraction(n), ratio
    i = Fraction(ci.level_rate(principal=principal, payment=payment, count=n))
    step = Fraction(1, 10**28)

    def lent_back(rate: Fraction) -> Decimal:
        with decimal.localcontext(decimal.Context(prec=90)):
            r = Decimal(rate.numerator) / rate.denominator
            value = Decimal(n) if r == 0 else (1 - (1 + r) ** -n) / r
            return value * payment.numerator / payment.denominator - Decimal(principal.numerator)

    assert lent_back(i - step) > 0 > lent_back(i + step)


@given(principal=st.integers(10_000, 10**9), share=st.integers(1, 3000), n=st.integers(2, 480))
def test_the_estimate_is_within_a_float_of_the_exact_rate(principal: int, share: int, n: int) -> None:
    payment = principal * (1000 + share) // (1000 * n) + 1
    exact = ci.level_rate(principal=principal, payment=payment, count=n)
    assert abs(ci.level_rate_estimate(principal, payment, n) - float(exact)) <= 1e-13


@given(
    lent=st.integers(1000, 10**9),
    first=st.dates(min_value=date(1980, 1, 1), max_value=date(2050, 1, 1)),
    n=st.integers(2, 60),
    gain=st.integers(1, 900),
)
def test_regulation_z_of_a_regular_plan_is_twelve_times_its_level_rate(
    lent: int, first: date, n: int, gain: int
) -> None:
    payment = lent * (1000 + gain) // (1000 * n) + 1
    apr = ci.regz_apr(advances=[(first, lent)], payments=[(on, payment) for on in month_dates(first, n)])
    level = ci.level_rate(principal=lent, payment=payment, count=n)
    assert apr.unit_period == Every(1, "months")
    assert apr.first_payment == ci.UnitInterval(whole=1, fraction=Fraction(0))
    assert abs(Fraction(apr.rate) - 12 * Fraction(level)) <= Fraction(1, 10**28)
    effective = ci.eu_aprc(drawdowns=[(0, lent)], payments=[(Fraction(k, 12), payment) for k in range(1, n + 1)])
    assert abs(Fraction(effective) - ((1 + Fraction(level)) ** 12 - 1)) <= Fraction(1, 10**26)


FLOWS = st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 10**7)), min_size=1, max_size=12)


@given(lent=st.integers(1, 10**8), paid=FLOWS, times=st.integers(1, 50), seed=st.randoms(use_true_random=False))
def test_a_dated_rate_knows_neither_scale_nor_order(
    lent: int, paid: list[tuple[int, int]], times: int, seed: Any
) -> None:
    start = date(2020, 2, 29)
    flows: list[tuple[date, int]] = [(start, lent), *((start + timedelta(days=d), -amount) for d, amount in paid)]
    gain = log(sum(amount for _, amount in paid) / lent) * 365
    assume(-60 * min(d for d, _ in paid) < gain < 50 * min(d for d, _ in paid))  # else no yearly figure makes sense
    rate = ci.dated_rate(flows)
    shuffled = [(on, amount * times) for on, amount in flows]
    seed.shuffle(shuffled)
    assert ci.dated_rate(shuffled) == rate
    with decimal.localcontext(decimal.Context(prec=80)):
        growth = 1 + rate
        left = [Decimal(amount) * growth ** (-Decimal((on - start).days) / 365) for on, amount in flows]
        scale = sum(abs(value) for value in left)
        assert abs(sum(left)) < scale * Decimal("1e-20") or growth < Decimal("1e-6")


@given(lent=st.integers(1, 10**8), paid=st.integers(1, 10**8), months=st.integers(1, 400))
def test_one_payment_has_a_rate_in_closed_form(lent: int, paid: int, months: int) -> None:
    assume(abs(paid / lent) ** (12 / months) < 1e20 and (lent / paid) ** (12 / months) < 1e20)
    rate = ci.eu_aprc(drawdowns=[(0, lent)], payments=[(Fraction(months, 12), paid)])
    with decimal.localcontext(decimal.Context(prec=80)):
        closed = (Decimal(paid) / lent) ** (Decimal(12) / months) - 1
    assert abs(rate - closed) < Decimal("1e-28") * max(1, abs(closed) * 10**3)


@given(start=DAYS, days=st.integers(0, 4000))
def test_years_of_the_directive_grow_with_the_days(start: date, days: int) -> None:
    end = start + timedelta(days=days)
    years = ci.eu_years(start, end)
    assert abs(years - Fraction(days * 4, 1461)) < Fraction(1, 90)
    assert ci.eu_years(start, add_months(start, days % 300)) == Fraction(days % 300, 12)


# -- only declared errors ----------------------------------------------------------------------------------------

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.decimals(),
    st.fractions(),
    st.dates(),
    st.binary(max_size=4),
)


@given(a=ANYTHING, b=ANYTHING, c=ANYTHING)
def test_only_declared_errors_escape(a: Any, b: Any, c: Any) -> None:  # L15
    for call in (
        lambda: add_months(a, b, month_end=c),
        lambda: month_dates(a, b if type(b) is not int or b < 500 else 500, c),
        lambda: Every(a, b),
        lambda: business_date(a, b),
        lambda: Rate.percent(a, limit=b),
        lambda: year_fraction(a, b, c),
        lambda: ci.pmt(rate=a, nper=b, pv=c),
        lambda: ci.rate(nper=a, pmt=b, pv=c),
        lambda: ci.nper(rate=a, pmt=b, pv=c),
        lambda: ci.level_rate(principal=a, payment=b, count=c),
        lambda: ci.dated_rate([(a, b), (c, b)]),
        lambda: ci.effective_annual(a, periods_per_year=b),
        lambda: ci.nominal_annual(a, periods_per_year=b),
    ):
        with suppress(CollectkitError):
            call()
