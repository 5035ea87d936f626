"""Create the tables that say why POT moved."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:

    op.create_table(
        "pot_awards",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("cap_scope", sa.String(length=64), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("award_class", sa.String(length=1), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reference_type", sa.String(length=32), nullable=True),
        sa.Column("reference_id", BIG, nullable=True),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transaction_id", BIG, nullable=True),
        sa.CheckConstraint("award_class IN ('A', 'B')", name=op.f("ck_pot_awards_award_class")),
        sa.CheckConstraint(
            "status IN ('queued', 'paid', 'clawed_back')", name=op.f("ck_pot_awards_status")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_pot_awards_amount")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_awards_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_awards")),
        sa.UniqueConstraint("key", name=op.f("uq_pot_awards_key")),
    )
    op.create_index(op.f("ix_pot_awards_paid_at"), "pot_awards", ["paid_at"], unique=False)
    op.create_index(
        "ix_pot_awards_queue",
        "pot_awards",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_pot_awards_reference", "pot_awards", ["reference_type", "reference_id"], unique=False
    )
    op.create_index(
        "ix_pot_awards_user_rule",
        "pot_awards",
        ["user_id", "rule", "earned_at", "status"],
        unique=False,
    )
    op.create_table(
        "pot_commissions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("engagement_id", BIG, nullable=False),
        sa.Column("provider_user_id", BIG, nullable=False),
        sa.Column("seeker_user_id", BIG, nullable=False),
        sa.Column("provider_referrer_user_id", BIG, nullable=True),
        sa.Column("seeker_referrer_user_id", BIG, nullable=True),
        sa.Column("deal_cents", BIG, nullable=False),
        sa.Column("commission_cents", BIG, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clears_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('paid', 'cleared', 'reversed')", name=op.f("ck_pot_commissions_status")
        ),
        sa.CheckConstraint(
            "commission_cents > 0", name=op.f("ck_pot_commissions_commission_cents")
        ),
        sa.ForeignKeyConstraint(
            ["provider_referrer_user_id"],
            ["users.id"],
            name=op.f("fk_pot_commissions_provider_referrer_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["provider_user_id"], ["users.id"], name=op.f("fk_pot_commissions_provider_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["seeker_referrer_user_id"],
            ["users.id"],
            name=op.f("fk_pot_commissions_seeker_referrer_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seeker_user_id"], ["users.id"], name=op.f("fk_pot_commissions_seeker_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_commissions")),
        sa.UniqueConstraint("engagement_id", name=op.f("uq_pot_commissions_engagement_id")),
    )
    op.create_index(
        op.f("ix_pot_commissions_provider_user_id"),
        "pot_commissions",
        ["provider_user_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_pot_commissions_seeker_user_id"),
        "pot_commissions",
        ["seeker_user_id"],
        unique=False,
    )
    op.create_index(
        "ix_pot_commissions_status", "pot_commissions", ["status", "clears_at"], unique=False
    )
    op.create_table(
        "pot_debts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("owed", BIG, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("owed >= 0", name=op.f("ck_pot_debts_owed")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_debts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_debts")),
        sa.UniqueConstraint("key", name=op.f("uq_pot_debts_key")),
    )
    op.create_index("ix_pot_debts_user", "pot_debts", ["user_id", "id"], unique=False)
    op.create_table(
        "pot_fraud_holds",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("placed_by", BIG, nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", BIG, nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["lifted_by"], ["users.id"], name=op.f("fk_pot_fraud_holds_lifted_by")
        ),
        sa.ForeignKeyConstraint(
            ["placed_by"], ["users.id"], name=op.f("fk_pot_fraud_holds_placed_by")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_fraud_holds_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_fraud_holds")),
    )
    op.create_index(
        op.f("ix_pot_fraud_holds_user_id"), "pot_fraud_holds", ["user_id"], unique=False
    )
    op.create_table(
        "pot_grants",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", BIG, nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transaction_id", BIG, nullable=True),
        sa.CheckConstraint(
            "status IN ('proposed', 'approved', 'rejected')", name=op.f("ck_pot_grants_status")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_pot_grants_amount")),
        sa.CheckConstraint("decided_by <> proposed_by", name=op.f("ck_pot_grants_second_person")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_pot_grants_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["users.id"], name=op.f("fk_pot_grants_proposed_by")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_grants_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_grants")),
    )
    op.create_index(op.f("ix_pot_grants_user_id"), "pot_grants", ["user_id"], unique=False)
    op.create_table(
        "pot_payees",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("details_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("identity_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", BIG, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_payees_user_id")),
        sa.ForeignKeyConstraint(
            ["verified_by"], ["users.id"], name=op.f("fk_pot_payees_verified_by")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_pot_payees")),
    )
    op.create_table(
        "pot_policy_versions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", BIG, nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('proposed', 'approved', 'rejected')",
            name=op.f("ck_pot_policy_versions_status"),
        ),
        sa.CheckConstraint(
            "decided_by <> proposed_by", name=op.f("ck_pot_policy_versions_second_person")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_pot_policy_versions_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["users.id"], name=op.f("fk_pot_policy_versions_proposed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_policy_versions")),
    )
    op.create_table(
        "pot_purchases",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("option", sa.String(length=64), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reference_type", sa.String(length=32), nullable=True),
        sa.Column("reference_id", BIG, nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("transaction_id", BIG, nullable=True),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('active', 'ordered', 'delivered', 'cancelled', 'refunded')",
            name=op.f("ck_pot_purchases_status"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_pot_purchases_amount")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_purchases_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_purchases")),
        sa.UniqueConstraint("key", name=op.f("uq_pot_purchases_key")),
    )
    op.create_index(
        "ix_pot_purchases_reference", "pot_purchases", ["option", "reference_id"], unique=False
    )
    op.create_index("ix_pot_purchases_status", "pot_purchases", ["status", "ends_at"], unique=False)
    op.create_index("ix_pot_purchases_user", "pot_purchases", ["user_id", "id"], unique=False)
    op.create_table(
        "pot_redemptions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("pot_amount", BIG, nullable=False),
        sa.Column("payout_cents", BIG, nullable=False),
        sa.Column("payment_method", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("pot_hold_id", BIG, nullable=False),
        sa.Column("cash_hold_id", BIG, nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", BIG, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", BIG, nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bank_reference", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'paid', 'rejected', 'cancelled')",
            name=op.f("ck_pot_redemptions_status"),
        ),
        sa.CheckConstraint("paid_by <> decided_by", name=op.f("ck_pot_redemptions_second_person")),
        sa.CheckConstraint("payout_cents > 0", name=op.f("ck_pot_redemptions_payout_cents")),
        sa.CheckConstraint("pot_amount > 0", name=op.f("ck_pot_redemptions_pot_amount")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_pot_redemptions_decided_by")
        ),
        sa.ForeignKeyConstraint(["paid_by"], ["users.id"], name=op.f("fk_pot_redemptions_paid_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_redemptions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_redemptions")),
        sa.UniqueConstraint("key", name=op.f("uq_pot_redemptions_key")),
    )
    op.create_index(
        "ix_pot_redemptions_status", "pot_redemptions", ["status", "due_at"], unique=False
    )
    op.create_index("ix_pot_redemptions_user", "pot_redemptions", ["user_id", "id"], unique=False)
    op.create_table(
        "pot_policy_runs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("policy_version_id", BIG, nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("minted", BIG, nullable=False),
        sa.Column("award_budget", BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_version_id"],
            ["pot_policy_versions.id"],
            name=op.f("fk_pot_policy_runs_policy_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_policy_runs")),
        sa.UniqueConstraint("week", name=op.f("uq_pot_policy_runs_week")),
    )


def downgrade() -> None:

    op.drop_table("pot_policy_runs")
    op.drop_index("ix_pot_redemptions_user", table_name="pot_redemptions")
    op.drop_index("ix_pot_redemptions_status", table_name="pot_redemptions")
    op.drop_table("pot_redemptions")
    op.drop_index("ix_pot_purchases_user", table_name="pot_purchases")
    op.drop_index("ix_pot_purchases_status", table_name="pot_purchases")
    op.drop_index("ix_pot_purchases_reference", table_name="pot_purchases")
    op.drop_table("pot_purchases")
    op.drop_table("pot_policy_versions")
    op.drop_table("pot_payees")
    op.drop_index(op.f("ix_pot_grants_user_id"), table_name="pot_grants")
    op.drop_table("pot_grants")
    op.drop_index(op.f("ix_pot_fraud_holds_user_id"), table_name="pot_fraud_holds")
    op.drop_table("pot_fraud_holds")
    op.drop_index("ix_pot_debts_user", table_name="pot_debts")
    op.drop_table("pot_debts")
    op.drop_index("ix_pot_commissions_status", table_name="pot_commissions")
    op.drop_index(op.f("ix_pot_commissions_seeker_user_id"), table_name="pot_commissions")
    op.drop_index(op.f("ix_pot_commissions_provider_user_id"), table_name="pot_commissions")
    op.drop_table("pot_commissions")
    op.drop_index("ix_pot_awards_user_rule", table_name="pot_awards")
    op.drop_index("ix_pot_awards_reference", table_name="pot_awards")
    op.drop_index(
        "ix_pot_awards_queue",
        table_name="pot_awards",
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_index(op.f("ix_pot_awards_paid_at"), table_name="pot_awards")
    op.drop_table("pot_awards")
