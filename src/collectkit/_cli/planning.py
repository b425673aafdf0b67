"""A payment plan from the command line: its schedule, what it costs as a yearly rate, and its proof."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

import attrs
import click

from collectkit import plans
from collectkit._cli.printing import print_table, say
from collectkit.adapters.csv_out import write_csv
from collectkit.core.calendars import Every, parse_date
from collectkit.core.decisions import Declined
from collectkit.core.errors import InvalidRate, InvalidTerms, MissingOptionalDependency
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.schedule import Instalment

__all__ = [
    "OWN_ARGUMENTS",
    "SHAPES",
    "built",
    "cost_of",
    "plan_csv",
    "plan_facts",
    "plan_svg",
    "print_plan",
    "refusal_facts",
]


@attrs.frozen
class _Shape:
    """How the command line calls one builder: what only this shape takes, and what of it must be given."""

    build: Any
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    rate: Literal["needed", "taken", "refused"] = "taken"
    count: str | None = "instalments"  # the builder's name for --instalments, None where the shape counts by itself


_SHAPES: Final[Mapping[str, _Shape]] = {
    "level": _Shape(plans.amortised_plan, rate="needed"),
    "equal-split": _Shape(plans.equal_split_plan, rate="refused"),
    "equal-principal": _Shape(plans.equal_principal_plan, rate="needed"),
    "flat": _Shape(plans.flat_plan, rate="needed"),
    "interest-only": _Shape(plans.interest_only_plan, rate="needed"),
    "balloon": _Shape(plans.balloon_plan, needs=("balloon",), rate="needed"),
    "bullet": _Shape(plans.bullet_plan, rate="needed", count="periods"),
    "deferred": _Shape(plans.deferred_plan, needs=("grace",), takes=("interest",)),
    "stepped": _Shape(plans.stepped_plan, needs=("growth",)),
    "minimum-payment": _Shape(plans.minimum_payment_plan, needs=("share", "floor"), count="max_instalments"),
    "agreed": _Shape(plans.agreed_plan, needs=("part",), count=None),
    "personalised": _Shape(
        plans.personalised_plan,
        needs=("affordable",),
        takes=("prefer", "end_by", "min_instalment"),
        count="max_instalments",
    ),
}
SHAPES: Final = tuple(_SHAPES)
OWN_ARGUMENTS: Final = tuple(name for one in _SHAPES.values() for name in (*one.needs, *one.takes))
_MAY_BE_UNCOUNTED: Final = frozenset({"max_instalments", None})
_MONEY: Final = frozenset({"balloon", "floor", "affordable", "min_instalment"})


def built(
    *,
    shape: str,
    principal: str,
    currency: str,
    rate: str | None,
    instalments: int | None,
    start_on: date,
    own: Mapping[str, Any],
    options: Mapping[str, Any],
) -> plans.PaymentPlan | Declined:
    """Build the plan that the command line names; a missing or a foreign argument is said with the way out.

    Only the personalised shape can be `Declined`: no plan within the limits is affordable.

    Raises:
        InvalidTerms: `plans.arguments`, or as the shape's builder.
        InvalidMoney, InvalidRate: an amount or rate that cannot be read.
    """
    known = _SHAPES[shape]
    terms: dict[str, Any] = {"plan_id": "plan", "principal": Money.of(principal, currency), "start_on": start_on}
    given = {name: value for name, value in own.items() if value not in (None, ())}
    for name, value in given.items():
        if name not in (*known.needs, *known.takes):
            owner = next(other for other, one in _SHAPES.items() if name in (*one.needs, *one.takes))
            raise InvalidTerms("plans.arguments", f"{_option(name)} belongs to --shape {owner}, not to {shape}")
        terms[name] = Money.of(str(value), currency) if name in _MONEY else value
    lacking = [_option(name) for name in known.needs if name not in given]
    if known.rate == "needed" and rate is None:
        lacking.append("--rate (0 for none)")
    if instalments is None and known.count not in _MAY_BE_UNCOUNTED:
        lacking.append("--instalments")
    if lacking:
        raise InvalidTerms("plans.arguments", f"--shape {shape} also needs {' and '.join(lacking)}")
    if rate is not None:
        if known.rate == "refused":
            raise InvalidTerms("plans.arguments", f"--shape {shape} bears no interest; leave out --rate or use level")
        terms["rate"] = _rate(rate)
    if instalments is not None:
        if known.count is None:
            raise InvalidTerms("plans.arguments", f"--shape {shape} has as many instalments as it has parts")
        terms[known.count] = instalments
    if "part" in terms:
        terms["parts"] = [_part(text, currency) for text in terms.pop("part")]
    more = {name: value for name, value in options.items() if value not in (None, ())}
    for name in ("fee_each", "fee_total", "down_payment", "multiple"):
        if name in more:
            more[name] = Money.of(more[name], currency)
    if "every" in more:
        more["every"] = _rhythm(more["every"])
    made = known.build(**terms, **more)
    return made.plan if isinstance(made, plans.PersonalisedPlan) else made


def cost_of(plan: plans.PaymentPlan) -> plans.Disclosure | InvalidTerms:
    """Return what the plan costs, or why no yearly rate can be told: paid at once, or flows to which none belongs."""
    try:
        return plans.disclose(plan)
    except InvalidTerms as error:
        return error


def refusal_facts(declined: Declined) -> dict[str, object]:
    """Give a refusal as plain values: every reason with its code."""
    return {"declined": [{"code": reason.code, "text": reason.text} for reason in declined.reasons]}


def plan_facts(plan: plans.PaymentPlan, explained: int | None = None) -> dict[str, object]:
    """Give the plan as plain values; amounts are text such as "83.33"."""
    cost = cost_of(plan)
    rates = (None, None) if isinstance(cost, InvalidTerms) else (cost.aprc_percent, cost.apr_percent)
    said = {} if explained is None else {"explanation": _explanation(plan, explained)}
    return said | {
        "shape": plan.terms.shape,
        "currency": plan.currency,
        "principal": plan.principal.plain(),
        "total": plan.total.plain(),
        "cost": plan.cost.plain(),
        "apr_effective_percent": rates[0],
        "apr_nominal_percent": rates[1],
        "rows": [{name: _cell(value) for name, value in _row(one).items()} for one in plan.schedule],
        "proof": list(plan.proof.lines()),
    }


def plan_csv(plan: plans.PaymentPlan) -> str:
    """Write the schedule as CSV, one row for each instalment; the currency has a column of its own."""
    stream = io.StringIO()
    rows = [(*_row(row).values(), plan.currency) for row in plan.schedule]
    write_csv(stream, (*_row(plan.schedule[0]), "currency"), rows)
    return stream.getvalue()


def print_plan(plan: plans.PaymentPlan, explained: int | None = None) -> None:
    """Print the schedule, what it costs, and what was proven about it."""
    explanation = None if explained is None else _explanation(plan, explained)  # a wrong number prints nothing
    print_table(
        ("no.", "due on", "principal", "interest", "fee", f"total {plan.currency}", "balance after"),
        [[str(_cell(value)) for value in _row(row).values()] for row in plan.schedule],
        right=(0, 2, 3, 4, 5, 6),
    )
    cost = cost_of(plan)
    say(f"{plan.total} in all: the debt of {plan.total - plan.cost} and {plan.cost} for interest and fees.")
    if isinstance(cost, InvalidTerms):
        say(f"No APR: {cost}.")
    else:
        say(
            f"APR {cost.aprc_percent} % effective (as in the EU), {cost.apr_percent} % nominal (as in US Regulation Z)."
        )
    say("Proof:\n" + "\n".join(f"  - {line}" for line in plan.proof.lines()))
    if explanation is not None:
        say(f"Row {explained}: {explanation}")


def plan_svg(plan: plans.PaymentPlan) -> str:
    """Draw what is left to pay over time as an SVG file; the same plan gives the same bytes.

    Raises:
        MissingOptionalDependency: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise MissingOptionalDependency("report", "matplotlib") from missing
    scale = Money.of("1", plan.currency).minor
    start = plan.schedule[0]
    before = start.balance + start.principal  # what the first row leaves, and what it pays off
    days = [plan.terms.start_on, *(row.due_on for row in plan.schedule)]
    balances = [before.minor, *(row.balance.minor for row in plan.schedule)]
    places = [day.toordinal() for day in days]
    named = days[:: -(-len(days) // 6)]  # at most six days are written below
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's own style file must not change the bytes
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "collectkit", "font.size": 10})
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        heights = [balance / scale for balance in balances]  # a picture: floats are good enough here
        axes.fill_between(places, heights, step="post", color="#9ecae1", linewidth=0)
        axes.step(places, heights, where="post", color="#2171b5", linewidth=1.4)
        axes.set_ylim(bottom=0)
        axes.set_xlim(places[0], max(places[-1], places[0] + 1))  # all paid on the first day: a day wide
        axes.set_xticks([day.toordinal() for day in named], [day.isoformat() for day in named])
        digits = len(plan.principal.plain().partition(".")[2]) if before.minor < 10 * scale else 0
        axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.{digits}f}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(f"Balance in {plan.currency}: {plan.principal} in {len(plan.schedule)} instalments", loc="left")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


