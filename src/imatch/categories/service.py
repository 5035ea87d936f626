"""Sync shipped definitions into the table, and open or close categories."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer_group

from imatch.categories import rows
from imatch.categories.catalog import definitions
from imatch.categories.in_force import CategoryInForce
from imatch.categories.models import DEFINITION, Category
from imatch.categories.queries import by_name
from imatch.categories.schemas import CategoryDefinition
from imatch.core.database import atomic


@dataclass(frozen=True)
class Synced:
    """Names of the categories that a sync added, updated, or left to an operator's edits."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def sync(db: Session) -> Synced:
    """Write every shipped definition into `categories`.

    A new row takes `active` from its definition; an existing one keeps what it has. A row whose
    columns an operator edited keeps all of them, even when its definition has changed since.
    """
    done = Synced()
    with atomic(db):
        every = select(Category).options(undefer_group(DEFINITION))
        held = {row.name: row for row in db.scalars(every)}
        for name, definition in definitions().items():
            row = held.get(name)
            if row is None:
                db.add(_new_row(definition))
                done.added.append(name)
            else:
                _refresh(row, definition, done)
    return done


def _new_row(definition: CategoryDefinition) -> Category:
    columns = rows.columns_of(definition)
    return Category(
        name=definition.name,
        active=definition.active,
        definition_hash=rows.fingerprint(columns),
        **columns,
    )


def _refresh(row: Category, definition: CategoryDefinition, done: Synced) -> None:
    columns = rows.columns_of(definition)
    held = rows.fingerprint(rows.held_by(row))
    wanted = rows.fingerprint(columns)
    if held == wanted:
        row.definition_hash = wanted
    elif held != row.definition_hash:
        done.kept.append(row.name)
    else:
        for column, value in columns.items():
            setattr(row, column, value)
        row.definition_hash = wanted
        done.updated.append(row.name)


def activate(db: Session, name: str) -> CategoryInForce:
    """Open a category to seekers and providers. Raises UnknownCategory."""
    return _set_active(db, name, active=True)


def deactivate(db: Session, name: str) -> CategoryInForce:
    """Close a category to new seekers; what is under way goes on. Raises UnknownCategory."""
    return _set_active(db, name, active=False)


def _set_active(db: Session, name: str, *, active: bool) -> CategoryInForce:
    with atomic(db):
        db.get_one(Category, by_name(db, name).id).active = active
        return by_name(db, name)
