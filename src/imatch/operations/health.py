"""Health checks of all parts of the service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from imatch import __version__
from imatch.categories import queries as categories
from imatch.core.clock import now
from imatch.core.settings import get_settings
from imatch.jobs import presence
from imatch.jobs.queue import FAILED_STATES, WAITING_STATES, status_counts
from imatch.ledger import queries as ledger
from imatch.mail import queries as mail
from imatch.operations.database import head_revision, stamped_revision
from imatch.web.rendering import assets_are_built

_HEARTBEAT_TIMEOUT = timedelta(seconds=60)
_DELIVERY_TIMEOUT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Check:
    """The result for one part: whether it works, with details."""

    ok: bool
    details: dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Health:
    version: str
    checks: dict[str, Check]

    @property
    def degraded(self) -> list[str]:
        return [name for name, check in self.checks.items() if not check.ok]

    @property
    def serves(self) -> bool:
        """Whether the service can answer requests: it needs only the database."""
        return self.checks["database"].ok


def check_health(db: Session) -> Health:
    """Check every part. A check that raises counts as degraded."""
    parts = {
        "database": _database,
        "migrations": _migrations,
        "categories": _categories,
        "jobs": _jobs,
        "mail": _mail,
        "ledger": _ledger,
        "assets": _assets,
    }
    return Health(__version__, {name: _run_check(check, db) for name, check in parts.items()})


def _run_check(check: Callable[[Session], Check], db: Session) -> Check:
    try:
        return check(db)
    except (SQLAlchemyError, ValueError) as error:  # SQLite may store an invalid date
        db.rollback()
        return Check(ok=False, details={"error": type(error).__name__})


def _database(db: Session) -> Check:
    db.execute(text("SELECT 1"))
    return Check(ok=True, details={"kind": db.get_bind().dialect.name})


def _migrations(db: Session) -> Check:
    revision, head = stamped_revision(db), head_revision()
    return Check(ok=revision == head, details={"present": revision, "newest": head})


def _categories(db: Session) -> Check:
    """Categories whose edited rows are invalid, so that the shipped definition is used."""
    ignored = categories.ignored_edits(db)
    return Check(ok=not ignored, details={"edits_ignored": ", ".join(ignored) or None})


def _jobs(db: Session) -> Check:
    heartbeat = presence.last_heartbeat(db)
    age = None if heartbeat is None else now() - heartbeat
    counts = status_counts(db)
    return Check(
        ok=age is not None and age < _HEARTBEAT_TIMEOUT,
        details={
            "worker_heartbeat_age_seconds": None if age is None else round(age.total_seconds(), 1),
            "pending": sum(counts[status] for status in WAITING_STATES),
            "failed": sum(counts[status] for status in FAILED_STATES),
        },
    )


def _mail(db: Session) -> Check:
    late = mail.undelivered_since(db, now() - _DELIVERY_TIMEOUT)
    to = "smtp" if get_settings().smtp_host else "local outbox"
    return Check(ok=late == 0, details={"delivers_to": to, "undelivered_for_15_minutes": late})


def _ledger(db: Session) -> Check:
    """Findings of the last audits; `imatch ledger audit` shows the details."""
    audits = ledger.last_audits(db)
    oldest = min((audit.ended_at for audit in audits), default=None)
    age = None if oldest is None else round((now() - oldest).total_seconds() / 3600, 1)
    findings = {f"{audit.book}_findings": audit.finding_count for audit in audits}
    return Check(
        ok=not any(findings.values()) and not ledger.audit_is_missed(db, audits),
        details={**findings, "last_audit_age_hours": age},
    )


def _assets(_db: Session) -> Check:
    return Check(ok=assets_are_built(), details={})
