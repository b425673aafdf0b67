"""Every error that collectkit raises, in one tree.

A business "no" is never here: it is a `Declined` value. These are a caller's mistakes, or a store that fails.

    CollectkitError                     code, text, facts
    ├── InvalidMoney (ValueError)       money.*
    │   └── MoneyTypeError (TypeError)  money.float, money.bool, money.type
    ├── CurrencyMismatch (ValueError)   money.currency_mismatch
    ├── InvalidDate (ValueError)        calendars.*; and <room>.* where a room cannot use a date
    ├── CalendarMissing (LookupError)   calendars.calendar_missing
    ├── InvalidRate (ValueError)        rates.*
    ├── InvalidRecord (ValueError)      records.*, aging.*, waterfall.*, metrics.* and others: facts that cannot stand
    ├── InvalidTerms (ValueError)       plans.*, interest.*, settlement.*
    ├── InvalidPolicy (ValueError)      strategy.*, policy.*, rules.* and others: every problem of a file in one error
    ├── CodecError (ValueError)         codec.*
    ├── HistoryError (ValueError)       history.*
    ├── WordingError (ValueError)       wording.*, messenger.*, report.*
    ├── ImportFailed (ValueError)       ledger.*
    ├── StoreError (RuntimeError)       store.*; `retryable` says whether trying again can help
    │   ├── StoreBusy                   store.busy (retryable)
    │   ├── StoreFull                   store.full
    │   ├── StoreUnavailable            store.unavailable
    │   ├── StoreCorrupt                store.corrupt
    │   │   ├── AuditChainBroken        store.chain_broken
    │   │   └── HeadRegressed           store.head_regressed
    │   ├── ContractBroken              store.contract_broken
    │   ├── SchemaTooNew                store.schema_too_new
    │   ├── IdempotencyKeyReuse         store.key_reuse
    │   └── DuplicateKey                store.duplicate_key
    └── MissingOptionalDependency (ImportError)   core.missing_extra

`code` is `room.reason`, stable over releases; class names are for people. Texts carry ids and figures, never a
name, an address or a number of a debtor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import attrs

__all__ = [
    "AuditChainBroken",
    "CalendarMissing",
    "CodecError",
    "CollectkitError",
    "CollectkitWarning",
    "ContractBroken",
    "CurrencyMismatch",
    "DuplicateKey",
    "HeadRegressed",
    "HistoryError",
    "IdempotencyKeyReuse",
    "ImportFailed",
    "InvalidDate",
    "InvalidMoney",
    "InvalidPolicy",
    "InvalidRate",
    "InvalidRecord",
    "InvalidTerms",
    "MissingOptionalDependency",
    "MoneyTypeError",
    "Problem",
    "SchemaTooNew",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "WordingError",
]


class CollectkitError(Exception):
    """The base of every error that collectkit raises.

    >>> try:
    ...     raise InvalidTerms("plans.count", "12.5 instalments; give a whole number of 1 or more", given="12.5")
    ... except CollectkitError as error:
    ...     error.code, str(error), error.facts["given"]
    ('plans.count', '12.5 instalments; give a whole number of 1 or more', '12.5')
    """

    code: str
    text: str
    facts: dict[str, object]

    def __init__(self, code: str, text: str, **facts: object) -> None:
        """Keep the stable `code`, the `text` for people, and the figures as attributes of `facts`."""
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.facts = facts

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[CollectkitError], args: tuple[object, ...], state: dict[str, Any]) -> CollectkitError:
    """Rebuild an error that crossed a process border, whatever its own `__init__` asks for."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class CollectkitWarning(UserWarning):
    """The base of every warning: a named hazard that does not stop the work."""


class InvalidMoney(CollectkitError, ValueError):
    """An amount that cannot stand: NaN, too many digits, unknown currency, bad syntax."""


class MoneyTypeError(InvalidMoney, TypeError):
    """A float, a bool or another type where money is expected."""


class CurrencyMismatch(CollectkitError, ValueError):
    """Two currencies met where only one can stand."""

    def __init__(self, left: str, right: str, doing: str = "combine") -> None:
        """Name both currencies, never the amounts."""
        super().__init__(
            "money.currency_mismatch",
            f"cannot {doing} {left} and {right}; convert one of them first, or keep one sum per currency",
            left=left,
            right=right,
        )


class InvalidDate(CollectkitError, ValueError):
    """A date, instant or zone that cannot be used."""


class CalendarMissing(CollectkitError, LookupError):
    """A day outside the range for which holidays are known."""


class InvalidRate(CollectkitError, ValueError):
    """A rate below zero, over its limit, or of the wrong type."""


class InvalidRecord(CollectkitError, ValueError):
    """A fact that cannot be true of any ledger."""


class InvalidTerms(CollectkitError, ValueError):
    """Terms from which no provable payment plan can be built."""


class CodecError(CollectkitError, ValueError):
    """Bytes that are no canonical encoding of what was asked for, or a value that has none."""


class HistoryError(CollectkitError, ValueError):
    """Events that cannot be folded into a snapshot."""


class WordingError(CollectkitError, ValueError):
    """A notice text that may not be used, or cannot be rendered."""


class ImportFailed(CollectkitError, ValueError):
    """A ledger that cannot be read at all; single bad rows are rejected rows, not this error."""


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong in a policy or strategy, with its place and the way out."""

    code: str
    path: str
    text: str
    value: str | None = None
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        given = "" if self.value is None else f" (given: {self.value})"
        choices = f"; choose from: {', '.join(self.choices)}" if self.choices else ""
        return f"{self.path}: {self.text}{given}{choices}"


class InvalidPolicy(CollectkitError, ValueError):
    """A policy, ladder, segment list or strategy that cannot be used; all its problems at once."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Collect `problems`; the code is that of the first one."""
        self.problems = tuple(problems)
        if not self.problems:
            raise TypeError("InvalidPolicy needs at least one problem")
        head = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        super().__init__(self.problems[0].code, "\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class StoreError(CollectkitError, RuntimeError):
    """A store could not do what was asked; nothing was changed."""

    retryable: ClassVar[bool] = False


class StoreBusy(StoreError):
    """Another writer holds the store; try again."""

    retryable: ClassVar[bool] = True


class StoreFull(StoreError):
    """No space is left; free some and try again."""


class StoreUnavailable(StoreError):
    """The store cannot be opened or reached."""


class StoreCorrupt(StoreError):
    """What was read back is not what was written."""


class AuditChainBroken(StoreCorrupt):
    """An account's history was edited: the hash chain does not hold from the named version on."""


class HeadRegressed(StoreCorrupt):
    """A remembered head is not in the chain: an older copy was restored, or the tail was cut."""


class ContractBroken(StoreError):
    """A store adapter broke a promise of its port."""


class SchemaTooNew(StoreError):
    """The store was written by a newer release; it can be read, not written."""


class IdempotencyKeyReuse(StoreError):
    """A command id came back with other content."""


class DuplicateKey(StoreError):
    """A semantic key is already stored; the effect it names was done before."""


class MissingOptionalDependency(CollectkitError, ImportError):
    """A room needs a package that is installed only with an extra."""

    def __init__(self, extra: str, package: str) -> None:
        """Name the extra that brings the package."""
        super().__init__(
            "core.missing_extra",
            f"{package} is not installed; install it with: pip install 'collectkit[{extra}]'",
            extra=extra,
            package=package,
        )
