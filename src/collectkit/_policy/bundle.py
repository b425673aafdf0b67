"""The rules that an account is charged by, together: which variant applies, and that none ties with another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import combinations
from typing import Literal, TypeAlias, TypeVar

import attrs

from collectkit._policy.coverage import Coverage, lacking_in, packs_of
from collectkit._policy.interest import InterestPolicy, RecoverySumPolicy
from collectkit._policy.rate_terms import AGREED
from collectkit._policy.returned import ReturnedPaymentPolicy
from collectkit._policy.terms import AppliesTo, LateFeePolicy, amounts_of, check_amounts
from collectkit.core.checks import as_tuple, each, instance_of, one_of, optional
from collectkit.core.money import Money
from collectkit.core.reading import Problems
from collectkit.core.records import Receivable
from collectkit.core.rules import RulePack

__all__ = ["ChargePolicy", "ChargeRule", "Placed", "note_ties"]

ChargeRule: TypeAlias = LateFeePolicy | InterestPolicy | RecoverySumPolicy | ReturnedPaymentPolicy
R = TypeVar("R", LateFeePolicy, InterestPolicy, RecoverySumPolicy)


@attrs.frozen(kw_only=True)
class ChargePolicy:
    """Everything that a creditor charges for paying late.

    Rules with one id are variants of one another, for different segments, kinds of receivable or currencies: the one
    that names most of them wins. Two that could apply to one receivable and name equally many are refused, and so is
    one id for rules of different kinds.

    With `covering` it checks itself for the days it is to serve, so that a rate series that ends too early is found now
    and not on the first day after it; `readiness_on` asks the same for one day. Charging itself does not look at it.

    >>> ChargePolicy(late_fees=[LateFeePolicy(id="fee", kind="flat", amounts={"EUR": "5.00"})]).ids
    ('fee',)

    Raises:
        InvalidPolicy: `policy.tie`, naming both variants; `policy.invalid`; for `covering` also `policy.no_rate`,
            `policy.no_sum`, `policy.pack_stale`, `policy.unknown_jurisdiction`, `policy.zone`, `policy.choice`,
            `policy.missing`, and what `rules.compose` says of packs that contradict one another. All in one error.
    """

    late_fees: tuple[LateFeePolicy, ...] = attrs.field(default=(), converter=as_tuple, validator=each(LateFeePolicy))
    interest: tuple[InterestPolicy, ...] = attrs.field(default=(), converter=as_tuple, validator=each(InterestPolicy))
    recovery_sums: tuple[RecoverySumPolicy, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(RecoverySumPolicy)
    )

    returned_payments: tuple[ReturnedPaymentPolicy, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(ReturnedPaymentPolicy)
    )
    materiality: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    """While less than this is past due on an account, in a currency, charges in it wait."""
    party: Literal["first_party", "agency"] | None = attrs.field(
        default=None, validator=optional(one_of(("first_party", "agency")))
    )
    """Who charges: the creditor, or who collects for it. A rule that is for one of them blocks while nobody said."""
    covering: Coverage | None = attrs.field(default=None, validator=optional(instance_of(Coverage)))

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        placed: list[Placed] = []
        for name in ("late_fees", "interest", "recovery_sums", "returned_payments"):
            rules: tuple[ChargeRule, ...] = getattr(self, name)
            placed += [
                Placed(path=f"{name}[{number}]", id=rule.id, group=name, applies_to=rule.applies_to)
                for number, rule in enumerate(rules)
            ]
        note_ties(placed, problems)
        check_amounts("materiality", self.materiality, problems)
        if self.covering is not None:
            problems.found += lacking_in(self.covering, interest=self.interest, recovery_sums=self.recovery_sums)
        problems.raise_if_any()

    @property
    def rules(self) -> tuple[ChargeRule, ...]:
        """Return every rule, late fees first."""
        return (*self.late_fees, *self.interest, *self.recovery_sums, *self.returned_payments)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the rules, each once, in order."""
        return tuple(dict.fromkeys(rule.id for rule in self.rules))

    @cached_property
    def packs(self) -> tuple[RulePack, ...]:
        """Return the packs that the rules themselves name, each once; terms that parties agreed stand in none."""
        named = packs_of(self.interest, self.recovery_sums)
        lawful = {pack.label: pack for pack in named if any(rule.topic != AGREED for rule in pack.rules)}
        return tuple(lawful.values())

    def late_fees_for(self, receivable: Receivable, *, segment: str) -> Iterator[LateFeePolicy]:
        """Yield for each fee its most specific variant for a receivable; charges are not charged unless a rule says so."""
        return _most_specific(
            (fee for fee in self.late_fees if fee.on_charges or not receivable.is_charge), receivable, segment
        )

    def interest_for(self, receivable: Receivable, *, segment: str) -> Iterator[InterestPolicy]:
        """Yield for each interest rule its most specific variant for a receivable."""
        return _most_specific(
            (one for one in self.interest if one.on_charges or not receivable.is_charge), receivable, segment
        )

    def recovery_sums_for(self, receivable: Receivable, *, segment: str) -> Iterator[RecoverySumPolicy]:
        """Yield for each recovery sum its most specific variant for a receivable, never for a charge."""
        return _most_specific((one for one in self.recovery_sums if not receivable.is_charge), receivable, segment)


@attrs.frozen(kw_only=True)
class Placed:
    """Where a rule stands, what it is called, of which group it is, and to what it applies."""

    path: str
    id: str
    group: str
    applies_to: AppliesTo


def note_ties(placed: Iterable[Placed], problems: Problems) -> None:
    """Note rules of which nobody could say which one applies: two of one id that tie, or are of different kinds."""
    for one, other in combinations(placed, 2):
        if one.id != other.id:
            continue
        if one.group != other.group:
            problems.note(other.path, f"has the id of {one.path}, which is another kind of rule", value=other.id)
        elif one.applies_to.specificity == other.applies_to.specificity and one.applies_to.overlaps(other.applies_to):
            problems.note(
                other.path,
                f"ties with {one.path}, which also applies to {other.applies_to.describe() or 'everything'}; "
                "name a segment, kind or currency more in one of them",
                reason="tie",
                value=other.id,
            )


def _most_specific(rules: Iterable[R], receivable: Receivable, segment: str) -> Iterator[R]:
    best: dict[str, R] = {}
    for rule in rules:
        to = rule.applies_to
        if not to.matches(segment=segment, kind=receivable.kind, currency=receivable.amount_original.currency):
            continue
        if rule.id not in best or to.specificity > best[rule.id].applies_to.specificity:
            best[rule.id] = rule
    yield from best.values()
