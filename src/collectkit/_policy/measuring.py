"""How high a late fee is by the creditor's own terms: what it is measured on, its floor, its caps, and the words for it.

Nothing here asks the law or makes a charge. What earlier charges have used up of a cap is passed in, so that a fee of
another day can be measured as it was measured then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction

import attrs

from collectkit._policy.ledger import Ledger, Opening
from collectkit._policy.look import after
from collectkit._policy.terms import LateFeePolicy, Tier, amount_in
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.decisions import Reason
from collectkit.core.money import Money, rounded
from collectkit.core.rates import Rate
from collectkit.core.records import PlanAgreement, PlannedInstalment, Receivable

__all__ = ["Candidate", "Measured", "Occurrence", "Used", "first_fee_on", "measured_on", "notice_period", "schedule"]


@attrs.frozen(kw_only=True)
class Occurrence:
    """One time that a fee falls due: under which period, on which day, how late, for which tier of days."""

    period: str | int
    due_on: date
    """The day past which it is late, moved by grace where grace shifts it."""
    falls_on: date
    tier: Tier | None = None

    @property
    def days(self) -> int:
        """Return how many days past due it falls."""
        return (self.falls_on - self.due_on).days


@attrs.frozen(kw_only=True)
class Candidate:
    """An occurrence for one receivable, ready to be judged."""

    rank: int
    fee: LateFeePolicy
    receivable: Receivable
    what: str
    occurrence: Occurrence
    opening: Opening
    open_then: Money
    original: Money
    planned: tuple[PlanAgreement, PlannedInstalment] | None = None
    """The instalment of a running plan that it is, where it is not the receivable itself."""

    is_covered: bool = False
    """Another variant was charged for it: it counts towards the caps, where the law lowers fees, and is not charged."""

    @property
    def is_planned(self) -> bool:
        """Say whether it is an instalment of a running plan."""
        return self.planned is not None

    @property
    def order(self) -> tuple[date, date, str, int, str]:
        """Order of judgement; it does not depend on the order of the records."""
        return (
            self.occurrence.falls_on,
            self.receivable.due_on,
            self.receivable.receivable_id,
            self.rank,
            str(self.occurrence.period),
        )


@attrs.frozen(kw_only=True)
class Used:
    """What one earlier charge of a rule has used up of the rule's caps: on which receivable, in which years.

    A charge without a known receivable counts for every one.
    """

    receivable_id: str | None
    years: frozenset[int]
    amount: Money
    is_lowered: bool = False
    """The law took something off, and the cap is used up by what the fee would have been."""


@attrs.frozen(kw_only=True)
class Measured:
    """A fee by the creditor's terms with its reasons, or, where `refused` says why, none."""

    amount: Money
    reasons: tuple[Reason, ...] = ()
    refused: tuple[str, str] | None = None
    """Code and text of why there is none."""
    is_disputed: bool = False
    next_on: date | None = None
    """A day from which a cap leaves more."""


def measured_on(
    candidate: Candidate, on: date, *, ledger: Ledger, used: Iterable[Used], is_counted: bool = False
) -> Measured:
    """Measure a fee that is charged `on` a day and apply the creditor's own limits, after what was `used` of them.

    With `is_counted` its share of the caps is taken already: only what the amount itself depends on is looked at.
    """
    fee = candidate.fee
    base, share_of = _bases(candidate, on, ledger)
    if base.is_zero:
        return Measured(amount=base, refused=("policy.disputed", "nothing undisputed is open"), is_disputed=True)
    minimum = amount_in(fee.minimum_balance, base.currency)
    if minimum is not None and base < minimum:
        text = f"{base} is less than {minimum}, too little to charge for"
        return Measured(amount=base, refused=("policy.materiality", text))
    found = _measure(fee, share_of, candidate.occurrence)
    if found is None:
        return Measured(
            amount=base, refused=("policy.no_amount", f"has no amount in {base.currency}; nothing is converted")
        )
    amount, how = found
    if amount is None:
        return Measured(amount=Money.zero(base.currency), refused=("policy.zero", how))
    limits = _Limits(candidate, on, [_why(candidate, amount, how, on)])
    amount = limits.of_itself(amount, base, is_counted=is_counted)
    if not is_counted:
        amount = limits.of_all(amount, used)
    if not amount.is_positive:
        last = limits.reasons[-1]
        code = last.code if len(limits.reasons) > 1 and not is_counted else "policy.zero"
        return Measured(amount=amount, refused=(code, last.text), next_on=limits.next_on)
    return Measured(amount=amount, reasons=tuple(limits.reasons), next_on=limits.next_on)


