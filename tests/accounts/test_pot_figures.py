"""The POT figures of a user, read as attributes of User."""

from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.ledger import POT, post
from tests.factories import Make
from tests.factories.movements import earn, hold, spend


def test_figures_of_a_person(db: Session, make: Make) -> None:
    user = make.user()
    assert (user.pot_balance, user.total_pot_earned) == (0, 0)
    post(db, POT, earn(user.id, 100))
    post(db, POT, spend(user.id, 30))
    post(db, POT, hold(user.id, 20))
    db.expire_all()
    assert (user.pot_balance, user.total_pot_earned) == (50, 100)
    assert (user.total_pot_spent, user.total_pot_burned) == (30, 30)


def test_a_plain_session_saves_a_complete_person(db: Session) -> None:
    user = User(email="ada@example.org", name="Ada", account_type="provider")
    db.add(user)
    db.commit()
    assert user.pot_balance == 0
