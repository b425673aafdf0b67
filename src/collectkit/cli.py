"""The `collectkit` command: run collections over a ledger, check a strategy, explain an account, report, plan.

Results are tables for people or, with `--json`, one object for programs. Errors are one paragraph with the way out.
Exit status: 0 all went well; 3 it was done, but rows were rejected or accounts are in trouble; 2 it could not be done.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collectkit.core.errors import CollectkitError, MissingOptionalDependency

try:
    import click
except ImportError as error:
    raise MissingOptionalDependency("cli", "click") from error

if TYPE_CHECKING:
    from rich.console import Console

    from collectkit.adapters.columns import ColumnMap
    from collectkit.adapters.ledger import LedgerImport
    from collectkit.adapters.sql import SqlStore
    from collectkit.strategy import Strategy

__all__ = ["main"]

DONE_WITH_TROUBLE: Final = 3
MAX_DAYS: Final = 3700  # ten years a run; more is a mistyped date

Day = click.DateTime(formats=["%Y-%m-%d"])
FILE = click.Path(path_type=Path, dir_okay=False)
ANY_PATH = click.Path(path_type=Path, exists=True)


class _Group(click.Group):
    """A group that says every error of the library in one paragraph and exits with 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CollectkitError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"collectkit: {error.code}: {error.text}", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="collectkit")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def main(debug: bool) -> None:
    """Collections: what each account owes, where it stands, what may be done about it today, and why."""


# -- run -------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("ledger", type=ANY_PATH)
@click.option("--strategy", "strategy_file", type=FILE, required=True, help="The strategy, a TOML file.")
@click.option("--as-of", "first", type=Day, required=True, help="The day to run for.")
@click.option("--until", "last", type=Day, help="Run every day up to this one.")
@click.option("--db", type=FILE, required=True, help="The SQLite file that keeps what was done; made if missing.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where results go.")
@click.option("--columns", type=FILE, help="A column map of your own, a TOML file.")
@click.option("--map", "map_name", help="A ready column map: collectkit, stripe-invoices, erpnext-receivables.")
@click.option("--date-order", type=click.Choice(["ymd", "dmy", "mdy"]), help="How dates are written.")
@click.option("--decimal-mark", type=click.Choice([".", ","]), help="How amounts are written.")
@click.option("--currency", help="The currency where the ledger names none, such as EUR.")
@click.option("--encoding", help="How the file is encoded, if not UTF-8.")
@click.option("--creditor", type=FILE, help="Who writes the notices, a TOML file.")
@click.option("--locale", default="en", show_default=True, help="The language of the report's figures.")
@click.option("--move-strategy", is_flag=True, help="Move accounts that are pinned to another strategy to this one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    ledger: Path,
    strategy_file: Path,
    first: Any,
    last: Any,
    db: Path,
    out: Path,
    columns: Path | None,
    map_name: str | None,
    date_order: Any,
    decimal_mark: str | None,
    currency: str | None,
    encoding: str | None,
    creditor: Path | None,
    locale: str,
    move_strategy: bool,
    as_json: bool,
) -> None:
    """Collect LEDGER: a CSV or JSON-lines file (also gzip), or a folder of tables.

    Writes to OUT: worklist.csv, report.html, rejected.csv, and the notices under outbox/. Running the same day again
    does nothing twice.
    """
    from collectkit import strategy as strategies
    from collectkit._cli.files import creditor_from
    from collectkit.adapters.ledger import read_ledger
    from collectkit.adapters.maildir import FileMessenger
    from collectkit.wording import Wording

    start, end = first.date(), (last or first).date()
    if not start <= end <= start + timedelta(days=MAX_DAYS):
        raise click.UsageError(f"--until must lie from {start} to at most {MAX_DAYS} days later")
    strategy = strategies.load(strategy_file)
    profile = creditor_from(creditor)
    with _progress("reading the ledger", None, quiet=as_json) as step:
        imported = read_ledger(
            ledger,
            _column_map(columns, map_name),
            date_order=date_order,
            decimal_mark=decimal_mark,
            default_currency=currency,
            encoding=encoding,
            exported_on=end,
            progress=step,
        )
    messenger = FileMessenger(out / "outbox", sender=profile.email or "collections@creditor.example")
    with _store(db) as store:
        summary = _collect(
            store,
            strategy=strategy,
            imported=imported,
            messenger=messenger,
            renderer=Wording(profile),
            first=start,
            last=end,
            out=out,
            may_move=move_strategy,
            locale=locale,
            as_json=as_json,
        )
    _print_run(summary, as_json=as_json)
    if summary["rejected"] or summary["troubled"] or summary["contradicted"]:
        sys.exit(DONE_WITH_TROUBLE)


