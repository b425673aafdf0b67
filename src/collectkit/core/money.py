"""Money: an integer of minor units with its ISO 4217 currency.

Nothing here converts between currencies, formats for a locale or rounds in silence. "Minor units" always means the
ISO 4217 exponent of the table below; payment providers that deviate have a named function of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import total_ordering
from operator import index
from typing import Final, Literal, NoReturn, get_args

import attrs

from collectkit.core._decimals import own_context
from collectkit.core.errors import CurrencyMismatch, InvalidMoney, MoneyTypeError

__all__ = [
    "ISO_4217_EXPONENTS",
    "MAX_MINOR",
    "Money",
    "Rounding",
    "exponent_of",
    "round_half_even",
    "rounded",
    "sum_by_currency",
    "total",
]

Rounding = Literal["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"]
"""How a figure between two minor units is decided; `half_*` and `up`/`down` are symmetric about zero."""

_ROUNDINGS: Final = get_args(Rounding)

MAX_MINOR: Final = 10**18  # fits a signed 64-bit column with room for sums of eight

# ISO 4217 list one, exponents ("minor unit" column), active codes without funds, metals and testing codes.
# The table is our own because CLDR gives display precision, which differs for some twenty currencies.
_EXPONENT_2: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_EXPONENT_0: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_EXPONENT_3: Final = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENT_4: Final = "CLF UYW"

ISO_4217_EXPONENTS: Final[Mapping[str, int]] = {
    code: digits
    for digits, codes in ((2, _EXPONENT_2), (0, _EXPONENT_0), (3, _EXPONENT_3), (4, _EXPONENT_4))
    for code in codes.split()
}
"""Active ISO 4217 currencies with their number of minor digits (list of 2026)."""

_SCALES: Final = {code: 10**digits for code, digits in ISO_4217_EXPONENTS.items()}
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
# Wide enough for every amount we accept, deaf to the host's context, and refusing floats and lost digits.
_EXACT: Final = own_context(60, exact=True)


def exponent_of(currency: str) -> int:
    """Return the number of minor digits of an ISO 4217 `currency`; codes are upper case.

    >>> exponent_of("EUR"), exponent_of("JPY"), exponent_of("KWD")
    (2, 0, 3)

    Raises:
        InvalidMoney: `money.unknown_currency`.
    """
    try:
        return ISO_4217_EXPONENTS[currency]
    except (KeyError, TypeError):
        _refuse_currency(currency)


def round_half_even(numerator: int, denominator: int) -> int:
    """Divide two integers and round to the nearest, ties to the even neighbour; `denominator` > 0.

    >>> [round_half_even(n, 2) for n in (1, 3, 5, -1, -3)]
    [0, 2, 2, 0, -2]
    """
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def rounded(value: Fraction | int, rounding: Rounding = "half_even") -> int:
    """Round an exact number to a whole one in the named way.

    >>> [rounded(Fraction(-5, 2), mode) for mode in ("half_even", "half_up", "half_down", "up", "down")]
    [-2, -3, -2, -3, -2]

    Raises:
        InvalidMoney: `money.rounding` for a name that is no `Rounding`.
    """
    if rounding not in _ROUNDINGS:
        names = ", ".join(_ROUNDINGS)
        raise InvalidMoney("money.rounding", f"no rounding is called {rounding!r}; choose from: {names}")
    numerator, denominator = value.numerator, value.denominator
    if denominator == 1:
        return numerator
    if rounding == "half_even":
        return round_half_even(numerator, denominator)
    floor, remainder = divmod(numerator, denominator)
    if rounding == "floor":
        return floor
    if rounding == "ceiling":
        return floor + 1
    away, toward = (floor, floor + 1) if numerator < 0 else (floor + 1, floor)
    if rounding == "up":
        return away
    if rounding == "down":
        return toward
    twice = 2 * remainder
    if twice != denominator:
        return floor + 1 if twice > denominator else floor
    return away if rounding == "half_up" else toward


@total_ordering
@attrs.frozen(repr=False, order=False)
class Money:
    """An exact sum of one currency, held as whole minor units (cents, pence, yen).

    Arithmetic between two currencies raises; equality between them is False. There is no truth value to trip over:
    zero money is as true as any other. |minor| is at most 10**18.

    >>> Money(1234, "EUR") + Money.of("0.66", "EUR")
    Money(1300, 'EUR')
    >>> str(Money(-5, "EUR")), str(Money(1500, "JPY")), str(Money(1, "KWD"))
    ('-0.05 EUR', '1500 JPY', '0.001 KWD')

    Raises:
        MoneyTypeError: `money.float`, `money.bool` or `money.type` for anything but a whole number.
        InvalidMoney: `money.unknown_currency`, `money.out_of_range`.
    """

    minor: int = attrs.field()
    currency: str = attrs.field()

    @minor.validator
    def _check_minor(self, _attribute: object, value: object) -> None:
        if type(value) is not int:
            value = _whole(value, "minor units")  # numpy integers and other exact integers
            object.__setattr__(self, "minor", value)
        if not -MAX_MINOR <= value <= MAX_MINOR:
            raise InvalidMoney("money.out_of_range", "more than 10**18 minor units; split the sum, or check its unit")

    @currency.validator
    def _check_currency(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or value not in _SCALES:
            _refuse_currency(value)

    # -- making ------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, amount: str | Decimal | int, currency: str, *, rounding: Rounding | None = None) -> Money:
        """Make money from whole currency units: text such as "12.30", a Decimal or an int.

        Text follows one ASCII grammar, `[+-]digits[.digits]`; figures as people write them belong to an importer that
        knows the decimal mark. More digits than the currency has are refused unless `rounding` is named.

        >>> Money.of("12.30", "EUR"), Money.of(5, "JPY"), Money.of("0.125", "EUR", rounding="half_even")
        (Money(1230, 'EUR'), Money(5, 'JPY'), Money(12, 'EUR'))

        Raises:
            MoneyTypeError: `money.float`, `money.bool`, `money.type`.
            InvalidMoney: `money.syntax`, `money.not_finite`, `money.precision`, `money.out_of_range`,
                `money.unknown_currency`.
        """
        if not isinstance(currency, str) or currency not in _SCALES:
            _refuse_currency(currency)
        exact = _fraction_of(amount) * _SCALES[currency]
        if exact.denominator != 1 and rounding is None:
            raise InvalidMoney(
                "money.precision",
                f"{currency} has {ISO_4217_EXPONENTS[currency]} minor digits and the amount has more; "
                "name a rounding to accept it",
            )
        return cls(rounded(exact, rounding or "half_even"), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Make zero of a currency.

        >>> Money.zero("USD")
        Money(0, 'USD')
        """
        return cls(0, currency)

    # -- reading -----------------------------------------------------------------------------------------------

    def to_decimal(self) -> Decimal:
        """Return the amount in whole currency units, with exactly the currency's digits.

        >>> Money(1230, "EUR").to_decimal()
        Decimal('12.30')
        """
        return Decimal(self.minor).scaleb(-ISO_4217_EXPONENTS[self.currency], _EXACT)

    def plain(self) -> str:
        """Return the amount as ASCII digits without the currency, readable by `Money.of`.

        >>> Money(-7, "EUR").plain()
        '-0.07'
        """
        digits = ISO_4217_EXPONENTS[self.currency]
        if digits == 0:
            return str(self.minor)
        whole, part = divmod(abs(self.minor), _SCALES[self.currency])
        return f"{'-' if self.minor < 0 else ''}{whole}.{part:0{digits}d}"

    @property
    def is_zero(self) -> bool:
        """Say whether nothing is there."""
        return self.minor == 0

    @property
    def is_positive(self) -> bool:
        """Say whether the sum is above zero."""
        return self.minor > 0

    @property
    def is_negative(self) -> bool:
        """Say whether the sum is below zero."""
        return self.minor < 0

    def __repr__(self) -> str:
        return f"Money({self.minor}, {self.currency!r})"

    def __str__(self) -> str:
        return f"{self.plain()} {self.currency}"

    # -- arithmetic --------------------------------------------------------------------------------------------

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency, "add")
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency, "subtract")
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return self if self.minor >= 0 else -self

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            times = _whole(times, "a product; rounding needs Money.times(factor, rounding=...)")
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency, "compare")
        return self.minor < other.minor

    def times(self, factor: Fraction | Decimal | int, *, rounding: Rounding) -> Money:
        """Multiply by an exact factor and round to minor units in the named way.

        >>> Money(1000, "EUR").times(Fraction(1, 3), rounding="half_up")
        Money(333, 'EUR')

        Raises:
            MoneyTypeError: `money.float` for a float factor.
        """
        if not isinstance(factor, Fraction):
            factor = _fraction_of(factor)
        return Money(rounded(self.minor * factor, rounding), self.currency)

    def split(self, parts: int) -> tuple[Money, ...]:
        """Divide into `parts` that sum to the whole and differ by at most one minor unit; the first get the rest.

        A negative sum is divided as its mirror image. Parts can be zero when there are more parts than minor units.

        >>> Money(10000, "EUR").split(3)
        (Money(3334, 'EUR'), Money(3333, 'EUR'), Money(3333, 'EUR'))

        Raises:
            InvalidMoney: `money.parts` unless `parts` is a whole number from 1 to 100,000.
        """
        if type(parts) is not int or not 1 <= parts <= 100_000:
            raise InvalidMoney("money.parts", "the number of parts must be a whole number from 1 to 100,000")
        sign = -1 if self.minor < 0 else 1
        quotient, rest = divmod(abs(self.minor), parts)
        less = Money(sign * quotient, self.currency)
        more = Money(sign * (quotient + 1), self.currency) if rest else less
        return (more,) * rest + (less,) * (parts - rest)

    def allocate(self, weights: Sequence[int | Decimal | Fraction]) -> tuple[Money, ...]:
        """Divide in proportion to `weights`; parts sum to the whole, the largest remainders get the odd units.

        Ties go to the earlier part. A weight of zero gets exactly zero, and `allocate(-x)` mirrors `allocate(x)`.

        >>> Money(100, "EUR").allocate([1, 1, 0, 4])
        (Money(17, 'EUR'), Money(17, 'EUR'), Money(0, 'EUR'), Money(66, 'EUR'))

        Raises:
            InvalidMoney: `money.ratio` when weights are empty, negative or all zero.
        """
        shares = [weight if isinstance(weight, Fraction) else _fraction_of(weight) for weight in weights]
        whole = sum(shares, Fraction(0))
        if whole <= 0 or any(share < 0 for share in shares):
            raise InvalidMoney("money.ratio", "weights must be zero or more, and at least one above zero")
        sign, amount = (-1, -self.minor) if self.minor < 0 else (1, self.minor)
        exact = [amount * share / whole for share in shares]
        parts = [part.numerator // part.denominator for part in exact]
        # at most len(parts) - 1 units are left, and a zero weight has remainder zero, so it never gets one
        by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
        for i in by_remainder[: amount - sum(parts)]:
            parts[i] += 1
        return tuple(Money(sign * part, self.currency) for part in parts)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Add up amounts of one `currency`; an empty sum is zero of it.

    >>> total([Money(100, "EUR"), Money(-30, "EUR")], "EUR")
    Money(70, 'EUR')

    Raises:
        CurrencyMismatch: an amount is of another currency.
    """
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise CurrencyMismatch(currency, amount.currency, "add")
        minor += amount.minor
    return Money(minor, currency)


def sum_by_currency(amounts: Iterable[Money]) -> dict[str, Money]:
    """Add up amounts per currency, in alphabetical order of the codes; nothing is converted.

    >>> sum_by_currency([Money(5, "USD"), Money(7, "EUR"), Money(1, "USD")])
    {'EUR': Money(7, 'EUR'), 'USD': Money(6, 'USD')}
    """
    sums: dict[str, int] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return {code: Money(sums[code], code) for code in sorted(sums)}


# -- details ---------------------------------------------------------------------------------------------------


def _fraction_of(amount: object) -> Fraction:
    """Read an exact number; the digits are limited before any work in proportion to them is done."""
    if type(amount) is int:
        return Fraction(amount)
    if isinstance(amount, str):
        if len(amount) > 64 or _PLAIN_NUMBER.fullmatch(amount) is None:
            if amount.strip().lower().lstrip("+-") in {"nan", "snan", "inf", "infinity"}:
                raise InvalidMoney("money.not_finite", "an amount must be a finite number")
            raise InvalidMoney(
                "money.syntax",
                "an amount is ASCII digits with an optional sign and point, such as -1234.50; "
                "figures as people write them go through the ledger import, which knows the decimal mark",
            )
        return Fraction(amount)
    if isinstance(amount, Decimal):
        if not amount.is_finite():
            raise InvalidMoney("money.not_finite", "an amount must be a finite number")
        if amount.is_zero():
            return Fraction(0)
        exponent = amount.as_tuple().exponent
        if amount.adjusted() > 64:
            raise InvalidMoney("money.out_of_range", "more than 10**18 minor units; check the unit of the amount")
        if isinstance(exponent, int) and exponent < -64:
            raise InvalidMoney("money.precision", "the amount has more than 64 digits after the point")
        return Fraction(Decimal(amount))
    return Fraction(_whole(amount, "an amount"))


def _whole(value: object, what: str) -> int:
    """Take an exact integer of any type; a float, a bool and the rest are refused."""
    if isinstance(value, (bool, float)) or not hasattr(value, "__index__"):
        _refuse_type(value, what)
    try:
        return index(value)
    except TypeError:  # some types have the method and refuse to use it
        _refuse_type(value, what)


def _refuse_type(value: object, what: str) -> NoReturn:
    name = type(value).__name__
    if isinstance(value, bool) or name.startswith("bool"):
        raise MoneyTypeError("money.bool", f"{what} was given a bool; pass a whole number")
    if isinstance(value, float) or "float" in name:
        raise MoneyTypeError("money.float", f"{what} was given a float; pass text, int minor units or a Decimal")
    raise MoneyTypeError("money.type", f"{what} was given {name}; pass text, int minor units or a Decimal")


def _refuse_currency(currency: object) -> NoReturn:
    shown = repr(currency) if isinstance(currency, str) and len(currency) <= 8 else type(currency).__name__
    hint = ""
    if isinstance(currency, str) and currency.strip().upper() in ISO_4217_EXPONENTS:
        hint = f"; write {currency.strip().upper()}"
    raise InvalidMoney("money.unknown_currency", f"{shown} is no active ISO 4217 currency{hint}")
