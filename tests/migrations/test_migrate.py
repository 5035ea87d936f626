"""Migrations run up and down without drift, and refuse databases of other programs."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text

from imatch.core import database
from imatch.operations.database import (
    ForeignDatabase,
    _config,
    _migration_transaction,
    current_revision,
    downgrade,
    head_revision,
    migrate,
)

pytestmark = pytest.mark.both_databases

CONTRACT_TABLES = {
    "users",
    "categories",
    "seekers",
    "providers",
    "matches",
    "engagements",
    "ratings",
    "pot_transactions",
    "referrals",
    "content",
}
CONTRACT_VIEWS = {"pot_economy_stats", "active_providers_view", "active_seekers_view"}


def test_public_tables_and_views_exist(database_url: str) -> None:
    engine = database.engine()
    assert set(inspect(engine).get_table_names()) >= CONTRACT_TABLES
    assert set(inspect(engine).get_view_names()) >= CONTRACT_VIEWS
    with engine.connect() as connection:
        for query in (
            "SELECT * FROM pot_economy_stats;",
            "SELECT id, display_name, active FROM categories;",
            "SELECT account_type, COUNT(*) FROM users GROUP BY account_type;",
            "SELECT * FROM pot_transactions ORDER BY created_at DESC LIMIT 10;",
            "SELECT * FROM active_providers_view",
            "SELECT * FROM active_seekers_view",
        ):
            connection.execute(text(query)).all()


def test_downgrade_and_upgrade_leave_no_drift(database_url: str) -> None:
    engine = database.engine()
    assert current_revision(engine) == head_revision()
    downgrade(engine, "base")
    assert not set(inspect(engine).get_table_names()) & CONTRACT_TABLES
    assert migrate(engine) == head_revision()
    with _migration_transaction(engine) as connection:
        command.check(_config(connection))


def test_a_database_of_another_program_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as shop:
        shop.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    shop.close()
    before = path.read_bytes()
    engine = database.make_engine(f"sqlite:///{path}")
    with pytest.raises(ForeignDatabase, match="customers"):
        migrate(engine)
    assert set(inspect(engine).get_table_names()) == {"customers"}
    engine.dispose()
    assert len(path.read_bytes()) == len(before)
