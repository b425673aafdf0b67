"""What is charged, taken back, charged again, and kept under a cap: by the policy alone, and in a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import attrs
import pytest

from collectkit import history, jurisdictions
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.decisions import Decision, Reversal
from collectkit.core.events import AccountOpened, ChargePosted, ChargeWaived, PaymentReceived, PaymentReturned
from collectkit.core.events import ReceivableIssued as Issued
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    CreditNote,
    Debtor,
    Dispute,
    Hold,
    HoldReason,
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
    PenaltyTiers,
    Rule,
    RulePack,
)
from collectkit.core.waterfall import Order, balance_of
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
from collectkit.strategy import Strategy, decide, parse, to_batch

EUR = "EUR"
DUE = date(2026, 1, 31)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Citation(authority="a law", locator="1", address="example.org", read_on=DUE)


def invoice(name: str = "R-1", amount: int = 12_000, due_on: date = DUE, **terms: object) -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=Money(amount, EUR),
        issued_on=due_on - timedelta(days=30),
        due_on=due_on,
        **terms,  # type: ignore[arg-type]
    )


def facts(*receivables: Receivable, on: date = date(2026, 2, 20), **more: object) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=receivables or (invoice(),),
        **more,  # type: ignore[arg-type]
    )


def paid(amount: int, on: date, name: str = "P-1", **terms: object) -> Payment:
    return Payment(payment_id=name, account_id="A", amount=Money(amount, EUR), received_on=on, **terms)  # type: ignore[arg-type]


def flat(amount: str = "5.00", **terms: object) -> LateFeePolicy:
    return LateFeePolicy(id="fee", kind="flat", amounts={EUR: amount}, **terms)  # type: ignore[arg-type]


def percent(rate: str = "0.1", **terms: object) -> LateFeePolicy:
    return LateFeePolicy(id="fee", kind="percent", rate=rate, **terms)  # type: ignore[arg-type]


def fees(*rules: LateFeePolicy) -> ChargePolicy:
    return ChargePolicy(late_fees=rules)


def pack(*values: object, name: str = "house") -> RulePack:
    through = date(2030, 12, 31)
    rules = [
        Rule(
            id=f"{name}.{number}",
            topic="test",
            text="a test",
            parameters=Dated(points=[DatedValue(value=value, citation=SOURCE)], reviewed_through=through),
        )
        for number, value in enumerate(values)
    ]
    return RulePack(id=name, version="1", jurisdiction="XX", title=name, reviewed_through=through, rules=rules)


def look(policies: ChargePolicy, snapshot: AccountSnapshot, *packs: RulePack, segment: str = "") -> ChargesDue:
    return charges_due(policies=policies, snapshot=snapshot, balance=balance_of(snapshot), packs=packs, segment=segment)


def charged(policies: ChargePolicy, snapshot: AccountSnapshot, *packs: RulePack) -> AccountSnapshot:
    return post(snapshot, look(policies, snapshot, *packs).charges)


def at(snapshot: AccountSnapshot, on: date, **more: object) -> AccountSnapshot:
    return attrs.evolve(snapshot, as_of=on, **more)


def amounts(found: ChargesDue) -> list[str]:
    return [str(one.amount) for one in found.charges]


def back(snapshot: AccountSnapshot, found: tuple[Reversal, ...]) -> AccountSnapshot:
    """Record what is to be taken back."""
    made = [one.as_waiver(on=snapshot.as_of, authority="policy") for one in found]
    return attrs.evolve(snapshot, waivers=(*snapshot.waivers, *made))


# -- caps of the creditor under limits of the law --------------------------------------------------------------

LAW = pack(FeeLimit(amounts=(Money(500, EUR),)))
TWO = (invoice(), invoice("R-2"))


@pytest.mark.parametrize("cap", ["yearly_cap", "item_cap"])
def test_what_a_law_takes_off_a_fee_leaves_no_room_under_its_cap(cap: str) -> None:
    daily = {"once_per": "period", "period_days": 5} if cap == "item_cap" else {}
    rules = fees(flat("20.00", **{cap: {EUR: "20.00"}}, **daily))
    first = look(rules, facts(*TWO), LAW)
    again = look(rules, post(facts(*TWO), first.charges), LAW)
    assert set(amounts(first)) == {"5.00 EUR"}
    assert amounts(again) == []
    assert len(first.charges) == (1 if cap == "yearly_cap" else 2)


def test_a_second_fee_says_that_the_first_counts_as_before_the_law() -> None:
    rules = fees(flat("20.00", yearly_cap={EUR: "30.00"}))
    by_law = "; ".join(str(one) for one in look(rules, facts(*TWO), LAW).charges[1].reasons)
    assert "10.00 EUR left of 30.00 EUR for one year, a fee that the law lowered counting as it was before" in by_law
    later = look(
        rules,
        at(
            charged(rules, facts(), LAW),
            date(2026, 3, 1),
            receivables=(*charged(rules, facts(), LAW).receivables, invoice("R-2")),
        ),
        LAW,
    )
    (second,) = later.charges
    assert "10.00 EUR left of 30.00 EUR for one year, a fee that the law lowered" in explain(second)
    assert "limited to the 5.00 EUR left of 5.00 EUR: a test" in explain(second)


def test_without_a_law_a_fee_counts_as_it_was_posted() -> None:
    cheap = charged(fees(flat("5.00")), facts(*TWO[:1]))  # under terms that were lower then
    dear = fees(flat("20.00", yearly_cap={EUR: "20.00"}))
    both = at(cheap, date(2026, 3, 1), receivables=(*cheap.receivables, TWO[1]))
    assert amounts(look(dear, both)) == ["15.00 EUR"]


def test_a_fee_for_an_instalment_or_a_notice_keeps_its_place_under_the_cap() -> None:
    terms = PlanAgreement(
        plan_id="P",
        account_id="A",
        covers=("R-1",),
        agreed_on=date(2026, 1, 1),
        instalments=[
            PlannedInstalment(number=n, due_on=date(2026, 1, 10 * n), amount=Money(6_000, EUR)) for n in (1, 2)
        ],
        tolerance_days=60,
    )
    rules = fees(flat("20.00", once_per="instalment", yearly_cap={EUR: "20.00"}))
    plan = facts(plans=[terms])
    assert amounts(look(rules, plan, LAW)) == ["5.00 EUR"]
    assert amounts(look(rules, charged(rules, plan, LAW), LAW)) == []
    sent = [
        NoticeRecord(
            key=f"N{n}",
            notice="friendly",
            stage="s",
            step="t",
            channel="email",
            cycle=0,
            requested_on=date(2026, 2, n),
            sent_on=date(2026, 2, n),
            sent_at=datetime(2026, 2, n, 9, tzinfo=UTC),
        )
        for n in (10, 11)
    ]
    told = facts(*TWO, notices=sent)
    rules = fees(flat("20.00", once_per="notice", yearly_cap={EUR: "20.00"}))
    assert amounts(look(rules, told, LAW)) == ["5.00 EUR"]
    assert amounts(look(rules, charged(rules, told, LAW), LAW)) == []


@pytest.mark.parametrize(
    "key",
    [
        "fee:A:R-9:fee:1",  # of a receivable long gone
        "fee:A:R-3:fee:7",  # of a period that the terms do not have
        "fee:A:R-3:fee:PL#4",
    ],
)
def test_a_charge_that_today_s_terms_do_not_explain_counts_as_it_was_posted(key: str) -> None:
    rules = fees(flat("20.00", yearly_cap={EUR: "20.00"}, once_per="instalment"))
    (posted,) = charged(fees(flat("5.00")), facts()).receivables[1:]
    odd = attrs.evolve(posted, receivable_id="X", charge_key=key, parent_id=key.split(":")[2])
    owed = (*(invoice(f"R-{n}", kind="instalment") for n in (1, 2)), invoice("R-3"), odd)
    used = sum(one.amount.minor for one in look(rules, facts(*owed, on=date(2026, 3, 1)), LAW).charges)
    assert used == 500  # 15.00 of the cap is left for R-1, of which the law leaves 5.00, and R-2 gets nothing


def test_a_fee_whose_day_or_currency_cannot_be_told_counts_as_it_was_posted() -> None:
    rules = fees(flat("20.00", grace_business_days=3, yearly_cap={EUR: "20.00"}))
    posted = charged(rules, facts(), LAW)
    on = date(2026, 3, 1)
    unknown = BusinessCalendar(holidays=(), known_from_on=date(2026, 2, 10), known_until_on=date(2027, 1, 1))
    both = at(posted, on, receivables=(*posted.receivables, invoice("R-2", due_on=date(2026, 2, 12))))
    found = charges_due(policies=rules, snapshot=both, balance=balance_of(both), packs=[LAW], calendar=unknown)
    assert [str(one.amount) for one in found.charges] == ["5.00 EUR"]  # of the 15.00 that are left
    dollars = attrs.evolve(posted.receivables[1], amount_original=Money(500, "USD"))
    odd = at(posted, on, receivables=(*TWO, dollars))
    assert amounts(look(rules, odd, LAW)) == ["5.00 EUR"]


def test_a_charge_for_a_plan_or_a_notice_that_is_not_known_counts_as_it_was_posted() -> None:
    part = PlannedInstalment(number=1, due_on=date(2026, 2, 15), amount=Money(6_000, EUR))
    plan = PlanAgreement(
        plan_id="Q", account_id="A", covers=("R-1",), agreed_on=DUE, instalments=[part], tolerance_days=60
    )
    (posted,) = charged(fees(flat("5.00")), facts()).receivables[1:]
    gone = attrs.evolve(posted, parent_id="R-3", charge_key="fee:A:R-3:fee:PL#4")
    rules = fees(flat("20.00", once_per="instalment", yearly_cap={EUR: "8.00"}))
    owed = (*TWO, invoice("R-3"))
    found = look(rules, facts(*owed, gone, plans=[plan]), LAW)
    assert amounts(found) == ["3.00 EUR"]
    told = NoticeRecord(
        key="N",
        notice="friendly",
        stage="s",
        step="t",
        channel="email",
        cycle=0,
        requested_on=date(2026, 2, 10),
        sent_on=date(2026, 2, 10),
        sent_at=datetime(2026, 2, 10, 9, tzinfo=UTC),
    )
    gone = attrs.evolve(gone, charge_key="fee:A:R-3:fee:notice-0")
    rules = fees(flat("20.00", once_per="notice", yearly_cap={EUR: "8.00"}))
    assert amounts(look(rules, facts(*owed, gone, notices=[told]), LAW)) == ["3.00 EUR"]


def test_a_charge_of_a_later_period_than_was_due_counts_as_it_was_posted() -> None:
    rules = fees(flat("20.00", once_per="period", period_days=30, yearly_cap={EUR: "20.00"}))
    ahead = attrs.evolve(charged(fees(flat("5.00")), facts()).receivables[1], charge_key="fee:A:R-1:fee:9")
    found = look(rules, facts(*TWO, ahead, on=date(2026, 3, 1)), LAW)
    assert amounts(found) == []  # R-1 has its 5.00 of the law, and its own 15.00 fill the cap


def test_a_fee_booked_as_cost_is_a_fee_to_the_law_and_a_planned_instalment_waits_for_it() -> None:
    assert amounts(look(fees(flat("20.00", component="cost")), facts(), LAW)) == ["5.00 EUR"]
    later = pack(FeeLimit(amounts=(Money(500, EUR),), grace_days=15))
    terms = PlanAgreement(
        plan_id="P",
        account_id="A",
        covers=("R-1",),
        agreed_on=date(2026, 1, 1),
        instalments=[PlannedInstalment(number=1, due_on=date(2026, 1, 10), amount=Money(6_000, EUR))],
        tolerance_days=60,
    )
    lost = attrs.evolve(terms, plan_id="Q", covers=("R-9",))
    rules = fees(flat("20.00", once_per="instalment"))
    assert amounts(look(rules, facts(plans=[terms, lost], on=date(2026, 1, 20)), later)) == []
    assert amounts(look(rules, facts(plans=[terms, lost], on=date(2026, 1, 26)), later)) == ["5.00 EUR"]


def test_a_repeated_card_fee_follows_from_an_earlier_day_not_from_an_earlier_fee_of_the_day() -> None:
    tiers = PenaltyTiers(first=Money(3000, EUR), repeat=Money(4100, EUR), cycles=6)
    cards = [invoice("C-1", 10_000, date(2025, 12, 31)), invoice("C-2", 10_000, date(2026, 1, 31))]
    rules = ChargePolicy(
        late_fees=[flat("45.00"), LateFeePolicy(id="two", kind="flat", amounts={EUR: "45.00"}, grace_days=1)]
    )
    first = look(rules, facts(*cards), pack(tiers))
    assert amounts(first) == ["30.00 EUR", "30.00 EUR"]
    assert amounts(look(rules, post(facts(*cards), first.charges), pack(tiers))) == []
    assert first.next_on == date(2026, 2, 21)


# -- charges for returned payments ------------------------------------------------------------------------------


def test_a_charge_for_a_return_that_the_law_lowers_to_nothing_says_so_with_the_law() -> None:
    rules = ChargePolicy(returned_payments=[ReturnedPaymentPolicy(id="returned", amounts={EUR: "8.00"})])
    found = look(
        rules,
        facts(payments=[paid(12_000, DUE, returned_on=date(2026, 2, 3))]),
        pack(FeeLimit(amounts=(Money(0, EUR),))),
    )
    (reason,) = found.skipped
    assert (amounts(found), reason.code, "house/1" in (reason.cite or "")) == ([], "policy.law_cap", True)


def test_a_charge_for_a_return_stands_whatever_is_paid_later_and_falls_with_the_return() -> None:
    rules = ChargePolicy(returned_payments=[ReturnedPaymentPolicy(id="returned", amounts={EUR: "8.00"})])
    bounced = paid(12_000, date(2026, 1, 20), returned_on=date(2026, 2, 3))
    posted = charged(rules, facts(payments=[bounced], on=date(2026, 2, 3)))
    in_time = paid(12_000, date(2026, 2, 10), "P-2", effective_on=date(2026, 1, 30))
    assert reversals_due(policies=rules, snapshot=at(posted, date(2026, 2, 10), payments=[bounced, in_time])) == ()
    mistaken = at(posted, date(2026, 2, 10), payments=[attrs.evolve(bounced, returned_on=None)])
    (wrong,) = reversals_due(policies=rules, snapshot=mistaken)
    assert str(wrong.amount) == "8.00 EUR"
    again = at(
        back(mistaken, (wrong,)), date(2026, 2, 20), payments=[attrs.evolve(bounced, returned_on=date(2026, 2, 12))]
    )
    (once_more,) = look(rules, again).charges
    assert once_more.key.endswith("@2")
    assert amounts(look(rules, post(again, [once_more]))) == []


# -- taken back, and charged again ------------------------------------------------------------------------------

IN_TIME = paid(12_000, date(2026, 2, 10), effective_on=date(2026, 1, 30))


def wrongly_charged(*payments: Payment, rule: LateFeePolicy | None = None) -> tuple[ChargePolicy, AccountSnapshot]:
    rules = fees(rule or flat("5.00"))
    return rules, at(charged(rules, facts(on=date(2026, 2, 5))), date(2026, 2, 10), payments=payments)


def test_a_fee_is_taken_back_once_and_charged_again_once_when_the_payment_is_returned() -> None:
    rules, known = wrongly_charged(IN_TIME)
    (wrong,) = reversals_due(policies=rules, snapshot=known)
    assert (str(wrong.amount), wrong.key) == ("5.00 EUR", "reversal:A:fee%3AA%3AR-1%3Afee%3A1:1")
    righted = back(known, (wrong,))
    assert reversals_due(policies=rules, snapshot=righted) == ()
    assert look(rules, righted).charges == ()
    bounced = at(righted, date(2026, 2, 20), payments=[attrs.evolve(IN_TIME, returned_on=date(2026, 2, 18))])
    (again,) = look(rules, bounced).charges
    assert (again.key, str(again.amount)) == ("fee:A:R-1:fee:1@2", "5.00 EUR")
    assert "charged again, because what made the first charge wrong holds no more" in explain(again)
    posted = post(bounced, [again])
    assert look(rules, posted).charges == ()
    assert reversals_due(policies=rules, snapshot=posted) == ()
    third = paid(12_000, date(2026, 3, 1), "P-3", effective_on=date(2026, 1, 30))
    in_time_after_all = at(posted, date(2026, 3, 1), payments=(*posted.payments, third))
    (second,) = reversals_due(policies=rules, snapshot=in_time_after_all)
    assert (second.receivable_id, second.key != wrong.key) == ("fee:A:R-1:fee:1@2", True)
    gone = back(in_time_after_all, (second,))
    third_bounced = at(
        gone, date(2026, 3, 9), payments=[posted.payments[0], attrs.evolve(third, returned_on=date(2026, 3, 9))]
    )
    assert [one.key for one in look(rules, third_bounced).charges] == ["fee:A:R-1:fee:1@3"]


def test_only_what_was_taken_back_is_charged_again() -> None:
    part = paid(6_000, date(2026, 2, 10), effective_on=date(2026, 1, 30))
    rules, known = wrongly_charged(part, rule=percent())
    (wrong,) = reversals_due(policies=rules, snapshot=known)
    assert str(wrong.amount) == "6.00 EUR"
    righted = back(known, (wrong,))
    assert look(rules, righted).charges == ()
    bounced = at(righted, date(2026, 2, 20), payments=[attrs.evolve(part, returned_on=date(2026, 2, 18))])
    (again,) = look(rules, bounced).charges
    assert str(again.amount) == "6.00 EUR"
    assert "6.00 EUR of it was never taken back" in explain(again)
    dearer = look(fees(percent("0.5")), bounced).charges
    assert [str(one.amount) for one in dearer] == ["6.00 EUR"]
    assert "limited to the 12.00 EUR that was charged then" in explain(dearer[0])


def test_a_fee_that_was_taken_back_uses_up_no_cap_neither_of_the_contract_nor_of_the_law() -> None:
    rules, known = wrongly_charged(IN_TIME, rule=flat("5.00", yearly_cap={EUR: "5.00"}, item_cap={EUR: "5.00"}))
    righted = back(known, reversals_due(policies=rules, snapshot=known))
    bounced = at(righted, date(2026, 2, 20), payments=[attrs.evolve(IN_TIME, returned_on=date(2026, 2, 18))])
    assert amounts(look(rules, bounced, LAW)) == ["5.00 EUR"]


def test_a_favour_is_neither_taken_back_nor_charged_again() -> None:
    rules, known = wrongly_charged(IN_TIME)
    favour = Waiver(
        waiver_id="W",
        receivable_id="fee:A:R-1:fee:1",
        amount=Money(500, EUR),
        waived_on=date(2026, 2, 6),
        reason="kind",
        authority="lead",
    )
    kind = attrs.evolve(known, waivers=[favour])
    assert reversals_due(policies=rules, snapshot=kind) == ()
    bounced = at(kind, date(2026, 2, 20), payments=[attrs.evolve(IN_TIME, returned_on=date(2026, 2, 18))])
    assert look(rules, bounced).charges == ()


def test_the_money_that_a_wrong_fee_held_makes_no_other_fee_right() -> None:
    """100 came in time for one invoice; a fee posted in error took 5 of it, so that another fee fell due on the rest."""
    rules = fees(flat("5.00", once_per="period", period_days=10, times_max=3))
    first = charged(rules, facts(on=date(2026, 2, 1)))
    late = paid(12_000, date(2026, 2, 5), effective_on=date(2026, 2, 2))
    second = charged(rules, at(first, date(2026, 2, 11), payments=[late]))
    assert [one.amount_original.minor for one in second.receivables[1:]] == [500, 500]
    truth = paid(12_000, date(2026, 2, 20), "P-0", effective_on=date(2026, 1, 31))
    known = at(second, date(2026, 2, 20), payments=[late, truth])
    wrong = reversals_due(policies=rules, snapshot=known, is_by_payments=True)
    assert [str(one.amount) for one in wrong] == ["5.00 EUR", "5.00 EUR"]
    assert look(rules, back(known, wrong)).charges == ()
    assert reversals_due(policies=rules, snapshot=back(known, wrong), is_by_payments=True) == ()


def test_money_and_disputes_that_named_a_wrong_fee_are_read_as_if_it_had_never_been() -> None:
    rules, known = wrongly_charged(IN_TIME)
    name = "fee:A:R-1:fee:1"
    more = attrs.evolve(
        known,
        receivables=(*known.receivables, invoice("R-2", 600)),
        payments=[IN_TIME, paid(500, date(2026, 2, 6), "P-2", receivable_ids=(name,))],
        credit_notes=[
            CreditNote(
                credit_note_id="C",
                account_id="A",
                amount=Money(100, EUR),
                issued_on=date(2026, 2, 6),
                receivable_ids=(name,),
            )
        ],
        disputes=[Dispute(dispute_id="X", account_id="A", raised_on=date(2026, 2, 6), receivable_ids=(name,))],
    )
    righted = back(more, reversals_due(policies=rules, snapshot=more))
    assert look(rules, righted).charges == ()  # what the fee held has paid R-2


def test_a_hold_a_dispute_a_plan_or_another_segment_undoes_no_charge_and_makes_none_wrong() -> None:
    chronic = flat("8.00", applies_to=AppliesTo(segments=("chronic",)), yearly_cap={EUR: "8.00"})
    rules = fees(flat("5.00"), chronic)
    held = Hold(
        hold_id="H", account_id="A", reason="manual", placed_on=DUE, until_on=date(2026, 3, 1), receivable_ids=("R-1",)
    )
    owed = facts(*TWO, holds=[held])
    posted = post(owed, look(rules, owed, segment="chronic").charges)
    assert [one.amount_original.minor for one in posted.receivables if one.is_charge] == [800]
    assert reversals_due(policies=rules, snapshot=at(posted, date(2026, 3, 9))) == ()  # R-1, first in line, was held
    dispute = Dispute(
        dispute_id="X",
        account_id="A",
        raised_on=date(2026, 2, 1),
        resolved_on=date(2026, 2, 12),
        receivable_ids=("R-1",),
    )
    meanwhile = facts(*TWO, disputes=[dispute], payments=[paid(12_000, date(2026, 2, 3))])
    posted = charged(fees(flat()), meanwhile)  # the money passed over R-1, which was disputed
    assert reversals_due(policies=fees(flat()), snapshot=posted) == ()


def test_only_what_payments_change_is_taken_back_where_the_terms_may_have_changed() -> None:
    rules, known = wrongly_charged()
    lower = fees(flat("3.00"))
    assert [str(one.amount) for one in reversals_due(policies=lower, snapshot=known)] == []
    assert reversals_due(policies=lower, snapshot=known, is_by_payments=True) == ()
    late = paid(12_000, date(2026, 2, 10))
    assert reversals_due(policies=rules, snapshot=attrs.evolve(known, payments=[late]), is_by_payments=True) == ()
    both = attrs.evolve(known, payments=[IN_TIME])
    (wrong,) = reversals_due(policies=lower, snapshot=both, is_by_payments=True)
    assert str(wrong.amount) == "5.00 EUR"
    assert "payment P-1 came in on 2026-02-10 and counts from 2026-01-30" in explain(wrong)
    _, known = wrongly_charged(paid(6_000, date(2026, 2, 10), effective_on=date(2026, 1, 30)), rule=percent())
    (wrong,) = reversals_due(policies=fees(percent("0.05")), snapshot=known, is_by_payments=True)
    assert str(wrong.amount) == "3.00 EUR"  # of the 12.00 posted, by the 5 % of today: 6.00 less 3.00


def test_interest_is_taken_back_by_what_payments_change_and_no_more() -> None:
    def rules(rate: str) -> ChargePolicy:
        terms = RateTerms(rate=Rate.percent(rate), day_count="act/365f")
        return ChargePolicy(interest=[InterestPolicy(id="i", terms=terms)])

    posted = charged(rules("36.5"), facts(invoice(amount=100_000), on=date(2026, 3, 1)))
    assert posted.receivables[-1].amount_original.minor == 2_800  # 28 days at 1.00 a day
    late = paid(50_000, date(2026, 3, 5), effective_on=date(2026, 2, 15))
    known = at(posted, date(2026, 3, 5), payments=[late])
    (wrong,) = reversals_due(policies=rules("36.5"), snapshot=known, is_by_payments=True)
    assert str(wrong.amount) == "7.00 EUR"  # 14 days at 0.50 less
    assert "payment P-1 came in on 2026-03-05" in explain(wrong)
    righted = back(known, (wrong,))
    for rate in ("36.5", "18.25"):
        assert reversals_due(policies=rules(rate), snapshot=righted, is_by_payments=True) == ()
    (half,) = reversals_due(policies=rules("18.25"), snapshot=known, is_by_payments=True)
    assert str(half.amount) == "7.00 EUR"  # at the rate it was posted at
    assert reversals_due(policies=rules("18.25"), snapshot=posted, is_by_payments=True) == ()


def test_each_posting_and_each_rule_of_interest_gives_way_by_itself() -> None:
    def contract(name: str, rate: str) -> InterestPolicy:
        return InterestPolicy(id=name, terms=RateTerms(rate=Rate.percent(rate), day_count="act/365f"))

    rules = ChargePolicy(interest=[contract("i", "36.5"), contract("more", "3.65")])
    owed = facts(invoice(amount=100_000), on=date(2026, 3, 1))
    posted = charged(rules, at(charged(rules, owed), date(2026, 4, 1)))
    assert [one.amount_original.minor for one in posted.receivables[1:]] == [2_800, 280, 3_100, 310]
    late = paid(100_000, date(2026, 4, 5), effective_on=date(2026, 3, 21), receivable_ids=("R-1",))
    known = at(posted, date(2026, 4, 5), payments=[late])
    wrong = reversals_due(policies=rules, snapshot=known, is_by_payments=True)
    assert [(str(one.amount), "2026-03-01..2026-04-01" in one.charge_key) for one in wrong] == [
        ("11.00 EUR", True),  # 21 to 31 March
        ("1.10 EUR", True),
    ]
    assert reversals_due(policies=rules, snapshot=back(known, wrong), is_by_payments=True) == ()


def test_interest_that_the_law_of_today_does_not_tell_is_left_alone() -> None:
    terms = RateTerms(pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.business")
    rules = ChargePolicy(interest=[InterestPolicy(id="i", terms=terms)])
    posted = charged(rules, facts(invoice(amount=100_000), on=date(2026, 3, 1)))
    late = paid(50_000, date(2026, 3, 5), effective_on=date(2026, 2, 15))
    known = at(posted, date(2026, 3, 5), payments=[late])
    assert len(reversals_due(policies=rules, snapshot=known, is_by_payments=True)) == 1
    consumer = attrs.evolve(known, debtor=Debtor(debtor_id="D", kind="consumer"))
    assert reversals_due(policies=rules, snapshot=consumer, is_by_payments=True) == ()


def test_a_recovery_sum_is_taken_back_and_charged_again() -> None:
    lump = RecoverySumPolicy(id="sum", pack=jurisdictions.load("eu-late-payment"), rule_id="eu.lpd.compensation")
    rules = ChargePolicy(recovery_sums=[lump])
    posted = charged(rules, facts(on=date(2026, 2, 5)))
    known = at(posted, date(2026, 2, 10), payments=[IN_TIME])
    wrong = reversals_due(policies=rules, snapshot=known, is_by_payments=True)
    assert [str(one.amount) for one in wrong] == ["40.00 EUR"]
    bounced = at(back(known, wrong), date(2026, 2, 20), payments=[attrs.evolve(IN_TIME, returned_on=date(2026, 2, 18))])
    assert [(one.key, str(one.amount)) for one in look(rules, bounced).charges] == [("cost:A:R-1:sum:1@2", "40.00 EUR")]


def test_a_fee_of_a_band_that_a_returned_payment_had_changed_is_put_right() -> None:
    bands = [
        Tier(balance_min=Money(0, EUR), balance_below=Money(10_000, EUR), amounts={EUR: "8.00"}),
        Tier(balance_min=Money(10_000, EUR), amounts={EUR: "5.00"}),
    ]
    rules = fees(LateFeePolicy(id="fee", kind="tiered", tiers=bands))
    part = paid(5_000, date(2026, 1, 30))
    posted = charged(rules, facts(on=date(2026, 2, 1), payments=[part]))
    bounced = at(posted, date(2026, 2, 9), payments=[attrs.evolve(part, returned_on=date(2026, 2, 9))])
    (wrong,) = reversals_due(policies=rules, snapshot=bounced, is_by_payments=True)
    assert str(wrong.amount) == "3.00 EUR"
    righted = back(bounced, (wrong,))
    assert (reversals_due(policies=rules, snapshot=righted, is_by_payments=True), look(rules, righted).charges) == (
        (),
        (),
    )


def test_a_preview_follows_the_order_of_payment_that_was_chosen() -> None:
    owed = facts(invoice(), invoice("R-2", due_on=date(2026, 2, 28)), on=DUE, payments=[paid(12_000, DUE)])
    on = date(2026, 2, 5)
    assert preview_balance(owed, on, policies=fees(flat())).charges == ()
    assert len(preview_balance(owed, on, policies=fees(flat()), order=Order(age="newest_first")).charges) == 1


def test_what_is_taken_back_follows_the_order_of_payment_that_was_chosen() -> None:
    newest_first = Order(age="newest_first")
    rules = fees(flat())
    owed = facts(invoice("R-1"), invoice("R-2", due_on=date(2026, 2, 28)), on=date(2026, 2, 5))
    known = at(charged(rules, owed), date(2026, 2, 10), payments=[IN_TIME])
    assert len(reversals_due(policies=rules, snapshot=known)) == 1
    assert reversals_due(policies=rules, snapshot=known, order=newest_first) == ()


# -- in a decision ----------------------------------------------------------------------------------------------

STRATEGY = parse(
    """
