"""The account page, and the forms for name, address, password and signed-in browsers."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.deps import CurrentSession, CurrentUser, StepUp, set_session_cookie
from imatch.accounts.pages.forms import TextInForm
from imatch.accounts.rules import browser_name
from imatch.accounts.service import profile, sessions
from imatch.core.ids import RowId
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, go, private_page

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
    return private_page(
        request,
        "accounts/account.html",
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
    return private_page(request, "accounts/name.html", {"name": user.name})


@router.post("/account/name")
def rename(request: Request, db: Db, user: CurrentUser, name: TextInForm = "") -> Response:
    return act_or_show(
        lambda: profile.rename(db, user, name),
        show=lambda error: private_page(request, "accounts/name.html", {"name": name}, error),
        then="/account?saved=name",
    )


@router.get("/account/email")
def email_form(request: Request, user: StepUp) -> Response:
    return private_page(request, "accounts/email.html", {"email": "", "present": user.email})


@router.post("/account/email")
def ask_for_new_email(request: Request, db: Db, user: StepUp, email: TextInForm = "") -> Response:
    context = {"email": email, "present": user.email}
    return act_or_show(
        lambda: profile.ask_for_new_email(db, user, email),
        show=lambda error: private_page(request, "accounts/email.html", context, error),
        then="/check-mail?for=new-address",
    )


@router.get("/account/password")
def password_form(request: Request, user: StepUp) -> Response:
    return private_page(request, "accounts/password.html", {"email": user.email})


@router.post("/account/password")
def change_password(
    request: Request, db: Db, user: StepUp, session: CurrentSession, password: TextInForm = ""
) -> Response:
    context = {"email": user.email}
    return act_or_show(
        lambda: profile.change_password(db, user, session, password),
        show=lambda error: private_page(request, "accounts/password.html", context, error),
        then=lambda token: set_session_cookie(go("/account?saved=password"), token),
    )


@router.post("/account/browsers/{session_id}/end")
def end_browser(db: Db, user: CurrentUser, session_id: RowId) -> Response:
    sessions.end_one(db, user.id, session_id)
    return go("/account?saved=browsers")
