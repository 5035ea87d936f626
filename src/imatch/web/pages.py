"""Pages that belong to no domain: the theme switch, privacy and accessibility."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from imatch.web.forms import go
from imatch.web.redirects import same_site_path
from imatch.web.rendering import THEMES, render

THEME_COOKIE_SECONDS = 365 * 24 * 60 * 60

router = APIRouter(include_in_schema=False)


@router.post("/theme")
def switch_theme(
    request: Request,
    theme: Annotated[str, Form()],
    next_path: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Remember the theme and go back; an unknown theme changes nothing."""
    response = go(same_site_path(next_path))
    if theme in THEMES:
        # Readable by the page's script, which switches without a reload.
        response.set_cookie(
            "theme",
            theme,
            max_age=THEME_COOKIE_SECONDS,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


@router.get("/privacy")
async def privacy(request: Request) -> HTMLResponse:
    return render(request, "site/privacy.html", {})


@router.get("/accessibility")
async def accessibility(request: Request) -> HTMLResponse:
    return render(request, "site/accessibility.html", {})
