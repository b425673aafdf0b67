"""The words in which terms are named, and the options that every builder of `plans` takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, TypedDict

from collectkit.core.calendars import Adjustment, BusinessCalendar, Every, MonthEnd
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money, Rounding
from collectkit.core.rates import DayCount

Shape = Literal[
    "level",
    "equal_split",
    "equal_principal",
    "flat",
    "interest_only",
    "balloon",
    "bullet",
    "stepped",
    "minimum_payment",
    "agreed",
]
"""The form of a plan's payments."""

ResidueTo = Literal["last", "first", "spread", "minimal"]
"""Where odd units go: into the last row, into the first, one each over the first rows, or, by choice of the level
payment, into as small a gap of the last row as can be."""

GraceInterest = Literal["pay", "collect", "capitalise", "waive"]
"""What becomes of interest while principal rests: paid as it falls due, collected in the first instalment after,
added to the debt period by period, or waived."""

Compounding = Literal["per_period", "annual"]
"""How the yearly rate is meant: nominal, a period bearing its share; or effective, a year of periods compounding to it."""

AccrueTo = Literal["unadjusted", "adjusted"]
"""Whether interest follows the days of the rhythm, or the business days that payments were moved to."""

MONTHLY: Final = Every(1, "months")


class PlanOptions(TypedDict, total=False):
    """What every builder of `plans` takes besides its own arguments; all may be left out.

    - `every`: the rhythm of due dates, one month by default; `first_due_on`: the first of them, by default one step
      after `start_on`; `due_on`: the dates themselves; `rrule`: an RFC 5545 rule instead of a rhythm, of which the days
      after `start_on` count, or those from `first_due_on` on.
    - `month_end`: a day that the month lacks is clamped to its last (default) or rolls to the 1st of the next.
    - `skip_months`: months of the year (1 to 12) without an instalment; interest goes on and the next one pays it.
    - `calendar` and `adjustment`: due dates on no business day move; `accrue_to` says whether interest moves along.
    - `day_count`: interest by days; without one each step of the rhythm is an equal part of the year, and a first period
      bears interest for its whole steps, then for the days of a broken one as parts of that step; from `start_on` to
      `start_on` it bears none. `act/act-icma` takes the steps of the rhythm, unadjusted, as its reference periods, back
      from `first_due_on` as well; so it needs a rhythm, not `due_on` or `rrule`.
    - `compounding`: whether the rate is nominal (`per_period`) or effective (`annual`): over a period of any length it
      then compounds to the rate of a year.
    - `rounding`: of interest and of the level payment, half-even by default.
    - `residue_to`: where odd units go; `gap_limit`: the most by which the last instalment may differ from the regular
      one. Both only for shapes with a regular instalment: level, equal split, equal principal (of its principal), flat,
      balloon, deferred, and the lowest personalised plan; `gap_limit` for the soonest as well.
    - `multiple`: instalments in whole steps of this sum, such as 1.00 EUR, with `fee_each` but without `fee_total`; of
      equal principal the principal alone. The last instalment, and a sum that `steps` name, are what they are.
    - `fee_each`: a fee in each instalment; `fee_total`: a fee divided over them, odd units first. Where amounts are
      named (parts agreed by hand, `steps`, a `floor`) fees come on top of them.
    - `down_payment`: paid on `start_on` as instalment 1, before any interest and fee.
    - `account_id`, `covers`, `agreed_on` (default `start_on`), `supersedes`, `tolerance_days`, `tolerance_amount`: the
      agreement around the figures.
    """

    every: Every
    first_due_on: date | None
    due_on: Sequence[date]
    rrule: str | None
    month_end: MonthEnd
    skip_months: Sequence[int]
    calendar: BusinessCalendar | None
    adjustment: Adjustment
    accrue_to: AccrueTo
    day_count: DayCount | None
    compounding: Compounding
    rounding: Rounding
    residue_to: ResidueTo
    multiple: Money | None
    fee_each: Money | None
    fee_total: Money | None
    down_payment: Money | None
    gap_limit: Money | None
    account_id: str | None
    covers: Sequence[str]
    agreed_on: date | None
    supersedes: str | None
    tolerance_days: int
    tolerance_amount: Money | None


_ONE_LAST = "its last instalment takes what is left, whatever it is"
_NO_REGULAR: Final[dict[str, str]] = {
    "stepped": _ONE_LAST,
    "minimum_payment": _ONE_LAST,
    "interest_only": "its principal is one sum, and its interest is what it is",
    "bullet": "it is one payment",
    "agreed": "its amounts are agreed by hand",
}


def refuse_unheard(shape: Shape, options: PlanOptions) -> None:
    """Refuse options that a shape cannot obey, rather than leave them out in silence.

    Raises:
        InvalidTerms: `plans.options`.
    """
    why = _NO_REGULAR.get(shape)
    if why is None:
        return
    asked = {
        "residue_to": options.get("residue_to", "last") != "last",
        "gap_limit": options.get("gap_limit") is not None,
        "multiple": options.get("multiple") is not None and shape not in ("stepped", "minimum_payment"),
    }
    unheard = [name for name, is_asked in asked.items() if is_asked]
    if unheard:
        raise InvalidTerms(
            "plans.options",
            f"{' and '.join(unheard)} cannot be obeyed by a plan of the shape {shape}: {why}; leave "
            f"{'it' if len(unheard) == 1 else 'them'} out, or choose another shape",
        )


AGREEMENT_OPTIONS: Final = ("account_id", "covers", "agreed_on", "supersedes", "tolerance_days", "tolerance_amount")
