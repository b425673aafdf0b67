"""Gathers the figures of a report, account by account, so that ten thousand accounts need little more room than one.

Everything follows from recorded events through the rooms that judge them; nothing is decided again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from collectkit._report.figures import (
    AskedPerson,
    ChargeFigures,
    CurrencyFigures,
    LeftAlone,
    NoticeFigures,
    PlanFigures,
    PromiseFigures,
    RunFigures,
    StageHistory,
)
from collectkit.core.aging import AgedAccount, BucketScheme, age, aging_report
from collectkit.core.events import (
    ChargePosted,
    CommandIssued,
    Cured,
    Decided,
    NoticeSuppressed,
)
from collectkit.core.money import Money
from collectkit.core.records import AccountSnapshot, Channel, Component, FlagKind, HoldReason, PlanAgreement
from collectkit.core.waterfall import Balance, Order, balance_of
from collectkit.escalation import CURRENT, GRACE
from collectkit.history import AccountState, snapshot
from collectkit.metrics import best_possible_dso, collection_effectiveness_index, days_sales_outstanding
from collectkit.promises import JudgedPromise, PromiseOutcome, judge, receipts_of
from collectkit.servicing import PlanStanding, plan_status

__all__ = ["Gathered"]

_DAY: Final = timedelta(days=1)

_FLAG_HOLDS: Final = {
    FlagKind.HARDSHIP: HoldReason.HARDSHIP,
    FlagKind.INSOLVENT: HoldReason.INSOLVENCY,
    FlagKind.DECEASED: HoldReason.DECEASED,
    FlagKind.CEASE_COMMUNICATION: HoldReason.CEASE_COMMUNICATION,
    FlagKind.REPRESENTED: HoldReason.REPRESENTED,
}

ROUTINE: Final = (
    "escalation.stage",
    "hold.",  # counted day by day from the facts
    "policy.",  # why nothing was charged, not why nobody was contacted
    "segments.",
    "strategy.cured",
    "strategy.no_thanks",
    "strategy.step",
)
"""Codes, or families of them, that do not say why an account was left alone."""

_BROKEN_OUTCOMES: Final = (PromiseOutcome.OPEN, PromiseOutcome.BROKEN, PromiseOutcome.PARTLY_KEPT)


class Day:
    """An account at the end of one day: its facts, what is open, how old that is, and how its plans fare."""

    def __init__(self, state: AccountState, on: date, *, scheme: BucketScheme, order: Order) -> None:
        self.facts: AccountSnapshot = snapshot(state, as_of=on)
        self.balance: Balance = balance_of(self.facts, order=order)
        self.plans: list[tuple[PlanAgreement, PlanStanding]] = [
            (plan, self._standing(plan)) for plan in self.facts.plans
        ]
        self.aged: AgedAccount = age(self.balance, plans=self._kept(), scheme=scheme)

    def _standing(self, plan: PlanAgreement) -> PlanStanding:
        paid = [
            part
            for part in self.balance.applied
            if part.receivable_id in plan.covers and part.amount.currency == plan.currency
        ]
        return plan_status(plan=plan, paid=paid, as_of=self.facts.as_of, others=self.facts.plans)

    def _kept(self) -> list[PlanAgreement]:
        """List the plans that are kept; of two that cover one receivable, the one agreed later."""
        taken: set[str] = set()
        kept = []
        for plan, standing in reversed(self.plans):
            if standing.status.is_running and taken.isdisjoint(plan.covers):
                kept.append(plan)
                taken.update(plan.covers)
        return kept

    def applied(self) -> dict[tuple[str, str], int]:
        """Sum what was applied by currency and by what it was: paid, credited or waived."""
        notes = {one.credit_note_id for one in self.facts.credit_notes}
        waivers = {one.waiver_id for one in self.facts.waivers}
        sums: dict[tuple[str, str], int] = Counter()
        for part in self.balance.applied:
            kind = "credited" if part.source_id in notes else "waived" if part.source_id in waivers else "paid"
            sums[part.amount.currency, kind] += part.amount.minor
        return sums

    def past_due(self) -> Iterator[Money]:
        """Yield what is past due, charges aside."""
        return (item.amount_open for item in self.aged.past_due_items if not item.is_charge)


class Gathered:
    """Adds accounts up; `figures` turns the sums into the report's data."""

    def __init__(
        self, *, start_on: date, end_on: date, scheme: BucketScheme, order: Order, promise_tolerance_days: int
    ) -> None:
        self.start_on, self.end_on = start_on, end_on
        self.scheme, self.order = scheme, order
        self.tolerance_days = promise_tolerance_days
        self.accounts = 0
        self.cured = 0
        self.hashes: set[str] = set()
        self.aged: tuple[list[AgedAccount], list[AgedAccount]] = ([], [])
        self.sums: Counter[tuple[str, str]] = Counter()  # (currency, what) -> minor units
        self.stage_steps: defaultdict[str, Counter[date]] = defaultdict(Counter)  # stage -> day -> change in number
        self.charges: defaultdict[tuple[str, Component, str], _ChargeSum] = defaultdict(_ChargeSum)
        self.promises: Counter[tuple[str, str]] = Counter()
        self.plans: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.notices: defaultdict[tuple[str, Channel], Counter[str]] = defaultdict(Counter)
        self.left: dict[tuple[str, str], _LeftSum] = {}
        self.asked: defaultdict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)

    def in_period(self, day: date) -> bool:
        """Say whether a day lies in the period."""
        return self.start_on <= day < self.end_on

    def add(self, state: AccountState) -> None:
        """Take one account in."""
        opening = Day(state, self.start_on - _DAY, scheme=self.scheme, order=self.order)
        closing = Day(state, self.end_on - _DAY, scheme=self.scheme, order=self.order)
        self.accounts += 1
        for aged, day in zip(self.aged, (opening, closing), strict=True):
            aged.append(day.aged)
        self._add_movement(opening, closing)
        self._add_charges(state, closing)
        judged = judge(
            promises=closing.facts.promises,
            receipts=receipts_of(closing.facts, closing.balance),
            as_of=closing.facts.as_of,
            tolerance_days=self.tolerance_days,
        )
        self._add_promises(judged)
        self._add_plans(closing)
        self._add_notices(state, closing)
        self._add_holds(closing, judged)
        self._add_decisions(state)
        self._add_asked(state, closing)

    # -- one matter each

    def _add_movement(self, opening: Day, closing: Day) -> None:
        for name, day in (("opening", opening), ("closing", closing)):
            for item in day.balance.open_items:
                currency, minor = item.amount_open.currency, item.amount_open.minor
                self.sums[currency, name] += minor
                if not item.receivable.is_charge:
                    self.sums[currency, f"{name}_principal"] += minor
            for amount in day.past_due():
                self.sums[amount.currency, f"{name}_past_due"] += amount.minor
        for one in closing.facts.receivables:
            if self.in_period(one.issued_on):
                what = "charged" if one.is_charge else "invoiced"
                self.sums[one.amount_original.currency, what] += one.amount_original.minor
        for (currency, kind), minor in closing.applied().items():
            self.sums[currency, kind] += minor
        for (currency, kind), minor in opening.applied().items():
            self.sums[currency, kind] -= minor
        for amount in closing.balance.unapplied:
            self.sums[amount.currency, "unapplied"] += amount.minor

    def _add_charges(self, state: AccountState, closing: Day) -> None:
        rules: dict[str, tuple[str, Component, str]] = {}
        for event in state.events:
            if isinstance(event, ChargePosted):
                posted = event.receivable
                key = (event.rule, posted.component, posted.amount_original.currency)
                rules[posted.receivable_id] = key
                if self.in_period(posted.issued_on):
                    self.charges[key].add(state.account_id, posted.amount_original.minor)
        for waiver in closing.facts.waivers:
            if waiver.receivable_id in rules and self.in_period(waiver.waived_on):
                self.charges[rules[waiver.receivable_id]].waived += waiver.amount.minor

    def _add_promises(self, judged: Iterable[JudgedPromise]) -> None:
        for one in judged:
            amount = one.promise.amount
            if self.in_period(one.promise.made_on):
                self.promises[amount.currency, "made"] += 1
                self.promises[amount.currency, "amount_made"] += amount.minor
            if one.is_open:
                self.promises[amount.currency, "open"] += 1
                self.promises[amount.currency, "amount_open"] += amount.minor
            elif one.decided_on is not None and self.in_period(one.decided_on):
                self.promises[amount.currency, one.outcome.value] += 1

    def _add_plans(self, closing: Day) -> None:
        for plan, standing in closing.plans:
            sums = self.plans[standing.status.value, plan.currency]
            sums["count"] += 1
            sums["agreed"] += self.in_period(plan.agreed_on)
            sums["amount"] += sum(part.amount.minor for part in plan.instalments)

    def _add_notices(self, state: AccountState, closing: Day) -> None:
        for notice in closing.facts.notices:
            if not self.in_period(notice.requested_on):
                continue
            sums = self.notices[notice.stage, notice.channel]
            sums["requested"] += 1
            if notice.suppressed_on is not None:
                sums["suppressed"] += 1
            elif notice.bounced_on is not None:
                sums["bounced"] += 1
            elif notice.sent_on is not None:
                sums["sent"] += 1
            else:
                sums["waiting"] += 1
        for event in state.events:
            if isinstance(event, NoticeSuppressed) and self.in_period(event.effective_on):
                code, text = code_and_text(event.reason)
                self._leave("last-look", code, text, state.account_id, 1)

    def _add_holds(self, closing: Day, judged: Iterable[JudgedPromise]) -> None:
        held: defaultdict[HoldReason, set[int]] = defaultdict(set)
        for reason, since, until in _holds(closing, judged):
            first = max(since, self.start_on).toordinal()
            last = min(until or self.end_on, self.end_on).toordinal()
            held[reason].update(range(first, last))
        for reason, days in held.items():
            if days:
                self._leave("hold", reason.value, "", closing.facts.account.account_id, len(days))

    def _add_decisions(self, state: AccountState) -> None:
        decided = sorted(
            (event for event in state.events if isinstance(event, Decided) and event.effective_on < self.end_on),
            key=lambda event: event.effective_on,
        )
        for position, event in enumerate(decided):
            later = decided[position + 1].effective_on if position + 1 < len(decided) else self.end_on
            since = max(event.effective_on, self.start_on)
            days = (later - since).days
            if days <= 0:
                continue
            self.hashes.add(event.strategy_hash)
            self.stage_steps[event.stage][since] += 1
            self.stage_steps[event.stage][later] -= 1
            for code, text in dict(map(code_and_text, event.reasons)).items():
                if not code.startswith(ROUTINE):
                    self._leave("decision", code, text, state.account_id, days)

    def _add_asked(self, state: AccountState, closing: Day) -> None:
        for event in state.events:
            if not self.in_period(event.effective_on):
                continue
            if isinstance(event, Cured):
                self.cured += 1
            elif isinstance(event, CommandIssued) and not _is_granted(event, closing.facts):
                self.asked[event.command, subject_of(event), event.stage][state.account_id] = None
        points = closing.facts.contact_points
        if closing.aged.is_delinquent and points and not any(point.is_usable(closing.facts.as_of) for point in points):
            self.asked["dead-end", "no address left that works", ""][state.account_id] = None

    def _leave(self, kind: str, code: str, text: str, account_id: str, times: int) -> None:
        sums = self.left.setdefault((kind, code), _LeftSum(text))
        sums.times += times
        sums.accounts[account_id] = None

    # -- the result

    def figures(self, *, strategy_name: str, stages: Sequence[str]) -> RunFigures:
        """Turn the sums into data, everything in a settled order."""
        opening, closing = (aging_report(aged, self.scheme) for aged in self.aged)
        return RunFigures(
            strategy_name=strategy_name,
            strategy_hashes=tuple(sorted(self.hashes - {""})),
            start_on=self.start_on,
            end_on=self.end_on,
            accounts=self.accounts,
            currencies=tuple(self._currency(code) for code in sorted({currency for currency, _ in self.sums})),
            opening=opening,
            closing=closing,
            stages=self._stages(stages),
            charges=tuple(
                ChargeFigures(
                    rule=rule,
                    component=component,
                    currency=currency,
                    count=one.count,
                    accounts=len(one.accounts),
                    amount=Money(one.minor, currency),
                    waived=Money(one.waived, currency),
                )
                for (rule, component, currency), one in sorted(self.charges.items())
            ),
            promises=tuple(
                _promise_figures(currency, self.promises) for currency in sorted({one for one, _ in self.promises})
            ),
            plans=tuple(
                PlanFigures(
                    status=status,
                    currency=currency,
                    count=one["count"],
                    agreed_in_period=one["agreed"],
                    amount=Money(one["amount"], currency),
                )
                for (status, currency), one in sorted(self.plans.items())
            ),
            notices=tuple(
                NoticeFigures(
                    stage=stage,
                    channel=channel,
                    requested=one["requested"],
                    sent=one["sent"],
                    bounced=one["bounced"],
                    suppressed=one["suppressed"],
                    waiting=one["waiting"],
                )
                for (stage, channel), one in sorted(
                    self.notices.items(),
                    key=lambda pair: (_place(pair[0][0], stages), pair[0][0], pair[0][1].value),
                )
            ),
            left_alone=tuple(
                LeftAlone(kind=kind, code=code, text=one.text, times=one.times, accounts=tuple(sorted(one.accounts)))
                for (kind, code), one in sorted(
                    self.left.items(), key=lambda pair: (_LEFT_ORDER[pair[0][0]], -len(pair[1].accounts), pair[0][1])
                )
            ),
            asked=tuple(
                AskedPerson(kind=kind, what=what, stage=stage, accounts=tuple(sorted(accounts)))
                for (kind, what, stage), accounts in sorted(self.asked.items())
            ),
            cured=self.cured,
        )

    def _stages(self, order: Sequence[str]) -> StageHistory:
        days = tuple(self.start_on + timedelta(days=step) for step in range((self.end_on - self.start_on).days))
        first = {stage: min(steps) for stage, steps in self.stage_steps.items()}
        known = [*(house for house in (CURRENT, GRACE) if house not in order), *order]
        rest = sorted(set(first) - set(known), key=lambda stage: (first[stage], stage))
        shown = tuple(stage for stage in (*known, *rest) if stage in first)
        counts = []
        for stage in shown:
            standing, row = 0, []
            for day in days:
                standing += self.stage_steps[stage][day]
                row.append(standing)
            counts.append(tuple(row))
        return StageHistory(stages=shown, days=days, counts=tuple(counts))

    def _currency(self, currency: str) -> CurrencyFigures:
        def sum_of(what: str) -> Money:
            return Money(self.sums[currency, what], currency)

        sales, end = sum_of("invoiced"), sum_of("closing_principal")
        late = min(sum_of("closing_past_due"), end)  # a plan may cover charges too, and its instalments are late as one
        days = (self.end_on - self.start_on).days
        return CurrencyFigures(
            currency=currency,
            opening=sum_of("opening"),
            invoiced=sum_of("invoiced"),
            charged=sum_of("charged"),
            paid=sum_of("paid"),
            credited=sum_of("credited"),
            waived=sum_of("waived"),
            closing=sum_of("closing"),
            opening_past_due=sum_of("opening_past_due"),
            closing_past_due=sum_of("closing_past_due"),
            unapplied=sum_of("unapplied"),
            days_sales_outstanding=days_sales_outstanding(receivables=end, credit_sales=sales, days=days),
            best_possible_dso=best_possible_dso(current_receivables=end - late, credit_sales=sales, days=days),
            collection_effectiveness_index=collection_effectiveness_index(
                beginning=sum_of("opening_principal"), credit_sales=sales, ending_total=end, ending_current=end - late
            ),
        )


