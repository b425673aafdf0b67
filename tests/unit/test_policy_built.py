"""What is found when charges are made: every mistake of a whole policy in one error, each with its path."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

import collectkit as ck
from collectkit import jurisdictions
from collectkit.cli import main
from collectkit.core.errors import InvalidDate, InvalidPolicy, InvalidRate
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.records import Receivable
from collectkit.core.rules import Rule, RulePack
from collectkit.policy import (
    AppliesTo,
    BalanceStep,
    ChargePolicy,
    Coverage,
    IncentivePolicy,
    InterestPolicy,
    LateFeePolicy,
    PromptPaymentDiscount,
    RateTerms,
    RecoverySumPolicy,
    Tier,
    accrue_on,
    build_charges,
    daily_percent,
    falls_due_on,
)

SHIPPED = [jurisdictions.load(name) for name in jurisdictions.available()]
DE = jurisdictions.load("de-late-payment")
UK = jurisdictions.load("uk-late-payment")
HALF_YEAR = {"start_on": date(2026, 1, 1), "end_on": date(2026, 7, 1)}
COVERED: dict[str, Any] = {
    **HALF_YEAR,
    "packs": ["de-late-payment"],
    "jurisdictions": ["DE"],
    "debtor_kinds": ["business"],
    "zones": ["Europe/Berlin"],
}
STATUTORY = {"id": "law", "kind": "interest", "rule": "de.bgb288.business"}


def problems_of(table: dict[str, Any], packs: list[RulePack] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPolicy) as error:
        build_charges(table, packs=SHIPPED if packs is None else packs)
    return [(problem.path, problem.code) for problem in error.value.problems]


def tier(**terms: object) -> dict[str, object]:
    return {"amounts": {"EUR": "5"}, **terms}


def contradicting() -> RulePack:
    """A pack of one's own that would allow twice what the law does on a high-cost mortgage."""
    law = jurisdictions.load("us-reg-z").rule("us.regz.high_cost_mortgage_late_fee")
    points = [attrs.evolve(point, value=attrs.evolve(point.value, rate="0.08")) for point in law.parameters.points]  # type: ignore[type-var]  # a fee limit
    loose: Rule = attrs.evolve(
        law, id="own.fee", replaces=law.id, parameters=attrs.evolve(law.parameters, points=points)
    )
    return RulePack(
        id="own", version="1", jurisdiction="US", title="own", reviewed_through=date(2026, 12, 31), rules=[loose]
    )


def test_every_mistake_of_a_policy_comes_in_one_error_with_its_path() -> None:
    table = {
        "covering": {
            "start_on": date(2026, 1, 1),
            "end_on": date(2026, 10, 1),  # the German rate is known through June
            "packs": ["de-late-payment", "us-ma", "us-reg-z", "own"],  # us-ma stands on us-reg-f, own loosens us-reg-z
            "jurisdictions": ["DE", "XX"],
            # no debtor_kinds, no zones
        },
        "charges": [
            {"id": "overlap", "kind": "tiered", "tiers": [tier(days_min=1, days_max=30), tier(days_min=30)]},
            {"id": "gap", "kind": "tiered", "tiers": [tier(days_min=1, days_max=30), tier(days_min=32)]},
            {"id": "caps", "kind": "percent", "rate": "-0.1", "fee_cap": {"EUR": "1"}, "fee_floor": {"EUR": "2"}},
            {"id": "rates", "kind": "interest", "rate": "-0.05", "rate_floor": "0.05", "rate_cap": "0.02"},
            {"id": "margin", "kind": "interest", "margin": "0.09"},
            {"id": "nowhere", "kind": "interest", "rule": "atlantis.interest"},
            STATUTORY,
        ],
    }
    assert sorted(problems_of(table, [*SHIPPED, contradicting()])) == [
        ("charges[0].tiers[1]", "policy.overlap"),
        ("charges[1].tiers[1]", "policy.gap"),
        ("charges[2].fee_cap.EUR", "policy.invalid"),
        ("charges[2].rate", "policy.range"),
        ("charges[3].rate", "policy.range"),
        ("charges[3].rate_cap", "policy.invalid"),
        ("charges[4].reference", "policy.missing"),
        ("charges[5].rule", "policy.unknown_rule"),
        ("charges[6]", "policy.no_rate"),
        ("covering.debtor_kinds", "policy.missing"),
        ("covering.jurisdictions[1]", "policy.unknown_jurisdiction"),
        ("covering.packs.own.own.fee", "rules.loosens"),
        ("covering.packs.us-ma", "rules.base_missing"),
        ("covering.zones", "policy.missing"),
    ]


