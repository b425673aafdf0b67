"""The floors of the house: who may import whom. The contracts stand in pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "collectkit"


def contracts() -> dict[str, list[list[str]]]:
    """Contract id -> its floors, top first, each a list of neighbours."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {
        contract["id"]: [[room.strip(" ()") for room in floor.split("|")] for floor in contract["layers"]]
        for contract in settings["contracts"]
    }


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package that stands in `folder`/src."""
    code = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package in a folder of its own, to be spoilt."""
    shutil.copytree(PACKAGE, tmp_path / "src" / "collectkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def spoil(folder: Path, room: str, line: str) -> None:
    """Append `line` to a room of the copy, creating the room where it is not there yet."""
    path = folder / "src" / "collectkit" / f"{room.replace('.', '/')}.py"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")


def test_every_room_imports_only_from_floors_below() -> None:
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_contract_breaks_when_plans_import_policy(copy: Path) -> None:
    spoil(copy, "policy", "")
    spoil(copy, "plans", "import collectkit.policy")
    answer = lint(copy)
    assert answer.returncode == 1
    assert "collectkit.plans -> collectkit.policy" in answer.stdout


def test_contract_breaks_when_core_looks_up(copy: Path) -> None:
    spoil(copy, "plans", "")
    spoil(copy, "core.money", "import collectkit.plans")
    answer = lint(copy)
    assert answer.returncode == 1
    assert "collectkit.core.money -> collectkit.plans" in answer.stdout


@pytest.mark.parametrize("room", ["novelty", "_helpers", "core.novelty"])
def test_a_new_file_has_to_choose_its_floor(copy: Path, room: str) -> None:
    spoil(copy, room, "")
    answer = lint(copy)
    assert answer.returncode == 1
    assert room.rpartition(".")[2] in answer.stdout


def test_what_a_room_pushed_down_is_used_by_that_room_only() -> None:
    """`_plans` belongs to `plans`: nobody else goes round the façade."""
    gone_round = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py").removeprefix("_")
        for line in path.read_text(encoding="utf-8").splitlines():
            private = re.match(r"\s*(?:from|import) collectkit(?:\._| import _)(\w+)", line)
            if private and private[1] != own:
                gone_round.append(f"{path.relative_to(PACKAGE)}: {line.strip()}")
    assert gone_round == []


def test_no_room_stands_on_two_floors() -> None:
    for floors in contracts().values():
        rooms = [room for floor in floors for room in floor]
        assert len(rooms) == len(set(rooms))


def test_no_package_hides_a_module_of_the_same_name() -> None:
    twins = [path.stem for path in PACKAGE.rglob("*.py") if path.with_suffix("").is_dir()]
    assert twins == [], f"a folder beside a module of its name wins the import: {twins}"
