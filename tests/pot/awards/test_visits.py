"""A day's first action by somebody signed in earns its POT, once."""

from datetime import UTC, datetime

import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.pot.awards.models import PotAward
from tests.factories import Make
from tests.support.clients import SignIn

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = datetime(2026, 3, 3, 9, tzinfo=UTC)


def days(db: Session, user_id: int) -> list[str]:
    db.commit()
    keys = select(PotAward.key).where(PotAward.user_id == user_id, PotAward.rule == "daily_login")
    return sorted(key.split(":")[2] for key in db.scalars(keys))


def test_a_day_begins_with_the_first_action(db: Session, make: Make, sign_in: SignIn) -> None:
    user_id = make.user().id
    with time_machine.travel(FIRST, tick=False):
        client = sign_in(db.get_one(User, user_id))
        client.get("/account")
        assert days(db, user_id) == []
        for name in ("Ada", "Grace"):
            assert client.post("/account/name", data={"name": name}).status_code == 200
        assert days(db, user_id) == ["2026-03-02"]
        # Another browser on the same day is the same day.
        sign_in(db.get_one(User, user_id)).post("/account/name", data={"name": "Ada"})
        assert days(db, user_id) == ["2026-03-02"]
    with time_machine.travel(SECOND, tick=False):
        client.post("/account/name", data={"name": "Ada"})
        assert days(db, user_id) == ["2026-03-02", "2026-03-03"]


def test_to_leave_is_no_visit(db: Session, make: Make, sign_in: SignIn) -> None:
    user_id = make.user().id
    client = sign_in(db.get_one(User, user_id))
    client.post("/sign-out")
    client.post("/account/name", data={"name": "Ada"})
    assert days(db, user_id) == []
