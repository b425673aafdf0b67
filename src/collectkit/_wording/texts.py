"""Notice texts as files: read, checked before use, and rendered in a sandbox.

A text is a header (`kind: dunning`), then sections that begin with a line such as `== body`. Inside a section stand
plain words, `{{ name }}` for one of the known values, and `{% if name %}...{% endif %}`: no attribute, no index, no
call, no filter, no loop. So a text can reach nothing, and its length is bounded by what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from collectkit.core.checks import texts as as_texts
from collectkit.core.errors import MissingOptionalDependency, WordingError
from collectkit.core.notices import NoticeText
from collectkit.core.records import Channel

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = [
    "FACTS",
    "KINDS",
    "SECTION_OF",
    "VALUES",
    "Language",
    "NoticeSource",
    "Sandbox",
    "read_language",
    "read_notice",
]

MAX_SOURCE: Final = 20_000  # characters of one text; a letter has some 3,000

SECTION_OF: Final = {
    Channel.EMAIL: "body",
    Channel.LETTER: "body",
    Channel.CERTIFIED_MAIL: "body",
    Channel.SMS: "sms",
    Channel.MESSENGER_APP: "sms",
    Channel.CHAT: "sms",
    Channel.PHONE: "script",
}
"""Which section words which channel; `body` also needs a `subject`."""

FACTS: Final = {
    "amount": ("amount", "items", "promise_amount", "promise_missing"),
    "deadline": ("deadline",),
    "ways_to_pay": ("ways_to_pay", "pay_short"),
    "options": ("options", "options_short"),
    "reach": ("reach", "reach_short"),
    "consequence": ("consequence", "consequence_short"),
}
"""What a dunning notice must state, and the values that state it."""

KINDS: Final = {
    "dunning": tuple(FACTS),
    "reminder": ("amount", "deadline", "ways_to_pay", "reach"),
    "thanks": ("reach",),
}
"""Kinds of notice with the facts that each must state."""

VALUES: Final = frozenset(
    {name for names in FACTS.values() for name in names}
    | {"name", "creditor", "reference", "salutation", "closing", "as_of", "oldest_due", "is_business", "is_several"}
    | {"promise_due", "promise_made", "promise_received"}
)
"""Every value that a text may name."""


@attrs.frozen(kw_only=True)
class NoticeSource:
    """One notice in one language, checked: its sections, and what it says about itself."""

    text: NoticeText
    sections: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Language:
    """What all notices of a language share: phrases, and words that no text may hold."""

    locale: str
    sections: Mapping[str, str]
    words: Mapping[str, str]
    consequences: Mapping[str, tuple[str, str]]
    options: Mapping[str, tuple[str, str]]
    refuse: tuple[str, ...] = attrs.field(default=(), converter=as_texts)
    implies: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)


# -- reading ---------------------------------------------------------------------------------------------------


def read_language(locale: str, source: str, sandbox: Sandbox) -> Language:
    """Read the shared phrases of a language.

    Raises:
        WordingError: `wording.template` where a section is missing or a phrase cannot stand.
    """
    where = f"{locale}/_common"
    _, sections = _split(where, source)
    missing = [name for name in _SHARED if name not in sections]
    if missing:
        raise WordingError("wording.template", f"{where} lacks the sections {', '.join(missing)}", where=where)
    words = {key: full for key, (full, _) in _pairs(where, sections["words"]).items()}
    unsaid = [word for word in _WORDS if word not in words]
    if unsaid:
        raise WordingError("wording.template", f"{where} lacks the words {', '.join(unsaid)}", where=where)
    language = Language(
        locale=locale,
        sections=sections,
        words=words,
        consequences=_pairs(where, sections["consequences"]),
        options=_pairs(where, sections["options"]),
        refuse=tuple(line.strip().lower() for line in sections.get("refuse", "").splitlines() if line.strip()),
        implies={
            key: tuple(word.strip().lower() for word in full.split(","))
            for key, (full, _) in _pairs(where, sections.get("implies", "")).items()
        },
    )
    for name in ("salutation", "closing", "item", "charge", "instalment", "more"):
        sandbox.names(f"{where}#{name}", sections[name], VALUES | _LINE_VALUES)
    return language


def read_notice(notice: str, locale: str, source: str, language: Language, sandbox: Sandbox) -> NoticeSource:
    """Read one notice and refuse it where it lacks a fact, names an unknown value or breaks the rules of tone.

    Raises:
        WordingError: `wording.template`, `wording.incomplete`, `wording.tone`, `wording.undeclared_consequence`.
    """
    where = f"{locale}/{notice}"
    header, sections = _split(where, source)
    kind = header.get("kind", "")
    if kind not in KINDS:
        raise WordingError("wording.template", f"{where}: kind must be one of {', '.join(KINDS)}", where=where)
    unknown = sorted(set(sections) - {"subject", *SECTION_OF.values()})
    messages = [name for name in dict.fromkeys(SECTION_OF.values()) if name in sections]
    if unknown or not messages or ("body" in sections and "subject" not in sections):
        raise WordingError(
            "wording.template",
            f"{where}: sections are subject with body, sms, script, at least one message" + _found(unknown),
            where=where,
        )
    consequences = tuple(one.strip() for one in header.get("consequences", "").split(",") if one.strip())
    foreign = [one for one in consequences if one not in language.consequences]
    if foreign:
        raise WordingError(
            "wording.undeclared_consequence",
            f"{where} names {', '.join(foreign)}, for which {locale} has no phrase; "
            f"choose from {', '.join(language.consequences)}",
            where=where,
        )
    facts = set(FACTS)
    for name in sections:
        stated, plain = sandbox.names(f"{where}#{name}", sections[name], VALUES)
        _check_tone(f"{where}#{name}", plain, consequences, language)
        if name not in messages:
            continue
        told = {fact for fact, values in FACTS.items() if stated.intersection(values)}
        lacking = [fact for fact in KINDS[kind] if fact not in told]
        if lacking:
            raise WordingError(
                "wording.incomplete",
                f"{where}#{name} does not state {', '.join(lacking)}; a {kind} notice names each, outside any if",
                where=where,
                missing=tuple(lacking),
            )
        if ("consequence" in told) != bool(consequences):
            raise WordingError(
                "wording.undeclared_consequence",
                f"{where}#{name}: a consequence is shown exactly where the header declares one",
                where=where,
            )
        facts &= told
    text = NoticeText(
        notice=notice,
        locale=locale,
        kind=kind,
        channels=tuple(channel for channel, section in SECTION_OF.items() if section in sections),
        consequences=consequences,
        facts=tuple(fact for fact in FACTS if fact in facts),
    )
    return NoticeSource(text=text, sections=sections)


# -- the sandbox -----------------------------------------------------------------------------------------------


class Sandbox:
    """Parses, checks and renders sections; one per renderer, it keeps compiled sections."""

    def __init__(self) -> None:
        """Set the two environments up: plain text, and HTML where every value is escaped.

        Raises:
            MissingOptionalDependency: jinja2 is not installed.
        """
        try:
            from jinja2 import StrictUndefined
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        except ImportError as error:
            raise MissingOptionalDependency("messages", "jinja2") from error

        def environment(*, is_html: bool) -> Environment:
            return ImmutableSandboxedEnvironment(
                autoescape=is_html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
            )

        self._environments = {is_html: environment(is_html=is_html) for is_html in (False, True)}
        self._compiled: dict[tuple[str, bool], Template] = {}

    def names(self, where: str, source: str, allowed: Iterable[str]) -> tuple[set[str], str]:
        """Return the values that a section always shows, and its plain words.

        Raises:
            WordingError: `wording.template` for anything but words, values and conditions, or an unknown value.
        """
        from jinja2 import TemplateSyntaxError, nodes

        try:
            tree = self._environments[False].parse(source)
        except TemplateSyntaxError as error:
            raise WordingError(
                "wording.template", f"{where}, line {error.lineno}: the text cannot be read", where=where
            ) from error
        may = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or)
        known = frozenset(allowed)
        plain = []
        for node in _walk(tree):
            if not isinstance(node, may):
                raise WordingError(
                    "wording.template",
                    f"{where}, line {node.lineno}: only words, {{{{ value }}}} and {{% if value %}} may stand in a text, "
                    f"not {type(node).__name__}",
                    where=where,
                )
            if isinstance(node, nodes.Name) and node.name not in known:
                raise WordingError(
                    "wording.template",
                    f"{where}, line {node.lineno}: no value {node.name[:40]!r}; choose from {', '.join(sorted(known))}",
                    where=where,
                )
            if isinstance(node, nodes.TemplateData):
                plain.append(node.data)
        shown = {
            child.name
            for node in tree.body
            if isinstance(node, nodes.Output)
            for child in node.nodes
            if isinstance(child, nodes.Name)
        }
        return shown, " ".join(plain)

    def render(self, source: str, values: Mapping[str, Any], *, is_html: bool = False) -> str:
        """Render a checked section; runs of blank lines become one."""
        key = (source, is_html)
        if key not in self._compiled:
            self._compiled[key] = self._environments[is_html].from_string(source)
        return _BLANK_LINES.sub("\n\n", self._compiled[key].render(values)).strip()


# -- details ---------------------------------------------------------------------------------------------------

_SHARED: Final = ("salutation", "closing", "item", "charge", "instalment", "more", "words", "consequences", "options")
_WORDS: Final = (
    *("colon", "total", "invoice", "item", "fee", "interest", "cost", "online", "transfer", "reference"),
    *("phone", "email", "opt_out", "opt_out_short"),
)
_LINE_VALUES: Final = frozenset(
    {"what", "id", "issued", "due", "original", "parent", "number", "count", "disclosure", "opt_out"}
)
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
_SHOUTED: Final = re.compile(r"\b[^\W\d_a-zà-öø-ÿ]{4,}\b")


def _split(where: str, source: str) -> tuple[dict[str, str], dict[str, str]]:
    """Cut a source into its header and its sections."""
    if not isinstance(source, str) or len(source) > MAX_SOURCE:
        raise WordingError("wording.template", f"{where}: a text has at most {MAX_SOURCE} characters", where=where)
    header: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(source.replace("\r\n", "\n").split("\n"), 1):
        if line.startswith("== "):
            name = line[3:].strip()
            if name in sections:
                raise WordingError(
                    "wording.template", f"{where}, line {number}: section {name} stands twice", where=where
                )
            current = sections.setdefault(name, [])
        elif current is not None:
            current.append(line)
        elif line.strip() and not line.startswith("#"):
            key, colon, value = line.partition(":")
            if not colon:
                raise WordingError(
                    "wording.template",
                    f"{where}, line {number}: before the sections stand 'key: value' lines",
                    where=where,
                )
            header[key.strip()] = value.strip()
    return header, {name: "\n".join(lines).strip("\n") for name, lines in sections.items()}


def _pairs(where: str, section: str) -> dict[str, tuple[str, str]]:
    """Read `key = phrase` lines, with a shorter phrase after ` | ` where there is one."""
    found = {}
    for line in section.splitlines():
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise WordingError("wording.template", f"{where}: a phrase is written 'key = words'", where=where)
        full, _, short = value.partition(" | ")
        found[key.strip()] = (full.strip(), short.strip() or full.strip())
    return found


def _check_tone(where: str, plain: str, consequences: tuple[str, ...], language: Language) -> None:
    """Refuse shouting, words that shame, and threats that the header does not declare."""
    low = plain.lower()
    rude = [word for word in language.refuse if _holds(low, word)]
    if "!!" in plain:
        rude.append("!!")
    shouted = _SHOUTED.findall(plain)
    if len(shouted) > 1:
        rude += shouted
    if rude:
        raise WordingError(
            "wording.tone", f"{where} says {', '.join(rude)}; say it respectfully", where=where, words=tuple(rude)
        )
    for consequence, words in language.implies.items():
        said = [word for word in words if _holds(low, word)]
        if said and consequence not in consequences:
            raise WordingError(
                "wording.undeclared_consequence",
                f"{where} says {', '.join(said)}, so its header must declare the consequence {consequence}",
                where=where,
            )


def _holds(low: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", low) is not None


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _found(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f" (found: {listed})" if listed else ""
