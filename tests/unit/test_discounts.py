"""What is given up: discounts that stack, rebates of charges that were dropped, and waivers within their limits."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import attrs
import pytest
from hypothesis import given as given_values
from hypothesis import strategies as st

from collectkit.core.decisions import Declined
from collectkit.core.errors import InvalidPolicy
from collectkit.core.money import Money, rounded
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    CreditNote,
    Debtor,
    Payment,
    Receivable,
    Waiver,
)
from collectkit.core.waterfall import balance_of
from collectkit.policy import (
    AdvanceRebate,
    Incentive,
    IncentivePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    RewardsDue,
    WaiverLimits,
    rewards_due,
    waive,
)

ISSUED = date(2026, 1, 1)
DUE = date(2026, 1, 31)
FEE = "fee:A:R-1:late:1"


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def invoice(name: str = "R-1", amount: str = "1000.00", **terms: object) -> Receivable:
    given: dict[str, object] = {"issued_on": ISSUED, "due_on": DUE, **terms}
    return Receivable(receivable_id=name, account_id="A", amount_original=eur(amount), **given)  # type: ignore[arg-type]  # as named


def fee(amount: str) -> Receivable:
    return invoice(FEE, amount, component="fee", parent_id="R-1", charge_key=FEE, issued_on=ISSUED, due_on=ISSUED)


def paid(amount: str, on: date, to: str = "R-1") -> Payment:
    return Payment(payment_id=f"{to}-{on}", account_id="A", amount=eur(amount), received_on=on, receivable_ids=(to,))


def facts(*receivables: Receivable, on: date = DUE, **terms: object) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=receivables,
        **terms,  # type: ignore[arg-type]  # as named
    )


def earned(snapshot: AccountSnapshot, *incentives: Incentive, **terms: object) -> RewardsDue:
    policy = IncentivePolicy(incentives=incentives, **terms)  # type: ignore[arg-type]  # as named
    return rewards_due(policy=policy, snapshot=snapshot, balance=balance_of(snapshot))


def given(due: RewardsDue) -> list[tuple[str, str]]:
    return [(one.rule, str(one.amount)) for one in due.rewards]


# -- waivers ---------------------------------------------------------------------------------------------------

LIMITS = WaiverLimits(most={"collector": {"EUR": "10"}, "lead": {"EUR": "50"}})


def waived(snapshot: AccountSnapshot, amount: str, authority: str = "collector") -> Waiver | Declined:
    return waive(
        balance=balance_of(snapshot),
        receivable_id=FEE,
        on=snapshot.as_of,
        reason="kindness",
        authority=authority,
        limits=LIMITS,
        amount=eur(amount),
    )


def with_waiver(snapshot: AccountSnapshot, waiver: Waiver | Declined) -> AccountSnapshot:
    assert isinstance(waiver, Waiver), str(waiver)
    return attrs.evolve(snapshot, waivers=[*snapshot.waivers, waiver])


def test_the_limit_of_an_authority_is_for_one_charge_however_many_days_it_takes() -> None:
    snapshot = with_waiver(facts(invoice(), fee("30.00")), waived(facts(invoice(), fee("30.00")), "7.00"))
    later = attrs.evolve(snapshot, as_of=date(2026, 2, 5))
    no = waived(later, "4.00")
    assert isinstance(no, Declined)
    assert [one.code for one in no.reasons] == ["policy.waive_authority"]
    assert str(no) == (
        "4.00 EUR beside the 7.00 EUR dropped before is over the 10.00 EUR that collector may drop of one charge; ask lead"
    )
    assert isinstance(waived(later, "3.00"), Waiver)
    assert isinstance(waived(later, "23.00", "lead"), Waiver)  # another's limit is untouched


def test_two_waivers_of_one_day_are_two_facts() -> None:
    snapshot = facts(invoice(), fee("30.00"))
    once = with_waiver(snapshot, waived(snapshot, "5.00"))
    twice = with_waiver(once, waived(once, "5.00"))
    assert len({one.waiver_id for one in twice.waivers}) == 2
    assert balance_of(twice).item(FEE).amount_open == eur("20.00")
    assert waived(once, "5.00") == waived(once, "5.00")  # asked again on the same facts, it is the same waiver


def test_what_was_taken_back_as_wrong_uses_up_no_limit() -> None:
    back = Waiver(
        waiver_id="reversal-1",
        receivable_id=FEE,
        amount=eur("9.00"),
        waived_on=DUE,
        reason="late",
        authority="collector",
    )
    assert isinstance(waived(facts(invoice(), fee("30.00"), waivers=[back]), "10.00"), Waiver)


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match=r"most\.a\.EUR"):
        WaiverLimits(most={"a": {"EUR": "-5"}})


# -- discounts that stack --------------------------------------------------------------------------------------


def discount(name: str, rate: str, days: int = 10, **terms: object) -> PromptPaymentDiscount:
    return PromptPaymentDiscount(id=name, rate=rate, discount_days=days, net_days=30, **terms)  # type: ignore[arg-type]  # as named


A, B = discount("a", "0.02"), discount("b", "0.03")
DAY_8 = date(2026, 1, 9)


def with_credits(snapshot: AccountSnapshot, due: RewardsDue) -> AccountSnapshot:
    notes = [
        CreditNote(
            credit_note_id=one.key,
            account_id="A",
            amount=one.amount,
            issued_on=snapshot.as_of,
            receivable_ids=[one.receivable_id],
        )
        for one in due.rewards
    ]
    return attrs.evolve(snapshot, credit_notes=[*snapshot.credit_notes, *notes])


@pytest.mark.parametrize(
    ("sum_", "stacking", "found"),
    [
        ("950.60", "all", [("a", "20.00 EUR"), ("b", "29.40 EUR")]),  # 2 % of 1000, 3 % of 980
        ("950.59", "all", []),
        ("980.00", "first", [("a", "20.00 EUR")]),
        ("970.00", "first", [("b", "30.00 EUR")]),
        ("970.00", "best", [("b", "30.00 EUR")]),
        ("950.60", "best", []),
    ],
)
def test_each_discount_is_on_what_the_ones_before_it_left(
    sum_: str, stacking: str, found: list[tuple[str, str]]
) -> None:
    assert given(earned(facts(invoice(), payments=[paid(sum_, DAY_8)]), A, B, stacking=stacking)) == found


def test_the_order_of_discounts_is_the_order_of_the_policy() -> None:
    snapshot = facts(invoice(), payments=[paid("950.60", DAY_8)])
    assert given(earned(snapshot, B, A)) == [("b", "30.00 EUR"), ("a", "19.40 EUR")]


def test_a_discount_that_has_ended_takes_nothing_off() -> None:
    long = discount("long", "0.03", days=20)
    payments = [paid("900.00", DAY_8), paid("70.00", date(2026, 1, 16))]
    assert given(earned(facts(invoice(), payments=payments), A, long)) == [("long", "30.00 EUR")]


@given_values(
    amount=st.integers(1, 10_000_000),
    rates=st.lists(st.fractions("0.001", "0.4", max_denominator=1000), min_size=1, max_size=4),
)
def test_a_payment_that_earns_what_is_stacked_settles_the_receivable_exactly(
    amount: int, rates: list[Fraction]
) -> None:
    terms = [attrs.evolve(A, id=f"d{number}", rate=rate) for number, rate in enumerate(rates)]
    left = amount
    for rate in rates:
        left -= rounded(left * rate)  # by hand, one after the other
    one = attrs.evolve(invoice(), amount_original=Money(amount, "EUR"))
    if left == amount or left == 0:
        return
    pays = attrs.evolve(paid("1.00", DAY_8), amount=Money(left, "EUR"))
    snapshot = facts(one, payments=[pays])
    after = with_credits(snapshot, earned(snapshot, *terms))
    assert balance_of(after).item("R-1").amount_open.is_zero
    assert not balance_of(after).unapplied
    assert not earned(after, *terms).rewards  # once
    if left > 1:
        short = facts(one, payments=[attrs.evolve(pays, amount=Money(left - 1, "EUR"))])
        assert not earned(short, *terms).rewards


# -- corrections -----------------------------------------------------------------------------------------------


def correction(amount: str, on: date) -> CreditNote:
    return CreditNote(credit_note_id="C-1", account_id="A", amount=eur(amount), issued_on=on, receivable_ids=["R-1"])


@pytest.mark.parametrize(("sum_", "found"), [("900.00", "18.00 EUR"), ("882.00", "18.00 EUR"), ("881.99", None)])
def test_a_correction_makes_the_receivable_smaller_and_leaves_the_discount(sum_: str, found: str | None) -> None:
    snapshot = facts(invoice(), payments=[paid(sum_, DAY_8)], credit_notes=[correction("100.00", date(2026, 1, 3))])
    assert given(earned(snapshot, A)) == ([] if found is None else [("a", found)])


def test_a_correction_that_comes_later_shows_that_enough_was_paid_in_time() -> None:
    credit = correction("100.00", date(2026, 1, 20))
    snapshot = facts(invoice(), payments=[paid("882.00", DAY_8)], credit_notes=[credit])
    (reward,) = earned(snapshot, A).rewards
    assert (str(reward.amount), reward.earned_on) == ("18.00 EUR", credit.issued_on)


def test_a_correction_after_the_discount_was_earned_changes_it_no_more() -> None:
    snapshot = facts(invoice(), payments=[paid("980.00", DAY_8)])
    later = attrs.evolve(snapshot, credit_notes=[correction("100.00", date(2026, 1, 20))])
    assert given(earned(snapshot, A)) == given(earned(later, A)) == [("a", "20.00 EUR")]


def test_a_credit_from_elsewhere_counts_as_money() -> None:
    goodwill = attrs.evolve(correction("100.00", date(2026, 1, 3)), receivable_ids=())
    snapshot = facts(invoice(), payments=[paid("880.00", DAY_8)], credit_notes=[goodwill])
    assert given(earned(snapshot, A)) == [("a", "20.00 EUR")]


# -- what was given before -------------------------------------------------------------------------------------


def test_what_was_posted_counts_towards_the_limit_of_a_receivable() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={"EUR": "30.00"})
    terms = {"rate_max": "0.04"}
    early = facts(invoice(), on=DAY_8, payments=[paid("980.00", DAY_8)])
    posted = attrs.evolve(with_credits(early, earned(early, bonus, A, **terms)), as_of=DUE)
    assert [str(one.amount) for one in posted.credit_notes] == ["20.00 EUR"]
    assert given(earned(posted, bonus, A, **terms)) == [("bonus", "20.00 EUR")]  # 40.00 in all


@pytest.mark.parametrize("stacking", ["first", "best"])
def test_one_alone_is_given_though_another_is_earned_later(stacking: str) -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={"EUR": "30.00"})
    early = facts(invoice(), on=DAY_8, payments=[paid("980.00", DAY_8)])
    posted = attrs.evolve(with_credits(early, earned(early, bonus, A, stacking=stacking)), as_of=DUE)
    assert len(posted.credit_notes) == 1
    assert given(earned(posted, bonus, A, stacking=stacking)) == []


def test_the_first_is_the_one_that_was_earned_first_whenever_one_looks() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={"EUR": "30.00"})
    payments = [paid("980.00", DAY_8), paid("20.00", date(2026, 1, 20))]
    for day in (DAY_8, DUE):
        snapshot = facts(invoice(), on=day, payments=payments)
        assert given(earned(snapshot, bonus, A, stacking="first")) == [("a", "20.00 EUR")]


# -- rebates ---------------------------------------------------------------------------------------------------


def dropped(amount: str, name: str = "waiver-1") -> Waiver:
    return Waiver(
        waiver_id=name, receivable_id=FEE, amount=eur(amount), waived_on=date(2026, 1, 5), reason="x", authority="lead"
    )


@pytest.mark.parametrize("name", ["waiver-1", "reversal-1"])
@pytest.mark.parametrize(("amount", "found"), [("30.00", []), ("29.00", [("r", "0.50 EUR")])])
def test_a_rebate_is_of_what_is_left_of_a_charge(name: str, amount: str, found: list[tuple[str, str]]) -> None:
    rebate = AdvanceRebate(id="r", rate="0.5", days_early=5)
    snapshot = facts(invoice(), fee("30.00"), waivers=[dropped(amount, name)], payments=[paid("500.00", DAY_8)])
    assert given(earned(snapshot, rebate)) == found


def test_rebates_of_one_charge_stay_within_it_though_it_was_waived_in_between() -> None:
    rebate = AdvanceRebate(id="r", rate="0.4")
    first = facts(invoice(), fee("30.00"), on=DAY_8, payments=[paid("100.00", DAY_8)])
    posted = with_credits(first, earned(first, rebate))
    assert [str(one.amount) for one in posted.credit_notes] == ["12.00 EUR"]
    more = attrs.evolve(
        posted, as_of=DUE, payments=[*posted.payments, paid("100.00", date(2026, 1, 12))], waivers=[dropped("25.00")]
    )
    assert given(earned(more, rebate)) == []


def test_a_second_rebate_is_of_what_the_first_left() -> None:
    snapshot = facts(invoice(), fee("30.00"), payments=[paid("500.00", DAY_8)])
    rebates = [AdvanceRebate(id=name, rate="0.5") for name in ("x", "y")]
    assert given(earned(snapshot, *rebates)) == [("x", "15.00 EUR"), ("y", "7.50 EUR")]
