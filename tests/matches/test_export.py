"""A person's export holds who was suggested to them and why, and nobody else's matches."""

from sqlalchemy.orm import Session

from imatch.matches import service
from imatch.needs import service as seekers
from tests.factories import Make
from tests.support.clients import SignIn


def test_the_export_holds_the_matches_of_ones_own_needs(
    make: Make, three: list[str], db: Session, sign_in: SignIn
) -> None:
    ada = make.user()
    mine = make.need()
    others = make.need(urgency="this_week")
    seekers.claim(db, mine, ada)
    for need in (mine, others):
        service.suggest(db, need)
    exported = sign_in(ada).get("/account/export").json()["matches"]
    assert {match["need_id"] for match in exported} == {mine.id}
    assert {match["professional"] for match in exported} == {"ada", "ben", "cora"}
    first = exported[0]
    assert (first["position"], first["status"]) == (1, "suggested")
    assert first["explanation"]["pick"]["fit"] == first["fit"]
