"""Money: every way in, every way out, and what is refused at the door."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction
from types import ModuleType

import pytest

from collectkit.core.errors import CurrencyMismatch, InvalidMoney, MoneyTypeError
from collectkit.core.money import (
    ISO_4217_EXPONENTS,
    MAX_MINOR,
    Money,
    Rounding,
    exponent_of,
    round_half_even,
    rounded,
    sum_by_currency,
    total,
)


def code_of(build: object, *args: object, **named: object) -> str:
    with pytest.raises(InvalidMoney) as error:
        build(*args, **named)  # type: ignore[operator]
    return error.value.code


class OddDecimal(Decimal):
    """A subclass that shows itself wrongly (MONEY-17)."""

    def __str__(self) -> str:
        return "999"


# -- the way in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("sNaN"), "NaN", "nan", "-sNaN", " nan "])
def test_nan_is_no_amount(amount: object) -> None:
    """MONEY-01."""
    assert code_of(Money.of, amount, "EUR") == "money.not_finite"


@pytest.mark.parametrize("amount", [Decimal("Infinity"), Decimal("-Infinity"), "Infinity", "-inf", "+inf"])
def test_infinity_is_no_amount(amount: object) -> None:
    """MONEY-02."""
    assert code_of(Money.of, amount, "EUR") == "money.not_finite"


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1e400, 0.1, 19.99, 5.0])
def test_a_float_is_no_amount_whatever_its_value(amount: float) -> None:
    """MONEY-06, and the floats of MONEY-01 and 02: json reads 1e400 as inf."""
    with pytest.raises(MoneyTypeError) as error:
        Money.of(amount, "EUR")  # type: ignore[arg-type]
    assert error.value.code == "money.float"
    assert "Decimal" in error.value.text
    assert isinstance(error.value, TypeError)
    assert code_of(Money, amount, "EUR") == "money.float"


@pytest.mark.parametrize("value", [True, False])
def test_a_bool_is_no_amount(value: bool) -> None:
    """MONEY-07."""
    assert code_of(Money.of, value, "EUR") == "money.bool"
    assert code_of(Money, value, "EUR") == "money.bool"


@pytest.mark.parametrize("value", [None, [], "5", Decimal(5), Fraction(5), object()])
def test_minor_units_are_whole_numbers(value: object) -> None:
    assert code_of(Money, value, "EUR") == "money.type"


def test_an_amount_of_another_type_is_refused_by_its_type() -> None:
    for value in (None, [], Fraction(1, 3), b"5"):
        assert code_of(Money.of, value, "EUR") == "money.type"


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("-0", "EUR"), (Decimal("-0"), "EUR"), (Decimal("-0.00"), "JPY"), (Decimal("0E+9999"), "EUR")],
)
def test_minus_zero_is_zero(amount: object, currency: str) -> None:
    """MONEY-03."""
    zero = Money.of(amount, currency)  # type: ignore[arg-type]
    plain = Money.zero(currency)
    assert zero == plain
    assert (hash(zero), repr(zero), str(zero), zero.plain()) == (hash(plain), repr(plain), str(plain), plain.plain())
    assert not zero.to_decimal().is_signed()


def test_rounding_to_zero_leaves_no_sign() -> None:
    """MONEY-03: Decimal gives -0.00."""
    assert str(Money.of("-0.004", "EUR", rounding="half_even")) == "0.00 EUR"


@pytest.mark.parametrize("amount", ["0.001", Decimal("1e-30"), Decimal("1e-65"), "0.005"])
def test_digits_beyond_the_minor_unit_are_never_dropped_in_silence(amount: object) -> None:
    """MONEY-04."""
    assert code_of(Money.of, amount, "EUR") == "money.precision"


def test_a_named_rounding_takes_more_digits() -> None:
    assert Money.of("0.005", "EUR", rounding="half_up") == Money(1, "EUR")
    assert Money.of(Decimal("1e-30"), "EUR", rounding="up") == Money(1, "EUR")


@pytest.mark.parametrize(
    "amount",
    [Decimal("1e30"), Decimal("1e999999"), 10**5000, "1" + "0" * 20, Decimal("1" * 100), -(10**17)],
    ids=lambda amount: type(amount).__name__,
)
def test_too_large_an_amount_is_refused_before_work_in_proportion_to_it(amount: object) -> None:
    """MONEY-05."""
    assert code_of(Money.of, amount, "EUR") == "money.out_of_range"


def test_the_limit_itself_stands_and_one_more_does_not() -> None:
    assert Money(MAX_MINOR, "EUR").minor == 10**18
    assert Money(-MAX_MINOR, "EUR").is_negative
    for minor in (MAX_MINOR + 1, -MAX_MINOR - 1):
        assert code_of(Money, minor, "EUR") == "money.out_of_range"
    assert code_of(lambda: Money(MAX_MINOR, "EUR") + Money(1, "EUR")) == "money.out_of_range"
    assert code_of(lambda: Money(MAX_MINOR, "EUR") * 2) == "money.out_of_range"


@pytest.mark.parametrize(
    "text",
    [
        "1,234.50", "1.234,50", "1\u00a0234,50", "1\u202f234,50", "1'234.50", "(5.00)", "5-", "\u22125", "\u20ac5", "5e2", "\uff11\uff12",
        "\u0663", " 5 ", "1_000", "", ".", "5.", ".5", "+-5", "0x10", "1\n", "5 EUR", "9" * 65,
    ],
)  # fmt: skip
def test_only_plain_ascii_figures_are_read(text: str) -> None:
    """MONEY-10: Decimal would take several of these."""
    assert code_of(Money.of, text, "EUR") == "money.syntax"


@pytest.mark.parametrize(
    ("text", "minor"), [("0", 0), ("007", 700), ("+5", 500), ("-5.1", -510), ("12.30", 1230), ("9" * 16, 10**18 - 100)]
)
def test_plain_figures_are_read_exactly(text: str, minor: int) -> None:
    assert Money.of(text, "EUR") == Money(minor, "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1500", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("0.001", "BHD", 1),
        ("1.2345", "CLF", 12345),
        (Decimal("1E+2"), "USD", 10_000),
    ],
)
def test_minor_units_follow_iso_4217(amount: object, currency: str, minor: int) -> None:
    """MONEY-09."""
    assert Money.of(amount, currency).minor == minor  # type: ignore[arg-type]


def test_a_yen_has_no_half() -> None:
    assert code_of(Money.of, "1.5", "JPY") == "money.precision"


@pytest.mark.parametrize("currency", ["ZZZ", "eur", "DEM", "", "EURO", None, 978, "Eur ", "XAU", "XXX"])
def test_an_unknown_currency_is_refused_and_case_is_not_folded(currency: object) -> None:
    for build in (lambda: Money(1, currency), lambda: Money.of("1", currency), lambda: exponent_of(currency)):  # type: ignore[arg-type]
        assert code_of(build) == "money.unknown_currency"


def test_a_currency_in_small_letters_is_told_the_right_ones() -> None:
    with pytest.raises(InvalidMoney, match="write EUR"):
        Money(1, "eur")


def test_the_table_holds_the_active_currencies_with_their_iso_digits() -> None:
    """Counts by ISO 4217 list one: the currencies without and with three or four minor digits are few and known."""
    by_digits = {digits: {code for code, d in ISO_4217_EXPONENTS.items() if d == digits} for digits in range(5)}
    none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    three = "BHD IQD JOD KWD LYD OMR TND"
    assert (" ".join(sorted(by_digits[0])), " ".join(sorted(by_digits[3]))) == (none, three)
    assert by_digits[4] == {"CLF", "UYW"}
    assert by_digits[1] == set()
    assert {"EUR", "USD", "GBP", "CHF", "CNY", "INR", "HUF", "MGA", "MRU", "ZWG", "XCG"} <= by_digits[2]
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in ISO_4217_EXPONENTS)


def test_whole_numbers_of_other_types_come_in_by_their_index_and_subclasses_as_what_they_are() -> None:
    """MONEY-17."""

    class Whole:
        def __index__(self) -> int:
            return 7

    assert Money(Whole(), "EUR") == Money(7, "EUR")  # type: ignore[arg-type]
    assert type(Money(Whole(), "EUR").minor) is int  # type: ignore[arg-type]
    assert Money.of(Whole(), "EUR") == Money(700, "EUR")  # type: ignore[arg-type]
    assert Money.of(OddDecimal("1.25"), "EUR") == Money(125, "EUR")
    assert Money(3, "EUR") * Whole() == Money(21, "EUR")  # type: ignore[operator]


def test_an_index_that_refuses_to_be_used_is_refused_by_type() -> None:
    class Shy:
        def __index__(self) -> int:
            raise TypeError("not now")

    assert code_of(Money, Shy(), "EUR") == code_of(Money.of, Shy(), "EUR") == "money.type"


@pytest.fixture
def numpy() -> ModuleType:
    return pytest.importorskip("numpy", reason="numpy is an extra")


def test_numpy_integers_come_in_and_its_floats_and_bools_do_not(numpy: ModuleType) -> None:
    """MONEY-17."""
    assert Money(numpy.int64(5), "EUR") == Money(5, "EUR")
    assert type(Money(numpy.int64(5), "EUR").minor) is int
    assert Money.of(numpy.uint8(5), "EUR") == Money(500, "EUR")
    for value in (numpy.float64(0.1), numpy.float32(1)):
        assert code_of(Money.of, value, "EUR") == "money.float"
        assert code_of(Money, value, "EUR") == "money.float"
    assert code_of(Money, numpy.bool_(True), "EUR") == "money.bool"


# -- the way out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("money", "plain", "decimal"),
    [
        (Money(1230, "EUR"), "12.30", "12.30"),
        (Money(-7, "EUR"), "-0.07", "-0.07"),
        (Money(-100, "EUR"), "-1.00", "-1.00"),
        (Money(5, "JPY"), "5", "5"),
        (Money(-5, "JPY"), "-5", "-5"),
        (Money(1, "KWD"), "0.001", "0.001"),
        (Money(12345, "CLF"), "1.2345", "1.2345"),
        (Money(0, "EUR"), "0.00", "0.00"),
    ],
)
def test_figures_leave_as_they_came(money: Money, plain: str, decimal: str) -> None:
    assert money.plain() == plain
    assert str(money) == f"{plain} {money.currency}"
    assert str(money.to_decimal()) == decimal
    assert Money.of(plain, money.currency) == Money.of(money.to_decimal(), money.currency) == money


def test_the_repr_can_be_pasted_back() -> None:
    money = Money(-5, "EUR")
    assert repr(money) == "Money(-5, 'EUR')"
    assert eval(repr(money)) == money  # of our own text


def test_copies_and_pickles_are_equal() -> None:
    money = Money(5, "EUR")
    assert copy.deepcopy(money) == pickle.loads(pickle.dumps(money)) == money


def test_money_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Money(5, "EUR").minor = 6  # type: ignore[misc]


# -- arithmetic ----------------------------------------------------------------------------------------------------


def test_two_currencies_never_meet() -> None:
    """MONEY-08."""
    eur, usd = Money(500, "EUR"), Money(500, "USD")
    for meet in (
        lambda: eur + usd,
        lambda: eur - usd,
        lambda: eur < usd,
        lambda: eur <= usd,
        lambda: eur > usd,
        lambda: eur >= usd,
        lambda: max(eur, usd),
        lambda: sum([eur, usd], Money.zero("EUR")),
        lambda: total([eur, usd], "EUR"),
    ):
        with pytest.raises(CurrencyMismatch) as error:
            meet()
        assert error.value.code == "money.currency_mismatch"
        assert {error.value.facts["left"], error.value.facts["right"]} == {"EUR", "USD"}
        assert "500" not in error.value.text
        assert "5.00" not in error.value.text
    assert eur != usd
    assert (eur == usd) is False


def test_money_and_numbers_never_meet() -> None:
    eur = Money(500, "EUR")
    for meet in (lambda: eur + 1, lambda: eur - 1, lambda: eur < 1, lambda: 1 + eur, lambda: sum([eur])):
        with pytest.raises(TypeError):
            meet()
    assert eur != 500


@pytest.mark.parametrize(
    ("factor", "code"),
    [(0.5, "money.float"), (True, "money.bool"), (Decimal("0.5"), "money.type"), ("2", "money.type")],
)
def test_a_product_that_could_need_rounding_names_the_way_out(factor: object, code: str) -> None:
    with pytest.raises(MoneyTypeError, match="times") as error:
        Money(5, "EUR") * factor  # type: ignore[operator]
    assert error.value.code == code


def test_sums_and_signs() -> None:
    a, b = Money(700, "EUR"), Money(-200, "EUR")
    assert (a + b, a - b, -a, abs(b), abs(a), b * 3, 3 * b) == tuple(
        Money(minor, "EUR") for minor in (500, 900, -700, 200, 700, -600, -600)
    )
    assert (a.is_positive, a.is_negative, a.is_zero) == (True, False, False)
    assert (b.is_positive, b.is_negative, b.is_zero) == (False, True, False)
    zero = Money.zero("EUR")
    assert (zero.is_zero, zero.is_positive, zero.is_negative) == (True, False, False)
    assert sorted([a, b]) == [b, a]
    assert (b <= a, b >= a, b <= b, a > b) == (True, False, True, True)


def test_sums_of_lists_are_kept_per_currency() -> None:
    assert total([], "EUR") == Money.zero("EUR")
    assert total([Money(1, "EUR"), Money(2, "EUR")], "EUR") == Money(3, "EUR")
    assert sum_by_currency([]) == {}
    found = sum_by_currency([Money(5, "USD"), Money(7, "EUR"), Money(-5, "USD")])
    assert list(found.items()) == [("EUR", Money(7, "EUR")), ("USD", Money(0, "USD"))]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [  # of -2.5, -1.5, -0.5, 0.4, 0.5, 0.6, 1.5, 2.5, as the decimal module defines the modes
        ("half_even", [-2, -2, 0, 0, 0, 1, 2, 2]),
        ("half_up", [-3, -2, -1, 0, 1, 1, 2, 3]),
        ("half_down", [-2, -1, 0, 0, 0, 1, 1, 2]),
        ("up", [-3, -2, -1, 1, 1, 1, 2, 3]),
        ("down", [-2, -1, 0, 0, 0, 0, 1, 2]),
        ("ceiling", [-2, -1, 0, 1, 1, 1, 2, 3]),
        ("floor", [-3, -2, -1, 0, 0, 0, 1, 2]),
    ],
)
def test_every_rounding_does_what_its_name_says(rounding: Rounding, expected: list[int]) -> None:
    tenths = [-25, -15, -5, 4, 5, 6, 15, 25]
    assert [rounded(Fraction(value, 10), rounding) for value in tenths] == expected
    assert [Money(value, "EUR").times(Fraction(1, 10), rounding=rounding).minor for value in tenths] == expected


def test_a_rounding_that_does_not_exist_is_refused_also_where_nothing_is_to_be_rounded() -> None:
    for value in (Fraction(1, 2), Fraction(1, 3), 2):
        assert code_of(rounded, value, "nearest") == "money.rounding"


def test_halves_round_to_even() -> None:
    assert [round_half_even(n, 2) for n in range(-5, 6)] == [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]
    assert [round_half_even(n, 3) for n in (-4, -2, -1, 1, 2, 4)] == [-1, -1, 0, 0, 1, 1]


def test_times_takes_exact_factors_only() -> None:
    assert Money(1000, "EUR").times(Decimal("0.015"), rounding="half_up") == Money(15, "EUR")
    assert Money(1000, "EUR").times(3, rounding="half_up") == Money(3000, "EUR")
    assert code_of(Money(1000, "EUR").times, 0.015, rounding="half_up") == "money.float"
    assert code_of(Money(MAX_MINOR, "EUR").times, Fraction(3, 2), rounding="half_up") == "money.out_of_range"


# -- dividing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "parts", "expected"),
    [
        (1, 12, [1] + [0] * 11),  # 0.01 in 12 parts
        (10_000, 3, [3334, 3333, 3333]),
        (-10_000, 3, [-3334, -3333, -3333]),
        (5, 1, [5]),
        (0, 2, [0, 0]),
    ],
)
def test_splitting_gives_the_odd_units_to_the_first(minor: int, parts: int, expected: list[int]) -> None:
    """MONEY-13, MONEY-14."""
    assert [part.minor for part in Money(minor, "EUR").split(parts)] == expected


@pytest.mark.parametrize("parts", [0, -1, 100_001, 2.0, True, "2", None])
def test_the_number_of_parts_is_a_whole_number_within_bounds(parts: object) -> None:
    assert code_of(Money(5, "EUR").split, parts) == "money.parts"


def test_the_greatest_sum_can_be_divided() -> None:
    assert Money(MAX_MINOR, "EUR").split(1) == (Money(MAX_MINOR, "EUR"),)
    assert Money(-MAX_MINOR, "EUR").allocate([1]) == (Money(-MAX_MINOR, "EUR"),)


@pytest.mark.parametrize(
    ("minor", "weights", "expected"),
    [
        (547, ["33.34", "33.33", "33.33"], [183, 182, 182]),  # MONEY-13, frappe/erpnext#25950
        (1000, [1, 0], [1000, 0]),  # MONEY-15, dgg/nmoneys#55: got 10.01 and -0.01
        (-1000, [0, 1, 1], [0, -500, -500]),
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),  # MONEY-14
        (5, [Fraction(1, 3), Decimal("0.5"), 1], [1, 1, 3]),
        (1, [1, 1], [1, 0]),
        (0, [1, 2], [0, 0]),
    ],
)
def test_allocation_by_weights(minor: int, weights: list[object], expected: list[int]) -> None:
    parts = Money(minor, "EUR").allocate([Decimal(w) if isinstance(w, str) else w for w in weights])  # type: ignore[arg-type, misc]
    assert [part.minor for part in parts] == expected


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1], [-1, -1], [Decimal("-0.1"), 1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    """MONEY-15."""
    assert code_of(Money(5, "EUR").allocate, weights) == "money.ratio"


def test_weights_are_exact() -> None:
    assert code_of(Money(5, "EUR").allocate, [0.5, 0.5]) == "money.float"
    assert code_of(Money(5, "EUR").allocate, [True, True]) == "money.bool"


def test_ten_thousand_weights_still_sum_to_the_whole() -> None:
    """MONEY-15."""
    parts = Money(123_456_789, "EUR").allocate(range(1, 10_001))
    assert sum(part.minor for part in parts) == 123_456_789
