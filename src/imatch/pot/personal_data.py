"""Export and erasure of people's POT data.

After an erasure the books keep every amount, under a user id that no longer identifies anybody.
"""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.rules import ERASED_DOMAIN
from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.facts.people import PersonErased, PersonExported
from imatch.jobs import job
from imatch.jobs.run_each import run_each
from imatch.ledger import CASH, POT, Movement, SystemAccount, TransactionType, post
from imatch.ledger.models import (
    Account,
    CashAccount,
    CashTransaction,
    JournalRow,
    PotAccount,
    PotTransaction,
)
from imatch.ledger.queries import account
from imatch.pot.awards import clawbacks, once_only
from imatch.pot.awards.models import AwardStatus, PotAward, PotDebt, PotGrant
from imatch.pot.locks import lock_people
from imatch.pot.models import (
    OPEN_REDEMPTIONS,
    PotFraudHold,
    PotRedemption,
    ProposalStatus,
    RedemptionStatus,
)
from imatch.pot.redemption import service as redemptions
from imatch.pot.redemption.models import PotPayee
from imatch.pot.reserve.models import PotCommission
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase, PurchaseStatus

_POT_REMOVED = "The account was erased: what was left of its POT left the economy."
_ALLOWANCE_LAPSED = "The account was erased: what it might have redeemed lapsed."
_ERASED = select(User.id).where(User.email.endswith(ERASED_DOMAIN))


def export(db: Session, fact: PersonExported) -> None:
    """Add balances, movements and requests to the export, the oldest first."""
    user_id = fact.user_id
    pot, cash = account(db, POT, user_id), account(db, CASH, user_id)
    payee = db.get(PotPayee, user_id)
    fact.sections["pot"] = {
        "balance": pot.balance if pot else 0,
        "held": pot.held if pot else 0,
        "owed": clawbacks.owed(db, user_id),
        "debts": _debts(db, user_id),
        "redemption_allowance_cents": cash.balance if cash else 0,
        "payout_details": payee.details if payee else None,
        "transactions": _transactions(db, PotTransaction, user_id),
        "allowance_transactions": _transactions(db, CashTransaction, user_id),
        "awards": _awards(db, user_id),
        "earned_with_an_erased_account": [rule for rule, _ in once_only.among(db, {user_id})],
        "grants": _grants(db, user_id),
        "purchases": _purchases(db, user_id),
        "redemptions": _redemptions(db, user_id),
        "holds": _holds(db, user_id),
        "commissions": _commissions(db, user_id),
    }


def erase(db: Session, fact: PersonErased) -> None:
    """Cancel open work, empty both accounts, and delete payout details and texts.

    A payout already sent to the bank is still paid: its payee's details stay until then.
    """
    user_id = fact.user_id
    lock_people(db, {user_id})  # later facts about them earn nothing
    _cancel_queued(db, user_id)
    at_the_bank = _cancel_redemptions(db, user_id)
    _end_purchases(db, user_id)
    clawbacks.lock_free_pot(db, user_id)  # no later purchases
    _end_purchases(db, user_id)  # purchases made in the meantime
    once_only.remember(db, user_id)  # after debts were paid as far as possible
    _empty_accounts(db, user_id)
    if not at_the_bank:
        db.execute(delete(PotPayee).where(PotPayee.user_id == user_id))
    db.execute(
        update(PotPurchase).where(PotPurchase.user_id == user_id).values(note="", renews=False)
    )
    for table in (PotDebt, PotFraudHold, PotGrant, PotRedemption):
        db.execute(update(table).where(table.user_id == user_id).values(reason=""))
    db.execute(
        update(PotGrant)
        .where(PotGrant.user_id == user_id, PotGrant.status == ProposalStatus.PROPOSED)
        .values(status=ProposalStatus.REJECTED, decided_at=now())
    )


