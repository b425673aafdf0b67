"""Who the sample debtors are: plainly made-up names, reserved domains and fictitious telephone numbers.

Nobody can be reached at any address here. Mail domains are those that RFC 2606 reserves; telephone numbers come from
ranges that the national regulators keep for films and teaching.
"""

from __future__ import annotations

from random import Random
from typing import Final, TypeVar

import attrs

from collectkit.core.records import Debtor, DebtorKind, Flag

T = TypeVar("T")

BOUNCE_DOMAIN: Final = "bounce.invalid"
"""Mail to this domain never arrives; `.invalid` is reserved for that (RFC 2606, section 2)."""


class Dice:
    """Chance from a seed, the same on every Python version: everything is drawn through `Random.random`."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both possible."""
        return low + int(self._random.random() * (high - low + 1))

    def is_lucky(self, per_cent: int) -> bool:
        """Say yes in about `per_cent` of a hundred draws."""
        return self._random.random() * 100 < per_cent

    def pick(self, choices: tuple[T, ...]) -> T:
        """Draw one of the choices."""
        return choices[self.between(0, len(choices) - 1)]


@attrs.frozen(kw_only=True)
class Place:
    """A country of the sample: its language, zone and money, and how people and firms are called there."""

    locale: str
    zone: str
    second_zone: str | None
    jurisdiction: str
    currency: str
    other_currency: str
    person: str
    firms: tuple[str, ...]
    mail_domain: str
    mobile: tuple[str, int, int]
    """A prefix, the number of digits that follow it, and how many numbers the reserved range holds."""
    street: str


PLACES: Final = (
    Place(
        locale="de_DE",
        zone="Europe/Berlin",
        second_zone=None,
        jurisdiction="DE",
        currency="EUR",
        other_currency="USD",
        person="Schuldner",
        firms=("Musterfirma {} GmbH", "Beispielwerk {} AG", "Probehandel {} KG"),
        mail_domain="example.com",
        mobile=("+493023125", 3, 1000),  # Bundesnetzagentur, notice 148/2021: (0)30 23125 000 to 999
        street="Musterweg {}, 00000 Musterstadt",
    ),
    Place(
        locale="fr_FR",
        zone="Europe/Paris",
        second_zone=None,
        jurisdiction="FR",
        currency="EUR",
        other_currency="GBP",
        person="Débiteur",
        firms=("Société Exemple {} SARL", "Atelier Modèle {} SAS"),
        mail_domain="example.net",
        mobile=("+3363998", 4, 10000),  # Arcep, decision 2018-0881: 06 39 98 for audiovisual works
        street="{} rue de l'Exemple, 00000 Exempleville",
    ),
    Place(
        locale="en_GB",
        zone="Europe/London",
        second_zone=None,
        jurisdiction="GB",
        currency="GBP",
        other_currency="EUR",
        person="Debtor",
        firms=("Example Trading {} Ltd", "Sample Works {} Ltd"),
        mail_domain="example.org",
        mobile=("+447700900", 3, 1000),  # Ofcom, numbers for drama: 07700 900000 to 900999
        street="{} Example Street, Sampletown ZZ99 9ZZ",
    ),
    Place(
        locale="en_US",
        zone="America/New_York",
        second_zone="America/Chicago",
        jurisdiction="US-NY",
        currency="USD",
        other_currency="EUR",
        person="Debtor",
        firms=("Sample Company {} LLC", "Example Supply {} Inc."),
        mail_domain="example.com",
        mobile=("+12125550", 3, 100),  # North American plan: 555-0100 to 555-0199 in every area
        street="{} Sample Avenue, Exampletown 00000",
    ),
)


def debtor_of(index: int, place: Place, kind: DebtorKind, flags: tuple[Flag, ...], dice: Dice) -> Debtor:
    """Make debtor number `index` of a place; the name holds the number and nothing of a real person."""
    if kind is DebtorKind.BUSINESS:
        name = dice.pick(place.firms).format(index)
    else:
        name = f"{place.person} {index:04d}"
    zones: tuple[str, ...] = (place.zone,)
    if place.second_zone is not None and dice.is_lucky(10):
        zones = (place.zone, place.second_zone)
    return Debtor(
        debtor_id=f"D-{index:04d}",
        kind=kind,
        name=name,
        locale=place.locale,
        zones=zones,
        jurisdiction=place.jurisdiction,
        flags=flags,
    )


def mail_of(index: int, place: Place, kind: DebtorKind, *, bounces: bool) -> str:
    """Give a mail address under a reserved domain."""
    box = "accounts" if kind is DebtorKind.BUSINESS else "debtor"
    return f"{box}-{index:04d}@{BOUNCE_DOMAIN if bounces else place.mail_domain}"


def mobile_of(index: int, place: Place) -> str:
    """Give a telephone number from a range reserved for fiction."""
    prefix, digits, size = place.mobile
    offset = 100 if place.jurisdiction.startswith("US") else 0  # only 0100 to 0199 of the 555 block
    return f"{prefix}{offset + index % size:0{digits}d}"


def street_of(index: int, place: Place) -> str:
    """Give a postal address in a town that does not exist."""
    return place.street.format(index)
