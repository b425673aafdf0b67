"""May this debtor be contacted: when, through which channel, how often, and from when on if not now.

Hours hold in every zone where the debtor may be, to the second and through clock changes. Caps count attempts, not
successes, per person over all channels. Every rule that speaks gives its reason. This room sends nothing, reads no
clock, and knows no country's law: rule packs are passed in and can only tighten.

An opt-out, an invalid address, a channel that the policy does not list and a zone that is not known are lasting: the
next channel is tried. Closed hours, holidays and full caps pass: the contact waits for them, so that a Sunday turns
no e-mail into a letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final, Protocol, runtime_checkable

import attrs

from collectkit._contact.clocks import Window, joined, wall_spans
from collectkit.core.calendars import BusinessCalendar, business_date, zone
from collectkit.core.checks import as_tuple, aware_datetime, each, instance_of, optional, plain_date
from collectkit.core.decisions import Permission, PermissionOutcome, Reason
from collectkit.core.errors import CalendarMissing, InvalidDate, InvalidPolicy, Problem
from collectkit.core.records import AccountSnapshot, Channel, ContactPoint, Debtor, FlagKind

__all__ = [
    "UNTIMED_CHANNELS",
    "ContactCap",
    "ContactDelayed",
    "ContactHours",
    "ContactPlan",
    "ContactPolicy",
    "ContactRules",
    "Window",
    "must_cease",
    "permission",
    "plan_contact",
    "windows",
]

UNTIMED_CHANNELS: Final = frozenset({Channel.LETTER, Channel.CERTIFIED_MAIL})
"""What is read when the debtor likes: hours and holidays do not bind it, caps do."""

_SEARCH_DAYS: Final = 400  # a year and its longest run of holidays; what does not open by then does not open by itself
_DAY_END: Final = time(23, 59, 59)
# The hours of a day reach into the days around it in other zones, and the search looks a year ahead.
_FIRST_DAY, _LAST_DAY = date(2, 1, 1), date(9997, 12, 31)


# -- the creditor's own rules ----------------------------------------------------------------------------------


def _weekdays(days: Iterable[int]) -> frozenset[int]:
    return frozenset(days)


@attrs.frozen(kw_only=True)
class ContactHours:
    """Wall-clock hours on some weekdays (0 is Monday), both ends included, to the second.

    Raises:
        InvalidPolicy: `contact.hours`.
    """

    weekdays: frozenset[int] = attrs.field(converter=_weekdays)
    start: time
    end: time

    def __attrs_post_init__(self) -> None:
        text = ""
        if not self.weekdays or any(type(day) is not int or not 0 <= day <= 6 for day in self.weekdays):
            text = "weekdays are whole numbers, 0 for Monday to 6 for Sunday, at least one"
        elif any(not isinstance(at, time) or at.tzinfo or at.microsecond for at in (self.start, self.end)):
            text = "start and end are wall times to the second without a zone: each zone of the debtor applies them"
        elif self.start > self.end:
            text = "start lies after end; write two rows for hours past midnight"
        if text:
            raise InvalidPolicy([Problem(code="contact.hours", path="hours", text=text)])


@attrs.frozen(kw_only=True)
class ContactCap:
    """At most `count_max` attempts in `days` consecutive days, the day itself included; no channel named means all.

    Raises:
        InvalidPolicy: `contact.cap`.
    """

    count_max: int
    days: int
    channels: tuple[Channel, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Channel))

    def __attrs_post_init__(self) -> None:
        if type(self.count_max) is not int or self.count_max < 0 or type(self.days) is not int or self.days < 1:
            text = "count_max is 0 or more and days 1 or more, both whole numbers"
            raise InvalidPolicy([Problem(code="contact.cap", path="caps", text=text)])


_WORKDAY_HOURS: Final = (
    ContactHours(weekdays=range(5), start=time(8), end=time(20)),
    ContactHours(weekdays=[5], start=time(9), end=time(18)),
)
_GENTLE_CAPS: Final = (
    ContactCap(count_max=1, days=1),
    ContactCap(count_max=3, days=7),
    ContactCap(count_max=8, days=30),
)


@attrs.frozen(kw_only=True)
class ContactPolicy:
    """When, how often and how a creditor contacts its debtors; law comes on top, as packs.

    Hours are local to the debtor. `holidays` closes its holidays (not its weekends, which `hours` says better).
    `days_between_notices` counts from one notice to the next: 14 days after 1 March is 15 March. `channels` lists the
    allowed ones, empty for all. The defaults are house figures, not a law's: Monday to Friday 08:00-20:00, Saturday
    09:00-18:00; one attempt a day, three in 7 and eight in 30 days.

    Raises:
        InvalidPolicy: `contact.hours`, `contact.days_between`, with every problem.
    """

    hours: tuple[ContactHours, ...] = attrs.field(
        default=_WORKDAY_HOURS, converter=as_tuple, validator=each(ContactHours)
    )
    caps: tuple[ContactCap, ...] = attrs.field(default=_GENTLE_CAPS, converter=as_tuple, validator=each(ContactCap))
    days_between_notices: int = 0
    channels: tuple[Channel, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Channel))
    holidays: BusinessCalendar | None = attrs.field(default=None, validator=optional(instance_of(BusinessCalendar)))

    def __attrs_post_init__(self) -> None:
        problems = []
        for day in range(7):
            rows = sorted((row.start, row.end) for row in self.hours if day in row.weekdays)
            if any(later[0] < earlier[1] for earlier, later in pairwise(rows)):
                problems.append(Problem(code="contact.hours", path="hours", text=f"rows of weekday {day} overlap"))
        if type(self.days_between_notices) is not int or self.days_between_notices < 0:
            text = "a whole number of 0 or more is needed"
            problems.append(Problem(code="contact.days_between", path="days_between_notices", text=text))
        if problems:
            raise InvalidPolicy(problems)


@runtime_checkable
class ContactRules(Protocol):
    """What a jurisdiction says about one contact; its answer is combined with the policy's, the strictest wins."""

    @property
    def pack_id(self) -> str:
        """Return the id of the pack with its version, such as `us-reg-f/2026.1`."""
        ...

    def contact_permission(
        self, *, snapshot: AccountSnapshot, channel: Channel, contact_point: ContactPoint, now: datetime
    ) -> Permission:
        """Judge one contact at one instant."""
        ...


