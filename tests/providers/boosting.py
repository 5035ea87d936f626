"""A provider with POT and a profile, who buys boosts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop.models import PotPurchase
from imatch.providers import boosts
from imatch.providers.models import Provider

ADVISORS = "financial_advisors"
KEY = "a-key-of-some-length"
VERIFIED: dict[str, Any] = {
    "verified_credentials": ["CFP"],
    "verified_on": {"CFP": "2026-02-03"},
}


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
        return shop_queries.purchases(self.db, self.user.id)

    def buy(self, option: str, key: str = KEY, *, renews: bool = False) -> PotPurchase:
        return boosts.buy(self.db, self.user.id, self.provider, option, key=key, renews=renews)


Hire = Callable[..., Owner]
