"""The tables of the SQL store, and what engines of SQLite and PostgreSQL need to keep its promises.

`metadata` is public: a host may create the tables with its own migrations. Money never has a column of its own here;
events are kept as bytes, because an engine re-orders and re-formats JSON.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any, Final

from collectkit.core.errors import (
    InvalidDate,
    MissingOptionalDependency,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

try:
    import sqlalchemy as sa
except ImportError as _absent:
    raise MissingOptionalDependency("sql", "SQLAlchemy") from _absent

__all__ = [
    "SCHEMA",
    "Utc",
    "accounts",
    "commands",
    "events",
    "inbox",
    "keys",
    "meta",
    "metadata",
    "outbox",
    "prepare",
    "sa",
    "store_error",
]

SCHEMA: Final = 1

metadata: Final = sa.MetaData()


class Utc(sa.TypeDecorator[datetime]):
    """An instant: naive ones are refused, all are kept in UTC, and come back aware on every engine."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware instant to UTC; SQLite keeps no offset, so it is cut off there."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise InvalidDate("calendars.naive", "an instant needs a zone before it is stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# ids compare byte by byte on both engines, whatever the database's language
_ID: Final = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
_COUNTER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

meta = sa.Table(
    "collectkit_meta",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
accounts = sa.Table(
    "collectkit_accounts",
    metadata,
    sa.Column("account_id", _ID, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("head", sa.String(64), nullable=False),
    sa.Column("review_on", sa.Date),
    sa.Index("collectkit_accounts_review", "review_on", "account_id"),
    sqlite_with_rowid=False,
)
events = sa.Table(
    "collectkit_events",
    metadata,
    sa.Column("account_id", _ID, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
keys = sa.Table(
    "collectkit_keys",
    metadata,
    sa.Column("key", _ID, primary_key=True),
    sa.Column("account_id", _ID, nullable=False),
    sqlite_with_rowid=False,
)
inbox = sa.Table(
    "collectkit_inbox",
    metadata,
    sa.Column("key", _ID, primary_key=True),
    sa.Column("account_id", _ID, nullable=False),
    sqlite_with_rowid=False,
)
commands = sa.Table(
    "collectkit_commands",
    metadata,
    sa.Column("command_id", _ID, primary_key=True),
    sa.Column("account_id", _ID, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
outbox = sa.Table(
    "collectkit_outbox",
    metadata,
    sa.Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("key", _ID, nullable=False, unique=True),
    sa.Column("account_id", _ID, nullable=False),
    sa.Column("lane", _ID, nullable=False),
    sa.Column("command", sa.String(255), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("earliest_at", Utc),
    sa.Column("latest_at", Utc),
    sa.Column("ready_at", Utc),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(300), nullable=False, server_default=""),
    sa.Column("leased_until", Utc),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lent", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("code", sa.String(255), nullable=False, server_default=""),
    sa.Index("collectkit_outbox_lane", "state", "account_id", "lane", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice, so commit order stays readable
)


# -- engines -----------------------------------------------------------------------------------------------------


def prepare(engine: sa.Engine, *, busy_timeout_seconds: float) -> None:
    """Make the engine's connections keep the promises: full sync, waiting for a lock, writers one at a time."""
    if engine.dialect.name == "sqlite":
        if sa.event.contains(engine, "begin", _sqlite_begin):
            return
        sa.event.listen(engine, "connect", _sqlite_pragmas(round(busy_timeout_seconds * 1000)))
        sa.event.listen(engine, "begin", _sqlite_begin)
    else:
        sa.event.listen(engine, "connect", _postgres_settings(round(busy_timeout_seconds * 1000)))


def _sqlite_pragmas(busy_milliseconds: int) -> Any:
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={busy_milliseconds}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose the last commits, OFF the whole file
        cursor.close()

    return connected


def _sqlite_begin(connection: sa.Connection) -> None:
    # a transaction that reads first and writes later fails at once when another wrote in between
    writes = connection.get_execution_options().get("collectkit_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_settings(lock_milliseconds: int) -> Any:
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {lock_milliseconds}")
        cursor.execute("SET synchronous_commit = on")
        cursor.close()
        connection.commit()

    return connected


# -- errors ------------------------------------------------------------------------------------------------------

_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
_FULL: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_TOOBIG")
_CORRUPT: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_DATA")
_POSTGRES_BUSY: Final = ("40001", "40P01", "55P03", "57014", "53300")
_POSTGRES_FULL: Final = ("53100", "53200", "54000")
_POSTGRES_CORRUPT: Final = ("XX001", "XX002")


def store_error(failure: BaseException, place: str) -> StoreError:
    """Return the store error that a driver's failure means; `place` names the store without any secret.

    The driver's own text is left out, because it may quote what was being written.
    """
    cause = getattr(failure, "orig", None) or failure
    name = getattr(cause, "sqlite_errorname", None)
    state = getattr(cause, "sqlstate", None)
    sign = str(name or state or type(cause).__name__)
    if isinstance(failure, sa.exc.TimeoutError) or sign.startswith(_BUSY) or state in _POSTGRES_BUSY:
        return StoreBusy("store.busy", f"{place} is held by another writer ({sign}); try again", sign=sign)
    if sign.startswith(_FULL) or state in _POSTGRES_FULL:
        return StoreFull("store.full", f"{place} has no space left ({sign}); free some and try again", sign=sign)
    damaged = isinstance(cause, (UnicodeError, ValueError, OverflowError, TypeError)) or (
        name is None and isinstance(cause, sqlite3.OperationalError) and "decode" in str(cause)
    )
    if damaged or sign.startswith(_CORRUPT) or state in _POSTGRES_CORRUPT:
        return StoreCorrupt("store.corrupt", f"{place} is damaged ({sign}); restore it from a backup", sign=sign)
    return StoreUnavailable("store.unavailable", f"{place} cannot be read or written ({sign})", sign=sign)
