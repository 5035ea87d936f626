"""Pools of fictional advisors for the tests of the ranking engine."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from imatch.categories.catalog import definition
from imatch.categories.schemas import Importance
from imatch.ranking import Pool, RankableProvider, StatedNeed

TODAY = date(2026, 11, 2)
PLACES = {
    "San Francisco": (37.7749, -122.4194),
    "Oakland": (37.8044, -122.2712),
    "Austin": (30.2672, -97.7431),
}
NEW_PROVIDER = RankableProvider(
    provider_id=0, passages=(), profile={}, rating_sum=0, rating_count=0, completed_count=0,
    repeat_count=0, invites=0, accepts=0, active_count=0, pending_count=0, capacity=5,
    accepting_new=True, response_hours=None, last_active=None, joined=date(2024, 1, 1),
)  # fmt: skip


def locate(place: Mapping[str, Any]) -> tuple[float, float] | None:
    return PLACES.get(place.get("city", ""))


def advisors() -> Pool:
    return Pool(definition("financial_advisors"), locate)


def advisor(provider_id: int, *passages: str, **changes: Any) -> RankableProvider:  # noqa: ANN401 -- any field
    """An advisor in Oakland with a complete profile; `profile` overrides single fields."""
    profile = {
        "specialties": ["retirement", "investments"],
        "years_experience": 12,
        "place": {"country": "US", "region": "CA", "city": "Oakland"},
        "regions": ["CA"],
        "formats": ["in_person", "remote"],
        "languages": ["en"],
        "price": {"min_cents": 1_500_000, "max_cents": 2_500_000, "unit": "year"},
        "fiduciary": "always",
        "compensation": "fee_only",
        "minimum_assets": "a0",
        **changes.pop("profile", {}),
    }
    return replace(
        NEW_PROVIDER, provider_id=provider_id, passages=passages, profile=profile, **changes
    )


def known_need(**answers: object) -> StatedNeed:
    """The tech executive of the known case."""
    return StatedNeed(
        category="financial_advisors",
        text="I am a tech executive in San Francisco with RSU, ISO and AMT questions. I want "
        "retirement planning and tax optimisation from someone professional and data-driven.",
        answers={
            "needs": ["retirement", "tax"],
            "life_event": ["tech_equity"],
            "budget": {"min_cents": 1_500_000, "max_cents": 3_000_000, "unit": "year"},
            "format": "in_person",
            "place": {"country": "US", "region": "CA", "city": "San Francisco"},
            "values": ["integrity", "expertise", "responsiveness"],
            "style": {"evidence": -3},
            **answers,
        },
        importance={"format": Importance.PREFER, "budget": Importance.PREFER},
    )


def known_advisors() -> tuple[RankableProvider, RankableProvider, RankableProvider]:
    """Advisors A, B and C of the known case, with only the facts it states."""
    first = advisor(
        1,
        "CFP and CPA in San Francisco. 20 years of tech compensation and tax.",
        profile={
            "specialties": ["tax", "equity_compensation"],
            "niches": ["tech_equity"],
            "years_experience": 20,
            "designations": ["CFP", "CPA"],
            "place": {"country": "US", "region": "CA", "city": "San Francisco"},
            "price": {"min_cents": 2_000_000, "max_cents": 4_000_000, "unit": "year"},
        },
        rating_sum=4.9 * 50,
        rating_count=50,
    )
    second = advisor(
        2,
        "CFP in Oakland. 15 years of retirement and general wealth.",
        profile={
            "specialties": ["retirement", "investments"],
            "years_experience": 15,
            "designations": ["CFP"],
        },
        rating_sum=4.5 * 80,
        rating_count=80,
    )
    third = advisor(
        3,
        "CFP in Austin, working remotely only. 10 years with young professionals.",
        profile={
            "specialties": ["cash_flow", "investments"],
            "niches": ["young_professional"],
            "years_experience": 10,
            "designations": ["CFP"],
            "formats": ["remote"],
            "place": {"country": "US", "region": "TX", "city": "Austin"},
            "price": {"min_cents": 1_000_000, "max_cents": 2_000_000, "unit": "year"},
        },
        rating_sum=4.7 * 120,
        rating_count=120,
    )
    return first, second, third
