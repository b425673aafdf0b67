"""Laws of changes within the wait of a deferral, held against interest that is reckoned day by day, by itself.

The reckoning here knows no plans: a sum that bears interest, a share of it for each day, and days on which what was
earned joins the debt or is set aside to be collected.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import attrs
from dateutil.relativedelta import relativedelta
from hypothesis import assume, event, given
from hypothesis import strategies as st

from collectkit import plans, servicing
from collectkit.core.calendars import Every
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import Payment

DAY = timedelta(days=1)
STEPS = {"months": relativedelta(months=1), "weeks": relativedelta(weeks=1)}
A_YEAR = {"months": 12, "weeks": 52}
YEAR_DAYS = {"act/365f": 365, "act/360": 360}
TREATMENTS = ("collect", "capitalise", "waive")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


@attrs.define
class DayByDay:
    """What is owed on each day of a wait; `step_ends` are the days on which what was earned is booked."""

    principal: int
    bearing: int
    treatment: str
    step_ends: list[date]
    share: Callable[[date], Fraction]
    day: date
    is_flat: bool = False
    paused: list[tuple[date, date]] = attrs.Factory(list)
    accrued: Fraction = Fraction(0)
    shares: Fraction = Fraction(0)  # of the running step so far
    collected: Fraction = Fraction(0)

    def advance(self, until: date) -> DayByDay:
        while self.day < min(until, self.step_ends[-1]):
            if self.treatment != "waive" and not any(since <= self.day < end for since, end in self.paused):
                self.accrued += self.bearing * self.share(self.day)
                self.shares += self.share(self.day)
            self.day += DAY
            if self.day in self.step_ends:
                booked = round(self.accrued)
                if self.treatment == "capitalise":
                    self.principal += booked
                    self.bearing += 0 if self.is_flat else booked
                else:
                    self.collected += booked
                self.accrued = self.shares = Fraction(0)
        return self

    def owed(self) -> Fraction:
        return self.principal + self.collected + self.accrued

    def pay(self, amount: int, *, is_agreed: bool) -> None:
        self.principal -= amount
        if is_agreed or not self.is_flat:  # flat interest falls only with what is agreed
            self.bearing -= amount

    def set_aside(self, agreed: int = 0) -> None:
        """Collect what the running step earned on sums that the debt under new terms no longer holds."""
        aside = self.accrued - (self.bearing - agreed) * self.shares
        self.collected += aside
        self.accrued -= aside

    def settle_arrears(self, arrears: str, pending: int) -> None:
        if arrears == "waive":
            self.collected = Fraction(0)
            if self.treatment == "collect":
                self.accrued = self.shares = Fraction(0)
            else:
                self.set_aside(pending)
                self.collected = Fraction(0)
        elif arrears == "capitalise":
            joined = round(self.collected + self.accrued)
            self.principal += joined
            self.bearing += 0 if self.is_flat else joined
            self.accrued = self.shares = self.collected = Fraction(0)
        else:
            self.set_aside(pending)


@attrs.define
class Case:
    plan: plans.PaymentPlan
    book: DayByDay
    begins_on: date
    step: relativedelta
    factor: Fraction  # of a whole step, where no day count is named
    day_count: str | None


def shares_of(step: relativedelta, factor: Fraction, rate: Rate, day_count: str | None, anchor: date) -> Any:
    """Return the share of interest that one day bears: of its year, or of the step of the rhythm that holds it."""
    if day_count is not None:
        return lambda _day: rate.annual / YEAR_DAYS[day_count]
    ends = [anchor + step * number for number in range(80)]

    def share(day: date) -> Fraction:
        place = next(number for number, end in enumerate(ends) if end > day)
        return factor / (ends[place] - ends[place - 1]).days

    return share


SHAPES = ("amortised", "equal_principal", "interest_only", "balloon", "flat", "bullet", "equal_split", "deferred")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A plan in its wait: deferred at birth, or put off after some rows were paid."""
    shape = draw(st.sampled_from(SHAPES))
    unit: Any = draw(st.sampled_from(["months", "weeks"]))
    step = STEPS[unit]
    day_count = draw(st.sampled_from([None, "act/365f", "act/360"]))
    rate = Rate(draw(st.fractions(Fraction(1, 1000), Fraction(60, 100), max_denominator=1000)))
    start = draw(st.dates(date(1995, 1, 1), date(2060, 1, 1)))
    start = start.replace(day=min(start.day, 28))
    debt = draw(st.integers(20_000, 3_000_000))
    treatment: Any = draw(st.sampled_from(TREATMENTS))
    count = draw(st.integers(2, 12))
    common: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": eur(debt),
        "start_on": start,
        "every": Every(1, unit),
        "day_count": day_count,
    }
    factor = rate.annual / A_YEAR[unit]
    if shape == "deferred":
        grace = draw(st.integers(1, 6))
        plan = plans.deferred_plan(instalments=count, rate=rate, grace=grace, interest=treatment, **common)
        ends = [start + step * number for number in range(1, grace + 1)]
        book = DayByDay(debt, debt, treatment, ends, shares_of(step, factor, rate, day_count, start), start)
        return Case(plan, book, ends[-1], step, factor, day_count)
    if shape == "equal_split":
        rate, factor = Rate.zero(), Fraction(0)
    more: dict[str, Any] = {"instalments": count, "rate": rate}
    if shape == "bullet":
        more = {"periods": count, "rate": rate}
    elif shape == "equal_split":
        more = {"instalments": count}
    elif shape == "balloon":
        more["balloon"] = eur(debt // 3)
    try:
        old = getattr(plans, f"{shape}_plan")(**more, **common)
    except InvalidTerms:  # a row of interest alone that rounds to nothing
        assume(False)
    rows = draw(st.integers(0, 1)) if shape != "bullet" and count > 2 else 0
    paid = [
        Payment(payment_id=f"Z-{row.number}", account_id="A", amount=row.total, received_on=row.due_on)
        for row in old.schedule[:rows]
    ]
    begin = old.schedule[rows - 1].due_on if rows else start
    on = begin + timedelta(days=draw(st.integers(1 if rows else 0, 6)))
    waits = draw(st.integers(1, 1 if shape == "bullet" else max(min(3, count - rows - 1), 1)))
    wait: dict[str, Any] = {"payments": waits}
    ends_on = begin + step * waits
    if draw(st.booleans()) and shape != "bullet":
        until = begin + step * (waits + 1) + timedelta(days=3)
        assume(until <= old.ends_on)
        wait, ends_on = {"until": until}, until - step
    try:
        plan = servicing.defer(plan=old, plan_id="P-2", on=on, paid=paid, interest=treatment, **wait)
    except InvalidTerms:
        assume(False)
    base = debt if shape == "flat" else old.schedule.balance_before(rows)
    book = DayByDay(
        principal=old.schedule.balance_before(rows),
        bearing=base,
        treatment=treatment,
        step_ends=[ends_on],
        share=shares_of(step, factor, rate, day_count, begin),
        day=begin,
        is_flat=shape == "flat",
    )
    return Case(plan, book, ends_on, step, factor, day_count)


CHANGES = ("reamortise", "extend", "fee", "pause", "shorten", "lower", "late", "never", "money")
ENDINGS = ("restructure", "re_age")


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, int, int, str]:
    """A change: its kind, how far into the rest of the wait it comes (per cent), its size, and what becomes of arrears."""
    return (
        draw(st.sampled_from(CHANGES)),
        draw(st.integers(0, 99)),
        draw(st.integers(1, 9_999)),
        draw(st.sampled_from(["collect", "collect", "capitalise", "waive"])),
    )


