"""Run every benchmark beside this file and print one table: `python benchmarks/run.py [--quick] [GOAL ...]`.

A GOAL such as P11 limits the run. `--quick` takes 5 short rounds, enough to see that everything works but no figure to
quote. The exit status is 1 where a ratio misses its `must` or a benchmark fails.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import Pair, Result, Skipped, measure  # noqa: E402 - found beside this file

PEERS = (
    "amortization QuantLib pyloan mortgage numpy-financial numpy numba pandas polars duckdb pendulum python-dateutil "
    "Babel pyxirr transitions python-statemachine attrs"
)


def main(arguments: list[str]) -> int:
    """Measure, print as the rows come in, and say at the end which fell short."""
    quick = "--quick" in arguments
    goals = {argument.upper() for argument in arguments if not argument.startswith("-")}
    print(machine())
    print(f"\n{'goal':5} {'task':46} {'peer':26} {'min':>8} {'median':>8} {'max':>8} {'must':>8}  ok")
    bad, seen, notes = [], 0, []
    for name in sorted(path.stem for path in HERE.glob("bench_*.py")):
        try:
            for row in importlib.import_module(name).rows():
                if goals and row.goal.upper() not in goals:
                    continue
                seen += 1
                result = (
                    measure(row, rounds=5 if quick else 15, seconds=0.02 if quick else 0.15)
                    if isinstance(row, Pair)
                    else row
                )
                print(line(result), flush=True)
                if isinstance(result, Result):
                    notes += [f"{result.goal} {result.task} / {result.peer}: {result.note}"] if result.note else []
                    if not result.is_ok:
                        bad.append(f"{result.goal} {result.task} / {result.peer}")
        except Exception:
            traceback.print_exc()
            bad.append(name)
    print("\nratio = peer's time / ours in the same round; the median is the figure.")
    for note in notes:
        print(f"  {note}")
    print(f"\n{seen} rows, {len(bad)} below their must" + (f": {'; '.join(bad)}" if bad else ""))
    return 1 if bad or not seen else 0


def line(row: Result | Skipped) -> str:
    head = f"{row.goal:5} {row.task[:46]:46} {row.peer[:26]:26}"
    if isinstance(row, Skipped):
        return f"{head} skipped: {row.why}"
    unit = "" if row.unit == "x" else f" {row.unit}"
    must = "" if row.must is None else f"{'<=' if row.at_most else ''}{row.must:g}"
    return f"{head} {row.low:8.3g} {row.median:8.3g} {row.high:8.3g} {must:>8}  {'yes' if row.is_ok else 'NO'}{unit}"


def machine() -> str:
    """Name what was measured on: ratios carry over, times do not."""
    rows = [f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"]
    rows.append(", ".join(f"{name} {version}" for name, version in versions()))
    return "\n".join(rows)


def versions() -> Iterator[tuple[str, str]]:
    for name in ["collectkit", *PEERS.split()]:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
