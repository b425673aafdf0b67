"""From a decision to the one batch that a store commits whole."""

from __future__ import annotations

from datetime import datetime, timedelta

from collectkit.core.codec import content_hash, encode
from collectkit.core.decisions import Batch, Charge, Decision, OutboxRow
from collectkit.core.events import (
    ChargePosted,
    ChargeWaived,
    Command,
    CommandIssued,
    CreditNoteIssued,
    Cured,
    Decided,
    Event,
    EventHeader,
    GrantEntitlement,
    NoticeRequested,
    RaiseTask,
    RequestApproval,
    SendNotice,
    semantic_key,
)
from collectkit.core.records import CreditNote, NoticeRecord, Receivable

__all__ = ["to_batch"]


def to_batch(
    *, decision: Decision, version: int, command_id: str, recorded_at: datetime, is_noted: bool = True
) -> Batch:
    """Turn a decision into the one batch that a store commits whole: events, outbox rows, keys, and the next look.

    Pure: a host without our stores gets every key as well. With `is_noted` the decision itself is recorded for the
    audit; leave it out where nothing changed since the last one. After a decision with effects the next look is the
    next day at the latest, because the facts have changed.
    """
    account_id, on = decision.account_id, decision.as_of
    events: list[Event] = []
    outbox: list[OutboxRow] = []
    keys: list[str] = []

    def header(kind: str, name: str) -> EventHeader:
        event_id = semantic_key(kind, account_id, name)
        return {"event_id": event_id, "account_id": account_id, "recorded_at": recorded_at, "effective_on": on}

    for wrong in decision.reversals:
        keys.append(wrong.key)
        waiver = wrong.as_waiver(on=on, authority=decision.strategy_name or "strategy")
        events.append(ChargeWaived(**header("reversed", wrong.key), waiver=waiver))
    for charge in decision.charges:
        keys.append(charge.key)
        events.append(
            ChargePosted(
                **header("posted", charge.key),
                key=charge.key,
                rule=charge.rule,
                receivable=_as_receivable(account_id, charge),
                explanation="; ".join(str(reason) for reason in charge.reasons)[:2000],
            )
        )
    for credit in decision.credits:
        keys.append(credit.key)
        note = CreditNote(
            credit_note_id=credit.key,
            account_id=account_id,
            amount=credit.amount,
            issued_on=min(credit.earned_on, on),
            receivable_ids=(credit.receivable_id,),
        )
        events.append(CreditNoteIssued(**header("credited", credit.key), credit_note=note))
    for command in decision.commands:
        keys.append(command.key)
        outbox.append(_row(command))
        if isinstance(command, SendNotice):
            record = NoticeRecord(
                key=command.key,
                notice=command.notice,
                stage=command.stage,
                step=command.step,
                channel=command.channel,
                cycle=command.cycle,
                occurrence=command.occurrence,
                requested_on=on,
                contact_point_id=command.contact_point_id,
                receivable_ids=command.receivable_ids,
            )
            events.append(NoticeRequested(**header("requested", command.key), notice=record))
        else:
            events.append(
                CommandIssued(
                    **header("issued", command.key),
                    key=command.key,
                    command=command.name,
                    stage=command.stage,
                    what=_what(command),
                )
            )
    if decision.is_cured:
        key = semantic_key("cured", account_id, decision.cycle)
        keys.append(key)
        events.append(Cured(**header("cured", str(decision.cycle)), cycle=decision.cycle))
    digest = content_hash(encode(decision))
    if is_noted:
        events.append(
            Decided(
                **header("decided", f"{on.isoformat()}:{version}"),
                stage=decision.stage,
                segment=decision.segment,
                strategy_hash=decision.strategy_hash,
                decision_hash=digest,
                reasons=tuple(f"{reason.code}: {reason.text}" for reason in decision.reasons),
            )
        )
    review_on = decision.review_on
    if decision.has_effects:
        review_on = min(day for day in (review_on, on + timedelta(days=1)) if day is not None)
    return Batch(
        account_id=account_id,
        expected_version=version,
        command_id=command_id,
        command_hash=digest,
        events=events,
        outbox=outbox,
        keys=keys,
        review_on=review_on,
    )


# -- details ---------------------------------------------------------------------------------------------------


def _as_receivable(account_id: str, charge: Charge) -> Receivable:
    return Receivable(
        receivable_id=semantic_key("charge", *charge.key.split(":")[1:]),
        account_id=account_id,
        amount_original=charge.amount,
        issued_on=charge.charged_on,
        due_on=charge.due_on,
        component=charge.component,
        kind=charge.rule,
        parent_id=charge.receivable_id,
        charge_key=charge.key,
    )


def _what(command: Command) -> str:
    if isinstance(command, RaiseTask):
        return command.task
    if isinstance(command, GrantEntitlement):
        return command.what
    return command.subject if isinstance(command, RequestApproval) else ""


def _row(command: Command) -> OutboxRow:
    notice = command if isinstance(command, SendNotice) else None
    lane = semantic_key(command.account_id, "host" if notice is None else notice.channel.value)
    return OutboxRow(
        key=command.key,
        account_id=command.account_id,
        lane=lane,
        command=command.name,
        payload=encode(command),
        earliest_at=None if notice is None else notice.earliest_at,
        latest_at=None if notice is None else notice.latest_at,
    )
