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
    """Accounts without a person. They exist in the journal only."""

    MINT = "mint"
    TREASURY = "treasury"
    BURNED = "burned"
    REDEEMED = "redeemed"
    CLAWED_BACK = "clawed_back"

    PAYERS = "payers"  # outside the platform: the source of commission
    COMMISSION_RECEIVABLE = "commission_receivable"  # unused until a `billing` domain exists
    COMMISSION_RECEIVED = "commission_received"
    RESERVE = "reserve"
    ALLOWANCES = "allowances"  # the counter account of people's allowances
    PAID_OUT = "paid_out"
    LOST = "lost"


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """An accounts table and its journal. `unit` is the unit of amounts: POT or cents."""

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
