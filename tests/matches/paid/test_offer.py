"""What is offered for POT beside a list: nothing that is known to show nobody new."""

import pytest
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.matches import service
from imatch.matches.models import MatchKind
from imatch.matches.paid import service as paid
from imatch.needs import service as seekers
from tests.make import Make
from tests.matches.conftest import ADVISORS, VALUES


@pytest.fixture
def many(make: Make) -> None:
    for number in range(14):
        make.provider(profile={"display_name": f"Advisor {number}", "years_experience": number})


def test_ten_people_are_offered_until_these_answers_have_them(
    db: Session, make: Make, many: None
) -> None:
    user = make.user()
    need, _token = seekers.submit(db, ADVISORS, VALUES, {}, user=user)

    def offered() -> list[str]:
        basic = service.suggest(db, need)
        offer = paid.offer(db, user, need, basic, free=0)
        return [option.name for option in offer.options]

    lists = ["premium_match", "re_match", "custom_criteria_match"]
    assert offered() == [*lists, "rush_match"]
    service.suggest(db, need, MatchKind.PREMIUM)
    assert offered() == [*lists[1:], "rush_match"]
    with atomic(db):
        need.answers = {"values": {**VALUES, "needs": ["debt"]}, "importance": {}}
    assert offered() == [*lists, "rush_match"]
