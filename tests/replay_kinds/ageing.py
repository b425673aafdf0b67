"""Replay of aged balances and measures of real ledgers: import, balance, aging, measures; one case per group of figures.

The file names its ledgers; each is read with the first column map under `examples/` whose columns all stand in its
header. Bands are named by their days; "not_due" is the band of 0 days and "90+" the one of more than 90.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from collectkit.adapters.ledger import ColumnMap, LedgerImport, load_column_map, read_ledger
from collectkit.core.aging import AgedAccount, BucketScheme, CurrencyAging, age, aging_report
from collectkit.core.money import sum_by_currency
from collectkit.core.waterfall import Balance, Item, balance_of
from collectkit.metrics import payment_history, period_figures
from replay_kinds import Outcome

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = {"not_due": "current", "90+": "91+", "61+": "61+"}
SCHEMES = {
    "standard": BucketScheme.of(30, 60, 90),
    "stages": BucketScheme.of(7, 30, 60, 90),
}
LATE_BANDS = BucketScheme.of(7, 30, 60, current="0")
DIGITS = 6


def replay(data: dict[str, Any], folder: Path) -> Iterator[Outcome]:
    for name, place in data["ledgers"].items():
        path = folder / place
        if not path.is_file():
            yield Outcome(name, "not replayable", f"{place} is not here")
            continue
        ledger = Ledger(path)
        for section, expected in data[name].items():
            if isinstance(expected, str):
                continue
            groups = ledger.groups(section, expected)
            if groups is None:
                yield Outcome(f"{name}/{section}", "not replayable", f"no figures are known as {section}")
                continue
            for group, wanted, came in groups:
                wrong = "; ".join(differences(wanted, came()))
                yield Outcome("/".join((name, section, *group)), "disagree" if wrong else "reproduced", wrong)


Group = tuple[tuple[str, ...], Any, Callable[[], Any]]


class Ledger:
    """One real ledger and its figures, as the library has them."""

    def __init__(self, path: Path) -> None:
        self.map = map_for(path)
        self.imported: LedgerImport = read_ledger(path, self.map)
        self.balances = cache(self._balances)
        self.aged = cache(self._aged)

    def _balances(self, on: date) -> list[Balance]:
        return [balance_of(account.snapshot(on)) for account in self.imported.accounts]

    def _aged(self, on: date) -> list[AgedAccount]:
        return [age(balance) for balance in self.balances(on)]

    @property
    def last_day(self) -> date:
        days = [one.received_on for account in self.imported.accounts for one in account.payments]
        return max(days, default=max(one.due_on for account in self.imported.accounts for one in account.receivables))

    def groups(self, section: str, expected: Any) -> Iterator[Group] | None:
        head, _, day = section.partition("_")
        if head == "customers" and day:
            return self.customers_on(date.fromisoformat(day), expected)
        known = {
            "ageing": self.ageing,
            "kpis": self.kpis,
            "month_end_stage_counts": self.stage_counts,
            "customers": self.customers,
            "summary": self.summary,
            "terms_days_by_code": self.terms,
            "due_day_weekend_share": self.weekends,
            "oddities": self.oddities,
        }
        return known[section](expected) if section in known else None

    # -- aged balances ---------------------------------------------------------------------------------------------

    def ageing(self, expected: dict[str, Any]) -> Iterator[Group]:
        for day, figures in expected.items():
            on = date.fromisoformat(day)
            if "total" in figures:
                (currency,) = {one.currency for one in self.imported.summary.amounts}
                yield from self.ageing_of((day,), on, currency, figures)
            else:
                for currency, parts in figures.items():
                    yield from self.ageing_of((day, currency), on, currency, parts)

    def ageing_of(self, at: tuple[str, ...], on: date, currency: str, figures: dict[str, Any]) -> Iterator[Group]:
        for part, wanted in figures.items():
            if part in SCHEMES:
                yield (*at, part), wanted, lambda p=part, w=wanted: self.bands(on, currency, SCHEMES[p], w)
            elif part == "total":
                yield (*at, part), wanted, lambda: self.total(on, currency)
            elif part == "disputed":
                yield (*at, part), wanted, lambda: self.disputed(on, currency)
            else:
                yield (*at, part), wanted, lambda: None

    def report(self, on: date, currency: str, scheme: BucketScheme) -> CurrencyAging:
        report = aging_report(self.aged(on), scheme).of(currency)
        assert report is not None
        return report

    def bands(self, on: date, currency: str, scheme: BucketScheme, wanted: dict[str, Any]) -> dict[str, Any]:
        report = self.report(on, currency, scheme)
        rows = {name: report.row(NAMES.get(name, name)) for name in wanted}
        return {name: {"count": row.count, "amount_minor": row.amount.minor} for name, row in rows.items()}

    def total(self, on: date, currency: str) -> dict[str, Any]:
        report = self.report(on, currency, SCHEMES["standard"])
        there = [one for one in self.aged(on) if any(item.amount_open.currency == currency for item in one.items)]
        return {
            "count": report.count,
            "amount_minor": report.amount.minor,
            "max_dpd": report.days_past_due_max,
            "customers": len(there),
            "customers_overdue": sum(one.days_past_due > 0 for one in there),
        }

    def disputed(self, on: date, currency: str) -> dict[str, Any]:
        count = minor = 0
        for account, balance in zip(self.imported.accounts, self.balances(on), strict=True):
            names = {one for dispute in account.disputes if dispute.is_open(on) for one in dispute.receivable_ids}
            for item in balance.open_items:
                if item.receivable.receivable_id in names and item.amount_open.currency == currency:
                    count += 1
                    minor += item.amount_open.minor
        return {"count": count, "amount_minor": minor}

    def stage_counts(self, expected: dict[str, Any]) -> Iterator[Group]:
        for day, wanted in expected.items():
            yield (day,), wanted, lambda d=day, w=wanted: self.counts(date.fromisoformat(d), w)

    def counts(self, on: date, wanted: dict[str, Any]) -> dict[str, int]:
        (report,) = aging_report(self.aged(on), SCHEMES["stages"]).currencies
        return {name: report.row(NAMES.get(name, name)).count for name in wanted}

    # -- measures --------------------------------------------------------------------------------------------------

    def kpis(self, expected: list[dict[str, Any]]) -> Iterator[Group]:
        for wanted in expected:
            yield (wanted["start"], wanted["end"]), wanted, lambda w=wanted: self.kpi(w)

    def kpi(self, wanted: dict[str, Any]) -> dict[str, Any]:
        start_on, last_on = date.fromisoformat(wanted["start"]), date.fromisoformat(wanted["end"])
        (currency,) = {one.currency for one in self.imported.summary.amounts}
        figures = period_figures(
            before=self.aged(start_on - timedelta(days=1)),
            after=self.aged(last_on),
            receivables=(one for account in self.imported.accounts for one in account.receivables),
            currency=currency,
            start_on=start_on,
            end_on=last_on + timedelta(days=1),
        )
        return {
            "start": wanted["start"],
            "end": wanted["end"],
            "days": figures.days,
            "beginning_receivables_minor": figures.beginning.minor,
            "credit_sales_minor": figures.credit_sales.minor,
            "ending_total_minor": figures.ending_total.minor,
            "ending_current_minor": figures.ending_current.minor,
            "collected_minor": figures.collected.minor,
            "dso_days": figures.days_sales_outstanding,
            "best_possible_dso_days": figures.best_possible_dso,
            "average_days_delinquent": figures.average_days_delinquent,
            "cei_percent": figures.collection_effectiveness_index,
        }

    def customers(self, expected: dict[str, Any]) -> Iterator[Group]:
        for name, wanted in expected.items():
            yield (name,), wanted, lambda n=name: self.customer(n)

    def customer(self, account_id: str) -> dict[str, Any]:
        account = self.imported.account(account_id)
        history = payment_history(balance_of(account.snapshot(self.last_day)).items)
        return {
            "invoices": len(account.receivables),
            "late": history.late,
            "late_ratio": history.late_ratio,
            "mean_days_late": history.mean_days_late,
            "mean_signed_lateness": history.mean_days_beyond_terms,
            "amount_weighted_days_late": history.weighted_days_late,
            "mean_days_to_settle": history.mean_days_to_settle,
            "amount_minor": sum(one.amount_original.minor for one in account.receivables),
            "disputed": len(account.disputes),
        }

    def summary(self, expected: dict[str, Any]) -> Iterator[Group]:
        came = self.all_figures()
        for figure, wanted in expected.items():
            yield (figure,), wanted, lambda f=figure, w=wanted: self.picked(came, f, w)

    def picked(self, came: dict[str, Any], figure: str, wanted: Any) -> Any:
        if figure == "ever_reached_dpd":
            return {days: sum(late >= int(days) for late in came["late"]) for days in wanted}
        return came.get(figure)

    def all_figures(self) -> dict[str, Any]:
        accounts = self.imported.accounts
        by_account = [balance.items for balance in self.balances(self.last_day)]
        items = [item for one in by_account for item in one]
        disputed_ids = {name for account in accounts for dispute in account.disputes for name in dispute.receivable_ids}
        disputed = [item for item in items if item.receivable.receivable_id in disputed_ids]
        undisputed = [item for item in items if item.receivable.receivable_id not in disputed_ids]
        history = payment_history(items, scheme=LATE_BANDS)
        own = [payment_history(one) for one in by_account]
        half = [one for one in own if one.late_ratio is not None and one.late_ratio > Fraction(1, 2)]
        return {
            "invoices": self.imported.summary.receivables,
            "customers": self.imported.summary.accounts,
            "amount_minor": minor_of(items),
            "late_invoices": history.late,
            "late_share": history.late_ratio,
            "late_amount_minor": minor_of([item for item in items if days_late(item)]),
            "disputed": len(disputed),
            "disputed_amount_minor": minor_of(disputed),
            "late_share_disputed": payment_history(disputed).late_ratio,
            "late_share_undisputed": payment_history(undisputed).late_ratio,
            "max_days_late": history.days_late_max,
            "mean_days_late": history.mean_days_late,
            "mean_days_late_given_late": history.mean_days_late_given_late,
            "mean_days_to_settle": history.mean_days_to_settle,
            "days_late_counts": dict(history.late_days),
            "late": [days_late(item) for item in items],
            "customers_never_late": sum(one.late == 0 for one in own),
            "customers_ge2_late": sum(one.late >= 2 for one in own),
            "customers_late_ratio_gt_50": len(half),
            "customers_late_ratio_ge_80": sum((one.late_ratio or 0) >= Fraction(4, 5) for one in own),
            "share_of_late_invoices_from_customers_gt_50": Fraction(sum(one.late for one in half), history.late)
            if history.late
            else None,
        }

    # -- customers and oddities of an open ledger --------------------------------------------------------------------

    def customers_on(self, on: date, expected: dict[str, Any]) -> Iterator[Group]:
        aged = self.aged(on)
        for figure, wanted in expected.items():
            if figure.startswith("top"):
                yield (figure,), wanted, lambda n=len(wanted): top(aged, n)
            elif figure.endswith("_share_top10_of_open"):
                yield (figure,), wanted, lambda c=figure[:3]: top_share(aged, c, 10)
            elif figure.endswith("_customers"):
                yield (figure,), wanted, lambda c=figure[:3]: sum(open_minor(one, c) > 0 for one in aged)
            elif figure == "customers":
                yield (figure,), wanted, lambda: sum(bool(one.items) for one in aged)
            elif figure == "customers_with_overdue":
                yield (figure,), wanted, lambda: sum(one.days_past_due > 0 for one in aged)
            else:
                yield (figure,), wanted, lambda: None

    def terms(self, expected: dict[str, Any]) -> Iterator[Group]:
        days: dict[str, list[int]] = {}
        for account in self.imported.accounts:
            due = {one.receivable_id: one.due_on for one in account.receivables}
            for name, kept in account.kept:
                code, baseline = (text for _column, text in kept)
                days.setdefault(code, []).append((due[name] - date.fromisoformat(baseline)).days)
        for code, wanted in expected.items():
            found = days.get(code, [0])
            came = {"n": len(found), "min": min(found), "median": Fraction(median(found)), "max": max(found)}
            yield (code,), wanted, lambda c=came: c

    def weekends(self, expected: float) -> Iterator[Group]:
        due = [one.due_on for account in self.imported.accounts for one in account.receivables]
        yield (), expected, lambda: Fraction(sum(day.isoweekday() > 5 for day in due), len(due))

    def oddities(self, expected: dict[str, Any]) -> Iterator[Group]:
        def counted(code: str) -> list[int]:
            return [one.count for one in self.imported.warnings if one.code == code]

        issued = {one.receivable_id: one.issued_on for account in self.imported.accounts for one in account.receivables}
        early = sum(
            date.fromisoformat(kept[1][1]) < issued[name]
            for account in self.imported.accounts
            for name, kept in account.kept
        )
        came = {
            "due_before_posting": sum(counted("ledger.due_before_issue")),
            "baseline_before_posting": early,
            "names_per_customer_max": max(counted("ledger.several_names"), default=1),
        }
        for figure, wanted in expected.items():
            yield (figure,), wanted, lambda f=figure: came.get(f)


def map_for(path: Path) -> ColumnMap:
    """Choose a column map by the header of the ledger."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
        header = set(next(csv.reader(stream)))
    for place in sorted(EXAMPLES.glob("*/columns.toml")):
        made = load_column_map(place)
        if {column for _field, column in made.tables[0].columns} <= header:
            return made
    raise LookupError(f"no column map under {EXAMPLES.name}/ fits {path.name}")


