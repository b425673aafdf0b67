"""When a step of a rung is due for the claims that stand, or stood, on it.

A notice is asked about claim by claim, and one notice speaks of all that need it. A task is given for the oldest
claim of the rung, a command once in a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import attrs

from collectkit._escalation.climb import Climb
from collectkit._escalation.ladder import StageRule, Step
from collectkit.core.decisions import Reason
from collectkit.core.events import semantic_key
from collectkit.core.records import AccountSnapshot, NoticeRecord

MAX_SUPPRESSED = 3  # a notice that the last look stopped this often is left to a person
MAX_BOUNCED = 5  # so is one that came back this often: addresses run out, and full mailboxes stay full


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
        return semantic_key("command", account_id, cycle, self.stage, self.step.id)


class Rung:
    """One rung with the claims on it, oldest first, and what was done there before."""

    def __init__(self, *, rule: StageRule, climbs: Sequence[Climb], snapshot: AccountSnapshot) -> None:
        self.rule = rule
        self.climbs = climbs
        self.as_of = snapshot.as_of
        self.snapshot = snapshot
        self.account_id = snapshot.account.account_id
        # what was written before the due date is about the claim, not about the cycle of arrears it fell into
        self._records = [
            one for one in snapshot.notices if one.stage == rule.id and (rule.is_pre_due or one.cycle == snapshot.cycle)
        ]

    def planned(
        self, step: Step, *, overtaken: frozenset[str], behind: frozenset[str]
    ) -> Iterator[PlannedStep | Reason | date]:
        """Yield the step if it is due, the day on which it will be, and what a person should look at.

        `overtaken` are claims of which a notice of a further rung has already spoken, `behind` those for which an
        earlier notice is still due: one that speaks of them as well would leave that one out.
        """
        if step.action == "notice":
            yield from self._notice(step, overtaken, behind)
        elif step.action == "task":
            yield from self._task(step, overtaken)
        else:
            yield from self._command(step)

    # -- the three kinds -------------------------------------------------------------------------------------------

    def _notice(
        self, step: Step, overtaken: frozenset[str], behind: frozenset[str]
    ) -> Iterator[PlannedStep | Reason | date]:
        records = [one for one in self._records if one.step == step.id]
        named: dict[str, list[NoticeRecord]] = {}
        for record in records:
            for ref in dict.fromkeys(record.receivable_ids):
                named.setdefault(ref, []).append(record)
        unnamed = [one for one in records if not one.receivable_ids]  # it spoke of all that were here then
        due: list[tuple[Climb, date]] = []
        for climb in self.climbs:
            if climb.until_on is not None and climb.ref in overtaken:
                continue
            ours = [*named.get(climb.ref, ()), *(one for one in unnamed if climb.since_on <= one.requested_on)]
            done = [one for one in ours if one.bounced_on is None and one.suppressed_on is None]
            if len(done) >= step.times:
                continue
            planned_on = self._turn(step, climb, len(done))
            if done:
                planned_on = max(planned_on, max(one.requested_on for one in done) + _days(step.every_days))
            if climb.until_on is not None and climb.until_on <= planned_on:
                continue  # the claim had moved on by then
            stuck = _stuck(step, climb, ours)
            if stuck is not None:
                yield stuck
                continue
            stopped = [one.suppressed_on for one in ours if one.suppressed_on is not None]
            from_on = max([planned_on, *(day + _days(1) for day in stopped)])
            if from_on > self.as_of:
                yield from_on
            else:
                due.append((climb, planned_on))
        occurrence = 1 + max((one.occurrence for one in records if one.cycle == self.snapshot.cycle), default=0)
        for together in (
            [one for one in due if one[0].ref not in behind],
            [one for one in due if one[0].ref in behind],
        ):
            if together:
                yield self._step(step, together, occurrence=occurrence)

    def _task(self, step: Step, overtaken: frozenset[str]) -> Iterator[PlannedStep | date]:
        """Give a task for the oldest claim that stands here; where none does, catch up on one that was never given."""
        candidates = [climb for climb in self.climbs if climb.until_on is None]
        if not candidates:
            prefix = semantic_key("task", self.account_id, self.snapshot.cycle, self.rule.id, step.id, "")
            if not any(key.startswith(prefix) for key in self.snapshot.issued_keys):
                candidates = [climb for climb in self.climbs if climb.ref not in overtaken]
        if not candidates:
            return
        climb = candidates[0]
        for taken in range(step.times):
            planned_on = self._turn(step, climb, taken)
            if climb.until_on is not None and climb.until_on <= planned_on:
                return
            planned = self._step(step, [(climb, planned_on)], occurrence=taken + 1)
            if planned.key(self.account_id, self.snapshot.cycle) in self.snapshot.issued_keys:
                continue
            yield planned_on if planned_on > self.as_of else planned
            return

    def _command(self, step: Step) -> Iterator[PlannedStep | date]:
        wanted = [(climb, self._turn(step, climb, 0)) for climb in self.climbs]
        wanted = [(climb, on) for climb, on in wanted if climb.until_on is None or on < climb.until_on]
        if not wanted:
            return
        planned = self._step(step, [min(wanted, key=lambda one: one[1])], occurrence=1)
        if planned.key(self.account_id, self.snapshot.cycle) not in self.snapshot.issued_keys:
            yield planned.planned_on if planned.planned_on > self.as_of else planned

    # -- details ---------------------------------------------------------------------------------------------------

    def _turn(self, step: Step, climb: Climb, taken: int) -> date:
        return climb.since_on + _days(step.day) + _days(step.every_days) * taken

    def _step(self, step: Step, due: Sequence[tuple[Climb, date]], *, occurrence: int) -> PlannedStep:
        planned_on = min(on for _, on in due)
        covers = [climb.ref for climb, _ in due]
        if step.action != "notice":
            covers = [climb.ref for climb in self.climbs if climb.until_on is None] or covers
        return PlannedStep(
            stage=self.rule.id,
            step=step,
            occurrence=occurrence,
            planned_on=planned_on,
            late_days=max(0, (self.as_of - planned_on).days),
            anchor=due[0][0].ref,
            covers=tuple(covers),
        )


def _stuck(step: Step, climb: Climb, ours: Sequence[NoticeRecord]) -> Reason | None:
    """Say why a notice is not tried again by itself."""
    stopped = sum(1 for one in ours if one.suppressed_on is not None)
    bounced = sum(1 for one in ours if one.bounced_on is not None and one.suppressed_on is None)
    if stopped >= MAX_SUPPRESSED:
        text = f"{step.what} for {climb.ref} was stopped before sending {stopped} times; a person should look"
        return Reason(code="escalation.suppressed", text=text)
    if bounced >= MAX_BOUNCED:
        text = f"{step.what} for {climb.ref} came back {bounced} times; a person should look"
        return Reason(code="escalation.bounced", text=text)
    return None


def _days(number: int | None) -> timedelta:
    return timedelta(days=number or 0)
