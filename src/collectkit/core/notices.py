"""Which notice texts exist, in which languages and channels, what each names and threatens: facts for checking.

No text stands here and nothing is rendered; `wording` fills a manifest, `strategy` checks a ladder against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from collectkit.core.checks import as_tuple, each, identifier, texts
from collectkit.core.records import Channel

__all__ = ["MILD_CONSEQUENCES", "NoticeManifest", "NoticeText"]

MILD_CONSEQUENCES: Final = frozenset({"further-reminder", "formal-demand", "further-steps", "reminders-resume"})
"""What a notice may announce without a ladder that does something to the debtor; all others it must really reach."""


@attrs.frozen(kw_only=True)
class NoticeText:
    """One notice in one language: through which channels it can go, which facts it states, what it threatens."""

    notice: str = attrs.field(validator=identifier)
    locale: str = attrs.field(validator=identifier)
    kind: str = attrs.field(validator=identifier)
    channels: tuple[Channel, ...] = attrs.field(converter=as_tuple, validator=each(Channel))
    consequences: tuple[str, ...] = attrs.field(default=(), converter=texts)
    facts: tuple[str, ...] = attrs.field(default=(), converter=texts)


@attrs.frozen(kw_only=True)
class NoticeManifest:
    """All notice texts that a renderer holds.

    >>> text = NoticeText(notice="friendly", locale="de", kind="dunning", channels=[Channel.EMAIL])
    >>> manifest = NoticeManifest(texts=[text])
    >>> manifest.missing(notices=["friendly"], locales=["de_AT", "fr_FR"])
    ('friendly in fr_FR',)
    """

    texts: tuple[NoticeText, ...] = attrs.field(default=(), converter=as_tuple, validator=each(NoticeText))

    @property
    def notices(self) -> tuple[str, ...]:
        """Return the names of all notices, sorted."""
        return tuple(sorted({text.notice for text in self.texts}))

    def find(self, notice: str, locale: str) -> NoticeText | None:
        """Return the text for a locale, or for its language where the country has none of its own; never another's."""
        wanted = locale.replace("-", "_")
        for tag in (wanted, wanted.partition("_")[0]):
            for text in self.texts:
                if text.notice == notice and text.locale == tag:
                    return text
        return None

    def consequences_of(self, notice: str) -> tuple[str, ...]:
        """Return everything that a notice threatens in any language."""
        named = [name for text in self.texts if text.notice == notice for name in text.consequences]
        return tuple(dict.fromkeys(named))

    def missing(
        self, *, notices: Iterable[str], locales: Iterable[str], channels: Iterable[Channel] = ()
    ) -> tuple[str, ...]:
        """List what a strategy needs and has no text for, such as `friendly in fr_FR` or `friendly in de for phone`."""
        wanted, asked = tuple(locales), tuple(channels)
        found = []
        for notice in notices:
            for locale in wanted:
                text = self.find(notice, locale)
                if text is None:
                    found.append(f"{notice} in {locale}")
                else:
                    found += [f"{notice} in {locale} for {one}" for one in asked if one not in text.channels]
        return tuple(found)
