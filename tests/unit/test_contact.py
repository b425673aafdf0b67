"""Contact: hours in the debtor's zones, caps, what forbids a contact, and which channel is taken when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest

from collectkit.contact import (
    ContactCap,
    ContactDelayed,
    ContactHours,
    ContactPlan,
    ContactPolicy,
    must_cease,
    permission,
    plan_contact,
    windows,
)
from collectkit.core.calendars import BusinessCalendar
from collectkit.core.decisions import Permission, PermissionOutcome, Reason
from collectkit.core.errors import CalendarMissing, InvalidDate, InvalidPolicy
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Channel,
    ContactAttempt,
    ContactPoint,
    Debtor,
    Flag,
    NoticeRecord,
)

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (13, 14, 15, 16))
EVERY_DAY = ContactHours(weekdays=range(7), start=time(8), end=time(21))
OPEN = ContactPolicy(hours=[EVERY_DAY], caps=())


def at(day: date, hour: int, minute: int = 0, second: int = 0, place=BERLIN) -> datetime:
    return datetime.combine(day, time(hour, minute, second), tzinfo=place)


def point(name="E", channel="email", **more) -> ContactPoint:
    return ContactPoint(contact_point_id=name, channel=channel, address="someone@firm.example", **more)


def snapshot(*points, debtor=None, attempts=(), notices=()) -> AccountSnapshot:
    return AccountSnapshot(
        as_of=FRIDAY,
        account=Account(account_id="A", debtor_id="D"),
        debtor=debtor or Debtor(debtor_id="D", kind="consumer", zones=["Europe/Berlin"]),
        contact_points=points or [point()],
        attempts=attempts,
        notices=notices,
    )


def attempt(when: datetime, channel="email", name=None, **more) -> ContactAttempt:
    return ContactAttempt(
        attempt_id=name or when.isoformat(), account_id="A", channel=channel, at=when, outcome="sent", **more
    )


def notice(key="n", requested=FRIDAY, **more) -> NoticeRecord:
    return NoticeRecord(
        key=key, notice="friendly", stage="s", step="t", channel="email", cycle=0, requested_on=requested, **more
    )


def ask(facts, now, policy=OPEN, *, packs=(), one=None):
    one = one or facts.contact_points[0]
    return permission(snapshot=facts, channel=one.channel, contact_point=one, now=now, policy=policy, packs=packs)


def plan(facts, on=FRIDAY, channels=("email", "sms", "letter"), policy=OPEN, packs=()):
    return plan_contact(snapshot=facts, on=on, channels=[Channel(one) for one in channels], policy=policy, packs=packs)


def codes(answer):
    return [reason.code for reason in answer.reasons]


# --- hours ---


@pytest.mark.parametrize(
    ("zones", "day", "expected"),
    [
        # 12 CFR 1006.6(b)(1)(i) with its comment -2: only hours that suit every place, both ends included
        (["America/New_York", "America/Los_Angeles"], date(2026, 1, 15), [("11:00", "21:00")]),
        (["America/New_York", "America/Denver"], date(2026, 1, 15), [("10:00", "21:00")]),
        (["America/New_York", "Pacific/Honolulu"], date(2026, 1, 15), [("13:00", "21:00")]),
        (["America/New_York", "Pacific/Honolulu"], date(2026, 7, 15), [("14:00", "21:00")]),
        (["America/Chicago"], date(2026, 3, 8), [("08:00", "21:00")]),  # the clocks change before eight
        (["Pacific/Auckland", "Pacific/Honolulu"], date(2026, 7, 15), [("08:00", "19:00")]),  # a day apart
    ],
)
def test_hours_suit_every_possible_zone(zones, day, expected):
    found = [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in windows(day, zones, OPEN)]
    assert found == expected


def test_zones_without_a_common_hour_have_no_window():
    late = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(9), end=time(17))])
    assert windows(date(2026, 1, 15), ["Europe/London", "Pacific/Auckland"], late) == ()


def test_a_window_may_lie_on_another_date_elsewhere():
    ((start, end),) = windows(date(2026, 1, 15), ["Asia/Tokyo", "Asia/Shanghai"], OPEN)
    assert (start.isoformat(), end.isoformat()) == ("2026-01-15T09:00:00+09:00", "2026-01-15T21:00:00+09:00")
    around = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(0), end=time(23, 59, 59))], caps=())
    ((first, second), (third, fourth)) = windows(date(2026, 1, 15), ["Asia/Tokyo", "America/New_York"], around)
    assert [one.astimezone(ZoneInfo("America/New_York")).day for one in (first, second, third, fourth)] == [
        14,
        14,
        15,
        15,
    ]


def test_a_wall_time_that_is_skipped_falls_out_of_the_window():
    night = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(1), end=time(2, 30))])
    ((start, end),) = windows(date(2026, 3, 29), ["Europe/Berlin"], night)
    assert (start.isoformat(), end.isoformat()) == ("2026-03-29T01:00:00+01:00", "2026-03-29T01:59:59+01:00")
    late = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(2, 30), end=time(4))])
    ((start, end),) = windows(date(2026, 3, 29), ["Europe/Berlin"], late)
    assert (start.isoformat(), end.isoformat()) == ("2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00")


def test_a_wall_time_that_comes_twice_counts_both_times():
    night = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(1), end=time(2, 30))])
    found = [
        (start.isoformat(), end.isoformat()) for start, end in windows(date(2026, 10, 25), ["Europe/Berlin"], night)
    ]
    assert found == [
        ("2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"),
    ]


def test_a_day_that_a_zone_skipped_has_no_window():
    assert windows(date(2011, 12, 30), ["Pacific/Apia"], OPEN) == ()
    assert windows(date(2011, 12, 31), ["Pacific/Apia"], OPEN) != ()


def test_rows_that_touch_become_one_window():
    split = ContactPolicy(
        hours=[
            ContactHours(weekdays=range(7), start=time(8), end=time(12)),
            ContactHours(weekdays=range(7), start=time(12), end=time(20)),
        ]
    )
    assert len(windows(FRIDAY, ["Europe/Berlin"], split)) == 1


def test_a_lunch_break_leaves_two_windows():
    split = ContactPolicy(
        hours=[
            ContactHours(weekdays=range(7), start=time(8), end=time(12)),
            ContactHours(weekdays=range(7), start=time(13), end=time(20)),
        ],
        caps=(),
    )
    assert len(windows(FRIDAY, ["Europe/Berlin"], split)) == 2
    said = ask(snapshot(), at(FRIDAY, 12, 30), split)
    assert said.next_allowed_at == at(FRIDAY, 13)


def test_no_zone_or_a_wrong_one_is_an_error_of_the_caller_of_windows():
    with pytest.raises(InvalidDate, match="at least one zone"):
        windows(FRIDAY, [], OPEN)
    with pytest.raises(InvalidDate, match="no IANA time zone"):
        windows(FRIDAY, ["Europe/Atlantis"], OPEN)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_are_refused(day):
    with pytest.raises(InvalidDate) as error:
        windows(day, ["Europe/Berlin"], OPEN)
    assert error.value.code == "calendars.out_of_range"


def test_nobody_waits_for_hours_that_never_come():
    never = ContactPolicy(hours=[ContactHours(weekdays=range(7), start=time(9), end=time(12))], caps=())
    facts = snapshot(debtor=Debtor(debtor_id="D", kind="consumer", zones=["Europe/London", "Pacific/Auckland"]))
    assert ask(facts, at(FRIDAY, 12), never).next_allowed_at is None
    assert plan(facts, channels=["email"], policy=never).next_on is None


# --- holidays ---

MAY = BusinessCalendar(holidays=[date(2026, 5, 1)], known_from_on=date(2026, 4, 1), known_until_on=date(2026, 6, 1))


def test_a_holiday_closes_and_its_weekend_does_not():
    policy = attrs.evolve(OPEN, holidays=MAY)
    assert windows(date(2026, 5, 1), ["Europe/Berlin"], policy) == ()
    assert windows(date(2026, 5, 2), ["Europe/Berlin"], policy) != ()  # a Saturday, which `hours` allows
    said = ask(snapshot(), at(date(2026, 5, 1), 12), policy)
    assert (said.outcome, codes(said)) == (PermissionOutcome.BLOCKED, ["contact.hours"])
    assert said.reasons[0].text == "2026-05-01 is a holiday"
    assert said.next_allowed_at == at(date(2026, 5, 2), 8)


def test_holidays_that_are_not_known_block_and_say_so():
    policy = attrs.evolve(OPEN, holidays=MAY)
    with pytest.raises(CalendarMissing):
        windows(date(2026, 7, 1), ["Europe/Berlin"], policy)
    said = ask(snapshot(), at(date(2026, 7, 1), 12), policy)
    assert (said.outcome, codes(said)) == (PermissionOutcome.UNKNOWN, ["contact.holidays_unknown"])
    delayed = plan(snapshot(), date(2026, 7, 1), ["email"], policy)
    assert (delayed.next_on, codes(delayed)) == (None, ["contact.holidays_unknown"])


def test_the_search_ends_where_holidays_are_no_longer_known():
    policy = ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=1, days=400)], holidays=MAY)
    said = ask(snapshot(attempts=[attempt(at(date(2026, 4, 20), 9))]), at(date(2026, 5, 2), 12), policy)
    assert (said.is_allowed, said.next_allowed_at) == (False, None)


# --- permission ---


@pytest.mark.parametrize(
    ("hour", "minute", "second", "allowed"),
    [(7, 59, 59, False), (8, 0, 0, True), (21, 0, 0, True), (21, 0, 1, False)],
)
def test_both_ends_of_the_hours_are_allowed_to_the_second(hour, minute, second, allowed):
    said = ask(snapshot(), at(FRIDAY, hour, minute, second))
    assert bool(said) is allowed
    assert (said.next_allowed_at == said.as_of) is allowed


def test_next_allowed_is_the_first_open_second():
    assert ask(snapshot(), at(FRIDAY, 21, 0, 1)).next_allowed_at == at(SATURDAY, 8)
    assert ask(snapshot(), at(FRIDAY, 3)).next_allowed_at == at(FRIDAY, 8)
    assert ask(snapshot(), at(FRIDAY, 21, 0, 1), ContactPolicy(caps=())).next_allowed_at == at(SATURDAY, 9)


def test_a_zone_that_is_not_known_blocks_and_says_so():
    nowhere = snapshot(debtor=Debtor(debtor_id="D", kind="consumer"))
    said = ask(nowhere, at(FRIDAY, 12))
    assert (said.outcome, codes(said), said.next_allowed_at) == (
        PermissionOutcome.UNKNOWN,
        ["contact.zone_unknown"],
        None,
    )
    atlantis = snapshot(debtor=Debtor(debtor_id="D", kind="consumer", zones=["Europe/Atlantis"]))
    assert codes(ask(atlantis, at(FRIDAY, 12))) == ["contact.zone_unknown"]


def test_the_zones_of_debtor_and_number_both_bind():
    mobile = point("M", "phone", zones=["America/New_York"])
    facts = snapshot(mobile, debtor=Debtor(debtor_id="D", kind="consumer", zones=["America/Los_Angeles"]))
    eastern = ZoneInfo("America/New_York")
    assert not ask(facts, at(FRIDAY, 10, 59, 59, eastern))
    assert ask(facts, at(FRIDAY, 11, 0, 0, eastern))
    assert ask(facts, at(FRIDAY, 21, 0, 0, eastern))
    assert not ask(facts, at(FRIDAY, 21, 0, 1, eastern))


@pytest.mark.parametrize("kind", ["cease_communication", "deceased", "represented"])
def test_who_must_be_left_alone_is_left_alone(kind):
    debtor = Debtor(debtor_id="D", kind="consumer", zones=["Europe/Berlin"], flags=[Flag(kind=kind, since_on=FRIDAY)])
    assert must_cease(debtor, FRIDAY)
    assert not must_cease(debtor, FRIDAY - timedelta(days=1))
    said = ask(snapshot(debtor=debtor), at(FRIDAY, 12))
    assert (said.outcome, codes(said), said.next_allowed_at) == (PermissionOutcome.BLOCKED, [f"contact.{kind}"], None)
    assert codes(plan(snapshot(point("L", "letter"), debtor=debtor))) == [
        "contact.no_contact_point",
        "contact.no_contact_point",
        f"contact.{kind}",
    ]


def test_a_flag_that_ends_delays_the_contact_to_its_end():
    flag = Flag(kind="represented", since_on=FRIDAY, until_on=date(2026, 3, 20))
    facts = snapshot(debtor=Debtor(debtor_id="D", kind="consumer", zones=["Europe/Berlin"], flags=[flag]))
    assert ask(facts, at(FRIDAY, 12)).next_allowed_at == at(date(2026, 3, 20), 8)
    assert plan(facts, channels=["email"]).next_on == date(2026, 3, 20)


def test_opted_out_and_invalid_points_are_blocked_from_their_day_on():
    for field, code in (("opted_out_on", "contact.opted_out"), ("invalid_since_on", "contact.invalid")):
        facts = snapshot(point(**{field: FRIDAY}))
        assert codes(ask(facts, at(FRIDAY, 12))) == [code]
        assert ask(facts, at(FRIDAY, 12) - timedelta(days=1))


def test_every_reason_is_given_not_only_the_first():
    facts = snapshot(point(opted_out_on=FRIDAY, invalid_since_on=FRIDAY), attempts=[attempt(at(FRIDAY, 9))])
    policy = ContactPolicy(hours=[EVERY_DAY], channels=[Channel.LETTER])
    assert codes(ask(facts, at(FRIDAY, 22), policy)) == [
        "contact.channel_not_allowed",
        "contact.opted_out",
        "contact.invalid",
        "contact.hours",
        "contact.cap",
    ]


def test_a_point_of_another_channel_is_refused():
    said = permission(snapshot=snapshot(), channel=Channel.SMS, contact_point=point(), now=at(FRIDAY, 12), policy=OPEN)
    assert codes(said) == ["contact.wrong_channel"]


def test_now_needs_a_zone():
    with pytest.raises(InvalidDate, match="needs a zone"):
        ask(snapshot(), datetime(2026, 3, 13, 12))  # noqa: DTZ001 - that is the point


def test_a_letter_knows_no_hours_and_needs_no_zone():
    paper = point("L", "letter")
    assert ask(snapshot(paper), at(SUNDAY, 3))
    assert ask(snapshot(paper, debtor=Debtor(debtor_id="D", kind="consumer")), at(SUNDAY, 3))


# --- caps ---


def test_caps_count_attempts_over_all_channels_and_whatever_came_of_them():
    policy = ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=3, days=7)])
    tried = [
        attempt(at(date(2026, 3, 9), 9), "phone"),
        attrs.evolve(attempt(at(date(2026, 3, 11), 9), "sms"), outcome="busy"),
        attempt(at(date(2026, 3, 12), 9), "letter"),
    ]
    said = ask(snapshot(attempts=tried), at(FRIDAY, 12), policy)
    assert codes(said) == ["contact.cap"]
    assert said.next_allowed_at == at(MONDAY, 8)  # 9 March leaves the seven days that end on the 16th
    assert ask(snapshot(attempts=tried[1:]), at(FRIDAY, 12), policy)


def test_what_the_debtor_sends_does_not_count():
    policy = ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=2, days=1)])
    tried = [attempt(at(FRIDAY, 9)), attempt(at(FRIDAY, 10), is_inbound=True)]
    assert ask(snapshot(attempts=tried), at(FRIDAY, 12), policy)
    assert not ask(snapshot(attempts=[*tried, attempt(at(FRIDAY, 11))]), at(FRIDAY, 12), policy)


def test_attempts_from_other_accounts_of_the_person_count():
    other = attrs.evolve(attempt(at(FRIDAY, 9)), account_id="B")
    assert codes(ask(snapshot(attempts=[other]), at(FRIDAY, 12), ContactPolicy(hours=[EVERY_DAY]))) == ["contact.cap"]


def test_the_day_of_a_cap_is_the_debtors_own():
    policy = ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=1, days=1)])
    tokyo = ZoneInfo("Asia/Tokyo")
    facts = snapshot(
        debtor=Debtor(debtor_id="D", kind="consumer", zones=["Asia/Tokyo"]),
        attempts=[attempt(at(FRIDAY, 20, place=tokyo))],  # 11:00 UTC on the same Friday
    )
    assert not ask(facts, at(FRIDAY, 20, 30, place=tokyo), policy)
    assert ask(facts, datetime(2026, 3, 13, 23, 0, tzinfo=UTC), policy)  # Friday in UTC, Saturday 08:00 in Tokyo


def test_a_cap_may_bind_one_channel_alone():
    policy = ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=1, days=7, channels=[Channel.PHONE])])
    facts = snapshot(point(), point("P", "phone"), attempts=[attempt(at(FRIDAY, 9), "phone"), attempt(at(FRIDAY, 10))])
    assert ask(facts, at(FRIDAY, 12), policy, one=facts.contact_points[0])
    assert not ask(facts, at(FRIDAY, 12), policy, one=facts.contact_points[1])


def test_a_cap_of_nothing_never_opens():
    said = ask(snapshot(), at(FRIDAY, 12), ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=0, days=1)]))
    assert (said.is_allowed, said.next_allowed_at) == (False, None)


def test_days_between_notices_count_from_one_to_the_next():
    policy = ContactPolicy(
        hours=[EVERY_DAY], caps=(), days_between_notices=14
    )  # SAP: 14 days after 1 March is 15 March
    facts = snapshot(
        notices=[notice(requested=date(2026, 3, 1), sent_at=at(date(2026, 3, 1), 9), sent_on=date(2026, 3, 1))]
    )
    said = ask(facts, at(date(2026, 3, 14), 12), policy)
    assert codes(said) == ["contact.days_between"]
    assert said.next_allowed_at == at(date(2026, 3, 15), 8)
    assert ask(facts, at(date(2026, 3, 15), 8), policy)


# --- the plan for a day ---


def test_the_preferred_channel_comes_first_if_it_is_in_the_list():
    debtor = Debtor(debtor_id="D", kind="consumer", zones=["Europe/Berlin"], preferred_channel="sms")
    facts = snapshot(point(), point("S", "sms"), debtor=debtor)
    assert plan(facts).channel is Channel.SMS
    assert plan(facts, channels=["email"]).channel is Channel.EMAIL


def test_points_of_a_channel_go_by_rank():
    facts = snapshot(point("A2", rank=2), point("B1"))
    assert plan(facts).contact_point.contact_point_id == "B1"


def test_what_is_lasting_falls_back_to_the_next_point_and_channel_with_reasons():
    facts = snapshot(point(opted_out_on=FRIDAY), point("E2", rank=2, invalid_since_on=FRIDAY), point("L", "letter"))
    chosen = plan(facts)
    assert isinstance(chosen, ContactPlan)
    assert chosen.channel is Channel.LETTER
    assert codes(chosen) == ["contact.opted_out", "contact.invalid", "contact.no_contact_point"]
    assert (chosen.earliest_at, chosen.latest_at) == (at(FRIDAY, 0), at(FRIDAY, 23, 59, 59))


def test_a_closed_day_waits_and_turns_no_email_into_a_letter():
    facts = snapshot(point(), point("L", "letter"))
    delayed = plan(facts, SUNDAY, policy=ContactPolicy())
    assert isinstance(delayed, ContactDelayed)
    assert not delayed
    assert (delayed.next_on, codes(delayed)) == (MONDAY, ["contact.hours"])


def test_a_zone_that_is_not_known_leaves_the_letter():
    facts = snapshot(point(), point("L", "letter"), debtor=Debtor(debtor_id="D", kind="consumer"))
    chosen = plan(facts)
    assert chosen.channel is Channel.LETTER
    assert chosen.earliest_at == at(FRIDAY, 0, place=UTC)


def test_nobody_to_write_to_is_delayed_for_ever():
    delayed = plan(snapshot(point(invalid_since_on=FRIDAY)), channels=["email", "phone"])
    assert (delayed.next_on, codes(delayed)) == (None, ["contact.invalid", "contact.no_contact_point"])


def test_a_notice_that_waits_to_be_sent_counts_when_another_is_planned():
    delayed = plan(snapshot(notices=[notice()]), policy=ContactPolicy(hours=[EVERY_DAY]))
    assert (delayed.next_on, codes(delayed)) == (SATURDAY, ["contact.cap"])
    # but not against itself at the last look
    assert ask(snapshot(notices=[notice()]), at(FRIDAY, 12), ContactPolicy(hours=[EVERY_DAY]))
    gone = notice(suppressed_on=FRIDAY)
    assert plan(snapshot(notices=[gone]), policy=ContactPolicy(hours=[EVERY_DAY]))


def test_the_plan_gives_the_debtors_window_of_that_day():
    facts = snapshot(debtor=Debtor(debtor_id="D", kind="consumer", zones=["America/New_York", "America/Los_Angeles"]))
    chosen = plan(facts)
    assert (chosen.earliest_at.isoformat(), chosen.latest_at.isoformat()) == (
        "2026-03-13T11:00:00-04:00",
        "2026-03-13T21:00:00-04:00",
    )


# --- packs only tighten ---


class Curfew:
    """A pack that forbids every contact before an instant."""

    pack_id = "test-curfew/1"

    def __init__(self, until: datetime | None, outcome=PermissionOutcome.BLOCKED, reasons=True) -> None:
        self.until, self.outcome = until, outcome
        self.reasons = (Reason(code="test.curfew", text="curfew", cite="Test Act 1"),) if reasons else ()

    def contact_permission(self, *, snapshot, channel, contact_point, now):
        if self.until is not None and now >= self.until:
            return Permission(outcome="presumed_ok", warnings=["late"])
        return Permission(outcome=self.outcome, reasons=self.reasons, next_allowed_at=self.until)


def test_a_pack_tightens_and_its_reason_is_kept():
    said = ask(snapshot(), at(FRIDAY, 12), packs=[Curfew(at(FRIDAY, 15))])
    assert (said.outcome, said.packs, str(said.reasons[0])) == (
        PermissionOutcome.BLOCKED,
        ("test-curfew/1",),
        "curfew (Test Act 1)",
    )
    assert said.next_allowed_at == at(FRIDAY, 15)


def test_a_pack_cannot_loosen_the_policy():
    said = ask(snapshot(), at(FRIDAY, 22), packs=[Curfew(at(FRIDAY, 1))])
    assert (said.outcome, codes(said)) == (PermissionOutcome.BLOCKED, ["contact.hours"])


def test_a_presumption_of_compliance_is_passed_on_and_allows():
    said = ask(snapshot(), at(FRIDAY, 16), packs=[Curfew(at(FRIDAY, 15))])
    assert (said.outcome, said.warnings, bool(said)) == (PermissionOutcome.PRESUMED_OK, ("late",), True)


def test_a_presumed_violation_stops_an_automatic_step():
    said = ask(snapshot(), at(FRIDAY, 12), packs=[Curfew(None, PermissionOutcome.PRESUMED_VIOLATION)])
    assert (said.outcome, said.next_allowed_at) == (PermissionOutcome.PRESUMED_VIOLATION, None)


def test_a_pack_that_gives_no_reason_still_stops():
    said = ask(snapshot(), at(FRIDAY, 12), packs=[Curfew(None, reasons=False)])
    assert codes(said) == ["contact.pack"]


def test_a_pack_that_puts_off_again_and_again_is_not_asked_for_ever():
    class Nagging(Curfew):
        def contact_permission(self, *, snapshot, channel, contact_point, now):
            return Permission(outcome="blocked", reasons=self.reasons, next_allowed_at=now + timedelta(seconds=1))

    assert plan(snapshot(), channels=["email"], packs=[Nagging(None)]).next_on is None


def test_holidays_that_end_stop_the_search_for_a_day():
    full = ContactPolicy(hours=[EVERY_DAY], caps=[ContactCap(count_max=1, days=400)], holidays=MAY)
    facts = snapshot(attempts=[attempt(at(date(2026, 4, 20), 9))])
    assert plan(facts, date(2026, 5, 2), ["email"], full).next_on is None


def test_a_plan_begins_where_the_pack_opens_within_the_day():
    chosen = plan(snapshot(), packs=[Curfew(at(FRIDAY, 15))])
    assert (chosen.earliest_at, chosen.latest_at) == (at(FRIDAY, 15), at(FRIDAY, 21))
    assert plan(snapshot(), channels=["email"], packs=[Curfew(at(SUNDAY, 15))]).next_on == SUNDAY


# --- policies that cannot stand ---


@pytest.mark.parametrize(
    "build",
    [
        lambda: ContactHours(weekdays=[], start=time(8), end=time(9)),
        lambda: ContactHours(weekdays=[7], start=time(8), end=time(9)),
        lambda: ContactHours(weekdays=[True], start=time(8), end=time(9)),
        lambda: ContactHours(weekdays=[0], start=time(9), end=time(8)),
        lambda: ContactHours(weekdays=[0], start=time(9, tzinfo=UTC), end=time(10, tzinfo=UTC)),
        lambda: ContactHours(weekdays=[0], start=time(9), end=time(9, 0, 0, 5)),
        lambda: ContactCap(count_max=-1, days=1),
        lambda: ContactCap(count_max=1, days=0),
        lambda: ContactCap(count_max=1.5, days=1),
        lambda: ContactPolicy(days_between_notices=-1),
        lambda: ContactPolicy(hours=[EVERY_DAY, ContactHours(weekdays=[2], start=time(20), end=time(22))]),
    ],
)
def test_a_policy_that_cannot_stand_is_refused(build):
    with pytest.raises(InvalidPolicy):
        build()
