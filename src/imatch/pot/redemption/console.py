"""The operators' pages about redemptions: decide, pay, verify identities, place fraud holds."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator, SteppedUpOperator
from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import User
from imatch.accounts.operators import REASON_MAX_CHARACTERS
from imatch.core.clock import today
from imatch.core.errors import DomainError
from imatch.pot import holds
from imatch.pot.models import ENDED_REDEMPTIONS, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.redemption import payees, payouts
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve.coverage import FORMULA, coverage
from imatch.web.deps import Db, ShortText
from imatch.web.forms import CSV, act_or_show, go, private_file, private_page

router = APIRouter(prefix="/console/redemptions", include_in_schema=False)
HOME = "/console/redemptions"
ROWS = 100
_CONSOLE = {"section": "redemptions", "reason_max": REASON_MAX_CHARACTERS}


@router.get("")
def queue(request: Request, db: Db, operator: CurrentOperator) -> Response:
    """The redemptions that wait for an operator, and the coverage of the reserve."""
    payable = {redemption.id for redemption in payouts.payable(db)}
    approved = payouts.with_people(db, RedemptionStatus.APPROVED, limit=ROWS)
    context = {
        "coverage": coverage(db),
        "formula": FORMULA,
        "numbers": policy.current(db),
        "pending": payouts.with_people(db, RedemptionStatus.PENDING, limit=ROWS),
        "approved": approved,
        "payable": payable,
        "exportable": sum(
            redemption.id in payable and redemption.decided_by != operator.id
            for redemption, _person in approved
        ),
        "ended": payouts.with_people(db, *ENDED_REDEMPTIONS, limit=ROWS),
        "unverified": payees.unverified(db, ROWS),
        "shown": ROWS,
    }
    return private_page(request, "pot/redemption/queue.html", _CONSOLE | context)


@router.post("/export")
def export(db: Db, operator: SteppedUpOperator) -> Response:
    """Download the bank's file. Its owners can no longer cancel the redemptions in it."""
    content = payouts.bank_export(db, operator.id)
    return private_file(Response(content, media_type=CSV), f"payouts-{today().isoformat()}.csv")


@router.get("/{redemption_id:int}")
def one(request: Request, db: Db, operator: CurrentOperator, redemption_id: int) -> Response:
    return _redemption_page(request, db, operator, redemption_id)


@router.post("/{redemption_id:int}/approve")
def approve(request: Request, db: Db, operator: SteppedUpOperator, redemption_id: int) -> Response:
    return act_or_show(
        lambda: redemptions.approve(db, redemption_id, operator.id),
        show=lambda error: _redemption_page(request, db, operator, redemption_id, error),
        then=f"{HOME}/{redemption_id}",
    )


@router.post("/{redemption_id:int}/reject")
def reject(
    request: Request,
    db: Db,
    operator: SteppedUpOperator,
    redemption_id: int,
    reason: ShortText = "",
) -> Response:
    return act_or_show(
        lambda: redemptions.reject(db, redemption_id, operator.id, reason),
        show=lambda error: _redemption_page(
            request, db, operator, redemption_id, error, reason=reason
        ),
        then=f"{HOME}/{redemption_id}",
    )


@router.post("/{redemption_id:int}/paid")
def mark_paid(
    request: Request,
    db: Db,
    operator: SteppedUpOperator,
    redemption_id: int,
    bank_reference: ShortText = "",
) -> Response:
    return act_or_show(
        lambda: payouts.mark_paid(db, redemption_id, operator.id, bank_reference),
        show=lambda error: _redemption_page(
            request, db, operator, redemption_id, error, bank_reference=bank_reference
        ),
        then=f"{HOME}/{redemption_id}",
    )


@router.get("/people/{user_id:int}")
def person_page(request: Request, db: Db, _operator: CurrentOperator, user_id: int) -> Response:
    """A person's payout details, to compare with a proof of identity, and their fraud holds."""
    return _payee_page(request, db, user_id)


@router.post("/people/{user_id:int}/verify")
def verify(request: Request, db: Db, operator: SteppedUpOperator, user_id: int) -> Response:
    return act_or_show(
        lambda: payees.verify_identity(db, user_id, operator.id),
        show=lambda error: _payee_page(request, db, user_id, error),
        then=f"{HOME}/people/{user_id}",
    )


@router.post("/people/{user_id:int}/hold")
def hold(
    request: Request, db: Db, operator: SteppedUpOperator, user_id: int, reason: ShortText = ""
) -> Response:
    return act_or_show(
        lambda: holds.place_hold(db, user_id, operator.id, reason),
        show=lambda error: _payee_page(request, db, user_id, error, reason=reason),
        then=f"{HOME}/people/{user_id}",
    )


@router.post("/holds/{hold_id:int}/lift")
def lift(db: Db, operator: SteppedUpOperator, hold_id: int) -> Response:
    lifted = holds.lift_hold(db, hold_id, operator.id)
    return go(f"{HOME}/people/{lifted.user_id}")


def _redemption_page(
    request: Request,
    db: Db,
    operator: User,
    redemption_id: int,
    error: DomainError | None = None,
    **typed: str,
) -> Response:
    redemption = redemption_queries.of_id(db, redemption_id)
    payable = redemption in payouts.payable(db)
    context = {
        "redemption": redemption,
        "person": db.get_one(User, redemption.user_id),
        "payee": payees.payee_of(db, redemption.user_id),
        "objections": redemption_queries.objections(db, redemption),
        "why_not_payable": "" if payable else payouts.reason_not_payable(db, redemption),
        "approved_by_reader": redemption.decided_by == operator.id,
        "own": redemption.user_id == operator.id,
        "bank_reference_max": payouts.BANK_REFERENCE_MAX,
        "typed": {"reason": "", "bank_reference": "", **typed},
    }
    return private_page(request, "pot/redemption/decide.html", _CONSOLE | context, error)


def _payee_page(
    request: Request,
    db: Db,
    user_id: int,
    error: DomainError | None = None,
    *,
    reason: str = "",
) -> Response:
    standing = redemption_queries.standing(db, user_id)
    person = db.get(User, user_id)
    if person is None:
        raise UserNotFound(user_id)
    context = {
        "person": person,
        "payee": payees.payee_of(db, user_id),
        "standing": standing,
        "holds": holds.holds_of(db, user_id),
        "requests": redemption_queries.of_person(db, user_id, ROWS),
        "reason": reason,
    }
    return private_page(request, "pot/redemption/payee_of_person.html", _CONSOLE | context, error)
