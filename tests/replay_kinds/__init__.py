"""One module per kind of published case; each knows a format, never a single case.

A module defines `replay(data, folder)`, which yields one `Outcome` per case: `data` is the parsed file, `folder` the
folder it stands in (some files name others beside them).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Literal

Status = Literal["reproduced", "explained", "disagree", "not replayable"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What replaying one case gave; `detail` says what was expected and what came.

    `explained` is for a case that its file calls unverified, whose printed figure does not come out and whose figure as
    computed by the makers of the file does: file and library agree that the source is off.
    """

    case_id: str
    status: Status
    detail: str = ""


def each(data: dict[str, Any], replayed: Callable[[dict[str, Any]], Outcome]) -> Iterator[Outcome]:
    """Replay the cases of a file one by one; a call that the library refuses is a disagreement, not the end."""
    for case in data["cases"]:
        if not case["replay"]:
            yield Outcome(case["id"], "not replayable")
            continue
        try:
            yield replayed(case)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # the library's own are ValueErrors
            yield Outcome(case["id"], "disagree", f"{type(error).__name__}: {error}")


def judged(case: dict[str, Any], wrong: list[str], unlike: list[str], *, agrees: bool) -> Outcome:
    """Turn what differs into an outcome: `wrong` never stands, `unlike` stands where an unverified case `agrees`.

    `agrees` says that what came is the figure that the file gives as computed.
    """
    if not wrong and not unlike:
        return Outcome(case["id"], "reproduced")
    if wrong or case["verified"] or not agrees:
        return Outcome(case["id"], "disagree", "; ".join([*unlike, *wrong]))
    return Outcome(case["id"], "explained", "; ".join([*unlike, "the file calls it unverified and computes what came"]))
