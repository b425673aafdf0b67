"""The sample ledger: the same everywhere, made up throughout, and as varied as it says."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import attrs
import pytest

from collectkit.adapters.ledger import read_ledger, ready_map
from collectkit.core.calendars import add_months
from collectkit.core.decisions import Accepted, Rejected, SendResult, Unknown
from collectkit.core.errors import InvalidDate, InvalidRecord
from collectkit.core.records import Channel, DebtorKind
from collectkit.ports import Messenger, Notice
from collectkit.samples import (
    PROFILES,
    SAMPLE_START_ON,
    SampleAccount,
    SampleMessenger,
    sample_accounts,
    write_sample_ledger,
)

END_ON = add_months(SAMPLE_START_ON, 3)
SHA_256 = "fc3259544f6e89a6f7a2d5a75d5d58625a51d12e92b7c5d6d01d260b6d691265"


@pytest.fixture(scope="module")
def made() -> tuple[SampleAccount, ...]:
    return sample_accounts()


def of_profile(made: tuple[SampleAccount, ...], profile: str) -> list[SampleAccount]:
    return [one for one in made if one.profile == profile]


# --- the same everywhere ---


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def test_the_bundled_ledger_has_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    ledger = write_sample_ledger(tmp_path)
    assert len(ledger.accounts) == 400
    assert digest(tmp_path) == SHA_256, "the sample changed: say so in the changelog, then note the new digest here"


def test_writing_again_replaces_the_files_with_the_same_bytes(tmp_path: Path) -> None:
    first = write_sample_ledger(tmp_path, accounts=50)
    before = {path: path.read_bytes() for path in first.files}
    write_sample_ledger(tmp_path, accounts=50)
    assert {path: path.read_bytes() for path in first.files} == before


def test_chance_comes_from_the_seed_alone() -> None:
    random.seed(1)
    state = random.getstate()
    one = sample_accounts(accounts=30, seed=7)
    assert random.getstate() == state
    random.seed(2)
    assert sample_accounts(accounts=30, seed=7) == one
    assert sample_accounts(accounts=30, seed=8) != one


def test_the_first_of_many_accounts_are_those_of_few() -> None:
    assert sample_accounts(accounts=60)[:25] == sample_accounts(accounts=25)


def test_what_is_written_is_read_back_without_loss_or_complaint(tmp_path: Path) -> None:
    ledger = write_sample_ledger(tmp_path, accounts=120)
    read = read_ledger(tmp_path, ready_map("collectkit"))
    assert (read.rejected, read.warnings, read.unknown_columns) == ((), (), ())
    there = {one.account_id: one for one in read.accounts}
    assert sorted(there) == [one.account.account_id for one in ledger.accounts]
    tables = (
        "receivables",
        "payments",
        "credit_notes",
        "promises",
        "plans",
        "disputes",
        "holds",
        "approvals",
        "contact_points",
    )
    for one in ledger.accounts:
        other = there[one.account.account_id]
        assert other.account == one.account
        assert attrs.evolve(other.debtor, flags=one.debtor.flags) == one.debtor
        assert sorted(map(repr, other.flags)) == sorted(map(repr, one.debtor.flags))
        for table in tables:
            assert sorted(map(repr, getattr(other, table))) == sorted(map(repr, getattr(one, table))), table


# --- made up throughout ---


def test_every_mail_address_lies_under_a_reserved_domain(made: tuple[SampleAccount, ...]) -> None:
    mails = [point.address for one in made for point in one.contact_points if point.channel is Channel.EMAIL]
    assert {mail.rpartition("@")[2] for mail in mails} == {
        "example.com",
        "example.net",
        "example.org",
        "bounce.invalid",
    }
    assert len(set(mails)) == len(made)


def test_every_number_lies_in_a_range_kept_for_fiction(made: tuple[SampleAccount, ...]) -> None:
    kept = re.compile(r"\+493023125\d{3}|\+3363998\d{4}|\+447700900\d{3}|\+121255501\d{2}")
    numbers = [point.address for one in made for point in one.contact_points if point.channel is Channel.SMS]
    assert numbers
    assert [number for number in numbers if not kept.fullmatch(number)] == []


def test_every_name_holds_its_number_and_a_word_for_made_up(made: tuple[SampleAccount, ...]) -> None:
    words = ("Schuldner", "Débiteur", "Debtor", "Muster", "Beispiel", "Probe", "Exemple", "Modèle", "Example", "Sample")
    for index, one in enumerate(made, start=1):
        assert re.search(rf"\b0*{index}\b", one.debtor.name)
        assert any(word in one.debtor.name for word in words)


# --- as varied as it says ---


def test_every_kind_of_payer_comes_among_forty() -> None:
    assert {one.profile for one in sample_accounts(accounts=40)} == set(PROFILES)


def test_three_currencies_four_languages_and_zones_consumers_and_firms(made: tuple[SampleAccount, ...]) -> None:
    assert {row.amount_original.currency for one in made for row in one.receivables} == {"EUR", "GBP", "USD"}
    places = Counter((one.debtor.locale, one.debtor.zones[0]) for one in made)
    assert set(places) == {
        ("de_DE", "Europe/Berlin"),
        ("fr_FR", "Europe/Paris"),
        ("en_GB", "Europe/London"),
        ("en_US", "America/New_York"),
    }
    assert min(places.values()) > 90
    assert min(Counter(one.debtor.kind for one in made).values()) > 100
    assert any(len({row.amount_original.currency for row in one.receivables}) == 2 for one in made)
    assert any(len(one.debtor.zones) == 2 for one in made)


def test_every_fact_lies_in_the_year_that_the_sample_tells_of(made: tuple[SampleAccount, ...]) -> None:
    first = add_months(SAMPLE_START_ON, -9)
    for one in made:
        days = [row.issued_on for row in one.receivables] + [row.received_on for row in one.payments]
        days += [row.made_on for row in one.promises] + [row.agreed_on for row in one.plans]
        days += [row.raised_on for row in one.disputes] + [row.issued_on for row in one.credit_notes]
        assert first <= min(row.issued_on for row in one.receivables)
        assert max(days) < END_ON


def test_each_receivable_is_paid_at_most_once(made: tuple[SampleAccount, ...]) -> None:
    for one in made:
        owed = {row.receivable_id: row.amount_original.minor for row in one.receivables}
        given: Counter[str] = Counter()
        for payment in one.payments:
            if payment.returned_on is None and len(payment.receivable_ids) == 1:
                given[payment.receivable_ids[0]] += payment.amount.minor
        for note in one.credit_notes:
            if note.cancelled_on is None:
                given[note.receivable_ids[0]] += note.amount.minor
        assert all(given[name] <= owed[name] for name in given), one.account.account_id


def paid_between(one: SampleAccount, name: str, first: date, last: date) -> int:
    return sum(p.amount.minor for p in one.payments if name in p.receivable_ids and first <= p.received_on <= last)


@pytest.mark.parametrize(
    ("profile", "least", "most"), [("promise_kept", 100, 100), ("promise_partly_kept", 1, 99), ("promise_broken", 0, 0)]
)
def test_promises_are_kept_as_their_kind_says(
    made: tuple[SampleAccount, ...], profile: str, least: int, most: int
) -> None:
    for one in of_profile(made, profile):
        for promise in one.promises[:1]:
            if promise.due_on >= END_ON:
                continue
            paid = paid_between(one, promise.receivable_ids[0], promise.made_on, promise.due_on)
            assert least <= 100 * paid // promise.amount.minor <= most


def test_plans_are_kept_and_broken_as_their_kind_says(made: tuple[SampleAccount, ...]) -> None:
    for profile, all_paid in (("plan_kept", True), ("plan_broken", False)):
        for one in of_profile(made, profile):
            (plan,) = one.plans
            fallen_due = [part for part in plan.instalments if part.due_on < END_ON - timedelta(days=7)]
            paid = sum(p.amount.minor for p in one.payments if set(plan.covers) & set(p.receivable_ids))
            assert len(fallen_due) >= 2
            assert (paid >= sum(part.amount.minor for part in fallen_due)) is all_paid
            assert sum(part.amount.minor for part in plan.instalments) == sum(
                row.amount_original.minor for row in one.receivables if row.receivable_id in plan.covers
            )


def test_flags_fit_the_debtor(made: tuple[SampleAccount, ...]) -> None:
    assert all(one.debtor.kind is DebtorKind.CONSUMER for one in of_profile(made, "deceased"))
    assert all(one.debtor.kind is DebtorKind.BUSINESS for one in of_profile(made, "insolvent"))
    kinds = Counter(flag.kind.value for one in made for flag in one.debtor.flags)
    assert set(kinds) == {"hardship", "vulnerable", "deceased", "insolvent", "cease_communication", "represented"}


def test_disputes_and_credit_notes_come_in_both_kinds(made: tuple[SampleAccount, ...]) -> None:
    disputes = [row for one in made for row in one.disputes]
    notes = [row for one in made for row in one.credit_notes]
    assert {row.resolved_on is None for row in disputes} == {True, False}
    assert {row.cancelled_on is None for row in notes} == {True, False}
    assert any(row.returned_on is not None for one in made for row in one.payments)
    assert any(one.approvals for one in made)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(InvalidRecord, match="accounts must be from 1"):
        sample_accounts(accounts=0)
    with pytest.raises(InvalidRecord, match="seed"):
        sample_accounts(seed=-1)
    with pytest.raises(InvalidDate):
        sample_accounts(start_on="2025-10-01")  # type: ignore[arg-type]  # what the test is about


# --- the post office ---


class Box:
    """Takes everything and remembers it."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def send(self, notice: Notice, key: str) -> SendResult:
        self.keys.append(key)
        return Accepted(provider_id=key)


