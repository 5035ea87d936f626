"""The account page, and the forms for name, address, password and signed-in browsers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.deps import CurrentSession, CurrentUser, StepUp, give_cookie
from imatch.accounts.pages.forms import Text, account_page, go
from imatch.accounts.rules import browser_name
from imatch.accounts.service import profile, sessions
from imatch.core.errors import DomainError
from imatch.web.deps import Db

router = APIRouter(include_in_schema=False)

_SAVED = {
    "confirmed": "Your address is confirmed. Welcome.",
    "name": "Your name is changed.",
    "email": "Your address is changed.",
    "password": "Your password is changed, and every other browser is signed out.",
    "browsers": "Signed out there.",
    "second-factor": "Your second factor is off.",
}


@router.get("/account")
def account(
    request: Request,
    db: Db,
    user: CurrentUser,
    session: CurrentSession,
    saved: Annotated[str, Query()] = "",
) -> Response:
    return account_page(
        request,
        "account",
        {
            "account": user,
            "browsers": [
                {"row": row, "name": browser_name(row.user_agent), "here": row.id == session.id}
                for row in queries.sessions_of(db, user.id)
            ],
            "api_keys": len(queries.api_keys_of(db, user.id)),
            "recovery_codes": queries.unused_recovery_codes(db, user.id),
            "saved": _SAVED.get(saved, ""),
        },
    )


@router.get("/account/name")
def name_form(request: Request, user: CurrentUser) -> Response:
    return account_page(request, "name", {"name": user.name})


@router.post("/account/name")
def rename(request: Request, db: Db, user: CurrentUser, name: Text = "") -> Response:
    try:
        profile.rename(db, user, name)
    except DomainError as error:
        return account_page(request, "name", {"name": name}, error)
    return go("/account?saved=name")


@router.get("/account/email")
def email_form(request: Request, user: StepUp) -> Response:
    return account_page(request, "email", {"email": "", "present": user.email})


@router.post("/account/email")
def ask_for_new_email(request: Request, db: Db, user: StepUp, email: Text = "") -> Response:
    present = user.email
    try:
        profile.ask_for_new_email(db, user, email)
    except DomainError as error:
        return account_page(request, "email", {"email": email, "present": present}, error)
    return go("/check-mail?for=new-address")


@router.get("/account/password")
def password_form(request: Request, user: StepUp) -> Response:
    return account_page(request, "password", {"email": user.email})


@router.post("/account/password")
def change_password(
    request: Request, db: Db, user: StepUp, session: CurrentSession, password: Text = ""
) -> Response:
    email = user.email
    try:
        token = profile.change_password(db, user, session, password)
    except DomainError as error:
        return account_page(request, "password", {"email": email}, error)
    response = go("/account?saved=password")
    give_cookie(response, token)
    return response


@router.post("/account/browsers/{session_id}/end")
def end_browser(
    db: Db, user: CurrentUser, session_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> Response:
    sessions.end_one(db, user.id, session_id)
    return go("/account?saved=browsers")
