"""One cell at a time: ids, days, figures and words as a column map says they are written. Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from collectkit.adapters.columns import ColumnMap
from collectkit.core.errors import InvalidMoney
from collectkit.core.money import ISO_4217_EXPONENTS, Money
from collectkit.core.records import Channel, Component, ContactOutcome, DebtorKind, FlagKind, HoldReason

__all__ = ["BadCell", "Cells"]

_FLOAT_ID: Final = re.compile(r"([0-9]{1,30})\.0+", re.ASCII)
_LOST_ID: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+", re.ASCII)
_TIME: Final = re.compile(
    r"[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AP]M)?(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?", re.ASCII
)
_DATES: Final = {
    "ymd": (re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", re.ASCII), (1, 3, 4), "2026-03-12"),
    "dmy": (re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})", re.ASCII), (4, 3, 1), "12.03.2026"),
    "mdy": (re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})", re.ASCII), (4, 1, 3), "3/12/2026"),
}
_YEARS: Final = range(1900, 10_000)
_CACHE_SIZE: Final = 50_000

CHOICES: Final[dict[str, type[StrEnum]]] = {
    "channel": Channel,
    "component": Component,
    "contact_outcome": ContactOutcome,
    "debtor_kind": DebtorKind,
    "flag_kind": FlagKind,
    "hold_reason": HoldReason,
}


class BadCell(Exception):
    """A cell that cannot be read; becomes a rejected row."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Cells:
    """Reads cells as one column map says; `trimmed` is told of every id that lost its ".0"."""

    def __init__(self, column_map: ColumnMap, trimmed: Callable[[str], None]) -> None:
        self.map = column_map
        self.trimmed = trimmed
        self.days: dict[str, date] = {}
        mark = re.escape(column_map.decimal_mark)
        groups = "[ \u00a0\u202f]" if column_map.thousands_mark == " " else re.escape(column_map.thousands_mark)
        grouped = rf"|[0-9]{{1,3}}(?:{groups}[0-9]{{3}})+" if column_map.thousands_mark else ""
        self.figure = re.compile(rf"([+-]?)((?:[0-9]+{grouped}))(?:{mark}([0-9]+))?", re.ASCII)
        self.yes = {word.casefold() for word in column_map.yes}
        self.no = {word.casefold() for word in column_map.no}
        self.readers: dict[str, Callable[[str], Any]] = {
            "id": self.id,
            "ids": self.ids,
            "text": str,
            "texts": self.split,
            "date": self.day,
            "amount": self.amount,
            "currency": self.currency,
            "yes_no": self.yes_no,
            "whole": self.whole,
            "instant": self.instant,
        }

    def read(self, kind: str, text: str) -> Any:
        """Read a cell that is not empty."""
        reader = self.readers.get(kind)
        return reader(text) if reader is not None else self.choice(CHOICES[kind], text)

    def id(self, text: str) -> str:
        """Read an id; one that a spreadsheet made a number of is turned back."""
        if self.map.trims_ids:
            whole = _FLOAT_ID.fullmatch(text)
            if whole is not None:
                self.trimmed(text)
                return whole[1]
        if _LOST_ID.fullmatch(text):
            raise BadCell("ledger.id", "the id was rounded by a spreadsheet; export it as text")
        return text

    def ids(self, text: str) -> tuple[str, ...]:
        """Read a list of ids."""
        return tuple(map(self.id, self.split(text)))

    def split(self, text: str) -> tuple[str, ...]:
        """Read a list of texts."""
        return tuple(part for one in text.split(self.map.separator) if (part := one.strip()))

    def day(self, text: str) -> date:
        """Read a date in the order of the map."""
        known = self.days.get(text)
        if known is not None:
            return known
        bare = text
        if self.map.has_time:
            time = _TIME.search(text)
            if time is not None and time.end() == len(text):
                bare = text[: time.start()]
        pattern, (year, month, day), example = _DATES[self.map.date_order]
        parts = pattern.fullmatch(bare)
        if parts is None:
            raise BadCell(
                "ledger.date", f"no date in the order {self.map.date_order}, such as {example}; name the date order"
            )
        if int(parts[year]) not in _YEARS:
            raise BadCell("ledger.date", f"the year must lie from {_YEARS[0]} to {_YEARS[-1]}")
        try:
            made = date(int(parts[year]), int(parts[month]), int(parts[day]))
        except ValueError:
            raise BadCell("ledger.date", f"there is no such day when read in the order {self.map.date_order}") from None
        if len(self.days) < _CACHE_SIZE:
            self.days[text] = made
        return made

    def amount(self, text: str) -> str:
        """Read a figure to plain digits; money is made of it once its currency is known."""
        parts = self.figure.fullmatch(text)
        if parts is None or len(text) > 40:
            if text.strip("+-").casefold() in {"nan", "inf", "infinity", "null", "none", "n/a", "#n/a", "#value!"}:
                raise BadCell("money.not_finite", "not a number")
            marks = f"decimal mark {self.map.decimal_mark!r}" + (
                f" and thousands mark {self.map.thousands_mark!r}" if self.map.thousands_mark else ", no thousands mark"
            )
            raise BadCell("ledger.amount", f"no figure written with {marks}; name the marks as the ledger has them")
        sign, units, part = parts[1], parts[2], parts[3]
        if self.map.thousands_mark:
            units = "".join(one for one in units if "0" <= one <= "9")
        return f"{'-' if sign == '-' else ''}{units}{'.' + part if part else ''}"

    def money(self, plain: str, currency: str) -> Money:
        """Make money of a plain figure; zeros after the currency's last digit are no loss."""
        units, _, part = plain.partition(".")
        digits = ISO_4217_EXPONENTS[currency]
        if len(part) > digits and not part[digits:].strip("0"):
            plain = f"{units}.{part[:digits]}" if digits else units
        try:
            return Money.of(plain, currency)
        except InvalidMoney as error:
            raise BadCell(error.code, error.text) from None

    def currency(self, text: str) -> str:
        """Read an ISO 4217 code, in either case of letters."""
        code = text.upper()
        if code not in ISO_4217_EXPONENTS or not text.isascii():
            raise BadCell("money.unknown_currency", "no active ISO 4217 currency")
        return code

    def yes_no(self, text: str) -> bool:
        """Read a yes or no."""
        word = text.casefold()
        if word in self.yes:
            return True
        if word in self.no:
            return False
        raise BadCell("ledger.yes_no", f"neither one of {', '.join(sorted(self.yes))} nor a no")

    def whole(self, text: str) -> int:
        """Read a whole number."""
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise BadCell("ledger.whole", "no whole number of at most nine digits")
        return int(text)

    def instant(self, text: str) -> datetime:
        """Read an ISO instant with an offset."""
        try:
            made = datetime.fromisoformat(text)
        except ValueError:
            raise BadCell("ledger.instant", "no instant such as 2026-03-12T10:15:00+01:00") from None
        if made.utcoffset() is None:
            raise BadCell("ledger.instant", "the instant has no offset; write it as 2026-03-12T10:15:00+01:00")
        return made

    def choice(self, kind: type[StrEnum], text: str) -> StrEnum:
        """Read one of a closed set of words."""
        try:
            return kind(text.lower().replace("-", "_").replace(" ", "_"))
        except ValueError:
            raise BadCell("ledger.choice", f"not one of: {', '.join(kind)}") from None
