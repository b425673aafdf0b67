"""The tour at the end of the demo: one account of each kind, explained, and what to try next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from collectkit import history
from collectkit._cli.explaining import explanation
from collectkit.adapters.sql import SqlStore
from collectkit.samples import SampleLedger
from collectkit.strategy import Strategy, examine

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_tour"]


def print_tour(
    console: Console, store: SqlStore, strategy: Strategy, ledger: SampleLedger, *, on: date, out: Path
) -> None:
    """Explain one account of each telling kind, and name the commands to try next."""
    chosen = _telling(store, strategy, ledger, on)
    for title, account_id in chosen:
        console.rule(f"{title}: {account_id}")
        console.print(explanation(store.load(account_id).events, strategy=strategy, on=on, brief=True), highlight=False)
    console.rule("what to look at next")
    example = chosen[0][1] if chosen else "A-0001"
    console.print(
        f"  {out}/report.html      the quarter at a glance; open it in a browser", highlight=False, soft_wrap=True
    )
    console.print(f"  {out}/worklist.csv     who needs what today, in order", highlight=False, soft_wrap=True)
    console.print(f"  {out}/outbox/          every notice that was written", highlight=False, soft_wrap=True)
    options = f"--db {out}/collections.db --strategy {out}/strategy.toml --as-of {on}"
    console.print(f"  .venv/bin/collectkit explain {example} {options}", highlight=False, soft_wrap=True)
    console.print(f"  .venv/bin/collectkit check {out}/strategy.toml", highlight=False, soft_wrap=True)


def _telling(store: SqlStore, strategy: Strategy, ledger: SampleLedger, on: date) -> list[tuple[str, str]]:
    """Choose one account of each kind by what is true of it on the day, not by how it was made."""
    wanted: dict[str, str] = {}
    for sample in ledger.accounts:
        account_id = sample.account.account_id
        look = examine(strategy=strategy, snapshot=history.snapshot(store.load(account_id).events, as_of=on))
        for title in _kinds(
            look.classified.segment, {hold.reason.value for hold in look.holds}, bool(look.aged.arrears)
        ):
            wanted.setdefault(title, account_id)
    order = ("chronic", "first-timer", "disputed", "promised", "on plan")
    return [(title, wanted[title]) for title in order if title in wanted]


def _kinds(segment: str, holds: set[str], is_delinquent: bool) -> Iterable[str]:
    if segment == "chronic" and is_delinquent and not holds:
        yield "chronic"
    if segment == "first-timer" and is_delinquent and not holds:
        yield "first-timer"
    for reason, title in (("dispute", "disputed"), ("promise", "promised"), ("plan", "on plan")):
        if reason in holds:
            yield title
