"""Datetimes stay timezone-aware, and encrypted columns are unreadable."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.database import atomic
from tests.factories import Make

pytestmark = pytest.mark.both_databases


def test_a_datetime_is_read_back_equal_in_utc(db: Session, make: Make) -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    user = make.user(last_sign_in_at=moment)
    with atomic(db):
        stored = db.scalar(select(User.last_sign_in_at).where(User.id == user.id))
    assert stored == moment
    assert stored is not None
    assert stored.tzinfo is UTC


def test_a_naive_datetime_is_refused(make: Make) -> None:
    with pytest.raises(StatementError, match="naive"):
        make.user(last_sign_in_at=datetime(2026, 3, 1))  # noqa: DTZ001 -- what is refused


def test_an_encrypted_column_hides_its_value(db: Session, make: Make) -> None:
    make.user(totp_secret="JBSWY3DPEHPK3PXP")
    stored = db.execute(text("SELECT totp_secret FROM users")).scalar_one()
    assert "JBSWY3DPEHPK3PXP" not in stored
    assert db.scalar(select(User.totp_secret)) == "JBSWY3DPEHPK3PXP"
