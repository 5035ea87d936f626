"""No table that says whose its rows are is forgotten by the export or by the erasure."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Column, Table, func, or_, select
from sqlalchemy.orm import Session

from imatch.accounts import service
from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.engagements.models import Engagement
from imatch.migrations.tables import metadata
from imatch.providers.models import Provider
from imatch.ratings.models import Rating
from imatch.wiring import wire
from tests.accounts.everything import ADDRESS, MARKER, NOON, Everything
from tests.make import Make

# Tables whose rows point at people, at what is theirs, or at where they are reached.
_PEOPLE = {"users.id", "seekers.id", "providers.id"}
_NAMES = {"email", "recipient", "sent_to", "subject_hash", "address_hash"}

# column -> where the export shows its rows
EXPORTED = {
    "users.email": "account.email",
    "user_sessions.user_id": "account.browsers",
    "api_keys.user_id": "account.api_keys",
    "emailed_links.user_id": "account.links",
    "emailed_links.sent_to": "account.links",
    "mail_messages.recipient": "account.letters",
    "seekers.user_id": "needs",
    "providers.user_id": "profiles",
    "shortlists.seeker_id": "shortlists",
    "matches.seeker_id": "matches",
    "engagements.seeker_id": "engagements",
    "engagements.provider_id": "engagements",
    "ratings.rater_user_id": "ratings",
    "ratings.rated_user_id": "ratings",
    "referrals.referrer_user_id": "referrals",
    "referrals.referred_user_id": "referrals",
    "content.author_user_id": "content",
    "pot_accounts.user_id": "pot.balance",
    "cash_accounts.user_id": "pot.redemption_allowance_cents",
    "pot_transactions.user_id": "pot.transactions",
    "cash_transactions.user_id": "pot.allowance_transactions",
    "pot_awards.user_id": "pot.awards",
    "pot_once_earned.user_id": "pot.earned_with_an_erased_account",
    "pot_grants.user_id": "pot.grants",
    "pot_debts.user_id": "pot.debts",
    "pot_purchases.user_id": "pot.purchases",
    "pot_payees.user_id": "pot.payout_details",
    "pot_fraud_holds.user_id": "pot.holds",
    "pot_redemptions.user_id": "pot.redemptions",
    "pot_commissions.provider_user_id": "pot.commissions",
    "pot_commissions.seeker_user_id": "pot.commissions",
    "pot_commissions.provider_referrer_user_id": "pot.commissions",
    "pot_commissions.seeker_referrer_user_id": "pot.commissions",
}
_IN_OFFICE = (
    "What an operator did in office: the record is the marketplace's, and of somebody else."
)
NOT_EXPORTED = {
    "recovery_codes.user_id": "Only hashes, which say nothing; whether there is a factor is told.",
    "sign_in_attempts.subject_hash": "A hash, for a day, of what was tried, by whomever.",
    "pot_once_earned.address_hash": "What it means is told by pot_once_earned.user_id.",
    "matches.provider_id": "The need's owner's. A profile tells how often it was shown.",
    "pot_grants.proposed_by": _IN_OFFICE,
    "pot_grants.decided_by": _IN_OFFICE,
    "pot_payees.verified_by": _IN_OFFICE,
    "pot_fraud_holds.placed_by": _IN_OFFICE,
    "pot_fraud_holds.lifted_by": _IN_OFFICE,
    "pot_redemptions.decided_by": _IN_OFFICE,
    "pot_redemptions.paid_by": _IN_OFFICE,
    "pot_policy_versions.proposed_by": _IN_OFFICE,
    "pot_policy_versions.decided_by": _IN_OFFICE,
}

ERASED = {
    "users.email",
    "user_sessions.user_id",
    "api_keys.user_id",
    "recovery_codes.user_id",
    "emailed_links.user_id",
    "emailed_links.sent_to",
    "mail_messages.recipient",
    "shortlists.seeker_id",
    "matches.seeker_id",
    "matches.provider_id",
    "content.author_user_id",
    "pot_payees.user_id",
    "pot_once_earned.user_id",
}
_BOOKS = "The books of money: amounts and moments, under a number that names nobody."
_SHARED = "The other side's too: it stays under a number that names nobody, without words."
KEPT = {
    "sign_in_attempts.subject_hash": "A hash, gone after a day.",
    "pot_once_earned.address_hash": "A keyed hash, gone 180 days after the award.",
    "seekers.user_id": _SHARED,  # only where an engagement points at it
    "providers.user_id": _SHARED,  # only where an engagement points at it
    "engagements.seeker_id": _SHARED,
    "engagements.provider_id": _SHARED,
    "ratings.rater_user_id": _SHARED,
    "ratings.rated_user_id": _SHARED,
    "referrals.referrer_user_id": "Who invited whom decides whose allowance commission funds.",
    "referrals.referred_user_id": "Who invited whom decides whose allowance commission funds.",
    **{
        f"{table}.{column}": _BOOKS
        for table, columns in {
            "pot_accounts": "user_id",
            "pot_transactions": "user_id",
            "cash_accounts": "user_id",
            "cash_transactions": "user_id",
            "pot_awards": "user_id",
            "pot_grants": "user_id proposed_by decided_by",
            "pot_debts": "user_id",
            "pot_purchases": "user_id",
            "pot_payees": "verified_by",
            "pot_fraud_holds": "user_id placed_by lifted_by",
            "pot_redemptions": "user_id decided_by paid_by",
            "pot_commissions": "provider_user_id seeker_user_id provider_referrer_user_id"
            " seeker_referrer_user_id",
            "pot_policy_versions": "proposed_by decided_by",
        }.items()
        for column in columns.split()
    },
}


@pytest.fixture(autouse=True)
def _wired() -> Iterator[None]:
    wire()
    with time_machine.travel(NOON, tick=False):
        yield


def personal(table: Table) -> list[Column[object]]:
    """The columns that say whose a row is."""
    return [
        column
        for column in table.columns
        if column.name in _NAMES
        or column.name.endswith("user_id")
        or any(key.target_fullname in _PEOPLE for key in column.foreign_keys)
    ]


def columns() -> dict[str, Column[object]]:
    return {str(one): one for table in metadata.sorted_tables for one in personal(table)}


@pytest.fixture
def everything(db: Session, make: Make) -> Everything:
    return Everything(db, make)


Rows = Callable[[Table, list[str]], int]


@pytest.fixture
def rows_of(everything: Everything, db: Session) -> Rows:
    """How many rows of a table are the person's by any of these columns."""
    ids = everything.ids[everything.user.id]
    user_id = everything.user.id
    values: dict[str, tuple[object, ...]] = {
        "users.id": (user_id,),
        "seekers.id": (ids["need"],),
        "providers.id": (ids["provider"],),
    }

    def count(table: Table, names: list[str]) -> int:
        conditions = []
        for name in names:
            column = table.columns[name]
            pointed = next((key.target_fullname for key in column.foreign_keys), "users.id")
            addresses = (ADDRESS, f"new-{ADDRESS}", f"h{user_id}")
            conditions.append(column.in_(addresses if name in _NAMES else values[pointed]))
        with atomic(db):
            return db.scalar(select(func.count()).select_from(table).where(or_(*conditions))) or 0

    return count


