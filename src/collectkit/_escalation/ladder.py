"""The ladder: stages as rows of a table, checked at birth, printable as they stand.

Nothing here looks at an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

from collectkit.core.calendars import BusinessCalendar
from collectkit.core.checks import as_tuple, each, identifier, non_negative_int, optional, positive_int, texts
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.events import COMMAND_TYPES, Command
from collectkit.core.guards import DAY_FACTS, Guard, in_words, is_lost_with_time
from collectkit.core.records import Channel

CURRENT: Final = "current"
"""The stage of an account with nothing past due and no pre-due stage reached."""
GRACE: Final = "grace"
"""The stage of an account that is past due, but not yet as far as the first stage after the due date."""
CURED: Final = "cured"
"""The stage under which thanks are sent; no account stands in it."""

Action: TypeAlias = Literal["notice", "task", "command"]

_OWN_FIELDS: Final = frozenset(field.name for field in attrs.fields(Command))
LADDER_COMMANDS: Final = tuple(
    sorted(
        name
        for name, kind in COMMAND_TYPES.items()
        if all(field.name in _OWN_FIELDS or field.default is not attrs.NOTHING for field in attrs.fields(kind))
    )
)
"""Commands that a step may name: those that need nothing but the account, the stage and the step."""


@attrs.frozen(kw_only=True)
class PastDue:
    """From the day on which a claim is so many days, or business days, past due; exactly one of the two is given.

    >>> PastDue(days=30).first_on(date(2026, 1, 1), BusinessCalendar())
    datetime.date(2026, 1, 31)
    >>> PastDue(business_days=5).first_on(date(2026, 1, 1), BusinessCalendar())  # a Thursday
    datetime.date(2026, 1, 8)

    Raises:
        InvalidPolicy: `escalation.after`.
    """

    days: int | None = attrs.field(default=None, validator=optional(positive_int))
    business_days: int | None = attrs.field(default=None, validator=optional(positive_int))

    def __attrs_post_init__(self) -> None:
        if (self.days is None) == (self.business_days is None):
            text = "give either days or business_days, 1 or more"
            raise InvalidPolicy([Problem(code="escalation.after", path="past_due", text=text)])

    def first_on(self, due_on: date, calendar: BusinessCalendar) -> date:
        """Return the first day on which a claim due on `due_on` is as late as this.

        Raises:
            CalendarMissing: the calendar does not know the days between.
        """
        if self.days is not None:
            return due_on + timedelta(days=self.days)
        return calendar.add_business_days(due_on, self.business_days or 0)

    def __str__(self) -> str:
        if self.days is not None:
            return f"{_count(self.days, 'day')} past due"
        return f"{_count(self.business_days or 0, 'business day')} past due"


@attrs.frozen(kw_only=True)
class DueIn:
    """From so many days before the due date, up to and with the due date itself.

    >>> DueIn(days=3).first_on(date(2026, 1, 4), BusinessCalendar())
    datetime.date(2026, 1, 1)
    """

    days: int = attrs.field(validator=non_negative_int)

    def first_on(self, due_on: date, _calendar: BusinessCalendar) -> date:
        """Return the first day on which the due date is this near."""
        return due_on - timedelta(days=self.days)

    def __str__(self) -> str:
        return f"{_count(self.days, 'day')} before the due date" if self.days else "on the due date"


After: TypeAlias = PastDue | DueIn


@attrs.frozen(kw_only=True)
class Delivered:
    """A notice that spoke of the claim was delivered in this cycle, at least so many days ago."""

    notice: str = attrs.field(validator=identifier)
    days_ago: int = attrs.field(default=0, validator=non_negative_int)

    def __str__(self) -> str:
        return f"{self.notice} delivered" + (f" {_count(self.days_ago, 'day')} ago" if self.days_ago else "")


@attrs.frozen(kw_only=True)
class Approved:
    """Someone with this authority gave leave for the stage in this cycle.

    The stage is reached on the first day on which the leave is valid and all else holds. Its end does not lower the
    stage, but steps that were not taken by then wait for a new one.
    """

    authority: str = attrs.field(validator=identifier)

    def __str__(self) -> str:
        return f"approval by {self.authority}"


@attrs.frozen(kw_only=True)
class Holds:
    """A guard holds on the account's facts, such as arrears of at least a given sum.

    A guard that the mere passing of days turns false is refused by the ladder: a stage is never left by waiting.
    """

    guard: Guard = attrs.field()

    @guard.validator
    def _check(self, _attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, get_args(Guard)):
            text = f"a guard is needed, not {type(value).__name__}"
            raise InvalidPolicy([Problem(code="escalation.need", path="guard", text=text)])

    def __str__(self) -> str:
        return in_words(self.guard)


Need: TypeAlias = Delivered | Approved | Holds


def _channels(values: Iterable[Channel | str]) -> tuple[Channel, ...]:
    return tuple(Channel(value) for value in values)


@attrs.frozen(kw_only=True)
class Step:
    """One thing to do inside a stage, `day` days after the claim reached it.

    `action` says what `what` names: a notice to send through the first usable of `channels`, a task for a person, or
    a command to the host. `every_days` repeats the step until it was taken `times` times. A step that
    `is_always_allowed` (thanks, notices that the law requires) passes the holds.

    >>> print(Step(id="friendly", what="friendly", channels=["email", "sms"], every_days=7, times=3))
    notice friendly by email or sms, 3 times every 7 days

    Raises:
        InvalidPolicy: `escalation.channels` for a notice without a channel, `escalation.no_progress_cycle` for a
            repeated step without `every_days`, `escalation.command` for a command that a step cannot give,
            `escalation.action`.
    """

    id: str = attrs.field(validator=identifier)
    day: int = attrs.field(default=0, validator=non_negative_int)
    action: Action = attrs.field(default="notice")
    what: str = attrs.field(validator=identifier)
    channels: tuple[Channel, ...] = attrs.field(default=(), converter=_channels)
    every_days: int | None = attrs.field(default=None, validator=optional(positive_int))
    times: int = attrs.field(default=1, validator=positive_int)
    is_always_allowed: bool = False

    def __attrs_post_init__(self) -> None:
        problems = [
            Problem(code=f"escalation.{reason}", path=self.id, text=text, choices=choices)
            for reason, text, choices in self._faults()
        ]
        if problems:
            raise InvalidPolicy(problems)

    def _faults(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if self.action not in get_args(Action):
            yield "action", "no such kind of step", get_args(Action)
        if self.action == "notice" and not self.channels:
            yield "channels", "a notice needs a channel", tuple(Channel)
        if self.times > 1 and self.every_days is None:
            yield "no_progress_cycle", "a step that is taken more than once needs every_days", ()
        if self.action == "command" and self.what not in LADDER_COMMANDS:
            yield "command", f"a step cannot give the command {self.what}", LADDER_COMMANDS
        if self.action == "command" and self.times > 1:
            yield "command", "a command is given once in a cycle; leave out times", ()

    def __str__(self) -> str:
        said = f"{self.action} {self.what}"
        if self.channels:
            said += f" by {' or '.join(self.channels)}"
        if self.day:
            said += f" after {_count(self.day, 'day')}"
        if self.times > 1:
            said += f", {self.times} times every {_count(self.every_days or 0, 'day')}"
        return said


@attrs.frozen(kw_only=True)
class StageRule:
    """One rung: when it is reached, what must hold first, what is done in it, and what it may lead to."""

    id: str = attrs.field(validator=identifier)
    after: After = attrs.field()
    needs: tuple[Need, ...] = attrs.field(default=(), converter=as_tuple)
    steps: tuple[Step, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Step))
    consequences: tuple[str, ...] = attrs.field(default=(), converter=texts)
    """What this stage really does to the debtor, such as `legal-action`; notices may threaten nothing else."""

    @after.validator
    def _check_after(self, _attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, (PastDue, DueIn)):
            text = f"say when the stage begins with PastDue or DueIn, not {type(value).__name__}"
            raise InvalidPolicy([Problem(code="escalation.after", path=self.id, text=text)])

    @needs.validator
    def _check_needs(self, _attribute: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
        problems = [
            Problem(code="escalation.need", path=f"{self.id}.needs[{place}]", text=f"{type(need).__name__} is no need")
            for place, need in enumerate(value)
            if not isinstance(need, (Delivered, Approved, Holds))
        ]
        if problems:
            raise InvalidPolicy(problems)

    @property
    def is_pre_due(self) -> bool:
        """Say whether the stage lies before the due date."""
        return isinstance(self.after, DueIn)


@attrs.frozen(kw_only=True)
class Ladder:
    """The stages of one segment, gentlest first, checked at birth.

    >>> reminder = StageRule(id="reminder", after=PastDue(business_days=5))
    >>> Ladder(stages=[reminder, StageRule(id="legal", after=PastDue(days=90), needs=[Delivered(notice="final")])])
    Traceback (most recent call last):
    ...
    collectkit.core.errors.InvalidPolicy: 1 problem
      [1].needs[0]: stage legal can never be reached: no earlier stage sends final

    Raises:
        InvalidPolicy: `escalation.duplicate_stage`, `escalation.duplicate_step`, `escalation.reserved`,
            `escalation.order` (a later stage that begins earlier), `escalation.unreachable_stage` (a stage that needs
            a notice which no earlier stage sends, or that the next one always overtakes at once),
            `escalation.unreachable_step` (a step whose day always comes when its stage is over),
            `escalation.dead_end` (a stage that needs the notice of such a step),
            `escalation.falls_with_time` (a need that waiting alone turns false).
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

    def rows(self) -> tuple[tuple[str, str, str, str, str], ...]:
        """Return the ladder as rows of text: stage, from when, what must hold first, what is done, what it leads to.

        >>> step = Step(id="friendly", what="friendly", channels=["email"])
        >>> Ladder(stages=[StageRule(id="reminder", after=PastDue(business_days=5), steps=[step])]).rows()
        (('reminder', '5 business days past due', '', 'notice friendly by email', ''),)
        """
        return tuple(
            (
                rule.id,
                str(rule.after),
                "; ".join(map(str, rule.needs)),
                "; ".join(map(str, rule.steps)),
                ", ".join(rule.consequences),
            )
            for rule in self.stages
        )


