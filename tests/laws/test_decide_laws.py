"""What must hold for every history: deciding is pure, once, patient, and never later than it said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from collectkit import engine, escalation, history
from collectkit.adapters.memory import MemoryStore
from collectkit.core.codec import encode
from collectkit.core.decisions import Accepted, Batch, Rejected, SendResult
from collectkit.core.events import (
    AccountOpened,
    ApprovalGranted,
    CommandIssued,
    ContactPointAdded,
    CreditNoteCancelled,
    CreditNoteIssued,
    DisputeRaised,
    DisputeResolved,
    Event,
    FlagRaised,
    HoldPlaced,
    NoticeRequested,
    NoticeSent,
    OptedOut,
    PaymentReceived,
    PaymentReturned,
    PlanAgreed,
    PromiseMade,
    ReceivableIssued,
    SendNotice,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Approval,
    ContactPoint,
    CreditNote,
    Debtor,
    Dispute,
    Flag,
    Hold,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
)
from collectkit.ports import Notice
from collectkit.strategy import Strategy, decide, examine, parse

START = date(2026, 1, 5)
DAYS = 50
RECORDED = datetime(2026, 1, 1, tzinfo=UTC)

STRATEGY = parse(
    """
name = "laws"
version = "1"
materiality = { EUR = "3.00" }
[[segments]]
id = "chronic"
when = { late_ratio_min = "0.5", settled_count_min = 2 }
[[segments]]
id = "old"
when = { days_past_due_min = 25 }
[[stages]]
id = "pre-due"
after = { due_in = { days = 2 } }
  [[stages.steps]]
  notice = "pre-due"
  channels = ["email"]
