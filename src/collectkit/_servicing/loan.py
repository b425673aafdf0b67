"""Loans with drawdowns that are serviced by dated events, in the manner of the common loan engines.

`plans` builds what is agreed once. A loan of a core-banking ledger lives longer: money is drawn more than once, paid
early or late, charged back, re-aged. `loan_rows` replays such events over its terms and gives the rows as they then
stand. The rules are those of the engines that ledgers come from, so that a schedule made there can be checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import attrs

from collectkit.core.calendars import Every, MonthEnd
from collectkit.core.checks import (
    as_tuple,
    instance_of,
    one_of,
    optional,
    plain_date,
    positive_int,
    require_date,
    true_or_false,
    whole,
)
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money, exponent_of
from collectkit.core.rates import Rate
from collectkit.core.schedule import DueDates, require_count

Engine = Literal["progressive", "cumulative", "equal_principal", "flat", "plain"]
"""How level payments are found: from the factors of the real periods in a fixed number of digits (`progressive`), anew
with each drawdown; or once, from one nominal period rate and all that is drawn (`cumulative`; `equal_principal`
divides that sum); or not at all (`flat`). `plain` rounds nothing but what it shows, and shows the loan as agreed:
nothing counts but the money drawn."""

Accrual = Literal["equal_periods", "nominal_month", "actual_days"]
LateCharge = Literal["fee", "late_fee"]


def _no_less_than_nothing(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    instance_of(Money)(instance, attribute, value)
    if isinstance(value, Money) and value.minor < 0:
        raise InvalidTerms("plans.amount", f"{attribute.name} is {value}; a sum that happens to a loan is zero or more")


@attrs.frozen(kw_only=True)
class Recalculation:
    """What a payment off schedule changes.

    `payoff_interest`: up to which day interest runs when the loan is paid off. `has_new_level`: a payment above the
    instalment lowers the instalments that follow. `is_compounding`: interest unpaid joins the base of interest.
    """

    payoff_interest: Literal["to_payoff_day", "to_period_end"] = attrs.field(
        default="to_payoff_day", validator=one_of(("to_payoff_day", "to_period_end"))
    )
    has_new_level: bool = attrs.field(default=False, validator=true_or_false)
    is_compounding: bool = attrs.field(default=False, validator=true_or_false)


@attrs.frozen(kw_only=True)
class LoanTerms:
    """The terms of a serviced loan; `start_on` may be missing for the `plain` engine alone.

    `year_days` is 360, 364, 365 or None for 365 and 366 as the year has it, `month_days` 30 or None for the month's
    own; `is_split_at_year_end` takes each year's own length. `level_days` of 30 finds the payment of the `cumulative`
    engine from months of 30 days. `digits` are significant digits of the `progressive` engine; None is exact. Within
    `interest_grace` a row repays principal as if its interest were paid; the first row after it collects that interest.
    """

    currency: str = attrs.field()
    rate: Rate = attrs.field(validator=instance_of(Rate))
    instalments: int
    every: Every = attrs.field(validator=instance_of(Every))
    engine: Engine = attrs.field(validator=one_of(get_args(Engine)))
    start_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    first_due_on: date | None = attrs.field(default=None, validator=optional(plain_date))
    due_on: tuple[date, ...] = attrs.field(default=(), converter=as_tuple)
    month_end: MonthEnd = attrs.field(default="clamp", validator=one_of(get_args(MonthEnd)))
    digits: int | None = attrs.field(default=None, validator=optional(positive_int))
    multiple: Money | None = attrs.field(default=None, validator=optional(instance_of(Money)))
    has_fairness_step: bool = attrs.field(default=False, validator=true_or_false)
    accrual: Accrual = attrs.field(default="equal_periods", validator=one_of(get_args(Accrual)))
    year_days: int | None = attrs.field(default=None, validator=optional(positive_int))
    month_days: int | None = attrs.field(default=None, validator=optional(positive_int))
    is_split_at_year_end: bool = attrs.field(default=False, validator=true_or_false)
    level_days: int | None = attrs.field(default=None, validator=optional(positive_int))
    principal_grace: int = attrs.field(default=0, validator=whole)
    interest_grace: int = attrs.field(default=0, validator=whole)
    down_payment: Fraction = attrs.field(default=Fraction(0), validator=instance_of(Fraction))
    is_down_payment_paid: bool = attrs.field(default=False, validator=true_or_false)
    recalculation: Recalculation | None = attrs.field(default=None, validator=optional(instance_of(Recalculation)))

    def __attrs_post_init__(self) -> None:
        exponent_of(self.currency)
        require_count(self.instalments)
        if self.start_on is None and self.engine != "plain":
            raise InvalidTerms("plans.dates", "a loan needs the day on which its first period starts: start_on")
        if self.due_on and len(self.due_on) != self.instalments:
            raise InvalidTerms("plans.dates", f"{len(self.due_on)} due dates for {self.instalments} instalments")
        days = [require_date(day, "due_on") for day in self.due_on]
        if any(later <= earlier for earlier, later in pairwise([*([self.start_on] if self.start_on else []), *days])):
            raise InvalidTerms("plans.dates", "due_on ascends from a day after start_on")
        if self.first_due_on is not None and self.start_on is not None and self.first_due_on <= self.start_on:
            raise InvalidTerms(
                "plans.dates", f"the first instalment falls due on {self.first_due_on}, not after {self.start_on}"
            )
        if self.multiple is not None and self.multiple.currency != self.currency:
            raise CurrencyMismatch(self.currency, self.multiple.currency, "put into one loan")
        if self.multiple is not None and self.multiple.minor <= 0:
            raise InvalidTerms("plans.multiple", "instalments are multiples of a sum above zero; leave multiple out")
        if not 0 <= self.down_payment < 1:
            raise InvalidTerms("plans.down_payment", "a down payment is a share of 0 or more and below 1")
        if not 0 <= self.principal_grace < self.instalments or not 0 <= self.interest_grace < self.instalments:
            raise InvalidTerms("plans.deferral", "a grace of all instalments leaves none to pay the loan off")

    def dates(self) -> tuple[date, ...]:
        """List the due dates as agreed, before anything was moved."""
        if self.start_on is None:
            return ()
        if self.due_on:
            return self.due_on
        first, start = self.first_due_on, self.start_on
        if first is None or first == self.every.date(anchor=start, number=1, month_end=self.month_end):
            return DueDates(start, self.every, self.instalments, 1, self.month_end)()
        return DueDates(first, self.every, self.instalments, 0, self.month_end)()

    def starts(self, ends: Sequence[date]) -> list[date]:
        """List the starts of the periods: the end before, or the step of the rhythm where a listed date lies earlier.

        A row whose date was moved forward so ends its own period sooner; it does not begin the next one sooner.
        """
        start_on = self.start_on or ends[0]  # only the engine without dates may lack a start
        starts = [start_on, *ends[:-1]]
        if not self.due_on:
            return starts
        steps = self.every.dates(anchor=start_on, count=len(ends), first=0, month_end=self.month_end)
        return [max(pair) for pair in zip(starts, steps, strict=True)]


# -- what happens to a loan ------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Posted:
    """What every event of a loan may say: its number among the postings of its day, where a ledger keeps one."""

    sequence: int = attrs.field(default=0, validator=whole)


@attrs.frozen(kw_only=True)
class Drawdown(_Posted):
    """Money paid out to the debtor; without a day, at the start."""

    on: date | None = attrs.field(default=None, validator=optional(plain_date))
    amount: Money = attrs.field(validator=_no_less_than_nothing)


@attrs.frozen(kw_only=True)
class LoanPayment(_Posted):
    """Money paid; it goes to late fees, fees, interest, principal, of the oldest row first."""

    on: date = attrs.field(validator=plain_date)
    amount: Money = attrs.field(validator=_no_less_than_nothing)


@attrs.frozen(kw_only=True)
class EarlyPayment(_Posted):
    """Money paid ahead of its row, in parts booked to the row due `for_due_on`; the balance falls at once."""

    on: date = attrs.field(validator=plain_date)
    for_due_on: date = attrs.field(validator=plain_date)
    principal: Money = attrs.field(validator=_no_less_than_nothing)
    interest: Money = attrs.field(validator=_no_less_than_nothing)


@attrs.frozen(kw_only=True)
class Payoff(_Posted):
    """The loan is paid off on that day: no interest runs after it, or after the end of its period; flat interest stays."""

    on: date = attrs.field(validator=plain_date)


@attrs.frozen(kw_only=True)
class Recalculated(_Posted):
    """Up to that day interest is reckoned on the principal that is really unpaid; flat interest stays."""

    on: date = attrs.field(validator=plain_date)


@attrs.frozen(kw_only=True)
class Charged(_Posted):
    """A sum is charged: it sits in the row whose period holds the day, or in the one that comes after the last."""

    on: date = attrs.field(validator=plain_date)
    component: LateCharge = attrs.field(validator=one_of(get_args(LateCharge)))
    amount: Money = attrs.field(validator=_no_less_than_nothing)


@attrs.frozen(kw_only=True)
class ChargedShare(_Posted):
    """A share of principal or interest is charged: of the whole plan in one sum, of each row, or of overdue rows."""

    on: date = attrs.field(validator=plain_date)
    component: LateCharge = attrs.field(validator=one_of(get_args(LateCharge)))
    share: Fraction = attrs.field(validator=instance_of(Fraction))
    base: tuple[Literal["principal", "interest"], ...] = attrs.field(converter=as_tuple)
    over: Literal["plan", "each_row", "overdue_rows"] = attrs.field(
        default="plan", validator=one_of(("plan", "each_row", "overdue_rows"))
    )

    def __attrs_post_init__(self) -> None:
        if self.share < 0:
            raise InvalidTerms("plans.amount", f"a share of {self.share} cannot be charged; it is zero or more")
        if not self.base or not set(self.base) <= {"principal", "interest"}:
            raise InvalidTerms("plans.amounts", "a share is charged of a base of principal, of interest, or of both")


@attrs.frozen(kw_only=True)
class ChargedOff(_Posted):
    """The creditor books a loss; the claim lives, so no row changes."""

    on: date = attrs.field(validator=plain_date)


@attrs.frozen(kw_only=True)
class ChargedBack(_Posted):
    """Money once paid was taken back: it joins the next instalment and the balance; after the last, a row of then.

    Money paid beyond all that is owed covers it first: where that is enough, no row changes. Who took it knows what
    was paid, so the sum is not held against the payments that are given.
    """

    on: date = attrs.field(validator=plain_date)
    amount: Money = attrs.field(validator=_no_less_than_nothing)


@attrs.frozen(kw_only=True)
class ReAged(_Posted):
    """What is unpaid leaves its rows and is spread over new ones."""

    on: date = attrs.field(validator=plain_date)
    first_due_on: date = attrs.field(validator=plain_date)
    instalments: int = attrs.field(validator=positive_int)
    every: Every = attrs.field(validator=instance_of(Every))


@attrs.frozen(kw_only=True)
class Reamortised(_Posted):
    """What is unpaid of rows due on that day or before is divided equally among the later rows."""

    on: date = attrs.field(validator=plain_date)


@attrs.frozen(kw_only=True)
class Rescheduled(_Posted):
    """The row due `from_due_on` moves to `to_due_on`, and the later ones follow in the same rhythm.

    Whatever else happens meets the rows as they stand in the end: a drawdown is spread over what falls due after it.
    """

    on: date = attrs.field(validator=plain_date)
    from_due_on: date = attrs.field(validator=plain_date)
    to_due_on: date = attrs.field(validator=plain_date)


LoanEvent: TypeAlias = (
    Drawdown
    | LoanPayment
    | EarlyPayment
    | Payoff
    | Recalculated
    | Charged
    | ChargedShare
    | ChargedOff
    | ChargedBack
    | ReAged
    | Reamortised
    | Rescheduled
)
"""What can happen to a loan. Each may carry a `sequence`, its number among the postings of its day; see `loan_rows`."""


@attrs.frozen(kw_only=True)
class LoanRow:
    """One row of a serviced loan as it stands after all events; a row can be zero when its sum was moved.

    `total` is the sum of the parts, except with the `plain` engine, which rounds each figure for itself.
    """

    number: int
    from_on: date | None
    due_on: date | None
    days: int | None
    principal: Money
    interest: Money
    fee: Money
    late_fee: Money
    total: Money
    balance: Money
