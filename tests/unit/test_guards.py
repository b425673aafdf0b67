"""The closed vocabulary of tests: judged, compared and read the same way, on a small grid exhaustively."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise, product

import pytest

from collectkit.core.errors import InvalidPolicy, InvalidRecord
from collectkit.core.guards import (
    AMOUNT_FACTS,
    DAY_FACTS,
    NUMBER_FACTS,
    SET_FACTS,
    AccountFacts,
    All,
    AmountAtLeast,
    AmountAtMost,
    AnyOf,
    AtLeast,
    AtMost,
    Guard,
    Has,
    Not,
    bounds_on,
    implies,
    in_words,
    is_lost_with_time,
    judge,
)
from collectkit.core.money import Money

TODAY = date(2026, 3, 1)


def facts(**given: object) -> AccountFacts:
    return AccountFacts(as_of=TODAY, **given)  # type: ignore[arg-type]


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


# -- single tests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "given", "holds", "why"),
    [
        (AtLeast(fact="days_past_due", bound=30), {"days_past_due": 30}, True, "days_past_due is 30 (at least 30)"),
        (AtLeast(fact="days_past_due", bound=30), {"days_past_due": 29}, False, "days_past_due is 29, not at least 30"),
        (AtMost(fact="cycle", bound=1), {"cycle": 1}, True, "cycle is 1 (at most 1)"),
        (AtMost(fact="cycle", bound=1), {"cycle": 2}, False, "cycle is 2, not at most 1"),
        (AtLeast(fact="score", bound=1), {}, False, "score is not known"),
        (AtMost(fact="score", bound=1), {}, False, "score is not known"),
        (AtLeast(fact="late_ratio", bound="0.5"), {"late_ratio": Fraction(1, 3)}, False, "late_ratio is 33.3 %, not at least 50 %"),
        (AtLeast(fact="days_beyond_terms", bound=0), {"days_beyond_terms": Fraction(-5, 2)}, False, "days_beyond_terms is -2.5, not at least 0"),
        (AmountAtLeast(fact="arrears", bounds=[eur(500)]), {"arrears": [eur(500)]}, True, "arrears is 5.00 EUR (at least 5.00 EUR)"),
        (AmountAtLeast(fact="arrears", bounds=[eur(500)]), {"arrears": [eur(499)]}, False, "arrears is 4.99 EUR, below 5.00 EUR"),
        (AmountAtLeast(fact="arrears", bounds=[eur(500)]), {"arrears": [usd(900)]}, False, "arrears in USD has no bound"),
        (AmountAtLeast(fact="arrears", bounds=[eur(500)]), {}, False, "arrears is nothing"),
        (AmountAtMost(fact="arrears", bounds=[eur(500)]), {"arrears": [eur(500)]}, True, "arrears is 5.00 EUR (at most 5.00 EUR)"),
        (AmountAtMost(fact="arrears", bounds=[eur(500)]), {"arrears": [eur(501)]}, False, "arrears is 5.01 EUR, above 5.00 EUR"),
        (AmountAtMost(fact="arrears", bounds=[eur(500)]), {"arrears": [usd(1)]}, False, "arrears in USD has no bound"),
        (AmountAtMost(fact="arrears", bounds=[eur(500)]), {}, True, "arrears is nothing"),
        (Has(fact="flag", values=["hardship"]), {"flag": ["hardship", "insolvent"]}, True, "flag is hardship"),
        (Has(fact="flag", values=["hardship", "deceased"]), {"flag": ["insolvent"]}, False, "flag is not hardship or deceased"),
        (Has(fact="flag", values=[]), {"flag": ["insolvent"]}, False, "flag is not any value that is named"),
        (Not(test=Has(fact="label", values=["vip"])), {}, True, "label is not vip"),
        (All(), {}, True, ""),
        (AnyOf(), {}, False, ""),
    ],
)  # fmt: skip
def test_a_test_holds_at_its_bound_and_says_why(guard: Guard, given: dict[str, object], holds: bool, why: str) -> None:
    verdict = judge(guard, facts(**given))
    assert bool(verdict) is holds
    assert "; ".join(verdict.why) == why


def test_all_tells_what_failed_and_any_tells_the_first_that_held() -> None:
    one, two, three = (AtLeast(fact=fact, bound=1) for fact in ("cycle", "open_count", "settled_count"))
    known = facts(open_count=1, settled_count=1)
    assert judge(All(tests=[one, two, three]), known).why == ("cycle is 0, not at least 1",)
    assert judge(AnyOf(tests=[one, two, three]), known).why == ("open_count is 1 (at least 1)",)
    assert len(judge(AnyOf(tests=[one, one]), known).why) == 2


# -- the vocabulary is closed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", ["religion", "gender", "age", "debtor_kind", "arrears", "__class__", "as_of"])
def test_no_number_but_the_listed_ones_can_be_asked_for(fact: str) -> None:
    """SEGMENT-04: protected attributes have no name here."""
    with pytest.raises(InvalidPolicy) as error:
        AtLeast(fact=fact, bound=1)
    assert error.value.code == "segments.unknown_fact"
    assert error.value.problems[0].choices == NUMBER_FACTS


def test_no_set_or_sum_but_the_listed_ones_can_be_asked_for() -> None:
    for build in (lambda: Has(fact="ethnicity", values=["x"]), lambda: AmountAtMost(fact="wealth", bounds=[])):
        with pytest.raises(InvalidPolicy) as error:
            build()
        assert error.value.code == "segments.unknown_fact"


def test_every_listed_fact_is_a_field_of_the_facts() -> None:
    known = facts()
    for fact in (*NUMBER_FACTS, *AMOUNT_FACTS, *SET_FACTS):
        getattr(known, fact)
    assert set(DAY_FACTS) <= set(NUMBER_FACTS)


@pytest.mark.parametrize("bound", [0.5, float("nan"), "half", "", True, Decimal("NaN"), Decimal("1E+999999999"), None])
def test_a_bound_is_an_exact_number(bound: object) -> None:
    with pytest.raises(InvalidPolicy) as error:
        AtLeast(fact="score", bound=bound)  # type: ignore[arg-type]
    assert error.value.code in {"segments.float", "segments.bound"}


@pytest.mark.parametrize("bound", [1, "1", "1.0", Decimal("1.00"), Fraction(3, 3), "3/3"])
def test_one_is_one_however_it_is_written(bound: str) -> None:
    assert AtMost(fact="score", bound=bound) == AtMost(fact="score", bound=1)


def test_one_currency_has_one_bound() -> None:
    with pytest.raises(InvalidPolicy) as error:
        AmountAtLeast(fact="arrears", bounds=[eur(1), usd(1), eur(2)])
    assert error.value.code == "segments.duplicate_currency"
    with pytest.raises(InvalidRecord):
        AmountAtLeast(fact="arrears", bounds=[5])  # type: ignore[list-item]


def test_only_guards_stand_inside_guards() -> None:
    for build in (
        lambda: All(tests=["arrears > 5"]),  # type: ignore[list-item]
        lambda: AnyOf(tests=[True]),  # type: ignore[list-item]
        lambda: Not(test=lambda facts: True),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidPolicy) as error:
            build()
        assert error.value.code == "segments.guard"


@pytest.mark.parametrize(
    "given",
    [
        {"score": float("nan")},
        {"score": 0.5},
        {"score": True},
        {"score": "7"},
        {"late_ratio": 0.5},
        {"late_ratio": Fraction(3, 2)},
        {"late_ratio": Fraction(-1, 2)},
        {"days_beyond_terms": float("inf")},
    ],
)
def test_a_feature_that_cannot_be_compared_is_refused_by_name(given: dict[str, object]) -> None:
    """SEGMENT-02: NaN would make every test false, the opposite ones too."""
    with pytest.raises(InvalidRecord) as error:
        facts(**given)
    assert error.value.code == "segments.invalid_feature"
    assert next(iter(given)) in error.value.text


def test_a_share_may_be_nothing_or_all() -> None:
    assert [facts(late_ratio=Fraction(share)).late_ratio for share in (0, 1)] == [0, 1]


def test_what_is_not_given_is_nothing_or_unknown() -> None:
    known = facts()
    assert {fact: getattr(known, fact) for fact in NUMBER_FACTS if getattr(known, fact) != 0} == {
        "late_ratio": None,
        "days_known": None,
        "days_beyond_terms": None,
        "score": None,
    }
    assert not any(getattr(known, fact) for fact in (*AMOUNT_FACTS, *SET_FACTS))


def test_lists_given_to_facts_and_guards_are_copied() -> None:
    """POLICY-13: the caller's list may change later, the value does not."""
    labels, bounds = ["vip"], [eur(1)]
    known, guard = facts(label=labels), AmountAtLeast(fact="arrears", bounds=bounds)
    before = hash(guard)
    labels.append("late")
    bounds.append(usd(1))
    assert known.label == frozenset({"vip"})
    assert (guard.bounds, hash(guard)) == ((eur(1),), before)


