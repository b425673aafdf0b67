"""Charges over time: terms that change, variants of one id, what the law calls a fee, and credits that were earned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import attrs
import pytest

from collectkit import jurisdictions
from collectkit._policy.accruals import at_posted_rates
from collectkit.core.errors import InvalidPolicy
from collectkit.core.events import ChargeWaived, CreditNoteIssued
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Debtor,
    Hold,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
)
from collectkit.core.rules import (
    Applicability,
    Citation,
    Dated,
    DatedValue,
    FeeLimit,
    LumpSum,
    LumpSumBand,
    Moratorium,
    Rule,
    RulePack,
)
from collectkit.core.waterfall import balance_of
from collectkit.policy import (
    AppliesTo,
    ChargePolicy,
    ChargesDue,
    InterestPolicy,
    LateFeePolicy,
    RateTerms,
    RecoverySumPolicy,
    ReturnedPaymentPolicy,
    Tier,
    charges_due,
    explain,
    post,
    preview_balance,
    reversals_due,
)
from collectkit.strategy import decide, parse, to_batch

CHRONIC = AppliesTo(segments=("chronic",))
REG_Z = jurisdictions.load("us-reg-z")
EU = jurisdictions.load("eu-late-payment")
AGENCIES = Applicability(parties=("agency",))


def owed(
    amount: str = "1000.00",
    currency: str = "EUR",
    *,
    name: str = "R-1",
    issued_on: date = date(2026, 1, 31),
    due_on: date = date(2026, 3, 2),
    **terms: object,
) -> Receivable:
    return Receivable(  # type: ignore[arg-type]
        receivable_id=name,
        account_id="A",
        amount_original=Money.of(amount, currency),
        issued_on=issued_on,
        due_on=due_on,
        **terms,
    )


def facts(on: date, *receivables: Receivable, kind: str = "business", **more: object) -> AccountSnapshot:
    return AccountSnapshot(  # type: ignore[arg-type]
        as_of=on,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind=kind),  # type: ignore[arg-type]
        receivables=receivables,
        **more,
    )


def paid(amount: str, on: date, name: str = "P-1", *, currency: str = "EUR", **terms: object) -> Payment:
    return Payment(  # type: ignore[arg-type]
        payment_id=name, account_id="A", amount=Money.of(amount, currency), received_on=on, **terms
    )


def look(policies: ChargePolicy, snapshot: AccountSnapshot, *packs: RulePack, segment: str = "") -> ChargesDue:
    return charges_due(policies=policies, snapshot=snapshot, balance=balance_of(snapshot), packs=packs, segment=segment)


def amounts(found: ChargesDue) -> list[str]:
    return [str(one.amount) for one in found.charges]


def codes(found: ChargesDue) -> list[str]:
    return [one.code for one in found.skipped]


def pack(value: object, name: str = "own", **terms: object) -> RulePack:
    source = Citation(authority="a law", locator="1", address="example.org", read_on=date(2026, 1, 1))
    through = date(2026, 12, 31)
    rule = Rule(  # type: ignore[arg-type]
        id=f"{name}.rule",
        topic="test",
        text="a test",
        parameters=Dated(points=[DatedValue(value=value, citation=source)], reviewed_through=through),
        **terms,
    )
    return RulePack(id=name, version="1", jurisdiction="XX", title=name, reviewed_through=through, rules=[rule])


# -- interest whose rate changes -------------------------------------------------------------------------------


def interest(percent: int, *, rests: int | None = None, applies_to: AppliesTo | None = None) -> InterestPolicy:
    terms = RateTerms(rate=Rate.percent(percent), day_count="act/360", rests_months=rests)
    return InterestPolicy(id="int", terms=terms, applies_to=applies_to or AppliesTo())


def year_end(amount: str = "12000.00") -> Receivable:
    return owed(amount, issued_on=date(2025, 12, 1), due_on=date(2025, 12, 31))


def posted_monthly(
    months: dict[int, tuple[ChargePolicy, str]], snapshot: AccountSnapshot
) -> tuple[list[str], AccountSnapshot]:
    """Look on the first of each month by the policy and in the segment given for it, and post."""
    found: list[str] = []
    for month, (policies, segment) in months.items():
        snapshot = attrs.evolve(snapshot, as_of=date(2026, month, 1))
        due = look(policies, snapshot, segment=segment)
        found += amounts(due)
        snapshot = post(snapshot, due.charges)
    return found, snapshot


def test_days_that_are_posted_keep_their_rate_when_the_segment_changes_and_changes_back() -> None:
    both = ChargePolicy(interest=[interest(6), interest(12, applies_to=CHRONIC)])
    months = dict.fromkeys((2, 3, 4, 7, 8), (both, "standard")) | dict.fromkeys((5, 6), (both, "chronic"))
    found, snapshot = posted_monthly(dict(sorted(months.items())), facts(date(2026, 2, 1), year_end()))
    # 12,000 at 6 % is 2.00 a day: 31, 28, 31 days; at 12 % 4.00 a day: 30, 31 days; and 30, 31 days at 2.00 again
    expected = ["62.00 EUR", "56.00 EUR", "62.00 EUR", "120.00 EUR", "124.00 EUR", "60.00 EUR", "62.00 EUR"]
    assert found == expected
    for segment in ("standard", "chronic"):
        assert reversals_due(policies=both, snapshot=snapshot, segment=segment) == ()
        assert reversals_due(policies=both, snapshot=snapshot, segment=segment, is_by_payments=True) == ()


@pytest.mark.parametrize(("later", "expected"), [(12, "120.00 EUR"), (3, "30.00 EUR")])
def test_a_new_version_of_the_terms_applies_from_the_last_posting_on(later: int, expected: str) -> None:
    before, after = ChargePolicy(interest=[interest(6)]), ChargePolicy(interest=[interest(later)])
    found, snapshot = posted_monthly({4: (before, ""), 5: (after, "")}, facts(date(2026, 4, 1), year_end()))
    assert found == ["180.00 EUR", expected]
    assert reversals_due(policies=after, snapshot=snapshot) == ()
    ahead = preview_balance(snapshot, date(2026, 5, 10), policies=after)
    assert [one.minor for one in ahead.accrued] == [1_000 * later // 3]  # ten days, the tenth included


def test_a_payment_that_is_returned_after_the_rate_changed_is_made_good_at_the_rate_of_then() -> None:
    before, after = ChargePolicy(interest=[interest(6)]), ChargePolicy(interest=[interest(12)])
    part = paid("6000.00", date(2026, 1, 1))
    snapshot = facts(date(2026, 2, 1), year_end(), payments=[part])
    snapshot = post(snapshot, look(before, snapshot).charges)
    assert [str(one.amount_original) for one in snapshot.receivables if one.is_charge] == ["31.00 EUR"]
    back = attrs.evolve(snapshot, as_of=date(2026, 3, 1), payments=[attrs.evolve(part, returned_on=date(2026, 2, 10))])
    assert amounts(look(before, back)) == ["87.00 EUR"]  # 31 days at 1.00 more, 28 days at 2.00
    assert amounts(look(after, back)) == ["143.00 EUR"]  # the same 31.00, and 28 days at 4.00


def test_a_payment_told_late_takes_interest_back_at_the_rate_it_was_posted_at() -> None:
    before, after = ChargePolicy(interest=[interest(6)]), ChargePolicy(interest=[interest(12)])
    _, snapshot = posted_monthly({2: (before, ""), 3: (before, "")}, facts(date(2026, 2, 1), year_end()))
    late = paid("12000.00", date(2026, 3, 5), effective_on=date(2026, 2, 15), receivable_ids=("R-1",))
    known = attrs.evolve(snapshot, as_of=date(2026, 3, 5), payments=[late])
    for policies in (before, after):  # 15 to 28 February at 2.00
        (wrong,) = reversals_due(policies=policies, snapshot=known, is_by_payments=True)
        assert str(wrong.amount) == "28.00 EUR"


def test_interest_on_interest_after_a_change_is_on_what_was_posted() -> None:
    before, after = ChargePolicy(interest=[interest(6, rests=1)]), ChargePolicy(interest=[interest(12, rests=1)])
    found, _ = posted_monthly({2: (before, ""), 3: (after, "")}, facts(date(2026, 2, 1), year_end("360000.00")))
    # 31 days at 60.00 a day; 28 days at 12 % on 360,000.00 and the 1,860.00 posted
    assert found == ["1860.00 EUR", "3377.36 EUR"]


def test_a_due_date_put_right_and_a_credit_note_take_interest_back_when_all_facts_are_asked_about() -> None:
    policies = ChargePolicy(interest=[interest(6)])
    _, snapshot = posted_monthly({2: (policies, "")}, facts(date(2026, 2, 1), year_end()))
    moved = attrs.evolve(snapshot.receivables[0], due_on=date(2026, 1, 21))
    corrected = attrs.evolve(snapshot, receivables=(moved, *snapshot.receivables[1:]))
    (wrong,) = reversals_due(policies=policies, snapshot=corrected)
    assert str(wrong.amount) == "42.00 EUR"  # 1 to 21 January
    assert reversals_due(policies=policies, snapshot=corrected, is_by_payments=True) == ()


def test_the_second_posting_explains_its_own_days_alone() -> None:
    policies = ChargePolicy(interest=[interest(6)])
    _, snapshot = posted_monthly({2: (policies, "")}, facts(date(2026, 2, 1), year_end()))
    (second,) = look(policies, attrs.evolve(snapshot, as_of=date(2026, 3, 1))).charges
    assert "28 days from 2026-02-01 on 12000.00 EUR" in explain(second)
    assert "59 days" not in explain(second)


# -- variants of one fee ---------------------------------------------------------------------------------------

ONCE = LateFeePolicy(id="late", kind="percent", rate="0.015", grace_days=10)
BANDS = LateFeePolicy(
    id="late",
    kind="tiered",
    grace_days=7,
    applies_to=CHRONIC,
    tiers=[Tier(days_min=8, days_max=30, amounts={"EUR": "7.50"}), Tier(days_min=31, amounts={"EUR": "15.00"})],
)
MONTHLY = LateFeePolicy(id="late", kind="flat", amounts={"EUR": "5.00"}, once_per="period", period_months=1)
WEEKLY = attrs.evolve(MONTHLY, period_months=None, period_days=7, applies_to=CHRONIC)


def lived(policies: ChargePolicy, segments: dict[date, str], until: date) -> list[tuple[str, str]]:
    """Look every day and post; `segments` says from when the account is in which."""
    snapshot, found = facts(min(segments), owed()), []
    for ordinal in range(min(segments).toordinal(), until.toordinal() + 1):
        on = date.fromordinal(ordinal)
        segment = segments[max(day for day in segments if day <= on)]
        due = look(policies, attrs.evolve(snapshot, as_of=on), segment=segment)
        found += [(str(on), str(one.amount)) for one in due.charges]
        snapshot = post(attrs.evolve(snapshot, as_of=on), due.charges)
    return found


def test_a_fee_that_was_charged_covers_the_bands_reached_before_the_account_became_chronic() -> None:
    both = ChargePolicy(late_fees=[ONCE, BANDS])
    switch = {date(2026, 3, 1): "standard", date(2026, 3, 20): "chronic"}
    assert lived(both, switch, date(2026, 4, 30)) == [("2026-03-13", "15.00 EUR"), ("2026-04-02", "15.00 EUR")]
    back = {date(2026, 3, 1): "chronic", date(2026, 3, 12): "standard"}
    assert lived(both, back, date(2026, 4, 30)) == [("2026-03-10", "7.50 EUR")]
    always = {date(2026, 3, 1): "chronic"}
    assert lived(both, always, date(2026, 4, 30)) == [("2026-03-10", "7.50 EUR"), ("2026-04-02", "15.00 EUR")]


def test_periods_that_another_variant_reached_are_not_caught_up() -> None:
    both = ChargePolicy(late_fees=[MONTHLY, WEEKLY])
    switch = {date(2026, 3, 1): "standard", date(2026, 4, 8): "chronic"}
    assert [day for day, _ in lived(both, switch, date(2026, 4, 22))] == [
        "2026-03-03",
        "2026-04-03",
        "2026-04-14",  # the seventh week
        "2026-04-21",
    ]


def test_a_new_version_with_other_names_for_its_periods_catches_nothing_up() -> None:
    before = ChargePolicy(late_fees=[ONCE])
    after = ChargePolicy(late_fees=[attrs.evolve(BANDS, applies_to=AppliesTo())])
    snapshot = facts(date(2026, 3, 13), owed())
    snapshot = post(snapshot, look(before, snapshot).charges)
    for on in (date(2026, 3, 13), date(2026, 3, 20), date(2026, 4, 1)):
        later = look(after, attrs.evolve(snapshot, as_of=on))
        assert (amounts(later), codes(later)) == ([], ["policy.covered"])
    assert amounts(look(after, attrs.evolve(snapshot, as_of=date(2026, 4, 2)))) == ["15.00 EUR"]


# -- what the law calls a fee ----------------------------------------------------------------------------------


def mortgage(amount: str = "500.00", **terms: object) -> Receivable:
    return owed(
        amount,
        "USD",
        issued_on=date(2026, 2, 1),
        due_on=date(2026, 3, 1),
        **{"kind": "high_cost_mortgage", **terms},
    )


def test_no_fee_arises_from_an_unpaid_fee_where_the_law_forbids_it() -> None:
    policies = ChargePolicy(
        late_fees=[LateFeePolicy(id="late", kind="flat", amounts={"USD": "15.00"}, on_charges=True)]
    )
    snapshot = facts(date(2026, 3, 16), mortgage(), kind="consumer")
    snapshot = post(snapshot, look(policies, snapshot, REG_Z).charges)
    later = attrs.evolve(snapshot, as_of=date(2026, 4, 20))
    bound = look(policies, later, REG_Z)
    assert (amounts(bound), codes(bound)) == ([], ["policy.law_on_charges"])
    assert amounts(look(policies, later)) == ["15.00 USD"]
    lenient = pack(FeeLimit(amounts=(Money.of("20.00", "USD"),), on_charges=True))
    assert amounts(look(policies, later, lenient)) == ["15.00 USD"]


@pytest.mark.parametrize("component", ["fee", "cost", "interest"])
def test_a_late_fee_keeps_to_the_law_whatever_it_is_booked_as(component: str) -> None:
    policies = ChargePolicy(
        late_fees=[
            LateFeePolicy(id="late", kind="flat", amounts={"USD": "45.00"}, component=component),
            LateFeePolicy(id="more", kind="flat", amounts={"USD": "45.00"}, component="fee"),
        ]
    )
    snapshot = facts(date(2026, 3, 16), mortgage(), kind="consumer")
    first = look(policies, snapshot, REG_Z)
    assert amounts(first) == ["20.00 USD"]  # 4 % of 500.00 for both
    assert amounts(look(policies, post(snapshot, first.charges), REG_Z)) == []
    unknown = pack(FeeLimit(amounts=(Money.of("5.00", "EUR"),)))
    assert amounts(look(policies, snapshot, unknown)) == []
    assert set(codes(look(policies, snapshot, unknown))) == {"policy.law_unknown"}


def test_a_charge_is_judged_by_the_kind_of_debt_it_came_from() -> None:
    policies = ChargePolicy(
        late_fees=[LateFeePolicy(id="late", kind="flat", amounts={"EUR": "15.00"}, on_charges=True)]
    )
    law = pack(
        FeeLimit(amounts=(Money.of("4.00", "EUR"),), on_charges=True),
        applies_to=Applicability(debt_kinds=("lease",)),
    )
    snapshot = facts(date(2026, 3, 3), owed(kind="lease"))
    snapshot = post(snapshot, look(policies, snapshot, law).charges)
    assert amounts(look(policies, attrs.evolve(snapshot, as_of=date(2026, 3, 9)), law)) == ["4.00 EUR"]


def test_a_planned_instalment_that_the_law_puts_off_is_judged_on_what_is_open_then() -> None:
    plan = PlanAgreement(
        plan_id="P",
        account_id="A",
        covers=("R-1",),
        agreed_on=date(2026, 2, 20),
        tolerance_days=30,
        instalments=[
            PlannedInstalment(number=n + 1, due_on=date(2026, 3 + n, 1), amount=Money.of("500.00", "USD"))
            for n in range(3)
        ],
    )
    policies = ChargePolicy(
        late_fees=[LateFeePolicy(id="late", kind="flat", amounts={"USD": "45.00"}, once_per="instalment")]
    )
    snapshot = facts(
        date(2026, 3, 16),
        mortgage("1500.00"),
        kind="consumer",
        plans=[plan],
        payments=[paid("400.00", date(2026, 3, 10), currency="USD")],
    )
    assert amounts(look(policies, snapshot, REG_Z)) == ["4.00 USD"]  # 4 % of 100.00


def test_a_fee_that_the_law_puts_off_is_the_least_of_what_the_variants_make_of_it() -> None:
    general = LateFeePolicy(id="late", kind="flat", amounts={"EUR": "3.00"})
    chronic = attrs.evolve(general, amounts={"EUR": "15.00"}, applies_to=CHRONIC)  # type: ignore[arg-type]
    policies = ChargePolicy(late_fees=[general, chronic])
    law = pack(FeeLimit(amounts=(Money.of("9.00", "EUR"),), grace_days=20, base="instalment"))
    on = date(2026, 3, 23)  # twenty days past due, and one more
    found = look(policies, facts(on, owed()), law, segment="chronic")
    assert amounts(found) == ["3.00 EUR"]
    assert "policy.law_variant" in [one.code for one in found.charges[0].reasons]
    assert amounts(look(policies, facts(on, owed()), segment="chronic")) == ["15.00 EUR"]  # no law put it off
    rents = AppliesTo(kinds=("rent",), currencies=("EUR",))
    alone = ChargePolicy(late_fees=[attrs.evolve(general, applies_to=rents), chronic])
    assert amounts(look(alone, facts(on, owed()), law, segment="chronic")) == ["9.00 EUR"]  # for others


def test_a_fee_whose_lawful_day_lies_inside_a_moratorium_is_forgiven() -> None:
    breathing = jurisdictions.load("uk-breathing-space")
    later = pack(FeeLimit(rate="0.05", grace_days=10))
    policies = ChargePolicy(late_fees=[LateFeePolicy(id="late", kind="flat", amounts={"GBP": "12.00"})])
    hold = Hold(
        hold_id="H",
        account_id="A",
        reason="breathing_space",
        placed_on=date(2026, 3, 5),
        until_on=date(2026, 5, 5),
    )
    for on in (date(2026, 5, 5), date(2026, 5, 6), date(2026, 7, 1)):
        found = look(policies, facts(on, owed(currency="GBP"), kind="consumer", holds=[hold]), later, breathing)
        assert (amounts(found), codes(found)) == ([], ["policy.moratorium"])
    assert amounts(look(policies, facts(date(2026, 5, 6), owed(currency="GBP"), kind="consumer"), later)) == [
        "12.00 GBP"
    ]


def test_a_card_fee_that_was_taken_back_opens_no_higher_tier() -> None:
    policies = ChargePolicy(late_fees=[LateFeePolicy(id="late", kind="flat", amounts={"USD": "41.00"})])
    march = owed("60.00", "USD", name="M-1", due_on=date(2026, 3, 1), kind="credit_card")
    april = owed("60.00", "USD", name="M-2", issued_on=date(2026, 3, 5), due_on=date(2026, 4, 1), kind="credit_card")
    first = facts(date(2026, 3, 2), march, april, kind="consumer")
    first = post(first, look(policies, first, REG_Z).charges)
    told = paid("60.00", date(2026, 3, 6), currency="USD", effective_on=date(2026, 2, 27), receivable_ids=("M-1",))
    known = attrs.evolve(first, as_of=date(2026, 3, 6), payments=[told])
    (wrong,) = reversals_due(policies=policies, snapshot=known, packs=[REG_Z])
    righted = attrs.evolve(known, as_of=date(2026, 4, 2), waivers=[wrong.as_waiver(on=known.as_of, authority="x")])
    assert amounts(look(policies, righted, REG_Z)) == ["30.00 USD"]
    assert amounts(look(policies, attrs.evolve(first, as_of=date(2026, 4, 2)), REG_Z)) == ["41.00 USD"]


# -- tiers and sums --------------------------------------------------------------------------------------------


def test_where_no_tier_stands_there_is_no_floor_either() -> None:
    tiers = [Tier(balance_min=Money.of("100.00", "EUR"), amounts={"EUR": "2.00"})]
    fee = LateFeePolicy(id="late", kind="tiered", tiers=tiers, tier_gaps="none", fee_floor={"EUR": "5.00"})
    policies = ChargePolicy(late_fees=[fee])
    small = look(policies, facts(date(2026, 3, 10), owed("50.00")))
    assert (amounts(small), codes(small)) == ([], ["policy.zero"])
    assert amounts(look(policies, facts(date(2026, 3, 10), owed("150.00")))) == ["5.00 EUR"]


def test_a_debt_below_the_first_band_bears_no_sum_and_says_so() -> None:
    bands = [LumpSumBand(debt_min=Money.of("100.00", "EUR"), amount=Money.of("40.00", "EUR"))]
    law = pack(LumpSum(bands=bands))
    policies = ChargePolicy(recovery_sums=[RecoverySumPolicy(id="sum", pack=law, rule_id="own.rule")])
    snapshot = facts(date(2026, 3, 10), owed("50.00"))
    found = look(policies, snapshot)
    assert (amounts(found), codes(found)) == ([], ["policy.zero"])
    assert preview_balance(snapshot, date(2026, 4, 1), policies=policies).charges == ()


@pytest.mark.parametrize(
    ("paid_on", "expected"),
    [
        (date(2026, 3, 2), []),
        (date(2026, 3, 3), []),  # the day of payment bears no interest, so none was owed yet
        (date(2026, 3, 4), ["40.00 EUR"]),
        (date(2026, 4, 1), ["40.00 EUR"]),
    ],
)
def test_the_recovery_sum_is_owed_with_the_first_day_of_interest_however_late_one_looks(
    paid_on: date, expected: list[str]
) -> None:
    policies = ChargePolicy(recovery_sums=[RecoverySumPolicy(id="sum", pack=EU, rule_id="eu.lpd.compensation")])
    payment = paid("1000.00", paid_on)
    daily, found = facts(date(2026, 3, 1), owed(), payments=[payment]), []
    for day in range(60):
        daily = attrs.evolve(daily, as_of=date(2026, 3, 1) + timedelta(days=day))
        due = look(policies, daily, EU)
        found += amounts(due)
        daily = post(daily, due.charges)
    assert found == expected
    assert amounts(look(policies, facts(date(2026, 4, 20), owed(), payments=[payment]), EU)) == expected


# -- credits that were earned ----------------------------------------------------------------------------------

GIVING = parse(
    """
