"""The ladder as a table, where an account stands on it, and which step is due; told as a credit controller would."""

from __future__ import annotations

from datetime import date, timedelta

import attrs
import pytest

from collectkit.core.calendars import BusinessCalendar
from collectkit.core.decisions import AppliedHold
from collectkit.core.errors import CalendarMissing, InvalidPolicy
from collectkit.core.guards import (
    All,
    AmountAtLeast,
    AmountAtMost,
    AnyOf,
    AtLeast,
    AtMost,
    Has,
    Not,
)
from collectkit.core.money import Money
from collectkit.core.records import (
    AccountSnapshot,
    Approval,
    Channel,
    Debtor,
    Dispute,
    Flag,
    FlagKind,
    Hold,
    HoldReason,
    NoticeRecord,
)
from collectkit.escalation import (
    CURRENT,
    GRACE,
    LADDER_COMMANDS,
    MAX_BOUNCED,
    MAX_SUPPRESSED,
    Approved,
    Delivered,
    DueIn,
    Holds,
    Ladder,
    PastDue,
    PlannedStep,
    StageRule,
    Standing,
    Step,
    StepsDue,
    holds_on,
    item_ref,
    steps_due,
    timeline,
)
from ladder_world import Claim, World, facts_of, notice, on, rank, snapshot_on, standing_on

MAIL = Step(id="friendly", what="friendly", channels=["email", "letter"])
CALL = Step(id="call", action="task", what="call", day=3)
CUT = Step(id="cut", action="command", what="restrict-service", day=7)
FINAL = Step(id="final-demand", what="final-demand", channels=["letter"])
CLAIM_FILE = Step(id="file", action="task", what="prepare-claim")

LADDER = Ladder(
    stages=[
        StageRule(
            id="pre-due", after=DueIn(days=3), steps=[Step(id="pre-due", what="pre-due", channels=["email"], day=1)]
        ),
        StageRule(id="reminder", after=PastDue(days=5), steps=[MAIL, CALL]),
        StageRule(
            id="final-demand",
            after=PastDue(days=20),
            needs=[Delivered(notice="friendly", days_ago=10)],
            steps=[FINAL, CUT],
            consequences=["restrict-service"],
        ),
        StageRule(
            id="legal",
            after=PastDue(days=40),
            needs=[
                Delivered(notice="final-demand", days_ago=14),
                Holds(guard=AmountAtLeast(fact="arrears", bounds=[Money(5_000, "EUR")])),
                Approved(authority="manager"),
            ],
            steps=[CLAIM_FILE],
            consequences=["legal-action"],
        ),
    ]
)
INVOICE = Claim("I", 0)
FRIENDLY = notice("friendly", 5, "I")
LETTER = notice("final-demand", 20, "I", stage="final-demand")
LEAVE = Approval(subject="legal", authority="manager", granted_by="boss", granted_on=on(42), until_on=on(50))


def due(day: int, *claims: Claim, ladder: Ladder = LADDER, **given: object) -> StepsDue:
    standing = standing_on(day, ladder, claims or [INVOICE], **given)  # type: ignore[arg-type]
    return steps_due(standing=standing, snapshot=snapshot_on(day, **given))


def names(found: StepsDue) -> list[tuple[str, str]]:
    return [(one.stage, one.step.id) for one in found.steps]


def codes(error: pytest.ExceptionInfo[InvalidPolicy]) -> list[str]:
    return [problem.code for problem in error.value.problems]


