"""The wallet's pages to redeem POT for dollars: preview, request, cancel, payout details."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from imatch.accounts.deps import CurrentUser, StepUp
from imatch.accounts.models import User
from imatch.core.countries import country_names
from imatch.core.errors import DomainError
from imatch.pot.policy import service as policy
from imatch.pot.redemption import payees
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve.coverage import CoverageState, coverage
from imatch.pot.rules import PAYOUT_PER_POT
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, private_page, whole_number

router = APIRouter(prefix="/wallet/redeem", include_in_schema=False)
HOME = "/wallet/redeem"
REQUESTS_SHOWN = 50
_BANK = "bank_transfer"
_SAVED = {
    "requested": "Your request is filed. You can take it back until it goes to the bank.",
    "cancelled": "Your request is taken back. The POT are yours again.",
    "payee": "Your payout details are saved.",
}

PayoutText = Annotated[
    str, Form(max_length=2_000)
]  # longer texts fail as a whole; shorter ones beside their field


@router.get("")
def overview(request: Request, db: Db, user: CurrentUser, saved: str = "") -> Response:
    """What may be redeemed now, the reasons against more, and the latest requests."""
    return _overview(request, db, user, saved=_SAVED.get(saved, ""))


@router.get("/check")
def check(request: Request, db: Db, user: StepUp, pot: str = "") -> Response:
    """Preview POT, dollars, fee and date of a request."""
    return act_or_show(
        lambda: redemptions.preview(db, user.id, whole_number(pot)),
        show=lambda error: _overview(request, db, user, error, typed=pot),
        then=lambda preview: _check_page(request, db, user, preview),
    )


@router.post("")
def ask(
    request: Request,
    db: Db,
    user: StepUp,
    pot: PayoutText = "",
    payment_method: PayoutText = "",
    key: PayoutText = "",
) -> Response:
    """File the request. Idempotent by the form's key."""
    return act_or_show(
        lambda: redemptions.request(db, user.id, whole_number(pot), payment_method, key=key),
        show=lambda error: _overview(request, db, user, error, typed=pot),
        then=f"{HOME}?saved=requested",
    )


@router.post("/{redemption_id:int}/cancel")
def cancel(request: Request, db: Db, user: CurrentUser, redemption_id: int) -> Response:
    return act_or_show(
        lambda: redemptions.cancel(db, user.id, redemption_id),
        show=lambda error: _overview(request, db, user, error),
        then=f"{HOME}?saved=cancelled",
    )


@router.get("/payee")
def payee_form(request: Request, db: Db, user: StepUp) -> Response:
    payee = payees.payee_of(db, user.id)
    return _payee_form(request, db, user, payee.details if payee else {"name": user.name})


@router.post("/payee")
def save_payee(
    request: Request,
    db: Db,
    user: StepUp,
    name: PayoutText = "",
    country: PayoutText = "",
    account: PayoutText = "",
    bank_code: PayoutText = "",
) -> Response:
    """Save payout details. A change delays payouts, so that a thief cannot cash out at once."""
    typed = {"name": name, "country": country, "account": account, "bank_code": bank_code}
    return act_or_show(
        lambda: payees.save(db, user.id, **typed),
        show=lambda error: _payee_form(request, db, user, typed, error),
        then=f"{HOME}?saved=payee",
    )


def _overview(
    request: Request,
    db: Db,
    user: User,
    error: DomainError | None = None,
    *,
    typed: str = "",
    saved: str = "",
) -> Response:
    numbers = policy.current(db)
    context = {
        "standing": redemption_queries.standing(db, user.id),
        "smallest": numbers.smallest_redemption,
        "payee": _shown_payee(db, user.id),
        "second_factor": user.totp_confirmed_at is not None,
        "requests": redemption_queries.of_person(db, user.id, REQUESTS_SHOWN),
        "payout_per_pot": PAYOUT_PER_POT,
        "waits": _delay_notice(db),
        "typed": typed,
        "saved": saved,
    }
    return private_page(request, "pot/redemption/redeem.html", context, error)


def _check_page(
    request: Request, db: Db, user: User, preview: redemptions.RedemptionPreview
) -> Response:
    context = {
        "preview": preview,
        "payee": _shown_payee(db, user.id),
        "payment_method": _BANK,
        "key": secrets.token_urlsafe(16),
        "waits": _delay_notice(db),
    }
    return private_page(request, "pot/redemption/redeem_check.html", context)


def _payee_form(
    request: Request,
    db: Db,
    user: User,
    typed: dict[str, str],
    error: DomainError | None = None,
) -> Response:
    context = {
        "typed": typed,
        "countries": list(country_names().items()),
        "account_name": user.name,
        "days": policy.current(db).hold_days_after_new_details,
    }
    return private_page(request, "pot/redemption/payee.html", context, error)


def _shown_payee(db: Db, user_id: int) -> dict[str, Any] | None:
    """The payee as shown to its owner, with the account number masked; None without payee."""
    payee = payees.payee_of(db, user_id)
    if payee is None:
        return None
    return {
        "name": payee.details["name"],
        "account": payees.masked(payee.details["account"]),
        "verified_at": payee.identity_verified_at,
    }


def _delay_notice(db: Db) -> str:
    """Why payouts may take longer than their date; empty if they do not."""
    return {
        CoverageState.THROTTLED: "Payouts take longer at present: the reserve is thin, so each"
        " week pays a small part of it, small payouts first.",
        CoverageState.PAUSED: "Payouts pause at present, until the reserve covers them again."
        " Requests wait; they are never paid at a lower rate.",
    }.get(coverage(db).state, "")
