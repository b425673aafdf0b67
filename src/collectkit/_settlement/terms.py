"""The values of a negotiation: limits and authorities, what is offered, what is proposed.

Nothing here builds an offer.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

import attrs

from collectkit.core.calendars import Every
from collectkit.core.checks import (
    as_tuple,
    each,
    identifier,
    instance_of,
    non_negative_int,
    optional,
    plain_date,
    positive_int,
)
from collectkit.core.decisions import Reason
from collectkit.core.errors import InvalidPolicy, InvalidTerms, Problem
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.reading import exact_of
from collectkit.plans import PaymentPlan

OfferKind: TypeAlias = Literal["pay_in_full", "split", "deferred", "long", "personalised", "settlement"]
"""`pay_in_full` within a few days; `split` into few equal parts without interest; `deferred`: nothing now, then equal
parts; `long`: the longest duration allowed, with interest where the limits name a rate; `personalised`: from what the
debtor can afford; `settlement`: less than is owed, at once."""

MONTHLY: Final = Every(1, "months")


def _share(value: str | int | Decimal | Fraction) -> Fraction:
    share = exact_of(value)
    if share is None or not 0 <= share < 1:
        text = "a discount is an exact share from 0 to below 1, such as '0.1' or '1/10'"
        raise InvalidPolicy([Problem(code="settlement.discount", path="discount_max", text=text)])
    return share


@attrs.frozen(kw_only=True)
class Authority:
    """How far one role may go: the ceilings of what it can grant without asking.

    Raises:
        InvalidPolicy: `settlement.discount` for a float, or a share that is not from 0 to below 1.
    """

    role: str = attrs.field(validator=identifier)
    instalments_max: int = attrs.field(validator=positive_int)
    days_max: int = attrs.field(validator=positive_int)
    """The last instalment falls due at most so many days after the agreement."""
    deferral_days_max: int = attrs.field(default=0, validator=non_negative_int)
    """The first instalment may wait so many days, where that is longer than the limits' `first_payment_days_max`."""
    discount_max: Fraction = attrs.field(default=Fraction(0), converter=_share)
    """The greatest share of the balance that may be given up; 0 for none."""

    def is_within(self, other: Authority) -> bool:
        """Say whether every ceiling lies at or below that of `other`."""
        return all(getattr(self, name) <= getattr(other, name) for name in _CEILINGS)


_CEILINGS: Final = ("instalments_max", "days_max", "deferral_days_max", "discount_max")


@attrs.frozen(kw_only=True)
class SettlementLimits:
    """What may be offered to the debtors of one segment.

    `authorities` go from the least to the greatest; a later one may grant at least what an earlier one may.
    `instalment_min` is the smallest instalment per currency, `first_payment_days_max` the latest first payment when
    nothing is deferred, `valid_days` how long an offer stands. `rate` is the yearly interest of a long plan, None for
    none. `completion_days` is the time to pay a settlement.

    Raises:
        InvalidPolicy: `settlement.authorities`, `settlement.narrower`.
    """

    authorities: tuple[Authority, ...] = attrs.field(converter=as_tuple, validator=each(Authority))
    instalment_min: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    first_payment_days_max: int = attrs.field(default=31, validator=positive_int)
    valid_days: int = attrs.field(default=14, validator=positive_int)
    completion_days: int = attrs.field(default=14, validator=positive_int)
    rate: Rate | None = None

    @authorities.validator
    def _check_authorities(self, attribute: attrs.Attribute[Any], value: tuple[Authority, ...]) -> None:
        problems = []
        if not value:
            problems.append(Problem(code="settlement.authorities", path=attribute.name, text="at least one is needed"))
        if len({one.role for one in value}) < len(value):
            problems.append(Problem(code="settlement.authorities", path=attribute.name, text="a role stands twice"))
        for place, (less, more) in enumerate(pairwise(value)):
            for name in _CEILINGS:
                if getattr(more, name) < getattr(less, name):
                    text = f"{more.role} stands above {less.role} and may grant less"
                    path = f"{attribute.name}[{place + 1}].{name}"
                    problems.append(Problem(code="settlement.narrower", path=path, text=text))
        if problems:
            raise InvalidPolicy(problems)

    def authority(self, role: str | None = None) -> Authority:
        """Return the ceilings of a role, by default of the least one.

        Raises:
            InvalidTerms: `settlement.unknown_role`.
        """
        if role is None:
            return self.authorities[0]
        found = next((one for one in self.authorities if one.role == role), None)
        if found is None:
            roles = ", ".join(one.role for one in self.authorities)
            raise InvalidTerms("settlement.unknown_role", f"no role {role!r} has limits here; choose from: {roles}")
        return found

    def is_within(self, other: SettlementLimits) -> bool:
        """Say whether nothing can be granted under these limits that `other` would refuse, role by role.

        >>> first_time = SettlementLimits(authorities=[Authority(role="collector", instalments_max=6, days_max=200)])
        >>> repeat = SettlementLimits(authorities=[Authority(role="collector", instalments_max=3, days_max=100)])
        >>> repeat.is_within(first_time), first_time.is_within(repeat)
        (True, False)
        """
        theirs = {one.role: one for one in other.authorities}
        floors = {one.currency: one for one in self.instalment_min}
        return (
            all(one.role in theirs and one.is_within(theirs[one.role]) for one in self.authorities)
            and all(floors.get(one.currency, Money.zero(one.currency)) >= one for one in other.instalment_min)
            and self.first_payment_days_max <= other.first_payment_days_max
            and self.completion_days <= other.completion_days
        )


