"""Interest on a falling balance: the engines that find a level payment and run it over real periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Final

import attrs

from collectkit._servicing.loan import LoanTerms
from collectkit.core._decimals import own_context
from collectkit.core.calendars import days_in_month
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import exponent_of, round_half_even, rounded
from collectkit.core.rates import days_in_year
from collectkit.core.schedule import exact_level

_STEPS_A_YEAR: Final = {"months": 12, "semimonths": 24, "years": 1, "weeks": 52, "days": 365}
_UNIT_DAYS: Final = {"weeks": 7, "days": 1}

Number = Decimal | Fraction


@attrs.define
class Row:
    """What the engine says of one row, in minor units."""

    principal: int
    interest: int
    balance: int


class Arithmetic:
    """Factors, interest and level payments, in a fixed number of significant digits or exactly."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms = terms
        self.annual = terms.rate.annual
        self.context = None if terms.digits is None or terms.engine != "progressive" else own_context(terms.digits)

    def factor(self, period: tuple[date, date], start: date, end: date) -> Number:
        """Return the interest factor of the days from `start` to `end` of a period."""
        whole_days = (period[1] - period[0]).days
        total: Number = Fraction(0) if self.context is None else Decimal(0)
        for days, year_days in self._years(start, end):
            if self.terms.accrual == "actual_days" or self._is_cut_nominal(start, end):
                share = self._times(Fraction(1), days, year_days)
            elif self.terms.accrual == "equal_periods":
                share = self._times(self.nominal_share(), days, whole_days)
            else:
                nominal = Fraction(self._unit_days(period[0]) * self.terms.every.n, year_days)
                share = self._times(nominal, days, whole_days)
            total = share if self.context is None and not total else self.plus(total, share)
        return total

    def nominal_share(self) -> Fraction:
        """Return the part of a year that one step of the rhythm stands for."""
        return Fraction(self.terms.every.n, _STEPS_A_YEAR[self.terms.every.unit])

    def _unit_days(self, start: date) -> int:
        unit = self.terms.every.unit
        if unit in _UNIT_DAYS:
            return _UNIT_DAYS[unit]
        months = 12 if unit == "years" else 1
        return months * (self.terms.month_days or days_in_month(start.year, start.month))

    def _is_cut_nominal(self, start: date, end: date) -> bool:
        """Say whether nominal days give way to real ones, as they do in a span over the end of a year that is cut."""
        terms = self.terms
        cut = terms.is_split_at_year_end and terms.year_days is None and start.year != end.year
        return cut and terms.accrual == "nominal_month"

    def _years(self, start: date, end: date) -> list[tuple[int, int]]:
        """Cut a span where the length of the year changes: pairs of days and days of the year."""
        fixed = self.terms.year_days
        if fixed is not None or not self.terms.is_split_at_year_end or self.terms.accrual == "equal_periods":
            return [((end - start).days, fixed or days_in_year(start.year))]
        parts = []
        for year in range(start.year, end.year):
            cut = date(year, 12, 31)  # the last day of a year counts to the next one
            parts.append(((cut - start).days, days_in_year(year)))
            start = cut
        parts.append(((end - start).days, days_in_year(end.year)))
        return [part for part in parts if part[0]]

    def _times(self, nominal: Fraction, days: int, of_days: int) -> Number:
        """Return the yearly rate times a nominal share times days / of_days."""
        if self.context is None:
            return self.annual * nominal * Fraction(days, of_days)
        ctx = self.context
        rate = ctx.divide(Decimal(self.annual.numerator), Decimal(self.annual.denominator))
        share = ctx.divide(Decimal(nominal.numerator), Decimal(nominal.denominator))
        return ctx.divide(ctx.multiply(ctx.multiply(rate, share), Decimal(days)), Decimal(of_days))

    def plus(self, left: Number, right: Number) -> Number:
        if self.context is None:
            return Fraction(left) + Fraction(right)
        return self.context.add(Decimal(left), Decimal(right))  # type: ignore[arg-type]  # both are Decimal here

    def interest(self, balance: int, factor: Number) -> int:
        """Return the interest of a balance, rounded half-even to minor units."""
        if isinstance(factor, Fraction):
            return rounded(balance * factor)
        return self._whole(self._context().multiply(Decimal(balance), factor))

    def level(self, balance: int, factors: Sequence[Number]) -> int:
        """Return the level payment over these periods, rounded to minor units and then to the multiple."""
        if self.terms.engine != "progressive":
            rate = self._level_rate()
            return self.to_multiple(rounded(exact_level(balance, [rate] * len(factors))))
        if self.context is None:
            return self.to_multiple(rounded(exact_level(balance, [Fraction(factor) for factor in factors])))
        ctx = self.context
        grown, divisor = Decimal(1), Decimal(1)
        for place, factor in enumerate(factors):
            growth = ctx.add(Decimal(1), Decimal(factor))  # type: ignore[arg-type]  # decimal in this branch
            grown = ctx.multiply(grown, growth)
            if place:
                divisor = ctx.add(Decimal(1), ctx.multiply(divisor, growth))
        return self.to_multiple(self._whole(ctx.divide(ctx.multiply(Decimal(balance), grown), divisor)))

    def to_multiple(self, amount: int) -> int:
        """Round an amount in minor units to the agreed multiple."""
        unit = 1 if self.terms.multiple is None else self.terms.multiple.minor
        return amount if unit == 1 else round_half_even(amount, unit) * unit

    def _level_rate(self) -> Fraction:
        if self.terms.level_days is not None:
            start = self.terms.start_on
            year = self.terms.year_days or (365 if start is None else days_in_year(start.year))
            return self.annual * Fraction(self.terms.level_days * self.terms.every.n, year)
        return self.annual * self.nominal_share()

    def _context(self) -> Context:
        return self.context or own_context(28)

    def _whole(self, value: Decimal) -> int:
        return round_half_even(*value.as_integer_ratio())


