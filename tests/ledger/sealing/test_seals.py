"""Final ranges are sealed in a hash chain that anybody can recompute."""

import hashlib
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import CASH, POT, Movement, SystemAccount, TransactionType, post, queries
from imatch.ledger.auditing.audit import audit
from imatch.ledger.models import LedgerDaySum, LedgerSeal, PotTransaction
from imatch.ledger.sealing.rows import COLUMNS, JournalReader
from imatch.ledger.sealing.seals import SealNotStored, seal
from tests.factories import Make
from tests.factories.movements import earn, fill
from tests.support.repository import ROOT
from tests.support.tampering import tamper

pytestmark = pytest.mark.both_databases

EMPTY = "0" * 64


def seals(db: Session) -> list[LedgerSeal]:
    return list(db.scalars(select(LedgerSeal).order_by(LedgerSeal.book, LedgerSeal.to_id)))


def test_an_empty_book_has_nothing_to_seal(db: Session) -> None:
    assert seal(db, POT) == 0
    assert queries.head(db, POT) is None


def test_ranges_follow_each_other_without_a_gap(db: Session, make: Make) -> None:
    fill(db, make)
    assert [seal(db, POT, max_rows=4) for _ in range(4)] == [4, 4, 3, 0]
    stored = seals(db)
    assert [stored[0].from_id, stored[0].previous_hash] == [1, EMPTY]
    for before, after in itertools.pairwise(stored):
        assert (after.from_id, after.previous_hash) == (before.to_id + 1, before.hash)
    assert sum(stored_seal.row_count for stored_seal in stored) == 11
    assert [len(stored_seal.row_digests) for stored_seal in stored] == [32, 32, 24]


def test_books_are_sealed_apart(db: Session, make: Make) -> None:
    fill(db, make)
    post(
        db,
        CASH,
        Movement(
            key="paid",
            system_account=SystemAccount.COMMISSION_RECEIVED,
            counter_account=SystemAccount.PAYERS,
            amount=5_000,
            transaction_type=TransactionType.COMMISSION,
            category="engagement",
        ),
    )
    assert (seal(db, POT), seal(db, CASH)) == (11, 1)
    head = queries.head(db, CASH)
    assert head is not None
    assert head.system_balances["commission_received"] == 5_000
    assert head.system_balances["payers"] == -5_000


def test_every_column_is_sealed() -> None:
    assert set(COLUMNS) == set(PotTransaction.__table__.columns.keys())


def test_the_text_of_a_row_is_plain_json(db: Session, make: Make) -> None:
    """The text is equal byte for byte in any language and on both databases."""
    with time_machine.travel(datetime(2026, 3, 1, 9, 5, 0, 70, tzinfo=UTC), tick=False):
        ids = fill(db, make)
    reader = JournalReader(POT, db.connection())
    texts = {row_id: line for row_id, line, _ in reader.texts(0, 10**9, 100)}
    for name, row in (
        (
            "earn",
            [
                ids["earn"],
                ids["ada"],
                None,
                "treasury",
                500,
                "earn",
                "daily_login",
                "Ünï",
                None,
                None,
                "direct",
                None,
                None,
                0,
                500,
                0,
                "earn",
                json.dumps({"from": 'Zoë\'s "first"\nday'}, ensure_ascii=False),
                "2026-03-01 09:05:00.000070",
            ],
        ),
        (
            "hold",
            [
                ids["hold"],
                ids["ada"],
                None,
                "burned",
                -60,
                "hold",
                "workshop",
                "",
                None,
                None,
                "hold",
                None,
                "2026-03-01 10:05:00.000070",
                460,
                400,
                60,
                "hold",
                None,
                "2026-03-01 09:05:00.000070",
            ],
        ),
    ):
        expected = json.dumps(row, separators=(",", ":"), ensure_ascii=False)
        assert texts[ids[name]] == expected


def test_odd_characters_have_the_same_text_everywhere(db: Session, make: Make) -> None:
    odd = "".join(map(chr, range(1, 0xA0))) + "\u2028\ufeff😀\\'\""
    user = make.user()
    row = post(db, POT, earn(user.id, 1, "odd", description=odd))
    ((_, line, _),) = JournalReader(POT, db.connection()).texts(0, row.id, 1)
    assert json.dumps(odd, ensure_ascii=False) in line
    assert json.loads(line)[COLUMNS.index("description")] == odd


def test_a_hash_can_be_recomputed(db: Session, make: Make) -> None:
    fill(db, make)
    seal(db, POT)
    (stored,) = seals(db)
    facts = [
        stored.previous_hash,
        "pot",
        1,
        stored.to_id,
        11,
        dict(sorted(stored.system_balances.items())),
        stored.created_at.strftime("%Y-%m-%d %H:%M:%S.%f"),
    ]
    lines = [json.dumps(facts, separators=(",", ":")).encode()]
    rows = JournalReader(POT, db.connection()).texts(0, stored.to_id, 100)
    lines += [line.encode() for _, line, _ in rows]
    assert hashlib.sha256(b"\n".join(lines)).hexdigest() == stored.hash


