"""CSV for spreadsheets: nothing runs, numbers stay numbers, and the ledger import gives it back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.adapters.csv_out import SafeWriter, safe_cell, unguarded, write_csv
from collectkit.core.errors import InvalidRecord
from collectkit.core.money import Money


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "\uff1d1", '=cmd|" /C calc"!A0']
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-5, "-5"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        (Decimal("-1.50"), "-1.50"),
        (Decimal("1E+3"), "1000"),
        (Money(-1250, "EUR"), "-12.50"),
        (Money(7, "JPY"), "7"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00+00:00"),
        (None, ""),
        ("", ""),
        ("0012345678901234567890", "0012345678901234567890"),
        ("DE89 3704 0044", "DE89 3704 0044"),
    ],
)
def test_numbers_days_and_ids_stay_as_they_are(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


@pytest.mark.parametrize("value", [1.5, Fraction(1, 3), object(), b"x", Decimal("NaN"), ["a"]])
def test_what_no_cell_can_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRecord) as caught:
        safe_cell(value)
    assert caught.value.code == "report.export"


def test_a_cell_too_long_for_a_spreadsheet_is_refused() -> None:
    with pytest.raises(InvalidRecord):
        safe_cell("x" * 32_768)


def test_controls_and_lone_surrogates_are_replaced() -> None:
    assert safe_cell("a\x00b\x7fc\ud800d") == "a\ufffdb\ufffdc\ufffdd"


@given(text=st.text(max_size=30))
def test_no_cell_begins_with_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    if "\ufffd" not in cell:
        assert unguarded(cell) == text or cell == text


def test_rows_come_back_from_a_csv_reader_whole() -> None:
    stream = io.StringIO()
    written = write_csv(
        stream, ["id", "note", "amount"], [["=1", 'say "no"; a\nb', Money(5, "EUR")], {"id": "x", "amount": 3}]
    )
    assert written == 2
    assert list(csv.reader(io.StringIO(stream.getvalue()))) == [
        ["id", "note", "amount"],
        ["'=1", 'say "no"; a\nb', "0.05"],
        ["x", "", "3"],
    ]


def test_a_bad_cell_is_told_with_its_row() -> None:
    with pytest.raises(InvalidRecord) as caught:
        write_csv(io.StringIO(), ["a"], [["fine"], [0.5]])
    assert "row 2" in caught.value.text


def test_the_delimiter_may_be_another() -> None:
    stream = io.StringIO()
    SafeWriter(stream, delimiter=";").rows([["a", "b;c"]])
    assert stream.getvalue() == 'a;"b;c"\n'
