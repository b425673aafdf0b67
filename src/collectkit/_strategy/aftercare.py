"""What follows a cure, a broken word, or a notice that nobody could carry: thanks, restored service, tasks for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from collectkit import escalation, promises
from collectkit._strategy.bundle import Strategy
from collectkit._strategy.look import Look, is_clearing
from collectkit.core.codec import content_hash
from collectkit.core.events import RaiseTask, RestoreService, semantic_key
from collectkit.core.records import AccountSnapshot, NoticeRecord

__all__ = ["is_cured", "restored", "task_about", "tasks_for_people"]

_BROKEN = (promises.PromiseOutcome.BROKEN, promises.PromiseOutcome.PARTLY_KEPT)
_STUCK = ("escalation.bounced", "escalation.suppressed")


def is_cured(look: Look) -> bool:
    """Say whether this look ends the cycle: something was done about arrears, and none are left."""
    return not (look.principal_past_due or look.aged.arrears) and _was_chased(look.snapshot)


def restored(strategy: Strategy, look: Look) -> RestoreService | None:
    """Restore the service if any step of any ladder restricted it in this cycle."""
    snapshot = look.snapshot
    account_id, cycle = snapshot.account.account_id, snapshot.cycle
    steps = [
        (rule.id, step.id)
        for _, ladder in strategy.all_ladders()
        for rule in ladder
        for step in rule.steps
        if step.what == "restrict-service"
    ]
    keys = {semantic_key("command", account_id, cycle, stage, step) for stage, step in steps}
    under = semantic_key("command", account_id, cycle, "")  # of an earlier strategy, whose ladder is not at hand
    if not any(
        key in keys or (key.startswith(under) and key.endswith(":restrict-service")) for key in snapshot.issued_keys
    ):
        return None
    return RestoreService(
        key=semantic_key("command", account_id, cycle, escalation.CURED, "restore-service"),
        account_id=account_id,
        stage=escalation.CURED,
        step="restore-service",
    )


def tasks_for_people(strategy: Strategy, look: Look) -> Iterator[RaiseTask]:
    """Raise a task, once each, for a promise or plan that broke, an instalment missed, and a notice that got stuck."""
    if not look.balance.open_items:
        return
    care, snapshot = strategy.aftercare, look.snapshot
    wanted = [
        (care.broken_promise_task, "promise", one.promise.promise_id)
        for one in look.promises
        if one.outcome in _BROKEN and not is_clearing(one, as_of=snapshot.as_of, clearing_days=strategy.clearing_days)
    ]
    wanted += [(care.broken_plan_task, "plan", one.agreement.plan_id) for one in look.plans if one.is_broken]
    wanted += [
        (care.missed_instalment_task, "instalment", escalation.item_ref(item))
        for item in look.aged.items
        if item.plan_id is not None and item.days_past_due > 0
    ]
    # one person looks at the account, however many claims are stuck in it
    stuck = [one.text for one in look.steps.reasons if one.code in _STUCK][:1]
    wanted += [
        (care.unreachable_task, "stuck", f"{snapshot.cycle}-{content_hash(text.encode())[:16]}") for text in stuck
    ]
    for name, kind, subject in wanted:
        task = task_about(snapshot, name, kind, subject)
        if task is not None:
            yield task


def task_about(snapshot: AccountSnapshot, name: str | None, kind: str, subject: str) -> RaiseTask | None:
    """Make a task about a subject, or None where the strategy wants none or it was raised before."""
    account_id = snapshot.account.account_id
    key = semantic_key("aftercare", account_id, kind, subject)
    if name is None or key in snapshot.issued_keys:
        return None
    return RaiseTask(key=key, account_id=account_id, task=name, due_on=snapshot.as_of, step=kind)


# -- details ---------------------------------------------------------------------------------------------------


def _was_chased(snapshot: AccountSnapshot) -> bool:
    """Say whether anything happened in this cycle that a cure should end: a sent notice, or a command.

    A reminder before the due date is no dunning, so it starts no cycle.
    """
    account_id, cycle = snapshot.account.account_id, snapshot.cycle
    prefixes = tuple(semantic_key(kind, account_id, cycle, "") for kind in ("task", "command", "approval"))
    if any(key.startswith(prefixes) for key in snapshot.issued_keys):
        return True
    due_on = {one.receivable_id: one.due_on for one in snapshot.receivables if not one.is_charge}
    return any(
        one.cycle == cycle and one.delivered_on is not None and _was_dunning(one, due_on) for one in snapshot.notices
    )


def _was_dunning(notice: NoticeRecord, due_on: dict[str, date]) -> bool:
    """Say whether a notice spoke of something past due; one that names no claim spoke of all that were."""
    if not notice.receivable_ids:
        return notice.stage != escalation.CURED and any(day < notice.requested_on for day in due_on.values())
    named = (due_on.get(name.partition("#")[0], date.min) for name in notice.receivable_ids)
    return any(day < notice.requested_on for day in named)
