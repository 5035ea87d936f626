"""The table of profiles: a provider's profile in one category."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.categories.models import Category
from imatch.core.columns import Base, Id, Timestamped, one_of


class ProviderStatus(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Provider(Timestamped, Base):
    __tablename__ = "providers"
    __table_args__ = (
        UniqueConstraint("user_id", "category_id"),
        CheckConstraint(one_of("status", ProviderStatus), name="status"),
        CheckConstraint("capacity >= 0 AND active_count >= 0", name="capacity"),
        CheckConstraint("rating_count >= 0 AND rating_sum >= rating_count", name="ratings"),
        Index("ix_providers_category_status", "category_id", "status"),
        # The pool reads the profiles that changed since its last read.
        Index("ix_providers_category_updated", "category_id", "updated_at"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(ForeignKey(Category.id))
    slug: Mapped[str] = mapped_column(String(100), unique=True)
    display_name: Mapped[str] = mapped_column(String(80), default="")
    headline: Mapped[str] = mapped_column(String(120), default="")
    status: Mapped[ProviderStatus] = mapped_column(default=ProviderStatus.DRAFT)
    accepting_new: Mapped[bool] = mapped_column(default=True)
    paused_until: Mapped[datetime | None]
    profile: Mapped[dict[str, Any]]  # validated values by field name of the category's definition
    verified_credentials: Mapped[list[Any]] = mapped_column(
        default=list
    )  # types an operator checked
    verified_on: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # type -> ISO day of the check
    # When an approved profile's credentials changed; None once an operator saw them.
    credentials_changed_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(String(600), default="")

    # Below: measured by the platform, except capacity, which comes from the profile.
    capacity: Mapped[int] = mapped_column(default=1)
    active_count: Mapped[int] = mapped_column(default=0)
    shown_count: Mapped[int] = mapped_column(default=0)
    invite_count: Mapped[int] = mapped_column(default=0)
    accept_count: Mapped[int] = mapped_column(default=0)
    pending_count: Mapped[int] = mapped_column(default=0)
    completed_count: Mapped[int] = mapped_column(default=0)
    repeat_count: Mapped[int] = mapped_column(default=0)
    rating_sum: Mapped[int] = mapped_column(default=0)  # stars
    rating_count: Mapped[int] = mapped_column(default=0)
    response_minutes: Mapped[int | None]  # median; None until measured
    last_active_at: Mapped[datetime | None]
