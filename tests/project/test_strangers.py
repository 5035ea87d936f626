"""Every route keeps to its rule for who may use it, towards everybody else."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.deps import cookie_name
from imatch.accounts.models import AccountType, ApiKey, User
from imatch.app import create_app
from imatch.core.columns import Base
from imatch.needs.deps import COOKIE
from tests.factories import Make
from tests.factories.redemptions import IBAN
from tests.project.routes import OPERATOR, RULES, listed

# Ids of single things in a path: for everybody but their owner there is nothing.
IDS_OF_OTHERS = (
    "{key_id}",
    "{session_id}",
    "{need_id}",
    "{match_id",
    "{shortlist_id",
    "{purchase_id",
    "{redemption_id",
)


@dataclass(frozen=True)
class Owned:
    """What one person has here, and the words that only this person may read."""

    user_id: int
    ids: dict[str, object]
    secrets: tuple[str, ...]


@pytest.fixture
def owned(db: Session, make: Make) -> Owned:
    owner = make.user(
        email="owner-secret@example.org",
        name="Nomen Privatum",
        account_type=AccountType.BOTH,
        password_hash="argon2-secret-hash",
    )
    theirs = make.belongings(owner, mark="secret")
    key_hash = db.scalars(select(ApiKey.key_hash)).one()
    secrets = (
        *("owner-secret@", "Nomen Privatum", "argon2-secret", "Legalsecret", "555-secret"),
        *("Wordssecret", "Keysecret", "Agentsecret", "Potsecret", "Seatsecret", IBAN[:6]),
        *("Holdsecret", "Grantsecret", "Policysecret"),
        *(theirs.need_token, theirs.need.token_hash, theirs.api_key, key_hash),
    )
    return Owned(owner.id, theirs.ids, secrets)


Enter = Callable[[TestClient], None]


def _by_session(make: Make, user: User) -> Enter:
    return lambda client: client.cookies.set(cookie_name(), make.session(user))


@pytest.fixture
def strangers(make: Make, owned: Owned) -> dict[str, Enter]:
    """How each kind of stranger enters: a session of their own, or a need of their own."""
    del owned

    def by_need(client: TestClient) -> None:
        _need, token = make.need_and_token(needs_description="Somebody else's.")
        client.cookies.set(COOKIE, token)
        client.headers["X-Need-Token"] = token

    provider = make.user(account_type=AccountType.PROVIDER)
    make.provider(user=provider)
    return {
        "anonymous": lambda _client: None,
        "seeker": _by_session(make, make.user()),
        "seeker without account": by_need,
        "provider": _by_session(make, provider),
        "operator": _by_session(make, make.operator()),
    }


@pytest.fixture
def ask(database_url: str) -> Iterator[Callable[[str, Owned, Enter], Any]]:
    """One request to what is somebody's, by a stranger who has just entered."""
    client = TestClient(create_app(), base_url="http://127.0.0.1:8401", follow_redirects=False)

    def asked(route: str, owned: Owned, enter: Enter) -> Any:  # noqa: ANN401 -- the client's
        client.cookies.clear()
        client.headers.pop("X-Need-Token", None)
        enter(client)
        method, path = route.split(" ")
        url = re.sub(r"\{([^}:]+)(:int)?\}", lambda name: str(owned.ids[name[1]]), path)
        if path == "/compare":
            url += f"?id={owned.ids['match_id']}&id={owned.ids['match_id']}1"
        return client.request(method, url, **_body(method, path))

    with client:
        yield asked


def _body(method: str, path: str) -> dict[str, Any]:
    if method in {"GET", "DELETE"}:
        return {}
    if path.startswith("/api/"):
        return {"json": {}}
    return {
        "data": {
            "seen": "x",
            "text": "wrong",
            "reason": "because",
            "sure": "no",
            "slug": "a",
            "renews": "no",
        }
    }


