"""Terms in plain words: every figure that a debtor is bound by is said, the law's among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit import jurisdictions
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.rules import RulePack
from collectkit.policy import (
    AdvanceRebate,
    AppliesTo,
    ChargePolicy,
    ChargeRule,
    DiscountStep,
    Grant,
    IncentivePolicy,
    InterestPolicy,
    LateFeePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    RateTerms,
    RecoverySumPolicy,
    ReturnedPaymentPolicy,
    Tier,
    describe,
)

UK, FR = (jurisdictions.load(f"{name}-late-payment") for name in ("uk", "fr"))


# -- the figures of the law ------------------------------------------------------------------------------------


def test_the_fixed_sum_of_the_law_is_said_by_size_of_the_debt() -> None:
    # Late Payment of Commercial Debts (Interest) Act 1998, s. 5A: 40, 70 from 1,000 and 100 from 10,000 pounds
    sums = RecoverySumPolicy(id="sum", pack=UK, rule_id="uk.lpcda.compensation", grace_days=3, due_in_days=14)
    said = describe(ChargePolicy(recovery_sums=[sums]))
    assert said.startswith("sum: a fixed sum for recovery cost, once for each receivable more than 3 days past due. ")
    assert "40.00 GBP for a debt below 1000.00 GBP, 70.00 GBP from 1000.00 GBP, 100.00 GBP from 10000.00 GBP" in said
    assert "reasonable cost above it may be claimed too" in said
    assert "It is due 14 days after it is charged." in said
    assert "No charge is made while a receivable is disputed." in said


@pytest.mark.parametrize(
    ("name", "rule", "sum_"),
    [("eu", "eu.lpd.compensation", "40.00 EUR"), ("de", "de.bgb288.lump_sum", "40.00 EUR"), ("fr", "fr.lump_sum", "40.00 EUR")],
)  # fmt: skip
def test_one_sum_for_every_debt_is_said_as_one(name: str, rule: str, sum_: str) -> None:
    pack = jurisdictions.load(f"{name}-late-payment")
    said = describe(ChargePolicy(recovery_sums=[RecoverySumPolicy(id="sum", pack=pack, rule_id=rule)]))
    assert f"past due. It is {sum_}" in said
    assert "below" not in said


@pytest.mark.parametrize(
    ("pack", "rule", "margin"),
    [
        ("uk-late-payment", "uk.lpcda.interest", 8),
        ("de-late-payment", "de.bgb288.business", 9),
        ("de-late-payment", "de.bgb288.consumer", 5),
        ("fr-late-payment", "fr.l441_10.interest", 10),
    ],
)
def test_the_margin_of_the_law_is_said(pack: str, rule: str, margin: int) -> None:
    terms = RateTerms(pack=jurisdictions.load(pack), rule_id=rule)
    said = describe(ChargePolicy(interest=[InterestPolicy(id="i", terms=terms)]))
    assert f"the reference rate plus {margin} percentage points" in said


def test_the_legal_floor_is_said_as_times_the_reference() -> None:
    terms = RateTerms(rate=Rate.percent("5"), floor_pack=FR, floor_rule_id="fr.l441_10.floor")
    said = describe(ChargePolicy(interest=[InterestPolicy(id="i", terms=terms)]))
    assert "The legal floor is 3 times the reference rate (" in said


def test_a_charge_beside_others_names_them() -> None:
    returned = ReturnedPaymentPolicy(id="r", amounts={"EUR": "8"}, exclusive_with=["a", "b"], due_in_days=1, cite="4.2")
    assert describe(ChargePolicy(returned_payments=[returned])) == (
        "r: 8.00 EUR is charged for each payment that is returned. It is not charged where a or b is charged for the "
        "same failure. No charge is made while a receivable is disputed. It is due 1 day after it is charged. "
        "Basis: 4.2."
    )


def test_the_gate_of_charging_is_said_last() -> None:
    policy = ChargePolicy(materiality={"EUR": "25", "USD": "30"})
    assert describe(policy) == "Nothing is charged while less than 25.00 EUR or 30.00 USD is past due in all."


# -- every figure of the terms ---------------------------------------------------------------------------------

CENTS = st.integers(1, 10_000_000)
DAYS = st.integers(0, 400)
SHARES = st.fractions("0.0001", "0.9999", max_denominator=10_000)


def few(least: int = 0) -> st.SearchStrategy[tuple[Money, ...]]:
    """Amounts in one or both of two currencies."""
    return st.dictionaries(st.sampled_from(["EUR", "USD"]), CENTS, min_size=least).map(
        lambda sums: tuple(Money(minor, currency) for currency, minor in sums.items())
    )


@st.composite
def day_tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    starts = sorted(draw(st.sets(st.integers(2, 300), max_size=3)))
    ends = [start - 1 for start in starts] + [None]
    return tuple(
        Tier(days_min=low, days_max=high, amounts=draw(few(1)), rate=draw(st.none() | SHARES))
        for low, high in zip([1, *starts], ends, strict=True)
    )


@st.composite
def balance_tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    cuts = sorted(draw(st.sets(CENTS, max_size=3)))
    bounds = [Money(cut, "EUR") for cut in (0, *cuts)]
    return tuple(
        Tier(balance_min=low, balance_below=high, rate=draw(SHARES))
        for low, high in zip(bounds, [*bounds[1:], None], strict=True)
    )


@st.composite
def late_fees(draw: st.DrawFn) -> LateFeePolicy:
    terms: dict[str, Any] = {
        "id": "fee",
        "kind": draw(st.sampled_from(["flat", "percent", "greater_of", "lesser_of", "tiered"])),
    }
    kind = terms["kind"]
    if kind in ("flat", "greater_of", "lesser_of"):
        terms["amounts"] = tuple(Money(draw(CENTS), currency) for currency in ("EUR", "USD"))
    if kind in ("percent", "greater_of", "lesser_of"):
        terms["rate"] = draw(SHARES)
    if kind == "tiered":
        terms["tiers"] = draw(day_tiers() | balance_tiers())
    if draw(st.booleans()):
        terms["grace_days"] = draw(DAYS)
    else:
        terms["grace_business_days"] = draw(st.integers(0, 250))
    if kind == "tiered":  # so that grace hides no tier
        terms["tier_gaps"] = "none"
    terms["once_per"] = draw(st.sampled_from(["receivable", "instalment", "period", "notice"]))
    if terms["once_per"] == "period":
        terms[draw(st.sampled_from(["period_days", "period_months"]))] = draw(st.integers(1, 400))
        terms["times_max"] = draw(st.none() | st.integers(1, 100))
    limit = st.integers(1, 10_000_000).map(lambda minor: (Money(minor, "EUR"),)) if kind != "tiered" else st.just(())
    terms["fee_floor"] = draw(limit)
    above = st.integers(10_000_000, 20_000_000).map(lambda minor: (Money(minor, "EUR"),))
    if kind != "tiered":
        terms |= {name: draw(above | st.just(())) for name in ("fee_cap", "item_cap", "yearly_cap")}
        terms["minimum_balance"] = draw(limit | st.just(()))
    terms["due_in_days"] = draw(DAYS)
    terms["grace_shifts_due"] = draw(st.booleans())
    return LateFeePolicy(**terms)


@st.composite
def interest(draw: st.DrawFn) -> InterestPolicy:
    rate, floor, cap = sorted(draw(st.tuples(SHARES, SHARES, SHARES)))
    terms = RateTerms(
        rate=Rate(rate),
        rate_floor=draw(st.none() | st.just(Rate(floor))),
        rate_cap=draw(st.none() | st.just(Rate(cap))),
        rests_months=draw(st.none() | st.integers(1, 60)),
    )
    return InterestPolicy(
        id="interest",
        terms=terms,
        post_every_months=draw(st.none() | st.integers(1, 60)),
        grace_days=draw(DAYS),
        grace_shifts_due=draw(st.booleans()),
        minimum_amount=draw(few()),
        due_in_days=draw(DAYS),
    )


SUMS = st.builds(
    RecoverySumPolicy,
    id=st.just("sum"),
    pack=st.just(UK),
    rule_id=st.just("uk.lpcda.compensation"),
    grace_days=DAYS,
    due_in_days=DAYS,
)
RETURNS = st.builds(ReturnedPaymentPolicy, id=st.just("returned"), amounts=few(1), due_in_days=DAYS)
RULES = late_fees() | interest() | SUMS | RETURNS


@st.composite
def discounts(draw: st.DrawFn) -> PromptPaymentDiscount:
    days = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=4)))
    rates = sorted(draw(st.sets(SHARES, min_size=len(days), max_size=len(days))), reverse=True)
    steps = [DiscountStep(days=day, rate=rate) for day, rate in zip(days, rates, strict=True)]
    return PromptPaymentDiscount(
        id="early",
        rate=rates[0],
        discount_days=days[0],
        steps=steps[1:],
        net_days=draw(st.integers(days[-1], 500)),
        grant=draw(
            st.none()
            | st.builds(Grant, kind=st.just("purchase_credit"), what=st.just("x"), valid_days=st.integers(1, 3650))
        ),
    )


INCENTIVES = st.builds(
    IncentivePolicy,
    incentives=st.tuples(
        discounts(),
        st.builds(
            lambda days, rates: AdvanceRebate(id="ahead", days_early=days, rate=min(rates), rate_max=max(rates)),
            DAYS,
            st.tuples(SHARES, SHARES),
        ),
        st.builds(PunctualityBonus, id=st.just("bonus"), streak=st.integers(1, 1000), amounts=few(1)),
    ),
    stacking=st.sampled_from(["all", "first", "best"]),
    rate_max=SHARES,
)


def figures(terms: object) -> Iterator[tuple[str, str]]:
    """Yield every figure of terms as a debtor would look for it, with the name it has; nought of something is none."""
    for field in attrs.fields(type(terms)):
        yield from _figures(field.name, getattr(terms, field.name))


def _figures(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, (Money, Rate)):
        if value != Money.zero("GBP"):  # the first sum is for any debt below the second
            yield name, str(value)
    elif isinstance(value, Fraction):
        yield name, str(Rate(value))
    elif isinstance(value, int) and not isinstance(value, bool):
        if value > 1 or (value and "days" in name):  # one month is "every month"
            yield name, str(value)
    elif isinstance(value, tuple):
        for one in value:
            yield from _figures(name, one)
    elif isinstance(value, RulePack):
        for point in value.rule("uk.lpcda.compensation").parameters.points[-1:]:
            yield from figures(point.value)
    elif attrs.has(type(value)) and not isinstance(value, AppliesTo):
        yield from figures(value)


def unsaid(terms: object, said: str) -> list[tuple[str, str]]:
    return [
        (name, figure)
        for name, figure in figures(terms)
        if re.search(rf"(?<![\d./]){re.escape(figure)}(?![\d/]|\.\d)", said) is None
    ]


@given(rule=RULES, least=few())
def test_every_figure_of_a_policy_stands_in_its_words(rule: ChargeRule, least: tuple[Money, ...]) -> None:
    names = {LateFeePolicy: "late_fees", InterestPolicy: "interest", RecoverySumPolicy: "recovery_sums"}
    bundle = {names.get(type(rule), "returned_payments"): [rule]}
    said = describe(ChargePolicy(materiality=least, **bundle))  # type: ignore[arg-type]  # as named
    assert unsaid(rule, said) == []
    assert [one for one in least if str(one) not in said] == []


@given(policy=INCENTIVES)
def test_every_figure_of_the_incentives_stands_in_their_words(policy: IncentivePolicy) -> None:
    for rule, line in zip(policy.incentives, policy.describe().splitlines(), strict=False):
        assert unsaid(rule, line) == []
    assert unsaid(policy, policy.describe()) == []
