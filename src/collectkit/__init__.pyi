# Written by `make exports` from the table in __init__.py; tests/api compares the two.
from collectkit.contact import ContactPolicy as ContactPolicy
from collectkit.contact import permission as permission
from collectkit.core.aging import BucketScheme as BucketScheme
from collectkit.core.aging import age as age
from collectkit.core.aging import aging_report as aging_report
from collectkit.core.aging import days_past_due as days_past_due
from collectkit.core.calendars import BusinessCalendar as BusinessCalendar
from collectkit.core.calendars import Every as Every
from collectkit.core.calendars import WEEKENDS_ONLY as WEEKENDS_ONLY
from collectkit.core.calendars import add_months as add_months
from collectkit.core.decisions import Batch as Batch
from collectkit.core.decisions import Decision as Decision
from collectkit.core.decisions import Declined as Declined
from collectkit.core.decisions import Permission as Permission
from collectkit.core.decisions import Reason as Reason
from collectkit.core.errors import CollectkitError as CollectkitError
from collectkit.core.errors import CollectkitWarning as CollectkitWarning
from collectkit.core.errors import InvalidPolicy as InvalidPolicy
from collectkit.core.errors import InvalidTerms as InvalidTerms
from collectkit.core.interest import accrue as accrue
from collectkit.core.interest import eu_aprc as eu_aprc
from collectkit.core.interest import level_payment as level_payment
from collectkit.core.interest import level_rate as level_rate
from collectkit.core.interest import percent_of as percent_of
from collectkit.core.interest import regz_apr as regz_apr
from collectkit.core.money import Money as Money
from collectkit.core.money import Rounding as Rounding
from collectkit.core.rates import Rate as Rate
from collectkit.core.rates import RateTable as RateTable
from collectkit.core.records import Account as Account
from collectkit.core.records import AccountSnapshot as AccountSnapshot
from collectkit.core.records import Approval as Approval
from collectkit.core.records import Channel as Channel
from collectkit.core.records import Component as Component
from collectkit.core.records import ContactAttempt as ContactAttempt
from collectkit.core.records import ContactPoint as ContactPoint
from collectkit.core.records import CreditNote as CreditNote
from collectkit.core.records import Debtor as Debtor
from collectkit.core.records import DebtorKind as DebtorKind
from collectkit.core.records import Dispute as Dispute
from collectkit.core.records import Flag as Flag
from collectkit.core.records import Hold as Hold
from collectkit.core.records import NoticeRecord as NoticeRecord
from collectkit.core.records import Payment as Payment
from collectkit.core.records import PlanAgreement as PlanAgreement
from collectkit.core.records import PlannedInstalment as PlannedInstalment
from collectkit.core.records import PromiseToPay as PromiseToPay
from collectkit.core.records import Receivable as Receivable
from collectkit.core.records import Waiver as Waiver
from collectkit.core.waterfall import Balance as Balance
from collectkit.core.waterfall import balance_of as balance_of
from collectkit.engine import collect as collect
from collectkit.engine import deliver as deliver
from collectkit.engine import record as record
from collectkit.engine import run_day as run_day
from collectkit.escalation import Ladder as Ladder
from collectkit.escalation import PastDue as PastDue
from collectkit.escalation import StageRule as StageRule
from collectkit.escalation import Step as Step
from collectkit.escalation import timeline as timeline
from collectkit.history import fold as fold
from collectkit.history import snapshot as snapshot
from collectkit.metrics import best_possible_dso as best_possible_dso
from collectkit.metrics import collection_effectiveness_index as collection_effectiveness_index
from collectkit.metrics import days_sales_outstanding as days_sales_outstanding
from collectkit.metrics import promise_kept_rate as promise_kept_rate
from collectkit.plans import PaymentPlan as PaymentPlan
from collectkit.plans import agreed_plan as agreed_plan
from collectkit.plans import amortised_plan as amortised_plan
from collectkit.plans import balloon_plan as balloon_plan
from collectkit.plans import bullet_plan as bullet_plan
from collectkit.plans import deferred_plan as deferred_plan
from collectkit.plans import equal_principal_plan as equal_principal_plan
from collectkit.plans import equal_split_plan as equal_split_plan
from collectkit.plans import flat_plan as flat_plan
from collectkit.plans import interest_only_plan as interest_only_plan
from collectkit.plans import minimum_payment_plan as minimum_payment_plan
from collectkit.plans import personalised_plan as personalised_plan
from collectkit.plans import stepped_plan as stepped_plan
from collectkit.policy import ChargePolicy as ChargePolicy
from collectkit.policy import LateFeePolicy as LateFeePolicy
from collectkit.policy import charges_due as charges_due
from collectkit.promises import PromiseLimits as PromiseLimits
from collectkit.promises import PromiseOutcome as PromiseOutcome
from collectkit.promises import may_promise as may_promise
from collectkit.segments import SegmentRule as SegmentRule
from collectkit.segments import Segmentation as Segmentation
from collectkit.servicing import PlanStatus as PlanStatus
from collectkit.servicing import plan_states as plan_states
from collectkit.servicing import plan_status as plan_status
from collectkit.settlement import Authority as Authority
from collectkit.settlement import Offer as Offer
from collectkit.settlement import Proposal as Proposal
from collectkit.settlement import SettlementLimits as SettlementLimits
from collectkit.settlement import answer as answer
from collectkit.settlement import offers as offers
from collectkit.strategy import Strategy as Strategy
from collectkit.strategy import decide as decide
from collectkit.strategy import examine as examine
from collectkit.strategy import load as load
from collectkit.strategy import offers_for as offers_for
from collectkit.strategy import parse as parse
from collectkit.strategy import revalidate as revalidate
from collectkit.strategy import to_batch as to_batch

