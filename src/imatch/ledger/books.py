"""The two books, each an accounts table and a journal."""

from dataclasses import dataclass

from imatch.ledger.models import (
    Account,
    CashAccount,
    CashTransaction,
    JournalRow,
    PotAccount,
    PotTransaction,
)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """`unit` is what amounts count; system accounts exist in the journal only."""

    name: str
    unit: str
    accounts: type[Account]
    journal: type[JournalRow]
    system_accounts: frozenset[str]


POT = Book(
    "pot",
    "POT",
    PotAccount,
    PotTransaction,
    frozenset({"mint", "treasury", "burned", "redeemed", "clawed_back"}),
)
CASH = Book(
    "cash",
    "cents",
    CashAccount,
    CashTransaction,
    frozenset(
        {
            "payers",  # the world outside, where commission comes from
            "commission_receivable",
            "commission_received",
            "reserve",
            "allowances",  # the other side of what people may redeem
            "paid_out",
            "lost",
        }
    ),
)
BOOKS = {book.name: book for book in (POT, CASH)}
