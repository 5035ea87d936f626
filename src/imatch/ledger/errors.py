"""Errors that refuse a movement. If one is raised, nothing has moved."""

from imatch.core.errors import Conflict, DomainError, Invalid, NotFound


class LedgerError(DomainError):
    """Base class of the ledger's errors."""


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
    """The hold does not exist, was posted or released, has expired, or is too small."""

    code = "hold_not_open"


class BadMovement(LedgerError, Invalid):
    code = "bad_movement"
