"""The run: load what is due, decide, commit, take a last look, deliver.

It holds no storage code and no clock: a store, an outbox, a messenger and a renderer are passed in, and so is every
date and instant. A run may be killed anywhere and started again: what was committed stands, what was not is decided
again, and every effect has the same key both times. Nothing is promised about a provider but that it is called with
the key unchanged; it may be called again with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

import attrs

from collectkit._engine.answers import Changed, Collected, Delivered, Recorded, Refused, Troubled
from collectkit._engine.delivering import Carrier, OnCommand
from collectkit._engine.recording import record_page
from collectkit._engine.storing import MAX_TRIES, commit_each, load_each, trouble
from collectkit.core.codec import content_hash, encode
from collectkit.core.decisions import Batch, Committed, Conflict, Decision, OutboxRow
from collectkit.core.errors import CollectkitError, HistoryError, InvalidPolicy, Problem
from collectkit.core.events import Event, SendNotice, StrategyMoved, semantic_key
from collectkit.core.records import AccountSnapshot
from collectkit.history import AccountState, fold, last_decided, next_fact_on, snapshot
from collectkit.ports import AccountStore, Loaded, Messenger, Outbox, Renderer
from collectkit.strategy import Strategy, decide, postponed, to_batch

__all__ = [
    "Changed",
    "Collected",
    "Delivered",
    "Recorded",
    "Refused",
    "Troubled",
    "by_account",
    "collect",
    "deliver",
    "record",
    "run_day",
    "run_instant",
]

RUN_AT: Final = time(6, 0)
"""A run for a day begins at this UTC time: every zone's waking hours of that day end before the next run."""

_ANY_INSTANT: Final = datetime(2000, 1, 1, tzinfo=UTC)

OnDecision: TypeAlias = Callable[[Decision, AccountState], None]
OnProgress: TypeAlias = Callable[[int], None]


# -- taking facts in -------------------------------------------------------------------------------------------


def record(
    *,
    store: AccountStore,
    events: Mapping[str, Sequence[Event]],
    page: int = 500,
    on_progress: OnProgress | None = None,
) -> Recorded:
    """Store imported facts per account, each once: a fact whose id was stored before is left out.

    `events` maps account ids to their new facts; ids of events are the source's own, so that a second import changes
    nothing. A fact with which the account's history could not be read, such as one of an account that was never
    opened, is refused and named; what is stored could never be taken back. Every account that got a fact is due for a
    look at once.
    """
    done = Recorded()
    ids = sorted(events)
    for start in range(0, len(ids), page):
        chosen = ids[start : start + page]
        done += record_page(store, {account_id: events[account_id] for account_id in chosen})
        if on_progress is not None:
            on_progress(len(chosen))
    return done


# -- deciding --------------------------------------------------------------------------------------------------


def collect(
    *,
    store: AccountStore,
    strategy: Strategy,
    as_of: date,
    now: datetime,
    may_move: bool = False,
    page: int = 500,
    on_decision: OnDecision | None = None,
    on_progress: OnProgress | None = None,
) -> Collected:
    """Decide about every account that is due on `as_of`, and commit what follows.

    An account that no strategy decided about yet is pinned to this one. One that is pinned to another keeps it: it is
    reported as troubled, unless `may_move` allows to move it. An account that cannot be decided about is reported and
    holds up no other.

    Raises:
        InvalidPolicy: `strategy.unfed_fact` for a strategy that tests a score, which the run does not bring.
    """
    if strategy.asks_for("score"):
        text = "the run brings no scores; test other facts, or decide with `decide(score=...)` in a loop of your own"
        raise InvalidPolicy([Problem(code="strategy.unfed_fact", path="score", text=text)])
    total = Collected(as_of=as_of)
    after = ""
    while True:
        ids = store.due(as_of=as_of, after=after, limit=page)
        if not ids:
            return total
        after = ids[-1]
        total += _collect_page(store, strategy, ids, as_of, now, may_move, on_decision)
        if on_progress is not None:
            on_progress(len(ids))


