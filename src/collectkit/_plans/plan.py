"""The plan itself: terms and schedule, proven at birth, with the agreement around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypedDict

import attrs

from collectkit._plans.explanation import RowExplanation, explain_row
from collectkit._plans.figures import schedule_of, settled
from collectkit._plans.proof import PlanProof, proof_of, prove, prove_rows
from collectkit._plans.terms import PlanTerms
from collectkit.core.checks import identifier, instance_of, non_negative_int, optional, plain_date, tuple_of
from collectkit.core.errors import CurrencyMismatch, InvalidTerms
from collectkit.core.money import Money
from collectkit.core.records import PlanAgreement, PlannedInstalment
from collectkit.core.schedule import Instalment, Schedule


def _ids(values: Iterable[str]) -> tuple[str, ...]:
    return tuple_of(str)(values)


@attrs.frozen(kw_only=True)
class PaymentPlan:
    """An agreed way to pay over time: terms, schedule, and the receivables it covers.

    A plan that cannot be proven, or whose rows are not those that its terms make, cannot be constructed, by hand or
    otherwise. `carried` rows at the head were paid
    under the plan that this one `supersedes`, and stand unchanged. An instalment missed by more than
    `tolerance_days`, with more than `tolerance_amount` open, breaks the plan.

    >>> from collectkit.core.rates import Rate
    >>> from collectkit.plans import amortised_plan
    >>> plan = amortised_plan(
    ...     plan_id="P-1",
    ...     principal=Money.of("100.00", "USD"),
    ...     rate=Rate.percent("9.4822"),
    ...     instalments=6,
    ...     start_on=date(2024, 1, 1),
    ... )
    >>> [str(row.total) for row in plan.schedule][-2:], str(plan.proof.last_gap)
    (['17.13 USD', '17.13 USD'], '0.00 USD')

    Raises:
        InvalidTerms: what `proof` would state does not hold; `plans.columns` for rows that the terms do not make.
    """

    plan_id: str = attrs.field(validator=identifier)
    terms: PlanTerms = attrs.field(validator=instance_of(PlanTerms))
    schedule: Schedule = attrs.field(validator=instance_of(Schedule))
    account_id: str | None = attrs.field(default=None, validator=optional(identifier))
    covers: tuple[str, ...] = attrs.field(default=(), converter=_ids)
    agreed_on: date = attrs.field(
        default=attrs.Factory(lambda self: self.terms.start_on, takes_self=True), validator=plain_date
    )
    supersedes: str | None = attrs.field(default=None, validator=optional(identifier))
    tolerance_days: int = attrs.field(default=0, validator=non_negative_int)
    tolerance_amount: Money | None = attrs.field(default=None, validator=optional(instance_of(Money)))
    carried: int = attrs.field(default=0, validator=non_negative_int)

    def __attrs_post_init__(self) -> None:
        if self.tolerance_amount is not None and self.tolerance_amount.currency != self.terms.currency:
            raise CurrencyMismatch(self.terms.currency, self.tolerance_amount.currency, "put into one plan")
        if self.schedule.currency != self.terms.currency:
            raise CurrencyMismatch(self.terms.currency, self.schedule.currency, "put into one plan")
        if self.supersedes == self.plan_id:
            raise InvalidTerms(
                "plans.conflict", f"plan {self.plan_id} cannot replace itself; give the new plan its own id"
            )
        self._prove()

    def _prove(self) -> None:
        prove(self.terms, self.schedule, self.carried)
        prove_rows(self.terms, self.schedule, self.carried)

    @property
    def currency(self) -> str:
        """Return the currency of the plan."""
        return self.terms.currency

    @property
    def principal(self) -> Money:
        """Return the debt that the plan pays off."""
        return self.schedule.principal

    @property
    def total(self) -> Money:
        """Return everything the debtor pays under the plan."""
        return self.schedule.total

    @property
    def cost(self) -> Money:
        """Return what the plan costs beyond the debt: interest, also where it joined the debt, and fees.

        Where the plan supersedes another one, the debt is the one that the carried rows began with.
        """
        debt = self.schedule.balance_before(0) if self.carried else self.terms.principal.minor
        return self.total - Money(debt, self.currency)

    @property
    def ends_on(self) -> date:
        """Return the due date of the last instalment."""
        return self.schedule[-1].due_on

    @property
    def proof(self) -> PlanProof:
        """State the facts that were checked when the plan was built."""
        return proof_of(self.terms, self.schedule, self.carried)

    def explain(self, number: int) -> RowExplanation:
        """Say how instalment `number` came about: exact factor, unrounded figure, rounding, and the residue.

        Raises:
            InvalidTerms: `plans.count` for a number that is no instalment.
        """
        return explain_row(self.terms, self.schedule, self.carried, number)

    def as_agreement(self) -> PlanAgreement:
        """Return the plan as the plain fact that a snapshot holds; carried rows were paid before and are left out.

        Raises:
            InvalidTerms: `plans.agreement` where the account or the covered receivables are not named.
        """
        if self.account_id is None or not self.covers:
            raise InvalidTerms(
                "plans.agreement",
                f"plan {self.plan_id} names no {'account' if self.account_id is None else 'receivable'}; "
                "build it with account_id= and covers=",
            )
        return PlanAgreement(
            plan_id=self.plan_id,
            account_id=self.account_id,
            covers=self.covers,
            agreed_on=self.agreed_on,
            instalments=tuple(
                PlannedInstalment(number=row.number, due_on=row.due_on, amount=row.total)
                for row in self.schedule[self.carried :]
            ),
            tolerance_days=self.tolerance_days,
            tolerance_amount=self.tolerance_amount,
            supersedes=self.supersedes,
        )


class _Made(PaymentPlan):
    """The twin of a plan whose rows were just laid out from its terms, so that it does not lay them out once more.

    It is proven like any other, and then changes its class; the slots are the same.
    """

    __slots__ = ()

    def _prove(self) -> None:
        prove(self.terms, self.schedule, self.carried)


def refuse_conflict(plan: PaymentPlan, others: Sequence[PaymentPlan | PlanAgreement]) -> None:
    """Refuse a plan that covers a receivable which another running plan covers, unless it supersedes that plan.

    `others` are the plans that still run. Plans that cover nothing by name never meet.

    >>> from collectkit.plans import equal_split_plan
    >>> common = dict(principal=Money.of("3", "EUR"), instalments=3, start_on=date(2026, 1, 1), covers=["R-1"])
    >>> refuse_conflict(
    ...     equal_split_plan(plan_id="P-2", supersedes="P-1", **common), [equal_split_plan(plan_id="P-1", **common)]
    ... )

    Raises:
        InvalidTerms: `plans.conflict`.
    """
    for other in others:
        shared = sorted(set(plan.covers) & set(other.covers))
        if shared and other.plan_id not in (plan.plan_id, plan.supersedes):
            raise InvalidTerms(
                "plans.conflict",
                f"plan {other.plan_id} already covers {', '.join(shared)}; supersede it (supersedes={other.plan_id!r}), "
                "cancel it, or leave these receivables out",
                plan_id=other.plan_id,
                receivable_ids=tuple(shared),
            )


class Agreement(TypedDict, total=False):
    """The agreement around the figures: who, for what, when, in place of which plan, and with what tolerance."""

    account_id: str | None
    covers: tuple[str, ...]
    agreed_on: date
    supersedes: str | None
    tolerance_days: int
    tolerance_amount: Money | None


def plan_from_terms(
    *, plan_id: str, terms: PlanTerms, agreement: Agreement | None = None, carried: Sequence[Instalment] = ()
) -> PaymentPlan:
    """Build the plan that follows from `terms`, after `carried` rows that stand as they were under an earlier plan.

    Raises:
        InvalidTerms: the plan cannot be proven.
    """
    terms = settled(terms)
    schedule = schedule_of(terms)
    if carried:
        prove(terms, schedule, 0)  # before its rows become instalments, which cannot be negative
        rows = [*carried]
        for row in schedule:
            rows.append(attrs.evolve(row, number=len(rows) + 1))
        schedule = Schedule.from_rows(rows, joined=_joins(carried, schedule.principal))
    plan = _Made(plan_id=plan_id, terms=terms, schedule=schedule, carried=len(carried), **(agreement or {}))
    object.__setattr__(plan, "__class__", PaymentPlan)  # frozen, so not by assignment
    return plan


def _joins(carried: Sequence[Instalment], debt: Money) -> list[tuple[int, Money]]:
    """Return the sums by which each row's debt is more than the row before left of it: they joined at a change."""
    before = [row.principal + row.balance for row in carried]
    pairs = enumerate(zip(carried, (*before[1:], debt), strict=True), start=1)
    return [(place, opening - row.balance) for place, (row, opening) in pairs if opening != row.balance]
