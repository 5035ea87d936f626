"""Scheduled jobs: sealing, releasing expired holds, and the nightly audit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from imatch.core.database import atomic
from imatch.jobs.run_each import ItemsFailed
from imatch.ledger import (
    CASH,
    POT,
    SystemAccount,
    TransactionType,
    capture,
    post,
    post_many,
    queries,
    release,
)
from imatch.ledger.errors import HoldNotOpen
from imatch.ledger.models import PotTransaction
from imatch.ledger.tasks import audit_ledger, expire_holds, seal_ledger
from tests.factories import Make
from tests.factories.movements import earn, fill, hold
from tests.support.tampering import tamper

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_few_rows_wait_a_quarter_of_an_hour_for_their_seal(db: Session, make: Make) -> None:
    with time_machine.travel(NOON, tick=False) as moment:
        fill(db, make)
        seal_ledger()
        assert queries.head(db, POT) is None
        moment.shift(timedelta(minutes=15))
        seal_ledger()
        db.rollback()
        sealed = queries.head(db, POT)
        assert sealed is not None
        assert sealed.row_count == 11


def test_many_rows_are_sealed_at_once_and_their_head_is_logged(db: Session, make: Make) -> None:
    user = make.user()
    post_many(db, POT, [earn(user.id, 1, str(number)) for number in range(1_001)])
    with capture_logs() as logs:
        seal_ledger()
    head = queries.head(db, POT)
    assert head is not None
    (line,) = [line for line in logs if line["event"] == "ledger_sealed"]
    assert (line["book"], line["rows"], line["hash"]) == ("pot", 1_001, head.hash)
    assert line["to_id"] == head.to_id


def test_an_expired_hold_is_released_once(db: Session, make: Make) -> None:
    with time_machine.travel(NOON, tick=False) as moment:
        user = make.user()
        post(db, POT, earn(user.id, 100, "earn"))
        placed = post(db, POT, hold(user.id, 60, "hold", minutes=10))
        later = post(db, POT, hold(user.id, 20, "later", minutes=30))
        expire_holds()
        assert queries.free(db, POT, user.id) == 20
        moment.shift(timedelta(minutes=10))
        expire_holds()
        expire_holds()
        db.rollback()
        assert queries.free(db, POT, user.id) == 80
        freed = db.query(PotTransaction).filter_by(idempotency_key=f"expire:{placed.id}").one()
        assert (freed.phase, freed.amount, freed.hold_id) == ("void", 60, placed.id)
        with pytest.raises(HoldNotOpen):
            capture(db, POT, placed.id, key="capture", transaction_type=TransactionType.SPEND)
        assert (
            capture(db, POT, later.id, key="c", transaction_type=TransactionType.SPEND).amount
            == -20
        )


def test_a_resolved_hold_does_not_expire(db: Session, make: Make) -> None:
    with time_machine.travel(NOON, tick=False) as moment:
        user = make.user()
        post(db, POT, earn(user.id, 100, "earn"))
        taken = post(db, POT, hold(user.id, 30, "taken", minutes=10))
        freed = post(db, POT, hold(user.id, 30, "freed", minutes=10))
        capture(db, POT, taken.id, key="c", transaction_type=TransactionType.SPEND)
        release(db, POT, freed.id, key="r")
        moment.shift(timedelta(hours=1))
        assert queries.expired_holds(db, POT, limit=10) == []
        expire_holds()
        db.rollback()
        assert queries.free(db, POT, user.id) == 70


def test_a_failing_hold_does_not_stop_others_in_either_book(db: Session, make: Make) -> None:
    with time_machine.travel(NOON, tick=False) as moment:
        user = make.user()
        hold_ids: dict[tuple[str, str], int] = {}
        for book, kind, counter_account in (
            (POT, TransactionType.EARN, SystemAccount.TREASURY),
            (CASH, TransactionType.ALLOWANCE, SystemAccount.ALLOWANCES),
        ):
            given = replace(
                earn(user.id, 100, transaction_type=kind), counter_account=counter_account
            )
            post(db, book, given)
            for minutes, key in enumerate(("first", "second", "third"), 8):
                movement = hold(user.id, 30, key, minutes=minutes)
                movement = replace(movement, counter_account=counter_account)
                hold_ids[book.name, key] = post(db, book, movement).id
            # The idempotency key of the first hold's release is used already.
            taken = f"expire:{hold_ids[book.name, 'first']}"
            post(db, book, replace(given, key=taken, amount=1))
        moment.shift(timedelta(minutes=10))
        with capture_logs() as logs, pytest.raises(ItemsFailed):
            expire_holds()
        db.rollback()
        for book in (POT, CASH):
            assert queries.free(db, book, user.id) == 100 - 30 + 1
            assert queries.expired_holds(db, book, limit=10) == [hold_ids[book.name, "first"]]
        failed = [line for line in logs if line["event"] == "job_item_failed"]
        assert [(line["kind"], line["id"], line["error"]) for line in failed] == [
            ("pot_hold", hold_ids["pot", "first"], "KeyReused"),
            ("cash_hold", hold_ids["cash", "first"], "KeyReused"),
        ]


def test_a_sound_book_is_healthy(db: Session, make: Make, client: TestClient) -> None:
    fill(db, make)
    assert client.get("/health").json()["checks"]["ledger"]["details"] == {
        "last_audit_age_hours": None
    }
    audit_ledger()
    check = client.get("/health").json()["checks"]["ledger"]
    assert check["ok"]
    assert check["details"] == {
        "pot_findings": 0,
        "cash_findings": 0,
        "last_audit_age_hours": 0.0,
    }


def test_drift_is_logged_and_degrades_health_until_it_is_gone(
    db: Session, make: Make, client: TestClient
) -> None:
    ids = fill(db, make)
    change = "UPDATE pot_accounts SET version = version {} WHERE user_id = :id"
    tamper(db, change.format("+ 1"), id=ids["ada"])
    with capture_logs() as logs:
        audit_ledger()
    drift = [line for line in logs if line["event"] == "ledger_drift"]
    assert [line["finding"] for line in drift] == [
        f"pot user {ids['ada']}: the account's version: 6 instead of 5"
    ]
    health = client.get("/health").json()
    assert "ledger" in health["degraded"]
    assert health["checks"]["ledger"]["details"]["pot_findings"] == 1
    with atomic(db):
        db.execute(text(change.format("- 1")), {"id": ids["ada"]})
    audit_ledger()
    assert "ledger" not in client.get("/health").json()["degraded"]


def test_an_audit_is_missed_after_three_days(db: Session, make: Make, client: TestClient) -> None:
    with time_machine.travel(NOON, tick=False) as moment:
        fill(db, make)
        audit_ledger()
        moment.shift(timedelta(days=3))
        assert client.get("/health").json()["checks"]["ledger"]["ok"]
        moment.shift(timedelta(hours=1))
        check = client.get("/health").json()["checks"]["ledger"]
        assert not check["ok"]
        assert check["details"]["last_audit_age_hours"] == 73.0
        audit_ledger()
        assert client.get("/health").json()["checks"]["ledger"]["ok"]


def test_no_audit_at_all_is_missed_once_a_seal_is_three_days_old(
    db: Session, make: Make, client: TestClient
) -> None:
    with time_machine.travel(NOON, tick=False) as moment:
        fill(db, make)
        moment.shift(timedelta(minutes=15))
        seal_ledger()
        assert client.get("/health").json()["checks"]["ledger"]["ok"]
        moment.shift(timedelta(days=3, hours=1))
        assert not client.get("/health").json()["checks"]["ledger"]["ok"]
        audit_ledger()
        db.execute(text("DELETE FROM ledger_audits WHERE book = 'pot'"))
        db.commit()
        assert "ledger" in client.get("/health").json()["degraded"]
