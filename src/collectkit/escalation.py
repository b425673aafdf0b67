"""Escalation: a ladder of stages, and where an account stands on it today.

House rules:

1. The stage is worked out from facts on every look. It is never stored, so it cannot fall out of step.
2. The ladder is a table, gentlest stage first. The stage is the furthest one whose `after` has come and whose `needs`
   all hold. A stage that needs a delivered notice can therefore never be reached by skipping that notice, however
   long nobody looked.
3. Everything is asked about the *anchor*: the oldest claim that is past due and not held. Paying it changes the
   answer; reminding one invoice does not silence the next.
4. At most one step a day. A step whose day was missed is taken late and says so; it is never skipped, never doubled.
5. `after` means at or past. Days are counted from the due date; the due date itself is day 0 and not past due.

Nothing here knows hours, addresses or amounts of fees: it says which step is due, and the joint rooms carry it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeAlias

import attrs

from collectkit.core.aging import AgedItem
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import as_tuple, each, identifier, non_negative_int, optional, positive_int, texts
from collectkit.core.decisions import AppliedHold, Reason
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.events import semantic_key
from collectkit.core.guards import AccountFacts, Guard, judge
from collectkit.core.records import AccountSnapshot, Channel, FlagKind, HoldReason, NoticeRecord

__all__ = [
    "CURED",
    "CURRENT",
    "GRACE",
    "After",
    "Approved",
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

CURRENT: Final = "current"
"""The stage of an account with nothing past due and no pre-due stage reached."""
GRACE: Final = "grace"
"""The stage of an account that is past due, but not yet as far as the first stage of its ladder."""
CURED: Final = "cured"
"""The stage under which thanks are sent; no account stands in it."""

COMMANDS: Final = ("place-with-agency", "restore-service", "restrict-service")
"""What a step may ask of the host."""

MAX_SUPPRESSED: Final = 3  # a step that the last look stopped this often is left to a person


# -- the ladder ------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PastDue:
    """From the day on which a claim is so many days, or business days, past due; exactly one of the two is given.

    >>> PastDue(days=30).first_on(date(2026, 1, 1), WEEKENDS_ONLY)
    datetime.date(2026, 1, 31)
    >>> PastDue(business_days=5).first_on(date(2026, 1, 1), WEEKENDS_ONLY)  # a Thursday
    datetime.date(2026, 1, 8)
    """

    days: int | None = attrs.field(default=None, validator=optional(positive_int))
    business_days: int | None = attrs.field(default=None, validator=optional(positive_int))

    def __attrs_post_init__(self) -> None:
        if (self.days is None) == (self.business_days is None):
            text = "give either days or business_days, 1 or more"
            raise InvalidPolicy([Problem(code="escalation.after", path="past_due", text=text)])

    def first_on(self, due_on: date, calendar: BusinessCalendar) -> date:
        """Return the first day on which a claim due on `due_on` is as late as this."""
        if self.days is not None:
            return due_on + timedelta(days=self.days)
        return calendar.add_business_days(due_on, self.business_days or 0)

    def __str__(self) -> str:
        if self.days is not None:
            return f"{self.days} day{'s' if self.days != 1 else ''} past due"
        return f"{self.business_days} business day{'s' if self.business_days != 1 else ''} past due"


@attrs.frozen(kw_only=True)
class DueIn:
    """From so many days before the due date, up to and with the due date itself."""

    days: int = attrs.field(validator=non_negative_int)

    def first_on(self, due_on: date, _calendar: BusinessCalendar) -> date:
        """Return the first day on which the due date is this near."""
        return due_on - timedelta(days=self.days)

    def __str__(self) -> str:
        return f"{self.days} day{'s' if self.days != 1 else ''} before the due date"


After: TypeAlias = PastDue | DueIn


@attrs.frozen(kw_only=True)
class Delivered:
    """A notice that covers the anchor was delivered in this cycle, at least so many days ago."""

    notice: str = attrs.field(validator=identifier)
    days_ago: int = attrs.field(default=0, validator=non_negative_int)

    def __str__(self) -> str:
        return f"{self.notice} delivered {self.days_ago} days ago"


@attrs.frozen(kw_only=True)
class Approved:
    """Someone with this authority gave leave for the stage in this cycle."""

    authority: str = attrs.field(validator=identifier)

    def __str__(self) -> str:
        return f"approval by {self.authority}"


@attrs.frozen(kw_only=True)
class Holds:
    """A guard holds on the account's facts, such as arrears of at least a given sum."""

    guard: Guard = attrs.field()


