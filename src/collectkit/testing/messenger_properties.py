"""The named properties of a messenger, M1 to M5 of the laws, each a function of a kit with a provider behind it."""

from __future__ import annotations

import io
import logging
import traceback
import warnings

import attrs

from collectkit.core.decisions import Accepted, Rejected, Unknown
from collectkit.core.errors import CollectkitError
from collectkit.core.records import Channel
from collectkit.ports import Notice
from collectkit.testing.kits import MessengerKit, must

__all__ = [
    "m1_key_passed_through",
    "m2_timeout_is_unknown_never_accepted",
    "m3_permanent_vs_temporary_classified",
    "m4_headers_and_addresses_reject_controls",
    "m5_no_pii_in_errors_or_logs",
]

LETTER = Notice(
    notice="friendly",
    channel=Channel.EMAIL,
    locale="de_DE",
    recipient="debtor@host.example",
    subject="Rechnung 山 €",
    body="Guten Tag,\nbitte zahlen Sie.\n",
    body_html="<p>Guten Tag</p>",
)
_CONTROLS = ("\r", "\n", "\r\nBcc: evil@host.example", "\x85", "\u2028", "\u2029", "\x00", "\x1b", "\x7f")
_BAD_ADDRESSES = (
    "",
    "nobody",
    "a@host.example, evil@host.example",
    "a@host.example;evil@host.example",
    "a@host.example evil@host.example",
    "Evil <evil@host.example>",
    "a@b@host.example",
    "@host.example",
    "a@",
    "a@host",
    "a@-host.example",
    "a..b@host.example",
    "a@host.example\x00",
    "x" * 65 + "@host.example",
    "a@" + "h" * 64 + ".example",
    "a@" + "h." * 130 + "example",
)
_CANARY = "CANARY7f3a"


def m1_key_passed_through(kit: MessengerKit) -> None:
    """The provider receives the given key unchanged on every attempt, and once with the same key is one message."""
    messenger = kit.open()
    keys = ["notice:A-1:0:reminder:0:email:1", "K" * 255, "a%3Ab: c~", "fee:Ä山", "k" * 60 + ":" + "1" * 100]
    for key in keys:
        for _ in range(2):
            must(isinstance(messenger.send(LETTER, key), Accepted), "a good notice was not accepted")
    must(sorted(set(kit.received())) == sorted(keys), "the provider saw other keys than were given")


def m2_timeout_is_unknown_never_accepted(kit: MessengerKit) -> None:
    """A timeout or lost connection after sending began is Unknown, and the same key may be sent again."""
    messenger = kit.open()
    with kit.answer_lost():
        result = messenger.send(LETTER, "k-1")
    must(isinstance(result, Unknown), f"a lost answer gave {result}")
    must(isinstance(messenger.send(LETTER, "k-1"), Accepted), "the same key could not be sent again")


def m3_permanent_vs_temporary_classified(kit: MessengerKit) -> None:
    """Every refusal of the provider is permanent or temporary; temporary is the default."""
    for code, text, is_permanent in (
        (550, "5.1.1 no such user", True),
        (550, "", True),
        (553, "5.1.3 bad address", True),
        (550, "5.7.1 blocked by policy", False),
        (552, "5.2.2 mailbox full", False),
        (554, "transaction failed", False),
        (421, "4.3.2 shutting down", False),
        (450, "4.2.1 try later", False),
        (451, "", False),
        (599, "never heard of", False),
    ):
        result = kit.send_with(code, text)
        must(isinstance(result, Rejected) and result.is_permanent is is_permanent, f"{code} {text}: {result}")


def m4_headers_and_addresses_reject_controls(kit: MessengerKit) -> None:
    """CR, LF, NEL, U+2028 or NUL in a header, or anything but one address, is refused before any I/O."""
    messenger = kit.open()
    touched = kit.touched()
    bad = [(attrs.evolve(LETTER, subject=f"Dear{control}x"), "k", "messenger.unsafe_header") for control in _CONTROLS]
    bad += [(LETTER, f"k{control}x", "messenger.unsafe_header") for control in _CONTROLS]
    bad += [
        (attrs.evolve(LETTER, recipient=f"a{control}@host.example"), "k", "contact.invalid") for control in _CONTROLS
    ]
    bad += [(attrs.evolve(LETTER, recipient=address), "k", "contact.invalid") for address in _BAD_ADDRESSES]
    bad += [(LETTER, "", "messenger.unsafe_header"), (LETTER, "k" * 256, "messenger.unsafe_header")]
    for notice, key, code in bad:
        try:
            result = messenger.send(notice, key)
        except CollectkitError as error:
            must(error.code == code, f"{error.code} where {code} was due")
        else:
            must(False, f"an unsafe notice gave {result} where {code} was due")
    must(kit.touched() == touched, "the provider was touched before an unsafe notice was refused")


def m5_no_pii_in_errors_or_logs(kit: MessengerKit) -> None:
    """No personal field appears in an exception, repr, log, warning or answer."""
    personal = Notice(
        notice="friendly",
        channel=Channel.EMAIL,
        locale="en",
        recipient=f"{_CANARY}@host.example",
        subject=f"Dear {_CANARY}",
        body=f"Dear {_CANARY}",
        body_html=f"<p>{_CANARY}</p>",
    )
    messenger = kit.open()
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            said.write(f"{personal!r} {messenger!r} {messenger.send(personal, 'k-1')!r}")
            for spoilt in (
                attrs.evolve(personal, subject=f"{_CANARY}\n"),
                attrs.evolve(personal, recipient=f"{_CANARY}"),
                attrs.evolve(personal, recipient=f"{_CANARY}@host.example,{_CANARY}@x.example"),
                attrs.evolve(personal, body=f"{_CANARY}\x00"),
                attrs.evolve(personal, subject=f"{_CANARY}\ud800"),
            ):
                try:
                    said.write(repr(messenger.send(spoilt, "k-2")))
                except CollectkitError as error:
                    told = "".join(traceback.format_exception_only(error))
                    said.write(f"{error!r} {error} {error.args} {error.facts} {error.__cause__!r} {told}")
        said.write(" ".join(str(one.message) for one in warned))
    finally:
        logging.getLogger().removeHandler(handler)
    must(_CANARY not in said.getvalue(), "a personal field was told on")
    must(not any(_CANARY in key for key in kit.received()), "a personal field stands in a key")
