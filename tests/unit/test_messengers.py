"""What the messengers that come with collectkit do beyond the named properties."""

from __future__ import annotations

import email
import json
import os
import stat
from email.policy import default
from pathlib import Path

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from collectkit.adapters.mail import KEY_HEADER, compose, single_address
from collectkit.adapters.maildir import FileMessenger
from collectkit.adapters.router import ChannelMessenger
from collectkit.adapters.smtp import SmtpMessenger, classify_reply
from collectkit.core.decisions import Accepted, Rejected, Unknown
from collectkit.core.errors import CollectkitError, InvalidRecord, StoreUnavailable, WordingError
from collectkit.core.records import Channel
from collectkit.testing.fakes import FaultyMessenger, RecordingMessenger
from collectkit.testing.messenger_properties import LETTER
from conformance_kits.mail import NOW, SmtpServer

SENDER = "billing@creditor.example"


@pytest.fixture
def server():
    running = SmtpServer()
    yield running
    running.stop()


def smtp(server: SmtpServer, **more) -> SmtpMessenger:
    settings = {"host": "127.0.0.1", "port": server.port, "sender": SENDER, "security": "none", "timeout_seconds": 0.4}
    return SmtpMessenger(**{**settings, "clock": lambda: NOW, **more})


def test_a_message_says_who_when_and_what(server):
    sent = smtp(server, sender_name="Müller & Co, Billing").send(LETTER, "k-1")
    message = email.message_from_bytes(server.messages[0], policy=default)
    assert isinstance(sent, Accepted)
    assert message["To"].addresses[0].addr_spec == LETTER.recipient
    assert message["From"].addresses[0].display_name == "Müller & Co, Billing"
    assert message["Subject"] == LETTER.subject
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == f"<{sent.provider_id}@creditor.example>"
    assert message["Content-Language"] == "de-DE"
    assert message.get_body(("plain",)).get_content().splitlines() == LETTER.body.splitlines()
    assert message.get_body(("html",)).get_content().strip() == LETTER.body_html
    assert len(server.recipients) == 1


def test_a_long_key_is_one_unfolded_line():
    message = compose(LETTER, "k" * 255, sender=SENDER, sent_at=NOW).as_bytes()
    assert b"\r\n" + KEY_HEADER.encode() + b": " + b"k" * 255 + b"\r\n" in message


def test_a_body_line_of_one_dot_does_not_end_the_message(server):
    smtp(server).send(attrs.evolve(LETTER, body="one\n.\ntwo\n", body_html=None), "k-1")
    message = email.message_from_bytes(server.messages[0], policy=default)
    assert message.get_content().splitlines() == ["one", ".", "two"]


def test_silence_after_the_message_is_unknown(server):
    server.is_mute = True
    assert smtp(server).send(LETTER, "k-1") == Unknown(code="smtp.timeout")


def test_silence_before_the_message_is_a_temporary_refusal(server):
    server.greeting = ""
    assert smtp(server).send(LETTER, "k-1") == Rejected(code="smtp.timeout", is_permanent=False)


def test_no_server_is_a_temporary_refusal(server):
    server.stop()
    assert smtp(server).send(LETTER, "k-1") == Rejected(code="smtp.connect", is_permanent=False)


@pytest.mark.parametrize(
    ("place", "reply", "code", "is_permanent"),
    [
        ("RCPT", "550 5.1.1 unknown", "smtp.550", True),
        ("MAIL", "452 4.3.1 too much", "smtp.452", False),
        ("DATA", "451 4.7.1 greylisted", "smtp.451", False),
        ("BODY", "554 5.6.0 no", "smtp.554", False),
        ("BODY", "550 5.1.1 no", "smtp.550", True),
    ],
)
def test_a_refusal_keeps_its_code(server, place, reply, code, is_permanent):
    server.replies[place] = reply
    assert smtp(server).send(LETTER, "k-1") == Rejected(code=code, is_permanent=is_permanent)


def test_a_strange_answer_to_the_message_is_unknown(server):
    server.replies["BODY"] = "399 perhaps"
    assert smtp(server).send(LETTER, "k-1") == Unknown(code="smtp.399")


def test_a_refused_greeting_is_temporary(server):
    server.greeting = "554 5.7.1 your address is listed"
    assert smtp(server).send(LETTER, "k-1") == Rejected(code="smtp.554", is_permanent=False)


def test_encryption_that_the_server_lacks_is_a_temporary_refusal(server):
    assert smtp(server, security="starttls").send(LETTER, "k-1").is_permanent is False
    assert smtp(server, security="tls").send(LETTER, "k-1").is_permanent is False
    assert server.messages == []


def test_a_password_never_travels_in_the_clear(server):
    with pytest.raises(WordingError) as refused:
        smtp(server, username="u", password="p-canary")
    assert refused.value.code == "messenger.insecure_login"
    assert "canary" not in repr(smtp(server, security="tls", username="u", password="p-canary"))


def test_smtp_carries_no_sms(server):
    with pytest.raises(WordingError) as refused:
        smtp(server).send(attrs.evolve(LETTER, channel=Channel.SMS), "k")
    assert refused.value.code == "messenger.channel"


@given(st.integers(), st.text(max_size=30))
def test_every_reply_of_a_server_is_classified(code, text):
    assert classify_reply(code, text).is_permanent in (True, False)


@given(st.integers().filter(lambda code: not 500 <= code < 600))
def test_only_a_final_refusal_is_permanent(code):
    assert not classify_reply(code).is_permanent


@given(st.text())
def test_any_text_is_one_address_or_refused(text):
    try:
        address = single_address(text)
    except InvalidRecord as refused:
        event(refused.code)
    else:
        assert address.isascii()
        assert address.count("@") == 1
        assert not set(address) & set(' ,;<>\r\n"()[]:')


