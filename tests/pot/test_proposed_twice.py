"""Operators' proposals are idempotent, also when they are sent concurrently."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.pot import holds
from imatch.pot.awards import grants
from imatch.pot.awards.models import PotGrant
from imatch.pot.models import PotFraudHold
from imatch.pot.policy import service as policy
from imatch.pot.policy import versions
from imatch.pot.policy.models import PotPolicyVersion
from tests.factories import Make
from tests.support.clients import SignIn

pytestmark = pytest.mark.both_databases

AT_ONCE = 8
Kind = type[PotGrant] | type[PotFraudHold] | type[PotPolicyVersion]


@pytest.fixture
def operators(db: Session, make: Make) -> tuple[User, User]:
    policy.genesis(db)
    return make.operators()


def filed(db: Session, kind: Kind, operator: User) -> int:
    """The number of rows that this operator proposed."""
    by = kind.placed_by if kind is PotFraudHold else kind.proposed_by  # type: ignore[union-attr]
    db.rollback()
    return db.scalar(select(func.count()).select_from(kind).where(by == operator.id)) or 0


def grant(db: Session, person: int, operator: int, reason: str = "A hole") -> PotGrant:
    return grants.propose(db, person, 5, "bug_report", reason, operator_id=operator)


def hold(db: Session, person: int, operator: int, reason: str = "A ring") -> PotFraudHold:
    return holds.place_hold(db, person, operator, reason)


def change(db: Session, _person: int, operator: int, reason: str = "Growth") -> PotPolicyVersion:
    edits = {"yearly_growth": 0.2}
    return versions.propose(db, operator_id=operator, edits=edits, reason=reason)


@pytest.mark.parametrize(
    ("act", "kind"), [(grant, PotGrant), (hold, PotFraudHold), (change, PotPolicyVersion)]
)
def test_the_same_at_one_moment_is_filed_once(
    db: Session,
    make: Make,
    operators: tuple[User, User],
    new_session: Callable[[], Session],
    act: Callable[..., object],
    kind: Kind,
) -> None:
    person, (proposer, other_operator) = make.user().id, operators
    arguments = (person, proposer.id)
    db.rollback()

    def file(_number: int) -> None:
        with new_session() as session:
            act(session, *arguments)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(file, range(AT_ONCE)))
    assert filed(db, kind, proposer) == 1
    act(db, person, proposer.id, "Another reason")
    act(db, person, other_operator.id)
    assert (filed(db, kind, proposer), filed(db, kind, other_operator)) == (2, 1)


def test_forms_sent_twice_are_filed_once(
    db: Session,
    make: Make,
    operators: tuple[User, User],
    sign_in: SignIn,
) -> None:
    person, operator = make.user(), operators[0]
    client = sign_in(operator)
    given = {"person": str(person.id), "pot": "5", "category": "bug_report", "reason": "A hole"}
    changed = {"name": "yearly_growth", "value": "0.2", "reason": "Growth"}
    forms = {
        "/console/grants": given,
        f"/console/redemptions/people/{person.id}/hold": {"reason": "A ring"},
        "/console/policy": changed,
    }
    for path, form in forms.items():
        for _ in range(2):
            assert client.post(path, data=form, follow_redirects=False).status_code == 303, path
    kinds: tuple[Kind, ...] = (PotGrant, PotFraudHold, PotPolicyVersion)
    assert [filed(db, kind, operator) for kind in kinds] == [1, 1, 1]


def test_what_is_settled_can_be_asked_for_again(
    db: Session, make: Make, operators: tuple[User, User]
) -> None:
    person, (proposer, other_operator) = make.user().id, operators
    grants.approve(db, grant(db, person, proposer.id).id, operator_id=other_operator.id)
    holds.lift_hold(db, hold(db, person, proposer.id).id, other_operator.id)
    versions.reject(db, change(db, person, proposer.id).id, operator_id=other_operator.id)
    for act in (grant, hold, change):
        act(db, person, proposer.id)
    kinds: tuple[Kind, ...] = (PotGrant, PotFraudHold, PotPolicyVersion)
    assert [filed(db, kind, proposer) for kind in kinds] == [2, 2, 2]
