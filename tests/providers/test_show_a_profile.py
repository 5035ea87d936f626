"""What the public page and the API show and hide."""

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.providers.models import ProviderStatus
from tests.factories import Make
from tests.support.clients import SignIn

XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "<svg/onload=alert(1)>",
    "{{ 7*7 }}",
    "</textarea><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
]
TEXT_FIELDS = (
    "display_name",
    "business_name",
    "headline",
    "bio",
    "cancellation_policy",
    "conflicts",
    "legal_name",
    "firm_crd",
)


@pytest.mark.parametrize("status", ["draft", "pending", "rejected"])
def test_before_approval_only_owner_and_operators_may_see_it(
    make: Make,
    client: TestClient,
    sign_in: SignIn,
    db: Session,
    status: str,
) -> None:
    provider = make.provider(status=status, slug="ada")
    assert client.get("/p/ada").status_code == 404
    assert client.get("/api/v1/providers/ada").status_code == 404
    sign_in(make.user())
    assert client.get("/p/ada").status_code == 404
    for viewer in (
        db.get_one(User, provider.user_id),
        make.operator(),
    ):
        sign_in(viewer)
        assert "Only you and the operators see this" in client.get("/p/ada").text


def test_profiles_of_closed_accounts_are_hidden(
    make: Make, client: TestClient, db: Session
) -> None:
    provider = make.provider(slug="ada")
    with atomic(db):
        db.get_one(User, provider.user_id).active = False
    assert client.get("/p/ada").status_code == 404


@pytest.mark.parametrize("payload", XSS)
def test_stored_markup_is_escaped(
    make: Make, client: TestClient, sign_in: SignIn, db: Session, payload: str
) -> None:
    profile = dict.fromkeys(TEXT_FIELDS, payload)
    credentials = [{"type": "CFP", "issuer": payload, "number": payload, "jurisdiction": payload}]
    provider = make.provider(
        slug="ada",
        status=ProviderStatus.REJECTED,
        decision_reason=payload,
        profile={**profile, "credentials": credentials, "specialties": [payload]},
    )
    paths = ["/p/ada", "/pro", "/pro/profile/financial_advisors"]
    paths += [f"/pro/profile/financial_advisors/{number}" for number in range(1, 11)]
    pages = [sign_in(db.get_one(User, provider.user_id)).get(path) for path in paths]
    sign_in(make.operator())
    pages += [client.get(f"/console/providers/{provider.id}"), client.get("/console/providers")]
    for page in pages:
        assert page.status_code == 200
        for markup in ("<script>alert", "<img src=x", "<svg/onload", "<a href=javascript", ">49<"):
            assert markup not in page.text, page.url


def test_ratings_are_shown_if_there_are_any(make: Make, client: TestClient) -> None:
    make.provider(slug="rated", rating_sum=47, rating_count=10)
    make.provider(slug="unrated")
    assert "4.7 of 5, from 10 people" in client.get("/p/rated").text
    assert "No ratings yet" in client.get("/p/unrated").text


def test_an_expired_credential_is_not_verified(make: Make, client: TestClient) -> None:
    make.provider(
        slug="ada",
        profile={"credentials": [{"type": "CFP", "expires": "2020-01-01"}]},
        verified_credentials=["CFP"],
    )
    page = client.get("/p/ada").text
    assert "Expired" in page
    assert "Checked by an operator" not in page


def test_the_api_lists_approved_profiles_in_pages(make: Make, client: TestClient) -> None:
    slugs = [make.provider().slug for _ in range(3)]
    make.provider(status=ProviderStatus.DRAFT)
    first = client.get("/api/v1/providers", params={"limit": 2}).json()
    rest = client.get(
        "/api/v1/providers", params={"limit": 2, "cursor": first["next_cursor"]}
    ).json()
    assert [item["slug"] for item in first["items"] + rest["items"]] == slugs
    assert rest["next_cursor"] is None
    assert first["items"][0]["price"] == "$200 to $300 a session"
    assert first["items"][0]["rating"] is None


def test_the_api_shows_nothing_private(make: Make, client: TestClient) -> None:
    make.provider(slug="ada", profile={"legal_name": "Ada Q. Private"})
    response = client.get("/api/v1/providers/ada")
    assert response.json()["display_name"] == "Ada Example"
    assert "Private" not in response.text
    assert "example.org" not in response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("?category=nothing", 404),
        ("?cursor=garbage", 422),
        ("?limit=0", 422),
        ("/nobody", 404),
        ("/%00", 404),
    ],
)
def test_the_api_refuses_clearly(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/api/v1/providers{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_landing_page_states_every_cost(make: Make, client: TestClient) -> None:
    make.category("therapists")
    page = client.get("/providers").text
    assert "20% of what the client paid" in page
    assert "Net-30" in page
    assert "a month" in page
    assert "Declining a lead costs nothing" in page
