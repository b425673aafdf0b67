"""What is given for paying early or on time: the terms, each with its cost in money and as a yearly yield.

Terms only; what an account has earned is `rewards`. The day on which a discount ends is its last day, to its end; a
late fee begins after the due date, so the two never meet.

A yield is what the debtor gains a year by doing what the incentive asks for. With a gain of `G` on a payment of `P`
that comes `d` days sooner, and a year of `B` days (365, or 360 as bankers count it):

    simple      G / (P - G) * B / d
    effective   (P / (P - G)) ** (B / d) - 1, the gain put to work again each time

Each kind says what its `G`, `P` and `d` are. The trade quotes the simple one: 2/10 net 30 is 37.2 % on 365 days, 36.7 %
on 360, and 44.6 % effective.
"""

from __future__ import annotations

from datetime import date
from decimal import localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

import attrs

from collectkit._policy.look import after
from collectkit._policy.terms import (
    EVERYTHING,
    AppliesTo,
    amount_in,
    amounts_of,
    check_amounts,
    check_choice,
    check_id,
    check_whole,
)
from collectkit.core._solve import WIDE, decimal_of, settled
from collectkit.core.checks import as_tuple, each, instance_of, plain_date, require_int
from collectkit.core.errors import InvalidRate
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import Rate, exact_number
from collectkit.core.reading import Problems
from collectkit.core.records import Component

__all__ = [
    "AdvanceRebate",
    "DiscountStep",
    "Grant",
    "GrantKind",
    "Incentive",
    "IncentivePolicy",
    "PromptPaymentDiscount",
    "PunctualityBonus",
    "SettlementDiscount",
    "YieldBasis",
    "YieldMethod",
    "annual_yield",
    "yield_on",
]

YieldBasis = Literal[365, 360]
"""The days of a year that a yield is stated for."""

YieldMethod = Literal["simple", "effective"]
"""Simple: the gain times how often it fits in a year. Effective: with the gain put to work again each time."""

GrantKind = Literal["purchase_credit", "early_access", "other"]
"""A credit on a next purchase, access before others, or something else that the host honours."""

Stacking = Literal["all", "first", "best"]
"""Whether one receivable may earn several incentives: all of them, the first that is earned, or the one worth most."""

_MAX_EFFECTIVE: Final = 1_000_000  # a yield beyond a million times the money says nothing, and takes long to compute


# -- yields ----------------------------------------------------------------------------------------------------


def annual_yield(
    rate: object, *, days_sooner: int, basis: YieldBasis = 365, method: YieldMethod = "simple"
) -> Fraction:
    """Return the yearly yield of a gain of `rate` of a payment for making it so many days sooner; 0 for no days.

    Simple is exact; effective is given to 30 decimals. Here 37.24 % on 365 days, 36.73 % on 360, 44.59 % effective.

    >>> [round(annual_yield("0.02", days_sooner=20, basis=days) * 100, 2) for days in (365, 360)]
    [Fraction(931, 25), Fraction(3673, 100)]
    >>> round(annual_yield("0.02", days_sooner=20, method="effective") * 100, 2)
    Fraction(4459, 100)

    Raises:
        InvalidRate: `rates.period` for a basis or method that is none, `rates.over_limit` for a rate outside 0 to 1, the
            whole excluded, or an effective yield over a million; `rates.float` and the like.
    """
    share = exact_number(rate, "the rate of a gain")
    if basis not in get_args(YieldBasis) or method not in get_args(YieldMethod):
        raise InvalidRate("rates.period", "a yield is simple or effective, on 365 or 360 days")
    if not 0 <= share < 1:
        raise InvalidRate("rates.over_limit", 'the rate of a gain lies from 0 to below 1; "0.02" is 2 %')
    require_int(
        days_sooner, "days_sooner", at_least=-3_652_060, at_most=3_652_060, code="rates.period", error=InvalidRate
    )
    if days_sooner <= 0:
        return Fraction(0)
    times = Fraction(basis, days_sooner)
    if method == "simple":
        return share / (1 - share) * times
    with localcontext(WIDE):
        growth = -decimal_of(1 - share).ln() * decimal_of(times)
        if growth > decimal_of(Fraction(_MAX_EFFECTIVE)).ln():
            raise InvalidRate(
                "rates.over_limit", "the effective yield is over a million times the money; state the simple one"
            )
        return Fraction(settled(growth.exp() - 1))


