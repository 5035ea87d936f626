"""Export includes all of a user's data; erasure leaves nothing that identifies them."""

import sqlite3

import pytest
from sqlalchemy import func, make_url, select
from sqlalchemy.orm import Session

from imatch.accounts import service
from imatch.accounts.models import ApiKey, EmailedLink, RecoveryCode, User, UserSession
from imatch.accounts.service import profile, recovery, second_factor
from imatch.accounts.service.sessions import Browser
from imatch.core.database import atomic
from imatch.core.events import listen
from imatch.facts.people import PersonErased, PersonExported
from imatch.mail.models import MailMessage
from imatch.needs.models import Need
from imatch.providers.models import Provider
from imatch.referrals.models import Referral
from tests.factories import Make
from tests.factories.accounts import ADA
from tests.support.clients import SignIn

pytestmark = pytest.mark.both_databases


def test_export_is_a_file_with_a_section_from_every_domain(
    make: Make, sign_in: SignIn, ada: User, db: Session
) -> None:
    def a_domain(_db: Session, fact: PersonExported) -> None:
        fact.sections["a_domain"] = [{"user": fact.user_id}]

    listen(PersonExported, a_domain)
    key = make.api_key(ada, "program").key
    answer = sign_in(ada).get("/account/export")
    assert answer.headers["content-disposition"].startswith("attachment")
    document = answer.json()
    assert document["account"]["email"] == ADA
    assert document["account"]["api_keys"][0]["name"] == "program"
    assert len(document["account"]["browsers"]) == 1
    assert document["a_domain"] == [{"user": ada.id}]
    assert key not in answer.text
    assert (ada.password_hash or "?") not in answer.text


def test_export_contains_only_the_users_needs_and_profiles(
    sign_in: SignIn, ada: User, db: Session, make: Make
) -> None:
    make.provider(user=ada, slug="ada")
    make.provider(slug="somebody-else")
    with atomic(db):
        for number, owner in enumerate((ada.id, None)):
            db.add(
                Need(
                    user_id=owner,
                    category_id=make.category().id,
                    answers={"values": {"goal": f"retire {number}"}, "importance": {}},
                    token_hash=str(number),
                )
            )
    document = sign_in(ada).get("/account/export").json()
    assert [profile["slug"] for profile in document["profiles"]] == ["ada"]
    assert [need["answers"]["values"]["goal"] for need in document["needs"]] == ["retire 0"]

    service.erase(db, ada)
    with atomic(db):
        assert db.scalars(select(Provider.slug)).all() == ["somebody-else"]
        assert db.scalars(select(Need.user_id)).all() == [None]


def test_erasure_deletes_the_person_and_signs_out(
    make: Make, sign_in: SignIn, ada: User, db: Session
) -> None:
    erased: list[int] = []
    listen(PersonErased, lambda _db, fact: erased.append(fact.user_id))
    make.api_key(ada, "program")
    second_factor.begin(db, ada)
    recovery.send_reset_link(db, email=ADA, browser=Browser("192.0.2.1", "", None))
    client = sign_in(ada)

    assert client.post("/account/delete").status_code == 422
    assert db.scalar(select(func.count(User.id))) == 1
    user_id = ada.id
    answer = client.post("/account/delete", data={"sure": "yes"})
    assert "Your account is deleted" in answer.text
    assert "Ada Example" not in answer.text
    assert client.get("/account").url.path == "/sign-in"
    assert erased == [user_id]
    for table in (User, UserSession, ApiKey, EmailedLink, RecoveryCode, MailMessage):
        with atomic(db):
            assert db.scalar(select(func.count()).select_from(table)) == 0


def test_a_referenced_account_is_anonymized(db: Session, ada: User, make: Make) -> None:
    friend = make.user()
    with atomic(db):
        db.add(Referral(referrer_user_id=ada.id, referred_user_id=friend.id, code="c"))
    ada_id = ada.id
    service.erase(db, ada)
    with atomic(db):
        left = db.get_one(User, ada_id, populate_existing=True)
    assert left.email.endswith("@erased.invalid")
    assert (left.name, left.password_hash, left.active) == ("Erased account", None, False)
    assert left.totp_secret is None
    again = make.user(email=ADA)
    assert again.id != ada_id


def test_erasure_keeps_letters_to_an_address_of_another_user(
    db: Session, ada: User, make: Make
) -> None:
    browser = Browser("192.0.2.1", "", None)
    for address in ("next@example.org", "elsewhere@example.org"):
        profile.ask_for_new_email(db, ada, address)
    make.user(email="next@example.org")
    recovery.send_reset_link(db, email="next@example.org", browser=browser)
    service.erase(db, ada)
    with atomic(db):
        left = set(db.scalars(select(MailMessage.recipient)))
    assert left == {"next@example.org"}


def test_erased_data_is_not_in_the_database_file(database_url: str, db: Session, ada: User) -> None:
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        pytest.skip("reads the file itself")
    with atomic(db):
        ada.name = "Unmistakable Marker"
    service.erase(db, ada)
    with sqlite3.connect(url.database or "") as connection:
        dump = "\n".join(connection.iterdump())
    assert "Unmistakable Marker" not in dump
    assert ADA not in dump
