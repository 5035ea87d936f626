"""The categories in force: parsed once in a process, and again when their rows have changed.

Operators change rows with plain SQL, and other processes change them too. A process therefore asks
for the version of the rows when it last asked a quarter of a second ago, and at once after it
changed one itself. Inside `atomic(db)` it asks each time, through that transaction.
"""

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    String,
    event,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.orm import ORMExecuteState, Session

from imatch.categories import rows
from imatch.categories.catalog import definitions
from imatch.categories.models import Category
from imatch.categories.schemas import CategoryDefinition
from imatch.core.database import SessionLocal, is_atomic
from imatch.core.logs import log

FOLLOW_EVERY_SECONDS = 0.25
_CHANGES_CATEGORIES = "changes categories"  # in the info of a session

Version = Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class CategoryInForce:
    """A category as its row says: what operators may change, and the definition that follows."""

    id: int
    name: str
    active: bool
    definition: CategoryDefinition
    # What is wrong with an edited row that is not followed: the shipped definition is in force.
    ignored_edit: str | None


@dataclass(frozen=True, slots=True, eq=False)
class CategoriesInForce:
    """Every category that has a definition, in the order of their names. Immutable."""

    version: Version
    by_name: Mapping[str, CategoryInForce]
    by_id: Mapping[int, CategoryInForce]

    @property
    def active(self) -> list[CategoryInForce]:
        """Those that seekers and providers see."""
        return [category for category in self.by_name.values() if category.active]


@dataclass(frozen=True, slots=True)
class _Look:
    found: CategoriesInForce
    moment: float
    change: int

    def is_recent(self) -> bool:
        return self.change == _last_change and time.monotonic() - self.moment < FOLLOW_EVERY_SECONDS


_looks: WeakKeyDictionary[Engine, _Look] = WeakKeyDictionary()
_changes = itertools.count(1)
_last_change = 0


@event.listens_for(SessionLocal, "after_flush")
def _note_flush(db: Session, _context: object) -> None:
    if any(isinstance(row, Category) for row in (*db.new, *db.dirty, *db.deleted)):
        db.info[_CHANGES_CATEGORIES] = True


@event.listens_for(SessionLocal, "do_orm_execute")
def _note_statement(execution: ORMExecuteState) -> None:
    table = getattr(execution.statement, "table", None)  # that an UPDATE or the like is about
    sql = getattr(execution.statement, "text", "")
    if Category.__tablename__ in sql or getattr(table, "name", "") == Category.__tablename__:
        execution.session.info[_CHANGES_CATEGORIES] = True


@event.listens_for(SessionLocal, "after_commit")
def _note_commit(db: Session) -> None:
    global _last_change  # noqa: PLW0603 -- only ever compared: any other number means "look again"
    if db.info.pop(_CHANGES_CATEGORIES, False):
        _last_change = next(_changes)


def categories_in_force(db: Session) -> CategoriesInForce:
    """What a session works with; the same object for as long as no row changes."""
    engine = db.get_bind().engine
    if is_atomic(db):
        db.flush()
        return _look(db.connection(), _looks.get(engine)).found
    recent = recently_in_force(db)
    if recent is not None:
        return recent
    # Through a connection of its own: a session may still read an older state.
    with engine.connect() as connection:
        look = _looks[engine] = _look(connection, _looks.get(engine))
    return look.found


def recently_in_force(db: Session) -> CategoriesInForce | None:
    """The same without asking the database, outside `atomic(db)`; None when it is time to ask."""
    look = _looks.get(db.get_bind().engine)
    return look.found if look is not None and look.is_recent() else None


def _look(connection: Connection, last: _Look | None) -> _Look:
    change, moment = _last_change, time.monotonic()
    version = connection.execute(_VERSIONS[connection.dialect.name]).all()
    if last is not None and last.found.version == version:
        return _Look(last.found, moment, change)
    return _Look(_read(connection, version), moment, change)


_READ = (
    Category.id,
    Category.name,
    Category.active,
    *(getattr(Category, column) for column in rows.SYNCED),
)
# PostgreSQL gives each new state of a row another place and transaction. SQLite has no such mark;
# comparing its rows' text costs less than a tenth of a millisecond.
_VERSIONS: Mapping[str, Select[*tuple[Any, ...]]] = {
    "postgresql": select(
        Category.id, literal_column("ctid::text"), literal_column("xmin::text")
    ).order_by(Category.id),
    "sqlite": select(*(type_coerce(column, String) for column in _READ)).order_by(Category.id),
}


def _read(connection: Connection, version: Version) -> CategoriesInForce:
    held = connection.execute(select(*_READ).order_by(Category.name)).mappings()
    found = [_in_force(row) for row in held if row["name"] in definitions()]
    return CategoriesInForce(
        version,
        MappingProxyType({category.name: category for category in found}),
        MappingProxyType({category.id: category for category in found}),
    )


def _in_force(row: Mapping[Any, Any]) -> CategoryInForce:
    """An edit that breaks a rule of definitions is logged and not followed.

    The marketplace still answers. Health names the category, `imatch categories validate` the
    fault.
    """
    name = row["name"]
    ignored_edit = None
    try:
        definition = _edited({column: row[column] for column in rows.SYNCED}, name)
    except ValueError as error:
        definition, ignored_edit = definitions()[name], str(error)
        _log_ignored(name, ignored_edit[:300])
    return CategoryInForce(row["id"], name, row["active"], definition, ignored_edit)


def _edited(held: rows.Columns, name: str) -> CategoryDefinition:
    """The shipped definition with what operators changed. Raises ValueError for a broken rule."""
    unreadable = [column for column, value in held.items() if value is None]
    if unreadable:
        raise ValueError(f"{', '.join(unreadable)}: not JSON or not text")
    return definitions()[name] if held == _shipped(name) else _over(name, json.dumps(held))


@lru_cache(maxsize=64)
def _shipped(name: str) -> rows.Columns:
    return rows.columns_of(definitions()[name])


@lru_cache(maxsize=64)  # once: rows are read again whenever one of them changes
def _log_ignored(name: str, fault: str) -> None:
    log().warning("category_edit_ignored", category=name, fault=fault)


# Cached, so that an edited definition stays the same object until it is edited again: pools of
# people hang on it.
@lru_cache(maxsize=64)
def _over(name: str, columns: str) -> CategoryDefinition:
    return rows.over(definitions()[name], json.loads(columns))
