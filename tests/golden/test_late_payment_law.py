"""Worked cases of late-payment law, each with its source; figures stand here, never in the code under test."""

from __future__ import annotations

import json
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from collectkit import jurisdictions
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.money import Money
from collectkit.core.rates import NotInForce, Rate, Stale
from collectkit.core.rules import (
    FeeLimit,
    InForce,
    LumpSum,
    Moratorium,
    NoticeWindow,
    PenaltyTiers,
    RateFloor,
    WorkoutException,
)
from collectkit.policy import (
    AccruedInterest,
    BalanceStep,
    PromptPaymentDiscount,
    RateTerms,
    accrue_on,
    statutory_interest,
    statutory_rate,
)

UK = jurisdictions.load("uk-late-payment")
FR = jurisdictions.load("fr-late-payment")
REG_Z = jurisdictions.load("us-reg-z")


def value(pack_id: str, rule_id: str, on: date) -> object:
    found = jurisdictions.load(pack_id).rule(rule_id).parameters.at(on)
    assert isinstance(found, InForce)
    return found.value


def interest(principal: Money, rate: str, days: int, **terms: object) -> Money:
    start_on = date(2026, 1, 1)
    accrued = accrue_on(
        RateTerms(rate=Rate.percent(rate)),
        [BalanceStep(from_on=start_on, balance=principal)],
        due_on=date(2025, 12, 31),
        start_on=start_on,
        end_on=start_on + timedelta(days=days),
        **terms,  # type: ignore[arg-type]
    )
    assert isinstance(accrued, AccruedInterest)
    return accrued.amount


# -- United Kingdom --------------------------------------------------------------------------------------------


def test_gov_uk_example_at_eight_percent_rounds_the_day_first_to_eleven_pounds() -> None:
    # gov.uk, "Charging interest on commercial debt": 8 % of GBP 1,000 is 80 a year, 22p a day, GBP 11.00 for 50 days
    assert interest(Money(100_000, "GBP"), "8", 50, rounding_order="daily_first") == Money(1100, "GBP")


def test_gov_uk_example_at_eight_percent_is_ten_ninety_six_exactly() -> None:
    assert interest(Money(100_000, "GBP"), "8", 50) == Money(1096, "GBP")  # 1000 * 0.08 * 50 / 365 = 10.9589


def test_gov_uk_example_at_eight_and_a_half_percent_is_eleven_fifty_or_eleven_sixty_four() -> None:
    # gov.uk at a base rate of 0.5 %: GBP 85 a year, 23p a day
    assert interest(Money(100_000, "GBP"), "8.5", 50, rounding_order="daily_first") == Money(1150, "GBP")
    assert interest(Money(100_000, "GBP"), "8.5", 50) == Money(1164, "GBP")


def test_uk_rate_is_fixed_at_the_start_of_the_debt() -> None:
    # SI 2002/1675 art. 4; GBP 20,000 from 10 June to 14 August 2023 inclusive, 66 days at 3.5 + 8
    terms = {"principal": Money(2_000_000, "GBP"), "pack": UK, "rule_id": "uk.lpcda.interest"}
    span = {"start_on": date(2023, 6, 10), "end_on": date(2023, 8, 15)}
    fixed = statutory_interest(**terms, **span)  # type: ignore[arg-type]
    split = statutory_interest(**terms, **span, selection="floating")  # type: ignore[arg-type]
    assert isinstance(fixed, AccruedInterest)
    assert isinstance(split, AccruedInterest)
    assert (fixed.amount, split.amount) == (Money(41589, "GBP"), Money(45288, "GBP"))


@pytest.mark.parametrize(
    ("debt", "fixed_sum"), [("0.01", "40"), ("999.99", "40"), ("1000", "70"), ("9999.99", "70"), ("10000", "100")]
)
def test_uk_fixed_sum_goes_by_the_size_of_the_debt(debt: str, fixed_sum: str) -> None:
    lump = value("uk-late-payment", "uk.lpcda.compensation", date(2026, 1, 1))
    assert isinstance(lump, LumpSum)
    assert lump.of(Money.of(debt, "GBP")) == Money.of(fixed_sum, "GBP")


def test_a_debt_in_another_currency_gets_no_sum_by_law() -> None:
    lump = value("uk-late-payment", "uk.lpcda.compensation", date(2026, 1, 1))
    assert isinstance(lump, LumpSum)
    assert lump.of(Money(100_000, "EUR")) is None


