"""The doors to the world, as Protocols: who keeps the facts, who carries the notices, who words them.

A host fills these with its own tables and providers, or takes the adapters that come with collectkit; the suite in
`collectkit.testing` proves either. No room below this one calls a port: scores, calendars and rates are resolved to
frozen values first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import attrs

from collectkit.core.calendars import BusinessCalendar
from collectkit.core.checks import as_tuple, each
from collectkit.core.decisions import Batch, CommitResult, OutboxRow, SendResult
from collectkit.core.events import Event, SendNotice
from collectkit.core.records import AccountSnapshot, Channel
from collectkit.core.rules import ReferenceSeries

__all__ = [
    "AccountStore",
    "ClaimedRow",
    "HolidayCalendar",
    "Loaded",
    "MarkOutcome",
    "Messenger",
    "Notice",
    "Outbox",
    "RateSource",
    "Renderer",
    "Scorer",
]


# -- keeping the facts -----------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Loaded:
    """What a store holds of one account: its events after some version, its version, and the head of its chain.

    Version 0 with no events is an account that is not known. `head` is the hash of the last event, empty for none.
    """

    account_id: str
    version: int
    head: str
    events: tuple[Event, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Event))


@runtime_checkable
class AccountStore(Protocol):
    """Keeps each account's events and its next look, and commits a batch whole or not at all."""

    def load(self, account_id: str, *, after: int = 0) -> Loaded:
        """Return the events with versions above `after`, in commit order."""
        ...

    def load_many(self, account_ids: Iterable[str]) -> tuple[Loaded, ...]:
        """Return whole accounts, one answer for each id in the order given, read as of one moment.

        The same as calling `load` for each, in fewer round trips; a run asks for some hundred accounts at a time.
        """
        ...

    def commit(self, batch: Batch) -> CommitResult:
        """Store a batch in one transaction; see LAWS S1 to S21 for what is promised.

        Raises:
            DuplicateKey: a semantic or inbox key of the batch is already stored.
            IdempotencyKeyReuse: the command id came with other content.
            StoreError: any other failure; nothing was changed.
        """
        ...

    def commit_many(self, batches: Sequence[Batch]) -> tuple[CommitResult, ...]:
        """Store batches of different accounts in one transaction, with an answer for each.

        A batch in conflict is left out and answered `Conflict`; the others stand. A key that is already stored
        raises and nothing of all the batches is stored.
        """
        ...

    def due(self, *, as_of: date, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Return ids above `after`, ascending, of accounts whose `review_on` has come; page on with the last id."""
        ...

    def account_ids(self, *, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Return all account ids above `after`, ascending."""
        ...

    def seen(self, inbox_keys: Iterable[str]) -> frozenset[str]:
        """Return those of the given inbox keys that are stored."""
        ...

    def verify(self, account_id: str, *, version: int = 0, head: str = "") -> Loaded:
        """Load a whole account and check its chain; a `head` remembered at `version` must be part of it.

        Raises:
            AuditChainBroken: an event was edited, removed, added, renumbered or moved.
            HeadRegressed: the chain is sound and does not hold the remembered head.
        """
        ...


# -- carrying the effects out ----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ClaimedRow:
    """An outbox row lent to one worker until `leased_until`; `attempt` counts from 1."""

    row: OutboxRow
    owner: str
    leased_until: datetime
    attempt: int


MarkOutcome: TypeAlias = Literal["done", "suppressed", "dead"] | datetime
"""Done, never to be sent, given up; or an instant: try again from then on."""


@runtime_checkable
class Outbox(Protocol):
    """Hands decided commands to workers, each to one at a time, in order per account and lane."""

    def claim(
        self, *, worker: str, now: datetime, limit: int = 100, lease_seconds: int = 300
    ) -> tuple[ClaimedRow, ...]:
        """Lend rows whose `earliest_at` has come and that no live lease holds; never two of one lane at a time."""
        ...

    def mark(
        self,
        *,
        key: str,
        owner: str,
        outcome: MarkOutcome,
        now: datetime,
        code: str = "",
        is_attempt: bool = True,
    ) -> bool:
        """Record what became of a lent row; False where `owner` no longer holds it.

        A row that the last look put off was not tried: `is_attempt=False` leaves its attempts as they were before.
        """
        ...

    def next_at(self, *, before: datetime) -> datetime | None:
        """Return the earliest instant before `before` at which a row may be claimed, or None."""
        ...

    def tally(self) -> dict[str, int]:
        """Return how many rows stand at "pending", "done", "suppressed" and "dead"; no row ever vanishes."""
        ...

    def dead_letters(self, *, limit: int = 100) -> tuple[tuple[OutboxRow, str], ...]:
        """Return rows that were given up, oldest first, each with the code of its last failure."""
        ...


@attrs.frozen(kw_only=True)
class Notice:
    """A worded message, ready for one address. Personal fields stay out of its repr."""

    notice: str
    channel: Channel
    locale: str
    recipient: str = attrs.field(repr=False)
    subject: str = attrs.field(default="", repr=False)
    body: str = attrs.field(default="", repr=False)
    body_html: str | None = attrs.field(default=None, repr=False)


@runtime_checkable
class Messenger(Protocol):
    """Carries a notice to a provider."""

    def send(self, notice: Notice, key: str) -> SendResult:
        """Hand the notice over with its key unchanged; a timeout after sending began is `Unknown`, never `Accepted`."""
        ...


@runtime_checkable
class Renderer(Protocol):
    """Words a notice from the facts at the moment of sending."""

    def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
        """Return the text in the debtor's language.

        Raises:
            WordingError: the text is missing or lacks a fact it needs.
        """
        ...


# -- looking things up -----------------------------------------------------------------------------------------


@runtime_checkable
class HolidayCalendar(Protocol):
    """Knows the business days of a place."""

    def business_calendar(self, code: str, *, start_on: date, end_on: date) -> BusinessCalendar:
        """Return the frozen calendar of `code` for the half-open range.

        Raises:
            CalendarMissing: the place or the range is not known.
        """
        ...


@runtime_checkable
class RateSource(Protocol):
    """Knows reference rates that are newer than the shipped ones; `adapters.rates.renewed` gives them to packs."""

    def series(self, series_id: str, *, through: date) -> ReferenceSeries:
        """Return the whole dated series, known through a day; give it to a pack with `RulePack.with_series`.

        Raises:
            LookupError: the series is not known, or not through that day.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """Scores an account for `decide(score=...)`; the rules stay in charge. The run of `engine` brings no scores yet."""

    def score(self, snapshot: AccountSnapshot) -> int | None:
        """Return a score, or None where there is none."""
        ...
