"""The table of ratings that both sides of a finished engagement give each other."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id
from imatch.engagements.models import Engagement


class Rating(Base):
    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("engagement_id", "rater_user_id"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
    )

    id: Mapped[Id]
    engagement_id: Mapped[int] = mapped_column(ForeignKey(Engagement.id))
    rater_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    rated_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    stars: Mapped[int]
    review: Mapped[str] = mapped_column(String(5000), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
