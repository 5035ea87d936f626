"""What is offered for POT beside a list: nothing that is known to show nobody new."""

from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.matches import service
from imatch.matches.models import MatchKind
from imatch.matches.paid import service as paid
from tests.factories import Make
from tests.factories.needs import ADVISOR_NEED


def test_ten_people_are_offered_until_these_answers_have_them(
    db: Session, make: Make, many: None
) -> None:
    user = make.user()
    need = make.need(user)

    def offered() -> list[str]:
        basic = service.suggest(db, need)
        offer = paid.offer(db, user, need, basic, free=0)
        return [option.name for option in offer.options]

    lists = ["premium_match", "re_match", "custom_criteria_match"]
    assert offered() == [*lists, "rush_match"]
    service.suggest(db, need, MatchKind.PREMIUM)
    assert offered() == [*lists[1:], "rush_match"]
    with atomic(db):
        need.answers = {"values": {**ADVISOR_NEED, "needs": ["debt"]}, "importance": {}}
    assert offered() == [*lists, "rush_match"]
