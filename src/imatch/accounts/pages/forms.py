"""What forms of the account pages share: their fields, and where they lead."""

from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from imatch.accounts.deps import give_cookie
from imatch.accounts.service.sessions import SignedIn
from imatch.web.forms import go
from imatch.web.redirects import same_site_path

ACCOUNT = "/account"

Text = Annotated[str, Form()]
NextInForm = Annotated[str, Form(alias="next")]
NextInQuery = Annotated[str, Query(alias="next")]


def safe_next(path: str) -> str:
    """Where to go on: a page of this site, by default the account."""
    return same_site_path(path, ACCOUNT)


def signed_in_to(signed_in: SignedIn, next_path: str, code_page: str) -> Response:
    """Hand over the session's cookie and go on, by way of the second factor if one is needed."""
    target = code_page if signed_in.second_factor_pending else next_path
    return give_cookie(go(target), signed_in.token)
