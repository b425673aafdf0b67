"""Collections as a pure library: what each account owes, where it stands, what may be done about it today, and why.

`import collectkit as ck` and find every daily name here. A name loads the module it lives in on first use, so the
import itself costs next to nothing and needs no extra.

To add a name: put it under its module in `_NAMES`, then run `make exports`, which rewrites `__init__.pyi` for editors
and type checkers. tests/api compares the two.
"""

from importlib import import_module
from typing import Final

__version__ = "0.1.0"

# Module -> the names it gives to users: top rooms first, then core.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "engine": ("collect", "deliver", "record", "run_day"),
    "strategy": ("Strategy", "decide", "examine", "load", "offers_for", "parse", "revalidate", "to_batch"),
    "history": ("fold", "snapshot"),
    "settlement": ("Authority", "Offer", "Proposal", "SettlementLimits", "answer", "offers"),
    "servicing": ("PlanStatus", "plan_states", "plan_status"),
    "plans": (
        "PaymentPlan",
        "agreed_plan",
        "amortised_plan",
        "balloon_plan",
        "bullet_plan",
        "deferred_plan",
        "equal_principal_plan",
        "equal_split_plan",
        "flat_plan",
        "interest_only_plan",
        "minimum_payment_plan",
        "personalised_plan",
        "stepped_plan",
    ),
    "policy": ("ChargePolicy", "LateFeePolicy", "charges_due"),
    "segments": ("SegmentRule", "Segmentation"),
    "escalation": ("Ladder", "PastDue", "StageRule", "Step", "timeline"),
    "promises": ("PromiseLimits", "PromiseOutcome", "may_promise"),
    "contact": ("ContactPolicy", "permission"),
    "core.waterfall": ("Balance", "balance_of"),
    "core.aging": ("BucketScheme", "age", "aging_report", "days_past_due"),
    "core.decisions": ("Batch", "Decision", "Declined", "Permission", "Reason"),
    "core.records": (
        "Account",
        "AccountSnapshot",
        "Approval",
        "Channel",
        "Component",
        "ContactAttempt",
        "ContactPoint",
        "CreditNote",
        "Debtor",
        "DebtorKind",
        "Dispute",
        "Flag",
        "Hold",
        "NoticeRecord",
        "Payment",
        "PlanAgreement",
        "PlannedInstalment",
        "PromiseToPay",
        "Receivable",
        "Waiver",
    ),
    "metrics": (
        "best_possible_dso",
        "collection_effectiveness_index",
        "days_sales_outstanding",
        "promise_kept_rate",
    ),
    "core.rates": ("Rate", "RateTable"),
    "core.calendars": ("BusinessCalendar", "Every", "WEEKENDS_ONLY", "add_months"),
    "core.interest": ("accrue", "eu_aprc", "level_payment", "level_rate", "percent_of", "regz_apr"),
    "core.money": ("Money", "Rounding"),
    "core.errors": ("CollectkitError", "CollectkitWarning", "InvalidPolicy", "InvalidTerms"),
}

_HOME: Final = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(_hint(name), name=name, obj=None)  # obj=None: Python adds no second suggestion to ours
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # the next look does not come here
    return value


def __dir__() -> list[str]:
    return list(__all__)


def _hint(name: str) -> str:
    """Say in one line what stands nearest to a name that is not here."""
    from difflib import get_close_matches
    from importlib.util import find_spec

    said = f"no {name!r} in collectkit"
    if name.startswith("_") or "." in name:
        return said
    for place in (__name__, f"{__name__}.core"):
        if find_spec(f"{place}.{name}") is not None:
            return f"{said}; it is a module: import {place}.{name}"
    known = {word.lower(): word for word in __all__}
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.75)
    return f"{said}; did you mean {known[near[0]]!r}?" if near else said
