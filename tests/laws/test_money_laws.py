"""Laws of money: parts sum to the whole, mirrors mirror, and the host's decimal context plays no part."""

from __future__ import annotations

import decimal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.errors import CollectkitError
from collectkit.core.money import ISO_4217_EXPONENTS, MAX_MINOR, Money, Rounding, rounded, sum_by_currency, total

MINOR = st.integers(-MAX_MINOR, MAX_MINOR)
SMALL = st.integers(-100_000, 100_000)
CURRENCY = st.sampled_from(sorted(ISO_4217_EXPONENTS))
WEIGHTS = st.lists(
    st.integers(0, 1_000) | st.fractions(0, 10, max_denominator=50) | st.decimals(0, 100, places=3),
    min_size=1,
    max_size=12,
).filter(lambda weights: any(weights))
ROUNDINGS: dict[Rounding, str] = {
    "half_even": decimal.ROUND_HALF_EVEN,
    "half_up": decimal.ROUND_HALF_UP,
    "half_down": decimal.ROUND_HALF_DOWN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
    "ceiling": decimal.ROUND_CEILING,
    "floor": decimal.ROUND_FLOOR,
}


@contextmanager
def ambient(context: decimal.Context) -> Iterator[None]:
    """Be a host that set the decimal context to its own liking."""
    before = decimal.getcontext()
    decimal.setcontext(context)
    try:
        yield
    finally:
        decimal.setcontext(before)


CONTEXTS = st.builds(
    decimal.Context,
    prec=st.integers(1, 8),
    rounding=st.sampled_from(sorted(set(ROUNDINGS.values()))),
    Emin=st.just(-3),
    Emax=st.just(3),
    clamp=st.sampled_from([0, 1]),
    traps=st.just([]) | st.just([decimal.InvalidOperation, decimal.Inexact, decimal.Rounded, decimal.FloatOperation]),
)


# -- allocation ----------------------------------------------------------------------------------------------------


@given(minor=MINOR, weights=WEIGHTS)
def test_parts_sum_to_the_whole_and_lie_within_a_unit_of_their_exact_share(minor: int, weights: list[int]) -> None:
    parts = [part.minor for part in Money(minor, "EUR").allocate(weights)]
    whole = sum(map(Fraction, weights))
    assert sum(parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(minor) * Fraction(weight) / whole) < 1
        assert weight or part == 0


@given(minor=MINOR, weights=WEIGHTS)
def test_allocating_the_negative_is_the_negative_of_allocating(minor: int, weights: list[int]) -> None:
    """MONEY-14."""
    there, back = Money(minor, "EUR").allocate(weights), Money(-minor, "EUR").allocate(weights)
    assert there == tuple(-part for part in back)


