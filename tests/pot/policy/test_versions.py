"""Two operators change the economy's numbers, and every version is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.approvals.service import SecondPersonNeeded
from imatch.core.clock import now
from imatch.core.errors import Forbidden, Invalid
from imatch.pot.policy import service as policy
from imatch.pot.policy import versions
from imatch.pot.policy.models import PotPolicyVersion
from tests.factories import Make

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 1, 5, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def operators(db: Session, make: Make) -> tuple[User, User]:
    policy.genesis(db)
    return make.operators()


def test_two_operators_change_a_number(
    db: Session, operators: tuple[User, User], clock: time_machine.Traveller
) -> None:
    proposer, approver = operators
    clock.shift(60)
    proposed = versions.propose(
        db, operator_id=proposer.id, edits={"monthly_award_cap": 150_000}, reason="The queue grows."
    )
    assert policy.current(db).monthly_award_cap == 100_000
    clock.shift(60)
    versions.approve(
        db, proposed.id, operator_id=approver.id, effective_at=now() + timedelta(days=1)
    )
    assert policy.current(db).monthly_award_cap == 100_000
    clock.shift(24 * 3600)
    assert policy.current(db).monthly_award_cap == 150_000
    kept = versions.versions(db)
    assert [version.status for version in kept] == ["approved", "approved"]
    assert versions.changes(
        policy.Numbers.model_validate(kept[1].numbers),
        policy.Numbers.model_validate(kept[0].numbers),
    ) == [versions.Change("monthly_award_cap", 100_000, 150_000)]


def test_nobody_approves_their_own_proposal(db: Session, operators: tuple[User, User]) -> None:
    proposer, approver = operators
    proposed = versions.propose(
        db, operator_id=proposer.id, edits={"yearly_growth": 0.2}, reason="Growth."
    )
    with pytest.raises(SecondPersonNeeded):
        versions.approve(db, proposed.id, operator_id=proposer.id)
    versions.reject(db, proposed.id, operator_id=approver.id)
    with pytest.raises(versions.AlreadyDecided):
        versions.approve(db, proposed.id, operator_id=approver.id)
    assert policy.current(db).yearly_growth == 0.10


def test_only_operators_change_the_policy(
    db: Session, make: Make, operators: tuple[User, User]
) -> None:
    seeker = make.user()
    with pytest.raises(Forbidden):
        versions.propose(db, operator_id=seeker.id, edits={"yearly_growth": 0.2}, reason="More.")
    proposed = versions.propose(
        db, operator_id=operators[0].id, edits={"yearly_growth": 0.2}, reason="More."
    )
    with pytest.raises(Forbidden):
        versions.approve(db, proposed.id, operator_id=seeker.id)


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ({"yearly_growth": 2}, "Too much."),
        ({"yearly_growth": "much"}, "No number."),
        ({"treasury_share": -0.1}, "Below nothing."),
        ({"clearing_days": 10**30}, "For ever."),
        ({"genesis_pot": 1}, "It was minted."),
        ({"no_such_number": 1}, "It is not there."),
        ({"yearly_growth": 0.1}, "Nothing changes."),
        ({"yearly_growth": 0.2}, "  "),
        ({"yearly_growth": 0.2}, "x" * 1_001),
        ({"yearly_growth": 0.2}, "a\0b"),
    ],
)
def test_bad_numbers_are_refused(
    db: Session, operators: tuple[User, User], edits: dict[str, object], reason: str
) -> None:
    with pytest.raises(Invalid):
        versions.propose(db, operator_id=operators[0].id, edits=edits, reason=reason)
    assert len(versions.versions(db)) == 1


def test_a_proposal_made_on_older_numbers_is_refused(
    db: Session, operators: tuple[User, User], clock: time_machine.Traveller
) -> None:
    proposer, approver = operators
    clock.shift(60)
    first, second = (
        versions.propose(
            db, operator_id=proposer.id, edits={"yearly_growth": growth}, reason="Growth."
        )
        for growth in (0.2, 0.3)
    )
    clock.shift(60)
    versions.approve(db, second.id, operator_id=approver.id)
    with pytest.raises(versions.OutdatedProposal):
        versions.approve(db, first.id, operator_id=approver.id)
    assert policy.current(db).yearly_growth == 0.3


def test_an_outdated_proposal_can_be_made_anew_word_for_word(
    db: Session, operators: tuple[User, User], clock: time_machine.Traveller
) -> None:
    proposer, approver = operators
    share = policy.current(db).treasury_share

    def proposed(**edits: float) -> PotPolicyVersion:
        clock.shift(60)
        return versions.propose(db, operator_id=proposer.id, edits=edits, reason="Well.")

    first = proposed(yearly_growth=0.2)
    assert proposed(yearly_growth=0.2).id == first.id
    for other in (0.2, share):  # change the number, then change it back
        version = proposed(treasury_share=other)
        clock.shift(60)
        versions.approve(db, version.id, operator_id=approver.id)
    again = proposed(yearly_growth=0.2)
    assert (again.numbers, again.id == first.id) == (first.numbers, False)
    assert versions.approve(db, again.id, operator_id=approver.id).status == "approved"


def test_a_policy_never_begins_in_the_past(db: Session, operators: tuple[User, User]) -> None:
    proposer, approver = operators
    proposed = versions.propose(
        db, operator_id=proposer.id, edits={"yearly_growth": 0.2}, reason="Growth."
    )
    with pytest.raises(versions.BadNumbers):
        versions.approve(
            db, proposed.id, operator_id=approver.id, effective_at=now() - timedelta(seconds=1)
        )


def test_what_is_approved_for_later_is_not_undone_by_what_is_proposed_meanwhile(
    db: Session, operators: tuple[User, User], clock: time_machine.Traveller
) -> None:
    proposer, approver = operators
    clock.shift(60)
    later = now() + timedelta(days=30)
    first = versions.propose(
        db, operator_id=proposer.id, edits={"yearly_growth": 0.2}, reason="Growth."
    )
    clock.shift(60)
    versions.approve(db, first.id, operator_id=approver.id, effective_at=later)
    clock.shift(60)
    second = versions.propose(
        db, operator_id=proposer.id, edits={"monthly_award_cap": 150_000}, reason="The queue grows."
    )
    clock.shift(60)
    with pytest.raises(versions.BadNumbers, match="comes into effect on 4 February 2026"):
        versions.approve(db, second.id, operator_id=approver.id)
    versions.approve(db, second.id, operator_id=approver.id, effective_at=later)
    clock.shift(30 * 24 * 3600)
    present = policy.current(db)
    assert (present.yearly_growth, present.monthly_award_cap) == (0.2, 150_000)


@pytest.mark.parametrize("version_id", [0, -1, 99, 10**30])
def test_an_unknown_version_is_told(
    db: Session, operators: tuple[User, User], version_id: int
) -> None:
    with pytest.raises(versions.VersionNotFound):
        versions.approve(db, version_id, operator_id=operators[0].id)


def test_the_projection_shows_where_numbers_lead(db: Session, operators: tuple[User, User]) -> None:
    present = policy.current(db)
    year = versions.projection(db, present)
    faster = versions.projection(db, versions.edited(present, {"yearly_growth": 0.2}))
    assert year[-1].supply == pytest.approx(11_000_000, rel=0.01)
    assert faster[-1].supply == pytest.approx(12_000_000, rel=0.01)
    assert [week.week for week in year] == list(range(1, 53))
