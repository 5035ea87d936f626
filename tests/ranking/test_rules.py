"""Every rule counts, however many a need brings into force."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from imatch.categories.catalog import definition
from imatch.categories.schemas import CategoryDefinition, Importance
from imatch.ranking import Pool, StatedNeed
from tests.ranking.pools import TODAY, advisor, locate

_PAGES, _FIELDS_A_PAGE = 6, 8


def _many_musts() -> tuple[CategoryDefinition, list[str]]:
    """The advisors' definition with as many more fields as the intake holds, each may be a must."""
    many: dict[str, Any] = definition("financial_advisors").model_dump()
    free = _PAGES * _FIELDS_A_PAGE - sum(len(page["fields"]) for page in many["intake"])
    names = [f"more_{n}" for n in range(free)]
    for name in names:
        stated = {"label": name, "kind": "tags", "vocabulary": name}
        many["vocabularies"][name] = {f"{name}_yes": "Yes", f"{name}_no": "No"}
        many["seeker"][name] = {**stated, "can_be_must": True}
        many["provider"][name] = stated
    for section in ("intake", "profile"):
        many[section] = _pages([*_fields(many[section]), *names])
    return CategoryDefinition.model_validate(many), names


def _fields(pages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for page in pages for name in page["fields"]]


def _pages(names: list[str]) -> list[dict[str, Any]]:
    starts = range(0, len(names), _FIELDS_A_PAGE)
    return [{"title": "?", "why": "?", "fields": names[n : n + _FIELDS_A_PAGE]} for n in starts]


def test_none_of_very_many_musts_is_forgotten() -> None:
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
    found = pool.rank(need, seed=1, today=TODAY)
    assert [pick.provider_id for pick in found.picks] == [0]
    assert found.passed == 1
    assert {(r.gate, r.count, r.would_remain) for r in found.removed} == {
        (name, 1, 2) for name in names[1:]
    }


def test_a_definition_has_no_more_gates_than_rules_are_kept_for() -> None:
    own = definition("financial_advisors").model_dump()
    own["gates"] = [{**own["gates"][0], "name": f"gate_{n}"} for n in range(13)]
    with pytest.raises(ValidationError, match="at most 12 items"):
        CategoryDefinition.model_validate(own)
