"""The search for a level sum and a number of rows, such that the last row keeps to the limits as well.

For a fixed number of rows the last one falls as the level rises, so both ends of what fits are found by halving.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

import attrs

from collectkit._plans.terms import Periods, PlanTerms
from collectkit.core.schedule import Factor, whole_rounder

_ONE: Final = 1 << 160
_LEAST_WORTH: Final = 1 << 60  # each row cuts off less than 1, and there are some thousands
_ROWS_RUN: Final = 1_500_000  # rows after which a search takes longer than anyone waits for it


@attrs.frozen
class Fit:
    """A number of rows, and what each but the last pays before its fee; None for what the terms' own rule makes."""

    rows: int
    level: int | None
    is_sure: bool = True  # False where better numbers of rows were passed over, for want of time


@attrs.frozen(kw_only=True, slots=False)
class Limits:
    """What a level and a last row must keep to, in minor units; `affordable` and `least` hold the fee, the rest does not.

    `count` is the most rows allowed, `gap` the most by which the last may differ from the level.
    """

    draft: PlanTerms
    periods: Periods
    count: int
    affordable: int
    least: int
    unit: int
    gap: int | None

    @property
    def fee(self) -> int:
        """Return the fee that each row holds."""
        return 0 if self.draft.fee_each is None else self.draft.fee_each.minor

    @property
    def last_min(self) -> int:
        """Return the least that the last row may pay."""
        return max(self.least - self.fee, 1)

    @property
    def last_max(self) -> int:
        """Return the most that the last row may pay."""
        return self.affordable - self.fee

    @property
    def level_min(self) -> int:
        """Return the least level: of whole steps with its fee."""
        return -(-max(self.least, self.fee + 1) // self.unit) * self.unit - self.fee

    @property
    def level_max(self) -> int:
        """Return the greatest level that is affordable: of whole steps with its fee."""
        return self.affordable // self.unit * self.unit - self.fee

    @cached_property
    def _factors(self) -> list[Factor]:
        return [(factor.numerator, factor.denominator) for factor in self.periods.factors]

    @cached_property
    def _round(self) -> Callable[[int, int], int]:
        return whole_rounder(self.draft.rounding)

    @property
    def whole(self) -> int:
        """Return what one payment of everything, on the first due date, comes to before its fee."""
        return self.last(0, 1) or 0

    # -- where a level can lie ---------------------------------------------------------------------------------------

    @cached_property
    def _discounts(self) -> list[tuple[int, int]] | None:
        """Return for each row what 1 paid there is worth at the start, and the sum so far; None where rows interact."""
        if self.draft.day_count == "30E/360-isda":  # the last period is another one for each number of rows
            return None
        worth, total, found = _ONE, 0, []
        for numerator, denominator in self._factors[: self.count]:
            worth = worth * denominator // (denominator + numerator)
            total += worth
            found.append((worth, total))
        return found

    def _near(self, rows: int) -> tuple[int, int] | None:
        """Return two levels outside of which the gap is too wide, however interest is rounded; None where unknown.

        The gap is what the level is off the exact one times what payments of 1 grow to, and one unit of rounding a row
        grows to no more than that.
        """
        if self._discounts is None or self.gap is None:
            return None
        worth, total = self._discounts[rows - 1]
        if worth < _LEAST_WORTH:  # too much was cut off to be told apart
            return None
        exact = self.draft.financed.minor * _ONE // total
        wide = 3 + self.gap * (worth + rows) // total
        return exact - wide, exact + wide

    def _step(self, level: int) -> int:
        """Return the greatest level of whole steps with its fee that is no more than `level`."""
        return (level + self.fee) // self.unit * self.unit - self.fee

    # -- what a level comes to ---------------------------------------------------------------------------------------

    def _closing(self, rows: int) -> Factor:
        """Return the factor of a period that is the last: one day count ends a plan on the last of February otherwise."""
        if self.draft.day_count == "30E/360-isda" and rows < len(self._factors):
            since, until = self.periods.from_on[rows - 1 : rows + 1]
            if until.month == 2:
                alone = attrs.evolve(
                    self.draft,
                    instalments=1,
                    start_on=since,
                    due_on=(until,),
                    rrule=None,
                    skip_months=(),
                    first_due_on=None,
                    adjustment="none",
                )
                factor = alone.periods().factors[0]
                return factor.numerator, factor.denominator
        return self._factors[rows - 1]

    def last(self, level: int, rows: int) -> int | None:
        """Return what the last of so many rows pays; 0 where the debt is paid before, None where it grows before."""
        balance, rounder = self.draft.financed.minor, self._round
        for numerator, denominator in self._factors[: rows - 1]:
            interest = rounder(balance * numerator, denominator)
            if interest > level:
                return None
            balance += interest - level
            if balance <= 0:
                return 0
        return balance + rounder(balance * self._closing(rows)[0], self._closing(rows)[1])

    def _falls_short(self, level: int, rows: int) -> bool:
        """Say whether the last row would be too much, or the debt grow before it."""
        last = self.last(level, rows)
        if last is None:
            return True
        return last > self.last_max or (self.gap is not None and rows > 1 and last > level + self.gap)

    def _is_too_much(self, level: int, rows: int) -> bool:
        """Say whether the last row would be too little."""
        last = self.last(level, rows)
        if last is None:
            return False
        return last < self.last_min or (self.gap is not None and rows > 1 and last < level - self.gap)

    def _run(self, level: int) -> tuple[int, int, int]:
        """Return the first row that can pay all that is left, or 0; the row before which the debt grows, and interest."""
        balance, rounder = self.draft.financed.minor, self._round
        for row in range(1, self.count + 1):
            numerator, denominator = self._factors[row - 1]
            interest = rounder(balance * numerator, denominator)
            if balance + interest <= max(self.last_max, level) and not self._falls_short(level, row):
                return row, 0, 0
            if interest > level:
                return 0, row, interest
            balance += interest - level
            if balance <= 0:
                return 0, 0, 0
        return 0, 0, 0

    def paid_by(self, level: int) -> int:
        """Return the first number of rows that suffices at a level; 0 where none does."""
        return self._run(level)[0]

    def growth(self, level: int) -> tuple[int, int]:
        """Return the row at which interest keeps the debt from falling, and that interest; 0, 0 where there is none."""
        paid, row, interest = self._run(level)
        numerator, denominator = self._factors[0]
        first = self._round(self.draft.financed.minor * numerator, denominator)
        return (1, first) if not (paid or row) and first == level else (row, interest)

    def grows_at(self, level: int) -> int:
        """Return the row at which interest is more than the level; 0 where there is none.

        Up to it fewer rows may do with less than the level that more of them need.
        """
        balance, rounder = self.draft.financed.minor, self._round
        for row, (numerator, denominator) in enumerate(self._factors[: self.count], start=1):
            interest = rounder(balance * numerator, denominator)
            if interest > level:
                return row
            balance += interest - level
            if balance <= 0:
                break
        return 0

    def left(self, level: int, rows: int) -> int:
        """Return what so many rows leave open, if each pays the level and the last all that is affordable."""
        return (self.last(level, rows) or 0) - self.last_max

    # -- the plans that fit ------------------------------------------------------------------------------------------

    def soonest(self) -> Fit | None:
        """Return the fewest rows, and of them the one with the greatest level."""
        if self.last_min <= self.whole <= self.last_max:
            return Fit(1, None)
        level, rows = self.level_max, 0
        while level >= self.level_min:
            found = self.paid_by(level)
            if found <= rows:  # none, or none after those that were tried
                return None
            rows = found
            fitting = self._greatest(level, rows)
            if fitting is None:
                return None
            if not self._falls_short(fitting, rows):
                return Fit(rows, fitting)
            level = fitting
        return None

    def _greatest(self, level: int, rows: int) -> int | None:
        """Return the greatest level up to `level` that leaves enough for the last row."""
        if not self._is_too_much(level, rows):
            return level
        low, high = self.level_min, level - self.unit
        near = self._near(rows) if self.gap is not None else None
        if near is not None:
            high = min(high, self._step(near[1]))
            low = max(low, min(self._step(near[0]), high))
        if low > high or self._is_too_much(low, rows):
            return None
        while low < high:
            middle = low + ((high - low) // self.unit + 1) // 2 * self.unit
            if self._is_too_much(middle, rows):
                high = middle - self.unit
            else:
                low = middle
        return low

    def lowest(self) -> Fit | None:
        """Return the most rows, and of them the one with the least level."""
        if self.gap is not None and self._discounts is not None:
            return self._lowest_near()
        rows = self.count
        while rows > 1 and self.level_min <= self.level_max:
            if self._falls_short(self.level_max, rows):
                row = self.grows_at(self.level_max)
                if not 0 < row < rows:
                    break
                rows = row
                continue
            level = self._least(rows)
            if not self._is_too_much(level, rows):
                return Fit(rows, level)
            below = level - self.unit if level > self.level_min else level
            rows = max(self._rows_for(level, rows), min(self.grows_at(below), rows - 1))
        return Fit(1, None) if self.last_min <= self.whole <= self.last_max else None

    def _lowest_near(self) -> Fit | None:
        """Look number by number, as the gap allows a few levels of each; numbers are passed over when it takes long."""
        rows, spent = self.count, 0
        while rows > 1:
            near = self._near(rows) or (self.level_min, self.level_max)
            low, high = (
                max(self._step(near[0] - 1) + self.unit, self.level_min),
                min(self._step(near[1]), self.level_max),
            )
            while low < high:
                middle = low + (high - low) // self.unit // 2 * self.unit
                spent += rows
                if self._falls_short(middle, rows):
                    low = middle + self.unit
                else:
                    high = middle
            if low == high:
                spent += rows
                if not (self._falls_short(low, rows) or self._is_too_much(low, rows)):
                    return Fit(rows, low, spent <= _ROWS_RUN)
            rows -= 1 if spent <= _ROWS_RUN else max(rows // 100, 1)
        return Fit(1, None, spent <= _ROWS_RUN) if self.last_min <= self.whole <= self.last_max else None

    def _least(self, rows: int) -> int:
        """Return the least level that leaves no more to the last row than it may pay."""
        low, high = self.level_min, self.level_max
        while low < high:
            middle = low + (high - low) // self.unit // 2 * self.unit
            if self._falls_short(middle, rows):
                low = middle + self.unit
            else:
                high = middle
        return low

    def _rows_for(self, level: int, rows: int) -> int:
        """Return the greatest number below `rows` at which a level leaves enough for the last; 1 where none does."""
        low, high = 1, rows - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._is_too_much(level, middle):
                high = middle - 1
            else:
                low = middle
        return low

    # -- what would do -----------------------------------------------------------------------------------------------

    def enough(self) -> int | None:
        """Return the least sum a period with which a plan fits, all else as it is; None where the debt is too small."""
        high = self.whole + self.fee
        if attrs.evolve(self, affordable=high).soonest() is None:
            return None
        low = min(self.affordable + 1, high)
        while low < high:
            middle = (low + high) // 2
            if attrs.evolve(self, affordable=middle).soonest() is None:
                low = middle + 1
            else:
                high = middle
        return low

    def most_least(self) -> int:
        """Return the greatest smallest instalment with which a plan fits, where one fits without any."""
        low, high = 1, self.least
        while low < high:
            middle = (low + high + 1) // 2
            if attrs.evolve(self, least=middle).soonest() is None:
                high = middle - 1
            else:
                low = middle
        return low
