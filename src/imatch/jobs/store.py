"""Where the job engine keeps its tables: beside ours in SQLite, in its own schema in PostgreSQL."""

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
# Waiting work belongs to a version. It stays the same over releases, so that work which one
# release enqueued is done by the next; the default changes with every edit of the source.
VERSION = "1"


class JsonSerializer(Serializer):
    """Stores arguments as JSON that an operator can read, never as pickled objects."""

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
    """The job engine's own connections to the program's database."""
    made = create_engine(
        app_engine.url, pool_size=5, max_overflow=20, pool_pre_ping=True, hide_parameters=True
    )
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _configure_sqlite)
    return made


def _configure_sqlite(dbapi_connection: Any, record: object) -> None:  # noqa: ANN401 -- a driver's
    configure_sqlite(dbapi_connection, record)
    # Here the driver begins: a writer at the first writing statement, so that polling, which
    # only reads, never takes the one writer's place.
    dbapi_connection.isolation_level = "IMMEDIATE"


def create_tables(app_engine: Engine) -> None:
    """Create or upgrade the job engine's tables. Calling it again changes nothing."""
    store = make_engine_store(app_engine)
    try:
        make_client(store)._sys_db.run_migrations()  # noqa: SLF001 -- migrate() takes no engine
    finally:
        store.dispose()


@lru_cache(maxsize=4)
def enqueuer(app_engine: Engine) -> DBOSClient:
    """For enqueueing in a session's transaction, which needs no connections of its own."""
    return make_client(app_engine)


def make_client(engine_store: Engine) -> DBOSClient:
    _quiet()
    return DBOSClient(
        system_database_engine=engine_store,
        dbos_system_schema=SCHEMA,
        serializer=JsonSerializer(),
        application_name=APPLICATION,
        lazy=True,
        retry_connection_errors=False,
    )


class JobStatus(StrEnum):
    """The states of the engine's table, by the engine's own names."""

    ENQUEUED = "ENQUEUED"
    DELAYED = "DELAYED"  # enqueued for a later moment
    PENDING = "PENDING"  # a worker is at it
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
    MAX_RECOVERY_ATTEMPTS_EXCEEDED = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"  # its workers died too often


def status_table(app_engine: Engine) -> TableClause:
    """The engine's list of jobs, for reading."""
    return table(
        "workflow_status",
        column("name"),
        column("status", String),
        column("executor_id"),
        column("delay_until_epoch_ms"),
        schema=None if app_engine.dialect.name == "sqlite" else SCHEMA,
    )


class _ToOurLog(logging.Handler):
    """The job engine's warnings as lines of our log; its tracebacks may quote people's data."""

    def emit(self, record: logging.LogRecord) -> None:
        log().log(record.levelno, "job_engine", message=record.getMessage())


def _quiet() -> None:
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(_ToOurLog())
        logger.setLevel(logging.WARNING)
        logger.propagate = False
