"""The sample accounts as a folder of tables, in the shape that the ready map `collectkit` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

import attrs

from collectkit.adapters.csv_out import write_csv
from collectkit.core.checks import require_date, require_int
from collectkit.core.errors import InvalidRecord
from collectkit.samples._behaviour import SampleAccount, sample_account

__all__ = ["SAMPLE_SEED", "SAMPLE_START_ON", "SampleLedger", "sample_accounts", "write_sample_ledger"]

SAMPLE_SEED: Final = 2025
"""The seed of the bundled demo."""

SAMPLE_START_ON: Final = date(2025, 10, 1)
"""The first day of the demo's quarter; every rate of the quarter is known."""

MAX_ACCOUNTS: Final = 100_000

Row = dict[str, object]


@attrs.frozen(kw_only=True)
class SampleLedger:
    """A sample ledger that was written: its folder, its files in the order written, and the accounts in it."""

    folder: Path
    files: tuple[Path, ...]
    accounts: tuple[SampleAccount, ...]


def sample_accounts(
    *, seed: int = SAMPLE_SEED, accounts: int = 400, start_on: date = SAMPLE_START_ON
) -> tuple[SampleAccount, ...]:
    """Make the accounts of the sample, numbered from 1; history reaches nine months back, facts three months on.

    The same arguments give the same accounts on every machine and Python version, and the first of many are those of
    few. From forty accounts on, every kind of payer is among them.

    >>> few = sample_accounts(accounts=2)
    >>> few[0].account.account_id, few[0].debtor.debtor_id, len(few[1].receivables) > 0
    ('A-0001', 'D-0001', True)

    Raises:
        InvalidRecord: `samples.accounts`, `samples.seed` for numbers that cannot stand.
        InvalidDate: `start_on` is no plain date.
    """
    require_int(seed, "seed", at_least=0, at_most=10**12, code="samples.seed", error=InvalidRecord)
    require_int(accounts, "accounts", at_least=1, at_most=MAX_ACCOUNTS, code="samples.accounts", error=InvalidRecord)
    require_date(start_on, "start_on")
    return tuple(sample_account(index, seed=seed, start_on=start_on) for index in range(1, accounts + 1))


def write_sample_ledger(
    folder: str | Path, *, seed: int = SAMPLE_SEED, accounts: int = 400, start_on: date = SAMPLE_START_ON
) -> SampleLedger:
    """Write the sample as a folder of CSV tables that `read_ledger(folder, ready_map("collectkit"))` reads.

    Files of the same names are replaced, byte for byte the same for the same arguments; others are left alone.

    Raises:
        InvalidRecord: as `sample_accounts`.
        OSError: the folder cannot be written.
    """
    made = sample_accounts(seed=seed, accounts=accounts, start_on=start_on)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for table, (header, rows_of) in TABLES.items():
        path = place / f"{table}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            write_csv(stream, header, (row for one in made for row in rows_of(one)))
        files.append(path)
    return SampleLedger(folder=place, files=tuple(files), accounts=made)


# -- one table each --------------------------------------------------------------------------------------------


def _list(values: Iterable[str]) -> str:
    return ";".join(values)


def _debtors(one: SampleAccount) -> Iterator[Row]:
    yield {
        "account_id": one.account.account_id,
        "debtor_id": one.debtor.debtor_id,
        "name": one.debtor.name,
        "debtor_kind": one.debtor.kind.value,
        "locale": one.debtor.locale,
        "zones": _list(one.debtor.zones),
        "jurisdiction": one.debtor.jurisdiction,
        "creditor_id": one.account.creditor_id,
        "opened_on": one.account.opened_on,
    }


def _receivables(one: SampleAccount) -> Iterator[Row]:
    for receivable in one.receivables:
        yield {
            "receivable_id": receivable.receivable_id,
            "account_id": receivable.account_id,
            "debtor_id": one.debtor.debtor_id,
            "amount": receivable.amount_original,
            "currency": receivable.amount_original.currency,
            "issued_on": receivable.issued_on,
            "due_on": receivable.due_on,
            "receivable_kind": receivable.kind,
        }


def _payments(one: SampleAccount) -> Iterator[Row]:
    for payment in one.payments:
        yield {
            "payment_id": payment.payment_id,
            "account_id": payment.account_id,
            "amount": payment.amount,
            "currency": payment.amount.currency,
            "received_on": payment.received_on,
            "receivable_ids": _list(payment.receivable_ids),
        }


def _payment_returns(one: SampleAccount) -> Iterator[Row]:
    for payment in one.payments:
        if payment.returned_on is not None:
            yield {"payment_id": payment.payment_id, "returned_on": payment.returned_on}


def _credit_notes(one: SampleAccount) -> Iterator[Row]:
    for note in one.credit_notes:
        yield {
            "credit_note_id": note.credit_note_id,
            "account_id": note.account_id,
            "amount": note.amount,
            "currency": note.amount.currency,
            "issued_on": note.issued_on,
            "receivable_ids": _list(note.receivable_ids),
            "cancelled_on": note.cancelled_on,
        }


