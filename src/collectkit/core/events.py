"""What happened, in the past tense, and what the host should do, in the imperative.

An event is a fact with its outcome: amounts, dates, keys. Folding events never re-runs an old policy. Two clocks
stand in each: `recorded_at`, the instant it was written down, and `effective_on`, the day from which it counts, which
may lie earlier. A command carries the semantic key under which its effect may happen once, and never again.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import ClassVar, Final, TypedDict

import attrs

from collectkit.core.checks import (
    MAX_ID_LENGTH,
    aware_datetime,
    identifier,
    instance_of,
    non_negative_int,
    optional,
    plain_date,
    positive_int,
    text_up_to,
    texts,
    true_or_false,
)
from collectkit.core.errors import InvalidRecord
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    Approval,
    Channel,
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
    PromiseToPay,
    Receivable,
    Waiver,
    masked,
)

__all__ = [
    "COMMAND_TYPES",
    "EVENT_TYPES",
    "AccountOpened",
    "ApprovalGranted",
    "ChargePosted",
    "ChargeWaived",
    "Command",
    "CommandIssued",
    "ContactAttempted",
    "ContactPointAdded",
    "ContactPointInvalidated",
    "CreditNoteCancelled",
    "CreditNoteIssued",
    "Cured",
    "DebtorChanged",
    "Decided",
    "DisputeRaised",
    "DisputeResolved",
    "Event",
    "EventHeader",
    "FlagCleared",
    "FlagRaised",
    "GrantEntitlement",
    "HoldPlaced",
    "HoldReleased",
    "NoteAdded",
    "NoticeBounced",
    "NoticeDelivered",
    "NoticeRequested",
    "NoticeSent",
    "NoticeSuppressed",
    "OptedOut",
    "PaymentReceived",
    "PaymentReturned",
    "PlaceWithAgency",
    "PlanAgreed",
    "PlanCancelled",
    "PromiseMade",
    "PromiseWithdrawn",
    "RaiseTask",
    "ReceivableIssued",
    "RequestApproval",
    "RestoreService",
    "RestrictService",
    "SendNotice",
    "StrategyMoved",
    "UnknownEvent",
    "semantic_key",
]


def semantic_key(kind: str, *parts: str | int) -> str:
    """Join a kind and its parts to one key that says what an effect means, at most 255 characters.

    Colons, tildes and percent signs inside a part are escaped, so that two different tuples never give one key; a longer key
    keeps its head and ends in a SHA-256.

    >>> semantic_key("fee", "A-1", "INV:7", "late-fee", 1)
    'fee:A-1:INV%3A7:late-fee:1'
    """
    escaped = [
        str(part).replace("%", "%25").replace(":", "%3A").replace("~", "%7E")  # "~" marks a hash, and nothing else
        for part in (kind, *parts)
    ]
    key = ":".join(escaped)
    if len(key) <= MAX_ID_LENGTH:
        return key
    return f"{key[:180]}:~{hashlib.sha256(key.encode()).hexdigest()}"


# -- facts -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Event:
    """The base of every fact: who, when recorded, from which day it counts."""

    event_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    recorded_at: datetime = attrs.field(validator=aware_datetime)
    effective_on: date = attrs.field(validator=plain_date)

    def __attrs_post_init__(self) -> None:
        about = getattr(self, _SUBJECTS.get(type(self).__name__, ""), None)
        if about is not None and about.account_id != self.account_id:
            raise InvalidRecord(
                "records.foreign",
                f"{type(self).__name__} of account {self.account_id} speaks of a record of account {about.account_id}",
            )


_SUBJECTS: Final = {  # events whose record names its account, and the field that holds the record
    "AccountOpened": "account",
    "ReceivableIssued": "receivable",
    "PaymentReceived": "payment",
    "CreditNoteIssued": "credit_note",
    "ChargePosted": "receivable",
    "DisputeRaised": "dispute",
    "HoldPlaced": "hold",
    "PromiseMade": "promise",
    "PlanAgreed": "plan",
}


class EventHeader(TypedDict):
    """The four fields that every event has, to be passed on with `**`."""

    event_id: str
    account_id: str
    recorded_at: datetime
    effective_on: date


@attrs.frozen(kw_only=True)
class AccountOpened(Event):
    """An account came under collection, with its debtor."""

    account: Account = attrs.field(validator=instance_of(Account))
    debtor: Debtor = attrs.field(validator=instance_of(Debtor))


@attrs.frozen(kw_only=True)
class DebtorChanged(Event):
    """The debtor's master data changed; `debtor` is how it reads now."""

    debtor: Debtor = attrs.field(validator=instance_of(Debtor))


@attrs.frozen(kw_only=True)
class ReceivableIssued(Event):
    """A receivable came into being."""

    receivable: Receivable = attrs.field(validator=instance_of(Receivable))


@attrs.frozen(kw_only=True)
class PaymentReceived(Event):
    """Money came in."""

    payment: Payment = attrs.field(validator=instance_of(Payment))


