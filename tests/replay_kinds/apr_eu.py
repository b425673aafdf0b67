"""Replay of published annual percentage rates of charge of the European Union's directives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from collectkit.core.interest import eu_aprc, eu_years, percent_of
from collectkit.core.money import rounded
from replay_kinds import Outcome

Flow = tuple[Fraction, Fraction]


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        yield Outcome(case["id"], "not replayable") if not case["replay"] else replayed(case)


def replayed(case: dict[str, Any]) -> Outcome:
    wrong: list[str] = []
    flows = spread(case, wrong)
    x = rate_of(flows)
    expected = case["expected"]
    if percent_of(x, expected["decimals"]) != Decimal(expected["apr_percent"]):
        wrong.append(f"{expected['apr_percent']} % expected, {percent_of(x, 6)} % came")
    if expected["x_percent"] is not None:
        tolerance = Fraction(expected["x_tolerance_percent"] or "0")
        if abs(Fraction(x) * 100 - Fraction(expected["x_percent"])) > tolerance:
            wrong.append(f"x = {expected['x_percent']} % expected, {percent_of(x, 8)} % came")
    if case["dates"] is not None:
        start = date.fromisoformat(case["dates"]["drawdown_on"])
        first = date.fromisoformat(case["dates"]["first_payment_on"])
        stated = min(at for at, amount in flows if amount < 0 and at > 0)
        if eu_years(start, first) != stated:
            wrong.append(f"{stated} years to the first payment expected, {eu_years(start, first)} came")
    for reading in case["alternatives"]:
        at = [years(text) for text in reading["at_years"]]
        if len(at) != len(flows):
            wrong.append(f"the reading '{reading['why']}' has {len(at)} times for {len(flows)} flows")
            continue
        other = percent_of(rate_of([(t, flow[1]) for t, flow in zip(at, flows, strict=True)]), 12)
        decimals = len(reading["apr_percent"].partition(".")[2])
        if percent_of(other / 100, decimals) != Decimal(reading["apr_percent"]):
            wrong.append(f"{reading['apr_percent']} % expected for '{reading['why']}', {other} % came")
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def rate_of(flows: list[Flow]) -> Decimal:
    return eu_aprc(
        drawdowns=[(at, amount) for at, amount in flows if amount > 0],
        payments=[(at, -amount) for at, amount in flows if amount < 0],
    )


def spread(case: dict[str, Any], wrong: list[str]) -> list[Flow]:
    """Spread the flows out in the file's order: a drawdown is received, every other kind is paid."""
    flows: list[Flow] = []
    for flow in case["flows"]:
        amounts = amounts_of(flow, wrong)
        sign = 1 if flow["kind"] == "drawdown" else -1
        flows += zip(times_of(flow, len(amounts)), [sign * amount for amount in amounts], strict=True)
    return flows


def times_of(flow: dict[str, Any], count: int) -> list[Fraction]:
    if "at_years" in flow:
        return [years(flow["at_years"])]
    step = Fraction(flow["every"]["n"], 12 if flow["every"]["unit"] == "month" else 1)
    first = years(flow["first_at_years"])
    return [first + k * step for k in range(count)]


def amounts_of(flow: dict[str, Any], wrong: list[str]) -> list[Fraction]:
    if "amounts" in flow:
        return [Fraction(text) for text in flow["amounts"]]
    if "growing" in flow:
        return growing(flow["growing"])
    if "amortising" in flow:
        return amortising(flow["amortising"], wrong)
    return [Fraction(flow["amount"])] * flow.get("count", 1)


def growing(rule: dict[str, Any]) -> list[Fraction]:
    growth = 1 + Fraction(rule["growth_percent_per_year"]) / 100
    unit = 10 ** rule["decimals"]
    amounts = []
    for year in range(rule["years"]):
        exact = Fraction(rule["first_unrounded"]) * growth**year
        amounts += [Fraction(rounded(exact * unit, "half_even"), unit)] * rule["per_year"]
    return amounts


def amortising(rule: dict[str, Any], wrong: list[str]) -> list[Fraction]:
    """Interest on the balance plus principal by the rule, capped by the balance; nothing is rounded but the checks."""
    balance, rate = Fraction(rule["balance"]), Fraction(rule["period_rate_percent"]) / 100
    by = rule["principal_rule"]
    equal = balance / by["count"] if by["type"] == "equal" else None
    amounts: list[Fraction] = []
    while balance > 0:
        if len(amounts) > 12_000:
            wrong.append("the amortising flow never ends")
            break
        interest = balance * rate
        if equal is not None:
            principal = equal
        elif by["type"] == "fixed":
            principal = Fraction(by["amount"])
        elif by["type"] == "percent_of_balance":
            principal = max(balance * Fraction(by["percent"]) / 100, Fraction(by["minimum"]))
        else:
            payment = (balance + interest) * Fraction(by["percent"]) / 100
            principal = max(payment, Fraction(by["minimum"])) - interest
        if len(amounts) + 1 == rule["clear_at"]:
            principal = balance
        principal = min(principal, balance)
        amounts.append(principal + interest)
        balance -= principal
    for name, came in (("first_amount", amounts[0]), ("last_amount", amounts[-1])):
        digits = len(rule[name].partition(".")[2])
        if abs(came - Fraction(rule[name])) > Fraction(1, 2 * 10**digits):
            wrong.append(f"{name} {rule[name]} expected, {float(came):.4f} came")
    if len(amounts) != rule["count"]:
        wrong.append(f"{rule['count']} payments expected, {len(amounts)} came")
    return amounts


def years(text: str) -> Fraction:
    return sum((Fraction(part) for part in text.split("+")), Fraction(0))
