"""Answers: reasons, refusals, leave to contact, and the decision about an account with its atomic batch.

Nothing here decides; the rooms above do. A business "no" is a `Declined` with every reason, never an exception.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Final, TypeAlias

import attrs

from collectkit.core.checks import (
    MAX_ID_LENGTH,
    Choice,
    as_tuple,
    aware_datetime,
    each,
    identifier,
    instance_of,
    non_negative_int,
    optional,
    plain_date,
    text_up_to,
    texts,
    true_or_false,
)
from collectkit.core.events import Command, Event
from collectkit.core.money import Money
from collectkit.core.records import Component, HoldReason, Waiver

__all__ = [
    "REVERSAL",
    "Accepted",
    "AppliedHold",
    "Batch",
    "Charge",
    "CommitResult",
    "Committed",
    "Conflict",
    "Credit",
    "Decision",
    "Declined",
    "Defer",
    "Duplicate",
    "Keep",
    "LastLook",
    "OutboxRow",
    "Permission",
    "PermissionOutcome",
    "Reason",
    "Rejected",
    "Reversal",
    "SendResult",
    "Suppress",
    "Unknown",
]


@attrs.frozen(kw_only=True)
class Reason:
    """Why something was decided: a stable code, a sentence with its figures, and who says so.

    >>> str(Reason(code="policy.fee_cap", text="late fee 45.00 GBP is over the cap of 40.00 GBP", cite="contract 4.2"))
    'late fee 45.00 GBP is over the cap of 40.00 GBP (contract 4.2)'
    """

    code: str = attrs.field(validator=identifier)
    text: str = attrs.field(validator=text_up_to(2000))
    cite: str | None = attrs.field(default=None, validator=optional(text_up_to(500)))

    def __str__(self) -> str:
        return self.text if self.cite is None else f"{self.text} ({self.cite})"


@attrs.frozen(kw_only=True)
class Declined:
    """A refused request, with every reason and, where there is one, the way out.

    >>> no = Declined(reasons=(Reason(code="plans.too_long", text="24 instalments are over the limit of 12"),))
    >>> bool(no), str(no)
    (False, '24 instalments are over the limit of 12')
    """

    reasons: tuple[Reason, ...] = attrs.field(converter=as_tuple, validator=each(Reason))

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "; ".join(str(reason) for reason in self.reasons)


# -- leave to contact ------------------------------------------------------------------------------------------


class PermissionOutcome(Choice):
    """What the rules say about a contact, from free to forbidden."""

    ALLOWED = "allowed"
    PRESUMED_OK = "presumed_ok"
    PRESUMED_VIOLATION = "presumed_violation"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"

    @property
    def severity(self) -> int:
        """Return the rank used when rules are combined: the highest wins."""
        return list(PermissionOutcome).index(self)


@attrs.frozen(kw_only=True)
class Permission:
    """May this contact be made, why, and from when on.

    `next_allowed_at` is the earliest instant at which the outcome would be ALLOWED or PRESUMED_OK by itself, or None.

    General information, not legal advice, provisional as of each pack's review date: a court can void printed text.
    The output is evidence for a human decision; a presumption is rebuttable, and ALLOWED is no certificate. The user
    chooses the packs and decides whether they apply. No warranty, as the licence says.
    """

    outcome: PermissionOutcome = attrs.field(converter=PermissionOutcome)
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))
    warnings: tuple[str, ...] = attrs.field(default=(), converter=texts)
    next_allowed_at: datetime | None = attrs.field(default=None, validator=optional(aware_datetime))
    packs: tuple[str, ...] = attrs.field(default=(), converter=texts)
    as_of: datetime | None = attrs.field(default=None, validator=optional(aware_datetime))

    @property
    def is_allowed(self) -> bool:
        """Say whether an automatic step may go ahead."""
        return self.outcome in (PermissionOutcome.ALLOWED, PermissionOutcome.PRESUMED_OK)

    def __bool__(self) -> bool:
        return self.is_allowed


# -- the decision ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Charge:
    """A charge that has fallen due, under the semantic key that lets it be posted once.

    `receivable_id` is the one it stems from; the posted charge becomes a receivable of its own.
    """

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    rule: str = attrs.field(validator=identifier)
    receivable_id: str = attrs.field(validator=identifier)
    component: Component = attrs.field(converter=Component)
    amount: Money = attrs.field(validator=instance_of(Money))
    charged_on: date = attrs.field(validator=plain_date)
    due_on: date = attrs.field(validator=plain_date)
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))


@attrs.frozen(kw_only=True)
class Credit:
    """Money that the debtor has earned, such as a discount for paying early: posted as a credit note whose id is `key`."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    rule: str = attrs.field(validator=identifier)
    receivable_id: str = attrs.field(validator=identifier)
    amount: Money = attrs.field(validator=instance_of(Money))
    earned_on: date = attrs.field(validator=plain_date)
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))