[[stages]]
id = "reminder"
after = { past_due = { business_days = 3 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
  every_days = 9
  times = 2
  [[stages.steps]]
  day = 4
  task = "call"
[[stages]]
id = "final-demand"
after = { past_due = { days = 16 } }
needs = [{ notice_delivered = "friendly", days_ago = 6 }]
  [[stages.steps]]
  notice = "final-demand"
  channels = ["letter"]
  [[stages.steps]]
  day = 3
  command = "restrict-service"
[[stages]]
id = "legal"
after = { past_due = { days = 30 } }
needs = [{ notice_delivered = "final-demand", days_ago = 10 }, { approval = "manager" }, { arrears_min = { EUR = "20.00" } }]
  [[stages.steps]]
  task = "prepare-claim"
[[overlays]]
segment = "chronic"
  [[overlays.stages]]
  id = "reminder"
  after = { past_due = { days = 2 } }
[[charges]]
id = "late-fee"
kind = "percent"
rate = "0.05"
grace_days = 6
fee_cap = { EUR = "9.00" }
[[charges]]
id = "monthly"
kind = "flat"
amounts = { EUR = "1.00" }
once_per = "period"
period_days = 15
[[contact.hours]]
weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
start = "08:00"
end = "20:00"
[promises]
clearing_days = 1
[aftercare]
thanks = "thanks"
thanks_channels = ["email"]
broken_promise_task = "call-about-promise"
broken_plan_task = "review-plan"
missed_instalment_task = "call-about-instalment"
unreachable_task = "find"
"""
)

STRICT = parse(
    """
name = "strict"
version = "1"
materiality = { EUR = "3.00", USD = "4.00" }
[[segments]]
id = "frail"
when = { flag = "vulnerable" }
[[segments]]
id = "known"
when = { days_known_min = 120, days_past_due_min = 10 }
[[stages]]
id = "reminder"
after = { past_due = { business_days = 2 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
[[stages]]
id = "firm"
after = { past_due = { days = 9 } }
needs = [{ notice_delivered = "friendly", days_ago = 4 }, { arrears_min = { EUR = "10.00", USD = "12.00" } }]
  [[stages.steps]]
  notice = "firm"
  channels = ["email"]
  [[stages.steps]]
  day = 2
  command = "restrict-service"
[[stages]]
id = "legal"
after = { past_due = { days = 16 } }
needs = [{ approval = "manager" }]
  [[stages.steps]]
  notice = "claim"
  channels = ["letter"]
[[overlays]]
segment = "frail"
  [[overlays.stages]]
  id = "firm"
  drop_steps = ["restrict-service"]
[[charges]]
id = "fee"
kind = "percent"
rate = "0.02"
grace_days = 4
fee_cap = { EUR = "5.00", USD = "6.00" }
[[contact.hours]]
weekdays = ["monday", "tuesday", "wednesday", "friday"]
start = "09:00"
end = "17:00"
[[contact.caps]]
count_max = 1
days = 4
[[contact.caps]]
count_max = 2
days = 12
channels = ["email"]
[contact]
days_between_notices = 3
[contact.holidays]
holidays = ["2026-01-06", "2026-01-28", "2026-02-02"]
known_from_on = 2025-01-01
known_until_on = 2027-01-01
[promises]
clearing_days = 2
[aftercare]
thanks = "thanks"
thanks_channels = ["email"]
broken_promise_task = "call-about-promise"
unreachable_task = "find"
"""
)


COSTLY = parse(
    """
name = "costly"
version = "1"
packs = ["eu-late-payment", "uk-breathing-space"]
[[segments]]
id = "old"
when = { days_past_due_min = 15 }
[[stages]]
id = "reminder"
after = { past_due = { days = 2 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
  every_days = 7
  times = 3
  [[stages.steps]]
  day = 5
  command = "restrict-service"
[[charges]]
id = "reminder-fee"
kind = "flat"
amounts = { EUR = "2.50" }
once_per = "notice"
[[charges]]
id = "late-fee"
kind = "percent"
rate = "0.1"
grace_days = 3
yearly_cap = { EUR = "12.00" }
item_cap = { EUR = "6.00" }
once_per = "period"
period_days = 12
[[charges]]
id = "late-fee"
kind = "flat"
amounts = { EUR = "3.00" }
grace_days = 3
applies_to = { segments = ["old"] }
once_per = "period"
period_days = 12
[[charges]]
id = "missed"
kind = "flat"
amounts = { EUR = "1.50" }
once_per = "instalment"
[[charges]]
id = "interest"
kind = "interest"
rate = "0.6"
[[charges]]
id = "settled-interest"
kind = "interest"
rate = "0.3"
post_every_months = "settlement"
[[charges]]
id = "sum"
kind = "recovery_sum"
rule = "eu.lpd.compensation"
[[charges]]
id = "bounced"
kind = "returned_payment"
amounts = { EUR = "4.00" }
exclusive_with = ["late-fee"]
[[discounts]]
id = "early"
rate = "0.02"
discount_days = 8
net_days = 10
[aftercare]
thanks = "thanks"
thanks_channels = ["email"]
"""
)


class Words:
    def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
        return Notice(notice=command.notice, channel=command.channel, locale="en", recipient="x@firm.example")


class Post:
    def __init__(self, *, refuses_email: bool) -> None:
        self.refuses_email = refuses_email
        self.keys: list[str] = []

    def send(self, notice: Notice, key: str) -> SendResult:
        self.keys.append(key)
        if self.refuses_email and ":email:" in key:
            return Rejected(code="550", is_permanent=True)
        return Accepted()


days = st.integers(0, DAYS - 10)
cents = st.integers(1, 8000)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A few months of one account: claims, money, disputes, promises, plans, holds, in any mixture."""
    count = iter(range(1000))
    found: list[Event] = []

    def add(kind: type[Event], on: date, **fields: Any) -> None:
        event_id = f"e{next(count)}"
        found.append(kind(event_id=event_id, account_id="A", recorded_at=RECORDED, effective_on=on, **fields))

    def on(offset: int) -> date:
        return START + timedelta(days=offset)

    debtor = Debtor(debtor_id="D", kind="business", zones=["Europe/Berlin"])
    add(AccountOpened, START - timedelta(days=90), account=Account(account_id="A", debtor_id="D"), debtor=debtor)
    for channel in draw(st.lists(st.sampled_from(["email", "letter"]), unique=True)):
        point = ContactPoint(contact_point_id=channel, channel=channel, address="x@firm.example")
        add(ContactPointAdded, START - timedelta(days=80), contact_point=point)
    coins = st.sampled_from(["EUR", "EUR", "USD"])
    claims = draw(st.lists(st.tuples(st.integers(-60, 40), cents, coins), min_size=1, max_size=4))
    for number, (due, amount, coin) in enumerate(claims):
        claim = Receivable(
            receivable_id=f"R{number}",
            account_id="A",
            amount_original=Money(amount, coin),
            issued_on=on(due - 10),
            due_on=on(due),
        )
        add(ReceivableIssued, claim.issued_on, receivable=claim)
    names = [f"R{number}" for number in range(len(claims))]
    moved = st.sampled_from([0, 0, -8, 6])  # some are backdated, some post-dated
    for number, (offset, amount, back, coin, shift) in enumerate(
        draw(
            st.lists(
                st.tuples(st.integers(-50, DAYS - 10), cents, st.none() | st.integers(1, 20), coins, moved), max_size=4
            )
        )
    ):
        payment = Payment(
            payment_id=f"P{number}",
            account_id="A",
            amount=Money(amount, coin),
            received_on=on(offset),
            effective_on=on(offset + shift),
        )
        add(PaymentReceived, payment.effective_on, payment=payment)
        if back is not None:
            add(PaymentReturned, on(offset + back), payment_id=payment.payment_id)
    some = st.lists(st.sampled_from(names), unique=True, max_size=2)
    for number, (offset, held, lasts) in enumerate(
        draw(st.lists(st.tuples(days, some, st.none() | st.integers(1, 25)), max_size=1))
    ):
        dispute = Dispute(dispute_id=f"X{number}", account_id="A", raised_on=on(offset), receivable_ids=held)
        add(DisputeRaised, on(offset), dispute=dispute)
        if lasts is not None:
            add(DisputeResolved, on(offset + lasts), dispute_id=dispute.dispute_id)
    for number, (offset, amount, ahead) in enumerate(
        draw(st.lists(st.tuples(days, cents, st.integers(0, 15)), max_size=2))
    ):
        promise = PromiseToPay(
            promise_id=f"Q{number}",
            account_id="A",
            amount=Money(amount, "EUR"),
            made_on=on(offset),
            due_on=on(offset + ahead),
        )
        add(PromiseMade, on(offset), promise=promise)
    halted = st.sampled_from([(), (), ("friendly",), ("restrict-service", "call"), ("charges",)])
    kinds = st.sampled_from(["manual", "manual", "breathing_space"])
    for number, (offset, lasts, stopped, held, reason) in enumerate(
        draw(st.lists(st.tuples(days, st.none() | st.integers(1, 20), halted, some, kinds), max_size=1))
    ):
        hold = Hold(
            hold_id=f"H{number}",
            account_id="A",
            reason=reason,
            placed_on=on(offset - 45 if reason == "breathing_space" else offset),
            until_on=None if lasts is None else on(offset + lasts),
            stops=stopped,
            receivable_ids=held,
        )
        add(HoldPlaced, hold.placed_on, hold=hold)
    for offset, kind, lasts in draw(
        st.lists(
            st.tuples(days, st.sampled_from(["hardship", "insolvent", "vulnerable"]), st.integers(1, 30)), max_size=1
        )
    ):
        add(FlagRaised, on(offset), flag=Flag(kind=kind, since_on=on(offset), until_on=on(offset + lasts)))
    in_euro = [name for name, (_, _, coin) in zip(names, claims, strict=True) if coin == "EUR"]
    for number, (offset, parts, amount) in enumerate(
        draw(st.lists(st.tuples(days, st.integers(1, 3), cents), max_size=1 if in_euro else 0))
    ):
        plan = PlanAgreement(
            plan_id=f"PL{number}",
            account_id="A",
            covers=in_euro,
            agreed_on=on(offset),
            instalments=[
                PlannedInstalment(number=n + 1, due_on=on(offset + 7 * (n + 1)), amount=Money(amount, "EUR"))
                for n in range(parts)
            ],
            tolerance_days=2,
        )
        add(PlanAgreed, on(offset), plan=plan)
    for number, (offset, amount, lasts) in enumerate(
        draw(st.lists(st.tuples(days, cents, st.none() | st.integers(1, 20)), max_size=1))
    ):
        note = CreditNote(
            credit_note_id=f"C{number}", account_id="A", amount=Money(amount, "EUR"), issued_on=on(offset)
        )
        add(CreditNoteIssued, on(offset), credit_note=note)
        if lasts is not None:
            add(CreditNoteCancelled, on(offset + lasts), credit_note_id=note.credit_note_id)
    for offset, lasts in draw(st.lists(st.tuples(days, st.none() | st.integers(1, 15)), max_size=2)):
        approval = Approval(
            subject="legal",
            authority="manager",
            granted_by="m",
            granted_on=on(offset),
            until_on=None if lasts is None else on(offset + lasts),
        )
        add(ApprovalGranted, on(offset), approval=approval)
    for offset in draw(st.lists(days, max_size=1)):
        add(OptedOut, on(offset), contact_point_id="email")
    return found


def ran(
    events: list[Event],
    *,
    every_day: bool,
    refuses_email: bool,
    twice: bool = False,
    strategy: Strategy = STRATEGY,
    is_told_late: bool = False,
) -> tuple[list[Event], list[str]]:
    """Run the account from day to day: looking every day, or only when the store says that it is due.

    With `is_told_late` each fact is recorded on its day, and money on the day on which it comes in.
    """
    store, post = MemoryStore(), Post(refuses_email=refuses_email)
    if not is_told_late:
        engine.record(store=store, events={"A": events})
    for day in range(DAYS):
        as_of = START + timedelta(days=day)
        if is_told_late:
            news = [event for event in events if told_on(event) == as_of or (not day and told_on(event) < as_of)]
            engine.record(store=store, events={"A": news})
        if every_day:  # as if something had come up: the account is due today
            due_now = Batch(
                account_id="A",
                expected_version=store.load("A").version,
                command_id=f"due-{day}",
                command_hash="",
                review_on=as_of,
            )
            store.commit(due_now)
        for _ in range(2 if twice else 1):
            engine.run_day(store=store, outbox=store, messenger=post, renderer=Words(), strategy=strategy, as_of=as_of)
    return list(store.load("A").events), post.keys


def told_on(event: Event) -> date:
    return event.payment.received_on if isinstance(event, PaymentReceived) else event.effective_on


def effects(events: list[Event]) -> list[tuple[str, date, str]]:
    """What was done: each charge, notice, command and cure with its day and key; what was merely noted is left out."""
    kinds = (
        "ChargePosted",
        "ChargeWaived",
        "CreditNoteIssued",
        "NoticeRequested",
        "CommandIssued",
        "Cured",
        "NoticeSuppressed",
        "NoticeBounced",
    )
    found = []
    for event in events:
        if type(event).__name__ in kinds:
            found.append((type(event).__name__, event.effective_on, event.event_id))
    return found


GIVING = parse(
    """
name = "giving"
version = "1"
[[stages]]
id = "reminder"
after = { past_due = { days = 2 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
  every_days = 7
  times = 3
[[charges]]
id = "late-fee"
kind = "flat"
amounts = { EUR = "3.00", USD = "4.00" }
grace_days = 3
[[charges]]
id = "interest"
kind = "interest"
rate = "0.3"
post_every_months = 1
[[discounts]]
id = "early"
rate = "0.2"
discount_days = 8
net_days = 10
"""
)

STRATEGIES = pytest.mark.parametrize(
    "strategy", [STRATEGY, STRICT, COSTLY, GIVING], ids=["plain", "strict", "costly", "giving"]
)


@STRATEGIES
@given(events=histories(), refuses_email=st.booleans(), late=st.booleans())
@settings(max_examples=12)
def test_looking_only_when_due_does_the_same_on_the_same_days_as_looking_daily(
    strategy: Strategy, events: list[Event], refuses_email: bool, late: bool
) -> None:
    how: dict[str, Any] = {"refuses_email": refuses_email, "strategy": strategy, "is_told_late": late}
    seldom, _ = ran(events, every_day=False, **how)
    daily, _ = ran(events, every_day=True, **how)
    assert effects(seldom) == effects(daily)


@STRATEGIES
@given(events=histories(), refuses_email=st.booleans(), late=st.booleans())
@settings(max_examples=9)
def test_running_every_day_twice_does_what_running_once_does(
    strategy: Strategy, events: list[Event], refuses_email: bool, late: bool
) -> None:
    how: dict[str, Any] = {"refuses_email": refuses_email, "strategy": strategy, "is_told_late": late}
    once, keys = ran(events, every_day=True, **how)
    twice, keys_twice = ran(events, every_day=True, twice=True, **how)
    assert effects(once) == effects(twice)
    assert keys == keys_twice
    assert len(set(keys)) == len(keys)


@given(events=histories())
@settings(max_examples=40)
def test_deciding_is_pure_and_the_order_in_which_facts_are_known_does_not_matter(events: list[Event]) -> None:
    in_order = (AccountOpened, ContactPointAdded, OptedOut)  # a later record of master data replaces an earlier one
    first = [event for event in events if isinstance(event, in_order)]
    others = [event for event in events if not isinstance(event, in_order)]
    for day in (0, 20, 45, DAYS):
        as_of = START + timedelta(days=day)
        one = decide(strategy=STRATEGY, snapshot=history.snapshot(events, as_of=as_of))
        again = decide(strategy=STRATEGY, snapshot=history.snapshot([*first, *reversed(others)], as_of=as_of))
        assert encode(one) == encode(again)


@given(events=histories(), offset=st.integers(0, DAYS))
@settings(max_examples=60)
def test_every_decision_explains_itself_and_looks_ahead_only(events: list[Event], offset: int) -> None:
    as_of = START + timedelta(days=offset)
    decision = decide(strategy=STRATEGY, snapshot=history.snapshot(events, as_of=as_of))
    assert {reason.code for reason in decision.reasons} >= {"escalation.stage"}
    assert decision.review_on is None or decision.review_on > as_of
    assert sum(isinstance(command, SendNotice) for command in decision.commands) <= 1


@given(events=histories(), offset=st.integers(0, DAYS))
@settings(max_examples=60)
def test_nothing_is_asked_for_and_nothing_charged_where_nothing_is_owed(events: list[Event], offset: int) -> None:
    as_of = START + timedelta(days=offset)
    paid = Payment(
        payment_id="ALL", account_id="A", amount=Money(10**9, "EUR"), received_on=as_of - timedelta(days=100)
    )
    everything = PaymentReceived(
        event_id="all", account_id="A", recorded_at=RECORDED, effective_on=paid.received_on, payment=paid
    )
    free = [event for event in events if type(event).__name__ != "DisputeRaised"]
    dollars = attrs.evolve(
        everything, event_id="usd", payment=attrs.evolve(paid, payment_id="USD", amount=Money(10**9, "USD"))
    )
    decision = decide(strategy=STRATEGY, snapshot=history.snapshot([*free, everything, dollars], as_of=as_of))
    assert (decision.charges, decision.commands, decision.arrears) == ((), (), ())


@given(events=histories(), offset=st.integers(0, DAYS), amount=cents)
def test_paying_more_never_makes_the_stage_worse(events: list[Event], offset: int, amount: int) -> None:
    as_of = START + timedelta(days=offset)
    order = ["current", "grace", "pre-due", "reminder", "final-demand", "legal"]
    plain = [event for event in events if type(event).__name__ not in ("PlanAgreed", "PromiseMade", "PaymentReturned")]
    more = Payment(payment_id="MORE", account_id="A", amount=Money(amount, "EUR"), received_on=as_of)
    extra = PaymentReceived(event_id="more", account_id="A", recorded_at=RECORDED, effective_on=as_of, payment=more)
    before = decide(strategy=STRATEGY, snapshot=history.snapshot(plain, as_of=as_of))
    after = decide(strategy=STRATEGY, snapshot=history.snapshot([*plain, extra], as_of=as_of))
    if before.segment == after.segment:  # a late payment may itself move a debtor among the chronic payers
        assert order.index(after.stage) <= order.index(before.stage) or after.stage == "pre-due"


@given(events=histories(), refuses_email=st.booleans())
@settings(max_examples=20)
def test_no_day_of_a_run_passes_a_cap_an_hour_a_hold_or_an_order(events: list[Event], refuses_email: bool) -> None:
    done, _ = ran(events, every_day=False, refuses_email=refuses_email, strategy=STRICT)
    asked = {event.notice.key: event.notice for event in done if isinstance(event, NoticeRequested)}
    sent = sorted(
        (event.sent_at.astimezone(ZoneInfo("Europe/Berlin")), event.key)
        for event in done
        if isinstance(event, NoticeSent)
    )
    days = [at.date() for at, _ in sent]
    assert all((later - earlier).days >= 4 for earlier, later in pairwise(days))
    for at, key in sent:
        notice = asked[key]
        look = examine(strategy=STRICT, snapshot=history.snapshot(_before(done, key), as_of=at.date()))
        if notice.channel.value == "email":
            assert at.weekday() in (0, 1, 2, 4)
            assert 9 <= at.hour <= 17
            assert at.date() not in (date(2026, 1, 6), date(2026, 1, 28), date(2026, 2, 2))
        if notice.notice != "thanks":
            assert not [hold for hold in look.account_holds if not hold.stops]
            assert {escalation.item_ref(item) for item in look.actionable} & set(notice.receivable_ids)
    for event in done:
        if isinstance(event, CommandIssued) and event.command == "restrict-service":
            told = [
                key for at, key in sent if asked[key].notice in ("firm", "claim") and at.date() <= event.effective_on
            ]
            assert told


def _before(events: list[Event], key: str) -> list[Event]:
    """Leave out what came of a notice and all that followed it."""
    place = next(number for number, event in enumerate(events) if isinstance(event, NoticeSent) and event.key == key)
    return events[:place]
