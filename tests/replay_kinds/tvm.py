"""Replay of published results of the spreadsheet functions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from collectkit.core import interest
from replay_kinds import Outcome


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        yield Outcome(case["id"], "not replayable") if not case["replay"] else replayed(case)


def replayed(case: dict[str, Any]) -> Outcome:
    value = Fraction(getattr(interest, case["function"])(**arguments(case)))
    if case["expected"]["unit"] == "percent":
        value *= 100
    expected = Fraction(case["expected"]["value"])
    if abs(value - expected) <= Fraction(Decimal(case["expected"]["tolerance"])):
        return Outcome(case["id"], "reproduced")
    return Outcome(case["id"], "disagree", f"{case['expected']['value']} expected, {float(value)!r} came")


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    """Turn the file's arguments into ours: absent amounts are 0, a yearly percentage becomes the rate of a period."""
    given = dict(case["args"])
    function = case["function"]
    if "rate_percent" in given:
        percent, periods = given.pop("rate_percent"), given.pop("rate_periods_per_year", 1)
        given["rate"] = Fraction(percent) / 100 / periods
    given.pop("rate_periods_per_year", None)
    for name in {"nper": ("pmt", "pv"), "rate": ("pmt", "pv"), "cumipmt": ("pv",), "cumprinc": ("pv",)}.get(
        function, ()
    ):
        given.setdefault(name, "0")
    return given