name = "plain"
version = "1"
[[stages]]
id = "reminder"
after = { past_due = { days = 2 } }
  [[stages.steps]]
  task = "call"
[[charges]]
id = "late-fee"
kind = "flat"
amounts = { EUR = "7.50" }
grace_days = 3
"""
)


class Ledger:
    """A host that keeps events: it tells what it knows, decides, and records what follows."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.tell(
            AccountOpened,
            date(2026, 1, 1),
            account=Account(account_id="A", debtor_id="D"),
            debtor=Debtor(debtor_id="D", kind="business"),
        )
        self.tell(Issued, date(2026, 1, 1), receivable=invoice())

    def tell(self, kind: type, on: date, **more: object) -> None:
        name = f"e{len(self.events)}"
        self.events.append(kind(event_id=name, account_id="A", recorded_at=NOW, effective_on=on, **more))

    def decide(self, on: date, strategy: Strategy = STRATEGY) -> Decision:
        snapshot = history.snapshot(self.events, as_of=on)  # type: ignore[arg-type]
        decision = decide(strategy=strategy, snapshot=snapshot)
        batch = to_batch(decision=decision, version=len(self.events), command_id=f"c{on}", recorded_at=NOW)
        assert len(set(batch.keys)) == len(batch.keys)
        self.events += batch.events
        return decision

    def posted(self) -> list[str]:
        return [one.key for one in self.events if isinstance(one, ChargePosted)]


