"""What an imported ledger is made of, and how it is told as events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, TypeVar

import attrs

from collectkit.core.events import (
    AccountOpened,
    ApprovalGranted,
    ChargeWaived,
    ContactAttempted,
    ContactPointAdded,
    CreditNoteCancelled,
    CreditNoteIssued,
    DisputeRaised,
    DisputeResolved,
    Event,
    FlagRaised,
    HoldPlaced,
    PaymentReceived,
    PaymentReturned,
    PlanAgreed,
    PlanCancelled,
    PromiseMade,
    PromiseWithdrawn,
    ReceivableIssued,
    semantic_key,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Approval,
    ContactAttempt,
    ContactPoint,
    CreditNote,
    Debtor,
    Dispute,
    Flag,
    Hold,
    Payment,
    PlanAgreement,
    PromiseToPay,
    Receivable,
    Waiver,
)

__all__ = [
    "AccountEvents",
    "LedgerAccount",
    "LedgerSummary",
    "LedgerWarning",
    "RejectedRow",
    "derived_id",
    "events_of",
]


T = TypeVar("T", Payment, CreditNote)


@attrs.frozen(kw_only=True)
class RejectedRow:
    """A row that cannot be used: where, which column, its text, why, and the code of the reason.

    Rows count as in a spreadsheet: the header is row 1.
    """

    table: str
    row_number: int
    field: str
    value: str = attrs.field(repr=False)
    reason: str
    code: str


@attrs.frozen(kw_only=True)
class LedgerWarning:
    """Something odd that was kept; `row_number` is the first of the `count` rows concerned."""

    table: str
    row_number: int
    code: str
    text: str
    count: int = 1


@attrs.frozen(kw_only=True)
class LedgerSummary:
    """The figures of an import: every row read is used, rejected, skipped by the map, or collapsed as identical.

    `amounts` sums the receivables per currency, in alphabetical order.
    """

    rows_read: int
    rows_used: int
    rows_rejected: int
    rows_skipped: int
    rows_identical: int
    accounts: int
    receivables: int
    payments: int
    amounts: tuple[Money, ...]

    def __str__(self) -> str:
        parts = [
            f"{self.rows_read:,} rows read",
            f"{self.rows_used:,} used",
            f"{self.rows_rejected:,} rejected",
        ]
        if self.rows_skipped:
            parts.append(f"{self.rows_skipped:,} left out by the column map")
        if self.rows_identical:
            parts.append(f"{self.rows_identical:,} identical to an earlier row")
        amounts = ", ".join(str(one) for one in self.amounts) or "nothing"
        return (
            f"{', '.join(parts)}; {self.accounts:,} accounts, {self.receivables:,} receivables over {amounts}, "
            f"{self.payments:,} payments"
        )


@attrs.frozen(kw_only=True)
class LedgerAccount:
    """One account with all its facts, whatever their day; `snapshot` gives those of a day.

    `kept` holds the texts of the map's kept columns, per receivable.
    """

    account: Account
    debtor: Debtor
    receivables: tuple[Receivable, ...] = ()
    payments: tuple[Payment, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    holds: tuple[Hold, ...] = ()
    flags: tuple[Flag, ...] = ()
    promises: tuple[PromiseToPay, ...] = ()
    plans: tuple[PlanAgreement, ...] = ()
    contact_points: tuple[ContactPoint, ...] = ()
    attempts: tuple[ContactAttempt, ...] = ()
    approvals: tuple[Approval, ...] = ()
    kept: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    @property
    def account_id(self) -> str:
        """Return the account's id."""
        return self.account.account_id

    def snapshot(self, as_of: date) -> AccountSnapshot:
        """Return the facts known at the end of `as_of`, as `history.snapshot` gives them; what ended later still stands."""
        return AccountSnapshot(
            as_of=as_of,
            account=self.account,
            debtor=attrs.evolve(self.debtor, flags=[one for one in self.flags if one.since_on <= as_of]),
            receivables=sorted(
                (one for one in self.receivables if one.issued_on <= as_of),
                key=lambda one: (one.due_on, one.receivable_id),
            ),
            payments=_until(self.payments, as_of, "effective_on", "returned_on"),
            credit_notes=_until(self.credit_notes, as_of, "issued_on", "cancelled_on"),
            waivers=[one for one in self.waivers if one.waived_on <= as_of],
            disputes=_until(self.disputes, as_of, "raised_on", "resolved_on"),
            holds=[one for one in self.holds if one.placed_on <= as_of],
            promises=_until(self.promises, as_of, "made_on", "withdrawn_on"),
            plans=_until(self.plans, as_of, "agreed_on", "cancelled_on"),
            contact_points=[_as_known(one, as_of) for one in self.contact_points],
            attempts=[one for one in self.attempts if one.at.date() <= as_of],
            approvals=[one for one in self.approvals if one.granted_on <= as_of],
        )


