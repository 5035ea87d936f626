"""One line of set-up in a test: `make.provider(capacity=2)`."""

import itertools
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.categories.models import Category
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.providers.models import Provider, ProviderStatus

_numbers = itertools.count(1)
Row = TypeVar("Row")

ADVISOR_PROFILE: dict[str, Any] = {
    "display_name": "Ada Example",
    "headline": "Fee-only planner",
    "bio": "I plan retirements and taxes for people who work in technology companies.",
    "specialties": ["retirement", "tax"],
    "years_experience": 12,
    "values": ["integrity", "expertise"],
    "place": {"country": "US", "region": "CA", "city": "San Francisco", "postal_code": "94103"},
    "regions": ["CA", "NY"],
    "formats": ["in_person", "remote"],
    "languages": ["en"],
    "price": {"min_cents": 20_000, "max_cents": 30_000, "unit": "session"},
    "windows": ["tue_evening", "wed_morning"],
    "capacity": 4,
    "style": {"lead": -1, "tone": 0, "evidence": -2},
    "fiduciary": "always",
    "compensation": "fee_only",
    "minimum_assets": "a0",
    "designations": ["CFP"],
}


class Make:
    """Rows with sensible values; name what matters to the test."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def user(
        self,
        *,
        email: str | None = None,
        name: str = "Sam Example",
        account_type: str = AccountType.SEEKER,
        email_confirmed_at: datetime | None = None,
        **columns: Any,  # noqa: ANN401 -- any column
    ) -> User:
        number = next(_numbers)
        user = User(
            email=email or f"person{number}@example.org",
            name=name,
            account_type=account_type,
            email_confirmed_at=email_confirmed_at or now(),
            **columns,
        )
        return self._saved(user)

    def category(self, name: str = "financial_advisors", *, active: bool = True) -> Category:
        with atomic(self.db):
            category = self.db.scalars(select(Category).where(Category.name == name)).one()
            category.active = active
        return category

    def provider(
        self,
        *,
        category: str = "financial_advisors",
        user: User | None = None,
        profile: dict[str, Any] | None = None,
        status: str = ProviderStatus.APPROVED,
        **columns: Any,  # noqa: ANN401 -- any column
    ) -> Provider:
        """An approved advisor; `profile` is laid over ADVISOR_PROFILE."""
        owner = user or self.user(account_type=AccountType.PROVIDER)
        values = {**ADVISOR_PROFILE, **(profile or {})}
        provider = Provider(
            user_id=owner.id,
            category_id=self.category(category).id,
            slug=columns.pop("slug", f"provider-{next(_numbers)}"),
            display_name=values["display_name"],
            headline=values["headline"],
            status=status,
            profile=values,
            capacity=columns.pop("capacity", values["capacity"]),
            **columns,
        )
        return self._saved(provider)

    def _saved(self, row: Row) -> Row:
        with atomic(self.db):
            self.db.add(row)
        return row
