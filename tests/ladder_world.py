"""A small world in which a ladder is lived through: claims, looks on chosen days, steps that are carried out.

It does what a host does between two looks and nothing else: it hands over the facts of the day, carries out the first
step that is due, and hears later that a notice arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

import attrs

from collectkit.core.aging import AgedItem
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.guards import AccountFacts
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import Account, AccountSnapshot, Approval, Debtor, NoticeRecord
from collectkit.escalation import CURRENT, GRACE, Ladder, PlannedStep, Standing, stage_of, steps_due

DAY0 = date(2026, 1, 1)  # a Thursday
ACCOUNT = Account(account_id="A", debtor_id="D")
DEBTOR = Debtor(debtor_id="D", kind="business")


def on(day: int) -> date:
    return DAY0 + timedelta(days=day)


@attrs.frozen
class Claim:
    """An invoice by its name, due day and amount; the world's days are whole numbers."""

    ref: str
    due: int
    minor: int = 10_000
    currency: str = "EUR"

    def item(self, day: int) -> AgedItem:
        late = max(0, day - self.due)
        return AgedItem(
            receivable_id=self.ref,
            due_on=on(self.due),
            amount_open=Money(self.minor, self.currency),
            days_past_due=late,
            delinquent_days=late,
            bucket="any",
        )


def facts_of(claims: Iterable[Claim], day: int, **more: object) -> AccountFacts:
    claims = tuple(claims)
    late = [claim for claim in claims if claim.due < day]
    return AccountFacts(
        as_of=on(day),
        days_past_due=max((day - claim.due for claim in late), default=0),
        past_due_count=len(late),
        open_count=len(claims),
        arrears=tuple(sum_by_currency(Money(one.minor, one.currency) for one in late).values()),
        amount_open=tuple(sum_by_currency(Money(one.minor, one.currency) for one in claims).values()),
        **more,  # type: ignore[arg-type]
    )


def snapshot_on(day: int, **facts: object) -> AccountSnapshot:
    return AccountSnapshot(as_of=on(day), account=ACCOUNT, debtor=DEBTOR, **facts)  # type: ignore[arg-type]


def standing_on(
    day: int,
    ladder: Ladder,
    claims: Sequence[Claim],
    *,
    calendar: BusinessCalendar = WEEKENDS_ONLY,
    facts: AccountFacts | None = None,
    **given: object,
) -> Standing:
    return stage_of(
        ladder=ladder,
        items=[claim.item(day) for claim in claims],
        facts=facts or facts_of(claims, day),
        snapshot=snapshot_on(day, **given),
        calendar=calendar,
    )


def notice(
    what: str,
    day: int,
    *refs: str,
    stage: str = "reminder",
    step: str | None = None,
    occurrence: int = 1,
    **more: object,
) -> NoticeRecord:
    """A notice that went out on a day and counts as delivered on it."""
    step = step or what
    given: dict[str, object] = {
        "key": f"{stage}/{step}/{occurrence}/{day}/{more.get('cycle', 0)}/{'+'.join(refs)}",
        "notice": what,
        "stage": stage,
        "step": step,
        "channel": "email",
        "cycle": 0,
        "occurrence": occurrence,
        "requested_on": on(day),
        "sent_on": on(day),
        "receivable_ids": refs,
    }
    return NoticeRecord(**(given | more))  # type: ignore[arg-type]


def rank(ladder: Ladder, stage: str) -> int:
    """Order stages by severity: nothing, before the due date, past due without a stage, past due."""
    before = [rule.id for rule in ladder if rule.is_pre_due]
    after = [rule.id for rule in ladder if not rule.is_pre_due]
    return [CURRENT, *before, GRACE, *after].index(stage)


@attrs.frozen
class Taken:
    """One step that was carried out."""

    day: int
    stage: str
    step: str
    occurrence: int
    anchor: str
    covers: tuple[str, ...]
    planned: int
    late_days: int


@attrs.define
class World:
    """The claims with their ladder, and everything that was done so far."""

    ladder: Ladder
    claims: tuple[Claim, ...]
    approvals: tuple[Approval, ...] = ()
    delay: Callable[[int], int] = lambda _number: 0
    calendar: BusinessCalendar = WEEKENDS_ONLY
    notices: list[NoticeRecord] = attrs.Factory(list)
    issued: list[str] = attrs.Factory(list)
    log: list[Taken] = attrs.Factory(list)
    stages: dict[int, str] = attrs.Factory(dict)

    def known(self, day: int) -> AccountSnapshot:
        """The facts as known on a day: a delivery is heard of on the day it happens."""
        notices = [
            attrs.evolve(one, reported_delivered_on=None)
            if one.reported_delivered_on is not None and one.reported_delivered_on > on(day)
            else one
            for one in self.notices
        ]
        # a channel with reports: until one comes, nothing counts as delivered
        notices = [attrs.evolve(one, sent_on=None) if one.reported_delivered_on is None else one for one in notices]
        approvals = [one for one in self.approvals if one.granted_on <= on(day)]
        return snapshot_on(day, notices=notices, approvals=approvals, issued_keys=self.issued)

    def look(self, day: int) -> int | None:
        """Look once, carry out the first step that is due, and say when to look again without a new fact."""
        snapshot = self.known(day)
        standing = stage_of(
            ladder=self.ladder,
            items=[claim.item(day) for claim in self.claims],
            facts=facts_of(self.claims, day),
            snapshot=snapshot,
            calendar=self.calendar,
        )
        self.stages[day] = standing.stage
        due = steps_due(standing=standing, snapshot=snapshot)
        turns = [(turn - DAY0).days for turn in (standing.next_on, due.next_on) if turn is not None]
        if due.steps:
            self._take(due.steps[0], day)
            turns.append(day + 1)
        return min(turns, default=None)

    def facts_on(self) -> set[int]:
        """The days on which the host hears something: a delivery, an approval."""
        days = {(one.reported_delivered_on - DAY0).days for one in self.notices if one.reported_delivered_on}
        return days | {(one.granted_on - DAY0).days for one in self.approvals}

    def live_daily(self, first: int, last: int) -> None:
        for day in range(first, last + 1):
            self.look(day)

    def live_by_review(self, first: int, last: int) -> None:
        """Look only on the days that the last look named, and when a new fact comes in."""
        day: int | None = first
        while day is not None and day <= last:
            next_day = self.look(day)
            days = [one for one in (*self.facts_on(), next_day) if one is not None and one > day]
            day = min(days, default=None)

    def _take(self, planned: PlannedStep, day: int) -> None:
        key = planned.key("A", 0, "email")
        if key in self.issued or any(one.key == key for one in self.notices):
            raise ValueError(f"{key} would be taken twice")
        self.log.append(
            Taken(
                day=day,
                stage=planned.stage,
                step=planned.step.id,
                occurrence=planned.occurrence,
                anchor=planned.anchor,
                covers=planned.covers,
                planned=(planned.planned_on - DAY0).days,
                late_days=planned.late_days,
            )
        )
        if planned.step.action != "notice":
            self.issued.append(key)
            return
        self.notices.append(
            NoticeRecord(
                key=key,
                notice=planned.step.what,
                stage=planned.stage,
                step=planned.step.id,
                channel="email",
                cycle=0,
                occurrence=planned.occurrence,
                requested_on=on(day),
                receivable_ids=planned.covers,
                sent_on=on(day),
                reported_delivered_on=on(day + self.delay(len(self.notices))),
            )
        )