def test_uk_rate_before_the_first_figure_is_not_in_force() -> None:
    assert statutory_rate(UK, "uk.lpcda.interest", date(2011, 12, 31)) == NotInForce(
        as_of=date(2011, 12, 31), reason="before_start"
    )


def test_the_uk_rate_of_the_second_half_of_2026_is_that_of_june() -> None:
    # the Monetary Policy Committee held Bank Rate at 3.75 on 18 June 2026 and met next on 30 July
    assert statutory_rate(UK, "uk.lpcda.interest", date(2026, 6, 30)) == Rate.percent("11.75")
    assert statutory_rate(UK, "uk.lpcda.interest", date(2026, 7, 1)) == Rate.percent("11.75")
    assert isinstance(statutory_rate(UK, "uk.lpcda.interest", date(2027, 1, 1)), Stale)


@pytest.mark.parametrize(
    ("pack_id", "rule_id"), [("de-late-payment", "de.bgb288.business"), ("eu-late-payment", "eu.lpd.interest")]
)
def test_a_rate_of_july_2026_that_nobody_looked_up_is_stale_not_that_of_january(pack_id: str, rule_id: str) -> None:
    pack = jurisdictions.load(pack_id)
    assert isinstance(statutory_rate(pack, rule_id, date(2026, 6, 30)), Rate)
    assert isinstance(statutory_rate(pack, rule_id, date(2026, 7, 1)), Stale)


@pytest.mark.parametrize(
    ("on", "floor"),
    [
        (date(2015, 1, 1), "2.79"),
        (date(2021, 7, 1), "2.28"),
        (date(2024, 12, 31), "14.76"),
        (date(2025, 12, 31), "8.28"),
        (date(2026, 1, 1), "7.86"),
    ],
)
def test_the_french_floor_is_three_times_the_legal_rate_of_the_half_year(on: date, floor: str) -> None:
    # moneyvox.fr: 0.93, 0.76, 4.92, 2.76; Arrêté du 15 décembre 2025: 2.62. legifiscal.fr prints 8.28 and 7.86
    accrued = accrue_on(
        RateTerms(rate=Rate.zero(), pack=FR, floor_rule_id="fr.l441_10.floor"),
        [BalanceStep(from_on=on, balance=Money(100, "EUR"))],
        due_on=on - timedelta(days=1),
        start_on=on,
        end_on=on + timedelta(days=1),
    )
    assert isinstance(accrued, AccruedInterest)
    assert accrued.pieces[0].rate == Rate.percent(floor)


def test_the_french_default_rate_of_2014_stood_in_an_older_article() -> None:
    # lexing.law, 25 March 2014: 0.25 + 10
    assert statutory_rate(FR, "fr.l441_10.interest", date(2014, 1, 1)) == Rate.percent("10.25")


@pytest.mark.parametrize(
    ("on", "percent"),
    [(date(2015, 1, 1), "8.5"), (date(2023, 7, 1), "12"), (date(2024, 7, 1), "12.5"), (date(2025, 1, 1), "11.5")],
)
def test_the_belgian_rate_is_rounded_up_as_a_whole(on: date, percent: str) -> None:
    # Act of 2 August 2002 art. 5: 0.05 + 8, 4.00 + 8, 4.25 + 8 and 3.15 + 8, up to the next half point
    assert statutory_rate(jurisdictions.load("be-late-payment"), "be.late_interest", on) == Rate.percent(percent)


def test_breathing_space_uses_the_longer_reading_of_sixty_days() -> None:
    # SI 2020/1311 reg. 26; whether the first day counts is not confirmed
    freeze = value("uk-breathing-space", "uk.breathing_space", date(2026, 3, 2))
    assert isinstance(freeze, Moratorium)
    assert freeze.last_on(date(2026, 3, 2)) == date(2026, 5, 1)


def test_breathing_space_in_a_crisis_is_open_until_treatment_ends() -> None:
    freeze = value("uk-breathing-space", "uk.breathing_space.crisis", date(2026, 3, 2))
    assert isinstance(freeze, Moratorium)
    assert freeze.last_on(date(2026, 3, 2)) is None
    assert freeze.last_on(date(2026, 3, 2), until_event_on=date(2026, 6, 1)) == date(2026, 7, 1)


# -- France, Germany, Ireland, Finland -------------------------------------------------------------------------