@attrs.frozen(kw_only=True)
class PaymentReturned(Event):
    """A payment was returned or charged back; from `effective_on` it counts no more."""

    payment_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class CreditNoteIssued(Event):
    """The creditor reduced what is owed."""

    credit_note: CreditNote = attrs.field(validator=instance_of(CreditNote))


@attrs.frozen(kw_only=True)
class CreditNoteCancelled(Event):
    """A credit note was taken back; from `effective_on` it counts no more."""

    credit_note_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class ChargePosted(Event):
    """A charge was posted under its semantic key, as a receivable of its own."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    rule: str = attrs.field(validator=identifier)
    receivable: Receivable = attrs.field(validator=instance_of(Receivable))
    explanation: str = attrs.field(default="", validator=text_up_to(2000))


@attrs.frozen(kw_only=True)
class ChargeWaived(Event):
    """A charge, or a part of it, was dropped."""

    waiver: Waiver = attrs.field(validator=instance_of(Waiver))


@attrs.frozen(kw_only=True)
class DisputeRaised(Event):
    """The debtor disagreed."""

    dispute: Dispute = attrs.field(validator=instance_of(Dispute))


@attrs.frozen(kw_only=True)
class DisputeResolved(Event):
    """A dispute ended on `effective_on`."""

    dispute_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class HoldPlaced(Event):
    """Steps were paused."""

    hold: Hold = attrs.field(validator=instance_of(Hold))


@attrs.frozen(kw_only=True)
class HoldReleased(Event):
    """A hold ended on `effective_on`, earlier than it would have by itself."""

    hold_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class FlagRaised(Event):
    """A circumstance of the debtor became known."""

    flag: Flag = attrs.field(validator=instance_of(Flag))


@attrs.frozen(kw_only=True)
class FlagCleared(Event):
    """Every flag of a kind ended on `effective_on`."""

    kind: FlagKind = attrs.field(converter=FlagKind)


@attrs.frozen(kw_only=True)
class PromiseMade(Event):
    """The debtor promised to pay."""

    promise: PromiseToPay = attrs.field(validator=instance_of(PromiseToPay))


@attrs.frozen(kw_only=True)
class PromiseWithdrawn(Event):
    """A promise was taken back on `effective_on`."""

    promise_id: str = attrs.field(validator=identifier)
    reason: str = attrs.field(default="", validator=text_up_to(500), repr=masked)


@attrs.frozen(kw_only=True)
class PlanAgreed(Event):
    """A payment plan was agreed."""

    plan: PlanAgreement = attrs.field(validator=instance_of(PlanAgreement))


@attrs.frozen(kw_only=True)
class PlanCancelled(Event):
    """A plan ended by agreement on `effective_on`."""

    plan_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class NoticeRequested(Event):
    """A notice was decided and put into the outbox under its key."""

    notice: NoticeRecord = attrs.field(validator=instance_of(NoticeRecord))


@attrs.frozen(kw_only=True)
class NoticeSent(Event):
    """A provider accepted the notice at `sent_at`."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    sent_at: datetime = attrs.field(validator=aware_datetime)


@attrs.frozen(kw_only=True)
class NoticeDelivered(Event):
    """A delivery report for a notice came in; it arrived on `effective_on`."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))


@attrs.frozen(kw_only=True)
class NoticeBounced(Event):
    """A notice did not arrive; a permanent failure also ends the use of its contact point."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    is_permanent: bool = attrs.field(default=True, validator=true_or_false)


@attrs.frozen(kw_only=True)
class NoticeSuppressed(Event):
    """The last look stopped a notice; `reason` is the code that says why."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    reason: str = attrs.field(validator=text_up_to(255))


@attrs.frozen(kw_only=True)
class ContactAttempted(Event):
    """Someone tried to reach the debtor, or the debtor got in touch."""

    attempt: ContactAttempt = attrs.field(validator=instance_of(ContactAttempt))


@attrs.frozen(kw_only=True)
class ContactPointAdded(Event):
    """An address or number became known, or changed; `contact_point` is how it reads now."""

    contact_point: ContactPoint = attrs.field(validator=instance_of(ContactPoint))


@attrs.frozen(kw_only=True)
class ContactPointInvalidated(Event):
    """An address or number proved dead, wrong or reassigned."""

    contact_point_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class OptedOut(Event):
    """The debtor wants no more messages at an address or number."""

    contact_point_id: str = attrs.field(validator=identifier)


@attrs.frozen(kw_only=True)
class ApprovalGranted(Event):
    """A person with authority gave leave for a step."""

    approval: Approval = attrs.field(validator=instance_of(Approval))


@attrs.frozen(kw_only=True)
class CommandIssued(Event):
    """A command other than a notice went to the host under its key; `what` is the task, or what is to be approved."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    command: str = attrs.field(validator=identifier)
    stage: str = attrs.field(validator=text_up_to(255))
    what: str = attrs.field(default="", validator=text_up_to(255))


@attrs.frozen(kw_only=True)
class Cured(Event):
    """The past-due part was paid in full; the cycle with number `cycle` is over and the next begins."""

    cycle: int = attrs.field(validator=non_negative_int)


