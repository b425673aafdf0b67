"""What may be charged for paying late, and what is given for paying early.

A policy is the creditor's choice, as frozen data that is checked when it is made. `charges_due` finds what has fallen
due from the facts of a snapshot, with the day, the base, the rate and every limit in its reasons; nothing here posts a
charge, moves money or remembers a look. What the law allows comes in as rule packs and can only lower a charge.

    LateFeePolicy, Tier, AppliesTo      how much, from when, how often, for whom
    InterestPolicy, RateTerms           interest on arrears, by contract or by law
    RecoverySumPolicy                   a fixed recovery sum of the law
    ReturnedPaymentPolicy               a charge for a payment that was returned
    ChargePolicy                        all rules together
    charges_due -> ChargesDue           what has fallen due, what was skipped and why, when to look again
    Coverage, readiness_on              what charges are checked for when made; what a later day would lack
    statutory_interest, statutory_rate  what a rule pack gives, for one sum or one day
    daily_percent                       the figure of one day, as it is published
    explain, describe                   one charge, or all terms, in plain words
    waive, reversals_due                charges dropped by leave, and those that were wrong
    IncentivePolicy, rewards_due        discounts, rebates, bonuses, entitlements: what was earned
    annual_yield, yield_on              what a gain is worth a year
    preview_balance                     what will be owed on a later day
    build_charges, read_charges         the same from a table of TOML or JSON; read_incentives likewise
"""

from __future__ import annotations

from collectkit._policy.bundle import ChargePolicy, ChargeRule
from collectkit._policy.corrections import reversals_due
from collectkit._policy.coverage import Coverage
from collectkit._policy.due import ChargesDue, charges_due
from collectkit._policy.fees import first_fee_on
from collectkit._policy.incentives import (
    AdvanceRebate,
    DiscountStep,
    Grant,
    GrantKind,
    Incentive,
    IncentivePolicy,
    PromptPaymentDiscount,
    PunctualityBonus,
    SettlementDiscount,
    YieldBasis,
    YieldMethod,
    annual_yield,
    yield_on,
)
from collectkit._policy.interest import (
    AccruedInterest,
    BalanceStep,
    InterestPiece,
    InterestPolicy,
    InterestStep,
    RateTerms,
    RecoverySumPolicy,
    RoundingOrder,
    accrue_on,
    statutory_interest,
    statutory_rate,
)
from collectkit._policy.preview import PreviewedBalance, post, preview_balance
from collectkit._policy.readiness import readiness_on
from collectkit._policy.returned import ReturnedPaymentPolicy
from collectkit._policy.rewards import Entitlement, Reward, RewardsDue, rewards_due
from collectkit._policy.tables import build_charges, read_charges, read_covering, read_incentives
from collectkit._policy.terms import (
    AppliesTo,
    FeeAnchor,
    FeeBase,
    FeeKind,
    LateFeePolicy,
    OncePer,
    Tier,
    TierBy,
    falls_due_on,
)
from collectkit._policy.waivers import WaiverLimits, waive
from collectkit._policy.words import daily_percent, describe, explain
from collectkit.core.decisions import Reversal

__all__ = [
    "AccruedInterest",
    "AdvanceRebate",
    "AppliesTo",
    "BalanceStep",
    "ChargePolicy",
    "ChargeRule",
    "ChargesDue",
    "Coverage",
    "DiscountStep",
    "Entitlement",
    "FeeAnchor",
    "FeeBase",
    "FeeKind",
    "Grant",
    "GrantKind",
    "Incentive",
    "IncentivePolicy",
    "InterestPiece",
    "InterestPolicy",
    "InterestStep",
    "LateFeePolicy",
    "OncePer",
    "PreviewedBalance",
    "PromptPaymentDiscount",
    "PunctualityBonus",
    "RateTerms",
    "RecoverySumPolicy",
    "ReturnedPaymentPolicy",
    "Reversal",
    "Reward",
    "RewardsDue",
    "RoundingOrder",
    "SettlementDiscount",
    "Tier",
    "TierBy",
    "WaiverLimits",
    "YieldBasis",
    "YieldMethod",
    "accrue_on",
    "annual_yield",
    "build_charges",
    "charges_due",
    "daily_percent",
    "describe",
    "explain",
    "falls_due_on",
    "first_fee_on",
    "post",
    "preview_balance",
    "read_charges",
    "read_covering",
    "read_incentives",
    "readiness_on",
    "reversals_due",
    "rewards_due",
    "statutory_interest",
    "statutory_rate",
    "waive",
    "yield_on",
]
