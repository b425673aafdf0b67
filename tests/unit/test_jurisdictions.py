"""What `jurisdictions` says it does: shipped packs load, every figure has a source, own packs are read strictly."""

from __future__ import annotations

import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from collectkit import jurisdictions
from collectkit.core.errors import InvalidPolicy
from collectkit.core.rules import (
    CoolDown,
    InForce,
    RollingCount,
    Stale,
    StatutoryInterest,
    TimeWindows,
    compose,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "packs"
SHIPPED = jurisdictions.available()

MINIMAL = """
id = "mine"
version = "1"
jurisdiction = "XX"
title = "mine"
reviewed_through = 2026-11-22
[sources.a]
authority = "a law"
address = "example.org"
read_on = 2026-11-22
[[rules]]
id = "cap"
topic = "late_interest"
kind = "rate_cap"
text = "12 % at most"
source = "a"
  [[rules.values]]
  from = 2020-01-01
  percent = "12"
"""


def problems_of(table: str) -> str:
    with pytest.raises(InvalidPolicy) as error:
        jurisdictions.read_pack(tomllib.loads(table))
    return str(error.value)


def test_the_first_packs_are_shipped() -> None:
    assert {
        "us-reg-f", "us-reg-z", "us-ma", "eu-late-payment", "de-late-payment", "fr-late-payment", "ie-late-payment",
        "fi-late-payment", "uk-late-payment", "uk-breathing-space", "au-rg96", "ca-on", "ca-qc",
    } <= set(SHIPPED)  # fmt: skip


@pytest.mark.parametrize("pack_id", SHIPPED)
def test_every_figure_of_a_shipped_pack_has_a_source_that_was_read(pack_id: str) -> None:
    pack = jurisdictions.load(pack_id)
    assert pack.id == pack_id
    for rule in pack.rules:
        for point in rule.parameters.points:
            assert point.citation.authority
            assert point.citation.read_on <= pack.reviewed_through
            assert point.status != "in_force" or point.basis != "memory", rule.id
        assert rule.text.endswith(".")


@pytest.mark.parametrize("pack_id", SHIPPED)
def test_a_shipped_pack_is_stale_past_its_review(pack_id: str) -> None:
    pack = jurisdictions.load(pack_id)
    for rule in pack.rules:
        assert isinstance(rule.parameters.at(date(2026, 11, 23)), Stale)


def test_all_shipped_packs_go_together() -> None:
    rules = compose([jurisdictions.load(pack_id) for pack_id in SHIPPED])
    assert len({rule.id for _, rule in rules}) == len(rules)


def test_an_unknown_pack_names_those_there_are() -> None:
    with pytest.raises(InvalidPolicy) as error:
        jurisdictions.load("atlantis")
    assert error.value.code == "jurisdictions.unknown"
    assert error.value.problems[0].choices == SHIPPED


def test_guidance_is_not_shown_as_law() -> None:
    assert {rule.force for rule in jurisdictions.load("au-rg96").rules} == {"guidance"}
    forces = {rule.id: rule.force for rule in jurisdictions.load("us-reg-f").rules}
    assert forces["us.regf.call_frequency"] == "presumption"


def test_the_federal_call_limit_is_seven_in_seven_days_then_seven_days_of_rest() -> None:
    # 12 CFR 1006.14(b)(2)(i)
    pack = jurisdictions.load("us-reg-f")
    count = pack.rule("us.regf.call_frequency").parameters.at(date(2026, 8, 14))
    rest = pack.rule("us.regf.call_cool_down").parameters.at(date(2026, 8, 14))
    assert isinstance(count, InForce)
    assert isinstance(count.value, RollingCount)
    assert (count.value.maximum, count.value.days, count.value.scope) == (7, 7, ("person", "debt"))
    assert isinstance(rest, InForce)
    assert isinstance(rest.value, CoolDown)
    assert rest.value.free_on(date(2026, 8, 14)) == date(2026, 8, 21)


def test_ontario_and_quebec_hours_differ_on_sundays() -> None:
    hours = {}
    for pack_id, rule_id in (("ca-on", "ca.on.hours"), ("ca-qc", "ca.qc.hours")):
        found = jurisdictions.load(pack_id).rule(rule_id).parameters.at(date(2026, 8, 16))
        assert isinstance(found, InForce)
        assert isinstance(found.value, TimeWindows)
        hours[pack_id] = [(one.start.hour, one.end.hour) for one in found.value.windows if 6 in one.weekdays]
    assert hours == {"ca-on": [(13, 17)], "ca-qc": []}


def test_the_massachusetts_overlay_needs_the_federal_pack() -> None:
    with pytest.raises(InvalidPolicy, match="us-reg-f"):
        compose([jurisdictions.load("us-ma")])


def test_the_german_base_rate_lies_below_the_ecb_rate_by_a_constant() -> None:
    # BGB 247; this checks the file against itself, five half-years were seen apart
    ecb, _, de, _ = jurisdictions.series()
    for point in de.values.points:
        assert point.from_on is not None
        reference = ecb.values.at(point.from_on)
        assert isinstance(reference, InForce)
        assert reference.value - (point.value or 0) == Fraction("0.0088")


@pytest.mark.parametrize("name", ["br-consumer", "in-msmed"])
def test_the_example_packs_load(name: str) -> None:
    pack = jurisdictions.load_file(EXAMPLES / f"{name}.toml")
    assert pack.id == name


def test_an_own_pack_may_bring_its_own_series() -> None:
    pack = jurisdictions.load_file(EXAMPLES / "in-msmed.toml")
    law = pack.rule("in.msmed.interest").parameters.at(date(2024, 1, 1))
    assert isinstance(law, InForce)
    assert isinstance(law.value, StatutoryInterest)
    assert law.value.rate_of(Fraction("0.0675")) == Fraction("0.2025")


def test_a_minimal_own_pack_is_read() -> None:
    assert jurisdictions.read_pack(tomllib.loads(MINIMAL)).rule("cap").force == "law"


def test_a_file_that_is_no_toml_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("id = ", encoding="utf-8")
    with pytest.raises(InvalidPolicy) as error:
        jurisdictions.load_file(path)
    assert error.value.code == "jurisdictions.syntax"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "rate_cap"', 'kind = "rate_cup"', "rules[0].kind: not one of the choices; did you mean rate_cap?"),
        ('source = "a"', 'source = "b"', "rules[0].source: not one of the choices"),
        ('source = "a"', "", "rules[0].values[0].source"),
        ('percent = "12"', "percent = 12.5", "rules[0].values[0].percent"),
        ('percent = "12"', "", "rules[0].values[0].percent: is missing"),
        ('percent = "12"', 'percent = "12"\n  unit = "%"', "rules[0].values[0].unit: unknown key"),
        ("from = 2020-01-01", 'from = "1/1/2020"', "rules[0].values[0].from: a date is needed here"),
        ("reviewed_through = 2026-11-22", "", "reviewed_through: is missing"),
        ("[[rules]]", 'reference_series = ["LIBOR"]\n[[rules]]', "reference_series"),
        (
            "[[rules.values]]",
            '[rules.applies_to]\n  debtor_kinds = ["dog"]\n  [[rules.values]]',
            "rules[0].applies_to.debtor_kinds",
        ),
    ],
)
def test_every_mistake_of_a_pack_is_noted_at_its_path(old: str, new: str, said: str) -> None:
    assert old in MINIMAL
    assert said in problems_of(MINIMAL.replace(old, new))


