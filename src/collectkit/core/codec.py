"""One canonical form in bytes for every public value, and the way back.

The form is JSON: UTF-8, keys sorted, no spaces. A record is an object of its fields; money is
`{"currency","minor"}`; days and instants are ISO texts (an instant keeps its offset, so two equal instants with
different offsets differ in bytes); enums are their values; tuples are lists and sets sorted lists; a Fraction is
"n/d"; a Decimal is its plain digits without trailing zeros; bytes are base64. Events, commands and the members of a
union carry their `type`. A field that holds its empty default (None, "", (), False, 0) is left out, so a release that
adds such a field changes no byte of what was written before.

An event of a type, with a field or with a code that this release does not know becomes an `UnknownEvent` that keeps
its bytes. It must be understood, unless it says `"must_understand": false`.

It does not hash chains (a store does), read files, or accept pickles.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from collectkit.core.decisions import Accepted, Committed, Conflict, Defer, Duplicate, Keep, Rejected, Suppress, Unknown
from collectkit.core.errors import CodecError, CollectkitError
from collectkit.core.events import COMMAND_TYPES, EVENT_TYPES, Command, Event, UnknownEvent
from collectkit.core.money import Money

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_EVENT_BYTES",
    "content_hash",
    "decode",
    "decode_command",
    "decode_event",
    "encode",
    "known_part",
]

T = TypeVar("T")

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_EVENT_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 200  # far above 10**18 minor units; a million-digit number must not cost a second to refuse


def encode(value: object) -> bytes:
    """Return the canonical bytes of a record, event, command or plain value.

    >>> encode(Money(1999, "EUR"))
    b'{"currency":"EUR","minor":1999}'
    >>> encode((date(2026, 3, 12), Fraction(1, 3), Decimal("1.50"), None))
    b'["2026-03-12","1/3","1.5",null]'

    Raises:
        CodecError: `codec.unsupported` for a float or a type without a canonical form, `codec.encoding` for text that
            is no Unicode, `codec.too_large`, `codec.too_deep`, `codec.too_many_digits`, and `codec.payload` for an
            `UnknownEvent` whose fields are not those of its payload.
    """
    if isinstance(value, UnknownEvent):
        return _verbatim(value)
    try:
        text = _DUMPS(_tree(value))
        data = text.encode("utf-8")
    except _Bad as bad:
        raise bad.error() from None
    except UnicodeEncodeError:
        raise CodecError(
            "codec.encoding", "a text holds half a character (a lone surrogate); repair it first"
        ) from None
    _check_size(data, MAX_EVENT_BYTES if isinstance(value, Event) else MAX_BYTES)
    _check_depth(data)
    return data


def decode(kind: type[T], data: bytes) -> T:
    """Return the value of type `kind` that `data` encodes; unknown fields are refused, except in events.

    >>> decode(Money, b'{"currency":"EUR","minor":1999}')
    Money(1999, 'EUR')

    Raises:
        CodecError: `codec.syntax`, `codec.encoding`, `codec.duplicate_key`, `codec.not_finite`, `codec.type`,
            `codec.choice`, `codec.form`, `codec.value`, `codec.missing_field`, `codec.unknown_field`,
            `codec.unknown_type`, `codec.too_large`, `codec.too_deep`, `codec.too_many_digits`.
        CollectkitError: what the record itself refuses, such as `records.date_order`.
    """
    if isinstance(kind, type) and issubclass(kind, Event):
        event = decode_event(data)
        if not isinstance(event, kind):
            raise CodecError("codec.unknown_type", f"these bytes are a {type(event).__name__}, not a {kind.__name__}")
        return event
    tree = _parse(data, MAX_BYTES)
    try:
        return cast(T, _decoder(kind)(tree))
    except _Bad as bad:
        raise bad.error() from None


def decode_event(data: bytes) -> Event:
    """Return the event that `data` encodes, or an `UnknownEvent` that keeps what a newer release wrote.

    >>> newer = (
    ...     b'{"account_id":"A-1","effective_on":"2026-03-12","event_id":"E-9","must_understand":false,'
    ...     b'"recorded_at":"2026-03-12T09:00:00+00:00","type":"BadgeAwarded"}'
    ... )
    >>> event = decode_event(newer)
    >>> type(event).__name__, event.type_name, event.must_understand, encode(event) == newer
    ('UnknownEvent', 'BadgeAwarded', False, True)

    Raises:
        CodecError: as `decode`, for bytes that are no event of any release.
    """
    tree = _parse(data, MAX_EVENT_BYTES)
    try:
        if type(tree) is not dict:
            _bad("codec.type", f"an event is an object, not {_json_name(tree)}")
        tag = tree.get("type")
        if type(tag) is not str:
            _bad("codec.missing_field", "an event names its kind in the text field 'type'")
        kind = EVENT_TYPES.get(tag)
        if kind is None:
            return _unknown_event(tree, tag, data)
        try:
            return cast(Event, _decoder(kind)(tree))
        except _Bad as bad:
            if bad.code not in _OF_A_NEWER_RELEASE:
                raise
            return _unknown_event(tree, tag, data)
    except _Bad as bad:
        raise bad.error() from None


def decode_command(data: bytes) -> Command:
    """Return the command that `data` encodes.

    >>> decode_command(b'{"account_id":"A-1","key":"restrict:A-1:0","type":"restrict-service"}').key
    'restrict:A-1:0'

    Raises:
        CodecError: as `decode`; `codec.unknown_type` for a command of a newer release, which stays in the outbox.
    """
    return decode(Command, data)


def known_part(event: UnknownEvent) -> Event | None:
    """Return the event as this release reads it, where only fields were added and none must be understood.

    None where the type or a code is not known, or where the event says that it must be understood.
    """
    kind = EVENT_TYPES.get(event.type_name)
    if kind is None or event.must_understand:
        return None
    tree = _parse(event.payload, MAX_EVENT_BYTES)
    for _ in range(_MOST_NEW_FIELDS):
        try:
            return cast(Event, _decoder(kind)(tree))
        except _Bad as bad:
            if bad.code != "codec.unknown_field":
                return None
            _remove(tree, bad.path)
    return None


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits.

    >>> content_hash(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()


# -- refusing ----------------------------------------------------------------------------------------------------


class _Bad(Exception):
    """A refusal on its way up; each level adds its name to the path."""

    def __init__(self, code: str, text: str, *path: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.path: list[str | int] = list(path)  # innermost first

    def error(self) -> CodecError:
        where = ".".join(str(step) for step in reversed(self.path))
        return CodecError(self.code, f"{where}: {self.text}" if where else self.text, path=where)


_OF_A_NEWER_RELEASE: Final = frozenset({"codec.unknown_field", "codec.choice"})
_MOST_NEW_FIELDS: Final = 64


def _bad(code: str, text: str) -> NoReturn:
    raise _Bad(code, text)


def _json_name(tree: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", int: "a whole number", bool: "true or false"}
    return "null" if tree is None else names.get(type(tree), "a number with a point or exponent")


# -- writing -----------------------------------------------------------------------------------------------------

_DUMPS: Final = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
_ALWAYS_TAGGED: Final = frozenset({Accepted, Rejected, Unknown, Keep, Defer, Suppress, Committed, Duplicate, Conflict})
_NO_EMPTY_DEFAULT: Final = object()
_BIG: Final = 10**MAX_DIGITS


def _tree(value: object) -> object:
    kind: Any = type(value)
    if kind is str or value is None or kind is bool:
        return value
    return _encoder(kind)(value)


@cache
def _encoder(kind: type) -> Callable[[Any], object]:
    if attrs.has(kind):
        return _money_tree if kind is Money else _record_encoder(kind)
    # the most special first: an instant is a date, a StrEnum is a text
    for base, encoder in _BASES:
        if issubclass(kind, base):
            return encoder
    _bad("codec.unsupported", f"{kind.__name__} has no canonical form" + ("; use Decimal" if kind is float else ""))


def _money_tree(value: Money) -> object:
    return {"currency": value.currency, "minor": value.minor}


def _whole(value: int) -> int:
    if not -_BIG < value < _BIG:
        _bad("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    return int(value)


def _instant(value: datetime) -> str:
    if value.utcoffset() is None:
        _bad("codec.unsupported", "an instant without a zone has no canonical form; give it tzinfo")
    return value.isoformat()


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        _bad("codec.not_finite", "NaN and infinity have no canonical form")
    _sign, digits, exponent = value.as_tuple()
    if len(digits) + abs(int(exponent)) > MAX_DIGITS:
        _bad("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _fraction_text(value: Fraction) -> str:
    return f"{_whole(value.numerator)}/{_whole(value.denominator)}"


def _list_tree(values: tuple[object, ...] | list[object]) -> object:
    return [_tree(value) for value in values]


def _set_tree(values: frozenset[object] | set[object]) -> object:
    return sorted((_tree(value) for value in values), key=_DUMPS)


def _mapping_tree(values: Mapping[object, object]) -> object:
    if not all(isinstance(key, str) for key in values):
        _bad("codec.unsupported", "only texts can be the keys of a mapping")
    return {str(key): _tree(value) for key, value in values.items()}


_BASES: Final[tuple[tuple[type, Callable[[Any], object]], ...]] = (
    (Enum, lambda value: _tree(value.value)),
    (str, str),
    (bool, bool),
    (int, _whole),
    (datetime, _instant),
    (date, date.isoformat),
    (Fraction, _fraction_text),
    (Decimal, _decimal_text),
    (bytes, lambda value: b64encode(value).decode("ascii")),
    (tuple, _list_tree),
    (list, _list_tree),
    (frozenset, _set_tree),
    (set, _set_tree),
    (Mapping, _mapping_tree),
)


def _record_encoder(kind: Any) -> Callable[[Any], object]:
    fields = _fields(kind)
    hints = _hints(kind)
    names = tuple(field.alias or field.name for field in fields)
    empties = tuple(field.default if _is_empty(field.default) else _NO_EMPTY_DEFAULT for field in fields)
    tagged = frozenset(field.alias or field.name for field in fields if _needs_tag(hints[field.name]))
    tag = _tag(kind) if _is_always_tagged(kind) else None
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
            except _Bad as bad:
                bad.path.append(name)
                raise
        return tree

    return record_tree


def _tagged_tree(value: object) -> object:
    if isinstance(value, (tuple, list)):
        return [_tagged_tree(one) for one in value]
    tree = _tree(value)
    if isinstance(tree, dict) and attrs.has(type(value)) and not isinstance(value, Money):
        tree.setdefault("type", _tag(type(value)))
    return tree


def _is_empty(default: object) -> bool:
    return default is None or (type(default) in (str, tuple, bool, int, frozenset) and not default)


@cache
def _fields(kind: Any) -> tuple[attrs.Attribute[Any], ...]:
    fields = tuple(field for field in attrs.fields(kind) if field.init)
    if any((field.alias or field.name) == "type" for field in fields):
        _bad("codec.unsupported", f"{kind.__name__} has a field called 'type', which names the kind of a record")
    return fields


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _tag(kind: type) -> str:
    return kind.name if issubclass(kind, Command) else kind.__name__


def _is_always_tagged(kind: type) -> bool:
    return issubclass(kind, (Event, Command)) or kind in _ALWAYS_TAGGED


def _needs_tag(hint: object) -> bool:
    """Say whether a field may hold records of several types."""
    if get_origin(hint) in (Union, UnionType):
        records = [member for member in get_args(hint) if attrs.has(member)]
        return len(records) > 1 or any(_needs_tag(member) for member in get_args(hint))
    return any(_needs_tag(member) for member in get_args(hint))


# -- reading -----------------------------------------------------------------------------------------------------

_Decoder = Callable[[Any], Any]
# a whole text, or one bracket; possessive, so that no text makes it go back or remember its way
_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_HALF_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_A_FRACTION: Final = re.compile(r"(0|-?[1-9][0-9]*)/([1-9][0-9]*)", re.ASCII)
_A_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_FLOAT: Final = object()


def _check_size(data: bytes, most: int) -> None:
    if len(data) > most:
        raise CodecError("codec.too_large", f"{len(data)} bytes; at most {most} are accepted", given=len(data))


def _check_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(data):
        mark = data[token.start()]
        depth += mark in b"[{"
        depth -= mark in b"]}"
        if depth > MAX_DEPTH:
            raise CodecError("codec.too_deep", f"lists and objects are nested more than {MAX_DEPTH} deep")


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        _bad("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _point_number(digits: str) -> object:
    """Stand in for a number that no record of ours holds; bytes of an unknown event keep theirs."""
    if len(digits) > MAX_DIGITS:
        _bad("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    return _FLOAT


def _constant(_name: str) -> NoReturn:
    _bad("codec.not_finite", "NaN and infinity are no JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        _bad("codec.duplicate_key", "an object names one field twice")
    return tree


_LOADS: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole_number, parse_float=_point_number, parse_constant=_constant
).decode


def _parse(data: bytes, most: int) -> Any:
    if not isinstance(data, bytes):
        raise CodecError("codec.type", f"bytes are needed, not {type(data).__name__}")
    _check_size(data, most)
    _check_depth(data)
    try:
        tree = _LOADS(data.decode("utf-8"))
        if _HALF_CHARACTER.search(data) is not None:
            _DUMPS_ANY(tree).encode("utf-8")
    except _Bad as bad:
        raise bad.error() from None
    except UnicodeError:
        raise CodecError("codec.encoding", "the bytes are no UTF-8 text, or a text holds half a character") from None
    except json.JSONDecodeError as wrong:
        raise CodecError("codec.syntax", f"no JSON: {wrong.msg} at character {wrong.pos}", at=wrong.pos) from None
    return tree


_DUMPS_ANY: Final = json.JSONEncoder(ensure_ascii=False, default=lambda _value: 0).encode


def _decoder(hint: Any) -> _Decoder:
    return _cached_decoder(hint)


@cache
def _cached_decoder(hint: Any) -> _Decoder:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint is Money:
        return _money_of
    origin, members = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _union_decoder(members)
    if origin is tuple:
        return _tuple_decoder(members)
    if origin is frozenset:
        inside = _list_decoder(members[0])
        return lambda tree: frozenset(inside(tree))
    if origin in (dict, Mapping) and members[0] is str:
        return _mapping_decoder(members[1])
    if origin is Literal:
        return _choice_decoder({member: member for member in members})
    if hasattr(hint, "__supertype__"):
        return _decoder(hint.__supertype__)
    if hint is Event:
        return _tagged_decoder(EVENT_TYPES)
    if hint is Command:
        return _tagged_decoder(COMMAND_TYPES)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice_decoder({member.value: member for member in hint})
    if isinstance(hint, type) and attrs.has(hint):
        return _record_decoder(hint)
    _bad("codec.unsupported", f"{getattr(hint, '__name__', 'this type')} cannot be read back")


def _record_decoder(kind: Any) -> _Decoder:
    decoders: dict[str, _Decoder] = {}
    required: set[str] = set()
    tag = _tag(kind)

    def prepare() -> None:  # on first use, so that records may hold records of their own kind
        hints = _hints(kind)
        for field in _fields(kind):
            name = field.alias or field.name
            if field.default is attrs.NOTHING:
                required.add(name)
            decoders[name] = _decoder(hints[field.name])
        decoders["type"] = _ignored

    def record_of(tree: object) -> object:
        if type(tree) is not dict:
            _bad("codec.type", f"a {tag} is an object, not {_json_name(tree)}")
        if not decoders:
            prepare()
        if tree.get("type", tag) != tag:
            _bad("codec.unknown_type", f"a {tag} is needed and the bytes name another type")
        values = {}
        name = ""
        try:
            for name, value in tree.items():
                values[name] = decoders[name](value)
        except KeyError:
            raise _Bad("codec.unknown_field", f"a {tag} has no such field in this release", name) from None
        except _Bad as bad:
            bad.path.append(name)
            raise
        values.pop("type", None)
        if not required <= values.keys():
            missing = ", ".join(sorted(required - values.keys()))
            _bad("codec.missing_field", f"a {tag} lacks {missing}")
        try:
            return kind(**values)
        except CollectkitError:
            raise
        except (TypeError, ValueError, ArithmeticError) as wrong:
            raise _Bad("codec.value", f"no {tag} can hold these values ({type(wrong).__name__})") from None

    return record_of


def _ignored(_tree: object) -> None:
    return None


def _money_of(tree: object) -> Money:
    if type(tree) is not dict:
        _bad("codec.type", f"money is an object, not {_json_name(tree)}")
    if tree.keys() != {"currency", "minor"}:
        _bad(
            "codec.unknown_field" if tree.keys() > {"currency", "minor"} else "codec.missing_field",
            "money has the fields currency and minor",
        )
    if type(tree["minor"]) is not int:
        _bad("codec.type", f"minor units are a whole number, not {_json_name(tree['minor'])}")
    return Money(tree["minor"], tree["currency"])


def _union_decoder(members: tuple[Any, ...]) -> _Decoder:
    some = tuple(member for member in members if member is not NoneType)
    if len(some) == 1:
        one = _decoder(some[0])
        inner = one
    elif all(attrs.has(member) and member is not Money for member in some):
        inner = _tagged_decoder({_tag(member): member for member in some})
    else:
        _bad("codec.unsupported", "a union of plain types cannot be read back")
    if len(some) == len(members):
        return inner
    return lambda tree: None if tree is None else inner(tree)


def _tagged_decoder(kinds: Mapping[str, type]) -> _Decoder:
    def tagged(tree: object) -> object:
        if type(tree) is not dict:
            _bad("codec.type", f"an object is needed, not {_json_name(tree)}")
        tag = tree.get("type")
        if type(tag) is not str:
            _bad("codec.missing_field", "an object that may be of several types names its own in the text field 'type'")
        kind = kinds.get(tag)
        if kind is None:
            _bad("codec.unknown_type", f"this release knows no such type here; it knows: {', '.join(sorted(kinds))}")
        return _decoder(kind)(tree)

    return tagged


def _list_decoder(member: Any) -> Callable[[Any], list[Any]]:
    inner = None if isinstance(member, type) and attrs.has(member) else _decoder(member)

    def list_of(tree: object) -> list[Any]:
        if type(tree) is not list:
            _bad("codec.type", f"a list is needed, not {_json_name(tree)}")
        one = inner or _decoder(member)  # late, so that a record may hold a list of its own kind
        values: list[Any] = []
        try:
            for value in tree:
                values.append(one(value))
        except _Bad as bad:
            bad.path.append(len(values))
            raise
        return values

    return list_of


def _tuple_decoder(members: tuple[Any, ...]) -> _Decoder:
    if len(members) == 2 and members[1] is Ellipsis:
        inside = _list_decoder(members[0])
        return lambda tree: tuple(inside(tree))
    each = tuple(_decoder(member) for member in members)

    def fixed(tree: object) -> tuple[object, ...]:
        if type(tree) is not list or len(tree) != len(each):
            _bad("codec.type", f"a list of {len(each)} is needed")
        return tuple(one(value) for one, value in zip(each, tree, strict=True))

    return fixed


def _mapping_decoder(member: Any) -> _Decoder:
    one = _decoder(member)

    def mapping_of(tree: object) -> dict[str, object]:
        if type(tree) is not dict:
            _bad("codec.type", f"an object is needed, not {_json_name(tree)}")
        return {key: one(value) for key, value in tree.items()}

    return mapping_of


def _choice_decoder(choices: Mapping[Any, object]) -> _Decoder:
    kinds = {type(choice) for choice in choices}

    def choice(tree: object) -> object:
        if type(tree) not in kinds or tree not in choices:
            _bad("codec.choice", f"this release knows: {', '.join(str(one) for one in choices)}")
        return choices[tree]

    return choice


def _plain(kind: type, name: str) -> _Decoder:
    def plain(tree: object) -> object:
        if type(tree) is not kind:
            _bad("codec.type", f"{name} is needed, not {_json_name(tree)}")
        return tree

    return plain


def _text(tree: object) -> str:
    if type(tree) is not str:
        _bad("codec.type", f"text is needed, not {_json_name(tree)}")
    return tree


def _date_of(tree: object) -> date:
    text = _text(tree)
    try:
        value = date.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.isoformat() != text:
        _bad("codec.form", "a day is written YYYY-MM-DD")
    return value


def _instant_of(tree: object) -> datetime:
    text = _text(tree)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.isoformat() != text or value.utcoffset() is None:
        _bad("codec.form", "an instant is written YYYY-MM-DDThh:mm:ss+hh:mm")
    return value


def _fraction_of(tree: object) -> Fraction:
    text = _text(tree)
    found = _A_FRACTION.fullmatch(text) if len(text) <= 2 * MAX_DIGITS + 2 else None
    if found is None:
        _bad("codec.form", f"a fraction is written n/d, with at most {MAX_DIGITS} digits each")
    value = Fraction(_whole_number(found[1]), _whole_number(found[2]))
    if f"{value.numerator}/{value.denominator}" != text:
        _bad("codec.form", "a fraction is written in lowest terms")
    return value


def _decimal_of(tree: object) -> Decimal:
    text = _text(tree)
    if len(text) > MAX_DIGITS + 2 or _A_DECIMAL.fullmatch(text) is None:
        _bad("codec.form", f"a decimal is plain ASCII digits with at most one point, at most {MAX_DIGITS} of them")
    value = Decimal(text)  # the constructor is exact whatever the ambient context
    if _decimal_text(value) != text:
        _bad("codec.form", "a decimal has no zeros at its end and no minus before zero")
    return value


def _bytes_of(tree: object) -> bytes:
    text = _text(tree)
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        value = None
    if value is None or b64encode(value).decode("ascii") != text:
        _bad("codec.form", "bytes are written in base64")
    return value


def _nothing(tree: object) -> None:
    if tree is not None:
        _bad("codec.type", f"null is needed, not {_json_name(tree)}")


_SCALARS: Final[dict[Any, _Decoder]] = {
    str: _text,
    int: _plain(int, "a whole number"),
    bool: _plain(bool, "true or false"),
    date: _date_of,
    datetime: _instant_of,
    Fraction: _fraction_of,
    Decimal: _decimal_of,
    bytes: _bytes_of,
    NoneType: _nothing,
}


# -- what a newer release wrote ----------------------------------------------------------------------------------


def _unknown_event(tree: dict[str, Any], tag: str, data: bytes) -> UnknownEvent:
    head: dict[str, Any] = {}
    for name, one in (
        ("event_id", _text),
        ("account_id", _text),
        ("recorded_at", _instant_of),
        ("effective_on", _date_of),
    ):
        if name not in tree:
            _bad("codec.missing_field", f"an event lacks {name}")
        try:
            head[name] = one(tree[name])
        except _Bad as bad:
            bad.path.append(name)
            raise
    must = tree.get("must_understand", True)  # an effect on the account cannot be ruled out unless it is
    if type(must) is not bool:
        _bad("codec.type", "must_understand is true or false")
    return UnknownEvent(**head, type_name=tag, payload=data, must_understand=must)


def _verbatim(event: UnknownEvent) -> bytes:
    if decode_event(event.payload) != event:
        raise CodecError("codec.payload", f"event {event.event_id}: its fields are not those of its payload")
    return event.payload


def _remove(tree: Any, path: list[str | int]) -> None:
    for step in reversed(path[1:]):
        tree = tree[step]
    del tree[path[0]]