def test_packs_that_contradict_one_another_are_found_with_the_rest() -> None:
    covering = {**COVERED, "packs": ["own", "us-reg-z"], "jurisdictions": ["US"], "debtor_kinds": ["debtor"]}
    assert sorted(problems_of({"covering": covering}, [*SHIPPED, contradicting()])) == [
        ("covering.debtor_kinds[0]", "policy.choice"),
        ("covering.packs.own.own.fee", "rules.loosens"),
    ]


def test_what_is_given_for_a_policy_that_can_stand_is_made() -> None:
    made = build_charges({"covering": COVERED, "charges": [STATUTORY]}, packs=SHIPPED)
    assert (made.ids, made.covering and made.covering.end_on) == (("law",), date(2026, 7, 1))
    assert build_charges({}).ids == ()


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"end_on": date(2026, 7, 2)}, [("charges[0]", "policy.no_rate")]),
        ({"start_on": date(2012, 12, 31)}, [("charges[0]", "policy.no_rate")]),
        ({"end_on": date(2026, 1, 1)}, [("covering.end_on", "policy.invalid")]),
        ({"packs": ["atlantis"]}, [("covering.packs", "policy.choice")]),
        ({"zones": ["Berlin"]}, [("covering.zones[0]", "policy.zone")]),
        ({"end_on": "soon"}, [("covering.end_on", "policy.type")]),
        ({"colour": "blue"}, [("covering.colour", "policy.unknown_key")]),
    ],
)
def test_what_a_policy_is_to_serve_is_checked(changed: dict[str, object], found: list[tuple[str, str]]) -> None:
    covering = {**COVERED, **changed}
    rules = [] if "packs" in changed else [STATUTORY]
    came = [
        one for one in problems_of({"covering": covering, "charges": rules}) if one[0] != "covering.jurisdictions[0]"
    ]
    assert came == found


def test_a_window_without_an_end_still_tells_the_rest() -> None:
    covering = {"start_on": date(2026, 1, 1), "jurisdictions": ["DE"]}
    assert [path for path, _ in problems_of({"covering": covering})] == [
        "covering.end_on",
        "covering.jurisdictions[0]",
        "covering.zones",
        "covering.debtor_kinds",
    ]


def test_a_pack_named_where_none_is_given_is_unknown() -> None:
    assert ("covering.packs", "policy.unknown_pack") in problems_of({"covering": COVERED}, [])


# -- the same in Python ----------------------------------------------------------------------------------------


def covering(**changed: object) -> Coverage:
    return Coverage(**{**COVERED, "packs": [DE], **changed})  # type: ignore[arg-type]


def interest_of(pack: RulePack, rule_id: str) -> InterestPolicy:
    return InterestPolicy(id=rule_id, terms=RateTerms(pack=pack, rule_id=rule_id))


def test_a_rate_series_that_ends_inside_the_window_is_found_when_the_policy_is_made() -> None:
    law = interest_of(DE, "de.bgb288.business")
    assert ChargePolicy(interest=[law], covering=covering()).covering is not None
    with pytest.raises(InvalidPolicy) as error:
        ChargePolicy(interest=[law], covering=covering(end_on=date(2026, 7, 2)))
    (problem,) = error.value.problems
    assert (problem.code, problem.path) == ("policy.no_rate", "interest[0].terms")
    assert "known through 2026-06-30" in problem.text


def test_a_rate_fixed_at_the_start_is_asked_for_every_day_on_which_interest_may_start() -> None:
    law = interest_of(UK, "uk.lpcda.interest")
    terms = {"packs": [UK], "jurisdictions": ["GB"], "zones": ["Europe/London"]}
    ChargePolicy(interest=[law], covering=covering(**terms, end_on=date(2026, 11, 23)))
    with pytest.raises(InvalidPolicy) as error:
        ChargePolicy(interest=[law], covering=covering(**terms, end_on=date(2026, 11, 24)))
    assert [(one.code, one.path) for one in error.value.problems] == [
        ("policy.no_rate", "interest[0].terms"),
        ("policy.pack_stale", "covering.packs[0]"),
    ]