# -- details ---------------------------------------------------------------------------------------------------

_LEFT_ORDER: Final = {"hold": 0, "decision": 1, "last-look": 2}


class _ChargeSum:
    def __init__(self) -> None:
        self.count = 0
        self.minor = 0
        self.waived = 0
        self.accounts: set[str] = set()

    def add(self, account_id: str, minor: int) -> None:
        self.count += 1
        self.minor += minor
        self.accounts.add(account_id)


class _LeftSum:
    def __init__(self, text: str) -> None:
        self.text = text
        self.times = 0
        self.accounts: dict[str, None] = {}


def code_and_text(reason: str) -> tuple[str, str]:
    """Part a recorded reason into its stable code and its sentence; either may be empty.

    >>> code_and_text("escalation.blocked: not yet final-demand"), code_and_text("contact.daily_cap")
    (('escalation.blocked', 'not yet final-demand'), ('contact.daily_cap', ''))
    """
    head, _, tail = reason.partition(":")
    is_code = "." in head and " " not in head
    return (head, tail.strip()) if is_code else (reason.strip(), "")


def subject_of(event: CommandIssued) -> str:
    """Name what a command is about, from its semantic key; a key of another make gives the command's own name.

    >>> from datetime import UTC, datetime
    >>> subject_of(
    ...     CommandIssued(
    ...         event_id="e",
    ...         account_id="A-1",
    ...         recorded_at=datetime(2030, 1, 1, tzinfo=UTC),
    ...         effective_on=date(2030, 1, 1),
    ...         key="task:A-1:0:reminder:call:R-1:1",
    ...         command="raise-task",
    ...         stage="reminder",
    ...     )
    ... )
    'call'
    """
    kind, *parts = event.key.split(":")
    if kind == "aftercare" and len(parts) > 1:
        return _AFTERCARE.get(parts[1], parts[1])
    place = _SUBJECT_AT.get(kind, len(parts))
    return parts[place].replace("%3A", ":").replace("%25", "%") if place < len(parts) else event.command


