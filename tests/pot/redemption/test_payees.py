"""Payees: the account's own name, valid bank details, encrypted storage, verification."""

from collections import defaultdict

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly
from imatch.core.errors import Invalid
from imatch.core.events import listen
from imatch.facts.people import IdentityVerified
from imatch.mail.models import MailMessage
from imatch.pot import holds
from imatch.pot.redemption import payees
from imatch.pot.redemption.models import PotPayee
from tests.factories import Make
from tests.factories.redemptions import IBAN

pytestmark = pytest.mark.both_databases


def test_details_are_kept_encrypted_and_the_owner_is_told(db: Session, make: Make) -> None:
    person = make.trusted_user(name="Ada  Lovelace Example")
    spaced = " ".join(IBAN[i : i + 4] for i in range(0, len(IBAN), 4)).lower()
    payee = payees.save(db, person.id, name="ada lovelace example ", country="DE", account=spaced)
    assert payee.details["account"] == IBAN
    stored = db.scalar(text("SELECT details FROM pot_payees"))
    assert IBAN not in stored
    assert "lovelace" not in stored
    letter = db.scalars(select(MailMessage)).one()
    assert letter.recipient == person.email
    assert IBAN not in letter.text
    assert payees.masked(IBAN) == "•••• 3000"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Somebody Else"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "=cmd()"}, "name"),
        ({"name": "x" * 71}, "name"),
        ({"country": "XX"}, "country"),
        ({"country": ""}, "country"),
        ({"country": "FR"}, "account"),
        ({"account": "DE89370400440532013001"}, "account"),
        ({"account": "12"}, "account"),
        ({"account": "1234\x00"}, "account"),
        ({"account": "9" * 5_000}, "account"),
        ({"account": "12345678"}, "bank_code"),
        ({"account": "12345678", "bank_code": "DEUTDEFF1"}, "bank_code"),
        ({"bank_code": "12"}, "bank_code"),
        ({"account": "12345678", "country": "US", "bank_code": "021000022"}, "bank_code"),
        ({"account": "12345678", "country": "US", "bank_code": "٠٢١٠٠٠٠٢١"}, "bank_code"),
    ],
)
def test_invalid_details_are_refused(
    db: Session, make: Make, change: dict[str, str], field: str
) -> None:
    person = make.trusted_user()
    right = {"name": person.name, "country": "DE", "account": IBAN}
    with pytest.raises(Invalid) as refusal:
        payees.save(db, person.id, **{**right, **change})
    assert [fault.field for fault in refusal.value.fields] == [field]
    assert payees.payee_of(db, person.id) is None


@pytest.mark.parametrize(
    "details",
    [
        {"country": "GB", "account": "GB29 NWBK 6016 1331 9268 19"},
        {"country": "US", "account": "0001-2345-6789", "bank_code": "021000021"},
        {"country": "JP", "account": "1234567", "bank_code": "BOTKJPJT"},
    ],
)
def test_valid_details_are_accepted(db: Session, make: Make, details: dict[str, str]) -> None:
    person = make.trusted_user()
    assert payees.save(db, person.id, name=person.name, **details).details["name"] == person.name


def test_an_operator_verifies_once(
    db: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []

    def note(_db: Session, fact: IdentityVerified) -> None:
        heard.append(fact.user_id)

    monkeypatch.setattr("imatch.core.events._listeners", defaultdict(list))
    listen(IdentityVerified, note)
    person = make.trusted_user()
    with pytest.raises(payees.NoPayee):
        payees.verify_identity(db, person.id, make.approver.id)
    payees.save(db, person.id, name=person.name, country="DE", account=IBAN)
    assert [user.id for _payee, user in payees.unverified(db, 10)] == [person.id]
    for _ in range(2):
        payees.verify_identity(db, person.id, make.approver.id)
    assert heard == [person.id]
    assert payees.unverified(db, 10) == []
    for user in (person, make.trusted_user()):
        with pytest.raises(OperatorsOnly):
            payees.verify_identity(db, person.id, user.id)
    with pytest.raises(holds.OwnIdentity):
        payees.verify_identity(db, make.approver.id, make.approver.id)


def test_only_a_new_name_resets_the_verification(db: Session, make: Make) -> None:
    person = make.trusted_user(name="Ada Example")
    make.payee(person)
    changed = db.get_one(PotPayee, person.id).details_changed_at
    payees.save(db, person.id, name="ADA Example", country="GB", account="GB29NWBK60161331926819")
    payee = db.get_one(PotPayee, person.id)
    assert payee.identity_verified_at is not None
    assert payee.details_changed_at > changed
    person.name = "Ada Wedded"
    payees.save(db, person.id, name="Ada Wedded", country="DE", account=IBAN)
    assert db.get_one(PotPayee, person.id).identity_verified_at is None


def test_the_same_details_again_are_no_change(db: Session, make: Make) -> None:
    person = make.trusted_user()
    make.payee(person)
    changed = db.get_one(PotPayee, person.id).details_changed_at
    payees.save(db, person.id, name=person.name, country="DE", account=IBAN)
    assert db.get_one(PotPayee, person.id).details_changed_at == changed


def test_holds_have_reasons_and_a_history(db: Session, make: Make) -> None:
    person = make.trusted_user()
    with pytest.raises(Invalid):
        holds.place_hold(db, person.id, make.approver.id, " ")
    with pytest.raises(OperatorsOnly):
        holds.place_hold(db, person.id, person.id, "Because.")
    hold = holds.place_hold(db, person.id, make.approver.id, "A ring of accounts.")
    for _ in range(2):
        holds.lift_hold(db, hold.id, make.payer.id)
    assert [row.lifted_by for row in holds.holds_of(db, person.id)] == [make.payer.id]
    for hold_id in (0, 10**30, hold.id + 1):
        with pytest.raises(holds.HoldNotFound):
            holds.lift_hold(db, hold_id, make.approver.id)
