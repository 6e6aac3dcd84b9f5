"""Programs that die while shots run: nothing is lost, nothing fires twice."""

import os
import signal

import pytest

from shothub.client import Apparatus, Job
from shothub.demo.stage import Stage
from shothub.runtime import clock

PATIENCE = 90.0


def until_running(job: Job, shots_done: int = 1) -> None:
    for view in job.changes(PATIENCE):
        if view.shots_done >= shots_done:
            return
    raise AssertionError(f"the job ended early: {job.view}")


def starts(job: Job) -> list[int | None]:
    return [event.shot for event in job.events() if event.what == "shot.started"]


def test_the_agent_is_killed_and_each_shot_ran_once(
    stage: Stage, alice: Apparatus
) -> None:
    job = alice.run(procedure="bec_tof", globals={"tof": [8e-3, 9e-3, 1e-2, 11e-3]})
    until_running(job)
    agent = next(p for p in stage.programs if p.name == "agent")
    os.killpg(agent.process.pid, signal.SIGKILL)
    agent.process.wait()
    stage.programs.remove(agent)
    stage.start_agent()
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 4
    done = [e.shot for e in job.events() if e.what == "shot.done"]
    assert sorted(done, key=str) == [0, 1, 2, 3]


def test_the_hub_is_killed_and_the_job_goes_on(stage: Stage, alice: Apparatus) -> None:
    job = alice.run(procedure="bec_tof", globals={"tof": [8e-3, 9e-3, 1e-2]})
    until_running(job)
    hub = next(p for p in stage.programs if p.name == "hub")
    os.killpg(hub.process.pid, signal.SIGKILL)
    hub.process.wait()
    stage.programs.remove(hub)
    stage.start_hub()
    job.wait(PATIENCE, progress=False)
    assert job.view.shots_done == 3
    assert sorted(starts(job), key=str) == [0, 1, 2]


def test_blacs_is_killed_and_the_shot_is_unknown(
    stage: Stage, alice: Apparatus
) -> None:
    job = alice.run(procedure="bec_tof", globals={"tof": [8e-3, 9e-3, 1e-2]})
    until_running(job)
    assert stage.blacs is not None
    clock.pause(0.4)  # well inside the next shot
    stage.blacs.kill()
    stage.start_blacs(stage.lab / "state")
    job.wait(PATIENCE, progress=False, raise_on_failure=False)
    assert job.view.shots_done + job.view.shots_unknown + job.view.shots_failed == 3
    assert job.view.shots_unknown <= 1
    assert len(starts(job)) <= 4
    again = alice.run(procedure="bec_tof").wait(PATIENCE, progress=False)
    assert again.view.shots_done == 1


def test_a_job_is_cancelled_at_a_shot_edge(alice: Apparatus) -> None:
    job = alice.run(procedure="bec_tof", globals={"tof": [8e-3] * 8})
    until_running(job)
    job.cancel()
    job.wait(PATIENCE, progress=False, raise_on_failure=False)
    assert job.view.state == "cancelled"
    assert 1 <= job.view.shots_done < 8


@pytest.mark.parametrize("reason", ["The chiller is being repaired."])
def test_a_hold_of_the_lab_stops_new_shots_and_says_why(
    stage: Stage, alice: Apparatus, reason: str
) -> None:
    hold = stage.lab / "state" / "hold"
    hold.write_text(reason)
    try:
        job = alice.run(procedure="bec_tof")
        deadline = clock.monotonic() + PATIENCE
        while reason not in alice.refresh().view.status.hold:
            assert clock.monotonic() < deadline
            clock.pause(0.1)
        assert job.refresh().view.shots_done == 0
    finally:
        hold.unlink()
    assert job.wait(PATIENCE, progress=False).view.shots_done == 1
