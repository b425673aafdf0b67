"""Replay a file of published cases against the library: `python tests/replay.py KIND FILE`.

Prints one line per disagreement and last `KIND: N cases, N reproduced, N explained, N disagree, N not replayable`.
The exit status is 0 only where none disagrees, 1 where one does, and 2 for a wrong call. A case whose source is wrong
or unclear stands, with the reason, in `replay_explained.toml` beside this file, under its kind and id; an explanation
of a case that is reproduced after all is itself a disagreement, so that none outlives its reason. A case that its own
file calls unverified, and whose figure as computed there is what comes out here, is explained too, and gets a line.
"""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

KINDS = ("ageing", "schedules", "daycount", "tvm", "apr-regz", "apr-eu", "law", "contact", "dunning")


def main(arguments: list[str]) -> int:
    """Run one file and print what came of it."""
    if len(arguments) != 2 or arguments[0] not in KINDS:
        print(f"usage: python tests/replay.py KIND FILE, where KIND is one of: {', '.join(KINDS)}", file=sys.stderr)
        return 2
    kind, path = arguments[0], Path(arguments[1])
    try:
        module = importlib.import_module(f"replay_kinds.{kind.replace('-', '_')}")
    except ModuleNotFoundError:
        print(f"{kind}: no replay is written for this kind yet", file=sys.stderr)
        return 2
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"{path}: cannot be read as JSON: {error}", file=sys.stderr)
        return 2
    explained = tomllib.loads((HERE / "replay_explained.toml").read_text(encoding="utf-8")).get(kind, {})

    counts = {"reproduced": 0, "explained": 0, "disagree": 0, "not replayable": 0}
    cases = 0
    for outcome in module.replay(data, path.resolve().parent):
        cases += 1
        status: str = outcome.status
        detail = outcome.detail
        if outcome.case_id in explained:
            if status == "disagree":
                status = "explained"
            elif status == "reproduced":
                status, detail = "disagree", "is reproduced, so its explanation in replay_explained.toml must go"
        counts[status] += 1
        if status == "disagree" or (status == "explained" and outcome.case_id not in explained):
            print(f"{kind} {outcome.case_id}: {detail}")
    print(f"{kind}: {cases} cases, " + ", ".join(f"{n} {word}" for word, n in counts.items()))
    return 1 if counts["disagree"] or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
