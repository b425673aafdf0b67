"""The facts about one account, and the snapshot that rules read.

Every record is frozen, keyword-only and true from birth. None of them says where an account stands: whether a promise
was kept, a plan broken or a receivable past due follows from these facts on every look. Days are plain dates,
instants are aware datetimes, ranges are half-open `[start, end)`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import attrs

from collectkit.core.checks import (
    Choice,
    as_frozenset,
    as_tuple,
    aware_datetime,
    each,
    identifier,
    instance_of,
    non_negative_int,
    optional,
    plain_date,
    positive_int,
    text_up_to,
    texts,
    true_or_false,
    zone_name,
)
from collectkit.core.errors import CurrencyMismatch, InvalidRecord
from collectkit.core.money import Money

__all__ = [
    "Account",
    "AccountSnapshot",
    "Approval",
    "Channel",
    "Component",
    "ContactAttempt",
    "ContactOutcome",
    "ContactPoint",
    "CreditNote",
    "Debtor",
    "DebtorKind",
    "Dispute",
    "Flag",
    "FlagKind",
    "Hold",
    "HoldReason",
    "NoticeRecord",
    "Payment",
    "PlanAgreement",
    "PlannedInstalment",
    "PromiseToPay",
    "Receivable",
    "Waiver",
]


# -- closed sets of codes --------------------------------------------------------------------------------------


class DebtorKind(Choice):
    """Whom the law protects: a natural person, or a firm."""

    CONSUMER = "consumer"
    BUSINESS = "business"


class Component(Choice):
    """What a receivable is made of; the last three are charges."""

    PRINCIPAL = "principal"
    INTEREST = "interest"
    FEE = "fee"
    COST = "cost"


class Channel(Choice):
    """A way to reach a debtor."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    LETTER = "letter"
    CERTIFIED_MAIL = "certified_mail"
    MESSENGER_APP = "messenger_app"
    CHAT = "chat"


class FlagKind(Choice):
    """A circumstance of the debtor that changes what may be done."""

    HARDSHIP = "hardship"
    VULNERABLE = "vulnerable"
    REPRESENTED = "represented"
    INSOLVENT = "insolvent"
    DECEASED = "deceased"
    CEASE_COMMUNICATION = "cease_communication"


class HoldReason(Choice):
    """Why a step is not taken."""

    DISPUTE = "dispute"
    HARDSHIP = "hardship"
    PROMISE = "promise"
    PLAN = "plan"
    INSOLVENCY = "insolvency"
    BREATHING_SPACE = "breathing_space"
    BREATHING_SPACE_CRISIS = "breathing_space_crisis"
    MEDIATION = "mediation"
    DECEASED = "deceased"
    CEASE_COMMUNICATION = "cease_communication"
    REPRESENTED = "represented"
    IN_TRANSIT = "in_transit"
    MANUAL = "manual"


class ContactOutcome(Choice):
    """What came of a try to reach the debtor."""

    RIGHT_PARTY = "right_party"
    WRONG_PARTY = "wrong_party"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    BUSY = "busy"
    DEAD = "dead"
    SENT = "sent"
    REPLIED = "replied"


# -- who -------------------------------------------------------------------------------------------------------


def masked(_value: object) -> str:
    """Stand in for a personal field in a repr."""
    return "'***'"


@attrs.frozen(kw_only=True)
class Flag:
    """A circumstance of the debtor with its dates: from `since_on`, until and without `until_on`.

    >>> Flag(kind="hardship", since_on=date(2026, 1, 5), until_on=date(2026, 4, 1)).is_active(date(2026, 4, 1))
    False
    """

    kind: FlagKind = attrs.field(converter=FlagKind)
    since_on: date = attrs.field(validator=plain_date)
    until_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    def __attrs_post_init__(self) -> None:
        _in_order(self, "since_on", "until_on")

    def is_active(self, on: date) -> bool:
        """Say whether the flag stands on that day."""
        return self.since_on <= on and (self.until_on is None or on < self.until_on)


