"""Professionals with a profile and POT, who buy what is sold for profiles."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.pot.shop import queries as shop
from imatch.pot.shop.models import PotPurchase
from imatch.providers import boosts
from imatch.providers.models import Provider
from tests.factories.pot import PotFactory
from tests.factories.providers import ProviderFactory

KEY = "a-key-of-some-length"


@dataclass
class Owner:
    user: User
    provider: Provider
    db: Session

    @property
    def free(self) -> int:
        self.db.rollback()
        return free(self.db, POT, self.user.id)

    @property
    def purchases(self) -> list[PotPurchase]:
        self.db.rollback()
        self.db.expire_all()
        return shop.purchases(self.db, self.user.id)

    def buy(self, option: str, key: str = KEY, *, renews: bool = False) -> PotPurchase:
        return boosts.buy(self.db, self.user.id, self.provider, option, key=key, renews=renews)


class OwnerFactory(ProviderFactory, PotFactory):
    def owner(self, name: str = "Greta Example", pot: int = 3_000, **columns: Any) -> Owner:  # noqa: ANN401
        """Keywords are the profile's columns."""
        user = self.user(account_type=AccountType.PROVIDER)
        profile = {"display_name": name, "credentials": [{"type": "CFP"}]}
        provider = self.provider(user=user, profile=profile | columns.pop("profile", {}), **columns)
        self.pot(user, pot)
        return Owner(user, provider, self.db)

    def boost(
        self, provider: Provider, option: str = boosts.BOOST, *, renews: bool = False
    ) -> PotPurchase:
        """What a professional buys for their profile out of the POT that they have."""
        key = f"boost-{self.number()}"
        return boosts.buy(self.db, provider.user_id, provider, option, key=key, renews=renews)
