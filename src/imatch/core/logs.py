"""Structured logs: one line an event, with the request's id, and never what people wrote."""

import logging
import sys

import structlog

from imatch.core.settings import get_settings


def configure_logs(*, to_stderr: bool = False) -> None:
    """Human-readable lines, or JSON with IMATCH_LOG_JSON=true.

    Commands log to standard error: what they print is for people and programs to read.
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
        # The stream is looked up at each use: it may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr if to_stderr else sys.stdout),
        cache_logger_on_first_use=False,
    )


def log() -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("imatch")
    return logger
