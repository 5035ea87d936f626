"""The profile builder through HTTP, from the first page to the public profile."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, User
from imatch.categories.catalog import definition
from imatch.core.database import atomic
from imatch.providers.models import Provider, ProviderStatus
from tests.factories import Make
from tests.factories.providers import ADVISOR_PROFILE
from tests.providers.page_forms import page_form
from tests.support.clients import SignIn
from tests.support.letters import Letters

PROFILE_PATH = "/pro/profile/financial_advisors"
PAGE_COUNT = len(definition("financial_advisors").profile)
CREDENTIALS = [{"type": "CFP", "number": "12345", "issuer": "CFP Board"}]


def _reloaded(db: Session, provider: Provider) -> Provider:
    with atomic(db):
        db.refresh(provider)
    return provider


def _fill(client: TestClient) -> None:
    values = {**ADVISOR_PROFILE, "credentials": CREDENTIALS, "legal_name": "Ada Q. Private"}
    for number in range(1, PAGE_COUNT + 1):
        answer = client.post(
            f"{PROFILE_PATH}/{number}", data=page_form(number, values), follow_redirects=False
        )
        assert answer.status_code == 303, answer.text
        last = number == PAGE_COUNT
        assert answer.headers["location"] == (
            PROFILE_PATH if last else f"{PROFILE_PATH}/{number + 1}"
        )


def _seen(page: str) -> str:
    return page.split('name="seen" value="')[1].split('"', maxsplit=1)[0]


def test_build_submit_approve_and_publish(
    make: Make,
    sign_in: SignIn,
    db: Session,
    letters: Letters,
) -> None:
    ada = make.user(email="ada@example.org", account_type=AccountType.PROVIDER)
    client = sign_in(ada)
    started = client.post(
        "/pro/new", data={"category": "financial_advisors"}, follow_redirects=False
    )
    assert started.headers["location"] == f"{PROFILE_PATH}/1"
    _fill(client)
    assert "Send for approval" in client.get(PROFILE_PATH).text
    client.post(f"{PROFILE_PATH}/submit")
    provider = db.scalars(select(Provider)).one()
    assert (provider.status, provider.slug) == (ProviderStatus.PENDING, "ada-example")
    assert provider.profile["legal_name"] == "Ada Q. Private"

    operator = make.operator()
    client = sign_in(operator)
    assert "Ada Example" in client.get("/console/providers").text
    page = client.get(f"/console/providers/{provider.id}").text
    assert "Ada Q. Private" in page
    seen = _seen(page)
    client.post(
        f"/console/providers/{provider.id}/credentials", data={"seen": seen, "verified": "CFP"}
    )
    page = client.get(f"/console/providers/{provider.id}").text
    seen = _seen(page)
    approved = client.post(f"/console/providers/{provider.id}/approve", data={"seen": seen})
    assert approved.status_code == 200
    assert _reloaded(db, provider).status == ProviderStatus.APPROVED
    assert "/p/ada-example" in letters("ada@example.org")[-1].text

    client.cookies.clear()
    public = client.get("/p/ada-example")
    assert public.status_code == 200
    assert "CFP certificant checked" in public.text
    assert "No ratings yet" in public.text
    assert "$200 to $300 a session" in public.text
    for private in ("Ada Q. Private", "ada@example.org"):
        assert private not in public.text


def test_signed_out_users_are_redirected_to_sign_in(client: TestClient) -> None:
    for path in ("/pro", "/pro/new", PROFILE_PATH, f"{PROFILE_PATH}/1"):
        answer = client.get(path, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=%2Fpro")


def test_starting_is_idempotent(make: Make, sign_in: SignIn, db: Session) -> None:
    seeker = make.user()
    client = sign_in(seeker)
    for _ in range(2):
        client.post("/pro/new", data={"category": "financial_advisors"})
    assert db.scalar(select(func.count(Provider.id))) == 1
    with atomic(db):
        assert db.get_one(User, seeker.id).account_type == AccountType.BOTH
    assert "You are in every open category" not in client.get("/pro").text


@pytest.mark.parametrize(
    ("category", "status"), [("therapists", 409), ("nothing", 404), ("x" * 65, 422)]
)
def test_only_an_open_category_can_be_chosen(
    make: Make, sign_in: SignIn, db: Session, category: str, status: int
) -> None:
    client = sign_in(make.user())
    assert client.post("/pro/new", data={"category": category}).status_code == status
    assert db.scalar(select(func.count(Provider.id))) == 0


def test_invalid_input_is_shown_with_its_error_and_not_saved(
    make: Make, sign_in: SignIn, db: Session
) -> None:
    provider = make.provider(status=ProviderStatus.DRAFT)
    client = sign_in(db.get_one(User, provider.user_id))
    before = dict(provider.profile)
    answer = client.post(
        f"{PROFILE_PATH}/4",
        data={"price.min": "300", "price.max": "20 bananas", "price.unit": "session"},
    )
    assert answer.status_code == 422
    assert 'href="#price.max"' in answer.text
    assert 'value="20 bananas"' in answer.text
    assert _reloaded(db, provider).profile == before


def test_only_a_draft_may_lack_required_fields(make: Make, sign_in: SignIn, db: Session) -> None:
    provider = make.provider(status=ProviderStatus.DRAFT)
    client = sign_in(db.get_one(User, provider.user_id))
    halfway = client.post(
        f"{PROFILE_PATH}/1", data={"display_name": "Ada", "go": "stop"}, follow_redirects=False
    )
    assert halfway.headers["location"] == PROFILE_PATH
    assert "bio" not in _reloaded(db, provider).profile
    refused = client.post(f"{PROFILE_PATH}/submit")
    assert refused.status_code == 409
    assert "“In your own words” is missing." in refused.text
    sent = make.provider(status=ProviderStatus.PENDING)
    client = sign_in(db.get_one(User, sent.user_id))
    assert client.post(f"{PROFILE_PATH}/1", data={"display_name": "Ada"}).status_code == 422
    assert _reloaded(db, sent).display_name == "Ada Example"


def test_submitting_is_idempotent(make: Make, sign_in: SignIn, db: Session) -> None:
    provider = make.provider(status=ProviderStatus.DRAFT)
    client = sign_in(db.get_one(User, provider.user_id))
    client.post(f"{PROFILE_PATH}/submit")
    first = _reloaded(db, provider).submitted_at
    assert client.post(f"{PROFILE_PATH}/submit").status_code == 200
    assert _reloaded(db, provider).submitted_at == first


def test_an_unconfirmed_address_cannot_submit(make: Make, sign_in: SignIn, db: Session) -> None:
    owner = make.user()
    provider = make.provider(user=owner, status=ProviderStatus.DRAFT)
    with atomic(db):
        owner.email_confirmed_at = None
    client = sign_in(owner)
    assert "Confirm your e-mail address" in client.get(PROFILE_PATH).text
    assert client.post(f"{PROFILE_PATH}/submit").status_code == 409
    assert _reloaded(db, provider).status == ProviderStatus.DRAFT


def test_other_peoples_profiles_are_not_found(make: Make, sign_in: SignIn, db: Session) -> None:
    provider = make.provider(status=ProviderStatus.DRAFT, slug="not-yours")
    client = sign_in(make.user())
    paths = [
        "/p/not-yours",
        PROFILE_PATH,
        f"{PROFILE_PATH}/1",
        f"{PROFILE_PATH}/99",
        f"{PROFILE_PATH}/x",
    ]
    for path in (*paths, "/p/%00", "/pro/profile/%00", "/p/" + "x" * 5_000):
        assert client.get(path).status_code == 404, path
    for action in ("submit", "pause", "resume", "capacity", "address", "1"):
        assert client.post(f"{PROFILE_PATH}/{action}", data={"slug": "mine"}).status_code == 404, (
            action
        )
    assert _reloaded(db, provider).slug == "not-yours"


def test_only_a_new_name_needs_a_new_approval(make: Make, sign_in: SignIn, db: Session) -> None:
    provider = make.provider(slug="ada")
    client = sign_in(db.get_one(User, provider.user_id))
    client.post(
        f"{PROFILE_PATH}/1", data=page_form(1, {**ADVISOR_PROFILE, "headline": "Taxes only"})
    )
    assert _reloaded(db, provider).status == ProviderStatus.APPROVED
    assert "Taxes only" in client.get("/p/ada").text
    client.post(
        f"{PROFILE_PATH}/1", data=page_form(1, {**ADVISOR_PROFILE, "display_name": "Zoe Other"})
    )
    assert _reloaded(db, provider).status == ProviderStatus.PENDING
    assert provider.slug == "ada"
    client.cookies.clear()
    assert client.get("/p/ada").status_code == 404


def test_changed_credentials_lose_their_verification_and_are_queued(
    make: Make, sign_in: SignIn, db: Session
) -> None:
    stated = [*CREDENTIALS, {"type": "EA", "number": "7"}]
    provider = make.provider(
        profile={"credentials": stated},
        verified_credentials=["CFP", "EA"],
        verified_on={"CFP": "2026-01-02", "EA": "2026-01-02"},
        slug="ada",
    )
    client = sign_in(db.get_one(User, provider.user_id))
    changed = [{**CREDENTIALS[0], "number": "99999"}, {"type": "EA", "number": "7"}]
    client.post(f"{PROFILE_PATH}/7", data=page_form(7, {"credentials": changed}))
    _reloaded(db, provider)
    assert provider.status == ProviderStatus.APPROVED
    assert provider.verified_credentials == ["EA"]
    assert provider.verified_on == {"EA": "2026-01-02"}
    assert provider.credentials_changed_at is not None
    page = client.get("/p/ada").text
    assert "Enrolled Agent checked" in page
    assert "CFP certificant checked" not in page
    client = sign_in(make.operator())
    assert "1 public profile with changed credentials" in client.get("/console").text


def test_every_change_sets_updated_at(make: Make, sign_in: SignIn, db: Session) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    provider = make.provider(updated_at=long_ago)
    client = sign_in(db.get_one(User, provider.user_id))
    actions: dict[str, dict[str, Any]] = {
        "pause": {},
        "resume": {},
        "capacity": {"capacity": "3"},
        "2": page_form(2, ADVISOR_PROFILE),
        "address": {"slug": "elsewhere"},
    }
    for action, form in actions.items():
        assert client.post(f"{PROFILE_PATH}/{action}", data=form).status_code == 200
        assert _reloaded(db, provider).updated_at > long_ago, action
        with atomic(db):
            provider.updated_at = long_ago
