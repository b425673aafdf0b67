"""Schedules: dated rows of principal, interest and fee that close to the minor unit.

Columns lie inside, rows are made on access: a schedule of 360 rows of which three are read costs three rows. Nothing
here knows why a plan was agreed or whether it was kept; see `plans` and `servicing`.

    Instalment    one dated part
    Schedule      the rows, with their sums
    level_schedule, level_balances    equal payments at one rate per period, worked out when first looked at
    roll          a debt over periods of any factor, under any payments

All arithmetic is on whole minor units and exact fractions. Interest of a row is the balance before it times the
period's factor, rounded once; the last row takes the whole balance, so principal sums to the debt by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import accumulate, repeat, starmap
from operator import add, sub
from typing import Final, overload

import attrs

from collectkit.core._kernel import (
    Factor,
    exact_level,
    graduated_exact,
    graduated_payments,
    level_balances,
    level_bounds,
    level_whole,
    roll,
    whole_rounder,
)
from collectkit.core.calendars import Every, MonthEnd, add_months, month_dates
from collectkit.core.checks import non_negative_int, plain_date, positive_int
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money, exponent_of, round_half_even

__all__ = [
    "MAX_INSTALMENTS",
    "DueDates",
    "Factor",
    "Instalment",
    "Schedule",
    "exact_level",
    "graduated_exact",
    "graduated_payments",
    "level_balances",
    "level_bounds",
    "level_schedule",
    "level_whole",
    "require_count",
    "roll",
    "whole_rounder",
]

MAX_INSTALMENTS: Final = 10_000  # 27 years of daily parts; a larger count is a slip, refused before memory is taken
_UNEVEN: Final = "a schedule needs one or more rows, and columns of one length"


def require_count(value: object, *, at_least: int = 1) -> int:
    """Return a number of instalments that can stand.

    Raises:
        InvalidTerms: `plans.count` for anything but a whole number of 1 or more; `plans.too_many` above 10,000.
    """
    if type(value) is not int or value < at_least:
        shown = value if type(value) is int else type(value).__name__
        raise InvalidTerms(
            "plans.count", f"{shown} instalments cannot be laid out; give a whole number of {at_least} or more"
        )
    if value > MAX_INSTALMENTS:
        raise InvalidTerms(
            "plans.too_many",
            f"{value} instalments are over the limit of {MAX_INSTALMENTS}; widen the rhythm, or check the count",
            given=value,
            limit=MAX_INSTALMENTS,
        )
    return value


# -- rows ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, weakref_slot=False)
class Instalment:
    """One dated part of a plan; figures are whole minor units inside and `Money` outside.

    `balance` is what is left to pay of the principal after this part. Numbers start at 1.

    >>> row = Instalment(number=1, due_on=date(2026, 2, 1), principal_minor=8300, interest_minor=133, currency="EUR")
    >>> row.principal, row.interest, row.total
    (Money(8300, 'EUR'), Money(133, 'EUR'), Money(8433, 'EUR'))

    Raises:
        InvalidRecord: a negative part or a number below 1.
        InvalidDate: `due_on` is no plain date.
    """

    number: int = attrs.field(validator=positive_int)
    due_on: date = attrs.field(validator=plain_date)
    principal_minor: int = attrs.field(validator=non_negative_int)
    interest_minor: int = attrs.field(default=0, validator=non_negative_int)
    fee_minor: int = attrs.field(default=0, validator=non_negative_int)
    balance_minor: int = attrs.field(default=0, validator=non_negative_int)
    currency: str = attrs.field()

    @currency.validator
    def _check_currency(self, _attribute: object, value: str) -> None:
        exponent_of(value)

    @property
    def principal(self) -> Money:
        """Return the part of the debt that this instalment pays."""
        return Money(self.principal_minor, self.currency)

    @property
    def interest(self) -> Money:
        """Return the interest in this instalment."""
        return Money(self.interest_minor, self.currency)

    @property
    def fee(self) -> Money:
        """Return the fee in this instalment."""
        return Money(self.fee_minor, self.currency)

    @property
    def total(self) -> Money:
        """Return what is to be paid on the day: principal, interest and fee."""
        return Money(self.principal_minor + self.interest_minor + self.fee_minor, self.currency)

    @property
    def balance(self) -> Money:
        """Return the principal that is left after this instalment."""
        return Money(self.balance_minor, self.currency)


@attrs.define(init=False, weakref_slot=False, eq=False, repr=False)
class _Row:
    """The mutable twin of `Instalment`, with the same slots in the same order.

    Freezing costs a call of `object.__setattr__` per field; a twin that is filled and then changes its class is frozen
    at a sixth of the price. Validators are bypassed, so only figures made here go this way.
    """

    number: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    balance_minor: int
    currency: str


def _row(number: int, due_on: date, principal: int, interest: int, fee: int, balance: int, currency: str) -> Instalment:
    """Make a row of figures that are known to stand."""
    row = _Row()
    row.number = number
    row.due_on = due_on
    row.principal_minor = principal
    row.interest_minor = interest
    row.fee_minor = fee
    row.balance_minor = balance
    row.currency = currency
    row.__class__ = Instalment  # type: ignore[assignment]  # same slots; see _Row
    return row  # type: ignore[return-value]  # it is one now


# -- due dates -------------------------------------------------------------------------------------------------


@attrs.frozen
class DueDates:
    """Due dates in one rhythm: `count` of them, the first `first` steps after the anchor.

    Each is reckoned from the anchor, never from the one before, so the 31st comes back after February. They are made
    when they are looked at; called, it lists them all.

    >>> [str(day) for day in DueDates(date(2026, 1, 31), Every(1, "months"), 3)()]
    ['2026-02-28', '2026-03-31', '2026-04-30']

    Raises:
        InvalidDate: `calendars.out_of_range` where the last one lies past the year 9999.
    """

    anchor: date
    every: Every
    count: int
    first: int = 1
    month_end: MonthEnd = "clamp"

    def __call__(self) -> tuple[date, ...]:
        """List the days."""
        every, anchor, end = self.every, self.anchor, self.month_end
        if every.unit == "months" and every.n == 1:
            return tuple(month_dates(anchor, self.count, first=self.first, month_end=end))
        return tuple(every.dates(anchor=anchor, count=self.count, first=self.first, month_end=end))

    def at(self, place: int) -> date:
        """Return one day; `place` counts from 0."""
        every, number = self.every, self.first + place
        if every.unit == "months":
            return add_months(self.anchor, number * every.n, month_end=self.month_end)
        return every.date(anchor=self.anchor, number=number, month_end=self.month_end)


# -- the schedule ----------------------------------------------------------------------------------------------


class Schedule(Sequence[Instalment]):
    """Dated rows that pay a debt off to the last minor unit; columns inside, rows on access, nothing to assign to.

    `schedule[0]` is instalment 1. Reading a few rows by index makes only those; iterating makes all of them in bulk.
    Two schedules are equal when all their rows are.

    >>> plan = Schedule.from_rows(
    ...     [
    ...         Instalment(number=1, due_on=date(2026, 2, 28), principal_minor=500, currency="EUR"),
    ...         Instalment(number=2, due_on=date(2026, 3, 31), principal_minor=501, currency="EUR"),
    ...     ]
    ... )
    >>> plan.principal, plan[-1].balance, len(plan)
    (Money(1001, 'EUR'), Money(0, 'EUR'), 2)
    """

    __slots__ = (
        "_balances",
        "_count",
        "_currency",
        "_dates",
        "_days",
        "_fees",
        "_interest",
        "_joined",
        "_level",
        "_opening",
    )

    _opening: int
    _currency: str
    _count: int
    _balances: Sequence[int] | None
    _interest: Sequence[int] | None
    _fees: Sequence[int] | None
    _dates: DueDates | tuple[date, ...]
    _days: tuple[date, ...] | None
    _level: tuple[int, int, int] | None
    _joined: tuple[tuple[int, int], ...]

    def __init__(
        self,
        *,
        principal: Money,
        principal_parts: Sequence[int],
        interest_parts: Sequence[int],
        fee_parts: Sequence[int] | None = None,
        due_on: Sequence[date] | DueDates,
        joined: Sequence[tuple[int, Money]] = (),
    ) -> None:
        """Take the columns in minor units; `joined` are sums added to the debt, each after so many rows.

        `principal` is the debt at the start; `due_on` may be a rhythm, whose dates are made when they are wanted.

        Raises:
            InvalidTerms: `plans.columns` when the columns differ in length or the parts do not sum to `principal`.
        """
        count = len(principal_parts)
        lengths = {count, len(interest_parts), count if fee_parts is None else len(fee_parts)}
        if not isinstance(due_on, DueDates):
            due_on = tuple(due_on)
        lengths.add(due_on.count if isinstance(due_on, DueDates) else len(due_on))
        if len(lengths) != 1 or not count:
            raise InvalidTerms("plans.columns", _UNEVEN)
        balances = list(accumulate(principal_parts, sub, initial=principal.minor))[1:]
        for rows, more in joined:
            if not 0 < rows < count or more.currency != principal.currency:
                raise InvalidTerms(
                    "plans.columns", "debt can join after a row and before another, in the same currency"
                )
            balances[rows:] = [balance + more.minor for balance in balances[rows:]]
        if balances[-1] != 0:
            raise InvalidTerms(
                "plans.columns",
                f"the parts of principal miss the debt of {principal} by {Money(balances[-1], principal.currency)}",
            )
        self._fill(principal.minor, principal.currency, count, balances, tuple(interest_parts), fee_parts, due_on, None)
        self._joined = tuple((rows, more.minor) for rows, more in joined)

    def _fill(
        self,
        opening: int,
        currency: str,
        count: int,
        balances: Sequence[int] | None,
        interest: Sequence[int] | None,
        fees: Sequence[int] | None,
        dates: DueDates | tuple[date, ...],
        level: tuple[int, int, int] | None,
    ) -> None:
        self._opening = opening
        self._currency = currency
        self._count = count
        self._balances = balances
        self._interest = interest
        self._fees = None if fees is None or not any(fees) else tuple(fees)
        self._dates = dates
        self._days = None
        self._joined = ()
        self._level = level

    @classmethod
    def from_rows(cls, rows: Iterable[Instalment], *, joined: Sequence[tuple[int, Money]] = ()) -> Schedule:
        """Build a schedule from instalments, numbered 1, 2, 3 ... in the order of their dates.

        The balances are worked out anew from the principal, whatever the rows said. `joined` is debt that came to the
        rest after so many rows.

        Raises:
            InvalidTerms: `plans.columns` without rows; `plans.dates` where numbers or dates do not ascend.
            CurrencyMismatch: rows of two currencies.
        """
        made = tuple(rows)
        if not made:
            raise InvalidTerms("plans.columns", "a schedule needs one or more rows")
        currency = made[0].currency
        for number, row in enumerate(made, start=1):
            if row.currency != currency:
                raise CurrencyMismatch(currency, row.currency, "put into one schedule")
            if row.number != number or (number > 1 and row.due_on < made[number - 2].due_on):
                raise InvalidTerms(
                    "plans.dates", f"row {number} is numbered {row.number}, due {row.due_on}; number rows by due date"
                )
        return cls(
            principal=Money(sum(row.principal_minor for row in made) - sum(more.minor for _, more in joined), currency),
            joined=joined,
            principal_parts=[row.principal_minor for row in made],
            interest_parts=[row.interest_minor for row in made],
            fee_parts=[row.fee_minor for row in made],
            due_on=[row.due_on for row in made],
        )

    # -- sums --------------------------------------------------------------------------------------------------

    @property
    def currency(self) -> str:
        """Return the currency of every row."""
        return self._currency

    @property
    def principal(self) -> Money:
        """Return the debt that the rows pay off, with what joined it on the way."""
        return Money(self._debt, self._currency)

    @property
    def _debt(self) -> int:
        return self._opening + sum(more for _, more in self._joined) if self._joined else self._opening

    @property
    def interest(self) -> Money:
        """Return the interest of all rows."""
        return Money(sum(self.interest_parts), self._currency)

    @property
    def fees(self) -> Money:
        """Return the fees of all rows."""
        return Money(sum(self._fees or ()), self._currency)

    @property
    def total(self) -> Money:
        """Return everything that is to be paid: principal, interest and fees of all rows."""
        return Money(self._debt + sum(self.interest_parts) + sum(self._fees or ()), self._currency)

    @property
    def level_payment(self) -> Money | None:
        """Return the equal payment without fees where there is one; None for other shapes.

        The last row may differ by the rounding of all the others.
        """
        return None if self._level is None else Money(self._level[2], self._currency)

    @property
    def level(self) -> tuple[int, int, int] | None:
        """Return numerator and denominator of the rate per period and the payment, of a level schedule; else None."""
        return self._level

    # -- columns -----------------------------------------------------------------------------------------------

    @property
    def balances(self) -> Sequence[int]:
        """Return what is left of the principal after each row, in minor units."""
        made = self._balances
        if made is None:
            numerator, denominator, payment = self._level or (0, 1, 0)
            made = level_balances(self._opening, numerator, denominator, payment, self._count)
            self._balances = made  # worked out once; the schedule's value does not change
        return made

    def balance_before(self, place: int) -> int:
        """Return the principal open before a row, in minor units; `place` counts from 0."""
        joined = sum(more for rows, more in self._joined if rows == place) if self._joined else 0
        return (self.balances[place - 1] if place else self._opening) + joined

    @property
    def principal_parts(self) -> Sequence[int]:
        """Return the principal of each row, in minor units."""
        balances = self.balances
        parts = list(map(sub, (self._opening, *balances[:-1]), balances))
        for rows, more in self._joined:
            parts[rows] += more
        return parts

    @property
    def interest_parts(self) -> Sequence[int]:
        """Return the interest of each row, in minor units."""
        if self._interest is None:
            self._interest = tuple(self._level_interest(self.principal_parts))
        return self._interest or ()

    @property
    def fee_parts(self) -> Sequence[int]:
        """Return the fee of each row, in minor units."""
        return self._fees or (0,) * self._count

    @property
    def payments(self) -> Sequence[int]:
        """Return what each row asks for in all, in minor units."""
        with_interest = list(map(add, self.principal_parts, self.interest_parts))
        return with_interest if self._fees is None else list(map(add, with_interest, self._fees))

    @property
    def rhythm(self) -> DueDates | None:
        """Return the rhythm of the due dates where they are made by one on demand, else None."""
        return self._dates if isinstance(self._dates, DueDates) else None

    @property
    def due_on(self) -> tuple[date, ...]:
        """Return the due dates."""
        made = self._days
        if made is None:
            dates = self._dates
            made = dates() if callable(dates) else dates
            self._days = made
        return made

    # -- rows --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Instalment: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Instalment, ...]: ...
    def __getitem__(self, index: int | slice) -> Instalment | tuple[Instalment, ...]:
        if isinstance(index, slice):
            return tuple(self._rows())[index]
        place = range(self._count)[index]
        balances = self.balances
        principal = self.balance_before(place) - balances[place]
        if self._interest is not None:
            interest = self._interest[place]
        else:
            numerator, denominator, payment = self._level or (0, 1, 0)
            is_last = place == self._count - 1
            interest = round_half_even(principal * numerator, denominator) if is_last else payment - principal
        fee = self._fees[place] if self._fees else 0
        return _row(place + 1, self._date(place), principal, interest, fee, balances[place], self._currency)

    def _date(self, place: int) -> date:
        dates = self._dates
        if self._days is None and isinstance(dates, DueDates):  # one date without making the others
            return dates.at(place)
        return self.due_on[place]

    def _rows(self) -> list[Instalment]:
        interest = self._interest
        if interest is None:
            return self._level_rows()
        columns = zip(
            range(1, self._count + 1),
            self.due_on,
            self.principal_parts,
            interest,
            self._fees or repeat(0),
            self.balances,
            repeat(self._currency),
            strict=False,  # the columns are of one length; the repeats never end
        )
        return list(starmap(_row, columns))

    def _level_rows(self) -> list[Instalment]:
        """Make the rows of a level schedule in one pass over its days and balances, without the columns between."""
        numerator, denominator, payment = self._level or (0, 1, 0)
        number, before, currency = 0, self._opening, self._currency
        rows = []
        for due_on, balance in zip(self.due_on, self.balances, strict=True):
            row = _Row()  # filled here: a call for each row would cost a quarter more
            row.number = number = number + 1
            row.due_on = due_on
            row.principal_minor = principal = before - balance
            row.interest_minor = payment - principal
            row.fee_minor = 0
            row.balance_minor = before = balance
            row.currency = currency
            rows.append(row)
        rows[-1].interest_minor = round_half_even(rows[-1].principal_minor * numerator, denominator)
        for row in rows:
            row.__class__ = Instalment  # type: ignore[assignment]  # same slots; see _Row
        return rows  # type: ignore[return-value]  # each is one now

    def _level_interest(self, principal: Sequence[int]) -> Sequence[int]:
        """Return the interest of level rows: what the payment leaves over; the last row pays what its balance bears."""
        numerator, denominator, payment = self._level or (0, 1, 0)
        parts = [payment - part for part in principal]
        parts[-1] = round_half_even(principal[-1] * numerator, denominator)
        return parts

    def __iter__(self) -> Iterator[Instalment]:
        return iter(self._rows())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        columns = (self.due_on, tuple(self.balances), tuple(self.interest_parts), tuple(self.fee_parts))
        return (self._currency, self._opening, self._joined, *columns)

    def __reduce__(self) -> tuple[Callable[..., Schedule], tuple[list[Instalment], tuple[tuple[int, Money], ...]]]:
        joined = tuple((rows, Money(more, self._currency)) for rows, more in self._joined)
        return _remade, (self._rows(), joined)

    def __repr__(self) -> str:
        dates = self.due_on
        return f"<Schedule of {self._count}, {self.principal} from {dates[0]} to {dates[-1]}>"


def _remade(rows: list[Instalment], joined: tuple[tuple[int, Money], ...]) -> Schedule:
    return Schedule.from_rows(rows, joined=joined)


# -- the arithmetic --------------------------------------------------------------------------------------------


def level_schedule(
    *, principal: Money, period_rate: Factor, payment: int, count: int, due_on: Sequence[date] | DueDates
) -> Schedule:
    """Lay out equal payments at one rate per period; the rows are worked out when first looked at.

    `period_rate` is numerator and denominator in lowest terms, `payment` what every row but the last asks for, in
    minor units; see `interest.level_payment`. The last row takes what is left. Nothing is proven here: that each
    payment exceeds its interest is for `plans` to say.

    >>> made = level_schedule(
    ...     principal=Money(10000, "EUR"),
    ...     period_rate=(1, 100),
    ...     payment=3400,
    ...     count=3,
    ...     due_on=DueDates(date(2026, 1, 31), Every(1, "months"), 3),
    ... )
    >>> made.level_payment, made[2].total
    (Money(3400, 'EUR'), Money(3401, 'EUR'))

    Raises:
        InvalidTerms: `plans.columns` without rows, or with more or fewer due dates than rows.
    """
    dates = due_on if isinstance(due_on, DueDates) else tuple(due_on)
    if count < 1 or (dates.count if isinstance(dates, DueDates) else len(dates)) != count:
        raise InvalidTerms("plans.columns", _UNEVEN)
    made = Schedule.__new__(Schedule)
    made._fill(principal.minor, principal.currency, count, None, None, None, dates, (*period_rate, payment))
    return made
