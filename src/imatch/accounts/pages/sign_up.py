"""Pages to open an account and to confirm its address."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser, ThisBrowser
from imatch.accounts.models import AccountType, LinkPurpose
from imatch.accounts.pages.forms import ACCOUNT, Text, account_page, go, signed_in_to
from imatch.accounts.service import links, profile, sign_up
from imatch.core.errors import DomainError
from imatch.web.deps import Db

router = APIRouter(include_in_schema=False)

_TYPES = [
    (AccountType.SEEKER, "I look for a professional", "Say what you need and see who fits."),
    (AccountType.PROVIDER, "I am a professional", "Show what you offer to people who look for it."),
    (AccountType.BOTH, "Both", "Find professionals, and offer your own services."),
]


@router.get("/sign-up")
def sign_up_form(
    request: Request,
    user: OptionalUser,
    account_type: Annotated[str, Query(alias="type")] = AccountType.SEEKER,
) -> Response:
    if user is not None:
        return go(ACCOUNT)
    values = {"account_type": account_type, "name": "", "email": ""}
    return account_page(request, "sign_up", {"values": values, "types": _TYPES})


@router.post("/sign-up")
def open_account(
    request: Request,
    db: Db,
    browser: ThisBrowser,
    account_type: Text = "",
    name: Text = "",
    email: Text = "",
    password: Text = "",
) -> Response:
    try:
        sign_up.sign_up(
            db,
            email=email,
            name=name,
            password=password,
            account_type=account_type,
            browser=browser,
        )
    except DomainError as error:
        values = {"account_type": account_type, "name": name, "email": email}
        return account_page(request, "sign_up", {"values": values, "types": _TYPES}, error)
    return go("/check-mail?for=sign-up")


@router.get("/check-mail")
def check_mail(request: Request, reason: Annotated[str, Query(alias="for")] = "") -> Response:
    """What follows every form that may send mail; the same whether or not there is an account."""
    return account_page(request, "check_mail", {"reason": reason})


@router.get("/confirm/{token}")
def confirm_form(request: Request, db: Db, token: str) -> Response:
    link, _ = links.look(db, token, LinkPurpose.CONFIRM_EMAIL, LinkPurpose.CHANGE_EMAIL)
    return account_page(request, "confirm", _confirm_context(link.purpose, link.sent_to))


@router.post("/confirm/{token}")
def confirm(
    request: Request, db: Db, browser: ThisBrowser, token: str, password: Text = ""
) -> Response:
    link, _ = links.look(db, token, LinkPurpose.CONFIRM_EMAIL, LinkPurpose.CHANGE_EMAIL)
    purpose, sent_to = link.purpose, link.sent_to
    try:
        if purpose == LinkPurpose.CHANGE_EMAIL:
            profile.confirm_new_email(db, token=token)
            return go("/account?saved=email")
        signed_in = sign_up.confirm_email(db, token=token, password=password, browser=browser)
    except links.LinkNotUsable:
        raise
    except DomainError as error:
        return account_page(request, "confirm", _confirm_context(purpose, sent_to), error)
    return signed_in_to(signed_in, "/account?saved=confirmed", "/sign-in/code")


def _confirm_context(purpose: str, sent_to: str) -> dict[str, object]:
    return {"new_address": purpose == LinkPurpose.CHANGE_EMAIL, "email": sent_to}
