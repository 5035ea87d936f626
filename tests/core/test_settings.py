"""Production refuses to start with what is only fit for trying out."""

import pytest
from pydantic import ValidationError

from imatch.core.settings import Settings

STRONG = "k" * 40


def test_the_defaults_run_on_one_machine() -> None:
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
    given = {
        "secret_key": STRONG,
        "base_url": "https://match.example",
        "smtp_host": "mail.example",
    }
    assert Settings.model_validate({"environment": "production", **given}).production
    del given[missing]
    with pytest.raises(ValidationError, match=named):
        Settings.model_validate({"environment": "production", **given})


def test_a_slash_at_the_end_of_the_address_is_not_doubled_in_links() -> None:
    settings = Settings(base_url="https://match.example/")
    assert settings.base_url == "https://match.example"


def test_a_short_secret_is_no_secret() -> None:
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
