"""From what the debtor can afford to terms: solve for count, amount or end within limits, and say which limit binds."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Literal

import attrs

from collectkit._plans.terms import PlanTerms, periods_of, rows_at
from collectkit.core.checks import require_date
from collectkit.core.decisions import Declined, Reason
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.schedule import exact_level

Binding = Literal["affordable", "max_instalments", "end_by", "min_instalment"]
"""The limit that decided the form of a personalised plan."""


@attrs.frozen(kw_only=True)
class Solved:
    """Terms that fit, the limit that decided them, and why."""

    terms: PlanTerms
    binds: Binding
    reason: Reason


def solve(
    *,
    draft: PlanTerms,
    affordable: Money,
    end_by: date | None,
    min_instalment: Money | None,
    prefer: Literal["soonest", "lowest"],
) -> Solved | Declined:
    """Solve `draft`, whose number of instalments is the most allowed, for a payment of at most `affordable`."""
    if prefer not in ("soonest", "lowest"):
        raise InvalidTerms("plans.amounts", "prefer must be one of: soonest, lowest")
    if draft.fee_total is not None:
        raise InvalidTerms("plans.amounts", "what is affordable includes the fee, so give it per instalment: fee_each")
    currency = draft.currency
    for given in (affordable,) if min_instalment is None else (affordable, min_instalment):
        if not isinstance(given, Money):
            raise InvalidTerms("plans.amount", f"a limit needs Money, not {type(given).__name__}")
        if given.currency != currency:
            raise CurrencyMismatch(currency, given.currency, "put into one plan")
    limited_by: Binding = "max_instalments"
    factors = periods_of(draft).factors
    if end_by is not None:
        require_date(end_by, "end_by")
        fitting = sum(1 for day in periods_of(draft).due_on if day <= end_by)
        if fitting == 0:
            return _declined("plans.end_by", f"no instalment falls due by {end_by}; allow a later end")
        if fitting < len(factors):
            factors, limited_by = factors[:fitting], "end_by"
    fee = 0 if draft.fee_each is None else draft.fee_each.minor
    unit = 1 if draft.multiple is None else draft.multiple.minor
    least = unit if min_instalment is None else max(unit, min_instalment.minor - fee)
    budget = (affordable.minor - fee) // unit * unit
    if budget < least:
        text = f"{affordable} is below the smallest instalment of {Money(least + fee, currency)}"
        return _declined("plans.min_instalment", text)
    run = rows_at(draft, factors, budget)
    if run is None:
        interest = Money(rounded(draft.financed.minor * factors[0], draft.rounding) + 1 + fee, currency)
        text = f"{affordable} does not cover the interest of a period, so the debt would grow; {interest} is the least"
        return _declined("plans.negative_amortisation", text)
    rows, left = run
    if left:
        exact = exact_level(draft.financed.minor, factors)
        enough = Money(-(-exact // unit) * unit + fee, currency)
        return _declined(
            f"plans.{limited_by}",
            f"{len(factors)} instalments of {affordable} leave {Money(left, currency)}; "
            f"within {limited_by}, {enough} each would do",
        )
    if prefer == "lowest":
        return _lowest(draft, factors, (rows, least, fee), limited_by)
    level = Money(budget, currency) if rows > 1 else None
    text = f"{affordable} a period pays the debt off in {rows} instalment{'s' if rows > 1 else ''}"
    return _solved(attrs.evolve(draft, instalments=rows, level=level), "affordable", text)


def _lowest(
    draft: PlanTerms, factors: tuple[Fraction, ...], bounds: tuple[int, int, int], limited_by: Binding
) -> Solved:
    """Take as many rows as the limits allow, but not so many that they fall below the least."""
    fewest, least, fee = bounds
    binds, rows = limited_by, len(factors)
    if exact_level(draft.financed.minor, factors) < least:
        binds = "min_instalment"
        low, high = fewest, rows
        while low < high:  # the level payment falls as rows are added
            middle = (low + high + 1) // 2
            if exact_level(draft.financed.minor, factors[:middle]) >= least:
                low = middle
            else:
                high = middle - 1
        rows = low
    least_sum = Money(least + fee, draft.currency)
    text = f"{rows} instalments are the most that {binds} allows; none may be below {least_sum}"
    return _solved(attrs.evolve(draft, instalments=rows), binds, text)


def _solved(terms: PlanTerms, binds: Binding, text: str) -> Solved:
    return Solved(terms=terms, binds=binds, reason=Reason(code=f"plans.{binds}", text=text))


def _declined(code: str, text: str) -> Declined:
    return Declined(reasons=(Reason(code=code, text=text),))
