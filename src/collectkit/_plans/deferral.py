"""How long a deferred plan waits: in steps of its rhythm, or until a day that lies between two of them."""

from __future__ import annotations

from datetime import date

import attrs

from collectkit._plans.options import MONTHLY, GraceInterest, PlanOptions
from collectkit.core.checks import as_tuple, require_date
from collectkit.core.errors import InvalidTerms
from collectkit.core.schedule import MAX_INSTALMENTS


@attrs.frozen(kw_only=True)
class Waiting:
    """The steps to wait, and where the wait is no whole number of them the day on which regular periods begin."""

    grace: int
    begin_on: date | None = None


def waiting(
    start_on: date, grace: int | None, starts_on: date | None, interest: GraceInterest, options: PlanOptions
) -> Waiting:
    """Work out the wait from the number of steps or from the day of the first regular instalment, one of the two.

    Raises:
        InvalidTerms: `plans.deferral`.
    """
    if (grace is None) == (starts_on is None):
        raise InvalidTerms("plans.deferral", "say how long to wait by grace or by starts_on, one of the two")
    if options.get("due_on") or options.get("rrule"):
        raise InvalidTerms("plans.deferral", "listed dates say themselves when paying starts; leave the wait out")
    if starts_on is not None:
        grace = _steps_to(starts_on, start_on, options)
        if grace is None:
            return Waiting(grace=1, begin_on=_begin(starts_on, start_on, interest, options))
    if type(grace) is not int or grace < 1:
        raise InvalidTerms(
            "plans.deferral", "a deferral waits for one step of the rhythm or more; use another plan for none"
        )
    if grace > MAX_INSTALMENTS:
        raise InvalidTerms("plans.deferral", f"a deferral of {grace} steps is over the limit of {MAX_INSTALMENTS}")
    return Waiting(grace=grace)


def _steps_to(starts_on: date, start_on: date, options: PlanOptions) -> int | None:
    """Return the steps of the rhythm to wait so that the first instalment falls due on `starts_on`, if it is on one."""
    require_date(starts_on, "starts_on")
    require_date(start_on, "start_on")
    if options.get("first_due_on") is not None:
        raise InvalidTerms("plans.deferral", "starts_on names the first due date; leave first_due_on out")
    if starts_on.month in as_tuple(options.get("skip_months", ())):
        raise InvalidTerms("plans.deferral", f"{starts_on} is in a month without instalments; choose another")
    if starts_on <= start_on:
        raise InvalidTerms("plans.deferral", f"the wait ends on {starts_on}, not after its start on {start_on}")
    every, end = options.get("every", MONTHLY), options.get("month_end", "clamp")
    steps, day = 0, every.date(anchor=start_on, number=1, month_end=end)
    while day < starts_on and steps <= MAX_INSTALMENTS:
        steps += 1
        day = every.date(anchor=start_on, number=steps + 1, month_end=end)
    return steps if day == starts_on else None


def _begin(starts_on: date, start_on: date, interest: GraceInterest, options: PlanOptions) -> date:
    """Return the start of the first regular period; the wait before it is one period of its own, counted by days."""
    every, end = options.get("every", MONTHLY), options.get("month_end", "clamp")
    begin_on = every.date(anchor=starts_on, number=-1, month_end=end)
    if begin_on <= start_on:
        raise InvalidTerms(
            "plans.deferral",
            f"from {start_on} to {starts_on} is one step of the rhythm or less, so nothing is deferred; "
            "pass first_due_on to another plan",
        )
    if interest == "pay":
        raise InvalidTerms("plans.deferral", "interest paid meanwhile needs a wait of whole steps; give it as grace")
    return begin_on
