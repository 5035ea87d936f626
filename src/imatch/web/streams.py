"""Streamed responses: limited in number, and ended when the server stops."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from imatch.core.errors import DomainError

MOST_STREAMS = 32  # of one process; each looks at the database every second
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_free = threading.BoundedSemaphore(MOST_STREAMS)
_stopping = threading.Event()


class TooManyStreams(DomainError):
    status = 503
    code = "too_many_streams"


@contextmanager
def stream() -> Iterator[None]:
    """Occupy one of the limited stream slots during the block."""
    if not _free.acquire(blocking=False):
        raise TooManyStreams("Too many pages are being kept up to date. Reload this one by hand.")
    try:
        yield
    finally:
        _free.release()


def stopping() -> bool:
    """Whether the server is stopping; streams check this every second."""
    return _stopping.is_set()


@contextmanager
def ending_with_the_server() -> Iterator[None]:
    """Stop open streams on SIGTERM and SIGINT, because the server waits for them to end.

    Signals reach the main thread only; a server in another one is stopped by its owner.
    """
    _stopping.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        _stopping.set()
        handler = previous[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            signal.signal(number, previous[number])
