"""Messengers and stores that record what they are asked, or fail where a test tells them to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Final, TypeVar

import attrs

from collectkit.core.decisions import Accepted, Batch, CommitResult, Rejected, SendResult, Unknown
from collectkit.core.errors import StoreUnavailable
from collectkit.ports import AccountStore, Loaded, Messenger, Notice

__all__ = ["FaultyMessenger", "FaultyStore", "OutcomeLost", "RecordingMessenger", "Sent"]

T = TypeVar("T")


@attrs.frozen
class Sent:
    """One call of `send`: the notice and its key."""

    notice: Notice
    key: str


class RecordingMessenger:
    """A provider that honours keys: it remembers every call, and counts a key it knows as one message.

    `answers` are given in turn, the last one for ever.

    >>> provider = RecordingMessenger()
    >>> notice = Notice(notice="friendly", channel="email", locale="en", recipient="a@host.example")
    >>> provider.send(notice, "k-1").provider_id, provider.send(notice, "k-1").provider_id, len(provider.delivered)
    ('1', '1', 1)
    """

    def __init__(self, answers: Sequence[SendResult] = ()) -> None:
        self.calls: list[Sent] = []
        self.delivered: dict[str, Notice] = {}
        self._answers = list(answers)

    def send(self, notice: Notice, key: str) -> SendResult:
        """Record the call; see `Messenger.send`."""
        self.calls.append(Sent(notice, key))
        answer = self._answers[min(len(self.calls), len(self._answers)) - 1] if self._answers else None
        if answer is not None and not isinstance(answer, Accepted):
            return answer
        self.delivered.setdefault(key, notice)
        return answer or Accepted(provider_id=str(list(self.delivered).index(key) + 1))


class FaultyMessenger:
    """A messenger that loses answers and refuses, by a seeded draw, and hands the rest on.

    `lost` is the share of calls that reach `inner` and whose answer is lost (`Unknown`), `refused` the share refused
    for now before they reach it; per cent, whole numbers.
    """

    def __init__(self, inner: Messenger, *, seed: int, lost: int = 20, refused: int = 20) -> None:
        self._inner, self._dice = inner, Random(seed)
        self._lost, self._refused = lost, refused

    def send(self, notice: Notice, key: str) -> SendResult:
        """Draw what goes wrong; see `Messenger.send`."""
        drawn = self._dice.randrange(100)
        if drawn < self._refused:
            return Rejected(code="fake.refused", is_permanent=False)
        answer = self._inner.send(notice, key)
        return Unknown(code="fake.lost") if drawn < self._refused + self._lost else answer


class OutcomeLost(StoreUnavailable):
    """The fake's own failure: whether the call before it took effect is not known to the caller."""


_BEFORE: Final = "before"
_AFTER: Final = "after"


class FaultyStore:
    """A store whose calls fail at chosen places, before or after the inner store did its work.

    >>> from collectkit.testing.cases import opening
    >>> store = FaultyStore(inner)  # doctest: +SKIP
    >>> with store.failing(1, "after"):  # doctest: +SKIP
    ...     store.commit(opening("A-1"))  # stored, and its answer lost
    """

    def __init__(self, inner: AccountStore) -> None:
        self._inner = inner
        self._calls = 0
        self._at: tuple[int, str] | None = None

    @contextmanager
    def failing(self, call: int, when: str) -> Iterator[None]:
        """Let the `call`-th call from now on fail, `when` is "before" or "after" the work."""
        self._calls, self._at = 0, (call, when)
        try:
            yield
        finally:
            self._at = None

    def _guarded(self, work: Callable[[], T]) -> T:
        self._calls += 1
        fails = self._at if self._at is not None and self._at[0] == self._calls else None
        if fails is not None and fails[1] == _BEFORE:
            raise OutcomeLost("store.unavailable", "the fake failed before the call")
        result = work()
        if fails is not None and fails[1] == _AFTER:
            raise OutcomeLost("store.unavailable", "the fake lost the answer")
        return result

    def load(self, account_id: str, *, after: int = 0) -> Loaded:
        """See `AccountStore.load`."""
        return self._guarded(lambda: self._inner.load(account_id, after=after))

    def load_many(self, account_ids: Iterable[str]) -> tuple[Loaded, ...]:
        """See `AccountStore.load_many`."""
        return self._guarded(lambda: self._inner.load_many(account_ids))

    def commit(self, batch: Batch) -> CommitResult:
        """See `AccountStore.commit`."""
        return self._guarded(lambda: self._inner.commit(batch))

    def commit_many(self, batches: Sequence[Batch]) -> tuple[CommitResult, ...]:
        """See `AccountStore.commit_many`."""
        return self._guarded(lambda: self._inner.commit_many(batches))

    def due(self, *, as_of: date, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """See `AccountStore.due`."""
        return self._guarded(lambda: self._inner.due(as_of=as_of, after=after, limit=limit))

    def account_ids(self, *, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """See `AccountStore.account_ids`."""
        return self._guarded(lambda: self._inner.account_ids(after=after, limit=limit))

    def seen(self, inbox_keys: Iterable[str]) -> frozenset[str]:
        """See `AccountStore.seen`."""
        return self._guarded(lambda: self._inner.seen(inbox_keys))

    def verify(self, account_id: str, *, version: int = 0, head: str = "") -> Loaded:
        """See `AccountStore.verify`."""
        return self._guarded(lambda: self._inner.verify(account_id, version=version, head=head))
