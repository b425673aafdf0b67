"""What may be charged for paying late: late fees, their tiers, to whom they apply, and the bundle that is decided with.

Records only; when a charge falls due is `due`, what is given for paying early is `incentives`. Every problem of a
record is found when it is made, all of them in one `InvalidPolicy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, Literal, get_args

import attrs

from collectkit.core.calendars import add_months
from collectkit.core.checks import as_tuple, each, instance_of, require_int, texts
from collectkit.core.errors import InvalidDate, InvalidPolicy, Problem
from collectkit.core.money import ISO_4217_EXPONENTS, Money, Rounding
from collectkit.core.rates import exact_number
from collectkit.core.reading import Problems
from collectkit.core.records import Component, Receivable

__all__ = [
    "EVERYTHING",
    "WHOLE_DISPUTES",
    "AppliesTo",
    "DisputeRule",
    "FeeAnchor",
    "FeeBase",
    "FeeKind",
    "LateFeePolicy",
    "OncePer",
    "Tier",
    "TierBy",
    "amount_in",
    "amounts_of",
    "falls_due_on",
]

FeeKind = Literal["flat", "percent", "greater_of", "lesser_of", "tiered"]
"""How a fee is measured: an amount, a share of the balance, the greater or the lesser of both, or by tiers."""

OncePer = Literal["receivable", "instalment", "period", "notice"]
"""What a fee is charged once for: a receivable (or a tier of days of it), an instalment of a running plan, a period
of lateness, or a notice that was sent."""

FeeBase = Literal["open", "original"]
"""What a share is taken of: what was open on the day the fee fell due, or the original amount."""

FeeAnchor = Literal["due_on", "issued_on"]
"""The day a charge is counted from: the due date of a receivable, or the day it was issued."""

TierBy = Literal["days", "balance"]

DisputeRule = Literal["no_fee", "undisputed_part", "ignore"]
"""What a dispute does: no fee while it runs, a fee on the undisputed part, or nothing."""

WHOLE_DISPUTES: Final = ("no_fee", "ignore")
"""What a dispute can do where nothing is charged on a part."""

MAX_GRACE_DAYS: Final = 3650
_ROUNDINGS: Final = get_args(Rounding)


def amounts_of(values: Money | Mapping[str, str] | Iterable[Money]) -> tuple[Money, ...]:
    """Copy amounts, at most one per currency, sorted by it; `{"EUR": "40.00"}` is read as text.

    >>> amounts_of({"USD": "5", "EUR": "4.50"})
    (Money(450, 'EUR'), Money(500, 'USD'))

    Raises:
        InvalidPolicy: `policy.invalid` where a currency stands twice or something is no money.
    """
    if isinstance(values, Money):
        values = (values,)
    elif isinstance(values, Mapping):
        values = [Money.of(figure, currency) for currency, figure in values.items()]
    amounts = tuple(values) if isinstance(values, Iterable) else (values,)
    if not all(isinstance(one, Money) for one in amounts):
        raise InvalidPolicy([Problem(code="policy.invalid", path="", text="amounts are Money, one per currency")])
    if len({one.currency for one in amounts}) < len(amounts):
        raise InvalidPolicy(
            [Problem(code="policy.invalid", path="", text="one currency stands twice; keep one amount")]
        )
    return tuple(sorted(amounts, key=lambda one: one.currency))


def amount_in(amounts: tuple[Money, ...], currency: str) -> Money | None:
    """Return the amount of one currency, or None: nothing is ever converted."""
    return next((one for one in amounts if one.currency == currency), None)


def _rate(value: object) -> Fraction | None:
    return None if value is None else exact_number(value, "the rate of a fee")


# -- to whom ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AppliesTo:
    """To which segments, kinds of receivable and currencies a rule applies; an empty list means all of them.

    >>> AppliesTo(segments=("chronic",)).matches(segment="new", kind="invoice", currency="EUR")
    False

    Raises:
        InvalidPolicy: `policy.choice` for what is no currency.
    """

    segments: tuple[str, ...] = attrs.field(default=(), converter=texts)
    kinds: tuple[str, ...] = attrs.field(default=(), converter=texts)
    currencies: tuple[str, ...] = attrs.field(default=(), converter=texts)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        for number, name in enumerate(self.currencies):
            if name not in ISO_4217_EXPONENTS:
                near = get_close_matches(name.upper(), ISO_4217_EXPONENTS, n=1)
                text = f"no active ISO 4217 currency; did you mean {near[0]}?" if near else "no ISO 4217 currency"
                problems.note(f"currencies[{number}]", text, reason="choice", value=name)
        problems.raise_if_any()

    def matches(self, *, segment: str, kind: str, currency: str) -> bool:
        """Say whether the rule applies to a receivable of that kind and currency in that segment."""
        pairs = ((self.segments, segment), (self.kinds, kind), (self.currencies, currency))
        return all(not names or value in names for names, value in pairs)

    @property
    def specificity(self) -> int:
        """Return how many of segment, kind and currency are named; the most specific rule wins."""
        return sum(bool(names) for names in (self.segments, self.kinds, self.currencies))

    def overlaps(self, other: AppliesTo) -> bool:
        """Say whether some receivable is meant by both."""
        pairs = (
            (self.segments, other.segments),
            (self.kinds, other.kinds),
            (self.currencies, other.currencies),
        )
        return all(not mine or not theirs or not set(mine).isdisjoint(theirs) for mine, theirs in pairs)

    def describe(self) -> str:
        """Say it in words; empty where it means everything."""
        parts = []
        if self.segments:
            parts.append(f"segment {' or '.join(self.segments)}")
        if self.kinds:
            parts.append(f"{' or '.join(self.kinds)}")
        if self.currencies:
            parts.append(f"{' or '.join(self.currencies)}")
        return ", ".join(parts)


EVERYTHING: Final = AppliesTo()
"""Every segment, kind and currency."""


# -- late fees -------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Tier:
    """One band of a tiered fee: by days past due (both ends included), or by balance (`balance_below` excluded).

    It carries a flat amount per currency, a share of the base, or both (which then add up).
    """

    days_min: int | None = None
    days_max: int | None = None
    balance_min: Money | None = None
    balance_below: Money | None = None
    rate: Fraction | None = attrs.field(default=None, converter=_rate)
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)

    def name(self) -> str:
        """Name the band, such as `1..30` or `EUR 0.00..100.00`."""
        if self.balance_min is not None:
            below = "" if self.balance_below is None else self.balance_below.plain()
            return f"{self.balance_min.currency} {self.balance_min.plain()}..{below}"
        return f"{self.days_min}..{'' if self.days_max is None else self.days_max}"


@attrs.frozen(kw_only=True)
class LateFeePolicy:
    """A charge for paying late: how much, from when, how often, and within which limits.

    - Grace is a gate: the fee falls due on the first day *past* `grace_days` (or `grace_business_days`) after the due
      date. With `grace_shifts_due` the due date itself moves, so that tiers of days count from the moved date.
    - `once_per` "receivable" charges once (once per tier where tiers go by days), "instalment" once per missed
      instalment of a running plan, "period" every `period_days` or `period_months` from the first day it is due,
      at most `times_max` times, "notice" once for each notice of `notices` (all, if none is named) that was sent.
    - A share is taken of what was `open` on the day the fee fell due, or of the `original` amount, and rounded once.
    - Order of limits: `fee_floor`, `fee_cap`, what is open (`never_above_open`), `item_cap` over all charges of the
      rule on one receivable, `yearly_cap` over those on the account in a calendar year. Below `minimum_balance`
      nothing is charged. A currency that an amount lacks is never converted: the charge is skipped with a reason.
    - Charges are never charged on a charge unless `on_charges` is set.
    - Rules with one `id` are variants: the most specific `applies_to` wins, a tie is refused by `ChargePolicy`.

    >>> LateFeePolicy(id="late-fee", kind="percent", rate="0.015", fee_cap={"EUR": "40.00"}).fee_cap
    (Money(4000, 'EUR'),)

    Raises:
        InvalidPolicy: `policy.overlap`, `policy.gap`, `policy.invalid`, `policy.missing`; all problems in one error.
    """

    id: str
    kind: FeeKind
    component: Component = attrs.field(default=Component.FEE, converter=Component)
    rate: Fraction | None = attrs.field(default=None, converter=_rate)
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    tiers: tuple[Tier, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Tier))
    tier_gaps: Literal["refuse", "none"] = "refuse"
    """"none": no fee where no tier stands; otherwise a gap is refused."""
    grace_days: int = 0
    grace_business_days: int | None = None
    grace_shifts_due: bool = False
    once_per: OncePer = "receivable"
    period_days: int | None = None
    period_months: int | None = None
    times_max: int | None = None
    notices: tuple[str, ...] = attrs.field(default=(), converter=texts)
    base: FeeBase = "open"
    rounding: Rounding = "half_even"
    fee_floor: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    fee_cap: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    item_cap: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    yearly_cap: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    minimum_balance: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    never_above_open: bool = True
    on_charges: bool = False
    disputes: DisputeRule = "no_fee"
    due_in_days: int = 0
    """Days from charging to the due date of the charge itself."""
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None
    """Where it was agreed, such as "contract 4.2"."""

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        _check_choices(self, problems)
        _check_numbers(self, problems)
        _check_measure(self, problems)
        _check_limits(self, problems)
        if self.kind == "tiered" and self.tiers:
            _check_tiers(self, problems)
        problems.raise_if_any()

    @property
    def tier_by(self) -> TierBy | None:
        """Say what the tiers go by, or None where there are none."""
        if not self.tiers:
            return None
        return "days" if self.tiers[0].balance_min is None else "balance"

    def period_start(self, first_on: date, number: int) -> date:
        """Return the first day of the `number`-th period (from 1) of lateness that began on `first_on`."""
        if self.period_months is not None:
            return add_months(first_on, self.period_months * (number - 1))
        ordinal = first_on.toordinal() + (self.period_days or 1) * (number - 1)
        if ordinal > date.max.toordinal():
            raise InvalidDate("calendars.out_of_range", "a period of lateness begins after the year 9999")
        return date.fromordinal(ordinal)


def falls_due_on(receivable: Receivable, *, days: int, anchor: FeeAnchor = "due_on") -> date:
    """Return the day on which a charge falls due that is counted in days from an anchor, the anchor being day 0.

    A dunning table says so: "level 1, 5 days after the invoice". Grace counts otherwise, a fee with 5 days of grace
    falls due on the sixth (`first_fee_on`). Negative days lie before the anchor; no day lies before the issue.

    >>> invoice = Receivable(
    ...     receivable_id="R-1",
    ...     account_id="A",
    ...     amount_original=Money(10_000, "EUR"),
    ...     issued_on=date(2026, 3, 1),
    ...     due_on=date(2026, 3, 31),
    ... )
    >>> falls_due_on(invoice, days=5), falls_due_on(invoice, days=5, anchor="issued_on")
    (datetime.date(2026, 4, 5), datetime.date(2026, 3, 6))

    Raises:
        InvalidPolicy: `policy.invalid` for an anchor that is none.
        InvalidDate: `calendars.count` for days that are no whole number or beyond ten years.
    """
    if anchor not in get_args(FeeAnchor):
        text = "a charge is counted from due_on or issued_on"
        raise InvalidPolicy([Problem(code="policy.invalid", path="anchor", text=text, value=str(anchor))])
    require_int(days, "days", at_least=-MAX_GRACE_DAYS, at_most=MAX_GRACE_DAYS, code="calendars.count")
    counted_from = receivable.due_on if anchor == "due_on" else receivable.issued_on
    ordinal = min(max(counted_from.toordinal() + days, receivable.issued_on.toordinal()), date.max.toordinal())
    return date.fromordinal(ordinal)


# -- verification ----------------------------------------------------------------------------------------------


def check_id(value: object, problems: Problems) -> None:
    """Note an id that is no short printable text."""
    if not isinstance(value, str) or not 0 < len(value) <= 64 or not value.isprintable() or value != value.strip():
        problems.note("id", "needs 1 to 64 printable characters without outer space", value=value)


def check_choice(name: str, value: object, choices: Iterable[str], problems: Problems) -> None:
    """Note a value that is none of the choices."""
    known = tuple(choices)
    if value not in known:
        problems.note(name, "not one of the choices", value=value, choices=known)


def check_whole(
    name: str, value: object, problems: Problems, *, at_least: int, at_most: int = 100_000, optional: bool = False
) -> None:
    """Note a value that is no whole number within its bounds."""
    if value is None and optional:
        return
    if type(value) is not int:
        problems.note(name, "a whole number is needed", value=value)
    elif not at_least <= value <= at_most:
        problems.note(name, f"must lie from {at_least} to {at_most}", value=value)


def check_share(name: str, value: Fraction | None, problems: Problems) -> None:
    """Note a share that is below zero or above the whole."""
    if value is None:
        return
    if value < 0:
        problems.note(name, "must not be below zero", value=value)
    elif value > 1:
        problems.note(name, 'is above 100 % of the balance; "0.015" is 1.5 %', value=value)


def check_amounts(name: str, amounts: tuple[Money, ...], problems: Problems) -> None:
    """Note amounts below zero."""
    for amount in amounts:
        if amount.is_negative:
            problems.note(f"{name}.{amount.currency}", "must not be below zero", value=amount)


def _check_choices(fee: LateFeePolicy, problems: Problems) -> None:
    check_id(fee.id, problems)
    check_choice("kind", fee.kind, get_args(FeeKind), problems)
    check_choice("once_per", fee.once_per, get_args(OncePer), problems)
    check_choice("base", fee.base, get_args(FeeBase), problems)
    check_choice("rounding", fee.rounding, _ROUNDINGS, problems)
    check_choice("disputes", fee.disputes, get_args(DisputeRule), problems)
    check_choice("tier_gaps", fee.tier_gaps, ("refuse", "none"), problems)
    if fee.component is Component.PRINCIPAL:
        problems.note("component", "a charge is no principal", value=fee.component, choices=("fee", "interest", "cost"))


def _check_numbers(fee: LateFeePolicy, problems: Problems) -> None:
    check_whole("grace_days", fee.grace_days, problems, at_least=0, at_most=MAX_GRACE_DAYS)
    check_whole("grace_business_days", fee.grace_business_days, problems, at_least=0, at_most=250, optional=True)
    check_whole("due_in_days", fee.due_in_days, problems, at_least=0, at_most=MAX_GRACE_DAYS)
    check_whole("period_days", fee.period_days, problems, at_least=1, optional=True)
    check_whole("period_months", fee.period_months, problems, at_least=1, at_most=1200, optional=True)
    check_whole("times_max", fee.times_max, problems, at_least=1, optional=True)
    if fee.grace_business_days is not None and fee.grace_days:
        problems.note("grace_business_days", "grace is in calendar days or in business days, not in both")
    given = (fee.period_days is not None) + (fee.period_months is not None)
    if fee.once_per == "period" and given != 1:
        problems.note("period_days", "once per period needs either period_days or period_months", reason="missing")
    if fee.once_per != "period" and (given or fee.times_max is not None):
        problems.note(
            "once_per", "period_days, period_months and times_max belong to once_per period", value=fee.once_per
        )
    if fee.once_per != "notice" and fee.notices:
        problems.note("notices", "belongs to once_per notice", value=", ".join(fee.notices))


def _check_measure(fee: LateFeePolicy, problems: Problems) -> None:
    check_share("rate", fee.rate, problems)
    check_amounts("amounts", fee.amounts, problems)
    needs_rate = fee.kind in ("percent", "greater_of", "lesser_of")
    needs_amounts = fee.kind in ("flat", "greater_of", "lesser_of")
    if needs_rate and fee.rate is None:
        problems.note("rate", f"a fee of kind {fee.kind} needs a rate", reason="missing")
    if needs_amounts and not fee.amounts:
        problems.note("amounts", f"a fee of kind {fee.kind} needs amounts per currency", reason="missing")
    if not needs_rate and fee.rate is not None:
        problems.note("rate", f"has no meaning in a fee of kind {fee.kind}", value=fee.rate)
    if not needs_amounts and fee.amounts:
        problems.note("amounts", f"has no meaning in a fee of kind {fee.kind}", value=fee.amounts[0])
    if fee.kind == "tiered" and not fee.tiers:
        problems.note("tiers", "a tiered fee needs tiers", reason="missing")
    if fee.kind != "tiered" and fee.tiers:
        problems.note("tiers", f"has no meaning in a fee of kind {fee.kind}")


def _check_limits(fee: LateFeePolicy, problems: Problems) -> None:
    for name in ("fee_floor", "fee_cap", "item_cap", "yearly_cap", "minimum_balance"):
        check_amounts(name, getattr(fee, name), problems)
    for floor in fee.fee_floor:
        for name in ("fee_cap", "item_cap", "yearly_cap"):
            cap = amount_in(getattr(fee, name), floor.currency)
            if cap is not None and cap < floor:
                problems.note(
                    f"{name}.{floor.currency}", f"{cap} is below the floor of {floor}; raise one, lower the other"
                )
    known = _currencies(fee)
    if known is None:
        return
    for name in ("fee_floor", "fee_cap", "item_cap", "yearly_cap", "minimum_balance"):
        for amount in getattr(fee, name):
            if amount.currency not in known:
                problems.note(
                    f"{name}.{amount.currency}",
                    f"is in a currency in which nothing can be charged (the fee knows {', '.join(sorted(known))})",
                    value=amount,
                )


def _currencies(fee: LateFeePolicy) -> set[str] | None:
    """Return the currencies in which the fee can be charged; None means any."""
    named = set(fee.applies_to.currencies)
    if fee.kind in ("percent",):
        return named or None
    if fee.kind == "tiered":
        if any(tier.rate is not None and tier.balance_min is None for tier in fee.tiers):
            return named or None
        tiers = {one.currency for tier in fee.tiers for one in tier.amounts}
        tiers |= {tier.balance_min.currency for tier in fee.tiers if tier.balance_min is not None}
        return tiers & named if named else tiers
    amounts = {one.currency for one in fee.amounts}
    return amounts & named if named else amounts


def _check_tiers(fee: LateFeePolicy, problems: Problems) -> None:
    can_be_ordered = True
    for number, tier in enumerate(fee.tiers):
        path = f"tiers[{number}]"
        check_share(f"{path}.rate", tier.rate, problems)
        check_amounts(f"{path}.amounts", tier.amounts, problems)
        if tier.rate is None and not tier.amounts:
            problems.note(path, "a tier needs a rate or amounts", reason="missing")
        by_days, by_balance = tier.days_min is not None, tier.balance_min is not None
        if by_days == by_balance:
            problems.note(path, "a tier goes either by days (days_min) or by balance (balance_min)")
            can_be_ordered = False
    if not can_be_ordered:
        return
    if len({tier.balance_min is None for tier in fee.tiers}) > 1:
        problems.note("tiers", "all tiers go by days, or all by balance")
    elif fee.tiers[0].balance_min is None:
        _check_day_tiers(fee, problems)
    else:
        _check_balance_tiers(fee, problems)


def _check_day_tiers(fee: LateFeePolicy, problems: Problems) -> None:
    spans: list[tuple[int, int | None, int]] = []
    for number, tier in enumerate(fee.tiers):
        check_whole(f"tiers[{number}].days_min", tier.days_min, problems, at_least=1)
        check_whole(f"tiers[{number}].days_max", tier.days_max, problems, at_least=1, optional=True)
        if type(tier.days_min) is not int or (tier.days_max is not None and type(tier.days_max) is not int):
            continue
        if tier.days_max is not None and tier.days_max < tier.days_min:
            problems.note(f"tiers[{number}].days_max", f"{tier.days_max} lies before days_min {tier.days_min}")
            continue
        spans.append((tier.days_min, None if tier.days_max is None else tier.days_max + 1, number))
    grace = fee.grace_days if fee.grace_business_days is None and not fee.grace_shifts_due else 0
    first = grace + 1 if type(grace) is int else 1
    _check_spans(fee, spans, first=first, unit="", is_whole=len(spans) == len(fee.tiers), problems=problems)


def _check_balance_tiers(fee: LateFeePolicy, problems: Problems) -> None:
    by_currency: dict[str, list[tuple[int, int | None, int]]] = {}
    faulty: set[str] = set()
    for number, tier in enumerate(fee.tiers):
        low, high = tier.balance_min, tier.balance_below
        if low is None:
            continue
        if high is not None and high.currency != low.currency:
            problems.note(f"tiers[{number}].balance_below", f"is not in {low.currency}", value=high)
            faulty.add(low.currency)
        elif low.is_negative or (high is not None and high <= low):
            problems.note(
                f"tiers[{number}]", "must begin at zero or more and end above its beginning", value=tier.name()
            )
            faulty.add(low.currency)
        else:
            if tier.rate is None and tier.amounts and amount_in(tier.amounts, low.currency) is None:
                problems.note(
                    f"tiers[{number}].amounts",
                    f"the tier goes by a balance in {low.currency} and has no amount in it; nothing is converted",
                    value=tier.amounts[0],
                )
            span = (low.minor, None if high is None else high.minor, number)
            by_currency.setdefault(low.currency, []).append(span)
    for currency, spans in sorted(by_currency.items()):
        unit = f" {currency} minor units"
        _check_spans(fee, spans, first=0, unit=unit, is_whole=currency not in faulty, problems=problems)


def _check_spans(
    fee: LateFeePolicy,
    spans: list[tuple[int, int | None, int]],
    *,
    first: int,
    unit: str,
    is_whole: bool,
    problems: Problems,
) -> None:
    """Check half-open spans: no overlap, and no gap from `first` to the open end unless allowed.

    Where a tier is missing from them because it is faulty itself (not `is_whole`), a gap says nothing.
    """
    names = {number: tier.name() for number, tier in enumerate(fee.tiers)}
    allow_gaps = fee.tier_gaps == "none" or not is_whole
    spans = sorted(spans, key=lambda span: (span[0], span[2]))
    reached: int | None = first
    previous: int | None = None
    for low, high, number in spans:
        path = f"tiers[{number}]"
        if previous is not None and (reached is None or low < reached):
            problems.note(path, f"overlaps tier {names[previous]}", reason="overlap", value=names[number])
        elif reached is not None and low > reached and not allow_gaps:
            problems.note(
                path, f'no tier for {reached}..{low - 1}{unit}; add one, or say tier_gaps = "none"', reason="gap"
            )
        if previous is None or (reached is not None and (high is None or high > reached)):
            reached, previous = high, number
    if reached is not None and not allow_gaps:
        problems.note(
            "tiers",
            f'no tier from {reached}{unit} on; leave the last end open, or say tier_gaps = "none"',
            reason="gap",
        )
