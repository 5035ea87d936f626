"""Endpoints for monitoring: GET /health and GET /metrics."""

import ipaddress
from typing import Any, Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel, Field

from imatch.core.errors import NotFound
from imatch.core.settings import get_settings
from imatch.operations import health
from imatch.web.deps import ClientAddress, Db
from imatch.web.forms import uncached

router = APIRouter(tags=["operation"])

_PART = Gauge("imatch_part_ok", "1 where a part works as it should", ["part"])
_PENDING = Gauge("imatch_jobs_pending", "Jobs that wait or run")
_FAILED = Gauge("imatch_jobs_failed", "Jobs whose last attempt failed, in the last seven days")


class CheckBody(BaseModel):
    ok: bool
    details: dict[str, Any] = Field(description="Figures or words that say more.")


class HealthBody(BaseModel):
    status: Literal["ok", "degraded"]
    version: str
    checks: dict[str, CheckBody]
    degraded: list[str] = Field(description="The parts that work less well than they should.")


@router.get("/health", responses={503: {"model": HealthBody, "description": "No database"}})
def read_health(db: Db, response: Response) -> HealthBody:
    """How the whole and each part is doing. 503 only when the database is gone."""
    report = health.check_health(db)
    response.status_code = 200 if report.serves else 503
    uncached(response)
    return HealthBody(
        status="degraded" if report.degraded else "ok",
        version=report.version,
        checks={
            name: CheckBody(ok=check.ok, details=check.details)
            for name, check in report.checks.items()
        },
        degraded=report.degraded,
    )


@router.get("/metrics", include_in_schema=False)
def read_metrics(db: Db, address: ClientAddress) -> Response:
    """Prometheus text, for this machine only unless IMATCH_METRICS_PUBLIC says otherwise."""
    if not (get_settings().metrics_public or _is_loopback(address)):
        raise NotFound("There is nothing here.")
    for name, check in health.check_health(db).checks.items():
        _PART.labels(name).set(check.ok)
        if name == "jobs":
            _PENDING.set(float(check.details.get("pending") or 0))
            _FAILED.set(float(check.details.get("failed") or 0))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
