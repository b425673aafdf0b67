"""Stores that are broken on purpose: the suite has to reject each one. A suite that passes them proves nothing."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs

from collectkit.adapters.chain import Link, chain_hash
from collectkit.adapters.memory import MemoryStore
from collectkit.core.decisions import Batch, CommitResult, Committed, Conflict, Duplicate
from collectkit.core.errors import AuditChainBroken, CollectkitError, DuplicateKey, IdempotencyKeyReuse
from collectkit.core.events import PaymentReceived, UnknownEvent
from collectkit.ports import ClaimedRow, Loaded
from conformance_kits.stores import MemoryKit


class EachBatchAlone(MemoryStore):
    """A sound base: a fault in `commit` is a fault in `commit_many` too."""

    def commit(self, batch: Batch) -> CommitResult:
        return MemoryStore.commit_many(self, (batch,))[0]

    def commit_many(self, batches: Sequence[Batch]) -> tuple[CommitResult, ...]:
        before = copy.deepcopy({name: held for name, held in vars(self).items() if name != "_lock"})
        try:
            return tuple(self.commit(batch) for batch in batches)
        except Exception:
            vars(self).update(before)
            raise


class DropsTheLastEvent(EachBatchAlone):
    def commit(self, batch):
        answer = super().commit(attrs.evolve(batch, events=batch.events[:-1]))
        return attrs.evolve(answer, version=answer.version + 1) if isinstance(answer, Committed) else answer


class DropsOutboxRows(EachBatchAlone):
    def commit(self, batch):
        return super().commit(attrs.evolve(batch, outbox=()))


class DropsInboxKeys(EachBatchAlone):
    def commit(self, batch):
        return super().commit(attrs.evolve(batch, inbox_keys=()))


class IgnoresTheExpectedVersion(EachBatchAlone):
    def commit(self, batch):
        return super().commit(attrs.evolve(batch, expected_version=self.load(batch.account_id).version))


class SaysCommittedOnConflict(EachBatchAlone):
    def commit(self, batch):
        answer = super().commit(batch)
        return Committed(version=answer.actual) if isinstance(answer, Conflict) else answer


class KeepsKeysOfARefusedBatch(EachBatchAlone):
    def commit(self, batch):
        answer = super().commit(batch)
        if isinstance(answer, Conflict):
            self._inbox.update(batch.inbox_keys)
        return answer


class WritesTheOutboxFirst(EachBatchAlone):
    """Two transactions: rows first, then the facts."""

    def commit(self, batch):
        rows = attrs.evolve(batch, events=(), keys=(), inbox_keys=(), command_id=f"rows:{batch.command_id}")
        rows = attrs.evolve(rows, expected_version=self.load(batch.account_id).version)
        if batch.outbox and batch.command_id not in self._commands:
            super().commit(rows)
        return super().commit(attrs.evolve(batch, outbox=()))


class SwallowsErrors(EachBatchAlone):
    def commit(self, batch):
        try:
            return super().commit(batch)
        except CollectkitError:
            return Committed(version=batch.expected_version)


class ForgetsCommandIds(EachBatchAlone):
    def commit(self, batch):
        self._commands.clear()
        return super().commit(batch)


class IgnoresCommandHashes(EachBatchAlone):
    def commit(self, batch):
        try:
            return super().commit(batch)
        except IdempotencyKeyReuse:
            return Duplicate(version=self._commands[batch.command_id][2])


class GivesAFreshResultForDuplicates(EachBatchAlone):
    def commit(self, batch):
        answer = super().commit(batch)
        return Duplicate(version=self.load(batch.account_id).version) if isinstance(answer, Duplicate) else answer


class ScopesKeysToTheCommand(EachBatchAlone):
    def commit(self, batch):
        rows = tuple(attrs.evolve(row, key=f"{row.key}|{batch.command_id}"[:255]) for row in batch.outbox)
        return super().commit(
            attrs.evolve(batch, keys=tuple(f"{batch.command_id}/{k}" for k in batch.keys), outbox=rows)
        )


class LetsKeysExpire(EachBatchAlone):
    def mark(self, **what):
        marked = super().mark(**what)
        if marked and what["outcome"] in ("done", "suppressed", "dead"):
            self._keys.discard(what["key"])
            del self._rows[what["key"]]
        return marked


class Reorders(EachBatchAlone):
    def load(self, account_id, *, after=0):
        found = super().load(account_id, after=after)
        return attrs.evolve(found, events=sorted(found.events, key=lambda event: event.event_id))


class ServesAStaleCache(EachBatchAlone):
    def __init__(self):
        super().__init__()
        self.cache: dict[tuple[str, int], Loaded] = {}

    def load(self, account_id, *, after=0):
        return self.cache.setdefault((account_id, after), super().load(account_id, after=after))


class FoldsTheCaseOfIds(EachBatchAlone):
    def load(self, account_id, *, after=0):
        return super().load(account_id.upper(), after=after)

    def commit(self, batch):
        events = tuple(attrs.evolve(event, account_id=batch.account_id.upper()) for event in batch.events)
        rows = tuple(attrs.evolve(row, account_id=batch.account_id.upper()) for row in batch.outbox)
        return super().commit(attrs.evolve(batch, account_id=batch.account_id.upper(), events=events, outbox=rows))


class ReformatsJson(EachBatchAlone):
    """As a JSON column does."""

    def commit(self, batch):
        events = []
        for event in batch.events:
            if isinstance(event, UnknownEvent):
                event = attrs.evolve(
                    event, payload=re.sub(rb"\s+|1\.50", lambda m: b"1.5" if m[0] == b"1.50" else b"", event.payload)
                )
            events.append(event)
        return super().commit(attrs.evolve(batch, events=events))


class DropsTheOffset(EachBatchAlone):
    """As a column without a zone does: 12:00+05:30 becomes 12:00 UTC."""

    def commit(self, batch):
        events = [attrs.evolve(event, recorded_at=event.recorded_at.replace(tzinfo=UTC)) for event in batch.events
                  if not isinstance(event, UnknownEvent)]  # fmt: skip
        return super().commit(attrs.evolve(batch, events=events or batch.events))


class RoundsAmounts(EachBatchAlone):
    """As a float column does."""

    def commit(self, batch):
        events = []
        for event in batch.events:
            if isinstance(event, PaymentReceived):
                minor = int(float(event.payment.amount.minor) * 1.0000000001)
                amount = attrs.evolve(event.payment.amount, minor=min(minor, 10**18 - 64))
                event = attrs.evolve(event, payment=attrs.evolve(event.payment, amount=amount))
            events.append(event)
        return super().commit(attrs.evolve(batch, events=events))


class ClaimsWithoutALease(MemoryStore):
    def claim(self, **what):
        rows = super().claim(**what)
        for held in self._pending.values():
            held.leased_until = None
        return rows


class LeasesNeverEnd(MemoryStore):
    def claim(self, *, worker, now, limit=100, lease_seconds=300):
        rows = super().claim(worker=worker, now=now, limit=limit, lease_seconds=lease_seconds)
        for row in rows:
            self._pending[row.row.key].leased_until = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
        return rows


class AnyoneMayMark(MemoryStore):
    def mark(self, **what):
        held = self._rows.get(what["key"])
        return super().mark(**{**what, "owner": held.owner if held else what["owner"]})


class CountsADeferralAsAnAttempt(MemoryStore):
    def mark(self, **what):
        return super().mark(**{**what, "is_attempt": True})


class OwnersAreWorkerNames(MemoryStore):
    """A worker started anew under its old name passes for the one before."""

    def claim(self, *, worker, now, limit=100, lease_seconds=300):
        rows = super().claim(worker=worker, now=now, limit=limit, lease_seconds=lease_seconds)
        for row in rows:
            self._pending[row.row.key].owner = worker
        return tuple(attrs.evolve(row, owner=worker) for row in rows)


class ForgetsTheLane(MemoryStore):
    def _heads(self):
        return list(self._pending.values())


class RetriesForEver(MemoryStore):
    def __init__(self):
        super().__init__(attempts_limit=10**9)


class ThrowsDeadLettersAway(MemoryStore):
    def _finish(self, held, state):
        super()._finish(held, state)
        if state == "dead":
            del self._rows[held.row.key]


class SendsUnderANewKey(MemoryStore):
    def claim(self, **what):
        return tuple(
            attrs.evolve(row, row=attrs.evolve(row.row, key=f"{row.row.key}?{row.attempt}"[:255])) if row.attempt > 1 else row
            for row in super().claim(**what)
        )  # fmt: skip

    def mark(self, **what):
        return super().mark(**{**what, "key": what["key"].partition("?")[0]})


class LeaksDriverErrors(EachBatchAlone):
    def commit(self, batch):
        try:
            return super().commit(batch)
        except DuplicateKey as error:
            raise KeyError(str(error)) from None


class NeverLooksAtTheChain(MemoryStore):
    def load(self, account_id, *, after=0):
        try:
            return super().load(account_id, after=after)
        except AuditChainBroken:
            return Loaded(account_id=account_id, version=1, head="f" * 64)


class ChainsOnlyTheContent(MemoryStore):
    """Each hash covers its own bytes and not what stood before: a swap is not seen."""

    def load(self, account_id, *, after=0):
        account = self._accounts.get(account_id)
        if account is None:
            return super().load(account_id, after=after)
        before, sound = "", []
        for version, link in enumerate(account.links, start=1):
            known = link.hash in {chain_hash(b, account_id, v, link.data) for v, b in self.places(account_id)}
            before = chain_hash(before, account_id, version, link.data)
            sound.append(Link(version, link.data, before if known else link.hash))
        keep, head = list(account.links), account.head
        account.links[:], account.head = sound, sound[-1].hash if sound else ""
        try:
            return super().load(account_id, after=after)
        finally:
            account.links[:], account.head = keep, head

    def places(self, account_id):
        links = self._accounts[account_id].links
        hashes = ["", *(link.hash for link in links)]
        return [(version, before) for version in range(1, len(links) + 2) for before in hashes]


class ForgetsRememberedHeads(MemoryStore):
    def verify(self, account_id, *, version=0, head=""):
        return super().verify(account_id)


class TellsTooManyAreDue(MemoryStore):
    def account_ids(self, *, after="", limit=1000):
        return tuple(reversed(super().account_ids(after=after, limit=limit)))


class HidesFutureRows(MemoryStore):
    """Forgets when a row may be claimed next."""

    def next_at(self, *, before):
        return None


class LendsTooEarly(MemoryStore):
    def claim(self, *, worker, now, limit=100, lease_seconds=300) -> tuple[ClaimedRow, ...]:
        for held in self._pending.values():
            if held.attempt == 0:
                held.ready_at = None
        return super().claim(worker=worker, now=now, limit=limit, lease_seconds=lease_seconds)


BROKEN = {
    kind.__name__: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, MemoryStore) and kind not in (MemoryStore, EachBatchAlone)
}


class BrokenKit(MemoryKit):
    """A kit around a broken store."""

    def __init__(self, kind: type[MemoryStore]) -> None:
        self.store = kind()
