"""The rows of a serviced loan: events replayed in the order of their days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal, get_args

import attrs

from collectkit._servicing.declining import Arithmetic, Declining
from collectkit._servicing.loan import (
    Charged,
    ChargedBack,
    ChargedOff,
    ChargedShare,
    Drawdown,
    EarlyPayment,
    LateCharge,
    LoanEvent,
    LoanPayment,
    LoanRow,
    LoanTerms,
    Payoff,
    ReAged,
    Reamortised,
    Recalculated,
    Rescheduled,
)
from collectkit._servicing.standing import require_many
from collectkit.core.calendars import Every
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money, rounded
from collectkit.core.schedule import DueDates, exact_level


def loan_rows(terms: LoanTerms, events: Iterable[LoanEvent]) -> tuple[LoanRow, ...]:
    """Replay the events of a loan over its terms and return its rows as they then stand.

    Events count by their day, whatever the order in which they are given; money that came in before it was recorded
    counts by the day on which it came. Those of one day count by kind: money drawn, then what is charged, new terms
    (`Rescheduled`, `ReAged`, `Reamortised`), charge-backs, payments, recalculation, pay-off, charge-off; within a kind
    by their figures, the smaller first. So a change of terms holds from the start of its day, and money of that day
    meets the new terms. A ledger in which the postings of a day have an order of their own says so by `sequence`, which
    comes before the kind. A payment changes rows only where the terms recalculate; money over what is open, none.

    >>> from collectkit.core.calendars import Every
    >>> from collectkit.core.rates import Rate
    >>> terms = LoanTerms(
    ...     currency="EUR",
    ...     rate=Rate.percent("12"),
    ...     instalments=3,
    ...     every=Every(1, "months"),
    ...     engine="flat",
    ...     start_on=date(2023, 1, 1),
    ...     multiple=Money.of("1", "EUR"),
    ... )
    >>> rows = loan_rows(terms, [Drawdown(amount=Money.of("1000", "EUR"))])
    >>> [(str(row.principal), str(row.interest)) for row in rows]
    [('333.00 EUR', '10.00 EUR'), ('333.00 EUR', '10.00 EUR'), ('334.00 EUR', '10.00 EUR')]
    >>> drawn, on = Drawdown(amount=Money.of("1000", "EUR")), date(2023, 2, 10)
    >>> paid, spread = LoanPayment(on=on, amount=Money.of("343", "EUR")), Reamortised(on=on)
    >>> [row.principal.minor for row in loan_rows(terms, [paid, spread, drawn])]  # 333.00 are spread over two rows
    [0, 49900, 50100]
    >>> later = attrs.evolve(spread, sequence=1)  # posted after the payment, so the first row is paid and stays
    >>> [row.principal.minor for row in loan_rows(terms, [later, paid, drawn])]
    [33300, 33300, 33400]

    Raises:
        InvalidTerms: `plans.events` without money drawn, for money drawn before the start, or for an event that names
            a row that is not there; `plans.dates` for new terms that fall due before they are agreed;
            `plans.overpaid` for more money booked ahead than is open.
        CurrencyMismatch: an event in another currency than the loan.
    """
    if not isinstance(terms, LoanTerms):
        raise InvalidTerms("plans.terms", f"LoanTerms are needed, not {type(terms).__name__}")
    ordered = _in_order(terms, events)
    drawn = [event for event in ordered if isinstance(event, Drawdown)]
    if not sum(event.amount.minor for event in drawn):
        raise InvalidTerms("plans.events", "no money is drawn, so there is nothing to pay back; give a Drawdown")
    for one in drawn:
        if one.on is not None and terms.start_on is not None and one.on < terms.start_on:
            raise InvalidTerms(
                "plans.events",
                f"money is drawn on {one.on}, before the loan starts on {terms.start_on}; start it then",
            )
    if terms.engine == "plain":
        return _plain_rows(terms, ordered)
    run = _FlatRun(terms, ordered) if terms.engine == "flat" else _DecliningRun(terms, ordered)
    for event in ordered:
        run.take(event)
    return run.finished()


def _in_order(terms: LoanTerms, events: Iterable[LoanEvent]) -> list[LoanEvent]:
    made = list(require_many(events, "events"))
    for event in made:
        if not isinstance(event, get_args(LoanEvent)):
            raise InvalidTerms("plans.events", f"{type(event).__name__} is nothing that can happen to a loan")
        for name in ("amount", "principal", "interest"):
            given = getattr(event, name, None)
            if isinstance(given, Money) and given.currency != terms.currency:
                raise CurrencyMismatch(terms.currency, given.currency, "put into one loan")
    start = terms.start_on or date.min
    return sorted(
        made, key=lambda event: (event.on or start, event.sequence, _KINDS.index(type(event)), _figures(event))
    )


# Of one day: the debt first, then what changes its terms, then the money that meets it, then what looks back on both.
_KINDS: Final[tuple[type[LoanEvent], ...]] = (
    Drawdown,
    Charged,
    ChargedShare,
    Rescheduled,
    ReAged,
    Reamortised,
    ChargedBack,
    EarlyPayment,
    LoanPayment,
    Recalculated,
    Payoff,
    ChargedOff,
)


def _figures(event: LoanEvent) -> tuple[Any, ...]:
    """Return what tells two events of one kind and day apart, in an order; those that are equal may stand either way."""
    found: list[Any] = []
    for name in (field.name for field in attrs.fields(type(event)) if field.name not in ("on", "sequence")):
        value = getattr(event, name)
        if isinstance(value, Money):
            value = value.minor
        elif isinstance(value, Every):
            value = (value.unit, value.n)
        found.append(value)
    return tuple(found)


def _plain_rows(terms: LoanTerms, events: Sequence[LoanEvent]) -> tuple[LoanRow, ...]:
    """Show an annuity of which nothing is rounded but each figure for itself."""
    math = Arithmetic(terms)
    factor = math.annual * math.nominal_share()
    balance = Fraction(sum(event.amount.minor for event in events if isinstance(event, Drawdown)))
    payment = exact_level(int(balance), [factor] * terms.instalments)
    days: tuple[date | None, ...] = terms.dates() or (None,) * terms.instalments
    start: date | None = terms.start_on
    rows = []

    def shown(value: Fraction) -> Money:
        return Money(rounded(value), terms.currency)

    for place, day in enumerate(days):
        interest = balance * factor
        balance -= payment - interest
        rows.append(
            LoanRow(
                number=place + 1,
                from_on=start,
                due_on=day,
                days=None if day is None or start is None else (day - start).days,
                principal=shown(payment - interest),
                interest=shown(interest),
                fee=shown(Fraction(0)),
                late_fee=shown(Fraction(0)),
                total=shown(payment),
                balance=shown(balance),
            )
        )
        start = day
    return tuple(rows)


# -- lines: what every engine's rows become --------------------------------------------------------------------


@attrs.define(eq=False)
class _Line:
    """One row while events still change it; figures in minor units."""

    from_on: date
    due_on: date
    kind: Literal["regular", "down_payment", "extra"] = "regular"
    principal: int = 0
    interest: int = 0
    fee: int = 0
    late_fee: int = 0
    drawn: int = 0  # joins the balance when this row is reached
    rest: int = 0  # of a down payment: what its drawdown leaves to finance
    is_paid: bool = False

    def part(self, name: str) -> int:
        return self.principal if name == "principal" else self.interest


class _Run:
    """Lines under the events that every engine knows: charges, charge-back, re-ageing, re-amortisation."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms = terms
        self.math = Arithmetic(terms)
        self.start = terms.start_on or date.min
        self.lines: list[_Line] = []
        self.payments: list[tuple[date, int]] = []
        self.unit = 1 if terms.multiple is None else terms.multiple.minor

    def take(self, event: LoanEvent) -> None:
        """Let one event change the lines."""
        if isinstance(event, LoanPayment):
            self.payments.append((event.on, event.amount.minor))
        elif isinstance(event, Charged):
            self._charge(self._line_of(event.on), event.component, event.amount.minor)
        elif isinstance(event, ChargedShare):
            self._charge_share(event)
        elif isinstance(event, ReAged):
            self._re_age(event)
        elif isinstance(event, Reamortised):
            self._reamortise(event)
        elif isinstance(event, ChargedBack):
            self._charge_back(event)

    # -- charges -----------------------------------------------------------------------------------------------

    def _charge(self, line: _Line, component: LateCharge, amount: int) -> None:
        if component == "fee":
            line.fee += amount
        else:
            line.late_fee += amount

    def _line_of(self, on: date) -> _Line:
        """Return the row whose period holds the day; the first day counts to the first, a late one gets its own row."""
        lines = [line for line in self._sorted() if line.kind != "down_payment"]
        for line in lines:
            if on <= line.due_on:
                return line
        if lines[-1].kind == "extra":  # there is one such row, and it waits for what comes last
            lines[-1].due_on = on
            return lines[-1]
        made = _Line(from_on=lines[-1].due_on, due_on=on, kind="extra")
        self.lines.append(made)
        return made

    def _charge_share(self, event: ChargedShare) -> None:
        if event.over == "plan":
            base = sum(line.part(name) for line in self.lines for name in event.base)
            self._charge(self._line_of(event.on), event.component, rounded(base * event.share))
            return
        unpaid = self._unpaid(event.on)
        for line, (principal, interest) in zip(self._sorted(), unpaid, strict=True):
            if line.kind == "extra":
                continue
            if event.over == "each_row":
                base = sum(line.part(name) for name in event.base)
            elif line.due_on < event.on:
                base = sum({"principal": principal, "interest": interest}[name] for name in event.base)
            else:
                continue
            self._charge(line, event.component, rounded(base * event.share))

    # -- moving what is unpaid ---------------------------------------------------------------------------------

    def _unpaid(self, on: date) -> list[tuple[int, int]]:
        """Return the unpaid principal and interest of each line, in their order, by what was paid up to a day."""
        left = sum(amount for day, amount in self.payments if day <= on)
        result = []
        for line in self._sorted():
            parts = []
            for amount in (line.late_fee, line.fee, line.interest, 0 if line.is_paid else line.principal):
                used = min(left, amount)
                left -= used
                parts.append(amount - used)
            result.append((parts[3], parts[2]))
        return result

    def _spread(self, amount: int, over: Sequence[_Line], name: Literal["principal", "interest"]) -> None:
        """Divide a sum equally over lines, by the multiple; the last takes the rest."""
        part = self.math.to_multiple(rounded(Fraction(amount, len(over)))) if over else 0
        part = min(part, amount // (len(over) - 1)) if len(over) > 1 else part
        for line in over[:-1]:
            setattr(line, name, getattr(line, name) + part)
        last = over[-1]
        setattr(last, name, getattr(last, name) + amount - part * (len(over) - 1))

    def _re_age(self, event: ReAged) -> None:
        principal = interest = 0
        for line, (open_principal, open_interest) in zip(self._sorted(), self._unpaid(event.on), strict=True):
            line.principal -= open_principal
            line.interest -= open_interest
            principal += open_principal
            interest += open_interest
        if event.first_due_on < event.on:
            raise InvalidTerms(
                "plans.dates", f"a new run cannot start on {event.first_due_on}, before it is agreed on {event.on}"
            )
        start = self._sorted()[-1].due_on
        days = DueDates(event.first_due_on, event.every, event.instalments, 0, self.terms.month_end)()
        made = [_Line(from_on=start, due_on=day) for day in days]
        self._spread(principal, made, "principal")
        self._spread(interest, made, "interest")
        for line in self.lines:  # money that is out already stands in the balance before the first new row
            if line.drawn and line.from_on <= event.on and line.due_on > event.first_due_on:
                made[0].drawn += line.drawn
                line.drawn = 0
        self.lines.extend(made)

    def _reamortise(self, event: Reamortised) -> None:
        lines = self._sorted()
        later = [line for line in lines if line.due_on > event.on and line.kind == "regular"]
        if not later:
            raise InvalidTerms(
                "plans.events",
                f"no instalment falls due after {event.on} to take what is unpaid; re-age the loan instead",
            )
        principal = interest = 0
        for line, (open_principal, open_interest) in zip(lines, self._unpaid(event.on), strict=True):
            if line.due_on <= event.on:
                line.principal -= open_principal
                line.interest -= open_interest
                principal += open_principal
                interest += open_interest
        self._spread(principal, later, "principal")
        self._spread(interest, later, "interest")

    def _charge_back(self, event: ChargedBack) -> None:
        """Add what was taken back to the next instalment, or after the last one to its row; a credit takes it first."""
        amount = event.amount.minor
        owed = sum(line.principal + line.interest + line.fee + line.late_fee for line in self.lines)
        paid = sum(line.principal for line in self.lines if line.is_paid) + sum(paid for _, paid in self.payments)
        if paid - owed >= amount:
            return
        later = [line for line in self._sorted() if line.due_on > event.on and line.kind == "regular"]
        line = later[0] if later else self._line_of(event.on)
        line.principal += amount
        line.drawn += amount

    def _move(self, event: Rescheduled, days: Sequence[date]) -> list[date]:
        """Return due dates of which one moves and the later ones follow in its rhythm."""
        if event.from_due_on not in days:
            raise InvalidTerms("plans.events", f"no instalment falls due on {event.from_due_on}")
        place = list(days).index(event.from_due_on)
        before = days[place - 1] if place else self.start
        if event.to_due_on <= before:
            raise InvalidTerms(
                "plans.deferral",
                f"the instalment of {event.from_due_on} cannot move to {event.to_due_on}; choose a day after {before}",
            )
        later = DueDates(event.to_due_on, self.terms.every, len(days) - place, 0, self.terms.month_end)()
        return [*days[:place], *later]

    # -- the end -----------------------------------------------------------------------------------------------

    def _sorted(self) -> list[_Line]:
        """Order lines by due date; on one day a regular row stands before the down payment of a new drawdown."""
        rank = {"regular": 0, "extra": 2, "down_payment": 1}
        return sorted(self.lines, key=lambda line: (line.due_on, rank[line.kind]))

    def finished(self) -> tuple[LoanRow, ...]:
        """Return the rows with their balances."""
        currency = self.terms.currency
        balance, last = 0, self.start
        rows = []
        for number, line in enumerate(self._sorted(), start=1):
            balance += line.drawn - line.principal
            start = line.due_on if line.kind == "down_payment" else max(last, line.from_on)
            rows.append(
                LoanRow(
                    number=number,
                    from_on=start,
                    due_on=line.due_on,
                    days=(line.due_on - start).days,
                    principal=Money(line.principal, currency),
                    interest=Money(line.interest, currency),
                    fee=Money(line.fee, currency),
                    late_fee=Money(line.late_fee, currency),
                    total=Money(line.principal + line.interest + line.fee + line.late_fee, currency),
                    balance=Money(balance, currency),
                )
            )
            if line.kind != "down_payment":
                last = line.due_on
        return tuple(rows)

    def _financed(self, amount: int) -> int:
        """Return what a drawdown leaves to finance after its down payment, which is rounded like a payment."""
        return amount - self.math.to_multiple(rounded(amount * self.terms.down_payment))

    def _down_payment(self, event: Drawdown, on: date) -> int:
        """Give a drawdown its row for the down payment; return what is left to finance."""
        amount = event.amount.minor
        down = amount - self._financed(amount)
        if down:
            line = _Line(from_on=on, due_on=on, kind="down_payment", principal=down)
            line.is_paid = self.terms.is_down_payment_paid
            line.rest = amount - down
            self.lines.append(line)
            # all the money of a day is there before the first of its down payments is made
            next(one for one in self.lines if one.kind == "down_payment" and one.due_on == on).drawn += amount
        return amount - down


def _require_early(event: EarlyPayment, due_on: Sequence[date]) -> None:
    if event.for_due_on not in due_on:
        raise InvalidTerms("plans.events", f"no instalment falls due on {event.for_due_on}")
    if event.on > event.for_due_on:
        raise InvalidTerms(
            "plans.events",
            f"money of {event.on} is not ahead of the row of {event.for_due_on}; give it as a LoanPayment",
        )


class _FlatRun(_Run):
    """Interest on the sum first drawn, in equal parts; principal in equal parts, spread anew with each drawdown."""

    def __init__(self, terms: LoanTerms, events: Sequence[LoanEvent]) -> None:
        super().__init__(terms)
        starts = terms.starts(terms.dates())
        days: Sequence[date] = terms.dates()
        self.moved: list[LoanEvent] = []
        for (
            event
        ) in events:  # agreed rows move before all else: money is spread over what falls due after it in the end
            if isinstance(event, Rescheduled) and event.from_due_on in days:
                days = self._move(event, days)
                self.moved.append(event)
        self.lines = [_Line(from_on=start, due_on=day) for start, day in zip(starts, days, strict=True)]
        self.is_drawn = False

    def take(self, event: LoanEvent) -> None:
        if isinstance(event, Drawdown):
            self._draw(event)
        elif any(event is one for one in self.moved):
            pass
        elif isinstance(event, Rescheduled):  # of a row that a re-ageing made
            regular = [line for line in self._sorted() if line.kind == "regular"]
            for line, day in zip(regular, self._move(event, [line.due_on for line in regular]), strict=True):
                line.due_on = day
        elif isinstance(event, EarlyPayment):  # interest is fixed, so money ahead of its row is money like any other
            _require_early(event, [line.due_on for line in self.lines])
            self.payments.append((event.on, event.principal.minor + event.interest.minor))
        else:
            super().take(event)

    def _draw(self, event: Drawdown) -> None:
        on = event.on or self.start
        rest = self._down_payment(event, on)
        regular = [line for line in self._sorted() if line.kind == "regular"]
        later = [line for line in regular if line.due_on > on] if self.is_drawn else regular
        self.is_drawn = True
        if not later:
            raise InvalidTerms("plans.events", f"no instalment falls due after the drawdown of {on}")
        if rest == event.amount.minor:  # no down payment, or one that rounds to nothing
            later[0].drawn += event.amount.minor
        self._interest(event.amount.minor, later)
        self._principal(rest + sum(line.principal for line in later), later)

    def _interest(self, amount: int, over: Sequence[_Line]) -> None:
        whole = rounded(amount * self.math.annual * self.math.nominal_share() * len(over))
        if not whole:
            return
        part = min(rounded(Fraction(whole, len(over))), whole // max(len(over) - 1, 1))
        grace = self.terms.interest_grace if len(over) == self.terms.instalments else 0
        parts = [part] * (len(over) - 1) + [whole - part * (len(over) - 1)]
        for place, line in enumerate(over):
            if place < grace:
                parts[place + 1] += parts[place]
            else:
                line.interest += parts[place]

    def _principal(self, amount: int, over: Sequence[_Line]) -> None:
        resting = self.terms.principal_grace if len(over) == self.terms.instalments else 0
        paying = over[resting:]
        part = self.math.to_multiple(rounded(Fraction(amount, len(paying))))
        left = amount
        for line in over:
            line.principal = 0
        for line in paying[:-1]:
            odd = 0 if self.unit == 1 else self.math.to_multiple(line.interest) - line.interest
            line.principal = min(part + odd, left)
            left -= line.principal
        paying[-1].principal = left


class _DecliningRun(_Run):
    """Interest on a falling balance: the engine plays all that moves the balance, then the lines take the rest."""

    def __init__(self, terms: LoanTerms, events: Sequence[LoanEvent]) -> None:
        super().__init__(terms)
        days: Sequence[date] = terms.dates()
        for event in events:
            if isinstance(event, Rescheduled):
                days = self._move(event, days)
        financed = sum(self._financed(event.amount.minor) for event in events if isinstance(event, Drawdown))
        self.engine = Declining(terms, days, financed)
        for event in events:
            self._feed(event)
        self._lay()

    def _feed(self, event: LoanEvent) -> None:
        engine = self.engine
        if isinstance(event, Drawdown):
            on = event.on or self.start
            engine.draw(on, self._down_payment(event, on))
        elif isinstance(event, LoanPayment):
            engine.pay(event.on, event.amount.minor)
        elif isinstance(event, EarlyPayment):
            ends = [end for _, end in engine.periods]
            _require_early(event, ends)
            place = ends.index(event.for_due_on)
            principal, interest = engine.facts.booked.get(place, (0, 0))
            engine.facts.booked[place] = (principal + event.principal.minor, interest + event.interest.minor)
            engine.facts.changes.append((event.on, -event.principal.minor))
        elif isinstance(event, Recalculated):
            engine.facts.recalculated_on = event.on
        elif isinstance(event, Payoff):
            to_end = (
                self.terms.recalculation is not None and self.terms.recalculation.payoff_interest == "to_period_end"
            )
            holding = [end for start, end in engine.periods if start < event.on <= end]
            engine.facts.stop_on = holding[0] if to_end and holding else event.on
        elif isinstance(event, ChargedBack):
            later = [k for k, (_, end) in enumerate(engine.periods) if end > event.on]
            if later:
                engine.facts.changes.append((event.on, event.amount.minor))
                engine.facts.added[later[0]] = engine.facts.added.get(later[0], 0) + event.amount.minor

    def _lay(self) -> None:
        """Turn the engine's rows into lines; what a line's balance moves beyond its principal counts as drawn."""
        downs, regular, balance = self.lines[:], [], 0
        for (start, end), row in zip(self.engine.periods, self.engine.play(), strict=True):
            if row.balance < 0 or row.interest < 0:
                raise InvalidTerms(
                    "plans.overpaid", f"more is booked ahead than is open on {end}; book what is open, and pay it off"
                )
            line = _Line(from_on=start, due_on=end, principal=row.principal, interest=row.interest)
            line.drawn = row.balance - balance + row.principal
            balance = row.balance
            regular.append(line)
        for down in downs:  # the money is there when its down payment is made, not at the end of the period
            next(line for line in regular if line.due_on >= down.due_on).drawn -= down.rest
        self.lines.extend(regular)

    def take(self, event: LoanEvent) -> None:
        if not isinstance(event, ChargedBack) or event.on >= self.engine.periods[-1][1]:  # else the engine has it
            super().take(event)