def nearest_parts(amount: int, weights: list[int]) -> tuple[int, ...]:
    """Search, among all ways to hand out the odd units, the one nearest to the exact shares; the earlier wins a tie."""
    whole = sum(weights)
    floors = [amount * weight // whole for weight in weights]
    odd = amount - sum(floors)

    def distance(chosen: tuple[int, ...]) -> tuple[Fraction, tuple[int, ...]]:
        parts = [floor + (place in chosen) for place, floor in enumerate(floors)]
        errors = [(Fraction(amount * weight, whole) - part) ** 2 for part, weight in zip(parts, weights, strict=True)]
        return sum(errors, Fraction(0)), chosen

    chosen = min(combinations(range(len(weights)), odd), key=distance)
    return tuple(floor + (place in chosen) for place, floor in enumerate(floors))


@given(amount=st.integers(0, 200), weights=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
def test_allocation_is_the_nearest_that_a_search_over_all_ways_finds(amount: int, weights: list[int]) -> None:
    """An independent oracle for largest remainders: least squares over every way to hand out the odd units."""
    assert tuple(part.minor for part in Money(amount, "EUR").allocate(weights)) == nearest_parts(amount, weights)


def test_every_small_sum_in_every_small_number_of_parts() -> None:
    """MONEY-13, exhaustively: 0 to 2,000 cents in 1 to 60 parts, 120,060 cases."""
    for parts in range(1, 61):
        for cents in range(2_001):
            quotient, rest = divmod(cents, parts)
            found = Money(cents, "EUR").split(parts)
            assert len(found) == parts
            assert found[0].minor == quotient + (rest > 0)
            assert found[-1].minor == quotient
            assert found.count(found[0]) * found[0].minor + (parts - found.count(found[0])) * quotient == cents


@given(minor=SMALL, parts=st.integers(1, 200))
def test_splitting_is_allocating_by_equal_weights(minor: int, parts: int) -> None:
    money = Money(minor, "EUR")
    assert money.split(parts) == money.allocate([1] * parts)
    assert max(money.split(parts)) - min(money.split(parts)) <= Money(1, "EUR")


# -- rounding ------------------------------------------------------------------------------------------------------


@given(numerator=st.integers(-(10**12), 10**12), places=st.integers(0, 6), rounding=st.sampled_from(sorted(ROUNDINGS)))
def test_rounding_agrees_with_the_decimal_module(numerator: int, places: int, rounding: Rounding) -> None:
    wide = decimal.Context(prec=60)
    exact = Decimal(numerator).scaleb(-places, wide)
    expected = int(exact.quantize(Decimal(1), rounding=ROUNDINGS[rounding], context=wide))
    assert rounded(Fraction(numerator, 10**places), rounding) == expected


@given(value=st.fractions(), rounding=st.sampled_from(["half_even", "half_up", "half_down", "up", "down"]))
def test_rounding_is_symmetric_about_zero(value: Fraction, rounding: Rounding) -> None:
    """MONEY-14."""
    assert rounded(-value, rounding) == -rounded(value, rounding)


@given(value=st.fractions())
def test_floor_and_ceiling_mirror_each_other(value: Fraction) -> None:
    assert rounded(-value, "floor") == -rounded(value, "ceiling")


# -- there and back ------------------------------------------------------------------------------------------------


@given(minor=MINOR, currency=CURRENCY)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    """MONEY-03: one form for one sum."""
    money = Money(minor, currency)
    assert Money.of(money.plain(), currency) == money
    assert Money.of(money.to_decimal(), currency) == money
    assert Money.of(money.plain(), currency).plain() == money.plain()
    assert money.to_decimal().as_tuple().exponent == -ISO_4217_EXPONENTS[currency]


@given(amounts=st.lists(st.builds(Money, SMALL, st.sampled_from(["EUR", "USD", "JPY"])), max_size=20))
def test_sums_per_currency_keep_every_unit(amounts: list[Money]) -> None:
    sums = sum_by_currency(amounts)
    assert list(sums) == sorted(sums)
    for currency, amount in sums.items():
        assert amount == total((one for one in amounts if one.currency == currency), currency)


@given(amount=st.text(max_size=12) | st.decimals() | st.integers() | st.floats() | st.booleans() | st.none())
def test_anything_is_read_or_refused_by_a_declared_error(amount: object) -> None:
    """L15."""
    try:
        found: Money | str = Money.of(amount, "EUR", rounding="half_even")  # type: ignore[arg-type]
    except CollectkitError as error:
        found = error.code
    if isinstance(found, Money):
        assert type(found.minor) is int
        assert not isinstance(amount, (float, bool))
    else:
        assert found.startswith("money.")


# -- the host's context --------------------------------------------------------------------------------------------


def a_day_of_money(minor: int, weights: list[int], text: str, places: int) -> list[object]:
    money = Money(minor, "EUR")
    return [
        Money.of(text, "EUR"),
        Money.of(money.to_decimal(), "EUR"),
        Money.of(Decimal(minor).scaleb(-places, decimal.Context(prec=60)), "EUR", rounding="half_up"),
        money.times(Decimal("0.12345678901234567890"), rounding="half_even"),
        money.allocate([Decimal(weight) for weight in weights]),
        money.split(7),
        money + Money(1, "EUR"),
        str(money),
        money.plain(),
    ]


@given(
    context=CONTEXTS,
    minor=st.integers(-(10**15), 10**15),
    weights=WEIGHTS,
    text=st.sampled_from(["123456.78", "0.01", "999999999999.99", "-12345678.90"]),
    places=st.integers(0, 5),
)
def test_the_ambient_decimal_context_changes_no_cent(
    context: decimal.Context, minor: int, weights: list[int], text: str, places: int
) -> None:
    """MONEY-12: prec=6 outside would turn 123456.78 + 0.01 into 123457."""
    weights = [int(Fraction(weight)) + 1 for weight in weights]
    expected = a_day_of_money(minor, weights, text, places)
    with ambient(context):
        found = a_day_of_money(minor, weights, text, places)
        read = Money(minor, "EUR").to_decimal()
    assert found == expected
    assert read == Money(minor, "EUR").to_decimal()


def test_a_hosts_default_context_does_not_reach_ours() -> None:
    """MONEY-12: what a context leaves out it copies from decimal.DefaultContext, also long before we are imported."""
    code = (
        "import decimal as d; c = d.DefaultContext; c.prec = 3; c.Emax = 5; c.Emin = -5; c.rounding = d.ROUND_UP;"
        "c.traps[d.Inexact] = c.traps[d.Rounded] = c.traps[d.Clamped] = True; d.setcontext(d.Context());"
        "from datetime import date; import collectkit as ck;"
        "plan = ck.amortised_plan(plan_id='P', principal=ck.Money.of('123456.78', 'EUR'), rate=ck.Rate.percent('9.4822'),"
        "instalments=24, start_on=date(2026, 1, 31), compounding='annual');"
        "print(plan.total.plain(), ck.Money(10**17, 'EUR').to_decimal())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    quiet = code[code.index("from datetime") :]  # the same without the host's changes
    plain = subprocess.run([sys.executable, "-c", quiet], capture_output=True, check=True, text=True)
    assert said.stdout == plain.stdout
    assert said.stdout.endswith(" 1000000000000000.00\n")


def test_the_control_is_disturbed_by_its_context() -> None:
    """A test that never fails proves nothing: plain Decimal arithmetic does notice."""
    with ambient(decimal.Context(prec=6)):
        assert Decimal("123456.78") + Decimal("0.01") == Decimal("123457")


@given(context=CONTEXTS, bad=st.sampled_from(["abc", Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")]))
def test_what_is_refused_is_refused_in_any_context(context: decimal.Context, bad: object) -> None:
    """MONEY-12: with the trap off, Decimal('abc') is NaN."""
    with ambient(context), pytest.raises(CollectkitError):
        Money.of(bad, "EUR")  # type: ignore[arg-type]
