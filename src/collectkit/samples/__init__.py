"""The sample ledger of the demo: made up by a seeded generator, so that everyone sees the same four hundred accounts.

It writes and returns data and knows nothing of stages, notices or charges. No person or firm in it exists.
"""
