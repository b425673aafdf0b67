"""The waterfall: where payments, credit notes and waivers go, replayed from facts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from collectkit.core.errors import InvalidRecord
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    CreditNote,
    Debtor,
    Dispute,
    Payment,
    Receivable,
    Waiver,
)
from collectkit.core.waterfall import Balance, Item, Order, allocate, balance_of

D = date(2026, 1, 1)


def day(number: int) -> date:
    return D + timedelta(days=number)


def owed(name: str, minor: int, *, issued: int = 0, due: int = 30, currency: str = "EUR", **more: Any) -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=Money(minor, currency),
        issued_on=day(issued),
        due_on=day(due),
        **more,
    )


def paid(name: str, minor: int, on: int, *names: str, currency: str = "EUR", **more: Any) -> Payment:
    return Payment(
        payment_id=name,
        account_id="A",
        amount=Money(minor, currency),
        received_on=day(on),
        receivable_ids=names,
        **more,
    )


def dispute(name: str, raised: int, resolved: int | None, *names: str, **more: Any) -> Dispute:
    return Dispute(
        dispute_id=name,
        account_id="A",
        raised_on=day(raised),
        resolved_on=None if resolved is None else day(resolved),
        receivable_ids=names,
        **more,
    )


def waiver(name: str, receivable_id: str, minor: int, on: int, currency: str = "EUR") -> Waiver:
    return Waiver(
        waiver_id=name,
        receivable_id=receivable_id,
        amount=Money(minor, currency),
        waived_on=day(on),
        reason="goodwill",
        authority="supervisor",
    )


def look(on: int, *, order: Order | None = None, **facts: Any) -> Balance:
    snapshot = AccountSnapshot(
        as_of=day(on),
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        **facts,
    )
    return balance_of(snapshot) if order is None else balance_of(snapshot, order=order)


def left(balance: Balance) -> dict[str, int]:
    return {item.receivable.receivable_id: item.amount_open.minor for item in balance.items}


def test_costs_come_before_fees_before_interest_before_principal() -> None:
    facts = [
        owed("principal", 100, due=1),
        owed("interest", 100, due=40, component="interest"),
        owed("fee", 100, due=50, component="fee"),
        owed("cost", 100, due=60, component="cost"),
    ]
    for amount, gone in ((100, ["cost"]), (200, ["cost", "fee"]), (300, ["cost", "fee", "interest"])):
        balance = look(70, receivables=facts, payments=[paid("P", amount, 65)])
        assert [name for name, minor in left(balance).items() if minor == 0] == sorted(
            gone, key=["interest", "fee", "cost"].index
        )


def test_age_may_lead_instead_of_component() -> None:
    facts = {"receivables": [owed("old", 100, due=1), owed("fee", 100, due=50, component="fee")]}
    balance = look(70, order=Order(lead="age"), payments=[paid("P", 100, 65)], **facts)
    assert left(balance) == {"old": 0, "fee": 100}


def test_the_newest_may_come_first() -> None:
    balance = look(
        70,
        order=Order(age="newest_first"),
        receivables=[owed("a", 5, due=1), owed("b", 5, due=2)],
        payments=[paid("P", 5, 3)],
    )
    assert left(balance) == {"a": 5, "b": 0}


def test_equal_due_dates_are_paid_by_issue_and_then_by_id() -> None:
    facts = [owed("b", 10, issued=1), owed("c", 10, issued=1), owed("z", 10, issued=0)]
    balance = look(5, receivables=facts, payments=[paid("P", 20, 5)])
    assert left(balance) == {"z": 0, "b": 0, "c": 10}


@pytest.mark.parametrize("components", [["principal"], ["cost", "fee", "interest", "interest"], []])
def test_an_order_names_each_component_once(components: list[str]) -> None:
    with pytest.raises(InvalidRecord) as caught:
        Order(components=components)
    assert caught.value.code == "waterfall.components"


def test_the_debtors_direction_comes_first_in_the_order_named() -> None:
    facts = [owed("old", 100, due=1), owed("mid", 100, due=2), owed("new", 100, due=3)]
    balance = look(5, receivables=facts, payments=[paid("P", 150, 4, "new", "mid")])
    assert left(balance) == {"old": 100, "mid": 50, "new": 0}


def test_what_is_left_of_directed_money_follows_the_order() -> None:
    balance = look(
        5, receivables=[owed("old", 100, due=1), owed("new", 100, due=3)], payments=[paid("P", 150, 4, "new")]
    )
    assert left(balance) == {"old": 50, "new": 0}


def test_excess_money_is_kept_unapplied_per_currency() -> None:
    balance = look(
        5,
        receivables=[owed("r", 100)],
        payments=[paid("P", 130, 4), paid("Q", 7, 4, currency="USD"), paid("R", 1, 4, currency="CAD")],
    )
    assert balance.unapplied == (Money(1, "CAD"), Money(30, "EUR"), Money(7, "USD"))
    assert balance.amount_open == {}


def test_one_currency_never_pays_another_even_when_directed() -> None:
    balance = look(5, receivables=[owed("r", 100), owed("u", 50, currency="USD")], payments=[paid("P", 80, 4, "u")])
    assert left(balance) == {"r": 20, "u": 50}


def test_a_later_receivable_takes_up_waiting_money_on_its_day_of_issue() -> None:
    balance = look(9, receivables=[owed("r", 100, issued=7)], payments=[paid("P", 60, 2), paid("Q", 60, 3)])
    assert [(part.source_id, part.amount.minor, part.applied_on) for part in balance.applied] == [
        ("P", 60, day(7)),
        ("Q", 40, day(7)),
    ]
    assert balance.item("r").settled_on == day(7)
    assert balance.unapplied == (Money(20, "EUR"),)


def test_money_for_a_receivable_not_issued_yet_waits_for_that_one() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("now", 100), owed("later", 100, issued=8)],
        "payments": [paid("P", 90, 2, "later")],
    }
    before, after = look(7, **facts), look(8, **facts)
    assert left(before) == {"now": 100}
    assert before.unapplied == (Money(90, "EUR"),)
    assert left(after) == {"now": 100, "later": 10}
    assert after.unapplied == ()


def test_money_for_two_later_receivables_is_free_once_both_are_there() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("now", 100), owed("b", 10, issued=8), owed("c", 10, issued=8)],
        "payments": [paid("P", 90, 2, "c", "b")],
    }
    balance = look(8, **facts)
    assert left(balance) == {"now": 30, "b": 0, "c": 0}
    assert balance.unapplied == ()


def test_money_for_an_unknown_receivable_pays_no_other() -> None:
    balance = look(5, receivables=[owed("r", 100)], payments=[paid("P", 80, 4, "closed-last-year")])
    assert left(balance) == {"r": 100}
    assert balance.unapplied == (Money(80, "EUR"),)


def test_a_returned_payment_never_paid_anything() -> None:
    facts: dict[str, Any] = {"receivables": [owed("r", 100)], "payments": [paid("P", 100, 4, returned_on=day(9))]}
    assert look(8, **facts).item("r").settled_on == day(4)
    reopened = look(9, **facts).item("r")
    assert (reopened.amount_open.minor, reopened.settled_on) == (100, None)


def test_money_that_moved_up_after_a_return_settles_from_its_own_day() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("old", 100, due=1), owed("new", 100, due=2)],
        "payments": [paid("P", 100, 4, returned_on=day(9)), paid("Q", 100, 6)],
    }
    assert left(look(8, **facts)) == {"old": 0, "new": 0}
    after = look(9, **facts)
    assert left(after) == {"old": 0, "new": 100}
    assert after.item("old").settled_on == day(6)


def test_a_post_dated_payment_counts_from_its_effective_day() -> None:
    facts: dict[str, Any] = {"receivables": [owed("r", 100)], "payments": [paid("P", 100, 2, effective_on=day(9))]}
    assert left(look(8, **facts)) == {"r": 100}
    assert left(look(9, **facts)) == {"r": 0}


def test_undirected_money_passes_over_a_disputed_receivable() -> None:
    balance = look(
        5,
        receivables=[owed("old", 100, due=1), owed("new", 100, due=2)],
        payments=[paid("P", 150, 4)],
        disputes=[dispute("X", 3, None, "old")],
    )
    assert left(balance) == {"old": 100, "new": 0}
    assert balance.unapplied == (Money(50, "EUR"),)


def test_directed_money_pays_a_disputed_receivable() -> None:
    balance = look(
        5, receivables=[owed("old", 100)], payments=[paid("P", 40, 4, "old")], disputes=[dispute("X", 3, None, "old")]
    )
    assert left(balance) == {"old": 60}


def test_waiting_money_comes_back_when_the_dispute_ends() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("old", 100)],
        "payments": [paid("P", 100, 4)],
        "disputes": [dispute("X", 3, 8, "old")],
    }
    assert left(look(7, **facts)) == {"old": 100}
    assert look(8, **facts).item("old").settled_on == day(8)


def test_of_a_partial_dispute_only_the_disputed_part_is_passed_over() -> None:
    balance = look(
        5,
        receivables=[owed("old", 100)],
        payments=[paid("P", 100, 4)],
        disputes=[dispute("X", 3, None, "old", amount=Money(30, "EUR"))],
    )
    assert left(balance) == {"old": 30}


def test_a_partial_dispute_over_several_falls_on_the_oldest_due_first() -> None:
    balance = look(
        5,
        receivables=[owed("old", 100, due=1), owed("new", 100, due=2), owed("usd", 100, currency="USD")],
        payments=[paid("P", 200, 4), paid("Q", 100, 4, currency="USD")],
        disputes=[dispute("X", 3, None, amount=Money(130, "EUR"))],
    )
    assert left(balance) == {"old": 100, "new": 30, "usd": 0}


def test_a_dispute_about_the_account_stops_all_undirected_money() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("old", 100), owed("later", 10, issued=5)],
        "payments": [paid("P", 50, 4), paid("Q", 5, 4, "old")],
        "disputes": [dispute("X", 3, 8)],
    }
    assert left(look(7, **facts)) == {"old": 95, "later": 10}
    assert left(look(8, **facts)) == {"old": 45, "later": 10}


def test_a_dispute_recorded_before_its_receivable_holds_from_the_issue_on() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("r", 100, issued=5), owed("s", 100, issued=0)],
        "payments": [paid("P", 150, 2)],
        "disputes": [dispute("X", 3, 9, "r", "s")],
    }
    assert left(look(8, **facts)) == {"s": 0, "r": 100}
    assert left(look(9, **facts)) == {"s": 0, "r": 50}


def test_a_dispute_raised_and_resolved_on_one_day_stops_nothing() -> None:
    balance = look(5, receivables=[owed("r", 100)], payments=[paid("P", 100, 3)], disputes=[dispute("X", 3, 3, "r")])
    assert left(balance) == {"r": 0}


def test_two_disputes_about_one_receivable_end_with_the_last() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("r", 100)],
        "payments": [paid("P", 100, 4)],
        "disputes": [dispute("X", 3, 6, "r"), dispute("Y", 3, 8, "r")],
    }
    assert left(look(7, **facts)) == {"r": 100}
    assert left(look(8, **facts)) == {"r": 0}


def test_a_credit_note_reduces_like_money() -> None:
    credit = CreditNote(
        credit_note_id="C", account_id="A", amount=Money(70, "EUR"), issued_on=day(4), receivable_ids=("new",)
    )
    facts: dict[str, Any] = {"receivables": [owed("old", 100, due=1), owed("new", 60, due=2)]}
    assert left(look(5, credit_notes=[credit], **facts)) == {"old": 90, "new": 0}


def test_a_cancelled_credit_note_reduces_nothing() -> None:
    credit = CreditNote(
        credit_note_id="C", account_id="A", amount=Money(70, "EUR"), issued_on=day(4), cancelled_on=day(6)
    )
    facts: dict[str, Any] = {"receivables": [owed("old", 100)], "credit_notes": [credit]}
    assert left(look(5, **facts)) == {"old": 30}
    assert left(look(6, **facts)) == {"old": 100}


def test_a_waiver_drops_a_charge() -> None:
    balance = look(
        50,
        receivables=[owed("r", 100), owed("fee", 40, due=40, component="fee")],
        waivers=[waiver("W", "fee", 40, 45)],
    )
    assert left(balance) == {"r": 100, "fee": 0}
    assert balance.item("fee").settled_on == day(45)


def test_waiving_a_paid_charge_frees_the_money_for_others() -> None:
    facts: dict[str, Any] = {
        "receivables": [owed("r", 100), owed("fee", 40, due=40, component="fee")],
        "payments": [paid("P", 40, 44)],
    }
    assert left(look(45, **facts)) == {"r": 100, "fee": 0}
    assert left(look(45, waivers=[waiver("W", "fee", 40, 45)], **facts)) == {"r": 60, "fee": 0}


def test_a_waiver_is_worth_at_most_the_receivable() -> None:
    balance = look(
        50,
        receivables=[owed("fee", 40, due=40, component="fee")],
        waivers=[waiver("V", "fee", 30, 44), waiver("W", "fee", 900, 45)],
    )
    assert balance.unapplied == ()
    assert left(balance) == {"fee": 0}


@pytest.mark.parametrize(("name", "currency", "on"), [("other", "EUR", 5), ("fee", "USD", 5), ("fee", "EUR", 1)])
def test_a_waiver_of_what_is_not_there_is_refused(name: str, currency: str, on: int) -> None:
    with pytest.raises(InvalidRecord) as caught:
        look(
            9,
            receivables=[owed("fee", 40, issued=3, due=40, component="fee")],
            waivers=[waiver("W", name, 1, on, currency)],
        )
    assert caught.value.code == "waterfall.unknown_receivable"


def test_a_receivable_of_a_later_day_is_not_there_yet() -> None:
    balance = look(5, receivables=[owed("later", 100, issued=6)])
    assert balance.items == ()
    with pytest.raises(InvalidRecord) as caught:
        balance.item("later")
    assert caught.value.code == "waterfall.unknown_receivable"


def test_charges_stand_outside_principal_open() -> None:
    balance = look(50, receivables=[owed("r", 100), owed("fee", 40, due=40, component="fee")])
    assert balance.amount_open == {"EUR": Money(140, "EUR")}
    assert balance.principal_open == {"EUR": Money(100, "EUR")}


def test_an_item_says_whether_it_is_open() -> None:
    balance = look(5, receivables=[owed("r", 100), owed("s", 5)], payments=[paid("P", 5, 2, "s")])
    assert [item.is_open for item in balance.items] == [True, False]
    assert [item.receivable.receivable_id for item in balance.open_items] == ["r"]


# -- the single payment --------------------------------------------------------------------------------------------


def items(*receivables: Receivable) -> list[Item]:
    return [Item(receivable=one, amount_open=one.amount_original) for one in receivables]


def test_allocating_one_payment_leaves_untouched_items_as_they_are() -> None:
    given = items(owed("a", 10, due=1), owed("b", 10, due=2))
    done = allocate(payment=paid("P", 10, 4), items=given)
    assert done.items[1] is given[1]
    assert done.items[0].settled_on == day(4)
    assert done.unapplied == Money(0, "EUR")


def test_allocating_passes_over_disputed_items() -> None:
    done = allocate(payment=paid("P", 15, 4), items=items(owed("a", 10, due=1), owed("b", 10, due=2)), disputed=["a"])
    assert [part.receivable_id for part in done.applied] == ["b"]
    assert done.unapplied == Money(5, "EUR")


def test_allocating_a_credit_note_follows_its_direction() -> None:
    credit = CreditNote(
        credit_note_id="C", account_id="A", amount=Money(15, "EUR"), issued_on=day(4), receivable_ids=["b"]
    )
    done = allocate(payment=credit, items=items(owed("a", 10, due=1), owed("b", 10, due=2)))
    assert [(part.receivable_id, part.amount.minor) for part in done.applied] == [("b", 10), ("a", 5)]


def test_allocating_to_an_absent_receivable_leaves_the_money_unapplied() -> None:
    done = allocate(payment=paid("P", 15, 4, "elsewhere"), items=items(owed("a", 10)))
    assert done.applied == ()
    assert done.unapplied == Money(15, "EUR")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"disputed": "a"}, "records.type"),  # one text would fall into its letters
        ({"items": [1]}, "records.type"),
        ({"items": None}, "records.type"),
        ({"payment": 5}, "records.type"),
        ({"order": "oldest_first"}, "records.type"),
        ({"items": [*items(owed("a", 10)), *items(owed("a", 10))]}, "records.duplicate"),
    ],
)
def test_allocating_what_is_none_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        allocate(**({"payment": paid("P", 15, 4), "items": items(owed("a", 10))} | change))
    assert caught.value.code == code


@pytest.mark.parametrize("components", [None, 5, "cost", [1, 2]])
def test_an_order_of_what_are_no_components_is_refused(components: Any) -> None:
    with pytest.raises(InvalidRecord) as caught:
        Order(components=components)
    assert caught.value.code == "records.type"


def test_an_account_of_thousands_is_replayed_in_a_moment() -> None:
    facts = [owed(f"r{n:05d}", 100 + n % 7, issued=n % 300, due=300 + n % 60) for n in range(3000)]
    money = [paid(f"p{n:05d}", 90 + n % 11, n % 400) for n in range(3000)]
    balance = look(500, receivables=facts, payments=money)
    assert len(balance.items) == 3000
    given = sum(one.amount.minor for one in money)
    assert given == sum(part.amount.minor for part in balance.applied) + sum(one.minor for one in balance.unapplied)
