"""The `collectkit` command: run collections over a ledger, check a strategy, explain an account, report, plan.

Results are tables for people or, with `--json`, one object for programs. Errors are one paragraph with the way out.
Exit status: 0 all went well; 3 it was done, but rows were rejected or accounts are in trouble; 2 it could not be done.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collectkit.core.errors import CollectkitError, MissingOptionalDependency

try:
    import click
except ImportError as _absent:
    raise MissingOptionalDependency("cli", "click") from _absent

if TYPE_CHECKING:
    from collectkit.adapters.columns import ColumnMap
    from collectkit.adapters.ledger import LedgerImport
    from collectkit.adapters.sql import SqlStore
    from collectkit.core.events import Event
    from collectkit.strategy import Strategy
    from collectkit.wording import Wording

__all__ = ["main"]

DONE_WITH_TROUBLE: Final = 3
MAX_DAYS: Final = 3700  # ten years a run; more is a mistyped date

Day: Final[click.DateTime] = click.DateTime(formats=["%Y-%m-%d"])
FILE = click.Path(path_type=Path, dir_okay=False)
ANY_PATH = click.Path(path_type=Path, exists=True)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


class _Group(click.Group):
    """A group that says every error of the library in one paragraph and exits with 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CollectkitError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"collectkit: {error.code}: {error.text}", err=True)
        except KeyboardInterrupt:
            click.echo(
                "collectkit: stopped; what was committed stands, and the same command goes on from there", err=True
            )
            ctx.exit(130)
        except OSError as error:
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"collectkit: cli.files: {where}{error.strerror or error}; choose another place", err=True)
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
@click.option("--as-of", "first", type=Day, metavar="DATE", required=True, help="The day to run for.")
@click.option("--until", "last", type=Day, metavar="DATE", help="Run every day up to this one.")
@click.option("--db", type=FILE, required=True, help="The SQLite file that keeps what was done; made if missing.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where results go.")
@click.option("--columns", type=FILE, help="A column map of your own, a TOML file.")
@click.option("--map", "map_name", help="A ready column map: collectkit, stripe-invoices, erpnext-accounts-receivable.")
@click.option("--date-order", type=click.Choice(["ymd", "dmy", "mdy"]), help="How dates are written.")
@click.option("--decimal-mark", type=click.Choice([".", ","]), help="How amounts are written.")
@click.option("--thousands-mark", type=click.Choice([",", ".", " ", "'"]), help="What groups thousands, if anything.")
@click.option("--currency", help="The currency where the ledger names none, such as EUR.")
@click.option("--encoding", help="How the file is encoded, if not UTF-8.")
@click.option("--max-rows", type=click.IntRange(min=1), help="Refuse a ledger with more rows than this.")
@click.option("--creditor", type=FILE, help="Who writes the notices, a TOML file.")
@click.option("--texts", type=FOLDER, help="A folder of notice texts of your own, laid over the shipped ones.")
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
    thousands_mark: str | None,
    currency: str | None,
    encoding: str | None,
    max_rows: int | None,
    creditor: Path | None,
    texts: Path | None,
    locale: str,
    move_strategy: bool,
    as_json: bool,
) -> None:
    """Collect LEDGER: a CSV or JSON-lines file (also gzip), or a folder of tables.

    Writes to OUT: worklist.csv, report.html, rejected.csv, and the notices under outbox/. Running the same day again
    does nothing twice. Exit status: 0 all went well, 3 with rejected rows or accounts in trouble, 2 not done.
    """
    from collectkit import strategy as strategies
    from collectkit._cli.printing import progress
    from collectkit._cli.running import print_run
    from collectkit.adapters.ledger import MAX_ROWS, read_ledger
    from collectkit.adapters.maildir import FileMessenger

    start, end = first.date(), (last or first).date()
    if not start <= end <= start + timedelta(days=MAX_DAYS):
        raise click.UsageError(f"--until must lie from {start} to at most {MAX_DAYS} days later")
    strategy = strategies.load(strategy_file)
    renderer = _wording(creditor, texts)
    with progress("reading the ledger", None, quiet=as_json) as step:
        imported = read_ledger(
            ledger,
            _column_map(columns, map_name),
            date_order=date_order,
            decimal_mark=decimal_mark,
            thousands_mark=thousands_mark,
            default_currency=currency,
            encoding=encoding,
            exported_on=end,
            max_rows=max_rows or MAX_ROWS,
            progress=step,
        )
    sender, name = renderer.creditor.email or "collections@creditor.example", renderer.creditor.name
    messenger = FileMessenger(out / "outbox", sender=sender, sender_name=name)
    with _store(db, may_create=True) as store:
        summary = _collect(
            store,
            strategy=strategy,
            imported=imported,
            messenger=messenger,
            renderer=renderer,
            first=start,
            last=end,
            out=out,
            may_move=move_strategy,
            locale=locale,
            is_quiet=as_json,
        )
    summary["creditor"] = str(creditor) if creditor is not None else None
    print_run(summary, as_json=as_json)
    if any(summary[kind] for kind in ("rejected", "refused", "troubled", "contradicted")):
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
    from collectkit._cli.demo import print_tour, refuse_other_seed
    from collectkit._cli.files import write_whole
    from collectkit._cli.running import print_run
    from collectkit.adapters.columns import ready_map
    from collectkit.adapters.ledger import read_ledger
    from collectkit.adapters.maildir import FileMessenger

    seed = samples.SAMPLE_SEED if seed is None else seed
    refuse_other_seed(out, seed)
    ledger = samples.write_sample_ledger(out / "ledger", seed=seed)
    source = files("collectkit.samples").joinpath("strategy.toml").read_text(encoding="utf-8")
    write_whole(out / "strategy.toml", source)
    strategy = strategies.load(out / "strategy.toml")
    imported = read_ledger(out / "ledger", ready_map("collectkit"))
    renderer = _wording(None, None)
    # not synced: a demo need not survive a power cut
    written = FileMessenger(out / "outbox", sender=renderer.creditor.email, is_synced=False)
    messenger = samples.SampleMessenger(written)
    start = samples.SAMPLE_START_ON
    end = start + timedelta(days=days - 1)
    with _store(out / "collections.db", may_create=True) as store:
        summary = _collect(
            store,
            strategy=strategy,
            imported=imported,
            messenger=messenger,
            renderer=renderer,
            first=start,
            last=end,
            out=out,
            may_move=True,
            locale="en",
            is_quiet=False,
        )
        print_run(summary, as_json=False)
        print_tour(store, strategy, ledger, first=start, last=end, out=out)


