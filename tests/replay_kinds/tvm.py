"""Replay of published results of the spreadsheet functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from inspect import signature
from pathlib import Path
from typing import Any

from collectkit.core import interest
from replay_kinds import Outcome, each, judged

AMOUNTS = ("pmt", "pv", "fv")
FUNCTIONS: dict[str, Callable[..., Decimal | Fraction]] = {
    "pmt": interest.pmt,
    "ipmt": interest.ipmt,
    "ppmt": interest.ppmt,
    "nper": interest.nper,
    "rate": interest.rate,
    "cumipmt": interest.cumipmt,
    "cumprinc": interest.cumprinc,
    "pv": interest.pv,
    "fv": interest.fv,
}


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    return each(data, replayed)


def replayed(case: dict[str, Any]) -> Outcome:
    function = FUNCTIONS[case["function"]]
    unlike: list[str] = []
    value = Fraction(function(**arguments(function, case["args"], unlike)))
    expected = case["expected"]
    if expected["unit"] == "percent":
        value *= 100
    if abs(value - Fraction(expected["value"])) > Fraction(Decimal(expected["tolerance"])):
        unlike.append(f"{expected['value']} expected, {float(value)!r} came")
    digits = len(case["computed"].partition(".")[2])
    agrees = abs(value - Fraction(Decimal(case["computed"]))) <= Fraction(1, 10**digits)
    return judged(case, [], unlike, agrees=agrees)


def arguments(function: Callable[..., Any], args: dict[str, Any], wrong: list[str]) -> dict[str, Any]:
    """Turn the file's arguments into ours: absent amounts are 0, a yearly percentage becomes the rate of a period."""
    given = {name: value for name, value in args.items() if not name.startswith("rate_")}
    if "rate_percent" in args:
        given["rate"] = Fraction(args["rate_percent"]) / 100 / args.get("rate_periods_per_year", 1)
    taken = signature(function).parameters
    wrong += [f"{name} is no argument of this function" for name in AMOUNTS if name not in taken and given.get(name, 0)]
    return {name: given.get(name, "0") for name in AMOUNTS if name in taken} | {
        name: value for name, value in given.items() if name in taken
    }
