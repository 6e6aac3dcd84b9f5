"""Holds, decisions and refused quotas with the SDK and the command, against the real hub."""

import json

import pytest
from tests.integration.client.test_client_with_hub import (  # noqa: F401 (fixtures)
    Place,
    agent,
    place,
)
from tests.integration.server.scripted_agent import ScriptedAgent

from shothub.client import Conflict

pytestmark = pytest.mark.usefixtures("agent")


def test_an_unknown_shot_is_run_again_from_the_command_line(
    place: Place,  # noqa: F811
    agent: ScriptedAgent,  # noqa: F811
) -> None:
    apparatus = place.hub("alice").apparatus("sim")
    first = apparatus.run(procedure="bec_tof", hold=True)
    second = apparatus.run(procedure="bec_tof", after=first)
    agent.compile_one()
    agent.compile_one()
    assert agent.lease() == []
    assert place.shothub("alice", "release", first.id).returncode == 0
    [lease] = agent.lease()
    agent.finish(agent.start(lease).ok()["attempt"], "unknown", reason="cut").ok()
    assert first.refresh().state == "failed"
    assert first.id in second.refresh().view.notice
    [shot] = first.unknown()
    assert (shot.index, shot.reason) == (0, "cut")
    listed = place.shothub("alice", "unknown", first.id, "--json")
    assert [one["index"] for one in json.loads(listed.stdout)] == [0]
    decided = place.shothub("alice", "decide", first.id, "0", "rerun")
    assert (decided.returncode, "queued" in decided.stdout) == (0, True)
    agent.run_one()
    agent.end_job()
    assert first.refresh().state == "done"
    with pytest.raises(Conflict):
        first.decide(0, "give_up")
    agent.run_one()
    agent.end_job()
    assert second.refresh().state == "done"


def test_a_dry_run_and_whoami_tell_of_quotas(place: Place) -> None:  # noqa: F811
    told = place.hub("alice").apparatus("sim").run(procedure="bec_tof", dry_run=True)
    assert (told.shots, told.faults) == (1, [])
    me = place.hub("alice").me()
    assert {quota.what for quota in me.quotas} == {"pending_jobs", "pending_shots"}
    said = place.shothub("alice", "whoami")
    assert "waiting shots" in said.stdout
    who = place.shothub("alice", "apparatus", "pause", "sim", "-m", "no operator")
    assert who.returncode == 4
