"""Laws of interest on arrears: what days earn is what an independent reckoning says, however the days are cut."""

from __future__ import annotations

from bisect import bisect_right
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectkit.core.money import Money, rounded
from collectkit.core.rates import DAY_COUNTS, Rate
from collectkit.core.records import Account, AccountSnapshot, Debtor, Receivable
from collectkit.core.waterfall import balance_of as account_balance
from collectkit.policy import (
    AccruedInterest,
    BalanceStep,
    ChargePolicy,
    InterestPolicy,
    InterestStep,
    RateTerms,
    accrue_on,
    charges_due,
    post,
)

DAY = timedelta(days=1)
SINGLE_DAYS = tuple(name for name in DAY_COUNTS if name not in ("act/act-icma", "act/act-afb"))
ROUNDINGS = ("half_even", "half_up", "up", "down")

starts = st.one_of(
    st.dates(date(2019, 1, 1), date(2027, 12, 31)),
    st.sampled_from([date(2023, 2, 28), date(2024, 2, 28), date(2024, 2, 29), date(2026, 1, 30), date(2026, 1, 31)]),
)
lengths = st.integers(0, 120) | st.integers(0, 900)
rates = st.sampled_from([Fraction(9, 100), Fraction(12, 100), Fraction(1475, 10_000), Fraction(1, 3)])


# -- an independent reckoning, day by day ----------------------------------------------------------------------


