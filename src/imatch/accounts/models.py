"""Users and their credentials: sessions, e-mailed links, recovery codes, API keys."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, SQLColumnExpression, String, func, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from imatch.core.clock import now
from imatch.core.columns import Base, EncryptedJson, Id, Timestamped, enum_text, one_of
from imatch.facts.people import Side
from imatch.ledger.models import PotAccount

API_KEY_NAME_MAX_CHARACTERS = 80


class AccountType(StrEnum):
    SEEKER = "seeker"
    PROVIDER = "provider"
    BOTH = "both"
    OPERATOR = "operator"

    @property
    def sides(self) -> frozenset[Side]:
        """The sides of the marketplace that such an account is on."""
        return _SIDES[self]


_SIDES = {
    AccountType.SEEKER: frozenset({Side.SEEKER}),
    AccountType.PROVIDER: frozenset({Side.PROVIDER}),
    AccountType.BOTH: frozenset(Side),
    AccountType.OPERATOR: frozenset[Side](),
}


class User(Timestamped, Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint(one_of("account_type", AccountType), name="account_type"),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(120))
    account_type: Mapped[AccountType] = mapped_column(default=AccountType.SEEKER)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    email_confirmed_at: Mapped[datetime | None]
    # Deferred, so that other pages still work when the encryption key was changed.
    totp_secret: Mapped[str | None] = mapped_column(EncryptedJson, deferred=True)
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]  # the last time step used, because a code works once
    active: Mapped[bool] = mapped_column(default=True)
    last_sign_in_at: Mapped[datetime | None]

    if TYPE_CHECKING:  # set below, because they query the class itself
        pot_balance: Mapped[int]
        total_pot_earned: Mapped[int]
        total_pot_spent: Mapped[int]
        total_pot_burned: Mapped[int]


def _from_pot_account(amount: SQLColumnExpression[int]) -> Mapped[int]:
    """A figure of the user's POT account, loaded on first access; 0 before the first entry."""
    figure = select(amount).where(PotAccount.user_id == User.id).correlate_except(PotAccount)
    return column_property(func.coalesce(figure.scalar_subquery(), 0), deferred=True)


User.pot_balance = _from_pot_account(PotAccount.balance - PotAccount.held)  # the free amount
User.total_pot_earned = _from_pot_account(PotAccount.earned)
User.total_pot_spent = _from_pot_account(PotAccount.spent)
User.total_pot_burned = _from_pot_account(PotAccount.burned)


class UserSession(Base):
    """A signed-in browser. The cookie contains the token, the database only its hash."""

    __tablename__ = "user_sessions"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]  # when a password or code was last given
    second_factor_pending: Mapped[bool] = mapped_column(default=False)
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class LinkPurpose(StrEnum):
    CONFIRM_EMAIL = "confirm_email"
    SIGN_IN = "sign_in"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- a purpose
    CHANGE_EMAIL = "change_email"


class EmailedLink(Base):
    """A link sent by e-mail. It works once, for one purpose, and proves the address `sent_to`."""

    __tablename__ = "emailed_links"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(enum_text(LinkPurpose, 20))
    sent_to: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A single-use replacement for a lost second factor. Only a hash is stored."""

    __tablename__ = "recovery_codes"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key with which a program acts as its owner. Only a prefix and a hash are stored."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_owner", "user_id", "id"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(API_KEY_NAME_MAX_CHARACTERS))
    prefix: Mapped[str] = mapped_column(String(12))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
