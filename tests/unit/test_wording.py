"""Wording: what a text must hold, what it may not reach, and what the shipped ones say."""

from __future__ import annotations

import re
import sys
import unicodedata
from datetime import UTC, date, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectkit.core.calendars import BusinessCalendar
from collectkit.core.errors import MissingOptionalDependency, WordingError
from collectkit.core.events import SendNotice
from collectkit.core.money import ISO_4217_EXPONENTS, Money
from collectkit.core.notices import MILD_CONSEQUENCES, NoticeManifest, NoticeText
from collectkit.core.records import (
    Account,
    AccountSnapshot,
    Channel,
    ContactPoint,
    Debtor,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
)
from collectkit.ports import Renderer
from collectkit.wording import CreditorProfile, Wording, display_name, safe_header, shipped_texts, texts_in

FRIDAY = date(2026, 3, 13)
LOCALES = ("en", "de", "fr", "es")
NOTICES = (
    "broken-promise",
    "final-demand",
    "friendly",
    "instalment-reminder",
    "pre-due",
    "promise-reminder",
    "second",
    "thanks",
)
DUNNING = ("broken-promise", "final-demand", "friendly", "second")
CREDITOR = CreditorProfile(
    name="Nordlicht Energie",
    phone="+49 30 23125 010",
    email="hilfe@nordlicht.example",
    postal_address="Hafenstr. 1\n20095 Hamburg",
    payment_url="https://pay.nordlicht.example/{account_id}?a=1&b=2",
    iban="DE02 1001 0010 0006 8201 01",
    opt_out_url="https://nordlicht.example/off",
    sms_opt_out="STOP",
    disclosure="HRB 1",
)
WORDING = Wording(CREDITOR)
COVERS = {"pre-due": ("INV-9",), "instalment-reminder": ("PLAN#2",), "promise-reminder": ("INV-2",)}


def receivable(name: str, minor: int, due: date, currency="EUR", **more) -> Receivable:
    return Receivable(
        receivable_id=name,
        account_id="A 1",
        amount_original=Money(minor, currency),
        issued_on=due - timedelta(days=14),
        due_on=due,
        **more,
    )


def snapshot(locale="de_DE", name="Anna Weber", as_of=FRIDAY, **more) -> AccountSnapshot:
    rows = [
        receivable("INV-1", 120_000, date(2026, 2, 1)),
        receivable("INV-2", 5_000, date(2026, 2, 20)),
        receivable("FEE-1", 250, date(2026, 3, 1), component="fee", kind="fee", parent_id="INV-1"),
        receivable("INV-9", 600, date(2026, 3, 20)),
    ]
    facts = {
        "receivables": rows,
        "payments": [
            Payment(
                payment_id="P",
                account_id="A 1",
                amount=Money(20_000, "EUR"),
                received_on=date(2026, 2, 25),
                receivable_ids=["INV-1"],
            )
        ],
        "promises": [
            PromiseToPay(
                promise_id="old",
                account_id="A 1",
                amount=Money(30_000, "EUR"),
                made_on=date(2026, 2, 20),
                due_on=date(2026, 3, 5),
                receivable_ids=["INV-1"],
            ),
            PromiseToPay(
                promise_id="new",
                account_id="A 1",
                amount=Money(5_000, "EUR"),
                made_on=date(2026, 3, 10),
                due_on=date(2026, 3, 20),
                receivable_ids=["INV-2"],
            ),
        ],
        "plans": [
            PlanAgreement(
                plan_id="PLAN",
                account_id="A 1",
                covers=["INV-2"],
                agreed_on=date(2026, 3, 1),
                instalments=[
                    PlannedInstalment(number=1, due_on=date(2026, 3, 20), amount=Money(2_500, "EUR")),
                    PlannedInstalment(number=2, due_on=date(2026, 4, 20), amount=Money(2_500, "EUR")),
                ],
            )
        ],
    }
    return AccountSnapshot(
        as_of=as_of,
        account=Account(account_id="A 1", debtor_id="D"),
        debtor=Debtor(debtor_id="D", kind="consumer", name=name, locale=locale),
        contact_points=[
            ContactPoint(contact_point_id=one.value, channel=one, address="Hauptstr. 5\n10115 Berlin")
            for one in Channel
        ],
        **{**facts, **more},
    )