# -- the ladder as a table -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "code"),
    [
        ([StageRule(id="a", after=PastDue(days=1)), StageRule(id="a", after=PastDue(days=2))], "duplicate_stage"),
        ([StageRule(id="a", after=PastDue(days=1), steps=[MAIL, MAIL])], "duplicate_step"),
        ([StageRule(id="current", after=PastDue(days=1))], "reserved"),
        ([StageRule(id="grace", after=PastDue(days=1))], "reserved"),
        ([StageRule(id="cured", after=PastDue(days=1))], "reserved"),
        ([StageRule(id="a", after=PastDue(days=9)), StageRule(id="b", after=PastDue(days=8))], "order"),
        ([StageRule(id="a", after=PastDue(days=8)), StageRule(id="b", after=PastDue(business_days=5))], "order"),
        ([StageRule(id="a", after=PastDue(days=1)), StageRule(id="b", after=DueIn(days=1))], "order"),
        ([StageRule(id="a", after=DueIn(days=1)), StageRule(id="b", after=DueIn(days=2))], "order"),
        ([StageRule(id="a", after=PastDue(days=1), needs=[Delivered(notice="x")])], "unreachable_stage"),
        (  # a notice that only the stage itself sends is not there before it
            [StageRule(id="a", after=PastDue(days=1), needs=[Delivered(notice="friendly")], steps=[MAIL])],
            "unreachable_stage",
        ),
        ([StageRule(id="a", after=PastDue(days=1)), StageRule(id="b", after=PastDue(days=1))], "unreachable_stage"),
        (
            [StageRule(id="a", after=DueIn(days=2), steps=[Step(id="x", what="x", channels=["sms"], day=3)])],
            "unreachable_step",
        ),
        (  # by day 5 the next stage, which needs nothing, has begun
            [
                StageRule(id="a", after=PastDue(days=1), steps=[attrs.evolve(CALL, day=4)]),
                StageRule(id="b", after=PastDue(days=5)),
            ],
            "unreachable_step",
        ),
        (
            [
                StageRule(id="a", after=DueIn(days=7), steps=[Step(id="x", what="x", channels=["sms"], day=4)]),
                StageRule(id="b", after=DueIn(days=3)),
            ],
            "unreachable_step",
        ),
        (
            [StageRule(id="a", after=PastDue(days=1), needs=[Holds(guard=AtMost(fact="days_past_due", bound=9))])],
            "falls_with_time",
        ),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(stages: list[StageRule], code: str) -> None:
    """ESCALATION-01: at build time, not when an account gets there."""
    with pytest.raises(InvalidPolicy) as error:
        Ladder(stages=stages)
    assert codes(error) == [f"escalation.{code}"]


def test_a_stage_that_needs_the_notice_of_a_step_that_is_never_taken_is_a_dead_end() -> None:
    """ESCALATION-02: the account would stand in b for ever."""
    needs = [Delivered(notice="friendly")]
    late = StageRule(id="a", after=PastDue(days=1), steps=[attrs.evolve(MAIL, day=9)])
    with pytest.raises(InvalidPolicy) as error:
        Ladder(
            stages=[
                late,
                StageRule(id="b", after=PastDue(days=5)),
                StageRule(id="c", after=PastDue(days=20), needs=needs),
            ]
        )
    assert codes(error) == ["escalation.unreachable_step", "escalation.dead_end"]
    again = StageRule(id="b", after=PastDue(days=5), steps=[MAIL])
    with pytest.raises(InvalidPolicy) as error:  # sent by another stage as well: only the step is at fault
        Ladder(stages=[late, again, StageRule(id="c", after=PastDue(days=20), needs=needs)])
    assert codes(error) == ["escalation.unreachable_step"]


def test_a_step_that_may_come_in_time_is_kept() -> None:
    """Business days and calendar days cannot surely be compared, and a stage with a need may begin later."""
    step = [attrs.evolve(CALL, day=9)]
    for after, needs in ((PastDue(business_days=3), ()), (PastDue(days=5), [Approved(authority="boss")])):
        Ladder(
            stages=[StageRule(id="a", after=PastDue(days=1), steps=step), StageRule(id="b", after=after, needs=needs)]
        )
    Ladder(stages=[StageRule(id="a", after=DueIn(days=9), steps=step), StageRule(id="b", after=PastDue(days=1))])


def test_every_fault_of_a_ladder_is_told_at_once() -> None:
    with pytest.raises(InvalidPolicy) as error:
        Ladder(
            stages=[
                StageRule(id="current", after=PastDue(days=9)),
                StageRule(id="b", after=PastDue(days=8), needs=[Delivered(notice="none")]),
            ]
        )
    assert codes(error) == ["escalation.reserved", "escalation.order", "escalation.unreachable_stage"]
    assert error.value.problems[2].path == "[1].needs[0]"


def test_two_stages_may_begin_together_where_the_later_one_needs_more() -> None:
    boss = [Approved(authority="boss")]
    Ladder(stages=[StageRule(id="a", after=PastDue(days=1)), StageRule(id="b", after=PastDue(days=1), needs=boss)])


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"what": "x"}, "channels"),
        ({"what": "x", "channels": ["sms"], "times": 2}, "no_progress_cycle"),
        ({"what": "x", "action": "letter"}, "action"),
        ({"what": "sue", "action": "command"}, "command"),
        ({"what": "send-notice", "action": "command"}, "command"),
        ({"what": "restrict-service", "action": "command", "times": 2, "every_days": 1}, "command"),
    ],
)
def test_a_step_that_cannot_be_carried_out_is_refused(terms: dict[str, object], code: str) -> None:
    """ESCALATION-03 among them: a repeat without a distance would never end."""
    with pytest.raises(InvalidPolicy) as error:
        Step(id="s", **terms)  # type: ignore[arg-type]
    assert codes(error) == [f"escalation.{code}"]


def test_a_step_may_give_the_commands_that_need_nothing_else() -> None:
    assert set(LADDER_COMMANDS) == {"place-with-agency", "restore-service", "restrict-service"}


@pytest.mark.parametrize("terms", [{}, {"days": 1, "business_days": 1}])
def test_lateness_is_counted_in_one_unit(terms: dict[str, int]) -> None:
    with pytest.raises(InvalidPolicy) as error:
        PastDue(**terms)
    assert codes(error) == ["escalation.after"]


def test_a_stage_needs_a_start_and_needs_of_the_three_kinds() -> None:
    with pytest.raises(InvalidPolicy) as error:
        StageRule(id="a", after="tomorrow")  # type: ignore[arg-type]
    assert codes(error) == ["escalation.after"]
    with pytest.raises(InvalidPolicy) as error:
        StageRule(id="a", after=DueIn(days=0), needs=["friendly"])  # type: ignore[list-item]
    assert codes(error) == ["escalation.need"]
    with pytest.raises(InvalidPolicy) as error:
        Holds(guard="arrears > 5")  # type: ignore[arg-type]
    assert codes(error) == ["escalation.need"]


@pytest.mark.parametrize(
    ("guard", "is_refused"),
    [
        (AtMost(fact="days_past_due", bound=9), True),
        (Not(test=AtLeast(fact="days_known", bound=9)), True),
        (All(tests=[AtLeast(fact="cycle", bound=1), AtMost(fact="days_known", bound=9)]), True),
        (AnyOf(tests=[Not(test=Not(test=AtMost(fact="days_past_due", bound=9)))]), True),
        (Not(test=AnyOf(tests=[AtLeast(fact="days_past_due", bound=1)])), True),
        (AtLeast(fact="days_past_due", bound=9), False),
        (Not(test=AtMost(fact="days_past_due", bound=9)), False),
        (AtMost(fact="cycle", bound=9), False),
        (Not(test=Has(fact="flag", values=["vulnerable"])), False),
        (AmountAtMost(fact="arrears", bounds=[Money(1, "EUR")]), False),  # falls by new arrears, not by waiting alone
    ],
)
def test_a_need_that_waiting_turns_false_is_refused(guard: AtMost, is_refused: bool) -> None:
    rule = StageRule(id="a", after=PastDue(days=1), needs=[Holds(guard=guard)])
    if is_refused:
        with pytest.raises(InvalidPolicy, match="mere waiting"):
            Ladder(stages=[rule])
    else:
        Ladder(stages=[rule])


