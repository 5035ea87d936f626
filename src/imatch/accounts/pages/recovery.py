"""Pages to set a new password by an e-mailed link."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from imatch.accounts.deps import ThisBrowser
from imatch.accounts.models import LinkPurpose
from imatch.accounts.pages.forms import TextInForm, signed_in_to
from imatch.accounts.service import links, recovery
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, private_page

router = APIRouter(include_in_schema=False)


@router.get("/recover")
def recover_form(request: Request) -> Response:
    return private_page(request, "accounts/recover.html", {"email": ""})


@router.post("/recover")
def send_reset_link(
    request: Request, db: Db, browser: ThisBrowser, email: TextInForm = ""
) -> Response:
    return act_or_show(
        lambda: recovery.send_reset_link(db, email=email, browser=browser),
        show=lambda error: private_page(request, "accounts/recover.html", {"email": email}, error),
        then="/check-mail?for=recovery",
    )


@router.get("/reset/{token}")
def reset_form(request: Request, db: Db, token: str) -> Response:
    link, _ = links.find(db, token, LinkPurpose.RESET_PASSWORD)
    return private_page(request, "accounts/reset.html", {"email": link.sent_to})


@router.post("/reset/{token}")
def reset(
    request: Request, db: Db, browser: ThisBrowser, token: str, password: TextInForm = ""
) -> Response:
    link, _ = links.find(db, token, LinkPurpose.RESET_PASSWORD)
    context = {"email": link.sent_to}
    return act_or_show(
        lambda: recovery.reset_password(db, token=token, password=password, browser=browser),
        show=lambda error: private_page(request, "accounts/reset.html", context, error),
        then=lambda signed_in: signed_in_to(signed_in, "/account?saved=password", "/sign-in/code"),
    )
