"""A person's export holds who was suggested to them and why, and nobody else's matches."""

from collections.abc import Callable

from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.matches import service
from imatch.needs import service as seekers
from tests.make import Make
from tests.matches.conftest import Ask


def test_the_export_holds_the_matches_of_ones_own_needs(
    ask: Ask, three: list[str], make: Make, db: Session, sign_in: Callable[[User], TestClient]
) -> None:
    ada = make.user()
    mine, _token = ask()
    others, _token = ask(urgency="this_week")
    seekers.claim(db, mine, ada)
    for need in (mine, others):
        service.suggest(db, need)
    exported = sign_in(ada).get("/account/export").json()["matches"]
    assert {match["need_id"] for match in exported} == {mine.id}
    assert {match["professional"] for match in exported} == {"ada", "ben", "cora"}
    first = exported[0]
    assert (first["position"], first["status"]) == (1, "suggested")
    assert first["explanation"]["pick"]["fit"] == first["fit"]
