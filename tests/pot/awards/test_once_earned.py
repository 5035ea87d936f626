"""Erasing and reopening an account does not earn once-only awards again, for a while."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.accounts import service as accounts
from imatch.accounts.models import User
from imatch.accounts.service import profile, sign_up
from imatch.accounts.service.sessions import Browser
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.people import DayBegun, IdentityVerified, ProfileCompleted, Side
from imatch.mail.models import MailMessage
from imatch.pot.awards import clawbacks, once_only
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward, PotOnceEarned
from tests.factories import Make
from tests.factories.facts import TUESDAY

pytestmark = pytest.mark.both_databases

ADA = "ada@example.org"
PASSWORD = "four plain words here"
HERE = Browser("192.0.2.1", "", None)


def link_to(db: Session, address: str) -> str:
    """The token of the link in the last letter to an address."""
    with atomic(db):
        written = select(MailMessage.text).where(MailMessage.recipient == address)
        last = db.scalars(written.order_by(MailMessage.id.desc())).first() or ""
    return last.partition("/confirm/")[2].split()[0]


def open_account(db: Session, address: str = ADA) -> User:
    sign_up.sign_up(
        db, email=address, name="Ada", password=PASSWORD, account_type="both", browser=HERE
    )
    sign_up.confirm_email(db, token=link_to(db, address), password=PASSWORD, browser=HERE)
    with atomic(db):
        return db.scalars(select(User).where(User.email == address)).one()


def complete(db: Session, user: User) -> None:
    for side in (Side.PROVIDER, Side.SEEKER):
        announce(db, ProfileCompleted(user.id, side))


def earned(db: Session, user: User) -> list[str]:
    with atomic(db):
        rules = select(PotAward.rule).where(PotAward.user_id == user.id)
        return sorted(db.scalars(rules.where(PotAward.status == "paid")))


WELCOME = ["provider_profile_creation", "seeker_profile_creation"]


def test_once_only_awards_are_not_paid_again_to_the_same_address(db: Session, make: Make) -> None:
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(10_000)
        first = open_account(db)
        complete(db, first)
        assert earned(db, first) == WELCOME
        accounts.erase(db, first)
        for _ in range(2):  # also when the second account is erased in turn
            again = open_account(db)
            complete(db, again)
            assert earned(db, again) == []
            left = {
                standing.earning.name: standing.times_left
                for standing in awards.standings(db, again.id)
            }
            assert [left[name] for name in WELCOME] == [0, 0], "the wallet offers nothing in vain"
            assert left["identity_verified"] == 1
            accounts.erase(db, again)
        stranger = open_account(db, "stranger@example.org")
        complete(db, stranger)
        assert earned(db, stranger) == WELCOME


def test_what_was_new_to_the_second_account_is_remembered_too(db: Session, make: Make) -> None:
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(10_000)
        for expected in (["identity_verified"], []):
            user = open_account(db)
            announce(db, IdentityVerified(user.id))
            assert earned(db, user) == expected
            accounts.erase(db, user)


def test_nothing_is_remembered_longer_than_awards_can_be_taken_back(
    db: Session, make: Make
) -> None:
    with time_machine.travel(TUESDAY, tick=False) as clock:
        make.weekly_budget(10_000)
        first = open_account(db)
        complete(db, first)
        clock.shift(timedelta(days=100))
        accounts.erase(db, first)
        clock.shift(timedelta(days=79))
        make.weekly_budget(10_000, now())
        once_only.forget_once_earned()
        again = open_account(db)
        complete(db, again)
        assert earned(db, again) == []
        clock.shift(timedelta(days=2))
        make.weekly_budget(10_000, now())
        complete(db, again)
        assert earned(db, again) == WELCOME
        once_only.forget_once_earned()
        with atomic(db):
            assert db.scalars(select(PotOnceEarned)).all() == []


def test_only_what_was_paid_and_stayed_is_remembered(db: Session, make: Make) -> None:
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(50)
        first = open_account(db)
        complete(db, first)  # 50 are paid, 25 are queued
        announce(db, DayBegun(first.id, TUESDAY.date()))  # may be earned more than once
        with atomic(db):
            paid = db.scalars(select(PotAward).where(PotAward.status == "paid")).one()
        clawbacks.reverse_award(db, paid.id, "Nothing to see")
        accounts.erase(db, first)
        with atomic(db):
            assert db.scalars(select(PotOnceEarned)).all() == []


def test_what_was_taken_back_in_vain_is_remembered(db: Session, make: Make) -> None:
    """Erasing ends the debt: it must not earn the same again."""
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(10_000)
        first = open_account(db)
        complete(db, first)
        POTService(db).spend_pot(first.id, "charity_burn", 40)
        with atomic(db):
            paid = db.scalars(select(PotAward).order_by(PotAward.id)).all()
        for (
            award
        ) in paid:  # 35 POT are free: 15 of the first award stay owed, and all of the second
            clawbacks.reverse_award(db, award.id, "Fraud")
        accounts.erase(db, first)
        again = open_account(db)
        complete(db, again)
        assert earned(db, again) == []


def test_the_address_of_the_sign_up_counts_after_a_change(db: Session, make: Make) -> None:
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(10_000)
        user = open_account(db)
        complete(db, user)
        profile.ask_for_new_email(db, user, "next@example.org")
        profile.confirm_new_email(db, token=link_to(db, "next@example.org"))
        profile.ask_for_new_email(db, user, "victim@example.org")  # never confirmed
        accounts.erase(db, user)
        for address, expected in (
            (ADA, []),
            ("next@example.org", []),
            ("victim@example.org", WELCOME),
        ):
            again = open_account(db, address)
            complete(db, again)
            assert earned(db, again) == expected, address


def test_only_a_keyed_hash_is_kept(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(10_000)
        user = make.user(email=ADA)
        complete(db, user)
        accounts.erase(db, user)
    with new_session() as fresh:
        rows = fresh.scalars(select(PotOnceEarned)).all()
        assert sorted(row.rule for row in rows) == WELCOME
        assert {len(row.address_hash) for row in rows} == {64}
        assert {row.user_id for row in rows} == {None}
        # Rounded to the day: no moment that leads to the award of the erased account.
        assert {row.forget_at for row in rows} == {datetime(2026, 8, 31, tzinfo=UTC)}