@job("forget_erased_payees", cron="47 3 * * *")
def forget_erased_payees() -> None:
    """Delete the payees of erased accounts that have no payout at the bank."""
    at_the_bank = select(PotRedemption.user_id).where(
        PotRedemption.status == RedemptionStatus.APPROVED
    )
    with SessionLocal() as db, atomic(db):
        db.execute(
            delete(PotPayee).where(
                PotPayee.user_id.in_(_ERASED), PotPayee.user_id.not_in(at_the_bank)
            )
        )


@job("let_go_of_what_came_back", cron="51 * * * *")
def let_go_of_what_came_back() -> None:
    """Empty erased accounts that received an amount: a returned payout or a refund."""
    with SessionLocal() as db:
        user_ids: set[int] = set()
        for table in (PotAccount, CashAccount):
            with_free_amount = select(table.user_id).where(table.balance > table.held)
            user_ids |= set(db.scalars(with_free_amount.where(table.user_id.in_(_ERASED))))
        run_each(
            db, "erased_account", sorted(user_ids), lambda user_id: _empty_accounts(db, user_id)
        )


def _empty_accounts(db: Session, user_id: int) -> None:
    """Remove the free amounts of both accounts. Amounts held for a payout at the bank stay.

    The reserve keeps the money that covered the allowance, which raises everybody's coverage.
    """
    clawbacks.lock_free_pot(db, user_id)
    pot = account(db, POT, user_id)
    if pot is not None and pot.balance > pot.held:
        clawbacks.claw_back(
            db,
            user_id,
            pot.balance - pot.held,
            key=_removal_key(pot),
            reason=_POT_REMOVED,
            category="account_erased",
        )
    allowance = db.get(CashAccount, user_id, with_for_update=True, populate_existing=True)
    if allowance is not None and allowance.balance > allowance.held:
        post(
            db,
            CASH,
            Movement(
                key=_removal_key(allowance),
                user_id=user_id,
                amount=allowance.held - allowance.balance,
                counter_account=SystemAccount.ALLOWANCES,
                transaction_type=TransactionType.ALLOWANCE,
                category="account_erased",
                description=_ALLOWANCE_LAPSED,
            ),
        )


def _removal_key(emptied: Account) -> str:
    """The idempotency key of a removal. Every entry raises the version, so it is new each time."""
    return f"erased:{emptied.user_id}:{emptied.version}"


def _cancel_queued(db: Session, user_id: int) -> None:
    waiting = update(PotAward).where(
        PotAward.user_id == user_id, PotAward.status == AwardStatus.QUEUED
    )
    db.execute(waiting.values(status=AwardStatus.CLAWED_BACK))


def _cancel_redemptions(db: Session, user_id: int) -> bool:
    """Cancel open redemptions; returns whether one was already sent to the bank."""
    under_way = select(PotRedemption).where(
        PotRedemption.user_id == user_id, PotRedemption.status.in_(OPEN_REDEMPTIONS)
    )
    requests = db.scalars(under_way).all()
    for request in requests:
        if request.exported_at is None:
            redemptions.cancel(db, user_id, request.id)
    return any(request.exported_at is not None for request in requests)


def _end_purchases(db: Session, user_id: int) -> None:
    """Refund orders and end active purchases. Ids that they name can be reused later."""
    ordered = select(PotPurchase.id).where(
        PotPurchase.user_id == user_id, PotPurchase.status == PurchaseStatus.ORDERED
    )
    for purchase_id in db.scalars(ordered).all():
        shop.cancel(db, purchase_id, user_id=user_id)
    in_effect = select(PotPurchase).where(
        PotPurchase.user_id == user_id, PotPurchase.status == PurchaseStatus.ACTIVE
    )
    locked = in_effect.order_by(PotPurchase.id).with_for_update()
    for purchase in db.scalars(locked.execution_options(populate_existing=True)).all():
        purchase.renews = False
        shop.end(db, purchase)


def _transactions(db: Session, table: type[JournalRow], user_id: int) -> list[dict[str, object]]:
    rows = db.scalars(select(table).where(table.user_id == user_id).order_by(table.id))
    return [
        {
            "id": row.id,
            "amount": row.amount,
            "transaction_type": row.transaction_type,
            "category": row.category,
            "description": row.description,
            "balance_after": row.balance_after,
            "created_at": row.created_at.isoformat(),
        }
        for row in rows
    ]


