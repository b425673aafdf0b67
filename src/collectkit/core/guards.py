"""A closed vocabulary of tests on an account's facts: what a strategy may ask, and nothing else.

A guard is data, never a code string: it can be printed, compared, checked before use and evaluated without surprise.
Every test is total: a fact that is not known makes it false, with a reason. The same guards serve segments, stages
and limits. What a fact means stands beside its name in `AccountFacts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias, get_args

import attrs

from collectkit.core.checks import as_frozenset, as_tuple, each, non_negative_int, optional, plain_date, texts
from collectkit.core.errors import InvalidPolicy, InvalidRecord, Problem
from collectkit.core.money import Money, sum_by_currency
from collectkit.core.reading import exact_of

__all__ = [
    "AMOUNT_FACTS",
    "DAY_FACTS",
    "NUMBER_FACTS",
    "SET_FACTS",
    "AccountFacts",
    "All",
    "AmountAtLeast",
    "AmountAtMost",
    "AnyOf",
    "AtLeast",
    "AtMost",
    "Guard",
    "Has",
    "Not",
    "Verdict",
    "bounds_on",
    "implies",
    "in_words",
    "is_lost_with_time",
    "judge",
]


def _feature(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Accept an exact number that can be compared: NaN and a bool would slip through every test."""
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        raise InvalidRecord(
            "segments.invalid_feature",
            f"{attribute.name} needs a whole number or a Fraction, not {type(value).__name__}; None says it is unknown",
            field=attribute.name,
        )


def _share(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    _feature(instance, attribute, value)
    if isinstance(value, (int, Fraction)) and not 0 <= value <= 1:
        raise InvalidRecord(
            "segments.invalid_feature", f"{attribute.name} is a share from 0 to 1", field=attribute.name
        )


@attrs.frozen(kw_only=True)
class AccountFacts:
    """What is known about an account on one day, ready for tests.

    Only principal counts as past due, settled or late: charges do not make a debtor worse. A receivable is settled
    late when it was paid in full after its due date. Ratios are exact fractions; None means that there is nothing to
    divide by yet.

    Raises:
        InvalidRecord: `segments.invalid_feature` for a score or ratio that is no exact number, or a share outside 0 to 1.
    """

    as_of: date = attrs.field(validator=plain_date)
    days_past_due: int = attrs.field(default=0, validator=non_negative_int)
    """Days past due of the oldest principal that is past due; 0 where none is."""
    past_due_count: int = attrs.field(default=0, validator=non_negative_int)
    """How many receivables or plan instalments are past due."""
    open_count: int = attrs.field(default=0, validator=non_negative_int)
    """How many receivables have something open."""
    settled_count: int = attrs.field(default=0, validator=non_negative_int)
    """How many receivables were ever settled."""
    late_settled_count: int = attrs.field(default=0, validator=non_negative_int)
    """How many of the settled ones were settled after their due date."""
    late_ratio: Fraction | None = attrs.field(default=None, validator=optional(_share))
    """Settled late as a share of all settled."""
    days_known: int | None = attrs.field(default=None, validator=optional(non_negative_int))
    """Days since the account was opened or, where that is not known, since its first receivable was issued."""
    days_beyond_terms: Fraction | None = attrs.field(default=None, validator=optional(_feature))
    """Mean of settlement day minus due day over all settled receivables; negative means early."""
    promises_kept: int = attrs.field(default=0, validator=non_negative_int)
    promises_broken: int = attrs.field(default=0, validator=non_negative_int)
    plans_broken: int = attrs.field(default=0, validator=non_negative_int)
    payments_returned: int = attrs.field(default=0, validator=non_negative_int)
    notices_sent: int = attrs.field(default=0, validator=non_negative_int)
    """Notices sent in the present cycle."""
    cycle: int = attrs.field(default=0, validator=non_negative_int)
    """How often the account was cured before."""
    score: int | None = attrs.field(default=None, validator=optional(_feature))
    """A score that the host brought, on the host's own scale, or None."""
    arrears: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    """What is past due, one sum per currency."""
    amount_open: tuple[Money, ...] = attrs.field(default=(), converter=as_tuple, validator=each(Money))
    """What is owed in all, charges included, one sum per currency."""
    debtor_kind: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)
    flag: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)
    """Kinds of the flags that stand today."""
    label: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)
    jurisdiction: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)
    creditor: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)


