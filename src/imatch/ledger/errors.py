"""Why a movement was refused. Nothing moved when one of these is raised."""

from imatch.core.errors import Conflict, DomainError, Invalid, NotFound


class LedgerError(DomainError):
    """Any refusal of the ledger."""


class AccountNotFound(LedgerError, NotFound):
    code = "account_not_found"


class InsufficientFunds(LedgerError, Conflict):
    code = "insufficient_funds"

    def __init__(self, *, required: int, available: int, unit: str) -> None:
        super().__init__(f"Not enough {unit}: {required} needed, {available} available.")
        self.required = required
        self.available = available


class KeyReused(LedgerError, Conflict):
    code = "key_reused"


class HoldNotOpen(LedgerError, Conflict):
    """The hold does not exist, was settled or released, has expired, or is smaller."""

    code = "hold_not_open"


class BadMovement(LedgerError, Invalid):
    code = "bad_movement"
