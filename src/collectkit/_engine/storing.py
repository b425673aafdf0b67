"""Commits that others overtake, keys that stand already, histories that cannot be read: one account holds up no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from collectkit._engine.answers import Troubled
from collectkit.core.decisions import Batch, Committed, Conflict, Duplicate
from collectkit.core.errors import CollectkitError, DuplicateKey, IdempotencyKeyReuse, StoreBusy, StoreCorrupt
from collectkit.ports import AccountStore, Loaded

__all__ = ["MAX_TRIES", "commit_each", "load_each", "stands", "trouble"]

MAX_TRIES: Final = 5  # of a commit that others overtook, and of a notice whose outcome is unknown


def commit_each(
    store: AccountStore, batches: Sequence[Batch]
) -> tuple[Committed | Duplicate | Conflict | CollectkitError, ...]:
    """Commit batches together; where a key of one stands already, one by one, with the refusal as that one's answer."""
    if not batches:
        return ()
    try:
        return _patiently(store, batches)
    except (DuplicateKey, IdempotencyKeyReuse) as refusal:
        if len(batches) == 1:
            return (refusal,)
    return tuple(answer for batch in batches for answer in commit_each(store, [batch]))


def _patiently(store: AccountStore, batches: Sequence[Batch]) -> tuple[Committed | Duplicate | Conflict, ...]:
    for attempt in range(1, MAX_TRIES + 1):
        try:
            return store.commit_many(batches)
        except StoreBusy:
            if attempt == MAX_TRIES:
                raise
    return ()


def load_each(store: AccountStore, ids: Sequence[str]) -> tuple[tuple[Loaded, ...], tuple[Troubled, ...]]:
    """Load accounts together; where the history of one is damaged, one by one, and name the damaged ones."""
    try:
        return store.load_many(ids), ()
    except StoreCorrupt as damage:
        if len(ids) == 1:
            return (), (trouble(ids[0], damage),)
    found = [load_each(store, [one]) for one in ids]
    return tuple(one for sound, _ in found for one in sound), tuple(one for _, bad in found for one in bad)


def stands(answer: Committed | Duplicate | Conflict | CollectkitError) -> bool:
    """Say whether a batch is stored, now or before."""
    return isinstance(answer, (Committed, Duplicate))


def trouble(account_id: str, error: CollectkitError) -> Troubled:
    """Name an account with what went wrong."""
    return Troubled(account_id=account_id, code=error.code, text=error.text)
