"""From recorded events to the facts about one account as of a day.

`fold` gathers every event of an account, whatever its date; `snapshot` shows what is known and effective at the end of
a day. What is dated later does not exist yet, and a return, withdrawal, cancellation or resolution dated later has not
happened yet. No policy runs here, so what a release decided once reads the same under the next.

The order in which facts were recorded matters only where a later record replaces an earlier one: master data of the
debtor, contact points, the end of flags, and the strategy. Everything else is a set of dated facts: the same facts in
any order give the same snapshot, and where an ending is reported twice the earliest day counts.

It does not load or store events, and does not decide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Final, TypeVar

import attrs

from collectkit.core.checks import identifier, require_date
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
    Account,
    AccountSnapshot,
    Approval,
    ContactAttempt,
    ContactOutcome,
    ContactPoint,
    CreditNote,
    Debtor,
    Dispute,
    Flag,
    Hold,
    NoticeRecord,
    Payment,
    PlanAgreement,
    PromiseToPay,
    Receivable,
    Waiver,
)

__all__ = [
    "AccountState",
    "TimelineEntry",
    "apply",
    "fold",
    "last_decided",
    "next_fact_on",
    "snapshot",
    "timeline",
]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class AccountState:
    """All facts of one account whatever their date, in the order in which they were recorded.

    Two states are equal when they hold the same events in the same order. Build one with `fold` or `apply`.
    """

    account_id: str = attrs.field(validator=identifier)
    events: tuple[Event, ...]
    _facts: _Facts = attrs.field(eq=False, repr=False)

    @property
    def version(self) -> int:
        """Return the number of events held."""
        return len(self.events)


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """One line of an account's history: the day, what happened, and its figures; no personal field."""

    on: date
    recorded_at: datetime
    what: str
    text: str


def fold(events: Iterable[Event], *, onto: AccountState | None = None) -> AccountState:
    """Gather events, continuing from `onto` where it is given; amortised constant work per event.

    An event whose id was seen before changes nothing. The first event of an account is its `AccountOpened`.

    Raises:
        HistoryError: `history.unknown_account` for an event of an account that was not opened, `history.foreign_event`
            for one of another account, `history.conflicting_fact` where an id comes again with other content.
    """
    if onto is None:
        facts, kept = _Facts(), []
    else:
        facts, kept = onto._facts.copy(), list(onto.events)
    for event in events:
        if facts.add(event):
            kept.append(event)
    if facts.account is None:
        raise HistoryError("history.unknown_account", "no event opens this account; record AccountOpened first")
    return AccountState(account_id=facts.account.account_id, events=tuple(kept), facts=facts)


def apply(state: AccountState | None, event: Event) -> AccountState:
    """Return the state with one event more, or `state` itself where the event is already in it.

    To add many, `fold` them: this copies the state each time.

    Raises:
        HistoryError: as `fold`.
    """
    if state is not None and event.event_id in state._facts.event_ids and event.account_id == state.account_id:
        return state
    return fold((event,), onto=state)


def snapshot(source: AccountState | Iterable[Event], *, as_of: date) -> AccountSnapshot:
    """Return the facts known and effective at the end of `as_of`; nothing later shows.

    Receivables count from `issued_on`, payments from `effective_on`, promises from `made_on`, and so on. The debtor's
    and the account's master data before their first record are those of the opening.

    Raises:
        InvalidDate: `as_of` is no plain date.
        HistoryError: `history.unknown_event` where an event of a newer release must be understood first, and as `fold`.
    """
    as_of = require_date(as_of, "as_of")
    state = source if isinstance(source, AccountState) else fold(source)
    return state._facts.on(as_of)


def next_fact_on(source: AccountState | Iterable[Event], *, after: date) -> date | None:
    """Return the earliest day after `after` on which a recorded fact takes effect, or None.

    A scheduler looks again on that day, or on the decision's `review_on`, whichever comes first.
    """
    after = require_date(after, "after")
    state = source if isinstance(source, AccountState) else fold(source)
    days = state._facts.sorted_days()
    place = bisect_right(days, after)
    return days[place] if place < len(days) else None


