"""The payees of redemptions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, EncryptedJson, Timestamped


class PotPayee(Timestamped, Base):
    """A person's bank account for payouts, and whether an operator verified their identity."""

    __tablename__ = "pot_payees"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, autoincrement=False)
    details: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)  # name, account, country
    details_changed_at: Mapped[datetime] = mapped_column(default=now)
    identity_verified_at: Mapped[datetime | None]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
