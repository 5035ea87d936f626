"""The local outbox is readable in development, and does not exist in production."""

from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.mail.service import send
from tests.support.settings import Configure

LINK = "http://127.0.0.1:8401/sign-in/abc"


def test_an_empty_outbox_says_how_to_fill_it(client: TestClient) -> None:
    page = client.get("/dev/outbox")
    assert page.status_code == 200
    assert "No mail yet" in page.text


def test_messages_are_listed_newest_first_and_links_can_be_followed(
    client: TestClient, db: Session
) -> None:
    send(db, recipient="a@example.org", subject="First <b>", text="one")
    message_id = send(
        db, recipient="b@example.org", subject="Second", text=f"Open {LINK}\n<script>x</script>"
    ).id

    listed = client.get("/dev/outbox").text
    assert listed.index("Second") < listed.index("First &lt;b&gt;")
    assert f'href="/dev/outbox/{message_id}"' in listed

    shown = client.get(f"/dev/outbox/{message_id}").text
    assert f'<a href="{LINK}"' in shown
    assert "<script>x" not in shown


def test_an_unknown_message_is_not_found(client: TestClient) -> None:
    assert client.get("/dev/outbox/999").status_code == 404
    assert client.get("/dev/outbox/99999999999999999999").status_code == 422


def test_production_has_no_outbox(client: TestClient, db: Session, configure: Configure) -> None:
    message_id = send(db, recipient="a@example.org", subject="Hi", text=LINK).id
    configure(
        environment="production",
        secret_key="k" * 40,
        base_url="https://match.example",
        smtp_host="mail.example",
    )
    for path in ("/dev/outbox", f"/dev/outbox/{message_id}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert LINK not in answer.text
