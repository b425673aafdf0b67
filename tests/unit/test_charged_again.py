"""A fee that is charged again counts against the caps of its rule as what it comes to, in the look and after it."""

from __future__ import annotations

from datetime import date

import attrs

from collectkit.core.guards import AtLeast
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, Debtor, DebtorKind, Payment, Receivable
from collectkit.policy import AppliesTo, ChargePolicy, LateFeePolicy, post
from collectkit.segments import Segmentation, SegmentRule
from collectkit.strategy import Strategy, decide

FEES = (
    LateFeePolicy(id="late", kind="flat", amounts={"EUR": "2.00"}, grace_days=7, once_per="period", period_days=15),
    LateFeePolicy(
        id="late",
        kind="flat",
        amounts={"EUR": "5.00"},
        grace_days=3,
        once_per="period",
        period_days=15,
        times_max=2,
        item_cap={"EUR": "3.00"},
        applies_to=AppliesTo(segments=("old",)),
    ),
)
STRATEGY = Strategy(
    name="s",
    version="1",
    charges=ChargePolicy(late_fees=FEES),
    segmentation=Segmentation(rules=[SegmentRule(id="old", when=AtLeast(fact="days_past_due", bound=10))]),
)


def seen(on: date, snapshot: AccountSnapshot) -> tuple[AccountSnapshot, list[int]]:
    """Look on a day, post what is charged and take back what is taken back; say what was charged."""
    asked = attrs.evolve(snapshot, as_of=on)
    decision = decide(strategy=STRATEGY, snapshot=asked)
    waived = [*asked.waivers, *(one.as_waiver(on=on, authority="rule") for one in decision.reversals)]
    return attrs.evolve(post(asked, decision.charges), waivers=waived), [one.amount.minor for one in decision.charges]


def test_what_a_look_charges_again_leaves_no_more_under_the_cap_for_a_second_look() -> None:
    invoice = Receivable(
        receivable_id="R-1",
        account_id="A",
        amount_original=Money(10_000, "EUR"),
        issued_on=date(2026, 1, 12),
        due_on=date(2026, 1, 23),
    )
    facts = AccountSnapshot(
        as_of=date(2026, 1, 31),
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind=DebtorKind.BUSINESS),
        receivables=(invoice,),
    )
    facts, first = seen(date(2026, 1, 31), facts)
    assert first == [200]  # 8 days past due, by the terms for everyone
    in_time = Payment(
        payment_id="P-1",
        account_id="A",
        amount=Money(10_000, "EUR"),
        received_on=date(2026, 2, 6),
        effective_on=date(2026, 1, 20),
    )
    facts, none = seen(date(2026, 2, 6), attrs.evolve(facts, payments=(in_time,)))
    assert none == []
    assert [one.amount.minor for one in facts.waivers] == [200]  # it had come in time
    bounced = attrs.evolve(in_time, returned_on=date(2026, 2, 26))
    facts, again = seen(date(2026, 2, 26), attrs.evolve(facts, payments=(bounced,)))
    assert again == [200, 100]  # what was taken back, and what the cap of 3.00 leaves for the second period
    assert seen(date(2026, 2, 26), facts)[1] == []
