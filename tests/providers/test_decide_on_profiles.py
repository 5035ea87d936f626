"""Operators' decisions on profiles: queue, approval, rejection, verification, concurrency."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.core.errors import Conflict
from imatch.mail.models import MailMessage
from imatch.providers import approval, queries, rules, service
from imatch.providers.models import Provider, ProviderStatus
from tests.factories import Make
from tests.support.clients import SignIn


@pytest.fixture
def operator(make: Make) -> User:
    return make.operator()


def _reloaded(db: Session, provider: Provider) -> Provider:
    with atomic(db):
        db.refresh(provider)
    return provider


def test_the_queue_starts_with_the_longest_waiting(
    make: Make, sign_in: SignIn, operator: User
) -> None:
    for name, day in (("Second", 2), ("First", 1), ("Third", 3)):
        make.provider(
            status=ProviderStatus.PENDING,
            profile={"display_name": name},
            submitted_at=datetime(2026, 11, day, tzinfo=UTC),
        )
    page = sign_in(operator).get("/console/providers").text
    assert page.index("First") < page.index("Second") < page.index("Third")
    assert "3 profiles wait" in sign_in(operator).get("/console").text


def test_a_rejection_needs_a_reason_and_the_owner_may_resubmit(
    make: Make, sign_in: SignIn, operator: User, db: Session
) -> None:
    owner = make.user(email="ada@example.org")
    provider = make.provider(user=owner, status=ProviderStatus.PENDING)
    url = f"/console/providers/{provider.id}/reject"
    seen = rules.version_of(provider)
    client = sign_in(operator)
    for reason in ("", "  ", "x" * 601, "a\x00b"):
        answer = client.post(url, data={"seen": seen, "reason": reason})
        assert answer.status_code == 422
        assert 'href="#reason"' in answer.text
    assert _reloaded(db, provider).status == ProviderStatus.PENDING
    client.post(url, data={"seen": seen, "reason": "Your CFP number is not on the register."})
    assert _reloaded(db, provider).status == ProviderStatus.REJECTED
    letter = db.scalars(select(MailMessage)).one()
    assert letter.recipient == "ada@example.org"
    assert "Your CFP number is not on the register." in letter.text

    client = sign_in(owner)
    page = client.get("/pro/profile/financial_advisors").text
    assert "Your CFP number is not on the register." in page
    client.post("/pro/profile/financial_advisors/submit")
    assert _reloaded(db, provider).status == ProviderStatus.PENDING


def test_a_profile_that_changed_since_shown_is_not_decided(
    make: Make, sign_in: SignIn, operator: User, db: Session
) -> None:
    provider = make.provider(status=ProviderStatus.PENDING)
    seen = rules.version_of(provider)
    owner = sign_in(db.get_one(User, provider.user_id))
    owner.post("/pro/profile/financial_advisors/capacity", data={"capacity": "9"})
    client = sign_in(operator)
    answer = client.post(f"/console/providers/{provider.id}/approve", data={"seen": seen})
    assert answer.status_code == 409
    assert "changed or decided on while you looked" in answer.text
    assert _reloaded(db, provider).status == ProviderStatus.PENDING


def test_a_second_decision_is_a_conflict(
    make: Make, sign_in: SignIn, operator: User, db: Session
) -> None:
    provider = make.provider(status=ProviderStatus.PENDING)
    form = {"seen": rules.version_of(provider), "reason": "No"}
    client = sign_in(operator)
    assert client.post(f"/console/providers/{provider.id}/approve", data=form).status_code == 200
    for action in ("approve", "reject"):
        answer = client.post(f"/console/providers/{provider.id}/{action}", data=form)
        assert answer.status_code == 409
    assert _reloaded(db, provider).status == ProviderStatus.APPROVED
    assert len(db.scalars(select(MailMessage)).all()) == 1


@pytest.mark.both_databases
def test_of_concurrent_decisions_one_succeeds(
    make: Make, new_session: Callable[[], Session], db: Session
) -> None:
    provider = make.provider(status=ProviderStatus.PENDING)
    operators = [make.operator().id for _ in range(8)]

    def decide(number: int) -> str:
        with new_session() as own:
            profile, operator = (
                queries.by_id(own, provider.id),
                own.get_one(User, operators[number]),
            )
            try:
                if number % 2:
                    return str(approval.approve(own, profile, operator, seen=seen).status)
                return str(approval.reject(own, profile, operator, reason="No", seen=seen).status)
            except Conflict as error:
                return error.code

    seen = rules.version_of(provider)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(decide, range(8)))
    assert results.count("profile_changed_meanwhile") == 7
    assert _reloaded(db, provider).status in results


def test_an_approved_profile_can_be_rejected_after_a_change(
    make: Make, sign_in: SignIn, operator: User, client: TestClient, db: Session
) -> None:
    provider = make.provider(slug="ada")
    form = {"seen": rules.version_of(provider), "reason": "Impersonates somebody."}
    sign_in(db.get_one(User, provider.user_id))
    client.post("/pro/profile/financial_advisors/capacity", data={"capacity": "9"})
    sign_in(operator)
    client.post(f"/console/providers/{provider.id}/reject", data=form)
    client.cookies.clear()
    assert client.get("/p/ada").status_code == 404


def test_only_stated_credentials_can_be_verified(
    make: Make, sign_in: SignIn, operator: User, db: Session
) -> None:
    provider = make.provider(
        status=ProviderStatus.PENDING, profile={"credentials": [{"type": "CFP", "number": "1"}]}
    )
    url = f"/console/providers/{provider.id}/credentials"
    client = sign_in(operator)
    seen = rules.version_of(provider)
    refused = client.post(url, data={"seen": seen, "verified": ["CFP", "CPA"]})
    assert refused.status_code == 422
    client.post(url, data={"seen": seen, "verified": ["CFP"]})
    assert _reloaded(db, provider).verified_credentials == ["CFP"]
    assert list(provider.verified_on) == ["CFP"]
    client.post(url, data={"seen": rules.version_of(provider)})
    assert _reloaded(db, provider).verified_credentials == []


def test_a_credential_that_changed_since_shown_is_not_verified(
    make: Make, sign_in: SignIn, operator: User, db: Session
) -> None:
    """The operator checked number 1; the owner changed it to 2 before the operator's click."""
    provider = make.provider(profile={"credentials": [{"type": "CFP", "number": "1"}]})
    seen = rules.version_of(provider)
    changed = provider.profile | {"credentials": [{"type": "CFP", "number": "2"}]}
    service.replace(db, provider, changed)
    url = f"/console/providers/{provider.id}/credentials"
    answer = sign_in(operator).post(url, data={"seen": seen, "verified": ["CFP"]})
    assert answer.status_code == 409
    assert _reloaded(db, provider).verified_credentials == []


def test_decisions_are_logged_without_the_reason(
    make: Make,
    sign_in: SignIn,
    operator: User,
    capsys: pytest.CaptureFixture[str],
) -> None:
    provider = make.provider(status=ProviderStatus.PENDING)
    form = {"seen": rules.version_of(provider), "reason": "a secret remark"}
    sign_in(operator).post(f"/console/providers/{provider.id}/reject", data=form)
    logged = capsys.readouterr().out
    line = next(line for line in logged.splitlines() if "operator_act" in line)
    assert "reject_provider" in line
    assert f"operator_id={operator.id}" in line
    assert f"provider_id={provider.id}" in line
    assert "a secret remark" not in logged


@pytest.mark.parametrize("provider_id", [0, 999_999, 2**63, 10**30])
def test_unknown_profiles_are_not_found(sign_in: SignIn, operator: User, provider_id: int) -> None:
    client = sign_in(operator)
    assert client.get(f"/console/providers/{provider_id}").status_code == 404
