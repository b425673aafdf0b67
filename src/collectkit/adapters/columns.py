"""Column maps: which column of somebody's export holds which fact, and how its dates and figures are written.

A map is data, in Python or TOML. Nothing is guessed: the order of a date and the decimal mark are stated, in the map or
where the ledger is read. The reading itself is in `ledger`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args

import attrs

from collectkit.core.checks import as_tuple, each, identifier, one_of, optional, text_up_to, texts
from collectkit.core.errors import ImportFailed, InvalidPolicy, Problem
from collectkit.core.money import exponent_of
from collectkit.core.reading import Problems, TableReader, toml_table

__all__ = [
    "FIELDS",
    "READY_MAPS",
    "ColumnMap",
    "DateOrder",
    "TableMap",
    "load_column_map",
    "ready_map",
]

DateOrder = Literal["ymd", "dmy", "mdy"]
"""In which order the parts of a date stand: 2026-03-12, 12.03.2026 or 3/12/2026."""

NegativeAmount = Literal["reject", "credit_note"]

Pairs = tuple[tuple[str, str], ...]

# What a table may hold: field -> how its cell is read. A field with "!" must have a column, a constant or, for
# currencies, the default currency; and a cell in every row.
_WHO: Final = {"account_id": "id", "debtor_id": "id"}
_PARTY: Final = {
    "name": "text",
    "debtor_kind": "debtor_kind",
    "locale": "text",
    "zones": "texts",
    "jurisdiction": "text",
    "preferred_channel": "channel",
    "creditor_id": "text",
    "opened_on": "date",
    "labels": "texts",
    "email": "text",
    "phone": "text",
    "mobile": "text",
    "post": "text",
}

FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "receivables": {
        "receivable_id": "id!",
        **_WHO,
        **_PARTY,
        "amount": "amount!",
        "currency": "currency",
        "issued_on": "date!",
        "due_on": "date",
        "component": "component",
        "receivable_kind": "text",
        "parent_id": "id",
        "row_type": "text",
        "amount_paid": "amount",
        "amount_credited": "amount",
        "amount_open": "amount",
        "paid_on": "date",
        "disputed": "yes_no",
        "disputed_on": "date",
        "dispute_reason": "text",
    },
    "debtors": {**_WHO, **_PARTY},
    "payments": {
        "payment_id": "id!",
        **_WHO,
        "amount": "amount!",
        "currency": "currency",
        "received_on": "date!",
        "effective_on": "date",
        "receivable_ids": "ids",
        "returned_on": "date",
        "clears_on": "date",
    },
    "payment_returns": {"payment_id": "id!", "returned_on": "date!"},
    "credit_notes": {
        "credit_note_id": "id!",
        **_WHO,
        "amount": "amount!",
        "currency": "currency",
        "issued_on": "date!",
        "receivable_ids": "ids",
        "cancelled_on": "date",
    },
    "waivers": {
        "waiver_id": "id!",
        "receivable_id": "id!",
        "amount": "amount!",
        "currency": "currency",
        "waived_on": "date!",
        "reason": "text",
        "authority": "id!",
    },
    "promises": {
        "promise_id": "id!",
        **_WHO,
        "amount": "amount!",
        "currency": "currency",
        "made_on": "date!",
        "due_on": "date!",
        "receivable_ids": "ids",
        "channel": "channel",
        "taken_by": "text",
        "withdrawn_on": "date",
        "supersedes": "id",
    },
    "disputes": {
        "dispute_id": "id!",
        **_WHO,
        "raised_on": "date!",
        "receivable_ids": "ids",
        "amount": "amount",
        "currency": "currency",
        "reason": "text",
        "resolved_on": "date",
    },
    "holds": {
        "hold_id": "id!",
        **_WHO,
        "reason": "hold_reason!",
        "placed_on": "date!",
        "until_on": "date",
        "receivable_ids": "ids",
        "stops": "ids",
    },
    "flags": {**_WHO, "kind": "flag_kind!", "since_on": "date!", "until_on": "date"},
    "approvals": {
        **_WHO,
        "subject": "id!",
        "authority": "id!",
        "granted_by": "id!",
        "granted_on": "date!",
        "until_on": "date",
        "cycle": "whole",
    },
    "contact_points": {
        "contact_point_id": "id!",
        **_WHO,
        "channel": "channel!",
        "address": "text!",
        "rank": "whole",
        "zones": "texts",
        "is_workplace": "yes_no",
        "consent_on": "date",
        "opted_out_on": "date",
        "invalid_since_on": "date",
    },
    "contact_attempts": {
        "attempt_id": "id!",
        **_WHO,
        "channel": "channel!",
        "at": "instant!",
        "outcome": "contact_outcome!",
        "contact_point_id": "id",
        "receivable_ids": "ids",
        "is_inbound": "yes_no",
    },
    "plans": {
        "plan_id": "id!",
        **_WHO,
        "number": "whole!",
        "due_on": "date!",
        "amount": "amount!",
        "currency": "currency",
        "covers": "ids!",
        "agreed_on": "date!",
        "tolerance_days": "whole",
        "tolerance_amount": "amount",
        "supersedes": "id",
        "cancelled_on": "date",
    },
}
"""Every table of a ledger with its fields; a plan has one row per instalment."""

READY_MAPS: Final = ("collectkit", "stripe-invoices", "erpnext-accounts-receivable")
"""Names of the maps that come with the package; `collectkit` is the shape whose columns are named like the fields."""


def _pairs(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> Pairs:
    items = values.items() if isinstance(values, Mapping) else values
    return tuple((str(key), str(value)) for key, value in items)


def _skips(values: Mapping[str, Iterable[str]] | Iterable[tuple[str, Iterable[str]]]) -> Skips:
    items = values.items() if isinstance(values, Mapping) else values
    return tuple((str(column), tuple(words)) for column, words in items)


Skips = tuple[tuple[str, tuple[str, ...]], ...]


@attrs.frozen(kw_only=True)
class TableMap:
    """Which columns of one table hold which fields.

    `columns` names the column of each field, `constants` gives a field one text for every row. `may_lack` lists fields
    whose column may be absent without a word. Rows that hold one of the listed words in a column of `skip` are left
    out. Where a column says what a row is (`row_type`), `types` names the table for each of its words: receivable,
    credit_note or payment. `negative` says what a negative amount is. `kept` lists further columns whose text stays
    with the receivable. `file` is the table's file in a folder, by default `<table>.csv`.

    Raises:
        InvalidPolicy: `ledger.*`, every problem in one error.
    """

    table: str = attrs.field(default="receivables", validator=one_of(FIELDS))
    columns: Pairs = attrs.field(converter=_pairs)
    constants: Pairs = attrs.field(default=(), converter=_pairs)
    may_lack: tuple[str, ...] = attrs.field(default=(), converter=texts)
    skip: Skips = attrs.field(default=(), converter=_skips)
    types: Pairs = attrs.field(default=(), converter=_pairs)
    negative: NegativeAmount = attrs.field(default="reject", validator=one_of(get_args(NegativeAmount)))
    kept: tuple[str, ...] = attrs.field(default=(), converter=texts)
    file: str | None = attrs.field(default=None, validator=optional(text_up_to(255)))

    def __attrs_post_init__(self) -> None:
        problems = Problems("ledger")
        known = FIELDS[self.table]
        for part, names in (
            ("columns", [field for field, _column in self.columns]),
            ("constants", [field for field, _text in self.constants]),
            ("may_lack", self.may_lack),
        ):
            for name in names:
                if name not in known:
                    problems.note(
                        f"{part}.{name}",
                        f"the table {self.table} has no such field",
                        reason="unknown_field",
                        value=name,
                        choices=sorted(known),
                    )
        given = {field for field, _text in (*self.columns, *self.constants)}
        for field, kind in known.items():
            if kind.endswith("!") and field not in given:
                problems.note(f"columns.{field}", "needs a column or a constant", reason="missing_field")
        if "account_id" in known and not given & {"account_id", "debtor_id", "receivable_ids"}:
            problems.note("columns", "needs account_id or debtor_id: whose row it is", reason="missing_field")
        for word, kind in self.types:
            if kind not in ROW_TYPES:
                problems.note(f"types.{word}", "no such kind of row", reason="choice", value=kind, choices=ROW_TYPES)
        problems.raise_if_any()

    @property
    def file_names(self) -> tuple[str, ...]:
        """Return the names under which the table is looked for in a folder."""
        if self.file is not None:
            return (self.file,)
        return tuple(
            f"{self.table}{ending}" for ending in (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")
        )


ROW_TYPES: Final = ("receivable", "credit_note", "payment")


@attrs.frozen(kw_only=True)
class ColumnMap:
    """How to read the ledger of one source; `name` is part of every key, so a second import is recognised.

    `decimal_mark` is "." or ","; `thousands_mark` is "", ",", ".", " " or "'" and stands only between groups of three.
    `has_time` accepts a time of day after a date and drops it. `separator` splits a cell that lists several ids.
    `trims_ids` turns ids that went through a spreadsheet as numbers ("1930571429.0") back, with a warning. `yes` and
    `no` list the words of yes-or-no columns, in any case of letters.

    >>> ColumnMap(
    ...     name="erp",
    ...     date_order="dmy",
    ...     decimal_mark=",",
    ...     tables=[
    ...         TableMap(
    ...             columns={
    ...                 "receivable_id": "Nr",
    ...                 "debtor_id": "Kunde",
    ...                 "issued_on": "Datum",
    ...                 "due_on": "Fällig",
    ...                 "amount": "Betrag",
    ...             }
    ...         )
    ...     ],
    ... ).tables[0].table
    'receivables'
    """

    name: str = attrs.field(validator=identifier)
    tables: tuple[TableMap, ...] = attrs.field(converter=as_tuple, validator=each(TableMap))
    date_order: DateOrder = attrs.field(validator=one_of(get_args(DateOrder)))
    decimal_mark: str = attrs.field(validator=one_of((".", ",")))
    thousands_mark: str = attrs.field(default="", validator=one_of(("", ",", ".", " ", "'")))
    has_time: bool = False
    default_currency: str | None = None
    encoding: str | None = attrs.field(default=None, validator=optional(text_up_to(40)))
    delimiter: str | None = attrs.field(default=None, validator=optional(one_of((",", ";", "\t", "|"))))
    separator: str = attrs.field(default=";", validator=one_of((";", "|", ",", " ")))
    trims_ids: bool = True
    yes: tuple[str, ...] = attrs.field(default=("yes", "y", "true", "1"), converter=texts)
    no: tuple[str, ...] = attrs.field(default=("no", "n", "false", "0", ""), converter=texts)

    def __attrs_post_init__(self) -> None:
        if self.default_currency is not None:
            exponent_of(self.default_currency)
        problems = []
        if self.decimal_mark == self.thousands_mark:
            problems.append(
                Problem(
                    code="ledger.marks",
                    path="thousands_mark",
                    text="one mark cannot both end the whole units and group the thousands",
                    value=self.decimal_mark,
                )
            )
        names = [table.table for table in self.tables]
        if not names or len(set(names)) != len(names):
            problems.append(
                Problem(code="ledger.tables", path="tables", text="give each table once, and at least one table")
            )
        if problems:
            raise InvalidPolicy(problems)

    def table(self, name: str) -> TableMap | None:
        """Return the map of one table, None where it has none."""
        return next((one for one in self.tables if one.table == name), None)


def load_column_map(path: str | Path) -> ColumnMap:
    """Read a column map from a TOML file; every mistake of the file is reported at once.

    A map of one table has `[columns]` at its top and `table = "..."` for anything but receivables; a map of several
    has `[tables.NAME.columns]` and so on. `columns = "same"` says that the columns are named like the fields.

    Raises:
        ImportFailed: `ledger.map_unreadable` for a file that is missing or is no TOML.
        InvalidPolicy: `ledger.*` for a map that cannot stand.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ImportFailed(
            "ledger.map_unreadable", f"the column map {path} cannot be read ({type(error).__name__}); check the path"
        ) from error
    return _parsed(text, str(path))