# -- details ---------------------------------------------------------------------------------------------------


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _problems(stages: tuple[StageRule, ...]) -> Iterator[Problem]:
    sent: set[str] = set()
    never: set[str] = set()  # notices of steps that are never taken
    last = -100_000
    for place, rule in enumerate(stages):
        path = f"[{place}]"
        if rule.id in (CURRENT, GRACE, CURED):
            text = f"{rule.id} is a name of the house; choose another"
            yield Problem(code="escalation.reserved", path=path, text=text)
        if any(rule.id == other.id for other in stages[:place]):
            yield Problem(code="escalation.duplicate_stage", path=path, text=f"stage {rule.id} stands twice")
        if _begins(rule.after) < last:
            text = f"stage {rule.id} begins earlier than the stage before it; put the gentler one first"
            yield Problem(code="escalation.order", path=f"{path}.after", text=text)
        last = max(last, _begins(rule.after))
        hiding = next(
            (one for one in stages[place + 1 :] if one.after == rule.after and set(one.needs) <= set(rule.needs)), None
        )
        if hiding is not None:
            text = f"stage {rule.id} can never be stood in: {hiding.id} begins on the same day and needs no more"
            yield Problem(code="escalation.unreachable_stage", path=path, text=text)
        yield from _needs_problems(rule, path, sent, never)
        yield from _step_problems(rule, path, stages[place + 1 :])
        for step in rule.steps:
            if step.action == "notice":
                (never if _why_never(rule, step, stages[place + 1 :]) else sent).add(step.what)


