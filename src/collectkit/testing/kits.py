"""How the suite gets at a store or messenger of yours, and how a property says that it does not hold.

A kit wraps one fresh, empty store. Only `open` is needed; each of the other doors lets the suite show more, and a
property whose door is missing is reported as not shown, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

import attrs

from collectkit.core.decisions import SendResult
from collectkit.ports import AccountStore, Messenger, Outbox

__all__ = ["Edit", "MessengerKit", "NotShown", "PropertyBroken", "Store", "StoreKit", "must"]


class PropertyBroken(AssertionError):
    """A named property does not hold."""


class NotShown(Exception):
    """A property cannot be shown on this kit; the text says why."""


class Store(AccountStore, Outbox, Protocol):
    """An account store and its outbox, in one object because a batch goes to both in one transaction."""


@attrs.frozen
class Edit:
    """One way to tamper with a stored history: what it does, and how to put it back."""

    name: str
    do: Callable[[], None]
    undo: Callable[[], None]


class StoreKit:
    """One empty store. Subclass it, fill `open`, and add the doors that your storage has."""

    def open(self) -> Store:
        """Return the store over a connection of its own; every call sees the same data."""
        raise NotImplementedError

    def open_impatient(self) -> Store:
        """Return the store with a wait for locks of at most a tenth of a second."""
        _not_shown("the kit cannot open a store that waits only briefly for a lock")

    def locked_by_another(self) -> AbstractContextManager[None]:
        """Hold the lock that every writer needs."""
        _not_shown("the kit cannot hold a writer's lock")

    def failing(self, call: int, *, for_ever: bool) -> AbstractContextManager[Callable[[], bool]]:
        """Let the `call`-th statement from now on fail, once or from then on; yields "has it failed?"."""
        _not_shown("the kit cannot let a statement fail")

    def full(self) -> AbstractContextManager[None]:
        """Take away the space to grow."""
        _not_shown("the kit cannot fill the disk")

    def damages(self) -> Iterable[Edit]:
        """Yield ways to damage the storage itself."""
        _not_shown("the kit cannot damage the storage")

    def edits(self, account_id: str) -> Iterable[Edit]:
        """Yield ways to tamper with the history of an account that has at least three events."""
        _not_shown("the kit cannot edit a stored history")

    def restore_older(self) -> AbstractContextManager[Callable[[], None]]:
        """Remember the store as it is; what is yielded restores it."""
        _not_shown("the kit cannot restore an older copy")

    def written_by_newer_release(self) -> None:
        """Mark the store as one of a newer schema."""
        _not_shown("the kit cannot pretend a newer schema")

    def worker_source(self) -> str:
        """Return Python source that binds `store` to this store, opened anew, for a process that will be killed."""
        _not_shown("nothing of this store outlives its process")


class MessengerKit:
    """One messenger with a provider behind it."""

    def open(self) -> Messenger:
        """Return the messenger."""
        raise NotImplementedError

    def received(self) -> tuple[str, ...]:
        """Return the key of every message that the provider took in, in order."""
        _not_shown("the kit cannot look at what the provider received")

    def touched(self) -> int:
        """Return how often the provider, or the disk, was touched at all."""
        _not_shown("the kit cannot count what reaches the provider")

    def answer_lost(self) -> AbstractContextManager[None]:
        """Let the provider take messages and never answer."""
        _not_shown("the kit cannot lose the provider's answer")

    def refusing(self, code: int, text: str = "") -> AbstractContextManager[None]:
        """Let the provider refuse with a code of its own."""
        _not_shown("this provider has no codes")

    def send_with(self, code: int, text: str) -> SendResult:
        """Send one notice while the provider refuses with that code."""
        _not_shown("this provider has no codes")


def must(holds: bool, text: str) -> None:
    """Go on where a claim holds.

    Raises:
        PropertyBroken: it does not.
    """
    if not holds:
        raise PropertyBroken(text)


def _not_shown(reason: str) -> NoReturn:
    raise NotShown(reason)
