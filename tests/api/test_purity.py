"""The rooms that decide are pure: no clock, dice, disk, locale or ambient context, no assert, no float in money.

Checked on the syntax tree (law L3), so a line that no test reaches is checked too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "collectkit"

SUBJECTS = ("plans", "policy", "segments", "escalation", "promises", "contact", "settlement", "servicing", "history")
PURE = sorted(
    [
        *(PACKAGE / "core").rglob("*.py"),
        *(p for room in SUBJECTS for p in (*PACKAGE.glob(f"{room}.py"), *PACKAGE.glob(f"_{room}/*.py"))),
    ]
)
# Rooms whose arithmetic ends in cents; a ratio for people (a score, a rate shown) may be a float elsewhere.
EXACT = {"money", "rates", "interest", "schedule", "waterfall", "plans", "policy", "settlement", "servicing"}
# Functions in which a float may say where to look, or decide where it cannot be wrong; it never becomes an amount by itself.
SEARCHES = {
    "_gap_bound",  # plans: a generous bound on the drift of rounding
    "level_payment_minor",  # interest: a filter with a proven margin; the exact path decides the rest
}

WORLD = {  # modules that reach out of the process or read its ambience
    "asyncio", "getpass", "glob", "io", "locale", "logging", "multiprocessing", "os", "pathlib", "platform", "random", "secrets",
    "shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
CLOCK = {"now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp", "localtime"}
AMBIENT = {"getcontext", "setcontext"}
BUILTINS = {"open", "input", "print", "exec", "eval", "hash", "id", "globals", "breakpoint"}


def faults(source: str, *, exact: bool) -> Iterator[str]:
    """Say what a pure room may not hold, with its line."""
    tree = ast.parse(source)
    own_hash = {
        call
        for method in ast.walk(tree)
        if isinstance(method, ast.FunctionDef) and method.name == "__hash__"
        for call in ast.walk(method)
    }
    searching = {
        part
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in SEARCHES
        for part in ast.walk(function)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Assert():
                yield f"line {line}: assert vanishes under -O; write if ...: raise"
            case ast.Import(names=names):
                yield from (f"line {line}: imports {a.name}" for a in names if a.name.partition(".")[0] in WORLD)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in WORLD:
                yield f"line {line}: imports {module}"
            case ast.ImportFrom(module="decimal", names=names) if any(alias.name in AMBIENT for alias in names):
                yield f"line {line}: takes the ambient decimal context"
            case ast.Attribute(attr=attr) if attr in CLOCK:
                yield f"line {line}: reads a clock (.{attr}); take as_of or now as an argument"
            case ast.Attribute(attr=attr) if attr in AMBIENT:
                yield f"line {line}: takes the ambient decimal context (.{attr})"
            case ast.Call(func=ast.Name(id="localcontext") | ast.Attribute(attr="localcontext"), args=[]):
                yield f"line {line}: copies the ambient decimal context; hand localcontext() a Context of our own"
            case ast.Call(func=ast.Name(id=name)) if name in BUILTINS and node not in own_hash:
                yield f"line {line}: calls {name}()"
            case ast.Global() | ast.Nonlocal():
                yield f"line {line}: keeps state outside its arguments"
            case ast.Constant(value=float()) if exact and node not in searching:
                yield f"line {line}: the float {node.value!r} in a room of exact money"
            case ast.Call(func=ast.Name(id="float")) if exact and node not in searching:
                yield f"line {line}: makes a float in a room of exact money"
            case _:
                pass


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_room_is_pure(path: Path) -> None:
    room = path.stem if path.parent.name in {"core", "collectkit"} else path.parent.name.strip("_")
    assert list(faults(path.read_text(encoding="utf-8"), exact=room in EXACT)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import date\nas_of = date.today()",
        "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
        "import random",
        "from os import environ",
        "import locale",
        "text = open('rates.toml').read()",
        "from decimal import getcontext",
        "import decimal\ndecimal.localcontext()",
        "assert amount > 0",
        "rate = 0.015",
        "rate = float(text)",
        "def key(name):\n    return hash(name)",
        "def f():\n    global seen\n    seen = 1",
    ],
)
def test_the_purity_check_sees_what_it_forbids(source: str) -> None:
    assert list(faults(source, exact=True)) != []


def test_no_assert_in_the_whole_package() -> None:
    held = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if "testing" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert held == []
