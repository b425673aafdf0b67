"""A host without a store: a snapshot built by hand, one call, one batch with every key."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime

import collectkit as ck

TEN_LINES = """
import collectkit as ck
from datetime import date
strategy = ck.parse('name = "s"\\nversion = "1"\\n[[stages]]\\nid = "reminder"\\nafter = { past_due = { days = 5 } }\\n[[stages.steps]]\\nnotice = "friendly"\\nchannels = ["email"]')
debtor = ck.Debtor(debtor_id="D", kind="business", zones=["Europe/Berlin"])
invoice = ck.Receivable(receivable_id="R", account_id="A", amount_original=ck.Money(9000, "EUR"), issued_on=date(2026, 2, 20), due_on=date(2026, 3, 6))
email = ck.ContactPoint(contact_point_id="C", channel="email", address="office@firm.example")
account = ck.Account(account_id="A", debtor_id="D")
snapshot = ck.AccountSnapshot(as_of=date(2026, 3, 11), account=account, debtor=debtor, receivables=[invoice], contact_points=[email])
decision = ck.decide(strategy=strategy, snapshot=snapshot)
"""


def test_ten_lines_decide_without_any_store() -> None:
    assert len(TEN_LINES.strip().splitlines()) <= 10
    scope: dict[str, object] = {}
    exec(TEN_LINES, scope)
    decision = scope["decision"]
    assert isinstance(decision, ck.Decision)
    assert decision.stage == "reminder"
    assert [command.name for command in decision.commands] == ["send-notice"]
    batch = ck.to_batch(
        decision=decision, version=0, command_id="c-1", recorded_at=datetime(2026, 3, 11, 6, tzinfo=UTC)
    )
    assert batch.keys == ("notice:A:0:reminder:friendly:email:1",)
    assert [row.key for row in batch.outbox] == list(batch.keys)
    assert batch.review_on == date(2026, 3, 12)


def test_deciding_loads_no_store_no_templates_and_no_command_line() -> None:
    code = TEN_LINES + (
        "\nimport sys\nheavy = {'sqlalchemy', 'jinja2', 'click', 'rich', 'matplotlib', 'numpy', 'hypothesis'}"
        "\nprint(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
