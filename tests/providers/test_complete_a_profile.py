"""The rules of profiles: gaps and their effects, percentage, slugs, costs."""

import pytest

from imatch.categories.catalog import definition, definitions
from imatch.categories.schemas import Fees
from imatch.providers import rules
from tests.factories.providers import ADVISOR_PROFILE

ADVISORS = definition("financial_advisors")


def test_an_empty_profile_lists_every_required_field_with_its_page() -> None:
    result = rules.completeness(ADVISORS, {})
    assert result.percent == 0
    assert not result.may_submit
    assert [gap.field for gap in result.required] == [
        name
        for page in ADVISORS.profile
        for name in page.fields
        if ADVISORS.provider[name].required
    ]
    for gap in (*result.required, *result.recommended):
        assert gap.field in ADVISORS.profile[gap.page - 1].fields
        assert gap.label == ADVISORS.provider[gap.field].label
        assert gap.effect.endswith(".")


def test_the_factory_profile_lacks_only_recommended_fields() -> None:
    result = rules.completeness(ADVISORS, ADVISOR_PROFILE)
    assert result.may_submit
    assert {gap.field for gap in result.recommended} == {
        "cancellation_policy",
        "credentials",
        "legal_name",
        "niches",
    }
    assert result.percent == 100 * 18 // 22


def test_a_gap_states_its_effect() -> None:
    effects = {
        gap.field: gap.effect
        for gaps in (rules.completeness(ADVISORS, {}),)
        for gap in (*gaps.required, *gaps.recommended)
    }
    assert effects["windows"].startswith("People who need evenings")
    assert "“Values”, 20 of 100 points" in effects["values"]
    assert "“Registered in your state”" in effects["regions"]


def test_zero_is_an_answer() -> None:
    before = rules.completeness(ADVISORS, {"years_experience": 0})
    assert "years_experience" not in {gap.field for gap in before.recommended}


@pytest.mark.parametrize("name", sorted(definitions()))
def test_every_category_can_be_completed(name: str) -> None:
    category = definition(name)
    values = dict.fromkeys(category.provider, "answered")
    result = rules.completeness(category, values)
    assert (result.percent, result.required, result.recommended) == (100, (), ())


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("José Núñez, CFP", "jose-nunez-cfp"),
        ("王小明", "王小明"),
        ("  Ana--María  O\u2019Neil ", "ana-maria-o-neil"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("a\u202egnol", "a-gnol"),
        ("..//..", ""),
        ("x" * 300, "x" * 80),
    ],
)
def test_slugs_are_readable(name: str, slug: str) -> None:
    assert rules.slug_of(name) == slug


def test_only_a_changed_credential_loses_its_verification() -> None:
    before = {"credentials": [{"type": "CFP", "number": "1"}, {"type": "CPA", "number": "2"}]}
    after = {"credentials": [{"type": "CFP", "number": "1"}, {"type": "CPA", "number": "3"}]}
    assert rules.still_verified(["CFP", "CPA"], before, after) == ["CFP"]
    assert rules.still_verified(["CFP", "CPA"], before, {}) == []


@pytest.mark.parametrize(
    ("fees", "model", "amount"),
    [
        ({"model": "commission", "commission_bps": 2000}, "Commission", "20% of"),
        ({"model": "commission", "commission_bps": 1250}, "Commission", "12.5% of"),
        ({"model": "subscription", "monthly_cents": 4_900}, "Subscription", "$49 a month"),
        ({"model": "lead_fee", "lead_fee_cents": 1_550}, "accepted lead", "$15.50 a lead"),
        ({"model": "none"}, "No fee", "$0"),
    ],
)
def test_costs_are_described(fees: dict[str, object], model: str, amount: str) -> None:
    cost = rules.cost_of(Fees.model_validate(fees))
    assert model in cost.model
    assert amount in cost.amount
    assert ("Net-30" in cost.when) == (cost.model != "No fee")
