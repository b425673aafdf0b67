"""Every named property of a messenger, on SMTP against a provider of our own and on files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectkit.testing.conformance import MESSENGER_PROPERTIES, MessengerKit, NotShown
from conformance_kits.mail import LinesKit, MaildirKit, SmtpKit


@pytest.fixture(params=["smtp", "maildir", "lines"])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MessengerKit]:
    if request.param != "smtp":
        yield MaildirKit(tmp_path) if request.param == "maildir" else LinesKit(tmp_path)
        return
    smtp = SmtpKit()
    yield smtp
    smtp.server.stop()


@pytest.mark.parametrize("name", MESSENGER_PROPERTIES)
def test_messenger(name: str, kit: MessengerKit) -> None:
    if isinstance(kit, LinesKit) and name.startswith(("m4", "m5")):
        pytest.skip("a line of JSON has no headers, and its recipient is no e-mail address")
    try:
        MESSENGER_PROPERTIES[name](kit)
    except NotShown as reason:
        pytest.skip(f"{type(kit).__name__}: {reason}")