def test_french_floor_was_above_the_default_rate_in_the_second_half_of_2024() -> None:
    # agenceobjectifpaiement.com; C. com. L441-10: 3 x 4.92 = 14.76 against 4.25 + 10 = 14.25
    assert statutory_rate(FR, "fr.l441_10.interest", date(2024, 7, 1)) == Rate.percent("14.25")
    floor = value("fr-late-payment", "fr.l441_10.floor", date(2024, 7, 1))
    assert isinstance(floor, RateFloor)
    assert floor.multiple * Fraction("0.0492") == Fraction("0.1476")


def test_a_french_contract_rate_below_the_floor_is_raised_to_it() -> None:
    terms = RateTerms(rate=Rate.percent("12"), pack=FR, floor_rule_id="fr.l441_10.floor")
    accrued = accrue_on(
        terms,
        [BalanceStep(from_on=date(2024, 7, 1), balance=Money(1_000_000, "EUR"))],
        due_on=date(2024, 6, 30),
        start_on=date(2024, 7, 1),
        end_on=date(2024, 8, 1),
    )
    assert isinstance(accrued, AccruedInterest)
    assert accrued.amount == Money(12536, "EUR")  # 10,000 x 14.76 % x 31 / 365 = 125.36
    assert "legal floor of 14.76 %" in accrued.pieces[0].because


def test_a_french_contract_with_an_unknown_floor_gives_no_figure() -> None:
    terms = RateTerms(rate=Rate.percent("12"), pack=FR, floor_rule_id="fr.l441_10.floor")
    steps = [BalanceStep(from_on=date(2026, 7, 1), balance=Money(1_000_000, "EUR"))]
    accrued = accrue_on(terms, steps, due_on=date(2026, 6, 30), start_on=date(2026, 7, 1), end_on=date(2026, 8, 1))
    assert isinstance(accrued, Stale)


def test_the_german_rate_floats_over_the_turn_of_the_year() -> None:
    # BGB 247, 288: EUR 10,000, 1 December 2023 to 31 January 2024, 31 days at 12.12 and 31 at 12.62
    accrued = statutory_interest(
        principal=Money(1_000_000, "EUR"),
        pack=jurisdictions.load("de-late-payment"),
        rule_id="de.bgb288.business",
        start_on=date(2023, 12, 1),
        end_on=date(2024, 2, 1),
    )
    assert isinstance(accrued, AccruedInterest)
    assert [(piece.days, piece.rate) for piece in accrued.pieces] == [
        (31, Rate.percent("12.12")),
        (31, Rate.percent("12.62")),
    ]
    assert accrued.amount == Money(20983, "EUR")


def test_a_derived_reference_is_named_as_such() -> None:
    accrued = statutory_interest(
        principal=Money(1_000_000, "EUR"),
        pack=jurisdictions.load("de-late-payment"),
        rule_id="de.bgb288.business",
        start_on=date(2025, 1, 1),
        end_on=date(2025, 2, 1),
    )
    assert isinstance(accrued, AccruedInterest)
    assert "11.27 % by BGB, § 288(2), from 2.27 %; the reference is derived" in accrued.pieces[0].because


def test_the_irish_rate_is_that_of_the_due_date() -> None:
    # enterprise.gov.ie: 8 points over the ECB rate in force on the due date; due 30 June 2023 (2.50), so 10.50
    accrued = statutory_interest(
        principal=Money(100_000, "EUR"),
        pack=jurisdictions.load("ie-late-payment"),
        rule_id="ie.lpd.interest",
        start_on=date(2023, 7, 1),
        end_on=date(2023, 7, 31),
    )
    assert isinstance(accrued, AccruedInterest)
    assert accrued.pieces[0].rate == Rate.percent("10.5")


def test_the_finnish_reference_is_rounded_up_to_the_next_half_point() -> None:
    # Interest Rates Act 340/2002: the ECB rate of 2.15 counts as 2.5, with 8 points 10.5
    fi = jurisdictions.load("fi-late-payment")
    assert statutory_rate(fi, "fi.late_interest", date(2026, 1, 1)) == Rate.percent("10.5")


# -- United States ---------------------------------------------------------------------------------------------


def tiers(on: date) -> PenaltyTiers:
    found = value("us-reg-z", "us.regz.card_late_fee", on)
    assert isinstance(found, PenaltyTiers)
    return found


