"""What a strategy file may say, and what is decided with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import attrs
import pytest

from collectkit import jurisdictions
from collectkit.contact import ContactHours, ContactPolicy
from collectkit.core.decisions import Defer, Keep, Suppress
from collectkit.core.errors import InvalidPolicy
from collectkit.core.events import (
    CreditNoteIssued,
    RaiseTask,
    RequestApproval,
    RestoreService,
    RestrictService,
    SendNotice,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Approval,
    ContactPoint,
    Debtor,
    Dispute,
    Flag,
    Hold,
    NoticeRecord,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
)
from collectkit.strategy import Strategy, decide, examine, load, offers_for, parse, revalidate, to_batch

DUE = date(2026, 3, 2)  # a Monday

STRATEGY = parse(
    """
name = "unit"
version = "1"
materiality = { EUR = "5.00" }

[[segments]]
id = "chronic"
when = { late_ratio_min = "0.5", settled_count_min = 2 }

[[stages]]
id = "pre-due"
after = { due_in = { days = 2 } }
  [[stages.steps]]
  notice = "pre-due"
  channels = ["email"]

[[stages]]
id = "reminder"
after = { past_due = { days = 5 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
  [[stages.steps]]
  day = 3
  task = "call"

[[stages]]
id = "final-demand"
after = { past_due = { days = 20 } }
needs = [{ notice_delivered = "friendly", days_ago = 10 }]
  [[stages.steps]]
  notice = "final-demand"
  channels = ["letter"]
  [[stages.steps]]
  day = 7
  command = "restrict-service"

[[stages]]
id = "legal"
after = { past_due = { days = 40 } }
needs = [{ notice_delivered = "final-demand", days_ago = 14 }, { approval = "manager" }]
  [[stages.steps]]
  task = "prepare-claim"

[[overlays]]
segment = "chronic"
  [[overlays.stages]]
  id = "reminder"
  after = { past_due = { days = 3 } }

[[charges]]
id = "late-fee"
kind = "flat"
amounts = { EUR = "7.50" }
grace_days = 10

[[contact.hours]]
weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
start = "08:00"
end = "20:00"

[promises]
clearing_days = 1

[[settlement]]
instalment_min = { EUR = "20.00" }
  [[settlement.authorities]]
  role = "collector"
  instalments_max = 6
  days_max = 200
  deferral_days_max = 31

[aftercare]
thanks = "thanks"
thanks_channels = ["email"]
broken_promise_task = "call-about-promise"
unreachable_task = "find-contact-details"
"""
)

EMAIL = ContactPoint(contact_point_id="E", channel="email", address="someone@firm.example")
LETTER = ContactPoint(contact_point_id="L", channel="letter", address="1 Some Street, Sometown")


def snapshot_on(on: date, **facts: object) -> AccountSnapshot:
    given: dict[str, object] = {
        "as_of": on,
        "account": Account(account_id="A", debtor_id="D"),
        "debtor": Debtor(debtor_id="D", kind="business", zones=["Europe/Berlin"], locale="de_DE"),
        "receivables": [receivable()],
        "contact_points": [EMAIL, LETTER],
    }
    return AccountSnapshot(**(given | facts))  # type: ignore[arg-type]


def receivable(name: str = "R", amount: str = "100.00", due_on: date = DUE, **more: object) -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A",
        amount_original=Money.of(amount, "EUR"),
        issued_on=due_on - timedelta(days=14),
        due_on=due_on,
        **more,  # type: ignore[arg-type]
    )


def sent(notice: str, stage: str, on: date, *, covers: tuple[str, ...] = ("R",), **more: object) -> NoticeRecord:
    given: dict[str, object] = {
        "key": f"notice:{notice}:{on}",
        "notice": notice,
        "stage": stage,
        "step": notice,
        "channel": "email",
        "cycle": 0,
        "requested_on": on,
        "sent_on": on,
        "receivable_ids": covers,
        "contact_point_id": "E",
    }
    return NoticeRecord(**(given | more))  # type: ignore[arg-type]


def paid(on: date, amount: str = "100.00") -> Payment:
    return Payment(payment_id=f"P{on}", account_id="A", amount=Money.of(amount, "EUR"), received_on=on)


def only_notice(snapshot: AccountSnapshot) -> SendNotice:
    (command,) = decide(strategy=STRATEGY, snapshot=snapshot).commands
    assert isinstance(command, SendNotice)
    return command


# -- where an account stands and what is done ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "stage"),
    [(-3, "current"), (-2, "pre-due"), (0, "pre-due"), (1, "grace"), (4, "grace"), (5, "reminder"), (400, "reminder")],
)
def test_after_means_at_or_past_and_a_stage_that_needs_a_notice_is_not_reached_without_it(
    days: int, stage: str
) -> None:
    decision = decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=days)))
    assert decision.stage == stage


def test_the_notice_of_a_stage_goes_through_the_first_usable_channel_in_the_debtors_hours() -> None:
    command = only_notice(snapshot_on(DUE + timedelta(days=5)))
    assert (command.notice, command.channel.value, command.contact_point_id) == ("friendly", "email", "E")
    assert command.earliest_at.isoformat() == "2026-03-07T08:00:00+01:00"
    assert command.latest_at.isoformat() == "2026-03-07T20:00:00+01:00"
    assert command.key == "notice:A:0:reminder:friendly:email:1"


def test_a_step_whose_day_was_missed_is_taken_late_and_says_so() -> None:
    decision = decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=45)))
    (command,) = decision.commands
    assert command.late_days == 40
    assert any("40 days after 2026-03-07" in reason.text for reason in decision.reasons)


def test_a_bounced_notice_goes_out_again_at_once_through_the_next_channel() -> None:
    on = DUE + timedelta(days=5)
    dead = attrs.evolve(EMAIL, invalid_since_on=on)
    bounced = sent("friendly", "reminder", on, sent_on=None, bounced_on=on)
    command = only_notice(snapshot_on(on, notices=[bounced], contact_points=[dead, LETTER]))
    assert (command.channel.value, command.occurrence) == ("letter", 2)


def test_an_account_that_cannot_be_reached_becomes_a_task_once() -> None:
    on = DUE + timedelta(days=5)
    first = decide(strategy=STRATEGY, snapshot=snapshot_on(on, contact_points=[]))
    (task,) = first.commands
    assert isinstance(task, RaiseTask)
    assert task.task == "find-contact-details"
    again = decide(strategy=STRATEGY, snapshot=snapshot_on(on, contact_points=[], issued_keys=[task.key]))
    assert again.commands == ()


def test_only_one_step_is_taken_a_day_and_the_next_one_is_looked_for_tomorrow() -> None:
    on = DUE + timedelta(days=9)
    first = snapshot_on(on)
    assert only_notice(first).notice == "friendly"
    after = snapshot_on(on, notices=[sent("friendly", "reminder", on)])
    decision = decide(strategy=STRATEGY, snapshot=after)
    assert decision.commands == ()
    assert decision.review_on == on + timedelta(days=1)
    tomorrow = snapshot_on(on + timedelta(days=1), notices=[sent("friendly", "reminder", on)])
    (task,) = decide(strategy=STRATEGY, snapshot=tomorrow).commands
    assert isinstance(task, RaiseTask)


def test_reminding_one_invoice_does_not_silence_the_next() -> None:
    on = DUE + timedelta(days=30)
    second = receivable("S", due_on=DUE + timedelta(days=20))
    facts = snapshot_on(
        on,
        receivables=[receivable(), second],
        payments=[paid(on)],  # the oldest first: R is settled
        notices=[sent("friendly", "reminder", DUE + timedelta(days=5), covers=("R",))],
    )
    command = only_notice(facts)
    assert (command.notice, command.receivable_ids, command.occurrence) == ("friendly", ("S",), 2)


def test_arrears_below_materiality_are_left_alone_with_a_reason() -> None:
    facts = snapshot_on(DUE + timedelta(days=5), receivables=[receivable(amount="4.99")])
    decision = decide(strategy=STRATEGY, snapshot=facts)
    assert decision.commands == ()
    assert "strategy.materiality" in [reason.code for reason in decision.reasons]


def test_a_segment_climbs_its_own_ladder() -> None:
    old = [receivable(f"O{n}", due_on=DUE - timedelta(days=100 + n)) for n in range(2)]
    payments = [paid(DUE - timedelta(days=50), "200.00")]
    facts = snapshot_on(DUE + timedelta(days=3), receivables=[*old, receivable()], payments=payments)
    decision = decide(strategy=STRATEGY, snapshot=facts)
    assert (decision.segment, decision.stage) == ("chronic", "reminder")


def test_the_legal_stage_asks_for_approval_once_and_opens_with_it() -> None:
    on = DUE + timedelta(days=60)
    notices = [
        sent("friendly", "reminder", DUE + timedelta(days=5)),
        sent("final-demand", "final-demand", DUE + timedelta(days=20)),
    ]
    issued = {"task:A:0:reminder:call:R:1", "command:A:0:final-demand:restrict-service"}
    asked = decide(strategy=STRATEGY, snapshot=snapshot_on(on, notices=notices, issued_keys=issued))
    (request,) = asked.commands
    assert isinstance(request, RequestApproval)
    assert (asked.stage, request.subject, request.authority) == ("final-demand", "legal", "manager")
    quiet = decide(strategy=STRATEGY, snapshot=snapshot_on(on, notices=notices, issued_keys=issued | {request.key}))
    assert quiet.commands == ()
    leave = Approval(subject="legal", authority="manager", granted_by="m", granted_on=on)
    opened = decide(strategy=STRATEGY, snapshot=snapshot_on(on, notices=notices, approvals=[leave]))
    assert opened.stage == "legal"


# -- holds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"disputes": [Dispute(dispute_id="X", account_id="A", raised_on=DUE)]},
        {"holds": [Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE)]},
        {
            "promises": [
                PromiseToPay(
                    promise_id="Q", account_id="A", amount=Money(10000, "EUR"), made_on=DUE, due_on=date(2026, 3, 20)
                )
            ]
        },
        {
            "debtor": Debtor(
                debtor_id="D", kind="consumer", zones=["Europe/Berlin"], flags=[Flag(kind="insolvent", since_on=DUE)]
            )
        },
    ],
    ids=["dispute", "manual", "promise", "insolvent"],
)
def test_a_hold_on_the_account_stops_every_step_and_says_why(facts: dict[str, object]) -> None:
    decision = decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=5), **facts))
    assert decision.commands == ()
    assert len(decision.holds) == 1
    assert any(reason.code.startswith("hold.") for reason in decision.reasons)


def test_a_disputed_receivable_is_left_alone_and_the_others_are_chased() -> None:
    on = DUE + timedelta(days=5)
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE, receivable_ids=["R"])
    facts = snapshot_on(on, receivables=[receivable(), receivable("S")], disputes=[dispute])
    assert only_notice(facts).receivable_ids == ("S",)


def test_a_hold_that_names_steps_stops_only_those() -> None:
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE, stops=["call"])
    assert only_notice(snapshot_on(DUE + timedelta(days=5), holds=[hold])).notice == "friendly"


def test_a_hold_ends_by_itself_and_the_account_is_looked_at_on_that_day() -> None:
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE, until_on=DUE + timedelta(days=9))
    held = decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=6), holds=[hold]))
    assert held.review_on is not None
    assert held.review_on <= DUE + timedelta(days=9)
    assert only_notice(snapshot_on(DUE + timedelta(days=9), holds=[hold])).notice == "friendly"


def test_while_a_plan_is_kept_only_its_instalments_age_and_when_it_breaks_the_old_due_dates_speak_again() -> None:
    plan = PlanAgreement(
        plan_id="PL",
        account_id="A",
        covers=["R"],
        agreed_on=DUE + timedelta(days=2),
        instalments=[
            PlannedInstalment(number=n, due_on=DUE + timedelta(days=20 * n), amount=Money(5000, "EUR")) for n in (1, 2)
        ],
        tolerance_days=3,
    )
    kept = decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=10), plans=[plan]))
    assert (kept.stage, kept.days_past_due, kept.arrears) == ("current", 0, ())
    broken = decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=24), plans=[plan]))
    assert (broken.stage, broken.days_past_due) == ("reminder", 24)


# -- charges, cures, aftercare ---------------------------------------------------------------------------------


def test_the_fee_falls_due_past_the_grace_once_and_not_under_a_dispute() -> None:
    on = DUE + timedelta(days=11)
    assert decide(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=10))).charges == ()
    (charge,) = decide(strategy=STRATEGY, snapshot=snapshot_on(on)).charges
    assert (charge.amount, charge.key) == (Money(750, "EUR"), "fee:A:R:late-fee:1")
    posted = receivable("F", "7.50", on, component="fee", parent_id="R", charge_key=charge.key)
    assert decide(strategy=STRATEGY, snapshot=snapshot_on(on, receivables=[receivable(), posted])).charges == ()
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE)
    assert decide(strategy=STRATEGY, snapshot=snapshot_on(on, disputes=[dispute])).charges == ()


def test_paying_the_arrears_cures_thanks_and_restores_what_was_restricted() -> None:
    on = DUE + timedelta(days=50)
    facts = snapshot_on(
        on,
        payments=[paid(on)],
        notices=[sent("friendly", "reminder", DUE + timedelta(days=5))],
        issued_keys=["command:A:0:final-demand:restrict-service"],
    )
    decision = decide(strategy=STRATEGY, snapshot=facts)
    assert decision.is_cured
    restore, thanks = decision.commands
    assert isinstance(restore, RestoreService)
    assert isinstance(thanks, SendNotice)
    assert (thanks.notice, thanks.is_always_allowed) == ("thanks", True)


def test_a_debtor_who_was_only_reminded_before_the_due_date_is_not_cured_of_anything() -> None:
    facts = snapshot_on(DUE, payments=[paid(DUE)], notices=[sent("pre-due", "pre-due", DUE - timedelta(days=2))])
    assert not decide(strategy=STRATEGY, snapshot=facts).is_cured


def test_agreeing_on_a_plan_is_no_cure() -> None:
    plan = PlanAgreement(
        plan_id="PL",
        account_id="A",
        covers=["R"],
        agreed_on=DUE + timedelta(days=12),
        instalments=[PlannedInstalment(number=1, due_on=DUE + timedelta(days=60), amount=Money(10000, "EUR"))],
    )
    facts = snapshot_on(
        DUE + timedelta(days=12), plans=[plan], notices=[sent("friendly", "reminder", DUE + timedelta(days=5))]
    )
    assert not decide(strategy=STRATEGY, snapshot=facts).is_cured


def test_a_broken_promise_is_followed_up_once() -> None:
    promise = PromiseToPay(
        promise_id="Q", account_id="A", amount=Money(10000, "EUR"), made_on=DUE, due_on=DUE + timedelta(days=1)
    )
    on = DUE + timedelta(days=3)
    (task,) = decide(strategy=STRATEGY, snapshot=snapshot_on(on, promises=[promise])).commands
    assert isinstance(task, RaiseTask)
    assert task.task == "call-about-promise"
    again = decide(strategy=STRATEGY, snapshot=snapshot_on(on, promises=[promise], issued_keys=[task.key]))
    assert again.commands == ()


def test_two_different_offers_lie_ready_and_none_where_a_plan_is_kept() -> None:
    facts = snapshot_on(DUE + timedelta(days=10))
    found = offers_for(strategy=STRATEGY, look=examine(strategy=STRATEGY, snapshot=facts))
    assert len({(one.kind, one.ends_on) for one in found}) >= 2
    plan = PlanAgreement(
        plan_id="PL",
        account_id="A",
        covers=["R"],
        agreed_on=DUE,
        instalments=[PlannedInstalment(number=1, due_on=DUE + timedelta(days=60), amount=Money(10000, "EUR"))],
    )
    planned = examine(strategy=STRATEGY, snapshot=snapshot_on(DUE + timedelta(days=10), plans=[plan]))
    assert offers_for(strategy=STRATEGY, look=planned) == ()


def test_nothing_is_offered_on_what_is_held_nor_on_its_charges() -> None:
    on = DUE + timedelta(days=20)
    fee = receivable("F", "7.50", on - timedelta(days=9), component="fee", parent_id="R", charge_key="k")
    named = Dispute(dispute_id="X", account_id="A", raised_on=DUE, receivable_ids=["R"])
    whole = Dispute(dispute_id="X", account_id="A", raised_on=DUE)
    for dispute in (named, whole):
        facts = snapshot_on(on, receivables=[receivable(), fee], disputes=[dispute])
        assert offers_for(strategy=STRATEGY, look=examine(strategy=STRATEGY, snapshot=facts)) == ()


# -- the last look ---------------------------------------------------------------------------------------------


def at(on: date, hour: int) -> datetime:
    return datetime(on.year, on.month, on.day, hour, tzinfo=UTC)


def test_the_last_look_keeps_defers_or_suppresses() -> None:
    on = DUE + timedelta(days=5)
    facts = snapshot_on(on)
    command = only_notice(facts)
    noon = at(on, 11)

    def look(now: datetime = noon, **more: object) -> object:
        return revalidate(strategy=STRATEGY, command=command, snapshot=snapshot_on(on, **more), now=now)

    assert look() == Keep()
    early = look(at(on, 5))
    assert isinstance(early, Defer)
    assert early.until_at.isoformat() == "2026-03-07T08:00:00+01:00"
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=on)
    suppressed = {
        "settled_or_held": look(payments=[paid(on)]),
        "held": look(holds=[hold]),
        "window_over": look(at(on, 20)),
        "contact_point": look(contact_points=[LETTER]),
        "cured": look(cycle=1),
    }
    for code, answer in suppressed.items():
        assert isinstance(answer, Suppress), code
        assert answer.reason.code == f"strategy.{code}"
    opted_out = look(contact_points=[attrs.evolve(EMAIL, opted_out_on=on)])
    assert isinstance(opted_out, Suppress)


def test_a_notice_that_was_handled_before_is_not_sent_again() -> None:
    on = DUE + timedelta(days=5)
    command = only_notice(snapshot_on(on))
    done = sent("friendly", "reminder", on, key=command.key)
    answer = revalidate(strategy=STRATEGY, command=command, snapshot=snapshot_on(on, notices=[done]), now=at(on, 11))
    assert isinstance(answer, Suppress)


# -- the batch -------------------------------------------------------------------------------------------------


def test_a_batch_holds_each_effect_once_as_event_key_and_outbox_row() -> None:
    on = DUE + timedelta(days=27)
    facts = snapshot_on(
        on,
        notices=[
            sent("friendly", "reminder", DUE + timedelta(days=5)),
            sent("final-demand", "final-demand", DUE + timedelta(days=20)),
        ],
    )
    decision = decide(strategy=STRATEGY, snapshot=facts)
    assert [type(command) for command in decision.commands] == [RestrictService]
    batch = to_batch(decision=decision, version=7, command_id="c", recorded_at=at(on, 6))
    assert batch.keys == (decision.charges[0].key, decision.commands[0].key)
    assert [row.key for row in batch.outbox] == [decision.commands[0].key]
    assert [type(event).__name__ for event in batch.events] == ["ChargePosted", "CommandIssued", "Decided"]
    assert batch == to_batch(decision=decision, version=7, command_id="c", recorded_at=at(on, 6))


# -- the file --------------------------------------------------------------------------------------------------


def test_every_mistake_of_a_file_comes_at_once_with_path_value_and_choices() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse(
            """
name = "x"
versio = "1"
[[stages]]
id = "a"
after = { past_due = { days = 0 } }
needs = [{ arrears_min = { XXX = "1" } }]
  [[stages.steps]]
  notice = "n"
  channels = ["emial"]
[[segments]]
id = "s"
when = { late_ratio_min = nan }
[[charges]]
id = "f"
kind = "percentt"
"""
        )
    text = str(caught.value)
    for expected in (
        "version: is missing",
        "versio: unknown key; did you mean version?",
        "stages[0].after.past_due.days: must lie from 1",
        "stages[0].needs[0].arrears_min.XXX: 'XXX' is no active ISO 4217 currency",
        "did you mean email? (given: emial); choose from: email, sms",
        "segments[0].when.late_ratio_min: an exact number is needed",
        "charges[0].kind: not one of the choices; did you mean percent?",
    ):
        assert expected in text


def test_what_is_no_toml_or_cannot_be_opened_is_one_clear_problem(tmp_path: object) -> None:
    with pytest.raises(InvalidPolicy, match="not readable as TOML"):
        parse("name = ")
    with pytest.raises(InvalidPolicy, match="cannot be read"):
        load("no/such/strategy.toml")
    with pytest.raises(InvalidPolicy, match="not readable as TOML"):
        parse('name = "a"\nname = "b"\n')


def test_the_hash_follows_the_content_and_not_its_order_spacing_or_comments() -> None:
    one = parse('name = "a"\nversion = "1"\nmateriality = { EUR = "5.00" }')
    same = parse('# hello\nmateriality = { EUR="5.00" }\nversion="1"\nname="a"')
    other = parse('name = "a"\nversion = "2"\nmateriality = { EUR = "5.00" }')
    assert one.hash == same.hash != other.hash


def test_an_overlay_never_adds_a_stage_or_a_step() -> None:
    base = """
name = "x"
version = "1"
[[segments]]
id = "s"
when = { cycle_min = 1 }
[[stages]]
id = "a"
after = { past_due = { days = 3 } }
  [[stages.steps]]
  notice = "n"
  channels = ["email"]
[[overlays]]
segment = "s"
  [[overlays.stages]]
"""
    with pytest.raises(InvalidPolicy, match=r"overlays\[0\]\.stages\[0\]\.id: not one of the choices"):
        parse(base + 'id = "b"')
    with pytest.raises(InvalidPolicy, match="an overlay replaces steps"):
        parse(base + 'id = "a"\n    [[overlays.stages.steps]]\n    task = "call"')


def test_packs_are_named_in_the_file_and_one_that_cannot_be_obeyed_is_refused() -> None:
    plain = parse('name = "a"\nversion = "1"')
    lawful = parse('name = "a"\nversion = "1"\npacks = ["uk-late-payment"]')
    assert [pack.id for pack in lawful.packs] == ["uk-late-payment"]
    assert plain.hash != lawful.hash
    with pytest.raises(InvalidPolicy, match=r"also speaks of .*contact_hours"):
        parse('name = "a"\nversion = "1"\npacks = ["us-reg-f"]')
    with pytest.raises(InvalidPolicy, match=r"choose from: .*uk-late-payment"):
        parse('name = "a"\nversion = "1"\npacks = ["us-mars"]')


def test_a_pack_lowers_what_the_strategy_charges() -> None:
    charge = '\n[[charges]]\nid = "late-fee"\nkind = "flat"\namounts = { USD = "99.00" }\ngrace_days = 3\n'
    claim = attrs.evolve(receivable(), amount_original=Money.of("1000.00", "USD"), kind="mortgage")
    debtor = Debtor(debtor_id="D", kind="consumer", zones=["America/New_York"], jurisdiction="US-NY")
    facts = snapshot_on(DUE + timedelta(days=60), receivables=[claim], debtor=debtor)
    free = decide(strategy=parse('name = "a"\nversion = "1"' + charge), snapshot=facts)
    bound = decide(strategy=parse('name = "a"\nversion = "1"\npacks = ["us-reg-z", "us-ny"]' + charge), snapshot=facts)
    assert [one.amount for one in free.charges] == [Money.of("99.00", "USD")]
    assert sum(one.amount.minor for one in bound.charges) < 9900


def test_paying_early_earns_the_discount_once_as_a_credit_note_and_leaves_nothing_open() -> None:
    strategy = parse(
        'name = "d"\nversion = "1"\n'
        '[[discounts]]\nid = "2-10-net-14"\nrate = "0.02"\ndiscount_days = 10\nnet_days = 14\n'
    )
    claim = receivable()
    early = claim.issued_on + timedelta(days=10)
    facts = snapshot_on(early, payments=[paid(early, "98.00")])
    decision = decide(strategy=strategy, snapshot=facts)
    (credit,) = decision.credits
    assert (credit.amount, credit.receivable_id) == (Money(200, "EUR"), "R")
    batch = to_batch(decision=decision, version=1, command_id="c", recorded_at=at(early, 6))
    (note,) = [event.credit_note for event in batch.events if isinstance(event, CreditNoteIssued)]
    settled = snapshot_on(early, payments=[paid(early, "98.00")], credit_notes=[note])
    again = decide(strategy=strategy, snapshot=settled)
    assert (again.credits, again.amount_open) == ((), ())
    late = snapshot_on(early + timedelta(days=1), payments=[paid(early + timedelta(days=1), "98.00")])
    assert decide(strategy=strategy, snapshot=late).credits == ()


# -- what a team meets in its first weeks ----------------------------------------------------------------------


def codes(snapshot: AccountSnapshot) -> set[str]:
    return {reason.code for reason in decide(strategy=STRATEGY, snapshot=snapshot).reasons}


def test_a_hold_on_one_receivable_that_names_steps_stops_only_those() -> None:
    on = DUE + timedelta(days=5)
    hold = Hold(
        hold_id="H", account_id="A", reason="mediation", placed_on=DUE, receivable_ids=["R"], stops=["final-demand"]
    )
    assert only_notice(snapshot_on(on, holds=[hold])).notice == "friendly"
    friendly = attrs.evolve(hold, stops=["friendly"])
    assert decide(strategy=STRATEGY, snapshot=snapshot_on(on, holds=[friendly])).commands == ()
    second = snapshot_on(on, receivables=[receivable(), receivable("S")], holds=[friendly])
    command = only_notice(second)
    assert command.receivable_ids == ("S",)


def test_the_last_look_obeys_a_hold_on_one_receivable_that_names_the_step() -> None:
    on = DUE + timedelta(days=5)
    command = only_notice(snapshot_on(on))
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=on, receivable_ids=["R"], stops=["friendly"])
    answer = revalidate(strategy=STRATEGY, command=command, snapshot=snapshot_on(on, holds=[hold]), now=at(on, 11))
    assert isinstance(answer, Suppress)


@pytest.mark.parametrize("names", [(), ("R",)], ids=["account", "receivable"])
def test_a_hold_that_names_steps_does_not_spare_the_fee(names: tuple[str, ...]) -> None:
    on = DUE + timedelta(days=11)
    hold = Hold(
        hold_id="H", account_id="A", reason="mediation", placed_on=DUE, receivable_ids=names, stops=["final-demand"]
    )
    assert len(decide(strategy=STRATEGY, snapshot=snapshot_on(on, holds=[hold])).charges) == 1
    spared = attrs.evolve(hold, stops=["charges"])
    assert decide(strategy=STRATEGY, snapshot=snapshot_on(on, holds=[spared])).charges == ()


def test_a_disputed_sum_does_not_lift_a_trifle_over_the_materiality() -> None:
    on = DUE + timedelta(days=5)
    dispute = Dispute(dispute_id="X", account_id="A", raised_on=DUE, receivable_ids=["R"])
    facts = snapshot_on(on, receivables=[receivable(), receivable("S", "1.00")], disputes=[dispute])
    assert decide(strategy=STRATEGY, snapshot=facts).commands == ()
    assert "strategy.materiality" in codes(facts)


def test_a_trifle_past_due_does_not_silence_the_reminder_of_a_great_claim_before_its_day() -> None:
    facts = snapshot_on(DUE, receivables=[receivable("S", "1.00", DUE - timedelta(days=9)), receivable()])
    assert only_notice(facts).notice == "pre-due"


def test_what_was_paid_but_for_a_trifle_is_not_reminded_of_at_the_last_look() -> None:
    on = DUE + timedelta(days=5)
    command = only_notice(snapshot_on(on))
    facts = snapshot_on(on, payments=[paid(on, "96.00")])
    answer = revalidate(strategy=STRATEGY, command=command, snapshot=facts, now=at(on, 11))
    assert isinstance(answer, Suppress)
    assert answer.reason.code == "strategy.materiality"


def test_a_notice_that_passes_holds_is_still_not_sent_for_a_paid_claim() -> None:
    on = DUE + timedelta(days=5)
    command = attrs.evolve(only_notice(snapshot_on(on)), is_always_allowed=True)
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=on)

    def look(**facts: object) -> object:
        return revalidate(strategy=STRATEGY, command=command, snapshot=snapshot_on(on, **facts), now=at(on, 11))

    assert look(holds=[hold]) == Keep()
    assert isinstance(look(payments=[paid(on)]), Suppress)


def test_nobody_is_thanked_whose_payment_came_back_meanwhile() -> None:
    on = DUE + timedelta(days=30)
    facts = snapshot_on(on, payments=[paid(on)], notices=[sent("friendly", "reminder", DUE + timedelta(days=5))])
    (thanks,) = decide(strategy=STRATEGY, snapshot=facts).commands
    assert isinstance(thanks, SendNotice)

    def look(**more: object) -> object:
        return revalidate(strategy=STRATEGY, command=thanks, snapshot=snapshot_on(on, cycle=1, **more), now=at(on, 11))

    assert look(payments=[paid(on)]) == Keep()
    answer = look(payments=[attrs.evolve(paid(on), returned_on=on)])
    assert isinstance(answer, Suppress)


def test_thanks_pass_a_hold() -> None:
    on = DUE + timedelta(days=30)
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE, stops=["call"])
    facts = snapshot_on(
        on, payments=[paid(on)], notices=[sent("friendly", "reminder", DUE + timedelta(days=5))], holds=[hold]
    )
    assert only_notice(facts).notice == "thanks"


def test_a_service_is_restored_whatever_the_restricting_step_was_called() -> None:
    table = """
name = "x"
version = "1"
[[stages]]
id = "firm"
after = { past_due = { days = 3 } }
  [[stages.steps]]
  id = "cut"
  command = "restrict-service"
"""
    strategy = parse(table)
    on = DUE + timedelta(days=3)
    (command,) = decide(strategy=strategy, snapshot=snapshot_on(on)).commands
    assert isinstance(command, RestrictService)
    paid_up = snapshot_on(on, payments=[paid(on)], issued_keys=[command.key])
    (back,) = decide(strategy=strategy, snapshot=paid_up).commands
    assert isinstance(back, RestoreService)


def test_a_service_is_not_restricted_before_the_notice_that_comes_first_went_out() -> None:
    friendly = sent("friendly", "reminder", DUE + timedelta(days=5))
    called = "task:A:0:reminder:call:R:1"
    on = DUE + timedelta(days=30)
    no_letter = snapshot_on(
        on, notices=[friendly], issued_keys=[called, "aftercare:A:unreachable:R"], contact_points=[EMAIL]
    )
    assert decide(strategy=STRATEGY, snapshot=no_letter).commands == ()
    assert "strategy.unannounced" in codes(no_letter)
    final = sent("final-demand", "final-demand", DUE + timedelta(days=20))
    told = snapshot_on(on, notices=[friendly, final], issued_keys=[called])
    (command,) = decide(strategy=STRATEGY, snapshot=told).commands
    assert isinstance(command, RestrictService)


def test_a_promise_is_not_called_broken_while_the_money_may_be_clearing() -> None:
    promise = PromiseToPay(
        promise_id="Q", account_id="A", amount=Money(10000, "EUR"), made_on=DUE, due_on=DUE + timedelta(days=1)
    )
    clearing = snapshot_on(DUE + timedelta(days=2), promises=[promise])
    assert decide(strategy=STRATEGY, snapshot=clearing).commands == ()
    assert examine(strategy=STRATEGY, snapshot=clearing).facts.promises_broken == 0
    assert decide(strategy=STRATEGY, snapshot=clearing).review_on == DUE + timedelta(days=3)
    over = snapshot_on(DUE + timedelta(days=3), promises=[promise])
    assert [type(one) for one in decide(strategy=STRATEGY, snapshot=over).commands] == [RaiseTask]
    assert examine(strategy=STRATEGY, snapshot=over).facts.promises_broken == 1


def test_no_leave_is_asked_for_while_the_account_is_held() -> None:
    on = DUE + timedelta(days=60)
    notices = [
        sent("friendly", "reminder", DUE + timedelta(days=5)),
        sent("final-demand", "final-demand", DUE + timedelta(days=20)),
    ]
    hold = Hold(hold_id="H", account_id="A", reason="manual", placed_on=DUE)
    held = snapshot_on(on, notices=notices, holds=[hold], last_command_on=on)
    assert decide(strategy=STRATEGY, snapshot=held).commands == ()
    only_call = snapshot_on(
        on,
        notices=notices,
        holds=[attrs.evolve(hold, stops=["call"])],
        issued_keys=["task:A:0:reminder:call:R:1", "command:A:0:final-demand:restrict-service"],
    )
    assert [type(one) for one in decide(strategy=STRATEGY, snapshot=only_call).commands] == [RequestApproval]


def test_leave_that_ended_is_asked_for_again() -> None:
    on = DUE + timedelta(days=70)
    notices = [
        sent("friendly", "reminder", DUE + timedelta(days=5)),
        sent("final-demand", "final-demand", DUE + timedelta(days=20)),
    ]
    first_key = "approval:A:0:legal:manager"
    issued = ["task:A:0:reminder:call:R:1", "command:A:0:final-demand:restrict-service", first_key]
    leave = Approval(
        subject="legal",
        authority="manager",
        granted_by="m",
        granted_on=DUE + timedelta(days=50),
        until_on=DUE + timedelta(days=60),
    )
    facts = snapshot_on(on, notices=notices, issued_keys=issued, approvals=[leave])
    (request,) = decide(strategy=STRATEGY, snapshot=facts).commands
    assert isinstance(request, RequestApproval)
    assert request.key != first_key
    again = snapshot_on(on, notices=notices, issued_keys=[*issued, request.key], approvals=[leave])
    assert decide(strategy=STRATEGY, snapshot=again).commands == ()


def test_what_a_provider_could_not_carry_today_goes_by_another_channel_or_waits_for_tomorrow() -> None:
    on = DUE + timedelta(days=5)
    failed = sent("friendly", "reminder", on, sent_on=None, bounced_on=on)
    command = only_notice(snapshot_on(on, notices=[failed]))
    assert (command.channel.value, command.occurrence) == ("letter", 2)
    alone = snapshot_on(on, notices=[failed], contact_points=[EMAIL])
    decision = decide(strategy=STRATEGY, snapshot=alone)
    assert decision.commands == ()
    assert decision.review_on == on + timedelta(days=1)
    tomorrow = snapshot_on(on + timedelta(days=1), notices=[failed], contact_points=[EMAIL])
    assert only_notice(tomorrow).channel.value == "email"


@pytest.mark.parametrize(
    "what", [{"bounced_on": DUE + timedelta(days=5)}, {"suppressed_on": DUE + timedelta(days=5)}], ids=str
)
def test_a_notice_that_failed_time_and_again_becomes_a_task_for_a_person_once(what: dict[str, date]) -> None:
    on = DUE + timedelta(days=7)
    failed = [
        sent("friendly", "reminder", DUE + timedelta(days=5), sent_on=None, key=f"n{n}", occurrence=n, **what)
        for n in range(1, 6)
    ]
    (task,) = decide(strategy=STRATEGY, snapshot=snapshot_on(on, notices=failed)).commands
    assert isinstance(task, RaiseTask)
    assert task.task == "find-contact-details"
    again = snapshot_on(on, notices=failed, issued_keys=[task.key])
    assert decide(strategy=STRATEGY, snapshot=again).commands == ()


def test_a_host_that_notes_no_claims_with_its_notices_has_its_debtors_cured_as_well() -> None:
    on = DUE + timedelta(days=30)
    reminded = sent("friendly", "reminder", DUE + timedelta(days=5), covers=())
    assert decide(strategy=STRATEGY, snapshot=snapshot_on(on, payments=[paid(on)], notices=[reminded])).is_cured
    before = sent("pre-due", "pre-due", DUE - timedelta(days=2), covers=())
    assert not decide(strategy=STRATEGY, snapshot=snapshot_on(on, payments=[paid(DUE)], notices=[before])).is_cured


def test_the_end_of_a_circumstance_that_chose_the_segment_is_a_day_to_look_again() -> None:
    strategy = parse('name = "x"\nversion = "1"\n[[segments]]\nid = "frail"\nwhen = { flag = "vulnerable" }')
    ends = DUE + timedelta(days=200)
    debtor = Debtor(debtor_id="D", kind="consumer", flags=[Flag(kind="vulnerable", since_on=DUE, until_on=ends)])
    decision = decide(strategy=strategy, snapshot=snapshot_on(DUE + timedelta(days=90), debtor=debtor))
    assert (decision.segment, decision.review_on) == ("frail", ends)


def test_a_strategy_made_in_python_has_a_hash_that_follows_its_content() -> None:
    one, same = Strategy(name="a", version="1"), Strategy(name="a", version="1")
    other = Strategy(name="a", version="1", clearing_days=2)
    assert one.hash == same.hash != other.hash
    assert len(one.hash) == 64


def test_leave_is_asked_for_the_cycle_it_is_to_hold_in() -> None:
    on = DUE + timedelta(days=60)
    notices = [
        sent("friendly", "reminder", DUE + timedelta(days=5), cycle=1),
        sent("final-demand", "final-demand", DUE + timedelta(days=20), cycle=1),
    ]
    issued = {"task:A:1:reminder:call:R:1", "command:A:1:final-demand:restrict-service"}
    facts = snapshot_on(on, notices=notices, issued_keys=issued, cycle=1)
    (request,) = decide(strategy=STRATEGY, snapshot=facts).commands
    assert isinstance(request, RequestApproval)
    leave = Approval(
        subject=request.subject, authority=request.authority, granted_by="m", granted_on=on, cycle=request.cycle
    )
    assert decide(strategy=STRATEGY, snapshot=attrs.evolve(facts, approvals=[leave])).stage == "legal"


def test_a_debtor_whose_zones_share_no_waking_hour_is_written_to_by_letter() -> None:
    morning = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(9), end=time(11))])
    debtor = Debtor(debtor_id="D", kind="business", zones=["Asia/Tokyo", "America/New_York"])
    strategy = attrs.evolve(STRATEGY, contact=morning)
    (command,) = decide(strategy=strategy, snapshot=snapshot_on(DUE + timedelta(days=5), debtor=debtor)).commands
    assert isinstance(command, SendNotice)
    assert command.channel.value == "letter"


def test_statutory_interest_of_a_named_pack_is_charged_and_a_pack_of_ones_own_may_be_named() -> None:
    text = (
        'name = "a"\nversion = "1"\npacks = ["{pack}"]\n'
        '[[charges]]\nid = "statutory"\nkind = "interest"\nrule = "uk.lpcda.interest"\n'
    )
    strategy = parse(text.format(pack="uk-late-payment"))
    assert strategy.charges.ids == ("statutory",)
    own = attrs.evolve(jurisdictions.load("uk-late-payment"), id="our-late-payment")
    assert parse(text.format(pack="our-late-payment"), packs=[own]).packs == (own,)
    with pytest.raises(InvalidPolicy, match="choose from"):
        parse(text.format(pack="our-late-payment"))


def test_a_changed_strategy_has_another_hash_however_it_was_made() -> None:
    one = parse('name = "a"\nversion = "1"')
    assert attrs.evolve(one, version="2").hash != one.hash
    assert Strategy(name="a", version="1").hash == one.hash


def test_a_missed_instalment_of_a_kept_plan_is_charged_and_what_the_plan_covers_is_not() -> None:
    strategy = parse(
        'name = "i"\nversion = "1"\n'
        '[[charges]]\nid = "missed"\nkind = "flat"\namounts = { EUR = "3.00" }\nonce_per = "instalment"\n'
        '[[charges]]\nid = "late-fee"\nkind = "flat"\namounts = { EUR = "7.50" }\n'
    )
    plan = PlanAgreement(
        plan_id="PL",
        account_id="A",
        covers=["R"],
        agreed_on=DUE,
        instalments=[
            PlannedInstalment(number=n, due_on=DUE + timedelta(days=10 * n), amount=Money(5000, "EUR")) for n in (1, 2)
        ],
        tolerance_days=30,
    )
    facts = snapshot_on(DUE + timedelta(days=12), plans=[plan])
    decision = decide(strategy=strategy, snapshot=facts)
    assert [(one.rule, one.amount) for one in decision.charges] == [("missed", Money(300, "EUR"))]
