"""Column maps: data that is checked as a whole before a single row is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectkit.adapters.columns import FIELDS, READY_MAPS, ColumnMap, TableMap, load_column_map, ready_map
from collectkit.core.errors import ImportFailed, InvalidPolicy, InvalidRecord

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COLUMNS = {"receivable_id": "a", "debtor_id": "b", "issued_on": "c", "amount": "d"}


def problems(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPolicy) as caught:
        load_column_map(path)
    return [(one.code, one.path) for one in caught.value.problems]


@pytest.mark.parametrize("name", READY_MAPS)
def test_every_ready_map_loads(name: str) -> None:
    assert ready_map(name).name == name


def test_the_maps_of_the_examples_load() -> None:
    places = sorted(EXAMPLES.glob("*/columns.toml"))
    assert places
    assert {load_column_map(place).tables[0].table for place in places} == {"receivables"}


def test_the_house_shape_has_every_table() -> None:
    assert {table.table for table in ready_map("collectkit").tables} == set(FIELDS)


def test_an_unknown_ready_map_is_refused_with_the_choices() -> None:
    with pytest.raises(ImportFailed) as caught:
        ready_map("sage")
    assert caught.value.code == "ledger.unknown_map"
    assert "stripe-invoices" in caught.value.text


def test_every_mistake_of_a_map_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'name = "x"\ndate_order = "ydm"\ndecimal_mark = "."\ncolour = 1\nhas_time = "no"\n'
        '[tables.receivables]\nnegative = "maybe"\n[tables.receivables.columns]\nreceivable_id = 7\n'
        '[tables.invoices.columns]\na = "b"\n',
        encoding="utf-8",
    )
    found = problems(path)
    assert {code for code, _path in found} >= {
        "ledger.choice",
        "ledger.unknown_key",
        "ledger.type",
        "ledger.unknown_table",
    }
    assert "tables.receivables.negative" in {place for _code, place in found}


def test_unknown_and_missing_fields_are_told(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'name = "x"\ndate_order = "ymd"\ndecimal_mark = "."\nmay_lack = ["nme"]\n'
        '[columns]\nreceivable_id = "a"\namount = "d"\ndue = "e"\n[types]\n"Invoice" = "bill"\n',
        encoding="utf-8",
    )
    assert problems(path) == [
        ("ledger.unknown_field", "receivables.columns.due"),
        ("ledger.unknown_field", "receivables.may_lack.nme"),
        ("ledger.missing_field", "receivables.columns.issued_on"),
        ("ledger.missing_field", "receivables.columns"),
        ("ledger.choice", "receivables.types.Invoice"),
    ]


@pytest.mark.parametrize("text", ["name = ", "\x00"])
def test_a_file_that_is_no_toml_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFailed) as caught:
        load_column_map(path)
    assert caught.value.code == "ledger.map_unreadable"


def test_a_missing_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed) as caught:
        load_column_map(tmp_path / "none.toml")
    assert caught.value.code == "ledger.map_unreadable"


def test_a_map_needs_a_table() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        ColumnMap(name="x", date_order="ymd", decimal_mark=".", tables=[])
    assert caught.value.code == "ledger.tables"


def test_a_map_has_each_table_once() -> None:
    table = TableMap(columns=COLUMNS)
    with pytest.raises(InvalidPolicy):
        ColumnMap(name="x", date_order="ymd", decimal_mark=".", tables=[table, table])


def test_words_outside_the_choices_are_refused() -> None:
    with pytest.raises(InvalidRecord):
        ColumnMap(name="x", date_order="ymd", decimal_mark=";", tables=[TableMap(columns=COLUMNS)])


def test_a_map_of_several_tables_finds_each_by_name() -> None:
    column_map = ready_map("collectkit")
    payments = column_map.table("payments")
    assert payments is not None
    assert payments.file_names[:2] == ("payments.csv", "payments.csv.gz")
    assert column_map.table("nothing") is None


def test_a_table_may_stand_in_a_file_of_its_own_name() -> None:
    assert TableMap(columns=COLUMNS, file="OPOS_2026.txt").file_names == ("OPOS_2026.txt",)


def test_settings_and_skips_are_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'name = "x"\ndate_order = "dmy"\ndecimal_mark = ","\nthousands_mark = "."\nyes = ["ja"]\nno = ["nein", ""]\n'
        'delimiter = ";"\nencoding = "cp1252"\ndefault_currency = "EUR"\n'
        '[columns]\nreceivable_id = "Beleg"\ndebtor_id = "Konto"\nissued_on = "Datum"\namount = "Betrag"\n'
        '[constants]\ndebtor_kind = "business"\n[skip]\n"Storno" = ["X"]\n',
        encoding="utf-8",
    )
    column_map = load_column_map(path)
    (table,) = column_map.tables
    assert (column_map.yes, column_map.delimiter, table.skip) == (("ja",), ";", (("Storno", ("X",)),))
    assert table.constants == (("debtor_kind", "business"),)


def test_a_setting_of_the_wrong_type_is_told(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'name = "x"\ndate_order = "dmy"\ndecimal_mark = ","\ndelimiter = 5\n[columns]\nreceivable_id = "a"\n'
        'debtor_id = "b"\nissued_on = "c"\namount = "d"\n',
        encoding="utf-8",
    )
    assert ("ledger.type", "delimiter") in problems(path)