@attrs.frozen(kw_only=True)
class Debtor:
    """A person or firm that owes.

    `zones` are all IANA zones where the debtor may be; contact hours must hold in every one of them. `locale` is a
    CLDR tag such as `de_DE`. `jurisdiction` is the place whose law may apply, such as `DE` or `US-MA`. An unknown
    zone or jurisdiction is empty, never guessed.
    """

    debtor_id: str = attrs.field(validator=identifier)
    kind: DebtorKind = attrs.field(converter=DebtorKind)
    name: str = attrs.field(default="", validator=text_up_to(500), repr=masked)
    locale: str = attrs.field(default="en", validator=text_up_to(35))
    zones: tuple[str, ...] = attrs.field(default=(), converter=texts)
    jurisdiction: str = attrs.field(default="", validator=text_up_to(35))
    preferred_channel: Channel | None = attrs.field(default=None, converter=attrs.converters.optional(Channel))
    flags: tuple[Flag, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Flag))

    @zones.validator
    def _check_zones(self, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
        for name in value:
            zone_name(self, attribute, name)

    def has_flag(self, kind: FlagKind, on: date) -> bool:
        """Say whether a flag of that kind stands on that day."""
        return any(flag.kind == kind and flag.is_active(on) for flag in self.flags)


@attrs.frozen(kw_only=True)
class Account:
    """All receivables of one debtor with one creditor: the unit that is segmented, escalated and contacted."""

    account_id: str = attrs.field(validator=identifier)
    debtor_id: str = attrs.field(validator=identifier)
    creditor_id: str = attrs.field(default="", validator=text_up_to(255))
    opened_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    labels: tuple[str, ...] = attrs.field(default=(), converter=texts)


# -- what is owed and what came in -----------------------------------------------------------------------------


def _positive(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    instance_of(Money)(instance, attribute, value)
    if isinstance(value, Money) and value.minor <= 0:
        where = f"{type(instance).__name__}.{attribute.name}"
        raise InvalidRecord(
            "records.not_positive", f"{where} must be above zero; money the other way is a Payment or a CreditNote"
        )


def _not_negative(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    instance_of(Money)(instance, attribute, value)
    if isinstance(value, Money) and value.minor < 0:
        raise InvalidRecord("records.negative", f"{type(instance).__name__}.{attribute.name} must not be below zero")


@attrs.frozen(kw_only=True)
class Receivable:
    """One claim with one due date, such as an invoice or a posted charge.

    A charge (component INTEREST, FEE or COST) names the receivable it stems from in `parent_id` and the semantic key
    it was posted under in `charge_key`; it stands outside arrears and days past due for staging. A due date before
    the issue date is refused unless `is_due_before_issue` says that the ledger really shows it.

    Raises:
        InvalidRecord: `records.due_before_issue`, `records.not_positive`, `records.charge_key`.
    """

    receivable_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    amount_original: Money = attrs.field(validator=_positive)
    issued_on: date = attrs.field(validator=plain_date)
    due_on: date = attrs.field(validator=plain_date)
    component: Component = attrs.field(default=Component.PRINCIPAL, converter=Component)
    kind: str = attrs.field(default="invoice", validator=text_up_to(64))
    parent_id: str | None = attrs.field(default=None, validator=optional(identifier))
    charge_key: str | None = attrs.field(default=None, validator=optional(text_up_to(255)))
    is_due_before_issue: bool = attrs.field(default=False, validator=true_or_false)

    def __attrs_post_init__(self) -> None:
        if self.due_on < self.issued_on and not self.is_due_before_issue:
            raise InvalidRecord(
                "records.due_before_issue",
                f"receivable {self.receivable_id} falls due on {self.due_on}, before it is issued on {self.issued_on}; "
                "correct one of the dates, or pass is_due_before_issue=True where the ledger means it",
            )
        if self.charge_key is not None and self.component is Component.PRINCIPAL:
            raise InvalidRecord(
                "records.charge_key", f"receivable {self.receivable_id} is principal and cannot carry a charge_key"
            )

    @property
    def is_charge(self) -> bool:
        """Say whether this is interest, a fee or a cost."""
        return self.component is not Component.PRINCIPAL


@attrs.frozen(kw_only=True)
class Payment:
    """Money received.

    `received_on` is the day it came in, `effective_on` the day from which it counts (the same unless post-dated or
    backdated). `receivable_ids` is the debtor's direction, empty for none. From `returned_on` on it counts no more.
    `clears_on` is the day on which money in transit is safe, where the host knows it.
    """

    payment_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    amount: Money = attrs.field(validator=_positive)
    received_on: date = attrs.field(validator=plain_date)
    effective_on: date = attrs.field(
        default=attrs.Factory(lambda self: self.received_on, takes_self=True), validator=plain_date
    )
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    returned_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    clears_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    def __attrs_post_init__(self) -> None:
        _in_order(self, "received_on", "returned_on")

    def counts_on(self, on: date) -> bool:
        """Say whether the money reduces what is owed on that day."""
        return self.effective_on <= on and (self.returned_on is None or on < self.returned_on)


@attrs.frozen(kw_only=True)
class CreditNote:
    """A non-cash reduction by the creditor, for the named receivables or, with none named, the oldest first."""

    credit_note_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    amount: Money = attrs.field(validator=_positive)
    issued_on: date = attrs.field(validator=plain_date)
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    cancelled_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    def __attrs_post_init__(self) -> None:
        _in_order(self, "issued_on", "cancelled_on")

    def counts_on(self, on: date) -> bool:
        """Say whether the credit reduces what is owed on that day."""
        return self.issued_on <= on and (self.cancelled_on is None or on < self.cancelled_on)


@attrs.frozen(kw_only=True)
class Waiver:
    """A charge, or part of one, that the creditor dropped, with the reason and who had the authority."""

    waiver_id: str = attrs.field(validator=identifier)
    receivable_id: str = attrs.field(validator=identifier)
    amount: Money = attrs.field(validator=_positive)
    waived_on: date = attrs.field(validator=plain_date)
    reason: str = attrs.field(validator=text_up_to(500), repr=masked)
    authority: str = attrs.field(validator=identifier)


# -- what stands in the way ------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Dispute:
    """A disagreement about receivables (all of the account where none is named), from `raised_on` until `resolved_on`.

    `amount` is the disputed part where only a part is disputed.
    """

    dispute_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    raised_on: date = attrs.field(validator=plain_date)
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    amount: Money | None = attrs.field(default=None, validator=optional(_positive))
    reason: str = attrs.field(default="", validator=text_up_to(500), repr=masked)
    resolved_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    def __attrs_post_init__(self) -> None:
        _in_order(self, "raised_on", "resolved_on")

    def is_open(self, on: date) -> bool:
        """Say whether the dispute stands on that day; the day of resolution no longer counts."""
        return self.raised_on <= on and (self.resolved_on is None or on < self.resolved_on)


@attrs.frozen(kw_only=True)
class Hold:
    """A pause of steps, from `placed_on` until and without `until_on`; it ends by itself.

    It covers the named receivables, or the whole account where none is named. `stops` names the steps or commands it
    stops; empty means all of them.
    """

    hold_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    reason: HoldReason = attrs.field(converter=HoldReason)
    placed_on: date = attrs.field(validator=plain_date)
    until_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    stops: tuple[str, ...] = attrs.field(default=(), converter=texts)

    def __attrs_post_init__(self) -> None:
        _in_order(self, "placed_on", "until_on")

    def is_active(self, on: date) -> bool:
        """Say whether the hold stands on that day."""
        return self.placed_on <= on and (self.until_on is None or on < self.until_on)


@attrs.frozen(kw_only=True)
class Approval:
    """Leave given by a person for a step that needs it, valid in one cycle until and without `until_on`."""

    subject: str = attrs.field(validator=identifier)
    authority: str = attrs.field(validator=identifier)
    granted_by: str = attrs.field(validator=identifier)
    granted_on: date = attrs.field(validator=plain_date)
    until_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    cycle: int = attrs.field(default=0, validator=non_negative_int)

    def __attrs_post_init__(self) -> None:
        _in_order(self, "granted_on", "until_on")

    def is_valid(self, on: date, *, cycle: int) -> bool:
        """Say whether the approval holds on that day of that cycle."""
        return self.cycle == cycle and self.granted_on <= on and (self.until_on is None or on < self.until_on)


# -- what was agreed -------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PromiseToPay:
    """A debtor's word to pay `amount` on or before `due_on`.

    It has no status: whether it was kept follows from the payments. `receivable_ids` names what it is for, empty for
    the account as a whole.
    """

    promise_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    amount: Money = attrs.field(validator=_positive)
    made_on: date = attrs.field(validator=plain_date)
    due_on: date = attrs.field(validator=plain_date)
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    channel: Channel | None = attrs.field(default=None, converter=attrs.converters.optional(Channel))
    taken_by: str = attrs.field(default="", validator=text_up_to(255))
    withdrawn_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    supersedes: str | None = attrs.field(default=None, validator=optional(identifier))

    def __attrs_post_init__(self) -> None:
        _in_order(self, "made_on", "due_on")
        _in_order(self, "made_on", "withdrawn_on")


@attrs.frozen(kw_only=True)
class PlannedInstalment:
    """One agreed part: what the debtor is to pay on or before `due_on`; numbers start at 1."""

    number: int = attrs.field(validator=positive_int)
    due_on: date = attrs.field(validator=plain_date)
    amount: Money = attrs.field(validator=_not_negative)


@attrs.frozen(kw_only=True)
class PlanAgreement:
    """A payment plan as a fact: which receivables it covers and what is due when.

    While the plan is kept, only its instalments age. An instalment missed by more than `tolerance_days`, with more
    than `tolerance_amount` open, breaks it. `cancelled_on` ends it, `supersedes` names the plan it replaces.

    Raises:
        InvalidRecord: `records.no_instalments`, `records.instalment_order`, `records.empty_plan`.
        CurrencyMismatch: instalments in more than one currency.
    """

    plan_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    covers: tuple[str, ...] = attrs.field(converter=texts)
    agreed_on: date = attrs.field(validator=plain_date)
    instalments: tuple[PlannedInstalment, ...] = attrs.field(converter=as_tuple, validator=each(PlannedInstalment))
    tolerance_days: int = attrs.field(default=0, validator=non_negative_int)
    tolerance_amount: Money | None = attrs.field(default=None, validator=optional(_not_negative))
    supersedes: str | None = attrs.field(default=None, validator=optional(identifier))
    cancelled_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    def __attrs_post_init__(self) -> None:
        _in_order(self, "agreed_on", "cancelled_on")
        if not self.instalments:
            raise InvalidRecord("records.no_instalments", f"plan {self.plan_id} has no instalment")
        if not self.covers:
            raise InvalidRecord("records.empty_plan", f"plan {self.plan_id} covers no receivable; name at least one")
        for earlier, later in zip(self.instalments, self.instalments[1:], strict=False):
            if later.number <= earlier.number or later.due_on < earlier.due_on:
                raise InvalidRecord(
                    "records.instalment_order",
                    f"plan {self.plan_id}: instalment {later.number} does not follow instalment {earlier.number}; "
                    "numbers and due dates must ascend",
                )
        currency = self.instalments[0].amount.currency
        others = [part.amount.currency for part in self.instalments if part.amount.currency != currency]
        if others:
            raise CurrencyMismatch(currency, others[0], "put into one plan")

    @property
    def currency(self) -> str:
        """Return the currency of the plan."""
        return self.instalments[0].amount.currency


# -- how the debtor is reached ---------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ContactPoint:
    """An address or number; `rank` 1 is tried first. Its zones count on top of the debtor's: hours must suit them all."""

    contact_point_id: str = attrs.field(validator=identifier)
    channel: Channel = attrs.field(converter=Channel)
    address: str = attrs.field(validator=text_up_to(1000), repr=masked)
    rank: int = attrs.field(default=1, validator=positive_int)
    zones: tuple[str, ...] = attrs.field(default=(), converter=texts)
    is_workplace: bool = attrs.field(default=False, validator=true_or_false)
    consent_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    opted_out_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    invalid_since_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    @zones.validator
    def _check_zones(self, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
        for name in value:
            zone_name(self, attribute, name)

    def is_usable(self, on: date) -> bool:
        """Say whether the point may be tried on that day: neither invalid nor opted out."""
        return not any(since is not None and since <= on for since in (self.opted_out_on, self.invalid_since_on))


@attrs.frozen(kw_only=True)
class ContactAttempt:
    """One try to reach the debtor, or one time the debtor reached us (`is_inbound`)."""

    attempt_id: str = attrs.field(validator=identifier)
    account_id: str = attrs.field(validator=identifier)
    channel: Channel = attrs.field(converter=Channel)
    at: datetime = attrs.field(validator=aware_datetime)
    outcome: ContactOutcome = attrs.field(converter=ContactOutcome)
    contact_point_id: str | None = attrs.field(default=None, validator=optional(identifier))
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    is_inbound: bool = attrs.field(default=False, validator=true_or_false)


@attrs.frozen(kw_only=True)
class NoticeRecord:
    """What became of one notice, under its semantic key.

    A notice counts as delivered on its delivery report's day or, where the channel gives none, on the day it was
    sent, unless it bounced or was suppressed.
    """

    key: str = attrs.field(validator=text_up_to(255))
    notice: str = attrs.field(validator=identifier)
    stage: str = attrs.field(validator=identifier)
    step: str = attrs.field(validator=identifier)
    channel: Channel = attrs.field(converter=Channel)
    cycle: int = attrs.field(validator=non_negative_int)
    occurrence: int = attrs.field(default=1, validator=positive_int)
    requested_on: date = attrs.field(validator=plain_date)
    contact_point_id: str | None = attrs.field(default=None, validator=optional(identifier))
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    sent_at: datetime | None = attrs.field(default=None, validator=optional(aware_datetime))
    sent_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    reported_delivered_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    bounced_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    suppressed_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    @property
    def delivered_on(self) -> date | None:
        """Return the day on which the notice counts as delivered, or None."""
        if self.bounced_on is not None or self.suppressed_on is not None:
            return None
        return self.reported_delivered_on or self.sent_on

    @property
    def is_pending(self) -> bool:
        """Say whether the notice still waits to be sent."""
        return self.sent_on is None and self.suppressed_on is None and self.bounced_on is None


# -- the snapshot ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AccountSnapshot:
    """The facts about one account as known and effective at the end of `as_of`; the only thing that rules read.

    `history.snapshot` builds it from events; a host that keeps no events builds it from its own tables. `cycle` is
    the number of cures recorded so far: it separates the keys of one relapse from those of the next.

    >>> snapshot = AccountSnapshot(
    ...     as_of=date(2026, 3, 13),
    ...     account=Account(account_id="A-1", debtor_id="D-1"),
    ...     debtor=Debtor(debtor_id="D-1", kind="business"),
    ... )
    >>> snapshot.receivables
    ()

    Raises:
        InvalidRecord: `records.foreign` where a record belongs to another account, `records.duplicate` where an id
            comes twice.
    """

    as_of: date = attrs.field(validator=plain_date)
    account: Account = attrs.field(validator=instance_of(Account))
    debtor: Debtor = attrs.field(validator=instance_of(Debtor))
    receivables: tuple[Receivable, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Receivable))
    payments: tuple[Payment, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Payment))
    credit_notes: tuple[CreditNote, ...] = attrs.field(default=(), converter=as_tuple, validator=each(CreditNote))
    waivers: tuple[Waiver, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Waiver))
    disputes: tuple[Dispute, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Dispute))
    holds: tuple[Hold, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Hold))
    promises: tuple[PromiseToPay, ...] = attrs.field(default=(), converter=as_tuple, validator=each(PromiseToPay))
    plans: tuple[PlanAgreement, ...] = attrs.field(default=(), converter=as_tuple, validator=each(PlanAgreement))
    contact_points: tuple[ContactPoint, ...] = attrs.field(default=(), converter=as_tuple, validator=each(ContactPoint))
    attempts: tuple[ContactAttempt, ...] = attrs.field(default=(), converter=as_tuple, validator=each(ContactAttempt))
    notices: tuple[NoticeRecord, ...] = attrs.field(default=(), converter=as_tuple, validator=each(NoticeRecord))
    approvals: tuple[Approval, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Approval))
    issued_keys: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)
    """Semantic keys of commands that were already issued, notices and charges apart."""
    last_command_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    """The last day on which a command other than a notice was issued."""
    cycle: int = attrs.field(default=0, validator=non_negative_int)
    strategy_hash: str | None = attrs.field(default=None, validator=optional(text_up_to(64)))
    """The strategy the account is pinned to, if any."""

    @property
    def turns(self) -> tuple[date, ...]:
        """Return the later days on which a fact given here begins or ends by itself, in order.

        Flags, holds and leave that end; money, credits and disputes that a host gives ahead of their day.
        """
        days = [day for flag in self.debtor.flags for day in (flag.since_on, flag.until_on)]
        days += [day for hold in self.holds for day in (hold.placed_on, hold.until_on)]
        days += [day for one in self.payments for day in (one.effective_on, one.returned_on, one.clears_on)]
        days += [day for one in self.credit_notes for day in (one.issued_on, one.cancelled_on)]
        days += [day for one in self.disputes for day in (one.raised_on, one.resolved_on)]
        days += [day for one in self.approvals for day in (one.granted_on, one.until_on)]
        days += [waiver.waived_on for waiver in self.waivers]
        return tuple(sorted({day for day in days if day is not None and day > self.as_of}))

    def __attrs_post_init__(self) -> None:
        account_id = self.account.account_id
        owned = (
            self.receivables,
            self.payments,
            self.credit_notes,
            self.disputes,
            self.holds,
            self.promises,
            self.plans,
        )
        for records in owned:
            for record in records:
                if record.account_id != account_id:
                    raise InvalidRecord(
                        "records.foreign",
                        f"a {type(record).__name__} of account {record.account_id} cannot stand in the snapshot of "
                        f"account {account_id}",
                    )
        if self.account.debtor_id != self.debtor.debtor_id:
            raise InvalidRecord("records.foreign", f"account {account_id} belongs to another debtor than the one given")
        _no_duplicates(account_id, "receivable_id", [one.receivable_id for one in self.receivables])
        _no_duplicates(account_id, "payment_id", [one.payment_id for one in self.payments])
        _no_duplicates(account_id, "credit_note_id", [one.credit_note_id for one in self.credit_notes])
        _no_duplicates(account_id, "waiver_id", [one.waiver_id for one in self.waivers])
        _no_duplicates(account_id, "dispute_id", [one.dispute_id for one in self.disputes])
        _no_duplicates(account_id, "hold_id", [one.hold_id for one in self.holds])
        _no_duplicates(account_id, "promise_id", [one.promise_id for one in self.promises])
        _no_duplicates(account_id, "plan_id", [one.plan_id for one in self.plans])
        _no_duplicates(account_id, "contact_point_id", [one.contact_point_id for one in self.contact_points])
        _no_duplicates(account_id, "notice key", [one.key for one in self.notices])


# -- details ---------------------------------------------------------------------------------------------------


def _in_order(record: object, first: str, last: str) -> None:
    start, end = getattr(record, first), getattr(record, last)
    if end is not None and end < start:
        name = type(record).__name__
        raise InvalidRecord(
            "records.date_order", f"{name}.{last} {end} lies before {first} {start}; swap or correct them"
        )


def _no_duplicates(account_id: str, what: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            text = f"account {account_id}: {what} {one} stands twice; give each fact once"
            raise InvalidRecord("records.duplicate", text)
        seen.add(one)
