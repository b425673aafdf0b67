"""Segments: one for every account, the first rule that holds, and the day on which that may change."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.aging import age
from collectkit.core.errors import InvalidPolicy
from collectkit.core.guards import (
    DAY_FACTS,
    AccountFacts,
    All,
    AmountAtLeast,
    AnyOf,
    AtLeast,
    AtMost,
    Guard,
    Has,
    Not,
    judge,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Debtor,
    Flag,
    NoticeRecord,
    Payment,
    Receivable,
)
from collectkit.core.waterfall import balance_of
from collectkit.segments import STANDARD, Segmentation, SegmentRule, classify, features

TODAY = date(2026, 3, 1)
CHRONIC = SegmentRule(
    id="chronic", when=All(tests=[AtLeast(fact="late_ratio", bound="0.5"), AtLeast(fact="settled_count", bound=4)])
)
FRAGILE = SegmentRule(id="fragile", when=Has(fact="flag", values=["hardship", "vulnerable"]))
NEW = SegmentRule(id="new", when=AtMost(fact="days_known", bound=90))


def facts(**given: object) -> AccountFacts:
    return AccountFacts(as_of=TODAY, **given)  # type: ignore[arg-type]


def codes(error: pytest.ExceptionInfo[InvalidPolicy]) -> list[str]:
    return [problem.code for problem in error.value.problems]


# -- the list of rules ---------------------------------------------------------------------------------------------


def test_the_first_rule_that_holds_gives_the_segment_and_says_why() -> None:
    rules = Segmentation(rules=[FRAGILE, CHRONIC, NEW])
    both = facts(flag=["hardship"], late_ratio=Fraction(3, 4), settled_count=4, days_known=5)
    assert classify(segmentation=rules, facts=both).segment == "fragile"
    told = classify(segmentation=rules, facts=attrs.evolve(both, flag=[]))
    assert told.segment == "chronic"
    assert told.reasons[0].text == (
        "segment chronic, because late_ratio is 75 % (at least 50 %); settled_count is 4 (at least 4)"
    )


def test_an_account_for_which_no_rule_speaks_is_standard() -> None:
    told = classify(segmentation=Segmentation(rules=[CHRONIC]), facts=facts())
    assert (told.segment, told.reasons[0].code, told.next_on) == (STANDARD, "segments.standard", None)
    assert classify(segmentation=Segmentation(), facts=facts()).segment == STANDARD


def test_a_rule_without_tests_holds_for_everyone_and_says_so() -> None:
    told = classify(segmentation=Segmentation(rules=[SegmentRule(id="all", when=All())]), facts=facts())
    assert told.reasons[0].text == "segment all, because it holds for every account"


@pytest.mark.parametrize(
    ("value", "segment"), [(Fraction(1, 2), "chronic"), (Fraction(499, 1000), STANDARD), (Fraction(1), "chronic")]
)
def test_a_value_on_the_bound_belongs_to_the_rule(value: Fraction, segment: str) -> None:
    """SEGMENT-03."""
    told = classify(segmentation=Segmentation(rules=[CHRONIC]), facts=facts(late_ratio=value, settled_count=9))
    assert told.segment == segment


def test_all_segments_are_listed_with_the_standard_one_last() -> None:
    assert Segmentation(rules=[FRAGILE, CHRONIC]).ids == ("fragile", "chronic", STANDARD)


def rule(segment: str, when: Guard) -> SegmentRule:
    return SegmentRule(id=segment, when=when)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule(STANDARD, FRAGILE.when)], ["segments.reserved"]),
        ([FRAGILE, rule("fragile", CHRONIC.when)], ["segments.duplicate"]),
        ([FRAGILE, rule("poor", Has(fact="flag", values=["hardship"]))], ["segments.shadowed"]),
        ([rule("all", All()), CHRONIC], ["segments.shadowed"]),
        (  # hidden by two rules together, by neither alone
            [
                rule("a", AtLeast(fact="cycle", bound=3)),
                rule("b", Has(fact="flag", values=["hardship"])),
                rule("c", AnyOf(tests=[AtLeast(fact="cycle", bound=4), Has(fact="flag", values=["hardship"])])),
            ],
            ["segments.shadowed"],
        ),
        (
            [rule(STANDARD, All()), FRAGILE, FRAGILE],
            ["segments.reserved", "segments.shadowed", "segments.duplicate"],
        ),
    ],
)
def test_a_rule_that_can_never_speak_is_refused(rules: list[SegmentRule], code: list[str]) -> None:
    """SEGMENT-01."""
    with pytest.raises(InvalidPolicy) as error:
        Segmentation(rules=rules)
    assert codes(error) == code
    assert error.value.problems[-1].path == f"[{len(rules) - 1}]"


def test_who_hides_a_rule_is_named() -> None:
    with pytest.raises(InvalidPolicy, match="a or b, before it, always holds"):
        Segmentation(
            rules=[
                rule("a", AtLeast(fact="cycle", bound=3)),
                rule("b", AtLeast(fact="score", bound=3)),
                rule("c", AnyOf(tests=[AtLeast(fact="cycle", bound=4), AtLeast(fact="score", bound=3)])),
            ]
        )


def test_a_rule_needs_a_guard() -> None:
    with pytest.raises(InvalidPolicy) as error:
        SegmentRule(id="a", when="late")  # type: ignore[arg-type]
    assert codes(error) == ["segments.guard"]


def test_the_callers_list_may_change_later() -> None:
    """POLICY-13."""
    rules = [FRAGILE]
    made = Segmentation(rules=rules)
    before = hash(made)
    rules.append(CHRONIC)
    assert (made.ids, hash(made)) == (("fragile", STANDARD), before)


# -- the next day --------------------------------------------------------------------------------------------------


def test_the_next_day_is_when_a_count_of_days_crosses_a_bound() -> None:
    rules = Segmentation(rules=[NEW, rule("old-debt", AtLeast(fact="days_past_due", bound=60))])
    told = classify(
        segmentation=rules, facts=facts(days_known=89, days_past_due=10), oldest_due_on=TODAY - timedelta(10)
    )
    assert told.next_on == TODAY + timedelta(days=2)  # day 91 is the first on which it is new no more
    told = classify(
        segmentation=rules, facts=facts(days_known=200, days_past_due=10), oldest_due_on=TODAY - timedelta(10)
    )
    assert told.next_on == TODAY + timedelta(days=50)
    assert classify(segmentation=rules, facts=facts(days_known=200)).next_on is None


def test_a_bound_beyond_the_last_day_of_the_calendar_names_no_day() -> None:
    rules = Segmentation(rules=[rule("ancient", AtLeast(fact="days_known", bound=10**9))])
    assert classify(segmentation=rules, facts=facts(days_known=1)).next_on is None


def test_the_facts_that_grow_by_themselves_are_the_two_that_are_looked_ahead() -> None:
    assert set(DAY_FACTS) == {"days_past_due", "days_known"}


NUMBERS = st.sampled_from(["days_past_due", "days_known", "cycle", "score"])
LEAVES: st.SearchStrategy[Guard] = st.one_of(
    st.builds(AtLeast, fact=NUMBERS, bound=st.integers(-2, 40) | st.fractions(0, 40, max_denominator=4)),
    st.builds(AtMost, fact=NUMBERS, bound=st.integers(-2, 40) | st.fractions(0, 40, max_denominator=4)),
    st.builds(Has, fact=st.just("flag"), values=st.lists(st.sampled_from("ab"), min_size=1, max_size=2)),
    st.builds(
        AmountAtLeast, fact=st.just("arrears"), bounds=st.just((Money(500, "EUR"),)) | st.just((Money(1, "USD"),))
    ),
)
ANY_GUARD = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(All, tests=st.lists(inner, max_size=3)),
        st.builds(AnyOf, tests=st.lists(inner, max_size=3)),
        st.builds(Not, test=inner),
    ),
    max_leaves=5,
)
ANY_FACTS = st.builds(
    facts,
    days_past_due=st.integers(0, 30),
    days_known=st.none() | st.integers(0, 30),
    cycle=st.integers(0, 3),
    score=st.none() | st.integers(0, 40),
    flag=st.lists(st.sampled_from("abc"), max_size=2),
    arrears=st.sampled_from([(), (Money(500, "EUR"),), (Money(499, "EUR"), Money(1, "USD"))]),
)


def unchecked(guards: list[Guard]) -> Segmentation:
    """Take rules as they come: what may never speak is left in, since the answer must be right all the same."""
    made: list[SegmentRule] = []
    for place, guard in enumerate(guards):
        try:
            Segmentation(rules=[*made, rule(f"s{place}", guard)])
        except InvalidPolicy:
            continue
        made.append(rule(f"s{place}", guard))
    return Segmentation(rules=made)


@given(guards=st.lists(ANY_GUARD, max_size=5), known=ANY_FACTS)
def test_every_account_has_exactly_one_segment(guards: list[Guard], known: AccountFacts) -> None:
    """SEGMENT-01: total, and the one that a plain reading of the list gives."""
    rules = unchecked(guards)
    speaking = [one.id for one in rules.rules if judge(one.when, known)]
    assert classify(segmentation=rules, facts=known).segment == (speaking or [STANDARD])[0]


@given(guards=st.lists(ANY_GUARD, max_size=4), known=ANY_FACTS)
def test_a_rule_that_is_refused_as_hidden_indeed_never_speaks(guards: list[Guard], known: AccountFacts) -> None:
    kept = unchecked(guards)
    for place, guard in enumerate(guards):
        if all(one.id != f"s{place}" for one in kept.rules):
            before = [one for one in kept.rules if int(one.id[1:]) < place]
            assert not judge(guard, known) or any(judge(one.when, known) for one in before)


@given(guards=st.lists(ANY_GUARD, max_size=4), known=ANY_FACTS)
def test_the_next_day_is_never_later_than_the_first_on_which_the_answer_turns(
    guards: list[Guard], known: AccountFacts
) -> None:
    rules = unchecked(guards)
    oldest = TODAY - timedelta(days=known.days_past_due)
    told = classify(segmentation=rules, facts=known, oldest_due_on=oldest)
    for ahead in range(1, 60):
        later = attrs.evolve(
            known,
            as_of=TODAY + timedelta(days=ahead),
            days_past_due=known.days_past_due + ahead,
            days_known=None if known.days_known is None else known.days_known + ahead,
        )
        if classify(segmentation=rules, facts=later, oldest_due_on=oldest).segment != told.segment:
            assert told.next_on is not None
            assert told.next_on <= later.as_of
            break
    assert told.next_on is None or told.next_on > TODAY


# -- features ------------------------------------------------------------------------------------------------------


def snapshot() -> AccountSnapshot:
    def bill(name: str, due: int, **more: object) -> Receivable:
        return Receivable(
            receivable_id=name,
            account_id="A",
            amount_original=Money(10_000, "EUR"),
            issued_on=date(2026, 1, 1),
            due_on=date(2026, 1, due),
            **more,  # type: ignore[arg-type]
        )

    def paid(name: str, on: date, **more: object) -> Payment:
        return Payment(
            payment_id=f"P-{name}",
            account_id="A",
            amount=Money(10_000, "EUR"),
            received_on=on,
            receivable_ids=[name],
            **more,  # type: ignore[arg-type]
        )

    def sent(key: str, cycle: int, sent_on: date | None) -> NoticeRecord:
        return NoticeRecord(
            key=key,
            notice="n",
            stage="s",
            step="s",
            channel="email",
            cycle=cycle,
            requested_on=TODAY,
            sent_on=sent_on,
        )

    return AccountSnapshot(
        as_of=TODAY,
        account=Account(account_id="A", debtor_id="D", creditor_id="C", labels=["vip"]),
        debtor=Debtor(
            debtor_id="D",
            kind="consumer",
            jurisdiction="US-MA",
            flags=[
                Flag(kind="hardship", since_on=TODAY),
                Flag(kind="vulnerable", since_on=date(2026, 1, 1), until_on=TODAY),
            ],
        ),
        receivables=[
            bill("early", 20),
            bill("on-time", 20),
            bill("late", 10),
            bill("open", 31),
            bill("bounced", 30),
            bill("fee", 25, component="fee", parent_id="late"),
            attrs.evolve(bill("today", 31), due_on=TODAY),
        ],
        payments=[
            paid("early", date(2026, 1, 15)),
            paid("on-time", date(2026, 1, 20)),
            paid("late", date(2026, 1, 25)),
            paid("bounced", date(2026, 1, 29), returned_on=date(2026, 2, 3)),
        ],
        notices=[sent("a", 1, TODAY), sent("a2", 1, TODAY), sent("b", 1, None), sent("c", 0, TODAY)],
        cycle=1,
    )


def test_the_features_of_an_account_are_counted_from_its_principal_alone() -> None:
    facts_now = snapshot()
    balance = balance_of(facts_now)
    known = features(
        snapshot=facts_now,
        balance=balance,
        aged=age(balance, as_of=TODAY),
        promises_kept=1,
        promises_broken=2,
        plans_broken=3,
        score=4,
    )
    assert known == AccountFacts(
        as_of=TODAY,
        days_past_due=30,  # due on 30 January, its payment was returned
        past_due_count=2,  # neither the fee nor what is due today
        open_count=4,
        settled_count=3,
        late_settled_count=1,
        late_ratio=Fraction(1, 3),
        days_known=59,
        days_beyond_terms=Fraction(-5 + 0 + 15, 3),
        promises_kept=1,
        promises_broken=2,
        plans_broken=3,
        payments_returned=1,
        notices_sent=2,
        cycle=1,
        score=4,
        arrears=[Money(20_000, "EUR")],
        amount_open=[Money(40_000, "EUR")],
        debtor_kind=["consumer"],
        flag=["hardship"],
        label=["vip"],
        jurisdiction=["US", "US-MA"],
        creditor=["C"],
    )


def test_a_new_account_without_facts_has_no_ratios() -> None:
    empty = AccountSnapshot(
        as_of=TODAY, account=Account(account_id="A", debtor_id="D"), debtor=Debtor(debtor_id="D", kind="business")
    )
    balance = balance_of(empty)
    known = features(snapshot=empty, balance=balance, aged=age(balance, as_of=TODAY))
    assert known == AccountFacts(as_of=TODAY, debtor_kind=["business"])
    opened = attrs.evolve(empty, account=attrs.evolve(empty.account, opened_on=TODAY - timedelta(days=3)))
    assert features(snapshot=opened, balance=balance, aged=age(balance, as_of=TODAY)).days_known == 3
    today = attrs.evolve(empty, account=attrs.evolve(empty.account, opened_on=TODAY))
    assert features(snapshot=today, balance=balance, aged=age(balance, as_of=TODAY)).days_known == 0
    ahead = attrs.evolve(empty, account=attrs.evolve(empty.account, opened_on=TODAY + timedelta(days=3)))
    assert features(snapshot=ahead, balance=balance, aged=age(balance, as_of=TODAY)).days_known is None


def test_hash_seed_zone_and_optimisation_change_no_byte() -> None:
    """SEGMENT-05, RUNTIME-02: sets are compared and printed in one order everywhere."""
    script = """
from datetime import date
from collectkit.core.guards import AccountFacts, Has, judge
from collectkit.segments import Segmentation, SegmentRule, classify
flags = ["hardship", "vulnerable", "insolvent", "deceased"]
rules = Segmentation(rules=[SegmentRule(id="s", when=Has(fact="flag", values=flags))])
facts = AccountFacts(as_of=date(2026, 3, 1), flag=flags, days_known=3)
print(classify(segmentation=rules, facts=facts))
"""
    said = set()
    for seed, zone, extra in (("0", "UTC", ()), ("1", "Asia/Tokyo", ("-O",)), ("77", "America/New_York", ())):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        run = subprocess.run(
            [sys.executable, *extra, "-c", script], capture_output=True, text=True, env=env, check=True
        )
        said.add(run.stdout)
    assert len(said) == 1