def first_fee_on(fee: LateFeePolicy, due_on: date, calendar: BusinessCalendar = WEEKENDS_ONLY) -> date:
    """Return the first day on which a fee can fall due: the day past the grace.

    >>> fee = LateFeePolicy(id="late-fee", kind="flat", amounts={"EUR": "5.00"}, grace_days=3)
    >>> first_fee_on(fee, date(2026, 3, 12))
    datetime.date(2026, 3, 16)

    Raises:
        CalendarMissing: business days of grace reach past the days for which `calendar` knows the holidays.
    """
    if fee.grace_business_days is None:
        return after(due_on, fee.grace_days + 1)
    return after(calendar.add_business_days(due_on, fee.grace_business_days), 1)


def notice_period(key: str) -> str:
    """Name the period of a fee for one notice; a key inside a key would be long."""
    return f"notice-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def schedule(fee: LateFeePolicy, due_on: date, first_on: date) -> Iterator[Occurrence]:
    """Yield every time that a fee falls due for one item, in order of days; without end where periods have none."""
    if fee.once_per == "period":
        number = 1
        while (fee.times_max is None or number <= fee.times_max) and first_on < date.max:
            yield Occurrence(period=number, due_on=due_on, falls_on=fee.period_start(first_on, number))
            number += 1
    elif fee.tier_by == "days" and fee.once_per == "receivable":
        for tier in sorted(fee.tiers, key=lambda one: one.days_min or 0):
            falls_on = max(first_on, after(due_on, tier.days_min or 0))
            if tier.days_max is None or falls_on <= after(due_on, tier.days_max):
                yield Occurrence(period=f"d{tier.days_min}", due_on=due_on, falls_on=falls_on, tier=tier)
    else:
        yield Occurrence(period=1, due_on=due_on, falls_on=first_on)


# -- limits ----------------------------------------------------------------------------------------------------


class _Limits:
    """The creditor's limits on one fee, with a reason for each that it met."""

    def __init__(self, candidate: Candidate, on: date, reasons: list[Reason]) -> None:
        self.candidate = candidate
        self.fee = candidate.fee
        self.on = on
        self.reasons = reasons
        self.next_on: date | None = None

    def of_itself(self, amount: Money, open_then: Money, *, is_counted: bool) -> Money:
        """Apply floor, cap and what is open, in this order; a fee counted before has met its cap."""
        fee, currency = self.fee, amount.currency
        floor = amount_in(fee.fee_floor, currency)
        if floor is not None and amount < floor:
            amount = floor
            self._met("policy.fee_floor", f"raised to the floor of {floor}")
        cap = None if is_counted else amount_in(fee.fee_cap, currency)
        if cap is not None and amount > cap:
            amount = cap
            self._met("policy.fee_cap", f"limited to the cap of {cap}")
        if fee.never_above_open and amount > open_then:
            amount = open_then
            self._met("policy.above_open", f"limited to the {open_then} that is open")
        return amount

    def of_all(self, amount: Money, used: Iterable[Used]) -> Money:
        """Apply the caps over several charges: those on the receivable, and those of a year."""
        currency = amount.currency
        charged = [one for one in used if one.amount.currency == currency]
        item_cap = amount_in(self.fee.item_cap, currency)
        if item_cap is not None:
            names = (self.candidate.receivable.receivable_id, None)
            room = _left(item_cap, (one for one in charged if one.receivable_id in names))
            if amount > room:
                amount = room
                text = f"limited to the {room} left of {item_cap} for one receivable"
                self._met("policy.item_cap", text + _by_law(charged))
        yearly_cap = amount_in(self.fee.yearly_cap, currency)
        return amount if yearly_cap is None else self._of_year(amount, yearly_cap, charged)

    def _of_year(self, amount: Money, cap: Money, charged: list[Used]) -> Money:
        """Keep the sums of the year it fell due in and of the year it is charged in within the cap."""
        room = cap
        fell_in = self.candidate.occurrence.falls_on.year
        for year in {fell_in, self.on.year}:
            left = _left(cap, (one for one in charged if year in one.years))
            room = min(room, left)
            if year == self.on.year != fell_in and left < amount:
                self.next_on = date(year + 1, 1, 1)  # caught up across a year's end: the next one has room
        if amount > room:
            amount = room
            self._met("policy.yearly_cap", f"limited to the {room} left of {cap} for one year{_by_law(charged)}")
        return amount

    def _met(self, code: str, text: str) -> None:
        self.reasons.append(Reason(code=code, text=text, cite=self.fee.cite))


