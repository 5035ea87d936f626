"""What tests of the POT economy share: its service, and the steps until somebody can redeem."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from imatch import POTService
from tests.make import Make
from tests.pot.redeeming import Redeeming
from tests.support.settings import settings


@pytest.fixture
def pot(db: Session) -> POTService:
    return POTService(db)


@pytest.fixture
def user_id(make: Make) -> int:
    return make.user().id


@pytest.fixture
def redeeming(db: Session, make: Make) -> Redeeming:
    return Redeeming(db, make)


@pytest.fixture
def cash_redemption_on() -> Iterator[None]:
    with settings(cash_redemption=True):
        yield
