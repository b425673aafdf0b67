"""What may be offered to one account today, and if nothing, why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from collectkit import history
from collectkit._cli.printing import print_table, say
from collectkit.core.events import Event
from collectkit.strategy import Look, Strategy, examine, offers_for

__all__ = ["offer_facts", "print_offers"]


def offer_facts(events: Sequence[Event], *, strategy: Strategy, on: date, role: str | None) -> dict[str, object]:
    """Give the offers as plain values, and where there are none the reason.

    Raises:
        InvalidTerms: `settlement.unknown_role`.
    """
    look = examine(strategy=strategy, snapshot=history.snapshot(events, as_of=on))
    found = offers_for(strategy=strategy, look=look, role=role)
    limits = strategy.limits_of(look.classified.segment)
    return {
        "account": look.snapshot.account.account_id,
        "as_of": on,
        "segment": look.classified.segment,
        "role": role or (limits.authorities[0].role if limits is not None else None),
        "roles": [one.role for one in limits.authorities] if limits is not None else [],
        "offers": [
            {
                "kind": offer.kind,
                "text": offer.in_words(),
                "first_on": offer.first_on,
                "ends_on": offer.ends_on,
                "valid_until_on": offer.valid_until_on,
                "largest_payment": str(offer.largest_payment),
                "recovered": str(offer.recovered),
                "rows": []
                if offer.plan is None
                else [{"due_on": row.due_on, "total": str(row.total)} for row in offer.plan.schedule],
            }
            for offer in found
        ],
        "none_because": None if found else _none_because(strategy, look),
    }


def print_offers(facts: dict[str, object]) -> None:
    """Print the offers as a table, best first."""
    account, on, role = facts["account"], facts["as_of"], facts["role"]
    if facts["none_because"]:
        say(f"Nothing may be offered to {account} on {on}: {facts['none_because']}.")
        return
    say(f"What {role} may offer to {account} ({facts['segment']}) on {on}, the soonest paid first:")
    offers = facts["offers"]
    if isinstance(offers, list):
        print_table(
            ("offer", "largest payment", "brings in", "stands until"),
            [(one["text"], one["largest_payment"], one["recovered"], str(one["valid_until_on"])) for one in offers],
            right=(1, 2),
        )
    roles = facts["roles"]
    if isinstance(roles, list) and len(roles) > 1:
        say(f"Limits grow with the role: {', '.join(roles)}; choose one with --role.")


def _none_because(strategy: Strategy, look: Look) -> str:
    if strategy.limits_of(look.classified.segment) is None:
        return f"the strategy has no limits of offers for segment {look.classified.segment}"
    kept = next((plan for plan in look.plans if plan.is_kept), None)
    if kept is not None:
        return f"plan {kept.agreement.plan_id} is kept"
    if not look.principal_past_due:
        return "nothing is past due"
    return "all that is past due is held"
