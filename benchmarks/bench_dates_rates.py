"""P11, P13, P14: due dates, and the rates of level plans and of irregular dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from importlib import import_module
from typing import Any

from harness import Pair, Result, Skipped

from collectkit.core.calendars import month_dates
from collectkit.core.interest import dated_rate_estimate, level_rate_estimate

ANCHOR = date(2024, 1, 31)
SIZES = ((12, 0.5, 8_772), (60, 4.0, 2_101), (360, 50.0, 840))  # rows, must of P13, payment on 1000.00 at about 9.5 %


def rows() -> Iterator[Pair | Result | Skipped]:
    yield from due_dates()
    yield from rates()


def due_dates() -> Iterator[Pair | Skipped]:
    def ours() -> list[date]:
        return month_dates(ANCHOR, 360)

    pendulum = peer("pendulum")
    if pendulum is None:
        yield Skipped("P11", "360 month-end due dates", "pendulum", "not installed")
    else:
        start = pendulum.date(2024, 1, 31)

        def by_pendulum() -> list[Any]:
            return [start.add(months=k) for k in range(1, 361)]

        yield Pair(
            "P11", "360 month-end due dates", "pendulum", 15.0, ours, by_pendulum, lambda: ours() == by_pendulum()
        )
    relativedelta = peer("dateutil.relativedelta")
    if relativedelta is None:
        yield Skipped("P11", "360 month-end due dates", "relativedelta", "not installed")
    else:
        delta = relativedelta.relativedelta

        def by_delta() -> list[date]:
            return [ANCHOR + delta(months=k) for k in range(1, 361)]

        yield Pair(
            "P11", "360 month-end due dates", "relativedelta", 25.0, ours, by_delta, lambda: ours() == by_delta()
        )


def rates() -> Iterator[Pair | Skipped]:
    pyxirr = peer("pyxirr")
    for count, must, payment in SIZES:
        level_task, dated_task = f"rate of a level plan, {count} rows", f"rate on irregular dates, {count} rows"
        if pyxirr is None:
            yield Skipped("P13", level_task, "pyxirr.irr", "not installed")
            yield Skipped("P14", dated_task, "pyxirr.xirr", "not installed")
            continue
        amounts = [100_000, *[-payment] * count]
        flows = [float(amount) for amount in amounts]
        days = [ANCHOR, *month_dates(ANCHOR, count)]
        ordinals = [day.toordinal() for day in days]

        def level(payment: int = payment, count: int = count) -> float:
            return 12 * level_rate_estimate(100_000, payment, count)

        def by_irr(flows: list[float] = flows) -> float:
            return 12 * pyxirr.irr(flows)

        def dated(ordinals: list[int] = ordinals, amounts: list[int] = amounts) -> float:
            return dated_rate_estimate(ordinals, amounts)

        def by_xirr(days: list[date] = days, flows: list[float] = flows) -> float:
            return pyxirr.xirr(days, flows)

        yield Pair(
            "P13", level_task, "pyxirr.irr", must, level, by_irr, lambda a=level, b=by_irr: abs(a() - b()) < 1e-12
        )
        yield Pair(
            "P14", dated_task, "pyxirr.xirr", 0.1, dated, by_xirr, lambda a=dated, b=by_xirr: abs(a() - b()) < 1e-9
        )


def peer(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
