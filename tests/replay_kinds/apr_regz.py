"""Replay of published annual percentage rates of US Regulation Z, Appendix J."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from collectkit.core.calendars import Every
from collectkit.core.interest import regz_apr
from replay_kinds import Outcome


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        yield Outcome(case["id"], "not replayable") if not case["replay"] else replayed(case)


def replayed(case: dict[str, Any]) -> Outcome:
    came = regz_apr(
        advances=flows(case, "advance"),
        payments=flows(case, "payment"),
        unit_period=rhythm(case["unit_period"]),
        unit_periods_per_year=Fraction(case["unit_periods_per_year"]),
    )
    wrong = []
    interval = case["first_payment_interval"]
    if came.first_payment.total != interval["whole"] + Fraction(interval["fraction"]):
        first = came.first_payment
        wrong.append(f"{interval['whole']} and {interval['fraction']} to the first payment expected, {first} came")
    expected = case["expected"]
    percent = came.percent(expected["decimals"])
    if percent != Decimal(expected["apr_percent"]):
        wrong.append(f"{expected['apr_percent']} % expected, {came.percent(6)} % came")
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def flows(case: dict[str, Any], kind: str) -> list[tuple[date, Fraction]]:
    found = []
    for flow in case["flows"]:
        if flow["kind"] == kind:
            found += [(on, Fraction(flow["amount"])) for on in days(flow)]
    return found


def days(flow: dict[str, Any]) -> list[date]:
    if "dates" in flow:
        return [date.fromisoformat(text) for text in flow["dates"]]
    first = date.fromisoformat(flow["first_on"])
    if flow["every"] is None:
        return [first] * flow["count"]
    return rhythm(flow["every"]).dates(anchor=first, count=flow["count"], first=0)


def rhythm(every: dict[str, Any]) -> Every:
    return Every(every["n"], every["unit"] + "s")
