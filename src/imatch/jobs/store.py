"""The job engine's tables: beside ours in SQLite, in their own schema in PostgreSQL."""

import json
import logging
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from dbos import DBOSClient
from dbos._serialization import Serializer  # not exported by the package itself
from sqlalchemy import Engine, String, TableClause, column, create_engine, event, table

from imatch.core.database import configure_sqlite
from imatch.core.logs import log

APPLICATION = "imatch"
SCHEMA = "dbos"
QUEUE = "imatch"
# Enqueued jobs belong to a version. It is constant, so that a release runs the jobs of the one
# before; the engine's default changes with every edit of the source.
VERSION = "1"


class JsonSerializer(Serializer):
    """Stores arguments as readable JSON, not as pickled objects."""

    def serialize(self, data: Any) -> str:  # noqa: ANN401 -- the engine's signature
        return json.dumps(data, default=_encode, ensure_ascii=False)

    def deserialize(self, serialized_data: str) -> Any:  # noqa: ANN401 -- the engine's signature
        return json.loads(serialized_data, object_hook=_decode)

    def name(self) -> str:
        return "json"


def _encode(value: object) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, BaseException):
        return {"$error": str(value)}
    raise TypeError(f"{type(value).__name__} cannot be an argument of a job")


def _decode(document: dict[str, Any]) -> Any:  # noqa: ANN401 -- JSON
    if document.keys() == {"$datetime"}:
        return datetime.fromisoformat(document["$datetime"])
    if document.keys() == {"$error"}:
        return RuntimeError(document["$error"])
    return document


def make_engine_store(app_engine: Engine) -> Engine:
    """A separate connection pool of the job engine to the same database."""
    engine_store = create_engine(
        app_engine.url, pool_size=5, max_overflow=20, pool_pre_ping=True, hide_parameters=True
    )
    if engine_store.dialect.name == "sqlite":
        event.listen(engine_store, "connect", _configure_sqlite)
    return engine_store


def _configure_sqlite(dbapi_connection: Any, record: object) -> None:  # noqa: ANN401 -- a driver's
    configure_sqlite(dbapi_connection, record)
    # The driver sends BEGIN IMMEDIATE at the first writing statement. Polling only reads, so it
    # never takes SQLite's write lock.
    dbapi_connection.isolation_level = "IMMEDIATE"


def create_tables(app_engine: Engine) -> None:
    """Create or upgrade the job engine's tables. Idempotent."""
    store = make_engine_store(app_engine)
    try:
        make_client(store)._sys_db.run_migrations()  # noqa: SLF001 -- migrate() takes no engine
    finally:
        store.dispose()


@lru_cache(maxsize=4)
def enqueuer(app_engine: Engine) -> DBOSClient:
    """The client for enqueueing in a session's transaction, without a connection pool."""
    return make_client(app_engine)


def make_client(engine_store: Engine) -> DBOSClient:
    _redirect_engine_log()
    return DBOSClient(
        system_database_engine=engine_store,
        dbos_system_schema=SCHEMA,
        serializer=JsonSerializer(),
        application_name=APPLICATION,
        lazy=True,
        retry_connection_errors=False,
    )


class JobStatus(StrEnum):
    """The states of a job, named as in the engine's table."""

    ENQUEUED = "ENQUEUED"
    DELAYED = "DELAYED"  # enqueued for later
    PENDING = "PENDING"  # claimed by a worker
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
    MAX_RECOVERY_ATTEMPTS_EXCEEDED = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"  # its workers died too often


def status_table(app_engine: Engine) -> TableClause:
    """The engine's table of jobs, for reading."""
    return table(
        "workflow_status",
        column("name"),
        column("status", String),
        column("executor_id"),
        column("delay_until_epoch_ms"),
        schema=None if app_engine.dialect.name == "sqlite" else SCHEMA,
    )


class _StructlogHandler(logging.Handler):
    """Writes the job engine's warnings to our log, without tracebacks, which may quote people."""

    def emit(self, record: logging.LogRecord) -> None:
        log().log(record.levelno, "job_engine_warning", message=record.getMessage())


def _redirect_engine_log() -> None:
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(_StructlogHandler())
        logger.setLevel(logging.WARNING)
        logger.propagate = False
