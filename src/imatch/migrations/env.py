"""Alembic's entry: runs on the connection that `imatch.operations.database` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum

from imatch.core.columns import EncryptedJson, UtcDateTime
from imatch.migrations.tables import metadata


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 -- Alembic's signature
    """Migrations stay readable without the program's own types."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, EncryptedJson):
        return "sa.Text()"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Only tables of this program are compared; the job engine keeps its own beside them."""
    return kind != "table" or name in metadata.tables


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_render,
        include_name=ours,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
