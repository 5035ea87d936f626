"""Pages to set up, renew and switch off the second factor."""

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from imatch.accounts import queries
from imatch.accounts.deps import StepUp
from imatch.accounts.models import User
from imatch.accounts.pages.forms import TextInForm
from imatch.accounts.service import second_factor
from imatch.core.errors import DomainError
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, go, private_page

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
def confirm(request: Request, db: Db, user: StepUp, code: TextInForm = "") -> Response:
    return act_or_show(
        lambda: second_factor.confirm(db, user, code),
        show=lambda error: _page(request, db, user, error),
        then=lambda codes: _recovery_codes(request, codes),
    )


@router.post(f"{PAGE}/recovery-codes")
def renew_recovery_codes(request: Request, db: Db, user: StepUp) -> Response:
    return _recovery_codes(request, second_factor.renew_recovery_codes(db, user))


@router.post(f"{PAGE}/off")
def switch_off(db: Db, user: StepUp) -> Response:
    second_factor.switch_off(db, user)
    return go("/account?saved=second-factor")


def _page(request: Request, db: Db, user: User, error: DomainError | None = None) -> Response:
    setup = second_factor.setup(user)
    return private_page(
        request,
        "accounts/second_factor.html",
        {
            "on_since": user.totp_confirmed_at,
            "qr": Markup(setup.qr_svg) if setup else None,  # noqa: S704 -- drawn by segno
            "key": setup.key if setup else "",
            "codes_left": queries.unused_recovery_codes(db, user.id),
        },
        error,
    )


def _recovery_codes(request: Request, codes: list[str]) -> Response:
    return private_page(request, "accounts/recovery_codes.html", {"codes": codes})