# -- may it be now ---------------------------------------------------------------------------------------------


def must_cease(debtor: Debtor, on: date) -> bool:
    """Say whether nobody may write to or call this person at all: cease request, representation or death.

    >>> must_cease(Debtor(debtor_id="D", kind="consumer"), date(2026, 3, 12))
    False
    """
    return any(debtor.has_flag(kind, on) for kind in _CEASING)


def windows(day: date, zones: Sequence[str], policy: ContactPolicy) -> tuple[Window, ...]:
    """List when a timed channel is open on `day` of the first zone, in its clock, such that every zone allows it.

    There may be none, or several; a window may lie on another date in another zone. Wall times that a clock change
    skips fall out and those it repeats count both times.

    >>> policy = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(8), end=time(21))])
    >>> ((start, end),) = windows(date(2026, 1, 15), ("America/New_York", "America/Los_Angeles"), policy)
    >>> start.isoformat(), end.isoformat()
    ('2026-01-15T11:00:00-05:00', '2026-01-15T21:00:00-05:00')

    Raises:
        InvalidDate: `calendars.zone` for a name that does not exist; `contact.zone_missing` where none is given;
            `calendars.out_of_range` outside the years 2 to 9997.
        CalendarMissing: the policy's holidays are not known for that day.
    """
    if not zones:
        raise InvalidDate("contact.zone_missing", "contact hours need at least one zone of the debtor")
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise InvalidDate("calendars.out_of_range", f"contact hours are told from {_FIRST_DAY} to {_LAST_DAY}")
    places = [zone(name) for name in zones]
    open_now = list(_day_spans(day, places[0], policy))
    for place in places[1:]:
        here: list[Window] = []
        for shift in (-2, -1, 0, 1, 2):  # zones lie up to 26 hours apart
            if open_now:
                here += _day_spans(day + timedelta(days=shift), place, policy, within=open_now)
        open_now = here
    return tuple((start.astimezone(places[0]), end.astimezone(places[0])) for start, end in joined(open_now))