def test_every_column_that_names_somebody_is_thought_of() -> None:
    known = set(columns())
    assert known == set(EXPORTED) | set(NOT_EXPORTED), "export it, or say why not"
    assert known == ERASED | set(KEPT), "erase it, or say why it stays"
    assert not set(EXPORTED) & set(NOT_EXPORTED)
    assert not ERASED & set(KEPT)


def test_the_person_of_these_tests_has_a_row_behind_every_column(
    everything: Everything, rows_of: Rows
) -> None:
    missing = [name for name, one in columns().items() if not rows_of(one.table, [one.name])]
    assert missing == []


def test_the_export_tells_of_every_row(everything: Everything, rows_of: Rows, db: Session) -> None:
    document = service.export(db, everything.user)
    for table in metadata.sorted_tables:
        told = [one for one in personal(table) if str(one) in EXPORTED]
        for path in {EXPORTED[str(one)] for one in told}:
            found: object = document
            for part in path.split("."):
                assert isinstance(found, dict)
                assert part in found, path
                found = found[part]
            if isinstance(found, list):
                # A letter to an address that is not theirs yet is not told twice: its link is.
                names = [one.name for one in told if EXPORTED[str(one)] == path]
                expected = 1 if path == "account.letters" else rows_of(table, names)
                assert len(found) == expected, path
            else:
                assert found, path


def test_a_profile_is_told_with_all_that_was_measured(everything: Everything, db: Session) -> None:
    profiles = service.export(db, everything.user)["profiles"]
    assert isinstance(profiles, list)
    inside = {"user_id", "category_id", "display_name", "headline"}  # of `profile`, or by name
    working = {"updated_at", "credentials_changed_at"}  # marks for the program's own work
    columns_told = {one.name for one in Provider.__table__.columns} - inside - working
    assert columns_told <= set(profiles[0])


def test_who_only_invited_learns_no_price(everything: Everything, db: Session) -> None:
    section = service.export(db, everything.user)["pot"]
    assert isinstance(section, dict)
    prices = {tuple(one["was"]): one["deal_cents"] for one in section["commissions"]}
    assert prices[("invited the provider",)] is None
    assert prices[("provider",)] == 1
    assert "reason" not in section["holds"][0], "what operators suspect stays with them"


def test_a_rating_stays_sealed_until_both_have_rated(everything: Everything, db: Session) -> None:
    done = db.scalars(select(Engagement.id)).first()
    with atomic(db):
        db.query(Rating).filter_by(engagement_id=done, rater_user_id=everything.user.id).delete()
    ratings = service.export(db, everything.user)["ratings"]
    assert isinstance(ratings, list)
    assert (done, "received") not in {
        (one["engagement_id"], one["given_or_received"]) for one in ratings
    }
    with time_machine.travel(NOON + timedelta(days=14), tick=False):
        ratings = service.export(db, everything.user)["ratings"]
    assert isinstance(ratings, list)
    assert (done, "received") in {
        (one["engagement_id"], one["given_or_received"]) for one in ratings
    }


def test_erasure_leaves_only_what_is_said_to_stay(
    everything: Everything, rows_of: Rows, db: Session, new_session: Callable[[], Session]
) -> None:
    other_id = everything.other.id
    service.erase(db, everything.user)
    left = {name for name, one in columns().items() if rows_of(one.table, [one.name])}
    assert left <= set(KEPT)
    with new_session() as fresh:
        for mapper in User.registry.mappers:
            row: Any
            for row in fresh.scalars(select(mapper)):
                said = {
                    key: value for key, value in vars(row).items() if key != "_sa_instance_state"
                }
                assert MARKER not in str(said), said
                assert ADDRESS not in str(said), said
        kept = fresh.get_one(User, other_id)
        assert kept.active
        assert len(fresh.scalars(select(Engagement)).all()) == 2
        assert {one.stars for one in fresh.scalars(select(Rating))} == {5}
        assert len(fresh.scalars(select(Provider).where(Provider.user_id == other_id)).all()) == 1
