"""The SQL store: one adapter for SQLite, the embedded default, and PostgreSQL, through SQLAlchemy Core.

A batch is stored in one transaction with its events, keys, command record, outbox rows and next look. On SQLite
writers take turns (`BEGIN IMMEDIATE`, WAL, `synchronous=FULL`); on PostgreSQL an account's row is locked while it is
written. Safe to share between threads; a process that forks opens its own.

Not promised: the last commits on a disk that lies about syncing; exactly one delivery by a provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from os import PathLike, fspath
from typing import Any, Final

import attrs

from collectkit.adapters._sql_tables import (
    SCHEMA,
    accounts,
    commands,
    events,
    inbox,
    keys,
    meta,
    metadata,
    outbox,
    prepare,
    sa,
    store_error,
)
from collectkit.adapters.chain import Link, Ready, broken, check_head, key_reuse, link_batch, loaded, ready, taken
from collectkit.core.codec import decode_event
from collectkit.core.decisions import Batch, CommitResult, Committed, Conflict, Duplicate, OutboxRow
from collectkit.core.errors import CollectkitError, MissingOptionalDependency, SchemaTooNew, StoreBusy, StoreUnavailable
from collectkit.ports import ClaimedRow, Loaded, MarkOutcome

__all__ = ["SqlStore"]

_CHUNK: Final = 500  # ids in one IN (...); SQLite's oldest limit of parameters is 999
_RACES: Final = 3
_REMEMBERED: Final = 32_768  # decoded events, about one kilobyte each
_FIRST: Final = -(2**62)  # below every version, so that a row smuggled in under 0 or less is found
_CREATING: Final = 7_066_511  # the name of a PostgreSQL advisory lock, any number of our own
_DRIVER_FAILURES: Final = (sa.exc.SQLAlchemyError, UnicodeError, ValueError, OverflowError, TypeError)
_STATES: Final = ("pending", "done", "suppressed", "dead")


class SqlStore:
    """An `AccountStore` and `Outbox` in SQLite or PostgreSQL.

    `where` is a path of an SQLite file, an SQLAlchemy URL, or an engine of the host's own. `attempts_limit` is how
    often an outbox row is lent before it is kept as a dead letter. With `secret` the hash chain is keyed.

    A store of a newer schema can be read; every write raises `SchemaTooNew`.

    Raises:
        StoreUnavailable: the file or server cannot be opened; nothing was created.
        StoreCorrupt: the file is no database.
        MissingOptionalDependency: the driver named by the URL is not installed.
    """

    def __init__(
        self,
        where: str | PathLike[str] | sa.Engine,
        *,
        attempts_limit: int = 8,
        busy_timeout_seconds: float = 5.0,
        secret: bytes | None = None,
    ) -> None:
        self._engine, self._place = _engine(where)
        self._attempts_limit = attempts_limit
        self._secret = secret
        # an account is read again on every look, and most of it has not changed: events are frozen, so they are shared
        self._decode = lru_cache(maxsize=_REMEMBERED)(decode_event)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        prepare(self._engine, busy_timeout_seconds=busy_timeout_seconds)
        self._create()

    @property
    def engine(self) -> sa.Engine:
        """Return the SQLAlchemy engine, for a host's own reports."""
        return self._engine

    def close(self) -> None:
        """Close every connection and forget what was read; the store opens new ones when it is used again."""
        self._engine.dispose()
        self._decode.cache_clear()

    def __enter__(self) -> SqlStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the facts ---------------------------------------------------------------------------------------------

    def load(self, account_id: str, *, after: int = 0) -> Loaded:
        """Return the events with versions above `after`; see `AccountStore.load`."""
        with self._reading() as connection:
            head = connection.execute(_ACCOUNT, {"account_id": account_id}).one_or_none()
            # one more than asked for: its hash is where the chain goes on
            links = _links(connection, account_id, first=after if after > 0 else _FIRST)
        previous = links.pop(0).hash if after > 0 and links and links[0].version == after else ""
        return loaded(
            account_id,
            version=head.version if head is not None else 0,
            head=head.head if head is not None else "",
            links=links,
            after=max(after, 0),
            previous=previous,
            secret=self._secret,
            decode=self._decode,
        )

    def load_many(self, account_ids: Iterable[str]) -> tuple[Loaded, ...]:
        """Return whole accounts as of one moment; see `AccountStore.load_many`."""
        wanted = tuple(account_ids)
        heads: dict[str, tuple[int, str]] = {}
        links: dict[str, list[Link]] = {}
        with self._reading() as connection:
            for chunk in _chunks(dict.fromkeys(wanted)):
                for row in connection.execute(_ACCOUNTS, {"ids": chunk}):
                    heads[row.account_id] = (row.version, row.head)
                for account_id, version, data, link_hash in connection.execute(_EVENTS_OF, {"ids": chunk}):
                    links.setdefault(account_id, []).append(Link(version, data, link_hash))
        found = {}
        for account_id in dict.fromkeys(wanted):
            version, head = heads.get(account_id, (0, ""))
            found[account_id] = loaded(
                account_id,
                version=version,
                head=head,
                links=links.get(account_id, ()),
                secret=self._secret,
                decode=self._decode,
            )
        return tuple(found[account_id] for account_id in wanted)

    def commit(self, batch: Batch) -> CommitResult:
        """Store a batch whole or not at all; see `AccountStore.commit`."""
        return self.commit_many((batch,))[0]

    def commit_many(self, batches: Sequence[Batch]) -> tuple[CommitResult, ...]:
        """Store batches in one transaction, with an answer for each; see `AccountStore.commit_many`."""
        prepared = [ready(batch) for batch in batches]
        for _ in range(_RACES):
            try:
                with self._writing() as connection:
                    return _Commit(connection, self._secret).run(prepared)
            except _LostRace:
                continue  # another writer stored the same id or key meanwhile; now it can be seen and named
        raise StoreBusy("store.busy", f"{self._place}: other writers keep changing the same accounts; try again")

    def due(self, *, as_of: date, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Return ids above `after` of accounts whose `review_on` has come; see `AccountStore.due`."""
        with self._reading() as connection:
            return tuple(connection.scalars(_DUE, {"as_of": as_of, "after": after, "limit": limit}))

    def account_ids(self, *, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Return all account ids above `after`, ascending."""
        with self._reading() as connection:
            return tuple(connection.scalars(_IDS, {"after": after, "limit": limit}))

    def seen(self, inbox_keys: Iterable[str]) -> frozenset[str]:
        """Return those of the given inbox keys that are stored."""
        with self._reading() as connection:
            return frozenset(_stored(connection, inbox.c.key, inbox_keys))

    def verify(self, account_id: str, *, version: int = 0, head: str = "") -> Loaded:
        """Check an account's chain and a remembered head; see `AccountStore.verify`."""
        found = self.load(account_id)
        with self._reading() as connection:
            links = _links(connection, account_id, first=version)
        check_head(account_id, links[:1], version=version, head=head)
        return found

    # -- the outbox --------------------------------------------------------------------------------------------

    def claim(
        self, *, worker: str, now: datetime, limit: int = 100, lease_seconds: int = 300
    ) -> tuple[ClaimedRow, ...]:
        """Lend rows to a worker; see `Outbox.claim`."""
        leased_until = now + timedelta(seconds=lease_seconds)
        values = {"now": now, "worker": worker, "until": leased_until, "limit": limit, "most": self._attempts_limit}
        with self._writing() as connection:
            connection.execute(_BURY, values)
            rows = connection.execute(_CLAIM, values).all()
        return tuple(
            ClaimedRow(row=_outbox_row(row), owner=row.owner, leased_until=row.leased_until, attempt=row.attempt)
            for row in sorted(rows, key=lambda row: int(row.seq))
        )

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
        lent = sa.and_(outbox.c.key == key, outbox.c.owner == owner, outbox.c.owner != "", outbox.c.state == "pending")
        attempt = outbox.c.attempt if is_attempt else outbox.c.attempt - 1
        values: dict[str, Any] = {"owner": "", "leased_until": None, "attempt": attempt}
        if code:
            values["code"] = code[:255]
        if isinstance(outcome, str):
            values["state"] = outcome
        else:
            values["ready_at"] = outcome
            values["state"] = sa.case((attempt >= self._attempts_limit, "dead"), else_="pending")
        with self._writing() as connection:
            return connection.execute(outbox.update().where(lent).values(values)).rowcount == 1

    def next_at(self, *, before: datetime) -> datetime | None:
        """Return the earliest instant before `before` at which a row may be claimed, or None."""
        floor = datetime.min.replace(tzinfo=before.tzinfo)
        with self._reading() as connection:
            rows = connection.execute(_HEADS_AT).all()
        instants = [max(row.ready_at or floor, row.leased_until or floor) for row in rows]
        return min((instant for instant in instants if instant < before), default=None)

    def tally(self) -> dict[str, int]:
        """Return how many rows stand at each state."""
        with self._reading() as connection:
            counts = {row.state: int(row.n) for row in connection.execute(_TALLY)}
        return {state: counts.get(state, 0) for state in _STATES}

    def dead_letters(self, *, limit: int = 100) -> tuple[tuple[OutboxRow, str], ...]:
        """Return rows that were given up, oldest first, each with its last code."""
        with self._reading() as connection:
            rows = connection.execute(_DEAD, {"limit": limit}).all()
        return tuple((_outbox_row(row), row.code) for row in rows)

    # -- transactions ------------------------------------------------------------------------------------------

    def _create(self) -> None:
        """Create what is missing; a store of a newer schema is left alone."""
        with self._driver(), self._engine.connect() as connection:
            is_new = not sa.inspect(connection).has_table(meta.name)
        if not is_new:
            return
        with self._transaction(writes=True) as connection:
            if not self._is_sqlite:  # several processes may start at once
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATING)))
            metadata.create_all(connection)
            if connection.scalar(_SCHEMA) is None:
                connection.execute(meta.insert(), {"name": "schema", "value": SCHEMA})

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._transaction(writes=True) as connection:
            schema = connection.scalar(_SCHEMA)
            if schema is not None and schema > SCHEMA:  # None: a host made the tables by its own migrations
                raise SchemaTooNew(
                    "store.schema_too_new",
                    f"{self._place} has schema {schema} and this release writes schema {SCHEMA}; upgrade collectkit",
                    schema=schema,
                )
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[sa.Connection]:
        with self._driver(), self._engine.connect() as connection:
            if writes:
                connection = connection.execution_options(collectkit_writes=True)
            elif not self._is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")  # one moment for all
            with connection.begin():
                yield connection

    @contextmanager
    def _driver(self) -> Iterator[None]:
        """Turn a driver's failure into a store error; the transaction inside was rolled back."""
        try:
            yield
        except CollectkitError:
            raise
        except sa.exc.IntegrityError:
            raise _LostRace from None
        except (*_DRIVER_FAILURES, self._engine.dialect.loaded_dbapi.Error) as failure:
            refused = getattr(failure, "orig", None)
            if isinstance(refused, CollectkitError):  # a naive instant, refused by its column
                raise refused from None
            raise store_error(failure, self._place) from None


