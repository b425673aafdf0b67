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

from collectkit.core.calendars import business_date
from collectkit.core.checks import as_tuple
from collectkit.core.codec import content_hash, decode_command, encode
from collectkit.core.decisions import (
    Accepted,
    Batch,
    Committed,
    Conflict,
    Decision,
    Defer,
    Duplicate,
    Keep,
    Rejected,
    SendResult,
    Suppress,
    Unknown,
)
from collectkit.core.errors import CollectkitError, HistoryError, StoreBusy, WordingError
from collectkit.core.events import (
    Command,
    Event,
    EventHeader,
    NoticeBounced,
    NoticeSent,
    NoticeSuppressed,
    SendNotice,
    StrategyMoved,
    semantic_key,
)
from collectkit.core.records import AccountSnapshot
from collectkit.history import AccountState, fold, last_decided, next_fact_on, snapshot
from collectkit.ports import AccountStore, ClaimedRow, Loaded, Messenger, Outbox, Renderer
from collectkit.strategy import Strategy, decide, revalidate, to_batch

__all__ = [
    "Changed",
    "Collected",
    "Delivered",
    "Recorded",
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

MAX_TRIES: Final = 5  # of a commit that others overtook, and of a notice whose outcome is unknown
RETRY_MINUTES: Final = 15  # times the number of the attempt

OnDecision: TypeAlias = Callable[[Decision, AccountState], None]
OnProgress: TypeAlias = Callable[[int], None]


# -- what a run answers ----------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Troubled:
    """An account that could not be decided about: its id and the error's code and text. The others go on."""

    account_id: str
    code: str
    text: str


@attrs.frozen(kw_only=True)
class Collected:
    """What one day's decisions came to."""

    as_of: date
    looked: int = 0
    committed: int = 0
    charges: int = 0
    notices: int = 0
    other_commands: int = 0
    cured: int = 0
    troubled: tuple[Troubled, ...] = attrs.field(default=(), converter=as_tuple)

    def __add__(self, other: Collected) -> Collected:
        """Add up two passes of one day."""
        names = ("looked", "committed", "charges", "notices", "other_commands", "cured", "troubled")
        return attrs.evolve(self, **{name: getattr(self, name) + getattr(other, name) for name in names})


@attrs.frozen(kw_only=True)
class Delivered:
    """What became of the outbox rows that were taken up."""

    sent: int = 0
    bounced: int = 0
    suppressed: int = 0
    deferred: int = 0
    retried: int = 0
    given_up: int = 0
    handed_over: int = 0
    """Commands other than notices, given to the host."""

    @property
    def handled(self) -> int:
        """Return how many rows were taken up in all."""
        return sum(attrs.astuple(self))

    def __add__(self, other: Delivered) -> Delivered:
        """Add up two passes."""
        ours, theirs = attrs.asdict(self), attrs.asdict(other)
        return Delivered(**{name: ours[name] + theirs[name] for name in ours})


@attrs.frozen(kw_only=True)
class Changed:
    """An imported fact whose id is stored already with other content; the stored one stands."""

    account_id: str
    event_id: str


@attrs.frozen(kw_only=True)
class Recorded:
    """What an import stored: new facts, facts that were there already, and those that contradict what is stored."""

    accounts: int = 0
    events: int = 0
    known: int = 0
    changed: tuple[Changed, ...] = attrs.field(default=(), converter=as_tuple)


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
    nothing. Every account that got a fact is due for a look at once.
    """
    done = Recorded()
    ids = sorted(events)
    for start in range(0, len(ids), page):
        chosen = ids[start : start + page]
        done = _record_page(store, {account_id: events[account_id] for account_id in chosen}, done)
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
    """
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
    on_command: Callable[[Command], None] | None = None,
) -> Delivered:
    """Carry out what waits in the outbox at `now`: a last look, then the text from fresh facts, then the provider.

    The outcome is stored before the row is marked, so a crash between the two sends nothing twice. Commands other
    than notices go to `on_command`, once or, after a crash, again with the same key.
    """
    total = Delivered()
    while True:
        rows = outbox.claim(worker=worker, now=now, limit=limit, lease_seconds=lease_seconds)
        if not rows:
            return total
        for claimed in rows:
            total += _deliver_one(store, outbox, messenger, renderer, strategy, now, claimed, on_command)


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
    on_command: Callable[[Command], None] | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Collected, Delivered]:
    """Run one day from its beginning to its end: decide, then deliver at every instant at which something may go out.

    What bounces during the day is decided again the same day, so that another channel can be tried at once.
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


# -- details: facts --------------------------------------------------------------------------------------------


def _record_page(store: AccountStore, events: Mapping[str, Sequence[Event]], done: Recorded) -> Recorded:
    digests = {one.event_id: content_hash(encode(one))[:16] for facts in events.values() for one in facts}
    keys = {event_id: (f"in:{event_id}", f"in:{event_id}={digest}") for event_id, digest in digests.items()}
    seen = store.seen(key for pair in keys.values() for key in pair)
    batches, known, changed = [], 0, list(done.changed)
    for loaded in store.load_many(tuple(events)):
        new = []
        for fact in events[loaded.account_id]:
            plain, exact = keys[fact.event_id]
            if plain not in seen:
                new.append(fact)
            elif exact in seen:
                known += 1
            else:
                changed.append(Changed(account_id=loaded.account_id, event_id=fact.event_id))
        if new:
            content = "".join(digests[fact.event_id] for fact in new)
            digest = content_hash(content.encode())
            batches.append(
                Batch(
                    account_id=loaded.account_id,
                    expected_version=loaded.version,
                    command_id=semantic_key("record", loaded.account_id, loaded.version, digest[:16]),
                    command_hash=digest,
                    events=new,
                    inbox_keys=[key for fact in new for key in keys[fact.event_id]],
                    review_on=min(fact.effective_on for fact in new),
                )
            )
    answers = _commit(store, batches)
    stored = sum(len(batch.events) for batch, answer in zip(batches, answers, strict=True) if _stands(answer))
    overtaken = [batch.account_id for batch, answer in zip(batches, answers, strict=True) if not _stands(answer)]
    result = Recorded(
        accounts=done.accounts + len(batches) - len(overtaken),
        events=done.events + stored,
        known=done.known + known,
        changed=changed,
    )
    if overtaken:
        return _record_page(store, {account_id: events[account_id] for account_id in overtaken}, result)
    return result


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
        troubled: list[Troubled] = []
        for loaded in store.load_many(waiting):
            try:
                prepared.append(_prepare(strategy, loaded, as_of, now, may_move))
            except CollectkitError as error:
                troubled.append(Troubled(account_id=loaded.account_id, code=error.code, text=error.text))
        answers = _commit(store, [batch for batch, _, _ in prepared])
        overtaken = []
        for (batch, decision, state), answer in zip(prepared, answers, strict=True):
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
    return attrs.evolve(batch, review_on=min(turns, default=None)), decision, state


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


def _commit(store: AccountStore, batches: Sequence[Batch]) -> tuple[Committed | Duplicate | Conflict, ...]:
    if not batches:
        return ()
    for attempt in range(1, MAX_TRIES + 1):
        try:
            return store.commit_many(batches)
        except StoreBusy:
            if attempt == MAX_TRIES:
                raise
    return ()


def _stands(answer: Committed | Duplicate | Conflict) -> bool:
    return not isinstance(answer, Conflict)


# -- details: delivery -----------------------------------------------------------------------------------------


def _deliver_one(
    store: AccountStore,
    outbox: Outbox,
    messenger: Messenger,
    renderer: Renderer,
    strategy: Strategy,
    now: datetime,
    claimed: ClaimedRow,
    on_command: Callable[[Command], None] | None,
) -> Delivered:
    row, owner = claimed.row, claimed.owner
    command = decode_command(row.payload)
    if not isinstance(command, SendNotice):
        if on_command is not None:
            on_command(command)
        outbox.mark(key=row.key, owner=owner, outcome="done", now=now)
        return Delivered(handed_over=1)
    account = _account_now(store, row.account_id, now)
    facts = account.facts
    record = next((one for one in facts.notices if one.key == row.key), None)
    if record is not None and not record.is_pending:  # sent or stopped before a crash kept the row from being marked
        outbox.mark(key=row.key, owner=owner, outcome="done", now=now, code="already")
        return Delivered(handed_over=1)
    look = revalidate(strategy=strategy, command=command, snapshot=facts, now=now)
    if isinstance(look, Defer):
        outbox.mark(key=row.key, owner=owner, outcome=look.until_at, now=now, code=look.reason.code)
        return Delivered(deferred=1)
    if isinstance(look, Suppress):
        return _suppress(store, outbox, claimed, account, now, look.reason.code)
    if not isinstance(look, Keep):
        raise TypeError(f"the last look answered {type(look).__name__}")
    try:
        notice = renderer.render(command, facts)
    except WordingError as error:
        return _suppress(store, outbox, claimed, account, now, error.code)
    return _after_sending(store, outbox, claimed, account, now, messenger.send(notice, row.key))


def _after_sending(
    store: AccountStore, outbox: Outbox, claimed: ClaimedRow, account: _AccountNow, now: datetime, result: SendResult
) -> Delivered:
    key, owner, on = claimed.row.key, claimed.owner, account.facts.as_of
    if isinstance(result, Accepted):
        sent = NoticeSent(**_header("sent", claimed, now, on), key=key, sent_at=now)
        _store(store, account, sent, on + timedelta(days=1))
        outbox.mark(key=key, owner=owner, outcome="done", now=now)
        return Delivered(sent=1)
    is_final = (isinstance(result, Rejected) and result.is_permanent) or claimed.attempt >= MAX_TRIES
    if not is_final:
        again_at = now + timedelta(minutes=RETRY_MINUTES * claimed.attempt)
        outbox.mark(key=key, owner=owner, outcome=again_at, now=now, code=result.code)
        return Delivered(retried=1)
    is_permanent = isinstance(result, Rejected) and result.is_permanent
    bounced = NoticeBounced(**_header("bounced", claimed, now, on), key=key, is_permanent=is_permanent)
    _store(store, account, bounced, on)
    outbox.mark(key=key, owner=owner, outcome="dead", now=now, code=result.code)
    return Delivered(bounced=1) if isinstance(result, (Rejected, Unknown)) and is_permanent else Delivered(given_up=1)


def _suppress(
    store: AccountStore, outbox: Outbox, claimed: ClaimedRow, account: _AccountNow, now: datetime, code: str
) -> Delivered:
    on = account.facts.as_of
    event = NoticeSuppressed(**_header("suppressed", claimed, now, on), key=claimed.row.key, reason=code)
    _store(store, account, event, on + timedelta(days=1))
    outbox.mark(key=claimed.row.key, owner=claimed.owner, outcome="suppressed", now=now, code=code)
    return Delivered(suppressed=1)


def _header(kind: str, claimed: ClaimedRow, now: datetime, on: date) -> EventHeader:
    event_id = semantic_key(kind, claimed.row.key)
    return {"event_id": event_id, "account_id": claimed.row.account_id, "recorded_at": now, "effective_on": on}


@attrs.frozen(kw_only=True)
class _AccountNow:
    """An account as loaded, and its facts on the debtor's own day."""

    account_id: str
    version: int
    state: AccountState
    facts: AccountSnapshot


