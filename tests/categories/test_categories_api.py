"""What programs are told about categories over HTTP."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.categories.catalog import definitions


def test_every_category_is_listed(client: TestClient) -> None:
    response = client.get("/api/v1/categories")
    assert response.status_code == 200
    items = response.json()["items"]
    assert [item["name"] for item in items] == sorted(definitions())
    assert [item["name"] for item in items if item["active"]] == ["financial_advisors"]
    assert items[0].keys() == {
        "name", "display_name", "singular", "icon", "summary", "description", "active",
    }  # fmt: skip


def test_a_category_tells_clients_how_to_build_its_form(client: TestClient) -> None:
    found = client.get("/api/v1/categories/therapists").json()
    definition = found["definition"]
    assert not found["active"]
    assert found["windows"]["tue_evening"] == "Tue evening"
    assert definition["screens"][0]["effect"] == "stop"
    for page in definition["intake"]:
        for name in page["fields"]:
            field = definition["seeker"][name]
            assert field["vocabulary"] is None or definition["vocabularies"][field["vocabulary"]]


@pytest.mark.parametrize("name", ["plumbers", "%00", "x" * 65, "..%2F", "Ω"])
def test_an_unknown_category_is_a_clear_refusal(client: TestClient, name: str) -> None:
    response = client.get(f"/api/v1/categories/{name}")
    assert response.status_code in {404, 422}
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_plain_sql_is_honoured_by_the_running_server(client: TestClient, db: Session) -> None:
    assert not client.get("/api/v1/categories/career_coaches").json()["active"]
    db.execute(text("UPDATE categories SET active = TRUE WHERE name = 'career_coaches'"))
    db.commit()
    assert client.get("/api/v1/categories/career_coaches").json()["active"]
