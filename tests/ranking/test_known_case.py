"""The known case of the design, through the real engine and the real category."""

import pytest

from imatch.ranking import Ranking
from tests.ranking.pools import TODAY, advisors, known_advisors, known_need


def shortlist(**answers: object) -> Ranking:
    pool = advisors()
    pool.upsert(known_advisors())
    return pool.rank(known_need(**answers), count=3, seed=1, today=TODAY)


def test_the_order_is_a_b_c_with_a_clear_margin() -> None:
    picks = shortlist().picks
    assert [pick.provider_id for pick in picks] == [1, 2, 3]
    assert picks[0].fit >= 85
    assert picks[0].fit - picks[1].fit >= 8


@pytest.mark.parametrize(
    "answers",
    [
        {"needs": ["retirement", "tax", "equity_compensation"]},
        {"needs": ["tax", "retirement"], "life_event": []},
        {"needs": [], "life_event": []},
        {"style": {}, "values": []},
        {"designations_wanted": ["CFP"]},
        {"place": {"country": "US", "region": "CA"}},
    ],
)
def test_the_order_does_not_depend_on_how_the_answers_are_given(answers: dict[str, object]) -> None:
    picks = shortlist(**answers).picks
    assert picks[0].provider_id == 1
    assert picks[0].fit - picks[1].fit >= 8