REVERSAL: Final = "reversal-"
"""How the id of a waiver begins that takes a wrong charge back, and is no favour."""


@attrs.frozen(kw_only=True)
class Reversal:
    """A posted charge that would not be made today, or not so high: `amount` of it is to be taken back.

    It is posted as the waiver of `as_waiver`: what is still open is dropped, what was paid already is free for other
    receivables. `key` is the semantic key under which that happens once; `receivable_id` is the posted charge.
    """

    receivable_id: str = attrs.field(validator=identifier)
    charge_key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    amount: Money = attrs.field(validator=instance_of(Money))
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))
    key: str = attrs.field(default="", validator=text_up_to(MAX_ID_LENGTH))

    def as_waiver(self, *, on: date, authority: str) -> Waiver:
        """Turn the proposal into a waiver; its id says that it is no favour, so that the charge is made anew if due."""
        reason = "; ".join(one.text for one in self.reasons)[:500]
        said = self.key or f"{self.charge_key}\0{self.amount}\0{reason}"
        return Waiver(
            waiver_id=f"{REVERSAL}{hashlib.sha256(said.encode()).hexdigest()[:24]}",
            receivable_id=self.receivable_id,
            amount=self.amount,
            waived_on=on,
            reason=reason,
            authority=authority,
        )


@attrs.frozen(kw_only=True)
class AppliedHold:
    """A hold that spoke in a decision: why, until when, and what it stopped (empty: everything)."""

    reason: HoldReason = attrs.field(converter=HoldReason)
    until_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    receivable_ids: tuple[str, ...] = attrs.field(default=(), converter=texts)
    stops: tuple[str, ...] = attrs.field(default=(), converter=texts)
    text: str = ""


@attrs.frozen(kw_only=True)
class Decision:
    """What an account owes, where it stands, what may be done today, why, and when to look again.

    `stage` is the derived stage ("current" where no rung is reached). `arrears` holds what is past due per currency,
    charges apart. `review_on` is the next day on which the decision could differ by itself; None means never, until
    a fact changes. `is_cured` says that this decision ends the cycle.
    """

    account_id: str = attrs.field(validator=identifier)
    as_of: date = attrs.field(validator=plain_date)
    cycle: int = attrs.field(validator=non_negative_int)
    stage: str = attrs.field(validator=identifier)
    segment: str = attrs.field(validator=identifier)
    arrears: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    amount_open: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    days_past_due: int = attrs.field(default=0, validator=non_negative_int)
    holds: tuple[AppliedHold, ...] = attrs.field(default=(), converter=as_tuple, validator=each(AppliedHold))
    charges: tuple[Charge, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Charge))
    credits: tuple[Credit, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Credit))
    reversals: tuple[Reversal, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reversal))
    commands: tuple[Command, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Command))
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))
    review_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    is_cured: bool = attrs.field(default=False, validator=true_or_false)
    strategy_name: str = attrs.field(default="", validator=text_up_to(255))
    strategy_version: str = attrs.field(default="", validator=text_up_to(64))
    strategy_hash: str = attrs.field(default="", validator=text_up_to(64))
    packs: tuple[str, ...] = attrs.field(default=(), converter=texts)
    """Every rule pack that was consulted, with its version and review date, such as "us-reg-z/2026.1 (reviewed …)"."""

    @property
    def has_effects(self) -> bool:
        """Say whether something is to be stored: a charge, a credit, a charge taken back, a command or a cure."""
        return bool(self.charges or self.credits or self.reversals or self.commands or self.is_cured)