def test_a_hole_in_a_series_inside_the_window_is_found() -> None:
    base = DE.series_of("DE_BASISZINSSATZ")
    points = [attrs.evolve(one, value=None) if one.from_on == date(2025, 7, 1) else one for one in base.values.points]
    holed = attrs.evolve(DE, series=[attrs.evolve(base, values=attrs.evolve(base.values, points=points))])
    window = covering(start_on=date(2025, 1, 1))
    ChargePolicy(interest=[interest_of(DE, "de.bgb288.business")], covering=window)
    with pytest.raises(InvalidPolicy, match="2025-07-01"):
        ChargePolicy(interest=[interest_of(holed, "de.bgb288.business")], covering=window)


def test_a_sum_that_is_not_in_force_yet_is_found() -> None:
    lump = RecoverySumPolicy(id="sum", pack=DE, rule_id="de.bgb288.lump_sum")
    with pytest.raises(InvalidPolicy) as error:
        ChargePolicy(recovery_sums=[lump], covering=covering(start_on=date(2014, 7, 28)))
    assert [one.path for one in error.value.problems] == ["recovery_sums[0].rule_id"]


def test_a_tie_and_a_rate_that_ends_come_together() -> None:
    fees = [LateFeePolicy(id="fee", kind="flat", amounts={"EUR": "5"}) for _ in range(2)]
    with pytest.raises(InvalidPolicy) as error:
        ChargePolicy(
            late_fees=fees,
            interest=[interest_of(DE, "de.bgb288.business")],
            covering=covering(end_on=date(2027, 1, 1), zones=()),
        )
    assert [one.code for one in error.value.problems] == [
        "policy.tie",
        "policy.missing",
        "policy.no_rate",
        "policy.pack_stale",
    ]


