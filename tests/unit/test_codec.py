"""The codec on types of a host's own: every form of annotation that has a canonical form, and those that have none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Literal, NewType

import attrs
import pytest

from collectkit.core.codec import decode, decode_event, encode, known_part
from collectkit.core.decisions import Batch
from collectkit.core.errors import CodecError, CollectkitError
from collectkit.core.events import Event, UnknownEvent
from collectkit.core.money import Money
from collectkit.core.records import Channel
from collectkit.testing.cases import payment, requesting

Days = NewType("Days", int)


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mood(Enum):
    CALM = "calm"


@attrs.frozen
class PastDue:
    days: Days


@attrs.frozen
class Paid:
    share: Fraction


@attrs.frozen
class Both:
    tests: tuple[PastDue | Paid | Both, ...]


@attrs.frozen
class Rule:
    """One field for each form."""

    name: str
    after: PastDue | Paid
    until: PastDue | Paid | None = None
    needs: tuple[PastDue | Paid | Both, ...] = ()
    maybe: tuple[PastDue | Paid | None, ...] = ()
    level: Level = Level.LOW
    mood: Mood = Mood.CALM
    way: Literal["first", "last"] = "first"
    caps: Mapping[str, Money] = attrs.field(factory=dict)
    pair: tuple[int, str] = (0, "")
    rate: Decimal = Decimal(0)
    share: Fraction = Fraction(1, 2)
    channels: frozenset[Channel] = frozenset()
    seal: bytes = b""
    days: tuple[date, ...] = ()
    nothing: None = None
    is_on: bool = True
    derived: int = attrs.field(init=False, default=7)


RULE = Rule(
    name="r",
    after=PastDue(Days(3)),
    until=Paid(Fraction(1, 3)),
    needs=(Both((PastDue(Days(1)), Both(()))), Paid(Fraction(-2, 3))),
    maybe=(None, PastDue(Days(0))),
    level=Level.HIGH,
    way="last",
    caps={"EUR": Money(4000, "EUR")},
    pair=(7, "x"),
    rate=Decimal("0.0150"),
    channels=frozenset({Channel.SMS, Channel.EMAIL}),
    seal=b"\x00\xff",
    days=(date(2026, 3, 12),),
    is_on=False,
)


@pytest.mark.parametrize("rule", [RULE, Rule(name="r", after=Paid(Fraction(0)))])
def test_every_form_of_annotation_comes_back(rule):
    assert decode(Rule, encode(rule)) == rule


def test_a_batch_of_events_comes_back():
    batch = requesting("A-1", 3)
    assert decode(Batch, encode(batch)) == batch


def test_an_unknown_event_stands_alone():
    unknown = spoilt((b'"payment":{', b'"payment":{"new":1,'))
    assert encode(unknown) == unknown.payload
    with pytest.raises(CodecError) as refused:
        encode(attrs.evolve(requesting("A-1", 3), events=(unknown,)))
    assert refused.value.code == "codec.unsupported"


def test_members_of_a_union_carry_their_type():
    assert encode(Rule(name="r", after=PastDue(Days(3)))) == (
        b'{"after":{"days":3,"type":"PastDue"},"caps":{},"is_on":true,"level":1,"mood":"calm","name":"r",'
        b'"pair":[0,""],"rate":"0","seal":"","share":"1/2","way":"first"}'
    )


def code(kind, data: bytes) -> tuple[str, object]:
    with pytest.raises(CollectkitError) as refused:
        decode(kind, data)
    return refused.value.code, refused.value.facts.get("path")


SOUND = encode(RULE)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b'"type":"Paid"', b'"type":"Unpaid"', ("codec.unknown_type", "needs.1")),
        (b'"share":"-2/3","type":"Paid"', b'"share":"-2/3"', ("codec.missing_field", "needs.1")),
        (b'"days":3,', b'"days":"3",', ("codec.type", "after.days")),
        (b'"days":3,', b'"days":true,', ("codec.type", "after.days")),
        (b'"level":2', b'"level":9', ("codec.choice", "level")),
        (b'"level":2', b'"level":true', ("codec.choice", "level")),
        (b'"level":2', b'"level":[]', ("codec.choice", "level")),
        (b'"way":"last"', b'"way":"middle"', ("codec.choice", "way")),
        (b'"channels":["email","sms"]', b'"channels":["email","fax"]', ("codec.choice", "channels.1")),
        (b'"channels":["email","sms"]', b'"channels":{}', ("codec.type", "channels")),
        (b'{"EUR":{"currency":"EUR","minor":4000}}', b"[]", ("codec.type", "caps")),
        (b'{"currency":"EUR","minor":4000}', b"4000", ("codec.type", "caps")),
        (b'{"currency":"EUR","minor":4000}', b'{"currency":"EUR"}', ("codec.missing_field", "caps")),
        (b'"pair":[7,"x"]', b'"pair":[7]', ("codec.type", "pair")),
        (b'"rate":"0.015"', b'"rate":"0.0150"', ("codec.form", "rate")),
        (b'"rate":"0.015"', b'"rate":"1e5"', ("codec.form", "rate")),
        (b'"rate":"0.015"', b'"rate":"-0"', ("codec.form", "rate")),
        (b'"rate":"0.015"', b'"rate":0.015', ("codec.type", "rate")),
        (b'"share":"1/2"', b'"share":"2/4"', ("codec.form", "share")),
        (b'"share":"1/2"', b'"share":"1/0"', ("codec.form", "share")),
        (b'"share":"1/2"', b'"share":"0.5"', ("codec.form", "share")),
        (b'"seal":"AP8="', b'"seal":"AP8"', ("codec.form", "seal")),
        (b'"seal":"AP8="', '"seal":"é"'.encode(), ("codec.form", "seal")),
        (b'"until":{', b'"nothing":1,"until":{', ("codec.type", "nothing")),
        (b'"after":{"days":3,"type":"PastDue"}', b'"after":3', ("codec.type", "after")),
        (b'"days":["2026-03-12"]', b'"days":["2026-03-32"]', ("codec.form", "days.0")),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(old, new, expected):
    assert old in SOUND
    assert code(Rule, SOUND.replace(old, new)) == expected


def test_a_record_of_another_type_is_refused():
    assert code(Money, b"[]")[0] == "codec.type"
    assert code(PastDue, b'{"days":1,"type":"Paid"}')[0] == "codec.unknown_type"
    assert code(PastDue, b"7")[0] == "codec.type"
    assert code(Money, bytearray(b"{}"))[0] == "codec.type"


@attrs.frozen
class Odd:
    """A record whose own check raises what the house does not know."""

    count: int = attrs.field(converter=lambda value: 1 // value)


@attrs.frozen
class Typed:
    type: str


@attrs.frozen
class Plain:
    one: int | str


@attrs.frozen
class Loose:
    one: object


def test_what_a_record_refuses_in_its_own_way_is_told_as_ours():
    assert code(Odd, b'{"count":0}') == ("codec.value", "")


@pytest.mark.parametrize(
    ("kind", "data"), [(Typed, b"{}"), (Plain, b"{}"), (Loose, b"{}"), (complex, b"1"), (list[int], b"[]")]
)
def test_a_type_that_cannot_be_read_back_is_refused_each_time(kind, data):
    assert [code(kind, data)[0] for _ in range(2)] == ["codec.unsupported"] * 2


def test_a_field_that_cannot_be_written_is_named():
    with pytest.raises(CodecError) as refused:
        encode(Loose((1.5,)))
    assert refused.value.facts["path"] == "one"
    with pytest.raises(CodecError):
        encode(Typed("x"))


def test_plain_values_have_a_form():
    values = (
        None,
        True,
        3,
        "é",
        date(2026, 3, 12),
        [1],
        {"b": 1, "a": (2,)},
        {3, 1},
        Mood.CALM,
        Level.HIGH,
        Channel.SMS,
    )
    assert encode(values) == '[null,true,3,"é","2026-03-12",[1],{"a":[2],"b":1},[1,3],"calm",2,"sms"]'.encode()
    assert decode(type(None), b"null") is None


# -- events of a newer release -------------------------------------------------------------------------------------


def spoilt(*changes: tuple[bytes, bytes]) -> Event:
    data = encode(payment("A-1"))
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    return decode_event(data)


IGNORABLE = (b"{", b'{"must_understand":false,')


def test_the_known_part_of_an_event_leaves_new_fields_out():
    for change in ((b'"payment":{', b'"payment":{"new":1,'), (b'"minor":100', b'"minor":100,"scale":2')):
        event = spoilt(IGNORABLE, change)
        assert isinstance(event, UnknownEvent)
        assert known_part(event) == payment("A-1")


def test_there_is_no_known_part_of_what_must_be_understood():
    event = spoilt((b'"payment":{', b'"payment":{"new":1,'))
    assert isinstance(event, UnknownEvent)
    assert known_part(event) is None


def test_there_is_no_known_part_of_an_unknown_type_code_or_flood():
    unknown = spoilt(IGNORABLE, (b'"type":"PaymentReceived"', b'"type":"BadgeAwarded"'))
    flooded = spoilt(IGNORABLE, (b'"payment":{', b'"payment":{' + b"".join(b'"n%d":1,' % n for n in range(100))))
    currency = spoilt(IGNORABLE, (b'"payment":{', b'"payment":{"new":1,'))
    assert isinstance(unknown, UnknownEvent)
    assert isinstance(flooded, UnknownEvent)
    assert isinstance(currency, UnknownEvent)
    assert known_part(unknown) is None
    assert known_part(flooded) is None
    wrong = attrs.evolve(currency, payload=currency.payload.replace(b'"payment_id":"A-1:P1"', b'"payment_id":7'))
    assert known_part(wrong) is None


def test_an_event_of_a_newer_release_still_says_whose_it_is_and_when():
    for old, new in (
        (b'"account_id":"A-1",', b""),
        (b'"recorded_at":"2026-03-12T12:00:00+05:30"', b'"recorded_at":"noon"'),
        (b'"effective_on":"2026-03-12",', b'"effective_on":7,'),
        (b'"event_id"', b'"must_understand":1,"event_id"'),
    ):
        with pytest.raises(CodecError):
            spoilt((b'"type":"PaymentReceived"', b'"type":"BadgeAwarded"'), (old, new))
    with pytest.raises(CodecError):
        decode_event(b"[]")