# -- what a store commits --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class OutboxRow:
    """A command on its way out: `payload` is its canonical encoding, `lane` keeps order per account and channel."""

    key: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    account_id: str = attrs.field(validator=identifier)
    lane: str = attrs.field(validator=text_up_to(MAX_ID_LENGTH))
    command: str = attrs.field(validator=identifier)
    payload: bytes = attrs.field(repr=False, validator=instance_of(bytes))
    earliest_at: datetime | None = attrs.field(default=None, validator=optional(aware_datetime))
    latest_at: datetime | None = attrs.field(default=None, validator=optional(aware_datetime))


@attrs.frozen(kw_only=True)
class Batch:
    """Everything that one decision or one import changes in one account, committed whole or not at all.

    `expected_version` is the version that was read (0 for a new account). `keys` are the semantic keys that must not
    be stored yet; `inbox_keys` mark inbound messages as seen; `review_on` says when the account is due next.
    """

    account_id: str = attrs.field(validator=identifier)
    expected_version: int = attrs.field(validator=non_negative_int)
    command_id: str = attrs.field(validator=identifier)
    command_hash: str = attrs.field(validator=text_up_to(64))
    events: tuple[Event, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Event))
    outbox: tuple[OutboxRow, ...] = attrs.field(default=(), converter=as_tuple, validator=each(OutboxRow))
    keys: tuple[str, ...] = attrs.field(default=(), converter=texts)
    inbox_keys: tuple[str, ...] = attrs.field(default=(), converter=texts)
    review_on: date | None = attrs.field(default=None, validator=optional(plain_date))


@attrs.frozen(kw_only=True)
class Committed:
    """The batch is stored; `version` is the account's new version."""

    version: int = attrs.field(validator=non_negative_int)


@attrs.frozen(kw_only=True)
class Duplicate:
    """The same command was committed before; `version` is what it gave then."""

    version: int = attrs.field(validator=non_negative_int)


@attrs.frozen(kw_only=True)
class Conflict:
    """Someone else was first; `actual` is the current version. Load, decide and commit again."""

    actual: int = attrs.field(validator=non_negative_int)


CommitResult: TypeAlias = Committed | Duplicate | Conflict


# -- what a messenger and the last look answer -----------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Accepted:
    """The provider took the notice; `provider_id` is its own name for it."""

    provider_id: str = ""


@attrs.frozen(kw_only=True)
class Rejected:
    """The provider refused the notice; a permanent refusal ends the use of the contact point."""

    code: str
    is_permanent: bool


@attrs.frozen(kw_only=True)
class Unknown:
    """Sending began and its outcome is not known; the same key is sent again later."""

    code: str


SendResult: TypeAlias = Accepted | Rejected | Unknown


@attrs.frozen(kw_only=True)
class Keep:
    """Send it now."""


@attrs.frozen(kw_only=True)
class Defer:
    """Do not send it before `until_at`."""

    until_at: datetime = attrs.field(validator=aware_datetime)
    reason: Reason = attrs.field(validator=instance_of(Reason))


@attrs.frozen(kw_only=True)
class Suppress:
    """Never send it."""

    reason: Reason = attrs.field(validator=instance_of(Reason))


LastLook: TypeAlias = Keep | Defer | Suppress
