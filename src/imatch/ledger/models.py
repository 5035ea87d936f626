"""The tables of both books. A journal is append-only; `ledger.service` adds its rows.

Triggers of migration 0002 apply each new row to its account and refuse changes of rows.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem

from imatch.core.clock import now
from imatch.core.columns import Base, Id, enum_text, one_of

MAX_AMOUNT = 10**15

# By table name: the ledger does not depend on the accounts domain.
_PERSON = "users.id"


class TransactionType(StrEnum):
    """What an entry does. The two tuples below list the types of each book."""

    EARN = "earn"
    SPEND = "spend"
    BURN = "burn"  # spent for charity
    REDEEM = "redeem"
    CLAWBACK = "clawback"
    MINT = "mint"  # into the treasury
    HOLD = "hold"
    RELEASE = "release"
    COMMISSION = "commission"
    REFUND = "refund"  # of a commission
    RESERVE = "reserve"
    ALLOWANCE = "allowance"
    PAYOUT = "payout"
    LOSS = "loss"

    def __repr__(self) -> str:
        return repr(self.value)  # the API's errors list members by their repr


POT_TRANSACTION_TYPES = (
    TransactionType.EARN,
    TransactionType.SPEND,
    TransactionType.BURN,
    TransactionType.REDEEM,
    TransactionType.HOLD,
    TransactionType.RELEASE,
    TransactionType.CLAWBACK,
    TransactionType.MINT,
)
CASH_TRANSACTION_TYPES = (
    TransactionType.COMMISSION,
    TransactionType.REFUND,
    TransactionType.RESERVE,
    TransactionType.ALLOWANCE,
    TransactionType.HOLD,
    TransactionType.RELEASE,
    TransactionType.PAYOUT,
    TransactionType.LOSS,
)


class Phase(StrEnum):
    DIRECT = "direct"
    HOLD = "hold"  # set aside, not moved yet
    POST = "post"  # captures a hold, whole or in part, and frees the rest
    VOID = "void"  # releases a hold


MOVED = (Phase.DIRECT, Phase.POST)  # phases that move an amount; a hold does not


class Account:
    """A person's account in a book. `held` is the part of `balance` that is set aside by holds."""

    user_id: Mapped[int] = mapped_column(
        ForeignKey(_PERSON), primary_key=True, autoincrement=False, sort_order=-1
    )
    balance: Mapped[int] = mapped_column(default=0, server_default="0")
    held: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=0, server_default="0")  # entries so far

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (
            CheckConstraint("held >= 0", name="held"),
            CheckConstraint("balance >= held", name="no_overdraft"),
        )


class PotAccount(Account, Base):
    __tablename__ = "pot_accounts"

    earned: Mapped[int] = mapped_column(default=0, server_default="0")
    spent: Mapped[int] = mapped_column(default=0, server_default="0")
    burned: Mapped[int] = mapped_column(default=0, server_default="0")


class CashAccount(Account, Base):
    __tablename__ = "cash_accounts"


class JournalRow:
    """One amount moved between two accounts.

    `amount` is signed from the person's view (or that of `system_account`, without a person): a
    positive amount comes from `counter_account`, a negative one goes to it. `balance_before` and
    `balance_after` are free amounts: a hold lowers them at once and its release raises them. A
    "post" takes the held amount and frees the rest.
    """

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey(_PERSON))
    system_account: Mapped[str | None] = mapped_column(String(24))
    counter_account: Mapped[str] = mapped_column(String(24))
    amount: Mapped[int]
    transaction_type: Mapped[TransactionType]
    category: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(300), default="", server_default="")
    reference_type: Mapped[str | None] = mapped_column(String(32))
    reference_id: Mapped[int | None]
    phase: Mapped[Phase] = mapped_column(enum_text(Phase, 8))
    hold_id: Mapped[int | None]  # the hold that a "post" or "void" resolves
    expires_at: Mapped[datetime | None]
    balance_before: Mapped[int | None]
    balance_after: Mapped[int | None]
    held_after: Mapped[int | None]
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    created_at: Mapped[datetime] = mapped_column(default=now)


