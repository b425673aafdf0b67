"""The sample ledger of the demo: made up by a seeded generator, so that everyone sees the same four hundred accounts.

Every kind of payer is in it, from the punctual to the insolvent, in three currencies and four languages. It is data
alone: payments do not react to notices, and no person or firm in it exists. `SampleMessenger` plays the post office.

    write_sample_ledger   the folder of tables that the demo collects
    sample_accounts       the same as records, with the kind of payer of each
    SampleMessenger       refuses dead addresses and times out now and then
"""

from collectkit.samples._behaviour import PROFILES, SampleAccount
from collectkit.samples._ledger import (
    SAMPLE_SEED,
    SAMPLE_START_ON,
    SampleLedger,
    sample_accounts,
    write_sample_ledger,
)
from collectkit.samples._messenger import SampleMessenger

__all__ = [
    "PROFILES",
    "SAMPLE_SEED",
    "SAMPLE_START_ON",
    "SampleAccount",
    "SampleLedger",
    "SampleMessenger",
    "sample_accounts",
    "write_sample_ledger",
]
