"""What a seeker asked to count besides their answers can be read again, by them and nobody else."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.facts.people import PersonExported
from imatch.matches import personal_data, service
from imatch.matches.models import Match, MatchKind, Shortlist
from imatch.needs.models import Need
from tests.factories import Make
from tests.support.clients import SignIn

CRITERIA = "explains things with drawings, never <b>in jargon</b>"


@pytest.fixture
def asked(db: Session, make: Make, three: list[str]) -> tuple[User, Shortlist]:
    make.provider(profile={"bio": "I make drawings."})
    user = make.user()
    need = make.need(user)
    kind = MatchKind.CUSTOM_CRITERIA
    return user, service.suggest(db, need, kind, custom_criteria=f"  {CRITERIA} ")


def test_pages_and_programs_say_what_was_asked(
    db: Session, asked: tuple[User, Shortlist], sign_in: SignIn
) -> None:
    user, shortlist = asked
    client = sign_in(user)
    written = "explains things with drawings, never &lt;b&gt;in jargon&lt;/b&gt;"
    assert written in client.get(f"/matches/lists/{shortlist.id}").text
    match = db.scalars(select(Match)).first()
    assert match is not None
    why = client.get(f"/matches/{match.id}/why").text
    assert written in why
    assert f'href="/matches/lists/{shortlist.id}"' in why  # back to where they came from
    lines = client.get(f"/api/v1/matches/{match.id}").json()["arithmetic"]["lines"]
    assert [line["asked"] for line in lines if line["criterion"] == "custom_criteria"] == [CRITERIA]
    fact = PersonExported(user.id, {})
    personal_data.export(db, fact)
    assert CRITERIA in str(fact.sections["matches"])


def test_they_are_stored_unreadable(db: Session, asked: tuple[User, Shortlist]) -> None:
    for table in (Match, Shortlist, Need):
        stored = db.execute(select(text("*")).select_from(table.__table__)).all()
        assert stored
        assert "drawings" not in str(stored)


def test_other_lists_quote_none(make: Make, three: list[str], db: Session) -> None:
    need = make.need()
    service.suggest(db, need)
    assert "custom_criteria" not in str([match.explanation for match in db.scalars(select(Match))])


def test_nobody_else_reads_them(
    db: Session, asked: tuple[User, Shortlist], make: Make, sign_in: SignIn
) -> None:
    match = db.scalars(select(Match)).first()
    assert match is not None
    for kind in (AccountType.SEEKER, AccountType.PROVIDER, AccountType.OPERATOR):
        client = sign_in(make.user(account_type=kind))
        for path in (f"/matches/lists/{asked[1].id}", f"/matches/{match.id}/why"):
            page = client.get(path)
            assert page.status_code == 404
            assert "drawings" not in page.text


def test_what_nobody_speaks_of_is_still_said_to_be_asked(
    db: Session, make: Make, three: list[str], sign_in: SignIn
) -> None:
    user = make.user()
    need = make.need(user)
    service.suggest(db, need, MatchKind.CUSTOM_CRITERIA, custom_criteria="keeps zeppelins")
    match = db.scalars(select(Match)).first()
    assert match is not None
    page = sign_in(user).get(f"/matches/{match.id}/why").text
    assert "Nobody&#39;s own words mention these. You asked: keeps zeppelins" in page
