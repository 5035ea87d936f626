"""What the account pages' forms share: field types and redirects."""

from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from imatch.accounts.deps import set_session_cookie
from imatch.accounts.service.sessions import SignedIn
from imatch.web.forms import go
from imatch.web.redirects import same_site_path

ACCOUNT = "/account"

TextInForm = Annotated[str, Form()]
NextInForm = Annotated[str, Form(alias="next")]
NextInQuery = Annotated[str, Query(alias="next")]


def safe_next(path: str) -> str:
    """The path if it is a page of this site, else the account page."""
    return same_site_path(path, ACCOUNT)


def signed_in_to(signed_in: SignedIn, next_path: str, code_page: str) -> Response:
    """Set the session cookie and redirect, to `code_page` first if a second factor is pending."""
    path = code_page if signed_in.second_factor_pending else next_path
    return set_session_cookie(go(path), signed_in.token)
