"""Fixtures of the account tests: Ada's account, sent letters, and the links in them."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.core.security import hash_password
from imatch.mail.models import MailMessage
from tests.make import Make

PASSWORD = "four plain words here"
ADA = "ada@example.org"
FORM = {"account_type": "seeker", "name": "Ada Example", "email": ADA, "password": PASSWORD}

LinkTo = Callable[[str], str]
Letters = Callable[[str], list[MailMessage]]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def open_account(client: TestClient, **changes: str) -> Response:
    """Submit FORM, with changes, page by page. Returns the response to the last page."""
    answers = FORM | changes
    client.post("/sign-up", data={"account_type": answers["account_type"]})
    for question in ("name", "email"):
        client.post(f"/sign-up/{question}", data={question: answers[question]})
    return client.post("/sign-up/password", data={"password": answers["password"]})


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Freeze the time at NOON; `clock.shift(seconds)` moves it."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def letters(db: Session) -> Letters:
    """Read the messages to an address from the database, oldest first."""

    def sent_to(address: str) -> list[MailMessage]:
        with atomic(db):
            query = select(MailMessage).where(MailMessage.recipient == address)
            return list(db.scalars(query.order_by(MailMessage.id)))

    return sent_to


@pytest.fixture
def link_to(letters: Letters) -> LinkTo:
    """The path (and query) of the link in the last message to an address."""

    def path(address: str) -> str:
        link = re.search(r"http://127\.0\.0\.1:8401(/\S+)", letters(address)[-1].text)
        assert link
        return link[1]

    return path


@pytest.fixture
def ada(make: Make) -> User:
    """A confirmed account with ADA's address and PASSWORD."""
    return make.user(email=ADA, name="Ada Example", password_hash=hash_password(PASSWORD))