def test_a_rule_without_values_is_refused() -> None:
    table = MINIMAL[: MINIMAL.index("  [[rules.values]]")]
    assert "a rule needs at least one dated value" in problems_of(table)


def test_a_pack_without_sources_is_refused() -> None:
    table = tomllib.loads(MINIMAL)
    del table["sources"]
    with pytest.raises(InvalidPolicy, match="every figure needs a source"):
        jurisdictions.read_pack(table)


def test_a_pack_that_is_no_table_is_refused() -> None:
    with pytest.raises(InvalidPolicy):
        jurisdictions.read_pack([])  # type: ignore[arg-type]


def test_an_ended_value_is_read() -> None:
    table = MINIMAL + "  [[rules.values]]\n  from = 2024-01-01\n  ended = true\n"
    found = jurisdictions.read_pack(tomllib.loads(table)).rule("cap").parameters.at(date(2025, 1, 1))
    assert not isinstance(found, InForce)


def test_a_wall_time_is_read_strictly() -> None:
    table = MINIMAL.replace('kind = "rate_cap"', 'kind = "time_windows"').replace(
        'percent = "12"', 'windows = [{ weekdays = [0], start = "8 am", end = "20:00" }]'
    )
    assert 'a wall time is needed here, such as "08:00"' in problems_of(table)


def test_points_out_of_order_are_refused() -> None:
    table = MINIMAL + '  [[rules.values]]\n  from = 2019-01-01\n  percent = "9"\n'
    assert "points must be in order of from_on" in problems_of(table)
