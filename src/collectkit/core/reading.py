"""Reading plain tables (from TOML or JSON) strictly: every mistake of a file in one pass, each with its path.

A `TableReader` takes the values out of one table by name and type. It never coerces: text is not a number, a float is
no rate, a bool is no count. What is wrong is noted with path, value and choices and the reading goes on, so that the
caller sees all of it at once in one `InvalidPolicy`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final, TypeVar

from collectkit.core.errors import CollectkitError, InvalidPolicy, Problem
from collectkit.core.money import Money

__all__ = ["Problems", "TableReader", "exact_of", "toml_table"]

T = TypeVar("T")

_EXACT: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+|/0*[1-9][0-9]*)?", re.ASCII)


def toml_table(text: str | bytes) -> dict[str, Any]:
    """Return the table that a TOML 1.0 text holds, with `Decimal` for every number with a point.

    Bytes are read as UTF-8, with or without a byte order mark.

    >>> toml_table("rate = 0.1")
    {'rate': Decimal('0.1')}

    Raises:
        ValueError: it is no UTF-8 or no TOML, nests too deeply, or holds a whole number of thousands of digits; the
            text says which, and the caller adds its own code.
    """
    try:
        return tomllib.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text, parse_float=Decimal)
    except RecursionError:
        # not chained: a traceback of a thousand frames helps nobody
        raise ValueError("lists or tables are nested too deeply") from None


class Problems:
    """The list of everything that is wrong so far."""

    def __init__(self, room: str) -> None:
        """Start an empty list; codes are `room.reason`."""
        self.room = room
        self.found: list[Problem] = []

    def note(
        self, path: str, text: str, *, reason: str = "invalid", value: object = None, choices: Sequence[str] = ()
    ) -> None:
        """Write one problem down."""
        shown = None if value is None else _shown(value)
        self.found.append(
            Problem(code=f"{self.room}.{reason}", path=path, text=text, value=shown, choices=tuple(choices))
        )

    def take(self, path: str, build: Callable[[], T]) -> T | None:
        """Return what `build` makes, or note its error under `path` and return None."""
        try:
            return build()
        except InvalidPolicy as error:
            for problem in error.problems:
                joint = "" if problem.path.startswith("[") or not problem.path or not path else "."
                inner = f"{path}{joint}{problem.path}"
                self.found.append(
                    Problem(
                        code=problem.code, path=inner, text=problem.text, value=problem.value, choices=problem.choices
                    )
                )
        except CollectkitError as error:
            self.found.append(Problem(code=error.code, path=path, text=error.text))
        return None

    def raise_if_any(self) -> None:
        """Raise `InvalidPolicy` with all problems, if there are any."""
        if self.found:
            raise InvalidPolicy(self.found)


class TableReader:
    """Takes typed values out of one table and remembers which keys nobody asked for.

    >>> problems = Problems("strategy")
    >>> table = TableReader({"id": "late", "grace_dais": 3}, path="charges[0]", problems=problems)
    >>> table.text("id"), table.whole("grace_days", default=0)
    ('late', 0)
    >>> table.done()
    >>> print(problems.found[0])
    charges[0].grace_dais: unknown key; did you mean grace_days? (given: 3); choose from: grace_days, id
    """

    def __init__(self, table: object, *, path: str, problems: Problems) -> None:
        """Read `table`, which stands at `path`; something that is no table is noted and read as empty."""
        self.path = path
        self.problems = problems
        self._asked: set[str] = set()
        if isinstance(table, Mapping):
            self._table: Mapping[str, Any] = table
        else:
            problems.note(path, "a table is needed here", reason="type", value=table)
            self._table = {}

    def at(self, key: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Say whether the key is given."""
        self._asked.add(key)
        return key in self._table

    def raw(self, key: str, default: object = None) -> Any:
        """Return a value as it stands."""
        self._asked.add(key)
        return self._table.get(key, default)

    def note(self, key: str, text: str, *, reason: str = "invalid", choices: Sequence[str] = ()) -> None:
        """Note a problem with the value of a key."""
        self.problems.note(self.at(key), text, reason=reason, value=self._table.get(key), choices=choices)

    def text(self, key: str, default: str | None = None, *, choices: Sequence[str] = ()) -> str:
        """Take text; without a default the key is required."""
        value = self._required(key, default)
        if value is None:
            return ""
        if not isinstance(value, str) or (not value.strip() and default is None):
            self.note(key, "text is needed here", reason="type", choices=choices)
            return default or ""
        if choices and value not in choices:
            self.note(key, _near("not one of the choices", value, choices), reason="choice", choices=choices)
            return default or choices[0]
        return value

    def whole(self, key: str, default: int | None = None, *, minimum: int = 0, maximum: int = 100_000) -> int:
        """Take a whole number within bounds; without a default the key is required."""
        value = self._required(key, default)
        if value is None:
            return minimum
        if type(value) is not int:
            self.note(key, "a whole number is needed here", reason="type")
            return minimum
        if not minimum <= value <= maximum:
            self.note(key, f"must lie from {minimum} to {maximum}", reason="range")
            return minimum
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Take true or false."""
        value = self._required(key, default)
        if not isinstance(value, bool):
            self.note(key, "true or false is needed here", reason="type")
            return default
        return value

    def exact(self, key: str, default: Fraction | None = None, *, minimum: Fraction | int | None = 0) -> Fraction:
        """Take an exact number, written as text such as "0.015" or as a TOML number."""
        value = self._required(key, default)
        number = exact_of(value)
        if value is None:
            return Fraction(0)
        if number is None:
            self.note(key, 'an exact number is needed here, such as "0.015"', reason="type")
            return Fraction(0)
        if minimum is not None and number < minimum:
            self.note(key, f"must be {minimum} or more", reason="range")
            return Fraction(minimum)
        return number

    def day(self, key: str, default: date | None = None) -> date | None:
        """Take a date, written as a TOML date or as ISO text."""
        value = self.raw(key, default)
        if value is None or type(value) is date:
            return value
        if isinstance(value, str) and len(value) == 10:
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass  # noted below, as any other value that is no date
        self.note(key, "a date is needed here, such as 2026-11-30", reason="type")
        return None

    def texts(self, key: str, default: Sequence[str] | None = None, *, choices: Sequence[str] = ()) -> tuple[str, ...]:
        """Take a list of texts; without a default the key is required."""
        value = self._required(key, default)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            self.note(key, "a list of texts is needed here", reason="type", choices=choices)
            return ()
        for one in value:
            if choices and one not in choices:
                self.problems.note(
                    self.at(key),
                    _near("not one of the choices", one, choices),
                    reason="choice",
                    value=one,
                    choices=choices,
                )
        return tuple(one for one in value if not choices or one in choices)

    def amounts(self, key: str) -> tuple[Money, ...]:
        """Take a table of amounts per currency, such as { EUR = "40.00" }; empty where the key is not given."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, Mapping) or not value:
            self.note(key, 'amounts per currency are needed here, such as { EUR = "40.00" }', reason="type")
            return ()
        amounts = []
        for currency, figure in value.items():
            path = self.at(f"{key}.{currency}")
            if isinstance(figure, bool) or not isinstance(figure, (str, int, Decimal)):
                self.problems.note(path, 'an amount is text such as "40.00"', reason="type", value=figure)
                continue
            amount = self.problems.take(path, lambda c=currency, f=figure: Money.of(f, c))  # type: ignore[misc]  # bound per turn
            if amount is not None and amount.is_negative:
                self.problems.note(path, "must be zero or more", reason="range", value=figure)
            elif amount is not None:
                amounts.append(amount)
        return tuple(sorted(amounts, key=lambda one: one.currency))

    def table(self, key: str) -> TableReader | None:
        """Take an inner table, or None where the key is not given."""
        if not self.has(key):
            return None
        return TableReader(self._table[key], path=self.at(key), problems=self.problems)

    def tables(self, key: str) -> tuple[TableReader, ...]:
        """Take a list of tables; empty where the key is not given."""
        value = self.raw(key, ())
        if not isinstance(value, (list, tuple)):
            self.note(key, "a list of tables is needed here", reason="type")
            return ()
        return tuple(
            TableReader(one, path=f"{self.at(key)}[{number}]", problems=self.problems)
            for number, one in enumerate(value)
        )

    def keys(self) -> tuple[str, ...]:
        """Return the keys that are given, in order."""
        return tuple(self._table)

    def done(self) -> None:
        """Note every key that nobody asked for."""
        known = sorted(self._asked)
        for key in self._table:
            if key not in self._asked:
                self.problems.note(
                    self.at(str(key)),
                    _near("unknown key", str(key), known),
                    reason="unknown_key",
                    value=self._table[key],
                    choices=known,
                )

    def _required(self, key: str, default: object) -> Any:
        self._asked.add(key)
        if key in self._table:
            return self._table[key]
        if default is None:
            self.problems.note(self.at(key), "is missing", reason="missing")
        return default


def exact_of(value: object) -> Fraction | None:
    """Read an exact number from an int, a Fraction, a Decimal, or text such as "0.015" or "1/3"; else None.

    Digits are limited before any work in proportion to them is done: a file may say 1e999999999.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() and _is_short(value) else None
    if isinstance(value, str) and len(value) <= 64 and _EXACT.fullmatch(value.strip()):
        return Fraction(value.strip())
    return None


def _is_short(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and abs(exponent) <= 64 and len(value.as_tuple().digits) <= 64


def _near(text: str, given: str, choices: Sequence[str]) -> str:
    near = get_close_matches(given, choices, n=1, cutoff=0.6)
    return f"{text}; did you mean {near[0]}?" if near else text


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
