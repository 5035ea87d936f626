"""Input and output of the ledger: movements and entries."""

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
    """A request to move an amount between two accounts. Idempotent by `key`.

    `amount` is signed from the owner's view (the person, or `system_account`): a positive amount
    comes from `counter_account`, a negative one goes to it. The ledger does not interpret category,
    reference and details. A key that was used with other input is refused.
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
        """Raise BadMovement or AccountNotFound for a movement that this book can never post."""
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
        system_accounts = {self.counter_account, self.system_account or self.counter_account}
        if not system_accounts <= book.system_accounts:
            raise BadMovement(
                f"The {book.name} book has no account {sorted(map(str, system_accounts))}."
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal. `balance_before` and `balance_after` are the free amounts, None
    between system accounts. `replayed` is True if the key had been posted before.
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
