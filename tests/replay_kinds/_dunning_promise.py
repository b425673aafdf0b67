"""Replay of published promises to pay: outcome, level and whether dunning waits, at each look."""

from __future__ import annotations

from datetime import date
from typing import Any

from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, Debtor, Payment, PromiseToPay, Receivable
from collectkit.core.waterfall import balance_of
from collectkit.promises import PromiseOutcome, holds_of, judge, levels_of, receipts_of
from replay_kinds import Outcome


def replay_promise(case: dict[str, Any]) -> Outcome:
    """Judge a case of the family `promise` at every look and compare each figure that is expected."""
    if len(case["ledger"]["accounts"]) != 1:
        return Outcome(case["id"], "not replayable", "more than one account")
    policy, wrong = case["policy"], []
    for row in case["expect"]:
        on = date.fromisoformat(row["on"])
        events = [event for event in case["events"] if date.fromisoformat(event["on"]) <= on]
        snapshot = snapshot_of(case["ledger"], events[: row.get("events")], on)
        receipts = receipts_of(snapshot, balance_of(snapshot))
        judged = judge(
            promises=snapshot.promises,
            receipts=receipts,
            as_of=on,
            supersede="overlap" if policy["one_open_per_receivable"] else "named",
        )
        levels = levels_of(
            promises=snapshot.promises,
            receipts=receipts,
            rises_after=[PromiseOutcome(name.lower()) for name in policy["level_rises_after"]],
        )
        found = {one.promise.promise_id: one for one in judged}
        for expected in row["promises"]:
            name = expected["promise"]
            came = {
                "outcome": found[name].outcome.value.upper(),
                "level": levels[name],
                "holds_dunning": policy["holds_dunning"] and bool(holds_of([found[name]], as_of=on)),
            }
            wrong += [
                f"{on} {name}: {key} {value} expected, {came[key]} came"
                for key, value in expected.items()
                if key != "promise" and came[key] != value
            ]
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def snapshot_of(ledger: dict[str, Any], events: list[dict[str, Any]], on: date) -> AccountSnapshot:
    account = ledger["accounts"][0]["id"]
    receivables = []
    for row in ledger["receivables"]:
        due_on = date.fromisoformat(row["due_on"] or row["invoice_on"])
        receivables.append(
            Receivable(
                receivable_id=row["id"],
                account_id=account,
                amount_original=Money.of(row["amount"], row["currency"] or "EUR"),
                issued_on=date.fromisoformat(row["invoice_on"] or row["due_on"]),
                due_on=due_on,
            )
        )
    currency = {one.receivable_id: one.amount_original.currency for one in receivables}
    fallback = receivables[0].amount_original.currency
    payments, promises, withdrawn = [], [], {}
    for number, event in enumerate(events):
        day = date.fromisoformat(event["on"])
        named = (event["receivable"],) if event.get("receivable") else ()
        if event["type"] == "payment":
            payments.append(
                Payment(
                    payment_id=f"payment-{number}",
                    account_id=account,
                    amount=Money.of(event["amount"], currency.get(event.get("receivable", ""), fallback)),
                    received_on=day,
                    receivable_ids=named,
                )
            )
        elif event["type"] == "promise":
            promises.append((event, named, day))
        elif event["type"] == "promise_withdrawn":
            withdrawn[event["promise"]] = day
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id=account, debtor_id="d"),
        debtor=Debtor(debtor_id="d", kind="business"),
        receivables=receivables,
        payments=payments,
        promises=[
            PromiseToPay(
                promise_id=event["promise"],
                account_id=account,
                amount=Money.of(event["amount"], currency.get(event.get("receivable", ""), fallback)),
                made_on=day,
                due_on=date.fromisoformat(event["due_on"]),
                receivable_ids=named,
                withdrawn_on=withdrawn.get(event["promise"]),
            )
            for event, named, day in promises
        ],
    )
