"""What a plan tells about its cost: sums that agree with the words, and no rate where none can be."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.plans import PaymentPlan, agreed_plan, amortised_plan, disclose

START = date(2026, 1, 31)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def made(**options: Any) -> PaymentPlan:
    terms = {"plan_id": "P", "principal": eur("1000"), "rate": Rate.percent("12"), "instalments": 4, "start_on": START}
    return amortised_plan(**(terms | options))


def test_the_words_name_the_down_payment_and_add_up() -> None:
    told = disclose(made(down_payment=eur("100")))
    assert told.schedule_in_words[0] == "a down payment of 100.00 EUR on 2026-01-31"
    assert told.lines()[0] == "down payment 100.00 EUR"
    assert told.amount_financed == eur("900")
    in_words = [re.match(r"(?:a|(\d+)) [a-z ]+ of ([\d.]+) EUR", line) for line in told.schedule_in_words]
    total = sum(int(found[1] or 1) * Decimal(found[2]) for found in in_words if found)
    assert told.down_payment + told.total_of_payments == eur(str(total))


def test_without_a_down_payment_none_is_told() -> None:
    told = disclose(made())
    assert told.down_payment == eur("0")
    assert told.lines()[0] == "amount financed 1000.00 EUR"


def test_an_instalment_on_the_first_day_is_not_financed() -> None:
    plan = agreed_plan(
        plan_id="P", principal=eur("300"), start_on=START, parts=[(START, eur("100")), (date(2026, 3, 31), None)]
    )
    told = disclose(plan)
    assert (told.down_payment, told.amount_financed, told.cost) == (eur("100"), eur("200"), eur("0"))


def test_what_is_paid_whole_on_the_first_day_has_no_rate() -> None:
    plan = agreed_plan(plan_id="P", principal=eur("300"), start_on=START, parts=[(START, None)])
    with pytest.raises(InvalidTerms, match="paid whole on 2026-01-31") as raised:
        disclose(plan)
    assert raised.value.code == "plans.disclosure"


@pytest.mark.parametrize("charges", [5, "5", True, Decimal(5), eur("-0.01")])
def test_prepaid_charges_that_are_no_sum_of_money_are_refused(charges: Any) -> None:
    with pytest.raises(InvalidTerms) as raised:
        disclose(made(), prepaid_charges=charges)
    assert raised.value.code == "plans.disclosure"


def test_charges_that_leave_nothing_financed_are_refused() -> None:
    with pytest.raises(InvalidTerms, match="leave nothing financed") as raised:
        disclose(made(), prepaid_charges=eur("1000"))
    assert raised.value.code == "plans.disclosure"


def test_charges_in_another_currency_are_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        disclose(made(), prepaid_charges=Money.of("5", "USD"))
