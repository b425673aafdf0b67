"""The replay of real ledgers and dunning cases, with controls: an altered figure must be noticed."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from replay_kinds import ageing, dunning

CONTROLS = 8


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((shared / "vectors" / "ageing_reference.json").read_text(encoding="utf-8"))
    return made


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads((shared / "vectors" / "dunning.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in made if case["family"] in {"aging", "arrears"}]


def test_every_figure_of_both_real_ledgers_is_reproduced(reference: dict[str, Any], shared: Path) -> None:
    counts = Counter(outcome.status for outcome in ageing.replay(reference, shared / "vectors"))
    assert set(counts) == {"reproduced"}
    assert counts["reproduced"] > 200


def test_an_altered_figure_of_a_ledger_is_noticed(reference: dict[str, Any], shared: Path) -> None:
    """Control: one cent and one day more than the ledger holds."""
    altered = copy.deepcopy(reference)
    altered["ibm_ar_even_customers"]["ageing"]["2012-06-30"]["standard"]["1-30"]["amount_minor"] += 1
    altered["ibm_ar_even_customers"]["kpis"][0]["dso_days"] += 0.00001
    altered["highradius_open_ledger_A"]["ageing"]["2020-05-22"]["USD"]["total"]["max_dpd"] += 1
    wrong = [one.case_id for one in ageing.replay(altered, shared / "vectors") if one.status == "disagree"]
    assert wrong == [
        "ibm_ar_even_customers/ageing/2012-06-30/standard",
        "ibm_ar_even_customers/kpis/2012-04-01/2012-06-30",
        "highradius_open_ledger_A/ageing/2020-05-22/USD/total",
    ]


def test_dunning_cases_of_aging_are_reproduced(cases: list[dict[str, Any]], shared: Path) -> None:
    wrong = [
        (one.case_id, one.detail) for one in dunning.replay({"cases": cases}, shared) if one.status != "reproduced"
    ]
    assert wrong == []


def test_an_altered_dunning_figure_is_noticed(cases: list[dict[str, Any]], shared: Path) -> None:
    """Control: wherever a row tells the account's days or the sum past due, another figure disagrees."""
    altered = []
    for case in copy.deepcopy(cases):
        for row in case["expect"]:
            if row.get("account") and "delinquent_days" in row["account"]:
                row["account"]["delinquent_days"] += 1
                altered.append(case)
                break
            if row.get("past_due_total"):
                row["past_due_total"] = dict.fromkeys(row["past_due_total"], "0.01")
                altered.append(case)
                break
    assert len(altered) >= CONTROLS
    assert {one.status for one in dunning.replay({"cases": altered}, shared)} == {"disagree"}