# -- one transaction of commits ----------------------------------------------------------------------------------


class _LostRace(Exception):
    """Another writer stored the same row between our look and our write."""


@attrs.define
class _Standing:
    version: int
    head: str
    is_new: bool
    is_touched: bool = False
    review_on: date | None = None


class _Commit:
    """Answers batches and gathers the rows of those that win; they are written together at the end."""

    def __init__(self, connection: sa.Connection, secret: bytes | None) -> None:
        self.connection = connection
        self.secret = secret
        self.standing: dict[str, _Standing] = {}
        self.commands: dict[str, tuple[str, str, int]] = {}
        self.rows: dict[sa.Table, list[dict[str, Any]]] = {
            table: [] for table in (events, commands, keys, inbox, outbox)
        }
        self.new_keys: dict[sa.Table, dict[str, str]] = {keys: {}, inbox: {}, outbox: {}}

    def run(self, prepared: Sequence[Ready]) -> tuple[CommitResult, ...]:
        self._look(prepared)
        answers = tuple(self._answer(one) for one in prepared)
        for table, taken_by in self.new_keys.items():
            for key in _stored(self.connection, table.c.key, taken_by):
                raise taken(taken_by[key], key)
        self._write()
        return answers

    def _look(self, prepared: Sequence[Ready]) -> None:
        """Read versions and command records; PostgreSQL locks the accounts, in one order for every writer."""
        for chunk in _chunks(sorted({one.batch.account_id for one in prepared})):
            for row in self.connection.execute(_LOCKED, {"ids": chunk}):
                if type(row.version) is not int or type(row.head) is not str:
                    raise broken(row.account_id, 1)
                self.standing[row.account_id] = _Standing(row.version, row.head, is_new=False)
        for chunk in _chunks(dict.fromkeys(one.batch.command_id for one in prepared)):
            for row in self.connection.execute(_COMMANDS, {"ids": chunk}):
                self.commands[row.command_id] = (row.account_id, row.hash, row.version)

    def _answer(self, one: Ready) -> CommitResult:
        batch = one.batch
        before = self.commands.get(batch.command_id)
        if before is not None:
            if before[:2] != (batch.account_id, batch.command_hash):
                raise key_reuse(batch.account_id, batch.command_id)
            return Duplicate(version=before[2])
        standing = self.standing.setdefault(batch.account_id, _Standing(0, "", is_new=True))
        if standing.version != batch.expected_version:
            return Conflict(actual=standing.version)
        for table, given in (
            (keys, batch.keys),
            (inbox, batch.inbox_keys),
            (outbox, tuple(row.key for row in batch.outbox)),
        ):
            new = self.new_keys[table]
            for key in given:
                if key in new:
                    raise taken(batch.account_id, key)
                new[key] = batch.account_id
        self._gather(one, standing)
        self.commands[batch.command_id] = (batch.account_id, batch.command_hash, standing.version)
        return Committed(version=standing.version)

    def _gather(self, one: Ready, standing: _Standing) -> None:
        batch = one.batch
        account_id = batch.account_id
        links = link_batch(one, standing.head, secret=self.secret)
        self.rows[events].extend(
            {"account_id": account_id, "version": link.version, "hash": link.hash, "data": link.data} for link in links
        )
        if links:
            standing.version, standing.head = links[-1].version, links[-1].hash
        standing.is_touched, standing.review_on = True, batch.review_on
        self.rows[commands].append(
            {
                "command_id": batch.command_id,
                "account_id": account_id,
                "hash": batch.command_hash,
                "version": standing.version,
            }
        )
        self.rows[keys].extend({"key": key, "account_id": account_id} for key in batch.keys)
        self.rows[inbox].extend({"key": key, "account_id": account_id} for key in batch.inbox_keys)
        self.rows[outbox].extend(
            {
                "key": row.key,
                "account_id": account_id,
                "lane": row.lane,
                "command": row.command,
                "payload": row.payload,
                "earliest_at": row.earliest_at,
                "latest_at": row.latest_at,
                "ready_at": row.earliest_at,
                "state": "pending",
            }
            for row in batch.outbox
        )

    def _write(self) -> None:
        touched = sorted(
            (account_id, standing) for account_id, standing in self.standing.items() if standing.is_touched
        )
        new = [_account_row(account_id, standing) for account_id, standing in touched if standing.is_new]
        old = [
            {
                "id": account_id,
                "to_version": standing.version,
                "to_head": standing.head,
                "to_review": standing.review_on,
            }
            for account_id, standing in touched
            if not standing.is_new
        ]
        if new:
            self.connection.execute(accounts.insert(), new)
        if old:
            self.connection.execute(_MOVE, old)
        for table, rows in self.rows.items():
            if rows:
                self.connection.execute(table.insert(), rows)


