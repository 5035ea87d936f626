"""The shape of a category definition: what one TOML file may say, and what it must."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imatch.core.money import Money, usd

FieldValues = Mapping[str, Any]  # clean values by field name
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=600)]
Label = Annotated[str, Field(min_length=1, max_length=120)]
Cents = Annotated[int, Field(ge=0, le=100_000_000_000)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kind(StrEnum):
    """What a field holds, as JSON: this decides its form control, its validation and its use."""

    TEXT = "text"  # str, one line
    LONG_TEXT = "long_text"  # str, own words
    TAGS = "tags"  # list of vocabulary values
    CHOICE = "choice"  # one vocabulary value
    YES_NO = "yes_no"  # bool
    NUMBER = "number"  # int between `minimum` and `maximum`
    MONEY = "money"  # int, cents
    BUDGET = "budget"  # {"min_cents": int | null, "max_cents": int | null, "unit": str}
    PRICE = "price"  # {"min_cents": int, "max_cents": int, "unit": str}
    PLACE = "place"  # {"country": "US", "region": "CA", "city": str, "postal_code": str}
    WINDOWS = "windows"  # list like "tue_evening", the weekly times that suit
    STYLE = "style"  # {scale name: -3..3}
    DATE = "date"  # ISO date
    URL = "url"  # https://…
    CREDENTIALS = "credentials"  # list of {type, issuer, number, jurisdiction, issued, expires}


class Importance(StrEnum):
    """How much a field matters to a seeker, where the field `can_be_must`."""

    MUST = "must"  # a rule: who does not fit is left out
    PREFER = "prefer"  # weighed
    IGNORE = "ignore"  # left out of the weighing


class FieldDefinition(Strict):
    """One question to a seeker, or one fact of a provider's profile."""

    label: Label  # to who fills it in: "How you work"
    public_label: str = Field(default="", max_length=120)  # to others: "How they work"
    kind: Kind
    hint: str = Field(default="", max_length=300)
    vocabulary: Slug | None = None
    required: bool = False
    max_items: int = Field(default=40, ge=1, le=100)
    minimum: int = 0
    maximum: int = 1_000_000_000
    can_be_must: bool = False  # the seeker may mark it must / prefer / ignore
    sensitive: bool = False  # never sent to a model, never in mail or logs
    public: bool = True  # shown on a provider's public profile

    @property
    def label_to_others(self) -> str:
        """How others read it: on the public profile and in an explanation."""
        return self.public_label or self.label

    @model_validator(mode="after")
    def _vocabulary_where_needed(self) -> Self:
        needs_one = self.kind in {Kind.TAGS, Kind.CHOICE, Kind.CREDENTIALS}
        if needs_one and self.vocabulary is None:
            raise ValueError(f"kind {self.kind} needs a vocabulary")
        if not needs_one and self.vocabulary is not None:
            raise ValueError(f"kind {self.kind} takes no vocabulary")
        return self


class FormPage(Strict):
    """A page of the intake or of the profile builder: one question, one or a few fields."""

    title: Label
    hint: str = Field(default="", max_length=300)
    why: Sentence  # "why we ask", or what the fields change for a provider
    fields: tuple[Slug, ...] = Field(min_length=1, max_length=8)


class GateRule(StrEnum):
    """How a gate compares the seeker's value with the provider's. Unknown offers fail a gate."""

    ANY_OF = "any_of"  # at least one of the seeker's values is among the provider's
    ALL_OF = "all_of"  # all of the seeker's values are among the provider's
    REGION = "region"  # the seeker's place lies in one of the provider's regions
    REACHES = "reaches"  # in the vocabulary's order, seeker's choice >= provider's
    IS = "is"  # the provider's value equals `value`; true for yes_no
    VALID = "valid"  # the provider's date has not passed


COMPARING_RULES = {GateRule.ANY_OF, GateRule.ALL_OF, GateRule.REACHES}
KINDS_BY_RULE = {
    GateRule.ANY_OF: {Kind.TAGS, Kind.CHOICE},
    GateRule.ALL_OF: {Kind.TAGS},
    GateRule.REGION: {Kind.TAGS},
    GateRule.REACHES: {Kind.CHOICE},
    GateRule.IS: {Kind.YES_NO, Kind.CHOICE},
    GateRule.VALID: {Kind.DATE},
}


class GateWhen(StrEnum):
    ALWAYS = "always"
    ANSWERED = "answered"  # the seeker answered (a yes_no: answered yes)
    MUST = "must"  # the seeker answered and marked it a must


