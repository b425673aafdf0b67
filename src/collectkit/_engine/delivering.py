"""One outbox row carried out: a last look, the text from fresh facts, the provider, and the outcome stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import attrs

from collectkit._engine.answers import Delivered, Troubled
from collectkit._engine.storing import MAX_TRIES, stands
from collectkit.core.calendars import business_date
from collectkit.core.codec import content_hash, decode_command
from collectkit.core.decisions import Accepted, Batch, Defer, Rejected, SendResult, Suppress, Unknown
from collectkit.core.errors import CollectkitError, StoreBusy, StoreCorrupt, StoreError, WordingError
from collectkit.core.events import (
    Command,
    Event,
    EventHeader,
    NoticeBounced,
    NoticeSent,
    NoticeSuppressed,
    SendNotice,
    semantic_key,
)
from collectkit.core.records import AccountSnapshot
from collectkit.history import AccountState, fold, next_fact_on, snapshot
from collectkit.ports import AccountStore, ClaimedRow, Messenger, Notice, Outbox, Renderer
from collectkit.strategy import Strategy, revalidate

__all__ = ["Carrier", "OnCommand"]

RETRY_MINUTES: Final = 15  # times the number of the attempt

OnCommand: TypeAlias = Callable[[Command], None]


@attrs.frozen(kw_only=True)
class Carrier:
    """Carries rows out at one instant."""

    store: AccountStore
    outbox: Outbox
    messenger: Messenger
    renderer: Renderer
    strategy: Strategy
    now: datetime
    on_command: OnCommand | None = None

    def carry(self, claimed: ClaimedRow) -> Delivered:
        """Carry one row out; an account that cannot be read holds up no other and is tried again later.

        Raises:
            StoreError: the store as a whole is in trouble; the rows stay lent until their leases end.
        """
        try:
            return self._carry(claimed)
        except StoreCorrupt as error:
            return self._postpone(claimed, error.code, error.text)
        except StoreError:
            raise
        except CollectkitError as error:
            return self._postpone(claimed, error.code, error.text)

    def _carry(self, claimed: ClaimedRow) -> Delivered:
        row, owner = claimed.row, claimed.owner
        command = decode_command(row.payload)
        if not isinstance(command, SendNotice):
            if self.on_command is not None:
                self.on_command(command)
            self.outbox.mark(key=row.key, owner=owner, outcome="done", now=self.now)
            return Delivered(handed_over=1)
        account = _account_now(self.store, row.account_id, self.now)
        record = next((one for one in account.facts.notices if one.key == row.key), None)
        if record is not None and not record.is_pending:  # sent or stopped before a crash kept it from being marked
            self.outbox.mark(key=row.key, owner=owner, outcome="done", now=self.now, code="already")
            return Delivered(handed_over=1)
        if claimed.attempt > MAX_TRIES + 1:  # whoever took it up died of it: stop before the outbox drops it silently
            return self._suppress(claimed, account, command, "engine.attempts")
        look = revalidate(strategy=self.strategy, command=command, snapshot=account.facts, now=self.now)
        if isinstance(look, Defer):
            code, until_at = look.reason.code, look.until_at
            self.outbox.mark(key=row.key, owner=owner, outcome=until_at, now=self.now, code=code, is_attempt=False)
            return Delivered(deferred=1)
        if isinstance(look, Suppress):
            return self._suppress(claimed, account, command, look.reason.code)
        try:
            notice = self.renderer.render(command, account.facts)
        except WordingError as error:
            return self._suppress(claimed, account, command, error.code)
        except CollectkitError:
            raise
        except Exception as error:  # a host's renderer may raise anything, and must not hold up other accounts
            return self._postpone(claimed, "engine.renderer_raised", f"the renderer raised {type(error).__name__}")
        return self._after_sending(claimed, account, command, self._send(notice, row.key))

    def _send(self, notice: Notice, key: str) -> SendResult:
        try:
            return self.messenger.send(notice, key)
        except Exception as error:  # it may have gone out before this was raised: ask again with the same key
            return Unknown(code=f"raised.{type(error).__name__}"[:100])

    # -- outcomes ----------------------------------------------------------------------------------------------

    def _after_sending(
        self, claimed: ClaimedRow, account: _AccountNow, command: SendNotice, result: SendResult
    ) -> Delivered:
        key, owner, on = claimed.row.key, claimed.owner, account.facts.as_of
        if isinstance(result, Accepted):
            sent = NoticeSent(**self._header("sent", claimed, on), key=key, sent_at=self.now)
            _store(self.store, account, sent, _next_look(command, on))
            self.outbox.mark(key=key, owner=owner, outcome="done", now=self.now)
            return Delivered(sent=1)
        is_permanent = isinstance(result, Rejected) and result.is_permanent
        if not is_permanent and claimed.attempt < MAX_TRIES:
            again_at = self.now + timedelta(minutes=RETRY_MINUTES * claimed.attempt)
            self.outbox.mark(key=key, owner=owner, outcome=again_at, now=self.now, code=result.code)
            return Delivered(retried=1)
        bounced = NoticeBounced(**self._header("bounced", claimed, on), key=key, is_permanent=is_permanent)
        _store(self.store, account, bounced, on)
        self.outbox.mark(key=key, owner=owner, outcome="dead", now=self.now, code=result.code)
        return Delivered(bounced=1) if is_permanent else Delivered(given_up=1)

    def _suppress(self, claimed: ClaimedRow, account: _AccountNow, command: SendNotice, code: str) -> Delivered:
        on = account.facts.as_of
        event = NoticeSuppressed(**self._header("suppressed", claimed, on), key=claimed.row.key, reason=code)
        _store(self.store, account, event, _next_look(command, on))
        self.outbox.mark(key=claimed.row.key, owner=claimed.owner, outcome="suppressed", now=self.now, code=code)
        return Delivered(suppressed=1)

    def _postpone(self, claimed: ClaimedRow, code: str, text: str) -> Delivered:
        again_at = self.now + timedelta(minutes=RETRY_MINUTES * claimed.attempt)
        self.outbox.mark(key=claimed.row.key, owner=claimed.owner, outcome=again_at, now=self.now, code=code)
        return Delivered(troubled=[Troubled(account_id=claimed.row.account_id, code=code, text=text)])

    def _header(self, kind: str, claimed: ClaimedRow, on: date) -> EventHeader:
        event_id = semantic_key(kind, claimed.row.key)
        return {
            "event_id": event_id,
            "account_id": claimed.row.account_id,
            "recorded_at": self.now,
            "effective_on": on,
        }


# -- details ---------------------------------------------------------------------------------------------------


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


def _next_look(command: SendNotice, on: date) -> date:
    """Return when to look again: the day after, or today where today's look has not been taken yet."""
    return on if command.decided_on < on else on + timedelta(days=1)


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
        if stands(answer):
            return
        loaded = store.load(account.account_id)
        version, state = loaded.version, fold(loaded.events)
        review_on = min(review_on, event.effective_on)  # a fact came in between: its look is due today
    raise StoreBusy(
        "store.busy", f"account {account.account_id} was overtaken {MAX_TRIES} times; run the delivery again"
    )
