"""Replay of published dunning charges: what has fallen due on each look, and what is then owed.

The days on which anything can change are walked through in order, as a daily run would: a charge that has fallen due is
kept, whatever is paid later. The amount of each is the library's own, asked of a receivable of what is open, or of the
original amount, that fell due on the eve of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from collectkit.core.money import Money, Rounding, exponent_of
from collectkit.core.rates import Rate
from collectkit.core.records import Account, AccountSnapshot, CreditNote, Debtor, Payment, Receivable
from collectkit.core.waterfall import balance_of
from collectkit.policy import (
    BalanceStep,
    ChargePolicy,
    FeeAnchor,
    LateFeePolicy,
    RateTerms,
    accrue_on,
    charges_due,
    falls_due_on,
)
from replay_kinds import Outcome

ROUNDING: dict[str, Rounding] = {"HALF_UP": "half_up", "HALF_EVEN": "half_even"}
ANCHORS: dict[str, FeeAnchor] = {"due_on": "due_on", "invoice_on": "issued_on"}
LONG_AGO = date(2000, 1, 1)

Case = dict[str, Any]
Event = dict[str, Any]
Charged = dict[tuple[int, str], Money]


def replay_fee(case: Case) -> Outcome:
    """Replay a case of the family `fee`."""
    try:
        if any(account.get("payer") for account in case["ledger"]["accounts"]):
            return Outcome(case["id"], "not replayable", "an account is paid for by another")
        is_rounded = any(charge["kind"] != "fixed" for charge in case["policy"]["charges"])
        if is_rounded and {case["policy"]["rounding"]["places"]} != {exponent_of(one) for one in currencies(case)}:
            return Outcome(case["id"], "not replayable", "money is rounded to its minor unit and nothing else")
        wrong = [text for row in case["expect"] for text in compared(case, row)]
    except Exception as error:  # one case that cannot be judged must not hide the others
        wrong = [f"{type(error).__name__}: {error}"]
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def compared(case: Case, row: dict[str, Any]) -> list[str]:
    on = date.fromisoformat(row["on"])
    events = (
        case["events"][: row["events"]]
        if "events" in row
        else [one for one in case["events"] if one["on"] <= row["on"]]
    )
    owed = {name: value(amount) for name, amount in open_on(case, events, on).items()}
    charged = charged_until(case, events, on)
    order = {one["id"]: place for place, one in enumerate(case["ledger"]["receivables"])}
    charges = [
        (case["policy"]["charges"][number], name, charged[number, name])
        for number, name in sorted(charged, key=lambda key: (key[0], order[key[1]]))
    ]
    total = sum((value(amount) for _, _, amount in charges), Fraction(0))
    found = []
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
        came = owed.get(name, Fraction(0)) + same
        if Fraction(expected) != came:
            found.append(f"{on}: receivable_owed {name} {expected} expected, {came} came")
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


# -- what fell due ---------------------------------------------------------------------------------------------


def charged_until(case: Case, events: list[Event], on: date) -> Charged:
    """Walk through the days up to a look: each charge once for each receivable, as of the first day that finds it open."""
    charged: Charged = {}
    for day in sorted({*days_of(case, events, on), on}):
        known = [one for one in events if date.fromisoformat(one["on"]) <= day]
        still_open = {name: left for name, left in open_on(case, known, day).items() if left.is_positive}
        for number, charge in enumerate(case["policy"]["charges"]):
            for row in case["ledger"]["receivables"]:
                key = (number, row["id"])
                falls_on = day_of(case, charge, row, on)
                if row["id"] not in still_open or falls_on is None or falls_on > day:
                    continue
                if charge["kind"] == "interest":  # it runs on, and is told as of the look
                    if day == on:
                        charged[key] = interest_of(case, charge, row, still_open[row["id"]], on)
                elif key not in charged:
                    amount = amount_of(case, charge, row, still_open[row["id"]], day)
                    if amount is not None:
                        charged[key] = amount
    return charged


def days_of(case: Case, events: list[Event], on: date) -> Iterator[date]:
    for event in events:
        if date.fromisoformat(event["on"]) <= on:
            yield date.fromisoformat(event["on"])
    for row in case["ledger"]["receivables"]:
        yield from (day for day in (issued_on_of(row),) if day <= on)
        for charge in case["policy"]["charges"]:
            falls_on = day_of(case, charge, row, on)
            if falls_on is not None and falls_on <= on:
                yield falls_on


def day_of(case: Case, charge: dict[str, Any], row: dict[str, Any], on: date) -> date | None:
    """Return the day a charge falls due for a row; "at once" is the day of the look, no anchor is never."""
    counted = charge["from"]
    if counted is None:
        return on
    if row[counted["anchor"]] is None:
        return None
    return falls_due_on(receivable_of(case, row), days=counted["days"], anchor=ANCHORS[counted["anchor"]])


def amount_of(case: Case, charge: dict[str, Any], row: dict[str, Any], left: Money, day: date) -> Money | None:
    """Return the charge that falls due on a day, zero where it comes to nothing."""
    is_on_original = charge["kind"] == "percent" and charge.get("basis", "original") == "original"
    base = original_of(case, row) if is_on_original else left
    eve = day - timedelta(days=1)
    late = receivable_of(case, row, amount=base, issued_on=eve, due_on=eve)
    snapshot = facts(row["account"], day, [late])
    due = charges_due(
        policies=ChargePolicy(late_fees=[fee_of(case, charge, base.currency, day)]),
        snapshot=snapshot,
        balance=balance_of(snapshot),
    )
    if due.charges:
        return due.charges[0].amount
    return Money.zero(base.currency) if any(one.code == "policy.zero" for one in due.skipped) else None


def fee_of(case: Case, charge: dict[str, Any], currency: str, on: date) -> LateFeePolicy:
    terms: dict[str, Any] = {"id": charge["code"], "rounding": rounding_of(case), "never_above_open": False}
    if charge["kind"] == "percent":
        return LateFeePolicy(kind="percent", rate=Fraction(charge["rate_percent"]) / 100, **terms)
    own = charge.get("currency") or case["policy"]["default_currency"] or currency
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


def interest_of(case: Case, charge: dict[str, Any], row: dict[str, Any], left: Money, on: date) -> Money:
    if row["due_on"] is None:
        return Money.zero(left.currency)
    base = original_of(case, row) if charge.get("basis", "open") == "original" else left
    due_on = date.fromisoformat(row["due_on"])
    # any length of a year: the rate of 360 days, over a year of 360 days
    rate = Rate.percent(Fraction(charge["rate_percent"]) * 360 / charge.get("days_in_year", 365))
    accrued = accrue_on(
        RateTerms(rate=rate, day_count="act/360"),
        [BalanceStep(from_on=due_on, balance=base)],
        due_on=due_on,
        start_on=due_on,
        end_on=max(due_on, on),
        rounding=rounding_of(case),
    )
    amount = getattr(accrued, "amount", None)
    assert isinstance(amount, Money), accrued
    return amount


# -- facts -----------------------------------------------------------------------------------------------------


def open_on(case: Case, events: list[Event], on: date) -> dict[str, Money]:
    """Return what is open of each row that exists and is not written off, all rows of an account together."""
    gone = {row["id"] for row in case["ledger"]["receivables"] if not row["posted"] or issued_on_of(row) > on}
    for event in events:
        if event["type"] == "write_off":
            gone.add(event["receivable"])
        elif event["type"] == "write_off_undone":
            gone.discard(event["receivable"])
    rows = [row for row in case["ledger"]["receivables"] if row["id"] not in gone]
    found: dict[str, Money] = {}
    for account in dict.fromkeys(row["account"] for row in rows):
        own = [row for row in rows if row["account"] == account]
        names = {row["id"] for row in own}
        payments, notes = [], []
        for number, event in enumerate(events):
            to = event.get("receivable")
            # money without a receivable is the first account's
            is_own = to in names if to is not None else account == rows[0]["account"]
            if not is_own or event["type"] not in ("payment", "credit") or event.get("unapplied"):
                continue
            amount = Money.of(event["amount"], currency_of(case, next((r for r in own if r["id"] == to), own[0])))
            day, directed = date.fromisoformat(event["on"]), (to,) if to else ()
            if event["type"] == "payment":
                payments.append(
                    Payment(
                        payment_id=f"p{number}",
                        account_id=account,
                        amount=amount,
                        received_on=day,
                        receivable_ids=directed,
                    )
                )
            else:
                notes.append(
                    CreditNote(
                        credit_note_id=f"c{number}",
                        account_id=account,
                        amount=amount,
                        issued_on=day,
                        receivable_ids=directed,
                    )
                )
        receivables = [receivable_of(case, row, amount=grown(case, row, events)) for row in own]
        snapshot = facts(account, on, receivables, payments, notes)
        found |= {item.receivable.receivable_id: item.amount_open for item in balance_of(snapshot).items}
    return {row["id"]: found[row["id"]] for row in rows if row["id"] in found}


def facts(
    account: str,
    on: date,
    receivables: list[Receivable],
    payments: list[Payment] | None = None,
    notes: list[CreditNote] | None = None,
) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id=account, debtor_id=account),
        debtor=Debtor(debtor_id=account, kind="business"),
        receivables=tuple(receivables),
        payments=tuple(payments or ()),
        credit_notes=tuple(notes or ()),
    )


def receivable_of(case: Case, row: dict[str, Any], **changed: Any) -> Receivable:
    issued_on = issued_on_of(row)
    due_on = date.fromisoformat(row["due_on"]) if row["due_on"] else issued_on
    terms = {"amount": original_of(case, row), "issued_on": min(issued_on, due_on), "due_on": due_on, **changed}
    return Receivable(
        receivable_id=row["id"],
        account_id=row["account"],
        amount_original=terms["amount"],
        issued_on=terms["issued_on"],
        due_on=terms["due_on"],
        kind=row["kind"],
    )


def issued_on_of(row: dict[str, Any]) -> date:
    return date.fromisoformat(row["invoice_on"]) if row["invoice_on"] else LONG_AGO


def original_of(case: Case, row: dict[str, Any]) -> Money:
    return Money.of(row["amount"] or "1", currency_of(case, row))


def grown(case: Case, row: dict[str, Any], events: list[Event]) -> Money:
    """Return the original amount with what was charged to the receivable itself, or opened again, since."""
    extra = [
        Money.of(one["amount"], currency_of(case, row))
        for one in events
        if one["type"] in ("charge", "reopened") and one["receivable"] == row["id"]
    ]
    return sum(extra, start=original_of(case, row))


def currency_of(case: Case, row: dict[str, Any]) -> str:
    found = row["currency"] or case["policy"]["default_currency"]
    return str(found or next((one.get("currency") for one in case["policy"]["charges"] if one.get("currency")), "EUR"))


def currencies(case: Case) -> set[str]:
    return {currency_of(case, row) for row in case["ledger"]["receivables"]}


def rounding_of(case: Case) -> Rounding:
    return ROUNDING[case["policy"]["rounding"]["mode"]]


def value(amount: Money) -> Fraction:
    return Fraction(amount.plain())
