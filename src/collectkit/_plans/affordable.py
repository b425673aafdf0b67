"""From what the debtor can afford to terms: solve for count, amount or end within limits, and say which limit binds.

Every row but the last pays one level sum, the last what is left; the search for both is in `fitting`. No row is above
what is affordable, and none below the smallest instalment; a down payment stands apart. Where no such plan exists the
answer names every limit that stands in the way, and a sum, a date or a limit with which the same request succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from typing import Literal

import attrs

from collectkit._plans.explanation import lead_of
from collectkit._plans.figures import known_periods, schedule_of, to_multiple
from collectkit._plans.fitting import Fit, Limits
from collectkit._plans.proof import prove
from collectkit._plans.terms import Periods, PlanTerms
from collectkit.core.checks import require_date
from collectkit.core.decisions import Declined, Reason
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.schedule import level_whole

Binding = Literal[
    "affordable", "max_instalments", "end_by", "min_instalment", "multiple", "gap_limit", "dates", "interest"
]
"""The limit that decided the form of a personalised plan; `dates`: the rule or the calendar tells no later ones,
`interest`: an instalment too low for more rows would not cover it."""


@attrs.frozen(kw_only=True)
class Solved:
    """Terms that fit, the limit that decided them, and why."""

    terms: PlanTerms
    binds: Binding
    reasons: tuple[Reason, ...]


def solve(
    *,
    draft: PlanTerms,
    affordable: Money,
    end_by: date | None,
    min_instalment: Money | None,
    prefer: Literal["soonest", "lowest"],
) -> Solved | Declined:
    """Solve `draft`, whose number of instalments is the most allowed, for a payment of at most `affordable`.

    Raises:
        InvalidTerms: `plans.amounts`, `plans.amount`, `plans.residue` for a request that contradicts itself.
        CurrencyMismatch: a limit in another currency than the debt.
        InvalidDate, CalendarMissing: not even the first due date is known.
    """
    _require(draft, affordable, min_instalment, prefer)
    periods, missing = known_periods(draft)
    rows: dict[Binding, int] = {"max_instalments": draft.instalments, "dates": len(periods.factors)}
    if end_by is not None:
        require_date(end_by, "end_by")
        rows["end_by"] = sum(1 for day in periods.due_on if day <= end_by)
    by = min(rows, key=lambda name: rows[name])
    request = _Request(
        draft, periods, rows, by, "" if missing is None else str(missing), affordable, min_instalment, end_by
    )
    if rows[by] == 0:
        return _declined(request.too_early())
    limits = request.limits()
    found = limits.soonest() if prefer == "soonest" else limits.lowest()
    if prefer == "lowest":
        ruled = request.by_rule(1 if found is None else found.rows, limits)
        if ruled is not None:
            return request.lowest(ruled, limits)
    if found is None:
        return _declined(*request.refusals(limits))
    return request.soonest(found, limits) if prefer == "soonest" else request.lowest(found, limits)


def _require(draft: PlanTerms, affordable: Money, min_instalment: Money | None, prefer: str) -> None:
    if prefer not in ("soonest", "lowest"):
        raise InvalidTerms("plans.amounts", "prefer must be one of: soonest, lowest")
    if draft.fee_total is not None:
        raise InvalidTerms("plans.amounts", "what is affordable includes the fee, so give it per instalment: fee_each")
    if prefer == "soonest" and draft.residue_to != "last":
        raise InvalidTerms(
            "plans.residue",
            "the soonest plan pays all that is affordable, and its last instalment what is left; "
            "leave residue_to out, or prefer='lowest'",
        )
    for name, given in {"affordable": affordable, "min_instalment": min_instalment}.items():
        if given is None and name == "min_instalment":
            continue
        if not isinstance(given, Money):
            raise InvalidTerms("plans.amount", f"a limit needs Money, not {type(given).__name__}")
        if given.currency != draft.currency:
            raise CurrencyMismatch(draft.currency, given.currency, "put into one plan")
        if given.minor < 0:
            raise InvalidTerms("plans.amount", f"{name} is {given}; a limit is zero or more")


@attrs.frozen
class _Request:
    """What was asked for, and how many rows each limit allows."""

    draft: PlanTerms
    periods: Periods
    rows: dict[Binding, int]
    by: Binding
    missing: str
    affordable: Money
    min_instalment: Money | None
    end_by: date | None

    def limits(self) -> Limits:
        draft, least = self.draft, self.min_instalment
        return Limits(
            draft=draft,
            periods=self.periods,
            count=self.rows[self.by],
            affordable=self.affordable.minor,
            least=0 if least is None else least.minor,
            unit=1 if draft.multiple is None else draft.multiple.minor,
            gap=None if draft.gap_limit is None else draft.gap_limit.minor,
        )

    def money(self, minor: int) -> Money:
        return Money(minor, self.draft.currency)

    # -- plans that fit ----------------------------------------------------------------------------------------------

    def by_rule(self, at_least: int, limits: Limits) -> Fit | None:
        """Look for a plan laid out by the residue rule of the terms, of at least so many rows."""
        draft, factors = self.draft, self.periods.factors

        def level(rows: int) -> int:
            return level_whole(draft.financed.minor, factors[:rows], partial(to_multiple, draft))

        most = at_least
        low, high = at_least, limits.count
        while low <= high:  # the level payment falls as rows are added
            middle = (low + high) // 2
            if level(middle) >= limits.level_min:
                most, low = middle, middle + 1
            else:
                high = middle - 1
        if level(most) > limits.level_max + limits.unit:  # and of fewer rows it is greater
            return None
        for rows in range(most, max(most - _TRIES, at_least - 1), -1):
            if self._is_within(attrs.evolve(draft, instalments=rows)):
                return Fit(rows, None)
        return None

    def _is_within(self, terms: PlanTerms) -> bool:
        try:
            schedule = schedule_of(terms)
            prove(terms, schedule, 0)
        except InvalidTerms:
            return False
        payments = schedule.payments[lead_of(terms, 0) :]
        least = 1 if self.min_instalment is None else self.min_instalment.minor
        return max(payments) <= self.affordable.minor and min(payments) >= least

    def _terms(self, fit: Fit) -> PlanTerms:
        if fit.level is None or fit.rows == 1:
            return attrs.evolve(self.draft, instalments=fit.rows)
        return attrs.evolve(self.draft, instalments=fit.rows, level=self.money(fit.level), residue_to="last")

    def soonest(self, fit: Fit, limits: Limits) -> Solved:
        """Say what decided the form of the soonest plan: what is affordable, unless without another limit it is sooner."""
        rows = f"{fit.rows} instalment{'s' if fit.rows > 1 else ''}"
        binds: Binding = "affordable"
        text = f"{self.affordable} a period pays the debt off in {rows}"
        sooner = self._without(limits, _OTHERS, lambda freed: freed.rows < fit.rows, Limits.soonest)
        if sooner:
            binds, text = sooner[0], f"{rows} are the fewest that {_together(sooner)}"
        lower = self._kept_down(fit, fit.level, limits) if fit.level is not None and fit.rows > 1 else None
        if lower is not None and lower.code == f"plans.{binds}":
            text, lower = f"{text}; {lower.text}", None
        reasons = (_reason(binds, text),) if lower is None else (_reason(binds, text), lower)
        return Solved(terms=self._terms(fit), binds=binds, reasons=reasons)

    def _kept_down(self, fit: Fit, level: int, limits: Limits) -> Reason | None:
        """Say for which limits of the last instalment the regular one is less than what is affordable."""
        if level >= limits.level_max:
            return None
        kept = self._without(
            limits,
            ("min_instalment", "gap_limit"),
            lambda freed: freed.rows < fit.rows or (freed.level or 0) > level,
            Limits.soonest,
        )
        if not kept:
            return None
        sums = {"min_instalment": self.min_instalment, "gap_limit": self.draft.gap_limit}
        named = " and ".join(f"the {name} of {sums[name]}" for name in kept)
        text = f"the regular instalment is {self.money(level + limits.fee)}, so that the last keeps to {named}"
        return _reason(kept[0], text)

    def lowest(self, fit: Fit, limits: Limits) -> Solved:
        """Say what keeps the plan from more rows: a limit of their number, unless without another one there are more."""
        rows = f"{fit.rows} instalment{'s are' if fit.rows > 1 else ' is'}"
        binds = self.by
        allow = f"{binds} allows"
        least = self.money(max(limits.level_min, limits.last_min) + limits.fee)
        if fit.rows < limits.count:
            more = self._without(limits, _ALL, lambda freed: freed.rows > fit.rows, Limits.lowest)
            row = 0 if more or limits.least else self._grows_without(fit, limits)
            if row:
                text = f"{rows} the most that interest allows; a lower sum would not cover that of instalment {row}"
                return Solved(terms=self._terms(fit), binds="interest", reasons=(_reason("interest", text),))
            binds = more[0] if more else "min_instalment"  # without any it is the smallest unit there is
            allow = _together(more) if more else "the smallest sum allows"
        text = f"{rows} the most that {allow}; none may be below {least}"
        if not fit.is_sure:
            text = f"{rows} the most that were found to keep to {allow.split()[0]}; with so many, not every number is tried"
        if binds == "affordable" and allow == "affordable allows":
            text = f"{rows} the most that {allow}; of more, the last would be above {self.affordable}"
        if binds == "dates":
            text = f"{rows} the most that {allow}: {self.missing}"
        return Solved(terms=self._terms(fit), binds=binds, reasons=(_reason(binds, text),))

    def _grows_without(self, fit: Fit, limits: Limits) -> int:
        """Return the row whose interest keeps the level up, where no limit does; 0 where the smallest unit does."""
        free = attrs.evolve(limits, affordable=limits.whole + limits.fee, unit=1, gap=None)
        widest = free.lowest()
        if widest is None or widest.level is None or widest.rows > fit.rows:
            return 0
        return free.grows_at(widest.level - 1)

    def _without(
        self,
        limits: Limits,
        names: tuple[Binding, ...],
        is_better: Callable[[Fit], bool],
        search: Callable[[Limits], Fit | None],
    ) -> tuple[Binding, ...]:
        """Return the limit without which the plan would be a better one, or several that only together keep it from it."""

        def helps(without: Iterable[Binding]) -> bool:
            found = search(self._free(limits, without))
            return found is not None and is_better(found)

        given = [name for name in names if self._is_given(name, limits)]
        for name in given:
            if helps([name]):
                return (name,)
        if len(given) < 2 or not helps(given):
            return ()
        needed = given
        for name in given:
            fewer = [one for one in needed if one != name]
            if helps(fewer):
                needed = fewer
        return tuple(needed)

    def _is_given(self, name: Binding, limits: Limits) -> bool:
        asked = {"min_instalment": limits.least > 0, "multiple": limits.unit > 1, "gap_limit": limits.gap is not None}
        return asked.get(name, True)

    def _free(self, limits: Limits, names: Iterable[Binding]) -> Limits:
        """Return the limits without the named ones."""
        left = set(names)
        return attrs.evolve(
            limits,
            least=0 if "min_instalment" in left else limits.least,
            affordable=limits.whole + limits.fee if "affordable" in left else limits.affordable,
            unit=1 if "multiple" in left else limits.unit,
            gap=None if "gap_limit" in left else limits.gap,
        )

    # -- no plan fits ------------------------------------------------------------------------------------------------

    def too_early(self) -> Reason:
        first = self.periods.due_on[0]
        text = f"no instalment falls due by {self.end_by}; allow a later end: the first is on {first}"
        return Reason(code="plans.end_by", text=text)

    def refusals(self, limits: Limits) -> Iterator[Reason]:
        """Say why nothing fits: first what is affordable, then each limit without which a plan would."""
        enough = limits.enough()
        if enough is None:  # all that is owed at once is below the smallest instalment
            bare = attrs.evolve(limits, least=0).enough()
            would = f"with no smallest instalment, {self.money(bare or limits.whole)} each would do"
        else:
            would = f"{self.money(enough)} each would do"
        said = [*self._short(limits, would), *self._stopped_by_one(limits, enough, would)]
        if not said:  # no limit alone: several that together leave no plan
            several = self._without(limits, _OTHERS, lambda _found: True, Limits.soonest) or ("affordable",)
            text = f"no plan keeps {' and '.join(several)} at once; {would}"
            said.append(Reason(code=f"plans.{several[0]}", text=text))
        yield from said

    def _stopped_by_one(self, limits: Limits, enough: int | None, would: str) -> Iterator[Reason]:
        for name in _OTHERS:
            if not self._is_given(name, limits) or self._free(limits, [name]).soonest() is None:
                continue
            if name == "min_instalment":
                most = self.money(limits.most_least())
                text = f"no plan keeps every instalment from {self.min_instalment} to {self.affordable}; "
                text += f"{most} as the smallest would do"
                if limits.level_max < limits.level_min:
                    text = f"{self.affordable} is below the smallest instalment of {self.min_instalment}; "
                    text += f"lower that to {most}"
                text += f", or {would}" if enough is not None else ""
            else:
                text = f"without {name} a plan would fit; with it, {would}"
            yield Reason(code=f"plans.{name}", text=text)

    def _short(self, limits: Limits, would: str) -> Iterator[Reason]:
        """Say how what is affordable falls short of the debt; nothing where only another limit stands in the way."""
        if limits.level_max < limits.level_min:
            if not limits.least:
                least = self.money(limits.level_min + limits.fee)
                text = f"{self.affordable} is below the smallest instalment of {least}" + (
                    f"; {would}" if would else ""
                )
                yield Reason(code="plans.min_instalment", text=text)
            elif attrs.evolve(limits, least=0).soonest() is None:
                text = f"{self.affordable} is below the smallest instalment of {self.min_instalment}"
                yield Reason(code="plans.min_instalment", text=f"{text}; {would}")
        if limits.level_max < 1:
            return
        row, interest = limits.growth(limits.level_max)
        if row:
            asked = self.money(limits.level_max + limits.fee)
            text = f"{asked} covers no more than the interest of {self.money(interest)} in instalment {row}"
            text += f"{self._with_fee(limits)}, so the debt would not fall"
            yield Reason(code="plans.negative_amortisation", text=f"{text}; {would}")
            return
        for name, count in sorted(self.rows.items(), key=lambda one: one[1]):
            if (name == "dates" and not self.missing) or count > self.rows["dates"]:
                continue
            left = limits.left(limits.level_max, count)
            if left <= 0:
                continue
            rows = f"{count} instalment{'s' if count > 1 else ''} of {self.affordable} leave{'' if count > 1 else 's'}"
            text = f"{rows} {self.money(left)}; within {name}, {would}"
            if name == "dates":
                text += f" ({self.missing})"
            if name == "end_by":
                text += self._later(limits)
            yield Reason(code=f"plans.{name}", text=text)

    def _with_fee(self, limits: Limits) -> str:
        return f" and its fee of {self.money(limits.fee)}" if limits.fee else ""

    def _later(self, limits: Limits) -> str:
        """Name the end that would do, where one does."""
        found = attrs.evolve(limits, count=min(self.rows["max_instalments"], self.rows["dates"])).soonest()
        return "" if found is None else f", or an end by {self.periods.due_on[found.rows - 1]}"


_OTHERS: tuple[Binding, ...] = ("min_instalment", "multiple", "gap_limit")
_ALL: tuple[Binding, ...] = ("min_instalment", "affordable", "multiple", "gap_limit")
_TRIES = 8  # numbers of rows for which a residue rule is tried; the fitted level serves where none of them does


def _reason(limit: Binding, text: str) -> Reason:
    return Reason(code=f"plans.{limit}", text=text)


def _together(names: tuple[Binding, ...]) -> str:
    return f"{names[0]} allows" if len(names) == 1 else f"{' and '.join(names)} allow together"


def _declined(*reasons: Reason) -> Declined:
    return Declined(reasons=reasons)