def _promises(one: SampleAccount) -> Iterator[Row]:
    for promise in one.promises:
        yield {
            "promise_id": promise.promise_id,
            "account_id": promise.account_id,
            "amount": promise.amount,
            "currency": promise.amount.currency,
            "made_on": promise.made_on,
            "due_on": promise.due_on,
            "receivable_ids": _list(promise.receivable_ids),
            "channel": None if promise.channel is None else promise.channel.value,
            "taken_by": promise.taken_by,
        }


def _disputes(one: SampleAccount) -> Iterator[Row]:
    for dispute in one.disputes:
        yield {
            "dispute_id": dispute.dispute_id,
            "account_id": dispute.account_id,
            "raised_on": dispute.raised_on,
            "receivable_ids": _list(dispute.receivable_ids),
            "reason": dispute.reason,
            "resolved_on": dispute.resolved_on,
        }


def _holds(one: SampleAccount) -> Iterator[Row]:
    for hold in one.holds:
        yield {
            "hold_id": hold.hold_id,
            "account_id": hold.account_id,
            "reason": hold.reason.value,
            "placed_on": hold.placed_on,
            "until_on": hold.until_on,
        }


def _flags(one: SampleAccount) -> Iterator[Row]:
    for flag in one.debtor.flags:
        yield {
            "account_id": one.account.account_id,
            "kind": flag.kind.value,
            "since_on": flag.since_on,
            "until_on": flag.until_on,
        }


def _approvals(one: SampleAccount) -> Iterator[Row]:
    for approval in one.approvals:
        yield {
            "account_id": one.account.account_id,
            "subject": approval.subject,
            "authority": approval.authority,
            "granted_by": approval.granted_by,
            "granted_on": approval.granted_on,
            "cycle": approval.cycle,
        }


def _contact_points(one: SampleAccount) -> Iterator[Row]:
    for point in one.contact_points:
        yield {
            "contact_point_id": point.contact_point_id,
            "account_id": one.account.account_id,
            "channel": point.channel.value,
            "address": point.address,
            "rank": point.rank,
            "is_workplace": point.is_workplace,
            "consent_on": point.consent_on,
            "opted_out_on": point.opted_out_on,
        }


def _plans(one: SampleAccount) -> Iterator[Row]:
    for plan in one.plans:
        for part in plan.instalments:
            yield {
                "plan_id": plan.plan_id,
                "account_id": plan.account_id,
                "number": part.number,
                "due_on": part.due_on,
                "amount": part.amount,
                "currency": part.amount.currency,
                "covers": _list(plan.covers),
                "agreed_on": plan.agreed_on,
                "tolerance_days": plan.tolerance_days,
            }


TABLES: Final[dict[str, tuple[tuple[str, ...], Callable[[SampleAccount], Iterator[Row]]]]] = {
    "debtors": (
        (
            "account_id",
            "debtor_id",
            "name",
            "debtor_kind",
            "locale",
            "zones",
            "jurisdiction",
            "creditor_id",
            "opened_on",
        ),
        _debtors,
    ),
    "receivables": (
        (
            "receivable_id",
            "account_id",
            "debtor_id",
            "amount",
            "currency",
            "issued_on",
            "due_on",
            "receivable_kind",
        ),
        _receivables,
    ),
    "payments": (
        ("payment_id", "account_id", "amount", "currency", "received_on", "receivable_ids"),
        _payments,
    ),
    "payment_returns": (("payment_id", "returned_on"), _payment_returns),
    "credit_notes": (
        ("credit_note_id", "account_id", "amount", "currency", "issued_on", "receivable_ids", "cancelled_on"),
        _credit_notes,
    ),
    "promises": (
        (
            "promise_id",
            "account_id",
            "amount",
            "currency",
            "made_on",
            "due_on",
            "receivable_ids",
            "channel",
            "taken_by",
        ),
        _promises,
    ),
    "disputes": (("dispute_id", "account_id", "raised_on", "receivable_ids", "reason", "resolved_on"), _disputes),
    "holds": (("hold_id", "account_id", "reason", "placed_on", "until_on"), _holds),
    "flags": (("account_id", "kind", "since_on", "until_on"), _flags),
    "approvals": (("account_id", "subject", "authority", "granted_by", "granted_on", "cycle"), _approvals),
    "contact_points": (
        (
            "contact_point_id",
            "account_id",
            "channel",
            "address",
            "rank",
            "is_workplace",
            "consent_on",
            "opted_out_on",
        ),
        _contact_points,
    ),
    "plans": (
        (
            "plan_id",
            "account_id",
            "number",
            "due_on",
            "amount",
            "currency",
            "covers",
            "agreed_on",
            "tolerance_days",
        ),
        _plans,
    ),
}
"""Every table of the sample with its columns."""
