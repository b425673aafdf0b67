"""C1 to C5: the codec's named properties."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tracemalloc
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectkit.core.codec import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, decode, decode_command, decode_event, encode
from collectkit.core.decisions import (
    Accepted,
    Committed,
    Conflict,
    Decision,
    Defer,
    Duplicate,
    Keep,
    OutboxRow,
    Reason,
    Rejected,
    Suppress,
    Unknown,
)
from collectkit.core.errors import CodecError, CollectkitError
from collectkit.core.events import Command, Event, UnknownEvent
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot
from collectkit.testing import strategies as cks
from collectkit.testing.cases import NOON, opening, payment

RECORDS = {
    "Account": cks.accounts(),
    "Approval": cks.approvals(),
    "ContactAttempt": cks.contact_attempts(),
    "ContactPoint": cks.contact_points(),
    "CreditNote": cks.credit_notes(),
    "Debtor": cks.debtors(),
    "Dispute": cks.disputes(),
    "Flag": cks.flags(),
    "Hold": cks.holds(),
    "Money": cks.moneys(),
    "NoticeRecord": cks.notice_records(),
    "Payment": cks.payments(),
    "PlanAgreement": cks.plan_agreements(),
    "PromiseToPay": cks.promises(),
    "Receivable": cks.receivables(),
    "Waiver": cks.waivers(),
}
REASON = Reason(code="contact.opted_out", text="opted out")


@given(cks.events())
def test_c1_decode_encode_identity_of_events(event):
    assert decode_event(encode(event)) == event
    assert decode(Event, encode(event)) == event
    assert decode(type(event), encode(event)) == event


@given(cks.commands())
def test_c1_decode_encode_identity_of_commands(command):
    assert decode_command(encode(command)) == command
    assert decode(Command, encode(command)) == command


@given(st.one_of(list(RECORDS.values())))
def test_c1_decode_encode_identity_of_records(record):
    assert decode(type(record), encode(record)) == record


@settings(max_examples=25)
@given(cks.snapshots())
def test_c1_decode_encode_identity_of_snapshots(snapshot):
    assert decode(AccountSnapshot, encode(snapshot)) == snapshot


@pytest.mark.parametrize(
    "value",
    [
        Accepted(provider_id="p"),
        Rejected(code="smtp.550", is_permanent=True),
        Unknown(code="smtp.timeout"),
        Keep(),
        Defer(until_at=NOON, reason=REASON),
        Suppress(reason=REASON),
        Committed(version=0),
        Duplicate(version=3),
        Conflict(actual=1),
        OutboxRow(key="k", account_id="A", lane="email", command="send-notice", payload=bytes(range(256))),
        Decision(account_id="A", as_of=date(2026, 3, 12), cycle=0, stage="current", segment="all", reasons=(REASON,)),
    ],
)
def test_c1_decode_encode_identity_of_answers(value):
    assert decode(type(value), encode(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_c1_decode_encode_identity_of_decimals(value):
    assert decode(Decimal, encode(value)) == value


@given(st.fractions())
def test_c1_decode_encode_identity_of_fractions(value):
    assert decode(Fraction, encode(value)) == value


# -- one form ------------------------------------------------------------------------------------------------------


@given(cks.events())
def test_c2_encode_is_canonical_json(event):
    data = encode(event)
    tree = json.loads(data)
    assert data == json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@given(st.integers(-(10**30), 10**30), st.integers(-20, 20), st.integers(0, 6))
def test_c2_equal_decimals_have_one_form(digits, exponent, zeros):
    sign, parts, _ = Decimal(digits).as_tuple()
    one = Decimal((sign, parts, exponent))
    other = Decimal((sign, (*parts, *(0,) * zeros), exponent - zeros))
    assert one == other
    assert encode(one) == encode(other)


def test_c2_a_set_has_one_order():
    ids = [f"k{number}" for number in range(50)]
    assert encode(frozenset(ids)) == encode(frozenset(reversed(ids))) == encode(tuple(sorted(ids)))


GOLDEN = (
    b'{"account_id":"A-1","effective_on":"2026-03-12","event_id":"A-1:pay:1","payment":{"account_id":"A-1",'
    b'"amount":{"currency":"EUR","minor":100},"effective_on":"2026-03-12","payment_id":"A-1:P1",'
    b'"received_on":"2026-03-12"},"recorded_at":"2026-03-12T12:00:00+05:30","type":"PaymentReceived"}'
)  # written down by hand from the module's description; what is stored must never change under a user


def test_c2_the_form_of_a_payment_is_what_it_was():
    assert encode(payment("A-1")) == GOLDEN


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
@pytest.mark.parametrize("optimised", [False, True])
def test_c2_bytes_do_not_depend_on_the_surroundings(seed, optimised):
    code = (
        "from collectkit.testing.cases import opening;from collectkit.core.codec import encode, content_hash;"
        "print(content_hash(b''.join(map(encode, opening('A-1', receivables=3).events))))"
    )
    places = [("Pacific/Kiritimati", "C"), ("America/St_Johns", "POSIX")]
    zone, language = places[int(seed) % 2]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
    run = [sys.executable, *(["-O"] if optimised else []), "-c", code]
    told = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    from collectkit.core.codec import content_hash

    assert told == content_hash(b"".join(map(encode, opening("A-1", receivables=3).events)))


# -- refusing ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_c3_only_declared_errors_for_any_bytes(data):
    for read in (decode_event, decode_command, lambda d: decode(Money, d)):
        try:
            read(data)
        except CollectkitError:
            continue


@settings(max_examples=60)
@given(st.data())
def test_c3_only_declared_errors_for_spoilt_events(data):
    tree = json.loads(encode(data.draw(cks.events())))
    odd = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))
    at = tree
    while True:
        key = data.draw(st.sampled_from(sorted(at)))
        if isinstance(at[key], dict) and at[key] and data.draw(st.booleans()):
            at = at[key]
            continue
        at[key] = data.draw(odd)
        break
    spoilt = json.dumps(tree).encode()
    try:
        event = decode_event(spoilt)
    except CollectkitError:
        return
    assert encode(event) == spoilt if isinstance(event, UnknownEvent) else decode_event(encode(event)) == event


@given(cks.events(), st.randoms(use_true_random=False))
def test_c3_only_declared_errors_for_flipped_bytes(event, dice):
    data = bytearray(encode(event))
    for _ in range(dice.randint(1, 4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    try:
        decode_event(bytes(data))
    except CollectkitError:
        return


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "codec.syntax"),
        (b"{", "codec.syntax"),
        (b"\xff", "codec.encoding"),
        (b'"\\ud800"', "codec.encoding"),
        ("\ufeff{}".encode(), "codec.syntax"),
        ("{}".encode("utf-16"), "codec.encoding"),
        (b"{}", "codec.missing_field"),
        (b"[]", "codec.type"),
        (b'{"currency":"EUR","currency":"EUR","minor":1}', "codec.duplicate_key"),
        (b'{"currency":"EUR","minor":NaN}', "codec.not_finite"),
        (b'{"currency":"EUR","minor":-Infinity}', "codec.not_finite"),
        (b'{"currency":"EUR","minor":1.0}', "codec.type"),
        (b'{"currency":"EUR","minor":1e400}', "codec.type"),
        (b'{"currency":"EUR","minor":true}', "codec.type"),
        (b'{"currency":"EUR","minor":"1"}', "codec.type"),
        (b'{"currency":"EUR","minor":1,"x":1}', "codec.unknown_field"),
        (b'{"currency":"EUX","minor":1}', "money.unknown_currency"),
        (b'{"currency":[],"minor":1}', "money.unknown_currency"),
        (b'{"currency":"EUR","minor":10000000000000000000}', "money.out_of_range"),
    ],
)
def test_c3_bad_money_is_refused_by_name(data, code):
    with pytest.raises(CollectkitError) as refused:
        decode(Money, data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'"2026-03-12T12:00:00+05:30"', b'"2026-03-12T12:00:00"', "codec.form"),
        (b'"2026-03-12T12:00:00+05:30"', b'"20260312T120000+0530"', "codec.form"),
        (b'"2026-03-12T12:00:00+05:30"', b'"2026-03-12"', "codec.form"),
        (b'"received_on":"2026-03-12"', b'"received_on":"20260312"', "codec.form"),
        (b'"received_on":"2026-03-12"', b'"received_on":"2026-W11-4"', "codec.form"),
        (b'"received_on":"2026-03-12"', b'"received_on":"2026-02-30"', "codec.form"),
        (b'"received_on":"2026-03-12"', b'"received_on":null', "codec.type"),
        (b',"received_on":"2026-03-12"', b"", "codec.missing_field"),
        (b'"payment_id":"A-1:P1"', b'"payment_id":" A "', "records.id"),
        (b'"minor":100', b'"minor":-100', "records.not_positive"),
        (b'"type":"PaymentReceived"', b'"type":7', "codec.missing_field"),
        (b'"event_id":"A-1:pay:1",', b"", "codec.missing_field"),
    ],
)
def test_c3_a_bad_event_is_refused_by_name(old, new, code):
    assert old in GOLDEN
    with pytest.raises(CollectkitError) as refused:
        decode_event(GOLDEN.replace(old, new))
    assert refused.value.code == code


def test_c3_a_refusal_names_the_place_and_not_the_value():
    with pytest.raises(CodecError) as refused:
        decode_event(GOLDEN.replace(b'"currency":"EUR","minor":100', b'"currency":"EUR","minor":"canary"'))
    assert str(refused.value).startswith("payment.amount: ")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.5, "codec.unsupported"),
        (float("nan"), "codec.unsupported"),
        (Decimal("NaN"), "codec.not_finite"),
        (Decimal("1E+5000"), "codec.too_many_digits"),
        (10**MAX_DIGITS, "codec.too_many_digits"),
        (Fraction(1, 10**MAX_DIGITS), "codec.too_many_digits"),
        (datetime(2026, 3, 12), "codec.unsupported"),  # noqa: DTZ001 - what is refused
        ("\ud800", "codec.encoding"),
        ({1: "one"}, "codec.unsupported"),
        (object(), "codec.unsupported"),
        ("x" * (MAX_BYTES + 1), "codec.too_large"),
    ],
)
def test_c3_a_value_without_a_form_is_refused(value, code):
    with pytest.raises(CodecError) as refused:
        encode(value)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[" * 1_000_000, "codec.too_deep"),
        (b'{"a":' * 200_000, "codec.too_deep"),
        (b'"\\"' + b'\\"' * 500_000 + b"[" * 1_000_000, "codec.syntax"),
        (b"9" * 1_000_000, "codec.too_many_digits"),
        (b"1." + b"9" * 1_000_000, "codec.too_many_digits"),
        (b" " * (MAX_BYTES + 1), "codec.too_large"),
    ],
)
def test_c4_limits_are_kept_without_much_work(data, code):
    tracemalloc.start()
    try:
        with pytest.raises(CodecError) as refused:
            decode(tuple[str, ...], data)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(data) + 1_000_000
    finally:
        tracemalloc.stop()
    assert refused.value.code == code


def test_c4_depth_counts_no_brackets_in_texts():
    deep: object = "[[[[{{{{" * 100
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert encode(deep)
    with pytest.raises(CodecError) as refused:
        encode([deep])
    assert refused.value.code == "codec.too_deep"


def test_c4_an_event_may_be_smaller_than_other_values():
    with pytest.raises(CodecError) as refused:
        decode_event(GOLDEN + b" " * (1024 * 1024))
    assert refused.value.code == "codec.too_large"


# -- what a newer release wrote ------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.data())
def test_c5_unknown_fields_are_kept(data):
    event = data.draw(cks.events())
    tree = json.loads(encode(event))
    places = [tree] + [value for value in tree.values() if isinstance(value, dict)]
    place = data.draw(st.sampled_from(places))
    place["zz_" + data.draw(st.sampled_from("abc"))] = data.draw(st.one_of(st.integers(), st.text(), st.floats(0, 1)))
    must = data.draw(st.sampled_from([None, True, False]))
    if must is not None:
        tree["must_understand"] = must
    newer = json.dumps(tree).encode()  # not our form: spaces, escapes, another order
    kept = decode_event(newer)
    assert isinstance(kept, UnknownEvent)
    assert encode(kept) == newer
    assert kept.must_understand == (must is not False)
    assert (kept.event_id, kept.account_id, kept.effective_on) == (event.event_id, event.account_id, event.effective_on)


def test_c5_a_code_of_a_newer_release_is_kept():
    event = opening("A-1").events[0]
    newer = encode(event).replace(b'"kind":"consumer"', b'"kind":"trust"')
    kept = decode_event(newer)
    assert isinstance(kept, UnknownEvent)
    assert kept.must_understand
    assert encode(kept) == newer


def test_c5_an_unknown_event_that_differs_from_its_payload_is_refused():
    kept = decode_event(GOLDEN.replace(b'"type":"PaymentReceived"', b'"type":"BadgeAwarded"'))
    assert isinstance(kept, UnknownEvent)
    for spoilt in (attrs.evolve(kept, event_id="other"), attrs.evolve(kept, payload=GOLDEN)):
        with pytest.raises(CodecError) as refused:
            encode(spoilt)
        assert refused.value.code == "codec.payload"


def test_c5_a_command_of_a_newer_release_is_refused_by_name():
    with pytest.raises(CodecError) as refused:
        decode_command(b'{"account_id":"A","key":"k","type":"send-drone"}')
    assert refused.value.code == "codec.unknown_type"


def test_an_event_of_another_kind_is_refused():
    with pytest.raises(CodecError) as refused:
        decode(type(opening("A").events[0]), GOLDEN)
    assert refused.value.code == "codec.unknown_type"


def test_any_whole_minute_offset_survives():
    dice = random.Random(7)
    for _ in range(200):
        offset = timezone(timedelta(minutes=dice.randint(-14 * 60, 14 * 60)))
        event = attrs.evolve(payment("A"), recorded_at=NOON.astimezone(offset))
        found = decode_event(encode(event))
        assert found.recorded_at.utcoffset() == event.recorded_at.utcoffset()
