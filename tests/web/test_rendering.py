"""Pages come out whole, escaped, in the chosen theme and with the build's assets."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient

from imatch.web import pages, rendering
from imatch.web.redirects import same_site_path

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CATEGORIES = [
    SimpleNamespace(
        name="financial_advisors",
        display_name="Financial advisors",
        singular="financial advisor",
        icon="wallet",
        summary="Retirement, tax, debt",
        active=True,
        criteria={"expertise_match": SimpleNamespace(label="Expertise", weight=30)},
    ),
    SimpleNamespace(
        name="therapists",
        display_name="Therapists",
        singular="therapist",
        icon="wallet",
        summary="Anxiety, grief",
        active=False,
        criteria={"modality_fit": SimpleNamespace(label="Modality", weight=20)},
    ),
]


@pytest.fixture
def site() -> Iterator[TestClient]:
    app = FastAPI()
    app.mount("/static", rendering.static_files())
    app.include_router(pages.router)

    @app.get("/")
    def landing(request: Request, *, none_open: bool = False) -> HTMLResponse:
        shown = CATEGORIES[1:] if none_open else CATEGORIES
        return rendering.render(request, "intake/landing.html", {"categories": shown})

    @app.get("/how-ranking-works")
    def ranking(request: Request) -> HTMLResponse:
        return rendering.render(
            request, "intake/how_ranking_works.html", {"categories": CATEGORIES}
        )

    @app.get("/error/{status}")
    def error(request: Request, status: int, message: str | None = None) -> HTMLResponse:
        context = {"status": status, "message": message, "request_id": "req-1"}
        return rendering.render(request, "error.html", context, status=status)

    @app.get("/signed-in")
    def signed_in(request: Request, name: str | None = None) -> HTMLResponse:
        request.state.user = SimpleNamespace(email="anna@example.com", name=name)
        return rendering.render(request, "site/privacy.html", {})

    @app.get("/block")
    def block(request: Request) -> HTMLResponse:
        return rendering.render(request, "site/privacy.html", {}, block="main")

    with TestClient(app) as client:
        yield client


def macro(name: str, *args: Any, **attributes: Any) -> str:  # noqa: ANN401
    ui = rendering.environment().globals["ui"]
    return str(getattr(ui, name)(*args, **attributes))


def test_landing_offers_only_active_categories(site: TestClient) -> None:
    page = site.get("/").text
    assert 'value="financial_advisors"' in page
    assert "Financial advisor" in page
    assert "therapists" not in page


def test_landing_says_when_no_category_is_open(site: TestClient) -> None:
    page = site.get("/?none_open=true").text
    assert "No category is open yet" in page
    assert 'action="/find"' not in page


def test_ranking_page_lists_the_weights(site: TestClient) -> None:
    page = site.get("/how-ranking-works").text
    assert re.search(r"Expertise</th>\s*<td[^>]*>30<", page)
    assert "Therapists" in page


@pytest.mark.parametrize("path", ["/privacy", "/accessibility"])
def test_plain_pages(site: TestClient, path: str) -> None:
    page = site.get(path)
    assert page.status_code == 200
    assert page.text.count("<h1") == 1


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 429, 500, 503]
)
def test_error_page_keeps_its_status_and_reference(site: TestClient, status: int) -> None:
    page = site.get(f"/error/{status}")
    assert page.status_code == status
    assert f"Error {status}" in page.text
    assert "req-1" in page.text


def test_messages_are_escaped(site: TestClient) -> None:
    page = site.get("/error/422", params={"message": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_block_comes_alone(site: TestClient) -> None:
    fragment = site.get("/block").text
    assert "<h1" in fragment
    assert "<html" not in fragment


def test_header_names_the_account(site: TestClient) -> None:
    assert "Sign in" in site.get("/privacy").text
    assert "anna@example.com" in site.get("/signed-in").text
    named = site.get("/signed-in?name=Anna").text
    assert "anna@example.com" not in named
    assert ">Anna<" in named


def test_pages_link_to_files_that_exist(site: TestClient) -> None:
    urls = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', site.get("/").text))
    assert {Path(url).suffix for url in urls} == {".css", ".js", ".svg", ".txt", ".woff2"}
    for url in urls:
        assert site.get(url).status_code == 200, url


def test_only_hashed_files_are_cached_for_ever(site: TestClient) -> None:
    stylesheet = site.get(rendering.stylesheet_urls()[0])
    assert stylesheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in site.get("/static/favicon.svg").headers["cache-control"]


@pytest.mark.parametrize("theme", rendering.THEMES)
def test_theme_switch_is_remembered(site: TestClient, theme: str) -> None:
    form = {"theme": theme, "next": "/privacy?from=menu"}
    answer = site.post("/theme", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/privacy?from=menu"
    assert f'data-theme="{theme}"' in site.get("/privacy").text


def test_an_unknown_theme_changes_nothing(site: TestClient) -> None:
    answer = site.post("/theme", data={"theme": '"><b>'}, follow_redirects=False)
    assert "set-cookie" not in answer.headers
    site.cookies.set("theme", "neon")
    assert "data-theme=" not in site.get("/privacy").text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\n//evil.example",
        "javascript:alert(1)",
        "matches",
        "",
        "/ä",
    ],
)
def test_redirects_stay_on_this_site(target: str) -> None:
    assert same_site_path(target, default="/account") == "/account"


def test_redirects_keep_paths_and_queries() -> None:
    assert same_site_path("/find/x/2?back=1&q=a%2Fb") == "/find/x/2?back=1&q=a%2Fb"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Maria Silva", "AS"),
        ("Cher", "C"),
        ("bo ek", "BE"),
        ("Bo Bo", "BB"),
        ("", ""),
        ("4", "4"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert rendering.initials(name) == letters


def test_an_icon_outside_the_build_is_named() -> None:
    assert "<svg" in rendering.icon("menu")
    with pytest.raises(LookupError, match="no-such-icon"):
        rendering.icon("no-such-icon")


def test_a_missing_build_says_what_to_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rendering, "STATIC_FOLDER", tmp_path / "static")
    with pytest.raises(rendering.AssetsNotBuilt, match="make run"):
        rendering.static_files()


def test_a_field_with_an_error_points_to_it() -> None:
    html = macro("field", "email", "E-mail", hint="We write once.", error="Enter one", type="email")
    assert 'for="email"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="email-hint email-error"' in html
    assert 'id="email-error"' in html


def test_a_field_escapes_its_value_and_takes_attributes() -> None:
    html = macro("field", "about", "About", '"><i>', maxlength=9, autocomplete="off")
    assert 'value="&#34;&gt;&lt;i&gt;"' in html
    assert 'maxlength="9"' in html
    assert "aria-" not in html


def test_a_select_marks_the_chosen_option() -> None:
    html = macro("field", "size", "Size", 2, "select", options=[(1, "One"), (2, "Two")])
    assert re.findall(r'value="(\d)" selected', html) == ["2"]


def test_choices_check_what_was_chosen() -> None:
    options = [("am", "Mornings"), ("pm", "Evenings", "after 17:00")]
    one = macro("choices", "when", "When?", options, "pm")
    both = macro("choices", "when", "When?", options, ["am", "pm"], multiple=True)
    assert one.count(" checked") == 1
    assert both.count(" checked") == 2
    assert one.count('id="when"') == 1
    assert "after 17:00" in one


def test_error_summary_links_to_fields() -> None:
    html = macro("error_summary", [("email", "Enter an e-mail"), ("", "Try again later")])
    assert 'href="#email"' in html
    assert "autofocus" in html
    assert macro("error_summary", []).strip() == ""


def test_templates_hold_nothing_the_content_policy_forbids() -> None:
    for template in rendering.TEMPLATE_FOLDER.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        found = re.findall(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", text)
        assert not found, f"{template.name}: {found}"