def last_decided(state: AccountState) -> Decided | None:
    """Return the decision recorded last, or None; no rule reads it, a scheduler does."""
    return state._facts.decided


def timeline(source: AccountState | Iterable[Event]) -> tuple[TimelineEntry, ...]:
    """Return every event as one line, by the day from which it counts and then by the order of recording."""
    events = source.events if isinstance(source, AccountState) else fold(source).events
    lines = [
        TimelineEntry(on=event.effective_on, recorded_at=event.recorded_at, what=_what(event), text=_text(event))
        for event in events
    ]
    return tuple(sorted(lines, key=lambda line: line.on))


# -- telling -------------------------------------------------------------------------------------------------------


def _what(event: Event) -> str:
    return event.type_name if isinstance(event, UnknownEvent) else type(event).__name__


def _text(event: Event) -> str:
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


# -- gathering -----------------------------------------------------------------------------------------------------


class _Facts:
    """What the events say, by kind. Mutable while it is being filled, never changed once a state holds it."""

    def __init__(self) -> None:
        self.account: Account | None = None
        self.opening: Debtor | None = None
        self.decided: Decided | None = None
        self.event_ids: set[str] = set()
        self.days: set[date] = set()
        self.receivables: dict[str, Receivable] = {}
        self.payments: dict[str, Payment] = {}
        self.credit_notes: dict[str, CreditNote] = {}
        self.waivers: dict[str, Waiver] = {}
        self.disputes: dict[str, Dispute] = {}
        self.holds: dict[str, Hold] = {}
        self.promises: dict[str, PromiseToPay] = {}
        self.plans: dict[str, PlanAgreement] = {}
        self.notices: dict[str, NoticeRecord] = {}
        self.attempts: dict[str, ContactAttempt] = {}
        self.attempted_on: dict[str, date] = {}
        self.approvals: list[Approval] = []
        self.ends: dict[tuple[str, str], date] = {}  # (what ended, its id) -> the earliest day reported
        self.sent_at: dict[str, tuple[date, datetime]] = {}
        self.issued: dict[str, date] = {}
        self.cures: list[date] = []
        self.debtor_facts: list[Event] = []  # DebtorChanged, FlagRaised, FlagCleared, as recorded
        self.contact_facts: list[Event] = []  # ContactPointAdded, …Invalidated, OptedOut, NoticeBounced, as recorded
        self.moves: list[StrategyMoved] = []
        self.unknown: list[UnknownEvent] = []
        self._sorted_days: list[date] | None = None

    def copy(self) -> _Facts:
        twin = _Facts()
        for name, value in vars(self).items():
            setattr(twin, name, value.copy() if isinstance(value, (dict, set, list)) else value)
        return twin

    def sorted_days(self) -> list[date]:
        if self._sorted_days is None:
            self._sorted_days = sorted(self.days)
        return self._sorted_days

    def add(self, event: Event) -> bool:
        """Take one event in; False where it was there before."""
        if self.account is None:
            if not isinstance(event, AccountOpened):
                raise HistoryError(
                    "history.unknown_account",
                    f"event {event.event_id}: account {event.account_id} was not opened; record AccountOpened first",
                    account_id=event.account_id,
                )
        elif event.account_id != self.account.account_id:
            raise HistoryError(
                "history.foreign_event",
                f"event {event.event_id} of account {event.account_id} cannot join account {self.account.account_id}",
                account_id=event.account_id,
            )
        if event.event_id in self.event_ids:
            return False
        self._take(event)
        self.event_ids.add(event.event_id)
        self._sorted_days = None
        return True

    def _take(self, event: Event) -> None:
        if isinstance(event, UnknownEvent):
            known = known_part(event)
            if known is not None:
                self._take(known)
                return
            self.unknown.append(event)
            self.days.add(event.effective_on)
            return
        take = _TAKERS.get(type(event))
        if take is not None:
            take(self, event)

    def keep(self, kind: dict[str, T], record_id: str, record: T, event: Event, on: date) -> None:
        """Hold a record under its id; the same again is fine, another one under that id is not."""
        account_id = getattr(record, "account_id", event.account_id)
        if account_id != event.account_id:
            raise HistoryError(
                "history.foreign_event",
                f"event {event.event_id} of account {event.account_id} carries a fact of account {account_id}",
                account_id=event.account_id,
            )
        if kind.setdefault(record_id, record) != record:
            raise HistoryError(
                "history.conflicting_fact",
                f"event {event.event_id}: {type(record).__name__} {record_id} is already recorded with other content; "
                "end the first one and record the other under an id of its own",
                account_id=event.account_id,
            )
        self.days.add(on)

    def end(self, what: str, record_id: str, on: date) -> None:
        """Note that something ended; the earliest day reported counts."""
        key = (what, record_id)
        self.ends[key] = min(on, self.ends.get(key, on))
        self.days.add(on)

    # -- showing -----------------------------------------------------------------------------------------------

    def on(self, as_of: date) -> AccountSnapshot:
        """Return what is known and effective at the end of that day."""
        if self.account is None or self.opening is None:
            raise HistoryError("history.unknown_account", "no event opens this account; record AccountOpened first")
        for unknown in self.unknown:
            if unknown.must_understand and unknown.effective_on <= as_of:
                raise HistoryError(
                    "history.unknown_event",
                    f"account {unknown.account_id}: event {unknown.event_id} was written by a newer release and must "
                    "be understood; upgrade before deciding",
                    account_id=unknown.account_id,
                )
        notices = {
            key: self._notice(key, record, as_of) for key, record in self._since(self.notices, "requested_on", as_of)
        }
        pins = [move for move in self.moves if move.effective_on <= as_of]
        return AccountSnapshot(
            as_of=as_of,
            account=self.account,
            debtor=self._debtor(as_of),
            receivables=_by(self._since(self.receivables, "issued_on", as_of), "due_on"),
            payments=self._ending("payment", self.payments, "effective_on", "returned_on", as_of),
            credit_notes=self._ending("credit_note", self.credit_notes, "issued_on", "cancelled_on", as_of),
            waivers=_by(self._since(self.waivers, "waived_on", as_of), "waived_on"),
            disputes=self._ending("dispute", self.disputes, "raised_on", "resolved_on", as_of),
            holds=self._holds(as_of),
            promises=self._ending("promise", self.promises, "made_on", "withdrawn_on", as_of),
            plans=self._ending("plan", self.plans, "agreed_on", "cancelled_on", as_of),
            contact_points=self._contact_points(as_of),
            attempts=self._attempts(notices, as_of),
            notices=_by(list(notices.items()), "requested_on"),
            approvals=sorted(
                {one: None for one in self.approvals if one.granted_on <= as_of},
                key=lambda one: (one.granted_on, one.subject, one.authority, one.granted_by, one.cycle),
            ),
            issued_keys=[key for key, on in self.issued.items() if on <= as_of],
            last_command_on=max((on for on in self.issued.values() if on <= as_of), default=None),
            cycle=sum(1 for on in self.cures if on <= as_of),
            strategy_hash=max(pins, key=lambda move: move.effective_on).strategy_hash if pins else None,
        )

    def _since(self, kind: dict[str, T], since: str, as_of: date) -> list[tuple[str, T]]:
        return [(key, record) for key, record in kind.items() if getattr(record, since) <= as_of]

    def _ending(self, what: str, kind: dict[str, Any], since: str, until: str, as_of: date) -> tuple[Any, ...]:
        """Show records that began, each with its end where that has come."""
        shown = []
        for key, record in self._since(kind, since, as_of):
            recorded = getattr(record, until)
            reported = self.ends.get((what, key))
            # an end reported for a day before the record could begin is taken as that beginning
            first = getattr(record, _BEGINS.get(since, since))
            known = [max(on, first) for on in (recorded, reported) if on is not None]
            ends = [on for on in known if on <= as_of]
            end = min(ends) if ends else None
            shown.append((key, record if end == recorded else attrs.evolve(record, **{until: end})))
        return _by(shown, since)

    def _holds(self, as_of: date) -> tuple[Hold, ...]:
        """Show holds with their planned end, or the earlier day on which they were released."""
        shown = []
        for key, hold in self._since(self.holds, "placed_on", as_of):
            released = self.ends.get(("hold", key))
            if released is not None and released <= as_of and (hold.until_on is None or released < hold.until_on):
                hold = attrs.evolve(hold, until_on=max(released, hold.placed_on))
            shown.append((key, hold))
        return _by(shown, "placed_on")

    def _notice(self, key: str, record: NoticeRecord, as_of: date) -> NoticeRecord:
        changes: dict[str, Any] = {}
        for name in ("sent_on", "reported_delivered_on", "bounced_on", "suppressed_on"):
            recorded = getattr(record, name)
            known = [on for on in (recorded, self.ends.get((name, key))) if on is not None and on <= as_of]
            day = min(known) if known else None
            if day != recorded:
                changes[name] = day
        if "sent_on" in changes:
            sent = self.sent_at.get(key)
            changes["sent_at"] = sent[1] if sent is not None and changes["sent_on"] is not None else None
        return attrs.evolve(record, **changes) if changes else record

    def _attempts(self, notices: dict[str, NoticeRecord], as_of: date) -> tuple[ContactAttempt, ...]:
        """Show contact attempts; a notice sent is one, however often its key was handed over."""
        shown = [attempt for key, attempt in self.attempts.items() if self.attempted_on[key] <= as_of]
        for key, notice in notices.items():
            if notice.sent_at is not None and self.account is not None:
                shown.append(
                    ContactAttempt(
                        attempt_id=key,
                        account_id=self.account.account_id,
                        channel=notice.channel,
                        at=notice.sent_at,
                        outcome=ContactOutcome.SENT,
                        contact_point_id=notice.contact_point_id,
                        receivable_ids=notice.receivable_ids,
                    )
                )
        return tuple(sorted(shown, key=lambda one: (one.at, one.attempt_id)))

    def _debtor(self, as_of: date) -> Debtor:
        """Show the debtor as of a day, with every flag raised for it.

        Flags raised by an event outlive a change of master data; only `FlagCleared` ends them. A clearing ends the
        flags recorded before it that began on its day or earlier.
        """
        debtor = self.opening
        if debtor is None:
            raise HistoryError("history.unknown_account", "no event opens this account; record AccountOpened first")
        base_since, base_flags = date.min, list(debtor.flags)
        raised: list[Flag] = []
        for event in self.debtor_facts:
            if isinstance(event, DebtorChanged):
                if base_since <= event.effective_on <= as_of:
                    debtor, base_since, base_flags = event.debtor, event.effective_on, list(event.debtor.flags)
            elif isinstance(event, FlagRaised):
                raised.append(event.flag)
            elif isinstance(event, FlagCleared) and event.effective_on <= as_of:
                base_flags = [_cleared(flag, event) for flag in base_flags]
                raised = [_cleared(flag, event) for flag in raised]
        flags = tuple({flag: None for flag in (*base_flags, *raised) if flag.since_on <= as_of})
        return debtor if flags == debtor.flags else attrs.evolve(debtor, flags=flags)

    def _contact_points(self, as_of: date) -> tuple[ContactPoint, ...]:
        """Show each address or number as it reads on a day.

        An address that proved dead stays so, and one whose owner opted out stays out, when its record is merely
        repeated: only another address, or for an opt-out a consent on a later day, makes it usable again.
        """
        points: dict[str, tuple[date, ContactPoint]] = {}
        dead: dict[tuple[str, str], date] = {}
        out: dict[tuple[str, str], date] = {}
        for event in self.contact_facts:
            on = event.effective_on
            if on > as_of:
                continue
            if isinstance(event, ContactPointAdded):
                point = event.contact_point
                since, _ = points.get(point.contact_point_id, (date.min, None))
                if since <= on:
                    points[point.contact_point_id] = (on, point)
                continue
            point_id = self._contact_point_of(event)
            _, there = points.get(point_id, (date.min, None))
            if there is None:
                continue
            ended = out if isinstance(event, OptedOut) else dead
            place = (point_id, there.address)
            ended[place] = min(on, ended.get(place, on))
        shown = []
        for point_id, (_, point) in points.items():
            place = (point_id, point.address)
            invalid_on = _earliest(as_of, point.invalid_since_on, dead.get(place))
            opted_on = _earliest(as_of, point.opted_out_on, out.get(place))
            consent_on = _earliest(as_of, point.consent_on)
            if opted_on is not None and consent_on is not None and consent_on > opted_on:
                opted_on = None
            now = (invalid_on, opted_on, consent_on)
            if now != (point.invalid_since_on, point.opted_out_on, point.consent_on):
                point = attrs.evolve(point, invalid_since_on=invalid_on, opted_out_on=opted_on, consent_on=consent_on)
            shown.append(point)
        return tuple(sorted(shown, key=lambda one: (one.rank, one.contact_point_id)))

    def _contact_point_of(self, event: Event) -> str:
        if isinstance(event, NoticeBounced):
            notice = self.notices.get(event.key)
            return (notice.contact_point_id or "") if notice is not None else ""
        return event.contact_point_id if isinstance(event, (ContactPointInvalidated, OptedOut)) else ""


