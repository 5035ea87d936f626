"""Prevent that people erase and reopen their account to earn once-only awards again.

While such an award could have been taken back, a keyed hash of the account's address is stored
with the name of the rule. Nothing in the row leads to the erased account.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from imatch.accounts.models import EmailedLink, LinkPurpose, User
from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.core.security import keyed_hash
from imatch.facts.people import EmailConfirmed
from imatch.jobs import job
from imatch.pot.awards.clawbacks import IS_OWED
from imatch.pot.awards.models import AwardStatus, PotAward, PotOnceEarned
from imatch.pot.rules import EARNINGS, ONCE, RETRIEVABLE_DAYS

_RULES = tuple(rule.name for rule in EARNINGS if rule.cap == ONCE)
_RETENTION = timedelta(days=RETRIEVABLE_DAYS)


def remember(db: Session, user_id: int) -> None:
    """Store an account's paid once-only awards before it is erased, including earlier ones."""
    of_account = update(PotOnceEarned).where(PotOnceEarned.user_id == user_id)
    db.execute(of_account.values(user_id=None))
    forget_at = {
        rule: _midnight_after(earned_at + _RETENTION) for rule, earned_at in _paid(db, user_id)
    }
    if not forget_at:
        return
    for address_hash in _address_hashes(db, user_id):
        rows = select(PotOnceEarned).where(PotOnceEarned.address_hash == address_hash)
        remembered = {row.rule: row for row in db.scalars(rows)}
        for rule, moment in forget_at.items():
            if rule in remembered:
                remembered[rule].forget_at = max(remembered[rule].forget_at, moment)
            else:
                db.add(PotOnceEarned(address_hash=address_hash, rule=rule, forget_at=moment))
    db.flush()


def on_email_confirmed(db: Session, fact: EmailConfirmed) -> None:
    """Link stored once-only awards to the new account with the same address."""
    address_hash = keyed_hash(db.get_one(User, fact.user_id).email)
    same_address = update(PotOnceEarned).where(PotOnceEarned.address_hash == address_hash)
    db.execute(same_address.values(user_id=fact.user_id))


def among(db: Session, user_ids: Iterable[int]) -> Sequence[tuple[str, int]]:
    """(rule, user id) of the stored once-only awards of these people."""
    query = select(PotOnceEarned.rule, PotOnceEarned.user_id).where(
        PotOnceEarned.user_id.in_(set(user_ids)), PotOnceEarned.forget_at > now()
    )
    return [(rule, person) for rule, person in db.execute(query) if person is not None]


@job("forget_once_earned", cron="41 3 * * *")
def forget_once_earned() -> None:
    """Delete the rows whose retention has ended."""
    with SessionLocal() as db, atomic(db):
        db.execute(delete(PotOnceEarned).where(PotOnceEarned.forget_at <= now()))


def _paid(db: Session, user_id: int) -> Sequence[tuple[str, datetime]]:
    """(rule, earned at) of recent once-only awards that were not completely taken back."""
    paid = (
        select(PotAward.rule, func.max(PotAward.earned_at))
        .where(
            PotAward.user_id == user_id,
            PotAward.rule.in_(_RULES),
            or_(PotAward.status == AwardStatus.PAID, IS_OWED),
            PotAward.earned_at > now() - _RETENTION,
        )
        .group_by(PotAward.rule)
    )
    return [(rule, earned_at) for rule, earned_at in db.execute(paid)]


def _midnight_after(moment: datetime) -> datetime:
    """The next midnight in UTC. The exact moment would lead to the erased account's award."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)


def _address_hashes(db: Session, user_id: int) -> set[str]:
    """Hashes of the current address, and of the addresses that the account was opened with.

    Not of every address that got a link: anybody can request a link to another address.
    """
    opened_with = select(EmailedLink.sent_to).where(
        EmailedLink.user_id == user_id, EmailedLink.purpose == LinkPurpose.CONFIRM_EMAIL
    )
    present = db.scalars(select(User.email).where(User.id == user_id))
    return {keyed_hash(address) for address in (*present, *db.scalars(opened_with))}
