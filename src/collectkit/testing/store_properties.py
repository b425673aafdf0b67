"""The named properties of an account store, S1 to S20 of the laws, each a function of a kit with an empty store."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs

from collectkit.core.codec import encode
from collectkit.core.decisions import Batch, CommitResult, Committed, Conflict, Duplicate
from collectkit.core.errors import (
    AuditChainBroken,
    CollectkitError,
    DuplicateKey,
    HeadRegressed,
    IdempotencyKeyReuse,
    SchemaTooNew,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
)
from collectkit.core.events import NoticeRequested, UnknownEvent
from collectkit.testing.cases import DAY, NOON, batch_of, opening, paying, payment, requesting, retry_of
from collectkit.testing.kits import PropertyBroken, Store, StoreKit, must

__all__ = [
    "s1_append_then_load_roundtrip",
    "s2_versions_contiguous",
    "s3_stale_version_conflicts",
    "s4_conflict_changes_nothing",
    "s5_batch_is_all_or_nothing",
    "s6_duplicate_command_returns_stored_result",
    "s7_command_reuse_with_other_content_refused",
    "s8_duplicate_semantic_key_refused",
    "s9_read_your_writes",
    "s10_ack_is_durable",
    "s11_unknown_outcome_is_retry_safe",
    "s12_n_racing_writers_one_winner",
    "s13_busy_is_retryable_and_typed",
    "s14_full_is_typed_and_recoverable",
    "s15_corrupt_is_typed_no_partial_result",
    "s16_future_schema_read_only",
    "s17_unknown_event_roundtrips",
    "s18_chain_verifies_and_every_single_edit_is_found",
    "s19_head_regression_noticed",
    "s20_accounts_isolated",
]

KILLS = 20
_LATER = NOON + timedelta(days=1)


def everything(store: Store) -> Any:
    """Read all that the ports show, so that two moments can be compared."""
    ids = store.account_ids(limit=10_000)
    accounts = [(one.account_id, one.version, one.head, tuple(map(encode, one.events))) for one in map(store.load, ids)]
    probes = [key for one in ids for number in range(1, 5) for key in paying(one, 0, number).inbox_keys]
    return (
        accounts,
        store.tally(),
        store.dead_letters(),
        store.due(as_of=DAY + timedelta(days=3650), limit=10_000),
        store.next_at(before=_LATER),
        sorted(store.seen(probes)),
    )


def commits(store: Store, *batches: Batch) -> int:
    """Commit batches that must all win; return the last version."""
    version = 0
    for batch in batches:
        result = store.commit(batch)
        if not isinstance(result, Committed):
            raise PropertyBroken(f"a batch at the right version was answered {result}")
        version = result.version
    return version


def refused(kind: type[Exception], work: Callable[[], object]) -> Any:
    """Return the error that `work` must raise."""
    try:
        answer = work()
    except kind as error:
        return error
    except Exception as error:
        must(False, f"{kind.__name__} was due, and {type(error).__name__} came: {error}")
    must(False, f"{kind.__name__} was due, and the answer was {answer}")
    return None


def s1_append_then_load_roundtrip(kit: StoreKit) -> None:
    """A load returns every committed event in commit order, canonical bytes identical."""
    store = kit.open()
    batches = [
        opening("A-1", receivables=5),
        paying("A-1", 6, 1, minor=10**18),
        requesting("A-1", 7),
        paying("A-1", 8, 2),
        opening("a-1"),  # ids keep their case
        opening("Ä-1 山"),
    ]
    commits(store, *batches)
    for account_id in ("A-1", "a-1", "Ä-1 山"):
        given = [event for batch in batches if batch.account_id == account_id for event in batch.events]
        loaded = kit.open().load(account_id)
        must(
            list(map(encode, loaded.events)) == list(map(encode, given)), f"{account_id}: other events, order or bytes"
        )
        must(loaded.events == tuple(given), f"{account_id}: other values")
        tail = store.load(account_id, after=1)
        must(tail.events == tuple(given[1:]) and tail.version == loaded.version, f"{account_id}: another tail")
    both = store.load_many(["a-1", "nobody", "A-1"])
    must(both == (store.load("a-1"), store.load("nobody"), store.load("A-1")), "load_many differs from load")
    must(both[1].version == 0 and both[1].events == () and both[1].head == "", "an unknown account is not empty")
    must(store.account_ids() == ("A-1", "a-1", "Ä-1 山"), "account ids are not all there, in ascending order")


def s2_versions_contiguous(kit: StoreKit) -> None:
    """Versions are 1..n; a commit answers the expected version plus the number of its events."""
    store = kit.open()
    expected = 0
    for batch in (opening("A-1", receivables=3), paying("A-1", 4), requesting("A-1", 5)):
        result = store.commit(batch)
        expected += len(batch.events)
        must(result == Committed(version=expected), f"answered {result} where version {expected} was due")
        must(store.load("A-1").version == expected, "the loaded version differs from the answered one")
    for after in range(expected + 1):
        must(
            len(store.load("A-1", after=after).events) == expected - after,
            f"a version is missing or twice, after {after}",
        )


def s3_stale_version_conflicts(kit: StoreKit) -> None:
    """A new command at another version than the current one gets Conflict(actual = current)."""
    store = kit.open()
    must(store.commit(paying("A-1", 3)) == Conflict(actual=0), "an account that is not there has version 0")
    commits(store, opening("A-1"))
    for version in (0, 1, 3, 99):
        result = store.commit(paying("A-1", version))
        must(result == Conflict(actual=2), f"expected version {version} at 2 was answered {result}")
    commits(store, paying("A-1", 2))
    answers = store.commit_many([paying("A-1", 2, 2), opening("A-2")])
    must(answers == (Conflict(actual=3), Committed(version=2)), f"commit_many answered {answers}")


def s4_conflict_changes_nothing(kit: StoreKit) -> None:
    """After any refusal all that is stored is as before."""
    store = kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2), paying("A-1", 3), opening("A-2"))
    before = everything(store)
    later = DAY + timedelta(days=99)
    stale = attrs.evolve(requesting("A-1", 1, 2), inbox_keys=("in:new",), review_on=later)
    must(isinstance(store.commit(stale), Conflict), "a stale batch was not answered Conflict")
    must(everything(kit.open()) == before, "a conflict left something behind")
    again = attrs.evolve(requesting("A-1", 4, 2), keys=requesting("A-1", 4, 1).keys)
    refused(DuplicateKey, lambda: store.commit(again))
    must(everything(kit.open()) == before, "a refused key left something behind")
    refused(IdempotencyKeyReuse, lambda: store.commit(retry_of(paying("A-1", 4, 2), command_id="pay:A-1:1")))
    must(everything(kit.open()) == before, "a refused command id left something behind")
    refused(DuplicateKey, lambda: store.commit_many([paying("A-2", 2, 3), again]))
    must(everything(kit.open()) == before, "a refused key among many batches left something behind")
    must(not store.seen(["in:new"]), "the inbox key of a stale batch is stored")
    # had a command record been left behind, the same command at the right version would be a duplicate
    must(
        store.commit(retry_of(stale, expected_version=4)) == Committed(version=5),
        "a stale batch left its command record",
    )


def s5_batch_is_all_or_nothing(kit: StoreKit) -> None:
    """Whichever statement fails, once or for ever, a reload shows the whole batch or nothing of it."""
    for for_ever in (False, True):
        account_id = f"A-{for_ever}"
        commits(kit.open(), opening(account_id))
        version, call = 2, 0
        while True:
            call += 1
            batch = attrs.evolve(requesting(account_id, version, call), inbox_keys=(f"in:{account_id}:{call}",))
            store = kit.open()
            before = everything(store)
            with kit.failing(call, for_ever=for_ever) as has_failed:
                try:
                    result: CommitResult | None = store.commit(batch)
                except StoreError:
                    result = None
            after = everything(kit.open())
            retried = kit.open().commit(batch)
            if result is None and after == before:
                must(isinstance(retried, Committed), f"statement {call} failed, and a retry was answered {retried}")
            else:  # stored, whether or not the answer came back
                must(retried == Duplicate(version=version + 1), f"statement {call} failed and left half a batch behind")
            version += 1
            _whole(kit.open(), batch, version)
            if not has_failed():
                break
        must(call > 3, "no statement was made to fail; the kit's `failing` does not reach the store")


def _whole(store: Store, batch: Batch, version: int) -> None:
    loaded = store.load(batch.account_id)
    must(loaded.version == version and loaded.events[-1:] == batch.events, "events are missing")
    must(store.seen(batch.inbox_keys) == set(batch.inbox_keys), "inbox keys are missing")
    again = attrs.evolve(batch, expected_version=version, command_id="another", inbox_keys=())
    refused(DuplicateKey, lambda: store.commit(again))
    notices = sum(
        1 for one in store.account_ids() for event in store.load(one).events if isinstance(event, NoticeRequested)
    )
    must(store.tally()["pending"] == notices, "outbox rows are missing")


def s6_duplicate_command_returns_stored_result(kit: StoreKit) -> None:
    """The same command gives Duplicate with the first result and no new row, whatever the expected version."""
    store = kit.open()
    batch = requesting("A-1", 2)
    commits(store, opening("A-1"), batch, paying("A-1", 3))
    before = everything(store)
    for version in (2, 0, 4, 77):
        result = kit.open().commit(retry_of(batch, expected_version=version))
        must(result == Duplicate(version=3), f"a repeated command at version {version} was answered {result}")
    must(store.commit_many([batch, batch]) == (Duplicate(version=3),) * 2, "commit_many forgets command records")
    must(everything(store) == before, "a repeated command changed something")


def s7_command_reuse_with_other_content_refused(kit: StoreKit) -> None:
    """The same command id with other content raises IdempotencyKeyReuse and applies nothing."""
    store = kit.open()
    commits(store, opening("A-1"), paying("A-1", 2, 1), opening("A-2"))
    before = everything(store)
    other = retry_of(paying("A-1", 3, 2), command_id="pay:A-1:1")
    must(refused(IdempotencyKeyReuse, lambda: store.commit(other)).code == "store.key_reuse", "another code")
    elsewhere = retry_of(paying("A-2", 2, 1), command_id="pay:A-1:1")
    refused(IdempotencyKeyReuse, lambda: store.commit(elsewhere))
    must(everything(store) == before, "a refused command changed something")


def s8_duplicate_semantic_key_refused(kit: StoreKit) -> None:
    """A batch with a key already stored, under any command id, is refused whole and the key named."""
    store = kit.open()
    first = requesting("A-1", 2)
    commits(store, opening("A-1"), first, opening("A-2"))
    before = everything(store)
    again = attrs.evolve(requesting("A-1", 3, 2), keys=("fee:new", *first.keys), command_id="other", outbox=())
    error = refused(DuplicateKey, lambda: store.commit(again))
    must(first.keys[0] in str(error) and error.code == "store.duplicate_key", "the key is not named")
    must(everything(store) == before, "a refused batch left something behind")
    commits(store, attrs.evolve(again, keys=("fee:new",)))  # the good key of the refused batch is still free
    twice = attrs.evolve(paying("A-1", 4, 8), keys=("fee:x", "fee:x"))
    refused(DuplicateKey, lambda: store.commit(twice))


def s9_read_your_writes(kit: StoreKit) -> None:
    """A load begun after Committed returned, on any connection, sees the batch."""
    stores = [kit.open() for _ in range(3)]
    commits(stores[0], opening("A-1"))
    for number in range(1, 13):
        writer = stores[number % 3]
        version = commits(writer, paying("A-1", number + 1, number))
        for reader in stores:
            must(reader.load("A-1").version == version, "a reader saw an older version than was acknowledged")
            must(reader.load("A-1").events[-1] == payment("A-1", number), "a reader saw an older history")


def s10_ack_is_durable(kit: StoreKit) -> None:
    """No batch reported Committed is missing after kill -9, and a decided notice has its outbox row."""
    source = kit.worker_source()
    commits(kit.open(), opening("A-1"))
    workers = [_worker(source)]
    try:
        acknowledged = version = 2
        for kill in range(KILLS):
            workers.append(_worker(source))  # the next one gets ready while this one works
            worker = workers.pop(0)
            acknowledged = _acknowledged(worker, version, kill) or acknowledged
            store = kit.open()
            version = store.load("A-1").version
            must(version >= acknowledged, f"version {acknowledged} was acknowledged and version {version} is there")
            must(store.tally()["pending"] == version - 2, "a notice was stored without its outbox row, or the reverse")
        must(version > 2, "no worker got as far as one commit")
    finally:
        for worker in workers:
            _killed(worker)


def _acknowledged(worker: Any, version: int, kill: int) -> int:
    """Let a worker commit for a while, kill it, and return the last version that it acknowledged, or 0."""
    said = 0
    try:
        worker.stdin.write(f"{version} {kill}\n")
        worker.stdin.flush()
        for line in worker.stdout:
            said = int(line)
            if said >= version + 1 + kill % 7:
                time.sleep(kill / 2000)  # not always at the same place of the next commit
                break
    finally:
        said = _killed(worker) or said  # some more while the kill was on its way
    return said


def _worker(source: str) -> Any:
    script = f"{source}\n{_WORKER}"
    return subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def _killed(worker: Any) -> int:
    """Kill a worker and return the last version it still acknowledged, or 0."""
    worker.kill()
    rest, _ = worker.communicate()
    whole = [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return int(whole[-1]) if whole else 0


_WORKER = """
from collectkit.core.decisions import Committed
from collectkit.testing.cases import requesting

