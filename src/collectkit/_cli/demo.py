"""The tour at the end of the demo: one account of each kind, explained, and what to try next."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import attrs
import click

from collectkit import history
from collectkit._cli.explaining import explanation
from collectkit._cli.files import write_whole
from collectkit._cli.printing import console, say
from collectkit.adapters.sql import SqlStore
from collectkit.core.errors import ImportFailed
from collectkit.core.events import Event, PlanAgreed, PromiseMade
from collectkit.samples import SampleLedger
from collectkit.strategy import Look, Strategy, examine

__all__ = ["print_tour", "refuse_other_seed"]

KINDS: Final = ("chronic", "first-timer", "disputed", "promised", "on plan")
_BACK_DAYS: Final = 60  # how far back the tour looks for a kind that nobody is of on the last day


def refuse_other_seed(out: Path, seed: int) -> None:
    """Note which sample a folder holds, and refuse to mix two in one database.

    Raises:
        ImportFailed: `ledger.other_sample`.
    """
    note = out / "seed.json"
    if note.is_file():
        known = json.loads(note.read_text(encoding="utf-8")).get("seed")
        if known != seed:
            raise ImportFailed(
                "ledger.other_sample", f"{out} holds the sample of seed {known}, not {seed}; choose another folder"
            )
    write_whole(note, json.dumps({"seed": seed}) + "\n")


def print_tour(
    store: SqlStore, strategy: Strategy, ledger: SampleLedger, *, first: date, last: date, out: Path
) -> None:
    """Explain one account of each telling kind, and name the commands to try next."""
    screen = console()
    found = _telling(store, strategy, ledger, first, last)
    for kind in KINDS:
        if kind not in found:
            continue
        one = found[kind]
        when = "" if one.on == last else f", as it stood on {one.on}"
        screen.rule(f"{kind}: {one.account_id}{when}")
        say(explanation(one.events, strategy=strategy, on=one.on, brief=True))
    screen.rule("what to look at next")
    example = next(iter(found.values())).account_id if found else "A-0001"
    command = _command()
    options = f"--db {out}/collections.db --strategy {out}/strategy.toml --as-of {last}"
    for line in (
        f"{out}/report.html    the quarter at a glance; open it in a browser",
        f"{out}/worklist.csv   who needs what today, in order",
        f"{out}/outbox/        every notice that was written",
        f"{command} explain {example} {options}",
        f"{command} offers {example} {options} --role supervisor",
        f"{command} check {out}/strategy.toml",
    ):
        click.echo(f"  {line}")


# -- details ---------------------------------------------------------------------------------------------------


def _command() -> str:
    """Return how this command was called, as it can be typed again."""
    called = Path(sys.argv[0])
    if called.stem != "collectkit":
        return "python -m collectkit"
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)


@attrs.frozen(kw_only=True)
class _Example:
    account_id: str
    events: tuple[Event, ...]
    on: date
    merit: int


def _telling(store: SqlStore, strategy: Strategy, ledger: SampleLedger, first: date, last: date) -> dict[str, _Example]:
    """Choose an account of each kind by what is true of it on the day, not by how it was made.

    Where nobody is of a kind on the last day, the latest earlier day on which somebody was serves.
    """
    ids = [sample.account.account_id for sample in ledger.accounts]
    accounts = {loaded.account_id: loaded.events for loaded in store.load_many(ids) if loaded.events}
    found: dict[str, _Example] = {}
    day = last
    while day >= max(first, last - timedelta(days=_BACK_DAYS)) and len(found) < len(KINDS):
        wanted = [kind for kind in KINDS if kind not in found]
        if day < last:  # only these two come and go by themselves; looking at everyone every day would take long
            wanted = [kind for kind in wanted if kind in ("promised", "on plan")]
            accounts = {
                account_id: events
                for account_id, events in accounts.items()
                if any(isinstance(event, (PlanAgreed, PromiseMade)) for event in events)
            }
        if not wanted:
            break
        best: dict[str, _Example] = {}
        for account_id, events in accounts.items():
            look = examine(strategy=strategy, snapshot=history.snapshot(events, as_of=day))
            for kind in _kinds(look):
                one = _Example(account_id=account_id, events=events, on=day, merit=_merit(look))
                if kind in wanted and (kind not in best or one.merit > best[kind].merit):
                    best[kind] = one
        found |= best
        day -= timedelta(days=1)
    return found


def _kinds(look: Look) -> Iterator[str]:
    holds = {hold.reason.value for hold in look.holds}
    if not holds and look.aged.arrears and look.classified.segment in ("chronic", "first-timer"):
        yield look.classified.segment
    for reason, kind in (("dispute", "disputed"), ("promise", "promised"), ("plan", "on plan")):
        if reason in holds:
            yield kind


def _merit(look: Look) -> int:
    """Prefer accounts that show much in few lines: something sent, something charged, few receivables."""
    claims = [item.receivable for item in look.balance.open_items]
    charged = any(claim.is_charge for claim in claims)
    receivables = sum(1 for claim in claims if not claim.is_charge)
    worth_chasing = any(amount.minor > 10_000 for amount in look.aged.arrears)
    return (
        2 * worth_chasing
        + 2 * bool(look.snapshot.notices)
        + charged
        + (1 <= receivables <= 3)
        + (look.standing.rule is not None)
    )
