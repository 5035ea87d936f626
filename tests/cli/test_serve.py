"""`imatch serve` and `imatch worker` as processes with ports and signals."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.request import urlopen

import httpx2
import pytest

from imatch.operations.database import head_revision
from imatch.operations.setup import DEMO_PROVIDERS, DEMO_SEEKERS
from tests.cli.running import RunWith
from tests.support.smtp import free_port

_TIMEOUT_SECONDS = 60
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
    """A running command and its standard output; terminated at the end of the block."""
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


@contextmanager
def _server(database_url: str, *options: str, **settings: str) -> Iterator[tuple[_Process, int]]:
    """A server that is ready, and its port."""
    port = free_port()
    command = ("serve", "--port", str(port), *options)
    with _started(*command, database_url=database_url, **settings) as (process, output):
        assert f"http://127.0.0.1:{port}" in output.readline()
        yield process, port


def _degraded(port: int) -> list[str]:
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=_TIMEOUT_SECONDS) as answer:
        body: dict[str, list[str]] = json.load(answer)
    return body["degraded"]


@pytest.mark.both_databases
def test_the_server_runs_a_worker_and_stops_on_sigterm(database_url: str) -> None:
    with _server(database_url) as (process, port):
        assert _degraded(port) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(_TIMEOUT_SECONDS) in {0, -signal.SIGTERM}
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()


def test_several_processes_share_the_port(database_url: str) -> None:
    with _server(database_url, "--workers", "2", IMATCH_EMBEDDED_WORKER="false") as (_, port):
        assert _degraded(port) == ["jobs"]


@pytest.mark.parametrize(
    ("trusted", "status"), [("", 200), ("192.0.2.1", 200), ("127.0.0.0/8", 404)]
)
def test_only_a_trusted_proxy_sets_the_client_address(
    sqlite_url: str, trusted: str, status: int
) -> None:
    settings = {"IMATCH_TRUSTED_PROXIES": trusted} if trusted else {}
    with _server(sqlite_url, IMATCH_EMBEDDED_WORKER="false", **settings) as (_, port):
        # Metrics are for this machine only; the header claims another client.
        answer = httpx2.get(
            f"http://127.0.0.1:{port}/metrics",
            headers={"X-Forwarded-For": "203.0.113.7"},
            timeout=_TIMEOUT_SECONDS,
        )
    assert answer.status_code == status


def test_serve_prints_json_events(tmp_path: Path) -> None:
    port = free_port()
    command = ("serve", "--json", "--setup", "--port", str(port))
    with _started(*command, database_url=f"sqlite:///{tmp_path}/new.db") as (process, output):
        prepared, serving = json.loads(output.readline()), json.loads(output.readline())
        assert prepared["event"] == "prepared"
        assert prepared["revision"] == head_revision()
        assert prepared["demo"] == {"providers": DEMO_PROVIDERS, "seekers": DEMO_SEEKERS}
        assert serving == {"event": "serving", "url": f"http://127.0.0.1:{port}"}
        assert _degraded(port) == []
        process.send_signal(signal.SIGTERM)
        events = [json.loads(line) for line in output]
    assert "/health" in {line.get("path") for line in events}, "log lines are JSON too"


def test_the_worker_prints_json_events(database_url: str) -> None:
    with _started("worker", "--json", database_url=database_url) as (process, output):
        assert json.loads(output.readline()) == {"event": "worker_started"}
        process.send_signal(signal.SIGTERM)
        events = [json.loads(line) for line in output]
        assert process.wait(_TIMEOUT_SECONDS) == 0
    assert events[-1] == {"event": "worker_stopped"}


def test_a_worker_until_idle_prints_that_it_stopped(imatch: RunWith, sqlite_url: str) -> None:
    code, printed, _errors = imatch("worker", "--until-idle", "--json", database_url=sqlite_url)
    assert code == 0
    assert json.loads(printed.splitlines()[-1]) == {"event": "worker_stopped"}


def test_a_port_in_use_is_one_clear_line(refused: Callable[..., str], sqlite_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused("serve", "--port", port, database_url=sqlite_url)
    assert "Cannot listen at 127.0.0.1" in said


@pytest.mark.parametrize("command", [("serve", "--port"), ("worker", "--until-idle")])
def test_a_database_that_was_not_migrated_is_refused(
    refused: Callable[..., str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    port = (str(free_port()),) if command[0] == "serve" else ()
    said = refused(*command, *port, database_url=f"sqlite:///{tmp_path}/empty.db")
    assert "imatch migrate" in said


def test_several_processes_need_a_worker_beside_them(
    refused: Callable[..., str], sqlite_url: str
) -> None:
    said = refused(*("serve", "--workers", "2"), database_url=sqlite_url, embedded_worker="true")
    assert "IMATCH_EMBEDDED_WORKER=false" in said
