"""What proves a port and what helps to test a host: named properties, strategies and fakes.

    collectkit.testing.conformance   the properties a store, an outbox and a messenger must have; run them on yours
    collectkit.testing.strategies    Hypothesis strategies for records, events and snapshots
    collectkit.testing.fakes         messengers and stores that record, or fail on purpose
    collectkit.testing.cases         small made-up accounts, events and batches

Hypothesis and pytest are imported only by the modules that need them.
"""

from __future__ import annotations

__all__ = ["register"]


def register() -> None:
    """Teach Hypothesis to draw collectkit's types by themselves; called through its entry point.

    Nothing else is imported here, so that a suite which never draws them pays nothing.
    """
    from importlib import import_module

    from hypothesis import strategies as st

    from collectkit.core.money import Money

    def moneys(_kind: object) -> st.SearchStrategy[Money]:
        strategy: st.SearchStrategy[Money] = import_module("collectkit.testing.strategies").moneys()
        return strategy

    st.register_type_strategy(Money, moneys)