Need: TypeAlias = Delivered | Approved | Holds
Action: TypeAlias = Literal["notice", "task", "command"]


@attrs.frozen(kw_only=True)
class Step:
    """One thing to do inside a stage, `day` days after the stage was reached.

    `action` says what `what` names: a notice to send through the first usable of `channels`, a task for a person, or
    a command to the host. `every_days` repeats the step until it was taken `times` times. A step that `is_always_allowed`
    (thanks, notices that the law requires) passes the holds.
    """

    id: str = attrs.field(validator=identifier)
    day: int = attrs.field(default=0, validator=non_negative_int)
    action: Action = attrs.field(default="notice")
    what: str = attrs.field(validator=identifier)
    channels: tuple[Channel, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Channel))
    every_days: int | None = attrs.field(default=None, validator=optional(positive_int))
    times: int = attrs.field(default=1, validator=positive_int)
    is_always_allowed: bool = False

    def __attrs_post_init__(self) -> None:
        if self.action == "notice" and not self.channels:
            raise InvalidPolicy([Problem(code="escalation.channels", path=self.id, text="a notice needs a channel")])
        if self.action == "command" and self.what not in COMMANDS:
            text = "no such command to the host"
            problem = Problem(code="escalation.command", path=self.id, text=text, value=self.what, choices=COMMANDS)
            raise InvalidPolicy([problem])
        if self.times > 1 and self.every_days is None:
            text = "a step that is taken more than once needs every_days"
            raise InvalidPolicy([Problem(code="escalation.no_progress_cycle", path=self.id, text=text)])


@attrs.frozen(kw_only=True)
class StageRule:
    """One rung: when it is reached, what must hold first, what is done in it, and what it may lead to."""

    id: str = attrs.field(validator=identifier)
    after: After = attrs.field()
    needs: tuple[Need, ...] = attrs.field(default=(), converter=as_tuple)
    steps: tuple[Step, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Step))
    consequences: tuple[str, ...] = attrs.field(default=(), converter=texts)
    """What this stage really does to the debtor, such as `legal-action`; notices may threaten nothing else."""


@attrs.frozen(kw_only=True)
class Ladder:
    """The stages of one segment, gentlest first, checked at birth.

    Raises:
        InvalidPolicy: `escalation.duplicate_stage`, `escalation.duplicate_step`, `escalation.reserved`,
            `escalation.order` (a later stage that begins earlier), `escalation.unreachable_stage` (a stage that needs
            a notice which no earlier stage sends).
    """

    stages: tuple[StageRule, ...] = attrs.field(default=(), converter=as_tuple, validator=each(StageRule))

    @stages.validator
    def _check(self, _attribute: attrs.Attribute[Any], stages: tuple[StageRule, ...]) -> None:
        problems = list(_problems(stages))
        if problems:
            raise InvalidPolicy(problems)

    def __iter__(self) -> Iterator[StageRule]:
        return iter(self.stages)

    def stage(self, stage_id: str) -> StageRule | None:
        """Return the rung of that id, or None."""
        return next((rule for rule in self.stages if rule.id == stage_id), None)


