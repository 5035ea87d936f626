"""The categories table: what operators may change, and the definition that was last synced."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Dialect, String, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.columns import Base, Id, Timestamped


class EditableJson(TypeDecorator[Any]):
    """JSON that operators may edit with plain SQL; text that is no JSON reads as None.

    PostgreSQL refuses such text itself. SQLite keeps it, and one row of it must not break the
    reading of all the others.
    """

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # Around the reading of JSON, not after it as process_result_value would be.
        read = super().result_processor(dialect, coltype)
        if read is None:
            return None

        def tolerant(value: Any) -> Any:  # noqa: ANN401 -- JSON
            try:
                return read(value)
            except (TypeError, ValueError, RecursionError):
                return None

        return tolerant


class Category(Timestamped, Base):
    __tablename__ = "categories"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    icon: Mapped[str] = mapped_column(String(40))
    description: Mapped[str] = mapped_column(String(600))
    active: Mapped[bool] = mapped_column(default=False)
    # {criterion: {"weight": 30, "label": …}}
    matching_criteria: Mapped[dict[str, Any]] = mapped_column(EditableJson)
    intake_questions: Mapped[list[Any]] = mapped_column(EditableJson)
    profile_fields: Mapped[list[Any]] = mapped_column(EditableJson)
    definition_hash: Mapped[str] = mapped_column(String(64))