version, number = map(int, input().split())
for step in range(10_000):
    result = store.commit(requesting("A-1", version, number * 10_000 + step + 1))
    if not isinstance(result, Committed):
        raise SystemExit(f"unexpected answer {result}")
    version = result.version
    print(version, flush=True)
"""


def s11_unknown_outcome_is_retry_safe(kit: StoreKit) -> None:
    """Resubmitting a batch whose outcome was lost ends with one stored copy and the first result."""
    store = kit.open()
    commits(store, opening("A-1"))
    lost = requesting("A-1", 2)
    store.commit(lost)  # the answer never arrived
    commits(kit.open(), paying("A-1", 3))  # and others went on meanwhile
    before = everything(store)
    must(kit.open().commit(lost) == Duplicate(version=3), "a resubmitted batch was not answered with its first result")
    must(everything(store) == before, "a resubmitted batch was stored again")


def s12_n_racing_writers_one_winner(kit: StoreKit) -> None:
    """Of 2, 4 and 16 writers at one version exactly one is Committed; the others see Conflict or a retryable busy."""
    version = commits(kit.open(), opening("A-1"))
    for writers in (2, 4, 16):
        answers: list[object] = [None] * writers
        start = threading.Barrier(writers)

        def write(
            place: int, answers: list[object] = answers, start: threading.Barrier = start, at: int = version
        ) -> None:
            store = kit.open()
            batch = paying("A-1", at, at * 100 + place, command_id=f"race:{at}:{place}")
            start.wait()
            try:
                answers[place] = store.commit(batch)
            except CollectkitError as error:
                answers[place] = error

        threads = [threading.Thread(target=write, args=(place,)) for place in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [answer for answer in answers if isinstance(answer, Committed)]
        lost = [answer for answer in answers if isinstance(answer, (Conflict, StoreBusy))]
        must(len(won) == 1 and len(lost) == writers - 1, f"{writers} writers were answered {answers}")
        version += 1
        must(kit.open().load("A-1").version == version, "more than one writer's event is stored")


def s13_busy_is_retryable_and_typed(kit: StoreKit) -> None:
    """Contention surfaces only as StoreBusy(retryable=True), with nothing written."""
    store = kit.open_impatient()
    commits(store, opening("A-1"))
    before = everything(store)
    with kit.locked_by_another():
        error = refused(StoreBusy, lambda: store.commit(requesting("A-1", 2)))
        must(error.retryable and error.code == "store.busy", "busy is not marked as retryable")
        must(store.load("A-1").version == 2, "a reader is kept out by a writer")
    must(everything(store) == before, "a busy commit left something behind")
    commits(store, requesting("A-1", 2))


def s14_full_is_typed_and_recoverable(kit: StoreKit) -> None:
    """No space gives StoreFull and a rollback; with space again the next commit succeeds."""
    store = kit.open()
    version = commits(store, opening("A-1"))
    big = [payment("A-1", number) for number in range(2000)]
    before = everything(store)
    with kit.full():
        error = refused(StoreFull, lambda: store.commit(batch_of("A-1", version, big, command_id="big")))
        must(error.code == "store.full", "another code")
    must(everything(kit.open()) == before, "a commit without space left something behind")
    commits(kit.open(), batch_of("A-1", version, big, command_id="big"))


def s15_corrupt_is_typed_no_partial_result(kit: StoreKit) -> None:
    """Damage found on reading gives StoreCorrupt, never a shortened history."""
    store = kit.open()
    version = commits(store, opening("A-1", receivables=200), paying("A-1", 201))
    damages = kit.damages()
    whole = store.load("A-1")
    tried = 0
    for damage in damages:
        tried += 1
        damage.do()
        try:
            found = kit.open().load("A-1")
        except StoreCorrupt:
            found = whole
        except StoreError as error:
            must(False, f"{damage.name}: {type(error).__name__} where StoreCorrupt was due")
        must(found == whole, f"{damage.name}: a damaged store gave {len(found.events)} of {version} events")
        damage.undo()
    must(tried > 0, "the kit names no damage")


def s16_future_schema_read_only(kit: StoreKit) -> None:
    """A store of a newer schema can be read; every write raises SchemaTooNew."""
    store = kit.open()
    commits(store, opening("A-1"), requesting("A-1", 2))
    before = everything(store)
    kit.written_by_newer_release()
    for one in (store, kit.open()):  # also one that was open while the schema moved on
        must(everything(one) == before, "a newer store reads otherwise")
        refused(SchemaTooNew, lambda one=one: one.commit(paying("A-1", 3)))  # type: ignore[misc]  # a default binds it
        refused(SchemaTooNew, lambda one=one: one.claim(worker="w", now=_LATER))  # type: ignore[misc]  # likewise
    must(everything(kit.open()) == before, "a newer store was written to")


def s17_unknown_event_roundtrips(kit: StoreKit) -> None:
    """An event of unknown type, or with unknown fields, is stored and returned byte-identical."""
    store = kit.open()
    commits(store, opening("A-1"))
    payloads = (
        b'{ "type":"BadgeAwarded", "zeta":1.50, "alpha":[1e2], "account_id":"A-1","event_id":"u-1",'
        b'"recorded_at":"2026-03-12T12:00:00+05:30","effective_on":"2026-03-12","must_understand":false}',
        encode(payment("A-1", 7)).replace(b'"payment":{', b'"payment":{"zz_new":"\\u00e9",'),
    )
    for version, payload in enumerate(payloads, start=2):
        event = UnknownEvent(
            event_id="u-1" if version == 2 else "A-1:pay:7",
            account_id="A-1",
            recorded_at=payment("A-1").recorded_at,
            effective_on=DAY,
            type_name="BadgeAwarded" if version == 2 else "PaymentReceived",
            payload=payload,
            must_understand=version != 2,
        )
        commits(store, batch_of("A-1", version, [event], command_id=f"unknown:{version}"))
        found = kit.open().load("A-1").events[-1]
        must(found == event, "an unknown event came back as another")
        must(encode(found) == payload, "an unknown event came back with other bytes")


def s18_chain_verifies_and_every_single_edit_is_found(kit: StoreKit) -> None:
    """An untouched history verifies; any single edit fails with AuditChainBroken(account, version)."""
    store = kit.open()
    commits(store, opening("A-1", receivables=3), paying("A-1", 4), paying("A-1", 5, 2), opening("A-2", receivables=3))
    sound = store.verify("A-1")
    must(sound == store.load("A-1") and len(sound.head) == 64, "an untouched history does not verify")
    tried = 0
    for edit in kit.edits("A-1"):
        tried += 1
        edit.do()
        for read in (lambda: kit.open().verify("A-1"), lambda: kit.open().load("A-1")):
            error = refused(AuditChainBroken, read)
            named = error.facts.get("account_id") == "A-1" and error.facts.get("version", 0) >= 1
            must(named, f"{edit.name}: the account and version are not named")
        refused(AuditChainBroken, lambda: kit.open().load_many(["A-2", "A-1"]))
        edit.undo()
        must(kit.open().verify("A-1") == sound, f"{edit.name} could not be undone; correct the kit")
    must(tried >= 6, "the kit names fewer than six kinds of edit")


def s19_head_regression_noticed(kit: StoreKit) -> None:
    """Verifying against a remembered head that the chain does not contain raises HeadRegressed."""
    store = kit.open()
    commits(store, opening("A-1"))
    old = store.load("A-1")
    with kit.restore_older() as restore:
        commits(store, paying("A-1", 2))
        remembered = kit.open().load("A-1")
        must(kit.open().verify("A-1", version=2, head=old.head).version == 3, "an older head is part of the chain")
        must(kit.open().verify("A-1", version=3, head=remembered.head).version == 3, "the newest head is refused")
        refused(HeadRegressed, lambda: kit.open().verify("A-1", version=3, head=old.head))
        restore()
        must(kit.open().verify("A-1").version == 2, "the older copy does not verify by itself")
        refused(HeadRegressed, lambda: kit.open().verify("A-1", version=3, head=remembered.head))


def s20_accounts_isolated(kit: StoreKit) -> None:
    """No operation on one account changes version, events, outbox or head of another."""
    store = kit.open()
    commits(
        store, opening("A-1"), requesting("A-1", 2), opening("a-1"), opening("A-10"), opening("A%1"), opening("A_1")
    )
    others = ("a-1", "A-10", "A%1", "A_1")
    before = store.load_many(others)
    rows = store.tally()
    commits(store, paying("A-1", 3), requesting("A-1", 4, 2))
    must(isinstance(store.commit(paying("A-1", 0, 9)), Conflict), "a stale batch was not refused")
    must(store.load_many(others) == before, "another account changed")
    commits(store, requesting("a-1", 2))  # the same step of another account is another key
    must(store.tally()["pending"] == rows["pending"] + 2, "rows of one account displaced those of another")
    must(len(store.load("A-1").events) == 5, "an account holds events of another")