def permission(
    *,
    snapshot: AccountSnapshot,
    channel: Channel,
    contact_point: ContactPoint,
    now: datetime,
    policy: ContactPolicy,
    packs: Sequence[ContactRules] = (),
) -> Permission:
    """Say whether this contact may be made at `now`, with every reason against it and the next allowed instant.

    Attempts are counted from `snapshot.attempts`, which may hold those of the person's other accounts too. A missing
    zone or holiday list is UNKNOWN and blocks. `next_allowed_at` is sought 400 days ahead.

    Raises:
        InvalidDate: `calendars.naive` where `now` has no zone.
    """
    question = _Question(snapshot, channel, contact_point, policy, tuple(packs), with_pending=False)
    findings, answers = question.at(now)
    next_at: datetime | None = now
    if findings:
        next_at = None if any(one.is_lasting for one in findings) else question.next_opening(now)
    return _permission(question, findings, answers, now, next_at)


# -- on which day, by which channel ----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ContactPlan:
    """A contact that may be made between two instants of one day; `reasons` say what was passed over."""

    channel: Channel = attrs.field(converter=Channel)
    contact_point: ContactPoint = attrs.field(validator=instance_of(ContactPoint))
    earliest_at: datetime = attrs.field(validator=aware_datetime)
    latest_at: datetime = attrs.field(validator=aware_datetime)
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))


@attrs.frozen(kw_only=True)
class ContactDelayed:
    """No contact on that day; `next_on` is the first day on which one may be made by itself, None for never."""

    next_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    reasons: tuple[Reason, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Reason))

    def __bool__(self) -> bool:
        return False


def plan_contact(
    *,
    snapshot: AccountSnapshot,
    on: date,
    channels: Sequence[Channel],
    policy: ContactPolicy,
    packs: Sequence[ContactRules] = (),
) -> ContactPlan | ContactDelayed:
    """Choose channel, address and hours for a contact on `on`, or say until when it must wait.

    The debtor's preferred channel comes first if it is in the list, then the order given; within a channel the
    contact points go by rank. A lasting obstacle moves on to the next one, a passing obstacle waits. Notices that are
    decided and not yet sent count as attempts.

    >>> from collectkit.core.records import Account
    >>> snapshot = AccountSnapshot(
    ...     as_of=date(2026, 3, 13),
    ...     account=Account(account_id="A", debtor_id="D"),
    ...     debtor=Debtor(debtor_id="D", kind="business", zones=["Europe/Berlin"]),
    ...     contact_points=[ContactPoint(contact_point_id="E", channel="email", address="office@firm.example")],
    ... )
    >>> plan = plan_contact(snapshot=snapshot, on=date(2026, 3, 13), channels=[Channel.EMAIL], policy=ContactPolicy())
    >>> plan.channel.value, plan.earliest_at.isoformat()
    ('email', '2026-03-13T08:00:00+01:00')
    """
    preferred = snapshot.debtor.preferred_channel
    order = sorted(dict.fromkeys(channels), key=lambda one: one != preferred)  # stable: the order given stays
    reasons: list[Reason] = []
    for channel in order:
        points = [one for one in snapshot.contact_points if one.channel == channel]
        if not points:
            reasons.append(_reason("no_contact_point", f"no contact point for {channel}"))
        for point in sorted(points, key=lambda one: (one.rank, one.contact_point_id)):
            question = _Question(snapshot, channel, point, policy, tuple(packs), with_pending=True)
            opening, against = question.opening_on(on)
            if opening is not None:
                return ContactPlan(
                    channel=channel, contact_point=point, earliest_at=opening[0], latest_at=opening[1], reasons=reasons
                )
            reasons += [one.reason for one in against if one.reason not in reasons]
            if not any(one.is_lasting for one in against):
                next_on = question.next_day(on)
                if next_on is not None:  # what never opens by itself is as lasting as an opt-out
                    return ContactDelayed(next_on=next_on, reasons=reasons)
    return ContactDelayed(next_on=None, reasons=reasons)


