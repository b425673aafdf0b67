"""Payment plans: every shape a collections team agrees, built exact and proven before it exists.

A plan is terms and a schedule; it never changes. Whether it is kept follows from the payments (`servicing`); what may
be offered follows from limits (`settlement`). Nothing here reads a clock or makes an id: both come in by the door.

    PaymentPlan     what was agreed, with `proof` and `explain`
    ..._plan        one function per shape; all take `PlanOptions` besides their own arguments
    personalised_plan   from what the debtor can afford, within limits, or `Declined`
    disclose        what a plan costs: nominal and effective rate, both APRs, totals, and the schedule in words

Each builder either returns a plan whose rows close to the minor unit, or raises `InvalidTerms` with what would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeVar, Unpack, cast

import attrs

from collectkit._plans.affordable import Binding, solve
from collectkit._plans.deferral import waiting
from collectkit._plans.disclosure import Disclosure, disclose
from collectkit._plans.explanation import RowExplanation
from collectkit._plans.options import (
    AGREEMENT_OPTIONS,
    AccrueTo,
    Compounding,
    GraceInterest,
    PlanOptions,
    ResidueTo,
    Shape,
    refuse_unheard,
)
from collectkit._plans.plan import Agreement, PaymentPlan, plan_from_terms, refuse_conflict
from collectkit._plans.proof import PlanProof
from collectkit._plans.terms import Periods, PlanTerms
from collectkit.core.decisions import Declined, Reason
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money
from collectkit.core.rates import Rate, exact_number
from collectkit.core.schedule import require_count

__all__ = [
    "AccrueTo",
    "Agreement",
    "Binding",
    "Compounding",
    "Disclosure",
    "GraceInterest",
    "PaymentPlan",
    "Periods",
    "PersonalisedPlan",
    "PlanOptions",
    "PlanProof",
    "PlanTerms",
    "ResidueTo",
    "RowExplanation",
    "Shape",
    "agreed_plan",
    "amortised_plan",
    "balloon_plan",
    "bullet_plan",
    "deferred_plan",
    "disclose",
    "equal_principal_plan",
    "equal_split_plan",
    "flat_plan",
    "interest_only_plan",
    "minimum_payment_plan",
    "personalised_plan",
    "plan_from_terms",
    "refuse_conflict",
    "stepped_plan",
]


T = TypeVar("T")


# -- one function per shape ------------------------------------------------------------------------------------


def amortised_plan(
    *, plan_id: str, principal: Money, rate: Rate, instalments: int, start_on: date, **options: Unpack[PlanOptions]
) -> PaymentPlan:
    """Pay in equal parts of principal and interest; the last takes what rounding left.

    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=3,
    ...     start_on=date(2026, 1, 31),
    ... )
    >>> [(str(row.due_on), str(row.total)) for row in plan.schedule]
    [('2026-02-28', '340.02 EUR'), ('2026-03-31', '340.02 EUR'), ('2026-04-30', '340.03 EUR')]

    Raises:
        InvalidTerms: `plans.count`, `plans.too_many`, `plans.too_small`, `plans.dates` and others of this room.
        InvalidDate: a due date after the year 9999.
    """
    return _plan(
        plan_id,
        options,
        shape="level",
        principal=principal,
        rate=_needed(rate, "rate"),
        instalments=instalments,
        start_on=start_on,
    )


def equal_split_plan(
    *, plan_id: str, principal: Money, instalments: int, start_on: date, **options: Unpack[PlanOptions]
) -> PaymentPlan:
    """Pay in equal parts without interest.

    >>> plan = equal_split_plan(
    ...     plan_id="P-1", principal=Money.of("100", "EUR"), instalments=3, start_on=date(2026, 1, 1)
    ... )
    >>> [row.total.minor for row in plan.schedule]
    [3333, 3333, 3334]

    Raises:
        InvalidTerms: as `amortised_plan`.
    """
    return _plan(plan_id, options, shape="equal_split", principal=principal, instalments=instalments, start_on=start_on)


def deferred_plan(
    *,
    plan_id: str,
    principal: Money,
    instalments: int,
    start_on: date,
    grace: int | None = None,
    starts_on: date | None = None,
    rate: Rate | None = None,
    interest: GraceInterest = "waive",
    **options: Unpack[PlanOptions],
) -> PaymentPlan:
    """Pay later: nothing, or interest alone, for `grace` steps of the rhythm; then equal parts.

    Say how long either by `grace` or by `starts_on`, the day of the first regular instalment. `interest` decides over
    the time before: `waive` it, `pay` it as it falls due (rows of interest only), `collect` it in the first regular
    instalment, or `capitalise` it, step by step. Where `starts_on` is on no step of the rhythm, interest for the time
    before needs a `day_count`.

    >>> plan = deferred_plan(
    ...     plan_id="P-1", principal=Money.of("90", "EUR"), instalments=3, start_on=date(2026, 1, 15), grace=3
    ... )
    >>> [(str(row.due_on), row.total.minor) for row in plan.schedule]
    [('2026-05-15', 3000), ('2026-06-15', 3000), ('2026-07-15', 3000)]

    Raises:
        InvalidTerms: `plans.deferral` for a deferral of nothing, or one given twice; else as `amortised_plan`.
    """
    require_count(instalments)
    if not isinstance(rate, Rate) or rate.is_zero:
        interest = "waive" if interest == "pay" else interest  # without interest there is nothing to pay meanwhile
    wait = waiting(start_on, grace, starts_on, interest, options)
    rows = instalments + wait.grace if interest == "pay" else instalments
    first_due_on = starts_on if wait.begin_on is not None else options.get("first_due_on")
    return _plan(
        plan_id,
        {**options, "first_due_on": first_due_on},
        shape="equal_split" if rate is None else "level",
        principal=principal,
        rate=rate,
        instalments=rows,
        start_on=start_on,
        grace=wait.grace,
        begin_on=wait.begin_on,
        grace_interest=interest,
    )


def equal_principal_plan(
    *, plan_id: str, principal: Money, rate: Rate, instalments: int, start_on: date, **options: Unpack[PlanOptions]
) -> PaymentPlan:
    """Pay equal parts of principal, with interest on what is left: the instalments fall.

    >>> plan = equal_principal_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("300", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=3,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> [row.total.minor for row in plan.schedule]
    [10300, 10200, 10100]

    Raises:
        InvalidTerms: as `amortised_plan`.
    """
    return _plan(
        plan_id,
        options,
        shape="equal_principal",
        principal=principal,
        rate=_needed(rate, "rate"),
        instalments=instalments,
        start_on=start_on,
    )


def flat_plan(
    *, plan_id: str, principal: Money, rate: Rate, instalments: int, start_on: date, **options: Unpack[PlanOptions]
) -> PaymentPlan:
    """Pay equal parts of principal and of interest on the whole debt over the whole time (add-on interest).

    >>> plan = flat_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1200", "EUR"),
    ...     rate=Rate.percent("10"),
    ...     instalments=12,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> plan.schedule[0].total, plan.schedule.interest
    (Money(11000, 'EUR'), Money(12000, 'EUR'))

    Raises:
        InvalidTerms: as `amortised_plan`.
    """
    return _plan(
        plan_id,
        options,
        shape="flat",
        principal=principal,
        rate=_needed(rate, "rate"),
        instalments=instalments,
        start_on=start_on,
    )


def interest_only_plan(
    *, plan_id: str, principal: Money, rate: Rate, instalments: int, start_on: date, **options: Unpack[PlanOptions]
) -> PaymentPlan:
    """Pay interest alone, and the whole debt with the last instalment.

    >>> plan = interest_only_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("100", "EUR"),
    ...     rate=Rate.percent("30"),
    ...     instalments=3,
    ...     start_on=date(2024, 1, 1),
    ... )
    >>> [row.total.minor for row in plan.schedule]
    [250, 250, 10250]

    Raises:
        InvalidTerms: as `amortised_plan`; `plans.nothing_due` where interest rounds to nothing.
    """
    return _plan(
        plan_id,
        options,
        shape="interest_only",
        principal=principal,
        rate=_needed(rate, "rate"),
        instalments=instalments,
        start_on=start_on,
    )


def balloon_plan(
    *,
    plan_id: str,
    principal: Money,
    rate: Rate,
    instalments: int,
    start_on: date,
    balloon: Money,
    **options: Unpack[PlanOptions],
) -> PaymentPlan:
    """Pay equal parts and, with the last of them, the `balloon` as well.

    >>> plan = balloon_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("1000", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     instalments=3,
    ...     start_on=date(2026, 1, 1),
    ...     balloon=Money.of("500", "EUR"),
    ... )
    >>> [row.total.minor for row in plan.schedule]
    [17501, 17501, 67501]

    Raises:
        InvalidTerms: as `amortised_plan`; `plans.negative_amortisation` where the balloon is so large that the
            regular instalments do not cover their interest.
    """
    return _plan(
        plan_id,
        options,
        shape="balloon",
        principal=principal,
        rate=_needed(rate, "rate"),
        instalments=instalments,
        start_on=start_on,
        balloon=_needed(balloon, "balloon"),
    )


def bullet_plan(
    *,
    plan_id: str,
    principal: Money,
    rate: Rate,
    periods: int,
    start_on: date,
    interest: Literal["simple", "compound"] = "simple",
    **options: Unpack[PlanOptions],
) -> PaymentPlan:
    """Pay everything once, after so many periods: the debt and all its interest.

    `interest` is simple, rounded once; or compound, added to the debt at the end of each period.

    >>> plan = bullet_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("100", "EUR"),
    ...     rate=Rate.percent("12"),
    ...     periods=3,
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> [(str(row.due_on), row.total.minor) for row in plan.schedule]
    [('2026-04-01', 10300)]

    Raises:
        InvalidTerms: as `amortised_plan`.
    """
    if interest not in ("simple", "compound"):
        raise InvalidTerms("plans.compounding", "interest must be one of: simple, compound")
    return _plan(
        plan_id,
        options,
        shape="bullet",
        principal=principal,
        rate=_needed(rate, "rate"),
        instalments=periods,
        start_on=start_on,
        simple_interest=interest == "simple",
    )


def stepped_plan(
    *,
    plan_id: str,
    principal: Money,
    instalments: int,
    start_on: date,
    rate: Rate | None = None,
    growth: str | Decimal | Fraction | None = None,
    rows_per_step: int = 12,
    steps: Sequence[tuple[int, Money]] = (),
    **options: Unpack[PlanOptions],
) -> PaymentPlan:
    """Pay little first and more later: by `growth` every `rows_per_step` rows, or by named `steps`.

    `growth` is a share: "0.05" raises the instalments by 5 % a step. `steps` are pairs of a number of rows and what
    each of them pays; the rows that they leave open are solved to equal parts.

    >>> plan = stepped_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("300", "EUR"),
    ...     instalments=4,
    ...     start_on=date(2026, 1, 1),
    ...     steps=[(2, Money.of("50", "EUR"))],
    ... )
    >>> [row.total.minor for row in plan.schedule]
    [5000, 5000, 10000, 10000]

    Raises:
        InvalidTerms: `plans.amounts` unless exactly one of `growth` and `steps` is given; `plans.negative_amortisation`
            where a step is below its interest, with what would suffice.
    """
    if (growth is None) == (not steps):
        raise InvalidTerms("plans.amounts", "say how the instalments rise by growth or by steps, one of the two")
    share = Fraction(0) if growth is None else exact_number(growth, "growth")
    if not -1 < share <= 10:
        raise InvalidTerms("plans.amounts", "growth is a share above -1 and at most 10; '0.05' is 5 %")
    if isinstance(steps, (str, bytes)) or not isinstance(steps, Sequence) or not all(map(_is_pair, steps)):
        raise InvalidTerms(
            "plans.amounts", "steps are pairs of a number of rows and what each pays, such as (6, money)"
        )
    for rows, _ in steps:
        require_count(rows)
    return _plan(
        plan_id,
        options,
        shape="stepped",
        principal=principal,
        rate=rate,
        instalments=instalments,
        start_on=start_on,
        growth=share,
        rows_per_step=require_count(rows_per_step),
        steps=tuple((rows, amount) for rows, amount in steps),
    )


def minimum_payment_plan(
    *,
    plan_id: str,
    principal: Money,
    start_on: date,
    share: str | Decimal | Fraction,
    floor: Money,
    rate: Rate | None = None,
    max_instalments: int = 600,
    **options: Unpack[PlanOptions],
) -> PaymentPlan:
    """Pay a share of what is owed each period (balance and its interest), but never less than `floor`.

    >>> plan = minimum_payment_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("100", "EUR"),
    ...     start_on=date(2026, 1, 1),
    ...     share="0.5",
    ...     floor=Money.of("20", "EUR"),
    ... )
    >>> [row.total.minor for row in plan.schedule]
    [5000, 2500, 2000, 500]

    Raises:
        InvalidTerms: `plans.too_many` where `max_instalments` do not suffice, `plans.negative_amortisation` where the
            minimum is below the interest.
    """
    part = exact_number(share, "share")
    if not 0 <= part <= 1:
        raise InvalidTerms("plans.amounts", "share is between 0 and 1; '0.02' is 2 % of the balance")
    return _plan(
        plan_id,
        options,
        shape="minimum_payment",
        principal=principal,
        rate=rate,
        instalments=max_instalments,
        start_on=start_on,
        minimum_share=part,
        minimum_floor=floor,
    )


def agreed_plan(
    *,
    plan_id: str,
    principal: Money,
    start_on: date,
    parts: Sequence[tuple[date, Money | None]],
    rate: Rate | None = None,
    **options: Unpack[PlanOptions],
) -> PaymentPlan:
    """Pay on dates and in amounts agreed by hand; None as the last amount has it worked out.

    With a `rate`, name a `day_count`, since the dates have no rhythm.

    >>> plan = agreed_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("250", "EUR"),
    ...     start_on=date(2026, 1, 5),
    ...     parts=[
    ...         (date(2026, 1, 30), Money.of("50", "EUR")),
    ...         (date(2026, 3, 13), Money.of("100", "EUR")),
    ...         (date(2026, 4, 1), None),
    ...     ],
    ... )
    >>> plan.schedule[2].total
    Money(10000, 'EUR')

    Raises:
        InvalidTerms: `plans.amounts` where the amounts do not pay the debt off, with what the last one must be.
    """
    if isinstance(parts, (str, bytes)) or not isinstance(parts, Sequence) or not all(map(_is_pair, parts)):
        raise InvalidTerms(
            "plans.amounts", "parts are pairs of a date and an amount, such as (date(2026, 3, 1), money)"
        )
    if any(amount is None for _, amount in parts[:-1]):
        raise InvalidTerms("plans.amounts", "only the last amount can be left to be worked out")
    return _plan(
        plan_id,
        {**options, "due_on": tuple(day for day, _ in parts)},
        shape="agreed",
        principal=principal,
        rate=rate,
        instalments=len(parts),
        start_on=start_on,
        amounts=tuple(amount for _, amount in parts if amount is not None),
    )


# -- from what the debtor can afford ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PersonalisedPlan:
    """A plan solved from what the debtor can afford: which limit decided its form, and why."""

    plan: PaymentPlan
    binds: Binding
    reasons: tuple[Reason, ...]


def personalised_plan(
    *,
    plan_id: str,
    principal: Money,
    affordable: Money,
    start_on: date,
    rate: Rate | None = None,
    max_instalments: int = 600,
    end_by: date | None = None,
    min_instalment: Money | None = None,
    prefer: Literal["soonest", "lowest"] = "soonest",
    **options: Unpack[PlanOptions],
) -> PersonalisedPlan | Declined:
    """Solve a plan from the sum that the debtor can pay per period, fees included, on paydays of the given rhythm.

    `soonest` pays all that is affordable and solves for the number of instalments and the end; `lowest` takes as many
    instalments as the limits allow and solves for their amount. No instalment is above what is affordable or below
    `min_instalment`, the last one included; a down payment stands apart. Where the residue rule of the lowest plan would
    break a limit, a level near it is taken. Where no plan fits, the answer is `Declined` with the limits that stand in
    the way and what would suffice.

    >>> found = personalised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("500", "EUR"),
    ...     affordable=Money.of("120", "EUR"),
    ...     start_on=date(2026, 1, 1),
    ... )
    >>> [row.total.minor for row in found.plan.schedule], found.binds
    ([12000, 12000, 12000, 12000, 2000], 'affordable')
    >>> str(
    ...     personalised_plan(
    ...         plan_id="P-1",
    ...         principal=Money.of("500", "EUR"),
    ...         affordable=Money.of("20", "EUR"),
    ...         start_on=date(2026, 1, 1),
    ...         max_instalments=12,
    ...     )
    ... )
    '12 instalments of 20.00 EUR leave 260.00 EUR; within max_instalments, 41.67 EUR each would do'

    Raises:
        InvalidTerms: terms that no sum could make sound, or `residue_to` with the soonest plan.
        InvalidDate, CalendarMissing: not even the first due date is known.
    """
    if options.get("due_on"):
        raise InvalidTerms("plans.amounts", "give the rhythm of paydays rather than the dates themselves")
    draft = _terms(
        options, shape="level", principal=principal, rate=rate, instalments=max_instalments, start_on=start_on
    )
    found = solve(draft=draft, affordable=affordable, end_by=end_by, min_instalment=min_instalment, prefer=prefer)
    if isinstance(found, Declined):
        return found
    plan = plan_from_terms(plan_id=plan_id, terms=found.terms, agreement=_agreement(options))
    return PersonalisedPlan(plan=plan, binds=found.binds, reasons=found.reasons)


# -- details ---------------------------------------------------------------------------------------------------


def _is_pair(part: object) -> bool:
    return isinstance(part, tuple) and len(part) == 2


def _plan(plan_id: str, options: PlanOptions, **terms: Any) -> PaymentPlan:
    """Build a plan from a shape's own terms and the options that all shapes share."""
    return plan_from_terms(plan_id=plan_id, terms=_terms(options, **terms), agreement=_agreement(options))


def _needed(value: T | None, name: str) -> T:
    if value is None:
        raise InvalidTerms(
            "plans.arguments", f"{name} is missing; where there is none, say so: Rate.zero(), or money of 0"
        )
    return value


def _agreement(options: Any) -> Agreement:
    given = {name: options[name] for name in AGREEMENT_OPTIONS if options.get(name) is not None}
    return cast(Agreement, given)


def _terms(options: Any, **terms: Any) -> PlanTerms:
    for name in options:
        if name not in PlanOptions.__annotations__:  # a type checker says so first; here it would be ignored or obeyed
            known = ", ".join(sorted(PlanOptions.__annotations__))
            raise TypeError(
                f"a plan of the shape {terms['shape']} takes no {name!r}; besides its own arguments it takes: {known}"
            )
    refuse_unheard(terms["shape"], options)
    shared = {name: value for name, value in options.items() if name not in AGREEMENT_OPTIONS}
    return PlanTerms(**shared, **terms)
