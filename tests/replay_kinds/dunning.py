"""Replay of published dunning cases: one function per family, which knows the family's format and never a case.

A family is replayed by a function of its name in `FAMILIES`: it takes the case and yields what is wrong. A family that
no room answers for yet is not replayable and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import attrs

from collectkit.core.aging import AgedAccount, AgedItem, Bucket, BucketScheme, Pause, age
from collectkit.core.errors import InvalidPolicy
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import Account, AccountSnapshot, CreditNote, Debtor, Payment, Receivable
from collectkit.core.waterfall import balance_of
from replay_kinds import Outcome
from replay_kinds._dunning_fee import replay_fee
from replay_kinds._dunning_promise import replay_promise

Case = dict[str, Any]
Wrong = Iterator[str]


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        whole = WHOLE.get(case["family"])
        if whole is not None:
            yield whole(case)
            continue
        family = FAMILIES.get(case["family"])
        if family is None:
            yield Outcome(case["id"], "not replayable", f"family {case['family']} has no room yet")
            continue
        try:
            wrong = "; ".join(family(case))
        except NotReplayable as error:
            yield Outcome(case["id"], "not replayable", str(error))
        except Exception as error:  # one case that cannot be judged must not hide the others
            yield Outcome(case["id"], "disagree", f"{type(error).__name__}: {error}")
        else:
            yield Outcome(case["id"], "disagree" if wrong else "reproduced", wrong)


class NotReplayable(Exception):
    """The case asks for something that no room answers for."""


# -- facts, for every family -------------------------------------------------------------------------------------

REOPENED = "#reopened"
CHARGED = "#charge"
APART = "kept-apart"  # a credit that is kept apart waits for a receivable of this name, which never comes


def events_before(case: Case, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events that a look knows of."""
    if "events" in row:
        return list(case["events"][: row["events"]])
    return [event for event in case["events"] if event["on"] <= row["on"]]


def snapshot_of(case: Case, events: list[dict[str, Any]], on: date, account_id: str) -> AccountSnapshot:
    """Build the facts of one account from the ledger and the events so far."""
    first = earliest_day(case)
    receivables = {
        row["id"]: receivable_of(row, first)
        for row in case["ledger"]["receivables"]
        if row["account"] == account_id and row["posted"]
    }
    payments: dict[str, Payment] = {}
    notes: dict[str, CreditNote] = {}
    for number, event in enumerate(events):
        name = event.get("receivable")
        if event["type"] not in {"payment", "credit", "charge", "reopened"} or (name and name not in receivables):
            continue
        day = date.fromisoformat(event["on"])
        base = receivables[name] if name else next(iter(receivables.values()))
        amount = Money.of(event["amount"], base.amount_original.currency)
        named = (name,) if name else ()
        if event["type"] == "payment":
            payments[f"p{number}"] = Payment(
                payment_id=f"p{number}", account_id=account_id, amount=amount, received_on=day, receivable_ids=named
            )
        elif event["type"] == "credit":
            notes[f"c{number}"] = CreditNote(
                credit_note_id=f"c{number}",
                account_id=account_id,
                amount=amount,
                issued_on=day,
                receivable_ids=(APART,) if event.get("unapplied") else named,
            )
        elif event["type"] == "charge":
            extra = f"{name}{CHARGED}{number}"
            receivables[extra] = attrs.evolve(
                base, receivable_id=extra, amount_original=amount, component="fee", parent_id=name
            )
        else:
            reopen(case, event, number, base, amount, receivables, payments, notes)
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id=account_id, debtor_id=account_id),
        debtor=Debtor(debtor_id=account_id, kind="business"),
        receivables=receivables.values(),
        payments=payments.values(),
        credit_notes=notes.values(),
    )


