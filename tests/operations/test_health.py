"""The health report names degraded parts; metrics are for the local machine only."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch import __version__
from imatch.app import create_app
from imatch.core import database
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from imatch.jobs.worker import running_worker
from imatch.mail.models import MailMessage
from imatch.operations import health
from imatch.web import rendering
from tests.factories import Make
from tests.support.smtp import free_port


@pytest.fixture
def local_client(database_url: str) -> Iterator[TestClient]:
    """A client on the server's own machine."""
    with TestClient(create_app(), client=("127.0.0.1", 50_000)) as client:
        yield client


def test_with_a_worker_everything_is_ok(client: TestClient) -> None:
    with running_worker():
        answer = client.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["version"], body["degraded"]) == ("ok", __version__, [])
    assert list(body["checks"]) == [
        "database",
        "migrations",
        "categories",
        "jobs",
        "mail",
        "ledger",
        "assets",
    ]
    assert body["checks"]["jobs"]["details"]["pending"] == 0
    assert body["checks"]["jobs"]["details"]["worker_heartbeat_age_seconds"] < 60
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_worker_jobs_are_degraded_and_the_site_still_serves(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["degraded"] == ["jobs"]


def test_a_worker_without_heartbeat_for_a_minute_is_degraded(db: Session) -> None:
    with running_worker():
        with time_machine.travel(now() + timedelta(seconds=61)):
            assert "jobs" in health.check_health(db).degraded
        assert "jobs" not in health.check_health(db).degraded


def test_undelivered_mail_is_degraded(client: TestClient, db: Session) -> None:
    with atomic(db):
        db.add(
            MailMessage(
                recipient="ada@example.org",
                subject="Hi",
                text="Hello",
                created_at=now() - timedelta(minutes=16),
            )
        )
    body = client.get("/health").json()
    assert "mail" in body["degraded"]
    assert body["checks"]["mail"]["details"]["undelivered_for_15_minutes"] == 1
    assert "ada" not in str(body)


def test_an_invalid_edit_of_a_category_is_degraded(
    client: TestClient, db: Session, make: Make
) -> None:
    with atomic(db):
        make.category("therapists").profile_fields = []
    body = client.get("/health").json()
    assert "categories" in body["degraded"]
    assert body["checks"]["categories"]["details"] == {"edits_ignored": "therapists"}


def test_missing_assets_are_degraded(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "STATIC_FOLDER", tmp_path)
    assert "assets" in client.get("/health").json()["degraded"]


def test_without_a_database_the_answer_is_503(sqlite_url: str) -> None:
    database.bind(sqlite_url)
    app = create_app()
    database.bind(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    with TestClient(app, client=("127.0.0.1", 50_000)) as client:
        answer = client.get("/health")
        metrics = client.get("/metrics")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert answer.json()["checks"]["database"] == {
        "ok": False,
        "details": {"error": "OperationalError"},
    }
    assert 'imatch_part_ok{part="database"} 0.0' in metrics.text


def test_metrics_count_requests_and_show_parts(local_client: TestClient) -> None:
    local_client.get("/privacy")
    text = local_client.get("/metrics").text
    assert 'imatch_requests_total{method="GET",status="200"}' in text
    assert 'imatch_part_ok{part="database"} 1.0' in text
    assert "imatch_jobs_pending 0.0" in text


@pytest.mark.parametrize("public", [False, True])
def test_metrics_are_local_unless_public(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, *, public: bool
) -> None:
    monkeypatch.setenv("IMATCH_METRICS_PUBLIC", str(public))
    get_settings.cache_clear()
    status = client.get("/metrics").status_code
    monkeypatch.undo()
    get_settings.cache_clear()
    assert status == (200 if public else 404)
