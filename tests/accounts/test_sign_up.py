"""Opening an account: the form, the link, the password that must belong to it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.events import listen
from imatch.facts import EmailConfirmed
from imatch.mail.models import MailMessage
from tests.accounts.conftest import PASSWORD
from tests.make import Make

ADA = "ada@example.org"
FORM = {"account_type": "seeker", "name": "Ada Example", "email": ADA, "password": PASSWORD}

LinkTo = Callable[[str], str]
Letters = Callable[[str], list[MailMessage]]


def test_sign_up_confirm_and_arrive_signed_in(
    client: TestClient, db: Session, link_to: LinkTo
) -> None:
    confirmed: list[int] = []
    listen(EmailConfirmed, lambda _db, fact: confirmed.append(fact.user_id))

    answer = client.post("/sign-up", data={**FORM, "email": " Ada@Example.org "})
    assert answer.url.path == "/check-mail"
    assert client.get("/step-up").url.path == "/sign-in"

    form = client.get(link_to(ADA))
    assert form.status_code == 200
    assert ADA in form.text
    answer = client.post(link_to(ADA), data={"password": PASSWORD})
    assert answer.url.path == "/account"
    user = db.scalars(select(User).where(User.email == ADA)).one()
    assert user.email_confirmed_at is not None
    assert user.name == "Ada Example"
    assert confirmed == [user.id]
    assert PASSWORD not in (user.password_hash or "")