def notice_to(recipient: str) -> Notice:
    return Notice(notice="friendly", channel=Channel.EMAIL, locale="en", recipient=recipient)


def test_mail_to_a_dead_address_is_refused_for_good() -> None:
    box = Box()
    messenger: Messenger = SampleMessenger(box)
    assert messenger.send(notice_to("debtor-0002@bounce.invalid"), "k") == Rejected(
        code="mailbox_unknown", is_permanent=True
    )
    assert messenger.send(notice_to("Unknown Addressee, 1 Example Street"), "k") == Rejected(
        code="returned_to_sender", is_permanent=True
    )
    assert box.keys == []


def test_the_unreachable_have_a_dead_address_and_nobody_else_has(made: tuple[SampleAccount, ...]) -> None:
    messenger = SampleMessenger(Box(), timeout_in=0)
    for one in made:
        refused = [
            isinstance(messenger.send(notice_to(point.address), point.contact_point_id), Rejected)
            for point in one.contact_points
        ]
        assert any(refused) is (one.profile == "unreachable")


def test_a_few_first_tries_time_out_and_the_second_goes_through() -> None:
    keys = [f"notice:A-{index}:0:reminder:first:email:1" for index in range(2000)]
    box = Box()
    messenger = SampleMessenger(box)
    first = [messenger.send(notice_to("debtor-0001@example.com"), key) for key in keys]
    late = [key for key, answer in zip(keys, first, strict=True) if answer == Unknown(code="timeout")]
    assert 20 <= len(late) <= 90
    lost = [key for key in late if key not in box.keys]
    assert 0 < len(lost) < len(late), "some arrive before the answer is lost, some never"
    again = [messenger.send(notice_to("debtor-0001@example.com"), key) for key in late]
    assert all(isinstance(answer, Accepted) for answer in again)
    other = SampleMessenger(Box())
    assert [other.send(notice_to("debtor-0001@example.com"), key) for key in keys] == first


def test_timeouts_can_be_switched_off_and_nonsense_is_refused() -> None:
    messenger = SampleMessenger(Box(), timeout_in=0)
    assert all(isinstance(messenger.send(notice_to("a@example.com"), str(n)), Accepted) for n in range(300))
    with pytest.raises(InvalidRecord, match="timeout_in"):
        SampleMessenger(Box(), timeout_in=-1)
