"""The suite's doors to our own stores: memory, and SQLite on a file."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import event

from collectkit.adapters.chain import Link
from collectkit.adapters.memory import MemoryStore
from collectkit.adapters.sql import SqlStore
from collectkit.testing.conformance import Edit, Store, StoreKit


class MemoryKit(StoreKit):
    """One memory store; every `open` gives the same one, since it is its own data."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def open(self) -> Store:
        return self.store

    def edits(self, account_id: str) -> Iterable[Edit]:
        account = self.store._accounts[account_id]
        whole = list(account.links)

        def edit(name: str, links: list[Link]) -> Edit:
            def put(these: list[Link]) -> None:
                account.links[:] = these

            return Edit(name, lambda: put(links), lambda: put(whole))

        def changed(at: int, **what: object) -> list[Link]:
            return [link._replace(**what) if place == at else link for place, link in enumerate(whole)]

        for at, link in enumerate(whole):
            flipped = link.data.replace(b"2026", b"2025", 1)
            yield edit(f"data of {at}", changed(at, data=flipped))
            yield edit(f"hash of {at}", changed(at, hash="0" * 64))
            yield edit(f"delete {at}", whole[:at] + whole[at + 1 :])
            rest = [one._replace(version=place) for place, one in enumerate(whole[:at] + whole[at + 1 :], start=1)]
            yield edit(f"delete and renumber {at}", rest)
            yield edit(f"renumber {at}", changed(at, version=link.version + 100))
            tag = link.data.index(b'"type":"') + 8
            yield edit(f"type of {at}", changed(at, data=link.data[:tag] + b"X" + link.data[tag:]))
            yield edit(f"repeat {at}", [*whole[: at + 1], *whole[at:]])
        for at in range(len(whole) - 1):
            one, two = whole[at], whole[at + 1]
            yield edit(
                f"swap {at}",
                [*whole[:at], two._replace(version=at + 1), one._replace(version=at + 2), *whole[at + 2 :]],
            )

    @contextmanager
    def restore_older(self) -> Iterator[Callable[[], None]]:
        import copy

        older = copy.deepcopy(self.store._accounts)

        def restore() -> None:
            self.store._accounts = older

        yield restore


