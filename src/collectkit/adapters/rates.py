"""Newer reference rates for rule packs: a source that reads them from files or values, and the verb that asks one.

A policy is made of frozen packs and asks no source itself: a host renews the packs first, and every decision names
the version that came of it. Nothing is guessed here: a series that the source does not know far enough is refused.

    FileRates(path)                          reads the `[[series]]` of a TOML file
    GivenRates(series)                       holds series that the host made itself
    renewed(packs, source=..., through=...)  the packs with what the source knows
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from collectkit import jurisdictions
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.rules import ReferenceSeries, RulePack
from collectkit.ports import RateSource

__all__ = ["FileRates", "GivenRates", "renewed"]


class GivenRates:
    """A source of the series that it was given, such as those of a central bank's download."""

    def __init__(self, series: Iterable[ReferenceSeries]) -> None:
        """Hold the series; of two with one id the later one counts."""
        self._held = {one.id: one for one in series}

    def series(self, series_id: str, *, through: date) -> ReferenceSeries:
        """Return a series that is known through a day.

        Raises:
            LookupError: the series is not known, or not through that day.
        """
        found = self._held.get(series_id)
        if found is None:
            raise LookupError(f"no series has the id {series_id}; there are: {', '.join(sorted(self._held)) or 'none'}")
        if found.values.reviewed_through < through:
            raise LookupError(f"{series_id} is known through {found.values.reviewed_through} only")
        return found


class FileRates(GivenRates):
    """A source that reads a TOML file of series, in the form that a pack has for its own."""

    def __init__(self, path: str | Path) -> None:
        """Read the file once.

        Raises:
            InvalidPolicy: every mistake of the file, with its path.
            OSError: the file cannot be read.
        """
        super().__init__(jurisdictions.load_series(path))


def renewed(packs: Iterable[RulePack], *, source: RateSource, through: date) -> tuple[RulePack, ...]:
    """Return the packs with the reference rates of a source, where they are not known through a day themselves.

    The version of a renewed pack names the series and how far it is known. The rules stay as they were reviewed.

    >>> from collectkit.core.rates import Rate, RateStep, RateTable
    >>> from collectkit.core.rules import Citation
    >>> uk = jurisdictions.load("uk-late-payment")
    >>> source = Citation(
    ...     authority="Bank of England", locator="", address="bankofengland.co.uk", read_on=date(2027, 1, 4)
    ... )
    >>> table = RateTable(
    ...     steps=[RateStep(from_on=date(2026, 7, 1), rate=Rate.percent("3.75"))], known_through_on=date(2027, 6, 30)
    ... )
    >>> ours = ReferenceSeries.from_table(series_id="BOE_LPCDIA", title="ours", table=table, citation=source)
    >>> (pack,) = renewed([uk], source=GivenRates([ours]), through=date(2027, 6, 30))
    >>> pack.version
    '2026.1+BOE_LPCDIA:2027-06-30'

    Raises:
        InvalidPolicy: `rates.source` for every series that the source does not know through the day, in one error.
    """
    require_date(through, "through")
    problems: list[Problem] = []
    answers: dict[str, ReferenceSeries] = {}
    made = []
    for number, pack in enumerate(packs):
        for held in pack.series:
            if held.values.reviewed_through >= through:
                continue
            if held.id not in answers:
                try:
                    answers[held.id] = _answer(source, held.id, through)
                except LookupError as error:
                    path = f"packs[{number}].series.{held.id}"
                    text = f"the source does not know it through {through}: {error}"
                    problems.append(Problem(code="rates.source", path=path, text=text))
                    continue
            pack = pack.with_series(answers[held.id])
        made.append(pack)
    if problems:
        raise InvalidPolicy(problems)
    return tuple(made)


def _answer(source: RateSource, series_id: str, through: date) -> ReferenceSeries:
    found = source.series(series_id, through=through)
    if found.id != series_id:
        raise LookupError(f"it answered with {found.id}")
    if found.values.reviewed_through < through:
        raise LookupError(f"it answered with figures through {found.values.reviewed_through}")
    return found
