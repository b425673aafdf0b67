"""Reading tables strictly: nothing is coerced, and every mistake of a file is told in one pass with its path."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.errors import InvalidMoney, InvalidPolicy, Problem
from collectkit.core.money import Money
from collectkit.core.reading import Problems, TableReader, exact_of


def reader(table: object, path: str = "t") -> TableReader:
    return TableReader(table, path=path, problems=Problems("strategy"))


def told(table: TableReader) -> list[tuple[str, str]]:
    return [(problem.path, problem.code.removeprefix("strategy.")) for problem in table.problems.found]


def test_what_is_no_table_is_told_and_read_as_empty() -> None:
    for odd in ([], "x", 5, None):
        table = reader(odd)
        assert told(table) == [("t", "type")]
        assert table.keys() == ()


def test_paths_name_the_way_down() -> None:
    assert reader({}, path="a").at("b") == "a.b"
    assert reader({}, path="").at("b") == "b"
    table = reader({"a": {"b": [{"c": 1}, {"c": 2}]}}, path="")
    inner = table.table("a")
    assert inner is not None
    assert [one.at("c") for one in inner.tables("b")] == ["a.b[0].c", "a.b[1].c"]


@pytest.mark.parametrize(
    ("value", "default", "choices", "expected", "codes"),
    [
        ("x", None, (), "x", []),
        ("", "d", (), "", []),
        ("", None, (), "", ["type"]),
        ("  ", None, (), "", ["type"]),
        (5, None, (), "", ["type"]),
        (5, "d", (), "d", ["type"]),
        ("a", None, ("a", "b"), "a", []),
        ("c", None, ("a", "b"), "a", ["choice"]),
        ("c", "b", ("a", "b"), "b", ["choice"]),
    ],
)
def test_text(value: object, default: str | None, choices: tuple[str, ...], expected: str, codes: list[str]) -> None:
    table = reader({"k": value})
    assert table.text("k", default, choices=choices) == expected
    assert [code for _, code in told(table)] == codes


@pytest.mark.parametrize(
    ("value", "expected", "codes"),
    [(3, 3, []), (1, 1, []), (9, 9, []), (0, 1, ["range"]), (10, 1, ["range"]), (True, 1, ["type"]), ("3", 1, ["type"]), (3.0, 1, ["type"])],
)  # fmt: skip
def test_whole(value: object, expected: int, codes: list[str]) -> None:
    table = reader({"k": value})
    assert table.whole("k", minimum=1, maximum=9) == expected
    assert [code for _, code in told(table)] == codes


@pytest.mark.parametrize(
    ("value", "expected", "codes"), [(True, True, []), (False, False, []), (1, True, ["type"]), ("no", True, ["type"])]
)
def test_flag(value: object, expected: bool, codes: list[str]) -> None:
    table = reader({"k": value})
    assert table.flag("k", True) is expected
    assert [code for _, code in told(table)] == codes


@pytest.mark.parametrize(
    ("value", "expected", "codes"),
    [
        ("0.015", Fraction(3, 200), []),
        (2, Fraction(2), []),
        (Decimal("0.5"), Fraction(1, 2), []),
        ("-1", Fraction(0), ["range"]),
        (0.5, Fraction(0), ["type"]),
        (True, Fraction(0), ["type"]),
        ("1e5", Fraction(0), ["type"]),
    ],
)
def test_exact(value: object, expected: Fraction, codes: list[str]) -> None:
    table = reader({"k": value})
    assert table.exact("k") == expected
    assert [code for _, code in told(table)] == codes


def test_an_exact_number_may_be_free_downwards_or_absent() -> None:
    table = reader({"k": "-1"})
    assert table.exact("k", minimum=None) == -1
    assert table.exact("none", Fraction(1, 3)) == Fraction(1, 3)
    assert told(table) == []


@pytest.mark.parametrize(
    ("value", "expected", "codes"),
    [
        (date(2026, 1, 2), date(2026, 1, 2), []),
        ("2026-01-02", date(2026, 1, 2), []),
        ("2026-02-30", None, ["type"]),
        ("20260102", None, ["type"]),
        (datetime(2026, 1, 2), None, ["type"]),  # noqa: DTZ001 - as a TOML file may hold it
        (5, None, ["type"]),
    ],
)
def test_day(value: object, expected: date | None, codes: list[str]) -> None:
    table = reader({"k": value})
    assert table.day("k") == expected
    assert [code for _, code in told(table)] == codes
    assert reader({}).day("k") is None


@pytest.mark.parametrize(
    ("value", "choices", "expected", "codes"),
    [
        (["a", "b"], (), ("a", "b"), []),
        ([], (), (), []),
        ("ab", (), (), ["type"]),
        (["a", 5], (), (), ["type"]),
        (["a", "c"], ("a", "b"), ("a",), ["choice"]),
    ],
)
def test_texts(value: object, choices: tuple[str, ...], expected: tuple[str, ...], codes: list[str]) -> None:
    table = reader({"k": value})
    assert table.texts("k", choices=choices) == expected
    assert [code for _, code in told(table)] == codes


@pytest.mark.parametrize("take", ["text", "whole", "exact", "texts"])
def test_a_key_without_a_default_is_missed(take: str) -> None:
    table = reader({})
    getattr(table, take)("k")
    assert told(table) == [("t.k", "missing")]


def test_defaults_stand_in_where_nothing_is_given() -> None:
    table = reader({})
    assert (table.text("a", "x"), table.whole("b", 3), table.texts("c", ("y",)), table.flag("d", False)) == (
        "x",
        3,
        ("y",),
        False,
    )
    assert told(table) == []


@pytest.mark.parametrize(
    ("value", "expected", "codes"),
    [
        ({"USD": "2.50", "EUR": 40}, (Money(4_000, "EUR"), Money(250, "USD")), []),
        ({"JPY": Decimal("5")}, (Money(5, "JPY"),), []),
        ({}, (), [("t.k", "strategy.type")]),
        ("40.00", (), [("t.k", "strategy.type")]),
        ({"EUR": 0.5}, (), [("t.k.EUR", "strategy.type")]),
        ({"EUR": True}, (), [("t.k.EUR", "strategy.type")]),
        ({"EUR": "-1"}, (), [("t.k.EUR", "strategy.range")]),
        ({"EUR": "1.234", "ZZZ": "1"}, (), [("t.k.EUR", "money.precision"), ("t.k.ZZZ", "money.unknown_currency")]),
    ],
)
def test_amounts_per_currency(value: object, expected: tuple[Money, ...], codes: list[tuple[str, str]]) -> None:
    table = reader({"k": value})
    assert table.amounts("k") == expected
    assert [(problem.path, problem.code) for problem in table.problems.found] == codes
    assert reader({}).amounts("k") == ()


def test_inner_tables_are_optional_and_of_their_type() -> None:
    table = reader({"one": {"x": 1}, "many": "x"})
    assert table.table("none") is None
    assert table.tables("none") == ()
    assert table.tables("many") == ()
    assert told(table) == [("t.many", "type")]
    assert table.raw("one") == {"x": 1}
    assert table.raw("none", 7) == 7
    assert (table.has("one"), table.has("none")) == (True, False)


def test_a_key_that_nobody_asked_for_is_told_with_the_nearest_name() -> None:
    table = reader({"grace_dais": 3, "zzz": 1, "id": "x"})
    table.text("id")
    table.whole("grace_days", 0)
    table.done()
    assert [str(problem) for problem in table.problems.found] == [
        "t.grace_dais: unknown key; did you mean grace_days? (given: 3); choose from: grace_days, id",
        "t.zzz: unknown key (given: 1); choose from: grace_days, id",
    ]


def test_all_mistakes_of_a_table_come_in_one_error() -> None:
    problems = Problems("strategy")
    table = TableReader({"count": "x", "mode": "slo"}, path="p", problems=problems)
    table.text("id")
    table.whole("count")
    table.text("mode", choices=("slow", "fast"))
    with pytest.raises(InvalidPolicy) as error:
        problems.raise_if_any()
    assert [problem.path for problem in error.value.problems] == ["p.id", "p.count", "p.mode"]
    assert error.value.problems[2].text == "not one of the choices; did you mean slow?"


def test_no_mistake_raises_nothing() -> None:
    Problems("strategy").raise_if_any()


def test_what_a_builder_refuses_is_noted_under_its_path() -> None:
    problems = Problems("strategy")

    def refuse() -> None:
        raise InvalidPolicy(
            [
                Problem(code="policy.gap", path="tiers", text="a gap", choices=("a",)),
                Problem(code="policy.x", path="", text="x"),
            ]
        )

    def cannot() -> None:
        raise InvalidMoney("money.syntax", "no figure")

    assert problems.take("charges[0]", refuse) is None
    assert problems.take("limits", cannot) is None
    assert problems.take("fine", lambda: 5) == 5
    assert [(one.code, one.path) for one in problems.found] == [
        ("policy.gap", "charges[0].tiers"),
        ("policy.x", "charges[0]"),
        ("money.syntax", "limits"),
    ]


def test_a_long_value_is_cut_where_it_is_shown() -> None:
    table = reader({"k": "x" * 200})
    table.whole("k")
    assert table.problems.found[0].value == "x" * 77 + "..."


# -- exact numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, Fraction(3)),
        (Fraction(1, 3), Fraction(1, 3)),
        (Decimal("0.10"), Fraction(1, 10)),
        ("0.015", Fraction(3, 200)),
        (" 7 ", Fraction(7)),
        ("-1/3", Fraction(-1, 3)),
        ("+2", Fraction(2)),
    ],
)
def test_an_exact_number_is_read(value: object, expected: Fraction) -> None:
    assert exact_of(value) == expected


@pytest.mark.parametrize(
    "value",
    [True, 0.1, None, "", "x", "1/0", "1/00", "1_000", "\uff11", "1e5", "1e999999999", ".5", "5.", "1.5/2", "9" * 65, Decimal("NaN"),
     Decimal("Infinity"), Decimal("1E+999999999"), Decimal("1E-999999999"), Decimal("1" * 65), [1]],
)  # fmt: skip
def test_what_is_no_exact_number_is_none_at_once(value: object) -> None:
    """C4: a file that says 1e999999999 is refused before the number is built."""
    assert exact_of(value) is None


@given(value=st.fractions() | st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers())
def test_exact_numbers_come_out_as_they_are(value: Any) -> None:
    found = exact_of(value)
    assert found is None or found == value


def test_a_toml_file_with_decimals_is_read_without_a_float() -> None:
    table = reader(tomllib.loads("rate = 0.015\ncount = 3", parse_float=Decimal))
    assert table.exact("rate") == Fraction(3, 200)
    assert table.whole("count") == 3
    assert told(table) == []
