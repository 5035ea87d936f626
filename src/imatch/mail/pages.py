"""The local outbox: pages that show the mail of a development server."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from imatch.core.errors import NotFound
from imatch.core.ids import RowId
from imatch.core.settings import get_settings
from imatch.mail import queries
from imatch.web.deps import Db
from imatch.web.rendering import render

_MAX_SHOWN = 100

router = APIRouter(prefix="/dev/outbox", include_in_schema=False)


@router.get("")
def outbox(request: Request, db: Db) -> HTMLResponse:
    _refuse_in_production()
    return render(request, "mail/outbox.html", {"messages": queries.latest(db, _MAX_SHOWN)})


@router.get("/{message_id}")
def message(request: Request, db: Db, message_id: RowId) -> HTMLResponse:
    _refuse_in_production()
    stored = queries.message(db, message_id)
    return render(request, "mail/message.html", {"message": stored})


def _refuse_in_production() -> None:
    """The links in these messages would let anyone sign in as anyone."""
    if get_settings().production:
        raise NotFound("There is nothing here.")
