"""Where money goes: payments, credit notes and waivers matched to receivables, replayed from the facts as of a day.

Nothing is remembered between looks. A payment that was returned counts no more, so what it had settled is open again;
a receivable issued later takes up money that was waiting. One currency never pays another. Nothing here says what is
late (`aging`) or what may be waived (`policy`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

from collectkit.core.checks import as_frozenset, one_of, texts, tuple_of
from collectkit.core.errors import InvalidRecord
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import AccountSnapshot, Component, CreditNote, Dispute, Payment, Receivable, Waiver

__all__ = [
    "DEFAULT_ORDER",
    "Allocation",
    "Applied",
    "Balance",
    "Item",
    "Order",
    "allocate",
    "balance_of",
]

OrderLead = Literal["component", "age"]
OrderAge = Literal["oldest_first", "newest_first"]

SortKey: TypeAlias = tuple[int, int, int, str]


def _components(names: Iterable[Component | str]) -> tuple[Component, ...]:
    return tuple(Component(name) for name in texts(names))


@attrs.frozen(kw_only=True)
class Order:
    """In which order undirected money pays what is open.

    `lead` "component" pays every cost before any fee, "age" pays all of the oldest due date before the next one;
    the other then decides, and last the receivable's id. Each component stands exactly once in `components`.

    >>> Order(lead="age").components[0]
    <Component.COST: 'cost'>

    Raises:
        InvalidRecord: `waterfall.components` where one is missing or stands twice; `records.choice`.
    """

    components: tuple[Component, ...] = attrs.field(
        default=(Component.COST, Component.FEE, Component.INTEREST, Component.PRINCIPAL), converter=_components
    )
    lead: OrderLead = attrs.field(default="component", validator=one_of(get_args(OrderLead)))
    age: OrderAge = attrs.field(default="oldest_first", validator=one_of(get_args(OrderAge)))

    @components.validator
    def _check_components(self, _attribute: attrs.Attribute[Any], value: tuple[Component, ...]) -> None:
        if sorted(value) != sorted(Component):
            raise InvalidRecord(
                "waterfall.components",
                f"the order of payment names {', '.join(value) or 'nothing'}; "
                f"name each of {', '.join(Component)} exactly once",
            )

    @cached_property
    def _ranks(self) -> dict[Component, int]:
        return {component: rank for rank, component in enumerate(self.components)}

    def key(self, receivable: Receivable) -> SortKey:
        """Return the sort key of a receivable: the smallest is paid first."""
        due = receivable.due_on.toordinal()
        age = due if self.age == "oldest_first" else -due
        rank = self._ranks[receivable.component]
        first, second = (rank, age) if self.lead == "component" else (age, rank)
        return (first, second, receivable.issued_on.toordinal(), receivable.receivable_id)


DEFAULT_ORDER: Final = Order()
"""Costs, fees, interest, principal; within each the oldest due date first (as in § 367 BGB, costs before interest)."""


@attrs.frozen(kw_only=True)
class Applied:
    """The part of one payment, credit note or waiver that met one receivable, and on which day."""

    source_id: str
    receivable_id: str
    component: Component
    amount: Money
    applied_on: date


@attrs.frozen(kw_only=True)
class Item:
    """A receivable with what is left of it; `settled_on` is the day on which nothing was left, None while open."""

    receivable: Receivable
    amount_open: Money
    settled_on: date | None = None

    @property
    def is_open(self) -> bool:
        """Say whether anything is left."""
        return self.amount_open.minor > 0


@attrs.frozen(kw_only=True)
class Balance:
    """What an account owes at the end of `as_of`, receivable by receivable, oldest due date first.

    `unapplied` holds money that met nothing, per currency in alphabetical order. What was given (payments, credit
    notes, waivers up to the receivable's amount) is always the sum of `applied` and `unapplied`.
    """

    account_id: str
    as_of: date
    items: tuple[Item, ...] = ()
    unapplied: tuple[Money, ...] = ()
    applied: tuple[Applied, ...] = ()
    order: Order = DEFAULT_ORDER
    """The order in which undirected money was given out, so that the same facts can be replayed with a change."""
    waivers: tuple[Waiver, ...] = ()
    """Every waiver up to the day, by day and id: how much more may be dropped depends on it."""

    @property
    def open_items(self) -> tuple[Item, ...]:
        """Return the items of which something is left."""
        return tuple(item for item in self.items if item.amount_open.minor > 0)

    @property
    def amount_open(self) -> dict[str, Money]:
        """Return what is left per currency, charges included; a currency with nothing left does not stand here."""
        return sum_by_currency(item.amount_open for item in self.open_items)

    @property
    def principal_open(self) -> dict[str, Money]:
        """Return what is left per currency without interest, fees and costs."""
        return sum_by_currency(item.amount_open for item in self.open_items if not item.receivable.is_charge)

    def item(self, receivable_id: str) -> Item:
        """Return the item of a receivable.

        Raises:
            InvalidRecord: `waterfall.unknown_receivable`.
        """
        try:
            return self._by_id[receivable_id]
        except KeyError:
            raise InvalidRecord(
                "waterfall.unknown_receivable",
                f"account {self.account_id} has no receivable {receivable_id} on {self.as_of}; "
                "it may be issued later, or belong to another account",
            ) from None

    @cached_property
    def _by_id(self) -> dict[str, Item]:
        return {item.receivable.receivable_id: item for item in self.items}


@attrs.frozen(kw_only=True)
class Allocation:
    """What one payment or credit note did: its parts, the items afterwards in the given order, and what met nothing."""

    applied: tuple[Applied, ...]
    items: tuple[Item, ...]
    unapplied: Money


def allocate(
    *,
    payment: Payment | CreditNote,
    items: Iterable[Item],
    order: Order = DEFAULT_ORDER,
    disputed: Iterable[str] = (),
) -> Allocation:
    """Split one payment or credit note over open items.

    The receivables it names come first, in the order named; the rest follows `order`, past every item in `disputed`.
    Items of another currency are left alone. Money for a receivable that is not among the items stays unapplied: it
    waits for that receivable and pays no other.

    >>> rent = Receivable(
    ...     receivable_id="R-1",
    ...     account_id="A",
    ...     amount_original=Money(900, "EUR"),
    ...     issued_on=date(2026, 1, 1),
    ...     due_on=date(2026, 1, 15),
    ... )
    >>> fee = Receivable(
    ...     receivable_id="F-1",
    ...     account_id="A",
    ...     amount_original=Money(50, "EUR"),
    ...     component="fee",
    ...     issued_on=date(2026, 2, 1),
    ...     due_on=date(2026, 2, 1),
    ... )
    >>> paid = Payment(payment_id="P", account_id="A", amount=Money(100, "EUR"), received_on=date(2026, 2, 3))
    >>> done = allocate(
    ...     payment=paid, items=[Item(receivable=one, amount_open=one.amount_original) for one in (rent, fee)]
    ... )
    >>> [(part.receivable_id, str(part.amount)) for part in done.applied], str(done.unapplied)
    ([('F-1', '0.50 EUR'), ('R-1', '0.50 EUR')], '0.00 EUR')

    Raises:
        InvalidRecord: `records.type` for what is no payment, item, order or list of ids; `records.duplicate` where a
            receivable stands among the items twice.
    """
    given = tuple_of(Item)(items)
    passed_over = as_frozenset(disputed)
    for value, kinds in ((payment, (Payment, CreditNote)), (order, (Order,))):
        if not isinstance(value, kinds):
            raise InvalidRecord(
                "records.type", f"{' or '.join(k.__name__ for k in kinds)} is needed, not {type(value).__name__}"
            )
    source = _source_of(payment)
    slots = {item.receivable.receivable_id: _Slot(item.receivable, item.amount_open.minor) for item in given}
    if len(slots) < len(given):
        raise InvalidRecord("records.duplicate", "a receivable stands among the items twice; give each once")
    applied: list[Applied] = []
    for receivable_id in source.names:
        slot = slots.get(receivable_id)
        if slot is not None:
            _pay(source, slot, slot.open, source.on, applied)
    if all(receivable_id in slots for receivable_id in source.names):
        for slot in sorted(slots.values(), key=lambda one: order.key(one.receivable)):
            if source.left == 0:
                break
            if slot.receivable.receivable_id not in passed_over:
                _pay(source, slot, slot.open, source.on, applied)
    return Allocation(
        applied=tuple(applied),
        items=tuple(
            item
            if slots[item.receivable.receivable_id].open == item.amount_open.minor
            else slots[item.receivable.receivable_id].as_item()
            for item in given
        ),
        unapplied=Money(source.left, source.currency),
    )


def balance_of(snapshot: AccountSnapshot, *, order: Order = DEFAULT_ORDER) -> Balance:
    """Replay what was given against what was owed, day by day up to `snapshot.as_of`.

    Within one day the order of the records does not matter: receivables of the day stand first, then disputes begin
    or end, then waivers, credit notes and payments take effect, each kind by id. Charges that were posted under a key
    on that day stand last: undirected money of the day pays what was owed before it reaches them, so that posting a
    charge never opens again what the money of its day has paid.

    - The receivables that a payment or credit note names come first, in the order named; the rest follows `order`.
    - Undirected money passes over what is disputed on that day, in full or by the disputed part, and comes back to it
      when the dispute ends. A partial dispute over several receivables falls on the oldest due first.
    - Money that meets nothing waits, the earliest first; a receivable issued later takes it up on its day of issue.
      Money that names a receivable not issued yet waits for that one alone.
    - A payment counts as `Payment.counts_on(as_of)` says: one returned since then never paid anything.
    - A waiver is worth at most the receivable's amount; what it drops of a receivable already paid is freed, and
      pays other receivables.

    >>> from collectkit.core.records import Account, Debtor
    >>> invoice = Receivable(
    ...     receivable_id="R-1",
    ...     account_id="A",
    ...     amount_original=Money(900, "EUR"),
    ...     issued_on=date(2026, 1, 1),
    ...     due_on=date(2026, 1, 15),
    ... )
    >>> paid = Payment(payment_id="P", account_id="A", amount=Money(1000, "EUR"), received_on=date(2026, 2, 3))
    >>> balance = balance_of(
    ...     AccountSnapshot(
    ...         as_of=date(2026, 2, 3),
    ...         account=Account(account_id="A", debtor_id="D"),
    ...         debtor=Debtor(debtor_id="D", kind="business"),
    ...         receivables=(invoice,),
    ...         payments=(paid,),
    ...     )
    ... )
    >>> balance.amount_open, balance.unapplied, balance.item("R-1").settled_on
    ({}, (Money(100, 'EUR'),), datetime.date(2026, 2, 3))
    """
    replay = _Replay(snapshot, order)
    for on in sorted(replay.days):
        replay.play(on)
    items = sorted(replay.slots.values(), key=lambda slot: _age_key(slot.receivable))
    given = [one for one in snapshot.waivers if one.waived_on <= snapshot.as_of]
    waiting: dict[str, int] = {}
    for source in replay.waiting_sources():
        waiting[source.currency] = waiting.get(source.currency, 0) + source.left
    return Balance(
        account_id=snapshot.account.account_id,
        as_of=snapshot.as_of,
        items=tuple(slot.as_item() for slot in items),
        unapplied=tuple(Money(waiting[code], code) for code in sorted(waiting) if waiting[code]),
        applied=tuple(replay.applied),
        order=order,
        waivers=tuple(sorted(given, key=lambda one: (one.waived_on, one.waiver_id))),
    )


# -- details ---------------------------------------------------------------------------------------------------


class _Slot:
    """A receivable under replay: what is open, what of it undirected money may not touch, when it was settled."""

    __slots__ = ("blocked", "currency", "is_queued", "open", "receivable", "settled_on", "waived")

    def __init__(self, receivable: Receivable, left: int) -> None:
        self.receivable = receivable
        self.currency = receivable.amount_original.currency
        self.open = left
        self.blocked = 0
        self.is_queued = False
        self.waived = 0
        self.settled_on: date | None = None

    def as_item(self) -> Item:
        return Item(receivable=self.receivable, amount_open=Money(self.open, self.currency), settled_on=self.settled_on)


class _Source:
    """Money or credit under replay. Heaps compare sources by day, kind and id."""

    __slots__ = ("currency", "key", "left", "names", "on", "source_id")

    def __init__(self, source_id: str, amount: Money, on: date, rank: int, names: tuple[str, ...] = ()) -> None:
        self.source_id = source_id
        self.currency = amount.currency
        self.left = amount.minor
        self.on = on
        self.names = names
        self.key = (on, rank, source_id)

    def __lt__(self, other: _Source) -> bool:
        return self.key < other.key


_WAIVER, _CREDIT, _PAYMENT = range(3)


def _source_of(record: Payment | CreditNote) -> _Source:
    if isinstance(record, Payment):
        return _Source(record.payment_id, record.amount, record.effective_on, _PAYMENT, record.receivable_ids)
    return _Source(record.credit_note_id, record.amount, record.issued_on, _CREDIT, record.receivable_ids)


def _pay(source: _Source, slot: _Slot, limit: int, on: date, applied: list[Applied]) -> None:
    """Move money from a source to a receivable of the same currency, up to `limit`."""
    amount = min(source.left, limit)
    if amount <= 0 or slot.currency != source.currency:
        return
    source.left -= amount
    slot.open -= amount
    if slot.open == 0:
        slot.settled_on = on
    applied.append(
        Applied(
            source_id=source.source_id,
            receivable_id=slot.receivable.receivable_id,
            component=slot.receivable.component,
            amount=Money(amount, source.currency),
            applied_on=on,
        )
    )


def _age_key(receivable: Receivable) -> tuple[date, date, str]:
    return (receivable.due_on, receivable.issued_on, receivable.receivable_id)


class _Replay:
    """The state of one replay. Every receivable and every source enters and leaves its heap a bounded number of times."""

    def __init__(self, snapshot: AccountSnapshot, order: Order) -> None:
        as_of = snapshot.as_of
        self.order = order
        self.applied: list[Applied] = []
        self.slots: dict[str, _Slot] = {}
        self.issues: dict[date, list[Receivable]] = {}
        self.gifts: dict[date, list[_Source]] = {}
        self.begins: dict[date, list[Dispute]] = {}
        self.ends: dict[date, list[Dispute]] = {}
        self.queues: dict[str, list[tuple[SortKey, _Slot]]] = {}  # open receivables per currency, first to pay on top
        self.pools: dict[str, list[_Source]] = {}  # money that waits for any receivable
        self.directed: dict[str, list[_Source]] = {}  # money that waits for one receivable, by its id
        self.reserved: list[_Source] = []  # every source that ever waited so
        self.blocks: dict[str, list[tuple[_Slot, int]]] = {}  # what a running dispute blocks, by its id
        self.early_disputes: dict[str, list[Dispute]] = {}  # disputes that name a receivable not issued yet
        self.posted_today: set[str] = set()  # charges of the day, which undirected money reaches last
        self.account_disputes = 0
        for receivable in snapshot.receivables:
            if receivable.issued_on <= as_of:
                self.issues.setdefault(receivable.issued_on, []).append(receivable)
        for payment in snapshot.payments:
            if payment.counts_on(as_of):
                self.gifts.setdefault(payment.effective_on, []).append(_source_of(payment))
        for credit in snapshot.credit_notes:
            if credit.counts_on(as_of):
                self.gifts.setdefault(credit.issued_on, []).append(_source_of(credit))
        for waiver in snapshot.waivers:
            if waiver.waived_on <= as_of:
                source = _Source(waiver.waiver_id, waiver.amount, waiver.waived_on, _WAIVER, (waiver.receivable_id,))
                self.gifts.setdefault(waiver.waived_on, []).append(source)
        for dispute in snapshot.disputes:
            if dispute.raised_on <= as_of and dispute.raised_on != dispute.resolved_on:
                self.begins.setdefault(dispute.raised_on, []).append(dispute)
                if dispute.resolved_on is not None and dispute.resolved_on <= as_of:
                    self.ends.setdefault(dispute.resolved_on, []).append(dispute)
        self.days = {*self.issues, *self.gifts, *self.begins, *self.ends}

    def play(self, on: date) -> None:
        """Let one day happen."""
        issued = sorted(self.issues.get(on, ()), key=_age_key)
        self.posted_today = {one.receivable_id for one in issued if one.charge_key is not None}
        for receivable in issued:
            slot = _Slot(receivable, receivable.amount_original.minor)
            self.slots[receivable.receivable_id] = slot
            self._queue(slot)
        for dispute in sorted(self.ends.get(on, ()), key=lambda one: one.dispute_id):
            self._end(dispute)
        for dispute in sorted(self.begins.get(on, ()), key=lambda one: one.dispute_id):
            self._begin(dispute)
        for receivable in issued:
            for dispute in self.early_disputes.pop(receivable.receivable_id, ()):
                if dispute.dispute_id in self.blocks:  # it still runs: block again, with this receivable among the rest
                    self._end(dispute)
                    self._begin(dispute)
        self._serve(issued, on)
        self._pour(on)
        for source in sorted(self.gifts.get(on, ())):
            if source.key[1] == _WAIVER:
                self._waive(source, on)
            else:
                self._receive(source, on)
        self._pour(on)
        if self.posted_today:
            last, self.posted_today = self.posted_today, set()
            for receivable in issued:
                if receivable.receivable_id in last:
                    self._queue(self.slots[receivable.receivable_id])
            self._pour(on)

    def waiting_sources(self) -> Iterable[_Source]:
        for pool in self.pools.values():
            yield from pool
        for source in self.reserved:
            if any(receivable_id not in self.slots for receivable_id in source.names):
                yield source

    def _queue(self, slot: _Slot) -> None:
        if not slot.is_queued and slot.receivable.receivable_id not in self.posted_today:
            # queued twice, two equal keys would compare their slots
            slot.is_queued = True
            heappush(self.queues.setdefault(slot.currency, []), (self.order.key(slot.receivable), slot))

    def _receive(self, source: _Source, on: date) -> None:
        """Let money or credit take effect: direction first, then the waterfall."""
        missing = []
        for receivable_id in source.names:
            slot = self.slots.get(receivable_id)
            if slot is None:
                missing.append(receivable_id)
            else:
                _pay(source, slot, slot.open, on, self.applied)
        if source.left == 0:
            return
        if missing:
            self.reserved.append(source)
            for receivable_id in missing:
                self.directed.setdefault(receivable_id, []).append(source)
        else:
            heappush(self.pools.setdefault(source.currency, []), source)
            self._pour(on)

    def _serve(self, issued: Iterable[Receivable], on: date) -> None:
        """Give newly issued receivables the money that waited for them; what is then left waits for any other."""
        served: dict[tuple[date, int, str], _Source] = {}
        for receivable in issued:
            slot = self.slots[receivable.receivable_id]
            for source in sorted(self.directed.pop(receivable.receivable_id, ())):
                _pay(source, slot, slot.open, on, self.applied)
                served[source.key] = source
        for source in served.values():
            if source.left and all(name in self.slots for name in source.names):
                heappush(self.pools.setdefault(source.currency, []), source)

    def _pour(self, on: date) -> None:
        """Let waiting money pay what is open and undisputed."""
        if self.account_disputes:
            return
        for currency, pool in self.pools.items():
            queue = self.queues.get(currency)
            while pool and queue:
                slot = queue[0][1]
                limit = slot.open - slot.blocked
                if limit <= 0:  # settled, or disputed: the end of the dispute queues it again
                    heappop(queue)
                    slot.is_queued = False
                    continue
                _pay(pool[0], slot, limit, on, self.applied)
                if pool[0].left == 0:
                    heappop(pool)

    def _waive(self, source: _Source, on: date) -> None:
        """Drop a receivable, or a part of it; what was paid of the dropped part is free for others."""
        slot = self.slots.get(source.names[0])
        if slot is None or slot.currency != source.currency:
            raise InvalidRecord(
                "waterfall.unknown_receivable",
                f"waiver {source.source_id} is for receivable {source.names[0]}, which does not stand in its account "
                f"in {source.currency} on {on}; correct the id, the currency or the day",
            )
        source.left = min(source.left, slot.receivable.amount_original.minor - slot.waived)
        slot.waived += source.left
        _pay(source, slot, slot.open, on, self.applied)
        if source.left:
            heappush(self.pools.setdefault(source.currency, []), source)

    def _begin(self, dispute: Dispute) -> None:
        """Keep undirected money away from what is disputed."""
        if not dispute.receivable_ids and dispute.amount is None:
            self.account_disputes += 1
            return
        named = dispute.receivable_ids or tuple(self.slots)
        touched = [self.slots[name] for name in dict.fromkeys(named) if name in self.slots]
        for name in named:
            if name not in self.slots:
                self.early_disputes.setdefault(name, []).append(dispute)
        blocks = self.blocks.setdefault(dispute.dispute_id, [])
        left = None if dispute.amount is None else dispute.amount.minor
        for slot in sorted(touched, key=lambda one: _age_key(one.receivable)):
            amount = slot.receivable.amount_original.minor
            if dispute.amount is not None and left is not None:
                if slot.currency != dispute.amount.currency:
                    continue
                amount = min(amount, left)
                left -= amount
            slot.blocked += amount
            blocks.append((slot, amount))

    def _end(self, dispute: Dispute) -> None:
        if not dispute.receivable_ids and dispute.amount is None:
            self.account_disputes -= 1
            return
        for slot, amount in self.blocks.pop(dispute.dispute_id, ()):
            slot.blocked -= amount
            self._queue(slot)