def _collect(
    store: SqlStore,
    *,
    strategy: Strategy,
    imported: LedgerImport,
    messenger: Any,
    renderer: Wording,
    first: date,
    last: date,
    out: Path,
    may_move: bool,
    locale: str,
    is_quiet: bool,
) -> dict[str, Any]:
    """Do the whole run and return its figures for printing."""
    from collectkit._cli.printing import progress
    from collectkit._cli.running import collect_days, record_ledger, summary_of, write_outputs

    accounts, days = len(imported.accounts), (last - first).days + 1
    with progress("recording", accounts, quiet=is_quiet) as step:
        recorded = record_ledger(store, imported, as_of=first, out=out, on_accounts=step)
    with progress("collecting", days if days > 1 else accounts, quiet=is_quiet) as step:
        outcome = collect_days(
            store,
            strategy=strategy,
            messenger=messenger,
            renderer=renderer,
            first=first,
            last=last,
            recorded=recorded,
            may_move=may_move,
            on_day=(lambda day: step((day - first).days + 1)) if days > 1 else None,
            on_accounts=step if days == 1 else None,
        )
    with progress("writing", accounts, quiet=is_quiet) as step:
        rows = write_outputs(store, strategy=strategy, first=first, last=last, out=out, locale=locale, on_accounts=step)
    return summary_of(outcome, imported, strategy=strategy, first=first, last=last, out=out, worklist_rows=rows)


