"""What may be charged for paying late, and what is given for paying early.

A policy is the creditor's choice, as frozen data that is checked when it is made. `charges_due` finds what has fallen
due from the facts of a snapshot, with the day, the base, the rate and every limit in its reasons; nothing here posts a
charge, moves money or remembers a look. What the law allows comes in as rule packs and can only lower a charge.

    LateFeePolicy, Tier, AppliesTo      how much, from when, how often, for whom
    ChargePolicy                        all rules together
    charges_due -> ChargesDue           what has fallen due, what was skipped and why, when to look again
    explain, describe                   one charge, or all terms, in plain words
    preview_balance                     what will be owed on a later day
    read_charges                        the same from a table of TOML or JSON
"""

from __future__ import annotations

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.due import ChargesDue, charges_due
from collectkit._policy.fees import first_fee_on
from collectkit._policy.preview import PreviewedBalance, post, preview_balance
from collectkit._policy.tables import read_charges
from collectkit._policy.terms import AppliesTo, FeeBase, FeeKind, LateFeePolicy, OncePer, Tier, TierBy
from collectkit._policy.words import describe, explain

__all__ = [
    "AppliesTo",
    "ChargePolicy",
    "ChargesDue",
    "FeeBase",
    "FeeKind",
    "LateFeePolicy",
    "OncePer",
    "PreviewedBalance",
    "Tier",
    "TierBy",
    "charges_due",
    "describe",
    "explain",
    "first_fee_on",
    "post",
    "preview_balance",
    "read_charges",
]
