"""Ledgers in: an open-items export, or a folder of tables, becomes accounts with their facts, and events for a store.

What cannot be read is told row by row in `LedgerImport.rejected` and the rest is kept; odd but usable rows are kept with
a warning. A file that cannot be read at all raises `ImportFailed`. Nothing is guessed: column map, date order and marks
are stated. It decides nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Final

import attrs

from collectkit.adapters._ledger_build import LedgerBuilder
from collectkit.adapters._ledger_records import (
    AccountEvents,
    LedgerAccount,
    LedgerSummary,
    LedgerWarning,
    RejectedRow,
    events_of,
)
from collectkit.adapters._rows import BadRow, open_rows, require_columns
from collectkit.adapters.columns import FIELDS, READY_MAPS, ColumnMap, DateOrder, TableMap, load_column_map, ready_map
from collectkit.adapters.csv_out import write_csv
from collectkit.core.checks import require_date
from collectkit.core.errors import ImportFailed, InvalidRecord
from collectkit.core.records import AccountSnapshot

__all__ = [
    "FIELDS",
    "READY_MAPS",
    "AccountEvents",
    "ColumnMap",
    "LedgerAccount",
    "LedgerImport",
    "LedgerSummary",
    "LedgerWarning",
    "RejectedRow",
    "TableMap",
    "load_column_map",
    "read_ledger",
    "ready_map",
    "to_events",
    "write_rejected",
]

MAX_ROWS: Final = 20_000_000
PROGRESS_EVERY: Final = 1_000

ORDER: Final = ("debtors", "receivables", *(table for table in FIELDS if table not in {"debtors", "receivables"}))
"""Debtors and receivables say which accounts there are, so they are read first."""


@attrs.frozen(kw_only=True)
class LedgerImport:
    """What came out of a ledger: accounts by id, rejected rows, warnings, and columns that nobody asked for.

    `source` is the map's name. `unknown_columns` holds each once, as `table.column` where there are several tables.
    """

    source: str
    accounts: tuple[LedgerAccount, ...]
    rejected: tuple[RejectedRow, ...]
    warnings: tuple[LedgerWarning, ...]
    unknown_columns: tuple[str, ...]
    summary: LedgerSummary

    def account(self, account_id: str) -> LedgerAccount:
        """Return one account.

        Raises:
            InvalidRecord: `ledger.unknown_account`.
        """
        for one in self.accounts:
            if one.account.account_id == account_id:
                return one
        raise InvalidRecord("ledger.unknown_account", f"the ledger has no account {account_id}")


def read_ledger(
    source: str | Path | IO[Any],
    column_map: ColumnMap,
    *,
    table: str | None = None,
    date_order: DateOrder | None = None,
    decimal_mark: str | None = None,
    thousands_mark: str | None = None,
    default_currency: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    exported_on: date | None = None,
    max_rows: int = MAX_ROWS,
    progress: Callable[[int], None] | None = None,
) -> LedgerImport:
    """Read a ledger from a file, an open stream or a folder of tables.

    CSV and TSV with any line ends, JSON lines, each plain or gzip, UTF-8 with or without a byte order mark, or another
    `encoding` where it is named. The delimiter is the one that stands most often in the header unless it is named.
    Arguments that are given override those of the map. `table` says what a single file holds where the map knows
    several. Money whose day the ledger does not say counts from `exported_on`, or without it from the due day, in
    favour of the debtor. `progress` is called now and then with the number of rows read.

    >>> import io
    >>> rows = ["receivable_id,debtor_id,issued_on,due_on,amount,currency", "R-1,D-1,2026-01-01,2026-01-15,9.00,EUR"]
    >>> ledger = read_ledger(io.StringIO(chr(10).join(rows)), ready_map("collectkit"))
    >>> ledger.accounts[0].receivables[0].amount_original
    Money(900, 'EUR')

    Raises:
        ImportFailed: `ledger.*` where the ledger cannot be read at all, or holds no row.
        InvalidPolicy: an overriding argument that cannot stand.
        InvalidMoney: `money.unknown_currency` for the default currency.
    """
    given = {
        "date_order": date_order,
        "decimal_mark": decimal_mark,
        "thousands_mark": thousands_mark,
        "default_currency": default_currency,
        "encoding": encoding,
        "delimiter": delimiter,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    used = attrs.evolve(column_map, **changes) if changes else column_map
    if exported_on is not None:
        require_date(exported_on, "exported_on")
    builder = LedgerBuilder(used, exported_on)
    unknown: list[str] = []
    with ExitStack() as stack:
        parts = _parts(source, used, table)
        for table_map, part, name in parts:
            unknown += _read_table(
                builder, table_map, part, stack, name=name, several=len(parts) > 1, max_rows=max_rows, progress=progress
            )
    if not builder.rows_read:
        raise ImportFailed("ledger.empty", f"{_name_of(source)} is empty: it has a header and no row")
    accounts, summary = builder.finish()
    if progress is not None:
        progress(builder.rows_read)
    return LedgerImport(
        source=used.name,
        accounts=accounts,
        rejected=tuple(builder.rejected),
        warnings=builder.warnings(),
        unknown_columns=tuple(dict.fromkeys(unknown)),
        summary=summary,
    )


def to_events(
    ledger: LedgerImport, *, recorded_at: datetime, known: Mapping[str, AccountSnapshot] | None = None
) -> tuple[AccountEvents, ...]:
    """Tell an imported ledger as events, account by account, under keys that stay the same from import to import.

    Every event has an inbox key of (source, table, id): leave out those that `store.seen` knows, and a second import
    changes nothing. `known` are snapshots of accounts already stored: an amount paid that has grown since then is told
    as a payment of the difference; without it the whole amount is one payment under a key of its own, so pass `known`
    when a ledger with running paid amounts is imported again.

    Raises:
        InvalidDate: `recorded_at` without an offset.
    """
    return tuple(
        events_of(one, ledger.source, recorded_at, (known or {}).get(one.account_id)) for one in ledger.accounts
    )


def write_rejected(ledger: LedgerImport, path: str | Path) -> int:
    """Write the rejected rows as CSV that is safe to open in a spreadsheet, and return how many there are."""
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        return write_csv(
            stream,
            ("table", "row", "field", "value", "reason", "code"),
            ((one.table, one.row_number, one.field, one.value, one.reason, one.code) for one in ledger.rejected),
        )


# -- details ---------------------------------------------------------------------------------------------------


def _parts(
    source: str | Path | IO[Any], column_map: ColumnMap, table: str | None
) -> list[tuple[TableMap, str | Path | IO[Any], str]]:
    """Say which table stands where, debtors and receivables first."""
    if isinstance(source, (str, Path)) and Path(source).is_dir():
        folder = Path(source)
        parts: list[tuple[TableMap, str | Path | IO[Any], str]] = []
        for name in ORDER:
            table_map = column_map.table(name)
            if table_map is None:
                continue
            found = next((folder / one for one in table_map.file_names if (folder / one).is_file()), None)
            if found is not None:
                parts.append((table_map, found, found.name))
        if not any(part[0].table == "receivables" for part in parts):
            raise ImportFailed(
                "ledger.no_receivables", f"{folder} holds no receivables table, such as receivables.csv; name its file"
            )
        return parts
    wanted = table or ("receivables" if column_map.table("receivables") else column_map.tables[0].table)
    chosen = column_map.table(wanted)
    if chosen is None:
        tables = ", ".join(one.table for one in column_map.tables)
        raise ImportFailed(
            "ledger.no_table", f"the column map {column_map.name} has no table {wanted[:40]!r}; it has: {tables}"
        )
    return [(chosen, source, _name_of(source))]


def _name_of(source: str | Path | IO[Any]) -> str:
    if isinstance(source, (str, Path)):
        return Path(source).name
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else "the ledger"


def _read_table(
    builder: LedgerBuilder,
    table_map: TableMap,
    source: str | Path | IO[Any],
    stack: ExitStack,
    *,
    name: str,
    several: bool,
    max_rows: int,
    progress: Callable[[int], None] | None,
) -> list[str]:
    """Read one table into the builder and return the columns that nobody asked for."""
    column_map = builder.map
    opened = open_rows(source, stack=stack, name=name, encoding=column_map.encoding, delimiter=column_map.delimiter)
    kinds = FIELDS[table_map.table]
    asked = {column for _field, column in table_map.columns} | {column for column, _words in table_map.skip}
    asked.update(table_map.kept)
    unknown: dict[str, None] = {}
    if not opened.is_json:
        needed = [(field, column) for field, column in table_map.columns if kinds[field].endswith("!")]
        require_columns(opened.header, needed, name)
        twice = [pair for pair in table_map.columns if opened.header.count(pair[1]) > 1]
        require_columns(opened.header, twice, name)
        for field, column in table_map.columns:
            if column not in opened.header and field not in table_map.may_lack:
                builder.warn(
                    table_map.table,
                    1,
                    "ledger.column_absent",
                    f"no column {column!r} for {field}; it stays empty. List {field} under may_lack if that is meant",
                )
        unknown.update((column, None) for column in opened.header if column and column not in asked)
    table = builder.table(table_map, frozenset(opened.header) if not opened.is_json else None)
    for row in opened.rows:
        builder.rows_read += 1
        if builder.rows_read > max_rows:
            raise ImportFailed(
                "ledger.too_large", f"{name} has more than {max_rows:,} rows; split it, or pass a higher max_rows"
            )
        if progress is not None and builder.rows_read % PROGRESS_EVERY == 0:
            progress(builder.rows_read)
        if isinstance(row, BadRow):
            builder.reject(table_map.table, row.row_number, row.field, row.value, row.reason, row.code)
            continue
        if opened.is_json:
            unknown.update((column, None) for column in row[1] if column not in asked)
        table.take(*row)
    return [f"{table_map.table}.{column}" if several else column for column in unknown]
