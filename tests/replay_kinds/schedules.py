"""Published repayment schedules: terms and events of loans, and the rows that their sources print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from collectkit import servicing as s
from collectkit.core.calendars import Every
from collectkit.core.money import Money, exponent_of
from collectkit.core.rates import Rate
from replay_kinds import Outcome

UNITS = {"day": "days", "week": "weeks", "month": "months"}
COMPONENTS = {"fee": "fee", "penalty": "late_fee"}
SHARES = {"charge_percent": "plan", "instalment_charge": "each_row", "overdue_charge": "overdue_rows"}


def replay(data: dict[str, Any], _folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        case_id = case["id"]
        if not case["replay"]:
            yield Outcome(case_id, "not replayable")
            continue
        if exponent_of(case["currency"]) != case["minor_digits"]:
            yield Outcome(case_id, "not replayable", "minor digits other than those of ISO 4217")
            continue
        try:
            difference = compare(case, s.loan_rows(terms_of(case), [event_of(case, one) for one in case["events"]]))
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
            if value is not None and got[name] != value:
                return f"row {wanted['n']} {name}: {value} is published, {got[name]} came"
    return ""


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
            for_due_on = day(event["for_due_on"])
            return s.EarlyPayment(
                on=on, for_due_on=for_due_on, principal=money("principal"), interest=money("interest")
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