_SUBJECT_AT: Final = {"task": 3, "command": 3, "approval": 2}
"""Where in a key, after its kind, stands what it is about."""

_AFTERCARE: Final = {
    "instalment": "missed instalment",
    "plan": "broken plan",
    "promise": "broken promise",
    "unreachable": "cannot be reached",
}


def _is_granted(event: CommandIssued, facts: AccountSnapshot) -> bool:
    """Say whether a request for leave was answered by the end of the period."""
    if event.command != "request-approval":
        return False
    subject = subject_of(event)
    return any(one.subject == subject and one.granted_on <= facts.as_of for one in facts.approvals)


def _holds(closing: Day, judged: Iterable[JudgedPromise]) -> Iterator[tuple[HoldReason, date, date | None]]:
    """Yield every pause of an account with its first day and the day after its last one, None while it runs."""
    facts = closing.facts
    for dispute in facts.disputes:
        yield HoldReason.DISPUTE, dispute.raised_on, dispute.resolved_on
    for flag in facts.debtor.flags:
        if flag.kind in _FLAG_HOLDS:
            yield _FLAG_HOLDS[flag.kind], flag.since_on, flag.until_on
    for hold in facts.holds:
        yield hold.reason, hold.placed_on, hold.until_on
    for one in judged:
        is_held_to_the_end = one.outcome in _BROKEN_OUTCOMES
        yield HoldReason.PROMISE, one.promise.made_on, one.last_on + _DAY if is_held_to_the_end else one.decided_on
    for plan, standing in closing.plans:
        ends = [standing.broken_on, standing.completed_on, plan.cancelled_on]
        ends += [other.agreed_on for other in facts.plans if other.supersedes == plan.plan_id]
        yield HoldReason.PLAN, plan.agreed_on, min((end for end in ends if end is not None), default=None)


def _promise_figures(currency: str, sums: Mapping[tuple[str, str], int]) -> PromiseFigures:
    def number(what: str) -> int:
        return sums.get((currency, what), 0)

    return PromiseFigures(
        currency=currency,
        made=number("made"),
        amount_made=Money(number("amount_made"), currency),
        kept=number("kept"),
        partly_kept=number("partly_kept"),
        broken=number("broken"),
        superseded=number("superseded"),
        withdrawn=number("withdrawn"),
        open=number("open"),
        amount_open=Money(number("amount_open"), currency),
    )


def _place(stage: str, stages: Sequence[str]) -> int:
    return stages.index(stage) if stage in stages else len(stages)
