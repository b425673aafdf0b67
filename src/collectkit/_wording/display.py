"""How names, sums and days are shown to a debtor: cleaned, exact, in the debtor's language. No text stands here."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final

from collectkit.core.errors import WordingError
from collectkit.core.money import Money, exponent_of

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["babel_locale", "day_text", "display_name", "money_text", "plain_spaces", "safe_header", "sums_text"]

NAME_MAX: Final = 120
_FSI, _PDI = "\u2068", "\u2069"
# Controls, format characters (bidi, zero width), surrogates, unassigned, line and paragraph separators.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
_LETTER_THEN_DIGIT: Final = re.compile(r"([^\W\d_]\.?)(\d)")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


def display_name(name: str) -> str:
    r"""Return a name fit to be shown: no control, bidi or zero-width character, at most 120 characters.

    A right-to-left name is isolated, so that it cannot turn the line around. What has no letter or digit is empty.

    >>> display_name("Ann\u202ea  Weber\r\nBcc: x")
    'Anna Weber Bcc: x'
    """
    kept = "".join(
        " " if char.isspace() else char
        for char in name[: 10 * NAME_MAX]
        if char.isspace() or unicodedata.category(char) not in _HIDDEN
    )
    shown = " ".join(kept.split())
    if len(shown) > NAME_MAX:
        shown = shown[: NAME_MAX - 1].rstrip() + "…"
    if not any(char.isalnum() for char in shown):
        return ""
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in shown):
        return f"{_FSI}{shown}{_PDI}"
    return shown


def safe_header(text: str) -> str:
    """Return a one-line header as it is; a line break or another control in it is refused before anything is sent.

    Raises:
        WordingError: `messenger.unsafe_header`.
    """
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
            raise WordingError(
                "messenger.unsafe_header",
                f"the subject holds the control character U+{ord(char):04X}; strip it from the text or the profile",
            )
    return text


@cache
def babel_locale(tag: str) -> Locale:
    """Return the CLDR locale of a tag, or that of its language where the country is not known with it.

    Raises:
        WordingError: `wording.locale` for a language that CLDR does not know.
    """
    from babel import Locale, UnknownLocaleError

    wanted = tag.replace("-", "_")
    for name in (wanted, wanted.partition("_")[0]):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    raise WordingError("wording.locale", "the debtor's locale is no CLDR tag; write one such as de_DE")


@cache
def _money_pattern(tag: str, digits: int) -> object:
    # Babel shows the CLDR's digits, which are not ISO 4217's for some twenty currencies (IQD 0 against 3), and rounds
    # to them: so the pattern is given the digits that the sum really has.
    pattern = copy.copy(babel_locale(tag).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


def money_text(amount: Money, locale: str) -> str:
    r"""Show a sum with all its minor digits.

    >>> money_text(Money(123450, "EUR"), "en_US"), money_text(Money(1500, "IQD"), "en_US")
    ('€1,234.50', 'IQD\xa01.500')
    """
    pattern = _money_pattern(locale, exponent_of(amount.currency))
    shown: str = pattern.apply(  # type: ignore[attr-defined] # Babel's NumberPattern, imported late
        amount.to_decimal(), babel_locale(locale), currency=amount.currency, currency_digits=False
    )
    return _LETTER_THEN_DIGIT.sub("\\1\u00a0\\2", shown)  # as CLDR asks, and Babel leaves out


def sums_text(amounts: Sequence[Money], locale: str) -> str:
    """Show sums of several currencies as a list in the language."""
    from babel.lists import format_list

    return format_list([money_text(amount, locale) for amount in amounts], locale=babel_locale(locale))


def day_text(day: date, locale: str) -> str:
    """Show a day in the language's long form without the weekday.

    >>> day_text(date(2026, 3, 12), "de_AT"), day_text(date(2026, 3, 12), "en_GB")
    ('12. März 2026', '12 March 2026')
    """
    from babel.dates import format_date

    locale_found = babel_locale(locale)
    shown = format_date(day, format="long", locale=locale_found)
    if day.day == 1 and locale_found.language == "fr":  # French counts the first of a month; CLDR's pattern does not
        return shown.replace("1", "1er", 1)
    return shown


def plain_spaces(text: str) -> str:
    """Turn no-break spaces to plain ones: a text message with them needs twice the parts."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")
