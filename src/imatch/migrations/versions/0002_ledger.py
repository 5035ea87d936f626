"""Create both books: accounts, journals that only grow, and their seals.

The POT journal of 0001 was never written to; it is made anew with all its columns.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# What each book's trigger also counts in its accounts; pot's totals move with the balance.
COUNTERS = {
    "pot": {
        "earned": "CASE WHEN {n}.transaction_type = 'earn' THEN {n}.amount ELSE 0 END",
        "spent": "CASE WHEN {n}.transaction_type IN ('spend', 'burn')"
        " AND {n}.phase IN ('direct', 'post') THEN -{n}.amount ELSE 0 END",
        "burned": "CASE WHEN {n}.counter_account = 'burned'"
        " AND {n}.phase IN ('direct', 'post') THEN -{n}.amount ELSE 0 END",
    },
    "cash": {},
}

# Seven days in UTC, today among them: as POTService counts them.
WEEK_BEGAN = {
    "sqlite": "date('now', '-6 days')",
    "postgresql": "date_trunc('day', now(), 'UTC') - interval '144 hours'",
}
POT_ECONOMY_STATS = """
    SELECT people.total_users, pot.*,
           CASE WHEN people.total_users = 0 THEN '0.0%'
                ELSE ROUND(100.0 * pot.users_with_pot / people.total_users, 1) || '%'
           END AS participation_rate,
           CASE WHEN pot.total_pot_earned_all_time = 0 THEN '0.0%'
                ELSE ROUND(100.0 * pot.total_pot_burned_all_time
                           / pot.total_pot_earned_all_time, 1) || '%'
           END AS burn_rate,
           (SELECT COUNT(*) FROM pot_transactions t
            WHERE t.user_id IS NOT NULL AND t.created_at >= {week_began}) AS transactions_last_7_days
    FROM (SELECT COUNT(*) AS total_users FROM users) people
    CROSS JOIN (
        SELECT COUNT(CASE WHEN balance > 0 THEN 1 END) AS users_with_pot,
               COALESCE(SUM(balance), 0) AS total_pot_in_circulation,
               COALESCE(SUM(held), 0) AS total_pot_held,
               COALESCE(SUM(earned), 0) AS total_pot_earned_all_time,
               COALESCE(SUM(spent), 0) AS total_pot_spent_all_time,
               COALESCE(SUM(burned), 0) AS total_pot_burned_all_time
        FROM pot_accounts) pot
"""

FIRST_POT_ECONOMY_STATS = """
        SELECT (SELECT COUNT(*) FROM users) AS total_users,
               COUNT(DISTINCT t.user_id) AS users_with_pot,
               COALESCE(SUM(t.amount), 0) AS total_pot_in_circulation,
               COALESCE(SUM(CASE WHEN t.transaction_type = 'earn' THEN t.amount END), 0)
                   AS total_pot_earned_all_time,
               COALESCE(-SUM(CASE WHEN t.transaction_type IN ('spend', 'burn')
                                  THEN t.amount END), 0)
                   AS total_pot_spent_all_time,
               COALESCE(-SUM(CASE WHEN t.transaction_type = 'burn' THEN t.amount END), 0)
                   AS total_pot_burned_all_time
        FROM pot_transactions t
        WHERE t.user_id IS NOT NULL
    """

# A key that is known leaves no row. REPLACE would otherwise delete rows unseen: that of the key, of
# the id, or what resolved the same hold.
SQLITE_ONCE = """
CREATE TRIGGER {book}_transactions_once BEFORE INSERT ON {book}_transactions BEGIN
  SELECT RAISE(IGNORE) WHERE EXISTS
    (SELECT 1 FROM {book}_transactions t WHERE t.idempotency_key = NEW.idempotency_key);
  SELECT RAISE(ABORT, 'journal rows are immutable') WHERE EXISTS
    (SELECT 1 FROM {book}_transactions t WHERE t.id = NEW.id);
  SELECT RAISE(ABORT, 'journal rows are immutable') WHERE NEW.hold_id IS NOT NULL AND EXISTS
    (SELECT 1 FROM {book}_transactions t WHERE t.hold_id = NEW.hold_id);
