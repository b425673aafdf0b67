"""Paired timing: a peer and ours in one process, turn by turn, the ratio of each round; higher is better.

A benchmark file `bench_*.py` defines `rows()`, which yields `Pair`s to be measured here, or a finished `Result`, or
`Skipped` where a peer is not installed. Equality of results is checked before anything is timed. Ratios of one run can
be trusted; absolute times cannot, so they are printed for orientation only.
"""

from __future__ import annotations

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable
from typing import Literal

ROUNDS = 15
SECONDS = 0.15  # the least length of one sample


@dataclasses.dataclass(frozen=True)
class Pair:
    """Ours against a peer at one task; `must` is the least median ratio, `note` what the peer leaves out.

    `same` runs both and says whether their results agree; `clock` is "wall" where threads, disk or another process
    take part.
    """

    goal: str
    task: str
    peer: str
    must: float | None
    ours: Callable[[], object]
    theirs: Callable[[], object]
    same: Callable[[], bool]
    clock: Literal["cpu", "wall"] = "cpu"
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one row. `unit` is "x" for a ratio; other rows (a count, a share, a time) name their own."""

    goal: str
    task: str
    peer: str
    low: float
    median: float
    high: float
    must: float | None
    unit: str = "x"
    at_most: bool = False
    note: str = ""

    @property
    def is_ok(self) -> bool:
        if self.must is None:
            return True
        return self.median <= self.must if self.at_most else self.median >= self.must


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A row that could not be measured, and why."""

    goal: str
    task: str
    peer: str
    why: str


def measure(pair: Pair, *, rounds: int = ROUNDS, seconds: float = SECONDS) -> Result:
    """Check that both agree, warm both up, then time them by turns."""
    if not pair.same():
        raise AssertionError(f"{pair.goal} {pair.task} against {pair.peer}: the results differ, so times mean nothing")
    clock = time.process_time if pair.clock == "cpu" else time.perf_counter
    calls_ours, calls_theirs = enough_calls(pair.ours, clock, seconds), enough_calls(pair.theirs, clock, seconds)
    ratios, times = [], []
    for turn in range(max(rounds, 3)):
        samples = [(pair.theirs, calls_theirs), (pair.ours, calls_ours)]
        if turn % 2:
            samples.reverse()
        spent = {call: sample(call, calls, clock) for call, calls in samples}
        ratios.append(spent[pair.theirs] / spent[pair.ours])
        times.append(spent[pair.ours])
    micros = statistics.median(times) * 1e6
    note = f"ours {micros:,.1f} us a call" + (f"; {pair.note}" if pair.note else "")
    return Result(
        goal=pair.goal,
        task=pair.task,
        peer=pair.peer,
        low=min(ratios),
        median=statistics.median(ratios),
        high=max(ratios),
        must=pair.must,
        note=note,
    )


def enough_calls(call: Callable[[], object], clock: Callable[[], float], seconds: float) -> int:
    """Warm up, then find how many calls make a sample that lasts long enough."""
    call()
    calls = 1
    while True:
        spent = sample(call, calls, clock) * calls
        if spent >= seconds:
            return calls
        calls = max(calls + 1, min(calls * 100, int(calls * 1.2 * seconds / max(spent, 1e-7))))


def sample(call: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    """Return the seconds of one call, averaged over so many."""
    gc.collect()
    start = clock()
    for _ in range(calls):
        call()
    return (clock() - start) / calls