def test_the_ladder_prints_as_the_table_it_is() -> None:
    assert LADDER.rows() == (
        ("pre-due", "3 days before the due date", "", "notice pre-due by email after 1 day", ""),
        ("reminder", "5 days past due", "", "notice friendly by email or letter; task call after 3 days", ""),
        (
            "final-demand",
            "20 days past due",
            "friendly delivered 10 days ago",
            "notice final-demand by letter; command restrict-service after 7 days",
            "restrict-service",
        ),
        (
            "legal",
            "40 days past due",
            "final-demand delivered 14 days ago; arrears at least 50.00 EUR; approval by manager",
            "task prepare-claim",
            "legal-action",
        ),
    )
    assert [rule.id for rule in LADDER] == ["pre-due", "reminder", "final-demand", "legal"]
    assert LADDER.stage("legal") is LADDER.stages[3]
    assert LADDER.stage("none") is None


def test_words_of_single_rows() -> None:
    assert str(DueIn(days=0)) == "on the due date"
    assert str(DueIn(days=1)) == "1 day before the due date"
    assert str(PastDue(days=1)) == "1 day past due"
    assert str(PastDue(business_days=1)) == "1 business day past due"
    assert str(PastDue(business_days=2)) == "2 business days past due"
    assert str(Delivered(notice="n")) == "n delivered"
    assert str(Delivered(notice="n", days_ago=1)) == "n delivered 1 day ago"
    weekly = Step(id="s", what="s", channels=["sms"], every_days=7, times=3)
    assert str(weekly) == "notice s by sms, 3 times every 7 days"
    assert str(attrs.evolve(weekly, times=2, every_days=1)) == "notice s by sms, 2 times every 1 day"


# -- where the account stands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "stage"),
    [(-4, CURRENT), (-3, "pre-due"), (-1, "pre-due"), (0, "pre-due"), (1, GRACE), (4, GRACE), (5, "reminder")],
)
def test_after_means_at_or_past_and_the_due_day_is_not_past_due(day: int, stage: str) -> None:
    assert standing_on(day, LADDER, [INVOICE]).stage == stage


def test_five_business_days_from_a_friday_are_a_week_and_a_holiday_makes_it_longer() -> None:
    rules = Ladder(stages=[StageRule(id="reminder", after=PastDue(business_days=5))])
    friday = Claim("I", 1)  # 2 January 2026
    assert [standing_on(day, rules, [friday]).stage for day in (7, 8)] == [GRACE, "reminder"]
    closed = BusinessCalendar(
        holidays=[date(2026, 1, 6)], known_from_on=date(2026, 1, 1), known_until_on=date(2027, 1, 1)
    )
    assert [standing_on(day, rules, [friday], calendar=closed).stage for day in (8, 10, 11)] == [
        GRACE,
        GRACE,
        "reminder",
    ]


def test_a_calendar_that_does_not_know_the_days_says_so() -> None:
    rules = Ladder(stages=[StageRule(id="reminder", after=PastDue(business_days=5))])
    short = BusinessCalendar(known_from_on=date(2026, 1, 1), known_until_on=date(2026, 1, 4))
    with pytest.raises(CalendarMissing):
        standing_on(3, rules, [Claim("I", 1)], calendar=short)


def test_nothing_owed_is_current_and_has_no_next_day() -> None:
    standing = standing_on(3, LADDER, [])
    assert standing == Standing(stage=CURRENT, reasons=standing.reasons)
    assert standing.reasons[0].text == "stage current: nothing that may be acted on is past due"
    assert steps_due(standing=standing, snapshot=snapshot_on(3)) == StepsDue()


def test_a_claim_with_nothing_open_is_none() -> None:
    assert standing_on(30, LADDER, [attrs.evolve(INVOICE, minor=0)]).stage == CURRENT


def test_forty_days_without_a_look_skip_no_notice() -> None:
    """ESCALATION-08: on day 45 nothing was sent, so the account stands where its first reminder is due."""
    standing = standing_on(45, LADDER, [INVOICE])
    assert standing.stage == "reminder"
    assert standing.since_on == on(5)
    assert [reason.text for reason in standing.blocked] == ["not yet final-demand: friendly was not delivered for I"]
    first = due(45)
    assert names(first) == [("reminder", "friendly"), ("reminder", "call")]
    assert [one.late_days for one in first.steps] == [40, 37]


def test_the_dwell_time_after_a_late_notice_is_kept() -> None:
    late = notice("friendly", 45, "I")
    assert standing_on(54, LADDER, [INVOICE], notices=[late]).stage == "reminder"
    standing = standing_on(54, LADDER, [INVOICE], notices=[late])
    assert standing.next_on == on(55)
    assert standing.blocked[0].text == (
        "not yet final-demand: friendly was delivered on 2026-02-15, and 10 days end on 2026-02-25"
    )
    final = standing_on(55, LADDER, [INVOICE], notices=[late])
    assert (final.stage, final.since_on) == ("final-demand", on(55))


