"""Pages to export one's data and to delete the account."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from imatch.accounts.deps import StepUp, clear_session_cookie
from imatch.accounts.service import personal_data
from imatch.core.errors import Invalid
from imatch.web.deps import Db
from imatch.web.forms import at_field, private_file, private_page

router = APIRouter(include_in_schema=False)


@router.get("/account/export")
def export(db: Db, user: StepUp) -> Response:
    """Download everything about the user as a JSON file."""
    return private_file(JSONResponse(personal_data.export(db, user)), "imatch-export.json")


@router.get("/account/delete")
def delete_form(request: Request, _user: StepUp) -> Response:
    return private_page(request, "accounts/delete.html", {})


@router.post("/account/delete")
def delete(request: Request, db: Db, user: StepUp, sure: Annotated[str, Form()] = "") -> Response:
    if sure != "yes":
        error = Invalid("Tick the box if you really want to delete the account.")
        return private_page(request, "accounts/delete.html", {}, at_field(error, "sure"))
    personal_data.erase(db, user)
    request.state.user = None
    return clear_session_cookie(private_page(request, "accounts/deleted.html", {}))
