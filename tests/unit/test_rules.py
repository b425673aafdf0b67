"""What `core.rules` says it does: dated lookups, primitives, applicability, packs that only tighten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from fractions import Fraction

import attrs
import pytest

from collectkit.core.calendars import WEEKENDS_ONLY
from collectkit.core.errors import InvalidDate, InvalidPolicy, InvalidRecord
from collectkit.core.money import Money
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
    NoticeWindow,
    NotInForce,
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
)

SOURCE = Citation(authority="Reg.", locator="1", address="example.org", read_on=date(2026, 1, 1))
REVIEWED = date(2026, 6, 30)


def point(value: object, from_on: date | None = None, **terms: object) -> DatedValue[object]:
    return DatedValue(value=value, citation=SOURCE, from_on=from_on, **terms)  # type: ignore[arg-type]


def dated(*points: DatedValue[object]) -> Dated[object]:
    return Dated(points=points, reviewed_through=REVIEWED)


def rule(value: Primitive, name: str = "r", **terms: object) -> Rule:
    return Rule(id=name, topic="t", text="says", parameters=dated(point(value)), **terms)  # type: ignore[arg-type]


def pack(*rules: Rule, name: str = "p", **terms: object) -> RulePack:
    return RulePack(
        id=name,
        version="1",
        jurisdiction="XX",
        title=name,
        reviewed_through=REVIEWED,
        rules=rules,
        **terms,  # type: ignore[arg-type]
    )


# -- lookups ---------------------------------------------------------------------------------------------------


def test_a_value_holds_from_its_first_day_to_the_eve_of_the_next() -> None:
    series = dated(point(1, date(2026, 1, 1)), point(2, date(2026, 3, 1)))
    found = [series.at(day) for day in (date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1))]
    assert [one.value for one in found if isinstance(one, InForce)] == [1, 1, 2]


def test_before_the_first_day_nothing_is_in_force() -> None:
    assert dated(point(1, date(2026, 1, 1))).at(date(2025, 12, 31)) == NotInForce(
        as_of=date(2025, 12, 31), reason="before_start"
    )


def test_a_value_is_never_carried_past_its_review() -> None:
    assert dated(point(1)).at(date(2026, 7, 1)) == Stale(as_of=date(2026, 7, 1), known_through_on=REVIEWED)


@pytest.mark.parametrize("last", [point(None, date(2026, 3, 1)), point(2, date(2026, 3, 1), status="repealed")])
def test_an_ended_parameter_is_not_in_force(last: DatedValue[object]) -> None:
    assert dated(point(1), last).at(date(2026, 3, 1)) == NotInForce(as_of=date(2026, 3, 1), reason="ended")


@pytest.mark.parametrize("status", ["stayed", "vacated", "not_yet"])
def test_a_point_that_is_not_in_force_leaves_the_one_before_it_standing(status: str) -> None:
    found = dated(point(1), point(2, date(2026, 3, 1), status=status)).at(date(2026, 4, 1))
    assert isinstance(found, InForce)
    assert found.value == 1


def test_an_instant_is_no_day_to_look_up() -> None:
    with pytest.raises(InvalidDate):
        dated(point(1)).at(datetime(2026, 1, 1))  # noqa: DTZ001 - the refusal is what is tested


@pytest.mark.parametrize("points", [(), (point(1, date(2026, 2, 1)), point(2, date(2026, 1, 1))), (point(1), point(2))])
def test_points_must_stand_in_order(points: tuple[DatedValue[object], ...]) -> None:
    with pytest.raises(InvalidPolicy) as error:
        dated(*points)
    assert error.value.code == "rules.dated"


def test_a_figure_without_a_source_is_refused() -> None:
    with pytest.raises(InvalidRecord):
        DatedValue(value=1, citation=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("terms", [{"status": "valid"}, {"basis": "hearsay"}])
def test_an_unknown_status_or_basis_is_refused(terms: dict[str, str]) -> None:
    with pytest.raises(InvalidPolicy) as error:
        point(1, **terms)
    assert error.value.code == "rules.choice"


# -- to whom ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        (LegalFacts(debtor_kind="consumer", party="agency", debt_kind="card"), True),
        (LegalFacts(debtor_kind="business", party=None, debt_kind=None), False),
        (LegalFacts(debtor_kind="consumer", party=None, debt_kind="card"), None),
        (LegalFacts(debtor_kind="consumer", party="first_party", debt_kind="card"), False),
    ],
)
def test_a_missing_fact_makes_the_answer_unknown_unless_another_one_excludes(
    facts: LegalFacts, answer: bool | None
) -> None:
    to = Applicability(debtor_kinds=("consumer",), parties=("agency",), debt_kinds=("card",))
    assert to.judge(facts) is answer


def test_a_rule_for_everybody_needs_no_fact() -> None:
    assert Applicability().judge(LegalFacts()) is True


# -- primitives ------------------------------------------------------------------------------------------------


def test_a_cool_down_may_or_may_not_count_the_day_of_the_event() -> None:
    day = date(2026, 8, 14)
    assert CoolDown(after="talk", days=7, event_is_day_one=True).free_on(day) == date(2026, 8, 21)
    assert CoolDown(after="talk", days=7, event_is_day_one=False).free_on(day) == date(2026, 8, 22)


def test_a_deadline_in_business_days_is_unknown_without_a_calendar() -> None:
    deadline = Deadline(after="letter", days=5, unit="business")
    assert deadline.last_on(date(2026, 5, 1)) is None
    assert deadline.last_on(date(2026, 5, 1), WEEKENDS_ONLY) == date(2026, 5, 8)


def test_a_deadline_in_calendar_days_may_count_the_event() -> None:
    assert Deadline(after="x", days=30).last_on(date(2026, 1, 1)) == date(2026, 1, 31)
    assert Deadline(after="x", days=30, event_is_day_one=True).last_on(date(2026, 1, 1)) == date(2026, 1, 30)


def test_a_fee_limit_takes_the_lesser_or_greater_part() -> None:
    parts = {"rate": "0.02", "amounts": (Money(500, "USD"),)}
    base = Money(10_000, "USD")
    assert FeeLimit(**parts, combine="lesser_of").limit(base) == Money(200, "USD")  # type: ignore[arg-type]
    assert FeeLimit(**parts, combine="greater_of").limit(base) == Money(500, "USD")  # type: ignore[arg-type]


def test_a_fee_limit_is_rounded_down_in_favour_of_the_debtor() -> None:
    assert FeeLimit(rate="0.02").limit(Money(99, "USD")) == Money(1, "USD")


@pytest.mark.parametrize("terms", [{"amounts": (Money(1, "USD"),)}, {"rate": "0.1", "cap": (Money(1, "USD"),)}])
def test_a_fee_limit_in_another_currency_is_unknown(terms: dict[str, object]) -> None:
    assert FeeLimit(**terms).limit(Money(100, "EUR")) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"rate": "-0.1"},
        {"rate": "0.1", "grace_days": -1},
        {"rate": "0.1", "floor": (Money(2, "USD"),), "cap": (Money(1, "USD"),)},
    ],
)
def test_a_fee_limit_that_cannot_stand_is_refused(terms: dict[str, object]) -> None:
    with pytest.raises(InvalidPolicy) as error:
        FeeLimit(**terms)  # type: ignore[arg-type]
    assert error.value.code == "rules.fee"


def test_a_repeated_violation_counts_for_the_next_six_cycles() -> None:
    # 12 CFR 1026 comment 52(b)(1)(ii)-1.iii.A: a fee in March, then April to September at the repeat amount
    tiers = PenaltyTiers(first=Money(2500, "USD"), repeat=Money(3500, "USD"), cycles=6)
    assert tiers.repeat_cycles((2026, 3)) == tuple((2026, month) for month in range(4, 10))
    assert tiers.tier(cycle=(2026, 9), prior_cycles=[(2026, 3)]) == Money(3500, "USD")
    assert tiers.tier(cycle=(2026, 10), prior_cycles=[(2026, 3)]) == Money(2500, "USD")
    assert tiers.repeat_cycles((2026, 10))[-1] == (2027, 4)


@pytest.mark.parametrize(
    "bands",
    [
        (),
        (LumpSumBand(debt_min=Money(0, "GBP"), amount=Money(40, "EUR")),),
        (
            LumpSumBand(debt_min=Money(5, "GBP"), amount=Money(1, "GBP")),
            LumpSumBand(debt_min=Money(5, "GBP"), amount=Money(2, "GBP")),
        ),
    ],
)
def test_a_lump_sum_that_cannot_stand_is_refused(bands: tuple[LumpSumBand, ...]) -> None:
    with pytest.raises(InvalidPolicy):
        LumpSum(bands=bands)


def test_a_lump_sum_below_its_first_band_is_nothing() -> None:
    bands = (LumpSumBand(debt_min=Money(100, "GBP"), amount=Money(40, "GBP")),)
    assert LumpSum(bands=bands).of(Money(99, "GBP")) == Money(0, "GBP")


@pytest.mark.parametrize(
    ("reference", "rate"), [("0.01", "0.09"), ("0.0101", "0.095"), ("0.015", "0.095"), ("-0.0088", "0.08")]
)
def test_a_reference_is_rounded_up_to_the_next_half_point(reference: str, rate: str) -> None:
    law = StatutoryInterest(series="S", margin="0.08", round_reference_up_to="0.005")
    expected = Fraction("0.075") if reference.startswith("-") else Fraction(rate)
    assert law.rate_of(Fraction(reference)) == expected


def test_a_rate_by_law_is_never_below_zero() -> None:
    assert StatutoryInterest(series="S").rate_of(Fraction("-0.01")) == 0


def test_a_margin_without_a_reference_series_is_refused() -> None:
    with pytest.raises((InvalidPolicy, InvalidRecord)):
        StatutoryInterest(series="", margin="0.08")


@pytest.mark.parametrize("terms", [{"selection": "best"}, {"day_count": "act/366"}])
def test_an_unknown_choice_of_rate_or_day_count_is_refused(terms: dict[str, str]) -> None:
    with pytest.raises(InvalidPolicy):
        StatutoryInterest(series="S", **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instalments", "charge", "written", "met"),
    [(5, False, True, True), (4, False, True, False), (5, False, False, False), (1, True, False, True)],
)
def test_a_plan_trigger(instalments: int, charge: bool, written: bool, met: bool) -> None:
    trigger = PlanTrigger(instalments_more_than=4)
    assert trigger.is_met(instalments=instalments, has_finance_charge=charge, is_written=written) is met


def test_a_down_payment_counts_only_where_the_rule_says_so() -> None:
    facts = {"instalments": 4, "has_finance_charge": False, "is_written": True, "has_down_payment": True}
    assert not PlanTrigger(instalments_more_than=4).is_met(**facts)  # type: ignore[arg-type]
    assert PlanTrigger(instalments_more_than=4, down_payment_counts=True).is_met(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unsecured", "secured", "first"), [(26, 0, 26), (25, 0, None), (23, 3, 26), (0, 6, 6), (8, 3, None)]
)
def test_an_extension_trigger_names_the_extension_that_meets_it(
    unsecured: int, secured: int, first: int | None
) -> None:
    trigger = ExtensionTrigger(more_than=25, secured_more_than=5)
    assert trigger.first_extension(unsecured, secured) == first
    assert trigger.met_by(unsecured, secured) is (first is not None)


def test_apr_tolerance_is_wider_for_irregular_payments() -> None:
    tolerance = AprTolerance(regular="0.00125", irregular="0.0025")
    exact = Fraction("0.1433333")
    assert not tolerance.is_accurate(Fraction("0.142"), exact)
    assert tolerance.is_accurate(Fraction("0.142"), exact, is_irregular=True)


@pytest.mark.parametrize(
    "build",
    [
        lambda: TimeWindow(weekdays=(7,), start=time(8), end=time(21)),
        lambda: TimeWindow(weekdays=(), start=time(8), end=time(21)),
        lambda: TimeWindow(weekdays=(0,), start=time(21), end=time(8)),
        lambda: RollingCount(maximum=-1, days=7),
        lambda: RollingCount(maximum=1),
        lambda: RollingCount(maximum=1, days=7, months=1),
        lambda: RateCap(rate="-0.1"),
        lambda: rule(RateCap(rate="0.1"), force="advice"),
    ],
)
def test_a_primitive_that_cannot_stand_is_refused(build: object) -> None:
    with pytest.raises(InvalidPolicy):
        build()  # type: ignore[operator]


# -- packs -----------------------------------------------------------------------------------------------------


def test_a_pack_shows_its_version_and_review_date() -> None:
    assert pack().label == "p/1 (reviewed through 2026-06-30)"


def test_a_rule_that_names_an_absent_series_is_refused() -> None:
    with pytest.raises(InvalidPolicy) as error:
        pack(rule(StatutoryInterest(series="S")))
    assert error.value.code == "rules.series"


def test_two_rules_of_one_id_are_refused() -> None:
    with pytest.raises(InvalidPolicy, match="stands twice"):
        pack(rule(RateCap(rate="0.1")), rule(RateCap(rate="0.2")))


def test_an_unknown_rule_or_series_names_those_there_are() -> None:
    series = ReferenceSeries(id="S", title="s", values=Dated(points=(point(Fraction(0)),), reviewed_through=REVIEWED))  # type: ignore[arg-type]
    one = pack(rule(RateCap(rate="0.1")), series=(series,))
    assert one.series_of("S").id == "S"
    assert one.rules_on("t") == (one.rule("r"),)
    for ask in (lambda: one.rule("x"), lambda: one.series_of("x")):
        with pytest.raises(InvalidPolicy) as error:
            ask()
        assert error.value.problems[0].choices in (("r",), ("S",))


def test_the_order_of_packs_does_not_matter() -> None:
    first, second = pack(rule(RateCap(rate="0.1"), "a"), name="a"), pack(rule(RateCap(rate="0.2"), "b"), name="b")
    assert compose([first, second]) == compose([second, first])


def test_an_overlay_without_its_base_is_refused() -> None:
    with pytest.raises(InvalidPolicy) as error:
        compose([pack(needs=("base",))])
    assert error.value.code == "rules.base_missing"


def test_a_pack_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidPolicy) as error:
        compose([pack(), pack()])
    assert error.value.code == "rules.duplicate"


LOOSER = [
    (RollingCount(maximum=8, days=7), RollingCount(maximum=7, days=7)),
    (CoolDown(after="x", days=6, event_is_day_one=True), CoolDown(after="x", days=7, event_is_day_one=True)),
    (Moratorium(freezes=("fees",), days=60), Moratorium(freezes=("fees", "interest"), days=60)),
    (Moratorium(freezes=("fees",), days=30), Moratorium(freezes=("fees",), days=60)),
    (FeeLimit(rate="0.03"), FeeLimit(rate="0.02")),
    (FeeLimit(rate="0.02", grace_days=5), FeeLimit(rate="0.02", grace_days=10)),
    (FeeLimit(rate="0.02", on_charges=True), FeeLimit(rate="0.02")),
    (FeeLimit(amounts=(Money(6, "USD"),)), FeeLimit(amounts=(Money(5, "USD"),))),
    (RateCap(rate="0.2"), RateCap(rate="0.1")),
    (
        TimeWindows(windows=[TimeWindow(weekdays=(0,), start=time(7), end=time(21))]),
        TimeWindows(windows=[TimeWindow(weekdays=(0,), start=time(8), end=time(21))]),
    ),
    (
        TimeWindows(windows=[TimeWindow(weekdays=(0, 6), start=time(9), end=time(20))]),
        TimeWindows(windows=[TimeWindow(weekdays=(0,), start=time(9), end=time(20))]),
    ),
]


@pytest.mark.parametrize(("new", "old"), LOOSER)
def test_a_replacement_may_only_tighten(new: Primitive, old: Primitive) -> None:
    base = pack(rule(old, "old"), name="base")
    with pytest.raises(InvalidPolicy) as error:
        compose([base, pack(rule(new, "new", replaces="old"), name="user")])
    assert error.value.code == "rules.loosens"
    swapped = compose([pack(rule(new, "old"), name="base"), pack(rule(old, "new", replaces="old"), name="user")])
    assert [one.id for _, one in swapped] == ["old", "new"]  # the stricter one is added, both speak


@pytest.mark.parametrize(("new", "old"), LOOSER)
def test_an_override_answered_for_by_name_silences_the_rule(new: Primitive, old: Primitive) -> None:
    base = pack(rule(old, "old"), name="base")
    user = pack(rule(new, "new", replaces="old", override_by="J. Doe, counsel"), name="user")
    ((_, left),) = compose([base, user])
    assert (left.id, left.override_by) == ("new", "J. Doe, counsel")


def test_different_kinds_of_rule_do_not_compare() -> None:
    assert not is_looser(RateCap(rate="1"), FeeLimit(rate="0"))


def test_a_series_lists_its_changes_inside_a_span() -> None:
    points = (point(Fraction(1), date(2026, 1, 1)), point(Fraction(2), date(2026, 3, 1)))
    series = ReferenceSeries(id="S", title="s", values=Dated(points=points, reviewed_through=REVIEWED))  # type: ignore[arg-type]
    assert series.change_days(date(2026, 1, 1), date(2026, 3, 1)) == []
    assert series.change_days(date(2026, 1, 1), date(2026, 3, 2)) == [date(2026, 3, 1)]


def test_a_record_of_law_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        pack().id = "other"  # type: ignore[misc]


def test_a_limit_may_be_rounded_up_to_whole_units() -> None:
    # 12 CFR 1026, comment 52(b)(1)(ii)-3: 36.75 gives 37 dollars
    limit = FeeLimit(rate="0.03", whole_units_up=True)
    assert limit.limit(Money(122_500, "USD")) == Money(3700, "USD")
    assert limit.limit(Money(130_000, "USD")) == Money(3900, "USD")


# -- the edges of each primitive -------------------------------------------------------------------------------


def test_a_window_of_no_length_is_refused() -> None:
    with pytest.raises(InvalidPolicy):
        TimeWindow(weekdays=(0,), start=time(8), end=time(8))


def test_a_moratorium_lasts_its_days_or_until_its_event() -> None:
    start = date(2026, 3, 2)
    assert Moratorium(freezes=("fees",), days=60).last_on(start) == date(2026, 5, 1)
    assert Moratorium(freezes=("fees",), days=60, event_is_day_one=True).last_on(start) == date(2026, 4, 30)
    assert Moratorium(freezes=("fees",), days_after=30).last_on(start) is None
    assert Moratorium(freezes=("fees",), days_after=30).last_on(start, until_event_on=date(2026, 4, 1)) == date(
        2026, 5, 1
    )
    assert Moratorium(freezes=("fees",)).last_on(start, until_event_on=date(2026, 4, 1)) == date(2026, 4, 1)


def test_without_grace_a_fee_may_be_charged_on_the_day_after_the_due_date() -> None:
    due_on = date(2026, 3, 1)
    assert FeeLimit(rate="0.1").first_chargeable_on(due_on) == date(2026, 3, 2)
    assert FeeLimit(rate="0.1", grace_days=15).first_chargeable_on(due_on) == date(2026, 3, 17)
    assert FeeLimit(rate="0.1", grace_days=15, due_day_counts=True).first_chargeable_on(due_on) == date(2026, 3, 16)


def test_a_fee_limit_of_an_amount_alone_has_no_share() -> None:
    assert FeeLimit(amounts=(Money(500, "USD"),), combine="greater_of").limit(Money(10**6, "USD")) == Money(500, "USD")


def test_floor_and_cap_of_a_fee_limit_bound_the_share() -> None:
    limit = FeeLimit(rate="0.05", floor=(Money(1800, "USD"),), cap=(Money(10_000, "USD"),))
    assert [limit.limit(Money(base, "USD")) for base in (10_000, 40_000, 10**6)] == [
        Money(1800, "USD"),
        Money(2000, "USD"),
        Money(10_000, "USD"),
    ]


def test_a_second_violation_in_one_cycle_is_a_repeat_and_a_later_one_is_not_yet() -> None:
    tiers = PenaltyTiers(first=Money(2500, "USD"), repeat=Money(3500, "USD"))
    assert tiers.tier(cycle=(2026, 3), prior_cycles=[(2026, 3)]) == Money(3500, "USD")
    assert tiers.tier(cycle=(2026, 2), prior_cycles=[(2026, 3)]) == Money(2500, "USD")
    assert tiers.tier(cycle=(2026, 3), prior_cycles=[]) == Money(2500, "USD")
    assert tiers.tier(cycle=(2027, 1), prior_cycles=[(2026, 7)]) == Money(3500, "USD")


def test_a_lump_sum_begins_with_the_first_cent_of_its_band() -> None:
    bands = [
        LumpSumBand(debt_min=Money(size, "GBP"), amount=Money(total, "GBP")) for size, total in ((0, 4000), (100, 7000))
    ]
    lump = LumpSum(bands=bands)
    assert [lump.of(Money(debt, "GBP")) for debt in (0, 99, 100)] == [
        Money(4000, "GBP"),
        Money(4000, "GBP"),
        Money(7000, "GBP"),
    ]


def test_five_secured_extensions_are_not_more_than_five() -> None:
    trigger = ExtensionTrigger(more_than=25, secured_more_than=5)
    assert trigger.first_extension(0, 5) is None
    assert trigger.first_extension(20, 6) == 26
    assert not trigger.met_by(20, 5)


def test_a_multiple_is_taken_before_the_margin_and_rounding_comes_last() -> None:
    law = StatutoryInterest(series="S", multiple="3", margin="0.01", round_rate_up_to="0.005")
    assert law.rate_of(Fraction("0.0675")) == Fraction("0.215")  # 20.25 + 1 = 21.25, up to 21.5


def test_apr_tolerance_includes_its_edge() -> None:
    tolerance = AprTolerance(regular="0.00125", irregular="0.0025")
    assert tolerance.is_accurate(Fraction("0.10125"), Fraction("0.1"))
    assert not tolerance.is_accurate(Fraction("0.101251"), Fraction("0.1"))
    assert not tolerance.is_accurate(Fraction("0.098749"), Fraction("0.1"))


@pytest.mark.parametrize("value", [old for _, old in LOOSER])
def test_a_rule_is_not_looser_than_itself(value: Primitive) -> None:
    assert not is_looser(value, value)


def test_counts_in_different_spans_compare_by_what_one_span_can_hold() -> None:
    seven_in_seven = RollingCount(maximum=7, days=7)
    assert is_looser(RollingCount(maximum=8, days=30), seven_in_seven)  # all eight may fall on one day
    assert not is_looser(RollingCount(maximum=1, days=1), seven_in_seven)
    assert is_looser(RollingCount(maximum=2, days=2), seven_in_seven)  # up to eight within seven days


def test_an_open_moratorium_is_not_looser_for_having_no_number_of_days() -> None:
    crisis = Moratorium(freezes=("fees",), days_after=30)
    assert not is_looser(crisis, crisis)


DOLLAR, EURO = Money(100, "USD"), Money(100, "EUR")


@pytest.mark.parametrize(
    ("make", "code", "path"),
    [
        (lambda: CoolDown(after="x", days=-1, event_is_day_one=False), "rules.days", "days"),
        (lambda: Deadline(after="x", days=-1), "rules.days", "days"),
        (lambda: Deadline(after="x", days=1, unit="working"), "rules.choice", "unit"),  # type: ignore[arg-type]
        (lambda: Moratorium(freezes=("fees",), days=-60), "rules.days", "days"),
        (lambda: Moratorium(freezes=("fees",), days_after=-1), "rules.days", "days_after"),
        (lambda: Moratorium(freezes=(), days=60), "rules.moratorium", "freezes"),
        (lambda: RollingCount(maximum=7, days=0), "rules.count", "days"),
        (lambda: RollingCount(maximum=7, months=-1), "rules.count", "months"),
        (lambda: PenaltyTiers(first=-DOLLAR, repeat=DOLLAR), "rules.fee", "first"),
        (lambda: PenaltyTiers(first=DOLLAR, repeat=EURO), "rules.fee", "repeat"),
        (lambda: PenaltyTiers(first=DOLLAR, repeat=DOLLAR, cycles=-1), "rules.fee", "cycles"),
        (lambda: LumpSum(bands=[LumpSumBand(debt_min=DOLLAR, amount=-DOLLAR)]), "rules.lump_sum", "bands"),
        (lambda: FeeLimit(amounts=(-DOLLAR,)), "rules.fee", "amounts"),
        (lambda: FeeLimit(rate="0.1", cap=(-DOLLAR,)), "rules.fee", "cap"),
        (lambda: FeeLimit(rate="0.1", combine="least"), "rules.choice", "combine"),  # type: ignore[arg-type]
        (lambda: FeeLimit(rate="0.1", base="debt"), "rules.choice", "base"),  # type: ignore[arg-type]
        (lambda: StatutoryInterest(series="S", rests_months=0), "rules.rate", "rests_months"),
        (lambda: StatutoryInterest(series="S", multiple="-3"), "rules.rate", "multiple"),
        (lambda: StatutoryInterest(series="S", round_rate_up_to="0"), "rules.rate", "round_rate_up_to"),
        (lambda: RateFloor(series="S", multiple="-3"), "rules.rate", "multiple"),
        (lambda: PlanTrigger(instalments_more_than=-4), "rules.count", "instalments_more_than"),
        (lambda: ExtensionTrigger(more_than=25, secured_more_than=-5), "rules.count", "secured_more_than"),
        (lambda: AprTolerance(regular="-0.1", irregular="0"), "rules.rate", "regular"),
    ],
)
def test_a_primitive_refuses_figures_that_cannot_be_law(make: Callable[[], object], code: str, path: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        make()
    assert [(problem.code, problem.path) for problem in caught.value.problems] == [(code, path)]


# -- notice, workouts, single instalments ----------------------------------------------------------------------


def test_a_notice_in_calendar_days_needs_no_calendar() -> None:
    rule = NoticeWindow(before="deposit", days_min=3, days_max=10, unit="calendar")
    assert rule.span(date(2026, 3, 20)) == (date(2026, 3, 10), date(2026, 3, 17))
    assert [rule.is_in_time(notice_on=date(2026, 3, day), event_on=date(2026, 3, 20)) for day in (9, 10, 17, 18)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_notice_by_business_days_is_unknown_without_a_calendar() -> None:
    rule = NoticeWindow(before="deposit", days_min=3, days_max=10)
    assert rule.is_in_time(notice_on=date(2026, 3, 17), event_on=date(2026, 3, 20)) is None


def test_an_event_on_a_sunday_is_counted_back_from_the_monday() -> None:
    rule = NoticeWindow(before="deposit", days_min=1, days_max=2)
    assert rule.span(date(2026, 3, 22), WEEKENDS_ONLY) == (date(2026, 3, 19), date(2026, 3, 20))


@pytest.mark.parametrize("terms", [{"days_min": -1}, {"days_max": 2}, {"unit": "weeks"}, {"ahead_more_than": -1}])
def test_a_notice_window_that_cannot_stand_is_refused(terms: dict[str, object]) -> None:
    with pytest.raises(InvalidPolicy):
        NoticeWindow(**{"before": "deposit", "days_min": 3, "days_max": 10, **terms})  # type: ignore[arg-type]


def test_a_workout_rule_may_leave_a_fact_out() -> None:
    rule = WorkoutException(unless_new_credit=False)
    assert rule.is_available(rate_rises=False, new_credit=True) is True


def test_a_freeze_holds_from_its_first_day_to_its_last_and_an_open_one_until_its_event() -> None:
    freeze = Moratorium(days=60, event_is_day_one=True, freezes=("interest",))
    start_on = date(2026, 3, 2)
    days = (date(2026, 3, 1), start_on, date(2026, 4, 30), date(2026, 5, 1))
    assert [freeze.is_frozen("interest", day, start_on=start_on) for day in days] == [False, True, True, False]
    assert not freeze.is_frozen("contact", start_on, start_on=start_on)
    crisis = Moratorium(freezes=("interest",), until="treatment_ends", days_after=30)
    assert crisis.is_frozen("interest", date(2030, 1, 1), start_on=start_on)
    assert not crisis.is_frozen("interest", date(2026, 7, 2), start_on=start_on, until_event_on=date(2026, 6, 1))


def test_the_fee_for_one_instalment_is_unknown_in_another_currency_and_goes_by_the_base() -> None:
    flat = FeeLimit(amounts=(Money(500, "USD"),), grace_days=10)
    assert flat.for_instalment(Money(5000, "EUR"), due_on=date(2026, 3, 1), agreed=Money(100, "EUR")) is None
    half = [(date(2026, 3, 1), Money(2500, "USD"))]
    of_rest = FeeLimit(rate="0.1").for_instalment(Money(5000, "USD"), due_on=date(2026, 3, 1), received=half)
    of_all = FeeLimit(rate="0.1", base="instalment").for_instalment(
        Money(5000, "USD"), due_on=date(2026, 3, 1), received=half
    )
    assert (of_rest, of_all) == (Money(250, "USD"), Money(500, "USD"))


def test_a_year_is_judged_by_the_one_before_it_else_by_itself() -> None:
    # 12 CFR 1026, comment 2(a)(17)(i)-4: 26 in 2007; and 20 in 2007, 75 in 2008
    trigger = ExtensionTrigger(more_than=25, secured_more_than=5)
    assert trigger.creditor_from({2007: (26, 0)}) == {2007: 26, 2008: 1}
    assert trigger.creditor_from({2007: (20, 0), 2008: (75, 0)}) == {2008: 26, 2009: 1}
    assert trigger.creditor_from({2007: (30, 0), 2008: (3, 0), 2009: (3, 0)}) == {2007: 26, 2008: 1}
    assert trigger.creditor_from({2007: (0, 5)}) == {}


def test_five_loans_on_dwellings_put_every_succeeding_extension_in_scope() -> None:  # comment 2(a)(17)(i)-6
    trigger = ExtensionTrigger(more_than=25, secured_more_than=5)
    assert [trigger.is_met_next(0, secured) for secured in (4, 5)] == [False, True]
    assert [trigger.is_met_next(unsecured, 0) for unsecured in (24, 25)] == [False, True]
