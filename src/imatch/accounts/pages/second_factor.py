"""Pages to set up, renew and switch off the second factor."""

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.deps import StepUp
from imatch.accounts.models import User
from imatch.accounts.pages.forms import Text, account_page, go
from imatch.accounts.service import second_factor
from imatch.core.errors import DomainError
from imatch.web.deps import Db

router = APIRouter(include_in_schema=False)
PAGE = "/account/second-factor"


@router.get(PAGE)
def show(request: Request, db: Db, user: StepUp) -> Response:
    return _page(request, db, user)


@router.post(f"{PAGE}/begin")
def begin(db: Db, user: StepUp) -> Response:
    second_factor.begin(db, user)
    return go(PAGE)


@router.post(PAGE)
def confirm(request: Request, db: Db, user: StepUp, code: Text = "") -> Response:
    try:
        codes = second_factor.confirm(db, user, code)
    except DomainError as error:
        return _page(request, db, user, error)
    return account_page(request, "recovery_codes", {"codes": codes})


@router.post(f"{PAGE}/recovery-codes")
def renew_recovery_codes(request: Request, db: Db, user: StepUp) -> Response:
    codes = second_factor.renew_recovery_codes(db, user)
    return account_page(request, "recovery_codes", {"codes": codes})


@router.post(f"{PAGE}/off")
def switch_off(db: Db, user: StepUp) -> Response:
    second_factor.switch_off(db, user)
    return go("/account?saved=second-factor")


def _page(request: Request, db: Db, user: User, error: DomainError | None = None) -> Response:
    setup = second_factor.setup(user)
    return account_page(
        request,
        "second_factor",
        {
            "on_since": user.totp_confirmed_at,
            "qr": Markup(setup.qr_svg) if setup else None,  # noqa: S704 -- drawn here by segno
            "key": setup.key if setup else "",
            "codes_left": queries.unused_recovery_codes(db, user.id),
        },
        error,
    )
