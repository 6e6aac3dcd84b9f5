"""What is taken as a job, what is refused, and in which words."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast

from shothub.server.jobs.models import Event, Job

Submit = Callable[..., Any]
GOOD = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
SCRIPT = {
    "kind": "script",
    "apparatus": "sim",
    "script": {"name": "exp.py", "text": "start()"},
}


@pytest.mark.parametrize(
    ("changes", "status", "code", "where"),
    [
        ({"apparatus": "nowhere"}, 422, "unknown_apparatus", "body.apparatus"),
        ({"procedure": "nothing"}, 422, "unknown_procedure", "body.procedure"),
        ({"globals": {"tof": 1.0}}, 422, "bad_value", "body.globals.tof"),
        ({"globals": {"tof": "1"}}, 422, "bad_value", "body.globals.tof"),
        ({"globals": {"tofu": 1}}, 422, "unknown_global", "body.globals.tofu"),
        ({"globals": {"tof": []}}, 422, "bad_value", "body.globals.tof"),
        (
            {"globals": {"tof": {"linspace": [0.002, 0.003, 201]}}},
            422,
            "too_many_shots",
            "body.globals",
        ),
        ({"globals": {"atoms": 10**400}}, 422, None, None),
        ({"procedure": "../../etc"}, 422, "string_pattern_mismatch", "body.procedure"),
        ({"tags": ["x"] * 21}, 422, "too_long", "body.tags"),
        ({"priority": 1000}, 422, "less_than_equal", "body.priority"),
        ({"colour": "red"}, 422, "extra_forbidden", "body.colour"),
        ({"kind": "shots"}, 422, "union_tag_invalid", "body"),
        ({"routines": [{"name": "a..py", "text": ""}]}, 422, "bad_name", None),
    ],
)
def test_a_wrong_procedure_job_is_refused_with_the_place(
    cast: Cast, changes: Any, status: int, code: str | None, where: str | None
) -> None:
    answer = cast.alice("POST", "/jobs", GOOD | changes)
    if answer.status == 201:
        assert changes == {"globals": {"atoms": 10**400}}
    assert answer.status == status, answer.body
    assert code is None or answer.body["code"] == code
    assert where is None or answer.body["where"] == where
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"script": {"name": "../exp.py", "text": ""}}, "string_pattern_mismatch"),
        ({"script": {"name": "a..b.py", "text": ""}}, "bad_name"),
        ({"script": {"name": "exp.txt", "text": ""}}, "bad_name"),
        ({"script": {"name": ".py", "text": ""}}, "string_pattern_mismatch"),
        ({"script": {"name": "e.py", "text": "x" * 1_000_001}}, "string_too_long"),
        ({"globals": {"a b": 1}}, "bad_value"),
        ({"globals": {"class": 1}}, "bad_value"),
        ({"globals": {"a": None}}, "bad_value"),
        ({"globals": {"a": {"expression": 3}}}, "bad_value"),
        ({"globals": {"a": {"expression": "1", "x": "y"}}}, "bad_value"),
        ({"globals": {f"g{i}": i for i in range(1001)}}, "too_many_globals"),
        ({"globals": {"a": list(range(201))}}, "too_many_shots"),
        ({"globals_file": {"name": "../g.h5", "content": ""}}, None),
    ],
)
def test_a_wrong_script_job_is_refused(
    cast: Cast, changes: Any, code: str | None
) -> None:
    answer = cast.alice("POST", "/jobs", SCRIPT | changes)
    assert answer.status == 422, answer.body
    assert code is None or answer.body["code"] == code


@pytest.mark.parametrize("text", ["&&&&", "YWJj!", "YWJ", "YW Jj", "YQ=x", "é"])
def test_wrong_base64_is_refused_with_its_place(cast: Cast, text: str) -> None:
    file = {"name": "g.h5", "content": text}
    answer = cast.alice("POST", "/jobs", SCRIPT | {"globals_file": file})
    assert (answer.status, answer.body["code"]) == (422, "bad_base64")
    assert answer.body["where"] == "body.globals_file.content"


@pytest.mark.parametrize("text", ["", "YWJj", "YWJj\r\nYWI=\n"])
def test_base64_may_have_lines(cast: Cast, text: str) -> None:
    file = {"name": "g.h5", "content": text}
    cast.alice("POST", "/jobs", SCRIPT | {"globals_file": file}).ok()
    [task] = cast.agent.poll(compile=1).ok()["compile"]
    assert task["globals_file"]["content"] == "".join(text.split())


def test_scripts_need_the_labs_grant(cast: Cast) -> None:
    answer = cast.bob("POST", "/jobs", SCRIPT)
    assert (answer.status, answer.body["code"]) == (403, "scripts_not_granted")
    cast.alice("POST", "/jobs", SCRIPT).ok()


def test_a_kind_that_the_apparatus_does_not_take_is_refused(cast: Cast) -> None:
    cast.agent.open(accepts=["procedure"], refusals=["No sandbox here."])
    answer = cast.alice("POST", "/jobs", SCRIPT)
    assert (answer.status, answer.body["code"]) == (422, "kind_not_accepted")
    assert answer.body["hint"] == "No sandbox here."
    cast.alice("POST", "/jobs", GOOD).ok()


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind": "procedure", "globals": {"tof": NaN}}',
        b'{"kind": "procedure", "globals": {"tof": Infinity}}',
        b"{",
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"text"',
        b"[]",
        b"[1]",
        b"null",
        b'{"kind": "procedure", "kind": ["x"]}',
        b'{"apparatus": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_request_is_refused(cast: Cast, body: bytes) -> None:
    answer = cast.alice("POST", "/jobs", body)
    assert answer.status == 422, answer.body
    assert answer.body["request_id"]


def test_a_number_too_large_for_a_float_is_refused(cast: Cast) -> None:
    body = b'{"kind":"procedure","apparatus":"sim","procedure":"bec_tof","globals":{"tof":1e400}}'
    answer = cast.alice("POST", "/jobs", body)
    assert answer.status == 422
    assert "finite" in answer.body["detail"] or answer.body["code"] == "bad_json"


def test_a_list_is_taken_whole_or_not_at_all(cast: Cast) -> None:
    bad = GOOD | {"globals": {"tof": 9}}
    answer = cast.alice("POST", "/jobs", [GOOD, bad, GOOD | {"procedure": "no"}])
    assert answer.status == 422
    places = [fault["where"] for fault in answer.body["faults"]]
    assert places == ["body.1.globals.tof", "body.2.procedure"]
    assert not Job.objects.exists()
    jobs = cast.alice("POST", "/jobs", [GOOD, GOOD | {"name": "second"}]).ok()
    assert [job["name"] for job in jobs] == ["", "second"]
    assert (
        Job.objects.count() == Event.objects.filter(what="job.submitted").count() == 2
    )


def test_a_dry_run_stores_nothing(cast: Cast) -> None:
    scan = {"globals": {"tof": [0.002, 0.003, 0.004]}}
    answer = cast.alice("POST", "/jobs?dry_run=1", GOOD | scan).ok()
    assert (answer["shots"], answer["faults"]) == (3, [])
    bad = cast.alice("POST", "/jobs?dry_run=1", GOOD | {"globals": {"tof": 9}}).ok()
    assert bad["faults"][0]["where"] == "globals.tof"
    script = cast.alice("POST", "/jobs?dry_run=1", SCRIPT).ok()
    assert script["shots"] is None
    assert not Job.objects.exists()


def test_the_same_key_and_body_is_one_job(cast: Cast) -> None:
    first = cast.alice("POST", "/jobs", GOOD, Idempotency_Key="a").ok()
    again = cast.alice("POST", "/jobs", GOOD, Idempotency_Key="a")
    assert (again.status, again.body["id"]) == (201, first["id"])
    other = cast.alice("POST", "/jobs", GOOD, Idempotency_Key="b").ok()
    assert other["id"] != first["id"]
    theirs = cast.bob("POST", "/jobs", GOOD, Idempotency_Key="a").ok()
    assert theirs["id"] != first["id"]


def test_the_same_key_with_another_body_is_refused(cast: Cast) -> None:
    cast.alice("POST", "/jobs", GOOD, Idempotency_Key="a").ok()
    answer = cast.alice("POST", "/jobs", GOOD | {"name": "x"}, Idempotency_Key="a")
    assert (answer.status, answer.body["code"]) == (422, "idempotency_mismatch")


def test_a_submission_taken_once_stays_taken(cast: Cast) -> None:
    first = cast.alice("POST", "/jobs", GOOD, Idempotency_Key="a").ok()
    cast.agent.open(procedures=[])
    again = cast.alice("POST", "/jobs", GOOD, Idempotency_Key="a").ok()
    assert again["id"] == first["id"]


def test_too_many_waiting_shots_are_refused_with_the_numbers(
    cast: Cast, configured: Callable[..., None]
) -> None:
    configured(max_pending_shots=4)
    scan = GOOD | {"globals": {"tof": [0.002, 0.003, 0.004]}}
    cast.alice("POST", "/jobs", scan).ok()
    answer = cast.alice("POST", "/jobs", scan)
    assert (answer.status, answer.body["code"]) == (429, "too_many_pending_shots")
    assert "4 are allowed" in answer.body["detail"]
    cast.bob("POST", "/jobs", scan).ok()


def test_jobs_are_listed_newest_first_by_state_tag_and_page(cast: Cast) -> None:
    ids = [
        cast.alice("POST", "/jobs", GOOD | {"tags": [f"t{i}"]}).ok()["id"]
        for i in range(3)
    ]
    cast.bob("POST", "/jobs", GOOD).ok()
    page = cast.alice("GET", "/jobs?limit=2").ok()
    assert [job["id"] for job in page["jobs"]] == ids[:0:-1]
    assert (page["total"], page["next"]) == (3, "2")
    rest = cast.alice("GET", f"/jobs?limit=2&cursor={page['next']}").ok()
    assert ([job["id"] for job in rest["jobs"]], rest["next"]) == ([ids[0]], None)
    tagged = cast.alice("GET", "/jobs?tag=t1").ok()
    assert [job["id"] for job in tagged["jobs"]] == [ids[1]]
    assert cast.alice("GET", "/jobs?state=done").ok()["total"] == 0
    assert cast.alice("GET", "/jobs?state=nonsense").status == 422
