"""Offers within limits: what a collector may put on the table at once, and how a counter-proposal is answered.

Every offer lies inside the limits of the debtor's segment and inside what the asker has the authority to grant. A
repeat debtor's limits can only be narrower by what the creditor wrote down, never by the mood of the call. A refusal
names every limit that was broken and the nearest offer that breaks none. Nothing here posts, books or forgives:
forgiveness in a settlement counts on completion, as a fact of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

import attrs

from collectkit.core.calendars import Every
from collectkit.core.checks import as_tuple, each, identifier, non_negative_int, plain_date, positive_int
from collectkit.core.decisions import Declined, Reason
from collectkit.core.errors import CollectkitError, InvalidPolicy, InvalidTerms, Problem
from collectkit.core.events import semantic_key
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.plans import (
    PaymentPlan,
    PersonalisedPlan,
    amortised_plan,
    deferred_plan,
    equal_split_plan,
    personalised_plan,
)

__all__ = [
    "Authority",
    "Counter",
    "Offer",
    "OfferKind",
    "Proposal",
    "SettlementLimits",
    "SettlementOffer",
    "answer",
    "offers",
]

OfferKind: TypeAlias = Literal["pay_in_full", "split", "deferred", "long", "personalised", "settlement"]
"""`pay_in_full` within a few days; `split` into few equal parts without interest; `deferred`: nothing now, then equal
parts; `long`: the longest duration allowed, with interest where the limits name a rate; `personalised`: from what the
debtor can afford; `settlement`: less than is owed, at once."""


MONTHLY: Final = Every(1, "months")


@attrs.frozen(kw_only=True)
class Authority:
    """How far one role may go: the ceilings of what it can grant without asking."""

    role: str = attrs.field(validator=identifier)
    instalments_max: int = attrs.field(validator=positive_int)
    days_max: int = attrs.field(validator=positive_int)
    """The last instalment falls due at most so many days after the agreement."""
    deferral_days_max: int = attrs.field(default=0, validator=non_negative_int)
    discount_max: Fraction = attrs.field(default=Fraction(0), converter=Fraction)
    """The greatest share of the balance that may be given up; 0 for none."""

    @discount_max.validator
    def _check_discount(self, attribute: attrs.Attribute[Any], value: Fraction) -> None:
        if not 0 <= value < 1:
            text = "a discount is a share from 0 to below 1"
            raise InvalidPolicy([Problem(code="settlement.discount", path=attribute.name, text=text, value=str(value))])


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
        for place, (less, more) in enumerate(pairwise(value)):
            for name in ("instalments_max", "days_max", "deferral_days_max", "discount_max"):
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

    def in_words(self) -> str:
        """Say the offer in one line.

        >>> one = offers(account_id="A", balance=Money(90000, "EUR"), covers=("I-1",), on=date(2026, 3, 2), limits=_DOC)
        >>> [offer.in_words() for offer in one][:2]
        ['900.00 EUR in one payment by 2026-03-16', '3 instalments of 300.00 EUR from 2026-04-02 to 2026-06-02']
        """
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
    every: Every = MONTHLY
    amount: Money | None = attrs.field(default=None)
    """A sum below the balance that is to settle it; only with one instalment."""


@attrs.frozen(kw_only=True)
class Counter:
    """A refused proposal with every reason and the nearest offer that could be accepted, if there is one."""

    declined: Declined
    nearest: Offer | None = None

    def __bool__(self) -> bool:
        return False


def offers(
    *,
    account_id: str,
    balance: Money,
    covers: Sequence[str],
    on: date,
    limits: SettlementLimits,
    role: str | None = None,
    affordable: Money | None = None,
    paydays_from: date | None = None,
) -> tuple[Offer, ...]:
    """List the proposals that may be made on `on`, the one that recovers soonest first.

    There are at least two different ones whenever the balance allows two (a balance under two minimum instalments
    can only be paid in full). `affordable` is what the debtor can pay per month, from `paydays_from` on. A settlement
    comes last: it is the only one that gives something up.

    Raises:
        InvalidTerms: `settlement.nothing_owed`, `settlement.unknown_role`.
    """
    if balance.minor <= 0:
        raise InvalidTerms("settlement.nothing_owed", "nothing is owed, so there is nothing to offer")
    authority = limits.authority(role)
    maker = _Maker(account_id, balance, tuple(covers), on, limits, authority)
    found = [
        maker.in_full(),
        maker.split(min(3, authority.instalments_max)),
        maker.deferred(),
        maker.long(),
        maker.personalised(affordable, paydays_from),
        maker.settlement(),
    ]
    distinct: dict[tuple[object, ...], Offer] = {}
    for offer in found:
        if offer is not None:
            distinct.setdefault((offer.first_on, offer.ends_on, offer.recovered, offer.settlement is None), offer)
    return tuple(distinct.values())


def answer(
    *,
    proposal: Proposal,
    account_id: str,
    balance: Money,
    covers: Sequence[str],
    on: date,
    limits: SettlementLimits,
    role: str | None = None,
) -> Offer | Counter:
    """Accept a counter-proposal as an offer, or refuse it with every broken limit and the nearest acceptable offer.

    >>> told = answer(
    ...     proposal=Proposal(instalments=24, first_on=date(2026, 4, 1)),
    ...     account_id="A",
    ...     balance=Money(90000, "EUR"),
    ...     covers=("I-1",),
    ...     on=date(2026, 3, 2),
    ...     limits=_DOC,
    ... )
    >>> str(told.declined).split("; ")[0]
    '24 instalments are over the limit of 6 for collector'
    >>> told.nearest.in_words()
    '6 instalments of 150.00 EUR from 2026-04-01 to 2026-09-01'
    """
    authority = limits.authority(role)
    maker = _Maker(account_id, balance, tuple(covers), on, limits, authority)
    reasons = list(maker.against(proposal))
    if not reasons:
        offer = maker.from_proposal(proposal)
        if isinstance(offer, Offer):
            return offer
        reasons.append(offer)
    return Counter(declined=Declined(reasons=reasons), nearest=maker.nearest(proposal))


# -- details ---------------------------------------------------------------------------------------------------


@attrs.frozen
class _Maker:
    """Builds offers for one balance under one authority; None where a kind does not fit the limits."""

    account_id: str
    balance: Money
    covers: tuple[str, ...]
    on: date
    limits: SettlementLimits
    authority: Authority

    def in_full(self) -> Offer:
        until_on = self.on + timedelta(days=min(self.limits.completion_days, self.authority.days_max))
        return Offer(
            offer_id=self._id("pay_in_full", until_on),
            kind="pay_in_full",
            recovered=self.balance,
            first_on=until_on,
            ends_on=until_on,
            valid_until_on=self._valid_until_on(),
            granted_by=self.authority.role,
            reasons=(_reason("full", "payment in full needs no leave"),),
        )

    def split(self, count: int, first_on: date | None = None, every: Every | None = None) -> Offer | None:
        rhythm = every or MONTHLY
        first_on = first_on or self._first_on()
        count = self._fitting(count, first_on, rhythm)
        if count < 2:
            return None
        plan = _built(
            lambda: equal_split_plan(
                plan_id=self._id(f"split-{count}", first_on),
                principal=self.balance,
                instalments=count,
                start_on=self.on,
                first_due_on=first_on,
                every=rhythm,
                account_id=self.account_id,
                covers=self.covers,
                agreed_on=self.on,
            )
        )
        return self._offer("split", plan, f"{count} of at most {self.authority.instalments_max} instalments")

    def deferred(self) -> Offer | None:
        days = self.authority.deferral_days_max
        if days <= 0:
            return None
        starts_on = self.on + timedelta(days=days)
        count = self._fitting(3, starts_on, MONTHLY)
        if count < 1:
            return None
        plan = _built(
            lambda: deferred_plan(
                plan_id=self._id("deferred", starts_on),
                principal=self.balance,
                instalments=count,
                start_on=self.on,
                first_due_on=starts_on,
                grace=0,
                account_id=self.account_id,
                covers=self.covers,
                agreed_on=self.on,
            )
        )
        return self._offer("deferred", plan, f"nothing for {days} days, the longest deferral allowed")

    def long(self) -> Offer | None:
        first_on = self._first_on()
        count = self._fitting(self.authority.instalments_max, first_on, MONTHLY)
        rate = self.limits.rate
        if rate is None or count < 2:
            return self._renamed(self.split(count, first_on)) if count >= 2 else None
        plan = _built(
            lambda: amortised_plan(
                plan_id=self._id(f"long-{count}", first_on),
                principal=self.balance,
                rate=rate,
                instalments=count,
                start_on=self.on,
                first_due_on=first_on,
                account_id=self.account_id,
                covers=self.covers,
                agreed_on=self.on,
            )
        )
        return self._offer("long", plan, f"{count} instalments, the longest duration allowed, at {rate} a year")

    def personalised(self, affordable: Money | None, first_on: date | None) -> Offer | None:
        if affordable is None or affordable.minor <= 0 or affordable.currency != self.balance.currency:
            return None
        built = _built(
            lambda: personalised_plan(
                plan_id=self._id("personalised", self.on),
                principal=self.balance,
                affordable=affordable,
                start_on=self.on,
                first_due_on=first_on or self._first_on(),
                max_instalments=self.authority.instalments_max,
                end_by=self.on + timedelta(days=self.authority.days_max),
                account_id=self.account_id,
                covers=self.covers,
                agreed_on=self.on,
            )
        )
        if not isinstance(built, PersonalisedPlan):
            return None
        return self._offer("personalised", built.plan, f"{affordable} a month is what the debtor can afford")

    def settlement(self) -> Offer | None:
        share = self.authority.discount_max
        if share <= 0:
            return None
        given_up = self.balance.times(share, rounding="down")
        return self._settlement_for(self.balance - given_up)

    def against(self, proposal: Proposal) -> Iterator[Reason]:
        role = self.authority.role
        if proposal.first_on < self.on:
            yield _reason("past", f"the first payment on {proposal.first_on} lies before {self.on}")
        if proposal.amount is not None:
            yield from self._against_settlement(proposal)
            return
        if proposal.instalments > self.authority.instalments_max:
            limit = self.authority.instalments_max
            yield _reason("too_many", f"{proposal.instalments} instalments are over the limit of {limit} for {role}")
        last_first_on = self._last_first_on()
        if proposal.first_on > last_first_on:
            yield _reason("too_late", f"the first payment on {proposal.first_on} is later than {last_first_on}")
        ends_on = proposal.every.date(anchor=proposal.first_on, number=proposal.instalments - 1)
        ends_limit = self.on + timedelta(days=self.authority.days_max)
        if ends_on > ends_limit:
            yield _reason("too_long", f"the last payment on {ends_on} is later than {ends_limit}, the limit for {role}")
        floor = self._instalment_min()
        part = self.balance.split(proposal.instalments)[-1]
        if floor is not None and part < floor and proposal.instalments > 1:
            yield _reason("too_small", f"instalments of {part} are below the least of {floor}")

    def _against_settlement(self, proposal: Proposal) -> Iterator[Reason]:
        amount = proposal.amount
        if amount is None:
            return
        least = self.balance - self.balance.times(self.authority.discount_max, rounding="down")
        if amount.currency != self.balance.currency:
            yield _reason("currency", f"{amount} cannot settle a balance in {self.balance.currency}")
        elif amount < least:
            yield _reason("discount", f"{amount} is less than {least}, the least that {self.authority.role} may accept")
        until_on = self.on + timedelta(days=self.limits.completion_days)
        if proposal.instalments != 1:
            yield _reason("settlement_parts", "a sum that settles for less is paid in one payment")
        if proposal.first_on > until_on:
            yield _reason("too_late", f"a settlement is paid by {until_on}, not on {proposal.first_on}")

    def from_proposal(self, proposal: Proposal) -> Offer | Reason:
        if proposal.amount is not None:
            if proposal.amount >= self.balance:
                return self.in_full()
            return self._settlement_for(proposal.amount, proposal.first_on)
        if proposal.instalments == 1:
            return attrs.evolve(self.in_full(), first_on=proposal.first_on, ends_on=proposal.first_on)
        offer = self.split(proposal.instalments, proposal.first_on, proposal.every)
        return offer or _reason("too_small", "the balance is too small to be divided so often")

    def nearest(self, proposal: Proposal) -> Offer | None:
        """Move every figure of a proposal to the nearest one that is allowed."""
        if proposal.amount is not None:
            return self.settlement() or self.in_full()
        first_on = min(max(proposal.first_on, self.on), self._last_first_on())
        count = min(proposal.instalments, self.authority.instalments_max)
        return self.split(count, first_on, proposal.every) or self.in_full()

    def _settlement_for(self, amount: Money, until_on: date | None = None) -> Offer:
        until_on = until_on or self.on + timedelta(days=self.limits.completion_days)
        terms = SettlementOffer(amount=amount, balance=self.balance, pay_until_on=until_on)
        return Offer(
            offer_id=self._id(f"settlement-{amount.minor}", until_on),
            kind="settlement",
            recovered=amount,
            first_on=until_on,
            ends_on=until_on,
            valid_until_on=self._valid_until_on(),
            granted_by=self.authority.role,
            settlement=terms,
            reasons=(
                _reason("discount", f"{self.balance - amount} given up, within what {self.authority.role} may grant"),
            ),
        )

    def _offer(self, kind: OfferKind, plan: PaymentPlan | PersonalisedPlan | None, why: str) -> Offer | None:
        if not isinstance(plan, PaymentPlan):
            return None
        rows = list(plan.schedule)
        if (rows[-1].due_on - self.on).days > self.authority.days_max or len(rows) > self.authority.instalments_max:
            return None
        return Offer(
            offer_id=plan.plan_id,
            kind=kind,
            recovered=plan.total,
            first_on=rows[0].due_on,
            ends_on=rows[-1].due_on,
            valid_until_on=self._valid_until_on(),
            granted_by=self.authority.role,
            plan=plan,
            reasons=(_reason(kind, why),),
        )

    def _renamed(self, offer: Offer | None) -> Offer | None:
        return None if offer is None else attrs.evolve(offer, kind="long")

    def _fitting(self, wanted: int, first_on: date, every: Every) -> int:
        """Return the most instalments up to `wanted` that end in time and are not too small."""
        count = min(wanted, self.authority.instalments_max)
        floor = self._instalment_min()
        if floor is not None and floor.minor > 0:
            count = min(count, self.balance.minor // floor.minor)
        count = min(count, self.balance.minor)  # no instalment of nothing
        ends_limit = self.on + timedelta(days=self.authority.days_max)
        while count > 1 and every.date(anchor=first_on, number=count - 1) > ends_limit:
            count -= 1
        return count

    def _instalment_min(self) -> Money | None:
        return next((one for one in self.limits.instalment_min if one.currency == self.balance.currency), None)

    def _first_on(self) -> date:
        return min(MONTHLY.date(anchor=self.on, number=1), self._last_first_on())

    def _last_first_on(self) -> date:
        return self.on + timedelta(days=max(self.limits.first_payment_days_max, self.authority.deferral_days_max))

    def _valid_until_on(self) -> date:
        return self.on + timedelta(days=self.limits.valid_days)

    def _id(self, kind: str, day: date) -> str:
        return semantic_key("offer", self.account_id, self.on.isoformat(), kind, day.isoformat())


def _built(build: Any) -> PaymentPlan | PersonalisedPlan | None:
    """Build a plan, or None where its terms cannot stand for this balance: then there is no such offer."""
    try:
        result = build()
    except CollectkitError:
        return None
    return result if isinstance(result, (PaymentPlan, PersonalisedPlan)) else None


def _reason(code: str, text: str) -> Reason:
    return Reason(code=f"settlement.{code}", text=text)


_DOC = SettlementLimits(  # the limits of the examples above
    authorities=(
        Authority(role="collector", instalments_max=6, days_max=200, deferral_days_max=30),
        Authority(
            role="supervisor", instalments_max=12, days_max=400, deferral_days_max=60, discount_max=Fraction(1, 10)
        ),
    ),
    instalment_min=(Money(2000, "EUR"),),
)
