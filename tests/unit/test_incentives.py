"""What is given for paying early or on time: cost in money and yield a year of every kind, and entitlements.

The yields are held against arithmetic written out here: compound growth day by day, in binary floats.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import attrs
import pytest

import collectkit as ck
from collectkit.core.codec import decode_command
from collectkit.core.errors import InvalidPolicy, InvalidRate, InvalidRecord
from collectkit.core.events import CommandIssued, GrantEntitlement
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, Component, Debtor, Payment, Receivable
from collectkit.core.waterfall import balance_of
from collectkit.escalation import LADDER_COMMANDS
from collectkit.policy import (
    AdvanceRebate,
    DiscountStep,
    Grant,
    Incentive,
    IncentivePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    RewardsDue,
    SettlementDiscount,
    annual_yield,
    rewards_due,
    yield_on,
)

ISSUED = date(2026, 1, 1)
DUE = date(2026, 1, 31)
TERMS = PromptPaymentDiscount(id="2/10 net 30", rate="0.02", discount_days=10, net_days=30)
CREDIT = Grant(kind="purchase_credit", what="your next order")
ACCESS = Grant(kind="early_access", what="the spring sale, two days early", valid_days=60, worth={"EUR": "4.00"})


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def invoice(name: str = "R-1", amount: str = "1000.00", due_on: date = DUE, **terms: object) -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=eur(amount),
        issued_on=min(ISSUED, due_on),
        due_on=due_on,
        **terms,  # type: ignore[arg-type]
    )


def paid(amount: str, on: date, to: str = "R-1") -> Payment:
    return Payment(payment_id=f"{to}-{on}", account_id="A", amount=eur(amount), received_on=on, receivable_ids=(to,))


def earned(items: list[Receivable], payments: list[Payment], *incentives: Incentive, **terms: object) -> RewardsDue:
    snapshot = AccountSnapshot(
        as_of=date(2026, 12, 31),
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=items,
        payments=payments,
    )
    policy = IncentivePolicy(incentives=incentives, **terms)  # type: ignore[arg-type]
    return rewards_due(policy=policy, snapshot=snapshot, balance=balance_of(snapshot))


# -- yields ----------------------------------------------------------------------------------------------------


def grown(rate: float, days: int, basis: int) -> float:
    """Grow one unit by the gain again and again: the factor of one day, basis times."""
    factor_of_a_day = (1 / (1 - rate)) ** (1 / days)
    value = 1.0
    for _ in range(basis):
        value *= factor_of_a_day
    return value - 1


@pytest.mark.parametrize(
    ("rate", "days", "simple_365", "simple_360", "effective"),
    [  # Brealey-Myers and every textbook of trade credit: 2/10 net 30 is 37.2 % (36.7 % on 360 days), 44.6 % effective
        ("0.02", 20, "37.24", "36.73", "44.59"),
        ("0.01", 20, "18.43", "18.18", "20.13"),
        ("0.03", 20, "56.44", "55.67", "74.35"),
        ("0.02", 50, "14.90", "14.69", "15.89"),
        ("0.02", 35, "21.28", "20.99", "23.45"),
    ],
)
def test_a_yield_is_simple_or_effective_on_a_year_of_365_or_360_days(
    rate: str, days: int, simple_365: str, simple_360: str, effective: str
) -> None:
    by_method = [
        annual_yield(rate, days_sooner=days),
        annual_yield(rate, days_sooner=days, basis=360),
        annual_yield(rate, days_sooner=days, method="effective"),
    ]
    assert [f"{float(one * 100):.2f}" for one in by_method] == [simple_365, simple_360, effective]
    assert float(by_method[2]) == pytest.approx(grown(float(rate), days, 365), rel=1e-9)
    at_360 = annual_yield(rate, days_sooner=days, basis=360, method="effective")
    assert float(at_360) == pytest.approx(grown(float(rate), days, 360), rel=1e-9)


def test_a_whole_year_sooner_is_worth_the_same_either_way() -> None:
    for method in ("simple", "effective"):
        assert annual_yield("0.2", days_sooner=365, method=method) == Fraction(1, 4)  # type: ignore[arg-type]


def test_no_days_and_no_gain_yield_nothing() -> None:
    assert annual_yield("0.02", days_sooner=0) == annual_yield("0.02", days_sooner=-3) == 0
    assert annual_yield("0", days_sooner=20, method="effective") == 0


@pytest.mark.parametrize(
    "terms",
    [
        {"rate": "1"},
        {"rate": "-0.01"},
        {"basis": 366},
        {"method": "nominal"},
        {"rate": "0.9", "days_sooner": 1, "method": "effective"},  # 10 ** 365
    ],
)
def test_a_yield_that_cannot_be_is_refused(terms: dict[str, object]) -> None:
    with pytest.raises(InvalidRate):
        annual_yield(**{"rate": "0.02", "days_sooner": 20, **terms})  # type: ignore[arg-type]


def test_a_gain_of_everything_or_in_another_currency_has_no_yield() -> None:
    assert yield_on(eur("10"), paid=eur("10"), days_sooner=5) is None
    assert yield_on(Money(100, "GBP"), paid=eur("10"), days_sooner=5) is None
    assert yield_on(eur("-1"), paid=eur("10"), days_sooner=5) is None


# -- every kind: cost in money, yield a year -------------------------------------------------------------------


def test_each_step_of_a_sliding_scale_has_its_own_cost_and_yield() -> None:
    terms = attrs.evolve(TERMS, steps=(DiscountStep(days=20, rate="0.01"),))
    assert [terms.cost(eur("1000.00"), step=step) for step in (0, 1)] == [eur("20.00"), eur("10.00")]
    assert terms.annualised_yield() == Fraction(20, 980) * Fraction(365, 20)
    assert terms.annualised_yield(step=1) == Fraction(10, 990) * Fraction(365, 10)
    assert terms.annualised_yield(basis=360) == Fraction(20, 980) * Fraction(360, 20)


def test_a_rebate_costs_its_part_of_the_charge_and_yields_on_the_payment_that_came_early() -> None:
    rebate = AdvanceRebate(id="early", rate="0.4", days_early=5, rate_max="0.9")
    assert rebate.cost(eur("10.00")) == eur("4.00")
    assert rebate.rebate(eur("10.00"), given=eur("8.00")) == eur("1.00")
    fee = invoice("F-1", "10.00", component="fee", parent_id="R-1")
    found = earned([invoice(), fee], [paid("500.00", date(2026, 1, 11))], rebate)
    (reward,) = found.rewards
    assert (reward.cost, reward.receivable_id) == (eur("4.00"), "F-1")
    assert reward.annualised_yield == Fraction(4, 496) * Fraction(365, 20)  # 500 came 20 days early for 4
    assert reward.annualised_yield == rebate.annualised_yield(eur("10.00"), paid=eur("500.00"), days_sooner=20)
    assert rebate.annualised_yield(eur("10.00"), paid=eur("500.00")) == Fraction(4, 496) * Fraction(365, 5)
    assert found.cost == {"EUR": eur("4.00")}


def test_a_bonus_costs_its_amount_and_yields_on_the_money_of_the_run() -> None:
    days = [date(2026, 1, 31), date(2026, 3, 2)]
    items = [invoice(f"R-{number}", "250.00", due_on=day) for number, day in enumerate(days)]
    bonus = PunctualityBonus(id="bonus", streak=2, amounts={"EUR": "5.00"})
    payments = [paid("250.00", day, to=one.receivable_id) for day, one in zip(days, items, strict=True)]
    (reward,) = earned(items, payments, bonus).rewards
    assert (reward.cost, bonus.cost("EUR"), bonus.cost("USD")) == (eur("5.00"), eur("5.00"), None)
    assert reward.annualised_yield == Fraction(5, 495) * Fraction(365, 60)  # 1 January to 2 March: 60 days
    assert reward.annualised_yield == bonus.annualised_yield(paid=eur("500.00"), days=60)


def test_a_settlement_discount_yields_by_the_days_it_comes_sooner() -> None:
    offer = SettlementDiscount(id="now", rate="0.25", valid_until_on=DUE)
    assert offer.annualised_yield(days_sooner=730) == Fraction(1, 3) * Fraction(1, 2)
    assert offer.annualised_yield(days_sooner=360, basis=360) == Fraction(1, 3)
    assert float(offer.annualised_yield(days_sooner=730, method="effective")) == pytest.approx((4 / 3) ** 0.5 - 1)


def test_a_reward_cut_to_its_limit_yields_what_is_left_of_it() -> None:
    (reward,) = earned([invoice()], [paid("980.00", date(2026, 1, 11))], TERMS, rate_max="0.01").rewards
    assert reward.cost == eur("10.00")
    assert reward.annualised_yield == Fraction(10, 990) * Fraction(365, 20)


# -- entitlements ----------------------------------------------------------------------------------------------


def test_a_discount_can_be_a_credit_on_a_next_purchase_and_then_the_whole_is_paid() -> None:
    terms = attrs.evolve(TERMS, grant=CREDIT)
    assert earned([invoice()], [paid("980.00", date(2026, 1, 11))], terms).entitlements == ()
    found = earned([invoice()], [paid("1000.00", date(2026, 1, 11))], terms)
    (granted,) = found.entitlements
    assert found.rewards == ()
    assert (granted.kind, granted.what, granted.receivable_id) == ("purchase_credit", "your next order", "R-1")
    assert (granted.amount, granted.cost, terms.cost(eur("1000.00"))) == (eur("20.00"),) * 3
    assert granted.annualised_yield == TERMS.annualised_yield()
    assert found.cost == {"EUR": eur("20.00")}


def test_a_rebate_can_be_a_credit_on_a_next_purchase() -> None:
    rebate = AdvanceRebate(id="early", rate="0.4", days_early=5, grant=CREDIT)
    fee = invoice("F-1", "10.00", component="fee", parent_id="R-1")
    (granted,) = earned([invoice(), fee], [paid("500.00", date(2026, 1, 11))], rebate).entitlements
    assert (granted.cost, granted.annualised_yield) == (eur("4.00"), Fraction(4, 496) * Fraction(365, 20))


def test_a_bonus_can_be_early_access_with_what_it_costs() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, grant=ACCESS)
    (granted,) = earned([invoice()], [paid("1000.00", DUE)], bonus).entitlements
    assert (granted.kind, granted.cost, bonus.cost("EUR")) == ("early_access", eur("4.00"), eur("4.00"))
    assert granted.annualised_yield == Fraction(4, 996) * Fraction(365, 30)
    assert granted.valid_until_on == DUE + timedelta(days=60)
    assert [granted.is_valid(DUE + timedelta(days=number)) for number in (-1, 0, 60, 61)] == [False, True, True, False]


def test_a_bonus_can_be_a_credit_of_its_amount() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={"EUR": "7.50"}, grant=CREDIT)
    (granted,) = earned([invoice()], [paid("1000.00", DUE)], bonus).entitlements
    assert granted.cost == eur("7.50")


@pytest.mark.parametrize(
    "incentive",
    [
        attrs.evolve(TERMS, grant=attrs.evolve(ACCESS, worth=())),
        PunctualityBonus(id="bonus", streak=1, grant=Grant(what="a mug")),
    ],
)
def test_a_grant_that_nobody_gave_a_worth_has_no_cost_and_no_yield(incentive: Incentive) -> None:
    found = earned([invoice()], [paid("1000.00", date(2026, 1, 5))], incentive)
    (granted,) = found.entitlements
    assert (granted.cost, granted.annualised_yield, found.cost) == (None, None, {})


def test_an_entitlement_is_granted_once() -> None:
    terms = attrs.evolve(TERMS, grant=CREDIT)
    snapshot = AccountSnapshot(
        as_of=DUE,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[invoice()],
        payments=[paid("1000.00", date(2026, 1, 11))],
    )
    policy = IncentivePolicy(incentives=[terms])
    (granted,) = rewards_due(policy=policy, snapshot=snapshot, balance=balance_of(snapshot)).entitlements
    known = attrs.evolve(snapshot, issued_keys=frozenset({granted.key}))
    assert rewards_due(policy=policy, snapshot=known, balance=balance_of(known)).entitlements == ()


def test_credits_stack_with_money_and_share_its_limit() -> None:
    credit = attrs.evolve(TERMS, grant=CREDIT)
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={"EUR": "15.00"})
    payments = [paid("1000.00", date(2026, 1, 11))]
    found = earned([invoice()], payments, credit, bonus, rate_max="0.03")
    assert ([one.cost for one in found.entitlements], [one.cost for one in found.rewards]) == (
        [eur("20.00")],
        [eur("10.00")],
    )
    best = earned([invoice()], payments, bonus, credit, stacking="best")
    assert (len(best.entitlements), len(best.rewards)) == (1, 0)


def test_the_words_say_what_is_given() -> None:
    rebate = AdvanceRebate(id="early", rate="0.4", days_early=5)
    policy = IncentivePolicy(
        incentives=[
            attrs.evolve(TERMS, grant=CREDIT),
            attrs.evolve(TERMS, id="access", grant=ACCESS),
            attrs.evolve(rebate, grant=CREDIT),
            attrs.evolve(rebate, id="sale", grant=ACCESS),
            PunctualityBonus(id="bonus", streak=3, amounts={"EUR": "5"}, grant=CREDIT),
            PunctualityBonus(id="mug", streak=3, grant=Grant(what="a mug")),
        ]
    )
    assert policy.describe().splitlines() == [
        "2/10 net 30: 2 % as a credit on a next purchase (your next order) if paid within 10 days of the invoice, "
        "in full within 30 days (worth about 37 % a year). It is valid for 365 days.",
        "access: the spring sale, two days early if paid within 10 days of the invoice, in full within 30 days. "
        "It is valid for 60 days.",
        "early: 40 % of a charge is given as a credit on a next purchase (your next order) for each payment made at "
        "least 5 days early, at most 100 % of it. It is valid for 365 days.",
        "sale: the spring sale, two days early for each payment made at least 5 days early. It is valid for 60 days.",
        "bonus: 5.00 EUR as a credit on a next purchase (your next order) for every 3 receivables in a row paid on time. "
        "It is valid for 365 days.",
        "mug: a mug for every 3 receivables in a row paid on time. It is valid for 365 days.",
    ]


@pytest.mark.parametrize(
    ("build", "path"),
    [
        (lambda: Grant(what=""), "what"),
        (lambda: Grant(what="x", kind="cash"), "kind"),  # type: ignore[arg-type]
        (lambda: Grant(what="x", valid_days=0), "valid_days"),
        (lambda: Grant(what="x", worth={"EUR": "-1"}), "worth.EUR"),
        (lambda: Grant(what="x", kind="purchase_credit", worth={"EUR": "1"}), "worth"),
        (lambda: attrs.evolve(TERMS, grant="a mug"), "grant"),
        (lambda: AdvanceRebate(id="r", rate="0.5", grant="a mug"), "grant"),  # type: ignore[arg-type]
        (lambda: PunctualityBonus(id="b", streak=1, grant="a mug", amounts={"EUR": "1"}), "grant"),  # type: ignore[arg-type]
        (lambda: PunctualityBonus(id="b", streak=1, grant=CREDIT), "amounts"),
        (lambda: PunctualityBonus(id="b", streak=1, grant=ACCESS, amounts={"EUR": "1"}), "amounts"),
    ],
)
def test_terms_that_contradict_themselves_are_refused_with_their_path(build: object, path: str) -> None:
    with pytest.raises(InvalidPolicy) as error:
        build()  # type: ignore[operator]
    assert path in [problem.path for problem in error.value.problems]


# -- what earns nothing ----------------------------------------------------------------------------------------


def test_a_rebate_is_for_charges_of_its_kind_that_stood_when_the_payment_came() -> None:
    rebate = AdvanceRebate(id="early", rate="0.4", days_early=5)
    cost = invoice("C-1", "10.00", component="cost", parent_id="R-1")
    later = invoice("F-2", "10.00", due_on=date(2026, 1, 31), component="fee", parent_id="R-1")
    later = attrs.evolve(later, issued_on=date(2026, 1, 20))
    assert earned([invoice(), cost, later], [paid("500.00", date(2026, 1, 11))], rebate).rewards == ()


def test_a_rebate_of_everything_leaves_nothing_for_the_next_payment() -> None:
    rebate = AdvanceRebate(id="early", rate="1", days_early=5)
    fee = invoice("F-1", "10.00", component="fee", parent_id="R-1")
    payments = [paid("100.00", date(2026, 1, day)) for day in (10, 11)]
    assert [str(one.amount) for one in earned([invoice(), fee], payments, rebate).rewards] == ["10.00 EUR"]


def test_an_unpaid_receivable_breaks_a_run_and_one_not_due_yet_leaves_it_open() -> None:
    bonus = PunctualityBonus(id="bonus", streak=2, amounts={"EUR": "5.00"})
    days = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    items = [invoice(f"R-{number}", "250.00", due_on=day) for number, day in enumerate(days)]
    first_and_last = [paid("250.00", days[place], to=f"R-{place}") for place in (0, 2)]
    assert earned(items, first_and_last, bonus).rewards == ()
    coming = [items[0], invoice("R-9", "250.00", due_on=date(2026, 12, 31))]
    assert earned(coming, first_and_last[:1], bonus).rewards == ()


def test_a_bonus_in_another_currency_is_not_converted() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={"USD": "5.00"})
    assert earned([invoice()], [paid("1000.00", DUE)], bonus).rewards == ()


def test_what_finds_no_room_is_not_given() -> None:
    first, second = (PunctualityBonus(id=name, streak=1, amounts={"EUR": "10.00"}) for name in ("a", "b"))
    found = earned([invoice()], [paid("1000.00", DUE)], first, second, rate_max="0.01")
    assert [one.rule for one in found.rewards] == ["a"]


def test_a_balance_of_another_day_is_refused() -> None:
    snapshot = AccountSnapshot(
        as_of=DUE,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[invoice()],
    )
    stale = balance_of(attrs.evolve(snapshot, as_of=ISSUED))
    with pytest.raises(InvalidRecord):
        rewards_due(policy=IncentivePolicy(), snapshot=snapshot, balance=stale)


# -- through a decision ----------------------------------------------------------------------------------------


def test_a_decision_grants_an_entitlement_once_and_its_batch_carries_it() -> None:
    strategy = ck.Strategy(
        name="s", version="1", incentives=IncentivePolicy(incentives=[attrs.evolve(TERMS, grant=CREDIT)])
    )
    snapshot = AccountSnapshot(
        as_of=DUE,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[invoice()],
        payments=[paid("1000.00", date(2026, 1, 11))],
    )
    decision = ck.decide(strategy=strategy, snapshot=snapshot)
    (command,) = decision.commands
    assert isinstance(command, GrantEntitlement)
    assert (command.what, command.kind, command.amount) == ("your next order", "purchase_credit", eur("20.00"))
    assert (command.receivable_id, command.valid_until_on) == ("R-1", date(2027, 1, 11))
    batch = ck.to_batch(
        decision=decision, version=1, command_id="c-1", recorded_at=datetime(2026, 1, 31, 12, tzinfo=UTC)
    )
    assert [decode_command(row.payload) for row in batch.outbox] == [command]
    assert [event.what for event in batch.events if isinstance(event, CommandIssued)] == ["your next order"]
    known = attrs.evolve(snapshot, issued_keys=frozenset({command.key}))
    assert ck.decide(strategy=strategy, snapshot=known).commands == ()


def test_no_step_of_a_ladder_grants_an_entitlement() -> None:
    assert GrantEntitlement.name not in LADDER_COMMANDS


# -- from a strategy file --------------------------------------------------------------------------------------

STRATEGY = """
name = "s"
version = "1"
[[segments]]
id = "large"
when = { open_count_min = 3 }
[[discounts]]
id = "2/10 net 30"
rate = "0.02"
discount_days = 10
net_days = 30
steps = [{ days = 20, rate = "0.01" }]
applies_to = { segments = ["large"] }
grant = { kind = "purchase_credit", what = "your next order", valid_days = 90 }
[[discounts]]
id = "early"
kind = "advance_rebate"
rate = "0.5"
days_early = 10
rate_max = "0.8"
components = ["fee", "cost"]
[[discounts]]
id = "bonus"
kind = "punctuality_bonus"
streak = 3
amounts = { EUR = "5.00" }
cite = "terms 7"
"""


def test_a_strategy_file_holds_every_kind_of_incentive() -> None:
    discount, rebate, bonus = ck.parse(STRATEGY).incentives.incentives
    assert isinstance(discount, PromptPaymentDiscount)
    assert discount.grant == Grant(kind="purchase_credit", what="your next order", valid_days=90)
    assert (discount.applies_to.segments, discount.steps) == (("large",), (DiscountStep(days=20, rate="0.01"),))
    assert rebate == AdvanceRebate(
        id="early", rate="0.5", days_early=10, rate_max="0.8", components=(Component.FEE, Component.COST)
    )
    assert bonus == PunctualityBonus(id="bonus", streak=3, amounts={"EUR": "5.00"}, cite="terms 7")


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ('segments = ["large"]', 'segments = ["huge"]', ["discounts[0].applies_to.segments"]),
        ('"purchase_credit", what', '"cash", what', ["discounts[0].grant.kind"]),
        ('days = 20, rate = "0.01"', 'days = 20, rate = "0.03"', ["discounts[0].steps"]),
        ("days = 20,", "days = 20, more = 1,", ["discounts[0].steps[0].more"]),
        ('rate_max = "0.8"', 'rate_max = "0.4"', ["discounts[1].rate_max"]),
        ('["fee", "cost"]', '["fee", "principal"]', ["discounts[1].components"]),
        ("streak = 3", "streak = 0", ["discounts[2].streak"]),
        ('kind = "punctuality_bonus"', 'kind = "loyalty"', ["discounts[2].kind"]),
        ('id = "bonus"', 'id = "early"', ["discounts[2].id"]),
        ("valid_days = 90", 'valid_days = 90, worth = { EUR = "1" }', ["discounts[0].grant.worth"]),
    ],
)
def test_a_mistake_in_an_incentive_of_a_file_has_its_path(old: str, new: str, paths: list[str]) -> None:
    with pytest.raises(InvalidPolicy) as error:
        ck.parse(STRATEGY.replace(old, new))
    assert [problem.path for problem in error.value.problems] == paths
