"""Text, zones and instants: the way from a written day to a date, and from a local day and time to an instant.

`calendars` is the public room for all of this. Nothing here reads a clock or guesses a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, NoReturn, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidDate

__all__ = [
    "business_date",
    "local_instant",
    "parse_date",
    "parse_instant",
    "parse_wall_time",
    "refuse_year",
    "require_choice",
    "zone",
]

_ISO_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_WALL_TIME: Final = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)
_ZONE_NAME: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", re.ASCII)


def parse_date(text: str) -> date:
    """Read a day written `YYYY-MM-DD`, and nothing else: no other order, no week dates, no digits alone.

    >>> parse_date("2026-03-12")
    datetime.date(2026, 3, 12)

    Raises:
        InvalidDate: `calendars.syntax`.
    """
    found = _ISO_DATE.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:  # the month or the day does not exist
            pass
    raise InvalidDate("calendars.syntax", "a day is written YYYY-MM-DD, such as 2026-03-12, and must exist")


def parse_wall_time(text: str) -> time:
    """Read a time of day written `HH:MM` or `HH:MM:SS`; a leap second is refused.

    >>> parse_wall_time("08:30")
    datetime.time(8, 30)

    Raises:
        InvalidDate: `calendars.syntax`.
    """
    found = _WALL_TIME.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        try:
            return time(int(found[1]), int(found[2]), int(found[3] or 0))
        except ValueError:  # hour 24, second 60
            pass
    raise InvalidDate("calendars.syntax", "a time of day is written HH:MM or HH:MM:SS, from 00:00 to 23:59:59")


def parse_instant(text: str) -> datetime:
    """Read an instant written `YYYY-MM-DDTHH:MM:SS` with an offset or `Z`.

    >>> parse_instant("2026-03-12T08:30:00+01:00").isoformat()
    '2026-03-12T08:30:00+01:00'

    Raises:
        InvalidDate: `calendars.syntax`; `calendars.naive` where the offset is missing.
    """
    found = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        if found[2] is None:
            raise InvalidDate("calendars.naive", "an instant needs its offset, such as +01:00 or Z")
        try:
            return datetime.fromisoformat(text)
        except ValueError:  # a day, hour, second or offset that does not exist
            pass
    raise InvalidDate("calendars.syntax", "an instant is written YYYY-MM-DDTHH:MM:SS+HH:MM, and must exist")


def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of that name.

    >>> zone("Europe/Berlin")
    zoneinfo.ZoneInfo(key='Europe/Berlin')

    Raises:
        InvalidDate: `calendars.zone` for a name that does not exist, `calendars.zone_data_missing` where this machine
            has no zone data at all.
    """
    if isinstance(name, str) and len(name) <= 64 and _ZONE_NAME.fullmatch(name) is not None:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):  # unknown, a folder of zones, or a file that is no zone
            pass
        try:
            ZoneInfo.no_cache("Etc/UTC")
        except ZoneInfoNotFoundError as error:
            raise InvalidDate(
                "calendars.zone_data_missing", "this machine has no time zone data; install the package tzdata"
            ) from error
    raise InvalidDate("calendars.zone", "no IANA time zone has that name; write one such as 'Europe/Berlin'")


