"""A hub that ran jobs is backed up and lost; what is restored has every result, and waits."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.agent_site import AgentSite
from tests.fakes.fake_blacs import FakeBlacs
from tests.postgres import own_database

from shothub.client import Hub, Job
from shothub.domain.states import JobState


def everything(job: Job) -> dict[str, Any]:
    """Return all that a user can read of his job."""
    return {
        "job": job.refresh().view.model_dump(),
        "shots": [shot.model_dump() for shot in job.shots()],
        "table": job.result_table().model_dump(),
        "files": {file.name: job.read(file) for file in job.files()},
        "images": job.images("absorption").tolist(),
        "logs": job.logs(),
    }


def test_every_result_is_there_again_and_nothing_starts_by_itself(
    agent: AgentSite, blacs: FakeBlacs, tmp_path: Path
) -> None:
    job = agent.finished(agent.submit(points=2))
    before = everything(job)
    assert before["files"]
    backup = tmp_path / "hub.tar"
    agent.admin("backup", str(backup))
    agent.kill_hub()
    (agent.folder / "hub").rename(agent.folder / "lost")
    with own_database():
        agent.admin("restore", str(backup))
        agent.start_hub()
        assert everything(job) == before
        held = agent.user().apparatus("sim").refresh().view.held
        assert "restored from a backup" in held
        waiting = agent.submit(points=1)
        agent.admin("grant", "bob", "sim", "--operator")
        token = agent.admin("token", "bob", "--operator").split()[-1]
        assert "holds a hub already" in refusal(agent, "restore", str(backup))
        assert everything(job) == before
        assert waiting.refresh().state is not JobState.DONE
        with Hub(agent.url, token) as bob:
            bob.apparatus("sim").lift_hold()
        assert agent.finished(waiting).state is JobState.DONE


def refusal(site: AgentSite, *words: str) -> str:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        site.admin(*words)
    assert refused.value.returncode == 1
    assert "Traceback" not in refused.value.stderr
    return str(refused.value.stderr)
