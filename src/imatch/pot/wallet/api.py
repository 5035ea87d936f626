"""The POT API: the caller's own wallet, and the public figures of the economy."""

from typing import Annotated

from fastapi import APIRouter, Header, Query

from imatch.accounts.deps import CurrentUser, StepUp
from imatch.core.ids import RowId
from imatch.core.paging import decode_cursor, page_of
from imatch.ledger import POT
from imatch.ledger.queries import statement
from imatch.pot import rules
from imatch.pot.economy import figures
from imatch.pot.economy.health import health
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME, SPENDINGS
from imatch.pot.wallet.schemas import (
    BalanceOut,
    DayOut,
    EarningBreakdownOut,
    EarningOut,
    EconomyHealthOut,
    EconomyOut,
    EconomyPeriodOut,
    IndicatorOut,
    PartOut,
    PersonalTransactionType,
    PurchaseOut,
    PurchasePage,
    RedemptionIn,
    RedemptionOut,
    RedemptionPage,
    RulesOut,
    SpendIn,
    SpendingBreakdownOut,
    SpendingOut,
    TransactionOut,
    TransactionPage,
)
from imatch.web.deps import Cursor, Db, Limit
from imatch.web.problem import problems

router = APIRouter(prefix="/pot", tags=["pot"])
public_router = APIRouter(tags=["pot"])

IdempotencyKey = Annotated[
    str,
    Header(
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by you, one for each act. The same key and body again does nothing"
        " more and answers the same; with another body it is refused.",
    ),
]
DaysQuery = Annotated[
    int | None, Query(ge=1, le=3_650, description="How many days up to today; all without it.")
]
ChartDays = Annotated[int, Query(ge=1, le=3_650, description="How many days up to today.")]


@public_router.get("/pot/economy")
def read_pot_totals(db: Db) -> EconomyOut:
    """The economy's totals."""
    return EconomyOut.model_validate(figures.stats(db))


@router.get("/economy")
def read_economy(db: Db, days: ChartDays = 30) -> EconomyPeriodOut:
    """Totals, and what moved on each day."""
    period = figures.period(db, days)
    return EconomyPeriodOut(
        totals=EconomyOut.model_validate(figures.stats(db)),
        days=[DayOut.model_validate(day) for day in period.days],
        period=dict(period.totals),
        period_before=dict(period.before) if period.before is not None else None,
    )


@router.get("/earning-breakdown")
def read_earning_breakdown(db: Db, days: DaysQuery = None) -> EarningBreakdownOut:
    """What POT were earned for."""
    parts = figures.earning_breakdown(db, days)
    return EarningBreakdownOut(parts=[PartOut.model_validate(part) for part in parts])


@router.get("/spending-breakdown")
def read_spending_breakdown(db: Db, days: DaysQuery = None) -> SpendingBreakdownOut:
    """What POT were spent on, and at which hours."""
    pattern = figures.spending_breakdown(db, days)
    return SpendingBreakdownOut(
        parts=[PartOut.model_validate(part) for part in pattern.parts],
        hours=[list(row) for row in pattern.hours],
    )


@router.get("/health")
def read_economy_health(db: Db) -> EconomyHealthOut:
    """How well the economy is, with formulas and thresholds."""
    indicators = [IndicatorOut.model_validate(indicator) for indicator in health(db)]
    return EconomyHealthOut(indicators=indicators)


@router.get("/rules")
def list_pot_rules() -> RulesOut:
    """Everything that earns POT and everything to spend POT on."""
    return RulesOut(
        earnings=[
            EarningOut(
                name=rule.name,
                title=rule.title,
                how=rule.how,
                pot=rule.shown or str(rule.pot),
                times=rule.cap.times if rule.cap else None,
                window=rule.cap.window if rule.cap else None,
                paid_at_once=rule.award_class is rules.AwardClass.ALWAYS,
                offered=rule.offered,
            )
            for rule in rules.EARNINGS
        ],
        spendings=[
            SpendingOut(
                name=option.name,
                title=option.title,
                effect=option.effect,
                pot=option.pot,
                most=option.most,
                days=option.days,
                usd_cents=option.cash_price.cents if option.cash_price else None,
                offered=option.offered,
                bought_at=option.bought_at,
            )
            for option in SPENDINGS
        ],
    )


