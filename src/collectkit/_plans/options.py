"""The words in which terms are named, and the options that every builder of `plans` takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, TypedDict

from collectkit.core.calendars import Adjustment, BusinessCalendar, Every, MonthEnd
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
      after `start_on`; `due_on`: the dates themselves; `rrule`: an RFC 5545 rule instead of a rhythm.
    - `month_end`: a day that the month lacks is clamped to its last (default) or rolls to the 1st of the next.
    - `skip_months`: months of the year (1 to 12) without an instalment; interest goes on and the next one pays it.
    - `calendar` and `adjustment`: due dates on no business day move; `accrue_to` says whether interest moves along.
    - `day_count`: interest by days; without one each period is an equal part of the year.
    - `compounding`: whether the rate is nominal (`per_period`) or effective (`annual`).
    - `rounding`: of interest and of the level payment, half-even by default.
    - `residue_to`: where odd units go; `multiple`: instalments in whole steps of this sum, such as 1.00 EUR.
    - `fee_each`: a fee inside each instalment; `fee_total`: a fee divided over them, odd units first.
    - `down_payment`: paid on `start_on` as instalment 1, before any interest.
    - `gap_limit`: the most by which the last instalment may differ from the regular one.
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


AGREEMENT_OPTIONS: Final = ("account_id", "covers", "agreed_on", "supersedes", "tolerance_days", "tolerance_amount")