@attrs.define
class Facts:
    """What happened to a loan, as far as it moves its balance or its interest."""

    changes: list[tuple[date, int]] = attrs.Factory(list)  # of the balance, draws above zero, early money below
    booked: dict[int, tuple[int, int]] = attrs.Factory(dict)  # row -> principal and interest paid ahead
    whole: dict[int, int] = attrs.Factory(dict)  # row -> principal that its payment decided
    added: dict[int, int] = attrs.Factory(dict)  # row -> principal that came back to it
    bases: dict[int, list[tuple[date, date, int]]] = attrs.Factory(dict)  # row -> days and the balance they bear
    stop_on: date | None = None  # no interest from then on
    recalculated_on: date | None = None
    payments: list[tuple[date, int]] = attrs.Factory(list)


class Declining:
    """Plays the rows of a loan under level payments or equal principal."""

    def __init__(self, terms: LoanTerms, ends: Sequence[date], agreed: int = 0) -> None:
        self.terms = terms
        self.agreed = agreed  # all the money that will be drawn: what a level payment found once is for
        self.math = Arithmetic(terms)
        self.periods = list(zip(terms.starts(ends), ends, strict=True))
        self.count = len(ends)
        self.levels = [0] * self.count
        self.is_drawn = False
        self.facts = Facts()

    # -- what happens ------------------------------------------------------------------------------------------

    def draw(self, on: date, amount: int) -> None:
        """Pay money out and set the level payment: from this row inside a period, else from the next.

        With the factors of real periods it is found anew each time; else once, with the first money and for all of it.
        """
        if on >= self.periods[-1][1]:
            raise InvalidTerms("plans.events", f"no instalment falls due after the drawdown of {on}")
        row = self.row_from(on)
        is_first, self.is_drawn = not self.is_drawn, True
        self.facts.changes.append((on, amount))
        if self.terms.engine != "progressive":
            if is_first:
                self.set_level(row, self.agreed, on)
            return
        before = self.play(until=on)
        # the balance with which the period starts, and whatever was drawn within it
        balance = before[row - 1].balance if row else self._drawn_at(self.periods[0][0], on)
        inside = sum(change for day, change in self.facts.changes if self.periods[row][0] < day <= on)
        self.set_level(row, balance + inside, on)

    def set_level(self, row: int, balance: int, on: date) -> None:
        """Find the level payment for the rows from `row` on, and make it fair where the terms say so."""
        first = max(row, self.terms.principal_grace)
        open_rows = self.count - first
        if self.terms.engine == "equal_principal":
            level = self.math.to_multiple(rounded(Fraction(balance, open_rows)))
            self.levels[first:] = [level] * open_rows
            return
        factors = [self._factor(place) for place in range(first, self.count)]
        level = self.math.level(balance, factors)
        self.levels[first:] = [level] * open_rows
        if self.terms.has_fairness_step and open_rows > 1:
            self._make_fair(first, open_rows, on)

    def _make_fair(self, first: int, open_rows: int, on: date) -> None:
        gap = self._gap(on)
        step = round_half_even(gap, open_rows)
        if 100 * abs(gap) <= open_rows // 2 * 10 ** exponent_of(self.terms.currency) or step == 0:
            return
        old = list(self.levels)
        self.levels[first:] = [self.math.to_multiple(old[first] + step)] * open_rows
        if abs(self._gap(on)) >= abs(gap):
            self.levels = old

    def _gap(self, on: date) -> int:
        rows = self.play(until=on, is_capped=False)
        last, previous = rows[-1], rows[-2]
        return last.principal + last.interest - previous.principal - previous.interest

    def row_from(self, on: date) -> int:
        """Return the row whose period starts on the day or holds it."""
        return next((place for place, (start, end) in enumerate(self.periods) if start <= on < end), self.count - 1)

    def _drawn_at(self, start: date, limit: date) -> int:
        return sum(change for day, change in self.facts.changes if day <= start and day <= limit)

    def _factor(self, row: int) -> Number:
        """Return the factor of a row: the sum of those of its parts, where money drawn within it cuts it."""
        start, end = self.periods[row]
        days = [start, *sorted({day for day, _ in self.facts.changes if start < day < end}), end]
        return reduce(self.math.plus, [self.math.factor((start, end), *part) for part in pairwise(days)])

    # -- the rows ----------------------------------------------------------------------------------------------

    def play(self, until: date | None = None, *, is_capped: bool = True) -> list[Row]:
        """Run all rows, with the changes of the balance up to a day, or all of them; capped, none repays too much."""
        facts = self.facts
        changes = sorted(change for change in facts.changes if until is None or change[0] <= until)
        rows: list[Row] = []
        waiting = deferred = 0  # interest left over by money booked ahead, and that of the rows of the interest grace
        balance = sum(amount for day, amount in changes if day <= self.periods[0][0])
        for place, (start, end) in enumerate(self.periods):
            interest = waiting + self._interest(place, balance, changes, rows)
            inside = sum(amount for day, amount in changes if start < day < end)
            at_end = sum(amount for day, amount in changes if day == end)
            waiting = 0
            early, booked_interest = facts.booked.get(place, (0, 0))
            principal = self._principal(place, balance + inside + early, interest, is_capped=is_capped)
            if early > principal and place < self.count - 1:
                # more was booked ahead than the row would carry: it keeps the booked parts, the rest of its interest waits
                booked_interest = min(booked_interest, interest)
                waiting += interest - booked_interest
                principal, interest = early, booked_interest
            balance += inside - (principal - early) + at_end
            # within the grace a row repays as if its interest were paid; the first row after it collects that
            interest, deferred = (
                (0, deferred + interest) if place < self.terms.interest_grace else (interest + deferred, 0)
            )
            rows.append(Row(principal, interest, balance))
        return rows

    def _principal(self, place: int, balance: int, interest: int, *, is_capped: bool) -> int:
        facts = self.facts
        if place == self.count - 1:
            return balance
        if place in facts.whole:
            return min(facts.whole[place], balance)
        if place < self.terms.principal_grace:
            return facts.added.get(place, 0)
        level = self.levels[place]
        principal = level if self.terms.engine == "equal_principal" else level - interest
        principal += facts.added.get(place, 0)
        return min(principal, balance) if is_capped else principal

    def _interest(self, place: int, balance: int, changes: list[tuple[date, int]], rows: list[Row]) -> int:
        start, end = self.periods[place]
        facts = self.facts
        cuts = {start, end, *(day for day, _ in changes if start < day < end)}
        for on in (facts.stop_on, facts.recalculated_on):
            if on is not None and start < on < end:
                cuts.add(on)
        known = facts.bases.get(place, [])
        for first, last, _ in known:
            cuts |= {day for day in (first, last) if start < day < end}
        if facts.recalculated_on is not None:
            cuts |= {day for day, _ in facts.payments if start < day < end and day < facts.recalculated_on}
        days = sorted(cuts)
        total = 0
        for begin, stop in pairwise(days):
            if facts.stop_on is not None and begin >= facts.stop_on:
                continue
            base = balance + sum(amount for day, amount in changes if start < day <= begin)
            if facts.recalculated_on is not None and stop <= facts.recalculated_on:
                base = self._unpaid(begin, changes, rows)
            for first, last, instead in known:
                if first <= begin and stop <= last:
                    base = instead
            total += self.math.interest(base, self.math.factor((start, end), begin, stop))
        return total

    def _unpaid(self, on: date, changes: list[tuple[date, int]], rows: list[Row]) -> int:
        """Return the principal drawn less what was paid of it by a day, rows paid oldest first, interest before."""
        drawn = sum(amount for day, amount in changes if day <= on and amount > 0)
        left = sum(amount for day, amount in self.facts.payments if day <= on)
        for row in rows:
            left -= min(left, row.interest)
            paid = min(left, row.principal)
            left -= paid
            drawn -= paid
        return drawn

    # -- payments off schedule, for engines that recalculate ---------------------------------------------------

    def pay(self, on: date, amount: int) -> None:
        """Take a payment: on the day it is due, early or late; each has its own effect on the rows that follow."""
        recalculation = self.terms.recalculation
        facts = self.facts
        rows = self.play()
        unpaid = self._open_rows(rows)
        facts.payments.append((on, amount))
        if recalculation is None or self.terms.engine != "cumulative":
            return
        late = [place for place in range(self.count) if self.periods[place][1] < on and sum(unpaid[place]) > 0]
        place = self._row_holding(on)
        if place is None:
            return
        if late:
            self._pay_late(on, amount, place, rows, [unpaid[one] for one in late])
        elif on == self.periods[place][1]:
            total = sum(unpaid[place])
            if recalculation.has_new_level and amount > total and place < self.count - 1:
                facts.whole[place] = rows[place].principal + amount - total
                self.set_level(place + 1, self.play()[place].balance, on)
        elif place < self.count - 1:
            self._pay_early(on, amount, place, rows)

    def _pay_early(self, on: date, amount: int, place: int, rows: list[Row]) -> None:
        facts = self.facts
        start = self.periods[place][0]
        before = rows[place - 1].balance if place else self._drawn_at(start, on)
        inside = sum(change for day, change in facts.changes if start < day <= on)
        amount = min(amount, max(before + inside, 0))  # money beyond the debt waits with the creditor
        facts.changes.append((on, -amount))
        early = facts.booked.get(place, (0, 0))[0] + amount
        facts.booked[place] = (early, 0)
        level = self.levels[place]
        if early >= level:
            facts.whole[place] = early
            self.set_level(place + 1, self.play()[place].balance, on)
        elif early > level - self._interest(place, before, sorted(facts.changes), rows[:place]):
            facts.whole[place] = early

    def _pay_late(self, on: date, amount: int, place: int, rows: list[Row], late: list[tuple[int, int]]) -> None:
        start, end = self.periods[place]
        changes = self.facts.changes
        before = self.facts.payments[:-1]
        drawn = sum(change for day, change in changes if day <= start and change > 0)
        base = drawn - self._paid_principal(before, rows)
        interest = sum(part for _, part in late)
        due = interest + sum(part for part, _ in late)
        # from the payment on the schedule holds again, less what the payment was above all that was late
        after = (rows[place - 1].balance if place else base) - max(amount - due, 0)
        if self.terms.recalculation is not None and self.terms.recalculation.is_compounding:
            base += interest
        self.facts.bases.setdefault(place, []).extend([(start, on, base), (on, end, max(after, 0))])

    def _paid_principal(self, payments: Sequence[tuple[date, int]], rows: Sequence[Row]) -> int:
        left, paid = sum(amount for _, amount in payments), 0
        for row in rows:
            left -= min(left, row.interest)
            part = min(left, row.principal)
            left -= part
            paid += part
        return paid

    def _open_rows(self, rows: Sequence[Row]) -> list[tuple[int, int]]:
        """Return what is unpaid of each row's principal and interest."""
        left = sum(amount for _, amount in self.facts.payments)
        open_rows = []
        for row in rows:
            interest = min(left, row.interest)
            left -= interest
            principal = min(left, row.principal)
            left -= principal
            open_rows.append((row.principal - principal, row.interest - interest))
        return open_rows

    def _row_holding(self, on: date) -> int | None:
        return next((place for place, (start, end) in enumerate(self.periods) if start < on <= end), None)
