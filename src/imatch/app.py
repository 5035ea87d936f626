"""Build the web application: routers, middleware, error rendering."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from imatch import __version__
from imatch.accounts.deps import load_user
from imatch.core.database import SessionLocal
from imatch.core.domains import router
from imatch.core.logs import configure_logs, log
from imatch.core.settings import get_settings
from imatch.jobs.worker import running_worker
from imatch.matches import service as matches
from imatch.operations.demo import is_demo
from imatch.web import docs, streams
from imatch.web import pages as web_pages
from imatch.web.errors import add_error_handlers
from imatch.web.middleware import (
    BodyLimitMiddleware,
    EncodingMiddleware,
    ForgeryMiddleware,
    RequestMiddleware,
)
from imatch.web.openapi import DescribedApp
from imatch.web.rendering import static_files
from imatch.web.routing import SectionRouter
from imatch.wiring import domains, wire

API = "/api/v1"
_TAGS = [
    {"name": "account", "description": "The caller's own account and its API keys."},
    {"name": "categories", "description": "What is offered, and which answers it asks for."},
    {"name": "needs", "description": "What a seeker looks for."},
    {"name": "matches", "description": "Who fits a need, and why."},
    {"name": "providers", "description": "Public profiles, and the caller's own."},
    {"name": "pot", "description": "The caller's POT, and the economy in figures."},
    {"name": "operation", "description": "How the service is doing."},
]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    with streams.ending_with_the_server(), ExitStack() as running:
        if get_settings().embedded_worker:
            await asyncio.to_thread(running.enter_context, running_worker())
        app.state.demo_people = await asyncio.to_thread(_has_demo_people)
        warm_up = asyncio.create_task(asyncio.to_thread(matches.warm_up))
        yield
        await warm_up
        await asyncio.to_thread(running.close)


def _has_demo_people() -> bool:
    """Whether the database has demo people, which pages must declare as fictional."""
    try:
        with SessionLocal() as db:
            return is_demo(db)
    except SQLAlchemyError as error:
        log().warning("demo_check_failed", error=type(error).__name__)
        return False


def create_app() -> FastAPI:
    """The web application. Requires a migrated database."""
    settings = get_settings()
    configure_logs()
    wire()
    app = DescribedApp(
        title="I MATCH",
        version=__version__,
        summary="Say what you need, get three people who fit, and why.",
        lifespan=_lifespan,
        dependencies=[Depends(load_user)],
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        openapi_tags=_TAGS,
    )
    add_error_handlers(app)
    _add_routers(app)
    app.mount("/static", static_files(), name="static")
    app.router.middleware_stack = SectionRouter(app.router)
    # The middleware added last is the outermost.
    # A higher level takes twice as long and makes pages 2 % smaller.
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=4)
    app.add_middleware(ForgeryMiddleware, settings=settings)
    app.add_middleware(EncodingMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_body_bytes=settings.max_body_bytes)
    if settings.production:  # reject requests for other host names
        hosts = [urlsplit(settings.base_url).hostname or "", "127.0.0.1", "localhost"]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.add_middleware(RequestMiddleware, settings=settings)
    return app


def _add_routers(app: FastAPI) -> None:
    app.include_router(web_pages.router)
    app.include_router(docs.router)
    for package, domain in domains().items():
        for name in domain.api:
            app.include_router(router(package, name), prefix=API)
        for name in domain.pages:
            app.include_router(router(package, name))
