"""Replay of worked cases of law: fees, interest, lump sums, plan triggers and moratoria, one reader for each topic.

The figures of a case are put into the primitives of the shipped packs; a topic that the packs cover is asked there.
Cases of kind `contact` in the same file belong to the kind `contact`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs

from collectkit import jurisdictions
from collectkit.core.calendars import add_months
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.rules import (
    AprTolerance,
    Citation,
    Dated,
    DatedValue,
    ExtensionTrigger,
    FeeLimit,
    InForce,
    LumpSum,
    Moratorium,
    PenaltyTiers,
    PlanTrigger,
    ReferenceSeries,
    RulePack,
    StatutoryInterest,
    WorkoutException,
)
from collectkit.policy import (
    AccruedInterest,
    BalanceStep,
    InterestPiece,
    RateTerms,
    accrue_on,
    daily_percent,
    statutory_interest,
    statutory_rate,
)
from replay_kinds import Outcome

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "packs"
START = date(2026, 1, 1)  # where a case gives a number of days and no dates

Inputs = dict[str, Any]
Answers = dict[str, Any]


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    for case in data["cases"]:
        if case["kind"] == "law":
            answer = TOPICS.get(case["topic"])
            if answer is None or not case["replay"]:
                yield Outcome(case["id"], "not replayable")
                continue
            try:
                yield compared(case, answer(case["inputs"], case["expected"], case["jurisdiction"]))
            except Exception as error:  # one case that cannot be judged must not hide the others
                yield Outcome(case["id"], "disagree", f"{type(error).__name__}: {error}")


def compared(case: dict[str, Any], found: Answers) -> Outcome:
    """Compare only what the case expects; figures by value, so that 5 is 5.00."""
    wrong = []
    for key, expected in case["expected"].items():
        if key == "decimals":
            continue
        if key not in found:
            wrong.append(f"{key} {expected} expected, nothing came")
        elif not same(found[key], expected):
            wrong.append(f"{key} {expected} expected, {found[key]} came")
    return Outcome(case["id"], "disagree" if wrong else "reproduced", "; ".join(wrong))


def same(left: Any, right: Any) -> bool:
    if isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(right, dict):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in right)
    if isinstance(right, str) and number(right) is not None:
        return number(str(left)) == Fraction(right)
    return bool(left == right)


def number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None


# -- the packs -------------------------------------------------------------------------------------------------


def in_force(pack: RulePack, rule_id: str, kind: type[Any], on: date = START) -> Any:
    found = pack.rule(rule_id).parameters.at(on)
    assert isinstance(found, InForce), found
    assert isinstance(found.value, kind), found
    return found.value


def money(inputs: Inputs, key: str) -> Money:
    return Money.of(inputs[key], inputs["currency"])


def percent(value: Fraction) -> str:
    return str(Rate(value))[:-2] if value >= 0 else f"-{str(Rate(-value))[:-2]}"


def at_percent(principal: Money, rate: str, days: int, **options: Any) -> Any:
    """Interest at a given rate for so many days, by the library's own accrual."""
    terms = RateTerms(rate=Rate.percent(rate))
    return accrue_on(
        terms,
        [BalanceStep(from_on=START, balance=principal)],
        due_on=START - timedelta(days=1),
        start_on=START,
        end_on=START + timedelta(days=days),
        rounding="half_up",
        **options,
    )


def with_reference(pack: RulePack, series_id: str, value: str, on: date) -> RulePack:
    """A pack whose series has one given figure, as a host would bring its own."""
    source = Citation(authority="the case", locator="", address="-", read_on=on)
    point = DatedValue(value=Fraction(value) / 100, citation=source, from_on=on)
    series = ReferenceSeries(id=series_id, title="given", values=Dated(points=(point,), reviewed_through=date.max))
    return attrs.evolve(pack, series=tuple(series if one.id == series_id else one for one in pack.series))


# -- United States ---------------------------------------------------------------------------------------------


