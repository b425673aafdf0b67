"""What each kind of event adds to the facts of an account."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import attrs

from collectkit._history.facts import Facts
from collectkit.core.codec import known_part
from collectkit.core.errors import HistoryError
from collectkit.core.events import (
    AccountOpened,
    ApprovalGranted,
    ChargePosted,
    ChargeWaived,
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
    HoldPlaced,
    HoldReleased,
    NoticeBounced,
    NoticeDelivered,
    NoticeRequested,
    NoticeSent,
    NoticeSuppressed,
    OptedOut,
    PaymentReceived,
    PaymentReturned,
    PlanAgreed,
    PlanCancelled,
    PromiseMade,
    PromiseWithdrawn,
    ReceivableIssued,
    StrategyMoved,
    UnknownEvent,
)
from collectkit.core.records import (
    Debtor,
)

__all__ = ["add"]


def add(facts: Facts, event: Event) -> bool:
    """Take one event in; False where it was there before."""
    if facts.account is None:
        if not isinstance(event, AccountOpened):
            raise HistoryError(
                "history.unknown_account",
                f"event {event.event_id}: account {event.account_id} was not opened; record AccountOpened first",
                account_id=event.account_id,
            )
    elif event.account_id != facts.account.account_id:
        raise HistoryError(
            "history.foreign_event",
            f"event {event.event_id} of account {event.account_id} cannot join account {facts.account.account_id}",
            account_id=event.account_id,
        )
    if event.event_id in facts.event_ids:
        return False
    _take(facts, event)
    facts.accept(event)
    return True


def _take(facts: Facts, event: Event) -> None:
    if isinstance(event, UnknownEvent):
        known = known_part(event)
        if known is not None:
            _take(facts, known)
            return
        facts.unknown.append(event)
        facts.days.add(event.effective_on)
        return
    take = _TAKERS.get(type(event))
    if take is not None:
        take(facts, event)


# -- each kind -----------------------------------------------------------------------------------------------------


def _open(facts: Facts, event: AccountOpened) -> None:
    if facts.account is None:
        facts.account, facts.opening = event.account, event.debtor
        _debtor_days(facts, event.debtor)
    elif (event.account, event.debtor) != (facts.account, facts.opening):
        raise HistoryError(
            "history.conflicting_fact",
            f"event {event.event_id} opens account {event.account_id} again with other content; "
            "record DebtorChanged for new master data",
            account_id=event.account_id,
        )


def _debtor_days(facts: Facts, debtor: Debtor) -> None:
    facts.days.update(flag.since_on for flag in debtor.flags)


def _change_debtor(facts: Facts, event: DebtorChanged) -> None:
    if facts.opening is not None and event.debtor.debtor_id != facts.opening.debtor_id:
        raise HistoryError(
            "history.foreign_event",
            f"event {event.event_id} of account {event.account_id} changes another debtor; a debtor keeps its id",
            account_id=event.account_id,
        )
    facts.debtor_facts.append(event)
    facts.days.add(event.effective_on)
    _debtor_days(facts, event.debtor)


def _flag(facts: Facts, event: FlagRaised | FlagCleared) -> None:
    facts.debtor_facts.append(event)
    facts.days.add(event.flag.since_on if isinstance(event, FlagRaised) else event.effective_on)


def _receivable(facts: Facts, event: ReceivableIssued) -> None:
    record = event.receivable
    facts.keep(facts.receivables, record.receivable_id, record, event, record.issued_on)


def _charge(facts: Facts, event: ChargePosted) -> None:
    record = event.receivable
    if record.charge_key is None and record.is_charge:
        record = attrs.evolve(record, charge_key=event.key)
    facts.keep(facts.receivables, record.receivable_id, record, event, record.issued_on)


def _payment(facts: Facts, event: PaymentReceived) -> None:
    record = event.payment
    facts.keep(facts.payments, record.payment_id, record, event, record.effective_on)
    facts.days.add(record.received_on)
    _own_end(facts, record.returned_on)


def _credit_note(facts: Facts, event: CreditNoteIssued) -> None:
    record = event.credit_note
    facts.keep(facts.credit_notes, record.credit_note_id, record, event, record.issued_on)
    _own_end(facts, record.cancelled_on)


def _waiver(facts: Facts, event: ChargeWaived) -> None:
    facts.keep(facts.waivers, event.waiver.waiver_id, event.waiver, event, event.waiver.waived_on)


def _dispute(facts: Facts, event: DisputeRaised) -> None:
    record = event.dispute
    facts.keep(facts.disputes, record.dispute_id, record, event, record.raised_on)
    _own_end(facts, record.resolved_on)


def _hold(facts: Facts, event: HoldPlaced) -> None:
    facts.keep(facts.holds, event.hold.hold_id, event.hold, event, event.hold.placed_on)


def _promise(facts: Facts, event: PromiseMade) -> None:
    record = event.promise
    facts.keep(facts.promises, record.promise_id, record, event, record.made_on)
    _own_end(facts, record.withdrawn_on)


def _plan(facts: Facts, event: PlanAgreed) -> None:
    record = event.plan
    facts.keep(facts.plans, record.plan_id, record, event, record.agreed_on)
    _own_end(facts, record.cancelled_on)


def _own_end(facts: Facts, on: date | None) -> None:
    if on is not None:
        facts.days.add(on)


def _notice_requested(facts: Facts, event: NoticeRequested) -> None:
    record = event.notice
    facts.keep(facts.notices, record.key, record, event, record.requested_on)
    for on in (record.sent_on, record.reported_delivered_on, record.bounced_on, record.suppressed_on):
        _own_end(facts, on)
    if record.sent_on is not None and record.sent_at is not None:
        _first_sent(facts, record.key, record.sent_on, record.sent_at)


def _notice_sent(facts: Facts, event: NoticeSent) -> None:
    facts.end("sent_on", event.key, event.effective_on)
    _first_sent(facts, event.key, event.effective_on, event.sent_at)


def _first_sent(facts: Facts, key: str, on: date, at: datetime) -> None:
    facts.sent_at[key] = min((on, at), facts.sent_at.get(key, (on, at)))


def _notice_bounced(facts: Facts, event: NoticeBounced) -> None:
    facts.end("bounced_on", event.key, event.effective_on)
    if event.is_permanent:
        facts.contact_facts.append(event)


def _attempt(facts: Facts, event: ContactAttempted) -> None:
    record, on = event.attempt, event.effective_on
    facts.keep(facts.attempts, record.attempt_id, record, event, on)
    facts.attempted_on[record.attempt_id] = min(on, facts.attempted_on.get(record.attempt_id, on))


def _contact(facts: Facts, event: ContactPointAdded | ContactPointInvalidated | OptedOut) -> None:
    facts.contact_facts.append(event)
    facts.days.add(event.effective_on)
    if isinstance(event, ContactPointAdded):
        point = event.contact_point
        for on in (point.consent_on, point.opted_out_on, point.invalid_since_on):
            _own_end(facts, on)


def _approval(facts: Facts, event: ApprovalGranted) -> None:
    facts.approvals.append(event.approval)
    facts.days.add(event.approval.granted_on)


def _command(facts: Facts, event: CommandIssued) -> None:
    facts.issued[event.key] = min(event.effective_on, facts.issued.get(event.key, event.effective_on))
    facts.days.add(event.effective_on)


def _cure(facts: Facts, event: Cured) -> None:
    facts.cures.append(event.effective_on)
    facts.days.add(event.effective_on)


def _decide(facts: Facts, event: Decided) -> None:
    facts.decided = event


def _move(facts: Facts, event: StrategyMoved) -> None:
    # max() takes the first of equals, so the newest stands first
    facts.moves.insert(0, event)
    facts.days.add(event.effective_on)


_TAKERS: Final[dict[type[Event], Any]] = {
    AccountOpened: _open,
    DebtorChanged: _change_debtor,
    FlagRaised: _flag,
    FlagCleared: _flag,
    ReceivableIssued: _receivable,
    ChargePosted: _charge,
    PaymentReceived: _payment,
    PaymentReturned: lambda facts, event: facts.end("payment", event.payment_id, event.effective_on),
    CreditNoteIssued: _credit_note,
    CreditNoteCancelled: lambda facts, event: facts.end("credit_note", event.credit_note_id, event.effective_on),
    ChargeWaived: _waiver,
    DisputeRaised: _dispute,
    DisputeResolved: lambda facts, event: facts.end("dispute", event.dispute_id, event.effective_on),
    HoldPlaced: _hold,
    HoldReleased: lambda facts, event: facts.end("hold", event.hold_id, event.effective_on),
    PromiseMade: _promise,
    PromiseWithdrawn: lambda facts, event: facts.end("promise", event.promise_id, event.effective_on),
    PlanAgreed: _plan,
    PlanCancelled: lambda facts, event: facts.end("plan", event.plan_id, event.effective_on),
    NoticeRequested: _notice_requested,
    NoticeSent: _notice_sent,
    NoticeDelivered: lambda facts, event: facts.end("reported_delivered_on", event.key, event.effective_on),
    NoticeBounced: _notice_bounced,
    NoticeSuppressed: lambda facts, event: facts.end("suppressed_on", event.key, event.effective_on),
    ContactAttempted: _attempt,
    ContactPointAdded: _contact,
    ContactPointInvalidated: _contact,
    OptedOut: _contact,
    ApprovalGranted: _approval,
    CommandIssued: _command,
    Cured: _cure,
    Decided: _decide,
    StrategyMoved: _move,
}  # NoteAdded stands in the timeline alone
