"""Pages to save a need and to resume it in another browser."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser
from imatch.accounts.errors import BadEmail
from imatch.core.errors import DomainError
from imatch.core.settings import get_settings
from imatch.needs import queries, resuming, rules
from imatch.needs.deps import CurrentNeed, set_need_cookie
from imatch.needs.models import Need, NeedStatus
from imatch.web.deps import ClientAddress, Db
from imatch.web.forms import at_field, go, private_page

router = APIRouter(include_in_schema=False)

CodeField = Annotated[str, Form(max_length=100)]


@router.get("/find/save")
@router.get("/find/save/mail")
def save_page(request: Request, db: Db, need: CurrentNeed) -> Response:
    """Explain what saving does. Creates nothing; the button posts."""
    return _save_page(request, db, need)


@router.post("/find/save")
def save(request: Request, db: Db, need: CurrentNeed) -> Response:
    """Create a resume code and show it in this response only."""
    if need is None or need.user_id is not None:
        return _save_page(request, db, need)
    return _save_page(request, db, need, code=resuming.new_code(db, need))


@router.post("/find/save/mail")
def mail_link(
    request: Request,
    db: Db,
    need: CurrentNeed,
    address: ClientAddress,
    email: Annotated[str, Form(max_length=1_000)] = "",
    code: CodeField = "",
) -> Response:
    if need is None or need.user_id is not None:
        return _save_page(request, db, need)
    try:
        sent_to = resuming.mail_link(db, need, code, email, address=address)
    except BadEmail as error:
        return _save_page(request, db, need, error, code=code, email=email)
    return _save_page(request, db, need, code=code, sent_to=sent_to)


def _save_page(
    request: Request,
    db: Db,
    need: Need | None,
    error: DomainError | None = None,
    *,
    code: str = "",
    email: str = "",
    sent_to: str = "",
) -> Response:
    context = {
        "need": need,
        "continue_path": _continue_path(db, need) if need else "/find",
        "code": code,
        "email": email,
        "sent_to": sent_to,
        "days": get_settings().resume_days,
    }
    return private_page(request, "needs/save.html", context, error)


@router.get("/resume")
def resume_page(request: Request, code: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Ask for the code, or show a button if the link contains it.

    Resuming is a POST, because mail scanners open links and must not use them up.
    """
    return private_page(request, "needs/resume.html", {"code": code})


@router.post("/resume")
def resume(
    request: Request, db: Db, user: OptionalUser, address: ClientAddress, code: CodeField = ""
) -> Response:
    try:
        need, token = resuming.resume(db, code, address=address, user=user)
    except DomainError as error:  # show unknown and expired codes in the form, not on an error page
        return private_page(request, "needs/resume.html", {"code": code}, at_field(error, "code"))
    return set_need_cookie(go(_continue_path(db, need)), token)


def _continue_path(db: Db, need: Need) -> str:
    """Where the need continues: the matches, the first unanswered page, or the check page."""
    if need.status == NeedStatus.COMPLETE:
        return "/matches"
    definition = queries.definition_of(db, need)
    page_number = rules.next_page(definition, need.answers["values"])
    return f"/find/{definition.name}/{page_number or 'check'}"
