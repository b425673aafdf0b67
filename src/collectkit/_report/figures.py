"""What a run report says, as plain data: every figure of the page, before anything is formatted or drawn.

A period is half-open, `[start_on, end_on)`: its opening figures are those at the end of the day before `start_on`, its
closing figures those at the end of the last day. Sums stay per currency. No debtor's name or address stands here.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import attrs

from collectkit.core.aging import AgingReport
from collectkit.core.checks import plain_date
from collectkit.core.errors import InvalidDate
from collectkit.core.money import Money
from collectkit.core.records import Channel, Component

__all__ = [
    "AskedPerson",
    "ChargeFigures",
    "CurrencyFigures",
    "LeftAlone",
    "NoticeFigures",
    "PlanFigures",
    "PromiseFigures",
    "RunFigures",
    "StageHistory",
]


@attrs.frozen(kw_only=True)
class CurrencyFigures:
    """How the balance of one currency moved over the period.

    `closing` is `opening + invoiced + charged - paid - credited - waived`, to the cent: money that was returned, or
    that met nothing, stands outside `paid`. The last three measures look at principal alone; they are None where their
    denominator is zero.
    """

    currency: str
    opening: Money
    invoiced: Money
    charged: Money
    paid: Money
    credited: Money
    waived: Money
    closing: Money
    opening_past_due: Money
    closing_past_due: Money
    unapplied: Money
    days_sales_outstanding: Fraction | None
    best_possible_dso: Fraction | None
    collection_effectiveness_index: Fraction | None


@attrs.frozen(kw_only=True)
class StageHistory:
    """How many accounts stood in which stage at the end of each day; `counts[i][j]` is stage `i` on day `j`.

    An account counts from its first recorded decision on.
    """

    stages: tuple[str, ...]
    days: tuple[date, ...]
    counts: tuple[tuple[int, ...], ...]

    def on(self, stage: str, day: date) -> int:
        """Return how many accounts stood in a stage on a day; 0 for a stage or day that is not here."""
        if stage not in self.stages or day not in self.days:
            return 0
        return self.counts[self.stages.index(stage)][self.days.index(day)]


@attrs.frozen(kw_only=True)
class ChargeFigures:
    """Charges of one rule in one currency, posted in the period; `waived` is what was dropped in the period."""

    rule: str
    component: Component
    currency: str
    count: int
    accounts: int
    amount: Money
    waived: Money


@attrs.frozen(kw_only=True)
class PromiseFigures:
    """Promises of one currency: those made in the period, and what became of those decided in it.

    `open` stand at the end of the period. `kept_rate` is kept ÷ fallen due, where fallen due are the kept, the partly
    kept and the broken; None where there are none.
    """

    currency: str
    made: int
    amount_made: Money
    kept: int
    partly_kept: int
    broken: int
    superseded: int
    withdrawn: int
    open: int
    amount_open: Money

    @property
    def fallen_due(self) -> int:
        """Return how many promises were decided by payment or the lack of it."""
        return self.kept + self.partly_kept + self.broken

    @property
    def kept_rate(self) -> Fraction | None:
        """Return kept ÷ fallen due."""
        return Fraction(self.kept, self.fallen_due) if self.fallen_due else None


@attrs.frozen(kw_only=True)
class PlanFigures:
    """Payment plans of one status at the end of the period, in one currency, with what they are for."""

    status: str
    currency: str
    count: int
    agreed_in_period: int
    amount: Money


@attrs.frozen(kw_only=True)
class NoticeFigures:
    """Notices requested in the period, by stage and channel, and what became of them by its end."""

    stage: str
    channel: Channel
    requested: int
    sent: int
    bounced: int
    suppressed: int
    waiting: int


@attrs.frozen(kw_only=True)
class LeftAlone:
    """Accounts that were left alone for one reason.

    `kind` says who spoke: "hold" (a fact that pauses an account), "decision" (a rule of the strategy) or "last-look"
    (a notice that was stopped right before sending). `times` counts days for the first two, notices for the last.
    """

    kind: str
    code: str
    text: str
    times: int
    accounts: tuple[str, ...]


@attrs.frozen(kw_only=True)
class AskedPerson:
    """Something that only a person can do: a task that was raised, an approval asked for and not given, a dead end."""

    kind: str
    what: str
    stage: str
    accounts: tuple[str, ...]


@attrs.frozen(kw_only=True)
class RunFigures:
    """Every figure of a run report, over `[start_on, end_on)`.

    Raises:
        InvalidDate: `report.period` unless `start_on` lies before `end_on`.
    """

    strategy_name: str
    strategy_hashes: tuple[str, ...]
    start_on: date = attrs.field(validator=plain_date)
    end_on: date = attrs.field(validator=plain_date)
    accounts: int
    currencies: tuple[CurrencyFigures, ...]
    opening: AgingReport
    closing: AgingReport
    stages: StageHistory
    charges: tuple[ChargeFigures, ...]
    promises: tuple[PromiseFigures, ...]
    plans: tuple[PlanFigures, ...]
    notices: tuple[NoticeFigures, ...]
    left_alone: tuple[LeftAlone, ...]
    asked: tuple[AskedPerson, ...]
    cured: int

    def __attrs_post_init__(self) -> None:
        if self.start_on >= self.end_on:
            raise InvalidDate(
                "report.period",
                f"a report needs at least one day, but [{self.start_on}, {self.end_on}) is empty; "
                "end_on is the day after the last one",
            )

    @property
    def days(self) -> int:
        """Return the length of the period in days."""
        return (self.end_on - self.start_on).days
