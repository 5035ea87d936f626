"""Turns templates into responses: the Jinja environment, its filters, built assets and icons."""

import gzip
import json
import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block
from markupsafe import Markup, escape
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Scope

from imatch.core import clock
from imatch.web import formats

THEMES = ("imatch-light", "imatch-dark")
TEMPLATE_FOLDER = Path(__file__).parent / "templates"
STATIC_FOLDER = Path(__file__).parents[1] / "static"
STATIC_URL = "/static/"
ENTRY = "src/app.js"


class AssetsNotBuilt(RuntimeError):
    def __init__(self) -> None:
        super().__init__(
            "The pages' styles and scripts are not built: "
            "call `make run` (or `npm ci && npm run build` in frontend/)."
        )


def render(
    request: Request,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    block: str | None = None,
) -> HTMLResponse:
    """Render a whole page or, for htmx, one of its blocks (the caller decides which).

    A block rendered alone sees the context and globals, not what the template sets outside it.
    """
    values = {
        "request": request,
        "theme": chosen_theme(request),
        "user": getattr(request.state, "user", None),
        "now": clock.now(),
        "demo": holds_demo_people(request),
        **context,
    }
    if block is None:
        page = environment().get_template(template).render(values)
    else:
        page = render_block(environment(), template, block, values)
    return HTMLResponse(page, status_code=status)


# By template, theme and whether people are fictional: the version and the page. That many at most.
_shared_pages: dict[tuple[str, str | None, bool], tuple[object, HTMLResponse]] = {}


def render_shared(
    request: Request, template: str, context: dict[str, Any], *, version: object
) -> HTMLResponse:
    """As `render`, for a page that is the same for everybody who is not signed in.

    Anonymous visitors get the cached page as long as `version` is the same object. It must
    represent everything in the context, and only one path may use the template.
    """
    if request.state.user is not None or request.url.query:  # the page shows either
        return render(request, template, context)
    key = (template, chosen_theme(request), holds_demo_people(request))
    known_version, page = _shared_pages.get(key, (None, None))
    if page is None or known_version is not version:
        page = render(request, template, context)
        _shared_pages[key] = (version, page)
    return HTMLResponse(page.body)


def holds_demo_people(request: Request) -> bool:
    """Whether pages must say that people here are fictional."""
    return bool(getattr(request.app.state, "demo_people", False))


def chosen_theme(request: Request) -> str | None:
    """The theme in the visitor's cookie; None leaves the choice to their system."""
    theme = request.cookies.get("theme")
    return theme if theme in THEMES else None


@cache
def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        icon=icon,
        stylesheet_urls=stylesheet_urls,
        script_url=script_url,
        preloaded_font_urls=preloaded_font_urls,
        static_url=STATIC_URL,
    )
    env.filters.update(
        num=formats.number,
        money=formats.money,
        percent=formats.percent,
        date=formats.day,
        datetime=formats.moment,
        day_of_month=formats.day_of_month,
        time=formats.time_of_day,
        ago=formats.ago,
        plural=formats.plural,
        noun=formats.noun,
        initials=initials,
    )
    # A global, because blocks rendered alone for htmx do not run a template's own imports.
    env.globals["ui"] = env.get_template("ui.html").module
    return env


def initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalpha()] or name.split()[:1]
    return "".join(word[0].upper() for word in (words[0], *words[1:][-1:])) if words else ""


# Built assets


@lru_cache(maxsize=1_000)
def icon(name: str, cls: str = "size-5") -> Markup:
    """An inline lucide icon, hidden from screen readers; always put text beside it."""
    shapes = _icons().get(name)
    if shapes is None:
        raise LookupError(
            f"The icon {name!r} is not in the build: name it literally in a template or a "
            "category definition, then call `npm run build` in frontend/."
        )
    return Markup(
        '<svg class="{} shrink-0" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" '
        'aria-hidden="true" focusable="false">{}</svg>'
    ).format(escape(cls), Markup(shapes))  # noqa: S704 -- drawings of our own build


def stylesheet_urls(entry: str = ENTRY) -> list[str]:
    return [STATIC_URL + file for file in _manifest()[entry]["css"]]


def script_url(entry: str = ENTRY) -> str:
    return STATIC_URL + str(_manifest()[entry]["file"])


def preloaded_font_urls() -> list[str]:
    """The latin subsets, which every page's first line needs."""
    return [
        STATIC_URL + entry["file"]
        for source, entry in _manifest().items()
        if source.endswith("-latin-wght-normal.woff2")
    ]


class _BuiltFiles(StaticFiles):
    """Files under assets/ carry a hash in their names: they never change, and are read once."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        if Path(full_path).parent.name != "assets":
            response.headers["cache-control"] = "public, max-age=3600"
            return response
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        asked = Headers(scope=scope)
        if not isinstance(response, FileResponse) or "range" in asked:
            return response
        headers = dict(response.headers)
        plain, compressed = _read_asset(str(full_path))
        if compressed is None:
            return Response(plain, headers=headers)
        headers["vary"] = "Accept-Encoding"
        if "gzip" not in asked.get("accept-encoding", ""):
            return Response(plain, headers=headers)
        headers |= {"content-encoding": "gzip", "content-length": str(len(compressed))}
        return Response(compressed, headers=headers)


@lru_cache(maxsize=100)
def _read_asset(path: str) -> tuple[bytes, bytes | None]:
    """A built file, and the same compressed; fonts are compressed already."""
    plain = Path(path).read_bytes()
    return plain, None if path.endswith(".woff2") else gzip.compress(plain)


def static_files() -> StaticFiles:
    """The app that serves the built styles and scripts at STATIC_URL."""
    if not STATIC_FOLDER.is_dir():
        raise AssetsNotBuilt
    return _BuiltFiles(directory=STATIC_FOLDER)


def assets_are_built() -> bool:
    return (STATIC_FOLDER / ".vite" / "manifest.json").is_file()


@cache
def _manifest() -> dict[str, dict[str, Any]]:
    manifest: dict[str, dict[str, Any]] = json.loads(_read_built(".vite/manifest.json"))
    return manifest


@cache
def _icons() -> dict[str, str]:
    icons: dict[str, str] = json.loads(_read_built("icons.json"))
    return icons


def _read_built(name: str) -> str:
    try:
        return (STATIC_FOLDER / name).read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise AssetsNotBuilt from missing
