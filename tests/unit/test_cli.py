"""The command line: what it prints, how it fails, and what it leaves behind. Whole runs stand in tests/conformance."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collectkit._cli.printing import plain_words, wrapped
from collectkit.cli import main

ROOT = Path(__file__).resolve().parents[2]
STRATEGIES = [
    *sorted((ROOT / "examples").glob("*/strategy.toml")),
    ROOT / "src/collectkit/samples/strategy.toml",
]
PLAN = ["plan", "--principal", "1000.00", "--currency", "EUR", "--start", "2026-01-31"]


def call(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, [str(one) for one in arguments])


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    path = tmp_path / "strategy.toml"
    path.write_text((ROOT / "src/collectkit/samples/strategy.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def changed(path: Path, *pairs: tuple[str, str]) -> Path:
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


# -- the door ------------------------------------------------------------------------------------------------------


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from collectkit.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(set(sys.modules) & {'rich', 'sqlalchemy', 'jinja2', 'matplotlib', 'babel', 'pendulum'}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.splitlines()[-1] == "[]"
    for command in ("run", "demo", "check", "explain", "offers", "report", "plan"):
        assert f"\n  {command} " in said


@pytest.mark.parametrize("command", ["run", "demo", "check", "explain", "offers", "report", "plan"])
def test_every_command_has_help(command: str) -> None:
    assert call(command, "--help").exit_code == 0


def test_the_module_is_the_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "collectkit", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "0." in said.stdout


# -- check ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.parent.name)
def test_shipped_strategies_can_be_used_and_lack_nothing(path: Path) -> None:
    result = call("check", path, "--json")
    assert result.exit_code == 0
    facts = json.loads(result.output)
    assert facts["ok"] is True
    assert facts["warnings"] == []


def test_check_lays_the_ladder_out_as_a_table_and_in_time(strategy: Path) -> None:
    said = " ".join(call("check", strategy, "--due-on", "2026-03-02").output.split())
    assert "ladder of standard, fragile" in said
    assert "As standard, but for:" in said
    # the strategy says: 3 days before, 5 business days (a Monday's week later), 21, +5, 40, +14 and 75 days after 2 March
    for line in (
        "2026-02-27 (day -3): pre-due begins; notice pre-due by email",
        "2026-03-09 (day +7): reminder begins; notice friendly by email or sms or letter",
        "2026-03-23 (day +21): firm begins; notice second by email or letter",
        "2026-03-28 (day +26): task offer-plan",
        "2026-04-11 (day +40): final-demand begins; notice final-demand by letter or email",
        "2026-04-25 (day +54): restricted begins; command restrict-service",
        "2026-05-16 (day +75): legal begins; task prepare-claim",
    ):
        assert line in said
    assert "Mon-Fri 08:00-19:00" in said
    assert "supervisor up to 12 instalments in 400 days" in said
    assert "1 % of what is open is charged once" in said


def test_check_says_all_problems_at_once_and_exits_with_2(strategy: Path) -> None:
    changed(
        strategy,
        ("late_ratio_min", "late_ration_min"),
        ("grace_days = 21", "grace_dais = 21"),
        ('"email", "sms", "letter"', '"e-mail", "sms", "letter"'),
        ("days_ahead_max = 21", 'days_ahead_max = "soon"'),
    )
    result = call("check", strategy)
    assert result.exit_code == 2
    assert "cannot be used: 4 problems" in result.output
    for words in (
        "segments[1].when.late_ration_min: unknown key; did you mean late_ratio_min?",
        "stages[1].steps[0].channels: not one of the choices; did you mean email? (given: e-mail)",
        "choose from: email, sms, phone, letter",
        "charges[0].grace_dais: unknown key; did you mean grace_days? (given: 21)",
        "promises.days_ahead_max: a whole number is needed here (given: soon)",
    ):
        assert words in " ".join(result.output.split())


def test_check_gives_problems_to_programs_too(strategy: Path) -> None:
    changed(strategy, ("grace_days = 21", "grace_dais = 21"))
    result = call("check", strategy, "--json")
    assert result.exit_code == 2
    facts = json.loads(result.output)
    assert facts["ok"] is False
    assert [one["path"] for one in facts["problems"]] == ["charges[0].grace_dais"]
    assert "grace_days" in facts["problems"][0]["choices"]


def test_check_tells_a_file_that_is_no_toml_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("name = ", encoding="utf-8")
    assert "not readable as TOML" in call("check", tmp_path / "broken.toml").output
    missing = call("check", tmp_path / "none.toml")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.output


def test_check_warns_of_notices_without_a_text_and_of_empty_threats(strategy: Path, tmp_path: Path) -> None:
    changed(strategy, ('notice = "pre-due"', 'notice = "pre-dew"'), ('notice = "final-demand"', 'notice = "threat"'))
    for _ in range(2):
        changed(strategy, ('notice_delivered = "final-demand"', 'notice_delivered = "threat"'))
    texts = tmp_path / "texts" / "en"
    texts.mkdir(parents=True)
    source = (ROOT / "src/collectkit/texts/en/final-demand.txt").read_text(encoding="utf-8")
    threat = source.replace("consequences: further-steps", "consequences: credit-reporting")
    (texts / "threat.txt").write_text(threat, encoding="utf-8")
    result = call("check", strategy, "--texts", tmp_path / "texts")
    assert result.exit_code == 0
    said = " ".join(result.output.split())
    assert "notice pre-dew has no text, so it would never go out; did you mean pre-due?" in said
    assert "there is no text for threat in de" in said
    assert "notice threat of stage final-demand threatens credit-reporting, which no stage from there on does" in said


@pytest.mark.parametrize(("more", "is_empty"), [("", True), ('notice = "final-demand"\nday = 7', False)])
def test_check_warns_of_a_notice_that_is_announced_and_never_sent(tmp_path: Path, more: str, is_empty: bool) -> None:
    path = tmp_path / "announcing.toml"
    stage = '[[stages]]\nid = "firm"\nafter = { past_due = { days = 21 } }\n'
    steps = "".join(f'[[stages.steps]]\nchannels = ["email"]\n{one}\n' for one in ('notice = "second"', more) if one)
    path.write_text(f'name = "announcing"\nversion = "1"\n{stage}{steps}', encoding="utf-8")
    said = " ".join(call("check", path).output.split())
    assert ("notice second of stage firm announces formal-demand, and no notice comes after it" in said) is is_empty


def test_check_warns_of_a_command_that_does_not_wait_for_its_notice(strategy: Path) -> None:
    end = '  channels = ["letter", "email"]\n'
    changed(strategy, (end, f'{end}  [[stages.steps]]\n  day = 14\n  command = "restrict-service"\n'))
    said = " ".join(call("check", strategy).output.split())
    assert "restrict-service of stage final-demand comes 14 days after the stage begins, however late" in said
    assert 'make it a stage that needs { notice_delivered = "final-demand", days_ago = 14 }' in said


def test_check_warns_of_a_currency_that_a_table_of_amounts_lacks(strategy: Path) -> None:
    changed(
        strategy, ('materiality = { EUR = "10.00", GBP = "10.00", USD = "10.00" }', 'materiality = { EUR = "10.00" }')
    )
    said = " ".join(call("check", strategy).output.split())
    assert "materiality names no GBP or USD, so accounts in that currency pass it by" in said


def test_check_cuts_no_word_in_a_terminal_of_80_columns(strategy: Path) -> None:
    said = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["check", str(strategy)]).output
    assert max(map(len, said.splitlines())) <= 80
    for word in ("restrict-service", "final-demand", "credit-manager", "prepare-claim"):
        assert word in said


# -- plan ----------------------------------------------------------------------------------------------------------


def rows_of(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_plan_as_csv_closes_to_the_cent() -> None:
    rows = rows_of(call(*PLAN, "--rate", "9.5", "--instalments", "12", "--csv"))
    assert sum(Decimal(row["principal"]) for row in rows) == Decimal("1000.00")
    balance = Decimal("1000.00")
    for row in rows:  # each month bears a twelfth of 9.5 % of what was left, to the nearest cent
        interest = Fraction(balance) * Fraction("9.5") / 1200
        assert abs(Fraction(row["interest"]) - interest) <= Fraction(1, 200)
        assert Decimal(row["principal"]) + Decimal(row["interest"]) + Decimal(row["fee"]) == Decimal(row["total"])
        balance -= Decimal(row["principal"])
        assert Decimal(row["balance"]) == balance
    assert balance == 0
    assert [row["due_on"] for row in rows[:3]] == ["2026-02-28", "2026-03-31", "2026-04-30"]


def test_plan_prints_its_schedule_apr_and_proof() -> None:
    said = call(*PLAN, "--rate", "9.5", "--instalments", "12").output
    # (1 + 0.095/12)**12 - 1 = 9.92 % would be the rate without rounding to cents; the plan pays 5 cents more at its end
    assert "APR 9.93 % effective (as in the EU), 9.50 % nominal" in said
    assert "principal of 12 rows sums to 1000.00 EUR" in said
    assert "the last balance is 0.00 EUR" in said


def test_plan_gives_programs_text_amounts() -> None:
    facts = json.loads(call(*PLAN, "--shape", "equal-split", "--instalments", "3", "--json").stdout)
    assert [row["total"] for row in facts["rows"]] == ["333.33", "333.33", "333.34"]
    assert (facts["cost"], facts["apr_effective_percent"]) == ("0.00", "0.00")


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ("level", ["--rate", "12", "--instalments", "6"]),
        ("equal-split", ["--instalments", "6"]),
        ("equal-principal", ["--rate", "12", "--instalments", "6"]),
        ("flat", ["--rate", "12", "--instalments", "6"]),
        ("interest-only", ["--rate", "12", "--instalments", "6"]),
        ("interest_only", ["--rate", "12", "--instalments", "6"]),
        ("balloon", ["--rate", "12", "--instalments", "6", "--balloon", "400.00"]),
        ("bullet", ["--rate", "12", "--instalments", "6"]),
        ("deferred", ["--instalments", "6", "--grace", "2"]),
        ("deferred", ["--instalments", "6", "--grace", "2", "--rate", "12"]),
        ("stepped", ["--instalments", "24", "--growth", "0.05"]),
        ("minimum-payment", ["--share", "0.1", "--floor", "25.00", "--rate", "12"]),
        ("level", ["--rate", "12", "--instalments", "6", "--every", "2 weeks", "--down-payment", "100.00"]),
        ("level", ["--rate", "12", "--instalments", "6", "--fee-each", "1.00", "--residue-to", "first"]),
        ("level", ["--rate", "12", "--instalments", "6", "--first-due", "2026-03-15", "--day-count", "act/365f"]),
        (
            "level",
            ["--rate", "12", "--instalments", "6", "--rrule", "FREQ=MONTHLY;BYMONTHDAY=-1", "--day-count", "30/360-us"],
        ),
        ("level", ["--rate", "12", "--instalments", "6", "--skip-month", "4", "--skip-month", "5"]),
        ("level", ["--rate", "12", "--instalments", "6", "--month-end", "roll", "--rounding", "half_up"]),
        ("deferred", ["--instalments", "6", "--grace", "2", "--rate", "12", "--interest", "collect"]),
        ("agreed", ["--part", "2026-03-01=400.00", "--part", "2026-04-15"]),
        ("personalised", ["--affordable", "120.00", "--rate", "9.5"]),
        (
            "personalised",
            ["--affordable", "120.00", "--prefer", "lowest", "--end-by", "2027-01-31", "--min-instalment", "50"],
        ),
    ],
)
def test_every_shape_pays_the_debt_off(shape: str, arguments: list[str]) -> None:
    rows = rows_of(call(*PLAN, "--shape", shape, *arguments, "--csv"))
    assert sum(Decimal(row["principal"]) for row in rows) == Decimal("1000.00")
    assert Decimal(rows[-1]["balance"]) == 0
    assert call(*PLAN, "--shape", shape, *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shape", "balloon", "--instalments", "3"], "--shape balloon also needs --balloon and --rate (0 for none)"),
        (["--shape", "level", "--rate", "5"], "also needs --instalments"),
        (
            ["--shape", "level", "--rate", "5", "--instalments", "3", "--grace", "2"],
            "--grace belongs to --shape deferred",
        ),
        (["--shape", "equal-split", "--rate", "5", "--instalments", "3"], "bears no interest"),
        (["--shape", "balon"], "choose from: level, equal-split"),
        (["--rate", "5", "--instalments", "0"], "a whole number of 1 or more"),
        (["--rate", "5", "--instalments", "20000"], "over the limit of 10000"),
        (["--rate", "5", "--instalments", "3", "--every", "full moon"], "takes a rhythm"),
        (["--rate", "five", "--instalments", "3"], "rate"),
        (["--rate", "5", "--instalments", "3", "--currency", "EUX"], "no active ISO 4217 currency"),
        (["--rate", "5", "--instalments", "3", "--principal", "1.000,00"], "money.syntax"),
        (["--rate", "5", "--instalments", "3", "--principal", "NaN"], "money."),
        (["--rate", "5", "--instalments", "3", "--start", "31.01.2026"], "--start"),
        (["--rate", "2000", "--instalments", "3"], "--rate 2000 is over 1000 % a year"),
        (["--rate", "5", "--instalments", "3", "--csv", "--json"], "--csv prints the schedule alone"),
        (["--rate", "5", "--instalments", "3", "--explain", "4"], "the plan has the rows 1 to 3"),
        (["--shape", "agreed", "--part", "2026-03-01", "--instalments", "3"], "as many instalments as it has parts"),
        (["--shape", "agreed", "--part", "1 March=10.00"], "calendars.syntax"),
        (["--shape", "personalised"], "also needs --affordable"),
        (
            ["--rate", "5", "--instalments", "3", "--min-instalment", "5"],
            "--min-instalment belongs to --shape personalised",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_one_paragraph(arguments: list[str], words: str) -> None:
    result = call(*PLAN, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_what_is_not_affordable_is_a_no_with_the_way_out_and_no_mistake() -> None:
    asked = [*PLAN, "--shape", "personalised", "--affordable", "10.00", "--instalments", "12"]
    result = call(*asked)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("No plan: ")
    assert "83.34 EUR" in result.stderr  # 1000.00 in 12 parts
    told = call(*asked, "--json")
    assert told.exit_code == 1
    assert all(reason["code"].startswith("plans.") for reason in json.loads(told.stdout)["declined"])


def test_plan_says_how_a_row_came_about() -> None:
    # 12 % a year are 1 % a month: 10.00 on 1000.00
    arguments = [*PLAN, "--rate", "12", "--instalments", "3", "--explain", "1"]
    assert "1000.00 EUR x 1/100" in call(*arguments).output
    assert "10.00 EUR" in json.loads(call(*arguments, "--json").stdout)["explanation"]


def test_a_row_that_is_not_there_prints_nothing_else() -> None:
    result = call(*PLAN, "--rate", "12", "--instalments", "3", "--explain", "9")
    assert (result.exit_code, result.stdout) == (2, "")


def test_flows_without_a_rate_say_why() -> None:
    tiny = ["plan", "--principal", "0.01", "--currency", "EUR", "--start", "2026-01-01", "--shape", "equal-split"]
    said = call(*tiny, "--instalments", "1", "--every", "1 day", "--fee-each", "1000").output
    assert "No APR: " in said
    assert "first day" not in said


def test_a_plan_that_is_paid_on_its_first_day_has_no_rate_and_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    day = ["--first-due", "2026-01-31", "--day-count", "act/365f"]
    result = call(*PLAN, "--rate", "12", "--instalments", "1", *day, "--svg", path)
    assert result.exit_code == 0
    assert "No APR" in result.output
    assert ET.parse(path).getroot().tag.endswith("svg")


def test_a_picture_of_cents_names_cents(tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    small = ["plan", "--principal", "0.05", "--currency", "EUR", "--start", "2026-01-31", "--shape", "equal-split"]
    assert call(*small, "--instalments", "5", "--svg", path).exit_code == 0
    assert ">0.05<" in path.read_text(encoding="utf-8")


def test_plan_draws_the_same_bytes_twice(tmp_path: Path) -> None:
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        assert call(*PLAN, "--rate", "9.5", "--instalments", "12", "--svg", path).exit_code == 0
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert ET.fromstring(first).tag.endswith("svg")
    assert b"1000.00 EUR in 12 instalments" in first


# -- what does not go well -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["explain", "offers"])
def test_a_database_that_is_not_there_is_not_made(command: str, strategy: Path, tmp_path: Path) -> None:
    result = call(command, "A-1", "--db", tmp_path / "none.db", "--strategy", strategy)
    assert result.exit_code == 2
    assert "there is no database at" in result.output
    assert not (tmp_path / "none.db").exists()


def test_a_database_that_is_none_is_refused(strategy: Path, tmp_path: Path) -> None:
    (tmp_path / "none.db").write_text("no database, just text", encoding="utf-8")
    result = call("explain", "A-1", "--db", tmp_path / "none.db", "--strategy", strategy)
    assert result.exit_code == 2
    assert result.output.startswith("collectkit: store.")


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = call(*PLAN, "--rate", "5", "--instalments", "3", "--svg", tmp_path / "file" / "plan.svg")
    assert result.exit_code == 2
    assert "choose another place" in result.stderr
    assert "Traceback" not in result.output


# -- words ---------------------------------------------------------------------------------------------------------


def test_a_figure_and_its_unit_stay_on_one_line() -> None:
    assert wrapped("owes 100.00 EUR and 5 % more", 15) == "owes 100.00 EUR\nand 5 % more"
    assert wrapped("owes 1000.00 EUR", 10) == "owes\n1000.00 EUR"


def test_facts_are_said_in_plain_words() -> None:
    assert plain_words("late_ratio is 50 %; flag is hardship") == "share settled late is 50 %; flag is hardship"
    assert plain_words("late_ratio_min") == "late_ratio_min"


def test_without_its_extra_the_command_says_so_in_one_sentence() -> None:
    code = "import sys; sys.modules['click'] = None\nfrom collectkit.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "collectkit: core.missing_extra: click is not installed; install it with: pip install 'collectkit[cli]'"
    )
