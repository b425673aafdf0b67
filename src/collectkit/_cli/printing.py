"""How the command line speaks: width, wrapped text, tables, progress. It decides nothing and reads no store."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "plain_words", "print_table", "progress", "say", "width", "wrapped"]

PIPED_WIDTH: Final = 120  # columns where no terminal says how many it has
_LEAD: Final = re.compile(r"^ *(?:- )?")
_FIGURE: Final = re.compile(r"(?<=\d) (?=%|[A-Z]{3}\b)")  # a figure and its unit stay on one line
_JOINT: Final = "\u00a0"

_FACT_WORDS: Final = {
    "days_past_due": "days past due",
    "past_due_count": "number of receivables past due",
    "open_count": "number of open receivables",
    "settled_count": "number of settled receivables",
    "late_settled_count": "number of late settlements",
    "late_ratio": "share settled late",
    "days_known": "number of days known",
    "days_beyond_terms": "days beyond terms",
    "promises_kept": "number of promises kept",
    "promises_broken": "number of promises broken",
    "plans_broken": "number of plans broken",
    "payments_returned": "number of payments returned",
    "notices_sent": "number of notices sent",
    "cycle": "number of cures before",
    "amount_open": "amount open",
    "debtor_kind": "kind of debtor",
}
_FACTS: Final = re.compile(rf"\b({'|'.join(_FACT_WORDS)})\b")


def width() -> int:
    """Return the columns of the terminal; `COLUMNS` says it where output is piped."""
    return max(shutil.get_terminal_size((PIPED_WIDTH, 24)).columns, 40)


def console() -> Console:
    """Return a console as wide as the terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH)


def plain_words(text: str) -> str:
    """Say the facts of guards in plain words, for people who never saw the strategy file.

    >>> plain_words("segment chronic, because settled_count is 8 (at least 4)")
    'segment chronic, because number of settled receivables is 8 (at least 4)'
    """
    return _FACTS.sub(lambda found: _FACT_WORDS[found.group(1)], text)


def wrapped(text: str, columns: int) -> str:
    """Wrap each line at `columns`, with a hanging indent below bullets; a word is never cut.

    >>> print(wrapped("  - one two three four", 14))
      - one two
        three four
    """
    lines = []
    for line in text.splitlines():
        match = _LEAD.match(line)
        indent = " " * (match.end() if match else 0)
        lines.append(
            textwrap.fill(
                _FIGURE.sub(_JOINT, line),
                width=columns,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines).replace(_JOINT, " ")


def say(text: str) -> None:
    """Print text wrapped to the terminal."""
    click.echo(wrapped(text, width()))


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table whose cells wrap within the terminal; columns named in `right` hold figures."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells = [tuple(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for place, name in enumerate(header):
        words = [word for text in (name, *(row[place] for row in cells)) for word in text.split()]
        table.add_column(
            name,
            justify="right" if place in right else "left",
            no_wrap=place in right,
            min_width=max(map(len, words), default=1),  # a word is never cut
        )
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


@contextlib.contextmanager
def progress(label: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how far a long piece of work is, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