# -- details -----------------------------------------------------------------------------------------------------


def _account_row(account_id: str, standing: _Standing) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "version": standing.version,
        "head": standing.head,
        "review_on": standing.review_on,
    }


def _engine(where: str | PathLike[str] | sa.Engine) -> tuple[sa.Engine, str]:
    """Return an engine and a name for it that holds no password."""
    if isinstance(where, sa.Engine):
        return where, f"the {where.dialect.name} store"
    text = fspath(where)
    if "://" not in text:
        url = sa.URL.create("sqlite", database=text)
        return sa.create_engine(url, hide_parameters=True), f"the store {text}"
    try:
        url = sa.make_url(text)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return sa.create_engine(url, hide_parameters=True), f"the store {url.render_as_string(hide_password=True)}"
    except ModuleNotFoundError as absent:
        raise MissingOptionalDependency("sql", absent.name or "the driver") from None
    except sa.exc.SQLAlchemyError:
        raise StoreUnavailable("store.unavailable", "this URL names no database that SQLAlchemy knows") from None


def _links(connection: sa.Connection, account_id: str, *, first: int) -> list[Link]:
    return [Link(*row) for row in connection.execute(_EVENTS, {"account_id": account_id, "first": first})]


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _stored(connection: sa.Connection, column: sa.Column[str], ids: Iterable[str]) -> Iterator[str]:
    for chunk in _chunks(ids):
        yield from connection.scalars(sa.select(column).where(column.in_(chunk)))