_BEGINS: Final = {"effective_on": "received_on"}  # money may count before or after the day on which it came in


def _by(records: Iterable[tuple[str, Any]], day: str) -> tuple[Any, ...]:
    """Order records by a day and then their id, so that the order of recording does not show."""
    return tuple(record for _, record in sorted(records, key=lambda pair: (getattr(pair[1], day), pair[0])))


def _earliest(as_of: date, *days: date | None) -> date | None:
    return min((day for day in days if day is not None and day <= as_of), default=None)


def _cleared(flag: Flag, event: FlagCleared) -> Flag:
    on = event.effective_on
    if flag.kind is not event.kind or flag.since_on > on or (flag.until_on is not None and flag.until_on <= on):
        return flag
    return attrs.evolve(flag, until_on=on)


# -- what each kind of event adds ----------------------------------------------------------------------------------


def _open(facts: _Facts, event: AccountOpened) -> None:
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


def _debtor_days(facts: _Facts, debtor: Debtor) -> None:
    facts.days.update(flag.since_on for flag in debtor.flags)


def _change_debtor(facts: _Facts, event: DebtorChanged) -> None:
    if facts.opening is not None and event.debtor.debtor_id != facts.opening.debtor_id:
        raise HistoryError(
            "history.foreign_event",
            f"event {event.event_id} of account {event.account_id} changes another debtor; a debtor keeps its id",
            account_id=event.account_id,
        )
    facts.debtor_facts.append(event)
    facts.days.add(event.effective_on)
    _debtor_days(facts, event.debtor)


