"""Published cases of promises to pay.

Sources: SAP FSCM Collections Management, "Promise to Pay" (help.sap.com, saphelp_erp60_sp, 29/4770500869f015e1...),
and SAP FI-CA, "Promise to Pay" (erp2005_ehp_07, 4b/0dc5536a51204be1...). The sources give no dates and amounts; those
here were chosen. The same cases are replayed from the shared vectors where these are present.
"""

from __future__ import annotations

from datetime import date

import pytest

from collectkit.core.money import Money
from collectkit.core.records import HoldReason, PromiseToPay
from collectkit.promises import PromiseOutcome, Receipt, holds_of, judge, levels_of

HUNDRED = Money(10_000, "EUR")


def promise(
    name: str, on: tuple[int, int], due: tuple[int, int], amount: Money = HUNDRED, r: str = "r1"
) -> PromiseToPay:
    return PromiseToPay(
        promise_id=name,
        account_id="a",
        amount=amount,
        made_on=date(2024, *on),
        due_on=date(2024, *due),
        receivable_ids=[r],
    )


@pytest.mark.parametrize(
    ("due", "paid", "closed_as"),
    [
        ((1, 31), 0, PromiseOutcome.SUPERSEDED),
        ((1, 20), 4000, PromiseOutcome.PARTLY_KEPT),
        ((1, 20), 0, PromiseOutcome.BROKEN),
    ],
)
def test_sap_a_new_promise_closes_the_first_and_is_of_level_two(due, paid, closed_as):
    made = [promise("p", (1, 10), due), promise("q", (1, 25), (2, 10))]
    receipts = (
        [Receipt(payment_id="x", on=date(2024, 1, 15), amount=Money(paid, "EUR"), receivable_ids=["r1"])]
        if paid
        else []
    )
    first, second = judge(promises=made, receipts=receipts, as_of=date(2024, 1, 25))
    assert (first.outcome, second.outcome) == (closed_as, PromiseOutcome.OPEN)
    assert levels_of(promises=made, receipts=receipts) == {"p": 1, "q": 2}


def test_sap_a_kept_promise_for_a_part_does_not_raise_the_level_of_the_next():
    made = [promise("p", (1, 10), (1, 20), Money(4000, "EUR")), promise("q", (1, 25), (2, 10), Money(6000, "EUR"))]
    receipts = [Receipt(payment_id="x", on=date(2024, 1, 15), amount=Money(4000, "EUR"), receivable_ids=["r1"])]
    first, second = judge(promises=made, receipts=receipts, as_of=date(2024, 1, 25))
    assert (first.outcome, first.decided_on) == (PromiseOutcome.KEPT, date(2024, 1, 15))
    assert second.outcome is PromiseOutcome.OPEN
    assert levels_of(promises=made, receipts=receipts) == {"p": 1, "q": 1}


def test_sap_an_open_promise_holds_dunning_and_its_lapse_releases_it():
    made = [promise("p", (1, 10), (1, 20))]
    (hold,) = holds_of(judge(promises=made, receipts=[], as_of=date(2024, 1, 20)), as_of=date(2024, 1, 20))
    assert (hold.reason, hold.until_on, hold.receivable_ids) == (HoldReason.PROMISE, date(2024, 1, 21), ("r1",))
    assert holds_of(judge(promises=made, receipts=[], as_of=date(2024, 1, 21)), as_of=date(2024, 1, 21)) == ()


def test_every_published_promise_is_reproduced(shared):
    import json

    from replay_kinds._dunning_promise import replay_promise

    cases = json.loads((shared / "vectors" / "dunning.json").read_text(encoding="utf-8"))["cases"]
    outcomes = [replay_promise(case) for case in cases if case["family"] == "promise"]
    assert len(outcomes) == 3
    assert [one for one in outcomes if one.status != "reproduced"] == []
