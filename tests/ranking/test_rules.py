"""Every gate counts, however many a need has."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from imatch.categories.catalog import definition
from imatch.categories.schemas import CategoryDefinition, Importance
from imatch.ranking import Pool, StatedNeed
from tests.ranking.pools import TODAY, advisor, locate

_PAGES, _FIELDS_PER_PAGE = 6, 8


def _many_musts() -> tuple[CategoryDefinition, list[str]]:
    """The advisors' definition with as many additional must fields as the intake can hold."""
    document: dict[str, Any] = definition("financial_advisors").model_dump()
    free = _PAGES * _FIELDS_PER_PAGE - sum(len(page["fields"]) for page in document["intake"])
    names = [f"more_{n}" for n in range(free)]
    for name in names:
        field = {"label": name, "kind": "tags", "vocabulary": name}
        document["vocabularies"][name] = {f"{name}_yes": "Yes", f"{name}_no": "No"}
        document["seeker"][name] = {**field, "can_be_must": True}
        document["provider"][name] = field
    for section in ("intake", "profile"):
        document[section] = _pages([*_fields(document[section]), *names])
    return CategoryDefinition.model_validate(document), names


def _fields(pages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for page in pages for name in page["fields"]]


def _pages(names: list[str]) -> list[dict[str, Any]]:
    starts = range(0, len(names), _FIELDS_PER_PAGE)
    return [{"title": "?", "why": "?", "fields": names[n : n + _FIELDS_PER_PAGE]} for n in starts]


def test_every_one_of_many_musts_is_applied() -> None:
    many, names = _many_musts()
    assert len(names) > 20
    fits = {name: [f"{name}_yes"] for name in names}
    pool = Pool(many, locate)
    pool.upsert(
        [advisor(0, profile=fits)]
        + [
            advisor(number, profile={**fits, name: [f"{name}_no"]})
            for number, name in enumerate(names, start=1)
        ]
    )
    pool.remove([1])
    need = StatedNeed(many.name, "Tax.", fits, dict.fromkeys(names, Importance.MUST))
    ranking = pool.rank(need, seed=1, today=TODAY)
    assert [pick.provider_id for pick in ranking.picks] == [0]
    assert ranking.passed == 1
    assert {(r.gate, r.count, r.would_remain) for r in ranking.removed} == {
        (name, 1, 2) for name in names[1:]
    }


def test_a_definition_with_too_many_gates_is_invalid() -> None:
    document = definition("financial_advisors").model_dump()
    document["gates"] = [{**document["gates"][0], "name": f"gate_{n}"} for n in range(13)]
    with pytest.raises(ValidationError, match="at most 12 items"):
        CategoryDefinition.model_validate(document)
