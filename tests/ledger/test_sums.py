"""Sums combine seals and later rows, and do not depend on the position of the last seal."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event
from sqlalchemy.orm import Session

from imatch.ledger import POT, TransactionType, post, post_many, queries
from imatch.ledger.queries import Sum, sums
from imatch.ledger.sealing.seals import seal
from tests.factories import Make
from tests.factories.movements import earn, fill, hold, spend

pytestmark = pytest.mark.both_databases

START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


@pytest.fixture
def days(db: Session, make: Make) -> int:
    """Three days, with an award and its spend an hour apart, across midnight."""
    user = make.user()
    for day in range(3):
        with time_machine.travel(START + timedelta(days=day), tick=False) as moment:
            post(db, POT, earn(user.id, 10, f"earn {day}"))
            moment.shift(timedelta(hours=2))
            post(db, POT, spend(user.id, 4, f"spend {day}"))
    with time_machine.travel(START + timedelta(days=2), tick=False):
        post(db, POT, hold(user.id, 5, "hold"))
    return user.id


@pytest.mark.parametrize("sealed", [0, 1, 4, 7])
def test_days_add_up_the_same_under_seal_or_not(db: Session, days: int, sealed: int) -> None:
    if sealed:
        seal(db, POT, max_rows=sealed)
    totals = sums(db, POT, by=("day", "transaction_type"))
    assert [(s.day, s.transaction_type, s.row_count, s.amount) for s in totals] == [
        (date(2026, 3, 1), "earn", 1, 10),
        (date(2026, 3, 2), "earn", 1, 10),
        (date(2026, 3, 2), "spend", 1, -4),
        (date(2026, 3, 3), "earn", 1, 10),
        (date(2026, 3, 3), "hold", 1, -5),
        (date(2026, 3, 3), "spend", 1, -4),
        (date(2026, 3, 4), "spend", 1, -4),
    ]


@pytest.mark.parametrize("sealed", [0, 3, 7])
def test_from_one_day_to_before_another(db: Session, days: int, sealed: int) -> None:
    if sealed:
        seal(db, POT, max_rows=sealed)
    totals = sums(db, POT, date(2026, 3, 2), date(2026, 3, 3), by=("transaction_type",))
    assert totals == [
        Sum(transaction_type="earn", row_count=1, amount=10),
        Sum(transaction_type="spend", row_count=1, amount=-4),
    ]


@pytest.mark.parametrize("sealed", [0, 3, 7])
def test_by_hour_and_kind(db: Session, days: int, sealed: int) -> None:
    if sealed:
        seal(db, POT, max_rows=sealed)
    totals = sums(
        db,
        POT,
        by=("hour", "category"),
        transaction_types=(TransactionType.EARN, TransactionType.SPEND),
    )
    assert totals == [
        Sum(hour=0, category="rush_match", row_count=3, amount=-12),
        Sum(hour=22, category="daily_login", row_count=3, amount=30),
    ]


def test_all_labels(db: Session, make: Make) -> None:
    with time_machine.travel(START, tick=False):
        fill(db, make)
    totals = sums(db, POT)
    seal(db, POT)
    assert sums(db, POT) == totals
    assert totals[0] == Sum(
        day=date(2026, 3, 1),
        transaction_type="earn",
        category="daily_login",
        phase="direct",
        system_account="",
        counter_account="treasury",
        row_count=3,
        amount=1_300,
    )
    assert sum(total.row_count for total in totals) == 11


def _plans(db: Session, ask: Callable[[], object]) -> list[str]:
    """The database's plan of each query of a call."""
    queries_seen: list[tuple[str, Any]] = []

    def record(_c: object, _cursor: object, sql: str, values: object, *_: object) -> None:
        queries_seen.append((sql, values))

    engine = db.get_bind()
    event.listen(engine, "before_cursor_execute", record)
    ask()
    event.remove(engine, "before_cursor_execute", record)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    connection = db.connection()
    if engine.dialect.name == "postgresql":
        # Otherwise a table of few rows is read completely.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return [
        "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + sql, values))
        for sql, values in queries_seen
    ]


def test_sealed_rows_are_not_read(db: Session, days: int) -> None:
    seal(db, POT, max_rows=5)
    plans = _plans(db, lambda: sums(db, POT, date(2026, 3, 1), date(2026, 4, 1)))
    plans += _plans(db, lambda: queries.system_balances(db, POT))
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    of_sums = [plan for plan in plans if "ledger_day_sums" in plan]
    of_rows = [plan for plan in plans if "pot_transactions" in plan]
    assert (len(of_sums), len(of_rows)) == (1, 2)
    by_day = "PRIMARY KEY (book=? AND day>? AND day<?)" if on_sqlite else "pk_ledger_day_sums"
    by_id = "INTEGER PRIMARY KEY (rowid>? AND rowid<?)" if on_sqlite else "pk_pot_transactions"
    assert all(by_day in plan for plan in of_sums)
    assert all(by_id in plan for plan in of_rows)


def test_expired_holds_are_found_by_their_index(db: Session, days: int) -> None:
    (plan,) = _plans(db, lambda: queries.expired_holds(db, POT, limit=10))
    assert "ix_pot_transactions_expires_at" in plan
    assert "uq_pot_transactions_hold_id" in plan


@pytest.mark.parametrize("after_id", [None, 500])
def test_a_busy_persons_statement_is_read_by_its_index(
    db: Session, make: Make, after_id: int | None
) -> None:
    """Also if most rows are theirs, and none of the oldest."""
    quiet_id, busy_id = make.user().id, make.user(email="busy@example.org").id
    people = [quiet_id] * 200 + [busy_id] * 400
    post_many(db, POT, [earn(user_id, 1, f"{n}") for n, user_id in enumerate(people)])
    db.connection().exec_driver_sql("ANALYZE pot_transactions")
    (plan,) = _plans(db, lambda: queries.statement(db, POT, busy_id, after_id=after_id))
    assert "ix_pot_transactions_user" in plan
    assert "sort" not in plan.lower()
    assert "b-tree" not in plan.lower()
    page = queries.statement(db, POT, busy_id, after_id=after_id).items
    assert [row.id for row in page] == list(
        range((after_id or 601) - 1, (after_id or 601) - 51, -1)
    )
