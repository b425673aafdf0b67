"""Every worked case of law beside the checkout is reproduced, and a case made wrong is noticed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from replay_kinds import law

FILE = "vectors/law_cases.json"


def test_every_replayable_case_of_law_is_reproduced(shared: Path) -> None:
    data = json.loads((shared / FILE).read_text(encoding="utf-8"))
    found = list(law.replay(data, shared))
    assert [one.case_id for one in found if one.status == "disagree"] == []
    assert [one.case_id for one in found if one.status == "not replayable"] == [
        "rz-07"
    ]  # by hand: test_late_payment_law


@pytest.mark.parametrize("case_id", ["uk-01", "de-04", "rz-12", "in-02", "fr-03", "bs-01"])
def test_the_replay_notices_an_altered_answer(shared: Path, case_id: str) -> None:
    data = json.loads((shared / FILE).read_text(encoding="utf-8"))
    case = copy.deepcopy(next(one for one in data["cases"] if one["id"] == case_id))
    for key, value in case["expected"].items():
        wrong = {**case["expected"], key: altered(value)}
        (found,) = law.replay({"cases": [{**case, "expected": wrong}]}, shared)
        assert found.status == "disagree", key


def altered(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [altered(one) for one in value]
    if isinstance(value, int):
        return value + 1
    return f"1{value}" if isinstance(value, str) else value