def reopen(
    case: Case,
    event: dict[str, Any],
    number: int,
    base: Receivable,
    amount: Money,
    receivables: dict[str, Receivable],
    payments: dict[str, Payment],
    notes: dict[str, CreditNote],
) -> None:
    """Undo the payment or credit of that amount; where there is none, the amount is owed anew."""
    day = date.fromisoformat(event["on"])
    ages_from = case["policy"].get("reopened_ages_from", "original")
    if ages_from == "original":
        for key, payment in reversed(payments.items()):
            if payment.receivable_ids == (base.receivable_id,) and payment.amount == amount and not payment.returned_on:
                payments[key] = attrs.evolve(payment, returned_on=day)
                return
        for key, credit in reversed(notes.items()):
            if credit.receivable_ids == (base.receivable_id,) and credit.amount == amount and not credit.cancelled_on:
                notes[key] = attrs.evolve(credit, cancelled_on=day)
                return
    extra = f"{base.receivable_id}{REOPENED}{number}"
    own_due = base.due_on if ages_from == "original" else day
    receivables[extra] = attrs.evolve(
        base, receivable_id=extra, amount_original=amount, issued_on=min(day, own_due), due_on=own_due
    )


def receivable_of(row: dict[str, Any], first: date) -> Receivable:
    issued_on = day_of(row["invoice_on"]) or first
    due_on = day_of(row["due_on"]) or issued_on
    return Receivable(
        receivable_id=row["id"],
        account_id=row["account"],
        amount_original=Money.of(row["amount"] or "1", row["currency"] or "EUR"),
        issued_on=issued_on,
        due_on=due_on,
        kind=row["kind"],
        is_due_before_issue=due_on < issued_on,
    )


def earliest_day(case: Case) -> date:
    """Return a day on which everything without a day of its own already stands."""
    days = [row[key] for row in case["ledger"]["receivables"] for key in ("invoice_on", "due_on") if row[key]]
    days += [event["on"] for event in case["events"]] + [row["on"] for row in case["expect"] if "on" in row]
    return min(map(date.fromisoformat, days))


def base_id(receivable_id: str | None) -> str:
    """Return the ledger's id of a receivable that was split to tell a part's own facts."""
    return (receivable_id or "").split("#")[0]


