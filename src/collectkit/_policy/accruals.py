"""Interest on arrears and fixed recovery sums that have fallen due."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import date
from fractions import Fraction
from typing import Final

import attrs

from collectkit._policy.bundle import ChargePolicy
from collectkit._policy.interest import (
    AccruedInterest,
    BalanceStep,
    InterestPolicy,
    InterestStep,
    RecoverySumPolicy,
    accrue_on,
)
from collectkit._policy.law import facts_of
from collectkit._policy.ledger import Ledger, PostedCharge
from collectkit._policy.look import Look, after
from collectkit._policy.terms import amount_in
from collectkit.core.calendars import add_months
from collectkit.core.decisions import Reason
from collectkit.core.errors import InvalidDate
from collectkit.core.money import Money, rounded
from collectkit.core.rates import NotInForce, Stale
from collectkit.core.records import Receivable
from collectkit.core.rules import InForce, LumpSum, RulePack
from collectkit.core.waterfall import Item

__all__ = ["accrued_to", "at_posted_rates", "look_at_interest", "look_at_sums", "posted_sums", "unposted_interest"]


# -- fixed sums ------------------------------------------------------------------------------------------------


def look_at_sums(look: Look, policies: ChargePolicy) -> None:
    """Add the recovery sums that have fallen due to a look."""
    if not policies.recovery_sums:
        return
    for item in look.ledger.balance.items:
        for policy in policies.recovery_sums_for(item.receivable, segment=look.segment):
            _look_at_sum(look, policy, item)
    for receivable in look.ledger.coming:
        for policy in policies.recovery_sums_for(receivable, segment=look.segment):
            look.next_days.append(max(after(receivable.due_on, policy.grace_days + 1), receivable.issued_on))


def _look_at_sum(look: Look, policy: RecoverySumPolicy, item: Item) -> None:
    """Charge the sum where the first day past due, which bears interest, ended with something open.

    It is owed from then on, as interest is, so a payment that came later does not undo it (directive 2011/7/EU,
    article 6).
    """
    receivable = item.receivable
    falls_on = after(receivable.due_on, policy.grace_days + 1)
    if falls_on > look.as_of:
        if item.amount_open.minor > 0:
            look.next_days.append(falls_on)
        return
    if item.settled_on is not None and item.settled_on <= falls_on:
        return
    debt = look.ledger.open_on(receivable, falls_on)
    opening = look.opening("cost", receivable.receivable_id, policy.id, 1)
    if opening is None or not debt.is_positive:
        return
    found = _sum_for(look, policy, receivable, debt, falls_on)
    if isinstance(found, Reason) and not item.is_open and found.code in _FOR_GOOD:
        return  # what was paid long ago is not told again on every look
    if look.stands_in_the_way(policy.id, receivable, policy.disputes, cite=policy.cite):
        return
    if isinstance(found, Reason):
        look.skip(found.code, policy.id, receivable, found.text, found.cite)
        return
    amount, cite = found
    text = f"{policy.id} for receivable {receivable.receivable_id}: {amount} for a debt of {debt}, past due since {falls_on}"
    reasons = [Reason(code="policy.recovery_sum", text=text, cite=cite)]
    amount = opening.left(amount, reasons)
    if amount.is_positive:
        look.charge(
            key=opening.key,
            rule=policy.id,
            receivable=receivable,
            component=policy.component,
            amount=amount,
            due_in_days=policy.due_in_days,
            reasons=reasons,
        )


_FOR_GOOD: Final = ("policy.moratorium", "policy.law_not_applicable", "policy.law_not_in_force", "policy.zero")
"""Why there is no sum, where no later look will find one."""


def _sum_for(
    look: Look, policy: RecoverySumPolicy, receivable: Receivable, debt: Money, falls_on: date
) -> tuple[Money, str] | Reason:
    """Return the sum that the law gives for a debt with who says so, or why it gives none."""
    frozen = look.law.frozen_on(receivable, "fees", falls_on)
    if frozen is not None:
        text = f"fell due on {falls_on}, inside a moratorium that froze fees from {frozen[0]}"
        return Reason(code="policy.moratorium", text=text, cite=frozen[1])
    refusal = _refusal(look, policy.pack, policy.rule_id, receivable)
    if refusal is not None:
        return refusal
    found = policy.pack.rule(policy.rule_id).parameters.at(falls_on)
    if not isinstance(found, InForce) or not isinstance(found.value, LumpSum):
        return _unknown(found, policy.pack)
    cite = f"{policy.pack.rule(policy.rule_id).cited(found.citation, found.basis)}; {policy.pack.label}"
    amount = found.value.of(debt)
    if amount is None:
        text = f"the law states no sum in {debt.currency}; nothing is converted"
        return Reason(code="policy.law_unknown", text=text, cite=cite)
    if amount.is_zero:
        text = f"a debt of {debt} lies below the first band of the law, which gives no sum for it"
        return Reason(code="policy.zero", text=text, cite=cite)
    return amount, cite


# -- interest --------------------------------------------------------------------------------------------------


def look_at_interest(look: Look, policies: ChargePolicy) -> None:
    """Add the interest that is to be posted to a look; what merely accrues is left alone."""
    if not policies.interest:
        return
    for item in look.ledger.balance.items:
        for policy in policies.interest_for(item.receivable, segment=look.segment):
            _look_at_item(look, policy, item)
    for receivable in look.ledger.coming:
        for policy in policies.interest_for(receivable, segment=look.segment):
            if policy.post_every_months is not None:
                boundary = add_months(policy.starts_on(receivable.due_on), policy.post_every_months)
                look.next_days.append(max(boundary, receivable.issued_on))


def _look_at_item(look: Look, policy: InterestPolicy, item: Item) -> None:
    receivable = item.receivable
    start_on = policy.starts_on(receivable.due_on)
    settled_on = item.settled_on if item.amount_open.minor == 0 else None
    boundary, next_boundary = _boundaries(policy, start_on, look.as_of)
    if settled_on is None and next_boundary is not None:
        look.next_days.append(next_boundary)
    end_on = settled_on if settled_on is not None else boundary
    watermark, _ = _posted(look.ledger, policy, receivable)
    if end_on is None or end_on <= max(start_on, watermark or start_on):
        return
    if not policy.grace_shifts_due and (end_on - receivable.due_on).days - 1 <= policy.grace_days:
        return
    if look.stands_in_the_way(policy.id, receivable, policy.disputes, cite=policy.cite):
        return
    accrued = accrued_to(look, policy, receivable, end_on)
    if isinstance(accrued, Reason):
        look.skip(accrued.code, policy.id, receivable, accrued.text, accrued.cite)
        return
    amount = _to_post(look, policy, receivable, accrued, end_on)
    if isinstance(amount, Reason):
        look.skip(amount.code, policy.id, receivable, amount.text, amount.cite)
        return
    least = amount_in(policy.minimum_amount, amount.currency)
    if not amount.is_positive or (least is not None and amount < least):
        return  # it waits; the next posting takes it up
    from_on = watermark or start_on
    look.charge(
        key=look.ledger.key("accrual", receivable.receivable_id, policy.id, f"{from_on}..{end_on}"),
        rule=policy.id,
        receivable=receivable,
        component=policy.component,
        amount=amount,
        due_in_days=policy.due_in_days,
        reasons=_why(policy, receivable, accrued, amount, from_on, end_on),
    )


def accrued_to(
    look: Look,
    policy: InterestPolicy,
    receivable: Receivable,
    end_on: date,
    *,
    posted: tuple[date, Money] | None = None,
) -> AccruedInterest | Reason:
    """Return all interest of a receivable up to and without `end_on`, or the reason why it is not known.

    With `posted`, a day and what was earned before it at other terms, it is what was earned from that day on.
    """
    start_on = policy.starts_on(receivable.due_on)
    terms = policy.terms
    if terms.rule_id and terms.pack is not None:
        refusal = _refusal(look, terms.pack, terms.rule_id, receivable)
        if refusal is not None:
            return refusal
    if terms.floor is not None:
        refusal = _refusal(look, *terms.floor, receivable)
        if refusal is not None and refusal.code != "policy.law_not_applicable":
            return refusal
        if refusal is not None:  # a floor that is for others leaves the agreed rate as it is
            terms = terms.without_floor()
    caps = look.law.rate_caps(receivable, look.as_of)
    if isinstance(caps, Reason):
        return caps
    days = [day for day in look.ledger.change_days(receivable) if day > start_on]
    steps = [BalanceStep(from_on=day, balance=look.ledger.open_on(receivable, day)) for day in [start_on, *days]]
    from_on = start_on if posted is None else max(start_on, posted[0])
    accrued = accrue_on(
        terms,
        steps,
        due_on=receivable.due_on,
        start_on=from_on,
        end_on=max(from_on, end_on),
        began_on=start_on,
        earned_before=None if posted is None else posted[1],
        interest=_interest_steps(look.ledger, policy, receivable),
        interest_due_in_days=policy.due_in_days,
        rounding_order=policy.rounding_order,
        rounding=policy.rounding,
        caps=caps,
        frozen=[(start, end) for start, end, _ in look.law.frozen(receivable, "interest")],
    )
    pack = terms.pack if terms.floor is None else terms.floor[0]
    return _unknown(accrued, pack) if isinstance(accrued, (NotInForce, Stale)) else accrued


def _interest_steps(ledger: Ledger, policy: InterestPolicy, receivable: Receivable) -> list[InterestStep]:
    """Tell for each day on which it changed what was charged, settled and taken back of the interest of a receivable.

    Only interest with rests asks: what is unpaid of it bears interest.
    """
    if all(rests is None for _, rests in policy.terms.conventions()):
        return []
    charged: list[tuple[date, int]] = []
    settled: list[tuple[date, int]] = []
    back: list[tuple[date, int]] = []
    for posted in ledger.posted_on(receivable.receivable_id, policy.id):
        one = posted.receivable
        charged.append((one.issued_on, one.amount_original.minor))
        settled += [(on, minor) for on, minor, _ in ledger.receipts(one.receivable_id)]
        back += ledger.reversals(one.receivable_id)
    currency = receivable.amount_original.currency

    def up_to(day: date, parts: list[tuple[date, int]]) -> Money:
        return Money(sum(minor for on, minor in parts if on <= day), currency)

    return [
        InterestStep(from_on=day, settled=up_to(day, settled), charged=up_to(day, charged), taken_back=up_to(day, back))
        for day in sorted({on for on, _ in (*charged, *settled, *back)})
    ]


def unposted_interest(look: Look, policies: ChargePolicy) -> list[Money]:
    """List what was earned by the end of the day and is not posted, one amount for each receivable that bears any."""
    found = []
    for item in look.ledger.balance.items:
        for policy in policies.interest_for(item.receivable, segment=look.segment):
            end_on = item.settled_on if item.amount_open.minor == 0 else after(look.as_of, 1)
            late_days = ((end_on or look.as_of) - item.receivable.due_on).days - 1
            if end_on is None or (not policy.grace_shifts_due and late_days <= policy.grace_days):
                continue
            accrued = accrued_to(look, policy, item.receivable, end_on)
            if isinstance(accrued, Reason):
                look.skip(accrued.code, policy.id, item.receivable, accrued.text, accrued.cite)
                continue
            amount = _to_post(look, policy, item.receivable, accrued, end_on)
            if isinstance(amount, Money) and amount.is_positive:
                found.append(amount)
    return found


def _boundaries(policy: InterestPolicy, start_on: date, as_of: date) -> tuple[date | None, date | None]:
    """Return the last posting day up to today, and the next one."""
    if policy.post_every_months is None:
        return None, None
    months = (as_of.year - start_on.year) * 12 + as_of.month - start_on.month
    number = max(0, months // policy.post_every_months)
    try:
        while number and add_months(start_on, policy.post_every_months * number) > as_of:
            number -= 1
        last = add_months(start_on, policy.post_every_months * number) if number else None
        return last, add_months(start_on, policy.post_every_months * (number + 1))
    except InvalidDate:
        return None, None


def _posted(ledger: Ledger, policy: InterestPolicy, receivable: Receivable) -> tuple[date | None, int]:
    """Return up to which day interest is posted, and how much of it was not taken back as wrong.

    A key that cannot be read counts up to its own day.
    """
    watermark: date | None = None
    minor = 0
    for one in ledger.posted_on(receivable.receivable_id, policy.id):
        until = _until(one)
        watermark = until if watermark is None else max(watermark, until)
        minor += one.receivable.amount_original.minor - ledger.taken_back.get(one.receivable.receivable_id, 0)
    return watermark, minor


def _to_post(
    look: Look, policy: InterestPolicy, receivable: Receivable, accrued: AccruedInterest, end_on: date
) -> Money | Reason:
    """Return what is to be posted until a day: days that were posted keep the rate they were posted at.

    Where neither terms nor facts changed it is what accrued less what was posted. Where facts changed, such as by a
    payment that was returned, the days before are put right by it; where terms did, they are not.
    """
    watermark, posted = _posted(look.ledger, policy, receivable)
    currency = accrued.amount.currency
    if watermark is None:
        return accrued.amount
    before = accrued_to(look, policy, receivable, watermark)
    if isinstance(before, Reason):
        return before
    if before.amount.minor == posted:
        return Money(accrued.amount.minor - posted, currency)
    ledger = look.ledger
    named = ledger.posted_on(receivable.receivable_id, policy.id)
    if not all(one.rule for one in named):  # nobody knows for which days it was, or at what rate
        return Money(accrued.amount.minor - posted, currency)
    mine = [one.receivable for one in named]
    back = [(one.receivable_id, *part) for one in mine for part in ledger.reversals(one.receivable_id)]
    then = [_accrued_as_known(look, policy, receivable, mine, watermark, is_over=is_over) for is_over in (True, False)]
    if any(one in posted_sums(mine, back) for one in then):  # by the terms of today, so they have not changed
        return Money(accrued.amount.minor - posted, currency)
    base = at_posted_rates(mine, back, then, before.amount.minor)
    from_on = watermark
    if base == posted:
        from_on, base = _last_change(look, policy, receivable, named, watermark)
    since = accrued_to(look, policy, receivable, end_on, posted=(from_on, Money(max(0, base), currency)))
    return since if isinstance(since, Reason) else Money(base - posted + since.amount.minor, currency)


def _last_change(
    look: Look, policy: InterestPolicy, receivable: Receivable, posted: list[PostedCharge], watermark: date
) -> tuple[date, int]:
    """Return from which day on the terms of today explain what was posted, and what was posted before it.

    From there on the days are rounded together, so that no cent depends on how often one posts.
    """
    sums, so_far = [], 0
    for one in sorted(posted, key=_until):
        so_far += one.receivable.amount_original.minor - look.ledger.taken_back.get(one.receivable.receivable_id, 0)
        sums.append((_until(one), so_far))
    for day, minor in sums[:-1]:
        before = Money(max(0, minor), receivable.amount_original.currency)
        since = accrued_to(look, policy, receivable, watermark, posted=(day, before))
        if not isinstance(since, Reason) and minor + since.amount.minor == so_far:
            return day, minor
    return watermark, so_far


def _until(posted: PostedCharge) -> date:
    """Return the first day that a posting no longer covers; where its key cannot be read, the day it was made."""
    _, dots, text = posted.period.partition("..")
    return date.fromisoformat(text) if dots and len(text) == 10 else posted.receivable.issued_on


def _accrued_as_known(
    look: Look, policy: InterestPolicy, receivable: Receivable, posted: list[Receivable], until: date, *, is_over: bool
) -> int | None:
    """Return the interest until a day by the terms of today and the facts known when the last posting was made."""
    then = copy(look)
    then.ledger = look.ledger.as_known(max(one.issued_on for one in posted), is_over=is_over)
    found = accrued_to(then, policy, receivable, until)
    return None if isinstance(found, Reason) else found.amount.minor


Back = Sequence[tuple[str, date, int]]
"""What was taken back of postings: the id, the day, the minor units."""


def posted_sums(posted: Sequence[Receivable], back: Back) -> tuple[int, int]:
    """Return what was posted when the last posting was made, before and after what was taken back on its day."""
    day = max(one.issued_on for one in posted)
    before = sum(one.amount_original.minor for one in posted) - sum(minor for _, on, minor in back if on < day)
    return before, before - sum(minor for _, on, minor in back if on == day)


def at_posted_rates(posted: Sequence[Receivable], back: Back, then: Sequence[int | None], now: int) -> int:
    """Return what was posted, put right by what is known now, at the rates it was posted at; all in minor units.

    `then` is what the terms of today give on the facts that were known by the end of the day of the last posting, and
    on those known before; `now` is what they give on the facts of today. What was posted changes in that proportion.
    """
    day = max(one.issued_on for one in posted)
    last = {one.receivable_id for one in posted if one.issued_on == day}
    place = 0 if any(name in last and on == day for name, on, _ in back) else 1
    was, facts = posted_sums(posted, back)[place], then[1 - place]
    if facts is None or facts == now:
        return was
    return rounded(Fraction(was * now, facts), "half_even") if facts > 0 else was + now


def _refusal(look: Look, pack: RulePack, rule_id: str, receivable: Receivable) -> Reason | None:
    """Say why a rule gives no claim here: it is for others, or a fact is missing."""
    rule = pack.rule(rule_id)
    facts = facts_of(look.ledger.snapshot, receivable, look.law.party)
    applies = rule.applies_to.judge(facts)
    if applies is True:
        return None
    if applies is False:
        text = f"{rule.id} does not apply to this debtor or kind of debt"
        if rule.applies_to.judge(attrs.evolve(facts, jurisdiction=None)) is not False:
            places = ", ".join(rule.applies_to.places)
            text = f"{rule.id} is law in {places}, and the debtor's jurisdiction is {facts.jurisdiction}"
        return Reason(code="policy.law_not_applicable", text=text, cite=pack.label)
    text = f"{rule.id} may apply, and a fact that it needs is not known: {', '.join(rule.applies_to.lacks(facts))}"
    return Reason(code="policy.law_unknown", text=text, cite=pack.label)


def _unknown(found: object, pack: RulePack | None) -> Reason:
    cite = None if pack is None else pack.label
    if isinstance(found, Stale):
        text = f"the figure for {found.as_of} is not known; it is known through {found.known_through_on} only"
        return Reason(code="policy.law_stale", text=text, cite=cite)
    return Reason(code="policy.law_not_in_force", text="the rule was not in force when the debt fell due", cite=cite)


def _why(
    policy: InterestPolicy, receivable: Receivable, accrued: AccruedInterest, amount: Money, from_on: date, end_on: date
) -> list[Reason]:
    days = (end_on - from_on).days
    head = (
        f"{policy.id} for receivable {receivable.receivable_id}: {amount} for {days} days from {from_on} until {end_on}"
    )
    reasons = [Reason(code="policy.interest", text=f"{head} ({policy.rounding_order})", cite=policy.cite)]
    for whole in accrued.pieces:
        piece = attrs.evolve(whole, from_on=max(whole.from_on, from_on))  # what was posted before is told there
        if piece.until_on > from_on:
            on = str(piece.balance)
            if piece.on_interest >= 1:
                unpaid = Money(rounded(piece.on_interest, policy.rounding), piece.balance.currency)
                on += f" and {unpaid} of unpaid interest"
            text = f"{piece.days} days from {piece.from_on} on {on} at {piece.because}"
            reasons.append(Reason(code="policy.interest_rate", text=text[:2000]))
    return reasons
