"""Whatever a form or a program sends: a clear 4xx, and nothing changed."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.needs.models import Need
from tests.factories.needs import FIRST_PAGE

ADVISORS = "/find/financial_advisors"

WRONG_PAGES: list[tuple[int, dict[str, Any]]] = [
    (1, {"needs_description": "Tax\x00es"}),
    (1, {"needs_description": " \u200b\u200f "}),
    (1, {"needs_description": "x" * 5_001}),
    (1, {"needs_description": "Tax", "needs": ["tax", "wizardry"]}),
    (1, {"needs_description": "Tax", "needs": ["tax", "debt", "estate", "divorce", "equity"]}),
    (2, {"format": "astral"}),
    (2, {"place.city": "Oakland", "place.country": "US"}),
    (2, {"place.city": "Oakland"}),
    (2, {"place.region": "CA\x00", "place.country": "US"}),
    (2, {"windows": ["tue_midnight"]}),
    (2, {"importance.format": "very"}),
    (3, {"budget.min": "-1", "budget.unit": "year"}),
    (3, {"budget.max": "1" + "0" * 18, "budget.unit": "year"}),
    (3, {"budget.max": "9" * 5_000, "budget.unit": "year"}),
    (3, {"budget.min": "2", "budget.max": "1", "budget.unit": "year"}),
    (3, {"budget.min": "2", "budget.unit": "eon"}),
    (3, {"budget.min": "2"}),
    (4, {"risk": "6"}),
    (4, {"risk": "1e3"}),
    (4, {"risk": "3½"}),
    (6, {"style.lead": "4"}),
    (6, {"style.lead": "\u202e2"}),
]


@pytest.mark.parametrize(("number", "data"), WRONG_PAGES)
def test_wrong_answers_change_nothing(
    begun: TestClient, db: Session, number: int, data: dict[str, Any]
) -> None:
    for suffix in ("", "/relax"):
        response = begun.post(f"{ADVISORS}/{number}{suffix}", data=data)
        assert response.status_code == 422
        assert "There is a problem" in response.text
    assert begun.post(f"{ADVISORS}/{number}/count", data=data).status_code == 200
    assert db.scalars(select(Need)).one().answers == {"values": FIRST_PAGE, "importance": {}}


@pytest.mark.parametrize(
    "words",
    [
        "أحتاج إلى مساعدة في التخطيط للتقاعد",
        "\u202eright to left\u202c",
        "Retire 🏖️👩🏽‍🚀 early",
        "<script>alert(1)</script> & \"quotes\" 'too'",
        "{{ 7*7 }} {% raw %}",
    ],
)
def test_any_writing_is_kept_and_shown_as_text(client: TestClient, db: Session, words: str) -> None:
    client.post(f"{ADVISORS}/1", data={"needs_description": words})
    assert db.scalars(select(Need)).one().answers["values"]["needs_description"] == words
    page = client.get(f"{ADVISORS}/check").text
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page or "7*7" not in words


def test_a_megabyte_is_refused_before_it_is_read(begun: TestClient, db: Session) -> None:
    response = begun.post(f"{ADVISORS}/1", data={"needs_description": "x" * 1_000_000})
    assert response.status_code == 413
    assert db.scalars(select(Need)).one().answers["values"] == FIRST_PAGE


def test_other_sites_cannot_send_the_forms(begun: TestClient, db: Session) -> None:
    for path in (f"{ADVISORS}/1", f"{ADVISORS}/check", f"{ADVISORS}/start", "/find/save"):
        response = begun.post(path, data=FIRST_PAGE, headers={"origin": "https://evil.example"})
        assert response.status_code == 403
    assert len(db.scalars(select(Need)).all()) == 1


def test_unknown_controls_are_left_out(client: TestClient, db: Session) -> None:
    client.post(
        f"{ADVISORS}/1", data={**FIRST_PAGE, "status": "complete", "risk": "3", "importance.x": "1"}
    )
    assert db.scalars(select(Need)).one().answers["values"] == FIRST_PAGE


API_BODIES: list[tuple[object, int]] = [
    ({}, 422),
    ([], 422),
    ({"category": "wizards", "values": {}}, 404),
    ({"category": "therapists", "values": {}}, 409),
    ({"category": "financial_advisors", "values": {}}, 422),
    ({"category": "financial_advisors", "values": {"needs_description": 7}}, 422),
    ({"category": "financial_advisors", "values": {**FIRST_PAGE, "nonsense": 1}}, 422),
    ({"category": "financial_advisors", "values": {**FIRST_PAGE, "\x00": 1}}, 422),
    ({"category": "financial_advisors", "values": {**FIRST_PAGE, "budget": [[]]}}, 422),
    ({"category": "financial_advisors", "values": {**FIRST_PAGE, "risk": 10**18}}, 422),
    ({"category": "financial_advisors", "values": {**FIRST_PAGE, "risk": 2.0}}, 422),
    (
        {"category": "financial_advisors", "values": FIRST_PAGE, "importance": {"needs": "must"}},
        422,
    ),
    ({"category": "financial_advisors", "values": FIRST_PAGE, "importance": {"budget": []}}, 422),
    ({"category": "financial_advisors", "values": FIRST_PAGE, "status": "complete"}, 422),
]


@pytest.mark.parametrize(("body", "status"), API_BODIES)
def test_wrong_bodies_make_no_need(
    client: TestClient, db: Session, body: object, status: int
) -> None:
    response = client.post("/api/v1/needs", json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert db.scalars(select(Need)).all() == []


def test_deep_and_broken_json_is_refused(client: TestClient, db: Session) -> None:
    deep = '{"category":"financial_advisors","values":' + "[" * 50_000 + "]" * 50_000 + "}"
    nan = '{"category":"financial_advisors","values":{"risk":NaN,"needs_description":"x"}}'
    lone = json.dumps({"category": "financial_advisors", "values": {"needs_description": "\ud800"}})
    for body in (deep, nan, lone, "{", "\x00", '{"values":' + "9" * 5_000 + "}"):
        response = client.post(
            "/api/v1/needs", content=body, headers={"content-type": "application/json"}
        )
        assert 400 <= response.status_code < 500
    assert db.scalars(select(Need)).all() == []