def card_late_fee(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """A fee with no date is judged by earlier fees alone; where there are none its own cycle begins the repeat cycles."""
    tiers = penalty_tiers(inputs)
    prior = sorted(cycle(text) for text in inputs["prior_fee_cycles"])
    on = inputs["due_on"] or inputs["fee_on"]
    own = cycle(on) if on is not None else next(iter(tiers.repeat_cycles(prior[-1])), prior[-1]) if prior else (2026, 1)
    most = tiers.most(
        minimum_payment=money(inputs, "minimum_payment"), cycle=own, prior_cycles=prior, paid=money(inputs, "paid")
    )
    latest = prior[-1] if prior else own
    return {
        "max_fee": most.plain(),
        "repeat_cycles": [f"{year}-{month:02}" for year, month in tiers.repeat_cycles(latest)],
    }


def penalty_tiers(inputs: Inputs) -> PenaltyTiers:
    shipped = in_force(jurisdictions.load("us-reg-z"), "us.regz.card_late_fee", PenaltyTiers)
    return PenaltyTiers(first=money(inputs, "tier_first"), repeat=money(inputs, "tier_repeat"), cycles=shipped.cycles)


def card_fee_same_event(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """The payment that was returned left its minimum payment late: one event, in the cycle of the return."""
    cycles: dict[str, list[tuple[int, int]]] = {}
    for event in inputs["events"]:
        cycles.setdefault(event["type"], []).append(cycle(event["on"]))
    late, returned = penalty_tiers(inputs).one_event_options(
        cycle=max(cycles["payment_returned"]),
        prior_late_cycles=cycles.get("late_fee_imposed", ()),
        prior_returned_cycles=cycles.get("returned_fee_imposed", ()),
    )
    return {"both_allowed": False, "late_option": late.plain(), "returned_option": returned.plain()}


def cycle(text: str) -> tuple[int, int]:
    return int(text[:4]), int(text[5:7])


def charge_card_late_fee(inputs: Inputs, expected: Answers, place: str) -> Answers:
    shipped = in_force(jurisdictions.load("us-reg-z"), "us.regz.charge_card_late_fee", FeeLimit)
    limit = attrs.evolve(shipped, rate=Fraction(inputs["fee_percent"]) / 100)
    base = max(money(inputs, "delinquent_balance") - money(inputs, "paid"), Money.zero(inputs["currency"]))
    most = limit.limit(base)
    assert most is not None
    return {"max_fee": most.plain(), "exact": str(Fraction(base.plain()) * limit.rate)}


def hoepa_late_fee(inputs: Inputs, expected: Answers, place: str) -> Answers:
    limit = attrs.evolve(high_cost_limit(15), rate=Fraction(inputs["fee_percent"]) / 100)
    past_due, due_on = money(inputs, "past_due"), date.fromisoformat(inputs["due_on"])
    received = [(date.fromisoformat(inputs["received_on"]), past_due)]
    most = limit.for_instalment(past_due, due_on=due_on, received=received)
    assert most is not None
    return {"max_fee": most.plain(), "first_chargeable_on": limit.first_chargeable_on(due_on).isoformat()}


def high_cost_limit(grace_days: int) -> FeeLimit:
    """The rule of the pack with that grace: 15 days, or 30 where interest is paid in advance; else the first, changed."""
    pack = jurisdictions.load("us-reg-z")
    rules = [rule.id for rule in pack.rules if rule.id.startswith("us.regz.high_cost_mortgage_late_fee")]
    limits: list[FeeLimit] = [in_force(pack, rule_id, FeeLimit) for rule_id in rules]
    fitting = next((one for one in limits if one.grace_days == grace_days), None)
    return fitting or attrs.evolve(limits[0], grace_days=grace_days)


def hoepa_fee_sequence(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """A fee arises only from the instalment itself: an unpaid late charge makes a full payment no less full."""
    due = expected["late_fee"]["due_on"]
    fee = high_cost_limit(inputs["grace_days"]).for_instalment(
        money(inputs, "instalment"),
        due_on=date.fromisoformat(due),
        received=[
            (date.fromisoformat(one["on"]), Money.of(one["amount"], inputs["currency"]))
            for one in inputs["payments"]
            if one["applied_to"] == due
        ],
        agreed=money(inputs, "late_charge"),
    )
    assert fee is not None
    return {"late_fee": {"due_on": due, "amount": fee.plain()}}


def apr_tolerance(inputs: Inputs, expected: Answers, place: str) -> Answers:
    allowed = Fraction(inputs["tolerance_percent"]) / 100
    tolerance = AprTolerance(regular=allowed, irregular=allowed)
    stated, exact = (Fraction(inputs[key]) / 100 for key in ("stated_percent", "exact_percent"))
    return {"accurate": tolerance.is_accurate(stated, exact)}


def plan_trigger(inputs: Inputs, expected: Answers, place: str) -> Answers:
    trigger = in_force(jurisdictions.load("us-reg-z"), "us.regz.plan_trigger", PlanTrigger)
    met = trigger.is_met(
        instalments=inputs["instalments"],
        has_finance_charge=inputs["finance_charge"],
        is_written=inputs["written_agreement"],
        has_down_payment=inputs["plus_down_payment"],
    )
    return {"in_scope": met}


def plan_trigger_numeric(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """`creditor_after`: whether one more extension, secured or not, would be in scope; the year to come only if asked."""
    trigger = in_force(jurisdictions.load("us-reg-z"), "us.regz.regularly", ExtensionTrigger)
    years = {one["year"]: (one["unsecured"], one["dwelling"]) for one in inputs["extensions"]}
    asked = {*years, *(one["year"] for one in expected.get("creditor_from", ()))}
    begins, last = trigger.creditor_from(years), max(years)
    return {
        "creditor_after": begins.get(last) == 1 or trigger.is_met_next(*years[last]),
        "creditor_from": [{"year": year, "extension": begins[year]} for year in sorted(begins) if year in asked],
    }


def plan_workout(inputs: Inputs, expected: Answers, place: str) -> Answers:
    rule = in_force(jurisdictions.load("us-reg-z"), "us.regz.workout", WorkoutException)
    # null says that new credit does not come into it
    available = rule.is_available(rate_rises=inputs["rate_increase"], new_credit=bool(inputs["new_credit"]))
    return {"refinancing": not available, "exception_available": available}


def late_fee_cap(inputs: Inputs, expected: Answers, place: str) -> Answers:
    pack = jurisdictions.load(place.lower())
    limit = in_force(pack, rule_of(pack, inputs["statute"]), FeeLimit)
    instalment, paid_on = money(inputs, "instalment"), START + timedelta(days=inputs["days_late"])
    most = limit.for_instalment(instalment, due_on=START, received=[(paid_on, instalment)])
    assert most is not None
    return {"max_fee": most.plain()}


def rule_of(pack: RulePack, statute: str) -> str:
    """Find the rule by the number of its section, such as 2954.4 or 254-b, however the code itself is called."""
    limits = [
        (rule.id, point.citation.authority)
        for rule in pack.rules
        for point in rule.parameters.points
        if isinstance(point.value, FeeLimit)
    ]
    wanted = set(sections(statute))
    return next(rule_id for rule_id, authority in limits if statute in authority or wanted & set(sections(authority)))


def sections(text: str) -> list[str]:
    return re.findall(r"\d[\w.-]*\w|\d", text)


# -- United Kingdom --------------------------------------------------------------------------------------------


def uk_interest(inputs: Inputs, expected: Answers, place: str) -> Answers:
    principal = money(inputs, "principal")
    exact = at_percent(principal, inputs["rate_percent"], inputs["days"])
    daily = at_percent(principal, inputs["rate_percent"], inputs["days"], rounding_order="daily_first")
    found = {
        "annual": at_percent(principal, inputs["rate_percent"], 365).amount.plain(),
        "daily_rounded": at_percent(principal, inputs["rate_percent"], 1).amount.plain(),
        "interest_unrounded_daily": exact.amount.plain(),
        "interest_daily_rounded_first": daily.amount.plain(),
    }
    lump = in_force(jurisdictions.load("uk-late-payment"), "uk.lpcda.compensation", LumpSum).of(principal)
    if lump is not None:
        found["compensation"] = lump.plain()
        found["total"] = (principal + lump + exact.amount).plain()
        found["total_daily_rounded_first"] = (lump + daily.amount).plain()
    return found


def uk_compensation(inputs: Inputs, expected: Answers, place: str) -> Answers:
    lump = in_force(jurisdictions.load("uk-late-payment"), "uk.lpcda.compensation", LumpSum)
    return {"fixed_sum": lump.of(money(inputs, "debt")).plain()}


def uk_rate(inputs: Inputs, expected: Answers, place: str) -> Answers:
    starts_on = date.fromisoformat(inputs["interest_starts_on"])
    return shown_rate(statutory_rate(jurisdictions.load("uk-late-payment"), "uk.lpcda.interest", starts_on))


def uk_rate_selection(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """`days` says whether the day of payment counts: 1 June to 30 August is 91 days, paid on the 31st."""
    start_on = date.fromisoformat(inputs["interest_starts_on"])
    terms: dict[str, Any] = {
        "principal": money(inputs, "principal"),
        "pack": jurisdictions.load("uk-late-payment"),
        "rule_id": "uk.lpcda.interest",
        "start_on": start_on,
        "end_on": start_on + timedelta(days=inputs["days"]),
        "rounding": "half_up",
    }
    fixed, split = statutory_interest(**terms), statutory_interest(**terms, selection="floating")
    return {"fixed_at_start": shown(fixed), "split_per_half_year": shown(split)}


def moratorium(inputs: Inputs, expected: Answers, place: str) -> Answers:
    shipped = in_force(jurisdictions.load("uk-breathing-space"), "uk.breathing_space", Moratorium)
    freeze = attrs.evolve(shipped, days=inputs["days"], event_is_day_one=inputs["first_day_counts"])
    start_on = date.fromisoformat(inputs["start_on"])
    last_on = freeze.last_on(start_on)
    assert last_on is not None
    found: Answers = {"last_on": last_on.isoformat()}
    if inputs["as_of"] is not None:
        on = date.fromisoformat(inputs["as_of"])
        found["contact_to_collect_allowed"] = not freeze.is_frozen("contact", on, start_on=start_on)
    if inputs["daily_interest"] is not None:
        days = [start_on + timedelta(days=number) for number in range((last_on - start_on).days + 1)]
        free = sum(1 for day in days if not freeze.is_frozen("interest", day, start_on=start_on))
        found["accrued_during"] = (money(inputs, "daily_interest") * free).plain()
    return found


# -- European Union --------------------------------------------------------------------------------------------


def eu_daily_rate(inputs: Inputs, expected: Answers, place: str) -> Answers:
    rate = Rate.percent(inputs["rate_percent"])
    daily = daily_percent(rate, days_in_year=int(inputs["days_in_year"]), decimals=expected["decimals"])
    return {"daily_percent": f"{daily:f}"}


LATE_INTEREST = {
    "BE": ("be-late-payment", "be.late_interest"),
    "DE": ("de-late-payment", "de.bgb288.business"),
    "FI": ("fi-late-payment", "fi.late_interest"),
    "FR": ("fr-late-payment", "fr.l441_10.interest"),
    "IE": ("ie-late-payment", "ie.lpd.interest"),
}
DIRECTIVE = ("eu-late-payment", "eu.lpd.interest")  # of every other place: the least that the directive asks for


def eu_rate(inputs: Inputs, expected: Answers, place: str) -> Answers:
    pack, rule = LATE_INTEREST.get(place, DIRECTIVE)
    return shown_rate(statutory_rate(jurisdictions.load(pack), rule, date.fromisoformat(inputs["on"])))


def eu_interest(inputs: Inputs, expected: Answers, place: str) -> Answers:
    accrued = at_percent(money(inputs, "principal"), inputs["rate_percent"], inputs["days"])
    return {"interest": accrued.amount.plain()}


def eu_compensation(inputs: Inputs, expected: Answers, place: str) -> Answers:
    lump = in_force(jurisdictions.load("eu-late-payment"), "eu.lpd.compensation", LumpSum)
    return {"min_total": (lump.of(Money.of("1", inputs["currency"])) * inputs["invoices"]).plain()}


def de_rate(inputs: Inputs, expected: Answers, place: str) -> Answers:
    pack, on = jurisdictions.load("de-late-payment"), date.fromisoformat(inputs["on"])
    if inputs["base_rate_percent"] is not None:
        pack = with_reference(pack, "DE_BASISZINSSATZ", inputs["base_rate_percent"], on)
    return shown_rate(statutory_rate(pack, de_rule(inputs), on))


def de_rule(inputs: Inputs) -> str:
    return "de.bgb288.business" if inputs["b2b"] else "de.bgb288.consumer"


def de_interest_split(inputs: Inputs, expected: Answers, place: str) -> Answers:
    terms: dict[str, Any] = {
        "principal": money(inputs, "principal"),
        "pack": jurisdictions.load("de-late-payment"),
        "rule_id": de_rule(inputs),
        "start_on": date.fromisoformat(inputs["from_on"]),
        "end_on": date.fromisoformat(inputs["to_on"]) + timedelta(days=1),
        "rounding": "half_up",
    }
    actual, fixed_year = statutory_interest(**terms), statutory_interest(**terms, day_count="act/365f")
    pieces: tuple[InterestPiece, ...] = getattr(actual, "pieces", ())
    return {
        "segment_days": [piece.days for piece in pieces],
        "rates_percent": [percent(piece.rate.annual) for piece in pieces],
        "interest": shown(actual),
        "interest_365_basis": shown(fixed_year),
    }


def fr_interest(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """Whole months count as twelfths of the year, which is what 30/360 gives between the first days of months."""
    principal = money(inputs, "principal")
    accrued = accrue_on(
        RateTerms(rate=Rate.percent(inputs["rate_percent"]), day_count="30E/360"),
        [BalanceStep(from_on=START, balance=principal)],
        due_on=START - timedelta(days=1),
        start_on=START,
        end_on=add_months(START, inputs["months"]),
    )
    scale = 10 ** expected["decimals"]
    per_unit = Money.of(1, principal.currency).minor
    return {"interest": str(Decimal(rounded(exact_of(accrued) / per_unit * scale, "half_up")) / scale)}


def exact_of(accrued: Any) -> Fraction:
    assert isinstance(accrued, AccruedInterest), accrued
    return accrued.exact


def fr_rate(inputs: Inputs, expected: Answers, place: str) -> Answers:
    year, half = int(inputs["half_year"][:4]), inputs["half_year"][-1]
    on = date(year, 1 if half == "1" else 7, 1)
    pack = with_reference(jurisdictions.load("fr-late-payment"), "ECB_MRO_2011_7", inputs["ecb_percent"], on)
    pack = with_reference(pack, "FR_LEGAL_PROFESSIONALS", inputs["legal_percent"], on)
    default = statutory_rate(pack, "fr.l441_10.interest", on)
    assert isinstance(default, Rate), default
    accrued = accrue_on(  # a contract without interest is raised to the floor
        RateTerms(rate=Rate.percent("0"), pack=pack, floor_rule_id="fr.l441_10.floor"),
        [BalanceStep(from_on=on, balance=Money.of("1", "EUR"))],
        due_on=on - timedelta(days=1),
        start_on=on,
        end_on=on + timedelta(days=1),
    )
    assert isinstance(accrued, AccruedInterest), accrued
    floor = accrued.pieces[0].rate.annual
    return {
        "default_rate_percent": percent(default.annual),
        "contract_floor_percent": percent(floor),
        "floor_exceeds_default": floor > default.annual,
    }


def national_rounding(inputs: Inputs, expected: Answers, place: str) -> Answers:
    """Finland rounds the reference up to the next half point, Belgium the whole rate, others nothing."""
    pack_id, rule_id = LATE_INTEREST.get(place, DIRECTIVE)
    shipped = in_force(jurisdictions.load(pack_id), rule_id, StatutoryInterest)
    law = attrs.evolve(shipped, margin=Fraction(inputs["margin_percent"]) / 100)
    reference = Fraction(inputs["ecb_percent"]) / 100
    return {
        "reference_percent": percent(law.reference_of(reference)),
        "rate_percent": percent(law.rate_of(reference)),
    }


# -- elsewhere, from the example packs -------------------------------------------------------------------------


def br_late_fee(inputs: Inputs, expected: Answers, place: str) -> Answers:
    limit = in_force(jurisdictions.load_file(EXAMPLES / "br-consumer.toml"), "br.cdc52", FeeLimit)
    instalment = money(inputs, "instalment")
    late_on = START + timedelta(days=inputs["days_late"])
    most, fine = (
        limit.limit(instalment),
        limit.for_instalment(instalment, due_on=START, received=[(late_on, instalment)]),
    )
    assert most is not None
    assert fine is not None
    interest = Money.zero(inputs["currency"])
    if inputs["monthly_interest_percent"] is not None:  # by the day, a month being 30 days, as the trade counts it
        accrued = accrue_on(
            RateTerms(rate=Rate.percent(inputs["monthly_interest_percent"], per="month"), day_count="act/360"),
            [BalanceStep(from_on=START, balance=instalment)],
            due_on=START - timedelta(days=1),
            start_on=START,
            end_on=late_on,
            rounding="half_up",
        )
        assert isinstance(accrued, AccruedInterest), accrued
        interest = accrued.amount
    return {
        "fine_max": most.plain(),
        "fine": fine.plain(),
        "interest": interest.plain(),
        "total": (instalment + fine + interest).plain(),
    }


def msmed_interest(inputs: Inputs, expected: Answers, place: str) -> Answers:
    start_on = date(2007, 1, 1)  # the first January of the act: the whole span lies within the pack's review
    pack = with_reference(
        jurisdictions.load_file(EXAMPLES / "in-msmed.toml"), "RBI_BANK_RATE", inputs["bank_rate_percent"], start_on
    )
    principal = money(inputs, "principal")
    accrued = statutory_interest(
        principal=principal,
        pack=pack,
        rule_id="in.msmed.interest",
        start_on=start_on,
        end_on=add_months(start_on, inputs["months"]),
        rounding="half_up",
    )
    rate = statutory_rate(pack, "in.msmed.interest", start_on)
    assert isinstance(rate, Rate), rate
    found = shown(accrued)
    return {
        "annual_percent": percent(rate.annual),
        "interest": found,
        "balance": (principal + Money.of(found, principal.currency)).plain(),
    }


def shown(accrued: Any) -> str:
    return accrued.amount.plain() if hasattr(accrued, "amount") else str(accrued)


def shown_rate(rate: Any) -> Answers:
    return {"rate_percent": percent(rate.annual) if isinstance(rate, Rate) else str(rate)}


TOPICS: dict[str, Callable[[Inputs, Answers, str], Answers]] = {
    one.__name__: one
    for one in (
        card_late_fee,
        card_fee_same_event,
        charge_card_late_fee,
        hoepa_late_fee,
        hoepa_fee_sequence,
        apr_tolerance,
        plan_trigger,
        plan_trigger_numeric,
        plan_workout,
        late_fee_cap,
        uk_interest,
        uk_compensation,
        uk_rate,
        uk_rate_selection,
        moratorium,
        eu_daily_rate,
        eu_rate,
        eu_interest,
        eu_compensation,
        de_rate,
        de_interest_split,
        fr_interest,
        fr_rate,
        national_rounding,
        br_late_fee,
        msmed_interest,
    )
}
