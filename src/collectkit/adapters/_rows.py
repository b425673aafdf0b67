"""Rows out of files: plain or gzip, CSV in any delimiter or JSON lines, one row at a time.

What cannot be read at all ends in one `ImportFailed` with the way out; a single bad row is yielded as such.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, Final

import attrs

from collectkit.adapters.csv_out import unguarded
from collectkit.core.errors import ImportFailed

__all__ = ["BadRow", "Row", "RowSource", "open_rows"]

DELIMITERS: Final = (",", ";", "\t", "|")
MAX_LINE: Final = 1_000_000

Row = tuple[int, dict[str, str]]


@attrs.frozen(kw_only=True)
class BadRow:
    """A row that is no row."""

    row_number: int
    field: str
    value: str
    reason: str
    code: str


@attrs.frozen(kw_only=True)
class RowSource:
    """An open table: its header (empty for JSON lines, which has none) and its rows, counted with the header as 1."""

    header: tuple[str, ...]
    rows: Iterator[Row | BadRow]
    is_json: bool


def open_rows(
    source: str | Path | IO[Any], *, stack: ExitStack, name: str, encoding: str | None, delimiter: str | None
) -> RowSource:
    """Open a table by path or stream; whatever was opened here is closed with `stack`.

    Raises:
        ImportFailed: `ledger.*` where nothing can be read.
    """
    binary, is_gzip = _binary(source, stack, name)
    text = io.TextIOWrapper(binary, encoding=_encoding(binary, encoding, name), errors="strict", newline="")
    stack.callback(text.detach)
    lines = _guarded(_lines(text, name), name=name, encoding=encoding, is_gzip=is_gzip)
    first = next(lines, "")
    while first and not first.strip():
        first = next(lines, "")
    if not first.strip():
        raise ImportFailed("ledger.empty", f"{name} is empty: it has no header row")
    if first.lstrip().startswith("{"):
        return RowSource(header=(), rows=_json_rows(first, lines), is_json=True)
    return _csv_rows(first, lines, name, delimiter)


def require_columns(header: Iterable[str], needed: Iterable[tuple[str, str]], name: str) -> None:
    """Refuse a header that lacks a column the map needs.

    Raises:
        ImportFailed: `ledger.missing_column`, `ledger.duplicate_column`.
    """
    present = list(header)
    missing = [(field, column) for field, column in needed if column not in present]
    if missing:
        told = []
        for field, column in missing:
            near = get_close_matches(column, present, n=1, cutoff=0.6)
            told.append(f"{column!r} for {field}" + (f" (did you mean {near[0]!r}?)" if near else ""))
        raise ImportFailed(
            "ledger.missing_column",
            f"{name} has no column {', '.join(told)}; its columns are: {', '.join(present) or 'none'}. "
            "Correct the column map, or the delimiter",
            columns=tuple(column for _field, column in missing),
        )
    twice = sorted({column for _field, column in needed if present.count(column) > 1})
    if twice:
        raise ImportFailed(
            "ledger.duplicate_column",
            f"{name} has more than one column called {', '.join(map(repr, twice))}; rename all but one",
            columns=tuple(twice),
        )


# -- bytes -----------------------------------------------------------------------------------------------------


def _binary(source: str | Path | IO[Any], stack: ExitStack, name: str) -> tuple[IO[bytes], bool]:
    if isinstance(source, (str, Path)):
        try:
            raw: IO[bytes] = stack.enter_context(io.FileIO(source))
        except OSError as error:
            raise ImportFailed(
                "ledger.unreadable", f"{name} cannot be opened: {error.strerror or type(error).__name__}"
            ) from error
    else:
        start = source.read(0)
        if isinstance(start, str):
            raw = io.BytesIO(source.read().encode("utf-8"))
        else:
            raw = source
    buffered = io.BufferedReader(_Raw(raw))
    head = buffered.peek(4)[:4]
    if head[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered)), True
    if head == b"PK\x03\x04" or head == b"\xd0\xcf\x11\xe0":
        raise ImportFailed(
            "ledger.spreadsheet", f"{name} is a workbook or an archive; save the sheet as CSV and import that"
        )
    if head == b"%PDF":
        raise ImportFailed("ledger.spreadsheet", f"{name} is a PDF; export the ledger as CSV and import that")
    return buffered, False


class _Raw(io.RawIOBase):
    """Give any object with `read` the shape that a buffered reader needs."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _encoding(binary: IO[bytes], encoding: str | None, name: str) -> str:
    if encoding is not None:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ImportFailed(
                "ledger.encoding",
                f"no encoding is called {encoding[:40]!r}; common ones: utf-8, latin-1, cp1252, utf-16",
            ) from error
        return "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
    try:
        head = binary.peek(2)[:2] if isinstance(binary, io.BufferedReader) else b""
    except (EOFError, OSError, zlib.error):
        head = b""  # told when the first line is read
    if head in (b"\xff\xfe", b"\xfe\xff"):
        raise ImportFailed("ledger.encoding", f"{name} is UTF-16; pass encoding='utf-16', or save it as UTF-8")
    return "utf-8-sig"