def test_a_decision_takes_a_fee_back_that_a_payment_shows_to_be_wrong_and_says_why() -> None:
    host = Ledger()
    assert [str(one.amount) for one in host.decide(date(2026, 2, 5)).charges] == ["7.50 EUR"]
    assert host.decide(date(2026, 2, 6)).reversals == ()
    host.tell(PaymentReceived, IN_TIME.effective_on, payment=IN_TIME)
    told = host.decide(date(2026, 2, 10))
    assert [str(one.amount) for one in told.reversals] == ["7.50 EUR"]
    assert "policy.reversal" in {one.code for one in told.reasons}
    assert (told.has_effects, told.charges, told.amount_open, told.arrears) == (True, (), (), ())
    (waived,) = [one for one in host.events if isinstance(one, ChargeWaived)]
    assert (str(waived.waiver.amount), waived.waiver.authority) == ("7.50 EUR", "plain")
    assert any("7.50 EUR of charge:A:R-1:late-fee:1 by plain" in one.text for one in history.timeline(host.events))  # type: ignore[arg-type]
    again = host.decide(date(2026, 2, 10))
    assert (again.reversals, again.charges, again.has_effects) == ((), (), False)


def test_a_payment_that_is_returned_makes_the_fee_due_again_once() -> None:
    host = Ledger()
    host.decide(date(2026, 2, 5))
    host.tell(PaymentReceived, IN_TIME.effective_on, payment=IN_TIME)
    host.decide(date(2026, 2, 10))
    host.tell(PaymentReturned, date(2026, 2, 16), payment_id="P-1")
    for day in (16, 16, 17, 25):
        host.decide(date(2026, 2, day))
    assert host.posted() == ["fee:A:R-1:late-fee:1", "fee:A:R-1:late-fee:1@2"]
    balance = balance_of(history.snapshot(host.events, as_of=date(2026, 2, 25)))  # type: ignore[arg-type]
    assert str(balance.amount_open[EUR]) == "127.50 EUR"


