"""How the sample accounts behave: one small story per kind of payer, told as records.

A story is written down in advance and does not react to notices; its dates are chosen so that they fall where a
reminder, a final demand or an agreement usually does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

import attrs

from collectkit.core.calendars import add_months
from collectkit.core.money import Money
from collectkit.core.records import (
    Account,
    Approval,
    Channel,
    ContactPoint,
    CreditNote,
    Debtor,
    DebtorKind,
    Dispute,
    Flag,
    FlagKind,
    Hold,
    HoldReason,
    Payment,
    PlanAgreement,
    PlannedInstalment,
    PromiseToPay,
    Receivable,
)
from collectkit.samples._messenger import RETURNED_MAIL
from collectkit.samples._people import PLACES, Dice, Place, debtor_of, mail_of, mobile_of, street_of

HISTORY_MONTHS: Final = 9
QUARTER_MONTHS: Final = 3


@attrs.frozen(kw_only=True)
class SampleAccount:
    """One account of the sample with all its facts; `profile` names the kind of payer, for tests and tutorials."""

    profile: str
    account: Account
    debtor: Debtor
    receivables: tuple[Receivable, ...]
    payments: tuple[Payment, ...]
    credit_notes: tuple[CreditNote, ...]
    promises: tuple[PromiseToPay, ...]
    plans: tuple[PlanAgreement, ...]
    disputes: tuple[Dispute, ...]
    holds: tuple[Hold, ...]
    approvals: tuple[Approval, ...]
    contact_points: tuple[ContactPoint, ...]


class Story:
    """The facts of one account while they are being written."""

    def __init__(self, *, index: int, seed: int, kind: DebtorKind, place: Place, start_on: date) -> None:
        self.index = index
        self.account_id = f"A-{index:04d}"
        self.dice = Dice(seed * 1_000_003 + index)
        self.kind = kind
        self.place = place
        self.start_on = start_on
        self.history_on = add_months(start_on, -HISTORY_MONTHS)
        self.end_on = add_months(start_on, QUARTER_MONTHS)
        self.terms_days = 30 if kind is DebtorKind.BUSINESS else 14
        self.currency = place.currency
        self.flags: list[Flag] = []
        self.receivables: list[Receivable] = []
        self.payments: list[Payment] = []
        self.credit_notes: list[CreditNote] = []
        self.promises: list[PromiseToPay] = []
        self.plans: list[PlanAgreement] = []
        self.disputes: list[Dispute] = []
        self.holds: list[Hold] = []
        self.approvals: list[Approval] = []
        self.earlier: list[Receivable] = []
        self.later: list[Receivable] = []

    # -- writing down

    def day(self, base: date, low: int, high: int) -> date:
        """Draw a working day from `low` to `high` days after `base`, moved on over a weekend."""
        chosen = base + timedelta(days=self.dice.between(low, high))
        return chosen + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[chosen.weekday()])

    def amount(self) -> Money:
        """Draw an invoice amount that suits a firm or a consumer."""
        if self.kind is DebtorKind.BUSINESS:
            tier = self.dice.pick((40_000, 120_000, 120_000, 400_000, 900_000))
            return Money(self.dice.between(tier // 4, tier), self.currency)
        return Money(self.dice.between(1_900, self.dice.pick((6_000, 12_000, 30_000))), self.currency)

    def invoice(self, due_on: date, amount: Money | None = None) -> Receivable:
        """Issue an invoice due on that day."""
        written = Receivable(
            receivable_id=f"INV-{self.index:04d}-{len(self.receivables) + 1:02d}",
            account_id=self.account_id,
            amount_original=amount or self.amount(),
            issued_on=due_on - timedelta(days=self.terms_days),
            due_on=due_on,
            kind="invoice" if self.kind is DebtorKind.BUSINESS else "subscription",
        )
        self.receivables.append(written)
        return written

    def pay(self, on: date, amount: Money, *invoices: Receivable, returned_on: date | None = None) -> None:
        """Write a payment down, unless it lies after the end of the sample."""
        if on >= self.end_on or amount.minor <= 0:
            return
        self.payments.append(
            Payment(
                payment_id=f"PAY-{self.index:04d}-{len(self.payments) + 1:02d}",
                account_id=self.account_id,
                amount=amount,
                received_on=on,
                receivable_ids=tuple(one.receivable_id for one in invoices),
                returned_on=returned_on if returned_on is not None and returned_on < self.end_on else None,
            )
        )

    def pay_in_full(self, invoice: Receivable, low: int, high: int) -> None:
        """Pay an invoice between `low` and `high` days after its due date."""
        self.pay(self.day(invoice.due_on, low, high), invoice.amount_original, invoice)

    def credit(self, on: date, amount: Money, invoice: Receivable, cancelled_on: date | None = None) -> None:
        """Write a credit note down, unless it lies after the end of the sample."""
        if on >= self.end_on or amount.minor <= 0:
            return
        self.credit_notes.append(
            CreditNote(
                credit_note_id=f"CN-{self.index:04d}-{len(self.credit_notes) + 1:02d}",
                account_id=self.account_id,
                amount=amount,
                issued_on=on,
                receivable_ids=(invoice.receivable_id,),
                cancelled_on=cancelled_on if cancelled_on is not None and cancelled_on < self.end_on else None,
            )
        )

    def promise(self, invoice: Receivable, amount: Money, made_on: date, due_on: date) -> PromiseToPay | None:
        """Write a promise for an invoice down, unless it was made after the end of the sample."""
        if made_on >= self.end_on:
            return None
        made = PromiseToPay(
            promise_id=f"PTP-{self.index:04d}-{len(self.promises) + 1:02d}",
            account_id=self.account_id,
            amount=amount,
            made_on=made_on,
            due_on=due_on,
            receivable_ids=(invoice.receivable_id,),
            channel=self.dice.pick((Channel.PHONE, Channel.PHONE, Channel.EMAIL)),
            taken_by=f"collector-{self.dice.between(1, 6):02d}",
        )
        self.promises.append(made)
        return made

    def dispute(self, invoice: Receivable, raised_on: date, reason: str, resolved_on: date | None) -> None:
        """Write a dispute down, unless it was raised after the end of the sample."""
        if raised_on >= self.end_on:
            return
        self.disputes.append(
            Dispute(
                dispute_id=f"DIS-{self.index:04d}-{len(self.disputes) + 1:02d}",
                account_id=self.account_id,
                raised_on=raised_on,
                receivable_ids=(invoice.receivable_id,),
                reason=reason,
                resolved_on=resolved_on if resolved_on is not None and resolved_on < self.end_on else None,
            )
        )

    # -- the frame that all stories share

    def bill(self, focus_on: date, every_months: int) -> Receivable:
        """Issue invoices at a steady pace so that one, the focus of the story, falls due on `focus_on`."""
        steps = range(-HISTORY_MONTHS - QUARTER_MONTHS, HISTORY_MONTHS + QUARTER_MONTHS)
        dues = [add_months(focus_on, every_months * step) for step in steps]
        focus: Receivable | None = None
        for due_on in dues:
            issued_on = due_on - timedelta(days=self.terms_days)
            if issued_on < self.history_on or issued_on >= self.end_on:
                continue
            written = self.invoice(due_on)
            if due_on == focus_on:
                focus = written
            elif due_on < focus_on:
                self.earlier.append(written)
            else:
                self.later.append(written)
        return focus or self.invoice(focus_on)

    def habit(self, low: int, high: int, invoices: list[Receivable]) -> None:
        """Pay these invoices in full, each a little different; now and then without saying what for."""
        for invoice in invoices:
            on = self.day(invoice.due_on, low, high)
            if self.dice.is_lucky(25):
                self.pay(on, invoice.amount_original)
            else:
                self.pay(on, invoice.amount_original, invoice)


# -- the kinds of payers ---------------------------------------------------------------------------------------


def part_of(amount: Money, per_cent: int) -> Money:
    """Take a share of an amount, cents dropped."""
    return Money(amount.minor * per_cent // 100, amount.currency)


def punctual(story: Story, focus: Receivable) -> None:
    """Pay around the due date."""
    story.habit(-4, 1, [*story.earlier, focus, *story.later])


def forgetful(story: Story, focus: Receivable) -> None:
    """Pay a few days after the first reminder, most of the time."""
    for invoice in (*story.earlier, focus, *story.later):
        low, high = (9, 16) if story.dice.is_lucky(70) else (-2, 2)
        story.pay_in_full(invoice, low, high)


def chronic(story: Story, focus: Receivable) -> None:
    """Pay everything, and everything late."""
    story.habit(33, 78, [*story.earlier, focus, *story.later])


def partial(story: Story, focus: Receivable) -> None:
    """Pay a part after the reminder and the rest late or not at all."""
    story.habit(-1, 20, story.earlier)
    for invoice in (focus, *story.later):
        first = part_of(invoice.amount_original, story.dice.between(35, 65))
        story.pay(story.day(invoice.due_on, 6, 18), first, invoice)
        if story.dice.is_lucky(55):
            story.pay(story.day(invoice.due_on, 36, 70), invoice.amount_original - first, invoice)


def promise_kept(story: Story, focus: Receivable) -> None:
    """Promise after the reminder, and pay on the promised day or just before."""
    story.habit(0, 12, [*story.earlier, *story.later])
    made_on = story.day(focus.due_on, 9, 16)
    due_on = story.day(made_on, 7, 12)
    story.promise(focus, focus.amount_original, made_on, due_on)
    story.pay(due_on - timedelta(days=story.dice.between(0, 2)), focus.amount_original, focus)


def promise_broken(story: Story, focus: Receivable) -> None:
    """Promise, let the day pass, and sometimes keep a second promise."""
    story.habit(2, 25, story.earlier)
    made_on = story.day(focus.due_on, 9, 16)
    due_on = story.day(made_on, 7, 10)
    story.promise(focus, focus.amount_original, made_on, due_on)
    if story.dice.is_lucky(40):
        again_on = story.day(due_on, 5, 9)
        second_on = story.day(again_on, 7, 10)
        story.promise(focus, focus.amount_original, again_on, second_on)
        story.pay(second_on, focus.amount_original, focus)
    elif story.dice.is_lucky(50):
        story.pay(story.day(due_on, 18, 40), focus.amount_original, focus)


def promise_partly_kept(story: Story, focus: Receivable) -> None:
    """Promise the whole, pay a part by then, and the rest a month later."""
    story.habit(0, 15, story.earlier)
    made_on = story.day(focus.due_on, 9, 16)
    due_on = story.day(made_on, 7, 12)
    story.promise(focus, focus.amount_original, made_on, due_on)
    first = part_of(focus.amount_original, story.dice.between(30, 70))
    story.pay(due_on, first, focus)
    story.pay(story.day(due_on, 25, 35), focus.amount_original - first, focus)
    story.habit(5, 20, story.later)


def dispute_resolved(story: Story, focus: Receivable) -> None:
    """Dispute an invoice, get a part credited, and pay the rest."""
    story.habit(-2, 6, [*story.earlier, *story.later])
    raised_on = story.day(focus.due_on, 3, 12)
    resolved_on = story.day(raised_on, 14, 34)
    reason = story.dice.pick(("goods damaged", "price differs from the order", "hours not as agreed"))
    story.dispute(focus, raised_on, reason, resolved_on)
    credited = part_of(focus.amount_original, story.dice.between(10, 45))
    story.credit(resolved_on, credited, focus)
    story.pay(story.day(resolved_on, 3, 11), focus.amount_original - credited, focus)


def dispute_open(story: Story, focus: Receivable) -> None:
    """Dispute an invoice to the end of the quarter and pay the others."""
    story.habit(-2, 6, [*story.earlier, *story.later])
    reason = story.dice.pick(("never ordered", "delivered twice", "service was down"))
    story.dispute(focus, story.day(focus.due_on, 3, 12), reason, None)


def hardship(story: Story, focus: Receivable) -> None:
    """Fall on hard times and pay small sums when possible."""
    story.habit(-2, 10, story.earlier)
    since_on = story.day(focus.due_on, 8, 20)
    story.flags.append(Flag(kind=FlagKind.HARDSHIP, since_on=since_on, until_on=add_months(since_on, 4)))
    if story.dice.is_lucky(40):
        story.flags.append(Flag(kind=FlagKind.VULNERABLE, since_on=since_on))
    for step in range(1, 4):
        sum_paid = part_of(focus.amount_original, story.dice.between(8, 18))
        story.pay(story.day(add_months(since_on, step), 0, 4), sum_paid, focus)


def _plan(story: Story, focus: Receivable, *, kept: int) -> None:
    story.habit(-2, 14, story.earlier[:-1])
    covered = [*story.earlier[-1:], focus]
    owed = Money(sum(one.amount_original.minor for one in covered), story.currency)
    agreed_on = story.day(max(story.start_on, focus.due_on), 12, 24)
    count = story.dice.between(4, 6)
    first_on = story.day(agreed_on, 5, 9)
    instalments = tuple(
        PlannedInstalment(number=number, due_on=add_months(first_on, number - 1), amount=part)
        for number, part in enumerate(owed.split(count), start=1)
    )
    story.plans.append(
        PlanAgreement(
            plan_id=f"PLAN-{story.index:04d}-01",
            account_id=story.account_id,
            covers=tuple(one.receivable_id for one in covered),
            agreed_on=agreed_on,
            instalments=instalments,
            tolerance_days=7,
        )
    )
    for part in instalments[:kept]:
        story.pay(part.due_on - timedelta(days=story.dice.between(0, 3)), part.amount, *covered)
    story.habit(-3, 1, story.later)


def plan_kept(story: Story, focus: Receivable) -> None:
    """Agree on instalments and pay each in time."""
    _plan(story, focus, kept=12)


def plan_broken(story: Story, focus: Receivable) -> None:
    """Agree on instalments, pay the first, and stop."""
    _plan(story, focus, kept=1)


def credited(story: Story, focus: Receivable) -> None:
    """Get a credit note, which is taken back now and then, and pay what is left."""
    story.habit(-3, 4, [*story.earlier, *story.later])
    amount = part_of(focus.amount_original, story.dice.pick((15, 25, 40, 100)))
    issued_on = story.day(focus.due_on, -5, 10)
    if story.dice.is_lucky(25):
        cancelled_on = story.day(issued_on, 12, 25)
        story.credit(issued_on, amount, focus, cancelled_on)
        story.pay(story.day(issued_on, 1, 8), focus.amount_original - amount, focus)
        story.pay(story.day(cancelled_on, 14, 30), amount, focus)
    else:
        story.credit(issued_on, amount, focus)
        story.pay(story.day(issued_on, 1, 12), focus.amount_original - amount, focus)


def returned_payment(story: Story, focus: Receivable) -> None:
    """Pay by direct debit that the bank returns; pay again later, or not."""
    story.habit(-1, 3, [*story.earlier, *story.later])
    paid_on = story.day(focus.due_on, 0, 3)
    returned_on = story.day(paid_on, 3, 7)
    story.pay(paid_on, focus.amount_original, focus, returned_on=returned_on)
    if story.dice.is_lucky(60):
        story.pay(story.day(returned_on, 14, 32), focus.amount_original, focus)


def unreachable(story: Story, focus: Receivable) -> None:
    """Have moved on: nothing arrives and nothing is paid."""
    story.habit(0, 9, story.earlier)


def opted_out(story: Story, focus: Receivable) -> None:
    """Want no mail, and pay late when a letter comes."""
    story.habit(12, 28, [*story.earlier, focus, *story.later])


def deceased(story: Story, focus: Receivable) -> None:
    """Pay well until death."""
    story.habit(-3, 1, story.earlier)
    story.flags.append(Flag(kind=FlagKind.DECEASED, since_on=story.day(focus.due_on, 4, 30)))


def insolvent(story: Story, focus: Receivable) -> None:
    """Pay ever later, then file."""
    story.habit(14, 40, story.earlier)
    filed_on = story.day(focus.due_on, 15, 40)
    story.flags.append(Flag(kind=FlagKind.INSOLVENT, since_on=filed_on))
    story.holds.append(
        Hold(
            hold_id=f"HOLD-{story.index:04d}-01",
            account_id=story.account_id,
            reason=HoldReason.INSOLVENCY,
            placed_on=filed_on,
        )
    )


def ceased(story: Story, focus: Receivable) -> None:
    """Ask that contact cease, or be represented by a lawyer."""
    story.habit(0, 20, story.earlier)
    kind = story.dice.pick((FlagKind.CEASE_COMMUNICATION, FlagKind.REPRESENTED))
    story.flags.append(Flag(kind=kind, since_on=story.day(focus.due_on, 12, 30)))


def small(story: Story, focus: Receivable) -> None:
    """Leave a few cents open that nobody should chase."""
    story.habit(-2, 2, [*story.earlier, *story.later])
    left = Money(story.dice.between(40, 290), story.currency)
    story.pay(story.day(focus.due_on, -2, 2), focus.amount_original - left, focus)


def breathing_space(story: Story, focus: Receivable) -> None:
    """Be granted a pause, then pay."""
    story.habit(0, 12, story.earlier)
    placed_on = story.day(focus.due_on, 10, 22)
    until_on = placed_on + timedelta(days=story.dice.pick((30, 60)))
    story.holds.append(
        Hold(
            hold_id=f"HOLD-{story.index:04d}-01",
            account_id=story.account_id,
            reason=story.dice.pick((HoldReason.BREATHING_SPACE, HoldReason.MEDIATION)),
            placed_on=placed_on,
            until_on=until_on,
        )
    )
    story.pay(story.day(until_on, 2, 15), focus.amount_original, focus)


def refusing(story: Story, focus: Receivable) -> None:
    """Pay nothing any more, so that the legal stage is reached; leave for it was given where the sum is worth it."""
    story.habit(20, 50, story.earlier[:-1])
    granted_on = story.day(focus.due_on, 84, 96)
    if granted_on < story.end_on and story.dice.is_lucky(70):
        story.approvals.append(
            Approval(
                subject="legal",
                authority="credit-manager",
                granted_by=f"manager-{story.dice.between(1, 2):02d}",
                granted_on=granted_on,
            )
        )


Teller = Callable[[Story, Receivable], None]

# Who comes how often among forty accounts; where the focus falls due, counted from the start of the quarter; and
# whether only consumers or only firms live through it.
_CAST: Final[tuple[tuple[Teller, int, tuple[int, int], DebtorKind | None], ...]] = (
    (punctual, 6, (-20, 30), None),
    (forgetful, 5, (-10, 30), None),
    (chronic, 4, (-50, 20), DebtorKind.BUSINESS),
    (partial, 3, (-20, 25), None),
    (promise_kept, 2, (-8, 30), None),
    (promise_broken, 2, (-8, 25), None),
    (promise_partly_kept, 1, (-8, 25), None),
    (dispute_resolved, 1, (-8, 25), DebtorKind.BUSINESS),
    (dispute_open, 1, (-8, 25), DebtorKind.BUSINESS),
    (hardship, 1, (-15, 15), DebtorKind.CONSUMER),
    (plan_kept, 1, (-30, -5), None),
    (plan_broken, 1, (-30, -5), None),
    (credited, 1, (-8, 30), DebtorKind.BUSINESS),
    (returned_payment, 1, (-8, 30), DebtorKind.CONSUMER),
    (unreachable, 2, (-35, 15), None),
    (opted_out, 1, (-15, 20), DebtorKind.CONSUMER),
    (deceased, 1, (-10, 20), DebtorKind.CONSUMER),
    (insolvent, 1, (-30, 5), DebtorKind.BUSINESS),
    (ceased, 1, (-15, 10), DebtorKind.CONSUMER),
    (small, 1, (-20, 20), None),
    (breathing_space, 1, (-15, 10), DebtorKind.CONSUMER),
    (refusing, 2, (-60, -25), DebtorKind.BUSINESS),
)
_SLOTS: Final = tuple((teller, focus, kind) for teller, count, focus, kind in _CAST for _ in range(count))
_STRIDE: Final = 7  # shares no factor with the number of slots, so that the kinds of payers come mixed

PROFILES: Final = tuple(teller.__name__ for teller, _, _, _ in _CAST)
"""The kinds of payers in the sample."""


def sample_account(index: int, *, seed: int, start_on: date) -> SampleAccount:
    """Tell the story of account `index`; the same arguments give the same account, whatever the others are."""
    turn, slot = divmod(index, len(_SLOTS))
    teller, (low, high), kind = _SLOTS[slot * _STRIDE % len(_SLOTS)]
    place = PLACES[(index + turn) % len(PLACES)]
    is_firm = kind is DebtorKind.BUSINESS or (kind is None and (slot + turn // len(PLACES)) % 2 == 0)
    story = Story(
        index=index,
        seed=seed,
        kind=DebtorKind.BUSINESS if is_firm else DebtorKind.CONSUMER,
        place=place,
        start_on=start_on,
    )
    every_months = story.dice.pick((1, 2, 2, 3) if is_firm else (1, 2, 3))
    focus = story.bill(start_on + timedelta(days=story.dice.between(low, high)), every_months)
    teller(story, focus)
    if teller is small:
        story.payments.sort(key=lambda payment: payment.received_on)
    if is_firm and teller in (punctual, forgetful, chronic) and story.dice.is_lucky(25):
        _add_foreign_invoice(story)
    return _written(story, teller.__name__)


# -- details ---------------------------------------------------------------------------------------------------


def _add_foreign_invoice(story: Story) -> None:
    """Add one invoice in a second currency, paid a month late by half of them."""
    amount = Money(story.dice.between(20_000, 250_000), story.place.other_currency)
    invoice = story.invoice(story.start_on + timedelta(days=story.dice.between(-20, 40)), amount)
    if story.dice.is_lucky(60):
        story.pay_in_full(invoice, 0, 35)


def _contact_points(story: Story, profile: str, opened_on: date) -> tuple[ContactPoint, ...]:
    """Give each account a mail address, most a mobile number and a postal address; spoil those of the unreachable."""
    is_lost = profile == "unreachable"
    points = [
        ContactPoint(
            contact_point_id=f"CP-{story.index:04d}-mail",
            channel=Channel.EMAIL,
            address=mail_of(story.index, story.place, story.kind, bounces=is_lost),
            rank=1,
            is_workplace=story.kind is DebtorKind.BUSINESS,
            consent_on=opened_on,
            opted_out_on=(story.day(story.start_on, -40, 40) if profile == "opted_out" else None),
        )
    ]
    if not is_lost and story.dice.is_lucky(75):
        points.append(
            ContactPoint(
                contact_point_id=f"CP-{story.index:04d}-mobile",
                channel=Channel.SMS,
                address=mobile_of(story.index, story.place),
                rank=2,
                consent_on=opened_on if story.dice.is_lucky(80) else None,
            )
        )
    street = street_of(story.index, story.place)
    points.append(
        ContactPoint(
            contact_point_id=f"CP-{story.index:04d}-post",
            channel=Channel.LETTER,
            address=f"{RETURNED_MAIL}, {street}" if is_lost and story.dice.is_lucky(50) else street,
            rank=3,
        )
    )
    return tuple(points)


def _written(story: Story, profile: str) -> SampleAccount:
    """Turn a finished story into records."""
    opened_on = min(one.issued_on for one in story.receivables)
    debtor = debtor_of(story.index, story.place, story.kind, tuple(story.flags), story.dice)
    return SampleAccount(
        profile=profile,
        account=Account(
            account_id=story.account_id,
            debtor_id=debtor.debtor_id,
            creditor_id="CREDITOR-1",
            opened_on=opened_on,
        ),
        debtor=debtor,
        receivables=tuple(story.receivables),
        payments=tuple(story.payments),
        credit_notes=tuple(story.credit_notes),
        promises=tuple(story.promises),
        plans=tuple(story.plans),
        disputes=tuple(story.disputes),
        holds=tuple(story.holds),
        approvals=tuple(story.approvals),
        contact_points=_contact_points(story, profile, opened_on),
    )
