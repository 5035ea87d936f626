"""Export and erasure cover every column that references a person."""

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
from tests.accounts.everything import ADDRESS, MARKER, NOON, Everything
from tests.factories import Make

pytestmark = pytest.mark.both_databases

# Targets of foreign keys that reference a person, and columns with a person's address.
_PERSON_KEYS = {"users.id", "seekers.id", "providers.id"}
_ADDRESS_COLUMNS = {"email", "recipient", "sent_to", "subject_hash", "address_hash"}

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
_AS_OPERATOR = "The action of an operator: the record belongs to the marketplace."
NOT_EXPORTED = {
    "recovery_codes.user_id": "Only hashes. The export says whether there is a second factor.",
    "sign_in_attempts.subject_hash": "A hash of an address or network, deleted after a day.",
    "pot_once_earned.address_hash": "Exported through pot_once_earned.user_id.",
    "matches.provider_id": "Belongs to the need's owner. The profile exports its shown_count.",
    "pot_grants.proposed_by": _AS_OPERATOR,
    "pot_grants.decided_by": _AS_OPERATOR,
    "pot_payees.verified_by": _AS_OPERATOR,
    "pot_fraud_holds.placed_by": _AS_OPERATOR,
    "pot_fraud_holds.lifted_by": _AS_OPERATOR,
    "pot_redemptions.decided_by": _AS_OPERATOR,
    "pot_redemptions.paid_by": _AS_OPERATOR,
    "pot_policy_versions.proposed_by": _AS_OPERATOR,
    "pot_policy_versions.decided_by": _AS_OPERATOR,
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
_ACCOUNTING = "Accounting records: amounts and times under an anonymous user id."
_SHARED = "Shared with the other side: stays under an anonymous user id, without texts."
KEPT = {
    "sign_in_attempts.subject_hash": "A hash, deleted after a day.",
    "pot_once_earned.address_hash": "A keyed hash, deleted 180 days after the award.",
    "seekers.user_id": _SHARED,  # only where an engagement points at it
    "providers.user_id": _SHARED,  # only where an engagement points at it
    "engagements.seeker_id": _SHARED,
    "engagements.provider_id": _SHARED,
    "ratings.rater_user_id": _SHARED,
    "ratings.rated_user_id": _SHARED,
    "referrals.referrer_user_id": "Who invited whom decides whose allowance commission funds.",
    "referrals.referred_user_id": "Who invited whom decides whose allowance commission funds.",
    **{
        f"{table}.{column}": _ACCOUNTING
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
    with time_machine.travel(NOON, tick=False):
        yield


def personal_columns(table: Table) -> list[Column[object]]:
    """The columns that reference a person or contain their address."""
    return [
        column
        for column in table.columns
        if column.name in _ADDRESS_COLUMNS
        or column.name.endswith("user_id")
        or any(key.target_fullname in _PERSON_KEYS for key in column.foreign_keys)
    ]


def columns() -> dict[str, Column[object]]:
    return {
        str(column): column
        for table in metadata.sorted_tables
        for column in personal_columns(table)
    }


@pytest.fixture
def everything(db: Session, make: Make) -> Everything:
    return Everything(db, make)


Rows = Callable[[Table, list[str]], int]


@pytest.fixture
def rows_of(everything: Everything, db: Session) -> Rows:
    """Count the rows of a table that reference the person in any of these columns."""
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
            target = next((key.target_fullname for key in column.foreign_keys), "users.id")
            addresses = (ADDRESS, f"new-{ADDRESS}", f"h{user_id}")
            conditions.append(column.in_(addresses if name in _ADDRESS_COLUMNS else values[target]))
        with atomic(db):
            return db.scalar(select(func.count()).select_from(table).where(or_(*conditions))) or 0

    return count


def test_every_personal_column_is_classified() -> None:
    names = set(columns())
    assert names == set(EXPORTED) | set(NOT_EXPORTED), "export it, or say why not"
    assert names == ERASED | set(KEPT), "erase it, or say why it stays"
    assert not set(EXPORTED) & set(NOT_EXPORTED)
    assert not ERASED & set(KEPT)


def test_the_test_person_has_a_row_for_every_column(everything: Everything, rows_of: Rows) -> None:
    missing = [
        name for name, column in columns().items() if not rows_of(column.table, [column.name])
    ]
    assert missing == []


def test_the_export_contains_every_row(everything: Everything, rows_of: Rows, db: Session) -> None:
    document = service.export(db, everything.user)
    for table in metadata.sorted_tables:
        exported = [column for column in personal_columns(table) if str(column) in EXPORTED]
        for path in {EXPORTED[str(column)] for column in exported}:
            section: object = document
            for part in path.split("."):
                assert isinstance(section, dict)
                assert part in section, path
                section = section[part]
            if isinstance(section, list):
                # The letter to the person's unconfirmed new address is exported as a link only.
                names = [column.name for column in exported if EXPORTED[str(column)] == path]
                expected = 1 if path == "account.letters" else rows_of(table, names)
                assert len(section) == expected, path
            else:
                assert section, path


def test_the_export_contains_every_column_of_a_profile(everything: Everything, db: Session) -> None:
    profiles = service.export(db, everything.user)["profiles"]
    assert isinstance(profiles, list)
    elsewhere = {"user_id", "category_id", "display_name", "headline"}  # exported otherwise
    internal = {"updated_at", "credentials_changed_at"}
    expected = {column.name for column in Provider.__table__.columns} - elsewhere - internal
    assert expected <= set(profiles[0])


def test_referrers_do_not_see_the_deal_amount(everything: Everything, db: Session) -> None:
    section = service.export(db, everything.user)["pot"]
    assert isinstance(section, dict)
    commissions = section["commissions"]
    prices = {tuple(row["was"]): row["deal_cents"] for row in commissions}
    assert prices[("invited the provider",)] is None
    assert prices[("provider",)] == 1
    assert "reason" not in section["holds"][0], "operators' suspicions are not exported"


def test_a_rating_is_exported_after_both_rated_or_14_days(
    everything: Everything, db: Session
) -> None:
    engagement_id = db.scalars(select(Engagement.id)).first()
    with atomic(db):
        db.query(Rating).filter_by(
            engagement_id=engagement_id, rater_user_id=everything.user.id
        ).delete()
    ratings = service.export(db, everything.user)["ratings"]
    assert isinstance(ratings, list)
    assert (engagement_id, "received") not in {
        (rating["engagement_id"], rating["given_or_received"]) for rating in ratings
    }
    with time_machine.travel(NOON + timedelta(days=14), tick=False):
        ratings = service.export(db, everything.user)["ratings"]
    assert isinstance(ratings, list)
    assert (engagement_id, "received") in {
        (rating["engagement_id"], rating["given_or_received"]) for rating in ratings
    }


def test_erasure_leaves_only_kept_columns(
    everything: Everything, rows_of: Rows, db: Session, new_session: Callable[[], Session]
) -> None:
    other_id = everything.other.id
    service.erase(db, everything.user)
    left = {name for name, column in columns().items() if rows_of(column.table, [column.name])}
    assert left <= set(KEPT)
    with new_session() as fresh:
        for mapper in User.registry.mappers:
            row: Any
            for row in fresh.scalars(select(mapper)):
                values = {
                    key: value for key, value in vars(row).items() if key != "_sa_instance_state"
                }
                assert MARKER not in str(values), values
                assert ADDRESS not in str(values), values
        other = fresh.get_one(User, other_id)
        assert other.active
        assert len(fresh.scalars(select(Engagement)).all()) == 2
        assert {rating.stars for rating in fresh.scalars(select(Rating))} == {5}
        assert len(fresh.scalars(select(Provider).where(Provider.user_id == other_id)).all()) == 1
