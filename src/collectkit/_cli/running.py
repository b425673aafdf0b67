"""One run from a ledger to its outputs: import, collect day by day, deliver, list and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import click

from collectkit import engine, history
from collectkit._cli.files import to_json, write_whole
from collectkit._cli.printing import console, say
from collectkit._cli.worklist import Line, line_of, worklist_csv
from collectkit.adapters.ledger import LedgerImport, to_events, write_rejected
from collectkit.adapters.sql import SqlStore
from collectkit.core.events import Command, Event, RaiseTask
from collectkit.core.records import AccountSnapshot
from collectkit.history import AccountState
from collectkit.ports import Messenger, Renderer
from collectkit.report import figures_of, render_html
from collectkit.strategy import Strategy

__all__ = [
    "RunOutcome",
    "accounts_of",
    "collect_days",
    "print_run",
    "record_ledger",
    "report_html",
    "summary_of",
    "write_outputs",
]

_SHOWN: Final = 5  # accounts in trouble that are named; all of them stand in the JSON


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


def record_ledger(
    store: SqlStore, ledger: LedgerImport, *, as_of: date, out: Path, on_accounts: Callable[[int], None] | None = None
) -> engine.Recorded:
    """Store what a ledger says, each fact once, and list the rows that could not be read."""
    known = {}
    if ledger.accounts:
        known = dict(_snapshots(store, tuple(one.account_id for one in ledger.accounts)))
    events = to_events(ledger, recorded_at=engine.run_instant(as_of), known=known)
    by_account = {one.account_id: one.events for one in events}
    recorded = engine.record(store=store, events=by_account, on_progress=_summed(on_accounts))
    out.mkdir(parents=True, exist_ok=True)
    write_rejected(ledger, out / ".rejected.csv.new")
    (out / ".rejected.csv.new").replace(out / "rejected.csv")  # whole, or the one of the last run
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
    on_accounts: Callable[[int], None] | None = None,
) -> RunOutcome:
    """Run every day from `first` to `last`, both included; `on_accounts` gets the number of looks so far."""
    decided, delivered = engine.Collected(as_of=first), engine.Delivered()
    tasks: Counter[str] = Counter()

    def carry_out(command: Command) -> None:
        tasks[command.task if isinstance(command, RaiseTask) else command.name] += 1

    looked = _summed(on_accounts)
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
            on_progress=looked,
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
    store: SqlStore,
    *,
    strategy: Strategy,
    first: date,
    last: date,
    out: Path,
    locale: str = "en",
    on_accounts: Callable[[int], None] | None = None,
) -> int:
    """Write the worklist of the last day and the report of all days; return the number of rows of the worklist."""
    lines: list[Line] = []
    states: list[AccountState] = []
    for events in accounts_of(store):
        state = history.fold(events)
        states.append(state)
        line = line_of(events=events, snapshot=history.snapshot(state, as_of=last), strategy=strategy)
        lines += [line] if line is not None else []
        if on_accounts is not None:
            on_accounts(len(states))
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


def _summed(tell: Callable[[int], None] | None) -> Callable[[int], None] | None:
    """Turn a call with a running total into one that takes each part."""
    if tell is None:
        return None
    done = 0

    def add(part: int) -> None:
        nonlocal done
        done += part
        tell(done)

    return add


def _snapshots(store: SqlStore, ids: tuple[str, ...]) -> Iterator[tuple[str, AccountSnapshot]]:
    """Yield what is stored of accounts, later-dated facts included: a running paid amount is compared with all of it."""
    for start in range(0, len(ids), 500):
        for loaded in store.load_many(ids[start : start + 500]):
            if loaded.version:
                yield loaded.account_id, history.snapshot(loaded.events, as_of=date.max)


# -- what a run says at its end --------------------------------------------------------------------------------


def summary_of(
    outcome: RunOutcome,
    imported: LedgerImport,
    *,
    strategy: Strategy,
    first: date,
    last: date,
    out: Path,
    worklist_rows: int,
) -> dict[str, Any]:
    """Give the figures of a run as plain values."""
    decided, delivered = outcome.decided, outcome.delivered
    return {
        "strategy": f"{strategy.name} {strategy.version}",
        "first": first,
        "last": last,
        "days": outcome.days,
        "ledger": str(imported.summary),
        "used": imported.summary.rows_used,
        "rejected": len(imported.rejected),
        "warnings": _warnings(imported),
        "unknown_columns": list(imported.unknown_columns),
        "recorded": outcome.recorded.events,
        "known": outcome.recorded.known,
        "contradicted": [one.event_id for one in outcome.recorded.changed],
        "looked": decided.looked,
        "committed": decided.committed,
        "charges": decided.charges,
        "cured": decided.cured,
        "refused": [
            {"account": one.account_id, "fact": one.event_id, "code": one.code, "text": one.text}
            for one in outcome.recorded.refused
        ],
        "troubled": [
            {"account": one.account_id, "code": one.code, "text": one.text}
            for one in (*decided.troubled, *delivered.troubled)
        ],
        "notices": attrs.asdict(delivered, filter=lambda field, _value: field.name not in ("handed_over", "troubled")),
        "tasks": dict(outcome.tasks),
        "worklist": worklist_rows,
        "out": str(out),
        "creditor": None,
        "nothing_to_do": outcome.is_idle,
    }


def _warnings(imported: LedgerImport) -> list[dict[str, Any]]:
    """Sum warnings up by code, each with its first example, the most frequent first."""
    found: dict[str, dict[str, Any]] = {}
    for one in imported.warnings:
        entry = found.setdefault(
            one.code, {"code": one.code, "count": 0, "table": one.table, "row": one.row_number, "text": one.text}
        )
        entry["count"] += one.count
    return sorted(found.values(), key=lambda one: (-one["count"], one["code"]))


def print_run(summary: dict[str, Any], *, as_json: bool) -> None:
    """Print the figures of a run: a table for people, or one JSON object."""
    if as_json:
        click.echo(to_json(summary))
        return
    from rich.table import Table

    screen = console()
    span = f"{summary['first']}" if summary["days"] == 1 else f"{summary['first']} to {summary['last']}"
    screen.print(f"[bold]{summary['strategy']}[/bold], {span}", highlight=False)
    say(f"ledger: {summary['ledger']}")
    if not summary["used"]:
        say("No row of the ledger could be used.")
    elif summary["nothing_to_do"]:
        say(
            "Nothing was left to do: every fact was known and every account was looked at before. Nothing was committed."
        )
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for row in _rows(summary):
        table.add_row(*row)
    screen.print(table, highlight=False)
    for one in summary["warnings"]:
        say(f"warning {one['code']}, {_times(one['count'])}; first at {one['table']} row {one['row']}: {one['text']}")
    if summary["unknown_columns"]:
        say(f"columns not used: {', '.join(summary['unknown_columns'])}")
    if summary["contradicted"]:
        named = ", ".join(summary["contradicted"][:_SHOWN])
        say(
            f"CONTRADICTED: {len(summary['contradicted']):,} facts differ from what is stored under their id; "
            f"the stored ones stand: {named}"
        )
    for text, accounts in _troubles(summary["refused"]):
        say(f"REFUSED: {text}{'' if len(accounts) == 1 else f' (and {len(accounts) - 1:,} more facts)'}")
    for text, accounts in _troubles(summary["troubled"]):
        say(f"IN TROUBLE: {text}{'' if len(accounts) == 1 else f' (and {len(accounts) - 1:,} more accounts)'}")
    if summary["rejected"]:
        say(
            f"REJECTED: {summary['rejected']:,} rows could not be read; {summary['out']}/rejected.csv says which and why"
        )
    if summary["creditor"] is None and summary["notices"]["sent"]:
        say("The notices name a made-up creditor: give yours with --creditor before anything is sent.")
    click.echo(f"written to {summary['out']}: worklist.csv, report.html, rejected.csv, outbox/")


def _rows(summary: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    notices, tasks = summary["notices"], summary["tasks"]
    others = {
        "bounced": notices["bounced"],
        "stopped by the last look": notices["suppressed"],
        "given up": notices["given_up"],
    }
    yield "facts recorded", f"{summary['recorded']:,}", f"{summary['known']:,} known before"
    yield "looks at accounts", f"{summary['looked']:,}", f"{summary['committed']:,} with something to record"
    yield "charges posted", f"{summary['charges']:,}", ""
    yield (
        "notices sent",
        f"{notices['sent']:,}",
        ", ".join(f"{count:,} {what}" for what, count in others.items() if count),
    )
    yield (
        "tasks and commands",
        f"{sum(tasks.values()):,}",
        ", ".join(f"{count:,} {name}" for name, count in tasks.items()),
    )
    yield "accounts cured", f"{summary['cured']:,}", ""
    yield "rows of the worklist", f"{summary['worklist']:,}", ""


def _troubles(troubled: list[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """Put accounts with one kind of trouble together; the text is that of the first."""
    found: dict[str, tuple[str, list[str]]] = {}
    for one in troubled:
        found.setdefault(one["code"], (f"{one['account']}: {one['text']}", []))[1].append(one["account"])
    return list(found.values())


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
