"""Pay approved redemptions: which may be paid now, the bank's file, and marking as paid."""

import csv
import io
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.operators import checked_words, record, require_operator
from imatch.approvals.service import SecondPersonNeeded, Step
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from imatch.core.text import csv_cell
from imatch.ledger import CASH, POT, Movement, SystemAccount, TransactionType, capture, post
from imatch.mail import service as mail
from imatch.pot.holds import HELD_PEOPLE, is_on_hold
from imatch.pot.models import OPEN_REDEMPTIONS, PotRedemption, RedemptionStatus
from imatch.pot.redemption.eligibility import OFF
from imatch.pot.redemption.errors import NotPayableYet, OwnRedemption, RedemptionDecided
from imatch.pot.redemption.models import PotPayee
from imatch.pot.redemption.service import locked_for_operator
from imatch.pot.reserve.coverage import CoverageState, coverage
from imatch.pot.rules import REDEMPTION
from imatch.web import formats

BANK_REFERENCE_MAX = 64
EXPORT_COLUMNS = ("payee", "account", "bank_code", "country", "amount", "currency", "reference")
_PAID = """{pot} POT were redeemed for {payout}, which are on their way to your bank.

Our reference: {reference}
Your requests: {url}/wallet/redeem
"""


def reference_of(redemption: PotRedemption) -> str:
    """The reference on the person's bank statement."""
    return f"REDEMPTION-{redemption.id}"


def _own_approval() -> SecondPersonNeeded:
    return SecondPersonNeeded("You approved this payout: another operator must pay it.")


_PAY: Step[PotRedemption] = Step(
    (RedemptionStatus.APPROVED,),
    RedemptionDecided,
    {"user_id": OwnRedemption, "decided_by": _own_approval},
)


def payable(db: Session, *, lock: bool = False) -> Sequence[PotRedemption]:
    """Approved redemptions that may be paid now, in the order to pay them.

    Those already exported to the bank come first; while redeeming is switched off, only they are
    returned. Due ones follow until the payable amount is used up: by due date, or the smallest
    first while coverage is throttled. `lock` locks all approved rows in ascending id order, to
    avoid deadlocks.
    """
    query = select(PotRedemption).where(PotRedemption.status == RedemptionStatus.APPROVED)
    if lock:
        query = query.order_by(PotRedemption.id).with_for_update()
    approved = db.scalars(query.execution_options(populate_existing=True)).all()
    exported = [row for row in approved if row.exported_at is not None]
    due = [row for row in approved if row.exported_at is None and row.due_at <= now()]
    if not get_settings().cash_redemption:
        due = []
    current = coverage(db)
    if current.state is CoverageState.THROTTLED:
        due.sort(key=lambda row: (row.payout_cents, row.id))
    else:
        due.sort(key=lambda row: (row.due_at, row.id))
    chosen = sorted(exported, key=lambda row: row.id)
    left_cents = current.payable.cents - sum(row.payout_cents for row in exported)
    reachable = _reachable(db, {row.user_id for row in due})
    for row in due:
        if row.payout_cents > left_cents:
            break
        if row.user_id in reachable:
            chosen.append(row)
            left_cents -= row.payout_cents
    return chosen


def with_people(
    db: Session, *statuses: RedemptionStatus, limit: int
) -> Sequence[tuple[PotRedemption, User]]:
    """Redemptions in these states with their people.

    Open ones are ordered by due date, ended ones newest first.
    """
    row = PotRedemption
    ended = OPEN_REDEMPTIONS.isdisjoint(statuses)
    query = select(row, User).join(User, User.id == row.user_id).where(row.status.in_(statuses))
    order = (row.decided_at.desc(), row.id.desc()) if ended else (row.due_at, row.id)
    rows = db.execute(query.order_by(*order).limit(limit))
    return [(redemption, person) for redemption, person in rows]


