"""How a plan fares, and how it is changed: facts in, standing out; a change makes a new plan.

Status is never stored: it follows from the agreement, the money that met it, and the day of judgement. Nothing here
moves money or decides what happens to an account whose plan breaks (`strategy`).

    plan_status, plan_states    where a plan stands on a day, and when that can change by itself
    payoff_quote                what closes it on a day
    prepay, defer, extend, reamortise, re_age, restructure, pause_interest, add_fee
                                make a new plan that supersedes the old; paid rows stand as they were
    charge_off, recovered, write_off    how it ends badly
    loan_rows                   loans of a core-banking ledger, replayed from their events

House rules of the standing: money meets instalments earliest due first, whatever the order of the facts; an
instalment is past due from the day after it falls due; a plan breaks on the day after its tolerance ends and stays
broken, whatever is paid later (a new plan, agreed by the creditor, may supersede it). What closes or changes a plan
reckons with the interest earned so far, within a deferral, too: money ahead of its row bears interest until its day.
Principal past due goes on to bear interest at the rate of the plan until it is paid; interest and fees bear none, and
flat interest is no more for being late. A row met in full, early or late, is settled with what it asks for: what it
bore while late is asked for only by a pay-off or a change before that. A change keeps the shape of its plan as far as
it does not concern it.
"""

from __future__ import annotations

from collectkit._servicing.changes import (
    PrepaymentEffect,
    add_fee,
    extend,
    pause_interest,
    prepay,
    re_age,
    reamortise,
    restructure,
)
from collectkit._servicing.closing import (
    ChargeOff,
    PayoffQuote,
    WriteOff,
    charge_off,
    payoff_quote,
    recovered,
    write_off,
)
from collectkit._servicing.deferring import defer
from collectkit._servicing.loan import (
    Charged,
    ChargedBack,
    ChargedOff,
    ChargedShare,
    Drawdown,
    EarlyPayment,
    LoanEvent,
    LoanPayment,
    LoanRow,
    LoanTerms,
    Payoff,
    ReAged,
    Reamortised,
    Recalculated,
    Recalculation,
    Rescheduled,
)
from collectkit._servicing.rest import Arrears
from collectkit._servicing.rows import loan_rows
from collectkit._servicing.standing import (
    InstalmentStanding,
    InstalmentState,
    Paid,
    PlanStanding,
    PlanState,
    PlanStatus,
    plan_states,
    plan_status,
)

__all__ = [
    "Arrears",
    "ChargeOff",
    "Charged",
    "ChargedBack",
    "ChargedOff",
    "ChargedShare",
    "Drawdown",
    "EarlyPayment",
    "InstalmentStanding",
    "InstalmentState",
    "LoanEvent",
    "LoanPayment",
    "LoanRow",
    "LoanTerms",
    "Paid",
    "Payoff",
    "PayoffQuote",
    "PlanStanding",
    "PlanState",
    "PlanStatus",
    "PrepaymentEffect",
    "ReAged",
    "Reamortised",
    "Recalculated",
    "Recalculation",
    "Rescheduled",
    "WriteOff",
    "add_fee",
    "charge_off",
    "defer",
    "extend",
    "loan_rows",
    "pause_interest",
    "payoff_quote",
    "plan_states",
    "plan_status",
    "prepay",
    "re_age",
    "reamortise",
    "recovered",
    "restructure",
    "write_off",
]