def command(notice="friendly", channel="email", covers=None, decided_on=FRIDAY) -> SendNotice:
    return SendNotice(
        key="k",
        account_id="A 1",
        notice=notice,
        channel=channel,
        contact_point_id=channel,
        cycle=0,
        decided_on=decided_on,
        earliest_at=datetime(2026, 3, 13, 8, tzinfo=UTC),
        latest_at=datetime(2026, 3, 13, 20, tzinfo=UTC),
        receivable_ids=COVERS.get(notice, ("INV-1", "INV-2")) if covers is None else covers,
    )


def said(notice="friendly", channel="email", locale="de_DE", wording=WORDING, covers=None, **more):
    return wording.render(command(notice, channel, covers), snapshot(locale, **more))


def refused(name: str, text: str, code: str) -> str:
    with pytest.raises(WordingError) as error:
        Wording(CREDITOR, templates={name: text})
    assert error.value.code == code
    return str(error.value)


GOOD = """kind: dunning
consequences: further-reminder
== subject
A word about your account
== body
{{ salutation }} {{ amount }} {{ deadline }} {{ ways_to_pay }} {{ options }} {{ reach }} {{ consequence }}
"""

# --- the shipped texts ---


def test_it_fills_the_renderer_port():
    assert isinstance(WORDING, Renderer)


def test_every_notice_is_there_in_every_language_for_every_channel():
    assert WORDING.manifest.notices == NOTICES
    assert WORDING.manifest.missing(notices=NOTICES, locales=LOCALES, channels=list(Channel)) == ()


def test_languages_differ_in_words_only():
    for notice in NOTICES:
        texts = [WORDING.manifest.find(notice, locale) for locale in LOCALES]
        assert len({(one.kind, one.channels, one.consequences, one.facts) for one in texts}) == 1


def test_shipped_texts_threaten_nothing_that_a_ladder_would_have_to_reach():
    assert {name for one in WORDING.manifest.texts for name in one.consequences} <= MILD_CONSEQUENCES


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("channel", list(Channel))
def test_every_text_renders_whole(locale, notice, channel):
    notice_said = said(notice, channel.value, locale)
    for part in (notice_said.body, notice_said.subject):
        assert "{" not in part
        assert "  " not in part.replace("\n", " ¶ ").replace(" ¶  ¶ ", "")
    assert notice_said.locale == locale
    assert bool(notice_said.subject) is (channel in (Channel.EMAIL, Channel.LETTER, Channel.CERTIFIED_MAIL))
    assert (notice_said.body_html is not None) is (channel is Channel.EMAIL)
    assert not re.search(r"\n\n\n", notice_said.body)
    assert "\u202f" not in notice_said.body or channel not in (Channel.SMS, Channel.MESSENGER_APP, Channel.CHAT)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("notice", DUNNING)
def test_every_dunning_text_states_amount_deadline_ways_options_reach_and_consequence(locale, notice):
    deadline = {"friendly": 20, "second": 20, "final-demand": 27, "broken-promise": 18}[notice]
    words = WORDING._languages[locale]  # the phrases of the language, to find them again in the text
    for channel in ("email", "letter", "phone", "sms"):
        body = said(notice, channel, locale).body.replace("\u00a0", " ").replace("\u202f", " ")
        amount = "1,052.50" if locale == "en" else "1 052,50" if locale == "fr" else "1.052,50"
        if notice == "broken-promise" and channel in ("sms", "phone"):
            amount = "100.00" if locale == "en" else "100,00"  # what is missing of the promise
        assert amount in body
        assert str(deadline) in body
        assert "https://pay.nordlicht.example/A%201?a=1&b=2" in body
        assert "+49 30 23125 010" in body
        short = channel == "sms"
        assert words.options["plan"][short] in body
        consequence = WORDING.manifest.find(notice, locale).consequences[0]
        assert words.consequences[consequence][short] in body


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("notice", NOTICES)
def test_a_text_message_stays_within_three_parts(locale, notice):
    assert len(said(notice, "sms", locale).body) <= 3 * 153