def months_on(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def is_last_of_february(day: date) -> bool:
    return day.month == 2 and (day + DAY).month == 3


def thirty(start: date, end: date, first: int, second: int) -> int:
    return (end.year - start.year) * 360 + (end.month - start.month) * 30 + second - first


def thirty_us(start: date, end: date) -> int:
    first, second = start.day, end.day
    if is_last_of_february(start):
        second = 30 if is_last_of_february(end) else second
        first = 30
    if second == 31 and first >= 30:
        second = 30
    return thirty(start, end, min(first, 30), second)


def thirty_bond(start: date, end: date) -> int:
    first = min(start.day, 30)
    return thirty(start, end, first, 30 if end.day == 31 and first == 30 else end.day)


def thirty_european(start: date, end: date) -> int:
    return thirty(start, end, min(start.day, 30), min(end.day, 30))


def thirty_isda(start: date, end: date) -> int:
    def day_of(on: date) -> int:
        return 30 if on.day == 31 or is_last_of_february(on) else on.day

    return thirty(start, end, day_of(start), day_of(end))


def french(start: date, end: date) -> Fraction:
    """Whole years back from the end, from a last of February to the last of February; the rest over 365 or 366."""

    def back(years: int) -> date:
        year = end.year - years
        if years and end.month == 2 and end.day >= 28:
            return date(year, 2, monthrange(year, 2)[1])
        return end.replace(year=year)

    years = 0
    while back(years + 1) >= start:
        years += 1
    rest = [start + DAY * n for n in range((back(years) - start).days)]
    return years + Fraction(len(rest), 366 if any((day.month, day.day) == (2, 29) for day in rest) else 365)


def by_years(start: date, end: date) -> Fraction:
    number = 0
    while months_on(start, 12 * (number + 1)) <= end:
        number += 1
    first, last = months_on(start, 12 * number), months_on(start, 12 * number + 12)
    return number + Fraction((end - first).days, (last - first).days)


BASES: dict[str, tuple[Callable[[date, date], int], Fraction]] = {
    "30/360-us": (thirty_us, Fraction(360)),
    "30/360-bond": (thirty_bond, Fraction(360)),
    "30E/360": (thirty_european, Fraction(360)),
    "30E/360-isda": (thirty_isda, Fraction(360)),
    "30/365": (thirty_bond, Fraction(365)),
    "act/360": (lambda start, end: (end - start).days, Fraction(360)),
    "act/364": (lambda start, end: (end - start).days, Fraction(364)),
    "act/365f": (lambda start, end: (end - start).days, Fraction(365)),
    "act/365.25": (lambda start, end: (end - start).days, Fraction(1461, 4)),
}


def share(convention: str, start: date, end: date) -> Fraction:
    if convention in BASES:
        days, basis = BASES[convention]
        return days(start, end) / basis
    if convention == "act/act-isda":
        leap = sum(isleap((start + DAY * n).year) for n in range((end - start).days))
        return Fraction(leap, 366) + Fraction((end - start).days - leap, 365)
    return french(start, end) if convention == "act/act-afb" else by_years(start, end)


def reckoned(
    convention: str,
    rate: Fraction,
    start: date,
    end: date,
    balance_on: Callable[[date], int],
    rests: int | None,
    settled_on: Callable[[date], int] = lambda day: 0,
    due_in_days: int = 0,
) -> Fraction:
    """Add up one day after the other; at each rest what is due and unpaid joins the balance."""
    total = Fraction(0)
    at_rests: list[tuple[date, Fraction]] = []
    number, first = 0, start
    day, before = start, Fraction(0)
    while day < end:
        if rests is not None and day == months_on(start, rests * number):
            at_rests.append((day, total))
            number, first, before = number + 1, day, Fraction(0)
        due = Fraction(0)
        for rest, earned in at_rests:
            if rest + DAY * due_in_days <= first:
                due = earned
        unpaid = max(Fraction(0), due - settled_on(day)) if rests is not None else Fraction(0)
        if rests is not None and convention == "act/act-icma":  # the rest is the reference period
            length = (months_on(start, rests * number) - first).days
            after = Fraction(rests, 12) * (day + DAY - first).days / length
        else:
            after = share(convention, first, day + DAY)
        if balance_on(day) > 0:
            total += (balance_on(day) + unpaid) * rate * (after - before)
        day, before = day + DAY, after
    return total


def reckoned_by_the_day(
    convention: str, rate: Fraction, start: date, end: date, balance_on: Callable[[date], int], rounding: Any
) -> int:
    total = 0
    for day in (start + DAY * n for n in range((end - start).days)):
        yearly = max(0, balance_on(day)) * rate
        if convention == "act/act-isda":
            total += rounded(yearly / (366 if isleap(day.year) else 365), rounding)
        else:
            days, basis = BASES[convention]
            total += rounded(yearly / basis, rounding) * (days(start, day + DAY) - days(start, day))
    return total


# -- drawing ---------------------------------------------------------------------------------------------------


@st.composite
def balances(draw: st.DrawFn, start: date, days: int) -> list[BalanceStep]:
    """Steps from the start on, some of which change nothing."""
    cuts = draw(st.lists(st.integers(1, max(1, days)), max_size=4, unique=True))
    minor = draw(st.integers(1, 10**7))
    steps = [BalanceStep(from_on=start, balance=Money(minor, "EUR"))]
    for cut in sorted(cuts):
        minor = draw(st.just(minor) | st.integers(0, minor))
        steps.append(BalanceStep(from_on=start + DAY * cut, balance=Money(minor, "EUR")))
    return steps


@st.composite
def settlements(draw: st.DrawFn, start: date, days: int) -> list[InterestStep]:
    cuts = draw(st.lists(st.integers(1, max(1, days)), max_size=3, unique=True))
    minor, found = 0, []
    for cut in sorted(cuts):
        minor += draw(st.integers(0, 10**5))
        found.append(InterestStep(from_on=start + DAY * cut, settled=Money(minor, "EUR")))
    return found


def standing(days: list[date], amounts: list[int]) -> Callable[[date], int]:
    def on(day: date) -> int:
        place = bisect_right(days, day)
        return amounts[place - 1] if place else 0

    return on


def balance_of(steps: list[BalanceStep]) -> Callable[[date], int]:
    return standing([one.from_on for one in steps], [one.balance.minor for one in steps])


def accrued(steps: list[BalanceStep], start: date, end: date, terms: RateTerms, **more: Any) -> AccruedInterest:
    began_on = more.get("began_on", start)
    found = accrue_on(terms, steps, due_on=began_on - DAY, start_on=start, end_on=end, **more)
    assert isinstance(found, AccruedInterest)
    return found


# -- laws ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", DAY_COUNTS)
@given(
    st.data(),
    st.none() | st.sampled_from([1, 2, 3, 5, 12, 18]),
    rates,
    starts,
    st.integers(0, 120) | st.integers(0, 500),
    st.sampled_from(ROUNDINGS),
)
def test_interest_is_what_an_independent_reckoning_of_each_day_adds_up_to(
    convention: Any, data: st.DataObject, rests: int | None, rate: Fraction, start: date, days: int, rounding: Any
) -> None:
    end = start + DAY * days
    steps = data.draw(balances(start, days))
    settled = data.draw(settlements(start, days))
    wait = data.draw(st.sampled_from([0, 0, 14, 40]))
    terms = RateTerms(rate=Rate(rate), day_count=convention, rests_months=rests)
    found = accrued(steps, start, end, terms, interest=settled, interest_due_in_days=wait, rounding=rounding)
    paid = standing([one.from_on for one in settled], [one.settled.minor for one in settled])
    exact = reckoned(convention, rate, start, end, balance_of(steps), rests, paid, wait)
    assert found.exact == exact
    assert found.amount == Money(rounded(exact, rounding), "EUR")


@pytest.mark.parametrize("convention", SINGLE_DAYS)
@given(st.data(), rates, starts, lengths, st.sampled_from(ROUNDINGS))
def test_a_day_rounded_first_is_the_day_of_its_convention_times_its_days(
    convention: Any, data: st.DataObject, rate: Fraction, start: date, days: int, rounding: Any
) -> None:
    end = start + DAY * days
    steps = data.draw(balances(start, days))
    terms = RateTerms(rate=Rate(rate), day_count=convention)
    found = accrued(steps, start, end, terms, rounding_order="daily_first", rounding=rounding)
    minor = reckoned_by_the_day(convention, rate, start, end, balance_of(steps), rounding)
    assert (found.exact, found.amount) == (Fraction(minor), Money(minor, "EUR"))


ORDERS = [
    *(("total_only", convention, rests) for convention in DAY_COUNTS for rests in (None, 1, 5)),
    *(("daily_first", convention, None) for convention in SINGLE_DAYS),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(str(part) for part in order))
@settings(max_examples=30)
@given(st.data(), rates, starts, lengths, st.sampled_from(ROUNDINGS))
def test_any_split_of_the_span_gives_the_same_total(
    order: tuple[Any, Any, Any], data: st.DataObject, rate: Fraction, start: date, days: int, rounding: Any
) -> None:
    rounding_order, convention, rests = order
    end = start + DAY * days
    steps = data.draw(balances(start, days))
    settled = data.draw(settlements(start, days))
    cuts = sorted(data.draw(st.lists(st.integers(0, days), max_size=4)))
    terms = RateTerms(rate=Rate(rate), day_count=convention, rests_months=rests)
    named: dict[str, Any] = {"rounding_order": rounding_order, "rounding": rounding, "interest": settled}
    whole = accrued(steps, start, end, terms, **named)
    parts = [
        accrued(steps, from_on, until_on, terms, began_on=start, **named)
        for from_on, until_on in pairwise([start, *(start + DAY * cut for cut in cuts), end])
    ]
    assert sum(part.exact for part in parts) == whole.exact
    assert sum(part.amount.minor for part in parts) == whole.amount.minor
    assert all(part.exact >= 0 for part in parts)


@given(st.data(), st.sampled_from(ORDERS), rates, starts, lengths)
def test_steps_rates_and_frozen_days_that_change_nothing_change_nothing(
    data: st.DataObject, order: tuple[Any, Any, Any], rate: Fraction, start: date, days: int
) -> None:
    rounding_order, convention, rests = order
    end = start + DAY * days
    terms = RateTerms(rate=Rate(rate), day_count=convention, rests_months=rests)
    one = [BalanceStep(from_on=start, balance=Money(data.draw(st.integers(1, 10**7)), "EUR"))]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, days)), max_size=5)))
    many = one + [BalanceStep(from_on=start + DAY * cut, balance=one[0].balance) for cut in cuts]
    nothing = [(start + DAY * cut, start + DAY * cut) for cut in cuts]
    plain = accrued(one, start, end, terms, rounding_order=rounding_order)
    cut = accrued(many, start, end, terms, rounding_order=rounding_order, frozen=nothing)
    assert (cut.exact, cut.amount) == (plain.exact, plain.amount)


