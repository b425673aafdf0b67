"""Offers within limits: what a collector may put on the table at once, and how a counter-proposal is answered.

Every offer lies inside the limits of the debtor's segment and inside what the asker has the authority to grant. A
repeat debtor's limits are narrower by what the creditor wrote down, never by the mood of the call:
`SettlementLimits.is_within` proves it before anyone is called. A refusal names every limit that was broken and the
nearest offer that breaks none. Nothing here posts, books or forgives: forgiveness in a settlement counts on
completion, as a fact of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final, Literal, TypeAlias

import attrs

from collectkit._settlement.maker import SPLIT_MAX, Maker, reason
from collectkit._settlement.terms import (
    Authority,
    Offer,
    OfferKind,
    Proposal,
    SettlementLimits,
    SettlementOffer,
)
from collectkit.core.decisions import Declined
from collectkit.core.errors import InvalidTerms
from collectkit.core.money import Money

__all__ = [
    "SPLIT_MAX",
    "Authority",
    "Counter",
    "Offer",
    "OfferKind",
    "Proposal",
    "Ranking",
    "SettlementLimits",
    "SettlementOffer",
    "answer",
    "offers",
]

Ranking: TypeAlias = Literal["time", "recovery", "means"]
"""What comes first: the offer that ends `time` soonest, brings in most `recovery`, or strains the debtor's `means` least."""


@attrs.frozen(kw_only=True)
class Counter:
    """A refused proposal with every reason and the nearest offer that could be accepted."""

    declined: Declined
    nearest: Offer | None = None

    def __bool__(self) -> bool:
        return False


def offers(
    *,
    account_id: str,
    balance: Money,
    covers: Sequence[str],
    on: date,
    limits: SettlementLimits,
    role: str | None = None,
    affordable: Money | None = None,
    paydays_from: date | None = None,
    rank: Ranking = "time",
) -> tuple[Offer, ...]:
    """List the proposals that may be made on `on`, best first by `rank`; a settlement, which gives something up, last.

    There are at least two different ones wherever the limits allow two instalments (a balance under two minimum
    instalments can only be paid in full). `affordable` is what the debtor can pay per month, from `paydays_from` on.

    >>> limits = SettlementLimits(
    ...     authorities=[Authority(role="collector", instalments_max=6, days_max=250, deferral_days_max=90)]
    ... )
    >>> found = offers(account_id="A", balance=Money(90000, "EUR"), covers=["I-1"], on=date(2026, 3, 2), limits=limits)
    >>> for offer in found:
    ...     print(offer.in_words())
    900.00 EUR in one payment by 2026-03-16
    3 instalments of 300.00 EUR from 2026-04-02 to 2026-06-02
    3 instalments of 300.00 EUR from 2026-05-31 to 2026-07-31
    6 instalments of 150.00 EUR from 2026-04-02 to 2026-09-02

    Raises:
        InvalidTerms: `settlement.nothing_owed`, `settlement.unknown_role`, `settlement.rank`.
    """
    if rank not in _RANKS:
        raise InvalidTerms("settlement.rank", f"no ranking is called {rank!r}; choose from: {', '.join(_RANKS)}")
    maker = _maker(account_id, balance, covers, on, limits, role)
    found = [
        maker.in_full(),
        maker.split(),
        maker.deferred(),
        maker.long(),
        maker.personalised(affordable, paydays_from),
        maker.settlement(),
    ]
    distinct: dict[tuple[object, ...], Offer] = {}
    for offer in found:
        if offer is not None:
            terms = (offer.first_on, offer.ends_on, offer.recovered, offer.largest_payment, offer.settlement is None)
            distinct.setdefault(terms, offer)
    return tuple(sorted(distinct.values(), key=lambda offer: (offer.settlement is not None, *_RANKS[rank](offer))))


def answer(
    *,
    proposal: Proposal,
    account_id: str,
    balance: Money,
    covers: Sequence[str],
    on: date,
    limits: SettlementLimits,
    role: str | None = None,
) -> Offer | Counter:
    """Accept a counter-proposal as an offer, or refuse it with every broken limit and the nearest acceptable offer.

    >>> told = answer(
    ...     proposal=Proposal(instalments=24, first_on=date(2026, 4, 1)),
    ...     account_id="A",
    ...     balance=Money(90000, "EUR"),
    ...     covers=("I-1",),
    ...     on=date(2026, 3, 2),
    ...     limits=SettlementLimits(authorities=[Authority(role="collector", instalments_max=6, days_max=200)]),
    ... )
    >>> str(told.declined).split("; ")[0]
    '24 instalments are over the limit of 6 for collector'
    >>> told.nearest.in_words()
    '6 instalments of 150.00 EUR from 2026-04-01 to 2026-09-01'

    Raises:
        InvalidTerms: `settlement.nothing_owed`, `settlement.unknown_role`.
    """
    maker = _maker(account_id, balance, covers, on, limits, role)
    reasons = list(maker.against(proposal))
    if not reasons:
        offer = maker.from_proposal(proposal)
        if offer is not None:
            return offer
        reasons = [reason("too_small", f"instalments so small cannot carry the interest of {limits.rate}")]
    return Counter(declined=Declined(reasons=reasons), nearest=maker.nearest(proposal))


# -- details ---------------------------------------------------------------------------------------------------

_RANKS: Final[dict[str, Callable[[Offer], tuple[Any, ...]]]] = {
    "time": lambda offer: (offer.ends_on, offer.first_on),
    "recovery": lambda offer: (-offer.recovered.minor, offer.ends_on),
    "means": lambda offer: (offer.largest_payment.minor, offer.first_on.toordinal() * -1),
}


def _maker(
    account_id: str, balance: Money, covers: Sequence[str], on: date, limits: SettlementLimits, role: str | None
) -> Maker:
    if balance.minor <= 0:
        raise InvalidTerms("settlement.nothing_owed", "nothing is owed, so there is nothing to offer")
    return Maker(account_id, balance, tuple(covers), on, limits, limits.authority(role))