def _debts(db: Session, user_id: int) -> list[dict[str, object]]:
    """Debts of clawbacks, with the POT still owed."""
    debts = db.scalars(select(PotDebt).where(PotDebt.user_id == user_id).order_by(PotDebt.id))
    return [
        {"owed": debt.owed, "reason": debt.reason, "created_at": debt.created_at.isoformat()}
        for debt in debts
    ]


def _holds(db: Session, user_id: int) -> list[dict[str, object]]:
    """Fraud holds, without their reasons: these would tell a fraudster what to hide."""
    holds = select(PotFraudHold).where(PotFraudHold.user_id == user_id)
    return [
        {
            "placed_at": hold.placed_at.isoformat(),
            "lifted_at": hold.lifted_at and hold.lifted_at.isoformat(),
        }
        for hold in db.scalars(holds.order_by(PotFraudHold.id))
    ]


def _commissions(db: Session, user_id: int) -> list[dict[str, object]]:
    """Paid commissions of the person's engagements. A mere referrer learns no price."""
    row = PotCommission
    sides = (
        ("provider", row.provider_user_id),
        ("seeker", row.seeker_user_id),
        ("invited the provider", row.provider_referrer_user_id),
        ("invited the seeker", row.seeker_referrer_user_id),
    )
    commissions = db.scalars(
        select(row).where(or_(*(column == user_id for _name, column in sides))).order_by(row.id)
    )
    exported: list[dict[str, object]] = []
    for commission in commissions:
        roles = [name for name, column in sides if getattr(commission, column.key) == user_id]
        own = {"provider", "seeker"} & set(roles)
        exported.append(
            {
                "engagement_id": commission.engagement_id if own else None,
                "was": roles,
                "deal_cents": commission.deal_cents if own else None,
                "commission_cents": commission.commission_cents if own else None,
                "status": commission.status,
                "paid_at": commission.paid_at.isoformat(),
                "cleared_at": commission.cleared_at and commission.cleared_at.isoformat(),
            }
        )
    return exported


def _awards(db: Session, user_id: int) -> list[dict[str, object]]:
    awards = db.scalars(select(PotAward).where(PotAward.user_id == user_id).order_by(PotAward.id))
    return [
        {
            "rule": award.rule,
            "amount": award.amount,
            "status": award.status,
            "earned_at": award.earned_at.isoformat(),
            "paid_at": award.paid_at and award.paid_at.isoformat(),
        }
        for award in awards
    ]


def _grants(db: Session, user_id: int) -> list[dict[str, object]]:
    grants = db.scalars(select(PotGrant).where(PotGrant.user_id == user_id).order_by(PotGrant.id))
    return [
        {
            "amount": grant.amount,
            "category": grant.category,
            "reason": grant.reason,
            "status": grant.status,
            "proposed_at": grant.proposed_at.isoformat(),
        }
        for grant in grants
    ]


def _purchases(db: Session, user_id: int) -> list[dict[str, object]]:
    query = select(PotPurchase).where(PotPurchase.user_id == user_id)
    return [
        {
            "option": purchase.option,
            "amount": purchase.amount,
            "status": purchase.status,
            "note": purchase.note,
            "renews": purchase.renews,
            "created_at": purchase.created_at.isoformat(),
            "ends_at": purchase.ends_at and purchase.ends_at.isoformat(),
        }
        for purchase in db.scalars(query.order_by(PotPurchase.id))
    ]


def _redemptions(db: Session, user_id: int) -> list[dict[str, object]]:
    query = select(PotRedemption).where(PotRedemption.user_id == user_id)
    return [
        {
            "pot_amount": request.pot_amount,
            "payout_cents": request.payout_cents,
            "payment_method": request.payment_method,
            "status": request.status,
            "requested_at": request.requested_at.isoformat(),
            "paid_at": request.paid_at and request.paid_at.isoformat(),
            "reason": request.reason,
        }
        for request in db.scalars(query.order_by(PotRedemption.id))
    ]