def test_running_out_of_stack_passes_through() -> None:
    """RUNTIME-04: judging changes nothing, so there is nothing to put right."""
    deep: Guard = AtLeast(fact="cycle", bound=1)
    for _ in range(20_000):
        deep = Not(test=deep)
    with pytest.raises(RecursionError):
        judge(deep, facts())


# -- in words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        (AtLeast(fact="days_past_due", bound=30), "days_past_due at least 30"),
        (AtMost(fact="late_ratio", bound="1/3"), "late_ratio at most 33.3 %"),
        (AmountAtLeast(fact="arrears", bounds=[eur(500), usd(600)]), "arrears at least 5.00 EUR or 6.00 USD"),
        (AmountAtLeast(fact="arrears", bounds=[]), "arrears at least a sum that is not named"),
        (AmountAtMost(fact="arrears", bounds=[eur(500), usd(600)]), "arrears at most 5.00 EUR and 6.00 USD"),
        (AmountAtMost(fact="arrears", bounds=[]), "arrears at most nothing"),
        (Has(fact="flag", values=["a", "b"]), "flag is a or b"),
        (Has(fact="flag", values=[]), "flag is a value that is not named"),
        (All(), "always"),
        (AnyOf(), "never"),
        (Not(test=AnyOf()), "not (never)"),
        (
            All(
                tests=[
                    AnyOf(tests=[AtLeast(fact="cycle", bound=1), AtMost(fact="score", bound=2)]),
                    All(tests=[AtMost(fact="cycle", bound=3)]),
                ]
            ),
            "(cycle at least 1 or score at most 2) and cycle at most 3",
        ),
    ],
)
def test_a_guard_reads_as_a_condition(guard: Guard, words: str) -> None:
    assert in_words(guard) == words