def test_a_formal_demand_itemises_charges_apart_and_totals_them():
    body = said("final-demand", "letter", "en_GB").body
    assert "- Invoice INV-1 of 18 January 2026, due 1 February 2026 (part of €1,200.00): €1,000.00" in body
    assert "- Invoice INV-2 of 6 February 2026, due 20 February 2026: €50.00" in body
    assert "- Late fee on INV-1, charged on 15 February 2026: €2.50" in body
    assert "Total: €1,052.50" in body
    assert "INV-9" not in body
    assert body.index("FEE-1" if "FEE-1" in body else "Late fee") > body.index("INV-2")


def test_a_letter_bears_sender_recipient_day_and_subject():
    head = said("final-demand", "letter", "de_DE").body.split("\n\n")[:4]
    assert head == [
        "Nordlicht Energie\nHafenstr. 1\n20095 Hamburg",
        "Anna Weber\nHauptstr. 5\n10115 Berlin",
        "13. März 2026",
        "Mahnung zum Konto A 1",
    ]


def test_every_channel_says_the_same_sum():
    for channel in ("email", "letter", "phone", "sms", "chat"):
        assert "1.052,50 €" in said("second", channel).body.replace("\u00a0", " ")
    assert "1.052,50 €" in (said("second").body_html or "").replace("\u00a0", " ")


def test_a_promise_reminder_speaks_of_the_open_promise_and_its_day():
    body = said("promise-reminder", "sms", "en_GB").body
    assert "€50.00" in body
    assert "20 March 2026" in body


def test_a_broken_promise_says_what_came_and_what_is_missing():
    body = said("broken-promise", "email", "en_GB").body
    assert "on 20 February 2026 you told us that you would pay €300.00 by 5 March 2026" in body.replace(
        "On 20", "on 20"
    )
    assert "Thank you for the €200.00 that has arrived; €100.00 is still missing." in body
    nothing = said("broken-promise", "email", "en_GB", payments=()).body
    assert "The payment has not reached us." in nothing


def test_an_instalment_reminder_names_the_instalment_and_its_day():
    body = said("instalment-reminder", "email", "en_GB").body
    assert "- Instalment 2 of 2, due 20 April 2026: €25.00" in body
    assert "reaches us by 20 April 2026" in body


def test_thanks_need_nothing_open():
    assert "nichts mehr überfällig" in said("thanks", receivables=(), payments=(), promises=(), plans=()).body


def test_a_missing_name_is_simply_left_out():
    assert said(name="", locale="de_DE").body.startswith("Guten Tag,\n")
    assert said(name="", locale="en_US").body.startswith("Hello,\n")
    assert "the right person" in said("friendly", "phone", "en_US", name="").body


# --- figures ---


def test_the_deadline_counts_from_the_day_of_writing_and_moves_to_a_business_day():
    wording = Wording(CREDITOR, deadline_days={"friendly": 8})
    assert "23 March 2026" in said(wording=wording, locale="en_GB").body  # Saturday 21 March moves to Monday
    still = Wording(CREDITOR, deadline_days={"friendly": 8}, calendar=None)
    assert "21 March 2026" in said(wording=still, locale="en_GB").body
    late = WORDING.render(command(decided_on=FRIDAY), snapshot("en_GB", as_of=date(2026, 3, 16)))
    assert "by 23 March 2026" in late.body  # sent three days late: the debtor still gets the seven days


