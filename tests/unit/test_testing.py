"""What collectkit gives to the tests of others."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectkit import testing
from collectkit.core.codec import encode
from collectkit.core.events import COMMAND_TYPES, EVENT_TYPES, AccountOpened
from collectkit.core.money import Money
from collectkit.core.records import Component
from collectkit.history import snapshot
from collectkit.testing import strategies
from collectkit.testing.cases import DAY, batch_of, opening, paying, requesting, retry_of
from collectkit.testing.conformance import MESSENGER_PROPERTIES, STORE_PROPERTIES

DRAWN = [name for name in strategies.__all__ if name != "ACCOUNT_ID"]


@pytest.mark.parametrize("name", DRAWN)
@settings(max_examples=5)
@given(data=st.data())
def test_every_strategy_draws_without_being_told_anything(name, data):
    data.draw(getattr(strategies, name)())


def test_every_kind_of_event_is_drawn():
    assert set(strategies._CONTENTS) | {AccountOpened} == set(EVENT_TYPES.values())


@settings(max_examples=25)
@given(strategies.commands())
def test_every_command_is_of_a_known_kind(command):
    assert type(command) in COMMAND_TYPES.values()


@given(strategies.receivables(component=Component.FEE), strategies.moneys(currency="JPY", minor_min=5, minor_max=7))
def test_what_is_asked_for_is_drawn(fee, money):
    assert fee.is_charge
    assert 5 <= money.minor <= 7


def test_hypothesis_learns_the_types():
    testing.register()

    @settings(max_examples=5)
    @given(...)
    def draws(money: Money) -> None:
        assert isinstance(money, Money)

    draws()


def test_registering_loads_no_strategy_before_one_is_drawn():
    code = (
        "import sys, collectkit.testing as t; t.register(); "
        "sys.exit(any(name in sys.modules for name in ('collectkit.testing.strategies', 'collectkit.history', 'pytest')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cases_are_the_same_on_every_run():
    assert opening("A-1") == opening("A-1")
    assert batch_of("A-1", 0, opening("A-1").events, command_id="open:A-1") == opening("A-1")
    assert paying("A-1", 2).command_hash != paying("A-1", 2, minor=7).command_hash
    assert retry_of(paying("A-1", 2), expected_version=0).expected_version == 0
    assert retry_of(paying("A-1", 2)) == paying("A-1", 2)


def test_cases_are_a_history():
    events = (*opening("A-1", receivables=3).events, *paying("A-1", 4).events, *requesting("A-1", 5).events)
    facts = snapshot(events, as_of=DAY)
    assert (len(facts.receivables), len(facts.payments), len(facts.notices)) == (3, 1, 1)
    assert all(encode(event) for event in events)


@pytest.mark.parametrize("properties", [STORE_PROPERTIES, MESSENGER_PROPERTIES], ids=["stores", "messengers"])
def test_every_property_says_what_it_claims(properties):
    for name, claim in properties.items():
        assert inspect.getdoc(claim), name
        assert claim.__name__ == name


def test_the_named_properties_are_all_there():
    have = {name.partition("_")[0] for name in (*STORE_PROPERTIES, *MESSENGER_PROPERTIES)}
    assert have == {f"s{n}" for n in range(1, 21)} | {f"o{n}" for n in range(1, 8)} | {"i1", "i2"} | {
        f"m{n}" for n in range(1, 6)
    }