# -- the grid: every guard up to two levels over every combination of facts ----------------------------------------

LEAVES: list[Guard] = [
    AtLeast(fact="days_past_due", bound=0),
    AtLeast(fact="days_past_due", bound=2),
    AtLeast(fact="days_past_due", bound="1.5"),
    AtMost(fact="days_past_due", bound=1),
    AtMost(fact="days_past_due", bound="2.5"),
    AtLeast(fact="score", bound=1),
    AtMost(fact="score", bound=1),
    AmountAtLeast(fact="arrears", bounds=[eur(1)]),
    AmountAtLeast(fact="arrears", bounds=[eur(2), usd(1)]),
    AmountAtMost(fact="arrears", bounds=[eur(1)]),
    AmountAtMost(fact="arrears", bounds=[eur(2), usd(2)]),
    Has(fact="flag", values=["a"]),
    Has(fact="flag", values=["a", "b"]),
    Has(fact="flag", values=[]),
    All(),
    AnyOf(),
]
PAIRS = [kind(tests=pair) for kind in (All, AnyOf) for pair in combinations(LEAVES, 2)]
GUARDS: list[Guard] = [*LEAVES, *PAIRS, *(Not(test=guard) for guard in (*LEAVES, *PAIRS))]
WORLD = [
    facts(days_past_due=days, score=score, arrears=arrears, flag=flag)
    for days, score, arrears, flag in product(
        (0, 1, 2, 3),
        (None, 0, 1, 2),
        ([], [eur(1)], [eur(2)], [usd(1)], [eur(1), usd(2)]),
        ([], ["a"], ["b"], ["c"]),
    )
]
TRUTH = {guard: sum(bool(judge(guard, known)) << place for place, known in enumerate(WORLD)) for guard in GUARDS}


