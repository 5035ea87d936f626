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
from imatch.accounts import api as accounts_api
from imatch.accounts import pages as accounts_pages
from imatch.accounts.deps import remember_user
from imatch.categories import api as categories_api
from imatch.console import pages as console_pages
from imatch.core.database import SessionLocal
from imatch.core.logs import configure_logs, log
from imatch.core.settings import get_settings
from imatch.intake import check, home
from imatch.intake import pages as find
from imatch.jobs.worker import running_worker
from imatch.mail import pages as mail_pages
from imatch.matches import api as matches_api
from imatch.matches import service as matches
from imatch.matches.pages import compare, shortlist, why
from imatch.matches.paid import pages as more
from imatch.needs import api as needs_api
from imatch.needs import pages as needs_pages
from imatch.operations import api as operations_api
from imatch.operations.demo import is_demo
from imatch.pot.awards import console as operator
from imatch.pot.economy import pages as economy
from imatch.pot.policy import console as policy_pages
from imatch.pot.redemption import console as redemption_queue
from imatch.pot.redemption import pages as redemptions
from imatch.pot.shop import console as orders
from imatch.pot.shop import pages as spend
from imatch.pot.wallet import api as pot_api
from imatch.pot.wallet import pages as wallet
from imatch.providers import api as providers_api
from imatch.providers import boost_pages, listing
from imatch.providers import pages as providers_pages
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
from imatch.wiring import wire

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
        app.state.demo_people = await asyncio.to_thread(_holds_demo_people)
        warming = asyncio.create_task(asyncio.to_thread(matches.warm_up))
        yield
        await warming
        await asyncio.to_thread(running.close)


def _holds_demo_people() -> bool:
    """Whether pages must say that people here are fictional."""
    try:
        with SessionLocal() as db:
            return is_demo(db)
    except SQLAlchemyError as error:
        log().warning("demo_people_unknown", error=type(error).__name__)
        return False


def create_app() -> FastAPI:
    """The whole site. The database must have been migrated."""
    settings = get_settings()
    configure_logs()
    wire()
    app = DescribedApp(
        title="I MATCH",
        version=__version__,
        summary="Say what you need, get three people who fit, and why.",
        lifespan=_lifespan,
        dependencies=[Depends(remember_user)],
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        openapi_tags=_TAGS,
    )
    add_error_handlers(app)
    _add_routers(app)
    app.mount("/static", static_files(), name="static")
    # The last added is the outermost.
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(ForgeryMiddleware, settings=settings)
    app.add_middleware(EncodingMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_body_bytes=settings.max_body_bytes)
    if settings.production:  # another site's name that leads here must not count as ours
        hosts = [urlsplit(settings.base_url).hostname or "", "127.0.0.1", "localhost"]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.add_middleware(RequestMiddleware, settings=settings)
    return app


def _add_routers(app: FastAPI) -> None:
    app.include_router(web_pages.router)
    app.include_router(docs.router)
    app.include_router(mail_pages.router)
    app.include_router(accounts_api.router, prefix=API)
    app.include_router(accounts_pages.router)
    app.include_router(pot_api.router, prefix=API)
    app.include_router(pot_api.public_router)
    app.include_router(categories_api.router, prefix=API)
    app.include_router(needs_api.router, prefix=API)
    app.include_router(matches_api.router, prefix=API)
    app.include_router(needs_pages.router)
    for page in (home.router, find.router, find.walk, check.router):
        app.include_router(page)
    app.include_router(providers_api.router, prefix=API)
    app.include_router(providers_pages.router)
    app.include_router(boost_pages.router)
    app.include_router(listing.router)
    app.include_router(console_pages.router)
    for room in (
        wallet,
        spend,
        redemptions,
        redemption_queue,
        orders,
        operator,
        economy,
        policy_pages,
    ):
        app.include_router(room.router)
    for page in (shortlist.router, more.router, why.router, compare.router):
        app.include_router(page)
    app.include_router(operations_api.router)
