"""Every fault of the published catalogue is shown by a test that is there, or is said to be open.

`tests/fault_catalogue.toml` names the tests. What no test of a single room can show, because it speaks of the whole
package, is shown here.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectkit import jurisdictions, strategy
from collectkit.adapters.columns import load_column_map
from collectkit.core.errors import CollectkitError

ROOT = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads((ROOT / "tests" / "fault_catalogue.toml").read_text(encoding="utf-8"))

RUNS_CODE = {"eval", "exec", "compile", "__import__"}
READS_CODE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "ruamel"}


def functions_of(path: Path) -> set[str]:
    return set(re.findall(r"^def (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def lost(tests: dict[str, list[str]]) -> Iterator[str]:
    """Name every entry whose test is not where the table says."""
    for fault, places in tests.items():
        for place in places:
            file, _, name = place.partition("::")
            if not (ROOT / file).is_file() or name not in functions_of(ROOT / file):
                yield f"{fault}: {place}"


def test_every_named_test_is_there() -> None:
    assert list(lost(TABLE["shown"])) == []


def test_the_search_sees_a_test_that_was_renamed() -> None:
    assert list(
        lost({"PLAN-01": ["tests/unit/test_plans.py::test_no_such_claim", "tests/unit/nowhere.py::test_it"]})
    ) == [
        "PLAN-01: tests/unit/test_plans.py::test_no_such_claim",
        "PLAN-01: tests/unit/nowhere.py::test_it",
    ]


def test_every_fault_of_the_catalogue_is_shown_or_said_to_be_open(shared: Path) -> None:
    cases = json.loads((shared / "vectors" / "faults.json").read_text(encoding="utf-8"))["cases"]
    assert sorted([*TABLE["shown"], *TABLE["open"]]) == sorted(case["id"] for case in cases)


def dangers(source: str) -> Iterator[str]:
    """Say where a text could become code, or bytes could become objects."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in RUNS_CODE:
                yield f"line {node.lineno}: {name}"
            case ast.Import(names=names) if {one.name.partition(".")[0] for one in names} & READS_CODE:
                yield f"line {node.lineno}: import"
            case ast.ImportFrom(module=str(name)) if name.partition(".")[0] in READS_CODE:
                yield f"line {node.lineno}: import from {name}"


def test_no_text_is_run_as_code_and_nothing_is_unpickled() -> None:
    found = {
        str(path.relative_to(ROOT)): seen
        for path in sorted((ROOT / "src").rglob("*.py"))
        if (seen := list(dangers(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_yaml_is_read_nowhere() -> None:
    assert list(dangers("import yaml")) == ["line 1: import"]
    assert [str(path) for path in (ROOT / "src").rglob("*.y*ml")] == []


@pytest.mark.parametrize("source", ["eval('1')", "import pickle", "from pickle import loads", "exec(text)"])
def test_the_search_for_dangers_sees_them(source: str) -> None:
    assert len(list(dangers(source))) == 1


def _strategy(text: str, _place: Path) -> Any:
    return strategy.parse(text)


def _pack(text: str, place: Path) -> Any:
    place.write_text(text, encoding="utf-8")
    return jurisdictions.load_file(place)


def _column_map(text: str, place: Path) -> Any:
    place.write_text(text, encoding="utf-8")
    return load_column_map(place)


@pytest.mark.parametrize("read", [_strategy, _pack, _column_map])
@pytest.mark.parametrize(
    "text",
    [
        "name = " + "[" * 100_000,
        "name = " + "9" * 5_000,
        'name = "a"\nname = "b"\n',
        "name = nan",
        "name = inf",
        "name = 010",
        "name = 12:30",
        'name = "\\ud800"',
        "name: text",
    ],
    ids=["deep", "long", "twice", "nan", "infinity", "octal", "sexagesimal", "surrogate", "yaml"],
)
def test_toml_that_means_something_else_elsewhere_is_refused(text: str, read: Any, tmp_path: Path) -> None:
    with pytest.raises(CollectkitError) as raised:
        read(text, tmp_path / "file.toml")
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", raised.value.code)
    assert len(str(raised.value)) < 3_000
