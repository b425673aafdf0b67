"""A run over the ports: decided once, delivered with one key, and nothing lost when it is cut short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import attrs
import pytest

from collectkit import engine, history
from collectkit.adapters.memory import MemoryStore
from collectkit.core.decisions import Accepted, Batch, CommitResult, Conflict, Rejected, SendResult, Unknown
from collectkit.core.errors import WordingError
from collectkit.core.events import (
    AccountOpened,
    Command,
    ContactPointAdded,
    Event,
    PaymentReceived,
    ReceivableIssued,
    SendNotice,
)
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, ContactPoint, Debtor, Payment, Receivable
from collectkit.ports import Notice
from collectkit.strategy import parse

DAY_ONE = date(2026, 3, 1)
AT = datetime(2026, 3, 1, 5, tzinfo=UTC)

STRATEGY = parse(
    """
name = "run"
version = "1"
[[stages]]
id = "reminder"
after = { past_due = { days = 3 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
[[stages]]
id = "firm"
after = { past_due = { days = 10 } }
needs = [{ notice_delivered = "friendly", days_ago = 5 }]
  [[stages.steps]]
  task = "call"
[[charges]]
id = "late-fee"
kind = "flat"
amounts = { EUR = "5.00" }
grace_days = 7
[[contact.hours]]
weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
start = "08:00"
end = "20:00"
[aftercare]
thanks = "thanks"
thanks_channels = ["email"]
"""
)


class Words:
    """A renderer with a fixed text."""

    def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
        (address,) = (p.address for p in snapshot.contact_points if p.contact_point_id == command.contact_point_id)
        return Notice(notice=command.notice, channel=command.channel, locale="en", recipient=address)


class Post:
    """A messenger that remembers what it was given and answers as told."""

    def __init__(self, answer: Callable[[str, int], SendResult] = lambda _key, _turn: Accepted()) -> None:
        self.calls: list[tuple[str, str]] = []
        self._answer = answer

    def send(self, notice: Notice, key: str) -> SendResult:
        self.calls.append((notice.notice, key))
        return self._answer(key, sum(1 for _, other in self.calls if other == key))


def facts(name: str = "A", *, zone: str = "Europe/Berlin", paid_on: date | None = None) -> list[Event]:
    def header(what: str, on: date) -> dict[str, object]:
        return {"event_id": f"{name}:{what}", "account_id": name, "recorded_at": AT, "effective_on": on}

    debtor = Debtor(debtor_id=f"D{name}", kind="business", zones=[zone])
    due_on = DAY_ONE
    claim = Receivable(
        receivable_id=f"{name}-1",
        account_id=name,
        amount_original=Money(10000, "EUR"),
        issued_on=due_on - timedelta(days=10),
        due_on=due_on,
    )
    found: list[Event] = [
        AccountOpened(
            **header("open", claim.issued_on), account=Account(account_id=name, debtor_id=f"D{name}"), debtor=debtor
        ),  # type: ignore[arg-type]
        ReceivableIssued(**header("claim", claim.issued_on), receivable=claim),  # type: ignore[arg-type]
    ]
    for channel in ("email", "letter"):
        point = ContactPoint(contact_point_id=f"{name}-{channel}", channel=channel, address=f"{name}@firm.example")
        found.append(ContactPointAdded(**header(channel, claim.issued_on), contact_point=point))  # type: ignore[arg-type]
    if paid_on is not None:
        payment = Payment(
            payment_id=f"{name}-p",
            account_id=name,
            amount=Money(10000, "EUR"),
            received_on=paid_on,
            receivable_ids=[f"{name}-1"],
        )
        found.append(PaymentReceived(**header("paid", paid_on), payment=payment))  # type: ignore[arg-type]
    return found


def run(store: MemoryStore, post: Post, *, days: int, first: int = 0, tasks: list[Command] | None = None) -> None:
    for day in range(first, first + days):
        engine.run_day(
            store=store,
            outbox=store,
            messenger=post,
            renderer=Words(),
            strategy=STRATEGY,
            as_of=DAY_ONE + timedelta(days=day),
            on_command=tasks.append if tasks is not None else None,
        )


def stored(*accounts: list[Event]) -> MemoryStore:
    store = MemoryStore()
    engine.record(store=store, events=engine.by_account(event for events in accounts for event in events))
    return store


def kinds(store: MemoryStore, name: str = "A") -> list[str]:
    return [type(event).__name__ for event in store.load(name).events]


def test_an_account_is_reminded_charged_escalated_and_left_in_peace_after_paying() -> None:
    store, post, tasks = stored(facts(paid_on=DAY_ONE + timedelta(days=20))), Post(), list[Command]()
    run(store, post, days=40, tasks=tasks)
    assert [notice for notice, _ in post.calls] == ["friendly", "thanks"]
    assert [command.name for command in tasks] == ["raise-task"]
    assert kinds(store).count("ChargePosted") == 1
    assert kinds(store).count("Cured") == 1
    stages = [event.stage for event in store.load("A").events if type(event).__name__ == "Decided"]
    assert list(dict.fromkeys(stages)) == ["current", "grace", "reminder", "firm"]


def test_a_second_run_of_the_same_day_commits_nothing() -> None:
    store, post = stored(facts()), Post()
    run(store, post, days=4)
    before, calls = store.load("A"), list(post.calls)
    decided, delivered = engine.run_day(
        store=store,
        outbox=store,
        messenger=post,
        renderer=Words(),
        strategy=STRATEGY,
        as_of=DAY_ONE + timedelta(days=3),
    )
    assert (decided.looked, delivered.handled) == (0, 0)
    assert (store.load("A"), post.calls) == (before, calls)


def test_a_run_after_a_long_pause_skips_nothing_and_doubles_nothing() -> None:
    store, post, tasks = stored(facts()), Post(), list[Command]()
    run(store, post, days=1, first=60, tasks=tasks)
    assert [notice for notice, _ in post.calls] == ["friendly"]
    assert kinds(store).count("ChargePosted") == 1
    run(store, post, days=4, first=61, tasks=tasks)
    assert tasks == []  # five days from the late reminder are not over: no dwell time is skipped
    run(store, post, days=1, first=65, tasks=tasks)
    assert [command.name for command in tasks] == ["raise-task"]


def test_importing_twice_stores_once_and_a_changed_fact_is_told_apart() -> None:
    store = stored(facts())
    again = engine.record(store=store, events={"A": facts()})
    assert (again.events, again.known, again.changed) == (0, 4, ())
    claim = facts()[1]
    assert isinstance(claim, ReceivableIssued)
    other = attrs.evolve(claim, receivable=attrs.evolve(claim.receivable, amount_original=Money(9900, "EUR")))
    changed = engine.record(store=store, events={"A": [other]})
    assert [one.event_id for one in changed.changed] == ["A:claim"]
    assert store.load("A").version == 4


def test_what_bounces_is_tried_by_another_channel_on_the_same_day() -> None:
    def refuse_email(key: str, _turn: int) -> SendResult:
        return Rejected(code="550", is_permanent=True) if ":email:" in key else Accepted()

    store, post = stored(facts()), Post(refuse_email)
    run(store, post, days=4)
    assert [key for _, key in post.calls] == [
        "notice:A:0:reminder:friendly:email:1",
        "notice:A:0:reminder:friendly:letter:2",
    ]
    snapshot = history.snapshot(store.load("A").events, as_of=DAY_ONE + timedelta(days=3))
    assert [point.is_usable(snapshot.as_of) for point in snapshot.contact_points] == [False, True]


def test_an_unknown_outcome_is_asked_again_with_the_same_key_and_counts_once() -> None:
    store = stored(facts())
    post = Post(lambda _key, turn: Unknown(code="timeout") if turn < 3 else Accepted())
    run(store, post, days=5)
    assert len({key for _, key in post.calls}) == 1
    assert len(post.calls) == 3
    assert kinds(store).count("NoticeSent") == 1


def test_a_notice_is_given_up_after_five_tries_and_another_channel_takes_over() -> None:
    post = Post(lambda key, _turn: Unknown(code="timeout") if ":email:" in key else Accepted())
    store = stored(facts())
    run(store, post, days=6)
    tried = [key for _, key in post.calls if key.endswith(":email:1")]
    assert len(tried) == engine.MAX_TRIES
    assert kinds(store).count("NoticeBounced") >= 1


def test_a_payment_between_decision_and_delivery_suppresses_the_notice() -> None:
    store, post = stored(facts()), Post()
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    paid = facts(paid_on=on)[-1:]
    engine.record(store=store, events={"A": paid})
    noon = datetime(on.year, on.month, on.day, 11, tzinfo=UTC)
    carried = engine.deliver(store=store, outbox=store, messenger=post, renderer=Words(), strategy=STRATEGY, now=noon)
    assert (carried.suppressed, post.calls) == (1, [])
    assert kinds(store)[-1] == "NoticeSuppressed"


def test_a_crash_after_the_provider_accepted_sends_nothing_twice_once_the_outcome_is_stored() -> None:
    class MarksNothing(MemoryStore):
        def mark(self, **_given: object) -> bool:  # type: ignore[override]
            return False  # as if the process died between storing the outcome and marking the row

    store, post = MarksNothing(), Post()
    engine.record(store=store, events={"A": facts()})
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    for hour in (10, 12, 14):  # each later than the lease of the one before
        now = datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
        rows = store.claim(worker="w", now=now, lease_seconds=60)
        for claimed in rows:
            engine._deliver_one(store, store, post, Words(), STRATEGY, now, claimed, None)
    assert len(post.calls) == 1


def test_a_writer_that_was_overtaken_decides_again() -> None:
    class Overtaken(MemoryStore):
        turns = 0

        def commit_many(self, batches: object) -> tuple[CommitResult, ...]:
            self.turns += 1
            if self.turns == 2:
                return tuple(Conflict(actual=one.expected_version) for one in batches)  # type: ignore[attr-defined]
            return super().commit_many(batches)  # type: ignore[arg-type]

    store, post = Overtaken(), Post()
    engine.record(store=store, events={"A": facts()})
    run(store, post, days=1, first=3)
    assert store.turns > 2
    assert [notice for notice, _ in post.calls] == ["friendly"]


def test_an_account_in_trouble_is_reported_and_holds_up_no_other() -> None:
    store, post = stored(facts(), facts("B")), Post()
    other = parse('name = "other"\nversion = "1"')
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=other, as_of=DAY_ONE, now=engine.run_instant(DAY_ONE))
    engine.record(store=store, events={"C": facts("C")})
    result = engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    assert {(one.account_id, one.code) for one in result.troubled} <= {
        ("A", "history.other_strategy"),
        ("B", "history.other_strategy"),
    }
    assert "C" not in {one.account_id for one in result.troubled}
    moved = engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on), may_move=True)
    assert moved.troubled == ()
    assert post.calls == []


def test_a_text_that_cannot_be_rendered_suppresses_the_notice_with_its_code() -> None:
    class Mute:
        def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
            raise WordingError("wording.missing", f"no text for {command.notice}")

    store = stored(facts())
    on = DAY_ONE + timedelta(days=3)
    engine.run_day(store=store, outbox=store, messenger=Post(), renderer=Mute(), strategy=STRATEGY, as_of=on)
    reasons = [event.reason for event in store.load("A").events if type(event).__name__ == "NoticeSuppressed"]
    assert reasons == ["wording.missing"]


@pytest.mark.parametrize(
    "zone", ["Pacific/Auckland", "Asia/Tokyo", "Europe/Berlin", "America/Los_Angeles", "Pacific/Honolulu"]
)
def test_every_zone_is_reached_within_its_own_hours_on_the_day_of_the_run(zone: str) -> None:
    store, post = stored(facts(zone=zone)), Post()
    run(store, post, days=5)
    (sent,) = [event for event in store.load("A").events if type(event).__name__ == "NoticeSent"]
    from zoneinfo import ZoneInfo

    local = sent.sent_at.astimezone(ZoneInfo(zone))  # type: ignore[attr-defined]
    assert local.date() == DAY_ONE + timedelta(days=3)
    assert 8 <= local.hour <= 20


def test_batches_of_one_page_are_committed_together() -> None:
    class Counting(MemoryStore):
        sizes: list[int]

        def commit_many(self, batches: tuple[Batch, ...]) -> tuple[CommitResult, ...]:  # type: ignore[override]
            self.sizes = [*getattr(self, "sizes", []), len(batches)]
            return super().commit_many(batches)

    store = Counting()
    engine.record(store=store, events={name: facts(name) for name in ("A", "B", "C")})
    engine.collect(store=store, strategy=STRATEGY, as_of=DAY_ONE, now=engine.run_instant(DAY_ONE), page=2)
    assert store.sizes == [3, 2, 1]
