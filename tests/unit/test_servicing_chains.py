"""Changes upon changes, and what closes a plan between and after them; figures worked out by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from collectkit import plans, servicing
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import Payment

TWELVE = Rate.percent("12")  # 1 % a month


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


def level(**options: Any) -> plans.PaymentPlan:
    given: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": eur("1000"),
        "rate": TWELVE,
        "instalments": 6,
        "start_on": date(2026, 1, 1),
    }
    return plans.amortised_plan(**{**given, **options})


def paid(plan: plans.PaymentPlan, rows: int) -> list[Payment]:
    return [
        Payment(payment_id=f"M-{row.number}", account_id="A", amount=row.total, received_on=row.due_on)
        for row in plan.schedule[:rows]
    ]


def parts(plan: plans.PaymentPlan) -> list[tuple[str, int, int]]:
    return [(row.due_on.isoformat(), row.interest_minor, row.fee_minor) for row in plan.schedule]


def test_interest_and_fees_brought_over_survive_a_second_change() -> None:
    once = servicing.reamortise(plan=level(fee_each=eur("2")), plan_id="P-2", on=date(2026, 2, 10))
    twice = servicing.reamortise(plan=once, plan_id="P-3", on=date(2026, 2, 11))
    assert once.schedule[0].interest == eur("20")  # 10.00 past due and 10.00 of the month
    assert once.schedule[0].fee == eur("4")
    assert list(twice.schedule) == list(once.schedule)


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_change_leaves_what_closes_the_plan_as_it_was(is_changed: bool) -> None:
    plan = level(fee_each=eur("2"))
    if is_changed:
        plan = servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 2, 10))
    on = date(2026, 2, 11)
    quote = servicing.payoff_quote(plan=plan, on=on)
    # 10.00 past due, and 10 of 28 days of 10.00; the fee past due, none of those to come
    assert (quote.principal, quote.interest, quote.fee) == (eur("1000"), eur("13.57"), eur("2"))
    assert servicing.charge_off(plan=plan, on=on).total == quote.total


def test_a_period_cut_by_new_terms_bears_its_interest_once() -> None:
    new = servicing.restructure(plan=level(), plan_id="P-2", on=date(2026, 1, 16), instalments=6)
    assert new.schedule[0].interest == eur("10")  # 4.84 for 15 of 31 days, then 5.16
    assert new.explain(1).factor == Fraction(16, 3100)
    again = servicing.reamortise(plan=new, plan_id="P-3", on=date(2026, 1, 20))
    assert again.schedule[0].interest == eur("10")


def test_a_longer_first_period_bears_its_days() -> None:
    new = servicing.re_age(
        plan=level(), plan_id="P-2", on=date(2026, 2, 1), first_due_on=date(2026, 3, 16), instalments=6
    )
    # the whole month of February and 15 of 31 days of March, after 10.00 for January
    assert new.schedule[0].interest.minor == 1000 + round(Fraction(1000) * (1 + Fraction(15, 31)))


@pytest.mark.parametrize("row", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "options",
    [
        {"start_on": date(2026, 1, 31)},
        {"first_due_on": date(2026, 2, 20)},
        {"skip_months": (3, 4)},
        {"day_count": "act/act-icma"},
    ],
)
def test_a_quote_for_a_due_date_asks_for_the_interest_of_its_row(options: dict[str, Any], row: int) -> None:
    plan = level(**options)
    quote = servicing.payoff_quote(plan=plan, on=plan.schedule[row].due_on, paid=paid(plan, row))
    assert quote.interest == plan.schedule[row].interest
    assert quote.principal.minor == plan.schedule.balance_before(row)


def test_interest_by_icma_runs_by_the_days_of_its_period() -> None:
    quote = servicing.payoff_quote(plan=level(day_count="act/act-icma"), on=date(2026, 1, 20))
    assert quote.interest == eur("6.13")  # 19 of 31 days of 10.00


@pytest.mark.parametrize(("interest", "asked"), [("collect", ["0", "10", "30"]), ("capitalise", ["0", "10", "30.30"])])
def test_interest_of_a_deferral_is_asked_for_as_far_as_it_was_earned(interest: Any, asked: list[str]) -> None:
    plan = plans.deferred_plan(
        plan_id="P-1",
        principal=eur("1000"),
        rate=TWELVE,
        instalments=6,
        start_on=date(2026, 1, 1),
        grace=3,
        interest=interest,
    )
    for on, more in zip((date(2026, 1, 1), date(2026, 2, 1), date(2026, 4, 1)), asked, strict=True):
        quote = servicing.payoff_quote(plan=plan, on=on)
        assert quote.total == eur("1000") + eur(more)
        assert quote.total + quote.interest_saved == plan.total
        assert servicing.charge_off(plan=plan, on=on).total == quote.total


@pytest.mark.parametrize("verb", ["restructure", "re_age"])
@pytest.mark.parametrize(
    ("interest", "owed", "first"), [("collect", (100000, 1000), 4000), ("capitalise", (101000, 0), 3030)]
)
def test_new_terms_within_a_wait_owe_what_it_has_earned_and_let_the_rest_run_on(
    verb: str, interest: Any, owed: tuple[int, int], first: int
) -> None:
    plan = plans.deferred_plan(
        plan_id="P-1",
        principal=eur("1000"),
        rate=TWELVE,
        instalments=6,
        start_on=date(2026, 1, 1),
        grace=3,
        interest=interest,
    )
    on, due_on = date(2026, 2, 1), date(2026, 5, 1)
    new = getattr(servicing, verb)(plan=plan, plan_id="P-2", on=on, instalments=6, first_due_on=due_on)
    quote = servicing.payoff_quote(plan=new, on=on)
    # January earned 1 % of 1000.00; February to April earn 3 % of what is then the debt, asked for on 1 May
    assert (quote.principal.minor, quote.interest.minor) == owed
    assert parts(new)[0] == ("2026-05-01", first, 0)
    third_week = date(2026, 1, 22)  # 21 of 31 days of 10.00
    early = getattr(servicing, verb)(plan=plan, plan_id="P-2", on=third_week, instalments=6, first_due_on=due_on)
    assert servicing.payoff_quote(plan=early, on=third_week).total == eur("1006.77")


def test_new_terms_within_a_wait_keep_the_first_due_date() -> None:
    plan = plans.deferred_plan(
        plan_id="P-1",
        principal=eur("1000"),
        rate=TWELVE,
        instalments=6,
        start_on=date(2026, 1, 1),
        grace=3,
        interest="collect",
    )
    new = servicing.restructure(plan=plan, plan_id="P-2", on=date(2026, 2, 1), instalments=4)
    assert parts(new)[0] == ("2026-05-01", 4000, 0)  # 10.00 earned in January, 30.00 in the three months after it


def test_interest_collected_after_a_deferral_survives_a_change() -> None:
    plan = plans.deferred_plan(
        plan_id="P-1",
        principal=eur("1000"),
        rate=TWELVE,
        instalments=6,
        start_on=date(2026, 1, 1),
        grace=3,
        interest="collect",
    )
    new = servicing.add_fee(plan=plan, plan_id="P-2", on=date(2026, 4, 5), fee=eur("1"))
    assert parts(new)[0] == ("2026-05-01", 4000, 100)
    assert [row.principal for row in new.schedule] == [row.principal for row in plan.schedule]


def test_skipped_months_stay_skipped_after_a_change() -> None:
    plan = level(skip_months=(3, 4))
    new = servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 5, 2), paid=paid(plan, 2))
    assert list(new.schedule) == list(plan.schedule)  # nothing was missed, so nothing moves
    longer = servicing.extend(plan=plan, plan_id="P-2", on=date(2026, 5, 2), paid=paid(plan, 2), instalments=1)
    assert [row.due_on.month for row in longer.schedule] == [2, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("wait", [{"payments": 1}, {"until": date(2026, 6, 1)}])
def test_a_deferral_over_skipped_months_waives_the_wait_alone(wait: dict[str, Any]) -> None:
    plan = level(skip_months=(3, 4))
    new = servicing.defer(plan=plan, plan_id="P-2", on=date(2026, 4, 20), paid=paid(plan, 1), interest="waive", **wait)
    assert [row.due_on.month for row in new.schedule] == [2, 6, 7, 8, 9, 10]
    assert new.schedule[1].interest == plan.schedule[1].interest == eur("25.04")  # February to April, as agreed
    assert new.total == plan.total


def test_a_deferral_into_a_month_without_instalments_is_refused() -> None:
    plan = level(skip_months=(3, 4))
    with pytest.raises(InvalidTerms, match="month without instalments") as refused:
        servicing.defer(plan=plan, plan_id="P-2", on=date(2026, 1, 20), until=date(2026, 3, 1), interest="waive")
    assert refused.value.code == "plans.deferral"


def test_skipped_months_of_a_deferral_are_none_of_the_first_period() -> None:
    plan = plans.deferred_plan(
        plan_id="P-1",
        principal=eur("1000"),
        rate=TWELVE,
        instalments=3,
        start_on=date(2026, 1, 1),
        grace=3,
        interest="waive",
        skip_months=(2, 5),
    )
    assert plan.schedule[0].due_on == date(2026, 6, 1)
    assert plan.schedule[0].interest == eur("20")  # April and May; January to March are waived


def test_a_bullet_keeps_its_day_through_changes_and_compounds_in_quotes() -> None:
    bullet = plans.bullet_plan(
        plan_id="P-1", principal=eur("1000"), rate=TWELVE, periods=6, start_on=date(2026, 1, 31), interest="compound"
    )
    quote = servicing.payoff_quote(plan=bullet, on=date(2026, 7, 31))
    assert quote.interest == bullet.schedule[0].interest == eur("61.52")
    on = date(2026, 3, 31)
    for new in (
        servicing.add_fee(plan=bullet, plan_id="P-2", on=on, fee=eur("1")),
        servicing.reamortise(plan=bullet, plan_id="P-2", on=on),
    ):
        assert parts(new)[0][:2] == ("2026-07-31", 6152)
    assert servicing.extend(plan=bullet, plan_id="P-2", on=on, instalments=2).ends_on == date(2026, 9, 30)
    shortened = servicing.prepay(plan=bullet, plan_id="P-2", on=on, amount=eur("400"), effect="shorten")
    # 600.00 compounding for six months, and 8.04 that the 400.00 bore until they were paid
    assert [row.due_on for row in shortened.schedule] == [on, date(2026, 7, 31)]
    assert shortened.schedule[1].interest.minor == 3691 + 804
    later = servicing.defer(plan=bullet, plan_id="P-2", on=date(2026, 7, 10), payments=1, interest="collect")
    assert parts(later) == [("2026-08-31", 6152 + 1000, 0)]


def test_interest_after_the_end_of_a_bullet_runs_from_its_end() -> None:
    bullet = plans.bullet_plan(plan_id="P-1", principal=eur("1000"), rate=TWELVE, periods=6, start_on=date(2026, 1, 31))
    assert servicing.payoff_quote(plan=bullet, on=date(2026, 8, 31)).interest == eur("70")


def test_paid_rows_keep_their_balances_through_two_changes_that_add_to_the_debt() -> None:
    plan = level()
    first = servicing.defer(
        plan=plan, plan_id="P-2", on=date(2026, 2, 20), payments=1, interest="capitalise", paid=paid(plan, 1)
    )
    assert first.schedule[:1] == plan.schedule[:1]
    money = [
        Payment(payment_id="M-9", account_id="A", amount=first.schedule[1].total, received_on=first.schedule[1].due_on)
    ]
    second = servicing.defer(
        plan=first, plan_id="P-3", on=date(2026, 4, 20), payments=1, interest="capitalise", paid=money
    )
    assert second.schedule[:2] == first.schedule[:2]
    third = servicing.reamortise(plan=second, plan_id="P-4", on=date(2026, 4, 25))
    assert third.schedule[:2] == first.schedule[:2]
    assert third.proof.last_balance.is_zero


def flat() -> plans.PaymentPlan:
    return plans.flat_plan(plan_id="P-1", principal=eur("1000"), rate=TWELVE, instalments=6, start_on=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("verb", "more", "interest"),
    [
        ("reamortise", {}, [1000, 1000, 1000, 1000]),
        ("add_fee", {"fee": eur("5")}, [1000, 1000, 1000, 1000]),
        ("extend", {"instalments": 2}, [1000] * 6),
        ("defer", {"payments": 1, "interest": "waive"}, [1000, 1000, 1000, 1000]),
        ("defer", {"payments": 1, "interest": "collect"}, [2000, 1000, 1000, 1000]),
    ],
)
def test_flat_interest_stays_on_the_whole_debt_through_a_change(
    verb: str, more: dict[str, Any], interest: list[int]
) -> None:
    plan = flat()
    new = getattr(servicing, verb)(plan=plan, plan_id="P-2", on=date(2026, 3, 2), paid=paid(plan, 2), **more)
    assert [row.interest_minor for row in new.schedule[2:]] == interest
    assert new.schedule[:2] == plan.schedule[:2]
    again = servicing.reamortise(plan=new, plan_id="P-3", on=date(2026, 3, 3))
    assert [row.interest_minor for row in again.schedule[2:]] == interest


@pytest.mark.parametrize(("effect", "rows"), [("lower", 4), ("shorten", 3)])
def test_flat_interest_falls_by_the_share_that_is_paid_early(effect: Any, rows: int) -> None:
    plan = flat()
    new = servicing.prepay(
        plan=plan, plan_id="P-2", on=date(2026, 3, 2), paid=paid(plan, 2), amount=eur("200"), effect=effect
    )
    # 8.00 a month on 800.00, and 6 cents that 200.00 bore for one of 31 days
    assert [row.interest_minor for row in new.schedule[3:]] == [806] + [800] * (rows - 1)


@pytest.mark.parametrize(("on", "interest"), [(date(2026, 1, 16), 484), (date(2026, 1, 20), 613)])
def test_a_prepayment_that_has_not_come_bears_its_interest_once(on: date, interest: int) -> None:
    new = servicing.prepay(plan=level(), plan_id="P-2", on=date(2026, 1, 16), amount=eur("500"), effect="lower")
    # 1000.00 bears 10.00 in the 31 days of January, of which 15 and 19 have passed
    quote = servicing.payoff_quote(plan=new, on=on)
    assert (quote.principal, quote.interest.minor) == (eur("1000"), interest)


def test_a_prepayment_that_has_come_bears_interest_until_its_day() -> None:
    on = date(2026, 1, 16)
    new = servicing.prepay(plan=level(), plan_id="P-2", on=on, amount=eur("500"), effect="lower")
    money = [Payment(payment_id="M-1", account_id="A", amount=eur("500"), received_on=on)]
    quote = servicing.payoff_quote(plan=new, on=date(2026, 1, 20), paid=money)
    # 15 days of 5.00 in 31 that were brought over, 2.42, and 19 days of 5.00 in 31, 3.06
    assert (quote.principal, quote.interest.minor) == (eur("500"), 548)


def deferred(interest: Any, **options: Any) -> plans.PaymentPlan:
    given: dict[str, Any] = {
        "plan_id": "P-1",
        "principal": eur("1000"),
        "rate": TWELVE,
        "instalments": 6,
        "start_on": date(2026, 1, 1),
        "grace": 3,
        "interest": interest,
    }
    return plans.deferred_plan(**{**given, **options})


MID_WAIT = date(2026, 2, 15)  # January and half of February are earned: 15.00, or 15.05 where January joined the debt
WAIT_CHANGES: dict[str, dict[str, Any]] = {
    "add_fee": {"fee": eur("5")},
    "reamortise": {},
    "extend": {"instalments": 2},
    "prepay": {"amount": eur("400"), "effect": "lower"},
    "pause_interest": {"from_on": date(2026, 3, 1), "until_on": date(2026, 4, 1)},
}


@pytest.mark.parametrize("verb", WAIT_CHANGES)
@pytest.mark.parametrize(("interest", "earned"), [("collect", 1500), ("capitalise", 1505), ("waive", 0)])
def test_a_change_within_a_wait_owes_what_was_earned_and_no_more(verb: str, interest: Any, earned: int) -> None:
    new = getattr(servicing, verb)(plan=deferred(interest), plan_id="P-2", on=MID_WAIT, **WAIT_CHANGES[verb])
    quote = servicing.payoff_quote(plan=new, on=MID_WAIT)
    assert (quote.principal + quote.interest).minor == 100_000 + earned
    assert servicing.charge_off(plan=new, on=MID_WAIT).total == quote.total


@pytest.mark.parametrize(
    ("verb", "first"),
    [
        ("add_fee", 4000),  # three months of the wait, and April
        ("reamortise", 4000),
        ("extend", 4000),
        ("prepay", 1500 + 300 + 600 + 600),  # from the middle of February on 600.00 alone
        ("pause_interest", 3000),  # March bears none
    ],
)
def test_the_first_row_after_a_changed_wait_collects_all_of_its_interest(verb: str, first: int) -> None:
    new = getattr(servicing, verb)(plan=deferred("collect"), plan_id="P-2", on=MID_WAIT, **WAIT_CHANGES[verb])
    row = next(row for row in new.schedule if row.due_on == date(2026, 5, 1))
    assert row.interest_minor == first


@pytest.mark.parametrize(("arrears", "owed", "first"), [("capitalise", 101_500, 2538), ("waive", 100_000, 2500)])
def test_what_a_wait_has_earned_may_join_the_debt_or_be_given_up_and_the_wait_goes_on(
    arrears: Any, owed: int, first: int
) -> None:
    new = servicing.reamortise(plan=deferred("collect"), plan_id="P-2", on=MID_WAIT, arrears=arrears)
    assert servicing.payoff_quote(plan=new, on=MID_WAIT).total.minor == owed
    assert new.schedule[0].interest_minor == first  # half of February, March and April: 5.075, 10.15 and 10.15


@pytest.mark.parametrize(
    ("interest", "owed"),
    [("waive", [0, 0, 0]), ("collect", [613, 1964, 2000]), ("capitalise", [613, 1964, 2000])],
)
def test_a_plan_put_off_owes_interest_of_the_wait_as_it_is_earned(interest: Any, owed: list[int]) -> None:
    new = servicing.defer(plan=level(), plan_id="P-2", on=date(2026, 1, 20), payments=2, interest=interest)
    for on, more in zip((date(2026, 1, 20), date(2026, 2, 28), date(2026, 3, 1)), owed, strict=True):
        assert servicing.payoff_quote(plan=new, on=on).total.minor == 100_000 + more


def test_money_that_comes_within_a_wait_bears_interest_until_its_day() -> None:
    money = [Payment(payment_id="M-1", account_id="A", amount=eur("100"), received_on=date(2026, 2, 1))]
    for on, interest in ((date(2026, 3, 1), 1000 + 900), (date(2026, 4, 1), 1000 + 900 + 900)):
        quote = servicing.payoff_quote(plan=deferred("collect"), on=on, paid=money)
        assert (quote.principal, quote.interest.minor) == (eur("900"), interest)
    new = servicing.reamortise(plan=deferred("collect"), plan_id="P-2", on=date(2026, 3, 1), paid=money)
    assert parts(new)[1][:2] == ("2026-05-01", 1000 + 3 * 900)


def test_a_quote_to_the_due_date_holds_the_whole_wait() -> None:
    quote = servicing.payoff_quote(plan=deferred("collect"), on=MID_WAIT, interest="to_due_date")
    assert quote.interest == eur("40")
    added = servicing.payoff_quote(plan=deferred("capitalise"), on=MID_WAIT, interest="to_due_date")
    assert (added.principal, added.interest) == (eur("1030.30"), eur("10.30"))


def test_a_wait_is_not_put_off_within_another() -> None:
    plan = deferred("collect", start_on=date(2026, 1, 31), grace=1)
    with pytest.raises(InvalidTerms, match="the wait until 2026-02-28 still runs") as refused:
        servicing.defer(plan=plan, plan_id="P-2", on=date(2026, 2, 27), payments=1, interest="waive")
    assert refused.value.code == "plans.deferral"


@pytest.mark.parametrize("verb", ["restructure", "re_age"])
@pytest.mark.parametrize(
    "options",
    [{"interest": "waive"}, {"interest": "collect", "rate": Rate.zero()}, {"interest": "waive", "rate": None}],
)
def test_new_terms_may_fall_due_within_a_wait_that_bears_nothing(verb: str, options: dict[str, Any]) -> None:
    new = getattr(servicing, verb)(
        plan=deferred(**options), plan_id="P-2", on=MID_WAIT, instalments=4, first_due_on=date(2026, 3, 1)
    )
    assert [row.due_on.month for row in new.schedule] == [3, 4, 5, 6]
    assert [row.interest_minor for row in new.schedule[:2]] == [0, 0]  # days waived stay waived
    bears = options.get("rate", TWELVE) is TWELVE
    assert (new.schedule[2].interest_minor > 0) is bears
    assert servicing.payoff_quote(plan=new, on=date(2026, 4, 1)).total == eur("1000")


@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [
        (date(2026, 3, 20), date(2026, 4, 10), [(date(2026, 4, 1), date(2026, 4, 10))]),
        (date(2026, 2, 1), date(2026, 2, 20), [(date(2026, 2, 1), MID_WAIT)]),
        (date(2026, 2, 20), date(2026, 3, 20), []),
    ],
)
def test_a_pause_keeps_its_days_where_new_terms_fall_due_within_a_wait(
    since: date, until: date, kept: list[tuple[date, date]]
) -> None:
    paused = servicing.pause_interest(
        plan=deferred("waive"), plan_id="P-2", on=date(2026, 2, 1), from_on=since, until_on=until
    )
    new = servicing.re_age(plan=paused, plan_id="P-3", on=MID_WAIT, first_due_on=date(2026, 3, 1), instalments=4)
    assert new.terms.pauses == ((MID_WAIT, date(2026, 4, 1)), *kept)


def test_new_terms_do_not_fall_due_before_what_is_paid_ahead() -> None:
    plan = level()
    ahead = [Payment(payment_id="M-1", account_id="A", amount=plan.schedule[0].total, received_on=date(2026, 1, 10))]
    with pytest.raises(InvalidTerms, match="instalments up to 2026-02-01 are paid already") as refused:
        servicing.re_age(
            plan=plan, plan_id="P-2", on=date(2026, 1, 15), first_due_on=date(2026, 1, 20), instalments=3, paid=ahead
        )
    assert refused.value.code == "plans.dates"


def test_a_flat_prepayment_that_has_not_come_bears_its_interest_once() -> None:
    plan = flat()
    new = servicing.prepay(
        plan=plan, plan_id="P-2", on=date(2026, 3, 2), paid=paid(plan, 2), amount=eur("200"), effect="lower"
    )
    later = date(2026, 3, 12)
    # 11 of 31 days of 10.00 on the whole sum; where 200.00 came, one day of 2.00 and 11 days of 8.00
    assert servicing.payoff_quote(plan=new, on=later).interest.minor == 355
    money = [Payment(payment_id="M-9", account_id="A", amount=eur("200"), received_on=date(2026, 3, 2))]
    assert servicing.payoff_quote(plan=new, on=later, paid=money).interest.minor == 6 + 284
    again = servicing.reamortise(plan=new, plan_id="P-3", on=later)
    assert [row.interest_minor for row in again.schedule[2:]] == [1000] * 4
    assert again.principal == plan.principal


def test_a_prepayment_that_has_not_come_bears_its_interest_once_through_a_change() -> None:
    new = servicing.prepay(plan=level(), plan_id="P-2", on=date(2026, 1, 16), amount=eur("500"), effect="lower")
    again = servicing.reamortise(plan=new, plan_id="P-3", on=date(2026, 1, 20))
    assert list(again.schedule) == list(level().schedule)


@pytest.mark.parametrize("wait", [{"payments": 1}, {"until": date(2026, 6, 1)}])
def test_a_flat_plan_with_skipped_months_keeps_its_parts_when_it_is_put_off(wait: dict[str, Any]) -> None:
    plan = plans.flat_plan(
        plan_id="P-1",
        principal=eur("1000"),
        rate=TWELVE,
        instalments=6,
        start_on=date(2026, 1, 1),
        skip_months=(3, 4),
    )
    new = servicing.defer(plan=plan, plan_id="P-2", on=date(2026, 4, 20), paid=paid(plan, 1), interest="waive", **wait)
    assert [row.interest_minor for row in new.schedule] == [row.interest_minor for row in plan.schedule]
    assert [row.principal_minor for row in new.schedule] == [row.principal_minor for row in plan.schedule]


def test_flat_parts_stay_to_the_cent_when_a_fee_joins_or_the_rest_is_put_off() -> None:
    plan = plans.flat_plan(
        plan_id="P-1", principal=eur("1000"), rate=Rate.percent("10"), instalments=6, start_on=date(2026, 1, 1)
    )
    assert [(row.principal_minor, row.interest_minor) for row in plan.schedule[4:]] == [(16667, 833), (16665, 835)]
    common: dict[str, Any] = {"plan": plan, "plan_id": "P-2", "on": date(2026, 3, 2), "paid": paid(plan, 2)}
    charged = servicing.add_fee(fee=eur("5"), **common)
    put_off = servicing.defer(payments=1, interest="waive", **common)
    for new in (charged, put_off, servicing.add_fee(plan=charged, plan_id="P-3", on=date(2026, 3, 3), fee=eur("1"))):
        assert [row.interest_minor for row in new.schedule] == [833] * 5 + [835]
        assert [row.principal_minor for row in new.schedule] == [16667] * 5 + [16665]
    wait = servicing.defer(payments=1, interest="collect", **common)
    assert [row.interest_minor for row in wait.schedule] == [833, 833, 1666, 833, 833, 835]


def test_interest_only_rows_rest_on_after_a_wait() -> None:
    plan = deferred("pay")
    new = servicing.defer(plan=plan, plan_id="P-2", on=date(2026, 1, 20), payments=1, interest="capitalise")
    assert [row.principal_minor for row in new.schedule[:4]] == [0, 0, 0, new.schedule[3].principal_minor]
    assert new.schedule[3].principal_minor > 0
    assert [row.interest_minor for row in new.schedule[:4]] == [1010] * 4


def test_money_ahead_of_its_row_bears_interest_until_its_day() -> None:
    money = [Payment(payment_id="M-1", account_id="A", amount=eur("100"), received_on=date(2026, 1, 11))]
    quote = servicing.payoff_quote(plan=level(), on=date(2026, 1, 21), paid=money)
    # 10 of 31 days of 1.00 on what came, 20 of 9.00 on the rest: as a prepayment of that day bears it
    assert (quote.principal, quote.interest.minor) == (eur("900"), 32 + 581)
    new = servicing.prepay(plan=level(), plan_id="P-2", on=date(2026, 1, 11), amount=eur("100"), effect="lower")
    assert servicing.payoff_quote(plan=new, on=date(2026, 1, 21), paid=money).total == quote.total
    again = servicing.reamortise(plan=level(), plan_id="P-2", on=date(2026, 1, 21), paid=money)
    assert parts(again)[1][:2] == ("2026-02-01", 32 + 900)


def test_a_prepayment_that_comes_late_bears_interest_until_then() -> None:
    new = servicing.prepay(plan=level(), plan_id="P-2", on=date(2026, 1, 11), amount=eur("500"), effect="lower")
    late = [Payment(payment_id="M-1", account_id="A", amount=eur("500"), received_on=date(2026, 1, 16))]
    quote = servicing.payoff_quote(plan=new, on=date(2026, 1, 21), paid=late)
    assert (quote.principal, quote.interest.minor) == (eur("500"), 161 + 81 + 323)  # 10 days, 5 more, 20 of 5.00


def test_a_debt_of_which_only_interest_is_left_has_a_quote() -> None:
    plan = level(instalments=1)
    money = [Payment(payment_id="M-1", account_id="A", amount=eur("1000"), received_on=date(2026, 1, 11))]
    quote = servicing.payoff_quote(plan=plan, on=date(2026, 1, 21), paid=money)
    assert (quote.principal, quote.interest) == (eur("0"), eur("3.23"))
    assert servicing.charge_off(plan=plan, on=date(2026, 1, 21), paid=money).total == eur("3.23")
    more = [*money, Payment(payment_id="M-2", account_id="A", amount=eur("4"), received_on=date(2026, 1, 12))]
    assert servicing.payoff_quote(plan=plan, on=date(2026, 1, 21), paid=more).total == eur("0")
    flat_one = plans.flat_plan(
        plan_id="P-1", principal=eur("1000"), rate=TWELVE, instalments=1, start_on=date(2026, 1, 1)
    )
    # flat interest is on the whole sum whatever comes: 20 of 31 days of 10.00, less the 4.00
    assert servicing.payoff_quote(plan=flat_one, on=date(2026, 1, 21), paid=more).total == eur("2.45")
    with pytest.raises(InvalidTerms) as refused:
        servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 1, 21), paid=money)
    assert refused.value.code == "plans.overpaid"


def test_a_prepayment_after_the_last_row_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidTerms, match="re-age it, or restructure it") as refused:
        servicing.prepay(plan=level(), plan_id="P-2", on=date(2026, 8, 1), amount=eur("5"), effect="lower")
    assert refused.value.code == "plans.events"


def test_nothing_is_written_off_before_the_plan_was_agreed() -> None:
    with pytest.raises(InvalidTerms, match="nothing of it is written off") as refused:
        servicing.write_off(plan=level(), on=date(2025, 12, 31), limit=eur("5000"))
    assert refused.value.code == "plans.events"


def test_a_wait_from_a_short_month_end_lasts_to_the_next_month_end() -> None:
    plan = level(start_on=date(2026, 1, 31), day_count="act/365f")
    new = servicing.defer(
        plan=plan, plan_id="P-2", on=date(2026, 3, 1), payments=1, interest="waive", paid=paid(plan, 1)
    )
    row = new.schedule[1]
    assert (row.due_on, new.terms.begin_on) == (date(2026, 4, 30), date(2026, 3, 31))
    assert row.interest_minor == round(Fraction(plan.schedule.balance_before(1) * 12 * 30, 100 * 365))  # April alone
    collected = servicing.defer(
        plan=plan, plan_id="P-2", on=date(2026, 3, 1), payments=1, interest="collect", paid=paid(plan, 1)
    )
    wait = round(Fraction(plan.schedule.balance_before(1) * 12 * 31, 100 * 365))  # 28 February to 31 March
    assert collected.schedule[1].interest_minor == row.interest_minor + wait


# -- arrears, and the shape that stays -----------------------------------------------------------------------------


def totals(plan: plans.PaymentPlan) -> list[int]:
    return [row.total.minor for row in plan.schedule]


def test_a_debtor_who_pays_nothing_owes_no_less_the_day_after_a_due_date() -> None:
    asked = {}
    for day in ((3, 1), (3, 2), (4, 1), (4, 2), (7, 1), (7, 2)):
        quote = servicing.payoff_quote(plan=level(), on=date(2026, *day))
        assert not quote.interest_saved.is_negative
        asked[day] = quote.total.minor
    # 10.00 for each month on 1000.00, and a day of the month that runs
    assert list(asked.values()) == [102_000, 102_032, 103_000, 103_033, 106_000, 106_032]


def test_money_for_a_part_of_a_row_past_due_lowers_what_bears_interest_from_its_day_on() -> None:
    money = [Payment(payment_id="M", account_id="A", amount=eur("110"), received_on=date(2026, 2, 15))]
    quote = servicing.payoff_quote(plan=level(), on=date(2026, 3, 1), paid=money)
    # 110.00 pays the 10.00 of January, then 100.00 of principal, which bore 14 of 28 days of February
    assert (quote.principal, quote.interest) == (eur("900"), eur("9.50"))
    # of it late: what the 62.55 + 100.00 of the first row bore in February
    assert quote.interest_late.minor == round(Fraction(6255, 100)) + 50


def test_a_row_that_is_paid_late_in_full_is_settled() -> None:
    plan = level()
    late = [
        Payment(payment_id="M", account_id="A", amount=plan.schedule[0].total, received_on=date(2026, 2, 20)),
    ]
    quote = servicing.payoff_quote(plan=plan, on=date(2026, 3, 1), paid=late)
    assert (quote.principal, quote.interest) == (plan.schedule[0].balance, plan.schedule[1].interest)


@pytest.mark.parametrize("verb", ["reamortise", "add_fee", "pause_interest", "restructure", "prepay", "defer"])
def test_a_prepayment_of_the_day_stays_through_another_change(verb: str) -> None:
    plan, on = level(principal=eur("1200"), instalments=3, day_count="act/365f"), date(2026, 1, 21)
    ahead = servicing.prepay(plan=plan, plan_id="P-2", amount=eur("600"), on=on, effect="lower")
    more: dict[str, Any] = {
        "add_fee": {"fee": eur("5")},
        "pause_interest": {"from_on": date(2026, 2, 1), "until_on": date(2026, 3, 1)},
        "restructure": {"instalments": 3},
        "prepay": {"amount": eur("100"), "effect": "lower"},
        "defer": {"payments": 1, "interest": "collect"},
    }
    new = getattr(servicing, verb)(plan=ahead, plan_id="P-3", on=on, **more.get(verb, {}))
    first = new.schedule[0]
    assert (first.due_on, first.total) == (on, eur("700" if verb == "prepay" else "600"))
    before, after = (servicing.payoff_quote(plan=one, on=on) for one in (ahead, new))
    assert abs(after.interest.minor - before.interest.minor) <= 1
    assert (before.principal, before.interest, after.principal) == (eur("1200"), eur("7.89"), eur("1200"))


def test_a_fee_in_each_instalment_stays_that_through_changes() -> None:
    plan, start = level(instalments=12, fee_each=eur("1")), date(2026, 1, 1)
    shorter = servicing.prepay(plan=plan, plan_id="P-2", amount=eur("500"), on=start, effect="shorten")
    longer = servicing.extend(plan=plan, plan_id="P-2", on=start, instalments=12)
    fewer = servicing.restructure(plan=plan, plan_id="P-2", on=start, instalments=4)
    for new, rows in ((shorter, 6), (longer, 24), (fewer, 4)):
        assert list(new.schedule.fee_parts[-rows:]) == [100] * rows
        assert servicing.payoff_quote(plan=new, on=start).fee.is_zero
    divided = level(fee_total=eur("6"))
    assert servicing.extend(plan=divided, plan_id="P-2", on=start, instalments=6).schedule.fees == eur("6")


def test_steps_that_were_agreed_are_not_lifted_by_a_relief() -> None:
    plan = plans.stepped_plan(
        plan_id="P-1",
        principal=eur("1200"),
        rate=TWELVE,
        instalments=12,
        steps=[(6, eur("50"))],
        start_on=date(2026, 1, 1),
    )
    common: dict[str, Any] = {"plan": plan, "plan_id": "P-2", "on": date(2026, 1, 1)}
    paused = servicing.pause_interest(from_on=date(2026, 2, 1), until_on=date(2026, 3, 1), **common)
    assert totals(paused)[:6] == [5_000] * 6
    assert totals(paused)[6] < totals(plan)[6]
    lower = servicing.prepay(amount=eur("100"), effect="lower", **common)
    assert (
        totals(lower)[1:7] == [round(Fraction(5_000 * 11, 12))] * 6
    )  # an eleventh of the debt less, in all rows alike
    shorter = servicing.prepay(amount=eur("100"), effect="shorten", **common)
    assert totals(shorter)[1:-1] == totals(plan)[:-1]
    assert totals(shorter)[-1] < totals(plan)[-1]
    assert {new.terms.shape for new in (paused, lower, shorter)} == {"stepped"}


def test_amounts_agreed_by_hand_fall_in_proportion() -> None:
    plan = plans.agreed_plan(
        plan_id="P-1",
        principal=eur("900"),
        parts=[(date(2026, 2, 10), eur("300")), (date(2026, 3, 3), eur("150")), (date(2026, 5, 1), None)],
        start_on=date(2026, 1, 1),
    )
    lower = servicing.prepay(plan=plan, plan_id="P-2", amount=eur("300"), on=date(2026, 1, 5), effect="lower")
    assert totals(lower) == [30_000, 20_000, 10_000, 30_000]
    shorter = servicing.prepay(plan=plan, plan_id="P-2", amount=eur("500"), on=date(2026, 1, 5), effect="shorten")
    assert totals(shorter) == [50_000, 30_000, 10_000]
    assert lower.terms.shape == shorter.terms.shape == "agreed"


def test_a_balloon_stays_and_is_not_shortened() -> None:
    plan = plans.balloon_plan(
        plan_id="P-1",
        principal=eur("1200"),
        rate=TWELVE,
        instalments=6,
        balloon=eur("600"),
        start_on=date(2026, 1, 1),
    )
    common: dict[str, Any] = {"plan": plan, "plan_id": "P-2", "on": date(2026, 1, 1)}
    with pytest.raises(InvalidTerms, match="falls due on 2026-07-01"):
        servicing.prepay(amount=eur("300"), effect="shorten", **common)
    lower = servicing.prepay(amount=eur("300"), effect="lower", **common)
    assert lower.terms.balloon == eur("600")
    much = servicing.prepay(
        amount=eur("900"), effect="lower", **common
    )  # a quarter of the debt is left, and of all rows
    assert much.terms.balloon == eur("150")
    assert totals(much)[1:-1] == [round(Fraction(totals(plan)[0], 4))] * 5
    with_fee = servicing.add_fee(fee=eur("5"), **common)
    again = servicing.reamortise(plan=with_fee, plan_id="P-3", on=date(2026, 1, 1))
    assert totals(again) == totals(with_fee) == [totals(plan)[0] + 500, *totals(plan)[1:]]


def test_minimum_payments_stay_so_and_cannot_be_extended() -> None:
    plan = plans.minimum_payment_plan(
        plan_id="P-1",
        principal=eur("1200"),
        rate=TWELVE,
        share="0.2",
        floor=eur("100"),
        start_on=date(2026, 1, 1),
    )
    new = servicing.reamortise(plan=plan, plan_id="P-2", on=date(2026, 2, 10))
    assert new.terms.shape == "minimum_payment"
    assert totals(new)[0] == round(Fraction(120_000 + 1_200, 5)) + 1_200  # a fifth of what is owed, and 12.00 past due
    with pytest.raises(InvalidTerms, match="restructure it"):
        servicing.extend(plan=plan, plan_id="P-2", on=date(2026, 1, 1), instalments=3)
    one = plans.minimum_payment_plan(
        plan_id="P-1", principal=eur("90"), share="0.2", floor=eur("100"), start_on=date(2026, 1, 1)
    )
    with_fee = servicing.add_fee(plan=one, plan_id="P-2", on=date(2026, 1, 1), fee=eur("1"))
    assert totals(with_fee) == [9_100]


def test_an_extension_that_only_meets_interest_says_how_far_would_do() -> None:
    plan = level(rate=Rate.percent("60"), instalments=12)
    with pytest.raises(InvalidTerms, match="more would do") as refused:
        servicing.extend(plan=plan, plan_id="P-2", on=date(2026, 1, 1), instalments=300)
    assert refused.value.code == "plans.negative_amortisation"
    most = refused.value.facts["most"]
    new = servicing.extend(plan=plan, plan_id="P-2", on=date(2026, 1, 1), instalments=most)
    assert new.schedule[0].principal_minor > 0
    with pytest.raises(InvalidTerms):
        servicing.extend(plan=plan, plan_id="P-2", on=date(2026, 1, 1), instalments=most + 1)


def test_a_quote_stands_at_both_ends_of_the_calendar() -> None:
    early = level(start_on=date(1, 1, 1))
    assert servicing.payoff_quote(plan=early, on=date(1, 1, 1)).total == eur("1000")
    late = level(start_on=date(9999, 6, 15))
    # six months of 10.00, and 5 or 16 days of a month of 30, as long as the one before
    assert servicing.payoff_quote(plan=late, on=date(9999, 12, 20)).total == eur("1061.67")
    assert servicing.charge_off(plan=late, on=date(9999, 12, 31)).total == eur("1065.33")


def test_a_day_that_the_day_count_leaves_out_takes_nothing_off_a_pause() -> None:
    plan = plans.amortised_plan(
        plan_id="P",
        principal=Money(20_000, "EUR"),
        rate=Rate.percent("12"),
        instalments=1,
        start_on=date(2000, 1, 21),
        day_count="30E/360",
    )
    new = servicing.pause_interest(
        plan=plan, plan_id="N", on=date(2000, 1, 21), from_on=date(2000, 1, 27), until_on=date(2000, 2, 10)
    )
    # 6 of 30 days before the pause, and 11 from 10 to 21 February: 17 days of 200.00 at 1 % a month
    asked = [servicing.payoff_quote(plan=new, on=date(2000, 1, day)).interest.minor for day in (27, 30, 31)]
    assert asked == [40, 40, 40]
    assert new.schedule[-1].interest_minor == 113


@pytest.mark.parametrize(
    ("day_count", "start", "first", "on", "until", "before", "first_interest"),
    [
        # 1 and then 20 days of 31, or 21 of 365
        (None, date(2026, 1, 20), date(2026, 2, 1), date(2026, 1, 21), date(2026, 2, 10), "3.23", "67.75"),
        ("act/365f", date(2026, 1, 20), date(2026, 2, 1), date(2026, 1, 21), date(2026, 2, 10), "3.29", "69.04"),
        # 29 days of the 31 of the step that ran, and then 6 of 28
        (None, date(2026, 1, 28), None, date(2026, 2, 26), date(2026, 3, 4), "93.55", "114.98"),
    ],
)
def test_a_wait_until_a_day_charges_no_day_twice_and_reprices_none_that_has_passed(
    day_count: Any, start: date, first: date | None, on: date, until: date, before: str, first_interest: str
) -> None:
    plan = level(principal=eur("10000"), start_on=start, first_due_on=first, day_count=day_count)
    new = servicing.defer(plan=plan, plan_id="N", on=on, until=until, interest="collect")
    assert new.terms.begin_on is not None
    assert new.terms.begin_on > new.terms.start_on
    for one in (plan, new):
        assert servicing.payoff_quote(plan=one, on=on).interest == eur(before)
    assert (new.schedule[0].due_on, new.schedule[0].interest) == (until, eur(first_interest))
    assert new.schedule[0].principal == plan.schedule[0].principal
    grown = servicing.defer(plan=plan, plan_id="N", on=on, until=until, interest="capitalise")
    assert servicing.payoff_quote(plan=grown, on=on).total == eur("10000") + eur(before)


@pytest.mark.parametrize("interest", ["collect", "capitalise", "waive"])
def test_a_wait_until_a_day_within_a_step_of_the_start_of_its_period_is_refused_with_a_way_out(interest: Any) -> None:
    plan = servicing.restructure(plan=level(), plan_id="P-2", on=date(2026, 1, 27), instalments=6)
    with pytest.raises(InvalidTerms, match="first_due_on=2026-02-04") as caught:
        servicing.defer(plan=plan, plan_id="N", on=date(2026, 1, 27), until=date(2026, 2, 4), interest=interest)
    assert caught.value.code == "plans.deferral"
    out = servicing.restructure(
        plan=plan, plan_id="N", on=date(2026, 1, 27), instalments=6, first_due_on=date(2026, 2, 4)
    )
    assert out.schedule[0].due_on == date(2026, 2, 4)


@pytest.mark.parametrize("day_count", [None, "act/365f", "30E/360", "act/act-icma"])
def test_what_is_capitalised_bears_interest_from_the_day_of_the_change(day_count: Any) -> None:
    plan = level(principal=eur("10000"), instalments=12, day_count=day_count)
    on = date(2026, 6, 30)
    before = servicing.payoff_quote(plan=plan, on=on).total
    same = servicing.reamortise(plan=plan, plan_id="P-2", on=on, arrears="capitalise")
    longer = servicing.extend(plan=plan, plan_id="P-2", on=on, arrears="capitalise", instalments=2)
    for new in (same, longer):
        assert servicing.payoff_quote(plan=new, on=on).total == before
        assert new.terms.start_on == on


def test_a_part_of_a_down_payment_bears_interest_until_it_comes() -> None:
    plan = level(principal=eur("10000"), instalments=12, down_payment=eur("5000"))

    def asked(day: date, came: date) -> Money:
        part = Payment(payment_id="Z", account_id="A", amount=eur("4999"), received_on=came)
        return servicing.payoff_quote(plan=plan, on=day, paid=[part]).interest

    # 1 % a month of 10,000.00, by days of each month; what came a day ago bore all but that day
    assert servicing.payoff_quote(plan=plan, on=date(2026, 3, 30), paid=[]).interest == eur("293.55")
    assert abs(asked(date(2026, 3, 31), date(2026, 3, 30)).minor - 29_516) <= 1
    # nine days of 31 of all of it, and ten of what was left
    assert abs(asked(date(2026, 1, 20), date(2026, 1, 10)).minor - 4_516) <= 1


def test_money_within_a_wait_of_flat_interest_does_not_lower_what_the_wait_earns() -> None:
    plan = plans.flat_plan(plan_id="P-1", principal=eur("1200"), rate=TWELVE, instalments=12, start_on=date(2026, 1, 1))
    wait = servicing.defer(plan=plan, plan_id="P-2", on=date(2026, 1, 1), payments=1, interest="collect")
    part = Payment(payment_id="Z", account_id="A", amount=eur("50"), received_on=date(2026, 1, 5))
    # 12.00 a month on what was agreed, whatever came since: 20 of 31 days
    for money in ([], [part]):
        assert servicing.payoff_quote(plan=wait, on=date(2026, 1, 21), paid=money).interest == eur("7.74")
