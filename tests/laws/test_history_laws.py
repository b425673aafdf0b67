"""What holds for every history: applying twice is applying once, cuts do not show, order shows only where it may."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from collectkit.core import events as ev
from collectkit.core.codec import decode_event, encode
from collectkit.core.money import sum_by_currency
from collectkit.history import apply, fold, next_fact_on, snapshot, timeline
from collectkit.testing import strategies as cks

FEW = settings(max_examples=25)  # a history is many draws
# Kinds whose order of recording does not matter: each adds a dated fact and replaces none.
COMMUTING = (
    ev.ReceivableIssued,
    ev.PaymentReceived,
    ev.PaymentReturned,
    ev.CreditNoteIssued,
    ev.CreditNoteCancelled,
    ev.ChargePosted,
    ev.ChargeWaived,
    ev.DisputeRaised,
    ev.DisputeResolved,
    ev.HoldPlaced,
    ev.HoldReleased,
    ev.PromiseMade,
    ev.PromiseWithdrawn,
    ev.PlanAgreed,
    ev.PlanCancelled,
    ev.NoticeRequested,
    ev.NoticeSent,
    ev.NoticeDelivered,
    ev.NoticeBounced,
    ev.NoticeSuppressed,
    ev.ContactAttempted,
    ev.ApprovalGranted,
    ev.CommandIssued,
    ev.Cured,
    ev.Decided,
    ev.NoteAdded,
)


@FEW
@given(cks.histories(), st.data())
def test_l2_apply_idempotent(events, data):
    state = fold(events)
    again = data.draw(st.sampled_from(events))
    assert apply(state, again) is state
    assert fold([*events, again]) == state


@FEW
@given(cks.histories(), st.data(), cks.days())
def test_l11_fold_equals_snapshot_plus_tail(events, data, as_of):
    cut = data.draw(st.integers(1, len(events)))
    whole = fold(events)
    joined = fold(events[cut:], onto=fold(events[:cut]))
    assert joined == whole
    assert snapshot(joined, as_of=as_of) == snapshot(whole, as_of=as_of) == snapshot(events, as_of=as_of)


@FEW
@given(cks.histories(), st.data(), cks.days())
def test_folding_on_leaves_the_earlier_state_as_it_was(events, data, as_of):
    cut = data.draw(st.integers(1, len(events)))
    early = fold(events[:cut])
    before = snapshot(early, as_of=as_of)
    fold(events[cut:], onto=early)
    assert snapshot(early, as_of=as_of) == before
    assert early == fold(events[:cut])


@FEW
@given(cks.histories(kinds=COMMUTING), st.randoms(use_true_random=False), cks.days())
def test_i3_permutation_of_inbound_gives_same_final_state(events, dice, as_of):
    rest = list(events[1:])
    dice.shuffle(rest)
    assert snapshot([events[0], *rest], as_of=as_of) == snapshot(events, as_of=as_of)


@FEW
@given(cks.histories(), cks.days())
def test_what_is_stored_and_read_back_gives_the_same_facts(events, as_of):
    stored = [decode_event(encode(event)) for event in events]
    assert snapshot(stored, as_of=as_of) == snapshot(events, as_of=as_of)


@FEW
@given(cks.histories(), cks.days(), st.integers(1, 400))
def test_between_two_facts_nothing_changes(events, day, days):
    """Looking only on the days that `next_fact_on` names misses nothing."""
    state = fold(events)
    coming = next_fact_on(state, after=day)
    later = day + timedelta(days=days)
    assume(coming is None or later < coming)
    first, second = snapshot(state, as_of=day), snapshot(state, as_of=later)
    from attrs import evolve

    assert evolve(second, as_of=day) == first


@FEW
@given(cks.histories(), cks.days())
def test_l1_no_cent_is_lost_on_the_way_to_a_snapshot(events, as_of):
    facts = snapshot(events, as_of=as_of)
    issued = [e.receivable.amount_original for e in events
              if isinstance(e, (ev.ReceivableIssued, ev.ChargePosted)) and e.receivable.issued_on <= as_of]  # fmt: skip
    paid = [e.payment.amount for e in events if isinstance(e, ev.PaymentReceived) and e.payment.effective_on <= as_of]
    assert sum_by_currency(one.amount_original for one in facts.receivables) == sum_by_currency(issued)
    assert sum_by_currency(one.amount for one in facts.payments) == sum_by_currency(paid)


@FEW
@given(cks.histories(), cks.days())
def test_a_snapshot_knows_nothing_of_later_days(events, as_of):
    facts = snapshot(events, as_of=as_of)
    for payment in facts.payments:
        assert payment.effective_on <= as_of
        assert payment.returned_on is None or payment.returned_on <= as_of
    for dispute in facts.disputes:
        assert dispute.raised_on <= as_of
        assert dispute.resolved_on is None or dispute.resolved_on <= as_of
    for notice in facts.notices:
        for on in (
            notice.requested_on,
            notice.sent_on,
            notice.reported_delivered_on,
            notice.bounced_on,
            notice.suppressed_on,
        ):
            assert on is None or on <= as_of
        assert (notice.sent_on is None) == (notice.sent_at is None)
    assert all(flag.since_on <= as_of for flag in facts.debtor.flags)
    assert facts.cycle == sum(1 for e in events if isinstance(e, ev.Cured) and e.effective_on <= as_of)


@FEW
@given(cks.histories())
def test_every_event_has_its_line_in_the_timeline(events):
    lines = timeline(events)
    assert len(lines) == len(events)
    assert [line.on for line in lines] == sorted(event.effective_on for event in events)