# -- one mistake hides no other --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charge", "paths"),
    [
        (
            {"kind": "interest", "rate": "-0.05", "grace_days": -1, "rounding_order": "daily_first", "rests_months": 1},
            ["rate", "grace_days", "rounding_order"],
        ),
        ({"kind": "interest", "rate": "0.05", "rate_floor": "0.05", "rate_cap": "0.02", "rests_months": "x"}, ["rests_months", "rate_cap"]),
        ({"kind": "flat", "amounts": {"EUR": "-5"}, "once_per": "period", "rate": "0.1"}, ["amounts.EUR", "rate", "period_days"]),
        ({"kind": "tiered", "tiers": [tier(days_min=1, days_max=30, rate="-1"), tier(days_min=20)]}, ["tiers[0].rate", "tiers[1]"]),
        ({"kind": "tiered", "tiers": [tier(days_min="one", days_max=30), tier(days_min=40)]}, ["tiers[0].days_min"]),
        ({"kind": "returned_payment", "amounts": {"EUR": "-5"}, "due_in_days": "x"}, ["amounts.EUR", "due_in_days"]),
        ({"kind": "recovery_sum", "rule": "de.bgb288.lump_sum", "grace_days": "x", "id": "a\nb"}, ["grace_days", "id"]),
        ({"kind": "fixed", "amounts": {"EUR": "x"}}, ["kind", "amounts.EUR"]),
        ({"kind": "interest", "reference": "DE_BASISZINSSATZ"}, ["margin"]),
        ({"kind": "interest", "margin": "0.05", "reference": "LIBOR"}, ["reference"]),
        ({"kind": "interest", "margin": "-0.05", "reference": "DE_BASISZINSSATZ", "rate_cap": "-1"}, ["margin", "rate_cap"]),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_hides_no_other_mistake(charge: dict[str, Any], paths: list[str]) -> None:
    found = [path.removeprefix("charges[0].") for path, _ in problems_of({"charges": [{"id": "x", **charge}]}, [DE])]
    assert sorted(found) == sorted(paths)


def test_every_faulty_tier_is_named() -> None:
    tiers = (
        Tier(amounts={"EUR": "1"}),
        Tier(days_min=1, days_max=0, amounts={"EUR": "1"}),
        Tier(days_min=1, rate="-0.1"),
    )
    with pytest.raises(InvalidPolicy) as error:
        LateFeePolicy(id="fee", kind="tiered", tiers=tiers)
    assert [one.path for one in error.value.problems] == ["tiers[0]", "tiers[2].rate"]
    with pytest.raises(InvalidPolicy) as error:
        LateFeePolicy(id="fee", kind="tiered", tiers=(*tiers[1:], Tier(days_min=1, amounts={"EUR": "1"})))
    assert [one.path for one in error.value.problems] == ["tiers[1].rate", "tiers[0].days_max", "tiers[0].days_max", "tiers[2]"]  # fmt: skip


# -- a margin over a reference, as agreed ----------------------------------------------------------------------


def test_a_contract_can_agree_a_margin_over_a_published_reference() -> None:
    table = {
        "charges": [
            {
                "id": "agreed",
                "kind": "interest",
                "margin": "0.07",
                "reference": "DE_BASISZINSSATZ",
                "cite": "contract 4",
            }
        ]
    }
    (agreed,) = build_charges(copy.deepcopy(table), packs=[DE]).interest
    accrued = accrue_on(
        agreed.terms,
        [BalanceStep(from_on=date(2023, 12, 1), balance=Money(1_000_000, "EUR"))],
        due_on=date(2023, 11, 30),
        start_on=date(2023, 12, 1),
        end_on=date(2024, 2, 1),
    )
    # 3.12 + 7 for 31 days, 3.62 + 7 for 31 days, on 365
    assert [piece.rate for piece in accrued.pieces] == [Rate.percent("10.12"), Rate.percent("10.62")]  # type: ignore[union-attr]
    assert accrued.amount == Money(17615, "EUR")  # type: ignore[union-attr]  # 10,000 x (0.1012 + 0.1062) x 31 / 365
    assert "contract 4" in accrued.pieces[0].because  # type: ignore[union-attr]


def test_a_margin_where_no_pack_holds_a_series_is_refused() -> None:
    charge = {"id": "agreed", "kind": "interest", "margin": "0.07", "reference": "DE_BASISZINSSATZ"}
    assert ("charges[0].reference", "policy.unknown_rule") in problems_of({"charges": [charge]}, [])


def test_a_strategy_file_says_what_its_charges_are_to_serve() -> None:
    text = """
name = "s"
version = "1"
packs = ["de-late-payment"]
[covering]
start_on = 2026-01-01
end_on = 2026-10-01
jurisdictions = ["DE", "AT"]
debtor_kinds = ["business"]
[[charges]]
id = "law"
kind = "interest"
rule = "de.bgb288.business"
[[charges]]
id = "fee"
kind = "percent"
rate = "-0.1"
"""
    with pytest.raises(InvalidPolicy) as error:
        ck.parse(text)
    assert sorted(problem.path for problem in error.value.problems) == [
        "charges[0]",
        "charges[1].rate",
        "covering.jurisdictions[1]",
        "covering.zones",
    ]
    good = text.replace("-0.1", "0.1").replace("10-01", "07-01").replace(', "AT"]', ']\nzones = ["Europe/Berlin"]')
    covering = ck.parse(good).charges.covering
    assert covering is not None
    assert [pack.id for pack in covering.packs] == ["de-late-payment"]


# -- counted from an anchor ------------------------------------------------------------------------------------


def test_a_charge_counted_from_an_anchor_falls_due_that_many_days_after_it() -> None:
    invoice = Receivable(
        receivable_id="R-1",
        account_id="A",
        amount_original=Money(10_000, "EUR"),
        issued_on=date(2026, 3, 1),
        due_on=date(2026, 3, 31),
    )
    assert falls_due_on(invoice, days=0) == date(2026, 3, 31)
    assert falls_due_on(invoice, days=2, anchor="issued_on") == date(2026, 3, 3)
    assert falls_due_on(invoice, days=-3) == date(2026, 3, 28)
    assert falls_due_on(invoice, days=-300) == date(2026, 3, 1)  # not before it was issued
    last = attrs.evolve(invoice, due_on=date(9999, 12, 30))
    assert falls_due_on(last, days=30) == date.max
    with pytest.raises(InvalidPolicy):
        falls_due_on(invoice, days=1, anchor="paid_on")  # type: ignore[arg-type]
    with pytest.raises(InvalidDate):
        falls_due_on(invoice, days=True)


def test_the_figure_of_a_day_is_rounded_as_published() -> None:
    # SFA/Ibec, 1 July 2015: 8.05 % a year is 0.022 % a day
    assert daily_percent(Rate.percent("8.05")) == Decimal("0.022")
    assert str(daily_percent(Rate.percent("12.25"), days_in_year=360, decimals=6)) == "0.034028"
    assert str(daily_percent(Rate.percent("1", per="month"), decimals=0)) == "0"
    for terms in ({"days_in_year": 0}, {"days_in_year": 367}, {"decimals": -1}, {"decimals": True}):
        with pytest.raises(InvalidRate):
            daily_percent(Rate.percent("8"), **terms)  # type: ignore[arg-type]


# -- paths are those of the file -------------------------------------------------------------------------------

FLAT = {"kind": "flat", "amounts": {"EUR": "5"}}


def test_a_tie_names_the_tables_as_they_stand_in_the_file() -> None:
    charges = [
        {"id": "a", **FLAT},
        {"id": "broken", "kind": "interest", "rate": "0.05", "rate_floor": "0.08", "rate_cap": "0.06"},
        {"id": "b", "kind": "returned_payment", "amounts": {"EUR": "5"}},
        {"id": "f", **FLAT},
        {"id": "f", **FLAT},
    ]
    with pytest.raises(InvalidPolicy) as error:
        build_charges({"charges": charges})
    broken, tie = error.value.problems
    assert (broken.path, tie.path, tie.code) == ("charges[1].rate_cap", "charges[4]", "policy.tie")
    assert tie.text.startswith("ties with charges[3]")


def test_a_faulty_table_ties_all_the_same() -> None:
    charges = [
        {"id": "f", **FLAT},
        {"id": "f", **FLAT, "grace_days": -1},
        {"id": "f", "kind": "interest", "rate": "0.1"},
    ]
    assert problems_of({"charges": charges}) == [
        ("charges[1].grace_days", "policy.range"),
        ("charges[1]", "policy.tie"),
        ("charges[2]", "policy.invalid"),
        ("charges[2]", "policy.invalid"),
    ]


def test_what_a_rule_lacks_in_its_window_has_the_path_of_its_table() -> None:
    broken = {"id": "x", **FLAT, "grace_days": -1}
    lump = {"id": "sum", "kind": "recovery_sum", "rule": "de.bgb288.lump_sum"}
    window = {**COVERED, "start_on": date(2014, 7, 28), "end_on": date(2014, 7, 29)}
    assert ("charges[1].rule", "policy.no_sum") in problems_of({"covering": window, "charges": [broken, lump]})


# -- what nobody would ever be charged -------------------------------------------------------------------------


def test_a_currency_that_does_not_exist_is_refused_with_the_one_that_is_near() -> None:
    table = {"charges": [{"id": "x", **FLAT, "applies_to": {"currencies": ["EUR", "EURO"]}, "grace_days": -1}]}
    with pytest.raises(InvalidPolicy) as error:
        build_charges(table)
    currency, grace = sorted(error.value.problems, key=lambda one: one.path)
    assert (currency.path, currency.value) == ("charges[0].applies_to.currencies[1]", "EURO")
    assert "did you mean EUR?" in currency.text
    assert grace.path == "charges[0].grace_days"
    with pytest.raises(InvalidPolicy):
        AppliesTo(currencies=["Mark"])


STRATEGY = """
name = "s"
version = "1"
[[segments]]
id = "chronic"
when = { late_ratio_min = "0.5" }
[[charges]]
id = "late"
kind = "flat"
amounts = { EUR = "5" }
applies_to = { segments = ["chronicc"] }
"""


@pytest.mark.parametrize("kind", ["flat", "interest", "returned_payment"])
def test_a_segment_that_does_not_exist_is_refused_with_the_one_that_is_near(kind: str) -> None:
    text = STRATEGY.replace('"flat"', f'"{kind}"')
    with pytest.raises(InvalidPolicy) as error:
        ck.parse(text.replace("amounts", "rate") if kind == "interest" else text)
    problem = error.value.problems[-1]
    assert problem.path == "charges[0].applies_to.segments"
    assert "did you mean chronic?" in problem.text
    assert ck.parse(STRATEGY.replace("chronicc", "chronic")).charges.ids == ("late",)


def test_a_tier_of_a_balance_has_an_amount_in_its_currency() -> None:
    tiers = [Tier(balance_min=Money(0, "EUR"), amounts={"USD": "5"})]
    with pytest.raises(InvalidPolicy) as error:
        LateFeePolicy(id="f", kind="tiered", tiers=tiers)
    assert [one.path for one in error.value.problems] == ["tiers[0].amounts"]
    LateFeePolicy(id="f", kind="tiered", tiers=[attrs.evolve(tiers[0], rate="0.1")])


# -- incentives of a file --------------------------------------------------------------------------------------


def incentives_of(text: str) -> IncentivePolicy:
    return ck.parse(f'name = "s"\nversion = "1"\n{text}').incentives


EARLY = '[[discounts]]\nid = "{0}"\nrate = "0.02"\ndiscount_days = 10\nnet_days = 30\n'


def test_a_file_says_how_incentives_stack_and_how_they_are_rounded() -> None:
    text = (
        '[incentives]\nstacking = "best"\nrate_max = "0.05"\n'
        + EARLY.format("a")
        + 'rounding = "floor"\ncite = "4.1"\n'
    )
    found = incentives_of(text)
    assert (found.stacking, found.rate_max) == ("best", Fraction(1, 20))
    (one,) = found.incentives
    assert isinstance(one, PromptPaymentDiscount)
    assert (one.rounding, one.cite) == ("floor", "4.1")
    assert found.describe().endswith("All that is given on one receivable is at most 5 % of it.")


def test_every_mistake_of_the_incentives_comes_in_one_error() -> None:
    text = '[incentives]\nstacking = "beast"\nrate_max = "2"\ncap = 1\n' + EARLY.format("a") + EARLY.format("a")
    with pytest.raises(InvalidPolicy) as error:
        incentives_of(text + 'rounding = "nearest"\n')
    assert sorted(one.path for one in error.value.problems) == [
        "discounts[1].id",
        "discounts[1].rounding",
        "incentives.cap",
        "incentives.rate_max",
        "incentives.stacking",
    ]


# -- what `collectkit check` says of it ------------------------------------------------------------------------

LADDER = """
name = "s"
version = "1"
[[stages]]
id = "reminder"
after = { past_due = { days = 5 } }
[[stages.steps]]
notice = "friendly"
channels = ["email"]
[[charges]]
id = "notice-fee"
kind = "flat"
amounts = { EUR = "5" }
once_per = "notice"
notices = ["friendly"]
[[charges]]
id = "tiers"
kind = "tiered"
fee_cap = { EUR = "40" }
[[charges.tiers]]
days_min = 1
amounts = { EUR = "40" }
[[charges]]
id = "bounced"
kind = "returned_payment"
amounts = { EUR = "5" }
exclusive_with = ["notice-fee"]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["friendly"]', '["frendly"]', "charges[0].notices names frendly, which no step sends, so it is never charged for it; did you mean friendly?"),
        ('["notice-fee"]', '["notice-fe"]', "charges[2].exclusive_with names notice-fe, which is no charge of this strategy; did you mean notice-fee?"),
        ('amounts = { EUR = "40" }', 'amounts = { EUR = "50" }', "charges[1].tiers[0].amounts: 50.00 EUR is over its own fee_cap of 40.00 EUR, so it is never charged in full"),
    ],
)  # fmt: skip
def test_check_warns_of_a_charge_that_nobody_meant(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "strategy.toml"
    for text, is_told in ((LADDER, False), (LADDER.replace(old, new), True)):
        path.write_text(text, encoding="utf-8")
        told = json.loads(CliRunner().invoke(main, ["check", str(path), "--json"]).output)["warnings"]
        assert any(one.startswith(said) for one in told) is is_told
        assert any("charges[" in one for one in told) is is_told


def test_a_sum_without_its_rule_is_held_against_the_rest_all_the_same() -> None:
    charge = {"id": "a\nb", "kind": "recovery_sum", "rule": "nowhere", "grace_days": 99_999, "due_in_days": 4_000}
    assert sorted(path for path, _ in problems_of({"charges": [charge]})) == [
        "charges[0].due_in_days",
        "charges[0].grace_days",
        "charges[0].id",
        "charges[0].rule",
    ]


def test_a_segment_that_could_not_be_read_is_no_typo_where_it_is_named() -> None:
    text = STRATEGY.replace("late_ratio_min", "late_ratio_mn").replace("chronicc", "chronic")
    with pytest.raises(InvalidPolicy) as error:
        ck.parse(text + EARLY.format("a") + 'applies_to = { segments = ["chronic"] }\n')
    assert {one.path.partition("[")[0] for one in error.value.problems} == {"segments"}
