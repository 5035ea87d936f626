"""A session on SQLite only, for tests that do not depend on the database."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.database import SessionLocal


@pytest.fixture
def sqlite_bound(sqlite_url: str) -> Iterator[Session]:
    engine = database.bind(sqlite_url)
    with SessionLocal() as session:
        yield session
    engine.dispose()
