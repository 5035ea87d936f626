"""Pages to make and revoke API keys."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.deps import StepUp
from imatch.accounts.models import User
from imatch.accounts.pages.forms import Text, account_page, go
from imatch.accounts.service import api_keys
from imatch.core.errors import DomainError
from imatch.web.deps import Db

router = APIRouter(include_in_schema=False)
PAGE = "/account/api-keys"


@router.get(PAGE)
def show(request: Request, db: Db, user: StepUp) -> Response:
    return _page(request, db, user)


@router.post(PAGE)
def create(request: Request, db: Db, user: StepUp, name: Text = "") -> Response:
    """The answer itself shows the key, this once: no address leads to it again."""
    try:
        made = api_keys.create(db, user, name=name)
    except DomainError as error:
        return _page(request, db, user, name=name, error=error)
    return _page(request, db, user, key=made.key)


@router.post(f"{PAGE}/{{key_id}}/revoke")
def revoke(db: Db, user: StepUp, key_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    api_keys.revoke(db, user, key_id)
    return go(PAGE)


def _page(
    request: Request,
    db: Db,
    user: User,
    *,
    name: str = "",
    key: str = "",
    error: DomainError | None = None,
) -> Response:
    context = {"keys": queries.api_keys_of(db, user.id), "name": name, "key": key}
    return account_page(request, "api_keys", context, error)