def bank_export(db: Session, operator_id: int) -> str:
    """The bank's file as CSV: redemptions that may be paid now and that this operator may pay.

    Leaves out those that the operator approved or owns. People cannot cancel an exported
    redemption. Every later file repeats it, with the same reference, until it is marked as paid.
    """
    with atomic(db):
        require_operator(db, operator_id)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(EXPORT_COLUMNS)
        for redemption in payable(db, lock=True):
            if operator_id in (redemption.decided_by, redemption.user_id):
                continue
            details = db.get_one(PotPayee, redemption.user_id).details
            redemption.exported_at = redemption.exported_at or now()
            payout = redemption.payout
            account = (details["account"], details["bank_code"], details["country"])
            amount = (f"{payout.units:.2f}", payout.currency)
            row = (csv_cell(details["name"]), *account, *amount, reference_of(redemption))
            writer.writerow(row)
            record("export_payout", operator_id, redemption_id=redemption.id)
        return text.getvalue()


def mark_paid(
    db: Session, redemption_id: int, operator_id: int, bank_reference: str
) -> PotRedemption:
    """Record that the bank has paid: captures both ledger holds and reduces the reserve.

    Allowance and reserve fall by the same cents. Idempotent for the same bank reference. Raises
    SecondPersonNeeded for the operator who approved it, OwnRedemption, NotPayableYet,
    RedemptionDecided, Invalid without a reference.
    """
    with atomic(db):
        redemption = locked_for_operator(db, redemption_id, operator_id)
        if (
            redemption.status == RedemptionStatus.PAID
            and redemption.bank_reference == bank_reference.strip()
        ):
            return redemption
        _PAY.check(redemption, operator_id)
        reference = checked_words(
            bank_reference, "bank_reference", "Write the bank's reference.", BANK_REFERENCE_MAX
        )
        if redemption not in payable(db, lock=True):
            raise NotPayableYet(reason_not_payable(db, redemption))
        _post_payout(db, redemption)
        redemption.status = RedemptionStatus.PAID
        redemption.paid_by, redemption.paid_at = operator_id, now()
        redemption.bank_reference = reference
        _notify_paid(db, redemption)
        record("pay_redemption", operator_id, redemption_id=redemption.id)
        return redemption


def _reachable(db: Session, user_ids: set[int]) -> set[int]:
    """The people among these with an active account, payout details and no fraud hold."""
    query = (
        select(PotPayee.user_id)
        .join(User, User.id == PotPayee.user_id)
        .where(PotPayee.user_id.in_(user_ids), PotPayee.user_id.not_in(HELD_PEOPLE), User.active)
    )
    return set(db.scalars(query))


def _post_payout(db: Session, redemption: PotRedemption) -> None:
    key = f"redeem:{redemption.id}:paid"
    if redemption.cash_hold_id is None:
        raise NotPayableYet("Nothing is set aside for this redemption.")
    capture(db, POT, redemption.pot_hold_id, key=key, transaction_type=TransactionType.REDEEM)
    capture(db, CASH, redemption.cash_hold_id, key=key, transaction_type=TransactionType.PAYOUT)
    post(
        db,
        CASH,
        Movement(
            key=f"{key}:reserve",
            system_account=SystemAccount.RESERVE,
            counter_account=SystemAccount.PAID_OUT,
            amount=-redemption.payout_cents,
            transaction_type=TransactionType.PAYOUT,
            category=REDEMPTION,
            reference_type="redemption",
            reference_id=redemption.id,
        ),
    )


def reason_not_payable(db: Session, redemption: PotRedemption) -> str:
    """Why `payable` leaves out this approved redemption, as text for operators."""
    if not get_settings().cash_redemption:
        return OFF
    if not db.get_one(User, redemption.user_id).active:
        return "This account is closed."
    if redemption.due_at > now():
        return f"This payout is due on {formats.long_moment(redemption.due_at)}."
    if is_on_hold(db, redemption.user_id):
        return "There is a fraud hold on this person."
    if coverage(db).state is CoverageState.PAUSED:
        return "Payouts pause: the reserve covers too little of what people may redeem."
    return "This payout waits: this week's part of the reserve goes to smaller ones first."


def _notify_paid(db: Session, redemption: PotRedemption) -> None:
    text = _PAID.format(
        pot=formats.number(redemption.pot_amount),
        payout=formats.money(redemption.payout),
        reference=reference_of(redemption),
        url=get_settings().base_url,
    )
    person = db.get_one(User, redemption.user_id)
    if not person.active:  # erased meanwhile
        return
    mail.send(db, recipient=person.email, subject="Your payout", text=text)
