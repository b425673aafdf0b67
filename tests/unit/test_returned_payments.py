"""A charge for a returned payment stays with what the payment was for, and never wanders to another receivable."""

from __future__ import annotations

from datetime import date

import attrs
import pytest

from collectkit._policy import corrections
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, Debtor, Hold, Payment, Receivable
from collectkit.core.rules import Applicability, Citation, Dated, DatedValue, FeeLimit, Moratorium, Rule, RulePack
from collectkit.core.waterfall import Balance, Order, balance_of
from collectkit.policy import (
    ChargePolicy,
    ChargesDue,
    LateFeePolicy,
    ReturnedPaymentPolicy,
    charges_due,
    post,
    reversals_due,
)

ISSUED = date(2026, 2, 1)
RETURNED = date(2026, 2, 20)
PAID = date(2026, 3, 5)
LATE = LateFeePolicy(id="late", kind="flat", amounts={"EUR": "5.00"})
BOUNCED = ReturnedPaymentPolicy(id="bounced", amounts={"EUR": "4.00"})


def invoice(name: str, due_on: date) -> Receivable:
    return Receivable(
        receivable_id=name, account_id="A", amount_original=Money(10_000, "EUR"), issued_on=ISSUED, due_on=due_on
    )


def paid(name: str, on: date, minor: int = 10_000, *names: str, **more: date) -> Payment:
    return Payment(
        payment_id=name, account_id="A", amount=Money(minor, "EUR"), received_on=on, receivable_ids=names, **more
    )


def pack(value: FeeLimit | Moratorium) -> RulePack:
    source = Citation(authority="a law", locator="1", address="example.org", read_on=ISSUED)
    point = DatedValue(value=value, citation=source)
    through = date(2027, 1, 1)
    rule = Rule(
        id="law.1",
        topic="t",
        text="t",
        applies_to=Applicability(),
        parameters=Dated(points=[point], reviewed_through=through),
    )
    return RulePack(id="law", version="1", jurisdiction="XX", title="law", reviewed_through=through, rules=[rule])


def facts(*, holds: tuple[Hold, ...] = ()) -> AccountSnapshot:
    """R-1 is due on 10 February and R-2 not before 20 April; the payment for R-1 was returned on 20 February."""
    return AccountSnapshot(
        as_of=date(2026, 2, 11),
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[invoice("R-1", date(2026, 2, 10)), invoice("R-2", date(2026, 4, 20))],
        holds=holds,
    )


def charged(
    rules: ChargePolicy,
    snapshot: AccountSnapshot,
    payments: tuple[Payment, ...],
    *days: date,
    packs: tuple[RulePack, ...] = (),
) -> list[tuple[str, str, int]]:
    """Look on each day with what is known by then, post what is due, and list it."""
    found: list[tuple[str, str, int]] = []
    for day in days:
        known = [
            one if one.returned_on is None or one.returned_on <= day else attrs.evolve(one, returned_on=None)
            for one in payments
            if one.received_on <= day
        ]
        snapshot = attrs.evolve(snapshot, as_of=day, payments=known)
        due: ChargesDue = charges_due(policies=rules, snapshot=snapshot, balance=balance_of(snapshot), packs=packs)
        found += [(one.rule, one.receivable_id, one.amount.minor) for one in due.charges]
        snapshot = post(snapshot, due.charges)
    return found


LOOKS = (date(2026, 2, 11), date(2026, 2, 12), RETURNED, date(2026, 3, 1), PAID, date(2026, 3, 20))
NAMED = pytest.mark.parametrize("names", [(), ("R-1",)], ids=["names nothing", "names R-1"])


@NAMED
def test_one_fee_for_one_event_is_not_evaded_once_the_invoice_is_paid(names: tuple[str, ...]) -> None:
    rules = ChargePolicy(late_fees=[LATE], returned_payments=[attrs.evolve(BOUNCED, exclusive_with=("late",))])
    payments = (
        paid("P-1", date(2026, 2, 12), 10_000, *names, returned_on=RETURNED),
        paid("P-2", PAID, 10_500),
    )
    assert charged(rules, facts(), payments, *LOOKS) == [("late", "R-1", 500)]


