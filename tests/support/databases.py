"""The database that a test is bound to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, Engine

from imatch.core import database

_shared: dict[str, tuple[Dialect, Any]] = {}


@contextmanager
def bound(url: str) -> Iterator[Engine]:
    """Inside, every new session uses this database; afterwards nothing is kept of it."""
    engine = database.bind(url)
    _share_compiled_statements(engine)
    yield engine
    engine.dispose()
    database._engines.pop(url, None)  # noqa: SLF001 -- a program has one database, tests have thousands


def _share_compiled_statements(engine: Engine) -> None:
    """Tests say the same to thousands of databases: SQLAlchemy compiles it once, not for each.

    An engine keeps compiled statements by its dialect, so both are shared. That saves a third of a
    test's time.
    """
    own = (engine.dialect, engine._compiled_cache)  # noqa: SLF001 -- no public way to share it
    engine.dialect, engine._compiled_cache = _shared.setdefault(engine.dialect.name, own)  # noqa: SLF001
    engine.pool._dialect = engine.dialect  # noqa: SLF001
