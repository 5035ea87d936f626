"""Whatever is sent, and wherever: a clear 4xx, an unchanged database, logs without its words."""

import hashlib
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from httpx2 import Response
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.deps import cookie_name
from imatch.accounts.models import User
from imatch.app import create_app
from imatch.categories.catalog import definition
from imatch.core.clock import today
from imatch.core.columns import Base
from imatch.core.database import atomic
from imatch.facts.people import DayBegun
from imatch.pot.awards import service as awards
from imatch.throttling.models import SignInAttempt
from imatch.web.deps import posted_form
from tests.factories import Make
from tests.factories.providers import ADVISORS

MARKER = "markedword"
CLIENT_ERRORS = range(400, 500)
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ROUTES = [route for route in iter_route_contexts(create_app().routes) if route.methods]
# These keep nothing of what is sent: a look ahead, a setting of the browser, the way out, a second
# factor that this person does not have, a link to answers that are in an account anyway.
HARMLESS = {
    "/theme",
    "/find/{category}/{number:int}/count",
    "/sign-out",
    "/sign-in/code",
    "/find/save/mail",
}
# Any character is good in a password; an address is made of the letters in it.
ANY_TEXT = {"password", "slug"}
# Where every answer about an address is the same, so that nobody learns who has an account.
ALWAYS_THE_SAME = {"/recover", "/sign-in/link"}

WRONG_IDS = [str(2**63), str(10**30), "-1", "0", "1e400", "x", "%00", "%ED%A0%80"]
WRONG_NAMES = ["%00", "%ED%A0%80", quote("\u202eabc"), quote("🦄"), "x" * 5_000, str(10**30)]
WRONG_TEXTS = [f"{MARKER}\x00", f"{MARKER}\x1b", MARKER * 3_000, "\x00" * 50]
WRONG_VALUES = [
    "-1",
    "1000000000000000000",
    "1e400",
    "1" + "0" * 400,
    f'"{MARKER}\\u0000"',
    f'"{MARKER}\\ud800"',
    f'{{"{MARKER}\\ud800": 1}}',
    "[" * 900 + "1" + "]" * 900,
    '{"a":' * 900 + "1" + "}" * 900,
    f'[["{MARKER}"]]',
]
WRONG_BODIES = {
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep and open": '{"values":' * 20_000,
    "nul": "\x00",
    "broken": f'{{"{MARKER}',
    "no object": f'"{MARKER}"',
    "not a number": "NaN",
    "too many digits": "1" * 5_000,
    "lone surrogate key": f'{{"{MARKER}\\ud800": 1}}',
    "empty": "",
}
WRONG_ENCODINGS = [
    ("utf-7", b"+2AA-"),
    ("undefined", b"x"),
    ("raw_unicode_escape", b"\\ud800"),
    ("utf-8; charset=utf-7", b"+2AA-"),
]


class Sender:
    """Sends to the real application as somebody who may do everything, with nobody's throttles."""

    def __init__(self, db: Session, make: Make, user: User, ids: dict[str, object]) -> None:
        self.db = db
        self.make = make
        self.user = user
        self.ids = ids
        self.client = TestClient(
            create_app(), base_url="http://127.0.0.1:8401", follow_redirects=False
        )

    def url(self, path: str, **other: str) -> str:
        return re.sub(
            r"\{([^}:]+)(:int)?\}", lambda name: other.get(name[1], str(self.ids[name[1]])), path
        )

    def send(
        self, method: str, url: str, body: str | bytes = "", headers: dict[str, str] | None = None
    ) -> Response:
        with atomic(self.db):
            self.db.execute(delete(SignInAttempt))
        # Another browser each time: some answers sign this one out or hand it another session.
        self.client.cookies.clear()
        self.client.cookies.set(cookie_name(), self.make.session(self.user))
        # Lone surrogates in a body can only come as the bytes that they would be.
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        every = {"Idempotency-Key": "tests"} | (headers or {})
        return self.client.request(method, url, content=content, headers=every)

    def fingerprint(self) -> str:
        """Of every row; who signed in, and how often somebody tried, is left out."""
        self.db.rollback()
        digest = hashlib.sha256()
        for table in Base.metadata.sorted_tables:
            if table.name in {"sign_in_attempts", "user_sessions"}:
                continue
            signs = {"last_sign_in_at", "updated_at"} if table.name == "users" else set()
            columns = [column for column in table.columns if column.name not in signs]
            rows = self.db.execute(select(*columns).order_by(*table.primary_key))
            digest.update(json.dumps([table.name, [list(map(str, row)) for row in rows]]).encode())
        return digest.hexdigest()


@pytest.fixture
def sender(db: Session, make: Make) -> Iterator[Sender]:
    user = make.operator()
    ids = make.belongings(user).ids
    awards.on_rewarded_fact(db, DayBegun(user.id, today()))  # earns POT only once
    sender = Sender(db, make, user, ids)
    with sender.client:
        yield sender


def _dependants(dependant: Dependant | None) -> Iterator[Dependant]:
    if dependant is not None:
        yield dependant
        for inner in dependant.dependencies:
            yield from _dependants(inner)


def _inputs(route: RouteContext) -> tuple[set[str], set[str]]:
    """The names of a route's query parameters and of its form's controls."""
    found = list(_dependants(getattr(route.route, "dependant", None)))
    queries = {field.alias for one in found for field in one.query_params}
    controls = {field.alias for one in found for field in one.body_params}
    if any(one.call is posted_form for one in found):
        advisors = definition(ADVISORS)
        asked = (
            advisors.intake[0].fields if "/find/" in _path(route) else advisors.profile[0].fields
        )
        controls |= set(asked)
    return queries, controls


