"""The strategy as a value: everything that is decided with, named, versioned and hashed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from collectkit._strategy.packs import check_packs
from collectkit.contact import ContactPolicy
from collectkit.core.aging import STANDARD as STANDARD_BUCKETS
from collectkit.core.aging import BucketScheme
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import as_tuple, each, identifier, non_negative_int, text_up_to
from collectkit.core.codec import content_hash
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.guards import bounds_on
from collectkit.core.money import Money
from collectkit.core.records import Channel
from collectkit.core.rules import RulePack
from collectkit.core.waterfall import DEFAULT_ORDER, Order
from collectkit.escalation import Holds, Ladder
from collectkit.policy import ChargePolicy, IncentivePolicy
from collectkit.promises import PromiseLimits
from collectkit.segments import STANDARD, Segmentation
from collectkit.settlement import SettlementLimits

__all__ = ["Aftercare", "Strategy"]


def _ladder_pairs(pairs: Mapping[str, Ladder] | Iterable[tuple[str, Ladder]]) -> tuple[tuple[str, Ladder], ...]:
    return tuple(pairs.items() if isinstance(pairs, Mapping) else pairs)


def _limit_pairs(
    pairs: Mapping[str, SettlementLimits] | Iterable[tuple[str, SettlementLimits]],
) -> tuple[tuple[str, SettlementLimits], ...]:
    return tuple(pairs.items() if isinstance(pairs, Mapping) else pairs)


def _canonical(value: object) -> bytes:
    """Write a value down in one form, whatever the order of its sets."""
    return json.dumps(_tree(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _tree(value: object) -> object:
    kind: Any = type(value)
    if attrs.has(kind):
        # a strategy that is being made has no hash yet
        known = {one.name: _tree(getattr(value, one.name)) for one in attrs.fields(kind) if one.name != "hash"}
        return {"": kind.__name__, **known}
    if isinstance(value, (tuple, list)):
        return [_tree(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(json.dumps(_tree(one), sort_keys=True) for one in value)
    if isinstance(value, Mapping):
        return sorted([str(name), _tree(one)] for name, one in value.items())
    return value if value is None or isinstance(value, (bool, int)) else str(value)


@attrs.frozen(kw_only=True)
class Aftercare:
    """What follows a promise, a plan or a cure: thanks, and tasks for a person when a word was broken."""

    thanks: str | None = None
    thanks_channels: tuple[Channel, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Channel))
    broken_promise_task: str | None = None
    broken_plan_task: str | None = None
    missed_instalment_task: str | None = None
    unreachable_task: str | None = None


@attrs.frozen(kw_only=True)
class Strategy:
    """A named, versioned bundle of segments, ladders, charges, limits, contact rules and packs.

    `ladders` holds one full ladder per segment that differs; every other segment climbs `ladder`. `hash` is the
    SHA-256 of all its values: the same content gives the same hash, whether read from a file or made in Python.
    """

    name: str = attrs.field(validator=identifier)
    version: str = attrs.field(validator=text_up_to(64))
    segmentation: Segmentation = attrs.field(factory=Segmentation)
    ladder: Ladder = attrs.field(factory=Ladder)
    ladders: tuple[tuple[str, Ladder], ...] = attrs.field(default=(), converter=_ladder_pairs)
    charges: ChargePolicy = attrs.field(factory=ChargePolicy)
    incentives: IncentivePolicy = attrs.field(factory=IncentivePolicy)
    contact: ContactPolicy = attrs.field(factory=ContactPolicy)
    promises: PromiseLimits = attrs.field(factory=PromiseLimits)
    promise_tolerance_days: int = attrs.field(default=0, validator=non_negative_int)
    clearing_days: int = attrs.field(default=0, validator=non_negative_int)
    """Days that money may be on its way after a promise fell due, before the promise counts as broken."""
    settlement: tuple[tuple[str, SettlementLimits], ...] = attrs.field(default=(), converter=_limit_pairs)
    """Limits of offers per segment; those under `standard` serve every segment without its own."""
    aftercare: Aftercare = attrs.field(factory=Aftercare)
    materiality: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    """Arrears below this are not chased, per currency; what is charged has its own gate, `charges.materiality`."""
    writing_materiality: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    """Arrears below this are not written about, per currency; tasks and commands go on."""
    buckets: BucketScheme = STANDARD_BUCKETS
    order: Order = DEFAULT_ORDER
    calendar: BusinessCalendar = WEEKENDS_ONLY
    packs: tuple[RulePack, ...] = attrs.field(default=(), converter=as_tuple, validator=each(RulePack))
    """Rule packs that can lower, put off or stop a charge; none is active by default. They must not contradict."""
    hash: str = attrs.field(
        init=False, default=attrs.Factory(lambda self: content_hash(_canonical(self)), takes_self=True)
    )

    @packs.validator
    def _check_packs(self, _attribute: attrs.Attribute[Any], packs: tuple[RulePack, ...]) -> None:
        problems = check_packs(packs)
        if problems:
            raise InvalidPolicy(problems)

    @ladders.validator
    def _check_ladders(self, _attribute: attrs.Attribute[Any], ladders: tuple[tuple[str, Ladder], ...]) -> None:
        unknown = [segment for segment, _ in ladders if segment not in self.segmentation.ids]
        if unknown:
            text = "a ladder for a segment that does not exist"
            problems = [
                Problem(
                    code="strategy.unknown_segment", path="ladders", text=text, value=one, choices=self.segmentation.ids
                )
                for one in unknown
            ]
            raise InvalidPolicy(problems)

    def ladder_of(self, segment: str) -> Ladder:
        """Return the full ladder that accounts of a segment climb."""
        return dict(self.ladders).get(segment, self.ladder)

    def limits_of(self, segment: str) -> SettlementLimits | None:
        """Return the limits of offers for a segment, or None where nothing may be offered."""
        limits = dict(self.settlement)
        return limits.get(segment, limits.get(STANDARD))

    def asks_for(self, fact: str) -> bool:
        """Say whether any segment or stage tests a number fact, such as `score`, which not every host supplies."""
        guards = [rule.when for rule in self.segmentation.rules]
        for _, ladder in self.all_ladders():
            guards += [need.guard for rule in ladder for need in rule.needs if isinstance(need, Holds)]
        return any(True for guard in guards for _ in bounds_on(guard, fact))

    def all_ladders(self) -> Iterator[tuple[str, Ladder]]:
        """Yield every segment with its ladder."""
        for segment in self.segmentation.ids:
            yield segment, self.ladder_of(segment)