# -- delivering ------------------------------------------------------------------------------------------------


def deliver(
    *,
    store: AccountStore,
    outbox: Outbox,
    messenger: Messenger,
    renderer: Renderer,
    strategy: Strategy,
    now: datetime,
    worker: str = "collectkit",
    limit: int = 200,
    lease_seconds: int = 300,
    on_command: OnCommand | None = None,
) -> Delivered:
    """Carry out what waits in the outbox at `now`: a last look, then the text from fresh facts, then the provider.

    The outcome is stored before the row is marked, so a crash between the two sends nothing twice. Commands other
    than notices go to `on_command`, once or, after a crash, again with the same key. A row that cannot be carried out
    holds up no other account; a messenger that raises counts as an unknown outcome.
    """
    total = Delivered()
    carrier = Carrier(
        store=store,
        outbox=outbox,
        messenger=messenger,
        renderer=renderer,
        strategy=strategy,
        now=now,
        on_command=on_command,
    )
    while True:
        rows = outbox.claim(worker=worker, now=now, limit=limit, lease_seconds=lease_seconds)
        if not rows:
            return total
        for claimed in rows:
            total += carrier.carry(claimed)


def run_instant(day: date) -> datetime:
    """Return the instant at which the run for a day begins.

    >>> run_instant(date(2026, 3, 2)).isoformat()
    '2026-03-02T06:00:00+00:00'
    """
    return datetime.combine(day, RUN_AT, tzinfo=UTC)


def run_day(
    *,
    store: AccountStore,
    outbox: Outbox,
    messenger: Messenger,
    renderer: Renderer,
    strategy: Strategy,
    as_of: date,
    may_move: bool = False,
    on_decision: OnDecision | None = None,
    on_command: OnCommand | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Collected, Delivered]:
    """Run one day from its beginning to its end: decide, then deliver at every instant at which something may go out.

    What bounces during the day is decided again the same day, so that another channel can be tried at once. The hours
    of the day are walked through at once, for replays and for messengers that keep a notice until its hour; a service
    that sends by the clock calls `collect` once a day and `deliver` with the present instant.
    """
    now = run_instant(as_of)
    closes_at = now + timedelta(days=1)
    decided = Collected(as_of=as_of)
    carried = Delivered()
    while True:
        decided += collect(
            store=store,
            strategy=strategy,
            as_of=as_of,
            now=now,
            may_move=may_move,
            on_decision=on_decision,
            on_progress=on_progress,
        )
        due_at = outbox.next_at(before=closes_at)
        if due_at is None:
            return decided, carried
        now = max(now, due_at)
        passed = deliver(
            store=store,
            outbox=outbox,
            messenger=messenger,
            renderer=renderer,
            strategy=strategy,
            now=now,
            on_command=on_command,
        )
        carried += passed
        if not passed.handled:  # another worker holds the row: its lease decides when it may be taken up again
            return decided, carried


# -- details: decisions ----------------------------------------------------------------------------------------


def _collect_page(
    store: AccountStore,
    strategy: Strategy,
    ids: Sequence[str],
    as_of: date,
    now: datetime,
    may_move: bool,
    on_decision: OnDecision | None,
) -> Collected:
    total = Collected(as_of=as_of)
    waiting = tuple(ids)
    for _ in range(MAX_TRIES):
        prepared: list[tuple[Batch, Decision, AccountState]] = []
        sound, damaged = load_each(store, waiting)
        troubled = list(damaged)
        for loaded in sound:
            try:
                prepared.append(_prepare(strategy, loaded, as_of, now, may_move))
            except CollectkitError as error:
                troubled.append(trouble(loaded.account_id, error))
        answers = commit_each(store, [batch for batch, _, _ in prepared])
        overtaken = []
        for (batch, decision, state), answer in zip(prepared, answers, strict=True):
            if isinstance(answer, CollectkitError):
                troubled.append(trouble(batch.account_id, answer))
                continue
            if isinstance(answer, Conflict):
                overtaken.append(batch.account_id)
                continue
            total += _counted(decision, is_new=isinstance(answer, Committed) and bool(batch.events))
            if on_decision is not None:
                on_decision(decision, state)
        total += Collected(as_of=as_of, looked=len(troubled), troubled=troubled)
        waiting = tuple(overtaken)
        if not waiting:
            return total
    late = [
        Troubled(account_id=one, code="store.conflict", text="overtaken by others time and again") for one in waiting
    ]
    return total + Collected(as_of=as_of, looked=len(late), troubled=late)


