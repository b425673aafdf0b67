"""Charges and terms in plain words, in English; translations belong to `wording`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeVar

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.interest import InterestPolicy, RecoverySumPolicy
from collectkit._policy.returned import ReturnedPaymentPolicy
from collectkit._policy.terms import AppliesTo, LateFeePolicy, Tier
from collectkit.core.checks import require_int
from collectkit.core.decisions import Charge, Reversal
from collectkit.core.errors import InvalidRate
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import DayCount, Rate
from collectkit.core.rules import LumpSum, RateFloor, RulePack

__all__ = ["daily_percent", "describe", "explain"]

T = TypeVar("T")


def explain(charge: Charge | Reversal) -> str:
    """Say how a charge came about: base, rate, days, every limit that spoke, and the clause or law behind each.

    Of a `Reversal` it says what is taken back, and why.

    >>> from datetime import date
    >>> from collectkit.core.decisions import Reason
    >>> print(
    ...     explain(
    ...         Charge(
    ...             key="fee:A:R-1:late-fee:1",
    ...             rule="late-fee",
    ...             receivable_id="R-1",
    ...             component="fee",
    ...             amount=Money(4000, "EUR"),
    ...             charged_on=date(2026, 3, 1),
    ...             due_on=date(2026, 3, 1),
    ...             reasons=[
    ...                 Reason(code="policy.fee_cap", text="limited to the cap of 40.00 EUR", cite="contract 4.2")
    ...             ],
    ...         )
    ...     )
    ... )
    40.00 EUR fee (late-fee) on 2026-03-01
      limited to the cap of 40.00 EUR (contract 4.2)
    """
    if isinstance(charge, Reversal):
        head = f"{charge.amount} of {charge.receivable_id} is taken back"
    else:
        head = f"{charge.amount} {charge.component} ({charge.rule}) on {charge.charged_on}"
    return "\n".join([head, *(f"  {reason}" for reason in charge.reasons)])


def describe(policies: ChargePolicy) -> str:
    """Print all terms in plain words for the debtor, one paragraph for each rule, with every figure of the terms.

    Of a rule that a pack states the figures are those of its last change: the sums, the margin over the reference.

    >>> fee = LateFeePolicy(id="late-fee", kind="percent", rate="0.015", grace_days=5, fee_cap={"EUR": "40.00"})
    >>> print(describe(ChargePolicy(late_fees=[fee])))
    late-fee: 1.5 % of what is open is charged once for each receivable that is more than 5 days past due. It is never more than 40.00 EUR. No charge is made while a receivable is disputed.
    """
    lines = [_late_fee(fee) for fee in policies.late_fees]
    lines += [_interest(one) for one in policies.interest]
    lines += [_recovery_sum(one) for one in policies.recovery_sums]
    lines += [_returned(one) for one in policies.returned_payments]
    if policies.materiality:
        lines.append(f"Nothing is charged while less than {_amounts(policies.materiality, 'or')} is past due in all.")
    return "\n".join(lines)


def daily_percent(rate: Rate, *, days_in_year: int = 365, decimals: int = 3, rounding: Rounding = "half_up") -> Decimal:
    """Return the percentage of one day, rounded, as it is published beside a yearly rate: for display, not to charge by.

    `days_in_year` is the basis, 365 or 360 as a rule.

    >>> daily_percent(Rate.percent("8.05"))
    Decimal('0.022')

    Raises:
        InvalidRate: `rates.period` for a basis outside 1 to 366, `rates.precision` for decimals outside 0 to 20.
    """
    require_int(days_in_year, "days_in_year", at_least=1, at_most=366, code="rates.period", error=InvalidRate)
    require_int(decimals, "decimals", at_least=0, at_most=20, code="rates.precision", error=InvalidRate)
    scaled = rounded(rate.annual * 100 / days_in_year * 10**decimals, rounding)
    return Decimal((0, tuple(int(digit) for digit in str(scaled)), -decimals))  # exact, whatever the ambient context


# -- details ---------------------------------------------------------------------------------------------------


def _named(rule: str, to: AppliesTo) -> str:
    who = to.describe()
    return f"{rule} ({who})" if who else rule


def _late_fee(fee: LateFeePolicy) -> str:
    parts = [f"{_named(fee.id, fee.applies_to)}: {_measure(fee)} is charged {_how_often(fee)}{_from_when(fee)}."]
    limits = (
        ("It is never less than", fee.fee_floor, ""),
        ("It is never more than", fee.fee_cap, ""),
        ("For one receivable it is in all never more than", fee.item_cap, ""),
        ("In a calendar year it is in all never more than", fee.yearly_cap, ""),
        ("Nothing is charged while less than", fee.minimum_balance, " is open"),
    )
    parts += [f"{words} {_amounts(amounts, 'or')}{end}." for words, amounts, end in limits if amounts]
    if fee.disputes == "no_fee":
        parts.append("No charge is made while a receivable is disputed.")
    elif fee.disputes == "undisputed_part":
        parts.append("A disputed part is left out.")
    if fee.on_charges:
        parts.append("It is also charged on earlier charges.")
    parts += _due_in(fee.due_in_days)
    if fee.cite:
        parts.append(f"Basis: {fee.cite}.")
    return " ".join(parts)


_YEARS: Final[dict[DayCount, str]] = {
    "30/360-us": "A month counts 30 days and a year 360",
    "30/360-bond": "A month counts 30 days and a year 360",
    "30E/360": "A month counts 30 days and a year 360",
    "30E/360-isda": "A month counts 30 days and a year 360",
    "30/365": "A month counts 30 days and a year 365",
    "act/360": "A year counts 360 days",
    "act/364": "A year counts 364 days",
    "act/365f": "A year counts 365 days",
    "act/365.25": "A year counts 365.25 days",
    "act/act-isda": "A year counts its own days, 365 or 366",
    "act/act-icma": "Each period counts its own days as its part of the year",
    "act/act-afb": "A year back from the last day is whole, and the rest counts in days of 365 or 366",
}


def _interest(policy: InterestPolicy) -> str:
    terms = policy.terms
    parts = [
        f"{_named(policy.id, policy.applies_to)}: interest at {terms.describe()} on what is past due, for each day."
    ]
    if terms.floor is not None:
        parts.append(_legal_floor(*terms.floor))
    if policy.post_every_months is None:
        parts.append("It is charged when the receivable is settled.")
    else:
        parts.append(f"It is charged every {_count(policy.post_every_months, 'month').removeprefix('1 ')}.")
    convention, rests = list(terms.conventions())[-1]  # the latest, where a rule changed
    parts.append(f"{_YEARS[convention]} ({convention}).")
    if rests is not None:
        parts.append(f"Unpaid interest is added to the debt every {_count(rests, 'month').removeprefix('1 ')}.")
    if policy.grace_days and policy.grace_shifts_due:
        parts.append(f"It begins {_count(policy.grace_days, 'day')} later.")
    elif policy.grace_days:
        parts.append(f"None is charged up to {_count(policy.grace_days, 'day')} past due.")
    if policy.minimum_amount:
        parts.append(f"Less than {_amounts(policy.minimum_amount, 'or')} is not charged yet.")
    parts += _due_in(policy.due_in_days)
    if policy.disputes == "no_fee":
        parts.append("It is not charged while a receivable is disputed.")
    if policy.on_charges:
        parts.append("It is also charged on earlier charges.")
    parts.append(
        "One day's interest is rounded first." if policy.rounding_order == "daily_first" else "It is rounded once."
    )
    if policy.cite:
        parts.append(f"Basis: {policy.cite}.")
    return " ".join(parts)


def _legal_floor(pack: RulePack, rule_id: str) -> str:
    floor = _last_of(pack, rule_id, RateFloor)
    times = str(Rate.percent(floor.multiple)).removesuffix(" %")
    return f"The legal floor is {times} times the reference rate ({pack.series_of(floor.series).title})."


def _recovery_sum(policy: RecoverySumPolicy) -> str:
    rule = policy.pack.rule(policy.rule_id)
    name = _named(policy.id, policy.applies_to)
    late = "past due" if not policy.grace_days else f"more than {_count(policy.grace_days, 'day')} past due"
    parts = [f"{name}: a fixed sum for recovery cost, once for each receivable {late}."]
    parts.append(_by_size(_last_of(policy.pack, policy.rule_id, LumpSum)))
    parts.append(rule.text)
    if policy.disputes == "no_fee":
        parts.append("No charge is made while a receivable is disputed.")
    parts += _due_in(policy.due_in_days)
    parts.append(f"Basis: {policy.cite}.")
    return " ".join(parts)


def _by_size(sums: LumpSum) -> str:
    """Say the sums by size of the debt, such as 40 below 1,000, 70 from there and 100 from 10,000."""
    first, *others = sums.bands
    words = f"It is {first.amount}"
    if first.debt_min.is_positive:
        words += f" from a debt of {first.debt_min}"
    elif others:
        words += f" for a debt below {others[0].debt_min}"
    words += "".join(f", {band.amount} from {band.debt_min}" for band in others)
    return f"{words}; reasonable cost above it may be claimed too." if sums.excess_costs else f"{words}."


def _last_of(pack: RulePack, rule_id: str, kind: type[T]) -> T:
    """Return what a rule states since its last change; the terms have made sure that it states such a thing."""
    values = [point.value for point in pack.rule(rule_id).parameters.points]
    return next(value for value in reversed(values) if isinstance(value, kind))


def _returned(policy: ReturnedPaymentPolicy) -> str:
    name = _named(policy.id, policy.applies_to)
    parts = [f"{name}: {_amounts(policy.amounts, 'or')} is charged for each payment that is returned."]
    if policy.exclusive_with:
        parts.append(f"It is not charged where {' or '.join(policy.exclusive_with)} is charged for the same failure.")
    if policy.disputes == "no_fee":
        parts.append("No charge is made while a receivable is disputed.")
    parts += _due_in(policy.due_in_days)
    if policy.cite:
        parts.append(f"Basis: {policy.cite}.")
    return " ".join(parts)


def _due_in(days: int) -> list[str]:
    return [f"It is due {_count(days, 'day')} after it is charged."] if days else []


def _measure(fee: LateFeePolicy) -> str:
    base = "what is open" if fee.base == "open" else "the original amount"
    share = "" if fee.rate is None else f"{Rate.of(fee.rate)} of {base}"
    if fee.kind == "flat":
        return _amounts(fee.amounts, "or")
    if fee.kind == "percent":
        return share
    if fee.kind == "greater_of":
        return f"the greater of {share} and {_amounts(fee.amounts, 'or')}"
    if fee.kind == "lesser_of":
        return f"the lesser of {share} and {_amounts(fee.amounts, 'or')}"
    return "; ".join(_tier(tier, base) for tier in fee.tiers)


def _tier(tier: Tier, base: str) -> str:
    what = [_amounts(tier.amounts, "or")] if tier.amounts else []
    if tier.rate is not None:
        what.append(f"{Rate.of(tier.rate)} of {base}")
    if tier.balance_min is None:
        where = (
            f"from {tier.days_min} days" if tier.days_max is None else f"from {tier.days_min} to {tier.days_max} days"
        )
    elif tier.balance_below is None:
        where = f"from {tier.balance_min}"
    else:
        where = f"from {tier.balance_min} to below {tier.balance_below}"
    return f"{where}: {' and '.join(what)}"


def _how_often(fee: LateFeePolicy) -> str:
    if fee.once_per == "notice":
        which = f" {' or '.join(fee.notices)}" if fee.notices else ""
        return f"once for each notice{which} sent about a receivable"
    if fee.once_per == "instalment":
        return "once for each instalment"
    if fee.once_per == "period":
        length = (
            _count(fee.period_months, "month") if fee.period_months is not None else _count(fee.period_days or 1, "day")
        )
        limit = "" if fee.times_max is None else f", at most {_count(fee.times_max, 'time')}"
        return f"once every {length.removeprefix('1 ')}{limit}, for each receivable"
    return "once for each band of days of a receivable" if fee.tier_by == "days" else "once for each receivable"


def _from_when(fee: LateFeePolicy) -> str:
    if fee.grace_business_days is not None:
        grace = _count(fee.grace_business_days, "business day")
    elif fee.grace_days:
        grace = _count(fee.grace_days, "day")
    else:
        return " that is past due"
    if fee.grace_shifts_due:
        return f" that is past due, the due date being moved by {grace}"
    return f" that is more than {grace} past due"


def _amounts(amounts: Iterable[Money], word: str) -> str:
    return f" {word} ".join(str(one) for one in amounts)


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
