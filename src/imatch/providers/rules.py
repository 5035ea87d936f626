"""Pure functions of a profile: completeness, changes that need a check, and what is public."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from imatch.categories import forms
from imatch.categories.schemas import CategoryDefinition, FeeModel, Fees, FieldValues
from imatch.core.money import usd
from imatch.providers.models import Provider
from imatch.providers.schemas import (
    CredentialOut,
    FieldOut,
    GapOut,
    OwnProviderOut,
    ProviderOut,
    ProviderSummaryOut,
    RatingOut,
)
from imatch.web import formats

# A change of these sends an approved profile back to the operators: it may be another person.
NAME_FIELDS: Final = ("display_name", "legal_name")
CREDENTIALS: Final = "credentials"
_MAX_SLUG_CHARACTERS = 80

# The effect of leaving these fields, which every category has, without an answer.
_EFFECTS: Final = {
    "windows": "People who need evenings or mornings cannot see that you have them.",
    "place": "Nobody who wants to meet in person can tell how far away you are.",
    "years_experience": "People cannot see how long you have done this.",
    "cancellation_policy": "People cannot see what cancelling costs before they choose you.",
    "credentials": "There is nothing that an operator could check and mark as verified.",
    "legal_name": "An operator has no name to look your credentials up with. Never shown.",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A field without an answer: where to fill it in, and the effect of its absence."""

    field: str
    label: str
    effect: str
    page: int  # of the profile builder, from 1


@dataclass(frozen=True, slots=True)
class Completeness:
    percent: int  # of required and recommended fields that have an answer, rounded down
    required: tuple[Gap, ...]
    recommended: tuple[Gap, ...]

    @property
    def may_submit(self) -> bool:
        return not self.required


def completeness(definition: CategoryDefinition, values: FieldValues) -> Completeness:
    """The gaps of a profile, in the order of the builder's pages."""
    effects = dict(_recommended(definition))
    expected = 0
    required: list[Gap] = []
    recommended: list[Gap] = []
    for number, page in enumerate(definition.profile, start=1):
        for name in page.fields:
            field = definition.provider[name]
            if not field.required and name not in effects:
                continue
            expected += 1
            if name in values:
                continue
            effect = effects.get(name, "Needed before your profile can be sent for approval.")
            gap = Gap(name, field.label, effect, number)
            (required if field.required else recommended).append(gap)
    missing = len(required) + len(recommended)
    percent = 100 * (expected - missing) // expected if expected else 100
    return Completeness(percent, tuple(required), tuple(recommended))


def _recommended(definition: CategoryDefinition) -> Iterator[tuple[str, str]]:
    """Fields that ranking or seekers use, each with the effect of its absence.

    A field may occur more than once; the last effect, of a gate, is the most important.
    """
    for name, effect in _EFFECTS.items():
        if name in definition.provider:
            yield name, effect
    for criterion in definition.criteria.values():
        points = f"Read for “{criterion.label}”, {criterion.weight} of 100 points of the fit."
        for name in criterion.provider:
            yield name, points
    for gate in definition.gates:
        yield gate.provider, f"Whoever needs “{gate.label}” is not sent to you while it is missing."


def takes_new(provider: Provider, moment: datetime) -> bool:
    """Whether the owner takes new clients at a moment: not paused, for now or until later."""
    return provider.accepting_new and not is_paused_until(provider, moment)


def is_paused_until(provider: Provider, moment: datetime) -> bool:
    return provider.paused_until is not None and provider.paused_until > moment


def names_changed(before: FieldValues, after: FieldValues) -> bool:
    return any(before.get(name) != after.get(name) for name in NAME_FIELDS)


def still_verified(verified: list[str], before: FieldValues, after: FieldValues) -> list[str]:
    """The verified credential types whose stated details did not change."""
    return [
        kind
        for kind in verified
        if _of_type(after, kind) and _of_type(before, kind) == _of_type(after, kind)
    ]


def credential_types(values: FieldValues) -> list[str]:
    """The distinct credential types of a profile, in its order."""
    return list(dict.fromkeys(row["type"] for row in values.get(CREDENTIALS, [])))


def unverified_types(values: FieldValues, verified: list[str]) -> list[str]:
    return [kind for kind in credential_types(values) if kind not in verified]


def _of_type(values: FieldValues, kind: str) -> list[Mapping[str, str]]:
    return [row for row in values.get(CREDENTIALS, []) if row["type"] == kind]


def slug_of(text: str) -> str:
    """A slug for a name: "José Núñez, CFP" becomes jose-nunez-cfp, "王小明" stays unchanged.

    Letters with an ASCII base lose their accents; other scripts stay. May be empty.
    """
    letters = [
        character if unicodedata.category(character)[0] in "LMN" else "-"
        for character in map(_without_accent, unicodedata.normalize("NFC", text).casefold())
    ]
    joined = "".join(letters).replace("'", "")
    return re.sub(r"-+", "-", joined)[:_MAX_SLUG_CHARACTERS].strip("-")


