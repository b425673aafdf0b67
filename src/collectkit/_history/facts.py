"""The facts of one account by kind, and how they show on a day. What each kind of event adds is in `taking`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, TypeVar

import attrs

from collectkit.core.errors import HistoryError
from collectkit.core.events import (
    ContactPointAdded,
    ContactPointInvalidated,
    DebtorChanged,
    Decided,
    Event,
    FlagCleared,
    FlagRaised,
    NoticeBounced,
    OptedOut,
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

__all__ = ["Facts"]

T = TypeVar("T")


class Facts:
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

    def copy(self) -> Facts:
        twin = Facts()
        for name, value in vars(self).items():
            setattr(twin, name, value.copy() if isinstance(value, (dict, set, list)) else value)
        return twin

    def opened(self) -> tuple[Account, Debtor]:
        """Return the account and the debtor as they were opened."""
        if self.account is None or self.opening is None:
            raise HistoryError("history.unknown_account", "no event opens this account; record AccountOpened first")
        return self.account, self.opening

    def sorted_days(self) -> list[date]:
        if self._sorted_days is None:
            self._sorted_days = sorted(self.days)
        return self._sorted_days

    def accept(self, event: Event) -> None:
        """Note that an event is in."""
        self.event_ids.add(event.event_id)
        self._sorted_days = None

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
        account, opening = self.opened()
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
            account=account,
            debtor=self._debtor(opening, as_of),
            receivables=_by(self._since(self.receivables, "issued_on", as_of), "due_on"),
            payments=self._ending("payment", self.payments, "effective_on", "returned_on", as_of),
            credit_notes=self._ending("credit_note", self.credit_notes, "issued_on", "cancelled_on", as_of),
            waivers=_by(self._since(self.waivers, "waived_on", as_of), "waived_on"),
            disputes=self._ending("dispute", self.disputes, "raised_on", "resolved_on", as_of),
            holds=self._holds(as_of),
            promises=self._ending("promise", self.promises, "made_on", "withdrawn_on", as_of),
            plans=self._ending("plan", self.plans, "agreed_on", "cancelled_on", as_of),
            contact_points=self._contact_points(as_of),
            attempts=self._attempts(account.account_id, notices, as_of),
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

    def _attempts(self, account_id: str, notices: dict[str, NoticeRecord], as_of: date) -> tuple[ContactAttempt, ...]:
        """Show contact attempts; a notice sent is one, however often its key was handed over."""
        shown = [attempt for key, attempt in self.attempts.items() if self.attempted_on[key] <= as_of]
        for key, notice in notices.items():
            if notice.sent_at is not None:
                shown.append(
                    ContactAttempt(
                        attempt_id=key,
                        account_id=account_id,
                        channel=notice.channel,
                        at=notice.sent_at,
                        outcome=ContactOutcome.SENT,
                        contact_point_id=notice.contact_point_id,
                        receivable_ids=notice.receivable_ids,
                    )
                )
        return tuple(sorted(shown, key=lambda one: (one.at, one.attempt_id)))

    def _debtor(self, opening: Debtor, as_of: date) -> Debtor:
        """Show the debtor as of a day, with every flag raised for it.

        Flags raised by an event outlive a change of master data; only `FlagCleared` ends them. A clearing ends the
        flags recorded before it that began on its day or earlier.
        """
        debtor = opening
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