@attrs.frozen(kw_only=True)
class SettlementOffer:
    """Close the account for less: `amount` paid by `pay_until_on` settles `balance`.

    `haircut_rate` is the share of the balance that is given up, not the share paid.
    """

    amount: Money
    balance: Money
    pay_until_on: date = attrs.field(validator=plain_date)

    @property
    def haircut_rate(self) -> Fraction:
        """Return the share given up."""
        return Fraction(self.balance.minor - self.amount.minor, self.balance.minor)


@attrs.frozen(kw_only=True)
class Offer:
    """One proposal that may be made now: a plan or a settlement, what it brings in, and why it is allowed.

    `recovered` is what the debtor pays in all, interest included.
    """

    offer_id: str
    kind: OfferKind
    recovered: Money
    first_on: date
    ends_on: date
    valid_until_on: date
    granted_by: str
    plan: PaymentPlan | None = None
    settlement: SettlementOffer | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def days(self) -> int:
        """Return how long the offer takes from its first to its last payment."""
        return (self.ends_on - self.first_on).days

    @property
    def largest_payment(self) -> Money:
        """Return the most that the debtor has to pay on any one day."""
        return self.recovered if self.plan is None else max(row.total for row in self.plan.schedule)

    def in_words(self) -> str:
        """Say the offer in one line; see `offers` for examples."""
        if self.settlement is not None:
            share = round(self.settlement.haircut_rate * 1000)
            return (
                f"{self.settlement.amount} by {self.ends_on} settles {self.settlement.balance} "
                f"({share // 10}.{share % 10} % given up)"
            )
        if self.plan is None or len(self.plan.schedule) == 1:
            return f"{self.recovered} in one payment by {self.ends_on}"
        rows = list(self.plan.schedule)
        amounts = [row.total for row in rows]
        regular = f"{len(rows)} instalments of {amounts[0]}"
        if any(amount != amounts[0] for amount in amounts):
            regular = f"{len(rows)} instalments, the first {amounts[0]} and the last {amounts[-1]},"
        cost = "" if self.plan.cost.is_zero else f", {self.plan.cost} interest in all"
        return f"{regular} from {self.first_on} to {self.ends_on}{cost}"


@attrs.frozen(kw_only=True)
class Proposal:
    """What the debtor proposes: equal parts from a first day, or one sum that shall settle everything."""

    instalments: int = attrs.field(default=1, validator=positive_int)
    first_on: date = attrs.field(validator=plain_date)
    every: Every = attrs.field(default=MONTHLY, validator=instance_of(Every))
    amount: Money | None = attrs.field(default=None, validator=optional(instance_of(Money)))
    """A sum below the balance that is to settle it; only with one instalment."""
