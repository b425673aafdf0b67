"""How late what is open is: days past due, buckets, aged accounts and reports, and the moves between buckets.

An age is worked out on every look and never stored. While a plan is kept, its instalments age instead of the
receivables it covers; which plans are kept is judged elsewhere (`servicing`) and given. What was paid comes from
`waterfall`; what follows from being late is decided in `escalation` and `policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, Literal, get_args

import attrs

from collectkit.core.checks import (
    as_tuple,
    each,
    identifier,
    non_negative_int,
    optional,
    plain_date,
    require_date,
    require_int,
)
from collectkit.core.errors import InvalidPolicy, InvalidRecord, Problem
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import Component, PlanAgreement
from collectkit.core.waterfall import Balance

__all__ = [
    "STANDARD",
    "AgedAccount",
    "AgedItem",
    "AgingReport",
    "AgingRow",
    "Bucket",
    "BucketScheme",
    "CurrencyAging",
    "Pause",
    "RollMatrix",
    "age",
    "aging_report",
    "bucket_of",
    "days_past_due",
    "delinquent_days",
    "roll_back_rate",
    "roll_matrix",
    "roll_rate",
]

MAX_GRACE_DAYS: Final = 3660

Weight = Literal["count", "balance"]


# -- bands -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Bucket:
    """One band of days past due, both ends included; the last of a scheme has `days_max=None`."""

    days_min: int = attrs.field(validator=non_negative_int)
    days_max: int | None = attrs.field(validator=optional(non_negative_int))
    code: str = attrs.field(validator=identifier)

    def holds(self, days: int) -> bool:
        """Say whether so many days fall into this band."""
        return self.days_min <= days and (self.days_max is None or days <= self.days_max)


@attrs.frozen(kw_only=True)
class BucketScheme:
    """The ordered bands from 1 day on, without gap or overlap; 0 days are `current`.

    >>> [bucket.code for bucket in STANDARD.buckets]
    ['1-30', '31-60', '61-90', '91+']

    Raises:
        InvalidPolicy: `aging.overlap`, `aging.gap`, `aging.no_buckets`, `aging.codes`; every problem in one error.
    """

    buckets: tuple[Bucket, ...] = attrs.field(converter=as_tuple)
    current: str = attrs.field(default="current", validator=identifier)

    @buckets.validator
    def _check_buckets(self, attribute: attrs.Attribute[Any], value: tuple[Bucket, ...]) -> None:
        each(Bucket)(self, attribute, value)
        problems = tuple(_problems_of(value))
        if problems:
            raise InvalidPolicy(problems)

    def __attrs_post_init__(self) -> None:
        if len(set(self.codes)) != len(self.codes):
            raise InvalidPolicy(
                [Problem(code="aging.codes", path="buckets", text="two bands, or a band and `current`, share a code")]
            )

    @property
    def codes(self) -> tuple[str, ...]:
        """Return every code, mildest first, with that of 0 days."""
        return (self.current, *(bucket.code for bucket in self.buckets))

    @classmethod
    def of(cls, *last_days: int, current: str = "current") -> BucketScheme:
        """Make a scheme from the last day of each band; one more band holds all that is older.

        >>> BucketScheme.of(7, 30).codes
        ('current', '1-7', '8-30', '31+')
        """
        starts = [1, *(days + 1 for days in last_days)]
        bands = [
            Bucket(days_min=first, days_max=last, code=f"{first}-{last}")
            for first, last in zip(starts, last_days, strict=False)
        ]
        return cls(buckets=(*bands, Bucket(days_min=starts[-1], days_max=None, code=f"{starts[-1]}+")), current=current)


def bucket_of(days: int, scheme: BucketScheme) -> str:
    """Return the code of the band that holds so many days past due.

    >>> [bucket_of(days, STANDARD) for days in (0, 1, 30, 31, 91, 4000)]
    ['current', '1-30', '1-30', '31-60', '91+', '91+']

    Raises:
        InvalidRecord: `aging.days` for a negative number, or one that is not whole.
    """
    require_int(days, "days", at_least=0, at_most=10_000_000, code="aging.days", error=InvalidRecord)
    if days == 0:
        return scheme.current
    return next(bucket.code for bucket in scheme.buckets if bucket.days_max is None or days <= bucket.days_max)


def _problems_of(buckets: tuple[Bucket, ...]) -> Iterable[Problem]:
    if not buckets:
        yield Problem(code="aging.no_buckets", path="buckets", text="a scheme needs at least one band")
        return
    expected: int | None = 1
    for position, bucket in enumerate(buckets):
        path = f"buckets[{position}]"
        if bucket.days_max is not None and bucket.days_max < bucket.days_min:
            yield Problem(code="aging.empty_bucket", path=path, text="days_max lies below days_min", value=bucket.code)
        if expected is None or bucket.days_min < expected:
            text = (
                "0 days are `current` and belong to no band"
                if bucket.days_min == 0 and position == 0
                else "this band and the one before it both hold day "
                f"{bucket.days_min}; list bands mildest first and start each on the day after the last one ends"
            )
            yield Problem(code="aging.overlap", path=path, text=text, value=bucket.code)
        elif bucket.days_min > expected:
            text = f"no band holds day {expected}; start this one there, or add a band before it"
            yield Problem(code="aging.gap", path=path, text=text, value=bucket.code)
        expected = None if bucket.days_max is None else bucket.days_max + 1
    if expected is not None:
        text = f"no band holds day {expected}; let the last band have no days_max"
        yield Problem(code="aging.gap", path=f"buckets[{len(buckets) - 1}]", text=text, value=buckets[-1].code)


STANDARD: Final = BucketScheme.of(30, 60, 90)
"""Current, 1-30, 31-60, 61-90 and 91+ days past due."""


# -- days ------------------------------------------------------------------------------------------------------


def days_past_due(*, due_on: date, as_of: date) -> int:
    """Count whole days since `due_on`; 0 on the due day and before it.

    >>> days_past_due(due_on=date(2026, 3, 12), as_of=date(2026, 3, 13))
    1

    Raises:
        InvalidDate: an instant or text is given for a day.
    """
    return max(0, (require_date(as_of, "as_of") - require_date(due_on, "due_on")).days)


@attrs.frozen(kw_only=True)
class Pause:
    """Days that do not age anything, from `start_on` until and without `end_on` (None: still running)."""

    start_on: date = attrs.field(validator=plain_date)
    end_on: date | None = attrs.field(default=None, validator=optional(plain_date))

    def __attrs_post_init__(self) -> None:
        if self.end_on is not None and self.end_on < self.start_on:
            raise InvalidRecord(
                "aging.pause", f"a pause cannot end on {self.end_on}, before it starts on {self.start_on}"
            )


def delinquent_days(
    *,
    due_on: date,
    as_of: date,
    grace_days: int = 0,
    grace_shifts_due: bool = False,
    pauses: Iterable[Pause] = (),
) -> int:
    """Count the days past due that speak against the debtor: less paused days, and none within the grace.

    Grace is a gate (no day counts until there are more than `grace_days`, then all do) or, with `grace_shifts_due`, a
    shift (as if due so many days later). A paused day counts once, however many pauses hold it, and only from the due
    day on.

    >>> due, today = date(2026, 3, 1), date(2026, 3, 11)
    >>> [delinquent_days(due_on=due, as_of=today, grace_days=grace) for grace in (0, 9, 10)]
    [10, 10, 0]
    >>> delinquent_days(due_on=due, as_of=today, grace_days=3, grace_shifts_due=True)
    7
    >>> delinquent_days(due_on=due, as_of=today, pauses=[Pause(start_on=date(2026, 2, 1), end_on=date(2026, 3, 5))])
    6

    Raises:
        InvalidRecord: `aging.grace` unless `grace_days` is a whole number from 0 to 3,660.
        InvalidDate: an instant or text is given for a day.
    """
    require_int(grace_days, "grace_days", at_least=0, at_most=MAX_GRACE_DAYS, code="aging.grace", error=InvalidRecord)
    days = days_past_due(due_on=due_on, as_of=as_of)
    if days:
        days -= _paused_days(due_on, as_of, pauses)
    if grace_shifts_due:
        return max(0, days - grace_days)
    return days if days > grace_days else 0


def _paused_days(start_on: date, end_on: date, pauses: Iterable[Pause]) -> int:
    """Count the days of the union of the pauses inside `[start_on, end_on)`."""
    spans = sorted((max(one.start_on, start_on), min(one.end_on or end_on, end_on)) for one in pauses)
    total, reached = 0, start_on
    for first, last in spans:
        first = max(first, reached)
        if last > first:
            total += (last - first).days
            reached = last
    return total


# -- one account -----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AgedItem:
    """One thing that can be late: an open receivable, or an instalment of a kept plan (`receivable_id` is then None).

    `days_past_due` are calendar days since the due day; `delinquent_days` leave out pauses and grace, and choose the
    `bucket`.
    """

    receivable_id: str | None
    due_on: date
    amount_open: Money
    days_past_due: int
    delinquent_days: int
    bucket: str
    component: Component = Component.PRINCIPAL
    plan_id: str | None = None
    instalment_number: int | None = None

    @property
    def is_past_due(self) -> bool:
        """Say whether the due day is over."""
        return self.days_past_due > 0

    @property
    def is_charge(self) -> bool:
        """Say whether this is interest, a fee or a cost."""
        return self.component is not Component.PRINCIPAL


@attrs.frozen(kw_only=True)
class AgedAccount:
    """An account's open items by age, oldest due date first, and the figures that rules ask for.

    `arrears` sums what is delinquent, per currency in alphabetical order; charges stand outside `arrears`, the days
    and the due dates unless `age` was told to include them. `days_past_due` is that of the oldest past-due item,
    grace or not; `delinquent_days` is the most of any item. `next_due_on` is the first due day on or after `as_of` of
    anything open.
    """

    account_id: str
    as_of: date
    items: tuple[AgedItem, ...] = ()
    arrears: tuple[Money, ...] = ()
    days_past_due: int = 0
    delinquent_days: int = 0
    oldest_due_on: date | None = None
    next_due_on: date | None = None

    @property
    def is_delinquent(self) -> bool:
        """Say whether anything is past due beyond grace and pauses."""
        return bool(self.arrears)

    @property
    def past_due_items(self) -> tuple[AgedItem, ...]:
        """Return the items whose due day is over."""
        return tuple(item for item in self.items if item.is_past_due)

    def arrears_in(self, currency: str) -> Money:
        """Return what is delinquent in one currency; zero where nothing is."""
        return next((one for one in self.arrears if one.currency == currency), Money.zero(currency))


def age(
    balance: Balance,
    *,
    as_of: date | None = None,
    plans: Iterable[PlanAgreement] = (),
    scheme: BucketScheme = STANDARD,
    grace_days: int = 0,
    grace_shifts_due: bool = False,
    pauses: Iterable[Pause] = (),
    include_charges: bool = False,
) -> AgedAccount:
    """Age what an account has open, as of the day of its balance or `as_of` (a later day: if nothing more came in).

    `plans` are those that are kept now. What a plan covers, in the plan's currency, does not age by its own due
    dates; the plan's instalments do, filled in order by what was applied to covered receivables since `agreed_on`. No
    instalment asks for more than is still open of what the plan covers, so a plan whose receivables are paid asks for
    nothing. Grace and pauses work as in `delinquent_days`.

    >>> from collectkit.core.records import Account, AccountSnapshot, Debtor, Receivable
    >>> from collectkit.core.waterfall import balance_of
    >>> rent = Receivable(
    ...     receivable_id="R-1",
    ...     account_id="A",
    ...     amount_original=Money(900, "EUR"),
    ...     issued_on=date(2026, 1, 1),
    ...     due_on=date(2026, 1, 15),
    ... )
    >>> snapshot = AccountSnapshot(
    ...     as_of=date(2026, 3, 1),
    ...     account=Account(account_id="A", debtor_id="D"),
    ...     debtor=Debtor(debtor_id="D", kind="business"),
    ...     receivables=(rent,),
    ... )
    >>> aged = age(balance_of(snapshot))
    >>> aged.days_past_due, aged.arrears, aged.items[0].bucket
    (45, (Money(900, 'EUR'),), '31-60')

    Raises:
        InvalidRecord: `aging.as_of` for a day before the balance's; `aging.two_plans` where two of the plans cover one
            receivable; `aging.grace`.
    """
    on = balance.as_of if as_of is None else require_date(as_of, "as_of")
    if on < balance.as_of:
        raise InvalidRecord(
            "aging.as_of",
            f"a balance of {balance.as_of} cannot be aged as of {on}; take the balance of the earlier day",
        )
    pauses = tuple(pauses)

    def lateness(due_on: date) -> tuple[int, int, str]:
        late = delinquent_days(
            due_on=due_on, as_of=on, grace_days=grace_days, grace_shifts_due=grace_shifts_due, pauses=pauses
        )
        return max(0, (on - due_on).days), late, bucket_of(late, scheme)

    plan_of = _plan_of(balance, plans)
    items = [
        item for plan in dict.fromkeys(plan_of.values()) for item in _instalments(balance, plan, plan_of, lateness)
    ]
    for item in balance.items:
        receivable = item.receivable
        if item.amount_open.minor == 0 or receivable.receivable_id in plan_of:
            continue
        days, late, bucket = lateness(receivable.due_on)
        items.append(
            AgedItem(
                receivable_id=receivable.receivable_id,
                due_on=receivable.due_on,
                amount_open=item.amount_open,
                days_past_due=days,
                delinquent_days=late,
                bucket=bucket,
                component=receivable.component,
            )
        )
    items.sort(key=lambda one: (one.due_on, one.receivable_id or "", one.plan_id or "", one.instalment_number or 0))
    counted = [item for item in items if include_charges or not item.is_charge]
    past = [item for item in counted if item.days_past_due]
    return AgedAccount(
        account_id=balance.account_id,
        as_of=on,
        items=tuple(items),
        arrears=tuple(sum_by_currency(item.amount_open for item in past if item.delinquent_days).values()),
        days_past_due=max((item.days_past_due for item in past), default=0),
        delinquent_days=max((item.delinquent_days for item in past), default=0),
        oldest_due_on=min((item.due_on for item in past), default=None),
        next_due_on=min((item.due_on for item in counted if not item.days_past_due), default=None),
    )


def _plan_of(balance: Balance, plans: Iterable[PlanAgreement]) -> dict[str, PlanAgreement]:
    """Say which plan covers which receivable."""
    covered: dict[str, PlanAgreement] = {}
    for plan in plans:
        for receivable_id in dict.fromkeys(plan.covers):
            other = covered.setdefault(receivable_id, plan)
            if other is not plan:
                raise InvalidRecord(
                    "aging.two_plans",
                    f"plans {other.plan_id} and {plan.plan_id} both cover receivable {receivable_id}; "
                    "only one plan can be kept at a time, so pass that one alone",
                )
    if not covered:
        return covered
    currencies = {item.receivable.receivable_id: item.amount_open.currency for item in balance.items}
    return {one: plan for one, plan in covered.items() if currencies.get(one) == plan.currency}


def _instalments(
    balance: Balance,
    plan: PlanAgreement,
    plan_of: Mapping[str, PlanAgreement],
    lateness: Callable[[date], tuple[int, int, str]],
) -> Iterable[AgedItem]:
    filled = sum(
        part.amount.minor
        for part in balance.applied
        if part.applied_on >= plan.agreed_on and plan_of.get(part.receivable_id) is plan
    )
    left = sum(item.amount_open.minor for item in balance.items if plan_of.get(item.receivable.receivable_id) is plan)
    for part in plan.instalments:
        paid = min(filled, part.amount.minor)
        filled -= paid
        amount = min(part.amount.minor - paid, left)
        left -= amount
        if amount:
            days, late, bucket = lateness(part.due_on)
            yield AgedItem(
                receivable_id=None,
                due_on=part.due_on,
                amount_open=Money(amount, plan.currency),
                days_past_due=days,
                delinquent_days=late,
                bucket=bucket,
                plan_id=plan.plan_id,
                instalment_number=part.number,
            )


# -- many accounts ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AgingRow:
    """One band of an aging report: how many items, and how much."""

    bucket: str
    count: int
    amount: Money


@attrs.frozen(kw_only=True)
class CurrencyAging:
    """The aged balances of one currency, mildest band first, with every band of the scheme."""

    currency: str
    rows: tuple[AgingRow, ...]
    count: int
    amount: Money
    days_past_due_max: int

    def row(self, bucket: str) -> AgingRow:
        """Return one band by its code.

        Raises:
            InvalidRecord: `aging.unknown_bucket`.
        """
        for row in self.rows:
            if row.bucket == bucket:
                return row
        choices = ", ".join(row.bucket for row in self.rows)
        raise InvalidRecord("aging.unknown_bucket", f"no band is called {bucket!r}; choose from: {choices}")


@attrs.frozen(kw_only=True)
class AgingReport:
    """Aged balances per currency, in alphabetical order; nothing is converted."""

    currencies: tuple[CurrencyAging, ...]
    accounts: int
    accounts_past_due: int

    def of(self, currency: str) -> CurrencyAging | None:
        """Return the aged balances of one currency, None where nothing is open in it."""
        return next((one for one in self.currencies if one.currency == currency), None)


def aging_report(
    accounts: Iterable[AgedAccount], scheme: BucketScheme = STANDARD, *, include_charges: bool = True
) -> AgingReport:
    """Sum up aged accounts per currency and band; each item is placed by its `delinquent_days` in `scheme`.

    `accounts_past_due` counts accounts with at least one item past due, of those counted. An aged trial balance shows
    every open item, so charges are included unless told otherwise.

    >>> aging_report([]).currencies
    ()
    """
    cells: dict[str, dict[str, list[int]]] = {}
    oldest: dict[str, int] = {}
    codes: dict[int, str] = {}
    number = late_number = 0
    for account in accounts:
        number += 1
        is_late = False
        for item in account.items:
            if item.is_charge and not include_charges:
                continue
            currency, late = item.amount_open.currency, item.delinquent_days
            code = codes.get(late) or codes.setdefault(late, bucket_of(late, scheme))
            cell = cells.setdefault(currency, {}).setdefault(code, [0, 0])
            cell[0] += 1
            cell[1] += item.amount_open.minor
            oldest[currency] = max(oldest.get(currency, 0), item.days_past_due)
            is_late = is_late or item.days_past_due > 0
        late_number += is_late
    return AgingReport(
        currencies=tuple(_currency_aging(code, cells[code], oldest[code], scheme) for code in sorted(cells)),
        accounts=number,
        accounts_past_due=late_number,
    )


def _currency_aging(currency: str, cells: Mapping[str, list[int]], oldest: int, scheme: BucketScheme) -> CurrencyAging:
    rows = []
    for code in scheme.codes:
        count, minor = cells.get(code, (0, 0))
        rows.append(AgingRow(bucket=code, count=count, amount=Money(minor, currency)))
    return CurrencyAging(
        currency=currency,
        rows=tuple(rows),
        count=sum(row.count for row in rows),
        amount=Money(sum(row.amount.minor for row in rows), currency),
        days_past_due_max=oldest,
    )


# -- moves between bands ---------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RollMatrix:
    """How accounts moved between bands from one day to a later one, in one currency.

    `counts[i][j]` accounts, with `balances[i][j]` minor units open on the first day, went from `codes[i]` to
    `codes[j]`; codes run from mildest to oldest. An account with nothing open on the second day is current.
    """

    currency: str
    codes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    balances: tuple[tuple[int, ...], ...]

    def cells(self, weight: Weight) -> tuple[tuple[int, ...], ...]:
        """Return the moves by number of accounts or by balance.

        Raises:
            InvalidRecord: `aging.weight`.
        """
        if weight not in get_args(Weight):
            raise InvalidRecord("aging.weight", f"weight {weight!r} is unknown; choose from: count, balance")
        return self.counts if weight == "count" else self.balances

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {code: position for position, code in enumerate(self.codes)}

    def position(self, bucket: str) -> int:
        """Return the place of a band, 0 for current.

        Raises:
            InvalidRecord: `aging.unknown_bucket`.
        """
        try:
            return self._positions[bucket]
        except KeyError:
            choices = ", ".join(self.codes)
            raise InvalidRecord(
                "aging.unknown_bucket", f"no band is called {bucket!r}; choose from: {choices}"
            ) from None


def roll_matrix(
    before: Iterable[AgedAccount], after: Iterable[AgedAccount], *, currency: str, scheme: BucketScheme = STANDARD
) -> RollMatrix:
    """Follow every account that has something open in `currency` on the first day to its band on the second.

    An account's band is that of its most delinquent item in the currency, charges aside.
    """
    later = {account.account_id: _standing(account, currency) for account in after}
    size = len(scheme.codes)
    counts = [[0] * size for _ in range(size)]
    balances = [[0] * size for _ in range(size)]
    place = {code: position for position, code in enumerate(scheme.codes)}
    for account in before:
        late, minor = _standing(account, currency)
        if minor:
            start = place[bucket_of(late, scheme)]
            end = place[bucket_of(later.get(account.account_id, (0, 0))[0], scheme)]
            counts[start][end] += 1
            balances[start][end] += minor
    return RollMatrix(
        currency=currency,
        codes=scheme.codes,
        counts=tuple(map(tuple, counts)),
        balances=tuple(map(tuple, balances)),
    )


def _standing(account: AgedAccount, currency: str) -> tuple[int, int]:
    items = [item for item in account.items if item.amount_open.currency == currency and not item.is_charge]
    return max((item.delinquent_days for item in items), default=0), sum(item.amount_open.minor for item in items)


def roll_rate(matrix: RollMatrix, bucket: str, *, weight: Weight = "count") -> Fraction | None:
    """Return the share of a band that moved to an older one; the denominator is all that was in the band before.

    For the oldest band, which has no next, it is the share that stayed. None where the band was empty.
    """
    start = matrix.position(bucket)
    row = matrix.cells(weight)[start]
    moved = row[start:] if start == len(row) - 1 else row[start + 1 :]
    return Fraction(sum(moved), sum(row)) if sum(row) else None


def roll_back_rate(matrix: RollMatrix, bucket: str, *, weight: Weight = "count") -> Fraction | None:
    """Return the share of a band that moved to a milder one, current included; the denominator is as in `roll_rate`.

    None where the band was empty.
    """
    start = matrix.position(bucket)
    row = matrix.cells(weight)[start]
    return Fraction(sum(row[:start]), sum(row)) if sum(row) else None
