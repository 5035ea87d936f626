"""The person who began, or whom it concerns, may not decide; decided rows stay decided."""

from types import SimpleNamespace

import pytest

from imatch.approvals.service import SecondPersonNeeded, Step
from imatch.core.errors import Conflict
from imatch.pot.models import ProposalStatus

pytestmark = pytest.mark.both_databases

FIRST, SECOND, CONCERNED = 1, 2, 3


def _step() -> Step[SimpleNamespace]:
    return Step(
        pending_states=(ProposalStatus.PROPOSED,),
        already_decided=lambda row: Conflict(f"This is {row.status} already."),
        excluded={
            "proposed_by": lambda: SecondPersonNeeded("Another operator has to decide."),
            "user_id": lambda: SecondPersonNeeded("This is your own."),
        },
    )


def _row(status: ProposalStatus = ProposalStatus.PROPOSED) -> SimpleNamespace:
    return SimpleNamespace(status=status, proposed_by=FIRST, user_id=CONCERNED)


def test_another_operator_may_decide() -> None:
    _step().check(_row(), SECOND)


@pytest.mark.parametrize(
    ("operator_id", "words"), [(FIRST, "Another operator"), (CONCERNED, "your own")]
)
def test_excluded_people_may_not_decide(operator_id: int, words: str) -> None:
    with pytest.raises(SecondPersonNeeded, match=words):
        _step().check(_row(), operator_id)


def test_a_decided_row_is_not_decided_again() -> None:
    with pytest.raises(Conflict, match="approved already"):
        _step().check(_row(ProposalStatus.APPROVED), SECOND)
