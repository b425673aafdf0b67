"""Replay of published day counts: days, exact fractions and year fractions of each convention."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from collectkit.core.rates import DayCount, day_count, year_fraction
from replay_kinds import Outcome, each

NAMES = {"act/act-isma": "act/act-icma"}  # the file uses the association's old name


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    return each(data, replayed)


def replayed(case: dict[str, Any]) -> Outcome:
    convention = cast(DayCount, NAMES.get(case["convention"], case["convention"]))
    start, end = date.fromisoformat(case["start"]), date.fromisoformat(case["end"])
    termination = day(case["termination"])
    expected = case["expected"]
    wrong = []
    if expected["days"] is not None:
        days = day_count(convention, start, end, termination_on=termination)
        if days != expected["days"]:
            wrong.append(f"days {expected['days']} expected, {days} came")
    fraction = year_fraction(
        convention,
        start,
        end,
        termination_on=termination,
        ref_start_on=day(case["ref_start"]),
        ref_end_on=day(case["ref_end"]),
        periods_per_year=case["periods_per_year"],
    )
    if expected["fraction"] is not None and fraction != Fraction(expected["fraction"]):
        wrong.append(f"fraction {expected['fraction']} expected, {fraction} came")
    if expected["year_fraction"] is not None:
        tolerance = Fraction(Decimal(expected["tolerance"] or "0"))
        if abs(fraction - Fraction(expected["year_fraction"])) > tolerance:
            wrong.append(f"year fraction {expected['year_fraction']} expected, {float(fraction)!r} came")
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