def _outbox_row(row: Any) -> OutboxRow:
    return OutboxRow(
        key=row.key,
        account_id=row.account_id,
        lane=row.lane,
        command=row.command,
        payload=row.payload,
        earliest_at=row.earliest_at,
        latest_at=row.latest_at,
    )


_IN: Final[sa.BindParameter[Any]] = sa.bindparam("ids", expanding=True)
_SCHEMA: Final = sa.select(meta.c.value).where(meta.c.name == "schema")
_ACCOUNT: Final = sa.select(accounts.c.version, accounts.c.head).where(
    accounts.c.account_id == sa.bindparam("account_id")
)
_ACCOUNTS: Final = sa.select(accounts.c.account_id, accounts.c.version, accounts.c.head).where(
    accounts.c.account_id.in_(_IN)
)
_LOCKED: Final = _ACCOUNTS.order_by(accounts.c.account_id).with_for_update()  # SQLite holds the whole file anyway
_EVENTS: Final = (
    sa.select(events.c.version, events.c.data, events.c.hash)
    .where(events.c.account_id == sa.bindparam("account_id"), events.c.version >= sa.bindparam("first"))
    .order_by(events.c.version)
)
_EVENTS_OF: Final = (
    sa.select(events.c.account_id, events.c.version, events.c.data, events.c.hash)
    .where(events.c.account_id.in_(_IN))
    .order_by(events.c.account_id, events.c.version)
)
_COMMANDS: Final = sa.select(commands).where(commands.c.command_id.in_(_IN))
_MOVE: Final = (
    accounts.update()
    .where(accounts.c.account_id == sa.bindparam("id"))
    .values(version=sa.bindparam("to_version"), head=sa.bindparam("to_head"), review_on=sa.bindparam("to_review"))
)
_IDS: Final = (
    sa.select(accounts.c.account_id)
    .where(accounts.c.account_id > sa.bindparam("after"))
    .order_by(accounts.c.account_id)
    .limit(sa.bindparam("limit"))
)
_DUE: Final = _IDS.where(accounts.c.review_on <= sa.bindparam("as_of"))

