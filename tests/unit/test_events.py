"""Events and commands: facts in the past tense, orders in the imperative, and the key that lets an effect happen once."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core import events
from collectkit.core.errors import CollectkitError, InvalidRecord
from collectkit.core.events import (
    COMMAND_TYPES,
    EVENT_TYPES,
    Command,
    Cured,
    Event,
    NoteAdded,
    NoticeBounced,
    PaymentReceived,
    PlaceWithAgency,
    PromiseWithdrawn,
    RaiseTask,
    RestrictService,
    SendNotice,
    UnknownEvent,
    semantic_key,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    Channel,
    CreditNote,
    Debtor,
    Dispute,
    Hold,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
)

DAY = date(2026, 3, 12)
AT = datetime(2026, 3, 12, 9, tzinfo=UTC)
HEAD: dict[str, Any] = {"event_id": "e-1", "account_id": "A", "recorded_at": AT, "effective_on": DAY}
EUR = Money(100, "EUR")
SEND: dict[str, Any] = {
    "key": "k",
    "account_id": "A",
    "notice": "friendly",
    "channel": "email",
    "contact_point_id": "E",
    "cycle": 0,
    "decided_on": DAY,
    "earliest_at": AT,
    "latest_at": AT + timedelta(hours=1),
}


# -- keys ----------------------------------------------------------------------------------------------------------

PARTS = st.lists(st.text(max_size=60) | st.text(alphabet=":%~A3", max_size=8), min_size=1, max_size=6)


@given(one=PARTS, other=PARTS)
def test_two_meanings_never_share_a_key(one: list[str], other: list[str]) -> None:
    assert (semantic_key("fee", *one) == semantic_key("fee", *other)) == (one == other)


@given(parts=PARTS, long=st.text(alphabet="äx:", min_size=200, max_size=600))
def test_a_key_is_at_most_255_characters_and_always_the_same(parts: list[str], long: str) -> None:
    key = semantic_key("notice", *parts, long)
    assert len(key) <= 255
    assert key == semantic_key("notice", *parts, long)
    assert key != semantic_key("notice", *parts, long + "x")


def test_a_long_key_keeps_its_head_and_no_short_key_can_be_made_to_look_like_it() -> None:
    long = semantic_key("fee", "A-1", "x" * 300)
    assert long.startswith("fee:A-1:xxx")
    assert re.search(r":~[0-9a-f]{64}$", long)
    forged = long.split(":")
    assert semantic_key(forged[0], *forged[1:]) != long


def test_numbers_and_texts_read_alike_in_a_key() -> None:
    assert semantic_key("fee", "A", 1) == semantic_key("fee", "A", "1") == "fee:A:1"
    assert semantic_key("fee", "a:b%c~d") == "fee:a%3Ab%25c%7Ed"


# -- events --------------------------------------------------------------------------------------------------------


def test_every_event_stands_in_the_table_under_its_own_name_and_in_the_past() -> None:
    listed = {name for name in events.__all__ if isinstance(getattr(events, name), type)}
    facts = {name for name in listed if issubclass(getattr(events, name), Event)} - {"Event", "UnknownEvent"}
    assert set(EVENT_TYPES) == facts
    assert all(EVENT_TYPES[name].__name__ == name for name in EVENT_TYPES)
    assert set(COMMAND_TYPES.values()) == {
        getattr(events, name) for name in listed if issubclass(getattr(events, name), Command)
    } - {Command}
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in COMMAND_TYPES)


def parts_of(account_id: str) -> dict[str, Any]:
    return {
        "receivable": Receivable(
            receivable_id="R", account_id=account_id, amount_original=EUR, issued_on=DAY, due_on=DAY, component="fee"
        ),
        "payment": Payment(payment_id="P", account_id=account_id, amount=EUR, received_on=DAY),
        "credit_note": CreditNote(credit_note_id="C", account_id=account_id, amount=EUR, issued_on=DAY),
        "dispute": Dispute(dispute_id="X", account_id=account_id, raised_on=DAY),
        "hold": Hold(hold_id="H", account_id=account_id, reason="manual", placed_on=DAY),
        "promise": PromiseToPay(promise_id="T", account_id=account_id, amount=EUR, made_on=DAY, due_on=DAY),
        "plan": PlanAgreement(
            plan_id="L",
            account_id=account_id,
            covers=["R"],
            agreed_on=DAY,
            instalments=[PlannedInstalment(number=1, due_on=DAY, amount=EUR)],
        ),
        "account": Account(account_id=account_id, debtor_id="D"),
    }


ABOUT = {
    "ReceivableIssued": "receivable",
    "ChargePosted": "receivable",
    "PaymentReceived": "payment",
    "CreditNoteIssued": "credit_note",
    "DisputeRaised": "dispute",
    "HoldPlaced": "hold",
    "PromiseMade": "promise",
    "PlanAgreed": "plan",
    "AccountOpened": "account",
}
EXTRA = {
    "ChargePosted": {"key": "fee:A:R", "rule": "late-fee"},
    "AccountOpened": {"debtor": Debtor(debtor_id="D", kind="business")},
}


@pytest.mark.parametrize("name", ABOUT)
def test_an_event_speaks_of_a_record_of_its_own_account(name: str) -> None:
    field = ABOUT[name]
    made = EVENT_TYPES[name](**HEAD, **EXTRA.get(name, {}), **{field: parts_of("A")[field]})
    assert getattr(made, field).account_id == made.account_id
    with pytest.raises(InvalidRecord) as error:
        EVENT_TYPES[name](**HEAD, **EXTRA.get(name, {}), **{field: parts_of("B")[field]})
    assert error.value.code == "records.foreign"
    with pytest.raises(InvalidRecord):
        EVENT_TYPES[name](**HEAD, **EXTRA.get(name, {}), **{field: "text"})


@pytest.mark.parametrize(
    "kind", [*EVENT_TYPES.values(), *COMMAND_TYPES.values(), UnknownEvent], ids=lambda k: k.__name__
)
def test_no_field_of_an_event_or_command_takes_what_is_of_another_world(kind: type[Any]) -> None:
    """Each field is put to the test alone: with the right type for all others it must refuse an odd value."""
    for field in attrs.fields(kind):
        for odd in (object(), 1.5):
            assert _refuses(field, odd), f"{kind.__name__}.{field.name} takes {odd!r}"


def _refuses(field: Any, odd: object) -> bool:
    try:
        value = field.converter(odd) if field.converter is not None else odd
        if field.validator is not None:
            field.validator(Cured(**HEAD, cycle=0), field, value)
    except CollectkitError:
        return True
    return False


def test_two_clocks_stand_in_an_event_and_neither_is_taken_for_the_other() -> None:
    for change in ({"recorded_at": AT.replace(tzinfo=None)}, {"effective_on": AT}, {"recorded_at": DAY}):
        with pytest.raises(CollectkitError):
            Cured(**(HEAD | change), cycle=0)
    backdated = Cured(**(HEAD | {"effective_on": DAY - timedelta(days=30)}), cycle=0)
    assert backdated.effective_on < backdated.recorded_at.date()


def test_free_text_about_a_person_shows_in_no_repr() -> None:
    canary = "Canary-Person-4711"
    for event in (
        NoteAdded(**HEAD, author="clerk", text=canary),
        PromiseWithdrawn(**HEAD, promise_id="T", reason=canary),
        UnknownEvent(**HEAD, type_name="Told", payload=canary.encode()),
    ):
        assert canary not in repr(event)


def test_flags_of_an_event_are_true_or_false() -> None:
    with pytest.raises(InvalidRecord):
        NoticeBounced(**HEAD, key="k", is_permanent="false")  # type: ignore[arg-type]
    with pytest.raises(InvalidRecord):
        UnknownEvent(**HEAD, type_name="X", payload="text")  # type: ignore[arg-type]


def test_an_event_without_a_record_of_an_account_needs_none() -> None:
    assert Cured(**HEAD, cycle=3).cycle == 3
    payment = parts_of("A")["payment"]
    assert PaymentReceived(**HEAD, payment=payment).payment is payment


# -- commands ------------------------------------------------------------------------------------------------------


def test_a_notice_has_a_window_that_is_not_upside_down() -> None:
    notice = SendNotice(**SEND)
    assert (notice.name, notice.channel, notice.occurrence) == ("send-notice", Channel.EMAIL, 1)
    SendNotice(**(SEND | {"latest_at": AT}))
    with pytest.raises(InvalidRecord) as error:
        SendNotice(**(SEND | {"latest_at": AT - timedelta(seconds=1)}))
    assert error.value.code == "records.date_order"


def test_a_command_says_how_late_it_is() -> None:
    assert RestrictService(key="k", account_id="A").late_days == 0
    assert RaiseTask(key="k", account_id="A", task="call", due_on=DAY, late_days=3).late_days == 3
    with pytest.raises(InvalidRecord):
        RestrictService(key="k", account_id="A", late_days=-1)
    with pytest.raises(InvalidRecord):
        PlaceWithAgency(key="k", account_id="A", agency=None)  # type: ignore[arg-type]
