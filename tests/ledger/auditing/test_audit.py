"""An audit has no findings for an unchanged book, and reports every change of another."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import POT, post, queries
from imatch.ledger.auditing.audit import Audit, audit
from imatch.ledger.sealing.seals import seal
from tests.factories import Make
from tests.factories.movements import earn, fill, mint, spend
from tests.support.tampering import tamper, unguarded

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ids(db: Session, make: Make) -> dict[str, int]:
    """A book with two seals, and two unsealed rows at its end."""
    ids = fill(db, make)
    seal(db, POT, max_rows=6)
    seal(db, POT)
    ids["tail"] = post(db, POT, earn(ids["ada"], 7, "tail")).id
    ids["tail end"] = post(db, POT, spend(ids["ada"], 3, "tail end")).id
    return ids


def rows_named(result: Audit) -> set[int | None]:
    return {finding.row_id for finding in result.findings} - {None}


def sealed_rows_named(result: Audit) -> set[int | None]:
    return {f.row_id for f in result.findings if "sealed row" in f.problem}


def test_a_sound_book_has_no_findings(db: Session, ids: dict[str, int]) -> None:
    row_counts: list[int] = []
    result = audit(db, POT, progress=row_counts.append)
    assert result.findings == []
    assert (result.row_count, result.account_count, result.seal_count) == (13, 2, 2)
    assert sum(row_counts) == 13
    head = queries.head(db, POT)
    assert head is not None
    assert (result.head, result.sealed_to) == (head.hash, head.to_id)


def test_a_second_process_finds_the_same(db: Session, ids: dict[str, int]) -> None:
    assert audit(db, POT, in_two_processes=True).findings == []
    tamper(db, "UPDATE pot_transactions SET description = 'x' WHERE id = :id", id=ids["spend"])
    assert rows_named(audit(db, POT, in_two_processes=True)) == {ids["spend"]}


def test_an_empty_book_is_sound(db: Session) -> None:
    assert audit(db, POT).findings == []


CHANGES = [
    ("user_id", "earn", ":bo"),
    ("system_account", "mint", "'burned'"),
    ("counter_account", "earn", "'clawed_back'"),
    ("amount", "earn", "501"),
    ("amount", "mint", "9999"),
    ("transaction_type", "earn", "'mint'"),
    ("category", "earn", "'bug_report'"),
    ("description", "earn", "'Uni'"),
    ("description", "spend", "' '"),
    ("reference_type", "earn bo", "NULL"),
    ("reference_type", "earn bo", "''"),
    ("reference_id", "earn bo", "8"),
    ("phase", "spend", "'hold'"),
    ("hold_id", "void", ":spend"),
    ("expires_at", "hold", "NULL"),
    ("expires_at", "open hold", "'2031-01-01 00:00:00.000000'"),
    ("balance_before", "earn", "1"),
    ("balance_after", "earn", "501"),
    ("held_after", "open hold", "31"),
    ("idempotency_key", "earn", "'earn '"),
    ("metadata", "earn", """'{"from": "Zoe"}'"""),
    ("metadata", "earn", "NULL"),
    ("metadata", "spend", "'{}'"),
    ("created_at", "earn", "'2026-01-01 00:00:00.000001'"),
]


@pytest.mark.parametrize(("column", "row", "value"), CHANGES)
def test_a_changed_column_of_a_sealed_row_is_named(
    db: Session, ids: dict[str, int], column: str, row: str, value: str
) -> None:
    named = {name: ids[name] for name in ("bo", "spend") if f":{name}" in value}
    tamper(
        db, f"UPDATE pot_transactions SET {column} = {value} WHERE id = :id", id=ids[row], **named
    )
    result = audit(db, POT)
    assert sealed_rows_named(result) == {ids[row]}
    finding = next(f for f in result.findings if "sealed row" in f.problem)
    assert finding.book == "pot"
    assert finding.expected != finding.found


def test_a_changed_id_is_a_missing_row(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "UPDATE pot_transactions SET id = 9000 WHERE id = :id", id=ids["spend"])
    assert ids["spend"] in sealed_rows_named(audit(db, POT))


@pytest.mark.parametrize("row", ["tail", "tail end"])
@pytest.mark.parametrize("change", ["amount = amount - 1", "balance_after = balance_after + 1"])
def test_a_changed_amount_after_the_last_seal_is_named(
    db: Session, ids: dict[str, int], row: str, change: str
) -> None:
    tamper(db, f"UPDATE pot_transactions SET {change} WHERE id = :id", id=ids[row])
    assert ids[row] in rows_named(audit(db, POT))


@pytest.mark.parametrize("row", ["mint", "earn", "post", "spend bo"])
def test_a_deleted_row_is_named(db: Session, ids: dict[str, int], row: str) -> None:
    tamper(db, "DELETE FROM pot_transactions WHERE id = :id", id=ids[row])
    result = audit(db, POT)
    assert sealed_rows_named(result) == {ids[row]}
    finding = next(f for f in result.findings if f.row_id == ids[row] and "sealed" in f.problem)
    assert (finding.expected, finding.found) == ("a row", "none")


def test_a_deleted_row_after_the_last_seal_is_missed(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "DELETE FROM pot_transactions WHERE id = :id", id=ids["tail"])
    result = audit(db, POT)
    assert rows_named(result) == {ids["tail end"]}  # whose balance before is nobody's
    assert {f.user_id for f in result.findings} >= {ids["ada"]}


_COPY = """
    INSERT INTO pot_transactions (id, user_id, counter_account, amount, transaction_type, category,
        phase, balance_before, balance_after, held_after, idempotency_key, created_at)
    SELECT :id, user_id, counter_account, amount, transaction_type, category,
        phase, balance_before, balance_after, held_after, 'forged', created_at
    FROM pot_transactions WHERE id = :original