@attrs.define
class Told:
    """The plan as it stands, the money that met it, and the two books: as things went, and as the schedule assumes."""

    plan: plans.PaymentPlan
    book: DayByDay
    agreed: DayByDay
    money: list[Payment] = attrs.Factory(list)
    changes: int = 0
    fees: int = 0
    from_on: date = date.min  # money counts from the day after it came
    is_on_schedule: bool = True

    def quote(self, on: date) -> servicing.PayoffQuote:
        return servicing.payoff_quote(plan=self.plan, on=on, paid=self.money)

    def check(self, on: date) -> None:
        quote = self.quote(on)
        owed = self.book.advance(on).owed()
        assert abs(quote.principal.minor + quote.interest.minor - owed) <= 1 + self.changes
        assert quote.fee.minor == self.fees
        loss = servicing.charge_off(plan=self.plan, on=on, paid=self.money)
        assert loss.total == quote.total


def payment(minor: int, on: date) -> Payment:
    return Payment(payment_id=f"Z-{on}-{minor}", account_id="A", amount=eur(minor), received_on=on)


def change(told: Told, kind: str, on: date, size: int, arrears: str, ends_on: date) -> None:
    """Let one thing happen to the plan and to the book."""
    common: dict[str, Any] = {"plan": told.plan, "plan_id": f"{told.plan.plan_id}+", "on": on, "paid": told.money}
    book = told.book.advance(on)
    if kind == "money":  # less than the next row, so that it lowers the debt
        row = told.plan.schedule[told.plan.carried]
        size = min(size, row.total.minor - 1 - sum(one.amount.minor for one in told.money))
        assume(size > 0)
        assume(told.plan.terms.down_payment is None and row.due_on > on)
        told.money.append(payment(size, on))
        book.pay(size, is_agreed=False)
        told.from_on = on + DAY
        told.is_on_schedule = False
        return
    if kind in ("shorten", "lower", "late", "never"):
        size = min(size, book.principal // 3)
        new = servicing.prepay(amount=eur(size), effect="shorten" if kind == "shorten" else "lower", **common)
        assert new.terms.down_payment is not None
        whole = new.terms.down_payment.minor  # with an earlier prepayment of the day that is still to come
        told.agreed = copy.deepcopy(book)
        for one in (book, told.agreed):
            one.set_aside(whole)
        told.agreed.pay(whole, is_agreed=True)
        told.money = []
        if kind == "late":
            told.money = [payment(size, on + timedelta(days=size % 5))]
        elif kind != "never":
            told.money = [payment(size, on)]
        if told.money:
            came = told.money[0].received_on
            assume(came < ends_on)
            book.advance(came).pay(size, is_agreed=True)
            told.from_on = came + DAY
    else:
        if kind == "reamortise":
            new = servicing.reamortise(arrears=arrears, **common)  # type: ignore[arg-type]
        elif kind == "extend":
            new = servicing.extend(instalments=size % 4 + 1, arrears=arrears, **common)  # type: ignore[arg-type]
        elif kind == "fee":
            new = servicing.add_fee(fee=eur(size), **common)
            told.fees += size
            arrears = "collect"
        else:
            until = on + timedelta(days=size % 40 + 1)
            new = servicing.pause_interest(from_on=on, until_on=until, **common)
            book.paused.append((on, until))
            arrears = "collect"
        if arrears == "waive":
            told.fees = 0
        pending = 0  # a prepayment of the day is still to come
        if new.terms.down_payment is not None:
            assert (new.terms.down_payment, new.terms.down_payment_on) == (told.plan.terms.down_payment, on)
            pending = new.terms.down_payment.minor
        book.settle_arrears(arrears, pending)
        told.money = []
        told.agreed = copy.deepcopy(book)
        if pending:
            told.agreed.pay(pending, is_agreed=True)
    told.plan = attrs.evolve(new, plan_id=f"{new.plan_id}", supersedes=told.plan.plan_id)
    told.changes += 1
    told.is_on_schedule = True


def days_of(case: Case, moments_: list[tuple[str, int, int, str]]) -> Iterator[tuple[str, date, int, str]]:
    day = max(case.plan.agreed_on, case.book.day)
    for kind, per_cent, size, arrears in moments_:
        day += (case.begins_on - day) * per_cent // 100
        yield kind, day, size, arrears


REFUSALS = (
    "plans.too_small",
    "plans.gap",
    "plans.overpaid",
    "plans.negative_amortisation",
    "plans.nothing_due",
    "plans.deferral",
)


def code_of(make: Callable[[], object]) -> str | None:
    """Do something; return the code with which it was refused: that is an answer, too."""
    try:
        make()
    except InvalidTerms as error:
        return error.code
    return None


def refused(told: Told, one: tuple[str, date, int, str], ends_on: date) -> bool:
    """Make the change; where its terms cannot stand, all is as it was."""
    before = copy.deepcopy(told)
    code = code_of(lambda: change(told, one[0], one[1], one[2], one[3], ends_on))
    if code is None:
        return False
    assert code in REFUSALS or (code, one[0], told.plan.terms.shape) == ("plans.events", "shorten", "balloon")
    assert code != "plans.deferral" or one[0] == "pause"  # days that are paused already
    for name in ("plan", "book", "agreed", "money", "fees", "from_on"):
        setattr(told, name, getattr(before, name))
    return True


@given(case=cases(), happening=st.lists(moments(), min_size=1, max_size=2), look=st.integers(0, 100))
def test_what_is_owed_within_a_wait_is_what_day_by_day_was_earned_whatever_changes(
    case: Case, happening: list[tuple[str, int, int, str]], look: int
) -> None:
    told = Told(case.plan, case.book, copy.deepcopy(case.book))
    first = max(case.plan.agreed_on, case.book.day)
    told.check(first)
    for one in days_of(case, happening):
        assume(one[1] < case.begins_on)
        assume(one[1] >= max(told.book.day, told.from_on))
        told.check(one[1])
        before = told.quote(one[1])
        if refused(told, one, case.begins_on):
            event("refused")
            continue
        event(one[0])
        if one[3] == "collect" and one[0] != "money":  # nothing of what is owed changes but by what was asked for
            after = told.quote(one[1])
            assert abs(after.total.minor - before.total.minor - (one[2] if one[0] == "fee" else 0)) <= 1
        if told.from_on <= one[1]:
            told.check(one[1])
    last = max(told.book.day, told.from_on, told.plan.agreed_on)
    told.check(last + (case.begins_on - last) * look // 100)
    told.check(case.begins_on)


def rows_by_day(case: Case, told: Told) -> Iterator[tuple[int, Fraction]]:
    """Yield the interest of each row, and what its balance bears in its period."""
    plan, terms = told.plan, told.plan.terms
    lead = plan.carried + (0 if terms.down_payment is None else 1)
    start = case.begins_on
    for row in plan.schedule[lead:]:
        days = (row.due_on - start).days
        factor = case.factor
        if case.day_count is not None:
            factor = case.book.share(start) * days
        paused = sum(max((min(row.due_on, end) - max(start, since)).days, 0) for since, end in told.book.paused)
        factor *= Fraction(days - paused, days)
        yield row.interest_minor, plan.schedule.balance_before(row.number - 1) * factor
        start = row.due_on


@given(case=cases(), happening=st.lists(moments(), min_size=1, max_size=2))
def test_the_rows_after_a_changed_wait_ask_for_its_interest_and_their_own_and_no_more(
    case: Case, happening: list[tuple[str, int, int, str]]
) -> None:
    told = Told(case.plan, case.book, copy.deepcopy(case.book))
    for one in days_of(case, happening):
        assume(one[1] < case.begins_on)
        assume(one[1] >= max(told.book.day, told.from_on))
        refused(told, one, case.begins_on)
    assume(told.is_on_schedule)
    agreed = told.agreed.advance(case.begins_on)
    plan, terms = told.plan, told.plan.terms
    lead = plan.carried + (0 if terms.down_payment is None else 1)
    slack = 2 + told.changes
    assert abs(plan.schedule.balance_before(lead) - agreed.principal) <= slack
    if terms.shape == "flat":
        periods = len(plan.schedule) - lead
        days = sum(plan.schedule.interest_parts[lead:]) - agreed.collected
        ends = plan.schedule[-1].due_on
        factor = case.factor * periods
        if case.day_count is not None:
            factor = case.book.share(ends) * (ends - case.begins_on).days
        if not told.book.paused and not any(terms.flat_parts):
            assert abs(days - agreed.bearing * factor) <= slack
        return
    if terms.shape == "bullet":
        return
    found = list(rows_by_day(case, told))
    assert abs(found[0][0] - found[0][1] - agreed.collected) <= slack
    assert all(interest == round(exact) for interest, exact in found[1:])


@given(
    case=cases(), happening=moments(), kind=st.sampled_from(ENDINGS), after=st.integers(0, 60), look=st.integers(0, 99)
)
def test_new_terms_within_a_wait_owe_what_day_by_day_was_earned(
    case: Case, happening: tuple[str, int, int, str], kind: str, after: int, look: int
) -> None:
    told = Told(case.plan, case.book, copy.deepcopy(case.book))
    one = next(days_of(case, [happening]))
    assume(one[1] < case.begins_on and one[1] >= told.book.day)
    refused(told, one, case.begins_on)
    day = max(told.book.day, told.from_on, told.plan.agreed_on)
    on = day + (case.begins_on - day) * look // 100
    first = on + timedelta(days=after)
    before = told.quote(on)
    made: list[plans.PaymentPlan] = []

    def renew() -> None:
        verb = getattr(servicing, kind)
        made.append(verb(plan=told.plan, plan_id="P-9", on=on, paid=told.money, instalments=3, first_due_on=first))

    code = code_of(renew)
    if code is not None:
        assert code in (*REFUSALS[:-1], "plans.dates")
        kept = told.plan.schedule[: told.plan.carried + 1]
        assert code != "plans.dates" or first < max(row.due_on for row in kept)
        return
    new = made[0]
    event("waived" if case.book.treatment == "waive" else "earned")
    told.plan, told.money = new, []
    told.check(on)
    assert abs(told.quote(on).total.minor - before.total.minor) <= 1
    # days of the wait that bear no interest bear none under the new terms, either
    if case.book.treatment == "waive" and first <= case.begins_on:
        assert new.schedule[new.carried].interest_minor == before.interest.minor