END
"""
SQLITE_APPLY = """
CREATE TRIGGER {book}_transactions_apply AFTER INSERT ON {book}_transactions
WHEN NEW.user_id IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'the hold is not open') WHERE NEW.phase IN ('post', 'void') AND NOT EXISTS (
    SELECT 1 FROM {book}_transactions h
    WHERE h.id = NEW.hold_id AND h.phase = 'hold' AND h.user_id = NEW.user_id
      AND h.counter_account = NEW.counter_account
      AND CASE NEW.phase WHEN 'void' THEN NEW.amount = -h.amount
          ELSE NEW.amount >= h.amount
               AND (h.expires_at IS NULL OR h.expires_at > NEW.created_at) END);
  UPDATE {book}_accounts SET
    version = version + 1,
    balance = balance + CASE WHEN NEW.phase IN ('direct', 'post') THEN NEW.amount ELSE 0 END,
    held = held + CASE NEW.phase WHEN 'direct' THEN 0 WHEN 'hold' THEN -NEW.amount
      ELSE (SELECT h.amount FROM {book}_transactions h WHERE h.id = NEW.hold_id) END{counters}
  WHERE user_id = NEW.user_id;
  SELECT RAISE(ABORT, 'the running balance disagrees') WHERE NOT EXISTS (
    SELECT 1 FROM {book}_accounts a
    WHERE a.user_id = NEW.user_id
      AND a.balance - a.held = NEW.balance_after AND a.held = NEW.held_after
      AND NEW.balance_after - NEW.balance_before = NEW.amount - CASE NEW.phase WHEN 'post' THEN
        (SELECT h.amount FROM {book}_transactions h WHERE h.id = NEW.hold_id) ELSE 0 END);
END
"""
SQLITE_FROZEN = """
CREATE TRIGGER {book}_transactions_frozen_{verb} BEFORE {verb} ON {book}_transactions BEGIN
  SELECT RAISE(ABORT, 'journal rows are immutable');
END
"""

# Numbers are given under the account's lock, so that a person's entries are in order. A row that
# cannot be carried out is left out, which does not end the transaction as an error would.
# Planning its statements anew took half of a row's time; every look-up has an index.
POSTGRESQL_APPLY = """
CREATE FUNCTION {book}_transactions_apply() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  hold_amount bigint := 0;
  moved bigint := 0;
  held_change bigint := 0;
BEGIN
  IF NEW.user_id IS NOT NULL THEN
    IF NEW.phase = 'direct' THEN
      moved := NEW.amount;
    ELSIF NEW.phase = 'hold' THEN
      held_change := -NEW.amount;
    ELSE
      -- Of two that resolve one hold at once, the second waits here and then finds it resolved.
      PERFORM 1 FROM {book}_accounts a WHERE a.user_id = NEW.user_id FOR NO KEY UPDATE;
      SELECT h.amount INTO hold_amount FROM {book}_transactions h
      WHERE h.id = NEW.hold_id AND h.phase = 'hold' AND h.user_id = NEW.user_id
        AND h.counter_account = NEW.counter_account
        AND CASE NEW.phase WHEN 'void' THEN NEW.amount = -h.amount
            ELSE NEW.amount >= h.amount
                 AND (h.expires_at IS NULL OR h.expires_at > NEW.created_at) END
        AND NOT EXISTS (SELECT 1 FROM {book}_transactions t WHERE t.hold_id = NEW.hold_id);
      IF NOT FOUND THEN
        RETURN NULL;
      END IF;
      held_change := hold_amount;
      IF NEW.phase = 'post' THEN
        moved := NEW.amount;
      END IF;
    END IF;
    UPDATE {book}_accounts a SET
      version = a.version + 1,
      balance = a.balance + moved,
      held = a.held + held_change{counters}
    WHERE a.user_id = NEW.user_id
      AND a.balance + moved >= a.held + held_change
      AND NOT EXISTS (SELECT 1 FROM {book}_transactions t
                      WHERE t.idempotency_key = NEW.idempotency_key)
    RETURNING a.balance - a.held, a.held INTO NEW.balance_after, NEW.held_after;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    NEW.balance_before := NEW.balance_after - moved + held_change;
  ELSIF EXISTS (SELECT 1 FROM {book}_transactions t
                WHERE t.idempotency_key = NEW.idempotency_key) THEN
    RETURN NULL;
  END IF;
  NEW.id := nextval('{book}_transactions_id_seq');
  RETURN NEW;