# -- where an account stands -----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Standing:
    """The stage an account has reached, since when, on account of which claims, why, and what keeps it from the next.

    `anchor` is the reference of the oldest claim that counts, `covers` those that a notice of this stage speaks of.
    `next_on` is the first later day on which the stage could differ by itself.
    """

    stage: str
    rule: StageRule | None = None
    since_on: date | None = None
    anchor: str | None = None
    covers: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    blocked: tuple[Reason, ...] = ()
    wants: tuple[str, ...] = ()
    """Authorities whose approval is the only thing that keeps the account from the next stage."""
    wants_for: str | None = None
    next_on: date | None = None


def item_ref(item: AgedItem) -> str:
    """Return the name under which notices remember a claim: a receivable's id, or plan and instalment number."""
    if item.plan_id is not None:
        return f"{item.plan_id}#{item.instalment_number}"
    return str(item.receivable_id)


def stage_of(
    *,
    ladder: Ladder,
    items: Sequence[AgedItem],
    facts: AccountFacts,
    snapshot: AccountSnapshot,
    calendar: BusinessCalendar = WEEKENDS_ONLY,
) -> Standing:
    """Find the furthest stage that the account has reached on `snapshot.as_of`.

    `items` are the open claims that may be acted on, held ones left out. The answer depends on nothing but its
    arguments; what was answered yesterday plays no part.
    """
    as_of = snapshot.as_of
    ordered = sorted(items, key=lambda item: (item.due_on, item_ref(item)))
    past_due = [item for item in ordered if item.due_on < as_of]
    turns = [item.due_on + timedelta(days=1) for item in ordered if item.due_on >= as_of]
    blocked: list[Reason] = []
    wants: tuple[str, ...] = ()
    wants_for: str | None = None
    for rule in reversed(ladder.stages):
        if isinstance(rule.after, DueIn):
            pool = [item for item in ordered if item.due_on >= as_of]
        else:
            pool = past_due
        starts = [rule.after.first_on(item.due_on, calendar) for item in ordered]
        turns += [start for start in starts if start > as_of]
        reached = [item for item in pool if rule.after.first_on(item.due_on, calendar) <= as_of]
        if not reached:
            continue
        anchor = _anchor(rule, reached, snapshot)
        answer = _needs_of(rule, anchor, facts, snapshot)
        turns += [turn for turn in answer.turns if turn > as_of]
        if answer.missing:
            if not blocked:
                wants, wants_for = (answer.wants, rule.id) if answer.only_wants else ((), None)
                blocked = [
                    Reason(code="escalation.blocked", text=f"not yet {rule.id}: {missing}")
                    for missing in answer.missing
                ]
            continue
        covers = reached if isinstance(rule.after, DueIn) else past_due
        since_on = max(rule.after.first_on(anchor.due_on, calendar), *answer.since, date.min)
        why = f"{item_ref(anchor)} is {_lateness(anchor, as_of)}, and {rule.id} begins {rule.after}"
        return Standing(
            stage=rule.id,
            rule=rule,
            since_on=since_on,
            anchor=item_ref(anchor),
            covers=tuple(item_ref(item) for item in covers),
            reasons=(Reason(code="escalation.stage", text=f"stage {rule.id}: {why}"),),
            blocked=tuple(blocked),
            wants=wants,
            wants_for=wants_for,
            next_on=min(turns, default=None),
        )
    stage, text = CURRENT, "nothing is past due"
    if past_due:
        oldest = past_due[0]
        stage, text = GRACE, f"{item_ref(oldest)} is {_lateness(oldest, as_of)}, which no stage speaks of yet"
    return Standing(
        stage=stage,
        reasons=(Reason(code="escalation.stage", text=f"stage {stage}: {text}"),),
        blocked=tuple(blocked),
        wants=wants,
        wants_for=wants_for,
        next_on=min(turns, default=None),
    )