def test_the_grid_is_as_large_as_it_looks() -> None:
    assert (len(WORLD), len(GUARDS)) == (320, 512)


def test_implies_never_claims_what_judge_refutes() -> None:
    claimed = 0
    for stronger, weaker in product(GUARDS, repeat=2):
        if implies(stronger, weaker):
            claimed += 1
            assert TRUTH[stronger] & ~TRUTH[weaker] == 0, f"{in_words(stronger)} does not imply {in_words(weaker)}"
    assert claimed > 8 * len(GUARDS)  # it does see something


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        (AtLeast(fact="cycle", bound=3), AtLeast(fact="cycle", bound=3)),
        (AtMost(fact="cycle", bound=2), AtMost(fact="cycle", bound=3)),
        (Has(fact="flag", values=["a"]), Has(fact="flag", values=["b", "a"])),
        (Has(fact="flag", values=["a", "b"]), Has(fact="flag", values=["b", "a"])),
        (AmountAtLeast(fact="arrears", bounds=[eur(9)]), AmountAtLeast(fact="arrears", bounds=[usd(1), eur(9)])),
        (Not(test=AtLeast(fact="cycle", bound=2)), Not(test=AtLeast(fact="cycle", bound=3))),
        (AtLeast(fact="cycle", bound=3), All()),
        (
            All(tests=[AtLeast(fact="cycle", bound=3), Has(fact="flag", values=["a"])]),
            AnyOf(tests=[AtLeast(fact="score", bound=1), AtLeast(fact="cycle", bound=2)]),
        ),
        (
            AnyOf(tests=[AtLeast(fact="cycle", bound=3), AtLeast(fact="cycle", bound=5)]),
            AtLeast(fact="cycle", bound=3),
        ),
    ],
)
def test_implies_sees_what_stands_in_one_step(stronger: Guard, weaker: Guard) -> None:
    assert implies(stronger, weaker)


def test_bounds_name_every_day_on_which_an_answer_turns_as_days_go_by() -> None:
    for guard in GUARDS:
        answers = [bool(judge(guard, facts(days_past_due=days, arrears=[eur(1)], flag=["a"]))) for days in range(8)]
        turns = {days for days in range(1, 8) if answers[days] != answers[days - 1]}
        assert turns <= set(bounds_on(guard, "days_past_due")), in_words(guard)


def test_a_guard_that_is_not_lost_with_time_never_turns_false_as_days_go_by() -> None:
    kept = 0
    for guard in GUARDS:
        answers = [bool(judge(guard, facts(days_past_due=days, arrears=[eur(1)], flag=["a"]))) for days in range(8)]
        falls = any(before and not after for before, after in pairwise(answers))
        if not is_lost_with_time(guard, "days_past_due"):
            kept += 1
            assert not falls, in_words(guard)
    assert 100 < kept < len(GUARDS)


def test_time_is_counted_in_days_not_in_objects() -> None:
    later = AccountFacts(as_of=TODAY + timedelta(days=1), days_known=10)
    assert judge(AtLeast(fact="days_known", bound=10), later)
    assert list(bounds_on(AtLeast(fact="days_known", bound=10), "days_past_due")) == []
