"""Production refuses settings that are only fit for development."""

import pytest
from pydantic import ValidationError

from imatch.core.settings import Settings

STRONG = "k" * 40


def test_the_defaults_suit_one_machine() -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8401)
    assert settings.database_url == "sqlite:///i_match.db"
    assert not settings.production


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("secret_key", "IMATCH_SECRET_KEY"),
        ("base_url", "IMATCH_BASE_URL"),
        ("smtp_host", "IMATCH_SMTP_HOST"),
    ],
)
def test_production_names_what_is_missing(missing: str, named: str) -> None:
    values = {
        "secret_key": STRONG,
        "base_url": "https://match.example",
        "smtp_host": "mail.example",
    }
    assert Settings.model_validate({"environment": "production", **values}).production
    del values[missing]
    with pytest.raises(ValidationError, match=named):
        Settings.model_validate({"environment": "production", **values})


def test_a_trailing_slash_of_the_base_url_is_removed() -> None:
    settings = Settings(base_url="https://match.example/")
    assert settings.base_url == "https://match.example"


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="32 or more"):
        Settings.model_validate(
            {
                "environment": "production",
                "secret_key": "short",
                "base_url": "https://match.example",
                "smtp_host": "mail.example",
            }
        )


def test_settings_cannot_be_changed_while_running() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # the type checker refuses it too