# -- details ---------------------------------------------------------------------------------------------------


def _row(row: Instalment) -> dict[str, object]:
    return {
        "number": row.number,
        "due_on": row.due_on,
        "principal": row.principal,
        "interest": row.interest,
        "fee": row.fee,
        "total": row.total,
        "balance": row.balance,
    }


def _cell(value: object) -> object:
    return value.plain() if isinstance(value, Money) else value


def _explanation(plan: plans.PaymentPlan, number: int) -> str:
    if not 1 <= number <= len(plan.schedule):
        raise InvalidTerms("plans.arguments", f"--explain {number}: the plan has the rows 1 to {len(plan.schedule)}")
    return str(plan.explain(number))


def _rate(text: str) -> Rate:
    try:
        return Rate.percent(text)
    except InvalidRate as error:
        if error.code != "rates.over_limit":
            raise
        raise InvalidTerms("plans.arguments", f"--rate {text} is over 1000 % a year; --rate 9.5 is 9.5 %") from error


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _part(text: str, currency: str) -> tuple[date, Money | None]:
    """Read an agreed part such as 2026-03-13=100.00; a last one without an amount is worked out."""
    day, _, amount = text.partition("=")
    return parse_date(day), Money.of(amount, currency) if amount else None


def _rhythm(text: str) -> Every:
    """Read a rhythm such as `month`, `2 weeks` or `14 days`."""
    number, _, unit = text.strip().rpartition(" ")
    unit = unit if unit.endswith("s") else f"{unit}s"
    if unit not in ("days", "weeks", "semimonths", "months", "years") or not (number or "1").isdecimal():
        raise click.UsageError(f"--every takes a rhythm such as 'month', '2 weeks' or '14 days', not {text!r}")
    return Every(int(number or "1"), unit)  # type: ignore[arg-type]  # checked on the line above
