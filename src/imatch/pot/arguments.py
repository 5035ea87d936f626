"""Checks of the arguments of POTService."""

import json
from collections.abc import Mapping
from decimal import Decimal

from imatch.accounts.errors import UserNotFound
from imatch.core.ids import MAX_BIGINT, is_id
from imatch.facts.people import Side
from imatch.ledger.models import MAX_AMOUNT
from imatch.ledger.movements import MAX_DESCRIPTION_CHARACTERS
from imatch.pot.errors import (
    AmountRequired,
    BadAmount,
    BadArgument,
)

_MAX_REFERENCE_CHARACTERS = 32


def amount_of(category: str, amount: int | None, fixed: int | None) -> int:
    if amount is None:
        if fixed is None:
            raise AmountRequired(category)
        return fixed
    if type(amount) is not int or not 0 < amount <= MAX_AMOUNT:
        raise BadAmount(f"An amount of POT is a whole number from 1 to {MAX_AMOUNT}.")
    return amount


def five_percent(deal_value_usd: float | None) -> int | None:
    if deal_value_usd is None:
        return None
    is_number = isinstance(deal_value_usd, int | float | Decimal) and deal_value_usd is not True
    if not is_number or not 0 <= deal_value_usd <= MAX_AMOUNT:
        raise BadAmount("A deal's value is its number of dollars.")
    # In cents first: 5 % of a float can be just below the exact value and lose a POT.
    return round(deal_value_usd * 100) // 2_000


def check_person(user_id: int) -> None:
    if not is_id(user_id):
        raise UserNotFound(user_id)


def check_side(account_type: str) -> None:
    if account_type not in tuple(Side):
        raise BadArgument("account_type is 'provider' or 'seeker'.")


def check_labels(reference_type: object, reference_id: object, description: object) -> None:
    if reference_type is not None and not (
        isinstance(reference_type, str)
        and reference_type.isprintable()
        and 0 < len(reference_type) <= _MAX_REFERENCE_CHARACTERS
    ):
        raise BadArgument(f"A reference's type has 1 to {_MAX_REFERENCE_CHARACTERS} characters.")
    if reference_id is not None and not (
        type(reference_id) is int and -MAX_BIGINT - 1 <= reference_id <= MAX_BIGINT
    ):
        raise BadArgument("A reference's id is a whole number.")
    if (
        not isinstance(description, str)
        or len(description) > MAX_DESCRIPTION_CHARACTERS
        or not is_text(description)
    ):
        raise BadArgument(f"A description has up to {MAX_DESCRIPTION_CHARACTERS} characters.")


def is_text(text: str) -> bool:
    """Whether a database can store the text: lone surrogates are not characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def check_metadata(metadata: object) -> None:
    if not isinstance(metadata, Mapping):
        raise BadArgument("metadata is a mapping of JSON values.")
    try:
        # As the ledger writes it: with sorted keys, which must be of one type, and in UTF-8.
        json.dumps(metadata, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise BadArgument("metadata is a mapping of JSON values.") from None