class Gate(Strict):
    """A rule that a provider passes or fails; never a score."""

    name: Slug
    label: Label  # "Registered in your state"
    rule: GateRule
    when: GateWhen = GateWhen.ALWAYS
    seeker: Slug | None = None
    provider: Slug
    value: str | bool | None = None
    relaxable: bool = True  # False: a legal or safety rule that nobody may relax


class CriterionKind(StrEnum):
    EXPERTISE = "expertise"
    OVERLAP = "overlap"
    STYLE = "style"
    LOGISTICS = "logistics"
    PRICING = "pricing"
    TRACK_RECORD = "track_record"
    CERTIFICATION = "certification"


KIND_BY_CRITERION = {
    "expertise_match": CriterionKind.EXPERTISE,
    "communication_style": CriterionKind.STYLE,
    "logistics_fit": CriterionKind.LOGISTICS,
    "pricing_alignment": CriterionKind.PRICING,
    "track_record": CriterionKind.TRACK_RECORD,
    "certification_match": CriterionKind.CERTIFICATION,
}


class Criterion(Strict):
    """One part of the fit score. Its kind follows from its name; other names are overlaps."""

    weight: int = Field(ge=0, le=100)
    label: Label
    seeker: tuple[Slug, ...] = ()  # the tags, choices or style a seeker states
    provider: tuple[Slug, ...] = ()  # the tags, choices or style a provider states


class StyleScale(Strict):
    """A two-ended scale, -3 (low) to +3 (high)."""

    name: Slug
    low: Label
    high: Label


class ScreenEffect(StrEnum):
    STOP = "stop"  # show the resources, rank nobody
    NOTICE = "notice"  # go on, and say what is needed before a first session


class Resource(Strict):
    name: Label
    contact: Label
    region: Label
    # What a tap does: call, write a text message, or open a site.
    link: str = Field(default="", pattern=r"^(tel:\+?[0-9]+|sms:[0-9]+|https://[a-z0-9./-]+)?$")


class Screen(Strict):
    """A safety question: what happens when the answer is yes (or any tag is chosen)."""

    field: Slug
    effect: ScreenEffect
    title: Label
    text: Sentence
    resources: tuple[Resource, ...] = ()


class FeeModel(StrEnum):
    COMMISSION = "commission"
    LEAD_FEE = "lead_fee"
    SUBSCRIPTION = "subscription"
    NONE = "none"


class Fees(Strict):
    """What a provider pays, and when."""

    model: FeeModel
    commission_bps: int = Field(default=0, ge=0, le=10_000)
    lead_fee_cents: Cents = 0
    monthly_cents: Cents = 0
    payment_terms_days: int = Field(default=30, ge=0, le=365)

    @property
    def lead_fee(self) -> Money:
        return usd(self.lead_fee_cents)

    @property
    def monthly(self) -> Money:
        return usd(self.monthly_cents)

    @model_validator(mode="after")
    def _amount_of_the_model(self) -> Self:
        amounts = {
            FeeModel.COMMISSION: self.commission_bps,
            FeeModel.LEAD_FEE: self.lead_fee_cents,
            FeeModel.SUBSCRIPTION: self.monthly_cents,
        }
        stray = [model for model, amount in amounts.items() if amount and model != self.model]
        if stray:
            raise ValueError(f"model {self.model} takes no amount for {stray[0]}")
        if self.model in amounts and not amounts[self.model]:
            raise ValueError(f"model {self.model} needs its amount")
        return self


class ReviewPolicy(Strict):
    public_ratings: bool = True  # False: private structured feedback instead of stars


class RewardPolicy(Strict):
    off: tuple[Slug, ...] = ()  # earning rules that ethics codes forbid here


