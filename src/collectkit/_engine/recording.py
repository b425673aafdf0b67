"""Taking imported facts in: each once, and none with which the account's history could no longer be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from collectkit._engine.answers import Changed, Recorded, Refused
from collectkit._engine.storing import MAX_TRIES, commit_each, stands
from collectkit.core.codec import content_hash, encode
from collectkit.core.decisions import Batch, Conflict
from collectkit.core.errors import CollectkitError, HistoryError, StoreBusy
from collectkit.core.events import AccountOpened, Event, UnknownEvent, semantic_key
from collectkit.history import AccountState, apply, fold
from collectkit.ports import AccountStore, Loaded

__all__ = ["record_page"]

_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


def record_page(store: AccountStore, events: Mapping[str, Sequence[Event]]) -> Recorded:
    """Store the facts of some accounts; an account that others wrote to meanwhile is tried again."""
    total = Recorded()
    waiting = dict(events)
    for _ in range(MAX_TRIES):
        page = _Page(store, waiting)
        total += page.done()
        waiting = {account_id: events[account_id] for account_id in page.overtaken}
        if not waiting:
            return total
    raise StoreBusy("store.busy", f"{len(waiting)} accounts were overtaken {MAX_TRIES} times; run the import again")


class _Page:
    """One try to store the facts of some accounts."""

    def __init__(self, store: AccountStore, events: Mapping[str, Sequence[Event]]) -> None:
        self.store = store
        self.digests = {id(one): _digest(one) for facts in events.values() for one in facts}
        keys = {key for facts in events.values() for one in facts for key in self._keys(one)}
        self.taken = set(store.seen(keys))
        self.known: dict[str, int] = {}
        self.changed: list[Changed] = []
        self.refused: list[Refused] = []
        self.batches = [batch for one in store.load_many(tuple(events)) for batch in self._batch(one, events)]
        self.answers = commit_each(store, self.batches)
        self.overtaken = [
            batch.account_id
            for batch, answer in zip(self.batches, self.answers, strict=True)
            if isinstance(answer, Conflict)
        ]

    def done(self) -> Recorded:
        """Return what this try stored and left out; an account that is tried again is counted then."""
        settled = [(batch, answer) for batch, answer in zip(self.batches, self.answers, strict=True) if stands(answer)]
        refused = [one for one in self.refused if one.account_id not in self.overtaken]
        for batch, answer in zip(self.batches, self.answers, strict=True):
            if isinstance(answer, CollectkitError):
                refused += [_refusal(one, answer) for one in batch.events]
        return Recorded(
            accounts=len(settled),
            events=sum(len(batch.events) for batch, _ in settled),
            known=sum(count for name, count in self.known.items() if name not in self.overtaken),
            changed=[one for one in self.changed if one.account_id not in self.overtaken],
            refused=refused,
        )

    def _keys(self, fact: Event) -> tuple[str, str]:
        return f"in:{fact.event_id}", f"in:{fact.event_id}={self.digests[id(fact)]}"

    def _batch(self, loaded: Loaded, events: Mapping[str, Sequence[Event]]) -> Iterator[Batch]:
        new = []
        for fact in events[loaded.account_id]:
            plain, exact = self._keys(fact)
            if plain not in self.taken:
                new.append(fact)
                self.taken |= {plain, exact}
            elif exact in self.taken:
                self.known[loaded.account_id] = self.known.get(loaded.account_id, 0) + 1
            else:
                self.changed.append(Changed(account_id=loaded.account_id, event_id=fact.event_id))
        new, refused = _sound(loaded, new)
        self.refused += refused
        if not new:
            return
        digest = content_hash("".join(self.digests[id(fact)] for fact in new).encode())
        yield Batch(
            account_id=loaded.account_id,
            expected_version=loaded.version,
            command_id=semantic_key("record", loaded.account_id, loaded.version, digest[:16]),
            command_hash=digest,
            events=new,
            inbox_keys=[key for fact in new for key in self._keys(fact)],
            # due at once, even where the new fact counts from a later day: no earlier look may be forgotten over it
            review_on=min(fact.effective_on for fact in (*loaded.events, *new)),
        )


def _sound(loaded: Loaded, new: Sequence[Event]) -> tuple[list[Event], list[Refused]]:
    """Leave out facts that would make the history unreadable for good: what is stored can never be taken back."""
    if not new:
        return [], []
    state: AccountState | None = None
    if loaded.events:
        try:
            state = fold(loaded.events)
        except HistoryError:
            return list(new), []  # it cannot get worse, and the facts are kept for whoever repairs it
    else:
        new = sorted(new, key=lambda one: not isinstance(one, AccountOpened))  # stable: the others keep their order
    try:
        fold(new, onto=state)
    except HistoryError:
        pass  # found below, fact by fact
    else:
        return list(new), []
    kept, refused = [], []
    for fact in new:
        try:
            state = apply(state, fact)
        except HistoryError as error:
            refused.append(_refusal(fact, error))
        else:
            kept.append(fact)
    return kept, refused


def _digest(fact: Event) -> str:
    """Hash what a fact says; when it was written down is no part of that, so the same ledger a day later says the same."""
    said = fact if isinstance(fact, UnknownEvent) else attrs.evolve(fact, recorded_at=_ANY_TIME)
    return content_hash(encode(said))[:16]


def _refusal(fact: Event, error: CollectkitError) -> Refused:
    return Refused(account_id=fact.account_id, event_id=fact.event_id, code=error.code, text=error.text)
