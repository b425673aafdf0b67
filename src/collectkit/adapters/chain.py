"""What every store adapter has in common: the hash chain of an account, and a batch made ready to be stored.

Each event's hash covers the hash before it, the account, the version and the event's canonical bytes, so that an edit,
a removal, a renumbering or a swap breaks the chain from there on. A tail cut off together with its account row, or a
whole history rewritten, shows only against a head that was kept elsewhere; with a `secret` a rewrite cannot be made
to fit. Nothing here touches storage.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import attrs

from collectkit.core.codec import decode_event, encode
from collectkit.core.decisions import Batch
from collectkit.core.errors import (
    AuditChainBroken,
    CollectkitError,
    DuplicateKey,
    HeadRegressed,
    IdempotencyKeyReuse,
    InvalidRecord,
    StoreCorrupt,
)
from collectkit.core.events import Event
from collectkit.ports import Loaded

__all__ = ["Link", "Ready", "broken", "chain_hash", "check_head", "key_reuse", "link_batch", "loaded", "ready", "taken"]

_DOMAIN: Final = b"collectkit.chain.1"


class Link(NamedTuple):
    """One stored event: its version, its canonical bytes and its hash."""

    version: int
    data: bytes
    hash: str


@attrs.frozen(kw_only=True)
class Ready:
    """A batch that was checked and encoded."""

    batch: Batch
    events: tuple[bytes, ...]


def chain_hash(previous: str, account_id: str, version: int, data: bytes, *, secret: bytes | None = None) -> str:
    """Return the hash of an event in its place; HMAC-SHA-256 where there is a secret, else SHA-256."""
    content = b"\0".join((_DOMAIN, previous.encode(), account_id.encode(), str(version).encode(), data))
    if secret is not None:
        return hmac.new(secret, content, hashlib.sha256).hexdigest()
    return hashlib.sha256(content).hexdigest()


def ready(batch: Batch) -> Ready:
    """Check a batch in itself and encode its events, before any storage is touched.

    Raises:
        InvalidRecord: `records.foreign` where an event or a row belongs to another account.
        DuplicateKey: a key stands twice in the batch.
        CodecError: an event has no canonical form.
    """
    owners = [event.account_id for event in batch.events] + [row.account_id for row in batch.outbox]
    foreign = next((owner for owner in owners if owner != batch.account_id), None)
    if foreign is not None:
        raise InvalidRecord(
            "records.foreign", f"an event or row of account {foreign} cannot stand in a batch of {batch.account_id}"
        )
    for keys in (batch.keys, batch.inbox_keys, tuple(row.key for row in batch.outbox)):
        if len(set(keys)) != len(keys):
            raise taken(batch.account_id, next(key for place, key in enumerate(keys) if key in keys[:place]))
    return Ready(batch=batch, events=tuple(encode(event) for event in batch.events))


def link_batch(one: Ready, head: str, *, secret: bytes | None) -> tuple[Link, ...]:
    """Chain the events of a batch onto an account's head."""
    links = []
    for version, data in enumerate(one.events, start=one.batch.expected_version + 1):
        head = chain_hash(head, one.batch.account_id, version, data, secret=secret)
        links.append(Link(version, data, head))
    return tuple(links)


def loaded(
    account_id: str,
    *,
    version: int,
    head: str,
    links: Sequence[Link],
    after: int = 0,
    previous: str = "",
    secret: bytes | None = None,
    decode: Callable[[bytes], Event] = decode_event,
) -> Loaded:
    """Check the stored `links` above `after` against the account's version and head, and decode them.

    `decode` may remember what it gave for the same bytes; they are checked before it is asked.

    Raises:
        AuditChainBroken: naming the account and the first version that does not hold.
        StoreCorrupt: an event cannot be decoded although its hash holds.
    """
    if type(version) is not int or type(head) is not str:  # SQLite lets any column hold any type
        raise broken(account_id, 1)
    at, events = min(after, version), []
    if after >= version and not links:
        previous = head
    for link in links:
        at += 1
        if type(link.data) is not bytes:
            raise broken(account_id, at)
        previous = chain_hash(previous, account_id, at, link.data, secret=secret)
        if link.version != at or link.hash != previous:
            raise broken(account_id, at)
        try:
            events.append(decode(link.data))
        except CollectkitError:
            raise StoreCorrupt(
                "store.corrupt", f"account {account_id}: event {at} cannot be read", account_id=account_id, version=at
            ) from None
    if at != version or previous != head:
        raise broken(account_id, at + 1)
    return Loaded(account_id=account_id, version=version, head=head, events=tuple(events))


def check_head(account_id: str, links: Iterable[Link], *, version: int, head: str) -> None:
    """Look for a remembered head in a chain that was found sound.

    Raises:
        HeadRegressed: it is not there.
    """
    if version and not any(link.version == version and link.hash == head for link in links):
        raise HeadRegressed(
            "store.head_regressed",
            f"account {account_id}: the head remembered at version {version} is not in the chain; an older copy was "
            "restored or the history was rewritten",
            account_id=account_id,
            version=version,
        )


def taken(account_id: str, key: str) -> DuplicateKey:
    """Make the refusal of a key that is already stored."""
    return DuplicateKey(
        "store.duplicate_key",
        f"account {account_id}: key {key} is already stored; its effect was done before",
        account_id=account_id,
        key=key,
    )


def key_reuse(account_id: str, command_id: str) -> IdempotencyKeyReuse:
    """Make the refusal of a command id that comes back with other content."""
    return IdempotencyKeyReuse(
        "store.key_reuse",
        f"account {account_id}: command {command_id} was committed before with other content; give it an id of its own",
        account_id=account_id,
        command_id=command_id,
    )


def broken(account_id: str, version: int) -> AuditChainBroken:
    """Make the refusal of a history that does not hold from `version` on."""
    return AuditChainBroken(
        "store.chain_broken",
        f"account {account_id}: the history does not hold from version {version} on; restore it from a backup",
        account_id=account_id,
        version=version,
    )
