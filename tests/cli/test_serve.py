"""`imatch serve` as somebody starts it: a process, a port, a signal."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.request import urlopen

import httpx2
import pytest

from imatch.operations.database import head_revision
from imatch.operations.setup import DEMO_PROVIDERS, DEMO_SEEKERS
from tests.support.smtp import free_port

_SECONDS = 60
_Process = subprocess.Popen[str]


def _environment(database_url: str, **settings: str) -> dict[str, str]:
    return {
        **os.environ,
        "IMATCH_DATABASE_URL": database_url,
        "IMATCH_EMBEDDED_WORKER": "true",
        **settings,
    }


@contextmanager
def _started(
    *arguments: str, database_url: str, **settings: str
) -> Iterator[tuple[_Process, IO[str]]]:
    """A command that goes on until it is told to stop, and what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "imatch", *arguments],
        env=_environment(database_url, PYTHONUNBUFFERED="1", **settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.send_signal(signal.SIGTERM)


def _imatch(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imatch", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@contextmanager
def _server(database_url: str, *options: str, **settings: str) -> Iterator[tuple[_Process, int]]:
    """A server that has said where it is, and its port."""
    port = free_port()
    command = ("serve", "--port", str(port), *options)
    with _started(*command, database_url=database_url, **settings) as (process, printed):
        assert f"http://127.0.0.1:{port}" in printed.readline()
        yield process, port


def _degraded(port: int) -> list[str]:
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=_SECONDS) as answer:
        body: dict[str, list[str]] = json.load(answer)
    return body["degraded"]


def test_it_serves_with_a_worker_and_stops_when_told(database_url: str) -> None:
    with _server(database_url) as (process, port):
        assert _degraded(port) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(_SECONDS) in {0, -signal.SIGTERM}
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()


def test_several_processes_share_the_port(database_url: str) -> None:
    with _server(database_url, "--workers", "2", IMATCH_EMBEDDED_WORKER="false") as (_, port):
        assert _degraded(port) == ["jobs"]


@pytest.mark.parametrize(
    ("trusted", "status"), [("", 200), ("192.0.2.1", 200), ("127.0.0.1", 404), ("127.0.0.0/8", 404)]
)
def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    sqlite_url: str, trusted: str, status: int
) -> None:
    settings = {"IMATCH_TRUSTED_PROXIES": trusted} if trusted else {}
    with _server(sqlite_url, IMATCH_EMBEDDED_WORKER="false", **settings) as (_, port):
        # Metrics are for this machine only; the header says that another one asks.
        answer = httpx2.get(
            f"http://127.0.0.1:{port}/metrics", headers={"X-Forwarded-For": "203.0.113.7"}
        )
    assert answer.status_code == status


def test_a_program_reads_where_it_serves_and_what_was_set_up(tmp_path: Path) -> None:
    port = free_port()
    command = ("serve", "--json", "--setup", "--port", str(port))
    with _started(*command, database_url=f"sqlite:///{tmp_path}/new.db") as (process, printed):
        prepared, serving = json.loads(printed.readline()), json.loads(printed.readline())
        assert prepared["event"] == "prepared"
        assert prepared["revision"] == head_revision()
        assert prepared["demo"] == {"providers": DEMO_PROVIDERS, "seekers": DEMO_SEEKERS}
        assert serving == {"event": "serving", "url": f"http://127.0.0.1:{port}"}
        assert _degraded(port) == []
        process.send_signal(signal.SIGTERM)
        later = [json.loads(line) for line in printed]
    assert "/health" in {line.get("path") for line in later}, "log lines are objects too"


def test_a_program_reads_that_the_worker_started_and_stopped(database_url: str) -> None:
    with _started("worker", "--json", database_url=database_url) as (process, printed):
        assert json.loads(printed.readline()) == {"event": "worker_started"}
        process.send_signal(signal.SIGTERM)
        later = [json.loads(line) for line in printed]
        assert process.wait(_SECONDS) == 0
    assert later[-1] == {"event": "worker_stopped"}


def test_a_worker_that_ran_what_was_due_says_so(sqlite_url: str) -> None:
    done = _imatch("worker", "--until-idle", "--json", environment=_environment(sqlite_url))
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1]) == {"event": "worker_stopped"}


def test_a_port_in_use_is_one_clear_line(sqlite_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _imatch("serve", "--port", port, environment=_environment(sqlite_url))
    assert done.returncode == 1
    assert "Cannot listen at 127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_was_not_migrated_is_refused(tmp_path: Path) -> None:
    environment = _environment(f"sqlite:///{tmp_path}/empty.db")
    for command in (["serve", "--port", str(free_port())], ["worker", "--until-idle"]):
        done = _imatch(*command, environment=environment)
        assert done.returncode == 1
        assert "imatch migrate" in done.stderr


def test_several_processes_need_a_worker_beside_them(sqlite_url: str) -> None:
    done = _imatch("serve", "--workers", "2", environment=_environment(sqlite_url))
    assert done.returncode == 1
    assert "IMATCH_EMBEDDED_WORKER=false" in done.stderr
