"""Password hashes, tokens that are stored as hashes only, and encryption at rest."""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pwdlib import PasswordHash

from imatch.core.errors import Gone
from imatch.core.logs import log
from imatch.core.settings import get_settings

# Without letters and digits that look alike in handwriting.
_WRITTEN_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


class StoredUnderAnotherKey(Gone):
    code = "stored_under_another_key"

    def __init__(self) -> None:
        super().__init__(
            "What was saved here cannot be read any more: the key of this site has changed."
            " Start again, or ask those who run the site to bring the old key back."
        )


@lru_cache
def _passwords() -> PasswordHash:
    return PasswordHash.recommended()


def hash_password(password: str) -> str:
    """An Argon2id hash with the library's recommended cost."""
    return _passwords().hash(password)


@lru_cache
def _unmatchable_hash() -> str:
    return hash_password(secrets.token_urlsafe())


def password_matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is right. Takes equally long if there is no hash."""
    matches = _passwords().verify(password, password_hash or _unmatchable_hash())
    return matches and password_hash is not None


def new_token() -> str:
    """A random token of 256 bits for links, cookies and API keys."""
    return secrets.token_urlsafe(32)


def new_written_code(groups: int = 3, length: int = 4) -> str:
    """A code that a person can write down, like `k7mh-3xqp-9wtd` (59 bits in three groups)."""
    return "-".join(
        "".join(secrets.choice(_WRITTEN_ALPHABET) for _ in range(length)) for _ in range(groups)
    )


def token_hash(token: str) -> str:
    """The hash under which a token is stored. Tokens are random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_hash(text: str) -> str:
    """An HMAC to compare texts. It cannot be guessed without IMATCH_SECRET_KEY."""
    key = _derived_key(get_settings().secret_key.get_secret_value(), b"imatch/keyed-hash")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@lru_cache
def _derived_key(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())


@lru_cache
def _cipher(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived_key(secret, b"imatch/at-rest")))


def encrypt(text: str) -> str:
    """Encrypt for storage under the key derived from IMATCH_SECRET_KEY."""
    return _cipher(get_settings().secret_key.get_secret_value()).encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Reverse `encrypt`. Raises StoredUnderAnotherKey if the key is another one."""
    cipher = _cipher(get_settings().secret_key.get_secret_value())
    try:
        return cipher.decrypt(stored.encode()).decode()
    except InvalidToken as error:
        log().error("decryption_failed", setting="IMATCH_SECRET_KEY")
        raise StoredUnderAnotherKey from error
