"""The JSON API of a provider's own profiles."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType
from imatch.providers.models import Provider
from tests.factories import Make
from tests.factories.providers import ADVISOR_PROFILE
from tests.support.clients import SignIn

OWN = "/api/v1/me/providers"


def test_put_and_submit(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.user(account_type=AccountType.PROVIDER))
    put = client.put(f"{OWN}/financial_advisors", json={"values": ADVISOR_PROFILE})
    assert put.status_code == 200
    assert (put.json()["status"], put.json()["required_gaps"]) == ("draft", [])
    submitted = client.post(f"{OWN}/financial_advisors/submit")
    assert (submitted.json()["status"], submitted.json()["slug"]) == ("pending", "ada-example")
    assert client.get(OWN).json()["items"] == [submitted.json()]


def test_signed_out_programs_get_401(client: TestClient) -> None:
    assert client.get(OWN).status_code == 401
    put = client.put(f"{OWN}/financial_advisors", json={"values": {}})
    assert put.status_code == 401
    assert put.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "values",
    [
        {"price": {"min_cents": -1, "max_cents": 1, "unit": "session"}},
        {"price": {"min_cents": 1, "max_cents": 10**18, "unit": "session"}},
        {"unknown": 1},
        {"display_name": "a\x00b"},
        {"display_name": "x" * 81},
        {"capacity": "4"},
        {"windows": ["someday"]},
        [],
    ],
)
def test_invalid_values_are_reported_and_create_no_profile(
    make: Make, sign_in: SignIn, db: Session, values: object
) -> None:
    client = sign_in(make.user())
    answer = client.put(f"{OWN}/financial_advisors", json={"values": values})
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert db.scalar(select(func.count(Provider.id))) == 0


def test_an_incomplete_profile_is_refused_with_its_gaps(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.user())
    client.put(f"{OWN}/financial_advisors", json={"values": {"display_name": "Ada"}})
    refused = client.post(f"{OWN}/financial_advisors/submit")
    assert refused.status_code == 409
    assert refused.json()["code"] == "profile_incomplete"
    assert {fault["field"] for fault in refused.json()["errors"]} >= {"bio", "price"}


def test_profiles_of_others_cannot_be_submitted(make: Make, sign_in: SignIn) -> None:
    make.provider(status="draft")
    client = sign_in(make.user())
    assert client.post(f"{OWN}/financial_advisors/submit").status_code == 404
    assert client.get(OWN).json() == {"items": []}