@given(st.data(), st.sampled_from(DAY_COUNTS), st.integers(1, 4), rates, starts, lengths)
def test_settling_interest_never_makes_more_of_it_and_what_is_settled_at_once_bears_none(
    data: st.DataObject, convention: Any, rests: int, rate: Fraction, start: date, days: int
) -> None:
    end = start + DAY * days
    steps = data.draw(balances(start, days))
    settled = data.draw(settlements(start, days))
    terms = RateTerms(rate=Rate(rate), day_count=convention, rests_months=rests)
    unpaid = accrued(steps, start, end, terms).exact
    some = accrued(steps, start, end, terms, interest=settled).exact
    everything = [InterestStep(from_on=start, settled=Money(10**12, "EUR"))]
    all_paid = accrued(steps, start, end, terms, interest=everything)
    assert all_paid.exact <= some <= unpaid
    assert all(piece.on_interest == 0 for piece in all_paid.pieces)


# -- what is posted --------------------------------------------------------------------------------------------


def posted_by(looks: list[date], policy: InterestPolicy, receivable: Receivable) -> int:
    """Look on each of the days, post what is due, and return the sum of all."""
    snapshot = AccountSnapshot(
        as_of=looks[0],
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[receivable],
    )
    policies = ChargePolicy(interest=[policy])
    for day in looks:
        snapshot = attrs.evolve(snapshot, as_of=day)
        found = charges_due(policies=policies, snapshot=snapshot, balance=account_balance(snapshot))
        snapshot = post(snapshot, found.charges)
    return sum(one.amount_original.minor for one in snapshot.receivables if one.charge_key is not None)


