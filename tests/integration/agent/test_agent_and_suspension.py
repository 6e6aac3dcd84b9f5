"""A user is suspended while his shot runs: that one ends by itself, and no other starts."""

import pytest
from tests.fakes.agent_site import AgentSite
from tests.fakes.fake_blacs import FakeBlacs

from shothub.client import Hub, Unauthorized
from shothub.domain.states import JobState, ShotState


def test_the_running_shot_ends_and_no_other_starts_until_he_is_let_in(
    agent: AgentSite, blacs: FakeBlacs
) -> None:
    blacs.stop_before("save")
    job = agent.submit(points=3)
    assert blacs.reached["save"].wait(30)
    said = agent.admin("user", "suspend", "alice", "--why", "Burnt the coils.")
    assert "1 jobs held back" in said
    for refused in (job.refresh, agent.submit):
        with pytest.raises(Unauthorized):
            refused()
    blacs.go_on()
    assert agent.finished(agent.submit(user="bob")).state is JobState.DONE
    assert of_job(blacs, job.id) == 1

    agent.admin("user", "reinstate", "alice")
    with pytest.raises(Unauthorized):
        job.refresh()
    with Hub(agent.url, agent.admin("token", "alice").split()[-1]) as hub:
        again = agent.finished(hub.job(job.id))
        assert [shot.state for shot in again.shots()] == [ShotState.DONE] * 3
        assert again.images("absorption").shape == (3, 3, 8, 10)
    assert of_job(blacs, job.id) == 3


def of_job(blacs: FakeBlacs, ident: str) -> int:
    """Return how many shots of a job were started; none of them twice."""
    begun = [path for path in blacs.begun if ident in path]
    assert len(set(begun)) == len(begun)
    return len(begun)
