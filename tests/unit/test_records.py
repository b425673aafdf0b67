"""The facts: true from birth, unable to change, silent about persons."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core import records
from collectkit.core.errors import CollectkitError, CurrencyMismatch, InvalidDate, InvalidRecord
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Approval,
    Channel,
    Component,
    ContactAttempt,
    ContactPoint,
    CreditNote,
    Debtor,
    Dispute,
    Flag,
    FlagKind,
    Hold,
    NoticeRecord,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
    Waiver,
)

DAY = date(2026, 3, 12)
NEXT = DAY + timedelta(days=1)
AT = datetime(2026, 3, 12, 9, tzinfo=UTC)
EUR = Money(10_000, "EUR")

MAKE: dict[type, dict[str, Any]] = {  # the least that each record needs
    Flag: {"kind": "hardship", "since_on": DAY},
    Debtor: {"debtor_id": "D", "kind": "consumer"},
    Account: {"account_id": "A", "debtor_id": "D"},
    Receivable: {"receivable_id": "R", "account_id": "A", "amount_original": EUR, "issued_on": DAY, "due_on": DAY},
    Payment: {"payment_id": "P", "account_id": "A", "amount": EUR, "received_on": DAY},
    CreditNote: {"credit_note_id": "C", "account_id": "A", "amount": EUR, "issued_on": DAY},
    Waiver: {"waiver_id": "W", "receivable_id": "R", "amount": EUR, "waived_on": DAY, "reason": "x", "authority": "boss"},
    Dispute: {"dispute_id": "X", "account_id": "A", "raised_on": DAY},
    Hold: {"hold_id": "H", "account_id": "A", "reason": "manual", "placed_on": DAY},
    Approval: {"subject": "legal", "authority": "boss", "granted_by": "b", "granted_on": DAY},
    PromiseToPay: {"promise_id": "T", "account_id": "A", "amount": EUR, "made_on": DAY, "due_on": DAY},
    PlannedInstalment: {"number": 1, "due_on": DAY, "amount": EUR},
    PlanAgreement: {
        "plan_id": "L",
        "account_id": "A",
        "covers": ["R"],
        "agreed_on": DAY,
        "instalments": [PlannedInstalment(number=1, due_on=DAY, amount=EUR)],
    },
    ContactPoint: {"contact_point_id": "E", "channel": "email", "address": "someone@example.org"},
    ContactAttempt: {"attempt_id": "T", "account_id": "A", "channel": "phone", "at": AT, "outcome": "voicemail"},
    NoticeRecord: {
        "key": "k",
        "notice": "n",
        "stage": "s",
        "step": "s",
        "channel": "email",
        "cycle": 0,
        "requested_on": DAY,
    },
}  # fmt: skip
MAKE[AccountSnapshot] = {"as_of": DAY, "account": Account(**MAKE[Account]), "debtor": Debtor(**MAKE[Debtor])}
KINDS = sorted(MAKE, key=lambda kind: kind.__name__)


def make(kind: type[Any], /, **more: object) -> Any:
    return kind(**(MAKE[kind] | more))


def code_of(build: Callable[[], object]) -> str:
    with pytest.raises(CollectkitError) as error:
        build()
    return error.value.code


def test_every_record_of_the_room_is_tried_here() -> None:
    public = {getattr(records, name) for name in records.__all__}
    assert {kind for kind in public if attrs.has(kind)} == set(MAKE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_record_is_frozen_keyword_only_hashable_and_equal_to_its_twin(kind: type[Any]) -> None:
    record = make(kind)
    assert record == make(kind)
    assert hash(record) == hash(make(kind))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(record, attrs.fields(kind)[0].name, None)
    with pytest.raises(TypeError):
        kind(*MAKE[kind].values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_field_takes_a_value_of_another_world(kind: type[Any]) -> None:
    """Every field refuses something, and only by a declared error: nothing slips in unchecked."""
    for field in attrs.fields(kind):
        refused = 0
        for odd in (object(), 1.5, b"bytes", -1, datetime(2026, 1, 1)):  # noqa: DTZ001 - naive on purpose
            try:
                make(kind, **{field.name: odd})
            except CollectkitError:
                refused += 1
        assert refused >= 4, f"{kind.__name__}.{field.name} took {5 - refused} of 5 odd values"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_lists_that_are_given_may_change_later(kind: type[Any]) -> None:
    """POLICY-13."""
    for field in attrs.fields(kind):
        if str(field.type).startswith(("tuple", "frozenset")):
            given = list(MAKE[kind].get(field.name, []))
            record = make(kind, **{field.name: given})
            before = hash(record)
            given.append("later")
            assert hash(record) == before
            assert "later" not in getattr(record, field.name)


# -- facts that cannot be true -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        (Flag, "since_on", "until_on"),
        (Payment, "received_on", "returned_on"),
        (CreditNote, "issued_on", "cancelled_on"),
        (Dispute, "raised_on", "resolved_on"),
        (Hold, "placed_on", "until_on"),
        (Approval, "granted_on", "until_on"),
        (PromiseToPay, "made_on", "due_on"),
        (PromiseToPay, "made_on", "withdrawn_on"),
        (PlanAgreement, "agreed_on", "cancelled_on"),
    ],
)
def test_nothing_ends_before_it_begins(kind: type[Any], first: str, last: str) -> None:
    make(kind, **{first: DAY, last: DAY})  # an empty range is possible
    assert code_of(lambda: make(kind, **{first: NEXT, last: DAY})) == "records.date_order"


@pytest.mark.parametrize("kind", [Receivable, Payment, CreditNote, Waiver, PromiseToPay])
@pytest.mark.parametrize("minor", [0, -1])
def test_an_amount_is_above_zero(kind: type[Any], minor: int) -> None:
    name = "amount_original" if kind is Receivable else "amount"
    assert code_of(lambda: make(kind, **{name: Money(minor, "EUR")})) == "records.not_positive"
    assert code_of(lambda: make(kind, **{name: minor})) == "records.type"


def test_a_claim_due_before_it_is_issued_is_refused_unless_the_ledger_means_it() -> None:
    early = {"issued_on": NEXT, "due_on": DAY}
    assert code_of(lambda: make(Receivable, **early)) == "records.due_before_issue"
    assert make(Receivable, **early, is_due_before_issue=True).due_on == DAY
    assert code_of(lambda: make(Receivable, **early, is_due_before_issue="no")) == "records.type"


def test_a_charge_names_its_key_and_principal_has_none() -> None:
    fee = make(Receivable, component="fee", parent_id="R0", charge_key="fee:A:R0:late:1")
    assert (fee.is_charge, fee.component) == (True, Component.FEE)
    assert not make(Receivable).is_charge
    assert code_of(lambda: make(Receivable, charge_key="fee:A")) == "records.charge_key"


def test_a_plan_has_instalments_in_order_of_one_currency_for_named_receivables() -> None:
    def part(number: int, on: date = DAY, amount: Money = EUR) -> PlannedInstalment:
        return PlannedInstalment(number=number, due_on=on, amount=amount)

    assert code_of(lambda: make(PlanAgreement, instalments=[])) == "records.no_instalments"
    assert code_of(lambda: make(PlanAgreement, covers=[])) == "records.empty_plan"
    assert code_of(lambda: make(PlanAgreement, instalments=[part(2), part(1)])) == "records.instalment_order"
    assert code_of(lambda: make(PlanAgreement, instalments=[part(1), part(1)])) == "records.instalment_order"
    assert code_of(lambda: make(PlanAgreement, instalments=[part(1, NEXT), part(2)])) == "records.instalment_order"
    with pytest.raises(CurrencyMismatch):
        make(PlanAgreement, instalments=[part(1), part(2, amount=Money(1, "USD"))])
    assert make(PlanAgreement, instalments=[part(1), part(3, NEXT)]).currency == "EUR"
    assert make(PlanAgreement, tolerance_amount=Money(0, "EUR")).tolerance_amount == Money(0, "EUR")
    assert code_of(lambda: make(PlanAgreement, tolerance_amount=Money(-1, "EUR"))) == "records.negative"


@pytest.mark.parametrize(
    ("kind", "name", "limit"),
    [
        (Debtor, "debtor_id", 255),
        (Debtor, "name", 500),
        (Debtor, "locale", 35),
        (Debtor, "jurisdiction", 35),
        (Account, "creditor_id", 255),
        (Receivable, "kind", 64),
        (Waiver, "reason", 500),
        (Dispute, "reason", 500),
        (PromiseToPay, "taken_by", 255),
        (ContactPoint, "address", 1000),
        (NoticeRecord, "key", 255),
        (AccountSnapshot, "strategy_hash", 64),
    ],
)
def test_a_text_may_be_as_long_as_its_field_and_no_longer(kind: type[Any], name: str, limit: int) -> None:
    assert len(getattr(make(kind, **{name: "x" * limit}), name)) == limit
    assert code_of(lambda: make(kind, **{name: "x" * (limit + 1)})) in {"records.too_long", "records.id"}


def test_what_is_not_given_is_nothing() -> None:
    assert (make(Approval).cycle, make(AccountSnapshot).cycle, make(NoticeRecord).occurrence) == (0, 0, 1)
    assert (make(PlanAgreement).tolerance_days, make(ContactPoint).rank) == (0, 1)
    assert (make(Debtor).locale, make(Debtor).zones, make(Debtor).jurisdiction) == ("en", (), "")


def test_zones_are_checked_one_by_one() -> None:
    for kind in (Debtor, ContactPoint):
        assert make(kind, zones=["Europe/Berlin", "UTC"]).zones == ("Europe/Berlin", "UTC")
        assert code_of(lambda kind=kind: make(kind, zones=["Europe/Berlin", "Mars Base"])) == "calendars.zone"  # type: ignore[misc]
        assert code_of(lambda kind=kind: make(kind, zones="Europe/Berlin")) == "records.type"  # type: ignore[misc]


def test_a_day_is_never_an_instant_and_an_instant_never_naive() -> None:
    with pytest.raises(InvalidDate):
        make(Payment, received_on=AT)
    with pytest.raises(InvalidDate):
        make(ContactAttempt, at=AT.replace(tzinfo=None))


# -- what a fact says on a day -------------------------------------------------------------------------------------


@given(start=st.integers(-3, 3), length=st.none() | st.integers(0, 3))
def test_ranges_are_half_open(start: int, length: int | None) -> None:
    begins = DAY + timedelta(days=start)
    ends = None if length is None else begins + timedelta(days=length)
    inside = begins <= DAY and (ends is None or ends > DAY)
    assert make(Flag, since_on=begins, until_on=ends).is_active(DAY) == inside
    assert make(Hold, placed_on=begins, until_on=ends).is_active(DAY) == inside
    assert make(Dispute, raised_on=begins, resolved_on=ends).is_open(DAY) == inside
    assert make(CreditNote, issued_on=begins, cancelled_on=ends).counts_on(DAY) == inside
    assert make(Payment, received_on=begins, returned_on=ends).counts_on(DAY) == inside
    assert make(Approval, granted_on=begins, until_on=ends, cycle=1).is_valid(DAY, cycle=1) == inside
    assert not make(Approval, granted_on=begins, until_on=ends, cycle=1).is_valid(DAY, cycle=0)
    debtor = make(Debtor, flags=[make(Flag, since_on=begins, until_on=ends)])
    assert debtor.has_flag(FlagKind.HARDSHIP, DAY) == inside
    assert not debtor.has_flag(FlagKind.DECEASED, DAY)


def test_a_payment_counts_from_the_day_it_takes_effect() -> None:
    assert make(Payment).effective_on == DAY
    dated = make(Payment, effective_on=NEXT)
    assert (dated.counts_on(DAY), dated.counts_on(NEXT)) == (False, True)


def test_an_address_is_usable_until_it_is_lost_or_the_debtor_opts_out() -> None:
    assert make(ContactPoint).is_usable(DAY)
    for name in ("opted_out_on", "invalid_since_on"):
        point = make(ContactPoint, **{name: NEXT})
        assert (point.is_usable(DAY), point.is_usable(NEXT)) == (True, False)


@pytest.mark.parametrize(
    ("facts", "delivered_on", "is_pending"),
    [
        ({}, None, True),
        ({"sent_on": DAY}, DAY, False),
        ({"sent_on": DAY, "reported_delivered_on": NEXT}, NEXT, False),
        ({"sent_on": DAY, "bounced_on": NEXT}, None, False),
        ({"sent_on": DAY, "reported_delivered_on": DAY, "bounced_on": NEXT}, None, False),
        ({"suppressed_on": DAY}, None, False),
        ({"bounced_on": DAY}, None, False),
    ],
)
def test_what_became_of_a_notice(facts: dict[str, date], delivered_on: date | None, is_pending: bool) -> None:
    notice = make(NoticeRecord, **facts)
    assert (notice.delivered_on, notice.is_pending) == (delivered_on, is_pending)


# -- the snapshot --------------------------------------------------------------------------------------------------

OWNED = {
    "receivables": Receivable,
    "payments": Payment,
    "credit_notes": CreditNote,
    "disputes": Dispute,
    "holds": Hold,
    "promises": PromiseToPay,
    "plans": PlanAgreement,
}


@pytest.mark.parametrize("name", OWNED)
def test_a_fact_of_another_account_has_no_place_in_the_snapshot(name: str) -> None:
    foreign = make(OWNED[name], account_id="B")
    assert code_of(lambda: make(AccountSnapshot, **{name: [foreign]})) == "records.foreign"
    make(AccountSnapshot, **{name: [make(OWNED[name])]})


@pytest.mark.parametrize("name", [*OWNED, "waivers", "notices", "contact_points"])
def test_the_same_fact_twice_is_refused_with_its_id(name: str) -> None:
    kind = (OWNED | {"waivers": Waiver, "notices": NoticeRecord, "contact_points": ContactPoint})[name]
    twice = [make(kind), make(kind)]
    with pytest.raises(InvalidRecord) as error:
        make(AccountSnapshot, **{name: twice})
    assert error.value.code == "records.duplicate"
    assert "stands twice" in error.value.text


def test_an_account_and_its_debtor_belong_together() -> None:
    assert code_of(lambda: make(AccountSnapshot, debtor=make(Debtor, debtor_id="E"))) == "records.foreign"


def test_the_snapshot_names_the_days_on_which_its_facts_turn_by_themselves() -> None:
    def ahead(days: int) -> date:
        return DAY + timedelta(days=days)

    snapshot = make(
        AccountSnapshot,
        debtor=make(Debtor, flags=[make(Flag, since_on=ahead(-1), until_on=ahead(1)), make(Flag, since_on=ahead(2))]),
        holds=[make(Hold, until_on=ahead(3))],
        payments=[make(Payment, effective_on=ahead(4), returned_on=ahead(5), clears_on=ahead(6))],
        credit_notes=[make(CreditNote, issued_on=ahead(7), cancelled_on=ahead(8))],
        disputes=[make(Dispute, raised_on=ahead(9), resolved_on=ahead(10))],
        approvals=[make(Approval, until_on=ahead(11))],
        waivers=[make(Waiver, waived_on=ahead(12))],
    )
    assert snapshot.turns == tuple(ahead(days) for days in range(1, 13))
    assert make(AccountSnapshot).turns == ()


# -- silence about persons -----------------------------------------------------------------------------------------

CANARY = "Canary-Person-4711"
PERSONAL = [
    (Debtor, "name"),
    (ContactPoint, "address"),
    (Dispute, "reason"),
    (Waiver, "reason"),
]


@pytest.mark.parametrize(("kind", "name"), PERSONAL)
def test_a_personal_field_shows_in_no_repr_text_or_log(
    kind: type[Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """PRIVACY-01, M5."""
    record = make(kind, **{name: CANARY})
    assert getattr(record, name) == CANARY
    logging.getLogger("host").warning("saw %r and %s", record, record)
    for text in (repr(record), str(record), f"{record}", repr([record]), repr({"x": record}), caplog.text):
        assert CANARY not in text
    assert "***" in repr(record)


def test_a_snapshot_shows_no_personal_field() -> None:
    snapshot = make(
        AccountSnapshot,
        debtor=make(Debtor, name=CANARY),
        contact_points=[make(ContactPoint, address=CANARY)],
        disputes=[make(Dispute, reason=CANARY)],
        waivers=[make(Waiver, reason=CANARY)],
    )
    assert CANARY not in repr(snapshot)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_error_repeats_what_was_put_into_a_field(kind: type[Any]) -> None:
    """PRIVACY-01: a mapping that is off by one column puts a name into any field; the error must not tell it."""
    for field in attrs.fields(kind):
        for odd in (CANARY + "\n", [CANARY, 5], CANARY * 3_000, (CANARY.encode(),)):
            found = attempt(kind, field.name, odd)
            if not isinstance(found, CollectkitError):
                value = getattr(found, field.name)  # free text and lists of ids take what they are given
                assert (kind, field.name) in PERSONAL or isinstance(value, (str, tuple, frozenset))
                continue
            said = "".join([str(found), repr(found), repr(found.facts), *traceback.format_exception_only(found)])
            assert CANARY not in said, f"{kind.__name__}.{field.name}"
            assert found.__cause__ is None


def attempt(kind: type[Any], name: str, value: object) -> Any:
    """Return the record, or the error that refused it."""
    try:
        return make(kind, **{name: value})
    except CollectkitError as error:
        return error


def test_codes_are_closed_sets() -> None:
    assert make(ContactPoint, channel=Channel.SMS).channel == make(ContactPoint, channel="sms").channel
    for kind, name in ((ContactPoint, "channel"), (Debtor, "kind"), (Flag, "kind"), (Hold, "reason")):
        assert code_of(lambda kind=kind, name=name: make(kind, **{name: "none of them"})) == "records.choice"  # type: ignore[misc]


def test_every_check_stands_when_python_drops_its_asserts() -> None:
    """RUNTIME-01: refused under -O as without it."""
    script = """
from datetime import date
from collectkit.core.errors import CollectkitError
from collectkit.core.money import Money
from collectkit.core.records import Debtor, Payment, Receivable
day, eur = date(2026, 3, 12), Money(1, "EUR")
tries = [
    lambda: Money(0.1, "EUR"),
    lambda: Money(10**19, "EUR"),
    lambda: Payment(payment_id="P", account_id="A", amount=-eur, received_on=day),
    lambda: Receivable(
        receivable_id="R", account_id="A", amount_original=eur, issued_on=day, due_on=date(2026, 3, 11)
    ),
    lambda: Debtor(debtor_id="", kind="consumer"),
]
for one in tries:
    try:
        one()
    except CollectkitError as error:
        print(error.code)
"""
    run = subprocess.run([sys.executable, "-O", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        "money.float",
        "money.out_of_range",
        "records.not_positive",
        "records.due_before_issue",
        "records.id",
    ]
