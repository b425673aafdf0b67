"""A payment plan from the command line: its schedule, what it costs as a yearly rate, and its proof."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import click

from collectkit import plans
from collectkit._cli.printing import print_table, say
from collectkit.adapters.csv_out import write_csv
from collectkit.core.calendars import Every
from collectkit.core.errors import InvalidTerms, MissingOptionalDependency
from collectkit.core.interest import eu_aprc, eu_years, percent_of, regz_apr
from collectkit.core.money import Money
from collectkit.core.rates import Rate
from collectkit.core.schedule import Instalment

__all__ = ["SHAPES", "apr_of", "built", "plan_csv", "plan_facts", "plan_svg", "print_plan"]

SHAPES: Final = (
    "level",
    "equal-split",
    "equal-principal",
    "flat",
    "interest-only",
    "balloon",
    "bullet",
    "deferred",
    "stepped",
    "minimum-payment",
)

_BUILDERS: Final[Mapping[str, Any]] = {
    "level": plans.amortised_plan,
    "equal-split": plans.equal_split_plan,
    "equal-principal": plans.equal_principal_plan,
    "flat": plans.flat_plan,
    "interest-only": plans.interest_only_plan,
    "balloon": plans.balloon_plan,
    "bullet": plans.bullet_plan,
    "deferred": plans.deferred_plan,
    "stepped": plans.stepped_plan,
    "minimum-payment": plans.minimum_payment_plan,
}
_NEEDS_RATE: Final = frozenset({"level", "equal-principal", "flat", "interest-only", "balloon", "bullet"})
_OWN: Final[Mapping[str, tuple[str, ...]]] = {  # what only these shapes take, and must be given
    "balloon": ("balloon",),
    "deferred": ("grace",),
    "stepped": ("growth",),
    "minimum-payment": ("share", "floor"),
}


def built(
    *,
    shape: str,
    principal: str,
    currency: str,
    rate: str | None,
    instalments: int | None,
    start_on: date,
    own: Mapping[str, str | int | None],
    options: Mapping[str, Any],
) -> plans.PaymentPlan:
    """Build the plan that the command line names; a missing or a foreign argument is said with the way out.

    Raises:
        InvalidTerms: `plans.arguments`, or as the shape's builder.
        InvalidMoney, InvalidRate: an amount or rate that cannot be read.
    """
    terms: dict[str, Any] = {"plan_id": "plan", "principal": Money.of(principal, currency), "start_on": start_on}
    for name, value in own.items():
        if value is None:
            continue
        if name not in _OWN.get(shape, ()):
            owner = next(one for one, names in _OWN.items() if name in names)
            raise InvalidTerms("plans.arguments", f"--{name} belongs to --shape {owner}, not to {shape}")
        terms[name] = Money.of(str(value), currency) if name in ("balloon", "floor") else value
    lacking = [f"--{name}" for name in _OWN.get(shape, ()) if own.get(name) is None]
    if shape in _NEEDS_RATE and rate is None:
        lacking.append("--rate (0 for none)")
    if instalments is None and shape != "minimum-payment":
        lacking.append("--instalments")
    if lacking:
        raise InvalidTerms("plans.arguments", f"--shape {shape} also needs {' and '.join(lacking)}")
    if rate is not None and shape == "equal-split":
        raise InvalidTerms("plans.arguments", "--shape equal-split bears no interest; leave out --rate or use level")
    if rate is not None:
        terms["rate"] = Rate.percent(rate)
    if instalments is not None:
        terms[{"bullet": "periods", "minimum-payment": "max_instalments"}.get(shape, "instalments")] = instalments
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("fee_each", "fee_total", "down_payment", "multiple"):
        if name in given:
            given[name] = Money.of(given[name], currency)
    if "every" in given:
        given["every"] = _rhythm(given["every"])
    plan: plans.PaymentPlan = _BUILDERS[shape](**terms, **given)
    return plan


def apr_of(plan: plans.PaymentPlan) -> tuple[Decimal | None, Decimal | None]:
    """Return the yearly cost in per cent: effective as in the EU, and nominal as in US Regulation Z; None for no answer.

    Money paid on the first day lowers what was lent; interest and fees are the cost.
    """
    start = plan.terms.start_on
    paid = [(row.due_on, row.total.minor) for row in plan.schedule if row.due_on > start and row.total.minor > 0]
    lent = plan.principal.minor - sum(row.total.minor for row in plan.schedule if row.due_on <= start)
    if lent <= 0 or not paid:
        return None, None
    if plan.cost.is_zero:
        return Decimal("0.00"), Decimal("0.00")
    try:
        effective = eu_aprc(drawdowns=[(0, lent)], payments=[(eu_years(start, on), amount) for on, amount in paid])
        nominal = regz_apr(advances=[(start, lent)], payments=paid)
    except InvalidTerms:
        return None, None  # flows to which no rate belongs
    return percent_of(effective, 2), nominal.percent(2)


def plan_facts(plan: plans.PaymentPlan) -> dict[str, object]:
    """Give the plan as plain values; amounts are text such as "83.33"."""
    effective, nominal = apr_of(plan)
    return {
        "shape": plan.terms.shape,
        "currency": plan.currency,
        "principal": plan.principal.plain(),
        "total": plan.total.plain(),
        "cost": plan.cost.plain(),
        "apr_effective_percent": effective,
        "apr_nominal_percent": nominal,
        "rows": [{name: _cell(value) for name, value in _row(one).items()} for one in plan.schedule],
        "proof": list(plan.proof.lines()),
    }


def plan_csv(plan: plans.PaymentPlan) -> str:
    """Write the schedule as CSV, one row for each instalment; the currency has a column of its own."""
    stream = io.StringIO()
    rows = [(*_row(row).values(), plan.currency) for row in plan.schedule]
    write_csv(stream, (*_row(plan.schedule[0]), "currency"), rows)
    return stream.getvalue()


def print_plan(plan: plans.PaymentPlan) -> None:
    """Print the schedule, what it costs, and what was proven about it."""
    print_table(
        ("no.", "due on", "principal", "interest", "fee", f"total {plan.currency}", "balance after"),
        [[str(_cell(value)) for value in _row(row).values()] for row in plan.schedule],
        right=(0, 2, 3, 4, 5, 6),
    )
    effective, nominal = apr_of(plan)
    say(f"{plan.total} in all: the debt of {plan.principal} and {plan.cost} for interest and fees.")
    if effective is not None:
        say(f"APR {effective} % effective (as in the EU), {nominal} % nominal (as in US Regulation Z).")
    say("Proof:\n" + "\n".join(f"  - {line}" for line in plan.proof.lines()))


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
        axes.set_xlim(places[0], places[-1])
        axes.set_xticks([day.toordinal() for day in named], [day.isoformat() for day in named])
        axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.0f}")
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


def _rhythm(text: str) -> Every:
    """Read a rhythm such as `month`, `2 weeks` or `14 days`."""
    number, _, unit = text.strip().rpartition(" ")
    unit = unit if unit.endswith("s") else f"{unit}s"
    if unit not in ("days", "weeks", "semimonths", "months", "years") or not (number or "1").isdecimal():
        raise click.UsageError(f"--every takes a rhythm such as 'month', '2 weeks' or '14 days', not {text!r}")
    return Every(int(number or "1"), unit)  # type: ignore[arg-type]  # checked on the line above
