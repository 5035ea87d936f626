"""Opening an account as a browser does, one question after the other."""

from collections.abc import Callable

from httpx2 import Response
from starlette.testclient import TestClient

from tests.factories.accounts import ADA, PASSWORD

FORM = {"account_type": "seeker", "name": "Ada Example", "email": ADA, "password": PASSWORD}
LinkTo = Callable[[str], str]


def open_account(client: TestClient, **changes: str) -> Response:
    """Answer FORM's questions one page after the other; the answer to the last, the password."""
    answers = FORM | changes
    client.post("/sign-up", data={"account_type": answers["account_type"]})
    for question in ("name", "email"):
        client.post(f"/sign-up/{question}", data={question: answers[question]})
    return client.post("/sign-up/password", data={"password": answers["password"]})