def _flag(facts: _Facts, event: FlagRaised | FlagCleared) -> None:
    facts.debtor_facts.append(event)
    facts.days.add(event.flag.since_on if isinstance(event, FlagRaised) else event.effective_on)


def _receivable(facts: _Facts, event: ReceivableIssued) -> None:
    record = event.receivable
    facts.keep(facts.receivables, record.receivable_id, record, event, record.issued_on)


def _charge(facts: _Facts, event: ChargePosted) -> None:
    record = event.receivable
    if record.charge_key is None and record.is_charge:
        record = attrs.evolve(record, charge_key=event.key)
    facts.keep(facts.receivables, record.receivable_id, record, event, record.issued_on)


def _payment(facts: _Facts, event: PaymentReceived) -> None:
    record = event.payment
    facts.keep(facts.payments, record.payment_id, record, event, record.effective_on)
    facts.days.add(record.received_on)
    _own_end(facts, record.returned_on)


def _credit_note(facts: _Facts, event: CreditNoteIssued) -> None:
    record = event.credit_note
    facts.keep(facts.credit_notes, record.credit_note_id, record, event, record.issued_on)
    _own_end(facts, record.cancelled_on)


def _waiver(facts: _Facts, event: ChargeWaived) -> None:
    facts.keep(facts.waivers, event.waiver.waiver_id, event.waiver, event, event.waiver.waived_on)


