"""Trusted server-side API for POT: it checks arguments and balances, not permissions.

    pot = POTService(SessionLocal())
    pot.award_profile_creation(user_id=1, account_type="provider")
    pot.charge_premium_match(user_id=1, seeker_id=1)

Outside `atomic(db)` every call commits the session, including pending changes, and leaves a fresh
snapshot. Inside, it joins the transaction and commits nothing. Caps, the queue and grants belong
to `pot.awards`.
"""

import secrets
from collections.abc import Mapping
from typing import Any, NoReturn

from sqlalchemy.orm import Session

from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import atomic, fresh_read
from imatch.facts.people import Side
from imatch.ledger import (
    POT,
    AccountNotFound,
    Entry,
    InsufficientFunds,
    KeyReused,
    LedgerError,
    Movement,
    SystemAccount,
    TransactionType,
)
from imatch.ledger import post as post_entry
from imatch.ledger.models import MAX_AMOUNT, PotAccount, PotTransaction
from imatch.ledger.movements import MAX_KEY_CHARACTERS
from imatch.pot import queries
from imatch.pot.arguments import (
    amount_of,
    check_labels,
    check_metadata,
    check_person,
    check_side,
    five_percent,
    is_text,
)
from imatch.pot.awards import clawbacks
from imatch.pot.economy import figures
from imatch.pot.errors import (
    BadArgument,
    InsufficientPot,
    POTKeyReused,
    UnknownEarningCategory,
    UnknownSpendingCategory,
)
from imatch.pot.models import RedemptionStatus
from imatch.pot.redemption import service as redemptions
from imatch.pot.rules import EARNING_BY_NAME, PAYOUT_PER_POT, REDEMPTION
from imatch.pot.shop.catalog import SPENDING_BY_NAME, transaction_type_of

Result = dict[str, Any]

_BOOST_DAYS = 30
_FIVE_STARS = 5
_FIGURE_NAMES = ("pot_balance", "total_pot_earned", "total_pot_spent", "total_pot_burned")


