"""The main job on the stock BLACS: two users, one machine, results by job id."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.agent_site import AgentSite

from shothub.agent.prepare import prepare
from shothub.client import NotFound
from shothub.domain.states import JobState, ShotState
from shothub.suite.blacs import start_blacs
from shothub.suite.profile import suite_environment

SCRIPT = """
from labscriptlib.bec import begin, finish, image, prepare_bec, time_of_flight

t = begin()
t = prepare_bec(t)
t = time_of_flight(t, my_tof)
t = image(t)
finish(t)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentSite]:
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    with AgentSite(folder) as site:
        state = prepare(site.lab).state
        environment = suite_environment(state / "profile", offscreen=True)
        blacs = start_blacs(state, environment, offscreen=True)
        try:
            site.start_agent()
            yield site
            site.stop_agent()
        finally:
            blacs.stop()


def shots_of(site: AgentSite, user: str, source: str, job: str) -> list[Path]:
    root = site.lab / "shots" / user / source
    return sorted(root.glob(f"*/*/*/{job}/*.h5"))


def test_two_users_share_one_machine(site: AgentSite) -> None:
    alice = site.user("alice")
    bob = site.user("bob")
    scan = alice.apparatus("sim").run(
        procedure="bec_tof", globals={"tof": [5e-3, 10e-3]}
    )
    script = site.folder / "my_tof.py"
    script.write_text(SCRIPT)
    own = bob.apparatus("sim").run(script=script, globals={"my_tof": [6e-3, 8e-3]})
    for job in (scan, own):
        job.wait(progress=False)
        assert job.state is JobState.DONE
        assert [shot.state for shot in job.shots()] == [ShotState.DONE] * 2
        assert job.images("absorption").shape[:2] == (2, 3)
    assert [shot.globals["my_tof"] for shot in own.shots()] == [6e-3, 8e-3]
    assert scan.results()["tof"].tolist() == [5e-3, 10e-3]
    assert len(shots_of(site, "alice", "bec_tof", scan.id)) == 2
    assert len(shots_of(site, "bob", "my_tof", own.id)) == 2
    with pytest.raises(NotFound):
        bob.job(scan.id)


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("raise ValueError('mine')", "compile_error", "bad.py:1"),
        ("x = (", "syntax_error", "bad.py:1"),
        ("raise SystemExit", "exited", "bad.py:1"),
    ],
)
def test_a_bad_script_is_refused_and_the_next_job_runs(
    site: AgentSite, text: str, code: str, where: str
) -> None:
    apparatus = site.user("alice").apparatus("sim")
    script = site.folder / "bad.py"
    script.write_text(text)
    bad = apparatus.run(script=script)
    bad.wait(progress=False, raise_on_failure=False)
    assert bad.state is JobState.FAILED
    assert [(f.code, f.where) for f in bad.view.faults] == [(code, where)]
    good = apparatus.run(procedure="bec_tof", globals={"tof": 5e-3})
    good.wait(progress=False)
    assert good.state is JobState.DONE
