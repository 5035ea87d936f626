"""Password hashes, encryption and random tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.core import security
from imatch.core.settings import get_settings


def test_a_password_matches_its_own_hash_only() -> None:
    stored = security.hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert security.password_matches("correct horse battery", stored)
    assert not security.password_matches("correct horse", stored)


def test_a_missing_hash_matches_no_password() -> None:
    assert not security.password_matches("", None)
    assert not security.password_matches("anything", None)


@given(st.text())
def test_encryption_is_reversible_and_hides_the_text(text: str) -> None:
    stored = security.encrypt(text)
    assert security.decrypt(stored) == text
    if len(text) > 8:
        assert text not in stored


def test_a_changed_ciphertext_is_refused() -> None:
    stored = security.encrypt("my need")
    with pytest.raises(security.StoredUnderAnotherKey):
        security.decrypt(stored[:-4] + "AAAA")


def test_tokens_differ_and_hash_deterministically() -> None:
    token, other = security.new_token(), security.new_token()
    assert token != other
    assert security.token_hash(token) == security.token_hash(token) != token


def test_written_codes_have_no_letters_that_look_alike() -> None:
    codes = {security.new_written_code() for _ in range(200)}
    assert len(codes) == 200
    assert not set("".join(codes)) & set("01ilo")
    assert all(len(code) == 14 for code in codes)


def test_a_keyed_hash_depends_on_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = security.keyed_hash("ada@example.org")
    assert (
        digest == security.keyed_hash("ada@example.org") != security.keyed_hash("eve@example.org")
    )
    assert digest != security.token_hash("ada@example.org")
    monkeypatch.setenv("IMATCH_SECRET_KEY", "another secret of more than 32 characters")
    get_settings.cache_clear()
    other_digest = security.keyed_hash("ada@example.org")
    monkeypatch.undo()
    get_settings.cache_clear()
    assert other_digest != digest
