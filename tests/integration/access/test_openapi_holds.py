"""What the OpenAPI description promises is kept, whoever asks and whatever he sends."""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err, Result
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

EXAMPLES = int(os.environ.get("SHOTHUB_API_EXAMPLES", "12"))
PREFIX = "/api/v1"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EVERYBODY = {**DEAD, **ALIVE}
STREAM = "text/event-stream"
pytestmark = pytest.mark.django_db


def _operations() -> dict[str, Any]:
    described = api.get_openapi_schema()
    schema = schemathesis.openapi.from_dict(_with_text_keys(described))
    schema.app = read_and_closed(get_wsgi_application())
    return {each.label: each for each in _sound(schema.get_all_operations())}


def _sound(found: Iterable[Result[Any, InvalidSchema]]) -> Iterator[Any]:
    """Return operations.

    Raises:
        InvalidSchema: one is described so that nobody could call it.
    """
    for each in found:
        if isinstance(each, Err):
            raise each.err()
        yield each.ok()


def read_and_closed(app: WSGIHandler) -> "WSGIApplication":
    """Serve as servers do: an answer is read, and then closed.

    A stream is not read, as it lasts until its job ends; it has tests of its own.
    """

    def serve(environ: "WSGIEnvironment", start: "StartResponse") -> list[bytes]:
        with closing(app(environ, start)) as answer:
            is_stream = answer.headers.get("Content-Type") == STREAM
            return [] if is_stream else [b"".join(answer)]

    return serve


def _with_text_keys(part: Any) -> Any:
    """Return a description as it is served: JSON has texts for keys."""
    if isinstance(part, dict):
        return {str(key): _with_text_keys(value) for key, value in part.items()}
    return [_with_text_keys(each) for each in part] if isinstance(part, list) else part


OPERATIONS = _operations()


def _described(route: str) -> str:
    """Return by which name the description knows a route."""
    method, path = route.split()
    return f"{method} {PREFIX}{path}".replace("{int:", "{").replace("{path:", "{")


ROUTES = {_described(route): rule for route, rule in RULES.items()}
every_operation = pytest.mark.parametrize("label", sorted(OPERATIONS))


@pytest.fixture(scope="module")
def askers(world: World) -> dict[str, Asker]:
    return {name: make(world) for name, make in EVERYBODY.items()}


def check(case: Case[Any], asker: Asker, **app: Any) -> int:
    """Send a case, and return the answer's status if it is such as was promised.

    Raises:
        FailureGroup: it is not.
    """
    with undone(), connected():
        response = case.call(headers=asker.headers(), cookies=asker.cookies(), **app)
    case.validate_response(response, checks=CHECKS)
    return response.status_code


def test_every_route_is_described() -> None:
    assert set(OPERATIONS) == set(ROUTES)


@every_operation
def test_an_answer_is_as_described_whoever_asks(
    world: World, askers: dict[str, Asker], label: str
) -> None:
    statuses = {check(_as_ruled(world, label), each) for each in askers.values()}
    assert statuses & {ROUTES[label].ok, *ROUTES[label].others}  # to one it is granted


def _as_ruled(world: World, label: str) -> Case[Any]:
    """Return a case that succeeds for whom it is granted."""
    rule, operation = ROUTES[label], OPERATIONS[label]
    whose = {"apparatus": "sim", "group": "gina"}.get(rule.of, "alice")
    parts = world.parts(rule.of, whose)
    has_body = rule.body is not None
    case: Case[Any] = operation.Case(
        path_parameters={
            each.name: parts[each.name] for each in operation.path_parameters
        },
        query=dict(parse_qsl(rule.query.removeprefix("?"))),
        headers={"X-Content-SHA256": rule.digest} if rule.digest else {},
        body=rule.body() if rule.body else NOT_SET,
        media_type="application/json" if has_body else None,
    )
    return case


@every_operation
def test_no_answer_is_undeclared_whatever_is_sent(
    world: World, askers: dict[str, Asker], label: str
) -> None:
    operation, own = OPERATIONS[label], _parts_of(world, label)

    @how(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # what fails is shown as a call of curl
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=_sent_to(operation),
        name=st.sampled_from([*EVERYBODY]),
        is_real=st.booleans(),
    )
    def holds(case: Case[Any], name: str, is_real: bool) -> None:
        if is_real:
            known = {key: own[key] for key in case.path_parameters if key in own}
            case.path_parameters.update(known)
        _hurry(case)
        case.cookies.clear()
        case.headers.pop("Authorization", None)
        check(case, askers[name])

    holds()


def _sent_to(operation: Any) -> st.SearchStrategy[Case[Any]]:
    """Return cases such as are described, and others."""
    fitting: st.SearchStrategy[Case[Any]] = operation.as_strategy()
    if not operation.body and not operation.query:
        return fitting
    other: st.SearchStrategy[Case[Any]] = operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )
    return fitting | other


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


def _hurry(case: Case[Any]) -> None:
    """Let no question wait for something to happen."""
    for given_by in (case.query, case.body):
        if isinstance(given_by, dict) and "wait" in given_by:
            given_by["wait"] = 0


PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        ("500 Internal Server Error", PROBLEM, b"{}"),
        ("418 I'm a teapot", PROBLEM, b"{}"),
        ("401 Unauthorized", PROBLEM, b'{"detail": "and nothing else"}'),
        ("200 OK", "text/html", b"<p>alice</p>"),
        ("200 OK", "application/json", b'{"username": 7}'),
    ],
)
def test_a_broken_promise_is_noticed(
    world: World, askers: dict[str, Asker], status: str, kind: str, body: bytes
) -> None:
    """The control of the tests above."""

    def app(_: "WSGIEnvironment", start: "StartResponse") -> list[bytes]:
        start(status, [("Content-Type", kind)])
        return [body]

    case = _as_ruled(world, f"GET {PREFIX}/me")
    assert check(case, askers["alice"]) == 200
    with pytest.raises(FailureGroup):
        check(case, askers["alice"], app=app)
