"""Structured logs: one line an event, with the request id, without personal data."""

import logging
import sys

import structlog

from imatch.core.settings import get_settings


def configure_logs(*, to_stderr: bool = False) -> None:
    """Write human-readable lines, or JSON with IMATCH_LOG_JSON=true.

    Commands log to standard error, because their standard output is their result.
    """
    settings = get_settings()
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Looked up at each use: the stream may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr if to_stderr else sys.stdout),
        cache_logger_on_first_use=False,
    )


def log() -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("imatch")
    return logger
