"""The pages about the command: every `$ collectkit` line is run in order, and what it prints is what the page shows."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from collectkit.cli import main

DOCS = Path(__file__).resolve().parents[2] / "docs" / "how-to"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"as `([\w.-]+)`:\s*\Z")
_STATUS = {"REJECTED": 3, "cannot be used": 2}


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Language, text and, where the page says "as `name`:" before it, the file name of every fence."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        name = _NAMED.search(text[: found.start()])
        yield found.group(1), found.group(2), name.group(1) if name else ""


@pytest.mark.parametrize("name", ["run.md", "strategy-file.md"])
def test_the_page_shows_what_the_command_prints(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for language, text, file in blocks(DOCS / name):
        if file:
            (tmp_path / file).write_text(text, encoding="utf-8")
        elif language == "console":
            command, _, shown = text.partition("\n")
            words = shlex.split(command)
            assert words[:2] == ["$", "collectkit"]
            result = CliRunner(env={"COLUMNS": "120"}).invoke(main, words[2:])
            assert result.exit_code == next((code for mark, code in _STATUS.items() if mark in result.output), 0)
            said = "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert doctest.OutputChecker().check_output(shown, said, flags), said
            ran += 1
    assert ran >= 2


def test_both_pages_are_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert "run" in index
    assert "strategy-file" in index
