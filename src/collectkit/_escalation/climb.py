"""How one claim climbs the ladder: on which day it reached each rung, and what keeps it from the next.

Everything is worked out from the facts of today's snapshot; nothing remembers yesterday's answer. A rung is reached
on the first day on which its `after` had come and all its `needs` held, so the order of looks plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import attrs

from collectkit._escalation.ladder import Delivered, Holds, Ladder, StageRule
from collectkit.core.aging import AgedItem
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.checks import as_tuple
from collectkit.core.guards import DAY_FACTS, AccountFacts, Guard, bounds_on, judge
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, Approval, NoticeRecord

_DAY = timedelta(days=1)


def item_ref(item: AgedItem) -> str:
    """Return the name under which notices remember a claim: a receivable's id, or plan and instalment number."""
    if item.plan_id is not None:
        return f"{item.plan_id}#{item.instalment_number}"
    return str(item.receivable_id)


@attrs.frozen(kw_only=True)
class Climb:
    """One claim's time on one rung: from `since_on` until and without `until_on`, None while it stands there.

    `expired` names authorities whose leave ended after the rung was reached: its steps wait for a new one.
    """

    ref: str
    due_on: date
    rule: StageRule
    since_on: date
    until_on: date | None = None
    expired: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)


@attrs.frozen(kw_only=True)
class Reach:
    """How far one claim is from one rung: reached on `since_on`, or kept from it by what is `missing`.

    `wants` are the missing approvals. `turns` are days on which the answer may turn by itself.
    """

    rule: StageRule
    since_on: date | None = None
    missing: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    turns: tuple[date, ...] = ()

    @property
    def only_wants(self) -> bool:
        """Say whether approvals are all that is missing."""
        return bool(self.wants) and len(self.wants) == len(self.missing)