"""


@pytest.mark.parametrize("place", [-5, 0, 9_000])
def test_a_forged_row_is_named(db: Session, ids: dict[str, int], place: int) -> None:
    tamper(db, _COPY, id=place, original=ids["earn again"])
    assert place in rows_named(audit(db, POT))


def test_a_row_forged_into_a_gap_of_a_sealed_range_is_named(db: Session, make: Make) -> None:
    ids = fill(db, make)
    if db.get_bind().dialect.name == "sqlite":
        tamper(db, "UPDATE pot_transactions SET id = 15 WHERE id = :id", id=ids["spend bo"])
    else:
        db.execute(text("SELECT setval('pot_transactions_id_seq', 15)"))
        db.rollback()
    post(db, POT, earn(ids["bo"], 1, "after the gap"))
    seal(db, POT)
    tamper(db, _COPY, id=13, original=ids["earn again"])
    result = audit(db, POT)
    assert {f.row_id for f in result.findings if "among the sealed" in f.problem} == {13}


@pytest.mark.parametrize("sealed", [False, True])
def test_a_row_with_an_account_that_the_book_does_not_have_is_named(
    db: Session, ids: dict[str, int], *, sealed: bool
) -> None:
    db.execute(
        text(
            "INSERT INTO pot_transactions (system_account, counter_account, amount, category,"
            " transaction_type, phase, idempotency_key, created_at)"
            " VALUES ('slush', 'treasury', 9, 'x', 'mint', 'direct', 'slush', :moment)"
        ),
        {"moment": now()},
    )
    db.commit()
    if sealed:
        seal(db, POT)
    (finding,) = [f for f in audit(db, POT).findings if f.problem == "the other account"]
    assert (finding.row_id, finding.found) == (max(ids.values()) + 1, "slush")


def test_two_swapped_rows_are_both_named(db: Session, ids: dict[str, int]) -> None:
    first, second = ids["earn"], ids["earn again"]
    with unguarded(db):
        for was, becomes in ((first, 9_999), (second, first), (9_999, second)):
            db.execute(
                text("UPDATE pot_transactions SET id = :becomes WHERE id = :was"),
                {"was": was, "becomes": becomes},
            )
    assert sealed_rows_named(audit(db, POT)) == {first, second}


@pytest.mark.parametrize(
    "change",
    [
        "balance = balance + 1",
        "held = held - 1",
        "version = version + 1",
        "earned = 0",
        "spent = 1",
        "burned = burned + 5",
    ],
)
def test_a_changed_account_is_named(db: Session, ids: dict[str, int], change: str) -> None:
    column = change.split(maxsplit=1)[0]
    tamper(db, f"UPDATE pot_accounts SET {change} WHERE user_id = :id", id=ids["bo"])
    findings = audit(db, POT).findings
    assert {(f.user_id, f.problem) for f in findings} - {(None, "what all people have")} == {
        (ids["bo"], f"the account's {column}")
    }


def test_a_deleted_account_is_named(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "DELETE FROM pot_accounts WHERE user_id = :id", id=ids["bo"])
    assert (ids["bo"], "the account") in {(f.user_id, f.problem) for f in audit(db, POT).findings}


def test_what_people_have_is_what_was_issued(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "UPDATE pot_accounts SET balance = balance + 9 WHERE user_id = :id", id=ids["bo"])
    (total,) = [f for f in audit(db, POT).findings if f.problem == "what all people have"]
    assert int(total.found) == int(total.expected) + 9


def test_a_removed_first_seal_breaks_the_chain(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "DELETE FROM ledger_seals WHERE from_id = 1")
    problems = [f.problem for f in audit(db, POT).findings]
    assert any("begins at" in problem for problem in problems)
    assert any("the hash before the seal of rows 7 to 11" in problem for problem in problems)


def test_a_removed_last_seal_leaves_rows_without_one(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "DELETE FROM ledger_seals WHERE from_id = 7")
    (finding,) = [f for f in audit(db, POT).findings if "seals may be missing" in f.problem]
    assert (finding.row_id, finding.expected, finding.found) == (6, "11", "6")


@pytest.mark.parametrize(
    "change",
    [
        "hash = '" + "a" * 64 + "'",
        "previous_hash = '" + "b" * 64 + "'",
        "row_count = 6",
        "created_at = '2026-01-01 00:00:00.000000'",
        """system_balances = '{"mint": 0}'""",
    ],
)
def test_a_rewritten_seal_is_named(db: Session, ids: dict[str, int], change: str) -> None:
    tamper(db, f"UPDATE ledger_seals SET {change} WHERE from_id = 7")
    problems = [f.problem for f in audit(db, POT).findings]
    assert any("the seal of rows 7 to 11" in problem for problem in problems)


def test_rewritten_digests_are_found(db: Session, ids: dict[str, int]) -> None:
    tamper(db, "UPDATE ledger_seals SET row_digests = :zeros WHERE from_id = 7", zeros=bytes(40))
    problems = [f.problem for f in audit(db, POT).findings]
    assert "the row digests of the seal of rows 7 to 11" in problems


def test_rewriting_all_seals_does_not_match_the_published_head(
    db: Session, ids: dict[str, int]
) -> None:
    published = audit(db, POT).head
    with unguarded(db):
        for table in ("ledger_seals", "ledger_day_sums", "ledger_hour_sums"):
            db.execute(text(f"DELETE FROM {table}"))
        db.execute(
            text("UPDATE pot_transactions SET description = 'forged' WHERE id = :id"),
            {"id": ids["earn"]},
        )
    seal(db, POT)
    assert audit(db, POT).findings == []
    (finding,) = audit(db, POT, published=published).findings
    assert (finding.problem, finding.expected) == ("the published head", published)


@pytest.mark.parametrize("table", ["ledger_day_sums", "ledger_hour_sums"])
@pytest.mark.parametrize("figure", ["amount", "row_count"])
def test_a_changed_sum_is_named(db: Session, ids: dict[str, int], table: str, figure: str) -> None:
    tamper(db, f"UPDATE {table} SET {figure} = {figure} + 1 WHERE category = 'policy'")
    problems = [f.problem for f in audit(db, POT).findings]
    assert any("the sealed sum" in problem and "policy" in problem for problem in problems)


def test_a_dropped_trigger_is_named(db: Session, ids: dict[str, int]) -> None:
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    table = "" if on_sqlite else " ON pot_transactions"
    name = "pot_transactions_frozen_UPDATE" if on_sqlite else "pot_transactions_frozen"
    with atomic(db):
        db.execute(text(f"DROP TRIGGER {name}{table}"))
    (finding,) = audit(db, POT).findings
    assert (finding.problem, finding.found) == (f"the trigger {name}", "none")


@pytest.mark.postgresql
def test_a_trigger_that_is_switched_off_is_named(postgresql_url: str) -> None:
    bound = database.bind(postgresql_url)
    with bound.begin() as connection:
        connection.execute(
            text("ALTER TABLE pot_transactions DISABLE TRIGGER pot_transactions_apply")
        )
    with SessionLocal() as db:
        (finding,) = audit(db, POT).findings
    assert finding.problem == "the trigger pot_transactions_apply"
    assert finding.found.endswith("switched off")
    with bound.begin() as connection:
        connection.execute(
            text("ALTER TABLE pot_transactions ENABLE TRIGGER pot_transactions_apply")
        )
    bound.dispose()


def test_what_is_posted_during_an_audit_is_no_drift(
    db: Session, ids: dict[str, int], new_session: Callable[[], Session]
) -> None:
    posted: list[int] = []

    def post_more(_rows: int) -> None:
        with new_session() as other:
            posted.append(post(other, POT, earn(ids["bo"], 1, f"more {len(posted)}")).id)

    assert audit(db, POT, progress=post_more).findings == []
    assert posted
    assert audit(db, POT).row_count == 13 + len(posted)


def test_bytes_in_place_of_text_are_named(sqlite_url: str) -> None:
    bound = database.bind(sqlite_url)
    with SessionLocal() as db:
        ids = fill(db, Make(db))
        seal(db, POT)
        tamper(db, "UPDATE pot_transactions SET category = x'6162' WHERE id = :id", id=ids["spend"])
        tamper(db, "UPDATE pot_transactions SET amount = 'many' WHERE id = :id", id=ids["earn"])
        assert sealed_rows_named(audit(db, POT)) >= {ids["spend"], ids["earn"]}
    bound.dispose()


def test_a_changed_mint_before_its_seal_changes_system_balances(
    db: Session, ids: dict[str, int]
) -> None:
    """Rows between system accounts have no running balance: only their seal shows changes."""
    minted = post(db, POT, mint(50, "more")).id
    tamper(db, "UPDATE pot_transactions SET amount = 60 WHERE id = :id", id=minted)
    assert audit(db, POT).findings == []
    seal(db, POT)
    tamper(db, "UPDATE pot_transactions SET amount = 50 WHERE id = :id", id=minted)
    assert sealed_rows_named(audit(db, POT)) == {minted}
