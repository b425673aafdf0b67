"""A run may be killed between any two calls, and be shared by workers: each effect happens once, under one key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from collectkit import engine
from collectkit.adapters.memory import MemoryStore
from collectkit.adapters.sql import SqlStore
from collectkit.core.decisions import Accepted, SendResult, Unknown
from collectkit.core.errors import StoreBusy
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

DUE = date(2026, 3, 2)
AT = datetime(2026, 3, 1, 5, tzinfo=UTC)
DAYS = [DUE + timedelta(days=offset) for offset in (3, 8, 9, 14, 15, 20, 21)]

STRATEGY = parse(
    """
name = "run-laws"
version = "1"
[[stages]]
id = "reminder"
after = { past_due = { days = 3 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email"]
[[stages]]
id = "firm"
after = { past_due = { days = 9 } }
needs = [{ notice_delivered = "friendly", days_ago = 5 }]
  [[stages.steps]]
  notice = "firm"
  channels = ["email"]
  [[stages.steps]]
  command = "restrict-service"
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
    def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
        return Notice(notice=command.notice, channel=command.channel, locale="en", recipient="x@firm.example")


class World:
    """What lies outside the store: the provider and the host, each remembering the keys it was given."""

    def __init__(self, answer: Callable[[str, int], SendResult] = lambda _key, _turn: Accepted()) -> None:
        self.sent: list[str] = []
        self.commands: list[str] = []
        self._answer = answer

    def send(self, notice: Notice, key: str) -> SendResult:
        self.sent.append(key)
        return self._answer(key, self.sent.count(key))

    def take(self, command: Command) -> None:
        self.commands.append(command.key)


def facts(name: str) -> list[Event]:
    """A claim that is paid on the twentieth day, after two notices, a fee and a restriction."""

    def header(what: str, on: date) -> dict[str, Any]:
        return {"event_id": f"{name}:{what}", "account_id": name, "recorded_at": AT, "effective_on": on}

    start, paid_on = DUE - timedelta(days=14), DUE + timedelta(days=20)
    claim = Receivable(
        receivable_id=f"{name}-1", account_id=name, amount_original=Money(10000, "EUR"), issued_on=start, due_on=DUE
    )
    payment = Payment(payment_id=f"{name}-p", account_id=name, amount=Money(10000, "EUR"), received_on=paid_on)
    directed = attrs.evolve(payment, receivable_ids=[claim.receivable_id])
    point = ContactPoint(contact_point_id="E", channel="email", address="x@firm.example")
    debtor = Debtor(debtor_id=f"D{name}", kind="business", zones=["Europe/Berlin"])
    return [
        AccountOpened(
            **header("open", start), account=Account(account_id=name, debtor_id=debtor.debtor_id), debtor=debtor
        ),
        ContactPointAdded(**header("email", start), contact_point=point),
        ReceivableIssued(**header("claim", start), receivable=claim),
        PaymentReceived(**header("paid", paid_on), payment=directed),
    ]


def run(store: Any, world: Any, days: list[date]) -> None:
    for day in days:
        engine.run_day(
            store=store,
            outbox=store,
            messenger=world,
            renderer=Words(),
            strategy=STRATEGY,
            as_of=day,
            on_command=world.take,
        )


EFFECTS = ("ChargePosted", "NoticeRequested", "CommandIssued", "Cured", "NoticeSent", "NoticeSuppressed")


def effects(store: Any, names: str = "A") -> list[tuple[str, date, str]]:
    found = [event for name in names for event in store.load(name).events if type(event).__name__ in EFFECTS]
    return sorted((type(event).__name__, event.effective_on, event.event_id) for event in found)


# -- killed between any two calls ------------------------------------------------------------------------------


class Killed(BaseException):
    """The process dies here; nothing may catch it."""


class Mortal:
    """Passes calls on to the store or the world, and dies at one of them: before it was made, or before it was heard."""

    def __init__(self, inner: Any, clock: list[int], *, at: int, before: bool) -> None:
        self._inner, self._clock, self._at, self._before = inner, clock, at, before

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._clock[0] += 1
            is_end = self._clock[0] == self._at
            if is_end and self._before:
                raise Killed
            answer = method(*args, **kwargs)
            if is_end:
                raise Killed
            return answer

        return call


@contextmanager
def a_store(kind: str, folder: Path, number: int = 0) -> Iterator[Any]:
    if kind == "memory":
        yield MemoryStore()
        return
    store = SqlStore(f"sqlite:///{folder}/{number}.db")
    try:
        yield store
    finally:
        store.close()


def lived(store: Any, *, at: int, before: bool) -> tuple[World, bool]:
    """Run all days; die once at the call of that number; start again on the day of the death with nothing remembered."""
    world, clock = World(), [0]
    mortal = Mortal(store, clock, at=at, before=before)
    outside = Mortal(world, clock, at=at, before=before)
    died = False
    try:
        engine.record(store=mortal, events={"A": facts("A")})
    except Killed:
        died = True
        engine.record(store=store, events={"A": facts("A")})
    for day in DAYS:
        try:
            run(mortal, outside, [day])
        except Killed:
            died = True
            run(store, world, [day])
    return world, died


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("kind", "step"), [("memory", 1), ("sql", 9)])
def test_a_run_killed_at_any_call_and_started_again_ends_with_the_same_effects(
    kind: str, step: int, before: bool, tmp_path: Path
) -> None:
    with a_store(kind, tmp_path) as store:
        plain, _ = lived(store, at=0, before=before)
        expected = effects(store)
    assert [name for name, _, _ in expected].count("NoticeSent") == 3  # friendly, firm, thanks
    assert [name for name, _, _ in expected].count("CommandIssued") == 2  # restrict, restore
    at = 1
    while True:
        with a_store(kind, tmp_path, at) as store:
            world, died = lived(store, at=at, before=before)
            assert effects(store) == expected, at
            assert store.tally()["pending"] == 0, at
        assert sorted(set(world.sent)) == sorted(plain.sent), at
        assert len(world.sent) - len(plain.sent) <= 1, at  # at most the one call whose answer was lost, with its key
        assert sorted(set(world.commands)) == sorted(plain.commands), at
        if not died:
            break
        at += step
    assert at > 50


def test_an_outcome_that_stays_unknown_for_a_while_is_asked_for_with_one_key() -> None:
    store, world = MemoryStore(), World(lambda _key, turn: Unknown(code="timeout") if turn < 4 else Accepted())
    engine.record(store=store, events={"A": facts("A")})
    run(store, world, DAYS)
    assert {world.sent.count(key) for key in world.sent} == {4}
    assert len(set(world.sent)) == 3


# -- shared by workers -----------------------------------------------------------------------------------------


def test_two_workers_that_collect_and_deliver_at_once_do_each_thing_once(tmp_path: Path) -> None:
    names = "ABCDEF"
    with a_store("sql", tmp_path, 1) as store:
        engine.record(store=store, events={name: facts(name) for name in names})
        alone = World()
        run(store, alone, DAYS)
        expected = effects(store, names)
    failures: list[BaseException] = []
    with a_store("sql", tmp_path, 2) as first, a_store("sql", tmp_path, 2) as second:
        engine.record(store=first, events={name: facts(name) for name in names})
        worlds = [World(), World()]
        for day in DAYS:
            together = threading.Barrier(2)

            def work(store: Any, world: World, day: date = day, together: threading.Barrier = together) -> None:
                together.wait()
                try:
                    run(store, world, [day])
                except StoreBusy:
                    run(store, world, [day])
                except BaseException as failure:
                    failures.append(failure)

            threads = [threading.Thread(target=work, args=pair) for pair in zip((first, second), worlds, strict=True)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            run(first, worlds[0], [day])
        assert failures == []
        found = effects(first, names)
    keys = [event_id for _, _, event_id in found]
    assert len(set(keys)) == len(keys)
    assert found == expected
    assert {key for world in worlds for key in world.sent} == set(alone.sent)


# -- a strategy that is changed on the way ---------------------------------------------------------------------


def test_an_account_that_is_moved_to_another_version_repeats_nothing() -> None:
    newer = attrs.evolve(STRATEGY, version="2")
    store, world = MemoryStore(), World()
    engine.record(store=store, events={"A": facts("A")})
    run(store, world, DAYS[:2])
    for day in DAYS[2:]:
        engine.run_day(
            store=store,
            outbox=store,
            messenger=world,
            renderer=Words(),
            strategy=newer,
            as_of=day,
            may_move=True,
            on_command=world.take,
        )
    plain_store, plain = MemoryStore(), World()
    engine.record(store=plain_store, events={"A": facts("A")})
    run(plain_store, plain, DAYS)
    assert effects(store) == effects(plain_store)
    assert (world.sent, world.commands) == (plain.sent, plain.commands)
    assert [type(event).__name__ for event in store.load("A").events].count("StrategyMoved") == 2
