"""Who is asking: what this and other domains' endpoints may ask for."""

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
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_LEAVING = frozenset({"/sign-out", "/account/delete"})  # not what a visit is for


class NotSignedIn(Unauthenticated):
    remedy_path = "/sign-in"


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """What templates may show of the person who is signed in; outlives the database session."""

    id: int
    name: str
    email: str
    account_type: str


def cookie_name() -> str:
    return "__Host-imatch" if get_settings().secure_cookies else "imatch_session"


def give_cookie(response: Response, token: str) -> Response:
    """The response with the browser's session; the database decides how long it really lasts."""
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


def take_cookie(response: Response) -> Response:
    """The response that ends the browser's session."""
    settings = get_settings()
    response.delete_cookie(
        cookie_name(), path="/", httponly=True, samesite="lax", secure=settings.secure_cookies
    )
    return response


async def remember_user(request: Request, db: Db) -> User | None:
    """The signed-in user by session cookie or, under /api/ only, by API key.

    The application asks for it on every route, so that every page can greet the user; it is one
    indexed query, and neither a query nor a thread for visitors who present nothing.
    """
    request.state.session = request.state.user = None
    key, token = _api_key_of(request), request.cookies.get(cookie_name())
    if not key and not token:
        return None
    return await run_in_threadpool(_recognise, request, db, key, token)


def _api_key_of(request: Request) -> str | None:
    presented = request.headers.get("authorization", "")
    if not request.url.path.startswith("/api/") or not presented.lower().startswith(_BEARER):
        return None
    return presented[len(_BEARER) :].strip()


def _recognise(request: Request, db: Session, key: str | None, token: str | None) -> User | None:
    user = api_keys.owner(db, key) if key else None
    if user is None and token:
        user = _by_cookie(request, db, token)
    request.state.user = user and SignedInUser(user.id, user.name, user.email, user.account_type)
    return user


def _by_cookie(request: Request, db: Session, token: str) -> User | None:
    found = queries.live_session(db, token)
    if found is None:
        return None
    session, user = found
    request.state.session = session
    if session.second_factor_pending:
        return None
    sessions.note_seen(db, session)
    if request.method not in _READING and request.url.path not in _LEAVING:
        visits.note_action(db, session)
    return user


OptionalUser = Annotated[User | None, Depends(remember_user)]


_api_key = HTTPBearer(
    scheme_name=API_KEY, description="An API key of the account.", auto_error=False
)
_session_cookie = APIKeyCookie(
    name="imatch_session",
    scheme_name=SESSION,
    description="A browser's sign-in; over TLS the cookie is `__Host-imatch`.",
    auto_error=False,
)


# Both only declare for the API's description what remember_user reads.
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


def is_operators_session(db: Session, session: UserSession) -> bool:
    """Whether a session is still an operator's: for answers that stay open after CurrentOperator.

    Not by its cookie: proving oneself in another tab gives the browser a new one.
    """
    found = queries.still_live(db, session)
    if found is None or found[0].second_factor_pending:
        return False
    return found[1].account_type == AccountType.OPERATOR


def _current_session(request: Request, user: CurrentUser) -> UserSession:
    """The browser's session; a program with an API key has none."""
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


# The signed-in user, who gave a password or code in the last minutes. Ask for it on the page with
# the form too, so that nobody is interrupted after filling it in.
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


def _proved_operator(operator: CurrentOperator, _proved: StepUp) -> User:
    return operator


# Money and identities: an operator who gave a password or code in the last minutes.
ProvedOperator = Annotated[User, Depends(_proved_operator)]
