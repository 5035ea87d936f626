"""Needs as seekers hand them in."""

from typing import Any

from imatch.accounts.models import User
from imatch.needs import service as needs
from imatch.needs.models import Need
from tests.factories.accounts import AccountFactory
from tests.factories.providers import ADVISORS

# What somebody looks for whom ADVISOR_PROFILE fits.
ADVISOR_NEED: dict[str, Any] = {
    "needs_description": "Company shares vest in May and I want to plan retirement and taxes.",
    "needs": ["retirement", "tax"],
    "format": "remote",
    "place": {"country": "US", "region": "CA", "city": "Oakland"},
    "budget": {"min_cents": None, "max_cents": 30_000, "unit": "session"},
    "values": ["integrity"],
    "style": {"lead": -1, "evidence": -2},
}
ADVISOR_NEED_JSON = {"category": ADVISORS, "values": ADVISOR_NEED, "importance": {}}
# What a browser posts from the first page of the same walk.
FIRST_PAGE = {"needs_description": "Shares vest in May. What about tax?", "needs": ["tax"]}


class NeedFactory(AccountFactory):
    def need(
        self,
        user: User | None = None,
        importance: dict[str, str] | None = None,
        **answers: Any,  # noqa: ANN401 -- any answer
    ) -> Need:
        """A complete need for an advisor; `answers` are laid over ADVISOR_NEED."""
        return self.need_and_token(user, importance, **answers)[0]

    def need_and_token(
        self,
        user: User | None = None,
        importance: dict[str, str] | None = None,
        **answers: Any,  # noqa: ANN401 -- any answer
    ) -> tuple[Need, str]:
        """A need with the token by which a browser without an account owns it."""
        values = {**ADVISOR_NEED, **answers}
        return needs.submit(self.db, ADVISORS, values, importance or {}, user=user)