def test_a_notice_that_came_back_or_belongs_to_an_earlier_cycle_opens_no_stage() -> None:
    for spoilt in (
        attrs.evolve(FRIENDLY, bounced_on=on(6)),
        attrs.evolve(FRIENDLY, suppressed_on=on(5), sent_on=None),
        attrs.evolve(FRIENDLY, receivable_ids=["other"]),
    ):
        assert standing_on(30, LADDER, [INVOICE], notices=[spoilt]).stage == "reminder"
    assert standing_on(30, LADDER, [INVOICE], notices=[FRIENDLY], cycle=1).stage == "reminder"
    assert standing_on(30, LADDER, [INVOICE], notices=[FRIENDLY]).stage == "final-demand"


def test_a_notice_that_names_no_claims_spoke_of_those_that_were_past_due() -> None:
    unnamed = attrs.evolve(FRIENDLY, receivable_ids=[])
    assert standing_on(30, LADDER, [INVOICE], notices=[unnamed]).stage == "final-demand"
    assert standing_on(40, LADDER, [Claim("J", 6)], notices=[unnamed]).stage == "reminder"


def test_all_that_is_missing_for_the_next_stage_is_told_and_approval_asked_for_only_when_nothing_else_is() -> None:
    early = standing_on(
        41,
        LADDER,
        [attrs.evolve(INVOICE, minor=4_000)],
        notices=[FRIENDLY, attrs.evolve(LETTER, requested_on=on(30), sent_on=on(30))],
    )
    assert [reason.text for reason in early.blocked] == [
        "not yet legal: final-demand was delivered on 2026-01-31, and 14 days end on 2026-02-14",
        "not yet legal: arrears is 40.00 EUR, below 50.00 EUR",
        "not yet legal: manager has not approved it",
    ]
    assert (early.wants, early.wants_for) == ((), None)
    ready = standing_on(41, LADDER, [INVOICE], notices=[FRIENDLY, LETTER])
    assert (ready.stage, ready.wants, ready.wants_for) == ("final-demand", ("manager",), "legal")
    assert [reason.code for reason in ready.blocked] == ["escalation.blocked"]


def test_leave_brings_the_account_on_from_the_day_it_is_given() -> None:
    standing = standing_on(43, LADDER, [INVOICE], notices=[FRIENDLY, LETTER], approvals=[LEAVE])
    assert (standing.stage, standing.since_on, standing.wants, standing.blocked) == ("legal", on(42), (), ())


@pytest.mark.parametrize(
    "leave",
    [
        attrs.evolve(LEAVE, cycle=1),
        attrs.evolve(LEAVE, subject="final-demand"),
        attrs.evolve(LEAVE, authority="clerk"),
        attrs.evolve(LEAVE, until_on=on(42)),
        attrs.evolve(LEAVE, granted_on=on(10), until_on=on(39)),  # over before all else held
    ],
)
def test_leave_of_another_cycle_stage_person_or_time_brings_nothing(leave: Approval) -> None:
    standing = standing_on(45, LADDER, [INVOICE], notices=[FRIENDLY, LETTER], approvals=[leave])
    assert (standing.stage, standing.wants) == ("final-demand", ("manager",))


def test_leave_that_ended_lowers_no_stage_but_its_steps_wait_for_a_new_one() -> None:
    done = {"notices": [FRIENDLY, LETTER], "issued_keys": ["command:A:0:final-demand:cut"]}
    given = done | {"approvals": [LEAVE]}
    before = standing_on(49, LADDER, [INVOICE], **given)
    assert before.next_on == on(50)
    assert names(due(49, **given)) == [("legal", "file")]
    after = standing_on(50, LADDER, [INVOICE], **given)
    assert (after.stage, after.since_on, after.wants, after.wants_for) == ("legal", on(42), ("manager",), "legal")
    waiting = due(50, **given)
    assert names(waiting) == []
    assert [reason.text for reason in waiting.reasons] == ["steps of legal wait: leave by manager has ended"]
    anew = attrs.evolve(LEAVE, granted_on=on(60), until_on=None)
    assert names(due(60, **done, approvals=[LEAVE, anew])) == [("legal", "file")]


def test_what_was_missed_in_a_stage_whose_leave_has_ended_is_not_caught_up() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="legal", after=PastDue(days=1), needs=[Approved(authority="manager")], steps=[CUT, FINAL]),
            StageRule(id="end", after=PastDue(days=30)),
        ]
    )
    leave = attrs.evolve(LEAVE, granted_on=on(1), until_on=on(40))
    assert names(due(39, ladder=rules, approvals=[leave])) == [("legal", "final-demand"), ("legal", "cut")]
    assert due(40, ladder=rules, approvals=[leave]) == StepsDue()
    both = due(40, INVOICE, Claim("J", 20), ladder=rules, approvals=[leave])
    assert (names(both), [reason.code for reason in both.reasons]) == ([], ["escalation.expired"])


def test_two_authorities_must_have_given_leave_at_the_same_time() -> None:
    rules = Ladder(
        stages=[StageRule(id="legal", after=PastDue(days=1), needs=[Approved(authority="a"), Approved(authority="b")])]
    )

    def leave(authority: str, first: int, last: int) -> Approval:
        return Approval(subject="legal", authority=authority, granted_by="x", granted_on=on(first), until_on=on(last))

    apart = [leave("a", 2, 5), leave("b", 5, 9)]
    assert standing_on(6, rules, [INVOICE], approvals=apart).stage == GRACE
    assert standing_on(6, rules, [INVOICE], approvals=apart).wants == ("a",)
    together = standing_on(8, rules, [INVOICE], approvals=[*apart, leave("a", 7, 8)])
    assert (together.stage, together.since_on) == ("legal", on(7))
    assert together.wants == ("a",)  # its steps wait


