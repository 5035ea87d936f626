"""The operators' economy page: its blocks, each also as CSV, and the live figures."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator, CurrentSession, is_operator_session
from imatch.accounts.models import UserSession
from imatch.core.clock import now, today
from imatch.core.database import SessionLocal
from imatch.core.errors import DomainError, Invalid
from imatch.core.logs import log
from imatch.pot.economy import dashboard, files, view
from imatch.pot.economy.dashboard import Dashboard, Mark
from imatch.pot.economy.health import State
from imatch.web import streams
from imatch.web.deps import Db
from imatch.web.formats import number, time_of_day
from imatch.web.forms import act_or_show, at_field, private_csv, private_page
from imatch.web.rendering import environment

router = APIRouter(prefix="/console/economy", include_in_schema=False)

DEFAULT_PERIOD = "30"
Block = Literal["summary", "flow", "earning", "spending", "hours", "latest", "health"]

_POLL_SECONDS = 1
_HEARTBEAT_SECONDS = 5
_SESSION_CHECK_SECONDS = 4  # plus a poll: a stream ends within 5 s of the sign-out


class NoSuchPeriod(Invalid):
    code = "no_such_period"


def _period(days: str = DEFAULT_PERIOD) -> str:
    if days not in view.PERIODS:
        error = NoSuchPeriod("There are figures of 7, 30, 90 and 365 days, and of all: choose one.")
        raise at_field(error, "period")
    return days


PeriodQuery = Annotated[str, Depends(_period)]


@router.get("")
def economy_page(
    request: Request, _operator: CurrentOperator, days: str = DEFAULT_PERIOD
) -> Response:
    """The whole page. An unknown period shows the default one with an error."""
    return act_or_show(
        lambda: _period(days),
        show=lambda error: _page(request, DEFAULT_PERIOD, error),
        then=lambda period: _page(request, period),
    )


def _page(request: Request, days: str, error: DomainError | None = None) -> Response:
    current = dashboard.latest_dashboard(view.days_of(days))
    health = dashboard.fresh_health()
    points = view.points(current.period.days)
    context: dict[str, Any] = {
        "section": "economy",
        "period": days,
        "periods": view.PERIODS,
        "dashboard": current,
        "health": health,
        "bad": [indicator for indicator in health.indicators if indicator.state is State.BAD],
        "points": points,
        "by_week": len(points) < len(current.period.days),
        "hours": view.hour_cells(current.spending.hours),
        "weekdays": view.WEEKDAYS,
        "hours_summary": view.hours_summary(current.spending.hours),
        **_live_context(current, days),
    }
    return private_page(request, "pot/economy/dashboard.html", context, error)


@router.get("/{block}.csv")
def economy_csv(_operator: CurrentOperator, block: Block, days: PeriodQuery) -> Response:
    if block == "health":
        rows = files.health_rows(dashboard.fresh_health().indicators)
    else:
        rows = files.FIGURES[block](dashboard.latest_dashboard(view.days_of(days)), days)
    return private_csv(rows, f"economy-{block}-{days}-{today().isoformat()}.csv")


def _operator_session(_operator: CurrentOperator, session: CurrentSession, db: Db) -> UserSession:
    """The operator's session. Closes the database session: a stream may last for hours."""
    db.close()
    return session


def _stream_slot() -> Iterator[None]:
    """One of the limited streams, for the time of the request. Raises TooManyStreams."""
    with streams.stream():
        yield


@router.get("/live", response_class=EventSourceResponse, dependencies=[Depends(_stream_slot)])
async def live(
    request: Request, session: Annotated[UserSession, Depends(_operator_session)], days: PeriodQuery
) -> AsyncIterator[ServerSentEvent]:
    """Stream the figures after every change, and a `current` event as heartbeat.

    Checks before each event, and every few seconds, that the operator is still signed in; if not,
    sends `ended` and stops. Clients that do not accept an event stream get the figures once.
    """
    follows = "text/event-stream" in request.headers.get("accept", "")
    seen: Mark | None = None
    sent_at = checked_at = time.monotonic()
    while not streams.stopping():
        try:
            changed = await run_in_threadpool(_changed_dashboard, days, seen)
            if changed is not None or time.monotonic() - checked_at >= _SESSION_CHECK_SECONDS:
                checked_at = time.monotonic()
                if not await run_in_threadpool(_is_operator_session, session):
                    yield ServerSentEvent(event="ended", data="signed out")
                    return
        except SQLAlchemyError as error:  # the browser reconnects by itself
            log().warning("live_figures_failed", error=type(error).__name__)
            return
        if changed is not None:
            seen, sent_at = changed.mark, time.monotonic()
            yield ServerSentEvent(event="figures", data=_message(changed, days), retry=2_000)
        elif time.monotonic() - sent_at >= _HEARTBEAT_SECONDS:
            sent_at = time.monotonic()
            yield ServerSentEvent(event="current", data={"at": _clock_time()})
        if not follows:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _is_operator_session(session: UserSession) -> bool:
    with SessionLocal() as db:
        return is_operator_session(db, session)


def _changed_dashboard(days: str, seen: Mark | None) -> Dashboard | None:
    """The latest dashboard; None if the books have not changed since `seen`."""
    if seen is not None and dashboard.mark() == seen:
        return None
    return dashboard.latest_dashboard(view.days_of(days))


def _live_context(current: Dashboard, days: str) -> dict[str, Any]:
    """The context that the page and the live events share."""
    return {
        "tiles": view.tiles(current, days),
        "summary": view.flow_summary(current, view.points(current.period.days)),
        "rows": current.latest,
        "title_of": view.title_of,
        "tones": view.TONES,
        "read_at": time_of_day(current.read_at),
    }


def _message(current: Dashboard, days: str) -> dict[str, Any]:
    context = _live_context(current, days)
    last = view.points(current.period.days)[-1]
    rows = environment().get_template("pot/economy/rows.html").render(context)
    return {
        "at": _clock_time(),
        "tiles": {
            tile.name: {"value": number(tile.value), "change": tile.change, "than": tile.than}
            for tile in context["tiles"]
        },
        "summary": context["summary"],
        "point": [last.day.isoformat(), last.earned, last.spent],
        "rows": rows,
    }


def _clock_time() -> str:
    return time_of_day(now())
