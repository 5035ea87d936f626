"""The explanation stored with a match: the scores, and what both sides had stated that day."""

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
    """What both sides state for one criterion, with the source and day of the fact."""

    asked: str
    offered: str
    source: str
    day: date
    measured: bool = False  # measured by the platform, not stated by the provider


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that the Why page shows, so that it never changes later."""

    pick: Pick
    sides: Mapping[str, Sides]  # by criterion

    def is_measured(self, reason: Reason) -> bool:
        sides = self.sides.get(reason.criterion)
        return sides is not None and sides.measured


_adapter: TypeAdapter[Explanation] = TypeAdapter(Explanation)

# Fields that criteria of these kinds compare beside those of the definition.
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
    document: dict[str, Any] = _adapter.dump_python(explanation, mode="json")
    return document


def from_json(document: Mapping[str, Any]) -> Explanation:
    return _adapter.validate_python(document)


def explain(
    definition: CategoryDefinition,
    pick: Pick,
    provider: Provider,
    need: StatedNeed,
    today: date,
) -> Explanation:
    """The pick with what both sides state for each criterion today."""
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
    words = _describe(definition, definition.seeker, asked, need.answers)
    if kind is CriterionKind.TRACK_RECORD:
        return Sides(words, track_record(provider), _MEASURED, today, measured=True)
    facts = _describe(definition, definition.provider, offered, provider.profile)
    if kind is CriterionKind.CERTIFICATION:
        credentials = _credentials(definition, criterion.provider, provider, today)
        facts = "; ".join(words for words in (facts, credentials) if words)
    source = _source(definition, kind, provider, today)
    return Sides(words, facts, source, provider.updated_at.date())


def _credentials(
    definition: CategoryDefinition, described_fields: Sequence[str], provider: Provider, today: date
) -> str:
    """The provider's credentials in words, without those that the described fields name already."""
    profile = provider.profile
    stated = [row["type"] for row in profile.get("credentials", ())]
    described_values = {
        value
        for name in described_fields
        if definition.provider[name].kind is Kind.TAGS
        for value in profile.get(name, ())
    }
    credentials = dict.fromkeys((*stated, *provider.verified_credentials))
    valid = pool_providers.verified(list(credentials), profile, today)
    labels = definition.vocabularies.get("credentials", {})
    return ", ".join(
        labels.get(credential, credential) + ("" if credential in valid else " (expired)")
        for credential in credentials
        if credential not in described_values
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


def _describe(
    definition: CategoryDefinition,
    fields: Mapping[str, FieldDefinition],
    names: Sequence[str],
    values: Mapping[str, Any],
) -> str:
    """The answers in words, each tag once; numbers with the label of their field."""
    phrases = []
    named_tags: set[tuple[str | None, str]] = set()  # several fields may share a tag
    for name in dict.fromkeys(names):
        field = fields.get(name)
        if field is None or name not in values:
            continue
        value = values[name]
        if field.kind is Kind.TAGS:
            value = [tag for tag in value if (field.vocabulary, tag) not in named_tags]
            named_tags.update((field.vocabulary, tag) for tag in value)
        words = forms.describe(definition, field, value)
        phrases.append(f"{field.label_to_others}: {words}" if field.kind is Kind.NUMBER else words)
    joined = "; ".join(words for words in phrases if words)
    return joined[:1].upper() + joined[1:]


def track_record(provider: Provider) -> str:
    """The measured facts of a provider in words."""
    parts = []
    if provider.rating_count:
        mean = provider.rating_sum / provider.rating_count
        parts.append(f"Rated {number(mean, 1)} of 5, {plural(provider.rating_count, 'rating')}")
    if provider.completed_count:
        parts.append(f"{plural(provider.completed_count, 'engagement')} completed")
    if provider.repeat_count:
        parts.append(f"{plural(provider.repeat_count, 'client')} came back")
    return "; ".join(parts) or "Nothing measured yet"
