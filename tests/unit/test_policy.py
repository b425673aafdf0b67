"""What the room `policy` says it does: grace, measures, limits, variants, what stands in the way, and bad input."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest

from collectkit import jurisdictions
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.decisions import Declined
from collectkit.core.errors import CollectkitError, InvalidDate, InvalidPolicy, InvalidRecord
from collectkit.core.money import Money
from collectkit.core.rates import NotInForce, Rate, RateStep, RateTable, Stale
from collectkit.core.reading import Problems, TableReader
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Component,
    CreditNote,
    Debtor,
    Dispute,
    Hold,
    NoticeRecord,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    Receivable,
    Waiver,
)
from collectkit.core.rules import (
    Applicability,
    Citation,
    Dated,
    DatedValue,
    FeeLimit,
    Moratorium,
    RateCap,
    ReferenceSeries,
    Rule,
    RulePack,
)
from collectkit.core.waterfall import balance_of
from collectkit.policy import (
    AccruedInterest,
    AdvanceRebate,
    AppliesTo,
    BalanceStep,
    ChargePolicy,
    ChargesDue,
    DiscountStep,
    Grant,
    IncentivePolicy,
    InterestPolicy,
    LateFeePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    RateTerms,
    RecoverySumPolicy,
    ReturnedPaymentPolicy,
    RewardsDue,
    SettlementDiscount,
    Tier,
    WaiverLimits,
    accrue_on,
    charges_due,
    describe,
    explain,
    first_fee_on,
    post,
    preview_balance,
    read_charges,
    readiness_on,
    reversals_due,
    rewards_due,
    statutory_rate,
    waive,
)

DUE = date(2026, 1, 31)
EUR = "EUR"


def invoice(name: str = "R-1", amount: int = 12_000, due_on: date = DUE, **terms: object) -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=Money(amount, str(terms.pop("currency", EUR))),
        issued_on=due_on - timedelta(days=30),
        due_on=due_on,
        **terms,  # type: ignore[arg-type]
    )


def facts(
    *receivables: Receivable, on: date = date(2026, 2, 20), kind: str = "business", **more: object
) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind=kind),
        receivables=receivables or (invoice(),),
        **more,  # type: ignore[arg-type]
    )


def paid(amount: int, on: date, name: str = "P-1", **terms: object) -> Payment:
    return Payment(payment_id=name, account_id="A", amount=Money(amount, EUR), received_on=on, **terms)  # type: ignore[arg-type]


def flat(amount: str = "5.00", **terms: object) -> LateFeePolicy:
    return LateFeePolicy(id="fee", kind="flat", amounts={EUR: amount}, **terms)  # type: ignore[arg-type]


def percent(rate: str = "0.015", **terms: object) -> LateFeePolicy:
    return LateFeePolicy(id="fee", kind="percent", rate=rate, **terms)  # type: ignore[arg-type]


def look(snapshot: AccountSnapshot, *rules: object, **options: object) -> ChargesDue:
    bundle = ChargePolicy(
        late_fees=[one for one in rules if isinstance(one, LateFeePolicy)],
        interest=[one for one in rules if isinstance(one, InterestPolicy)],
        recovery_sums=[one for one in rules if isinstance(one, RecoverySumPolicy)],
        returned_payments=[one for one in rules if isinstance(one, ReturnedPaymentPolicy)],
    )
    return charges_due(policies=bundle, snapshot=snapshot, balance=balance_of(snapshot), **options)  # type: ignore[arg-type]


def amounts(found: ChargesDue) -> list[str]:
    return [str(charge.amount) for charge in found.charges]


def codes(found: ChargesDue) -> list[str]:
    return [reason.code for reason in found.skipped]


# -- when a fee falls due --------------------------------------------------------------------------------------


def test_no_fee_falls_due_on_the_due_day() -> None:
    found = look(facts(on=DUE), flat())
    assert (amounts(found), found.next_on) == ([], date(2026, 2, 1))


def test_grace_is_a_gate_that_opens_strictly_past_its_days() -> None:
    fee = flat(grace_days=5)
    assert amounts(look(facts(on=date(2026, 2, 5)), fee)) == []
    assert amounts(look(facts(on=date(2026, 2, 6)), fee)) == ["5.00 EUR"]


def test_grace_in_business_days_passes_over_weekends() -> None:
    # due Saturday 31 January; two business days are Monday and Tuesday, so Wednesday 4 February is past them
    assert first_fee_on(flat(grace_business_days=2), DUE) == date(2026, 2, 4)


def test_grace_that_shifts_the_due_date_moves_the_tiers_with_it() -> None:
    tiers = (Tier(days_min=1, days_max=10, amounts={EUR: "1"}), Tier(days_min=11, amounts={EUR: "9"}))
    gate = LateFeePolicy(id="fee", kind="tiered", tiers=tiers, grace_days=5)
    shift = LateFeePolicy(id="fee", kind="tiered", tiers=tiers, grace_days=5, grace_shifts_due=True)
    assert amounts(look(facts(on=date(2026, 2, 11)), gate)) == ["1.00 EUR", "9.00 EUR"]
    assert amounts(look(facts(on=date(2026, 2, 11)), shift)) == ["1.00 EUR"]


def test_a_band_of_days_that_lies_inside_the_grace_is_never_charged() -> None:
    tiers = (Tier(days_min=1, days_max=5, amounts={EUR: "1"}), Tier(days_min=6, amounts={EUR: "9"}))
    fee = LateFeePolicy(id="fee", kind="tiered", tiers=tiers, grace_days=7)
    assert amounts(look(facts(), fee)) == ["9.00 EUR"]


def test_unknown_holidays_skip_the_charge_with_a_reason() -> None:
    calendar = BusinessCalendar(known_from_on=date(2025, 1, 1), known_until_on=date(2026, 1, 1))
    found = look(facts(), flat(grace_business_days=2), calendar=calendar)
    assert (codes(found), found.next_on) == (["policy.calendar_missing"], None)


def test_a_fee_once_per_period_catches_up_what_was_missed_each_once() -> None:
    fee = flat(once_per="period", period_months=1)
    found = look(facts(on=date(2026, 4, 10)), fee)
    assert [charge.key[-2:] for charge in found.charges] == [":1", ":2", ":3"]
    assert found.next_on == date(2026, 5, 1)


def test_a_fee_once_per_period_stops_after_its_times() -> None:
    fee = flat(once_per="period", period_days=7, times_max=2)
    found = look(facts(on=date(2026, 6, 1)), fee)
    assert (len(found.charges), found.next_on) == (2, None)


def test_a_posted_charge_is_not_given_again() -> None:
    snapshot = facts()
    found = look(snapshot, flat())
    assert amounts(look(post(snapshot, found.charges), flat())) == []


def test_a_missed_fee_is_measured_on_the_day_it_fell_due() -> None:
    snapshot = facts(on=date(2026, 3, 20), payments=(paid(6_000, date(2026, 3, 1)),))
    assert amounts(look(snapshot, percent("0.1"))) == ["12.00 EUR"]  # all of 120.00 was open on 1 February


def test_a_receivable_paid_in_full_by_now_is_charged_no_missed_fee() -> None:
    snapshot = facts(on=date(2026, 3, 20), payments=(paid(12_000, date(2026, 3, 1)),))
    assert amounts(look(snapshot, flat())) == []


def test_a_returned_payment_makes_the_receivable_late_from_its_due_date() -> None:
    back = paid(12_000, DUE, returned_on=date(2026, 2, 15))
    assert look(facts(on=date(2026, 2, 14), payments=(back,)), flat()).next_on == date(2026, 2, 15)
    assert amounts(look(facts(on=date(2026, 2, 15), payments=(back,)), flat())) == ["5.00 EUR"]


def test_a_receivable_issued_later_is_announced() -> None:
    assert look(facts(invoice(due_on=date(2026, 6, 30))), flat()).next_on == date(2026, 7, 1)


# -- how much --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "amount"), [("greater_of", "5.00 EUR"), ("lesser_of", "1.80 EUR")])
def test_greater_or_lesser_of_share_and_amount(kind: str, amount: str) -> None:
    fee = LateFeePolicy(id="fee", kind=kind, rate="0.015", amounts={EUR: "5.00"})  # type: ignore[arg-type]
    assert amounts(look(facts(), fee)) == [amount]


def test_a_share_of_the_original_amount_ignores_part_payment() -> None:
    snapshot = facts(payments=(paid(11_000, DUE),))
    assert amounts(look(snapshot, percent("0.1", base="original", never_above_open=False))) == ["12.00 EUR"]
    assert amounts(look(snapshot, percent("0.1"))) == ["1.00 EUR"]


def test_a_fee_is_never_above_what_is_open_unless_the_policy_says_so() -> None:
    small = facts(invoice(amount=300))
    assert amounts(look(small, flat())) == ["3.00 EUR"]
    assert amounts(look(small, flat(never_above_open=False))) == ["5.00 EUR"]


def test_tiers_by_balance_take_the_band_of_what_is_open() -> None:
    fee = LateFeePolicy(
        id="fee",
        kind="tiered",
        tiers=(
            Tier(balance_min=Money(0, EUR), balance_below=Money(12_000, EUR), amounts={EUR: "1"}),
            Tier(balance_min=Money(12_000, EUR), rate="0.1", amounts={EUR: "2"}),
        ),
    )
    assert amounts(look(facts(), fee)) == ["14.00 EUR"]
    assert amounts(look(facts(invoice(amount=11_999)), fee)) == ["1.00 EUR"]


def test_a_floor_is_applied_before_the_cap_with_both_reasons() -> None:
    found = look(facts(), percent(fee_floor={EUR: "4"}, fee_cap={EUR: "4"}))
    assert amounts(found) == ["4.00 EUR"]
    assert [reason.code for reason in found.charges[0].reasons] == ["policy.late_fee", "policy.fee_floor"]


def test_an_item_cap_holds_over_all_charges_on_one_receivable() -> None:
    fee = flat(once_per="period", period_months=1, item_cap={EUR: "12"})
    found = look(facts(on=date(2026, 6, 10)), fee)
    assert amounts(found) == ["5.00 EUR", "5.00 EUR", "2.00 EUR"]
    assert codes(found) == ["policy.item_cap"]


def test_a_yearly_cap_holds_over_the_account() -> None:
    snapshot = facts(invoice("R-1"), invoice("R-2"))
    found = look(snapshot, flat(yearly_cap={EUR: "7"}))
    assert amounts(found) == ["5.00 EUR", "2.00 EUR"]


def test_a_yearly_cap_begins_anew_with_the_year() -> None:
    fee = flat(once_per="period", period_months=1, yearly_cap={EUR: "5"})
    old = invoice(due_on=date(2025, 11, 30))
    snapshot = facts(old, on=date(2025, 12, 31))
    snapshot = post(snapshot, look(snapshot, fee).charges)
    found = look(attrs.evolve(snapshot, as_of=date(2026, 1, 31)), fee)
    assert amounts(found) == ["5.00 EUR"]


def test_a_posted_charge_whose_key_cannot_be_read_counts_against_every_cap() -> None:
    odd = invoice("C-1", amount=400, component="fee", charge_key="something else", parent_id="R-1")
    found = look(facts(invoice(), odd), flat(item_cap={EUR: "5"}))
    assert amounts(found) == ["1.00 EUR"]


def test_a_small_balance_is_not_charged() -> None:
    found = look(facts(invoice(amount=999)), flat(minimum_balance={EUR: "10"}))
    assert (amounts(found), codes(found)) == ([], ["policy.materiality"])


def test_an_amount_in_another_currency_is_never_converted() -> None:
    found = look(facts(invoice(currency="USD")), flat())
    assert (amounts(found), codes(found)) == ([], ["policy.no_amount"])


def test_a_fee_that_rounds_to_nothing_is_skipped_with_a_reason() -> None:
    found = look(facts(invoice(amount=10)), percent("0.001"))
    assert (amounts(found), codes(found)) == ([], ["policy.zero"])


def test_rounding_is_the_one_that_is_named() -> None:
    snapshot = facts(invoice(amount=12_100))  # 1.5 % of 121.00 is 1.815
    assert amounts(look(snapshot, percent(rounding="half_even"))) == ["1.82 EUR"]
    assert amounts(look(snapshot, percent(rounding="down"))) == ["1.81 EUR"]


def test_a_fee_is_charged_on_a_fee_only_where_the_policy_says_so() -> None:
    fee = invoice("F-1", amount=1_000, component="fee", parent_id="R-0", charge_key="fee:A:R-0:old:1")
    assert amounts(look(facts(fee), flat())) == []
    assert amounts(look(facts(fee), flat(on_charges=True))) == ["5.00 EUR"]


# -- for whom --------------------------------------------------------------------------------------------------


def test_the_most_specific_variant_wins_under_one_key() -> None:
    general, chronic = flat("5"), flat("9", applies_to=AppliesTo(segments=("chronic",)))
    assert amounts(look(facts(), general, chronic)) == ["5.00 EUR"]
    found = look(facts(), general, chronic, segment="chronic")
    assert (amounts(found), found.charges[0].key) == (["9.00 EUR"], "fee:A:R-1:fee:1")


def test_a_tie_between_variants_is_refused_naming_both() -> None:
    with pytest.raises(InvalidPolicy) as error:
        ChargePolicy(
            late_fees=[
                flat(applies_to=AppliesTo(segments=("chronic",))),
                flat("9", applies_to=AppliesTo(currencies=(EUR,))),
            ]
        )
    assert error.value.code == "policy.tie"
    assert "late_fees[0]" in str(error.value)
    assert "late_fees[1]" in str(error.value)


def test_variants_that_never_meet_do_not_tie() -> None:
    rules = [flat(applies_to=AppliesTo(kinds=(kind,))) for kind in ("invoice", "rent")]
    assert len(ChargePolicy(late_fees=rules).late_fees) == 2


def test_one_id_for_two_kinds_of_rule_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="another kind"):
        ChargePolicy(late_fees=[flat()], returned_payments=[ReturnedPaymentPolicy(id="fee", amounts={EUR: "1"})])


# -- what stands in the way ------------------------------------------------------------------------------------


def test_a_disputed_receivable_is_not_charged_and_says_so() -> None:
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE, receivable_ids=("R-1",))
    found = look(facts(disputes=(dispute,)), flat())
    assert (amounts(found), codes(found), found.next_on) == ([], ["policy.disputed"], None)


def test_the_undisputed_part_can_be_charged() -> None:
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE, receivable_ids=("R-1",), amount=Money(10_000, EUR))
    found = look(facts(disputes=(dispute,)), percent("0.1", disputes="undisputed_part"))
    assert amounts(found) == ["2.00 EUR"]


def test_a_partial_dispute_over_several_receivables_falls_on_the_oldest() -> None:
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE, amount=Money(15_000, EUR))
    both = facts(invoice("R-1"), invoice("R-2", due_on=DUE + timedelta(days=1)), disputes=(dispute,))
    found = look(both, percent("0.1", disputes="undisputed_part"))
    assert [(charge.receivable_id, str(charge.amount)) for charge in found.charges] == [("R-2", "9.00 EUR")]


def test_a_hold_stops_the_charge_until_it_ends_by_itself() -> None:
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE, until_on=date(2026, 3, 1))
    found = look(facts(holds=(hold,)), flat())
    assert (codes(found), found.next_on) == (["policy.held"], date(2026, 3, 1))
    assert amounts(look(facts(on=date(2026, 3, 1), holds=(hold,)), flat())) == ["5.00 EUR"]


def test_a_hold_of_other_steps_lets_the_charge_pass() -> None:
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE, stops=("final-letter",))
    assert amounts(look(facts(holds=(hold,)), flat())) == ["5.00 EUR"]


def test_a_receivable_held_by_the_caller_is_not_charged() -> None:
    assert codes(look(facts(), flat(), held_receivables=frozenset({"R-1"}))) == ["policy.held"]


def plan(**terms: object) -> PlanAgreement:
    parts = [PlannedInstalment(number=n, due_on=date(2026, 2, 10 * n), amount=Money(6_000, EUR)) for n in (1, 2)]
    return PlanAgreement(
        plan_id="PL",
        account_id="A",
        covers=("R-1",),
        agreed_on=date(2026, 2, 5),
        instalments=parts,
        **terms,  # type: ignore[arg-type]
    )


def test_a_running_plan_silences_the_due_date_it_replaces() -> None:
    found = look(facts(on=date(2026, 2, 8), plans=(plan(),)), flat())
    assert codes(found) == ["policy.on_plan"]


def test_a_broken_plan_lets_the_original_due_date_speak_again() -> None:
    found = look(facts(on=date(2026, 2, 11), plans=(plan(),)), flat())
    assert amounts(found) == ["5.00 EUR"]


def test_a_missed_instalment_is_charged_once_for_each() -> None:
    fee = flat(once_per="instalment")
    late = facts(on=date(2026, 2, 22), plans=(plan(tolerance_days=60),))
    found = look(late, fee)
    assert [charge.key for charge in found.charges] == ["fee:A:R-1:fee:PL#1", "fee:A:R-1:fee:PL#2"]
    assert amounts(look(post(late, found.charges), fee)) == []


def test_an_instalment_paid_in_time_is_not_charged() -> None:
    on_time = facts(on=date(2026, 2, 12), plans=(plan(),), payments=(paid(6_000, date(2026, 2, 10)),))
    assert amounts(look(on_time, flat(once_per="instalment"))) == []


def notice(key: str = "notice:A:1", **terms: object) -> NoticeRecord:
    return NoticeRecord(
        key=key,
        notice="reminder",
        stage="reminder",
        step="1",
        channel="letter",
        cycle=0,
        requested_on=date(2026, 2, 10),
        sent_on=date(2026, 2, 10),
        **terms,  # type: ignore[arg-type]
    )


def test_a_fee_once_per_notice_is_charged_for_each_notice_sent_while_late() -> None:
    fee = flat(once_per="notice", notices=("reminder",))
    two = facts(notices=(notice(), notice("notice:A:2")))
    found = look(two, fee)
    assert len({charge.key for charge in found.charges}) == 2
    assert amounts(look(post(two, found.charges), fee)) == []


@pytest.mark.parametrize("terms", [{"bounced_on": date(2026, 2, 11)}, {"suppressed_on": date(2026, 2, 10)}])
def test_a_notice_that_did_not_arrive_costs_nothing(terms: dict[str, date]) -> None:
    assert amounts(look(facts(notices=(notice(**terms),)), flat(once_per="notice"))) == []


def test_a_notice_before_the_grace_ended_costs_nothing() -> None:
    assert amounts(look(facts(notices=(notice(),)), flat(once_per="notice", grace_days=15))) == []


def test_a_balance_of_another_day_is_refused() -> None:
    snapshot = facts()
    with pytest.raises(InvalidRecord, match="another account or day"):
        charges_due(policies=ChargePolicy(), snapshot=snapshot, balance=balance_of(attrs.evolve(snapshot, as_of=DUE)))


# -- what is said ----------------------------------------------------------------------------------------------


def test_a_charge_explains_base_rate_days_and_limit() -> None:
    found = look(facts(), percent("0.5", fee_cap={EUR: "40"}, grace_days=5, cite="contract 4.2"))
    assert explain(found.charges[0]).splitlines() == [
        "40.00 EUR fee (fee) on 2026-02-20",
        "  fee for receivable R-1: 50 % of 120.00 EUR is 60.00 EUR; 6 days past due on 2026-02-06 (due 2026-01-31), "
        "past 5 days of grace (contract 4.2)",
        "  limited to the cap of 40.00 EUR (contract 4.2)",
    ]


def test_terms_are_printed_for_the_debtor() -> None:
    policy = ChargePolicy(
        late_fees=[
            flat(
                once_per="period",
                period_months=1,
                times_max=3,
                grace_business_days=5,
                applies_to=AppliesTo(kinds=("rent",)),
            ),
            LateFeePolicy(
                id="tiers",
                kind="tiered",
                tiers=(Tier(days_min=1, days_max=30, amounts={EUR: "5"}), Tier(days_min=31, rate="0.1")),
                disputes="undisputed_part",
                minimum_balance={EUR: "10"},
                cite="contract 4.2",
            ),
            LateFeePolicy(
                id="notice", kind="flat", amounts={EUR: "2"}, once_per="notice", notices=("final",), on_charges=True
            ),
        ],
        interest=[InterestPolicy(id="interest", terms=RateTerms(rate=Rate.percent(9), rests_months=1), grace_days=3)],
        recovery_sums=[recovery()],
        returned_payments=[ReturnedPaymentPolicy(id="bounced", amounts={EUR: "8"})],
    )
    text = describe(policy)
    assert (
        "fee (rent): 5.00 EUR is charged once every month, at most 3 times, for each receivable that is more than 5 business days past due."
        in text
    )
    assert "tiers: from 1 to 30 days: 5.00 EUR; from 31 days: 10 % of what is open" in text
    assert (
        "Nothing is charged while less than 10.00 EUR is open. A disputed part is left out. Basis: contract 4.2."
        in text
    )
    assert "notice: 2.00 EUR is charged once for each notice final sent about a receivable" in text
    assert "interest: interest at 9 % a year on what is past due, for each day." in text
    assert "bounced: 8.00 EUR is charged for each payment that is returned." in text
    assert "reviewed through 2026-11-22" in text


def test_a_preview_shows_what_will_be_owed() -> None:
    preview = preview_balance(facts(on=DUE), date(2026, 2, 10), policies=ChargePolicy(late_fees=[flat()]))
    assert [str(one) for one in preview.amount_open] == ["125.00 EUR"]


def test_a_preview_of_an_earlier_day_is_refused() -> None:
    with pytest.raises(InvalidDate, match="before the snapshot"):
        preview_balance(facts(), DUE, policies=ChargePolicy())


# -- interest and recovery sums --------------------------------------------------------------------------------


def interest(**terms: object) -> InterestPolicy:
    rate = terms.pop("terms", RateTerms(rate=Rate.percent(9)))
    return InterestPolicy(id="interest", terms=rate, **terms)  # type: ignore[arg-type]


def recovery(pack: RulePack | None = None) -> RecoverySumPolicy:
    return RecoverySumPolicy(
        id="sum", pack=pack or jurisdictions.load("eu-late-payment"), rule_id="eu.lpd.compensation"
    )


def test_interest_is_posted_for_whole_months_and_not_before() -> None:
    assert amounts(look(facts(on=date(2026, 2, 28)), interest())) == []
    found = look(facts(on=date(2026, 3, 1)), interest())
    assert amounts(found) == ["0.83 EUR"]  # 120 x 9 % x 28 / 365 = 0.8285
    assert found.charges[0].key == "accrual:A:R-1:interest:2026-02-01..2026-03-01"
    assert found.next_on == date(2026, 4, 1)


def test_what_merely_accrues_sets_no_next_look() -> None:
    assert look(facts(), interest(post_every_months=None)).next_on is None


def test_interest_survives_the_payment_of_principal() -> None:
    settled = facts(on=date(2026, 3, 10), payments=(paid(12_000, date(2026, 2, 15)),))
    found = look(settled, interest(post_every_months=None))
    assert amounts(found) == ["0.41 EUR"]  # the 14 days from 1 to 14 February; 120 x 9 % x 14 / 365 = 0.4142


def test_interest_follows_a_part_payment_by_the_day() -> None:
    snapshot = facts(on=date(2026, 3, 1), payments=(paid(6_000, date(2026, 2, 15)),))
    assert amounts(look(snapshot, interest())) == ["0.62 EUR"]  # 14 days on 120 and 14 on 60: 0.6214


def test_interest_below_its_minimum_waits() -> None:
    waiting = look(facts(on=date(2026, 3, 1)), interest(minimum_amount={EUR: "1"}))
    assert amounts(waiting) == []
    assert amounts(look(facts(on=date(2026, 4, 1)), interest(minimum_amount={EUR: "1"}))) == ["1.75 EUR"]


def test_interest_within_the_grace_is_never_posted() -> None:
    soon = facts(on=date(2026, 3, 10), payments=(paid(12_000, date(2026, 2, 5)),))
    assert amounts(look(soon, interest(post_every_months=None, grace_days=5))) == []
    assert amounts(look(soon, interest(post_every_months=None, grace_days=3))) == ["0.12 EUR"]


def test_grace_that_shifts_bears_no_interest() -> None:
    found = look(facts(on=date(2026, 3, 11)), interest(grace_days=10, grace_shifts_due=True))
    assert found.charges[0].key.endswith("2026-02-11..2026-03-11")


def test_statutory_interest_is_not_for_consumers() -> None:
    terms = RateTerms(pack=jurisdictions.load("uk-late-payment"), rule_id="uk.lpcda.interest")
    found = look(facts(on=date(2026, 3, 1), kind="consumer"), interest(terms=terms))
    assert (amounts(found), codes(found)) == ([], ["policy.law_not_applicable"])


def test_interest_past_the_last_known_rate_is_stale_not_guessed() -> None:
    terms = RateTerms(pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.business")
    found = look(facts(on=date(2026, 8, 1)), interest(terms=terms))
    assert (amounts(found), codes(found)) == ([], ["policy.law_stale"])


def test_statutory_interest_names_law_rate_and_review_date() -> None:
    terms = RateTerms(pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.business")
    found = look(facts(on=date(2026, 3, 1)), interest(terms=terms))
    assert "10.27 % by BGB, § 288(2), from 1.27 % (de-late-payment" in explain(found.charges[0])
    assert "reviewed through 2026-11-22" in explain(found.charges[0])


def test_a_recovery_sum_is_charged_once_per_receivable() -> None:
    snapshot = facts(invoice("R-1"), invoice("R-2"), invoice("R-3"))
    found = look(snapshot, recovery())
    assert (amounts(found), {charge.component for charge in found.charges}) == (["40.00 EUR"] * 3, {Component.COST})
    assert amounts(look(post(snapshot, found.charges), recovery())) == []


def test_a_recovery_sum_is_never_converted() -> None:
    assert codes(look(facts(invoice(currency="GBP")), recovery())) == ["policy.law_unknown"]


def test_a_recovery_sum_past_the_review_date_is_stale() -> None:
    assert codes(look(facts(invoice(due_on=date(2026, 12, 1)), on=date(2026, 12, 24)), recovery())) == [
        "policy.law_stale"
    ]


# -- rule packs ------------------------------------------------------------------------------------------------


def test_a_law_limits_the_fee_and_is_cited_with_its_review_date() -> None:
    pack = jurisdictions.load("us-reg-z")
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "45"})
    found = look(facts(mortgage, kind="consumer"), fee, packs=(pack,))
    assert amounts(found) == ["20.00 USD"]
    assert found.charges[0].reasons[-1].code == "policy.law_cap"
    assert "us-reg-z/2026.1 (reviewed through 2026-11-22)" in str(found.charges[0].reasons[-1])
    assert found.packs == (pack.label,)


def test_a_law_puts_a_fee_off_to_its_first_day() -> None:
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "5"})
    early = look(facts(mortgage, on=date(2026, 2, 10), kind="consumer"), fee, packs=(jurisdictions.load("us-reg-z"),))
    assert (codes(early), early.next_on) == (["policy.law_grace"], date(2026, 2, 15))


def test_a_law_limits_all_fees_of_one_late_payment_together() -> None:
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "15"}, once_per="period", period_days=1, times_max=3)
    found = look(facts(mortgage, kind="consumer"), fee, packs=(jurisdictions.load("us-reg-z"),))
    assert amounts(found) == ["15.00 USD", "5.00 USD"]
    assert codes(found) == ["policy.law_cap"]


def test_a_law_past_its_review_date_blocks_the_fee() -> None:
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage", due_on=date(2026, 11, 1))
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "5"})
    found = look(facts(mortgage, on=date(2026, 12, 1), kind="consumer"), fee, packs=(jurisdictions.load("us-reg-z"),))
    assert (amounts(found), codes(found)) == ([], ["policy.law_stale"])


def test_a_law_in_another_currency_blocks_the_fee() -> None:
    home = invoice(kind="mortgage")
    packs = (jurisdictions.load("us-reg-z"), jurisdictions.load("us-ca"))
    assert codes(look(facts(home, kind="consumer"), flat(), packs=packs)) == ["policy.law_unknown"]


def test_a_card_fee_is_capped_at_the_minimum_payment() -> None:
    card = invoice(amount=1_500, currency="USD", kind="credit_card")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "45"}, never_above_open=False)
    found = look(facts(card, kind="consumer"), fee, packs=(jurisdictions.load("us-reg-z"),))
    assert amounts(found) == ["15.00 USD"]


def test_a_fee_that_fell_due_in_a_breathing_space_is_never_charged() -> None:
    space = Hold(hold_id="H", account_id="A", reason="breathing_space", placed_on=date(2026, 1, 20))
    pack = jurisdictions.load("uk-breathing-space")
    after = facts(on=date(2026, 6, 1), holds=(attrs.evolve(space, until_on=date(2026, 3, 21)),))
    assert codes(look(after, flat(), packs=(pack,))) == ["policy.moratorium"]
    assert amounts(look(after, flat())) == ["5.00 EUR"]  # without the pack the hold only put it off


def test_days_of_a_breathing_space_bear_no_interest() -> None:
    space = Hold(
        hold_id="H", account_id="A", reason="breathing_space", placed_on=date(2026, 2, 1), until_on=date(2026, 3, 1)
    )
    found = look(
        facts(on=date(2026, 4, 1), holds=(space,)), interest(), packs=(jurisdictions.load("uk-breathing-space"),)
    )
    assert amounts(found) == ["0.92 EUR"]  # March only: 120 x 9 % x 31 / 365


def test_an_overlay_without_its_base_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="must not be used without us-reg-z"):
        look(facts(), flat(), packs=(jurisdictions.load("us-ca"),))


# -- returned payments -----------------------------------------------------------------------------------------


def test_a_returned_payment_is_charged_once() -> None:
    rule = ReturnedPaymentPolicy(id="bounced", amounts={EUR: "8"})
    snapshot = facts(payments=(paid(12_000, DUE, returned_on=date(2026, 2, 3)),))
    found = look(snapshot, rule)
    assert amounts(found) == ["8.00 EUR"]
    assert amounts(look(post(snapshot, found.charges), rule)) == []


def test_a_returned_payment_costs_no_more_than_itself() -> None:
    rule = ReturnedPaymentPolicy(id="bounced", amounts={EUR: "8"})
    assert amounts(look(facts(payments=(paid(300, DUE, returned_on=date(2026, 2, 3)),)), rule)) == ["3.00 EUR"]


def test_one_event_bears_one_fee_where_the_rule_says_so() -> None:
    rule = ReturnedPaymentPolicy(id="bounced", amounts={EUR: "8"}, exclusive_with=("fee",))
    snapshot = facts(payments=(paid(12_000, DUE, returned_on=date(2026, 2, 3)),))
    found = look(snapshot, rule, flat())
    assert (amounts(found), codes(found)) == (["5.00 EUR"], ["policy.same_event"])


# -- waivers and reversals -------------------------------------------------------------------------------------

LIMITS = WaiverLimits(most={"collector": {EUR: "3"}, "manager": {EUR: "100"}})


def charged() -> AccountSnapshot:
    snapshot = facts()
    return post(snapshot, look(snapshot, flat()).charges)


def test_a_charge_is_waived_within_the_limit_of_the_authority() -> None:
    snapshot = charged()
    waiver = waive(
        balance=balance_of(snapshot),
        receivable_id="fee:A:R-1:fee:1",
        on=snapshot.as_of,
        reason="first time",
        authority="manager",
        limits=LIMITS,
    )
    assert isinstance(waiver, Waiver)
    assert balance_of(attrs.evolve(snapshot, waivers=(waiver,))).amount_open == {EUR: Money(12_000, EUR)}


def test_a_waiver_over_the_limit_is_declined_with_the_way_out() -> None:
    snapshot = charged()
    no = waive(
        balance=balance_of(snapshot),
        receivable_id="fee:A:R-1:fee:1",
        on=snapshot.as_of,
        reason="",
        authority="collector",
        limits=LIMITS,
    )
    assert isinstance(no, Declined)
    assert [reason.code for reason in no.reasons] == ["policy.waive_reason", "policy.waive_authority"]
    assert "ask manager" in str(no)


@pytest.mark.parametrize(
    ("name", "amount", "code"),
    [
        ("R-1", None, "policy.waive_principal"),
        ("fee:A:R-1:fee:1", Money(501, EUR), "policy.waive_too_much"),
        ("fee:A:R-1:fee:1", Money(0, EUR), "policy.waive_nothing"),
        ("fee:A:R-1:fee:1", Money(1, "USD"), "policy.waive_currency"),
    ],
)
def test_a_waiver_that_cannot_stand_is_declined(name: str, amount: Money | None, code: str) -> None:
    snapshot = charged()
    no = waive(
        balance=balance_of(snapshot),
        receivable_id=name,
        on=snapshot.as_of,
        reason="why",
        authority="manager",
        limits=LIMITS,
        amount=amount,
    )
    assert isinstance(no, Declined)
    assert no.reasons[0].code == code


def test_a_charge_is_taken_back_when_the_payment_turns_out_to_have_been_in_time() -> None:
    policies = ChargePolicy(late_fees=[flat()])
    late_news = attrs.evolve(
        charged(), payments=(paid(12_000, date(2026, 2, 25), effective_on=DUE),), as_of=date(2026, 2, 25)
    )
    (reversal,) = reversals_due(policies=policies, snapshot=late_news)
    assert (reversal.receivable_id, reversal.amount) == ("fee:A:R-1:fee:1", Money(500, EUR))
    waived = attrs.evolve(late_news, waivers=(reversal.as_waiver(on=late_news.as_of, authority="system"),))
    assert reversals_due(policies=policies, snapshot=waived) == ()


def test_a_charge_is_not_taken_back_for_a_payment_that_came_after_it() -> None:
    later = attrs.evolve(charged(), payments=(paid(12_000, date(2026, 2, 25)),), as_of=date(2026, 2, 25))
    assert reversals_due(policies=ChargePolicy(late_fees=[flat()]), snapshot=later) == ()


def test_only_the_excess_of_a_share_is_taken_back() -> None:
    policies = ChargePolicy(late_fees=[percent("0.1")])
    snapshot = facts()
    snapshot = post(snapshot, look(snapshot, percent("0.1")).charges)
    half = attrs.evolve(snapshot, payments=(paid(6_000, date(2026, 2, 25), effective_on=DUE),), as_of=date(2026, 2, 25))
    assert [str(one.amount) for one in reversals_due(policies=policies, snapshot=half)] == ["6.00 EUR"]


def test_interest_posted_past_the_true_day_of_payment_is_taken_back() -> None:
    policies = ChargePolicy(interest=[interest()])
    snapshot = facts(on=date(2026, 3, 1))
    snapshot = post(snapshot, look(snapshot, interest()).charges)
    news = attrs.evolve(
        snapshot, payments=(paid(12_000, date(2026, 3, 5), effective_on=date(2026, 2, 15)),), as_of=date(2026, 3, 5)
    )
    assert [str(one.amount) for one in reversals_due(policies=policies, snapshot=news)] == [
        "0.42 EUR"
    ]  # 0.83 less 0.41


def test_a_charge_of_unknown_origin_is_left_alone() -> None:
    odd = invoice("C-1", amount=400, component="fee", charge_key="x", parent_id="R-1")
    assert reversals_due(policies=ChargePolicy(late_fees=[flat()]), snapshot=facts(invoice(), odd)) == ()


# -- incentives ------------------------------------------------------------------------------------------------

TERMS = PromptPaymentDiscount(id="2/10 net 30", rate="0.02", discount_days=10, net_days=30)
ISSUED = DUE - timedelta(days=30)


def rewards(snapshot: AccountSnapshot, *incentives: object, **terms: object) -> RewardsDue:
    policy = IncentivePolicy(incentives=incentives, **terms)  # type: ignore[arg-type]
    return rewards_due(policy=policy, snapshot=snapshot, balance=balance_of(snapshot))


@pytest.mark.parametrize(("day", "amount"), [(10, ["2.40 EUR"]), (11, [])])
def test_the_last_discount_day_counts_to_its_end(day: int, amount: list[str]) -> None:
    snapshot = facts(payments=(paid(11_760, ISSUED + timedelta(days=day)),))
    assert [str(one.amount) for one in rewards(snapshot, TERMS).rewards] == amount


def test_a_discount_is_earned_only_by_paying_everything_else() -> None:
    assert rewards(facts(payments=(paid(11_759, ISSUED),)), TERMS).rewards == ()


def test_a_discount_posted_as_a_credit_note_is_not_given_again() -> None:
    snapshot = facts(payments=(paid(11_760, ISSUED),))
    (reward,) = rewards(snapshot, TERMS).rewards
    note = CreditNote(
        credit_note_id=reward.key, account_id="A", amount=reward.amount, issued_on=ISSUED, receivable_ids=("R-1",)
    )
    settled = attrs.evolve(snapshot, credit_notes=(note,))
    assert rewards(settled, TERMS).rewards == ()
    assert balance_of(settled).amount_open == {}


def test_a_discount_says_what_it_costs_and_what_it_is_worth() -> None:
    (reward,) = rewards(facts(payments=(paid(11_760, ISSUED + timedelta(days=10)),)), TERMS).rewards
    assert reward.cost == Money(240, EUR)
    assert reward.annualised_yield == Fraction(2, 98) * Fraction(365, 20)


def test_a_sliding_scale_gives_less_for_later_days() -> None:
    terms = attrs.evolve(TERMS, steps=(DiscountStep(days=20, rate="0.01"),))
    snapshot = facts(payments=(paid(11_880, ISSUED + timedelta(days=15)),))
    assert [str(one.amount) for one in rewards(snapshot, terms).rewards] == ["1.20 EUR"]


def test_a_discount_and_a_late_fee_never_meet() -> None:
    same_day = PromptPaymentDiscount(id="d", rate="0.02", discount_days=30, net_days=30)
    snapshot = facts(on=date(2026, 2, 1), payments=(paid(11_760, DUE),))
    assert [str(one.amount) for one in rewards(snapshot, same_day).rewards] == ["2.40 EUR"]
    late = facts(on=date(2026, 2, 1), payments=(paid(11_760, date(2026, 2, 1)),))
    assert rewards(late, same_day).rewards == ()
    assert len(look(late, flat()).charges) == 1


def test_each_advance_payment_rebates_a_part_of_the_charge_up_to_its_limit() -> None:
    fee = invoice("F-1", amount=1_000, due_on=date(2026, 1, 5), component="fee", parent_id="R-1")
    early = [paid(1_000, date(2026, 1, day), name=f"P-{day}", receivable_ids=("R-1",)) for day in (10, 12, 14)]
    rebate = AdvanceRebate(id="early", rate="0.4", days_early=5, rate_max="0.9")
    found = rewards(facts(invoice(), fee, payments=early), rebate).rewards
    assert [str(one.amount) for one in found] == ["4.00 EUR", "4.00 EUR", "1.00 EUR"]
    assert len({one.key for one in found}) == 3


def test_a_run_of_punctual_payments_earns_a_bonus_and_a_late_one_breaks_it() -> None:
    days = [date(2026, month, 28) for month in (1, 2, 3, 4)]
    items = [invoice(f"R-{number}", due_on=day) for number, day in enumerate(days)]
    bonus = PunctualityBonus(id="bonus", streak=2, amounts={EUR: "10"})
    on_time = [
        paid(12_000, day, name=f"P-{day}", receivable_ids=(one.receivable_id,))
        for day, one in zip(days, items, strict=True)
    ]
    found = rewards(facts(*items, on=date(2026, 5, 1), payments=on_time), bonus).rewards
    assert [one.receivable_id for one in found] == ["R-1", "R-3"]
    late = [attrs.evolve(on_time[0], effective_on=days[0] + timedelta(days=1)), *on_time[1:]]
    found = rewards(facts(*items, on=date(2026, 5, 1), payments=late), bonus).rewards
    assert [one.receivable_id for one in found] == ["R-2"]


def test_a_bonus_can_be_an_entitlement_that_the_host_honours_once() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, grant=Grant(what="10 % off the next order", valid_days=30))
    snapshot = facts(payments=(paid(12_000, DUE),))
    (granted,) = rewards(snapshot, bonus).entitlements
    assert (granted.what, granted.valid_until_on) == ("10 % off the next order", date(2026, 3, 2))
    assert rewards(attrs.evolve(snapshot, issued_keys=frozenset({granted.key})), bonus).entitlements == ()


@pytest.mark.parametrize(
    ("stacking", "amount"), [("all", ["2.40 EUR", "10.00 EUR"]), ("first", ["2.40 EUR"]), ("best", ["10.00 EUR"])]
)
def test_stacking_is_explicit(stacking: str, amount: list[str]) -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={EUR: "10"})
    snapshot = facts(payments=(paid(12_000, ISSUED),))
    assert [str(one.amount) for one in rewards(snapshot, TERMS, bonus, stacking=stacking).rewards] == amount


def test_rewards_on_one_receivable_stay_within_the_limit() -> None:
    bonus = PunctualityBonus(id="bonus", streak=1, amounts={EUR: "10"})
    found = rewards(facts(payments=(paid(12_000, ISSUED),)), TERMS, bonus, rate_max="0.05").rewards
    assert [str(one.amount) for one in found] == ["2.40 EUR", "3.60 EUR"]


def test_incentives_are_printed_in_their_order() -> None:
    policy = IncentivePolicy(
        incentives=[
            TERMS,
            AdvanceRebate(id="early", rate="0.1"),
            PunctualityBonus(id="bonus", streak=3, amounts={EUR: "5"}),
        ]
    )
    assert policy.describe().splitlines() == [
        "2/10 net 30: 2 % less if paid within 10 days of the invoice, in full within 30 days (worth about 37 % a year).",
        "early: 10 % of a charge is given back for each payment made at least 1 day early, at most 100 % of it.",
        "bonus: 5.00 EUR for every 3 receivables in a row paid on time.",
    ]


def test_a_settlement_discount_expires_at_the_end_of_its_day() -> None:
    offer = SettlementDiscount(id="now", rate="0.25", valid_until_on=DUE)
    assert offer.to_pay(Money(10_000, EUR), on=DUE) == Money(7_500, EUR)
    assert offer.to_pay(Money(10_000, EUR), on=DUE + timedelta(days=1)) is None
    assert offer.cost(Money(10_000, EUR)) == Money(2_500, EUR)
    assert offer.annualised_yield(days_sooner=365) == Fraction(1, 3)


# -- bad input: all problems in one error, with paths ----------------------------------------------------------


def problems_of(build: object) -> dict[str, str]:
    with pytest.raises(InvalidPolicy) as error:
        build()  # type: ignore[operator]
    return {problem.path: problem.code for problem in error.value.problems}


def test_overlapping_tiers_are_refused_naming_both() -> None:
    tiers = (Tier(days_min=1, days_max=30, amounts={EUR: "1"}), Tier(days_min=30, amounts={EUR: "2"}))
    with pytest.raises(InvalidPolicy) as error:
        LateFeePolicy(id="fee", kind="tiered", tiers=tiers)
    (problem,) = error.value.problems
    assert (problem.code, problem.path, problem.value) == ("policy.overlap", "tiers[1]", "30..")
    assert "1..30" in problem.text


def test_two_tiers_with_one_start_overlap() -> None:
    tiers = (Tier(days_min=1, amounts={EUR: "1"}), Tier(days_min=1, amounts={EUR: "2"}))
    assert "policy.overlap" in problems_of(lambda: LateFeePolicy(id="fee", kind="tiered", tiers=tiers)).values()


def test_a_gap_between_tiers_is_refused_unless_it_is_meant() -> None:
    tiers = (Tier(days_min=1, days_max=30, amounts={EUR: "1"}), Tier(days_min=32, amounts={EUR: "2"}))
    with pytest.raises(InvalidPolicy, match=r"31\.\.31"):
        LateFeePolicy(id="fee", kind="tiered", tiers=tiers)
    assert LateFeePolicy(id="fee", kind="tiered", tiers=tiers, tier_gaps="none").tiers == tiers


def test_an_end_that_is_left_closed_is_a_gap() -> None:
    tiers = (Tier(balance_min=Money(0, EUR), balance_below=Money(100, EUR), amounts={EUR: "1"}),)
    assert problems_of(lambda: LateFeePolicy(id="fee", kind="tiered", tiers=tiers)) == {"tiers": "policy.gap"}


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"fee_cap": {EUR: "1"}, "fee_floor": {EUR: "2"}}, "fee_cap.EUR"),
        ({"fee_cap": {"USD": "1"}}, "fee_cap.USD"),
        ({"amounts": (Money(-1, EUR),)}, "amounts.EUR"),
        ({"amounts": ()}, "amounts"),
        ({"rate": "0.1"}, "rate"),
        ({"id": ""}, "id"),
        ({"id": "two\nlines"}, "id"),
        ({"kind": "fixed"}, "kind"),
        ({"once_per": "month"}, "once_per"),
        ({"once_per": "period"}, "period_days"),
        ({"period_days": 3}, "once_per"),
        ({"once_per": "period", "period_days": 0}, "period_days"),
        ({"notices": ("a",)}, "notices"),
        ({"base": "all"}, "base"),
        ({"rounding": "bankers"}, "rounding"),
        ({"disputes": "charge"}, "disputes"),
        ({"tier_gaps": "some"}, "tier_gaps"),
        ({"component": "principal"}, "component"),
        ({"grace_days": -1}, "grace_days"),
        ({"grace_days": True}, "grace_days"),
        ({"grace_days": 3, "grace_business_days": 3}, "grace_business_days"),
        ({"tiers": (Tier(days_min=1, amounts={EUR: "1"}),)}, "tiers"),
    ],
)
def test_a_fee_that_cannot_stand_is_refused_at_its_path(terms: dict[str, object], path: str) -> None:
    good: dict[str, object] = {"id": "fee", "kind": "flat", "amounts": {EUR: "5"}}
    assert path in problems_of(lambda: LateFeePolicy(**{**good, **terms}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tier", "path"),
    [
        (Tier(amounts={EUR: "1"}), "tiers[0]"),
        (Tier(days_min=1, balance_min=Money(0, EUR), amounts={EUR: "1"}), "tiers[0]"),
        (Tier(days_min=1), "tiers[0]"),
        (Tier(days_min=5, days_max=3, amounts={EUR: "1"}), "tiers[0].days_max"),
        (Tier(days_min=0, amounts={EUR: "1"}), "tiers[0].days_min"),
        (Tier(days_min=1, rate="1.5"), "tiers[0].rate"),
        (Tier(days_min=1, rate="-0.1"), "tiers[0].rate"),
        (Tier(balance_min=Money(5, EUR), balance_below=Money(5, EUR), amounts={EUR: "1"}), "tiers[0]"),
        (Tier(balance_min=Money(0, EUR), balance_below=Money(5, "USD"), amounts={EUR: "1"}), "tiers[0].balance_below"),
    ],
)
def test_a_tier_that_cannot_stand_is_refused_at_its_path(tier: Tier, path: str) -> None:
    assert path in problems_of(lambda: LateFeePolicy(id="fee", kind="tiered", tiers=(tier,)))


def test_tiers_by_days_and_by_balance_do_not_mix() -> None:
    tiers = (Tier(days_min=1, amounts={EUR: "1"}), Tier(balance_min=Money(0, EUR), amounts={EUR: "1"}))
    assert "tiers" in problems_of(lambda: LateFeePolicy(id="fee", kind="tiered", tiers=tiers))


def test_all_problems_of_a_fee_come_in_one_error() -> None:
    found = problems_of(
        lambda: LateFeePolicy(id="", kind="percent", grace_days=-1, fee_cap={EUR: "1"}, fee_floor={EUR: "2"})
    )
    assert set(found) == {"id", "rate", "grace_days", "fee_cap.EUR"}


def test_a_policy_keeps_its_own_copy_of_a_list() -> None:
    tiers = [Tier(days_min=1, amounts={EUR: "1"})]
    fee = LateFeePolicy(id="fee", kind="tiered", tiers=tiers)  # type: ignore[arg-type]
    tiers.clear()
    assert len(fee.tiers) == 1


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({}, "rate"),
        (
            {"rate": Rate.percent(9), "rule_id": "uk.lpcda.interest", "pack": jurisdictions.load("uk-late-payment")},
            "rate",
        ),
        ({"rule_id": "uk.lpcda.interest"}, "pack"),
        ({"rule_id": "uk.lpcda.compensation", "pack": jurisdictions.load("uk-late-payment")}, "rule_id"),
        ({"rate": Rate.percent(9), "rate_floor": Rate.percent(3), "rate_cap": Rate.percent(2)}, "rate_cap"),
        ({"rate": Rate.percent(9), "selection": "best"}, "selection"),
        ({"rate": Rate.percent(9), "day_count": "act/366"}, "day_count"),
        ({"rate": Rate.percent(9), "rests_months": 0}, "rests_months"),
    ],
)
def test_a_rate_that_cannot_stand_is_refused_at_its_path(terms: dict[str, object], path: str) -> None:
    assert path in problems_of(lambda: RateTerms(**terms))  # type: ignore[arg-type]


def test_the_day_is_not_rounded_first_where_interest_compounds() -> None:
    terms = RateTerms(rate=Rate.percent(9), rests_months=1)
    assert "rounding_order" in problems_of(lambda: interest(terms=terms, rounding_order="daily_first"))


def test_a_recovery_sum_needs_a_lump_sum_of_the_pack() -> None:
    pack = jurisdictions.load("eu-late-payment")
    assert "rule_id" in problems_of(lambda: RecoverySumPolicy(id="sum", pack=pack, rule_id="eu.lpd.interest"))


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"rate": "0"}, "rate"),
        ({"discount_days": 31}, "net_days"),
        ({"steps": (DiscountStep(days=5, rate="0.01"),)}, "steps"),
        ({"steps": (DiscountStep(days=20, rate="0.03"),)}, "steps"),
    ],
)
def test_a_discount_that_cannot_stand_is_refused_at_its_path(terms: dict[str, object], path: str) -> None:
    good: dict[str, object] = {"id": "d", "rate": "0.02", "discount_days": 10, "net_days": 30}
    assert path in problems_of(lambda: PromptPaymentDiscount(**{**good, **terms}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "build",
    [
        lambda: AdvanceRebate(id="r", rate="0"),
        lambda: AdvanceRebate(id="r", rate="0.5", rate_max="0.4"),
        lambda: PunctualityBonus(id="b", streak=0, amounts={EUR: "1"}),
        lambda: PunctualityBonus(id="b", streak=1),
        lambda: SettlementDiscount(id="s", rate="1", valid_until_on=DUE),
        lambda: IncentivePolicy(incentives=[TERMS, TERMS]),
        lambda: IncentivePolicy(incentives=["2/10"]),  # type: ignore[list-item]
        lambda: IncentivePolicy(stacking="some"),  # type: ignore[arg-type]
        lambda: IncentivePolicy(rate_max="2"),
        lambda: ReturnedPaymentPolicy(id="r", amounts=()),
    ],
)
def test_an_incentive_that_cannot_stand_is_refused(build: object) -> None:
    assert problems_of(build)


# -- from a table ----------------------------------------------------------------------------------------------


def read(text: str, *packs: RulePack) -> tuple[ChargePolicy, list[str]]:
    problems = Problems("policy")
    reader = TableReader(tomllib.loads(text), path="", problems=problems)
    bundle = read_charges(reader.tables("charges"), packs)
    return bundle, [str(problem) for problem in problems.found]


def test_every_kind_of_charge_is_read_from_a_table() -> None:
    bundle, problems = read(
        """
        [[charges]]
        id = "late-fee"
        kind = "greater_of"
        rate = "0.015"
        amounts = { EUR = "5.00" }
        grace_business_days = 5
        fee_cap = { EUR = "40.00" }
        once_per = "period"
        period_months = 1
        applies_to = { segments = ["chronic"] }
        cite = "contract 4.2"
        [[charges]]
        id = "tiers"
        kind = "tiered"
        tiers = [{ days_min = 1, days_max = 30, amounts = { EUR = "5" } }, { days_min = 31, rate = "0.1" }]
        [[charges]]
        id = "balance"
        kind = "tiered"
        tiers = [{ balance_min = { EUR = "0" }, amounts = { EUR = "1" } }]
        [[charges]]
        id = "contract"
        kind = "interest"
        rate = "0.09"
        rate_cap = "0.12"
        day_count = "30E/360"
        rests_months = 1
        cite = "contract 5"
        [[charges]]
        id = "statutory"
        kind = "interest"
        rule = "uk.lpcda.interest"
        selection = "floating"
        post_every_months = "settlement"
        [[charges]]
        id = "sum"
        kind = "recovery_sum"
        rule = "uk.lpcda.compensation"
        [[charges]]
        id = "bounced"
        kind = "returned_payment"
        amounts = { EUR = "8" }
        cite = "contract 6"
        """,
        jurisdictions.load("uk-late-payment"),
    )
    assert problems == []
    assert bundle.ids == ("late-fee", "tiers", "balance", "contract", "statutory", "sum", "bounced")
    assert bundle.interest[0].terms.rate == Rate.percent(9)
    assert bundle.interest[1].post_every_months is None
    assert bundle.late_fees[0].applies_to.segments == ("chronic",)


def test_every_mistake_of_a_table_is_noted_with_its_path() -> None:
    _, problems = read(
        """
        [[charges]]
        id = "late-fee"
        kind = "percent"
        rate = "1.5 %"
        grace = 3
        [[charges]]
        id = "interest"
        kind = "interest"
        rule = "uk.lpcda.interests"
        post_every_months = "yearly"
        [[charges]]
        id = "sum"
        kind = "recovery_sum"
        [[charges]]
        id = "tiers"
        kind = "tiered"
        tiers = [{ balance_min = { EUR = "0", USD = "0" }, amounts = { EUR = "1" } }]
        [[charges]]
        id = "bounced"
        kind = "returned"
        """,
        jurisdictions.load("uk-late-payment"),
    )
    text = "\n".join(problems)
    for path in (
        "charges[0].rate:",
        "charges[0].grace: unknown key",
        "charges[1].rule: no such rule stands in the packs of the strategy",
        "charges[1].post_every_months:",
        "charges[2].rule: a recovery sum needs the rule of a pack",
        "charges[3].tiers[0].balance_min: one currency is needed here",
        "charges[4].kind: not one of the choices",
    ):
        assert path in text


def test_a_tie_between_tables_is_noted() -> None:
    table = '[[charges]]\nid = "fee"\nkind = "flat"\namounts = { EUR = "1" }\n'
    bundle, problems = read(table + table)
    assert (bundle.ids, len(problems)) == ((), 1)
    assert problems[0].startswith("charges[1]: ties with charges[0]")


def test_no_table_is_no_charge() -> None:
    assert read("")[0] == ChargePolicy()


def test_a_rule_of_another_pack_has_no_rate() -> None:
    with pytest.raises(InvalidPolicy):
        statutory_rate(jurisdictions.load("uk-late-payment"), "de.bgb288.business", DUE)


# -- what a decision shows of the law --------------------------------------------------------------------------


def test_a_pack_whose_review_ends_soon_is_warned_of() -> None:
    pack = jurisdictions.load("uk-late-payment")
    assert look(facts(on=date(2026, 10, 1)), flat(), packs=(pack,)).warnings == ()
    (warning,) = look(facts(on=date(2026, 11, 1)), flat(), packs=(pack,)).warnings
    assert warning.startswith("uk-late-payment/2026.1 (reviewed through 2026-11-22)")


def test_a_rule_that_a_person_loosened_is_reported_in_every_look() -> None:
    base = jurisdictions.load("us-reg-z")
    strict = base.rule("us.regz.high_cost_mortgage_late_fee")
    limit = strict.parameters.points[0]
    loose = attrs.evolve(
        strict,
        id="house.late_fee",
        replaces=strict.id,
        override_by="J. Doe, counsel",
        parameters=attrs.evolve(
            strict.parameters, points=(attrs.evolve(limit, value=attrs.evolve(limit.value, rate=Fraction(1, 10))),)
        ),
    )
    user = attrs.evolve(base, id="house", rules=(loose,))
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "45"})
    found = look(facts(mortgage, kind="consumer"), fee, packs=(base, user))
    assert amounts(found) == ["45.00 USD"]
    assert found.warnings == (
        "house: house.late_fee replaces us.regz.high_cost_mortgage_late_fee; J. Doe, counsel answers for it",
    )


def test_a_rate_cap_by_law_limits_a_contract_and_says_which() -> None:
    source = Citation(authority="Usury Act", locator="3", address="example.org", read_on=DUE)
    cap = Rule(
        id="cap",
        topic="late_interest",
        text="8 % at most",
        parameters=Dated(
            points=[DatedValue(value=RateCap(rate="0.08"), citation=source)], reviewed_through=date(2026, 12, 31)
        ),
    )
    pack = RulePack(
        id="xx", version="1", jurisdiction="XX", title="xx", reviewed_through=date(2026, 12, 31), rules=[cap]
    )
    found = look(facts(on=date(2026, 3, 1)), interest(terms=RateTerms(rate=Rate.percent(12))), packs=(pack,))
    assert amounts(found) == ["0.74 EUR"]  # 120 x 8 % x 28 / 365 = 0.7364
    assert "limited to 8 % by Usury Act, 3 (xx/1 (reviewed through 2026-12-31))" in explain(found.charges[0])


def test_a_host_brings_its_own_rates_and_the_version_shows_it() -> None:
    source = Citation(
        authority="Bank of England", locator="official rate", address="our feed", read_on=date(2026, 7, 1)
    )
    table = RateTable(
        steps=[RateStep(from_on=date(2026, 7, 1), rate=Rate.percent("3.5"))], known_through_on=date(2026, 12, 31)
    )
    series = ReferenceSeries.from_table(series_id="BOE_LPCDIA", title="ours", table=table, citation=source)
    pack = jurisdictions.load("uk-late-payment").with_series(series)
    assert statutory_rate(pack, "uk.lpcda.interest", date(2026, 7, 1)) == Rate.percent("11.5")
    assert pack.version == "2026.1+BOE_LPCDIA:2026-12-31"
    with pytest.raises(InvalidPolicy):
        jurisdictions.load("us-reg-z").with_series(series)


# -- odd corners -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "terms",
    [
        {"amounts": 5},
        {"amounts": "5 EUR"},
        {"tiers": ["first"]},
        {"applies_to": None},
        {"rate": 0.015},
        {"amounts": [Money(1, EUR), Money(2, EUR)]},
    ],
)
def test_only_declared_errors_escape_from_a_fee_that_is_no_fee(terms: dict[str, object]) -> None:
    with pytest.raises(CollectkitError):
        LateFeePolicy(**{"id": "fee", "kind": "flat", "amounts": {EUR: "5"}, **terms})  # type: ignore[arg-type]


def test_a_notice_about_another_receivable_costs_this_one_nothing() -> None:
    about = notice(receivable_ids=("R-9",))
    assert amounts(look(facts(notices=(about,)), flat(once_per="notice"))) == []
    assert amounts(look(facts(notices=(notice(),)), flat(once_per="notice", notices=("final",)))) == []


def test_a_notice_fee_skips_a_receivable_whose_holidays_are_unknown() -> None:
    calendar = BusinessCalendar(known_from_on=date(2025, 1, 1), known_until_on=date(2026, 1, 1))
    found = look(facts(notices=(notice(),)), flat(once_per="notice", grace_business_days=1), calendar=calendar)
    assert codes(found) == ["policy.calendar_missing"]


def test_a_later_receivable_with_unknown_holidays_is_looked_at_when_it_is_issued() -> None:
    calendar = BusinessCalendar(known_from_on=date(2025, 1, 1), known_until_on=date(2026, 3, 1))
    later = invoice("R-2", due_on=date(2026, 6, 30))
    assert look(facts(later), flat(grace_business_days=1), calendar=calendar).next_on == later.issued_on


def test_a_charge_missed_over_the_turn_of_the_year_fits_both_years() -> None:
    fee = flat(yearly_cap={EUR: "5"})
    one, two = invoice("R-1", due_on=date(2025, 12, 30)), invoice("R-2", due_on=date(2026, 1, 5))
    snapshot = facts(one, two, on=date(2026, 1, 10))
    found = look(snapshot, fee)
    assert [charge.receivable_id for charge in found.charges] == ["R-1"]
    assert codes(found) == ["policy.yearly_cap"]


def test_a_tiered_fee_skips_a_currency_that_its_tier_lacks() -> None:
    fee = LateFeePolicy(id="fee", kind="tiered", tiers=(Tier(days_min=1, rate="0.1", amounts={EUR: "1"}),))
    assert codes(look(facts(invoice(currency="USD")), fee)) == ["policy.no_amount"]


def test_where_no_tier_stands_there_is_no_fee() -> None:
    fee = LateFeePolicy(
        id="fee",
        kind="tiered",
        tiers=(Tier(balance_min=Money(50_000, EUR), amounts={EUR: "1"}),),
        tier_gaps="none",
    )
    assert codes(look(facts(), fee)) == ["policy.zero"]


def test_a_periodic_fee_by_days_takes_the_tier_of_the_day() -> None:
    tiers = (Tier(days_min=1, days_max=20, amounts={EUR: "1"}), Tier(days_min=21, amounts={EUR: "2"}))
    fee = LateFeePolicy(id="fee", kind="tiered", tiers=tiers, once_per="period", period_days=15)
    assert amounts(look(facts(on=date(2026, 3, 10)), fee)) == ["1.00 EUR", "1.00 EUR", "2.00 EUR"]


def test_interest_compounds_at_its_rests() -> None:
    terms = RateTerms(rate=Rate.percent("20.25"), day_count="act/act-icma", rests_months=1)
    found = look(facts(invoice(amount=10_000_000), on=date(2026, 5, 1)), interest(terms=terms, rounding="half_up"))
    assert amounts(found) == ["5148.41 EUR"]  # 100,000 x ((1 + 0.2025 / 12) ** 3 - 1), as in case in-02


def test_a_day_rounded_first_has_its_own_length_in_a_leap_year() -> None:
    terms = RateTerms(rate=Rate.percent(9), day_count="act/act-isda")
    old = invoice(due_on=date(2023, 12, 30))
    found = look(facts(old, on=date(2024, 2, 29)), interest(terms=terms, rounding_order="daily_first"))
    assert amounts(found) == ["1.80 EUR"]  # 2.96 cents a day of 365 and 2.95 of 366: 3 on each of 60 days


def test_a_posting_whose_key_cannot_be_read_moves_the_watermark_to_its_own_day() -> None:
    odd = Receivable(
        receivable_id="I-1",
        account_id="A",
        amount_original=Money(50, EUR),
        issued_on=date(2026, 2, 20),
        due_on=date(2026, 2, 20),
        component="interest",
        parent_id="R-1",
        charge_key="unreadable",
    )
    found = look(facts(invoice(), odd, on=date(2026, 3, 1)), interest())
    assert [charge.key[-22:] for charge in found.charges] == ["2026-02-20..2026-03-01"]
    assert amounts(found) == ["0.33 EUR"]  # 0.83 to that day less the 0.50 that stands


def test_interest_of_a_disputed_receivable_waits_and_is_then_caught_up() -> None:
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=date(2026, 2, 10), resolved_on=date(2026, 3, 5))
    waiting = look(facts(on=date(2026, 3, 1), disputes=(dispute,)), interest())
    assert (codes(waiting), waiting.next_on) == (["policy.disputed"], date(2026, 3, 5))
    assert amounts(look(facts(on=date(2026, 3, 5), disputes=(dispute,)), interest())) == ["0.83 EUR"]


def test_a_recovery_sum_waits_for_its_grace_a_hold_and_the_right_debtor() -> None:
    late = attrs.evolve(recovery(), grace_days=30)
    assert look(facts(), late).next_on == date(2026, 3, 3)
    assert codes(look(facts(), recovery(), held_receivables=frozenset({"R-1"}))) == ["policy.held"]
    assert codes(look(facts(kind="consumer"), recovery())) == ["policy.law_not_applicable"]
    assert look(facts(invoice(due_on=date(2026, 6, 30))), recovery()).next_on == date(2026, 7, 1)
    assert codes(look(facts(invoice(due_on=date(2012, 1, 1)), on=date(2012, 2, 1)), recovery())) == [
        "policy.law_not_in_force"
    ]


def test_a_receivable_issued_later_is_announced_for_its_interest() -> None:
    assert look(facts(invoice(due_on=date(2026, 6, 30))), interest()).next_on == date(2026, 8, 1)
    assert look(facts(invoice(due_on=date(2026, 6, 30))), interest(post_every_months=None)).next_on is None


def bounced(**terms: object) -> ReturnedPaymentPolicy:
    return ReturnedPaymentPolicy(id="bounced", amounts={EUR: "8"}, **terms)  # type: ignore[arg-type]


def test_a_returned_payment_for_nothing_that_is_open_costs_nothing() -> None:
    back = paid(100, DUE, returned_on=date(2026, 2, 3))
    cash = paid(12_000, DUE, name="P-2", receivable_ids=("R-1",))
    assert amounts(look(facts(payments=(back, cash)), bounced())) == []


def test_a_returned_payment_is_charged_on_what_it_names() -> None:
    back = paid(12_000, DUE, returned_on=date(2026, 2, 3), receivable_ids=("R-2",))
    found = look(facts(invoice("R-1"), invoice("R-2"), payments=(back,)), bounced())
    assert [charge.receivable_id for charge in found.charges] == ["R-2"]


def test_a_returned_payment_is_held_back_and_limited_like_any_fee() -> None:
    back = paid(12_000, DUE, returned_on=date(2026, 2, 3))
    assert codes(look(facts(payments=(back,)), bounced(), held_receivables=frozenset({"R-1"}))) == ["policy.held"]
    dollars = attrs.evolve(back, amount=Money(100, "USD"))
    assert codes(look(facts(invoice(currency="USD"), payments=(dollars,)), bounced())) == ["policy.no_amount"]
    loan = invoice(amount=10_000, kind="high_cost_mortgage")
    found = look(facts(loan, kind="consumer", payments=(back,)), bounced(), packs=(jurisdictions.load("us-reg-z"),))
    assert amounts(found) == ["4.00 EUR"]
    stale = attrs.evolve(back, returned_on=date(2026, 12, 3))
    found = look(
        facts(loan, kind="consumer", on=date(2026, 12, 4), payments=(stale,)),
        bounced(),
        packs=(jurisdictions.load("us-reg-z"),),
    )
    assert codes(found) == ["policy.law_stale"]


def test_a_card_fee_in_another_currency_is_unknown() -> None:
    card = invoice(kind="credit_card")
    assert codes(look(facts(card, kind="consumer"), flat(), packs=(jurisdictions.load("us-reg-z"),))) == [
        "policy.law_unknown"
    ]


def test_a_repeated_card_fee_may_be_higher() -> None:
    def card(name: str, due_on: date) -> Receivable:
        return invoice(name, amount=10_000, due_on=due_on, currency="USD", kind="credit_card")

    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "45"})
    first = facts(card("R-1", DUE), kind="consumer")
    packs = (jurisdictions.load("us-reg-z"),)
    posted = post(first, look(first, fee, packs=packs).charges)
    again = attrs.evolve(
        posted, as_of=date(2026, 4, 10), receivables=(*posted.receivables, card("R-2", date(2026, 3, 31)))
    )
    assert amounts(look(again, fee, packs=packs)) == ["41.00 USD"]
    assert [str(one.amount_original) for one in posted.receivables if one.is_charge] == ["30.00 USD"]


def test_a_law_that_needs_an_unknown_fact_blocks_fee_and_interest() -> None:
    source = Citation(authority="Act", locator="1", address="example.org", read_on=DUE)

    def rule(name: str, value: object) -> Rule:
        return Rule(
            id=name,
            topic="t",
            text="for agencies",
            applies_to=Applicability(parties=("agency",)),
            parameters=Dated(points=[DatedValue(value=value, citation=source)], reviewed_through=date(2026, 12, 31)),
        )

    rules = [
        rule("fee", FeeLimit(rate="0.1")),
        rule("cap", RateCap(rate="0.1")),
        rule("stop", Moratorium(freezes=("fees",), days=60)),
    ]
    pack = RulePack(
        id="xx", version="1", jurisdiction="XX", title="xx", reviewed_through=date(2026, 12, 31), rules=rules
    )
    assert codes(look(facts(), flat(), packs=(pack,))) == ["policy.law_unknown"]
    assert codes(look(facts(on=date(2026, 3, 1)), interest(), packs=(pack,))) == ["policy.law_unknown"]
    space = Hold(hold_id="H", account_id="A", reason="breathing_space", placed_on=DUE, until_on=date(2026, 2, 10))
    assert codes(look(facts(holds=(space,)), flat(), packs=(pack,))) == ["policy.moratorium"]


def test_a_breathing_space_of_other_receivables_freezes_nothing_here() -> None:
    space = Hold(
        hold_id="H",
        account_id="A",
        reason="breathing_space",
        placed_on=DUE,
        until_on=date(2026, 2, 10),
        receivable_ids=("R-9",),
    )
    assert amounts(look(facts(holds=(space,)), flat(), packs=(jurisdictions.load("uk-breathing-space"),))) == [
        "5.00 EUR"
    ]


def test_the_last_cent_of_a_law_goes_to_one_fee_and_the_next_is_refused() -> None:
    loan = invoice(amount=10_000, currency="USD", kind="high_cost_mortgage")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "4"})
    snapshot = facts(loan, kind="consumer")
    packs = (jurisdictions.load("us-reg-z"),)
    posted = post(snapshot, look(snapshot, fee, packs=packs).charges)
    other = LateFeePolicy(id="other", kind="flat", amounts={"USD": "4"})
    assert codes(look(posted, other, packs=packs)) == ["policy.law_cap"]


def test_a_preview_too_far_for_its_daily_fees_is_refused() -> None:
    daily = ChargePolicy(late_fees=[flat("0.01", once_per="period", period_days=1, disputes="ignore")])
    with pytest.raises(InvalidDate, match="nearer day"):
        preview_balance(facts(invoice(amount=10**9)), date(2026, 5, 1), policies=daily, looks_max=20)


def test_a_fee_near_the_end_of_the_calendar_falls_due_once() -> None:
    last = facts(invoice(due_on=date(9999, 12, 30)), on=date.max)
    assert amounts(look(last, flat(once_per="period", period_days=1))) == []
    assert amounts(look(last, flat())) == ["5.00 EUR"]
    assert amounts(look(last, interest())) == []


def test_a_preview_shows_interest_that_is_earned_and_not_posted() -> None:
    policies = ChargePolicy(interest=[interest()])
    preview = preview_balance(facts(on=DUE), date(2026, 3, 15), policies=policies)
    assert [str(one) for one in preview.amount_open] == ["120.83 EUR"]
    assert [str(one) for one in preview.accrued] == ["0.44 EUR"]  # 43 days are 1.2723, of which 0.83 is posted


def test_a_preview_says_where_interest_cannot_be_told() -> None:
    terms = RateTerms(pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.business")
    preview = preview_balance(facts(), date(2026, 8, 1), policies=ChargePolicy(interest=[interest(terms=terms)]))
    assert (preview.accrued, [reason.code for reason in preview.unknown]) == ((), ["policy.law_stale"])


def test_a_preview_within_the_grace_shows_no_interest() -> None:
    policies = ChargePolicy(interest=[interest(grace_days=30)])
    assert preview_balance(facts(on=DUE), date(2026, 2, 20), policies=policies).accrued == ()


@pytest.mark.parametrize(
    ("terms", "rate", "said"),
    [
        ({"rate_floor": Rate.percent(10)}, Rate.percent(10), "raised to the floor of 10 %"),
        ({"rate_cap": Rate.percent(8)}, Rate.percent(8), "limited to the cap of 8 %"),
        ({"rate_floor": Rate.percent(1), "rate_cap": Rate.percent(20)}, Rate.percent(9), "contract rate 9 %"),
    ],
)
def test_a_contract_rate_keeps_within_its_own_bounds(terms: dict[str, Rate], rate: Rate, said: str) -> None:
    steps = [BalanceStep(from_on=DUE, balance=Money(12_000, EUR))]
    found = accrue_on(
        RateTerms(rate=Rate.percent(9), **terms),
        steps,
        due_on=DUE,
        start_on=DUE,
        end_on=date(2026, 3, 1),  # type: ignore[arg-type]
    )
    assert isinstance(found, AccruedInterest)
    assert (found.pieces[0].rate, found.pieces[0].because.endswith(said)) == (rate, True)


def test_interest_of_no_days_is_nothing() -> None:
    steps = [BalanceStep(from_on=DUE, balance=Money(12_000, EUR))]
    found = accrue_on(RateTerms(rate=Rate.percent(9)), steps, due_on=DUE, start_on=DUE, end_on=DUE)
    assert isinstance(found, AccruedInterest)
    assert (found.amount, found.pieces) == (Money(0, EUR), ())
    with pytest.raises(InvalidDate):
        accrue_on(RateTerms(rate=Rate.percent(9)), steps, due_on=DUE, start_on=DUE, end_on=DUE - timedelta(days=1))


def test_a_contract_above_the_legal_floor_keeps_its_rate() -> None:
    terms = RateTerms(
        rate=Rate.percent(15), pack=jurisdictions.load("fr-late-payment"), floor_rule_id="fr.l441_10.floor"
    )
    start = date(2024, 7, 1)
    steps = [BalanceStep(from_on=start, balance=Money(12_000, EUR))]
    found = accrue_on(terms, steps, due_on=start, start_on=start, end_on=date(2024, 8, 1))
    assert isinstance(found, AccruedInterest)
    assert found.pieces[0].because == "contract rate 15 %"


def test_a_rule_that_was_not_in_force_gives_no_rate() -> None:
    before = statutory_rate(jurisdictions.load("uk-late-payment"), "uk.lpcda.interest", date(2001, 1, 1))
    assert before == NotInForce(as_of=date(2001, 1, 1), reason="before_start")


def test_interest_posted_and_waived_already_is_not_taken_back_twice() -> None:
    policies = ChargePolicy(interest=[interest()])
    snapshot = facts(on=date(2026, 4, 1))
    for on in (date(2026, 3, 1), date(2026, 4, 1)):
        snapshot = attrs.evolve(snapshot, as_of=on)
        snapshot = post(snapshot, look(snapshot, interest()).charges)
    news = attrs.evolve(snapshot, payments=(paid(12_000, date(2026, 4, 1), effective_on=DUE),))
    found = reversals_due(policies=policies, snapshot=news)
    assert [str(one.amount) for one in found] == ["0.92 EUR", "0.83 EUR"]
    waivers = tuple(one.as_waiver(on=news.as_of, authority="system") for one in found)
    assert reversals_due(policies=policies, snapshot=attrs.evolve(news, waivers=waivers)) == ()


def test_what_charging_on_a_day_would_lack_is_told_at_once() -> None:
    uk, ca = jurisdictions.load("uk-late-payment"), jurisdictions.load("us-ca")
    policies = ChargePolicy(
        interest=[
            interest(),
            InterestPolicy(id="law", terms=RateTerms(pack=uk, rule_id="uk.lpcda.interest")),
        ],
        recovery_sums=[RecoverySumPolicy(id="sum", pack=uk, rule_id="uk.lpcda.compensation")],
    )
    found = readiness_on(policies, date(2026, 12, 1), packs=[uk, ca])
    assert [(one.code, one.path) for one in found] == [
        ("policy.no_rate", "interest[1].terms"),
        ("policy.no_sum", "recovery_sums[0].rule_id"),
        ("policy.pack_stale", "packs[0]"),
        ("policy.pack_stale", "packs[1]"),
        ("rules.base_missing", "us-ca"),
    ]
    early = readiness_on(policies, date(2002, 1, 1), packs=[uk])
    assert [one.code for one in early] == ["policy.no_rate", "policy.no_sum"]
    assert "not in force" in early[0].text


# -- the edges -------------------------------------------------------------------------------------------------


def test_a_receivable_that_is_an_instalment_is_charged_once_per_instalment() -> None:
    fee = flat(once_per="instalment")
    assert amounts(look(facts(invoice(kind="instalment")), fee)) == ["5.00 EUR"]
    assert amounts(look(facts(invoice(kind="invoice")), fee)) == []


def test_a_dispute_that_the_policy_ignores_changes_nothing() -> None:
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE, receivable_ids=("R-1",), amount=Money(10_000, EUR))
    assert amounts(look(facts(disputes=(dispute,)), percent("0.1", disputes="ignore"))) == ["12.00 EUR"]


def test_a_law_lets_a_fee_be_charged_on_its_first_day() -> None:
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage")
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "5"})
    found = look(facts(mortgage, on=date(2026, 2, 15), kind="consumer"), fee, packs=(jurisdictions.load("us-reg-z"),))
    assert amounts(found) == ["5.00 USD"]


def test_a_fee_that_the_law_put_off_is_measured_on_its_lawful_day() -> None:
    mortgage = invoice(amount=50_000, currency="USD", kind="high_cost_mortgage")
    part = Payment(payment_id="P", account_id="A", amount=Money(40_000, "USD"), received_on=date(2026, 2, 10))
    fee = LateFeePolicy(id="fee", kind="percent", rate="0.03")
    snapshot = facts(mortgage, on=date(2026, 2, 20), kind="consumer", payments=(part,))
    assert amounts(look(snapshot, fee)) == ["15.00 USD"]
    assert amounts(look(snapshot, fee, packs=(jurisdictions.load("us-reg-z"),))) == ["3.00 USD"]


@pytest.mark.parametrize(("day", "amount"), [(20, "1.00 EUR"), (21, "2.00 EUR")])
def test_the_last_day_of_a_tier_still_belongs_to_it(day: int, amount: str) -> None:
    tiers = (Tier(days_min=1, days_max=20, amounts={EUR: "1"}), Tier(days_min=21, amounts={EUR: "2"}))
    fee = LateFeePolicy(id="fee", kind="tiered", tiers=tiers, once_per="period", period_days=100, grace_days=day - 1)
    assert amounts(look(facts(on=date(2026, 3, 10)), fee)) == [amount]


def test_a_shifted_due_date_counts_its_first_late_day_as_one() -> None:
    found = look(facts(on=date(2026, 2, 6)), flat(grace_days=5, grace_shifts_due=True))
    assert "1 day past due (due 2026-02-05)" in explain(found.charges[0])


def test_a_notice_fee_has_a_key_of_bounded_length() -> None:
    long = notice("notice:A:" + "x" * 200)
    (charge,) = look(facts(notices=(long,)), flat(once_per="notice")).charges
    assert len(charge.key) < 60


# -- what the law changes, and what it must not change elsewhere -----------------------------------------------


def pack_of(*points: DatedValue[object], name: str = "house", through: date = date(2030, 12, 31)) -> RulePack:
    parameters = Dated(points=points, reviewed_through=through)
    rule = Rule(id=f"{name}.rule", topic="t", text="says", parameters=parameters)  # type: ignore[arg-type]
    return RulePack(id=name, version="1", jurisdiction="XX", title="t", reviewed_through=through, rules=[rule])


def holds(value: object, from_on: date | None = None) -> DatedValue[object]:
    source = Citation(authority="Act", locator="1", address="example.org", read_on=date(2026, 1, 1))
    return DatedValue(value=value, citation=source, from_on=from_on)


def posted_over(snapshot: AccountSnapshot, days: list[date], *rules: object, **options: object) -> int:
    total = 0
    for day in days:
        found = look(attrs.evolve(snapshot, as_of=day), *rules, **options)
        total += sum(charge.amount.minor for charge in found.charges)
        snapshot = post(attrs.evolve(snapshot, as_of=day), found.charges)
    return total


def test_every_limit_that_lowers_a_fee_is_cited_with_the_strictest_first() -> None:
    rates = {"wide": "0.5", "middle": "0.03", "strict": "0.02"}
    packs = tuple(pack_of(holds(FeeLimit(rate=rate)), name=name) for name, rate in rates.items())
    (charge,) = look(facts(), flat(), packs=packs).charges
    limits = [str(reason) for reason in charge.reasons if reason.code == "policy.law_cap"]
    assert charge.amount == Money(240, "EUR")
    assert ["strict/1" in limits[0], "middle/1" in limits[1], len(limits)] == [True, True, 2]


def test_a_late_fee_that_the_law_puts_off_makes_no_room_for_a_charge_that_it_excludes() -> None:
    returned = ReturnedPaymentPolicy(id="returned", amounts={EUR: "25.00"}, exclusive_with=["fee"])
    back = paid(12_000, date(2026, 1, 30), returned_on=date(2026, 2, 2), receivable_ids=("R-1",))
    later = pack_of(holds(FeeLimit(rate="0.5", grace_days=30)))
    early = facts(on=date(2026, 2, 4), payments=[back])
    found = look(early, flat(), returned, packs=[later])
    assert (amounts(found), codes(found)) == ([], ["policy.law_grace", "policy.same_event"])
    assert amounts(look(attrs.evolve(early, as_of=date(2026, 3, 3)), flat(), returned, packs=[later])) == ["5.00 EUR"]


def test_a_late_fee_is_excluded_though_its_id_is_escaped_in_the_key() -> None:
    fee = LateFeePolicy(id="fee:late", kind="flat", amounts={EUR: "5.00"})
    returned = ReturnedPaymentPolicy(id="returned", amounts={EUR: "25.00"}, exclusive_with=["fee:late"])
    back = paid(12_000, date(2026, 1, 30), returned_on=date(2026, 2, 2), receivable_ids=("R-1",))
    before = facts(on=date(2026, 2, 4), payments=[back])
    after_it = post(before, look(before, fee).charges)
    assert codes(look(after_it, returned)) == ["policy.same_event"]


def test_a_fee_put_off_by_the_law_still_names_the_cap_of_the_contract() -> None:
    later = pack_of(holds(FeeLimit(rate="0.5", grace_days=10)))
    (charge,) = look(facts(), percent("0.1", fee_cap={EUR: "7.00"}), packs=[later]).charges
    assert str(charge.amount) == "7.00 EUR"
    assert [reason.code for reason in charge.reasons] == ["policy.late_fee", "policy.fee_cap"]


def test_a_fee_put_off_by_the_law_says_that_what_is_open_then_limits_it() -> None:
    later = pack_of(holds(FeeLimit(rate="1", grace_days=10)))
    nearly = paid(11_700, date(2026, 2, 5), receivable_ids=("R-1",))
    (charge,) = look(facts(payments=[nearly]), flat(), packs=[later]).charges
    assert str(charge.amount) == "3.00 EUR"
    assert [reason.code for reason in charge.reasons] == ["policy.late_fee", "policy.above_open"]


CAP_ENDS = [holds(RateCap(rate="0.06")), holds(None, date(2026, 3, 1))]
CAP_BEGINS = [holds(RateCap(rate="0.06"), date(2026, 3, 1))]


@pytest.mark.parametrize(
    ("points", "expected"),
    # 1000.00 at 12 % and 6 % over 365: February 28 days, March and April 61, capped in the one or in the other
    [(CAP_ENDS, 2466), (CAP_BEGINS, 1923)],
)
def test_a_cap_binds_the_days_on_which_it_held_whenever_one_looks(points: list[object], expected: int) -> None:
    pack = pack_of(*points)  # type: ignore[arg-type]
    interest = InterestPolicy(id="interest", terms=RateTerms(rate=Rate.percent("12")))
    snapshot = facts(invoice(amount=100_000))
    once = [date(2026, 5, 1)]
    monthly = [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)]
    assert [posted_over(snapshot, days, interest, packs=[pack]) for days in (once, monthly)] == [expected, expected]


def test_interest_past_the_review_of_its_pack_is_stale_though_the_rate_is_fixed() -> None:
    uk = jurisdictions.load("uk-late-payment")
    terms = RateTerms(pack=uk, rule_id="uk.lpcda.interest")
    steps = [BalanceStep(from_on=date(2026, 3, 1), balance=Money(100_000, "GBP"))]
    known, unknown = (
        accrue_on(terms, steps, due_on=date(2026, 2, 28), start_on=date(2026, 3, 1), end_on=end_on)
        for end_on in (date(2026, 11, 23), date(2026, 11, 24))
    )
    assert isinstance(known, AccruedInterest)
    assert unknown == Stale(as_of=date(2026, 11, 23), known_through_on=date(2026, 11, 22))


def test_inside_a_moratorium_no_recovery_sum_or_charge_for_a_return_falls_due_ever() -> None:
    freeze = pack_of(holds(Moratorium(freezes=("fees",), days=60)))
    hold = Hold(
        hold_id="H",
        account_id="A",
        reason="breathing_space",
        placed_on=date(2026, 1, 31),
        until_on=date(2026, 2, 15),
    )
    back = paid(12_000, date(2026, 1, 30), returned_on=date(2026, 2, 3), receivable_ids=("R-1",))
    lump = RecoverySumPolicy(id="sum", pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.lump_sum")
    returned = ReturnedPaymentPolicy(id="returned", amounts={EUR: "25.00"})
    snapshot = facts(holds=[hold], payments=[back])
    assert sorted(amounts(look(snapshot, lump, returned))) == ["25.00 EUR", "40.00 EUR"]
    found = look(snapshot, lump, returned, packs=[freeze])
    assert (amounts(found), codes(found)) == ([], ["policy.moratorium", "policy.moratorium"])


def test_only_a_fee_can_leave_a_disputed_part_out() -> None:
    de = jurisdictions.load("de-late-payment")
    for make in (
        lambda: InterestPolicy(id="i", terms=RateTerms(rate=Rate.percent("5")), disputes="undisputed_part"),
        lambda: RecoverySumPolicy(id="s", pack=de, rule_id="de.bgb288.lump_sum", disputes="undisputed_part"),
        lambda: ReturnedPaymentPolicy(id="r", amounts={EUR: "1"}, disputes="undisputed_part"),
    ):
        with pytest.raises(InvalidPolicy) as caught:
            make()
        assert [problem.path for problem in caught.value.problems] == ["disputes"]


def test_interest_taken_back_as_wrong_is_earned_anew_and_a_favour_is_not() -> None:
    interest = InterestPolicy(id="interest", terms=RateTerms(rate=Rate.percent("12")))
    bundle = ChargePolicy(interest=[interest])
    snapshot = facts(invoice(amount=1_000_000), on=date(2026, 3, 1))
    snapshot = post(snapshot, look(snapshot, interest).charges)  # 28 days of February: 92.05
    half = paid(500_000, date(2026, 3, 10), effective_on=date(2026, 1, 31), receivable_ids=("R-1",))
    known = attrs.evolve(snapshot, as_of=date(2026, 3, 12), payments=[half])
    (wrong,) = reversals_due(policies=bundle, snapshot=known)
    assert str(wrong.amount) == "46.02 EUR"  # 92.05 less 46.03 on what was owed indeed
    april = attrs.evolve(
        known, as_of=date(2026, 4, 1), waivers=[wrong.as_waiver(on=date(2026, 3, 12), authority="lead")]
    )
    assert amounts(look(april, interest)) == ["50.96 EUR"]  # 59 days on 5,000 at 12 % are 96.99
    (charge,) = (one for one in snapshot.receivables if one.is_charge)
    favour = waive(
        balance=balance_of(snapshot),
        receivable_id=charge.receivable_id,
        on=date(2026, 3, 2),
        reason="kindness",
        authority="lead",
        limits=WaiverLimits(most={"lead": {EUR: "100.00"}}),
    )
    assert isinstance(favour, Waiver)
    kind = attrs.evolve(snapshot, as_of=date(2026, 4, 1), waivers=[favour])
    assert amounts(look(kind, interest)) == ["101.92 EUR"]  # 31 days of March on 10,000: 193.97 - 92.05


def test_terms_name_the_floor_and_the_cap_of_a_rate_and_to_whom_a_sum_applies() -> None:
    fr = jurisdictions.load("fr-late-payment")
    terms = RateTerms(rate=Rate.percent("12"), rate_cap=Rate.percent("15"), pack=fr, floor_rule_id="fr.l441_10.floor")
    lump = RecoverySumPolicy(id="sum", pack=fr, rule_id="fr.lump_sum", applies_to=AppliesTo(kinds=("invoice",)))
    said = describe(ChargePolicy(interest=[InterestPolicy(id="i", terms=terms)], recovery_sums=[lump]))
    assert f"i: interest at 12 % a year, at most 15 %, never less than the legal floor ({fr.label})" in said
    assert "sum (invoice): a fixed sum" in said


def test_a_fee_put_off_by_the_law_keeps_its_floor_and_is_never_a_charge_of_nothing() -> None:
    later = pack_of(holds(FeeLimit(rate="1", grace_days=10)))
    nearly = paid(11_990, date(2026, 2, 5), receivable_ids=("R-1",))
    kept = percent("0.015", fee_floor={EUR: "5.00"}, never_above_open=False)
    assert amounts(look(facts(payments=[paid(11_000, date(2026, 2, 5))]), kept, packs=[later])) == ["5.00 EUR"]
    found = look(facts(payments=[nearly]), percent("0.015"), packs=[later])
    assert (amounts(found), codes(found)) == ([], ["policy.zero"])


def test_only_an_earlier_late_fee_makes_a_late_card_payment_a_repeated_one() -> None:
    usd = {"currency": "USD", "kind": "credit_card"}
    cards = [invoice("C-1", 10_000, date(2026, 3, 1), **usd), invoice("C-2", 10_000, date(2026, 4, 1), **usd)]
    fee = LateFeePolicy(id="fee", kind="flat", amounts={"USD": "45.00"})
    packs = [jurisdictions.load("us-reg-z")]

    def second(component: str, rule: str) -> list[str]:
        before = Receivable(
            receivable_id="X",
            account_id="A",
            amount_original=Money(100, "USD"),
            issued_on=date(2026, 3, 10),
            due_on=date(2026, 3, 10),
            component=component,
            parent_id="C-1",
            charge_key=rule,
        )
        found = look(facts(*cards, before, on=date(2026, 4, 10), kind="consumer"), fee, packs=packs)
        return [str(one.amount) for one in found.charges if one.receivable_id == "C-2"]

    assert second("interest", "accrual:A:C-1:interest:2026-03-02..2026-03-10") == ["30.00 USD"]
    assert second("fee", "fee:A:C-1:returned:payment-0123456789abcdef") == ["30.00 USD"]
    assert second("fee", "fee:A:C-1:fee:1") == ["41.00 USD"]
