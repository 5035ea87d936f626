"""Double-entry books of accounts. The ledger moves amounts; callers know why.

    entry = post(db, POT, Movement(key="earn:login:7:2026-03-01", user_id=7, amount=1,
                                   counter_account=SystemAccount.TREASURY,
                                   transaction_type=TransactionType.EARN,
                                   category="daily_login"))

Each entry moves one amount between two accounts: a person's and a system account, or two system
accounts. People's accounts have a stored balance that database triggers update and check. System
accounts exist in the journal only, which avoids lock contention on their rows.
"""

from imatch.ledger.books import BOOKS, CASH, POT, Book, SystemAccount
from imatch.ledger.errors import (
    AccountNotFound,
    HoldNotOpen,
    InsufficientFunds,
    KeyReused,
    LedgerError,
)
from imatch.ledger.models import Phase, TransactionType
from imatch.ledger.movements import Entry, Movement
from imatch.ledger.service import capture, post, post_many, release

__all__ = [
    "BOOKS",
    "CASH",
    "POT",
    "AccountNotFound",
    "Book",
    "Entry",
    "HoldNotOpen",
    "InsufficientFunds",
    "KeyReused",
    "LedgerError",
    "Movement",
    "Phase",
    "SystemAccount",
    "TransactionType",
    "capture",
    "post",
    "post_many",
    "release",
]
