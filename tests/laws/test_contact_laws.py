"""Laws of contact: no send outside the hours of any zone, through every clock change; no cap ever exceeded.

The hours are checked against an independent reckoning that steps through instants and asks each zone for its wall
time; it knows nothing of windows.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectkit.contact import ContactCap, ContactHours, ContactPlan, ContactPolicy, permission, plan_contact, windows
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Channel,
    ContactAttempt,
    ContactPoint,
    Debtor,
    NoticeRecord,
)

MINUTE = timedelta(minutes=1)
# Half-hour and 45-minute offsets, changes at midnight, half-hour changes, both hemispheres, changes of base offset.
THIRTY = (
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Istanbul", "Europe/Volgograd", "Atlantic/Azores"),
    *("America/New_York", "America/Los_Angeles", "America/Phoenix", "America/St_Johns", "America/Sao_Paulo"),
    *("America/Havana", "America/Santiago", "America/Asuncion", "America/Nuuk", "America/Mexico_City"),
    *("Africa/Cairo", "Africa/Casablanca", "Africa/Juba", "Asia/Beirut", "Asia/Tehran", "Asia/Kolkata"),
    *("Asia/Kathmandu", "Asia/Gaza", "Asia/Tokyo", "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Apia"),
    *("Pacific/Chatham", "Antarctica/Troll"),
)
# Windows that begin, end or lie inside the hours at which clocks change, and an ordinary one.
NIGHT = ContactHours(weekdays=range(7), start=time(0, 30), end=time(2, 30))
EARLY = ContactHours(weekdays=range(7), start=time(2, 45), end=time(3, 15))
DAY = ContactHours(weekdays=range(7), start=time(8), end=time(21))
ZONES = sorted(
    name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
)


def policy_of(*hours: ContactHours, **more) -> ContactPolicy:
    return ContactPolicy(hours=hours, caps=more.pop("caps", ()), **more)


def is_open(instant: datetime, zones, policy: ContactPolicy) -> bool:
    """The independent reckoning: every zone's wall clock lies in some row of its weekday."""
    for name in zones:
        wall = instant.astimezone(ZoneInfo(name))
        rows = [row for row in policy.hours if wall.weekday() in row.weekdays]
        if not any(row.start <= wall.time() <= row.end for row in rows):
            return False
    return True


def transition_days(name: str, first: date, last: date) -> list[date]:
    place, found = ZoneInfo(name), []
    for number in range((last - first).days):
        day = first + timedelta(days=number)
        noon = datetime.combine(day, time(12), tzinfo=UTC)
        if noon.astimezone(place).utcoffset() != (noon + timedelta(days=1)).astimezone(place).utcoffset():
            found += [day - timedelta(days=1), day, day + timedelta(days=1), day + timedelta(days=2)]
    return found


def assert_windows_are_the_open_instants(day: date, zones, policy: ContactPolicy, step: timedelta) -> None:
    """Compare membership in the day's windows with the reckoning, instant by instant."""
    place = ZoneInfo(zones[0])
    found = windows(day, zones, policy)
    instant = datetime.combine(day, time(0), tzinfo=UTC) - timedelta(hours=15)
    end = instant + timedelta(hours=54)
    while instant < end:
        if instant.astimezone(place).date() == day:
            inside = any(start <= instant <= stop for start, stop in found)
            assert inside is is_open(instant, zones, policy), (instant, zones, found)
        instant += step
    for start, stop in found:  # the ends themselves are open, and one second further is not
        assert is_open(start, zones, policy)
        assert is_open(stop, zones, policy)
        for beyond in (start.astimezone(UTC) - timedelta(seconds=1), stop.astimezone(UTC) + timedelta(seconds=1)):
            assert beyond.astimezone(place).date() != day or not is_open(beyond, zones, policy)


