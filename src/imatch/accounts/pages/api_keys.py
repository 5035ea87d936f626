"""Pages to make and revoke API keys."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.deps import StepUp
from imatch.accounts.models import User
from imatch.accounts.pages.forms import TextInForm
from imatch.accounts.service import api_keys
from imatch.core.errors import DomainError
from imatch.core.ids import RowId
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, go, private_page

router = APIRouter(include_in_schema=False)
PAGE = "/account/api-keys"


@router.get(PAGE)
def show(request: Request, db: Db, user: StepUp) -> Response:
    return _page(request, db, user)


@router.post(PAGE)
def create(request: Request, db: Db, user: StepUp, name: TextInForm = "") -> Response:
    """Create a key and show it in this response only: it cannot be read again."""
    return act_or_show(
        lambda: api_keys.create(db, user, name=name),
        show=lambda error: _page(request, db, user, name=name, error=error),
        then=lambda new_key: _page(request, db, user, key=new_key.key),
    )


@router.post(f"{PAGE}/{{key_id}}/revoke")
def revoke(db: Db, user: StepUp, key_id: RowId) -> Response:
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
    return private_page(request, "accounts/api_keys.html", context, error)
