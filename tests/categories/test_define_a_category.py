"""The definitions that ship are whole, and a wrong one is refused with file, key and fault."""

import re
from pathlib import Path

import pytest

from imatch.categories.catalog import DEFINITIONS, DefinitionError, definitions, load
from imatch.categories.schemas import (
    CategoryDefinition,
    CriterionKind,
    FeeModel,
    Kind,
    ScreenEffect,
)
from imatch.web.rendering import TEMPLATE_FOLDER as TEMPLATES
from tests.support.repository import ROOT

ALL = definitions()
LUCIDE = ROOT / "frontend" / "node_modules" / "lucide-static" / "icons"
EXPECTED = {
    "financial_advisors", "career_coaches", "therapists", "fitness_trainers", "executive_coaches",
    "business_mentors", "nutritionists", "music_teachers", "art_mentors", "writing_coaches",
    "programming_tutors", "tech_mentors", "academic_tutors", "spiritual_guides",
    "relationship_coaches", "life_coaches", "legal_advisors",
}  # fmt: skip
DEFAULT_WEIGHTS = {
    "expertise_match": 30,
    "values_alignment": 20,
    "communication_style": 15,
    "logistics_fit": 15,
    "pricing_alignment": 10,
    "track_record": 10,
}
WEIGHTS = {
    "financial_advisors": {
        **DEFAULT_WEIGHTS, "logistics_fit": 10, "certification_match": 5,
    },
    "career_coaches": {
        "expertise_match": 35, "industry_knowledge": 20, "communication_style": 15,
        "track_record": 15, "logistics_fit": 10, "pricing_alignment": 5,
    },
    "therapists": {
        "expertise_match": 35, "modality_fit": 20, "communication_style": 20,
        "logistics_fit": 15, "pricing_alignment": 10,
    },
    "fitness_trainers": {
        "expertise_match": 30, "training_philosophy": 20, "communication_style": 15,
        "logistics_fit": 15, "pricing_alignment": 10, "track_record": 10,
    },
}  # fmt: skip
every_category = pytest.mark.parametrize("category", ALL.values(), ids=list(ALL))


def test_the_categories_that_ship() -> None:
    assert set(ALL) >= EXPECTED
    assert [name for name, category in ALL.items() if category.active] == ["financial_advisors"]


@every_category
def test_weights_are_those_of_the_launch(category: CategoryDefinition) -> None:
    weights = {name: criterion.weight for name, criterion in category.criteria.items()}
    assert weights == WEIGHTS.get(category.name, DEFAULT_WEIGHTS)


@every_category
def test_a_seeker_is_asked_each_thing_once_on_few_pages(category: CategoryDefinition) -> None:
    asked = [name for page in category.intake for name in page.fields]
    assert len(asked) == len(set(asked))
    assert len(category.intake) <= 6
    assert all(page.title.endswith("?") and page.why for page in category.intake)
    assert {"needs_description", "needs", "budget", "place", "format", "style"} <= set(asked)


@every_category
def test_vocabularies_say_something(category: CategoryDefinition) -> None:
    specialties = category.options(category.provider["specialties"])
    assert len(specialties) >= 10
    assert category.options(category.seeker["needs"]) == specialties
    assert not [label for label in specialties.values() if "," in label]  # they stand in sentences
    for name, vocabulary in category.vocabularies.items():
        assert vocabulary, name
        assert len(set(vocabulary.values())) == len(vocabulary), name


@every_category
def test_own_words_are_always_sensitive(category: CategoryDefinition) -> None:
    assert category.seeker["needs_description"].sensitive


@every_category
def test_every_musts_of_a_seeker_has_its_gate_or_is_common(category: CategoryDefinition) -> None:
    common = {"budget", "format"}
    gated = {gate.seeker for gate in category.gates}
    musts = {name for name, field in category.seeker.items() if field.can_be_must}
    assert musts - common <= gated


@every_category
def test_what_a_gate_needs_of_everyone_is_required(category: CategoryDefinition) -> None:
    for gate in category.gates:
        if not gate.relaxable:
            assert category.provider[gate.provider].required, gate.name


@every_category
def test_criteria_compare_what_both_sides_say(category: CategoryDefinition) -> None:
    for name, criterion in category.criteria.items():
        if category.kind_of(name) in {CriterionKind.OVERLAP, CriterionKind.EXPERTISE}:
            wanted = {category.seeker[field].vocabulary for field in criterion.seeker}
            offered = {category.provider[field].vocabulary for field in criterion.provider}
            assert wanted == offered, name


