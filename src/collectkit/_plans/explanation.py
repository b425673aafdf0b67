"""How a row of a plan came about: what its interest was reckoned on, the unrounded figures, and where odd units went.

Nothing is decided here: the figures are those of `figures`, worked out once more for one row, without rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from math import prod

import attrs

from collectkit._plans.figures import minimum_of, plain_multiple, to_multiple
from collectkit._plans.terms import Periods, PlanTerms, after_deferral, periods_of
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.schedule import Instalment, Schedule, exact_level, graduated_exact


@attrs.frozen(kw_only=True)
class RowExplanation:
    """How one instalment came about; exact figures are in minor units, before rounding.

    - `interest_exact` is `base` times `factor`. Rounded, with `interest_added` (of a wait, or brought in from the plan
      before) and `interest_residue` (odd units of other periods), it is the interest of the row.
    - `payment_exact` is the instalment before rounding where the shape sets what is paid, `principal_exact` the
      principal where it sets that; one of the two is None. `payment` is what the rounding made of them, and `residue`
      the odd units, or the rest of the debt, that this row took besides.
    - `parts` name everything that the row asks for, and add up to it.
    """

    row: Instalment
    balance_before: Money
    base: Money
    factor: Fraction
    interest_exact: Fraction
    interest_added: Money
    interest_residue: Money
    payment_exact: Fraction | None
    principal_exact: Fraction | None
    payment: Money
    residue: Money
    parts: tuple[tuple[str, Money], ...]
    text: str

    def __str__(self) -> str:
        return self.text


def lead_of(terms: PlanTerms, carried: int) -> int:
    """Return how many rows come before those of the regular periods."""
    return carried + (1 if terms.down_payment is not None and terms.down_payment.minor else 0)


def explain_row(terms: PlanTerms, schedule: Schedule, carried: int, number: int) -> RowExplanation:
    """Say how instalment `number` came about.

    Raises:
        InvalidTerms: `plans.count` for a number that is no instalment.
    """
    if type(number) is not int or not 1 <= number <= len(schedule):
        raise InvalidTerms("plans.count", f"there is no instalment {number}; they run from 1 to {len(schedule)}")
    lead = lead_of(terms, carried)
    if number <= lead:
        return _led(schedule, number, "down payment" if number > carried else "carried over from the plan before")
    return _Rows(terms, schedule, lead).explain(number - lead - 1)


def _led(schedule: Schedule, number: int, what: str) -> RowExplanation:
    row = schedule[number - 1]
    zero = Money.zero(row.currency)
    return RowExplanation(
        row=row,
        balance_before=Money(schedule.balance_before(number - 1), row.currency),
        base=zero,
        factor=Fraction(0),
        interest_exact=Fraction(0),
        interest_added=zero,
        interest_residue=row.interest,
        payment_exact=None,
        principal_exact=Fraction(row.principal_minor),
        payment=row.principal,
        residue=zero,
        parts=((what, row.total),),
        text=f"instalment {number} of {row.total}: {what}; {row.balance} is left",
    )


@attrs.frozen
class _Interest:
    """The interest of a row: what it is reckoned on, exactly and rounded, and what joins it."""

    base: int
    factor: Fraction
    regular: int
    wait: int
    brought: int


@attrs.frozen
class _Set:
    """What the shape sets for a row, exactly and rounded: what is paid, or the principal of it."""

    name: str
    exact: Fraction
    rounded: int
    is_payment: bool = True


class _Rows:
    """The regular rows of a schedule, looked at one by one."""

    def __init__(self, terms: PlanTerms, schedule: Schedule, lead: int) -> None:
        self.terms, self.schedule, self.lead = terms, schedule, lead
        self.periods: Periods = periods_of(terms)
        self.factors = self.periods.factors
        self.count = len(schedule) - lead
        self.opening = schedule.balance_before(lead)
        self.factor_sum = sum(self.factors, Fraction(0)) if terms.shape in ("flat", "bullet") else Fraction(0)
        self.level: Fraction | None = None

    # -- the figures of a row --------------------------------------------------------------------------------------

    def interest(self, place: int) -> _Interest:
        terms, factors = self.terms, self.factors
        base = self.schedule.balance_before(self.lead + place)
        if terms.shape == "flat":
            base, factor = terms.interest_base.minor, self.factor_sum / len(factors)
            if terms.flat_parts:
                base, factor = terms.flat_parts[place][1].minor, Fraction(1)
        elif terms.shape == "bullet":
            simple = terms.simple_interest
            factor = self.factor_sum if simple else _compounded(factors)
        else:
            factor = factors[place]
        brought = terms.brought_interest.minor if terms.brought_interest is not None and place == 0 else 0
        wait = 0 if place else after_deferral(terms, self.periods)[1]
        return _Interest(base, factor, rounded(base * factor, terms.rounding), wait, brought)

    def set_for(self, place: int, interest: _Interest) -> _Set:
        terms, shape = self.terms, self.terms.form
        is_last = place == self.count - 1
        before = self.schedule.balance_before(self.lead + place)
        if place < terms.rests and not terms.amounts:
            return _Set("principal", Fraction(0), 0, is_payment=False)
        if shape in ("interest_only", "bullet"):
            return _Set("principal", Fraction(self.opening * is_last), self.opening * is_last, is_payment=False)
        if shape == "equal_principal" or (shape == "flat" and (terms.flat_parts or terms.multiple is None)):
            return self._principal(place)
        if shape == "flat":
            whole = rounded(terms.interest_base.minor * self.factor_sum, terms.rounding)
            exact = Fraction(self.opening + whole, self.count)
            return _Set("level payment", exact, to_multiple(terms, exact))
        if shape == "minimum_payment":
            return self._minimum(before + interest.regular)
        if shape == "agreed":
            if place < len(terms.amounts):
                return self._named("agreed payment", terms.amounts[place].minor)
            left = before + interest.base * interest.factor
            return _Set("payment of what is left", left, before + interest.regular)
        if shape == "stepped":
            return self._stepped(place)
        if terms.level is not None:
            return self._named("payment that was solved or agreed", terms.level.minor)
        return self._regular

    def _named(self, name: str, minor: int) -> _Set:
        return _Set(name, Fraction(minor), minor)

    def _principal(self, place: int) -> _Set:
        terms = self.terms
        if terms.flat_parts:
            part = terms.flat_parts[place][0].minor
            return _Set("principal as agreed", Fraction(part), part, is_payment=False)
        exact = Fraction(self.opening, self.count - terms.rests)
        return _Set("part of principal", exact, to_multiple(plain_multiple(terms), exact), is_payment=False)

    def _minimum(self, owed: int) -> _Set:
        exact = owed * self.terms.minimum_share
        least = minimum_of(self.terms)
        share = to_multiple(self.terms, exact)
        if least >= share:
            return self._named("least payment", least)
        return _Set("payment by the share of what is owed", exact, share)

    def _stepped(self, place: int) -> _Set:
        terms, factors = self.terms, self.factors
        if not terms.steps:
            exact = graduated_exact(self.opening, factors, terms.growth, terms.rows_per_step, place)
            return _Set("payment of this step", exact, to_multiple(terms, exact))
        fixed = [amount.minor for rows, amount in terms.steps for _ in range(rows)]
        if place < len(fixed):
            return self._named("payment that its step names", fixed[place])
        open_rows = self.count - len(fixed)
        weights = [Fraction(0)] * len(fixed) + [Fraction(1)] * open_rows
        if self.level is None:
            self.level = exact_level(self.opening, factors, weights, fixed + [0] * open_rows)
        return _Set("level payment of the open rows", self.level, to_multiple(terms, self.level))

    @cached_property
    def _regular(self) -> _Set:
        """The level payment; exact and rounded once for all rows, as its numbers can be long."""
        used = self.factors[self.terms.rests :]
        fixed = [0] * (len(used) - 1) + [self._balloon(self.count - 1)]
        level = exact_level(self.opening, used, None, fixed if fixed[-1] else None)
        return _Set("level payment", level, to_multiple(self.terms, level))

    def _balloon(self, place: int) -> int:
        is_due = self.terms.balloon is not None and place == self.count - 1
        return self.terms.balloon.minor if is_due and self.terms.balloon is not None else 0

    def residue(self, place: int, interest: _Interest, made: _Set) -> int:
        row = self.schedule[self.lead + place]
        if made.is_payment:
            paid = row.principal_minor + row.interest_minor - interest.wait - interest.brought
            return paid - self._balloon(place) - made.rounded
        return row.principal_minor - made.rounded

    # -- the sentence ----------------------------------------------------------------------------------------------

    def explain(self, place: int) -> RowExplanation:
        terms, row = self.terms, self.schedule[self.lead + place]
        currency = row.currency
        interest = self.interest(place)
        made = self.set_for(place, interest)
        residue, balloon = self.residue(place, interest, made), self._balloon(place)
        odd = row.interest_minor - interest.regular - interest.wait - interest.brought
        fee_brought = terms.brought_fee.minor if terms.brought_fee is not None and place == 0 else 0
        named = {
            made.name: made.rounded,
            "interest": 0 if made.is_payment else interest.regular,
            "odd units of interest": 0 if made.is_payment else odd,
            "balloon": balloon,
            "residue": residue,
            "interest of the wait": interest.wait,
            "interest brought in": interest.brought,
            "fee": row.fee_minor - fee_brought,
            "fee brought in": fee_brought,
        }
        parts = tuple((name, Money(minor, currency)) for name, minor in named.items() if minor)
        payment = made.rounded + (0 if made.is_payment else interest.regular + odd)
        exact = interest.base * interest.factor
        told = [
            f"instalment {row.number} of {row.total}, due {row.due_on}",
            self._interest_text(row, interest, exact, odd),
            self._set_text(made),
            self._residue_text(place, residue),
            *(f"{amount} of it is {name}" for name, amount in parts if name in ("balloon", "fee", "fee brought in")),
            f"{row.principal} of principal leaves {row.balance}",
        ]
        return RowExplanation(
            row=row,
            balance_before=Money(self.schedule.balance_before(self.lead + place), currency),
            base=Money(interest.base, currency),
            factor=interest.factor,
            interest_exact=exact,
            interest_added=Money(interest.wait + interest.brought, currency),
            interest_residue=Money(odd, currency),
            payment_exact=made.exact if made.is_payment else None,
            principal_exact=None if made.is_payment else made.exact,
            payment=Money(payment, currency),
            residue=Money(residue, currency),
            parts=parts,
            text="; ".join(told),
        )

    def _interest_text(self, row: Instalment, interest: _Interest, exact: Fraction, odd: int) -> str:
        currency = row.currency
        if self.terms.flat_parts:
            text = f"interest of {Money(interest.base, currency)} stays as agreed"
        else:
            text = (
                f"interest is {Money(interest.base, currency)} x {self._factor_text(interest.factor)} = {digits(exact)} "
                f"minor units, rounded {self.terms.rounding.replace('_', '-')} to {Money(interest.regular, currency)}"
            )
        joined = (
            (odd, "odd units of other periods"),
            (interest.wait, "of the wait"),
            (interest.brought, "brought in"),
        )
        more = [f"{Money(minor, currency)} {name}" for minor, name in joined if minor]
        return f"{text}; with {' and '.join(more)} it is {row.interest}" if more else text

    def _factor_text(self, factor: Fraction) -> str:
        """Write a factor in full where one can read it, else some of its digits; as an attribute it stays exact."""
        text = str(factor) if factor.denominator < _READABLE else digits(factor, 12)
        if self.terms.shape == "bullet" and not self.terms.simple_interest and len(self.factors) > 1:
            return f"{text}, compounded over {len(self.factors)} periods,"
        return text

    def _set_text(self, made: _Set) -> str:
        whole = Money(made.rounded, self.schedule.currency)
        if made.exact == made.rounded:
            return f"the {made.name} is {whole}"
        return f"the {made.name} is {digits(made.exact)} minor units before rounding, {whole} after"

    def _residue_text(self, place: int, residue: int) -> str:
        currency = self.schedule.currency
        if self.terms.level is not None or self.terms.form == "minimum_payment":
            if place < self.count - 1:
                return f"what is left in the end falls to instalment {len(self.schedule)}"
            word = "less" if residue < 0 else "more"
            return f"the last row takes what is left, {Money(abs(residue), currency)} {word}"
        if residue:
            return f"{Money(residue, currency)} of rounding went into this row"
        took = [(where, odd) for where, odd in self._residues() if odd]
        if not took:
            return "no residue here or in any other row"
        numbers = [self.lead + where + 1 for where, _ in took]
        whole = Money(sum(odd for _, odd in took), currency)
        if len(numbers) == 1:
            return f"no residue here: {whole} went into instalment {numbers[0]}"
        return f"no residue here: {whole} went into instalments {_listed(numbers)}"

    def _residues(self) -> list[tuple[int, int]]:
        """Return the residue of the rows that can hold one: by the rule of the terms, else the last alone."""
        spread = self.terms.residue_to in ("first", "spread", "minimal") and self.terms.form not in (
            "stepped",
            "agreed",
        )
        places: Sequence[int] = range(self.terms.rests, self.count) if spread else (self.count - 1,)
        found = []
        for place in places:
            interest = self.interest(place)
            found.append((place, self.residue(place, interest, self.set_for(place, interest))))
        return found


def _compounded(factors: Sequence[Fraction]) -> Fraction:
    """Return what interest on interest makes of all periods; a power of equal ones needs no common divisor."""
    return prod(((1 + factor) ** times for factor, times in Counter(factors).items()), start=Fraction(1)) - 1


_READABLE = 10**40  # a denominator from which a factor is told by its digits


def _listed(numbers: Sequence[int]) -> str:
    """List numbers in words, runs of neighbours as one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def digits(value: Fraction, places: int = 6) -> str:
    """Write an exact number with some digits after the point, cut, with dots where more follow.

    >>> digits(Fraction(-1, 3))
    '-0.333333...'
    """
    scaled = abs(value) * 10**places
    whole, part = divmod(int(scaled), 10**places)
    more = "..." if scaled.denominator != 1 else ""
    return f"{'-' if value < 0 else ''}{whole}.{part:0{places}d}{more}"
