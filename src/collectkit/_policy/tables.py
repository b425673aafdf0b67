"""Reading charges from plain tables (TOML or JSON): every mistake noted with its path, none coerced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.terms import AppliesTo, FeeBase, FeeKind, LateFeePolicy, OncePer, Tier
from collectkit.core.money import Money, Rounding
from collectkit.core.reading import TableReader

__all__ = ["read_charges"]


def read_charges(tables: Iterable[TableReader]) -> ChargePolicy:
    """Make the bundle from tables such as `[[charges]]`; mistakes go to the readers' own list of problems.

    What cannot be read is left out of the bundle, so look at the problems before using it. `kind` says what a table
    is; `applies_to` is a table of `segments`, `kinds` and `currencies`; amounts are `{ EUR = "40.00" }`.

    >>> from collectkit.core.reading import Problems
    >>> problems = Problems("policy")
    >>> table = TableReader(
    ...     {"id": "late-fee", "kind": "percent", "rate": "0.015"}, path="charges[0]", problems=problems
    ... )
    >>> read_charges([table]).ids, problems.found
    (('late-fee',), [])
    """
    fees = []
    problems = None
    for table in tables:
        problems = table.problems
        fee = _late_fee(table)
        if fee is not None:
            fees.append(fee)
    if problems is None:
        return ChargePolicy()
    path = table.path.rpartition("[")[0] or table.path
    bundle = problems.take(path, lambda: ChargePolicy(late_fees=fees))
    return bundle if bundle is not None else ChargePolicy()


def _late_fee(table: TableReader) -> LateFeePolicy | None:
    before = len(table.problems.found)
    terms: dict[str, Any] = {
        "id": table.text("id"),
        "kind": table.text("kind", choices=get_args(FeeKind)),
        "component": table.text("component", "fee", choices=("fee", "cost", "interest")),
        "amounts": table.amounts("amounts"),
        "tiers": tuple(_tier(one) for one in table.tables("tiers")),
        "tier_gaps": table.text("tier_gaps", "refuse", choices=("refuse", "none")),
        "grace_days": table.whole("grace_days", 0),
        "grace_shifts_due": table.flag("grace_shifts_due", False),
        "once_per": table.text("once_per", "receivable", choices=get_args(OncePer)),
        "notices": table.texts("notices", ()),
        "base": table.text("base", "open", choices=get_args(FeeBase)),
        "rounding": table.text("rounding", "half_even", choices=get_args(Rounding)),
        "never_above_open": table.flag("never_above_open", True),
        "on_charges": table.flag("on_charges", False),
        "disputes": table.text("disputes", "no_fee", choices=("no_fee", "undisputed_part", "ignore")),
        "due_in_days": table.whole("due_in_days", 0),
    }
    if table.has("rate"):
        terms["rate"] = table.exact("rate")
    for name in ("grace_business_days", "period_days", "period_months", "times_max"):
        if table.has(name):
            terms[name] = table.whole(name)
    for name in ("fee_floor", "fee_cap", "item_cap", "yearly_cap", "minimum_balance"):
        terms[name] = table.amounts(name)
    if table.has("cite"):
        terms["cite"] = table.text("cite")
    inner = table.table("applies_to")
    if inner is not None:
        terms["applies_to"] = AppliesTo(
            segments=inner.texts("segments", ()),
            kinds=inner.texts("kinds", ()),
            currencies=inner.texts("currencies", ()),
        )
        inner.done()
    table.done()
    if len(table.problems.found) > before:
        return None
    return table.problems.take(table.path, lambda: LateFeePolicy(**terms))


def _tier(table: TableReader) -> Tier:
    terms: dict[str, Any] = {"amounts": table.amounts("amounts")}
    for name in ("days_min", "days_max"):
        if table.has(name):
            terms[name] = table.whole(name)
    for name in ("balance_min", "balance_below"):
        terms[name] = _one_amount(table, name)
    if table.has("rate"):
        terms["rate"] = table.exact("rate")
    table.done()
    return Tier(**terms)


def _one_amount(table: TableReader, name: str) -> Money | None:
    amounts = table.amounts(name)
    if len(amounts) > 1:
        table.note(name, "one currency is needed here; write a tier for each")
    return amounts[0] if amounts else None