def yield_on(
    gain: Money, *, paid: Money, days_sooner: int, basis: YieldBasis = 365, method: YieldMethod = "simple"
) -> Fraction | None:
    """Return the yearly yield of a gain in money; None where it cannot be stated: other currencies, nothing laid out.

    >>> yield_on(Money(200, "EUR"), paid=Money(10_000, "EUR"), days_sooner=20) == annual_yield("0.02", days_sooner=20)
    True
    """
    if gain.currency != paid.currency or gain >= paid or gain.is_negative:
        return None
    return annual_yield(Fraction(gain.minor, paid.minor), days_sooner=days_sooner, basis=basis, method=method)


# -- what is given in place of money ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Grant:
    """What is given in place of money, as an `Entitlement` that the host honours; `what` says it in the debtor's words.

    A "purchase_credit" is worth what the incentive earns, as a credit on a next purchase. Of "early_access" and "other"
    `worth` says what one costs the creditor, a currency each; without it cost and yield are not known, and not guessed.

    >>> Grant(kind="early_access", what="the spring sale, two days early", worth={"EUR": "4.00"}).valid_days
    365

    Raises:
        InvalidPolicy: `policy.invalid`, `policy.missing`.
    """

    what: str
    kind: GrantKind = "other"
    valid_days: int = 365
    worth: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_choice("kind", self.kind, get_args(GrantKind), problems)
        if not isinstance(self.what, str) or not self.what.strip() or len(self.what) > 255:
            problems.note("what", "needs 1 to 255 characters: what the debtor gets", reason="missing", value=self.what)
        check_whole("valid_days", self.valid_days, problems, at_least=1, at_most=3650)
        check_amounts("worth", self.worth, problems)
        if self.kind == "purchase_credit" and self.worth:
            problems.note("worth", "a credit on a next purchase is worth what the incentive earns; leave it out")
        problems.raise_if_any()

    def cost(self, earned: Money | None, currency: str) -> Money | None:
        """Return what one costs the creditor in a currency, given what the incentive earned; None if nobody said."""
        return earned if self.kind == "purchase_credit" else amount_in(self.worth, currency)


def _check_grant(grant: object, problems: Problems) -> None:
    if grant is not None and not isinstance(grant, Grant):
        problems.note("grant", f"is no Grant but {type(grant).__name__}", reason="type")


# -- kinds -----------------------------------------------------------------------------------------------------


def _share(value: object) -> Fraction:
    return exact_number(value, "the rate of a discount")


@attrs.frozen(kw_only=True)
class DiscountStep:
    """Up to `days` days after the invoice the discount is `rate` of the amount."""

    days: int
    rate: Fraction = attrs.field(converter=_share)