def test_the_nearest_stage_that_only_waits_for_leave_is_the_one_that_is_asked_for() -> None:
    """A stage above that lacks a notice does not hide that the next one could be had for a signature."""
    rules = Ladder(
        stages=[
            StageRule(id="a", after=PastDue(days=1), needs=[Approved(authority="boss")], steps=[MAIL]),
            StageRule(id="b", after=PastDue(days=2), needs=[Delivered(notice="friendly")]),
        ]
    )
    standing = standing_on(5, rules, [INVOICE])
    assert (standing.stage, standing.wants, standing.wants_for) == (GRACE, ("boss",), "a")
    assert [reason.text for reason in standing.blocked] == ["not yet a: boss has not approved it"]
    other = Ladder(
        stages=[
            StageRule(id="z", after=PastDue(days=1), steps=[MAIL]),
            StageRule(id="a", after=PastDue(days=2), needs=[Delivered(notice="friendly")]),
            StageRule(id="b", after=PastDue(days=3), needs=[Approved(authority="boss")]),
        ]
    )
    standing = standing_on(5, other, [INVOICE])
    assert (standing.wants, standing.wants_for) == (("boss",), "b")
    assert [reason.text for reason in standing.blocked] == ["not yet a: friendly was not delivered for I"]


def test_a_sum_reached_late_begins_its_stage_late() -> None:
    """No dwell time is lost: the steps of the stage count from the day on which the arrears came to be enough."""
    rules = Ladder(
        stages=[
            StageRule(
                id="legal",
                after=PastDue(days=10),
                needs=[Holds(guard=AmountAtLeast(fact="arrears", bounds=[Money(15_000, "EUR")]))],
                steps=[attrs.evolve(CLAIM_FILE, day=5)],
            )
        ]
    )
    pair = [INVOICE, Claim("J", 20)]
    assert standing_on(20, rules, pair).stage == GRACE
    assert standing_on(20, rules, pair).next_on == on(21)
    standing = standing_on(21, rules, pair)
    assert (standing.stage, standing.since_on, standing.anchor) == ("legal", on(21), "I")
    assert steps_due(standing=standing, snapshot=snapshot_on(21)).next_on == on(26)


def test_one_guard_speaks_for_all_claims() -> None:
    needs = [Holds(guard=AmountAtLeast(fact="arrears", bounds=[Money(15_000, "EUR")]))]
    rules = Ladder(stages=[StageRule(id="legal", after=PastDue(days=2), needs=needs)])
    standing = standing_on(9, rules, [INVOICE, Claim("J", 3)])
    assert (standing.covers, standing.since_on) == (("I", "J"), on(4))


def test_a_stage_whose_needs_come_after_the_next_one_began_was_never_stood_in() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="a", after=PastDue(days=1), steps=[MAIL]),
            StageRule(id="b", after=PastDue(days=2), needs=[Delivered(notice="friendly", days_ago=9)], steps=[FINAL]),
            StageRule(id="c", after=PastDue(days=5)),
        ]
    )
    sent = notice("friendly", 1, "I", stage="a")
    standing = standing_on(20, rules, [INVOICE], notices=[sent])
    assert [(climb.rule.id, climb.since_on, climb.until_on) for climb in standing.climbs] == [
        ("a", on(1), on(5)),
        ("c", on(5), None),
    ]
    assert steps_due(standing=standing, snapshot=snapshot_on(20, notices=[sent])) == StepsDue()


def test_a_guard_on_days_names_the_day_on_which_it_turns() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="legal", after=PastDue(days=1), needs=[Holds(guard=AtLeast(fact="days_known", bound=100))])
        ]
    )
    facts = facts_of([INVOICE], 5, days_known=60)
    standing = standing_on(5, rules, [INVOICE], facts=facts)
    assert (standing.stage, standing.next_on) == (GRACE, on(45))
    facts = facts_of([INVOICE], 50, days_known=105)
    standing = standing_on(50, rules, [INVOICE], facts=facts)
    assert (standing.stage, standing.since_on) == ("legal", on(45))


def test_a_bound_beyond_the_calendar_names_no_day() -> None:
    never = Holds(guard=AtLeast(fact="days_past_due", bound=10**9))
    rules = Ladder(stages=[StageRule(id="legal", after=PastDue(days=1), needs=[never])])
    assert standing_on(5, rules, [INVOICE]).next_on is None


def test_an_account_past_due_stands_in_grace_though_another_claim_is_near_its_day() -> None:
    standing = standing_on(1, LADDER, [INVOICE, Claim("J", 3)])
    assert (standing.stage, standing.rule) == (GRACE, None)
    assert rank(LADDER, GRACE) > rank(LADDER, "pre-due")
    assert standing.next_on == on(4)
    assert names(due(1, INVOICE, Claim("J", 3))) == [("pre-due", "pre-due")]


def test_the_furthest_claim_gives_the_stage_and_paying_it_moves_no_other() -> None:
    """SEGMENT-05: the newer invoice keeps its own place when the older one is paid."""
    pair = [INVOICE, Claim("J", 10)]
    both = standing_on(31, LADDER, pair, notices=[FRIENDLY])
    assert (both.stage, both.anchor, both.covers) == ("final-demand", "I", ("I",))
    left = standing_on(31, LADDER, pair[1:], notices=[FRIENDLY])
    assert (left.stage, left.anchor, left.covers) == ("reminder", "J", ("J",))
    assert standing_on(31, LADDER, pair[::-1], notices=[FRIENDLY]) == both