def test_a_reminder_never_names_a_day_that_is_over():
    late = WORDING.render(command("pre-due"), snapshot("en_GB", as_of=date(2026, 3, 21)))
    assert "reaches us by 21 March 2026" in late.body


@pytest.mark.parametrize("days", [0, 366, 7.5, True])
def test_a_deadline_that_cannot_stand_is_refused(days):
    with pytest.raises(WordingError) as error:
        Wording(CREDITOR, deadline_days={"friendly": days})
    assert error.value.code == "wording.deadline"


def test_a_deadline_beyond_the_known_holidays_stays_where_it_is():
    known = BusinessCalendar(known_from_on=FRIDAY, known_until_on=date(2026, 3, 21))
    wording = Wording(CREDITOR, deadline_days={"friendly": 8}, calendar=known)
    assert "by 21 March 2026" in said(wording=wording, locale="en_GB").body


def test_an_instalment_that_is_paid_is_left_out():
    paid = [
        Payment(
            payment_id="P",
            account_id="A 1",
            amount=Money(2_500, "EUR"),
            received_on=date(2026, 3, 2),
            receivable_ids=["INV-2"],
        )
    ]
    body = said("instalment-reminder", "email", "en_GB", covers=("PLAN#1", "PLAN#2"), payments=paid).body
    assert "Instalment 1 of 2" not in body
    assert "Instalment 2 of 2, due 20 April 2026: €25.00" in body


def test_nothing_open_is_not_written_about():
    with pytest.raises(WordingError) as error:
        said("friendly", receivables=(), payments=())
    assert error.value.code == "wording.unknown_item"
    paid = [Payment(payment_id="all", account_id="A 1", amount=Money(999_999, "EUR"), received_on=FRIDAY)]
    with pytest.raises(WordingError) as error:
        said("friendly", payments=paid)
    assert error.value.code == "wording.nothing_open"


def test_no_fitting_promise_is_an_error_that_says_so():
    with pytest.raises(WordingError) as error:
        said("broken-promise", promises=())
    assert error.value.code == "wording.no_promise"


def test_two_currencies_are_listed_and_never_added():
    rows = [receivable("R-1", 1_000, date(2026, 2, 1)), receivable("R-2", 2_000, date(2026, 2, 1), "USD")]
    body = said(covers=("R-1", "R-2"), locale="en_US", receivables=rows, payments=(), promises=(), plans=()).body
    assert "Please pay €10.00 and $20.00 by" in body


def test_a_long_list_is_summed_up_and_the_total_stays_exact():
    rows = [receivable(f"R-{n:03}", 100, date(2026, 2, 1)) for n in range(60)]
    body = said(
        covers=tuple(one.receivable_id for one in rows),
        locale="en_GB",
        receivables=rows,
        payments=(),
        promises=(),
        plans=(),
    ).body
    assert "- 20 further items: €20.00" in body
    assert "Total: €60.00" in body


def test_an_empty_list_of_items_covers_all_that_is_open():
    assert "INV-9" in said(covers=(), locale="en_GB").body


@pytest.mark.parametrize("currency", sorted(ISO_4217_EXPONENTS))
def test_every_currency_shows_exactly_its_iso_digits(currency):
    digits = ISO_4217_EXPONENTS[currency]
    rows = [receivable("R-1", 1_234_567, date(2026, 2, 1), currency)]
    body = said(
        covers=("R-1",), locale="en_US", channel="sms", receivables=rows, payments=(), promises=(), plans=()
    ).body
    whole, part = divmod(1_234_567, 10**digits)
    shown = f"{whole:,}" + (f".{part:0{digits}}" if digits else "")
    assert re.search(rf"(?<![\d.,]){re.escape(shown)}(?![\d])", body)


# --- languages: MESSAGING-12 ---


