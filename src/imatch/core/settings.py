"""All settings, read once from IMATCH_* environment variables."""

from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only-secret-change-me-in-production"  # noqa: S105 -- refused in production


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Immutable. A field's environment variable is IMATCH_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="IMATCH_", frozen=True, extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    database_url: str = "sqlite:///i_match.db"
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    base_url: str = "http://127.0.0.1:8401"
    host: str = "127.0.0.1"
    port: int = Field(default=8401, ge=1, le=65_535)
    embedded_worker: bool = True  # the web process also runs background jobs
    log_level: str = "info"
    log_json: bool = False
    max_body_bytes: int = Field(default=256_000, ge=1_000)
    # Comma-separated proxies whose X-Forwarded-* headers are trusted. Empty by default: whoever can
    # set these headers chooses the network that tries are counted by.
    trusted_proxies: str = ""
    metrics_public: bool = False  # whether /metrics answers other machines

    smtp_host: str = ""  # empty: mail stays in the local outbox
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = True
    mail_from: str = "I MATCH <hello@localhost>"

    session_days: int = Field(default=30, ge=1, le=365)
    session_idle_days: int = Field(default=7, ge=1, le=365)
    step_up_minutes: int = Field(default=15, ge=1, le=240)
    resume_days: int = Field(default=30, ge=1, le=365)

    cash_redemption: bool = False  # POT may be redeemed for dollars: a payment service

    pot_genesis: int = Field(default=10_000_000, ge=0, le=10**12)

    @field_validator("base_url")
    @classmethod
    def _without_last_slash(cls, url: str) -> str:
        """Paths are appended to it."""
        return url.rstrip("/")

    @property
    def production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https://")

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if not self.production:
            return self
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET or len(secret) < 32:  # noqa: PLR2004 -- bytes of a strong key
            raise ValueError("production needs IMATCH_SECRET_KEY: 32 or more random characters")
        if not self.secure_cookies:
            raise ValueError("production needs IMATCH_BASE_URL to begin with https://")
        if not self.smtp_host:
            raise ValueError("production needs IMATCH_SMTP_HOST, or nobody can confirm an address")
        return self


@lru_cache
def get_settings() -> Settings:
    return Settings()
