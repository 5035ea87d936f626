"""The two books, each an accounts table and a journal."""

from dataclasses import dataclass
from enum import StrEnum

from imatch.ledger.models import (
    CASH_TRANSACTION_TYPES,
    POT_TRANSACTION_TYPES,
    Account,
    CashAccount,
    CashTransaction,
    JournalRow,
    PotAccount,
    PotTransaction,
    TransactionType,
)


class BookName(StrEnum):
    POT = "pot"
    CASH = "cash"


class SystemAccount(StrEnum):
    """Accounts that are nobody's. They exist in the journal only."""

    MINT = "mint"
    TREASURY = "treasury"
    BURNED = "burned"
    REDEEMED = "redeemed"
    CLAWED_BACK = "clawed_back"

    PAYERS = "payers"  # the world outside, where commission comes from
    COMMISSION_RECEIVABLE = "commission_receivable"  # nothing posts to it before `billing` exists
    COMMISSION_RECEIVED = "commission_received"
    RESERVE = "reserve"
    ALLOWANCES = "allowances"  # the other side of what people may redeem
    PAID_OUT = "paid_out"
    LOST = "lost"


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """`unit` is what amounts count."""

    name: BookName
    unit: str
    accounts: type[Account]
    journal: type[JournalRow]
    transaction_types: tuple[TransactionType, ...]
    system_accounts: frozenset[SystemAccount]


POT = Book(
    BookName.POT,
    "POT",
    PotAccount,
    PotTransaction,
    POT_TRANSACTION_TYPES,
    frozenset(
        {
            SystemAccount.MINT,
            SystemAccount.TREASURY,
            SystemAccount.BURNED,
            SystemAccount.REDEEMED,
            SystemAccount.CLAWED_BACK,
        }
    ),
)
CASH = Book(
    BookName.CASH,
    "cents",
    CashAccount,
    CashTransaction,
    CASH_TRANSACTION_TYPES,
    frozenset(
        {
            SystemAccount.PAYERS,
            SystemAccount.COMMISSION_RECEIVABLE,
            SystemAccount.COMMISSION_RECEIVED,
            SystemAccount.RESERVE,
            SystemAccount.ALLOWANCES,
            SystemAccount.PAID_OUT,
            SystemAccount.LOST,
        }
    ),
)
BOOKS = {book.name: book for book in (POT, CASH)}
