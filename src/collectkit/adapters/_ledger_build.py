"""From rows to accounts: the bookkeeping behind `ledger.read_ledger`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import attrs

from collectkit.adapters._cells import BadCell, Cells
from collectkit.adapters._ledger_records import LedgerAccount, LedgerSummary, LedgerWarning, RejectedRow, derived_id
from collectkit.adapters.columns import FIELDS, ColumnMap, TableMap
from collectkit.core.errors import CollectkitError, ImportFailed
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import (
    Account,
    Approval,
    Channel,
    Component,
    ContactAttempt,
    ContactPoint,
    CreditNote,
    Debtor,
    DebtorKind,
    Dispute,
    Flag,
    Hold,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
    Waiver,
)

__all__ = ["LedgerBuilder"]

REJECTED_LIMIT: Final = 100_000  # told in full; further ones are counted
DIRECT: Final = {"email": Channel.EMAIL, "phone": Channel.PHONE, "mobile": Channel.SMS, "post": Channel.LETTER}
PARTY: Final = (
    "debtor_kind",
    "locale",
    "zones",
    "jurisdiction",
    "preferred_channel",
    "creditor_id",
    "opened_on",
    "labels",
)
PRIMARY: Final = {
    "receivables": ("receivable_id",),
    "payments": ("payment_id",),
    "payment_returns": ("payment_id",),
    "credit_notes": ("credit_note_id",),
    "waivers": ("waiver_id",),
    "promises": ("promise_id",),
    "disputes": ("dispute_id",),
    "holds": ("hold_id",),
    "flags": ("account_id", "debtor_id", "kind", "since_on"),
    "approvals": ("account_id", "debtor_id", "subject", "granted_on"),
    "contact_points": ("account_id", "debtor_id", "contact_point_id"),
    "contact_attempts": ("attempt_id",),
    "plans": ("plan_id", "number"),
    "debtors": ("account_id", "debtor_id"),
}

Values = dict[str, Any]


class _Refused(BadCell):
    """A row that does not fit the rest of the ledger; `field` is ours, not the column's name."""

    def __init__(self, field: str, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.field = field


class _Draft:
    """An account in the making."""

    def __init__(self, account_id: str, debtor_id: str) -> None:
        self.account_id = account_id
        self.debtor_id = debtor_id
        self.party: Values = {}
        self.names: dict[str, int] = {}
        self.addresses: dict[tuple[str, str], None] = {}
        self.kept: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.records: dict[str, list[Any]] = {}

    def add(self, kind: str, record: object) -> None:
        self.records.setdefault(kind, []).append(record)


class _Table:
    """One table being read: its columns resolved against the header, its constants read once."""

    def __init__(self, builder: LedgerBuilder, table_map: TableMap, header: frozenset[str] | None) -> None:
        self.builder = builder
        self.map = table_map
        self.name = table_map.table
        kinds = FIELDS[self.name]
        self.columns = [
            (field, column, kinds[field].rstrip("!"), kinds[field].endswith("!"))
            for field, column in table_map.columns
            if header is None or column in header
        ]
        self.column_of = dict(table_map.columns)
        self.primary = PRIMARY[self.name]
        self.types = dict(table_map.types)
        self.constants: Values = {}
        for field, text in table_map.constants:
            try:
                self.constants[field] = builder.cells.read(kinds[field].rstrip("!"), text)
            except BadCell as error:
                raise ImportFailed(
                    "ledger.constant",
                    f"the column map's constant for {self.name}.{field} cannot be read: {error.reason}",
                ) from error
        self.amounts = [field for field, kind in kinds.items() if kind.rstrip("!") == "amount"]
        self.handler: Callable[[Values, int, _Table], None] = getattr(builder, f"take_{self.name}")

    def take(self, number: int, row: dict[str, str]) -> None:
        """Read one row; what cannot stand is rejected."""
        builder = self.builder
        for column, words in self.map.skip:
            if row.get(column, "") in words:
                builder.rows_skipped += 1
                return
        values = dict(self.constants)
        field = column = ""
        try:
            for field, column, kind, is_required in self.columns:
                text = row.get(column, "")
                if text:
                    builder.place = (self.name, number, column)
                    values[field] = builder.cells.read(kind, text)
                elif is_required and field not in values:
                    raise BadCell("ledger.missing", "the cell is empty and must not be")
            field = ""
            self._money(values)
            key = (self.name, *(values.get(part) for part in self.primary))
            if self._is_repeated(key, values, number):
                return
            if self.map.kept:
                values["kept"] = tuple((column, row.get(column, "")) for column in self.map.kept)
            self.handler(values, number, self)
        except _Refused as error:
            self._reject(number, error.field, row, error.code, error.reason)
        except BadCell as error:
            self._reject(number, field, row, error.code, error.reason)
        except CollectkitError as error:
            self._reject(number, "", row, error.code, error.text)
        else:
            values.pop("kept", None)
            builder.seen[key] = (number, values)
            builder.rows_used += 1

    def _money(self, values: Values) -> None:
        """Make money of the row's figures, now that its currency is known."""
        given = [field for field in self.amounts if field in values]
        if not given:
            return
        currency = values.setdefault("currency", self.builder.map.default_currency)
        if currency is None:
            raise _Refused(
                "currency",
                "ledger.no_currency",
                "no currency stands in the row; name a default currency for the ledger",
            )
        for field in given:
            try:
                values[field] = self.builder.cells.money(values[field], currency)
            except BadCell as error:
                raise _Refused(field, error.code, error.reason) from None
            if values[field].is_negative and (self.name != "receivables" or not self._may_be_negative(values)):
                raise _Refused(
                    field, "ledger.negative", "the amount is below zero; a credit belongs among credit notes"
                )

    def _may_be_negative(self, values: Values) -> bool:
        kind = self.types.get(values.get("row_type", ""), "receivable")
        return kind != "receivable" or self.map.negative == "credit_note"

    def _is_repeated(self, key: tuple[Any, ...], values: Values, number: int) -> bool:
        """Collapse a row that says the same again; refuse one that says something else under the same id."""
        before = self.builder.seen.get(key)
        if before is None:
            return False
        row_number, known = before
        differing = next((one for one in {**known, **values} if known.get(one) != values.get(one)), None)
        if differing is not None:
            raise _Refused(
                differing,
                "ledger.duplicate",
                f"row {row_number} has the same id with another {differing}; the first one is kept",
            )
        self.builder.rows_identical += 1
        self.builder.warn(self.name, number, "ledger.identical_row", "rows that repeat an earlier row were read once")
        return True

    def _reject(self, number: int, field: str, row: dict[str, str], code: str, reason: str) -> None:
        column = self.column_of.get(field, field)
        self.builder.reject(self.name, number, column, row.get(column, ""), reason, code)


class LedgerBuilder:
    """Collects accounts from tables; `finish` closes them."""

    def __init__(self, column_map: ColumnMap, exported_on: date | None) -> None:
        self.map = column_map
        self.exported_on = exported_on
        self.cells = Cells(column_map, self._trimmed)
        self.rejected: list[RejectedRow] = []
        self.rows_read = self.rows_used = self.rows_rejected = self.rows_skipped = self.rows_identical = 0
        self.seen: dict[tuple[Any, ...], tuple[int, Values]] = {}
        self.place = ("", 0, "")
        self.drafts: dict[str, _Draft] = {}
        self.accounts_of: dict[str, set[str]] = {}  # by debtor
        self.owner: dict[str, str] = {}  # account by receivable
        self.returns: dict[str, tuple[int, date]] = {}
        self.plan_rows: dict[str, list[tuple[int, Values]]] = {}
        self.payment_ids: set[str] = set()
        self._warnings: dict[tuple[str, str, str], list[int]] = {}

    def table(self, table_map: TableMap, header: frozenset[str] | None) -> _Table:
        """Begin a table; a header of None means that every row names its own columns."""
        return _Table(self, table_map, header)

    def reject(self, table: str, number: int, field: str, value: str, reason: str, code: str) -> None:
        """Note a row that cannot be used."""
        self.rows_rejected += 1
        if len(self.rejected) < REJECTED_LIMIT:
            row = RejectedRow(table=table, row_number=number, field=field, value=value, reason=reason, code=code)
            self.rejected.append(row)
        else:
            self.warn(
                table, number, "ledger.rejected_limit", f"only the first {REJECTED_LIMIT:,} rejected rows are listed"
            )

    def warn(self, table: str, number: int, code: str, text: str, count: int = 1) -> None:
        """Note something odd; the same text about the same table is counted, not repeated."""
        entry = self._warnings.setdefault((table, code, text), [number, 0])
        entry[1] += count

    def warnings(self) -> tuple[LedgerWarning, ...]:
        """Return the warnings in the order in which they first came up."""
        return tuple(
            LedgerWarning(table=table, row_number=number, code=code, text=text, count=count)
            for (table, code, text), (number, count) in self._warnings.items()
        )

    def _trimmed(self, _text: str) -> None:
        table, number, column = self.place
        self.warn(
            table, number, "ledger.id_trimmed", f"ids in {column!r} were written as numbers with .0; it was taken off"
        )

    # -- one method per table ----------------------------------------------------------------------------------

    def take_debtors(self, values: Values, number: int, table: _Table) -> None:
        """Take the master data of one debtor."""
        self._party(self._open(values), values, number, table.name)

    def take_receivables(self, values: Values, number: int, table: _Table) -> None:
        """Take a receivable, and what its own row says of payment, credit and dispute."""
        kind = "receivable"
        if table.types:
            word = values.get("row_type", "")
            if word not in table.types:
                raise _Refused("row_type", "ledger.row_type", f"the map does not say what a {word[:40]!r} row is")
            kind = table.types[word]
        amount: Money = values["amount"]
        left: Money | None = values.get("amount_open")
        is_negative = amount.is_negative or (left is not None and left.is_negative)
        name: str = values["receivable_id"]
        issued_on: date = values["issued_on"]
        if kind == "receivable" and is_negative:
            kind = "credit_note"
        if kind != "receivable":
            size = abs(left) if left is not None and not left.is_zero else abs(amount)
            self._take_counterpart(kind, size, values, number, table)
            return
        if amount.is_zero:
            self.warn(table.name, number, "ledger.zero_amount", "receivables over nothing were left out")
            return
        due_on: date = values.get("due_on", issued_on)
        if "due_on" not in values:  # also where a column was renamed: fees and notices would begin unseen
            self.warn(
                table.name,
                number,
                "ledger.no_due_date",
                f"receivable {name} names no due date; it falls due when issued, on {issued_on}",
            )
        if due_on < issued_on:
            self.warn(
                table.name,
                number,
                "ledger.due_before_issue",
                f"receivable {name} falls due on {due_on}, before {issued_on}",
            )
        draft = self._open(values)
        receivable = Receivable(
            receivable_id=name,
            account_id=draft.account_id,
            amount_original=amount,
            issued_on=issued_on,
            due_on=due_on,
            component=values.get("component", Component.PRINCIPAL),
            kind=values.get("receivable_kind", "invoice"),
            parent_id=values.get("parent_id"),
            is_due_before_issue=due_on < issued_on,
        )
        derived = self._derived(receivable, values, number, table)
        self._party(draft, values, number, table.name)
        draft.add("receivables", receivable)
        for where, record in derived:
            draft.add(where, record)
        if "kept" in values:
            draft.kept.append((name, values["kept"]))
        self.owner[name] = draft.account_id

    def _take_counterpart(self, kind: str, size: Money, values: Values, number: int, table: _Table) -> None:
        """Take a payment or credit note that stands among the receivables."""
        if size.is_zero:
            self.warn(table.name, number, "ledger.zero_amount", "payments and credit notes over nothing were left out")
            return
        draft = self._open(values)
        name, day = values["receivable_id"], values["issued_on"]
        if kind == "payment":
            draft.add("payments", Payment(payment_id=name, account_id=draft.account_id, amount=size, received_on=day))
        else:
            draft.add(
                "credit_notes", CreditNote(credit_note_id=name, account_id=draft.account_id, amount=size, issued_on=day)
            )
        self._party(draft, values, number, table.name)

    def _derived(self, receivable: Receivable, values: Values, number: int, table: _Table) -> list[tuple[str, Any]]:
        """Return what a receivable's own row says came in, was credited, or is disputed."""
        name, account_id, amount = receivable.receivable_id, receivable.account_id, receivable.amount_original
        nothing = Money.zero(amount.currency)
        credited: Money = values.get("amount_credited", nothing)
        paid: Money | None = values.get("amount_paid")
        left: Money | None = values.get("amount_open")
        if left is not None:
            if left + credited > amount:
                raise _Refused("amount_open", "ledger.open_over_amount", "more is open than the receivable amounts to")
            rest = amount - credited - left
            if paid is not None and paid != rest:
                self.warn(
                    table.name,
                    number,
                    "ledger.open_differs",
                    "amount, paid and open do not agree; what is open decides",
                )
            paid = rest
        elif paid is None:
            paid = amount - credited if "paid_on" in values else nothing
        made: list[tuple[str, Any]] = []
        day: date = values.get("paid_on") or self.exported_on or max(receivable.due_on, receivable.issued_on)
        if not values.get("paid_on") and (paid.is_positive or credited.is_positive):
            since = "the day of the export" if self.exported_on else "the due day, in favour of the debtor"
            self.warn(
                table.name,
                number,
                "ledger.paid_day_unknown",
                f"the ledger does not say when it came in: counted from {since}",
            )
        if paid.is_positive:
            payment_id = derived_id("paid", name, paid)
            made.append(
                (
                    "payments",
                    Payment(
                        payment_id=payment_id,
                        account_id=account_id,
                        amount=paid,
                        received_on=day,
                        receivable_ids=(name,),
                    ),
                )
            )
        if credited.is_positive:
            note = CreditNote(
                credit_note_id=derived_id("credited", name, credited),
                account_id=account_id,
                amount=credited,
                issued_on=day,
                receivable_ids=(name,),
            )
            made.append(("credit_notes", note))
        if values.get("disputed") or "disputed_on" in values:
            raised_on = values.get("disputed_on", receivable.issued_on)
            settled_on = values.get("paid_on")
            dispute = Dispute(
                dispute_id=f"dispute:{name}",
                account_id=account_id,
                raised_on=raised_on,
                receivable_ids=(name,),
                reason=values.get("dispute_reason", ""),
                resolved_on=max(settled_on, raised_on) if settled_on is not None else None,
            )
            made.append(("disputes", dispute))
        return made

    def take_payments(self, values: Values, number: int, table: _Table) -> None:
        """Take a payment."""
        draft = self._account(values)
        names = ("payment_id", "amount", "received_on", "effective_on", "receivable_ids", "returned_on", "clears_on")
        payment = Payment(account_id=draft.account_id, **_only(values, names))
        self._check_names(payment.receivable_ids, draft, number, table)
        self.payment_ids.add(payment.payment_id)
        draft.add("payments", payment)

    def take_payment_returns(self, values: Values, number: int, _table: _Table) -> None:
        """Take the return of a payment; the payment is looked up at the end."""
        self.returns[values["payment_id"]] = (number, values["returned_on"])

    def take_credit_notes(self, values: Values, number: int, table: _Table) -> None:
        """Take a credit note."""
        draft = self._account(values)
        names = ("credit_note_id", "amount", "issued_on", "receivable_ids", "cancelled_on")
        credit = CreditNote(account_id=draft.account_id, **_only(values, names))
        self._check_names(credit.receivable_ids, draft, number, table)
        draft.add("credit_notes", credit)

    def take_waivers(self, values: Values, _number: int, _table: _Table) -> None:
        """Take a waiver."""
        owner = self.owner.get(values["receivable_id"])
        if owner is None:
            raise _Refused("receivable_id", "ledger.unknown_receivable", "the ledger has no such receivable")
        names = ("waiver_id", "receivable_id", "amount", "waived_on", "authority")
        self.drafts[owner].add("waivers", Waiver(reason=values.get("reason", ""), **_only(values, names)))

    def take_promises(self, values: Values, number: int, table: _Table) -> None:
        """Take a promise to pay."""
        draft = self._account(values)
        names = (
            "promise_id", "amount", "made_on", "due_on", "receivable_ids", "channel", "taken_by", "withdrawn_on", "supersedes",
        )  # fmt: skip
        promise = PromiseToPay(account_id=draft.account_id, **_only(values, names))
        self._check_names(promise.receivable_ids, draft, number, table)
        draft.add("promises", promise)

    def take_disputes(self, values: Values, number: int, table: _Table) -> None:
        """Take a dispute."""
        draft = self._account(values)
        names = ("dispute_id", "raised_on", "receivable_ids", "amount", "reason", "resolved_on")
        dispute = Dispute(account_id=draft.account_id, **_only(values, names))
        self._check_names(dispute.receivable_ids, draft, number, table)
        draft.add("disputes", dispute)

    def take_holds(self, values: Values, _number: int, _table: _Table) -> None:
        """Take a hold."""
        draft = self._account(values)
        names = ("hold_id", "reason", "placed_on", "until_on", "receivable_ids", "stops")
        draft.add("holds", Hold(account_id=draft.account_id, **_only(values, names)))

    def take_flags(self, values: Values, _number: int, _table: _Table) -> None:
        """Take a circumstance of the debtor."""
        self._account(values).add("flags", Flag(**_only(values, ("kind", "since_on", "until_on"))))

    def take_approvals(self, values: Values, _number: int, _table: _Table) -> None:
        """Take an approval."""
        names = ("subject", "authority", "granted_by", "granted_on", "until_on", "cycle")
        self._account(values).add("approvals", Approval(**_only(values, names)))

    def take_contact_points(self, values: Values, _number: int, _table: _Table) -> None:
        """Take an address or number."""
        names = (
            "contact_point_id", "channel", "address", "rank", "zones", "is_workplace", "consent_on", "opted_out_on",
            "invalid_since_on",
        )  # fmt: skip
        self._account(values).add("contact_points", ContactPoint(**_only(values, names)))

    def take_contact_attempts(self, values: Values, _number: int, _table: _Table) -> None:
        """Take a contact attempt."""
        draft = self._account(values)
        names = ("attempt_id", "channel", "at", "outcome", "contact_point_id", "receivable_ids", "is_inbound")
        draft.add("attempts", ContactAttempt(account_id=draft.account_id, **_only(values, names)))

    def take_plans(self, values: Values, number: int, _table: _Table) -> None:
        """Take one instalment of a plan; the plan is put together at the end."""
        self._account(values)
        PlannedInstalment(**_only(values, ("number", "due_on", "amount")))
        self.plan_rows.setdefault(values["plan_id"], []).append((number, values))

    # -- accounts ----------------------------------------------------------------------------------------------

    def _open(self, values: Values) -> _Draft:
        """Return the account of a debtor or receivable row, new where it is the first."""
        account_id = values.get("account_id") or values.get("debtor_id")
        if account_id is None:
            raise _Refused("debtor_id", "ledger.missing", "the row does not say whose it is")
        debtor_id = values.get("debtor_id")
        draft = self.drafts.get(account_id)
        if draft is None:
            draft = self.drafts[account_id] = _Draft(account_id, debtor_id or account_id)
            self.accounts_of.setdefault(draft.debtor_id, set()).add(account_id)
        elif debtor_id is not None and draft.debtor_id != debtor_id:
            raise _Refused("debtor_id", "ledger.two_debtors", f"account {account_id} belongs to another debtor above")
        return draft

    def _account(self, values: Values) -> _Draft:
        """Return the account that a row of another table is about."""
        account_id = values.get("account_id")
        if account_id is None and values.get("debtor_id") is not None:
            accounts = self.accounts_of.get(values["debtor_id"], set())
            if len(accounts) > 1:
                raise _Refused(
                    "debtor_id", "ledger.unknown_account", "the debtor has several accounts; name the account_id"
                )
            account_id = next(iter(accounts), values["debtor_id"])
        if account_id is None:
            owners = {self.owner[one] for one in values.get("receivable_ids", ()) if one in self.owner}
            account_id = next(iter(owners)) if len(owners) == 1 else None
        if account_id is None or account_id not in self.drafts:
            raise _Refused(
                "account_id",
                "ledger.unknown_account",
                "no debtor or receivable row has this account" if account_id else "the row does not say whose it is",
            )
        return self.drafts[account_id]

    def _party(self, draft: _Draft, values: Values, number: int, table: str) -> None:
        """Keep the first of each of the debtor's master data, and every address."""
        for field in PARTY:
            value = values.get(field)
            if value and draft.party.setdefault(field, value) != value:
                self.warn(
                    table,
                    number,
                    "ledger.debtor_differs",
                    f"rows of one account differ in {field}; the first one is kept",
                )
        if values.get("name"):
            draft.names.setdefault(values["name"], number)
        for field in DIRECT:
            if values.get(field):
                draft.addresses[field, values[field]] = None

    def _check_names(self, names: tuple[str, ...], draft: _Draft, number: int, table: _Table) -> None:
        if any(self.owner.get(one) != draft.account_id for one in names):
            self.warn(
                table.name,
                number,
                "ledger.unknown_receivable",
                f"{table.name} name receivables that the account does not have; their money waits unapplied",
            )

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self) -> tuple[tuple[LedgerAccount, ...], LedgerSummary]:
        """Close every account, in the order of their ids."""
        self._finish_plans()
        known = {payment.payment_id for draft in self.drafts.values() for payment in draft.records.get("payments", ())}
        for payment_id, (number, _day) in self.returns.items():
            if payment_id not in known:
                self.rows_used -= 1
                self.reject(
                    "payment_returns", number, "payment_id", payment_id, "the ledger has no such payment",
                    "ledger.unknown_payment",
                )  # fmt: skip
        accounts = tuple(self._close(self.drafts[one]) for one in sorted(self.drafts))
        if any("debtor_kind" not in draft.party for draft in self.drafts.values()):
            self.warn(
                "receivables",
                1,
                "ledger.kind_unknown",
                "the ledger does not say who is a consumer; those without a kind are treated as consumers",
            )
        summary = LedgerSummary(
            rows_read=self.rows_read,
            rows_used=self.rows_used,
            rows_rejected=self.rows_rejected,
            rows_skipped=self.rows_skipped,
            rows_identical=self.rows_identical,
            accounts=len(accounts),
            receivables=sum(len(one.receivables) for one in accounts),
            payments=sum(len(one.payments) for one in accounts),
            amounts=tuple(
                sum_by_currency(item.amount_original for one in accounts for item in one.receivables).values()
            ),
        )
        return accounts, summary

    def _finish_plans(self) -> None:
        names = ("plan_id", "covers", "agreed_on", "tolerance_days", "tolerance_amount", "supersedes", "cancelled_on")
        for plan_id, rows in self.plan_rows.items():
            number, first = rows[0]
            try:
                draft = self._account(first)
                differing = [name for name in names for _n, one in rows if one.get(name) != first.get(name)]
                if differing:
                    raise BadCell("ledger.plan", f"the rows of one plan differ in {differing[0]}")
                parts = [PlannedInstalment(**_only(one, ("number", "due_on", "amount"))) for _n, one in rows]
                plan = PlanAgreement(
                    account_id=draft.account_id,
                    instalments=sorted(parts, key=lambda part: part.number),
                    **_only(first, names),
                )
            except (BadCell, CollectkitError) as error:
                self.rows_used -= len(rows)
                reason = error.reason if isinstance(error, BadCell) else error.text
                for number, _one in rows:
                    self.reject("plans", number, "plan_id", plan_id, reason, error.code)
            else:
                draft.add("plans", plan)

    def _close(self, draft: _Draft) -> LedgerAccount:
        if len(draft.names) > 1:
            names = list(draft.names.values())
            self.warn(
                "receivables",
                names[1],
                "ledger.several_names",
                f"debtor {draft.debtor_id} goes by {len(names)} names; the first one is kept",
                count=len(names),
            )
        party = draft.party
        records = draft.records
        points = list(records.get("contact_points", ()))
        ranks: dict[str, int] = {}
        for field, address in draft.addresses:
            ranks[field] = ranks.get(field, 0) + 1
            points.append(
                ContactPoint(
                    contact_point_id=f"{field}:{ranks[field]}",
                    channel=DIRECT[field],
                    address=address,
                    rank=ranks[field],
                )
            )
        payments = [
            attrs.evolve(one, returned_on=self.returns[one.payment_id][1]) if one.payment_id in self.returns else one
            for one in records.get("payments", ())
        ]
        return LedgerAccount(
            account=Account(
                account_id=draft.account_id,
                debtor_id=draft.debtor_id,
                **_only(party, ("creditor_id", "opened_on", "labels")),
            ),
            debtor=Debtor(
                debtor_id=draft.debtor_id,
                kind=party.get("debtor_kind", DebtorKind.CONSUMER),
                name=next(iter(draft.names), ""),
                **_only(party, ("locale", "zones", "jurisdiction", "preferred_channel")),
            ),
            receivables=tuple(
                sorted(records.get("receivables", ()), key=lambda one: (one.issued_on, one.receivable_id))
            ),
            payments=tuple(sorted(payments, key=lambda one: (one.effective_on, one.payment_id))),
            credit_notes=tuple(
                sorted(records.get("credit_notes", ()), key=lambda one: (one.issued_on, one.credit_note_id))
            ),
            waivers=tuple(sorted(records.get("waivers", ()), key=lambda one: (one.waived_on, one.waiver_id))),
            disputes=tuple(sorted(records.get("disputes", ()), key=lambda one: (one.raised_on, one.dispute_id))),
            holds=tuple(sorted(records.get("holds", ()), key=lambda one: (one.placed_on, one.hold_id))),
            flags=tuple(sorted(records.get("flags", ()), key=lambda one: (one.since_on, one.kind))),
            promises=tuple(sorted(records.get("promises", ()), key=lambda one: (one.made_on, one.promise_id))),
            plans=tuple(sorted(records.get("plans", ()), key=lambda one: (one.agreed_on, one.plan_id))),
            contact_points=tuple(sorted(points, key=lambda one: (one.rank, one.contact_point_id))),
            attempts=tuple(sorted(records.get("attempts", ()), key=lambda one: (one.at, one.attempt_id))),
            approvals=tuple(sorted(records.get("approvals", ()), key=lambda one: (one.granted_on, one.subject))),
            kept=tuple(sorted(draft.kept)),
        )


def _only(values: Values, names: tuple[str, ...]) -> Values:
    return {name: values[name] for name in names if name in values}