# -- what is due inside the stage ------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PlannedStep:
    """A step whose day has come: which occurrence of it, for which claims, planned for when, and how late."""

    stage: str
    step: Step
    occurrence: int
    planned_on: date
    late_days: int
    anchor: str
    covers: tuple[str, ...]

    def key(self, account_id: str, cycle: int, channel: str = "") -> str:
        """Return the semantic key under which this step may be taken once."""
        if self.step.action == "notice":
            return semantic_key("notice", account_id, cycle, self.stage, self.step.id, channel, self.occurrence)
        if self.step.action == "task":
            return semantic_key("task", account_id, cycle, self.stage, self.step.id, self.anchor, self.occurrence)
        return semantic_key("command", account_id, cycle, self.stage, self.step.what)


@attrs.frozen(kw_only=True)
class StepsDue:
    """The steps whose day has come, in the order in which they are to be taken, and the day of the next one.

    Only the first that can be carried out is taken today.
    """

    steps: tuple[PlannedStep, ...] = ()
    reasons: tuple[Reason, ...] = ()
    next_on: date | None = None


def steps_due(*, standing: Standing, snapshot: AccountSnapshot) -> StepsDue:
    """Say which steps of the stage are due and not yet done for the anchor.

    A notice is done when one that covers the anchor went out in this cycle and was neither suppressed nor bounced; a
    bounced one is planned again at once, for another channel, a suppressed one from the next day on.
    """
    rule, since_on, anchor = standing.rule, standing.since_on, standing.anchor
    if rule is None or since_on is None or anchor is None:
        return StepsDue()
    as_of = snapshot.as_of
    due: list[PlannedStep] = []
    reasons: list[Reason] = []
    turns: list[date] = []
    for step in rule.steps:
        planned = _plan(step, standing, since_on, anchor, snapshot)
        if isinstance(planned, Reason):
            reasons.append(planned)
        elif isinstance(planned, PlannedStep):
            if planned.planned_on > as_of:
                turns.append(planned.planned_on)
            else:
                due.append(planned)
    due.sort(key=lambda one: (one.planned_on, rule.steps.index(one.step)))
    return StepsDue(steps=tuple(due), reasons=tuple(reasons), next_on=min(turns, default=None))


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
            reason=_FLAG_HOLDS[flag.kind], until_on=flag.until_on, text=f"{flag.kind.value} since {flag.since_on}"
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
            text=f"hold {hold.hold_id} since {hold.placed_on}",
        )
        for hold in snapshot.holds
        if hold.is_active(as_of)
    ]
    return (*found, *promised)


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """One line of a ladder laid out in time: on that day, that stage begins or that step is due."""

    on: date
    stage: str
    text: str


def timeline(ladder: Ladder, *, due_on: date, calendar: BusinessCalendar = WEEKENDS_ONLY) -> tuple[TimelineEntry, ...]:
    """Lay the ladder out in time for one claim that is never paid, every notice sent and delivered on its day.

    Approvals are taken as given on the day they are first asked for. Stages whose other needs are not about notices are
    shown as if those held.
    """
    delivered: dict[str, date] = {}
    entries: list[TimelineEntry] = []
    for rule in ladder:
        begins = rule.after.first_on(due_on, calendar)
        for need in rule.needs:
            if isinstance(need, Delivered) and need.notice in delivered:
                begins = max(begins, delivered[need.notice] + timedelta(days=need.days_ago))
        entries.append(TimelineEntry(on=begins, stage=rule.id, text=f"{rule.id} begins: {rule.after}"))
        for step in rule.steps:
            for turn in range(step.times):
                day = begins + timedelta(days=step.day + turn * (step.every_days or 0))
                channels = f" by {', '.join(step.channels)}" if step.channels else ""
                entries.append(TimelineEntry(on=day, stage=rule.id, text=f"{step.action} {step.what}{channels}"))
                if step.action == "notice":
                    delivered.setdefault(step.what, day)
    return tuple(sorted(entries, key=lambda entry: entry.on))


# -- details ---------------------------------------------------------------------------------------------------

