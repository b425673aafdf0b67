"""One run from a ledger to its outputs: import, collect day by day, deliver, list and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import attrs

from collectkit import engine, history
from collectkit._cli.files import write_whole
from collectkit._cli.worklist import Line, line_of, worklist_csv
from collectkit.adapters.ledger import LedgerImport, to_events, write_rejected
from collectkit.adapters.sql import SqlStore
from collectkit.core.events import Command, Event, RaiseTask
from collectkit.core.records import AccountSnapshot
from collectkit.history import AccountState
from collectkit.ports import Messenger, Renderer
from collectkit.report import figures_of, render_html
from collectkit.strategy import Strategy

__all__ = ["RunOutcome", "accounts_of", "collect_days", "record_ledger", "report_html", "write_outputs"]


@attrs.frozen(kw_only=True)
class RunOutcome:
    """What a run did, in figures."""

    recorded: engine.Recorded
    decided: engine.Collected
    delivered: engine.Delivered
    tasks: tuple[tuple[str, int], ...]
    days: int

    @property
    def is_idle(self) -> bool:
        """Say whether nothing at all was stored or sent."""
        return not (self.recorded.events or self.decided.committed or self.delivered.handled)


def record_ledger(store: SqlStore, ledger: LedgerImport, *, as_of: date, out: Path) -> engine.Recorded:
    """Store what a ledger says, each fact once, and list the rows that could not be read."""
    known = {}
    if ledger.accounts:
        known = dict(_snapshots(store, tuple(one.account_id for one in ledger.accounts)))
    events = to_events(ledger, recorded_at=engine.run_instant(as_of), known=known)
    recorded = engine.record(store=store, events={one.account_id: one.events for one in events})
    out.mkdir(parents=True, exist_ok=True)
    write_rejected(ledger, out / "rejected.csv")
    return recorded


def collect_days(
    store: SqlStore,
    *,
    strategy: Strategy,
    messenger: Messenger,
    renderer: Renderer,
    first: date,
    last: date,
    recorded: engine.Recorded,
    may_move: bool = False,
    on_day: Callable[[date], None] | None = None,
) -> RunOutcome:
    """Run every day from `first` to `last`, both included."""
    decided, delivered = engine.Collected(as_of=first), engine.Delivered()
    tasks: Counter[str] = Counter()

    def carry_out(command: Command) -> None:
        tasks[command.task if isinstance(command, RaiseTask) else command.name] += 1

    days = (last - first).days + 1
    for number in range(days):
        day = first + timedelta(days=number)
        passed, carried = engine.run_day(
            store=store,
            outbox=store,
            messenger=messenger,
            renderer=renderer,
            strategy=strategy,
            as_of=day,
            may_move=may_move,
            on_command=carry_out,
        )
        decided += passed
        delivered += carried
        if on_day is not None:
            on_day(day)
    return RunOutcome(
        recorded=recorded,
        decided=decided,
        delivered=delivered,
        tasks=tuple(sorted(tasks.items(), key=lambda item: (-item[1], item[0]))),
        days=days,
    )


def write_outputs(
    store: SqlStore, *, strategy: Strategy, first: date, last: date, out: Path, locale: str = "en"
) -> int:
    """Write the worklist of the last day and the report of all days; return the number of rows of the worklist."""
    lines: list[Line] = []
    states: list[AccountState] = []
    for events in accounts_of(store):
        state = history.fold(events)
        states.append(state)
        line = line_of(events=events, snapshot=history.snapshot(state, as_of=last), strategy=strategy)
        lines += [line] if line is not None else []
    write_whole(out / "worklist.csv", worklist_csv(lines))
    write_whole(out / "report.html", report_html(states, strategy=strategy, first=first, last=last, locale=locale))
    return len(lines)


def report_html(
    states: Iterable[AccountState], *, strategy: Strategy, first: date, last: date, locale: str = "en"
) -> str:
    """Return the report of the days from `first` to `last`, both included."""
    figures = figures_of(
        states,
        strategy_name=f"{strategy.name} {strategy.version}",
        start_on=first,
        end_on=last + timedelta(days=1),
        stages=tuple(rule.id for rule in strategy.ladder),
        scheme=strategy.buckets,
        order=strategy.order,
        promise_tolerance_days=strategy.promise_tolerance_days,
    )
    return render_html(figures, locale=locale)


def accounts_of(store: SqlStore, *, page: int = 500) -> Iterator[tuple[Event, ...]]:
    """Yield the events of every account of a store, in order of ids."""
    after = ""
    while ids := store.account_ids(after=after, limit=page):
        for loaded in store.load_many(ids):
            yield loaded.events
        after = ids[-1]


def _snapshots(store: SqlStore, ids: tuple[str, ...]) -> Iterator[tuple[str, AccountSnapshot]]:
    """Yield what is stored of accounts, later-dated facts included: a running paid amount is compared with all of it."""
    for start in range(0, len(ids), 500):
        for loaded in store.load_many(ids[start : start + 500]):
            if loaded.version:
                yield loaded.account_id, history.snapshot(loaded.events, as_of=date.max)
