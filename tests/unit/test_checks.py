"""The small validators: what they accept, what they refuse by field name, and that they never repeat a value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from collectkit.core import checks
from collectkit.core.errors import CollectkitError, InvalidDate, InvalidRecord, InvalidTerms

CANARY = "Jane-Canary-Doe"


def accepts(validator: checks.Validator, value: object) -> bool:
    record = attrs.make_class("Record", {"field": attrs.field(validator=validator)}, frozen=True)
    try:
        record(value)
    except CollectkitError as error:
        found = error
    else:
        return True
    assert "Record.field" in found.text
    assert CANARY not in found.text + str(found.facts) + repr(found)
    return False


class SomeDay(date):
    """A subclass, as pendulum has one."""


@pytest.mark.parametrize(
    ("validator", "good", "bad"),
    [
        (checks.plain_date, [date(2026, 1, 1), SomeDay(2026, 1, 1)], [datetime(2026, 1, 1), CANARY, None, 5]),  # noqa: DTZ001 - naive on purpose
        (checks.aware_datetime, [datetime(2026, 1, 1, tzinfo=UTC)], [datetime(2026, 1, 1), date(2026, 1, 1), CANARY]),  # noqa: DTZ001 - naive on purpose
        (checks.zone_name, ["Europe/Berlin", "UTC", "Etc/GMT+1", "America/Port-au-Prince"], ["", "Europe Berlin", "Zürich", CANARY + "!", "x" * 65, None]),
        (checks.identifier, ["A-1", "x" * 255, "Ä"], ["", " A", "A ", "A\n", "A\x00B", "x" * 256, None, 5, CANARY + "\n"]),
        (checks.text_up_to(3), ["", "abc", "äöü"], ["abcd", None, 5, CANARY]),
        (checks.whole, [0, -5, 10**30], [True, 1.0, "1", None]),
        (checks.non_negative_int, [0, 5], [-1, True, 1.0, None]),
        (checks.positive_int, [1, 5], [0, -1, True, "1"]),
        (checks.true_or_false, [True, False], [0, 1, "false", None, CANARY]),
        (checks.one_of(["a", "b"]), ["a", "b"], ["c", CANARY, None]),
        (checks.optional(checks.positive_int), [None, 1], [0, CANARY]),
        (checks.instance_of(str), ["", "a"], [5, None]),
        (checks.each(int), [(), (1, 2)], [(1, CANARY), ("a",)]),
    ],
)  # fmt: skip
def test_a_validator_accepts_what_it_names_and_refuses_the_rest(
    validator: checks.Validator, good: list[object], bad: list[object]
) -> None:
    assert [value for value in good if not accepts(validator, value)] == []
    assert [value for value in bad if accepts(validator, value)] == []


@pytest.mark.parametrize(
    ("validator", "value", "code"),
    [
        (checks.plain_date, datetime(2026, 1, 1, tzinfo=UTC), "calendars.datetime_for_date"),
        (checks.plain_date, "2026-01-01", "calendars.type"),
        (checks.aware_datetime, datetime(2026, 1, 1), "calendars.naive"),  # noqa: DTZ001 - naive on purpose
        (checks.aware_datetime, "now", "calendars.type"),
        (checks.zone_name, "Mars Base", "calendars.zone"),
        (checks.identifier, "", "records.id"),
        (checks.identifier, "a\tb", "records.id"),
        (checks.text_up_to(1), "ab", "records.too_long"),
        (checks.text_up_to(1), 1, "records.type"),
        (checks.positive_int, 0, "records.range"),
        (checks.positive_int, 1.0, "records.type"),
        (checks.one_of(["a"]), "b", "records.choice"),
        (checks.instance_of(str), 1, "records.type"),
        (checks.each(str), (1,), "records.type"),
        (checks.true_or_false, 1, "records.type"),
    ],
)
def test_every_refusal_has_a_stable_code(validator: checks.Validator, value: object, code: str) -> None:
    record = attrs.make_class("Record", {"field": attrs.field(validator=validator)})
    with pytest.raises(CollectkitError) as error:
        record(value)
    assert error.value.code == code
    assert error.value.facts["field"] == "Record.field"


def test_an_instant_given_for_a_day_is_told_how_to_become_one() -> None:
    with pytest.raises(InvalidDate, match=r"astimezone\(zone\)\.date\(\)"):
        checks.require_date(datetime(2026, 1, 1, tzinfo=UTC), "as_of")
    with pytest.raises(InvalidDate) as error:
        checks.require_date("2026-01-01", "as_of")
    assert error.value.code == "calendars.type"
    assert checks.require_date(date(2026, 1, 1), "as_of") == date(2026, 1, 1)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 0, 11])
def test_an_argument_is_a_whole_number_between_its_bounds(value: object) -> None:
    with pytest.raises(InvalidTerms) as error:
        checks.require_int(value, "count", at_least=1, at_most=10, code="plans.count", error=InvalidTerms)
    assert error.value.code == "plans.count"
    assert checks.require_int(10, "count", at_least=1, at_most=10, code="plans.count") == 10


@pytest.mark.parametrize("convert", [checks.as_tuple, checks.texts, checks.as_frozenset, checks.tuple_of(str)])
def test_a_list_is_copied_and_one_text_is_no_list(convert: Any) -> None:
    """POLICY-13: and ("abc") would fall into letters."""
    given = ["a", "b"]
    made = convert(given)
    given.append("c")
    assert set(made) == {"a", "b"}
    assert set(convert(one for one in "ab")) == {"a", "b"}
    for bad in ("abc", b"abc", 5, None):
        with pytest.raises(InvalidRecord) as error:
            convert(bad)
        assert error.value.code == "records.type"


@pytest.mark.parametrize("convert", [checks.texts, checks.as_frozenset, checks.tuple_of(str)])
def test_a_list_of_texts_holds_texts(convert: Any) -> None:
    with pytest.raises(InvalidRecord) as error:
        convert(["a", 5])
    assert error.value.code == "records.type"


class Colour(checks.Choice):
    RED = "red"
    BLUE = "blue"


def test_a_code_that_is_none_of_the_choices_is_refused_without_being_repeated() -> None:
    assert Colour("red") is Colour.RED
    assert Colour(Colour.BLUE) is Colour.BLUE
    for bad in (CANARY, None, 5, "RED", ""):
        with pytest.raises(InvalidRecord) as error:
            Colour(bad)
        assert error.value.code == "records.choice"
        assert str(error.value) == "a Colour is one of: red, blue"
        assert CANARY not in repr(error.value)
        assert isinstance(error.value, ValueError)