@given(st.text(), st.text(), st.text(), st.text())
def test_any_notice_is_composed_or_refused_with_a_declared_error(subject, body, html, key):
    try:
        raw = compose(
            attrs.evolve(LETTER, subject=subject, body=body, body_html=html), key, sender=SENDER, sent_at=NOW
        ).as_bytes()
    except CollectkitError as refused:
        event(refused.code)
    else:
        head = email.message_from_bytes(raw, policy=default)
        assert sorted(set(head.keys())) == sorted(
            {
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                KEY_HEADER,
                "Content-Language",
                "Content-Type",
                "MIME-Version",
            }
        )


# -- files ---------------------------------------------------------------------------------------------------------


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_same_key_never_makes_two_files(tmp_path):
    for _ in range(3):
        messenger = FileMessenger(tmp_path, sender=SENDER)
        assert isinstance(messenger.send(LETTER, "k-1"), Accepted)
    assert len(files(tmp_path)) == 1


def test_a_message_that_was_read_is_not_written_again(tmp_path):
    messenger = FileMessenger(tmp_path, sender=SENDER)
    messenger.send(LETTER, "k-1")
    (only,) = files(tmp_path)
    only.rename(tmp_path / "mail" / "cur" / f"{only.name}:2,S")
    messenger.send(LETTER, "k-1")
    assert len(files(tmp_path)) == 1


def test_the_same_key_never_makes_two_lines(tmp_path):
    text = attrs.evolve(LETTER, channel=Channel.SMS, recipient="+49 170 0000000")
    for _ in range(3):
        messenger = FileMessenger(tmp_path, sender=SENDER)
        for key in ("k-1", "k-2", "k-1"):
            assert isinstance(messenger.send(text, key), Accepted)
    lines = [json.loads(line) for line in (tmp_path / "sms.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == ["k-1", "k-2"]
    assert lines[0]["recipient"] == text.recipient


def test_a_line_cut_off_by_a_crash_is_written_anew(tmp_path):
    text = attrs.evolve(LETTER, channel=Channel.LETTER)
    FileMessenger(tmp_path, sender=SENDER).send(text, "k-1")
    path = tmp_path / "letter.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    FileMessenger(tmp_path, sender=SENDER).send(text, "k-2")
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["k-1", "k-2"]


def test_lines_taken_away_by_the_host_begin_anew(tmp_path):
    text = attrs.evolve(LETTER, channel=Channel.PHONE)
    messenger = FileMessenger(tmp_path, sender=SENDER)
    messenger.send(text, "k-1")
    (tmp_path / "phone.jsonl").unlink()
    messenger.send(text, "k-2")
    assert len((tmp_path / "phone.jsonl").read_text().splitlines()) == 1


def test_file_names_hold_nothing_personal_and_only_the_owner_reads_them(tmp_path):
    messenger = FileMessenger(tmp_path, sender=SENDER)
    messenger.send(attrs.evolve(LETTER, recipient="canary@host.example", subject="canary"), "canary-key")
    messenger.send(attrs.evolve(LETTER, channel=Channel.SMS, recipient="canary"), "canary-key")
    for path in files(tmp_path):
        assert "canary" not in str(path.relative_to(tmp_path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_syncing_the_same_files_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _descriptor: pytest.fail("synced"))
    messenger = FileMessenger(tmp_path, sender=SENDER, is_synced=False)
    assert isinstance(messenger.send(LETTER, "k-1"), Accepted)
    assert isinstance(messenger.send(attrs.evolve(LETTER, channel=Channel.SMS), "k-1"), Accepted)
    assert len(files(tmp_path)) == 2


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreUnavailable):
        FileMessenger(tmp_path / "taken" / "out", sender=SENDER)


def test_a_full_disk_refuses_for_now_and_leaves_no_file(tmp_path, monkeypatch):
    messenger = FileMessenger(tmp_path, sender=SENDER)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert messenger.send(LETTER, "k-1") == Rejected(code="file.28", is_permanent=False)
    assert files(tmp_path) == []
    assert messenger.send(attrs.evolve(LETTER, channel=Channel.SMS), "k-1") == Unknown(code="file.28")


# -- several at once, and fakes ------------------------------------------------------------------------------------


def test_each_channel_goes_its_own_way():
    mail, rest = RecordingMessenger(), RecordingMessenger()
    both = ChannelMessenger({Channel.EMAIL: mail}, otherwise=rest)
    both.send(LETTER, "k-1")
    both.send(attrs.evolve(LETTER, channel=Channel.SMS), "k-2")
    assert ([one.key for one in mail.calls], [one.key for one in rest.calls]) == (["k-1"], ["k-2"])


def test_a_channel_without_a_way_is_refused_for_now():
    assert ChannelMessenger({}).send(LETTER, "k") == Rejected(code="messenger.no_route", is_permanent=False)


def test_a_seed_replays_the_same_faults():
    def run(seed):
        inner = RecordingMessenger()
        faulty = FaultyMessenger(inner, seed=seed)
        return [faulty.send(LETTER, f"k-{n}") for n in range(50)], len(inner.delivered)

    assert run(7) == run(7)
    assert {type(answer) for answer in run(7)[0]} == {Accepted, Rejected, Unknown}


def test_a_fake_answers_in_turn_and_the_last_answer_for_ever():
    fake = RecordingMessenger([Unknown(code="x"), Rejected(code="y", is_permanent=True)])
    assert [type(fake.send(LETTER, "k")).__name__ for _ in range(3)] == ["Unknown", "Rejected", "Rejected"]
    assert fake.delivered == {}
