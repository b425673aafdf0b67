"""The page around the figures: numbers and dates for people, pictures, and the template that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Final

import attrs

from collectkit._report.figures import CurrencyFigures, LeftAlone, RunFigures
from collectkit._report.pictures import BUCKET_COLOURS, STAGE_COLOURS, aged_bars, colours_of, stage_areas
from collectkit.core.aging import AgingReport
from collectkit.core.errors import MissingOptionalDependency, WordingError
from collectkit.core.money import Money, exponent_of, rounded

__all__ = ["page_of"]

_ASSETS: Final = "report_assets"
_DAY: Final = timedelta(days=1)

KINDS: Final = {
    "hold": "On hold",
    "decision": "By a rule of the strategy",
    "last-look": "Stopped right before sending",
}

ASKED: Final = {
    "raise-task": "Task",
    "grant-entitlement": "Reward",
    "request-approval": "Approval asked for",
    "place-with-agency": "Placement with an agency",
    "restrict-service": "Restriction of service",
    "restore-service": "Restoration of service",
    "dead-end": "Dead end",
}

LABELS: Final = {
    "dispute": "Dispute",
    "hardship": "Hardship",
    "promise": "Promise to pay",
    "plan": "Payment plan that is kept",
    "insolvency": "Insolvency",
    "breathing_space": "Breathing space",
    "breathing_space_crisis": "Breathing space in a crisis",
    "mediation": "Mediation",
    "deceased": "Debtor deceased",
    "cease_communication": "Asked that contact cease",
    "represented": "Represented by a lawyer",
    "in_transit": "Money in transit",
    "manual": "Hold placed by hand",
    "email": "E-mail",
    "sms": "SMS",
    "messenger_app": "Messaging app",
    "escalation.blocked": "Not escalated: something is still missing for the next stage",
    "escalation.suppressed": "Stopped before sending time and again; a person should look",
    "escalation.bounced": "Came back from every address; a person should look",
    "escalation.expired": "Leave for the step has ended",
    "strategy.materiality": "Too small to chase",
    "strategy.settled_or_held": "Settled or held in the meantime",
    "strategy.held": "Held in the meantime",
    "strategy.cured": "Cured in the meantime",
    "strategy.window_over": "The time for it was over",
    "strategy.contact_point": "The address is no longer known",
    "contact.cap": "Contacted often enough",
    "contact.days_between": "Too soon after the last notice",
    "contact.hours": "Outside contact hours",
    "contact.invalid": "The address does not work",
    "contact.opted_out": "Opted out of messages to the address",
    "contact.no_contact_point": "No address for the channel",
    "contact.zone_unknown": "Time zone not known",
}


class Words:
    """Numbers and dates as people of one locale write them."""

    def __init__(self, locale: str) -> None:
        from babel import Locale, UnknownLocaleError  # core and figures stay free of it

        try:
            self._locale = Locale.parse(locale.replace("-", "_"))
        except (UnknownLocaleError, ValueError) as unknown:
            raise WordingError(
                "report.locale", f"locale {locale!r} is not known; give one such as en_GB or de_DE", locale=locale
            ) from unknown

    @property
    def tag(self) -> str:
        """Return the language tag of the sentences, which are English."""
        return "en"

    def number(self, value: int | Decimal, places: int = 0) -> str:
        """Write a number with its thousands apart and exactly so many places."""
        from babel.numbers import format_decimal

        pattern = "#,##0" if places == 0 else "#,##0." + "0" * places
        return format_decimal(value, format=pattern, locale=self._locale)

    def money(self, amount: Money) -> str:
        """Write an amount without its currency, to the last minor unit."""
        return self.number(amount.to_decimal(), exponent_of(amount.currency))

    def full_money(self, amount: Money) -> str:
        """Write an amount with its currency's code before it."""
        return f"{amount.currency}\N{NO-BREAK SPACE}{self.money(amount)}"

    def compact(self, value: float) -> str:
        """Write a number of an axis shortly, such as 20K."""
        from babel.numbers import format_compact_decimal

        return format_compact_decimal(round(value), locale=self._locale)

    def ratio(self, value: Fraction | None, places: int = 1) -> str:
        """Write a ratio rounded half up to so many places; a dash where there is none."""
        if value is None:
            return "\N{EN DASH}"
        scaled = rounded(value * 10**places, "half_up")
        return self.number(Decimal(scaled).scaleb(-places), places)

    def per_cent(self, value: Fraction | None) -> str:
        """Write a share of one as a percentage."""
        if value is None:
            return "\N{EN DASH}"
        return f"{self.ratio(value * 100)}\N{NO-BREAK SPACE}%"

    def day(self, on: date) -> str:
        """Write a day in full."""
        from babel.dates import format_date

        return format_date(on, format="medium", locale=self._locale)

    def short_day(self, on: date) -> str:
        """Write a day without its year."""
        from babel.dates import format_skeleton

        return format_skeleton("MMMd", on, locale=self._locale)