def day_of(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def only_account(case: Case) -> str:
    (account,) = {row["id"] for row in case["ledger"]["accounts"]}
    return str(account)


def compare(row: dict[str, Any], came: dict[str, Any], at: str) -> Wrong:
    """Compare what the row lists with what came."""
    for key, wanted in row.items():
        if key not in came:
            raise NotReplayable(f"no figure is known as {key}")
        if came[key] != wanted:
            yield f"{at} {key}: {wanted!r} expected, {came[key]!r} came"


def plain(amounts: list[Money]) -> dict[str, str]:
    return {currency: amount.plain() for currency, amount in sum_by_currency(amounts).items() if not amount.is_zero}


# -- aging -------------------------------------------------------------------------------------------------------


def aging(case: Case) -> Wrong:
    policy = case["policy"]
    scheme = scheme_of(
        policy["buckets"] or [{"code": "late", "days_min": 1, "days_max": None}], policy["none"] or "none"
    )
    for row in case["expect"]:
        on = date.fromisoformat(row["on"])
        events = events_before(case, row)
        balance = balance_of(snapshot_of(case, events, on, only_account(case)))
        pauses = pauses_of(events)

        def aged(level: str, balance: Any = balance, pauses: Any = pauses) -> AgedAccount:
            return age(
                balance,
                scheme=scheme,
                grace_days=policy["grace_days"][level],
                grace_shifts_due=True,
                pauses=[Pause(start_on=one["from_on"], end_on=one["to_on"]) for one in pauses],
                include_charges=True,
            )

        account, parts = aged("account"), aged("instalment")
        grace = timedelta(days=policy["grace_days"]["account"])
        came = {
            "account": {
                "past_due_days": account.days_past_due,
                "delinquent_days": account.delinquent_days,
                "bucket": max((item for item in account.items), key=lambda item: item.delinquent_days).bucket
                if account.items
                else scheme.current,
                "delinquent_on": (account.oldest_due_on + grace).isoformat() if account.oldest_due_on else None,
                "past_due_amount": total_of(account.past_due_items),
            },
            "instalments": []
            if policy["instalments_only_if_account_delinquent"] and not account.delinquent_days
            else by_bucket(parts, scheme),
            "pauses": [
                {
                    "from_on": one["from_on"].isoformat(),
                    "to_on": one["to_on"].isoformat(),
                    "active": one["from_on"] <= on <= one["to_on"],
                }
                for one in pauses
            ],
            "next_due_on": next_due(account, policy["next_due"]),
        }
        for key in row:
            if key == "account":
                yield from compare(row["account"], came["account"], row["on"])
            elif key not in {"on", "events"}:
                yield from compare({key: row[key]}, came, row["on"])


def scheme_of(buckets: list[dict[str, Any]], current: str) -> BucketScheme:
    return BucketScheme(buckets=[Bucket(**one) for one in buckets], current=current)


def pauses_of(events: list[dict[str, Any]]) -> list[dict[str, date]]:
    """Return the effective pauses: a resumption ends those that hold its day."""
    pauses: list[dict[str, date]] = []
    for event in events:
        if event["type"] == "pause":
            pauses.append({key: date.fromisoformat(event[key]) for key in ("from_on", "to_on")})
        elif event["type"] == "resume":
            day = date.fromisoformat(event["from_on"])
            for pause in pauses:
                if pause["from_on"] <= day <= pause["to_on"]:
                    pause["to_on"] = day
    return pauses


def by_bucket(aged: AgedAccount, scheme: BucketScheme) -> list[dict[str, str]]:
    late = [item for item in aged.items if item.delinquent_days]
    return [
        {"bucket": code, "amount": total_of(tuple(item for item in late if item.bucket == code))}
        for code in scheme.codes
        if any(item.bucket == code for item in late)
    ]


def total_of(items: tuple[AgedItem, ...]) -> str:
    amounts = sum_by_currency(item.amount_open for item in items)
    return next(iter(amounts.values())).plain() if amounts else "0.00"


def next_due(aged: AgedAccount, rule: str | None) -> str | None:
    days = [aged.next_due_on] if rule == "next_open" else [item.due_on for item in aged.items]
    return min((day.isoformat() for day in days if day), default=None)


# -- arrears -----------------------------------------------------------------------------------------------------


def arrears(case: Case) -> Wrong:
    order = [row["id"] for row in case["ledger"]["receivables"]]
    for row in case["expect"]:
        on = date.fromisoformat(row["on"])
        events = events_before(case, row)
        balance = balance_of(snapshot_of(case, events, on, only_account(case)))
        aged = age(balance, include_charges=True)
        late: dict[str, list[Money]] = {}
        for item in aged.past_due_items:
            late.setdefault(base_id(item.receivable_id), []).append(item.amount_open)
        sums = {name: next(iter(sum_by_currency(late[name]).values())) for name in order if name in late}
        covered = {name for event in events if event["type"] == "notice_sent" for name in event["receivables"]}
        still_open = {base_id(item.receivable.receivable_id) for item in balance.open_items}
        came = {
            "on": row["on"],
            "events": row.get("events"),
            "past_due": [
                {"receivable": name, "amount": amount.plain(), "currency": amount.currency}
                for name, amount in sums.items()
            ],
            "past_due_count": len(sums),
            "past_due_total": {amount.currency: amount.plain() for amount in aged.arrears},
            "open_total": plain([item.amount_open for item in balance.open_items]),
            "notice_settled": bool(covered) and not covered & still_open,
        }
        yield from compare(row, came, row["on"])


# -- policies that must be refused --------------------------------------------------------------------------------

WHY = {"aging.overlap": "buckets_overlap", "aging.gap": "buckets_gap"}


def policy_check(case: Case) -> Wrong:
    policy = case["policy"]
    made = CHECKS.get(policy["of"])
    if made is None:
        raise NotReplayable(f"family {policy['of']} has no room yet")
    reasons: list[str] = []
    try:
        made(policy)
    except InvalidPolicy as error:
        reasons = [WHY.get(problem.code, problem.code) for problem in error.problems]
    for row in case["expect"]:
        if row["accepted"] == bool(reasons):
            yield f"accepted: {row['accepted']} expected, {not reasons} came"
        elif reasons and row["why"] not in reasons:
            yield f"why: {row['why']} expected, {', '.join(reasons)} came"


def check_aging(policy: dict[str, Any]) -> object:
    return scheme_of(policy["buckets"], "none")


CHECKS: dict[str, Callable[[dict[str, Any]], object]] = {"aging": check_aging}

FAMILIES: dict[str, Callable[[Case], Wrong]] = {"aging": aging, "arrears": arrears, "policy_check": policy_check}

WHOLE: dict[str, Callable[[Case], Outcome]] = {"fee": replay_fee, "promise": replay_promise}
"""Families whose function answers for the whole case itself."""
