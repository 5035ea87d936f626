"""Remember what an erased account had earned once, and which engagements were reversed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Every reversal gave something back, or lost it. A colon alone would be a parameter's.
REVERSED_BEFORE = r"""
    INSERT INTO pot_engagements (engagement_id, reversed_at)
    SELECT commission.engagement_id, MIN(back.created_at)
    FROM pot_commissions commission JOIN cash_transactions back ON back.idempotency_key IN
        ('unclear\:' || commission.id || '\:refund', 'unclear\:' || commission.id || '\:loss')
    WHERE commission.status = 'reversed'
    GROUP BY commission.engagement_id
"""


def upgrade() -> None:
    op.create_table(
        "pot_once_earned",
        sa.Column("id", BIG, nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pot_once_earned_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot_once_earned")),
        sa.UniqueConstraint(
            "address_hash", "rule", name=op.f("uq_pot_once_earned_address_hash_rule")
        ),
    )
    op.create_index(op.f("ix_pot_once_earned_user_id"), "pot_once_earned", ["user_id"])
    op.create_index(op.f("ix_pot_once_earned_forget_at"), "pot_once_earned", ["forget_at"])
    op.create_table(
        "pot_engagements",
        sa.Column("engagement_id", BIG, autoincrement=False, nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("pk_pot_engagements")),
    )
    op.execute(REVERSED_BEFORE)


def downgrade() -> None:
    op.drop_table("pot_engagements")
    op.drop_index(op.f("ix_pot_once_earned_forget_at"), table_name="pot_once_earned")
    op.drop_index(op.f("ix_pot_once_earned_user_id"), table_name="pot_once_earned")
    op.drop_table("pot_once_earned")
