"""Published rates that no file of cases holds, and the files themselves where they stand beside the project.

Reg Z figures: 12 CFR 1026 Appendix J (c) as transcribed in simontreanor/FSharp.Finance.Personal,
tests/AprUsActuarialTests.fs; those without a paragraph are that project's own, which it confirmed in a spreadsheet.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from collectkit.core.calendars import Every, add_months
from collectkit.core.interest import eu_aprc, percent_of, regz_apr
from collectkit.core.money import rounded

REPLAY = Path(__file__).resolve().parents[1] / "replay.py"


@pytest.mark.parametrize(
    ("lent", "lent_on", "payment", "count", "first_on", "every", "apr"),
    [
        ("10000", date(1978, 5, 23), "385", 40, date(1978, 10, 1), Every(3, "months"), "8.97"),  # (c)(1)(iv)
        ("500", date(1978, 3, 20), "17.60", 30, date(1978, 4, 21), Every(1, "weeks"), "14.96"),  # (c)(1)(v)
        ("10000", date(1978, 6, 23), "385", 40, date(1978, 10, 1), Every(3, "months"), "9.15"),
        ("10000", date(1978, 7, 23), "385", 40, date(1978, 10, 1), Every(3, "months"), "9.32"),
        ("1000", date(2023, 10, 26), "220", 5, date(2023, 11, 30), Every(1, "days"), "94.15"),
        ("1000", date(2023, 10, 28), "250", 5, date(2023, 11, 30), Every(1, "weeks"), "176.52"),
        ("1000", date(2023, 11, 23), "250", 5, date(2023, 11, 30), Every(1, "weeks"), "412.40"),
        ("1000", date(2023, 11, 24), "250", 5, date(2023, 11, 30), Every(1, "weeks"), "434.30"),
        ("1000", date(2023, 10, 26), "500", 5, date(2023, 11, 30), Every(1, "years"), "78.34"),
    ],
)
def test_a_regular_loan_has_the_published_apr(
    lent: str, lent_on: date, payment: str, count: int, first_on: date, every: Every, apr: str
) -> None:
    payments = [(on, payment) for on in every.dates(anchor=first_on, count=count, first=0)]
    found = regz_apr(advances=[(lent_on, lent)], payments=payments)
    assert found.unit_period == every  # chosen by J (b)(4)
    assert found.percent() == Decimal(apr)


def test_a_single_payment_within_a_year_is_measured_in_days() -> None:  # (c)(5)(i)
    found = regz_apr(advances=[(date(1978, 1, 3), "1000")], payments=[(date(1978, 9, 15), "1080")])
    assert found.percent() == Decimal("11.45")


def test_a_single_payment_of_whole_months_is_measured_in_months() -> None:  # (c)(5)(ii)
    found = regz_apr(advances=[(date(1978, 7, 15), "1000")], payments=[(date(1979, 1, 15), "1044")])
    assert (found.unit_period, found.percent()) == (Every(6, "months"), Decimal("8.80"))


def test_a_card_paid_down_by_two_percent_has_the_published_aprc_once_payments_are_whole_cents() -> None:
    """MCD-17: the printed X of 6.822923 % needs each payment rounded to the cent, which the case's format leaves out.

    Source: European Commission, examples for the calculation of the APRC (G. M. Soto, January 2015), page 37.
    """
    balance, payments = Fraction(200_000), []
    for month in range(1, 181):
        principal = balance if month == 180 else max(balance * Fraction(2, 100), Fraction(100))
        cents = rounded((principal + balance * Fraction(5, 1000)) * 100)
        payments.append((Fraction(month, 12), Fraction(cents, 100)))
        balance -= principal
    rate = eu_aprc(drawdowns=[(0, 200_000)], payments=[(0, 4_000), *payments])
    assert percent_of(rate, 6) == Decimal("6.822923")
    assert payments[-1][1] == Fraction("5403.36")


def test_five_days_of_credit_have_the_published_aprc() -> None:
    """Directive 2008/48/EC by hand: 500 lent, 510 back after 5 days is (510/500)^(365/5) - 1 = 324.4 %.

    Source: simontreanor/FSharp.Finance.Personal, tests/AprEuropeanUnionTests.fs, 324.436 within 0.1.
    """
    rate = eu_aprc(drawdowns=[(0, 500)], payments=[(Fraction(5, 365), 510)])
    assert abs(percent_of(rate, 3) - Decimal("324.436")) < Decimal("0.1")


@pytest.mark.parametrize("kind", ["daycount", "tvm", "apr-regz", "apr-eu"])
def test_every_case_of_the_file_is_reproduced_or_explained(kind: str, shared: Path) -> None:
    path = shared / "vectors" / f"{kind.replace('-', '_')}.json"
    answer = subprocess.run(
        [sys.executable, str(REPLAY), kind, str(path)], capture_output=True, text=True, check=False, timeout=120
    )
    cases = len(json.loads(path.read_text(encoding="utf-8"))["cases"])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"{kind}: {cases} cases" in answer.stdout
    assert "0 disagree" in answer.stdout


def test_the_replay_sees_a_figure_that_is_wrong(shared: Path, tmp_path: Path) -> None:
    data = json.loads((shared / "vectors" / "tvm.json").read_text(encoding="utf-8"))
    data["cases"] = data["cases"][:1]
    data["cases"][0]["expected"]["value"] = "-250.01"
    (tmp_path / "tvm.json").write_text(json.dumps(data), encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, str(REPLAY), "tvm", str(tmp_path / "tvm.json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (answer.returncode, "1 disagree" in answer.stdout) == (1, True)


def test_appendix_j_counts_a_long_first_month_as_one_and_nineteen_thirtieths() -> None:  # (c)(1)(ii)
    payments = [(add_months(date(1978, 4, 1), k), "200") for k in range(36)]
    found = regz_apr(advances=[(date(1978, 2, 10), "6000")], payments=payments)
    assert (found.first_payment.total, found.percent()) == (1 + Fraction(19, 30), Decimal("11.82"))
