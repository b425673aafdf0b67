"""Laws of the waterfall: no cent is lost, order of recording does not matter, the slow and the fast way agree."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Component,
    CreditNote,
    Debtor,
    Dispute,
    Payment,
    Receivable,
    Waiver,
)
from collectkit.core.waterfall import Item, Order, allocate, balance_of

D = date(2026, 1, 1)
DAYS = st.integers(0, 40).map(lambda number: D + timedelta(days=number))
AMOUNTS = st.builds(Money, st.integers(1, 60), st.sampled_from(["EUR", "USD"]))
NAMES = [f"R{number}" for number in range(5)]
SOME_NAMES = st.lists(st.sampled_from([*NAMES, "absent"]), max_size=3, unique=True)
ORDERS = st.builds(
    Order,
    components=st.permutations(list(Component)),
    lead=st.sampled_from(["component", "age"]),
    age=st.sampled_from(["oldest_first", "newest_first"]),
)


def later(start: date) -> st.SearchStrategy[date | None]:
    return st.none() | st.integers(0, 30).map(lambda number: start + timedelta(days=number))


@st.composite
def receivables(draw: st.DrawFn) -> list[Receivable]:
    made = []
    for name in NAMES[: draw(st.integers(0, len(NAMES)))]:
        issued_on, due_on = sorted([draw(DAYS), draw(DAYS)])
        made.append(
            Receivable(
                receivable_id=name,
                account_id="A",
                amount_original=draw(AMOUNTS),
                issued_on=issued_on,
                due_on=due_on,
                component=draw(st.sampled_from(list(Component))),
            )
        )
    return made


@st.composite
def snapshots(draw: st.DrawFn) -> AccountSnapshot:
    owed = draw(receivables())
    payments = []
    for number in range(draw(st.integers(0, 5))):
        received_on = draw(DAYS)
        payments.append(
            Payment(
                payment_id=f"P{number}",
                account_id="A",
                amount=draw(AMOUNTS),
                received_on=received_on,
                receivable_ids=draw(SOME_NAMES),
                returned_on=draw(later(received_on)),
            )
        )
    notes = []
    for number in range(draw(st.integers(0, 2))):
        issued_on = draw(DAYS)
        notes.append(
            CreditNote(
                credit_note_id=f"P{number}",  # the same ids as payments: sources are told apart by kind
                account_id="A",
                amount=draw(AMOUNTS),
                issued_on=issued_on,
                receivable_ids=draw(SOME_NAMES),
                cancelled_on=draw(later(issued_on)),
            )
        )
    disputes = []
    for number in range(draw(st.integers(0, 3))):
        raised_on = draw(DAYS)
        disputes.append(
            Dispute(
                dispute_id=f"X{number}",
                account_id="A",
                raised_on=raised_on,
                receivable_ids=draw(SOME_NAMES),
                amount=draw(st.none() | AMOUNTS),
                resolved_on=draw(later(raised_on)),
            )
        )
    waivers = [
        Waiver(
            waiver_id=f"W{number}",
            receivable_id=one.receivable_id,
            amount=Money(draw(st.integers(1, 80)), one.amount_original.currency),
            waived_on=one.issued_on + timedelta(days=draw(st.integers(0, 20))),
            reason="goodwill",
            authority="supervisor",
        )
        for number, one in enumerate(draw(st.lists(st.sampled_from(owed), max_size=3)) if owed else [])
    ]
    return AccountSnapshot(
        as_of=draw(DAYS) + timedelta(days=20),
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=owed,
        payments=payments,
        credit_notes=notes,
        disputes=disputes,
        waivers=waivers,
    )


def sums(amounts: Any) -> dict[str, int]:
    made: dict[str, int] = {}
    for amount in amounts:
        made[amount.currency] = made.get(amount.currency, 0) + amount.minor
    return {currency: minor for currency, minor in made.items() if minor}


@given(snapshot=snapshots(), order=ORDERS)
def test_no_cent_is_lost_whatever_is_paid(snapshot: AccountSnapshot, order: Order) -> None:
    balance = balance_of(snapshot, order=order)
    on = snapshot.as_of
    waived: dict[str, int] = {}
    for one in snapshot.waivers:
        if one.waived_on <= on:
            waived[one.receivable_id] = waived.get(one.receivable_id, 0) + one.amount.minor
    original = {one.receivable_id: one.amount_original for one in snapshot.receivables}
    dropped = [Money(min(minor, original[name].minor), original[name].currency) for name, minor in waived.items()]
    given_in = [
        *(one.amount for one in snapshot.payments if one.counts_on(on)),
        *(one.amount for one in snapshot.credit_notes if one.counts_on(on)),
        *dropped,
    ]
    assert sums(given_in) == sums([*(part.amount for part in balance.applied), *balance.unapplied])
    owed = [one.amount_original for one in snapshot.receivables if one.issued_on <= on]
    assert sums(owed) == sums(
        [*(item.amount_open for item in balance.items), *(part.amount for part in balance.applied)]
    )


@given(snapshot=snapshots(), order=ORDERS)
def test_nothing_is_paid_below_zero_or_in_another_currency(snapshot: AccountSnapshot, order: Order) -> None:
    balance = balance_of(snapshot, order=order)
    for item in balance.items:
        assert 0 <= item.amount_open.minor <= item.receivable.amount_original.minor
        assert item.amount_open.currency == item.receivable.amount_original.currency
        assert (item.settled_on is None) == item.is_open
    for part in balance.applied:
        assert part.amount.is_positive
        assert part.amount.currency == balance.item(part.receivable_id).amount_open.currency
        assert part.applied_on >= balance.item(part.receivable_id).receivable.issued_on


@given(snapshot=snapshots(), order=ORDERS, seed=st.integers(0, 1000))
def test_the_order_of_the_records_does_not_matter(snapshot: AccountSnapshot, order: Order, seed: int) -> None:
    dice = random.Random(seed)
    shuffled = {}
    for name in ("receivables", "payments", "credit_notes", "disputes", "waivers"):
        records = list(getattr(snapshot, name))
        dice.shuffle(records)
        shuffled[name] = records
    assert balance_of(attrs.evolve(snapshot, **shuffled), order=order) == balance_of(snapshot, order=order)


@given(snapshot=snapshots(), order=ORDERS)
def test_facts_of_later_days_change_nothing(snapshot: AccountSnapshot, order: Order) -> None:
    on = snapshot.as_of
    known = attrs.evolve(
        snapshot,
        receivables=[one for one in snapshot.receivables if one.issued_on <= on],
        payments=[one for one in snapshot.payments if one.effective_on <= on],
        credit_notes=[one for one in snapshot.credit_notes if one.issued_on <= on],
        disputes=[one for one in snapshot.disputes if one.raised_on <= on],
        waivers=[one for one in snapshot.waivers if one.waived_on <= on],
    )
    assert balance_of(known, order=order) == balance_of(snapshot, order=order)


@given(snapshot=snapshots(), order=ORDERS)
def test_undirected_money_waits_only_where_nothing_undisputed_is_open(snapshot: AccountSnapshot, order: Order) -> None:
    plain = attrs.evolve(
        snapshot,
        disputes=(),
        payments=[attrs.evolve(one, receivable_ids=()) for one in snapshot.payments],
        credit_notes=[attrs.evolve(one, receivable_ids=()) for one in snapshot.credit_notes],
    )
    balance = balance_of(plain, order=order)
    assert not {one.currency for one in balance.unapplied} & set(balance.amount_open)


@settings(max_examples=60)
@given(owed=receivables(), amounts=st.lists(AMOUNTS, max_size=5), order=ORDERS)
def test_the_replay_agrees_with_one_payment_at_a_time(
    owed: list[Receivable], amounts: list[Money], order: Order
) -> None:
    """An independent way for the plain case: everything is issued first, then each payment is allocated by itself."""
    first = [attrs.evolve(one, issued_on=D, due_on=max(one.due_on, D)) for one in owed]
    payments = [
        Payment(payment_id=f"P{number}", account_id="A", amount=amount, received_on=D + timedelta(days=number + 1))
        for number, amount in enumerate(amounts)
    ]
    items = tuple(Item(receivable=one, amount_open=one.amount_original) for one in first)
    for payment in payments:
        items = allocate(payment=payment, items=items, order=order).items
    balance = balance_of(
        AccountSnapshot(
            as_of=D + timedelta(days=50),
            account=Account(account_id="A", debtor_id="D"),
            debtor=Debtor(debtor_id="D", kind="business"),
            receivables=first,
            payments=payments,
        ),
        order=order,
    )
    assert {item.receivable.receivable_id: item for item in items} == {
        item.receivable.receivable_id: item for item in balance.items
    }
