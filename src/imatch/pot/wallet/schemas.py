"""The schemas of the POT API. Amounts are whole POT unless a name ends in `_cents`."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from imatch.ledger.models import MAX_AMOUNT, TransactionType

# The types of entries that people can have. Only the treasury has MINT entries.
PersonalTransactionType = Literal[
    TransactionType.EARN,
    TransactionType.SPEND,
    TransactionType.BURN,
    TransactionType.REDEEM,
    TransactionType.HOLD,
    TransactionType.RELEASE,
    TransactionType.CLAWBACK,
]


class _FromAttributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class BalanceOut(BaseModel):
    """What the caller has. `redeemable_now` POT would bring `payout_cents` in cash."""

    free: int
    held: int
    earned: int
    spent: int
    burned: int
    redeemable_now: int
    payout_cents: int
    not_redeemable_because: list[str]


class TransactionOut(_FromAttributes):
    """`amount` is signed; `balance_after` is what was free afterwards."""

    id: int
    amount: int
    transaction_type: str
    category: str
    description: str
    phase: str
    reference_type: str | None
    reference_id: int | None
    balance_before: int
    balance_after: int
    created_at: datetime


class TransactionPage(BaseModel):
    items: list[TransactionOut]
    next_cursor: str | None


class EarningOut(BaseModel):
    name: str
    title: str
    how: str
    pot: str
    times: int | None
    window: str | None
    paid_at_once: bool
    offered: bool


class SpendingOut(BaseModel):
    """`most` is the highest price where the buyer chooses, from `pot` up."""

    name: str
    title: str
    effect: str
    pot: int
    most: int | None
    days: int | None
    usd_cents: int | None
    offered: bool
    bought_at: str


class RulesOut(BaseModel):
    earnings: list[EarningOut]
    spendings: list[SpendingOut]


class SpendIn(BaseModel):
    """`amount` chooses an open price."""

    model_config = ConfigDict(extra="forbid")

    option: Annotated[str, Field(max_length=64, examples=["workshop"])]
    amount: Annotated[int | None, Field(ge=1, le=MAX_AMOUNT, strict=True)] = None
    note: Annotated[str, Field(max_length=300)] = ""


class PurchaseOut(_FromAttributes):
    """`status` is active, ordered (held until delivered), delivered, cancelled or refunded."""

    id: int
    option: str
    amount: int
    status: str
    note: str
    renews: bool
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime


class PurchasePage(BaseModel):
    items: list[PurchaseOut]
    next_cursor: str | None


class RedemptionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pot_amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT, strict=True)]
    payment_method: Annotated[str, Field(max_length=32)] = "bank_transfer"


class RedemptionOut(_FromAttributes):
    """`status` is pending, approved, paid, rejected or cancelled."""

    id: int
    pot_amount: int
    payout_cents: int
    payment_method: str
    status: str
    requested_at: datetime
    due_at: datetime
    paid_at: datetime | None
    reason: str


class RedemptionPage(BaseModel):
    items: list[RedemptionOut]
    next_cursor: str | None


class EconomyOut(BaseModel):
    """Totals of all time over everybody; rates are percentages in words."""

    model_config = ConfigDict(extra="allow")

    total_users: int
    users_with_pot: int
    participation_rate: str
    total_pot_in_circulation: int
    total_pot_held: int
    total_pot_earned_all_time: int
    total_pot_spent_all_time: int
    total_pot_burned_all_time: int
    total_pot_redeemed_all_time: int
    total_pot_clawed_back_all_time: int
    total_pot_minted_all_time: int
    treasury: int
    total_supply: int
    burn_rate: str
    transactions_last_7_days: int


class DayOut(_FromAttributes):
    day: date
    earned: int
    spent: int
    burned: int
    redeemed: int
    transactions: int
    circulation: int


class EconomyPeriodOut(BaseModel):
    """All-time totals, and the days asked for beside as many days before."""

    totals: EconomyOut
    days: list[DayOut]
    period: dict[str, int]
    period_before: dict[str, int] | None


class PartOut(_FromAttributes):
    name: str
    title: str
    amount: int
    count: int
    share: float


class EarningBreakdownOut(BaseModel):
    parts: list[PartOut]


class SpendingBreakdownOut(BaseModel):
    """`hours[weekday][hour]` in UTC, Monday first."""

    parts: list[PartOut]
    hours: list[list[int]]


class IndicatorOut(_FromAttributes):
    """`state` is good, bad, or unknown where there is nothing to measure yet."""

    name: str
    title: str
    value: str
    formula: str
    threshold: str
    state: str
    note: str


class EconomyHealthOut(BaseModel):
    indicators: list[IndicatorOut]
