"""Dunning charges beyond the published cases: what the format allows, with figures written out by hand.

The rules are those of the family `fee` in `vectors/DUNNING.md`; a case is made up here and nobody's.
"""

from __future__ import annotations

from typing import Any

import pytest

from replay_kinds._dunning_fee import replay_fee

FIVE_DAYS = {"anchor": "due_on", "days": 5}


def fixed(amount: str = "10.00", **changed: Any) -> dict[str, Any]:
    return {
        "code": "f",
        "kind": "fixed",
        "amount": amount,
        "currency": "EUR",
        "from": FIVE_DAYS,
        "post_to": "new",
        **changed,
    }


def percent(rate: str, basis: str, **changed: Any) -> dict[str, Any]:
    return {
        "code": "p",
        "kind": "percent",
        "rate_percent": rate,
        "basis": basis,
        "from": FIVE_DAYS,
        "post_to": "new",
        **changed,
    }


def row(name: str = "r1", amount: str = "100.00", **changed: Any) -> dict[str, Any]:
    terms = {
        "account": "a",
        "kind": "invoice",
        "currency": "EUR",
        "posted": True,
        "invoice_on": None,
        "due_on": "2024-01-01",
    }
    return {"id": name, "amount": amount, **terms, **changed}


def event(on: str, kind: str, **terms: Any) -> dict[str, Any]:
    return {"on": on, "type": kind, **terms}


def replayed(
    charges: list[dict[str, Any]], rows: list[dict[str, Any]], events: list[dict[str, Any]], *expect: dict[str, Any]
) -> str:
    policy = {"charges": charges, "rounding": {"places": 2, "mode": "HALF_UP"}, "default_currency": None, "rates": []}
    ledger = {"accounts": [{"id": name} for name in sorted({one["account"] for one in rows})], "receivables": rows}
    case = {"id": "own", "policy": policy, "ledger": ledger, "events": events, "expect": list(expect)}
    found = replay_fee(case)
    return found.detail if found.status == "disagree" else found.status


def test_money_that_names_no_receivable_pays_the_oldest_due_once() -> None:
    rows = [row("r1"), row("r2", "50.00", due_on="2024-01-03")]
    paid = [event("2024-01-04", "payment", amount="120.00")]
    # r1 is paid, 30.00 of r2 is left
    charges = [{"code": "p", "receivable": "r2", "amount": "3.00"}]
    look = {"on": "2024-01-20", "charges": charges, "account_owed": "33.00"}
    assert replayed([percent("10", "open")], rows, paid, look) == "reproduced"


def test_a_share_of_the_original_amount_forgets_what_came_and_went() -> None:
    events = [
        event("2024-01-02", "payment", amount="60.00", receivable="r1"),
        event("2024-01-03", "reopened", amount="20.00", receivable="r1", cause="refund"),
    ]
    look = {"on": "2024-01-06", "charges": [{"code": "p", "amount": "15.00"}], "account_owed": "75.00"}
    assert replayed([percent("15", "original")], [row()], events, look) == "reproduced"


@pytest.mark.parametrize(
    ("paid_on", "charges", "owed"),
    [("2024-01-06", [], "0.00"), ("2024-01-07", [{"code": "f", "amount": "10.00"}], "10.00")],
)
def test_a_charge_that_fell_due_stays_whatever_is_paid_later(paid_on: str, charges: list[Any], owed: str) -> None:
    paid = [event(paid_on, "payment", amount="100.00", receivable="r1")]
    assert (
        replayed([fixed()], [row()], paid, {"on": "2024-01-20", "charges": charges, "account_owed": owed})
        == "reproduced"
    )


def test_a_row_that_was_written_off_counts_nowhere_until_it_is_undone() -> None:
    events = [
        event("2024-01-02", "write_off", receivable="r1"),
        event("2024-01-09", "write_off_undone", receivable="r1"),
    ]
    looks = [
        {"on": "2024-01-08", "charges": [], "account_owed": "0.00"},
        {"on": "2024-01-09", "charges": [{"code": "f", "amount": "10.00"}], "account_owed": "110.00"},
    ]
    assert replayed([fixed()], [row()], events, *looks) == "reproduced"


def test_a_row_that_is_opened_again_is_charged_from_that_day() -> None:
    events = [
        event("2024-01-03", "payment", amount="100.00", receivable="r1"),
        event("2024-01-09", "reopened", amount="100.00", receivable="r1", cause="chargeback"),
    ]
    looks = [
        {"on": "2024-01-08", "charges": [], "account_owed": "0.00"},
        {"on": "2024-01-09", "charges": [{"code": "f", "amount": "10.00"}], "account_owed": "110.00"},
    ]
    assert replayed([fixed()], [row()], events, *looks) == "reproduced"


@pytest.mark.parametrize(
    ("days_in_year", "rate", "amount"),
    [(360, "12", "1.00"), (364, "9.1", "0.75"), (365, "9.125", "0.75"), (366, "9.15", "0.75")],
)
def test_a_year_has_as_many_days_as_the_case_says(days_in_year: int, rate: str, amount: str) -> None:
    # 100.00 over 30 days: 12 % / 360 is 1.00, and 0.025 % a day is 0.75
    charge = {"code": "i", "kind": "interest", "rate_percent": rate, "basis": "open", "days_in_year": days_in_year}
    charge |= {"from": {"anchor": "due_on", "days": 1}, "post_to": "new"}
    look = {"on": "2024-01-31", "charges": [{"code": "i", "amount": amount}]}
    assert replayed([charge], [row()], [], look) == "reproduced"


def test_a_charge_may_be_counted_from_the_day_of_the_invoice_or_lie_before_the_due_date() -> None:
    rows = [row(invoice_on="2024-01-01", due_on="2024-01-31")]
    charges = [
        fixed(**{"from": {"anchor": "invoice_on", "days": 2}}),
        fixed("5.00", **{"from": {"anchor": "due_on", "days": -3}}),
    ]
    first, second = {"code": "f", "amount": "10.00"}, {"code": "f", "amount": "5.00"}
    looks = [
        {"on": "2024-01-02", "charges": []},
        {"on": "2024-01-03", "charges": [first]},
        {"on": "2024-01-27", "charges": [first]},
        {"on": "2024-01-28", "charges": [first, second], "charges_total": "15.00"},
    ]
    assert replayed(charges, rows, [], *looks) == "reproduced"


def test_a_wrong_answer_is_noticed() -> None:
    assert "10.01 expected" in replayed(
        [fixed()], [row()], [], {"on": "2024-01-06", "charges": [{"code": "f", "amount": "10.01"}]}
    )
