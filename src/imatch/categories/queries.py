"""Read categories: each call asks the table, so an operator's plain SQL is honoured at once."""

import json
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.categories import rows
from imatch.categories.catalog import definitions
from imatch.categories.models import Category
from imatch.categories.schemas import CategoryDefinition
from imatch.core.errors import Conflict, NotFound
from imatch.core.logs import log


class UnknownCategory(NotFound):
    code = "unknown_category"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no category “{name[:64]}”.")


class InactiveCategory(Conflict):
    code = "inactive_category"

    def __init__(self, display_name: str) -> None:
        super().__init__(f"“{display_name}” is not open yet: the category is not active.")


def all_categories(db: Session) -> list[Category]:
    """Every category that the product has a definition for, in the order of their names."""
    found = db.scalars(select(Category).order_by(Category.name))
    return [row for row in found if row.name in definitions()]


def active_categories(db: Session) -> list[Category]:
    """The categories that seekers and providers see."""
    return [row for row in all_categories(db) if row.active]


def by_name(db: Session, name: str) -> Category:
    """One category, active or not. Raises UnknownCategory."""
    row = (
        db.scalar(select(Category).where(Category.name == name)) if name in definitions() else None
    )
    if row is None:
        raise UnknownCategory(name)
    return row


def active_by_name(db: Session, name: str) -> Category:
    """One category that is open. Raises UnknownCategory or InactiveCategory."""
    row = by_name(db, name)
    if not row.active:
        raise InactiveCategory(shown_name(row))
    return row


def definition_of(row: Category) -> CategoryDefinition:
    """The definition in force: the shipped one with what operators changed in its row.

    An edit that breaks a rule of definitions is logged once and not followed: the marketplace
    still answers. Health names the category, `imatch categories validate` the fault.
    """
    try:
        return edited_definition(row)
    except ValueError as error:
        _log_ignored(row.name, str(error)[:300])
        return definitions()[row.name]


def shown_name(row: Category) -> str:
    """What people read as the category's name."""
    return definition_of(row).display_name


def ignored_edits(db: Session) -> dict[str, str]:
    """What is wrong with rows that operators edited, by category; none of it is followed."""
    faults = {}
    for row in all_categories(db):
        try:
            edited_definition(row)
        except ValueError as error:
            faults[row.name] = str(error)
    return faults


def edited_definition(row: Category) -> CategoryDefinition:
    """As definition_of, but raises ValueError for an edit that breaks a rule."""
    shipped = definitions()[row.name]
    held = rows.held_by(row)
    unreadable = [column for column, value in held.items() if value is None]
    if unreadable:
        raise ValueError(f"{', '.join(unreadable)}: not JSON or not text")
    return shipped if held == _shipped_columns(row.name) else _over(row.name, json.dumps(held))


@lru_cache(maxsize=64)  # once: the row is read with every request
def _log_ignored(name: str, fault: str) -> None:
    log().warning("category_edit_ignored", category=name, fault=fault)


@lru_cache(maxsize=64)
def _shipped_columns(name: str) -> rows.Columns:
    return rows.columns_of(definitions()[name])


@lru_cache(maxsize=64)
def _over(name: str, columns: str) -> CategoryDefinition:
    return rows.over(definitions()[name], json.loads(columns))