_FLAG_HOLDS: Final = {
    FlagKind.HARDSHIP: HoldReason.HARDSHIP,
    FlagKind.INSOLVENT: HoldReason.INSOLVENCY,
    FlagKind.DECEASED: HoldReason.DECEASED,
    FlagKind.CEASE_COMMUNICATION: HoldReason.CEASE_COMMUNICATION,
    FlagKind.REPRESENTED: HoldReason.REPRESENTED,
}


@attrs.frozen(kw_only=True)
class _Needs:
    missing: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    since: tuple[date, ...] = ()
    turns: tuple[date, ...] = ()

    @property
    def only_wants(self) -> bool:
        return bool(self.wants) and len(self.wants) == len(self.missing)


def _anchor(rule: StageRule, reached: Sequence[AgedItem], snapshot: AccountSnapshot) -> AgedItem:
    """Choose the oldest claim or, before the due date, the first of which no notice of the stage has spoken yet."""
    if isinstance(rule.after, DueIn):
        spoken = [one for one in snapshot.notices if one.stage == rule.id and one.suppressed_on is None]
        for item in reached:
            if not any(_covers(one, snapshot, item_ref(item)) for one in spoken):
                return item
    return reached[0]


def _needs_of(rule: StageRule, anchor: AgedItem, facts: AccountFacts, snapshot: AccountSnapshot) -> _Needs:
    """Judge every need of a stage, so that all that is missing can be said at once."""
    as_of = snapshot.as_of
    missing: list[str] = []
    wants: list[str] = []
    since: list[date] = []
    turns: list[date] = []
    for need in rule.needs:
        match need:
            case Delivered(notice=notice, days_ago=days_ago):
                days = sorted(
                    record.delivered_on
                    for record in snapshot.notices
                    if record.notice == notice
                    and record.delivered_on is not None
                    and _covers(record, snapshot, item_ref(anchor))
                )
                if not days:
                    missing.append(f"{notice} was not delivered for {item_ref(anchor)}")
                elif days[0] + timedelta(days=days_ago) > as_of:
                    ready_on = days[0] + timedelta(days=days_ago)
                    missing.append(f"{notice} was delivered on {days[0]}, and {days_ago} days end on {ready_on}")
                    turns.append(ready_on)
                else:
                    since.append(days[0] + timedelta(days=days_ago))
            case Approved(authority=authority):
                granted = [
                    one
                    for one in snapshot.approvals
                    if one.subject == rule.id
                    and one.authority == authority
                    and one.is_valid(as_of, cycle=snapshot.cycle)
                ]
                if granted:
                    since.append(min(one.granted_on for one in granted))
                    turns += [one.until_on for one in granted if one.until_on is not None]
                else:
                    missing.append(f"{authority} has not approved it")
                    wants.append(authority)
            case Holds(guard=guard):
                verdict = judge(guard, facts)
                if not verdict:
                    missing.append("; ".join(verdict.why))
    return _Needs(missing=tuple(missing), wants=tuple(wants), since=tuple(since), turns=tuple(turns))


