"""Answers: a no is a value with reasons, leave has degrees, a batch holds what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from collectkit.core import decisions
from collectkit.core.decisions import (
    AppliedHold,
    Batch,
    Charge,
    Committed,
    Conflict,
    Credit,
    Decision,
    Declined,
    Defer,
    Duplicate,
    OutboxRow,
    Permission,
    PermissionOutcome,
    Reason,
    Suppress,
)
from collectkit.core.errors import InvalidRecord
from collectkit.core.events import RestrictService
from collectkit.core.money import Money

DAY = date(2026, 3, 12)
AT = datetime(2026, 3, 12, 9, tzinfo=UTC)
WHY = Reason(code="policy.fee_cap", text="late fee 45.00 GBP is over the cap of 40.00 GBP", cite="contract 4.2")
CHARGE: dict[str, Any] = {
    "key": "k",
    "rule": "late-fee",
    "receivable_id": "R",
    "component": "fee",
    "amount": Money(100, "EUR"),
    "charged_on": DAY,
    "due_on": DAY,
}
DECIDED: dict[str, Any] = {"account_id": "A", "as_of": DAY, "cycle": 0, "stage": "current", "segment": "standard"}
BATCH: dict[str, Any] = {"account_id": "A", "expected_version": 0, "command_id": "c", "command_hash": "h"}


def test_a_reason_says_its_text_and_who_says_so() -> None:
    assert str(WHY) == "late fee 45.00 GBP is over the cap of 40.00 GBP (contract 4.2)"
    assert str(attrs.evolve(WHY, cite=None)) == "late fee 45.00 GBP is over the cap of 40.00 GBP"


def test_a_refusal_is_false_and_tells_every_reason() -> None:
    no = Declined(reasons=[WHY, Reason(code="a.b", text="too late")])
    assert not no
    assert str(no) == f"{WHY}; too late"
    with pytest.raises(InvalidRecord):
        Declined(reasons=["because"])  # type: ignore[list-item]


def test_leave_is_ranked_from_free_to_forbidden() -> None:
    assert [one.value for one in sorted(PermissionOutcome, key=lambda one: one.severity)] == [
        "allowed",
        "presumed_ok",
        "presumed_violation",
        "unknown",
        "blocked",
    ]


@pytest.mark.parametrize(
    ("outcome", "is_allowed"),
    [("allowed", True), ("presumed_ok", True), ("presumed_violation", False), ("unknown", False), ("blocked", False)],
)
def test_only_leave_lets_an_automatic_step_go_ahead(outcome: str, is_allowed: bool) -> None:
    found = Permission(outcome=outcome)  # type: ignore[arg-type]
    assert (found.is_allowed, bool(found)) == (is_allowed, is_allowed)


def test_an_unknown_outcome_is_refused_by_the_choices_there_are() -> None:
    with pytest.raises(InvalidRecord, match="allowed, presumed_ok"):
        Permission(outcome="perhaps")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "has_effects"),
    [
        ({}, False),
        ({"is_cured": True}, True),
        ({"charges": [Charge(**CHARGE)]}, True),
        ({"commands": [RestrictService(key="k", account_id="A")]}, True),
        (
            {"credits": [Credit(key="k", rule="r", receivable_id="R", amount=Money(1, "EUR"), earned_on=DAY)]},
            True,
        ),
        ({"reasons": [WHY], "review_on": DAY, "holds": [AppliedHold(reason="manual")]}, False),  # type: ignore[arg-type]
    ],
)
def test_a_decision_has_effects_when_something_is_to_be_stored(given: dict[str, Any], has_effects: bool) -> None:
    assert Decision(**DECIDED, **given).has_effects is has_effects


@pytest.mark.parametrize(
    ("kind", "good", "change"),
    [
        (Charge, CHARGE, {"amount": 100}),
        (Charge, CHARGE, {"component": "tip"}),
        (Credit, {"key": "k", "rule": "r", "receivable_id": "R", "amount": Money(1, "EUR"), "earned_on": DAY}, {"amount": 1}),
        (Decision, DECIDED, {"arrears": [5]}),
        (Decision, DECIDED, {"is_cured": "no"}),
        (Decision, DECIDED, {"cycle": -1}),
        (Decision, DECIDED, {"commands": ["call"]}),
        (OutboxRow, {"key": "k", "account_id": "A", "lane": "A:email", "command": "send-notice", "payload": b"{}"}, {"payload": "{}"}),
        (Batch, BATCH, {"keys": "fee"}),
        (Batch, BATCH, {"events": [DAY]}),
        (Batch, BATCH, {"expected_version": True}),
        (Defer, {"until_at": AT, "reason": WHY}, {"reason": "later"}),
        (Suppress, {"reason": WHY}, {"reason": None}),
        (Committed, {"version": 1}, {"version": -1}),
        (Duplicate, {"version": 1}, {"version": "1"}),
        (Conflict, {"actual": 1}, {"actual": None}),
    ],
)  # fmt: skip
def test_an_answer_is_valid_from_birth(kind: type[Any], good: dict[str, Any], change: dict[str, Any]) -> None:
    kind(**good)
    with pytest.raises(InvalidRecord):
        kind(**(good | change))


def test_the_payload_of_an_outbox_row_shows_in_no_repr() -> None:
    row = OutboxRow(key="k", account_id="A", lane="l", command="send-notice", payload=b"canary")
    assert "canary" not in repr(row)


def test_every_public_answer_is_frozen() -> None:
    for name in decisions.__all__:
        kind = getattr(decisions, name)
        if attrs.has(kind):
            assert kind.__setattr__ is not object.__setattr__, name
