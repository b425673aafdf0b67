"""Small validators that make a record true from birth.

Each one is an attrs validator `(instance, attribute, value)` and raises `InvalidRecord` (or `InvalidDate`) with the
record's and the field's name. They never repeat the value of a text, which may be personal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

import attrs

from collectkit.core.errors import CollectkitError, InvalidDate, InvalidRecord

__all__ = [
    "MAX_ID_LENGTH",
    "Choice",
    "Validator",
    "as_frozenset",
    "as_tuple",
    "aware_datetime",
    "each",
    "identifier",
    "instance_of",
    "non_negative_int",
    "one_of",
    "optional",
    "plain_date",
    "positive_int",
    "require_date",
    "require_int",
    "text_up_to",
    "texts",
    "true_or_false",
    "tuple_of",
    "whole",
    "zone_name",
]

T = TypeVar("T")
Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]

MAX_ID_LENGTH: Final = 255  # providers accept idempotency keys up to 255 characters


class Choice(StrEnum):
    """The base of the closed sets of codes; a code that is none of them is refused without being repeated.

    Raises:
        InvalidRecord: `records.choice`, with the codes there are.
    """

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise InvalidRecord("records.choice", f"a {cls.__name__} is one of: {', '.join(cls)}", field=cls.__name__)


def place(instance: object, attribute: attrs.Attribute[Any]) -> str:
    """Name a field for a message, such as `Payment.received_on`."""
    return f"{type(instance).__name__}.{attribute.name}"


def plain_date(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept a `date` that is no `datetime`: a datetime passes isinstance, then will not compare.

    Raises:
        InvalidDate: `calendars.datetime_for_date` or `calendars.type`.
    """
    if type(value) is date:
        return
    where = place(instance, attribute)
    if isinstance(value, datetime):
        raise InvalidDate(
            "calendars.datetime_for_date",
            f"{where} is a day and was given an instant; convert it first: instant.astimezone(zone).date()",
            field=where,
        )
    if isinstance(value, date):  # a subclass, such as pendulum.Date, compares and hashes alike
        return
    raise InvalidDate("calendars.type", f"{where} needs a datetime.date, not {type(value).__name__}", field=where)


def require_date(value: object, name: str) -> date:
    """Return a function's argument `name` as a day; an instant, text or None is refused.

    >>> require_date(date(2026, 3, 12), "start_on")
    datetime.date(2026, 3, 12)

    Raises:
        InvalidDate: `calendars.datetime_for_date` or `calendars.type`.
    """
    if isinstance(value, datetime):
        raise InvalidDate(
            "calendars.datetime_for_date",
            f"{name} is a day and was given an instant; convert it first: instant.astimezone(zone).date()",
            field=name,
        )
    if not isinstance(value, date):
        raise InvalidDate("calendars.type", f"{name} needs a datetime.date, not {type(value).__name__}", field=name)
    return value


def require_int(
    value: object, name: str, *, at_least: int, at_most: int, code: str, error: type[CollectkitError] = InvalidDate
) -> int:
    """Return a function's argument `name` as a whole number between two bounds; raises `error` with `code`.

    >>> require_int(3, "count", at_least=1, at_most=10, code="calendars.count")
    3
    """
    if type(value) is not int:
        raise error(code, f"{name} needs a whole number, not {type(value).__name__}", field=name)
    if not at_least <= value <= at_most:
        raise error(code, f"{name} must be from {at_least} to {at_most}", field=name, given=value)
    return value


