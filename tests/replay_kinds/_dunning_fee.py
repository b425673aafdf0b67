"""Replay of published dunning charges: what has fallen due on each look, and what is then owed.

A charge falls due on a day after an anchor; the library's late fees fall due on the day past the grace after the due
date. So each charge is asked of a receivable that is due on the eve of its day, with no grace.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import attrs

from collectkit.core.money import Money, Rounding
from collectkit.core.rates import DayCount, Rate
from collectkit.core.records import Account, AccountSnapshot, CreditNote, Debtor, Payment, Receivable
from collectkit.core.waterfall import balance_of
from collectkit.policy import BalanceStep, ChargePolicy, LateFeePolicy, RateTerms, accrue_on, charges_due
from replay_kinds import Outcome

ROUNDING: dict[str, Rounding] = {"HALF_UP": "half_up", "HALF_EVEN": "half_even"}
DAY_COUNT: dict[int, DayCount] = {360: "act/360", 364: "act/364", 365: "act/365f"}
LONG_AGO = date(2000, 1, 1)

Case = dict[str, Any]


def replay_fee(case: Case) -> Outcome:
    """Replay a case of the family `fee`."""
    if any(account.get("payer") for account in case["ledger"]["accounts"]):
        return Outcome(case["id"], "not replayable", "an account is paid for by another")
    wrong = [text for row in case["expect"] for text in compared(case, row)]
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def compared(case: Case, row: dict[str, Any]) -> list[str]:
    on = date.fromisoformat(row["on"])
    events = (
        case["events"][: row["events"]]
        if "events" in row
        else [one for one in case["events"] if one["on"] <= row["on"]]
    )
    found = []
    owed: dict[str, Fraction] = {}
    for receivable in case["ledger"]["receivables"]:
        if receivable["posted"] and (receivable["invoice_on"] or row["on"]) <= row["on"]:
            owed[receivable["id"]] = value(open_of(case, receivable, events, on))
    charges = []
    for charge in case["policy"]["charges"]:
        for receivable in case["ledger"]["receivables"]:
            if receivable["id"] in owed:
                amount = charge_of(case, charge, receivable, events, on)
                if amount is not None:
                    charges.append((charge, receivable["id"], amount))
    total = sum((value(amount) for _, _, amount in charges), Fraction(0))
    if "charges" in row:
        found += compare_charges(row, [(charge["code"], name, amount) for charge, name, amount in charges])
    if "charges_total" in row and Fraction(row["charges_total"]) != total:
        found.append(f"{on}: charges_total {row['charges_total']} expected, {total} came")
    if "account_owed" in row and Fraction(row["account_owed"]) != sum(owed.values()) + total:
        found.append(f"{on}: account_owed {row['account_owed']} expected, {sum(owed.values()) + total} came")
    for name, expected in row.get("receivable_owed", {}).items():
        same = sum(
            (value(money) for charge, to, money in charges if to == name and charge["post_to"] == "same"), Fraction(0)
        )
        if Fraction(expected) != owed[name] + same:
            found.append(f"{on}: receivable_owed {name} {expected} expected, {owed[name] + same} came")
    return found


def compare_charges(row: dict[str, Any], came: list[tuple[str, str, Money]]) -> list[str]:
    """Compare in policy order, each charge by the fields that are expected."""
    expected = row["charges"]
    if len(expected) != len(came):
        return [f"{row['on']}: {len(expected)} charges expected, {len(came)} came: {came}"]
    wrong = []
    for want, (code, name, amount) in zip(expected, came, strict=True):
        has = {"code": code, "receivable": name, "amount": value(amount), "currency": amount.currency}
        for key, wanted in want.items():
            if (Fraction(wanted) if key == "amount" else wanted) != has[key]:
                wrong.append(f"{row['on']} {code}: {key} {wanted} expected, {has[key]} came")
    return wrong


def charge_of(case: Case, charge: dict[str, Any], row: dict[str, Any], events: list[Any], on: date) -> Money | None:
    """Return the charge on one receivable, zero where it fell due and came to nothing, None where it has not."""
    falls_on = falls_due(charge, row, on)
    if falls_on is None or falls_on > on:
        return None
    if charge["kind"] == "interest":
        return interest_of(case, charge, row, events, on)
    snapshot = snapshot_of(case, row, [one for one in events if date.fromisoformat(one["on"]) <= falls_on], falls_on)
    eve = falls_on - timedelta(days=1)
    late = tuple(attrs.evolve(one, due_on=eve, issued_on=min(one.issued_on, eve)) for one in snapshot.receivables)
    snapshot = attrs.evolve(snapshot, receivables=late)
    fee = fee_of(case, charge, currency_of(case, row), falls_on)
    due = charges_due(policies=ChargePolicy(late_fees=[fee]), snapshot=snapshot, balance=balance_of(snapshot))
    if due.charges:
        return due.charges[0].amount
    came_to_nothing = any(reason.code == "policy.zero" for reason in due.skipped)
    return Money.zero(currency_of(case, row)) if came_to_nothing else None


def falls_due(charge: dict[str, Any], row: dict[str, Any], on: date) -> date | None:
    if charge["from"] is None:
        return on
    anchor = row[charge["from"]["anchor"]]
    return None if anchor is None else date.fromisoformat(anchor) + timedelta(days=charge["from"]["days"])


def fee_of(case: Case, charge: dict[str, Any], currency: str, on: date) -> LateFeePolicy:
    terms: dict[str, Any] = {"id": charge["code"], "rounding": rounding_of(case), "never_above_open": False}
    if charge["kind"] == "percent":
        return LateFeePolicy(kind="percent", rate=Fraction(charge["rate_percent"]) / 100, base=charge["basis"], **terms)
    own = charge["currency"] or case["policy"]["default_currency"] or currency
    amount = converted(case, Money.of(charge["amount"], own), currency, on)
    return LateFeePolicy(kind="flat", amounts=(amount,), **terms)


def converted(case: Case, amount: Money, currency: str, on: date) -> Money:
    """Convert by the case's own dated table, as a host would before it makes the policy: the library converts nothing."""
    if amount.currency == currency:
        return amount
    rates = [one for one in case["policy"]["rates"] if date.fromisoformat(one["on"]) <= on]
    for one in sorted(rates, key=lambda rate: rate["on"], reverse=True):
        if (one["base"], one["quote"]) == (currency, amount.currency):
            exact = Fraction(amount.plain()) / Fraction(one["rate"])
        elif (one["base"], one["quote"]) == (amount.currency, currency):
            exact = Fraction(amount.plain()) * Fraction(one["rate"])
        else:
            continue
        return Money.of(1, currency).times(exact, rounding=rounding_of(case))
    return amount


