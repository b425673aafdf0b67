"""A strategy file laid open: its ladder, one invoice in time, what is charged, contact, offers, and what to mend.

What is wrong in the file is told by `strategy.parse`; here are the things that may stand but that nobody wants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Final

import click

from collectkit import policy
from collectkit._cli.printing import console, plain_words, print_table, say
from collectkit.contact import ContactCap, ContactHours
from collectkit.core.errors import CalendarMissing, InvalidPolicy, Problem
from collectkit.core.guards import in_words
from collectkit.core.notices import MILD_CONSEQUENCES, NoticeManifest
from collectkit.core.records import Channel
from collectkit.core.rules import overrides
from collectkit.escalation import Ladder, StageRule, Step, TimelineEntry, timeline
from collectkit.settlement import Authority, SettlementLimits
from collectkit.strategy import Strategy

__all__ = ["facts_of_strategy", "first_due_on", "print_problems", "print_strategy", "problems_as_facts", "warnings_of"]

_ANY_MONDAY: Final = date(2026, 3, 2)  # an example for the timeline; any day would do
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


# -- what is wrong ---------------------------------------------------------------------------------------------


def problems_as_facts(error: InvalidPolicy) -> list[dict[str, object]]:
    """Give every problem of a file as plain values."""
    return [
        {"code": one.code, "path": one.path, "text": one.text, "value": one.value, "choices": list(one.choices)}
        for one in error.problems
    ]


def print_problems(path: str, error: InvalidPolicy) -> None:
    """Say every problem with its place, its value and the choices."""
    count = len(error.problems)
    click.echo(f"{path} cannot be used: {count} problem{'' if count == 1 else 's'}")
    for problem in error.problems:
        say(_problem_text(problem))


def _problem_text(problem: Problem) -> str:
    given = "" if problem.value is None else f" (given: {problem.value})"
    lines = [f"  - {problem.path or 'the file'}: {problem.text}{given}"]
    if problem.choices:
        lines.append(f"    choose from: {', '.join(problem.choices)}")
    return "\n".join(lines)


# -- what may stand but nobody wants ---------------------------------------------------------------------------


def warnings_of(strategy: Strategy, manifest: NoticeManifest, table: Mapping[str, Any]) -> tuple[str, ...]:
    """List what may stand in a file, and nobody wants.

    Notices without a text, threats that are not carried out, currencies that a table of amounts lacks; charges for
    notices that nobody sends, beside charges that are none, or over their own caps.
    """
    found = [
        *_missing_texts(strategy, manifest),
        *_empty_threats(strategy, manifest),
        *_hasty_commands(strategy),
        *_missing_currencies(table),
        *_idle_charges(strategy, table),
        *_over_their_caps(strategy, table),
    ]
    return tuple(dict.fromkeys(found))


def _notices(strategy: Strategy) -> dict[str, set[Channel]]:
    """Return each notice that the strategy may send, with its channels."""
    found: dict[str, set[Channel]] = {}
    for _, ladder in strategy.all_ladders():
        for rule in ladder:
            for step in rule.steps:
                if step.action == "notice":
                    found.setdefault(step.what, set()).update(step.channels)
    if strategy.aftercare.thanks is not None:
        found.setdefault(strategy.aftercare.thanks, set()).update(strategy.aftercare.thanks_channels)
    return found


def _missing_texts(strategy: Strategy, manifest: NoticeManifest) -> Iterator[str]:
    locales = sorted({text.locale for text in manifest.texts})
    for notice, channels in _notices(strategy).items():
        if notice not in manifest.notices:
            near = get_close_matches(notice, manifest.notices, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(manifest.notices)}"
            yield f"notice {notice} has no text, so it would never go out; {hint}"
            continue
        for lack in manifest.missing(notices=[notice], locales=locales, channels=sorted(channels)):
            yield f"there is no text for {lack}"


_ANNOUNCED: Final = frozenset({"further-reminder", "formal-demand"})  # what another notice must carry out


def _empty_threats(strategy: Strategy, manifest: NoticeManifest) -> Iterator[str]:
    """Find what a text threatens and no stage from there on holds ready."""
    for _, ladder in strategy.all_ladders():
        stages = list(ladder)
        for place, rule in enumerate(stages):
            ready = {name for later in stages[place:] for name in later.consequences}
            ready |= {step.what for later in stages[place:] for step in later.steps if step.action == "command"}
            for step in rule.steps:
                threats = manifest.consequences_of(step.what) if step.action == "notice" else ()
                for name in sorted(_ANNOUNCED.intersection(threats)):
                    if not _is_followed(step, rule.steps, stages[place + 1 :]):
                        yield (
                            f"notice {step.what} of stage {rule.id} announces {name}, and no notice comes after it; "
                            "add one, or change the text"
                        )
                for name in threats:
                    if name not in MILD_CONSEQUENCES and name not in ready:
                        yield (
                            f"notice {step.what} of stage {rule.id} threatens {name}, which no stage from there on does; "
                            f'add consequences = ["{name}"] where it happens, or change the text'
                        )


def _is_followed(step: Step, steps: Iterable[Step], later: Iterable[StageRule]) -> bool:
    """Say whether a notice is repeated, or another one comes after it in its stage or a later one."""
    after = [one for one in steps if one.day > step.day] + [one for rule in later for one in rule.steps]
    return step.times > 1 or any(one.action == "notice" for one in after)


def _hasty_commands(strategy: Strategy) -> Iterator[str]:
    """Find commands that count their days from the stage's begin, though a notice of the stage may go out later."""
    for _, ladder in strategy.all_ladders():
        for rule in ladder:
            notices = [step for step in rule.steps if step.action == "notice"]
            for step in rule.steps:
                first = next((one for one in notices if one.day <= step.day), None)
                if step.action == "command" and first is not None:
                    yield (
                        f"{step.what} of stage {rule.id} comes {_count(step.day, 'day')} after the stage begins, however "
                        f"late {first.what} went out; make it a stage that needs {{ notice_delivered = "
                        f'"{first.what}", days_ago = {max(step.day - first.day, 1)} }}'
                    )


