"""Laws of the ladder: waiting never lowers a stage, nothing required is skipped, and the day of the look plays no part."""

from __future__ import annotations

import re
from itertools import pairwise

import attrs
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.errors import InvalidPolicy
from collectkit.core.guards import AmountAtLeast, AtLeast, judge
from collectkit.core.money import Money
from collectkit.core.records import Approval
from collectkit.escalation import (
    CURRENT,
    GRACE,
    Approved,
    Delivered,
    DueIn,
    Holds,
    Ladder,
    Need,
    PastDue,
    StageRule,
    Step,
    stage_of,
    steps_due,
)
from ladder_world import Claim, World, facts_of, notice, on, rank, standing_on

LAST = 60

GUARDS = st.one_of(  # what time can only make true
    st.integers(1, 40).map(lambda days: AtLeast(fact="days_past_due", bound=days)),
    st.integers(1, 3).map(lambda count: AtLeast(fact="past_due_count", bound=count)),
    st.integers(1, 4).map(lambda hundreds: AmountAtLeast(fact="arrears", bounds=[Money(hundreds * 10_000, "EUR")])),
)


@st.composite
def steps(draw: st.DrawFn, stage: str, most_days: int) -> list[Step]:
    found = []
    for number in range(draw(st.integers(0, 2))):
        action = draw(st.sampled_from(["notice", "notice", "task", "command"]))
        times = draw(st.integers(1, 3)) if action != "command" else 1
        found.append(
            Step(
                id=f"{stage}-{number}",
                day=draw(st.integers(0, most_days)),
                action=action,
                what="restrict-service" if action == "command" else f"{stage}-{number}",
                channels=["email"] if action == "notice" else (),
                every_days=draw(st.integers(1, 6)) if times > 1 else None,
                times=times,
            )
        )
    return found


@st.composite
def ladders(draw: st.DrawFn, *, guards: bool = True) -> Ladder:
    stages: list[StageRule] = []
    sent: list[str] = []
    starts = sorted(draw(st.sets(st.integers(-6, 35).filter(bool), min_size=1, max_size=5)))
    for number, start in enumerate(starts):
        stage = f"s{number}"
        done = draw(steps(stage, max(0, -start) if start < 0 else 8))
        needs: list[Need] = []
        if start > 0:
            kinds = ["approval", *(["guard"] if guards else []), *(["notice"] if sent else [])]
            for kind in draw(st.lists(st.sampled_from(kinds), max_size=2, unique=True)):
                if kind == "notice":
                    needs.append(Delivered(notice=draw(st.sampled_from(sent)), days_ago=draw(st.integers(0, 10))))
                elif kind == "guard":
                    needs.append(Holds(guard=draw(GUARDS)))
                else:
                    needs.append(Approved(authority="boss"))
        after = DueIn(days=-start) if start < 0 else PastDue(days=start)
        stages.append(StageRule(id=stage, after=after, needs=needs, steps=done))
        sent += [step.what for step in done if step.action == "notice"]
    return mended(stages)


def mended(stages: list[StageRule]) -> Ladder:
    """Strike out what a ladder refuses: steps and needs at the paths that its error names."""
    while True:
        try:
            return Ladder(stages=stages)
        except InvalidPolicy as error:
            place, kind, number = re.match(r"\[(\d+)\]\.(\w+)\[(\d+)\]", error.problems[0].path).groups()  # type: ignore[union-attr]
            rule = stages[int(place)]
            kept = [one for at, one in enumerate(getattr(rule, kind)) if at != int(number)]
            stages[int(place)] = attrs.evolve(rule, **{kind: kept})


CLAIMS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 300)), min_size=1, max_size=4).map(
    lambda found: tuple(Claim(f"I{place}", due, minor * 100) for place, (due, minor) in enumerate(found))
)