@pytest.mark.parametrize(
    ("on", "first", "repeat"),
    [
        (date(2012, 1, 1), 25, 35),
        (date(2014, 6, 1), 26, 37),
        (date(2016, 1, 1), 27, 37),
        (date(2016, 6, 27), 27, 38),
        (date(2019, 1, 1), 28, 39),
        (date(2020, 1, 1), 29, 40),
        (date(2022, 1, 1), 30, 41),
    ],
)
def test_card_fee_safe_harbour_goes_by_date(on: date, first: int, repeat: int) -> None:
    # 12 CFR 1026.52(b)(1)(ii), comment 52(b)(1)(ii)-2.i
    assert (tiers(on).first, tiers(on).repeat) == (Money(first * 100, "USD"), Money(repeat * 100, "USD"))


def test_the_vacated_eight_dollar_fee_is_not_in_force() -> None:
    # vacated on 15 April 2025 (N.D. Tex., Chamber of Commerce v. CFPB), yet printed in an official copy of March 2026
    assert tiers(date(2026, 3, 2)).first == Money(3000, "USD")


def test_a_late_and_a_returned_payment_of_one_event_bear_one_fee_only() -> None:
    # comment 52(b)(1)(ii)-1.iii.C (case rz-07): a late fee on 26 July, a payment of 24 August returned on 27 August.
    # The issuer may charge 35 for the late payment of August or 25 for the return, not both.
    pair = PenaltyTiers(first=Money(2500, "USD"), repeat=Money(3500, "USD"), cycles=tiers(date(2026, 7, 26)).cycles)
    late_option, returned_option = pair.one_event_options(cycle=(2026, 8), prior_late_cycles=[(2026, 7)])
    assert (late_option, returned_option) == (Money(3500, "USD"), Money(2500, "USD"))


def test_high_cost_mortgage_fee_begins_after_a_period_that_begins_on_the_due_date() -> None:
    limit = value("us-reg-z", "us.regz.high_cost_mortgage_late_fee", date(2026, 3, 1))
    assert isinstance(limit, FeeLimit)
    assert limit.first_chargeable_on(date(2026, 3, 1)) == date(2026, 3, 16)  # 12 CFR 1026.34(a)(8)(ii)


def test_a_high_cost_mortgage_with_interest_in_advance_has_thirty_days() -> None:
    # 12 CFR 1026.34(a)(8)(ii): the 30-day period beginning on the due date ends on 30 March
    limit = value("us-reg-z", "us.regz.high_cost_mortgage_late_fee.interest_in_advance", date(2026, 3, 1))
    assert isinstance(limit, FeeLimit)
    payment = Money(50_000, "USD")
    fees = [
        limit.for_instalment(payment, due_on=date(2026, 3, 1), received=[(date(2026, 3, day), payment)])
        for day in (30, 31)
    ]
    assert fees == [Money(0, "USD"), Money(2_000, "USD")]


def test_a_high_cost_mortgage_fee_is_four_percent_of_what_is_past_due_of_the_payment() -> None:
    # 12 CFR 1026.34(a)(8)(i): 300 of 500 came in time, so 4 % of 200; the contract's own 10 stands where it is less
    limit = value("us-reg-z", "us.regz.high_cost_mortgage_late_fee", date(2026, 3, 1))
    assert isinstance(limit, FeeLimit)
    part = [(date(2026, 3, 15), Money(30_000, "USD"))]
    terms = {"due_on": date(2026, 3, 1), "received": part}
    assert limit.for_instalment(Money(50_000, "USD"), **terms) == Money(800, "USD")  # type: ignore[arg-type]
    agreed = limit.for_instalment(Money(50_000, "USD"), **terms, agreed=Money(500, "USD"))  # type: ignore[arg-type]
    assert agreed == Money(500, "USD")


def test_a_postdated_deposit_needs_notice_from_ten_to_three_business_days_before_it() -> None:
    # 12 CFR 1006.22(c)(1): deposit on Friday 17 July 2026. Three days back is Tuesday the 14th; ten, with the legal
    # holiday of Saturday 4 July not among the weekdays, is Friday the 3rd
    rule = value("us-reg-f", "us.regf.postdated", date(2026, 7, 1))
    assert isinstance(rule, NoticeWindow)
    assert (rule.holidays, rule.not_before_event) == ("us-federal", True)
    calendar = BusinessCalendar(
        holidays=[date(2026, 7, 4)], known_from_on=date(2026, 1, 1), known_until_on=date(2027, 1, 1)
    )
    assert rule.span(date(2026, 7, 17), calendar) == (date(2026, 7, 3), date(2026, 7, 14))
    judged = [
        rule.is_in_time(notice_on=date(2026, 7, day), event_on=date(2026, 7, 17), calendar=calendar)
        for day in (2, 3, 14, 15)
    ]
    assert judged == [False, True, True, False]
    assert rule.span(date(2026, 7, 17)) is None  # the holidays are not known


