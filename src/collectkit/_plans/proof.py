"""What is checked of a plan before it may exist, and how a row came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import ceil, exp, expm1, log1p
from typing import NoReturn

import attrs

from collectkit._plans.terms import PlanTerms, period_pair, periods_of, refuse_growth
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, round_half_even, rounded
from collectkit.core.schedule import Instalment, Schedule, exact_level


@attrs.frozen(kw_only=True)
class PlanProof:
    """The facts that were checked when a plan was built; a plan for which one fails does not exist.

    `debt` is what was agreed, `capitalised` the interest that joined it before the first instalment, and
    `principal_sum` their sum over the rows. `last_gap` is how far the last instalment is from the regular one, at most
    `gap_bound`; both are None for shapes without a regular instalment.
    """

    debt: Money
    capitalised: Money
    principal_sum: Money
    interest_sum: Money
    fee_sum: Money
    total: Money
    last_balance: Money
    smallest: Money
    last_gap: Money | None
    gap_bound: Money | None
    first_due_on: date
    last_due_on: date
    rows: int

    def lines(self) -> tuple[str, ...]:
        """Say in words what holds, one line for each fact."""
        joined = f" and {self.capitalised} capitalised" if self.capitalised.minor else ""
        gap: tuple[str, ...] = ()
        if self.last_gap is not None and self.gap_bound is not None:
            gap = (f"the last instalment differs by {self.last_gap} from the regular one, at most {self.gap_bound}",)
        return (
            f"principal of {self.rows} rows sums to {self.principal_sum}: the debt of {self.debt}{joined}",
            f"principal, interest of {self.interest_sum} and fees of {self.fee_sum} make {self.total}",
            f"the last balance is {self.last_balance}",
            f"no row is negative; the smallest is {self.smallest}",
            *gap,
            f"due dates ascend from {self.first_due_on} to {self.last_due_on}",
        )


@attrs.frozen(kw_only=True)
class RowExplanation:
    """How one instalment came about: the exact factor, the unrounded figures, and what rounding made of them.

    `interest_exact` and `payment_exact` are in minor units, before rounding; `payment_exact` is None for shapes in
    which no level payment is solved.
    """

    row: Instalment
    balance_before: Money
    factor: Fraction
    interest_exact: Fraction
    payment_exact: Fraction | None
    residue: Money
    text: str

    def __str__(self) -> str:
        return self.text


def prove(terms: PlanTerms, schedule: Schedule, carried: int) -> None:
    """Check every fact of `PlanProof`, in whole minor units.

    Raises:
        InvalidTerms: `plans.negative_amortisation`, `plans.too_small`, `plans.gap`, `plans.columns`, `plans.dates`.
    """
    if carried == 0 and schedule.level is not None and _prove_level(terms, schedule, *schedule.level):
        return
    principal, payments = schedule.principal_parts, schedule.payments
    currency = schedule.currency
    debt = terms.principal.minor + sum(principal[:carried])
    if schedule.balances[-1] != 0 or sum(principal) != schedule.principal.minor or schedule.principal.minor < debt:
        raise InvalidTerms("plans.columns", f"the rows pay {schedule.principal}, not the debt of {terms.principal}")
    if schedule.principal.minor != debt and terms.grace_interest != "capitalise":
        raise InvalidTerms(
            "plans.columns", f"the rows pay {schedule.principal}, more than the debt of {terms.principal}"
        )
    if min(principal) < 0:
        place = next(place for place, part in enumerate(principal) if part < 0)
        if place == len(principal) - 1 or schedule.balances[place - 1] < 0:
            _refuse_small(terms, len(payments))
        interest = schedule.interest_parts[place]
        refuse_growth(place + 1, Money(interest, currency), Money(interest + principal[place], currency))
    if min(payments) <= 0 or min(schedule.balances) < 0:
        _refuse_small(terms, len(payments))
    gap, bound = last_gap(terms, schedule, carried)
    if gap is not None and bound is not None and abs(gap) > bound:
        raise InvalidTerms(
            "plans.gap",
            f"the last instalment would differ by {Money(gap, currency)} from the others, over {Money(bound, currency)}; "
            "choose residue_to='minimal' or 'spread', or allow a wider gap",
            gap=Money(gap, currency),
            limit=Money(bound, currency),
        )
    days = schedule.due_on
    if any(later < earlier for earlier, later in pairwise(days)):
        raise InvalidTerms("plans.dates", "due dates must ascend; number the rows in the order of their dates")


def _prove_level(terms: PlanTerms, schedule: Schedule, numerator: int, denominator: int, payment: int) -> bool:
    """Check a level schedule by its ends; False leaves it to the full check, which says what is wrong.

    Principal is the fall of the balance, so it sums to the debt once the last balance is 0. Interest cannot rise while
    the balance falls, so principal cannot fall: the first row tells that none is negative, the last that none is
    empty. The rhythm ascends by construction, and its last day must exist.
    """
    count, balances, opening = len(schedule), schedule.balances, terms.principal.minor
    last = schedule.balance_before(count - 1)
    total = last + round_half_even(last * numerator, denominator)
    rhythm = schedule.rhythm
    if not (balances[-1] == 0 and schedule.balance_before(0) == opening and payment > 0 < last) or rhythm is None:
        return False
    if count > 1:
        gap, limit = abs(total - payment), count  # no bound lies below a unit for each row
        if terms.gap_limit is not None:
            limit = terms.gap_limit.minor
        elif gap > count:
            limit = _gap_bound(terms, schedule)
        if balances[0] > opening or gap > limit:
            return False
    rhythm.at(count - 1)
    return True


def _refuse_small(terms: PlanTerms, rows: int) -> NoReturn:
    """Refuse rows of nothing, and rows that overpay the debt before the last one."""
    unit = Money(1, terms.currency) if terms.multiple is None else terms.multiple
    most = terms.financed.minor // unit.minor
    raise InvalidTerms(
        "plans.too_small",
        f"{terms.financed} in {rows} instalments leaves nothing for some of them; "
        f"the smallest instalment is {unit}, so at most {most} fit",
        most=most,
        smallest=unit,
    )


def last_gap(terms: PlanTerms, schedule: Schedule, carried: int = 0) -> tuple[int | None, int | None]:
    """Return how far the last row is from the one before it, and how far it may be, in minor units."""
    count = len(schedule)
    if count < 2 or terms.level is not None or terms.shape not in _REGULAR:
        return None, None
    if terms.rests and terms.rests >= terms.instalments - 1:
        return None, None
    lead = (1 if terms.down_payment is not None and terms.down_payment.minor else 0) + carried
    is_first_odd = terms.grace_interest == "collect" or terms.brought_interest is not None or bool(terms.pauses)
    if count - lead < 2 or (count - lead == 2 and is_first_odd):
        return None, None
    if terms.shape == "equal_principal":
        parts: Sequence[int] = schedule.principal_parts[-2:]
    else:
        fees = schedule.fee_parts
        parts = [schedule.payments[place] - fees[place] for place in (-2, -1)]
    balloon = 0 if terms.balloon is None else terms.balloon.minor
    if terms.residue_to == "first" and count == 2:
        return 0, 0
    limit = terms.gap_limit
    bound = _gap_bound(terms, schedule) if limit is None else limit.minor
    return parts[1] - balloon - parts[0], bound


_REGULAR = frozenset({"level", "equal_split", "balloon", "equal_principal", "flat"})


def _gap_bound(terms: PlanTerms, schedule: Schedule) -> int:
    """Bound the gap: each row's payment is off by a unit at most and its interest by one, and both grow to the end."""
    count = len(schedule)
    unit = 1 if terms.multiple is None else terms.multiple.minor
    if not terms.bears_interest or terms.rate is None or terms.shape in ("equal_principal", "flat"):
        return (unit + (terms.shape == "flat")) * count
    if terms.day_count is None and not terms.skip_months:
        numerator, denominator = period_pair(terms)
        factor = numerator / denominator
        rows = expm1(count * log1p(factor)) / factor if factor else count
    else:
        years = (schedule.due_on[-1] - terms.start_on).days / 360 + 0.1
        rows = count * exp(min(float(terms.rate.annual) * years, 700.0))
    return ceil(min(rows, 1e15) * (unit + 1)) + 1


