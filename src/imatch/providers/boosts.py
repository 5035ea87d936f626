"""Boosts: what providers buy for a profile with POT, who may buy it, and what is active."""

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
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME, Spending
from imatch.pot.shop.models import PotPurchase
from imatch.providers import queries, rules
from imatch.providers.models import Provider, ProviderStatus
from imatch.providers.queries import UnknownProvider
from imatch.providers.service import definition_of, locked_provider

BADGE: Final = "verified_badge"
FEATURED: Final = "featured_listing_week"
BOOST: Final = "profile_boost_month"
OPTIONS: Final = (BOOST, FEATURED, BADGE)
PROFILE_REFERENCE_TYPE: Final = "provider"


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
class BoostStatus:
    """One option of a profile with its running purchases."""

    option: Spending
    purchases: Sequence[PotPurchase]  # in the order in which they end
    refusal: str  # why it cannot be bought now; "" if it can

    @property
    def until(self) -> datetime | None:
        return self.purchases[-1].ends_at if self.purchases else None


@dataclass(frozen=True, slots=True)
class ProfileBoosts:
    """One profile with the status of every option."""

    provider: Provider
    definition: CategoryDefinition
    options: Sequence[BoostStatus]


def buy(
    db: Session, user_id: int, provider: Provider, option: str, *, key: str, renews: bool = False
) -> PotPurchase:
    """Buy an option for a profile. Idempotent by key.

    Raises NotPublic, NothingChecked, HasBadge, UnknownProvider, and what shop.buy raises.
    """
    provider_id = provider.id
    with atomic(db):
        if shop_queries.bought(db, user_id, key) is None and option == BADGE:
            locked_provider(db, provider_id)  # serializes concurrent purchases of the badge
            if badge_buyers(db, [provider_id]):
                raise HasBadge
        return shop.buy(
            db,
            user_id,
            option,
            key=key,
            reference_type=PROFILE_REFERENCE_TYPE,
            reference_id=provider_id,
            renews=renews,
        )


def on_option_purchased(db: Session, fact: OptionPurchased) -> None:
    """Refuse purchases for another user's profile or for one that is not eligible.

    Raises UnknownProvider, NotPublic, NothingChecked, which rolls the purchase back.
    """
    if fact.option not in OPTIONS:
        return
    provider = db.get(Provider, fact.reference_id) if fact.reference_id else None
    if (
        fact.reference_type != PROFILE_REFERENCE_TYPE
        or provider is None
        or provider.user_id != fact.user_id
    ):
        raise UnknownProvider
    require_eligible(db, provider, fact.option)


def require_eligible(db: Session, provider: Provider, option: str) -> None:
    """Raise NotPublic or NothingChecked if the profile may not have the option."""
    if provider.status != ProviderStatus.APPROVED:
        raise NotPublic
    if option == BADGE and not has_verified_credential(provider, definition_of(db, provider)):
        raise NothingChecked


def refusal_of(db: Session, provider: Provider, option: str) -> str:
    """Why the profile may not have the option, or ""."""
    try:
        require_eligible(db, provider, option)
    except (NotPublic, NothingChecked) as error:
        return error.message
    return ""


def profile_boosts(db: Session, user_id: int) -> list[ProfileBoosts]:
    """The boosts of each of the user's profiles."""
    return [
        ProfileBoosts(provider, definition_of(db, provider), _options(db, provider))
        for provider in queries.own(db, user_id)
    ]


def badge_buyers(db: Session, provider_ids: Collection[int]) -> Collection[int]:
    """The profiles among these with a bought badge. Shown only beside a verified credential."""
    return shop_queries.active(db, BADGE, PROFILE_REFERENCE_TYPE, among=provider_ids).keys()


def has_verified_credential(provider: Provider, definition: CategoryDefinition) -> bool:
    credentials = rules.credentials_of(provider, definition, today())
    return any(credential.verified for credential in credentials)


def shows_badge(db: Session, provider: Provider, definition: CategoryDefinition) -> bool:
    return has_verified_credential(provider, definition) and bool(badge_buyers(db, [provider.id]))


def _options(db: Session, provider: Provider) -> list[BoostStatus]:
    running = [
        purchase
        for purchase in shop_queries.bought_for(
            db, provider.user_id, PROFILE_REFERENCE_TYPE, provider.id
        )
        if purchase.ends_at is None or purchase.ends_at > now()
    ]
    return [
        BoostStatus(
            SPENDING_BY_NAME[name],
            [purchase for purchase in running if purchase.option == name],
            refusal_of(db, provider, name),
        )
        for name in OPTIONS
    ]