@main.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where everything goes.")
@click.option("--days", type=click.IntRange(1, 92), default=90, show_default=True, help="How many days to run.")
@click.option("--seed", type=int, help="Another sample ledger.")
def demo(out: Path, days: int, seed: int | None) -> None:
    """Collect a made-up ledger of 400 accounts for a quarter, and show what happened and why."""
    from importlib.resources import files

    from collectkit import samples
    from collectkit import strategy as strategies
    from collectkit._cli.demo import print_tour
    from collectkit._cli.files import creditor_from
    from collectkit.adapters.columns import ready_map
    from collectkit.adapters.ledger import read_ledger
    from collectkit.adapters.maildir import FileMessenger
    from collectkit.wording import Wording

    ledger = samples.write_sample_ledger(out / "ledger", seed=samples.SAMPLE_SEED if seed is None else seed)
    source = files("collectkit.samples").joinpath("strategy.toml").read_text(encoding="utf-8")
    (out / "strategy.toml").write_text(source, encoding="utf-8")
    strategy = strategies.load(out / "strategy.toml")
    imported = read_ledger(out / "ledger", ready_map("collectkit"))
    profile = creditor_from(None)
    messenger = samples.SampleMessenger(FileMessenger(out / "outbox", sender=profile.email))
    start = samples.SAMPLE_START_ON
    with _store(out / "collections.db") as store:
        summary = _collect(
            store,
            strategy=strategy,
            imported=imported,
            messenger=messenger,
            renderer=Wording(profile),
            first=start,
            last=start + timedelta(days=days - 1),
            out=out,
            may_move=True,
            locale="en",
            as_json=False,
        )
        _print_run(summary, as_json=False)
        print_tour(_console(), store, strategy, ledger, on=start + timedelta(days=days - 1), out=out)


def _collect(
    store: SqlStore,
    *,
    strategy: Strategy,
    imported: LedgerImport,
    messenger: Any,
    renderer: Any,
    first: date,
    last: date,
    out: Path,
    may_move: bool,
    locale: str,
    as_json: bool,
) -> dict[str, Any]:
    """Do the whole run and return its figures for printing."""
    from collectkit._cli.running import collect_days, record_ledger, write_outputs

    recorded = record_ledger(store, imported, as_of=first, out=out)
    days = (last - first).days + 1
    with _progress("collecting", days, quiet=as_json) as step:
        outcome = collect_days(
            store,
            strategy=strategy,
            messenger=messenger,
            renderer=renderer,
            first=first,
            last=last,
            recorded=recorded,
            may_move=may_move,
            on_day=lambda day: step((day - first).days + 1),
        )
    rows = write_outputs(store, strategy=strategy, first=first, last=last, out=out, locale=locale)
    decided, delivered = outcome.decided, outcome.delivered
    return {
        "strategy": f"{strategy.name} {strategy.version}",
        "first": first,
        "last": last,
        "days": days,
        "ledger": str(imported.summary),
        "rejected": len(imported.rejected),
        "warnings": _counted(warning.code for warning in imported.warnings),
        "unknown_columns": list(imported.unknown_columns),
        "recorded": recorded.events,
        "known": recorded.known,
        "contradicted": [one.event_id for one in recorded.changed],
        "looked": decided.looked,
        "committed": decided.committed,
        "charges": decided.charges,
        "cured": decided.cured,
        "troubled": [{"account": one.account_id, "code": one.code, "text": one.text} for one in decided.troubled],
        "notices": {
            "sent": delivered.sent,
            "bounced": delivered.bounced,
            "suppressed": delivered.suppressed,
            "deferred": delivered.deferred,
            "retried": delivered.retried,
            "given_up": delivered.given_up,
        },
        "tasks": dict(outcome.tasks),
        "worklist": rows,
        "out": str(out),
        "nothing_to_do": outcome.is_idle,
    }