@st.composite
def approvals(draw: st.DrawFn, ladder: Ladder) -> tuple[Approval, ...]:
    found = []
    for rule in ladder:
        for _ in range(draw(st.integers(0, 2))):
            first = draw(st.integers(0, 60))
            length = draw(st.none() | st.integers(1, 20))
            found.append(
                Approval(
                    subject=rule.id,
                    authority="boss",
                    granted_by="someone",
                    granted_on=on(first),
                    until_on=None if length is None else on(first + length),
                )
            )
    return tuple(found)


@st.composite
def worlds(draw: st.DrawFn, *, guards: bool = True) -> World:
    ladder = draw(ladders(guards=guards))
    delays = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    return World(
        ladder=ladder,
        claims=draw(CLAIMS),
        approvals=draw(approvals(ladder)),
        delay=lambda number: delays[number % len(delays)],
    )


def again(world: World) -> World:
    return World(ladder=world.ladder, claims=world.claims, approvals=world.approvals, delay=world.delay)


# -- an independent way to find the stage: walk every day ----------------------------------------------------------


def held_since(world: World, rule: StageRule, day: int) -> int:
    """The first of the days up to today on which all guards of the rung held without a break; tomorrow if not today."""
    guards = [need.guard for need in rule.needs if isinstance(need, Holds)]
    since = day + 1
    while since > -10 and all(judge(guard, facts_of(world.claims, since - 1)) for guard in guards):
        since -= 1
    return since


def reached_on(world: World, rule: StageRule, claim: Claim, day: int, holding: int) -> int | None:
    """The first day up to `day` on which everything the rung asks for was so; guards must still hold today."""
    snapshot = world.known(day)
    for then in range(holding, day + 1):
        if isinstance(rule.after, DueIn):
            here = claim.due - rule.after.days <= then and claim.due >= day
        else:
            here = then - claim.due >= (rule.after.days or 0)
        for need in rule.needs:
            match need:
                case Delivered(notice=what, days_ago=days):
                    here &= any(
                        one.notice == what
                        and claim.ref in one.receivable_ids
                        and one.delivered_on is not None
                        and (on(then) - one.delivered_on).days >= days
                        for one in snapshot.notices
                    )
                case Approved():
                    here &= any(
                        one.subject == rule.id and one.is_valid(on(then), cycle=0) for one in snapshot.approvals
                    )
                case Holds(guard=guard):
                    here &= all(
                        bool(judge(guard, facts_of(world.claims, later))) for later in range(max(then, 0), day + 1)
                    )
        if here:
            return then
    return None


def stage_by_walking(world: World, day: int) -> tuple[str, int | None]:
    best: tuple[str, int | None] = (CURRENT, None)
    if any(claim.due < day for claim in world.claims):
        best = (GRACE, None)
    for rule in world.ladder:
        if rule.is_pre_due and best[0] == GRACE:
            continue
        holding = held_since(world, rule, day)
        claims = [claim for claim in world.claims if claim.due >= day or not rule.is_pre_due]
        days = [reached_on(world, rule, claim, day, holding) for claim in claims]
        found = [one for one in days if one is not None]
        if found:
            best = (rule.id, min(found))
    return best


# -- the laws ------------------------------------------------------------------------------------------------------


@given(world=worlds(), data=st.data())
def test_the_stage_is_the_furthest_that_a_walk_over_all_days_finds(world: World, data: st.DataObject) -> None:
    day = data.draw(st.integers(0, LAST))
    world.live_daily(data.draw(st.integers(0, day)), day)
    snapshot = world.known(day)
    found = stage_of(
        ladder=world.ladder,
        items=[claim.item(day) for claim in world.claims],
        facts=facts_of(world.claims, day),
        snapshot=snapshot,
    )
    stage, since = stage_by_walking(world, day)
    assert found.stage == stage
    assert found.since_on == (None if since is None else on(since))


