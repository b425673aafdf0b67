"""Reading charges from plain tables (TOML or JSON): every mistake noted with its path, none coerced.

A mistake hides no other: a table with something that cannot be read is still held against everything else that its
record would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar, get_args

import attrs

from collectkit._policy.bundle import ChargePolicy, ChargeRule, Placed, note_ties
from collectkit._policy.coverage import Coverage, lacking_of_places
from collectkit._policy.incentives import (
    AdvanceRebate,
    DiscountStep,
    Grant,
    GrantKind,
    Incentive,
    IncentivePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    Stacking,
)
from collectkit._policy.interest import InterestPolicy, RateTerms, RecoverySumPolicy, RoundingOrder
from collectkit._policy.rate_terms import AGREED
from collectkit._policy.returned import ReturnedPaymentPolicy
from collectkit._policy.terms import EVERYTHING, AppliesTo, FeeBase, FeeKind, LateFeePolicy, OncePer, Tier
from collectkit.core.errors import InvalidPolicy
from collectkit.core.money import Money, Rounding
from collectkit.core.rates import DAY_COUNTS, DayCount, Rate
from collectkit.core.reading import Problems, TableReader
from collectkit.core.records import Component
from collectkit.core.rules import (
    Citation,
    Dated,
    DatedValue,
    LumpSum,
    RateFloor,
    RateSelection,
    Rule,
    RulePack,
    StatutoryInterest,
)

__all__ = ["build_charges", "read_charges", "read_covering", "read_incentives"]

T = TypeVar("T")

_KINDS: Final = (*get_args(FeeKind), "interest", "recovery_sum", "returned_payment")
_GROUPS: Final = {
    **dict.fromkeys(get_args(FeeKind), "late_fees"),
    "interest": "interest",
    "recovery_sum": "recovery_sums",
    "returned_payment": "returned_payments",
}
_IN_BUNDLE: Final = re.compile(r"(late_fees|interest|recovery_sums|returned_payments)\[([0-9]+)\](\..*)?")
_BOUNDS: Final = ("days_min", "days_max", "balance_min", "balance_below")


def build_charges(table: Mapping[str, object], *, packs: Sequence[RulePack] = ()) -> ChargePolicy:
    """Make the charges of a whole table, or say everything that is wrong with it in one error.

    `charges` is a list of tables, as `read_charges` reads them. `covering` says what they are to serve: `start_on` and
    `end_on` (the first day no more), `jurisdictions`, `debtor_kinds`, `zones`, and `packs` by their ids; `party` says who
    charges, "first_party" or "agency", where a pack asks for it; `materiality` from which sum past due on anything is
    charged, per currency. `packs` given here are those that may be named, such as
    `[jurisdictions.load(name) for name in jurisdictions.available()]`.

    >>> fee = {"id": "late-fee", "kind": "percent", "rate": "0.015"}
    >>> build_charges({"charges": [fee]}).ids
    ('late-fee',)
    >>> limits = {"fee_floor": {"EUR": "2"}, "fee_cap": {"EUR": "1"}}
    >>> build_charges({"charges": [fee, {**fee, **limits, "id": "other", "rate": "-0.1"}]})
    Traceback (most recent call last):
    ...
    collectkit.core.errors.InvalidPolicy: 2 problems
      charges[1].rate: must be 0 or more (given: -0.1)
      charges[1].fee_cap.EUR: 1.00 EUR is below the floor of 2.00 EUR; raise one, lower the other

    Raises:
        InvalidPolicy: every mistake with its path, its value and the choices.
    """
    problems = Problems("policy")
    top = TableReader(table, path="", problems=problems)
    tables = top.tables("charges")
    within = top.table("covering")
    covering = None if within is None else read_covering(within, packs)
    named = packs if covering is None else covering.packs
    made = read_charges(tables, named, covering=covering) if tables else None
    if not tables:
        made = problems.take("", lambda: ChargePolicy(covering=covering))
    party: Any = top.text("party", choices=("first_party", "agency")) if top.has("party") else None
    materiality = top.amounts("materiality")
    top.done()
    problems.raise_if_any()
    return attrs.evolve(made or ChargePolicy(), party=party, materiality=materiality)


def read_charges(
    tables: Iterable[TableReader],
    packs: Sequence[RulePack] = (),
    *,
    covering: Coverage | None = None,
    segments: Sequence[str] = (),
) -> ChargePolicy:
    """Make the bundle from tables such as `[[charges]]`; mistakes go to the readers' own list of problems.

    What cannot be read is left out of the bundle, so look at the problems before using it. `kind` says what a table
    is: a kind of late fee, "interest" (a `rate`, the `rule` of a pack, or a `margin` over the `reference` series of one),
    "recovery_sum" (the `rule` of a pack) or "returned_payment"; `packs` are those whose rules may be named. What can be
    read is held against `covering`, with the rest. `applies_to` is a table of `segments`, `kinds` and `currencies`,
    amounts are `{ EUR = "40.00" }`. `segments` are those that `applies_to` may name, empty for any.

    >>> from collectkit.core.reading import Problems
    >>> problems = Problems("policy")
    >>> table = TableReader(
    ...     {"id": "late-fee", "kind": "percent", "rate": "0.015"}, path="charges[0]", problems=problems
    ... )
    >>> read_charges([table]).ids, problems.found
    (('late-fee',), [])
    """
    rules: list[ChargeRule] = []
    paths: dict[str, list[str]] = {group: [] for group in _GROUPS.values()}
    placed: list[Placed] = []
    last = None
    for table in tables:
        last = table
        before = len(table.problems.found)
        kind = table.text("kind", choices=_KINDS)
        is_known = len(table.problems.found) == before
        rule: ChargeRule | None
        if kind == "interest":
            rule = _interest(table, packs, segments)
        elif kind == "recovery_sum":
            rule = _recovery_sum(table, packs, segments)
        elif kind == "returned_payment":
            rule = _returned_payment(table, segments)
        else:
            rule = _late_fee(table, kind, segments)
        group = _GROUPS.get(kind, "late_fees")
        if is_known and (place := _placed(table, group)) is not None:
            placed.append(place)
        if rule is not None and is_known:
            rules.append(rule)
            paths[group].append(table.path)
    if last is None:
        return ChargePolicy(covering=covering)
    note_ties(placed, last.problems)
    found = Problems("policy")
    made = found.take("", lambda: bundle_of(rules, covering))
    told = {(one.path, one.value) for one in last.problems.found}
    for problem in found.found:
        path = _as_written(problem.path, paths)
        if (path, problem.value) not in told:  # ties are noted, those of tables that are faulty otherwise too
            last.problems.found.append(attrs.evolve(problem, path=path))
    return made or ChargePolicy()


def _placed(table: TableReader, group: str) -> Placed | None:
    """Return where a table stands among those of its id, be it faulty otherwise; None where that cannot be told."""
    name, to = table.raw("id"), table.raw("applies_to", {})
    if not isinstance(name, str) or not isinstance(to, Mapping):
        return None
    given = {key: to.get(key, ()) for key in ("segments", "kinds", "currencies")}
    if not all(
        isinstance(names, (list, tuple)) and all(isinstance(one, str) for one in names) for names in given.values()
    ):
        return None
    try:
        return Placed(path=table.path, id=name, group=group, applies_to=AppliesTo(**given))
    except InvalidPolicy:
        return None  # noted where it was read


def _as_written(path: str, paths: Mapping[str, Sequence[str]]) -> str:
    """Return the path of the file for one of a bundle: a rule stands among those of its group there, but for faulty ones."""
    match = _IN_BUNDLE.fullmatch(path)
    if match is None:
        return path
    written = paths[match[1]][int(match[2])]
    return f"{written}.rule" if match[3] == ".rule_id" else written


def read_covering(
    table: TableReader, packs: Sequence[RulePack] = (), *, default: Sequence[RulePack] = ()
) -> Coverage | None:
    """Read what charges are to serve; mistakes go to the reader's list of problems, and nothing is made of half a window.

    `packs` may be named; where the table names none, `default` are those the charges are used with.
    """
    known = {pack.id: pack for pack in packs}
    names = table.texts("packs", tuple(pack.id for pack in default), choices=tuple(known)) if known else ()
    if not known and table.texts("packs", ()):
        table.note("packs", "no pack is given that could be named", reason="unknown_pack")
    start_on, end_on = (_day(table, key) for key in ("start_on", "end_on"))
    terms: dict[str, Any] = {
        "packs": tuple(known[name] for name in names),
        "jurisdictions": table.texts("jurisdictions", ()),
        "debtor_kinds": table.texts("debtor_kinds", ()),
        "zones": table.texts("zones", ()),
    }
    table.done()
    if start_on is not None and end_on is not None:
        return Coverage(start_on=start_on, end_on=end_on, **terms)
    timeless = Coverage(start_on=date.min, end_on=date.max, **terms)  # what needs no days is told all the same
    table.problems.found += lacking_of_places(timeless)
    return None


def bundle_of(rules: Iterable[ChargeRule], covering: Coverage | None = None) -> ChargePolicy:
    """Put rules of any kind together, in the order given."""
    given = tuple(rules)
    return ChargePolicy(
        covering=covering,
        late_fees=[one for one in given if isinstance(one, LateFeePolicy)],
        interest=[one for one in given if isinstance(one, InterestPolicy)],
        recovery_sums=[one for one in given if isinstance(one, RecoverySumPolicy)],
        returned_payments=[one for one in given if isinstance(one, ReturnedPaymentPolicy)],
    )


def read_incentives(
    tables: Iterable[TableReader], *, segments: Sequence[str] = (), together: TableReader | None = None
) -> IncentivePolicy:
    """Make the incentives from tables such as `[[discounts]]`, in the order in which they are applied.

    `kind` is "prompt_payment" unless it says "advance_rebate" or "punctuality_bonus"; `grant` is a table of `kind`,
    `what`, `valid_days` and `worth`. `segments` are those that `applies_to` may name, empty for any. `together` is a
    table such as `[incentives]` that says how they stack: `stacking`, `rate_max`. Mistakes go to the readers' own list
    of problems.

    >>> from collectkit.core.reading import Problems
    >>> problems = Problems("policy")
    >>> early = {"id": "early", "kind": "advance_rebate", "rate": "0.5", "days_early": 10}
    >>> print(read_incentives([TableReader(early, path="discounts[0]", problems=problems)]).describe())
    early: 50 % of a charge is given back for each payment made at least 10 days early, at most 100 % of it.
    """
    found: list[Incentive] = []
    ids: dict[str, str] = {}
    for table in tables:
        before = len(table.problems.found)
        name = table.text("id")
        if name in ids:
            table.note("id", f"stands twice; it is the id of {ids[name]}", reason="duplicate")
        elif name:
            ids[name] = table.path
        kind = table.text("kind", "prompt_payment", choices=tuple(_INCENTIVES))
        if any(problem.path == table.at("kind") for problem in table.problems.found[before:]):
            continue  # nobody knows what else the table should hold
        terms: dict[str, Any] = {"id": name, "grant": _grant(table)}
        terms["applies_to"] = _applies_to(table, segments)
        if table.has("cite"):
            terms["cite"] = table.text("cite")
        build = _INCENTIVES[kind](table, terms)
        table.done()
        made = _made(table, before, build)
        if made is not None:
            found.append(made)
    if together is None:
        return IncentivePolicy(incentives=found)
    before = len(together.problems.found)
    joint: dict[str, Any] = {"stacking": together.text("stacking", "all", choices=get_args(Stacking))}
    if together.has("rate_max"):
        joint["rate_max"] = together.exact("rate_max")
    together.done()
    return _made(together, before, lambda: IncentivePolicy(incentives=found, **joint)) or IncentivePolicy()


def _prompt_payment(table: TableReader, terms: dict[str, Any]) -> Callable[[], Incentive]:
    terms["rate"] = table.exact("rate")
    terms["discount_days"], terms["net_days"] = table.whole("discount_days"), table.whole("net_days")
    steps = []
    for step in table.tables("steps"):
        steps.append(DiscountStep(days=step.whole("days"), rate=step.exact("rate")))
        step.done()
    terms["steps"] = steps
    terms["rounding"] = table.text("rounding", "half_even", choices=get_args(Rounding))
    return lambda: PromptPaymentDiscount(**terms)


def _advance_rebate(table: TableReader, terms: dict[str, Any]) -> Callable[[], Incentive]:
    terms["rate"], terms["days_early"] = table.exact("rate"), table.whole("days_early", 1)
    if table.has("rate_max"):
        terms["rate_max"] = table.exact("rate_max")
    if table.has("components"):
        names = table.texts("components", choices=("fee", "interest", "cost"))
        terms["components"] = [Component(name) for name in names]
    terms["rounding"] = table.text("rounding", "half_even", choices=get_args(Rounding))
    return lambda: AdvanceRebate(**terms)


def _punctuality_bonus(table: TableReader, terms: dict[str, Any]) -> Callable[[], Incentive]:
    terms["streak"], terms["amounts"] = table.whole("streak", minimum=1), table.amounts("amounts")
    return lambda: PunctualityBonus(**terms)


_INCENTIVES: Final[dict[str, Callable[[TableReader, dict[str, Any]], Callable[[], Incentive]]]] = {
    "prompt_payment": _prompt_payment,
    "advance_rebate": _advance_rebate,
    "punctuality_bonus": _punctuality_bonus,
}


def _grant(table: TableReader) -> Grant | None:
    inner = table.table("grant")
    if inner is None:
        return None
    before = len(table.problems.found)
    terms: dict[str, Any] = {
        "kind": inner.text("kind", "other", choices=get_args(GrantKind)),
        "what": inner.text("what"),
        "valid_days": inner.whole("valid_days", 365, minimum=1),
        "worth": inner.amounts("worth"),
    }
    inner.done()
    return _made(inner, before, lambda: Grant(**terms))


def _returned_payment(table: TableReader, segments: Sequence[str]) -> ReturnedPaymentPolicy | None:
    before = len(table.problems.found)
    terms: dict[str, Any] = {
        "id": table.text("id"),
        "amounts": table.amounts("amounts"),
        "exclusive_with": table.texts("exclusive_with", ()),
        "disputes": table.text("disputes", "no_fee", choices=("no_fee", "ignore")),
        "due_in_days": table.whole("due_in_days", 0),
        "applies_to": _applies_to(table, segments),
    }
    if table.has("cite"):
        terms["cite"] = table.text("cite")
    table.done()
    return _made(table, before, lambda: ReturnedPaymentPolicy(**terms))


def _interest(table: TableReader, packs: Sequence[RulePack], segments: Sequence[str]) -> InterestPolicy | None:
    before = len(table.problems.found)
    rate = _rate(table, "rate")
    rule_id, pack = _rule(table, "rule", packs, StatutoryInterest)
    if not rule_id:
        rule_id, pack = _over_reference(table, packs)
    floor_id, floor_pack = _rule(table, "floor_rule", packs, RateFloor)
    is_noted = rate is None and not rule_id and any(table.has(key) for key in ("rate", "rule", "margin", "reference"))
    if is_noted:
        rate = Rate.zero()  # what was given could not be read or found
    rate_terms: dict[str, Any] = {
        "rate": rate,
        "rate_floor": _rate(table, "rate_floor"),
        "rate_cap": _rate(table, "rate_cap"),
        "pack": pack,
        "rule_id": rule_id,
        "floor_rule_id": floor_id,
        "floor_pack": floor_pack,
    }
    if table.has("selection"):
        selection = table.text("selection", choices=get_args(RateSelection))
        rate_terms["selection"] = None if is_noted else selection
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
        "applies_to": _applies_to(table, segments),
    }
    if table.has("cite"):
        terms["cite"] = table.text("cite")
    table.done()
    rate_made = _tried(table, before, lambda: RateTerms(**rate_terms)) or RateTerms(rate=Rate.zero())
    return _made(table, before, lambda: InterestPolicy(terms=rate_made, **terms))


def _over_reference(table: TableReader, packs: Sequence[RulePack]) -> tuple[str, RulePack | None]:
    """Make a rule of a contract that agrees a margin over a published reference; neither goes without the other."""
    held_by = [(one, pack) for pack in packs for one in pack.series]
    # where one pack has newer figures of a series than another, the agreement goes by the newer ones
    series = {one.id: (one, pack) for one, pack in sorted(held_by, key=lambda each: each[0].values.reviewed_through)}
    has_margin, has_reference = table.has("margin"), table.has("reference")
    if not has_margin and not has_reference:
        return "", None
    if not has_reference:
        table.note("reference", "a margin needs a reference series", reason="missing", choices=tuple(series))
    if not has_margin:
        table.note("margin", 'a reference needs a margin, "0" for none', reason="missing")
    margin = table.exact("margin") if has_margin else None
    name = table.text("reference", choices=tuple(series)) if has_reference and series else ""
    if has_reference and not series:
        table.note("reference", "no pack given holds a reference series", reason="unknown_rule")
    if margin is None or name not in series:
        return "", None
    held, pack = series[name]
    selection: RateSelection = table.text("selection", "floating", choices=get_args(RateSelection))  # type: ignore[assignment]  # chosen from the choices
    day_count: DayCount = table.text("day_count", "act/365f", choices=DAY_COUNTS)  # type: ignore[assignment]  # likewise
    law = StatutoryInterest(series=name, margin=margin, selection=selection, day_count=day_count)
    agreed = Citation(
        authority=table.text("cite", "the contract"), locator="", address="-", read_on=pack.reviewed_through
    )
    rule = Rule(
        id=f"contract.{name}",
        topic=AGREED,
        text="A margin over a reference rate, as agreed.",
        parameters=Dated(points=(DatedValue(value=law, citation=agreed),), reviewed_through=pack.reviewed_through),
    )
    return rule.id, RulePack(
        id="contract",
        version=pack.version,
        jurisdiction=pack.jurisdiction,
        title="Interest as agreed",
        reviewed_through=pack.reviewed_through,
        rules=(rule,),
        series=(held,),
    )


def _recovery_sum(table: TableReader, packs: Sequence[RulePack], segments: Sequence[str]) -> RecoverySumPolicy | None:
    before = len(table.problems.found)
    identity = table.text("id")
    if not table.has("rule"):
        table.note("rule", "a recovery sum needs the rule of a pack", reason="missing")
    rule_id, pack = _rule(table, "rule", packs, LumpSum)
    terms: dict[str, Any] = {
        "grace_days": table.whole("grace_days", 0),
        "disputes": table.text("disputes", "no_fee", choices=("no_fee", "ignore")),
        "due_in_days": table.whole("due_in_days", 0),
        "applies_to": _applies_to(table, segments),
    }
    table.done()
    if pack is None:  # the rest is held against terms that would refuse the same of it
        _tried(table, before, lambda: InterestPolicy(id=identity, terms=RateTerms(rate=Rate.zero()), **terms))
        return None
    source = pack
    return _made(table, before, lambda: RecoverySumPolicy(id=identity, pack=source, rule_id=rule_id, **terms))


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


def _day(table: TableReader, key: str) -> date | None:
    if not table.has(key):
        table.note(key, "is missing", reason="missing")
    return table.day(key)


def _late_fee(table: TableReader, kind: str, segments: Sequence[str]) -> LateFeePolicy | None:
    before = len(table.problems.found)
    terms: dict[str, Any] = {
        "id": table.text("id"),
        "kind": kind,
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
    terms["applies_to"] = _applies_to(table, segments)
    table.done()
    return _made(table, before, lambda: LateFeePolicy(**terms))


def _made(table: TableReader, before: int, build: Callable[[], T]) -> T | None:
    """Make a record; nothing where anything was wrong since `before`, with whatever else it refuses noted."""
    made = _tried(table, before, build)
    return made if len(table.problems.found) == before else None


def _tried(table: TableReader, before: int, build: Callable[[], T]) -> T | None:
    """Try to make a record even of what was read in part, and note what it refuses beside the problems since `before`.

    A value that could not be read stands in as its least, so what is said of that key, or of the order of tiers whose
    bounds could not be read, is left out.
    """
    noted = [problem.path for problem in table.problems.found[before:]]
    found = Problems("policy")
    made = found.take(table.path, build)
    if any(problem.path == table.at("kind") for problem in table.problems.found):  # nobody knows what it was to be
        return None
    tiers = table.at("tiers")
    bounds_unknown = any(path.startswith(tiers) and path.rpartition(".")[2] in _BOUNDS for path in noted)
    for problem in found.found:
        if any(_is_within(problem.path, path) or _is_within(path, problem.path) for path in noted):
            continue
        if not (bounds_unknown and _is_within(problem.path, tiers)):
            table.problems.found.append(problem)
    return made


def _is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _applies_to(table: TableReader, segments: Sequence[str]) -> AppliesTo:
    inner = table.table("applies_to")
    if inner is None:
        return EVERYTHING
    named = {
        "segments": inner.texts("segments", (), choices=segments),
        "kinds": inner.texts("kinds", ()),
        "currencies": inner.texts("currencies", ()),
    }
    inner.done()
    return inner.problems.take(inner.path, lambda: AppliesTo(**named)) or EVERYTHING


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
