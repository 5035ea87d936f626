"""What tests of profiles share: the posted form of a builder page, and the mail that went out."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.categories import forms
from imatch.categories.catalog import definition
from imatch.core.database import atomic
from imatch.mail.models import MailMessage

PageForm = Callable[[int, dict[str, Any]], dict[str, list[str]]]


@pytest.fixture
def page_form() -> PageForm:
    """`page_form(2, values)`: what a browser posts from page 2 of an advisor's builder."""
    advisors = definition("financial_advisors")

    def posted(number: int, values: dict[str, Any]) -> dict[str, list[str]]:
        fields = {name: advisors.provider[name] for name in advisors.profile[number - 1].fields}
        return forms.form_values(fields, values)

    return posted


@pytest.fixture
def letters(db: Session) -> Callable[[str], list[MailMessage]]:
    """The messages to an address, oldest first, as they stand in the database now."""

    def sent_to(address: str) -> list[MailMessage]:
        with atomic(db):
            found = select(MailMessage).where(MailMessage.recipient == address)
            return list(db.scalars(found.order_by(MailMessage.id)))

    return sent_to
