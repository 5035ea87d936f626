"""A running site of a test's own: in this process, on the test's own database."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from playwright.sync_api import BrowserContext
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.app import create_app
from imatch.core import database
from tests.browser.visits import Visit
from tests.factories import Make
from tests.support.settings import settings


@contextmanager
def own_site(database_url: str, **values: object) -> Iterator[str]:
    """The address of a server with these settings, which ends with the block."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with settings(base_url=url, **values):
        engine = database.bind(database_url)
        # The socket listens already: what is asked before the server has started waits in its
        # queue.
        server = uvicorn.Server(uvicorn.Config(create_app(), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(20)
            engine.dispose()


def visit_as(user: User | None, context: BrowserContext, url: str, db: Session) -> Visit:
    """A visit of somebody who has just signed in, or of nobody."""
    context.clear_cookies()
    if user is not None:
        token = Make(db).session(user)
        context.add_cookies([{"name": "imatch_session", "value": token, "url": url}])
    return Visit(context, url)