def test_a_seal_knows_what_system_accounts_have(db: Session, make: Make) -> None:
    fill(db, make)
    expected = {
        "mint": -10_000,
        "treasury": 10_000 - 1_300,
        "burned": 40 + 45 + 5,
        "redeemed": 0,
        "clawed_back": 0,
    }
    assert queries.system_balances(db, POT) == expected
    seal(db, POT, max_rows=5)
    assert queries.system_balances(db, POT) == expected
    seal(db, POT)
    head = queries.head(db, POT)
    assert head is not None
    assert head.system_balances == expected
    assert queries.system_balances(db, POT) == expected


def test_a_seal_waits_for_nobodys_transaction(db: Session, make: Make) -> None:
    fill(db, make)
    with atomic(db), pytest.raises(RuntimeError, match="transaction of its own"):
        seal(db, POT)


@pytest.mark.postgresql
def test_rows_that_are_not_committed_yet_are_waited_for(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id below the highest may still become visible: its writer has not committed yet."""
    bound = database.bind(postgresql_url)
    monkeypatch.setattr("imatch.ledger.sealing.seals._LOCK_TIMEOUT", "30s")
    sealed: list[int] = []

    def seal_in_a_thread() -> None:
        with SessionLocal() as other:
            sealed.append(seal(other, POT))

    with SessionLocal() as db:
        make = Make(db)
        one, two = make.user(), make.user()
        with SessionLocal() as slow, atomic(slow):
            late = post(slow, POT, earn(one.id, 5, "late"))
            early = post(db, POT, earn(two.id, 5, "early"))
            assert late.id < early.id
            thread = threading.Thread(target=seal_in_a_thread)
            thread.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND NOT granted"
            while not db.scalar(text(waiting)):
                db.rollback()
        thread.join()
        assert sealed == [2]
        assert audit(db, POT).findings == []
    bound.dispose()


@pytest.mark.postgresql
def test_a_long_transaction_postpones_the_seal(postgresql_url: str) -> None:
    bound = database.bind(postgresql_url)
    with SessionLocal() as db, SessionLocal() as slow:
        user = Make(db).user()
        with atomic(slow):
            post(slow, POT, earn(user.id, 5, "late"))
            assert seal(db, POT) == 0
        assert seal(db, POT) == 1
    bound.dispose()


def test_of_two_concurrent_seals_one_is_refused(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    fill(db, make)
    sealed: list[int] = []
    both = threading.Barrier(2)

    def run() -> None:
        with new_session() as own:
            both.wait()
            sealed.append(seal(own, POT))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sealed) == [0, 11]
    assert db.scalar(select(func.sum(LedgerDaySum.row_count))) == 11
    assert audit(db, POT).findings == []


def test_a_gap_in_the_ids_is_no_fault(db: Session, make: Make) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 5, "one"))
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT nextval('pot_transactions_id_seq')"))
        db.rollback()
    post(db, POT, earn(user.id, 5, "two"))
    assert seal(db, POT) == 2
    assert audit(db, POT).findings == []


def test_the_program_in_the_reference_follows_the_chain(sqlite_url: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    bound = database.bind(sqlite_url)
    with SessionLocal() as db:
        ids = fill(db, Make(db))
        seal(db, POT, max_rows=6)
        seal(db, POT)
        command = [sys.executable, "-c", program]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert result.stdout.splitlines() == ["6 holds", "11 holds"]
        tamper(db, "UPDATE pot_transactions SET amount = 9 WHERE id = :id", id=ids["earn"])
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert result.stdout.splitlines() == ["6 BROKEN", "11 holds"]
    bound.dispose()


def test_a_seal_that_the_database_discards_raises(db: Session, make: Make) -> None:
    """Otherwise the same rows would be sealed and summed again and again."""
    fill(db, make)
    db.rollback()
    dropping = {
        "sqlite": (
            "CREATE TRIGGER quiet BEFORE INSERT ON ledger_seals BEGIN SELECT RAISE(IGNORE); END"
        ),
        "postgresql": "CREATE RULE quiet AS ON INSERT TO ledger_seals DO INSTEAD NOTHING",
    }
    dialect = db.get_bind().dialect.name
    with atomic(db):
        db.execute(text(dropping[dialect]))
    try:
        with pytest.raises(SealNotStored):
            seal(db, POT)
        assert db.scalar(select(func.count()).select_from(LedgerDaySum)) == 0
        assert any("quiet" in finding.problem for finding in audit(db, POT).findings)
    finally:
        drop = "TRIGGER quiet" if dialect == "sqlite" else "RULE quiet ON ledger_seals"
        with atomic(db):
            db.execute(text(f"DROP {drop}"))
    assert seal(db, POT) == 11