class SqliteKit(StoreKit):
    """One SQLite file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "store.db"
        self.opened: list[SqlStore] = []

    def open(self) -> SqlStore:
        store = SqlStore(self.path)
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()

    def open_impatient(self) -> SqlStore:
        store = SqlStore(self.path, busy_timeout_seconds=0.05)
        self.opened.append(store)
        return store

    @contextmanager
    def locked_by_another(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    @contextmanager
    def failing(self, call: int, *, for_ever: bool) -> Iterator[Callable[[], bool]]:
        engine = self.opened[-1].engine
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1
            if calls == call or (for_ever and calls > call):
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorname = "SQLITE_IOERR"  # type: ignore[misc]  # as the driver sets it
                raise error

        names = ("before_cursor_execute", "commit")
        for name in names:
            event.listen(engine, name, count)
        try:
            yield lambda: calls >= call
        finally:
            for name in names:
                event.remove(engine, name, count)

    @contextmanager
    def full(self) -> Iterator[None]:
        engine = self.opened[-1].engine

        def capped(connection: object, *_: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection
            cursor.execute("PRAGMA max_page_count=1")  # SQLite raises this to what the file has now
            cursor.close()

        engine.dispose()
        event.listen(engine, "connect", capped)
        try:
            yield
        finally:
            event.remove(engine, "connect", capped)
            engine.dispose()

    def damages(self) -> Iterable[Edit]:
        self.close()
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sound = self.path.read_bytes()

        def put(data: bytes) -> None:
            self.close()
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            self.path.write_bytes(data)

        def damage(name: str, data: bytes) -> Edit:
            return Edit(name, lambda: put(data), lambda: put(sound))

        yield damage("header", b"no database!!!!!" + sound[16:])
        for share in (2, 3, 5):
            yield damage(f"cut to 1/{share}", sound[: len(sound) // share // 4096 * 4096])
        pages = len(sound) // 4096
        for page in range(1, pages, max(1, pages // 12)):
            start = page * 4096
            yield damage(f"page {page} zeroed", sound[:start] + bytes(4096) + sound[start + 4096 :])
            middle = start + 2048
            flipped = bytes([sound[middle] ^ 0x01])
            yield damage(f"one bit of page {page}", sound[:middle] + flipped + sound[middle + 1 :])

    def _sql(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement, values in statements:
                connection.execute(statement, values)

    def edits(self, account_id: str) -> Iterable[Edit]:
        with closing(sqlite3.connect(self.path)) as connection:
            whole = connection.execute(
                "SELECT account_id, version, hash, data FROM collectkit_events WHERE account_id = ? ORDER BY version",
                (account_id,),
            ).fetchall()

        def put(rows: list[tuple[object, ...]]) -> None:
            insert = "INSERT INTO collectkit_events (account_id, version, hash, data) VALUES (?, ?, ?, ?)"
            self._sql(
                ("DELETE FROM collectkit_events WHERE account_id = ?", (account_id,)), *((insert, row) for row in rows)
            )

        def edit(name: str, rows: list[tuple[object, ...]]) -> Edit:
            return Edit(name, lambda: put(rows), lambda: put(whole))

        for at, (owner, version, link_hash, data) in enumerate(whole):
            before, after = whole[:at], whole[at + 1 :]
            for place in range(0, len(data), 37):
                flipped = data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]
                yield edit(f"byte {place} of {version}", [*before, (owner, version, link_hash, flipped), *after])
            yield edit(f"hash of {version}", [*before, (owner, version, "f" * 64, data), *after])
            yield edit(f"text for bytes in {version}", [*before, (owner, version, link_hash, data.decode()), *after])
            yield edit(f"bytes for text in {version}", [*before, (owner, version, link_hash.encode(), data), *after])
            yield edit(f"delete {version}", before + after)
            renumbered = [(owner, place, *row[2:]) for place, row in enumerate(before + after, start=1)]
            yield edit(f"delete and renumber {version}", renumbered)
            yield edit(f"renumber {version}", [*before, (owner, version + 100, link_hash, data), *after])
            yield edit(f"smuggle under 0 {version}", [(owner, 0, link_hash, data), *whole])
            typed = data.replace(b'"type":"', b'"type":"X', 1)
            yield edit(f"type of {version}", [*before, (owner, version, link_hash, typed), *after])
        for at in range(len(whole) - 1):
            one, two = whole[at], whole[at + 1]
            swapped = [(one[0], one[1], *two[2:]), (two[0], two[1], *one[2:])]
            yield edit(f"swap {at}", [*whole[:at], *swapped, *whole[at + 2 :]])
        for what, spoilt in (("head", b"x"), ("head", ""), ("version", "many")):
            with closing(sqlite3.connect(self.path)) as connection:
                query = f"SELECT {what} FROM collectkit_accounts WHERE account_id = ?"
                (was,) = connection.execute(query, (account_id,)).fetchone()
            change = f"UPDATE collectkit_accounts SET {what} = ? WHERE account_id = ?"
            yield Edit(
                f"account's {what} {spoilt!r}",
                lambda change=change, spoilt=spoilt: self._sql((change, (spoilt, account_id))),
                lambda change=change, was=was: self._sql((change, (was, account_id))),
            )
        head = "UPDATE collectkit_accounts SET version = version + ? WHERE account_id = ?"
        for by in (1, -1):
            yield Edit(
                f"account's version {by:+}",
                lambda by=by: self._sql((head, (by, account_id))),
                lambda by=by: self._sql((head, (-by, account_id))),
            )

    @contextmanager
    def restore_older(self) -> Iterator[Callable[[], None]]:
        older = self.path.with_suffix(".older")
        with closing(sqlite3.connect(self.path)) as connection, closing(sqlite3.connect(older)) as copy:
            connection.backup(copy)

        def restore() -> None:
            self.close()
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            shutil.copy(older, self.path)

        yield restore

    def written_by_newer_release(self) -> None:
        self._sql(("UPDATE collectkit_meta SET value = 99 WHERE name = 'schema'", ()))

    def worker_source(self) -> str:
        return f"from collectkit.adapters.sql import SqlStore\nstore = SqlStore({str(self.path)!r})"