def ready_map(name: str) -> ColumnMap:
    """Return a column map that comes with the package.

    >>> ready_map("stripe-invoices").date_order
    'ymd'

    Raises:
        ImportFailed: `ledger.unknown_map`.
    """
    if name not in READY_MAPS:
        raise ImportFailed(
            "ledger.unknown_map",
            f"no column map {str(name)[:60]!r} comes with collectkit; choose from: {', '.join(READY_MAPS)}, "
            "or write one of your own and load it with load_column_map",
        )
    return _parsed(files("collectkit.adapters").joinpath("maps", f"{name}.toml").read_text(encoding="utf-8"), name)


# -- details ---------------------------------------------------------------------------------------------------


def _parsed(text: str | bytes, place: str) -> ColumnMap:
    try:
        table = toml_table(text)
    except ValueError as error:
        raise ImportFailed("ledger.map_unreadable", f"the column map {place} is no valid TOML: {error}") from error
    problems = Problems("ledger")
    reader = TableReader(table, path="", problems=problems)
    settings: dict[str, Any] = {
        "name": reader.text("name"),
        "date_order": reader.text("date_order", choices=get_args(DateOrder)),
        "decimal_mark": reader.text("decimal_mark", choices=(".", ",")),
        "has_time": reader.flag("has_time", False),
        "trims_ids": reader.flag("trims_ids", True),
    }
    for key in ("thousands_mark", "default_currency", "encoding", "delimiter", "separator"):
        if reader.has(key):
            settings[key] = reader.raw(key)
            if not isinstance(settings[key], str):
                reader.note(key, "text is needed here", reason="type")
    for key in ("yes", "no"):
        if reader.has(key):
            settings[key] = reader.texts(key)
    tables: list[TableMap | None] = []
    if reader.has("columns"):
        tables.append(_table_of(reader, reader.text("table", "receivables", choices=tuple(FIELDS)), problems))
    inner = reader.table("tables")
    if inner is not None:
        for name in inner.keys():  # noqa: SIM118 - a reader, not a dict
            if name not in FIELDS:
                inner.note(name, "no such table", reason="unknown_table", choices=tuple(FIELDS))
                inner.raw(name)
                continue
            one = inner.table(name)
            if one is not None:
                tables.append(_table_of(one, name, problems))
                one.done()
        inner.done()
    reader.done()
    problems.raise_if_any()
    made = problems.take("", lambda: ColumnMap(tables=[one for one in tables if one is not None], **settings))
    problems.raise_if_any()
    if made is None:  # take() notes every reason it returns None for
        raise ImportFailed("ledger.map_unreadable", f"the column map {place} cannot be used")
    return made


