"""The operators' page about the economy, each of its blocks as CSV, and its live figures."""

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

_LOOK_SECONDS = 1
_BEAT_SECONDS = 5
_PROVE_SECONDS = 4  # with a look each second: nobody watches 5 seconds after signing out


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
    """The whole page; with a period that there is not, the usual one and what went wrong."""
    return act_or_show(
        lambda: _period(days),
        show=lambda error: _page(request, DEFAULT_PERIOD, error),
        then=lambda period: _page(request, period),
    )


def _page(request: Request, days: str, error: DomainError | None = None) -> Response:
    found = dashboard.latest_dashboard(view.days_of(days))
    health = dashboard.fresh_health()
    points = view.points(found.shown.days)
    context: dict[str, Any] = {
        "section": "economy",
        "period": days,
        "periods": view.PERIODS,
        "found": found,
        "health": health,
        "bad": [one for one in health.indicators if one.state is State.BAD],
        "points": points,
        "by_week": len(points) < len(found.shown.days),
        "hours": view.hour_cells(found.spending.hours),
        "weekdays": view.WEEKDAYS,
        "hours_summary": view.hours_summary(found.spending.hours),
        **_moving(found, days),
    }
    return private_page(request, "pot/economy/dashboard.html", context, error)


@router.get("/{block}.csv")
def economy_csv(_operator: CurrentOperator, block: Block, days: PeriodQuery) -> Response:
    if block == "health":
        rows = files.health_rows(dashboard.fresh_health().indicators)
    else:
        rows = files.FIGURES[block](dashboard.latest_dashboard(view.days_of(days)), days)
    return private_csv(rows, f"economy-{block}-{days}-{today().isoformat()}.csv")


def _watcher(_operator: CurrentOperator, session: CurrentSession, db: Db) -> UserSession:
    """An operator's session. A stream lasts for hours: it gives the request's connection back."""
    db.close()
    return session


def _place() -> Iterator[None]:
    with streams.stream():
        yield


@router.get("/live", response_class=EventSourceResponse, dependencies=[Depends(_place)])
async def live(
    request: Request, session: Annotated[UserSession, Depends(_watcher)], days: PeriodQuery
) -> AsyncIterator[ServerSentEvent]:
    """Figures whenever something moved, and every few seconds that they are still the last.

    Before each, and every few seconds, it makes sure that its operator is still signed in.
    Who does not ask for an event stream gets the present figures, once.
    """
    follows = "text/event-stream" in request.headers.get("accept", "")
    seen: Mark | None = None
    said_at = proved_at = time.monotonic()
    while not streams.stopping():
        try:
            found = await run_in_threadpool(_news, days, seen)
            if found is not None or time.monotonic() - proved_at >= _PROVE_SECONDS:
                proved_at = time.monotonic()
                if not await run_in_threadpool(_may_watch, session):
                    yield ServerSentEvent(event="ended", data="signed out")
                    return
        except SQLAlchemyError as error:  # the browser asks again by itself
            log().warning("live_figures_failed", error=type(error).__name__)
            return
        if found is not None:
            seen, said_at = found.mark, time.monotonic()
            yield ServerSentEvent(event="figures", data=_message(found, days), retry=2_000)
        elif time.monotonic() - said_at >= _BEAT_SECONDS:
            said_at = time.monotonic()
            yield ServerSentEvent(event="current", data={"at": _clock_time()})
        if not follows:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _may_watch(session: UserSession) -> bool:
    with SessionLocal() as db:
        return is_operator_session(db, session)


def _news(days: str, seen: Mark | None) -> Dashboard | None:
    if seen is not None and dashboard.mark() == seen:
        return None
    return dashboard.latest_dashboard(view.days_of(days))


def _moving(found: Dashboard, days: str) -> dict[str, Any]:
    """What the page shows first and the stream renews."""
    return {
        "tiles": view.tiles(found, days),
        "summary": view.flow_summary(found, view.points(found.shown.days)),
        "rows": found.latest,
        "title_of": view.title_of,
        "tones": view.TONES,
        "read_at": time_of_day(found.read_at),
    }


def _message(found: Dashboard, days: str) -> dict[str, Any]:
    moving = _moving(found, days)
    last = view.points(found.shown.days)[-1]
    rows = environment().get_template("pot/economy/rows.html").render(moving)
    return {
        "at": _clock_time(),
        "tiles": {
            tile.name: {"value": number(tile.value), "change": tile.change, "than": tile.than}
            for tile in moving["tiles"]
        },
        "summary": moving["summary"],
        "point": [last.day.isoformat(), last.earned, last.spent],
        "rows": rows,
    }


def _clock_time() -> str:
    return time_of_day(now())
