"""The engine ranks every category that ships, because it is generic."""

from datetime import date
from typing import Any

import pytest

from imatch.categories.catalog import definitions
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Kind
from imatch.ranking import Pool, StatedNeed
from imatch.ranking.fit import fit
from tests.ranking.pools import TODAY, advisor

VALUES_BY_KIND = {
    Kind.YES_NO: True,
    Kind.NUMBER: 10,
    Kind.MONEY: 10_000,
    Kind.BUDGET: {"min_cents": 1_000, "max_cents": 20_000, "unit": "session"},
    Kind.PRICE: {"min_cents": 9_000, "max_cents": 12_000, "unit": "session"},
    Kind.PLACE: {"country": "US", "region": "CA", "city": "Oakland", "postal_code": "94601"},
    Kind.WINDOWS: ["tue_evening"],
    Kind.STYLE: {"tone": 2},
    Kind.DATE: date(2027, 1, 1).isoformat(),
}


def value(category: CategoryDefinition, field: FieldDefinition) -> Any:  # noqa: ANN401 -- JSON
    """A valid value for a field, the same on both sides of a vocabulary."""
    options = list(category.options(field))
    if field.kind is Kind.TAGS:
        return options
    if field.kind is Kind.CHOICE:
        return options[-1]
    if field.kind is Kind.CREDENTIALS:
        return [{"type": options[0]}]
    return VALUES_BY_KIND.get(field.kind, "plans and patience")


@pytest.mark.parametrize("name", sorted(definitions()))
def test_a_need_that_answers_everything_is_ranked(name: str) -> None:
    category = definitions()[name]
    profile = {
        field_name: value(category, field) for field_name, field in category.provider.items()
    }
    answers = {key: value(category, field) for key, field in category.seeker.items()}
    pool = Pool(category)
    pool.upsert([advisor(1, "plans and patience", profile=profile)])
    result = pool.rank(StatedNeed(name, "plans", answers), seed=1, today=TODAY)
    pool_count = pool.count_passing(StatedNeed(name, "plans", answers), TODAY)
    assert result.passed == pool_count.passed
    assert len(result.picks) == pool_count.passed
    for pick in result.picks:
        assert [line.name for line in pick.criteria] == list(category.criteria)
        assert pick.fit == fit(pick.criteria) > 0
        assert pick.caveat
    assert pool.rank(StatedNeed(name, "plans", {}), seed=1, today=TODAY).considered <= 1
