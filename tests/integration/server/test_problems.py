"""Errors over HTTP: RFC 9457, an id to quote, and never a traceback."""

import errno
import json
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from tests.integration.server.hub_cast import Cast

from shothub.server import openapi
from shothub.server.jobs import queries
from shothub.wire.problems import Problem

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v2/jobs", 404),
        ("PATCH", "/api/v1/jobs", 405),
        ("GET", "/api/v1/jobs", 401),
        ("GET", "/api/v1/jobs/%00", 401),
    ],
)
def test_every_error_is_a_problem(
    db: None, method: str, path: str, status: int
) -> None:
    response = Client().generic(method, path)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = Problem.model_validate_json(response.content)
    assert problem.status == status
    assert problem.type.endswith(f"/{problem.code}")
    assert problem.request_id == response["X-Request-ID"]


def test_a_given_request_id_is_kept_if_well_formed(db: None) -> None:
    for given, kept in (("abc-123", True), ("x" * 65, False), ("a b", False)):
        answer = Client().get("/api/v1/me", headers={"X-Request-ID": given})
        assert (answer["X-Request-ID"] == given) is kept


def test_a_failure_of_the_hub_shows_no_traceback(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(queries, "list_jobs", broken)
    answer = cast.alice("GET", "/jobs")
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(answer.body)
    assert "Traceback" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("database is locked"), 503, "busy"),
        (OperationalError("database or disk is full"), 503, "disk_full"),
        (OSError(errno.ENOSPC, "No space left on device"), 503, "disk_full"),
        (OSError(errno.EIO, "Input/output error"), 500, "internal_error"),
    ],
)
def test_a_busy_database_and_a_full_disk_are_told_apart(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(queries, "list_jobs", broken)
    answer = cast.alice("GET", "/jobs")
    assert (answer.status, answer.body["code"]) == (status, code)


def test_a_bad_query_names_its_field(cast: Cast) -> None:
    answer = cast.alice("GET", "/jobs?limit=many")
    assert (answer.status, answer.body["where"]) == (422, "query.limit")


def test_the_checked_in_openapi_is_what_the_hub_serves(db: None) -> None:
    checked_in = (ROOT / "docs/reference/openapi.json").read_text()
    rewrite = "rewrite it: python -m shothub.server.openapi"
    assert checked_in == openapi.text(), rewrite
    served = Client().get("/api/v1/openapi.json").json()
    assert served == json.loads(checked_in)
