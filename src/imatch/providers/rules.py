"""Pure decisions about a profile: what it lacks and what that costs, which change needs a check."""

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
from imatch.providers.models import Provider, ProviderStatus
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

# A changed name makes an approved profile another person's until somebody has looked.
NAME_FIELDS: Final = ("display_name", "legal_name")
CREDENTIALS: Final = "credentials"
_LONGEST_SLUG = 80

# What is lost without these fields, which every category has.
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
    """One field without an answer: where to fill it in, and what it changes."""

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
    """What the profile lacks, in the order of the builder's pages."""
    effects = dict(_recommended(definition))
    wanted = 0
    required: list[Gap] = []
    recommended: list[Gap] = []
    for number, page in enumerate(definition.profile, start=1):
        for name in page.fields:
            field = definition.provider[name]
            if not field.required and name not in effects:
                continue
            wanted += 1
            if name in values:
                continue
            effect = effects.get(name, "Needed before your profile can be sent for approval.")
            gap = Gap(name, field.label, effect, number)
            (required if field.required else recommended).append(gap)
    missing = len(required) + len(recommended)
    percent = 100 * (wanted - missing) // wanted if wanted else 100
    return Completeness(percent, tuple(required), tuple(recommended))


def _recommended(definition: CategoryDefinition) -> Iterator[tuple[str, str]]:
    """Fields that matching or a seeker's choice reads, each with what its absence means.

    A later sentence about the same field replaces an earlier one: a rule costs most.
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
    """Whether the owner takes new clients: neither paused for good nor until a later moment."""
    return provider.accepting_new and not is_paused_until(provider, moment)


def is_paused_until(provider: Provider, moment: datetime) -> bool:
    return provider.paused_until is not None and provider.paused_until > moment


def names_changed(before: FieldValues, after: FieldValues) -> bool:
    return any(before.get(name) != after.get(name) for name in NAME_FIELDS)


def still_verified(verified: list[str], before: FieldValues, after: FieldValues) -> list[str]:
    """The checked credential types whose stated facts are the same as when they were checked."""
    return [
        kind
        for kind in verified
        if _of_type(after, kind) and _of_type(before, kind) == _of_type(after, kind)
    ]


def credential_types(values: FieldValues) -> list[str]:
    """Each stated type once, in the order stated."""
    return list(dict.fromkeys(row["type"] for row in values.get(CREDENTIALS, [])))


def unverified_types(values: FieldValues, verified: list[str]) -> list[str]:
    return [kind for kind in credential_types(values) if kind not in verified]


def _of_type(values: FieldValues, kind: str) -> list[Mapping[str, str]]:
    return [row for row in values.get(CREDENTIALS, []) if row["type"] == kind]


def slug_of(text: str) -> str:
    """A readable path for a name: "José Núñez, CFP" is jose-nunez-cfp, "王小明" stays as it is.

    Letters that have an ASCII base lose their accents; other scripts keep theirs. May be empty.
    """
    letters = [
        c if unicodedata.category(c)[0] in "LMN" else "-"
        for c in map(_plain, unicodedata.normalize("NFC", text).casefold())
    ]
    joined = "".join(letters).replace("'", "")
    return re.sub(r"-+", "-", joined)[:_LONGEST_SLUG].strip("-")


def _plain(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base.isascii() and base.isalnum() else character


@dataclass(frozen=True, slots=True)
class Cost:
    """What a category costs a professional, in the words of the public table."""

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
    """What an operator looked at: a decision about something else is refused.

    What the owner states counts, and not the row's date: counters and marks move meanwhile.
    """
    stated = json.dumps(provider.profile, sort_keys=True)
    return f"{provider.status}@{hashlib.sha256(stated.encode()).hexdigest()[:32]}"


def status_in(version: str) -> str:
    """The status of the profile that was looked at."""
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
        verified_credentials=[one.type for one in credentials if one.verified],
        rating=rating_of(provider, definition),
    )


def whole_public(
    provider: Provider, definition: CategoryDefinition, moment: datetime
) -> ProviderOut:
    return ProviderOut(
        **dict(summary(provider, definition, moment)),
        fields=public_fields(provider, definition),
        credentials=credentials_of(provider, definition, moment.date()),
    )


def whole_own(provider: Provider, definition: CategoryDefinition) -> OwnProviderOut:
    found = completeness(definition, provider.profile)
    return OwnProviderOut(
        category=definition.name,
        slug=provider.slug,
        status=ProviderStatus(provider.status),
        values=provider.profile,
        percent_complete=found.percent,
        required_gaps=[GapOut.model_validate(gap) for gap in found.required],
        recommended_gaps=[GapOut.model_validate(gap) for gap in found.recommended],
        decision_reason=provider.decision_reason,
        accepting_new=provider.accepting_new,
        paused_until=provider.paused_until,
        capacity=provider.capacity,
        verified_credentials=provider.verified_credentials,
        updated_at=provider.updated_at,
    )


def described(definition: CategoryDefinition, values: FieldValues, name: str) -> str:
    """A field in words, or "" where it has no answer."""
    if name not in values or name not in definition.provider:
        return ""
    return forms.describe(definition, definition.provider[name], values[name])


def public_fields(provider: Provider, definition: CategoryDefinition) -> list[FieldOut]:
    """Every answered field that is public, in the order of the builder; credentials apart."""
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
    """What the profile states; an expired credential is not verified, whoever checked it."""
    field = definition.provider.get(CREDENTIALS)
    if field is None or not field.public:
        return []
    labels = definition.options(field)
    return [_credential(provider, kind, labels, day) for kind in credential_types(provider.profile)]


def _credential(
    provider: Provider, kind: str, labels: Mapping[str, str], day: date
) -> CredentialOut:
    expires = [row["expires"] for row in _of_type(provider.profile, kind) if "expires" in row]
    expired = any(date.fromisoformat(last) < day for last in expires)
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
    """The mean of the ratings, where there are any and the category shows them."""
    if not provider.rating_count or not definition.reviews.public_ratings:
        return None
    average = round(provider.rating_sum / provider.rating_count, 2)
    return RatingOut(average=average, count=provider.rating_count)


def windows_by_day(values: FieldValues) -> dict[str, list[str]]:
    """The parts of each weekday offered, for the days that have any: {"tue": ["evening"]}."""
    days: dict[str, list[str]] = {}
    for window in values.get("windows", []):
        day, _, part = window.partition("_")
        days.setdefault(day, []).append(part)
    return days
