"""The suite rejects every store that is broken on purpose, and says by name what is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectkit.adapters.memory import MemoryStore
from collectkit.testing.conformance import STORE_PROPERTIES, NotShown, PropertyBroken, StoreKit, check
from conformance_kits.broken import BROKEN, BrokenKit, EachBatchAlone
from conformance_kits.naive import NaiveKit


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_store_is_rejected(name: str) -> None:
    answers = check(lambda: BrokenKit(BROKEN[name]))
    assert answers.broken, f"{name} passes: {answers}"


@pytest.mark.parametrize("kind", [MemoryStore, EachBatchAlone])
def test_a_sound_store_is_not(kind: type[MemoryStore]) -> None:
    answers = check(lambda: BrokenKit(kind))
    assert not answers.broken, answers


def test_the_kill_harness_finds_the_design_with_two_transactions(tmp_path: Path) -> None:
    kit = NaiveKit(tmp_path)
    with pytest.raises(PropertyBroken, match="outbox row"):
        STORE_PROPERTIES["s10_ack_is_durable"](kit)
    kit.close()


def test_at_least_twenty_kinds_of_damage_are_tried() -> None:
    assert len(BROKEN) >= 20


def test_a_kit_with_no_doors_is_told_what_could_not_be_shown() -> None:
    class Bare(StoreKit):
        pass

    answers = check(Bare, names=["s10_ack_is_durable"])
    assert answers.not_shown == {"s10_ack_is_durable": "nothing of this store outlives its process"}
    with pytest.raises(NotShown):
        Bare().full()
    assert "not shown" in str(answers)
