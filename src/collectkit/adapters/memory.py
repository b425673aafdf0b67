"""A store and outbox in memory: for tests, simulations and trying things out. Nothing survives the process.

Safe to share between threads: each call runs alone. It keeps canonical bytes and a hash chain as the SQL store does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import attrs

from collectkit.adapters.chain import Link, Ready, check_head, key_reuse, link_batch, loaded, ready, taken
from collectkit.core.decisions import Batch, CommitResult, Committed, Conflict, Duplicate, OutboxRow
from collectkit.ports import ClaimedRow, Loaded, MarkOutcome

__all__ = ["MemoryStore"]

STATES: Final = ("pending", "done", "suppressed", "dead")


@attrs.define
class _Account:
    links: list[Link] = attrs.field(factory=list)
    head: str = ""
    version: int = 0
    review_on: date | None = None


@attrs.define
class _Row:
    row: OutboxRow
    ready_at: datetime | None
    state: str = "pending"
    owner: str = ""
    leased_until: datetime | None = None
    attempt: int = 0
    lent: int = 0
    code: str = ""


class MemoryStore:
    """An `AccountStore` and `Outbox` in memory.

    `attempts_limit` is how often a row is lent before it is kept as a dead letter. With `secret` the chain is keyed.

    >>> store = MemoryStore()
    >>> store.load("A-1").version
    0
    """

    def __init__(self, *, attempts_limit: int = 8, secret: bytes | None = None) -> None:
        self._lock = threading.RLock()
        self._accounts: dict[str, _Account] = {}
        self._keys: set[str] = set()
        self._inbox: set[str] = set()
        self._commands: dict[str, tuple[str, str, int]] = {}
        self._rows: dict[str, _Row] = {}  # in commit order
        self._pending: dict[str, _Row] = {}  # likewise; what is finished leaves it
        self._attempts_limit = attempts_limit
        self._secret = secret

    # -- the facts ---------------------------------------------------------------------------------------------

    def load(self, account_id: str, *, after: int = 0) -> Loaded:
        """Return the events with versions above `after`; see `AccountStore.load`."""
        with self._lock:
            account = self._accounts.get(account_id, _Account())
            previous = next((link.hash for link in account.links if link.version == after), "")
            return loaded(
                account_id,
                version=account.version,
                head=account.head,
                links=[link for link in account.links if link.version > after],
                after=after,
                previous=previous,
                secret=self._secret,
            )

    def load_many(self, account_ids: Iterable[str]) -> tuple[Loaded, ...]:
        """Return whole accounts as of one moment; see `AccountStore.load_many`."""
        with self._lock:
            return tuple(self.load(account_id) for account_id in account_ids)

    def commit(self, batch: Batch) -> CommitResult:
        """Store a batch whole or not at all; see `AccountStore.commit`."""
        return self.commit_many((batch,))[0]

    def commit_many(self, batches: Sequence[Batch]) -> tuple[CommitResult, ...]:
        """Store batches in one step, with an answer for each; see `AccountStore.commit_many`."""
        prepared = [ready(batch) for batch in batches]
        with self._lock:
            # look first, write after: a refusal leaves everything as it was
            answers: list[CommitResult] = []
            versions: dict[str, int] = {}
            commands: dict[str, tuple[str, str, int]] = {}
            keys: set[str] = set()
            inbox: set[str] = set()
            rows: set[str] = set()
            winners: list[Ready] = []
            for one in prepared:
                batch = one.batch
                before = self._commands.get(batch.command_id) or commands.get(batch.command_id)
                if before is not None:
                    if before[:2] != (batch.account_id, batch.command_hash):
                        raise key_reuse(batch.account_id, batch.command_id)
                    answers.append(Duplicate(version=before[2]))
                    continue
                account = self._accounts.get(batch.account_id)
                actual = versions.get(batch.account_id, account.version if account is not None else 0)
                if actual != batch.expected_version:
                    answers.append(Conflict(actual=actual))
                    continue
                outgoing = tuple(row.key for row in batch.outbox)
                for given, stored, new in (
                    (batch.keys, self._keys, keys),
                    (batch.inbox_keys, self._inbox, inbox),
                    (outgoing, self._rows, rows),
                ):
                    for key in given:
                        if key in stored or key in new:
                            raise taken(batch.account_id, key)
                    new.update(given)
                version = actual + len(one.events)
                versions[batch.account_id] = version
                commands[batch.command_id] = (batch.account_id, batch.command_hash, version)
                winners.append(one)
                answers.append(Committed(version=version))
            for one in winners:
                self._write(one)
            self._commands.update(commands)
            self._keys |= keys
            self._inbox |= inbox
            return tuple(answers)

    def _write(self, one: Ready) -> None:
        batch = one.batch
        account = self._accounts.setdefault(batch.account_id, _Account())
        links = link_batch(one, account.head, secret=self._secret)
        account.links.extend(links)
        if links:
            account.head, account.version = links[-1].hash, links[-1].version
        account.review_on = batch.review_on
        for row in batch.outbox:
            self._rows[row.key] = self._pending[row.key] = _Row(row=row, ready_at=row.earliest_at)

    def due(self, *, as_of: date, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Return ids above `after` of accounts whose `review_on` has come; see `AccountStore.due`."""
        with self._lock:
            found = (
                account_id
                for account_id, account in self._accounts.items()
                if account_id > after and account.review_on is not None and account.review_on <= as_of
            )
            return tuple(sorted(found)[:limit])

    def account_ids(self, *, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Return all account ids above `after`, ascending."""
        with self._lock:
            return tuple(sorted(account_id for account_id in self._accounts if account_id > after)[:limit])

    def seen(self, inbox_keys: Iterable[str]) -> frozenset[str]:
        """Return those of the given inbox keys that are stored."""
        with self._lock:
            return frozenset(key for key in inbox_keys if key in self._inbox)

    def verify(self, account_id: str, *, version: int = 0, head: str = "") -> Loaded:
        """Check an account's chain and a remembered head; see `AccountStore.verify`."""
        with self._lock:
            found = self.load(account_id)
            account = self._accounts.get(account_id, _Account())
            check_head(account_id, account.links, version=version, head=head)
            return found

    # -- the outbox --------------------------------------------------------------------------------------------

    def claim(
        self, *, worker: str, now: datetime, limit: int = 100, lease_seconds: int = 300
    ) -> tuple[ClaimedRow, ...]:
        """Lend rows to a worker; see `Outbox.claim`."""
        with self._lock:
            claimed: list[ClaimedRow] = []
            for held in self._heads():
                if held.leased_until is not None and held.leased_until > now:
                    continue
                if held.attempt >= self._attempts_limit:  # lent so often, and nobody lived to say what came of it
                    held.code, held.owner = held.code or "store.attempts", ""
                    self._finish(held, "dead")
                    continue
                if len(claimed) >= limit or (held.ready_at is not None and held.ready_at > now):
                    continue
                held.attempt += 1
                held.lent += 1
                held.owner = f"{worker}#{held.lent}"  # never the same twice
                held.leased_until = now + timedelta(seconds=lease_seconds)
                claimed.append(
                    ClaimedRow(row=held.row, owner=held.owner, leased_until=held.leased_until, attempt=held.attempt)
                )
            return tuple(claimed)

    def mark(
        self,
        *,
        key: str,
        owner: str,
        outcome: MarkOutcome,
        now: datetime,
        code: str = "",
        is_attempt: bool = True,
    ) -> bool:
        """Record what became of a lent row; see `Outbox.mark`."""
        with self._lock:
            held = self._pending.get(key)
            if held is None or not owner or held.owner != owner:
                return False
            held.owner, held.leased_until = "", None
            held.attempt -= not is_attempt
            if code:
                held.code = code
            if isinstance(outcome, str):
                self._finish(held, outcome)
            elif held.attempt >= self._attempts_limit:
                self._finish(held, "dead")
            else:
                held.ready_at = outcome
            return True

    def next_at(self, *, before: datetime) -> datetime | None:
        """Return the earliest instant before `before` at which a row may be claimed, or None."""
        with self._lock:
            floor = datetime.min.replace(tzinfo=before.tzinfo)
            instants = [max(held.ready_at or floor, held.leased_until or floor) for held in self._heads()]
            return min((instant for instant in instants if instant < before), default=None)

    def tally(self) -> dict[str, int]:
        """Return how many rows stand at each state."""
        with self._lock:
            counts = dict.fromkeys(STATES, 0)
            for held in self._rows.values():
                counts[held.state] += 1
            return counts

    def dead_letters(self, *, limit: int = 100) -> tuple[tuple[OutboxRow, str], ...]:
        """Return rows that were given up, oldest first, each with its last code."""
        with self._lock:
            dead = [(held.row, held.code) for held in self._rows.values() if held.state == "dead"]
            return tuple(dead[:limit])

    def _heads(self) -> list[_Row]:
        """Return the first unfinished row of each account and lane, in commit order."""
        heads: dict[tuple[str, str], _Row] = {}
        for held in self._pending.values():
            heads.setdefault((held.row.account_id, held.row.lane), held)
        return list(heads.values())

    def _finish(self, held: _Row, state: str) -> None:
        held.state = state
        del self._pending[held.row.key]
