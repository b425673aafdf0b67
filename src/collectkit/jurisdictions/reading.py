"""From the tables of a pack file to its records; every mistake is noted with its path, none is coerced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from fractions import Fraction
from typing import Any, Final, get_args

from collectkit.core.money import Money
from collectkit.core.rates import DAY_COUNTS
from collectkit.core.reading import Problems, TableReader
from collectkit.core.rules import (
    Applicability,
    AprTolerance,
    Basis,
    Citation,
    CoolDown,
    Dated,
    DatedValue,
    Deadline,
    ExtensionTrigger,
    FeeLimit,
    Force,
    LumpSum,
    LumpSumBand,
    Moratorium,
    Notice,
    NoticeWindow,
    PenaltyTiers,
    PlanTrigger,
    Primitive,
    RateCap,
    RateFloor,
    RateSelection,
    ReferenceSeries,
    RollingCount,
    Rule,
    RulePack,
    Status,
    StatutoryInterest,
    TimeWindow,
    TimeWindows,
    WorkoutException,
)

__all__ = ["pack_from", "series_from"]

_PARTIES: Final = ("first_party", "agency")
_DEBTORS: Final = ("consumer", "business")


def pack_from(
    table: Mapping[str, object], *, shipped: Sequence[ReferenceSeries], problems: Problems
) -> RulePack | None:
    """Read one pack; what is wrong goes to `problems`."""
    reader = TableReader(table, path="", problems=problems)
    pack_id, version = reader.text("id"), reader.text("version")
    jurisdiction, title = reader.text("jurisdiction"), reader.text("title")
    reviewed = _day(reader, "reviewed_through")
    needs, override_by = reader.texts("needs", ()), reader.text("override_by", "")
    sources = _sources(reader)
    used = reader.texts("reference_series", (), choices=[one.id for one in shipped])
    own = [(one, _series(one, sources)) for one in reader.tables("series")]
    for place, made in own:
        if made is not None and made.id in used:
            text = f"{made.id} stands in reference_series too; name the shipped series there, or write out your own"
            place.note("id", text, reason="duplicate")
    series = [one for one in shipped if one.id in used] + [made for _, made in own]
    places = reader.texts("places", ())
    rules = [_rule(one, sources, reviewed, places) for one in reader.tables("rules")]
    reader.done()
    if problems.found:
        return None
    return problems.take(
        "",
        lambda: RulePack(
            id=pack_id,
            version=version,
            jurisdiction=jurisdiction,
            title=title,
            reviewed_through=reviewed,
            needs=needs,
            override_by=override_by,
            series=[one for one in series if one is not None],
            rules=[one for one in rules if one is not None],
        ),
    )


def series_from(table: Mapping[str, object], *, problems: Problems) -> tuple[ReferenceSeries, ...]:
    """Read a file of reference series."""
    reader = TableReader(table, path="", problems=problems)
    sources = _sources(reader)
    tables = reader.tables("series")
    found = [one for one in (_series(one, sources) for one in tables) if one is not None]
    for name in sorted({one.id for one in found if [other.id for other in found].count(one.id) > 1}):
        problems.note("series", "a reference series stands twice; keep one", reason="duplicate", value=name)
    if not tables:
        problems.note("series", "one reference series or more is needed", reason="missing")
    reader.done()
    return tuple(found)


# -- parts -----------------------------------------------------------------------------------------------------


def _sources(reader: TableReader) -> dict[str, Citation]:
    inner = reader.table("sources")
    if inner is None:
        reader.note("sources", "every figure needs a source", reason="missing")
        return {}
    found = {}
    names = inner.keys()
    for name in names:
        one = inner.table(name)
        if one is None:
            continue
        terms: dict[str, Any] = {
            "authority": one.text("authority"),
            "locator": one.text("locator", ""),
            "address": one.text("address"),
            "read_on": _day(one, "read_on"),
        }
        one.done()
        source = reader.problems.take(inner.at(name), lambda terms=terms: Citation(**terms))  # type: ignore[misc]  # bound per turn
        if source is not None:
            found[name] = source
    return found


def _source(reader: TableReader, sources: Mapping[str, Citation], default: str = "") -> Citation | None:
    name = reader.text("source", default or None, choices=tuple(sources))
    return sources.get(name)


def _series(reader: TableReader, sources: Mapping[str, Citation]) -> ReferenceSeries | None:
    name, title = reader.text("id"), reader.text("title")
    known_through = _day(reader, "known_through")
    default = reader.text("source", choices=tuple(sources))
    points = []
    for one in reader.tables("points"):
        from_on = _day(one, "from")
        ended = one.flag("ended", False)
        percent = Fraction(0) if ended else one.exact("percent", minimum=None)
        basis = one.text("basis", "secondary", choices=get_args(Basis))
        source = _source(one, sources, default)
        one.done()
        if source is not None:
            value = None if ended else percent / 100
            points.append(DatedValue(value=value, citation=source, from_on=from_on, basis=basis))  # type: ignore[arg-type]  # chosen from the choices
    reader.done()
    if reader.problems.found:
        return None
    return reader.problems.take(
        reader.path,
        lambda: ReferenceSeries(id=name, title=title, values=Dated(points=points, reviewed_through=known_through)),
    )


def _rule(reader: TableReader, sources: Mapping[str, Citation], reviewed: date, places: Sequence[str]) -> Rule | None:
    kind = reader.text("kind", choices=tuple(_KINDS))
    terms: dict[str, Any] = {
        "id": reader.text("id"),
        "topic": reader.text("topic"),
        "text": reader.text("text"),
        "force": reader.text("force", "law", choices=get_args(Force)),
        "replaces": reader.text("replaces", ""),
        "override_by": reader.text("override_by", ""),
    }
    default = reader.text("source", "", choices=("", *sources))
    to_whom = reader.table("applies_to")
    to: dict[str, Any] = {"places": places}
    if to_whom is not None:
        to = {
            "debtor_kinds": to_whom.texts("debtor_kinds", (), choices=_DEBTORS),
            "parties": to_whom.texts("parties", (), choices=_PARTIES),
            "debt_kinds": to_whom.texts("debt_kinds", ()),
            "places": to_whom.texts("places", places),
        }
        to_whom.done()
    applies_to = reader.problems.take(reader.at("applies_to"), lambda: Applicability(**to))
    points: list[DatedValue[Primitive]] = []
    build = _KINDS.get(kind)
    for one in reader.tables("values"):
        point = _point(one, sources, default, build)
        if point is not None:
            points.append(point)
    if not reader.has("values"):
        reader.note("values", "a rule needs at least one dated value", reason="missing")
    reader.done()
    if not points or applies_to is None or reader.problems.found:
        return None
    return reader.problems.take(
        reader.path,
        lambda: Rule(parameters=Dated(points=points, reviewed_through=reviewed), applies_to=applies_to, **terms),
    )


def _point(
    reader: TableReader,
    sources: Mapping[str, Citation],
    default: str,
    build: Callable[[TableReader], Primitive] | None,
) -> DatedValue[Primitive] | None:
    from_on = reader.day("from")
    status = reader.text("status", "in_force", choices=get_args(Status))
    basis = reader.text("basis", "secondary", choices=get_args(Basis))
    source = _source(reader, sources, default)
    ended = reader.flag("ended", False)
    value = None
    if not ended and build is not None:
        maker = build
        value = reader.problems.take(reader.path, lambda: maker(reader))
    reader.done()
    if source is None or (value is None and not ended):
        return None
    return DatedValue(value=value, citation=source, from_on=from_on, status=status, basis=basis)  # type: ignore[arg-type]  # chosen from the choices


# -- one reader for each primitive -----------------------------------------------------------------------------


def _time_windows(reader: TableReader) -> TimeWindows:
    windows = []
    for one in reader.tables("windows"):
        weekdays = one.raw("weekdays", ())
        start, end = _wall(one, "start"), _wall(one, "end")
        inclusive = (one.flag("start_inclusive", True), one.flag("end_inclusive", True))
        one.done()
        if start is not None and end is not None:
            windows.append(
                TimeWindow(
                    weekdays=weekdays, start=start, end=end, start_inclusive=inclusive[0], end_inclusive=inclusive[1]
                )
            )
    return TimeWindows(
        windows=windows,
        holidays=reader.text("holidays", ""),
        channels=reader.texts("channels", ()),
        place=reader.text("place", "home", choices=("home", "work", "visit")),  # type: ignore[arg-type]  # chosen from the choices
    )


def _rolling_count(reader: TableReader) -> RollingCount:
    return RollingCount(
        maximum=reader.whole("maximum"),
        days=_optional_whole(reader, "days"),
        months=_optional_whole(reader, "months"),
        counts=reader.texts("counts", ()),
        not_counted=reader.texts("not_counted", ()),
        scope=reader.texts("scope", ()),
        after=reader.text("after", ""),
    )


def _cool_down(reader: TableReader) -> CoolDown:
    return CoolDown(
        after=reader.text("after"),
        days=reader.whole("days"),
        event_is_day_one=reader.flag("event_is_day_one", False),
        scope=reader.texts("scope", ()),
    )


def _deadline(reader: TableReader) -> Deadline:
    return Deadline(
        after=reader.text("after"),
        days=reader.whole("days"),
        unit=reader.text("unit", "calendar", choices=("calendar", "business")),  # type: ignore[arg-type]  # chosen from the choices
        event_is_day_one=reader.flag("event_is_day_one", False),
        holidays=reader.text("holidays", ""),
        purpose=reader.text("purpose", "lasts", choices=("lasts", "within")),  # type: ignore[arg-type]  # likewise
    )


def _notice_window(reader: TableReader) -> NoticeWindow:
    return NoticeWindow(
        before=reader.text("before"),
        days_min=reader.whole("days_min"),
        days_max=reader.whole("days_max"),
        unit=reader.text("unit", "business", choices=("calendar", "business")),  # type: ignore[arg-type]  # chosen from the choices
        holidays=reader.text("holidays", ""),
        ahead_more_than=reader.whole("ahead_more_than", 0),
        not_before_event=reader.flag("not_before_event", True),
    )


def _moratorium(reader: TableReader) -> Moratorium:
    return Moratorium(
        freezes=reader.texts("freezes"),
        days=_optional_whole(reader, "days"),
        event_is_day_one=reader.flag("event_is_day_one", False),
        until=reader.text("until", ""),
        days_after=reader.whole("days_after", 0),
        includes_joint_debtors=reader.flag("includes_joint_debtors", False),
    )


def _fee_limit(reader: TableReader) -> FeeLimit:
    return FeeLimit(
        rate=_percent(reader, "percent"),
        amounts=reader.amounts("amounts"),
        floor=reader.amounts("floor"),
        cap=reader.amounts("cap"),
        combine=reader.text("combine", "lesser_of", choices=("lesser_of", "greater_of")),  # type: ignore[arg-type]  # chosen from the choices
        base=reader.text("base", "past_due", choices=("past_due", "instalment")),  # type: ignore[arg-type]  # chosen from the choices
        grace_days=reader.whole("grace_days", 0),
        due_day_counts=reader.flag("due_day_counts", False),
        on_charges=reader.flag("on_charges", False),
        whole_units_up=reader.flag("whole_units_up", False),
        missed_cycles_min=reader.whole("missed_cycles_min", 0),
    )


def _penalty_tiers(reader: TableReader) -> PenaltyTiers:
    currency = reader.text("currency")
    return PenaltyTiers(
        first=Money.of(reader.text("first"), currency),
        repeat=Money.of(reader.text("repeat"), currency),
        cycles=reader.whole("cycles"),
    )


def _lump_sum(reader: TableReader) -> LumpSum:
    currency = reader.text("currency")
    bands = []
    for one in reader.tables("bands"):
        bands.append(
            LumpSumBand(debt_min=Money.of(one.text("from"), currency), amount=Money.of(one.text("amount"), currency))
        )
        one.done()
    return LumpSum(bands=bands, excess_costs=reader.flag("excess_costs", False))


def _statutory_interest(reader: TableReader) -> StatutoryInterest:
    return StatutoryInterest(
        series=reader.text("series"),
        margin=_percent(reader, "margin_percent") or Fraction(0),
        multiple=reader.exact("multiple", Fraction(1)),
        selection=reader.text("selection", choices=get_args(RateSelection)),  # type: ignore[arg-type]  # chosen from the choices
        day_count=reader.text("day_count", choices=DAY_COUNTS),  # type: ignore[arg-type]  # chosen from the choices
        round_reference_up_to=_percent(reader, "round_reference_up_to_percent"),
        round_rate_up_to=_percent(reader, "round_rate_up_to_percent"),
        rests_months=_optional_whole(reader, "rests_months"),
    )


def _rate_floor(reader: TableReader) -> RateFloor:
    return RateFloor(series=reader.text("series"), multiple=reader.exact("multiple"))


def _rate_cap(reader: TableReader) -> RateCap:
    return RateCap(rate=reader.exact("percent") / 100)


def _plan_trigger(reader: TableReader) -> PlanTrigger:
    return PlanTrigger(
        instalments_more_than=reader.whole("instalments_more_than"),
        needs_writing=reader.flag("needs_writing", True),
        finance_charge_alone=reader.flag("finance_charge_alone", True),
        down_payment_counts=reader.flag("down_payment_counts", False),
    )


def _extension_trigger(reader: TableReader) -> ExtensionTrigger:
    return ExtensionTrigger(more_than=reader.whole("more_than"), secured_more_than=reader.whole("secured_more_than"))


def _apr_tolerance(reader: TableReader) -> AprTolerance:
    return AprTolerance(
        regular=reader.exact("regular_percent") / 100, irregular=reader.exact("irregular_percent") / 100
    )


def _workout_exception(reader: TableReader) -> WorkoutException:
    return WorkoutException(
        unless_rate_rises=reader.flag("unless_rate_rises", True),
        unless_new_credit=reader.flag("unless_new_credit", True),
    )


def _notice(reader: TableReader) -> Notice:
    return Notice(text=reader.text("says"))


_KINDS: Final[dict[str, Callable[[TableReader], Primitive]]] = {
    "time_windows": _time_windows,
    "rolling_count": _rolling_count,
    "cool_down": _cool_down,
    "deadline": _deadline,
    "notice_window": _notice_window,
    "moratorium": _moratorium,
    "fee_limit": _fee_limit,
    "penalty_tiers": _penalty_tiers,
    "lump_sum": _lump_sum,
    "statutory_interest": _statutory_interest,
    "rate_cap": _rate_cap,
    "rate_floor": _rate_floor,
    "plan_trigger": _plan_trigger,
    "extension_trigger": _extension_trigger,
    "apr_tolerance": _apr_tolerance,
    "workout_exception": _workout_exception,
    "notice": _notice,
}


# -- details ---------------------------------------------------------------------------------------------------


def _day(reader: TableReader, key: str) -> date:
    day = reader.day(key)
    if day is None and not reader.has(key):
        reader.note(key, "is missing", reason="missing")
    return day or date.min


def _wall(reader: TableReader, key: str) -> time | None:
    value = reader.raw(key)
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if isinstance(value, str) and len(value) == 5 and value.isascii():
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass  # noted below, as any other value that is no wall time
    reader.note(key, 'a wall time is needed here, such as "08:00"', reason="type")
    return None


def _optional_whole(reader: TableReader, key: str) -> int | None:
    return reader.whole(key) if reader.has(key) else None


def _percent(reader: TableReader, key: str) -> Fraction | None:
    return reader.exact(key) / 100 if reader.has(key) else None
