"""Every named property of a store, an outbox and an inbox, on memory and on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectkit.testing.conformance import STORE_PROPERTIES, NotShown, StoreKit
from conformance_kits.stores import MemoryKit, SqliteKit


@pytest.fixture(params=["memory", "sqlite"])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreKit]:
    if request.param == "memory":
        yield MemoryKit()
        return
    sqlite = SqliteKit(tmp_path)
    yield sqlite
    sqlite.close()


@pytest.mark.parametrize("name", STORE_PROPERTIES)
def test_store(name: str, kit: StoreKit) -> None:
    try:
        STORE_PROPERTIES[name](kit)
    except NotShown as reason:
        pytest.skip(f"{type(kit).__name__}: {reason}")