@given(world=worlds())
def test_looking_daily_is_looking_only_on_the_days_that_were_named(world: World) -> None:
    daily, rarely = again(world), again(world)
    daily.live_daily(-10, LAST)
    rarely.live_by_review(-10, LAST)
    assert rarely.log == daily.log
    last = CURRENT
    for day in range(-10, LAST + 1):
        last = rarely.stages.get(day, last)
        assert daily.stages[day] == last


@given(world=worlds())
def test_waiting_never_lowers_a_stage(world: World) -> None:
    world.live_daily(-10, LAST)
    ranks = [rank(world.ladder, world.stages[day]) for day in range(-10, LAST + 1)]
    assert ranks == sorted(ranks)


LOOKS = st.sets(st.integers(-10, LAST), min_size=1, max_size=30)


@given(world=worlds(), looks=LOOKS)
def test_no_required_notice_or_wait_is_skipped_however_long_nobody_looked(world: World, looks: set[int]) -> None:
    for day in sorted(looks):
        world.look(day)
        for name in (one for taken in world.log if taken.day == day for one in taken.covers):
            taken = world.log[-1]
            rule = world.ladder.stage(taken.stage)
            assert rule is not None
            for need in rule.needs:
                if isinstance(need, Delivered):
                    assert any(
                        one.notice == need.notice
                        and name in one.receivable_ids
                        and one.delivered_on is not None
                        and (on(day) - one.delivered_on).days >= need.days_ago
                        for one in world.known(day).notices
                    )
                if isinstance(need, Approved):
                    assert any(
                        one.subject == rule.id and one.is_valid(on(day), cycle=0) for one in world.known(day).approvals
                    )


@given(world=worlds(), looks=LOOKS)
def test_no_step_is_taken_early_twice_or_more_often_than_written(world: World, looks: set[int]) -> None:
    for day in sorted(looks):
        world.look(day)
        world.look(day + 100)  # a wild look ahead changes no answer for the claims: it only takes what is due by then
    for rule in world.ladder:
        for step in rule.steps:
            for claim in world.claims:
                taken = [
                    one for one in world.log if (one.stage, one.step) == (rule.id, step.id) and claim.ref in one.covers
                ]
                if step.action == "notice":
                    assert len(taken) <= step.times
                for one in taken:
                    assert one.late_days == max(0, one.day - one.planned) >= 0
                    assert one.day >= one.planned


@st.composite
def plain_ladders(draw: st.DrawFn) -> Ladder:
    starts = sorted(draw(st.sets(st.integers(1, 40), min_size=1, max_size=5)))
    waits = draw(st.booleans())
    stages = []
    for place, start in enumerate(starts):
        mail = Step(id="mail", what=f"n{place}", channels=["email"])
        needs = [Delivered(notice=f"n{place - 1}", days_ago=draw(st.integers(0, 9)))] if waits and place else []
        stages.append(StageRule(id=f"s{place}", after=PastDue(days=start), needs=needs, steps=[mail]))
    return Ladder(stages=stages)


@given(ladder=plain_ladders(), claims=CLAIMS, looks=LOOKS)
def test_a_missed_day_is_never_a_missed_notice_and_every_claim_gets_each_once_in_order(
    ladder: Ladder, claims: tuple[Claim, ...], looks: set[int]
) -> None:
    world = World(ladder=ladder, claims=claims)
    for day in sorted(looks):
        world.look(day)
    world.live_daily(LAST + 1, LAST + 100)
    for claim in claims:
        stages = [one.stage for one in world.log if claim.ref in one.covers]
        assert stages == [rule.id for rule in ladder]