def aware_datetime(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept a `datetime` with an offset.

    Raises:
        InvalidDate: `calendars.naive` or `calendars.type`.
    """
    where = place(instance, attribute)
    if not isinstance(value, datetime):
        raise InvalidDate("calendars.type", f"{where} needs a datetime, not {type(value).__name__}", field=where)
    if value.utcoffset() is None:
        raise InvalidDate(
            "calendars.naive",
            f"{where} is an instant and needs a zone; build it with tzinfo=ZoneInfo(...) or datetime.UTC",
            field=where,
        )


def zone_name(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept text shaped like an IANA zone name; whether the zone exists is looked up where it is used.

    Raises:
        InvalidDate: `calendars.zone`.
    """
    where = place(instance, attribute)
    good = isinstance(value, str) and 0 < len(value) <= 64 and all(c.isalnum() or c in "/_+-" for c in value)
    if not good or not str(value).isascii():
        raise InvalidDate("calendars.zone", f"{where} needs an IANA zone name such as 'Europe/Berlin'", field=where)


def identifier(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept printable text of 1 to 255 characters without leading or trailing space.

    Raises:
        InvalidRecord: `records.id`.
    """
    where = place(instance, attribute)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_LENGTH or value != value.strip():
        raise InvalidRecord("records.id", f"{where} needs 1 to {MAX_ID_LENGTH} characters, no outer space", field=where)
    if not value.isprintable():
        raise InvalidRecord("records.id", f"{where} holds a control character; strip it first", field=where)


def true_or_false(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept True or False; a text such as "false" would count as true.

    Raises:
        InvalidRecord: `records.type`.
    """
    if not isinstance(value, bool):
        where = place(instance, attribute)
        raise InvalidRecord("records.type", f"{where} needs True or False, not {type(value).__name__}", field=where)


def text_up_to(limit: int) -> Validator:
    """Make a validator for text of at most `limit` characters; empty is fine."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        where = place(instance, attribute)
        if not isinstance(value, str):
            raise InvalidRecord("records.type", f"{where} needs text, not {type(value).__name__}", field=where)
        if len(value) > limit:
            raise InvalidRecord("records.too_long", f"{where} is longer than {limit} characters", field=where)

    return check


def whole(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept an int that is no bool.

    Raises:
        InvalidRecord: `records.type`.
    """
    if type(value) is not int:
        where = place(instance, attribute)
        raise InvalidRecord("records.type", f"{where} needs a whole number, not {type(value).__name__}", field=where)


def _at_least(bound: int) -> Validator:
    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        whole(instance, attribute, value)
        if isinstance(value, int) and value < bound:
            where = place(instance, attribute)
            raise InvalidRecord("records.range", f"{where} is {value}; it must be {bound} or more", field=where)

    return check


non_negative_int: Final = _at_least(0)
positive_int: Final = _at_least(1)


def one_of(choices: Iterable[object]) -> Validator:
    """Make a validator that accepts only the given values."""
    allowed = tuple(choices)

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in allowed:
            where = place(instance, attribute)
            names = ", ".join(str(choice) for choice in allowed)
            raise InvalidRecord("records.choice", f"{where} must be one of: {names}", field=where)

    return check


def optional(inner: Validator) -> Validator:
    """Make a validator that also accepts None."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is not None:
            inner(instance, attribute, value)

    return check


def instance_of(kind: type[object]) -> Validator:
    """Make a validator for one type; the message names the types, not the value."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            where = place(instance, attribute)
            got = type(value).__name__
            raise InvalidRecord("records.type", f"{where} needs a {kind.__name__}, not {got}", field=where)

    return check


def each(kind: type[object]) -> Validator:
    """Make a validator for a tuple whose elements are all of one type; pair it with `converter=as_tuple`."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Iterable[object]) -> None:
        for one in value:
            if not isinstance(one, kind):
                where = place(instance, attribute)
                got = type(one).__name__
                raise InvalidRecord("records.type", f"{where} holds {kind.__name__} records, not {got}", field=where)

    return check


def as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    """Copy an iterable to a tuple; pair it with `each`, which names what may stand in it.

    Plain `tuple` would do at run time, but a type checker cannot see through a generic class as a converter.

    Raises:
        InvalidRecord: `records.type` for text, or for what is no list at all.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidRecord("records.type", f"a list is needed, not {type(values).__name__}")
    return tuple(values)


def as_frozenset(values: Iterable[str]) -> frozenset[str]:
    """Copy texts to a frozenset; a single text is refused, for it would fall into letters.

    Raises:
        InvalidRecord: `records.type`.
    """
    return frozenset(texts(values))


def texts(values: Iterable[str]) -> tuple[str, ...]:
    """Copy an iterable of texts to a tuple; a single text is refused, for it would fall into letters.

    Raises:
        InvalidRecord: `records.type`.
    """
    if isinstance(values, (str, bytes)):
        raise InvalidRecord("records.type", "a list of texts is needed, not one text; write ('a',) for one")
    result = as_tuple(values)
    if not all(isinstance(value, str) for value in result):
        raise InvalidRecord("records.type", "a list of texts is needed, and one element is no text")
    return result


def tuple_of(kind: type[T]) -> Callable[[Iterable[T]], tuple[T, ...]]:
    """Make a converter that copies an iterable of `kind` to a tuple, so that a caller's list cannot change later.

    Raises:
        InvalidRecord: `records.type` for text, or for an element of another type.
    """

    def convert(values: Iterable[T]) -> tuple[T, ...]:
        result: tuple[T, ...] = as_tuple(values)
        for value in result:
            if not isinstance(value, kind):
                raise InvalidRecord("records.type", f"a {kind.__name__} is needed, not {type(value).__name__}")
        return result

    return convert
