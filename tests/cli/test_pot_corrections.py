"""`imatch pot refund` and `imatch pot take-back`."""

import pytest
from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly, UserNotFound
from imatch.accounts.models import User
from imatch.core.errors import Invalid
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.pot.awards import clawbacks
from imatch.pot.awards.clawbacks import NoSuchAward
from imatch.pot.service import POTService
from imatch.pot.shop import service as shop
from tests.cli.pot_command import run, run_json
from tests.factories import Make

WHY = ("--reason", "It was ours to do")


@pytest.fixture
def operator(make: Make) -> str:
    return make.operator().email


@pytest.fixture
def rich(make: Make) -> User:
    return make.buyer(300, email="ana@example.org")


def test_a_delivered_order_is_refunded(db: Session, make: Make, rich: User, operator: str) -> None:
    order = make.purchase(rich, amount=200)
    shop.deliver(db, order.id)
    result = run_json("refund", str(order.transaction_id), *WHY, "--as", operator)
    assert (result["amount"], result["status"], result["purchase_id"]) == (
        200,
        "refunded",
        order.id,
    )
    assert free(db, POT, rich.id) == 300
    with pytest.raises(shop.PurchaseSettled):
        run("refund", str(order.transaction_id), *WHY, "--as", operator)


def test_an_award_is_taken_back(db: Session, rich: User, operator: str) -> None:
    award = POTService(db).get_transaction_history(rich.id)[0]["id"]
    POTService(db).spend_pot(rich.id, "report_export", 120)
    words = ("take-back", str(award), *WHY, "--as", operator)
    assert run_json(*words) == {"transaction_id": award, "taken": 180, "owed": 120}
    assert "180 POT were taken back; 120 are owed." in run(*words)
    assert (free(db, POT, rich.id), clawbacks.owed(db, rich.id)) == (0, 120)


def test_a_refused_correction_moves_nothing(db: Session, rich: User, operator: str) -> None:
    award = str(POTService(db).get_transaction_history(rich.id)[0]["id"])
    refused: tuple[tuple[type[Exception], tuple[str, ...]], ...] = (
        (shop.PurchaseNotFound, ("refund", award, *WHY, "--as", operator)),
        (NoSuchAward, ("take-back", "999", *WHY, "--as", operator)),
        (OperatorsOnly, ("take-back", award, *WHY, "--as", "ana@example.org")),
        (UserNotFound, ("take-back", award, *WHY, "--as", "nobody@example.org")),
        (Invalid, ("take-back", award, "--reason", " ", "--as", operator)),
    )
    for error, words in refused:
        with pytest.raises(error):
            run(*words)
    assert run("take-back", "9" * 30, *WHY, "--as", operator) == ""
    assert free(db, POT, rich.id) == 300
