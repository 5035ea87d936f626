"""Pages to take one's data along, and to delete the account."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from imatch.accounts.deps import StepUp, take_cookie
from imatch.accounts.pages.forms import account_page
from imatch.accounts.service import personal_data
from imatch.core.errors import FieldError, Invalid
from imatch.web.deps import Db

router = APIRouter(include_in_schema=False)


@router.get("/account/export")
def export(db: Db, user: StepUp) -> Response:
    """Everything about the person, as a file."""
    return JSONResponse(
        personal_data.export(db, user),
        headers={
            "Content-Disposition": 'attachment; filename="imatch-export.json"',
            "Cache-Control": "no-store",
        },
    )


@router.get("/account/delete")
def delete_form(request: Request, _user: StepUp) -> Response:
    return account_page(request, "delete", {})


@router.post("/account/delete")
def delete(request: Request, db: Db, user: StepUp, sure: Annotated[str, Form()] = "") -> Response:
    if sure != "yes":
        message = "Tick the box if you really want to delete the account."
        error = Invalid(message, fields=(FieldError("sure", message, "sure"),))
        return account_page(request, "delete", {}, error)
    personal_data.erase(db, user)
    request.state.user = None
    response = account_page(request, "deleted", {})
    take_cookie(response)
    return response
