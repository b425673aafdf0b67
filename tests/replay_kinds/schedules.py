"""Published repayment schedules: terms and events of loans, and the rows that their sources print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs

from collectkit import servicing as s
from collectkit.core.calendars import Every
from collectkit.core.errors import InvalidMoney
from collectkit.core.money import Money, exponent_of
from collectkit.core.rates import Rate
from replay_kinds import Outcome

UNITS = {"day": "days", "week": "weeks", "month": "months"}
COMPONENTS = {"fee": "fee", "penalty": "late_fee"}
SHARES = {"charge_percent": "plan", "instalment_charge": "each_row", "overdue_charge": "overdue_rows"}
# The library knows digits by currency; a case with other digits is replayed in a currency that has them.
STAND_INS = {0: "JPY", 2: "EUR", 3: "KWD", 4: "CLF"}
AMOUNTS = ("principal", "interest", "fees", "penalties", "total_due", "balance_after")


def replay(data: dict[str, Any], _folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        case_id = case["id"]
        if not case["replay"]:
            yield Outcome(case_id, "not replayable")
            continue
        currency = currency_of(case)
        if currency is None:
            yield Outcome(case_id, "not replayable", f"no currency has {case['minor_digits']} minor digits")
            continue
        if case["terms"]["rounding"] is None and case["terms"]["engine"] != "plain":
            yield Outcome(case_id, "not replayable", "only the plain engine leaves figures unrounded")
            continue
        case = {**case, "currency": currency}
        try:
            difference = compare(case, s.loan_rows(terms_of(case), events_of(case)))
        except Exception as error:  # a case that cannot be run disagrees, and the others go on
            difference = f"{type(error).__name__}: {error}"
        yield Outcome(case_id, "disagree" if difference else "reproduced", difference)


def compare(case: dict[str, Any], rows: tuple[s.LoanRow, ...]) -> str:
    """Say where the first difference is; empty when every published figure is met."""
    listed = case["rows"]
    if len(rows) < len(listed) or (len(rows) != len(listed) and not case["partial"]):
        return f"{len(listed)} rows are published, {len(rows)} came"
    for wanted, row in zip(listed, rows, strict=False):
        got = {
            "n": row.number,
            "from_on": row.from_on and row.from_on.isoformat(),
            "due_on": row.due_on and row.due_on.isoformat(),
            "days": row.days,
            "principal": row.principal.plain(),
            "interest": row.interest.plain(),
            "fees": row.fee.plain(),
            "penalties": row.late_fee.plain(),
            "total_due": row.total.plain(),
            "balance_after": row.balance.plain(),
        }
        for name, value in wanted.items():
            if value is not None and not is_same(name, got[name], value):
                return f"row {wanted['n']} {name}: {value} is published, {got[name]} came"
    return ""


def is_same(name: str, got: Any, value: Any) -> bool:
    """Compare figures by value, since 17.1 and 17.10 are the same cents."""
    return bool(Fraction(got) == Fraction(value) if name in AMOUNTS else got == value)


def currency_of(case: dict[str, Any]) -> str | None:
    """Return the currency of the case where it has the digits that the case says, else one that has them."""
    own: str = case["currency"]
    try:
        if exponent_of(own) == case["minor_digits"]:
            return own
    except InvalidMoney:  # a code that ISO 4217 does not list; the figures are the same in any currency
        pass
    return STAND_INS.get(case["minor_digits"])


def terms_of(case: dict[str, Any]) -> s.LoanTerms:
    t = case["terms"]
    currency = case["currency"]
    year = t["days_in_year"]
    return s.LoanTerms(
        currency=currency,
        rate=Rate.percent(t["annual_rate_percent"]),
        instalments=t["instalments"],
        every=every_of(t["every"]),
        engine=t["engine"],
        start_on=day(t["start_on"]),
        first_due_on=day(t["first_due_on"]),
        due_on=tuple(date.fromisoformat(one) for one in t["due_on"] or ()),
        month_end=t["month_end"],
        digits=t["math_digits"],
        multiple=None if t["instalment_multiple"] is None else Money.of(t["instalment_multiple"], currency),
        has_fairness_step=t["fairness_step"],
        accrual=t["accrual"],
        year_days=None if year in (None, "actual") else int(year),
        month_days=30 if t["days_in_month"] == "30" else None,
        is_split_at_year_end=t["year_split"] == "dec31",
        level_days=30 if t["level_period"] == "30_days" else None,
        principal_grace=t["principal_grace"],
        interest_grace=t["interest_grace"],
        down_payment=Fraction(t["down_payment_percent"] or 0) / 100,
        is_down_payment_paid=t["down_payment_paid"],
        recalculation=recalculation_of(t["recalculation"]),
    )


def recalculation_of(given: dict[str, Any] | None) -> s.Recalculation | None:
    if given is None:
        return None
    return s.Recalculation(
        payoff_interest=given["payoff_interest"] or "to_payoff_day",
        has_new_level=given["excess_payment"] == "reduce_instalment",
        is_compounding=given["compounding"] == "monthly",
    )


def events_of(case: dict[str, Any]) -> list[s.LoanEvent]:
    """Return the events, numbered as the source posts them: within a day that order is a fact of the case."""
    return [attrs.evolve(event_of(case, one), sequence=number) for number, one in enumerate(case["events"])]


def event_of(case: dict[str, Any], event: dict[str, Any]) -> s.LoanEvent:
    def money(name: str) -> Money:
        return Money.of(event[name], case["currency"])

    on = day(event["on"])
    match event["type"]:
        case "disbursement":
            return s.Drawdown(on=on, amount=money("amount"))
        case "payment":
            return s.LoanPayment(on=on, amount=money("amount"))
        case "early_payment":
            for_due_on = date.fromisoformat(event["for_due_on"])
            return s.EarlyPayment(
                on=min(date.fromisoformat(event["on"]), for_due_on),  # booked late, it counts when the row was due
                for_due_on=for_due_on,
                principal=money("principal"),
                interest=money("interest"),
            )
        case "payoff":
            return s.Payoff(on=on)
        case "recalculate":
            return s.Recalculated(on=on)
        case "charge":
            return s.Charged(on=on, component=COMPONENTS[event["component"]], amount=money("amount"))
        case "charge_percent" | "instalment_charge" | "overdue_charge":
            return s.ChargedShare(
                on=on,
                component=COMPONENTS[event["component"]],
                share=Fraction(event["percent"]) / 100,
                base=tuple(event["base"]),
                over=SHARES[event["type"]],
            )
        case "charge_off":
            return s.ChargedOff(on=on)
        case "chargeback":
            return s.ChargedBack(on=on, amount=money("amount"))
        case "reage":
            return s.ReAged(
                on=on,
                first_due_on=day(event["first_due_on"]),
                instalments=event["instalments"],
                every=every_of(event["every"]),
            )
        case "reamortise":
            return s.Reamortised(on=on)
        case "reschedule":
            return s.Rescheduled(on=on, from_due_on=day(event["from_due_on"]), to_due_on=day(event["to_due_on"]))
    raise ValueError(f"unknown event {event['type']}")


def every_of(given: dict[str, Any]) -> Every:
    return Every(given["n"], UNITS[given["unit"]])


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
