"""One notice as one e-mail to one validated address, refused before any I/O where it could do harm.

A comma in an address would add a recipient, and a line break in a subject a header; both are refused here. Nothing is
sent from here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Final

from collectkit.core.errors import InvalidRecord, WordingError
from collectkit.ports import Notice

__all__ = ["KEY_HEADER", "check_key", "check_text", "compose", "key_digest", "single_address"]

KEY_HEADER: Final = "X-Collectkit-Key"
_POLICY: Final[EmailPolicy[EmailMessage]] = SMTP.clone(max_line_length=900)  # a key of 255 characters is never folded
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_MAX_ADDRESS: Final = 254  # RFC 5321, 4.5.3.1
_MAX_LOCAL: Final = 64
_MAX_SUBJECT: Final = 900


def single_address(text: str) -> str:
    """Return `text` where it is exactly one plain e-mail address; a name in it becomes ASCII by IDNA.

    >>> single_address("ana@bücher.example")
    'ana@xn--bcher-kva.example'

    Raises:
        InvalidRecord: `contact.invalid`; the text is not repeated.
    """
    local, _, domain = text.rpartition("@")
    try:
        labels = domain.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        labels = []
    good = (
        len(text) <= _MAX_ADDRESS
        and len(local) <= _MAX_LOCAL
        and _LOCAL.fullmatch(local) is not None
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
    )
    if not good:
        raise InvalidRecord(
            "contact.invalid", "the recipient is not one plain e-mail address such as name@host.example; correct it"
        )
    return f"{local}@{'.'.join(labels)}"


def check_text(text: str, what: str, *, most: int) -> str:
    """Return a text for one header line, or refuse one that holds a control character, a line break or too much.

    Raises:
        WordingError: `messenger.unsafe_header`; the text is not repeated.
    """
    # Cc holds CR, LF, NUL and NEL; Zl and Zp are U+2028 and U+2029; Cs cannot be encoded
    if len(text) > most or any(unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"} for character in text):
        raise WordingError(
            "messenger.unsafe_header",
            f"the {what} is longer than {most} characters or holds a line break or control character; take it out",
        )
    return text


def check_key(key: str) -> str:
    """Return a key that a provider can take unchanged: 1 to 255 characters on one line.

    Raises:
        WordingError: `messenger.unsafe_header`.
    """
    if not key:
        raise WordingError("messenger.unsafe_header", "the key is empty; pass the key of the command")
    return check_text(key, "key", most=255)


def key_digest(key: str) -> str:
    """Return a name for a key that is safe in file names and message ids and says nothing by itself."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def compose(notice: Notice, key: str, *, sender: str, sent_at: datetime, sender_name: str = "") -> EmailMessage:
    """Return the message; the key stands unchanged in `X-Collectkit-Key`, and the Message-ID follows from it.

    Raises:
        InvalidRecord: `contact.invalid` where the recipient or sender is not one plain address.
        WordingError: `messenger.unsafe_header`, `messenger.unsafe_body`.
    """
    sender = single_address(sender)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(check_text(sender_name, "sender's name", most=200), addr_spec=sender)
    message["To"] = Address(addr_spec=single_address(notice.recipient))
    message["Subject"] = check_text(notice.subject, "subject", most=_MAX_SUBJECT)
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = f"<{key_digest(key)}@{sender.rpartition('@')[2]}>"
    message[KEY_HEADER] = check_key(key)
    language = check_text(notice.locale.replace("_", "-"), "locale", most=35)
    for body in (notice.body, notice.body_html or ""):
        if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t" for character in body):
            raise WordingError("messenger.unsafe_body", "the body holds a control character; take it out")
    message.set_content(notice.body)
    if notice.body_html is not None:
        message.add_alternative(notice.body_html, subtype="html")
        message.set_boundary(f"=_{key_digest(key)}")  # the same notice gives the same bytes
    if language:
        message["Content-Language"] = language
    return message