def test_an_instalment_is_remembered_by_plan_and_number() -> None:
    item = attrs.evolve(INVOICE.item(9), receivable_id=None, plan_id="P", instalment_number=2)
    assert item_ref(item) == "P#2"
    assert item_ref(INVOICE.item(9)) == "I"


# -- what is due ---------------------------------------------------------------------------------------------------


def test_a_step_is_due_on_its_day_then_late_and_done_once_it_was_taken() -> None:
    assert due(4).next_on is None  # the stage itself names day 5
    assert standing_on(4, LADDER, [INVOICE]).next_on == on(5)
    assert [(one.step.id, one.late_days) for one in due(5).steps] == [("friendly", 0)]
    assert due(5).next_on == on(8)
    assert [(one.step.id, one.late_days) for one in due(7).steps] == [("friendly", 2)]
    assert names(due(7, notices=[FRIENDLY])) == []
    assert names(due(8, notices=[FRIENDLY])) == [("reminder", "call")]


def test_a_part_paid_claim_is_still_reminded() -> None:
    """ESCALATION-15."""
    assert names(due(5, attrs.evolve(INVOICE, minor=1))) == [("reminder", "friendly")]


def test_reminding_one_invoice_does_not_silence_the_next() -> None:
    """ESCALATION-16: the second falls behind five days later and is written about on its own day."""
    pair = (INVOICE, Claim("J", 10))
    found = due(15, *pair, notices=[FRIENDLY])
    mail = found.steps[1]
    assert names(found) == [("reminder", "call"), ("reminder", "friendly")]
    assert (mail.covers, mail.anchor, mail.occurrence, mail.late_days) == (("J",), "J", 2, 0)
    assert mail.key("A", 0, "email") == "notice:A:0:reminder:friendly:email:2"


def test_one_notice_speaks_of_all_claims_that_need_it() -> None:
    pair = (Claim("J", 0), INVOICE)
    (step,) = due(5, *pair).steps
    assert (step.covers, step.anchor) == (("I", "J"), "I")
    both = notice("friendly", 5, "I", "J")
    assert names(due(6, *pair, notices=[both])) == []


def test_the_newer_invoice_is_reminded_also_while_the_older_stands_further_on() -> None:
    pair = (INVOICE, Claim("J", 30))
    found = due(35, *pair, notices=[FRIENDLY, LETTER], issued_keys=["command:A:0:final-demand:cut"])
    assert names(found) == [("reminder", "friendly")]
    assert found.steps[0].covers == ("J",)


def test_a_joint_notice_leaves_out_a_claim_whose_earlier_notice_is_still_due() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="s0", after=PastDue(days=1), steps=[Step(id="m", what="n0", channels=["email"])]),
            StageRule(id="s1", after=PastDue(days=2), steps=[Step(id="m", what="n1", channels=["email"])]),
        ]
    )
    sent = notice("n0", 1, "I", stage="s0", step="m")
    found = due(9, INVOICE, Claim("J", 1), ladder=rules, notices=[sent])
    assert [(one.stage, one.covers) for one in found.steps] == [("s1", ("I",)), ("s0", ("J",)), ("s1", ("J",))]


def test_on_one_day_the_sterner_stage_comes_first() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="s0", after=PastDue(days=1), steps=[Step(id="m", what="n0", channels=["email"])]),
            StageRule(id="s1", after=PastDue(days=11), steps=[Step(id="m", what="n1", channels=["email"])]),
        ]
    )
    sent = notice("n0", 1, "I", stage="s0", step="m")
    found = due(11, INVOICE, Claim("J", 10), ladder=rules, notices=[sent])
    assert [one.stage for one in found.steps] == ["s1", "s0"]


def test_a_bounced_notice_is_planned_again_at_once_a_suppressed_one_the_next_day() -> None:
    bounced = attrs.evolve(FRIENDLY, bounced_on=on(6))
    again = due(6, notices=[bounced]).steps[0]
    assert (again.step.id, again.occurrence, again.planned_on, again.late_days) == ("friendly", 2, on(5), 1)
    stopped = attrs.evolve(FRIENDLY, sent_on=None, suppressed_on=on(6))
    today = due(6, notices=[stopped])
    assert (names(today), today.next_on) == ([], on(7))
    tomorrow = due(7, notices=[stopped]).steps[0]
    assert (tomorrow.occurrence, tomorrow.late_days) == (2, 2)


def test_a_notice_in_the_outbox_is_not_planned_again() -> None:
    waiting = attrs.evolve(FRIENDLY, sent_on=None)
    assert waiting.is_pending
    assert names(due(7, notices=[waiting])) == []


def test_what_was_stopped_or_came_back_too_often_is_left_to_a_person() -> None:
    stopped = [
        attrs.evolve(notice("friendly", 5 + n, "I", occurrence=n), sent_on=None, suppressed_on=on(5 + n))
        for n in range(1, MAX_SUPPRESSED + 1)
    ]
    assert names(due(20, notices=stopped[:-1]))[0] == ("reminder", "friendly")
    found = due(20, notices=stopped)
    assert names(found) == [("reminder", "call")]
    assert [reason.code for reason in found.reasons] == ["escalation.suppressed"]
    bounced = [
        attrs.evolve(notice("friendly", 5 + n, "I", occurrence=n), bounced_on=on(5 + n))
        for n in range(1, MAX_BOUNCED + 1)
    ]
    assert names(due(20, notices=bounced[:-1]))[0] == ("reminder", "friendly")
    found = due(20, notices=bounced)
    assert names(found) == [("reminder", "call")]
    assert [reason.text for reason in found.reasons] == ["friendly for I came back 5 times; a person should look"]


