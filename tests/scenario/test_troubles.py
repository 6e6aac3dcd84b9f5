"""Programs that die while shots run: nothing is lost, nothing fires twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shothub.client import Apparatus, Job
from shothub.demo.processes import start
from shothub.demo.stage import Stage
from shothub.runtime import clock

PATIENCE = 120.0
Begun = Callable[[], Counter[int]]


@pytest.fixture(autouse=True)
def fires_once(stage: Stage, begun: Begun) -> Iterator[None]:
    """After each trouble no attempt has begun more than once, and none is done twice."""
    yield
    assert set(begun().values()) <= {1}
    for job in stage.members["alice"].hub().jobs(limit=3):
        done = Counter(e.shot for e in job.events() if e.what == "shot.done")
        assert set(done.values()) <= {1}, job.id


def until_running(job: Job, shots_done: int = 1) -> None:
    if job.refresh().view.shots_done >= shots_done:
        return
    for view in job.changes(PATIENCE):
        if view.shots_done >= shots_done:
            return
    raise AssertionError(f"the job ended early: {job.view}")


def until(what: str, ready: Callable[[], bool]) -> None:
    deadline = clock.monotonic() + PATIENCE
    while not ready():
        assert clock.monotonic() < deadline, f"not in time: {what}"
        clock.pause(0.1)


def kill(stage: Stage, name: str) -> None:
    program = next(p for p in stage.programs if p.name == name)
    os.killpg(program.process.pid, signal.SIGKILL)
    program.process.wait()
    stage.programs.remove(program)


def scan(apparatus: Apparatus, shots: int) -> Job:
    tof = [8e-3 + 1e-4 * i for i in range(shots)]
    return apparatus.run(procedure="bec_tof", globals={"tof": tof})


def starts(job: Job) -> list[int | None]:
    return [event.shot for event in job.events() if event.what == "shot.started"]


def test_the_agent_is_killed_again_and_again(stage: Stage, alice: Apparatus) -> None:
    chance = random.Random(3)
    job = scan(alice, 12)
    until_running(job)
    for _ in range(5):
        kill(stage, "agent")
        stage.start_agent()
        until_running(job, min(job.refresh().view.shots_done + 1, 12))
        clock.pause(chance.uniform(0, 1.2))
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 12
    assert list(job.results().index) == list(range(12))
    assert job.results()["atom_number.atoms"].notna().all()


def test_the_hub_is_killed_and_the_job_goes_on(stage: Stage, alice: Apparatus) -> None:
    job = scan(alice, 4)
    until_running(job)
    kill(stage, "hub")
    stage.start_hub()
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 4
    assert sorted(starts(job), key=str) == [0, 1, 2, 3]


def test_blacs_is_killed_and_the_shot_is_unknown(
    stage: Stage, alice: Apparatus, bob: Apparatus
) -> None:
    job = scan(alice, 3)
    until_running(job)
    assert stage.blacs is not None
    clock.pause(0.4)  # well inside the next shot
    assert stage.blacs.pid is not None
    os.killpg(stage.blacs.pid, signal.SIGKILL)
    until("BLACS is gone", lambda: not (stage.blacs and stage.blacs.running))
    stage.keep_blacs()
    job.wait(PATIENCE, progress=False, raise_on_failure=False)
    assert job.view.shots_done + job.view.shots_unknown + job.view.shots_failed == 3
    assert job.view.shots_unknown <= 1
    assert len(starts(job)) <= 4
    assert scan(bob, 1).wait(PATIENCE, progress=False).view.shots_done == 1


@pytest.mark.parametrize("step", ["fail programming", "fail saving", "die programming"])
def test_a_device_fails_and_the_next_users_job_runs(
    alice: Apparatus, bob: Apparatus, step: str
) -> None:
    Path(os.environ["MOODY_CAMERA"]).write_text(step)
    job = scan(alice, 2)
    again = scan(bob, 1)
    job.wait(PATIENCE, progress=False, raise_on_failure=False)
    assert job.view.shots_failed == 1
    assert job.view.shots_done == 1
    (failed,) = (shot for shot in job.shots() if shot.state == "failed")
    assert failed.reason
    assert "camera" in failed.reason.lower()
    assert again.wait(PATIENCE, progress=False).view.shots_done == 1


def test_a_job_is_cancelled_at_a_shot_edge(alice: Apparatus) -> None:
    job = scan(alice, 8)
    until_running(job)
    job.cancel()
    job.wait(PATIENCE, progress=False, raise_on_failure=False)
    assert job.view.state == "cancelled"
    assert 1 <= job.view.shots_done < 8


def test_a_hold_of_the_lab_stops_new_shots_and_says_why(
    stage: Stage, alice: Apparatus
) -> None:
    reason = "The chiller is being repaired."
    hold = stage.lab / "state" / "hold"
    hold.write_text(reason)
    try:
        job = scan(alice, 1)
        until("the hold shows", lambda: reason in alice.refresh().view.status.hold)
        assert job.refresh().view.shots_done == 0
    finally:
        hold.unlink()
    assert job.wait(PATIENCE, progress=False).view.shots_done == 1


def admin(stage: Stage, *words: str) -> str:
    command = [sys.executable, "-m", "shothub", "admin", *words]
    command += ["--data", str(stage.folder / "hub")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def post(stage: Stage, token: str, route: str, body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{stage.url}/api/v1/{route}"
    return httpx.post(url, json=body, headers=headers, timeout=30)


def test_an_operator_pauses_and_resumes(stage: Stage, alice: Apparatus) -> None:
    admin(stage, "grant", "bob", stage.apparatus, "--operator")
    scope = ["--scope", "apparatus:control"]
    operator = admin(stage, "token", "bob", *scope).split()[-1]
    member = stage.members["alice"].token
    job = scan(alice, 6)
    until_running(job)
    assert post(stage, operator, "apparatus/sim/pause", {"message": "x"}).is_success
    until("it pauses", lambda: alice.refresh().view.status.blacs == "paused")
    done = job.refresh().view.shots_done
    clock.pause(2.5)
    assert job.refresh().view.shots_done == done < 6
    assert post(stage, member, "apparatus/sim/resume", {}).status_code == 403
    assert post(stage, operator, "apparatus/sim/resume", {}).is_success
    assert job.wait(PATIENCE, progress=False).view.shots_done == 6


def fill(folder: Path, left: int = 0) -> Path:
    """Leave few bytes on the small disk of a folder; return the file that fills it."""
    if not os.path.ismount(folder):
        pytest.skip("a disk that may be filled needs the right to mount one")
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while shutil.disk_usage(folder).free > left:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


def test_the_disk_of_the_shots_is_nearly_full(
    stage: Stage, alice: Apparatus, bob: Apparatus
) -> None:
    job = scan(alice, 4)
    until_running(job)
    ballast = fill(stage.lab / "shots", left=10_000_000)
    try:
        until("it holds", lambda: "bytes left" in alice.refresh().view.status.hold)
        late = scan(bob, 1)
        clock.pause(3.0)
        assert late.refresh().view.shots_done == 0
        assert job.refresh().view.shots_done < 4
    finally:
        ballast.unlink()
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 4
    assert job.results()["atom_number.atoms"].notna().all()
    late.wait(PATIENCE, progress=False, raise_on_failure=False)
    assert late.view.shots_done or late.view.faults[0].code == "disk_full"
    assert scan(bob, 1).wait(PATIENCE, progress=False).view.shots_done == 1


def test_the_disk_of_the_shots_is_full_within_a_shot(
    stage: Stage, alice: Apparatus
) -> None:
    """HDF5 spoils that shot's file, over which the queue of the stock BLACS stumbles."""
    job = scan(alice, 3)
    until_running(job)
    ballast = fill(stage.lab / "shots")
    try:
        until("it holds", lambda: "bytes left" in alice.refresh().view.status.hold)
        until(
            "it fails", lambda: job.refresh().view.shots_done in (2, 3) or failed(job)
        )
    finally:
        ballast.unlink()
    # If the queue of the stock BLACS has ended, BLACS is started anew by itself.
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done >= 2
    done = [shot.index for shot in job.shots() if shot.state == "done"]
    values = job.results()["atom_number.atoms"][done]
    assert values.notna().all(), job.result_table().routines


