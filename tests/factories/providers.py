"""Categories and profiles of professionals."""

from typing import Any

from sqlalchemy import select

from imatch.accounts.models import AccountType, User
from imatch.categories.models import Category
from imatch.core.database import atomic
from imatch.providers.models import Provider, ProviderStatus
from tests.factories.accounts import AccountFactory

ADVISORS = "financial_advisors"
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


# A credential that an operator has looked at, as columns of a profile.
VERIFIED: dict[str, Any] = {
    "verified_credentials": ["CFP"],
    "verified_on": {"CFP": "2026-02-03"},
}


class ProviderFactory(AccountFactory):
    def category(self, name: str = ADVISORS, *, active: bool = True) -> Category:
        with atomic(self.db):
            category = self.db.scalars(select(Category).where(Category.name == name)).one()
            category.active = active
        return category

    def provider(
        self,
        *,
        category: str = ADVISORS,
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
            slug=columns.pop("slug", f"provider-{self.number()}"),
            display_name=values["display_name"],
            headline=values["headline"],
            status=status,
            profile=values,
            capacity=columns.pop("capacity", values["capacity"]),
            **columns,
        )
        return self.save(provider)

    def three_advisors(self) -> list[str]:
        """Three advisors who differ, the best fit of an advisors' need first; their names."""
        names = ["Ada Example", "Ben Example", "Cora Example"]
        for place, name in enumerate(names):
            self.provider(
                slug=name.split()[0].lower(),
                profile={
                    "display_name": name,
                    "specialties": ["retirement", "tax", "debt"][: 3 - place],
                    "price": {"min_cents": 20_000, "max_cents": 25_000, "unit": "session"},
                },
            )
        return names
