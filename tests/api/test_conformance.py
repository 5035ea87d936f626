"""What the description promises, the API keeps: schemathesis over every operation, as each caller.

Inputs follow from the description and a fixed seed, so that a run can be repeated.
"""

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from imatch.accounts.models import AccountType
from imatch.app import create_app
from tests.factories import Make

Headers = dict[str, str]

CASES_AN_OPERATION = 8
STEPS_A_STORY = 4
# Which words an answer or name may hold, a category or rule says; a cursor is one we gave out.
RULED_FURTHER = [
    "create_need",
    "make_shortlist",
    "put_own_profile",
    "create_api_key",
    "submit_own_profile",
    "list_providers",
    "list_matches",
    "list_pot_transactions",
    "list_pot_purchases",
    "list_redemptions",
    "request_redemption",
    "spend_pot",
]


@pytest.fixture
def anonymous() -> Headers:
    return {}


@pytest.fixture
def with_key(make: Make) -> Headers:
    """A program of somebody who is a professional, too."""
    user = make.user(account_type=AccountType.BOTH)
    make.provider(user=user)
    return {"Authorization": f"Bearer {make.api_key(user).key}"}


@pytest.fixture
def with_token(make: Make) -> Headers:
    """A program that handed in a need."""
    _need, token = make.need_and_token()
    return {"X-Need-Token": token}


def _config(headers: Headers) -> SchemathesisConfig:
    accepted = ["2xx", "401", "403", "404", "409", "422", "429"]
    return SchemathesisConfig.from_dict(
        {
            "seed": 8401,
            "headers": headers,
            "warnings": False,
            "continue-on-failure": True,
            "generation": {
                "max-examples": CASES_AN_OPERATION,
                "deterministic": True,
                "database": "none",
                "mode": "all",
                "with-security-parameters": False,
            },
            "phases": {"stateful": {"max-steps": STEPS_A_STORY}},
            "operations": [
                {
                    "include-operation-id": RULED_FURTHER,
                    "checks": {"positive_data_acceptance": {"expected-statuses": accepted}},
                }
            ],
        }
    )


def _findings(app: FastAPI, headers: Headers) -> tuple[list[str], set[str], set[str]]:
    """Every finding in words, the operations that were called, and those that said yes to it."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=_config(headers))
    found: list[str] = []
    called: set[str] = set()
    accepted: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(repr(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        called |= {case.operation.label for case in event.recorder.find_all_cases()}
        accepted |= {
            case.operation.label
            for case in event.recorder.find_all_cases()
            if (answer := event.recorder.find_response(case_id=case.id))
            and answer.status_code < 300
        }
        found += [
            f"{event.label} {check.name}: {check.failure_info.failure.message}\n"
            f"{check.failure_info.code_sample}"
            for checks in event.recorder.checks.values()
            for check in checks
            if check.failure_info is not None
        ]
    return found, called, accepted


@pytest.mark.parametrize(
    ("caller", "may"),
    [
        ("anonymous", {"GET /api/v1/providers", "POST /api/v1/needs"}),
        ("with_key", {"GET /api/v1/me", "POST /api/v1/me/providers/{category}/submit"}),
        ("with_token", {"GET /api/v1/matches"}),
    ],
)
def test_the_api_keeps_what_it_promises(
    caller: str, may: set[str], make: Make, request: pytest.FixtureRequest
) -> None:
    make.three_advisors()
    headers: Headers = request.getfixturevalue(caller)
    app = create_app()
    described = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }
    found, called, accepted = _findings(app, headers)
    assert not found, "\n\n".join(found)
    assert called >= described
    assert accepted >= may
