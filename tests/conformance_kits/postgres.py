"""A PostgreSQL server for the tests alone, and the suite's doors to a store in it.

The server is the system's own; it refuses to run as the superuser, so there it runs as an unprivileged user. Where no
server is installed, or no driver, `server` says why.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from collectkit.adapters.sql import SqlStore
from collectkit.testing.conformance import Edit, StoreKit


class NoServer(Exception):
    """Why PostgreSQL cannot be tried here."""


def _program(name: str) -> str:
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        raise NoServer(f"no PostgreSQL server on this machine ({name} not found)")
    return found


class Server:
    """A cluster in a folder of its own, reached through a socket there; no port is opened."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ck-pg-"))
        self.user: int | None = None
        if os.geteuid() == 0:
            names = [name for name in ("postgres", "nobody") if any(name == one.pw_name for one in pwd.getpwall())]
            if not names:
                raise NoServer("PostgreSQL refuses the superuser, and there is no other user to run it as")
            self.user = pwd.getpwnam(names[0]).pw_uid
            os.chown(self.folder, self.user, -1)
        self.data = self.folder / "data"
        made = self._run(
            [_program("initdb"), "-D", str(self.data), "-U", "ck", "-A", "trust", "-E", "UTF8", "--no-sync"]
        )
        if made.returncode != 0:
            raise NoServer(f"initdb failed: {made.stderr.strip()[-300:]}")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False, user=self.user, cwd=self.folder)

    def start(self) -> None:
        command = [_program("postgres"), "-D", str(self.data), "-k", str(self.folder), "-c", "listen_addresses="]
        # A server that is killed leaves its writes with the system, so they need not reach the disk here; power cuts
        # are not tried.
        for setting in ("max_connections=300", "fsync=off", "shared_buffers=32MB"):
            command += ["-c", setting]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self.user, cwd=self.folder
        )
        ready = [_program("pg_isready"), "-q", "-h", str(self.folder)]
        for _ in range(200):
            if self._run(ready).returncode == 0:
                return
            time.sleep(0.05)
        raise NoServer("PostgreSQL did not start within ten seconds")

    def crash(self) -> None:
        """End the server at once, without a checkpoint, and start it again."""
        if self.process is None:
            raise NoServer("the server is not running")
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        self.start()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, schema: str) -> str:
        return f"postgresql://ck@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"


class PostgresKit(StoreKit):
    """One schema of the server's database."""

    numbers = itertools.count()

    def __init__(self, server: Server) -> None:
        self.server = server
        name = f"kit{next(self.numbers)}"
        self.url = server.url(name)
        self.raw = sa.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
        with self.raw.begin() as connection:
            connection.execute(sa.text(f"CREATE SCHEMA {name}"))
        self.opened: list[SqlStore] = []

    def open(self) -> SqlStore:
        store = SqlStore(self.url)
        self.opened.append(store)
        return store

    def open_impatient(self) -> SqlStore:
        store = SqlStore(self.url, busy_timeout_seconds=0.05)
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()

    @contextmanager
    def locked_by_another(self) -> Iterator[None]:
        with self.raw.begin() as other:
            other.execute(sa.text("SELECT 1 FROM collectkit_accounts FOR UPDATE"))
            yield

    @contextmanager
    def failing(self, call: int, *, for_ever: bool) -> Iterator[Callable[[], bool]]:
        import psycopg

        engine = self.opened[-1].engine
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1
            if calls == call or (for_ever and calls > call):
                raise psycopg.OperationalError("the server closed the connection")

        names = ("before_cursor_execute", "commit")
        for name in names:
            sa.event.listen(engine, name, count)
        try:
            yield lambda: calls >= call
        finally:
            for name in names:
                sa.event.remove(engine, name, count)

    def edits(self, account_id: str) -> Iterable[Edit]:
        columns = "account_id, version, hash, data"
        with self.raw.begin() as connection:
            whole = [
                tuple(row)
                for row in connection.execute(
                    sa.text(f"SELECT {columns} FROM collectkit_events WHERE account_id = :a ORDER BY version"),
                    {"a": account_id},
                )
            ]

        def put(rows: list[tuple[object, ...]]) -> None:
            with self.raw.begin() as connection:
                connection.execute(sa.text("DELETE FROM collectkit_events WHERE account_id = :a"), {"a": account_id})
                for row in rows:
                    values = dict(zip("avhd", row, strict=True))
                    connection.execute(
                        sa.text(f"INSERT INTO collectkit_events ({columns}) VALUES (:a, :v, :h, :d)"), values
                    )

        def edit(name: str, rows: list[tuple[object, ...]]) -> Edit:
            return Edit(name, lambda: put(rows), lambda: put(whole))

        for at, (owner, version, link_hash, data) in enumerate(whole):
            before, after = whole[:at], whole[at + 1 :]
            flipped = data[:30] + bytes([data[30] ^ 0x01]) + data[31:]
            yield edit(f"byte of {version}", [*before, (owner, version, link_hash, flipped), *after])
            yield edit(f"hash of {version}", [*before, (owner, version, "f" * 64, data), *after])
            yield edit(f"delete {version}", before + after)
            yield edit(f"renumber {version}", [*before, (owner, version + 100, link_hash, data), *after])

    def written_by_newer_release(self) -> None:
        with self.raw.begin() as connection:
            connection.execute(sa.text("UPDATE collectkit_meta SET value = 99 WHERE name = 'schema'"))

    def worker_source(self) -> str:
        return f"from collectkit.adapters.sql import SqlStore\nstore = SqlStore({self.url!r})"