def _dispute(facts: _Facts, event: DisputeRaised) -> None:
    record = event.dispute
    facts.keep(facts.disputes, record.dispute_id, record, event, record.raised_on)
    _own_end(facts, record.resolved_on)


def _hold(facts: _Facts, event: HoldPlaced) -> None:
    facts.keep(facts.holds, event.hold.hold_id, event.hold, event, event.hold.placed_on)


def _promise(facts: _Facts, event: PromiseMade) -> None:
    record = event.promise
    facts.keep(facts.promises, record.promise_id, record, event, record.made_on)
    _own_end(facts, record.withdrawn_on)


def _plan(facts: _Facts, event: PlanAgreed) -> None:
    record = event.plan
    facts.keep(facts.plans, record.plan_id, record, event, record.agreed_on)
    _own_end(facts, record.cancelled_on)


def _own_end(facts: _Facts, on: date | None) -> None:
    if on is not None:
        facts.days.add(on)


def _notice_requested(facts: _Facts, event: NoticeRequested) -> None:
    record = event.notice
    facts.keep(facts.notices, record.key, record, event, record.requested_on)
    for on in (record.sent_on, record.reported_delivered_on, record.bounced_on, record.suppressed_on):
        _own_end(facts, on)
    if record.sent_on is not None and record.sent_at is not None:
        _first_sent(facts, record.key, record.sent_on, record.sent_at)