# -- lines -----------------------------------------------------------------------------------------------------


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    while line := text.readline(MAX_LINE):
        if len(line) >= MAX_LINE and not line.endswith(("\n", "\r")):
            raise ImportFailed(
                "ledger.line_too_long",
                f"{name} has a line of more than {MAX_LINE:,} characters; it is no ledger of rows",
            )
        yield line


def _guarded(lines: Iterator[str], *, name: str, encoding: str | None, is_gzip: bool) -> Iterator[str]:
    """Turn what decoding and unpacking can raise into one clear answer."""
    try:
        yield from lines
    except UnicodeDecodeError as error:
        tried = encoding or "utf-8"
        raise ImportFailed(
            "ledger.encoding",
            f"{name} is not {tried}: byte 0x{error.object[error.start]:02x} cannot be read; "
            "name its encoding, often encoding='cp1252' or encoding='latin-1'",
        ) from error
    except UnicodeError as error:
        raise ImportFailed("ledger.encoding", f"{name} is not {encoding}; name its encoding") from error
    except (EOFError, OSError, zlib.error) as error:
        what = "is a damaged or cut gzip file" if is_gzip else "cannot be read to its end"
        raise ImportFailed("ledger.damaged", f"{name} {what}; fetch it again. Nothing was imported") from error


def _csv_rows(first: str, lines: Iterator[str], name: str, delimiter: str | None) -> RowSource:
    chosen = delimiter or _delimiter(first)

    def all_lines() -> Iterator[str]:
        yield first
        yield from lines

    reader = csv.reader(all_lines(), delimiter=chosen, strict=True)

    def records() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise ImportFailed(
                "ledger.csv",
                f"{name} cannot be read as CSV from line {reader.line_num} on ({error}); "
                "an opening quote without a closing one is the usual cause",
            ) from error

    source = records()
    header = tuple(cell.strip() for cell in next(source, []))
    return RowSource(header=header, rows=_numbered(source, header), is_json=False)


def _numbered(records: Iterator[list[str]], header: tuple[str, ...]) -> Iterator[Row | BadRow]:
    width = len(header)
    for number, cells in enumerate(records, start=2):
        if not any(cells):
            continue
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            yield BadRow(
                row_number=number,
                field="",
                value=cells[width],
                reason=f"the row has {len(cells)} cells and the header {width}; "
                "quote cells that hold the delimiter, or name the right delimiter",
                code="ledger.cells",
            )
            continue
        row = {}
        for column, cell in zip(header, cells, strict=False):
            row[column] = unguarded(cell.strip())
        yield number, row


def _delimiter(header: str) -> str:
    """Return the delimiter that stands most often in the header, outside quotes; a comma where none does."""
    plain = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=lambda mark: (plain.count(mark), -DELIMITERS.index(mark)))


def _json_rows(first: str, lines: Iterator[str]) -> Iterator[Row | BadRow]:
    def numbered() -> Iterator[tuple[int, str]]:
        yield 1, first
        yield from enumerate(lines, start=2)

    for number, line in numbered():
        if not line.strip():
            continue
        try:
            # figures stay text as written: no float comes in, and NaN is told as NaN
            made = json.loads(line, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_no_key_twice)
        except (ValueError, RecursionError) as error:
            yield _bad_json(number, line, str(error) if isinstance(error, _Twice) else "the line is no JSON object")
            continue
        if not isinstance(made, dict):
            yield _bad_json(number, line, "the line is no JSON object")
            continue
        nested = next((key for key, value in made.items() if isinstance(value, dict)), None)
        if nested is not None:
            yield _bad_json(number, line, "an object inside the row; flatten it", nested)
            continue
        yield number, {str(key).strip(): _json_text(value) for key, value in made.items()}


class _Twice(ValueError):
    pass


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice("the row holds one key twice")
    return made


def _bad_json(number: int, line: str, reason: str, field: str = "") -> BadRow:
    return BadRow(row_number=number, field=field, value=line.strip()[:200], reason=reason, code="ledger.json")


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(_json_text(one) for one in value)
    return str(value).strip()


Progress = Callable[[int], None]
"""Called now and then with the number of rows read so far."""