@attrs.frozen(kw_only=True)
class AccountEvents:
    """An account's facts as events, in the order in which they took effect; the n-th inbox key is the n-th event's."""

    account_id: str
    events: tuple[Event, ...]
    inbox_keys: tuple[str, ...]


@attrs.frozen
class _Telling:
    """How one kind of record is told: its event with the day it began, and the event that ends it, if any."""

    records: str
    rank: int  # among events of one day
    event: type[Event]
    fact: str  # the event's field, and the kind in the key
    starts: str
    keys: tuple[str, ...]
    ends: str = ""
    end_event: type[Event] | None = None


_TOLD: Final = (
    _Telling("receivables", 2, ReceivableIssued, "receivable", "issued_on", ("receivable_id",)),
    _Telling("credit_notes", 3, CreditNoteIssued, "credit_note", "issued_on", ("credit_note_id",), "cancelled_on", CreditNoteCancelled),
    _Telling("waivers", 3, ChargeWaived, "waiver", "waived_on", ("waiver_id",)),
    _Telling("payments", 4, PaymentReceived, "payment", "received_on", ("payment_id",), "returned_on", PaymentReturned),
    _Telling("disputes", 5, DisputeRaised, "dispute", "raised_on", ("dispute_id",), "resolved_on", DisputeResolved),
    _Telling("holds", 5, HoldPlaced, "hold", "placed_on", ("hold_id",)),
    _Telling("flags", 5, FlagRaised, "flag", "since_on", ("kind", "since_on")),
    _Telling("promises", 6, PromiseMade, "promise", "made_on", ("promise_id",), "withdrawn_on", PromiseWithdrawn),
    _Telling("plans", 6, PlanAgreed, "plan", "agreed_on", ("plan_id",), "cancelled_on", PlanCancelled),
    _Telling("attempts", 7, ContactAttempted, "attempt", "at", ("attempt_id",)),
    _Telling("approvals", 7, ApprovalGranted, "approval", "granted_on", ("subject", "granted_on")),
)  # fmt: skip
_END_RANK: Final = 9
_PER_ACCOUNT: Final = frozenset({"flags", "approvals"})  # their ids are unique within an account only