@given(world=worlds(), data=st.data())
def test_the_order_of_claims_and_facts_plays_no_part(world: World, data: st.DataObject) -> None:
    day = data.draw(st.integers(0, LAST))
    world.live_daily(0, day)
    snapshot = world.known(day)
    items = [claim.item(day) for claim in world.claims]
    facts = facts_of(world.claims, day)
    shuffled = attrs.evolve(
        snapshot,
        notices=data.draw(st.permutations(snapshot.notices)),
        approvals=data.draw(st.permutations(snapshot.approvals)),
    )
    one = stage_of(ladder=world.ladder, items=items, facts=facts, snapshot=snapshot)
    other = stage_of(ladder=world.ladder, items=data.draw(st.permutations(items)), facts=facts, snapshot=shuffled)
    assert one == other
    assert steps_due(standing=one, snapshot=snapshot) == steps_due(standing=other, snapshot=shuffled)


@given(world=worlds(), data=st.data())
def test_paying_never_raises_the_stage(world: World, data: st.DataObject) -> None:
    day = data.draw(st.integers(0, LAST))
    world.live_daily(0, day)
    left = []
    for claim in world.claims:
        paid = data.draw(st.integers(0, claim.minor))
        if paid < claim.minor:
            left.append(attrs.evolve(claim, minor=claim.minor - paid))
    snapshot = world.known(day)

    def stage(claims: list[Claim] | tuple[Claim, ...]) -> str:
        items = [claim.item(day) for claim in claims]
        return stage_of(ladder=world.ladder, items=items, facts=facts_of(claims, day), snapshot=snapshot).stage

    assert rank(world.ladder, stage(left)) <= rank(world.ladder, stage(world.claims))


@given(day=st.integers(0, LAST), due=st.integers(0, LAST), ladder=ladders())
def test_a_claim_due_today_is_not_past_due(day: int, due: int, ladder: Ladder) -> None:
    standing = standing_on(day, ladder, [Claim("I", due)])
    rule = ladder.stage(standing.stage)
    is_past_due = standing.stage == GRACE or (rule is not None and not rule.is_pre_due)
    assert is_past_due == (day > due)


@given(times=st.integers(1, 4), every=st.integers(1, 9), looks=LOOKS)
def test_repeats_keep_their_distance_also_when_they_are_caught_up(times: int, every: int, looks: set[int]) -> None:
    mail = Step(id="mail", what="mail", channels=["email"], every_days=every, times=times)
    world = World(
        ladder=Ladder(stages=[StageRule(id="reminder", after=PastDue(days=3), steps=[mail])]), claims=(Claim("I", 0),)
    )
    for day in sorted(looks):
        world.look(day)
    days = [one.day for one in world.log]
    assert all(later - earlier >= every for earlier, later in pairwise(days))
    world.live_daily(LAST + 1, LAST + 40)
    assert len(world.log) == times


def test_the_world_sees_a_step_taken_twice() -> None:
    world = World(ladder=Ladder(), claims=())
    mail = Step(id="mail", what="mail", channels=["email"])
    rules = Ladder(stages=[StageRule(id="reminder", after=PastDue(days=1), steps=[mail])])
    standing = standing_on(5, rules, [Claim("I", 0)])
    planned = steps_due(standing=standing, snapshot=world.known(5)).steps[0]
    world._take(planned, 5)
    try:
        world._take(planned, 6)
    except ValueError:
        return
    raise AssertionError("a key was used twice and nobody noticed")


def test_the_walk_and_the_ladder_agree_on_a_case_read_by_a_person() -> None:
    """Due on day 0, reminded on day 5, heard of on day 7, ten days to wait: final demand on day 17, not on day 14."""
    rules = Ladder(
        stages=[
            StageRule(
                id="reminder", after=PastDue(days=5), steps=[Step(id="friendly", what="friendly", channels=["email"])]
            ),
            StageRule(id="final", after=PastDue(days=14), needs=[Delivered(notice="friendly", days_ago=10)]),
        ]
    )
    sent = notice("friendly", 5, "I", reported_delivered_on=on(7))
    assert standing_on(16, rules, [Claim("I", 0)], notices=[sent]).stage == "reminder"
    final = standing_on(17, rules, [Claim("I", 0)], notices=[sent])
    assert (final.stage, final.since_on) == ("final", on(17))
