"""Replay of published annual percentage rates of charge of the European Union's directives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from collectkit.core import interest
from collectkit.core.calendars import Every
from collectkit.core.interest import eu_aprc, eu_years, percent_of
from replay_kinds import Outcome, each, judged

Flow = tuple[Fraction, Fraction]


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    return each(data, replayed)


def replayed(case: dict[str, Any]) -> Outcome:
    wrong: list[str] = []
    unlike: list[str] = []
    amounts = [amounts_of(flow, wrong) for flow in case["flows"]]
    x = rate_of(spread(case, amounts, [first_time(flow) for flow in case["flows"]]))
    expected = case["expected"]
    if percent_of(x, expected["decimals"]) != Decimal(expected["apr_percent"]):
        unlike.append(f"{expected['apr_percent']} % expected, {percent_of(x, 6)} % came")
    if expected["x_percent"] is not None:
        tolerance = Fraction(expected["x_tolerance_percent"] or "0")
        if abs(Fraction(x) * 100 - Fraction(expected["x_percent"])) > tolerance:
            unlike.append(f"x = {expected['x_percent']} % expected, {percent_of(x, 8)} % came")
    if case["dates"] is not None:
        wrong += check_dates(case)
    for reading in case["alternatives"]:
        wrong += check_reading(case, amounts, reading)
    computed = case["computed_percent"]
    return judged(case, wrong, unlike, agrees=percent_of(x, decimals_of(computed)) == Decimal(computed))


def check_dates(case: dict[str, Any]) -> list[str]:
    """Compare the two days with the time of the first payment, in the rhythm in which it is repeated."""
    paid = [flow for flow in case["flows"] if flow["kind"] not in ("drawdown", "charge")]
    first = min(paid or [flow for flow in case["flows"] if flow["kind"] == "charge"], key=first_time)
    yearly = "every" in first and rhythm(first["every"]) in (Every(first["every"]["n"], "years"), Every(12, "months"))
    came = eu_years(
        date.fromisoformat(case["dates"]["drawdown_on"]),
        date.fromisoformat(case["dates"]["first_payment_on"]),
        unit="years" if yearly else "months",
    )
    return [] if came == first_time(first) else [f"{first_time(first)} years to the first payment, {came} came"]


def check_reading(case: dict[str, Any], amounts: list[Sequence[Fraction]], reading: dict[str, Any]) -> list[str]:
    """Compare another reading's rate; its times are one for each flow, or one for each payment of every flow."""
    at = [years(text) for text in reading["at_years"]]
    if len(at) == len(amounts):
        flows = spread(case, amounts, at)
    elif len(at) == sum(map(len, amounts)):
        flows = [(t, flow[1]) for t, flow in zip(at, spread(case, amounts, [Fraction(0)] * len(amounts)), strict=True)]
    else:
        return [f"the reading '{reading['why']}' has {len(at)} times for {len(amounts)} flows"]
    x = rate_of(flows)
    if percent_of(x, decimals_of(reading["apr_percent"])) == Decimal(reading["apr_percent"]):
        return []
    return [f"{reading['apr_percent']} % expected for '{reading['why']}', {percent_of(x, 8)} % came"]


def rate_of(flows: list[Flow]) -> Decimal:
    return eu_aprc(
        drawdowns=[(at, amount) for at, amount in flows if amount > 0],
        payments=[(at, -amount) for at, amount in flows if amount < 0],
    )


def spread(case: dict[str, Any], amounts: list[Sequence[Fraction]], starts: list[Fraction]) -> list[Flow]:
    """Spread the flows out in the file's order: a drawdown is received, every other kind is paid."""
    flows: list[Flow] = []
    for flow, parts, start in zip(case["flows"], amounts, starts, strict=True):
        sign = 1 if flow["kind"] == "drawdown" else -1
        every = rhythm(flow["every"]) if "every" in flow else Every(1, "years")
        times = interest.series_years(first=start, every=every, count=len(parts))
        flows += [(at, sign * amount) for at, amount in zip(times, parts, strict=True)]
    return flows


def first_time(flow: dict[str, Any]) -> Fraction:
    return years(flow["at_years"] if "at_years" in flow else flow["first_at_years"])


def amounts_of(flow: dict[str, Any], wrong: list[str]) -> Sequence[Fraction]:
    if "amounts" in flow:
        return [Fraction(text) for text in flow["amounts"]]
    if "growing" in flow:
        rule = flow["growing"]
        return interest.growing_amounts(
            first=Fraction(rule["first_unrounded"]),
            growth=percent(rule["growth_percent_per_year"]),
            years=rule["years"],
            per_year=rule["per_year"],
            decimals=rule["decimals"],
        )
    if "amortising" in flow:
        return amortising(flow["amortising"], wrong)
    return [Fraction(flow["amount"])] * flow.get("count", 1)


def amortising(rule: dict[str, Any], wrong: list[str]) -> Sequence[Fraction]:
    """Ask for the payments, and check the first, the last and their number against the file."""
    amounts = interest.amortising_amounts(
        balance=Fraction(rule["balance"]),
        period_rate=percent(rule["period_rate_percent"]),
        principal=principal(rule["principal_rule"]),
        clear_at=rule["clear_at"],
    )
    for name, came in (("first_amount", amounts[0]), ("last_amount", amounts[-1])):
        if abs(came - Fraction(rule[name])) > Fraction(1, 2 * 10 ** decimals_of(rule[name])):
            wrong.append(f"{name} {rule[name]} expected, {float(came):.4f} came")
    if len(amounts) != rule["count"]:
        wrong.append(f"{rule['count']} payments expected, {len(amounts)} came")
    return amounts


def principal(rule: dict[str, Any]) -> interest.PrincipalRule:
    if rule["type"] == "fixed":
        return interest.FixedPrincipal(amount=Fraction(rule["amount"]))
    if rule["type"] == "equal":
        return interest.EqualPrincipal(count=rule["count"])
    share, minimum = percent(rule["percent"]), Fraction(rule["minimum"])
    if rule["type"] == "percent_of_balance":
        return interest.PrincipalShare(share=share, minimum=minimum)
    return interest.PaymentShare(share=share, minimum=minimum)


def rhythm(every: dict[str, Any]) -> Every:
    return Every(every["n"], "months" if every["unit"] == "month" else "years")


def percent(text: str) -> Fraction:
    return Fraction(text) / 100


def years(text: str) -> Fraction:
    return sum((Fraction(part) for part in text.split("+")), Fraction(0))


def decimals_of(text: str) -> int:
    return len(text.partition(".")[2])
