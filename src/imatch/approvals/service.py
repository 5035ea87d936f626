"""The four-eyes principle: one operator begins, another one decides.

A domain defines each step once and keeps its own rows and errors. CHECK constraints of the tables
enforce the same.
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
    """The operator who began may not decide."""

    code = "second_person_needed"


class Decidable(Protocol):
    """A row whose state waits for an operator's decision."""

    @property
    def status(self) -> Any: ...  # noqa: ANN401 -- the domain's own states


DecidableRow = TypeVar("DecidableRow", bound=Decidable)


@dataclass(frozen=True, slots=True)
class Step(Generic[DecidableRow]):
    """A decision that an operator may take on rows in one of `pending_states`.

    `excluded` maps columns with the ids of people who may not decide (who began it, whom it
    concerns) to the error to raise.
    """

    pending_states: Collection[StrEnum]
    already_decided: Callable[[DecidableRow], DomainError]
    excluded: Mapping[str, Callable[[], DomainError]]

    def check(self, row: DecidableRow, operator_id: int) -> None:
        """Raise the domain's error unless this operator may take the step now."""
        if row.status not in self.pending_states:
            raise self.already_decided(row)
        for column, refusal in self.excluded.items():
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

    Raises OperatorsOnly, or the error of `not_found` for an unknown id.
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
    """Store a decision with its operator and time, and log it as `act` with these ids."""
    row.status = status
    row.decided_by = operator_id
    row.decided_at = now()
    db.flush()
    record(act, operator_id, **ids)
