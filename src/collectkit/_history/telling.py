"""One line of text for each kind of event, in ids, figures and days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from collectkit.core.events import (
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

__all__ = ["text_of", "what_of"]


def what_of(event: Event) -> str:
    return event.type_name if isinstance(event, UnknownEvent) else type(event).__name__


def text_of(event: Event) -> str:
    """Say what an event holds in ids, figures and days; names, addresses and free text stay out."""
    tell = _TELLERS.get(type(event))
    return tell(event) if tell is not None else ""


_TELLERS: Final[dict[type[Event], Callable[[Any], str]]] = {
    ReceivableIssued: lambda e: (
        f"{e.receivable.receivable_id}: {e.receivable.amount_original}, due {e.receivable.due_on}"
    ),
    ChargePosted: lambda e: f"{e.rule}: {e.receivable.amount_original}, due {e.receivable.due_on}",
    ChargeWaived: lambda e: f"{e.waiver.amount} of {e.waiver.receivable_id} by {e.waiver.authority}",
    PaymentReceived: lambda e: f"{e.payment.payment_id}: {e.payment.amount}",
    PaymentReturned: lambda e: e.payment_id,
    CreditNoteIssued: lambda e: f"{e.credit_note.credit_note_id}: {e.credit_note.amount}",
    CreditNoteCancelled: lambda e: e.credit_note_id,
    DisputeRaised: lambda e: f"{e.dispute.dispute_id}: {', '.join(e.dispute.receivable_ids) or 'the whole account'}",
    DisputeResolved: lambda e: e.dispute_id,
    HoldPlaced: lambda e: (
        f"{e.hold.hold_id}: {e.hold.reason}" + (f" until {e.hold.until_on}" if e.hold.until_on else "")
    ),
    HoldReleased: lambda e: e.hold_id,
    FlagRaised: lambda e: str(e.flag.kind),
    FlagCleared: lambda e: str(e.kind),
    PromiseMade: lambda e: f"{e.promise.promise_id}: {e.promise.amount} by {e.promise.due_on}",
    PromiseWithdrawn: lambda e: e.promise_id,
    PlanAgreed: lambda e: f"{e.plan.plan_id}: {len(e.plan.instalments)} instalments to {e.plan.instalments[-1].due_on}",
    PlanCancelled: lambda e: e.plan_id,
    NoticeRequested: lambda e: f"{e.notice.notice} by {e.notice.channel}, stage {e.notice.stage}",
    NoticeSent: lambda e: e.key,
    NoticeDelivered: lambda e: e.key,
    NoticeBounced: lambda e: f"{e.key}: {'permanent' if e.is_permanent else 'temporary'} failure",
    NoticeSuppressed: lambda e: f"{e.key}: {e.reason}",
    ContactAttempted: lambda e: f"{e.attempt.channel}: {e.attempt.outcome}",
    ContactPointAdded: lambda e: f"{e.contact_point.contact_point_id}: {e.contact_point.channel}",
    ContactPointInvalidated: lambda e: e.contact_point_id,
    OptedOut: lambda e: e.contact_point_id,
    ApprovalGranted: lambda e: f"{e.approval.subject} by {e.approval.authority}",
    CommandIssued: lambda e: f"{e.command}, stage {e.stage}",
    Cured: lambda e: f"cycle {e.cycle} is over",
    Decided: lambda e: f"stage {e.stage}, segment {e.segment}",
    StrategyMoved: lambda e: f"{e.strategy_name} {e.strategy_version}",
}