def _needs_problems(rule: StageRule, path: str, sent: set[str], never: set[str]) -> Iterator[Problem]:
    for number, need in enumerate(rule.needs):
        at = f"{path}.needs[{number}]"
        if isinstance(need, Delivered) and need.notice in never - sent:
            text = f"stage {rule.id} can never be reached: the step that sends {need.notice} is never taken"
            yield Problem(code="escalation.dead_end", path=at, text=text)
        elif isinstance(need, Delivered) and need.notice not in sent:
            text = f"stage {rule.id} can never be reached: no earlier stage sends {need.notice}"
            yield Problem(code="escalation.unreachable_stage", path=at, text=text, choices=tuple(sorted(sent)))
        if isinstance(need, Holds) and any(is_lost_with_time(need.guard, fact) for fact in DAY_FACTS):
            text = f"stage {rule.id} would be left by mere waiting: {need}; make it a segment, or a stage of its own"
            yield Problem(code="escalation.falls_with_time", path=at, text=text)


def _step_problems(rule: StageRule, path: str, later: Sequence[StageRule]) -> Iterator[Problem]:
    steps = [step.id for step in rule.steps]
    for step_id in sorted({one for one in steps if steps.count(one) > 1}):
        text = f"step {step_id} stands twice in stage {rule.id}; give each an id of its own"
        yield Problem(code="escalation.duplicate_step", path=f"{path}.steps", text=text)
    for number, step in enumerate(rule.steps):
        why = _why_never(rule, step, later)
        if why is not None:
            text = f"step {step.id} of stage {rule.id} is never taken: {why}"
            yield Problem(code="escalation.unreachable_step", path=f"{path}.steps[{number}].day", text=text)


def _why_never(rule: StageRule, step: Step, later: Sequence[StageRule]) -> str | None:
    """Say why the day of a step always comes when its stage is over, or None.

    Only stages that need nothing surely begin on their day, and only days of one kind can surely be compared.
    """
    if isinstance(rule.after, DueIn) and step.day > rule.after.days:
        return "it is planned after the due date, when the stage is over"
    for other in later:
        is_comparable = rule.after.days is not None and other.after.days is not None
        if is_comparable and type(other.after) is type(rule.after) and not other.needs:
            if _begins(other.after) <= _begins(rule.after) + step.day:
                return f"by its day {other.id} has begun"
    return None


def _begins(after: After) -> int:
    """Order stages by their usual start: five business days take a week."""
    if isinstance(after, DueIn):
        return -after.days
    if after.days is not None:
        return after.days
    business_days = after.business_days or 0
    return business_days + 2 * (business_days // 5)
