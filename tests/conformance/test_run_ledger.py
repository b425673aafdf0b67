"""Whole runs on small ledgers, as a billing team would start them: what comes out, and what bad input does."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import re
import sqlite3
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collectkit.cli import main

ROOT = Path(__file__).resolve().parents[2]
HEADER = "receivable_id,account_id,debtor_id,name,issued_on,due_on,amount,currency,email,zones"
GOOD = "I-{0},A-{0},D-{0},Debtor {0},2025-11-01,2025-12-01,{1},EUR,debtor-{0}@example.net,Europe/Berlin"
STRATEGY = """
name = "small"
version = "1"
materiality = { EUR = "10.00" }
[[stages]]
id = "reminder"
after = { past_due = { days = 5 } }
  [[stages.steps]]
  notice = "friendly"
  channels = ["email", "letter"]
[[stages]]
id = "firm"
after = { past_due = { days = 20 } }
needs = [{ notice_delivered = "friendly", days_ago = 7 }, { arrears_min = { EUR = "50.00" } }]
  [[stages.steps]]
  notice = "second"
  channels = ["email", "letter"]
  [[stages.steps]]
  day = 3
  task = "call"
[[charges]]
id = "late-fee"
kind = "flat"
amounts = { EUR = "5.00" }
grace_days = 10
[contact]
days_between_notices = 3
[[settlement]]
  [[settlement.authorities]]
  role = "collector"
  instalments_max = 4
  days_max = 150