@every_category
def test_payment_is_said_and_ethics_are_kept(category: CategoryDefinition) -> None:
    assert category.disclosures
    if category.name in {"therapists", "legal_advisors", "nutritionists"}:
        assert category.fees.model == FeeModel.SUBSCRIPTION
        assert {"seeker_referral", "provider_referral", "seeker_rating"} <= set(
            category.rewards.off
        )
    if category.fees.model == FeeModel.COMMISSION:
        assert category.fees.commission_bps == 2_000
        assert category.fees.payment_terms_days == 30


@every_category
def test_icons_exist(category: CategoryDefinition) -> None:
    if not LUCIDE.is_dir():
        pytest.skip("the front end's packages are not installed")
    assert (LUCIDE / f"{category.icon}.svg").is_file()


# ---- the launch categories in particular ----


def test_therapy_stops_for_danger_and_names_help() -> None:
    therapists = ALL["therapists"]
    assert therapists.sensitive
    assert not therapists.reviews.public_ratings
    (screen,) = therapists.screens
    assert screen.effect == ScreenEffect.STOP
    assert therapists.intake[0].fields == (screen.field,)
    assert therapists.seeker[screen.field].kind == Kind.YES_NO
    assert therapists.seeker[screen.field].required
    contacts = " ".join(resource.contact for resource in screen.resources)
    assert all(number in contacts for number in ("988", "911", "112", "116 123"))
    assert [scale.name for scale in therapists.style_scales] == [
        "lead",
        "intensity",
        "focus",
        "tone",
    ]
    assert therapists.seeker["needs"].max_items == 5
    assert therapists.provider["top_concerns"].max_items == 3


def test_therapists_are_licensed_where_the_session_is() -> None:
    gates = {gate.name: gate for gate in ALL["therapists"].gates}
    assert not gates["licensed_in_state"].relaxable
    assert not gates["licence_valid"].relaxable
    assert not gates["age_group"].relaxable
    assert gates["plan"].when == "must"


def test_every_stop_names_somebody_to_call() -> None:
    for category in ALL.values():
        for screen in category.screens:
            assert screen.resources or screen.effect == ScreenEffect.NOTICE, category.name
            assert category.seeker[screen.field].sensitive


def test_fitness_asks_about_readiness_and_demands_safety() -> None:
    trainers = ALL["fitness_trainers"]
    (screen,) = trainers.screens
    assert screen.effect == ScreenEffect.NOTICE
    assert set(trainers.options(trainers.seeker[screen.field])) == {
        "heart_condition", "high_blood_pressure", "chest_pain", "dizziness", "bone_or_joint",
        "medication", "pregnancy",
    }  # fmt: skip
    assert {gate.name for gate in trainers.gates if not gate.relaxable} == {"cpr_valid", "insured"}


def test_financial_advisors_are_registered_where_the_seeker_lives() -> None:
    gates = {gate.name: gate for gate in ALL["financial_advisors"].gates}
    assert set(gates) == {"registered_in_state", "asset_minimum", "fiduciary", "fee_only"}
    assert not gates["registered_in_state"].relaxable


@every_category
def test_a_public_profile_addresses_nobody_but_its_reader(category: CategoryDefinition) -> None:
    """Labels ask the owner; others read `public_label`, but where the page has its own words."""
    page = (TEMPLATES / "providers" / "profile.html").read_text(encoding="utf-8")
    own_words = re.search(r"shown_apart = \[(.*?)\]", page, re.DOTALL)
    assert own_words
    asked = {
        name: field.label_to_others
        for name, field in category.provider.items()
        if field.public and f"'{name}'" not in own_words[1] and field.kind != Kind.CREDENTIALS
    }
    to_the_owner = re.compile(r"\b(you|your|yourself)\b", re.IGNORECASE)
    assert {name: label for name, label in asked.items() if to_the_owner.search(label)} == {}


# ---- definitions that are wrong ----

WHOLE = (DEFINITIONS / "art_mentors.toml").read_text(encoding="utf-8")


