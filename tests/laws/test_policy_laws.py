"""Laws of charging: same facts, same charge; looking often or late changes nothing; no cap is ever passed."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import pairwise

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from collectkit import jurisdictions
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    CreditNote,
    Debtor,
    Dispute,
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
    Moratorium,
    RateCap,
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
    post,
    preview_balance,
    reversals_due,
)

START = date(2025, 11, 20)  # so that the looks cross the end of a year
LAST = date(2026, 3, 31)
CURRENCIES = ("EUR", "USD")

days = st.integers(0, 110).map(lambda n: START + timedelta(days=n))
amounts = st.integers(1, 30_000)


def per_currency(low: int, high: int) -> st.SearchStrategy[tuple[Money, ...]]:
    return st.integers(low, high).map(lambda minor: tuple(Money(minor, code) for code in CURRENCIES))


@st.composite
def fees(draw: st.DrawFn, identity: str) -> LateFeePolicy:
    kind = draw(st.sampled_from(["flat", "percent", "greater_of", "lesser_of", "tiered"]))
    once_per = draw(st.sampled_from(["receivable", "instalment", "period"]))
    terms: dict[str, object] = {"id": identity, "kind": kind, "once_per": once_per}
    if kind in ("percent", "greater_of", "lesser_of"):
        terms["rate"] = draw(st.sampled_from(["0", "0.015", "0.1", "1"]))
    if kind in ("flat", "greater_of", "lesser_of"):
        terms["amounts"] = draw(per_currency(0, 5_000))
    if draw(st.booleans()):
        terms["grace_days"] = draw(st.integers(0, 20))
        terms["grace_shifts_due"] = draw(st.booleans())
    else:
        terms["grace_business_days"] = draw(st.integers(0, 8))
    if kind == "tiered":
        cut = draw(st.integers(2, 60))
        terms["tiers"] = (
            Tier(days_min=1, days_max=cut - 1, amounts=draw(per_currency(0, 500))),
            Tier(days_min=cut, rate=draw(st.sampled_from(["0.01", "0.2"]))),
        )
        terms["tier_gaps"] = "none"
    if once_per == "period":
        if draw(st.booleans()):
            terms["period_days"] = draw(st.integers(1, 40))
        else:
            terms["period_months"] = draw(st.integers(1, 3))
        terms["times_max"] = draw(st.none() | st.integers(1, 4))
    for name in ("fee_cap", "item_cap", "yearly_cap", "minimum_balance"):
        if draw(st.booleans()):
            terms[name] = draw(per_currency(0, 3_000))
    terms["base"] = draw(st.sampled_from(["open", "original"]))
    terms["disputes"] = draw(st.sampled_from(["no_fee", "undisputed_part", "ignore"]))
    return LateFeePolicy(**terms)  # type: ignore[arg-type]


rate_terms = st.one_of(
    st.builds(
        RateTerms,
        rate=st.sampled_from([Rate.percent("9"), Rate.percent("1.5"), Rate.percent("120")]),
        day_count=st.sampled_from(["act/365f", "act/act-isda", "30E/360"]),
        rests_months=st.none() | st.integers(1, 2),
    ),
    st.just(RateTerms(pack=jurisdictions.load("de-late-payment"), rule_id="de.bgb288.business")),
    st.just(RateTerms(pack=jurisdictions.load("uk-late-payment"), rule_id="uk.lpcda.interest")),
)


@st.composite
def arrears_interest(draw: st.DrawFn) -> InterestPolicy:
    terms = draw(rate_terms)
    return InterestPolicy(
        id="interest",
        terms=terms,
        rounding_order="total_only" if terms.rests_months else draw(st.sampled_from(["total_only", "daily_first"])),
        rounding=draw(st.sampled_from(["half_even", "half_up"])),
        post_every_months=draw(st.none() | st.integers(1, 3)),
        grace_days=draw(st.integers(0, 40)),
        grace_shifts_due=draw(st.booleans()),
        minimum_amount=draw(st.just(()) | per_currency(0, 300)),
    )


RECOVERY = RecoverySumPolicy(id="sum", pack=jurisdictions.load("eu-late-payment"), rule_id="eu.lpd.compensation")
RETURNED = ReturnedPaymentPolicy(id="returned", amounts={"EUR": "7.50", "USD": "9"})

policies = st.builds(
    ChargePolicy,
    late_fees=st.tuples(fees("one"), fees("two")),
    interest=st.lists(arrears_interest(), max_size=1),
    recovery_sums=st.sampled_from([(), (RECOVERY,)]),
    returned_payments=st.sampled_from([(), (RETURNED,)]),
)

SOURCE = Citation(authority="a law", locator="1", address="example.org", read_on=START)


@st.composite
def packs(draw: st.DrawFn, name: str) -> RulePack:
    """A pack that limits fees and rates, and freezes both in a breathing space."""
    limit = FeeLimit(
        rate=draw(st.none() | st.sampled_from(["0", "0.02", "0.5"])),
        amounts=draw(per_currency(0, 900)),
        combine=draw(st.sampled_from(["lesser_of", "greater_of"])),
        base=draw(st.sampled_from(["past_due", "instalment"])),
        grace_days=draw(st.integers(0, 30)),
        due_day_counts=draw(st.booleans()),
    )
    values = [
        limit,
        RateCap(rate=draw(st.sampled_from(["0", "0.05", "1"]))),
        Moratorium(days=20, freezes=("fees", "interest")),
    ]
    return RulePack(
        id=name,
        version="1",
        jurisdiction="XX",
        title=name,
        reviewed_through=LAST,
        rules=[
            Rule(
                id=f"{name}.{number}",
                topic="test",
                text="a test",
                applies_to=Applicability(debtor_kinds=draw(st.sampled_from([(), ("business",), ("consumer",)]))),
                parameters=Dated(points=[DatedValue(value=value, citation=SOURCE)], reviewed_through=LAST),
            )
            for number, value in enumerate(values)
        ],
    )


@st.composite
def histories(draw: st.DrawFn) -> AccountSnapshot:
    """All facts of four months, as known at their end; evolve `as_of` to look earlier."""
    receivables, payments, credited, disputes, holds = [], [], [], [], []
    for number in range(draw(st.integers(1, 4))):
        issued_on = draw(days)
        receivables.append(
            Receivable(
                receivable_id=f"R-{number}",
                account_id="A",
                amount_original=Money(draw(amounts), draw(st.sampled_from(CURRENCIES))),
                issued_on=issued_on,
                due_on=issued_on + timedelta(days=draw(st.integers(0, 40))),
                kind=draw(st.sampled_from(["invoice", "instalment"])),
            )
        )
    ids = [one.receivable_id for one in receivables]
    for number in range(draw(st.integers(0, 3))):
        received_on = draw(days)
        payments.append(
            Payment(
                payment_id=f"P-{number}",
                account_id="A",
                amount=Money(draw(amounts), draw(st.sampled_from(CURRENCIES))),
                received_on=received_on,
                receivable_ids=tuple(draw(st.lists(st.sampled_from(ids), max_size=1))),
                returned_on=draw(st.none() | st.integers(1, 30).map(lambda n, on=received_on: on + timedelta(days=n))),
            )
        )
    if draw(st.booleans()):
        credited.append(
            CreditNote(credit_note_id="C-1", account_id="A", amount=Money(draw(amounts), "EUR"), issued_on=draw(days))
        )
    if draw(st.booleans()):
        raised_on = draw(days)
        disputes.append(
            Dispute(
                dispute_id="X-1",
                account_id="A",
                raised_on=raised_on,
                resolved_on=draw(st.none() | st.integers(0, 60).map(lambda n: raised_on + timedelta(days=n))),
                receivable_ids=tuple(draw(st.lists(st.sampled_from(ids), max_size=2, unique=True))),
                amount=draw(st.none() | amounts.map(lambda minor: Money(minor, "EUR"))),
            )
        )
    if draw(st.booleans()):
        placed_on = draw(days)
        holds.append(
            Hold(
                hold_id="H-1",
                account_id="A",
                reason=draw(st.sampled_from(["manual", "breathing_space"])),
                placed_on=placed_on,
                until_on=draw(st.none() | st.integers(0, 60).map(lambda n: placed_on + timedelta(days=n))),
                stops=draw(st.sampled_from([(), ("charges",), ("one",), ("letter",)])),
            )
        )
    plans = []
    if draw(st.booleans()):
        first = receivables[0]
        agreed_on = first.issued_on + timedelta(days=draw(st.integers(0, 60)))
        parts = first.amount_original.split(3)
        plans.append(
            PlanAgreement(
                plan_id="PL-1",
                account_id="A",
                covers=(first.receivable_id,),
                agreed_on=agreed_on,
                instalments=tuple(
                    PlannedInstalment(number=n, due_on=agreed_on + timedelta(days=15 * n), amount=parts[n - 1])
                    for n in (1, 2, 3)
                ),
                tolerance_days=draw(st.integers(0, 20)),
                cancelled_on=draw(st.none() | st.just(agreed_on + timedelta(days=30))),
            )
        )
    return AccountSnapshot(
        as_of=START,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=tuple(receivables),
        payments=tuple(payments),
        credit_notes=tuple(credited),
        disputes=tuple(disputes),
        holds=tuple(holds),
        plans=tuple(plans),
    )


def look(policy: ChargePolicy, snapshot: AccountSnapshot, law: tuple[RulePack, ...] = ()) -> ChargesDue:
    return charges_due(policies=policy, snapshot=snapshot, balance=balance_of(snapshot), packs=law)


def at(snapshot: AccountSnapshot, on: date) -> AccountSnapshot:
    return attrs.evolve(snapshot, as_of=on)


def run(
    policy: ChargePolicy, snapshot: AccountSnapshot, looks: list[date], law: tuple[RulePack, ...] = ()
) -> AccountSnapshot:
    """Look on the given days and post what has fallen due."""
    for on in looks:
        snapshot = post(at(snapshot, on), look(policy, at(snapshot, on), law).charges)
    return snapshot


def every_day() -> list[date]:
    return [START + timedelta(days=n) for n in range((LAST - START).days + 1)]


def charged(snapshot: AccountSnapshot) -> set[tuple[str | None, Money, date]]:
    return {(one.charge_key, one.amount_original, one.issued_on) for one in snapshot.receivables if one.is_charge}


@settings(max_examples=60)  # each looks on every day of four months
@given(policies, histories(), st.just(()) | st.tuples(packs("p")))
def test_looking_daily_equals_looking_only_on_next_on(
    policy: ChargePolicy, history: AccountSnapshot, law: tuple[RulePack, ...]
) -> None:
    seldom, on = history, START
    while on <= LAST:
        found = look(policy, at(seldom, on), law)
        seldom = post(at(seldom, on), found.charges)
        later = look(policy, at(seldom, on), law)
        assert not later.charges
        if later.next_on is None:
            break
        assert later.next_on > on
        on = later.next_on
    assert charged(seldom) == charged(run(policy, history, every_day(), law))


@given(policies, histories(), days)
def test_looking_twice_charges_once(policy: ChargePolicy, history: AccountSnapshot, on: date) -> None:
    once = run(policy, history, [on])
    assert charged(run(policy, once, [on])) == charged(once)


@given(policies, histories(), st.lists(days, max_size=6), st.integers(0, 999))
def test_any_schedule_of_looks_charges_each_key_at_most_once(
    policy: ChargePolicy, history: AccountSnapshot, looks: list[date], seed: int
) -> None:
    random.Random(seed).shuffle(looks)
    keys = [one.charge_key for one in run(policy, history, looks).receivables if one.is_charge]
    assert len(keys) == len(set(keys))


@given(policies, histories(), days, st.integers(0, 999))
def test_the_order_of_records_changes_no_charge(
    policy: ChargePolicy, history: AccountSnapshot, on: date, seed: int
) -> None:
    order = random.Random(seed)
    receivables = list(history.receivables)
    payments = list(history.payments)
    order.shuffle(receivables)
    order.shuffle(payments)
    other = attrs.evolve(history, receivables=receivables, payments=payments)
    assert look(policy, at(other, on)) == look(policy, at(history, on))


@given(policies, histories(), st.lists(days, min_size=1, max_size=8))
def test_no_cap_is_passed(policy: ChargePolicy, history: AccountSnapshot, looks: list[date]) -> None:
    final = run(policy, history, sorted(looks))
    for fee in policy.late_fees:
        made = [one for one in final.receivables if one.is_charge and one.kind == fee.id]
        for cap in fee.fee_cap:
            assert all(one.amount_original <= cap for one in made if one.amount_original.currency == cap.currency)
        for cap in fee.yearly_cap:
            for year in (2025, 2026):
                minor = [one.amount_original for one in made if one.issued_on.year == year]
                assert sum(one.minor for one in minor if one.currency == cap.currency) <= cap.minor
        for cap in fee.item_cap:
            for origin in {one.parent_id for one in made}:
                minor = [one.amount_original for one in made if one.parent_id == origin]
                assert sum(one.minor for one in minor if one.currency == cap.currency) <= cap.minor


@given(policies, histories(), days)
def test_nothing_is_charged_on_what_is_not_open(policy: ChargePolicy, history: AccountSnapshot, on: date) -> None:
    snapshot = at(history, on)
    balance = balance_of(snapshot)
    planned = {name for plan in history.plans for name in plan.covers}
    for charge in look(policy, snapshot).charges:
        if charge.key.startswith(("accrual:", "cost:")):  # owed since before the principal was paid, and after it
            continue
        assert balance.item(charge.receivable_id).is_open or charge.receivable_id in planned
        assert charge.amount.is_positive


@given(policies, histories(), days)
def test_a_charge_is_never_charged_on_a_charge(policy: ChargePolicy, history: AccountSnapshot, on: date) -> None:
    once = run(policy, history, [on])
    much_later = look(policy, at(once, LAST))
    principal = {one.receivable_id for one in history.receivables}
    assert {charge.receivable_id for charge in much_later.charges} <= principal


@given(fees("one"), fees("one"), histories(), days)
def test_the_most_specific_variant_is_the_only_one_that_charges(
    general: LateFeePolicy, special: LateFeePolicy, history: AccountSnapshot, on: date
) -> None:
    special = attrs.evolve(special, applies_to=AppliesTo(currencies=("EUR", "USD")))
    both = ChargePolicy(late_fees=[general, special])
    assert look(both, at(history, on)) == look(ChargePolicy(late_fees=[special]), at(history, on))


@settings(max_examples=60)
@given(policies, histories(), days, st.integers(0, 90))
def test_the_preview_is_what_daily_looks_will_charge(
    policy: ChargePolicy, history: AccountSnapshot, on: date, ahead: int
) -> None:
    later = on + timedelta(days=ahead)
    preview = preview_balance(at(history, on), later, policies=policy)
    daily = run(policy, history, [on + timedelta(days=n) for n in range(ahead + 1)])
    assert {(charge.key, charge.amount, charge.charged_on) for charge in preview.charges} == charged(daily)
    assert {one.currency: one for one in preview.amount_open} == balance_of(at(daily, later)).amount_open


@given(policies, histories(), days, packs("one"), packs("two"))
def test_adding_a_pack_never_raises_what_is_charged(
    policy: ChargePolicy, history: AccountSnapshot, on: date, first: RulePack, second: RulePack
) -> None:
    # per receivable and component: a law that caps all fees of one late payment leaves more to the second fee where
    # another law lowered the first, so the sums are what must never rise
    history = attrs.evolve(history, holds=tuple(ended(one) for one in history.holds))
    looks = [look(policy, at(history, on), law) for law in ((), (first,), (first, second))]
    for fewer, more in pairwise(looks):
        before, after = sums(fewer), sums(more)
        assert all(after[key] <= before.get(key, 0) for key in after)
        assert {charge.key for charge in more.charges} <= {
            charge.key for charge in look(policy, at(history, on)).charges
        }


def ended(hold: Hold) -> Hold:
    """Give a breathing space an end: to one without, a pack gives its own, and what falls due after that is charged."""
    return hold if hold.reason.value == "manual" or hold.until_on else attrs.evolve(hold, until_on=LAST)


def sums(found: ChargesDue) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for charge in found.charges:
        key = (charge.receivable_id, charge.component)
        totals[key] = totals.get(key, 0) + charge.amount.minor
    return totals


@given(policies, histories(), days, packs("one"), packs("two"))
def test_the_order_of_packs_is_irrelevant(
    policy: ChargePolicy, history: AccountSnapshot, on: date, first: RulePack, second: RulePack
) -> None:
    assert look(policy, at(history, on), (first, second)) == look(policy, at(history, on), (second, first))


@given(arrears_interest(), histories(), st.lists(days, max_size=8))
def test_any_split_of_the_accrual_gives_the_same_total(
    interest: InterestPolicy, history: AccountSnapshot, looks: list[date]
) -> None:
    policy = ChargePolicy(interest=[attrs.evolve(interest, minimum_amount=())])
    # money goes to principal: undirected money pays posted interest first, so that more principal bears interest, rightly
    names = tuple(one.receivable_id for one in history.receivables)
    facts = attrs.evolve(
        history,
        disputes=(),
        holds=(),
        plans=(),
        payments=tuple(attrs.evolve(one, returned_on=None, receivable_ids=names) for one in history.payments),
        credit_notes=tuple(attrs.evolve(one, receivable_ids=names) for one in history.credit_notes),
    )
    often, once = run(policy, facts, [*sorted(looks), LAST]), run(policy, facts, [LAST])

    def totals(snapshot: AccountSnapshot) -> dict[str | None, int]:
        found: dict[str | None, int] = {}
        for one in snapshot.receivables:
            if one.is_charge:
                found[one.parent_id] = found.get(one.parent_id, 0) + one.amount_original.minor
        return found

    assert totals(often) == totals(once)


# -- caps of the creditor and limits of the law ----------------------------------------------------------------


@st.composite
def capped_fees(draw: st.DrawFn, identity: str) -> LateFeePolicy:
    """A fee whose caps over several charges bite, and which falls due several times."""
    terms: dict[str, object] = {"id": identity, "kind": "flat", "amounts": per_euro(draw(st.integers(300, 2_500)))}
    if draw(st.booleans()):
        terms |= {"kind": "percent", "amounts": (), "rate": draw(st.sampled_from(["0.02", "0.1", "0.5"]))}
    if draw(st.booleans()):
        terms |= {"once_per": "period", "period_days": draw(st.sampled_from([1, 9, 30])), "times_max": 4}
    for name in draw(st.sampled_from([("yearly_cap",), ("item_cap",), ("item_cap", "yearly_cap")])):
        terms[name] = per_euro(draw(st.integers(400, 3_000)))
    return LateFeePolicy(grace_days=draw(st.integers(0, 10)), **terms)  # type: ignore[arg-type]


def per_euro(minor: int) -> tuple[Money, ...]:
    return (Money(minor, "EUR"),)


@st.composite
def fee_laws(draw: st.DrawFn, name: str) -> RulePack:
    limit = FeeLimit(
        rate=draw(st.none() | st.sampled_from(["0.01", "0.1"])),
        amounts=per_euro(draw(st.integers(0, 900))),
        base=draw(st.sampled_from(["past_due", "instalment"])),
        grace_days=draw(st.sampled_from([0, 0, 15])),
    )
    return a_pack(limit, name)


def a_pack(limit: FeeLimit, name: str) -> RulePack:
    rule = Rule(
        id=f"{name}.fee",
        topic="test",
        text="a test",
        parameters=Dated(points=[DatedValue(value=limit, citation=SOURCE)], reviewed_through=LAST),
    )
    return RulePack(id=name, version="1", jurisdiction="XX", title=name, reviewed_through=LAST, rules=[rule])


@st.composite
def debts(draw: st.DrawFn) -> AccountSnapshot:
    """A few receivables of one currency, some paid in part or in full, one perhaps with money that comes back."""
    receivables, payments = [], []
    for number in range(draw(st.integers(2, 4))):
        issued_on = START + timedelta(days=draw(st.integers(0, 60)))
        receivables.append(
            Receivable(
                receivable_id=f"R-{number}",
                account_id="A",
                amount_original=Money(draw(st.integers(2_000, 30_000)), "EUR"),
                issued_on=issued_on,
                due_on=issued_on + timedelta(days=draw(st.integers(0, 10))),
            )
        )
        if draw(st.booleans()):
            received_on = issued_on + timedelta(days=draw(st.integers(0, 80)))
            payments.append(
                Payment(
                    payment_id=f"P-{number}",
                    account_id="A",
                    amount=Money(draw(st.integers(1, 30_000)), "EUR"),
                    received_on=received_on,
                    returned_on=draw(st.none() | st.just(received_on + timedelta(days=12))),
                    receivable_ids=draw(st.sampled_from([(), (f"R-{number}",)])),
                )
            )
    return AccountSnapshot(
        as_of=START,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=receivables,
        payments=payments,
    )


capped = st.builds(
    ChargePolicy, late_fees=st.tuples(capped_fees("one")) | st.tuples(capped_fees("one"), capped_fees("two"))
)
laws = st.just(()) | st.tuples(fee_laws("p")) | st.tuples(fee_laws("p"), fee_laws("q"))
some_days = st.lists(days, min_size=1, max_size=5).map(sorted)


@given(capped, debts(), some_days, laws)
def test_looking_again_on_the_day_of_a_look_charges_nothing_whatever_the_caps_and_the_law(
    policy: ChargePolicy, history: AccountSnapshot, looks: list[date], law: tuple[RulePack, ...]
) -> None:
    for on in looks:
        history = run(policy, history, [on], law)
        assert look(policy, at(history, on), law).charges == ()


@given(capped, debts(), some_days, laws)
def test_no_cap_is_passed_whatever_the_law_takes_off(
    policy: ChargePolicy, history: AccountSnapshot, looks: list[date], law: tuple[RulePack, ...]
) -> None:
    made = [one for one in run(policy, history, looks, law).receivables if one.is_charge]
    for fee in policy.late_fees:
        mine = [one for one in made if one.kind == fee.id]
        for cap in fee.item_cap:
            for name in {one.parent_id for one in mine}:
                assert sum(one.amount_original.minor for one in mine if one.parent_id == name) <= cap.minor
        for cap in fee.yearly_cap:
            for year in (2025, 2026):
                assert sum(one.amount_original.minor for one in mine if one.issued_on.year == year) <= cap.minor


@given(capped, debts(), some_days, fee_laws("p"), fee_laws("q"))
def test_a_pack_raises_neither_a_look_nor_what_is_charged_in_the_end(
    policy: ChargePolicy, history: AccountSnapshot, looks: list[date], first: RulePack, second: RulePack
) -> None:
    ways = ((), (first,), (first, second))
    for on in looks:
        seen = [sums(look(policy, at(history, on), law)) for law in ways]
        for fewer, more in pairwise(seen):
            assert all(more[key] <= fewer.get(key, 0) for key in more)
    totals = [made(run(policy, history, looks, law)) for law in ways]
    assert totals == sorted(totals, reverse=True)


def made(snapshot: AccountSnapshot) -> int:
    return sum(one.amount_original.minor for one in snapshot.receivables if one.is_charge)


# -- knowing late -----------------------------------------------------------------------------------------------


@st.composite
def plain_fees(draw: st.DrawFn, identity: str) -> LateFeePolicy:
    terms: dict[str, object] = {"id": identity, "kind": "flat", "amounts": per_euro(draw(st.integers(300, 2_500)))}
    if draw(st.booleans()):
        terms |= {"kind": "percent", "amounts": (), "rate": draw(st.sampled_from(["0.02", "0.1"]))}
    if draw(st.booleans()):
        terms |= {"once_per": "period", "period_days": draw(st.sampled_from([5, 9, 30])), "times_max": 3}
    if draw(st.booleans()):
        terms["minimum_balance"] = per_euro(draw(st.integers(100, 5_000)))
    return LateFeePolicy(grace_days=draw(st.integers(0, 10)), **terms)  # type: ignore[arg-type]


@st.composite
def told_late(draw: st.DrawFn) -> AccountSnapshot:
    """Receivables of a month, and money that counts from before the day on which it comes in; some of it comes back."""
    receivables, payments = [], []
    for number in range(draw(st.integers(1, 3))):
        issued_on = START + timedelta(days=draw(st.integers(0, 25)))
        receivables.append(
            Receivable(
                receivable_id=f"R-{number}",
                account_id="A",
                amount_original=Money(draw(st.integers(2_000, 30_000)), "EUR"),
                issued_on=issued_on,
                due_on=issued_on + timedelta(days=draw(st.integers(0, 10))),
            )
        )
    for number in range(draw(st.integers(1, 3))):
        effective_on = START + timedelta(days=draw(st.integers(0, 40)))
        received_on = effective_on + timedelta(days=draw(st.sampled_from([0, 3, 12, 25])))
        payments.append(
            Payment(
                payment_id=f"P-{number}",
                account_id="A",
                amount=Money(draw(st.integers(1, 40_000)), "EUR"),
                received_on=received_on,
                effective_on=effective_on,
                returned_on=draw(st.none() | st.integers(0, 15).map(lambda n, on=received_on: on + timedelta(days=n))),
                receivable_ids=draw(st.sampled_from([(), ("R-0",)])),
            )
        )
    return AccountSnapshot(
        as_of=START,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=receivables,
        payments=payments,
    )


def known_on(history: AccountSnapshot, on: date, *, is_told_late: bool) -> tuple[Payment, ...]:
    seen = [one for one in history.payments if (one.received_on if is_told_late else one.effective_on) <= on]
    return tuple(
        attrs.evolve(one, returned_on=one.returned_on if one.returned_on and one.returned_on <= on else None)
        for one in seen
    )


def lived(
    policy: ChargePolicy, history: AccountSnapshot, *, is_told_late: bool, looks: int = 1
) -> tuple[AccountSnapshot, int]:
    """Take back and charge on every day, as often as told; return what came of it, and how much later looks did."""
    snapshot, more = history, 0
    for day in range(70):
        on = START + timedelta(days=day)
        for number in range(looks):
            snapshot = attrs.evolve(snapshot, as_of=on, payments=known_on(history, on, is_told_late=is_told_late))
            wrong = reversals_due(policies=policy, snapshot=snapshot, is_by_payments=True)
            back = tuple(one.as_waiver(on=on, authority="policy") for one in wrong)
            snapshot = attrs.evolve(snapshot, waivers=snapshot.waivers + back)
            found = look(policy, snapshot).charges
            snapshot = post(snapshot, found)
            more += len(wrong) + len(found) if number else 0
    return snapshot, more


def standing(snapshot: AccountSnapshot) -> dict[tuple[str | None, str], int]:
    back: dict[str, int] = {}
    for waiver in snapshot.waivers:
        back[waiver.receivable_id] = back.get(waiver.receivable_id, 0) + waiver.amount.minor
    sums: dict[tuple[str | None, str], int] = {}
    for one in snapshot.receivables:
        left = one.amount_original.minor - back.get(one.receivable_id, 0)
        assert left >= 0
        if one.is_charge and left:
            sums[one.parent_id, one.kind] = sums.get((one.parent_id, one.kind), 0) + left
    return sums


some_fees = st.tuples(plain_fees("one")) | st.tuples(plain_fees("one"), plain_fees("two"))
MONTHLY = InterestPolicy(
    id="interest", terms=RateTerms(rate=Rate.percent("30"), day_count="act/365f"), post_every_months=1
)


@settings(max_examples=20)  # each lives through seventy days twice
@given(some_fees, st.sampled_from([(), (MONTHLY,)]), st.sampled_from([(), (RECOVERY,)]), told_late())
def test_whatever_is_told_late_looking_twice_takes_back_and_charges_once(
    late_fees: tuple[LateFeePolicy, ...],
    interest: tuple[InterestPolicy, ...],
    recovery_sums: tuple[RecoverySumPolicy, ...],
    history: AccountSnapshot,
) -> None:
    policy = ChargePolicy(
        late_fees=late_fees, interest=interest, recovery_sums=recovery_sums, returned_payments=[RETURNED]
    )
    once, _ = lived(policy, history, is_told_late=True)
    twice, more = lived(policy, history, is_told_late=True, looks=2)
    assert more == 0
    assert charged(once) == charged(twice)
    assert once.waivers == twice.waivers


@settings(max_examples=20)
@given(some_fees, told_late())
def test_fees_that_were_charged_in_ignorance_end_as_if_all_had_been_known(
    late_fees: tuple[LateFeePolicy, ...], history: AccountSnapshot
) -> None:
    policy = ChargePolicy(late_fees=late_fees)
    kept = attrs.evolve(history, payments=[attrs.evolve(one, returned_on=None) for one in history.payments])
    late, _ = lived(policy, kept, is_told_late=True)
    at_once, _ = lived(policy, kept, is_told_late=False)
    assert standing(late) == standing(at_once)
    assert not at_once.waivers


@given(policies, histories(), some_days, laws)
def test_no_charge_is_taken_back_where_nothing_new_is_known(
    policy: ChargePolicy, history: AccountSnapshot, looks: list[date], law: tuple[RulePack, ...]
) -> None:
    for on in looks:
        history = run(policy, history, [on], law)
        assert reversals_due(policies=policy, snapshot=at(history, on), packs=law) == ()


# -- terms that change ------------------------------------------------------------------------------------------


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(1, 45), st.sampled_from([3, 6, 12])), min_size=1, max_size=8),
    st.none() | st.integers(1, 2),
)
def test_each_day_bears_interest_once_at_the_rate_of_its_posting_however_the_terms_change(
    size: int, looks: list[tuple[int, int]], rests: int | None
) -> None:
    principal = Money(size * 1_200_000, "EUR")  # whole cents a day at each of the rates
    debt = Receivable(
        receivable_id="R-0", account_id="A", amount_original=principal, issued_on=START, due_on=START, kind="invoice"
    )
    snapshot = AccountSnapshot(
        as_of=START,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[debt],
    )
    until = START + timedelta(days=1)
    for days_later, percent in looks:
        terms = RateTerms(rate=Rate.percent(percent), day_count="act/360", rests_months=rests)
        policy = ChargePolicy(interest=[InterestPolicy(id="interest", terms=terms)])
        snapshot = at(snapshot, snapshot.as_of + timedelta(days=days_later))
        found = look(policy, snapshot).charges
        for charge in found:
            first, _, last = charge.key.rpartition(":")[2].partition("..")
            assert date.fromisoformat(first) == until
            until = date.fromisoformat(last)
            simple = principal.minor * percent * (until - date.fromisoformat(first)).days // 36_000
            assert charge.amount.minor == simple if rests is None else charge.amount.minor >= simple
        snapshot = post(snapshot, found)
        assert look(policy, snapshot).charges == ()
        assert reversals_due(policies=policy, snapshot=snapshot) == ()


@given(fees("one"), fees("one"), debts(), st.lists(st.tuples(days, st.booleans()), max_size=8))
def test_a_change_of_variant_and_back_charges_no_more_periods_than_one_of_them(
    general: LateFeePolicy, special: LateFeePolicy, history: AccountSnapshot, looks: list[tuple[date, bool]]
) -> None:
    special = attrs.evolve(special, applies_to=AppliesTo(segments=("other",)))
    policy = ChargePolicy(late_fees=[general, special])
    for day, is_other in sorted(looks):
        segment = "other" if is_other else ""
        here = at(history, day)
        due = charges_due(policies=policy, snapshot=here, balance=balance_of(here), segment=segment)
        history = post(here, due.charges)
        again = charges_due(policies=policy, snapshot=history, balance=balance_of(history), segment=segment)
        assert again.charges == ()
    keys = [one.charge_key for one in history.receivables if one.is_charge]
    assert len(keys) == len(set(keys))
    for kept in {one.parent_id for one in history.receivables if one.is_charge}:
        mine = [one.issued_on for one in history.receivables if one.is_charge and one.parent_id == kept]
        if general.once_per == special.once_per == "receivable" and "tiered" not in (general.kind, special.kind):
            assert len(mine) == 1


@given(st.integers(100_000, 3_000_000), st.sampled_from([3, 7, 11]), st.lists(st.integers(40, 110), max_size=6))
def test_after_a_change_of_terms_no_cent_depends_on_how_often_one_posts(
    minor: int, percent: int, looks: list[int]
) -> None:
    debt = Receivable(
        receivable_id="R-0", account_id="A", amount_original=Money(minor, "EUR"), issued_on=START, due_on=START
    )
    facts = AccountSnapshot(
        as_of=START,
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="business"),
        receivables=[debt],
    )

    def rated(number: int) -> ChargePolicy:
        terms = RateTerms(rate=Rate.percent(number), day_count="act/365f")
        return ChargePolicy(interest=[InterestPolicy(id="interest", terms=terms)])

    changed = run(rated(9), facts, [START + timedelta(days=35)])
    often = run(rated(percent), changed, [START + timedelta(days=number) for number in (*sorted(looks), 130)])
    once = run(rated(percent), changed, [START + timedelta(days=130)])
    assert made(often) == made(once)


@settings(max_examples=30)  # each looks on every day, twice over
@given(plain_fees("one"), plain_fees("one"), debts(), st.integers(1, 30), st.integers(0, 20))
def test_a_pack_raises_no_fee_of_an_account_that_changes_its_segment_meanwhile(
    general: LateFeePolicy, special: LateFeePolicy, history: AccountSnapshot, grace: int, days_late: int
) -> None:
    # on the same days: where another variant counts its periods otherwise, there may be more of them
    terms = {name: getattr(general, name) for name in ("once_per", "period_days", "times_max", "grace_days")}
    special = attrs.evolve(special, applies_to=AppliesTo(segments=("old",)), **terms)
    policy = ChargePolicy(late_fees=[general, special])
    law = a_pack(FeeLimit(amounts=per_euro(2_000), grace_days=grace, base="instalment"), "p")
    changes_on = min(one.due_on for one in history.receivables) + timedelta(days=days_late)
    totals = []
    for packs_then in ((), (law,)):
        then = history
        for on in every_day():
            segment = "old" if on >= changes_on else ""
            here = at(then, on)
            due = charges_due(
                policies=policy, snapshot=here, balance=balance_of(here), segment=segment, packs=packs_then
            )
            then = post(here, due.charges)
        totals.append(standing(then))
    without, with_law = totals
    assert all(minor <= without.get(place, 0) for place, minor in with_law.items())
