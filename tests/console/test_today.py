"""The operators' overview page, and access to operators' pages."""

from starlette.testclient import TestClient

from imatch.accounts.models import AccountType
from imatch.providers.models import ProviderStatus
from tests.factories import Make
from tests.support.clients import SignIn


def test_the_console_is_for_operators(make: Make, client: TestClient, sign_in: SignIn) -> None:
    provider = make.provider(status=ProviderStatus.PENDING)
    paths = ["/console", "/console/providers", "/console/categories"]
    paths.append(f"/console/providers/{provider.id}")
    for path in paths:
        assert client.get(path, follow_redirects=False).status_code == 303, path
    sign_in(make.user(account_type=AccountType.PROVIDER))
    for path in paths:
        assert client.get(path).status_code == 403, path
    actions = [
        f"/console/providers/{provider.id}/{action}"
        for action in ("approve", "reject", "credentials")
    ]
    actions += [f"/console/categories/therapists/{action}" for action in ("activate", "deactivate")]
    for action in actions:
        assert client.post(action, data={"seen": "x", "reason": "x"}).status_code == 403, action


def test_an_empty_queue(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.operator())
    assert "Nothing needs you" in client.get("/console").text
    assert "No profile waits" in client.get("/console/providers").text
