"""Pure decisions about shortlists: how many people, and when two requests are the same."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from imatch.categories import forms
from imatch.categories.schemas import CategoryDefinition, Importance, Kind
from imatch.matches.models import MatchKind, Shortlist

PEOPLE: Final = MappingProxyType(
    {
        MatchKind.BASIC: 3,
        MatchKind.PREMIUM: 10,
        MatchKind.RE_MATCH: 3,
        MatchKind.CUSTOM_CRITERIA: 3,
    }
)
MAX_CUSTOM_CRITERIA = 1_000  # characters
MOST_COMPARED = 3
FEWEST_COMPARED = 2


def shown_of(shortlist: Shortlist) -> int:
    """How many people a shortlist had when it was stored."""
    return min(PEOPLE[MatchKind(shortlist.kind)], shortlist.passed)


class Refusal(StrEnum):
    """Why the seeker refused the previous list."""

    PRICE = "price"
    PLACE_OR_TIME = "place_or_time"
    OTHER = "other"  # what it was is weighed as the seeker's own criteria


# What was weighed before becomes a rule where it was the reason to refuse.
_RULE_AFTER: Final = MappingProxyType(
    {Refusal.PRICE: ("budget",), Refusal.PLACE_OR_TIME: ("format", "windows"), Refusal.OTHER: ()}
)


def importance_after(
    definition: CategoryDefinition, importance: Mapping[str, str], refusal: Refusal | None
) -> dict[str, str]:
    """The importance of each field, made stricter by the reason for refusing."""
    stricter = _RULE_AFTER[refusal] if refusal else ()
    fields = definition.seeker
    musts = {name: Importance.MUST for name in stricter if name in fields}
    return {**importance, **musts}


def answers_hash(
    secret: str,
    values: Mapping[str, Any],
    importance: Mapping[str, str],
    *weighed_besides: str,
) -> str:
    """A keyed fingerprint of everything that a shortlist is made from.

    Keyed, because many questions have few possible answers: without the key, nobody can find the
    answers by trying all of them.
    """
    made_from = json.dumps([values, importance, weighed_besides], sort_keys=True)
    return hmac.new(secret.encode(), made_from.encode(), hashlib.sha256).hexdigest()


def seed_of(seeker_id: int, fingerprint: str) -> int:
    """The seed of the draws: the same for the same answers of the same need, below 2^48."""
    digest = hashlib.sha256(f"{seeker_id}:{fingerprint}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def must_haves(
    definition: CategoryDefinition, values: Mapping[str, Any], importance: Mapping[str, str]
) -> list[str]:
    """What the seeker marked as a must, in words: "Fee-only", "Budget: up to $200 a session"."""
    said = []
    for name, field in definition.seeker.items():
        value = values.get(name)
        if importance.get(name) != Importance.MUST or value in (None, False):
            continue
        words = forms.describe(definition, field, value)
        said.append(field.label if field.kind is Kind.YES_NO else f"{field.label}: {words}")
    return said
