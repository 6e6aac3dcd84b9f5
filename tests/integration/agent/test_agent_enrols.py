"""An agent and its token, as real processes: enrolled once, kept, found again."""

import stat

from tests.fakes.agent_site import AgentSite, until
from tests.fakes.fake_blacs import FakeBlacs


def test_an_agent_enrols_once_and_finds_its_token_again(
    site: AgentSite, blacs: FakeBlacs
) -> None:
    file = site.state / "agent.token"
    assert site.launch_agent_by().wait(30) == 2
    assert "--enrol" in site.log("agent")

    code = site.admin("agent", "code", "sim")
    site.start_agent("--enrol", code)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = file.read_text().strip()
    assert token.startswith("shb_agt_")
    job = site.finished(site.submit(points=1))
    assert job.view.shots_done == 1
    assert site.stop_agent() == 0
    assert token not in site.log("agent")

    site.start_agent("--token-file", str(file))
    assert site.stop_agent() == 0

    assert site.launch_agent_by("--enrol", code).wait(30) == 2
    assert "used or expired" in site.log("agent")
    assert file.read_text().strip() == token


def test_a_revoked_agent_is_out_at_once(site: AgentSite, blacs: FakeBlacs) -> None:
    code = site.admin("agent", "code", "sim")
    site.start_agent("--enrol", code)
    ident = (site.state / "agent.token").read_text().split("_")[2]
    try:
        site.admin("revoke", ident)
        until("the agent is told", lambda: "bad_token" in site.log("agent"))
    finally:
        site.kill_agent()
    assert site.launch_agent_by().wait(30) == 2
    (site.state / "agent.token").unlink()
