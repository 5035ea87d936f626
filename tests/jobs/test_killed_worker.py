"""If a worker is killed during a job, the next worker completes the job exactly once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from imatch.core.database import SessionLocal
from imatch.core.settings import get_settings
from imatch.mail.models import MailMessage
from imatch.mail.service import send
from tests.support import smtp
from tests.support.jobs import states

pytestmark = pytest.mark.both_databases

_TIMEOUT_SECONDS = 60


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment with a mail server's address, for this process and the workers."""
    settings = {
        "IMATCH_DATABASE_URL": database_url,
        "IMATCH_SMTP_HOST": "127.0.0.1",
        "IMATCH_SMTP_PORT": str(smtp.free_port()),
        "IMATCH_SMTP_STARTTLS": "false",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield {**os.environ, **settings}
    monkeypatch.undo()
    get_settings.cache_clear()


def _start_worker(environment: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "imatch", "worker", *options], env=environment)


def test_the_next_worker_completes_the_job_exactly_once(
    db: Session, environment: dict[str, str]
) -> None:
    inbox = smtp.Inbox()
    inbox.hang = True
    server = smtp.start(inbox, port=int(environment["IMATCH_SMTP_PORT"]))
    message_id = send(db, recipient="ada@example.org", subject="Hi", text="Hello").id

    first = _start_worker(environment)
    assert inbox.arrived.wait(_TIMEOUT_SECONDS), "the worker never reached the mail server"
    first.send_signal(signal.SIGKILL)
    first.wait(_TIMEOUT_SECONDS)
    assert states() == {"PENDING": 1}
    assert inbox.messages == []

    inbox.hang = False
    second = _start_worker(environment, "--until-idle")
    assert second.wait(_TIMEOUT_SECONDS) == 0
    third = _start_worker(environment, "--until-idle")
    assert third.wait(_TIMEOUT_SECONDS) == 0
    server.stop()

    assert [mail["To"] for mail in inbox.messages] == ["ada@example.org"]
    assert states() == {"SUCCESS": 1}
    with SessionLocal() as session:
        message = session.get(MailMessage, message_id)
        assert message is not None
        assert message.sent_at is not None


def test_a_worker_completes_its_job_before_it_stops(
    db: Session, environment: dict[str, str]
) -> None:
    inbox = smtp.Inbox()
    inbox.hang = True
    server = smtp.start(inbox, port=int(environment["IMATCH_SMTP_PORT"]))
    send(db, recipient="ada@example.org", subject="Hi", text="Hello")
    worker = _start_worker(environment)
    assert inbox.arrived.wait(_TIMEOUT_SECONDS), "the worker never reached the mail server"

    worker.send_signal(signal.SIGTERM)
    inbox.release()

    assert worker.wait(_TIMEOUT_SECONDS) == 0
    server.stop()
    assert len(inbox.messages) == 1
    assert states() == {"SUCCESS": 1}
