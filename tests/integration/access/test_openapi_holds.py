"""What the OpenAPI description promises is kept, whoever asks and whatever he sends."""

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.integration.access.credentials import ALIVE, DEAD, Asker, connected
from tests.integration.access.rules import RULES
from tests.integration.access.world import Parts, World, undone

from shothub.server.urls import api

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

EXAMPLES = int(os.environ.get("SHOTHUB_API_EXAMPLES", "20"))
PREFIX = "/api/v1"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ASKERS = [
    "nothing", "nonsense", "a revoked token", "an expired token",
    "alice", "alice's browser", "alice, for other only", "bob",
    "olga, who operates", "sam of the staff", "sam, who has just proved it",
    "the agent of sim",
]  # fmt: skip
pytestmark = pytest.mark.django_db


def _operations() -> dict[str, Any]:
    described = api.get_openapi_schema()
    schema = schemathesis.openapi.from_dict(_with_text_keys(described))
    schema.app = read_and_closed(get_wsgi_application())
    found = (result.ok() for result in schema.get_all_operations())
    # A stream lasts until its job ends; what it sends has tests of its own.
    return {each.label: each for each in found if not each.path.endswith("/stream")}


def read_and_closed(app: "WSGIApplication") -> "WSGIApplication":
    """Serve as servers do: an answer is read, and then closed."""

    def serve(environ: "WSGIEnvironment", start: "StartResponse") -> list[bytes]:
        with closing(app(environ, start)) as answer:  # type: ignore[type-var]
            return [b"".join(answer)]

    return serve


def _with_text_keys(part: Any) -> Any:
    """Return a description as it is served: JSON has texts for keys."""
    if isinstance(part, dict):
        return {str(key): _with_text_keys(value) for key, value in part.items()}
    return [_with_text_keys(each) for each in part] if isinstance(part, list) else part


OPERATIONS = _operations()


@pytest.fixture(scope="module")
def askers(world: World) -> dict[str, Asker]:
    made = {**DEAD, **ALIVE}
    return {name: made[name](world) for name in ASKERS}


def test_every_route_is_described() -> None:
    described = {label.replace(PREFIX, "") for label in OPERATIONS}
    known = {
        route.replace("{int:", "{").replace("{path:", "{")
        for route in RULES
        if not route.endswith("/stream")
    }
    assert described == known


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_answer_is_undeclared(
    world: World, askers: dict[str, Asker], label: str
) -> None:
    operation = OPERATIONS[label]
    own = _parts_of(world, label)

    @how(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # what fails is shown as a call of curl
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(),
        name=st.sampled_from(ASKERS),
        is_real=st.booleans(),
    )
    def holds(case: Any, name: str, is_real: bool) -> None:
        if is_real:
            known = {key: own[key] for key in case.path_parameters if key in own}
            case.path_parameters.update(known)
        _hurry(case)
        case.cookies.clear()
        case.headers.pop("Authorization", None)
        asker = askers[name]
        with undone(), connected():
            response = case.call(headers=asker.headers(), cookies=asker.cookies())
        case.validate_response(response, checks=CHECKS)

    holds()


def _parts_of(world: World, label: str) -> Parts:
    """Return the parts of an address that leads to something of Alice's."""
    parts: Parts = {}
    for (kind, whose), known in world.things.items():
        if whose in {"alice", "sim", "gina"} and kind != "job":
            parts = {**known, **parts}
    if "/files/" in label or "images" in label:
        parts["name"] = world.parts("shared job", "alice")["name"]
    elif "apparatus" in label:
        parts["name"] = "sim"
    return parts


def _hurry(case: Any) -> None:
    """Let no question wait for something to happen."""
    for given_by in (case.query, case.body):
        if isinstance(given_by, dict) and "wait" in given_by:
            given_by["wait"] = 0
