"""Notices as files: e-mail into a maildir, every other channel as one line of JSON in a file of its own.

For trying things out, for printing houses and for hosts that pick files up. The same key never makes a second message
or line, also after a crash. File names are digests: nothing personal stands in them; the files themselves are
readable by their owner alone.

    out/mail/new/…          one file per e-mail
    out/sms.jsonl           one line per SMS; likewise letter, phone, …
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from collectkit.adapters.mail import check_key, compose, key_digest, single_address
from collectkit.core.decisions import Accepted, Rejected, SendResult, Unknown
from collectkit.core.errors import StoreUnavailable
from collectkit.core.records import Channel
from collectkit.ports import Notice

try:
    import fcntl
except ImportError:  # Windows: one process at a time
    fcntl = None  # type: ignore[assignment]  # the module is absent there, and asked for before it is used

__all__ = ["FileMessenger"]

_OWNER_ONLY: Final = 0o600
_MAILDIR: Final = ("tmp", "new", "cur")


class FileMessenger:
    """A `Messenger` that writes files under `folder`.

    Safe to share between threads and, where the system has `flock`, between processes. With `is_synced=False` the
    system decides when a file reaches the disk: faster, and a power cut may lose what was accepted.

    Raises:
        StoreUnavailable: the folder cannot be made.
        InvalidRecord: `contact.invalid` where `sender` is not one plain address.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        sender: str,
        sender_name: str = "",
        is_synced: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = Path(folder)
        self._mail = self._folder / "mail"
        self._sender, self._sender_name, self._clock = single_address(sender), sender_name, clock
        self._is_synced = is_synced
        self._lock = threading.Lock()
        self._read_to: dict[Path, int] = {}
        self._keys: dict[Path, set[str]] = {}
        try:
            for name in _MAILDIR:
                (self._mail / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as failure:
            raise StoreUnavailable(
                "store.unavailable", f"the folder {self._folder} cannot be made ({type(failure).__name__})"
            ) from None

    def send(self, notice: Notice, key: str) -> SendResult:
        """Write the notice unless its key was written before; see `Messenger.send`.

        Raises:
            InvalidRecord: `contact.invalid`.
            WordingError: `messenger.unsafe_header`, `messenger.unsafe_body`.
        """
        check_key(key)
        with self._lock:
            if Channel(notice.channel) is Channel.EMAIL:
                return self._to_maildir(notice, key)
            return self._to_lines(notice, key)

    # -- maildir -----------------------------------------------------------------------------------------------

    def _to_maildir(self, notice: Notice, key: str) -> SendResult:
        message = compose(notice, key, sender=self._sender, sender_name=self._sender_name, sent_at=self._clock())
        name = key_digest(key)
        if self._is_there(name):
            return Accepted(provider_id=name)
        started = self._mail / "tmp" / f"{name}.{os.getpid()}"
        try:
            with self._create(started) as file:
                file.write(message.as_bytes())
                self._sync(file)
        except OSError as failure:
            with suppress(OSError):
                started.unlink()
            return Rejected(code=f"file.{failure.errno}", is_permanent=False)
        try:
            started.replace(self._mail / "new" / name)  # whole or not at all; a twin of the same key falls on itself
            if self._is_synced:
                _sync_folder(self._mail / "new")
        except OSError as failure:
            return Unknown(code=f"file.{failure.errno}")
        return Accepted(provider_id=name)

    def _is_there(self, name: str) -> bool:
        if (self._mail / "new" / name).exists():
            return True
        # a mail reader moves what was seen to cur/ and adds flags after a colon
        return any(True for _ in (self._mail / "cur").glob(f"{name}*"))

    @contextmanager
    def _create(self, path: Path) -> Iterator[BinaryIO]:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            yield file

    # -- lines -------------------------------------------------------------------------------------------------

    def _to_lines(self, notice: Notice, key: str) -> SendResult:
        path = self._folder / f"{Channel(notice.channel).value}.jsonl"
        fields = {
            "key": key,
            "notice": notice.notice,
            "channel": Channel(notice.channel).value,
            "locale": notice.locale,
            "recipient": notice.recipient,
            "subject": notice.subject,
            "body": notice.body,
        }
        line = json.dumps(fields, sort_keys=True, ensure_ascii=True).encode("ascii") + b"\n"
        began = False
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
            with os.fdopen(descriptor, "r+b") as file, _exclusive(file):
                end = self._catch_up(path, file)
                if key in self._keys[path]:
                    return Accepted(provider_id=key_digest(key))
                file.seek(end)
                file.truncate()  # a line cut off by a crash was never acknowledged
                began = True
                file.write(line)
                self._sync(file)
        except OSError as failure:
            if began:
                return Unknown(code=f"file.{failure.errno}")
            return Rejected(code=f"file.{failure.errno}", is_permanent=False)
        return Accepted(provider_id=key_digest(key))

    def _sync(self, file: BinaryIO) -> None:
        file.flush()
        if self._is_synced:
            os.fsync(file.fileno())

    def _catch_up(self, path: Path, file: BinaryIO) -> int:
        """Read the keys of whole lines written since the last look; return where they end."""
        end = self._read_to.get(path, 0)
        keys = self._keys.setdefault(path, set())
        if os.fstat(file.fileno()).st_size < end:  # someone took the file away and a new one began
            end = 0
            keys.clear()
        file.seek(end)
        for line in file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            with suppress(ValueError, KeyError, TypeError):  # a line that is not ours says nothing about our keys
                keys.add(json.loads(line)["key"])
        self._read_to[path] = end
        return end


@contextmanager
def _exclusive(file: BinaryIO) -> Iterator[None]:
    """Keep other processes out while a line is added; closing the file lets them in again."""
    if fcntl is not None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    yield


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
