"""Laws of payment plans: every shape under every kind of terms, every change, every small sum."""

from __future__ import annotations

import contextlib
import decimal
import pickle
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, get_args

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collectkit import plans, servicing
from collectkit.core.calendars import WEEKENDS_ONLY, Every
from collectkit.core.decisions import Declined
from collectkit.core.errors import CollectkitError, InvalidTerms
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import Rate
from collectkit.core.records import Payment
from collectkit.core.schedule import Instalment, Schedule

STARTS = st.dates(min_value=date(1990, 1, 1), max_value=date(2080, 12, 31))
SUMS = st.one_of(st.integers(100, 5_000), st.integers(10_000, 100_000_000))
COUNTS = st.integers(1, 48)
RATES = st.one_of(st.just(Fraction(0)), st.fractions(Fraction(1, 10**6), Fraction(60, 100), max_denominator=10**6)).map(
    Rate
)
RHYTHMS = st.builds(Every, st.integers(1, 3), st.sampled_from(["days", "weeks", "months", "semimonths"]))
SHAPES = (
    "amortised",
    "equal_split",
    "deferred",
    "equal_principal",
    "flat",
    "interest_only",
    "balloon",
    "bullet",
    "stepped",
    "minimum_payment",
    "agreed",
)


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Terms that go with every shape; each is often left out."""

    def maybe(name: str, values: st.SearchStrategy[Any]) -> dict[str, Any]:
        return {name: draw(values)} if draw(st.booleans()) else {}

    chosen = {
        **maybe("every", RHYTHMS),
        **maybe("month_end", st.sampled_from(["clamp", "roll"])),
        **maybe("day_count", st.sampled_from(["30E/360", "act/365f", "act/act-isda", "act/360", "30/360-us"])),
        **maybe("rounding", st.sampled_from(get_args(Rounding))),
        **maybe("residue_to", st.sampled_from(get_args(plans.ResidueTo))),
        **maybe("compounding", st.sampled_from(get_args(plans.Compounding))),
        **maybe("fee_each", st.integers(0, 500).map(lambda minor: Money(minor, "EUR"))),
        **maybe("fee_total", st.integers(0, 5_000).map(lambda minor: Money(minor, "EUR"))),
        **maybe("multiple", st.sampled_from([Money(5, "EUR"), Money(100, "EUR")])),
        **maybe("down_payment", st.integers(0, 5_000).map(lambda minor: Money(minor, "EUR"))),
    }
    if draw(st.integers(0, 4)) == 0:
        chosen["skip_months"] = tuple(draw(st.sets(st.integers(1, 12), max_size=6)))
    if draw(st.integers(0, 4)) == 0 and chosen.get("every", Every(1, "months")).unit not in ("days", "semimonths"):
        chosen |= {"calendar": WEEKENDS_ONLY, "adjustment": draw(st.sampled_from(["following", "modified_following"]))}
        chosen["accrue_to"] = draw(st.sampled_from(["adjusted", "unadjusted"]))
    return chosen


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A shape and the arguments of its builder."""
    shape = draw(st.sampled_from(SHAPES))
    debt = draw(SUMS)
    given_: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": Money(debt, "EUR"),
        "start_on": draw(STARTS),
        **draw(options()),
    }
    count, rate = draw(COUNTS), draw(RATES)
    if shape == "minimum_payment":
        given_ |= {
            "share": Fraction(1, draw(st.integers(1, 8))),
            "floor": Money(max(debt // 20, 100), "EUR"),
            "rate": rate,
        }
    elif shape == "agreed":
        for name in ("skip_months", "every"):
            given_.pop(name, None)
        gaps = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
        days = [given_["start_on"] + timedelta(days=sum(gaps[: k + 1])) for k in range(len(gaps))]
        parts: list[tuple[date, Money | None]] = [(day, Money(debt // (len(days) + 1), "EUR")) for day in days]
        given_ |= {"parts": [*parts[:-1], (days[-1], None)], "rate": rate}
        given_.setdefault("day_count", "act/365f")
    elif shape == "bullet":
        given_ |= {"periods": count, "rate": rate, "interest": draw(st.sampled_from(["simple", "compound"]))}
    else:
        given_["instalments"] = count
        if shape != "equal_split":
            given_["rate"] = rate
    if shape == "balloon":
        given_["balloon"] = Money(debt // draw(st.integers(2, 10)), "EUR")
    if shape == "deferred":
        given_ |= {"grace": draw(st.integers(1, 6)), "interest": draw(st.sampled_from(get_args(plans.GraceInterest)))}
    if shape in ("interest_only", "bullet", "stepped", "minimum_payment", "agreed"):  # no regular instalment
        given_.pop("residue_to", None)
    if shape in ("interest_only", "bullet", "agreed"):
        given_.pop("multiple", None)
    if shape == "stepped":
        given_ |= {"growth": Fraction(draw(st.integers(-5, 10)), 100), "rows_per_step": draw(st.integers(1, 12))}
    return shape, given_


def build(call: tuple[str, dict[str, Any]]) -> plans.PaymentPlan:
    """Build the plan, or discard the example where its terms are refused: that is an answer, too."""
    shape, given_ = call
    plan: plans.PaymentPlan = or_discard(lambda: getattr(plans, f"{shape}_plan")(**given_))
    return plan


def or_discard(make: Callable[[], plans.PaymentPlan]) -> plans.PaymentPlan:
    """Make a plan; a refusal must carry a code of this room, and ends the example."""
    try:
        return make()
    except InvalidTerms as error:
        refusal = error
    assert refusal.code.startswith("plans."), refusal.code
    assume(False)
    raise refusal


# -- birth -------------------------------------------------------------------------------------------------------


@given(call=calls())
def test_every_shape_closes_to_the_cent_or_is_refused_with_a_code(call: tuple[str, dict[str, Any]]) -> None:
    plan = build(call)
    rows = list(plan.schedule)
    balance = plan.schedule.principal.minor
    for number, row in enumerate(rows, start=1):
        balance -= row.principal_minor
        assert row.number == number
        assert row.balance_minor == balance
        assert min(row.principal_minor, row.interest_minor, row.fee_minor) >= 0
        assert row.total.minor == row.principal_minor + row.interest_minor + row.fee_minor > 0
    assert balance == 0
    days = [row.due_on for row in rows]
    lead = 1 if call[1].get("down_payment", Money(0, "EUR")).minor else 0
    assert days[lead:] == sorted(set(days[lead:]))
    assert days[0] >= call[1]["start_on"]
    assert plan.total == sum((row.total for row in rows), Money(0, "EUR"))


@given(call=calls())
def test_the_proof_states_what_the_rows_show(call: tuple[str, dict[str, Any]]) -> None:
    plan = build(call)
    proof, rows = plan.proof, list(plan.schedule)
    assert proof.principal_sum == proof.debt + proof.capitalised == plan.schedule.principal
    assert proof.debt == call[1]["principal"]
    assert proof.total == proof.principal_sum + proof.interest_sum + proof.fee_sum
    assert proof.last_balance.is_zero
    assert proof.smallest == min(row.total for row in rows)
    assert proof.rows == len(rows)
    assert len(proof.lines()) >= 5
    if proof.last_gap is not None:
        assert proof.gap_bound is not None
        assert abs(proof.last_gap) <= proof.gap_bound


@given(call=calls(), place=st.integers(0, 47))
def test_every_row_is_explained_by_its_factor(call: tuple[str, dict[str, Any]], place: int) -> None:
    plan = build(call)
    row = plan.schedule[place % len(plan.schedule)]
    told = plan.explain(row.number)
    assert told.row == row
    assert told.text.startswith(f"instalment {row.number} of {row.total}")
    ordinary = plan.terms.shape not in ("flat", "bullet") and plan.terms.grace_interest != "collect"
    if ordinary and told.factor:
        assert row.interest_minor == rounded(told.balance_before.minor * told.factor, plan.terms.rounding)


@given(call=calls())
def test_lazy_rows_and_bulk_rows_are_the_same(call: tuple[str, dict[str, Any]]) -> None:
    plan = build(call)
    assert [plan.schedule[place] for place in range(len(plan.schedule))] == list(build(call).schedule)
    assert Schedule.from_rows(plan.schedule) == plan.schedule
    assert hash(Schedule.from_rows(plan.schedule)) == hash(plan.schedule)
    assert pickle.loads(pickle.dumps(plan.schedule)) == plan.schedule


@given(call=calls(), precision=st.integers(1, 6))
def test_the_host_decimal_context_does_not_matter(call: tuple[str, dict[str, Any]], precision: int) -> None:
    plan = build(call)
    with decimal.localcontext() as context:
        context.prec = precision
        context.rounding = decimal.ROUND_UP
        assert build(call).schedule == plan.schedule


@given(debt=SUMS, count=COUNTS, start_on=STARTS, residue_to=st.sampled_from(get_args(plans.ResidueTo)))
def test_a_rate_of_zero_is_a_split(debt: int, count: int, start_on: date, residue_to: plans.ResidueTo) -> None:
    common: dict[str, Any] = {
        "plan_id": "P",
        "principal": Money(debt, "EUR"),
        "instalments": count,
        "start_on": start_on,
        "residue_to": residue_to,
    }
    assert plans.amortised_plan(rate=Rate.zero(), **common).schedule == plans.equal_split_plan(**common).schedule
    assert plans.flat_plan(rate=Rate.zero(), **common).schedule == plans.equal_split_plan(**common).schedule


@given(debt=st.integers(10_000, 10**7), count=COUNTS, start_on=STARTS)
def test_a_rate_near_zero_stays_within_a_unit_of_none(debt: int, count: int, start_on: date) -> None:
    common: dict[str, Any] = {
        "plan_id": "P",
        "principal": Money(debt, "EUR"),
        "instalments": count,
        "start_on": start_on,
    }
    tiny = plans.amortised_plan(rate=Rate.of("0.000000000001"), **common).schedule
    none = plans.equal_split_plan(**common).schedule
    regular = zip(tiny[:-1], none[:-1], strict=True)
    assert all(abs(one.total.minor - other.total.minor) <= 1 for one, other in regular)
    assert (
        abs(tiny.total.minor - none.total.minor) <= 1
    )  # the last row takes the odd units of all, so the whole is told


@given(debt=st.integers(1_000, 10**6), count=COUNTS, rate=RATES, start_on=STARTS, times=st.integers(2, 100))
def test_a_debt_times_as_large_has_instalments_times_as_large_but_for_rounding(
    debt: int, count: int, rate: Rate, start_on: date, times: int
) -> None:
    def level(minor: int) -> int:
        plan = plans.amortised_plan(
            plan_id="P", principal=Money(minor, "EUR"), rate=rate, instalments=count, start_on=start_on
        )
        return plan.schedule[0].total.minor

    try:
        assert abs(level(debt * times) - times * level(debt)) <= times + 1
    except InvalidTerms:
        assume(False)


@given(
    debt=st.integers(5_000, 10**7),
    affordable=st.integers(500, 10**6),
    rate=RATES,
    start_on=STARTS,
    limit=st.integers(1, 60),
    prefer=st.sampled_from(["soonest", "lowest"]),
)
def test_a_personalised_plan_never_asks_for_more_than_is_affordable(
    debt: int, affordable: int, rate: Rate, start_on: date, limit: int, prefer: Any
) -> None:
    found = plans.personalised_plan(
        plan_id="P",
        principal=Money(debt, "EUR"),
        affordable=Money(affordable, "EUR"),
        start_on=start_on,
        rate=rate,
        max_instalments=limit,
        prefer=prefer,
        residue_to="last" if prefer == "soonest" else "minimal",
    )
    if isinstance(found, Declined):
        assert found.reasons
        return
    assert len(found.plan.schedule) <= limit
    assert max(row.total.minor for row in found.plan.schedule) <= affordable
    if prefer == "soonest":
        assert found.binds == "affordable"


def test_all_cents_to_2000_in_1_to_60_parts_are_split_without_loss() -> None:
    # the oracle: parts are the sum divided and rounded half-even, or one less where that leaves nothing to the last
    start_on = date(2026, 1, 31)
    for parts in range(1, 61):
        for cents in range(1, 2001):
            if cents < parts:
                with pytest.raises(InvalidTerms) as refused:
                    plans.equal_split_plan(
                        plan_id="P", principal=Money(cents, "EUR"), instalments=parts, start_on=start_on
                    )
                assert (refused.value.code, refused.value.facts["most"]) == ("plans.too_small", cents)
                continue
            plan = plans.equal_split_plan(
                plan_id="P", principal=Money(cents, "EUR"), instalments=parts, start_on=start_on
            )
            payments = plan.schedule.payments
            quotient, rest = divmod(cents, parts)
            regular = quotient + (2 * rest > parts or (2 * rest == parts and quotient & 1))
            if regular * (parts - 1) >= cents:
                regular -= 1
            assert payments[:-1] == [regular] * (parts - 1)
            assert payments[-1] == cents - regular * (parts - 1) > 0


def test_every_row_of_360_at_9_99_percent_equals_a_fraction_oracle() -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=Money(25_000_000, "EUR"),
        rate=Rate.percent("9.99"),
        instalments=360,
        start_on=date(2026, 1, 31),
    )
    factor = Fraction(999, 10_000) / 12
    growth = (1 + factor) ** 360
    payment = round(25_000_000 * factor * growth / (growth - 1))
    balance = 25_000_000
    for row in plan.schedule:
        interest = round(balance * factor)  # round of a Fraction is half-even
        principal = balance if row.number == 360 else payment - interest
        balance -= principal
        assert (row.interest_minor, row.principal_minor, row.balance_minor) == (interest, principal, balance)


# -- the standing ------------------------------------------------------------------------------------------------


@st.composite
def fared(draw: st.DrawFn) -> tuple[plans.PaymentPlan, list[Payment], date]:
    """A plan, payments that met it, and a day of judgement."""
    plan = plans.amortised_plan(
        plan_id="P-1",
        principal=Money(draw(st.integers(10_000, 500_000)), "EUR"),
        rate=draw(RATES),
        instalments=draw(st.integers(2, 14)),
        start_on=draw(STARTS),
        tolerance_days=draw(st.integers(0, 10)),
        tolerance_amount=Money(draw(st.sampled_from([0, 0, 50, 500])), "EUR"),
    )
    span = (plan.ends_on - plan.terms.start_on).days + 40
    level = plan.schedule[0].total.minor
    payments = [
        Payment(
            payment_id=f"Z-{place}",
            account_id="A",
            amount=Money(draw(st.sampled_from([1, level - 1, level, level, level + 1, 2 * level])), "EUR"),
            received_on=plan.terms.start_on + timedelta(days=draw(st.integers(0, span))),
        )
        for place in range(draw(st.integers(0, 12)))
    ]
    return plan, payments, plan.terms.start_on + timedelta(days=draw(st.integers(0, span)))


@given(case=fared(), order=st.randoms(use_true_random=False))
def test_the_order_of_payments_does_not_matter(case: tuple[plans.PaymentPlan, list[Payment], date], order: Any) -> None:
    plan, payments, as_of = case
    standing = servicing.plan_status(plan=plan, paid=payments, as_of=as_of)
    shuffled = list(payments)
    order.shuffle(shuffled)
    assert servicing.plan_status(plan=plan, paid=shuffled, as_of=as_of) == standing


@given(case=fared())
def test_no_cent_is_lost_whatever_is_paid(case: tuple[plans.PaymentPlan, list[Payment], date]) -> None:
    plan, payments, as_of = case
    standing = servicing.plan_status(plan=plan, paid=payments, as_of=as_of)
    counted = sum(one.amount.minor for one in payments if one.received_on <= as_of)
    assert standing.amount_paid.minor + standing.overpaid.minor == counted
    assert standing.amount_paid + standing.amount_open == plan.total
    assert sum(part.amount_paid.minor for part in standing.instalments) == standing.amount_paid.minor
    assert not standing.overpaid.is_negative
    assert not standing.amount_open.is_negative


@given(case=fared())
def test_the_standing_turns_by_itself_on_no_day_before_next_on(
    case: tuple[plans.PaymentPlan, list[Payment], date],
) -> None:
    plan, payments, as_of = case
    known = [one for one in payments if one.received_on <= as_of]
    standing = servicing.plan_status(plan=plan, paid=known, as_of=as_of)

    def kind(on: date) -> tuple[object, ...]:
        seen = servicing.plan_status(plan=plan, paid=known, as_of=on)
        # under a plan that has ended the instalments are history, and only its status can matter
        return seen.status, tuple(part.state for part in seen.instalments) if seen.status.is_running else ()

    until = standing.next_on or as_of + timedelta(days=60)
    for days in range(1, min((until - as_of).days, 70)):
        assert kind(as_of + timedelta(days=days)) == kind(as_of)


@given(case=fared())
def test_a_plan_and_its_agreement_stand_alike(case: tuple[plans.PaymentPlan, list[Payment], date]) -> None:
    plan, payments, as_of = case
    named = attrs.evolve(plan, account_id="A", covers=("R-1",))
    agreement = named.as_agreement()
    assert servicing.plan_status(plan=agreement, paid=payments, as_of=as_of) == servicing.plan_status(
        plan=named, paid=payments, as_of=as_of
    )


@given(case=fared())
def test_a_broken_plan_stays_broken_whatever_comes_later(
    case: tuple[plans.PaymentPlan, list[Payment], date],
) -> None:
    plan, payments, as_of = case
    standing = servicing.plan_status(plan=plan, paid=payments, as_of=as_of)
    if standing.status is servicing.PlanStatus.BROKEN:
        much = Payment(payment_id="late", account_id="A", amount=plan.total, received_on=as_of)
        later = servicing.plan_status(plan=plan, paid=[*payments, much], as_of=as_of + timedelta(days=1))
        assert later.status is servicing.PlanStatus.BROKEN
        assert later.broken_on == standing.broken_on


# -- changes -----------------------------------------------------------------------------------------------------

CHANGES = (
    "shorten",
    "lower",
    "reamortise",
    "extend",
    "re_age",
    "restructure",
    "waive",
    "collect",
    "capitalise",
    "pause",
    "fee",
)


def change(kind: str, plan: plans.PaymentPlan, paid: list[Payment], on: date, size: int) -> plans.PaymentPlan:
    """Make the change of that name."""
    common: dict[str, Any] = {"plan": plan, "plan_id": "P-2", "on": on, "paid": paid}
    if kind in ("shorten", "lower"):
        return servicing.prepay(amount=Money(size, "EUR"), effect=kind, **common)  # type: ignore[arg-type]
    if kind == "reamortise":
        return servicing.reamortise(**common)
    if kind == "extend":
        return servicing.extend(instalments=size % 5 + 1, **common)
    if kind == "re_age":
        return servicing.re_age(first_due_on=on + timedelta(days=size % 40), instalments=size % 9 + 1, **common)
    if kind == "restructure":
        return servicing.restructure(instalments=size % 20 + 1, rate=Rate.percent(size % 9), **common)
    if kind == "pause":
        since = on + timedelta(days=size % 30)
        return servicing.pause_interest(from_on=since, until_on=since + timedelta(days=size % 60 + 1), **common)
    if kind == "fee":
        return servicing.add_fee(fee=Money(size, "EUR"), **common)
    return servicing.defer(payments=size % 3 + 1, interest=kind, **common)  # type: ignore[arg-type]


@given(case=fared(), kind=st.sampled_from(CHANGES), size=st.integers(1, 9_999))
def test_a_change_keeps_the_debt_and_the_paid_rows(
    case: tuple[plans.PaymentPlan, list[Payment], date], kind: str, size: int
) -> None:
    plan, payments, on = case
    new = or_discard(lambda: change(kind, plan, payments, on, size))
    assert new.supersedes == plan.plan_id
    assert new.agreed_on == on
    before = [one for one in payments if one.received_on < on]
    whole = 0
    money = sum(one.amount.minor for one in before)
    for row in plan.schedule:
        money -= row.total.minor
        if money < 0:
            break
        whole += 1
    assert new.schedule[:whole] == plan.schedule[:whole]
    if kind == "capitalise":
        assert new.schedule.principal >= plan.schedule.principal
    else:
        assert new.schedule.principal == plan.schedule.principal
    carried = sum(row.total.minor for row in new.schedule[: new.carried])
    assert carried == sum(one.amount.minor for one in before)
    assert all(row.due_on >= on for row in new.schedule[new.carried :])
    assert new.proof.last_balance.is_zero


@given(case=fared(), kind=st.sampled_from(CHANGES), size=st.integers(1, 9_999), order=st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_change_a_change(
    case: tuple[plans.PaymentPlan, list[Payment], date], kind: str, size: int, order: Any
) -> None:
    plan, payments, on = case
    shuffled = list(payments)
    order.shuffle(shuffled)

    def outcome(paid: list[Payment]) -> object:
        try:
            return change(kind, plan, paid, on, size)
        except CollectkitError as error:
            return error.code

    assert outcome(payments) == outcome(shuffled)


@given(
    call=calls(),
    kinds=st.lists(st.sampled_from(CHANGES), min_size=2, max_size=2),
    size=st.integers(1, 9_999),
    rows=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    late=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    part=st.integers(0, 50),
)
def test_changes_of_any_shape_may_follow_one_another_without_loss_of_debt(
    call: tuple[str, dict[str, Any]],
    kinds: list[str],
    size: int,
    rows: tuple[int, int],
    late: tuple[int, int],
    part: int,
) -> None:
    plan = build(call)
    for kind, count, days in zip(kinds, rows, late, strict=True):
        open_rows = plan.schedule[plan.carried :]
        paid = [
            Payment(payment_id=f"Z-{row.number}", account_id="A", amount=row.total, received_on=plan.agreed_on)
            for row in open_rows[:count]
        ]
        if part:
            paid.append(
                Payment(payment_id="Z-part", account_id="A", amount=Money(part, "EUR"), received_on=plan.agreed_on)
            )
        on = max(open_rows[min(count, len(open_rows)) - 1].due_on, plan.agreed_on) + timedelta(days=days + 1)
        old = plan

        def made(kind: str = kind, old: plans.PaymentPlan = old, on: date = on, paid: Any = paid) -> plans.PaymentPlan:
            return attrs.evolve(change(kind, old, paid, on, size), plan_id=f"{old.plan_id}+", supersedes=old.plan_id)

        plan = or_discard(made)
        assert plan.schedule[: old.carried] == old.schedule[: old.carried]
        money = sum(row.total.minor for row in plan.schedule[old.carried : plan.carried])
        assert money == sum(one.amount.minor for one in paid)
        if kind == "capitalise" or old.terms.grace_interest == "capitalise":
            # a wait that ends sooner, or on less, adds less to the debt
            assert plan.schedule.principal >= old.proof.debt
        else:
            assert plan.schedule.principal == old.schedule.principal
        balances = [row.balance_minor for row in plan.schedule]
        assert min(balances) >= balances[-1] == 0
        assert all(row.due_on >= on for row in plan.schedule[plan.carried :])


@given(
    call=calls(), rows=st.integers(0, 6), size=st.integers(1, 9_999), kind=st.sampled_from(["fee", "waive", "collect"])
)
def test_rows_that_a_fee_or_a_wait_does_not_concern_stay_as_they_were(
    call: tuple[str, dict[str, Any]], rows: int, size: int, kind: str
) -> None:
    plan = build(call)
    rows = min(rows, len(plan.schedule) - 1)
    paid = [
        Payment(payment_id=f"Z-{row.number}", account_id="A", amount=row.total, received_on=row.due_on)
        for row in plan.schedule[:rows]
    ]
    on = plan.schedule[rows - 1].due_on + timedelta(days=1) if rows else plan.agreed_on
    down = call[1].get("down_payment")
    assume(rows or down is None or not down.minor)  # a down payment that has not come is none of the later rows
    assume(plan.schedule[rows].due_on >= on)
    new = or_discard(lambda: change(kind, plan, paid, on, size))
    before, after = plan.schedule[rows:], new.schedule[rows:]
    assert new.schedule[:rows] == plan.schedule[:rows]
    assert len(before) == len(after)
    assert sum(row.fee_minor for row in after) == sum(row.fee_minor for row in before) + (size if kind == "fee" else 0)
    if kind == "fee":
        assert after[0].fee_minor == before[0].fee_minor + size
        assert [attrs.evolve(row, fee_minor=0) for row in after] == [attrs.evolve(row, fee_minor=0) for row in before]
        assert [row.fee_minor for row in after[1:]] == [row.fee_minor for row in before[1:]]
        return
    assert [row.fee_minor for row in after] == [row.fee_minor for row in before]
    if plan.terms.shape == "flat":
        assert [row.principal_minor for row in after] == [row.principal_minor for row in before]
        assert [row.interest_minor for row in after[1:]] == [row.interest_minor for row in before[1:]]
        assert (after[0].interest_minor == before[0].interest_minor) or kind == "collect"
    elif plan.terms.shape != "bullet" and plan.terms.day_count is None:
        amounts = [row.principal_minor + row.interest_minor for row in after]
        assert amounts[1:] == [row.principal_minor + row.interest_minor for row in before[1:]]


STEADY = ("reamortise", "extend", "re_age", "restructure", "pause", "fee")


@given(
    case=fared(),
    kinds=st.tuples(st.sampled_from(STEADY), st.sampled_from(STEADY)),
    size=st.integers(1, 9_999),
    gap=st.integers(0, 40),
)
def test_what_closes_a_plan_is_the_same_before_and_after_each_of_two_changes(
    case: tuple[plans.PaymentPlan, list[Payment], date], kinds: tuple[str, str], size: int, gap: int
) -> None:
    plan, payments, on = case
    for kind in kinds:
        try:
            new = change(kind, plan, payments, on, size)
        except InvalidTerms:  # a plan that is paid, or whose rows are all past due, is another law's matter
            return
        before = servicing.payoff_quote(plan=plan, on=on, paid=payments)
        after = servicing.payoff_quote(plan=new, on=on)
        assert after.principal == before.principal
        assert after.fee.minor == before.fee.minor + (size if kind == "fee" else 0)
        assert abs(after.interest.minor - before.interest.minor) <= 1  # a cut period is rounded in two parts
        assert new.schedule[: plan.carried] == plan.schedule[: plan.carried]
        plan, payments, on = new, [], on + timedelta(days=gap)


@given(case=fared(), place=st.integers(0, 13))
def test_paying_off_on_a_due_date_costs_the_balance_and_the_interest_of_the_row(
    case: tuple[plans.PaymentPlan, list[Payment], date], place: int
) -> None:
    plan = case[0]
    row = plan.schedule[place % len(plan.schedule)]
    on_time = [
        Payment(payment_id=f"Z-{one.number}", account_id="A", amount=one.total, received_on=one.due_on)
        for one in plan.schedule[: row.number - 1]
    ]
    quote = servicing.payoff_quote(plan=plan, on=row.due_on, paid=on_time)
    assert quote.principal.minor == row.balance_minor + row.principal_minor
    assert quote.interest == row.interest
    to_due = servicing.payoff_quote(
        plan=plan, on=plan.schedule[row.number - 1].due_on, paid=on_time, interest="to_due_date"
    )
    assert to_due.total == quote.total


@given(rows=st.lists(st.tuples(st.integers(0, 9_999), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=20))
def test_a_schedule_of_any_rows_has_their_sums(rows: list[tuple[int, int, int]]) -> None:
    made = Schedule.from_rows(
        Instalment(
            number=number,
            due_on=date(2026, 1, 1) + timedelta(days=number),
            principal_minor=principal,
            interest_minor=interest,
            fee_minor=fee,
            currency="EUR",
        )
        for number, (principal, interest, fee) in enumerate(rows, start=1)
    )
    assert made.principal.minor == sum(row[0] for row in rows)
    assert made.interest.minor == sum(row[1] for row in rows)
    assert made.fees.minor == sum(row[2] for row in rows)
    assert made.total.minor == sum(map(sum, rows))
    assert made[-1].balance.is_zero


# -- loans from their events -------------------------------------------------------------------------------------


@st.composite
def loans(draw: st.DrawFn) -> tuple[servicing.LoanTerms, list[servicing.LoanEvent]]:
    """A loan of any engine, and what may happen to it."""
    engine: Any = draw(st.sampled_from(["progressive", "cumulative", "flat", "equal_principal"]))
    count = draw(st.integers(2, 10))
    start = draw(STARTS)
    terms = servicing.LoanTerms(
        currency="EUR",
        rate=draw(RATES),
        instalments=count,
        every=draw(st.sampled_from([Every(1, "months"), Every(2, "weeks"), Every(15, "days")])),
        engine=engine,
        start_on=start,
        digits=12 if engine == "progressive" else None,
        multiple=draw(st.sampled_from([None, Money(100, "EUR")])),
        has_fairness_step=engine == "progressive",
        accrual=draw(st.sampled_from(["equal_periods", "nominal_month", "actual_days"])),
        year_days=draw(st.sampled_from([360, 365, None])),
        month_days=draw(st.sampled_from([30, None])),
        is_split_at_year_end=draw(st.booleans()),
        level_days=draw(st.sampled_from([None, 30])),
        principal_grace=draw(st.integers(0, count - 1)),
        down_payment=draw(st.sampled_from([Fraction(0), Fraction(1, 4)])),
        is_down_payment_paid=draw(st.booleans()),
        recalculation=draw(
            st.sampled_from([None, servicing.Recalculation(), servicing.Recalculation(has_new_level=True)])
        ),
    )
    ends = terms.dates()
    days = st.integers(0, (ends[-1] - start).days + 20).map(lambda day: start + timedelta(days=day))
    sums = st.integers(1, 60_000).map(lambda minor: Money(minor, "EUR"))
    happening: st.SearchStrategy[servicing.LoanEvent] = st.one_of(
        st.builds(servicing.Drawdown, on=days, amount=sums),
        st.builds(servicing.LoanPayment, on=days, amount=sums),
        st.builds(servicing.Recalculated, on=days),
        st.builds(servicing.Payoff, on=days),
        st.builds(servicing.ChargedOff, on=days),
        st.builds(servicing.EarlyPayment, on=days, for_due_on=st.sampled_from(ends), principal=sums, interest=sums),
        st.builds(servicing.Rescheduled, on=days, from_due_on=st.sampled_from(ends), to_due_on=days),
        st.builds(
            servicing.ChargedShare,
            on=days,
            component=st.sampled_from(["fee", "late_fee"]),
            share=st.fractions(0, Fraction(1, 5), max_denominator=100),
            base=st.sampled_from([("principal",), ("interest",), ("principal", "interest")]),
            over=st.sampled_from(["plan", "each_row", "overdue_rows"]),
        ),
        st.builds(servicing.Charged, on=days, component=st.sampled_from(["fee", "late_fee"]), amount=sums),
        st.builds(servicing.ChargedBack, on=days, amount=sums),
        st.builds(servicing.Reamortised, on=days),
        st.builds(
            servicing.ReAged,
            on=days,
            first_due_on=days.map(lambda day: ends[-1] + (day - start)),
            instalments=st.integers(1, 5),
            every=st.just(Every(1, "months")),
        ),
    )
    first = servicing.Drawdown(amount=Money(draw(st.integers(10_000, 1_000_000)), "EUR"))
    return terms, [first, *draw(st.lists(happening, max_size=4))]


@given(case=loans())
def test_a_loan_pays_back_what_was_drawn_whatever_happens_to_it(
    case: tuple[servicing.LoanTerms, list[servicing.LoanEvent]],
) -> None:
    terms, events = case
    try:
        rows = servicing.loan_rows(terms, events)
    except InvalidTerms:
        assume(False)
    drawn = sum(one.amount.minor for one in events if isinstance(one, servicing.Drawdown | servicing.ChargedBack))
    charged = sum(one.amount.minor for one in events if isinstance(one, servicing.Charged))
    assert sum(row.principal.minor for row in rows) == drawn
    fees = sum(row.fee.minor + row.late_fee.minor for row in rows)
    assert fees >= charged
    assert fees == charged or any(isinstance(one, servicing.ChargedShare) for one in events)
    assert rows[-1].balance.is_zero
    assert all(row.total == row.principal + row.interest + row.fee + row.late_fee for row in rows)
    assert all(not row.interest.is_negative for row in rows)


@given(case=loans(), days=st.lists(st.integers(0, 2), max_size=8), order=st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_given_does_not_matter(
    case: tuple[servicing.LoanTerms, list[servicing.LoanEvent]], days: list[int], order: Any
) -> None:
    terms, events = case
    assert terms.start_on is not None
    moved = [
        attrs.evolve(one, on=terms.start_on + timedelta(days=10 * day))
        for one, day in zip(events[1:], days, strict=False)
    ]
    given_ = [events[0], *moved, *events[1 + len(moved) :]]
    shuffled = list(given_)
    order.shuffle(shuffled)

    def outcome(happened: list[servicing.LoanEvent]) -> object:
        try:
            return servicing.loan_rows(terms, happened)
        except InvalidTerms as error:
            return error.code

    assert outcome(given_) == outcome(shuffled)


# -- whatever is given -------------------------------------------------------------------------------------------

PLAN = plans.amortised_plan(
    plan_id="P", principal=Money(100_000, "EUR"), rate=Rate.percent("12"), instalments=6, start_on=date(2026, 1, 31)
)
BUILT: dict[str, Any] = {"plan_id": "P", "principal": Money(100_000, "EUR"), "start_on": date(2026, 1, 31)}
CHANGED: dict[str, Any] = {"plan": PLAN, "plan_id": "P-2", "on": date(2026, 2, 1), "paid": []}
CENT = Money(1, "EUR")
CALLS: dict[Callable[..., Any], dict[str, Any]] = {
    plans.amortised_plan: {**BUILT, "rate": Rate.percent("12"), "instalments": 6},
    plans.deferred_plan: {
        **BUILT,
        "instalments": 6,
        "grace": 2,
        "starts_on": None,
        "rate": None,
        "interest": "collect",
    },
    plans.balloon_plan: {**BUILT, "rate": Rate.percent("12"), "instalments": 6, "balloon": CENT},
    plans.bullet_plan: {**BUILT, "rate": Rate.percent("12"), "periods": 6, "interest": "simple"},
    plans.stepped_plan: {**BUILT, "instalments": 6, "growth": "0.1", "rows_per_step": 2},
    plans.minimum_payment_plan: {**BUILT, "share": "0.1", "floor": Money(5000, "EUR"), "max_instalments": 99},
    plans.agreed_plan: {**BUILT, "parts": [(date(2026, 3, 1), None)]},
    plans.personalised_plan: {**BUILT, "affordable": Money(9_000, "EUR"), "end_by": None, "min_instalment": None},
    plans.equal_split_plan: {
        **BUILT,
        "instalments": 6,
        "every": Every(1, "months"),
        "first_due_on": None,
        "due_on": (),
        "rrule": None,
        "month_end": "clamp",
        "skip_months": (),
        "calendar": None,
        "adjustment": "none",
        "rounding": "half_even",
        "residue_to": "last",
        "multiple": None,
        "fee_each": None,
        "fee_total": None,
        "down_payment": None,
        "gap_limit": None,
        "account_id": None,
        "covers": (),
        "agreed_on": None,
        "supersedes": None,
        "tolerance_days": 0,
        "tolerance_amount": None,
    },
    servicing.prepay: {**CHANGED, "amount": CENT, "effect": "lower"},
    servicing.reamortise: {**CHANGED, "arrears": "collect"},
    servicing.extend: {**CHANGED, "instalments": 2},
    servicing.re_age: {**CHANGED, "first_due_on": date(2026, 3, 1), "instalments": 3, "every": Every(1, "months")},
    servicing.restructure: {**CHANGED, "instalments": 3, "rate": Rate.percent("3"), "first_due_on": date(2026, 3, 1)},
    servicing.defer: {**CHANGED, "payments": 1, "until": None, "interest": "waive"},
    servicing.pause_interest: {**CHANGED, "from_on": date(2026, 3, 1), "until_on": date(2026, 4, 1)},
    servicing.add_fee: {**CHANGED, "fee": CENT},
    servicing.payoff_quote: {"plan": PLAN, "on": date(2026, 2, 1), "paid": [], "interest": "to_day", "rebate": CENT},
    servicing.charge_off: {"plan": PLAN, "on": date(2026, 2, 1), "paid": []},
    servicing.write_off: {"plan": PLAN, "on": date(2026, 2, 1), "paid": [], "limit": CENT},
    servicing.plan_status: {"plan": PLAN, "paid": [], "as_of": date(2026, 2, 1), "others": [], "owed": CENT},
    servicing.loan_rows: {
        "terms": servicing.LoanTerms(
            currency="EUR",
            rate=Rate.percent("5"),
            instalments=3,
            every=Every(1, "months"),
            engine="flat",
            start_on=date(2026, 1, 1),
        ),
        "events": [servicing.Drawdown(amount=CENT)],
    },
}
ODD: tuple[Any, ...] = (
    *(None, 0, -1, 1.5, True, "x", "", b"x", [], [1], [None], {}, object(), (1, 2), 10**30, float("nan")),
    *(decimal.Decimal("NaN"), Fraction(1, 3), date.max, date.min, datetime(2026, 1, 1), [date(2026, 1, 1)]),  # noqa: DTZ001 - odd on purpose
    *(Money(5, "USD"), Money(-5, "EUR"), Money(10**18, "EUR"), Rate.percent("5"), Every(1, "days"), PLAN),
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_only_declared_errors_escape_whatever_is_given(call: Callable[..., Any]) -> None:
    good = CALLS[call]
    for name in good:
        for odd in ODD:
            with contextlib.suppress(CollectkitError):
                call(**{**good, name: odd})