name = "giving"
version = "1"
[[charges]]
id = "late"
kind = "flat"
amounts = { EUR = "15.00" }
[[charges]]
id = "int"
kind = "interest"
rate = "0.09"
[[discounts]]
id = "early"
rate = "0.02"
discount_days = 10
net_days = 30
[[stages]]
id = "reminder"
after = { past_due = { days = 5 } }
  [[stages.steps]]
  task = "call"
"""
)


def test_who_paid_early_with_the_discount_earned_is_never_late_however_late_anybody_looks() -> None:
    early = paid("980.00", date(2026, 2, 9))
    for on in (date(2026, 2, 9), date(2026, 3, 2), date(2026, 3, 3), date(2026, 4, 20)):
        found = decide(strategy=GIVING, snapshot=facts(on, owed(), payments=[early]))
        assert [str(one.amount) for one in found.credits] == ["20.00 EUR"]
        assert (found.charges, found.commands, found.arrears, found.stage) == ((), (), (), "current")


@pytest.mark.parametrize("is_recorded_today", [False, True])
def test_a_payment_told_late_that_earned_the_discount_takes_every_charge_back(is_recorded_today: bool) -> None:
    snapshot = facts(date(2026, 4, 4), owed())
    first = decide(strategy=GIVING, snapshot=snapshot)
    assert [str(one.amount) for one in first.charges] == ["15.00 EUR", "7.64 EUR"]
    on = date(2026, 4, 6)
    told = paid("980.00", on, effective_on=date(2026, 2, 9))
    snapshot = attrs.evolve(post(snapshot, first.charges), as_of=on, payments=[told])
    found = decide(strategy=GIVING, snapshot=snapshot)
    assert [(str(one.amount), one.earned_on) for one in found.credits] == [("20.00 EUR", date(2026, 2, 9))]
    assert sorted(str(one.amount) for one in found.reversals) == ["15.00 EUR", "7.64 EUR"]
    assert (found.charges, found.arrears, found.stage) == ((), (), "current")
    events = to_batch(decision=found, version=1, command_id="c", recorded_at=datetime(2026, 4, 6, tzinfo=UTC)).events
    (note,) = [one.credit_note for one in events if isinstance(one, CreditNoteIssued)]
    assert note.issued_on == date(2026, 2, 9)
    waivers = [one.waiver for one in events if isinstance(one, ChargeWaived)]
    if is_recorded_today:  # as releases before this one recorded it
        note, waivers = attrs.evolve(note, issued_on=on), []
    again = decide(strategy=GIVING, snapshot=attrs.evolve(snapshot, credit_notes=[note], waivers=waivers))
    assert (again.credits, again.charges, again.stage) == ((), (), "current")
    assert len(again.reversals) == (2 if is_recorded_today else 0)


# -- what a pack can say beside a charge -----------------------------------------------------------------------


def test_a_citation_that_is_too_long_to_stand_beside_a_charge_is_refused_with_the_pack() -> None:
    fine = pack(FeeLimit(amounts=(Money.of("3.00", "EUR"),), base="instalment"))
    [rule] = fine.rules
    label = len(f"; {fine.label}")

    def citing(length: int) -> RulePack:
        source = Citation(authority="a" * 200, locator="l" * (length - 202), address="-", read_on=date(2026, 1, 1))
        points = [attrs.evolve(rule.parameters.points[0], citation=source)]
        return attrs.evolve(fine, rules=[attrs.evolve(rule, parameters=attrs.evolve(rule.parameters, points=points))])

    with pytest.raises(InvalidPolicy) as caught:
        citing(501 - label)
    [problem] = caught.value.problems
    assert (problem.code, problem.path) == ("rules.too_long", "rules[0].parameters.points[0].citation")
    policies = ChargePolicy(late_fees=[LateFeePolicy(id="late", kind="flat", amounts={"EUR": "5.00"})])
    [charge] = look(policies, facts(date(2026, 3, 5), owed()), citing(500 - label)).charges
    assert max(len(reason.cite or "") for reason in charge.reasons) == 500


def test_a_moratorium_of_which_a_fact_is_missing_protects_and_says_so_however_long_its_names_are() -> None:
    law = pack(Moratorium(days=60, freezes=("fees", "interest")), "p" * 240, applies_to=AGENCIES)
    hold = Hold(
        hold_id="H", account_id="A", reason="breathing_space", placed_on=date(2026, 2, 1), until_on=date(2026, 3, 10)
    )
    fee = LateFeePolicy(id="late", kind="flat", amounts={"EUR": "5.00"})
    found = look(ChargePolicy(late_fees=[fee]), facts(date(2026, 3, 20), owed(), holds=(hold,)), law)
    assert (amounts(found), codes(found)) == ([], ["policy.moratorium"])


# -- days that decide ------------------------------------------------------------------------------------------


def test_a_fee_that_fell_due_in_december_counts_against_the_cap_of_december() -> None:
    fee = LateFeePolicy(id="late", kind="flat", amounts={"EUR": "10.00"}, yearly_cap={"EUR": "10.00"})
    policies = ChargePolicy(late_fees=[fee])
    issued_on = date(2025, 12, 1)
    first = owed(name="R-1", issued_on=issued_on, due_on=date(2025, 12, 10))
    second = owed(name="R-2", issued_on=issued_on, due_on=date(2025, 12, 30))
    in_december = facts(date(2025, 12, 20), first, second)
    charged = look(policies, in_december)
    assert amounts(charged) == ["10.00 EUR"]
    in_january = attrs.evolve(post(in_december, charged.charges), as_of=date(2026, 1, 2))
    found = look(policies, in_january)
    assert (amounts(found), codes(found)) == ([], ["policy.yearly_cap"])


def test_what_was_taken_back_on_the_day_of_the_posting_is_measured_on_the_facts_before_it() -> None:
    # posted at twice the rate of today on the facts of then: 200 for 100; now the facts give half, so half is right
    on = date(2026, 3, 2)
    posted = owed("2.00", name="I-1", issued_on=on, due_on=on)
    then = (80, 100)  # by the end of the day, and before it was over
    assert at_posted_rates([posted], [("I-1", on, 30)], then, 50) == 100
    # taken back on a later day, the posting knew all that its day told: 200 for 80 gives 125 for 50
    assert at_posted_rates([posted], [("I-1", date(2026, 3, 3), 30)], then, 50) == 125


@pytest.mark.parametrize(("issued_on", "expected"), [(date(2026, 2, 10), ["4.00 EUR"]), (date(2026, 2, 11), [])])
def test_a_returned_payment_was_for_nothing_that_was_issued_after_its_return(
    issued_on: date, expected: list[str]
) -> None:
    policies = ChargePolicy(returned_payments=[ReturnedPaymentPolicy(id="back", amounts={"EUR": "4.00"})])
    back = paid("50.00", date(2026, 2, 1), returned_on=date(2026, 2, 10))
    snapshot = facts(date(2026, 2, 20), owed(issued_on=issued_on), payments=(back,))
    assert amounts(look(policies, snapshot)) == expected
