"""What people reach in their own domains earns POT, whichever part comes last."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.accounts.service.sign_up import mark_confirmed
from imatch.categories.catalog import definition
from imatch.needs import service as seekers
from imatch.pot import tasks
from imatch.pot.awards.models import PotAward
from imatch.providers import approval
from imatch.providers import service as providers
from imatch.providers.models import Provider, ProviderStatus
from tests.factories import Make
from tests.factories.providers import ADVISOR_PROFILE, ADVISORS

pytestmark = pytest.mark.both_databases


@pytest.fixture
def unconfirmed(db: Session, make: Make) -> User:
    user = make.user(account_type=AccountType.PROVIDER)
    user.email_confirmed_at = None
    db.commit()
    return user


def earned(db: Session, user_id: int) -> dict[str, int]:
    db.commit()
    awards = db.scalars(select(PotAward).where(PotAward.user_id == user_id))
    return {award.rule: award.amount for award in awards}


def draft(make: Make, user: User) -> Provider:
    provider = make.provider(user=user, status=ProviderStatus.DRAFT)
    provider.profile = {}
    make.db.commit()
    return provider


def whole_profile() -> dict[str, Any]:
    advisors = definition(ADVISORS)
    return {name: value for name, value in ADVISOR_PROFILE.items() if name in advisors.provider}


def test_a_whole_profile_with_a_confirmed_address_earns(db: Session, make: Make) -> None:
    user = make.user(account_type=AccountType.PROVIDER)
    provider = draft(make, user)
    partly = whole_profile()
    del partly["bio"]
    providers.replace(db, provider, partly)
    assert earned(db, user.id) == {}
    providers.replace(db, provider, whole_profile())
    providers.replace(db, provider, whole_profile())
    assert earned(db, user.id) == {"provider_profile_creation": 50}


def test_the_address_may_be_confirmed_last(db: Session, make: Make, unconfirmed: User) -> None:
    provider = draft(make, unconfirmed)
    providers.replace(db, provider, whole_profile())
    assert earned(db, unconfirmed.id) == {}
    mark_confirmed(db, unconfirmed)
    assert earned(db, unconfirmed.id) == {"provider_profile_creation": 50}


def test_an_empty_profile_earns_nothing_by_an_address(
    db: Session, make: Make, unconfirmed: User
) -> None:
    draft(make, unconfirmed)
    mark_confirmed(db, unconfirmed)
    assert earned(db, unconfirmed.id) == {}


def test_a_public_profile_publishes_its_times_and_is_kept_fresh(db: Session, make: Make) -> None:
    user = make.user(account_type=AccountType.PROVIDER)
    provider = make.provider(user=user, status=ProviderStatus.PENDING)
    approval.approve(db, provider, None)
    assert earned(db, user.id) == {"calendar_connected": 15}
    providers.set_capacity(db, provider, 7)
    assert earned(db, user.id) == {
        "calendar_connected": 15,
        "provider_profile_creation": 50,
        "profile_refresh": 10,
    }


def test_a_licence_earns_once_on_whichever_profile(db: Session, make: Make) -> None:
    user = make.user(account_type=AccountType.PROVIDER)
    stated = {"credentials": [{"type": "CFP"}, {"type": "CFA"}]}
    first = make.provider(user=user, profile=stated)
    second = make.provider(user=user, profile=stated, category="life_coaches")
    approval.verify_credentials(db, first, None, ["CFP"])
    approval.verify_credentials(db, first, None, ["CFP"])
    approval.verify_credentials(db, first, None, [])
    approval.verify_credentials(db, second, None, ["CFP"])
    assert earned(db, user.id) == {"credential_verified": 75}
    approval.verify_credentials(db, first, None, ["CFP", "CFA"])
    db.commit()
    assert len(db.scalars(select(PotAward)).all()) == 2


def test_a_second_factor_earns_after_thirty_days(db: Session, make: Make) -> None:
    began = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with time_machine.travel(began, tick=False):
        user = make.user(totp_confirmed_at=began)
        make.user()
    with time_machine.travel(began + timedelta(days=30, seconds=-1), tick=False):
        tasks.notice_second_factors()
        assert earned(db, user.id) == {}
    with time_machine.travel(began + timedelta(days=30), tick=False):
        tasks.notice_second_factors()
        tasks.notice_second_factors()
        assert earned(db, user.id) == {"security_setup": 25}


def test_a_need_of_ones_own_earns_once(db: Session, make: Make) -> None:
    user = make.user()
    for _ in range(2):
        make.need(user)
    assert earned(db, user.id) == {"seeker_profile_creation": 25}


def test_a_need_that_is_claimed_earns(db: Session, make: Make) -> None:
    need = make.need()
    unfinished, _token = seekers.start(db, ADVISORS)
    user, other = make.user(), make.user()
    seekers.claim(db, unfinished, other)
    seekers.claim(db, need, user)
    assert earned(db, user.id) == {"seeker_profile_creation": 25}
    assert earned(db, other.id) == {}


def test_a_need_waits_for_the_address(db: Session, make: Make, unconfirmed: User) -> None:
    make.need(unconfirmed)
    assert earned(db, unconfirmed.id) == {}
    mark_confirmed(db, unconfirmed)
    assert earned(db, unconfirmed.id) == {"seeker_profile_creation": 25}