NUMBER_FACTS: Final = (
    "days_past_due",
    "past_due_count",
    "open_count",
    "settled_count",
    "late_settled_count",
    "late_ratio",
    "days_known",
    "days_beyond_terms",
    "promises_kept",
    "promises_broken",
    "plans_broken",
    "payments_returned",
    "notices_sent",
    "cycle",
    "score",
)
"""Facts for `AtLeast` and `AtMost`; in a strategy file `<fact>_min` and `<fact>_max`."""

AMOUNT_FACTS: Final = ("arrears", "amount_open")
"""Facts for `AmountAtLeast` and `AmountAtMost`: bounds are given per currency."""

SET_FACTS: Final = ("debtor_kind", "flag", "label", "jurisdiction", "creditor")
"""Facts for `Has`; protected attributes of a person are not among them and cannot be tested."""

DAY_FACTS: Final = ("days_past_due", "days_known")
"""Number facts that grow by themselves, a day each day."""


# -- the tests -------------------------------------------------------------------------------------------------


def _known(names: tuple[str, ...]) -> Any:
    def check(_instance: object, attribute: attrs.Attribute[str], value: object) -> None:
        if value not in names:
            problem = Problem(
                code="segments.unknown_fact", path=attribute.name, text="no such fact", value=str(value), choices=names
            )
            raise InvalidPolicy([problem])

    return attrs.field(validator=check)


def _exact(value: str | int | Decimal | Fraction) -> Fraction:
    number = exact_of(value)
    if number is None:
        reason, text = "bound", "a bound is an exact number, such as 30, '0.5' or '1/3'"
        if isinstance(value, float):
            reason, text = "float", "a bound must be exact; pass text, int or Decimal"
        raise InvalidPolicy([Problem(code=f"segments.{reason}", path="bound", text=text)])
    return number


def _one_per_currency(_instance: object, attribute: attrs.Attribute[Any], value: tuple[Money, ...]) -> None:
    each(Money)(_instance, attribute, value)
    if len({bound.currency for bound in value}) < len(value):
        text = "two bounds for one currency; keep one"
        raise InvalidPolicy([Problem(code="segments.duplicate_currency", path=attribute.name, text=text)])


