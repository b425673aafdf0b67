"""Packs together: contradictions in one error, overlays that only tighten, places, force, files and rates of one's own."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from datetime import date, time
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import collectkit as ck
from collectkit import jurisdictions, policy
from collectkit.adapters.rates import FileRates, GivenRates, renewed
from collectkit.cli import main
from collectkit.core.errors import InvalidPolicy, InvalidRate
from collectkit.core.money import Money
from collectkit.core.rates import Rate, RateStep, RateTable
from collectkit.core.rules import (
    Applicability,
    AprTolerance,
    Citation,
    CoolDown,
    Dated,
    DatedValue,
    Deadline,
    ExtensionTrigger,
    FeeLimit,
    InForce,
    LegalFacts,
    LumpSum,
    LumpSumBand,
    Moratorium,
    Notice,
    NoticeWindow,
    PenaltyTiers,
    PlanTrigger,
    Primitive,
    RateCap,
    RateFloor,
    ReferenceSeries,
    RollingCount,
    Rule,
    RulePack,
    Stale,
    StatutoryInterest,
    TimeWindow,
    TimeWindows,
    WorkoutException,
    compose,
    is_looser,
    lies_in,
)
from collectkit.ports import RateSource
from collectkit.strategy import load, parse

REVIEWED = date(2026, 12, 31)
SOURCE = Citation(authority="Reg.", locator="1", address="example.org", read_on=date(2026, 1, 1))


def usd(text: str) -> tuple[Money, ...]:
    return (Money.of(text, "USD"),)


def points(*values: Primitive | tuple[date, Primitive | None] | None) -> Dated[Primitive]:
    made = []
    for one in values:
        from_on, value = one if isinstance(one, tuple) else (None, one)
        made.append(DatedValue[Primitive](value=value, citation=SOURCE, from_on=from_on))
    return Dated(points=made, reviewed_through=REVIEWED)


def rule(name: str, *values: Any, topic: str = "late_fee", **terms: Any) -> Rule:
    return Rule(id=name, topic=topic, text=f"{name} says.", parameters=points(*values), **terms)


def pack(name: str, *rules: Rule, **terms: Any) -> RulePack:
    terms = {"jurisdiction": "XX", **terms}
    return RulePack(id=name, version="1", title=name, reviewed_through=REVIEWED, rules=rules, **terms)


def problems_of(packs: Sequence[RulePack]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPolicy) as error:
        compose(packs)
    return [(one.code, one.path) for one in error.value.problems]


FEE = ck.LateFeePolicy(id="late", kind="flat", amounts={"USD": "50"})
CHARGES = ck.ChargePolicy(late_fees=[FEE])


def facts(
    as_of: date = date(2026, 3, 16), *, place: str = "", kind: str = "loan", debtor: str = "consumer", **terms: Any
) -> Any:
    claim = ck.Receivable(
        receivable_id="R",
        account_id="A",
        kind=kind,
        amount_original=Money.of("500", "USD"),
        issued_on=date(2026, 2, 1),
        due_on=date(2026, 3, 1),
    )
    return ck.AccountSnapshot(
        as_of=as_of,
        account=ck.Account(account_id="A", debtor_id="D"),
        debtor=ck.Debtor(debtor_id="D", kind=debtor, jurisdiction=place),
        receivables=terms.pop("receivables", [claim]),
        **terms,
    )


def due(packs: Sequence[RulePack], snapshot: Any = None, policies: ck.ChargePolicy = CHARGES) -> policy.ChargesDue:
    snapshot = facts() if snapshot is None else snapshot
    return ck.charges_due(policies=policies, snapshot=snapshot, balance=ck.balance_of(snapshot), packs=packs)


def charged(found: policy.ChargesDue) -> list[str]:
    return [str(one.amount) for one in found.charges]


# -- contradictions --------------------------------------------------------------------------------------------


def test_all_contradictions_come_in_one_error_with_their_paths() -> None:
    first = pack(
        "first",
        rule("a", FeeLimit(rate="0.02"), replaces="b", override_by="J"),
        rule("self", FeeLimit(rate="0.02"), replaces="self", override_by="J"),
        rule("lost", FeeLimit(rate="0.02"), replaces="nowhere"),
        rule("twice", FeeLimit(rate="0.02")),
    )
    second = pack(
        "second",
        rule("b", FeeLimit(rate="0.02"), replaces="a", override_by="K"),
        rule("twice", FeeLimit(rate="0.03")),
        rule("loose", FeeLimit(rate="0.03"), replaces="twice"),
    )
    overlay = pack("overlay", needs=("federal",))
    assert problems_of([second, first, overlay]) == [
        ("rules.base_missing", "overlay"),
        ("rules.duplicate", "second.twice"),
        ("rules.cycle", "first.a"),
        ("rules.cycle", "first.self"),
        ("rules.unknown", "first.lost"),
        ("rules.cycle", "second.b"),
    ]


def test_a_circle_of_three_is_found_whether_or_not_it_is_marked() -> None:
    rules = [rule(name, FeeLimit(rate="0.02"), replaces=other) for name, other in ("ab", "bc", "ca")]
    assert problems_of([pack("p", *rules)]) == [("rules.cycle", f"p.{name}") for name in "abc"]


def test_an_unknown_rule_is_not_reported_beside_the_base_that_would_hold_it() -> None:
    overlay = pack("overlay", rule("a", FeeLimit(rate="0.02"), replaces="federal.a"), needs=("federal",))
    assert problems_of([overlay]) == [("rules.base_missing", "overlay")]


def test_a_mark_that_overrides_nothing_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="replaces nothing"):
        rule("a", FeeLimit(rate="0.02"), override_by="J")


def test_a_strategy_refuses_packs_that_contradict_when_it_is_made() -> None:
    packs = [pack("one", rule("a", RateCap(rate="0.1"))), pack("two", rule("a", RateCap(rate="0.1")))]
    with pytest.raises(InvalidPolicy) as error:
        ck.Strategy(name="s", version="1", packs=packs)
    assert [(one.code, one.path) for one in error.value.problems] == [("rules.duplicate", "packs.two.a")]
    window: dict[str, Any] = {"start_on": date(2026, 1, 1), "end_on": date(2026, 6, 1), "packs": packs}
    with pytest.raises(InvalidPolicy, match=r"packs\.two\.a"):
        ck.ChargePolicy(covering=policy.Coverage(zones=["UTC"], debtor_kinds=["consumer"], **window))


def test_a_file_reports_contradicting_packs_beside_its_other_mistakes() -> None:
    own = pack("own", rule("a", FeeLimit(rate="0.02"), replaces="nowhere"))
    with pytest.raises(InvalidPolicy) as error:
        parse('name = "a"\nversion = "1"\nspeed = 3\npacks = ["own", "us-mars"]', packs=[own])
    assert {one.path for one in error.value.problems} == {"speed", "packs[1]", "packs.own.a"}


# -- overrides -------------------------------------------------------------------------------------------------


BASE = pack("base", rule("old", FeeLimit(rate="0.02")))


def test_an_override_silences_only_while_it_is_in_force_and_is_always_told() -> None:
    later = rule(
        "new", (date(2026, 4, 1), FeeLimit(rate="0.04")), (date(2026, 6, 1), None), replaces="old", override_by="J"
    )
    packs = [BASE, pack("user", later)]
    amounts = {}
    for day in (date(2026, 3, 31), date(2026, 4, 1), date(2026, 5, 31), date(2026, 6, 1)):
        found = due(packs, facts(day))
        amounts[day] = charged(found)
        (mark,) = [text for text in found.warnings if "answers for it" in text]
        assert ("not in force" in mark) is (day not in (date(2026, 4, 1), date(2026, 5, 31)))
    assert list(amounts.values()) == [["10.00 USD"], ["20.00 USD"], ["20.00 USD"], ["10.00 USD"]]


def test_an_override_silences_only_for_those_for_whom_it_speaks() -> None:
    to = Applicability(debtor_kinds=("business",))
    new = rule("new", FeeLimit(rate="0.04"), replaces="old", override_by="J", applies_to=to)
    packs = [BASE, pack("user", new)]
    assert charged(due(packs, facts(debtor="business"))) == ["20.00 USD"]
    assert charged(due(packs, facts(debtor="consumer"))) == ["10.00 USD"]


def test_an_override_past_its_own_review_silences_nothing() -> None:
    new = rule("new", FeeLimit(rate="0.04"), replaces="old", override_by="J")
    short = attrs.evolve(new, parameters=attrs.evolve(new.parameters, reviewed_through=date(2026, 3, 1)))
    assert [one.id for _, one in compose([BASE, pack("user", short)])] == ["old", "new"]
    (kept, _), _ = [(one, place) for place, one in compose([BASE, pack("user", short)])]
    assert isinstance(kept.parameters.at(date(2026, 3, 2)), InForce)
    assert not isinstance(kept.parameters.at(date(2026, 3, 1)), InForce)


def test_the_mark_of_an_overridden_override_is_told_too() -> None:
    middle = pack("middle", rule("mid", FeeLimit(rate="0.03"), replaces="old", override_by="M"))
    top = pack("top", rule("new", FeeLimit(rate="0.04"), replaces="mid", override_by="T"))
    found = due([BASE, middle, top])
    assert charged(found) == ["20.00 USD"]
    assert sum("answers for it" in text for text in found.warnings) == 2


def test_an_override_that_begins_before_the_rule_it_replaces_cuts_only_what_there_is() -> None:
    base = pack("base", rule("old", (date(2026, 1, 1), FeeLimit(rate="0.02"))))
    new = rule(
        "new", (date(2025, 1, 1), FeeLimit(rate="0.04")), (date(2026, 3, 10), None), replaces="old", override_by="J"
    )
    kept = next(one for _, one in compose([base, pack("user", new)]) if one.id == "old").parameters
    found = [isinstance(kept.at(day), InForce) for day in (date(2025, 6, 1), date(2026, 2, 1), date(2026, 3, 10))]
    assert found == [False, False, True]


def test_an_override_for_everybody_covers_one_for_some_and_not_the_other_way() -> None:
    all_of, some = Applicability(), Applicability(debtor_kinds=("consumer",), places=("GB",))
    assert all_of.covers(some)
    assert not some.covers(all_of)
    assert some.covers(attrs.evolve(some, places=("GB-SCT",)))
    assert not some.covers(attrs.evolve(some, places=("GB", "FR")))
    assert not Applicability(places=("GB",)).covers(Applicability())
    assert not Applicability(except_for=(some,)).covers(all_of)


# -- only tighten ----------------------------------------------------------------------------------------------

LOOSER: list[tuple[Primitive, Primitive]] = [
    (FeeLimit(rate="0.02", cap=usd("500")), FeeLimit(rate="0.02", cap=usd("15"))),
    (FeeLimit(rate="0.02"), FeeLimit(rate="0.02", cap=usd("15"))),
    (FeeLimit(rate="0.02", floor=usd("15")), FeeLimit(rate="0.02")),
    (FeeLimit(rate="0.02", floor=usd("90")), FeeLimit(rate="0.02", floor=usd("5"))),
    (
        FeeLimit(rate="0.02", amounts=usd("15"), combine="greater_of"),
        FeeLimit(rate="0.02", amounts=usd("15"), combine="lesser_of"),
    ),
    (FeeLimit(rate="0.02", base="instalment"), FeeLimit(rate="0.02")),
    (FeeLimit(rate="0.02", grace_days=15, due_day_counts=True), FeeLimit(rate="0.02", grace_days=15)),
    (FeeLimit(rate="0.02", whole_units_up=True), FeeLimit(rate="0.02")),
    (FeeLimit(rate="0.02", missed_cycles_min=2), FeeLimit(rate="0.02")),
    (FeeLimit(rate="0.01", amounts=usd("20")), FeeLimit(rate="0.05", amounts=usd("15"))),  # on a large base
    (PenaltyTiers(first=usd("100")[0], repeat=usd("100")[0]), PenaltyTiers(first=usd("30")[0], repeat=usd("41")[0])),
    (PenaltyTiers(first=usd("30")[0], repeat=usd("50")[0]), PenaltyTiers(first=usd("30")[0], repeat=usd("41")[0])),
    (
        PenaltyTiers(first=usd("30")[0], repeat=usd("41")[0], cycles=12),
        PenaltyTiers(first=usd("30")[0], repeat=usd("41")[0], cycles=6),
    ),
    (
        LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("500")[0])]),
        LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("40")[0])]),
    ),
    (
        LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("40")[0])]),
        LumpSum(bands=[LumpSumBand(debt_min=usd("10")[0], amount=usd("40")[0])]),
    ),
    (
        LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("40")[0])], excess_costs=True),
        LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("40")[0])]),
    ),
    (
        LumpSum(bands=[LumpSumBand(debt_min=Money.of("0", "EUR"), amount=Money.of("1", "EUR"))]),
        LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("40")[0])]),
    ),
    (StatutoryInterest(series="S", margin="0.09"), StatutoryInterest(series="S", margin="0.08")),
    (StatutoryInterest(series="S", multiple="3"), StatutoryInterest(series="S", multiple="2")),
    (StatutoryInterest(series="T", margin="0.08"), StatutoryInterest(series="S", margin="0.08")),
    (
        StatutoryInterest(series="S", margin="0.08", selection="fixed_at_start"),
        StatutoryInterest(series="S", margin="0.08"),
    ),
    (
        StatutoryInterest(series="S", margin="0.08", day_count="act/360"),
        StatutoryInterest(series="S", margin="0.08", day_count="act/365f"),
    ),
    (StatutoryInterest(series="S", margin="0.08", rests_months=1), StatutoryInterest(series="S", margin="0.08")),
    (
        StatutoryInterest(series="S", margin="0.08", round_rate_up_to="0.005"),
        StatutoryInterest(series="S", margin="0.08"),
    ),
    (RateFloor(series="S", multiple="1"), RateFloor(series="S", multiple="3")),
    (RollingCount(maximum=2, days=2), RollingCount(maximum=7, days=7)),
    (RollingCount(maximum=7, months=1), RollingCount(maximum=7, days=40)),
    (RollingCount(maximum=7, days=7, counts=("rang",)), RollingCount(maximum=7, days=7, counts=("rang", "answered"))),
    (RollingCount(maximum=7, days=7, not_counted=("rang",)), RollingCount(maximum=7, days=7)),
    (RollingCount(maximum=7, days=7, scope=("person", "debt")), RollingCount(maximum=7, days=7, scope=("person",))),
    (RollingCount(maximum=7, days=7, after="talk"), RollingCount(maximum=7, days=7)),
    (CoolDown(after="x", days=7, event_is_day_one=True), CoolDown(after="x", days=7, event_is_day_one=False)),
    (CoolDown(after="y", days=9, event_is_day_one=True), CoolDown(after="x", days=7, event_is_day_one=True)),
    (Deadline(after="x", days=1), Deadline(after="x", days=30)),
    (Deadline(after="x", days=9, purpose="within"), Deadline(after="x", days=5, purpose="within")),
    (Deadline(after="x", days=30, unit="business"), Deadline(after="x", days=30)),
    (NoticeWindow(before="x", days_min=2, days_max=10), NoticeWindow(before="x", days_min=3, days_max=10)),
    (NoticeWindow(before="x", days_min=3, days_max=11), NoticeWindow(before="x", days_min=3, days_max=10)),
    (
        NoticeWindow(before="x", days_min=3, days_max=10, ahead_more_than=9),
        NoticeWindow(before="x", days_min=3, days_max=10),
    ),
    (
        NoticeWindow(before="x", days_min=3, days_max=10, not_before_event=False),
        NoticeWindow(before="x", days_min=3, days_max=10),
    ),
    (Moratorium(freezes=("fees",), days=60), Moratorium(freezes=("fees",), days=60, includes_joint_debtors=True)),
    (Moratorium(freezes=("fees",), days=60, event_is_day_one=True), Moratorium(freezes=("fees",), days=60)),
    (Moratorium(freezes=("fees",), until="e"), Moratorium(freezes=("fees",), days=60)),
    (Moratorium(freezes=("fees",), until="e", days_after=10), Moratorium(freezes=("fees",), until="e", days_after=30)),
    (PlanTrigger(instalments_more_than=5), PlanTrigger(instalments_more_than=4)),
    (PlanTrigger(instalments_more_than=4), PlanTrigger(instalments_more_than=4, needs_writing=False)),
    (
        PlanTrigger(instalments_more_than=4, finance_charge_alone=False),
        PlanTrigger(instalments_more_than=4),
    ),
    (PlanTrigger(instalments_more_than=4), PlanTrigger(instalments_more_than=4, down_payment_counts=True)),
    (ExtensionTrigger(more_than=26, secured_more_than=5), ExtensionTrigger(more_than=25, secured_more_than=5)),
    (AprTolerance(regular="0.002", irregular="0.002"), AprTolerance(regular="0.001", irregular="0.002")),
    (WorkoutException(unless_rate_rises=False), WorkoutException()),
    (WorkoutException(unless_new_credit=False), WorkoutException()),
    (FeeLimit(rate="0.02", on_charges=True), FeeLimit(rate="0.02")),
    (RateFloor(series="T", multiple="3"), RateFloor(series="S", multiple="3")),
    (
        CoolDown(after="x", days=7, event_is_day_one=True, scope=("debt",)),
        CoolDown(after="x", days=7, event_is_day_one=True),
    ),
    (NoticeWindow(before="y", days_min=3, days_max=10), NoticeWindow(before="x", days_min=3, days_max=10)),
    (Notice(text="nothing"), FeeLimit(rate="0.04")),
    (RateCap(rate="0.01"), FeeLimit(rate="0.04")),
]


def hours(start: int, end: int, **terms: Any) -> TimeWindow:
    return TimeWindow(weekdays=(0,), start=time(start), end=time(end), **terms)


LOOSER += [
    (TimeWindows(windows=[hours(8, 21)]), TimeWindows(windows=[hours(8, 12), hours(13, 21)])),
    (TimeWindows(windows=[hours(8, 21)]), TimeWindows(windows=[hours(8, 21, end_inclusive=False)])),
    (TimeWindows(windows=[hours(8, 21)]), TimeWindows(windows=[hours(8, 21, start_inclusive=False)])),
    (TimeWindows(windows=[hours(8, 21)]), TimeWindows(windows=[hours(8, 21)], holidays="US")),
    (TimeWindows(windows=[hours(8, 21)], channels=("call",)), TimeWindows(windows=[hours(8, 21)])),
    (TimeWindows(windows=[hours(8, 21)], place="work"), TimeWindows(windows=[hours(8, 21)])),
]


def unmarked(new: Primitive, old: Primitive) -> None:
    series = tuple(
        ReferenceSeries(
            id=name,
            title=name,
            values=Dated(points=[DatedValue(value=Fraction(0), citation=SOURCE)], reviewed_through=REVIEWED),
        )
        for name in "ST"
    )
    compose(
        [pack("base", rule("old", old), series=series), pack("user", rule("new", new, replaces="old"), series=series)]
    )


@pytest.mark.parametrize(("new", "old"), LOOSER)
def test_a_loosening_by_any_figure_is_refused_unless_somebody_answers_for_it(new: Primitive, old: Primitive) -> None:
    with pytest.raises(InvalidPolicy) as error:
        unmarked(new, old)
    assert error.value.code == "rules.loosens"


TIGHTER: list[tuple[Primitive, Primitive]] = [
    *((old, new) for new, old in LOOSER if type(new) is type(old) and not is_looser(old, new)),
    (FeeLimit(rate="0.05", cap=usd("4")), FeeLimit(rate="0.01", floor=usd("5"))),  # below the floor whatever the base
    (FeeLimit(rate="0.02", base="instalment", cap=usd("4")), FeeLimit(amounts=usd("5"))),
    (FeeLimit(amounts=(Money.of("900", "EUR"),)), FeeLimit(amounts=usd("5"))),  # says nothing in dollars, so it blocks
    (
        PenaltyTiers(first=Money.of("900", "EUR"), repeat=Money.of("900", "EUR")),
        PenaltyTiers(first=usd("30")[0], repeat=usd("41")[0]),
    ),
    (RollingCount(maximum=1, days=1), RollingCount(maximum=7, days=7)),
    (RollingCount(maximum=2, months=1), RollingCount(maximum=4, days=20)),
    (RollingCount(maximum=1, days=10), RollingCount(maximum=4, months=1)),
    (RollingCount(maximum=3, months=2), RollingCount(maximum=3, months=1)),
    (
        StatutoryInterest(series="S", margin="0.02", round_rate_up_to="0.005"),
        StatutoryInterest(series="S", margin="0.08"),
    ),
    (Moratorium(freezes=("fees",)), Moratorium(freezes=("fees",), days=60)),
    (TimeWindows(windows=[hours(9, 20)]), TimeWindows(windows=[hours(8, 12), hours(12, 21)])),
    (TimeWindows(windows=[hours(9, 12), hours(13, 20)]), TimeWindows(windows=[hours(8, 21)])),
    (FeeLimit(rate="0.04"), Notice(text="a duty")),
]


@pytest.mark.parametrize(("new", "old"), TIGHTER)
def test_a_tightening_is_never_refused(new: Primitive, old: Primitive) -> None:
    unmarked(new, old)


def test_a_replacement_is_judged_by_what_holds_on_each_day() -> None:
    base = pack(
        "base", rule("old", (date(2010, 1, 1), FeeLimit(rate="0.01")), (date(2020, 1, 1), FeeLimit(rate="0.06")))
    )
    compose([base, pack("user", rule("new", (date(2024, 1, 1), FeeLimit(rate="0.04")), replaces="old"))])
    with pytest.raises(InvalidPolicy, match="from 2015-01-01 on"):
        compose([base, pack("user", rule("new", (date(2015, 1, 1), FeeLimit(rate="0.04")), replaces="old"))])
    late = pack(
        "user",
        rule(
            "new", (date(2019, 1, 1), FeeLimit(rate="0.005")), (date(2025, 1, 1), FeeLimit(rate="0.07")), replaces="old"
        ),
    )
    with pytest.raises(InvalidPolicy, match="from 2025-01-01 on"):
        compose([base, late])


def test_a_limit_of_ones_own_may_outlive_the_one_that_the_law_ended() -> None:
    base = pack("base", rule("old", FeeLimit(rate="0.04"), (date(2025, 1, 1), None)))
    compose(
        [
            base,
            pack("user", rule("new", FeeLimit(rate="0.03"), (date(2025, 1, 1), FeeLimit(rate="0.06")), replaces="old")),
        ]
    )


def test_a_claim_that_the_law_ended_is_not_kept_up_by_an_overlay() -> None:
    sum_of = LumpSum(bands=[LumpSumBand(debt_min=usd("0")[0], amount=usd("40")[0])])
    base = pack("base", rule("old", (date(2013, 1, 1), sum_of), (date(2025, 1, 1), None)))
    with pytest.raises(InvalidPolicy, match="still gives what has ended"):
        compose([base, pack("user", rule("new", (date(2013, 1, 1), sum_of), replaces="old"))])


AMOUNTS = st.sampled_from([(), usd("1"), usd("5"), usd("20"), usd("60")])


@st.composite
def limits(draw: st.DrawFn) -> FeeLimit:
    rate = draw(st.sampled_from([None, "0", "0.01", "0.02", "0.05"]))
    amounts = draw(AMOUNTS if rate is not None else AMOUNTS.filter(bool))
    floor = draw(AMOUNTS)
    cap = draw(AMOUNTS.filter(lambda cap: not cap or not floor or cap[0] >= floor[0]))
    return FeeLimit(
        rate=rate, amounts=amounts, floor=floor, cap=cap, combine=draw(st.sampled_from(["greater_of", "lesser_of"]))
    )


@given(new=limits(), old=limits())
def test_a_fee_limit_is_looser_exactly_where_some_base_shows_it(new: FeeLimit, old: FeeLimit) -> None:
    bases = [
        Money(minor, "USD") for minor in (0, 100, 2_000, 5_000, 10_000, 25_000, 40_000, 100_000, 200_000, 10**6, 10**9)
    ]
    pairs = [(new.limit(base), old.limit(base)) for base in bases]
    is_shown = any(mine is not None and theirs is not None and mine > theirs for mine, theirs in pairs)
    assert is_looser(new, old) or not is_shown
    if is_looser(new, old):
        corners = [Money(minor, "USD") for minor in range(0, 700_001, 500)]
        assert is_shown or any((new.limit(base) or base) > (old.limit(base) or base) for base in corners)


@given(mine=st.tuples(st.integers(1, 9), st.integers(1, 9)), theirs=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_a_count_is_tighter_exactly_where_no_run_of_contacts_shows_otherwise(
    mine: tuple[int, int], theirs: tuple[int, int]
) -> None:
    new, old = (RollingCount(maximum=most, days=days) for most, days in (mine, theirs))
    # the densest run that the new limit lets through: all at once, again as soon as its span is over
    run = [day for start in range(0, 40, mine[1]) for day in [start] * mine[0]]
    most = max(sum(start <= day < start + theirs[1] for day in run) for start in range(20))
    assert is_looser(new, old) is (most > theirs[0])


# -- places, parties and force ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "larger", "answer"),
    [("US-MA", "US", True), ("US", "US-MA", False), ("UK", "GB", True), ("gb-sct", "UK", True), ("DE", "D", False)],
)
def test_places_lie_in_one_another(place: str, larger: str, answer: bool) -> None:
    assert lies_in(place, larger) is answer


def test_a_rule_of_a_place_is_silent_where_the_debtors_is_known_to_be_another() -> None:
    to = Applicability(places=("GB",))
    answers = [to.judge(LegalFacts(jurisdiction=place)) for place in ("GB", "UK", "GB-SCT", None, "FR", "US-MA")]
    assert answers == [True, True, True, True, False, False]
    assert Applicability(places=("GB-EAW",)).judge(LegalFacts(jurisdiction="GB")) is True  # known less exactly


@pytest.mark.parametrize("place", ["Atlantis", "UK", "de", "DE-", "ZZ-NOWHERE", "D1"])
def test_a_place_that_is_no_code_is_refused(place: str) -> None:
    for build in (lambda: pack("p", jurisdiction=place), lambda: Applicability(places=(place,))):
        with pytest.raises(InvalidPolicy) as error:
            build()
        assert error.value.code == "rules.place"


@pytest.mark.parametrize(("place", "sums"), [("GB", 1), ("GB-SCT", 1), ("", 1), ("FR", 0), ("ZZ-NOWHERE", 0)])
def test_a_sum_of_the_law_is_claimed_under_that_law_alone(place: str, sums: int) -> None:
    uk = jurisdictions.load("uk-late-payment")
    policies = ck.ChargePolicy(
        recovery_sums=[policy.RecoverySumPolicy(id="sum", pack=uk, rule_id="uk.lpcda.compensation")],
        interest=[policy.InterestPolicy(id="int", terms=policy.RateTerms(pack=uk, rule_id="uk.lpcda.interest"))],
    )
    claim = attrs.evolve(facts().receivables[0], amount_original=Money.of("500", "GBP"))
    found = due([uk], facts(date(2026, 5, 16), place=place, debtor="business", receivables=[claim]), policies)
    assert len(found.charges) == 2 * sums
    if not sums:
        assert {one.code for one in found.skipped} == {"policy.law_not_applicable"}
        assert all(place in one.text for one in found.skipped)
        assert any(place in text for text in found.warnings)


def test_the_member_states_are_served_by_the_directive() -> None:
    eu = jurisdictions.load("eu-late-payment")
    assert [eu.serves(place) for place in ("DE", "EU", "GR", "EL", "GB")] == [True, True, True, True, False]
    window: dict[str, Any] = {"zones": ["UTC"], "debtor_kinds": ["business"], "packs": [eu]}
    ck.ChargePolicy(
        covering=policy.Coverage(start_on=date(2026, 1, 1), end_on=date(2026, 6, 1), jurisdictions=["DE"], **window)
    )
    with pytest.raises(InvalidPolicy, match="no pack given serves"):
        ck.ChargePolicy(
            covering=policy.Coverage(start_on=date(2026, 1, 1), end_on=date(2026, 6, 1), jurisdictions=["GB"], **window)
        )


def test_a_protection_holds_for_a_debtor_of_whom_nobody_knows_better() -> None:
    z = jurisdictions.load("us-reg-z")
    for place in ("", "US-MA", "DE"):
        assert charged(due([z], facts(kind="high_cost_mortgage", place=place))) == ["20.00 USD"]
    assert any("DE" in text for text in due([z], facts(place="DE")).warnings)


def test_who_charges_can_be_said_and_what_is_missing_is_named() -> None:
    packs = [pack("p", rule("a", FeeLimit(rate="0.02"), applies_to=Applicability(parties=("agency",))))]
    unknown = due(packs)
    assert (charged(unknown), unknown.skipped[0].code) == ([], "policy.law_unknown")
    assert "who charges (party)" in unknown.skipped[0].text
    for party, amount in (("agency", "10.00 USD"), ("first_party", "50.00 USD")):
        policies = parse(
            f'name = "a"\nversion = "1"\nparty = "{party}"\n'
            '[[charges]]\nid = "late"\nkind = "flat"\namounts = { USD = "50" }\n'
        ).charges
        assert policies == ck.ChargePolicy(late_fees=policies.late_fees, party=party)  # type: ignore[arg-type]  # one of the two
        assert charged(due(packs, policies=policies)) == [amount]


@pytest.mark.parametrize("force", ["presumption", "guidance", "standard"])
def test_what_binds_less_than_law_is_marked_and_never_a_prohibition(force: str) -> None:
    packs = [pack("p", rule("a", FeeLimit(rate="0.02", grace_days=5), force=force))]
    (charge,) = due(packs).charges
    reason = charge.reasons[-1]
    assert (reason.code, str(charge.amount)) == (f"policy.{force}_cap", "10.00 USD")
    assert f"({force})" in (reason.cite or "")
    waits = due(packs, facts(date(2026, 3, 5)))
    for text in (reason.text, *(one.text for one in waits.skipped)):
        assert "the law" not in text
        assert "limited to" not in text
        assert "forbids nothing" in text or "can be rebutted" in text


def test_a_figure_that_nobody_saw_in_a_text_says_so_in_the_charge() -> None:
    z = jurisdictions.load("us-reg-z")
    then, now = (z.rule("us.regz.card_late_fee").parameters.at(day) for day in (date(2023, 3, 2), date(2026, 3, 2)))
    assert isinstance(then, InForce)
    assert isinstance(now, InForce)
    assert (then.value, then.basis, now.basis) == (now.value, "official-text", "derived")
    (charge,) = due([z], facts(kind="credit_card")).charges
    assert (str(charge.amount), "(derived)" in (charge.reasons[-1].cite or "")) == ("30.00 USD", True)


def test_a_charge_card_has_the_safe_harbour_and_three_per_cent_only_after_two_missed_cycles() -> None:
    z = jurisdictions.load("us-reg-z")
    claims = [
        attrs.evolve(facts(kind="charge_card").receivables[0], receivable_id=f"R{month}", due_on=date(2026, month, 1))
        for month in (2, 3)
    ]
    first = facts(
        date(2026, 2, 10), kind="charge_card", receivables=[attrs.evolve(claims[0], issued_on=date(2026, 1, 1))]
    )
    assert charged(due([z], first)) == ["30.00 USD"]
    both = facts(
        date(2026, 3, 10),
        kind="charge_card",
        receivables=[attrs.evolve(one, issued_on=date(2026, 1, 1)) for one in claims],
    )
    assert sorted(charged(due([z], both))) == ["15.00 USD", "30.00 USD"]


# -- citations and series --------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "  "])
def test_a_citation_has_an_address_or_says_that_there_is_none(address: str) -> None:
    with pytest.raises(InvalidPolicy) as error:
        Citation(authority="a", locator="", address=address, read_on=date(2026, 1, 1))
    assert error.value.code == "rules.citation"
    assert Citation(authority="a", locator="", address="-", read_on=date(2026, 1, 1)).address == "-"


def test_a_voided_point_may_stand_beside_the_one_that_holds_instead() -> None:
    day = date(2024, 5, 14)
    kept = DatedValue(value=30, citation=SOURCE, from_on=day, basis="derived")
    dated = Dated(points=[kept, attrs.evolve(kept, value=8, status="vacated")], reviewed_through=REVIEWED)
    found = dated.at(day)
    assert isinstance(found, InForce)
    assert found.value == 30
    with pytest.raises(InvalidPolicy):
        Dated(points=[kept, kept], reviewed_through=REVIEWED)


RATES = """
[sources.s]
authority = "Bank of England"
address = "bankofengland.co.uk"
read_on = 2027-01-04
[[series]]
id = "BOE_LPCDIA"
title = "ours"
known_through = 2027-06-30
source = "s"
points = [{ from = 2026-07-01, percent = "3.75" }, { from = 2027-01-01, percent = "3.5" }]
"""

OWN = """
id = "own"
version = "1"
jurisdiction = "GB"
title = "own"
reviewed_through = 2027-12-31
[sources.s]
authority = "a"
address = "-"
read_on = 2026-01-01
"""

OWN_RULE = """
[[rules]]
id = "own.interest"
topic = "late_interest"
kind = "statutory_interest"
text = "Eight points over."
source = "s"
  [[rules.values]]
  series = "BOE_LPCDIA"
  margin_percent = "8"
  selection = "floating"
  day_count = "act/365f"
