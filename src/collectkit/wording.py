"""Notices in the debtor's language: figures from the ledger, words from checked texts.

`Wording` fills the Renderer port. A text that lacks the amount, the deadline, a way to pay, the options, how to reach
the creditor or the consequence is refused when it is loaded; so is one that threatens what it does not declare. A
missing translation is an error, never another language. Nothing is sent here, and no debt is explained by law: the
wording of statutory notices belongs to the creditor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final
from urllib.parse import quote

import attrs

from collectkit._wording.display import (
    babel_locale,
    day_text,
    display_name,
    money_text,
    plain_spaces,
    safe_header,
    sums_text,
)
from collectkit._wording.figures import Figures, Line, figures_of
from collectkit._wording.texts import SECTION_OF, Language, NoticeSource, Sandbox, read_language, read_notice
from collectkit.core.calendars import WEEKENDS_ONLY, BusinessCalendar
from collectkit.core.checks import texts
from collectkit.core.errors import WordingError
from collectkit.core.events import SendNotice
from collectkit.core.notices import NoticeManifest, NoticeText
from collectkit.core.records import AccountSnapshot, Channel, ContactPoint, DebtorKind
from collectkit.core.waterfall import DEFAULT_ORDER, Order
from collectkit.ports import Notice

__all__ = [
    "DEADLINE_DAYS",
    "CreditorProfile",
    "NoticeManifest",
    "NoticeText",
    "Wording",
    "display_name",
    "safe_header",
    "shipped_texts",
    "texts_in",
]

DEADLINE_DAYS: Final = {"friendly": 7, "second": 7, "final-demand": 14, "broken-promise": 5}
"""Days from writing to the deadline that each shipped dunning notice names; any other has seven."""

_ITEMS_MAX: Final = 40  # lines of one notice; the rest is summed up
_SMS_CHANNELS: Final = frozenset(channel for channel, section in SECTION_OF.items() if section == "sms")
_LETTER_CHANNELS: Final = frozenset({Channel.LETTER, Channel.CERTIFIED_MAIL})


# -- who writes ------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CreditorProfile:
    """Who writes, how to pay and how to reach them; at least one way for each.

    `payment_url` may hold `{account_id}`. `options` names what a debtor may ask for, in the order shown: `paid`,
    `promise`, `plan`, `hardship`, `dispute`. `disclosure` stands below every letter and e-mail (register entry,
    statutory words); `opt_out_url` below e-mails, `sms_opt_out` (such as STOP) behind text messages.

    Raises:
        WordingError: `wording.profile`, with everything that is missing or cannot stand.
    """

    name: str
    phone: str = ""
    email: str = ""
    postal_address: str = ""
    payment_url: str = ""
    account_holder: str = ""
    iban: str = ""
    bic: str = ""
    options: tuple[str, ...] = attrs.field(default=("paid", "promise", "plan", "dispute"), converter=texts)
    disclosure: str = ""
    opt_out_url: str = ""
    sms_opt_out: str = ""

    def __attrs_post_init__(self) -> None:
        problems = []
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            lines = value.splitlines() if field.name in ("postal_address", "disclosure") else [value]
            if field.name != "options" and not (isinstance(value, str) and len(value) <= 1000):
                problems.append(f"{field.name} needs text of at most 1000 characters")
            elif field.name != "options" and not all(line.isprintable() for line in lines):
                problems.append(f"{field.name} holds a control character")
        if not problems:
            if not display_name(self.name):
                problems.append("name is empty")
            if not (self.phone or self.email or self.postal_address):
                problems.append("there is no way to reach the creditor: give phone, email or postal_address")
            if not (self.payment_url or self.iban):
                problems.append("there is no way to pay: give payment_url or iban")
            problems += [
                f"{name} must be a plain https address"
                for name in ("payment_url", "opt_out_url")
                if getattr(self, name) and not _HTTPS.fullmatch(getattr(self, name).replace("{account_id}", "x"))
            ]
            if not self.options:
                problems.append("options is empty: every debtor may at least dispute an item")
        if problems:
            raise WordingError("wording.profile", f"creditor profile: {'; '.join(problems)}", problems=tuple(problems))


# -- the texts -------------------------------------------------------------------------------------------------


def shipped_texts() -> dict[str, str]:
    """Return the texts that come with collectkit, by name such as `de/friendly`.

    >>> sorted(shipped_texts())[:3]
    ['de/_common', 'de/broken-promise', 'de/final-demand']
    """
    return texts_in(files("collectkit") / "texts")


def texts_in(folder: Traversable) -> dict[str, str]:
    """Read a folder of texts: one folder per locale, one `.txt` file per notice, `_common.txt` for what they share."""
    return {
        f"{locale.name}/{file.name.removesuffix('.txt')}": file.read_text(encoding="utf-8")
        for locale in sorted(folder.iterdir(), key=lambda one: one.name)
        if locale.is_dir()
        for file in sorted(locale.iterdir(), key=lambda one: one.name)
        if file.name.endswith(".txt")
    }


class Wording:
    """Words notices for one creditor; fills the Renderer port.

    >>> wording = Wording(
    ...     CreditorProfile(name="Nordlicht", email="hilfe@nordlicht.example", iban="DE02100100100006820101")
    ... )
    >>> wording.manifest.missing(notices=["friendly"], locales=["de_AT", "it_IT"])
    ('friendly in it_IT',)
    """

    def __init__(
        self,
        creditor: CreditorProfile,
        *,
        templates: Mapping[str, str] | None = None,
        deadline_days: Mapping[str, int] | None = None,
        consequences: Mapping[str, Iterable[str]] | None = None,
        order: Order = DEFAULT_ORDER,
        calendar: BusinessCalendar | None = WEEKENDS_ONLY,
    ) -> None:
        """Load and check the shipped texts with `templates` laid over them, by name such as `de/friendly`.

        `deadline_days` and `consequences` change what a notice gives and threatens, by its name. `calendar` moves a
        deadline on to a business day; None leaves it.

        Raises:
            WordingError: `wording.template`, `wording.incomplete`, `wording.tone`, `wording.undeclared_consequence`,
                `wording.missing_translation` for a locale that lacks its shared phrases, `wording.deadline`.
            MissingOptionalDependency: jinja2 is not installed.
        """
        self.creditor = creditor
        self._order, self._calendar = order, calendar
        self._days = {**DEADLINE_DAYS, **(deadline_days or {})}
        for notice, days in self._days.items():
            if type(days) is not int or not 1 <= days <= 365:
                raise WordingError("wording.deadline", f"the deadline of {notice} must lie 1 to 365 days ahead")
        self._sandbox = Sandbox()
        self._languages: dict[str, Language] = {}
        self._sources: dict[tuple[str, str], NoticeSource] = {}
        self._load({**shipped_texts(), **(templates or {})})
        self._override({notice: tuple(names) for notice, names in (consequences or {}).items()})

    @property
    def manifest(self) -> NoticeManifest:
        """Return which texts exist, what they state and what they threaten."""
        return NoticeManifest(texts=[self._sources[key].text for key in sorted(self._sources)])

    def render(self, command: SendNotice, snapshot: AccountSnapshot) -> Notice:
        """Word a notice from the facts of `snapshot`, which should be as fresh as the moment of sending.

        Raises:
            WordingError: `wording.missing_translation`, `wording.missing_text` (no section for the channel),
                `wording.no_contact_point`, `wording.nothing_open`, `wording.no_promise`, `wording.unknown_item`,
                `messenger.unsafe_header`.
        """
        locale, channel = snapshot.debtor.locale, command.channel
        source, language = self._source(command.notice, locale)
        section = source.sections.get(SECTION_OF[channel])
        if section is None:
            raise WordingError(
                "wording.missing_text", f"notice {command.notice} in {source.text.locale} has no words for {channel}"
            )
        point = next((one for one in snapshot.contact_points if one.contact_point_id == command.contact_point_id), None)
        if point is None:
            raise WordingError(
                "wording.no_contact_point",
                f"account {snapshot.account.account_id} has no contact point {command.contact_point_id}",
            )
        figures = figures_of(
            command,
            snapshot,
            kind=source.text.kind,
            order=self._order,
            deadline_days=self._days.get(command.notice, 7),
            calendar=self._calendar,
            needs_promise="promise_" in section,
        )
        page = _Page(self._sandbox, language, self.creditor, source.text, snapshot, figures, channel)
        subject = ""
        if "subject" in source.sections and SECTION_OF[channel] == "body":
            subject = safe_header(self._sandbox.render(source.sections["subject"], page.values(is_html=False)))
        body = self._sandbox.render(section, page.values(is_html=False))
        body_html = None
        if channel is Channel.EMAIL:
            rendered = self._sandbox.render(section, page.values(is_html=True), is_html=True)
            body_html = _html_page(rendered, subject, locale)
        elif channel in _LETTER_CHANNELS:
            body = page.letter(point, subject, body)
        elif channel in _SMS_CHANNELS:
            opt_out = (
                f" {language.words['opt_out_short']} {self.creditor.sms_opt_out}" if self.creditor.sms_opt_out else ""
            )
            body = plain_spaces(" ".join(body.split()) + opt_out)
        return Notice(
            notice=command.notice,
            channel=channel,
            locale=locale,
            recipient=point.address,
            subject=subject,
            body=body + ("" if channel in _SMS_CHANNELS else "\n"),
            body_html=body_html,
        )

    # -- loading -----------------------------------------------------------------------------------------------

    def _load(self, sources: Mapping[str, str]) -> None:
        for name, source in sources.items():
            locale, slash, notice = name.partition("/")
            if not slash or not locale or not notice:
                raise WordingError(
                    "wording.template", f"a text is named locale/notice, such as de/friendly, not {name}"
                )
            if notice == "_common":
                babel_locale(locale)
                self._languages[locale] = read_language(locale, source, self._sandbox)
        for locale, language in self._languages.items():
            foreign = [one for one in self.creditor.options if one not in language.options]
            if foreign:
                raise WordingError(
                    "wording.profile",
                    f"options {', '.join(foreign)} have no phrase in {locale}; choose from {', '.join(language.options)}",
                )
        for name, source in sources.items():
            locale, _, notice = name.partition("/")
            if notice == "_common":
                continue
            shared = self._languages.get(locale) or self._languages.get(locale.partition("_")[0])
            if shared is None:
                raise WordingError(
                    "wording.missing_translation", f"{name} needs the shared phrases of its language: {locale}/_common"
                )
            self._sources[notice, locale] = read_notice(notice, locale, source, shared, self._sandbox)

    def _override(self, consequences: Mapping[str, tuple[str, ...]]) -> None:
        for notice, names in consequences.items():
            keys = [key for key in self._sources if key[0] == notice and self._sources[key].text.consequences]
            if not keys or not names:
                raise WordingError(
                    "wording.undeclared_consequence", f"no text {notice} names a consequence that could be replaced"
                )
            for key in keys:
                phrases = self._language(key[1]).consequences
                foreign = [name for name in names if name not in phrases]
                if foreign:
                    raise WordingError(
                        "wording.undeclared_consequence",
                        f"{notice}: {', '.join(foreign)} has no phrase in {key[1]}; choose from {', '.join(phrases)}",
                    )
                source = self._sources[key]
                self._sources[key] = attrs.evolve(source, text=attrs.evolve(source.text, consequences=names))

    def _language(self, locale: str) -> Language:
        return self._languages.get(locale) or self._languages[locale.partition("_")[0]]

    def _source(self, notice: str, locale: str) -> tuple[NoticeSource, Language]:
        text = self.text_for(notice, locale)
        return self._sources[notice, text.locale], self._language(text.locale)

    def text_for(self, notice: str, locale: str) -> NoticeText:
        """Return the text that a debtor's locale gets: its own, or that of its language.

        Raises:
            WordingError: `wording.missing_translation`.
        """
        wanted = locale.replace("-", "_")
        for tag in (wanted, wanted.partition("_")[0]):
            source = self._sources.get((notice, tag))
            if source is not None:
                return source.text
        raise WordingError(
            "wording.missing_translation",
            f"there is no text {notice} in {wanted}; add templates={{'{wanted.partition('_')[0]}/{notice}': ...}}",
            notice=notice,
        )


# -- details: values for one notice ----------------------------------------------------------------------------

_HTTPS: Final = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#][A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?")


@attrs.frozen
class _Page:
    """Everything one notice is written from; gives the values as plain text and as escaped HTML."""

    sandbox: Sandbox
    language: Language
    creditor: CreditorProfile
    text: NoticeText
    snapshot: AccountSnapshot
    figures: Figures
    channel: Channel

    @property
    def locale(self) -> str:
        return self.snapshot.debtor.locale

    def values(self, *, is_html: bool) -> dict[str, Any]:
        """Return every value that a text may name: text and flags, nothing else."""
        figures, words, creditor = self.figures, self.language.words, self.creditor
        phrases = [self.language.consequences[name] for name in self.text.consequences]
        offered = {name: self.language.options[name] for name in creditor.options}
        short = [phrase for name, (_, phrase) in offered.items() if name != "paid"] or [offered["paid"][1]]
        reach = [creditor.phone and f"{words['phone']} {creditor.phone}"]
        reach += [creditor.email and f"{words['email']} {creditor.email}"]
        if not any(reach):
            reach = [", ".join(creditor.postal_address.splitlines())]
        values: dict[str, Any] = {
            "name": display_name(self.snapshot.debtor.name),
            "creditor": creditor.name,
            "reference": self.snapshot.account.account_id,
            "as_of": day_text(self.snapshot.as_of, self.locale),
            "deadline": day_text(figures.deadline_on, self.locale),
            "oldest_due": day_text(figures.oldest_due_on, self.locale) if figures.oldest_due_on else "",
            "amount": sums_text(figures.totals, self.locale) if figures.totals else "",
            "reach": ", ".join(part for part in reach if part),
            "reach_short": creditor.phone or creditor.email or reach[0],
            "pay_short": self._url()
            or f"IBAN {creditor.iban}, {words['reference']} {self.snapshot.account.account_id}",
            "options_short": _or_list(short, self.locale),
            "consequence": " ".join(full for full, _ in phrases),
            "consequence_short": " ".join(brief for _, brief in phrases),
            "is_business": self.snapshot.debtor.kind is DebtorKind.BUSINESS,
            "is_several": len(figures.lines) > 1,
            "disclosure": creditor.disclosure,
            "opt_out": self._opt_out() if self.channel is Channel.EMAIL else "",
            **self._promised(),
        }
        values["items"] = self._items(values, is_html=is_html)
        values["ways_to_pay"] = _listed(self._ways(), is_html=is_html)
        values["options"] = _listed([full for full, _ in offered.values()], is_html=is_html)
        for name in ("salutation", "closing"):
            values[name] = self._shared(name, values, is_html=is_html)
        return values

    def letter(self, point: ContactPoint, subject: str, body: str) -> str:
        """Set the head of a letter above its body: sender, recipient, day, subject."""
        sender = "\n".join(part for part in (self.creditor.name, self.creditor.postal_address) if part)
        recipient = "\n".join(part for part in (display_name(self.snapshot.debtor.name), point.address.strip()) if part)
        day = day_text(self.snapshot.as_of, self.locale)
        return "\n\n".join((sender, recipient, day, subject, body))

    def _shared(self, name: str, values: Mapping[str, Any], *, is_html: bool) -> str:
        from markupsafe import Markup

        rendered = self.sandbox.render(self.language.sections[name], values, is_html=is_html)
        return Markup(rendered) if is_html else rendered

    def _promised(self) -> dict[str, str]:
        judged = self.figures.promise
        if judged is None:
            return {}
        kept = judged.amount_kept
        return {
            "promise_amount": money_text(judged.promise.amount, self.locale),
            "promise_missing": money_text(judged.amount_missing, self.locale),
            "promise_received": money_text(kept, self.locale) if kept.is_positive else "",
            "promise_made": day_text(judged.promise.made_on, self.locale),
            "promise_due": day_text(judged.promise.due_on, self.locale),
        }

    def _items(self, values: Mapping[str, Any], *, is_html: bool) -> str:
        """Show each open line with its sum, charges apart from what they stem from, and the total."""
        lines = self.figures.lines
        shown = [(self._line(line), money_text(line.amount_open, self.locale)) for line in lines[:_ITEMS_MAX]]
        rest = lines[_ITEMS_MAX:]
        if rest:
            more = self.sandbox.render(self.language.sections["more"], {"number": str(len(rest))})
            sums: dict[str, Any] = {}
            for line in rest:
                currency = line.amount_open.currency
                sums[currency] = sums[currency] + line.amount_open if currency in sums else line.amount_open
            shown.append((more, sums_text([sums[code] for code in sorted(sums)], self.locale)))
        total = (self.language.words["total"], str(values["amount"])) if len(lines) > 1 else None
        return _table(shown, total) if is_html else _rows(shown, total, self.language.words["colon"].strip('"'))

    def _line(self, line: Line) -> str:
        words = self.language.words
        values = {
            "what": words.get(line.what, words["item"]),
            "id": line.id,
            "issued": day_text(line.issued_on, self.locale),
            "due": day_text(line.due_on, self.locale),
            "original": money_text(line.amount_original, self.locale)
            if line.amount_original != line.amount_open
            else "",
            "parent": line.parent_id or "",
            "number": str(line.number),
            "count": str(line.count),
        }
        return self.sandbox.render(self.language.sections[line.kind], values)

    def _ways(self) -> list[str]:
        words, creditor = self.language.words, self.creditor
        ways = [f"{words['online']} {self._url()}"] if creditor.payment_url else []
        if creditor.iban:
            parts = [creditor.account_holder or creditor.name, f"IBAN {creditor.iban}"]
            parts += [f"BIC {creditor.bic}"] if creditor.bic else []
            parts.append(f"{words['reference']} {self.snapshot.account.account_id}")
            ways.append(f"{words['transfer']} {', '.join(parts)}")
        return ways

    def _url(self) -> str:
        return self.creditor.payment_url.replace("{account_id}", quote(self.snapshot.account.account_id, safe=""))

    def _opt_out(self) -> str:
        url = self.creditor.opt_out_url.replace("{account_id}", quote(self.snapshot.account.account_id, safe=""))
        return f"{self.language.words['opt_out']} {url}" if url else ""


# -- details: plain text and HTML ------------------------------------------------------------------------------


def _or_list(phrases: list[str], locale: str) -> str:
    from babel.lists import format_list

    return format_list(phrases, style="or", locale=babel_locale(locale))


def _rows(shown: list[tuple[str, str]], total: tuple[str, str] | None, colon: str) -> str:
    lines = [f"- {what}{colon} {amount}" for what, amount in shown]
    return "\n".join([*lines, " ".join(total)] if total else lines)


def _table(shown: list[tuple[str, str]], total: tuple[str, str] | None) -> str:
    from markupsafe import Markup, escape

    row = Markup('<tr><td style="padding:.25em 1em .25em 0">{}</td><td style="text-align:right">{}</td></tr>')
    last = Markup(
        '<tr><th style="padding:.5em 1em .25em 0;text-align:left">{}</th><th style="text-align:right">{}</th></tr>'
    )
    rows = [row.format(escape(what), escape(amount)) for what, amount in shown]
    if total:
        rows.append(last.format(escape(total[0]), escape(total[1])))
    return Markup('<table style="border-collapse:collapse">') + Markup("").join(rows) + Markup("</table>")


def _listed(lines: list[str], *, is_html: bool) -> str:
    if not is_html:
        return "\n".join(f"- {line}" for line in lines)
    from markupsafe import Markup, escape

    items = Markup("").join(Markup("<li>{}</li>").format(_linked(escape(line))) for line in lines)
    return Markup("<ul>") + items + Markup("</ul>")


def _linked(escaped: str) -> str:
    """Turn https addresses of an escaped line to links."""
    from markupsafe import Markup

    return Markup(_LINK.sub(r'<a href="\g<0>">\g<0></a>', str(escaped)))


_LINK: Final = re.compile(r"https://[^\s<>\"']+")


def _html_page(rendered: str, subject: str, locale: str) -> str:
    """Wrap an escaped body into a page that loads nothing from elsewhere."""
    from markupsafe import escape

    blocks = []
    for block in re.split(r"\n[ \t]*\n", rendered):
        if block.startswith(("<table", "<ul")):
            blocks.append(block)
        elif block.strip():
            blocks.append("<p>" + block.strip().replace("\n", "<br>\n") + "</p>")
    return (
        f'<!doctype html>\n<html lang="{escape(locale.replace("_", "-"))}">\n<head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head>\n"
        '<body style="font-family:sans-serif;line-height:1.5;max-width:40em">\n'
        + "\n".join(blocks)
        + "\n</body>\n</html>\n"
    )