def test_repeats_come_so_many_times_in_that_rhythm_until_the_next_stage() -> None:
    weekly = attrs.evolve(MAIL, every_days=7, times=3)
    rules = Ladder(
        stages=[
            StageRule(id="reminder", after=PastDue(days=5), steps=[weekly]),
            StageRule(id="end", after=PastDue(days=18)),
        ]
    )
    world = World(ladder=rules, claims=(INVOICE,))
    world.live_daily(0, 40)
    assert [(one.day, one.occurrence, one.late_days) for one in world.log] == [(5, 1, 0), (12, 2, 0)]
    long = World(ladder=Ladder(stages=rules.stages[:1]), claims=(INVOICE,))
    long.live_daily(0, 40)
    assert [one.day for one in long.log] == [5, 12, 19]


def test_repeated_tasks_have_a_key_for_each_time() -> None:
    rules = Ladder(
        stages=[StageRule(id="reminder", after=PastDue(days=5), steps=[attrs.evolve(CALL, every_days=7, times=2)])]
    )
    world = World(ladder=rules, claims=(INVOICE,))
    world.live_daily(0, 40)
    assert world.issued == ["task:A:0:reminder:call:I:1", "task:A:0:reminder:call:I:2"]
    assert [one.day for one in world.log] == [8, 15]


def test_a_task_is_given_for_the_oldest_claim_and_for_the_next_when_that_is_paid() -> None:
    pair = (INVOICE, Claim("J", 0))
    sent = notice("friendly", 5, "I", "J")
    (task,) = due(8, *pair, notices=[sent]).steps
    assert (task.anchor, task.covers, task.key("A", 0)) == ("I", ("I", "J"), "task:A:0:reminder:call:I:1")
    done = {"notices": [sent], "issued_keys": ["task:A:0:reminder:call:I:1"]}
    assert names(due(9, *pair, **done)) == []
    assert due(9, Claim("J", 0), **done).steps[0].key("A", 0) == "task:A:0:reminder:call:J:1"


def test_a_command_is_given_once_in_a_cycle_whatever_the_claims() -> None:
    given = {
        "notices": [FRIENDLY, LETTER, notice("friendly", 6, "J"), notice("final-demand", 21, "J", stage="final-demand")]
    }
    pair = (INVOICE, Claim("J", 1))
    (cut,) = due(28, *pair, **given).steps
    assert (cut.key("A", 0), cut.key("A", 1), cut.late_days) == (
        "command:A:0:final-demand:cut",
        "command:A:1:final-demand:cut",
        1,
    )
    assert names(due(28, *pair, **given, issued_keys=["command:A:0:final-demand:cut"])) == []
    assert due(25, *pair, **given).next_on == on(27)


def test_steps_of_a_stage_passed_in_one_leap_are_caught_up_until_a_sterner_notice_has_spoken() -> None:
    """Nothing was sent for weeks, and the ladder asks for no notice before the next stage."""
    rules = Ladder(
        stages=[
            StageRule(id="soft", after=PastDue(days=1), steps=[MAIL, CALL, attrs.evolve(CUT, day=2)]),
            StageRule(id="hard", after=PastDue(days=10), steps=[FINAL]),
        ]
    )
    found = due(30, ladder=rules)
    assert standing_on(30, rules, [INVOICE]).stage == "hard"
    assert [(one.stage, one.step.id, one.late_days) for one in found.steps] == [
        ("soft", "friendly", 29),
        ("soft", "cut", 27),
        ("soft", "call", 26),
        ("hard", "final-demand", 20),
    ]
    spoken = notice("final-demand", 30, "I", stage="hard")
    assert names(due(31, ladder=rules, notices=[spoken])) == [
        ("soft", "cut")
    ]  # what was to be done is still to be done
    assert names(due(31, ladder=rules, notices=[attrs.evolve(spoken, bounced_on=on(31))])) == names(found)
    assert names(due(31, ladder=rules, notices=[attrs.evolve(spoken, receivable_ids=[])])) == [("soft", "cut")]
    called = {"issued_keys": ["task:A:0:soft:call:other:1", "command:A:0:soft:cut"]}
    assert names(due(30, ladder=rules, **called)) == [("soft", "friendly"), ("hard", "final-demand")]


def test_steps_planned_for_a_day_after_the_stage_was_left_are_not_taken() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="soft", after=PastDue(days=1), steps=[attrs.evolve(one, day=20) for one in (MAIL, CALL, CUT)]),
            StageRule(id="hard", after=PastDue(days=10), needs=[Holds(guard=All())]),
        ]
    )
    assert due(40, ladder=rules) == StepsDue()


def test_a_reminder_before_the_due_date_lapses_with_that_day() -> None:
    assert names(due(-2)) == [("pre-due", "pre-due")]
    assert names(due(0)) == [("pre-due", "pre-due")]
    assert names(due(1)) == []


def test_a_reminder_before_the_due_date_is_not_sent_again_when_another_claim_is_cured() -> None:
    sent = notice("pre-due", -2, "I", stage="pre-due")
    assert names(due(-1, notices=[sent])) == []
    assert names(due(-1, notices=[sent], cycle=1)) == []
    assert names(due(-1, notices=[attrs.evolve(sent, receivable_ids=[])])) == []
    assert names(due(-1, Claim("J", 0), notices=[sent])) == [("pre-due", "pre-due")]


