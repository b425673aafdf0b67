"""The public names: sorted, importable, documented, cheap to import, and the same for people and type checkers."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import collectkit

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
HEAVY = (
    "pendulum",
    "babel",
    "dateutil",
    "numpy",
    "sqlalchemy",
    "cattrs",
    "click",
    "rich",
    "jinja2",
    "matplotlib",
    "hypothesis",
)
NAMES = sorted(set(collectkit.__all__) - {"__version__"})
MODULES = sorted(
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    for path in (SRC / "collectkit").rglob("*.py")
)
CORE = [module for module in MODULES if module.startswith("collectkit.core")]


def loaded_by(statement: str) -> set[str]:
    """Top-level packages in sys.modules after `statement` ran in an interpreter of its own."""
    code = (
        f"import sys, json\n{statement}\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout))


# --- the package namespace ---


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_there_with_a_docstring(name: str) -> None:
    value = getattr(collectkit, name)
    if inspect.isclass(value) or inspect.isroutine(value):
        assert (inspect.getdoc(value) or "").strip(), f"{name} has no docstring"
        assert value.__module__.startswith("collectkit.")


def test_all_is_sorted() -> None:
    assert list(collectkit.__all__) == sorted(collectkit.__all__)


def test_dir_shows_the_public_names() -> None:
    assert dir(collectkit) == sorted(collectkit.__all__)


def test_no_name_has_two_homes() -> None:
    every = [name for names in collectkit._NAMES.values() for name in names]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("module", sorted(collectkit._NAMES))
def test_a_row_of_the_table_is_sorted_and_public_in_its_module(module: str) -> None:
    names = collectkit._NAMES[module]
    assert list(names) == sorted(names)
    public = getattr(importlib.import_module(f"collectkit.{module}"), "__all__", None)
    if public is not None:
        assert set(names) <= set(public)


def test_stub_and_table_show_the_same_names() -> None:
    stub = importlib.import_module("api.stub")
    said = "the table in __init__.py and the stub __init__.pyi differ; run: make exports"
    assert stub.STUB.read_text(encoding="utf-8") == stub.stub_text(), said


def test_version_is_the_installed_one() -> None:
    assert collectkit.__version__ == importlib.metadata.version("collectkit")


def test_missing_name_names_the_nearest_one() -> None:
    with pytest.raises(AttributeError, match=r"^no 'Monney' in collectkit; did you mean 'Money'\?$"):
        collectkit.Monney  # noqa: B018 - the look itself is the test


def test_missing_name_that_is_a_module_says_how_to_import_it() -> None:
    with pytest.raises(AttributeError, match=r"it is a module: import collectkit\.core\.money$"):
        getattr(collectkit, "money")  # noqa: B009 - as a user of the name would


def test_missing_name_like_nothing_is_refused_in_one_line() -> None:
    with pytest.raises(AttributeError, match=r"^no 'qqq' in collectkit$"):
        getattr(collectkit, "qqq")  # noqa: B009 - as a user of the name would


# --- every module ---


@pytest.mark.parametrize("module", MODULES)
def test_module_says_what_it_is_for(module: str) -> None:
    path = SRC / Path(*module.split("."))
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), f"{module} has no docstring"


@pytest.mark.parametrize("module", [name for name in MODULES if "._" not in name and name != "collectkit"])
def test_module_has_every_name_it_lists_with_a_docstring(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in getattr(loaded, "__all__", ()):  # ruff keeps the list sorted (RUF022)
        value = getattr(loaded, name)
        made_here = inspect.isclass(value) or (inspect.isfunction(value) and "<locals>" not in value.__qualname__)
        if made_here and value.__module__ == module:
            assert (inspect.getdoc(value) or "").strip(), f"{module}.{name} has no docstring"


# --- import cost ---


def test_import_collectkit_loads_nothing_heavy() -> None:
    assert loaded_by("import collectkit").isdisjoint({*HEAVY, "attrs", "attr"})


def test_core_loads_nothing_heavy() -> None:
    statement = "\n".join(f"import {module}" for module in CORE)
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_the_cost_test_sees_a_heavy_import() -> None:
    assert "babel" in loaded_by("import collectkit, babel")


# --- metadata ---


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    loose = [line for group in groups for line in group if ">=" not in line and "==" not in line]
    assert [line for line in loose if not line.startswith("collectkit[")] == []


def test_package_is_marked_as_typed() -> None:
    assert (SRC / "collectkit" / "py.typed").is_file()


def test_every_module_on_disk_is_found_by_the_import_system() -> None:
    found = {"collectkit", *(module.name for module in pkgutil.walk_packages(collectkit.__path__, "collectkit."))}
    lost = {name for name in MODULES if not name.endswith("__main__")} - found
    assert lost == set(), f"a folder without __init__.py is no package: {sorted(lost)}"
