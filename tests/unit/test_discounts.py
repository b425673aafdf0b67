"""What is given up: discounts that stack, rebates of charges that were dropped, and waivers within their limits."""

from __future__ import annotations

from datetime import date

import attrs
import pytest

from collectkit.core.decisions import Declined
from collectkit.core.errors import InvalidPolicy
from collectkit.core.money import Money
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
        waiver_id="reversal-1", receivable_id=FEE, amount=eur("9.00"), waived_on=DUE, reason="late", authority="collector"
    )
    assert isinstance(waived(facts(invoice(), fee("30.00"), waivers=[back]), "10.00"), Waiver)


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="most.a.EUR"):
        WaiverLimits(most={"a": {"EUR": "-5"}})