def failed(job: Job) -> bool:
    return job.view.shots_failed > 0


def test_the_disk_of_the_hub_is_full(stage: Stage, alice: Apparatus) -> None:
    job = scan(alice, 4)
    until_running(job)
    token = stage.members["alice"].token
    script = {"name": "x.py", "text": "#" * 900_000}
    request = {"kind": "script", "apparatus": "sim", "script": script}
    ballast = fill(stage.folder / "hub")
    try:
        for _ in range(20):  # the database has some room of its own
            answer = post(stage, token, "jobs", request)
            if not answer.is_success:
                break
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "disk_full"
        clock.pause(3.0)
    finally:
        ballast.unlink()
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 4
    assert job.results()["atom_number.atoms"].notna().all()
    assert len(job.images("absorption")) == 4


def test_a_second_agent_in_the_same_folder_is_refused(stage: Stage) -> None:
    second = stage.start_agent()
    stage.programs.remove(second)
    assert second.process.wait(30) == 2
    assert "another_agent" in second.log.read_text()


def test_two_agents_take_over_from_each_other_and_nothing_fires_twice(
    stage: Stage, alice: Apparatus
) -> None:
    job = scan(alice, 5)
    until_running(job)
    copy = stage.folder / "copy"
    shutil.copytree(stage.lab, copy, ignore=shutil.ignore_patterns("state", "shots"))
    words = ["--hub", stage.url, "--token-file", str(stage.folder / "agent.token")]
    second = start(
        "second",
        ("shothub", "agent", "--apparatus", str(copy), *words),
        log=stage.folder / "logs" / "second.log",
    )
    try:
        (first,) = (p for p in stage.programs if p.name == "agent")
        assert first.process.wait(60) == 3
        stage.programs.remove(first)
    finally:
        second.stop()
    stage.start_agent()
    until("the hub holds", lambda: "fight" in alice.refresh().view.held)
    held = scan(alice, 2)
    until("it is compiled", lambda: held.refresh().state == "queued")
    admin(stage, "grant", "bob", stage.apparatus, "--operator")
    words = ["token", "bob", "--scope", "apparatus:control"]
    operator = admin(stage, *words).split()[-1]
    assert post(stage, operator, "apparatus/sim/lift-hold", {}).is_success
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 5
    assert held.wait(PATIENCE, progress=False).view.shots_done == 2
