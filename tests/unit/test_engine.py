"""A run over the ports: decided once, delivered with one key, and nothing lost when it is cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest

from collectkit import engine, history
from collectkit._engine.delivering import Carrier
from collectkit.adapters.memory import MemoryStore
from collectkit.contact import ContactHours, ContactPolicy
from collectkit.core.decisions import Accepted, Batch, CommitResult, Conflict, Rejected, SendResult, Unknown
from collectkit.core.errors import InvalidPolicy, StoreCorrupt, WordingError
from collectkit.core.events import (
    AccountOpened,
    Command,
    ContactPointAdded,
    Event,
    NoticeSent,
    PaymentReceived,
    ReceivableIssued,
    SendNotice,
    UnknownEvent,
)
from collectkit.core.money import Money
from collectkit.core.records import Account, AccountSnapshot, ContactPoint, Debtor, Payment, Receivable
from collectkit.ports import Loaded, Notice
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
    tried = [key for _, key in post.calls]
    assert tried == [
        *["notice:A:0:reminder:friendly:email:1"] * engine.MAX_TRIES,
        "notice:A:0:reminder:friendly:letter:2",
    ]
    assert (kinds(store).count("NoticeBounced"), kinds(store).count("NoticeSent")) == (1, 1)


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
            carrier = Carrier(store=store, outbox=store, messenger=post, renderer=Words(), strategy=STRATEGY, now=now)
            carrier.carry(claimed)
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


# -- what a team meets in its first weeks ----------------------------------------------------------------------


def a_payment(name: str, on: date, *, event_id: str = "", amount: int = 10000, payment_id: str = "") -> PaymentReceived:
    payment = Payment(
        payment_id=payment_id or f"{name}-p",
        account_id=name,
        amount=Money(amount, "EUR"),
        received_on=min(on, DAY_ONE),
        effective_on=on,
    )
    return PaymentReceived(
        event_id=event_id or f"{name}:paid", account_id=name, recorded_at=AT, effective_on=on, payment=payment
    )


def test_a_post_dated_payment_puts_no_account_to_sleep() -> None:
    store, post = stored(facts()), Post()
    run(store, post, days=1)
    engine.record(store=store, events={"A": [a_payment("A", DAY_ONE + timedelta(days=30))]})
    run(store, post, days=5, first=1)
    assert [notice for notice, _ in post.calls] == ["friendly"]


def test_facts_of_an_account_that_was_never_opened_are_refused_and_can_be_brought_later() -> None:
    store = MemoryStore()
    result = engine.record(store=store, events={"A": facts()[1:], "B": facts("B")})
    assert {(one.account_id, one.code) for one in result.refused} == {("A", "history.unknown_account")}
    assert (store.load("A").version, result.events) == (0, 4)
    late = engine.record(store=store, events={"A": [*facts()[1:], facts()[0]]})  # the opening need not come first
    assert (late.refused, late.events) == ((), 4)
    assert history.fold(store.load("A").events).account_id == "A"


def test_a_fact_that_contradicts_the_history_is_refused_and_the_account_stays_readable() -> None:
    store, post = stored(facts(paid_on=DAY_ONE)), Post()
    other = a_payment("A", DAY_ONE, event_id="again", amount=1)
    more = a_payment("A", DAY_ONE, event_id="more", amount=2, payment_id="A-q")
    result = engine.record(store=store, events={"A": [other, more]})
    assert [(one.event_id, one.code) for one in result.refused] == [("again", "history.conflicting_fact")]
    assert result.events == 1
    run(store, post, days=1)
    assert [event.event_id for event in store.load("A").events if isinstance(event, PaymentReceived)] == [
        "A:paid",
        "more",
    ]


def test_one_event_id_for_two_accounts_costs_one_fact_and_not_the_import() -> None:
    store = stored(facts(), facts("B"))
    twice = {
        "A": [a_payment("A", DAY_ONE, event_id="bank-1")],
        "B": [a_payment("B", DAY_ONE, event_id="bank-1"), a_payment("B", DAY_ONE, payment_id="q", event_id="bank-2")],
    }
    result = engine.record(store=store, events=twice)
    assert result.events == 2
    assert [(one.account_id, one.event_id) for one in result.changed] == [("B", "bank-1")]


def test_an_account_that_cannot_be_read_at_delivery_holds_up_no_other() -> None:
    store, post = stored(facts(), facts("B")), Post()
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    newer = UnknownEvent(
        event_id="new",
        account_id="A",
        recorded_at=AT,
        effective_on=on,
        type_name="Newer",
        payload=b'{"account_id":"A","effective_on":"2026-03-04","event_id":"new","must_understand":true,'
        b'"recorded_at":"2026-03-01T05:00:00+00:00","type":"Newer"}',
        must_understand=True,
    )
    engine.record(store=store, events={"A": [newer]})
    noon = datetime(on.year, on.month, on.day, 11, tzinfo=UTC)
    carried = engine.deliver(store=store, outbox=store, messenger=post, renderer=Words(), strategy=STRATEGY, now=noon)
    assert [key for _, key in post.calls] == ["notice:B:0:reminder:friendly:email:1"]
    assert [(one.account_id, one.code) for one in carried.troubled] == [("A", "history.unknown_event")]


@pytest.mark.parametrize("who", ["messenger", "renderer"])
def test_an_adapter_that_raises_holds_up_no_other_account(who: str) -> None:
    class Breaks(Post):
        def send(self, notice: Notice, key: str) -> SendResult:
            if who == "messenger" and ":A:" in key:
                raise OSError("connection lost")
            return super().send(notice, key)

    class Mumbles(Words):
        def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
            if who == "renderer" and ":A:" in command.key:
                raise KeyError("salutation")
            return super().render(command, snapshot)

    store, post = stored(facts(), facts("B")), Breaks()
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    noon = datetime(on.year, on.month, on.day, 11, tzinfo=UTC)
    carried = engine.deliver(store=store, outbox=store, messenger=post, renderer=Mumbles(), strategy=STRATEGY, now=noon)
    assert [key for _, key in post.calls] == ["notice:B:0:reminder:friendly:email:1"]
    assert carried.handled == 2
    assert store.tally()["pending"] == 1


def test_a_provider_that_is_down_for_a_day_delays_the_notice_and_loses_none() -> None:
    days_down = {DAY_ONE + timedelta(days=3)}

    class Down(Post):
        def send(self, notice: Notice, key: str) -> SendResult:
            super().send(notice, key)
            return Rejected(code="421", is_permanent=False) if self.today in days_down else Accepted()

        today = DAY_ONE

    only_email = [one for one in facts() if one.event_id != "A:letter"]
    store, post = stored(only_email), Down()
    for day in range(6):
        post.today = DAY_ONE + timedelta(days=day)
        run(store, post, days=1, first=day)
    assert len({key for _, key in post.calls}) == 2
    (sent,) = [event for event in store.load("A").events if type(event).__name__ == "NoticeSent"]
    assert sent.effective_on == DAY_ONE + timedelta(days=4)


def test_a_debtor_far_in_the_east_is_reached_though_the_hours_of_the_day_are_over_when_the_run_begins() -> None:
    strategy = attrs.evolve(
        STRATEGY,
        contact=ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(8), end=time(18))]),
    )
    store, post = stored(facts(zone="Pacific/Auckland")), Post()
    for day in range(6):
        engine.run_day(
            store=store,
            outbox=store,
            messenger=post,
            renderer=Words(),
            strategy=strategy,
            as_of=DAY_ONE + timedelta(days=day),
        )
    assert [notice for notice, _ in post.calls] == ["friendly"]
    (sent,) = [event for event in store.load("A").events if type(event).__name__ == "NoticeSent"]
    assert isinstance(sent, NoticeSent)
    local = sent.sent_at.astimezone(ZoneInfo("Pacific/Auckland"))
    assert 8 <= local.hour <= 18
    assert (local.date() - (DAY_ONE + timedelta(days=3))).days <= 1


def test_an_earlier_day_that_is_run_after_a_later_one_reports_trouble_and_goes_on() -> None:
    store, post = stored(facts(), facts("B", paid_on=DAY_ONE)), Post()
    run(store, post, days=1, first=6)
    nudge = a_payment("A", DAY_ONE, event_id="small", amount=1, payment_id="A-small")
    engine.record(store=store, events={"A": [nudge], "B": [a_payment("B", DAY_ONE, event_id="b2", payment_id="b2")]})
    on = DAY_ONE + timedelta(days=3)
    result = engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    assert [(one.account_id, one.code) for one in result.troubled] == [("A", "store.duplicate_key")]
    assert result.looked == 2
    assert len(post.calls) == 1


def test_an_account_in_trouble_is_named_once_in_a_day_of_many_passes() -> None:
    store = stored(facts("B"), facts("C", zone="America/New_York"))
    other = parse('name = "other"\nversion = "1"')
    engine.collect(store=store, strategy=other, as_of=DAY_ONE, now=engine.run_instant(DAY_ONE))
    engine.record(store=store, events={"A": facts(), "D": facts("D", zone="America/New_York")})
    nudges = {name: [a_payment(name, DAY_ONE, amount=1)] for name in ("B", "C")}
    engine.record(store=store, events=nudges)
    decided, _ = engine.run_day(
        store=store,
        outbox=store,
        messenger=Post(),
        renderer=Words(),
        strategy=STRATEGY,
        as_of=DAY_ONE + timedelta(days=3),
    )
    assert [one.account_id for one in decided.troubled] == ["B", "C"]


def test_a_notice_of_yesterday_that_is_stopped_early_takes_no_look_of_today_away() -> None:
    store, post = stored(facts()), Post()
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    next_day = on + timedelta(days=1)
    early = datetime(next_day.year, next_day.month, next_day.day, 5, tzinfo=UTC)
    carried = engine.deliver(store=store, outbox=store, messenger=post, renderer=Words(), strategy=STRATEGY, now=early)
    assert carried.suppressed == 1
    assert store.due(as_of=next_day) == ("A",)


def test_a_row_whose_workers_died_time_and_again_is_stopped_in_the_open_and_tried_another_day() -> None:
    store, post = stored(facts()), Post()
    on = DAY_ONE + timedelta(days=3)
    engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    now = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    for _ in range(engine.MAX_TRIES + 1):
        assert store.claim(worker="dies", now=now, lease_seconds=60)
        now += timedelta(minutes=2)
    engine.deliver(store=store, outbox=store, messenger=post, renderer=Words(), strategy=STRATEGY, now=now)
    assert kinds(store)[-1] == "NoticeSuppressed"
    assert post.calls == []
    run(store, post, days=1, first=4)
    assert [notice for notice, _ in post.calls] == ["friendly"]


def test_a_damaged_history_is_reported_and_holds_up_no_other() -> None:
    class Damaged(MemoryStore):
        def load_many(self, account_ids: Iterable[str]) -> tuple[Loaded, ...]:
            ids = tuple(account_ids)
            if "A" in ids:
                raise StoreCorrupt("store.corrupt", "account A: event 1 cannot be read")
            return super().load_many(ids)

    store = Damaged()
    engine.record(store=store, events={"B": facts("B")})
    store.commit(
        Batch(account_id="A", expected_version=0, command_id="a", command_hash="", events=facts(), review_on=DAY_ONE)
    )
    on = DAY_ONE + timedelta(days=3)
    result = engine.collect(store=store, strategy=STRATEGY, as_of=on, now=engine.run_instant(on))
    assert [(one.account_id, one.code) for one in result.troubled] == [("A", "store.corrupt")]
    assert result.looked == 2


def test_the_same_facts_written_down_on_a_later_day_contradict_nothing() -> None:
    store = stored(facts())
    later = [attrs.evolve(one, recorded_at=AT + timedelta(days=1)) for one in facts()]
    again = engine.record(store=store, events={"A": later})
    assert (again.events, again.known, again.changed, again.refused) == (0, 4, (), ())


def test_a_strategy_that_asks_for_a_score_is_refused_by_a_run_that_brings_none() -> None:
    asking = parse('name = "s"\nversion = "1"\n[[segments]]\nid = "risky"\nwhen = { score_max = 300 }')
    assert asking.asks_for("score")
    assert not STRATEGY.asks_for("score")
    with pytest.raises(InvalidPolicy, match="brings no scores"):
        engine.collect(store=stored(facts()), strategy=asking, as_of=DAY_ONE, now=engine.run_instant(DAY_ONE))