def local_instant(
    day: date,
    wall_time: time,
    zone: str | tzinfo,
    *,
    gap: Literal["raise", "shift_forward"] = "raise",
    overlap: Literal["raise", "first", "second"] = "raise",
) -> datetime:
    """Return the instant at which clocks in `zone` show `wall_time` on `day`.

    A time that the clocks skip raises, or moves forward to the first instant after the gap; one that they show twice
    raises unless `overlap` names the first or the second.

    >>> local_instant(date(2026, 3, 12), time(8), "Europe/Berlin").isoformat()
    '2026-03-12T08:00:00+01:00'
    >>> local_instant(date(2011, 12, 30), time(9), "Pacific/Apia", gap="shift_forward").isoformat()
    '2011-12-31T00:00:00+14:00'

    Raises:
        InvalidDate: `calendars.nonexistent_local_time`, `calendars.ambiguous_local_time`, `calendars.zone`,
            `calendars.zone_data_missing`, `calendars.type`, `calendars.out_of_range`.
    """
    require_date(day, "day")
    if not isinstance(wall_time, time) or wall_time.tzinfo is not None:
        raise InvalidDate("calendars.type", "wall_time needs a datetime.time without a zone of its own")
    require_choice(gap, Literal["raise", "shift_forward"], "gap")
    require_choice(overlap, Literal["raise", "first", "second"], "overlap")
    place = _zone_of(zone)
    first = datetime.combine(day, wall_time.replace(fold=0), tzinfo=place)
    second = first.replace(fold=1)
    try:
        before, after = first.utcoffset(), second.utcoffset()
        if before is None or after is None or before == after:
            first.astimezone(UTC)  # year 1 and year 9999 may lie outside in UTC
            return first
        if before > after:  # the clocks went back: the first of the two has the greater offset
            if overlap == "raise":
                raise InvalidDate(
                    "calendars.ambiguous_local_time",
                    f"{wall_time} on {day} happens twice in {place}; say overlap='first' or 'second'",
                )
            return first if overlap == "first" else second
        if gap == "raise":
            raise InvalidDate(
                "calendars.nonexistent_local_time",
                f"{wall_time} on {day} is skipped in {place}; say gap='shift_forward' for the next instant that exists",
            )
        return _end_of_gap(second.astimezone(UTC), first.astimezone(UTC), place)
    except OverflowError:
        refuse_year()


def business_date(instant: datetime, zone: str | tzinfo) -> date:
    """Return the day that clocks in `zone` show at `instant`.

    >>> business_date(datetime(2026, 3, 12, 23, 30, tzinfo=UTC), "Asia/Tokyo")
    datetime.date(2026, 3, 13)

    Raises:
        InvalidDate: `calendars.naive`, `calendars.type`, `calendars.zone`, `calendars.zone_data_missing`,
            `calendars.out_of_range`.
    """
    if not isinstance(instant, datetime):
        raise InvalidDate("calendars.type", f"an instant is needed, not {type(instant).__name__}")
    if instant.utcoffset() is None:
        raise InvalidDate(
            "calendars.naive", "an instant needs a zone; build it with tzinfo=ZoneInfo(...) or datetime.UTC"
        )
    try:
        return instant.astimezone(_zone_of(zone)).date()
    except OverflowError:
        refuse_year()


# -- details ---------------------------------------------------------------------------------------------------


def refuse_year() -> NoReturn:
    """Refuse a day outside the years 1 to 9999."""
    raise InvalidDate("calendars.out_of_range", "the day falls outside the years 1 to 9999; shorten the span")


_CODES: Final = {"adjustment": "calendars.adjustment", "month_end": "calendars.month_end", "unit": "calendars.unit"}


def require_choice(value: object, choices: object, name: str) -> None:
    """Refuse a `value` that is none of the choices of a Literal."""
    allowed = get_args(choices)
    if value not in allowed:
        code = _CODES.get(name, "calendars.choice")
        raise InvalidDate(code, f"{name} must be one of: {', '.join(map(str, allowed))}", field=name)


_find_zone: Final[Callable[[str], ZoneInfo]] = zone  # `zone` is the plain name for the argument, too


def _zone_of(place: str | tzinfo) -> tzinfo:
    if isinstance(place, tzinfo):
        return place
    return _find_zone(place)


def _end_of_gap(low: datetime, high: datetime, place: tzinfo) -> datetime:
    """Find by halving the first second after `low` at which the offset of `place` has changed; both are UTC."""
    old = low.astimezone(place).utcoffset()
    start, span = low.replace(microsecond=0), int((high - low).total_seconds()) + 1
    reach = 0
    while span - reach > 1:
        middle = (reach + span) // 2
        if (start + timedelta(seconds=middle)).astimezone(place).utcoffset() == old:
            reach = middle
        else:
            span = middle
    return (start + timedelta(seconds=span)).astimezone(place)
