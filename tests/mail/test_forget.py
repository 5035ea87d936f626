"""Old delivered messages are deleted, undelivered ones are not."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.mail.models import MailMessage
from imatch.mail.pruning import RETENTION_DAYS, forget_old_mail

pytestmark = pytest.mark.both_databases


def test_old_delivered_messages_are_deleted(db: Session) -> None:
    old = now() - timedelta(days=RETENTION_DAYS, hours=1)
    with atomic(db):
        for subject, sent_at in (("old", old), ("new", now()), ("waiting", None)):
            db.add(
                MailMessage(
                    recipient="a@example.org",
                    subject=subject,
                    text="",
                    created_at=old,
                    sent_at=sent_at,
                )
            )
    forget_old_mail()
    with atomic(db):
        assert set(db.scalars(select(MailMessage.subject))) == {"new", "waiting"}
