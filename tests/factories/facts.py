"""Facts of the marketplace about four people, whose ids are known before there are people."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.marketplace import EngagementPaid, RatingGiven
from tests.factories import Make

ME, OTHER, FRIEND, FOE = 1, 2, 3, 4
PAID_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 12, tzinfo=UTC)


def four_people(make: Make) -> None:
    """ME, OTHER, FRIEND and FOE, in a database without anybody."""
    assert [make.user().id for _ in range(4)] == [ME, OTHER, FRIEND, FOE]


def engagement_paid(engagement_id: int = 1, **changes: object) -> EngagementPaid:
    """OTHER paid ME for a deal of $100; neither's first."""
    values: dict[str, object] = {
        "engagement_id": engagement_id,
        "provider_user_id": ME,
        "seeker_user_id": OTHER,
        "deal_cents": 10_000,
        "commission_cents": 1_000,
        "paid_at": PAID_AT,
        "earlier_of_seeker": 1,
        "earlier_of_provider": 1,
    }
    return EngagementPaid(**{**values, **changes})  # type: ignore[arg-type]


def rating_given(**changes: object) -> RatingGiven:
    """OTHER gave ME four stars for a small deal."""
    values: dict[str, object] = {
        "rating_id": 5,
        "engagement_id": 1,
        "rater_user_id": OTHER,
        "rated_user_id": ME,
        "rated_is_provider": True,
        "stars": 4,
        "deal_cents": 4_900,
    }
    return RatingGiven(**{**values, **changes})  # type: ignore[arg-type]


def announce_each(db: Session, *facts: object) -> None:
    """Announce facts one after the other, each in a transaction of its own."""
    for fact in facts:
        with atomic(db):
            announce(db, fact)
