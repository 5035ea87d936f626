"""A grant needs two operators."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.accounts.errors import OperatorsOnly, UserNotFound
from imatch.accounts.models import AccountType, User
from imatch.core.errors import DomainError, Invalid
from imatch.ledger.models import PotTransaction
from imatch.pot.awards import grants
from imatch.pot.awards.grants import GrantDecided, NoSuchGrant, OwnGrant
from imatch.pot.awards.models import PotGrant
from imatch.pot.errors import BadAmount, UnknownEarningCategory
from tests.factories import Make

pytestmark = pytest.mark.both_databases


@pytest.fixture
def operators(make: Make) -> tuple[User, User]:
    return make.operators()


@pytest.fixture
def grant(make: Make, operators: tuple[User, User]) -> PotGrant:
    return make.grant(make.user(), by=operators[0], pot=300, reason="A hard one")


def test_a_proposal_moves_nothing_until_somebody_else_approves(
    db: Session, operators: tuple[User, User], grant: PotGrant
) -> None:
    first, second = operators
    pot = POTService(db)
    assert pot.get_user_balance(grant.user_id) == 0
    assert [proposal.id for proposal in grants.proposed(db)] == [grant.id]
    with pytest.raises(OwnGrant):
        grants.approve(db, grant.id, operator_id=first.id)
    with pytest.raises(OwnGrant):
        grants.reject(db, grant.id, operator_id=first.id)
    approved = grants.approve(db, grant.id, operator_id=second.id)
    assert (approved.status, approved.decided_by) == ("approved", second.id)
    row = db.get_one(PotTransaction, approved.transaction_id)
    assert (row.amount, row.category, row.description) == (300, "bug_report", "A hard one")
    assert (row.idempotency_key, row.reference_type) == (f"grant:{grant.id}", "grant")
    for decide in (grants.approve, grants.reject):
        with pytest.raises(GrantDecided):
            decide(db, grant.id, operator_id=second.id)
    assert pot.get_user_balance(grant.user_id) == 300
    assert grants.proposed(db) == []


def test_a_rejected_grant_pays_nothing(
    db: Session, operators: tuple[User, User], grant: PotGrant
) -> None:
    assert grants.reject(db, grant.id, operator_id=operators[1].id).status == "rejected"
    with pytest.raises(GrantDecided):
        grants.approve(db, grant.id, operator_id=operators[1].id)
    assert POTService(db).get_user_balance(grant.user_id) == 0


def test_a_grant_pays_debts_first(
    db: Session, make: Make, operators: tuple[User, User], grant: PotGrant
) -> None:
    make.debt(grant.user_id, 120)
    grants.approve(db, grant.id, operator_id=operators[1].id)
    assert POTService(db).get_user_balance(grant.user_id) == 180


def test_nobody_approves_their_own_gain(
    db: Session, make: Make, operators: tuple[User, User]
) -> None:
    first, second = operators
    grant = make.grant(second, by=first)
    with pytest.raises(OwnGrant):
        grants.approve(db, grant.id, operator_id=second.id)


def test_it_takes_operators(db: Session, make: Make, grant: PotGrant) -> None:
    former = make.operator(active=False)
    for person in (make.user().id, make.user(account_type=AccountType.PROVIDER).id, former.id):
        with pytest.raises(OperatorsOnly):
            grants.propose(db, grant.user_id, 5, "bug_report", "Well", operator_id=person)
        for decide in (grants.approve, grants.reject):
            with pytest.raises(OperatorsOnly):
                decide(db, grant.id, operator_id=person)
    assert [grant_row.status for grant_row in db.scalars(select(PotGrant))] == ["proposed"]


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda d, u, o: grants.propose(d, u, 0, "bug_report", "x", operator_id=o), BadAmount),
        (lambda d, u, o: grants.propose(d, u, -5, "bug_report", "x", operator_id=o), BadAmount),
        (lambda d, u, o: grants.propose(d, u, 10**30, "bug_report", "x", operator_id=o), BadAmount),
        (lambda d, u, o: grants.propose(d, u, True, "bug_report", "x", operator_id=o), BadAmount),
        (lambda d, u, o: grants.propose(d, u, 5, "x", "x", operator_id=o), UnknownEarningCategory),
        (lambda d, u, o: grants.propose(d, u, 5, "bug_report", " ", operator_id=o), Invalid),
        (lambda d, u, o: grants.propose(d, u, 5, "bug_report", "x" * 301, operator_id=o), Invalid),
        (lambda d, _u, o: grants.propose(d, 99, 5, "bug_report", "x", operator_id=o), UserNotFound),
        (lambda d, _u, o: grants.approve(d, 99, operator_id=o), NoSuchGrant),
        (lambda d, _u, o: grants.reject(d, 10**30, operator_id=o), NoSuchGrant),
    ],
)
def test_bad_input_changes_nothing(
    db: Session,
    make: Make,
    operators: tuple[User, User],
    ask: Callable[[Session, int, int], object],
    error: type[DomainError],
) -> None:
    with pytest.raises(error):
        ask(db, make.user().id, operators[0].id)
    assert db.scalars(select(PotGrant)).all() == []
