"""What all factories share: the session, and numbers that are never given twice."""

import itertools
from typing import TypeVar

from sqlalchemy.orm import Session

from imatch.core.database import atomic

_numbers = itertools.count(1)
Row = TypeVar("Row")


class RowFactory:
    def __init__(self, db: Session) -> None:
        self.db = db

    def number(self) -> int:
        """A number that no other call returns."""
        return next(_numbers)

    def save(self, row: Row) -> Row:
        with atomic(self.db):
            self.db.add(row)
        return row