def _by_law(charged: Iterable[Used]) -> str:
    return ", a fee that the law lowered counting as it was before" if any(one.is_lowered for one in charged) else ""


def _left(cap: Money, charged: Iterable[Used]) -> Money:
    return Money(max(0, cap.minor - sum(one.amount.minor for one in charged)), cap.currency)


# -- the measure -----------------------------------------------------------------------------------------------


def _bases(candidate: Candidate, on: date, ledger: Ledger) -> tuple[Money, Money]:
    """Return what is open and undisputed, and what a share is taken of."""
    fee, base = candidate.fee, candidate.open_then
    is_disputed, part = ledger.disputed(candidate.receivable, on)
    left_out = part.minor if is_disputed and fee.disputes == "undisputed_part" else 0
    base = Money(max(0, base.minor - left_out), base.currency)
    if fee.base == "open":
        return base, base
    return base, Money(max(0, candidate.original.minor - left_out), base.currency)


def _why(candidate: Candidate, amount: Money, how: str, on: date) -> Reason:
    fee, occurrence = candidate.fee, candidate.occurrence
    grace = "" if not _grace(fee) else f", past {_grace(fee)}"
    day = "" if occurrence.falls_on == on else f" on {occurrence.falls_on}"
    text = (
        f"{fee.id} for {candidate.what}: {how} is {amount}; {_days(occurrence.days)} past due{day} "
        f"(due {occurrence.due_on}){grace}"
    )
    return Reason(code="policy.late_fee", text=text, cite=fee.cite)


def _measure(fee: LateFeePolicy, base: Money, occurrence: Occurrence) -> tuple[Money | None, str] | None:
    """Measure a fee on its base before limits, with the words for it; None where it has no amount in the currency.

    The amount is None where no tier stands: there is no fee then, and no floor to raise it to.
    """
    if fee.kind == "tiered":
        tier = occurrence.tier or _tier_of(fee, base, occurrence.days)
        if tier is None:
            return None, f"no tier for {base}, {_days(occurrence.days)} past due"
        return _measure_tier(fee, tier, base)
    flat = amount_in(fee.amounts, base.currency)
    if fee.kind == "flat":
        return None if flat is None else (flat, "a flat fee")
    share = _share(fee, fee.rate or Fraction(0), base)
    words = f"{Rate.of(fee.rate or Fraction(0))} of {base}"
    if fee.kind == "percent":
        return share, words
    if flat is None:
        return None
    if fee.kind == "greater_of":
        return max(share, flat), f"the greater of {flat} and {words}"
    return min(share, flat), f"the lesser of {flat} and {words}"


def _measure_tier(fee: LateFeePolicy, tier: Tier, base: Money) -> tuple[Money, str] | None:
    flat = amount_in(tier.amounts, base.currency)
    if tier.rate is None:
        return None if flat is None else (flat, f"tier {tier.name()}")
    if tier.amounts and flat is None:
        return None
    share = _share(fee, tier.rate, base)
    words = f"{Rate.of(tier.rate)} of {base} in tier {tier.name()}"
    return (share, words) if flat is None else (share + flat, f"{flat} and {words}")


def _tier_of(fee: LateFeePolicy, base: Money, days: int) -> Tier | None:
    for tier in fee.tiers:
        if tier.balance_min is not None:
            if tier.balance_min.currency == base.currency and tier.balance_min <= base:
                if tier.balance_below is None or base < tier.balance_below:
                    return tier
        elif (tier.days_min or 0) <= days and (tier.days_max is None or days <= tier.days_max):
            return tier
    return None


def _share(fee: LateFeePolicy, rate: Fraction, base: Money) -> Money:
    return Money(rounded(base.minor * rate, fee.rounding), base.currency)


def _grace(fee: LateFeePolicy) -> str:
    if fee.grace_business_days is not None:
        return f"{fee.grace_business_days} business days of grace"
    return f"{_days(fee.grace_days)} of grace" if fee.grace_days else ""


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