@pytest.mark.parametrize(
    ("locale", "amount", "day"),
    [
        ("de_DE", "1.052,50\u00a0€", "20. März 2026"),
        ("de_AT", "€\u00a01.052,50", "20. März 2026"),
        ("de_CH", "EUR\u00a01’052.50", "20. März 2026"),
        ("de-AT", "€\u00a01.052,50", "20. März 2026"),
        ("fr_FR", "1\u202f052,50\u00a0€", "20 mars 2026"),
        ("es_ES", "1.052,50\u00a0€", "20 de marzo de 2026"),
        ("en_US", "€1,052.50", "March 20, 2026"),
        ("en_GB", "€1,052.50", "20 March 2026"),
    ],
)
def test_sums_and_days_follow_the_country_and_not_only_the_language(locale, amount, day):
    body = said(locale=locale).body
    assert amount in body
    assert day in body


def test_a_missing_translation_is_an_error_and_never_another_language():
    with pytest.raises(WordingError) as error:
        said(locale="it_IT")
    assert error.value.code == "wording.missing_translation"
    assert WORDING.manifest.missing(notices=["friendly"], locales=["it_IT", "de_AT"]) == ("friendly in it_IT",)


def test_a_country_that_is_not_known_with_its_language_is_shown_as_the_language():
    assert "1.052,50\u00a0€" in said(locale="de_XX").body
    with pytest.raises(WordingError) as error:
        Wording(CREDITOR, templates={"qq/_common": shipped_texts()["en/_common"]})
    assert error.value.code == "wording.locale"


def test_a_text_of_a_country_comes_before_that_of_its_language():
    own = GOOD.replace("A word about", "Ein Wort zu")
    wording = Wording(CREDITOR, templates={"de_AT/friendly": own})
    assert said(locale="de_AT", wording=wording).subject == "Ein Wort zu your account"
    assert said(locale="de_DE", wording=wording).subject == "Zahlungserinnerung von Nordlicht Energie"


def test_a_notice_in_a_language_without_shared_phrases_is_refused():
    refused("it/friendly", GOOD, "wording.missing_translation")


def test_french_counts_the_first_of_a_month():
    assert "le 1er février 2026" in said("second", locale="fr_FR").body
    assert "le 11 " not in said("second", locale="fr_FR").body


# --- what a text must hold: C82 to C84 ---


@pytest.mark.parametrize("fact", ["amount", "deadline", "ways_to_pay", "options", "reach", "consequence"])
def test_a_dunning_text_that_lacks_a_fact_is_refused_and_the_fact_named(fact):
    assert fact in refused("en/friendly", GOOD.replace("{{ " + fact + " }}", ""), "wording.incomplete")


def test_a_fact_inside_a_condition_is_not_stated():
    hidden = GOOD.replace("{{ reach }}", "{% if name %}{{ reach }}{% endif %}")
    assert "reach" in refused("en/friendly", hidden, "wording.incomplete")


def test_a_consequence_is_shown_exactly_where_it_is_declared():
    refused("en/friendly", GOOD.replace("consequences: further-reminder\n", ""), "wording.undeclared_consequence")
    refused(
        "en/thanks",
        GOOD.replace("dunning", "thanks").replace("{{ consequence }}", ""),
        "wording.undeclared_consequence",
    )
    assert "choose from" in refused(
        "en/friendly", GOOD.replace("further-reminder", "curse"), "wording.undeclared_consequence"
    )


@pytest.mark.parametrize("words", ["we will take you to court", "a lawsuit follows", "our solicitor"])
def test_a_threat_that_is_not_declared_is_refused(words):
    assert "legal-action" in refused("en/friendly", GOOD + words, "wording.undeclared_consequence")
    Wording(CREDITOR, templates={"en/friendly": (GOOD + words).replace("further-reminder", "legal-action")})


