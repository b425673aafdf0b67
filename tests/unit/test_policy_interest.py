"""Interest on arrears: rates within their bounds, days by their convention, and interest on unpaid interest alone."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import pytest

from collectkit import jurisdictions
from collectkit.core.decisions import REVERSAL
from collectkit.core.errors import CollectkitError, CurrencyMismatch, InvalidPolicy
from collectkit.core.money import Money
from collectkit.core.rates import DAY_COUNTS, Rate, Stale
from collectkit.core.reading import Problems, TableReader
from collectkit.core.records import Account, AccountSnapshot, Debtor, Payment, Receivable, Waiver
from collectkit.core.rules import (
    Applicability,
    Citation,
    Dated,
    DatedValue,
    RateFloor,
    ReferenceSeries,
    Rule,
    RulePack,
    StatutoryInterest,
)
from collectkit.core.waterfall import balance_of
from collectkit.policy import (
    AccruedInterest,
    BalanceStep,
    ChargePolicy,
    ChargesDue,
    InterestPolicy,
    InterestStep,
    RateTerms,
    accrue_on,
    charges_due,
    describe,
    post,
    read_charges,
    reversals_due,
    statutory_interest,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "packs"
EUR = "EUR"
NEW_YEAR = date(2026, 1, 1)
NINE = Rate.percent(9)
TWELVE = Rate.percent(12)
UK = jurisdictions.load("uk-late-payment")
FR = jurisdictions.load("fr-late-payment")
SOURCE = Citation(authority="a law", locator="1", address="example.org", read_on=NEW_YEAR)


def accrue(
    terms: RateTerms, start: date, end: date, *steps: BalanceStep, amount: int = 1_000_000, **more: Any
) -> AccruedInterest:
    found = accrue_on(
        terms,
        steps or [BalanceStep(from_on=start, balance=Money(amount, EUR))],
        due_on=start - timedelta(days=1),
        start_on=start,
        end_on=end,
        **more,
    )
    assert isinstance(found, AccruedInterest)
    return found


def paths_of(make: Any) -> dict[str, str]:
    with pytest.raises(InvalidPolicy) as caught:
        make()
    return {problem.path: problem.text for problem in caught.value.problems}


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(CollectkitError) as caught:
        call(*args, **kwargs)
    return caught.value.code


# -- one day rounded first -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convention", "start", "cents"),
    [
        # 10,000 at 9 %: 2.50 a day of 360, 2.47 (2.4658) of 365 and 364, 2.46 of 365.25; 90 days of the calendar
        ("act/360", date(2026, 1, 30), 22_500),
        ("act/364", date(2026, 1, 30), 22_230),
        ("act/365f", date(2026, 1, 30), 22_230),
        ("act/365.25", date(2026, 1, 30), 22_140),
        ("act/act-isda", date(2026, 1, 30), 22_230),
        ("30E/360", date(2026, 1, 30), 22_500),  # 30 January to 30 April: three months of 30
        ("30E/360", date(2026, 2, 28), 22_750),  # 28 February to 29 May: 91 days of 30 in a month
        ("30/360-bond", date(2026, 2, 28), 22_750),
        ("30/360-us", date(2026, 2, 28), 22_250),  # a start on the last of February counts as the 30th: 89
        ("30E/360-isda", date(2026, 2, 28), 22_250),
        ("30/365", date(2026, 1, 30), 22_230),
        ("30/365", date(2026, 2, 28), 22_477),
    ],
)
def test_a_day_rounded_first_is_taken_times_the_days_of_its_own_convention(
    convention: Any, start: date, cents: int
) -> None:
    terms = RateTerms(rate=NINE, day_count=convention)
    found = accrue(terms, start, start + timedelta(days=90), rounding_order="daily_first")
    assert found.amount == Money(cents, EUR)


@pytest.mark.parametrize("convention", ["act/act-icma", "act/act-afb"])
def test_where_no_single_day_can_be_rounded_the_policy_is_refused_with_the_way_out(convention: Any) -> None:
    terms = RateTerms(rate=NINE, day_count=convention)
    found = paths_of(lambda: InterestPolicy(id="i", terms=terms, rounding_order="daily_first"))
    assert found == {
        "rounding_order": f"{convention} has no length of a day's interest; use total_only, or another day count"
    }
    assert code_of(accrue, terms, NEW_YEAR, date(2026, 2, 1), rounding_order="daily_first") == "interest.rounding_order"
    InterestPolicy(id="i", terms=terms)


def test_a_rule_with_rests_is_refused_beside_a_day_rounded_first() -> None:
    terms = RateTerms(pack=jurisdictions.load_file(EXAMPLES / "in-msmed.toml"), rule_id="in.msmed.interest")
    found = paths_of(lambda: InterestPolicy(id="i", terms=terms, rounding_order="daily_first"))
    assert found == {"rounding_order": "daily_first is for simple interest and this interest has rests; use total_only"}
    given = {"principal": Money(100_000, "INR"), "pack": terms.pack, "rule_id": terms.rule_id}
    span = {"start_on": date(2024, 1, 1), "end_on": date(2024, 6, 1), "rounding_order": "daily_first"}
    assert code_of(statutory_interest, **given, **span) == "interest.rounding_order"


def test_an_order_of_rounding_that_is_none_is_refused() -> None:
    terms = RateTerms(rate=NINE)
    assert code_of(accrue, terms, NEW_YEAR, date(2026, 2, 1), rounding_order="daily") == "interest.rounding_order"
    assert code_of(accrue, terms, NEW_YEAR, date(2026, 2, 1), rounding="bankers") == "money.rounding"


# -- days and splits -------------------------------------------------------------------------------------------


def test_act_act_icma_without_rests_counts_in_years_from_its_first_day() -> None:
    terms = RateTerms(rate=NINE, day_count="act/act-icma")
    assert accrue(terms, date(2026, 3, 3), date(2026, 3, 8)).amount == Money(1_233, EUR)  # 900 x 5 / 365
    assert accrue(terms, date(2027, 3, 3), date(2027, 3, 8)).amount == Money(1_230, EUR)  # the year holds a 29 February
    assert accrue(terms, date(2024, 2, 29), date(2028, 2, 29)).exact == 4 * 90_000
    assert accrue(terms, date(2026, 3, 3), date(2027, 3, 2)).exact == Fraction(90_000 * 364, 365)


def test_act_act_icma_with_rests_takes_each_rest_as_its_period() -> None:
    terms = RateTerms(rate=TWELVE, day_count="act/act-icma", rests_months=1)
    assert accrue(terms, date(2026, 1, 31), date(2026, 2, 28)).exact == 10_000  # a month is a twelfth
    assert accrue(terms, date(2026, 2, 1), date(2026, 2, 15)).exact == 5_000  # 14 days of 28
    century = attrs.evolve(terms, rests_months=1200)
    assert accrue(century, date(2026, 1, 1), date(2126, 1, 1)).exact == 100 * 120_000


@pytest.mark.parametrize("convention", DAY_COUNTS)
def test_steps_of_the_same_balance_change_no_cent(convention: Any) -> None:
    # from the audit of a reader: 225, 225, 300 and 450 for 1, 2, 4 and 6 equal steps
    steps = [BalanceStep(from_on=NEW_YEAR + timedelta(days=15 * n), balance=Money(1_000_000, EUR)) for n in range(6)]
    terms = RateTerms(rate=NINE, day_count=convention)
    totals = {accrue(terms, NEW_YEAR, date(2026, 4, 1), *steps[:count]).exact for count in (1, 2, 4, 6)}
    assert len(totals) == 1


def test_a_later_part_of_the_same_interest_adds_up_to_the_whole() -> None:
    terms = RateTerms(rate=TWELVE, day_count="30E/360", rests_months=1)
    first = accrue(terms, NEW_YEAR, date(2026, 2, 10))
    debt = BalanceStep(from_on=NEW_YEAR, balance=Money(1_000_000, EUR))
    later = accrue(terms, date(2026, 2, 10), date(2026, 3, 1), debt, began_on=NEW_YEAR)
    assert first.amount + later.amount == accrue(terms, NEW_YEAR, date(2026, 3, 1)).amount == Money(20_100, EUR)
    assert later.pieces[0].from_on == date(2026, 2, 10)


def test_a_later_part_of_statutory_interest_keeps_the_rate_of_its_beginning() -> None:
    # SI 2002/1675 art. 4: fixed at the start, 3.5 + 8 % in June 2023, although the base rate was 5 % from 30 June
    given: dict[str, Any] = {"principal": Money(2_000_000, "GBP"), "pack": UK, "rule_id": "uk.lpcda.interest"}
    june, july, end = date(2023, 6, 10), date(2023, 7, 10), date(2023, 8, 15)
    whole, first, second = (
        statutory_interest(**given, start_on=since, end_on=until, began_on=june)
        for since, until in ((june, end), (june, july), (july, end))
    )
    assert isinstance(whole, AccruedInterest)
    assert isinstance(first, AccruedInterest)
    assert isinstance(second, AccruedInterest)
    assert first.amount + second.amount == whole.amount == Money(41_589, "GBP")
    assert second.pieces[0].rate == Rate.percent("11.5")


def test_rests_run_on_to_the_end_of_the_calendar() -> None:
    terms = RateTerms(rate=TWELVE, day_count="act/act-icma", rests_months=1)
    assert accrue(terms, date(9999, 11, 15), date(9999, 12, 15)).exact == 10_000
    # the rest of 15 January 10000 is 31 days after that of December; 16 of them earn on 1,010,000.00 cents
    assert accrue(terms, date(9999, 11, 15), date(9999, 12, 31)).exact == 10_000 + Fraction(10_100 * 16, 31)
    early = RateTerms(rate=TWELVE, rests_months=1)
    assert accrue(early, date(300, 1, 1), date(300, 2, 1)).exact == Fraction(1_000_000 * 12 * 31, 36_500)
    assert code_of(accrue, early, date(401, 1, 1), date(3000, 1, 1), amount=1) == "interest.rests"


# -- steps -----------------------------------------------------------------------------------------------------


def test_a_balance_without_steps_out_of_order_or_in_two_currencies_is_refused() -> None:
    terms = RateTerms(rate=NINE)
    span: dict[str, Any] = {"due_on": NEW_YEAR, "start_on": NEW_YEAR, "end_on": date(2026, 3, 1)}
    one = BalanceStep(from_on=NEW_YEAR, balance=Money(100_000, EUR))
    later = attrs.evolve(one, from_on=date(2026, 2, 1))
    settled = InterestStep(from_on=NEW_YEAR, settled=Money(1, EUR))
    assert code_of(accrue_on, terms, [], **span) == "interest.steps"
    assert code_of(accrue_on, terms, [(NEW_YEAR, 5)], **span) == "interest.steps"
    assert code_of(accrue_on, terms, [later, one], **span) == "interest.steps"
    assert code_of(accrue_on, terms, [one, one], **span) == "interest.steps"
    assert code_of(accrue_on, terms, [one], interest=[settled, settled], **span) == "interest.steps"
    assert code_of(accrue_on, terms, [one], interest=[one], **span) == "interest.steps"
    with pytest.raises(CurrencyMismatch):
        accrue_on(terms, [one, attrs.evolve(later, balance=Money(1, "USD"))], **span)
    with pytest.raises(CurrencyMismatch):
        accrue_on(terms, [one], interest=[attrs.evolve(settled, charged=Money(1, "USD"))], **span)
    frozen = [(date(2026, 2, 1), NEW_YEAR)]
    assert code_of(accrue_on, terms, [one], frozen=frozen, **span) == "calendars.order"
    assert code_of(accrue_on, terms, [one], began_on=date(2026, 1, 2), **span) == "calendars.order"
    assert code_of(BalanceStep, from_on="2026-01-01", balance=Money(1, EUR)) == "calendars.type"
    assert code_of(BalanceStep, from_on=NEW_YEAR, balance=100).startswith("records.")
    assert code_of(InterestStep, from_on=NEW_YEAR, settled=100).startswith("records.")


# -- interest on interest --------------------------------------------------------------------------------------

MONTHLY = RateTerms(rate=TWELVE, day_count="30E/360", rests_months=1)


def test_interest_bears_interest_only_while_it_is_unpaid() -> None:
    # 10,000.00 at 1 % a month: 100.00 falls due on 1 February; half of it is paid on 16 February
    paid = [InterestStep(from_on=date(2026, 2, 16), settled=Money(5_000, EUR))]
    found = accrue(MONTHLY, NEW_YEAR, date(2026, 3, 1), interest=paid)
    assert found.exact == 10_000 + 10_000 + 50 + 25  # 1 % of 100.00 for 15 days, 1 % of 50.00 for 15 days
    assert [piece.on_interest for piece in found.pieces] == [0, 10_000, 5_000]
    assert accrue(MONTHLY, NEW_YEAR, date(2026, 3, 1)).exact == 20_100


def test_interest_that_is_not_due_yet_bears_none() -> None:
    at_once, in_a_month, between = (
        accrue(MONTHLY, NEW_YEAR, date(2026, 4, 1), interest_due_in_days=days).exact for days in (0, 28, 14)
    )
    assert at_once == Fraction("30301")  # 1.01 ** 3 - 1 of 1,000,000
    assert in_a_month == between == 30_000 + 100  # January's 10,000 joins at the rest of 1 March


def test_interest_that_was_taken_back_as_wrong_bears_none_and_is_not_taken_off_twice() -> None:
    def step(**parts: int) -> InterestStep:
        money = {name: Money(minor, EUR) for name, minor in parts.items()}
        return InterestStep(from_on=NEW_YEAR, **money)

    assert step(settled=0, charged=100, taken_back=100).unpaid_of(Fraction(100)) == 0
    assert step(settled=0, charged=100, taken_back=50).unpaid_of(Fraction(50)) == 50  # the facts give no more
    assert step(settled=20, charged=100, taken_back=50).unpaid_of(Fraction(50)) == 30
    assert step(settled=0, charged=300, taken_back=100).unpaid_of(Fraction(200)) == 200  # it was charged again
    assert step(settled=0, taken_back=40).unpaid_of(Fraction(100)) == 60
    assert step(settled=200).unpaid_of(Fraction(100)) == 0


# -- interest on interest, by the facts of an account ----------------------------------------------------------

LOAN = Receivable(
    receivable_id="R",
    account_id="A",
    amount_original=Money(10_000_000, EUR),
    issued_on=date(2025, 12, 1),
    due_on=date(2025, 12, 31),
)
INTEREST = InterestPolicy(id="i", terms=MONTHLY)


def facts(on: date, *receivables: Receivable, kind: str = "business", **more: Any) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=on,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind=kind, zones=["Europe/Dublin"]),
        receivables=receivables or (LOAN,),
        **more,
    )


def look(snapshot: AccountSnapshot, *interest: InterestPolicy) -> ChargesDue:
    policies = ChargePolicy(interest=interest or (INTEREST,))
    return charges_due(policies=policies, snapshot=snapshot, balance=balance_of(snapshot))


def over_months(settle: Any, months: int = 4, policy: InterestPolicy = INTEREST) -> list[str]:
    """Post each month of 2026 and let `settle` answer the charge; return what was charged."""
    snapshot, found = facts(NEW_YEAR), []
    for month in range(2, 2 + months):
        snapshot = attrs.evolve(snapshot, as_of=date(2026, month, 1))
        due = look(snapshot, policy)
        found += [str(charge.amount) for charge in due.charges]
        snapshot = post(snapshot, due.charges)
        for charge in due.charges:
            snapshot = settle(snapshot, charge)
    return found


def pays(snapshot: AccountSnapshot, charge: Any) -> AccountSnapshot:
    payment = Payment(
        payment_id=f"P-{charge.key}"[:80],
        account_id="A",
        amount=charge.amount,
        received_on=snapshot.as_of,
        receivable_ids=[charge.key],
    )
    return attrs.evolve(snapshot, payments=(*snapshot.payments, payment))


def waives(name: str) -> Any:
    def settle(snapshot: AccountSnapshot, charge: Any) -> AccountSnapshot:
        waiver = Waiver(
            waiver_id=f"{name}{len(snapshot.waivers)}",
            receivable_id=charge.key,
            amount=charge.amount,
            waived_on=snapshot.as_of,
            reason="a test",
            authority="lead",
        )
        return attrs.evolve(snapshot, waivers=(*snapshot.waivers, waiver))

    return settle


def test_interest_that_is_paid_each_month_stays_the_same_each_month() -> None:
    # from the audit of a reader: 1000.00, 1010.00, 1020.10, 1030.30 were charged
    assert over_months(pays) == ["1000.00 EUR"] * 4


def test_interest_that_is_waived_each_month_bears_none() -> None:
    assert over_months(waives("favour-")) == ["1000.00 EUR"] * 4


def test_interest_that_is_unpaid_compounds() -> None:
    # 100,000 x 1.01 ** n - 1.01 ** (n - 1): 1000.00, 1010.00, 1020.10, 1030.301
    assert over_months(lambda snapshot, charge: snapshot) == [
        "1000.00 EUR",
        "1010.00 EUR",
        "1020.10 EUR",
        "1030.30 EUR",
    ]


def test_interest_that_was_reversed_bears_none_until_it_is_charged_again() -> None:
    found = over_months(waives(REVERSAL), months=2)
    assert found == ["1000.00 EUR", "2000.00 EUR"]  # the facts still give it, so it is charged again, without interest


def test_the_reasons_of_a_charge_show_the_unpaid_interest_it_bears_on() -> None:
    snapshot = facts(date(2026, 2, 1))
    snapshot = attrs.evolve(post(snapshot, look(snapshot).charges), as_of=date(2026, 3, 1))
    (charge,) = look(snapshot).charges
    assert "on 100000.00 EUR and 1000.00 EUR of unpaid interest at contract rate 12 %" in charge.reasons[-1].text


def test_interest_reversed_for_an_early_payment_leaves_the_rest_compounding() -> None:
    snapshot = facts(date(2026, 2, 1))
    snapshot = post(snapshot, look(snapshot).charges)
    half = Payment(
        payment_id="P",
        account_id="A",
        amount=Money(5_000_000, EUR),
        received_on=date(2026, 2, 1),
        effective_on=date(2025, 12, 31),
        receivable_ids=["R"],
    )
    snapshot = attrs.evolve(snapshot, payments=[half])
    (wrong,) = reversals_due(policies=ChargePolicy(interest=[INTEREST]), snapshot=snapshot)
    assert wrong.amount == Money(50_000, EUR)
    waiver = wrong.as_waiver(on=date(2026, 2, 1), authority="system")
    (charge,) = look(attrs.evolve(snapshot, waivers=[waiver], as_of=date(2026, 3, 1))).charges
    assert charge.amount == Money(50_500, EUR)  # 1 % of 50,000.00 and of the 500.00 that stand


# -- bounds of a rate ------------------------------------------------------------------------------------------


def test_a_cap_lowers_the_rate_of_a_rule() -> None:
    terms = RateTerms(pack=UK, rule_id="uk.lpcda.interest", rate_cap=Rate.percent(5))
    found = accrue_on(
        terms,
        [BalanceStep(from_on=NEW_YEAR, balance=Money(100_000, "GBP"))],
        due_on=date(2025, 12, 31),
        start_on=NEW_YEAR,
        end_on=date(2026, 2, 1),
    )
    assert isinstance(found, AccruedInterest)
    assert found.amount == Money(425, "GBP")  # 1000 x 5 % x 31 / 365 = 4.2466
    assert "limited to the cap of 5 %" in found.pieces[0].because
    assert "at most 5 %" in terms.describe()


def test_terms_that_would_say_nothing_are_refused_at_their_place() -> None:
    beside_law = paths_of(
        lambda: RateTerms(
            pack=FR, rule_id="fr.l441_10.interest", rate_floor=Rate.percent(2), floor_rule_id="fr.l441_10.floor"
        )
    )
    assert beside_law == {
        "rate_floor": "nobody may ask for more than the rule gives; leave it out, or agree a rate",
        "floor_rule_id": "a legal floor is for an agreed rate; leave it out, or give a rate",
    }
    assert paths_of(lambda: RateTerms(rate=NINE, selection="floating")) == {
        "selection": "a contract's rate stands still; leave it out, or name a rule"
    }
    assert set(paths_of(lambda: RateTerms(rate=NINE, floor_rule_id="x"))) == {"pack"}
    assert set(paths_of(lambda: RateTerms(rate=NINE, pack=FR, floor_rule_id="x"))) == {"floor_rule_id"}


def test_a_table_names_the_place_of_a_term_that_would_say_nothing() -> None:
    problems = Problems("policy")
    table = {"id": "i", "kind": "interest", "rule": "uk.lpcda.interest", "rate_floor": "0.02"}
    read_charges([TableReader(table, path="charges[0]", problems=problems)], [UK])
    assert [problem.path for problem in problems.found] == ["charges[0].rate_floor"]


def reference(percent: str) -> ReferenceSeries:
    value = Fraction(percent) / 100
    values: Dated[Fraction] = Dated(
        points=[DatedValue(value=value, citation=SOURCE)], reviewed_through=date(2026, 12, 31)
    )
    return ReferenceSeries(id="REF", title="a reference", values=values)


def pack_of(value: Any, topic: str, percent: str = "2") -> RulePack:
    parameters: Dated[Any] = Dated(
        points=[DatedValue(value=value, citation=SOURCE)], reviewed_through=date(2026, 12, 31)
    )
    return RulePack(
        id="own",
        version="1",
        jurisdiction="XX",
        title="own",
        reviewed_through=date(2026, 12, 31),
        rules=[Rule(id="own.rule", topic=topic, text="a test", parameters=parameters)],
        series=[reference(percent)],
    )


def test_an_agreed_margin_keeps_within_its_bounds_and_above_a_legal_floor() -> None:
    agreed = pack_of(StatutoryInterest(series="REF", margin="0.03"), "contract_interest")
    legal = pack_of(RateFloor(series="REF", multiple="4"), "interest_floor")
    bounded = RateTerms(pack=agreed, rule_id="own.rule", rate_floor=Rate.percent(6))
    raised = RateTerms(pack=agreed, rule_id="own.rule", floor_pack=legal, floor_rule_id="own.rule")
    assert accrue(bounded, NEW_YEAR, date(2026, 2, 1)).pieces[0].rate == Rate.percent(6)
    found = accrue(raised, NEW_YEAR, date(2026, 2, 1)).pieces[0]
    assert (found.rate, "from 2 %" in found.because, "legal floor of 8 %" in found.because) == (
        Rate.percent(8),
        True,
        True,
    )
    assert raised.describe().startswith("the agreed rate, the reference rate plus 3 percentage points, as it changes")
    assert "never less than the legal floor (own/1" in raised.describe()


def test_a_floor_of_a_reference_below_zero_raises_nothing() -> None:
    legal = pack_of(RateFloor(series="REF", multiple="3"), "interest_floor", "-0.5")
    terms = RateTerms(rate=Rate.zero(), pack=legal, floor_rule_id="own.rule")
    assert accrue(terms, NEW_YEAR, date(2026, 2, 1)).amount == Money(0, EUR)


def test_a_legal_floor_for_businesses_leaves_a_consumer_the_contract_rate() -> None:
    # C. com. L441-10 speaks between businesses: 3 x 4.92 = 14.76 % in the second half of 2024, the contract says 12 %
    terms = RateTerms(rate=TWELVE, pack=FR, floor_rule_id="fr.l441_10.floor")
    invoice = attrs.evolve(
        LOAN, amount_original=Money(1_000_000, EUR), issued_on=date(2024, 6, 1), due_on=date(2024, 6, 30)
    )
    policy = InterestPolicy(id="i", terms=terms)
    business, consumer = (
        look(facts(date(2024, 8, 1), invoice, kind=kind), policy) for kind in ("business", "consumer")
    )
    assert [str(charge.amount) for charge in business.charges] == ["125.36 EUR"]  # 10,000 x 14.76 % x 31 / 365
    assert [str(charge.amount) for charge in consumer.charges] == ["101.92 EUR"]  # 10,000 x 12 % x 31 / 365
    assert consumer.skipped == ()


def test_a_floor_that_may_apply_is_not_passed_over() -> None:
    terms = RateTerms(
        rate=TWELVE, pack=pack_of(RateFloor(series="REF", multiple="4"), "floor"), floor_rule_id="own.rule"
    )
    (rule,) = terms.pack.rules if terms.pack is not None else ()
    unsure = attrs.evolve(rule, applies_to=Applicability(parties=("agency",)))
    policy = InterestPolicy(id="i", terms=attrs.evolve(terms, pack=attrs.evolve(terms.pack, rules=[unsure])))
    found = look(facts(date(2026, 2, 1)), policy)
    assert (found.charges, [reason.code for reason in found.skipped]) == ((), ["policy.law_unknown"])


def test_a_floor_that_is_not_known_names_its_own_pack() -> None:
    terms = RateTerms(rate=TWELVE, floor_pack=FR, floor_rule_id="fr.l441_10.floor")
    found = look(facts(date(2026, 12, 31)), InterestPolicy(id="i", terms=terms))
    assert [(reason.code, reason.cite) for reason in found.skipped] == [("policy.law_stale", FR.label)]
    span: dict[str, Any] = {"due_on": NEW_YEAR, "start_on": date(2026, 7, 1), "end_on": date(2026, 8, 1)}
    step = BalanceStep(from_on=NEW_YEAR, balance=Money(1, EUR))
    assert isinstance(accrue_on(terms, [step], **span), Stale)


# -- in words --------------------------------------------------------------------------------------------------


def test_terms_name_their_figures() -> None:
    belgium = jurisdictions.load("be-late-payment")
    india = jurisdictions.load_file(EXAMPLES / "in-msmed.toml")
    assert RateTerms(rate=Rate.percent(1, per="month")).describe() == "1 % per month"
    assert (
        "plus 8 percentage points, all of it rounded up to the next 0.5 %, as it changes"
        in RateTerms(pack=belgium, rule_id="be.late_interest").describe()
    )
    assert "3 times the reference rate, as it changes" in RateTerms(pack=india, rule_id="in.msmed.interest").describe()
    fixed = RateTerms(pack=UK, rule_id="uk.lpcda.interest", selection="fixed_at_due_date").describe()
    assert "plus 8 percentage points, as it is on the due date (Bank of England" in fixed
    assert UK.label in fixed


def test_the_printed_terms_say_how_days_disputes_and_due_dates_count() -> None:
    policy = InterestPolicy(id="i", terms=MONTHLY, due_in_days=14, on_charges=True)
    said = describe(ChargePolicy(interest=[policy]))
    for words in (
        "A month counts 30 days and a year 360 (30E/360).",
        "Unpaid interest is added to the debt every month.",
        "It is due 14 days after it is charged.",
        "It is not charged while a receivable is disputed.",
        "It is also charged on earlier charges.",
    ):
        assert words in said
