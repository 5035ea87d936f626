"""The four-eyes principle: what one operator began, another one decides.

A domain describes each step once and keeps its own rows and errors. The tables' CHECK constraints
refuse the same person as well.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from imatch.accounts.operators import record, require_operator
from imatch.core.clock import now
from imatch.core.errors import DomainError, Forbidden
from imatch.core.ids import is_id


class SecondPersonNeeded(Forbidden, ValueError):
    """Who began an act that takes two operators does not complete it."""

    code = "second_person_needed"


class Decidable(Protocol):
    """A row that waits in a state for an operator's decision."""

    @property
    def status(self) -> Any: ...  # noqa: ANN401 -- the domain's own states


DecidableRow = TypeVar("DecidableRow", bound=Decidable)


@dataclass(frozen=True, slots=True)
class Step(Generic[DecidableRow]):
    """A step that an operator may take on rows in one of the states `waits_in`.

    `refuses` names the row's columns of people who may not take it (whoever began, whom it
    concerns), each with the error to raise.
    """

    waits_in: Collection[StrEnum]
    already_decided: Callable[[DecidableRow], DomainError]
    refuses: Mapping[str, Callable[[], DomainError]]

    def check(self, row: DecidableRow, operator_id: int) -> None:
        """Raise the domain's error unless this operator may take the step now."""
        if row.status not in self.waits_in:
            raise self.already_decided(row)
        for column, refusal in self.refuses.items():
            if getattr(row, column) == operator_id:
                raise refusal()


def locked_row(
    db: Session,
    model: type[DecidableRow],
    row_id: int,
    operator_id: int,
    *,
    not_found: Callable[[int], DomainError],
) -> DecidableRow:
    """The row for an operator's step, locked until the transaction ends.

    Raises OperatorsOnly, or what `not_found` makes of an unknown id.
    """
    require_operator(db, operator_id)
    row = None
    if is_id(row_id):
        row = db.get(model, row_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise not_found(row_id)
    return row


def decide(
    db: Session,
    row: Any,  # noqa: ANN401 -- mypy accepts no mapped column where a protocol sets one
    status: StrEnum,
    operator_id: int,
    *,
    act: str,
    **ids: int,
) -> None:
    """Store a decision with who made it and when, and log it as `act` with these ids."""
    row.status = status
    row.decided_by = operator_id
    row.decided_at = now()
    db.flush()
    record(act, operator_id, **ids)
