"""A provider of a few lines that speaks SMTP, and kits for the messengers that come with collectkit."""

from __future__ import annotations

import email
import json
import mailbox
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path

import attrs

from collectkit.adapters.maildir import FileMessenger
from collectkit.adapters.router import ChannelMessenger
from collectkit.adapters.smtp import SmtpMessenger
from collectkit.core.decisions import SendResult
from collectkit.core.records import Channel
from collectkit.ports import Messenger
from collectkit.testing.conformance import MessengerKit
from collectkit.testing.messenger_properties import LETTER

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)


class _Talk(socketserver.StreamRequestHandler):
    server: SmtpServer

    def say(self, text: str) -> None:
        self.wfile.write(text.encode("ascii") + b"\r\n")

    def handle(self) -> None:
        self.server.connections += 1
        if self.server.greeting:
            self.say(self.server.greeting)
        for raw in self.rfile:
            word = raw.strip().split(b" ")[0].upper().split(b":")[0]
            if word == b"DATA":
                self.say(self.server.replies.get("DATA", "354 go on"))
                if "DATA" in self.server.replies:
                    continue
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    lines.append(line[1:] if line.startswith(b"..") else line)
                self.server.messages.append(b"".join(lines))
                if self.server.is_mute:
                    self.server.released.wait(5)
                    return
                if self.server.hangs_up:
                    return
                self.say(self.server.replies.get("BODY", "250 taken"))
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                if word == b"RCPT":
                    self.server.recipients.append(raw.decode("ascii").strip())
                self.say(self.server.replies.get(word.decode("ascii"), "250 ok"))


class SmtpServer(socketserver.ThreadingTCPServer):
    """Takes mail on a free port of this machine, and misbehaves where a test tells it to."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.greeting = "220 test"
        self.replies: dict[str, str] = {}
        self.is_mute = self.hangs_up = False
        self.released = threading.Event()
        self.messages: list[bytes] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def stop(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


def keys_of(messages: list[bytes]) -> tuple[str, ...]:
    return tuple(str(email.message_from_bytes(one, policy=default)["X-Collectkit-Key"]) for one in messages)


class SmtpKit(MessengerKit):
    """The SMTP messenger with the provider above."""

    def __init__(self) -> None:
        self.server = SmtpServer()

    def open(self) -> Messenger:
        messenger = SmtpMessenger(
            host="127.0.0.1",
            port=self.server.port,
            sender="billing@creditor.example",
            security="none",
            timeout_seconds=1.0,
            clock=lambda: NOW,
        )
        return ChannelMessenger({Channel.EMAIL: messenger})

    def received(self) -> tuple[str, ...]:
        return keys_of(self.server.messages)

    def touched(self) -> int:
        return self.server.connections

    @contextmanager
    def answer_lost(self) -> Iterator[None]:
        self.server.hangs_up = True
        yield
        self.server.hangs_up = False

    @contextmanager
    def refusing(self, code: int, text: str = "") -> Iterator[None]:
        self.server.replies["RCPT"] = f"{code} {text}"
        yield
        del self.server.replies["RCPT"]

    def send_with(self, code: int, text: str) -> SendResult:
        with self.refusing(code, text):
            return self.open().send(LETTER, "k-1")


@attrs.define
class MaildirKit(MessengerKit):
    """The file messenger; its provider is a folder."""

    folder: Path

    def open(self) -> Messenger:
        return FileMessenger(self.folder, sender="billing@creditor.example", clock=lambda: NOW)

    def received(self) -> tuple[str, ...]:
        folder = mailbox.Maildir(self.folder / "mail", create=False)
        return keys_of([folder.get_bytes(name) for name in folder.iterkeys()])

    def touched(self) -> int:
        return sum(1 for path in self.folder.rglob("*") if path.is_file())


class LinesKit(MaildirKit):
    """The file messenger for a channel that is written as lines."""

    def open(self) -> Messenger:
        inner = super().open()

        class AsSms:
            def send(self, notice, key):  # type: ignore[no-untyped-def]  # as Messenger.send
                return inner.send(attrs.evolve(notice, channel=Channel.SMS), key)

        return AsSms()

    def received(self) -> tuple[str, ...]:
        path = self.folder / "sms.jsonl"
        return tuple(json.loads(line)["key"] for line in path.read_text(encoding="ascii").splitlines())