@router.get("/balance")
def read_pot_balance(db: Db, user: CurrentUser) -> BalanceOut:
    """What the caller has, and what of it could be redeemed now."""
    standing = redemption_queries.standing(db, user.id)
    return BalanceOut(
        free=standing.free,
        held=standing.held,
        earned=user.total_pot_earned,
        spent=user.total_pot_spent,
        burned=user.total_pot_burned,
        redeemable_now=standing.redeemable_now,
        payout_cents=standing.payout.cents,
        not_redeemable_because=list(standing.reasons),
    )


@router.get("/transactions")
def list_pot_transactions(
    db: Db,
    user: CurrentUser,
    transaction_type: PersonalTransactionType | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> TransactionPage:
    """The caller's transactions, newest first."""
    page = statement(
        db,
        POT,
        user.id,
        after_id=decode_cursor(cursor),
        limit=limit,
        transaction_types=(transaction_type,) if transaction_type else (),
    )
    return TransactionPage(
        items=[TransactionOut.model_validate(row) for row in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/spend", status_code=201, responses=problems(404, 409))
def spend_pot(
    db: Db, user: CurrentUser, idempotency_key: IdempotencyKey, wanted: SpendIn
) -> PurchaseOut:
    """Buy something whose effect needs nothing but the order; others are bought where they are."""
    option = SPENDING_BY_NAME.get(wanted.option)
    if option is not None and option.bought_at:
        raise shop.BoughtElsewhere(
            f"{option.title} is bought where it takes effect: {option.bought_at}"
        )
    purchase = shop.buy(
        db,
        user.id,
        wanted.option,
        key=f"api:{idempotency_key}",
        amount=wanted.amount,
        note=wanted.note,
    )
    return PurchaseOut.model_validate(purchase)


@router.get("/purchases")
def list_pot_purchases(
    db: Db, user: CurrentUser, cursor: Cursor = None, limit: Limit = 50
) -> PurchasePage:
    """What the caller bought, newest first."""
    purchases = shop_queries.purchases(db, user.id, limit + 1, after_id=decode_cursor(cursor))
    page = page_of(purchases, limit, lambda row: row.id)
    return PurchasePage(
        items=[PurchaseOut.model_validate(row) for row in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/purchases/{purchase_id}/cancel", responses=problems(404, 409))
def cancel_pot_purchase(db: Db, user: CurrentUser, purchase_id: RowId) -> PurchaseOut:
    """Take an order back that nobody has delivered; its POT is free again."""
    return PurchaseOut.model_validate(shop.cancel(db, purchase_id, user_id=user.id))


@router.get("/redemptions")
def list_redemptions(
    db: Db, user: CurrentUser, cursor: Cursor = None, limit: Limit = 50
) -> RedemptionPage:
    """The caller's requests for cash, newest first."""
    requests = redemption_queries.of_person(db, user.id, limit + 1, after_id=decode_cursor(cursor))
    page = page_of(requests, limit, lambda row: row.id)
    return RedemptionPage(
        items=[RedemptionOut.model_validate(row) for row in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/redemptions", status_code=201, responses=problems(404, 409))
def request_redemption(
    db: Db, user: StepUp, idempotency_key: IdempotencyKey, wanted: RedemptionIn
) -> RedemptionOut:
    """Ask for cash. Needs a browser's session whose owner gave a password or code lately."""
    redemption = redemptions.request(
        db, user.id, wanted.pot_amount, wanted.payment_method, key=f"api:{idempotency_key}"
    )
    return RedemptionOut.model_validate(redemption)


@router.post("/redemptions/{redemption_id}/cancel", responses=problems(404, 409))
def cancel_redemption(db: Db, user: CurrentUser, redemption_id: RowId) -> RedemptionOut:
    """Take a request back before it is paid."""
    return RedemptionOut.model_validate(redemptions.cancel(db, user.id, redemption_id))
