"""Pages for people who forgot their password, or never had one."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from imatch.accounts.deps import ThisBrowser
from imatch.accounts.models import LinkPurpose
from imatch.accounts.pages.forms import Text, account_page, go, signed_in_to
from imatch.accounts.service import links, recovery
from imatch.core.errors import DomainError
from imatch.web.deps import Db

router = APIRouter(include_in_schema=False)


@router.get("/recover")
def recover_form(request: Request) -> Response:
    return account_page(request, "recover", {"email": ""})


@router.post("/recover")
def send_reset_link(request: Request, db: Db, browser: ThisBrowser, email: Text = "") -> Response:
    try:
        recovery.send_reset_link(db, email=email, browser=browser)
    except DomainError as error:
        return account_page(request, "recover", {"email": email}, error)
    return go("/check-mail?for=recovery")


@router.get("/reset/{token}")
def reset_form(request: Request, db: Db, token: str) -> Response:
    link, _ = links.look(db, token, LinkPurpose.RESET_PASSWORD)
    return account_page(request, "reset", {"email": link.sent_to})


@router.post("/reset/{token}")
def reset(
    request: Request, db: Db, browser: ThisBrowser, token: str, password: Text = ""
) -> Response:
    link, _ = links.look(db, token, LinkPurpose.RESET_PASSWORD)
    email = link.sent_to
    try:
        signed_in = recovery.reset_password(db, token=token, password=password, browser=browser)
    except links.LinkNotUsable:
        raise
    except DomainError as error:
        return account_page(request, "reset", {"email": email}, error)
    return signed_in_to(signed_in, "/account?saved=password", "/sign-in/code")
