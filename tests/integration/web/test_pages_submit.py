"""Submission through forms: counted before, checked at the field, stored once."""

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.integration.server.hub_cast import Cast

FORM = "/apparatus/sim/procedures/bec_tof"
SCAN = {"g.tof.scan": "on", "g.tof.from": "0.005", "g.tof.to": "25e-3"}
GIVEN = {
    "g.tof": "0.01",
    "g.atoms": "3",
    "name": "scan",
    "tags": "a, b",
    "do": "submit",
}


def jobs_of(cast: Cast) -> list[dict[str, object]]:
    return list(cast.alice("GET", "/jobs").ok()["jobs"])


def test_a_form_has_a_field_for_each_global(alice: Client) -> None:
    text = alice.get(FORM).content.decode()
    assert 'name="g.tof" value="0.015"' in text
    assert "0.001 s (1 ms) to 0.03 s (30 ms)" in text
    assert 'name="g.atoms" value="1"' in text


def test_a_filled_form_becomes_a_job(cast: Cast, alice: Client) -> None:
    response = alice.post(FORM, GIVEN | SCAN | {"g.tof.points": "5"})
    [job] = jobs_of(cast)
    assert response.headers["Location"] == f"/jobs/{job['id']}"
    assert job["globals"] == {"tof": {"linspace": [0.005, 0.025, 5]}, "atoms": 3}
    assert job["tags"] == ["a", "b"]


def test_a_form_sent_twice_becomes_one_job(cast: Cast, alice: Client) -> None:
    for _ in range(2):
        assert alice.post(FORM, GIVEN | {"once": "abc"}).status_code == 302
    assert len(jobs_of(cast)) == 1


def test_the_number_of_shots_is_said_beforehand(cast: Cast, alice: Client) -> None:
    text = alice.post(f"{FORM}/count", GIVEN | SCAN | {"g.tof.points": "7"})
    assert "<strong>7</strong> shots" in text.content.decode()
    assert jobs_of(cast) == []


def test_checking_submits_nothing(cast: Cast, alice: Client) -> None:
    assert alice.post(FORM, GIVEN | {"do": "check"}).status_code == 200
    assert jobs_of(cast) == []


def test_an_error_stands_at_its_field(cast: Cast, alice: Client) -> None:
    for wrong in (
        {"g.tof": "5"},
        {"g.tof": "nan"},
        {"g.tof": "abc"},
        {"g.atoms": "1.5"},
    ):
        response = alice.post(FORM, GIVEN | wrong)
        assert response.status_code == 422
        [name] = wrong
        text = response.content.decode()
        assert f'aria-describedby="e-{name[2:]}"' in text
        assert re.search(rf'class="error" id="e-{name[2:]}">[^<]+<', text)
    assert jobs_of(cast) == []


def test_too_many_shots_are_refused_before_they_are_made(
    cast: Cast, alice: Client
) -> None:
    for points in ("201", "99999999999", "0", "x"):
        response = alice.post(FORM, GIVEN | SCAN | {"g.tof.points": points})
        assert response.status_code == 422
    assert jobs_of(cast) == []


def test_a_job_is_offered_again_as_it_was(cast: Cast, alice: Client) -> None:
    alice.post(FORM, GIVEN | SCAN | {"g.tof.points": "5"})
    [job] = jobs_of(cast)
    text = alice.get(f"{FORM}?again={job['id']}").content.decode()
    assert 'name="g.tof.to" value="0.025"' in text
    assert 'name="tags" value="a, b"' in text


def test_a_script_with_globals_becomes_a_job(cast: Cast, alice: Client) -> None:
    files = {
        "script": SimpleUploadedFile("my_exp.py", b"start()\n"),
        "globals_file": SimpleUploadedFile("g.h5", b"\x89HDF"),
        "routines": SimpleUploadedFile("fit.py", b"pass\n"),
        "globals": '{"tof": [1, 2]}',
    }
    response = alice.post("/apparatus/sim/script", files | {"name": "mine"})
    assert response.status_code == 302
    [job] = jobs_of(cast)
    assert (job["kind"], job["source"], job["name"]) == ("script", "my_exp", "mine")
    [task] = cast.agent.poll(compile=1).ok()["compile"]
    assert task["script"]["text"] == "start()\n"
    assert task["globals_file"]["name"] == "g.h5"
    assert task["routines"][0]["name"] == "fit.py"


def test_a_bad_upload_is_refused_at_its_field(cast: Cast, alice: Client) -> None:
    good = {"script": ("exp.py", b"start()")}
    for wrong, said in (
        ({}, "Choose a Python file"),
        ({"script": ("exp.txt", b"x")}, "must end in .py"),
        ({"script": ("exp.py", b"\xff\xfe")}, "not a text in UTF-8"),
        ({"script": ("a b.py", b"x")}, "cannot name a file here"),
        ({"script": ("exp.py", b"x" * 1_000_001)}, "larger than"),
        (good | {"globals_file": ("g.exe", b"x")}, "A globals file ends in"),
    ):
        files = {k: SimpleUploadedFile(n, c) for k, (n, c) in wrong.items()}
        response = alice.post("/apparatus/sim/script", files)
        assert response.status_code == 422
        assert said in response.content.decode()
    for text in ("{", "[1]", '{"tof": {"linspace": [1]}}', '{"a b": 1}'):
        files = {k: SimpleUploadedFile(n, c) for k, (n, c) in good.items()}
        response = alice.post("/apparatus/sim/script", files | {"globals": text})
        assert response.status_code == 422
    assert jobs_of(cast) == []