def _account_now(store: AccountStore, account_id: str, now: datetime) -> _AccountNow:
    loaded = store.load(account_id)
    state = fold(loaded.events)
    today = now.astimezone(UTC).date()
    facts = snapshot(state, as_of=today)
    zones = facts.debtor.zones
    if zones and (local := business_date(now, zones[0])) != today:
        facts = snapshot(state, as_of=local)
    return _AccountNow(account_id=account_id, version=loaded.version, state=state, facts=facts)


def _store(store: AccountStore, account: _AccountNow, event: Event, review_on: date) -> None:
    """Store one outcome; others may write to the account meanwhile, which changes nothing about it."""
    version, state = account.version, account.state
    for attempt in range(1, MAX_TRIES + 1):
        known = next_fact_on(state, after=event.effective_on)
        batch = Batch(
            account_id=account.account_id,
            expected_version=version,
            command_id=event.event_id,
            command_hash=content_hash(event.event_id.encode()),
            events=(event,),
            review_on=min(day for day in (review_on, known) if day is not None),
        )
        try:
            answer = store.commit(batch)
        except StoreBusy:
            if attempt == MAX_TRIES:
                raise
            continue
        if _stands(answer):
            return
        loaded = store.load(account.account_id)
        version, state = loaded.version, fold(loaded.events)
    raise StoreBusy(
        "store.busy", f"account {account.account_id} was overtaken {MAX_TRIES} times; run the delivery again"
    )


def by_account(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Group events by account, keeping their order."""
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.account_id, []).append(event)
    return grouped
