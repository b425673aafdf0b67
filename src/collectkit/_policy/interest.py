"""Interest on arrears: by contract or by law, over balances that change, at rates that change, with rests.

`[start_on, end_on)` always: the day of payment bears no interest, the last unpaid day does. Exact fractions add up;
rounding is named, `daily_first` or `total_only`, and happens once. A rate that is not known for a day gives
`NotInForce` or `Stale` in place of a figure. Where a rate comes from is `_policy/rate_terms.py`, how days
become money `_policy/earning.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Literal, get_args

import attrs

from collectkit._policy.earning import NO_SINGLE_DAY, InterestPiece, InterestStep, by_the_day, simple, with_rests
from collectkit._policy.rate_terms import DatedRate, RateTerms, check_rule, rate_pieces, statutory_rate
from collectkit._policy.terms import (
    EVERYTHING,
    WHOLE_DISPUTES,
    AppliesTo,
    DisputeRule,
    amounts_of,
    check_amounts,
    check_choice,
    check_id,
    check_whole,
)
from collectkit.core.checks import instance_of, plain_date, require_date
from collectkit.core.errors import CurrencyMismatch, InvalidDate, InvalidTerms
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.rates import DayCount, NotInForce, Stale
from collectkit.core.reading import Problems
from collectkit.core.records import Component
from collectkit.core.rules import (
    LumpSum,
    RateSelection,
    Rule,
    RulePack,
)

__all__ = [
    "AccruedInterest",
    "BalanceStep",
    "InterestPiece",
    "InterestPolicy",
    "InterestStep",
    "RateTerms",
    "RecoverySumPolicy",
    "accrue_on",
    "rate_pieces",
    "statutory_interest",
    "statutory_rate",
]

RoundingOrder = Literal["total_only", "daily_first"]
"""Round the whole sum once, or one day's interest first and multiply it, as gov.uk shows it.

