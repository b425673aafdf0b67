"""What a portfolio did: DSO, CEI and the rates by which collectors are judged, as exact fractions.

Every denominator is named in the docstring; where it is zero the answer is None, never 0 or infinity. Figures of one
currency only: nothing is converted. `as_decimal` rounds for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from collectkit.core.aging import (
    STANDARD,
    AgedAccount,
    BucketScheme,
    RollMatrix,
    Weight,
    bucket_of,
    roll_back_rate,
    roll_matrix,
    roll_rate,
)
from collectkit.core.checks import plain_date, require_int
from collectkit.core.errors import CurrencyMismatch, InvalidRecord
from collectkit.core.money import Money, Rounding, rounded
from collectkit.core.records import ContactAttempt, ContactOutcome, Receivable
from collectkit.core.waterfall import Item

__all__ = [
    "PaymentHistory",
    "PeriodFigures",
    "RollMatrix",
    "as_decimal",
    "average_days_delinquent",
    "best_possible_dso",
    "collection_effectiveness_index",
    "count_back_dso",
    "cure_rate",
    "days_beyond_terms",
    "days_sales_outstanding",
    "liquidation_rate",
    "payment_history",
    "period_figures",
    "promise_kept_rate",
    "promise_rate",
    "recovery_rate",
    "right_party_contact_rate",
    "roll_back_rate",
    "roll_matrix",
    "roll_rate",
    "vintage_of",
]

MAX_DAYS: Final = 36_600
MAX_PLACES: Final = 30


def as_decimal(value: Fraction | None, places: int, *, rounding: Rounding = "half_even") -> Decimal | None:
    """Round a figure for people to so many decimal places; None stays None.

    >>> as_decimal(Fraction(2, 3), 2), as_decimal(Fraction(-1, 2), 0, rounding="half_up"), as_decimal(None, 1)
    (Decimal('0.67'), Decimal('-1'), None)

    Raises:
        InvalidRecord: `metrics.places` unless `places` is a whole number from 0 to 30.
        InvalidMoney: `money.rounding`.
    """
    require_int(places, "places", at_least=0, at_most=MAX_PLACES, code="metrics.places", error=InvalidRecord)
    if value is None:
        return None
    units = rounded(value * 10**places, rounding)
    digits = tuple(int(digit) for digit in str(abs(units)))
    return Decimal((1 if units < 0 else 0, digits, -places))


# -- days of sales ---------------------------------------------------------------------------------------------


def days_sales_outstanding(*, receivables: Money, credit_sales: Money, days: int) -> Fraction | None:
    """Return how many days of sales stand open: `receivables` at the end ÷ `credit_sales` of the period × its `days`.

    The denominator is the credit sales; None where there were none.

    >>> days_sales_outstanding(receivables=Money(50_000, "EUR"), credit_sales=Money(100_000, "EUR"), days=90)
    Fraction(45, 1)

    Raises:
        CurrencyMismatch: two currencies.
        InvalidRecord: `metrics.days`, `metrics.negative`.
    """
    sales = _minor(credit_sales, receivables.currency, "credit_sales")
    require_int(days, "days", at_least=1, at_most=MAX_DAYS, code="metrics.days", error=InvalidRecord)
    return Fraction(_minor(receivables, receivables.currency, "receivables") * days, sales) if sales else None


def best_possible_dso(*, current_receivables: Money, credit_sales: Money, days: int) -> Fraction | None:
    """Return the DSO if nothing were past due: `current_receivables` ÷ `credit_sales` × `days`.

    None where there were no sales; raises as `days_sales_outstanding`.
    """
    return days_sales_outstanding(receivables=current_receivables, credit_sales=credit_sales, days=days)


def average_days_delinquent(
    *, receivables: Money, current_receivables: Money, credit_sales: Money, days: int
) -> Fraction | None:
    """Return the days that lateness adds: DSO less the best possible DSO.

    None where there were no sales; raises as `days_sales_outstanding`, and `metrics.part` where more is current than
    there is.
    """
    _part(current_receivables, receivables, "current receivables", "receivables")
    total = days_sales_outstanding(receivables=receivables, credit_sales=credit_sales, days=days)
    best = best_possible_dso(current_receivables=current_receivables, credit_sales=credit_sales, days=days)
    return None if total is None or best is None else total - best


def count_back_dso(*, receivables: Money, sales: Sequence[tuple[Money, int]]) -> Fraction | None:
    """Return the DSO by counting back: whole periods of sales, newest first, and the needed part of the last one.

    `sales` holds for each period its credit sales and its days, newest first. None where they do not add up to the
    receivables: more history is needed.

    >>> count_back_dso(receivables=Money(250, "EUR"), sales=[(Money(200, "EUR"), 30), (Money(100, "EUR"), 31)])
    Fraction(91, 2)

    Raises:
        CurrencyMismatch: two currencies.
        InvalidRecord: `metrics.days`, `metrics.negative`.
    """
    left = _minor(receivables, receivables.currency, "receivables")
    counted = Fraction(0)
    for amount, days in sales:
        if not left:
            break
        sold = _minor(amount, receivables.currency, "sales")
        require_int(days, "days", at_least=1, at_most=MAX_DAYS, code="metrics.days", error=InvalidRecord)
        if sold > left:
            return counted + Fraction(left * days, sold)
        counted += days
        left -= sold
    return None if left else counted


def collection_effectiveness_index(
    *, beginning: Money, credit_sales: Money, ending_total: Money, ending_current: Money, periods: int = 1
) -> Fraction | None:
    """Return how much of what could be collected was, in per cent; 100 is all of it.

    (beginning + sales/N − ending total) ÷ (beginning + sales/N − ending current) × 100, where N is `periods` (months of
    sales given for one month of collection). The denominator is what could have been collected; None where it is zero.

    >>> as_decimal(
    ...     collection_effectiveness_index(
    ...         beginning=Money(620000, "USD"),
    ...         credit_sales=Money(1089000, "USD"),
    ...         ending_total=Money(634000, "USD"),
    ...         ending_current=Money(359000, "USD"),
    ...         periods=3,
    ...     ),
    ...     2,
    ... )
    Decimal('55.93')

    Raises:
        CurrencyMismatch: two currencies.
        InvalidRecord: `metrics.periods`, `metrics.negative`, `metrics.part` where more is current at the end than there
            is.
    """
    require_int(periods, "periods", at_least=1, at_most=1_200, code="metrics.periods", error=InvalidRecord)
    _part(ending_current, ending_total, "ending current", "ending total")
    currency = beginning.currency
    available = _minor(beginning, currency, "beginning") + Fraction(
        _minor(credit_sales, currency, "credit_sales"), periods
    )
    collectable = available - _minor(ending_current, currency, "ending_current")
    return (available - _minor(ending_total, currency, "ending_total")) * 100 / collectable if collectable else None


@attrs.frozen(kw_only=True)
class PeriodFigures:
    """What the measures of one period `[start_on, end_on)` in one currency are made of.

    `beginning` is open at the end of the day before `start_on`, `ending_total` at the end of the last day, and
    `ending_current` is the part of it not past due then. `credit_sales` were issued in the period.
    """

    currency: str
    start_on: date = attrs.field(validator=plain_date)
    end_on: date = attrs.field(validator=plain_date)
    beginning: Money
    credit_sales: Money
    ending_total: Money
    ending_current: Money

    def __attrs_post_init__(self) -> None:
        if self.end_on <= self.start_on:
            raise InvalidRecord(
                "metrics.days", f"the period from {self.start_on} until and without {self.end_on} has no day"
            )

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.end_on - self.start_on).days

    @property
    def collected(self) -> Money:
        """Return what went away in the period, by payment or credit: beginning + sales − ending."""
        return self.beginning + self.credit_sales - self.ending_total

    @property
    def days_sales_outstanding(self) -> Fraction | None:
        """Return the DSO."""
        return days_sales_outstanding(receivables=self.ending_total, credit_sales=self.credit_sales, days=self.days)

    @property
    def best_possible_dso(self) -> Fraction | None:
        """Return the DSO if nothing were past due."""
        return best_possible_dso(
            current_receivables=self.ending_current, credit_sales=self.credit_sales, days=self.days
        )

    @property
    def average_days_delinquent(self) -> Fraction | None:
        """Return the days that lateness adds."""
        return average_days_delinquent(
            receivables=self.ending_total,
            current_receivables=self.ending_current,
            credit_sales=self.credit_sales,
            days=self.days,
        )

    @property
    def collection_effectiveness_index(self) -> Fraction | None:
        """Return the CEI in per cent."""
        return collection_effectiveness_index(
            beginning=self.beginning,
            credit_sales=self.credit_sales,
            ending_total=self.ending_total,
            ending_current=self.ending_current,
        )


def period_figures(
    *,
    before: Iterable[AgedAccount],
    after: Iterable[AgedAccount],
    receivables: Iterable[Receivable],
    currency: str,
    start_on: date,
    end_on: date,
) -> PeriodFigures:
    """Gather the figures of the period `[start_on, end_on)` from two agings and the receivables issued.

    `before` is aged as of the day before `start_on`, `after` as of the last day. Charges are left out: they are no
    sales.

    Raises:
        InvalidRecord: `metrics.as_of` where an account is aged as of another day.
    """
    first, last = list(before), list(after)
    for accounts, on in ((first, start_on - timedelta(days=1)), (last, end_on - timedelta(days=1))):
        for account in accounts:
            if account.as_of != on:
                raise InvalidRecord(
                    "metrics.as_of", f"account {account.account_id} is aged as of {account.as_of}; as of {on} is needed"
                )
    sold = sum(
        one.amount_original.minor
        for one in receivables
        if start_on <= one.issued_on < end_on and one.amount_original.currency == currency and not one.is_charge
    )
    return PeriodFigures(
        currency=currency,
        start_on=start_on,
        end_on=end_on,
        beginning=Money(_open_minor(first, currency, current_only=False), currency),
        credit_sales=Money(sold, currency),
        ending_total=Money(_open_minor(last, currency, current_only=False), currency),
        ending_current=Money(_open_minor(last, currency, current_only=True), currency),
    )


def _open_minor(accounts: Iterable[AgedAccount], currency: str, *, current_only: bool) -> int:
    return sum(
        item.amount_open.minor
        for account in accounts
        for item in account.items
        if item.amount_open.currency == currency and not item.is_charge and not (current_only and item.is_past_due)
    )


# -- how debtors pay -------------------------------------------------------------------------------------------


def days_beyond_terms(item: Item) -> int | None:
    """Return how many days after its due day a receivable was settled; negative when early, None while open.

    >>> paid = Receivable(
    ...     receivable_id="R",
    ...     account_id="A",
    ...     amount_original=Money(1, "EUR"),
    ...     issued_on=date(2026, 1, 1),
    ...     due_on=date(2026, 1, 31),
    ... )
    >>> days_beyond_terms(Item(receivable=paid, amount_open=Money(0, "EUR"), settled_on=date(2026, 2, 5)))
    5
    """
    return None if item.settled_on is None else (item.settled_on - item.receivable.due_on).days


@attrs.frozen(kw_only=True)
class PaymentHistory:
    """How settled receivables were paid; means are None where nothing is settled.

    Late means settled after the due day. `late_ratio` is late ÷ settled. `mean_days_late` counts early and punctual
    payment as 0 days, `mean_days_beyond_terms` counts early payment below zero, `weighted_days_late` weighs the days
    late by amount (one currency only, else None), `mean_days_to_settle` counts from the issue. `late_days` counts the
    settled receivables per band of days late.
    """

    settled: int
    late: int
    late_ratio: Fraction | None
    mean_days_late: Fraction | None
    mean_days_late_given_late: Fraction | None
    mean_days_beyond_terms: Fraction | None
    weighted_days_late: Fraction | None
    mean_days_to_settle: Fraction | None
    days_late_max: int
    late_days: tuple[tuple[str, int], ...]


def payment_history(items: Iterable[Item], *, scheme: BucketScheme = STANDARD) -> PaymentHistory:
    """Sum up how receivables were paid, charges and what is still open aside."""
    paid = [
        (item.receivable, item.settled_on, (item.settled_on - item.receivable.due_on).days)
        for item in items
        if item.settled_on is not None and not item.receivable.is_charge
    ]
    late = [max(0, days) for _receivable, _on, days in paid]
    late_number = sum(1 for days in late if days)
    amounts = [receivable.amount_original for receivable, _on, _days in paid]
    weights = [one.minor for one in amounts] if len({one.currency for one in amounts}) == 1 else []
    counts = dict.fromkeys(scheme.codes, 0)
    for days in late:
        counts[bucket_of(days, scheme)] += 1
    return PaymentHistory(
        settled=len(paid),
        late=late_number,
        late_ratio=_share(late_number, len(paid)),
        mean_days_late=_share(sum(late), len(paid)),
        mean_days_late_given_late=_share(sum(late), late_number),
        mean_days_beyond_terms=_share(sum(days for _receivable, _on, days in paid), len(paid)),
        weighted_days_late=_share(sum(map(int.__mul__, weights, late)), sum(weights)),
        mean_days_to_settle=_share(sum((on - receivable.issued_on).days for receivable, on, _days in paid), len(paid)),
        days_late_max=max(late, default=0),
        late_days=tuple(counts.items()),
    )


# -- rates of the work -----------------------------------------------------------------------------------------


def cure_rate(matrix: RollMatrix, *, weight: Weight = "count") -> Fraction | None:
    """Return the share that became current; the denominator is all that was past due on the first day.

    None where nothing was past due.
    """
    rows = matrix.cells(weight)[1:]
    return _share(sum(row[0] for row in rows), sum(sum(row) for row in rows))


def promise_kept_rate(outcomes: Iterable[str]) -> Fraction | None:
    """Return kept ÷ fallen due, by number of promises; None where none has fallen due.

    Fallen due are those kept, partly kept or broken; open, superseded and withdrawn ones do not count. Not to be mixed
    up with `promise_rate`.

    >>> promise_kept_rate(["kept", "kept", "partly_kept", "broken", "open", "withdrawn"])
    Fraction(1, 2)

    Raises:
        InvalidRecord: `metrics.outcome` for a word that is no outcome of a promise.
    """
    due = kept = 0
    for outcome in outcomes:
        word = str(outcome)
        if word not in {"open", "kept", "partly_kept", "broken", "superseded", "withdrawn"}:
            raise InvalidRecord("metrics.outcome", f"{word[:40]!r} is no outcome of a promise, such as kept or broken")
        due += word in {"kept", "partly_kept", "broken"}
        kept += word == "kept"
    return _share(kept, due)


def promise_rate(*, promises: int, right_party_contacts: int) -> Fraction | None:
    """Return promises made ÷ right-party contacts; None where there was no such contact.

    Raises:
        InvalidRecord: `metrics.count`.
    """
    return _share(_count(promises, "promises"), _count(right_party_contacts, "right_party_contacts"))


def right_party_contact_rate(attempts: Iterable[ContactAttempt]) -> Fraction | None:
    """Return right-party contacts ÷ outbound attempts; calls by the debtor do not count. None without an attempt."""
    outbound = [one for one in attempts if not one.is_inbound]
    return _share(sum(one.outcome is ContactOutcome.RIGHT_PARTY for one in outbound), len(outbound))


def liquidation_rate(*, collected: Money, placed: Money) -> Fraction | None:
    """Return collected ÷ placed, in one currency; None where nothing was placed.

    Raises:
        CurrencyMismatch: two currencies.
        InvalidRecord: `metrics.negative`.
    """
    return _share(_minor(collected, placed.currency, "collected"), _minor(placed, placed.currency, "placed"))


def recovery_rate(*, recovered: Money, charged_off: Money) -> Fraction | None:
    """Return what came in after charge-off ÷ what was charged off, in one currency; None where nothing was.

    Raises:
        CurrencyMismatch: two currencies.
        InvalidRecord: `metrics.negative`.
    """
    currency = charged_off.currency
    return _share(_minor(recovered, currency, "recovered"), _minor(charged_off, currency, "charged_off"))


def vintage_of(on: date) -> str:
    """Return the cohort month of a day.

    >>> vintage_of(date(2026, 3, 31))
    '2026-03'
    """
    return f"{on.year:04d}-{on.month:02d}"


# -- details ---------------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _count(value: int, name: str) -> int:
    return require_int(value, name, at_least=0, at_most=10**12, code="metrics.count", error=InvalidRecord)


def _minor(amount: Money, currency: str, name: str) -> int:
    if amount.currency != currency:
        raise CurrencyMismatch(currency, amount.currency, "compare")
    if amount.is_negative:
        raise InvalidRecord("metrics.negative", f"{name} must not be below zero; net credits against sales first")
    return amount.minor


def _part(part: Money, whole: Money, part_name: str, whole_name: str) -> None:
    if part > whole:
        raise InvalidRecord("metrics.part", f"{part_name} cannot be more than {whole_name}; check which is which")