@attrs.frozen(kw_only=True)
class Decided(Event):
    """For the audit alone: what was decided; no rule reads it back."""

    stage: str = attrs.field(validator=text_up_to(255))
    segment: str = attrs.field(validator=text_up_to(255))
    strategy_hash: str = attrs.field(validator=text_up_to(64))
    decision_hash: str = attrs.field(validator=text_up_to(64))
    reasons: tuple[str, ...] = attrs.field(default=(), converter=texts)


@attrs.frozen(kw_only=True)
class StrategyMoved(Event):
    """The account was pinned to a strategy by its name, version and hash."""

    strategy_name: str = attrs.field(validator=identifier)
    strategy_version: str = attrs.field(validator=text_up_to(64))
    strategy_hash: str = attrs.field(validator=text_up_to(64))


@attrs.frozen(kw_only=True)
class NoteAdded(Event):
    """A person wrote something down."""

    author: str = attrs.field(validator=identifier)
    text: str = attrs.field(validator=text_up_to(10_000), repr=False)


@attrs.frozen(kw_only=True)
class UnknownEvent(Event):
    """A fact of a kind that a newer release wrote; `payload` is kept to the byte."""

    type_name: str = attrs.field(validator=identifier)
    payload: bytes = attrs.field(repr=False, validator=instance_of(bytes))
    must_understand: bool = attrs.field(default=False, validator=true_or_false)


# -- commands --------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Command:
    """The base of every command: the effect that `key` names may happen once."""

    name: ClassVar[str] = ""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    account_id: str = attrs.field(validator=identifier)
    stage: str = attrs.field(default="", validator=text_up_to(255))
    step: str = attrs.field(default="", validator=text_up_to(255))
    late_days: int = attrs.field(default=0, validator=non_negative_int)
    """How many days after its planned day the step is taken; 0 means on time."""


@attrs.frozen(kw_only=True)
class SendNotice(Command):
    """Send one notice through one channel, between two instants in the debtor's zone."""

    name: ClassVar[str] = "send-notice"

    notice: str = attrs.field(validator=identifier)
    channel: Channel = attrs.field(converter=Channel)
    contact_point_id: str = attrs.field(validator=identifier)
    cycle: int = attrs.field(validator=non_negative_int)
    occurrence: int = attrs.field(default=1, validator=positive_int)
    decided_on: date = attrs.field(validator=plain_date)
    earliest_at: datetime = attrs.field(validator=aware_datetime)
    latest_at: datetime = attrs.field(validator=aware_datetime)

    def __attrs_post_init__(self) -> None:
        if self.latest_at < self.earliest_at:
            raise InvalidRecord(
                "records.date_order", f"notice {self.key}: latest_at lies before earliest_at; swap or correct them"
            )

    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    is_always_allowed: bool = attrs.field(default=False, validator=true_or_false)
    """Thanks and legally required notices pass every hold that no rule pack placed."""


@attrs.frozen(kw_only=True)
class RaiseTask(Command):
    """Give a person something to do."""

    name: ClassVar[str] = "raise-task"

    task: str = attrs.field(validator=identifier)
    due_on: date = attrs.field(validator=plain_date)


@attrs.frozen(kw_only=True)
class RequestApproval(Command):
    """Ask a person with authority for leave to take a step."""

    name: ClassVar[str] = "request-approval"

    subject: str = attrs.field(validator=identifier)
    authority: str = attrs.field(validator=identifier)
    cycle: int = attrs.field(default=0, validator=non_negative_int)
    """The cycle for which leave is asked; the `Approval` that answers names it."""


@attrs.frozen(kw_only=True)
class RestrictService(Command):
    """Restrict the service that is not being paid for."""

    name: ClassVar[str] = "restrict-service"


@attrs.frozen(kw_only=True)
class RestoreService(Command):
    """Restore a restricted service."""

    name: ClassVar[str] = "restore-service"


@attrs.frozen(kw_only=True)
class PlaceWithAgency(Command):
    """Hand the account to a third-party collector."""

    name: ClassVar[str] = "place-with-agency"

    agency: str = attrs.field(default="", validator=text_up_to(255))


@attrs.frozen(kw_only=True)
class GrantEntitlement(Command):
    """Give the debtor something other than money that the host honours: a credit on a next purchase, early access."""

    name: ClassVar[str] = "grant-entitlement"

    kind: str = attrs.field(validator=identifier)
    what: str = attrs.field(validator=text_up_to(255))
    valid_until_on: date = attrs.field(validator=plain_date)
    receivable_id: str = attrs.field(default="", validator=text_up_to(255))
    """The receivable whose payment earned it."""
    amount: Money | None = attrs.field(default=None, validator=optional(instance_of(Money)))
    """The credit, or what it is worth; None where nobody said."""


_NOT_FACTS: Final = {"UnknownEvent"}

EVENT_TYPES: Final[dict[str, type[Event]]] = {
    kind.__name__: kind for kind in Event.__subclasses__() if kind.__name__ not in _NOT_FACTS
}
"""Every kind of event by its name; an unlisted name decodes to `UnknownEvent`."""

COMMAND_TYPES: Final[dict[str, type[Command]]] = {kind.name: kind for kind in Command.__subclasses__()}
"""Every kind of command by its name."""
