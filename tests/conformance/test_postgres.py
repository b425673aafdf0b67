"""Every named property of a store on PostgreSQL, where a server is installed; and crashes of the server itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from collectkit.core.decisions import Committed
from collectkit.core.errors import StoreError
from collectkit.testing.cases import opening, requesting
from collectkit.testing.conformance import STORE_PROPERTIES, NotShown
from conformance_kits.postgres import NoServer, PostgresKit, Server

pytestmark = pytest.mark.slow  # a server of its own is set up, crashed and recovered


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="psycopg, the driver for PostgreSQL, cannot be imported")
    try:
        running = Server()
    except (NoServer, OSError) as reason:
        pytest.skip(f"PostgreSQL: {reason}")
    yield running
    running.stop()


@pytest.fixture
def kit(server: Server) -> Iterator[PostgresKit]:
    one = PostgresKit(server)
    yield one
    one.close()


@pytest.mark.parametrize("name", STORE_PROPERTIES)
def test_postgres(name: str, kit: PostgresKit) -> None:
    try:
        STORE_PROPERTIES[name](kit)
    except NotShown as reason:
        pytest.skip(f"PostgreSQL: {reason}")


def test_no_acknowledged_commit_is_lost_when_the_server_crashes(kit: PostgresKit) -> None:
    assert isinstance(kit.open().commit(opening("A-1")), Committed)
    acknowledged = 2
    for crash in range(3):
        stop = threading.Event()
        start = version = kit.open().load("A-1").version
        assert version >= acknowledged

        def write(start: int = start, crash: int = crash, stop: threading.Event = stop) -> None:
            nonlocal acknowledged
            store, at = kit.open(), start
            while not stop.is_set():
                try:
                    answer = store.commit(requesting("A-1", at, crash * 10_000 + at))
                except StoreError:
                    return
                if isinstance(answer, Committed):
                    acknowledged = at = answer.version

        writer = threading.Thread(target=write)
        writer.start()
        while acknowledged < start + 20 and writer.is_alive():
            stop.wait(0.01)
        kit.server.crash()
        stop.set()
        writer.join()
        kit.close()
        found = kit.open()
        assert found.load("A-1").version >= acknowledged
        assert found.tally()["pending"] == found.load("A-1").version - 2