def test_a_decision_under_new_terms_takes_nothing_back_for_their_sake() -> None:
    host = Ledger()
    host.decide(date(2026, 2, 5))
    cheaper = attrs.evolve(STRATEGY, charges=fees(attrs.evolve(STRATEGY.charges.late_fees[0], amounts={EUR: "2.00"})))
    assert host.decide(date(2026, 2, 6), cheaper).reversals == ()


def test_what_is_taken_back_is_free_in_the_same_decision() -> None:
    """The fee was paid out of money that now pays the principal: nothing is past due any more."""
    host = Ledger()
    host.decide(date(2026, 2, 5))
    most = paid(12_000, date(2026, 2, 6))
    host.tell(PaymentReceived, most.effective_on, payment=most)
    assert str(host.decide(date(2026, 2, 7)).arrears[0]) == "7.50 EUR"
    rest = paid(750, date(2026, 2, 9), "P-2", effective_on=date(2026, 1, 30))
    credit = paid(12_000, date(2026, 2, 9), "P-3", effective_on=date(2026, 1, 30))
    for payment in (rest, credit):
        host.tell(PaymentReceived, payment.effective_on, payment=payment)
    done = host.decide(date(2026, 2, 9))
    assert ([str(one.amount) for one in done.reversals], done.arrears) == (["7.50 EUR"], ())