class POTService:
    """Awards, charges, balances and history of people's POT."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def award_pot(
        self,
        user_id: int,
        category: str,
        amount: int | None = None,
        reference_type: str | None = None,
        reference_id: int | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> Result:
        """Award POT from the treasury. `amount` overrides the rule's amount.

        Idempotent by `key`. The person's debts are then paid by movements of their own. Raises
        UserNotFound, UnknownEarningCategory, AmountRequired, BadAmount, BadArgument, POTKeyReused.
        """
        rule = EARNING_BY_NAME.get(category) if isinstance(category, str) else None
        if rule is None:
            raise UnknownEarningCategory(category)
        fixed = rule.pot if isinstance(rule.pot, int) else None
        movement = _movement(
            user_id=user_id,
            category=category,
            amount=amount_of(category, amount, fixed),
            counter_account=SystemAccount.TREASURY,
            transaction_type=TransactionType.EARN,
            reference_type=reference_type,
            reference_id=reference_id,
            description=rule.title if description is None else description,
            metadata=metadata,
            key=key,
        )
        award = self._post(movement)
        if clawbacks.settle_from_award(self.db, award):
            self._expire_figures(user_id)
        return _result(award)

    def spend_pot(
        self,
        user_id: int,
        category: str,
        amount: int | None = None,
        reference_type: str | None = None,
        reference_id: int | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        key: str | None = None,
        burn: bool = True,
    ) -> Result:
        """Spend and burn POT; `burn=False` returns them to the treasury. Redeemed POT never burn.

        Idempotent by `key`. Raises UserNotFound, InsufficientPot, UnknownSpendingCategory,
        AmountRequired, BadAmount, BadArgument, POTKeyReused.
        """
        title, fixed, counter_account = _spending(category, burn=burn)
        burned = counter_account == SystemAccount.BURNED
        movement = _movement(
            user_id=user_id,
            category=category,
            amount=-amount_of(category, amount, fixed),
            counter_account=counter_account,
            transaction_type=transaction_type_of(category) if burned else TransactionType.SPEND,
            reference_type=reference_type,
            reference_id=reference_id,
            description=title if description is None else description,
            metadata=metadata,
            key=key,
        )
        return _result(self._post(movement)) | {"burned": burned}

    def redeem_pot_for_usd(
        self, user_id: int, pot_amount: int, payment_method: str = "bank_transfer"
    ) -> Result:
        """Request a redemption: the POT are held until an operator pays or rejects it.

        The switch, gates, limits and allowance of redemption apply again at approval: this call
        alone never pays anything.
        """
        check_person(user_id)
        amount = amount_of(REDEMPTION, pot_amount, None)
        try:
            with atomic(self.db):
                request = redemptions.file(
                    self.db, user_id, amount, payment_method, key=_new_key("redeem")
                )
                hold = self.db.get_one(PotTransaction, request.pot_hold_id)
        except LedgerError as error:
            _raise_as_value_error(error, user_id)
        self._expire_figures(user_id)
        return {
            "transaction_id": hold.id,
            "user_id": user_id,
            "amount": -amount,
            "category": REDEMPTION,
            "balance_before": hold.balance_before,
            "balance_after": hold.balance_after,
            "created_at": hold.created_at.isoformat(),
            "burned": False,
            "usd_amount": float((PAYOUT_PER_POT * amount).units),
            "payment_method": payment_method,
            "status": RedemptionStatus.PENDING.value,
        }

    def get_user_balance(self, user_id: int) -> int:
        """A person's free POT: their balance minus held POT. Raises UserNotFound."""
        check_person(user_id)
        with fresh_read(self.db):
            free = queries.free_pot(self.db, user_id)
        if free is None:
            raise UserNotFound(user_id)
        return free

    def get_transaction_history(
        self,
        user_id: int,
        limit: int = 50,
        offset: int = 0,
        transaction_type: str | None = None,
    ) -> list[Result]:
        """A person's transactions, newest first; `limit` is 1 to 1,000.

        Raises UserNotFound, BadArgument.
        """
        check_person(user_id)
        queries.check_page(limit, offset, transaction_type)
        with fresh_read(self.db):
            if queries.free_pot(self.db, user_id) is None:
                raise UserNotFound(user_id)
            return queries.history(self.db, user_id, limit, offset, transaction_type)

    def get_economy_stats(self) -> Result:
        """Totals of the whole economy."""
        with fresh_read(self.db):
            return figures.stats(self.db)

    def award_profile_creation(self, user_id: int, account_type: str) -> Result:
        """Award 50 for a provider's profile, 25 for a seeker's first need."""
        check_side(account_type)
        return self.award_pot(user_id, f"{account_type}_profile_creation")

    def award_first_response(self, user_id: int, match_id: int) -> Result:
        return self.award_pot(
            user_id, "provider_first_response", reference_type="match", reference_id=match_id
        )

    def award_engagement_bonus(
        self,
        user_id: int,
        account_type: str,
        engagement_id: int,
        deal_value_usd: float | None = None,
    ) -> Result:
        """5 % of the deal's dollars for the provider, rounded down; 100 for the seeker."""
        check_side(account_type)
        provider = account_type == Side.PROVIDER
        return self.award_pot(
            user_id,
            "provider_engagement_base" if provider else "seeker_first_engagement",
            five_percent(deal_value_usd) if provider else None,
            reference_type="engagement",
            reference_id=engagement_id,
        )

    def award_rating_bonus(
        self, user_id: int, rating_id: int, rating_value: int, is_rater: bool = True
    ) -> Result | None:
        """10 for the rater, 100 for a rated person with five stars, otherwise None."""
        if type(rating_value) is not int or not 1 <= rating_value <= _FIVE_STARS:
            raise BadArgument("A rating has 1 to 5 stars.")
        if not is_rater and rating_value < _FIVE_STARS:
            return None
        category = "seeker_rating" if is_rater else "provider_rating_bonus"
        return self.award_pot(user_id, category, reference_type="rating", reference_id=rating_id)

    def charge_premium_match(self, user_id: int, seeker_id: int) -> Result:
        return self.spend_pot(
            user_id, "premium_match", reference_type="seeker", reference_id=seeker_id
        )

    def charge_profile_boost(
        self, user_id: int, provider_id: int, duration_days: int = _BOOST_DAYS
    ) -> Result:
        """Charge 500 for each started period of 30 days."""
        if type(duration_days) is not int or not 0 < duration_days <= MAX_AMOUNT:
            raise BadArgument("A boost lasts a whole number of days.")
        months = -(-duration_days // _BOOST_DAYS)
        return self.spend_pot(
            user_id,
            "profile_boost_month",
            months * SPENDING_BY_NAME["profile_boost_month"].pot,
            reference_type="provider",
            reference_id=provider_id,
            description=f"Profile boost for {duration_days} days",
            metadata={"duration_days": duration_days},
        )

    def _post(self, movement: Movement) -> Entry:
        try:
            entry = post_entry(self.db, POT, movement)
        except LedgerError as error:
            _raise_as_value_error(error, movement.user_id)
        self._expire_figures(entry.user_id)
        return entry

    def _expire_figures(self, user_id: int | None) -> None:
        """Expire a person's loaded figures, so that the session reads them again."""
        loaded = self.db.identity_map
        user = loaded.get((User, (user_id,), None))
        if user is not None:
            self.db.expire(user, _FIGURE_NAMES)
        account = loaded.get((PotAccount, (user_id,), None))
        if account is not None:
            self.db.expire(account)


def _movement(
    *,
    user_id: int,
    category: str,
    amount: int,
    counter_account: SystemAccount,
    transaction_type: TransactionType,
    reference_type: str | None,
    reference_id: int | None,
    description: str,
    metadata: Mapping[str, object] | None,
    key: str | None,
) -> Movement:
    check_person(user_id)
    check_labels(reference_type, reference_id, description)
    if metadata is not None:
        check_metadata(metadata)
    if key is not None and not (
        isinstance(key, str) and 0 < len(key) <= MAX_KEY_CHARACTERS and is_text(key)
    ):
        raise BadArgument(f"A key has 1 to {MAX_KEY_CHARACTERS} characters.")
    return Movement(
        key=_new_key(transaction_type) if key is None else key,
        user_id=user_id,
        amount=amount,
        counter_account=counter_account,
        transaction_type=transaction_type,
        category=category,
        description=description,
        reference_type=reference_type,
        reference_id=reference_id,
        details=metadata,
    )


def _spending(category: str, *, burn: bool) -> tuple[str, int | None, SystemAccount]:
    """A spending category's title, its price (None if variable), and the receiving account."""
    if category == REDEMPTION:
        return "POT redeemed", None, SystemAccount.REDEEMED
    option = SPENDING_BY_NAME.get(category) if isinstance(category, str) else None
    if option is None:
        raise UnknownSpendingCategory(category)
    fixed = option.pot if option.most is None else None
    return option.title, fixed, SystemAccount.BURNED if burn else SystemAccount.TREASURY


def _new_key(kind: str) -> str:
    """A unique key. It starts with the time, so that new keys are appended to the index."""
    return f"{kind}:{int(now().timestamp() * 1_000_000):x}-{secrets.token_hex(8)}"


def _result(entry: Entry) -> Result:
    return {
        "transaction_id": entry.id,
        "user_id": entry.user_id,
        "amount": entry.amount,
        "category": entry.category,
        "balance_before": entry.balance_before,
        "balance_after": entry.balance_after,
        "created_at": entry.created_at.isoformat(),
    }


def _raise_as_value_error(error: LedgerError, user_id: int | None) -> NoReturn:
    if isinstance(error, AccountNotFound):
        raise UserNotFound(user_id) from None
    if isinstance(error, InsufficientFunds):
        raise InsufficientPot(required=error.required, available=error.available) from None
    if isinstance(error, KeyReused):
        raise POTKeyReused(error.message) from None
    raise BadArgument(error.message) from None
