"""The table of referrals: which user invited which."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id


class Referral(Base):
    __tablename__ = "referrals"
    __table_args__ = (CheckConstraint("referrer_user_id <> referred_user_id", name="not_oneself"),)

    id: Mapped[Id]
    referrer_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    referred_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), unique=True)
    code: Mapped[str] = mapped_column(String(32), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