class Mountain:
    """The ladder with the facts that claims are held against, indexed once for all of them."""

    def __init__(
        self,
        *,
        ladder: Ladder,
        items: Sequence[AgedItem],
        facts: AccountFacts,
        snapshot: AccountSnapshot,
        calendar: BusinessCalendar,
    ) -> None:
        self.ladder = ladder
        self.items = sorted(
            (item for item in items if item.amount_open.is_positive), key=lambda item: (item.due_on, item_ref(item))
        )
        self.facts = facts
        self.as_of = snapshot.as_of
        self.calendar = calendar
        self.cycle = snapshot.cycle
        self._approvals = snapshot.approvals
        self._pre_due = {rule.id for rule in ladder if rule.is_pre_due}
        self._delivered: dict[tuple[str, str], date] = {}  # (notice, claim) -> the first day
        self._unnamed: dict[str, list[tuple[NoticeRecord, date]]] = {}
        for record in snapshot.notices:
            if record.cycle != snapshot.cycle or record.delivered_on is None:
                continue
            for ref in record.receivable_ids:
                place = (record.notice, ref)
                self._delivered[place] = min(record.delivered_on, self._delivered.get(place, record.delivered_on))
            if not record.receivable_ids:
                self._unnamed.setdefault(record.notice, []).append((record, record.delivered_on))
        self._judged: dict[Guard, tuple[date, list[str], list[date]]] = {}

    def reaches(self, item: AgedItem) -> tuple[Reach, ...]:
        """Hold one claim against every rung that is for claims like it, gentlest first."""
        is_pre_due = item.due_on >= self.as_of
        return tuple(self._reach(rule, item) for rule in self.ladder if rule.is_pre_due == is_pre_due)

    # -- one rung --------------------------------------------------------------------------------------------------

    def _reach(self, rule: StageRule, item: AgedItem) -> Reach:
        start = rule.after.first_on(item.due_on, self.calendar)
        if start > self.as_of:
            return Reach(rule=rule, turns=(start,))
        since = start
        missing: list[str] = []
        turns: list[date] = []
        authorities: list[str] = []
        for need in rule.needs:
            match need:
                case Delivered():
                    ready_on, lack = self._delivery(need, item)
                    missing += lack
                    if ready_on is not None:
                        since = max(since, ready_on)
                        turns.append(ready_on)
                case Holds(guard=guard):
                    holds_since, lack, days = self._guard(guard)
                    missing += lack
                    turns += days
                    since = max(since, holds_since)
                case _:
                    authorities.append(need.authority)
        leave = [[one for one in self._approvals if self._is_for(one, rule, authority)] for authority in authorities]
        turns += [day for ones in leave for one in ones for day in (one.granted_on, one.until_on) if day is not None]
        reached_on = _first_with_all(leave, since, self.as_of) if not missing else None
        lapsed = [name for name, ones in zip(authorities, leave, strict=True) if not self._stands(ones)]
        wants = () if reached_on is not None else tuple(lapsed)
        missing += [f"{authority} has not approved it" for authority in wants]
        return Reach(
            rule=rule,
            since_on=reached_on,
            missing=tuple(missing),
            wants=wants,
            expired=tuple(lapsed) if reached_on is not None else (),
            turns=tuple(turns),
        )

    def _delivery(self, need: Delivered, item: AgedItem) -> tuple[date | None, list[str]]:
        """Return the day from which a delivered notice is old enough, and what is missing."""
        ref = item_ref(item)
        named = self._delivered.get((need.notice, ref))
        days = [day for record, day in self._unnamed.get(need.notice, ()) if self._spoke_of(record, item.due_on)]
        first = min(days if named is None else [*days, named], default=None)
        if first is None:
            return None, [f"{need.notice} was not delivered for {ref}"]
        ready_on = first + timedelta(days=need.days_ago)
        if ready_on <= self.as_of:
            return ready_on, []
        return ready_on, [f"{need.notice} was delivered on {first}, and {need.days_ago} days end on {ready_on}"]

    def _spoke_of(self, record: NoticeRecord, due_on: date) -> bool:
        """Say whether a notice that names no claims spoke of one: of all that were past due then."""
        return due_on < record.requested_on or record.stage in self._pre_due

    def _is_for(self, approval: Approval, rule: StageRule, authority: str) -> bool:
        return approval.subject == rule.id and approval.authority == authority and approval.cycle == self.cycle

    def _stands(self, approvals: Sequence[Approval]) -> bool:
        return any(one.is_valid(self.as_of, cycle=self.cycle) for one in approvals)

    # -- guards ----------------------------------------------------------------------------------------------------

    def _guard(self, guard: Guard) -> tuple[date, list[str], list[date]]:
        """Judge a guard once for all claims: since when it holds, what is missing, and when days alone may turn it."""
        if guard not in self._judged:
            self._judged[guard] = self._judge(guard)
        return self._judged[guard]

    def _judge(self, guard: Guard) -> tuple[date, list[str], list[date]]:
        started = {
            fact: self.as_of - timedelta(days=days)
            for fact in DAY_FACTS
            if (days := getattr(self.facts, fact)) is not None and (fact != "days_past_due" or days > 0)
        }
        turns = sorted(
            day
            for fact, start in started.items()
            for bound in bounds_on(guard, fact)
            if (day := _plus(start, bound)) is not None
        )
        verdict = judge(guard, self.facts)
        if not verdict:
            return date.min, ["; ".join(verdict.why)], turns
        changes = {day for day in turns if day <= self.as_of}
        changes |= {item.due_on + _DAY for item in self.items if item.due_on < self.as_of}
        since = self.as_of
        for day in sorted(changes, reverse=True):
            if not judge(guard, self.facts_at(day)):
                return since, [], turns
            since = day
        return (since if not judge(guard, self.facts_at(since - _DAY)) else date.min), [], turns

    def facts_at(self, day: date) -> AccountFacts:
        """Return the facts as they were on an earlier day if nothing but time has passed since.

        What was paid meanwhile is not added back, so a sum is never thought to have been reached before it was.
        """
        ago = (self.as_of - day).days
        later = [item for item in self.items if day <= item.due_on < self.as_of]
        arrears = {sum_.currency: sum_.minor for sum_ in self.facts.arrears}
        for item in later:
            currency = item.amount_open.currency
            arrears[currency] = max(0, arrears.get(currency, 0) - item.amount_open.minor)
        known = self.facts.days_known
        return attrs.evolve(
            self.facts,
            days_past_due=max(0, self.facts.days_past_due - ago),
            days_known=None if known is None else max(0, known - ago),
            past_due_count=max(0, self.facts.past_due_count - len(later)),
            arrears=[Money(minor, currency) for currency, minor in arrears.items() if minor > 0],
        )


def rungs_stood_on(item: AgedItem, reaches: Sequence[Reach]) -> tuple[Climb, ...]:
    """Say on which rungs a claim stood and stands: on each day, the furthest it had reached."""
    reached = [(one, one.since_on) for one in reaches if one.since_on is not None]
    climbs = []
    for place, (reach, since_on) in enumerate(reached):
        until_on = min((later for _, later in reached[place + 1 :]), default=None)
        if until_on is not None and until_on <= since_on:
            continue  # a further rung was reached before this one
        climbs.append(
            Climb(
                ref=item_ref(item),
                due_on=item.due_on,
                rule=reach.rule,
                since_on=since_on,
                until_on=until_on,
                expired=reach.expired,
            )
        )
    return tuple(climbs)


# -- details ---------------------------------------------------------------------------------------------------


def _first_with_all(leave: Sequence[Sequence[Approval]], since: date, as_of: date) -> date | None:
    """Return the first day from `since` to `as_of` on which an approval of every kind was valid."""
    if not leave:
        return since if since <= as_of else None
    days = sorted({since, *(one.granted_on for ones in leave for one in ones if since <= one.granted_on)})
    for day in days:
        if day <= as_of and all(any(one.is_valid(day, cycle=one.cycle) for one in ones) for ones in leave):
            return day
    return None


def _plus(start: date, days: int) -> date | None:
    """Add days to a date; None beyond the calendar."""
    ordinal = start.toordinal() + days
    return date.fromordinal(ordinal) if 1 <= ordinal <= date.max.toordinal() else None