def _print_run(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        from collectkit._cli.files import to_json

        click.echo(to_json(summary))
        return
    from rich.table import Table

    console = _console()
    span = f"{summary['first']}" if summary["days"] == 1 else f"{summary['first']} to {summary['last']}"
    console.print(f"[bold]{summary['strategy']}[/bold], {span}")
    console.print(f"ledger: {summary['ledger']}", highlight=False)
    if summary["nothing_to_do"]:
        console.print("Nothing was left to do: every fact was known and every account was looked at before.")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    notices = summary["notices"]
    table.add_row("facts recorded", f"{summary['recorded']:,}", f"{summary['known']:,} known before")
    table.add_row("looks at accounts", f"{summary['looked']:,}", f"{summary['committed']:,} with something to record")
    table.add_row("charges posted", f"{summary['charges']:,}", "")
    delivered = f"{notices['bounced']:,} bounced, {notices['suppressed']:,} stopped by the last look"
    table.add_row("notices sent", f"{notices['sent']:,}", delivered)
    tasks = ", ".join(f"{count:,} {name}" for name, count in list(summary["tasks"].items())[:6])
    table.add_row("tasks and commands", f"{sum(summary['tasks'].values()):,}", tasks)
    table.add_row("accounts cured", f"{summary['cured']:,}", "")
    console.print(table, highlight=False)
    for code, count in summary["warnings"].items():
        console.print(f"warning: {count:,} × {code}", highlight=False)
    if summary["unknown_columns"]:
        console.print(f"columns not used: {', '.join(summary['unknown_columns'])}", highlight=False, soft_wrap=True)
    if summary["rejected"]:
        where = f"{summary['out']}/rejected.csv"
        console.print(f"[bold red]{summary['rejected']:,} rows were rejected[/]; {where} says why", soft_wrap=True)
    if summary["contradicted"]:
        shown = ", ".join(summary["contradicted"][:5])
        text = f"{len(summary['contradicted']):,} facts differ from what is stored under their id"
        console.print(f"[bold red]{text}[/]; the stored ones stand: {shown}", soft_wrap=True)
    for one in summary["troubled"][:5]:
        console.print(f"[bold red]account {one['account']}[/]: {one['text']}", soft_wrap=True)
    if len(summary["troubled"]) > 5:
        console.print(f"and {len(summary['troubled']) - 5:,} more accounts in trouble")
    names = "worklist.csv, report.html, rejected.csv, outbox/"
    console.print(f"written to {summary['out']}: {names}", highlight=False, soft_wrap=True)


# -- details ---------------------------------------------------------------------------------------------------


def _column_map(columns: Path | None, map_name: str | None) -> ColumnMap:
    from collectkit.adapters.columns import load_column_map, ready_map

    if columns is not None and map_name is not None:
        raise click.UsageError("give --columns or --map, one of the two")
    return load_column_map(columns) if columns is not None else ready_map(map_name or "collectkit")


@contextlib.contextmanager
def _store(db: Path) -> Iterator[SqlStore]:
    from collectkit.adapters.sql import SqlStore

    db.parent.mkdir(parents=True, exist_ok=True)
    store = SqlStore(db)
    try:
        yield store
    finally:
        store.close()


def _console() -> Console:
    from rich.console import Console

    return Console(soft_wrap=False, width=None if sys.stdout.isatty() else 120)


@contextlib.contextmanager
def _progress(label: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how far a long piece of work is, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done: progress.update(task, completed=done)


def _counted(codes: Iterator[str]) -> dict[str, int]:
    from collections import Counter

    return dict(sorted(Counter(codes).items()))