@pytest.mark.parametrize("name", THIRTY)
def test_no_window_leaves_the_hours_on_any_clock_change_of_eleven_years(name):
    days = transition_days(name, date(2020, 1, 1), date(2031, 1, 1))
    for day in days:
        for hours in (NIGHT, EARLY):
            assert_windows_are_the_open_instants(day, [name], policy_of(hours), 15 * MINUTE)


@pytest.mark.parametrize("name", THIRTY)
def test_every_day_of_eleven_years_opens_and_closes_at_the_hours(name):
    policy, place = policy_of(DAY), ZoneInfo(name)
    day = date(2020, 1, 1)
    while day < date(2031, 1, 1):
        ((start, end),) = windows(day, [name], policy)
        assert (start.date(), start.time(), end.date(), end.time()) == (day, time(8), day, time(21))
        assert start.tzinfo is place
        day += timedelta(days=1)


@settings(max_examples=60)
@given(st.sampled_from(ZONES), st.integers(2020, 2030), st.data())
def test_no_window_leaves_the_hours_on_a_clock_change_of_any_zone(name, year, data):
    days = transition_days(name, date(year, 1, 1), date(year + 1, 1, 1)) or [date(year, 6, 1)]
    day = data.draw(st.sampled_from(days))
    hours = data.draw(st.sampled_from([NIGHT, EARLY, DAY]))
    assert_windows_are_the_open_instants(day, [name], policy_of(hours), 5 * MINUTE)


@st.composite
def policies(draw):
    rows = []
    for weekdays in (range(5), [5], [6]):
        minutes = sorted(draw(st.lists(st.integers(0, 1439), min_size=2, max_size=4, unique=True)))
        for start, end in zip(minutes[::2], minutes[1::2], strict=False):
            rows.append(ContactHours(weekdays=weekdays, start=time(*divmod(start, 60)), end=time(*divmod(end, 60))))
    return policy_of(*rows)


days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
zone_sets = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True)


@settings(max_examples=60)
@given(days, zone_sets, policies())
def test_no_window_leaves_the_hours_of_any_of_several_zones(day, zones, policy):
    assert_windows_are_the_open_instants(day, zones, policy, 30 * MINUTE)


def facts(zones, attempts=(), notices=()) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=date(2026, 1, 1),
        account=Account(account_id="A", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="consumer", zones=zones),
        contact_points=[
            ContactPoint(contact_point_id=channel.value, channel=channel, address="someone@firm.example")
            for channel in Channel
        ],
        attempts=attempts,
        notices=notices,
    )


instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


@given(instants, zone_sets, policies())
def test_leave_is_given_exactly_in_the_hours_and_the_next_moment_is_the_first(now, zones, policy):
    snapshot = facts(zones)
    said = permission(
        snapshot=snapshot, channel=Channel.SMS, contact_point=snapshot.contact_points[1], now=now, policy=policy
    )
    assert said.is_allowed is is_open(now, zones, policy)
    if said.next_allowed_at is None:
        return  # these zones have no hour in common within the search
    assert said.next_allowed_at >= now
    assert is_open(said.next_allowed_at, zones, policy)
    gap = said.next_allowed_at - now
    for part in range(1, 40):  # nothing lies open in between
        between = now + gap * part / 40
        if between < said.next_allowed_at:
            assert not is_open(between, zones, policy) or said.is_allowed


@given(days, zone_sets, policies(), st.permutations(list(Channel)))
def test_a_plan_lies_in_the_hours_of_that_day(day, zones, policy, channels):
    chosen = plan_contact(snapshot=facts(zones), on=day, channels=channels[:2], policy=policy)
    if isinstance(chosen, ContactPlan):
        assert chosen.earliest_at.date() == day == chosen.latest_at.date()
        assert chosen.earliest_at < chosen.latest_at
        if chosen.channel not in (Channel.LETTER, Channel.CERTIFIED_MAIL):
            assert is_open(chosen.earliest_at, zones, policy)
            assert is_open(chosen.latest_at, zones, policy)
    elif chosen.next_on is not None:
        later = plan_contact(snapshot=facts(zones), on=chosen.next_on, channels=channels[:2], policy=policy)
        assert isinstance(later, ContactPlan)


