"""What a run answers: how much was stored, decided and delivered, and what went wrong without holding up the rest."""

from __future__ import annotations

from datetime import date

import attrs

from collectkit.core.checks import as_tuple

__all__ = ["Changed", "Collected", "Delivered", "Recorded", "Refused", "Troubled"]


@attrs.frozen(kw_only=True)
class Troubled:
    """An account that could not be decided about or written to: its id and the error's code and text. The others go on."""

    account_id: str
    code: str
    text: str


@attrs.frozen(kw_only=True)
class Collected:
    """What one day's decisions came to; an account in trouble is named once, however often it was tried."""

    as_of: date
    looked: int = 0
    committed: int = 0
    charges: int = 0
    notices: int = 0
    other_commands: int = 0
    cured: int = 0
    troubled: tuple[Troubled, ...] = attrs.field(default=(), converter=as_tuple)

    def __add__(self, other: Collected) -> Collected:
        """Add up two passes of one day."""
        names = ("looked", "committed", "charges", "notices", "other_commands", "cured")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return attrs.evolve(self, **sums, troubled=_once(self.troubled, other.troubled))


@attrs.frozen(kw_only=True)
class Delivered:
    """What became of the outbox rows that were taken up."""

    sent: int = 0
    bounced: int = 0
    suppressed: int = 0
    deferred: int = 0
    retried: int = 0
    given_up: int = 0
    handed_over: int = 0
    """Commands other than notices, given to the host, and rows whose outcome was stored before."""
    troubled: tuple[Troubled, ...] = attrs.field(default=(), converter=as_tuple)
    """Accounts whose row could not be carried out and is tried again later."""

    @property
    def handled(self) -> int:
        """Return how many rows were taken up in all."""
        return int(sum(getattr(self, name) for name in _COUNTS)) + len(self.troubled)

    def __add__(self, other: Delivered) -> Delivered:
        """Add up two passes."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return Delivered(**sums, troubled=_once(self.troubled, other.troubled))


_COUNTS = tuple(one.name for one in attrs.fields(Delivered) if one.name != "troubled")


@attrs.frozen(kw_only=True)
class Changed:
    """An imported fact whose id is stored already with other content; the stored one stands."""

    account_id: str
    event_id: str


@attrs.frozen(kw_only=True)
class Refused:
    """An imported fact that was not stored, because the account's history could not be read with it; why, and the code."""

    account_id: str
    event_id: str
    code: str
    text: str


@attrs.frozen(kw_only=True)
class Recorded:
    """What an import stored: new facts, facts that were there already, those that contradict what is stored, those refused."""

    accounts: int = 0
    events: int = 0
    known: int = 0
    changed: tuple[Changed, ...] = attrs.field(default=(), converter=as_tuple)
    refused: tuple[Refused, ...] = attrs.field(default=(), converter=as_tuple)

    def __add__(self, other: Recorded) -> Recorded:
        """Add up two pages."""
        return Recorded(
            accounts=self.accounts + other.accounts,
            events=self.events + other.events,
            known=self.known + other.known,
            changed=(*self.changed, *other.changed),
            refused=(*self.refused, *other.refused),
        )


def _once(first: tuple[Troubled, ...], second: tuple[Troubled, ...]) -> tuple[Troubled, ...]:
    return tuple(dict.fromkeys((*first, *second)))