def events_of(
    one: LedgerAccount, source: str, recorded_at: datetime, known: AccountSnapshot | None = None
) -> AccountEvents:
    """Tell one account as events; see `ledger.to_events`."""
    made: list[tuple[int, date, int, str, Event]] = []
    account_id = one.account_id

    def tell(kind: type[Event], rank: int, on: date, parts: tuple[str, ...], **fact: Any) -> None:
        key = semantic_key("ledger", source, *parts)
        event = kind(event_id=key, account_id=account_id, recorded_at=recorded_at, effective_on=on, **fact)
        # the account is opened first, and an address known before anything else, whatever day a fact bears
        made.append((min(rank, 2), on, rank, key, event))

    if known is not None:
        one = attrs.evolve(
            one,
            payments=tuple(_since(one.payments, known.payments, "payment_id")),
            credit_notes=tuple(_since(one.credit_notes, known.credit_notes, "credit_note_id")),
        )
    told = [(how, record) for how in _TOLD for record in getattr(one, how.records)]
    days = [_day(getattr(record, how.starts)) for how, record in told]
    opened_on = min([*days, *([one.account.opened_on] if one.account.opened_on else [])], default=recorded_at.date())
    tell(AccountOpened, 0, opened_on, ("account", account_id), account=one.account, debtor=one.debtor)
    for point in one.contact_points:
        parts = ("contact_point", account_id, point.contact_point_id)
        tell(ContactPointAdded, 1, opened_on, parts, contact_point=point)
    for how, record in told:
        names = tuple(str(getattr(record, key)) for key in how.keys)
        if how.records in _PER_ACCOUNT:
            names = (account_id, *names)
        ended_on = getattr(record, how.ends) if how.ends else None
        begun = record if ended_on is None else attrs.evolve(record, **{how.ends: None})
        tell(how.event, how.rank, _day(getattr(record, how.starts)), (how.fact, *names), **{how.fact: begun})
        if ended_on is not None and how.end_event is not None:
            tell(how.end_event, _END_RANK, ended_on, (f"{how.fact}_ended", *names), **{how.keys[0]: names[0]})
    made.sort(key=lambda entry: entry[:4])
    return AccountEvents(
        account_id=account_id,
        events=tuple(entry[4] for entry in made),
        inbox_keys=tuple(semantic_key("inbox", entry[3]) for entry in made),
    )


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


# -- details ---------------------------------------------------------------------------------------------------


def derived_id(kind: str, receivable_id: str, total: Money) -> str:
    """Return the id of a payment ("paid") or credit note ("credited") derived from a running total of a receivable."""
    return f"{kind}:{receivable_id}:{total.minor}"


def _since(records: Iterable[T], stored: Iterable[T], name: str) -> list[T]:
    """Cut what was derived from running totals down to what came in since it was stored.

    One that is stored already is told as it stands there: the ledger did not say its day, so that of the first import
    holds. One below what is stored is no news.
    """
    there = {getattr(one, name): one for one in stored}
    sums: dict[str, int] = {}
    for record_id, one in there.items():
        base = _derived_from(record_id, one)
        if base is not None:
            sums[base] = sums.get(base, 0) + one.amount.minor
    fresh: list[T] = []
    for one in records:
        record_id = getattr(one, name)
        base = _derived_from(record_id, one)
        if base is None:
            fresh.append(one)
        elif record_id in there:
            fresh.append(there[record_id])
        elif one.amount.minor > sums.get(base, 0):
            amount = Money(one.amount.minor - sums.get(base, 0), one.amount.currency)
            fresh.append(attrs.evolve(one, amount=amount))
    return fresh


def _derived_from(record_id: str, record: Payment | CreditNote) -> str | None:
    """Return the receivable whose running total a record was derived from, None for one with an id of its own."""
    for receivable_id in record.receivable_ids:
        if record_id.startswith((f"paid:{receivable_id}:", f"credited:{receivable_id}:")):
            return receivable_id
    return None


def _as_known(point: ContactPoint, as_of: date) -> ContactPoint:
    """Return a contact point without what was only learnt later."""

    def known(on: date | None) -> date | None:
        return None if on is not None and on > as_of else on

    return attrs.evolve(
        point,
        consent_on=known(point.consent_on),
        opted_out_on=known(point.opted_out_on),
        invalid_since_on=known(point.invalid_since_on),
    )


def _until(records: Iterable[Any], as_of: date, starts: str, ends: str) -> list[Any]:
    """Return the records that had begun by `as_of`, without ends that lay in its future."""
    begun = [record for record in records if getattr(record, starts) <= as_of]
    return [
        attrs.evolve(record, **{ends: None}) if (getattr(record, ends) or as_of) > as_of else record for record in begun
    ]
