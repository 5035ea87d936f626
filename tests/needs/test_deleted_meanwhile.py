"""Operations on a need that another tab deleted concurrently."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.needs import resuming, service
from imatch.needs.models import Need
from imatch.needs.queries import NeedNotFound
from tests.factories import Make
from tests.factories.needs import ADVISOR_NEED

pytestmark = pytest.mark.both_databases

Operation = Callable[[Session, Need, User], object]
OPERATIONS: dict[str, Operation] = {
    "answer": lambda db, need, _: service.answer(db, need, 2, {"format": "remote"}, {}),
    "relax": lambda db, need, _: service.relax(db, need, "budget"),
    "complete": lambda db, need, _: service.complete(db, need),
    "claim": service.claim,
    "delete": lambda db, need, _: service.delete(db, need),
    "new_code": lambda db, need, _: resuming.new_code(db, need),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("reused", [False, True], ids=["deleted", "id reused"])
def test_a_deleted_need_is_not_found(
    db: Session, new_session: Callable[[], Session], make: Make, operation: Operation, reused: bool
) -> None:
    user = make.user()
    need = make.need(importance={"budget": "must"})
    need_id = need.id
    with new_session() as tab:
        service.delete(tab, tab.get_one(Need, need_id))
        if reused:  # on SQLite, with the same id
            Make(tab).need(importance={"budget": "must"})
    with pytest.raises(NeedNotFound):
        operation(db, need, user)
    db.rollback()
    db.expire_all()
    left = db.scalars(select(Need)).all()
    assert len(left) == int(reused)
    for other in left:
        assert other.answers == {"values": ADVISOR_NEED, "importance": {"budget": "must"}}
        assert (other.user_id, other.resume_code_hash) == (None, None)
        assert other.completed_at is not None


def test_a_deleted_need_with_expired_attributes_is_not_found(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    need = make.need(importance={"budget": "must"})
    need_id = need.id
    db.expire_all()
    with new_session() as tab:
        service.delete(tab, tab.get_one(Need, need_id))
    with pytest.raises(NeedNotFound):
        service.delete(db, need)
