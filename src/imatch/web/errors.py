"""Error handlers: problem JSON for programs, a page for people."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from imatch.core.errors import DomainError, RateLimited
from imatch.core.logs import log
from imatch.web.redirects import same_site_path
from imatch.web.rendering import render

API_PREFIXES = ("/api/", "/health", "/metrics")
_TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid input",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Not available right now",
}


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def error_response(
    request: Request,
    status: int,
    message: str,
    *,
    code: str,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The error as RFC 9457 problem JSON for API paths and JSON clients, else as a page."""
    request_id = getattr(request.state, "request_id", "")
    if _wants_json(request):
        problem: dict[str, Any] = {
            "type": f"urn:imatch:error:{code}",
            "title": _TITLES.get(status, "Error"),
            "status": status,
            "detail": message,
            "code": code,
            "request_id": request_id,
        }
        if errors:
            problem["errors"] = errors
        return JSONResponse(problem, status, headers=headers, media_type="application/problem+json")
    page = render(
        request,
        "error.html",
        {"status": status, "message": message, "request_id": request_id},
        status=status,
    )
    page.headers.update(headers or {})
    return page


def _wants_json(request: Request) -> bool:
    path = request.url.path
    return path.startswith(API_PREFIXES) or "application/json" in request.headers.get("accept", "")


def _domain_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, DomainError):
        raise TypeError(type(error))
    if error.remedy_path and not _wants_json(request):
        return _to_remedy(request, error.remedy_path)
    return error_response(
        request,
        error.status,
        error.message,
        code=error.code,
        errors=[{"field": fault.field, "message": fault.message} for fault in error.fields],
        headers=retry_headers(error),
    )


def retry_headers(error: DomainError | None) -> dict[str, str]:
    """The Retry-After header, where the error knows the number of seconds."""
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {}


def _to_remedy(request: Request, remedy_path: str) -> Response:
    """Redirect to the page that resolves the error; `next` brings the person back afterwards."""
    seen = request.url
    if request.method not in {"GET", "HEAD"}:
        seen = URL(request.headers.get("referer", "/"))
    back = same_site_path(seen.path + (f"?{seen.query}" if seen.query else ""))
    target = f"{remedy_path}?{urlencode({'next': back})}"
    if "hx-request" in request.headers:  # a redirect would put the whole page into a fragment
        return Response(headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)


def _validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError(type(error))
    errors = [
        {"field": ".".join(str(part) for part in fault["loc"]), "message": str(fault["msg"])}
        for fault in error.errors()
    ]
    return error_response(
        request, 422, "Some of what was sent is not usable.", code="invalid", errors=errors
    )


def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError(type(error))
    message = "There is nothing here." if error.status_code == 404 else str(error.detail)  # noqa: PLR2004 -- HTTP
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = _allowed_methods(request)
    return error_response(
        request,
        error.status_code,
        message,
        code=_TITLES.get(error.status_code, "error").lower().replace(" ", "_"),
        headers=headers,
    )


def _allowed_methods(request: Request) -> str:
    """The methods of every route at this path; the router names those of one route only."""
    here = [
        route.methods or ()
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex and route.path_regex.match(request.url.path)
    ]
    return ", ".join(sorted({method for methods in here for method in methods}))


def route_path(scope: Scope) -> str:
    """The route's pattern behind the prefix of its router, as in `/api/v1/needs/{need_id}`.

    It is for logs: a path itself may hold a mailed link's secret.
    """
    route = scope.get("route")
    if route is None:
        return "unmatched"
    state = scope["app"].state
    if not hasattr(state, "route_paths"):
        contexts = iter_route_contexts(scope["app"].routes)
        # By identity: routes cannot be hashed. The application keeps them as long as itself.
        state.route_paths = {id(context.original_route): context.path for context in contexts}
    path: str = state.route_paths.get(id(route)) or route.path
    return path


def bug_response(request: Request, error: Exception) -> Response:
    """The response to an unexpected error or an unreachable database: an id and no details."""
    log().error(
        "unhandled_error",
        path=route_path(request.scope),
        request_id=getattr(request.state, "request_id", ""),
        exc_info=error,
    )
    if isinstance(error, OperationalError | PoolTimeout):
        return error_response(
            request,
            503,
            "Our database does not answer right now. Nothing was changed.",
            code="database_unavailable",
        )
    return error_response(
        request,
        500,
        "That is our mistake, not yours. Nothing was changed. Tell us the reference below.",
        code="internal_error",
    )
