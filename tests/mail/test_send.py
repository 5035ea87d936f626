"""Mail is part of the transaction that writes it, and is delivered once."""

from datetime import timedelta
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
import structlog
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.jobs.worker import run_until_idle
from imatch.mail.delivery import deliver
from imatch.mail.models import MailMessage
from imatch.mail.service import send
from tests.support import smtp
from tests.support.jobs import states
from tests.support.settings import Configure

LINK = "https://match.example/sign-in/abc"


def _send(db: Session) -> int:
    message = send(
        db,
        recipient="ada@example.org",
        subject="Your link to sign in",
        text=f"Hello Zoë,\n\nopen {LINK}\n",
    )
    return message.id


def _stored(message_id: int) -> MailMessage:
    with SessionLocal() as db:
        return db.scalars(select(MailMessage).where(MailMessage.id == message_id)).one()


def test_without_a_mail_server_a_message_counts_as_sent(db: Session) -> None:
    message = _stored(_send(db))
    assert message.sent_at == message.created_at
    assert LINK in message.text
    assert not states()


@pytest.mark.both_databases
def test_a_message_is_delivered_once_and_its_text_deleted(db: Session, inbox: smtp.Inbox) -> None:
    message_id = _send(db)
    assert _stored(message_id).sent_at is None

    run_until_idle()
    deliver(message_id)

    (mail,) = inbox.messages
    assert (mail["To"], mail["Subject"]) == ("ada@example.org", "Your link to sign in")
    assert mail["From"] == "I MATCH <hello@localhost>"
    assert mail["Message-ID"].startswith(f"<{message_id}.")
    assert mail.get_content().replace("\r\n", "\n") == f"Hello Zoë,\n\nopen {LINK}\n"
    delivered = _stored(message_id)
    assert delivered.sent_at is not None
    assert delivered.text == ""


def test_nothing_is_sent_to_an_erased_account(db: Session, inbox: smtp.Inbox) -> None:
    message = send(db, recipient="nobody@erased.invalid", subject="Paid", text="1 POT")
    run_until_idle()
    assert inbox.messages == []
    assert _stored(message.id).sent_at is not None, "it does not stay undelivered"
    assert not states()


@pytest.mark.both_databases
def test_a_rollback_sends_nothing(db: Session, inbox: smtp.Inbox) -> None:
    def send_and_fail() -> None:
        with atomic(db):
            _send(db)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send_and_fail()
    run_until_idle()
    assert inbox.messages == []
    assert not db.scalars(select(MailMessage)).all()


@pytest.mark.parametrize("answer", ["451 Come back later", "250 Accepted"])
def test_delivery_is_retried_if_the_server_is_down_or_refuses(
    db: Session, configure: Configure, answer: str
) -> None:
    inbox = smtp.Inbox()
    inbox.answer = answer
    port = smtp.free_port()
    configure(smtp_host="127.0.0.1", smtp_port=port, smtp_starttls=False)
    server = smtp.start(inbox) if answer.startswith("451") else None
    if server:
        configure(smtp_port=server.port)
    with time_machine.travel(now(), tick=True) as clock:
        with structlog.testing.capture_logs() as lines:
            message_id = _send(db)
            run_until_idle()
        assert _stored(message_id).sent_at is None
        assert LINK in _stored(message_id).text
        assert states()["DELAYED"] == 1
        assert "ada@" not in repr(lines)

        inbox.answer = "250 Accepted"
        server = server or smtp.start(inbox)
        configure(smtp_port=server.port)
        clock.shift(timedelta(seconds=16))
        run_until_idle()
    server.stop()
    assert len(inbox.messages) == 1
    assert _stored(message_id).sent_at is not None
    assert inbox.messages[0]["To"] == "ada@example.org"


@pytest.mark.parametrize("trusted", [True, False])
def test_starttls_and_login_require_a_trusted_certificate(
    db: Session,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    trusted: bool,
) -> None:
    certificate, key = smtp.write_certificate(tmp_path)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    inbox = smtp.Inbox()
    server = smtp.start(
        inbox, tls_context=context, auth_required=True, authenticator=smtp.authenticate
    )
    configure(
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_user=smtp.USER,
        smtp_password=smtp.PASSWORD,
    )
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    message_id = _send(db)
    run_until_idle()
    server.stop()
    assert inbox.senders == ([smtp.USER] if trusted else [])
    assert (_stored(message_id).sent_at is not None) == trusted


def test_a_subject_is_one_line(db: Session) -> None:
    message = send(db, recipient="a@example.org", subject="Hello\r\nBcc: all@x", text="x")
    assert message.subject == "Hello Bcc: all@x"