@attrs.frozen(kw_only=True)
class PromptPaymentDiscount:
    """Less for paying early: "2/10 net 30" is `rate` 0.02 within `discount_days` 10, else all within `net_days` 30.

    Further `steps` make it a sliding scale: less discount for later days. The last day counts to its end. Only the
    payment of everything but the discount earns it. With `grant` the whole is paid, and the discount is given as a
    credit on a next purchase, or something else is given.

    In its yield `G` is the discount, `P` the invoice and `d` the days from the last discount day to the due date.

    >>> terms = PromptPaymentDiscount(id="2/10 net 30", rate="0.02", discount_days=10, net_days=30)
    >>> round(terms.annualised_yield() * 100, 1)
    Fraction(186, 5)

    Raises:
        InvalidPolicy: `policy.invalid`, with every problem.
    """

    id: str
    rate: Fraction = attrs.field(converter=_share)
    discount_days: int
    net_days: int
    steps: tuple[DiscountStep, ...] = attrs.field(default=(), converter=as_tuple, validator=each(DiscountStep))
    rounding: Rounding = "half_even"
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None
    grant: Grant | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        _check_grant(self.grant, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        check_whole("net_days", self.net_days, problems, at_least=0, at_most=3650)
        every = self.scale
        for number, step in enumerate(every):
            path = "rate" if number == 0 else f"steps[{number - 1}].rate"
            check_whole(
                "discount_days" if number == 0 else f"steps[{number - 1}].days", step.days, problems, at_least=0
            )
            if not 0 < step.rate < 1:
                problems.note(path, 'must lie between 0 and 1; "0.02" is 2 %', value=step.rate)
        for earlier, later in pairwise(every):
            if later.days <= earlier.days:
                problems.note("steps", "days must ascend, one rate for a day", reason="overlap", value=later.days)
            if later.rate >= earlier.rate:
                problems.note("steps", "a later day must earn less", value=later.rate)
        if type(self.net_days) is int and every[-1].days > self.net_days:
            problems.note("net_days", "the discount must end on or before the due date", value=self.net_days)
        problems.raise_if_any()

    @property
    def scale(self) -> tuple[DiscountStep, ...]:
        """Return all steps, the first discount included."""
        return (DiscountStep(days=self.discount_days, rate=self.rate), *self.steps)

    def last_on(self, issued_on: date) -> date:
        """Return the last day on which any discount can be earned."""
        return after(issued_on, self.scale[-1].days)

    def discount(self, amount: Money, *, issued_on: date, paid_on: date) -> Money:
        """Return the discount that a payment on a day earns; zero after the last day.

        >>> terms = PromptPaymentDiscount(id="2/10 net 30", rate="0.02", discount_days=10, net_days=30)
        >>> invoice = Money(100_000, "EUR")
        >>> str(terms.discount(invoice, issued_on=date(2026, 3, 1), paid_on=date(2026, 3, 11)))
        '20.00 EUR'
        >>> str(terms.discount(invoice, issued_on=date(2026, 3, 1), paid_on=date(2026, 3, 12)))
        '0.00 EUR'
        """
        days = (paid_on - issued_on).days
        rate = next((step.rate for step in self.scale if days <= step.days), Fraction(0))
        return Money(rounded(amount.minor * rate, self.rounding), amount.currency)

    def cost(self, amount: Money, *, step: int = 0) -> Money | None:
        """Return what an invoice of that amount costs the creditor where a step of the scale is earned."""
        earned = Money(rounded(amount.minor * self.scale[step].rate, self.rounding), amount.currency)
        return earned if self.grant is None else self.grant.cost(earned, amount.currency)

    def annualised_yield(self, *, step: int = 0, basis: YieldBasis = 365, method: YieldMethod = "simple") -> Fraction:
        """Return what the debtor earns a year by paying on the last day of a step and not on the due date.

        rate / (1 - rate) * basis / (net days - days of the step); effective: (1 / (1 - rate)) ** (basis / days) - 1.
        Zero days apart give zero.
        """
        one = self.scale[step]
        return annual_yield(one.rate, days_sooner=self.net_days - one.days, basis=basis, method=method)

    def describe(self) -> str:
        """Say the terms in plain words."""
        less = "less" if self.grant is None else f"as {_given(self.grant)}"
        steps = [(_percent(step.rate), _days(step.days)) for step in self.scale]
        parts = [f"{rate} {less} if paid within {days} of the invoice" for rate, days in steps]
        if self.grant is not None and self.grant.kind != "purchase_credit":
            parts = [f"{self.grant.what} if paid within {steps[-1][1]} of the invoice"]
        yearly = round(self.annualised_yield() * 100)
        worth = (
            ""
            if self.grant is not None and self.grant.kind != "purchase_credit"
            else f" (worth about {yearly} % a year)"
        )
        return f"{self.id}: {', '.join(parts)}, in full within {_days(self.net_days)}{worth}.{_valid(self.grant)}"


@attrs.frozen(kw_only=True)
class AdvanceRebate:
    """Part of a charge given back for each payment made at least `days_early` days before its due date, once each.

    All rebates of a charge together never pass `rate_max` of it. With `grant` each is a credit on a next purchase, or
    something else, in place of money.

    In its yield `G` is the rebate, `P` the payment that came early and `d` the days by which it did.

    >>> rebate = AdvanceRebate(id="early", rate="0.5", days_early=10)
    >>> fee, instalment = Money(1_000, "EUR"), Money(50_500, "EUR")
    >>> str(rebate.cost(fee)), rebate.annualised_yield(fee, paid=instalment)
    ('5.00 EUR', Fraction(73, 200))
    """

    id: str
    rate: Fraction = attrs.field(converter=_share)
    days_early: int = 1
    rate_max: Fraction = attrs.field(default=Fraction(1), converter=_share)
    components: tuple[Component, ...] = attrs.field(
        default=(Component.FEE,), converter=as_tuple, validator=each(Component)
    )
    rounding: Rounding = "half_even"
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None
    grant: Grant | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        _check_grant(self.grant, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        check_whole("days_early", self.days_early, problems, at_least=0, at_most=3650)
        if not 0 < self.rate <= 1:
            problems.note("rate", "must lie above 0, at most 1", value=self.rate)
        if not self.rate <= self.rate_max <= 1:
            problems.note("rate_max", "must lie from the rate to 1", value=self.rate_max)
        problems.raise_if_any()

    def rebate(self, charge: Money, *, given: Money | None = None) -> Money:
        """Return the rebate on a charge for one more early payment, after what was `given` on it so far."""
        most = rounded(charge.minor * self.rate_max, "floor") - (0 if given is None else given.minor)
        return Money(max(0, min(rounded(charge.minor * self.rate, self.rounding), most)), charge.currency)

    def cost(self, charge: Money) -> Money | None:
        """Return what one early payment costs the creditor on a charge; None where nobody said what a grant is worth."""
        earned = self.rebate(charge)
        return earned if self.grant is None else self.grant.cost(earned, charge.currency)

    def annualised_yield(
        self,
        charge: Money,
        *,
        paid: Money,
        days_sooner: int | None = None,
        basis: YieldBasis = 365,
        method: YieldMethod = "simple",
    ) -> Fraction | None:
        """Return what the debtor earns a year by paying `paid` early, by `days_early` days unless told otherwise.

        rebate / (paid - rebate) * basis / days. None where it cannot be stated: other currencies, a rebate of all.
        """
        cost = self.cost(charge)
        days = self.days_early if days_sooner is None else days_sooner
        return None if cost is None else yield_on(cost, paid=paid, days_sooner=days, basis=basis, method=method)

    def describe(self) -> str:
        """Say the terms in plain words."""
        if self.grant is not None and self.grant.kind != "purchase_credit":
            early = f"for each payment made at least {_days(self.days_early)} early."
            return f"{self.id}: {self.grant.what} {early}{_valid(self.grant)}"
        how = "is given back" if self.grant is None else f"is given as {_given(self.grant)}"
        return (
            f"{self.id}: {_percent(self.rate)} of a charge {how} for each payment made at least "
            f"{_days(self.days_early)} early, at most {_percent(self.rate_max)} of it.{_valid(self.grant)}"
        )


@attrs.frozen(kw_only=True)
class PunctualityBonus:
    """A bonus for every `streak` receivables in a row that were settled by their due dates: money, or a `grant`.

    A credit on a next purchase has `amounts` too: they are the credit. In its yield `G` is the bonus, `P` the sum of
    the receivables of the run and `d` the days from the first one's issue to the last one's settlement.

    >>> bonus = PunctualityBonus(id="bonus", streak=3, amounts={"EUR": "10.00"})
    >>> str(bonus.cost("EUR")), bonus.annualised_yield(paid=Money(101_000, "EUR"), days=73)
    ('10.00 EUR', Fraction(1, 20))

    Raises:
        InvalidPolicy: `policy.invalid`, `policy.missing`.
    """

    id: str
    streak: int
    amounts: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    grant: Grant | None = None
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        _check_grant(self.grant, problems)
        check_whole("streak", self.streak, problems, at_least=1, at_most=1000)
        check_amounts("amounts", self.amounts, problems)
        needs_amounts = self.grant is None or (isinstance(self.grant, Grant) and self.grant.kind == "purchase_credit")
        if needs_amounts != bool(self.amounts):
            problems.note(
                "amounts",
                "money and a credit on a next purchase need amounts, any other grant has its own worth",
                reason="missing",
            )
        problems.raise_if_any()

    def cost(self, currency: str) -> Money | None:
        """Return what one bonus costs the creditor in a currency; None where nobody said."""
        earned = amount_in(self.amounts, currency)
        return earned if self.grant is None else self.grant.cost(earned, currency)

    def annualised_yield(
        self, *, paid: Money, days: int, basis: YieldBasis = 365, method: YieldMethod = "simple"
    ) -> Fraction | None:
        """Return what the bonus adds a year to the money of a run: bonus / (paid - bonus) * basis / days.

        `paid` is the sum of its receivables, `days` how long the run took. None where it cannot be stated.
        """
        cost = self.cost(paid.currency)
        return None if cost is None else yield_on(cost, paid=paid, days_sooner=days, basis=basis, method=method)

    def describe(self) -> str:
        """Say the terms in plain words."""
        what = " or ".join(str(one) for one in self.amounts)
        if self.grant is not None:
            what = f"{what} as {_given(self.grant)}" if self.amounts else self.grant.what
        return f"{self.id}: {what} for every {self.streak} receivables in a row paid on time.{_valid(self.grant)}"


@attrs.frozen(kw_only=True)
class SettlementDiscount:
    """Less for settling everything by a day: `rate` off what is open, until the end of `valid_until_on`.

    In its yield `G` is the discount, `P` what is open and `d` the days by which it comes sooner than it would have.

    >>> offer = SettlementDiscount(id="now", rate="0.1", valid_until_on=date(2026, 6, 30))
    >>> (
    ...     str(offer.to_pay(Money(50_000, "EUR"), on=date(2026, 6, 30))),
    ...     offer.to_pay(Money(1, "EUR"), on=date(2026, 7, 1)),
    ... )
    ('450.00 EUR', None)
    """

    id: str
    rate: Fraction = attrs.field(converter=_share)
    valid_until_on: date = attrs.field(validator=plain_date)
    rounding: Rounding = "half_even"

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        if not 0 < self.rate < 1:
            problems.note("rate", "must lie between 0 and 1", value=self.rate)
        problems.raise_if_any()

    def to_pay(self, amount_open: Money, *, on: date) -> Money | None:
        """Return what settles everything on a day, or None once the offer has expired."""
        return None if on > self.valid_until_on else amount_open - self.cost(amount_open)

    def cost(self, amount_open: Money) -> Money:
        """Return what the creditor gives up."""
        return Money(rounded(amount_open.minor * self.rate, self.rounding), amount_open.currency)

    def annualised_yield(
        self, *, days_sooner: int, basis: YieldBasis = 365, method: YieldMethod = "simple"
    ) -> Fraction:
        """Return the yearly yield to the debtor of paying so many days sooner: rate / (1 - rate) * basis / days."""
        return annual_yield(self.rate, days_sooner=days_sooner, basis=basis, method=method)


Incentive: TypeAlias = PromptPaymentDiscount | AdvanceRebate | PunctualityBonus


@attrs.frozen(kw_only=True)
class IncentivePolicy:
    """All incentives in the order in which they are applied; `stacking` says whether one receivable may earn several.

    "all": each on what the ones before it left, so that 2 % and 3 % of 1000.00 are 20.00 and 29.40, earned together by
    paying 950.60; "first": the first that is earned, of one day by their order; "best": the one worth most, a grant by
    its worth. Money and credits given on one receivable never pass `rate_max` of it.

    Raises:
        InvalidPolicy: `policy.invalid`, `policy.duplicate`.
    """

    incentives: tuple[Incentive, ...] = attrs.field(default=(), converter=as_tuple)
    stacking: Stacking = "all"
    rate_max: Fraction = attrs.field(default=Fraction(1), converter=_share)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_choice("stacking", self.stacking, get_args(Stacking), problems)
        if not 0 < self.rate_max <= 1:
            problems.note("rate_max", "must lie above 0, at most 1", value=self.rate_max)
        ids: list[str] = []
        for number, one in enumerate(self.incentives):
            if not isinstance(one, (PromptPaymentDiscount, AdvanceRebate, PunctualityBonus)):
                problems.note(f"incentives[{number}]", f"is no incentive but {type(one).__name__}")
                continue
            if one.id in ids:
                problems.note(f"incentives[{number}].id", "stands twice", reason="duplicate", value=one.id)
            ids.append(one.id)
        problems.raise_if_any()

    def describe(self) -> str:
        """Print all terms in plain words, one line for each, in the order they are applied; at the end how they stack."""
        lines = [one.describe() for one in self.incentives]
        if len(lines) > 1 and self.stacking != "all":
            lines.append(_STACKED[self.stacking])
        if lines and self.rate_max < 1:
            lines.append(f"All that is given on one receivable is at most {_percent(self.rate_max)} of it.")
        return "\n".join(lines)


# -- details ---------------------------------------------------------------------------------------------------

_STACKED: Final[dict[Stacking, str]] = {
    "first": "Of several that are earned on one receivable the first is given.",
    "best": "Of several that are earned on one receivable the one worth most is given.",
}


def _given(grant: Grant) -> str:
    return f"a credit on a next purchase ({grant.what})" if grant.kind == "purchase_credit" else grant.what


def _valid(grant: Grant | None) -> str:
    return "" if grant is None else f" It is valid for {_days(grant.valid_days)}."


def _days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _percent(value: Fraction) -> str:
    return str(Rate(value))
