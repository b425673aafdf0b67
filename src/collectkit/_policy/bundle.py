"""The rules that an account is charged by, together: which variant applies, and that none ties with another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import attrs

from collectkit._policy.terms import LateFeePolicy
from collectkit.core.checks import tuple_of
from collectkit.core.reading import Problems
from collectkit.core.records import Receivable

__all__ = ["ChargePolicy"]


@attrs.frozen(kw_only=True)
class ChargePolicy:
    """Everything that a creditor charges for paying late.

    Rules with one id are variants of one another, for different segments, kinds of receivable or currencies: the one
    that names most of them wins. Two that could apply to one receivable and name equally many are refused.

    >>> ChargePolicy(late_fees=[LateFeePolicy(id="fee", kind="flat", amounts={"EUR": "5.00"})]).ids
    ('fee',)

    Raises:
        InvalidPolicy: `policy.tie`, naming both variants.
    """

    late_fees: tuple[LateFeePolicy, ...] = attrs.field(default=(), converter=tuple_of(LateFeePolicy))

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        for (left, one), (right, other) in combinations(enumerate(self.late_fees), 2):
            if one.id != other.id or one.applies_to.specificity != other.applies_to.specificity:
                continue
            if one.applies_to.overlaps(other.applies_to):
                problems.note(
                    f"late_fees[{right}]",
                    f"ties with late_fees[{left}], which also applies to {other.applies_to.describe() or 'everything'}; "
                    "name a segment, kind or currency more in one of them",
                    reason="tie",
                    value=other.id,
                )
        problems.raise_if_any()

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the rules, each once, in order."""
        return tuple(dict.fromkeys(fee.id for fee in self.late_fees))

    def late_fees_for(self, receivable: Receivable, *, segment: str) -> Iterator[LateFeePolicy]:
        """Yield for each rule its most specific variant for a receivable; charges are not charged unless a rule says so."""
        best: dict[str, LateFeePolicy] = {}
        for fee in self.late_fees:
            if receivable.is_charge and not fee.on_charges:
                continue
            if not fee.applies_to.matches(
                segment=segment, kind=receivable.kind, currency=receivable.amount_original.currency
            ):
                continue
            if fee.id not in best or fee.applies_to.specificity > best[fee.id].applies_to.specificity:
                best[fee.id] = fee
        yield from best.values()
