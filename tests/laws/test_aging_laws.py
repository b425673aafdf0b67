"""Laws of aging: bands are total, time only makes things later, and a report holds every cent."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.aging import BucketScheme, Pause, age, aging_report, bucket_of, days_past_due, delinquent_days
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Component,
    Debtor,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
)
from collectkit.core.waterfall import Balance, balance_of

D = date(2026, 1, 1)
DAYS = st.integers(0, 200).map(lambda number: D + timedelta(days=number))
SCHEMES = st.lists(st.integers(1, 400), unique=True, max_size=6).map(lambda ends: BucketScheme.of(*sorted(ends)))


@st.composite
def pauses(draw: st.DrawFn) -> list[Pause]:
    made = []
    for _ in range(draw(st.integers(0, 4))):
        start_on = draw(DAYS)
        length = draw(st.none() | st.integers(0, 60))
        made.append(Pause(start_on=start_on, end_on=None if length is None else start_on + timedelta(days=length)))
    return made


@st.composite
def balances(draw: st.DrawFn) -> Balance:
    receivables = []
    for number in range(draw(st.integers(0, 5))):
        issued_on, due_on = sorted([draw(DAYS), draw(DAYS)])
        receivables.append(
            Receivable(
                receivable_id=f"R{number}",
                account_id="A",
                amount_original=Money(draw(st.integers(1, 99)), draw(st.sampled_from(["EUR", "USD"]))),
                issued_on=issued_on,
                due_on=due_on,
                component=draw(st.sampled_from(list(Component))),
            )
        )
    payments = [
        Payment(
            payment_id=f"P{number}",
            account_id="A",
            amount=Money(draw(st.integers(1, 99)), draw(st.sampled_from(["EUR", "USD"]))),
            received_on=draw(DAYS),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return balance_of(
        AccountSnapshot(
            as_of=draw(DAYS),
            account=Account(account_id="A", debtor_id="D"),
            debtor=Debtor(debtor_id="D", kind="business"),
            receivables=receivables,
            payments=payments,
        )
    )


@st.composite
def plans(draw: st.DrawFn) -> PlanAgreement:
    days = sorted(draw(st.lists(DAYS, min_size=1, max_size=4)))
    return PlanAgreement(
        plan_id="PLAN",
        account_id="A",
        covers=draw(st.lists(st.sampled_from(["R0", "R1", "R2", "R3"]), min_size=1, unique=True)),
        agreed_on=draw(DAYS),
        instalments=[
            PlannedInstalment(number=number, due_on=on, amount=Money(draw(st.integers(0, 99)), "EUR"))
            for number, on in enumerate(days, start=1)
        ],
    )


@given(days=st.integers(0, 5000), scheme=SCHEMES)
def test_every_day_has_exactly_one_band(days: int, scheme: BucketScheme) -> None:
    holding = [bucket.code for bucket in scheme.buckets if bucket.holds(days)]
    assert holding == ([bucket_of(days, scheme)] if days else [])
    assert bucket_of(days, scheme) in scheme.codes


@given(due_on=DAYS, as_of=DAYS, grace=st.integers(0, 90), shifts=st.booleans(), stops=pauses())
def test_a_day_more_never_makes_it_less_late(
    due_on: date, as_of: date, grace: int, shifts: bool, stops: list[Pause]
) -> None:
    def late(on: date) -> int:
        return delinquent_days(due_on=due_on, as_of=on, grace_days=grace, grace_shifts_due=shifts, pauses=stops)

    assert 0 <= late(as_of) <= late(as_of + timedelta(days=1))
    assert late(as_of) <= days_past_due(due_on=due_on, as_of=as_of)


@given(due_on=DAYS, as_of=DAYS, stops=pauses())
def test_paused_days_are_counted_day_by_day(due_on: date, as_of: date, stops: list[Pause]) -> None:
    days = (due_on + timedelta(days=number) for number in range((as_of - due_on).days))
    running = sum(
        not any(one.start_on <= on and (one.end_on is None or on < one.end_on) for one in stops) for on in days
    )
    assert delinquent_days(due_on=due_on, as_of=as_of, pauses=stops) == running


@given(balance=balances(), scheme=SCHEMES, include=st.booleans())
def test_a_report_holds_every_open_cent(balance: Balance, scheme: BucketScheme, include: bool) -> None:
    report = aging_report([age(balance)], scheme, include_charges=include)
    expected = balance.amount_open if include else balance.principal_open
    assert {one.currency: one.amount for one in report.currencies} == expected
    for one in report.currencies:
        assert tuple(row.bucket for row in one.rows) == scheme.codes


@given(balance=balances(), grace=st.integers(0, 60), include=st.booleans(), stops=pauses())
def test_arrears_are_the_sum_of_delinquent_items(
    balance: Balance, grace: int, include: bool, stops: list[Pause]
) -> None:
    aged = age(balance, grace_days=grace, include_charges=include, pauses=stops)
    counted = [item for item in aged.items if include or not item.is_charge]
    late = sum_by_currency(item.amount_open for item in counted if item.delinquent_days)
    assert aged.arrears == tuple(late.values())
    assert aged.is_delinquent == (aged.delinquent_days > 0)
    assert aged.days_past_due == max((item.days_past_due for item in counted), default=0)


@given(balance=balances(), plan=plans())
def test_a_plan_never_asks_for_more_than_it_covers(balance: Balance, plan: PlanAgreement) -> None:
    aged = age(balance, plans=[plan])
    covered = {
        item.receivable.receivable_id
        for item in balance.items
        if item.receivable.receivable_id in plan.covers and item.amount_open.currency == plan.currency
    }
    asked = sum(item.amount_open.minor for item in aged.items if item.plan_id)
    assert asked <= sum(item.amount_open.minor for item in balance.items if item.receivable.receivable_id in covered)
    assert not covered & {item.receivable_id for item in aged.items}
    rest = [item for item in balance.open_items if item.receivable.receivable_id not in covered]
    assert len([item for item in aged.items if not item.plan_id]) == len(rest)
