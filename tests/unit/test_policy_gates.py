"""From which sums on an account is chased, charged and written to; and which packs a decision has asked."""

from __future__ import annotations

from datetime import date, timedelta

import attrs
import pytest

import collectkit as ck
from collectkit import jurisdictions
from collectkit.core.decisions import Suppress
from collectkit.core.errors import InvalidPolicy
from collectkit.core.events import SendNotice
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import Account, AccountSnapshot, ContactPoint, Debtor, Payment, Receivable
from collectkit.core.waterfall import balance_of
from collectkit.policy import (
    ChargePolicy,
    ChargesDue,
    InterestPolicy,
    LateFeePolicy,
    RateTerms,
    RecoverySumPolicy,
    build_charges,
    charges_due,
    post,
    reversals_due,
)
from collectkit.strategy import revalidate

DUE = date(2026, 3, 2)
FEE = LateFeePolicy(id="fee", kind="flat", amounts={"EUR": "5.00", "USD": "5.00"})
GATED = ChargePolicy(late_fees=[FEE], materiality={"EUR": "100.00"})
UK = jurisdictions.load("uk-late-payment")


def owed(name: str, amount: str, due_on: date = DUE, currency: str = "EUR") -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=Money.of(amount, currency),
        issued_on=date(2026, 1, 1),
        due_on=due_on,
    )


def facts(*receivables: Receivable, on: date = DUE + timedelta(days=3), **terms: object) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business", zones=["Europe/Berlin"]),
        receivables=receivables,
        **terms,  # type: ignore[arg-type]  # as named
    )


def due(snapshot: AccountSnapshot, policies: ChargePolicy = GATED) -> ChargesDue:
    return charges_due(policies=policies, snapshot=snapshot, balance=balance_of(snapshot))


def amounts(found: ChargesDue) -> list[str]:
    return [str(one.amount) for one in found.charges]


# -- charging --------------------------------------------------------------------------------------------------


def test_a_trifle_is_not_charged_until_enough_is_past_due_on_the_account() -> None:
    later = DUE + timedelta(days=10)
    snapshot = facts(owed("R-1", "60.00"), owed("R-2", "40.00", later))
    found = due(snapshot)
    assert (amounts(found), [one.code for one in found.skipped]) == ([], ["policy.materiality"])
    assert "60.00 EUR is past due, less than 100.00 EUR" in found.skipped[0].text
    assert found.next_on == later + timedelta(days=1)
    assert amounts(due(attrs.evolve(snapshot, as_of=later + timedelta(days=1)))) == ["5.00 EUR", "5.00 EUR"]


def test_a_currency_without_a_gate_is_charged() -> None:
    assert amounts(due(facts(owed("R-1", "60.00"), owed("R-2", "1.00", currency="USD")))) == ["1.00 USD"]


def test_a_gate_undoes_no_charge_that_was_made_when_enough_was_past_due() -> None:
    snapshot = facts(owed("R-1", "60.00"), owed("R-2", "40.00"))
    posted = post(snapshot, due(snapshot).charges)
    paid = Payment(
        payment_id="P", account_id="A", amount=Money(4_000, "EUR"), received_on=date(2026, 3, 7), receivable_ids=["R-2"]
    )
    later = attrs.evolve(posted, as_of=date(2026, 3, 8), payments=[paid])
    assert reversals_due(policies=GATED, snapshot=later) == ()


def test_interest_earned_until_the_debt_was_settled_is_measured_by_the_debt() -> None:
    interest = InterestPolicy(id="interest", terms=RateTerms(rate=Rate.percent("36.5")), post_every_months=None)
    paid = Payment(payment_id="P", account_id="A", amount=Money(100_000, "EUR"), received_on=date(2026, 3, 12))
    snapshot = facts(owed("R-1", "1000.00"), on=date(2026, 3, 12), payments=[paid])
    for least, found in (("1000.00", ["9.00 EUR"]), ("1000.01", [])):
        policies = ChargePolicy(interest=[interest], materiality={"EUR": least})
        assert amounts(due(snapshot, policies)) == found


def test_a_gate_below_zero_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match=r"materiality\.EUR"):
        ChargePolicy(materiality=Money(-1, "EUR"))


# -- chasing, charging and writing -----------------------------------------------------------------------------

