"""Settings for one test, and a mail server that the program is told to use."""

from collections.abc import Iterator

import pytest

from imatch.core.settings import get_settings
from tests.support import smtp
from tests.support.settings import Configure


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """`configure(smtp_host="...")`: as if the environment had said so."""

    def configure(**settings: object) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"IMATCH_{name.upper()}", str(value))
        get_settings.cache_clear()

    yield configure
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def inbox(configure: Configure) -> Iterator[smtp.Inbox]:
    """The inbox of a server that takes plain connections."""
    received = smtp.Inbox()
    server = smtp.start(received)
    configure(smtp_host="127.0.0.1", smtp_port=server.port, smtp_starttls=False)
    yield received
    server.stop()
