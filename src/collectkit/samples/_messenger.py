"""A messenger for the sample run: what bounces in the sample ledger bounces, and a few sends end in a timeout."""

from __future__ import annotations

import hashlib
from typing import Final

from collectkit.core.checks import require_int
from collectkit.core.decisions import Rejected, SendResult, Unknown
from collectkit.core.errors import InvalidRecord
from collectkit.ports import Messenger, Notice
from collectkit.samples._people import BOUNCE_DOMAIN

RETURNED_MAIL: Final = "Unknown Addressee"
"""A letter to an address that begins like this comes back."""


class SampleMessenger:
    """Pass notices on to `inner`, but refuse dead addresses and time out now and then, by the notice's key.

    A notice to the sample's dead addresses is refused for good. Of the others about one in `timeout_in` has its first
    try end in `Unknown`; of these, every second one did reach `inner` before the answer was lost, so that the same
    key arrives twice there. Which ones follows from the key alone. 0 switches timeouts off.

    >>> class Nowhere:
    ...     def send(self, notice, key):
    ...         return "sent"
    >>> letter = Notice(notice="friendly", channel="email", locale="en", recipient="debtor-0001@bounce.invalid")
    >>> SampleMessenger(Nowhere()).send(letter, "notice:A-0001:0:reminder:0:email:1")
    Rejected(code='mailbox_unknown', is_permanent=True)
    """

    def __init__(self, inner: Messenger, *, timeout_in: int = 40) -> None:
        self._inner = inner
        self._timeout_in = require_int(
            timeout_in, "timeout_in", at_least=0, at_most=1_000_000, code="samples.timeout_in", error=InvalidRecord
        )
        self._tried: set[str] = set()

    def send(self, notice: Notice, key: str) -> SendResult:
        """Answer for a dead address or a lost connection, else as `inner` does."""
        if notice.recipient.endswith(f"@{BOUNCE_DOMAIN}"):
            return Rejected(code="mailbox_unknown", is_permanent=True)
        if notice.recipient.startswith(RETURNED_MAIL):
            return Rejected(code="returned_to_sender", is_permanent=True)
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
        if self._timeout_in > 0 and number % self._timeout_in == 0 and key not in self._tried:
            self._tried.add(key)
            if number // self._timeout_in % 2 == 0:
                self._inner.send(notice, key)
            return Unknown(code="timeout")
        return self._inner.send(notice, key)
