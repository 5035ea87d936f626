"""Live figures of a real server: changes arrive, and streams never delay its shutdown."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.deps import cookie_name, is_operator_session
from imatch.accounts.models import AccountType, UserSession
from imatch.accounts.service import sessions
from imatch.core.database import atomic
from imatch.pot.service import POTService
from tests.factories import Make
from tests.support.smtp import free_port

TIMEOUT_SECONDS = 60
MAX_DELAY_SECONDS = 5
MAX_END_SECONDS = 8  # 5 s, plus a margin for a busy machine
# The server's shutdown waits 10 s for open responses; streams must end earlier.
MAX_STOP_SECONDS = 8


@contextmanager
def _server(database_url: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "imatch", "serve", "--port", str(port)],
        env={**os.environ, "IMATCH_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            assert str(port) in process.stdout.readline()
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=TIMEOUT_SECONDS):
                yield process, port
        finally:
            process.send_signal(signal.SIGTERM)


def _session(db: Session, token: str) -> UserSession:
    live = queries.live_session(db, token)
    assert live is not None
    return live[0]


@contextmanager
def _opened(port: int, token: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    headers = {"Cookie": f"{cookie_name()}={token}", "Accept": "text/event-stream"}
    with closing(connection):
        connection.request("GET", "/console/economy/live?days=7", headers=headers)
        with connection.getresponse() as stream:
            yield stream


def _next(stream: http.client.HTTPResponse, event: str) -> Any:  # noqa: ANN401 -- the message
    """The data of the next event of this kind; skips others."""
    while line := stream.readline().decode():
        if line == f"event: {event}\n":
            return json.loads(stream.readline().decode().removeprefix("data: "))
    pytest.fail("the stream ended")


@pytest.mark.both_databases
def test_a_change_arrives_and_the_server_stops(db: Session, make: Make, database_url: str) -> None:
    person = make.buyer(100)
    token = make.session(make.operator())
    with (
        _server(database_url) as (process, port),
        _opened(port, token) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert _next(stream, "figures")["tiles"]["spent"]["value"] == "0"
        POTService(db).spend_pot(person.id, "charity_burn", amount=30)
        spent_at = time.monotonic()
        assert _next(stream, "figures")["tiles"]["spent"]["value"] == "30"
        assert time.monotonic() - spent_at < MAX_DELAY_SECONDS
        signalled_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert stream.read() is not None  # read to the end
        assert process.wait(TIMEOUT_SECONDS) in {0, -signal.SIGTERM}
        assert time.monotonic() - signalled_at < MAX_STOP_SECONDS
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()


def test_a_stream_ends_with_its_session(db: Session, make: Make, database_url: str) -> None:
    """A stream ends seconds after the sign-out, but survives a new cookie of the same session."""
    token = make.session(make.operator())
    with _server(database_url) as (_process, port), _opened(port, token) as stream:
        assert _next(stream, "figures")
        token = sessions.step_up(db, _session(db, token))
        db.close()
        assert _next(stream, "current")  # a heartbeat follows the next check of the session
        sessions.end(db, token)
        ended_at = time.monotonic()
        assert _next(stream, "ended") == "signed out"
        assert time.monotonic() - ended_at < MAX_END_SECONDS
        assert stream.read().strip() == b""


def test_no_figures_are_sent_after_the_sign_out(db: Session, make: Make, database_url: str) -> None:
    person = make.user()
    token = make.session(make.operator())
    with _server(database_url) as (_process, port), _opened(port, token) as stream:
        assert _next(stream, "figures")
        sessions.end(db, token)
        make.pot(person, 100)
        rest = stream.read().decode()
    assert "event: ended" in rest
    assert "event: figures" not in rest


def test_only_sessions_of_operators_may_stream(db: Session, make: Make) -> None:
    operator, other = make.operator(), make.user()
    session = _session(db, make.session(operator))
    assert is_operator_session(db, session)
    assert not is_operator_session(db, _session(db, make.session(other)))
    with atomic(db):
        operator.account_type = AccountType.SEEKER
    assert not is_operator_session(db, session)


def test_a_new_session_with_a_reused_id_is_another_session(db: Session, make: Make) -> None:
    operator = make.operator()
    token = make.session(operator)
    session = _session(db, token)
    db.expunge(session)
    sessions.end(db, token)
    newer = _session(db, make.session(operator))
    with atomic(db):
        newer.id = session.id
    assert is_operator_session(db, newer)
    assert not is_operator_session(db, session)
