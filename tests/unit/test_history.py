"""History: from recorded events to the facts as of a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core import events as ev
from collectkit.core.codec import decode_event, encode
from collectkit.core.errors import CollectkitError, HistoryError, InvalidDate
from collectkit.core.money import Money
from collectkit.core.records import (
    Approval,
    Channel,
    ContactAttempt,
    ContactOutcome,
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
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
    Waiver,
)
from collectkit.history import apply, fold, last_decided, next_fact_on, snapshot, timeline
from collectkit.testing.cases import DAY, NOON, opening

OPENED = opening("A-1", receivables=0).events[0]
EUR = Money(1000, "EUR")


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def event(kind: type[ev.Event], on: int, name: str = "", /, **what) -> ev.Event:
    return kind(
        event_id=name or f"{kind.__name__}:{on}", account_id="A-1", recorded_at=NOON, effective_on=day(on), **what
    )


def shown(*events: ev.Event, on: int):
    return snapshot([OPENED, *events], as_of=day(on))


NOTICE = NoticeRecord(
    key="n-1",
    notice="friendly",
    stage="reminder",
    step="0",
    channel=Channel.EMAIL,
    cycle=0,
    requested_on=day(0),
    contact_point_id="c-1",
)
POINT = ContactPoint(contact_point_id="c-1", channel=Channel.EMAIL, address="a@host.example")


# -- what is dated later does not exist yet ------------------------------------------------------------------------


RECEIVABLE = Receivable(receivable_id="r", account_id="A-1", amount_original=EUR, issued_on=day(3), due_on=day(9))
PAYMENT = Payment(payment_id="p", account_id="A-1", amount=EUR, received_on=day(1), effective_on=day(3))
CREDIT = CreditNote(credit_note_id="c", account_id="A-1", amount=EUR, issued_on=day(3))
WAIVER = Waiver(waiver_id="w", receivable_id="r", amount=EUR, waived_on=day(3), reason="goodwill", authority="manager")
DISPUTE = Dispute(dispute_id="d", account_id="A-1", raised_on=day(3))
HOLD = Hold(hold_id="h", account_id="A-1", reason=HoldReason.MANUAL, placed_on=day(3), until_on=day(30))
PROMISE = PromiseToPay(promise_id="p", account_id="A-1", amount=EUR, made_on=day(3), due_on=day(9))
PLAN = PlanAgreement(
    plan_id="l",
    account_id="A-1",
    covers=("r",),
    agreed_on=day(3),
    instalments=(PlannedInstalment(number=1, due_on=day(9), amount=EUR),),
)
APPROVAL = Approval(subject="legal", authority="manager", granted_by="u-1", granted_on=day(3))
ATTEMPT = ContactAttempt(
    attempt_id="t", account_id="A-1", channel=Channel.PHONE, at=NOON, outcome=ContactOutcome.NO_ANSWER
)


@pytest.mark.parametrize(
    ("fact", "place"),
    [
        (event(ev.ReceivableIssued, 0, receivable=RECEIVABLE), "receivables"),
        (event(ev.PaymentReceived, 0, payment=PAYMENT), "payments"),
        (event(ev.CreditNoteIssued, 0, credit_note=CREDIT), "credit_notes"),
        (event(ev.ChargeWaived, 0, waiver=WAIVER), "waivers"),
        (event(ev.DisputeRaised, 0, dispute=DISPUTE), "disputes"),
        (event(ev.HoldPlaced, 0, hold=HOLD), "holds"),
        (event(ev.PromiseMade, 0, promise=PROMISE), "promises"),
        (event(ev.PlanAgreed, 0, plan=PLAN), "plans"),
        (event(ev.ApprovalGranted, 0, approval=APPROVAL), "approvals"),
        (event(ev.NoticeRequested, 0, notice=attrs.evolve(NOTICE, requested_on=day(3))), "notices"),
        (event(ev.ContactAttempted, 3, attempt=ATTEMPT), "attempts"),
        (event(ev.ContactPointAdded, 3, contact_point=POINT), "contact_points"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fact_shows_from_its_own_day_on(fact, place):
    assert getattr(shown(fact, on=2), place) == ()
    assert len(getattr(shown(fact, on=3), place)) == 1
    assert next_fact_on([OPENED, fact], after=day(2)) == day(3)


@pytest.mark.parametrize(
    ("start", "end", "place", "field"),
    [
        (event(ev.PaymentReceived, 0, payment=PAYMENT), event(ev.PaymentReturned, 7, payment_id="p"), "payments", "returned_on"),
        (event(ev.CreditNoteIssued, 0, credit_note=CREDIT), event(ev.CreditNoteCancelled, 7, credit_note_id="c"), "credit_notes", "cancelled_on"),
        (event(ev.DisputeRaised, 0, dispute=DISPUTE), event(ev.DisputeResolved, 7, dispute_id="d"), "disputes", "resolved_on"),
        (event(ev.PromiseMade, 0, promise=PROMISE), event(ev.PromiseWithdrawn, 7, promise_id="p"), "promises", "withdrawn_on"),
        (event(ev.PlanAgreed, 0, plan=PLAN), event(ev.PlanCancelled, 7, plan_id="l"), "plans", "cancelled_on"),
    ],
    ids=["payment", "credit note", "dispute", "promise", "plan"],
)  # fmt: skip
def test_an_end_shows_from_its_own_day_on_whichever_came_first(start, end, place, field):
    for order in ((start, end), (end, start)):
        assert getattr(getattr(shown(*order, on=6), place)[0], field) is None
        assert getattr(getattr(shown(*order, on=7), place)[0], field) == day(7)
    assert next_fact_on([OPENED, start, end], after=day(3)) == day(7)


def test_an_end_that_the_record_itself_carries_is_hidden_until_its_day():
    returned = event(ev.PaymentReceived, 0, payment=attrs.evolve(PAYMENT, returned_on=day(7)))
    assert shown(returned, on=6).payments[0].returned_on is None
    assert shown(returned, on=7).payments[0].returned_on == day(7)
    assert next_fact_on([OPENED, returned], after=day(3)) == day(7)


def test_the_earliest_of_two_reported_ends_counts():
    received = event(ev.PaymentReceived, 0, payment=PAYMENT)
    ends = [event(ev.PaymentReturned, on, payment_id="p") for on in (9, 7)]
    assert shown(received, *ends, on=20).payments[0].returned_on == day(7)


def test_an_end_before_its_beginning_is_taken_as_the_beginning():
    raised = event(ev.DisputeRaised, 0, dispute=DISPUTE)
    assert shown(raised, event(ev.DisputeResolved, 1, dispute_id="d"), on=9).disputes[0].resolved_on == day(3)


def test_a_payment_that_counts_before_it_came_in_is_not_returned_before_it_came_in():
    early = attrs.evolve(PAYMENT, received_on=day(5), effective_on=day(1))
    received, returned = event(ev.PaymentReceived, 0, payment=early), event(ev.PaymentReturned, 2, payment_id="p")
    assert shown(received, returned, on=4).payments[0].returned_on is None
    assert shown(received, returned, on=5).payments[0].returned_on == day(5)
    assert next_fact_on([OPENED, received, returned], after=day(2)) == day(5)


def test_a_hold_keeps_its_planned_end_until_it_is_released():
    placed, released = event(ev.HoldPlaced, 0, hold=HOLD), event(ev.HoldReleased, 7, hold_id="h")
    assert shown(placed, released, on=6).holds[0].until_on == day(30)
    assert shown(placed, released, on=7).holds[0].until_on == day(7)
    late = event(ev.HoldReleased, 40, hold_id="h")
    assert shown(placed, late, on=50).holds[0].until_on == day(30)


def test_a_post_dated_payment_counts_from_the_day_on_which_it_takes_effect():
    received = event(ev.PaymentReceived, 0, payment=PAYMENT)
    assert shown(received, on=1).payments == ()
    assert shown(received, on=3).payments == (PAYMENT,)


def test_a_posted_charge_is_a_receivable_under_its_key():
    fee = Receivable(
        receivable_id="f", account_id="A-1", amount_original=EUR, issued_on=day(3), due_on=day(3), component="fee"
    )
    posted = event(ev.ChargePosted, 3, key="fee:A-1:r:late:1", rule="late", receivable=fee)
    assert shown(posted, on=3).receivables[0].charge_key == "fee:A-1:r:late:1"


# -- notices -------------------------------------------------------------------------------------------------------


ASKED = event(ev.NoticeRequested, 0, notice=NOTICE)
SENT = event(ev.NoticeSent, 1, key="n-1", sent_at=NOON + timedelta(days=1))
ADDED = event(ev.ContactPointAdded, -5, contact_point=POINT)


def test_a_notice_goes_from_requested_over_sent_to_delivered():
    delivered = event(ev.NoticeDelivered, 2, key="n-1")
    assert shown(ASKED, SENT, delivered, on=0).notices[0].is_pending
    assert shown(ASKED, SENT, delivered, on=1).notices[0].delivered_on == day(1)
    assert shown(ASKED, SENT, delivered, on=2).notices[0].delivered_on == day(2)


def test_a_sent_notice_is_one_contact_attempt_however_often_it_was_handed_over():
    again = event(ev.NoticeSent, 2, key="n-1", sent_at=NOON + timedelta(days=2))
    for order in ((SENT, again), (again, SENT)):
        (attempt,) = shown(ASKED, *order, on=5).attempts
        assert (attempt.at, attempt.outcome, attempt.channel) == (NOON + timedelta(days=1), "sent", "email")
    assert shown(ASKED, SENT, on=0).attempts == ()


def test_a_sent_notice_that_nobody_requested_is_no_attempt():
    assert shown(SENT, on=5).attempts == ()


def test_a_notice_that_was_sent_before_it_was_recorded_here_keeps_its_days():
    old = attrs.evolve(NOTICE, sent_on=day(1), sent_at=NOON, reported_delivered_on=day(2))
    asked = event(ev.NoticeRequested, 0, notice=old)
    assert shown(asked, on=0).notices[0].sent_at is None
    assert shown(asked, on=1).notices[0].sent_at == NOON
    assert len(shown(asked, on=1).attempts) == 1


def test_a_permanent_bounce_ends_the_use_of_the_address_from_that_day():
    bounced = event(ev.NoticeBounced, 3, key="n-1")
    for order in ((ADDED, ASKED, SENT, bounced), (ADDED, bounced, ASKED, SENT)):
        after = shown(*order, on=3)
        assert after.notices[0].delivered_on is None
        assert not after.contact_points[0].is_usable(day(3))
        assert shown(*order, on=2).contact_points[0].is_usable(day(2))


def test_a_temporary_bounce_leaves_the_address_usable():
    bounced = event(ev.NoticeBounced, 3, key="n-1", is_permanent=False)
    assert shown(ADDED, ASKED, bounced, on=3).contact_points[0].is_usable(day(3))


def test_a_suppressed_notice_is_neither_pending_nor_delivered():
    stopped = event(ev.NoticeSuppressed, 1, key="n-1", reason="contact.opted_out")
    notice = shown(ASKED, stopped, on=1).notices[0]
    assert (notice.is_pending, notice.delivered_on) == (False, None)


# -- addresses -----------------------------------------------------------------------------------------------------


def test_a_dead_address_that_is_merely_repeated_stays_dead():
    dead = event(ev.ContactPointInvalidated, 1, contact_point_id="c-1")
    again = event(ev.ContactPointAdded, 2, contact_point=attrs.evolve(POINT, rank=2))
    (point,) = shown(ADDED, dead, again, on=9).contact_points
    assert (point.rank, point.invalid_since_on) == (2, day(1))


def test_another_address_under_the_same_id_is_usable():
    dead = event(ev.ContactPointInvalidated, 1, contact_point_id="c-1")
    moved = event(ev.ContactPointAdded, 2, contact_point=attrs.evolve(POINT, address="b@host.example"))
    assert shown(ADDED, dead, moved, on=9).contact_points[0].is_usable(day(9))


def test_an_opt_out_stands_until_a_later_consent():
    out = event(ev.OptedOut, 1, contact_point_id="c-1")
    again = event(ev.ContactPointAdded, 2, contact_point=POINT)
    consented = event(ev.ContactPointAdded, 3, "x", contact_point=attrs.evolve(POINT, consent_on=day(3)))
    assert not shown(ADDED, out, again, on=9).contact_points[0].is_usable(day(9))
    assert not shown(ADDED, out, consented, on=2).contact_points[0].is_usable(day(2))
    assert shown(ADDED, out, consented, on=9).contact_points[0].is_usable(day(9))


def test_an_address_change_recorded_late_does_not_undo_a_newer_one():
    newer = event(ev.ContactPointAdded, 5, contact_point=attrs.evolve(POINT, address="new@host.example"))
    older = event(ev.ContactPointAdded, 3, contact_point=attrs.evolve(POINT, address="old@host.example"))
    assert shown(ADDED, newer, older, on=9).contact_points[0].address == "new@host.example"


# -- the debtor ----------------------------------------------------------------------------------------------------

HARDSHIP = FlagKind.HARDSHIP
RAISED = event(ev.FlagRaised, 1, flag=Flag(kind=HARDSHIP, since_on=day(1)))


def changed(on: int, **what) -> ev.Event:
    return event(ev.DebtorChanged, on, debtor=attrs.evolve(OPENED.debtor, **what))


def test_master_data_read_as_of_their_day():
    events = (changed(5, locale="fr"), changed(3, locale="de"))
    assert [shown(*events, on=on).debtor.locale for on in (2, 3, 4, 5)] == ["en", "de", "de", "fr"]


def test_a_flag_raised_by_an_event_outlives_new_master_data():
    assert shown(RAISED, changed(5, locale="fr"), on=9).debtor.has_flag(HARDSHIP, day(9))


def test_clearing_ends_every_earlier_flag_of_the_kind():
    cleared = event(ev.FlagCleared, 7, kind=HARDSHIP)
    own = changed(2, flags=(Flag(kind=HARDSHIP, since_on=day(2)), Flag(kind=FlagKind.VULNERABLE, since_on=day(2))))
    assert shown(RAISED, own, cleared, on=6).debtor.has_flag(HARDSHIP, day(6))
    after = shown(RAISED, own, cleared, on=7).debtor
    assert not after.has_flag(HARDSHIP, day(7))
    assert after.has_flag(FlagKind.VULNERABLE, day(7))


def test_a_flag_raised_after_the_clearing_stands():
    cleared = event(ev.FlagCleared, 7, kind=HARDSHIP)
    anew = event(ev.FlagRaised, 7, flag=Flag(kind=HARDSHIP, since_on=day(7)))
    assert shown(RAISED, cleared, anew, on=7).debtor.has_flag(HARDSHIP, day(7))


# -- cycle, strategy, keys -----------------------------------------------------------------------------------------


def test_the_cycle_is_the_number_of_cures():
    cures = (event(ev.Cured, 1, cycle=0), event(ev.Cured, 5, cycle=1))
    assert [shown(*cures, on=on).cycle for on in (0, 1, 5)] == [0, 1, 2]


def test_the_pin_is_the_newest_move():
    def moved(on: int, letter: str) -> ev.Event:
        return event(ev.StrategyMoved, on, letter, strategy_name="s", strategy_version="1", strategy_hash=letter * 64)

    assert shown(on=9).strategy_hash is None
    moves = (moved(5, "b"), moved(1, "a"), moved(5, "c"))
    assert [shown(*moves, on=on).strategy_hash for on in (0, 4, 5)] == [None, "a" * 64, "c" * 64]


def test_keys_of_issued_commands_are_known():
    issued = event(ev.CommandIssued, 2, key="task:1", command="raise-task", stage="legal")
    assert shown(issued, on=1).issued_keys == frozenset()
    assert shown(issued, on=2).issued_keys == {"task:1"}


def test_the_last_decision_is_told_and_read_by_no_rule():
    decisions = [
        event(ev.Decided, on, stage=str(on), segment="s", strategy_hash="h", decision_hash="h") for on in (1, 2)
    ]
    assert last_decided(fold([OPENED, *decisions])) == decisions[1]
    assert last_decided(fold([OPENED])) is None
    assert shown(*decisions, on=9) == shown(on=9)


# -- refusing ------------------------------------------------------------------------------------------------------


def code(work) -> str:
    with pytest.raises(CollectkitError) as refused:
        work()
    return refused.value.code


def test_an_account_that_was_not_opened_is_unknown():
    assert code(lambda: fold([])) == "history.unknown_account"
    assert code(lambda: fold([RAISED, OPENED])) == "history.unknown_account"
    assert code(lambda: apply(None, RAISED)) == "history.unknown_account"


def test_an_event_of_another_account_is_refused():
    assert code(lambda: fold([OPENED, attrs.evolve(RAISED, account_id="A-2")])) == "history.foreign_event"
    foreign = event(ev.ContactAttempted, 0, attempt=attrs.evolve(ATTEMPT, account_id="A-2"))
    assert code(lambda: fold([OPENED, foreign])) == "history.foreign_event"
    other = event(ev.DebtorChanged, 0, debtor=Debtor(debtor_id="D-9", kind="business"))
    assert code(lambda: fold([OPENED, other])) == "history.foreign_event"


def test_a_fact_that_comes_again_with_other_content_is_refused():
    first = event(ev.PaymentReceived, 0, payment=PAYMENT)
    same = attrs.evolve(first, event_id="again")
    assert shown(first, same, on=9).payments == (PAYMENT,)
    other = attrs.evolve(same, payment=attrs.evolve(PAYMENT, amount=Money(1, "EUR")))
    assert code(lambda: fold([OPENED, first, other])) == "history.conflicting_fact"
    again = attrs.evolve(OPENED, event_id="again")
    assert fold([OPENED, again]).version == 2
    renamed = attrs.evolve(again, debtor=attrs.evolve(OPENED.debtor, locale="fr"))
    assert code(lambda: fold([OPENED, renamed])) == "history.conflicting_fact"


def test_an_instant_is_no_day():
    with pytest.raises(InvalidDate):
        snapshot([OPENED], as_of=datetime(2026, 3, 12, 12))  # noqa: DTZ001 - what is refused


def newer(must_understand: bool | None, on: int = 3) -> ev.Event:
    data = encode(event(ev.NoteAdded, on, author="u", text="t")).replace(
        b'"type":"NoteAdded"', b'"type":"BadgeAwarded"'
    )
    if must_understand is not None:
        data = data.replace(b"{", b'{"must_understand":' + str(must_understand).lower().encode() + b",", 1)
    return decode_event(data)


@pytest.mark.parametrize("must_understand", [None, True])
def test_an_event_of_a_newer_release_stops_decisions_from_its_day_on(must_understand):
    unknown = newer(must_understand)
    assert shown(unknown, on=2).as_of == day(2)
    assert code(lambda: shown(unknown, on=3)) == "history.unknown_event"
    assert unknown in fold([OPENED, unknown]).events
    assert next_fact_on([OPENED, unknown], after=day(0)) == day(3)


def test_an_event_of_a_newer_release_may_say_that_it_can_be_passed_over():
    assert shown(newer(False), on=9) == shown(on=9)


def test_a_known_event_with_a_field_to_be_passed_over_counts_as_known():
    paid = encode(event(ev.PaymentReceived, 0, payment=PAYMENT))
    for spoilt in (
        paid.replace(b"{", b'{"memo":1,', 1),
        paid.replace(b'"payment":{', b'"payment":{"memo":1,"rate":1.5,'),
    ):
        kept = decode_event(spoilt.replace(b"{", b'{"must_understand":false,', 1))
        assert isinstance(kept, ev.UnknownEvent)
        assert shown(kept, on=9).payments == (PAYMENT,)
        stopping = decode_event(spoilt)
        assert code(lambda stopping=stopping: shown(stopping, on=9)) == "history.unknown_event"


# -- telling -------------------------------------------------------------------------------------------------------


def test_the_timeline_goes_by_the_day_from_which_a_fact_counts():
    lines = timeline([OPENED, event(ev.PaymentReceived, 5, payment=PAYMENT), RAISED])
    assert [(line.on, line.what) for line in lines] == [
        (DAY, "AccountOpened"),
        (day(1), "FlagRaised"),
        (day(5), "PaymentReceived"),
    ]
    assert lines[2].text == "p: 10.00 EUR"


def test_the_timeline_holds_nothing_personal():
    canary = "CANARY"
    person = attrs.evolve(OPENED, debtor=attrs.evolve(OPENED.debtor, name=canary))
    events = [
        person,
        event(ev.DebtorChanged, 1, debtor=person.debtor),
        event(ev.ContactPointAdded, 1, contact_point=attrs.evolve(POINT, address=canary)),
        event(ev.NoteAdded, 1, author="u-1", text=canary),
        event(ev.DisputeRaised, 1, dispute=attrs.evolve(DISPUTE, reason=canary)),
        event(ev.PromiseWithdrawn, 1, promise_id="p", reason=canary),
    ]
    assert canary not in repr(timeline(events))
    assert canary not in repr(fold(events)).replace(f"reason='{canary}'", "")


# -- laws ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 40))
def test_next_fact_never_goes_back(start):
    fact = event(ev.PaymentReceived, 0, payment=PAYMENT)
    state = fold([OPENED, fact])
    found = next_fact_on(state, after=day(start))
    assert next_fact_on(state, after=day(start)) == found
    assert found is None or found > day(start)


def test_an_error_is_of_the_house():
    assert issubclass(HistoryError, ValueError)
