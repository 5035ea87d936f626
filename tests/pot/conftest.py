"""What tests of the POT economy share: its service, somebody who has none yet, the switch."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from imatch import POTService
from tests.factories import Make
from tests.support.settings import settings


@pytest.fixture
def pot(db: Session) -> POTService:
    return POTService(db)


@pytest.fixture
def user_id(make: Make) -> int:
    return make.user().id


@pytest.fixture
def cash_redemption_on() -> Iterator[None]:
    with settings(cash_redemption=True):
        yield
