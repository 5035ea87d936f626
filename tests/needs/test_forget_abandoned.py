"""The job deletes old needs without a user; owned and recent needs stay."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from imatch.needs.models import Need
from imatch.needs.tasks import forget_abandoned_needs
from tests.factories import Make

pytestmark = pytest.mark.both_databases


def _need(db: Session, make: Make, token: str, user_id: int | None = None) -> int:
    need = Need(
        category_id=make.category().id,
        user_id=user_id,
        answers={"values": {"needs_description": "Debt"}, "importance": {}},
        token_hash=token,
    )
    with atomic(db):
        db.add(need)
    return need.id


def test_only_old_needs_without_an_account_are_deleted(db: Session, make: Make) -> None:
    days = get_settings().resume_days
    with time_machine.travel(now() - timedelta(days=days, hours=1), tick=False):
        _need(db, make, "abandoned")
        kept = {_need(db, make, "owned", make.user().id)}
    with time_machine.travel(now() - timedelta(days=days - 1), tick=False):
        kept.add(_need(db, make, "recent"))
    forget_abandoned_needs()
    forget_abandoned_needs()
    with atomic(db):
        assert set(db.scalars(select(Need.id))) == kept
