"""Small made-up accounts, events and batches, the same on every run.

>>> batch = opening("A-1", receivables=2)
>>> batch.expected_version, len(batch.events)
(0, 3)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import attrs

from collectkit.core.codec import content_hash, encode
from collectkit.core.decisions import Batch, OutboxRow
from collectkit.core.events import (
    AccountOpened,
    Event,
    NoticeRequested,
    PaymentReceived,
    ReceivableIssued,
    SendNotice,
    semantic_key,
)
from collectkit.core.money import Money
from collectkit.core.records import Account, Channel, Debtor, NoticeRecord, Payment, Receivable

__all__ = ["DAY", "NOON", "batch_of", "notice", "opening", "paying", "payment", "requesting"]

DAY: Final = date(2026, 3, 12)
NOON: Final = datetime(2026, 3, 12, 12, tzinfo=UTC)


def _common(account_id: str, event_id: str, at: datetime = NOON) -> dict[str, Any]:
    return {"account_id": account_id, "event_id": event_id, "recorded_at": at, "effective_on": DAY}


def batch_of(
    account_id: str,
    expected_version: int,
    events: Sequence[Event],
    *,
    command_id: str,
    keys: Sequence[str] = (),
    inbox_keys: Sequence[str] = (),
    outbox: Sequence[OutboxRow] = (),
    review_on: date | None = DAY,
) -> Batch:
    """Make a batch whose command hash follows from all that it would store."""
    content = b"\n".join([encode(event) for event in events] + [encode(row) for row in outbox])
    content += encode({"keys": tuple(keys), "inbox_keys": tuple(inbox_keys), "review_on": review_on})
    return Batch(
        account_id=account_id,
        expected_version=expected_version,
        command_id=command_id,
        command_hash=content_hash(content),
        events=events,
        outbox=outbox,
        keys=keys,
        inbox_keys=inbox_keys,
        review_on=review_on,
    )


def opening(account_id: str, *, receivables: int = 1, command_id: str = "", review_on: date | None = DAY) -> Batch:
    """Make the batch that opens an account with some receivables of 100.00 EUR."""
    opened = AccountOpened(
        **_common(account_id, f"{account_id}:open"),
        account=Account(account_id=account_id, debtor_id=f"D-{account_id}"),
        debtor=Debtor(debtor_id=f"D-{account_id}", kind="consumer", name="Zoë Łukasz 山田", zones=("Europe/Berlin",)),
    )
    issued = [
        ReceivableIssued(
            **_common(account_id, f"{account_id}:issue:{number}"),
            receivable=Receivable(
                receivable_id=f"{account_id}:R{number}",
                account_id=account_id,
                amount_original=Money(10_000, "EUR"),
                issued_on=DAY - timedelta(days=40),
                due_on=DAY - timedelta(days=10 + number % 20),
            ),
        )
        for number in range(1, receivables + 1)
    ]
    return batch_of(
        account_id, 0, [opened, *issued], command_id=command_id or f"open:{account_id}", review_on=review_on
    )


def payment(account_id: str, number: int = 1, *, minor: int = 100) -> PaymentReceived:
    """Make the fact that money came in, at an instant with an offset of its own."""
    at = datetime.fromisoformat("2026-03-12T12:00:00+05:30")
    return PaymentReceived(
        **_common(account_id, f"{account_id}:pay:{number}", at),
        payment=Payment(
            payment_id=f"{account_id}:P{number}", account_id=account_id, amount=Money(minor, "EUR"), received_on=DAY
        ),
    )


def paying(account_id: str, version: int, number: int = 1, *, command_id: str = "", minor: int = 100) -> Batch:
    """Make the batch of one inbound payment, with its inbox key."""
    return batch_of(
        account_id,
        version,
        [payment(account_id, number, minor=minor)],
        command_id=command_id or f"pay:{account_id}:{number}",
        inbox_keys=[semantic_key("in", "bank", account_id, number)],
    )


def notice(account_id: str, occurrence: int = 1, *, channel: Channel = Channel.EMAIL) -> SendNotice:
    """Make the command that sends one notice."""
    key = semantic_key("notice", account_id, 0, "reminder", "0", channel.value, occurrence)
    return SendNotice(
        key=key,
        account_id=account_id,
        stage="reminder",
        step="0",
        notice="friendly",
        channel=channel,
        contact_point_id=f"{account_id}:C1",
        cycle=0,
        occurrence=occurrence,
        decided_on=DAY,
        earliest_at=NOON,
        latest_at=NOON + timedelta(hours=6),
    )


def requesting(
    account_id: str, version: int, occurrence: int = 1, *, channel: Channel = Channel.EMAIL, command_id: str = ""
) -> Batch:
    """Make the batch of one decided notice: its event, its key and its outbox row."""
    command = notice(account_id, occurrence, channel=channel)
    record = NoticeRecord(
        key=command.key,
        notice=command.notice,
        stage=command.stage,
        step=command.step,
        channel=channel,
        cycle=0,
        occurrence=occurrence,
        requested_on=DAY,
        contact_point_id=command.contact_point_id,
    )
    row = OutboxRow(
        key=command.key,
        account_id=account_id,
        lane=channel.value,
        command=command.name,
        payload=encode(command),
        earliest_at=command.earliest_at,
        latest_at=command.latest_at,
    )
    return batch_of(
        account_id,
        version,
        [NoticeRequested(**_common(account_id, f"event:{command.key}"), notice=record)],
        command_id=command_id or f"decide:{command.key}",
        keys=[command.key],
        outbox=[row],
    )


def retry_of(batch: Batch, *, expected_version: int | None = None, command_id: str | None = None) -> Batch:
    """Make the same batch again, under another expected version or command id where one is given."""
    return attrs.evolve(
        batch,
        expected_version=batch.expected_version if expected_version is None else expected_version,
        command_id=command_id or batch.command_id,
    )