"""

OWN_SERIES = RATES[RATES.index("[[series]]") :]


def own(text: str) -> RulePack:
    return jurisdictions.read_pack(tomllib.loads(text))


def test_a_series_of_ones_own_counts_where_no_shipped_one_is_named() -> None:
    mine = own(OWN + OWN_SERIES + OWN_RULE)
    assert policy.statutory_rate(mine, "own.interest", date(2027, 2, 1)) == Rate.percent("11.5")


def test_a_file_of_series_holds_each_once_and_one_at_least(tmp_path: Path) -> None:
    path = tmp_path / "rates.toml"
    for text, said in (
        (RATES + OWN_SERIES, "stands twice"),
        (RATES[: RATES.index("[[series]]")], "one reference series or more"),
        (RATES.replace("2027-06-30", "2026-12-31"), "known_through"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidPolicy, match=said):
            jurisdictions.load_series(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            OWN.replace("[sources", 'reference_series = ["BOE_LPCDIA"]\n[sources') + OWN_SERIES + OWN_RULE,
            "series[0].id",
        ),
        (OWN + OWN_SERIES + OWN_SERIES + OWN_RULE, "stands twice"),
        (OWN + OWN_SERIES.replace("2027-06-30", "2026-12-31") + OWN_RULE, "series[0].known_through"),
        (OWN + OWN_RULE, "series that the pack does not hold"),
        (OWN.replace('"-"', '""') + OWN_SERIES + OWN_RULE, "sources.s.address"),
        (OWN.replace('"GB"', '"Atlantis"'), "jurisdiction: a place is"),
        (OWN.replace("[sources", 'places = ["UK"]\n[sources') + OWN_SERIES + OWN_RULE, "applies_to.places"),
    ],
)
def test_series_and_places_of_a_pack_file_are_well_defined(text: str, said: str) -> None:
    with pytest.raises(InvalidPolicy) as error:
        own(text)
    assert said in str(error.value)


# -- reference rates below zero, and sources -------------------------------------------------------------------


def german_base() -> ReferenceSeries:
    table = RateTable(
        steps=[
            RateStep.below_zero(from_on=date(2016, 7, 1), percent="-0.88"),
            RateStep(from_on=date(2023, 1, 1), rate=Rate.percent("1.62")),
        ],
        known_through_on=date(2027, 6, 30),
    )
    assert table.at(date(2020, 1, 1)) == Rate.zero()
    return ReferenceSeries.from_table(series_id="DE_BASISZINSSATZ", title="ours", table=table, citation=SOURCE)


def test_a_base_rate_below_zero_comes_from_a_table_and_the_law_counts_from_it() -> None:
    # BGB 288(2): 9 points over a base of -0.88 %, as in force from July 2016 to December 2022
    ours = jurisdictions.load("de-late-payment").with_series(german_base())
    assert policy.statutory_rate(ours, "de.bgb288.business", date(2020, 1, 1)) == Rate.percent("8.12")
    assert policy.statutory_rate(ours, "de.bgb288.consumer", date(2020, 1, 1)) == Rate.percent("4.12")


def test_the_rate_that_comes_of_a_base_below_zero_is_not_below_zero() -> None:
    assert StatutoryInterest(series="S", margin="0.005").rate_of(Fraction("-0.0088")) == 0


@pytest.mark.parametrize("percent", ["0", "0.5", "-100", "-250"])
def test_a_step_below_zero_lies_below_zero_and_above_a_total_loss(percent: str) -> None:
    with pytest.raises(InvalidRate) as error:
        RateStep.below_zero(from_on=date(2026, 1, 1), percent=percent)
    assert error.value.code == "rates.negative"
    with pytest.raises(InvalidRate):
        RateStep(from_on=date(2026, 1, 1), rate=Rate.percent("1"), negative="-0.01")


def test_a_source_of_rates_renews_the_packs_that_need_it(tmp_path: Path) -> None:
    (tmp_path / "rates.toml").write_text(RATES, encoding="utf-8")
    source = FileRates(tmp_path / "rates.toml")
    assert isinstance(source, RateSource)
    uk, eu = jurisdictions.load("uk-late-payment"), jurisdictions.load("eu-late-payment")
    twins = renewed([uk, attrs.evolve(uk, id="twin")], source=source, through=date(2027, 6, 30))
    assert twins[1].series == twins[0].series
    (new,) = renewed([uk], source=source, through=date(2027, 6, 30))
    assert new.version == "2026.1+BOE_LPCDIA:2027-06-30"
    assert renewed([uk], source=source, through=date(2020, 1, 1)) == (uk,)  # nothing is lacking
    assert policy.statutory_rate(new, "uk.lpcda.interest", date(2026, 11, 1)) == Rate.percent("11.75")
    with pytest.raises(InvalidPolicy) as error:
        renewed([uk, eu], source=source, through=date(2027, 12, 31))
    assert [(one.code, one.path) for one in error.value.problems] == [
        ("rates.source", "packs[0].series.BOE_LPCDIA"),
        ("rates.source", "packs[1].series.ECB_MRO_2011_7"),
    ]
    assert parse('name = "a"\nversion = "1"\npacks = ["uk-late-payment"]', packs=[new]).packs == (new,)


def test_a_source_that_answers_with_something_else_is_refused() -> None:
    class Wrong:
        def __init__(self, answer: ReferenceSeries) -> None:
            self.answer = answer

        def series(self, series_id: str, *, through: date) -> ReferenceSeries:
            return self.answer

    uk = jurisdictions.load("uk-late-payment")
    stale = uk.series_of("BOE_LPCDIA")
    for answer, said in ((german_base(), "answered with DE"), (stale, "answered with figures through")):
        with pytest.raises(InvalidPolicy, match=said):
            renewed([uk], source=Wrong(answer), through=date(2027, 6, 30))


def test_a_source_of_given_series_says_what_it_lacks() -> None:
    source = GivenRates([german_base()])
    assert source.series("DE_BASISZINSSATZ", through=date(2027, 6, 30)).title == "ours"
    for name, through in (("X", date(2026, 1, 1)), ("DE_BASISZINSSATZ", date(2028, 1, 1))):
        with pytest.raises(LookupError):
            source.series(name, through=through)


# -- files -----------------------------------------------------------------------------------------------------

STRATEGY = 'name = "a"\nversion = "1"\npacks = ["./packs/own.toml"]\n'
INTEREST = '[[charges]]\nid = "int"\nkind = "interest"\nrule = "own.interest"\n'


def test_a_strategy_names_a_pack_of_its_own_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "own.toml").write_text(OWN + OWN_SERIES + OWN_RULE, encoding="utf-8")
    path = tmp_path / "s.toml"
    path.write_text(STRATEGY + INTEREST, encoding="utf-8")
    strategy = load(path)
    assert [one.id for one in strategy.packs] == ["own"]
    ran = CliRunner().invoke(main, ["check", str(path), "--json"])
    assert (ran.exit_code, json.loads(ran.output)["ok"]) == (0, True)
    for text, said in (
        (STRATEGY.replace("own.toml", "other.toml"), "cannot be read"),
        (STRATEGY.replace("./packs", "./nowhere"), "packs[0]"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidPolicy, match="cannot be read") as error:
            load(path)
        assert said in str(error.value)
    with pytest.raises(InvalidPolicy, match="read the strategy with load"):
        parse(STRATEGY)
    (tmp_path / "packs" / "own.toml").write_text(OWN.replace('"GB"', '"Atlantis"'), encoding="utf-8")
    path.write_text(STRATEGY, encoding="utf-8")
    with pytest.raises(InvalidPolicy, match=r"packs\[0\]\.jurisdiction"):
        load(path)


def test_a_strategy_names_files_of_newer_rates(tmp_path: Path) -> None:
    (tmp_path / "rates.toml").write_text(RATES, encoding="utf-8")
    path = tmp_path / "s.toml"
    path.write_text(
        'name = "a"\nversion = "1"\npacks = ["uk-late-payment"]\nrates = ["rates.toml"]\n', encoding="utf-8"
    )
    (uk,) = load(path).packs
    assert uk.version.endswith("BOE_LPCDIA:2027-06-30")
    assert isinstance(
        uk.rule("uk.lpcda.interest").parameters.at(date(2027, 1, 1)), Stale
    )  # the rules were not reviewed
    path.write_text('name = "a"\nversion = "1"\npacks = ["us-reg-z"]\nrates = ["rates.toml"]\n', encoding="utf-8")
    with pytest.raises(InvalidPolicy, match="no pack named uses that series"):
        load(path)


def test_check_tells_every_override_and_who_answers(tmp_path: Path) -> None:
    text = OWN.replace("[sources", 'override_by = "A. Roe"\n[sources').replace('"own"', '"us-ny"', 1)
    rule_text = OWN_RULE.replace(
        'id = "own.interest"', 'id = "own.interest"\nreplaces = "uk.lpcda.interest"\noverride_by = "J. Doe"'
    )
    (tmp_path / "own.toml").write_text(text + OWN_SERIES + rule_text, encoding="utf-8")
    path = tmp_path / "s.toml"
    path.write_text('name = "a"\nversion = "1"\npacks = ["uk-late-payment", "own.toml"]\n', encoding="utf-8")
    ran = CliRunner().invoke(main, ["check", str(path)])
    said = " ".join(ran.output.split())
    assert "rule own.interest of pack us-ny overrides uk.lpcda.interest; J. Doe answers for it" in said
    assert "us-ny stands in the place of the shipped one; A. Roe answers for it" in said


@pytest.mark.parametrize(
    ("place", "amount"), [("US-NY", "20.00 USD"), ("", "20.00 USD"), ("US", "20.00 USD"), ("US-CA", "50.00 USD")]
)
def test_the_cap_of_a_state_is_for_debtors_of_that_state(place: str, amount: str) -> None:
    # NY RPL 254-b: 2 % of the instalment
    packs = [jurisdictions.load("us-reg-z"), jurisdictions.load("us-ny")]
    found = due(
        packs,
        facts(
            date(2026, 4, 16),
            place=place,
            kind="mortgage",
            receivables=[attrs.evolve(facts(kind="mortgage").receivables[0], amount_original=Money.of("1000", "USD"))],
        ),
    )
    assert charged(found) == [amount]


def test_a_pack_that_takes_a_shipped_id_says_who_answers_for_it() -> None:
    text = 'name = "a"\nversion = "1"\npacks = ["us-reg-z"]\n[[charges]]\nid = "late"\nkind = "flat"\namounts = { USD = "50" }\n'
    empty = pack("us-reg-z", jurisdiction="US")
    with pytest.raises(InvalidPolicy) as error:
        parse(text, packs=[empty])
    assert (error.value.code, error.value.problems[0].path) == ("strategy.shadows_shipped", "packs.us-reg-z")
    with pytest.raises(InvalidPolicy, match="a shipped pack has that id"):
        ck.Strategy(name="s", version="1", packs=[empty])
    strategy = parse(text, packs=[attrs.evolve(empty, override_by="J. Doe, counsel")])
    decision = ck.decide(strategy=strategy, snapshot=facts(kind="high_cost_mortgage"))
    assert any("J. Doe, counsel answers for it" in one.text for one in decision.reasons)
    assert parse(text, packs=[jurisdictions.load("us-reg-z")]).packs == (jurisdictions.load("us-reg-z"),)