_earlier = outbox.alias("earlier")
_IS_HEAD: Final = ~sa.exists().where(  # no unfinished row of its account and lane stands before it
    _earlier.c.state == "pending",
    _earlier.c.account_id == outbox.c.account_id,
    _earlier.c.lane == outbox.c.lane,
    _earlier.c.seq < outbox.c.seq,
)
_IS_FREE: Final = sa.and_(
    outbox.c.state == "pending",
    sa.or_(
        outbox.c.leased_until.is_(None), outbox.c.leased_until <= sa.bindparam("now", type_=outbox.c.leased_until.type)
    ),
)
_READY: Final = (
    sa.select(outbox.c.seq)
    .where(
        _IS_FREE,
        _IS_HEAD,
        outbox.c.attempt < sa.bindparam("most"),
        sa.or_(outbox.c.ready_at.is_(None), outbox.c.ready_at <= sa.bindparam("now", type_=outbox.c.ready_at.type)),
    )
    .order_by(outbox.c.seq)
    .limit(sa.bindparam("limit"))
)
_CLAIM: Final = (
    outbox.update()
    # said again outside: on PostgreSQL a row that another worker took meanwhile is looked at once more
    .where(_IS_FREE, outbox.c.seq.in_(_READY))
    .values(
        attempt=outbox.c.attempt + 1,
        lent=outbox.c.lent + 1,
        # never the same twice, so a worker started anew under its old name is not taken for the one before
        owner=sa.bindparam("worker", type_=sa.String) + "#" + sa.cast(outbox.c.lent + 1, sa.String),
        leased_until=sa.bindparam("until", type_=outbox.c.leased_until.type),
    )
    .returning(outbox)
)
_BURY: Final = (  # lent so often, and nobody lived to say what came of it
    outbox.update()
    .where(_IS_FREE, outbox.c.attempt >= sa.bindparam("most"))
    .values(state="dead", owner="", code=sa.case((outbox.c.code == "", "store.attempts"), else_=outbox.c.code))
)
_HEADS_AT: Final = sa.select(outbox.c.ready_at, outbox.c.leased_until).where(outbox.c.state == "pending", _IS_HEAD)
_TALLY: Final = sa.select(outbox.c.state, sa.func.count().label("n")).group_by(outbox.c.state)
_DEAD: Final = sa.select(outbox).where(outbox.c.state == "dead").order_by(outbox.c.seq).limit(sa.bindparam("limit"))
