"""The categories table: what operators may change, and the definition that was last synced."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.columns import Base, Id, Timestamped


class Category(Timestamped, Base):
    __tablename__ = "categories"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    icon: Mapped[str] = mapped_column(String(40))
    description: Mapped[str] = mapped_column(String(600))
    active: Mapped[bool] = mapped_column(default=False)
    matching_criteria: Mapped[dict[str, Any]]  # {criterion: {"weight": 30, "label": …}}
    intake_questions: Mapped[list[Any]]
    profile_fields: Mapped[list[Any]]
    definition_hash: Mapped[str] = mapped_column(String(64))
