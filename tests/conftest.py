"""What every test stands on: a real migrated database of its own, a client, and one-line set-up."""

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from xdist.remote import Producer

from imatch.accounts.deps import cookie_name
from imatch.accounts.models import User
from imatch.app import create_app
from imatch.categories import service as categories
from imatch.cli import main
from imatch.core import events
from imatch.core.database import SessionLocal
from imatch.core.logs import configure_logs
from imatch.core.settings import Settings, get_settings
from imatch.operations.database import migrate
from imatch.wiring import wire
from tests.factories import Make
from tests.factories.needs import FIRST_PAGE
from tests.support import databases, postgresql
from tests.support.commands import Command
from tests.support.letters import Letters, letters_to
from tests.support.scheduling import Scheduling

_numbers = itertools.count(1)


# Where Linux keeps files in memory: databases that live for one test need no disk.
_MEMORY = Path("/dev/shm")  # noqa: S108 -- folders in it are made with names of their own
_ROOM_BYTES = 1_000_000_000


def pytest_configure() -> None:
    # Tests run jobs when they say so (`run_until_idle`), not when a worker gets to them.
    os.environ["IMATCH_EMBEDDED_WORKER"] = "false"
    if "TMPDIR" not in os.environ and _has_room(_MEMORY):
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # to be asked for again


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ROOM_BYTES


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """A command's `--json` sets the logs of its process: here they last as long as its test."""
    yield
    if os.environ.pop("IMATCH_LOG_JSON", None):
        get_settings.cache_clear()
        configure_logs()


@pytest.fixture(scope="session", autouse=True)
def _wired() -> None:
    """Facts are heard as in the running program, whichever test comes first."""
    wire()


@pytest.fixture(autouse=True)
def _listeners_of_its_own(_wired: None) -> Iterator[None]:
    """What a test listens to is not heard by the tests after it."""
    before = {fact: [*listeners] for fact, listeners in events._listeners.items()}  # noqa: SLF001
    yield
    events._listeners.clear()  # noqa: SLF001
    events._listeners.update(before)  # noqa: SLF001


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Argon2 is slow on purpose; tests hash hundreds of passwords that protect nothing."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imatch.core.security._passwords", lambda: quick)
        yield


def _migrated(url: str) -> None:
    with databases.bound(url) as engine:
        migrate(engine)
        with SessionLocal() as db:
            categories.sync(db)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_database() -> Iterator[postgresql.Database]:
    with postgresql.server(_migrated) as uri, closing(postgresql.Database(uri)) as made:
        yield made


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "i_match.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_database: postgresql.Database) -> str:
    postgresql_database.reset()
    # A name of its own for every test: engines and what hangs on them are kept by their address.
    return f"{postgresql_database.url}&application_name=test_{next(_numbers)}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run on SQLite; those marked `both_databases` on PostgreSQL, too."""
    if "database_url" not in metafunc.fixturenames:
        return
    on_postgresql = pytest.param("postgresql", marks=pytest.mark.postgresql)
    if metafunc.definition.get_closest_marker("postgresql"):
        metafunc.parametrize("database_url", [on_postgresql], indirect=True)
    elif metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize("database_url", ["sqlite", on_postgresql], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bound database of this test."""
    url = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    with databases.bound(url):
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Session]:
    with SessionLocal() as session:
        yield session


@pytest.fixture
def new_session(database_url: str) -> Callable[[], Session]:
    """More sessions on the test's database, for what happens at the same time."""
    return SessionLocal


@pytest.fixture
def make(db: Session) -> Make:
    return Make(db)


@pytest.fixture
def letters(db: Session) -> Letters:
    """`letters("ada@example.org")`: what was sent there, the oldest first."""
    return partial(letters_to, db)


@pytest.fixture
def run_imatch(
    db: Session, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Run `imatch …` on the test's database: exit code, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["imatch", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, " ".join(said.err.split())

    return run


@pytest.fixture(scope="session")
def apps() -> Callable[[], FastAPI]:
    """The application as the present settings want it.

    Putting it together takes longer than most tests, and it keeps nothing of them.
    """
    made: list[tuple[Settings, FastAPI]] = []

    def app() -> FastAPI:
        configure_logs()  # commands set them otherwise
        settings = get_settings()
        for known, application in made:
            if known == settings:
                return application
        made.append((settings, create_app()))
        return made[-1][1]

    return app


@pytest.fixture
def app(database_url: str, apps: Callable[[], FastAPI]) -> Iterator[FastAPI]:
    """Shared with other tests: who wants to change it makes one with `create_app`."""
    shared = apps()
    routes = len(shared.router.routes)
    yield shared
    assert len(shared.router.routes) == routes, "the application is shared with other tests"


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8401") as test_client:
        yield test_client


@pytest.fixture
def other_browser(app: FastAPI) -> Iterator[TestClient]:
    """Another person's browser, or the same person's on another device."""
    with TestClient(app, base_url="http://127.0.0.1:8401") as test_client:
        yield test_client


@pytest.fixture
def begun(client: TestClient) -> TestClient:
    """A browser that has answered the first question of a need."""
    client.post("/find/financial_advisors/1", data=FIRST_PAGE)
    return client


@pytest.fixture
def sign_in(make: Make, client: TestClient) -> Callable[[User], TestClient]:
    """`sign_in(user)` is the client, signed in as if by password just now."""

    def signed_in_as(user: User) -> TestClient:
        client.cookies.set(cookie_name(), make.session(user))
        return client

    return signed_in_as
