"""CSV that people open in a spreadsheet: text never runs as a formula, numbers stay numbers.

A cell that a spreadsheet would run is written with an apostrophe before it; the ledger import takes it off again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import IO, Any, Final

from collectkit.core.errors import InvalidRecord
from collectkit.core.money import Money

__all__ = ["SafeWriter", "safe_cell", "unguarded", "write_csv"]

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and full-width
_HARMLESS_LENGTH: Final = 32_767  # what one cell of a spreadsheet holds


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet runs as a formula.

    Text that begins with = + - @, a tab or a line break gets an apostrophe, spaces before it or not. Numbers, money
    and days are written plainly: money as its digits, for its currency belongs in a column of its own. None is empty.
    Characters that no cell may hold (NUL and other controls, lone surrogates) become U+FFFD.

    >>> [safe_cell(one) for one in ("=1+1", "+49 30 1", "007", -5, Money(-1250, "EUR"), date(2026, 3, 1), None)]
    ["'=1+1", "'+49 30 1", '007', '-5', '-12.50', '2026-03-01', '']

    Raises:
        InvalidRecord: `report.export` for a float or another type, or for text longer than a cell can be.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Money):
        return value.plain()
    if type(value) is int:
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if not isinstance(value, str):
        name = type(value).__name__
        hint = "; round it to a Decimal first" if isinstance(value, (float, Fraction)) else ""
        raise InvalidRecord("report.export", f"a cell cannot hold {name}{hint}")
    text = str(value)
    if len(text) > _HARMLESS_LENGTH:
        raise InvalidRecord("report.export", f"a cell holds at most {_HARMLESS_LENGTH:,} characters")
    text = "".join(one if one in "\t\n\r" or _is_writable(one) else "\ufffd" for one in text)
    return f"'{text}" if text.startswith(DANGEROUS) or text.lstrip().startswith(DANGEROUS) else text


def unguarded(cell: str) -> str:
    """Take off the apostrophe that `safe_cell` put before dangerous text; any other cell stays as it is.

    >>> unguarded("'=1+1"), unguarded("'tis")
    ('=1+1', "'tis")
    """
    if cell[:1] == "'" and (cell[1:2] in DANGEROUS or cell[1:].lstrip().startswith(DANGEROUS)):
        return cell[1:]
    return cell


class SafeWriter:
    """Write rows of safe cells to a text stream opened with `newline=""`.

    >>> import sys
    >>> SafeWriter(sys.stdout).row(["account", "=cmd|x", Money(500, "EUR")])
    account,'=cmd|x,5.00
    """

    def __init__(self, stream: IO[str], *, delimiter: str = ",") -> None:
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")

    def row(self, cells: Iterable[object]) -> None:
        """Write one row."""
        self._writer.writerow([safe_cell(cell) for cell in cells])

    def rows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write many rows."""
        for cells in rows:
            self.row(cells)


def write_csv(stream: IO[str], header: Sequence[str], rows: Iterable[Mapping[str, Any] | Sequence[object]]) -> int:
    """Write a header and rows (sequences, or mappings by column) and return the number of rows.

    Raises:
        InvalidRecord: `report.export`; what stands before the bad row is already written.
    """
    writer = SafeWriter(stream)
    writer.row(header)
    number = 0
    for number, row in enumerate(rows, start=1):
        cells = [row.get(column) for column in header] if isinstance(row, Mapping) else row
        try:
            writer.row(cells)
        except InvalidRecord as error:
            raise InvalidRecord("report.export", f"row {number}: {error.text}") from error
    return number


def _is_writable(character: str) -> bool:
    code = ord(character)
    return code >= 0x20 and code != 0x7F and not 0xD800 <= code <= 0xDFFF
