"""How canonical JSON becomes values again; pushed down behind `codec`, where the form is described.

A decoder is made once per type from its annotations. Each refuses by raising `Refused`, and each level adds its name
to the path on the way up.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NoReturn, Union, get_args, get_origin

import attrs

from collectkit.core._encoding import (
    MAX_DIGITS,
    Refused,
    check_depth,
    check_size,
    decimal_text,
    fields_of,
    hints_of,
    refuse,
    tag_of,
)
from collectkit.core.errors import CodecError, CollectkitError
from collectkit.core.events import COMMAND_TYPES, EVENT_TYPES, Command, Event, UnknownEvent
from collectkit.core.money import Money

__all__ = ["decoder", "json_name", "parse", "unknown_event"]

_Decoder = Callable[[Any], Any]
_HALF_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_A_FRACTION: Final = re.compile(r"(0|-?[1-9][0-9]*)/([1-9][0-9]*)", re.ASCII)
_A_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_FLOAT: Final = object()


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        refuse("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _point_number(digits: str) -> object:
    """Stand in for a number that no record of ours holds; bytes of an unknown event keep theirs."""
    if len(digits) > MAX_DIGITS:
        refuse("codec.too_many_digits", f"a number has more than {MAX_DIGITS} digits")
    return _FLOAT


def _constant(_name: str) -> NoReturn:
    refuse("codec.not_finite", "NaN and infinity are no JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        refuse("codec.duplicate_key", "an object names one field twice")
    return tree


_LOADS: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole_number, parse_float=_point_number, parse_constant=_constant
).decode


def parse(data: bytes, most: int) -> Any:
    if not isinstance(data, bytes):
        raise CodecError("codec.type", f"bytes are needed, not {type(data).__name__}")
    check_size(data, most)
    check_depth(data)
    try:
        tree = _LOADS(data.decode("utf-8"))
        if _HALF_CHARACTER.search(data) is not None:
            _DUMPS_ANY(tree).encode("utf-8")
    except Refused as bad:
        raise bad.error() from None
    except UnicodeError:
        raise CodecError("codec.encoding", "the bytes are no UTF-8 text, or a text holds half a character") from None
    except json.JSONDecodeError as wrong:
        raise CodecError("codec.syntax", f"no JSON: {wrong.msg} at character {wrong.pos}", at=wrong.pos) from None
    return tree


_DUMPS_ANY: Final = json.JSONEncoder(ensure_ascii=False, default=lambda _value: 0).encode


def decoder(hint: Any) -> _Decoder:
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
        return decoder(hint.__supertype__)
    if hint is Event:
        return _tagged_decoder(EVENT_TYPES)
    if hint is Command:
        return _tagged_decoder(COMMAND_TYPES)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice_decoder({member.value: member for member in hint})
    if isinstance(hint, type) and attrs.has(hint):
        return _record_decoder(hint)
    refuse("codec.unsupported", f"{getattr(hint, '__name__', 'this type')} cannot be read back")


def _record_decoder(kind: Any) -> _Decoder:
    decoders: dict[str, _Decoder] = {}
    required: set[str] = set()
    tag = tag_of(kind)

    def prepare() -> None:  # on first use, so that records may hold records of their own kind
        hints = hints_of(kind)
        made: dict[str, _Decoder] = {"type": _ignored}
        for field in fields_of(kind):
            name = field.alias or field.name
            if field.default is attrs.NOTHING:
                required.add(name)
            made[name] = decoder(hints[field.name])
        decoders.update(made)

    def record_of(tree: object) -> object:
        if type(tree) is not dict:
            refuse("codec.type", f"a {tag} is an object, not {json_name(tree)}")
        if not decoders:
            prepare()
        if tree.get("type", tag) != tag:
            refuse("codec.unknown_type", f"a {tag} is needed and the bytes name another type")
        values = {}
        name = ""
        try:
            for name, value in tree.items():
                values[name] = decoders[name](value)
        except KeyError:
            raise Refused("codec.unknown_field", f"a {tag} has no such field in this release", name) from None
        except Refused as bad:
            bad.path.append(name)
            raise
        values.pop("type", None)
        if not required <= values.keys():
            missing = ", ".join(sorted(required - values.keys()))
            refuse("codec.missing_field", f"a {tag} lacks {missing}")
        try:
            return kind(**values)
        except CollectkitError:
            raise
        except (TypeError, ValueError, ArithmeticError) as wrong:
            raise Refused("codec.value", f"no {tag} can hold these values ({type(wrong).__name__})") from None

    return record_of


def _ignored(_tree: object) -> None:
    return None


_OF_MONEY: Final = frozenset({"currency", "minor"})


def _money_of(tree: object) -> Money:
    if type(tree) is not dict:
        refuse("codec.type", f"money is an object, not {json_name(tree)}")
    if not tree.keys() >= _OF_MONEY:
        refuse("codec.missing_field", "money has the fields currency and minor")
    for name in tree:
        if name not in _OF_MONEY:
            raise Refused("codec.unknown_field", "money has no such field in this release", name)
    if type(tree["minor"]) is not int:
        refuse("codec.type", f"minor units are a whole number, not {json_name(tree['minor'])}")
    return Money(tree["minor"], tree["currency"])


def _union_decoder(members: tuple[Any, ...]) -> _Decoder:
    some = tuple(member for member in members if member is not NoneType)
    if len(some) == 1:
        one = decoder(some[0])
        inner = one
    elif all(attrs.has(member) and member is not Money for member in some):
        inner = _tagged_decoder({tag_of(member): member for member in some})
    else:
        refuse("codec.unsupported", "a union of plain types cannot be read back")
    if len(some) == len(members):
        return inner
    return lambda tree: None if tree is None else inner(tree)


def _tagged_decoder(kinds: Mapping[str, type]) -> _Decoder:
    def tagged(tree: object) -> object:
        if type(tree) is not dict:
            refuse("codec.type", f"an object is needed, not {json_name(tree)}")
        tag = tree.get("type")
        if type(tag) is not str:
            refuse(
                "codec.missing_field", "an object that may be of several types names its own in the text field 'type'"
            )
        kind = kinds.get(tag)
        if kind is None:
            refuse("codec.unknown_type", f"this release knows no such type here; it knows: {', '.join(sorted(kinds))}")
        return decoder(kind)(tree)

    return tagged


def _list_decoder(member: Any) -> Callable[[Any], list[Any]]:
    inner = None if isinstance(member, type) and attrs.has(member) else decoder(member)

    def list_of(tree: object) -> list[Any]:
        if type(tree) is not list:
            refuse("codec.type", f"a list is needed, not {json_name(tree)}")
        one = inner or decoder(member)  # late, so that a record may hold a list of its own kind
        values: list[Any] = []
        try:
            for value in tree:
                values.append(one(value))
        except Refused as bad:
            bad.path.append(len(values))
            raise
        return values

    return list_of


def _tuple_decoder(members: tuple[Any, ...]) -> _Decoder:
    if len(members) == 2 and members[1] is Ellipsis:
        inside = _list_decoder(members[0])
        return lambda tree: tuple(inside(tree))
    each = tuple(decoder(member) for member in members)

    def fixed(tree: object) -> tuple[object, ...]:
        if type(tree) is not list or len(tree) != len(each):
            refuse("codec.type", f"a list of {len(each)} is needed")
        return tuple(one(value) for one, value in zip(each, tree, strict=True))

    return fixed


def _mapping_decoder(member: Any) -> _Decoder:
    one = decoder(member)

    def mapping_of(tree: object) -> dict[str, object]:
        if type(tree) is not dict:
            refuse("codec.type", f"an object is needed, not {json_name(tree)}")
        return {key: one(value) for key, value in tree.items()}

    return mapping_of


def _choice_decoder(choices: Mapping[Any, object]) -> _Decoder:
    kinds = {type(choice) for choice in choices}

    def choice(tree: object) -> object:
        if type(tree) not in kinds or tree not in choices:
            refuse("codec.choice", f"this release knows: {', '.join(str(one) for one in choices)}")
        return choices[tree]

    return choice


def _plain(kind: type, name: str) -> _Decoder:
    def plain(tree: object) -> object:
        if type(tree) is not kind:
            refuse("codec.type", f"{name} is needed, not {json_name(tree)}")
        return tree

    return plain


def _text(tree: object) -> str:
    if type(tree) is not str:
        refuse("codec.type", f"text is needed, not {json_name(tree)}")
    return tree


def _date_of(tree: object) -> date:
    text = _text(tree)
    try:
        value = date.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.isoformat() != text:
        refuse("codec.form", "a day is written YYYY-MM-DD")
    return value


def _instant_of(tree: object) -> datetime:
    text = _text(tree)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.isoformat() != text or value.utcoffset() is None:
        refuse("codec.form", "an instant is written YYYY-MM-DDThh:mm:ss+hh:mm")
    return value


def _fraction_of(tree: object) -> Fraction:
    text = _text(tree)
    found = _A_FRACTION.fullmatch(text) if len(text) <= 2 * MAX_DIGITS + 2 else None
    if found is None:
        refuse("codec.form", f"a fraction is written n/d, with at most {MAX_DIGITS} digits each")
    value = Fraction(_whole_number(found[1]), _whole_number(found[2]))
    if f"{value.numerator}/{value.denominator}" != text:
        refuse("codec.form", "a fraction is written in lowest terms")
    return value


def _decimal_of(tree: object) -> Decimal:
    text = _text(tree)
    if len(text) > MAX_DIGITS + 2 or _A_DECIMAL.fullmatch(text) is None:
        refuse("codec.form", f"a decimal is plain ASCII digits with at most one point, at most {MAX_DIGITS} of them")
    value = Decimal(text)  # the constructor is exact whatever the ambient context
    if decimal_text(value) != text:
        refuse("codec.form", "a decimal has no zeros at its end and no minus before zero")
    return value


def _bytes_of(tree: object) -> bytes:
    text = _text(tree)
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        value = None
    if value is None or b64encode(value).decode("ascii") != text:
        refuse("codec.form", "bytes are written in base64")
    return value


def _nothing(tree: object) -> None:
    if tree is not None:
        refuse("codec.type", f"null is needed, not {json_name(tree)}")


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


def unknown_event(tree: dict[str, Any], tag: str, data: bytes) -> UnknownEvent:
    head: dict[str, Any] = {}
    for name, one in (
        ("event_id", _text),
        ("account_id", _text),
        ("recorded_at", _instant_of),
        ("effective_on", _date_of),
    ):
        if name not in tree:
            refuse("codec.missing_field", f"an event lacks {name}")
        try:
            head[name] = one(tree[name])
        except Refused as bad:
            bad.path.append(name)
            raise
    must = tree.get("must_understand", True)  # an effect on the account cannot be ruled out unless it is
    if type(must) is not bool:
        refuse("codec.type", "must_understand is true or false")
    return UnknownEvent(**head, type_name=tag, payload=data, must_understand=must)


def json_name(tree: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", int: "a whole number", bool: "true or false"}
    return "null" if tree is None else names.get(type(tree), "a number with a point or exponent")
