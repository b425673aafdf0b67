"""The design that everybody writes first: facts in one transaction, the outbox in another. A control for the kill harness."""

from __future__ import annotations

from pathlib import Path

import attrs

from collectkit.adapters.sql import SqlStore
from collectkit.core.decisions import Batch, CommitResult, Committed
from conformance_kits.stores import SqliteKit


class TwoTransactions(SqlStore):
    def commit(self, batch: Batch) -> CommitResult:
        answer = super().commit(attrs.evolve(batch, outbox=()))
        if isinstance(answer, Committed) and batch.outbox:
            rows = attrs.evolve(batch, events=(), keys=(), inbox_keys=(), expected_version=answer.version)
            super().commit(attrs.evolve(rows, command_id=f"rows:{batch.command_id}"))
        return answer


class NaiveKit(SqliteKit):
    def worker_source(self) -> str:
        tests = str(Path(__file__).parents[1])
        return (
            f"import sys; sys.path.insert(0, {tests!r})\n"
            "from conformance_kits.naive import TwoTransactions\n"
            f"store = TwoTransactions({str(self.path)!r})"
        )
