"""FastAPI dependencies that find the need of a request by its token or its user."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Cookie, Depends, Security
from fastapi.security import APIKeyHeader
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser
from imatch.accounts.models import User
from imatch.core.settings import get_settings
from imatch.needs.models import Need
from imatch.needs.queries import current_need
from imatch.web.deps import ClientAddress, Db

COOKIE = "imatch_need"

_token_header = APIKeyHeader(
    name="X-Need-Token",
    scheme_name="needToken",
    description="The token that came with a need which belongs to no account.",
    auto_error=False,
)
NeedTokenHeader = Annotated[str | None, Security(_token_header)]
NeedToken = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who starts a need: a user, or an anonymous visitor who is rate-limited by network address."""

    user: User | None
    address: str


async def _visitor(user: OptionalUser, address: ClientAddress) -> Visitor:
    return Visitor(user, address)


CurrentVisitor = Annotated[Visitor, Depends(_visitor)]


def set_need_cookie(response: Response, token: str) -> Response:
    """Set the cookie that opens the need, for as long as a saved need can be resumed."""
    settings = get_settings()
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.resume_days * 24 * 60 * 60,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )
    return response


def _current_need(db: Db, user: OptionalUser, token: NeedToken = None) -> Need | None:
    return current_need(db, token=token, user=user)


# The need of this browser or account in any category, or None.
CurrentNeed = Annotated[Need | None, Depends(_current_need)]


def _need_in_category(
    db: Db, user: OptionalUser, category: str, token: NeedToken = None
) -> Need | None:
    return current_need(db, token=token, user=user, category=category)


# For paths with a {category}: the need of this browser or account in that category, or None.
NeedInCategory = Annotated[Need | None, Depends(_need_in_category)]