# -- details: one question, asked at many instants -------------------------------------------------------------

_OPEN: Final = (PermissionOutcome.ALLOWED, PermissionOutcome.PRESUMED_OK)

_CEASING: Final = {
    FlagKind.CEASE_COMMUNICATION: "the debtor asked for no more contact",
    FlagKind.DECEASED: "the debtor has died; write to the estate through a person",
    FlagKind.REPRESENTED: "the debtor is represented; write to the representative through a person",
}


@attrs.frozen
class _Finding:
    """One rule that spoke against a contact; a lasting one does not end by itself."""

    outcome: PermissionOutcome
    reason: Reason
    is_lasting: bool = False


@attrs.frozen
class _Question:
    """A contact with everything it is judged by, except the instant."""

    snapshot: AccountSnapshot
    channel: Channel
    point: ContactPoint
    policy: ContactPolicy
    packs: tuple[ContactRules, ...]
    with_pending: bool = attrs.field(kw_only=True)
    zones: tuple[str, ...] = attrs.field(init=False)

    @zones.default
    def _all_zones(self) -> tuple[str, ...]:
        # A New York number with a Pacific address may be in either place: the hours must suit both.
        return tuple(dict.fromkeys((*self.snapshot.debtor.zones, *self.point.zones)))

    @property
    def is_timed(self) -> bool:
        return self.channel not in UNTIMED_CHANNELS

    def at(self, now: datetime) -> tuple[list[_Finding], list[Permission]]:
        """Collect what speaks against the contact at an instant, and the packs' answers."""
        if now.utcoffset() is None:
            raise InvalidDate("calendars.naive", "now is an instant and needs a zone; pass tzinfo=ZoneInfo(...) or UTC")
        findings = [*self._zone_findings()]
        zones_are_known = not findings
        days = {business_date(now, place) for place in self._places()}
        if not zones_are_known:  # then it is some day between the two ends of the earth
            days = {(now + timedelta(hours=hours)).astimezone(UTC).date() for hours in (-12, 14)}
        findings += self._facts_against(days)
        if self.is_timed and zones_are_known:
            findings += self._hours_against(now)
        findings += self._caps_against(now, days)
        answers = [
            pack.contact_permission(snapshot=self.snapshot, channel=self.channel, contact_point=self.point, now=now)
            for pack in self.packs
        ]
        for answer in answers:
            if answer.outcome not in _OPEN:
                is_lasting = answer.next_allowed_at is None
                reasons = answer.reasons or (_reason("pack", "a rule pack stops the contact and gives no reason"),)
                findings += [_Finding(answer.outcome, reason, is_lasting) for reason in reasons]
        return findings, answers

    def opening_on(self, day: date) -> tuple[Window | None, list[_Finding]]:
        """Return the first stretch of a day that is open, or what speaks against the whole day."""
        lasting = [*self._zone_findings(), *self._facts_against({day})]
        if any(one.is_lasting for one in lasting):
            return None, lasting
        try:
            spans = self._spans(day)
        except CalendarMissing:
            return None, [_holidays_unknown()]
        against: list[_Finding] = []
        for start, end in spans:
            opening = self._first_open(start, end, against)
            if opening is not None and opening < end:
                return (opening, end), []
        return None, [*lasting, *against] if spans else [*lasting, _closed(self.policy, self.zones, day)]

    def next_opening(self, after: datetime) -> datetime | None:
        """Return the first open instant from `after` on, within the days that are searched."""
        first = business_date(after, self._places()[0])
        for number in range(min(_SEARCH_DAYS, (_LAST_DAY - first).days)):
            day = first + timedelta(days=number)
            try:
                spans = self._spans(day)
            except CalendarMissing:
                return None
            for start, end in spans:
                opening = self._first_open(max(start, after), end, []) if end > after else None
                if opening is not None:
                    return opening
        return None

    def next_day(self, on: date) -> date | None:
        """Return the first later day with an open stretch, or None."""
        for number in range(1, min(_SEARCH_DAYS, (_LAST_DAY - on).days)):
            day = on + timedelta(days=number)
            opening, against = self.opening_on(day)
            if opening is not None:
                return day
            if any(one.is_lasting for one in against):
                return None
        return None

    def _first_open(self, start: datetime, end: datetime, against: list[_Finding]) -> datetime | None:
        """Return the first instant from `start` to `end` at which nothing stands against the contact."""
        instant = start
        for _ in range(50):  # a pack may know a later moment of the same stretch; it does not know fifty
            findings, answers = self.at(instant)
            if not findings:
                return instant
            against += [one for one in findings if one not in against]
            later = [one.next_allowed_at for one in answers if one.next_allowed_at and one.next_allowed_at > instant]
            if not later or min(later) > end:
                return None
            instant = min(later).astimezone(start.tzinfo)
        return None

    def _spans(self, day: date) -> tuple[Window, ...]:
        if self.is_timed:
            return windows(day, self.zones, self.policy)
        place = self._places()[0]
        return tuple(
            (start.astimezone(place), end.astimezone(place)) for start, end in wall_spans(day, time(0), _DAY_END, place)
        )

    def _places(self) -> list[tzinfo]:
        """Return the zones that exist, or UTC for want of any."""
        return [zone(name) for name in self.zones if _is_zone(name)] or [UTC]

    # -- each rule ---------------------------------------------------------------------------------------------

    def _zone_findings(self) -> Iterator[_Finding]:
        if not self.is_timed:
            return
        if not self.zones:
            text = f"no zone is known for contact point {self.point.contact_point_id}, so its hours cannot be told"
            yield _Finding(PermissionOutcome.UNKNOWN, _reason("zone_unknown", text), is_lasting=True)
        for name in self.zones:
            try:
                zone(name)
            except InvalidDate:
                text = f"zone {name} is no IANA time zone; correct it, for example to Europe/Berlin"
                yield _Finding(PermissionOutcome.UNKNOWN, _reason("zone_unknown", text), is_lasting=True)

    def _facts_against(self, days: Iterable[date]) -> Iterator[_Finding]:
        debtor, point = self.snapshot.debtor, self.point
        last = max(days)
        for kind, text in _CEASING.items():
            flags = [flag for flag in debtor.flags if flag.kind == kind and any(flag.is_active(day) for day in days)]
            if flags:
                ends = all(flag.until_on is not None for flag in flags)
                yield _Finding(PermissionOutcome.BLOCKED, _reason(kind.value, text), is_lasting=not ends)
        allowed = self.policy.channels
        if allowed and self.channel not in allowed:
            text = f"channel {self.channel} is not among those allowed: {', '.join(allowed)}"
            yield _Finding(PermissionOutcome.BLOCKED, _reason("channel_not_allowed", text), is_lasting=True)
        if point.channel != self.channel:
            text = f"contact point {point.contact_point_id} is for {point.channel}, not for {self.channel}"
            yield _Finding(PermissionOutcome.BLOCKED, _reason("wrong_channel", text), is_lasting=True)
        for since, code, said in (
            (point.opted_out_on, "opted_out", "has opted out"),
            (point.invalid_since_on, "invalid", "is invalid"),
        ):
            if since is not None and since <= last:
                text = f"contact point {point.contact_point_id} {said} since {since}"
                yield _Finding(PermissionOutcome.BLOCKED, _reason(code, text), is_lasting=True)

    def _hours_against(self, now: datetime) -> Iterator[_Finding]:
        day = business_date(now, self.zones[0])
        try:
            spans = windows(day, self.zones, self.policy)
        except CalendarMissing:
            yield _holidays_unknown()
            return
        if not any(start <= now <= end for start, end in spans):
            yield _closed(self.policy, self.zones, day, spans)

    def _caps_against(self, now: datetime, days: set[date]) -> Iterator[_Finding]:
        places = self._places()
        attempts = [one for one in self.snapshot.attempts if not one.is_inbound and one.at <= now]
        pending = [one for one in self.snapshot.notices if one.is_pending] if self.with_pending else []
        for cap in self.policy.caps:
            if cap.channels and self.channel not in cap.channels:
                continue
            counted = [one for one in attempts if not cap.channels or one.channel in cap.channels]
            waiting = [one for one in pending if not cap.channels or one.channel in cap.channels]
            count = 0
            for place in places:
                today = business_date(now, place)
                since = today - timedelta(days=cap.days - 1)
                made = sum(since <= business_date(one.at, place) <= today for one in counted)
                count = max(count, made + sum(since <= one.requested_on <= today for one in waiting))
            if count >= cap.count_max:
                span = "today" if cap.days == 1 else f"in {cap.days} days"
                which = f" by {', '.join(cap.channels)}" if cap.channels else " over all channels"
                text = f"{count} attempts {span}{which}, and the cap is {cap.count_max}"
                yield _Finding(PermissionOutcome.BLOCKED, _reason("cap", text), is_lasting=cap.count_max == 0)
        gap = self.policy.days_between_notices
        sent = [one.sent_on for one in self.snapshot.notices if one.sent_on is not None]
        last = max([*sent, *(one.requested_on for one in pending)], default=None)
        if gap and last is not None and (min(days) - last).days < gap:
            text = f"the last notice was on {last}, and {gap} days lie between two; the next may go on "
            text += f"{last + timedelta(days=gap)}"
            yield _Finding(PermissionOutcome.BLOCKED, _reason("days_between", text))


