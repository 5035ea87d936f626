"""Middleware of every request: id, log line, common headers, size limit, forgery check."""

import time
import uuid
from email.message import EmailMessage
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter, Histogram
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imatch.core.logs import log
from imatch.core.settings import Settings
from imatch.web.errors import bug_response, error_response, route_path

REQUESTS = Counter("imatch_requests_total", "Requests answered", ["method", "status"])
SECONDS = Histogram("imatch_request_seconds", "Time to the response's first byte", ["method"])
_LONGEST_PATH = 1_000  # Python itself refuses numbers of more than 4,300 digits
# Statuses worth a retry, and the Retry-After for errors that do not know a better one.
_RETRY_STATUSES = frozenset({429, 503})
RETRY_AFTER_SECONDS = 10
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers of every response. HSTS only where the site really is served over TLS."""
    csp = (
        ContentSecurityPolicy()
        .default_src("'self'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:")
        .object_src("'none'")
        .base_uri("'none'")
        .form_action("'self'")
        .frame_ancestors("'none'")
    )
    return dict(
        Secure(
            csp=csp,
            coop=CrossOriginOpenerPolicy().same_origin(),
            permissions=PermissionsPolicy().geolocation().microphone().camera(),
            referrer=ReferrerPolicy().same_origin(),
            xcto=XContentTypeOptions().nosniff(),
            xfo=XFrameOptions().deny(),
            hsts=StrictTransportSecurity().max_age(31_536_000) if settings.secure_cookies else None,
        ).headers
    )


class RequestMiddleware:
    """Adds a request id, common headers, a log line and metrics."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        if scope["method"] == "HEAD":  # what GET would answer; the server leaves the body out
            scope = {**scope, "method": "GET"}
        started = time.perf_counter()
        status, first_byte = 500, 0.0

        async def send_with_headers(message: Message) -> None:
            nonlocal status, first_byte
            if message["type"] == "http.response.start":
                status, first_byte = message["status"], time.perf_counter() - started
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if status in _RETRY_STATUSES:
                    headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            except Exception as error:  # noqa: BLE001 -- any bug is answered with its id and headers
                response = bug_response(Request(scope), error)
                await response(scope, receive, send_with_headers)
            finally:
                _record(scope, status, first_byte, time.perf_counter() - started)


def _record(scope: Scope, status: int, first_byte: float, seconds: float) -> None:
    """Log and measure at the first byte: a stream may last for hours."""
    REQUESTS.labels(scope["method"], status).inc()
    SECONDS.labels(scope["method"]).observe(first_byte or seconds)
    log().info(
        "request",
        method=scope["method"],
        # The route only: a path may hold a mailed link's secret, a query what somebody wrote.
        path=route_path(scope),
        status=status,
        milliseconds=round(seconds * 1000, 1),
    )


class BodyLimitMiddleware:
    """Refuses bodies and paths over the limit before anything reads them whole."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope["path"]) > _LONGEST_PATH:
            response = error_response(
                Request(scope), 404, "There is nothing here.", code="not_found"
            )
            await response(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) <= self.max_body_bytes:
            # A server passes on no more than was declared; without a declaration it is counted.
            if int(declared) or "transfer-encoding" not in Headers(scope=scope):
                await self.app(scope, receive, send)
                return
            body = await self._read_counted(receive)
            if body is not None:
                await self.app(scope, _replay(body, receive), send)
                return
        response = error_response(
            Request(scope),
            413,
            f"That is more than the {self.max_body_bytes // 1000} kB that one request may hold.",
            code="too_large",
        )
        await response(scope, receive, send)

    async def _read_counted(self, receive: Receive) -> bytes | None:
        body = b""
        while True:
            message = await receive()
            chunk: bytes = message.get("body", b"")
            body += chunk
            if len(body) > self.max_body_bytes:
                return None
            if not message.get("more_body"):
                return body


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


class EncodingMiddleware:
    """Refuses bodies that say they are not UTF-8.

    Forms would be decoded with whatever codec of Python's they name, some of which fail in their
    own ways or make text that no database takes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _says_utf_8(Headers(scope=scope)):
            response = error_response(
                Request(scope), 415, "Send text in UTF-8.", code="unsupported_encoding"
            )
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _says_utf_8(headers: Headers) -> bool:
    content_type = headers.get("content-type", "")
    named = content_type.lower().count("charset")
    if not named:
        return True
    parsed = EmailMessage()
    parsed["content-type"] = content_type
    # Named twice, parsers disagree about which one counts.
    return named == 1 and parsed.get_content_charset() in {"utf-8", "utf8", "us-ascii"}


class ForgeryMiddleware:
    """Refuses unsafe requests that another site's page made with our cookies.

    Browsers say where a request comes from (Sec-Fetch-Site, Origin). A request that says neither is
    let through even with a cookie, as Go's CrossOriginProtection does: it comes from a program,
    which nobody tricked, since browsers send Origin with another site's POST since 2020, and those
    of 2018 and 2019 leave our SameSite=Lax cookies out. To refuse it would stop programs that hold
    a session, and protect only browsers that are older still.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.own_origin = _origin(settings.base_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS:
            headers = Headers(scope=scope)
            if not self._from_here(headers):
                response = error_response(
                    Request(scope),
                    403,
                    "This form came from another site. Open the page here and send it again.",
                    code="cross_site_request",
                )
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _from_here(self, headers: Headers) -> bool:
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        return origin == self.own_origin or urlsplit(origin).netloc == headers.get("host")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
