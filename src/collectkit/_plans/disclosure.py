"""What a plan costs, as laws and fairness want it told: totals, rates by every common measure, the rows in words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import attrs

from collectkit._plans.plan import PaymentPlan
from collectkit._plans.steps import effective_share
from collectkit._plans.terms import period_factor
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.interest import effective_annual, eu_aprc, eu_years, percent_of, regz_apr
from collectkit.core.money import Money
from collectkit.core.rates import Rate


@attrs.frozen(kw_only=True)
class Disclosure:
    """The cost of a plan.

    `down_payment` is what is paid on the first day. `amount_financed` is what the debtor has the use of: the debt
    without the down payment, less charges paid before. `total_of_payments` is what is paid for it after the first day,
    `cost` the difference. Rates are in percent: `nominal_percent` as
    agreed, `effective_percent` with a year of periods compounding, `apr_percent` by Regulation Z, Appendix J, and
    `aprc_percent` by the European equation, both from the real dates and sums, fees included.
    """

    plan_id: str
    down_payment: Money
    amount_financed: Money
    total_of_payments: Money
    cost: Money
    nominal_percent: Decimal
    effective_percent: Decimal
    apr_percent: Decimal
    aprc_percent: Decimal
    schedule_in_words: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """Tell it in words, one line for each figure and for each run of equal instalments."""
        first = () if self.down_payment.is_zero else (f"down payment {self.down_payment}",)
        return (
            *first,
            f"amount financed {self.amount_financed}",
            f"total of payments {self.total_of_payments}, of which {self.cost} is the cost of paying later",
            f"nominal rate {self.nominal_percent} %, effective {self.effective_percent} %",
            f"annual percentage rate {self.apr_percent} % (Regulation Z), {self.aprc_percent} % (European Union)",
            *self.schedule_in_words,
        )


def disclose(plan: PaymentPlan, *, prepaid_charges: Money | None = None) -> Disclosure:
    """State what a plan costs; `prepaid_charges` were paid before the start and reduce what is financed.

    Without any cost the rates are zero. Rates are rounded half-up to two decimals.

    >>> from datetime import date
    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("5000", "USD"),
    ...     rate=Rate.percent("12"),
    ...     instalments=24,
    ...     start_on=date(2026, 1, 10),
    ... )
    >>> for line in disclose(plan).lines():
    ...     print(line)
    amount financed 5000.00 USD
    total of payments 5648.80 USD, of which 648.80 USD is the cost of paying later
    nominal rate 12.00 %, effective 12.68 %
    annual percentage rate 12.00 % (Regulation Z), 12.68 % (European Union)
    23 instalments of 235.37 USD from 2026-02-10 to 2027-12-10
    1 instalment of 235.29 USD on 2028-01-10

    Raises:
        InvalidTerms: `plans.disclosure` where charges are no sum of 0 or more or leave nothing financed, where all is
            paid on the first day, or the plan continues another one.
        CurrencyMismatch: charges in another currency.
    """
    terms = plan.terms
    if plan.carried:
        raise InvalidTerms(
            "plans.disclosure",
            f"plan {plan.plan_id} continues plan {plan.supersedes}; disclose the cost of a plan as it is first agreed",
        )
    start = terms.start_on
    down = Money(sum(row.total.minor for row in plan.schedule if row.due_on <= start), plan.currency)
    rows = [row for row in plan.schedule if row.due_on > start]
    if not rows:
        raise InvalidTerms(
            "plans.disclosure",
            f"plan {plan.plan_id} is paid whole on {start}, the day it begins; what is paid at once has no yearly rate",
        )
    financed = terms.principal - down - _charges(prepaid_charges, plan.currency)
    if financed.minor <= 0:
        raise InvalidTerms(
            "plans.disclosure",
            f"a down payment of {down} and charges of {prepaid_charges or 'nothing'} leave nothing financed "
            f"of {terms.principal}; a rate needs money that is used for some time",
        )
    total = Money(sum(row.total.minor for row in rows), plan.currency)
    apr = aprc = Decimal("0.00")
    if total > financed:
        apr = regz_apr(
            advances=[(start, financed.minor)], payments=[(row.due_on, row.total.minor) for row in rows]
        ).percent()
        aprc = percent_of(
            eu_aprc(
                drawdowns=[(0, financed.minor)],
                payments=[(eu_years(start, row.due_on), row.total.minor) for row in rows],
            ),
            2,
        )
    nominal = Rate.zero() if terms.rate is None else terms.rate
    return Disclosure(
        plan_id=plan.plan_id,
        down_payment=down,
        amount_financed=financed,
        total_of_payments=total,
        cost=total - financed,
        nominal_percent=percent_of(nominal.annual, 2),
        effective_percent=percent_of(_effective(plan), 2),
        apr_percent=apr,
        aprc_percent=aprc,
        schedule_in_words=in_words(plan),
    )


def _charges(prepaid: Money | None, currency: str) -> Money:
    if prepaid is None:
        return Money.zero(currency)
    if not isinstance(prepaid, Money) or prepaid.minor < 0:
        raise InvalidTerms("plans.disclosure", "prepaid_charges is money of 0 or more, such as Money.of('25', 'EUR')")
    if prepaid.currency != currency:
        raise CurrencyMismatch(currency, prepaid.currency, "subtract")
    return prepaid


def _effective(plan: PaymentPlan) -> Fraction:
    """Return the yearly rate that a year of the plan's periods compounds to."""
    terms = plan.terms
    if terms.rate is None:
        return Fraction(0)
    if terms.compounding == "annual":
        return terms.rate.annual
    factor = period_factor(terms)
    if not factor:
        return Fraction(0)
    per_year = terms.rate.annual / factor
    if per_year.denominator == 1 and per_year <= 366:
        return effective_annual(terms.rate, periods_per_year=int(per_year))
    return effective_share(factor, per_year)


def in_words(plan: PaymentPlan) -> tuple[str, ...]:
    """Tell the schedule in words: what is paid on the first day, then runs of equal instalments with first and last day."""
    start, lines = plan.terms.start_on, []
    for (at_once, amount), run in groupby(plan.schedule, key=lambda row: (row.due_on <= start, row.total)):
        rows = list(run)
        if at_once:
            lines.append(f"a down payment of {amount} on {rows[0].due_on}")
        elif len(rows) == 1:
            lines.append(f"1 instalment of {amount} on {rows[0].due_on}")
        else:
            lines.append(f"{len(rows)} instalments of {amount} from {rows[0].due_on} to {rows[-1].due_on}")
    return tuple(lines)
