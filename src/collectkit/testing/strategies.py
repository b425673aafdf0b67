"""Hypothesis strategies for records, events, histories and snapshots: every value they draw is valid.

    from hypothesis import given
    from collectkit.testing.strategies import histories

    @given(events=histories())
    def test_my_projection_never_loses_a_payment(events): ...

Ids hold the characters that hosts really use, colons, slashes and letters of any alphabet among them; days lie in
2020 to 2030; instants have offsets of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

import attrs

from collectkit.core.errors import MissingOptionalDependency
from collectkit.core.events import (
    AccountOpened,
    ApprovalGranted,
    ChargePosted,
    ChargeWaived,
    Command,
    CommandIssued,
    ContactAttempted,
    ContactPointAdded,
    ContactPointInvalidated,
    CreditNoteCancelled,
    CreditNoteIssued,
    Cured,
    DebtorChanged,
    Decided,
    DisputeRaised,
    DisputeResolved,
    Event,
    FlagCleared,
    FlagRaised,
    GrantEntitlement,
    HoldPlaced,
    HoldReleased,
    NoteAdded,
    NoticeBounced,
    NoticeDelivered,
    NoticeRequested,
    NoticeSent,
    NoticeSuppressed,
    OptedOut,
    PaymentReceived,
    PaymentReturned,
    PlaceWithAgency,
    PlanAgreed,
    PlanCancelled,
    PromiseMade,
    PromiseWithdrawn,
    RaiseTask,
    ReceivableIssued,
    RequestApproval,
    RestoreService,
    RestrictService,
    SendNotice,
    StrategyMoved,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Approval,
    Channel,
    Component,
    ContactAttempt,
    ContactOutcome,
    ContactPoint,
    CreditNote,
    Debtor,
    DebtorKind,
    Dispute,
    Flag,
    FlagKind,
    Hold,
    HoldReason,
    NoticeRecord,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
    Waiver,
)
from collectkit.history import snapshot

try:
    from hypothesis import strategies as st
except ImportError as _absent:
    raise MissingOptionalDependency("testing", "Hypothesis") from _absent

__all__ = [
    "ACCOUNT_ID",
    "accounts",
    "approvals",
    "commands",
    "contact_attempts",
    "contact_points",
    "credit_notes",
    "currencies",
    "days",
    "debtors",
    "disputes",
    "events",
    "flags",
    "histories",
    "holds",
    "identifiers",
    "instants",
    "moneys",
    "notice_records",
    "payments",
    "plan_agreements",
    "promises",
    "receivables",
    "snapshots",
    "texts",
    "waivers",
]

ACCOUNT_ID: Final = "A-1"
_DEBTOR_ID: Final = "D-1"
_FEW: Final = tuple("abcd")  # ids of facts inside one account meet often, so that endings find what they end
_ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
_FIRST_DAY: Final = date(2020, 1, 1)
_LAST_DAY: Final = date(2030, 12, 31)


# -- plain values ------------------------------------------------------------------------------------------------


def identifiers() -> st.SearchStrategy[str]:
    """Draw ids as ledgers have them: 1 to 40 printable characters without outer space."""
    letters = st.characters(min_codepoint=32, max_codepoint=0x24FF, categories=("L", "N", "P", "S"))
    return st.text(st.one_of(st.sampled_from("abcXYZ019:-/%."), letters), min_size=1, max_size=40)


def texts(limit: int = 80) -> st.SearchStrategy[str]:
    """Draw free text, line breaks and any alphabet included."""
    return st.text(st.characters(codec="utf-8"), max_size=limit)


def days() -> st.SearchStrategy[date]:
    """Draw plain days of 2020 to 2030."""
    return st.dates(_FIRST_DAY, _LAST_DAY)


def instants() -> st.SearchStrategy[datetime]:
    """Draw aware instants of 2020 to 2030, with whole-minute offsets from -14 to +14 hours."""
    offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(datetime(2020, 1, 2), datetime(2030, 12, 30), timezones=st.one_of(st.just(UTC), offsets))  # noqa: DTZ001 - the strategy adds the zone


def currencies() -> st.SearchStrategy[str]:
    """Draw a currency with two, no or three minor digits."""
    return st.sampled_from(("EUR", "USD", "JPY", "KWD"))


def moneys(
    *, currency: str | None = None, minor_min: int = -(10**12), minor_max: int = 10**12
) -> st.SearchStrategy[Money]:
    """Draw money, of one currency where it is named."""
    codes = st.just(currency) if currency is not None else currencies()
    return st.builds(Money, st.integers(minor_min, minor_max), codes)


def _sums() -> st.SearchStrategy[Money]:
    return moneys(minor_min=1, minor_max=10**7)


def _or_any(ids: st.SearchStrategy[str] | None) -> st.SearchStrategy[str]:
    return identifiers() if ids is None else ids


def _ids() -> st.SearchStrategy[str]:
    return st.sampled_from(_FEW)


def _some(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | one


def _later(start: date) -> st.SearchStrategy[date]:
    return st.integers(0, 400).map(lambda count: start + timedelta(days=count))


# -- records -----------------------------------------------------------------------------------------------------


@st.composite
def flags(draw: st.DrawFn) -> Flag:
    """Draw a circumstance of the debtor, with or without an end."""
    since_on = draw(days())
    return Flag(kind=draw(st.sampled_from(FlagKind)), since_on=since_on, until_on=draw(_some(_later(since_on))))


def debtors(*, debtor_id: str = _DEBTOR_ID) -> st.SearchStrategy[Debtor]:
    """Draw a debtor; zones and jurisdiction may be unknown."""
    return st.builds(
        Debtor,
        debtor_id=st.just(debtor_id),
        kind=st.sampled_from(DebtorKind),
        name=texts(),
        locale=st.sampled_from(("en", "de_DE", "fr_CH", "ar_EG")),
        zones=st.lists(st.sampled_from(_ZONES), max_size=2, unique=True),
        jurisdiction=st.sampled_from(("", "DE", "US-MA")),
        preferred_channel=_some(st.sampled_from(Channel)),
        flags=st.lists(flags(), max_size=2),
    )


def accounts(*, account_id: str = ACCOUNT_ID, debtor_id: str = _DEBTOR_ID) -> st.SearchStrategy[Account]:
    """Draw an account."""
    return st.builds(
        Account,
        account_id=st.just(account_id),
        debtor_id=st.just(debtor_id),
        creditor_id=st.sampled_from(("", "C-1")),
        opened_on=_some(days()),
        labels=st.lists(identifiers(), max_size=2),
    )


@st.composite
def receivables(
    draw: st.DrawFn,
    *,
    account_id: str = ACCOUNT_ID,
    receivable_id: st.SearchStrategy[str] | None = None,
    component: Component | None = None,
) -> Receivable:
    """Draw a receivable; charges name what they stem from."""
    issued_on = draw(days())
    kind = component or draw(st.sampled_from(Component))
    is_charge = kind is not Component.PRINCIPAL
    return Receivable(
        receivable_id=draw(_or_any(receivable_id)),
        account_id=account_id,
        amount_original=draw(_sums()),
        issued_on=issued_on,
        due_on=draw(_later(issued_on)),
        component=kind,
        parent_id=draw(_some(_ids())) if is_charge else None,
        charge_key=draw(_some(identifiers())) if is_charge else None,
    )


@st.composite
def payments(
    draw: st.DrawFn, *, account_id: str = ACCOUNT_ID, payment_id: st.SearchStrategy[str] | None = None
) -> Payment:
    """Draw a payment: post-dated, backdated, returned and in transit among them."""
    received_on = draw(days())
    return Payment(
        payment_id=draw(_or_any(payment_id)),
        account_id=account_id,
        amount=draw(_sums()),
        received_on=received_on,
        effective_on=draw(st.one_of(st.just(received_on), days())),
        receivable_ids=draw(st.lists(_ids(), max_size=2, unique=True)),
        returned_on=draw(_some(_later(received_on))),
        clears_on=draw(_some(_later(received_on))),
    )


@st.composite
def credit_notes(
    draw: st.DrawFn, *, account_id: str = ACCOUNT_ID, credit_note_id: st.SearchStrategy[str] | None = None
) -> CreditNote:
    """Draw a credit note, cancelled or not."""
    issued_on = draw(days())
    return CreditNote(
        credit_note_id=draw(_or_any(credit_note_id)),
        account_id=account_id,
        amount=draw(_sums()),
        issued_on=issued_on,
        receivable_ids=draw(st.lists(_ids(), max_size=2, unique=True)),
        cancelled_on=draw(_some(_later(issued_on))),
    )


def waivers(*, waiver_id: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Waiver]:
    """Draw a waiver."""
    return st.builds(
        Waiver,
        waiver_id=_or_any(waiver_id),
        receivable_id=_ids(),
        amount=_sums(),
        waived_on=days(),
        reason=texts(),
        authority=st.just("manager"),
    )


@st.composite
def disputes(
    draw: st.DrawFn, *, account_id: str = ACCOUNT_ID, dispute_id: st.SearchStrategy[str] | None = None
) -> Dispute:
    """Draw a dispute of the account, of some receivables or of a part of them."""
    raised_on = draw(days())
    return Dispute(
        dispute_id=draw(_or_any(dispute_id)),
        account_id=account_id,
        raised_on=raised_on,
        receivable_ids=draw(st.lists(_ids(), max_size=2, unique=True)),
        amount=draw(_some(_sums())),
        reason=draw(texts()),
        resolved_on=draw(_some(_later(raised_on))),
    )


@st.composite
def holds(draw: st.DrawFn, *, account_id: str = ACCOUNT_ID, hold_id: st.SearchStrategy[str] | None = None) -> Hold:
    """Draw a pause, with or without an end."""
    placed_on = draw(days())
    return Hold(
        hold_id=draw(_or_any(hold_id)),
        account_id=account_id,
        reason=draw(st.sampled_from(HoldReason)),
        placed_on=placed_on,
        until_on=draw(_some(_later(placed_on))),
        receivable_ids=draw(st.lists(_ids(), max_size=2, unique=True)),
        stops=draw(st.lists(identifiers(), max_size=1)),
    )


@st.composite
def promises(
    draw: st.DrawFn, *, account_id: str = ACCOUNT_ID, promise_id: st.SearchStrategy[str] | None = None
) -> PromiseToPay:
    """Draw a promise to pay."""
    made_on = draw(days())
    return PromiseToPay(
        promise_id=draw(_or_any(promise_id)),
        account_id=account_id,
        amount=draw(_sums()),
        made_on=made_on,
        due_on=draw(_later(made_on)),
        receivable_ids=draw(st.lists(_ids(), max_size=2, unique=True)),
        channel=draw(_some(st.sampled_from(Channel))),
        withdrawn_on=draw(_some(_later(made_on))),
        supersedes=draw(_some(_ids())),
    )


@st.composite
def plan_agreements(
    draw: st.DrawFn, *, account_id: str = ACCOUNT_ID, plan_id: st.SearchStrategy[str] | None = None
) -> PlanAgreement:
    """Draw an agreed plan of one to six instalments in one currency."""
    agreed_on = draw(days())
    currency = draw(currencies())
    parts, due_on = [], agreed_on
    for number in range(1, draw(st.integers(1, 6)) + 1):
        due_on += timedelta(days=draw(st.integers(0, 45)))
        amount = draw(moneys(currency=currency, minor_min=0, minor_max=10**7))
        parts.append(PlannedInstalment(number=number, due_on=due_on, amount=amount))
    return PlanAgreement(
        plan_id=draw(_or_any(plan_id)),
        account_id=account_id,
        covers=draw(st.lists(_ids(), min_size=1, max_size=3, unique=True)),
        agreed_on=agreed_on,
        instalments=parts,
        tolerance_days=draw(st.integers(0, 30)),
        tolerance_amount=draw(_some(moneys(currency=currency, minor_min=0, minor_max=500))),
        supersedes=draw(_some(_ids())),
        cancelled_on=draw(_some(_later(agreed_on))),
    )


def contact_points(*, contact_point_id: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[ContactPoint]:
    """Draw an address or number, consented to, opted out or dead."""
    return st.builds(
        ContactPoint,
        contact_point_id=_or_any(contact_point_id),
        channel=st.sampled_from(Channel),
        address=st.sampled_from(("a@host.example", "b@host.example", "+49 30 0000000")),
        rank=st.integers(1, 3),
        zones=st.lists(st.sampled_from(_ZONES), max_size=1),
        is_workplace=st.booleans(),
        consent_on=_some(days()),
        opted_out_on=_some(days()),
        invalid_since_on=_some(days()),
    )


def contact_attempts(
    *, account_id: str = ACCOUNT_ID, attempt_id: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[ContactAttempt]:
    """Draw a try to reach the debtor, or the other way round."""
    return st.builds(
        ContactAttempt,
        attempt_id=_or_any(attempt_id),
        account_id=st.just(account_id),
        channel=st.sampled_from(Channel),
        at=instants(),
        outcome=st.sampled_from(ContactOutcome),
        contact_point_id=_some(_ids()),
        receivable_ids=st.lists(_ids(), max_size=1),
        is_inbound=st.booleans(),
    )


def notice_records(*, key: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[NoticeRecord]:
    """Draw a notice as it is when it was requested."""
    return st.builds(
        NoticeRecord,
        key=_or_any(key),
        notice=st.sampled_from(("friendly", "final-demand")),
        stage=st.just("reminder"),
        step=st.just("0"),
        channel=st.sampled_from(Channel),
        cycle=st.integers(0, 3),
        occurrence=st.integers(1, 3),
        requested_on=days(),
        contact_point_id=_some(_ids()),
        receivable_ids=st.lists(_ids(), max_size=2, unique=True),
    )


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    """Draw leave for a step."""
    granted_on = draw(days())
    return Approval(
        subject=draw(st.sampled_from(("legal", "settlement"))),
        authority="manager",
        granted_by=draw(identifiers()),
        granted_on=granted_on,
        until_on=draw(_some(_later(granted_on))),
        cycle=draw(st.integers(0, 3)),
    )


# -- events and what follows from them ---------------------------------------------------------------------------

_KEYS: Final = st.sampled_from(tuple(f"notice:{letter}" for letter in _FEW))

_CONTENTS: Final[dict[type[Event], Callable[[], dict[str, st.SearchStrategy[Any]]]]] = {
    DebtorChanged: lambda: {"debtor": debtors()},
    ReceivableIssued: lambda: {"receivable": receivables(receivable_id=_ids())},
    PaymentReceived: lambda: {"payment": payments(payment_id=_ids())},
    PaymentReturned: lambda: {"payment_id": _ids()},
    CreditNoteIssued: lambda: {"credit_note": credit_notes(credit_note_id=_ids())},
    CreditNoteCancelled: lambda: {"credit_note_id": _ids()},
    ChargePosted: lambda: {
        "key": identifiers(),
        "rule": st.just("late-fee"),
        "receivable": receivables(receivable_id=_ids(), component=Component.FEE),
        "explanation": texts(),
    },
    ChargeWaived: lambda: {"waiver": waivers(waiver_id=_ids())},
    DisputeRaised: lambda: {"dispute": disputes(dispute_id=_ids())},
    DisputeResolved: lambda: {"dispute_id": _ids()},
    HoldPlaced: lambda: {"hold": holds(hold_id=_ids())},
    HoldReleased: lambda: {"hold_id": _ids()},
    FlagRaised: lambda: {"flag": flags()},
    FlagCleared: lambda: {"kind": st.sampled_from(FlagKind)},
    PromiseMade: lambda: {"promise": promises(promise_id=_ids())},
    PromiseWithdrawn: lambda: {"promise_id": _ids(), "reason": texts()},
    PlanAgreed: lambda: {"plan": plan_agreements(plan_id=_ids())},
    PlanCancelled: lambda: {"plan_id": _ids()},
    NoticeRequested: lambda: {"notice": notice_records(key=_KEYS)},
    NoticeSent: lambda: {"key": _KEYS, "sent_at": instants()},
    NoticeDelivered: lambda: {"key": _KEYS},
    NoticeBounced: lambda: {"key": _KEYS, "is_permanent": st.booleans()},
    NoticeSuppressed: lambda: {"key": _KEYS, "reason": st.just("contact.opted_out")},
    ContactAttempted: lambda: {"attempt": contact_attempts(attempt_id=_ids())},
    ContactPointAdded: lambda: {"contact_point": contact_points(contact_point_id=_ids())},
    ContactPointInvalidated: lambda: {"contact_point_id": _ids()},
    OptedOut: lambda: {"contact_point_id": _ids()},
    ApprovalGranted: lambda: {"approval": approvals()},
    CommandIssued: lambda: {"key": identifiers(), "command": st.just("raise-task"), "stage": st.just("legal")},
    Cured: lambda: {"cycle": st.integers(0, 3)},
    Decided: lambda: {
        "stage": st.just("reminder"),
        "segment": st.just("standard"),
        "strategy_hash": st.just("f" * 64),
        "decision_hash": st.just("e" * 64),
        "reasons": st.lists(texts(20), max_size=2),
    },
    StrategyMoved: lambda: {
        "strategy_name": identifiers(),
        "strategy_version": st.just("1"),
        "strategy_hash": st.sampled_from(("a" * 64, "b" * 64)),
    },
    NoteAdded: lambda: {"author": identifiers(), "text": texts()},
}


def events(
    *, account_id: str = ACCOUNT_ID, event_id: st.SearchStrategy[str] | None = None, kinds: tuple[type[Event], ...] = ()
) -> st.SearchStrategy[Event]:
    """Draw an event of an account that is open, of any kind or of the given ones."""
    head = {
        "event_id": _or_any(event_id),
        "account_id": st.just(account_id),
        "recorded_at": instants(),
        "effective_on": days(),
    }
    chosen = kinds or tuple(_CONTENTS)
    return st.one_of([st.builds(kind, **head, **_CONTENTS[kind]()) for kind in chosen])


@st.composite
def histories(draw: st.DrawFn, *, max_size: int = 12, kinds: tuple[type[Event], ...] = ()) -> tuple[Event, ...]:
    """Draw the events of one account, its opening first; every fact has an id of its own."""
    opened = AccountOpened(
        event_id="event:0",
        account_id=ACCOUNT_ID,
        recorded_at=draw(instants()),
        effective_on=draw(days()),
        account=draw(accounts()),
        debtor=draw(debtors()),
    )
    seen: set[tuple[str, str]] = set()
    kept: list[Event] = [opened]
    for number, event in enumerate(draw(st.lists(events(kinds=kinds), max_size=max_size)), start=1):
        fact = _fact(event)
        if fact is None or fact not in seen:
            kept.append(attrs.evolve(event, event_id=f"event:{number}"))
        if fact is not None:
            seen.add(fact)
    return tuple(kept)


def _fact(event: Event) -> tuple[str, str] | None:
    """Name the fact that an event brings in, for those that may come only once."""
    match event:
        case ReceivableIssued(receivable=one) | ChargePosted(receivable=one):
            return "receivable", one.receivable_id
        case PaymentReceived(payment=one):
            return "payment", one.payment_id
        case CreditNoteIssued(credit_note=one):
            return "credit note", one.credit_note_id
        case ChargeWaived(waiver=one):
            return "waiver", one.waiver_id
        case DisputeRaised(dispute=one):
            return "dispute", one.dispute_id
        case HoldPlaced(hold=one):
            return "hold", one.hold_id
        case PromiseMade(promise=one):
            return "promise", one.promise_id
        case PlanAgreed(plan=one):
            return "plan", one.plan_id
        case NoticeRequested(notice=one):
            return "notice", one.key
        case ContactAttempted(attempt=one):
            return "attempt", one.attempt_id
        case _:
            return None


@st.composite
def snapshots(draw: st.DrawFn, *, max_size: int = 12) -> AccountSnapshot:
    """Draw the facts of an account as of a day."""
    return snapshot(draw(histories(max_size=max_size)), as_of=draw(days()))


def commands(*, account_id: str = ACCOUNT_ID) -> st.SearchStrategy[Command]:
    """Draw a command of any kind."""
    head = {
        "key": identifiers(),
        "account_id": st.just(account_id),
        "stage": st.sampled_from(("", "reminder")),
        "step": st.sampled_from(("", "0")),
        "late_days": st.integers(0, 30),
    }
    return st.one_of(
        _send_notices(head),
        st.builds(RaiseTask, **head, task=identifiers(), due_on=days()),
        st.builds(RequestApproval, **head, subject=identifiers(), authority=identifiers()),
        st.builds(RestrictService, **head),
        st.builds(
            GrantEntitlement,
            **head,
            kind=st.sampled_from(("purchase_credit", "early_access", "other")),
            what=identifiers(),
            valid_until_on=days(),
            receivable_id=st.sampled_from(("", "R-1")),
            amount=st.none() | st.builds(Money, st.integers(0, 10**6), st.just("EUR")),
        ),
        st.builds(RestoreService, **head),
        st.builds(PlaceWithAgency, **head, agency=st.sampled_from(("", "G-1"))),
    )


@st.composite
def _send_notices(draw: st.DrawFn, head: dict[str, st.SearchStrategy[Any]]) -> SendNotice:
    earliest_at = draw(instants())
    return SendNotice(
        **{name: draw(value) for name, value in head.items()},
        notice="friendly",
        channel=draw(st.sampled_from(Channel)),
        contact_point_id=draw(identifiers()),
        cycle=draw(st.integers(0, 3)),
        occurrence=draw(st.integers(1, 3)),
        decided_on=draw(days()),
        earliest_at=earliest_at,
        latest_at=earliest_at + timedelta(minutes=draw(st.integers(0, 5000))),
        receivable_ids=draw(st.lists(identifiers(), max_size=2)),
        is_always_allowed=draw(st.booleans()),
    )
