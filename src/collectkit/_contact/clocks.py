"""Wall-clock times of one zone as stretches of UTC, through every clock change; no policy, no rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final, TypeAlias

__all__ = ["Window", "joined", "wall_spans"]

Window: TypeAlias = tuple[datetime, datetime]
"""From and until, both included."""

_SECOND: Final = timedelta(seconds=1)


def wall_spans(day: date, start: time, end: time, place: tzinfo) -> Iterator[Window]:
    """List the stretches of UTC during which clocks of a zone show `day` between two wall times, ends included."""
    first, last = datetime.combine(day, start, tzinfo=place), datetime.combine(day, end, tzinfo=place)
    offsets = {at.replace(fold=fold).utcoffset() for at in (first, last) for fold in (0, 1)}
    if len(offsets) == 1:
        yield first.astimezone(UTC), last.astimezone(UTC)
        return
    # The clocks change on this day: go through the stretches of one offset each. Time itself has no gap where they
    # change, so what runs on from one stretch into the next is one.
    pending: Window | None = None
    for low, high, offset in _offset_stretches(day, place):
        a = max(datetime.combine(day, start, tzinfo=UTC) - offset, low)
        b = min(datetime.combine(day, end, tzinfo=UTC) - offset, high)
        if a > b:
            continue
        if pending is not None and pending[1] + _SECOND == a:
            pending = (pending[0], b)
            continue
        if pending is not None:
            yield pending
        pending = (a, b)
    if pending is not None:
        yield pending


def _offset_stretches(day: date, place: tzinfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut the UTC hours that may fall on a local day where its zone's offset changes; ends included, to the second."""
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    marks = [noon + timedelta(hours=hours) for hours in range(-30, 31)]
    low, offset = marks[0], _offset(marks[0], place)
    for before, after in pairwise(marks):
        changed = _offset(after, place)
        if changed == offset:
            continue
        reach, span = 0, 3600
        while span - reach > 1:  # no zone changes twice in an hour
            middle = (reach + span) // 2
            reach, span = (middle, span) if _offset(before + middle * _SECOND, place) == offset else (reach, middle)
        yield low, before + reach * _SECOND, offset
        low, offset = before + span * _SECOND, changed
    yield low, marks[-1], offset


def joined(spans: Iterable[Window]) -> list[Window]:
    """Put stretches in order and join those that touch."""
    result: list[Window] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def _offset(instant: datetime, place: tzinfo) -> timedelta:
    return instant.astimezone(place).utcoffset() or timedelta(0)