# -- money of the day --------------------------------------------------------------------------------------------


def test_a_charge_of_the_day_takes_nothing_from_what_the_money_of_the_day_has_paid() -> None:
    rules = fees(flat("5.00", on_charges=False))
    owed = facts(
        invoice(),
        invoice("R-2", due_on=date(2026, 2, 28)),
        on=date(2026, 2, 5),
        payments=[paid(24_000, date(2026, 2, 5))],
    )
    fee = Receivable(
        receivable_id="F",
        account_id="A",
        amount_original=Money(700, EUR),
        issued_on=date(2026, 2, 5),
        due_on=date(2026, 2, 5),
        component="fee",
        parent_id="R-1",
        charge_key="fee:A:R-1:other:1",
    )
    with_fee = attrs.evolve(owed, receivables=(*owed.receivables, fee))
    assert {name: balance_of(with_fee).item(name).amount_open.minor for name in ("R-1", "R-2", "F")} == {
        "R-1": 0,
        "R-2": 0,
        "F": 700,
    }
    assert look(rules, with_fee).charges == look(rules, owed).charges == ()
    named = attrs.evolve(with_fee, payments=[paid(24_000, date(2026, 2, 5), receivable_ids=("F",))])
    assert balance_of(named).item("F").amount_open.minor == 0
    rich = attrs.evolve(with_fee, payments=[paid(24_700, date(2026, 2, 5))])
    assert balance_of(rich).amount_open == {}


