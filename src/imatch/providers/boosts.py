"""What a professional buys for a profile with POT: for whom it may be, and where it shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from imatch.categories.schemas import CategoryDefinition
from imatch.core.clock import now, today
from imatch.core.database import atomic
from imatch.core.errors import Conflict
from imatch.facts.economy import OptionPurchased
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME, Spending
from imatch.pot.shop.models import PotPurchase
from imatch.providers import queries, rules
from imatch.providers.models import Provider, ProviderStatus
from imatch.providers.queries import UnknownProvider
from imatch.providers.service import definition_of, locked

BADGE: Final = "verified_badge"
FEATURED: Final = "featured_listing_week"
BOOST: Final = "profile_boost_month"
OPTIONS: Final = (BOOST, FEATURED, BADGE)
PROFILE: Final = "provider"


class NotPublic(Conflict):
    code = "profile_not_public"

    def __init__(self) -> None:
        super().__init__("Only a profile that is approved and public can have this.")


class NothingChecked(Conflict):
    code = "no_checked_credentials"

    def __init__(self) -> None:
        super().__init__(
            "The badge needs a credential that an operator has checked and that has not expired."
        )


class HasBadge(Conflict):
    code = "has_badge"

    def __init__(self) -> None:
        super().__init__("This profile has the badge already. Nothing was charged.")


@dataclass(frozen=True, slots=True)
class Bought:
    """One option of a profile: what runs now, and what follows it."""

    option: Spending
    purchases: Sequence[PotPurchase]  # the first to end first
    refusal: str  # why it cannot be bought now; "" if it can

    @property
    def until(self) -> datetime | None:
        return self.purchases[-1].ends_at if self.purchases else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that one profile has of what POT buy."""

    provider: Provider
    definition: CategoryDefinition
    options: Sequence[Bought]


def buy(
    db: Session, user_id: int, provider: Provider, option: str, *, key: str, renews: bool = False
) -> PotPurchase:
    """Buy an option for a profile; the same key buys once.

    Raises NotPublic, NothingChecked, HasBadge, UnknownProvider, and what shop.buy raises.
    """
    provider_id = provider.id
    with atomic(db):
        if shop.bought(db, user_id, key) is None and option == BADGE:
            # Two orders at once follow each other from here.
            locked(db, provider_id)
            if badge_buyers(db, [provider_id]):
                raise HasBadge
        return shop.buy(
            db,
            user_id,
            option,
            key=key,
            reference_type=PROFILE,
            reference_id=provider_id,
            renews=renews,
        )


def on_option_purchased(db: Session, fact: OptionPurchased) -> None:
    """Undo what is bought for somebody else's profile, or for one that cannot have it."""
    if fact.option not in OPTIONS:
        return
    provider = db.get(Provider, fact.reference_id) if fact.reference_id else None
    if fact.reference_type != PROFILE or provider is None or provider.user_id != fact.user_id:
        raise UnknownProvider
    refuse_unfit(db, provider, fact.option)


def refuse_unfit(db: Session, provider: Provider, option: str) -> None:
    """Raise NotPublic or NothingChecked where a profile cannot have an option."""
    if provider.status != ProviderStatus.APPROVED:
        raise NotPublic
    if option == BADGE and not has_checked(provider, definition_of(db, provider)):
        raise NothingChecked


def why_unfit(db: Session, provider: Provider, option: str) -> str:
    """Why a profile cannot have an option, or ""."""
    try:
        refuse_unfit(db, provider, option)
    except (NotPublic, NothingChecked) as error:
        return error.message
    return ""


def standings(db: Session, user_id: int) -> list[Standing]:
    """What each profile of a person has."""
    return [
        Standing(provider, definition_of(db, provider), _options(db, provider))
        for provider in queries.own(db, user_id)
    ]


def badge_buyers(db: Session, provider_ids: Collection[int]) -> Collection[int]:
    """Those of the profiles whose badge is bought. It shows only beside a checked credential."""
    return shop.active(db, BADGE, PROFILE, among=provider_ids).keys()


def has_checked(provider: Provider, definition: CategoryDefinition) -> bool:
    credentials = rules.credentials_of(provider, definition, today())
    return any(credential.verified for credential in credentials)


def shows_badge(db: Session, provider: Provider, definition: CategoryDefinition) -> bool:
    return has_checked(provider, definition) and bool(badge_buyers(db, [provider.id]))


def _options(db: Session, provider: Provider) -> list[Bought]:
    running = [
        purchase
        for purchase in shop.bought_for(db, provider.user_id, PROFILE, provider.id)
        if purchase.ends_at is None or purchase.ends_at > now()
    ]
    return [
        Bought(
            SPENDING_BY_NAME[name],
            [purchase for purchase in running if purchase.option == name],
            why_unfit(db, provider, name),
        )
        for name in OPTIONS
    ]
