"""Escalation: a ladder of stages, and where an account stands on it today.

House rules:

1. The stage is worked out from facts on every look. It is never stored, so it cannot fall out of step.
2. The ladder is a table, gentlest stage first (`Ladder.rows` prints it). Each claim climbs it by itself: it stands on
   the furthest rung whose `after` had come and whose `needs` held. A stage that needs a delivered notice can therefore
   never be reached by skipping that notice, however long nobody looked.
3. The account stands where its furthest claim stands. Paying a claim takes that claim off the ladder and moves no
   other; reminding one invoice does not silence the next.
4. At most one step a day. A step whose day was missed is taken late and says so; it is never skipped, never doubled.
   Two things lapse: a reminder before the due date once that day is over, and a notice or task of an earlier stage
   once a notice of a later one has spoken of the claim.
5. `after` means at or past. Days are counted from the due date; the due date itself is day 0 and not past due.
6. Waiting never lowers a stage; only a fact does: money, a credit, a hold, a notice that came back.

Nothing here knows hours, addresses or amounts of fees: it says which step is due, and the joint rooms carry it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final

import attrs

from collectkit._escalation.climb import Climb, Mountain, Reach, item_ref, rungs_stood_on
from collectkit._escalation.ladder import (
    CURED,
    CURRENT,
    GRACE,
    LADDER_COMMANDS,
    Action,
    After,
    Approved,
    Delivered,
    DueIn,
    Holds,
    Ladder,
    Need,
    PastDue,
    StageRule,
    Step,
)
from collectkit._escalation.steps import MAX_BOUNCED, MAX_SUPPRESSED, PlannedStep, Rung
from collectkit.core.aging import AgedItem
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.decisions import AppliedHold, Reason
from collectkit.core.guards import AccountFacts
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Approval,
    Channel,
    Debtor,
    DebtorKind,
    FlagKind,
    HoldReason,
    NoticeRecord,
)

__all__ = [
    "CURED",
    "CURRENT",
    "GRACE",
    "LADDER_COMMANDS",
    "MAX_BOUNCED",
    "MAX_SUPPRESSED",
    "Action",
    "After",
    "Approved",
    "Climb",
    "Delivered",
    "DueIn",
    "Holds",
    "Ladder",
    "Need",
    "PastDue",
    "PlannedStep",
    "StageRule",
    "Standing",
    "Step",
    "StepsDue",
    "TimelineEntry",
    "holds_on",
    "item_ref",
    "stage_of",
    "steps_due",
    "timeline",
]

_DAY: Final = timedelta(days=1)


# -- where an account stands -----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Standing:
    """The stage an account has reached, since when, on account of which claims, why, and what keeps it from the next.

    `anchor` is the reference of the oldest claim in that stage, `covers` are all of them. `climbs` are the rungs on
    which each claim stands or stood, gentlest first. `next_on` is the first later day on which any of this could
    differ by itself.
    """

    stage: str
    rule: StageRule | None = None
    since_on: date | None = None
    anchor: str | None = None
    covers: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    blocked: tuple[Reason, ...] = ()
    """What is missing for the next stage whose day has come."""
    wants: tuple[str, ...] = ()
    """Authorities whose approval is the only thing that keeps the account from the stage `wants_for`."""
    wants_for: str | None = None
    climbs: tuple[Climb, ...] = ()
    next_on: date | None = None


def stage_of(
    *,
    ladder: Ladder,
    items: Sequence[AgedItem],
    facts: AccountFacts,
    snapshot: AccountSnapshot,
    calendar: BusinessCalendar = WEEKENDS_ONLY,
) -> Standing:
    """Find the furthest stage that the account has reached on `snapshot.as_of`.

    `items` are the open claims that may be acted on, held ones and charges left out. The answer depends on nothing but
    its arguments, and not on their order; what was answered yesterday plays no part.

    Raises:
        CalendarMissing: a stage counts business days which `calendar` does not know.
    """
    mountain = Mountain(ladder=ladder, items=items, facts=facts, snapshot=snapshot, calendar=calendar)
    as_of = snapshot.as_of
    tried = [(item, mountain.reaches(item)) for item in mountain.items]
    climbs = [climb for item, reaches in tried for climb in rungs_stood_on(item, reaches)]
    place = {rule.id: number for number, rule in enumerate(ladder)}
    climbs.sort(key=lambda one: place[one.rule.id])  # stable: within a rung the oldest claim comes first
    past_due = [item for item in mountain.items if item.due_on < as_of]
    standing = [one for one in climbs if one.until_on is None and one.rule.is_pre_due != bool(past_due)]
    blocked, wants_for, wants = _what_is_missing(ladder, tried, standing)
    turns = [turn for _, reaches in tried for one in reaches for turn in one.turns]
    turns += [item.due_on + _DAY for item in mountain.items if item.due_on >= as_of]
    next_on = min((turn for turn in turns if turn > as_of), default=None)
    if not standing:
        stage, text = CURRENT, "nothing that may be acted on is past due"
        if past_due:
            stage = GRACE
            text = f"{item_ref(past_due[0])} is {_lateness(past_due[0].due_on, as_of)}, which no stage speaks of yet"
        return Standing(
            stage=stage,
            reasons=(Reason(code="escalation.stage", text=f"stage {stage}: {text}"),),
            blocked=blocked,
            wants=wants,
            wants_for=wants_for,
            climbs=tuple(climbs),
            next_on=next_on,
        )
    rule = standing[-1].rule
    there = [one for one in standing if one.rule is rule]
    why = f"{there[0].ref} is {_lateness(there[0].due_on, as_of)}, and {rule.id} begins {rule.after}"
    return Standing(
        stage=rule.id,
        rule=rule,
        since_on=min(one.since_on for one in there),
        anchor=there[0].ref,
        covers=tuple(one.ref for one in there),
        reasons=(Reason(code="escalation.stage", text=f"stage {rule.id}: {why}"),),
        blocked=blocked,
        wants=wants,
        wants_for=wants_for,
        climbs=tuple(climbs),
        next_on=next_on,
    )


# -- what is due inside the stages -----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class StepsDue:
    """The steps whose day has come, in the order in which they are to be taken, and the day of the next one.

    Only the first that can be carried out is taken today.
    """

    steps: tuple[PlannedStep, ...] = ()
    reasons: tuple[Reason, ...] = ()
    next_on: date | None = None


def steps_due(*, standing: Standing, snapshot: AccountSnapshot) -> StepsDue:
    """Say which steps are due and not yet done, for every claim on the rung where it stands or stood.

    A notice is done for a claim when one that spoke of it went out in this cycle and was neither suppressed nor
    bounced; a bounced one is planned again at once, for another channel, a suppressed one from the next day on. What
    was planned earlier comes first; on one day, the sterner stage does.
    """
    overtaken = _overtaken(standing, snapshot)
    due: list[tuple[date, int, int, PlannedStep]] = []
    reasons: dict[Reason, None] = {}
    turns: list[date] = []
    behind: set[str] = set()  # claims for which an earlier notice is due
    for rank, (rule, group) in enumerate(groupby(standing.climbs, key=lambda one: one.rule)):
        climbs = tuple(group)
        expired = climbs[-1].expired  # the same for all claims: leave is given for the stage
        if expired:
            if any(one.until_on is None for one in climbs):
                text = f"steps of {rule.id} wait: leave by {', '.join(expired)} has ended"
                reasons[Reason(code="escalation.expired", text=text)] = None
            continue
        rung = Rung(rule=rule, climbs=climbs, snapshot=snapshot)
        for number, step in sorted(enumerate(rule.steps), key=lambda one: one[1].day):
            for found in rung.planned(step, overtaken=overtaken[rule.id], behind=frozenset(behind)):
                if isinstance(found, PlannedStep):
                    due.append((found.planned_on, -rank, number, found))
                    behind |= set(found.covers) if step.action == "notice" else set()
                elif isinstance(found, Reason):
                    reasons[found] = None
                else:
                    turns.append(found)
    due.sort(key=lambda one: one[:3])
    return StepsDue(steps=tuple(one[3] for one in due), reasons=tuple(reasons), next_on=min(turns, default=None))


# -- what stands in the way ------------------------------------------------------------------------------------


def holds_on(snapshot: AccountSnapshot, *, promised: Sequence[AppliedHold] = ()) -> tuple[AppliedHold, ...]:
    """Collect everything that pauses the account or some of its receivables on `snapshot.as_of`.

    Disputes, flags of the debtor and holds placed by hand are facts of the snapshot; holds by promises and plans are
    judged in their own rooms and passed in.
    """
    as_of = snapshot.as_of
    found = [
        AppliedHold(
            reason=HoldReason.DISPUTE,
            receivable_ids=one.receivable_ids,
            text=f"dispute {one.dispute_id} since {one.raised_on}",
        )
        for one in snapshot.disputes
        if one.is_open(as_of)
    ]
    found += [
        AppliedHold(
            reason=_FLAG_HOLDS[flag.kind],
            until_on=flag.until_on,
            text=f"{flag.kind.value.replace('_', ' ')} since {flag.since_on}",
        )
        for flag in snapshot.debtor.flags
        if flag.is_active(as_of) and flag.kind in _FLAG_HOLDS
    ]
    found += [
        AppliedHold(
            reason=hold.reason,
            until_on=hold.until_on,
            receivable_ids=hold.receivable_ids,
            stops=hold.stops,
            text=f"{hold.reason.value.replace('_', ' ')}, hold {hold.hold_id} since {hold.placed_on}",
        )
        for hold in snapshot.holds
        if hold.is_active(as_of)
    ]
    return (*found, *promised)


# -- the ladder laid out in time -------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """One line of a ladder laid out in time: on that day, that stage begins or that step is due."""

    on: date
    stage: str
    text: str


def timeline(ladder: Ladder, *, due_on: date, calendar: BusinessCalendar = WEEKENDS_ONLY) -> tuple[TimelineEntry, ...]:
    """Lay the ladder out in time for one claim that is never paid, as `stage_of` and `steps_due` would take it.

    Every notice arrives on the day it is sent, and every approval is given on the day it is asked for. Needs about
    sums and counts are taken as fulfilled.

    >>> mail = Step(id="friendly", what="friendly", channels=["email"])
    >>> rules = Ladder(stages=[StageRule(id="reminder", after=PastDue(days=5), steps=[mail])])
    >>> [(str(entry.on), entry.text) for entry in timeline(rules, due_on=date(2026, 3, 1))]
    [('2026-03-06', 'reminder begins, 5 days past due'), ('2026-03-06', 'notice friendly by email')]
    """
    plain = Ladder(
        stages=[
            attrs.evolve(rule, needs=[need for need in rule.needs if not isinstance(need, Holds)]) for rule in ladder
        ]
    )
    return tuple(_lived(plain, due_on, calendar))


# -- details ---------------------------------------------------------------------------------------------------

_FLAG_HOLDS: Final = {
    FlagKind.HARDSHIP: HoldReason.HARDSHIP,
    FlagKind.INSOLVENT: HoldReason.INSOLVENCY,
    FlagKind.DECEASED: HoldReason.DECEASED,
    FlagKind.CEASE_COMMUNICATION: HoldReason.CEASE_COMMUNICATION,
    FlagKind.REPRESENTED: HoldReason.REPRESENTED,
}


def _what_is_missing(
    ladder: Ladder, tried: Sequence[tuple[AgedItem, tuple[Reach, ...]]], standing: Sequence[Climb]
) -> tuple[tuple[Reason, ...], str | None, tuple[str, ...]]:
    """Say what keeps the account from the next stage, and whose approval would alone bring it to which one."""
    reasons: tuple[Reason, ...] = ()
    here = standing[-1] if standing else None
    if here is not None and here.expired:
        return (), here.rule.id, here.expired
    stages = [rule.id for rule in ladder if not rule.is_pre_due]
    beyond = stages[stages.index(here.rule.id) + 1 :] if here is not None and here.rule.id in stages else stages
    for stage in beyond:
        short = [one for _, reaches in tried for one in reaches if one.rule.id == stage and one.missing]
        if not short:
            continue
        nearest = min(short, key=lambda one: len(one.missing))
        if not reasons:
            reasons = tuple(
                Reason(code="escalation.blocked", text=f"not yet {stage}: {missing}") for missing in nearest.missing
            )
        if nearest.only_wants:
            return reasons, stage, nearest.wants
    return reasons, None, ()


def _overtaken(standing: Standing, snapshot: AccountSnapshot) -> dict[str, frozenset[str]]:
    """Find, for each stage, the claims of which a notice of a further stage has already spoken."""
    found: dict[str, frozenset[str]] = {}
    spoken: set[str] = set()
    stages = list(dict.fromkeys(one.rule.id for one in standing.climbs))
    for stage in reversed(stages):
        found[stage] = frozenset(spoken)
        refs = {one.ref for one in standing.climbs if one.rule.id == stage}
        for record in snapshot.notices:
            went_out = record.bounced_on is None and record.suppressed_on is None
            if record.stage == stage and record.cycle == snapshot.cycle and went_out:
                spoken |= refs & set(record.receivable_ids) if record.receivable_ids else refs
    return found


def _lateness(due_on: date, as_of: date) -> str:
    days = (as_of - due_on).days
    if days > 0:
        return f"{days} day{'s' if days != 1 else ''} past due"
    return "due today" if days == 0 else f"due in {-days} day{'s' if days != -1 else ''}"


def _lived(ladder: Ladder, due_on: date, calendar: BusinessCalendar) -> Iterator[TimelineEntry]:
    """Look at one claim day by day, as a host would, and do what is due."""
    notices: list[NoticeRecord] = []
    approvals: list[Approval] = []
    issued: list[str] = []
    stage = None
    day: date | None = min((rule.after.first_on(due_on, calendar) for rule in ladder), default=None)
    while day is not None:
        item = AgedItem(
            receivable_id="claim",
            due_on=due_on,
            amount_open=Money(1, "EUR"),
            days_past_due=max(0, (day - due_on).days),
            delinquent_days=0,
            bucket="",
        )
        snapshot = AccountSnapshot(
            as_of=day,
            account=Account(account_id="account", debtor_id="debtor"),
            debtor=Debtor(debtor_id="debtor", kind=DebtorKind.BUSINESS),
            notices=notices,
            approvals=approvals,
            issued_keys=issued,
        )
        standing = stage_of(
            ladder=ladder, items=[item], facts=AccountFacts(as_of=day), snapshot=snapshot, calendar=calendar
        )
        if standing.wants_for is not None:
            subject = standing.wants_for
            for name in standing.wants:
                approvals.append(Approval(subject=subject, authority=name, granted_by=name, granted_on=day))
            continue
        if standing.rule is not None and standing.stage != stage:
            stage = standing.stage
            yield TimelineEntry(on=day, stage=stage, text=f"{stage} begins, {standing.rule.after}")
        due = steps_due(standing=standing, snapshot=snapshot)
        turns = [turn for turn in (standing.next_on, due.next_on) if turn is not None]
        if due.steps:
            one = due.steps[0]
            channels = f" by {' or '.join(one.step.channels)}" if one.step.channels else ""
            yield TimelineEntry(on=day, stage=one.stage, text=f"{one.step.action} {one.step.what}{channels}")
            key = one.key("account", 0)
            issued.append(key)
            if one.step.action == "notice":
                notices.append(_sent(one, key, day))
            turns.append(day + _DAY)
        day = min(turns, default=None)


def _sent(one: PlannedStep, key: str, day: date) -> NoticeRecord:
    channel: Channel = one.step.channels[0]
    return NoticeRecord(
        key=key,
        notice=one.step.what,
        stage=one.stage,
        step=one.step.id,
        channel=channel,
        cycle=0,
        occurrence=one.occurrence,
        requested_on=day,
        receivable_ids=one.covers,
        sent_on=day,
    )
