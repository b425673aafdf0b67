"""How values become canonical JSON; pushed down behind `codec`, where the form is described."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, Final, NoReturn, Union, get_args, get_origin, get_type_hints

import attrs

from collectkit.core.decisions import Accepted, Committed, Conflict, Defer, Duplicate, Keep, Rejected, Suppress, Unknown
from collectkit.core.errors import CodecError
from collectkit.core.events import Command, Event, UnknownEvent
from collectkit.core.money import Money

__all__ = [
    "DUMPS",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_EVENT_BYTES",
    "Refused",
    "check_depth",
    "check_size",
    "decimal_text",
    "fields_of",
    "hints_of",
    "refuse",
    "tag_of",
    "tree_of",
]

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_EVENT_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 200  # far above 10**18 minor units; a million-digit number must not cost a second to refuse


# -- refusing ----------------------------------------------------------------------------------------------------


class Refused(Exception):
    """A refusal on its way up; each level adds its name to the path."""

    def __init__(self, code: str, text: str, *path: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.path: list[str | int] = list(path)  # innermost first

    def error(self) -> CodecError:
        where = ".".join(str(step) for step in reversed(self.path))
        return CodecError(self.code, f"{where}: {self.text}" if where else self.text, path=where)


def refuse(code: str, text: str) -> NoReturn:
    raise Refused(code, text)


# -- limits ------------------------------------------------------------------------------------------------------

# a whole text, or one bracket; possessive, so that no text makes it go back or remember its way
_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def check_size(data: bytes, most: int) -> None:
    if len(data) > most:
        raise CodecError("codec.too_large", f"{len(data)} bytes; at most {most} are accepted", given=len(data))


def check_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(data):
        mark = data[token.start()]
        depth += mark in b"[{"
        depth -= mark in b"]}"
        if depth > MAX_DEPTH:
            raise CodecError("codec.too_deep", f"lists and objects are nested more than {MAX_DEPTH} deep")


# -- writing -----------------------------------------------------------------------------------------------------

DUMPS: Final = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
_ALWAYS_TAGGED: Final = frozenset({Accepted, Rejected, Unknown, Keep, Defer, Suppress, Committed, Duplicate, Conflict})
_NO_EMPTY_DEFAULT: Final = object()
_BIG: Final = 10**MAX_DIGITS


def tree_of(value: object) -> object:
    kind: Any = type(value)
    if kind is str or value is None or kind is bool:
        return value
    return _encoder(kind)(value)


@cache
def _encoder(kind: type) -> Callable[[Any], object]:
    if kind is UnknownEvent:
        refuse("codec.unsupported", "an event of a newer release keeps its own bytes and stands alone")
    if attrs.has(kind):
        return _money_tree if kind is Money else _record_encoder(kind)
    # the most special first: an instant is a date, a StrEnum is a text
    for base, encoder in _BASES:
        if issubclass(kind, base):
            return encoder
    refuse("codec.unsupported", f"{kind.__name__} has no canonical form" + ("; use Decimal" if kind is float else ""))


def _money_tree(value: Money) -> object:
    return {"currency": value.currency, "minor": value.minor}


def _whole(value: int) -> int:
    if not -_BIG < value < _BIG:
        refuse("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    return int(value)


def _instant(value: datetime) -> str:
    if value.utcoffset() is None:
        refuse("codec.unsupported", "an instant without a zone has no canonical form; give it tzinfo")
    return value.isoformat()


def decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        refuse("codec.not_finite", "NaN and infinity have no canonical form")
    _sign, digits, exponent = value.as_tuple()
    if len(digits) + abs(int(exponent)) > MAX_DIGITS:
        refuse("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _fraction_text(value: Fraction) -> str:
    return f"{_whole(value.numerator)}/{_whole(value.denominator)}"


def _list_tree(values: tuple[object, ...] | list[object]) -> object:
    return [tree_of(value) for value in values]


def _set_tree(values: frozenset[object] | set[object]) -> object:
    return sorted((tree_of(value) for value in values), key=DUMPS)


def _mapping_tree(values: Mapping[object, object]) -> object:
    if not all(isinstance(key, str) for key in values):
        refuse("codec.unsupported", "only texts can be the keys of a mapping")
    return {str(key): tree_of(value) for key, value in values.items()}


_BASES: Final[tuple[tuple[type, Callable[[Any], object]], ...]] = (
    (Enum, lambda value: tree_of(value.value)),
    (str, str),
    (bool, bool),
    (int, _whole),
    (datetime, _instant),
    (date, date.isoformat),
    (Fraction, _fraction_text),
    (Decimal, decimal_text),
    (bytes, lambda value: b64encode(value).decode("ascii")),
    (tuple, _list_tree),
    (list, _list_tree),
    (frozenset, _set_tree),
    (set, _set_tree),
    (Mapping, _mapping_tree),
)


def _record_encoder(kind: Any) -> Callable[[Any], object]:
    fields = fields_of(kind)
    hints = hints_of(kind)
    names = tuple(field.alias or field.name for field in fields)
    empties = tuple(field.default if _is_empty(field.default) else _NO_EMPTY_DEFAULT for field in fields)
    tagged = frozenset(field.alias or field.name for field in fields if _needs_tag(hints[field.name]))
    tag = tag_of(kind) if _is_always_tagged(kind) else None
    read: Callable[[Any], tuple[object, ...]]
    if len(fields) > 1:
        read = attrgetter(*(field.name for field in fields))
    else:
        read = lambda record: tuple(getattr(record, field.name) for field in fields)  # noqa: E731 - beside its twin

    def record_tree(record: object) -> object:
        tree: dict[str, object] = {} if tag is None else {"type": tag}
        for name, empty, value in zip(names, empties, read(record), strict=True):
            value_kind: Any = type(value)
            if not value and value_kind is type(empty) and value == empty:
                continue
            if value_kind is str or value_kind is bool or value is None:
                tree[name] = value
                continue
            try:
                tree[name] = _tagged_tree(value) if name in tagged else _encoder(value_kind)(value)
            except Refused as bad:
                bad.path.append(name)
                raise
        return tree

    return record_tree


def _tagged_tree(value: object) -> object:
    if isinstance(value, (tuple, list)):
        return [_tagged_tree(one) for one in value]
    tree = tree_of(value)
    if isinstance(tree, dict) and attrs.has(type(value)) and not isinstance(value, Money):
        tree.setdefault("type", tag_of(type(value)))
    return tree


def _is_empty(default: object) -> bool:
    return default is None or (type(default) in (str, tuple, bool, int, frozenset) and not default)


@cache
def fields_of(kind: Any) -> tuple[attrs.Attribute[Any], ...]:
    fields = tuple(field for field in attrs.fields(kind) if field.init)
    if any((field.alias or field.name) == "type" for field in fields):
        refuse("codec.unsupported", f"{kind.__name__} has a field called 'type', which names the kind of a record")
    return fields


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def tag_of(kind: type) -> str:
    return kind.name if issubclass(kind, Command) else kind.__name__


def _is_always_tagged(kind: type) -> bool:
    return issubclass(kind, (Event, Command)) or kind in _ALWAYS_TAGGED


def _needs_tag(hint: object) -> bool:
    """Say whether a field may hold records of several types."""
    if get_origin(hint) in (Union, UnionType):
        records = [member for member in get_args(hint) if attrs.has(member)]
        return len(records) > 1 or any(_needs_tag(member) for member in get_args(hint))
    return any(_needs_tag(member) for member in get_args(hint))