@NAMED
def test_a_return_inside_a_moratorium_is_never_charged_on_another_invoice(names: tuple[str, ...]) -> None:
    hold = Hold(
        hold_id="H",
        account_id="A",
        reason="breathing_space",
        placed_on=date(2026, 2, 15),
        until_on=date(2026, 3, 1),
        receivable_ids=("R-1",),
    )
    payments = (
        paid("P-1", date(2026, 2, 12), 10_000, *names, returned_on=RETURNED),
        paid("P-2", PAID, 10_000, "R-1"),
    )
    law = pack(Moratorium(days=60, freezes=("fees", "interest")))
    rules = ChargePolicy(returned_payments=[BOUNCED])
    assert charged(rules, facts(holds=(hold,)), payments, *LOOKS, packs=(law,)) == []


@NAMED
def test_a_limit_that_is_used_up_on_one_invoice_moves_no_charge_to_another(names: tuple[str, ...]) -> None:
    payments = (
        paid("P-1", date(2026, 2, 12), 10_000, *names, returned_on=RETURNED),
        paid("P-2", PAID, 10_500, "R-1"),
    )
    law = pack(FeeLimit(amounts=(Money(500, "EUR"),), base="instalment"))
    rules = ChargePolicy(late_fees=[LATE], returned_payments=[BOUNCED])
    assert charged(rules, facts(), payments, *LOOKS, packs=(law,)) == [("late", "R-1", 500)]


@pytest.mark.parametrize("paid_on", [RETURNED, date(2026, 3, 5)], ids=["the same day", "later"])
def test_what_is_paid_again_before_anybody_looks_bears_no_charge_and_neither_does_another(paid_on: date) -> None:
    payments = (paid("P-1", date(2026, 2, 12), returned_on=RETURNED), paid("P-2", paid_on))
    rules = ChargePolicy(returned_payments=[BOUNCED])
    assert charged(rules, facts(), payments, date(2026, 2, 12), date(2026, 3, 20)) == []


def test_money_that_counts_from_before_the_return_but_came_later_moves_no_charge() -> None:
    rules = ChargePolicy(late_fees=[LATE], returned_payments=[attrs.evolve(BOUNCED, exclusive_with=("late",))])
    payments = (
        paid("P-1", date(2026, 2, 12), returned_on=RETURNED),
        paid("P-2", PAID, 10_500, effective_on=date(2026, 2, 18)),
    )
    assert charged(rules, facts(), payments, *LOOKS) == [("late", "R-1", 500)]


def test_a_charge_of_the_day_of_the_return_stands_on_what_the_payment_was_for() -> None:
    payments = (paid("P-1", date(2026, 2, 12), returned_on=RETURNED), paid("P-2", PAID, 10_400))
    rules = ChargePolicy(returned_payments=[BOUNCED])
    assert charged(rules, facts(), payments, *LOOKS) == [("bounced", "R-1", 400)]


def test_the_charges_of_one_day_are_judged_again_from_two_replays_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    replays: list[date] = []

    def counted(snapshot: AccountSnapshot, *, order: Order) -> Balance:
        replays.append(snapshot.as_of)
        return balance_of(snapshot, order=order)

    monkeypatch.setattr(corrections, "balance_of", counted)
    rules = ChargePolicy(late_fees=[LATE])
    many = [invoice(f"R-{number:02}", date(2026, 2, 10)) for number in range(40)]
    snapshot = attrs.evolve(facts(), receivables=many)
    due = charges_due(policies=rules, snapshot=snapshot, balance=balance_of(snapshot))
    posted = attrs.evolve(post(snapshot, due.charges), as_of=date(2026, 3, 20))
    before = attrs.evolve(posted, payments=[paid("P-1", date(2026, 2, 12), returned_on=RETURNED)])
    assert reversals_due(policies=rules, snapshot=before, is_by_payments=True) == ()
    assert replays == []  # the payment did not exist yet when the charges were made
    late = attrs.evolve(posted, payments=[paid("P-1", PAID, 10_000, "R-07", effective_on=date(2026, 2, 9))])
    (wrong,) = reversals_due(policies=rules, snapshot=late, is_by_payments=True)
    assert (wrong.receivable_id, wrong.amount.minor) == (due.charges[7].key, 500)
    assert len(replays) <= 4  # two for each pass; the second pass finds nothing more
