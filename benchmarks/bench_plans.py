"""P1 to P4: one payment plan, against libraries that lay out the same loan.

P1 and P2 time the whole of `amortised_plan`: terms checked, rows exact and dated, the proof made. P3 and P4 time the
schedule below it, since at twelve rows the checking of terms costs as much as the rows; a row of its own says how much
the whole plan takes. Peers leave out what their notes say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from typing import Any

from harness import Pair, Result, Skipped

from collectkit.core.calendars import Every
from collectkit.core.interest import level_payment_minor
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.schedule import DueDates, Schedule, level_schedule
from collectkit.plans import PaymentPlan, amortised_plan

DEBT, PERCENT, START = 100_000, "9.4822", date(2024, 1, 31)
ANNUAL = 0.094822
PRINCIPAL, RATE, MONTHLY = Money(DEBT * 100, "EUR"), Rate.percent(PERCENT), Every(1, "months")
TASKS = {
    "P1": "plan of 360, first, middle and last row read",
    "P2": "plan of 360, all rows frozen and dated",
    "P3": "schedule of 12, all rows frozen and dated",
    "P3a": "plan of 12 with terms and proof, all rows",
    "P4": "plan of 360, only the level payment read",
}
MUST: dict[str, dict[str, float | None]] = {
    "P1": {"amortization": 3, "QuantLib": 20, "pyloan": 250, "numpy-financial": 2},
    "P2": {"amortization": 1, "QuantLib": 6, "pyloan": 80},
    "P3": {"amortization": 0.8, "QuantLib": 5, "pyloan": 100},
    "P3a": {"amortization": None, "QuantLib": None, "pyloan": None},
    "P4": {"amortization": 100},
}
NOTES = {
    "amortization": "floats, no dates, no proof",
    "QuantLib": "floats, unrounded, no proof",
    "pyloan": "dated and to the cent, but 1.00 too high at twelve rows; no proof",
    "numpy-financial": "floats, unrounded, no dates, no proof",
}


def rows() -> Iterator[Pair | Result | Skipped]:
    for goal, peers in MUST.items():
        count = 12 if goal in ("P3", "P3a") else 360
        for name, must in peers.items():
            theirs = PEERS[name](count)
            if theirs is None:
                yield Skipped(goal, TASKS[goal], name, "not installed")
                continue
            yield Pair(goal, TASKS[goal], name, must, OURS[goal], theirs, agreeing(theirs, count), note=NOTES[name])


# -- ours --------------------------------------------------------------------------------------------------------


def plan(count: int) -> PaymentPlan:
    return amortised_plan(plan_id="P-1", principal=PRINCIPAL, rate=RATE, instalments=count, start_on=START)


def lazy() -> object:
    schedule = plan(360).schedule
    return schedule[0], schedule[180], schedule[359]


def level(count: int) -> Schedule:
    factor = (47_411, 6_000_000)  # 9.4822 % a year by months, in lowest terms
    payment = level_payment_minor(PRINCIPAL.minor, *factor, count)
    dates = DueDates(START, MONTHLY, count)
    return level_schedule(principal=PRINCIPAL, period_rate=factor, payment=payment, count=count, due_on=dates)


OURS: dict[str, Callable[[], object]] = {
    "P1": lazy,
    "P2": lambda: list(plan(360).schedule),
    "P3": lambda: list(level(12)),
    "P3a": lambda: list(plan(12).schedule),
    "P4": lambda: level(360).level_payment,
}


# -- peers: each lays out all rows, for none of them can do less --------------------------------------------------


def agreeing(theirs: Callable[[], object], count: int) -> Callable[[], bool]:
    """Compare principal and interest of every row; what is rounded to cents must be equal, the rest near."""

    def check() -> bool:
        ours = list(plan(count).schedule)
        if list(level(count)) != ours:
            return False
        listed = as_pairs(theirs(), count)
        if len(listed) != count:
            return False
        near = 0.005 + 1e-6 if is_rounded(theirs) else 0.05 * count  # cents that we round pile up to the last row
        if theirs.__name__ == "by_pyloan" and count == 12:
            near = 12.2  # the payment it finds is 1.00 too high there, which its last row makes good
        return all(
            abs(row.principal_minor / 100 - principal) < near and abs(row.interest_minor / 100 - interest) < near
            for row, (principal, interest) in zip(ours, listed, strict=True)
        )

    return check


def is_rounded(theirs: Callable[[], object]) -> bool:
    return theirs.__name__ in ("by_amortization", "by_pyloan")


def as_pairs(result: Any, count: int) -> list[tuple[float, float]]:
    """Read principal and interest from a peer's rows, whatever their form."""
    if isinstance(result, tuple):
        return [(-float(p), -float(i)) for p, i in zip(*result, strict=True)]
    if hasattr(result[0], "principal"):
        return [(row.principal, row.interest) for row in result]
    if hasattr(result[0], "principal_amount"):
        return [(float(row.principal_amount), float(row.interest_amount)) for row in result[-count:]]
    by_day: dict[Any, list[float]] = {}
    for day, amount in result:  # QuantLib pays interest first, then principal
        by_day.setdefault(day, []).append(amount)
    return [(parts[1], parts[0]) for parts in by_day.values()]


def amortization(count: int) -> Callable[[], object] | None:
    module = peer("amortization.schedule")
    if module is None:
        return None

    def by_amortization() -> list[Any]:
        return list(module.amortization_schedule(float(DEBT), ANNUAL, count))

    return by_amortization


def quantlib(count: int) -> Callable[[], object] | None:
    ql = peer("QuantLib")
    if ql is None:
        return None
    start = ql.Date(31, 1, 2024)
    ql.Settings.instance().evaluationDate = start

    def by_quantlib() -> list[Any]:
        end = start + ql.Period(count, ql.Months)
        days = ql.Schedule(
            start,
            end,
            ql.Period(1, ql.Months),
            ql.NullCalendar(),
            ql.Unadjusted,
            ql.Unadjusted,
            ql.DateGeneration.Forward,
            False,
        )
        notionals = ql.sinkingNotionals(ql.Period(count, ql.Months), ql.Monthly, ANNUAL, float(DEBT))
        bond = ql.AmortizingFixedRateBond(0, notionals, days, [ANNUAL], ql.SimpleDayCounter())
        return [(flow.date().serialNumber(), flow.amount()) for flow in bond.cashflows()]

    return by_quantlib


def pyloan(count: int) -> Callable[[], object] | None:
    module = peer("pyloan.pyloan")
    if module is None:
        return None

    def by_pyloan() -> list[Any]:
        loan = module.Loan(
            loan_amount=DEBT,
            interest_rate=100 * ANNUAL,
            loan_term=count,
            loan_term_period="M",
            start_date="2024-01-31",
        )
        return list(loan.get_payment_schedule())

    return by_pyloan


def numpy_financial(count: int) -> Callable[[], object] | None:
    npf, numpy = peer("numpy_financial"), peer("numpy")
    if npf is None or numpy is None:
        return None
    periods = numpy.arange(1, count + 1)

    def by_npf() -> tuple[Any, Any]:
        rate = ANNUAL / 12
        return npf.ppmt(rate, periods, count, DEBT), npf.ipmt(rate, periods, count, DEBT)

    return by_npf


PEERS = {
    "amortization": amortization,
    "QuantLib": quantlib,
    "pyloan": pyloan,
    "numpy-financial": numpy_financial,
}


def peer(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
