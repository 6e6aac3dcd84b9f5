"""A job from submission to its results, with a scripted agent."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.integration.server.hub_cast import Cast

from shothub.server.apparatus.models import Apparatus

Submit = Callable[..., Any]


def test_a_job_runs_from_submission_to_its_results(cast: Cast, submit: Submit) -> None:
    job = submit(globals={"tof": [0.005, 0.010]}, name="scan", tags=["demo"])
    assert (job["state"], job["shots"], job["owner"]) == ("submitted", None, "alice")
    assert job["globals"] == {"tof": [0.005, 0.010], "atoms": 1}
    assert cast.agent.compile_one(shots=2) == job["id"]
    seen = cast.alice("GET", f"/jobs/{job['id']}").ok()
    assert (seen["state"], seen["shots"], seen["position"]) == ("queued", 2, 1)
    cast.agent.run_one(atoms=1000.0)
    cast.agent.run_one(atoms=2000.0, width=None)
    assert cast.alice("GET", f"/jobs/{job['id']}").ok()["state"] == "analysing"
    assert cast.agent.end_job(temperature=1e-7) == job["id"]
    done = cast.alice("GET", f"/jobs/{job['id']}").ok()
    assert (done["state"], done["shots_done"], done["position"]) == ("done", 2, None)
    table = cast.alice("GET", f"/jobs/{job['id']}/results").ok()
    assert table["columns"] == [
        ["tof"],
        ["atom_number", "atoms"],
        ["atom_number", "width"],
    ]
    assert table["units"] == ["s", "", ""]
    assert table["rows"] == [[0.005, 1000.0, None], [0.01, 2000.0, None]]
    assert table["multishot"] == {"tof_temperature": {"temperature": 1e-7}}


def test_every_change_is_an_event_in_order(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    cast.agent.run_one()
    cast.agent.end_job()
    events = cast.alice("GET", f"/jobs/{job}/events").ok()
    assert [event["what"] for event in events] == [
        "job.submitted",
        "job.compiling",
        "job.queued",
        "shot.leased",
        "shot.started",
        "job.running",
        "shot.done",
        "shot.analysed",
        "job.analysing",
        "job.done",
    ]
    newest = events[-2]["id"]
    later = cast.alice("GET", f"/jobs/{job}/events?since={newest}").ok()
    assert [event["what"] for event in later] == ["job.done"]


def test_a_missing_shot_is_a_row_of_its_own(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=3)
    cast.agent.run_one(atoms=1.0)
    [lease] = cast.agent.lease()
    attempt = cast.agent.start(lease).ok()["attempt"]
    cast.agent.finish(attempt, "failed", reason="a device did not answer").ok()
    table = cast.alice("GET", f"/jobs/{job}/results").ok()
    assert table["index"] == [0, 1, 2]
    assert table["states"] == ["done", "failed", "compiled"]
    assert [row[-1] for row in table["rows"]] == [1.0, None, None]
    cast.agent.run_one()
    cast.agent.end_job()
    view = cast.alice("GET", f"/jobs/{job}").ok()
    counts = (view["shots_done"], view["shots_failed"], view["shots_unknown"])
    assert (view["state"], counts) == ("done", (2, 1, 0))


def test_a_job_without_a_good_shot_fails(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    cast.agent.finish(cast.agent.start(lease).ok()["attempt"], "aborted").ok()
    assert cast.alice("GET", f"/jobs/{job}").ok()["state"] == "failed"


def test_compile_faults_fail_the_job_and_are_shown(cast: Cast, submit: Submit) -> None:
    job = submit()
    fault = {
        "code": "script_raised",
        "detail": "ZeroDivisionError",
        "where": "exp.py:1",
    }
    cast.agent.compile_one(shots=0, faults=[fault], log="before it\n")
    view = cast.alice("GET", f"/jobs/{job['id']}").ok()
    assert view["state"] == "failed"
    assert view["faults"] == [fault | {"hint": ""}]
    logs = cast.alice("GET", f"/jobs/{job['id']}/logs").ok()
    assert logs == [{"stage": "compile", "text": "before it\n"}]


def test_a_failed_routine_marks_itself_only(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    attempt = cast.agent.start(lease).ok()["attempt"]
    cast.agent.finish(attempt).ok()
    routines = [
        {"routine": "bad", "failed": "KeyError: 'x'", "traceback": "bad.py:3"},
        {"routine": "good", "values": {"n": 3}},
    ]
    body = {"epoch": cast.agent.epoch, "routines": routines}
    for _ in range(2):  # a repeated report changes nothing
        cast.agent.call("POST", f"/agent/attempts/{attempt}/analysis", body).ok()
    table = cast.alice("GET", f"/jobs/{job}/results").ok()
    assert [(r["routine"], r["state"]) for r in table["routines"]] == [
        ("bad", "failed"),
        ("good", "done"),
    ]
    assert table["states"] == ["done"]
    assert table["rows"] == [[0.005, 3]]


def test_a_script_job_carries_the_users_files(cast: Cast) -> None:
    body = {
        "kind": "script",
        "apparatus": "sim",
        "script": {"name": "my_exp.py", "text": "start()"},
        "globals": {"a": 1, "b": {"expression": "linspace(0, 1, 3)", "units": "V"}},
        "globals_file": {"name": "g.toml", "content": "YSA9IDE="},
        "routines": [{"name": "fit.py", "text": "pass"}],
    }
    job = cast.alice("POST", "/jobs", body).ok()
    [task] = cast.agent.poll(compile=1).ok()["compile"]
    assert (job["source"], job["kind"]) == ("my_exp", "script")
    assert task["script"] == body["script"]
    assert task["globals"] == body["globals"]
    assert task["globals_file"]["name"] == "g.toml"
    assert task["routines"] == body["routines"]
    assert task["hdf5_allowed"] is True


def test_images_come_back_as_one_archive(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    cast.agent.compile_one(shots=2)
    for shot in (1, 0):
        content = f"image {shot}".encode()
        name = f"images/absorption/{shot}.npy"
        cast.agent.upload(job, name, content, shot=shot).ok()
    images = cast.alice("GET", f"/jobs/{job}/images").ok()
    assert [image["shot"] for image in images] == [0, 1]
    archive = cast.alice("GET", f"/jobs/{job}/images/absorption.npz").ok()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.namelist() == ["0.npy", "1.npy"]
        assert opened.read("1.npy") == b"image 1"
    one = cast.alice("GET", f"/jobs/{job}/files/images/absorption/0.npy").ok()
    assert one == b"image 0"


def test_the_queue_shows_whose_jobs_wait_but_only_my_own_ids(
    cast: Cast, submit: Submit
) -> None:
    mine = submit()["id"]
    submit(cast.bob)
    entries = cast.alice("GET", "/apparatus/sim/queue").ok()["entries"]
    assert [(e["owner"], e["job"], e["mine"]) for e in entries] == [
        ("alice", mine, True),
        ("bob", None, False),
    ]


def test_a_waiting_job_says_what_keeps_it(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]

    def notice() -> Any:
        return cast.alice("GET", f"/jobs/{job}").ok()["notice"]

    cast.agent.poll().ok()
    assert notice() == ""
    cast.agent.poll(hold="The chiller is hot.").ok()
    assert notice() == "the apparatus is held: The chiller is hot."
    cast.agent.poll(blacs="absent").ok()
    assert notice() == "BLACS is absent"
    cast.olga("POST", "/apparatus/sim/pause", {"message": "vacuum"}).ok()
    assert notice() == "the operator has paused the apparatus: vacuum"
    Apparatus.objects.update(last_seen=datetime(2026, 1, 1, tzinfo=UTC))
    assert notice() == "the apparatus is offline since 2026-01-01 00:00 UTC"
    cast.alice("POST", f"/jobs/{job}/cancel").ok()
    assert notice() == ""
