"""`imatch pot refund` and `imatch pot take-back`: corrections by operators."""

from typing import Annotated

import typer
from sqlalchemy import select

from imatch.accounts.operators import checked_words, record, require_operator
from imatch.accounts.queries import user_by_id_or_email
from imatch.cli.acting import ActingOption
from imatch.cli.output import JsonOption, out, print_json
from imatch.core.database import SessionLocal, atomic
from imatch.core.ids import MAX_BIGINT
from imatch.pot.awards import clawbacks
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from imatch.web.formats import number

TransactionArgument = Annotated[
    int, typer.Argument(min=1, max=MAX_BIGINT, help="The transaction's number in their history.")
]
ReasonOption = Annotated[str, typer.Option(help="Why; the person reads it.")]


def refund(
    transaction: TransactionArgument,
    *,
    reason: ReasonOption,
    operator: ActingOption,
    as_json: JsonOption = False,
) -> None:
    """Give the POT of a purchase back: its effect ends. Possible for 180 days."""
    with SessionLocal() as db, atomic(db):
        clean_reason, operator_id = _clean_reason(reason), user_by_id_or_email(db, operator).id
        require_operator(db, operator_id)
        purchase_id = db.scalar(
            select(PotPurchase.id).where(PotPurchase.transaction_id == transaction)
        )
        if purchase_id is None:
            raise shop.PurchaseNotFound(f"Transaction {transaction} is no purchase.")
        purchase = shop.refund(db, purchase_id, reason=clean_reason)
        record("refund_purchase", operator_id, purchase_id=purchase_id)
        summary = {
            "purchase_id": purchase_id,
            "user_id": purchase.user_id,
            "option": purchase.option,
            "amount": purchase.amount,
            "status": purchase.status,
        }
    if as_json:
        print_json(summary)
        return
    out.print(f"{number(purchase.amount)} POT are back with user {purchase.user_id}.")


def take_back(
    transaction: TransactionArgument,
    *,
    reason: ReasonOption,
    operator: ActingOption,
    as_json: JsonOption = False,
) -> None:
    """Take an award back: what is there at once, the rest from later awards. Within 180 days."""
    with SessionLocal() as db, atomic(db):
        clean_reason, operator_id = _clean_reason(reason), user_by_id_or_email(db, operator).id
        require_operator(db, operator_id)
        clawback = clawbacks.reverse_transaction(db, transaction, clean_reason)
        record("take_award_back", operator_id, transaction_id=transaction)
    if as_json:
        print_json({"transaction_id": transaction, "taken": clawback.taken, "owed": clawback.owed})
        return
    out.print(f"{number(clawback.taken)} POT were taken back; {number(clawback.owed)} are owed.")


def _clean_reason(reason: str) -> str:
    return checked_words(reason, "reason", "Say why: the person reads it.")
