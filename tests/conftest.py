"""What every test may use: Hypothesis profiles and the door to figures that live beside the project.

Profiles: `default` and, where CI=true, `ci` are derandomised, so that a failure belongs to a change and not to the dice;
`ci` draws more. `fresh` draws afresh on every run, for hunting; `thorough` is for the named long runs
(`pytest --hypothesis-profile=thorough`). None has a deadline: a slow machine is not a bug.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

settings.register_profile("default", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("fresh", max_examples=100, deadline=None, print_blob=True)
settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile(
    "thorough", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "default")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published cases and real ledgers beside the checkout; its data never enters the project."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared folder beside the checkout: published cases and real ledgers are not replayed")
    return SHARED