# -- breathing spaces --------------------------------------------------------------------------------------------

UK = jurisdictions.load("uk-breathing-space")


def space(until_on: date | None = None, **more: object) -> Hold:
    terms = {"reason": "breathing_space", "placed_on": date(2026, 1, 20), **more}
    return Hold(hold_id="H", account_id="A", until_on=until_on, **terms)  # type: ignore[arg-type]


def test_a_breathing_space_without_an_end_ends_after_the_days_of_the_law() -> None:
    rules = fees(flat(once_per="period", period_days=30))
    inside = look(rules, facts(holds=[space()], on=date(2026, 3, 21)), UK)
    assert (amounts(inside), inside.next_on) == (
        [],
        date(2026, 3, 22),
    )  # 60 days after 20 January: 21 March is the last
    over = look(rules, facts(holds=[space()], on=date(2026, 4, 3)), UK)
    assert [one.key for one in over.charges] == [
        "fee:A:R-1:fee:3"
    ]  # 1 February and 3 March fell inside, 2 April did not
    assert {one.code for one in over.skipped} == {"policy.moratorium"}
    assert (
        amounts(look(rules, facts(holds=[space()], on=date(2026, 6, 3)))) == []
    )  # no pack, no law: until it is lifted


def test_a_breathing_space_in_a_crisis_lasts_until_it_is_lifted() -> None:
    crisis = space(reason="breathing_space_crisis")
    rules = fees(flat())
    assert amounts(look(rules, facts(holds=[crisis], on=date(2026, 9, 1)), UK)) == []
    lifted = attrs.evolve(crisis, until_on=date(2026, 8, 1))
    found = look(rules, facts(holds=[lifted], on=date(2026, 9, 1)), UK)
    assert [one.code for one in found.skipped] == ["policy.moratorium"]
    assert "Part 3" in (found.skipped[0].cite or "")


