"""The triggers that guard the journals, as the migrations create them.

A migration that replaces a trigger changes its entry here. `tests/ledger/auditing/test_schema.py`
reports the new digest.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a trigger fires, and the digest of its SQL."""

    fires: str
    digest: str


def digest(sql: str) -> str:
    return hashlib.blake2b(sql.encode(), digest_size=16).hexdigest()


# SQLite: the digest of the CREATE TRIGGER statement. PostgreSQL: the digest of the function's
# language, security, settings and text.
TRIGGERS: dict[str, dict[str, Trigger]] = {
    "sqlite": {
        "pot_transactions_once": Trigger(
            "BEFORE INSERT ON pot_transactions", "b4f7d941794dd13f09d605a33e2cd0f6"
        ),
        "pot_transactions_apply": Trigger(
            "AFTER INSERT ON pot_transactions WHEN NEW.user_id IS NOT NULL",
            "a90c2a0c29f6738ddd7bb81e00e5e28f",
        ),
        "pot_transactions_frozen_UPDATE": Trigger(
            "BEFORE UPDATE ON pot_transactions", "8ab265837c5968d3b5eca66580cc2211"
        ),
        "pot_transactions_frozen_DELETE": Trigger(
            "BEFORE DELETE ON pot_transactions", "047bbf51a53c460ec3c391af188388a4"
        ),
        "cash_transactions_once": Trigger(
            "BEFORE INSERT ON cash_transactions", "d85150db921dc2a965892a7f54a1f698"
        ),
        "cash_transactions_apply": Trigger(
            "AFTER INSERT ON cash_transactions WHEN NEW.user_id IS NOT NULL",
            "6b59ba3ebf7a4f5279cd556b61a96024",
        ),
        "cash_transactions_frozen_UPDATE": Trigger(
            "BEFORE UPDATE ON cash_transactions", "523bb654a6f29409996824c85b6ea60b"
        ),
        "cash_transactions_frozen_DELETE": Trigger(
            "BEFORE DELETE ON cash_transactions", "8524cd618e5a812e112ce351f2652ba7"
        ),
    },
    "postgresql": {
        "pot_transactions_apply": Trigger(
            "BEFORE INSERT FOR EACH ROW", "1c98807aa950c44df36b88a77315b70b"
        ),
        "pot_transactions_frozen": Trigger(
            "BEFORE DELETE OR UPDATE FOR EACH ROW", "b13792511b7d24defdb4943235e19aab"
        ),
        "pot_transactions_kept": Trigger(
            "BEFORE TRUNCATE FOR EACH STATEMENT", "b13792511b7d24defdb4943235e19aab"
        ),
        "cash_transactions_apply": Trigger(
            "BEFORE INSERT FOR EACH ROW", "e50a4b526ad5b21040593ffc668c4adb"
        ),
        "cash_transactions_frozen": Trigger(
            "BEFORE DELETE OR UPDATE FOR EACH ROW", "b13792511b7d24defdb4943235e19aab"
        ),
        "cash_transactions_kept": Trigger(
            "BEFORE TRUNCATE FOR EACH STATEMENT", "b13792511b7d24defdb4943235e19aab"
        ),
    },
}
