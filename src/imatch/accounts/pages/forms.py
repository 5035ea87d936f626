"""How account pages show a form: empty, or again with what was typed and what is wrong with it."""

from typing import Annotated, Any

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from imatch.accounts.deps import give_cookie
from imatch.accounts.service.sessions import SignedIn
from imatch.core.errors import DomainError, RateLimited
from imatch.core.settings import get_settings
from imatch.web.redirects import same_site_path
from imatch.web.rendering import render

ACCOUNT = "/account"

Text = Annotated[str, Form()]
NextInForm = Annotated[str, Form(alias="next")]
NextInQuery = Annotated[str, Query(alias="next")]


def account_page(
    request: Request, template: str, context: dict[str, Any], error: DomainError | None = None
) -> HTMLResponse:
    """A page of this person only: no cache keeps it. With an error it takes the error's status.

    Templates get `errors` for the summary and `faults`, the messages by field name.
    """
    fields = error.fields if error else ()
    summary = [(fault.control_id or fault.field, fault.message) for fault in fields]
    if error and not summary:
        summary = [("", error.message)]
    page = render(
        request,
        f"accounts/{template}.html",
        {
            "errors": summary,
            "faults": {fault.field: fault.message for fault in fields},
            "local_outbox": not (get_settings().production or get_settings().smtp_host),
            **context,
        },
        status=error.status if error else 200,
    )
    page.headers["Cache-Control"] = "no-store"
    if isinstance(error, RateLimited):
        page.headers["Retry-After"] = str(error.retry_after_seconds)
    return page


def go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


def safe_next(path: str) -> str:
    """Where to go on: a page of this site, by default the account."""
    return same_site_path(path, ACCOUNT)


def signed_in_to(signed_in: SignedIn, next_path: str, code_page: str) -> RedirectResponse:
    """Hand over the session's cookie and go on, by way of the second factor if one is needed."""
    response = go(code_page if signed_in.second_factor_pending else next_path)
    give_cookie(response, signed_in.token)
    return response
