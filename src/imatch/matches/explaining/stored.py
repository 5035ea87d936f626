"""The explanation stored with a match: the arithmetic, and both sides' words of that day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from imatch.categories import forms
from imatch.categories.schemas import CategoryDefinition, CriterionKind, FieldDefinition, Kind
from imatch.matches.pool import providers as pool_providers
from imatch.providers.models import Provider
from imatch.ranking.types import CriterionScore, Pick, Reason, StatedNeed
from imatch.web.formats import number, plural


@dataclass(frozen=True, slots=True)
class Sides:
    """One criterion as both sides put it, where the fact comes from, and of which day it is."""

    asked: str
    offered: str
    source: str
    day: date
    measured: bool = False  # here, and not stated by anybody


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that the Why page says, so that it says the same on any later day."""

    pick: Pick
    sides: Mapping[str, Sides]  # by criterion

    def is_measured(self, reason: Reason) -> bool:
        sides = self.sides.get(reason.criterion)
        return sides is not None and sides.measured


_stored: TypeAdapter[Explanation] = TypeAdapter(Explanation)

# Criteria of these kinds compare fields that the definition need not name.
_SEEKER_FIELDS = {
    CriterionKind.LOGISTICS: ("format", "place", "windows", "languages", "urgency"),
    CriterionKind.PRICING: ("budget",),
}
_PROVIDER_FIELDS = {
    CriterionKind.LOGISTICS: ("formats", "place", "windows", "languages"),
    CriterionKind.PRICING: ("price",),
    CriterionKind.EXPERTISE: ("years_experience",),
}
_THEIR_PROFILE = "Stated in their profile"
_MEASURED = "Measured on I MATCH"


def to_json(explanation: Explanation) -> dict[str, Any]:
    document: dict[str, Any] = _stored.dump_python(explanation, mode="json")
    return document


def from_json(document: Mapping[str, Any]) -> Explanation:
    return _stored.validate_python(document)


def explain(
    definition: CategoryDefinition,
    pick: Pick,
    provider: Provider,
    need: StatedNeed,
    today: date,
) -> Explanation:
    """The pick with what both sides say to each criterion today."""
    sides = {line.name: _sides(definition, line, provider, need, today) for line in pick.criteria}
    return Explanation(pick, sides)


def _sides(
    definition: CategoryDefinition,
    line: CriterionScore,
    provider: Provider,
    need: StatedNeed,
    today: date,
) -> Sides:
    criterion = definition.criteria.get(line.name)
    if criterion is None:
        day = provider.updated_at.date()
        return Sides(need.custom_criteria, "Their own words", _THEIR_PROFILE, day)
    kind = definition.kind_of(line.name)
    asked = (*criterion.seeker, *_SEEKER_FIELDS.get(kind, ()))
    offered = (*criterion.provider, *_PROVIDER_FIELDS.get(kind, ()))
    words = _described(definition, definition.seeker, asked, need.answers)
    if kind is CriterionKind.TRACK_RECORD:
        return Sides(words, record(provider), _MEASURED, today, measured=True)
    facts = _described(definition, definition.provider, offered, provider.profile)
    if kind is CriterionKind.CERTIFICATION:
        held = _credentials(definition, criterion.provider, provider, today)
        facts = "; ".join(words for words in (facts, held) if words)
    source = _source(definition, kind, provider, today)
    return Sides(words, facts, source, provider.updated_at.date())


def _credentials(
    definition: CategoryDefinition, described: Sequence[str], provider: Provider, today: date
) -> str:
    """Those that count without being asked for, but for what the described fields say already."""
    profile = provider.profile
    listed = [row["type"] for row in profile.get("credentials", ())]
    said = {
        value
        for name in described
        if definition.provider[name].kind is Kind.TAGS
        for value in profile.get(name, ())
    }
    kinds = dict.fromkeys((*listed, *provider.verified_credentials))
    valid = pool_providers.verified(list(kinds), profile, today)
    labels = definition.vocabularies.get("credentials", {})
    return ", ".join(
        labels.get(kind, kind) + ("" if kind in valid else " (expired)")
        for kind in kinds
        if kind not in said
    )


def _source(
    definition: CategoryDefinition, kind: CriterionKind, provider: Provider, today: date
) -> str:
    valid = pool_providers.verified(provider.verified_credentials, provider.profile, today)
    if kind is not CriterionKind.CERTIFICATION or not valid:
        return _THEIR_PROFILE
    labels = definition.vocabularies.get("credentials", {})
    names = (name for name in provider.verified_credentials if name in valid)
    checked = ", ".join(labels.get(name, name) for name in names)
    return f"{_THEIR_PROFILE}; checked by I MATCH: {checked}"


def _described(
    definition: CategoryDefinition,
    fields: Mapping[str, FieldDefinition],
    names: Sequence[str],
    values: Mapping[str, Any],
) -> str:
    """The answers in words, nothing said twice; a bare number says what it counts."""
    said = []
    chosen: set[tuple[str | None, str]] = set()  # tags, which several fields may share
    for name in dict.fromkeys(names):
        field = fields.get(name)
        if field is None or name not in values:
            continue
        value = values[name]
        if field.kind is Kind.TAGS:
            value = [one for one in value if (field.vocabulary, one) not in chosen]
            chosen.update((field.vocabulary, one) for one in value)
        words = forms.describe(definition, field, value)
        said.append(f"{field.label_to_others}: {words}" if field.kind is Kind.NUMBER else words)
    joined = "; ".join(words for words in said if words)
    return joined[:1].upper() + joined[1:]


def record(provider: Provider) -> str:
    """What was measured here, and nothing that was not."""
    parts = []
    if provider.rating_count:
        mean = provider.rating_sum / provider.rating_count
        parts.append(f"Rated {number(mean, 1)} of 5, {plural(provider.rating_count, 'rating')}")
    if provider.completed_count:
        parts.append(f"{plural(provider.completed_count, 'engagement')} completed")
    if provider.repeat_count:
        parts.append(f"{plural(provider.repeat_count, 'client')} came back")
    return "; ".join(parts) or "Nothing measured yet"