def proof_of(terms: PlanTerms, schedule: Schedule, carried: int) -> PlanProof:
    """State the facts that `prove` checked."""
    currency = schedule.currency
    gap, bound = last_gap(terms, schedule, carried)
    already = sum(schedule.principal_parts[:carried])
    debt = Money(terms.principal.minor + already, currency)
    return PlanProof(
        debt=debt,
        capitalised=schedule.principal - debt,
        principal_sum=Money(sum(schedule.principal_parts), currency),
        interest_sum=schedule.interest,
        fee_sum=schedule.fees,
        total=Money(sum(schedule.payments), currency),
        last_balance=Money(schedule.balances[-1], currency),
        smallest=Money(min(schedule.payments), currency),
        last_gap=None if gap is None else Money(gap, currency),
        gap_bound=None if bound is None else Money(bound, currency),
        first_due_on=schedule[0].due_on,
        last_due_on=schedule[-1].due_on,
        rows=len(schedule),
    )


def explain_row(terms: PlanTerms, schedule: Schedule, carried: int, number: int) -> RowExplanation:
    """Say how instalment `number` came about.

    Raises:
        InvalidTerms: `plans.count` for a number that is no instalment.
    """
    if type(number) is not int or not 1 <= number <= len(schedule):
        raise InvalidTerms("plans.count", f"there is no instalment {number}; they run from 1 to {len(schedule)}")
    row = schedule[number - 1]
    before = Money(schedule.balance_before(number - 1), schedule.currency)
    lead = carried + (1 if terms.down_payment is not None and terms.down_payment.minor else 0)
    if number <= lead:
        what = "down payment" if number > carried else "carried over from the plan before"
        text = f"instalment {number} of {row.total}: {what}; {row.balance} is left"
        return RowExplanation(
            row=row,
            balance_before=before,
            factor=Fraction(0),
            interest_exact=Fraction(0),
            payment_exact=None,
            residue=Money.zero(row.currency),
            text=text,
        )
    periods = periods_of(terms)
    place = number - lead - 1
    factor = sum(periods.factors, Fraction(0)) if terms.shape == "bullet" else periods.factors[place]
    base = terms.interest_base.minor if terms.shape == "flat" else before.minor
    exact = base * factor
    if terms.shape == "flat":
        exact = base * sum(periods.factors, Fraction(0)) / len(periods.factors)
    payment = _exact_payment(terms, schedule, periods.factors, lead)
    paid = row.principal_minor + row.interest_minor
    balloon = terms.balloon.minor if terms.balloon is not None and number == len(schedule) else 0
    residue = 0 if payment is None else paid - balloon - rounded(payment, terms.rounding)
    parts = [
        f"instalment {number} of {row.total}, due {row.due_on}",
        f"interest is {Money(base, row.currency)} x {factor} = {_digits(exact)} minor units, "
        f"rounded {terms.rounding.replace('_', '-')} to {row.interest}",
    ]
    if row.interest_minor != rounded(exact, terms.rounding):
        parts[1] += (
            f" with {Money(row.interest_minor - rounded(exact, terms.rounding), row.currency)} from other periods"
        )
    if payment is not None:
        parts.append(f"the level payment is {_digits(payment)} minor units before rounding")
        parts.append(f"{Money(residue, row.currency)} of rounding went into this row" if residue else "no residue here")
    parts.append(f"{row.principal} of principal leaves {row.balance}")
    return RowExplanation(
        row=row,
        balance_before=before,
        factor=factor,
        interest_exact=exact,
        payment_exact=payment,
        residue=Money(residue, row.currency),
        text="; ".join(parts),
    )


def _exact_payment(terms: PlanTerms, schedule: Schedule, factors: Sequence[Fraction], lead: int) -> Fraction | None:
    if terms.shape not in ("level", "equal_split", "balloon") or terms.level is not None:
        return None
    used = factors[terms.rests :]
    opening = schedule.principal.minor - sum(schedule.principal_parts[:lead])
    fixed = None if terms.balloon is None else [0] * (len(used) - 1) + [terms.balloon.minor]
    return exact_level(opening, used, None, fixed)


def _digits(value: Fraction, places: int = 6) -> str:
    """Write an exact number with some digits after the point, cut, with dots where more follow."""
    scaled = abs(value) * 10**places
    whole, part = divmod(int(scaled), 10**places)
    more = "..." if scaled.denominator != 1 else ""
    return f"{'-' if value < 0 else ''}{whole}.{part:0{places}d}{more}"
