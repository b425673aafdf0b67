"""What is checked of a plan before it may exist."""

from __future__ import annotations

from datetime import date
from itertools import pairwise, zip_longest

import attrs

from collectkit._plans.figures import schedule_of
from collectkit._plans.gap import gap_bound, is_surely_within, is_within, last_gap
from collectkit._plans.terms import PlanTerms
from collectkit._plans.unsound import is_sound, refuse_rows
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, round_half_even
from collectkit.core.schedule import Schedule


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
            more = " (more than an instalment: what rounding leaves bears interest to the end)"
            wide = more if self.gap_bound > self.smallest else ""
            gap = (
                f"the last instalment differs by {self.last_gap} from the regular one, at most {self.gap_bound}{wide}",
            )
        return (
            f"principal of {self.rows} rows sums to {self.principal_sum}: the debt of {self.debt}{joined}",
            f"principal, interest of {self.interest_sum} and fees of {self.fee_sum} make {self.total}",
            f"the last balance is {self.last_balance}",
            f"no row is negative; the smallest is {self.smallest}",
            *gap,
            f"due dates ascend from {self.first_due_on} to {self.last_due_on}",
        )


def prove(terms: PlanTerms, schedule: Schedule, carried: int) -> None:
    """Check every fact of `PlanProof`, in whole minor units.

    Raises:
        InvalidTerms: `plans.gap`, `plans.columns`, `plans.dates`, and those of `refuse_rows`.
    """
    if carried == 0 and schedule.level is not None and _prove_level(terms, schedule, *schedule.level):
        return
    principal = schedule.principal_parts
    currency = schedule.currency
    debt = terms.principal.minor + sum(principal[:carried])
    if schedule.balances[-1] != 0 or sum(principal) != schedule.principal.minor or schedule.principal.minor < debt:
        raise InvalidTerms("plans.columns", f"the rows pay {schedule.principal}, not the debt of {terms.principal}")
    if schedule.principal.minor != debt and terms.grace_interest != "capitalise":
        raise InvalidTerms(
            "plans.columns", f"the rows pay {schedule.principal}, more than the debt of {terms.principal}"
        )
    if not is_sound(schedule, carried):
        refuse_rows(terms, schedule)
    gap = last_gap(terms, schedule, carried)
    if gap is not None and not is_surely_within(terms, schedule, carried, gap):
        _prove_gap(gap, gap_bound(terms, schedule, carried), currency)
    days = schedule.due_on
    if any(later < earlier for earlier, later in pairwise(days)):
        raise InvalidTerms("plans.dates", "due dates must ascend; number the rows in the order of their dates")


def prove_rows(terms: PlanTerms, schedule: Schedule, carried: int) -> None:
    """Check that the rows after those carried over are the ones that the terms make, by laying them out once more.

    Two level schedules are compared by what makes their rows, so none is worked out.

    Raises:
        InvalidTerms: `plans.columns`, and what lays out no rows at all.
    """
    made = schedule_of(terms)
    if carried == 0 and made.level is not None and made.rhythm is not None:
        if (made.level, made.rhythm, made.principal) == (schedule.level, schedule.rhythm, schedule.principal):
            return
    for place, (given, due) in enumerate(zip_longest(_columns(schedule)[carried:], _columns(made)), start=carried + 1):
        if given != due:
            raise InvalidTerms(
                "plans.columns",
                f"instalment {place} is {_said(given, terms.currency)}, and the terms make it "
                f"{_said(due, terms.currency)}; lay the rows out by the terms: plan_from_terms",
                row=place,
            )


_Row = tuple[date, int, int, int]


def _columns(schedule: Schedule) -> list[_Row]:
    columns = schedule.due_on, schedule.principal_parts, schedule.interest_parts, schedule.fee_parts
    return list(zip(*columns, strict=True))


def _said(row: _Row | None, currency: str) -> str:
    if row is None:
        return "none"
    sums = zip(("principal", "interest", "fee"), row[1:], strict=True)
    parts = (f"{name} of {Money(minor, currency)}" for name, minor in sums if minor or name != "fee")
    return f"{', '.join(parts)} on {row[0]}"


def _prove_gap(gap: int, bound: int, currency: str) -> None:
    if abs(gap) > bound:
        raise InvalidTerms(
            "plans.gap",
            f"the last instalment would differ by {Money(gap, currency)} from the others, over {Money(bound, currency)}; "
            "choose residue_to='minimal' or 'spread', or allow a wider gap",
            gap=Money(gap, currency),
            limit=Money(bound, currency),
        )


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
    if count > 1 and (balances[0] > opening or not is_within(terms, count, abs(total - payment))):
        return False
    rhythm.at(count - 1)
    return True


def proof_of(terms: PlanTerms, schedule: Schedule, carried: int) -> PlanProof:
    """State the facts that `prove` checked."""
    currency = schedule.currency
    gap = last_gap(terms, schedule, carried)
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
        gap_bound=None if gap is None else Money(gap_bound(terms, schedule, carried), currency),
        first_due_on=schedule[0].due_on,
        last_due_on=schedule[-1].due_on,
        rows=len(schedule),
    )
