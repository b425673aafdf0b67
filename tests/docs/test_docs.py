"""Documentation that runs: every code block of README.md and docs/, every doctest of src/.

`python` blocks run (those that start with `>>>` as doctests), `pycon` blocks are doctests, `toml` and `json` blocks parse.
A fence in any other language must be one that is not code of ours (NOT_RUN), so that a misspelt one is not passed over.
"""

from __future__ import annotations

import doctest
import importlib
import json
import re
import tomllib
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract import AbstractCodeBlockParser
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
MODULES = sorted(path for path in (SRC / "collectkit").rglob("*.py") if path.name != "__main__.py")

RUN = {"python", "pycon", "toml", "json"}
NOT_RUN = {"sh", "console", "text", "mermaid", "csv", "sql", "make"}
_FENCE = re.compile(r"^\s*```+[ \t]*([^\s`]*)", re.MULTILINE)


class PyconCodeBlockParser(PythonCodeBlockParser):
    """`pycon` fences, which sybil passes over by itself."""

    codeblock_parser_class = CodeBlockParser

    def __init__(self) -> None:
        super().__init__(doctest_optionflags=doctest.ELLIPSIS)
        self.codeblock_parser: AbstractCodeBlockParser = CodeBlockParser("pycon", PythonEvaluator())


def parses_as_toml(example: Example) -> None:
    tomllib.loads(example.parsed)


def parses_as_json(example: Example) -> None:
    json.loads(example.parsed)


SYBIL = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
        PyconCodeBlockParser(),
        CodeBlockParser("toml", parses_as_toml),
        CodeBlockParser("json", parses_as_json),
    ],
)


def run(page: Path) -> int:
    """Evaluate every block of a page in order, in one namespace; the first wrong one raises."""
    examples = list(SYBIL.parse(page).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_the_page_holds(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_of_the_page_is_run_or_known_not_to_be(page: Path) -> None:
    opening = _FENCE.findall(page.read_text(encoding="utf-8"))[::2]
    directives = {fence for fence in opening if fence.startswith("{")}
    assert set(opening) - directives <= RUN | NOT_RUN


@pytest.mark.parametrize(
    "block",
    [
        "```python\n>>> 1 + 1\n3\n```",
        "```pycon\n>>> 1 + 1\n3\n```",
        "```python\nraise ValueError\n```",
        "```toml\nname = \n```",
        "```json\n{,}\n```",
    ],
)
def test_a_wrong_block_is_found(block: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{block}\n", encoding="utf-8")
    with pytest.raises(Exception, match=r".*"):  # whatever the block or its comparison raises
        run(page)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(path.relative_to(SRC).with_suffix("").parts))
def test_every_doctest_of_the_module_holds(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)
