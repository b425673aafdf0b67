"""A strategy from a table of TOML: every mistake of the file in one pass, with path, value and choices.

The table and the Python objects say the same thing; nothing is coerced and no key is ignored. See the how-to page on
strategy files for a full example.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import attrs

from collectkit._strategy.bundle import Aftercare, Strategy
from collectkit._strategy.packs import packs_of
from collectkit.contact import ContactCap, ContactHours, ContactPolicy
from collectkit.core.aging import STANDARD as STANDARD_BUCKETS
from collectkit.core.aging import BucketScheme
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.errors import InvalidPolicy
from collectkit.core.guards import (
    AMOUNT_FACTS,
    NUMBER_FACTS,
    SET_FACTS,
    All,
    AmountAtLeast,
    AmountAtMost,
    AnyOf,
    AtLeast,
    AtMost,
    Guard,
    Has,
    Not,
)
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.reading import Problems, TableReader, toml_table
from collectkit.core.records import Channel
from collectkit.core.rules import RulePack
from collectkit.escalation import Approved, Delivered, DueIn, Holds, Ladder, Need, PastDue, StageRule, Step
from collectkit.policy import read_charges, read_covering, read_incentives
from collectkit.promises import PromiseLimits
from collectkit.segments import STANDARD, Segmentation, SegmentRule
from collectkit.settlement import Authority, SettlementLimits

__all__ = ["parse", "read_guard"]

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_BYTES: Final = 1_000_000  # of a strategy file; a larger one is a mistake
_GATES: Final = ("chasing", "charging", "writing")
_CHANNELS: Final = tuple(channel.value for channel in Channel)


def parse(
    source: str | bytes | Mapping[str, Any], *, packs: Iterable[RulePack] = (), folder: Path | None = None
) -> Strategy:
    """Read a strategy from TOML text or from a table that was read already.

    `packs` are rule packs of your own, which the strategy may then name by their ids beside the shipped ones. Pack
    files that it names, such as `packs = ["./own.toml"]`, are looked for from `folder`; `load` knows the folder.

    Raises:
        InvalidPolicy: everything that is wrong, each with its path, its value and the choices.
    """
    problems = Problems("strategy")
    data = _table_of(source, problems)
    top = TableReader(data, path="", problems=problems)
    name = top.text("name")
    version = top.text("version")
    segmentation = _segments(top, problems)
    is_whole = not any(problem.path.startswith("segments") for problem in problems.found)
    known = segmentation.ids if is_whole else ()  # a segment that could not be read is no typo where it is named
    ladder_rules = _stages(top, problems)
    ladder = _ladder("stages", ladder_rules, problems)
    ladders = {
        segment: _overlaid(segment, table, ladder_rules, problems) for segment, table in _overlays(top, segmentation)
    }
    named = packs_of(top, packs, problems, folder=folder)
    within = top.table("covering")
    covering = None if within is None else read_covering(within, named, default=named)
    charges = read_charges(top.tables("charges"), named, covering=covering, segments=known)
    party: Any = top.text("party", choices=("first_party", "agency")) if top.has("party") else None
    together = top.table("incentives")
    incentives = read_incentives(top.tables("discounts"), segments=known, together=together)
    contact = _contact(top.table("contact"), problems)
    limits, tolerance, clearing = _promises(top.table("promises"), problems)
    settlement = _settlement(top, segmentation, problems)
    aftercare = _aftercare(top.table("aftercare"))
    gates = _gates(top)
    buckets = _buckets(top, problems)
    calendar = _calendar(top.table("calendar"), problems)
    top.done()
    problems.raise_if_any()
    return Strategy(
        name=name,
        version=version,
        segmentation=segmentation,
        ladder=ladder,
        ladders=ladders,
        charges=attrs.evolve(charges, materiality=gates["charging"], party=party),
        incentives=incentives,
        contact=contact,
        promises=limits,
        promise_tolerance_days=tolerance,
        clearing_days=clearing,
        settlement=settlement,
        aftercare=aftercare,
        materiality=gates["chasing"],
        writing_materiality=gates["writing"],
        buckets=buckets,
        calendar=calendar,
        packs=named,
    )


# -- guards ----------------------------------------------------------------------------------------------------


def read_guard(table: TableReader) -> Guard:
    """Read a guard: named tests that must all hold, and `all`, `any`, `not` around further tables.

    A number fact takes `_min` and `_max`, an amount fact the same with amounts per currency, a set fact a text or a
    list of texts: `{ late_ratio_min = 0.5, settled_count_min = 4, debtor_kind = "business" }`.
    """
    tests: list[Guard] = []
    for fact in NUMBER_FACTS:
        if table.has(f"{fact}_min"):
            tests.append(AtLeast(fact=fact, bound=table.exact(f"{fact}_min", minimum=None)))
        if table.has(f"{fact}_max"):
            tests.append(AtMost(fact=fact, bound=table.exact(f"{fact}_max", minimum=None)))
    for fact in AMOUNT_FACTS:
        if table.has(f"{fact}_min"):
            tests.append(AmountAtLeast(fact=fact, bounds=table.amounts(f"{fact}_min")))
        if table.has(f"{fact}_max"):
            tests.append(AmountAtMost(fact=fact, bounds=table.amounts(f"{fact}_max")))
    for fact in SET_FACTS:
        if table.has(fact):
            value = table.raw(fact)
            tests.append(Has(fact=fact, values=(value,) if isinstance(value, str) else table.texts(fact)))
    if table.has("all"):
        tests += [read_guard(one) for one in table.tables("all")]
    if table.has("any"):
        tests.append(AnyOf(tests=[read_guard(one) for one in table.tables("any")]))
    inner = table.table("not")
    if inner is not None:
        tests.append(Not(test=read_guard(inner)))
    table.done()
    return tests[0] if len(tests) == 1 else All(tests=tests)


# -- segments and stages ---------------------------------------------------------------------------------------


def _segments(top: TableReader, problems: Problems) -> Segmentation:
    rules = []
    for table in top.tables("segments"):
        segment_id = table.text("id")
        when = table.table("when")
        if when is None:
            table.note("when", "a segment needs a test", reason="missing")
        guard = read_guard(when) if when is not None else All()
        table.done()
        if segment_id:
            rule = problems.take(table.path, lambda i=segment_id, g=guard: SegmentRule(id=i, when=g))  # type: ignore[misc]  # bound per turn
            rules += [rule] if rule is not None else []
    return problems.take("segments", lambda: Segmentation(rules=rules)) or Segmentation()


def _stages(top: TableReader, problems: Problems) -> list[StageRule]:
    found = [_stage(table, problems) for table in top.tables("stages")]
    return [rule for rule in found if rule is not None]


def _stage(table: TableReader, problems: Problems) -> StageRule | None:
    stage_id = table.text("id")
    after = _after(table.table("after"), table, problems)
    needs = _needs(table, problems)
    steps = _steps(table, problems)
    consequences = table.texts("consequences", ())
    table.done()
    if not stage_id or after is None:
        return None
    return problems.take(
        table.path,
        lambda: StageRule(id=stage_id, after=after, needs=needs, steps=steps, consequences=consequences),
    )


def _after(table: TableReader | None, stage: TableReader, problems: Problems) -> PastDue | DueIn | None:
    if table is None:
        stage.note("after", "say when the stage begins, such as { past_due = { days = 30 } }", reason="missing")
        return None
    past_due, due_in = table.table("past_due"), table.table("due_in")
    found: PastDue | DueIn | None = None
    if (past_due is None) == (due_in is None):
        problems.note(table.path, "give past_due or due_in, one of the two", reason="invalid")
    elif past_due is not None:
        days = past_due.whole("days", minimum=1, maximum=36_500) if past_due.has("days") else None
        business = past_due.whole("business_days", minimum=1, maximum=3_650) if past_due.has("business_days") else None
        past_due.done()
        found = problems.take(past_due.path, lambda: PastDue(days=days, business_days=business))
    elif due_in is not None:
        ahead = due_in.whole("days", maximum=3_650)
        due_in.done()
        found = problems.take(due_in.path, lambda: DueIn(days=ahead))
    table.done()
    return found


def _needs(stage: TableReader, problems: Problems) -> list[Need]:
    needs: list[Need] = []
    for table in stage.tables("needs"):
        if table.has("notice_delivered"):
            notice, days = table.text("notice_delivered"), table.whole("days_ago", 0)
            need = problems.take(table.path, lambda n=notice, d=days: Delivered(notice=n, days_ago=d))  # type: ignore[misc]  # bound per turn
            needs += [need] if need is not None and notice else []
            table.done()
        elif table.has("approval"):
            authority = table.text("approval")
            approved = problems.take(table.path, lambda a=authority: Approved(authority=a))  # type: ignore[misc]  # bound per turn
            needs += [approved] if approved is not None else []
            table.done()
        else:
            needs.append(Holds(guard=read_guard(table)))
    return needs


def _steps(stage: TableReader, problems: Problems) -> list[Step]:
    steps = []
    for table in stage.tables("steps"):
        actions = [action for action in ("notice", "task", "command") if table.has(action)]
        what = table.text(actions[0]) if actions else ""
        if len(actions) != 1:
            problems.note(table.path, "a step is one of: notice, task, command", choices=("notice", "task", "command"))
        terms: dict[str, Any] = {
            "id": table.text("id", what or "step"),
            "day": table.whole("day", 0),
            "action": actions[0] if actions else "notice",
            "what": what,
            "channels": tuple(Channel(one) for one in table.texts("channels", (), choices=_CHANNELS)),
            "every_days": table.whole("every_days", minimum=1) if table.has("every_days") else None,
            "times": table.whole("times", 1, minimum=1, maximum=1_000),
            "is_always_allowed": table.flag("is_always_allowed", False),
        }
        table.done()
        if what:
            step = problems.take(table.path, lambda t=terms: Step(**t))  # type: ignore[misc]  # bound per turn
            steps += [step] if step is not None else []
    return steps


def _ladder(path: str, rules: list[StageRule], problems: Problems) -> Ladder:
    return problems.take(path, lambda: Ladder(stages=rules)) or Ladder()


def _overlays(top: TableReader, segmentation: Segmentation) -> list[tuple[str, TableReader]]:
    found: list[tuple[str, TableReader]] = []
    for table in top.tables("overlays"):
        segment = table.text("segment", choices=segmentation.ids)
        if any(segment == other for other, _ in found):
            table.note("segment", "two overlays for one segment; join them", reason="duplicate")
        elif table.has("segment"):
            found.append((segment, table))
    return found


def _overlaid(segment: str, overlay: TableReader, base: list[StageRule], problems: Problems) -> Ladder:
    """Resolve an overlay to a full ladder: it may shift a stage, add needs, replace or drop steps, never add a stage."""
    rules = {rule.id: rule for rule in base}
    for table in overlay.tables("stages"):
        stage_id = table.text("id", choices=tuple(rules) or ("",))
        rule = rules.get(stage_id)
        if rule is None:
            continue
        after = _after(table.table("after"), table, problems) if table.has("after") else rule.after
        needs = (*rule.needs, *_needs(table, problems))
        drop = set(table.texts("drop_steps", (), choices=tuple(step.id for step in rule.steps)))
        new = {step.id: step for step in _steps(table, problems)}
        for step_id in new:
            if step_id not in {step.id for step in rule.steps}:
                problems.note(
                    table.at("steps"), f"an overlay replaces steps; {stage_id} has no step {step_id}", reason="overlay"
                )
        steps = [new.get(step.id, step) for step in rule.steps if step.id not in drop]
        table.done()
        made = problems.take(
            table.path,
            lambda r=rule, a=after, n=needs, s=steps: StageRule(  # type: ignore[misc]  # bound per turn
                id=r.id, after=a or r.after, needs=n, steps=s, consequences=r.consequences
            ),
        )
        if made is not None:
            rules[stage_id] = made
    overlay.done()
    return _ladder(f"overlays.{segment}", list(rules.values()), problems)


# -- the other tables ------------------------------------------------------------------------------------------


def _contact(table: TableReader | None, problems: Problems) -> ContactPolicy:
    if table is None:
        return ContactPolicy()
    terms: dict[str, Any] = {}
    if table.has("hours"):
        terms["hours"] = [one for row in table.tables("hours") if (one := _hours(row, problems)) is not None]
    if table.has("caps"):
        terms["caps"] = [cap for row in table.tables("caps") if (cap := _cap(row, problems)) is not None]
    terms["days_between_notices"] = table.whole("days_between_notices", 0)
    terms["channels"] = tuple(Channel(one) for one in table.texts("channels", (), choices=_CHANNELS))
    if table.has("holidays"):
        terms["holidays"] = _calendar(table.table("holidays"), problems)
    table.done()
    return problems.take(table.path, lambda: ContactPolicy(**terms)) or ContactPolicy()


def _hours(row: TableReader, problems: Problems) -> ContactHours | None:
    days = row.texts("weekdays", choices=WEEKDAYS)
    start, end = _wall_time(row, "start"), _wall_time(row, "end")
    row.done()
    if start is None or end is None or not days:
        return None
    return problems.take(
        row.path, lambda: ContactHours(weekdays=[WEEKDAYS.index(day) for day in days], start=start, end=end)
    )


def _wall_time(row: TableReader, key: str) -> time | None:
    value = row.raw(key)
    if isinstance(value, time):
        return value
    if isinstance(value, str) and len(value) in (5, 8):
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass  # noted below, as any other value that is no time
    row.note(key, 'a wall time is needed here, such as "08:00"', reason="type")
    return None


def _cap(row: TableReader, problems: Problems) -> ContactCap | None:
    count, days = row.whole("count_max"), row.whole("days", minimum=1)
    channels = tuple(Channel(one) for one in row.texts("channels", (), choices=_CHANNELS))
    row.done()
    return problems.take(row.path, lambda: ContactCap(count_max=count, days=days, channels=channels))


def _promises(table: TableReader | None, problems: Problems) -> tuple[PromiseLimits, int, int]:
    if table is None:
        return PromiseLimits(), 0, 0
    wholes = ("days_ahead_max", "running_max", "broken_max", "broken_within_days")
    terms: dict[str, Any] = {name: table.whole(name) for name in wholes if table.has(name)}
    terms["amounts_min"] = table.amounts("amounts_min")
    if table.has("share_min"):
        terms["share_min"] = table.exact("share_min")
    tolerance, clearing = table.whole("tolerance_days", 0), table.whole("clearing_days", 0)
    table.done()
    limits = problems.take(table.path, lambda: PromiseLimits(**terms)) or PromiseLimits()
    return limits, tolerance, clearing


def _settlement(top: TableReader, segmentation: Segmentation, problems: Problems) -> dict[str, SettlementLimits]:
    found: dict[str, SettlementLimits] = {}
    for table in top.tables("settlement"):
        segment = table.text("segment", STANDARD, choices=segmentation.ids)
        authorities = [one for row in table.tables("authorities") if (one := _authority(row, problems)) is not None]
        wholes = ("first_payment_days_max", "valid_days", "completion_days")
        terms: dict[str, Any] = {name: table.whole(name, minimum=1) for name in wholes if table.has(name)}
        terms["instalment_min"] = table.amounts("instalment_min")
        if table.has("rate"):
            share = table.exact("rate")
            terms["rate"] = problems.take(table.at("rate"), lambda s=share: Rate.of(s))  # type: ignore[misc]  # bound per turn
        table.done()
        limits = problems.take(table.path, lambda a=authorities, t=terms: SettlementLimits(authorities=a, **t))  # type: ignore[misc]  # bound per turn
        if segment in found:
            table.note("segment", "limits for one segment stand twice", reason="duplicate")
        elif limits is not None:
            found[segment] = limits
    return found


def _authority(row: TableReader, problems: Problems) -> Authority | None:
    role = row.text("role")
    count = row.whole("instalments_max", minimum=1)
    days = row.whole("days_max", minimum=1)
    deferral = row.whole("deferral_days_max", 0)
    discount = row.exact("discount_max", Fraction(0))
    row.done()
    if not role:
        return None
    return problems.take(
        row.path,
        lambda: Authority(
            role=role, instalments_max=count, days_max=days, deferral_days_max=deferral, discount_max=discount
        ),
    )


def _aftercare(table: TableReader | None) -> Aftercare:
    if table is None:
        return Aftercare()
    names = ("thanks", "broken_promise_task", "broken_plan_task", "missed_instalment_task", "unreachable_task")
    terms = {name: table.text(name) if table.has(name) else None for name in names}
    channels = tuple(Channel(one) for one in table.texts("thanks_channels", (), choices=_CHANNELS))
    if terms["thanks"] and not channels:
        table.note("thanks_channels", "thanks need a channel", reason="missing")
    table.done()
    return Aftercare(thanks_channels=channels, **terms)


def _gates(top: TableReader) -> dict[str, tuple[Money, ...]]:
    """Read from which sums on an account is chased, charged and written to; amounts alone are those of chasing."""
    value = top.raw("materiality")
    if not isinstance(value, Mapping) or not any(isinstance(one, Mapping) for one in value.values()):
        return {**dict.fromkeys(_GATES, ()), "chasing": top.amounts("materiality")}
    table = TableReader(value, path=top.at("materiality"), problems=top.problems)
    found = {name: table.amounts(name) for name in _GATES}
    table.done()
    return found


def _buckets(top: TableReader, problems: Problems) -> BucketScheme:
    value = top.raw("buckets")
    if value is None:
        return STANDARD_BUCKETS
    if not isinstance(value, (list, tuple)) or not all(type(one) is int for one in value) or not value:
        top.note("buckets", "the last day of each band is needed here, such as [30, 60, 90]", reason="type")
        return STANDARD_BUCKETS
    return problems.take("buckets", lambda: BucketScheme.of(*value)) or STANDARD_BUCKETS


def _calendar(table: TableReader | None, problems: Problems) -> BusinessCalendar:
    if table is None:
        return WEEKENDS_ONLY
    weekend = table.texts("weekend", ("saturday", "sunday"), choices=WEEKDAYS)
    days = [_holiday(table, number, value) for number, value in enumerate(table.raw("holidays", ()))]
    since, until = table.day("known_from_on"), table.day("known_until_on")
    table.done()
    terms: dict[str, Any] = {"weekend": frozenset(WEEKDAYS.index(day) for day in weekend)}
    if table.has("holidays"):
        terms["holidays"] = frozenset(day for day in days if day is not None)
        terms["known_from_on"], terms["known_until_on"] = since, until
    return problems.take(table.path, lambda: BusinessCalendar(**terms)) or WEEKENDS_ONLY


def _holiday(table: TableReader, number: int, value: object) -> date | None:
    if type(value) is date:
        return value
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # noted below, as any other value that is no date
    table.problems.note(table.at(f"holidays[{number}]"), "a date is needed here", reason="type", value=value)
    return None


# -- details ---------------------------------------------------------------------------------------------------


def _table_of(source: str | bytes | Mapping[str, Any], problems: Problems) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    if len(source) > MAX_BYTES:
        problems.note("", f"a strategy is at most {MAX_BYTES} bytes long", reason="too_long")
        raise InvalidPolicy(problems.found)
    try:
        return toml_table(source)
    except ValueError as error:
        problems.note("", f"not readable as TOML: {error}", reason="syntax")
        raise InvalidPolicy(problems.found) from error