def _rows_of(db: Session, owned: Owned) -> str:
    """A fingerprint of everything that belongs to the owner, and of the categories."""
    db.rollback()
    own = {"users": "id", "categories": None, "matches": "seeker_id", "shortlists": "seeker_id"}
    digest = hashlib.sha256()
    for table in Base.metadata.sorted_tables:
        column = own.get(table.name, "user_id" if "user_id" in table.columns else None)
        if column is None and table.name != "categories":
            continue
        # Being shown to a seeker is counted, whoever the seeker is.
        columns = [held for held in table.columns if held.name != "shown_count"]
        query = select(*columns).order_by(*table.primary_key)
        if column:
            owner = owned.ids["need_id"] if column == "seeker_id" else owned.user_id
            query = query.where(table.columns[column] == owner)
        rows = [list(map(str, row)) for row in db.execute(query)]
        digest.update(json.dumps([table.name, rows]).encode())
    return digest.hexdigest()


@pytest.mark.parametrize(
    "who", ["anonymous", "seeker", "seeker without account", "provider", "operator"]
)
def test_strangers_get_nothing_of_what_is_not_theirs(
    db: Session,
    owned: Owned,
    strangers: dict[str, Enter],
    ask: Callable[[str, Owned, Enter], Any],
    who: str,
) -> None:
    before = _rows_of(db, owned)
    for route, rule in RULES.items():
        if who == "operator" and rule == "operator":
            continue
        answer = ask(route, owned, strangers[who])
        status = answer.status_code
        assert status < 500, f"{route}: {status}"
        leaked = [word for word in owned.secrets if word in answer.text + str(answer.headers)]
        # The outbox of a developer's own machine shows every mail to whoever sits there.
        assert leaked == [] or rule == "local", f"{route} shows {leaked} to: {who}"
        assert _refused(answer, route, rule, who), f"{route} answers {who} with {status}"
        assert _rows_of(db, owned) == before, f"{route} lets change what is not theirs: {who}"


def _refused(answer: Response, route: str, rule: str, who: str) -> bool:
    """Whether the answer is one that this rule allows for this stranger."""
    signed_in = who in {"seeker", "provider", "operator"}
    to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    demanded = to_sign_in or answer.status_code == 401
    if rule in {"user", "operator"} and not signed_in:
        return demanded
    if rule == "operator":
        return answer.status_code == 403
    if any(thing in route for thing in IDS_OF_OTHERS):
        return answer.status_code == 404
    return True


# Their fields are sent empty, which is refused beside the form.
UNFILLED_FORMS = {"POST /console/grants", "POST /console/policy", "POST /console/policy/check"}


@pytest.mark.both_databases
def test_operators_may_use_the_console(
    owned: Owned, strangers: dict[str, Enter], ask: Callable[[str, Owned, Enter], Any]
) -> None:
    for route in listed(OPERATOR):
        done = {422} if route in UNFILLED_FORMS else {200, 303, 409}
        assert ask(route, owned, strangers["operator"]).status_code in done, route


@pytest.mark.both_databases
def test_owners_may_use_what_is_theirs(
    db: Session, make: Make, owned: Owned, ask: Callable[[str, Owned, Enter], Any]
) -> None:
    """The other side of the test above: its addresses do lead to something."""
    owner = db.get_one(User, owned.user_id)

    enter = _by_session(make, owner)
    for route in (
        "GET /matches/{match_id:int}/why",
        "GET /matches/lists/{shortlist_id:int}",
        "GET /api/v1/matches/{match_id}",
        "GET /api/v1/needs/{need_id}",
        "POST /api/v1/needs/{need_id}/shortlists",
        "GET /pro/profile/{category}",
        "GET /account/api-keys",
        "POST /account/browsers/{session_id}/end",
        "DELETE /api/v1/me/api-keys/{key_id}",
        "DELETE /api/v1/needs/{need_id}",
    ):
        assert ask(route, owned, enter).status_code in {200, 204, 303}, route