END $$
"""
POSTGRESQL_TRIGGERS = (
    """CREATE TRIGGER {book}_transactions_apply BEFORE INSERT ON {book}_transactions
    FOR EACH ROW EXECUTE FUNCTION {book}_transactions_apply()""",
    """CREATE TRIGGER {book}_transactions_frozen BEFORE UPDATE OR DELETE ON {book}_transactions
    FOR EACH ROW EXECUTE FUNCTION journal_frozen()""",
    """CREATE TRIGGER {book}_transactions_kept BEFORE TRUNCATE ON {book}_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION journal_frozen()""",
    # The trigger gives the numbers, and in its own order.
    "ALTER TABLE {book}_transactions ALTER COLUMN id DROP DEFAULT",
    "ALTER TABLE {book}_accounts SET (fillfactor = 80)",
)
POSTGRESQL_FROZEN = """
CREATE FUNCTION journal_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'journal rows are immutable';
END $$
"""


def _create_triggers(book: str) -> None:
    counters = COUNTERS[book]
    if op.get_bind().dialect.name == "sqlite":
        own = "".join(
            f",\n    {name} = {name} + {value.format(n='NEW')}" for name, value in counters.items()
        )
        op.execute(SQLITE_ONCE.format(book=book))
        op.execute(SQLITE_APPLY.format(book=book, counters=own))
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE_FROZEN.format(book=book, verb=verb))
        return
    own = "".join(
        f",\n      {name} = a.{name} + {value.format(n='NEW')}" for name, value in counters.items()
    )
    op.execute(POSTGRESQL_APPLY.format(book=book, counters=own))
    for statement in POSTGRESQL_TRIGGERS:
        op.execute(statement.format(book=book))


def upgrade() -> None:
    op.execute("DROP VIEW pot_economy_stats")
    op.drop_table("pot_transactions")

    op.create_table(
        "ledger_audits",
        sa.Column("book", sa.String(length=8), nullable=False),
        sa.Column("row_count", BIG, nullable=False),
        sa.Column("finding_count", BIG, nullable=False),
        sa.Column("first_finding", sa.String(length=300), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book", name=op.f("pk_ledger_audits")),
    )
    op.create_table(
        "ledger_day_sums",
        sa.Column("book", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("transaction_type", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("system_account", sa.String(length=24), nullable=False),
        sa.Column("counter_account", sa.String(length=24), nullable=False),
        sa.Column("row_count", BIG, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "book",
            "day",
            "transaction_type",
            "category",
            "phase",
            "system_account",
            "counter_account",
            name=op.f("pk_ledger_day_sums"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_hour_sums",
        sa.Column("book", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", BIG, autoincrement=False, nullable=False),
        sa.Column("transaction_type", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("system_account", sa.String(length=24), nullable=False),
        sa.Column("counter_account", sa.String(length=24), nullable=False),
        sa.Column("row_count", BIG, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "book",
            "day",
            "hour",
            "transaction_type",
            "category",
            "phase",
            "system_account",
            "counter_account",
            name=op.f("pk_ledger_hour_sums"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_seals",
        sa.Column("book", sa.String(length=8), nullable=False),
        sa.Column("to_id", BIG, autoincrement=False, nullable=False),
        sa.Column("from_id", BIG, nullable=False),
        sa.Column("row_count", BIG, nullable=False),
        sa.Column("system_balances", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("row_digests", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book", "to_id", name=op.f("pk_ledger_seals")),
        sa.UniqueConstraint("book", "from_id", name=op.f("uq_ledger_seals_book_from_id")),
    )
    op.create_table(
        "cash_accounts",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("balance", BIG, server_default="0", nullable=False),
        sa.Column("held", BIG, server_default="0", nullable=False),
        sa.Column("version", BIG, server_default="0", nullable=False),
        sa.CheckConstraint("balance >= held", name=op.f("ck_cash_accounts_no_overdraft")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_cash_accounts_held")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_cash_accounts_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_cash_accounts")),
    )
    op.create_table(
        "cash_transactions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("system_account", sa.String(length=24), nullable=True),
        sa.Column("counter_account", sa.String(length=24), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("transaction_type", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=300), server_default="", nullable=False),
        sa.Column("reference_type", sa.String(length=32), nullable=True),
        sa.Column("reference_id", BIG, nullable=True),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("hold_id", BIG, nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("balance_before", BIG, nullable=True),
        sa.Column("balance_after", BIG, nullable=True),
        sa.Column("held_after", BIG, nullable=True),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(phase IN ('post', 'void')) = (hold_id IS NOT NULL)",
            name=op.f("ck_cash_transactions_resolves"),
        ),
        sa.CheckConstraint(
            "phase = 'direct' OR user_id IS NOT NULL",
            name=op.f("ck_cash_transactions_held_by_a_person"),
        ),
        sa.CheckConstraint(
            "phase = 'hold' OR expires_at IS NULL", name=op.f("ck_cash_transactions_expiry")
        ),
        sa.CheckConstraint(
            "phase IN ('direct', 'hold', 'post', 'void')", name=op.f("ck_cash_transactions_phase")
        ),
        sa.CheckConstraint(
            "phase NOT IN ('hold', 'post') OR amount < 0",
            name=op.f("ck_cash_transactions_held_amount"),
        ),
        sa.CheckConstraint(
            "transaction_type IN ('commission', 'refund', 'reserve', 'allowance', 'hold', 'release', 'payout', 'loss')",
            name=op.f("ck_cash_transactions_transaction_type"),
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (system_account IS NULL)",
            name=op.f("ck_cash_transactions_one_owner"),
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) = (balance_after IS NULL) AND (user_id IS NULL) = (balance_before IS NULL) AND (user_id IS NULL) = (held_after IS NULL)",
            name=op.f("ck_cash_transactions_running_balance"),
        ),
        sa.CheckConstraint(
            "amount <> 0 AND abs(amount) <= 1000000000000000",
            name=op.f("ck_cash_transactions_amount"),
        ),
        sa.CheckConstraint(
            "system_account <> counter_account", name=op.f("ck_cash_transactions_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_cash_transactions_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_transactions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_cash_transactions_idempotency_key")),
    )
    op.create_index(
        "ix_cash_transactions_created_at", "cash_transactions", ["created_at"], unique=False
    )
    op.create_index(
        "ix_cash_transactions_expires_at",
        "cash_transactions",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_cash_transactions_user", "cash_transactions", ["user_id", "id"], unique=False
    )
    op.create_index("uq_cash_transactions_hold_id", "cash_transactions", ["hold_id"], unique=True)
    op.create_table(
        "pot_accounts",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("earned", BIG, server_default="0", nullable=False),
        sa.Column("spent", BIG, server_default="0", nullable=False),
        sa.Column("burned", BIG, server_default="0", nullable=False),
        sa.Column("balance", BIG, server_default="0", nullable=False),
        sa.Column("held", BIG, server_default="0", nullable=False),
        sa.Column("version", BIG, server_default="0", nullable=False),
        sa.CheckConstraint("balance >= held", name=op.f("ck_pot_accounts_no_overdraft")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_pot_accounts_held")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_accounts_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_pot_accounts")),
    )
    op.create_table(
        "pot_transactions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("system_account", sa.String(length=24), nullable=True),
        sa.Column("counter_account", sa.String(length=24), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("transaction_type", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=300), server_default="", nullable=False),
        sa.Column("reference_type", sa.String(length=32), nullable=True),
        sa.Column("reference_id", BIG, nullable=True),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("hold_id", BIG, nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("balance_before", BIG, nullable=True),
        sa.Column("balance_after", BIG, nullable=True),
        sa.Column("held_after", BIG, nullable=True),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(phase IN ('post', 'void')) = (hold_id IS NOT NULL)",
            name=op.f("ck_pot_transactions_resolves"),
        ),
        sa.CheckConstraint(
            "phase = 'direct' OR user_id IS NOT NULL",
            name=op.f("ck_pot_transactions_held_by_a_person"),
        ),
        sa.CheckConstraint(
            "phase = 'hold' OR expires_at IS NULL", name=op.f("ck_pot_transactions_expiry")
        ),
        sa.CheckConstraint(
            "phase IN ('direct', 'hold', 'post', 'void')", name=op.f("ck_pot_transactions_phase")
        ),
        sa.CheckConstraint(
            "phase NOT IN ('hold', 'post') OR amount < 0",
            name=op.f("ck_pot_transactions_held_amount"),
        ),
        sa.CheckConstraint(
            "transaction_type IN ('earn', 'spend', 'burn', 'redeem', 'hold', 'release', 'clawback', 'mint')",
            name=op.f("ck_pot_transactions_transaction_type"),
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (system_account IS NULL)",
            name=op.f("ck_pot_transactions_one_owner"),
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) = (balance_after IS NULL) AND (user_id IS NULL) = (balance_before IS NULL) AND (user_id IS NULL) = (held_after IS NULL)",
            name=op.f("ck_pot_transactions_running_balance"),
        ),
        sa.CheckConstraint(
            "amount <> 0 AND abs(amount) <= 1000000000000000",
            name=op.f("ck_pot_transactions_amount"),
        ),
        sa.CheckConstraint(
            "system_account <> counter_account", name=op.f("ck_pot_transactions_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_pot_transactions_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_transactions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_pot_transactions_idempotency_key")),
    )
    op.create_index(
        "ix_pot_transactions_created_at", "pot_transactions", ["created_at"], unique=False
    )
    op.create_index(
        "ix_pot_transactions_expires_at",
        "pot_transactions",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index("ix_pot_transactions_user", "pot_transactions", ["user_id", "id"], unique=False)
    op.create_index("uq_pot_transactions_hold_id", "pot_transactions", ["hold_id"], unique=True)
    if op.get_bind().dialect.name != "sqlite":
        op.execute(POSTGRESQL_FROZEN)
    for book in COUNTERS:
        _create_triggers(book)
    stats = POT_ECONOMY_STATS.format(week_began=WEEK_BEGAN[op.get_bind().dialect.name])
    op.execute(f"CREATE VIEW pot_economy_stats AS {stats}")


def downgrade() -> None:
    op.execute("DROP VIEW pot_economy_stats")

    op.drop_index("uq_pot_transactions_hold_id", table_name="pot_transactions")
    op.drop_index("ix_pot_transactions_user", table_name="pot_transactions")
    op.drop_index(
        "ix_pot_transactions_expires_at",
        table_name="pot_transactions",
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.drop_index("ix_pot_transactions_created_at", table_name="pot_transactions")
    op.drop_table("pot_transactions")
    op.drop_table("pot_accounts")
    op.drop_index("uq_cash_transactions_hold_id", table_name="cash_transactions")
    op.drop_index("ix_cash_transactions_user", table_name="cash_transactions")
    op.drop_index(
        "ix_cash_transactions_expires_at",
        table_name="cash_transactions",
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.drop_index("ix_cash_transactions_created_at", table_name="cash_transactions")
    op.drop_table("cash_transactions")
    op.drop_table("cash_accounts")
    op.drop_table("ledger_seals")
    op.drop_table("ledger_hour_sums")
    op.drop_table("ledger_day_sums")
    op.drop_table("ledger_audits")
    if op.get_bind().dialect.name != "sqlite":
        for book in COUNTERS:
            op.execute(f"DROP FUNCTION {book}_transactions_apply()")
        op.execute("DROP FUNCTION journal_frozen()")
    _create_first_journal()


def _create_first_journal() -> None:
    """The journal and view as revision 0001 left them."""
    op.create_table(
        "pot_transactions",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("user_id", BIG, sa.ForeignKey("users.id", name="fk_pot_transactions_user_id")),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("transaction_type", sa.String(16), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("description", sa.String(300), nullable=False),
        sa.Column("reference_type", sa.String(32)),
        sa.Column("reference_id", BIG),
        sa.Column("balance_before", BIG, nullable=False),
        sa.Column("balance_after", BIG, nullable=False),
        sa.Column("metadata", sa.JSON()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "transaction_type IN ('earn', 'spend', 'burn', 'redeem', 'hold', 'release', 'clawback', 'mint')",
            name="transaction_type",
        ),
    )
    op.create_index("ix_pot_transactions_created_at", "pot_transactions", ["created_at"])
    op.create_index("ix_pot_transactions_user", "pot_transactions", ["user_id", "id"])
    op.execute(f"CREATE VIEW pot_economy_stats AS {FIRST_POT_ECONOMY_STATS}")
