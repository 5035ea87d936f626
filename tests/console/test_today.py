"""The operators' first page, and that all of theirs are for operators alone."""

from collections.abc import Callable

from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, User
from imatch.providers.models import ProviderStatus
from tests.make import Make

SignIn = Callable[[User], TestClient]


def test_the_console_is_for_operators(make: Make, client: TestClient, sign_in: SignIn) -> None:
    provider = make.provider(status=ProviderStatus.PENDING)
    paths = ["/console", "/console/providers", "/console/categories"]
    paths.append(f"/console/providers/{provider.id}")
    for path in paths:
        assert client.get(path, follow_redirects=False).status_code == 303, path
    sign_in(make.user(account_type=AccountType.PROVIDER))
    for path in paths:
        assert client.get(path).status_code == 403, path
    acts = [
        f"/console/providers/{provider.id}/{act}" for act in ("approve", "reject", "credentials")
    ]
    acts += [f"/console/categories/therapists/{act}" for act in ("activate", "deactivate")]
    for act in acts:
        assert client.post(act, data={"seen": "x", "reason": "x"}).status_code == 403, act


def test_an_empty_queue_says_so(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.user(account_type=AccountType.OPERATOR))
    assert "Nothing needs you" in client.get("/console").text
    assert "No profile waits" in client.get("/console/providers").text