def test_a_relapse_begins_again_from_the_bottom() -> None:
    """ESCALATION-12: what was sent and done in the cycle that was cured counts no more."""
    given = {"notices": [FRIENDLY, LETTER], "issued_keys": ["task:A:0:reminder:call:I:1"], "cycle": 1}
    assert standing_on(60, LADDER, [INVOICE], **given).stage == "reminder"
    found = due(60, **given)
    assert names(found) == [("reminder", "friendly"), ("reminder", "call")]
    assert found.steps[0].key("A", 1, "email") == "notice:A:1:reminder:friendly:email:1"


def test_a_planned_step_has_a_key_of_its_kind() -> None:
    step = PlannedStep(stage="s", step=MAIL, occurrence=3, planned_on=on(1), late_days=0, anchor="I", covers=("I",))
    assert step.key("A:1", 2, "sms") == "notice:A%3A1:2:s:friendly:sms:3"


# -- what stands in the way ----------------------------------------------------------------------------------------


def test_disputes_flags_and_holds_of_the_day_are_collected() -> None:
    debtor = Debtor(
        debtor_id="D",
        kind="consumer",
        flags=[
            Flag(kind=FlagKind.HARDSHIP, since_on=on(0), until_on=on(9)),
            Flag(kind=FlagKind.VULNERABLE, since_on=on(0)),
            Flag(kind=FlagKind.INSOLVENT, since_on=on(6)),
        ],
    )
    snapshot = AccountSnapshot(
        as_of=on(5),
        account=snapshot_on(0).account,
        debtor=debtor,
        disputes=[
            Dispute(dispute_id="X", account_id="A", raised_on=on(1), receivable_ids=["I"]),
            Dispute(dispute_id="Y", account_id="A", raised_on=on(1), resolved_on=on(5)),
        ],
        holds=[
            Hold(hold_id="H", account_id="A", reason="mediation", placed_on=on(2), until_on=on(6), stops=["legal"]),
            Hold(hold_id="G", account_id="A", reason="manual", placed_on=on(2), until_on=on(5)),
        ],
    )
    promised = AppliedHold(reason=HoldReason.PROMISE, until_on=on(7))
    found = holds_on(snapshot, promised=[promised])
    assert [(one.reason.value, one.until_on, one.receivable_ids, one.stops) for one in found] == [
        ("dispute", None, ("I",), ()),
        ("hardship", on(9), (), ()),
        ("mediation", on(6), (), ("legal",)),
        ("promise", on(7), (), ()),
    ]
    assert found[0].text == "dispute X since 2026-01-02"


@pytest.mark.parametrize(
    "kind",
    [FlagKind.HARDSHIP, FlagKind.INSOLVENT, FlagKind.DECEASED, FlagKind.CEASE_COMMUNICATION, FlagKind.REPRESENTED],
)
def test_every_flag_that_forbids_dunning_is_a_hold(kind: FlagKind) -> None:
    debtor = Debtor(debtor_id="D", kind="consumer", flags=[Flag(kind=kind, since_on=on(0))])
    snapshot = AccountSnapshot(as_of=on(1), account=snapshot_on(0).account, debtor=debtor)
    (hold,) = holds_on(snapshot)
    assert hold.until_on is None
    assert kind.value.startswith(hold.reason.value[:6])


# -- the ladder laid out in time -----------------------------------------------------------------------------------


def test_the_timeline_is_the_ladder_as_it_is_lived() -> None:
    day = date(2026, 3, 2)
    lines = [((entry.on - day).days, entry.stage, entry.text) for entry in timeline(LADDER, due_on=day)]
    assert lines == [
        (-3, "pre-due", "pre-due begins, 3 days before the due date"),
        (-2, "pre-due", "notice pre-due by email"),
        (5, "reminder", "reminder begins, 5 days past due"),
        (5, "reminder", "notice friendly by email or letter"),
        (8, "reminder", "task call"),
        (20, "final-demand", "final-demand begins, 20 days past due"),
        (20, "final-demand", "notice final-demand by letter"),
        (27, "final-demand", "command restrict-service"),
        (40, "legal", "legal begins, 40 days past due"),
        (40, "legal", "task prepare-claim"),
    ]


def test_the_timeline_waits_for_notices_and_takes_one_step_a_day() -> None:
    rules = Ladder(
        stages=[
            StageRule(id="a", after=PastDue(days=1), steps=[MAIL, attrs.evolve(CALL, day=0)]),
            StageRule(id="b", after=PastDue(days=2), needs=[Delivered(notice="friendly", days_ago=7)], steps=[FINAL]),
        ]
    )
    day = date(2026, 3, 2)
    assert [((entry.on - day).days, entry.text) for entry in timeline(rules, due_on=day)] == [
        (1, "a begins, 1 day past due"),
        (1, "notice friendly by email or letter"),
        (2, "task call"),
        (8, "b begins, 2 days past due"),
        (8, "notice final-demand by letter"),
    ]


def test_an_empty_ladder_has_an_empty_timeline() -> None:
    assert timeline(Ladder(), due_on=date(2026, 3, 2)) == ()


# -- what the helper of these tests promises -----------------------------------------------------------------------


def test_the_notices_of_the_helper_count_as_delivered_on_their_day() -> None:
    assert isinstance(FRIENDLY, NoticeRecord)
    assert (FRIENDLY.delivered_on, FRIENDLY.channel) == (on(5), Channel.EMAIL)
    assert on(5) - on(0) == timedelta(days=5)
