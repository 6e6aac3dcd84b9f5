"""Wrong requests by raw HTTP: each is a problem with the path of the bad field, never a 500."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shothub.demo.stage import Stage

SCRIPT = {"name": "mine.py", "text": "pass\n"}
PROCEDURE: dict[str, Any] = {
    "kind": "procedure",
    "apparatus": "sim",
    "procedure": "bec_tof",
}
OWN: dict[str, Any] = {"kind": "script", "apparatus": "sim", "script": SCRIPT}


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    token = stage.members["bob"].token
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{stage.url}/api/v1/", headers=headers) as client:
        yield client


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["code"]
    assert found["detail"]
    assert "Traceback" not in answer.text
    return found


WRONG = [None, True, 1, 1.5, "", "x", [], [1], {}, {"a": 1}, "x" * 10_000, -(10**30)]


@pytest.mark.parametrize("whole", [*WRONG, [None], [[]], [{}], [PROCEDURE, 7]])
def test_a_body_of_a_wrong_type_is_refused(http: httpx.Client, whole: object) -> None:
    assert problem(http.post("jobs", json=whole))["where"].startswith("body")


FIELDS: dict[str, list[Any]] = {
    "kind": WRONG,
    "apparatus": WRONG,
    "procedure": WRONG,
    "name": [None, 1, [], {}, "x" * 1000],
    "tags": [None, 1, "x", {}, [1], [None], ["x"] * 100],
    "priority": [None, "x", 1.5, [], 10**30],
    "globals": [None, 1, "x", [], [1]],
    "routines": [None, 1, "x", {}, [1], [{}], [{"name": "../x.py", "text": ""}]],
    "owner": ["alice"],
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_a_wrong_type_is_named(http: httpx.Client, field: str) -> None:
    for value in FIELDS[field]:
        answer = http.post("jobs", json=PROCEDURE | {field: value})
        assert field in json.dumps(problem(answer)), (value, answer.text)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 5000, '"nan"']
)
@pytest.mark.parametrize("form", ["{}", "[{}]", '{{"linspace": [0.01, {}, 3]}}'])
def test_numbers_that_are_none_are_refused(
    http: httpx.Client, text: str, form: str
) -> None:
    body = json.dumps(PROCEDURE | {"globals": {"tof": "HERE"}})
    body = body.replace('"HERE"', form.format(text))
    problem(http.post("jobs", content=body))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400"])
def test_a_script_takes_no_such_numbers_either(http: httpx.Client, text: str) -> None:
    body = json.dumps(OWN | {"globals": {"x": "HERE"}}).replace('"HERE"', text)
    problem(http.post("jobs", content=body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'"\\ud800"',
        json.dumps(PROCEDURE | {"name": "a\x00b"}).encode(),
        json.dumps(PROCEDURE | {"name": "\ud800"}).encode(),
        json.dumps(OWN | {"script": {"name": "a.py", "text": "\ud800"}}).encode(),
        json.dumps(PROCEDURE | {"globals": {"\ud800": 1}}).encode(),
    ],
)
def test_what_is_no_json_is_refused(http: httpx.Client, body: bytes) -> None:
    problem(http.post("jobs", content=body))


NAMES = [
    "../x.py",
    "/etc/x.py",
    "a/b.py",
    "a\\b.py",
    "..",
    ".x.py",
    "",
    "x\x00.py",
    "é.py",
    "x.py\n",
    "x" * 101,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_a_path_is_refused(http: httpx.Client, name: str) -> None:
    for place in (
        {"script": SCRIPT | {"name": name}},
        {"routines": [SCRIPT | {"name": name}]},
        {"globals_file": {"name": name, "content": base64.b64encode(b"x").decode()}},
    ):
        assert "name" in problem(http.post("jobs", json=OWN | place))["where"]


@pytest.mark.parametrize("name", ["con.py", "NUL.py", "__init__.py", "1.py", "a.b.py"])
def test_an_odd_name_makes_no_job_or_a_good_one(http: httpx.Client, name: str) -> None:
    answer = http.post("jobs", json=OWN | {"script": SCRIPT | {"name": name}})
    if answer.status_code == 201:
        job = answer.json()["id"]
        while (state := http.get(f"jobs/{job}").json()["state"]) in (
            "submitted",
            "compiling",
        ):
            pass
        assert state == "failed"  # it makes no shots; nothing is stuck
    else:
        problem(answer)


@pytest.mark.parametrize(
    "path",
    [
        "jobs/../tokens/../jobs/x",
        "jobs/%2e%2e%2f%2e%2e",
        "jobs/x%00y",
        "jobs/" + "x" * 5000,
        "jobs?limit=-1",
        "jobs?limit=x",
        "jobs?limit=99999999999999999999",
        "jobs?state=none",
        "jobs?cursor=%00",
        "jobs?cursor=zzz",
        "apparatus/..%2f..",
        "apparatus/%00",
        "apparatus/sim/procedures/nonesuch",
    ],
)
def test_an_odd_address_is_refused(http: httpx.Client, path: str) -> None:
    problem(http.get(path))


@pytest.mark.parametrize("key", ["x" * 1000, "a b\tc"])
def test_an_odd_idempotency_key_is_refused(http: httpx.Client, key: str) -> None:
    answer = http.post("jobs", json=PROCEDURE, headers={"Idempotency-Key": key})
    problem(answer)
