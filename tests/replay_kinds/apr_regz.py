"""Replay of published annual percentage rates of US Regulation Z, Appendix J."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from collectkit.core.calendars import Every, add_months
from collectkit.core.interest import UnitInterval, regz_apr
from collectkit.core.rates import day_count
from replay_kinds import Outcome, each, judged


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    return each(data, replayed)


def replayed(case: dict[str, Any]) -> Outcome:
    came = regz_apr(
        advances=flows(case, "advance"),
        payments=flows(case, "payment"),
        unit_period=rhythm(case["unit_period"]),
        unit_periods_per_year=Fraction(case["unit_periods_per_year"]),
    )
    wrong, unlike = [], []
    interval, first = case["first_payment_interval"], came.first_payment
    stated = UnitInterval(whole=interval["whole"], fraction=Fraction(interval["fraction"]))
    if stated not in (first, by_calendar(case, first)):
        wrong.append(f"{interval['whole']} and {interval['fraction']} to the first payment expected, {first} came")
    expected = case["expected"]
    if came.percent(expected["decimals"]) != Decimal(expected["apr_percent"]):
        unlike.append(f"{expected['apr_percent']} % expected, {came.percent(6)} % came")
    computed = Decimal(case["computed_percent"])
    return judged(case, wrong, unlike, agrees=came.percent(len(case["computed_percent"].partition(".")[2])) == computed)


def by_calendar(case: dict[str, Any], first: UnitInterval) -> UnitInterval:
    """Restate the interval as the file's rules ask for a quarter: odd days by the calendar, where the law has months.

    Appendix J (b)(5) counts 30 days for each month left over; the two differ only where whole months are left over.
    """
    if case["unit_period"] != {"unit": "month", "n": 3}:
        return first
    lent_on = min(on for on, _ in flows(case, "advance"))
    paid_on = min(on for on, _ in flows(case, "payment"))
    odd = day_count("act/365f", lent_on, add_months(paid_on, -3 * first.whole))
    return UnitInterval(whole=first.whole, fraction=Fraction(odd, 90))


def flows(case: dict[str, Any], kind: str) -> list[tuple[date, Fraction]]:
    return [(on, Fraction(flow["amount"])) for flow in case["flows"] if flow["kind"] == kind for on in days(flow)]


def days(flow: dict[str, Any]) -> list[date]:
    if "dates" in flow:
        return [date.fromisoformat(text) for text in flow["dates"]]
    first = date.fromisoformat(flow["first_on"])
    if flow["every"] is None:
        return [first] * flow["count"]
    return rhythm(flow["every"]).dates(anchor=first, count=flow["count"], first=0)


def rhythm(every: dict[str, Any]) -> Every:
    return Every(every["n"], every["unit"] + "s")