def _missing_currencies(table: Mapping[str, Any]) -> Iterator[str]:
    """Find tables of amounts that lack a currency which another one names: there the rule says nothing."""
    amounts = dict(_amount_tables(table, ""))
    known = sorted({currency for currencies in amounts.values() for currency in currencies})
    for path, currencies in amounts.items():
        lacking = [currency for currency in known if currency not in currencies]
        if lacking:
            yield f"{path} names no {' or '.join(lacking)}, so accounts in that currency pass it by"


def _idle_charges(strategy: Strategy, table: Mapping[str, Any]) -> Iterator[str]:
    """Find charges for a notice that no step sends, and those beside a charge that does not exist."""
    sent, charged = tuple(_notices(strategy)), strategy.charges.ids
    for place, row in enumerate(table.get("charges", ())):
        for name in row.get("notices", ()):
            if name not in sent:
                hint = _near_to(name, sent)
                yield f"charges[{place}].notices names {name}, which no step sends, so it is never charged for it{hint}"
        for name in row.get("exclusive_with", ()):
            if name not in charged:
                hint = _near_to(name, tuple(one for one in charged if one != row.get("id")))
                yield f"charges[{place}].exclusive_with names {name}, which is no charge of this strategy{hint}"


def _near_to(name: str, choices: Sequence[str]) -> str:
    near = get_close_matches(name, choices, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are: {', '.join(choices)}" if choices else ""


def _over_their_caps(strategy: Strategy, table: Mapping[str, Any]) -> Iterator[str]:
    """Find amounts of a fee that its own caps cut whatever happens."""
    kinds = ("flat", "greater_of", "lesser_of", "tiered")
    rows = table.get("charges", ())
    fees = [place for place, row in enumerate(rows) if row.get("kind") in (*kinds, "percent")]
    for place, fee in zip(fees, strategy.charges.late_fees, strict=False):
        amounts = [("amounts", one) for one in fee.amounts]
        amounts += [(f"tiers[{number}].amounts", one) for number, tier in enumerate(fee.tiers) for one in tier.amounts]
        for where, amount in amounts:
            for name in ("fee_cap", "item_cap", "yearly_cap"):
                for cap in getattr(fee, name):
                    if cap.currency == amount.currency and amount > cap:
                        yield (
                            f"charges[{place}].{where}: {amount} is over its own {name} of {cap}, so it is never "
                            "charged in full; lower the one or raise the other"
                        )


def _amount_tables(value: object, path: str) -> Iterator[tuple[str, frozenset[str]]]:
    if isinstance(value, Mapping):
        if value and all(isinstance(key, str) and _CURRENCY.fullmatch(key) for key in value):
            yield path, frozenset(value)
            return
        for key, inner in value.items():
            yield from _amount_tables(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _amount_tables(inner, f"{path}[{place}]")


# -- the strategy in words -------------------------------------------------------------------------------------


def first_due_on(strategy: Strategy) -> date:
    """Choose a Monday for the example invoice, inside the days whose holidays are known."""
    start, end = strategy.calendar.known_from_on, strategy.calendar.known_until_on
    if start is None or end is None or start <= _ANY_MONDAY < end:
        return _ANY_MONDAY
    return start + timedelta(days=-start.weekday() % 7)


def facts_of_strategy(strategy: Strategy, *, due_on: date, warnings: tuple[str, ...]) -> dict[str, object]:
    """Give the whole strategy as plain values for programs."""
    return {
        "ok": True,
        "name": strategy.name,
        "version": strategy.version,
        "hash": strategy.hash,
        "segments": list(strategy.segmentation.ids),
        "ladders": {segment: [list(row) for row in ladder.rows()] for segment, ladder in strategy.all_ladders()},
        "timeline": {
            segments[0]: [
                {"on": one.on, "stage": one.stage, "text": one.text} for one in _timeline(ladder, strategy, due_on)
            ]
            for segments, ladder in _by_ladder(strategy)
        },
        "charges": _charges(strategy),
        "contact": list(_contact(strategy)),
        "offers": list(_offers(strategy)),
        "notices": {name: sorted(channels) for name, channels in _notices(strategy).items()},
        "warnings": list(warnings),
    }


def print_strategy(strategy: Strategy, *, due_on: date, warnings: tuple[str, ...]) -> None:
    """Print everything a strategy does, and at the end what to mend."""
    console().print(
        f"[bold]{strategy.name} {strategy.version}[/bold] can be used  [dim]{strategy.hash[:12]}[/dim]", highlight=False
    )
    _section("segments, the first that holds")
    for rule in strategy.segmentation.rules:
        say(f"  - {rule.id}: {plain_words(in_words(rule.when))}")
    say("  - standard: everyone else")
    groups = _by_ladder(strategy)
    for place, (segments, ladder) in enumerate(groups):
        _section(f"ladder of {', '.join(segments)}")
        rows = ladder.rows()
        if place:  # every other one is an overlay of the first: the differences say more than the whole
            same = set(groups[0][1].rows())
            rows = tuple(row for row in rows if row not in same)
            say(f"As {groups[0][0][0]}, but for:")
        print_table(
            ("stage", "begins", "needs", "does"),
            [
                (stage, begins, _lines(plain_words(needs)), _lines(f"{does}; leads to {end}" if end else does))
                for stage, begins, needs, does, end in rows
            ],
        )
        say(f"One invoice due on {due_on} and never paid (notices arrive at once, approvals are given at once):")
        for on, text in _days_of(_timeline(ladder, strategy, due_on)):
            days = (on - due_on).days
            say(f"  - {on} ({'due day' if not days else f'day {days:+d}'}): {text}")
    _section("charges")
    for line in _charges(strategy) or ["none"]:
        say(f"  - {line}")
    _section("contact")
    for line in _contact(strategy):
        say(f"  - {line}")
    _section("offers")
    for line in _offers(strategy):
        say(f"  - {line}")
    _section("what to mend")
    for line in warnings or ("nothing was found",):
        say(f"  - {line}")


def _lines(text: str) -> str:
    return text.replace("; ", "\n") or "-"


def _section(title: str) -> None:
    console().print(f"\n[bold]{title}[/bold]", highlight=False)


def _by_ladder(strategy: Strategy) -> list[tuple[list[str], Ladder]]:
    """Put segments that climb the same ladder together, the standard one first."""
    found: list[tuple[list[str], Ladder]] = []
    for segment, ladder in sorted(strategy.all_ladders(), key=lambda one: one[0] != "standard"):
        for segments, known in found:
            if known == ladder:
                segments.append(segment)
                break
        else:
            found.append(([segment], ladder))
    return found


def _timeline(ladder: Ladder, strategy: Strategy, due_on: date) -> tuple[TimelineEntry, ...]:
    try:
        return timeline(ladder, due_on=due_on, calendar=strategy.calendar)
    except CalendarMissing as error:
        raise CalendarMissing(error.code, f"{error.text}; give another day with --due-on") from error


def _days_of(entries: tuple[TimelineEntry, ...]) -> Iterator[tuple[date, str]]:
    """Say what happens on one day in one line."""
    days: dict[date, list[str]] = {}
    for entry in entries:
        days.setdefault(entry.on, []).append(entry.text.partition(",")[0] if " begins," in entry.text else entry.text)
    for on, texts in days.items():
        yield on, "; ".join(texts)


def _charges(strategy: Strategy) -> list[str]:
    """Say what lateness costs, what paying early saves, and which packs bound it."""
    lines = [*policy.describe(strategy.charges).splitlines(), *strategy.incentives.describe().splitlines()]
    lines += [f"bounded by rule pack {pack.label}" for pack in strategy.packs]
    lines += [
        f"rule pack {pack.id} stands in the place of the shipped one; {pack.override_by} answers for it"
        for pack in strategy.packs
        if pack.override_by
    ]
    return lines + [
        f"rule {rule.id} of pack {pack.id} overrides {rule.replaces}; {rule.override_by} answers for it"
        for pack, rule in overrides(strategy.packs)
    ]


def _contact(strategy: Strategy) -> Iterator[str]:
    rules = strategy.contact
    yield f"hours, in each zone of the debtor: {'; '.join(map(_hours, rules.hours)) or 'none, so only letters go out'}"
    if rules.caps:
        yield "at most " + ", ".join(map(_cap, rules.caps))
    if rules.days_between_notices:
        yield f"{_count(rules.days_between_notices, 'day')} from one notice to the next"
    if rules.channels:
        yield f"channels: {', '.join(rules.channels)}"


def _hours(row: ContactHours) -> str:
    days = sorted(row.weekdays)
    is_run = len(days) > 2 and days == list(range(days[0], days[-1] + 1))
    named = f"{_DAYS[days[0]]}-{_DAYS[days[-1]]}" if is_run else ", ".join(_DAYS[day] for day in days)
    return f"{named} {row.start:%H:%M}-{row.end:%H:%M}"


def _cap(cap: ContactCap) -> str:
    by = f" by {' or '.join(cap.channels)}" if cap.channels else ""
    return f"{_count(cap.count_max, 'contact')}{by} in {_count(cap.days, 'day')}"


def _offers(strategy: Strategy) -> Iterator[str]:
    if not strategy.settlement:
        yield "none may be made"
    for segment, limits in strategy.settlement:
        least = (
            f"; an instalment is at least {' or '.join(map(str, limits.instalment_min))}"
            if limits.instalment_min
            else ""
        )
        rate = f"; long plans bear {limits.rate}" if limits.rate is not None else ""
        who = "every other segment" if segment == "standard" and len(strategy.settlement) > 1 else segment
        yield f"{who}: {'; '.join(_authority(one, limits) for one in limits.authorities)}{least}{rate}"


def _authority(one: Authority, limits: SettlementLimits) -> str:
    wait = max(one.deferral_days_max, limits.first_payment_days_max)
    said = f"{one.role} up to {_count(one.instalments_max, 'instalment')} in {_count(one.days_max, 'day')}, first within {wait}"
    if one.discount_max:
        tenths = round(one.discount_max * 1000)
        said += f", {tenths // 10}.{tenths % 10} % given up for payment within {_count(limits.completion_days, 'day')}"
    return said


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