__version__: str

__all__ = [
    "Account",
    "AccountSnapshot",
    "Approval",
    "Authority",
    "Balance",
    "Batch",
    "BucketScheme",
    "BusinessCalendar",
    "Channel",
    "ChargePolicy",
    "CollectkitError",
    "CollectkitWarning",
    "Component",
    "ContactAttempt",
    "ContactPoint",
    "ContactPolicy",
    "CreditNote",
    "Debtor",
    "DebtorKind",
    "Decision",
    "Declined",
    "Dispute",
    "Every",
    "Flag",
    "Hold",
    "InvalidPolicy",
    "InvalidTerms",
    "Ladder",
    "LateFeePolicy",
    "Money",
    "NoticeRecord",
    "Offer",
    "PastDue",
    "Payment",
    "PaymentPlan",
    "Permission",
    "PlanAgreement",
    "PlanStatus",
    "PlannedInstalment",
    "PromiseLimits",
    "PromiseOutcome",
    "PromiseToPay",
    "Proposal",
    "Rate",
    "RateTable",
    "Reason",
    "Receivable",
    "Rounding",
    "SegmentRule",
    "Segmentation",
    "SettlementLimits",
    "StageRule",
    "Step",
    "Strategy",
    "WEEKENDS_ONLY",
    "Waiver",
    "__version__",
    "accrue",
    "add_months",
    "age",
    "aging_report",
    "agreed_plan",
    "amortised_plan",
    "answer",
    "balance_of",
    "balloon_plan",
    "best_possible_dso",
    "bullet_plan",
    "charges_due",
    "collect",
    "collection_effectiveness_index",
    "days_past_due",
    "days_sales_outstanding",
    "decide",
    "deferred_plan",
    "deliver",
    "equal_principal_plan",
    "equal_split_plan",
    "eu_aprc",
    "examine",
    "flat_plan",
    "fold",
    "interest_only_plan",
    "level_payment",
    "level_rate",
    "load",
    "may_promise",
    "minimum_payment_plan",
    "offers",
    "offers_for",
    "parse",
    "percent_of",
    "permission",
    "personalised_plan",
    "plan_states",
    "plan_status",
    "promise_kept_rate",
    "record",
    "regz_apr",
    "revalidate",
    "run_day",
    "snapshot",
    "stepped_plan",
    "timeline",
    "to_batch",
]