def test_of_two_laws_the_longer_breathing_space_stands() -> None:
    rules = fees(flat(once_per="period", period_days=30))
    longer = pack(Moratorium(freezes=("fees",), days=90))
    open_ended = pack(Moratorium(freezes=("fees",), until="release"), name="open")
    on = date(2026, 4, 10)
    assert len(amounts(look(rules, facts(holds=[space()], on=on), UK))) == 1
    assert amounts(look(rules, facts(holds=[space()], on=on), UK, longer)) == []
    assert amounts(look(rules, facts(holds=[space()], on=date(2026, 9, 1)), UK, open_ended)) == []


def test_a_law_that_needs_an_unknown_fact_ends_no_breathing_space() -> None:
    freeze = pack(Moratorium(freezes=("fees",), days=10))
    (rule,) = freeze.rules
    unsure = attrs.evolve(freeze, rules=[attrs.evolve(rule, applies_to=Applicability(parties=("agency",)))])
    other = Hold(hold_id="M", account_id="A", reason="manual", placed_on=DUE, receivable_ids=("R-9",))
    late = facts(holds=[space(), other], on=date(2026, 9, 1))
    assert amounts(look(fees(flat(once_per="period", period_days=30)), late, unsure)) == []
    assert len(amounts(look(fees(flat(once_per="period", period_days=30)), late, freeze))) == 8


