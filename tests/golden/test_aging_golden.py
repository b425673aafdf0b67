"""Published worked cases of aging and of the measures, with their sources."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from collectkit.core.aging import days_past_due, delinquent_days
from collectkit.core.money import Money
from collectkit.metrics import as_decimal, collection_effectiveness_index


def test_sap_due_twelve_march_is_one_day_late_on_the_thirteenth() -> None:
    """SAP help, dunning example: an item due on 12 March has one day in arrears on 13 March."""
    assert days_past_due(due_on=date(2026, 3, 12), as_of=date(2026, 3, 13)) == 1


def test_sap_three_grace_days_hide_one_day_late() -> None:
    """SAP help, grace days: added to the due date, so that the same item shows no day in arrears."""
    late = delinquent_days(due_on=date(2026, 3, 12), as_of=date(2026, 3, 13), grace_days=3, grace_shifts_due=True)
    assert late == 0


def test_creditguru_collection_effectiveness_is_55_93() -> None:
    """creditguru.com, CEI: beginning 6,200; quarter's sales 10,890 over 3 months; ending 6,340, of it current 3,590."""
    index = collection_effectiveness_index(
        beginning=Money(6_200, "USD"),
        credit_sales=Money(10_890, "USD"),
        ending_total=Money(6_340, "USD"),
        ending_current=Money(3_590, "USD"),
        periods=3,
    )
    assert index == Fraction(6_200 + 3_630 - 6_340, 6_200 + 3_630 - 3_590) * 100
    assert str(as_decimal(index, 2)) == "55.93"


def test_gaviti_collection_effectiveness_is_98() -> None:
    """gaviti.com, CEI: beginning 100,000; sales 1,000,000; ending 120,000, of it current 100,000: 98 per cent."""
    index = collection_effectiveness_index(
        beginning=Money(10_000_000, "USD"),
        credit_sales=Money(100_000_000, "USD"),
        ending_total=Money(12_000_000, "USD"),
        ending_current=Money(10_000_000, "USD"),
    )
    assert index == 98
