"""Laws of negotiation: nothing beyond the limits, never less for more leave, and a counter-offer that is a real one."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import attrs
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.calendars import Every
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.settlement import (
    SPLIT_MAX,
    Authority,
    Counter,
    Offer,
    Proposal,
    SettlementLimits,
    answer,
    offers,
)

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
BALANCES = st.integers(1, 500_000).map(lambda minor: Money(minor, "EUR"))
SHARES = st.fractions(0, Fraction(9, 10), max_denominator=20)
RHYTHMS = st.sampled_from(
    [Every(1, "months"), Every(2, "weeks"), Every(10, "days"), Every(3, "months"), Every(1, "years")]
)


@st.composite
def authorities(draw: st.DrawFn, role: str = "clerk") -> Authority:
    return Authority(
        role=role,
        instalments_max=draw(st.integers(1, 24)),
        days_max=draw(st.integers(1, 700)),
        deferral_days_max=draw(st.sampled_from([0, 0, 20, 45, 90, 180])),
        discount_max=draw(st.just(Fraction(0)) | SHARES),
    )


@st.composite
def limits(draw: st.DrawFn) -> SettlementLimits:
    floor = draw(st.none() | st.integers(1, 60_000))
    return SettlementLimits(
        authorities=[draw(authorities())],
        instalment_min=[] if floor is None else [Money(floor, "EUR")],
        first_payment_days_max=draw(st.integers(1, 60)),
        valid_days=draw(st.integers(1, 60)),
        completion_days=draw(st.integers(1, 60)),
        rate=draw(st.none() | st.sampled_from([Rate.percent("0.01"), Rate.percent("9"), Rate.percent("29.9")])),
    )


@st.composite
def narrower(draw: st.DrawFn, wide: SettlementLimits) -> SettlementLimits:
    (role,) = wide.authorities
    floor = wide.instalment_min[0].minor if wide.instalment_min else 0
    return SettlementLimits(
        authorities=[
            Authority(
                role=role.role,
                instalments_max=draw(st.integers(1, role.instalments_max)),
                days_max=draw(st.integers(1, role.days_max)),
                deferral_days_max=draw(st.integers(0, role.deferral_days_max)),
                discount_max=draw(st.fractions(0, role.discount_max, max_denominator=40)),
            )
        ],
        instalment_min=[Money(draw(st.integers(floor, 80_000)), "EUR")],
        first_payment_days_max=draw(st.integers(1, wide.first_payment_days_max)),
        completion_days=draw(st.integers(1, wide.completion_days)),
        rate=wide.rate,
    )


@st.composite
def proposals(draw: st.DrawFn, on: date, balance: Money) -> Proposal:
    amount = draw(st.none() | st.integers(1, balance.minor + 10).map(lambda minor: Money(minor, "EUR")))
    return Proposal(
        instalments=draw(st.integers(1, 30)),
        first_on=on + timedelta(days=draw(st.integers(-3, 120))),
        every=draw(RHYTHMS),
        amount=amount,
    )


def within(offer: Offer, balance: Money, on: date, rules: SettlementLimits) -> None:
    """Hold an offer against every limit, by figures read from the offer alone."""
    (role,) = rules.authorities
    floor = rules.instalment_min[0] if rules.instalment_min else Money(0, "EUR")
    last = on + timedelta(days=role.days_max)
    assert on <= offer.first_on <= offer.ends_on <= last
    assert offer.granted_by == role.role
    assert on <= offer.valid_until_on <= min(on + timedelta(days=rules.valid_days), offer.first_on)
    first_days = max(rules.first_payment_days_max, role.deferral_days_max)
    if offer.settlement is not None:
        assert offer.kind == "settlement"
        assert offer.plan is None
        assert offer.recovered == offer.settlement.amount < balance == offer.settlement.balance
        assert Fraction(balance.minor - offer.recovered.minor, balance.minor) <= role.discount_max
        assert offer.settlement.pay_until_on == offer.ends_on <= on + timedelta(days=rules.completion_days)
        return
    if offer.plan is None:
        assert offer.recovered == balance
        assert offer.first_on <= on + timedelta(days=max(first_days, rules.completion_days))
        return
    rows = list(offer.plan.schedule)
    assert len(rows) <= role.instalments_max
    assert sum(row.principal.minor for row in rows) == balance.minor  # to the cent
    assert sum(row.total.minor for row in rows) == offer.recovered.minor
    assert offer.recovered == balance or (rules.rate is not None and len(rows) > SPLIT_MAX)
    assert (rows[0].due_on, rows[-1].due_on) == (offer.first_on, offer.ends_on)
    assert offer.first_on <= on + timedelta(days=first_days)
    assert len(rows) == 1 or all(row.total >= floor for row in rows)
    assert all(row.total.is_positive for row in rows)
    assert max(row.total for row in rows) == offer.largest_payment


@given(
    balance=BALANCES,
    on=DAYS,
    rules=limits(),
    affordable=st.none() | BALANCES,
    payday=st.none() | st.integers(-60, 60),
)
def test_every_offer_lies_within_every_limit(
    balance: Money, on: date, rules: SettlementLimits, affordable: Money | None, payday: int | None
) -> None:
    found = offers(
        account_id="A",
        balance=balance,
        covers=["I"],
        on=on,
        limits=rules,
        affordable=affordable,
        paydays_from=None if payday is None else on + timedelta(days=payday),
    )
    for offer in found:
        within(offer, balance, on, rules)
        if offer.kind == "personalised" and affordable is not None:
            assert offer.largest_payment <= affordable
    kinds = [offer.kind for offer in found]
    assert len(set(kinds)) == len(kinds)
    terms = [(offer.first_on, offer.ends_on, offer.recovered, offer.largest_payment) for offer in found]
    assert len(set(terms)) == len(terms)


@given(balance=BALANCES, on=DAYS, rules=limits())
def test_there_are_two_different_offers_wherever_two_instalments_are_allowed(
    balance: Money, on: date, rules: SettlementLimits
) -> None:
    (role,) = rules.authorities
    floor = max(1, rules.instalment_min[0].minor if rules.instalment_min else 1)
    found = offers(account_id="A", balance=balance, covers=["I"], on=on, limits=rules)
    allowed = role.instalments_max >= 2 and balance.minor >= 2 * floor
    assert len(found) >= (2 if allowed else 1)
    assert found[0].settlement is None
    assert any(offer.recovered == balance for offer in found)


@given(data=st.data(), balance=BALANCES, on=DAYS, rules=limits())
def test_an_answer_is_an_offer_within_the_limits_or_every_reason_with_the_nearest_that_is_accepted(
    data: st.DataObject, balance: Money, on: date, rules: SettlementLimits
) -> None:
    proposal = data.draw(proposals(on, balance))
    found = answer(proposal=proposal, account_id="A", balance=balance, covers=["I"], on=on, limits=rules)
    if isinstance(found, Offer):
        within(found, balance, on, rules)
        assert found.first_on == proposal.first_on
        if proposal.amount is None:
            assert (1 if found.plan is None else len(found.plan.schedule)) == proposal.instalments
        return
    assert isinstance(found, Counter)
    assert found.declined.reasons
    assert found.nearest is not None
    within(found.nearest, balance, on, rules)
    again = accepted(found.nearest, balance, on, rules, proposal.every)
    assert isinstance(again, Offer)
    assert (again.recovered, again.first_on, again.ends_on) == (
        found.nearest.recovered,
        found.nearest.first_on,
        found.nearest.ends_on,
    )
    if proposal.amount is not None:
        assert found.nearest.recovered >= min(proposal.amount, balance)  # never less than was proposed


def accepted(offer: Offer, balance: Money, on: date, rules: SettlementLimits, every: Every) -> Offer | Counter:
    """Propose an offer back, in its own rhythm or, where it was moved to months, by the month."""
    rhythms = [every, Every(1, "months")]
    if offer.plan is not None:
        rhythms = [offer.plan.terms.every]
    proposal = Proposal(
        instalments=1 if offer.plan is None else len(offer.plan.schedule),
        first_on=offer.first_on,
        every=rhythms[0],
        amount=None if offer.settlement is None else offer.recovered,
    )
    return answer(proposal=proposal, account_id="A", balance=balance, covers=["I"], on=on, limits=rules)


@given(balance=BALANCES, on=DAYS, rules=limits())
def test_every_listed_offer_would_be_accepted_if_the_debtor_proposed_it(
    balance: Money, on: date, rules: SettlementLimits
) -> None:
    for offer in offers(account_id="A", balance=balance, covers=["I"], on=on, limits=rules):
        found = accepted(offer, balance, on, rules, Every(1, "months"))
        assert isinstance(found, Offer), (offer.in_words(), str(found.declined))


@given(data=st.data(), balance=BALANCES, on=DAYS, wide=limits())
def test_wider_limits_accept_all_that_narrower_ones_do(
    data: st.DataObject, balance: Money, on: date, wide: SettlementLimits
) -> None:
    """G7: a repeat debtor, whose limits lie within those of a first-time one, provably gets no more."""
    narrow = data.draw(narrower(wide))
    assert narrow.is_within(wide)
    assert wide.is_within(narrow) == (
        narrow.authorities == wide.authorities
        and narrow.first_payment_days_max == wide.first_payment_days_max
        and narrow.completion_days == wide.completion_days
        and (wide.instalment_min or (Money(0, "EUR"),)) == narrow.instalment_min
    )
    proposal = data.draw(proposals(on, balance))
    asked = [
        answer(proposal=proposal, account_id="A", balance=balance, covers=["I"], on=on, limits=rules)
        for rules in (narrow, wide)
    ]
    if isinstance(asked[0], Offer):
        assert isinstance(asked[1], Offer)
        assert attrs.evolve(asked[1], valid_until_on=asked[0].valid_until_on, reasons=()) == attrs.evolve(
            asked[0], reasons=()
        )
    for offer in offers(account_id="A", balance=balance, covers=["I"], on=on, limits=narrow):
        assert isinstance(accepted(offer, balance, on, wide, Every(1, "months")), Offer)


@given(balance=BALANCES, on=DAYS, data=st.data())
def test_a_greater_authority_may_do_all_that_a_lesser_one_may(balance: Money, on: date, data: st.DataObject) -> None:
    wide = data.draw(limits())
    narrow = data.draw(narrower(wide))
    clerk, chief = narrow.authorities[0], attrs.evolve(wide.authorities[0], role="chief")
    both = attrs.evolve(wide, authorities=[clerk, chief])
    proposal = data.draw(proposals(on, balance))

    def ask(role: str) -> Offer | Counter:
        return answer(proposal=proposal, account_id="A", balance=balance, covers=["I"], on=on, limits=both, role=role)

    assert isinstance(ask("clerk"), Counter) or isinstance(ask("chief"), Offer)
