"""What may be charged for one late payment, as frozen records with their arithmetic, and checks for every primitive.

Fee limits, safe-harbour tiers and lump sums. Figures stand in packs; import from `core.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

import attrs

from collectkit.core.calendars import add_months
from collectkit.core.checks import as_tuple, each, instance_of
from collectkit.core.errors import InvalidPolicy, Problem
from collectkit.core.money import Money, rounded
from collectkit.core.rates import exact_number

__all__ = [
    "FeeLimit",
    "LumpSum",
    "LumpSumBand",
    "PenaltyTiers",
    "amount_in",
    "choice",
    "not_negative",
    "plus",
    "refuse",
    "whole",
]


@attrs.frozen(kw_only=True)
class FeeLimit:
    """The most that may be charged for one late payment, and from which day.

    The most is a share of the base, an amount, or the greater or lesser of both. `grace_days` is counted from the due
    date, which is day 1 where `due_day_counts`. Without `on_charges` no fee may arise from an unpaid fee.

    >>> cap = FeeLimit(rate="0.06", amounts=(Money(500, "USD"),), combine="greater_of", grace_days=10)
    >>> cap.limit(Money(5000, "USD")), cap.first_chargeable_on(date(2026, 3, 1))
    (Money(500, 'USD'), datetime.date(2026, 3, 12))
    """

    rate: Fraction | None = attrs.field(default=None, converter=attrs.converters.optional(exact_number))
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    floor: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    cap: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    combine: Literal["greater_of", "lesser_of"] = "lesser_of"
    base: Literal["instalment", "past_due"] = "past_due"
    grace_days: int = 0
    due_day_counts: bool = False
    on_charges: bool = False
    whole_units_up: bool = False
    """Official examples round the limit up to whole units, such as 36.75 to 37 dollars."""
    missed_cycles_min: int = 0
    """It is for payments missed in so many consecutive billing cycles or more; before that it says nothing."""

    def __attrs_post_init__(self) -> None:
        if self.rate is None and not self.amounts:
            refuse("rules.fee", "rate", "a fee limit needs a rate or amounts")
        if self.rate is not None and self.rate < 0:
            refuse("rules.fee", "rate", "must not be below zero")
        whole("rules.fee", "grace_days", self.grace_days)
        whole("rules.fee", "missed_cycles_min", self.missed_cycles_min)
        choice("combine", self.combine, ("lesser_of", "greater_of"))
        choice("base", self.base, ("instalment", "past_due"))
        for name in ("amounts", "floor", "cap"):
            not_negative("rules.fee", name, getattr(self, name))
        for low in self.floor:
            high = amount_in(self.cap, low.currency)
            if high is not None and high < low:
                refuse("rules.fee", "cap", f"{high} is below the floor of {low}")

    def limit(self, base: Money) -> Money | None:
        """Return the most for a base; None (unknown) where it is stated in other currencies only."""
        parts = []
        if self.rate is not None:
            parts.append(self._share(base))
        if self.amounts:
            flat = amount_in(self.amounts, base.currency)
            if flat is None:
                return None
            parts.append(flat)
        most = max(parts) if self.combine == "greater_of" else min(parts)
        for bound, pick in ((self.floor, max), (self.cap, min)):
            if bound:
                one = amount_in(bound, base.currency)
                if one is None:
                    return None
                most = pick(most, one)
        return most

    def _share(self, base: Money) -> Money:
        exact = base.minor * (self.rate or Fraction(0))
        if not self.whole_units_up:
            return Money(rounded(exact, "floor"), base.currency)
        unit = Money.of(1, base.currency).minor
        return Money(rounded(exact / unit, "ceiling") * unit, base.currency)

    def first_chargeable_on(self, due_on: date) -> date:
        """Return the first day on which a fee may be charged."""
        return plus(due_on, self.grace_days + (0 if self.due_day_counts else 1))

    def for_instalment(
        self,
        instalment: Money,
        *,
        due_on: date,
        received: Sequence[tuple[date, Money]] = (),
        agreed: Money | None = None,
    ) -> Money | None:
        """Return the most for one instalment, by what reached it before the first chargeable day; None if unknown.

        `received` are (day, amount) pairs applied to this very instalment. What is still owed on earlier fees does not
        count: an instalment that was full in time bears no fee, whatever became of an older fee (no pyramiding). A
        share is taken of what is past due, or of the instalment, as `base` says; `agreed` is the contract's own fee,
        which stands where it is lower.

        >>> cap = FeeLimit(rate="0.04", grace_days=15, due_day_counts=True)
        >>> due_on, usd = date(2026, 9, 1), Money(50_000, "USD")
        >>> in_time, late = [(date(2026, 9, 15), usd)], [(date(2026, 9, 16), usd)]
        >>> [str(cap.for_instalment(usd, due_on=due_on, received=paid)) for paid in (in_time, late)]
        ['0.00 USD', '20.00 USD']

        Raises:
            CurrencyMismatch: amounts of several currencies.
        """
        first_on = self.first_chargeable_on(due_on)
        left = instalment
        for on, amount in received:
            if on < first_on:
                left -= amount
        if not left.is_positive:
            return Money.zero(instalment.currency)
        most = self.limit(instalment if self.base == "instalment" else left)
        return most if most is None or agreed is None else min(most, agreed)


@attrs.frozen(kw_only=True)
class PenaltyTiers:
    """A safe-harbour fee, higher for a violation repeated within the next billing cycles.

    It is capped at the minimum payment that was due, not at its unpaid part.

    >>> tiers = PenaltyTiers(first=Money(2500, "USD"), repeat=Money(3500, "USD"), cycles=6)
    >>> tiers.most(minimum_payment=Money(6000, "USD"), cycle=(2026, 10), prior_cycles=[(2026, 3)])
    Money(2500, 'USD')
    """

    first: Money = attrs.field(validator=instance_of(Money))
    repeat: Money = attrs.field(validator=instance_of(Money))
    cycles: int = 6

    def __attrs_post_init__(self) -> None:
        whole("rules.fee", "cycles", self.cycles)
        if self.first.currency != self.repeat.currency:
            refuse("rules.fee", "repeat", "both tiers stand in one currency; an amount is never converted")
        not_negative("rules.fee", "first", (self.first, self.repeat))

    def most(
        self,
        *,
        minimum_payment: Money,
        cycle: tuple[int, int],
        prior_cycles: Iterable[tuple[int, int]],
        paid: Money | None = None,
    ) -> Money:
        """Return the most for a violation in a (year, month) cycle, given the cycles of earlier fees for the same.

        `paid` is what came of the minimum payment by its due date: all of it leaves nothing late and gives zero, a
        part lowers nothing.
        """
        if paid is not None and paid >= minimum_payment:
            return Money.zero(minimum_payment.currency)
        return min(self.tier(cycle=cycle, prior_cycles=prior_cycles), minimum_payment)

    def tier(self, *, cycle: tuple[int, int], prior_cycles: Iterable[tuple[int, int]]) -> Money:
        """Return the tier before the cap: the repeat amount in the cycle of an earlier fee and the `cycles` after it."""
        place = cycle[0] * 12 + cycle[1]
        gaps = [place - (year * 12 + month) for year, month in prior_cycles]
        return self.repeat if any(0 <= gap <= self.cycles for gap in gaps) else self.first

    def repeat_cycles(self, prior: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """List the cycles after an earlier fee in which the repeat amount may be charged."""
        days = (add_months(date(prior[0], prior[1], 1), step) for step in range(1, self.cycles + 1))
        return tuple((day.year, day.month) for day in days)

    def one_event_options(
        self,
        *,
        cycle: tuple[int, int],
        prior_late_cycles: Iterable[tuple[int, int]] = (),
        prior_returned_cycles: Iterable[tuple[int, int]] = (),
    ) -> tuple[Money, Money]:
        """Return the late fee and the returned-payment fee of which one, never both, may be charged for one event.

        A payment that is returned and so leaves a minimum payment unpaid is one event (comment 52(b)(2)(ii)-1). Each
        fee is repeated only where one of its own kind came before.

        >>> tiers = PenaltyTiers(first=Money(2500, "USD"), repeat=Money(3500, "USD"))
        >>> late, returned = tiers.one_event_options(cycle=(2026, 8), prior_late_cycles=[(2026, 7)])
        >>> str(late), str(returned)
        ('35.00 USD', '25.00 USD')
        """
        return (
            self.tier(cycle=cycle, prior_cycles=prior_late_cycles),
            self.tier(cycle=cycle, prior_cycles=prior_returned_cycles),
        )


@attrs.frozen(kw_only=True)
class LumpSumBand:
    """From a debt of `debt_min` on the fixed sum is `amount`."""

    debt_min: Money = attrs.field(validator=instance_of(Money))
    amount: Money = attrs.field(validator=instance_of(Money))


@attrs.frozen(kw_only=True)
class LumpSum:
    """A fixed sum for recovery cost, by size of the debt, once for each receivable.

    >>> LumpSum(bands=[LumpSumBand(debt_min=Money(0, "EUR"), amount=Money(4000, "EUR"))]).of(Money(1, "GBP")) is None
    True
    """

    bands: tuple[LumpSumBand, ...] = attrs.field(converter=as_tuple, validator=each(LumpSumBand))
    excess_costs: bool = False
    """Reasonable cost above the sum may be claimed too."""

    def __attrs_post_init__(self) -> None:
        if not self.bands:
            refuse("rules.lump_sum", "bands", "one band or more is needed")
        if len({money.currency for band in self.bands for money in (band.debt_min, band.amount)}) != 1:
            refuse("rules.lump_sum", "bands", "bands and sums stand in one currency; a lump sum is never converted")
        if any(later.debt_min <= earlier.debt_min for earlier, later in pairwise(self.bands)):
            refuse("rules.lump_sum", "bands", "bands must ascend, one for a size")
        not_negative("rules.lump_sum", "bands", [band.amount for band in self.bands])

    def of(self, debt: Money) -> Money | None:
        """Return the sum for a debt; None (unknown) for a debt in another currency, zero below the first band."""
        if debt.currency != self.bands[0].amount.currency:
            return None
        amount = Money.zero(debt.currency)
        for band in self.bands:
            if debt >= band.debt_min:
                amount = band.amount
        return amount


# -- details, shared with the other primitives -------------------------------------------------------------------

_LAST_DAY: Final = date.max.toordinal()


def amount_in(amounts: tuple[Money, ...], currency: str) -> Money | None:
    return next((one for one in amounts if one.currency == currency), None)


def plus(day: date, count: int) -> date:
    return date.fromordinal(min(day.toordinal() + count, _LAST_DAY))


def whole(code: str, path: str, value: object, *, at_least: int = 0) -> None:
    if type(value) is not int or value < at_least:
        refuse(code, path, f"a whole number of {at_least} or more is needed")


def not_negative(code: str, path: str, amounts: Iterable[Money]) -> None:
    if any(one.is_negative for one in amounts):
        refuse(code, path, "an amount must not be below zero")


def refuse(code: str, path: str, text: str) -> None:
    raise InvalidPolicy([Problem(code=code, path=path, text=text)])


def choice(name: str, value: object, choices: Iterable[str]) -> None:
    known = tuple(choices)
    if value not in known:
        raise InvalidPolicy(
            [Problem(code="rules.choice", path=name, text="not one of the choices", value=str(value), choices=known)]
        )