@pytest.mark.parametrize("words", ["You deadbeat", "what a shame", "Pay now!!", "PAYMENT IS OVERDUE", "last warning"])
def test_a_text_without_respect_is_refused(words):
    refused("en/friendly", GOOD + words, "wording.tone")


def test_a_word_is_refused_only_as_a_whole_word():
    Wording(CREDITOR, templates={"en/friendly": GOOD + "Courtesy costs nothing; see section SEPA."})


def test_the_creditor_chooses_consequences_that_its_strategy_reaches():
    wording = Wording(CREDITOR, consequences={"final-demand": ["late-fee", "legal-action"]})
    body = said("final-demand", "letter", "en_GB", wording=wording).body
    assert "late fee in your contract" in body
    assert "we will take legal action" in body
    assert wording.manifest.consequences_of("final-demand") == ("late-fee", "legal-action")
    for wrong in (
        {"final-demand": ["curse"]},
        {"thanks": ["late-fee"]},
        {"final-demand": []},
        {"nothing": ["late-fee"]},
    ):
        with pytest.raises(WordingError) as error:
            Wording(CREDITOR, consequences=wrong)
        assert error.value.code == "wording.undeclared_consequence"


# --- the sandbox: MESSAGING-07 ---


@pytest.mark.parametrize(
    "text",
    [
        "{{ amount.__class__ }}",
        "{{ amount.__class__.__init__.__globals__ }}",
        "{{ amount['x'] }}",
        "{{ amount.upper() }}",
        "{{ '%999999999d' }}",
        "{{ amount|upper }}",
        "{{ range(10) }}",
        "{{ 'x' * 1000000000 }}",
        "{% for x in amount %}{{ x }}{% endfor %}",
        "{% set x = amount %}",
        "{% include 'en/second' %}",
        "{% import 'os' as os %}",
        "{{ self }}",
        "{{ debtor }}",
        "{{ ssn }}",
        "{{ amount ",
        "{% if amount == 'x' %}{% endif %}",
        "{% if true is defined %}{% endif %}",
        "{{ amount ~ deadline }}",
        "{{ amount if name else deadline }}",
        "{% macro m() %}{% endmacro %}",
    ],
)
def test_a_text_reaches_nothing_but_known_values(text):
    refused("en/friendly", GOOD + text, "wording.template")


def test_format_braces_are_plain_words():
    wording = Wording(CREDITOR, templates={"en/friendly": GOOD + "{d.ssn} {x:>99999999} {0.__class__}"})
    assert "{x:>99999999}" in said(wording=wording, locale="en_US").body


def test_values_are_never_read_as_a_template():
    body = said(name="{{ reference }} {% if %}", locale="en_US").body
    assert body.startswith("Dear {{ reference }} {% if %},")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("friendly", GOOD),
        ("en/friendly", GOOD.replace("dunning", "threat")),
        ("en/friendly", "no header\n" + GOOD),
        ("en/friendly", GOOD + "== body\nagain"),
        ("en/friendly", GOOD + "== postcard\nhello"),
        ("en/friendly", GOOD.replace("== subject\nA word about your account\n", "")),
        ("en/friendly", "kind: thanks\n== subject\nalone"),
        ("en/friendly", GOOD + "x" * 20_001),
        ("en/_common", "== salutation\nDear"),
        ("en/_common", shipped_texts()["en/_common"].replace("total = Total:", "")),
        ("en/_common", shipped_texts()["en/_common"].replace("total = Total:", "total")),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_place(name, text):
    assert name.split("/")[-1] in refused(name, text, "wording.template")


def test_windows_line_ends_are_read_as_well():
    wording = Wording(CREDITOR, templates={"en/friendly": GOOD.replace("\n", "\r\n")})
    assert said(wording=wording, locale="en_US").subject == "A word about your account"