def _notice_sent(facts: _Facts, event: NoticeSent) -> None:
    facts.end("sent_on", event.key, event.effective_on)
    _first_sent(facts, event.key, event.effective_on, event.sent_at)


def _first_sent(facts: _Facts, key: str, on: date, at: datetime) -> None:
    facts.sent_at[key] = min((on, at), facts.sent_at.get(key, (on, at)))


def _notice_bounced(facts: _Facts, event: NoticeBounced) -> None:
    facts.end("bounced_on", event.key, event.effective_on)
    if event.is_permanent:
        facts.contact_facts.append(event)


def _attempt(facts: _Facts, event: ContactAttempted) -> None:
    record, on = event.attempt, event.effective_on
    facts.keep(facts.attempts, record.attempt_id, record, event, on)
    facts.attempted_on[record.attempt_id] = min(on, facts.attempted_on.get(record.attempt_id, on))


def _contact(facts: _Facts, event: ContactPointAdded | ContactPointInvalidated | OptedOut) -> None:
    facts.contact_facts.append(event)
    facts.days.add(event.effective_on)
    if isinstance(event, ContactPointAdded):
        point = event.contact_point
        for on in (point.consent_on, point.opted_out_on, point.invalid_since_on):
            _own_end(facts, on)


def _approval(facts: _Facts, event: ApprovalGranted) -> None:
    facts.approvals.append(event.approval)
    facts.days.add(event.approval.granted_on)


def _command(facts: _Facts, event: CommandIssued) -> None:
    facts.issued[event.key] = min(event.effective_on, facts.issued.get(event.key, event.effective_on))
    facts.days.add(event.effective_on)


def _cure(facts: _Facts, event: Cured) -> None:
    facts.cures.append(event.effective_on)
    facts.days.add(event.effective_on)


def _decide(facts: _Facts, event: Decided) -> None:
    facts.decided = event


def _move(facts: _Facts, event: StrategyMoved) -> None:
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