def _prepare(
    strategy: Strategy, loaded: Loaded, as_of: date, now: datetime, may_move: bool
) -> tuple[Batch, Decision, AccountState]:
    """Decide about one loaded account and make its batch; with nothing new only its next look is stored."""
    state = fold(loaded.events)
    facts = snapshot(state, as_of=as_of)
    pinned = facts.strategy_hash
    if pinned is not None and pinned != strategy.hash and not may_move:
        raise HistoryError(
            "history.other_strategy",
            f"account {loaded.account_id} is pinned to another strategy or version; run it with that one, or move it",
        )
    decision = decide(strategy=strategy, snapshot=facts)
    digest = content_hash(encode(decision))
    batch = to_batch(
        decision=decision,
        version=loaded.version,
        command_id=semantic_key("decide", loaded.account_id, as_of.isoformat(), loaded.version, digest[:16]),
        recorded_at=now,
        is_noted=decision.has_effects or _differs(decision, state),
    )
    if pinned != strategy.hash:
        moved = StrategyMoved(
            event_id=semantic_key("strategy", loaded.account_id, loaded.version, strategy.hash[:16]),
            account_id=loaded.account_id,
            recorded_at=now,
            effective_on=as_of,
            strategy_name=strategy.name,
            strategy_version=strategy.version,
            strategy_hash=strategy.hash,
        )
        batch = attrs.evolve(batch, events=(moved, *batch.events))
    known_later = next_fact_on(state, after=as_of)
    turns = [day for day in (batch.review_on, known_later) if day is not None]
    outbox = _still_open(strategy, decision, batch, facts, now)
    return attrs.evolve(batch, outbox=outbox, review_on=min(turns, default=None)), decision, state


def _still_open(
    strategy: Strategy, decision: Decision, batch: Batch, facts: AccountSnapshot, now: datetime
) -> tuple[OutboxRow, ...]:
    """Give a notice whose hours were over before the run began, far in the east, those of the next day that has any."""
    rows = {row.key: row for row in batch.outbox}
    for command in decision.commands:
        if isinstance(command, SendNotice) and command.latest_at <= now:
            moved = postponed(strategy=strategy, command=command, snapshot=facts, now=now)
            rows[command.key] = attrs.evolve(
                rows[command.key],
                payload=encode(moved),
                earliest_at=moved.earliest_at,
                latest_at=moved.latest_at,
            )
    return tuple(rows.values())


def _differs(decision: Decision, state: AccountState) -> bool:
    """Say whether a decision reads otherwise than the last one that was noted; figures that merely grow do not count."""
    last = last_decided(state)
    if last is None:
        return True
    codes = {reason.code for reason in decision.reasons}
    noted = {text.partition(":")[0] for text in last.reasons}
    same = (last.stage, last.segment, last.strategy_hash) == (decision.stage, decision.segment, decision.strategy_hash)
    return not same or codes != noted


def _counted(decision: Decision, *, is_new: bool) -> Collected:
    if not is_new:
        return Collected(as_of=decision.as_of, looked=1)
    notices = sum(1 for command in decision.commands if isinstance(command, SendNotice))
    return Collected(
        as_of=decision.as_of,
        looked=1,
        committed=1,
        charges=len(decision.charges),
        notices=notices,
        other_commands=len(decision.commands) - notices,
        cured=int(decision.is_cured),
    )


def by_account(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Group events by account, keeping their order."""
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.account_id, []).append(event)
    return grouped
