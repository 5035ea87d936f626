"""Pages to sign in by password or link, give the second factor, step up, and sign out."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from imatch.accounts.deps import (
    CurrentSession,
    CurrentUser,
    OptionalUser,
    PendingSession,
    ThisBrowser,
    clear_session_cookie,
    set_session_cookie,
)
from imatch.accounts.models import LinkPurpose, User
from imatch.accounts.pages.forms import (
    ACCOUNT,
    NextInForm,
    NextInQuery,
    TextInForm,
    safe_next,
    signed_in_to,
)
from imatch.accounts.service import links, sessions, sign_in
from imatch.accounts.service.sessions import SignedIn
from imatch.core.errors import DomainError
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, go, private_page

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def sign_in_form(
    request: Request, user: OptionalUser, next_path: NextInQuery = ACCOUNT
) -> Response:
    if user is not None:
        return go(safe_next(next_path))
    context = {"email": "", "next": safe_next(next_path)}
    return private_page(request, "accounts/sign_in.html", context)


@router.post("/sign-in")
def sign_in_by_password(
    request: Request,
    db: Db,
    browser: ThisBrowser,
    email: TextInForm = "",
    password: TextInForm = "",
    next_path: NextInForm = ACCOUNT,
) -> Response:
    context = {"email": email, "next": safe_next(next_path)}
    return act_or_show(
        lambda: sign_in.sign_in(db, email=email, password=password, browser=browser),
        show=lambda error: private_page(request, "accounts/sign_in.html", context, error),
        then=lambda signed_in: _redirect_signed_in(signed_in, next_path),
    )


@router.get("/sign-in/code")
def code_form(
    request: Request, _session: PendingSession, next_path: NextInQuery = ACCOUNT
) -> Response:
    context = {"next": safe_next(next_path)}
    return private_page(request, "accounts/sign_in_code.html", context)


@router.post("/sign-in/code")
def give_code(
    request: Request,
    db: Db,
    session: PendingSession,
    code: TextInForm = "",
    next_path: NextInForm = ACCOUNT,
) -> Response:
    context = {"next": safe_next(next_path)}
    return act_or_show(
        lambda: sign_in.finish_with_code(db, session, code),
        show=lambda error: private_page(request, "accounts/sign_in_code.html", context, error),
        then=lambda token: set_session_cookie(go(safe_next(next_path)), token),
    )


@router.get("/sign-in/link")
def link_form(request: Request, next_path: NextInQuery = ACCOUNT) -> Response:
    context = {"email": "", "next": safe_next(next_path)}
    return private_page(request, "accounts/sign_in_link.html", context)


@router.post("/sign-in/link")
def send_link(
    request: Request,
    db: Db,
    browser: ThisBrowser,
    email: TextInForm = "",
    next_path: NextInForm = ACCOUNT,
) -> Response:
    context = {"email": email, "next": safe_next(next_path)}
    return act_or_show(
        lambda: sign_in.send_link(db, email=email, next_path=safe_next(next_path), browser=browser),
        show=lambda error: private_page(request, "accounts/sign_in_link.html", context, error),
        then="/check-mail?for=sign-in",
    )


@router.get("/sign-in/link/{token}")
def use_link_form(
    request: Request, db: Db, token: str, next_path: NextInQuery = ACCOUNT
) -> Response:
    """Only show a button: mail scanners that open every link must not use it up."""
    link, _ = links.find(db, token, LinkPurpose.SIGN_IN)
    context = {"email": link.sent_to, "next": safe_next(next_path)}
    return private_page(request, "accounts/sign_in_link_use.html", context)


@router.post("/sign-in/link/{token}")
def use_link(db: Db, browser: ThisBrowser, token: str, next_path: NextInForm = ACCOUNT) -> Response:
    return _redirect_signed_in(sign_in.sign_in_by_link(db, token=token, browser=browser), next_path)


@router.post("/sign-out")
def sign_out(
    db: Db,
    user: OptionalUser,
    browser: ThisBrowser,
    where: Annotated[str, Form()] = "here",
) -> Response:
    """End this browser's session, or with where=everywhere all sessions of the user."""
    if user is not None and where == "everywhere":
        sessions.end_all(db, user.id)
    sessions.end(db, browser.token)
    return clear_session_cookie(go("/sign-in"))


@router.get("/step-up")
def step_up_form(request: Request, user: CurrentUser, next_path: NextInQuery = ACCOUNT) -> Response:
    return _step_up_page(request, user, next_path)


@router.post("/step-up")
def step_up(
    request: Request,
    db: Db,
    user: CurrentUser,
    session: CurrentSession,
    password: TextInForm = "",
    code: TextInForm = "",
    next_path: NextInForm = ACCOUNT,
) -> Response:
    return act_or_show(
        lambda: sign_in.step_up(db, user, session, password=password, code=code),
        show=lambda error: _step_up_page(request, user, next_path, error),
        then=lambda token: set_session_cookie(go(safe_next(next_path)), token),
    )


def _step_up_page(
    request: Request, user: User, next_path: str, error: DomainError | None = None
) -> Response:
    context = {
        "next": safe_next(next_path),
        "has_password": user.password_hash is not None,
        "has_second_factor": user.totp_confirmed_at is not None,
    }
    return private_page(request, "accounts/step_up.html", context, error)


def _redirect_signed_in(signed_in: SignedIn, next_path: str) -> Response:
    target = safe_next(next_path)
    return signed_in_to(signed_in, target, f"/sign-in/code?{urlencode({'next': target})}")
