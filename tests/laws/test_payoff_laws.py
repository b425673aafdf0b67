"""Laws of what closes a plan: day after day, late or early, and before and after changes of one day.

The reckoning beside the code is a ledger that knows no plans: open principal, a share of interest for each day, and
days on which rows fall due.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from collectkit import plans, servicing
from collectkit.core.calendars import WEEKENDS_ONLY, Every
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import Payment

DAY = timedelta(days=1)
DAY_COUNTS = (None, "act/365f", "act/360", "30E/360", "30/360-us", "30E/360-isda", "act/act-isda", "act/act-icma")
SHAPES = (
    "amortised",
    "equal_split",
    "equal_principal",
    "flat",
    "interest_only",
    "balloon",
    "bullet",
    "compound",
    "stepped",
    "steps",
    "minimum_payment",
    "agreed",
    "pay",
    "collect",
    "capitalise",
    "waive",
)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def made(shape: str, debt: int, count: int, **common: Any) -> plans.PaymentPlan:
    """Build a plan of a shape; refused terms end the example."""
    common |= {"plan_id": "P", "principal": eur(debt)}
    rate = common.pop("rate")
    builders: dict[str, Callable[[], plans.PaymentPlan]] = {
        "amortised": lambda: plans.amortised_plan(rate=rate, instalments=count, **common),
        "equal_split": lambda: plans.equal_split_plan(instalments=count, **common),
        "equal_principal": lambda: plans.equal_principal_plan(rate=rate, instalments=count, **common),
        "flat": lambda: plans.flat_plan(rate=rate, instalments=count, **common),
        "interest_only": lambda: plans.interest_only_plan(rate=rate, instalments=count, **common),
        "balloon": lambda: plans.balloon_plan(rate=rate, instalments=count, balloon=eur(debt // 3), **common),
        "bullet": lambda: plans.bullet_plan(rate=rate, periods=count, **common),
        "compound": lambda: plans.bullet_plan(rate=rate, periods=count, interest="compound", **common),
        "stepped": lambda: plans.stepped_plan(
            rate=rate, instalments=count, growth=Fraction(1, 10), rows_per_step=2, **common
        ),
        "steps": lambda: plans.stepped_plan(
            rate=rate, instalments=count, steps=[((count + 1) // 2, eur(debt // count // 2 + debt // 20))], **common
        ),
        "minimum_payment": lambda: plans.minimum_payment_plan(
            rate=rate, share=Fraction(1, 4), floor=eur(debt // 8), **common
        ),
        "agreed": lambda: plans.agreed_plan(
            rate=rate,
            parts=[
                *(
                    (common["start_on"] + timedelta(days=23 * n + n * n), eur(debt // 7))
                    for n in range(1, min(count, 5))
                ),
                (common["start_on"] + timedelta(days=23 * 7 + 49), None),
            ],
            **{name: value for name, value in common.items() if name not in ("every", "skip_months")},
        ),
        **{
            treatment: lambda treatment=treatment: plans.deferred_plan(  # type: ignore[misc]
                rate=rate, instalments=count, grace=2, interest=treatment, **common
            )
            for treatment in ("pay", "collect", "capitalise", "waive")
        },
    }
    try:
        return builders[shape]()
    except InvalidTerms:
        assume(False)
        raise


@st.composite
def any_plan(draw: st.DrawFn, shapes: tuple[str, ...] = SHAPES) -> plans.PaymentPlan:
    """A plan of any shape and day count; dates may move to business days, or skip months."""
    common: dict[str, Any] = {
        "start_on": draw(st.dates(date(1996, 1, 1), date(2050, 1, 1))),
        "rate": Rate(draw(st.fractions(Fraction(1, 200), Fraction(60, 100), max_denominator=400))),
        "day_count": draw(st.sampled_from(DAY_COUNTS)),
        "every": Every(1, draw(st.sampled_from(["months", "months", "weeks"]))),
    }
    shape = draw(st.sampled_from(shapes))
    if shape == "agreed" and common["day_count"] in (None, "act/act-icma"):
        common["day_count"] = "act/365f"
    if draw(st.integers(0, 3)) == 0:
        common |= {"calendar": WEEKENDS_ONLY, "adjustment": draw(st.sampled_from(["following", "preceding"]))}
        common["accrue_to"] = draw(st.sampled_from(["adjusted", "unadjusted"]))
    if draw(st.integers(0, 3)) == 0:
        common["fee_each"] = eur(draw(st.integers(1, 300)))
    if draw(st.integers(0, 5)) == 0:
        common["down_payment"] = eur(1_000)
    if draw(st.integers(0, 5)) == 0 and common["every"].unit == "months" and common["day_count"] != "act/act-icma":
        common["skip_months"] = (7, 8)
    return made(shape, draw(st.integers(20_000, 2_000_000)), draw(st.integers(1, 8)), **common)


def payment(minor: int, on: date) -> Payment:
    return Payment(payment_id=f"Z-{on}-{minor}", account_id="A", amount=eur(minor), received_on=on)


def met(plan: plans.PaymentPlan, rows: int, late: int, part: int, part_days: int) -> list[Payment]:
    """Money for whole rows, each so many days late or early, and then a part of the next row."""
    paid = []
    for row in plan.schedule[:rows]:
        paid.append(payment(row.total.minor, max(row.due_on + timedelta(days=late), plan.agreed_on)))
    part = min(part, plan.schedule[rows].total.minor - 1)
    if part > 0:
        on = (plan.schedule[rows - 1].due_on if rows else plan.agreed_on) + timedelta(days=max(late, 0) + part_days)
        paid.append(payment(part, on))
    return paid


ARREARS: dict[str, Any] = {
    "rows": st.integers(0, 7),
    "late": st.sampled_from([0, 0, 0, 3, 40, -9]),
    "part": st.one_of(st.just(0), st.integers(1, 60_000)),
    "part_days": st.integers(0, 70),
}


def quote(plan: plans.PaymentPlan, on: date, paid: list[Payment]) -> servicing.PayoffQuote:
    return servicing.payoff_quote(plan=plan, on=on, paid=paid)


@given(plan=any_plan(), look=st.integers(0, 100), **ARREARS)
def test_without_money_a_quote_never_falls_from_one_day_to_the_next(
    plan: plans.PaymentPlan, rows: int, late: int, part: int, part_days: int, look: int
) -> None:
    paid = met(plan, min(rows, len(plan.schedule) - 1), late, part, part_days)
    first = max([plan.agreed_on, *(one.received_on + DAY for one in paid)])
    days = {first + timedelta(days=look + more) for more in range(6)}
    days |= {plan.ends_on + timedelta(days=more) for more in (1, 2, 40, 41, 42)}
    for row in plan.schedule:
        days |= {row.due_on + timedelta(days=more) for more in range(-3, 5)}
    found = [quote(plan, on, paid) for on in sorted(days) if on >= first]
    for before, after in pairwise(found):
        assert after.total >= before.total, (before, after)
        assert after.fee >= before.fee
    assert all(not one.interest_late.is_negative and not one.interest.is_negative for one in found)
    for one in found[-2:]:
        loss = servicing.charge_off(plan=plan, on=one.on, paid=paid)
        assert (loss.principal, loss.interest, loss.fee) == (one.principal, one.interest, one.fee)


# -- against a ledger --------------------------------------------------------------------------------------------


@attrs.define
class Ledger:
    """What is owed day by day: open principal bears interest, and what rows ask for falls due with them."""

    principal: Fraction
    share: Callable[[date], Fraction]
    day: date
    row_fee: int
    fee_each: int
    due_on: list[date]  # of the first open row and those after it
    fee: int = 0
    of_row: Fraction = Fraction(0)  # interest of the first open row
    later: Fraction = Fraction(0)
    ahead: Fraction = Fraction(0)  # money for the first row that is not yet due
    is_due: bool = False

    def owed(self) -> Fraction:
        return self.principal + self.of_row + self.later + self.fee

    def pay(self, amount: Fraction) -> None:
        if not self.is_due:
            self.ahead += amount
            self.principal -= amount
            return
        fee = min(amount, Fraction(self.row_fee))
        self.fee, self.row_fee = self.fee - int(fee), self.row_fee - int(fee)
        interest = min(amount - fee, self.of_row)
        self.of_row -= interest
        self.principal -= amount - fee - interest

    def next_day(self) -> None:
        if self.day in self.due_on:
            self.fee += self.row_fee if not self.is_due else self.fee_each
            if not self.is_due:  # money that came ahead of the row meets its fee and interest first, then principal
                self.is_due = True
                ahead, self.principal = self.ahead, self.principal + self.ahead
                self.pay(ahead)
        bears = self.principal * self.share(self.day)
        if self.is_due:
            self.later += bears
        else:
            self.of_row += bears
        self.day += DAY


def day_share(plan: plans.PaymentPlan) -> Callable[[date], Fraction]:
    """Return what one day bears of a year's interest, by hand: of 365 or 360 days, or of its month's step."""
    rate, start = plan.terms.rate, plan.terms.start_on
    assert rate is not None
    if plan.terms.day_count is not None:
        return lambda _day: rate.annual / {"act/365f": 365, "act/360": 360}[str(plan.terms.day_count)]
    ends = [start, *(row.due_on for row in plan.schedule)]
    monthly = plan.terms.every.unit == "months"

    def share(day: date) -> Fraction:
        for since, end in pairwise(ends):
            if since <= day < end:
                return rate.annual / (12 if monthly else 52) / (end - since).days
        if not monthly:
            return rate.annual / 52 / 7
        since = ends[-1]
        while True:
            end = plan.terms.every.date(anchor=ends[-1], number=1 + _months(ends[-1], since))
            if since <= day < end:
                return rate.annual / 12 / (end - since).days
            since = end

    return share


def _months(since: date, until: date) -> int:
    return (until.year - since.year) * 12 + until.month - since.month


BEARING = ("amortised", "equal_principal", "interest_only", "balloon", "stepped", "steps", "minimum_payment", "agreed")


@given(
    shape=st.sampled_from(BEARING),
    start=st.dates(date(1996, 1, 1), date(2050, 1, 1)),
    debt=st.integers(20_000, 2_000_000),
    count=st.integers(2, 7),
    rate=st.fractions(Fraction(1, 200), Fraction(60, 100), max_denominator=400),
    day_count=st.sampled_from([None, "act/365f", "act/360"]),
    unit=st.sampled_from(["months", "weeks"]),
    fee=st.sampled_from([0, 0, 150]),
    look=st.integers(0, 300),
    **ARREARS,
)
def test_a_quote_grows_by_what_open_principal_bears_from_day_to_day(
    shape: str,
    start: date,
    debt: int,
    count: int,
    rate: Fraction,
    day_count: str | None,
    unit: Any,
    fee: int,
    look: int,
    rows: int,
    late: int,
    part: int,
    part_days: int,
) -> None:
    if shape == "agreed":
        day_count = day_count or "act/365f"
    start = start.replace(day=min(start.day, 28))
    common: dict[str, Any] = {"day_count": day_count, "every": Every(1, unit), "rate": Rate(rate)}
    if fee:
        common["fee_each"] = eur(fee)
    plan = made(shape, debt, count, start_on=start, **common)
    rows = min(rows, len(plan.schedule) - 1)
    paid = met(plan, rows, late, part, part_days)
    rest = plan.schedule[rows:]
    ledger = Ledger(
        principal=Fraction(plan.schedule.balance_before(rows)),
        share=day_share(plan),
        day=plan.schedule[rows - 1].due_on if rows else start,
        row_fee=fee,
        fee_each=fee,
        due_on=[row.due_on for row in rest],
    )
    if len(paid) > rows:
        came = paid[rows].received_on
        while ledger.day < came:
            ledger.next_day()
        ledger.pay(Fraction(paid[rows].amount.minor))
    first = max([ledger.day + DAY, *(one.received_on + DAY for one in paid)])
    for on in (first, first + timedelta(days=look // 9), first + timedelta(days=look)):
        while ledger.day < on:
            ledger.next_day()
        if plan.schedule[rows].total.minor - sum(one.amount.minor for one in paid[rows:]) < 20 and len(rest) == 1:
            return  # nothing but a rest of interest is left
        slack = 2 + sum(row.due_on < on for row in rest)
        assert abs(quote(plan, on, paid).total.minor - ledger.owed()) <= slack
    event(f"{shape} {'part' if len(paid) > rows else 'whole'}")


@given(plan=any_plan(("flat",)), rows=st.integers(0, 7), more=st.integers(1, 400))
def test_flat_interest_is_no_more_for_being_late(plan: plans.PaymentPlan, rows: int, more: int) -> None:
    rows = min(rows, len(plan.schedule) - 1)
    one = quote(plan, plan.ends_on + timedelta(days=more), met(plan, rows, 0, 0, 0))
    assert one.total.minor == sum(row.total.minor for row in plan.schedule[rows:])
    assert one.interest_saved.is_zero


@pytest.mark.parametrize("day_count", [None, "act/365f"])
def test_a_debtor_who_pays_nothing_owes_interest_on_the_whole_debt(day_count: Any) -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=eur(100_000),
        rate=Rate.percent("12"),
        instalments=6,
        start_on=date(2026, 1, 1),
        day_count=day_count,
    )
    # six months of 10.00 and 1 of 31 days, or 181 and 182 days of 120.00 in 365, each period rounded
    one = quote(plan, date(2026, 7, 1), [])
    assert abs(one.interest.minor - (6_000 if day_count is None else 5_950.68)) <= 1
    assert one.interest_saved.is_zero
    assert abs(quote(plan, date(2026, 7, 2), []).interest.minor - (6_032 if day_count is None else 5_983.56)) <= 1


# -- changes of one day ------------------------------------------------------------------------------------------

KINDS = ("shorten", "lower", "reamortise", "extend", "re_age", "restructure", "pause", "fee", "collect", "capitalise")
FREE = ("waive", "pause")  # what they let go is interest to come


def change(kind: str, plan: plans.PaymentPlan, paid: list[Payment], on: date, size: int) -> plans.PaymentPlan:
    """Make a change; its plan has an id of its own, so that changes may follow one another."""
    common: dict[str, Any] = {"plan": plan, "plan_id": plan.plan_id + "+", "on": on, "paid": paid}
    if kind in ("shorten", "lower"):
        return servicing.prepay(amount=eur(size), effect=kind, **common)  # type: ignore[arg-type]
    if kind == "reamortise":
        return servicing.reamortise(arrears="capitalise" if size % 2 else "collect", **common)
    if kind == "extend":
        return servicing.extend(
            instalments=size % 5 + 1, arrears="capitalise" if size % 3 == 0 else "collect", **common
        )
    if kind == "re_age":
        return servicing.re_age(first_due_on=on + timedelta(days=size % 40 + 5), instalments=size % 9 + 1, **common)
    if kind == "restructure":
        return servicing.restructure(instalments=size % 20 + 1, **common)
    if kind == "pause":
        since = on + timedelta(days=size % 30)
        return servicing.pause_interest(from_on=since, until_on=since + timedelta(days=size % 60 + 1), **common)
    if kind == "fee":
        return servicing.add_fee(fee=eur(size), **common)
    if size % 3:
        return servicing.defer(payments=size % 2 + 1, interest=kind, **common)  # type: ignore[arg-type]
    new = servicing.defer(until=on + timedelta(days=size % 50), interest=kind, **common)  # type: ignore[arg-type]
    assert new.terms.begin_on is not None
    assert new.terms.begin_on > new.terms.start_on
    return new


def changed(kind: str, plan: plans.PaymentPlan, paid: list[Payment], on: date, size: int) -> plans.PaymentPlan | None:
    """Make a change; None where it is refused: that is an answer, too."""
    try:
        return change(kind, plan, paid, on, size)
    except InvalidTerms:
        return None


@given(
    plan=any_plan(),
    kinds=st.tuples(st.sampled_from((*KINDS, *FREE)), st.sampled_from((*KINDS, *FREE))),
    sizes=st.tuples(st.integers(1, 9_000), st.integers(1, 9_000)),
    look=st.integers(0, 100),
    **ARREARS,
)
def test_two_changes_of_one_day_leave_what_closes_the_plan_in_either_order(
    plan: plans.PaymentPlan,
    kinds: tuple[str, str],
    sizes: tuple[int, int],
    look: int,
    rows: int,
    late: int,
    part: int,
    part_days: int,
) -> None:
    waives = "waive" in kinds  # gives up what the running period has earned, unless new terms have cut that period
    # ... or a prepayment of the day has brought over what the sum that it repays had earned
    assume(not (waives and {"re_age", "restructure", "shorten", "lower"} & set(kinds)))
    paid = met(plan, min(rows, len(plan.schedule) - 1), late, part, part_days)
    on = max([plan.agreed_on, *(one.received_on + DAY for one in paid)]) + timedelta(days=look)
    before = quote(plan, on, paid)
    fees = sum(size for kind, size in zip(kinds, sizes, strict=True) if kind == "fee")
    ends = []
    for order in ((0, 1), (1, 0)):
        told, money = plan, paid
        for place, at in enumerate(order, start=1):
            new = changed(kinds[at], told, money, on, sizes[at])
            if new is None:
                break
            after = quote(new, on, [])
            more = after.principal.minor + after.interest.minor - before.principal.minor - before.interest.minor
            assert more <= slack_of(plan, kinds) * place
            assert waives or more >= -slack_of(plan, kinds) * place
            told, money = new, []
        else:
            after = quote(told, on, [])
            assert after.fee.minor == before.fee.minor + fees
            ends.append((told, after))
    if len(ends) < 2:
        return
    event(" ".join(sorted(kinds)))
    assert abs(ends[0][1].total.minor - ends[1][1].total.minor) <= 2 * slack_of(plan, kinds)
    ahead = [sum(size for kind, size in zip(kinds, sizes, strict=True) if kind in ("shorten", "lower"))] * 2
    assert [0 if new.terms.down_payment is None else new.terms.down_payment.minor for new, _ in ends] == ahead or (
        plan.terms.down_payment is not None
    )


def slack_of(plan: plans.PaymentPlan, kinds: tuple[str, str]) -> int:
    """Return the cents by which roundings may differ.

    Flat interest is earned by the row, in equal parts: other rows have other parts, and the running one, too.
    """
    if plan.terms.shape != "flat":
        return 2
    is_even = {"reamortise", "fee", "re_age", "restructure", "lower"}.issuperset(kinds)
    return 2 + (len(plan.schedule) if is_even else max(plan.schedule.interest_parts))


# -- the shape stays ---------------------------------------------------------------------------------------------


@given(
    plan=any_plan(),
    kind=st.sampled_from(["pause", "lower"]),
    size=st.integers(1, 15_000),
    rows=st.integers(0, 7),
    look=st.integers(0, 40),
)
def test_a_relief_raises_no_instalment_and_keeps_the_shape(
    plan: plans.PaymentPlan, kind: str, size: int, rows: int, look: int
) -> None:
    rows = min(rows, len(plan.schedule) - 1)
    paid = met(plan, rows, 0, 0, 0)
    on = max(plan.agreed_on, *(one.received_on + DAY for one in paid)) if paid else plan.agreed_on
    on = min(on + timedelta(days=look), plan.schedule[rows].due_on)  # nothing is past due
    assume(all(one.received_on < on for one in paid))
    down = plan.terms.down_payment is not None and not paid
    new = changed(kind, plan, paid, on, size)
    assume(new is not None)
    assert new is not None
    assert new.terms.shape == plan.terms.shape
    lead = new.carried + (0 if new.terms.down_payment is None else 1)
    before = plan.schedule[rows + (1 if down else 0) :]
    after = new.schedule[lead:]
    assert len(after) <= len(before)
    odd = len(before) if plan.terms.shape == "flat" else 0  # odd cents of flat interest fall to the last
    for old, made_ in zip(before, after, strict=False):
        assert made_.due_on == old.due_on
        assert made_.total.minor <= old.total.minor + odd, (old, made_)


@given(plan=any_plan(), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=2), size=st.integers(1, 9_000))
def test_a_plan_keeps_its_shape_through_changes_that_do_not_concern_it(
    plan: plans.PaymentPlan, kinds: list[str], size: int
) -> None:
    told, on = plan, plan.agreed_on + timedelta(days=5)
    for kind in kinds:
        new = changed(kind, told, [], on, size)
        assume(new is not None)
        assert new is not None
        if kind in ("re_age", "restructure"):
            assert new.terms.shape == "level"
            return
        assert new.terms.shape == plan.terms.shape
        assert new.terms.fee_each == plan.terms.fee_each
        lead = new.carried + (0 if new.terms.down_payment is None else 1)
        each = 0 if plan.terms.fee_each is None else plan.terms.fee_each.minor
        fees = list(new.schedule.fee_parts[lead:])
        assert fees[1:] == [each] * (len(fees) - 1)
        told = new


@given(
    plan=any_plan(tuple(shape for shape in SHAPES if shape != "flat")),  # flat: a cent may turn at a due date
    kinds=st.lists(st.sampled_from((*KINDS, *FREE)), min_size=1, max_size=2),
    size=st.integers(1, 9_000),
    after=st.integers(0, 60),
)
def test_a_quote_never_falls_after_a_change_whether_a_prepayment_comes_or_not(
    plan: plans.PaymentPlan, kinds: list[str], size: int, after: int
) -> None:
    told, on = plan, plan.agreed_on + timedelta(days=after)
    for kind in kinds:
        new = changed(kind, told, [], on, size)
        told = told if new is None else new
    days = {told.agreed_on + timedelta(days=more) for more in range(8)}
    for row in told.schedule:
        days |= {row.due_on + timedelta(days=more) for more in range(-2, 4)}
    found = [quote(told, day, []) for day in sorted(days) if day >= told.agreed_on]
    for one, other in pairwise(found):
        assert other.total >= one.total, (one, other)