def _journal_args(name: str, types: tuple[TransactionType, ...]) -> tuple[SchemaItem, ...]:
    return (
        CheckConstraint(one_of("transaction_type", types), name="transaction_type"),
        CheckConstraint(f"amount <> 0 AND abs(amount) <= {MAX_AMOUNT}", name="amount"),
        CheckConstraint("(user_id IS NULL) <> (system_account IS NULL)", name="one_owner"),
        CheckConstraint("system_account <> counter_account", name="two_accounts"),
        CheckConstraint(
            "(user_id IS NULL) = (balance_after IS NULL)"
            " AND (user_id IS NULL) = (balance_before IS NULL)"
            " AND (user_id IS NULL) = (held_after IS NULL)",
            name="running_balance",
        ),
        CheckConstraint(one_of("phase", Phase), name="phase"),
        CheckConstraint(
            f"phase = '{Phase.DIRECT}' OR user_id IS NOT NULL", name="held_by_a_person"
        ),
        CheckConstraint(
            f"phase NOT IN ('{Phase.HOLD}', '{Phase.POST}') OR amount < 0", name="held_amount"
        ),
        CheckConstraint(
            f"({one_of('phase', (Phase.POST, Phase.VOID))}) = (hold_id IS NOT NULL)",
            name="resolves",
        ),
        CheckConstraint(f"phase = '{Phase.HOLD}' OR expires_at IS NULL", name="expiry"),
        Index(f"ix_{name}_user", "user_id", "id"),
        Index(f"ix_{name}_created_at", "created_at"),
        Index(f"uq_{name}_hold_id", "hold_id", unique=True),
        Index(
            f"ix_{name}_expires_at",
            "expires_at",
            sqlite_where=text("expires_at IS NOT NULL"),
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
    )


class PotTransaction(JournalRow, Base):
    __tablename__ = "pot_transactions"
    __table_args__ = _journal_args("pot_transactions", POT_TRANSACTION_TYPES)


class CashTransaction(JournalRow, Base):
    """US cents: commission paid, the reserve it funds, people's allowances, payouts."""

    __tablename__ = "cash_transactions"
    __table_args__ = _journal_args("cash_transactions", CASH_TRANSACTION_TYPES)


class LedgerSeal(Base):
    """A sealed range of a journal: an audit detects every later change of its rows.

    `hash` is SHA-256 over the previous seal's hash and the text of every row. `row_digests` has
    eight bytes per row, in order, so that an audit can identify a changed row.
    """

    __tablename__ = "ledger_seals"
    # Of two concurrent seals of a range, the second is refused.
    __table_args__ = (UniqueConstraint("book", "from_id"),)

    book: Mapped[str] = mapped_column(String(8), primary_key=True)
    to_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_id: Mapped[int]
    row_count: Mapped[int]
    system_balances: Mapped[dict[str, Any]]  # in cents or POT, after the range's last row
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    row_digests: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class SealedSum:
    """The sum of sealed rows of one kind. `system_account` is "" if a person owns the rows."""

    book: Mapped[str] = mapped_column(String(8), primary_key=True, sort_order=-3)
    day: Mapped[date] = mapped_column(Date, primary_key=True, sort_order=-2)
    transaction_type: Mapped[str] = mapped_column(String(16), primary_key=True)
    category: Mapped[str] = mapped_column(String(64), primary_key=True)
    phase: Mapped[str] = mapped_column(String(8), primary_key=True)
    system_account: Mapped[str] = mapped_column(String(24), primary_key=True)
    counter_account: Mapped[str] = mapped_column(String(24), primary_key=True)
    row_count: Mapped[int]
    amount: Mapped[int]


class LedgerDaySum(SealedSum, Base):
    """Sums by day in UTC, so that statistics do not read the journal."""

    __tablename__ = "ledger_day_sums"
    __table_args__ = ({"sqlite_with_rowid": False},)


class LedgerHourSum(SealedSum, Base):
    """Sums by hour in UTC: more rows, read only for queries by hour."""

    __tablename__ = "ledger_hour_sums"
    __table_args__ = ({"sqlite_with_rowid": False},)

    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class LedgerAudit(Base):
    """The result of a book's last audit, for the health page."""

    __tablename__ = "ledger_audits"

    book: Mapped[str] = mapped_column(String(8), primary_key=True)
    row_count: Mapped[int]
    finding_count: Mapped[int]
    first_finding: Mapped[str] = mapped_column(String(300))
    ended_at: Mapped[datetime]
