"""E-mail through an SMTP server with the standard library: one connection and one recipient per notice.

What went wrong before the message was handed over is a temporary refusal; from the first byte of it on, a timeout or a
lost connection is `Unknown`, because the server may have taken it. It keeps no queue: the outbox is the queue.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal

from collectkit.adapters.mail import compose, key_digest, single_address
from collectkit.core.decisions import Accepted, Rejected, SendResult, Unknown
from collectkit.core.errors import WordingError
from collectkit.core.records import Channel
from collectkit.ports import Notice

__all__ = ["SmtpMessenger", "classify_reply"]

Security = Literal["tls", "starttls", "none"]

# RFC 5321 4.2 and RFC 3463 3.2, 3.3: replies that say the address itself is dead. Every other refusal is temporary:
# one about our login, our reputation, size or load must not end the use of a debtor's address.
_DEAD_ADDRESS: Final = frozenset({521, 550, 551, 553, 556})
_ENHANCED: Final = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b", re.ASCII)


def classify_reply(code: int, text: str = "") -> Rejected:
    """Say whether a server's refusal is permanent; total over every code, and temporary unless the address is at fault.

    >>> classify_reply(550, "5.1.1 no such user").is_permanent, classify_reply(550, "5.7.1 blocked").is_permanent
    (True, False)
    >>> classify_reply(452).is_permanent, classify_reply(-1).is_permanent
    (False, False)
    """
    is_permanent = code in _DEAD_ADDRESS
    enhanced = _ENHANCED.match(text)
    if is_permanent and enhanced is not None:
        level, subject, detail = enhanced.groups()
        # X.1.* is the address and X.2.* the mailbox, but a full mailbox (X.2.2) may be emptied
        is_permanent = level == "5" and (subject == "1" or (subject == "2" and detail != "2"))
    return Rejected(code=f"smtp.{code}", is_permanent=is_permanent)


class SmtpMessenger:
    """A `Messenger` that hands notices to one SMTP server.

    `security` is "tls" (from the first byte, usually port 465), "starttls" (usually 587) or "none" (a relay on the
    same machine). A name and password are never sent without encryption.

    Raises:
        InvalidRecord: `contact.invalid` where `sender` is not one plain address.
        WordingError: `messenger.insecure_login`.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        security: Security,
        sender_name: str = "",
        username: str = "",
        password: str = "",
        timeout_seconds: float = 30.0,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if username and security == "none":
            raise WordingError(
                "messenger.insecure_login", "a password would travel in the clear; use security='tls' or 'starttls'"
            )
        self._host, self._port, self._security = host, port, security
        self._sender, self._sender_name = single_address(sender), sender_name
        self._username, self._password = username, password
        self._timeout_seconds, self._tls, self._clock = timeout_seconds, tls, clock

    def __repr__(self) -> str:
        return f"SmtpMessenger(host={self._host!r}, port={self._port}, security={self._security!r})"

    def send(self, notice: Notice, key: str) -> SendResult:
        """Hand one e-mail over; see `Messenger.send`.

        Raises:
            InvalidRecord: `contact.invalid`.
            WordingError: `messenger.unsafe_header`, `messenger.unsafe_body`, `messenger.channel`.
        """
        if Channel(notice.channel) is not Channel.EMAIL:
            raise WordingError("messenger.channel", f"SMTP carries e-mail, not {notice.channel}; route it elsewhere")
        message = compose(notice, key, sender=self._sender, sender_name=self._sender_name, sent_at=self._clock())
        data, recipient = message.as_bytes(), single_address(notice.recipient)
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as failure:
            return _before_handing_over(failure)
        try:
            return self._hand_over(server, recipient, data, key)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        context = self._tls or ssl.create_default_context()
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_seconds, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_seconds)
        try:
            server.ehlo_or_helo_if_needed()
            if self._security == "starttls":
                server.starttls(context=context)
            if self._username:
                server.login(self._username, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(self, server: smtplib.SMTP, recipient: str, data: bytes, key: str) -> SendResult:
        try:
            for code, text in (server.mail(self._sender), server.rcpt(recipient)):
                if not 200 <= code < 300:
                    return classify_reply(code, text.decode("ascii", "replace"))
        except (OSError, smtplib.SMTPException) as failure:
            return _before_handing_over(failure)
        try:
            code, text = server.data(data)
        except smtplib.SMTPDataError as refused:  # the server did not want to begin
            return classify_reply(refused.smtp_code, _ascii(refused.smtp_error))
        except (OSError, smtplib.SMTPException) as failure:
            return Unknown(code="smtp.timeout" if _is_timeout(failure) else "smtp.lost")
        if 200 <= code < 300:
            return Accepted(provider_id=key_digest(key))
        if code < 400:
            return Unknown(code=f"smtp.{code}")
        return classify_reply(code, text.decode("ascii", "replace"))


def _before_handing_over(failure: Exception) -> Rejected:
    """Nothing of the message left us, so it is refused for now, whatever the reason."""
    if isinstance(failure, smtplib.SMTPResponseException):
        return Rejected(code=f"smtp.{failure.smtp_code}", is_permanent=False)
    return Rejected(code="smtp.timeout" if _is_timeout(failure) else "smtp.connect", is_permanent=False)


def _is_timeout(failure: BaseException) -> bool:
    # smtplib tells a timeout while reading a reply as a lost connection
    return isinstance(failure, TimeoutError) or isinstance(failure.__context__, TimeoutError)


def _ascii(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("ascii", "replace")
