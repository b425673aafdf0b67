"""Dated rule packs of single places: the data (one TOML file for each) and its loader.

No pack is active by default: a strategy names those it wants, and the user decides whether they apply. General
information as known on each pack's `reviewed_through`, not legal advice. `load` gives a shipped pack, `load_file` and
`read_pack` one of your own in the same form, `load_series` reference rates of your own;
`docs/explanation/late-payment-law.md` explains the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.reading import Problems, toml_table
from collectkit.core.rules import ReferenceSeries, RulePack
from collectkit.jurisdictions.reading import pack_from, series_from

__all__ = ["available", "load", "load_file", "load_series", "read_pack", "series"]

_SERIES_FILE = "reference_series.toml"


def available() -> tuple[str, ...]:
    """List the ids of the shipped packs.

    >>> "uk-late-payment" in available()
    True
    """
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(
        sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and name != _SERIES_FILE)
    )


@cache
def load(pack_id: str) -> RulePack:
    """Load a shipped pack by its id.

    >>> load("uk-late-payment").label
    'uk-late-payment/2026.1 (reviewed through 2026-11-22)'

    Raises:
        InvalidPolicy: `jurisdictions.unknown` for an id that is not shipped, with those that are.
    """
    if pack_id not in available():
        text = "no pack has that id; load one of your own with jurisdictions.load_file"
        raise InvalidPolicy(
            [Problem(code="jurisdictions.unknown", path="packs", text=text, value=pack_id, choices=available())]
        )
    return read_pack(_parsed(files(__name__).joinpath(f"{pack_id}.toml").read_text(encoding="utf-8"), pack_id))


def load_file(path: str | Path) -> RulePack:
    """Load a pack from a TOML file of your own; it may name shipped reference series and hold its own.

    Raises:
        InvalidPolicy: `jurisdictions.syntax` for a file that is no TOML, else every mistake with its path.
        OSError: the file cannot be read.
    """
    place = Path(path)
    return read_pack(_parsed(place.read_bytes(), place.name))


def load_series(path: str | Path) -> tuple[ReferenceSeries, ...]:
    """Load reference series from a TOML file of your own, with the form of `[[series]]` in a pack.

    Give one to a pack with `RulePack.with_series`, or all to those that use them with
    `collectkit.adapters.rates.renewed`.

    Raises:
        InvalidPolicy: `jurisdictions.syntax` for a file that is no TOML, else every mistake with its path.
        OSError: the file cannot be read.
    """
    place = Path(path)
    problems = Problems("jurisdictions")
    found = series_from(_parsed(place.read_bytes(), place.name), problems=problems)
    problems.raise_if_any()
    return found


def read_pack(table: Mapping[str, object]) -> RulePack:
    """Make a pack from a plain table; a shipped reference series is named, one of your own is written out.

    Raises:
        InvalidPolicy: every mistake of the table in one error, with path, value and choices.
    """
    problems = Problems("jurisdictions")
    pack = pack_from(table, shipped=series(), problems=problems)
    problems.raise_if_any()
    if pack is None:  # pragma: no cover - a pack that is not made leaves a problem
        raise InvalidPolicy([Problem(code="jurisdictions.invalid", path="", text="no pack came of the table")])
    return pack


@cache
def series() -> tuple[ReferenceSeries, ...]:
    """Return the shipped reference series, each known through its last review and not a day further.

    >>> [one.id for one in series()]
    ['ECB_MRO_2011_7', 'BOE_LPCDIA', 'DE_BASISZINSSATZ', 'FR_LEGAL_PROFESSIONALS']
    """
    problems = Problems("jurisdictions")
    text = files(__name__).joinpath(_SERIES_FILE).read_text(encoding="utf-8")
    found = series_from(_parsed(text, _SERIES_FILE), problems=problems)
    problems.raise_if_any()
    return found


def _parsed(text: str | bytes, name: str) -> Mapping[str, object]:
    try:
        return toml_table(text)
    except ValueError as error:
        raise InvalidPolicy(
            [Problem(code="jurisdictions.syntax", path=name, text=f"is no valid TOML: {error}")]
        ) from error