A day is what the convention makes of it: 1/365, 1/360 (of 30 in each month for the 30/360 family), or its part of a
leap year for `act/act-isda`. Interest with rests, `act/act-icma` and `act/act-afb` have no single day, so there
`daily_first` is refused.
"""


# -- terms -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class InterestPolicy:
    """Interest on what is past due, accruing daily and posted from time to time as a receivable of its own.

    - Interest runs from the day after the due date; grace is a gate (nothing is posted until more than `grace_days`
      past due, then from the first day) or, with `grace_shifts_due`, moves the due date.
    - It is posted every `post_every_months` from its first day (None: only when the receivable is settled), for the
      days since the last posting: what is posted in all is always the rounded interest to that day, so no day is
      charged twice and no cent depends on how often one looks. What was earned survives the payment of principal.
    - With rests, interest bears interest from the first rest on which it is due, `due_in_days` after the rest that ends
      its period, for as long as it is unpaid: what was paid, waived or taken back bears none.
    - While an amount is below `minimum_amount` it is not posted, and waits.
    - Interest is never charged on charges unless `on_charges` is set.

    Raises:
        InvalidPolicy: `policy.invalid`, with every problem.
    """

    id: str
    terms: RateTerms = attrs.field(validator=instance_of(RateTerms))
    rounding_order: RoundingOrder = "total_only"
    rounding: Rounding = "half_even"
    post_every_months: int | None = 1
    grace_days: int = 0
    grace_shifts_due: bool = False
    minimum_amount: tuple[Money, ...] = attrs.field(default=(), converter=amounts_of)
    on_charges: bool = False
    disputes: DisputeRule = "no_fee"
    due_in_days: int = 0
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    cite: str | None = None
    component: Component = attrs.field(default=Component.INTEREST, init=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_choice("rounding", self.rounding, get_args(Rounding), problems)
        check_choice("rounding_order", self.rounding_order, get_args(RoundingOrder), problems)
        check_choice("disputes", self.disputes, WHOLE_DISPUTES, problems)
        check_whole("post_every_months", self.post_every_months, problems, at_least=1, at_most=1200, optional=True)
        check_whole("grace_days", self.grace_days, problems, at_least=0, at_most=3650)
        check_whole("due_in_days", self.due_in_days, problems, at_least=0, at_most=3650)
        check_amounts("minimum_amount", self.minimum_amount, problems)
        if self.rounding_order == "daily_first":
            for text in sorted({why for each in self.terms.conventions() if (why := _no_daily_first(*each))}):
                problems.note("rounding_order", text, value="daily_first", choices=("total_only",))
        problems.raise_if_any()

    def starts_on(self, due_on: date) -> date:
        """Return the first day that bears interest."""
        days = 1 + (self.grace_days if self.grace_shifts_due else 0)
        return date.fromordinal(min(due_on.toordinal() + days, date.max.toordinal()))


@attrs.frozen(kw_only=True)
class RecoverySumPolicy:
    """The fixed recovery sum of a pack, once for each receivable that is past due; never converted.

    It is owed with the first day that bears interest, after `grace_days`, however late one looks and whatever is paid
    after that day (directive 2011/7/EU, article 6). A debt below the first band of the law bears none.

    Raises:
        InvalidPolicy: `policy.invalid` for a rule that is no lump sum.
    """

    id: str
    pack: RulePack = attrs.field(validator=instance_of(RulePack))
    rule_id: str
    grace_days: int = 0
    disputes: DisputeRule = "no_fee"
    due_in_days: int = 0
    applies_to: AppliesTo = attrs.field(default=EVERYTHING, validator=instance_of(AppliesTo))
    component: Component = attrs.field(default=Component.COST, init=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems("policy")
        check_id(self.id, problems)
        check_whole("grace_days", self.grace_days, problems, at_least=0, at_most=3650)
        check_whole("due_in_days", self.due_in_days, problems, at_least=0, at_most=3650)
        check_choice("disputes", self.disputes, WHOLE_DISPUTES, problems)
        check_rule(self.pack, self.rule_id, LumpSum, problems)
        problems.raise_if_any()

    @property
    def cite(self) -> str:
        """Return the pack with its review date."""
        return self.pack.label


# -- accrual ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class BalanceStep:
    """From the end of `from_on` this much is open; zero and below bear no interest."""

    from_on: date = attrs.field(validator=plain_date)
    balance: Money = attrs.field(validator=instance_of(Money))


@attrs.frozen(kw_only=True)
class AccruedInterest:
    """Interest of `[start_on, end_on)` with the pieces it is made of; `exact` is in minor units, before any rounding.

    The amounts of adjoining spans add up to that of the whole, as each is what is rounded to its end less what is
    rounded to its start.
    """

    amount: Money
    exact: Fraction
    pieces: tuple[InterestPiece, ...] = ()


def statutory_interest(
    *,
    principal: Money,
    pack: RulePack,
    rule_id: str,
    start_on: date,
    end_on: date,
    due_on: date | None = None,
    began_on: date | None = None,
    selection: RateSelection | None = None,
    day_count: DayCount | None = None,
    rounding_order: RoundingOrder = "total_only",
    rounding: Rounding = "half_even",
) -> AccruedInterest | NotInForce | Stale:
    """Return the interest that a pack's rule gives on a sum over `[start_on, end_on)`.

    `selection` and `day_count` replace the rule's own, to show another reading. Interest began on `began_on`, which is
    `start_on` unless given, and the debt was due the day before that unless `due_on` is given.

    >>> from collectkit import jurisdictions
    >>> uk = jurisdictions.load("uk-late-payment")
    >>> terms = dict(principal=Money(2_000_000, "GBP"), pack=uk, rule_id="uk.lpcda.interest")
    >>> terms |= dict(start_on=date(2023, 6, 10), end_on=date(2023, 8, 15))
    >>> str(statutory_interest(**terms).amount), str(statutory_interest(**terms, selection="floating").amount)
    ('415.89 GBP', '452.88 GBP')

    Raises:
        InvalidDate: `calendars.order`. InvalidPolicy: `rules.unknown`, `policy.invalid`.
        InvalidTerms: `interest.rounding_order` for daily_first where the rule has no single day.
    """
    terms = RateTerms(pack=pack, rule_id=rule_id, selection=selection, day_count=day_count)
    began_on = require_date(start_on, "start_on") if began_on is None else require_date(began_on, "began_on")
    return accrue_on(
        terms,
        [BalanceStep(from_on=began_on, balance=principal)],
        due_on=_day_before(began_on) if due_on is None else due_on,
        start_on=start_on,
        end_on=end_on,
        began_on=began_on,
        rounding_order=rounding_order,
        rounding=rounding,
    )


def accrue_on(
    terms: RateTerms,
    steps: Sequence[BalanceStep],
    *,
    due_on: date,
    start_on: date,
    end_on: date,
    began_on: date | None = None,
    interest: Sequence[InterestStep] = (),
    interest_due_in_days: int = 0,
    earned_before: Money | None = None,
    rounding_order: RoundingOrder = "total_only",
    rounding: Rounding = "half_even",
    caps: Sequence[tuple[RulePack, Rule]] = (),
    frozen: Sequence[tuple[date, date]] = (),
) -> AccruedInterest | NotInForce | Stale:
    """Accrue interest over a balance that steps; `frozen` spans `[from, until)` bear none.

    The total of a span is the same however its balance, its rates or the span itself is cut: days and rests are
    counted from `began_on`, the day on which interest began, which is `start_on` unless given. To ask for a later part
    of the same interest, name it and give the steps from that day on.

    With rests, interest that is due and unpaid bears interest. `interest` tells what was settled or taken back of it;
    without it nothing was. It falls due at its rest, `interest_due_in_days` later. Where the days before `start_on` were
    charged at other terms, `earned_before` is what they came to: it bears interest in place of what these terms give.

    `caps` are rules that cap the rate, with their packs; each day is bound by what held on it.

    >>> from collectkit.core.rates import Rate
    >>> terms = RateTerms(rate=Rate.percent(12), day_count="30E/360", rests_months=1)
    >>> debt = [BalanceStep(from_on=date(2026, 1, 1), balance=Money(10_000_000, "EUR"))]
    >>> paid = [InterestStep(from_on=date(2026, 2, 1), settled=Money(100_000, "EUR"))]
    >>> span = dict(due_on=date(2025, 12, 31), start_on=date(2026, 1, 1), end_on=date(2026, 3, 1))
    >>> str(accrue_on(terms, debt, **span).amount), str(accrue_on(terms, debt, interest=paid, **span).amount)
    ('2010.00 EUR', '2000.00 EUR')

    Raises:
        InvalidDate: `calendars.order` where a span ends before it begins, or begins before `began_on`;
            `interest.rests` for more than 2,400 rests.
        InvalidTerms: `interest.steps` where there is no step, or they are not in order, one for a day;
            `interest.rounding_order` for daily_first where no single day can be rounded.
        CurrencyMismatch: two currencies. InvalidMoney: `money.rounding`.
    """
    if require_date(end_on, "end_on") < require_date(start_on, "start_on"):
        raise InvalidDate("calendars.order", "end_on comes before start_on")
    began_on = start_on if began_on is None else require_date(began_on, "began_on")
    if start_on < began_on:
        raise InvalidDate("calendars.order", "start_on comes before began_on, the day on which interest began")
    if any(require_date(until, "frozen") < require_date(since, "frozen") for since, until in frozen):
        raise InvalidDate("calendars.order", "a frozen span ends before it begins")
    currency = _one_currency(steps, interest, earned_before)
    rates = rate_pieces(terms, due_on=require_date(due_on, "due_on"), start_on=began_on, end_on=end_on, caps=caps)
    if not isinstance(rates, tuple):
        return rates
    convention, rests = terms.conventions_on(began_on)
    pieces = _pieces(rates, steps, frozen, start_on)
    if rounding_order == "daily_first":
        refusal = _no_daily_first(convention, rests)
        if refusal:
            raise InvalidTerms("interest.rounding_order", refusal)
        earned = by_the_day(pieces, convention, began_on, rounding)
    elif rounding_order != "total_only":
        raise InvalidTerms("interest.rounding_order", "rounding_order must be one of: total_only, daily_first")
    elif rests is None:
        earned = simple(pieces, convention, began_on)
    else:
        known = None if earned_before is None else (start_on, earned_before.minor)
        earned = with_rests(
            pieces, convention, began_on, rests, due_in_days=interest_due_in_days, steps=interest, known=known
        )
    before = sum((part for piece, part in earned if piece.from_on < start_on), Fraction(0))
    if earned_before is not None:
        before = Fraction(earned_before.minor)
    exact = sum((part for piece, part in earned if piece.from_on >= start_on), Fraction(0))
    return AccruedInterest(
        amount=Money(rounded(before + exact, rounding) - rounded(before, rounding), currency),
        exact=exact,
        pieces=tuple(piece for piece, _ in earned if piece.from_on >= start_on),
    )


def _one_currency(
    steps: Sequence[BalanceStep], interest: Sequence[InterestStep], earned_before: Money | None = None
) -> str:
    """Return the currency of steps that are in order, one for a day."""
    if not steps or not all(isinstance(step, BalanceStep) for step in steps):
        raise InvalidTerms(
            "interest.steps", "a balance needs one BalanceStep or more; give one of zero if nothing is open"
        )
    if not all(isinstance(step, InterestStep) for step in interest):
        raise InvalidTerms("interest.steps", "what has become of the interest is told in InterestSteps")
    for name, days in (("steps", [one.from_on for one in steps]), ("interest", [one.from_on for one in interest])):
        late = next((day for earlier, day in pairwise(days) if day <= earlier), None)
        if late is not None:
            text = f"{name} must be in order, one for a day; {late} comes too late, so sort them and keep one for a day"
            raise InvalidTerms("interest.steps", text)
    currency = steps[0].balance.currency
    amounts = [step.balance for step in steps]
    amounts += [] if earned_before is None else [earned_before]
    amounts += [each for one in interest for each in (one.settled, one.charged, one.taken_back) if each is not None]
    other = next((each.currency for each in amounts if each.currency != currency), currency)
    if other != currency:
        raise CurrencyMismatch(currency, other, "accrue on")
    return currency


def _no_daily_first(convention: DayCount, rests: int | None) -> str:
    """Say why one day's interest cannot be rounded first, and the way out; empty where it can."""
    if rests is not None:
        return "daily_first is for simple interest and this interest has rests; use total_only"
    if convention in NO_SINGLE_DAY:
        return f"{convention} has no length of a day's interest; use total_only, or another day count"
    return ""


def _pieces(
    rates: Sequence[DatedRate], steps: Sequence[BalanceStep], frozen: Sequence[tuple[date, date]], start_on: date
) -> list[InterestPiece]:
    """Cut the rate pieces where the balance steps and at `start_on`; leave out what is frozen or has no balance."""
    found = []
    cuts = {start_on} | {step.from_on for step in steps} | {day for span in frozen for day in span}
    for rate in rates:
        inner = sorted(day for day in cuts if rate.from_on < day < rate.until_on)
        for from_on, until_on in pairwise([rate.from_on, *inner, rate.until_on]):
            standing = [step.balance for step in steps if step.from_on <= from_on]
            if not standing or not standing[-1].is_positive:
                continue
            if any(start <= from_on < end for start, end in frozen):
                continue
            found.append(
                InterestPiece(
                    from_on=from_on, until_on=until_on, rate=rate.rate, balance=standing[-1], because=rate.because
                )
            )
    return found


def _day_before(day: date) -> date:
    return date.fromordinal(max(1, day.toordinal() - 1))