def test_interest_runs_again_after_the_days_of_the_law_and_bears_none_for_them() -> None:
    terms = RateTerms(rate=Rate.percent("36.5"), day_count="act/365f")
    rules = ChargePolicy(interest=[InterestPolicy(id="i", terms=terms)])
    found = look(rules, facts(invoice(amount=100_000), holds=[space()], on=date(2026, 4, 1)), UK)
    assert amounts(found) == ["10.00 EUR"]  # 22 to 31 March, at 1.00 a day


@pytest.mark.parametrize("reason", [one for one in HoldReason if "breathing" not in one.value])
def test_under_every_other_hold_a_charge_waits_and_is_not_forgiven(reason: HoldReason) -> None:
    hold = Hold(hold_id="H", account_id="A", reason=reason, placed_on=date(2026, 1, 20), until_on=date(2026, 2, 15))
    rules = fees(flat())
    during = look(rules, facts(holds=[hold], on=date(2026, 2, 10)), UK)
    assert (amounts(during), during.next_on) == ([], date(2026, 2, 15))
    assert amounts(look(rules, facts(holds=[hold], on=date(2026, 2, 15)), UK)) == ["5.00 EUR"]


def test_a_decision_charges_again_when_the_law_has_ended_the_breathing_space() -> None:
    strategy = attrs.evolve(STRATEGY, packs=[UK])
    for named in ((), ("R-1",)):
        owed = facts(
            holds=[space(placed_on=date(2026, 1, 1), receivable_ids=named)],
            on=date(2026, 2, 20),
        )
        held = decide(strategy=strategy, snapshot=owed)
        assert (held.charges, held.review_on) == ((), date(2026, 3, 3))
        late = at(owed, date(2026, 3, 20), receivables=[invoice(), invoice("R-2", due_on=date(2026, 3, 5))])
        fee_on = {one.receivable_id for one in decide(strategy=strategy, snapshot=late).charges}
        assert fee_on == {"R-2"}
