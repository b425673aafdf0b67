"""The worklist of one day: for each account that needs something, what, why, and what may be offered."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from collectkit.adapters.csv_out import write_csv
from collectkit.core.decisions import Decision
from collectkit.core.events import ChargePosted, CommandIssued, Event, NoticeBounced, NoticeRequested, NoticeSuppressed
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.records import AccountSnapshot
from collectkit.escalation import CURRENT, GRACE
from collectkit.strategy import Strategy, decide, examine, offers_for

__all__ = ["HEADER", "Line", "line_of", "worklist_csv"]

HEADER = (
    "priority",
    "account_id",
    "segment",
    "stage",
    "days_past_due",
    "arrears",
    "open",
    "today",
    "fees_due",
    "offers",
    "left_alone_because",
    "review_on",
)

_FAILED: Final[Mapping[type[Event], str]] = {
    NoticeBounced: " (bounced)",
    NoticeSuppressed: " (stopped by the last look)",
}
_LEFT_ALONE = ("hold.", "strategy.materiality", "contact.", "escalation.suppressed", "escalation.blocked")


@attrs.frozen(kw_only=True)
class Line:
    """One row: an account, what is done about it today, and why nothing is where nothing is."""

    account_id: str
    segment: str
    stage: str
    days_past_due: int
    arrears: tuple[Money, ...]
    amount_open: tuple[Money, ...]
    today: tuple[str, ...]
    fees_due: tuple[Money, ...]
    offers: tuple[str, ...]
    left_alone_because: tuple[str, ...]
    review_on: str

    @property
    def priority(self) -> tuple[int, int, int, str]:
        """Order people's work first, then contacts, then the rest; the later the debt and the more, the sooner."""
        needs_person = any(what.startswith(("task ", "approval ")) for what in self.today)
        rank = 0 if needs_person else 1 if self.today else 2
        return (rank, -self.days_past_due, -max((one.minor for one in self.arrears), default=0), self.account_id)


def line_of(*, events: Iterable[Event], snapshot: AccountSnapshot, strategy: Strategy) -> Line | None:
    """Make the row of an account on the snapshot's day, or None where there is nothing to do and nothing to explain.

    What was done today is read from the recorded events, so the list is the same whether it is written by the run
    itself or asked for again later.
    """
    on = snapshot.as_of
    events = tuple(event for event in events if event.effective_on == on)
    failed = {
        event.key: _FAILED[type(event)] for event in events if isinstance(event, NoticeBounced | NoticeSuppressed)
    }
    today = tuple(said for event in events if (said := _said(event, failed)))
    fees = [event.receivable.amount_original for event in events if isinstance(event, ChargePosted)]
    decision = decide(strategy=strategy, snapshot=snapshot)
    if not decision.arrears and not today and not fees:
        return None
    offered: tuple[str, ...] = ()
    if decision.arrears:
        look = examine(strategy=strategy, snapshot=snapshot)
        offered = tuple(offer.in_words() for offer in offers_for(strategy=strategy, look=look))
    alone = () if today else _left_alone(decision)
    return Line(
        account_id=decision.account_id,
        segment=decision.segment,
        stage=decision.stage,
        days_past_due=decision.days_past_due,
        arrears=decision.arrears,
        amount_open=decision.amount_open,
        today=today,
        fees_due=tuple(sum_by_currency(fees).values()),
        offers=offered,
        left_alone_because=alone,
        review_on="" if decision.review_on is None else decision.review_on.isoformat(),
    )


def worklist_csv(lines: Iterable[Line]) -> str:
    """Write the rows in order of priority as CSV that no spreadsheet runs."""
    ordered = sorted(lines, key=lambda line: line.priority)
    stream = io.StringIO()
    rows = [
        (
            number,
            line.account_id,
            line.segment,
            line.stage,
            line.days_past_due,
            _sums(line.arrears),
            _sums(line.amount_open),
            "; ".join(line.today),
            _sums(line.fees_due),
            " | ".join(line.offers),
            "; ".join(line.left_alone_because),
            line.review_on,
        )
        for number, line in enumerate(ordered, start=1)
    ]
    write_csv(stream, HEADER, rows)
    return stream.getvalue()


def _left_alone(decision: Decision) -> tuple[str, ...]:
    """Say why nothing is done about an account today; there is always an answer."""
    named = tuple(reason.text for reason in decision.reasons if reason.code.startswith(_LEFT_ALONE))
    if named or not decision.arrears:
        return named
    if decision.stage in (CURRENT, GRACE):
        standing = (one.text for one in decision.reasons if one.code == "escalation.stage")
        return tuple(text.removeprefix(f"stage {decision.stage}: ") for text in standing)
    return (f"what stage {decision.stage} asks for was done or is not due yet",)


def _sums(amounts: Iterable[Money]) -> str:
    return " + ".join(str(amount) for amount in amounts)


def _said(event: Event, failed: Mapping[str, str]) -> str:
    match event:
        case NoticeRequested(notice=notice):
            return f"notice {notice.notice} by {notice.channel.value}{failed.get(notice.key, '')}"
        case CommandIssued(command="raise-task", what=what):
            return f"task {what}"
        case CommandIssued(command="request-approval", what=what):
            return f"approval of {what}"
        case CommandIssued(command=command):
            return command
        case _:
            return ""