def test_an_instrument_postdated_by_five_days_needs_no_notice_and_by_six_does() -> None:  # 12 CFR 1006.22(c)(1)
    rule = value("us-reg-f", "us.regf.postdated", date(2026, 7, 1))
    assert isinstance(rule, NoticeWindow)
    needed = [rule.is_needed(arranged_on=date(2026, 7, 1), event_on=date(2026, 7, day)) for day in (1, 6, 7)]
    assert needed == [False, False, True]


@pytest.mark.parametrize(
    ("rate_rises", "new_credit", "available"),
    [(False, False, True), (True, False, False), (False, True, False), (True, None, False), (False, None, None)],
)
def test_a_workout_is_no_refinancing_unless_the_rate_rises_or_credit_is_added(
    rate_rises: bool, new_credit: bool | None, available: bool | None
) -> None:  # 12 CFR 1026.20(a)(4)
    rule = value("us-reg-z", "us.regz.workout", date(2026, 1, 1))
    assert isinstance(rule, WorkoutException)
    assert rule.is_available(rate_rises=rate_rises, new_credit=new_credit) is available


def test_a_minimum_payment_that_came_in_time_bears_no_late_fee() -> None:  # comment 52(b)(2)(i)-1: a late payment
    pair = tiers(date(2026, 1, 1))
    terms = {"minimum_payment": Money(1500, "USD"), "cycle": (2026, 9), "prior_cycles": []}
    fees = [pair.most(**terms, paid=Money(paid, "USD")) for paid in (0, 1000, 1500)]  # type: ignore[arg-type]
    assert fees == [Money(1500, "USD"), Money(1500, "USD"), Money(0, "USD")]


def test_california_broker_fee_has_a_floor_of_five_dollars() -> None:
    limit = value("us-ca", "us.ca.broker_loan_late_fee", date(2026, 1, 1))
    assert isinstance(limit, FeeLimit)
    assert limit.limit(Money(2000, "USD")) == Money(500, "USD")
    assert limit.limit(Money(100_000, "USD")) == Money(10_000, "USD")


# -- terms of trade --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "discount_days", "net_days", "percent"),
    [("0.02", 10, 30, "37.24"), ("0.01", 10, 30, "18.43"), ("0.02", 10, 60, "14.90"), ("0.03", 10, 30, "56.44")],
)
def test_a_prompt_payment_discount_shows_its_yield(rate: str, discount_days: int, net_days: int, percent: str) -> None:
    # the textbook formula: d / (1 - d) x 365 / (net - discount days)
    terms = PromptPaymentDiscount(id="terms", rate=rate, discount_days=discount_days, net_days=net_days)
    assert f"{float(terms.annualised_yield() * 100):.2f}" == percent


# -- the file of dated rates beside the checkout ---------------------------------------------------------------


def test_every_rate_of_the_file_is_the_rate_of_the_shipped_series(shared: Path) -> None:
    data = json.loads((shared / "vectors" / "reference_rates.json").read_text(encoding="utf-8"))
    shipped = {one.id: one.values for one in jurisdictions.series()}
    wrong = [
        (series["id"], point["effective_from"])
        for series in data["series"]
        for point in series["points"]
        if not (
            isinstance(found := shipped[series["id"]].at(date.fromisoformat(point["effective_from"])), InForce)
            and found.value == Fraction(point["rate_percent"]) / 100
        )
    ]
    assert wrong == []
    assert sum(len(series["points"]) for series in data["series"]) == 83


def test_every_safe_harbour_of_the_file_is_that_of_the_pack(shared: Path) -> None:
    data = json.loads((shared / "vectors" / "reference_rates.json").read_text(encoding="utf-8"))
    for point in data["us_card_penalty_fee_safe_harbor"]["points"]:
        pair = tiers(date.fromisoformat(point["effective_from"]))
        assert (pair.first.plain(), pair.repeat.plain()) == (f"{point['first']}.00", f"{point['repeat']}.00")
