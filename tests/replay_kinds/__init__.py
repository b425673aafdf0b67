"""One module per kind of published case; each knows a format, never a single case.

A module defines `replay(data, folder)`, which yields one `Outcome` per case: `data` is the parsed file, `folder` the
folder it stands in (some files name others beside them).
"""

from __future__ import annotations

import dataclasses
from typing import Literal

Status = Literal["reproduced", "disagree", "not replayable"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What replaying one case gave; `detail` says what was expected and what came."""

    case_id: str
    status: Status
    detail: str = ""