caps = st.lists(
    st.builds(ContactCap, count_max=st.integers(0, 4), days=st.sampled_from([1, 3, 7, 30])), min_size=1, max_size=3
)


@settings(max_examples=40)
@given(caps, zone_sets, st.integers(0, 5), st.lists(st.integers(1, 60 * 30), min_size=30, max_size=60), st.data())
def test_no_cap_is_ever_exceeded_however_one_tries(bounds, zones, gap, waits, data):
    """Someone who tries again and again, whenever and however, and goes ahead whenever leave is given."""
    policy = policy_of(DAY, caps=bounds, days_between_notices=gap)
    made: list[ContactAttempt] = []
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for wait in waits:
        now += timedelta(minutes=wait)
        channel = data.draw(st.sampled_from(list(Channel)))
        notices = [
            NoticeRecord(
                key=one.attempt_id,
                notice="n",
                stage="s",
                step="t",
                channel=one.channel,
                cycle=0,
                requested_on=one.at.date(),
                sent_at=one.at,
                sent_on=one.at.astimezone(ZoneInfo(zones[0])).date(),
            )
            for one in made
        ]
        snapshot = facts(zones, made, notices)
        point = next(one for one in snapshot.contact_points if one.channel is channel)
        if permission(snapshot=snapshot, channel=channel, contact_point=point, now=now, policy=policy):
            made.append(
                ContactAttempt(attempt_id=f"k{len(made)}", account_id="A", channel=channel, at=now, outcome="sent")
            )
    for name in zones:
        dates = [one.at.astimezone(ZoneInfo(name)).date() for one in made]
        for cap in bounds:
            for last in dates:
                counted = sum(last - timedelta(days=cap.days) < one <= last for one in dates)
                assert counted <= cap.count_max
    dates = [one.at.astimezone(ZoneInfo(zones[0])).date() for one in made]
    assert all((later - earlier).days >= gap for earlier, later in pairwise(dates))


@given(st.lists(st.integers(0, 40), max_size=8), caps)
def test_planning_day_by_day_on_pending_notices_keeps_the_caps(offsets, bounds):
    """What is decided and not yet sent counts as well: a week of decisions without a run cannot break a cap."""
    policy, notices = policy_of(DAY, caps=bounds), []
    for number, offset in enumerate(sorted(offsets)):
        on = date(2026, 3, 2) + timedelta(days=offset)
        chosen = plan_contact(
            snapshot=facts(["Europe/Berlin"], notices=notices), on=on, channels=[Channel.EMAIL], policy=policy
        )
        if isinstance(chosen, ContactPlan):
            notices.append(
                NoticeRecord(
                    key=f"k{number}", notice="n", stage="s", step="t", channel="email", cycle=0, requested_on=on
                )
            )
    for cap in bounds:
        for last in notices:
            since = last.requested_on - timedelta(days=cap.days)
            assert sum(since < one.requested_on <= last.requested_on for one in notices) <= cap.count_max


def test_the_reckoning_sees_a_window_that_is_wrong():
    """The control: the hours of a winter day are not those of the day on which the clocks change."""
    winter = windows(date(2026, 3, 28), ["Europe/Berlin"], policy_of(EARLY))
    shifted = [
        (start + timedelta(hours=24), end + timedelta(hours=24)) for start, end in winter
    ]  # wall time plus a day
    utc_days = [
        (start.astimezone(UTC) + timedelta(days=1), end.astimezone(UTC) + timedelta(days=1)) for start, end in winter
    ]
    assert shifted != list(windows(date(2026, 3, 29), ["Europe/Berlin"], policy_of(EARLY)))
    assert not all(is_open(end, ["Europe/Berlin"], policy_of(EARLY)) for _, end in utc_days)