def interest_of(case: Case, charge: dict[str, Any], row: dict[str, Any], events: list[Any], on: date) -> Money:
    currency = currency_of(case, row)
    if row["due_on"] is None:
        return Money.zero(currency)
    base = Money.of(row["amount"] or "1", currency) if charge["basis"] == "original" else open_of(case, row, events, on)
    due_on = date.fromisoformat(row["due_on"])
    accrued = accrue_on(
        RateTerms(rate=Rate.percent(charge["rate_percent"]), day_count=DAY_COUNT[charge["days_in_year"]]),
        [BalanceStep(from_on=due_on, balance=base)],
        due_on=due_on,
        start_on=due_on,
        end_on=max(due_on, on),
        rounding=rounding_of(case),
    )
    amount = getattr(accrued, "amount", None)
    assert isinstance(amount, Money), accrued
    return amount


def open_of(case: Case, row: dict[str, Any], events: list[Any], on: date) -> Money:
    item = balance_of(snapshot_of(case, row, events, on)).items[0]
    return item.amount_open


def snapshot_of(case: Case, row: dict[str, Any], events: list[Any], on: date) -> AccountSnapshot:
    """Build the facts of the account of a receivable, which stands first and alone; its own events, and undirected ones."""
    account, currency = row["account"], currency_of(case, row)
    issued_on = date.fromisoformat(row["invoice_on"]) if row["invoice_on"] else LONG_AGO
    due_on = date.fromisoformat(row["due_on"]) if row["due_on"] else issued_on
    payments, notes, extra = [], [], 0
    for number, event in enumerate(events):
        if event.get("receivable", row["id"]) != row["id"]:
            continue
        day = date.fromisoformat(event["on"])
        if event["type"] in ("charge", "reopened"):
            extra += Money.of(event["amount"], currency).minor
        elif event["type"] == "payment":
            payments.append(
                Payment(
                    payment_id=f"p{number}",
                    account_id=account,
                    amount=Money.of(event["amount"], currency),
                    received_on=day,
                    receivable_ids=(row["id"],),
                )
            )
        elif event["type"] == "credit" and not event.get("unapplied"):
            notes.append(
                CreditNote(
                    credit_note_id=f"c{number}",
                    account_id=account,
                    amount=Money.of(event["amount"], currency),
                    issued_on=day,
                    receivable_ids=(row["id"],),
                )
            )
    amount = Money.of(row["amount"] or "1", currency)
    receivable = Receivable(
        receivable_id=row["id"],
        account_id=account,
        amount_original=Money(amount.minor + extra, currency),
        issued_on=min(issued_on, due_on),
        due_on=due_on,
        kind=row["kind"],
    )
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id=account, debtor_id=account),
        debtor=Debtor(debtor_id=account, kind="business"),
        receivables=(receivable,),
        payments=tuple(payments),
        credit_notes=tuple(notes),
    )


def currency_of(case: Case, row: dict[str, Any]) -> str:
    found = row["currency"] or case["policy"]["default_currency"]
    return str(found or next((one.get("currency") for one in case["policy"]["charges"] if one.get("currency")), "EUR"))


def rounding_of(case: Case) -> Rounding:
    return ROUNDING[case["policy"]["rounding"]["mode"]]


def value(amount: Money) -> Fraction:
    return Fraction(amount.plain())