def test_a_folder_of_texts_is_read_by_locale_and_notice(tmp_path):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "friendly.txt").write_text(GOOD, encoding="utf-8")
    (tmp_path / "en" / "notes.md").write_text("not a text", encoding="utf-8")
    (tmp_path / "readme.txt").write_text("not a locale", encoding="utf-8")
    assert texts_in(tmp_path) == {"en/friendly": GOOD}


def test_a_notice_without_words_for_a_channel_says_so():
    wording = Wording(CREDITOR, templates={"en/friendly": GOOD})
    with pytest.raises(WordingError) as error:
        said(wording=wording, locale="en_US", channel="sms")
    assert error.value.code == "wording.missing_text"
    assert wording.manifest.missing(notices=["friendly"], locales=["en"], channels=[Channel.SMS]) == (
        "friendly in en for sms",
    )


def test_a_contact_point_that_is_gone_says_so():
    gone = attrs.evolve(snapshot(), contact_points=())
    with pytest.raises(WordingError) as error:
        WORDING.render(command(), gone)
    assert error.value.code == "wording.no_contact_point"


# --- headers and names: MESSAGING-08, -10, -11 ---


@pytest.mark.parametrize("bad", ["\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\x00", "\x1b", "\ud800"])
def test_a_header_with_a_control_character_is_refused(bad):
    with pytest.raises(WordingError) as error:
        safe_header(f"Payment{bad}Bcc: all@firm.example")
    assert error.value.code == "messenger.unsafe_header"
    assert "Bcc" not in str(error.value)


def test_a_subject_of_two_lines_is_refused_before_it_is_sent():
    two = GOOD.replace("A word about your account", "A word\nabout your account")
    with pytest.raises(WordingError) as error:
        said(wording=Wording(CREDITOR, templates={"en/friendly": two}), locale="en_US")
    assert error.value.code == "messenger.unsafe_header"


def test_a_name_in_a_subject_is_shown_without_its_controls():
    named = GOOD.replace("A word about your account", "For {{ name }}")
    notice_said = said(
        wording=Wording(CREDITOR, templates={"en/friendly": named}), locale="en_US", name="Ann\r\nBcc: x\u2028y\x00"
    )
    assert notice_said.subject == "For Ann Bcc: x y"


def test_html_in_a_name_is_escaped_in_html_and_plain_in_text():
    notice_said = said(name='<script>alert("x")</script> & Söhne', locale="en_US")
    assert "<script" not in notice_said.body_html
    assert "&lt;script&gt;" in notice_said.body_html
    assert notice_said.body.startswith('Dear <script>alert("x")</script> & Söhne,')


def test_html_loads_nothing_from_elsewhere_and_links_the_way_to_pay():
    html = said().body_html
    assert '<a href="https://pay.nordlicht.example/A%201?a=1&amp;b=2">' in html
    assert not re.search(r"<(?:img|script|link|iframe)|src=|@import|url\(", html)
    assert html.startswith('<!doctype html>\n<html lang="de-DE">')


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna Weber", "Anna Weber"),
        ("Ann\u202ea Weber", "Anna Weber"),
        ("Zo\u200b\u200c\u200d\ufeffe", "Zoe"),
        ("  A \t B\n", "A B"),
        ("\u0301\u0301", ""),
        ("", ""),
        ("...", ""),
        ("x" * 500, "x" * 119 + "…"),
        ("שלום", "\u2068שלום\u2069"),
        ("محمد Weber", "\u2068محمد Weber\u2069"),
    ],
)
def test_names_are_shown_clean(name, shown):
    assert display_name(name) == shown


@given(st.text(max_size=300))
def test_no_name_brings_a_control_or_an_open_direction_into_a_notice(name):
    shown = display_name(name)
    inner = shown.removeprefix("\u2068").removesuffix("\u2069")
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in inner)
    assert len(inner) <= 120
    assert shown == "" or any(char.isalnum() for char in shown)
    safe_header(shown)


