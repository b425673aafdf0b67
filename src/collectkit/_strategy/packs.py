"""The rule packs that a strategy names: shipped ones by id, packs of your own by id or by the name of their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

from collectkit import jurisdictions
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.reading import Problems, TableReader
from collectkit.core.rules import RulePack, compose

__all__ = ["check_packs", "packs_of"]

T = TypeVar("T")

CHARGE_TOPICS: Final = frozenset(
    {
        "card_late_fee",
        "compensation",
        "due_date",
        "late_fee",
        "late_interest",
        "late_interest_floor",
        "moratorium",
        "moratorium_crisis",
        "moratorium_repeat",
        "apr_tolerance",
        "extension_trigger",
        "plan_trigger",
        "workout",
    }
)
"""What a pack may speak of in a strategy: charges, which `policy.charges_due` obeys in full; and disclosure of plans,
which binds whoever agrees on one and nothing that `decide` does."""


def packs_of(
    top: TableReader, own: Iterable[RulePack], problems: Problems, *, folder: Path | None
) -> tuple[RulePack, ...]:
    """Find the named packs; one whose rules this release cannot carry out is refused rather than half obeyed.

    A name that ends in `.toml` is a file, looked for from `folder`, that of the strategy; `rates` names files of
    reference series that stand in the place of those of the packs.
    """
    given = {pack.id: pack for pack in own}
    found: list[RulePack] = []
    for place, name in enumerate(top.texts("packs", ())):
        path = f"packs[{place}]"
        pack = _named(name, given, path, problems, folder)
        if pack is None:
            continue
        unheard = sorted({rule.topic for rule in pack.rules} - CHARGE_TOPICS)
        if unheard:
            text = (
                f"this release obeys packs where they speak of charges; {name} also speaks of {', '.join(unheard)}. "
                "Write its hours and caps into [contact] and leave the pack out"
            )
            problems.note(path, text, reason="pack_not_obeyed", value=name)
        else:
            found.append(pack)
    found = _renewed(found, top.texts("rates", ()), problems, folder)
    problems.found += check_packs(found)
    return tuple(found)


def _renewed(
    packs: Sequence[RulePack], files: Sequence[str], problems: Problems, folder: Path | None
) -> list[RulePack]:
    """Give the packs the reference series of the files; one that no pack uses is refused, as nothing would go by it."""
    made = list(packs)
    for place, name in enumerate(files):
        path = f"rates[{place}]"
        for series in _read(jurisdictions.load_series, name, path, problems, folder) or ():
            users = [number for number, pack in enumerate(made) if any(one.id == series.id for one in pack.series)]
            if not users:
                choices = tuple(sorted({one.id for pack in packs for one in pack.series}))
                problems.note(path, "no pack named uses that series", reason="choice", value=series.id, choices=choices)
            for number in users:
                made[number] = made[number].with_series(series)
    return made


def check_packs(packs: Sequence[RulePack]) -> list[Problem]:
    """List what stands against using packs together, each with its path from `packs` on."""
    found = [
        Problem(code="strategy.shadows_shipped", path=f"packs.{pack.id}", text=text, value=pack.id)
        for pack in packs
        if (text := _shadow(pack))
    ]
    try:
        compose(packs)
    except InvalidPolicy as error:
        found += [
            Problem(
                code=one.code,
                path=one.path if one.path == "packs" else f"packs.{one.path}",
                text=one.text,
                value=one.value,
                choices=one.choices,
            )
            for one in error.problems
        ]
    return found


# -- details ---------------------------------------------------------------------------------------------------


def _named(
    name: str, given: dict[str, RulePack], path: str, problems: Problems, folder: Path | None
) -> RulePack | None:
    if name in given:
        return given[name]
    if name in jurisdictions.available():
        return problems.take(path, lambda: jurisdictions.load(name))
    if not name.endswith(".toml"):
        choices = (*given, *jurisdictions.available())
        near = get_close_matches(name, choices, n=1)
        text = f"no pack has that id{f'; did you mean {near[0]}?' if near else ''}; name a file of your own by its path"
        problems.note(path, text, reason="choice", value=name, choices=choices)
        return None
    return _read(jurisdictions.load_file, name, path, problems, folder)


def _read(read: Callable[[Path], T], name: str, path: str, problems: Problems, folder: Path | None) -> T | None:
    if folder is None:
        text = "a file is looked for beside the strategy's own; read the strategy with load, or pass the pack itself"
        problems.note(path, text, reason="unreadable", value=name)
        return None
    try:
        return problems.take(path, lambda: read(folder / name))
    except OSError as error:
        text = f"the file cannot be read: {error.strerror}; its path goes from the folder of the strategy"
        problems.note(path, text, reason="unreadable", value=name)
        return None


def _shadow(pack: RulePack) -> str:
    """Say why a pack may not have its id: a shipped pack has it, holds other rules, and nobody answers for that.

    The shipped pack itself may come with newer reference rates.
    """
    if pack.override_by or pack.id not in jurisdictions.available():
        return ""
    shipped = jurisdictions.load(pack.id)
    if (pack.rules, pack.jurisdiction, pack.needs) == (shipped.rules, shipped.jurisdiction, shipped.needs):
        return ""
    return (
        "a shipped pack has that id and holds other rules; give yours an id of its own, or say in its override_by who "
        "answers for putting it in the place of the shipped one"
    )
