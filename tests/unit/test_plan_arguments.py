"""What a builder of plans is given: nothing is ignored, nothing is obeyed that the shape does not speak of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from collectkit import plans
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate

EUR_100 = Money.of("100", "EUR")
COMMON: dict[str, Any] = {"plan_id": "P", "principal": EUR_100, "start_on": date(2026, 1, 31)}
TWELVE = Rate.percent("12")


@pytest.mark.parametrize(
    ("build", "arguments", "name"),
    [
        (plans.equal_split_plan, {"instalments": 3, "rate": TWELVE}, "rate"),
        (plans.stepped_plan, {"instalments": 3, "growth": "0.1", "balloon": EUR_100}, "balloon"),
        (plans.amortised_plan, {"instalments": 3, "rate": TWELVE, "level": EUR_100}, "level"),
        (plans.amortised_plan, {"instalments": 3, "rate": TWELVE, "pauses": ()}, "pauses"),
        (plans.flat_plan, {"instalments": 3, "rate": TWELVE, "colour": "red"}, "colour"),
    ],
)
def test_an_argument_of_another_shape_is_refused_by_name(build: Any, arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(TypeError, match=f"takes no '{name}'.*first_due_on"):
        build(**COMMON, **arguments)


@pytest.mark.parametrize(
    ("build", "arguments"),
    [
        (plans.amortised_plan, {"instalments": 3}),
        (plans.equal_principal_plan, {"instalments": 3}),
        (plans.flat_plan, {"instalments": 3}),
        (plans.interest_only_plan, {"instalments": 3}),
        (plans.balloon_plan, {"instalments": 3, "balloon": EUR_100}),
        (plans.bullet_plan, {"periods": 3}),
    ],
)
def test_a_shape_that_bears_interest_is_told_its_rate(build: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTerms, match="rate is missing") as raised:
        build(**COMMON, **arguments, rate=None)
    assert raised.value.code == "plans.arguments"


def test_a_balloon_that_is_missing_is_refused() -> None:
    with pytest.raises(InvalidTerms, match="balloon is missing"):
        plans.balloon_plan(**COMMON, rate=TWELVE, instalments=3, balloon=None)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize("steps", [5, "ab", [3], [(1,)], [(1, EUR_100, 2)], None, []])
def test_steps_that_are_no_pairs_are_refused(steps: Any) -> None:
    with pytest.raises(InvalidTerms) as raised:
        plans.stepped_plan(**COMMON, instalments=3, steps=steps)
    assert raised.value.code == "plans.amounts"
