"""One self-contained page about a run: what is owed, where accounts stood, what was done, and who was left alone.

`figures_of` gathers plain data from recorded events; `render_html` turns it into a page that loads nothing from
elsewhere and reads on a phone and on paper. Needs the extra `report` for the page, nothing for the figures. It decides
nothing and sends nothing. No debtor's name or address is on the page: accounts go by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from collectkit._report.figures import (
    AskedPerson,
    ChargeFigures,
    CurrencyFigures,
    LeftAlone,
    NoticeFigures,
    PlanFigures,
    PromiseFigures,
    RunFigures,
    StageHistory,
)
from collectkit._report.gather import Gathered
from collectkit._report.page import page_of
from collectkit.core.aging import STANDARD, BucketScheme
from collectkit.core.checks import require_date
from collectkit.core.errors import InvalidDate
from collectkit.core.waterfall import DEFAULT_ORDER, Order
from collectkit.history import AccountState

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
    "figures_of",
    "render_html",
]


def figures_of(
    states: Iterable[AccountState],
    *,
    strategy_name: str,
    start_on: date,
    end_on: date,
    stages: Sequence[str] = (),
    scheme: BucketScheme = STANDARD,
    order: Order = DEFAULT_ORDER,
    promise_tolerance_days: int = 0,
) -> RunFigures:
    """Gather the figures of `[start_on, end_on)` from the accounts' recorded events; `end_on` is the day after the last.

    `stages` is the order of the strategy's ladder, gentlest first: the house's own `current` and `grace` come before it
    unless it names them, and a stage that it lacks comes after, in the order of first days. `scheme`, `order` and
    `promise_tolerance_days` are those that the run decided with.

    >>> empty = figures_of([], strategy_name="s", start_on=date(2026, 1, 1), end_on=date(2026, 2, 1))
    >>> empty.accounts, empty.days, empty.currencies
    (0, 31, ())

    Raises:
        InvalidDate: `report.period` unless `start_on` lies before `end_on`.
        HistoryError: as `history.snapshot`.
    """
    if require_date(start_on, "start_on") >= require_date(end_on, "end_on"):
        raise InvalidDate(
            "report.period",
            f"a report needs at least one day, but [{start_on}, {end_on}) is empty; end_on is the day after the last one",
        )
    gathered = Gathered(
        start_on=start_on,
        end_on=end_on,
        scheme=scheme,
        order=order,
        promise_tolerance_days=promise_tolerance_days,
    )
    for state in states:
        gathered.add(state)
    return gathered.figures(strategy_name=strategy_name, stages=stages)


def render_html(figures: RunFigures, *, locale: str = "en", accounts_shown: int = 40) -> str:
    """Return the report as one HTML page; the same figures give the same bytes.

    `locale` (such as `de_DE`) shapes numbers and dates; the sentences are English. Of the accounts behind a figure at
    most `accounts_shown` are named.

    Raises:
        MissingOptionalDependency: matplotlib or jinja2 is not installed.
        WordingError: `report.locale` for a locale that is not known.
    """
    return page_of(figures, locale=locale, accounts_shown=accounts_shown)