def page_of(figures: RunFigures, *, locale: str, accounts_shown: int) -> str:
    """Fill the template."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as missing:
        raise MissingOptionalDependency("report", "jinja2") from missing
    words = Words(locale)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        n=words.number,
        items=lambda count: f"{words.number(count)} {'item' if count == 1 else 'items'}",
        accounts=lambda count: f"{words.number(count)} {'account' if count == 1 else 'accounts'}",
        money=words.money,
        full=words.full_money,
        ratio=words.ratio,
        pct=words.per_cent,
        day=words.day,
        label=label_of,
    )
    template = environment.from_string(_asset("report.html.j2"))
    return template.render(
        f=figures,
        style=_asset("report.css"),
        last_on=figures.end_on - _DAY,
        before_on=figures.start_on - _DAY,
        aged=_aged(figures, words),
        stages=_stages(figures, words),
        past_due=(figures.opening.accounts_past_due, figures.closing.accounts_past_due),
        notices=_notice_totals(figures),
        left=_left(figures, accounts_shown),
        asked=figures.asked,
        kinds=ASKED,
        shown=accounts_shown,
        lang=words.tag,
    )


# -- details ---------------------------------------------------------------------------------------------------


def _asset(name: str) -> str:
    return (files("collectkit") / _ASSETS / name).read_text(encoding="utf-8")


def label_of(code: str) -> str:
    """Write a code in words: known ones by their label, others with their dashes and dots taken out.

    >>> label_of("breathing_space"), label_of("contact.daily_cap"), label_of("final-demand")
    ('Breathing space', 'Contact: daily cap', 'Final demand')
    """
    if code in LABELS:
        return LABELS[code]
    room, dot, reason = code.partition(".")
    if dot and " " not in code:
        return f"{_spaced(room).capitalize()}: {_spaced(reason)}"
    said = _spaced(code)
    return said[:1].upper() + said[1:]


def _spaced(code: str) -> str:
    return code if " " in code else code.replace("_", " ").replace("-", " ")


@attrs.frozen(kw_only=True)
class _Aged:
    """One currency's aged balances, ready for the page."""

    currency: str
    movement: CurrencyFigures | None
    bands: tuple[tuple[str, str, int, Money, int, Money], ...]  # code, colour, then number and amount, before and after
    totals: tuple[int, Money, int, Money]
    picture: str


def _aged(figures: RunFigures, words: Words) -> tuple[_Aged, ...]:
    codes = sorted({one.currency for report in (figures.opening, figures.closing) for one in report.currencies})
    movements = {one.currency: one for one in figures.currencies}
    shown = []
    for place, currency in enumerate(codes):
        before, after = _bands(figures.opening, currency), _bands(figures.closing, currency)
        names = list(before or after)
        colours = colours_of(BUCKET_COLOURS, len(names))
        bands = tuple(
            (
                name,
                colour,
                *before.get(name, (0, Money.zero(currency))),
                *after.get(name, (0, Money.zero(currency))),
            )
            for name, colour in zip(names, colours, strict=True)
        )
        rows = [
            (label, [float(bands_of[name][1].to_decimal()) if name in bands_of else 0.0 for name in names])
            for label, bands_of in (
                (words.day(figures.start_on - _DAY), before),
                (words.day(figures.end_on - _DAY), after),
            )
        ]
        picture = aged_bars(
            f"aged-{place}",
            title=f"Open balances in {currency} by days past due, at the start and at the end of the period; "
            "the table beside it holds the figures",
            rows=rows,
            number=words.compact,
        )
        totals = (
            sum(number for number, _ in before.values()),
            Money(sum(amount.minor for _, amount in before.values()), currency),
            sum(number for number, _ in after.values()),
            Money(sum(amount.minor for _, amount in after.values()), currency),
        )
        shown.append(
            _Aged(currency=currency, movement=movements.get(currency), bands=bands, totals=totals, picture=picture)
        )
    return tuple(shown)


def _bands(report: AgingReport, currency: str) -> dict[str, tuple[int, Money]]:
    found = report.of(currency)
    return {} if found is None else {row.bucket: (row.count, row.amount) for row in found.rows}


@attrs.frozen(kw_only=True)
class _Stages:
    """Stages over time, ready for the page: a picture, and the numbers on a few days."""

    picture: str
    colours: tuple[str, ...]
    days: tuple[date, ...]
    rows: tuple[tuple[str, str, tuple[int, ...]], ...]


def _stages(figures: RunFigures, words: Words) -> _Stages | None:
    history = figures.stages
    if not history.stages:
        return None
    colours = colours_of(STAGE_COLOURS, len(history.stages))
    last = len(history.days) - 1
    places = sorted({0, last // 3, 2 * last // 3, last})
    return _Stages(
        picture=stage_areas(
            "stages",
            title="Accounts by stage, day by day; the table below holds the figures of a few days",
            history=history,
            end_on=figures.end_on,
            day=words.short_day,
        ),
        colours=colours,
        days=tuple(history.days[place] for place in places),
        rows=tuple(
            (stage, colour, tuple(counts[place] for place in places))
            for stage, colour, counts in zip(history.stages, colours, history.counts, strict=True)
        ),
    )


def _notice_totals(figures: RunFigures) -> dict[str, int]:
    names = ("requested", "sent", "bounced", "suppressed", "waiting")
    return {name: sum(getattr(one, name) for one in figures.notices) for name in names}


@attrs.frozen(kw_only=True)
class _Left:
    """One group of reasons, ready for the page; `share` is the length of a bar in per cent."""

    title: str
    unit: str
    rows: tuple[tuple[LeftAlone, int, Sequence[str]], ...]


def _left(figures: RunFigures, accounts_shown: int) -> tuple[_Left, ...]:
    groups = []
    for kind, title in KINDS.items():
        found = [one for one in figures.left_alone if one.kind == kind]
        most = max((len(one.accounts) for one in found), default=1)
        rows = tuple((one, 100 * len(one.accounts) // most, one.accounts[:accounts_shown]) for one in found)
        if rows:
            groups.append(_Left(title=title, unit="notices" if kind == "last-look" else "days", rows=rows))
    return tuple(groups)
