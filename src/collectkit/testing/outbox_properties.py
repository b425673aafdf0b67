"""The named properties of an outbox and an inbox, O1 to O7, I1 and I2 of the laws."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import attrs

from collectkit.core.codec import decode_command
from collectkit.core.decisions import Accepted, Committed, Conflict
from collectkit.core.errors import DuplicateKey, StoreBusy, StoreError
from collectkit.core.events import (
    Event,
    NoticeBounced,
    NoticeDelivered,
    NoticeRequested,
    NoticeSent,
    NoticeSuppressed,
    SendNotice,
)
from collectkit.core.records import Channel
from collectkit.history import snapshot
from collectkit.ports import ClaimedRow, Notice
from collectkit.testing.cases import DAY, NOON, batch_of, notice, opening, paying, requesting
from collectkit.testing.fakes import RecordingMessenger
from collectkit.testing.kits import PropertyBroken, Store, StoreKit, must
from collectkit.testing.store_properties import commits, refused

__all__ = [
    "i1_inbound_duplicate_is_noop",
    "i2_older_than_watermark_does_not_move_state",
    "o1_outbox_row_iff_event",
    "o2_key_unique_forever",
    "o3_claim_lease_expires_and_is_owned",
    "o4_crash_after_accept_resends_same_key",
    "o5_suppressed_is_terminal_and_recorded",
    "o6_order_per_account_and_channel_kept",
    "o7_dead_letter_after_limit",
]

_LEASE = 60
_NEVER = 200  # more attempts than any sensible limit


def _claim(store: Store, worker: str, now: datetime, *, limit: int = 100) -> tuple[ClaimedRow, ...]:
    return store.claim(worker=worker, now=now, limit=limit, lease_seconds=_LEASE)


def _one(store: Store, worker: str, now: datetime) -> ClaimedRow:
    rows = _claim(store, worker, now)
    if len(rows) != 1:
        raise PropertyBroken(f"{len(rows)} rows were lent where one was due")
    return rows[0]


def _finish(store: Store, row: ClaimedRow, now: datetime) -> None:
    must(store.mark(key=row.row.key, owner=row.owner, outcome="done", now=now), "the owner of a row could not mark it")


def _drain(store: Store, now: datetime) -> list[str]:
    keys: list[str] = []
    while rows := _claim(store, "drain", now):
        must(len(keys) < _NEVER, "the outbox lends rows for ever")
        for row in rows:
            keys.append(row.row.key)
            _finish(store, row, now)
    return keys


def o1_outbox_row_iff_event(kit: StoreKit) -> None:
    """A message event exists exactly when its outbox row with that key exists, whatever was refused."""
    store = kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2), opening("A-2"))
    must(isinstance(store.commit(requesting("A-1", 2, 2)), Conflict), "a stale batch was not refused")
    refused(DuplicateKey, lambda: store.commit(requesting("A-1", 3, 1, command_id="again")))
    commits(store, requesting("A-1", 3, 2, channel=Channel.SMS), requesting("A-2", 2))
    store.commit(requesting("A-2", 2))  # a retry
    events = [event for one in store.account_ids() for event in store.load(one).events]
    noted = sorted(event.notice.key for event in events if isinstance(event, NoticeRequested))
    must(store.tally()["pending"] == len(noted), "there are more or fewer rows than message events")
    must(sorted(_drain(store, NOON)) == noted, "the rows are not those of the message events")
    must(store.tally()["done"] == len(noted), "a row vanished when it was done")


def o2_key_unique_forever(kit: StoreKit) -> None:
    """A key once stored is refused again, also after its row was sent, suppressed or given up."""
    store = kit.open()
    version = commits(store, opening("A-1"))
    for occurrence, outcome in enumerate(("done", "suppressed", "dead"), start=1):
        version = commits(store, requesting("A-1", version, occurrence))
        row = _one(store, "w", NOON)
        marked = store.mark(key=row.row.key, owner=row.owner, outcome=outcome, now=NOON)  # type: ignore[arg-type]  # one of three
        must(marked, f"a row could not be marked {outcome}")
        for again in (
            requesting("A-1", version, occurrence, command_id=f"again:{occurrence}"),
            attrs.evolve(requesting("A-1", version, occurrence, command_id=f"row:{occurrence}"), keys=()),
        ):
            refused(DuplicateKey, lambda again=again: kit.open().commit(again))  # type: ignore[misc]  # a default binds it
        must(_claim(store, "w", NOON + timedelta(days=3650)) == (), f"a row marked {outcome} was lent again")


def o3_claim_lease_expires_and_is_owned(kit: StoreKit) -> None:
    """A lent row is invisible to others until its lease ends; only its present owner may mark it."""
    store, other = kit.open(), kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2))
    must(_claim(store, "w1", NOON - timedelta(seconds=1)) == (), "a row was lent before its time")
    first = _one(store, "w1", NOON)
    must(first.attempt == 1 and first.leased_until == NOON + timedelta(seconds=_LEASE), "another attempt or lease end")
    for later in (0, _LEASE - 1):
        must(_claim(other, "w2", NOON + timedelta(seconds=later)) == (), "a lent row was lent again within its lease")
    must(not other.mark(key=first.row.key, owner="w2", outcome="done", now=NOON), "a stranger marked a row")
    must(not other.mark(key=first.row.key, owner="", outcome="done", now=NOON), "nobody marked a row")
    must(not other.mark(key="no-such-key", owner=first.owner, outcome="done", now=NOON), "a row of no key was marked")
    end = NOON + timedelta(seconds=_LEASE)
    second = _one(other, "w1", end)  # a namesake, such as the same worker started anew
    must(
        second.attempt == 2 and second.row == first.row, "a row lent again is not the same, or its attempt not counted"
    )
    must(not store.mark(key=first.row.key, owner=first.owner, outcome="done", now=end), "a late owner marked a row")
    must(store.tally()["pending"] == 1, "a refused mark changed the row")
    must(other.next_at(before=end + timedelta(days=1)) == end + timedelta(seconds=_LEASE), "next_at forgets the lease")
    _finish(other, second, end)
    must(not other.mark(key=first.row.key, owner=second.owner, outcome="dead", now=end), "a finished row was marked")
    must(other.next_at(before=end + timedelta(days=3650)) is None, "next_at sees a finished row")
    _share_out(kit, end)


def _share_out(kit: StoreKit, now: datetime) -> None:
    """Let four workers drain the same rows at the same time: each row goes to one of them."""
    store = kit.open()
    commits(store, *(batch for n in range(12) for batch in (opening(f"B-{n}"), requesting(f"B-{n}", 2))))
    taken: list[str] = []

    def drain(worker: str) -> None:
        own, idle = kit.open(), 0
        while idle < 3 and len(taken) < _NEVER:
            try:
                rows = _claim(own, worker, now, limit=3)
            except StoreBusy:
                continue
            idle += not rows
            taken.extend(row.row.key for row in rows)

    threads = [threading.Thread(target=drain, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    must(len(taken) == len(set(taken)) == 12, f"{len(set(taken))} of 12 rows were lent {len(taken)} times")


def o4_crash_after_accept_resends_same_key(kit: StoreKit) -> None:
    """A crash between acceptance and marking leads to a resend with the identical key."""
    provider, store = RecordingMessenger(), kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2))
    message = Notice(notice="friendly", channel=Channel.EMAIL, locale="en", recipient="a@host.example")
    row = _one(store, "w1", NOON)
    must(decode_command(row.row.payload) == notice("A-1"), "the row does not hold its command")
    must(isinstance(provider.send(message, row.row.key), Accepted), "the fake refused")
    del store  # the worker dies here
    after = NOON + timedelta(seconds=_LEASE)
    again = _one(kit.open(), "w2", after)
    provider.send(message, again.row.key)
    _finish(kit.open(), again, after)
    must(again.row == row.row, "the row that is sent again differs")
    must(len(provider.calls) == 2 and len(provider.delivered) == 1, "the provider saw two keys for one notice")


def o5_suppressed_is_terminal_and_recorded(kit: StoreKit) -> None:
    """A suppressed row is never sent; the reason and the time stand in an event."""
    store = kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2))
    row = _one(store, "w", NOON)
    command = decode_command(row.row.payload)
    said = NoticeSuppressed(
        event_id=f"suppressed:{command.key}",
        account_id="A-1",
        recorded_at=NOON,
        effective_on=DAY,
        key=command.key,
        reason="contact.opted_out",
    )
    commits(store, batch_of("A-1", 3, [said], command_id=said.event_id))
    must(store.mark(key=row.row.key, owner=row.owner, outcome="suppressed", now=NOON), "a row could not be suppressed")
    must(_claim(store, "w", NOON + timedelta(days=3650)) == (), "a suppressed row was lent again")
    must(store.tally()["suppressed"] == 1, "a suppressed row vanished")
    must(store.load("A-1").events[-1] == said, "the suppression is not recorded")
    shown = snapshot(store.load("A-1").events, as_of=DAY)
    must(shown.notices[0].suppressed_on == DAY and not shown.notices[0].is_pending, "a suppressed notice is pending")


def o6_order_per_account_and_channel_kept(kit: StoreKit) -> None:
    """Rows of one account and channel leave in commit order; none overtakes an unfinished earlier one."""
    store = kit.open()
    commits(store, opening("A-1"), *(requesting("A-1", 1 + n, n) for n in (1, 2, 3)), opening("A-2"))
    commits(store, requesting("A-1", 5, 1, channel=Channel.SMS), requesting("A-2", 2))
    heads = {row.row.key: row for row in _claim(store, "w1", NOON)}
    expected = {notice("A-1", 1).key, notice("A-1", 1, channel=Channel.SMS).key, notice("A-2", 1).key}
    must(set(heads) == expected, "other rows were lent than the first of each account and channel")
    first = heads[notice("A-1", 1).key]
    later = NOON + timedelta(hours=1)
    must(store.mark(key=first.row.key, owner=first.owner, outcome=later, now=NOON), "a row could not be put off")
    _finish(store, heads[notice("A-1", 1, channel=Channel.SMS).key], NOON)
    _finish(store, heads[notice("A-2", 1).key], NOON)
    must(_claim(store, "w2", NOON + timedelta(minutes=59)) == (), "a row overtook one that was put off")
    must(store.next_at(before=later + timedelta(days=1)) == later, "next_at is not when the row was put off to")
    order = _drain(store, later)
    must(order == [notice("A-1", n).key for n in (1, 2, 3)], "rows left in another order than they were committed")


def o7_dead_letter_after_limit(kit: StoreKit) -> None:
    """Past the attempts limit a row is kept as a dead letter with its last code; no row vanishes."""
    store = kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2), requesting("A-1", 3, 2), opening("A-2"), requesting("A-2", 2))
    now, refusals = NOON, 0
    for _ in range(_NEVER // 4):  # put off by the last look, as at night: no attempt, however often
        now += timedelta(seconds=_LEASE)
        for row in _claim(store, "w", now):
            must(row.attempt == 1, "a row that was put off counts as tried")
            marked = store.mark(
                key=row.row.key, owner=row.owner, outcome=now, now=now, code="contact.window", is_attempt=False
            )
            must(marked, "a row could not be put off")
            late = store.mark(key=row.row.key, owner=row.owner, outcome="done", now=now)
            must(not late, "a worker marked a row that it had given back")
    while store.tally()["dead"] < 1 and refusals < _NEVER:
        row = next(row for row in _claim(store, "w", now) if row.row.account_id == "A-1")
        refusals += 1
        must(row.attempt == refusals, "attempts are not counted")
        now += timedelta(seconds=_LEASE)
        marked = store.mark(key=row.row.key, owner=row.owner, outcome=now, now=now, code=f"smtp.45{refusals % 2}")
        must(marked, "a refused row could not be put off")
        must(sum(store.tally().values()) == 3, "a row vanished")
    must(1 < refusals < _NEVER, "there is no limit of attempts")
    letters = {row.key: code for row, code in store.dead_letters()}
    must(letters.get(notice("A-1").key) == f"smtp.45{refusals % 2}", "the dead letter lost its last code")
    for _ in range(_NEVER):  # the second row of A-1 goes on; workers that die with it count as attempts too
        now += timedelta(seconds=_LEASE)
        if not _claim(store, "w", now):
            break
    must(store.tally() == {"pending": 0, "done": 0, "suppressed": 0, "dead": 3}, "a row that kills its workers goes on")
    must(_claim(store, "w", now + timedelta(days=3650)) == (), "a dead letter was lent again")


def i1_inbound_duplicate_is_noop(kit: StoreKit) -> None:
    """A second delivery of (source, external id), also at the same moment in two workers, changes nothing."""
    store = kit.open()
    commits(store, opening("A-1"), paying("A-1", 2))
    must(store.seen(paying("A-1", 2).inbox_keys) == set(paying("A-1", 2).inbox_keys), "a stored inbox key is not seen")
    again = paying("A-1", 3, command_id="webhook-again")
    refused(DuplicateKey, lambda: store.commit(again))
    must(store.load("A-1").version == 3, "a second delivery was stored")
    answers: list[object] = []
    start = threading.Barrier(2)

    def deliver(worker: int) -> None:
        own = kit.open()
        start.wait()
        for _ in range(_NEVER):
            try:
                answer = own.commit(paying("A-1", own.load("A-1").version, 2, command_id=f"webhook:{worker}"))
            except StoreBusy:
                continue
            except (DuplicateKey, StoreError) as error:
                answers.append(error)
                return
            if isinstance(answer, Committed):
                answers.append(answer)
                return

    threads = [threading.Thread(target=deliver, args=(worker,)) for worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    must(sorted(type(answer).__name__ for answer in answers) == ["Committed", "DuplicateKey"], f"answered {answers}")
    must(store.load("A-1").version == 4, "one delivery in two workers was stored twice")


def i2_older_than_watermark_does_not_move_state(kit: StoreKit) -> None:
    """An inbound status older than what is known is recorded, and moves nothing."""
    store = kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2))
    key = notice("A-1").key

    def told(kind: type[Event], days: int, **more: object) -> Event:
        return kind(
            event_id=f"{kind.__name__}:{days}",
            account_id="A-1",
            recorded_at=NOON + timedelta(days=5),
            effective_on=DAY + timedelta(days=days),
            key=key,
            **more,
        )  # type: ignore[call-arg]  # every status carries the key of its notice

    as_of = DAY + timedelta(days=9)
    statuses = [told(NoticeSent, 0, sent_at=NOON), told(NoticeBounced, 3)]
    commits(store, batch_of("A-1", 3, statuses, command_id="status:1"))
    before = snapshot(store.load("A-1").events, as_of=as_of)
    commits(
        store, batch_of("A-1", 5, [told(NoticeDelivered, 1), told(NoticeSent, 2, sent_at=NOON)], command_id="status:2")
    )
    after = snapshot(store.load("A-1").events, as_of=as_of)
    must(
        before.notices[0].delivered_on is None and after.notices[0].delivered_on is None,
        "an older status revived a notice",
    )
    must(after.notices[0].sent_at == before.notices[0].sent_at, "a repeated status moved the time of sending")
    must(after.attempts == before.attempts, "a repeated status counts as another contact")
    must(store.load("A-1").version == 7, "an older status was not recorded")
    must(isinstance(decode_command(_one(store, "w", NOON).row.payload), SendNotice), "the row is not its command")
