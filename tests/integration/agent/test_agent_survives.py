"""An agent, a hub or a BLACS is killed at some moment: no shot twice, no result lost."""

from collections import Counter

import pytest
from tests.fakes.agent_site import AgentSite, until
from tests.fakes.fake_blacs import STEPS, FakeBlacs

from shothub.client import Job
from shothub.domain.states import JobState, ShotState


def all_done(job: Job, shots: int) -> None:
    assert job.state is JobState.DONE
    assert [shot.state for shot in job.shots()] == [ShotState.DONE] * shots
    assert job.images("absorption").shape == (shots, 3, 8, 10)


def each_once(blacs: FakeBlacs, job: Job, shots: int) -> None:
    begun = Counter(path for path in blacs.begun if job.id in path)
    assert len(begun) == shots
    assert set(begun.values()) == {1}


def test_a_job_runs_and_its_results_arrive(agent: AgentSite, blacs: FakeBlacs) -> None:
    job = agent.finished(agent.submit(points=3))
    all_done(job, 3)
    each_once(blacs, job, 3)
    assert [shot.globals["tof"] for shot in job.shots()] == [5e-3, 6e-3, 7e-3]
    folder = agent.lab / "shots" / "alice" / "bec_tof"
    assert len(list(folder.rglob(f"{job.id}_*.h5"))) == 3


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_agent_loses_and_repeats_nothing(
    agent: AgentSite, blacs: FakeBlacs, step: str
) -> None:
    blacs.stop_before(step)
    job = agent.submit()
    assert blacs.reached[step].wait(30)
    agent.kill_agent()
    agent.start_agent()
    blacs.go_on()
    all_done(agent.finished(job), 2)
    each_once(blacs, job, 2)


def test_a_shot_that_ends_while_no_agent_runs_is_reported(
    agent: AgentSite, blacs: FakeBlacs
) -> None:
    blacs.stop_before("save")
    job = agent.submit(points=1)
    assert blacs.reached["save"].wait(30)
    agent.kill_agent()
    blacs.go_on()
    until("the shot has ended", lambda: blacs._desk.in_hand is None)
    agent.start_agent()
    all_done(agent.finished(job), 1)


def test_a_killed_hub_is_waited_for(agent: AgentSite, blacs: FakeBlacs) -> None:
    blacs.stop_before("save")
    job = agent.submit()
    assert blacs.reached["save"].wait(30)
    agent.kill_hub()
    blacs.go_on()
    agent.start_hub()
    all_done(agent.finished(job), 2)
    each_once(blacs, job, 2)


def test_a_shot_lost_with_blacs_is_unknown_and_the_next_job_runs(
    agent: AgentSite, blacs: FakeBlacs
) -> None:
    blacs.stop_before("save")
    job = agent.submit()
    assert blacs.reached["save"].wait(30)
    blacs.kill()
    again = FakeBlacs(agent.state).start()
    try:
        agent.finished(job)
        states = [shot.state for shot in job.shots()]
        assert states == [ShotState.UNKNOWN, ShotState.DONE]
        all_done(agent.finished(agent.submit(points=1)), 1)
    finally:
        again.kill()


def test_an_agent_that_is_stopped_takes_its_offer_back(
    agent: AgentSite, blacs: FakeBlacs
) -> None:
    blacs.stop_before("take")
    job = agent.submit(points=1)
    assert blacs.reached["take"].wait(30)
    assert agent.stop_agent() == 0
    # A poll still under way may have leased it again; it was not started.
    assert job.shots()[0].state in (ShotState.COMPILED, ShotState.LEASED)
    blacs.go_on()
    agent.start_agent()
    all_done(agent.finished(job), 1)


def test_a_persons_hold_keeps_all_shots_back(
    agent: AgentSite, blacs: FakeBlacs
) -> None:
    hold = agent.state / "hold"
    hold.write_text("Someone is in the laser lab.")
    until("the hub knows", lambda: "laser lab" in agent.hold())
    job = agent.submit(points=1)
    until("it is compiled", lambda: job.refresh().state is JobState.QUEUED)
    assert blacs.begun == []
    hold.unlink()
    all_done(agent.finished(job), 1)


def test_a_second_agent_on_the_same_folder_is_refused(agent: AgentSite) -> None:
    log = agent.log("agent")
    second = agent.launch_agent()
    assert second.wait(30) == 2
    assert "another_agent" in agent.log("agent")
    assert "session" in log


def test_a_wrong_token_is_refused_with_words(site: AgentSite, blacs: FakeBlacs) -> None:
    assert site.launch_agent(token=site.tokens["alice"]).wait(30) == 2
    assert "agent:run" in site.log("agent")


def test_a_cancelled_job_gives_its_offer_back(
    agent: AgentSite, blacs: FakeBlacs
) -> None:
    blacs.stop_before("take")
    job = agent.submit(points=2)
    assert blacs.reached["take"].wait(30)
    job.cancel()
    agent.finished(job)
    assert job.state is JobState.CANCELLED
    blacs.go_on()
    all_done(agent.finished(agent.submit(points=1)), 1)
    assert not any(job.id in path for path in blacs.begun)
