"""POTService pays debts too: later awards pay what a clawback could not take."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.ledger import POT, Movement, post
from imatch.pot.awards import clawbacks
from imatch.pot.awards.models import PotDebt
from imatch.pot.rules import EARNING_BY_NAME
from imatch.pot.tasks import settle_debts
from tests.factories import Make
from tests.factories.movements import earn
from tests.support.balances import pot_rows

pytestmark = pytest.mark.both_databases


@pytest.fixture
def debtor(make: Make) -> int:
    """A person who owes 70 POT."""
    user_id = make.user().id
    make.debt(user_id, 70)
    return user_id


def rows(db: Session, user_id: int) -> list[tuple[str, str, int]]:
    return [(row.transaction_type, row.category, row.amount) for row in pot_rows(db, user_id)]


def test_an_award_pays_what_is_owed_and_answers_its_own_movement(db: Session, debtor: int) -> None:
    pot = POTService(db)
    award = pot.award_pot(debtor, "feature_suggestion")
    assert (award["amount"], award["balance_before"], award["balance_after"]) == (50, 0, 50)
    assert (pot.get_user_balance(debtor), clawbacks.owed(db, debtor)) == (0, 20)
    pot.award_rating_bonus(debtor, 1, 5, is_rater=False)
    assert (pot.get_user_balance(debtor), clawbacks.owed(db, debtor)) == (80, 0)
    assert rows(db, debtor) == [
        ("earn", "feature_suggestion", 50),
        ("clawback", "debt", -50),
        ("earn", "provider_rating_bonus", 100),
        ("clawback", "debt", -20),
    ]


def test_inside_a_transaction_both_come_or_neither(db: Session, debtor: int) -> None:
    with atomic(db), db.begin_nested() as undone:
        POTService(db).award_pot(debtor, "bug_report")
        undone.rollback()
    assert (rows(db, debtor), clawbacks.owed(db, debtor)) == ([], 70)
    with atomic(db):
        POTService(db).award_pot(debtor, "bug_report")
    assert (POTService(db).get_user_balance(debtor), clawbacks.owed(db, debtor)) == (30, 0)


def test_the_same_key_pays_a_debt_once(db: Session, debtor: int) -> None:
    pot = POTService(db)
    first = pot.award_pot(debtor, "feature_suggestion", key="once")
    assert pot.award_pot(debtor, "feature_suggestion", key="once") == first
    assert clawbacks.owed(db, debtor) == 20


def given(debtor: int, amount: int, key: str) -> Movement:
    """An award posted in the ledger directly, which pays no debts."""
    title = EARNING_BY_NAME["bug_report"].title
    return earn(debtor, amount, key, category="bug_report", description=title)


def test_the_job_pays_debts_from_free_pot(db: Session, debtor: int) -> None:
    pot = POTService(db)
    post(db, POT, given(debtor, 100, "once"))  # the caller died before it settled the debt
    assert pot.award_pot(debtor, "bug_report", key="once")["balance_after"] == 100
    assert (pot.get_user_balance(debtor), clawbacks.owed(db, debtor)) == (100, 70)
    for _ in range(2):
        settle_debts()
        assert (pot.get_user_balance(debtor), clawbacks.owed(db, debtor)) == (30, 0)


def test_the_job_takes_no_more_than_is_free(db: Session, debtor: int) -> None:
    post(db, POT, given(debtor, 40, "first"))
    settle_debts()
    post(db, POT, given(debtor, 7, "second"))
    settle_debts()
    assert (POTService(db).get_user_balance(debtor), clawbacks.owed(db, debtor)) == (0, 23)


# SQLite has a single writer: nothing can be written between an award and its debt.
@pytest.mark.postgresql
def test_an_award_stands_where_its_debt_cannot_be_settled(
    db: Session, debtor: int, new_session: Callable[[], Session]
) -> None:
    with new_session() as other, other.get_bind().engine.connect() as impatient:
        other.execute(select(PotDebt).with_for_update())
        impatient.execute(text("SET lock_timeout = '20ms'"))
        impatient.commit()
        with Session(impatient) as session:
            assert POTService(session).award_pot(debtor, "bug_report")["amount"] == 100
        impatient.invalidate()
    assert (POTService(db).get_user_balance(debtor), clawbacks.owed(db, debtor)) == (100, 70)
    settle_debts()
    assert (POTService(db).get_user_balance(debtor), clawbacks.owed(db, debtor)) == (30, 0)


def test_a_persons_figures_are_those_after_the_debt(db: Session, debtor: int) -> None:
    user = db.get_one(User, debtor)
    assert user.pot_balance == 0
    POTService(db).award_pot(debtor, "bug_report")
    assert user.pot_balance == 30


def test_awards_at_the_same_moment_pay_a_debt_once(
    db: Session, debtor: int, new_session: Callable[[], Session]
) -> None:
    def award(_number: int) -> None:
        with new_session() as session:
            POTService(session).award_pot(debtor, "identity_verified")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(award, range(6)))
    left = (POTService(db).get_user_balance(debtor), clawbacks.owed(db, debtor))
    assert left == (300 - 70, 0)
