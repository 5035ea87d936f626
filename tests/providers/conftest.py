"""Fixtures of the profile tests: builder forms, sent letters, and a provider with POT."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType
from imatch.categories import forms
from imatch.categories.catalog import definition
from imatch.core.database import atomic
from imatch.ledger import POT, post
from imatch.mail.models import MailMessage
from imatch.wiring import wire
from tests.ledger.books import earn
from tests.make import Make
from tests.providers.boosting import Hire, Owner

PageForm = Callable[[int, dict[str, Any]], dict[str, list[str]]]


@pytest.fixture
def page_form() -> PageForm:
    """`page_form(2, values)`: the form that a browser posts from page 2 of an advisor's builder."""
    advisors = definition("financial_advisors")

    def form(number: int, values: dict[str, Any]) -> dict[str, list[str]]:
        fields = {name: advisors.provider[name] for name in advisors.profile[number - 1].fields}
        return forms.form_values(fields, values)

    return form


@pytest.fixture
def letters(db: Session) -> Callable[[str], list[MailMessage]]:
    """Read the messages to an address from the database, oldest first."""

    def sent_to(address: str) -> list[MailMessage]:
        with atomic(db):
            query = select(MailMessage).where(MailMessage.recipient == address)
            return list(db.scalars(query.order_by(MailMessage.id)))

    return sent_to


@pytest.fixture
def hire(db: Session, make: Make) -> Hire:
    """Create a provider with POT and a profile; keywords are the profile's columns."""
    wire()

    def create(name: str = "Greta Example", pot: int = 3_000, **columns: Any) -> Owner:  # noqa: ANN401
        user = make.user(account_type=AccountType.PROVIDER)
        profile = {"display_name": name, "credentials": [{"type": "CFP"}]}
        provider = make.provider(user=user, profile=profile | columns.pop("profile", {}), **columns)
        post(db, POT, earn(user.id, pot, f"give {user.id}"))
        return Owner(user, provider, db)

    return create
