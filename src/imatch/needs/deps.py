"""Whose need a request is about: the cookie that holds its token, and the need behind it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Cookie, Depends, Security
from fastapi.security import APIKeyHeader
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser
from imatch.accounts.models import User
from imatch.core.settings import get_settings
from imatch.needs.models import Need
from imatch.needs.queries import need_of
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
    """Who begins a need: an account, or somebody without one, counted by network address."""

    user: User | None
    address: str


async def _visitor(user: OptionalUser, address: ClientAddress) -> Visitor:
    return Visitor(user, address)


CurrentVisitor = Annotated[Visitor, Depends(_visitor)]


def give_need_cookie(response: Response, token: str) -> Response:
    """The response that lets this browser open the need as long as a saved one can be resumed."""
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
    return need_of(db, token=token, user=user)


# The need that this browser or account works on, in whichever category; None without one.
CurrentNeed = Annotated[Need | None, Depends(_current_need)]


def _need_in_category(
    db: Db, user: OptionalUser, category: str, token: NeedToken = None
) -> Need | None:
    return need_of(db, token=token, user=user, category=category)


# For paths with a {category}: the need that this browser or account has in that category.
NeedInCategory = Annotated[Need | None, Depends(_need_in_category)]