[aftercare]
unreachable_task = "find-contact-details"
"""


def call(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, [str(one) for one in arguments])


def whole(row: str) -> str:
    """Give a row that ends with its currency the address and zone of the rest."""
    return row if row.endswith("Berlin") else f"{row},debtor@example.net,Europe/Berlin"


class Desk:
    """One folder with a strategy, a database and what runs leave behind."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.db = folder, folder / "out", folder / "collections.db"
        self.strategy = folder / "strategy.toml"
        self.strategy.write_text(STRATEGY, encoding="utf-8")

    def ledger(self, *rows: str) -> Path:
        path = self.folder / "ledger.csv"
        path.write_text("\n".join([HEADER, *map(whole, rows), ""]), encoding="utf-8")
        return path

    def folder_of(self, *rows: str, **tables: str) -> Path:
        folder = self.folder / "ledger"
        folder.mkdir(exist_ok=True)
        (folder / "receivables.csv").write_text("\n".join([HEADER, *map(whole, rows), ""]), encoding="utf-8")
        for name, text in tables.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return folder

    def run(self, ledger: Path, *arguments: object, as_of: str = "2026-01-02") -> Result:
        base = ["run", ledger, "--strategy", self.strategy, "--as-of", as_of, "--db", self.db, "--out", self.out]
        return call(*base, *arguments)

    def facts(self, ledger: Path, *arguments: object, as_of: str = "2026-01-02") -> dict[str, Any]:
        result = self.run(ledger, *arguments, "--json", as_of=as_of)
        assert result.exit_code in (0, 3), result.output
        facts: dict[str, Any] = json.loads(result.stdout)
        return facts

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.out / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database, table by table, in order of keys."""
        with contextlib.closing(sqlite3.connect(self.db)) as connection:
            names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            return {name: sorted(connection.execute(f"select * from {name}").fetchall(), key=repr) for name in names}

    def mail(self) -> list[str]:
        """The keys of all e-mails that were written."""
        return sorted(
            str(message_from_bytes(path.read_bytes())["X-Collectkit-Key"])
            for path in (self.out / "outbox" / "mail" / "new").iterdir()
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# -- what comes out ------------------------------------------------------------------------------------------------


def test_a_run_sends_charges_lists_and_reports(desk: Desk) -> None:
    ledger = desk.folder_of(GOOD.format(1, "100.00"), GOOD.format(2, "7.50"), GOOD.format(3, "80.00"))
    result = desk.run(ledger, "--until", "2026-01-20", as_of="2025-12-02")
    assert result.exit_code == 0, result.output
    # a reminder on day 5 (a Saturday), a second notice on day 20, a fee after ten days; A-2 is too small
    assert desk.mail() == [
        f"notice:A-{n}:0:{stage}:{notice}:email:1"
        for n in (1, 3)
        for stage, notice in (("firm", "second"), ("reminder", "friendly"))
    ]
    assert re.search(r"charges posted +3", result.output)
    assert re.search(r"notices sent +4", result.output)
    rows = {row["account_id"]: row for row in desk.table("worklist.csv")}
    assert rows["A-1"]["stage"] == "firm"
    assert rows["A-1"]["arrears"] == "100.00 EUR"
    assert rows["A-1"]["open"] == "105.00 EUR"
    assert "one payment" in rows["A-1"]["offers"]
    assert "too small to chase" in rows["A-2"]["left_alone_because"]
    page = (desk.out / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "Debtor 1" not in page


def test_the_same_day_again_commits_nothing_and_says_so(desk: Desk) -> None:
    ledger = desk.folder_of(GOOD.format(1, "100.00"), GOOD.format(2, "60.00"))
    assert desk.run(ledger).exit_code == 0
    before, letters = desk.stored(), desk.mail()
    again = desk.run(ledger)
    assert again.exit_code == 0
    assert "Nothing was left to do" in again.output
    assert desk.stored() == before
    assert desk.mail() == letters


def test_day_by_day_and_all_at_once_come_to_the_same(desk: Desk, tmp_path: Path) -> None:
    rows = [GOOD.format(n, f"{40 + 20 * n}.00") for n in range(1, 4)]
    desk.run(desk.folder_of(*rows), "--until", "2025-12-23", as_of="2025-12-02")
    (tmp_path / "other").mkdir()
    other = Desk(tmp_path / "other")
    ledger = other.folder_of(*rows)
    for day in range(2, 24):
        assert other.run(ledger, as_of=f"2025-12-{day:02}").exit_code == 0
    assert other.mail() == desk.mail()
    keys = "collectkit_keys"
    assert other.stored()[keys] == desk.stored()[keys]


def test_a_made_up_creditor_is_said_and_ones_own_is_used(desk: Desk, tmp_path: Path) -> None:
    ledger = desk.folder_of(GOOD.format(1, "100.00"))
    assert "made-up creditor" in desk.run(ledger).output
    (tmp_path / "own").mkdir()
    own = Desk(tmp_path / "own")
    result = own.run(own.folder_of(GOOD.format(1, "100.00")), "--creditor", ROOT / "examples/creditor.toml")
    assert result.exit_code == 0, result.output
    assert "made-up creditor" not in result.output
    (letter,) = (own.out / "outbox" / "mail" / "new").iterdir()
    message = message_from_bytes(letter.read_bytes())
    assert message["From"] == "Nordlicht Energie GmbH <forderungen@nordlicht.example>"


def test_a_creditor_file_with_faults_stops_before_anything_is_stored(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "creditor.toml").write_text('nam = "X"\nphone = 5\n', encoding="utf-8")
    result = desk.run(desk.folder_of(GOOD.format(1, "100.00")), "--creditor", tmp_path / "creditor.toml")
    assert result.exit_code == 2
    for words in ("did you mean name?", "phone: text is needed", "name: is missing"):
        assert words in result.output
    assert not desk.db.exists()
    assert not desk.out.exists()


def test_a_claim_in_dispute_does_not_bring_the_rest_nearer_to_a_demand(desk: Desk) -> None:
    disputes = "dispute_id,account_id,raised_on,receivable_ids,reason\nX-1,A-1,2025-12-03,I-big,goods damaged\n"
    ledger = desk.folder_of(
        "I-big,A-1,D-1,Debtor 1,2025-11-01,2025-12-01,600.00,EUR",
        "I-rest,A-1,D-1,Debtor 1,2025-11-01,2025-12-01,20.00,EUR",
        disputes=disputes,
    )
    desk.run(ledger, "--until", "2026-01-20", as_of="2025-12-02")
    # the strategy demands from 50.00 EUR on, and only 20.00 EUR may be chased
    assert desk.mail() == ["notice:A-1:0:reminder:friendly:email:1"]


def test_another_strategy_leaves_pinned_accounts_alone_unless_they_are_moved(desk: Desk) -> None:
    ledger = desk.folder_of(GOOD.format(1, "100.00"), GOOD.format(2, "60.00"))
    desk.run(ledger)
    desk.strategy.write_text(STRATEGY.replace('version = "1"', 'version = "2"'), encoding="utf-8")
    result = desk.run(ledger, as_of="2026-01-03")
    assert result.exit_code == 3
    assert "IN TROUBLE: A-1: account A-1 is pinned to another strategy" in result.output
    assert "and 1 more accounts" in result.output
    assert desk.run(ledger, "--move-strategy", as_of="2026-01-03").exit_code == 0


def test_a_fact_that_changed_under_its_id_is_told_and_the_stored_one_stands(desk: Desk) -> None:
    desk.run(desk.folder_of(GOOD.format(1, "100.00")))
    result = desk.run(desk.folder_of(GOOD.format(1, "90.00")), as_of="2026-01-03")
    assert result.exit_code == 3
    assert "CONTRADICTED: 1 facts differ" in result.output
    said = call("explain", "A-1", "--db", desk.db, "--strategy", desk.strategy, "--json")
    assert json.loads(said.stdout)["open"] == ["105.00 EUR"]


# -- bad input -----------------------------------------------------------------------------------------------------

BAD = {
    "due_on": ("I-9,A-9,D-9,N,2025-11-01,2025-13-01,1.00,EUR", "due_on", "2025-13-01"),
    "amount": ('I-9,A-9,D-9,N,2025-11-01,2025-12-01,"1.234,56",EUR', "amount", "1.234,56"),
    "currency": ("I-9,A-9,D-9,N,2025-11-01,2025-12-01,1.00,EUX", "currency", "EUX"),
    "negative": ("I-9,A-9,D-9,N,2025-11-01,2025-12-01,-1.00,EUR", "amount", "'-1.00"),
    "nan": ("I-9,A-9,D-9,N,2025-11-01,2025-12-01,NaN,EUR", "amount", "NaN"),
    "formula": ("I-9,A-9,D-9,N,2025-11-01,2025-12-01,=1+1,EUR", "amount", "'=1+1"),
    "no_id": (",A-9,D-9,N,2025-11-01,2025-12-01,1.00,EUR", "receivable_id", ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_row_that_cannot_be_read_is_listed_and_the_rest_collected(desk: Desk, kind: str) -> None:
    row, field, value = BAD[kind]
    result = desk.run(desk.ledger(GOOD.format(1, "100.00"), row, GOOD.format(2, "60.00")))
    assert result.exit_code == 3
    assert "REJECTED: 1 rows could not be read" in result.output
    (rejected,) = desk.table("rejected.csv")
    assert (rejected["row"], rejected["field"], rejected["value"]) == ("3", field, value)
    assert rejected["reason"]
    assert rejected["code"].partition(".")[0] in ("ledger", "money")
    assert {one["account_id"] for one in desk.table("worklist.csv")} == {"A-1", "A-2"}


def test_an_id_twice_with_other_content_is_rejected_and_twice_the_same_is_one(desk: Desk) -> None:
    ledger = desk.ledger(GOOD.format(1, "100.00"), GOOD.format(1, "100.00"), GOOD.format(1, "90.00"))
    facts = desk.facts(ledger)
    assert facts["rejected"] == 1
    assert desk.table("rejected.csv")[0]["code"] == "ledger.duplicate"
    assert "ledger.identical_row" in [one["code"] for one in facts["warnings"]]


def test_odd_rows_are_kept_with_a_warning_and_an_example(desk: Desk) -> None:
    ledger = desk.ledger(
        "1930571429.0,A-1,D-1,First Ltd,2025-11-01,2025-12-01,100.00,EUR",
        "1930571430.0,A-1,D-1,Second Ltd,2025-12-02,2025-12-01,50.00,EUR",
    )
    result = desk.run(ledger)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "warning ledger.id_trimmed, 2 times; first at receivables row 2" in said
    assert "ledger.due_before_issue, once" in said
    assert "ledger.several_names" in said
    assert "First Ltd" not in said
    assert "Second Ltd" not in said


def test_columns_nobody_asked_for_are_listed_once(desk: Desk) -> None:
    ledger = desk.folder / "wide.csv"
    rows = [f"{HEADER},colour", f"{GOOD.format(1, '100.00')},red", f"{GOOD.format(2, '60.00')},blue"]
    ledger.write_text("\n".join(rows), encoding="utf-8")
    assert "columns not used: colour\n" in desk.run(ledger).output


def test_a_comma_ledger_is_read_when_the_mark_is_named(desk: Desk) -> None:
    ledger = desk.ledger('I-1,A-1,D-1,N,01.11.2025,01.12.2025,"1.234,56",EUR')
    facts = desk.facts(ledger, "--date-order", "dmy", "--decimal-mark", ",", "--thousands-mark", ".")
    assert facts["rejected"] == 0
    assert desk.table("worklist.csv")[0]["arrears"] == "1234.56 EUR"


def encoded(kind: str, text: str) -> bytes:
    data = text.encode("latin-1" if kind == "latin-1" else "utf-8")
    if kind == "bom":
        return b"\xef\xbb\xbf" + data
    if kind == "crlf":
        return data.replace(b"\n", b"\r\n")
    return gzip.compress(data, mtime=0) if kind == "gzip" else data


@pytest.mark.parametrize("kind", ["plain", "bom", "crlf", "gzip", "latin-1"])
def test_every_common_encoding_reads_the_same(desk: Desk, kind: str) -> None:
    text = "\n".join([HEADER, GOOD.format(1, "100.00").replace("Debtor 1", "Müller & Söhne"), ""])
    ledger = desk.folder / ("ledger.csv.gz" if kind == "gzip" else "ledger.csv")
    ledger.write_bytes(encoded(kind, text))
    extra = ["--encoding", "latin-1"] if kind == "latin-1" else []
    facts = desk.facts(ledger, *extra)
    assert (facts["rejected"], facts["recorded"]) == (0, 3)
    assert facts["ledger"].startswith("1 rows read, 1 used") or facts["ledger"].startswith("1 row read")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.csv", b"", "ledger.empty"),
        ("header.csv", HEADER.encode() + b"\n", "ledger.empty"),
        ("latin.csv", f"{HEADER}\n{GOOD.format('ü', '1.00')}\n".encode("latin-1"), "encoding"),
        ("cut.csv.gz", gzip.compress(b"x" * 100_000, mtime=0)[:60], "ledger.damaged"),
        ("none.csv.gz", b"this was never gzip", "ledger."),
        ("other.csv", b"a,b\n1,2\n", "ledger.missing_column"),
        ("book.xlsx", b"PK\x03\x04rest of a workbook", "ledger.spreadsheet"),
        ("nul.csv", b"\x00\x01\x02\x03" * 100, "ledger."),
    ],
)
def test_a_ledger_that_is_none_gets_a_clear_answer_and_leaves_nothing(
    desk: Desk, name: str, data: bytes, words: str
) -> None:
    (desk.folder / name).write_bytes(data)
    result = desk.run(desk.folder / name)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    assert not desk.db.exists()
    assert not (desk.out / "worklist.csv").exists()


def test_a_huge_ledger_is_refused_by_the_limit_that_is_named(desk: Desk) -> None:
    ledger = desk.ledger(*(GOOD.format(n, "10.00") for n in range(50)))
    result = desk.run(ledger, "--max-rows", 20)
    assert result.exit_code == 2
    assert "more than 20 rows; split it, or pass a higher max_rows" in result.output
    assert not desk.db.exists()


def test_nothing_that_a_spreadsheet_would_run_is_written(desk: Desk) -> None:
    ledger = desk.ledger(
        "=cmd|x,@A-1,D-1,+N,2025-11-01,2025-12-01,100.00,EUR", "-2+3,A-2,D-2,N,2025-11-01,never,1.00,EUR"
    )
    desk.run(ledger)
    for name in ("worklist.csv", "rejected.csv"):
        for row in desk.table(name):
            assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--until", "2025-01-01"], "--until must lie from"),
        (["--until", "2099-01-01"], "--until must lie from"),
        (["--map", "strype-invoices"], "stripe-invoices"),
        (["--map", "collectkit", "--columns", "x.toml"], "one of the two"),
        (["--currency", "EUX"], "EUX"),
        (["--encoding", "klingon"], "klingon"),
    ],
)
def test_an_argument_that_cannot_stand_stops_the_run(desk: Desk, arguments: list[str], words: str) -> None:
    result = desk.run(desk.ledger(GOOD.format(1, "100.00")), *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert not desk.db.exists()


def test_a_strategy_with_faults_stops_the_run_with_all_of_them(desk: Desk) -> None:
    desk.strategy.write_text(
        STRATEGY.replace("grace_days", "grace_dais").replace("materiality", "mat"), encoding="utf-8"
    )
    result = desk.run(desk.ledger(GOOD.format(1, "100.00")))
    assert result.exit_code == 2
    assert "2 problems" in result.output


# -- asking afterwards ---------------------------------------------------------------------------------------------


def test_explain_offers_and_report_speak_of_the_stored_run(desk: Desk) -> None:
    desk.run(desk.folder_of(GOOD.format(1, "100.00")), "--until", "2025-12-20", as_of="2025-12-02")
    place = ["--db", desk.db, "--strategy", desk.strategy]
    said = call("explain", "A-1", *place, "--as-of", "2025-12-20").output
    for line in (
        "Account A-1 on 2025-12-20",
        "It owes 105.00 EUR; 100.00 EUR of it is past due, the oldest 19 days.",
        "Stage reminder since 2025-12-06, segment standard.",
        "- I-1: 100.00 EUR, due 2025-12-01, 19 days past due",
        "- late-fee on I-1: 5.00 EUR",
        "2025-12-06 notice friendly by email: delivered",
        "If nothing new happens, on 2025-12-22 in stage firm: notice second by email.",
    ):
        assert line in said
    assert "Debtor 1" not in said
    assert "example.net" not in said
    offers = call("offers", "A-1", *place, "--as-of", "2025-12-20").output
    assert "105.00 EUR in one payment by" in " ".join(offers.split())
    assert "choose from: collector" in call("offers", "A-1", *place, "--role", "king").output
    page = desk.folder / "page.html"
    result = call("report", *place, "--from", "2025-12-02", "--until", "2025-12-20", "--out", page)
    assert result.exit_code == 0
    assert "<svg" in page.read_text(encoding="utf-8")
    wrong = call("report", *place, "--from", "2025-12-02", "--until", "2025-12-01", "--out", page)
    assert wrong.exit_code == 2


def test_explain_says_why_the_last_look_stopped_a_notice(desk: Desk) -> None:
    folder = desk.folder_of(GOOD.format(1, "100.00"))
    table = folder / "receivables.csv"
    head, row = table.read_text(encoding="utf-8").splitlines()
    table.write_text(f"{head},locale\n{row},nl_NL\n", encoding="utf-8")
    desk.run(folder, as_of="2025-12-08")
    said = call("explain", "A-1", "--db", desk.db, "--strategy", desk.strategy, "--as-of", "2025-12-08").output
    told = "notice friendly by email: stopped by the last look: its text could not be written (wording.missing_translation)"
    assert told in " ".join(said.split())
    assert [row["today"] for row in desk.table("worklist.csv")] == [
        "notice friendly by email (stopped by the last look)"
    ]


@pytest.mark.parametrize(
    ("as_of", "why"),
    [
        ("2025-12-04", "I-1 is 3 days past due, which no stage speaks of yet"),
        ("2025-12-09", "what stage reminder asks for was done or is not due yet"),
    ],
)
def test_an_account_without_work_today_says_why_it_is_left_alone(desk: Desk, as_of: str, why: str) -> None:
    desk.run(desk.folder_of(GOOD.format(1, "100.00")), "--until", as_of, as_of="2025-12-02")
    assert [(row["today"], why in row["left_alone_because"]) for row in desk.table("worklist.csv")] == [("", True)]


def test_an_account_that_is_not_known_is_told_with_the_nearest_ids(desk: Desk) -> None:
    desk.run(desk.folder_of(GOOD.format(1, "100.00")))
    result = call("explain", "A-11", "--db", desk.db, "--strategy", desk.strategy)
    assert result.exit_code == 2
    assert "the database has no account A-11; did you mean A-1?" in result.output


def test_explain_without_a_day_takes_the_last_one_recorded(desk: Desk) -> None:
    desk.run(desk.folder_of(GOOD.format(1, "100.00")), as_of="2025-12-08")
    assert call("explain", "A-1", "--db", desk.db, "--strategy", desk.strategy).output.startswith(
        "Account A-1 on 2025-12-0"
    )


def test_an_account_in_dispute_on_promise_and_on_plan_reads_well(desk: Desk) -> None:
    ledger = desk.folder_of(
        *(GOOD.format(n, "90.00") for n in (1, 2, 3)),
        disputes="dispute_id,account_id,raised_on,receivable_ids,reason\nX-1,A-1,2025-12-03,I-1,goods damaged\n",
        promises=(
            "promise_id,account_id,amount,currency,made_on,due_on,receivable_ids\nP-2,A-2,90.00,EUR,2025-12-05,2025-12-24,I-2\n"
        ),
        plans=(
            "plan_id,account_id,number,due_on,amount,currency,covers,agreed_on\n"
            "PL-3,A-3,1,2025-12-20,45.00,EUR,I-3,2025-12-05\nPL-3,A-3,2,2026-01-20,45.00,EUR,I-3,2025-12-05\n"
        ),
    )
    desk.run(ledger, "--until", "2025-12-19", as_of="2025-12-02")
    place = ["--db", desk.db, "--strategy", desk.strategy, "--as-of", "2025-12-19"]
    disputed, promised, planned = (call("explain", f"A-{n}", *place).output for n in (1, 2, 3))
    assert "It owes 90.00 EUR; 90.00 EUR of it is past due, the oldest 18 days; all of it is held." in disputed
    assert "- I-1: 90.00 EUR, due 2025-12-01, 18 days past due; held by dispute" in disputed
    assert "stage current: nothing that may be chased is past due" in disputed
    assert "- promise of 90.00 EUR by 2025-12-24: open" in promised
    assert "held by promise" in promised
    assert (
        "- plan PL-3, 2 instalments: active, 0.00 EUR paid, 90.00 EUR to come; next 45.00 EUR on 2025-12-20" in planned
    )
    assert "covered by a plan" in planned
    none = call("offers", "A-3", *place).output
    assert "Nothing may be offered to A-3 on 2025-12-19: plan PL-3 is kept." in none
    assert "all that is past due is held" in call("offers", "A-1", *place).output


# -- the demo ------------------------------------------------------------------------------------------------------


def test_the_demo_can_be_run_twice_into_one_folder(tmp_path: Path) -> None:
    first = call("demo", "--out", tmp_path / "demo", "--days", 1)
    assert first.exit_code == 0, first.output
    assert "made-up creditor" in first.output
    assert "what to look at next" in first.output
    again = call("demo", "--out", tmp_path / "demo", "--days", 1)
    assert again.exit_code == 0, again.output
    assert "Nothing was left to do" in again.output
    other = call("demo", "--out", tmp_path / "demo", "--days", 1, "--seed", 5)
    assert other.exit_code == 2
    assert "choose another folder" in other.output
