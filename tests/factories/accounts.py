"""People, operators, their sessions and their keys."""

from datetime import datetime, timedelta
from typing import Any

from imatch.accounts.models import AccountType, User
from imatch.accounts.service import api_keys, sessions
from imatch.core.clock import now
from imatch.core.security import hash_password
from tests.factories.rows import RowFactory

ADA = "ada@example.org"
PASSWORD = "four plain words here"


class AccountFactory(RowFactory):
    def user(
        self,
        *,
        email: str | None = None,
        name: str = "Sam Example",
        account_type: str = AccountType.SEEKER,
        email_confirmed_at: datetime | None = None,
        **columns: Any,  # noqa: ANN401 -- any column
    ) -> User:
        """A seeker with a confirmed address."""
        user = User(
            email=email or f"person{self.number()}@example.org",
            name=name,
            account_type=account_type,
            email_confirmed_at=email_confirmed_at or now(),
            **columns,
        )
        return self.save(user)

    def ada(self) -> User:
        """Somebody who signs in with ADA's address and PASSWORD."""
        return self.user(email=ADA, name="Ada Example", password_hash=hash_password(PASSWORD))

    def operator(self, name: str = "Olga Example", **columns: Any) -> User:  # noqa: ANN401
        return self.user(name=name, account_type=AccountType.OPERATOR, **columns)

    def operators(self) -> tuple[User, User]:
        """Two operators, as one act of both needs them."""
        return self.operator(), self.operator("Otto Example")

    def trusted_user(self, **columns: Any) -> User:  # noqa: ANN401 -- any column
        """Somebody with an old account and a second factor, as payouts ask for."""
        values = {
            "created_at": now() - timedelta(days=100),
            "totp_confirmed_at": now() - timedelta(days=90),
            "account_type": AccountType.PROVIDER,
        }
        return self.user(**{**values, **columns})

    def session(self, user: User, *, stepped_up: bool = True, user_agent: str = "tests") -> str:
        """The token of a new session; `stepped_up`: the password was given just now."""
        browser = sessions.Browser(address="127.0.0.1", user_agent=user_agent, token=None)
        return sessions.start(self.db, user, browser, stepped_up=stepped_up).token

    def api_key(self, user: User, name: str = "Tests") -> api_keys.NewApiKey:
        return api_keys.create(self.db, user, name=name)