def _worst(findings: Iterable[_Finding]) -> PermissionOutcome:
    return max((one.outcome for one in findings), key=lambda one: one.severity, default=PermissionOutcome.ALLOWED)


def _permission(
    question: _Question,
    findings: Sequence[_Finding],
    answers: Sequence[Permission],
    now: datetime,
    next_allowed_at: datetime | None,
) -> Permission:
    outcomes = [_worst(findings), *(answer.outcome for answer in answers)]
    reasons = [one.reason for one in findings]
    reasons += [reason for answer in answers for reason in answer.reasons if reason not in reasons]
    return Permission(
        outcome=max(outcomes, key=lambda one: one.severity),
        reasons=reasons,
        warnings=[warning for answer in answers for warning in answer.warnings],
        next_allowed_at=next_allowed_at,
        packs=[pack.pack_id for pack in question.packs],
        as_of=now,
    )


def _closed(policy: ContactPolicy, zones: Sequence[str], day: date, spans: Sequence[Window] = ()) -> _Finding:
    places = " and ".join(zones)
    if spans:
        hours = ", ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in spans)
        text = f"outside the contact hours of {day}: {hours} in {zones[0]}" + (
            f", so that they suit {places}" if len(zones) > 1 else ""
        )
    elif policy.holidays is not None and day in policy.holidays.holidays:
        text = f"{day} is a holiday"
    else:
        text = f"no contact hours on {day} in {places}"
    return _Finding(PermissionOutcome.BLOCKED, _reason("hours", text))


def _holidays_unknown() -> _Finding:
    text = "the holidays of that day are not known; give the policy a calendar that covers it"
    return _Finding(PermissionOutcome.UNKNOWN, _reason("holidays_unknown", text), is_lasting=True)


def _reason(code: str, text: str) -> Reason:
    return Reason(code=f"contact.{code}", text=text)


def _is_zone(name: str) -> bool:
    try:
        zone(name)
    except InvalidDate:
        return False
    return True


# -- details: hours ---------------------------------------------------------------------------


def _day_spans(
    day: date, place: tzinfo, policy: ContactPolicy, within: Sequence[Window] | None = None
) -> Iterator[Window]:
    """List the open stretches of one day of one zone in UTC, cut to those in `within`."""
    found = []
    for row in policy.hours:
        if day.weekday() in row.weekdays:
            for start, end in wall_spans(day, row.start, row.end, place):
                cuts = [(start, end)] if within is None else [(max(start, a), min(end, b)) for a, b in within]
                found += [(a, b) for a, b in cuts if a <= b]
    if found and policy.holidays is not None:
        policy.holidays.is_business_day(day)  # raises where the day is not covered
        if day in policy.holidays.holidays:
            return
    yield from found