# -- check, explain, offers, report ----------------------------------------------------------------------------


@main.command()
@click.argument("strategy_file", metavar="STRATEGY", type=FILE)
@click.option("--texts", type=FOLDER, help="A folder of notice texts of your own, laid over the shipped ones.")
@click.option("--due-on", type=Day, metavar="DATE", help="The due day of the invoice that the timeline shows.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(strategy_file: Path, texts: Path | None, due_on: Any, as_json: bool) -> None:
    """Say everything that is wrong in STRATEGY, or all that it does.

    Exit status 2 where the file cannot be used; things to mend that do not stop a run are warnings.
    """
    from collectkit import strategy as strategies
    from collectkit._cli import checking
    from collectkit._cli.files import to_json
    from collectkit.core.errors import InvalidPolicy
    from collectkit.core.reading import toml_table

    try:
        strategy = strategies.load(strategy_file)
    except InvalidPolicy as error:
        if as_json:
            facts = {"ok": False, "file": str(strategy_file), "problems": checking.problems_as_facts(error)}
            click.echo(to_json(facts))
        else:
            checking.print_problems(str(strategy_file), error)
        sys.exit(2)
    table = toml_table(strategy_file.read_bytes())
    warnings = checking.warnings_of(strategy, _wording(None, texts).manifest, table)
    day = checking.first_due_on(strategy) if due_on is None else due_on.date()
    if as_json:
        click.echo(to_json(checking.facts_of_strategy(strategy, due_on=day, warnings=warnings)))
    else:
        checking.print_strategy(strategy, due_on=day, warnings=warnings)


@main.command()
@click.argument("account")
@click.option("--db", type=FILE, required=True, help="The SQLite file of the run.")
@click.option("--strategy", "strategy_file", type=FILE, required=True, help="The strategy, a TOML file.")
@click.option(
    "--as-of",
    "on",
    type=Day,
    metavar="DATE",
    help="The day to explain; without it the last on which anything was recorded.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(account: str, db: Path, strategy_file: Path, on: Any, as_json: bool) -> None:
    """Explain ACCOUNT: what it owes, where it stands, why, what was done, and what comes next."""
    from collectkit import strategy as strategies
    from collectkit._cli.explaining import explanation, facts_of
    from collectkit._cli.files import to_json
    from collectkit._cli.printing import say

    strategy = strategies.load(strategy_file)
    events, day = _known(db, account, on)
    if as_json:
        click.echo(to_json(facts_of(events, strategy=strategy, on=day)))
    else:
        say(explanation(events, strategy=strategy, on=day))


@main.command()
@click.argument("account")
@click.option("--db", type=FILE, required=True, help="The SQLite file of the run.")
@click.option("--strategy", "strategy_file", type=FILE, required=True, help="The strategy, a TOML file.")
@click.option(
    "--as-of",
    "on",
    type=Day,
    metavar="DATE",
    help="The day of the offer; without it the last on which anything was recorded.",
)
@click.option("--role", help="Whose authority counts; without it the least.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def offers(account: str, db: Path, strategy_file: Path, on: Any, role: str | None, as_json: bool) -> None:
    """List what may be offered to ACCOUNT within the limits of the strategy."""
    from collectkit import strategy as strategies
    from collectkit._cli.files import to_json
    from collectkit._cli.offering import offer_facts, print_offers

    strategy = strategies.load(strategy_file)
    events, day = _known(db, account, on)
    facts = offer_facts(events, strategy=strategy, on=day, role=role)
    if as_json:
        click.echo(to_json(facts))
    else:
        print_offers(facts)


@main.command()
@click.option("--db", type=FILE, required=True, help="The SQLite file of the run.")
@click.option("--strategy", "strategy_file", type=FILE, required=True, help="The strategy, a TOML file.")
@click.option("--from", "first", type=Day, metavar="DATE", required=True, help="The first day of the report.")
@click.option("--until", "last", type=Day, metavar="DATE", required=True, help="Its last day.")
@click.option("--out", type=FILE, required=True, help="The HTML file to write.")
@click.option("--locale", default="en", show_default=True, help="The language of the figures.")
def report(db: Path, strategy_file: Path, first: Any, last: Any, out: Path, locale: str) -> None:
    """Write one self-contained HTML page about the days from --from to --until."""
    from collectkit import history
    from collectkit import strategy as strategies
    from collectkit._cli.files import write_whole
    from collectkit._cli.running import accounts_of, report_html

    start, end = first.date(), last.date()
    if end < start:
        raise click.UsageError(f"--until must not lie before --from, {start}")
    strategy = strategies.load(strategy_file)
    with _store(db) as store:
        states = (history.fold(events) for events in accounts_of(store))
        write_whole(out, report_html(states, strategy=strategy, first=start, last=end, locale=locale))
    click.echo(f"written to {out}")


# -- plan ------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--principal", required=True, help="What is owed, such as 1000.00.")
@click.option("--currency", required=True, help="Its currency, such as EUR.")
@click.option("--shape", default="level", show_default=True, help="level, equal-split, deferred, ...; see above.")
@click.option("--rate", help="Interest a year in per cent, such as 9.5.")
@click.option("--instalments", type=int, help="How many; for bullet the periods, for minimum-payment the most.")
@click.option(
    "--start",
    type=Day,
    metavar="DATE",
    required=True,
    help="The day of the agreement; the first instalment is a step later.",
)
@click.option("--first-due", type=Day, metavar="DATE", help="The day of the first instalment, if another.")
@click.option("--every", help="The rhythm: month (the default), '2 weeks', '14 days', ...")
@click.option("--balloon", help="balloon: what is paid on top of the last instalment.")
@click.option("--grace", type=int, help="deferred: for how many steps nothing is paid.")
@click.option(
    "--interest",
    type=click.Choice(["waive", "pay", "collect", "capitalise"]),
    help="deferred: what becomes of the interest meanwhile; waived unless said.",
)
@click.option("--growth", help="stepped: by what share instalments rise each year, such as 0.05.")
@click.option("--share", help="minimum-payment: the share of what is owed, such as 0.05.")
@click.option("--floor", help="minimum-payment: the least instalment, such as 25.00.")
@click.option("--part", multiple=True, metavar="DATE=AMOUNT", help="agreed: one part; the last may lack its amount.")
@click.option("--affordable", help="personalised: what the debtor can pay each time, fees included.")
@click.option("--prefer", type=click.Choice(["soonest", "lowest"]), help="personalised: soon done, or small parts.")
@click.option("--end-by", type=Day, metavar="DATE", help="personalised: the last day for the last instalment.")
@click.option("--min-instalment", help="personalised: the least instalment.")
@click.option("--down-payment", help="Paid on the start day, before any interest.")
@click.option("--fee-each", help="A fee inside each instalment.")
@click.option("--multiple", help="Instalments in whole steps of this sum, such as 1.00.")
@click.option("--residue-to", type=click.Choice(["last", "first", "spread", "minimal"]), help="Where odd cents go.")
@click.option("--day-count", help="Interest by days, such as act/365f; without it each period is equal.")
@click.option("--rrule", help="The due dates by an RFC 5545 rule, such as 'FREQ=MONTHLY;BYMONTHDAY=-1'.")
@click.option(
    "--month-end", type=click.Choice(["clamp", "roll"]), help="Where a month lacks the day: its last, or the next 1st."
)
@click.option("--skip-month", "skip_months", multiple=True, type=int, help="A month of the year without an instalment.")
@click.option(
    "--rounding",
    type=click.Choice(["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"]),
    help="Of interest and of the level instalment; half_even unless said.",
)
@click.option("--explain", "explained", type=int, metavar="N", help="Also say how row N came about.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the schedule as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--svg", type=FILE, help="Also draw the balance over time to this file.")
def plan(
    principal: str,
    currency: str,
    shape: str,
    rate: str | None,
    instalments: int | None,
    start: Any,
    first_due: Any,
    explained: int | None,
    as_csv: bool,
    as_json: bool,
    svg: Path | None,
    **more: Any,
) -> None:
    """Print a payment plan: its schedule, its APR, and the proof that it closes to the cent.

    Shapes: level, equal-split, equal-principal, flat, interest-only, balloon, bullet, deferred, stepped,
    minimum-payment, agreed, personalised. Exit status 1 where no personalised plan is affordable within the limits.
    """
    from collectkit._cli import planning
    from collectkit._cli.files import to_json, write_whole
    from collectkit.core.decisions import Declined

    name = shape.replace("_", "-")
    if name not in planning.SHAPES:
        raise click.BadParameter(f"choose from: {', '.join(planning.SHAPES)}", param_hint="--shape")
    if as_csv and (as_json or explained is not None):
        raise click.UsageError("--csv prints the schedule alone; leave out --json and --explain")
    end_by = more.pop("end_by")
    own = {one: more.pop(one) for one in planning.OWN_ARGUMENTS if one != "end_by"}
    made = planning.built(
        shape=name,
        principal=principal,
        currency=currency,
        rate=rate,
        instalments=instalments,
        start_on=start.date(),
        own={**own, "end_by": None if end_by is None else end_by.date()},
        options={**more, "first_due_on": None if first_due is None else first_due.date()},
    )
    if isinstance(made, Declined):
        click.echo(to_json(planning.refusal_facts(made)) if as_json else f"No plan: {made}", err=not as_json)
        sys.exit(1)
    if as_csv:
        click.echo(planning.plan_csv(made), nl=False)
    elif as_json:
        click.echo(to_json(planning.plan_facts(made, explained)))
    else:
        planning.print_plan(made, explained)
    if svg is not None:
        write_whole(svg, planning.plan_svg(made))
        click.echo(f"written to {svg}", err=True)


# -- details ---------------------------------------------------------------------------------------------------


def _column_map(columns: Path | None, map_name: str | None) -> ColumnMap:
    from collectkit.adapters.columns import load_column_map, ready_map

    if columns is not None and map_name is not None:
        raise click.UsageError("give --columns or --map, one of the two")
    return load_column_map(columns) if columns is not None else ready_map(map_name or "collectkit")


def _wording(creditor: Path | None, texts: Path | None) -> Wording:
    from collectkit._cli.files import creditor_from
    from collectkit.wording import Wording, texts_in

    return Wording(creditor_from(creditor), templates=None if texts is None else texts_in(texts))


def _known(db: Path, account: str, on: Any) -> tuple[tuple[Event, ...], date]:
    """Load one account, and choose the day: the one asked for, or the last on which something was recorded."""
    from collectkit._cli.files import unknown_account

    with _store(db) as store:
        events = store.load(account).events
        if not events:
            raise unknown_account(account, store.account_ids(limit=10_000))
    return events, max(event.recorded_at for event in events).date() if on is None else on.date()


@contextlib.contextmanager
def _store(db: Path, *, may_create: bool = False) -> Iterator[SqlStore]:
    from collectkit.adapters.sql import SqlStore
    from collectkit.core.errors import StoreUnavailable

    if not may_create and not db.is_file():
        raise StoreUnavailable("store.unavailable", f"there is no database at {db}; `collectkit run` makes one")
    db.parent.mkdir(parents=True, exist_ok=True)
    store = SqlStore(db)
    try:
        yield store
    finally:
        store.close()
