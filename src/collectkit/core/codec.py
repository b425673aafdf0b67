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
from typing import Any, Final, TypeVar, cast

from collectkit.core._decoding import decoder, json_name, parse, unknown_event
from collectkit.core._encoding import (
    DUMPS,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_EVENT_BYTES,
    Refused,
    check_depth,
    check_size,
    refuse,
    tree_of,
)
from collectkit.core.errors import CodecError
from collectkit.core.events import EVENT_TYPES, Command, Event, UnknownEvent

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

_OF_A_NEWER_RELEASE: Final = frozenset({"codec.unknown_field", "codec.choice"})
_MOST_NEW_FIELDS: Final = 64


def encode(value: object) -> bytes:
    """Return the canonical bytes of a record, event, command or plain value.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from fractions import Fraction
    >>> from collectkit.core.money import Money
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
        text = DUMPS(tree_of(value))
        data = text.encode("utf-8")
    except Refused as bad:
        raise bad.error() from None
    except UnicodeEncodeError:
        raise CodecError(
            "codec.encoding", "a text holds half a character (a lone surrogate); repair it first"
        ) from None
    check_size(data, MAX_EVENT_BYTES if isinstance(value, Event) else MAX_BYTES)
    check_depth(data)
    return data


def decode(kind: type[T], data: bytes) -> T:
    """Return the value of type `kind` that `data` encodes; unknown fields are refused, except in events.

    >>> from collectkit.core.money import Money
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
    tree = parse(data, MAX_BYTES)
    try:
        return cast(T, decoder(kind)(tree))
    except Refused as bad:
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
    tree = parse(data, MAX_EVENT_BYTES)
    try:
        if type(tree) is not dict:
            refuse("codec.type", f"an event is an object, not {json_name(tree)}")
        tag = tree.get("type")
        if type(tag) is not str:
            refuse("codec.missing_field", "an event names its kind in the text field 'type'")
        kind = EVENT_TYPES.get(tag)
        if kind is None:
            return unknown_event(tree, tag, data)
        try:
            return cast(Event, decoder(kind)(tree))
        except Refused as bad:
            if bad.code not in _OF_A_NEWER_RELEASE:
                raise
            return unknown_event(tree, tag, data)
    except Refused as bad:
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
    tree = parse(event.payload, MAX_EVENT_BYTES)
    for _ in range(_MOST_NEW_FIELDS):
        try:
            return cast(Event, decoder(kind)(tree))
        except Refused as bad:
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


# -- details -----------------------------------------------------------------------------------------------------


def _verbatim(event: UnknownEvent) -> bytes:
    if decode_event(event.payload) != event:
        raise CodecError("codec.payload", f"event {event.event_id}: its fields are not those of its payload")
    return event.payload


def _remove(tree: Any, path: list[str | int]) -> None:
    for step in reversed(path[1:]):
        tree = tree[step]
    del tree[path[0]]