def _plan(
    step: Step, standing: Standing, since_on: date, anchor: str, snapshot: AccountSnapshot
) -> PlannedStep | Reason | None:
    """Find the next occurrence of a step for the anchor; None where it was taken as often as it should be."""
    as_of = snapshot.as_of
    planned_on = since_on + timedelta(days=step.day)
    occurrence = 1
    if step.action == "notice":
        records = [
            one
            for one in snapshot.notices
            if one.cycle == snapshot.cycle and one.stage == standing.stage and one.step == step.id
        ]
        ours = [one for one in records if _covers(one, snapshot, anchor)]
        done = [one for one in ours if one.bounced_on is None and one.suppressed_on is None]
        stopped = [one.suppressed_on for one in ours if one.suppressed_on is not None]
        if len(done) >= step.times:
            return None
        if len(stopped) >= MAX_SUPPRESSED:
            text = f"{step.what} was stopped before sending {len(stopped)} times; a person should look"
            return Reason(code="escalation.suppressed", text=text)
        if done and step.every_days is not None:
            planned_on += timedelta(days=step.every_days * len(done))
            planned_on = max(planned_on, max(one.requested_on for one in done) + timedelta(days=step.every_days))
        if stopped and max(stopped) >= as_of:
            planned_on = max(planned_on, max(stopped) + timedelta(days=1))
        occurrence = 1 + max((one.occurrence for one in records), default=0)
    else:
        taken = 0
        while taken < step.times and _issued(step, standing, anchor, taken + 1, snapshot):
            taken += 1
        if taken >= step.times:
            return None
        planned_on += timedelta(days=(step.every_days or 0) * taken)
        occurrence = taken + 1
    return PlannedStep(
        stage=standing.stage,
        step=step,
        occurrence=occurrence,
        planned_on=planned_on,
        late_days=max(0, (as_of - planned_on).days),
        anchor=anchor,
        covers=standing.covers,
    )


def _issued(step: Step, standing: Standing, anchor: str, occurrence: int, snapshot: AccountSnapshot) -> bool:
    probe = PlannedStep(
        stage=standing.stage,
        step=step,
        occurrence=occurrence,
        planned_on=snapshot.as_of,
        late_days=0,
        anchor=anchor,
        covers=(),
    )
    return probe.key(snapshot.account.account_id, snapshot.cycle) in snapshot.issued_keys


def _covers(record: NoticeRecord, snapshot: AccountSnapshot, anchor: str) -> bool:
    """Say whether a notice of this cycle spoke of the anchor; one that names no claims spoke of all."""
    return record.cycle == snapshot.cycle and (not record.receivable_ids or anchor in record.receivable_ids)


def _lateness(item: AgedItem, as_of: date) -> str:
    days = (as_of - item.due_on).days
    if days > 0:
        return f"{days} day{'s' if days != 1 else ''} past due"
    return "due today" if days == 0 else f"due in {-days} day{'s' if days != -1 else ''}"


def _problems(stages: tuple[StageRule, ...]) -> Iterator[Problem]:
    sent: set[str] = set()
    last: tuple[int, int] = (-10_000, 0)
    for place, rule in enumerate(stages):
        path = f"[{place}]"
        if rule.id in (CURRENT, GRACE, CURED):
            yield Problem(
                code="escalation.reserved", path=path, text=f"{rule.id} is a name of the house; choose another"
            )
        if any(rule.id == other.id for other in stages[:place]):
            yield Problem(code="escalation.duplicate_stage", path=path, text=f"stage {rule.id} stands twice")
        steps = [step.id for step in rule.steps]
        for step_id in sorted({one for one in steps if steps.count(one) > 1}):
            text = f"step {step_id} stands twice in stage {rule.id}; give each an id of its own"
            yield Problem(code="escalation.duplicate_step", path=f"{path}.steps", text=text)
        begins = _begins(rule.after)
        if begins < last:
            text = f"stage {rule.id} begins earlier than the stage before it; put the gentler one first"
            yield Problem(code="escalation.order", path=f"{path}.after", text=text)
        last = max(last, begins)
        for number, need in enumerate(rule.needs):
            if isinstance(need, Delivered) and need.notice not in sent:
                text = f"stage {rule.id} can never be reached: no earlier stage sends {need.notice}"
                yield Problem(
                    code="escalation.unreachable_stage",
                    path=f"{path}.needs[{number}]",
                    text=text,
                    choices=tuple(sorted(sent)),
                )
        sent |= {step.what for step in rule.steps if step.action == "notice"}


def _begins(after: After) -> tuple[int, int]:
    """Order stages by their start: five business days are at least seven calendar days."""
    if isinstance(after, DueIn):
        return (-after.days, 0)
    if after.days is not None:
        return (after.days, 0)
    business_days = after.business_days or 0
    return (business_days + 2 * (business_days // 5), 0)
