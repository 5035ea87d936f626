"""Create, check and revoke the API keys with which programs act as their owner."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import API_KEY_NAME_MAX_CHARACTERS, ApiKey, User
from imatch.accounts.rules import (
    API_KEYS_MAX,
    LAST_SEEN_UPDATE_INTERVAL,
    read_line,
)
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid, NotFound, Unauthenticated
from imatch.core.security import new_token, token_hash

_KEY_PREFIX = "imk_"
_PREFIX_CHARACTERS = 12


class ApiKeyRefused(Unauthenticated):
    code = "api_key_refused"


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"


class TooManyApiKeys(Conflict):
    code = "too_many_api_keys"


class BadApiKeyName(Invalid):
    code = "bad_api_key_name"


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A created key. `key` is shown once; only its hash is stored."""

    row: ApiKey
    key: str


def owner(db: Session, key: str) -> User:
    """The owner of this key. Raises ApiKeyRefused."""
    key_and_owner = queries.live_api_key(db, key)
    if key_and_owner is None:
        raise ApiKeyRefused("This API key is unknown or was revoked.")
    row, user = key_and_owner
    if row.last_used_at is None or now() - row.last_used_at >= LAST_SEEN_UPDATE_INTERVAL:
        with atomic(db):
            row.last_used_at = now()
    return user


def create(db: Session, user: User, *, name: str) -> NewApiKey:
    """Create a key. Raises BadApiKeyName, TooManyApiKeys."""
    line = read_line(name, API_KEY_NAME_MAX_CHARACTERS)
    if line is None:
        message = f"Name the key in 1 to {API_KEY_NAME_MAX_CHARACTERS} characters."
        raise BadApiKeyName(message, fields=(FieldError("name", message, "name"),))
    with atomic(db):
        queries.locked_user(db, user.id)
        if len(queries.api_keys_of(db, user.id)) >= API_KEYS_MAX:
            raise TooManyApiKeys(f"You have {API_KEYS_MAX} keys. Revoke one that you do not need.")
        key = _KEY_PREFIX + new_token()
        row = ApiKey(
            user_id=user.id, name=line, prefix=key[:_PREFIX_CHARACTERS], key_hash=token_hash(key)
        )
        db.add(row)
    return NewApiKey(row, key)


def revoke(db: Session, user: User, key_id: int) -> None:
    """Revoke one of the user's own keys. Raises ApiKeyNotFound."""
    with atomic(db):
        row = db.get(ApiKey, key_id)
        if row is None or row.user_id != user.id or row.revoked_at is not None:
            raise ApiKeyNotFound("There is no such key.")
        row.revoked_at = now()