@given(st.data(), st.sampled_from(ORDERS), rates, starts, st.sampled_from(ROUNDINGS), st.integers(1, 3))
def test_however_often_one_looks_the_same_interest_is_posted(
    data: st.DataObject, order: tuple[Any, Any, Any], rate: Fraction, start: date, rounding: Any, every: int
) -> None:
    rounding_order, convention, rests = order
    receivable = Receivable(
        receivable_id="R",
        account_id="A",
        amount_original=Money(data.draw(st.integers(1, 10**6)), "EUR"),
        issued_on=start - DAY,
        due_on=start - DAY,
    )
    policy = InterestPolicy(
        id="i",
        terms=RateTerms(rate=Rate(rate), day_count=convention, rests_months=rests),
        rounding_order=rounding_order,
        rounding=rounding,
        post_every_months=every,
    )
    boundary = months_on(start, every * data.draw(st.integers(1, 6)))
    days = data.draw(st.lists(st.integers(0, (boundary - start).days - 1), max_size=6))
    looks = sorted({start + DAY * day for day in days})
    assert posted_by([*looks, boundary], policy, receivable) == posted_by([boundary], policy, receivable)
    whole = accrued([BalanceStep(from_on=start, balance=receivable.amount_original)], start, boundary, policy.terms)
    if rounding_order == "total_only":
        assert posted_by([boundary], policy, receivable) == rounded(whole.exact, rounding)
