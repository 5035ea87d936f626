"""Pay approved redemptions: which may be paid now, the bank's file, and what the bank has paid."""

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
    """What stands on the person's bank statement."""
    return f"REDEMPTION-{redemption.id}"


def _approved_by_oneself() -> SecondPersonNeeded:
    return SecondPersonNeeded("You approved this payout: another operator must pay it.")


_PAY: Step[PotRedemption] = Step(
    (RedemptionStatus.APPROVED,),
    RedemptionDecided,
    {"user_id": OwnRedemption, "decided_by": _approved_by_oneself},
)


def payable(db: Session, *, lock: bool = False) -> Sequence[PotRedemption]:
    """Approved redemptions that may be paid now, in the order in which they should be.

    What is already on its way to the bank comes first, and is all while redeeming is switched
    off. While coverage is below full, small ones go before large ones, as far as the week's part
    of the reserve reaches.
    """
    approved = select(PotRedemption).where(PotRedemption.status == RedemptionStatus.APPROVED)
    if lock:
        approved = approved.order_by(PotRedemption.id).with_for_update()
    found = db.scalars(approved.execution_options(populate_existing=True)).all()
    sent = [row for row in found if row.exported_at is not None]
    due = [row for row in found if row.exported_at is None and row.due_at <= now()]
    if not get_settings().cash_redemption:
        due = []
    covered = coverage(db)
    if covered.state is CoverageState.THROTTLED:
        due.sort(key=lambda row: (row.payout_cents, row.id))
    else:
        due.sort(key=lambda row: (row.due_at, row.id))
    chosen = sorted(sent, key=lambda row: row.id)
    left = covered.payable.cents - sum(row.payout_cents for row in sent)
    reachable = _reachable(db, {row.user_id for row in due})
    for row in due:
        if row.payout_cents > left:
            break
        if row.user_id in reachable:
            chosen.append(row)
            left -= row.payout_cents
    return chosen


def with_people(
    db: Session, *statuses: RedemptionStatus, limit: int
) -> Sequence[tuple[PotRedemption, User]]:
    """Redemptions in these states: open ones by when they are due, ended ones newest first."""
    row = PotRedemption
    ended = OPEN_REDEMPTIONS.isdisjoint(statuses)
    found = select(row, User).join(User, User.id == row.user_id).where(row.status.in_(statuses))
    order = (row.decided_at.desc(), row.id.desc()) if ended else (row.due_at, row.id)
    return [(one, person) for one, person in db.execute(found.order_by(*order).limit(limit))]


def bank_export(db: Session, operator_id: int) -> str:
    """The bank's file: everything that may be paid now but by this operator's own approval.

    From then on the people concerned cannot cancel. Until they are marked as paid, the same
    rows with the same references are in every file.
    """
    with atomic(db):
        require_operator(db, operator_id)
        text = io.StringIO()
        file = csv.writer(text)
        file.writerow(EXPORT_COLUMNS)
        for redemption in payable(db, lock=True):
            if operator_id in (redemption.decided_by, redemption.user_id):
                continue
            details = db.get_one(PotPayee, redemption.user_id).details
            redemption.exported_at = redemption.exported_at or now()
            payout = redemption.payout
            where = (details["account"], details["bank_code"], details["country"])
            amount = (f"{payout.units:.2f}", payout.currency)
            row = (csv_cell(details["name"]), *where, *amount, reference_of(redemption))
            file.writerow(row)
            record("export_payout", operator_id, redemption_id=redemption.id)
        return text.getvalue()


def mark_paid(
    db: Session, redemption_id: int, operator_id: int, bank_reference: str
) -> PotRedemption:
    """The bank has paid: POT leave, and allowance and reserve fall by the same cents.

    Saying so twice with the bank's same reference is once. Raises SecondPersonNeeded for who
    approved it, NotPayableYet, RedemptionDecided, Invalid without a reference.
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
            raise NotPayableYet(why_not(db, redemption))
        _move(db, redemption)
        redemption.status = RedemptionStatus.PAID
        redemption.paid_by, redemption.paid_at = operator_id, now()
        redemption.bank_reference = reference
        _tell(db, redemption)
        record("pay_redemption", operator_id, redemption_id=redemption.id)
        return redemption


def _reachable(db: Session, user_ids: set[int]) -> set[int]:
    """Those of these with an open account whom nothing holds, and who said where payouts go."""
    found = (
        select(PotPayee.user_id)
        .join(User, User.id == PotPayee.user_id)
        .where(PotPayee.user_id.in_(user_ids), PotPayee.user_id.not_in(HELD_PEOPLE), User.active)
    )
    return set(db.scalars(found))


def _move(db: Session, redemption: PotRedemption) -> None:
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


def why_not(db: Session, redemption: PotRedemption) -> str:
    """Why an approved redemption that `payable` leaves out is not paid now."""
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


def _tell(db: Session, redemption: PotRedemption) -> None:
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