def fault(tmp_path: Path, text: str, *, name: str = "art_mentors") -> str:
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        load(path)
    message = str(refused.value)
    assert message.startswith(f"{name}.toml: ")
    return message.removeprefix(f"{name}.toml: ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('singular = "art mentor"', "", "singular: Field required"),
        ('icon = "palette"', 'icon = "palette"\ncolour = "red"', "colour: unknown key"),
        ("commission_bps = 2000", "commission_bps = -1", "fees.commission_bps: "),
        ("commission_bps = 2000", "lead_fee_cents = 5", "fees: model commission takes no amount"),
        ("commission_bps = 2000", "", "fees: model commission needs its amount"),
        ('label = "Medium"', 'label = "Medium"\npublic_label = "Their medium"',
         "field media of a seeker takes no public_label"),
        ('kind = "url"', 'kind = "link"', "provider.portfolio_link.kind: "),
        ('kind = "url"', 'kind = "tags"', "provider.portfolio_link: kind tags needs a vocabulary"),
        ('kind = "url"', 'kind = "url"\nvocabulary = "media"', "kind url takes no vocabulary"),
        ('vocabulary = "goals"', 'vocabulary = "dreams"',
         "field goal uses unknown vocabulary dreams"),
        ('"goal"]', '"goal", "dream"]', "intake names unknown seeker field dream"),
        ('"goal"]', '"goal", "needs"]', "intake asks needs twice"),
        ('"level", "goal"]', '"level"]', "intake never asks goal"),
        ('rule = "any_of"', 'rule = "some_of"', "gates.0.rule: "),
        ('provider = "media"', 'provider = "mediums"', "gate medium names unknown provider field"),
        ('seeker = "media"', 'seeker = "medium"', "gate medium names unknown seeker field medium"),
        ('seeker = "media"', "", "gate medium needs a seeker field"),
        ('seeker = "media"', 'seeker = "goal"', "gate medium compares two different vocabularies"),
        ('seeker = "media"', 'seeker = "goal"', "gate medium waits for a must that goal cannot be"),
        ("value = true", 'value = "yes"', "waits for a value that background_check cannot have"),
        ('provider = "media"', 'provider = "price"', "gate medium cannot compare price"),
        ("[[intake]]", "[intake]", "not TOML"),
    ],
)  # fmt: skip
def test_a_wrong_definition_names_the_key_and_the_fault(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in WHOLE
    assert message in fault(tmp_path, WHOLE.replace(old, new, 1))


def test_weights_must_sum_to_a_hundred(tmp_path: Path) -> None:
    criteria = '\n[criteria.expertise_match]\nweight = 99\nlabel = "Expertise"\n'
    assert "criteria weights sum to 99, not 100" in fault(tmp_path, WHOLE + criteria)


def test_a_criterion_names_fields_that_exist(tmp_path: Path) -> None:
    criteria = '\n[criteria.x]\nweight = 100\nlabel = "X"\nseeker = ["y"]\nprovider = ["z"]\n'
    message = fault(tmp_path, WHOLE + criteria)
    assert "criteria.x names unknown seeker field y" in message
    assert "criteria.x names unknown provider field z" in message


def test_a_screen_names_a_field_that_exists(tmp_path: Path) -> None:
    screen = '\n[[screens]]\nfield = "mood"\neffect = "stop"\ntitle = "T"\ntext = "T"\n'
    assert "screens names unknown seeker field mood" in fault(tmp_path, WHOLE + screen)


def test_the_name_is_the_files(tmp_path: Path) -> None:
    message = fault(tmp_path, WHOLE, name="painters")
    assert message == "name must be 'painters', is 'art_mentors'"


@pytest.mark.parametrize("text", ["", "= 5", "name = ", "\x00"])
def test_what_is_no_definition_at_all(tmp_path: Path, text: str) -> None:
    assert fault(tmp_path, text)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "art_mentors.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DefinitionError, match=r"art_mentors\.toml: not TOML"):
        load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read: No such file"):
        load(tmp_path / "nothing.toml")


def test_pages_are_pages(tmp_path: Path) -> None:
    for pages in ("5", "[5]", '{title = "T"}'):
        message = fault(tmp_path, f'name = "art_mentors"\nintake = {pages}')
        assert message == "intake: must be pages, each a table [[intake]]"


@pytest.mark.parametrize("key", ["seeker", "provider", "vocabularies"])
def test_tables_are_tables(tmp_path: Path, key: str) -> None:
    message = fault(tmp_path, f'name = "art_mentors"\n{key} = 5')
    assert message == f"{key}: must be a table"


def test_a_new_category_is_one_small_file(tmp_path: Path) -> None:
    path = tmp_path / "gardeners.toml"
    path.write_text(
        """
name = "gardeners"
display_name = "Gardeners"
singular = "gardener"
icon = "sprout"
summary = "Planting, pruning, planning"
description = "People who plan and tend gardens."
disclosures = ["Gardeners pay I MATCH nothing."]
[fees]
model = "none"
[criteria.expertise_match]
weight = 100
label = "Expertise"
seeker = ["needs"]
provider = ["specialties"]
[[intake]]
title = "What should grow?"
why = "Compared with what gardeners do."
fields = ["needs_description", "needs"]
[[intake]]
title = "Where is the garden?"
why = "Gardeners travel only so far."
fields = ["place", "budget"]
[vocabularies.specialties]
roses = "Roses"
lawns = "Lawns"
[vocabularies.credentials]
diploma = "Diploma"
""",
        encoding="utf-8",
    )
    gardeners = load(path)
    assert list(gardeners.seeker) == ["needs_description", "needs", "budget", "place"]
    assert gardeners.style_scales
    assert "headline" in gardeners.provider
    assert "learner_ages" not in gardeners.provider
