"""The categories table: what operators may edit, and the last synced definition.

They change it with plain SQL too, and SQLite takes any value in any column: a value of another kind
reads as nothing (None, closed), and one row of it must not break the reading of all the others.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Dialect, String, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.clock import now
from imatch.core.columns import Base, Id

DEFINITION = "definition"  # the group of columns that are read for a whole definition only


class EditableJson(TypeDecorator[Any]):
    """Text that is no JSON reads as None. PostgreSQL refuses it itself."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # Wraps JSON parsing itself; process_result_value would run too late.
        read = super().result_processor(dialect, coltype)
        if read is None:
            return None

        def tolerant(value: Any) -> Any:  # noqa: ANN401 -- JSON
            try:
                return read(value)
            except (TypeError, ValueError, RecursionError):
                return None

        return tolerant


class EditableText(TypeDecorator[str]):
    """Bytes read as None."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401 -- a driver's
        del dialect
        return value if isinstance(value, str) else None


class EditableSwitch(TypeDecorator[bool]):
    """On where it says 1 or TRUE: whatever else stands there opens nothing."""

    impl = Boolean
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], bool]:
        # In place of the reading of booleans, to which every text is true.
        del dialect, coltype
        return lambda value: value in (1, True)


class Category(Base):
    __tablename__ = "categories"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(EditableText(120))
    icon: Mapped[str] = mapped_column(EditableText(40))
    description: Mapped[str] = mapped_column(EditableText(600))
    active: Mapped[bool] = mapped_column(EditableSwitch, default=False)
    # {criterion: {"weight": 30, "label": …}}
    matching_criteria: Mapped[dict[str, Any]] = mapped_column(
        EditableJson, deferred=True, deferred_group=DEFINITION
    )
    intake_questions: Mapped[list[Any]] = mapped_column(
        EditableJson, deferred=True, deferred_group=DEFINITION
    )
    profile_fields: Mapped[list[Any]] = mapped_column(
        EditableJson, deferred=True, deferred_group=DEFINITION
    )
    definition_hash: Mapped[str] = mapped_column(String(64))
    # For people who look at the table; what is not read here cannot fail to be a moment.
    created_at: Mapped[datetime] = mapped_column(default=now, deferred=True)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now, deferred=True)
