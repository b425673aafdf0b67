"""Offers within limits, told as cases: what may be put on the table, and what is said to a counter-proposal."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest

from collectkit.core.calendars import Every
from collectkit.core.errors import InvalidPolicy, InvalidRecord, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.plans import PaymentPlan
from collectkit.settlement import (
    Authority,
    Counter,
    Offer,
    Proposal,
    Ranking,
    SettlementLimits,
    SettlementOffer,
    answer,
    offers,
)

TODAY = date(2026, 3, 2)
COLLECTOR = Authority(role="collector", instalments_max=6, days_max=200)
SUPERVISOR = Authority(
    role="supervisor", instalments_max=12, days_max=400, deferral_days_max=90, discount_max=Fraction(1, 10)
)
LIMITS = SettlementLimits(authorities=[COLLECTOR, SUPERVISOR], instalment_min=[Money(2_000, "EUR")])


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def listed(minor: int = 90_000, *, on: date = TODAY, limits: SettlementLimits = LIMITS, **more: object) -> list[Offer]:
    return list(
        offers(account_id="A", balance=eur(minor), covers=["I-1"], on=on, limits=limits, **more)  # type: ignore[arg-type]
    )


def told(
    minor: int = 90_000,
    *,
    on: date = TODAY,
    limits: SettlementLimits = LIMITS,
    role: str | None = None,
    **terms: object,
) -> Offer | Counter:
    proposal = Proposal(**({"first_on": date(2026, 4, 1)} | terms))  # type: ignore[arg-type]
    return answer(
        proposal=proposal, account_id="A", balance=eur(minor), covers=["I-1"], on=on, limits=limits, role=role
    )


def only(kind: str, found: list[Offer]) -> Offer:
    (one,) = [offer for offer in found if offer.kind == kind]
    return one


def refused(found: Offer | Counter) -> list[str]:
    assert isinstance(found, Counter)
    assert not found
    return [reason.code.removeprefix("settlement.") for reason in found.declined.reasons]


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("discount", [1, "1.5", "-0.1", 0.1, "a tenth", None, True])
def test_a_discount_is_an_exact_share_below_the_whole(discount: object) -> None:
    with pytest.raises(InvalidPolicy) as error:
        attrs.evolve(COLLECTOR, discount_max=discount)  # type: ignore[arg-type]
    assert error.value.code == "settlement.discount"


def test_limits_need_roles_that_rise() -> None:
    with pytest.raises(InvalidPolicy) as error:
        SettlementLimits(authorities=[])
    assert [one.code for one in error.value.problems] == ["settlement.authorities"]
    with pytest.raises(InvalidPolicy) as error:
        SettlementLimits(authorities=[SUPERVISOR, COLLECTOR])
    assert [one.path for one in error.value.problems] == [
        f"authorities[1].{name}" for name in ("instalments_max", "days_max", "deferral_days_max", "discount_max")
    ]
    assert {one.code for one in error.value.problems} == {"settlement.narrower"}
    with pytest.raises(InvalidPolicy) as error:
        SettlementLimits(authorities=[COLLECTOR, COLLECTOR])
    assert [one.code for one in error.value.problems] == ["settlement.authorities"]


def test_the_least_role_speaks_where_none_is_named_and_an_unknown_one_is_refused() -> None:
    assert LIMITS.authority() is COLLECTOR
    assert LIMITS.authority("supervisor") is SUPERVISOR
    with pytest.raises(InvalidTerms, match="collector, supervisor") as error:
        LIMITS.authority("chief")
    assert error.value.code == "settlement.unknown_role"


@pytest.mark.parametrize(
    "change",
    [
        {"authorities": [attrs.evolve(COLLECTOR, instalments_max=7)]},
        {"authorities": [attrs.evolve(COLLECTOR, days_max=201)]},
        {"authorities": [attrs.evolve(COLLECTOR, deferral_days_max=1)]},
        {"authorities": [attrs.evolve(COLLECTOR, discount_max="0.01")]},
        {"authorities": [COLLECTOR, attrs.evolve(SUPERVISOR, role="chief")]},
        {"instalment_min": []},
        {"instalment_min": [eur(1_999)]},
        {"first_payment_days_max": 32},
        {"completion_days": 15},
    ],
)
def test_limits_with_one_wider_figure_are_not_within(change: dict[str, object]) -> None:
    wider = attrs.evolve(LIMITS, **change)  # type: ignore[arg-type]
    assert not wider.is_within(LIMITS)


def test_limits_of_a_repeat_debtor_lie_within_those_of_a_first_one() -> None:
    repeat = SettlementLimits(
        authorities=[attrs.evolve(COLLECTOR, instalments_max=3, days_max=100)],
        instalment_min=[eur(5_000), Money(1, "USD")],
        first_payment_days_max=7,
    )
    assert repeat.is_within(LIMITS)
    assert LIMITS.is_within(LIMITS)


# -- what may be offered -------------------------------------------------------------------------------------------


def test_the_offers_of_a_collector_and_of_a_supervisor() -> None:
    assert [offer.in_words() for offer in listed()] == [
        "900.00 EUR in one payment by 2026-03-16",
        "3 instalments of 300.00 EUR from 2026-04-02 to 2026-06-02",
        "6 instalments of 150.00 EUR from 2026-04-02 to 2026-09-02",
    ]
    assert [(offer.kind, offer.in_words()) for offer in listed(role="supervisor")] == [
        ("pay_in_full", "900.00 EUR in one payment by 2026-03-16"),
        ("split", "3 instalments of 300.00 EUR from 2026-04-02 to 2026-06-02"),
        ("deferred", "3 instalments of 300.00 EUR from 2026-05-31 to 2026-07-31"),
        ("long", "12 instalments of 75.00 EUR from 2026-04-02 to 2027-03-02"),
        ("settlement", "810.00 EUR by 2026-03-16 settles 900.00 EUR (10.0 % given up)"),
    ]


def test_every_plan_names_account_receivables_and_day_and_becomes_an_agreement() -> None:
    for offer in listed():
        if offer.plan is not None:
            agreement = offer.plan.as_agreement()
            assert (agreement.account_id, agreement.covers, agreement.agreed_on) == ("A", ("I-1",), TODAY)
            assert agreement.plan_id == offer.offer_id


def test_a_deferral_of_six_weeks_begins_the_months_on_its_last_day() -> None:
    limits = SettlementLimits(authorities=[attrs.evolve(COLLECTOR, deferral_days_max=45)])
    offer = only("deferred", listed(limits=limits))
    assert (offer.first_on, offer.ends_on) == (TODAY + timedelta(days=45), date(2026, 6, 16))
    assert offer.reasons[0].text == "nothing for 45 days, the longest deferral allowed"


def test_a_deferral_past_a_short_month_is_a_late_first_instalment() -> None:
    """30 days from 28 February are two days more than the month that anyone gets, and no step of it is left out."""
    limits = SettlementLimits(authorities=[attrs.evolve(COLLECTOR, deferral_days_max=30)])
    offer = only("deferred", listed(on=date(2026, 2, 28), limits=limits))
    assert [row.due_on for row in offer.plan.schedule] == [  # type: ignore[union-attr]
        date(2026, 3, 30),
        date(2026, 4, 30),
        date(2026, 5, 30),
    ]


def test_a_deferral_that_is_no_longer_than_what_anyone_gets_is_not_offered() -> None:
    for days in (0, 30, 31):
        limits = SettlementLimits(authorities=[attrs.evolve(COLLECTOR, deferral_days_max=days)])
        assert "deferred" not in {offer.kind for offer in listed(limits=limits)}


def test_a_deferral_that_ends_after_everything_must_be_paid_is_not_offered() -> None:
    limits = SettlementLimits(authorities=[Authority(role="c", instalments_max=3, days_max=40, deferral_days_max=60)])
    assert [offer.kind for offer in listed(limits=limits)] == ["pay_in_full", "split"]


def test_a_deferral_to_the_last_day_is_one_payment() -> None:
    limits = SettlementLimits(authorities=[Authority(role="c", instalments_max=3, days_max=90, deferral_days_max=90)])
    offer = only("deferred", listed(limits=limits))
    assert offer.in_words() == "900.00 EUR in one payment by 2026-05-31"


def test_limits_too_tight_for_months_give_two_parts_within_them() -> None:
    for days in (2, 5, 10, 31, 45):
        limits = SettlementLimits(authorities=[Authority(role="c", instalments_max=6, days_max=days)])
        found = listed(limits=limits)
        split = only("split", found)
        assert isinstance(split.plan, PaymentPlan)
        assert len(split.plan.schedule) == 2
        assert TODAY <= split.first_on < split.ends_on <= TODAY + timedelta(days=days)


def test_a_balance_under_two_least_instalments_is_paid_in_full() -> None:
    assert [offer.kind for offer in listed(3_999)] == ["pay_in_full"]
    assert [offer.kind for offer in listed(4_000)] == ["pay_in_full", "split"]
    assert [offer.kind for offer in listed(1)] == ["pay_in_full"]


def test_a_discount_that_comes_to_nothing_is_no_settlement() -> None:
    assert "settlement" not in {offer.kind for offer in listed(9, role="supervisor")}
    assert "settlement" in {offer.kind for offer in listed(10, role="supervisor")}


def test_a_long_plan_bears_interest_and_a_short_one_does_not() -> None:
    limits = attrs.evolve(LIMITS, rate=Rate.percent("9"))
    found = listed(limits=limits)
    assert only("split", found).recovered == eur(90_000)
    long = only("long", found)
    assert isinstance(long.plan, PaymentPlan)
    assert long.recovered == long.plan.total > eur(90_000)
    assert long.in_words().endswith(f"{long.plan.cost} interest in all")
    assert long.reasons[0].text == f"6 of at most 6 instalments, at {limits.rate} a year"


def test_a_plan_as_long_as_the_long_one_costs_the_same_when_the_debtor_proposes_it() -> None:
    limits = attrs.evolve(LIMITS, rate=Rate.percent("9"))
    asked = told(limits=limits, instalments=6, first_on=date(2026, 4, 2))
    assert isinstance(asked, Offer)
    assert asked.recovered == only("long", listed(limits=limits)).recovered
    short = told(limits=limits, instalments=3)
    assert isinstance(short, Offer)
    assert (short.kind, short.recovered) == ("split", eur(90_000))


def test_what_the_debtor_can_afford_gives_even_parts_that_never_exceed_it() -> None:
    offer = only("personalised", listed(affordable=eur(19_000)))
    assert isinstance(offer.plan, PaymentPlan)
    assert [row.total.minor for row in offer.plan.schedule] == [18_000] * 5
    assert offer.reasons[0].text == "190.00 EUR a month is what the debtor can afford"


@pytest.mark.parametrize("affordable", [None, eur(0), eur(-5), Money(90_000, "USD"), eur(14_999), eur(1)])
def test_what_does_not_pay_the_debt_within_the_limits_is_no_offer(affordable: Money | None) -> None:
    assert "personalised" not in {offer.kind for offer in listed(affordable=affordable)}


def test_affordable_parts_below_the_least_instalment_are_no_offer() -> None:
    limits = attrs.evolve(LIMITS, instalment_min=[eur(17_000)])
    assert "personalised" not in {offer.kind for offer in listed(limits=limits, affordable=eur(16_000))}


def test_paydays_count_from_the_first_that_is_still_to_come_and_must_lie_within_the_limits() -> None:
    offer = only("personalised", listed(affordable=eur(30_000), paydays_from=date(2026, 1, 15)))
    assert [row.due_on for row in offer.plan.schedule] == [  # type: ignore[union-attr]
        date(2026, 3, 15),
        date(2026, 4, 15),
        date(2026, 5, 15),
    ]
    assert only("personalised", listed(affordable=eur(30_000), paydays_from=TODAY)).first_on == TODAY
    late = listed(affordable=eur(30_000), paydays_from=date(2026, 5, 1))
    assert "personalised" not in {offer.kind for offer in late}


def test_an_affordable_plan_with_interest_keeps_to_what_is_affordable_and_to_the_least_instalment() -> None:
    limits = attrs.evolve(LIMITS, rate=Rate.percent("9"), instalment_min=[eur(10_000)])
    offer = only("personalised", listed(limits=limits, affordable=eur(22_000)))
    assert isinstance(offer.plan, PaymentPlan)
    sums = [row.total.minor for row in offer.plan.schedule]  # four of 220.00 would leave a last one of about 36.00
    assert len(sums) == 5
    assert max(sums) <= 22_000
    assert min(sums) >= 10_000
    assert sum(sums) > 90_000
    soonest = only("personalised", listed(limits=limits, affordable=eur(16_000)))
    assert soonest.largest_payment == eur(16_000)
    tight = attrs.evolve(LIMITS, rate=Rate.percent("9"), authorities=[attrs.evolve(COLLECTOR, days_max=95)])
    assert "personalised" not in {offer.kind for offer in listed(limits=tight, affordable=eur(20_000))}


@pytest.mark.parametrize(
    ("rank", "kinds"),
    [
        ("time", ["pay_in_full", "split", "deferred", "long", "settlement"]),
        ("recovery", ["long", "pay_in_full", "split", "deferred", "settlement"]),
        ("means", ["long", "deferred", "split", "pay_in_full", "settlement"]),
    ],
)
def test_offers_are_ranked_by_time_recovery_or_means_with_what_gives_something_up_last(
    rank: Ranking, kinds: list[str]
) -> None:
    limits = attrs.evolve(LIMITS, rate=Rate.percent("9"))
    assert [offer.kind for offer in listed(limits=limits, role="supervisor", rank=rank)] == kinds


def test_a_ranking_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidTerms) as error:
        listed(rank="luck")
    assert error.value.code == "settlement.rank"


def test_nothing_is_offered_where_nothing_is_owed() -> None:
    for minor in (0, -1):
        for ask in (listed, told):
            with pytest.raises(InvalidTerms) as error:
                ask(minor)
            assert error.value.code == "settlement.nothing_owed"


def test_no_offer_stands_longer_than_its_first_payment() -> None:
    limits = attrs.evolve(LIMITS, completion_days=5, valid_days=30)
    for offer in listed(limits=limits, role="supervisor"):
        assert offer.valid_until_on <= offer.first_on
    assert only("pay_in_full", listed(limits=limits)).valid_until_on == TODAY + timedelta(days=5)


def test_two_offers_never_share_an_id_and_the_same_offer_always_has_its_own() -> None:
    found = listed(role="supervisor", affordable=eur(19_000)) + listed(80_000, role="supervisor")
    assert len({offer.offer_id for offer in found}) == len(found)
    assert [offer.offer_id for offer in listed()] == [offer.offer_id for offer in listed()]


def test_limits_in_another_currency_do_not_bind() -> None:
    limits = attrs.evolve(LIMITS, instalment_min=[Money(10**9, "USD")])
    assert len(listed(limits=limits)) == 3


def test_limits_beyond_the_calendar_are_cut_to_it() -> None:
    endless = SettlementLimits(
        authorities=[Authority(role="c", instalments_max=10**6, days_max=10**9, deferral_days_max=10**9)],
        first_payment_days_max=10**9,
        completion_days=10**9,
        valid_days=10**9,
    )
    found = offers(account_id="A", balance=eur(90_000), covers=["I"], on=TODAY, limits=endless)
    assert found[0].in_words() == "3 instalments of 300.00 EUR from 2026-04-02 to 2026-06-02"


def test_a_month_that_ends_early_moves_no_instalment_out_of_the_limits() -> None:
    """From 31 January the plan pays on 28 February, 31 March, 30 April: 89 days."""
    for days, count in ((89, 3), (88, 2)):
        limits = SettlementLimits(authorities=[Authority(role="c", instalments_max=3, days_max=days)])
        offer = only("split", listed(on=date(2026, 1, 31), limits=limits))
        assert len(offer.plan.schedule) == count  # type: ignore[union-attr]
        assert offer.days == (offer.ends_on - offer.first_on).days


def test_a_settlement_knows_what_it_gives_up() -> None:
    terms = SettlementOffer(amount=eur(60_000), balance=eur(90_000), pay_until_on=TODAY)
    assert terms.haircut_rate == Fraction(1, 3)
    offer = attrs.evolve(listed()[0], settlement=terms, kind="settlement", recovered=eur(60_000))
    assert offer.in_words() == "600.00 EUR by 2026-03-16 settles 900.00 EUR (33.3 % given up)"
    assert offer.largest_payment == eur(60_000)


def test_uneven_parts_are_told_with_first_and_last() -> None:
    assert listed(10_000)[1].in_words() == (
        "3 instalments, the first 33.33 EUR and the last 33.34 EUR, from 2026-04-02 to 2026-06-02"
    )


# -- counter-proposals ---------------------------------------------------------------------------------------------


def test_a_proposal_within_the_limits_is_the_offer() -> None:
    offer = told(instalments=4, first_on=date(2026, 3, 20), every=Every(2, "weeks"))
    assert isinstance(offer, Offer)
    assert offer.in_words() == "4 instalments of 225.00 EUR from 2026-03-20 to 2026-05-01"
    paid = told(first_on=date(2026, 3, 30))
    assert isinstance(paid, Offer)
    assert (paid.kind, paid.first_on) == ("pay_in_full", date(2026, 3, 30))


def test_every_broken_limit_is_named_and_the_nearest_offer_breaks_none() -> None:
    found = told(instalments=24, first_on=date(2026, 5, 1))
    assert refused(found) == ["too_many", "too_late", "too_long"]
    assert isinstance(found, Counter)
    assert found.nearest is not None
    assert found.nearest.in_words() == "6 instalments of 150.00 EUR from 2026-04-02 to 2026-09-02"


@pytest.mark.parametrize(
    ("terms", "codes", "nearest"),
    [
        ({"first_on": TODAY - timedelta(days=1)}, ["past"], "900.00 EUR in one payment by 2026-03-02"),
        ({"first_on": date(2026, 4, 3)}, ["too_late"], "900.00 EUR in one payment by 2026-04-02"),
        ({"instalments": 6, "every": Every(2, "months")}, ["too_long"], "3 instalments of 300.00 EUR from 2026-04-01 to 2026-08-01"),
        ({"instalments": 3, "every": Every(1, "years")}, ["too_long"], "3 instalments of 300.00 EUR from 2026-04-01 to 2026-06-01"),
        ({"amount": eur(1)}, ["discount"], "900.00 EUR in one payment by 2026-03-16"),
        ({"amount": Money(90_000, "USD"), "first_on": TODAY}, ["currency"], "900.00 EUR in one payment by 2026-03-02"),
    ],
)  # fmt: skip
def test_what_a_collector_says_to_a_proposal(terms: dict[str, object], codes: list[str], nearest: str) -> None:
    first_on = date(2026, 3, 16) if "amount" in terms else date(2026, 4, 1)
    found = told(**({"first_on": first_on} | terms))  # type: ignore[arg-type]
    assert refused(found) == codes
    assert isinstance(found, Counter)
    assert found.nearest is not None
    assert found.nearest.in_words() == nearest


def test_instalments_that_are_too_small_are_refused_with_the_most_that_fit() -> None:
    found = told(5_000, instalments=3)
    assert refused(found) == ["too_small"]
    assert isinstance(found, Counter)
    assert str(found.declined) == "instalments of 16.66 EUR are below the least of 20.00 EUR"
    assert found.nearest is not None
    assert found.nearest.in_words() == "2 instalments of 25.00 EUR from 2026-04-01 to 2026-05-01"


def test_two_instalments_are_already_too_many_for_a_small_balance() -> None:
    found = told(3_000, instalments=2)
    assert refused(found) == ["too_small"]
    assert isinstance(found, Counter)
    assert found.nearest is not None
    assert found.nearest.in_words() == "30.00 EUR in one payment by 2026-04-01"


def test_a_million_instalments_are_refused_and_not_an_error() -> None:
    found = told(instalments=10**9, every=Every(1, "years"))
    assert refused(found) == ["too_many", "too_long", "too_small"]


def test_interest_that_leaves_the_last_part_too_small_is_told() -> None:
    """Level payments round; the last can fall a cent below the least although the parts of the balance do not."""
    for minor in range(12_000, 12_200):
        limits = SettlementLimits(authorities=[COLLECTOR], instalment_min=[eur(minor // 6)], rate=Rate.percent("0.01"))
        found = told(minor, limits=limits, instalments=6)
        if isinstance(found, Counter):
            assert refused(found) == ["too_small"]
            assert "interest" in str(found.declined)
            assert found.nearest is not None
            assert found.nearest.plan is not None
            assert len(found.nearest.plan.schedule) == 5
            return
    pytest.fail("no such balance was found")


def test_a_settlement_is_accepted_down_to_the_discount_of_the_role() -> None:
    deal = told(role="supervisor", amount=eur(81_000), first_on=date(2026, 3, 10))
    assert isinstance(deal, Offer)
    assert deal.settlement == SettlementOffer(amount=eur(81_000), balance=eur(90_000), pay_until_on=date(2026, 3, 10))
    no = told(role="supervisor", amount=eur(80_999), first_on=date(2026, 3, 10))
    assert refused(no) == ["discount"]
    assert isinstance(no, Counter)
    assert no.nearest is not None
    assert no.nearest.in_words() == "810.00 EUR by 2026-03-10 settles 900.00 EUR (10.0 % given up)"


def test_a_settlement_that_is_only_too_late_keeps_its_amount() -> None:
    """The creditor never counters with less than the debtor offered."""
    late = told(role="supervisor", amount=eur(85_000), first_on=date(2026, 4, 30), instalments=2)
    assert refused(late) == ["settlement_parts", "too_late"]
    assert isinstance(late, Counter)
    assert late.nearest is not None
    assert (late.nearest.recovered, late.nearest.first_on) == (eur(85_000), date(2026, 3, 16))


def test_the_whole_sum_or_more_is_payment_in_full() -> None:
    for minor in (90_000, 95_000):
        paid = told(amount=eur(minor), first_on=date(2026, 3, 10))
        assert isinstance(paid, Offer)
        assert (paid.kind, paid.recovered, paid.settlement) == ("pay_in_full", eur(90_000), None)


def test_a_proposal_is_valid_from_birth() -> None:
    for terms in ({"instalments": 0}, {"every": "monthly"}, {"amount": 500}):
        with pytest.raises(InvalidRecord):
            Proposal(first_on=TODAY, **terms)  # type: ignore[arg-type]