def _table_of(reader: TableReader, name: str, problems: Problems) -> TableMap | None:
    raw = reader.raw("columns")
    may_lack = reader.texts("may_lack", ())
    if raw == "same":
        columns = tuple((field, field) for field in FIELDS[name])
        may_lack = tuple(field for field, kind in FIELDS[name].items() if not kind.endswith("!"))
    else:
        columns = _texts_of(reader, "columns")
    settings: dict[str, Any] = {
        "columns": columns,
        "may_lack": may_lack,
        "constants": _texts_of(reader, "constants"),
        "types": _texts_of(reader, "types"),
        "negative": reader.text("negative", "reject", choices=get_args(NegativeAmount)),
        "kept": reader.texts("kept", ()),
        "file": reader.raw("file"),
    }
    skip = reader.table("skip")
    if skip is not None:
        settings["skip"] = tuple((column, skip.texts(column)) for column in skip.keys())  # noqa: SIM118 - a reader
    return problems.take(reader.path or name, lambda: TableMap(table=name, **settings))


def _texts_of(reader: TableReader, key: str) -> Pairs:
    inner = reader.table(key)
    if inner is None:
        return ()
    pairs = tuple((name, inner.text(name)) for name in inner.keys())  # noqa: SIM118 - a reader, not a dict
    inner.done()
    return pairs
