"""A run that is killed anywhere and started again neither doubles nor loses a fee or a notice.

The command is started as its own process on one ledger and killed with SIGKILL at moments spread over its life, in which
it imports, decides, delivers and writes its outputs; the last start is left to end. What stands then is compared with a
run that nobody disturbed.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from email import message_from_bytes
from pathlib import Path
from random import Random

import pytest

from collectkit import samples
from collectkit.adapters.sql import SqlStore
from collectkit.core.events import ChargePosted, Event, NoticeBounced, NoticeRequested, NoticeSent, NoticeSuppressed

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS, DAYS = 20, 19
KILLED_AT = (
    -1,
    0,
    0.2,
    0.5,
    0.8,
    0.95,
)  # shares of the fees and notices that are stored when it happens; -1 is at once
SEED = 20_251_001


def small_ledger(folder: Path) -> Path:
    """The sample ledger, cut down to its first accounts."""
    whole = folder / "whole"
    samples.write_sample_ledger(whole)
    cut = folder / "ledger"
    cut.mkdir()
    chosen = {f"A-{number:04}" for number in range(1, ACCOUNTS + 1)}
    for table in whole.glob("*.csv"):
        header, *rows = table.read_text(encoding="utf-8").splitlines()
        if "account_id" in header.split(","):
            place = header.split(",").index("account_id")
            rows = [row for row in rows if row.split(",")[place] in chosen]  # no cell before the id holds a comma
            (cut / table.name).write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return cut


def command(ledger: Path, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "collectkit", "run", str(ledger)),
        *("--strategy", str(ROOT / "src/collectkit/samples/strategy.toml")),
        *("--as-of", "2025-10-20", "--until", f"2025-11-{DAYS - 12:02}"),
        *("--db", str(folder / "collections.db"), "--out", str(folder / "out"), "--json"),
    ]


def facts(folder: Path) -> dict[str, list[Event]]:
    store = SqlStore(folder / "collections.db")
    try:
        return {account_id: list(store.verify(account_id).events) for account_id in store.account_ids()}
    finally:
        store.close()


def keys_stored(folder: Path) -> int:
    """Count the keys of fees, notices and commands that a run has stored so far, from outside."""
    try:
        with closing(
            sqlite3.connect(f"file:{folder / 'collections.db'}?mode=ro", uri=True, timeout=0.05)
        ) as connection:
            return int(connection.execute("select count(*) from collectkit_keys").fetchone()[0])
    except sqlite3.Error:
        return 0


def effects(folder: Path) -> Counter[tuple[str, ...]]:
    """Every fee with its amount, and every notice with what became of it, counted."""
    found: Counter[tuple[str, ...]] = Counter()
    for events in facts(folder).values():
        for event in events:
            match event:
                case ChargePosted():
                    found["fee", event.key, str(event.receivable.amount_original), str(event.effective_on)] += 1
                case NoticeRequested():
                    found["asked", event.notice.key, str(event.effective_on)] += 1
                case NoticeSent() | NoticeSuppressed() | NoticeBounced():
                    found[type(event).__name__, event.key] += 1
                case _:
                    found["other", type(event).__name__, str(event.effective_on)] += 1
    return found


def written(folder: Path) -> Counter[str]:
    """The keys of everything in the outbox, counted."""
    box = folder / "out" / "outbox"
    mails = (message_from_bytes(path.read_bytes())["X-Collectkit-Key"] for path in (box / "mail" / "new").iterdir())
    found = Counter(str(key) for key in mails)
    for lines in box.glob("*.jsonl"):
        found.update(json.loads(line)["key"] for line in lines.read_text(encoding="ascii").splitlines())
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process without asking it")
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    ledger = small_ledger(tmp_path)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    subprocess.run(command(ledger, calm), check=True, capture_output=True, timeout=120)
    whole = keys_stored(calm)

    dice = Random(SEED)
    killed_at = []
    for share in KILLED_AT:
        process = subprocess.Popen(command(ledger, rough), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and keys_stored(rough) <= share * whole:
            time.sleep(0.004)
        time.sleep(dice.random() * 0.04)  # somewhere between one write and the next
        if process.poll() is None:
            process.kill()
            killed_at.append(keys_stored(rough))
        process.wait()
    assert len(killed_at) >= 3
    assert killed_at[0] < whole
    last = subprocess.run(command(ledger, rough), check=True, capture_output=True, text=True, timeout=120)

    assert effects(rough) == effects(calm)
    assert written(rough) == written(calm)
    assert set(written(rough).values()) == {1}
    assert sum(1 for kind, *_ in effects(calm) if kind == "fee") > 5
    assert len(written(calm)) > 20
    for name in ("worklist.csv", "report.html", "rejected.csv"):
        assert (rough / "out" / name).read_bytes() == (calm / "out" / name).read_bytes()
    assert not [path.name for path in (rough / "out").iterdir() if path.name.startswith(".")]
    assert json.loads(last.stdout)["contradicted"] == []
