"""Runs the product's engine on an evaluation set of real requests.

`factory(providers)` takes dicts (id, headline, specialties {tag: count}, texts, past, past_tags,
stats) and returns an object with `rank(text, answers, k)` -> (id, fit), best first. The adapter is
the same for every set.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from imatch.categories.schemas import CategoryDefinition
from imatch.ranking import Pool, RankableProvider, StatedNeed

TODAY = date(2026, 1, 1)


def factory(providers: Sequence[Mapping[str, Any]]) -> "Engine":
    return Engine(providers)


class Engine:
    """The engine's pool of one category, whose topics are the tags of its providers.

    Orders by fit alone: capacity, diversity and newcomers are not part of the sets.
    """

    def __init__(self, providers: Sequence[Mapping[str, Any]]) -> None:
        self._ids = [str(provider["id"]) for provider in providers]
        tags = sorted({tag for provider in providers for tag in provider["specialties"]})
        self._tags = frozenset(tags)
        self._pool = Pool(definition_of(tags))
        self._pool.upsert(
            rankable_provider(index, provider) for index, provider in enumerate(providers)
        )

    def rank(self, text: str, answers: Mapping[str, Any], k: int) -> list[tuple[str, float]]:
        """Provider ids with their fit, best first."""
        tags = [answers.get("category"), *answers.get("tags", [])]
        topics = [tag for tag in tags if tag in self._tags]
        need = StatedNeed("bench", text, {"needs": topics} if topics else {})
        fits = self._pool.fits(need, TODAY)
        return [(self._ids[index], fit) for index, fit in fits[:k]]


def rankable_provider(index: int, provider: Mapping[str, Any]) -> RankableProvider:
    """A provider of a set as a RankableProvider. Values missing in the set stay unknown."""
    return RankableProvider(
        provider_id=index,
        passages=tuple(text for text in (provider["headline"], *provider["texts"]) if text),
        profile={"specialties": list(provider["specialties"])},
        rating_sum=0,
        rating_count=0,
        completed_count=provider["stats"]["n"],
        repeat_count=0,
        invites=0,
        accepts=0,
        active_count=0,
        pending_count=0,
        capacity=1,
        accepting_new=True,
        response_hours=None,
        last_active=None,
        joined=TODAY,
        past=tuple(provider["past"]),
        past_tags=tuple(tuple(tags) for tags in provider["past_tags"]),
        specialty_counts=provider["specialties"],
    )


def definition_of(tags: Sequence[str]) -> CategoryDefinition:
    """A small category with words and topics only: the sets have no price, place or values."""
    text = {"label": "In your own words", "kind": "long_text"}
    topics = {"label": "Topics", "kind": "tags", "vocabulary": "specialties"}
    page = {"title": "All", "why": "The sets hold nothing else."}
    return CategoryDefinition.model_validate(
        {
            "name": "bench",
            "display_name": "Bench",
            "singular": "person",
            "icon": "search",
            "summary": "People who answered real requests",
            "description": "Made from an evaluation set.",
            "fees": {"model": "none"},
            "criteria": {
                "expertise_match": {
                    "weight": 100,
                    "label": "Expertise",
                    "seeker": ["needs"],
                    "provider": ["specialties"],
                },
            },
            "style_scales": [],
            "intake": [
                {**page, "fields": ["needs_description"]},
                {**page, "fields": ["needs"]},
            ],
            "profile": [{**page, "fields": ["bio"]}, {**page, "fields": ["specialties"]}],
            "seeker": {"needs_description": text, "needs": topics},
            "provider": {"bio": text, "specialties": topics},
            "vocabularies": {"specialties": {tag: tag.replace("-", " ") for tag in tags}},
        }
    )
