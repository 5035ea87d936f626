"""Every route has a rule for who may use it."""

import inspect

from fastapi.routing import iter_route_contexts
from sqlalchemy.orm import Session

from imatch.app import create_app
from tests.project.routes import LOCAL, NEED_OWNER, OPERATOR, PUBLIC, RULES, USER, listed


def test_every_route_has_a_rule() -> None:
    routes = {
        f"{method} {route.path}"
        for route in iter_route_contexts(create_app().routes)
        for method in set(route.methods or ()) - {"HEAD"}
    }
    assert routes - RULES.keys() == set(), "say in the table above who may use these"
    assert RULES.keys() - routes == set(), "these are gone"
    tables = (PUBLIC, LOCAL, NEED_OWNER, USER, OPERATOR)
    assert sum(len(listed(table)) for table in tables) == len(RULES), "one rule a route"


def test_an_endpoint_on_the_event_loop_holds_no_session() -> None:
    """Everybody waits while it asks the database: what asks is a plain function, in a thread."""
    asks = {
        route.path
        for route in iter_route_contexts(create_app().routes)
        if inspect.iscoroutinefunction(route.endpoint) or inspect.isasyncgenfunction(route.endpoint)
        for parameter in inspect.signature(route.endpoint).parameters.values()
        if getattr(parameter.annotation, "__origin__", parameter.annotation) is Session
    }
    assert asks == set()
