"""Read the categories in force. Changes by plain SQL take effect within a second."""

from sqlalchemy.orm import Session

from imatch.categories.in_force import CategoriesInForce, CategoryInForce, categories_in_force
from imatch.core.errors import Conflict, NotFound


class UnknownCategory(NotFound):
    code = "unknown_category"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no category “{name[:64]}”.")


class InactiveCategory(Conflict):
    code = "inactive_category"

    def __init__(self, display_name: str) -> None:
        super().__init__(f"“{display_name}” is not open yet: the category is not active.")


def all_categories(db: Session) -> list[CategoryInForce]:
    """Every category that the product has a definition for, in the order of their names."""
    return list(categories_in_force(db).by_name.values())


def active_categories(db: Session) -> list[CategoryInForce]:
    """The categories that seekers and providers see."""
    return categories_in_force(db).active


def by_name(db: Session, name: str) -> CategoryInForce:
    """One category, active or not. Raises UnknownCategory."""
    return _named(categories_in_force(db), name)


def by_id(db: Session, category_id: int) -> CategoryInForce:
    """The category of a stored row, active or not."""
    return categories_in_force(db).by_id[category_id]


def active_by_name(db: Session, name: str) -> CategoryInForce:
    """One category that is open. Raises UnknownCategory or InactiveCategory."""
    return active_among(categories_in_force(db), name)


def active_among(categories: CategoriesInForce, name: str) -> CategoryInForce:
    """As active_by_name, of these categories."""
    category = _named(categories, name)
    if not category.active:
        raise InactiveCategory(category.definition.display_name)
    return category


def ignored_edits(db: Session) -> dict[str, str]:
    """What is wrong with rows that operators edited, by category; none of it is followed."""
    return {
        category.name: category.ignored_edit
        for category in all_categories(db)
        if category.ignored_edit is not None
    }


def _named(categories: CategoriesInForce, name: str) -> CategoryInForce:
    category = categories.by_name.get(name)
    if category is None:
        raise UnknownCategory(name)
    return category