def minor_of(items: list[Item]) -> int:
    (total,) = sum_by_currency(item.receivable.amount_original for item in items).values()
    return total.minor


def days_late(item: Item) -> int:
    return 0 if item.settled_on is None else max(0, (item.settled_on - item.receivable.due_on).days)


def open_minor(account: AgedAccount, currency: str) -> int:
    return sum(item.amount_open.minor for item in account.items if item.amount_open.currency == currency)


def top(aged: list[AgedAccount], number: int) -> list[dict[str, Any]]:
    rows = [
        {
            "cust_number": account.account_id,
            "currency": currency,
            "invoices": sum(item.amount_open.currency == currency for item in account.items),
            "open_minor": open_minor(account, currency),
            "overdue_minor": account.arrears_in(currency).minor,
            "oldest_dpd": max(item.days_past_due for item in account.items if item.amount_open.currency == currency),
        }
        for account in aged
        for currency in sorted({item.amount_open.currency for item in account.items})
    ]
    return sorted(rows, key=lambda row: -row["overdue_minor"])[:number]


def top_share(aged: list[AgedAccount], currency: str, number: int) -> Fraction:
    sums = sorted((open_minor(one, currency) for one in aged), reverse=True)
    return Fraction(sum(sums[:number]), sum(sums))


def differences(wanted: Any, came: Any, at: str = "") -> Iterator[str]:
    """Compare to the digits that are published; only what the file lists is compared."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            yield from differences(
                value, came.get(key) if isinstance(came, dict) else None, f"{at}.{key}" if at else key
            )
    elif isinstance(wanted, list):
        pairs = zip(wanted, came, strict=True) if isinstance(came, list) and len(came) == len(wanted) else []
        if not pairs:
            yield f"{at}: {len(wanted)} rows expected"
        for number, (one, other) in enumerate(pairs):
            yield from differences(one, other, f"{at}[{number}]")
    elif isinstance(wanted, float) and isinstance(came, (int, Fraction)):
        if abs(Fraction(repr(wanted)) - came) > Fraction(1, 2 * 10**DIGITS):
            yield f"{at}: {wanted} expected, {float(came)!r} came"
    elif wanted != came:
        yield f"{at}: {wanted!r} expected, {came!r} came"
