"""The tree of errors: stable codes, the standard base that a user would guess, and a way across processes."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from collectkit.core import errors
from collectkit.core.errors import (
    AuditChainBroken,
    CollectkitError,
    CurrencyMismatch,
    InvalidMoney,
    InvalidPolicy,
    MissingOptionalDependency,
    MoneyTypeError,
    Problem,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
)

SIMPLE = sorted(
    (
        kind
        for name in errors.__all__
        if isinstance(kind := getattr(errors, name), type)
        and issubclass(kind, CollectkitError)
        and kind not in (CurrencyMismatch, InvalidPolicy, MissingOptionalDependency)
    ),
    key=lambda kind: kind.__name__,
)
PROBLEM = Problem(code="policy.gap", path="charges[0].tiers", text="a gap", value="8", choices=("7", "9"))
ALL = [
    *(kind("room.reason", "what was given; the way out", given=5) for kind in SIMPLE),
    CurrencyMismatch("EUR", "USD", "add"),
    InvalidPolicy([PROBLEM, Problem(code="policy.overlap", path="x", text="an overlap")]),
    MissingOptionalDependency("report", "jinja2"),
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_every_error_crosses_a_process_border_whole(error: CollectkitError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (again.code, again.text, again.facts, again.args) == (error.code, error.text, error.facts, error.args)
        assert str(again) == str(error)
        assert getattr(again, "problems", None) == getattr(error, "problems", None)


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_every_error_has_a_code_of_room_and_reason_and_says_its_text(error: CollectkitError) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", error.code)
    assert str(error) == error.text


@pytest.mark.parametrize(
    ("kind", "guess"),
    [
        (errors.InvalidMoney, ValueError),
        (errors.MoneyTypeError, TypeError),
        (errors.CurrencyMismatch, ValueError),
        (errors.InvalidDate, ValueError),
        (errors.CalendarMissing, LookupError),
        (errors.InvalidRate, ValueError),
        (errors.InvalidRecord, ValueError),
        (errors.InvalidTerms, ValueError),
        (errors.InvalidPolicy, ValueError),
        (errors.CodecError, ValueError),
        (errors.HistoryError, ValueError),
        (errors.WordingError, ValueError),
        (errors.ImportFailed, ValueError),
        (errors.StoreError, RuntimeError),
        (errors.MissingOptionalDependency, ImportError),
    ],
)
def test_an_error_is_also_the_standard_one_that_a_user_would_catch(
    kind: type[CollectkitError], guess: type[Exception]
) -> None:
    assert issubclass(kind, guess)
    assert issubclass(kind, CollectkitError)


def test_the_tree_of_stores_and_money() -> None:
    assert issubclass(MoneyTypeError, InvalidMoney)
    assert issubclass(AuditChainBroken, StoreCorrupt)
    assert StoreBusy.retryable
    assert not StoreFull.retryable
    assert not StoreError.retryable


def test_every_public_error_stands_in_the_tree_drawn_atop_the_module() -> None:
    drawn = set(re.findall(r"^ +(?:[│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE))
    assert {name for name in errors.__all__ if name not in {"Problem", "CollectkitWarning"}} == drawn


def test_a_policy_with_many_faults_tells_all_of_them() -> None:
    error = InvalidPolicy(iter([PROBLEM, Problem(code="policy.syntax", path="rate", text="is missing")]))
    assert error.code == "policy.gap"
    assert str(error) == ("2 problems\n  charges[0].tiers: a gap (given: 8); choose from: 7, 9\n  rate: is missing")
    assert str(InvalidPolicy([PROBLEM])).startswith("1 problem\n")


def test_a_refused_policy_without_a_fault_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        InvalidPolicy([])


def test_a_mismatch_names_both_currencies() -> None:
    error = CurrencyMismatch("EUR", "USD")
    assert error.facts == {"left": "EUR", "right": "USD"}
    assert str(error).startswith("cannot combine EUR and USD; convert one of them first")


def test_a_missing_package_is_told_with_the_extra_that_brings_it() -> None:
    """RUNTIME-06."""
    error = MissingOptionalDependency("report", "jinja2")
    assert error.code == "core.missing_extra"
    assert str(error) == "jinja2 is not installed; install it with: pip install 'collectkit[report]'"
