"""The report: every figure is that of the events, and the page stands alone, reads well and never changes by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from collectkit.core.codec import encode
from collectkit.core.errors import InvalidDate, WordingError
from collectkit.core.events import (
    AccountOpened,
    ApprovalGranted,
    ChargePosted,
    ChargeWaived,
    CommandIssued,
    ContactPointAdded,
    CreditNoteIssued,
    Cured,
    Decided,
    DisputeRaised,
    Event,
    FlagRaised,
    HoldPlaced,
    NoticeBounced,
    NoticeRequested,
    NoticeSent,
    NoticeSuppressed,
    PaymentReceived,
    PlanAgreed,
    PromiseMade,
    ReceivableIssued,
    semantic_key,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    Approval,
    Channel,
    Component,
    ContactPoint,
    CreditNote,
    Debtor,
    Dispute,
    Flag,
    FlagKind,
    Hold,
    HoldReason,
    NoticeRecord,
    Payment,
    PromiseToPay,
    Receivable,
    Waiver,
)
from collectkit.history import AccountState, fold
from collectkit.report import CurrencyFigures, LeftAlone, RunFigures, figures_of, render_html
from collectkit.samples import SampleAccount, sample_accounts

START, END = date(2025, 10, 1), date(2026, 1, 1)
STAGES = ("reminder", "final-demand", "legal")


class Book:
    """Writes events of one account, one after the other."""

    def __init__(self, account_id: str = "A-1") -> None:
        self.account_id = account_id
        self.events: list[Event] = []
        opened = date(2025, 1, 1)
        self.add(
            AccountOpened,
            opened,
            account=Account(account_id=account_id, debtor_id=f"D-{account_id}"),
            debtor=Debtor(debtor_id=f"D-{account_id}", kind="business", name="Nobody Ltd"),
        )

    def add(self, kind: type[Event], on: date, **fields: Any) -> None:
        self.events.append(
            kind(
                event_id=f"{self.account_id}-{len(self.events)}",
                account_id=self.account_id,
                recorded_at=datetime(on.year, on.month, on.day, 6, tzinfo=UTC),
                effective_on=on,
                **fields,
            )
        )

    def owe(self, name: str, minor: int, issued_on: date, due_on: date, currency: str = "EUR", **fields: Any) -> None:
        owed = Receivable(
            receivable_id=name,
            account_id=self.account_id,
            amount_original=Money(minor, currency),
            issued_on=issued_on,
            due_on=due_on,
            **fields,
        )
        if owed.is_charge:
            self.add(
                ChargePosted,
                issued_on,
                key=semantic_key("fee", self.account_id, name),
                rule="late-fee",
                receivable=owed,
            )
        else:
            self.add(ReceivableIssued, issued_on, receivable=owed)

    def pay(self, name: str, minor: int, on: date, *for_: str, currency: str = "EUR", **fields: Any) -> None:
        paid = Payment(
            payment_id=name,
            account_id=self.account_id,
            amount=Money(minor, currency),
            received_on=on,
            receivable_ids=for_,
            **fields,
        )
        self.add(PaymentReceived, on, payment=paid)

    def decide(self, on: date, stage: str, *reasons: str) -> None:
        self.add(
            Decided, on, stage=stage, segment="standard", strategy_hash="ab" * 32, decision_hash="", reasons=reasons
        )

    def notice(self, key: str, on: date, stage: str = "reminder", channel: Channel = Channel.EMAIL) -> None:
        record = NoticeRecord(
            key=key, notice="friendly", stage=stage, step="first", channel=channel, cycle=0, requested_on=on
        )
        self.add(NoticeRequested, on, notice=record)

    @property
    def state(self) -> AccountState:
        return fold(self.events)


def book_of(one: SampleAccount) -> Book:
    """Tell a sample account as events."""
    book = Book(one.account.account_id)
    for row in one.receivables:
        book.add(ReceivableIssued, row.issued_on, receivable=row)
    for paid in one.payments:
        book.add(PaymentReceived, paid.received_on, payment=paid)
    for note in one.credit_notes:
        book.add(CreditNoteIssued, note.issued_on, credit_note=note)
    for promise in one.promises:
        book.add(PromiseMade, promise.made_on, promise=promise)
    for dispute in one.disputes:
        book.add(DisputeRaised, dispute.raised_on, dispute=dispute)
    for hold in one.holds:
        book.add(HoldPlaced, hold.placed_on, hold=hold)
    for plan in one.plans:
        book.add(PlanAgreed, plan.agreed_on, plan=plan)
    for flag in one.debtor.flags:
        book.add(FlagRaised, flag.since_on, flag=flag)
    for point in one.contact_points:
        book.add(ContactPointAdded, date(2025, 1, 1), contact_point=point)
    return book


def portfolio(count: int = 80) -> list[Book]:
    """Sample accounts with a made-up run over them: decisions, notices, charges."""
    books = []
    for number, one in enumerate(sample_accounts(accounts=count), start=1):
        book = book_of(one)
        books.append(book)
        first = one.receivables[0]
        for step, stage in enumerate(("current", "reminder", "final-demand", "reminder", "current")):
            on = START + timedelta(days=number % 11 + step * (9 + number % 13))
            book.decide(
                on, stage, "escalation.stage: at some stage", *["contact.cap: one a day"] * (number % 7 == step)
            )
            if stage == "current":
                continue
            key = semantic_key("notice", book.account_id, 0, stage, step)
            book.notice(key, on, stage, (Channel.EMAIL, Channel.LETTER, Channel.SMS)[number % 3])
            match number % 5:
                case 0:
                    book.add(NoticeSuppressed, on, key=key, reason="strategy.settled_or_held")
                case 1:
                    book.add(NoticeBounced, on, key=key)
                case 2 | 3:
                    book.add(NoticeSent, on, key=key, sent_at=datetime(on.year, on.month, on.day, 9, tzinfo=UTC))
            if stage == "final-demand":
                book.owe(
                    f"FEE-{number}",
                    100 + number,
                    on,
                    on,
                    first.amount_original.currency,
                    component=Component.FEE,
                    parent_id=first.receivable_id,
                )
    return books


@pytest.fixture(scope="module")
def books() -> list[Book]:
    return portfolio()


@pytest.fixture(scope="module")
def figures(books: list[Book]) -> RunFigures:
    return figures_of([book.state for book in books], strategy_name="demo", start_on=START, end_on=END, stages=STAGES)


def one_account(book: Book, **more: Any) -> RunFigures:
    return figures_of([book.state], strategy_name="s", start_on=START, end_on=END, **more)


# --- every figure is that of the events ---


def given_by(events: list[Event], day: date) -> Counter[str]:
    """Money and credits that count at the end of a day, per currency, straight from the events."""
    sums: Counter[str] = Counter()
    for event in events:
        if isinstance(event, PaymentReceived):
            payment = event.payment
            if payment.effective_on <= day and (payment.returned_on is None or day < payment.returned_on):
                sums[payment.amount.currency] += payment.amount.minor
        elif isinstance(event, CreditNoteIssued):
            note = event.credit_note
            if note.issued_on <= day and (note.cancelled_on is None or day < note.cancelled_on):
                sums[note.amount.currency] += note.amount.minor
    return sums


def owed(events: list[Event], first: date, last: date, *, charges: bool) -> Counter[str]:
    """What was issued in a range of days, per currency, straight from the events."""
    kind = ChargePosted if charges else ReceivableIssued
    sums: Counter[str] = Counter()
    for event in events:
        if isinstance(event, kind) and first <= event.receivable.issued_on <= last:
            sums[event.receivable.amount_original.currency] += event.receivable.amount_original.minor
    return sums


def test_balances_are_what_was_issued_less_what_was_given(books: list[Book], figures: RunFigures) -> None:
    events = [event for book in books for event in book.events]
    last = END - timedelta(days=1)
    given = given_by(events, last)
    every = owed(events, date.min, last, charges=False) + owed(events, date.min, last, charges=True)
    assert {one.currency for one in figures.currencies} == {"EUR", "GBP", "USD"}
    for one in figures.currencies:
        assert one.closing.minor - one.unapplied.minor == every[one.currency] - given[one.currency]


def test_invoices_and_charges_of_the_period_are_those_issued_in_it(books: list[Book], figures: RunFigures) -> None:
    events = [event for book in books for event in book.events]
    last = END - timedelta(days=1)
    invoiced, charged = owed(events, START, last, charges=False), owed(events, START, last, charges=True)
    for one in figures.currencies:
        assert (one.invoiced.minor, one.charged.minor) == (invoiced[one.currency], charged[one.currency])
    by_rule = {(one.rule, one.currency): (one.count, one.amount.minor) for one in figures.charges}
    assert {currency: minor for (_, currency), (_, minor) in by_rule.items()} == dict(charged)
    assert sum(count for count, _ in by_rule.values()) == len(books)


def test_the_movement_adds_up_to_the_cent(figures: RunFigures) -> None:
    for one in figures.currencies:
        moved = one.opening + one.invoiced + one.charged - one.paid - one.credited - one.waived
        assert moved == one.closing


def test_aged_totals_are_the_open_balances(figures: RunFigures) -> None:
    for one in figures.currencies:
        for report, amount in ((figures.opening, one.opening), (figures.closing, one.closing)):
            aged = report.of(one.currency)
            assert aged is not None
            assert (aged.amount, sum(row.amount.minor for row in aged.rows)) == (amount, amount.minor)


def test_stages_are_carried_forward_day_by_day(books: list[Book], figures: RunFigures) -> None:
    expected: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for book in books:
        decided = {event.effective_on: event.stage for event in book.events if isinstance(event, Decided)}
        stage = None
        for step in range((END - START).days):
            day = START + timedelta(days=step)
            stage = decided.get(day, stage)
            if stage is not None:
                expected[day][stage] += 1
    for day in figures.stages.days:
        for stage in ("current", *STAGES):
            assert figures.stages.on(stage, day) == expected[day][stage], (day, stage)
    assert figures.stages.stages == ("current", "reminder", "final-demand")


def test_a_decision_before_the_period_still_stands_in_it() -> None:
    book = Book()
    book.decide(date(2025, 9, 1), "reminder")
    book.decide(date(2025, 10, 3), "final-demand")
    history = one_account(book).stages
    assert [history.on("reminder", START + timedelta(days=step)) for step in range(4)] == [1, 1, 0, 0]
    assert history.on("final-demand", END - timedelta(days=1)) == 1
    assert history.on("final-demand", END) == history.on("unheard-of", START) == 0


def test_of_two_decisions_on_one_day_the_later_stands() -> None:
    book = Book()
    book.decide(date(2025, 10, 3), "reminder", "contact.cap: once")
    book.decide(date(2025, 10, 3), "current")
    figures = one_account(book)
    assert (figures.stages.on("reminder", date(2025, 10, 3)), figures.stages.on("current", date(2025, 10, 3))) == (0, 1)
    assert figures.left_alone == ()


def test_notices_are_counted_once_each_by_what_became_of_them(books: list[Book], figures: RunFigures) -> None:
    became: dict[str, str] = {}
    where: dict[str, tuple[str, Channel]] = {}
    names = {NoticeSent: "sent", NoticeBounced: "bounced", NoticeSuppressed: "suppressed"}
    for book in books:
        for event in book.events:
            if isinstance(event, NoticeRequested):
                where[event.notice.key] = (event.notice.stage, event.notice.channel)
                became.setdefault(event.notice.key, "waiting")
            elif isinstance(event, (NoticeSent, NoticeBounced, NoticeSuppressed)):
                became[event.key] = names[type(event)]
    expected = Counter((*where[key], what) for key, what in became.items())
    for one in figures.notices:
        for what in ("sent", "bounced", "suppressed", "waiting"):
            assert getattr(one, what) == expected[one.stage, one.channel, what]
        assert one.requested == one.sent + one.bounced + one.suppressed + one.waiting
    assert sum(one.requested for one in figures.notices) == len(where)
    stages = [one.stage for one in figures.notices]
    assert stages == sorted(stages, key=STAGES.index)


def reason(figures: RunFigures, kind: str, code: str) -> LeftAlone:
    return next(one for one in figures.left_alone if (one.kind, one.code) == (kind, code))


def test_stopped_notices_are_told_by_their_reason(books: list[Book], figures: RunFigures) -> None:
    stopped = [
        (book.account_id, event) for book in books for event in book.events if isinstance(event, NoticeSuppressed)
    ]
    told = reason(figures, "last-look", "strategy.settled_or_held")
    assert told.times == len(stopped)
    assert told.accounts == tuple(sorted({account_id for account_id, _ in stopped}))


def test_a_hold_counts_its_days_in_the_period_and_no_day_twice() -> None:
    book = Book()
    for name, first, last in (
        ("H-1", date(2025, 9, 20), date(2025, 10, 5)),
        ("H-2", date(2025, 10, 3), date(2025, 10, 11)),
    ):
        book.add(
            HoldPlaced,
            first,
            hold=Hold(hold_id=name, account_id="A-1", reason=HoldReason.MEDIATION, placed_on=first, until_on=last),
        )
    book.add(
        DisputeRaised,
        date(2025, 12, 30),
        dispute=Dispute(dispute_id="X", account_id="A-1", raised_on=date(2025, 12, 30)),
    )
    book.add(FlagRaised, START, flag=Flag(kind=FlagKind.VULNERABLE, since_on=START))
    figures = one_account(book)
    assert {(one.code, one.times) for one in figures.left_alone} == {("mediation", 10), ("dispute", 2)}


def test_reasons_of_decisions_are_carried_forward_and_routine_ones_left_out() -> None:
    book = Book()
    book.decide(
        date(2025, 10, 1), "current", "strategy.materiality: too small to chase: 1.20 EUR", "segments.rule: first"
    )
    book.decide(date(2025, 10, 8), "current", "escalation.stage: none", "hold.dispute: held", "policy.grace: not yet")
    (told,) = one_account(book).left_alone
    assert (told.kind, told.code, told.text) == ("decision", "strategy.materiality", "too small to chase: 1.20 EUR")
    assert (told.times, told.accounts) == (7, ("A-1",))


def test_promises_are_judged_by_the_money_of_the_period() -> None:
    book = Book()
    book.owe("R-1", 90_000, date(2025, 8, 1), date(2025, 9, 1))

    def promise(name: str, minor: int, made_on: date, due_on: date) -> None:
        made = PromiseToPay(
            promise_id=name, account_id="A-1", amount=Money(minor, "EUR"), made_on=made_on, due_on=due_on
        )
        book.add(PromiseMade, made_on, promise=made)

    promise("before", 500, date(2025, 9, 1), date(2025, 9, 5))  # broken before the period
    promise("kept", 1000, date(2025, 10, 1), date(2025, 10, 8))
    book.pay("P-1", 1000, date(2025, 10, 8))
    promise("partly", 2000, date(2025, 10, 10), date(2025, 10, 18))
    book.pay("P-2", 700, date(2025, 10, 15))
    promise("broken", 3000, date(2025, 10, 20), date(2025, 10, 25))
    promise("open", 4000, date(2025, 12, 20), date(2026, 1, 10))
    (told,) = one_account(book).promises
    assert (told.made, told.kept, told.partly_kept, told.broken, told.open) == (4, 1, 1, 1, 1)
    assert (told.amount_made, told.amount_open) == (Money(10_000, "EUR"), Money(4000, "EUR"))
    assert (told.fallen_due, told.kept_rate) == (3, Fraction(1, 3))


def test_a_kept_plan_ages_by_its_instalments_and_shows_its_status() -> None:
    plans = [book_of(one) for one in sample_accounts(accounts=400) if one.profile in ("plan_kept", "plan_broken")]
    figures = figures_of([book.state for book in plans], strategy_name="s", start_on=START, end_on=END)
    statuses = Counter[str]()
    for one in figures.plans:
        statuses[one.status] += one.count
    assert statuses["broken"] == 10
    assert sum(statuses.values()) == 20
    assert sum(one.agreed_in_period for one in figures.plans) == 20


def test_published_effectiveness_index_is_reproduced() -> None:
    """CEI of 98.0 for 100,000 open, 1,000,000 invoiced, 120,000 left, 100,000 of it not yet due (gaviti's example)."""
    book = Book()
    book.owe("OLD", 100_000, date(2025, 9, 1), date(2025, 9, 30))
    book.owe("NEW", 900_000, date(2025, 10, 1), date(2025, 11, 1))
    book.owe("LAST", 100_000, date(2025, 12, 15), date(2026, 1, 15))
    book.pay("P-1", 100_000, date(2025, 10, 10), "OLD")
    book.pay("P-2", 880_000, date(2025, 11, 1), "NEW")
    (told,) = one_account(book).currencies
    assert (told.opening.minor, told.invoiced.minor, told.closing.minor) == (100_000, 1_000_000, 120_000)
    assert told.closing_past_due.minor == 20_000
    assert told.collection_effectiveness_index == Fraction(98)
    assert told.days_sales_outstanding == Fraction(120_000 * 92, 1_000_000)
    assert told.best_possible_dso == Fraction(100_000 * 92, 1_000_000)


def test_measures_without_a_denominator_are_absent() -> None:
    book = Book()
    book.owe("OLD", 5000, date(2025, 9, 1), date(2026, 3, 1))
    (told,) = one_account(book).currencies
    assert told.days_sales_outstanding is None
    assert told.collection_effectiveness_index is None


def test_a_returned_payment_never_paid_and_a_waiver_stands_apart() -> None:
    book = Book()
    book.owe("R-1", 10_000, date(2025, 9, 1), date(2025, 9, 30))
    book.owe("F-1", 500, date(2025, 10, 2), date(2025, 10, 2), component=Component.FEE, parent_id="R-1")
    book.pay("P-1", 10_000, date(2025, 10, 5), "R-1", returned_on=date(2025, 10, 9))
    waiver = Waiver(
        waiver_id="W-1",
        receivable_id="F-1",
        amount=Money(200, "EUR"),
        waived_on=date(2025, 11, 1),
        reason="goodwill",
        authority="manager",
    )
    book.add(ChargeWaived, date(2025, 11, 1), waiver=waiver)
    note = CreditNote(
        credit_note_id="C-1",
        account_id="A-1",
        amount=Money(1000, "EUR"),
        issued_on=date(2025, 10, 20),
        receivable_ids=("R-1",),
    )
    book.add(CreditNoteIssued, date(2025, 10, 20), credit_note=note)
    figures = one_account(book)
    (told,) = figures.currencies
    assert (told.paid.minor, told.credited.minor, told.waived.minor) == (0, 1000, 200)
    assert told.closing.minor == 10_000 + 500 - 1000 - 200
    (charge,) = figures.charges
    assert (charge.rule, charge.count, charge.amount.minor, charge.waived.minor) == ("late-fee", 1, 500, 200)


def test_tasks_approvals_and_dead_ends_are_shown_to_a_person() -> None:
    def ask(book: Book, kind: str, command: str, *parts: str | int) -> None:
        book.add(
            CommandIssued,
            date(2025, 11, 3),
            key=semantic_key(kind, book.account_id, *parts),
            command=command,
            stage="final-demand",
        )

    asking, granted, lost = Book("A-1"), Book("A-2"), Book("A-3")
    ask(asking, "task", "raise-task", 0, "final-demand", "call", "R-1", 1)
    ask(asking, "approval", "request-approval", 0, "legal", "credit-manager")
    ask(granted, "approval", "request-approval", 0, "legal", "credit-manager")
    ask(granted, "aftercare", "raise-task", "plan", "PLAN-7")
    granted.add(
        ApprovalGranted,
        date(2025, 11, 20),
        approval=Approval(subject="legal", authority="credit-manager", granted_by="m-1", granted_on=date(2025, 11, 20)),
    )
    lost.owe("R-9", 500, date(2025, 9, 1), date(2025, 9, 30))
    lost.add(
        ContactPointAdded,
        date(2025, 9, 1),
        contact_point=ContactPoint(
            contact_point_id="C", channel="email", address="a@bounce.invalid", invalid_since_on=date(2025, 10, 5)
        ),
    )
    asking.add(Cured, date(2025, 12, 1), cycle=0)
    asking.add(Cured, date(2026, 1, 1), cycle=1)
    figures = figures_of(
        [book.state for book in (asking, granted, lost)], strategy_name="s", start_on=START, end_on=END
    )
    told = {(one.kind, one.what): one.accounts for one in figures.asked}
    assert told == {
        ("raise-task", "call"): ("A-1",),
        ("request-approval", "legal"): ("A-1",),
        ("raise-task", "broken plan"): ("A-2",),
        ("dead-end", "no address left that works"): ("A-3",),
    }
    assert figures.cured == 1


def test_the_order_of_accounts_changes_no_figure(books: list[Book], figures: RunFigures) -> None:
    turned = figures_of(
        [book.state for book in reversed(books)], strategy_name="demo", start_on=START, end_on=END, stages=STAGES
    )
    assert turned == figures


def test_figures_are_plain_data_with_one_encoding(figures: RunFigures) -> None:
    assert encode(figures) == encode(figures)
    assert b"Nobody" not in encode(figures)


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(InvalidDate, match="at least one day"):
        figures_of([], strategy_name="s", start_on=START, end_on=START)
    with pytest.raises(InvalidDate, match="at least one day"):
        figures_of([], strategy_name="s", start_on=END, end_on=START)


# --- the page ---


VOID = {"meta", "br", "hr", "img", "link", "input", "col"}


class Page(HTMLParser):
    """Reads a page as strictly as a page can be read: every element is closed, every id is there once."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: Counter[str] = Counter()
        self.labelled: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
                self.addresses.append(value or "")
            elif name == "aria-labelledby":
                self.labelled.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(figures: RunFigures) -> str:
    return render_html(figures)


def test_the_page_is_well_formed_and_stands_alone(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert [one for one, count in Counter(page.ids).items() if count > 1] == []
    assert [one for one in page.addresses if not one.startswith("#")] == []
    assert {one[1:] for one in page.addresses} | set(page.labelled) <= set(page.ids)
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == page.tags["iframe"] == 0
    assert re.findall(r"https?:", html) == []
    assert re.findall(r"@import|url\((?!#)", html) == []
    assert set(re.findall(r"url\(#([^)]*)\)", html)) <= set(page.ids)


def test_the_page_can_be_heard_and_read_on_a_phone(html: str) -> None:
    page = Page(html)
    assert '<html lang="en">' in html
    assert 'name="viewport"' in html
    assert page.tags["h1"] == page.tags["main"] == 1
    assert page.tags["caption"] == page.tags["table"] >= 9
    pictures = re.findall(
        r'<svg viewBox="[^"]*" role="img" aria-labelledby="([^"]*)"><title id="([^"]*)">([^<]+)', html
    )
    assert len(pictures) == page.tags["svg"] == 4
    assert all(label == title_id and title for label, title_id, title in pictures)
    assert "@media print" in html


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_letters_stand_out_from_the_paper(html: str) -> None:
    named = dict(re.findall(r"--(ink|soft|accent): (#[0-9a-f]{6})", html))
    assert set(named) == {"ink", "soft", "accent"}
    for colour in named.values():
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, "WCAG 2.2, 1.4.3: contrast of at least 4.5 to 1"


def test_the_page_shows_the_figures(html: str, figures: RunFigures) -> None:
    text = re.sub(r"<[^>]*>", "", html)
    for one in figures.currencies:
        for amount in (one.opening, one.closing, one.paid, one.invoiced):
            assert f"{amount.to_decimal():,}" in text
    assert "Oct 1, 2025 to Dec 31, 2025 (92 days), 80 accounts" in " ".join(text.split())


def test_numbers_and_dates_follow_the_locale(figures: RunFigures) -> None:
    german = re.sub(r"<[^>]*>", "", render_html(figures, locale="de_DE"))
    plain = f"{figures.currencies[0].closing.to_decimal():,}"
    assert plain.translate(str.maketrans(",.", ".,")) in german
    assert "31.12.2025" in german
    with pytest.raises(WordingError, match="not known"):
        render_html(figures, locale="qq_QQ")


def test_the_same_figures_give_the_same_bytes(html: str, figures: RunFigures) -> None:
    assert render_html(figures) == html


def test_another_process_with_other_settings_gives_the_same_bytes(tmp_path: Path, html: str) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 31\naxes.facecolor: red\n", encoding="utf-8")
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "import test_report as t\n"
        "f = t.figures_of([b.state for b in t.portfolio()], strategy_name='demo', start_on=t.START, end_on=t.END, stages=t.STAGES)\n"
        "sys.stdout.buffer.write(t.render_html(f).encode())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "7", "MATPLOTLIBRC": str(tmp_path), "LC_ALL": "C"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert said.returncode == 0, said.stderr.decode()
    assert said.stdout == html.encode()


def test_an_empty_portfolio_still_makes_a_page() -> None:
    html = render_html(figures_of([], strategy_name="s", start_on=START, end_on=END))
    assert Page(html).open == []
    assert "Nothing was open" in html
    assert "No decision was recorded" in html


def test_one_day_makes_a_page() -> None:
    book = Book()
    book.owe("R-1", 12_345, date(2025, 9, 1), date(2025, 9, 30), "JPY")
    book.decide(START, "reminder")
    html = render_html(figures_of([book.state], strategy_name="s", start_on=START, end_on=START + timedelta(days=1)))
    assert "(1 day), 1 account." in " ".join(html.split())
    assert "12,345<" in html, "yen have no minor units"


def test_hostile_text_stays_text() -> None:
    book = Book("<i>A&1")
    book.decide(START, "<b>stage", "contact.cap: <script>alert(1)</script>")
    book.notice("k", START, stage="<b>stage")
    html = render_html(
        figures_of([book.state], strategy_name='"><img src=x>', start_on=START, end_on=END), accounts_shown=5
    )
    page = Page(html)
    assert page.tags["img"] == page.tags["script"] == page.tags["b"] == page.tags["i"] == 0
    assert "&lt;script&gt;" in html


def test_no_name_or_address_of_a_debtor_is_on_the_page(html: str) -> None:
    assert "Nobody" not in html
    assert "example" not in html.replace("for example:", "")


def test_long_lists_of_accounts_are_cut_and_say_so() -> None:
    def states() -> Iterator[AccountState]:
        for number in range(30):
            book = Book(f"A-{number:02d}")
            book.decide(START, "current", "contact.cap: often enough")
            yield book.state

    figures = figures_of(states(), strategy_name="s", start_on=START, end_on=END)
    html = render_html(figures, accounts_shown=10)
    assert "A-09 and 20 more" in html
    assert "A-10" not in html


def test_currency_figures_need_no_page() -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "import collectkit.report, sys; print('matplotlib' in sys.modules or 'jinja2' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.stdout.strip() == "False", answer.stderr
    assert CurrencyFigures.__doc__