STRATEGY = """
name = "gates"
version = "1"
[materiality]
chasing = { EUR = "10.00" }
charging = { EUR = "50.00" }
writing = { EUR = "100.00" }
[[stages]]
id = "reminder"
after = { past_due = { days = 1 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email"]
  [[stages.steps]]
  task = "call"
[[charges]]
id = "fee"
kind = "flat"
amounts = { EUR = "5.00" }
"""
AT = (ContactPoint(contact_point_id="C", channel="email", address="a@example.com"),)


@pytest.mark.parametrize(
    ("amount", "charged", "commands"),
    [
        ("9.99", 0, []),
        ("10.00", 0, ["RaiseTask"]),
        ("50.00", 1, ["RaiseTask"]),
        ("99.99", 1, ["RaiseTask"]),
        ("100.00", 1, ["SendNotice"]),
    ],
)
def test_each_gate_opens_at_its_own_sum(amount: str, charged: int, commands: list[str]) -> None:
    strategy = ck.parse(STRATEGY)
    decision = ck.decide(strategy=strategy, snapshot=facts(owed("R-1", amount), contact_points=AT))
    assert len(decision.charges) == charged
    assert [type(one).__name__ for one in decision.commands] == commands
    told = [one.text for one in decision.reasons if one.code == "strategy.materiality"]
    assert bool(told) == (Money.of(amount, "EUR") < Money(10_000, "EUR"))


def test_a_notice_is_not_sent_once_too_little_is_left_to_write_about() -> None:
    strategy = ck.parse(STRATEGY)
    snapshot = facts(owed("R-1", "100.00"), contact_points=AT)
    (notice,) = ck.decide(strategy=strategy, snapshot=snapshot).commands
    assert isinstance(notice, SendNotice)
    part = Payment(payment_id="P", account_id="A", amount=Money(1, "EUR"), received_on=snapshot.as_of)
    answer = revalidate(
        strategy=strategy,
        command=notice,
        snapshot=attrs.evolve(snapshot, payments=[part]),
        now=notice.earliest_at,
    )
    assert isinstance(answer, Suppress)
    assert answer.reason.text.startswith("too small to write about: 99.99 EUR past due is below 100.00 EUR")


def test_amounts_alone_are_the_gate_of_chasing() -> None:
    plain = ck.parse('name = "s"\nversion = "1"\nmateriality = { EUR = "10.00" }')
    named = ck.parse('name = "s"\nversion = "1"\nmateriality = { chasing = { EUR = "10.00" } }')
    assert plain == named
    assert (plain.materiality, plain.writing_materiality, plain.charges.materiality) == ((Money(1000, "EUR"),), (), ())


def test_the_gate_of_charging_stands_in_a_table_of_charges_too() -> None:
    made = build_charges({"charges": [{"id": "f", "kind": "percent", "rate": "0.1"}], "materiality": {"EUR": "9"}})
    assert made.materiality == (Money(900, "EUR"),)
    with pytest.raises(InvalidPolicy, match=r"materiality\.EUR"):
        build_charges({"materiality": {"EUR": "-9"}})


def test_a_gate_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidPolicy) as error:
        ck.parse('name = "s"\nversion = "1"\nmateriality = { chasin = { EUR = "1" }, writing = { EUR = "x" } }')
    assert [one.path for one in error.value.problems] == ["materiality.writing.EUR", "materiality.chasin"]


# -- packs -----------------------------------------------------------------------------------------------------


def test_a_decision_names_every_pack_it_asked_with_its_version() -> None:
    fr = jurisdictions.load("fr-late-payment")
    floored = RateTerms(rate=Rate.percent("5"), floor_pack=fr, floor_rule_id="fr.l441_10.floor")
    charges = ChargePolicy(
        interest=[InterestPolicy(id="interest", terms=floored)],
        recovery_sums=[RecoverySumPolicy(id="sum", pack=UK, rule_id="uk.lpcda.compensation")],
    )
    mortgage = jurisdictions.load("us-reg-z")
    strategy = ck.Strategy(name="s", version="1", charges=charges, packs=[mortgage, UK])
    decision = ck.decide(strategy=strategy, snapshot=facts(owed("R-1", "10.00")))
    assert decision.packs == (fr.label, UK.label, mortgage.label)
    assert all(f"{pack.id}/{pack.version} " in " ".join(decision.packs) for pack in (fr, UK, mortgage))


def test_a_decision_without_packs_names_none() -> None:
    assert ck.decide(strategy=ck.Strategy(name="s", version="1"), snapshot=facts(owed("R-1", "10.00"))).packs == ()
