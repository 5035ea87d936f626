"""Set-up fills an empty database once, and never changes existing data."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.core import database
from imatch.core.database import SessionLocal
from imatch.ledger import BOOKS
from imatch.ledger.auditing.audit import audit
from imatch.operations import setup
from imatch.operations.demo.economy import DAYS
from imatch.operations.setup import (
    DEMO_PROVIDERS,
    DEMO_SEEKERS,
    NotMigrated,
    prepare,
    require_migrated,
)
from imatch.pot.economy import figures
from imatch.pot.reserve.coverage import coverage
from imatch.pot.service import POTService
from imatch.pot.shop import queries as shop_queries
from imatch.providers.models import Provider
from tests.factories import Make


def _providers() -> int:
    with SessionLocal() as db:
        return db.scalar(select(func.count()).select_from(Provider)) or 0


def test_an_empty_database_is_set_up_once(tmp_path: Path) -> None:
    engine = database.bind(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(NotMigrated, match="imatch migrate"):
        require_migrated(engine)

    progress: list[int] = []
    result = prepare(engine, progress=progress.append)

    require_migrated(engine)
    assert result.demo is not None
    assert (result.demo.providers, result.demo.seekers) == (DEMO_PROVIDERS, DEMO_SEEKERS)
    assert sum(progress) == DEMO_PROVIDERS + DEMO_SEEKERS
    assert _providers() == DEMO_PROVIDERS

    _check_history()
    assert prepare(engine).demo is None
    assert _providers() == DEMO_PROVIDERS
    engine.dispose()


def _check_history() -> None:
    """Ninety days of POT economy were generated."""
    with SessionLocal() as db:
        stats = figures.stats(db)
        assert (stats["total_users"], stats["participation_rate"]) == (2_200, "30.9%")
        assert stats["transactions_last_7_days"] > 100
        assert stats["total_pot_burned_all_time"] > 10_000
        assert len(figures.period(db, None).days) == DAYS + 1
        assert min(len(figures.earning_breakdown(db, None)), 15) == 15
        assert coverage(db).reserve.cents > 0
        assert shop_queries.open_orders(db)
        for book in BOOKS.values():
            assert audit(db, book).findings == []
        charged = POTService(db).charge_premium_match(user_id=1, seeker_id=1)
        assert (charged["amount"], charged["burned"]) == (-100, True)


def test_a_database_with_people_gets_no_demo_data(db: Session, make: Make) -> None:
    make.user()
    assert prepare(database.engine()).demo is None
    assert _providers() == 0


def test_without_demo_there_are_categories_only(tmp_path: Path) -> None:
    engine = database.bind(f"sqlite:///{tmp_path}/new.db")
    assert prepare(engine, demo=False).demo is None
    with SessionLocal() as db:
        assert db.scalars(select(Category.name)).all()
    assert _providers() == 0
    engine.dispose()


def test_an_interrupted_first_start_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "DEMO_PROVIDERS", 40)  # it makes no difference how many
    engine = database.bind(f"sqlite:///{tmp_path}/cut.db")

    def interrupt(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(engine, progress=interrupt)
    assert _providers() == 0
    assert prepare(engine).demo is not None
    assert _providers() == 40
    engine.dispose()
