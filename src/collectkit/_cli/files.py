"""Files written whole or not at all, and the creditor's profile."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from collectkit.core.errors import HistoryError, ImportFailed, Problem, WordingError
from collectkit.core.reading import Problems, TableReader, toml_table
from collectkit.wording import CreditorProfile

__all__ = ["creditor_from", "to_json", "unknown_account", "write_whole"]

_PROFILE_TEXTS: Final = (
    "name",
    "phone",
    "email",
    "postal_address",
    "payment_url",
    "account_holder",
    "iban",
    "bic",
    "disclosure",
    "opt_out_url",
    "sms_opt_out",
)


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    started = path.with_name(f".{path.name}.new")  # one name: what a killed run left is written over by the next
    try:
        with started.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        started.replace(path)
    except BaseException:
        started.unlink(missing_ok=True)
        raise


def to_json(value: Mapping[str, Any]) -> str:
    """Write one JSON object for programs."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def unknown_account(account_id: str, known: Sequence[str]) -> HistoryError:
    """Make the error for an account that is not in the store, with the ids that are nearest to it."""
    near = get_close_matches(account_id, known, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; its accounts go from {known[0]} on" if known else ""
    return HistoryError("history.unknown_account", f"the database has no account {account_id}{hint}")


def creditor_from(path: Path | None) -> CreditorProfile:
    """Read who writes the notices from a TOML file; without one, a creditor that everybody sees is made up.

    Raises:
        ImportFailed: the file cannot be read.
        WordingError: `wording.profile`, with everything that is missing.
    """
    if path is None:
        return CreditorProfile(
            name="Your Company (put yours into creditor.toml)",
            email="collections@creditor.example",
            phone="+1 555 0100",
            postal_address="1 Creditor Street, Creditorville",
            payment_url="https://pay.creditor.example/{account_id}",
        )
    try:
        table = toml_table(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ImportFailed("ledger.creditor", f"{path} cannot be read as TOML: {error}") from error
    problems = Problems("wording")
    reader = TableReader(table, path="", problems=problems)
    terms: dict[str, Any] = {name: reader.text(name) for name in _PROFILE_TEXTS if reader.has(name)}
    if reader.has("options"):
        terms["options"] = reader.texts("options")
    if "name" not in terms:
        problems.note("name", "is missing", reason="missing")
    reader.done()
    if problems.found:
        raise WordingError("wording.profile", _listed(path, problems.found))
    return CreditorProfile(**terms)


def _listed(path: Path, found: list[Problem]) -> str:
    return "\n".join([f"{path} cannot be used:", *(f"  {problem}" for problem in found)])
