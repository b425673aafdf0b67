"""Published rates that no file of cases holds, and the files themselves where they stand beside the project.

Reg Z figures: 12 CFR 1026 Appendix J (c) as transcribed in simontreanor/FSharp.Finance.Personal,
tests/AprUsActuarialTests.fs; those without a paragraph are that project's own, which it confirmed in a spreadsheet.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest

from collectkit.core.calendars import Every, add_months
from collectkit.core.interest import (
    EqualPrincipal,
    PaymentShare,
    PrincipalShare,
    amortising_amounts,
    cumipmt,
    eu_aprc,
    eu_years,
    fv,
    ipmt,
    nper,
    percent_of,
    ppmt,
    rate,
    regz_apr,
    series_years,
)
from collectkit.core.rates import year_fraction

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


# European Commission, examples for the calculation of the APRC (G. M. Soto, January 2015); no file of cases holds these.

MONTHLY, YEARLY = Every(1, "months"), Every(1, "years")


def level(first: Fraction, every: Every, *runs: tuple[int, str]) -> list[tuple[Fraction, Fraction]]:
    """Spread runs of level payments, one after the other."""
    amounts = [Fraction(amount) for count, amount in runs for _ in range(count)]
    return list(zip(series_years(first=first, every=every, count=len(amounts)), amounts, strict=True))


@pytest.mark.parametrize(
    ("example", "first", "every", "runs", "x"),
    [
        ("2, case 1", Fraction(3, 365) + Fraction(1, 12), MONTHLY, [(240, "1433.57")], "6.434185"),
        ("2, case 3", Fraction(34, 365), YEARLY, [(20, "16541.86")], "6.282070"),
        ("3", Fraction(1, 12), MONTHLY, [(240, "1449.53")], "6.588554"),
        ("11", Fraction(1, 12), MONTHLY, [(220, "1500"), (1, "407.70")], "6.452756"),
        ("20", Fraction(1, 12), MONTHLY, [(24, "1319.91"), (216, "1423.41")], "6.190654"),
        ("21", Fraction(1, 12), MONTHLY, [(9, "1319.91"), (231, "1374.06")], "5.853526"),
        ("21, illustrative", Fraction(1, 12), MONTHLY, [(9, "1319.91"), (231, "1530.61")], "7.199734"),
        ("22, case 1", Fraction(1, 12), MONTHLY, [(9, "1349.91"), (231, "1404.06")], "6.134668"),
        ("22, case 2", Fraction(1, 12), MONTHLY, [(9, "1339.91"), (231, "1394.06")], "6.041228"),
        ("23", Fraction(1, 12), MONTHLY, [(240, "1319.91")], "5.370286"),
        ("25, illustrative", Fraction(1, 12), MONTHLY, [(9, "1319.91"), (231, "1578.43")], "7.597578"),
        ("26", Fraction(1, 12), MONTHLY, [(180, "1660.94")], "6.237362"),
        ("26, illustrative", Fraction(1, 12), MONTHLY, [(6, "1660.94"), (174, "1734.38")], "6.925014"),
        ("44", Fraction(1, 12), MONTHLY, [(60, "1111.11"), (119, "1349.94"), (1, "33425.02")], "3.470057"),
    ],
)
def test_a_mortgage_of_200_000_with_4_000_of_cost_has_the_published_aprc(
    example: str, first: Fraction, every: Every, runs: list[tuple[int, str]], x: str
) -> None:
    rate = eu_aprc(drawdowns=[(0, 200_000)], payments=[(0, 4_000), *level(first, every, *runs)])
    assert percent_of(rate, 6) == Decimal(x), example


def test_the_first_interval_of_yearly_payments_is_the_published_one() -> None:  # example 2, case 3
    assert eu_years(date(2012, 1, 12), date(2012, 2, 15), unit="years") == Fraction(34, 365)


@pytest.mark.parametrize(
    ("example", "rule", "clear_at", "count", "last", "x"),
    [
        ("14", PrincipalShare(share="0.02", minimum=100), None, 233, "59.38", "6.818859"),
        ("15", PaymentShare(share="0.02", minimum=300), None, 228, "274.76", "6.695965"),
        ("17", PrincipalShare(share="0.02", minimum=100), 180, 180, "5403.36", "6.822923"),
    ],
)
def test_a_share_of_the_balance_has_the_published_aprc_once_payments_are_whole_cents(
    example: str, rule: PrincipalShare | PaymentShare, clear_at: int | None, count: int, last: str, x: str
) -> None:
    """The printed X of 14 and 17 need each payment rounded to the cent, which the format of the case files leaves out."""
    amounts = amortising_amounts(balance=200_000, period_rate="0.005", principal=rule, clear_at=clear_at, decimals=2)
    assert (len(amounts), amounts[-1]) == (count, Fraction(last)), example
    times = series_years(first=Fraction(1, 12), every=MONTHLY, count=count)
    rate = eu_aprc(drawdowns=[(0, 200_000)], payments=[(0, 4_000), *zip(times, amounts, strict=True)])
    assert percent_of(rate, 6) == Decimal(x), example


def test_interest_only_and_then_equal_principal_has_the_published_aprc() -> None:
    """Example 30: 30,000 at 7 % effective, five years of interest only, then ten of equal principal; 7.3 %.

    Payments from 419.62 to 251.41 as printed; the printed X of 7.302956 % comes out with each of them in cents.
    """
    with localcontext(prec=50):
        monthly = Fraction(Decimal("1.07") ** (1 / Decimal(12)) - 1)
    amounts = amortising_amounts(balance=30_000, period_rate=monthly, principal=EqualPrincipal(count=120), decimals=2)
    assert (amounts[0], amounts[1], amounts[-1]) == (Fraction("419.62"), Fraction("418.21"), Fraction("251.41"))
    later = zip(series_years(first=Fraction(61, 12), every=MONTHLY, count=120), amounts, strict=True)
    first = level(Fraction(1, 12), MONTHLY, (60, "169.62"))
    rate = eu_aprc(drawdowns=[(0, 30_000)], payments=[(0, 600), *first, *later])
    assert percent_of(rate, 6) == Decimal("7.302956")


def test_five_days_of_credit_have_the_published_aprc() -> None:
    """Directive 2008/48/EC by hand: 500 lent, 510 back after 5 days is (510/500)^(365/5) - 1 = 324.4 %.

    Source: simontreanor/FSharp.Finance.Personal, tests/AprEuropeanUnionTests.fs, 324.436 within 0.1.
    """
    rate = eu_aprc(drawdowns=[(0, 500)], payments=[(Fraction(5, 365), 510)])
    assert abs(percent_of(rate, 3) - Decimal("324.436")) < Decimal("0.1")


def test_a_term_of_a_year_and_six_months_has_half_a_unit_period() -> None:  # (c)(5)(iii)
    found = regz_apr(
        advances=[(date(1978, 1, 17), "1000")],
        payments=[(date(1979, 7, 17), "1135.19")],
        unit_period=Every(1, "years"),
    )
    assert (found.first_payment.total, found.percent()) == (Fraction(3, 2), Decimal("8.76"))


@pytest.mark.parametrize(
    ("start", "end", "ref_start", "ref_end", "per_year", "expected"),
    [  # The Actual/Actual Day Count Fraction (ISDA, 1999), as restated in QuantLib, test-suite/daycounters.cpp
        (date(2000, 1, 30), date(2000, 6, 30), date(2000, 1, 30), date(2000, 7, 30), 2, Fraction(152, 364)),
        (
            date(1999, 11, 30),
            date(2000, 4, 30),
            date(1999, 11, 30),
            date(2000, 2, 29),
            4,
            Fraction(91, 364) + Fraction(61, 368),
        ),
        (
            date(2017, 1, 17),
            date(2017, 8, 31),
            date(2017, 2, 28),
            date(2017, 8, 31),
            2,
            Fraction(1, 2) + Fraction(42, 362),
        ),
    ],
)
def test_icma_periods_go_from_month_end_to_month_end(
    start: date, end: date, ref_start: date, ref_end: date, per_year: int, expected: Fraction
) -> None:
    found = year_fraction(
        "act/act-icma", start, end, ref_start_on=ref_start, ref_end_on=ref_end, periods_per_year=per_year
    )
    assert found == expected


TENTH = Fraction(10, 1200)


@pytest.mark.parametrize(
    ("found", "printed"),
    [  # numpy-financial, tests/test_financial.py
        (ppmt(rate=TENTH, per=2, nper=24, pv=2000, when="begin"), "-75.62318601"),
        (ppmt(rate=TENTH, per=4, nper=24, pv=2000, when="begin"), "-76.88882405"),
        (ppmt(rate=TENTH, per=1, nper=60, pv=55000), "-710.2541257864217612"),
        (ipmt(rate="0.001988079518355057", per=2, nper=360, pv=300_000, when="begin"), "-594.107158"),
        (fv(rate="0.075", nper=20, pmt=-2000, when="begin"), "93105.064874"),
        (fv(rate="0.2", nper=5, pmt=100, when="begin"), "-892.992000"),
        (nper(rate="0.1", pmt=0, pv=-500, fv=1500), "11.52670461"),
        (rate(nper=2, pmt=0, pv="-593.06", fv="214.07"), "-0.39920185"),
        (rate(nper=2, pmt=0, pv="-428.78", fv="686.29"), "0.26513414"),
        # Microsoft, Excel function reference, and LibreOffice Calc help
        (fv(rate="0.005", nper=10, pmt=-200, pv=-500, when="begin"), "2581.40"),
        (fv(rate=Fraction(11, 1200), nper=35, pmt=-2000, when="begin"), "82846.25"),
        (ipmt(rate="0.05", per=5, nper=7, pv=15_000), "-352.97"),
        (cumipmt(rate="0.0075", nper=360, pv=125_000, start=1, end=1), "-937.50"),
    ],
)
def test_a_spreadsheet_function_gives_the_printed_figure(found: Fraction | Decimal, printed: str) -> None:
    digits = len(printed.partition(".")[2])
    assert abs(Fraction(found) - Fraction(printed)) <= Fraction(1, 2 * 10**digits)


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


def test_a_case_that_its_file_doubts_is_explained_by_the_file_s_own_figure(shared: Path, tmp_path: Path) -> None:
    data = json.loads((shared / "vectors" / "apr_eu.json").read_text(encoding="utf-8"))
    data["cases"] = [case for case in data["cases"] if case["id"] == "MCD-39"]
    for case_id, verified, status in (("X-1", False, "1 explained"), ("X-2", True, "1 disagree")):
        data["cases"][0] |= {"id": case_id, "verified": verified}
        (tmp_path / "apr_eu.json").write_text(json.dumps(data), encoding="utf-8")
        answer = subprocess.run(
            [sys.executable, str(REPLAY), "apr-eu", str(tmp_path / "apr_eu.json")],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert status in answer.stdout
        assert "x = 13.494231 % expected, 13.49423583 % came" in answer.stdout


def test_a_call_that_is_refused_is_one_disagreement_and_not_the_end(shared: Path, tmp_path: Path) -> None:
    data = json.loads((shared / "vectors" / "tvm.json").read_text(encoding="utf-8"))
    data["cases"] = data["cases"][:3]
    data["cases"][1]["args"]["nper"] = 0
    (tmp_path / "tvm.json").write_text(json.dumps(data), encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, str(REPLAY), "tvm", str(tmp_path / "tvm.json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "InvalidTerms" in answer.stdout
    assert "3 cases, 2 reproduced, 0 explained, 1 disagree" in answer.stdout