@given(st.text(max_size=500))
def test_any_name_gives_a_whole_notice_or_none_of_it(name):
    notice_said = said(name=name, locale="en_US")
    assert notice_said.body.startswith(("Dear ", "Hello,"))
    assert "<script" not in notice_said.body_html.lower()


# --- the creditor ---


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "name is empty"),
        ({"phone": "", "email": "", "postal_address": ""}, "no way to reach"),
        ({"payment_url": "", "iban": ""}, "no way to pay"),
        ({"payment_url": "http://pay.example"}, "payment_url must be a plain https address"),
        ({"payment_url": 'https://pay.example/"onclick="x'}, "payment_url must be a plain https address"),
        ({"opt_out_url": "javascript:alert(1)"}, "opt_out_url must be a plain https address"),
        ({"name": "Nord\nlicht"}, "name holds a control character"),
        ({"disclosure": "x" * 1001}, "disclosure needs text"),
        ({"phone": 5}, "phone needs text"),
        ({"options": ()}, "options is empty"),
    ],
)
def test_a_profile_that_cannot_stand_is_refused(changes, words):
    with pytest.raises(WordingError, match=words) as error:
        attrs.evolve(CREDITOR, **changes)
    assert error.value.code == "wording.profile"


def test_an_option_without_a_phrase_is_refused():
    with pytest.raises(WordingError, match="gift have no phrase"):
        Wording(attrs.evolve(CREDITOR, options=["plan", "gift"]))


def test_only_what_the_creditor_grants_is_offered():
    body = said(wording=Wording(attrs.evolve(CREDITOR, options=["paid", "dispute"])), locale="en_GB").body
    assert "instalments" not in body
    assert "we will look into it" in body
    short = said(wording=Wording(attrs.evolve(CREDITOR, options=["paid"])), locale="en_GB", channel="sms").body
    assert "recent payments" in short


def test_a_creditor_with_one_way_each_is_enough():
    bare = CreditorProfile(
        name="Nord", postal_address="Hafenstr. 1\n20095 Hamburg", iban="DE02", bic="PBNK", account_holder="N. Ord"
    )
    body = said(wording=Wording(bare), locale="en_GB", channel="letter").body
    assert "Bank transfer: N. Ord, IBAN DE02, BIC PBNK, reference A 1" in body
    assert "Hafenstr. 1, 20095 Hamburg" in body
    assert "Online" not in body
    short = said(wording=Wording(bare), locale="en_GB", channel="sms").body
    assert "IBAN DE02, reference A 1" in short
    assert "STOP" not in short


def test_the_way_out_stands_below_emails_and_behind_text_messages_only():
    assert "https://nordlicht.example/off" in said().body
    assert "https://nordlicht.example/off" not in said(channel="letter").body
    assert said(channel="sms").body.endswith("STOP")
    assert "HRB 1" in said(channel="letter").body


def test_without_jinja2_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingOptionalDependency, match=r"collectkit\[messages\]"):
        Wording(CREDITOR)


# --- personal data and the manifest ---


def test_personal_fields_stay_out_of_reprs_and_errors():
    shown = repr(said(name="Canary Name"))
    assert "Canary" not in shown
    assert "Hauptstr" not in shown
    with pytest.raises(WordingError) as error:
        said(name="Canary Name", locale="it_IT")
    assert "Canary" not in str(error.value)


def test_the_same_facts_give_the_same_words():
    assert said("final-demand") == Wording(CREDITOR).render(command("final-demand"), snapshot())


def test_a_manifest_answers_for_languages_and_never_for_another_one():
    manifest = NoticeManifest(
        texts=[NoticeText(notice="n", locale="de", kind="dunning", channels=[Channel.EMAIL], consequences=["late-fee"])]
    )
    assert manifest.find("n", "de-CH") is manifest.texts[0]
    assert manifest.find("n", "en") is None
    assert manifest.find("m", "de") is None
    assert manifest.consequences_of("n") == ("late-fee",)
