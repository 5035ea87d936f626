"""What is asked of the ledger, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from imatch.core.clock import now
from imatch.core.ids import is_id
from imatch.ledger.books import Book, SystemAccount
from imatch.ledger.errors import AccountNotFound, BadMovement
from imatch.ledger.models import MAX_AMOUNT, Phase, TransactionType

MAX_KEY_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One amount between two accounts, exactly once per `key`.

    `amount` is signed as the owner sees it (the person, or `system_account`): positive comes from
    `counter_account`, negative goes to it. Labels (category, reference, details) are the
    caller's; the same key with another input is refused.
    """

    key: str
    amount: int
    counter_account: SystemAccount
    transaction_type: TransactionType
    category: str
    user_id: int | None = None
    system_account: SystemAccount | None = None
    phase: Phase = Phase.DIRECT
    hold_id: int | None = None
    expires_at: datetime | None = None
    description: str = ""
    reference_type: str | None = None
    reference_id: int | None = None
    details: Mapping[str, object] | None = None
    created_at: datetime = field(default_factory=now)

    def check(self, book: Book) -> None:
        """Raise BadMovement for what can never be carried out in this book."""
        if type(self.amount) is not int or not 0 < abs(self.amount) <= MAX_AMOUNT:
            raise BadMovement(f"An amount is a whole number from 1 to {MAX_AMOUNT}.")
        if self.user_id is not None and not is_id(self.user_id):
            raise AccountNotFound(f"User {self.user_id} not found")
        if not 0 < len(self.key) <= MAX_KEY_CHARACTERS:
            raise BadMovement(f"A key has 1 to {MAX_KEY_CHARACTERS} characters.")
        if len(self.description) > MAX_DESCRIPTION_CHARACTERS:
            raise BadMovement(f"A description has up to {MAX_DESCRIPTION_CHARACTERS} characters.")
        if "\0" in self.key or "\0" in self.description:
            raise BadMovement("A key or description cannot hold a NUL character.")
        system = {self.counter_account, self.system_account or self.counter_account}
        if not system <= book.system_accounts:
            raise BadMovement(f"The {book.name} book has no account {sorted(map(str, system))}.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal. Balances are what is free after and before it; None between system
    accounts. `replayed` says that this key had been posted before.
    """

    id: int
    user_id: int | None
    amount: int
    transaction_type: TransactionType
    category: str
    balance_before: int | None
    balance_after: int | None
    created_at: datetime
    replayed: bool = False
