"""Ledger import: what is read, what is rejected with its reason, what is kept with a warning, and what cannot be read."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from collectkit import history
from collectkit.adapters.ledger import (
    ColumnMap,
    LedgerImport,
    TableMap,
    read_ledger,
    ready_map,
    to_events,
    write_rejected,
)
from collectkit.core.errors import CollectkitError, ImportFailed, InvalidPolicy, InvalidRecord
from collectkit.core.money import Money
from collectkit.core.records import Channel, DebtorKind
from collectkit.core.waterfall import balance_of

HOUSE = ready_map("collectkit")
HEADER = "receivable_id,debtor_id,issued_on,due_on,amount,currency"
GOOD = "R-1,D-1,2026-01-01,2026-01-31,10.00,EUR"
NOW = datetime(2026, 2, 1, 8, tzinfo=UTC)


def read(*rows: str, header: str = HEADER, column_map: ColumnMap = HOUSE, **more: Any) -> LedgerImport:
    return read_ledger(io.BytesIO("\n".join([header, *rows]).encode()), column_map, **more)


def one_table(**columns: Any) -> ColumnMap:
    settings = {"name": "t", "date_order": "ymd", "decimal_mark": "."} | columns
    return ColumnMap(tables=[TableMap(columns={name: name for name in HEADER.split(",")})], **settings)


def codes(ledger: LedgerImport) -> list[str]:
    return [row.code for row in ledger.rejected]


def warned(ledger: LedgerImport) -> dict[str, int]:
    return {one.code: one.count for one in ledger.warnings if one.code != "ledger.kind_unknown"}


def ids(ledger: LedgerImport) -> list[str]:
    return [one.receivable_id for account in ledger.accounts for one in account.receivables]


# -- how files come ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        f"{HEADER}\r\n{GOOD}\r\n".encode(),
        f"{HEADER}\n{GOOD}".encode(),
        f"{HEADER}\r{GOOD}\r".encode(),
        b"\xef\xbb\xbf" + f"{HEADER}\n{GOOD}\n".encode(),
        f"\n\n{HEADER}\n\n{GOOD}\n,,,,,\n".encode(),
        f"{HEADER}\n{GOOD}\n".replace(",", ";").encode(),
        f"{HEADER}\n{GOOD}\n".replace(",", "\t").encode(),
        f"{HEADER}\n{GOOD}\n".replace(",", "|").encode(),
        gzip.compress(f"{HEADER}\n{GOOD}\n".encode()),
        b'{"receivable_id": "R-1", "debtor_id": "D-1", "issued_on": "2026-01-01", "due_on": "2026-01-31", '
        b'"amount": 10.00, "currency": "EUR", "due": null}\n',
    ],
    ids=["crlf", "lf", "cr", "bom", "blank lines", "semicolon", "tab", "pipe", "gzip", "json lines"],
)
def test_one_ledger_in_every_dress_reads_the_same(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(data)
    for source in (path, str(path), io.BytesIO(data)):
        (account,) = read_ledger(source, HOUSE).accounts
        (receivable,) = account.receivables
        assert (receivable.receivable_id, receivable.amount_original, receivable.due_on) == (
            "R-1",
            Money(1000, "EUR"),
            date(2026, 1, 31),
        )


def test_a_text_stream_is_read_as_well() -> None:
    assert ids(read_ledger(io.StringIO(f"{HEADER}\n{GOOD}"), HOUSE)) == ["R-1"]


def test_a_given_stream_stays_open() -> None:
    stream = io.BytesIO(f"{HEADER}\n{GOOD}".encode())
    read_ledger(stream, HOUSE)
    assert not stream.closed


def test_latin_1_is_read_where_it_is_named_and_explained_where_not() -> None:
    data = f"{HEADER},name\n{GOOD},Müller\n".encode("latin-1")
    (account,) = read_ledger(io.BytesIO(data), HOUSE, encoding="latin-1").accounts
    assert account.debtor.name == "Müller"
    with pytest.raises(ImportFailed) as caught:
        read_ledger(io.BytesIO(data), HOUSE)
    assert caught.value.code == "ledger.encoding"
    assert "latin-1" in caught.value.text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "ledger.empty"),
        (b"\n \n\n", "ledger.empty"),
        (HEADER.encode(), "ledger.empty"),
        (gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 50)[:-12], "ledger.damaged"),
        (b"\x1f\x8bnot really", "ledger.damaged"),
        (b"PK\x03\x04workbook", "ledger.spreadsheet"),
        (b"%PDF-1.7", "ledger.spreadsheet"),
        ("x,y\n1,2\n".encode("utf-16"), "ledger.encoding"),
        (f'{HEADER}\nR-1,"D-1,2026\n'.encode(), "ledger.csv"),
        (b"nothing,that,fits\n1,2,3\n", "ledger.missing_column"),
        (f"{HEADER},amount\n{GOOD},5\n".encode(), "ledger.duplicate_column"),
        (b"a" * 1_000_001, "ledger.line_too_long"),
        (f"{HEADER}\n{'x' * 200_000}\n".encode(), "ledger.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_gets_one_clear_answer(data: bytes, code: str) -> None:
    with pytest.raises(ImportFailed) as caught:
        read_ledger(io.BytesIO(data), HOUSE)
    assert caught.value.code == code


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed) as caught:
        read_ledger(tmp_path / "none.csv", HOUSE)
    assert caught.value.code == "ledger.unreadable"
    assert "none.csv" in caught.value.text


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(ImportFailed) as caught:
        read(GOOD, encoding="latin-99")
    assert caught.value.code == "ledger.encoding"


def test_too_many_rows_are_refused_rather_than_swallowed() -> None:
    with pytest.raises(ImportFailed) as caught:
        read(GOOD, GOOD.replace("R-1", "R-2"), max_rows=1)
    assert caught.value.code == "ledger.too_large"


def test_progress_is_told_up_to_the_last_row() -> None:
    seen: list[int] = []
    rows = [GOOD.replace("R-1", f"R-{number}") for number in range(2500)]
    read(*rows, progress=seen.append)
    assert seen == [1000, 2000, 2500]


def test_a_misspelt_column_is_answered_with_the_near_one() -> None:
    with pytest.raises(ImportFailed) as caught:
        read(GOOD, header=HEADER.replace("issued_on", "issue_on"))
    assert "did you mean 'issue_on'" in caught.value.text


# -- rejected rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ("2026-01-01", "01/02/2026", "issued_on", "ledger.date"),
        ("2026-01-01", "2026-13-01", "issued_on", "ledger.date"),
        ("2026-01-01", "2026-02-30", "issued_on", "ledger.date"),
        ("2026-01-01", "10", "issued_on", "ledger.date"),
        ("2026-01-01", "12:00", "issued_on", "ledger.date"),
        ("2026-01-01", "2026-W01-1", "issued_on", "ledger.date"),
        ("2026-01-01", "20260101", "issued_on", "ledger.date"),
        ("2026-01-01", "26-01-01", "issued_on", "ledger.date"),
        ("2026-01-01", "0001-01-01", "issued_on", "ledger.date"),
        ("2026-01-01", "2026-01-01 10:00", "issued_on", "ledger.date"),
        ("2026-01-01", "2026-01/01", "issued_on", "ledger.date"),
        ("2026-01-01", "", "issued_on", "ledger.missing"),
        ("10.00", "", "amount", "ledger.missing"),
        ("10.00", '"1.234,56"', "amount", "ledger.amount"),
        ("10.00", '"1,234.50"', "amount", "ledger.amount"),
        ("10.00", "1 234.50", "amount", "ledger.amount"),
        ("10.00", "1\u00a0234.50", "amount", "ledger.amount"),
        ("10.00", "1'234.50", "amount", "ledger.amount"),
        ("10.00", "(5.00)", "amount", "ledger.amount"),
        ("10.00", "5-", "amount", "ledger.amount"),
        ("10.00", "\u22125", "amount", "ledger.amount"),
        ("10.00", "\u20ac5", "amount", "ledger.amount"),
        ("10.00", "5e2", "amount", "ledger.amount"),
        ("10.00", "\uff11\uff12", "amount", "ledger.amount"),
        ("10.00", "\u0663", "amount", "ledger.amount"),
        ("10.00", "1_000", "amount", "ledger.amount"),
        ("10.00", "10.", "amount", "ledger.amount"),
        ("10.00", "9" * 50, "amount", "ledger.amount"),
        ("10.00", "9" * 30, "amount", "money.out_of_range"),
        ("10.00", "NaN", "amount", "money.not_finite"),
        ("10.00", "-inf", "amount", "money.not_finite"),
        ("10.00", "10.005", "amount", "money.precision"),
        ("10.00", "-10.00", "amount", "ledger.negative"),
        ("EUR", "EURO", "currency", "money.unknown_currency"),
        ("EUR", "XXX", "currency", "money.unknown_currency"),
        ("EUR", "", "currency", "ledger.no_currency"),
        ("R-1", "1.93E+09", "receivable_id", "ledger.id"),
        ("R-1", "", "receivable_id", "ledger.missing"),
        ("D-1", "", "debtor_id", "ledger.missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_with_its_reason(old: str, new: str, field: str, code: str) -> None:
    ledger = read(GOOD.replace("R-1", "R-0"), GOOD.replace(old, new, 1))
    (row,) = ledger.rejected
    assert (row.table, row.row_number, row.field, row.code) == ("receivables", 3, field, code)
    assert row.value == new.strip('"')
    assert row.reason
    assert ids(ledger) == ["R-0"]  # the rest is kept
    assert (ledger.summary.rows_used, ledger.summary.rows_rejected) == (1, 1)


def test_an_id_with_a_control_character_is_rejected() -> None:
    ledger = read(GOOD.replace("R-1", "R\x07"), GOOD)
    assert codes(ledger) == ["records.id"]


def test_a_second_row_under_one_id_with_other_content_is_rejected() -> None:
    ledger = read(GOOD, GOOD.replace("10.00", "11.00"))
    (row,) = ledger.rejected
    assert (row.row_number, row.field, row.value, row.code) == (3, "amount", "11.00", "ledger.duplicate")
    assert "row 2" in row.reason
    assert ledger.summary.amounts == (Money(1000, "EUR"),)


def test_an_id_whose_first_row_was_rejected_is_still_free() -> None:
    ledger = read(GOOD.replace("10.00", "bad"), GOOD)
    assert ids(ledger) == ["R-1"]
    assert codes(ledger) == ["ledger.amount"]


def test_identical_rows_collapse_with_a_warning() -> None:
    ledger = read(GOOD, GOOD, GOOD)
    assert ids(ledger) == ["R-1"]
    assert warned(ledger) == {"ledger.identical_row": 2}
    assert ledger.summary.rows_identical == 2


def test_a_row_with_more_cells_than_the_header_is_rejected() -> None:
    assert codes(read(GOOD, "R-2,D-1,2026-01-01,2026-01-31,10,00,EUR")) == ["ledger.cells"]


def test_a_row_cut_short_is_read_as_far_as_it_goes() -> None:
    ledger = read(GOOD, "R-2,D-1,2026-01-01,2026-01-31,10.00")
    assert codes(ledger) == ["ledger.no_currency"]


@pytest.mark.parametrize(
    "line",
    ["{not json}", "[1]", '{"receivable_id": {"a": 1}}', '{"amount": 1, "amount": 2}', "[" * 100_000],
    ids=["syntax", "list", "nested", "twice", "deep"],
)
def test_a_bad_json_line_is_rejected_alone(line: str) -> None:
    good = '{"receivable_id":"R-1","debtor_id":"D-1","issued_on":"2026-01-01","amount":"5","currency":"EUR"}'
    ledger = read_ledger(io.StringIO(f"{good}\n{line}\n"), HOUSE)
    assert [(row.row_number, row.code) for row in ledger.rejected] == [(2, "ledger.json")]
    assert ids(ledger) == ["R-1"]


def test_nan_in_json_is_rejected() -> None:
    line = '{"receivable_id":"R-1","debtor_id":"D-1","issued_on":"2026-01-01","amount":NaN,"currency":"EUR"}'
    assert codes(read_ledger(io.StringIO(line), HOUSE)) == ["money.not_finite"]


def test_figures_in_json_are_read_as_written() -> None:
    line = '{"receivable_id":17,"debtor_id":"D-1","issued_on":"2026-01-01","amount":0.1,"currency":"EUR"}'
    ledger = read_ledger(io.StringIO(line), HOUSE)
    assert ids(ledger) == ["17"]
    assert ledger.summary.amounts == (Money(10, "EUR"),)


def test_rejected_rows_are_written_safe_for_a_spreadsheet(tmp_path: Path) -> None:
    ledger = read(GOOD, GOOD.replace("10.00", "=1+1").replace("R-1", "R-2"))
    path = tmp_path / "rejected.csv"
    assert write_rejected(ledger, path) == 1
    with path.open(encoding="utf-8", newline="") as stream:
        header, row = csv.reader(stream)
    assert header == ["table", "row", "field", "value", "reason", "code"]
    assert row[:4] == ["receivables", "3", "amount", "'=1+1"]


def test_what_our_own_csv_neutralised_is_read_back_as_it_was() -> None:
    assert ids(read(GOOD.replace("R-1", "'=R-1"))) == ["=R-1"]


# -- dates, marks and currencies are stated, never guessed -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ("ymd", "2026-03-04"),
        ("ymd", "2026/3/4"),
        ("dmy", "04.03.2026"),
        ("dmy", "4/3/2026"),
        ("mdy", "3/4/2026"),
        ("mdy", "03-04-2026"),
    ],
)
def test_the_order_of_dates_is_an_argument(order: Any, text: str) -> None:
    ledger = read(f"R-1,D-1,{text},{text},10.00,EUR", date_order=order)
    assert ledger.accounts[0].receivables[0].issued_on == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("decimal_mark", "thousands_mark", "text", "minor"),
    [
        (",", "", '"10,5"', 1050),
        (",", ".", '"1.234,56"', 123456),
        (",", ".", "1.234", 123400),
        (".", ",", '"1,234,567.8"', 123456780),
        (".", "'", "1'234.50", 123450),
        (",", " ", '"1 234,50"', 123450),
        (",", " ", '"1\u202f234,50"', 123450),
        (".", "", "+7", 700),
        (".", "", "7.000", 700),
    ],
)
def test_marks_are_arguments(decimal_mark: str, thousands_mark: str, text: str, minor: int) -> None:
    ledger = read(GOOD.replace("10.00", text), decimal_mark=decimal_mark, thousands_mark=thousands_mark)
    assert ledger.accounts[0].receivables[0].amount_original == Money(minor, "EUR")


@pytest.mark.parametrize("text", ["1.23,4", '"12.34,5"', "1.2345", '"1.234.56"'])
def test_thousands_stand_in_groups_of_three(text: str) -> None:
    assert codes(read(GOOD.replace("10.00", text), GOOD, decimal_mark=",", thousands_mark="."))


def test_one_mark_cannot_be_both() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        read(GOOD, thousands_mark=".")
    assert caught.value.code == "ledger.marks"


def test_an_iban_of_many_digits_stays_as_it_is() -> None:
    assert ids(read(GOOD.replace("R-1", "00123456789012345678"))) == ["00123456789012345678"]


def test_the_default_currency_fills_what_the_rows_leave_open() -> None:
    ledger = read("R-1,D-1,2026-01-01,2026-01-31,10,", "R-2,D-1,2026-01-01,2026-01-31,10,JPY", default_currency="USD")
    assert ledger.summary.amounts == (Money(10, "JPY"), Money(1000, "USD"))


def test_an_unknown_default_currency_is_refused() -> None:
    with pytest.raises(CollectkitError) as caught:
        read(GOOD, default_currency="usd")
    assert caught.value.code == "money.unknown_currency"


# -- odd but usable --------------------------------------------------------------------------------------------------------


def test_due_before_issue_is_kept_with_a_warning() -> None:
    ledger = read(GOOD.replace("2026-01-31", "2025-12-31"))
    assert ledger.accounts[0].receivables[0].is_due_before_issue
    assert warned(ledger) == {"ledger.due_before_issue": 1}


def test_a_claim_without_a_due_date_is_due_when_issued_with_a_warning() -> None:
    ledger = read(GOOD.replace("2026-01-31", ""))
    assert [one.due_on == one.issued_on for one in ledger.accounts[0].receivables] == [True]
    assert warned(ledger) == {"ledger.no_due_date": 1}


def test_a_renamed_column_of_due_dates_does_not_pass_unseen() -> None:
    renamed = "receivable_id,debtor_id,debtor_kind,issued_on,faellig,amount,currency"
    ledger = read(
        "R-1,D-1,business,2026-01-01,2026-01-31,10.00,EUR", header=renamed, column_map=ready_map("collectkit")
    )
    assert warned(ledger) == {"ledger.no_due_date": 1}
    assert ledger.unknown_columns == ("faellig",)


def test_several_names_of_one_debtor_keep_the_first_with_a_warning() -> None:
    rows = [
        f"R-{number},D-1,2026-01-01,2026-01-31,10,EUR,{name}"
        for number, name in enumerate(["Acme co", "Acme llc", "Acme co"])
    ]
    ledger = read(*rows, header=f"{HEADER},name")
    assert ledger.accounts[0].debtor.name == "Acme co"
    (warning,) = [one for one in ledger.warnings if one.code == "ledger.several_names"]
    assert (warning.row_number, warning.count) == (3, 2)
    assert "Acme" not in warning.text


def test_ids_that_were_numbers_lose_their_decimal_with_a_warning() -> None:
    ledger = read(GOOD.replace("R-1", "1930571429.0").replace("D-1", "200.00"))
    assert ids(ledger) == ["1930571429"]
    assert ledger.accounts[0].account_id == "200"
    assert sum(one.count for one in ledger.warnings if one.code == "ledger.id_trimmed") == 2


def test_ids_are_left_alone_where_the_map_says_so() -> None:
    ledger = read(GOOD.replace("R-1", "17.0"), column_map=one_table(trims_ids=False))
    assert ids(ledger) == ["17.0"]


def test_unknown_columns_are_listed_once() -> None:
    ledger = read(f"{GOOD},x,y", f"{GOOD.replace('R-1', 'R-2')},x,y", header=f"{HEADER},colour,shape")
    assert ledger.unknown_columns == ("colour", "shape")


def test_an_absent_column_of_the_map_is_told() -> None:
    column_map = ColumnMap(
        name="t",
        date_order="ymd",
        decimal_mark=".",
        tables=[TableMap(columns={**{name: name for name in HEADER.split(",")}, "paid_on": "SetledDate"})],
    )
    assert "ledger.column_absent" in warned(read(GOOD, column_map=column_map))


def test_without_a_kind_debtors_are_treated_as_consumers_and_it_is_said() -> None:
    ledger = read(GOOD)
    assert ledger.accounts[0].debtor.kind is DebtorKind.CONSUMER
    assert [one.code for one in ledger.warnings] == ["ledger.kind_unknown"]


def test_receivables_over_nothing_are_left_out_with_a_warning() -> None:
    ledger = read(GOOD, GOOD.replace("R-1", "R-2").replace("10.00", "0.00"))
    assert ids(ledger) == ["R-1"]
    assert warned(ledger) == {"ledger.zero_amount": 1}


def test_without_a_due_day_a_receivable_is_due_when_issued() -> None:
    ledger = read(GOOD.replace("2026-01-31", ""))
    assert ledger.accounts[0].receivables[0].due_on == date(2026, 1, 1)


def test_an_account_with_two_debtors_is_refused() -> None:
    ledger = read(
        "R-1,D-1,2026-01-01,2026-01-31,1,EUR,A", "R-2,D-2,2026-01-01,2026-01-31,1,EUR,A", header=f"{HEADER},account_id"
    )
    assert codes(ledger) == ["ledger.two_debtors"]


# -- money that a receivable's own row tells ---------------------------------------------------------------------------------


def balance_on(ledger: LedgerImport, on: date) -> dict[str, int]:
    (account,) = ledger.accounts
    return {item.receivable.receivable_id: item.amount_open.minor for item in balance_of(account.snapshot(on)).items}


def test_a_settled_day_is_a_payment_in_full_on_that_day() -> None:
    ledger = read(f"{GOOD},2026-02-05", header=f"{HEADER},paid_on")
    assert balance_on(ledger, date(2026, 2, 4)) == {"R-1": 1000}
    assert balance_on(ledger, date(2026, 2, 5)) == {"R-1": 0}


@pytest.mark.parametrize(
    ("paid", "open_", "left"), [("4.00", "", 600), ("", "6.00", 600), ("4.00", "6.00", 600), ("10.00", "", 0)]
)
def test_what_is_paid_follows_from_paid_or_open(paid: str, open_: str, left: int) -> None:
    ledger = read(f"{GOOD},{paid},{open_}", header=f"{HEADER},amount_paid,amount_open", exported_on=date(2026, 2, 1))
    assert balance_on(ledger, date(2026, 2, 1)) == {"R-1": left}
    assert balance_on(ledger, date(2026, 1, 31)) == {"R-1": 1000}
    assert warned(ledger) == {"ledger.paid_day_unknown": 1}


def test_without_an_export_day_unknown_days_count_from_the_due_day() -> None:
    ledger = read(f"{GOOD},4.00", header=f"{HEADER},amount_paid")
    assert balance_on(ledger, date(2026, 1, 31)) == {"R-1": 600}


def test_where_paid_and_open_disagree_what_is_open_decides_with_a_warning() -> None:
    ledger = read(f"{GOOD},4.00,7.00", header=f"{HEADER},amount_paid,amount_open")
    assert balance_on(ledger, date(2026, 2, 1)) == {"R-1": 700}
    assert "ledger.open_differs" in warned(ledger)


def test_more_open_than_owed_is_rejected() -> None:
    assert codes(read(f"{GOOD},11.00", GOOD.replace("R-1", "R-2"), header=f"{HEADER},amount_open")) == [
        "ledger.open_over_amount"
    ]


def test_a_credited_part_is_a_credit_note() -> None:
    ledger = read(f"{GOOD},3.00,2026-02-05", header=f"{HEADER},amount_credited,paid_on")
    (account,) = ledger.accounts
    assert [one.amount.minor for one in account.credit_notes] == [300]
    assert [one.amount.minor for one in account.payments] == [700]


def test_a_disputed_row_is_a_dispute_until_it_is_paid() -> None:
    ledger = read(f"{GOOD},Yes,2026-02-05", header=f"{HEADER},disputed,paid_on")
    (dispute,) = ledger.accounts[0].disputes
    assert (dispute.raised_on, dispute.resolved_on, dispute.receivable_ids) == (
        date(2026, 1, 1),
        date(2026, 2, 5),
        ("R-1",),
    )


def test_a_word_that_is_neither_yes_nor_no_is_rejected() -> None:
    assert codes(read(f"{GOOD},maybe", GOOD.replace("R-1", "R-2"), header=f"{HEADER},disputed")) == ["ledger.yes_no"]


def test_addresses_become_contact_points() -> None:
    ledger = read(
        f"{GOOD},a@example.org,+49 30 1,",
        f"{GOOD.replace('R-1', 'R-2')},b@example.org,,",
        header=f"{HEADER},email,phone,mobile",
    )
    points = ledger.accounts[0].contact_points
    assert [(one.contact_point_id, one.channel, one.rank) for one in points] == [
        ("email:1", Channel.EMAIL, 1),
        ("phone:1", Channel.PHONE, 1),
        ("email:2", Channel.EMAIL, 2),
    ]


# -- ready maps ----------------------------------------------------------------------------------------------------------------


def test_a_stripe_export_is_read() -> None:
    header = "id,Customer,Customer Name,Customer Email,Date (UTC),Due Date (UTC),Amount Due,Currency,Amount Paid,Paid At (UTC),Status,Number"
    rows = [
        "in_1,cus_1,Ada,ada@example.org,2026-01-01 09:30,2026-01-31 09:30,120.00,eur,120.00,2026-02-03 10:00,paid,F-1",
        "in_2,cus_1,Ada,ada@example.org,2026-01-05 09:30,,80.00,eur,0.00,,open,F-2",
        "in_3,cus_1,Ada,ada@example.org,2026-01-05 09:30,,80.00,eur,0.00,,draft,",
        "in_4,cus_2,Bob,,2026-01-05 09:30,2026-02-05 09:30,80.00,usd,0.00,,void,F-3",
    ]
    ledger = read(*rows, header=header, column_map=ready_map("stripe-invoices"))
    assert ids(ledger) == ["in_1", "in_2"]
    assert ledger.summary.rows_skipped == 2
    assert ledger.rejected == ()
    assert balance_on(ledger, date(2026, 2, 3)) == {"in_1": 0, "in_2": 8000}
    assert ledger.accounts[0].kept[0] == ("in_1", (("Number", "F-1"), ("Status", "paid")))
    assert warned(ledger)["ledger.no_due_date"] == 1


def test_a_stripe_invoice_paid_from_credit_is_no_claim() -> None:
    header = "id,Customer,Date (UTC),Due Date (UTC),Total,Amount Due,Currency,Amount Paid,Paid At (UTC),Status,Number"
    rows = [
        "in_1,cus_1,2026-01-01 09:30,2026-01-31 09:30,100.00,90.00,eur,90.00,2026-02-03 10:00,paid,F-1",
        "in_2,cus_1,2026-01-01 09:30,2026-01-31 09:30,100.00,0.00,eur,0.00,2026-01-01 09:30,paid,F-2",
        "in_3,cus_1,2026-01-01 09:30,2026-01-31 09:30,100.00,60.00,eur,0.00,,open,F-3",
    ]
    ledger = read(*rows, header=header, column_map=ready_map("stripe-invoices"))
    assert balance_on(ledger, date(2026, 2, 3)) == {"in_1": 0, "in_3": 6000}
    assert warned(ledger)["ledger.zero_amount"] == 1


def test_an_erpnext_receivables_report_is_read() -> None:
    header = (
        "Posting Date,Party Type,Party,Receivable Account,Voucher Type,Voucher No,Due Date,Invoiced Amount,Paid Amount,"
        "Credit Note,Outstanding Amount,Age (Days),Currency"
    )
    rows = [
        '2026-01-01,Customer,C-1,Debtors,Sales Invoice,SINV-1,2026-01-31,"1,200.00",200.00,100.00,900.00,10,EUR',
        "2026-01-02,Customer,C-1,Debtors,Payment Entry,PE-1,2026-01-02,0.00,0.00,0.00,-50.00,9,EUR",
        "2026-01-03,Customer,C-1,Debtors,Sales Invoice,SINV-RET-1,2026-01-03,0.00,0.00,0.00,-30.00,9,EUR",
        "2026-01-03,Customer,C-1,Debtors,Sales Order,SO-1,2026-01-03,1.00,0.00,0.00,1.00,9,EUR",
        '"Total",,,,,,,"1,200.00",200.00,100.00,820.00,,',
    ]
    ledger = read(
        *rows, header=header, column_map=ready_map("erpnext-accounts-receivable"), exported_on=date(2026, 2, 10)
    )
    (account,) = ledger.accounts
    assert codes(ledger) == ["ledger.row_type"]
    assert ledger.summary.rows_skipped == 1
    assert {one.payment_id: one.amount.minor for one in account.payments} == {"PE-1": 5000, "paid:SINV-1:20000": 20000}
    assert sorted(one.amount.minor for one in account.credit_notes) == [3000, 10000]
    assert balance_on(ledger, date(2026, 2, 10)) == {"SINV-1": 82000}


# -- a folder of tables ----------------------------------------------------------------------------------------------------------

TABLES = {
    "debtors": "debtor_id,account_id,name,debtor_kind,locale,zones,jurisdiction\nD-1,A-1,Ada,business,de_DE,Europe/Berlin;Europe/Paris,DE",
    "receivables": "receivable_id,account_id,issued_on,due_on,amount,currency,component,parent_id\n"
    "R-1,A-1,2026-01-01,2026-01-31,100.00,EUR,,\nR-2,A-1,2026-01-05,2026-02-05,50.00,EUR,,\nF-1,A-1,2026-02-10,2026-02-10,5.00,EUR,fee,R-1",
    "payments": "payment_id,account_id,debtor_id,amount,currency,received_on,receivable_ids,clears_on\n"
    "P-1,A-1,,30.00,EUR,2026-02-01,R-1,2026-02-04\nP-2,,D-1,10.00,EUR,2026-02-02,,\nP-3,,,7.00,EUR,2026-02-03,R-2;R-1,\n"
    "P-4,A-9,,1.00,EUR,2026-02-03,,\nP-5,A-1,,2.00,EUR,2026-02-03,R-77,",
    "payment_returns": "payment_id,returned_on\nP-1,2026-02-20\nP-99,2026-02-20",
    "credit_notes": "credit_note_id,account_id,amount,currency,issued_on,receivable_ids,cancelled_on\nC-1,A-1,4.00,EUR,2026-02-02,R-2,2026-02-25",
    "waivers": "waiver_id,receivable_id,amount,currency,waived_on,reason,authority\nW-1,F-1,5.00,EUR,2026-02-12,goodwill,lead\nW-2,F-9,5.00,EUR,2026-02-12,,lead",
    "promises": "promise_id,account_id,amount,currency,made_on,due_on,channel,withdrawn_on\nPP-1,A-1,20.00,EUR,2026-02-03,2026-02-10,phone,2026-02-09",
    "disputes": "dispute_id,account_id,raised_on,receivable_ids,amount,currency,reason,resolved_on\nX-1,A-1,2026-02-05,R-2,10.00,EUR,damaged,2026-02-15",
    "holds": "hold_id,account_id,reason,placed_on,until_on,stops\nH-1,A-1,breathing-space,2026-02-06,2026-03-06,friendly;final",
    "flags": "debtor_id,kind,since_on,until_on\nD-1,hardship,2026-02-07,",
    "approvals": "account_id,subject,authority,granted_by,granted_on\nA-1,legal,legal,eve,2026-02-08",
    "contact_points": "contact_point_id,account_id,channel,address,rank,opted_out_on\nCP-1,A-1,email,ada@example.org,1,2026-02-11",
    "contact_attempts": "attempt_id,account_id,channel,at,outcome,is_inbound\nT-1,A-1,phone,2026-02-09T10:00:00+01:00,right-party,yes",
    "plans": "plan_id,account_id,number,due_on,amount,currency,covers,agreed_on\nPL-1,A-1,2,2026-04-01,60.00,EUR,R-1,2026-02-15\n"
    "PL-1,A-1,1,2026-03-01,40.00,EUR,R-1,2026-02-15\nPL-2,A-1,1,2026-03-01,40.00,EUR,R-2,2026-02-15\nPL-2,A-1,2,2026-03-01,40.00,EUR,R-1,2026-02-15",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "README.txt").write_text("not a table", encoding="utf-8")
    return tmp_path


def test_a_folder_of_tables_becomes_one_account_with_all_its_facts(folder: Path) -> None:
    ledger = read_ledger(folder, HOUSE)
    (account,) = ledger.accounts
    assert (account.debtor.kind, account.debtor.zones, account.debtor.locale) == (
        DebtorKind.BUSINESS,
        ("Europe/Berlin", "Europe/Paris"),
        "de_DE",
    )
    assert [one.payment_id for one in account.payments] == ["P-1", "P-2", "P-3", "P-5"]
    assert account.payments[0].returned_on == date(2026, 2, 20)
    assert [part.number for part in account.plans[0].instalments] == [1, 2]
    assert sorted((row.table, row.row_number, row.code) for row in ledger.rejected) == [
        ("payment_returns", 3, "ledger.unknown_payment"),
        ("payments", 5, "ledger.unknown_account"),
        ("plans", 4, "ledger.plan"),
        ("plans", 5, "ledger.plan"),
        ("waivers", 3, "ledger.unknown_receivable"),
    ]
    assert warned(ledger) == {"ledger.unknown_receivable": 1}
    read_rows = ledger.summary.rows_read
    assert read_rows == ledger.summary.rows_used + ledger.summary.rows_rejected


def test_an_accounts_snapshot_equals_that_of_its_events_on_every_day(folder: Path) -> None:
    (account,) = read_ledger(folder, HOUSE).accounts
    (told,) = to_events(read_ledger(folder, HOUSE), recorded_at=NOW)
    state = history.fold(told.events)
    for month, days in ((1, 31), (2, 28), (3, 31)):
        for number in range(1, days + 1):
            on = date(2026, month, number)
            assert account.snapshot(on) == history.snapshot(state, as_of=on)


def test_events_have_lasting_keys_one_per_event(folder: Path) -> None:
    first, again = (to_events(read_ledger(folder, HOUSE), recorded_at=NOW) for _ in range(2))
    assert first == again
    (told,) = first
    assert len(told.events) == len(told.inbox_keys) == len(set(told.inbox_keys))
    assert type(told.events[0]).__name__ == "AccountOpened"
    later = to_events(read_ledger(folder, HOUSE), recorded_at=NOW.replace(day=5))
    assert later[0].inbox_keys == told.inbox_keys


def test_the_order_of_rows_does_not_show_in_the_events(folder: Path) -> None:
    before = to_events(read_ledger(folder, HOUSE), recorded_at=NOW)
    for name in ("receivables", "payments"):
        header, *rows = TABLES[name].split("\n")
        (folder / f"{name}.csv").write_text("\n".join([header, *reversed(rows)]), encoding="utf-8")
    assert to_events(read_ledger(folder, HOUSE), recorded_at=NOW) == before


def test_keys_of_two_sources_differ() -> None:
    column_map = one_table()
    other = attrs.evolve(column_map, name="other")
    keys = [to_events(read(GOOD, column_map=one), recorded_at=NOW)[0].inbox_keys for one in (column_map, other)]
    assert not set(keys[0]) & set(keys[1])


def test_a_paid_amount_that_has_grown_is_told_as_the_difference() -> None:
    first = read(f"{GOOD},4.00", header=f"{HEADER},amount_paid", exported_on=date(2026, 2, 1))
    second = read(f"{GOOD},7.00", header=f"{HEADER},amount_paid", exported_on=date(2026, 2, 9))
    known = {account.account_id: account.snapshot(date(2026, 2, 9)) for account in first.accounts}
    (told,) = to_events(second, recorded_at=NOW, known=known)
    payments = [event.payment for event in told.events if hasattr(event, "payment")]
    assert [(one.payment_id, one.amount.minor) for one in payments] == [("paid:R-1:700", 300)]
    (same,) = to_events(first, recorded_at=NOW, known=known)
    assert same.inbox_keys == to_events(first, recorded_at=NOW)[0].inbox_keys


def test_a_total_whose_day_is_unknown_keeps_the_day_of_the_first_import() -> None:
    def on(day: int) -> LedgerImport:
        return read(f"{GOOD},4.00,1.00", header=f"{HEADER},amount_paid,amount_credited", exported_on=date(2026, 2, day))

    known = {account.account_id: account.snapshot(date(2026, 3, 1)) for account in on(1).accounts}
    assert to_events(on(9), recorded_at=NOW, known=known) == to_events(on(1), recorded_at=NOW)


def test_a_credited_total_that_has_grown_is_told_as_the_difference() -> None:
    def with_credit(amount: str) -> LedgerImport:
        return read(f"{GOOD},{amount}", header=f"{HEADER},amount_credited", exported_on=date(2026, 2, 1))

    known = {account.account_id: account.snapshot(date(2026, 3, 1)) for account in with_credit("3.00").accounts}
    (told,) = to_events(with_credit("5.00"), recorded_at=NOW, known=known)
    notes = [event.credit_note for event in told.events if hasattr(event, "credit_note")]
    assert [(one.credit_note_id, one.amount.minor) for one in notes] == [("credited:R-1:500", 200)]
    (less,) = to_events(with_credit("2.00"), recorded_at=NOW, known=known)
    assert not [event for event in less.events if hasattr(event, "credit_note")]


def test_payments_with_ids_of_their_own_are_told_whatever_is_stored() -> None:
    ledger = read_ledger(io.StringIO(f"{HEADER},paid_on\n{GOOD},2026-02-05\n"), HOUSE)
    (account,) = ledger.accounts
    own = attrs.evolve(account.payments[0], payment_id="BANK-1")
    known = attrs.evolve(account, payments=[own]).snapshot(date(2026, 3, 1))
    other = attrs.evolve(ledger, accounts=(attrs.evolve(account, payments=(own,)),))
    (told,) = to_events(other, recorded_at=NOW, known={account.account_id: known})
    assert [event.payment.payment_id for event in told.events if hasattr(event, "payment")] == ["BANK-1"]


def test_a_folder_is_read_for_the_tables_of_its_map_only(folder: Path) -> None:
    column_map = one_table()
    (folder / "receivables.csv").write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    ledger = read_ledger(folder, column_map)
    assert (ledger.summary.rows_read, ledger.summary.payments) == (1, 0)


def test_the_summary_of_a_ledger_that_was_skipped_says_so() -> None:
    table = TableMap(columns={name: name for name in HEADER.split(",")}, skip={"currency": ["EUR"]})
    ledger = read(GOOD, column_map=ColumnMap(name="t", date_order="ymd", decimal_mark=".", tables=[table]))
    assert str(ledger.summary) == (
        "1 rows read, 0 used, 0 rejected, 1 left out by the column map; 0 accounts, 0 receivables over nothing, 0 payments"
    )


def test_a_folder_without_receivables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed) as caught:
        read_ledger(tmp_path, HOUSE)
    assert caught.value.code == "ledger.no_receivables"


def test_unknown_columns_of_several_tables_name_their_table(folder: Path) -> None:
    (folder / "promises.csv").unlink()
    (folder / "flags.csv").write_text("debtor_id,kind,since_on,colour\nD-1,hardship,2026-02-07,red\n", encoding="utf-8")
    assert read_ledger(folder, HOUSE).unknown_columns == ("flags.colour",)


def test_a_single_file_may_be_any_table_of_the_map() -> None:
    with pytest.raises(ImportFailed) as caught:
        read_ledger(io.StringIO(f"{HEADER}\n{GOOD}"), one_table(), table="payments")
    assert caught.value.code == "ledger.no_table"
    ledger = read_ledger(io.StringIO("debtor_id,name\nD-1,Ada\n"), HOUSE, table="debtors")
    assert [one.account_id for one in ledger.accounts] == ["D-1"]


def test_an_account_is_found_by_its_id() -> None:
    ledger = read(GOOD)
    assert ledger.account("D-1").account_id == "D-1"
    with pytest.raises(InvalidRecord) as caught:
        ledger.account("D-2")
    assert caught.value.code == "ledger.unknown_account"


def test_the_summary_reads_as_one_sentence() -> None:
    ledger = read(GOOD, GOOD, GOOD.replace("10.00", "x").replace("R-1", "R-2"))
    assert str(ledger.summary) == (
        "3 rows read, 1 used, 1 rejected, 1 identical to an earlier row; 1 accounts, 1 receivables over 10.00 EUR, 0 payments"
    )


def test_names_and_addresses_stay_out_of_reprs_and_warnings() -> None:
    ledger = read(f"{GOOD},Canary Person,canary@example.org,x", header=f"{HEADER},name,email,amount_paid")
    assert "anary" not in repr(ledger)
    assert "anary" not in str(ledger.warnings)


# -- the rest of the cells and tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "header", "row", "code"),
    [
        (
            "plans",
            "plan_id,debtor_id,number,due_on,amount,currency,covers,agreed_on",
            "L,D-1,one,2026-03-01,1,EUR,R-1,2026-01-01",
            "ledger.whole",
        ),
        (
            "plans",
            "plan_id,debtor_id,number,due_on,amount,currency,covers,agreed_on",
            "L,D-1,0,2026-03-01,1,EUR,R-1,2026-01-01",
            "records.range",
        ),
        (
            "contact_attempts",
            "attempt_id,debtor_id,channel,at,outcome",
            "T,D-1,phone,yesterday,no_answer",
            "ledger.instant",
        ),
        (
            "contact_attempts",
            "attempt_id,debtor_id,channel,at,outcome",
            "T,D-1,phone,2026-01-01T10:00:00,no_answer",
            "ledger.instant",
        ),
        (
            "contact_attempts",
            "attempt_id,debtor_id,channel,at,outcome",
            "T,D-1,pigeon,2026-01-01T10:00:00Z,no_answer",
            "ledger.choice",
        ),
        (
            "payments",
            "payment_id,account_id,amount,currency,received_on",
            "P,D-1,0.00,EUR,2026-01-01",
            "records.not_positive",
        ),
        (
            "payments",
            "payment_id,account_id,amount,currency,received_on",
            "P,D-1,-1.00,EUR,2026-01-01",
            "ledger.negative",
        ),
        (
            "payments",
            "payment_id,account_id,amount,currency,received_on,receivable_ids",
            "P,,1.00,EUR,2026-01-01,",
            "ledger.unknown_account",
        ),
        (
            "promises",
            "promise_id,debtor_id,amount,currency,made_on,due_on",
            "PP,D-1,1,EUR,2026-02-01,2026-01-01",
            "records.date_order",
        ),
        ("disputes", "dispute_id,debtor_id,raised_on,amount", "X,D-1,2026-02-01,5.00", "ledger.no_currency"),
    ],
)
def test_a_bad_cell_of_any_table_rejects_its_row(tmp_path: Path, table: str, header: str, row: str, code: str) -> None:
    (tmp_path / "receivables.csv").write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    (tmp_path / f"{table}.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    ledger = read_ledger(tmp_path, HOUSE)
    assert [(one.table, one.code) for one in ledger.rejected] == [(table, code)]


def test_a_debtor_with_two_accounts_is_not_enough_to_place_a_payment(tmp_path: Path) -> None:
    (tmp_path / "debtors.csv").write_text("debtor_id,account_id\nD-1,A\nD-1,B\nD-2,C\n", encoding="utf-8")
    (tmp_path / "receivables.csv").write_text(
        f"{HEADER},account_id\n{GOOD},A\n{GOOD.replace('R-1', 'R-2')},B\n", encoding="utf-8"
    )
    (tmp_path / "payments.csv").write_text(
        "payment_id,debtor_id,amount,currency,received_on,receivable_ids\nP,D-1,1,EUR,2026-01-02,\n"
        "Q,D-2,1,EUR,2026-01-02,\nS,,1,EUR,2026-01-02,R-2\nT,,1,EUR,2026-01-02,R-1;R-2\n",
        encoding="utf-8",
    )
    ledger = read_ledger(tmp_path, HOUSE)
    assert [(one.row_number, one.field) for one in ledger.rejected] == [(2, "debtor_id"), (5, "account_id")]
    assert {account.account_id: len(account.payments) for account in ledger.accounts} == {"A": 0, "B": 1, "C": 1}


def test_master_data_that_differs_keeps_the_first_with_a_warning() -> None:
    ledger = read(f"{GOOD},de_DE", f"{GOOD.replace('R-1', 'R-2')},fr_FR", header=f"{HEADER},locale")
    assert ledger.accounts[0].debtor.locale == "de_DE"
    assert warned(ledger) == {"ledger.debtor_differs": 1}


def test_an_account_is_opened_on_its_own_day_or_that_of_its_first_fact() -> None:
    (told,) = to_events(read(f"{GOOD},2025-06-01", header=f"{HEADER},opened_on"), recorded_at=NOW)
    assert told.events[0].effective_on == date(2025, 6, 1)
    (plain,) = to_events(read(GOOD), recorded_at=NOW)
    assert plain.events[0].effective_on == date(2026, 1, 1)
    empty = read_ledger(io.StringIO("debtor_id,name\nD-1,Ada\n"), HOUSE, table="debtors")
    assert to_events(empty, recorded_at=NOW)[0].events[0].effective_on == NOW.date()


def test_a_constant_that_cannot_be_read_is_told_before_any_row() -> None:
    table = TableMap(columns={name: name for name in HEADER.split(",")}, constants={"debtor_kind": "pets"})
    with pytest.raises(ImportFailed) as caught:
        read(GOOD, column_map=ColumnMap(name="t", date_order="ymd", decimal_mark=".", tables=[table]))
    assert caught.value.code == "ledger.constant"


def test_lists_and_truth_in_json_are_read_as_cells() -> None:
    line = (
        '{"receivable_id":"R-1","debtor_id":"D-1","issued_on":"2026-01-01","amount":"5","currency":"EUR","disputed":true,'
        '"zones":["Europe/Berlin","Europe/Paris"],"name":null,"colour":"red"}'
    )
    ledger = read_ledger(io.StringIO(f"{line}\n\n"), HOUSE)
    assert ledger.accounts[0].debtor.zones == ("Europe/Berlin", "Europe/Paris")
    assert len(ledger.accounts[0].disputes) == 1
    assert ledger.unknown_columns == ("colour",)


def test_credit_notes_over_nothing_among_receivables_are_left_out() -> None:
    table = TableMap(
        columns={**{name: name for name in HEADER.split(",")}, "row_type": "type"},
        types={"invoice": "receivable", "credit": "credit_note"},
    )
    column_map = ColumnMap(name="t", date_order="ymd", decimal_mark=".", tables=[table])
    rows = [
        f"{GOOD},invoice",
        f"{GOOD.replace('R-1', 'C-1')},credit",
        f"{GOOD.replace('R-1', 'C-2').replace('10.00', '0')},credit",
    ]
    ledger = read(*rows, header=f"{HEADER},type", column_map=column_map)
    assert [one.credit_note_id for one in ledger.accounts[0].credit_notes] == ["C-1"]
    assert warned(ledger) == {"ledger.zero_amount": 1}


def test_only_so_many_rejected_rows_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectkit.adapters._ledger_build.REJECTED_LIMIT", 2)
    ledger = read(*(f"R-{number},D-1,bad,2026-01-31,1,EUR" for number in range(5)), GOOD)
    assert (len(ledger.rejected), ledger.summary.rows_rejected) == (2, 5)
    assert warned(ledger) == {"ledger.rejected_limit": 3}


@pytest.mark.parametrize("time", [" 09:30", "T09:30:00Z", " 9:30 PM", "T09:30:00.123+02:00", " 09:30 UTC"])
def test_a_time_of_day_is_dropped_where_the_map_says_so(time: str) -> None:
    ledger = read(GOOD.replace("2026-01-01", f"2026-01-01{time}"), column_map=one_table(has_time=True))
    assert ledger.accounts[0].receivables[0].issued_on == date(2026, 1, 1)


def test_a_utf_16_file_is_read_where_it_is_named() -> None:
    data = f"{HEADER}\n{GOOD}\n".encode("utf-16")
    assert ids(read_ledger(io.BytesIO(data), HOUSE, encoding="utf-16")) == ["R-1"]
    with pytest.raises(ImportFailed) as caught:
        read_ledger(io.BytesIO(f"{HEADER}\n{GOOD}\n".encode()), HOUSE, encoding="utf-16")
    assert caught.value.code == "ledger.encoding"


def test_a_ledger_of_ten_thousand_rows_is_read_in_a_moment() -> None:
    rows = [f"R-{number},D-{number % 700},2026-01-01,2026-01-31,{number}.25,EUR" for number in range(1, 10_001)]
    ledger = read(*rows)
    assert (ledger.summary.accounts, ledger.summary.receivables) == (700, 10_000)
    assert ledger.summary.amounts == (Money(sum(number * 100 + 25 for number in range(1, 10_001)), "EUR"),)