def _without_accent(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base.isascii() and base.isalnum() else character


@dataclass(frozen=True, slots=True)
class Cost:
    """What a category costs a provider, as the public table words it."""

    model: str
    amount: str
    when: str


def cost_of(fees: Fees) -> Cost:
    """The fee policy of a category in words."""
    days = fees.payment_terms_days
    net = f"Payable within {formats.plural(days, 'day')} of the invoice (Net-{days})"
    match fees.model:
        case FeeModel.COMMISSION:
            return Cost(
                "Commission",
                f"{formats.rate(fees.commission_bps)} of what the client paid",
                f"Invoiced after a completed engagement that began here. {net}.",
            )
        case FeeModel.SUBSCRIPTION:
            return Cost(
                "Subscription",
                f"{formats.money(fees.monthly)} a month",
                f"Invoiced each month, the same whether or not anyone contacts you. {net}.",
            )
        case FeeModel.LEAD_FEE:
            return Cost(
                "Fee for an accepted lead",
                f"{formats.money(fees.lead_fee)} a lead",
                f"Invoiced for leads that you accept. {net}.",
            )
        case FeeModel.NONE:
            return Cost("No fee", formats.money(usd(0)), "Never.")


def version_of(provider: Provider) -> str:
    """A hash of a profile's status and values, to detect changes between view and decision.

    Ignores `updated_at`, because counters and verifications change it too.
    """
    values = json.dumps(provider.profile, sort_keys=True)
    return f"{provider.status}@{hashlib.sha256(values.encode()).hexdigest()[:32]}"


def status_in(version: str) -> str:
    """The status in a version_of text."""
    return version.partition("@")[0]


def summary(
    provider: Provider, definition: CategoryDefinition, moment: datetime
) -> ProviderSummaryOut:
    credentials = credentials_of(provider, definition, moment.date())
    return ProviderSummaryOut(
        slug=provider.slug,
        display_name=provider.display_name,
        headline=provider.headline,
        category=definition.name,
        price=described(definition, provider.profile, "price"),
        formats=provider.profile.get("formats", []),
        languages=provider.profile.get("languages", []),
        accepting_new=takes_new(provider, moment),
        verified_credentials=[credential.type for credential in credentials if credential.verified],
        rating=rating_of(provider, definition),
    )


def provider_out(
    provider: Provider, definition: CategoryDefinition, moment: datetime
) -> ProviderOut:
    return ProviderOut(
        **dict(summary(provider, definition, moment)),
        fields=public_fields(provider, definition),
        credentials=credentials_of(provider, definition, moment.date()),
    )


def own_provider_out(provider: Provider, definition: CategoryDefinition) -> OwnProviderOut:
    result = completeness(definition, provider.profile)
    return OwnProviderOut(
        category=definition.name,
        slug=provider.slug,
        status=provider.status,
        values=provider.profile,
        percent_complete=result.percent,
        required_gaps=[GapOut.model_validate(gap) for gap in result.required],
        recommended_gaps=[GapOut.model_validate(gap) for gap in result.recommended],
        decision_reason=provider.decision_reason,
        accepting_new=provider.accepting_new,
        paused_until=provider.paused_until,
        capacity=provider.capacity,
        verified_credentials=provider.verified_credentials,
        updated_at=provider.updated_at,
    )


def described(definition: CategoryDefinition, values: FieldValues, name: str) -> str:
    """A field's value as text, or "" without one."""
    if name not in values or name not in definition.provider:
        return ""
    return forms.describe(definition, definition.provider[name], values[name])


def public_fields(provider: Provider, definition: CategoryDefinition) -> list[FieldOut]:
    """Every answered public field except credentials, in the order of the builder."""
    return [
        FieldOut(
            name=name,
            label=definition.provider[name].label,
            value=provider.profile[name],
            text=described(definition, provider.profile, name),
        )
        for page in definition.profile
        for name in page.fields
        if name in provider.profile and definition.provider[name].public and name != CREDENTIALS
    ]


def credentials_of(
    provider: Provider, definition: CategoryDefinition, day: date
) -> list[CredentialOut]:
    """The profile's public credentials. Expired ones do not count as verified."""
    field = definition.provider.get(CREDENTIALS)
    if field is None or not field.public:
        return []
    labels = definition.options(field)
    return [_credential(provider, kind, labels, day) for kind in credential_types(provider.profile)]


def _credential(
    provider: Provider, kind: str, labels: Mapping[str, str], day: date
) -> CredentialOut:
    expiry_days = [row["expires"] for row in _of_type(provider.profile, kind) if "expires" in row]
    expired = any(date.fromisoformat(day_text) < day for day_text in expiry_days)
    verified = kind in provider.verified_credentials and not expired
    checked_on = provider.verified_on.get(kind) if verified else None
    return CredentialOut(
        type=kind,
        label=labels.get(kind, kind),
        verified=verified,
        verified_on=date.fromisoformat(checked_on) if checked_on else None,
        expired=expired,
    )


def rating_of(provider: Provider, definition: CategoryDefinition) -> RatingOut | None:
    """The mean rating; None without ratings or if the category hides them."""
    if not provider.rating_count or not definition.reviews.public_ratings:
        return None
    average = round(provider.rating_sum / provider.rating_count, 2)
    return RatingOut(average=average, count=provider.rating_count)


def windows_by_day(values: FieldValues) -> dict[str, list[str]]:
    """The offered parts of each weekday: {"tue": ["evening"]}. Days without any are left out."""
    days: dict[str, list[str]] = {}
    for window in values.get("windows", []):
        day, _, part = window.partition("_")
        days.setdefault(day, []).append(part)
    return days