class CategoryDefinition(Strict):
    """The whole of a category, resolved: its own file over what is common to all."""

    name: Slug
    display_name: Label  # plural: "Financial advisors"
    singular: Label  # "financial advisor"
    icon: str = Field(pattern=r"^[a-z0-9-]{1,40}$")  # a lucide icon
    summary: Label
    description: Sentence
    active: bool = False
    sensitive: bool = False  # the whole intake is sensitive
    fees: Fees
    reviews: ReviewPolicy = ReviewPolicy()
    rewards: RewardPolicy = RewardPolicy()
    disclosures: tuple[Sentence, ...] = ()
    criteria: dict[Slug, Criterion]
    gates: tuple[Gate, ...] = Field(default=(), max_length=12)
    screens: tuple[Screen, ...] = ()
    style_scales: tuple[StyleScale, ...]
    intake: tuple[FormPage, ...] = Field(min_length=2, max_length=6)
    profile: tuple[FormPage, ...] = Field(min_length=2, max_length=14)
    seeker: dict[Slug, FieldDefinition]
    provider: dict[Slug, FieldDefinition]
    vocabularies: dict[Slug, dict[str, Label]]  # value -> label, in display order

    def kind_of(self, criterion: str) -> CriterionKind:
        return KIND_BY_CRITERION.get(criterion, CriterionKind.OVERLAP)

    def options(self, field: FieldDefinition) -> dict[str, str]:
        """The values a tags, choice or credentials field may take, with labels."""
        return self.vocabularies[field.vocabulary] if field.vocabulary else {}

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        problems = [*self._criteria_problems(), *self._page_problems(), *self._reference_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _criteria_problems(self) -> list[str]:
        total = sum(criterion.weight for criterion in self.criteria.values())
        found = [] if total == 100 else [f"criteria weights sum to {total}, not 100"]  # noqa: PLR2004 -- percent
        for name, criterion in self.criteria.items():
            found += self._unknown("seeker", self.seeker, criterion.seeker, f"criteria.{name}")
            found += self._unknown(
                "provider", self.provider, criterion.provider, f"criteria.{name}"
            )
        return found

    def _page_problems(self) -> list[str]:
        found = []
        for section, side, pages, fields in (
            ("intake", "seeker", self.intake, self.seeker),
            ("profile", "provider", self.profile, self.provider),
        ):
            asked = [name for page in pages for name in page.fields]
            found += self._unknown(side, fields, asked, section)
            found += [
                f"{section} asks {name} twice" for name in set(asked) if asked.count(name) > 1
            ]
            found += [f"{section} never asks {n}" for n in fields if n not in asked]
        return found

    def _reference_problems(self) -> list[str]:
        found = []
        for side in (self.seeker, self.provider):
            for name, field in side.items():
                if field.vocabulary and field.vocabulary not in self.vocabularies:
                    found.append(f"field {name} uses unknown vocabulary {field.vocabulary}")
        found += [
            f"field {name} of a seeker takes no public_label: nobody else reads it"
            for name, field in self.seeker.items()
            if field.public_label
        ]
        for gate in self.gates:
            found += self._gate_problems(gate)
        for screen in self.screens:
            found += self._unknown("seeker", self.seeker, [screen.field], "screens")
        return found

    def _gate_problems(self, gate: Gate) -> list[str]:
        where = f"gate {gate.name}"
        found = self._unknown("provider", self.provider, [gate.provider], where)
        if gate.seeker:
            found += self._unknown("seeker", self.seeker, [gate.seeker], where)
        elif gate.rule not in {GateRule.IS, GateRule.VALID} or gate.when != GateWhen.ALWAYS:
            found.append(f"{where} needs a seeker field")
        return found or self._comparison_problems(gate)

    def _comparison_problems(self, gate: Gate) -> list[str]:
        """What keeps a gate's rule from comparing its two fields."""
        where, offered = f"gate {gate.name}", self.provider[gate.provider]
        wanted = self.seeker[gate.seeker] if gate.seeker else None
        found = []
        if offered.kind not in KINDS_BY_RULE[gate.rule]:
            found.append(f"{where} cannot compare {gate.provider}, which is {offered.kind}")
        if gate.rule in COMPARING_RULES and wanted and wanted.vocabulary != offered.vocabulary:
            found.append(f"{where} compares two different vocabularies")
        if wanted and gate.when == GateWhen.MUST and not wanted.can_be_must:
            found.append(f"{where} waits for a must that {gate.seeker} cannot be")
        if gate.rule == GateRule.IS and not self._can_be(offered, gate.value):
            found.append(f"{where} waits for a value that {gate.provider} cannot have")
        return found

    def _can_be(self, field: FieldDefinition, value: str | bool | None) -> bool:
        return (
            isinstance(value, bool) if field.kind == Kind.YES_NO else value in self.options(field)
        )

    @staticmethod
    def _unknown(
        side: str,
        known: dict[str, FieldDefinition],
        used: "list[str] | tuple[str, ...]",
        where: str,
    ) -> list[str]:
        return [f"{where} names unknown {side} field {name}" for name in used if name not in known]
