"""Reading charges from plain tables (TOML or JSON): every mistake noted with its path, none coerced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from collectkit._policy.bundle import ChargePolicy, ChargeRule
from collectkit._policy.interest import InterestPolicy, RateTerms, RecoverySumPolicy, RoundingOrder
from collectkit._policy.returned import ReturnedPaymentPolicy
from collectkit._policy.terms import EVERYTHING, AppliesTo, FeeBase, FeeKind, LateFeePolicy, OncePer, Tier
from collectkit.core.money import Money, Rounding
from collectkit.core.rates import DAY_COUNTS, Rate
from collectkit.core.reading import TableReader
from collectkit.core.rules import LumpSum, RateFloor, RateSelection, RulePack, StatutoryInterest

__all__ = ["read_charges"]


_KINDS = (*get_args(FeeKind), "interest", "recovery_sum", "returned_payment")


def read_charges(tables: Iterable[TableReader], packs: Sequence[RulePack] = ()) -> ChargePolicy:
    """Make the bundle from tables such as `[[charges]]`; mistakes go to the readers' own list of problems.

    What cannot be read is left out of the bundle, so look at the problems before using it. `kind` says what a table
    is: a kind of late fee, "interest" (a `rate`, or the `rule` of a pack), "recovery_sum" (the `rule` of a pack) or
    "returned_payment";
    `packs` are those whose rules may be named. `applies_to` is a table of `segments`, `kinds` and `currencies`,
    amounts are `{ EUR = "40.00" }`.

    >>> from collectkit.core.reading import Problems
    >>> problems = Problems("policy")
    >>> table = TableReader(
    ...     {"id": "late-fee", "kind": "percent", "rate": "0.015"}, path="charges[0]", problems=problems
    ... )
    >>> read_charges([table]).ids, problems.found
    (('late-fee',), [])
    """
    rules: list[ChargeRule] = []
    last = None
    for table in tables:
        last = table
        kind = table.text("kind", choices=_KINDS)
        rule: ChargeRule | None
        if kind == "interest":
            rule = _interest(table, packs)
        elif kind == "recovery_sum":
            rule = _recovery_sum(table, packs)
        elif kind == "returned_payment":
            rule = _returned_payment(table)
        else:
            rule = _late_fee(table)
        if rule is not None:
            rules.append(rule)
    if last is None:
        return ChargePolicy()
    path = last.path.rpartition("[")[0] or last.path
    return last.problems.take(path, lambda: bundle_of(rules)) or ChargePolicy()


def bundle_of(rules: Iterable[ChargeRule]) -> ChargePolicy:
    """Put rules of any kind together, in the order given."""
    given = tuple(rules)
    return ChargePolicy(
        late_fees=[one for one in given if isinstance(one, LateFeePolicy)],
        interest=[one for one in given if isinstance(one, InterestPolicy)],
        recovery_sums=[one for one in given if isinstance(one, RecoverySumPolicy)],
        returned_payments=[one for one in given if isinstance(one, ReturnedPaymentPolicy)],
    )


def _returned_payment(table: TableReader) -> ReturnedPaymentPolicy | None:
    before = len(table.problems.found)
    terms: dict[str, Any] = {
        "id": table.text("id"),
        "amounts": table.amounts("amounts"),
        "exclusive_with": table.texts("exclusive_with", ()),
        "disputes": table.text("disputes", "no_fee", choices=("no_fee", "ignore")),
        "due_in_days": table.whole("due_in_days", 0),
        "applies_to": _applies_to(table),
    }
    if table.has("cite"):
        terms["cite"] = table.text("cite")
    table.done()
    if len(table.problems.found) > before:
        return None
    return table.problems.take(table.path, lambda: ReturnedPaymentPolicy(**terms))


def _interest(table: TableReader, packs: Sequence[RulePack]) -> InterestPolicy | None:
    before = len(table.problems.found)
    rate = _rate(table, "rate")
    rule_id, pack = _rule(table, "rule", packs, StatutoryInterest)
    floor_id, floor_pack = _rule(table, "floor_rule", packs, RateFloor)
    rate_terms: dict[str, Any] = {
        "rate": rate,
        "rate_floor": _rate(table, "rate_floor"),
        "rate_cap": _rate(table, "rate_cap"),
        "pack": pack or floor_pack,
        "rule_id": rule_id,
        "floor_rule_id": floor_id,
    }
    if table.has("selection"):
        rate_terms["selection"] = table.text("selection", choices=get_args(RateSelection))
    if table.has("day_count"):
        rate_terms["day_count"] = table.text("day_count", choices=DAY_COUNTS)
    if table.has("rests_months"):
        rate_terms["rests_months"] = table.whole("rests_months", minimum=1)
    posting = table.raw("post_every_months", 1)
    if posting == "settlement":
        posting = None
    elif type(posting) is not int:
        table.note("post_every_months", 'a whole number of months, or "settlement", is needed here', reason="type")
    terms: dict[str, Any] = {
        "id": table.text("id"),
        "rounding_order": table.text("rounding_order", "total_only", choices=get_args(RoundingOrder)),
        "rounding": table.text("rounding", "half_even", choices=get_args(Rounding)),
        "post_every_months": posting,
        "grace_days": table.whole("grace_days", 0),
        "grace_shifts_due": table.flag("grace_shifts_due", False),
        "minimum_amount": table.amounts("minimum_amount"),
        "on_charges": table.flag("on_charges", False),
        "disputes": table.text("disputes", "no_fee", choices=("no_fee", "ignore")),
        "due_in_days": table.whole("due_in_days", 0),
        "applies_to": _applies_to(table),
    }
    if table.has("cite"):
        terms["cite"] = table.text("cite")
    table.done()
    if len(table.problems.found) > before:
        return None
    return table.problems.take(table.path, lambda: InterestPolicy(terms=RateTerms(**rate_terms), **terms))


def _recovery_sum(table: TableReader, packs: Sequence[RulePack]) -> RecoverySumPolicy | None:
    before = len(table.problems.found)
    identity = table.text("id")
    if not table.has("rule"):
        table.note("rule", "a recovery sum needs the rule of a pack", reason="missing")
    rule_id, pack = _rule(table, "rule", packs, LumpSum)
    terms: dict[str, Any] = {
        "grace_days": table.whole("grace_days", 0),
        "disputes": table.text("disputes", "no_fee", choices=("no_fee", "ignore")),
        "due_in_days": table.whole("due_in_days", 0),
        "applies_to": _applies_to(table),
    }
    table.done()
    if len(table.problems.found) > before or pack is None:
        return None
    source = pack
    return table.problems.take(
        table.path, lambda: RecoverySumPolicy(id=identity, pack=source, rule_id=rule_id, **terms)
    )


def _rule(table: TableReader, key: str, packs: Sequence[RulePack], kind: type[object]) -> tuple[str, RulePack | None]:
    """Find a rule by its id in the packs; one that is not there is noted with those that are."""
    if not table.has(key):
        return "", None
    fitting = {
        rule.id: pack
        for pack in packs
        for rule in pack.rules
        if any(isinstance(point.value, kind) for point in rule.parameters.points)
    }
    name = table.text(key)
    if name not in fitting:
        table.note(
            key, "no such rule stands in the packs of the strategy", reason="unknown_rule", choices=tuple(fitting)
        )
        return "", None
    return name, fitting[name]


def _rate(table: TableReader, key: str) -> Rate | None:
    """Read a yearly rate as a fraction of the whole: "0.09" is 9 %."""
    if not table.has(key):
        return None
    value = table.exact(key)
    return table.problems.take(table.at(key), lambda: Rate.of(value, limit=1))


def _late_fee(table: TableReader) -> LateFeePolicy | None:
    before = len(table.problems.found)
    terms: dict[str, Any] = {
        "id": table.text("id"),
        "kind": table.text("kind", choices=_KINDS),
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
    terms["applies_to"] = _applies_to(table)
    table.done()
    if len(table.problems.found) > before:
        return None
    return table.problems.take(table.path, lambda: LateFeePolicy(**terms))


def _applies_to(table: TableReader) -> AppliesTo:
    inner = table.table("applies_to")
    if inner is None:
        return EVERYTHING
    found = AppliesTo(
        segments=inner.texts("segments", ()), kinds=inner.texts("kinds", ()), currencies=inner.texts("currencies", ())
    )
    inner.done()
    return found


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