def _guards(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    for one in value if isinstance(value, tuple) else (value,):
        if not isinstance(one, get_args(Guard)):
            text = f"a guard is needed, not {type(one).__name__}"
            raise InvalidPolicy([Problem(code="segments.guard", path=attribute.name, text=text)])


@attrs.frozen(kw_only=True)
class AtLeast:
    """The number is known and at or above the bound."""

    fact: str = _known(NUMBER_FACTS)
    bound: Fraction = attrs.field(converter=_exact)


@attrs.frozen(kw_only=True)
class AtMost:
    """The number is known and at or below the bound."""

    fact: str = _known(NUMBER_FACTS)
    bound: Fraction = attrs.field(converter=_exact)


@attrs.frozen(kw_only=True)
class AmountAtLeast:
    """In some listed currency the sum is at or above its bound; a currency that is not listed never fulfils it."""

    fact: str = _known(AMOUNT_FACTS)
    bounds: tuple[Money, ...] = attrs.field(converter=as_tuple, validator=_one_per_currency)


@attrs.frozen(kw_only=True)
class AmountAtMost:
    """In every currency that is owed the sum is at or below its bound; a currency without a bound makes it false."""

    fact: str = _known(AMOUNT_FACTS)
    bounds: tuple[Money, ...] = attrs.field(converter=as_tuple, validator=_one_per_currency)


@attrs.frozen(kw_only=True)
class Has:
    """The fact holds one of the values."""

    fact: str = _known(SET_FACTS)
    values: tuple[str, ...] = attrs.field(converter=texts)


@attrs.frozen(kw_only=True)
class All:
    """Every test holds; with no test it always holds."""

    tests: tuple[Guard, ...] = attrs.field(default=(), converter=as_tuple, validator=_guards)


@attrs.frozen(kw_only=True)
class AnyOf:
    """At least one test holds; with no test it never holds."""

    tests: tuple[Guard, ...] = attrs.field(default=(), converter=as_tuple, validator=_guards)


@attrs.frozen(kw_only=True)
class Not:
    """The test does not hold. What is not known makes the inner test false, so this one true."""

    test: Guard = attrs.field(validator=_guards)


Guard: TypeAlias = AtLeast | AtMost | AmountAtLeast | AmountAtMost | Has | All | AnyOf | Not


@attrs.frozen(kw_only=True)
class Verdict:
    """Whether a guard holds, and why in words: what held if it does, what failed if it does not."""

    holds: bool
    why: tuple[str, ...] = attrs.field(default=(), converter=texts)

    def __bool__(self) -> bool:
        return self.holds


def judge(guard: Guard, facts: AccountFacts) -> Verdict:
    """Decide whether a guard holds for the facts, and say why.

    >>> facts = AccountFacts(as_of=date(2026, 3, 1), settled_count=5, late_ratio=Fraction(3, 5))
    >>> judge(All(tests=(AtLeast(fact="late_ratio", bound="0.5"), AtLeast(fact="settled_count", bound=4))), facts)
    Verdict(holds=True, why=('late_ratio is 60 % (at least 50 %)', 'settled_count is 5 (at least 4)'))
    """
    match guard:
        case AtLeast(fact=fact, bound=bound):
            value = getattr(facts, fact)
            holds = value is not None and value >= bound
            return Verdict(holds=holds, why=(_say(fact, value, "at least", bound, holds),))
        case AtMost(fact=fact, bound=bound):
            value = getattr(facts, fact)
            holds = value is not None and value <= bound
            return Verdict(holds=holds, why=(_say(fact, value, "at most", bound, holds),))
        case AmountAtLeast(fact=fact, bounds=bounds):
            return _judge_floor(fact, sum_by_currency(getattr(facts, fact)), bounds)
        case AmountAtMost(fact=fact, bounds=bounds):
            return _judge_ceiling(fact, sum_by_currency(getattr(facts, fact)), bounds)
        case Has(fact=fact, values=values):
            held = sorted(getattr(facts, fact) & set(values))
            wanted = " or ".join(values) or "any value that is named"
            why = f"{fact} is {', '.join(held)}" if held else f"{fact} is not {wanted}"
            return Verdict(holds=bool(held), why=(why,))
        case All(tests=tests):
            verdicts = [judge(test, facts) for test in tests]
            failed = [verdict for verdict in verdicts if not verdict.holds]
            return Verdict(holds=not failed, why=_join(failed or verdicts))
        case AnyOf(tests=tests):
            verdicts = [judge(test, facts) for test in tests]
            held_ones = [verdict for verdict in verdicts if verdict.holds]
            return Verdict(holds=bool(held_ones), why=_join(held_ones[:1] or verdicts))
        case _:
            inner = judge(guard.test, facts)
            return Verdict(holds=not inner.holds, why=inner.why)


def bounds_on(guard: Guard, fact: str) -> Iterator[int]:
    """Yield the whole numbers at which a test on a growing fact may change its answer.

    >>> list(bounds_on(Not(test=AtMost(fact="days_past_due", bound=30)), "days_past_due"))
    [31]
    """
    match guard:
        case AtLeast(fact=name, bound=bound) if name == fact:
            yield -(-bound.numerator // bound.denominator)
        case AtMost(fact=name, bound=bound) if name == fact:
            yield bound.numerator // bound.denominator + 1
        case All(tests=tests) | AnyOf(tests=tests):
            for test in tests:
                yield from bounds_on(test, fact)
        case Not(test=test):
            yield from bounds_on(test, fact)
        case _:
            pass


def is_lost_with_time(guard: Guard, fact: str) -> bool:
    """Say whether a growing fact can turn a guard false that holds: an upper bound on it, or a lower one negated.

    >>> is_lost_with_time(AtMost(fact="days_past_due", bound=30), "days_past_due")
    True
    >>> is_lost_with_time(AtLeast(fact="days_past_due", bound=30), "days_past_due")
    False
    """
    match guard:
        case AtMost(fact=name):
            return name == fact
        case All(tests=tests) | AnyOf(tests=tests):
            return any(is_lost_with_time(test, fact) for test in tests)
        case Not(test=test):
            return _is_won_with_time(test, fact)
        case _:
            return False


def in_words(guard: Guard) -> str:
    """Say a guard as a condition, for tables and messages.

    >>> in_words(All(tests=(AtLeast(fact="late_ratio", bound="0.5"), Not(test=Has(fact="flag", values=("hardship",))))))
    'late_ratio at least 50 % and not (flag is hardship)'
    """
    match guard:
        case AtLeast(fact=fact, bound=bound):
            return f"{fact} at least {_figure(fact, bound)}"
        case AtMost(fact=fact, bound=bound):
            return f"{fact} at most {_figure(fact, bound)}"
        case AmountAtLeast(fact=fact, bounds=bounds):
            return f"{fact} at least {' or '.join(map(str, bounds)) or 'a sum that is not named'}"
        case AmountAtMost(fact=fact, bounds=bounds):
            return f"{fact} at most {' and '.join(map(str, bounds)) or 'nothing'}"
        case Has(fact=fact, values=values):
            return f"{fact} is {' or '.join(values) or 'a value that is not named'}"
        case All(tests=tests):
            return " and ".join(_bracketed(test) for test in tests) or "always"
        case AnyOf(tests=tests):
            return " or ".join(_bracketed(test) for test in tests) or "never"
        case _:
            return f"not ({in_words(guard.test)})"


def implies(stronger: Guard, weaker: Guard) -> bool:
    """Say whether `weaker` surely holds wherever `stronger` holds; False means only that it could not be shown.

    >>> implies(AtLeast(fact="cycle", bound=3), AtLeast(fact="cycle", bound=2))
    True
    """
    if stronger == weaker:
        return True
    if isinstance(weaker, All):
        return all(implies(stronger, test) for test in weaker.tests)
    if isinstance(stronger, AnyOf):
        return bool(stronger.tests) and all(implies(test, weaker) for test in stronger.tests)
    if isinstance(weaker, AnyOf) and any(implies(stronger, test) for test in weaker.tests):
        return True
    if isinstance(stronger, All):
        return any(implies(test, weaker) for test in stronger.tests)
    match stronger, weaker:
        case AtLeast(fact=a, bound=high), AtLeast(fact=b, bound=low):
            return a == b and high >= low
        case AtMost(fact=a, bound=low), AtMost(fact=b, bound=high):
            return a == b and low <= high
        case Has(fact=a, values=few), Has(fact=b, values=many):
            return a == b and set(few) <= set(many)
        case AmountAtLeast(fact=a, bounds=ours), AmountAtLeast(fact=b, bounds=theirs):
            floors = _by_currency(theirs)
            return a == b and all(one.currency in floors and one >= floors[one.currency] for one in ours)
        case Not(test=inner), Not(test=outer):
            return implies(outer, inner)
        case _:
            return False


# -- details ---------------------------------------------------------------------------------------------------


def _is_won_with_time(guard: Guard, fact: str) -> bool:
    match guard:
        case AtLeast(fact=name):
            return name == fact
        case All(tests=tests) | AnyOf(tests=tests):
            return any(_is_won_with_time(test, fact) for test in tests)
        case Not(test=test):
            return is_lost_with_time(test, fact)
        case _:
            return False


def _bracketed(guard: Guard) -> str:
    said = in_words(guard)
    return f"({said})" if isinstance(guard, (All, AnyOf)) and len(guard.tests) > 1 else said


def _by_currency(bounds: tuple[Money, ...]) -> Mapping[str, Money]:
    return {bound.currency: bound for bound in bounds}


def _judge_floor(fact: str, sums: Mapping[str, Money], bounds: tuple[Money, ...]) -> Verdict:
    floors = _by_currency(bounds)
    reached = [code for code, owed in sums.items() if code in floors and owed >= floors[code]]
    if reached:
        code = reached[0]
        return Verdict(holds=True, why=(f"{fact} is {sums[code]} (at least {floors[code]})",))
    why = [f"{fact} is {sums[code]}, below {floors[code]}" for code in sums if code in floors]
    why += [f"{fact} in {code} has no bound" for code in sums if code not in floors]
    return Verdict(holds=False, why=tuple(why) or (f"{fact} is nothing",))


def _judge_ceiling(fact: str, sums: Mapping[str, Money], bounds: tuple[Money, ...]) -> Verdict:
    ceilings = _by_currency(bounds)
    why = [
        f"{fact} is {owed}, above {ceilings[code]}"
        for code, owed in sums.items()
        if code in ceilings and owed > ceilings[code]
    ]
    why += [f"{fact} in {code} has no bound" for code in sums if code not in ceilings]
    if why:
        return Verdict(holds=False, why=tuple(why))
    held = tuple(f"{fact} is {owed} (at most {ceilings[code]})" for code, owed in sums.items())
    return Verdict(holds=True, why=held or (f"{fact} is nothing",))


def _say(fact: str, value: Fraction | int | None, relation: str, bound: Fraction, holds: bool) -> str:
    if value is None:
        return f"{fact} is not known"
    shown = f"{fact} is {_figure(fact, Fraction(value))}"
    return (
        f"{shown} ({relation} {_figure(fact, bound)})" if holds else f"{shown}, not {relation} {_figure(fact, bound)}"
    )


def _figure(fact: str, value: Fraction) -> str:
    if fact.endswith("_ratio"):
        return f"{_plain(value * 100)} %"
    return _plain(value)


def _plain(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    tenths = round(value * 10)
    return f"{'-' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10}"


def _join(verdicts: list[Verdict]) -> tuple[str, ...]:
    return tuple(why for verdict in verdicts for why in verdict.why)
