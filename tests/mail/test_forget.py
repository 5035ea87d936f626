"""Letters that arrived long ago are forgotten; what still waits is not."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.mail.models import MailMessage
from imatch.mail.pruning import KEPT_DAYS, forget_old_mail


def test_old_delivered_mail_goes(db: Session) -> None:
    old = now() - timedelta(days=KEPT_DAYS, hours=1)
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
