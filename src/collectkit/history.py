"""From recorded events to the facts about one account as of a day.

`fold` gathers every event of an account, whatever its date; `snapshot` shows what is known and effective at the end of
a day. What is dated later does not exist yet, and a return, withdrawal, cancellation or resolution dated later has not
happened yet. No policy runs here, so what a release decided once reads the same under the next.

The order in which facts were recorded matters only where a later record replaces an earlier one: master data of the
debtor, contact points, the end of flags, and the strategy. Everything else is a set of dated facts: the same facts in
any order give the same snapshot, and where an ending is reported twice the earliest day counts.

It does not load or store events, and does not decide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime

import attrs

from collectkit._history.facts import Facts
from collectkit._history.taking import add
from collectkit._history.telling import text_of, what_of
from collectkit.core.checks import identifier, require_date
from collectkit.core.events import (
    Decided,
    Event,
)
from collectkit.core.records import (
    AccountSnapshot,
)

__all__ = [
    "AccountState",
    "TimelineEntry",
    "apply",
    "fold",
    "last_decided",
    "next_fact_on",
    "snapshot",
    "timeline",
]


@attrs.frozen(kw_only=True)
class AccountState:
    """All facts of one account whatever their date, in the order in which they were recorded.

    Two states are equal when they hold the same events in the same order. Build one with `fold` or `apply`.
    """

    account_id: str = attrs.field(validator=identifier)
    events: tuple[Event, ...]
    _facts: Facts = attrs.field(eq=False, repr=False)

    @property
    def version(self) -> int:
        """Return the number of events held."""
        return len(self.events)


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """One line of an account's history: the day, what happened, and its figures; no personal field."""

    on: date
    recorded_at: datetime
    what: str
    text: str


def fold(events: Iterable[Event], *, onto: AccountState | None = None) -> AccountState:
    """Gather events, continuing from `onto` where it is given; amortised constant work per event.

    An event whose id was seen before changes nothing. The first event of an account is its `AccountOpened`.

    Raises:
        HistoryError: `history.unknown_account` for an event of an account that was not opened, `history.foreign_event`
            for one of another account, `history.conflicting_fact` where an id comes again with other content.
    """
    if onto is None:
        facts, kept = Facts(), []
    else:
        facts, kept = onto._facts.copy(), list(onto.events)
    for event in events:
        if add(facts, event):
            kept.append(event)
    account, _ = facts.opened()
    return AccountState(account_id=account.account_id, events=tuple(kept), facts=facts)


def apply(state: AccountState | None, event: Event) -> AccountState:
    """Return the state with one event more, or `state` itself where the event is already in it.

    To add many, `fold` them: this copies the state each time.

    Raises:
        HistoryError: as `fold`.
    """
    if state is not None and event.event_id in state._facts.event_ids and event.account_id == state.account_id:
        return state
    return fold((event,), onto=state)


def snapshot(source: AccountState | Iterable[Event], *, as_of: date) -> AccountSnapshot:
    """Return the facts known and effective at the end of `as_of`; nothing later shows.

    Receivables count from `issued_on`, payments from `effective_on`, promises from `made_on`, and so on. The debtor's
    and the account's master data before their first record are those of the opening.

    Raises:
        InvalidDate: `as_of` is no plain date.
        HistoryError: `history.unknown_event` where an event of a newer release must be understood first, and as `fold`.
    """
    as_of = require_date(as_of, "as_of")
    state = source if isinstance(source, AccountState) else fold(source)
    return state._facts.on(as_of)


def next_fact_on(source: AccountState | Iterable[Event], *, after: date) -> date | None:
    """Return the earliest day after `after` on which a recorded fact takes effect, or None.

    A scheduler looks again on that day, or on the decision's `review_on`, whichever comes first.
    """
    after = require_date(after, "after")
    state = source if isinstance(source, AccountState) else fold(source)
    days = state._facts.sorted_days()
    place = bisect_right(days, after)
    return days[place] if place < len(days) else None


def last_decided(state: AccountState) -> Decided | None:
    """Return the decision recorded last, or None; no rule reads it, a scheduler does."""
    return state._facts.decided


def timeline(source: AccountState | Iterable[Event]) -> tuple[TimelineEntry, ...]:
    """Return every event as one line, by the day from which it counts and then by the order of recording."""
    events = source.events if isinstance(source, AccountState) else fold(source).events
    lines = [
        TimelineEntry(on=event.effective_on, recorded_at=event.recorded_at, what=what_of(event), text=text_of(event))
        for event in events
    ]
    return tuple(sorted(lines, key=lambda line: line.on))