def _path(route: RouteContext) -> str:
    return route.path or ""


def _posts() -> list[tuple[str, RouteContext]]:
    return [
        (method, route)
        for route in ROUTES
        for method in sorted(route.methods or ())
        if method in {"POST", "PUT"}
    ]


@pytest.mark.both_databases
def test_ids_and_names_in_paths(sender: Sender) -> None:
    before = sender.fingerprint()
    for route in ROUTES:
        path = _path(route)
        for parameter, kind in re.findall(r"\{([^}:]+)(:int)?\}", path):
            number = "id" in parameter or kind
            for wrong in WRONG_IDS if number else WRONG_NAMES:
                for method in route.methods or ():
                    url = sender.url(path, **{parameter: wrong})
                    answer = sender.send(method, url, "{}", JSON)
                    # A look at a page may lead on to one that is not there.
                    clear = {404, 410, 422} | ({303} if method == "GET" else set())
                    assert answer.status_code in clear, f"{method} {url[:200]}"
    assert sender.fingerprint() == before


@pytest.mark.both_databases
def test_queries(sender: Sender, capsys: pytest.CaptureFixture[str]) -> None:
    for route in ROUTES:
        for name in _inputs(route)[0]:
            for wrong in [*WRONG_TEXTS, *WRONG_VALUES[:4]]:
                query = urlencode({name: wrong})
                answer = sender.send("GET", f"{sender.url(_path(route))}?{query}")
                assert answer.status_code < 500, f"{_path(route)}?{query[:200]}"
                if name in {"cursor", "limit", "id"} and "GET" in (route.methods or ()):
                    assert answer.status_code == 422, f"{_path(route)}?{query[:200]}"
    assert MARKER not in capsys.readouterr().out


@pytest.mark.both_databases
def test_form_controls(sender: Sender, capsys: pytest.CaptureFixture[str]) -> None:
    before = sender.fingerprint()
    for method, route in _posts():
        path = _path(route)
        if path.startswith("/api/"):
            continue
        for name in _inputs(route)[1] - ANY_TEXT:
            for wrong in WRONG_TEXTS:
                body = urlencode({name: wrong})
                answer = sender.send(method, sender.url(path), body, FORM)
                clear = answer.status_code in CLIENT_ERRORS or path in HARMLESS | ALWAYS_THE_SAME
                assert clear, f"{path} {name}={wrong[:20]!r}: {answer.status_code}"
                assert answer.status_code < 500, f"{path} {name}={wrong[:20]!r}"
    assert sender.fingerprint() == before
    assert MARKER not in capsys.readouterr().out


def test_bodies(sender: Sender, capsys: pytest.CaptureFixture[str]) -> None:
    before = sender.fingerprint()
    for method, route in _posts():
        url = sender.url(_path(route))
        if not _path(route).startswith("/api/") or not getattr(route.route, "body_field", None):
            continue
        for kind, body in WRONG_BODIES.items():
            if kind == "empty" and url.endswith("/shortlists"):
                continue  # nothing said is the usual shortlist
            answer = sender.send(method, url, body, JSON)
            assert answer.status_code in CLIENT_ERRORS, f"{method} {url} {kind}"
            assert answer.headers["content-type"] == "application/problem+json"
        for other in ("text/plain", "application/xml", FORM["content-type"], "multipart/form-data"):
            answer = sender.send(
                method, url, '{"name": "x", "values": {}}', {"content-type": other}
            )
            assert answer.status_code in CLIENT_ERRORS, f"{method} {url} as {other}"
    assert sender.fingerprint() == before
    assert MARKER not in capsys.readouterr().out


@pytest.mark.parametrize("category", [ADVISORS, "therapists"])
def test_values_of_every_field(
    sender: Sender, make: Make, category: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make.category(category)
    before = sender.fingerprint()
    described = definition(category)
    own = f"/api/v1/me/providers/{category}"
    for method, url, fields in (
        ("POST", "/api/v1/needs", described.seeker),
        ("PUT", own, described.provider),
    ):
        for name in fields:
            for wrong in WRONG_VALUES:
                named = f'"category": "{category}", ' if method == "POST" else ""
                body = f'{{{named}"values": {{"{name}": {wrong}}}}}'
                answer = sender.send(method, url, body, JSON)
                told = f"{method} {name}: {wrong[:30]}"
                assert answer.status_code == 422, told
                assert any(fault["field"] == name for fault in answer.json()["errors"]), told
    assert sender.fingerprint() == before
    assert MARKER not in capsys.readouterr().out


def test_a_megabyte_is_too_large_everywhere(sender: Sender) -> None:
    before = sender.fingerprint()
    for method, route in _posts():
        for body in (b"x" * 1_000_000, '{"values": "' + "é" * 500_000):
            assert sender.send(method, sender.url(_path(route)), body, FORM).status_code == 413
    assert sender.fingerprint() == before


@pytest.mark.parametrize(("encoding", "text"), WRONG_ENCODINGS)
def test_forms_in_odd_encodings(sender: Sender, encoding: str, text: bytes) -> None:
    before = sender.fingerprint()
    for method, route in _posts():
        for name in _inputs(route)[1]:
            disposition = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
            answer = sender.send(
                method,
                sender.url(_path(route)),
                disposition + text + b"\r\n--b--\r\n",
                {"content-type": f"multipart/form-data; boundary=b; charset={encoding}"},
            )
            assert answer.status_code == 415, f"{_path(route)} {name}"
    assert sender.fingerprint() == before
