"""FastAPI dependencies that identify the caller, for the endpoints of every domain."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.errors import OperatorsOnly
from imatch.accounts.models import AccountType, User, UserSession
from imatch.accounts.service import api_keys, sessions, visits
from imatch.accounts.service.sessions import Browser
from imatch.core.errors import Unauthenticated
from imatch.core.settings import get_settings
from imatch.web.deps import ClientAddress, Db
from imatch.web.openapi import API_KEY, SESSION

_BEARER = "bearer "
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LEAVING_PATHS = frozenset({"/sign-out", "/account/delete"})  # these do not count as a visit


class NotSignedIn(Unauthenticated):
    remedy_path = "/sign-in"


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """What templates may show of the signed-in user. Usable after the database session ends."""

    id: int
    name: str
    email: str
    account_type: AccountType


def cookie_name() -> str:
    return "__Host-imatch" if get_settings().secure_cookies else "imatch_session"


def set_session_cookie(response: Response, token: str) -> Response:
    """Set the session cookie on the response. The database decides when the session expires."""
    settings = get_settings()
    response.set_cookie(
        cookie_name(),
        token,
        max_age=settings.session_days * 24 * 60 * 60,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )
    return response


def clear_session_cookie(response: Response) -> Response:
    """Clear the session cookie on the response."""
    settings = get_settings()
    response.delete_cookie(
        cookie_name(), path="/", httponly=True, samesite="lax", secure=settings.secure_cookies
    )
    return response


async def load_user(request: Request, db: Db) -> User | None:
    """Return the signed-in user by session cookie or, under /api/ only, by API key.

    The application depends on it on every route, because every page shows the user's name. It
    costs one indexed query, and neither a query nor a thread for requests without credentials.
    Raises ApiKeyRefused.
    """
    request.state.session = request.state.user = None
    key, token = _api_key_of(request), request.cookies.get(cookie_name())
    if not key and not token:
        return None
    return await run_in_threadpool(_authenticate, request, db, key, token)


def _api_key_of(request: Request) -> str | None:
    header = request.headers.get("authorization", "")
    if not request.url.path.startswith("/api/") or not header.lower().startswith(_BEARER):
        return None
    return header[len(_BEARER) :].strip()


def _authenticate(request: Request, db: Session, key: str | None, token: str | None) -> User | None:
    user = api_keys.owner(db, key) if key else None
    if user is None and token:
        user = _by_cookie(request, db, token)
    request.state.user = user and SignedInUser(user.id, user.name, user.email, user.account_type)
    return user


def _by_cookie(request: Request, db: Session, token: str) -> User | None:
    row = queries.live_session(db, token)
    if row is None:
        return None
    session, user = row
    request.state.session = session
    if session.second_factor_pending:
        return None
    sessions.update_last_seen(db, session)
    if request.method not in _SAFE_METHODS and request.url.path not in _LEAVING_PATHS:
        visits.announce_day(db, session)
    return user


OptionalUser = Annotated[User | None, Depends(load_user)]


_api_key = HTTPBearer(
    scheme_name=API_KEY, description="An API key of the account.", auto_error=False
)
_session_cookie = APIKeyCookie(
    name="imatch_session",
    scheme_name=SESSION,
    description="A browser's sign-in; over TLS the cookie is `__Host-imatch`.",
    auto_error=False,
)


# The two parameters only declare in the API's description what load_user reads.
async def _current_user(
    user: OptionalUser,
    _declared_key: Annotated[object, Security(_api_key)],
    _declared_cookie: Annotated[object, Security(_session_cookie)],
) -> User:
    if user is None:
        raise NotSignedIn("Sign in first.")
    return user


CurrentUser = Annotated[User, Depends(_current_user)]


async def _current_operator(user: CurrentUser) -> User:
    if user.account_type != AccountType.OPERATOR:
        raise OperatorsOnly
    return user


CurrentOperator = Annotated[User, Depends(_current_operator)]


def is_operator_session(db: Session, session: UserSession) -> bool:
    """Whether a session is still live and an operator's, for streams that outlive their request.

    Looks it up by id, not by cookie: a step-up in another tab replaces the cookie.
    """
    row = queries.still_live(db, session)
    if row is None:
        return False
    live, user = row
    return not live.second_factor_pending and user.account_type == AccountType.OPERATOR


def _current_session(request: Request, user: CurrentUser) -> UserSession:
    """The browser's session. Raises NotSignedIn for API keys, which have none."""
    session: UserSession | None = request.state.session
    if session is None or session.user_id != user.id:
        raise NotSignedIn("Sign in with a browser first.")
    return session


CurrentSession = Annotated[UserSession, Depends(_current_session)]


def _stepped_up(request: Request, user: CurrentUser) -> User:
    session: UserSession | None = request.state.session
    if session is None or session.user_id != user.id:
        session = None
    sessions.require_step_up(session)
    return user


# The signed-in user, after a recent password or code. Require it on the page with the form too,
# so that the step-up does not interrupt a filled-in form.
StepUp = Annotated[User, Depends(_stepped_up)]


def _pending_session(request: Request, _user: OptionalUser) -> UserSession:
    session: UserSession | None = request.state.session
    if session is None or not session.second_factor_pending:
        raise NotSignedIn("Sign in first.")
    return session


PendingSession = Annotated[UserSession, Depends(_pending_session)]


async def _this_browser(request: Request, address: ClientAddress) -> Browser:
    agent = request.headers.get("user-agent", "")
    return Browser(address, agent, request.cookies.get(cookie_name()))


ThisBrowser = Annotated[Browser, Depends(_this_browser)]


def _stepped_up_operator(operator: CurrentOperator, _user: StepUp) -> User:
    return operator


# For money and identities: an operator, after a recent password or code.
SteppedUpOperator = Annotated[User, Depends(_stepped_up_operator)]
